/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What initiators issued and what was acknowledged to them: with the plan, of
 * which it has the parameters, all that must be known to check a medium. A
 * header and a line for each event, written before an operation is posted and
 * after it has completed, by one write(2) to memory that any number of
 * initiators share: what a killed one has written is there. Into a file only
 * one process copies it: appended from several, lines are lost on NFS and 9P
 * (open(2), O_APPEND).
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

#include <cstdint>
#include <string>
#include <vector>

#include "torture_plan.hh"

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
	int first_error = 0; /* of an operation, positive fi_errno */

	[[nodiscard]] TortureOutcome of(uint32_t number) const
	{
		return outcomes[number];
	}
};

/*
 * Of the process that writes it, and its children. A file that was created, and
 * that nothing was saved in, is removed again.
 */
class TortureJournal
{
public:
	TortureJournal() = default;
	TortureJournal(const TortureJournal &) = delete;
	TortureJournal &operator=(const TortureJournal &) = delete;
	~TortureJournal();

	/*
	 * With a file that save() writes, unless the path is empty. What is in
	 * the file stays there until an operation is posted. errno.
	 */
	[[nodiscard]] int create(const std::string &path,
				 const TortureParameters &parameters,
				 uint64_t salt);

	/* errno if it cannot be written. */
	[[nodiscard]] int note(char what, uint32_t number);
	[[nodiscard]] int note(char what, uint32_t number, uint64_t value);

	/* Into the file, what it does not have yet; errno. */
	[[nodiscard]] int save();

	/* Bytes: it grows as long as anything happens. */
	[[nodiscard]] uint64_t size() const;

	/* From this byte on, as text; errno. */
	[[nodiscard]] int read(std::string *text, size_t from = 0) const;

private:
	[[nodiscard]] int open_file();

	int fd_ = -1;
	int file_ = -1;
	std::string path_;     /* of the file */
	bool created_ = false; /* the file, by this */
	uint64_t header_bytes_ = 0;
	size_t saved_ = 0;
};

/*
 * Empty, or why this is no journal. A last line without end is left out, as it
 * is what remains of the writer's own crash.
 */
[[nodiscard]] std::string parse_journal(const std::string &text,
					TortureRecord *record);

} // namespace fi_pmem
