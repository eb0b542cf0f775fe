/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "initiator/payload.hh"

namespace ofi_pmem
{

OperandLengths operand_lengths(const PersistentOp &op) noexcept
{
	return {op.local.length(), op.atomic().compare.length()};
}

void gather_write(const PersistentOp &op, size_t offset, size_t len,
		  uint8_t *payload) noexcept
{
	op.local.gather(offset, payload, len);
}

size_t refer_write(const PersistentOp &op, size_t offset, size_t len,
		   iovec *payload) noexcept
{
	size_t count = 0;
	op.local.for_each_part(offset, len,
			       [&](size_t, uint8_t *base, size_t part) {
				       payload[count++] = {base, part};
			       });
	return count;
}

void gather_operands(const PersistentOp &op, const OperandLengths &lengths,
		     uint8_t *payload) noexcept
{
	op.local.gather(0, payload, lengths.operands);
	op.atomic().compare.gather(0, payload + lengths.operands,
				   lengths.compare);
}

void scatter_data(const Request &request, const uint8_t *payload,
		  size_t len) noexcept
{
	const PersistentOp &op = *request.op;
	const Buffers &into =
		op.is(OpKind::atomic) ? op.atomic().result : op.local;
	into.scatter(request.iov_offset, payload, len);
}

} // namespace ofi_pmem
