/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Posts to a connected queue pair. */
#include "transport/verbs_link.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ofi_pmem
{

namespace
{

/*
 * For ibv_wr_post(3) ibv_wr_set_inline_data() alone asks to copy. The library
 * of Soft-RoCE then copies, but only this flag says so to its kernel module.
 * Without the flag the module looks for the data in an empty list of buffers,
 * fails, and flushes the queue pair.
 */
constexpr unsigned kInline = IBV_SEND_INLINE;

uint32_t local_key(const void *desc) noexcept
{
	return desc ? static_cast<const ibv_mr *>(desc)->lkey : 0;
}

} // namespace

int VerbsLink::post_receive(uint16_t slot) noexcept
{
	ibv_sge buffer{};
	buffer.addr = reinterpret_cast<uintptr_t>(receive_buffers_.at(slot));
	buffer.length = static_cast<uint32_t>(receive_buffers_.bytes());
	buffer.lkey = local_key(receive_buffers_.desc());
	ibv_recv_wr receive{};
	receive.wr_id = handle(Handle::receive, slot).to_number();
	receive.sg_list = &buffer;
	receive.num_sge = 1;
	ibv_recv_wr *refused = nullptr;
	return -ibv_post_recv(id_->qp, &receive, &refused);
}

/* Rings the doorbell for the `count` operations since ibv_wr_start(). */
int VerbsLink::complete_posting(size_t count) noexcept
{
	int ret = ibv_wr_complete(qp_);
	if (!ret)
		free_entries_ -= count;
	return -ret;
}

int VerbsLink::post_send(uint16_t slot, size_t len) noexcept
{
	if (!free_entries_)
		return -FI_EAGAIN;
	ibv_wr_start(qp_);
	qp_->wr_id = handle(Handle::send, slot).to_number();
	bool copied = len <= transport_.traits().inline_bytes;
	qp_->wr_flags = IBV_SEND_SIGNALED | (copied ? kInline : 0);
	ibv_wr_send(qp_);
	uint8_t *bytes = send_buffers_.at(slot);
	if (copied)
		ibv_wr_set_inline_data(qp_, bytes, len);
	else
		ibv_wr_set_sge(qp_, local_key(send_buffers_.desc()),
			       reinterpret_cast<uintptr_t>(bytes),
			       static_cast<uint32_t>(len));
	return complete_posting(1);
}

/*
 * The data is passed in one piece: from ibv_wr_set_inline_data_list() the
 * library of Soft-RoCE makes an operation of no bytes, which then succeeds.
 */
void VerbsLink::set_inline_data(const OneSided &operation) noexcept
{
	if (operation.iov_count == 1) {
		ibv_wr_set_inline_data(qp_, operation.iov->iov_base,
				       operation.iov->iov_len);
		return;
	}
	std::array<uint8_t, kMaxInline> gathered;
	size_t len = 0;
	for (size_t i = 0; i < operation.iov_count; i++) {
		const iovec &piece = operation.iov[i];
		std::memcpy(gathered.data() + len, piece.iov_base,
			    piece.iov_len);
		len += piece.iov_len;
	}
	ibv_wr_set_inline_data(qp_, gathered.data(), len);
}

bool VerbsLink::is_copied(const OneSided &operation) const noexcept
{
	return operation.kind == OneSided::Kind::write &&
	       operation.len <= transport_.traits().inline_bytes;
}

void VerbsLink::set_buffers(const OneSided &operation) noexcept
{
	if (is_copied(operation)) {
		set_inline_data(operation);
		return;
	}
	ibv_sge pieces[kMaxOneSidedBuffers];
	for (size_t i = 0; i < operation.iov_count; i++)
		pieces[i] = {
			reinterpret_cast<uintptr_t>(operation.iov[i].iov_base),
			static_cast<uint32_t>(operation.iov[i].iov_len),
			local_key(operation.desc[i])};
	ibv_wr_set_sge_list(qp_, operation.iov_count, pieces);
}

void VerbsLink::post_one(const OneSided &operation) noexcept
{
	auto key = static_cast<uint32_t>(operation.key);
	if (is_copied(operation))
		qp_->wr_flags |= kInline;
	switch (operation.kind) {
	case OneSided::Kind::write:
		ibv_wr_rdma_write(qp_, key, operation.addr);
		set_buffers(operation);
		break;
	case OneSided::Kind::read:
		ibv_wr_rdma_read(qp_, key, operation.addr);
		set_buffers(operation);
		break;
	case OneSided::Kind::flush_persistent:
		ibv_wr_flush(qp_, key, operation.addr, operation.len,
			     IBV_FLUSH_PERSISTENT | IBV_FLUSH_GLOBAL,
			     IBV_FLUSH_RANGE);
		break;
	case OneSided::Kind::flush_visible:
		ibv_wr_flush(qp_, key, operation.addr, operation.len,
			     IBV_FLUSH_GLOBAL, IBV_FLUSH_RANGE);
		break;
	case OneSided::Kind::atomic_write:
		ibv_wr_atomic_write(qp_, key, operation.addr,
				    operation.iov->iov_base);
		break;
	}
}

int VerbsLink::post_chain(const OneSided *chain, size_t count,
			  uint16_t slot) noexcept
{
	if (free_entries_ < count)
		return -FI_EAGAIN;
	ibv_wr_start(qp_);
	for (size_t i = 0; i < count; i++) {
		qp_->wr_id = handle(Handle::one_sided, slot).to_number();
		qp_->wr_flags = i + 1 == count ? IBV_SEND_SIGNALED : 0;
		post_one(chain[i]);
	}
	int ret = complete_posting(count);
	if (!ret)
		chain_lengths_[slot] = static_cast<uint8_t>(count);
	return ret;
}

void VerbsLink::chain_done(uint16_t slot) noexcept
{
	free_entries_ += chain_lengths_[slot];
	chain_lengths_[slot] = 0;
}

} // namespace ofi_pmem
