/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The least that a remote write to persistent memory costs: librdmacm and the
 * extended posting calls of libibverbs (ibv_wr_post(3)), nothing above them.
 *
 *   write    RDMA WRITE
 *   native   RDMA WRITE and FLUSH of its range, persistent, one doorbell
 *   read     RDMA WRITE and a READ of one byte behind it, one doorbell
 *
 * One at a time, one completion for each, polled for. On the same QP FLUSH and
 * READ execute after the WRITE before them.
 */

#include "reference.h"

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Either end of a connection. */
struct raw_end {
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp_ex *qp;
	struct ibv_mr *mr;
};

/* The server describes its memory to the client as it accepts. */
struct raw_hello {
	uint64_t addr;
	uint32_t rkey;
	uint32_t unused;
};

struct raw_client {
	struct raw_end end;
	struct raw_hello remote;
};

static int failed(const char *what)
{
	int error = errno ? errno : EIO;

	fprintf(stderr, "%s: %s\n", what, strerror(error));
	return error;
}

static void close_end(struct raw_end *end)
{
	if (end->qp)
		rdma_destroy_qp(end->id);
	if (end->mr)
		ibv_dereg_mr(end->mr);
	if (end->cq)
		ibv_destroy_cq(end->cq);
	if (end->pd)
		ibv_dealloc_pd(end->pd);
	if (end->id)
		rdma_destroy_id(end->id);
}

static int make_qp(struct raw_end *end)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = end->cq,
		.recv_cq = end->cq,
		.cap = {.max_send_wr = 8,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1},
		.qp_type = IBV_QPT_RC,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = end->pd,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE |
				  IBV_QP_EX_WITH_RDMA_READ |
				  IBV_QP_EX_WITH_FLUSH,
	};

	if (rdma_create_qp_ex(end->id, &attr))
		return failed("a queue pair that can FLUSH");
	end->qp = ibv_qp_to_qp_ex(end->id->qp);
	return end->qp ? 0 : failed("ibv_qp_to_qp_ex");
}

/* Opens the rest of an end whose id is connected to a device. */
static int open_end(struct raw_end *end, void *memory, int access)
{
	end->pd = ibv_alloc_pd(end->id->verbs);
	if (!end->pd)
		return failed("ibv_alloc_pd");
	end->cq = ibv_create_cq(end->id->verbs, 8, NULL, NULL, 0);
	if (!end->cq)
		return failed("ibv_create_cq");
	end->mr = ibv_reg_mr(end->pd, memory, REFERENCE_LEN, access);
	if (!end->mr)
		return failed("registering the memory");
	return make_qp(end);
}

/* An id for the address; without an event channel calls wait for their end. */
static int make_id(const struct reference_options *options,
		   struct rdma_cm_id **id)
{
	struct rdma_addrinfo hints = {.ai_port_space = RDMA_PS_TCP};
	struct rdma_addrinfo *info;
	int ret;

	if (options->serve)
		hints.ai_flags = RAI_PASSIVE;
	if (rdma_getaddrinfo(options->address, options->port, &hints, &info))
		return failed(options->address);
	ret = rdma_create_ep(id, info, NULL, NULL);
	if (ret)
		ret = failed("rdma_create_ep");
	rdma_freeaddrinfo(info);
	return ret;
}

/* Accepts one client and stays until it has disconnected. */
static int serve_client(struct raw_end *end, void *memory)
{
	struct rdma_conn_param param = {.responder_resources = 1};
	struct raw_hello hello = {0};
	struct rdma_cm_event *event;
	int ret;

	ret = open_end(end, memory,
		       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			       IBV_ACCESS_REMOTE_READ |
			       IBV_ACCESS_FLUSH_GLOBAL |
			       IBV_ACCESS_FLUSH_PERSISTENT);
	if (ret)
		return ret;
	hello.addr = (uintptr_t)memory;
	hello.rkey = end->mr->rkey;
	param.private_data = &hello;
	param.private_data_len = sizeof(hello);
	if (rdma_accept(end->id, &param))
		return failed("rdma_accept");
	if (rdma_get_cm_event(end->id->channel, &event))
		return failed("waiting for the client to disconnect");
	ret = event->event == RDMA_CM_EVENT_DISCONNECTED ? 0 : EPROTO;
	rdma_ack_cm_event(event);
	rdma_disconnect(end->id);
	return ret;
}

