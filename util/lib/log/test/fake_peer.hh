/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A peer for the log, behind the ops tables of an endpoint and a queue, whose
 * network and memory do everything that they are allowed to: writes are
 * executed in any order, in parts, and when the initiator's buffer is looked
 * at; only a fenced commit is executed after those before it, and even that may
 * be passed by later ones. Each line becomes durable when a commit says so, or
 * any time before. A power failure leaves a part of what was not.
 */
#pragma once

#include "common/random.hh"

#include <ofi_pmem/log.hh>
#include <rdma/fi_rma.h>

#include <deque>
#include <vector>

namespace log_test
{

using pmem_test::Bytes;
using pmem_test::Random;

class FakePeer
{
public:
	FakePeer(size_t len, uint64_t seed);
	FakePeer(const FakePeer &) = delete;
	FakePeer &operator=(const FakePeer &) = delete;

	ofi_pmem_log::Path path();
	ofi_pmem_log::Place place() const;

	/* Something happens, if there is anything left to. */
	void step();

	/* The initiator is gone: what it posted was executed in part. */
	void disconnect();

	/* The same, and the memory loses what was not durable. */
	void fail_power();

	/* From now on every operation fails. */
	void break_connection() { broken_ = true; }

	void limit_messages(size_t len) { ep_attr_.max_msg_size = len; }

	/* Other programs see this; a change made here is durable at once. */
	const Bytes &visible() const { return visible_; }
	void change(size_t offset, const Bytes &bytes);

	/* Stores bytes that are visible, but not durable. */
	void store(size_t offset, const Bytes &bytes);

private:
	static constexpr size_t kLine = 64;

	struct Op {
		bool read;
		uint64_t flags;
		iovec local;
		size_t offset;
		void *context;
		size_t done = 0; /* bytes */
		bool finished = false;
	};

	struct Endpoint : fid_ep {
		FakePeer *peer;
	};

	struct Queue : fid_cq {
		FakePeer *peer;
	};

	static ssize_t writemsg(fid_ep *ep, const fi_msg_rma *msg,
				uint64_t flags);
	static ssize_t readmsg(fid_ep *ep, const fi_msg_rma *msg,
			       uint64_t flags);
	static ssize_t cq_read(fid_cq *cq, void *buf, size_t count);
	static ssize_t cq_sread(fid_cq *cq, void *buf, size_t count,
				const void *cond, int timeout);
	static ssize_t cq_readerr(fid_cq *cq, fi_cq_err_entry *entry,
				  uint64_t flags);
	static const char *cq_strerror(fid_cq *cq, int prov_errno,
				       const void *err_data, char *buf,
				       size_t len);
	static int open_ops(fid *object, const char *name, uint64_t flags,
			    void **ops, void *context);

	ssize_t post(const fi_msg_rma &msg, uint64_t flags, bool read);
	bool may_execute(size_t index) const;
	void execute(size_t index);
	void flush_until(size_t index);
	void flush(size_t offset, size_t len);
	void evict();

	Random random_;
	Bytes visible_;
	Bytes durable_;
	std::deque<Op> ops_; /* not finished, or not flushed yet */
	std::deque<void *> completions_;
	bool broken_ = false;

	fi_ops fid_ops_{};
	fi_ops_rma rma_ops_{};
	fi_ops_cq cq_ops_{};
	Endpoint ep_{};
	Queue cq_{};
	fi_ep_attr ep_attr_{};
	fi_domain_attr domain_attr_{};
	fi_info info_{};
};

} // namespace log_test
