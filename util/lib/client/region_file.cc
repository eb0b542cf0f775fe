/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Creates, grows, locks and maps the exported file. The lock lasts as long as
 * the process: two servers of one file would overwrite each other.
 */
#include "client/region_file.hh"

#include "client/error_sink.hh"
#include "client/exit_codes.hh"
#include "client/file_sync.hh"

#include <climits>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace fi_pmem
{

namespace
{

namespace fs = std::filesystem;

fs::path sysfs_of(const struct stat &status)
{
	return "/sys/dev/char/" + std::to_string(major(status.st_rdev)) + ":" +
	       std::to_string(minor(status.st_rdev));
}

bool is_dax_device(const struct stat &status)
{
	std::error_code failure;
	auto subsystem = fs::canonical(sysfs_of(status) / "subsystem", failure);
	return !failure && subsystem.filename() == "dax";
}

} // namespace

RegionFile::~RegionFile()
{
	if (base_)
		munmap(base_, length_);
	if (!kept_)
		undo();
	if (fd_ >= 0)
		close(fd_);
}

/* The lock is held, so nobody else serves the file yet. */
void RegionFile::undo()
{
	if (created_)
		unlink(path_.c_str());
	else if (grew_from_)
		static_cast<void>(
			!ftruncate(fd_, static_cast<off_t>(*grew_from_)));
}

int RegionFile::open(ErrorSink &sink, const std::string &path,
		     std::optional<uint64_t> size, bool read_only)
{
	path_ = path;
	read_only_ = read_only;
	struct stat status;
	bool exists = !stat(path.c_str(), &status);
	if (!exists && errno != ENOENT)
		return sink.fail(kLocalFile, "%s: %s", path.c_str(),
				 strerror(errno));
	int ret;
	if (exists && S_ISCHR(status.st_mode))
		ret = open_device(sink, status, size);
	else if (exists && !S_ISREG(status.st_mode))
		ret = sink.fail(kLocalFile, "%s: %s", path.c_str(),
				S_ISDIR(status.st_mode)
					? "is a directory"
					: "is neither a file nor a DAX "
					  "device");
	else
		ret = open_file(sink, size);
	return ret ? ret : map(sink);
}

bool RegionFile::is(const std::string &path) const
{
	struct stat ours, theirs;
	if (fstat(fd_, &ours) || stat(path.c_str(), &theirs))
		return false;
	return S_ISCHR(ours.st_mode) && S_ISCHR(theirs.st_mode)
		       ? ours.st_rdev == theirs.st_rdev
		       : ours.st_dev == theirs.st_dev &&
				 ours.st_ino == theirs.st_ino;
}

int RegionFile::open_fd(ErrorSink &sink, int flags)
{
	flags |= read_only_ ? O_RDONLY : O_RDWR;
	fd_ = ::open(path_.c_str(), flags | O_CLOEXEC, 0666);
	if (fd_ < 0)
		return sink.fail(kLocalFile, "%s: %s", path_.c_str(),
				 strerror(errno));
	if (flock(fd_, (read_only_ ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return sink.fail(kLocalFile, "%s: %s", path_.c_str(),
				 errno == EWOULDBLOCK
					 ? "is served or locked by another "
					   "process"
					 : strerror(errno));
	return kOk;
}

int RegionFile::open_file(ErrorSink &sink, std::optional<uint64_t> size)
{
	bool created = access(path_.c_str(), F_OK) != 0;
	if (created && !size)
		return sink.fail(kLocalFile, "%s: does not exist%s",
				 path_.c_str(),
				 read_only_ ? "" : "; --size creates it");
	int ret = open_fd(sink, created ? O_CREAT | O_EXCL : 0);
	created_ = created && fd_ >= 0;
	if (ret)
		return ret;
	struct stat status;
	if (fstat(fd_, &status))
		return sink.fail(kLocalFile, "%s: %s", path_.c_str(),
				 strerror(errno));
	auto old_size = static_cast<uint64_t>(status.st_size);
	length_ = std::max(size.value_or(0), old_size);
	if (!length_)
		return sink.fail(kLocalFile, "%s: is empty%s", path_.c_str(),
				 read_only_ ? "" : "; --size makes it larger");
	if (length_ > old_size)
		grew_from_ = old_size;
	int done = read_only_ ? int{kOk} : allocate(sink, length_);
	/*
	 * Bytes that an earlier server could not sync are still in the page
	 * cache, and are considered clean; reads must ask the disk.
	 */
	if (!done)
		static_cast<void>(
			posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED));
	return done;
}

/*
 * Holes are filled too: a write that is acknowledged as durable must not meet
 * a full disk later.
 */
int RegionFile::allocate(ErrorSink &sink, uint64_t size)
{
	int error = EFBIG;
	if (size <= static_cast<uint64_t>(LLONG_MAX))
		error = posix_fallocate(fd_, 0, static_cast<off_t>(size));
	if (!error)
		error = sync_file_and_name(fd_, path_);
	if (!error)
		return kOk;
	return sink.fail(kLocalFile,
			 "%s: cannot allocate %" PRIu64 " bytes: %s",
			 path_.c_str(), size, strerror(error));
}

int RegionFile::open_device(ErrorSink &sink, const struct stat &status,
			    std::optional<uint64_t> size)
{
	if (!is_dax_device(status))
		return sink.fail(kLocalFile, "%s: is not a DAX device",
				 path_.c_str());
	std::ifstream(sysfs_of(status) / "size") >> length_;
	if (!length_)
		return sink.fail(kLocalFile, "%s: its size is unknown",
				 path_.c_str());
	if (size.value_or(0) > length_)
		return sink.fail(kLocalFile,
				 "%s: has %" PRIu64 " bytes and cannot grow",
				 path_.c_str(), length_);
	return open_fd(sink, 0);
}

/* Only DAX has MAP_SYNC; everywhere else the provider syncs the file. */
int RegionFile::map(ErrorSink &sink)
{
	int protection = read_only_ ? PROT_READ : PROT_READ | PROT_WRITE;
	void *mapped = mmap(nullptr, length_, protection,
			    MAP_SHARED_VALIDATE | MAP_SYNC, fd_, 0);
	map_sync_ = mapped != MAP_FAILED;
	if (!map_sync_)
		mapped = mmap(nullptr, length_, protection, MAP_SHARED, fd_, 0);
	if (mapped == MAP_FAILED)
		return sink.fail(kLocalFile, "%s: cannot map it: %s",
				 path_.c_str(), strerror(errno));
	base_ = mapped;
	return kOk;
}

} // namespace fi_pmem
