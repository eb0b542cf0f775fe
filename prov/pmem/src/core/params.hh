/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Every FI_OFI_PMEM_* variable is defined, read and range-checked once, when
 * the provider is loaded. fi_pmem(7) documents each; a test compares the lists.
 */
#pragma once

#include "core/auth_key.hh"
#include "digest/digest.hh"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ofi_pmem
{

/* How a commit reaches the persistence domain (fi_pmem(7), METHODS). */
enum class MethodChoice { automatic, message, read, native, ack };

/* Says which registrations become persistent regions. */
enum class RegionChoice { flagged, detect, all };

/* Says which writes to a persistent region commit. */
enum class CommitChoice { flagged, all };

enum class BackendChoice { automatic, pmem2, powerfail };

/*
 * The administrator of a target declares what sysfs and devices do not report
 * about its platform. The provider trusts these declarations.
 */
enum class DomainChoice { automatic, memory_controller, cpu_cache, system };
enum class DdioChoice { on, off };
enum class NativeFlushChoice { automatic, vouched, off };

inline constexpr size_t kMinVerifyBlock = 64;
inline constexpr size_t kMaxVerifyBlock = 1 << 30;

/* Says whether persistent regions are sealed (fi_pmem_seal(7)). */
enum class SealChoice { off, offered, required };

/* The upper limit of inline_size is the payload of one request. */
inline constexpr size_t kMaxInlineSize = 65536;

/* The service's threads run on these CPUs (service/placement.hh). */
struct ServiceCpus {
	enum class Kind { automatic, none, node, list };
	struct Range {
		unsigned first;
		unsigned last;
	};
	Kind kind = Kind::automatic;
	unsigned node = 0;
	std::vector<Range> cpus;
};

struct Params {
	MethodChoice method = MethodChoice::automatic;
	RegionChoice regions = RegionChoice::flagged;
	CommitChoice commit = CommitChoice::flagged;
	BackendChoice backend = BackendChoice::automatic;
	DomainChoice domain = DomainChoice::automatic;
	DdioChoice ddio = DdioChoice::on;
	NativeFlushChoice native_flush = NativeFlushChoice::automatic;
	/* How long a drain takes under the simulated power failure. */
	uint32_t powerfail_sync_us = 0;
	/* How long the service polls before it sleeps, microseconds. */
	uint32_t spin_us = 20;
	/* Where there is one-sided access: largest write that travels inside
	 * its request, bytes. */
	size_t inline_size = 4096;
	/* Service ports, inclusive; 0 lets the system choose. */
	uint16_t port_low = 0;
	uint16_t port_high = 0;
	/* A connection attempt fails after this time, milliseconds. */
	uint32_t connect_timeout_ms = 5000;
	/* A service refuses more channels at once than this. */
	size_t max_channels = 4096;
	/* And, on sockets, more from one address than this. */
	size_t max_per_address = 1024;
	/* Outstanding operations fail after this time without progress,
	 * milliseconds; 0: never. */
	uint32_t operation_timeout_ms = 30000;
	/* FI_PMEM_VERIFY compares by one of these, the best first; not empty.
	 */
	std::vector<DigestAlgorithm> digests{DigestAlgorithm::xxh3_64};
	/* FI_PMEM_VERIFY compares in blocks of this many bytes. */
	size_t verify_block = 4096;
	bool trace_write = false;
	/* Commits are looked up in a flush ledger (service/commit_audit.hh). */
	bool ledger = false;
	/* Without RDMA, a service has so many threads. */
	uint32_t service_threads = 1;
	ServiceCpus service_cpus;
	/* This is for domains that set none by libfabric's attributes. */
	AuthKey auth_key;
	SealChoice seal = SealChoice::offered;
	/* The file of region keys for domains; empty: none. */
	std::string seal_key_file;
	/* The id of its only line that counts; 0: all do. */
	uint64_t seal_key_id = 0;
	/* Remote CQ data of sealed writes may travel in clear. */
	bool seal_cq_data = false;
	/* A traffic key is renewed after so many records, if that is before the
	 * cipher's limit; 0: only then. */
	uint32_t seal_roll_records = 0;
	/* Nonces are written to this file (seal/nonce_audit.hh); empty: no. */
	std::string seal_audit;
};

/*
 * Defines and reads all parameters. A value that is not understood is an error,
 * never a silent default: the call returns -FI_EINVAL, after a warning that
 * names the variable, the value and what is accepted.
 */
[[nodiscard]] int load_params() noexcept;

const Params &params() noexcept;

/* Returns false, and leaves *value, if the text is not valid. */
bool parse_service_cpus(const char *text, ServiceCpus *value);

/* True if the environment asks for persistence where the program does not. */
bool persistence_forced() noexcept;

} // namespace ofi_pmem
