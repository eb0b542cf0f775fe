/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A log whose memory is as a crash, another program or a hostile target left
 * it. It is read to its end and written to, and whatever it says, nothing
 * outside it is accessed.
 */
#include "harness.hh"
#include "input.hh"
#include "log/layout.hh"

#include <ofi_pmem/log.hh>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>

#include <deque>
#include <vector>

namespace ofi_pmem_log
{

namespace
{

using ofi_pmem::fuzz::Input;
using ofi_pmem::fuzz::require;

constexpr size_t kPlace = 16384;
constexpr uint64_t kKey = 7;
constexpr uint64_t kId = 1;

/* The peer's memory, behind the ops tables of an endpoint and a queue. */
class Peer
{
public:
	Peer() : memory(kPlace)
	{
		object_ops_.size = sizeof(object_ops_);
		object_ops_.ops_open = [](fid *, const char *, uint64_t,
					  void **,
					  void *) { return -FI_ENOSYS; };
		rma_ops_.size = sizeof(rma_ops_);
		rma_ops_.writemsg = [](fid_ep *ep, const fi_msg_rma *msg,
				       uint64_t flags) {
			return peer_of(ep)->execute(*msg, flags, true);
		};
		rma_ops_.readmsg = [](fid_ep *ep, const fi_msg_rma *msg,
				      uint64_t flags) {
			return peer_of(ep)->execute(*msg, flags, false);
		};
		cq_ops_.size = sizeof(cq_ops_);
		cq_ops_.read = [](fid_cq *cq, void *buffer, size_t) {
			return static_cast<Queue *>(cq)->peer->complete(buffer);
		};
		cq_ops_.sread = [](fid_cq *cq, void *buffer, size_t,
				   const void *, int) {
			return static_cast<Queue *>(cq)->peer->complete(buffer);
		};
		ep_.fid.fclass = FI_CLASS_EP;
		ep_.fid.ops = &object_ops_;
		ep_.rma = &rma_ops_;
		ep_.peer = this;
		cq_.fid.fclass = FI_CLASS_CQ;
		cq_.ops = &cq_ops_;
		cq_.peer = this;
		ep_attr_.max_msg_size = 1 << 20;
		info_.ep_attr = &ep_attr_;
		info_.domain_attr = &domain_attr_;
	}
	Peer(const Peer &) = delete;
	Peer &operator=(const Peer &) = delete;

	Path path() { return {&info_, nullptr, &ep_, &cq_}; }
	static Place place() { return {0, kPlace, kKey, FI_ADDR_UNSPEC}; }

	/* Nothing completes any more, as if the endpoint were closed. */
	void forget() { completions_.clear(); }

	std::vector<uint8_t> memory;

private:
	struct Endpoint : fid_ep {
		Peer *peer;
	};
	struct Queue : fid_cq {
		Peer *peer;
	};

	static Peer *peer_of(fid_ep *ep)
	{
		return static_cast<Endpoint *>(ep)->peer;
	}

	ssize_t execute(const fi_msg_rma &msg, uint64_t flags, bool write)
	{
		const iovec &local = msg.msg_iov[0];
		const fi_rma_iov &range = msg.rma_iov[0];
		require(msg.iov_count == 1 && msg.rma_iov_count == 1 &&
				range.key == kKey &&
				range.len == local.iov_len &&
				range.addr <= kPlace &&
				range.len <= kPlace - range.addr,
			"an operation lies in the log's place");
		if (write)
			std::memcpy(&memory[range.addr], local.iov_base,
				    range.len);
		else
			std::memcpy(local.iov_base, memory.data() + range.addr,
				    range.len);
		if (flags & FI_COMPLETION)
			completions_.push_back(msg.context);
		return 0;
	}

	ssize_t complete(void *buffer)
	{
		if (completions_.empty())
			return -FI_EAGAIN;
		static_cast<fi_cq_entry *>(buffer)->op_context =
			completions_.front();
		completions_.pop_front();
		return 1;
	}

