/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "app/cq_ring.hh"
#include "app/deferred.hh"
#include "app/domain.hh"
#include "app/wait_fd.hh"
#include "app/wrapper.hh"

#include <rdma/fi_eq.h>

namespace ofi_pmem
{

/*
 * A completion queue. On a plain domain every call is forwarded. On a
 * persistent one it merges the persistence plane's completions with those of
 * the inner queue, and keeps the plane's internal operations out.
 *
 * Application threads read and wait; any thread may call reserve() to expect().
 */
class CompletionQueue final : public Wrapper<fid_cq>
{
public:
	static int open(Domain &domain, fi_cq_attr *attr, void *context,
			fid_cq **cq);

	/*
	 * Called when an endpoint with a persistence plane is bound; without
	 * one the queue needs no places. Throws std::bad_alloc.
	 */
	void make_places();

	/*
	 * Reserves a place for the completion of an operation about to be
	 * accepted, or returns -FI_EAGAIN if the application must read first.
	 * push() or push_error(), which never fail, use the place, or
	 * unreserve() gives it back.
	 */
	[[nodiscard]] int reserve() noexcept { return ring_.reserve(); }
	void unreserve() noexcept { ring_.unreserve(); }
	void push(const fi_cq_tagged_entry &entry, fi_addr_t source) noexcept;
	void push_error(const fi_cq_err_entry &entry) noexcept;

	/*
	 * The completion or error whose op_context is `op` belongs to us: it
	 * goes to op->inner_completed(), once, and not to the application.
	 * Called before the operation is posted, while a place is reserved for
	 * the operation it serves (so there is room here, too). The caller
	 * calls forget() if posting failed.
	 */
	void expect(InternalOp *op) noexcept;
	void forget(InternalOp *op) noexcept;

	/*
	 * Keeps an expected operation whose owner goes away: its completion
	 * may still come, and no other context may get its address. Throws
	 * std::bad_alloc.
	 */
	void adopt(std::unique_ptr<InternalOp> op);

	/* The threads that read this queue do this work. */
	DeferredList &deferred() noexcept { return deferred_; }
	void announce_deferred() noexcept;

	ssize_t readfrom(void *buf, size_t count, fi_addr_t *sources) noexcept;
	ssize_t readerr(fi_cq_err_entry *entry, uint64_t flags) noexcept;
	ssize_t sreadfrom(void *buf, size_t count, fi_addr_t *sources,
			  int timeout_ms) noexcept;
	int signal() noexcept;

	/* Does signal() if there is a wait object of ours. Any thread may call
	 * it. */
	void wake_reader() noexcept;
	const char *strerror(int prov_errno, const void *err_data, char *buf,
			     size_t len) noexcept;

	/* Returns 0 if the caller may block on the wait object. */
	int trywait() noexcept;

	int control(int command, void *arg) noexcept;

private:
	CompletionQueue(Domain &domain, size_t ring_size, void *context);

	int open_merged(const fi_cq_attr *attr);
	ssize_t read_merged(void *buf, size_t count,
			    fi_addr_t *sources) noexcept;
	ssize_t read_below(void *buf, size_t count,
			   fi_addr_t *sources) noexcept;
	ssize_t sort_out(ssize_t ret, void *buf, size_t count,
			 fi_addr_t *sources) noexcept;
	bool lengths_announced() const noexcept;
	size_t filter(void *buf, size_t count, fi_addr_t *sources) noexcept;
	void tell_lengths(void *buf, size_t count) noexcept;
	bool stash_inner_error() noexcept;
	ssize_t read_stashed(fi_cq_err_entry *entry) noexcept;
	InternalOp *take_expected(void *op_context) noexcept;
	[[nodiscard]] bool complete_expected(void *op_context, int err,
					     int prov_errno) noexcept;
	uint32_t api_version() const noexcept;

	Domain &domain_;
	Dependence parent_;
	fi_cq_format format_ = FI_CQ_FORMAT_CONTEXT;
	uint64_t cq_data_mask_;
	CompletionRing ring_;
	WaitFd wait_;
	std::atomic<bool> signaled_{false};
	std::atomic<uint32_t> reads_{0};

	std::mutex expected_lock_;
	std::vector<InternalOp *> expected_;
	std::atomic<size_t> expected_count_{0};
	std::vector<std::unique_ptr<InternalOp>> adopted_;
	DeferredList deferred_;

	/* An inner error that was read to see whose it is, and is not ours. */
	std::mutex stash_lock_;
	std::atomic<bool> stashed_{false};
	StoredError stash_;
	StoredError last_stashed_;
};

} // namespace ofi_pmem
