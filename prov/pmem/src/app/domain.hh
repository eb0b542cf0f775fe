/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#pragma once

#include "app/fabric.hh"
#include "app/info_variant.hh"
#include "app/wrapper.hh"
#include "bridge/persistence.hh"

#include <rdma/fi_domain.h>

#include <memory>
#include <vector>

namespace ofi_pmem
{

/*
 * The domain: parent of endpoints, queues, counters, address vectors and
 * memory regions. A persistent domain is one opened with an info that has
 * FI_RMA_PMEM; only there do the wrappers do more than forward.
 */
class Domain final : public Wrapper<fid_domain>
{
public:
	static int open(Fabric &fabric, const fi_info &info, uint64_t flags,
			void *context, fid_domain **domain);

	/*
	 * Opens a domain without the persistence plane: queues, counters and
	 * regions behave as on a persistent domain, and a source can be set.
	 * This is for unit tests, whose inner provider has no addresses.
	 */
	static int open_app_plane(Fabric &fabric, const fi_info &info,
				  uint64_t flags, void *context,
				  fid_domain **domain);

	bool persistent() const noexcept { return is_persistent(*info_); }

	/* All atomics of the domain are ours; the inner domain has none. */
	bool owns_atomics() const noexcept
	{
		return persistent() && !traits_.atomics;
	}

	/*
	 * Returns whether an endpoint or a region may name this key. A domain
	 * has at most one, that of its persistence plane. On a plain domain the
	 * inner provider decides.
	 */
	bool accepts_auth_key(const AuthKey &key) const noexcept;

	/* A copy of the info that the domain was opened with. */
	const fi_info &info() const noexcept { return *info_; }

	Fabric &fabric() const noexcept { return fabric_; }

	/* Returns the persistence plane, or null on a plain domain. */
	Persistence *persistence() const noexcept { return persistence_.get(); }

	/*
	 * Queues and counters of the domain drive this source; it is null on a
	 * plain domain. It is set before the first of them is opened. Any
	 * thread may call this.
	 */
	ProgressSource *progress_source() const noexcept { return source_; }
	void set_progress_source(ProgressSource *source) noexcept
	{
		source_ = source;
	}

	/* The info for an inner endpoint. Throws std::bad_alloc. */
	InfoPtr inner_info(const fi_info &info) const;

	/*
	 * Sets the key to request for an inner region. On a persistent domain
	 * whose inner provider uses the requested key, this is a key of ours,
	 * because the application granted FI_MR_PROV_KEY and may request the
	 * same key twice. Else the key stays. Returns 0 or a negative fi_errno.
	 * Any thread may call it.
	 */
	[[nodiscard]] int inner_key(uint64_t *key) const noexcept;

	int bind(fid_t other, uint64_t flags);
	int control(int command, void *arg) noexcept;
	int ops_open(const char *name, uint64_t flags, void **table,
		     void *context) noexcept;

private:
	Domain(Fabric &fabric, void *context) noexcept;

	Fabric &fabric_;
	Dependence parent_;
	InfoPtr info_;
	InnerTraits traits_;
	std::vector<Dependence> bound_;
	std::unique_ptr<Persistence> persistence_;
	ProgressSource *source_ = nullptr;
};

} // namespace ofi_pmem
