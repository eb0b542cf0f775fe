/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "torture/journal.hh"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace fi_pmem
{

namespace
{

using Json = nlohmann::ordered_json;
constexpr const char *kTitle = "fi_pmem torture";
constexpr int kVersion = 2;

std::string header(const TortureParameters &parameters, uint64_t salt)
{
	Json object{{kTitle, kVersion},
		    {"salt", std::to_string(salt)},
		    {"seed", std::to_string(parameters.seed)},
		    {"initiators", parameters.initiators},
		    {"rounds", parameters.rounds},
		    {"ops", parameters.ops},
		    {"size", parameters.size},
		    {"faults", parameters.faults},
		    {"atomics", parameters.atomics},
		    {"format", parameters.format}};
	return object.dump() + "\n";
}

/* The id is a string, because some programs round JSON numbers. */
bool parse_id(const Json &json, uint64_t *id)
{
	auto digits = json.get<std::string>();
	const char *end = digits.data() + digits.size();
	auto result = std::from_chars(digits.data(), end, *id);
	return result.ec == std::errc{} && result.ptr == end;
}

std::string parse_header(const std::string &line, TortureRecord *record)
{
	Json object = Json::parse(line, nullptr, false);
	if (!object.is_object() || !object.contains(kTitle))
		return "is not a journal of fi_pmem torture";
	TortureParameters &parameters = record->parameters;
	try {
		if (object.at(kTitle) != kVersion)
			return "is of another version of fi_pmem torture";
		object.at("initiators").get_to(parameters.initiators);
		object.at("rounds").get_to(parameters.rounds);
		object.at("ops").get_to(parameters.ops);
		object.at("size").get_to(parameters.size);
		object.at("faults").get_to(parameters.faults);
		object.at("atomics").get_to(parameters.atomics);
		object.at("format").get_to(parameters.format);
		if (!parse_id(object.at("salt"), &record->salt) ||
		    !parse_id(object.at("seed"), &parameters.seed))
			return "has a header with an invalid salt or seed";
	} catch (const Json::exception &) {
		return "has a header that is incomplete";
	}
	return check_parameters(parameters);
}

/* A line is "p 17" or "x 17 5", for example. */
bool parse_line(const std::string &line, TortureEvent *event)
{
	const char *end = line.data() + line.size();
	if (line.size() < 3 || line[1] != ' ')
		return false;
	event->what = line[0];
	auto result = std::from_chars(line.data() + 2, end, event->number);
	bool valued =
		event->what == 'f' || event->what == 'x' || event->what == 'w';
	if (result.ec == std::errc{} && valued) {
		if (result.ptr == end || *result.ptr != ' ')
			return false;
		result = std::from_chars(result.ptr + 1, end, event->value);
	}
	return result.ec == std::errc{} && result.ptr == end;
}

bool apply(const TortureEvent &event, TortureRecord *record)
{
	if (event.number >= record->outcomes.size())
		return false;
	TortureOutcome &outcome = record->outcomes[event.number];
	if ((event.what == 'p') != (outcome == TortureOutcome::unissued))
		return false;
	switch (event.what) {
	case 'p':
		outcome = TortureOutcome::issued;
		return true;
	case 'a':
		outcome = TortureOutcome::acked;
		return true;
	case 'x':
		record->findings.push_back(event);
		[[fallthrough]];
	case 'f':
		outcome = TortureOutcome::failed;
		if (!record->first_error)
			record->first_error = static_cast<int>(event.value);
		return true;
	case 'w':
	case 'h':
		record->findings.push_back(event);
		return true;
	default:
		return false;
	}
}

int append(int fd, const std::string &text)
{
	ssize_t written;
	do
		written = write(fd, text.data(), text.size());
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return errno;
	return static_cast<size_t>(written) == text.size() ? 0 : ENOSPC;
}

} // namespace

TortureJournal::~TortureJournal()
{
	if (created_ && !saved_)
		unlink(path_.c_str());
	for (int fd : {fd_, file_}) {
		if (fd >= 0)
			close(fd);
	}
}

int TortureJournal::create(const std::string &path,
			   const TortureParameters &parameters, uint64_t salt)
{
	fd_ = memfd_create("fi_pmem torture", MFD_CLOEXEC);
	/* Linux does not lock the position of a memfd that processes share. */
	if (fd_ < 0 || fcntl(fd_, F_SETFL, O_APPEND))
		return errno;
	int error = append(fd_, header(parameters, salt));
	header_bytes_ = size();
	path_ = path;
	return error || path.empty() ? error : open_file();
}

int TortureJournal::open_file()
{
	constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC;
	file_ = open(path_.c_str(), kFlags | O_EXCL, 0666);
	created_ = file_ >= 0;
	if (file_ < 0 && errno == EEXIST)
		file_ = open(path_.c_str(), kFlags, 0666);
	return file_ < 0 ? errno : 0;
}

int TortureJournal::save()
{
	bool begun = size() > header_bytes_;
	if (file_ < 0 || !begun)
		return 0;
	/* A pipe or a device, which cannot be cut, has nothing to lose. */
	if (!saved_ && ftruncate(file_, 0) && errno != EINVAL)
		return errno;
	std::string more;
	int error = read(&more, saved_);
	if (!error)
		error = append(file_, more);
	saved_ += more.size();
	return error;
}

int TortureJournal::note(char what, uint32_t number)
{
	return append(fd_, std::string(1, what) + " " + std::to_string(number) +
				   "\n");
}

int TortureJournal::note(char what, uint32_t number, uint64_t value)
{
	return append(fd_, std::string(1, what) + " " + std::to_string(number) +
				   " " + std::to_string(value) + "\n");
}

uint64_t TortureJournal::size() const
{
	struct stat status;
	return fstat(fd_, &status) ? 0 : static_cast<uint64_t>(status.st_size);
}

int TortureJournal::read(std::string *text, size_t from) const
{
	char piece[65536];
	ssize_t got;
	text->clear();
	while ((got = pread(fd_, piece, sizeof(piece),
			    static_cast<off_t>(from + text->size()))) > 0)
		text->append(piece, static_cast<size_t>(got));
	return got < 0 ? errno : 0;
}

std::string parse_journal(const std::string &text, TortureRecord *record)
{
	size_t end = text.find('\n');
	if (end == text.npos)
		return "is not a journal of fi_pmem torture";
	std::string problem = parse_header(text.substr(0, end), record);
	if (!problem.empty())
		return problem;
	record->findings.clear();
	record->first_error = 0;
	record->outcomes.assign(make_plan(record->parameters).numbers,
				TortureOutcome::unissued);
	size_t number = 1;
	for (size_t at = end + 1; (end = text.find('\n', at)) != text.npos;
	     at = end + 1) {
		TortureEvent event;
		number++;
		if (!parse_line(text.substr(at, end - at), &event) ||
		    !apply(event, record))
			return "line " + std::to_string(number) +
			       " is not as fi_pmem torture writes it";
	}
	return "";
}

} // namespace fi_pmem
