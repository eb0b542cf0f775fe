/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "fake/fake_link.hh"

#include <utility>

namespace ofi_pmem::test
{

namespace
{

constexpr size_t kLine = 64;

const char *name_of(OneSided::Kind kind) noexcept
{
	switch (kind) {
	case OneSided::Kind::write:
		return "write";
	case OneSided::Kind::read:
		return "read";
	case OneSided::Kind::flush_persistent:
		return "flush_persistent";
	case OneSided::Kind::flush_visible:
		return "flush_visible";
	case OneSided::Kind::atomic_write:
		return "atomic_write";
	}
	return "?";
}

uint64_t number_of(const void *pointer) noexcept
{
	return reinterpret_cast<uintptr_t>(pointer);
}

} // namespace

TransportTraits FakeNic::soft_roce() noexcept
{
	TransportTraits traits;
	traits.needs_local_memory = true;
	traits.max_transfer = 1ULL << 31;
	traits.max_buffers = 1;
	traits.max_chain = 32;
	traits.inline_bytes = 256;
	traits.reliable_ack = true;
	traits.native_flush = true;
	traits.atomic_write = true;
	traits.placement_wait = true;
	return traits;
}

void FakeNic::attach(FakeMedium *medium)
{
	std::lock_guard guard(mutex_);
	media_.push_back(medium);
}

void FakeNic::be_weak(uint64_t seed)
{
	std::lock_guard guard(mutex_);
	weak_ = true;
	random_.seed(seed);
}

void FakeNic::watch(std::function<void()> step)
{
	std::lock_guard guard(mutex_);
	after_step_ = std::move(step);
}

void FakeNic::hold()
{
	std::lock_guard guard(mutex_);
	held_ = true;
}

void FakeNic::release()
{
	std::lock_guard guard(mutex_);
	held_ = false;
	run();
}

void FakeNic::fail_next(OneSided::Kind operation)
{
	std::lock_guard guard(mutex_);
	failing_ = true;
	fails_ = operation;
}

size_t FakeNic::registrations()
{
	std::lock_guard guard(mutex_);
	return last_key_;
}

std::vector<Posted> FakeNic::take_posted()
{
	std::lock_guard guard(mutex_);
	return std::exchange(posted_, {});
}

uint64_t FakeNic::add_memory(const void *base, size_t len, bool persistent)
{
	memory_[++last_key_] = {number_of(base), len, persistent && flushable};
	return last_key_;
}

void FakeNic::record(const WorkRequest &request, size_t chain)
{
	Posted posted{};
	posted.name = request.message ? "message" : name_of(request.kind);
	posted.addr = request.addr;
	posted.len = request.len;
	posted.chain = chain;
	posted.bytes = request.message ? gather(request.local) : request.bytes;
	posted.local = request.local;
	posted_.push_back(std::move(posted));
}

/* A real NIC answers what is not allowed with a remote access error. */
bool FakeNic::allowed(const WorkRequest &request) const
{
	auto found = memory_.find(request.key);
	if (found == memory_.end())
		return false;
	const Registration &memory = found->second;
	bool flush = request.kind == OneSided::Kind::flush_persistent ||
		     request.kind == OneSided::Kind::flush_visible;
	/* Soft-RoCE acknowledges a FLUSH of 0 bytes and flushes nothing. */
	if (!request.len && !flush)
		return false;
	if (flush && (!memory.flushable || request.len >= 1ULL << 32))
		return false;
	return request.addr >= memory.base && request.len <= memory.len &&
	       request.addr - memory.base <= memory.len - request.len;
}

/* Called with the lock held, whenever somebody posts or looks. */
void FakeNic::run()
{
	if (held_)
		return;
	if (weak_) {
		for (uint64_t steps = below(8); steps; steps--) {
			if (random_step() && after_step_)
				after_step_();
		}
		return;
	}
	bool any = true;
	while (any) {
		any = false;
		for (FakeLink *link : links_) {
			while (!link->queue_.empty() &&
			       execute(link, &link->queue_.front())) {
				place_all(link);
				link->complete_done();
				any = true;
			}
		}
	}
}

/*
 * One of the links executes its first operation, or a posted one that passes
 * what is before it; or something is placed, or written back. False if nothing
 * was to be done.
 */
bool FakeNic::random_step()
{
	if (links_.empty())
		return false;
	FakeLink *link = links_[below(links_.size())];
	bool places = below(2) && !link->unplaced_.empty();
	if (places)
		place_first(link);
	bool evicts = !below(8);
	if (evicts)
		evict_line();
	auto &queue = link->queue_;
	size_t first = 0;
	while (first < queue.size() && queue[first].done)
		first++;
	if (first == queue.size())
		return places || evicts;
	size_t chosen = first;
	if (!queue[first].posted() && below(2)) {
		while (chosen < queue.size() &&
		       (queue[chosen].done || !queue[chosen].posted()))
			chosen++;
		if (chosen == queue.size())
			chosen = first;
	}
	/* It takes its time, so that much can happen before it. */
	if (!queue[chosen].posted() && below(3))
		return places || evicts;
	static_cast<void>(execute(link, &queue[chosen]));
	link->complete_done();
	return true;
}

bool FakeNic::execute(FakeLink *link, WorkRequest *request)
{
	if (!link->peer_)
		return false;
	if (request->message) {
		/* PCIe keeps posted writes in order. */
		if (link->peer_->receives_.empty())
			return false;
		place_all(link);
		request->done = link->peer_->receive(gather(request->local));
		return request->done;
	}
	bool fails = failing_ && request->kind == fails_;
	if (fails || !allowed(*request)) {
		failing_ = false;
		queue_error(link);
		return false;
	}
	return execute_one_sided(link, request);
}

bool FakeNic::execute_one_sided(FakeLink *link, WorkRequest *request)
{
	size_t at = 0;
	switch (request->kind) {
	case OneSided::Kind::write:
	case OneSided::Kind::atomic_write:
		if (medium_at(request->addr, request->len, &at))
			link->unplaced_.push_back(
				{request->addr,
				 request->copied ? request->bytes
						 : gather(request->local)});
		if (survives_in_nic(request->addr))
			place_all(link);
		break;
	case OneSided::Kind::read:
		place_all(link);
		fetch(*request);
		break;
	case OneSided::Kind::flush_persistent:
		place_all(link);
		persist(request->addr, request->len);
		break;
	case OneSided::Kind::flush_visible:
		place_all(link);
		break;
	}
	request->done = true;
	return true;
}

/* Null for memory of the test that no medium is behind. */
FakeMedium *FakeNic::medium_at(uint64_t addr, size_t len, size_t *offset) const
{
	for (FakeMedium *medium : media_) {
		uint64_t base = number_of(medium->visible.data());
		size_t size = medium->visible.size();
		if (addr < base || len > size || addr - base > size - len)
			continue;
		*offset = addr - base;
		return medium;
	}
	return nullptr;
}

/*
 * If a power failure spares the NIC's buffers, what they hold is as good as
 * placed.
 */
bool FakeNic::survives_in_nic(uint64_t addr) const
{
	size_t at = 0;
	FakeMedium *medium = medium_at(addr, 1, &at);
	return medium && medium->domain == PersistenceDomain::system;
}

void FakeNic::place_first(FakeLink *link)
{
	const auto &write = link->unplaced_.front();
	size_t at = 0;
	FakeMedium *medium = medium_at(write.addr, write.bytes.size(), &at);
	medium->place(at, write.bytes);
	link->unplaced_.pop_front();
}

void FakeNic::place_all(FakeLink *link)
{
	while (!link->unplaced_.empty())
		place_first(link);
}

void FakeNic::fetch(const WorkRequest &request)
{
	size_t at = 0;
	FakeMedium *medium = medium_at(request.addr, request.len, &at);
	if (!medium)
		return;
	std::lock_guard guard(medium->mutex);
	for (const iovec &one : request.local) {
		std::memcpy(one.iov_base, &medium->visible[at], one.iov_len);
		at += one.iov_len;
	}
}

void FakeNic::persist(uint64_t addr, size_t len)
{
	size_t at = 0;
	FakeMedium *medium = medium_at(addr, len, &at);
	if (medium)
		medium->flush_by_nic(at, len);
}

void FakeNic::evict_line()
{
	if (media_.empty())
		return;
	FakeMedium *medium = media_[below(media_.size())];
	size_t lines = medium->visible.size() / kLine;
	/* Tests use the first of them most. */
	size_t at = below(below(lines) + 1) * kLine;
	medium->evict(at, kLine);
}

/* A queue pair in error executes nothing more, and flushes what is posted. */
void FakeNic::queue_error(FakeLink *link)
{
	WorkRequest failed = std::move(link->queue_.front());
	link->queue_.pop_front();
	link->queues_->complete({link->handle_of(failed), 0, FI_EACCES});
	link->breaks(FI_ECANCELED);
}

} // namespace ofi_pmem::test
