/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The region keys of one domain, and which of them an initiator uses for a
 * remote region. Any thread may call it; it has a lock of its own.
 */
#pragma once

#include "core/address.hh"
#include "core/lock.hh"
#include "seal/region_key.hh"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ofi_pmem
{

/* A key to be added. The bytes are wiped by who owns them. */
struct KeySpec {
	uint64_t id = 0; /* not 0 */
	Cipher cipher{};
	const uint8_t *bytes = nullptr;
	size_t length = 0;
	KeyLimits limits;
};

class KeyRing
{
public:
	using Key = std::shared_ptr<RegionKey>;

	/* A ring without keys, for those that have no other. */
	static const KeyRing &none();

	/*
	 * 0: done, or the very same key is there already.
	 * -FI_EINVAL: the id is 0, the cipher unknown or the length not the
	 * cipher's; *why says which. -FI_EEXIST is not one of libfabric's, so a
	 * key of that id with other bytes, cipher or limits is -FI_EALREADY.
	 * -FI_ENOMEM.
	 */
	[[nodiscard]] int add(const KeySpec &spec, const char **why);

	/* Wipes the key and forgets its bindings; null if there is none. Who
	 * has it learns that by RegionKey::removed(). */
	Key remove(uint64_t id);

	/* Null if there is none. */
	Key find(uint64_t id) const;
	bool empty() const;

	/* As long as it is the same, so is what choose() returns. */
	uint64_t generation() const noexcept
	{
		return generation_.load(std::memory_order_acquire);
	}

	/*
	 * The initiator's choice: for a remote region, by its MR key (not 0);
	 * for all regions of a host; or for all. A later call replaces an
	 * earlier one; id 0 takes it back. Returns 0, -FI_ENOKEY if there is no
	 * key of that id, or -FI_ENOMEM.
	 */
	[[nodiscard]] int bind_region(uint64_t mr_key, uint64_t id);
	[[nodiscard]] int bind_host(const IpAddress &host, uint64_t id);
	[[nodiscard]] int bind_default(uint64_t id);

	/* Chooses for a remote region: by MR key, else by host, else the
	 * default; null if nothing is bound. Ports do not matter. */
	Key choose(uint64_t mr_key, const IpAddress &host) const;

	/* The target's choice for regions that name no key: by the longest
	 * prefix of their file's path, in whole names, else the default. Ids,
	 * or 0. */
	[[nodiscard]] int bind_path(const std::string &prefix, uint64_t id);
	uint64_t choose_path(const std::string &path) const;
	/* A key is bound to a path. */
	bool any_path() const;

private:
	using Keys = std::map<uint64_t, Key>;
	struct HostBinding {
		IpAddress host;
		uint64_t id;
	};

	bool known(uint64_t id) const PMEM_REQUIRES(lock_);
	Key get(uint64_t id) const PMEM_REQUIRES(lock_);
	void forget_bindings(uint64_t id) PMEM_REQUIRES(lock_);

	std::atomic<uint64_t> generation_{1};
	mutable Mutex lock_{lock_rank::kKeyRing};
	Keys keys_ PMEM_GUARDED_BY(lock_);
	/* The bindings are of keys that are there. */
	std::map<uint64_t, uint64_t> regions_ PMEM_GUARDED_BY(lock_);
	std::vector<HostBinding> hosts_ PMEM_GUARDED_BY(lock_);
	std::map<std::string, uint64_t> paths_ PMEM_GUARDED_BY(lock_);
	uint64_t default_ PMEM_GUARDED_BY(lock_) = 0;
};

} // namespace ofi_pmem
