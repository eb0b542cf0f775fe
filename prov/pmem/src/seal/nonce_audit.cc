/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "seal/nonce_audit.hh"

#include "core/log.hh"
#include "seal/schedule.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ofi_pmem
{

namespace
{

void write_hex(const uint8_t *bytes, size_t len, char *text) noexcept
{
	static constexpr char kDigits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = kDigits[bytes[i] >> 4];
		text[2 * i + 1] = kDigits[bytes[i] & 15];
	}
}

} // namespace

bool NonceAudit::open(const char *path) noexcept
{
	int fd;
	do {
		fd = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			    0600);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		PMEM_WARN(FI_LOG_CORE,
			  "nothing can be sealed: nonces cannot be written to "
			  "%s (FI_OFI_PMEM_SEAL_AUDIT): %s",
			  path, strerror(errno));
		return false;
	}
	file_ = OwnedFd(fd);
	line_[kNonceAt - 1] = ' ';
	line_[kLine - 1] = '\n';
	return on();
}

bool NonceAudit::use(const uint8_t *key, size_t len) noexcept
{
	Hash hash;
	if (!sha256(key, len, &hash))
		return false;
	write_hex(hash.data(), kFingerprint, line_);
	return true;
}

/*
 * With O_APPEND the lines of processes that write at once do not mix; and what
 * one system call has written is there even if the process is killed.
 */
bool NonceAudit::add(const uint8_t *nonce) noexcept
{
	write_hex(nonce, kNonceBytes, line_ + kNonceAt);
	ssize_t written;
	do {
		written = write(file_.get(), line_, sizeof(line_));
	} while (written < 0 && errno == EINTR);
	return written == static_cast<ssize_t>(sizeof(line_));
}

} // namespace ofi_pmem
