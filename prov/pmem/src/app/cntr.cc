/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "config.h"

#include "app/cntr.hh"

#include "core/layout.hh"

#include <poll.h>

#include <algorithm>
#include <memory>

namespace ofi_pmem
{

namespace
{

/* A waiting counter polls this often before it sleeps between polls. */
constexpr int kSpins = 1000;

/*
 * The longest sleep, milliseconds: nothing wakes us for the inner counter's own
 * completions, which make progress only when it is read.
 */
constexpr int kPauseMs = 1;

Counter &counter(fid_cntr *cntr) noexcept
{
	return *static_cast<Counter *>(cntr);
}

uint64_t cntr_read(fid_cntr *cntr) noexcept
{
	return own_use(counter(cntr), [&] { return counter(cntr).read(); });
}

uint64_t cntr_readerr(fid_cntr *cntr) noexcept
{
	return own_use(counter(cntr), [&] { return counter(cntr).readerr(); });
}

int cntr_add(fid_cntr *cntr, uint64_t value) noexcept
{
	return own_use(counter(cntr), [&] {
		counter(cntr).plane().add_own(value);
		return 0;
	});
}

int cntr_set(fid_cntr *cntr, uint64_t value) noexcept
{
	return own_use(counter(cntr), [&] {
		counter(cntr).set(value);
		return 0;
	});
}

int cntr_adderr(fid_cntr *cntr, uint64_t value) noexcept
{
	return own_use(counter(cntr), [&] {
		counter(cntr).plane().add_own_error(value);
		return 0;
	});
}

int cntr_seterr(fid_cntr *cntr, uint64_t value) noexcept
{
	return own_use(counter(cntr), [&] {
		counter(cntr).seterr(value);
		return 0;
	});
}

int cntr_wait(fid_cntr *cntr, uint64_t threshold, int timeout) noexcept
{
	return own_use(counter(cntr),
		       [&] { return counter(cntr).wait(threshold, timeout); });
}

fi_ops_cntr make_plain_cntr_ops() noexcept
{
	fi_ops_cntr ops{};
	ops.size = sizeof(ops);
	ops.read = forward<Counter, fi_cntr_read>;
	ops.readerr = forward<Counter, fi_cntr_readerr>;
	ops.add = forward<Counter, fi_cntr_add>;
	ops.set = forward<Counter, fi_cntr_set>;
	ops.wait = forward<Counter, fi_cntr_wait>;
	ops.adderr = forward<Counter, fi_cntr_adderr>;
	ops.seterr = forward<Counter, fi_cntr_seterr>;
#ifdef HAVE_STRUCT_FI_OPS_CNTR_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

fi_ops_cntr make_merged_cntr_ops() noexcept
{
	fi_ops_cntr ops{};
	ops.size = sizeof(ops);
	ops.read = cntr_read;
	ops.readerr = cntr_readerr;
	ops.add = cntr_add;
	ops.set = cntr_set;
	ops.wait = cntr_wait;
	ops.adderr = cntr_adderr;
	ops.seterr = cntr_seterr;
#ifdef HAVE_STRUCT_FI_OPS_CNTR_EXPORT_XPU
	ops.export_xpu = no_sys;
#endif
	return ops;
}

RoomyOps<fi_ops_cntr> plain_cntr_ops(make_plain_cntr_ops());
RoomyOps<fi_ops_cntr> merged_cntr_ops(make_merged_cntr_ops());

bool supported(const Domain &domain, const fi_cntr_attr *attr) noexcept
{
	if (!attr)
		return true;
	if ((attr->flags & FI_PEER) || attr->wait_obj == FI_WAIT_SET)
		return false;
	/*
	 * The mutex and condition would be those of the inner counter, which
	 * does not signal what we count.
	 */
	return !domain.persistent() || attr->wait_obj != FI_WAIT_MUTEX_COND;
}

} // namespace

Counter::Counter(Domain &domain, void *context) noexcept
	: Wrapper(FI_CLASS_CNTR, context, &FidOps<Counter>::table),
	  domain_(domain), parent_(domain.dependents())
{
	ops = domain.persistent() ? &merged_cntr_ops.known
				  : &plain_cntr_ops.known;
}

int Counter::open(Domain &domain, fi_cntr_attr *attr, void *context,
		  fid_cntr **cntr)
{
	if (!supported(domain, attr))
		return -FI_ENOSYS;
	std::unique_ptr<Counter> outer(new Counter(domain, context));
	fid_cntr *inner = nullptr;
	int ret = fi_cntr_open(domain.inner(), attr, &inner, &outer->fid);
	if (ret)
		return ret;
	outer->inner_.reset(inner);
	if (domain.persistent() && attr && attr->wait_obj == FI_WAIT_FD)
		ret = outer->plane_.wait.open(outer->inner_fid());
	/*
	 * The counters of tcp and ofi_rxm do not give their descriptor away, so
	 * FI_GETWAIT is refused; wait() does without it.
	 */
	if (ret == -FI_ENOSYS)
		ret = 0;
	if (!ret)
		*cntr = outer.release();
	return ret;
}

uint64_t Counter::inner_value() noexcept
{
	return fi_cntr_read(inner()) + plane_.sources();
}

uint64_t Counter::inner_errors() noexcept
{
	return fi_cntr_readerr(inner()) + plane_.source_errors();
}

void Counter::progress() noexcept
{
	if (auto source = domain_.progress_source())
		source->progress();
	plane_.deferred().run();
}

uint64_t Counter::read() noexcept
{
	progress();
	uint64_t own = plane_.own();
	seen_ = own;
	return inner_value() + own;
}

uint64_t Counter::readerr() noexcept
{
	progress();
	return errors();
}

uint64_t Counter::errors() noexcept
{
	uint64_t own = plane_.own_errors();
	seen_errors_ = own;
	return inner_errors() + own;
}

void Counter::set(uint64_t value) noexcept
{
	plane_.set_own(value - inner_value());
}

void Counter::seterr(uint64_t value) noexcept
{
	plane_.set_own_errors(value - inner_errors());
}

int Counter::wait(uint64_t threshold, int timeout_ms) noexcept
{
	Deadline deadline(timeout_ms);
	/* Without progress: an error that it would find is one to report. */
	uint64_t before = errors();
	for (int spins = 0;; spins++) {
		if (read() >= threshold)
			return 0;
		if (errors() != before)
			return -FI_EAVAIL;
		int left = deadline.left_ms();
		if (!left)
			return -FI_ETIMEDOUT;
		if (spins >= kSpins)
			pause(left);
	}
}

void Counter::pause(int left_ms) noexcept
{
	auto source = domain_.progress_source();
	if (source && source->trywait())
		return;
	/* Without a source, poll() ignores the entry and only sleeps. */
	pollfd waited{source ? source->wait_fd() : -1, POLLIN, 0};
	bool shorter = left_ms >= 0 && left_ms < kPauseMs;
	static_cast<void>(poll(&waited, 1, shorter ? left_ms : kPauseMs));
}

int Counter::trywait() noexcept
{
	auto below = inner_fid();
	auto fabric = domain_.fabric().inner();
	if (!plane_.wait.is_open())
		return fi_trywait(fabric, &below, 1);
	plane_.wait.drain();
	if (plane_.deferred().announced() || plane_.own() != seen_ ||
	    plane_.own_errors() != seen_errors_)
		return -FI_EAGAIN;
	return plane_.wait.arm(domain_.progress_source(), fabric, below);
}

int Counter::control(int command, void *arg) noexcept
{
	if (!plane_.wait.is_open() || command != FI_GETWAIT)
		return Wrapper::control(command, arg);
	*static_cast<int *>(arg) = plane_.wait.fd();
	return 0;
}

} // namespace ofi_pmem
