/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include <cerrno>

#include <sys/random.h>

#include "remote.hh"

namespace ofi_pmem_log
{

int create(const Path &path, const Place &place, std::string *text)
{
	/* What an earlier log left is no record of this one, by its id. */
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
	/* Given up, but the provider may still read it: not ours to free. */
	if (remote->busy())
		static_cast<void>(remote.release());
	return ret;
}

} // namespace ofi_pmem_log
