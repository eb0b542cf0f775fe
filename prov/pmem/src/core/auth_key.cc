/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "core/auth_key.hh"

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace ofi_pmem
{

namespace
{

struct FileCloser {
	void operator()(FILE *file) const noexcept { fclose(file); }
};

const char *unfit_size(size_t size) noexcept
{
	if (size < kMinAuthKey)
		return "an auth_key of less than 16 bytes can be guessed";
	return size > kMaxAuthKey ? "an auth_key has at most 4096 bytes"
				  : nullptr;
}

bool is_own_group(gid_t group)
{
	if (group == getegid())
		return true;
	std::vector<gid_t> groups(
		static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
	int count = getgroups(static_cast<int>(groups.size()), groups.data());
	return count > 0 && std::find(groups.begin(), groups.begin() + count,
				      group) != groups.begin() + count;
}

/*
 * Follows ssh(1) for its private keys; or the habit for a service's secrets,
 * which root lets a group read that the service is in.
 */
const char *unfit_file(const struct stat &status)
{
	if (!S_ISREG(status.st_mode))
		return "it is not a regular file";
	bool group_reads = status.st_mode & S_IRGRP;
	if ((status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) ||
	    (group_reads &&
	     (status.st_uid != 0 || !is_own_group(status.st_gid))))
		return "others may use it: chmod 600, or 640 if it belongs to "
		       "root and to a group of this process";
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return "it belongs to another user";
	return nullptr;
}

AuthKey key_at(const uint8_t *bytes, size_t size)
{
	return size ? AuthKey(bytes, bytes + size) : AuthKey();
}

AuthKey domain_key(const fi_info &info)
{
	auto domain = info.domain_attr;
	return domain ? key_at(domain->auth_key, domain->auth_key_size)
		      : AuthKey();
}

AuthKey endpoint_key(const fi_info &info)
{
	auto endpoint = info.ep_attr;
	return endpoint ? key_at(endpoint->auth_key, endpoint->auth_key_size)
			: AuthKey();
}

/* fi_freeinfo(3) frees it. */
void replace(uint8_t **bytes, size_t *size, const AuthKey &key)
{
	free(*bytes);
	*bytes = nullptr;
	*size = 0;
	if (key.empty())
		return;
	*bytes = static_cast<uint8_t *>(malloc(key.size()));
	if (!*bytes)
		throw std::bad_alloc();
	std::memcpy(*bytes, key.data(), key.size());
	*size = key.size();
}

} // namespace

bool read_secret_file(const char *path, size_t most,
		      std::vector<uint8_t> *bytes, std::string *why)
{
	struct stat status {
	};
	if (stat(path, &status)) {
		*why = strerror(errno);
		return false;
	}
	const char *unfit = unfit_file(status);
	std::unique_ptr<FILE, FileCloser> file;
	if (!unfit)
		file.reset(fopen(path, "re"));
	/* Checks once more, now the file that is read. */
	if (file && !fstat(fileno(file.get()), &status))
		unfit = unfit_file(status);
	if (unfit || !file) {
		*why = unfit ? unfit : strerror(errno);
		return false;
	}
	if (static_cast<size_t>(status.st_size) > most) {
		*why = "it has more than " + std::to_string(most) + " bytes";
		return false;
	}
	/* The stream would keep a copy of the secret. */
	setvbuf(file.get(), nullptr, _IONBF, 0);
	bytes->resize(static_cast<size_t>(status.st_size));
	if (fread(bytes->data(), 1, bytes->size(), file.get()) !=
	    bytes->size()) {
		*why = "it cannot be read";
		return false;
	}
	return true;
}

bool read_auth_key(const char *path, AuthKey *key, std::string *why)
{
	AuthKey bytes;
	if (!read_secret_file(path, kMaxAuthKey, &bytes, why))
		return false;
	const char *unfit = unfit_size(bytes.size());
	if (unfit) {
		*why = unfit;
		return false;
	}
	*key = std::move(bytes);
	return true;
}

const char *unfit_auth_key(const fi_info &info) noexcept
{
	auto domain = info.domain_attr;
	auto endpoint = info.ep_attr;
	size_t domain_size = domain ? domain->auth_key_size : 0;
	size_t endpoint_size = endpoint ? endpoint->auth_key_size : 0;
	const char *unfit = nullptr;
	if (domain_size)
		unfit = unfit_size(domain_size);
	if (endpoint_size && !unfit)
		unfit = unfit_size(endpoint_size);
	if (unfit || !domain_size || !endpoint_size)
		return unfit;
	bool same = domain_size == endpoint_size &&
		    !memcmp(domain->auth_key, endpoint->auth_key, domain_size);
	return same ? nullptr : "endpoint and domain name different auth_keys";
}

AuthKey auth_key_of(const fi_info &info)
{
	AuthKey key = domain_key(info);
	return key.empty() ? endpoint_key(info) : key;
}

void set_auth_key(fi_info *info, const AuthKey &key)
{
	if (info->domain_attr)
		replace(&info->domain_attr->auth_key,
			&info->domain_attr->auth_key_size, key);
	if (info->ep_attr)
		replace(&info->ep_attr->auth_key, &info->ep_attr->auth_key_size,
			key);
}

} // namespace ofi_pmem
