/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The command line, parsed and range-checked once.
 */
#pragma once

#include "cli/command.hh"
#include "cli/number_set.hh"
#include "cli/torture_parameters.hh"
#include "client/options.hh"
#include "digest/digest.hh"

#include <ofi_pmem/log.hh>
#include <rdma/fi_ext_pmem.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fi_pmem
{

struct LogOptions {
	enum class Action { append, tail, dump, bench };

	Action action = Action::append;
	ofi_pmem_log::Options writer; /* append */
	bool create = false;	      /* append */
	bool takeover = false;	      /* append */
	bool drop_oldest = false;     /* append */
	size_t record_bytes = 0;      /* append; 0: a record is a line */
	uint64_t lines = 10;	      /* tail */
	bool follow = false;	      /* tail */
	std::vector<size_t> sizes{64, 1024, 4096}; /* bench */
	std::vector<size_t> depths{1, 16};	   /* bench */
	uint64_t count = 500;			   /* bench */
	uint32_t rounds = 5;			   /* bench */
};

struct BenchOptions {
	std::vector<std::string> operations; /* names of BenchOp */
	std::vector<size_t> sizes{8, 64, 512, 4096, 65536};
	std::vector<size_t> depths{1, 16};
	uint64_t count = 500;
	uint64_t max_bytes = uint64_t{256} << 20; /* of a measurement */
	uint32_t rounds = 5;
	std::string against;		 /* another provider; empty: none */
	std::vector<std::string> floors; /* empty: those of the medium */
	bool poll = false;		 /* the client does not sleep */
	std::string plot;		 /* an SVG file; empty: none */
};

struct KeyOptions {
	fi_pmem_cipher cipher = FI_PMEM_AES_256_GCM;
	uint64_t id = 0; /* 0: random */
};

struct TortureOptions {
	TortureParameters parameters;
	uint64_t runs = 100;
	unsigned seconds = 0; /* 0: no limit */
	bool powerfail = false;
	bool keep_going = false;
	bool shrink = false;
	bool plan = false; /* only show it */
	NumberSet keep;	   /* empty: all */
	std::string journal;
	std::string check; /* a journal */
};

/* A server or a local command uses some of what a client needs. */
struct Options : ClientOptions {
	const Command *command = nullptr;
	std::string name; /* name of the command: put, log append, ... */
	bool json = false;
	bool force = false;   /* overwrite what is there */
	std::string seal_key; /* FILE[:ID]; empty: the environment decides */

	std::vector<std::string> files; /* serve */
	bool read_only = false;		/* serve */
	std::string file;		/* log: FILE; put, get, verify: LOCAL */
	std::string place;		/* info, bench, torture */
	std::optional<uint64_t> size;	/* serve */
	std::string bind;		/* serve, info; empty: every address */
	uint16_t port = kDefaultPort;	/* serve; 0: the system chooses */
	uint16_t data_port = 0;		/* serve; 0: the system chooses */
	bool verbose = false;		/* serve */
	bool spin = false;		/* serve, bench */

	bool local = false; /* info, bench, torture: there is no peer */
	uint64_t offset = 0;
	std::optional<uint64_t> length;		     /* get, put, log */
	uint64_t source_offset = 0;		     /* put */
	uint64_t window_bytes = uint64_t{256} << 20; /* put */
	bool resume = false;			     /* put */
	size_t block_bytes = 256 * 1024;
	bool commit = true;  /* put */
	bool verify = false; /* put */
	/* These are options of verify and scrub. */
	ofi_pmem::DigestAlgorithm digest = ofi_pmem::DigestAlgorithm::xxh3_64;
	size_t digest_block = 4096;
	uint64_t rate = 0;   /* bytes per second; 0: no limit */
	std::string save;    /* scrub: SUMS to write */
	std::string against; /* scrub: SUMS to compare with */
	LogOptions log;
	BenchOptions bench;
	KeyOptions key;
	TortureOptions torture;
};

inline constexpr size_t kMinDigestBlock = 64;
inline constexpr size_t kMaxDigestBlock = size_t{1} << 30;

/*
 * Reads the command line, which begins with one of these commands. Returns true
 * if there is one to run; otherwise help, version or a usage error has been
 * printed and `*exit_code` is set.
 */
[[nodiscard]] bool parse_options(int argc, char **argv,
				 const std::vector<Command> &commands,
				 Options *options, int *exit_code);

} // namespace fi_pmem
