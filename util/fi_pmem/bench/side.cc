/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "bench/side.hh"

namespace fi_pmem
{

const char *bench_op_name(BenchOp op)
{
	switch (op) {
	case BenchOp::message:
		return "message";
	case BenchOp::write:
		return "write";
	case BenchOp::commit:
		return "commit";
	case BenchOp::fenced:
		return "fenced";
	case BenchOp::append:
		return "append";
	case BenchOp::drain:
		return "drain";
	case BenchOp::verified:
		return "verified";
	}
	return "unknown";
}

} // namespace fi_pmem
