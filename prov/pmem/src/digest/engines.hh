/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The engines, one file for each library; open_digest() is their only caller.
 * They return null for algorithms that are not theirs or that the library
 * lacks.
 */
#pragma once

#include "digest/digest.hh"

namespace ofi_pmem
{

/* ISA-L computes these digests. */
std::unique_ptr<DigestEngine> open_crc(DigestAlgorithm algorithm) noexcept;
/* libxxhash computes this digest. */
std::unique_ptr<DigestEngine> open_xxh3(DigestAlgorithm algorithm) noexcept;
/* OpenSSL computes this digest. */
std::unique_ptr<DigestEngine> open_sha256() noexcept;

} // namespace ofi_pmem
