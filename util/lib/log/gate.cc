/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include <ofi_pmem/log.hh>
#include <rdma/fi_errno.h>

#include <sys/random.h>

#include <cerrno>

namespace ofi_pmem_log
{

namespace
{

constexpr uint64_t kAccess = FI_REMOTE_READ | FI_REMOTE_WRITE;

/* Chooses a key that nobody can guess, if the application has to choose it. */
int choose_key(const fi_domain_attr &attr, uint64_t *key)
{
	*key = 0;
	if (static_cast<uint64_t>(attr.mr_mode) & FI_MR_PROV_KEY)
		return 0;
	if (getrandom(key, sizeof(*key), 0) != ssize_t{sizeof(*key)})
		return -errno;
	if (attr.mr_key_size < sizeof(*key))
		*key &= (uint64_t{1} << (8 * attr.mr_key_size)) - 1;
	return 0;
}

} // namespace

Gate::Gate(const fi_info *info, fid_domain *domain, void *memory, size_t len)
	: info_(info), domain_(domain), memory_(memory), len_(len)
{
}

Gate::~Gate()
{
	static_cast<void>(shut());
}

int Gate::admit(Place *place)
{
	int ret = shut();
	uint64_t key = 0;
	if (!ret)
		ret = choose_key(*info_->domain_attr, &key);
	if (!ret)
		ret = fi_mr_reg(domain_, memory_, len_, kAccess, 0, key,
				FI_RMA_PMEM, &mr_, nullptr);
	if (ret)
		return ret;
	auto mr_mode = static_cast<uint64_t>(info_->domain_attr->mr_mode);
	place->addr = mr_mode & FI_MR_VIRT_ADDR
			      ? reinterpret_cast<uintptr_t>(memory_)
			      : 0;
	place->len = len_;
	place->key = fi_mr_key(mr_);
	return 0;
}

int Gate::shut()
{
	if (!mr_)
		return 0;
	int ret = fi_close(&mr_->fid);
	if (!ret)
		mr_ = nullptr;
	return ret;
}

} // namespace ofi_pmem_log
