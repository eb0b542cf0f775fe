/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The same write to persistent memory through librpma, as its own documentation
 * has it: rpma_write(3) and rpma_flush(3) down to the persistence domain, one
 * completion, polled for. Where the device can FLUSH, librpma uses it.
 *
 *   native   rpma_write() and rpma_flush(RPMA_FLUSH_TYPE_PERSISTENT)
 */

#include "reference.h"

#include <librpma.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * When the server accepts, it describes its memory and its abilities to the
 * client. Private data of librdmacm is short.
 */
struct rpma_hello {
	uint8_t mr_len;
	uint8_t cfg_len;
	uint8_t descriptors[100];
};

struct rpma_client {
	struct rpma_peer *peer;
	struct rpma_conn *conn;
	struct rpma_cq *cq;
	struct rpma_mr_local *src;
	struct rpma_mr_remote *dst;
};

/* Functions of librpma return negative codes of its own. */
static int check(const char *what, int ret)
{
	if (ret)
		fprintf(stderr, "%s: %s\n", what, rpma_err_2str(ret));
	return ret;
}

static int make_peer(const struct reference_options *options,
		     struct rpma_peer **peer)
{
	struct ibv_context *device;
	int ret;

	ret = rpma_utils_get_ibv_context(options->address,
					 options->serve
						 ? RPMA_UTIL_IBV_CONTEXT_LOCAL
						 : RPMA_UTIL_IBV_CONTEXT_REMOTE,
					 &device);
	if (ret)
		return check(options->address, ret);
	return check("rpma_peer_new", rpma_peer_new(device, peer));
}

/* librpma has no persistent flush towards a peer that does not say this. */
static int describe_peer(struct rpma_hello *hello)
{
	struct rpma_peer_cfg *cfg;
	size_t len = 0;
	int ret;

	ret = rpma_peer_cfg_new(&cfg);
	if (ret)
		return check("rpma_peer_cfg_new", ret);
	ret = rpma_peer_cfg_set_direct_write_to_pmem(cfg, true);
	if (!ret)
		ret = rpma_peer_cfg_get_descriptor_size(cfg, &len);
	if (!ret && len > sizeof(hello->descriptors) - hello->mr_len)
		ret = RPMA_E_NOSUPP;
	hello->cfg_len = (uint8_t)len;
	if (!ret)
		ret = rpma_peer_cfg_get_descriptor(cfg, hello->descriptors +
								hello->mr_len);
	rpma_peer_cfg_delete(&cfg);
	return check("the descriptor of the peer", ret);
}

static int describe(struct rpma_mr_local *mr, struct rpma_hello *hello)
{
	size_t len;
	int ret;

	ret = rpma_mr_get_descriptor_size(mr, &len);
	if (!ret && len > sizeof(hello->descriptors))
		ret = RPMA_E_NOSUPP;
	if (!ret)
		ret = rpma_mr_get_descriptor(mr, hello->descriptors);
	if (ret)
		return check("the descriptor of the memory", ret);
	hello->mr_len = (uint8_t)len;
	return describe_peer(hello);
}

static int await_event(struct rpma_conn *conn, enum rpma_conn_event wanted)
{
	enum rpma_conn_event event;
	int ret;

	ret = rpma_conn_next_event(conn, &event);
	if (ret)
		return check("rpma_conn_next_event", ret);
	if (event == wanted)
		return 0;
	fprintf(stderr, "instead of %s: %s\n",
		rpma_utils_conn_event_2str(wanted),
		rpma_utils_conn_event_2str(event));
	return RPMA_E_UNKNOWN;
}

/* Accepts one client and stays until it has disconnected. */
static int serve_client(struct rpma_ep *ep, struct rpma_hello *hello)
{
	struct rpma_conn_private_data data = {hello, sizeof(*hello)};
	struct rpma_conn_req *request;
	struct rpma_conn *conn;
	int ret;

	ret = rpma_ep_next_conn_req(ep, NULL, &request);
	if (ret)
		return check("rpma_ep_next_conn_req", ret);
	ret = rpma_conn_req_connect(&request, &data, &conn);
	if (ret)
		return check("rpma_conn_req_connect", ret);
	ret = await_event(conn, RPMA_CONN_ESTABLISHED);
	if (!ret)
		ret = await_event(conn, RPMA_CONN_CLOSED);
	rpma_conn_disconnect(conn);
	rpma_conn_delete(&conn);
	return ret;
}

/* One client after the other, until killed. */
static int serve(const struct reference_options *options)
{
	struct rpma_hello hello = {0};
	struct rpma_mr_local *mr;
	struct rpma_peer *peer;
	struct rpma_ep *ep;
	void *memory;
	int ret;

	memory = reference_map(options);
	ret = memory ? make_peer(options, &peer) : RPMA_E_INVAL;
	if (ret)
		return ret;
	ret = check("registering the memory",
		    rpma_mr_reg(peer, memory, REFERENCE_LEN,
				RPMA_MR_USAGE_WRITE_DST |
					RPMA_MR_USAGE_FLUSH_TYPE_PERSISTENT,
				&mr));
	if (!ret)
		ret = describe(mr, &hello);
	if (!ret)
		ret = check("rpma_ep_listen",
			    rpma_ep_listen(peer, options->address,
					   options->port, &ep));
	if (!ret)
		reference_listening();
	while (!ret)
		ret = serve_client(ep, &hello);
	return ret;
}

