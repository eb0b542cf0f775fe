/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "common/region_file.hh"

#include "common/launcher.hh"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace pmem_test
{

namespace
{

[[noreturn]] void fail(const std::string &what)
{
	throw std::system_error(errno, std::generic_category(), what);
}

/* A descriptor that closes itself. */
class File
{
public:
	File(const std::string &path, int flags)
		: fd_(open(path.c_str(), flags | O_CLOEXEC, 0600))
	{
		if (fd_ < 0)
			fail("open " + path);
	}
	~File()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	File(const File &) = delete;
	File &operator=(const File &) = delete;
	int fd() const { return fd_; }
	int release() { return std::exchange(fd_, -1); }

private:
	int fd_;
};

} // namespace

uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

Bytes pattern(uint64_t seed, size_t len, uint64_t first)
{
	Bytes bytes(len);
	uint64_t stream = mix(seed);
	uint64_t word = 0;
	for (size_t i = 0; i < len; i++) {
		uint64_t at = first + i;
		if (!i || !(at % 8))
			word = mix(stream + at / 8);
		bytes[i] = static_cast<uint8_t>(word >> (at % 8 * 8));
	}
	return bytes;
}

/* Messages order what a peer wrote, which no sanitizer sees. */
__attribute__((no_sanitize("thread"))) uint64_t hash(const void *data,
						     size_t len)
{
	auto bytes = static_cast<const uint8_t *>(data);
	uint64_t value = 0xcbf29ce484222325;
	for (size_t i = 0; i < len; i++)
		value = (value ^ bytes[i]) * 0x100000001b3;
	return value;
}

std::string difference(const Bytes &got, const Bytes &wanted)
{
	if (got == wanted)
		return "";
	if (got.size() != wanted.size())
		return std::to_string(got.size()) + " bytes, wanted " +
		       std::to_string(wanted.size());
	size_t bad = 0;
	size_t first = 0;
	for (size_t i = got.size(); i-- > 0;) {
		if (got[i] != wanted[i]) {
			first = i;
			bad++;
		}
	}
	return std::to_string(bad) + " of " + std::to_string(got.size()) +
	       " bytes differ, first byte " + std::to_string(first) + ": " +
	       std::to_string(got[first]) + ", wanted " +
	       std::to_string(wanted[first]);
}

RegionFile::RegionFile(size_t len)
{
	static std::atomic<unsigned> count;
	if (dax_device()) {
		path_ = part_.emplace(len).path();
		part_len_ = len;
		Mapping mapping(path_, len);
		std::fill_n(mapping.data(), len, uint8_t{0});
		return;
	}
	/* A test may fork, and then count twice. */
	path_ = work_dir() + "/region." + std::to_string(getpid()) + '.' +
		std::to_string(count++);
	File file(path_, O_RDWR | O_CREAT | O_EXCL);
	if (ftruncate(file.fd(), static_cast<off_t>(len)))
		fail("ftruncate " + path_);
}

RegionFile::~RegionFile()
{
	if (!part_)
		unlink(path_.c_str());
}

Bytes RegionFile::read(uint64_t offset, size_t len) const
{
	if (part_) {
		Mapping mapping(path_, part_len_);
		offset = std::min<uint64_t>(offset, part_len_);
		len = std::min<uint64_t>(len, part_len_ - offset);
		return Bytes(mapping.data() + offset,
			     mapping.data() + offset + len);
	}
	File file(path_, O_RDONLY);
	Bytes bytes(len);
	size_t done = 0;
	while (done < len) {
		ssize_t got = pread(file.fd(), bytes.data() + done, len - done,
				    static_cast<off_t>(offset + done));
		if (got < 0)
			fail("read " + path_);
		if (!got)
			break;
		done += static_cast<size_t>(got);
	}
	bytes.resize(done);
	return bytes;
}

Bytes RegionFile::read() const
{
	if (part_)
		return read(0, part_len_);
	File file(path_, O_RDONLY);
	off_t len = lseek(file.fd(), 0, SEEK_END);
	if (len < 0)
		fail("lseek " + path_);
	return read(0, static_cast<size_t>(len));
}

void RegionFile::resize(size_t len)
{
	if (part_)
		throw std::logic_error("a device has no length to change");
	if (truncate(path_.c_str(), static_cast<off_t>(len)))
		fail("truncate " + path_);
}

Mapping::Mapping(const std::string &path, size_t len, int flags)
	: len_(len), mapped_len_(len)
{
	int prot = PROT_READ | PROT_WRITE;
	std::string name = path;
	if (split_dax_path(path, &name, &offset_))
		mapped_len_ = dax_round_up(len);
	if (path.empty()) {
		base_ = mmap(nullptr, len, prot, flags | MAP_ANONYMOUS, -1, 0);
	} else {
		fd_ = File(name, O_RDWR).release();
		base_ = mmap(nullptr, mapped_len_, prot, flags, fd_,
			     static_cast<off_t>(offset_));
	}
	if (base_ != MAP_FAILED)
		return;
	close(fd_);
	fail("mmap " + path);
}

void Mapping::leave(size_t bytes)
{
	munmap(data() + bytes, mapped_len_ - bytes);
	mapped_len_ = bytes;
}

Mapping::~Mapping()
{
	munmap(base_, mapped_len_);
	if (fd_ >= 0)
		close(fd_);
}

} // namespace pmem_test
