/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Finds out what commits to the files of a directory, or to a device, would be
 * worth. It does not rely on the kernel's word, but serves a region there, as
 * fi_pmem serve does, and asks what a client learns about it.
 */
#pragma once

#include <rdma/fi_ext_pmem.h>

#include <string>

namespace fi_pmem
{

struct Options;
class Report;

struct Probe {
	std::string provider;
	fi_pmem_region_attr attr{};
	std::string reason; /* the reason for attr.method */
};

/*
 * `place` is a directory, in which a small file is made and removed, or a
 * device DAX, which is not written to. Returns an exit code.
 */
[[nodiscard]] int probe(const Options &options, Report &report,
			const std::string &place, Probe *found);

} // namespace fi_pmem
