/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The exit codes are stable and documented in fi_pmem(1). Every function of the
 * tool that can fail returns one of them, after it has given Report the reason.
 */
#pragma once

namespace fi_pmem
{

enum ExitCode : int {
	kOk = 0,
	kFailed = 1,	  /* the operation failed, or the peer was lost in it */
	kUsage = 2,	  /* the command line is wrong */
	kUnreachable = 3, /* name, route, refusal by the host, timeout */
	kRefused = 4,	  /* the peer is not a compatible fi_pmem serve */
	kLocalFile = 5,	  /* the local file cannot be used */
	kNoRoom = 6,	  /* the range does not fit the region */
	kDiffers = 7,	  /* the peer's bytes are not what they should be */
	kHung = 8,	  /* an operation of torture did not end in time */
	kSignalBase = 128 /* 128 + number of the signal that ended it */
};

} // namespace fi_pmem
