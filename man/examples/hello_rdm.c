/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <rdma/fi_cm.h>
#include <rdma/fi_rma.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUST(call) must(call, #call)

/* The two say this to each other before the first write. */
union message {
	char name[128]; /* the initiator's address */
	struct {
		uint64_t address, key;
	} region; /* of the target */
};

static struct fi_info *info;
static struct fid_fabric *fabric;
static struct fid_domain *domain;
static struct fid_av *peers;
static struct fid_cq *completions;
static struct fid_ep *ep;
static struct fid_mr *local; /* what the initiator sends from and receives to */
static struct {
	union message message;
	char text[1024];
} buffer;

static void must(ssize_t ret, const char *call)
{
	if (ret < 0)
		errx(1, "%s: %s", call, fi_strerror((int)-ret));
}

/* Both sides are alike: there is no connection to be asked for or accepted. */
static void open_endpoint(const char *host, const char *port, uint64_t flags)
{
	struct fi_info *hints = fi_allocinfo();
	struct fi_av_attr av_attr = {.type = FI_AV_MAP};
	struct fi_cq_attr cq_attr = {.format = FI_CQ_FORMAT_CONTEXT};

	hints->caps = FI_MSG | FI_RMA | FI_RMA_PMEM;
	hints->mode = FI_CONTEXT;
	hints->ep_attr->type = FI_EP_RDM;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
				      FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	hints->fabric_attr->prov_name = strdup("tcp;ofi_rxm;ofi_pmem");
	MUST(fi_getinfo(FI_VERSION(1, 17), host, port, flags, hints, &info));
	fi_freeinfo(hints);
	MUST(fi_fabric(info->fabric_attr, &fabric, NULL));
	MUST(fi_domain(fabric, info, &domain, NULL));
	MUST(fi_av_open(domain, &av_attr, &peers, NULL));
	MUST(fi_cq_open(domain, &cq_attr, &completions, NULL));
	MUST(fi_endpoint(domain, info, &ep, NULL));
	MUST(fi_ep_bind(ep, &peers->fid, 0));
	MUST(fi_ep_bind(ep, &completions->fid, FI_TRANSMIT | FI_RECV));
	MUST(fi_enable(ep));
	if (info->domain_attr->mr_mode & FI_MR_LOCAL)
		MUST(fi_mr_reg(domain, &buffer, sizeof(buffer),
			       FI_SEND | FI_RECV | FI_WRITE, 0, 0, 0, &local,
			       NULL));
}

static void *descriptor(void)
{
	return local ? fi_mr_desc(local) : NULL;
}

/* This polls: ofi_rxm connects its endpoints only while the queue is read. */
static void await_completion(void)
{
	struct fi_cq_entry done;
	ssize_t ret;

	while ((ret = fi_cq_read(completions, &done, 1)) == -FI_EAGAIN)
		;
	must(ret, "fi_cq_read");
}

/* An operation that cannot be taken yet is posted again after progress. */
static void make_progress(ssize_t ret, const char *call)
{
	must(ret == -FI_EAGAIN ? 0 : ret, call);
	fi_cq_read(completions, NULL, 0);
}

static void send_to(fi_addr_t peer)
{
	struct fi_context context;
	ssize_t ret;

	while ((ret = fi_send(ep, &buffer.message, sizeof(buffer.message),
			      descriptor(), peer, &context)))
		make_progress(ret, "fi_send");
	await_completion();
}

static void receive(void)
{
	struct fi_context context;

	MUST(fi_recv(ep, &buffer.message, sizeof(buffer.message), descriptor(),
		     FI_ADDR_UNSPEC, &context));
	await_completion();
}

static fi_addr_t insert(const void *name)
{
	fi_addr_t peer;

	must(fi_av_insert(peers, name, 1, &peer, 0, NULL) == 1
		     ? 0
		     : -FI_EADDRNOTAVAIL,
	     "fi_av_insert");
	return peer;
}

static void target(const char *host, const char *port, const char *file)
{
	struct fid_mr *mr;
	int fd = open(file, O_RDWR | O_CREAT, 0600), size = ftruncate(fd, 4096);
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fi_addr_t peer;

	must(size || at == MAP_FAILED ? -FI_EINVAL : 0, file);
	open_endpoint(host, port, FI_SOURCE);
	MUST(fi_mr_reg(domain, at, 4096, FI_REMOTE_WRITE, 0, 0, FI_RMA_PMEM,
		       &mr, NULL));
	receive();
	peer = insert(buffer.message.name);
	/* Without FI_MR_VIRT_ADDR the first byte of a region has address 0. */
	buffer.message.region.address = 0;
	if (info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
		buffer.message.region.address = (uintptr_t)at;
	buffer.message.region.key = fi_mr_key(mr);
	send_to(peer);
	getchar(); /* The provider serves the region while the program waits. */
	MUST(fi_close(&mr->fid));
}

static void initiator(const char *host, const char *port, const char *text)
{
	size_t length = sizeof(buffer.message.name);
	struct fi_context context;
	fi_addr_t peer;
	ssize_t ret;

	open_endpoint(host, port, 0);
	peer = insert(info->dest_addr);
	MUST(fi_getname(&ep->fid, buffer.message.name, &length));
	send_to(peer);
	receive();

	snprintf(buffer.text, sizeof(buffer.text), "%s", text);
	void *desc = descriptor();
	struct iovec from = {buffer.text, strlen(buffer.text) + 1};
	struct fi_rma_iov to = {buffer.message.region.address, from.iov_len,
				buffer.message.region.key};
	struct fi_msg_rma write = {&from, &desc, 1, peer, &to, 1, &context, 0};
	while ((ret = fi_writemsg(ep, &write, FI_COMMIT_COMPLETE)))
		make_progress(ret, "fi_writemsg");
	await_completion();
	printf("durable at %s: %s\n", host, text);
}

int main(int argc, char **argv)
{
	must(argc == 5 ? 0 : -FI_EINVAL,
	     "target|initiator HOST PORT FILE|TEXT");
	if (!strcmp(argv[1], "target"))
		target(argv[2], argv[3], argv[4]);
	else
		initiator(argv[2], argv[3], argv[4]);
}
