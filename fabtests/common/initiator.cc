/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/initiator.hh"

namespace pmem_test
{

Initiator::Initiator(Stack stack)
	: Initiator([stack] {
		  NodeOptions options;
		  options.stack = stack;
		  return options;
	  }())
{
}

ssize_t Initiator::write(const RemoteRegion &region, uint64_t offset,
			 const LocalBuffer &from, uint64_t from_offset,
			 size_t len, uint64_t flags, void *context)
{
	iovec iov{const_cast<uint8_t *>(from.bytes.data()) + from_offset, len};
	void *desc = from.desc();
	fi_rma_iov rma{region.base + offset, len, region.key};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = peer();
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.context = context;
	return post([&] { return fi_writemsg(ep(), &msg, flags); });
}

ssize_t Initiator::drain(const RemoteRegion &region, void *context)
{
	fi_rma_iov rma{region.base, 0, region.key};
	fi_msg_rma msg{};
	msg.addr = peer();
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.context = context;
	return post([&] {
		return fi_writemsg(ep(), &msg, kFencedCommit | FI_COMPLETION);
	});
}

ssize_t Initiator::read(const RemoteRegion &region, uint64_t offset,
			const LocalBuffer &into, void *context)
{
	return post([&] {
		return fi_read(ep(), const_cast<uint8_t *>(into.bytes.data()),
			       into.size(), into.desc(), peer(),
			       region.base + offset, region.key, context);
	});
}

Completion Initiator::expect_success(const void *context)
{
	Completion completion = completions().wait();
	if (completion.err)
		throw FabricError("completion (" + completion.text + ")",
				  -completion.err);
	if (completion.context != context)
		throw std::runtime_error("completion of another operation");
	return completion;
}

fi_ops_pmem_ep *Initiator::ops()
{
	void *opened = nullptr;
	check(fi_open_ops(&ep()->fid, FI_PMEM_EP_OPS, 0, &opened, nullptr),
	      "fi_open_ops");
	return static_cast<fi_ops_pmem_ep *>(opened);
}

ssize_t Initiator::flush(const RemoteRegion &region, uint64_t offset,
			 size_t len, fi_pmem_selectivity selectivity,
			 void *context)
{
	fi_rma_iov range{region.base + offset, len, region.key};
	fi_pmem_msg_flush msg{
		&range,	    1, peer(), context, FI_PMEM_PLACE_PERSISTENT,
		selectivity};
	return post([&] { return ops()->flushv(ep(), &msg, FI_COMPLETION); });
}

ssize_t Initiator::drain_all(void *context)
{
	return post(
		[&] { return ops()->drain_all(ep(), context, FI_COMPLETION); });
}

Completion Initiator::expect_success(ssize_t posted, const void *context)
{
	check(posted, "posting an operation");
	return expect_success(context);
}

void Initiator::write_and_wait(const RemoteRegion &region, uint64_t offset,
			       Bytes contents, uint64_t flags)
{
	LocalBuffer from(node_, std::move(contents));
	fi_context2 context{};
	expect_success(
		write(region, offset, from, flags | FI_COMPLETION, &context),
		&context);
}

void Initiator::drain_and_wait(const RemoteRegion &region)
{
	fi_context2 context{};
	expect_success(drain(region, &context), &context);
}

Bytes Initiator::read_and_wait(const RemoteRegion &region, uint64_t offset,
			       size_t len)
{
	LocalBuffer into(node_, len);
	fi_context2 context{};
	expect_success(read(region, offset, into, &context), &context);
	return into.bytes;
}

TargetReply Initiator::await_arrival(Target &target)
{
	Deadline deadline;
	while (!target.reply_ready()) {
		completions().poll();
		deadline.spin("nothing arrives at the target");
	}
	return target.finish_read_cq();
}

Failure outcome(Initiator &initiator, ssize_t posted, const void *context)
{
	Failure failure;
	if (posted < 0) {
		failure.err = static_cast<int>(-posted);
		failure.at_call = true;
		return failure;
	}
	failure.completion = initiator.completions().wait();
	failure.err = failure.completion.err;
	if (failure.completion.context != context)
		throw std::runtime_error("completion of another operation");
	return failure;
}

Failure try_commit(Initiator &initiator, const RemoteRegion &region,
		   const Bytes &contents)
{
	LocalBuffer buffer(initiator.node(), contents);
	fi_context2 context{};
	ssize_t ret = initiator.write(region, 0, buffer, FI_COMMIT_COMPLETE,
				      &context);
	return outcome(initiator, ret, &context);
}

} // namespace pmem_test