	std::deque<void *> completions_;
	fi_ops object_ops_{};
	fi_ops_rma rma_ops_{};
	fi_ops_cq cq_ops_{};
	Endpoint ep_{};
	Queue cq_{};
	fi_ep_attr ep_attr_{};
	fi_domain_attr domain_attr_{};
	fi_info info_{};
};

/* Makes a control that is right except for what the input says about it. */
Control write_control(Peer *peer, Input *input)
{
	auto choice = input->take<uint8_t>();
	uint64_t capacity = capacity_of(kPlace);
	if (choice & 1)
		capacity = 8 * input->take<uint16_t>();
	Control control = make_control(capacity, kId);
	control.head = 8 * input->take<uint16_t>();
	if (choice & 2)
		control.head = UINT64_MAX - 7 - control.head;
	control.pointer = control.head + 8 * input->take<uint16_t>();
	control.epoch = choice >> 6;
	std::memcpy(peer->memory.data(), &control, sizeof(control));
	if (choice & 4)
		peer->memory[input->take<uint8_t>()] = input->take<uint8_t>();
	return control;
}

/* Writes one record, whole unless the input says otherwise. */
uint64_t write_record(Peer *peer, Input *input, const Control &control,
		      uint64_t position)
{
	auto choice = input->take<uint8_t>();
	size_t len = choice & 1 ? input->take<uint16_t>() % 8192
				: input->take<uint8_t>();
	std::vector<uint64_t> record(space_of(len) / sizeof(uint64_t));
	auto header = reinterpret_cast<RecordHeader *>(record.data());
	*header = {};
	seal(header, kId, position, choice >> 6, len);
	if (choice & 2)
		header->len = input->take<uint64_t>();
	if (choice & 4)
		header->checksum ^= 1;
	if (choice & 8)
		position += 8;
	size_t capacity = control.superblock.capacity;
	auto from = reinterpret_cast<const uint8_t *>(record.data());
	for (size_t i = 0; capacity && i < space_of(len); i++) {
		size_t at = kRecordsAt + (position + i) % capacity;
		if (at < kPlace)
			peer->memory[at] = from[i];
	}
	return position + space_of(len);
}

void fill(Peer *peer, Input *input)
{
	auto records = input->take<uint8_t>();
	Control control = write_control(peer, input);
	uint64_t position = control.head;
	for (size_t i = 0; i < records % 16 && !input->empty(); i++)
		position = write_record(peer, input, control, position);
	/* Anything may follow the records, or lie everywhere. */
	if (!(records & 0x80))
		return;
	size_t at = records & 0x40 ? 0 : kRecordsAt;
	auto rest = input->take_rest();
	std::copy_n(rest.begin(), std::min(rest.size(), kPlace - at),
		    peer->memory.begin() + static_cast<ptrdiff_t>(at));
}

void read(Peer *peer)
{
	Reader reader(peer->path(), Peer::place());
	if (reader.open()) {
		require(!reader.text().empty(), "an error is reported");
		return;
	}
	Record record;
	uint64_t bytes = 0;
	while (reader.next(&record) == 1) {
		auto data = static_cast<const uint8_t *>(record.data);
		uint8_t all = 0;
		for (size_t i = 0; i < record.len; i++)
			all ^= data[i];
		static_cast<void>(all);
		bytes += space_of(record.len);
		require(bytes <= reader.status().capacity,
			"a log holds no more than its capacity");
	}
	static_cast<void>(reader.refresh());
}

void write(Peer *peer, uint8_t choice)
{
	Options options;
	options.order = static_cast<Order>(choice % 3);
	options.max_record = 600;
	options.depth = 2;
	Writer writer(peer->path(), Peer::place(), options);
	if (writer.open()) {
		require(!writer.text().empty(), "an error is reported");
		return;
	}
	uint64_t end = 0;
	std::vector<char> record(choice * 2, 'r');
	int ret = writer.append(record.data(), record.size(), &end);
	if (ret == -FI_ENOSPC && !writer.make_room(space_of(record.size())))
		ret = writer.append(record.data(), record.size(), &end);
	if (ret || writer.sync())
		return;
	require(writer.end() == end, "a record is at the end");
	static_cast<void>(writer.retire(writer.head()));
	static_cast<void>(writer.retire(end));
}

} // namespace

} // namespace ofi_pmem_log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	using namespace ofi_pmem_log;
	Input input(data, len);
	auto choice = input.take<uint8_t>();
	Peer peer;
	fill(&peer, &input);
	read(&peer);
	write(&peer, choice);
	peer.forget();
	read(&peer);
	return 0;
}
