/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <rdma/fi_cm.h>
#include <rdma/fi_ext_pmem.h>
#include <rdma/fi_rma.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUST(call) must(call, #call)
#define KEY_ID 1 /* the name of the region key at both ends */
struct region {
	uint64_t address, key;
}; /* what an initiator must know */
static struct fi_info *info;
static struct fid_fabric *fabric;
static struct fid_domain *domain;
static struct fid_ep *ep;
static struct fid_eq *events;
static struct fid_cq *completions;
static void must(ssize_t ret, const char *call)
{
	if (ret < 0)
		errx(1, "%s: %s", call, fi_strerror((int)-ret));
}

static void open_fabric(const char *host, const char *port, uint64_t flags)
{
	struct fi_info *hints = fi_allocinfo();
	struct fi_eq_attr attr = {.wait_obj = FI_WAIT_UNSPEC};
	hints->caps = FI_MSG | FI_RMA | FI_RMA_PMEM;
	hints->ep_attr->type = FI_EP_MSG;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR |
				      FI_MR_ALLOCATED | FI_MR_PROV_KEY;
	hints->fabric_attr->prov_name = strdup("tcp;ofi_pmem");
	MUST(fi_getinfo(FI_VERSION(1, 17), host, port, flags, hints, &info));
	MUST(fi_fabric(info->fabric_attr, &fabric, NULL));
	MUST(fi_eq_open(fabric, &attr, &events, NULL));
}
/* Both ends have the key in this file, 32 random bytes. */
static struct fi_ops_pmem_domain *add_key(const char *file)
{
	struct fi_ops_pmem_domain *ops;
	uint8_t bytes[32];
	int fd = open(file, O_RDONLY);
	struct fi_pmem_key key = {.size = sizeof(key),
				  .id = KEY_ID,
				  .cipher = FI_PMEM_AES_256_GCM,
				  .bytes = bytes,
				  .length = sizeof(bytes)};

	must(read(fd, bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : -FI_EINVAL,
	     file);
	close(fd);
	MUST(fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, 0, (void **)&ops,
			 NULL));
	MUST(ops->key_add(domain, &key));
	explicit_bzero(bytes, sizeof(bytes)); /* The provider has a copy. */
	return ops;
}

static void open_endpoint(void)
{
	struct fi_cq_attr attr = {.wait_obj = FI_WAIT_UNSPEC};
	MUST(fi_domain(fabric, info, &domain, NULL));
	MUST(fi_cq_open(domain, &attr, &completions, NULL));
	MUST(fi_endpoint(domain, info, &ep, NULL));
	MUST(fi_ep_bind(ep, &events->fid, 0));
	MUST(fi_ep_bind(ep, &completions->fid, FI_TRANSMIT | FI_RECV));
	MUST(fi_enable(ep));
}

static struct fi_eq_cm_entry *await(uint32_t wanted)
{
	static uint64_t got[16]; /* an entry, then what the peer sent with it */
	uint32_t event;
	MUST(fi_eq_sread(events, &event, got, sizeof(got), -1, 0));
	must(event == wanted ? 0 : -FI_ECONNREFUSED, "fi_eq_sread");
	return (struct fi_eq_cm_entry *)got;
}

static void target(const char *host, const char *port, const char *key,
		   const char *file)
{
	struct fid_pep *listener;
	struct fid_mr *mr;
	int fd = open(file, O_RDWR | O_CREAT, 0600), size = ftruncate(fd, 4096);
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(size || at == MAP_FAILED ? -FI_EINVAL : 0, file);
	open_fabric(host, port, FI_SOURCE);
	MUST(fi_passive_ep(fabric, info, &listener, NULL));
	MUST(fi_pep_bind(listener, &events->fid, 0));
	MUST(fi_listen(listener));
	info = await(FI_CONNREQ)->info;
	open_endpoint();
	/* The region is sealed: nobody reaches it without the key. */
	struct iovec memory = {at, 4096};
	struct fi_mr_attr what = {
		.mr_iov = &memory, .iov_count = 1, .access = FI_REMOTE_WRITE};
	struct fi_pmem_mr_attr how = {
		.size = sizeof(how), .fd = -1, .key_id = KEY_ID};
	MUST(add_key(key)->mr_reg(domain, &what, 0, &how, &mr));
	/* Without FI_MR_VIRT_ADDR the first byte of a region has address 0. */
	int by_address = (info->domain_attr->mr_mode & FI_MR_VIRT_ADDR) != 0;
	struct region region = {by_address ? (uintptr_t)at : 0, fi_mr_key(mr)};
	MUST(fi_accept(ep, &region, sizeof(region)));
	await(FI_CONNECTED);
	getchar(); /* The provider serves the region while the program waits. */
}

static void initiator(const char *host, const char *port, const char *key,
		      char *text)
{
	struct fi_cq_entry done;
	open_fabric(host, port, 0);
	open_endpoint();
	/* The initiator chooses the key, here for all sealed regions. */
	MUST(add_key(key)->key_bind(domain, 0, KEY_ID, 0));
	MUST(fi_connect(ep, info->dest_addr, NULL, 0));
	struct region *at = (struct region *)await(FI_CONNECTED)->data;
	struct iovec from = {text, strlen(text) + 1};
	struct fi_rma_iov to = {at->address, from.iov_len, at->key};
	struct fi_msg_rma write = {&from, NULL, 1, 0, &to, 1, NULL, 0};
	ssize_t ret = -FI_EAGAIN;
	for (; ret == -FI_EAGAIN; fi_cq_read(completions, NULL, 0))
		ret = fi_writemsg(ep, &write, FI_INJECT | FI_COMMIT_COMPLETE);
	must(ret, "fi_writemsg");
	MUST(fi_cq_sread(completions, &done, 1, NULL, -1));
	printf("durable at %s: %s\n", host, text);
}

int main(int argc, char **argv)
{
	must(argc == 6 ? 0 : -FI_EINVAL,
	     "target|initiator HOST PORT KEY FILE|TEXT");
	if (!strcmp(argv[1], "target"))
		target(argv[2], argv[3], argv[4], argv[5]);
	else
		initiator(argv[2], argv[3], argv[4], argv[5]);
}
