/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Two network namespaces with a wire (a veth pair) between them, the target's
 * and the test's own, and what can go wrong on that wire. Neither has a name:
 * both are gone with the last process in them, however it ended.
 */
#pragma once

#include <cstdint>
#include <string>

namespace pmem_test
{

class TwoNetworks
{
public:
	/* Nullptr, or why there cannot be any. Before the launcher starts. */
	const char *open();

	/* Processes that are started from now on are there. */
	void enter_target();
	void enter_own();

	bool has_netem() const { return has_netem_; }

	/* Impairs what both ends send, in the words of tc-netem(8). */
	void impair(const std::string &how);

	/* From now on, what is sent gets nowhere. */
	void cut_to_target();
	void cut_from_target();

	/* The target's connections to this port of its are reset. */
	void reset(uint16_t port);

	void heal();

	static constexpr const char *kTargetHost = "10.77.0.1";
	static constexpr const char *kOwnHost = "10.77.0.2";

private:
	void in_own(const std::string &command);
	void in_target(const std::string &command);

	int target_ = -1; /* the namespaces */
	int own_ = -1;
	bool has_netem_ = false;
};

} // namespace pmem_test