static int await_completion(struct rpma_cq *cq)
{
	struct ibv_wc wc;
	int ret;

	do {
		ret = rpma_cq_get_wc(cq, 1, &wc, NULL);
	} while (ret == RPMA_E_NO_COMPLETION);
	if (ret)
		return check("rpma_cq_get_wc", ret);
	if (wc.status == IBV_WC_SUCCESS)
		return 0;
	fprintf(stderr, "an operation: %s\n", ibv_wc_status_str(wc.status));
	return RPMA_E_PROVIDER;
}

static int run_native(void *context, size_t size)
{
	struct rpma_client *client = context;
	int ret;

	ret = rpma_write(client->conn, client->dst, 0, client->src, 0, size,
			 RPMA_F_COMPLETION_ON_ERROR, NULL);
	if (ret)
		return check("rpma_write", ret);
	ret = rpma_flush(client->conn, client->dst, 0, size,
			 RPMA_FLUSH_TYPE_PERSISTENT, RPMA_F_COMPLETION_ALWAYS,
			 NULL);
	if (ret)
		return check("rpma_flush", ret);
	return await_completion(client->cq);
}

static int read_hello(struct rpma_client *client)
{
	struct rpma_conn_private_data data;
	struct rpma_peer_cfg *cfg;
	struct rpma_hello hello;
	int ret;

	ret = rpma_conn_get_private_data(client->conn, &data);
	if (ret)
		return check("rpma_conn_get_private_data", ret);
	if (data.len < sizeof(hello)) {
		fprintf(stderr, "the server is no rpma_flush\n");
		return RPMA_E_INVAL;
	}
	memcpy(&hello, data.ptr, sizeof(hello));
	ret = rpma_mr_remote_from_descriptor(hello.descriptors, hello.mr_len,
					     &client->dst);
	if (ret)
		return check("rpma_mr_remote_from_descriptor", ret);
	ret = rpma_peer_cfg_from_descriptor(hello.descriptors + hello.mr_len,
					    hello.cfg_len, &cfg);
	if (ret)
		return check("rpma_peer_cfg_from_descriptor", ret);
	ret = rpma_conn_apply_remote_peer_cfg(client->conn, cfg);
	rpma_peer_cfg_delete(&cfg);
	return check("rpma_conn_apply_remote_peer_cfg", ret);
}

static int connect_client(const struct reference_options *options,
			  struct rpma_client *client)
{
	struct rpma_conn_req *request;
	int ret;

	ret = rpma_conn_req_new(client->peer, options->address, options->port,
				NULL, &request);
	if (ret)
		return check("rpma_conn_req_new", ret);
	ret = rpma_conn_req_connect(&request, NULL, &client->conn);
	if (ret)
		return check("rpma_conn_req_connect", ret);
	ret = await_event(client->conn, RPMA_CONN_ESTABLISHED);
	if (ret)
		return ret;
	ret = rpma_conn_get_cq(client->conn, &client->cq);
	return ret ? check("rpma_conn_get_cq", ret) : read_hello(client);
}

static int measure(const struct reference_options *options,
		   struct rpma_client *client, void *buffer)
{
	static const struct reference_op ops[] = {
		{"native", run_native},
	};
	int ret;

	ret = make_peer(options, &client->peer);
	if (!ret)
		ret = check("registering the buffer",
			    rpma_mr_reg(client->peer, buffer, REFERENCE_LEN,
					RPMA_MR_USAGE_WRITE_SRC, &client->src));
	if (!ret)
		ret = connect_client(options, client);
	if (!ret)
		ret = reference_measure(options, "rpma", ops, 1, client);
	return ret;
}

static void close_client(struct rpma_client *client)
{
	if (client->dst)
		rpma_mr_remote_delete(&client->dst);
	if (client->conn) {
		rpma_conn_disconnect(client->conn);
		rpma_conn_delete(&client->conn);
	}
	if (client->src)
		rpma_mr_dereg(&client->src);
	if (client->peer)
		rpma_peer_delete(&client->peer);
}

int main(int argc, char **argv)
{
	struct reference_options options;
	struct rpma_client client = {0};
	void *buffer;
	int ret;

	reference_parse(argc, argv, &options);
	if (options.serve)
		return serve(&options) ? EXIT_FAILURE : EXIT_SUCCESS;
	buffer = reference_buffer();
	ret = buffer ? measure(&options, &client, buffer) : RPMA_E_NOMEM;
	close_client(&client);
	free(buffer);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
