/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The initiating half of one domain's persistence plane: the inner queues that
 * all channels of the domain share, and the lock under which channels run. The
 * application's polling drives it and, if automatic progress was requested, a
 * thread.
 */
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/auth_key.hh"
#include "core/fork.hh"
#include "core/progress.hh"
#include "digest/digest.hh"
#include "plane/local_memory.hh"
#include "plane/watchdog.hh"
#include "transport/transport.hh"

namespace ofi_pmem
{

class Channel;

class Initiator final : public ProgressSource
{
public:
	/* Channels prove that they have the key, if there is one. */
	explicit Initiator(const Transport &transport, const AuthKey &key = {});
	~Initiator() override;

	/* With `automatic` a thread drives the channels. */
	[[nodiscard]] int open(bool automatic);

	void progress() noexcept override;
	int wait_fd() const noexcept override { return epoll_fd_; }
	int trywait() noexcept override;

	/* The caller of a channel or a channel table holds it. */
	std::mutex &lock() noexcept { return mutex_; }

	/* Has a lock of its own. */
	LocalMemory &local_memory() noexcept { return local_memory_; }

	/* progress() for a caller that holds the lock. */
	void progress_locked();

	/* For channels, under the lock. */
	const Transport &transport() const noexcept { return transport_; }
	const AuthKey &auth_key() const noexcept { return auth_key_; }
	Queues *queues() const noexcept { return queues_.get(); }
	uint32_t new_link_id() noexcept { return ++last_link_id_; }
	void add_link(Channel *channel);	     /* connecting */
	void connected() noexcept { connecting_--; } /* or given up */
	void remove_link(Channel *channel);
	void attend(Channel *channel);
	/* A channel waits for something, so its timeouts must be checked. */
	void watch() noexcept { watching_ = true; }
	void forget(Channel *channel);
	uint64_t new_operation_id() noexcept { return ++last_operation_id_; }
	/* Null where open_digest() returns null. */
	DigestEngine *digest_engine(DigestAlgorithm algorithm);

private:
	void run() noexcept;
	void look_after_channels();
	void read_events();
	void read_completions();
	void dispatch(const Completion &completion);
	Channel *channel_of(uint32_t link_id) const noexcept;

	const Origin origin_;
	const Transport &transport_;
	const AuthKey auth_key_;
	LocalMemory local_memory_;
	std::unique_ptr<Queues> queues_;
	int epoll_fd_ = -1;
	int stop_fd_ = -1;
	std::atomic<bool> stopping_{false};
	std::thread thread_;

	std::mutex mutex_;
	std::unordered_map<uint32_t, Channel *> links_;
	std::vector<Channel *> attention_;
	uint32_t last_link_id_ = 0;
	uint64_t last_operation_id_ = 0;
	std::map<DigestAlgorithm, std::unique_ptr<DigestEngine>> digests_;
	uint32_t connecting_ = 0;
	bool stale_ = false; /* a link was closed since the queues ran dry */
	uint32_t rounds_ = 0;
	Watchdog watchdog_;
	bool watching_ = false; /* some channel waits, or did a moment ago */
};

} // namespace ofi_pmem
