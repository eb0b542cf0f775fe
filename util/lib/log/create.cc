/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "log/remote.hh"

#include <sys/random.h>

#include <cerrno>

namespace ofi_pmem_log
{

int create(const Path &path, const Place &place, std::string *text)
{
	/*
	 * Records that an earlier log left are not records of this one, by its
	 * id.
	 */
	uint64_t id = 0;
	if (getrandom(&id, sizeof(id), 0) != ssize_t{sizeof(id)}) {
		*text = "no random number";
		return -errno;
	}
	auto remote = std::make_unique<Remote>(path, place);
	int ret = remote->open();
	if (!ret)
		ret = remote->write_control(
			make_control(capacity_of(place.len), id));
	*text = remote->text();
	/*
	 * The operation is given up, but the provider may still read the
	 * memory, so it is not ours to free.
	 */
	if (remote->busy())
		static_cast<void>(remote.release());
	return ret;
}

} // namespace ofi_pmem_log
