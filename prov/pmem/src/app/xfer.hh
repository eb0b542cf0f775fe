/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Messages, tagged messages, atomics and collectives are forwarded. Only
 * FI_COMMIT_COMPLETE on one of them is refused, because no inner provider may
 * see it and none of them can be durable.
 */
#pragma once

#include <rdma/fi_atomic.h>
#include <rdma/fi_collective.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_tagged.h>

namespace ofi_pmem
{

fi_ops_msg make_ep_msg_ops() noexcept;
fi_ops_tagged make_ep_tagged_ops() noexcept;

extern fi_ops_msg ep_msg_ops;
extern fi_ops_tagged ep_tagged_ops;
extern fi_ops_atomic ep_atomic_ops;
extern fi_ops_collective ep_collective_ops;

/* A shared receive context has the receiving half. */
extern fi_ops_msg srx_msg_ops;
extern fi_ops_tagged srx_tagged_ops;

/* Endpoints whose inner provider lacks the whole table have these. */
extern fi_ops_msg no_msg_ops;
extern fi_ops_tagged no_tagged_ops;
extern fi_ops_atomic no_atomic_ops;
extern fi_ops_collective no_collective_ops;

} // namespace ofi_pmem