/* One client after the other, until killed. */
static int serve(const struct reference_options *options)
{
	void *memory = reference_map(options);
	struct rdma_cm_id *listener;
	int ret;

	if (!memory)
		return EIO;
	ret = make_id(options, &listener);
	if (ret)
		return ret;
	if (rdma_listen(listener, 1))
		return failed("rdma_listen");
	reference_listening();
	while (!ret) {
		struct raw_end end = {0};

		if (rdma_get_request(listener, &end.id))
			return failed("rdma_get_request");
		ret = serve_client(&end, memory);
		close_end(&end);
	}
	return ret;
}

static int await_completion(struct raw_end *end)
{
	struct ibv_wc wc;
	int count;

	do {
		count = ibv_poll_cq(end->cq, 1, &wc);
	} while (!count);
	if (count < 0)
		return failed("ibv_poll_cq");
	if (wc.status == IBV_WC_SUCCESS)
		return 0;
	fprintf(stderr, "an operation: %s\n", ibv_wc_status_str(wc.status));
	return EIO;
}

/* The last of a chain asks for a completion. */
static void add_write(struct raw_client *client, size_t size,
		      unsigned int flags)
{
	struct ibv_qp_ex *qp = client->end.qp;
	struct ibv_mr *mr = client->end.mr;

	qp->wr_flags = flags;
	ibv_wr_rdma_write(qp, client->remote.rkey, client->remote.addr);
	ibv_wr_set_sge(qp, mr->lkey, (uintptr_t)mr->addr, (uint32_t)size);
}

static int complete(struct raw_client *client)
{
	/* Returns an error number, and does not set errno. */
	errno = ibv_wr_complete(client->end.qp);
	return errno ? failed("posting") : await_completion(&client->end);
}

static int run_write(void *context, size_t size)
{
	struct raw_client *client = context;

	ibv_wr_start(client->end.qp);
	add_write(client, size, IBV_SEND_SIGNALED);
	return complete(client);
}

static int run_native(void *context, size_t size)
{
	struct raw_client *client = context;
	struct ibv_qp_ex *qp = client->end.qp;

	ibv_wr_start(qp);
	add_write(client, size, 0);
	qp->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_flush(qp, client->remote.rkey, client->remote.addr, size,
		     IBV_FLUSH_PERSISTENT, IBV_FLUSH_RANGE);
	return complete(client);
}

static int run_read(void *context, size_t size)
{
	struct raw_client *client = context;
	struct ibv_qp_ex *qp = client->end.qp;
	struct ibv_mr *mr = client->end.mr;

	ibv_wr_start(qp);
	add_write(client, size, 0);
	qp->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_read(qp, client->remote.rkey, client->remote.addr);
	/*
	 * It reads into the buffer's last byte, which lies behind what is
	 * written.
	 */
	ibv_wr_set_sge(qp, mr->lkey, (uintptr_t)mr->addr + REFERENCE_LEN - 1,
		       1);
	return complete(client);
}

static int connect_client(struct raw_client *client)
{
	struct rdma_conn_param param = {.initiator_depth = 1, .retry_count = 7};
	const struct rdma_conn_param *answer;

	if (rdma_connect(client->end.id, &param))
		return failed("rdma_connect");
	answer = &client->end.id->event->param.conn;
	if (answer->private_data_len < sizeof(client->remote)) {
		fprintf(stderr, "the server is no raw_flush\n");
		return EPROTO;
	}
	memcpy(&client->remote, answer->private_data, sizeof(client->remote));
	return 0;
}

static int measure(const struct reference_options *options,
		   struct raw_client *client, void *buffer)
{
	static const struct reference_op ops[] = {
		{"write", run_write},
		{"native", run_native},
		{"read", run_read},
	};
	int ret;

	ret = make_id(options, &client->end.id);
	if (!ret)
		ret = open_end(&client->end, buffer, IBV_ACCESS_LOCAL_WRITE);
	if (!ret)
		ret = connect_client(client);
	if (ret)
		return ret;
	ret = reference_measure(options, "raw", ops,
				sizeof(ops) / sizeof(ops[0]), client);
	rdma_disconnect(client->end.id);
	return ret;
}

int main(int argc, char **argv)
{
	struct reference_options options;
	struct raw_client client = {0};
	void *buffer;
	int ret;

	reference_parse(argc, argv, &options);
	if (options.serve)
		return serve(&options) ? EXIT_FAILURE : EXIT_SUCCESS;
	buffer = reference_buffer();
	ret = buffer ? measure(&options, &client, buffer) : ENOMEM;
	close_end(&client.end);
	free(buffer);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
