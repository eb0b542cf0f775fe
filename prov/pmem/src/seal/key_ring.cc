/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/key_ring.hh"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <new>
#include <utility>

namespace ofi_pmem
{

namespace
{

/* Without the slashes at its end, which a path may have or not. All are below
 * the empty one, as below the root. */
std::string trimmed(std::string path)
{
	if (path.empty())
		path = '/';
	while (path.size() > 1 && path.back() == '/')
		path.pop_back();
	return path;
}

/* /mnt/a has /mnt/a/file below it, but neither /mnt/ab nor /mnt. */
bool is_below(const std::string &path, const std::string &prefix) noexcept
{
	if (path.compare(0, prefix.size(), prefix))
		return false;
	return path.size() == prefix.size() || prefix.back() == '/' ||
	       path[prefix.size()] == '/';
}

bool same(const RegionKey &key, const KeySpec &spec) noexcept
{
	return key.cipher().cipher == spec.cipher &&
	       key.limits().max_bytes == spec.limits.max_bytes &&
	       key.limits().max_records == spec.limits.max_records &&
	       key.secret().equals(spec.bytes, spec.length);
}

/* Returns why it is no key, or null. */
const char *unfit(const KeySpec &spec, const CipherTraits *cipher) noexcept
{
	if (!spec.id)
		return "0 is no id of a key";
	if (!cipher)
		return "there is no such cipher";
	return !spec.bytes || spec.length != cipher->key_bytes
		       ? "it has not as many bytes as a key of its cipher"
		       : nullptr;
}

template <typename Change> int guard_memory(Change change) noexcept
{
	try {
		return change();
	} catch (const std::bad_alloc &) {
		return -FI_ENOMEM;
	}
}

} // namespace

const KeyRing &KeyRing::none()
{
	/* It is never freed: threads of ours may run when the program exits. */
	static const KeyRing *const empty = new KeyRing;
	return *empty;
}

int KeyRing::add(const KeySpec &spec, const char **why)
{
	const CipherTraits *cipher = cipher_traits(spec.cipher);
	const char *reason = unfit(spec, cipher);
	if (reason) {
		*why = reason;
		return -FI_EINVAL;
	}
	return guard_memory([&] {
		auto key = std::make_shared<RegionKey>(spec.id, *cipher,
						       spec.limits);
		int ret = key->secret().assign(spec.bytes, spec.length);
		if (ret) {
			*why = "its bytes cannot be kept safe";
			return ret;
		}
		MutexLock guard(lock_);
		auto [there, added] = keys_.emplace(spec.id, key);
		if (added || same(*there->second, spec))
			return 0;
		*why = "there is another key with its id";
		return -FI_EALREADY;
	});
}

KeyRing::Key KeyRing::remove(uint64_t id)
{
	MutexLock guard(lock_);
	auto found = keys_.find(id);
	if (found == keys_.end())
		return nullptr;
	Key key = std::move(found->second);
	keys_.erase(found);
	forget_bindings(id);
	key->remove();
	generation_++;
	return key;
}

KeyRing::Key KeyRing::find(uint64_t id) const
{
	MutexLock guard(lock_);
	return get(id);
}

bool KeyRing::empty() const
{
	MutexLock guard(lock_);
	return keys_.empty();
}

bool KeyRing::known(uint64_t id) const
{
	return !id || keys_.count(id);
}

KeyRing::Key KeyRing::get(uint64_t id) const
{
	auto found = keys_.find(id);
	return found == keys_.end() ? nullptr : found->second;
}

void KeyRing::forget_bindings(uint64_t id)
{
	auto forget = [id](auto *bindings) {
		for (auto one = bindings->begin(); one != bindings->end();)
			one = one->second == id ? bindings->erase(one)
						: std::next(one);
	};
	forget(&regions_);
	forget(&paths_);
	hosts_.erase(std::remove_if(hosts_.begin(), hosts_.end(),
				    [id](const HostBinding &one) {
					    return one.id == id;
				    }),
		     hosts_.end());
	if (default_ == id)
		default_ = 0;
}

int KeyRing::bind_region(uint64_t mr_key, uint64_t id)
{
	return guard_memory([&] {
		MutexLock guard(lock_);
		if (!known(id))
			return -FI_ENOKEY;
		if (id)
			regions_[mr_key] = id;
		else
			regions_.erase(mr_key);
		generation_++;
		return 0;
	});
}

int KeyRing::bind_host(const IpAddress &host, uint64_t id)
{
	return guard_memory([&] {
		MutexLock guard(lock_);
		if (!known(id))
			return -FI_ENOKEY;
		auto there =
			std::find_if(hosts_.begin(), hosts_.end(),
				     [&host](const HostBinding &one) {
					     return one.host.same_host(host);
				     });
		if (there == hosts_.end()) {
			if (id)
				hosts_.push_back({host, id});
		} else if (id) {
			there->id = id;
		} else {
			hosts_.erase(there);
		}
		generation_++;
		return 0;
	});
}

int KeyRing::bind_default(uint64_t id)
{
	MutexLock guard(lock_);
	if (!known(id))
		return -FI_ENOKEY;
	default_ = id;
	generation_++;
	return 0;
}

KeyRing::Key KeyRing::choose(uint64_t mr_key, const IpAddress &host) const
{
	MutexLock guard(lock_);
	auto region = regions_.find(mr_key);
	if (region != regions_.end())
		return get(region->second);
	for (const HostBinding &one : hosts_) {
		if (one.host.same_host(host))
			return get(one.id);
	}
	return get(default_);
}

int KeyRing::bind_path(const std::string &prefix, uint64_t id)
{
	return guard_memory([&] {
		MutexLock guard(lock_);
		if (!known(id))
			return -FI_ENOKEY;
		if (id)
			paths_[trimmed(prefix)] = id;
		else
			paths_.erase(trimmed(prefix));
		return 0;
	});
}

bool KeyRing::any_path() const
{
	MutexLock guard(lock_);
	return !paths_.empty();
}

uint64_t KeyRing::choose_path(const std::string &path) const
{
	MutexLock guard(lock_);
	/* Of the prefixes of one path the longest sorts last. */
	for (auto one = paths_.rbegin(); one != paths_.rend(); ++one) {
		if (is_below(path, one->first))
			return one->second;
	}
	return default_;
}

} // namespace ofi_pmem
