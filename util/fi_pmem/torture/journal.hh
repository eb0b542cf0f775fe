/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The journal has what initiators issued and what was acknowledged to them.
 * Together with the plan, whose parameters are in it, that is all that must be
 * known to check a medium. It has a header and a line for each event. A line is
 * written before an operation is posted, and after it has completed, by one
 * write(2) to memory that any number of initiators share, so what a killed one
 * has written is there. Only one process copies it into a file: if several
 * append, lines are lost on NFS and 9P (open(2), O_APPEND).
 *
 *   {"fi_pmem torture": 2, "salt": "...", "seed": "...", ...}
 *   p NUMBER         is posted
 *   a NUMBER         has succeeded
 *   f NUMBER ERROR   has failed, after the target was ended
 *   x NUMBER ERROR   has failed, and nothing was done that explains it
 *   w NUMBER AT      has read a wrong byte there
 *   h NUMBER         did not complete in time
 */
#pragma once

#include "torture/plan.hh"

#include <cstdint>
#include <string>
#include <vector>

namespace fi_pmem
{

enum class TortureOutcome : uint8_t { unissued, issued, acked, failed };

struct TortureEvent {
	char what = 0; /* w, x, h */
	uint32_t number = 0;
	uint64_t value = 0;
};

struct TortureRecord {
	TortureParameters parameters;
	uint64_t salt = 0;
	std::vector<TortureOutcome> outcomes; /* by number */
	std::vector<TortureEvent> findings;
	int first_error = 0; /* an operation's, positive fi_errno */

	[[nodiscard]] TortureOutcome of(uint32_t number) const
	{
		return outcomes[number];
	}
};

/*
 * The journal of the process that writes it, and of its children. A file that
 * was created is removed again if nothing was saved in it.
 */
class TortureJournal
{
public:
	TortureJournal() = default;
	TortureJournal(const TortureJournal &) = delete;
	TortureJournal &operator=(const TortureJournal &) = delete;
	~TortureJournal();

	/*
	 * Begins a journal. Unless the path is empty, save() writes it to this
	 * file, whose old content stays until an operation is posted. Returns
	 * an errno.
	 */
	[[nodiscard]] int create(const std::string &path,
				 const TortureParameters &parameters,
				 uint64_t salt);

	/* Returns an errno if it cannot be written. */
	[[nodiscard]] int note(char what, uint32_t number);
	[[nodiscard]] int note(char what, uint32_t number, uint64_t value);

	/* Adds to the file what it does not have yet. Returns an errno. */
	[[nodiscard]] int save();

	/*
	 * Returns the size in bytes, which grows as long as anything happens.
	 */
	[[nodiscard]] uint64_t size() const;

	/* Gets the text from this byte on. Returns an errno. */
	[[nodiscard]] int read(std::string *text, size_t from = 0) const;

private:
	[[nodiscard]] int open_file();

	int fd_ = -1;
	int file_ = -1;
	std::string path_;     /* of the file */
	bool created_ = false; /* the file was created by this object */
	uint64_t header_bytes_ = 0;
	size_t saved_ = 0;
};

/*
 * Returns empty, or why this is not a journal. An unfinished last line is
 * ignored, as the writer's crash may have left it.
 */
[[nodiscard]] std::string parse_journal(const std::string &text,
					TortureRecord *record);

} // namespace fi_pmem
