/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The requests that an operation becomes. Each function posts one, if there is
 * a credit for it.
 */
#pragma once

#include "initiator/op.hh"
#include "initiator/request_window.hh"
#include "protocol/wire.hh"

#include <cstdint>

namespace ofi_pmem
{

/* Posts a part of a write or read, with the operation's next local bytes. */
[[nodiscard]] Posted post_write(RequestWindow *window, PersistentOp *op,
				const wire::Range &part, uint16_t flags);
[[nodiscard]] Posted post_read(RequestWindow *window, PersistentOp *op,
			       const wire::Range &part, uint16_t flags);

/* Posts a whole atomic operation, which the service executes in its turn. */
[[nodiscard]] Posted post_atomic(RequestWindow *window, PersistentOp *op);

/* Lets the target report the length of a write with remote CQ data. */
[[nodiscard]] Posted post_announcement(RequestWindow *window, PersistentOp *op);

/* Asks the service to describe a region. */
[[nodiscard]] Posted post_resolve(RequestWindow *window, uint64_t token);

} // namespace ofi_pmem
