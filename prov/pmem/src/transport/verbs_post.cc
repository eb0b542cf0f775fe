/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/* Posts to a connected queue pair, by the extended calls or ibv_post_send(3).
 */
#include "transport/verbs_extensions.hh"
#include "transport/verbs_link.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
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

int VerbsLink::post_send(uint16_t slot, size_t len) noexcept
{
	if (!free_entries_)
		return -FI_EAGAIN;
	int ret = qp_ ? post_send_extended(slot, len)
		      : post_send_basic(slot, len);
	if (!ret)
		free_entries_--;
	return ret;
}

int VerbsLink::post_send_extended(uint16_t slot, size_t len) noexcept
{
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
	return -ibv_wr_complete(qp_);
}

int VerbsLink::post_send_basic(uint16_t slot, size_t len) noexcept
{
	bool copied = len <= transport_.traits().inline_bytes;
	ibv_sge buffer{reinterpret_cast<uintptr_t>(send_buffers_.at(slot)),
		       static_cast<uint32_t>(len),
		       local_key(send_buffers_.desc())};
	ibv_send_wr send{};
	send.wr_id = handle(Handle::send, slot).to_number();
	send.sg_list = &buffer;
	send.num_sge = 1;
	send.opcode = IBV_WR_SEND;
	send.send_flags = IBV_SEND_SIGNALED | (copied ? IBV_SEND_INLINE : 0);
	ibv_send_wr *refused = nullptr;
	return -ibv_post_send(id_->qp, &send, &refused);
}

/*
 * Returns the data of a write that is copied, in one piece: gathered, if there
 * are several. From ibv_wr_set_inline_data_list() the library of Soft-RoCE
 * makes an operation of no bytes, which then succeeds.
 */
iovec VerbsLink::gather(const OneSided &operation, uint8_t *gathered) noexcept
{
	if (operation.iov_count == 1)
		return *operation.iov;
	size_t len = 0;
	for (size_t i = 0; i < operation.iov_count; i++) {
		const iovec &piece = operation.iov[i];
		std::memcpy(gathered + len, piece.iov_base, piece.iov_len);
		len += piece.iov_len;
	}
	return {gathered, len};
}

size_t VerbsLink::list_buffers(const OneSided &operation,
			       ibv_sge *pieces) noexcept
{
	for (size_t i = 0; i < operation.iov_count; i++)
		pieces[i] = {
			reinterpret_cast<uintptr_t>(operation.iov[i].iov_base),
			static_cast<uint32_t>(operation.iov[i].iov_len),
			local_key(operation.desc[i])};
	return operation.iov_count;
}

bool VerbsLink::is_copied(const OneSided &operation) const noexcept
{
	return operation.kind == OneSided::Kind::write &&
	       operation.len <= transport_.traits().inline_bytes;
}

void VerbsLink::set_buffers(const OneSided &operation) noexcept
{
	if (is_copied(operation)) {
		uint8_t gathered[kMaxInline];
		iovec data = gather(operation, gathered);
		ibv_wr_set_inline_data(qp_, data.iov_base, data.iov_len);
		return;
	}
	ibv_sge pieces[kMaxOneSidedBuffers];
	size_t count = list_buffers(operation, pieces);
	ibv_wr_set_sge_list(qp_, count, pieces);
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
		post_flush(qp_, key, operation.addr, operation.len, true);
		break;
	case OneSided::Kind::flush_visible:
		post_flush(qp_, key, operation.addr, operation.len, false);
		break;
	case OneSided::Kind::atomic_write:
		post_atomic_write(qp_, key, operation.addr,
				  operation.iov->iov_base);
		break;
	}
}

int VerbsLink::post_one_basic(const OneSided &operation, uint64_t number,
			      unsigned flags) noexcept
{
	uint8_t gathered[kMaxInline];
	ibv_sge pieces[kMaxOneSidedBuffers];
	ibv_send_wr one{};
	one.wr_id = number;
	one.send_flags = flags;
	one.sg_list = pieces;
	if (is_copied(operation)) {
		iovec data = gather(operation, gathered);
		pieces[0] = {reinterpret_cast<uintptr_t>(data.iov_base),
			     static_cast<uint32_t>(data.iov_len), 0};
		one.num_sge = 1;
		one.send_flags |= IBV_SEND_INLINE;
	} else {
		one.num_sge = static_cast<int>(list_buffers(operation, pieces));
	}
	if (operation.kind == OneSided::Kind::write)
		one.opcode = IBV_WR_RDMA_WRITE;
	else if (operation.kind == OneSided::Kind::read)
		one.opcode = IBV_WR_RDMA_READ;
	else
		return -FI_EOPNOTSUPP;
	one.wr.rdma.remote_addr = operation.addr;
	one.wr.rdma.rkey = static_cast<uint32_t>(operation.key);
	ibv_send_wr *refused = nullptr;
	return -ibv_post_send(id_->qp, &one, &refused);
}

int VerbsLink::post_chain_extended(const OneSided *chain, size_t count,
				   uint64_t number) noexcept
{
	ibv_wr_start(qp_);
	for (size_t i = 0; i < count; i++) {
		qp_->wr_id = number;
		qp_->wr_flags = i + 1 == count ? IBV_SEND_SIGNALED : 0;
		post_one(chain[i]);
	}
	return -ibv_wr_complete(qp_);
}

int VerbsLink::post_chain_basic(const OneSided *chain, size_t count,
				uint64_t number) noexcept
{
	for (size_t i = 0; i < count; i++) {
		int ret =
			post_one_basic(chain[i], number,
				       i + 1 == count ? IBV_SEND_SIGNALED : 0);
		if (!ret)
			continue;
		if (!i)
			return ret;
		/* The NIC may still use the buffers of what is posted: that
		 * completes with an error, which ends the link. */
		ibv_qp_attr attr{};
		attr.qp_state = IBV_QPS_ERR;
		return -ibv_modify_qp(id_->qp, &attr, IBV_QP_STATE);
	}
	return 0;
}

int VerbsLink::post_chain(const OneSided *chain, size_t count,
			  uint16_t slot) noexcept
{
	if (free_entries_ < count)
		return -FI_EAGAIN;
	uint64_t number = handle(Handle::one_sided, slot).to_number();
	int ret = qp_ ? post_chain_extended(chain, count, number)
		      : post_chain_basic(chain, count, number);
	if (ret)
		return ret;
	free_entries_ -= count;
	chain_lengths_[slot] = static_cast<uint8_t>(count);
	return 0;
}

void VerbsLink::chain_done(uint16_t slot) noexcept
{
	free_entries_ += chain_lengths_[slot];
	chain_lengths_[slot] = 0;
}

} // namespace ofi_pmem
