/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The options of fi_pmem key.
 */
#include "cli/option_kinds.hh"
#include "key/key.hh"

namespace fi_pmem
{

void add_key(CLI::App *app, Options *options, std::string *)
{
	app->require_subcommand(1);
	CLI::App *made = app->add_subcommand(
		"new", "print a new line for a file of region keys");
	const std::map<std::string, fi_pmem_cipher> ciphers{
		{"aes-128-gcm", FI_PMEM_AES_128_GCM},
		{"aes-256-gcm", FI_PMEM_AES_256_GCM},
		{"aes-128-ccm", FI_PMEM_AES_128_CCM},
		{"aes-256-ccm", FI_PMEM_AES_256_CCM},
		{"chacha20-poly1305", FI_PMEM_CHACHA20_POLY1305}};
	add_choice(made, "--cipher", options->key.cipher, ciphers,
		   "aes-128-gcm, aes-256-gcm, aes-128-ccm, aes-256-ccm or "
		   "chacha20-poly1305 (default: aes-256-gcm)",
		   "CIPHER");
	add_number(made, "--id", options->key.id,
		   "name of the key at both ends (default: random)", 1,
		   UINT64_MAX - 1);
	add_json(made, options);
}

std::string check_key(Options *)
{
	return "";
}

} // namespace fi_pmem
