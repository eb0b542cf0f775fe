/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Files, mappings and child processes for the tests of src/persist. Files live
 * in a new directory below the build directory, because /tmp may be a tmpfs;
 * it goes when the test ends, also a failed one.
 */
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "persist/mapping.hh"
#include "persist/owned_fd.hh"

namespace ofi_pmem::test
{

class TempDir
{
public:
	TempDir()
	{
		char name[] = "persist_test.XXXXXX";
		if (mkdtemp(name))
			path_ = std::filesystem::absolute(name);
	}
	~TempDir()
	{
		std::error_code ignored;
		std::filesystem::remove_all(path_, ignored);
	}
	TempDir(const TempDir &) = delete;
	TempDir &operator=(const TempDir &) = delete;

	std::string file(const std::string &name) const { return path_ / name; }

private:
	std::filesystem::path path_;
};

/* Memory that is unmapped with its owner. */
class Mapped
{
public:
	Mapped(size_t len, int flags, int fd = -1,
	       int protection = PROT_READ | PROT_WRITE, off_t offset = 0)
		: len_(len),
		  base_(mmap(nullptr, len, protection, flags, fd, offset))
	{
	}
	~Mapped() { unmap(); }
	Mapped(const Mapped &) = delete;
	Mapped &operator=(const Mapped &) = delete;

	bool ok() const { return base_ != MAP_FAILED; }
	void unmap()
	{
		if (ok())
			munmap(base_, mapped_);
		base_ = MAP_FAILED;
	}
	/*
	 * Unmaps what is behind these bytes; size() stays. With kGap nobody
	 * else maps the next page meanwhile: the kernel fills a gap from its
	 * end.
	 */
	void leave(size_t bytes)
	{
		munmap(at(bytes), mapped_ - bytes);
		mapped_ = bytes;
	}
	static constexpr size_t kGap = size_t{1} << 30;

	char *at(size_t offset = 0) const
	{
		return static_cast<char *>(base_) + offset;
	}
	size_t size() const { return len_; }

private:
	size_t len_;
	size_t mapped_ = len_;
	void *base_;
};

inline std::string read_file(const std::string &path)
{
	std::ifstream file(path, std::ios::binary);
	return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void write_file(const std::string &path, const std::string &content)
{
	std::ofstream(path, std::ios::binary) << content;
}

inline OwnedFd open_rw(const std::string &path)
{
	return OwnedFd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

inline bool never_captured(uintptr_t, uintptr_t)
{
	return false;
}

/*
 * Runs `body` in a child, for what changes a whole process or kills it. The
 * status is that of waitpid(2); a body that returns exits with its value.
 */
inline int run_in_child(const std::function<int()> &body)
{
	pid_t child = fork();
	if (!child)
		_exit(body());
	int status = -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

inline bool exited_with(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/*
 * For a child that mounts: a mount namespace of its own, which takes its mounts
 * along when it exits. False without the privilege (unshare(2)).
 */
inline bool enter_mount_namespace()
{
	return !unshare(CLONE_NEWNS) &&
	       !mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr);
}

/* For a child: nobody, without capabilities. False without the privilege. */
inline bool become_nobody()
{
	return !geteuid() && !setgroups(0, nullptr) && !setgid(65534) &&
	       !setuid(65534);
}

constexpr int kCannotDrop = 77;

/* run_in_child() as a user who owns nothing here, if this one is root. */
inline int run_without_privileges(const std::function<int()> &body)
{
	return run_in_child([&] {
		bool root = !geteuid();
		return root && !become_nobody() ? kCannotDrop : body();
	});
}

/* While it lives the process may open `left` more files. */
class FewDescriptors
{
public:
	explicit FewDescriptors(size_t left)
	{
		getrlimit(RLIMIT_NOFILE, &before_);
		rlimit fewer = before_;
		fewer.rlim_cur = std::min<rlim_t>(before_.rlim_cur, 512);
		setrlimit(RLIMIT_NOFILE, &fewer);
		int fd;
		while ((fd = dup(STDERR_FILENO)) >= 0)
			held_.push_back(OwnedFd(fd));
		for (size_t i = 0; i < left && !held_.empty(); i++)
			held_.pop_back();
	}
	~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
	FewDescriptors(const FewDescriptors &) = delete;
	FewDescriptors &operator=(const FewDescriptors &) = delete;

private:
	rlimit before_ = {};
	std::vector<OwnedFd> held_;
};

inline size_t count_descriptors()
{
	size_t count = 0;
	for (auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
		count += !entry.path().empty();
	return count;
}

/* A directory, and a file of four pages with known content, mapped shared. */
class PersistTest : public testing::Test
{
protected:
	void SetUp() override
	{
		struct statfs fs;
		if (!statfs(dir_.file("").c_str(), &fs) &&
		    fs.f_type == TMPFS_MAGIC)
			GTEST_SKIP() << "the build directory is on tmpfs";
		write_file(path_, initial_);
		fd_ = open_rw(path_);
		ASSERT_TRUE(fd_);
	}

	Inspection inspect(const Mapped &memory) const
	{
		return inspect_memory(memory.at(), memory.size(),
				      never_captured);
	}

	/* The file, as if it were mapped with MAP_SYNC, of an NVDIMM. */
	FileMapping as_map_sync() const
	{
		FileMapping file;
		file.fd = open_rw(path_);
		file.file_size = len_;
		file.map_sync = true;
		file.dax = {DaxKind::persistent,
			    PersistenceDomain::memory_controller};
		return file;
	}

	const size_t page_ = page_size();
	const size_t len_ = 4 * page_;
	const std::string initial_ = std::string(len_, '.');
	TempDir dir_;
	const std::string path_ = dir_.file("region");
	OwnedFd fd_;
};

} // namespace ofi_pmem::test
