/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Standard input, output and error of a program that was started without some
 * of them. The next files that it opens would get their numbers, and so a
 * region would get what the program writes to its standard error.
 */
#pragma once

namespace fi_pmem
{

/*
 * A program calls this first. Each number that is closed gets a file that
 * refuses what the program would do with it, so reading from missing input, and
 * output that nobody gets, are errors as before. It ends the program if the
 * numbers cannot be taken.
 */
void occupy_standard_files();

/*
 * A program that runs on its own, such as a daemon, calls this: from now on
 * what it writes to missing output is dropped, which is no error.
 */
void drop_unread_output();

} // namespace fi_pmem
