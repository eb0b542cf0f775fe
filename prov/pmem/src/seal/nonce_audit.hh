/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A self-check, which FI_OFI_PMEM_SEAL_AUDIT asks for: a file with a line for
 * each record that was sealed,
 *	FINGERPRINT NONCE
 * in hexadecimal: the first 8 bytes of the SHA-256 of the traffic key, and the
 * nonce. No line may be there twice, which `sort FILE | uniq -d` shows. Many
 * processes may share a file, and a process that is killed leaves its lines.
 */
#pragma once

#include "core/owned_fd.hh"
#include "seal/cipher.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* One direction of a connection. Not thread-safe. */
class NonceAudit
{
public:
	/* Returns false, after a warning, if the file cannot be written. */
	[[nodiscard]] bool open(const char *path) noexcept;
	bool on() const noexcept { return static_cast<bool>(file_); }

	/* The lines that follow are about this key. */
	[[nodiscard]] bool use(const uint8_t *key, size_t len) noexcept;
	[[nodiscard]] bool add(const uint8_t *nonce) noexcept;

private:
	static constexpr size_t kFingerprint = 8;
	static constexpr size_t kNonceAt = 2 * kFingerprint + 1;
	static constexpr size_t kLine = kNonceAt + 2 * kNonceBytes + 1;

	OwnedFd file_;
	char line_[kLine] = {};
};

} // namespace ofi_pmem
