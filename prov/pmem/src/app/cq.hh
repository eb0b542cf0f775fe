/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/domain.hh"
#include "app/wrapper.hh"
#include "bridge/plane_queue.hh"
#include "core/lock.hh"

#include <rdma/fi_eq.h>

#include <atomic>

namespace ofi_pmem
{

/*
 * A completion queue. On a plain domain every call is forwarded. On a
 * persistent one it merges the persistence plane's completions with those of
 * the inner queue, and keeps the plane's internal operations out.
 *
 * Application threads read and wait.
 */
class CompletionQueue final : public Wrapper<fid_cq>
{
public:
	static int open(Domain &domain, fi_cq_attr *attr, void *context,
			fid_cq **cq);

	/* Returns the persistence plane's part of it. */
	PlaneQueue &plane() noexcept { return plane_; }

	ssize_t readfrom(void *buf, size_t count, fi_addr_t *sources) noexcept;
	ssize_t readerr(fi_cq_err_entry *entry, uint64_t flags) noexcept;
	ssize_t sreadfrom(void *buf, size_t count, fi_addr_t *sources,
			  int timeout_ms) noexcept;
	int signal() noexcept;

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
	uint32_t api_version() const noexcept;

	Domain &domain_;
	Dependence parent_;
	fi_cq_format format_ = FI_CQ_FORMAT_CONTEXT;
	uint64_t cq_data_mask_;
	PlaneQueue plane_;
	std::atomic<uint32_t> reads_{0};

	/*
	 * An inner error that was read to see whose it is, and is the
	 * application's.
	 */
	Mutex stash_lock_{lock_rank::kStash};
	std::atomic<bool> stashed_{false};
	StoredError stash_ PMEM_GUARDED_BY(stash_lock_);
	StoredError last_stashed_ PMEM_GUARDED_BY(stash_lock_);
};

} // namespace ofi_pmem
