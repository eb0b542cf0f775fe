/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What commits to the files of a directory, or to a device, would be worth: not
 * by what the kernel says, but by serving a region there, as fi_pmem serve
 * does, and asking what a client is told of it.
 */
#pragma once

#include <string>

#include <rdma/fi_ext_pmem.h>

namespace fi_pmem
{

struct Options;
class Report;

struct Probe {
	std::string provider;
	fi_pmem_region_attr attr{};
	std::string reason; /* of attr.method */
};

/*
 * `place` is a directory, in which a small file is made and removed, or a
 * device DAX, which is not written to. Exit code.
 */
[[nodiscard]] int probe(const Options &options, Report &report,
			const std::string &place, Probe *found);

} // namespace fi_pmem
