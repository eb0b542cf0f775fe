/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Standard input, output and error of a program that was started without some
 * of them. Whatever it opens next would get their numbers, and so a region
 * would get what the program writes to its standard error.
 */
#pragma once

namespace fi_pmem
{

/*
 * The first that a program does: takes the numbers that are closed, each by a
 * file that refuses what the program would do with it. So reading from an
 * input that is not there, and output that nobody gets, are errors as before.
 * Ends the program where the numbers cannot be taken.
 */
void occupy_standard_files();

/*
 * For a program that runs on its own, such as a daemon: from now on what it
 * writes to an output that is not there is dropped, which is no error.
 */
void drop_unread_output();

} // namespace fi_pmem
