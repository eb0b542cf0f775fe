/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The user data in messages: gathered from the application's buffers into a
 * request, or sent from there behind it, and scattered into them from an
 * answer. Nothing else at the initiator touches these bytes.
 */
#pragma once

#include "initiator/op.hh"
#include "initiator/request_window.hh"

#include <cstddef>
#include <cstdint>

namespace ofi_pmem
{

/* Has the lengths of an atomic operation's operands, in bytes. */
struct OperandLengths {
	size_t operands;
	size_t compare;

	size_t total() const noexcept { return operands + compare; }
};
OperandLengths operand_lengths(const PersistentOp &op) noexcept;

/* Fills the payload of a Write with `len` bytes from `offset` on. */
void gather_write(const PersistentOp &op, size_t offset, size_t len,
		  uint8_t *payload) noexcept;

/*
 * Gets the buffers with `len` bytes from `offset` on, of which there are at
 * most kMaxIov; returns how many.
 */
size_t refer_write(const PersistentOp &op, size_t offset, size_t len,
		   iovec *payload) noexcept;

/* Fills the payload of an Atomic, behind its ranges. */
void gather_operands(const PersistentOp &op, const OperandLengths &lengths,
		     uint8_t *payload) noexcept;

/* Passes on the payload of the Data that answers `request`. */
void scatter_data(const Request &request, const uint8_t *payload,
		  size_t len) noexcept;

} // namespace ofi_pmem
