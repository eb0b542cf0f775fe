/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Opens the common objects, reads events, and has the one place that sleeps.
 */
#include "client/fabric.hh"

#include "client/error_sink.hh"
#include "client/exit_codes.hh"
#include "client/interrupt.hh"
#include "shared/descriptors.hh"

#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <poll.h>
#include <sys/random.h>

#include <cerrno>
#include <utility>

namespace fi_pmem
{

namespace
{

/* The length of a pause when a provider cannot be waited for. */
constexpr int kPollMs = 10;

/* Chooses an unguessable key, if the application has to choose it. */
uint64_t random_key(size_t key_bytes)
{
	uint64_t key = 0;
	if (getrandom(&key, sizeof(key), 0) != ssize_t{sizeof(key)})
		key = 1;
	return key_bytes >= sizeof(key)
		       ? key
		       : key & ((uint64_t{1} << (8 * key_bytes)) - 1);
}

} // namespace

int Fabric::open(ErrorSink &sink, const Interrupt &interrupt, fi_info *info,
		 size_t cq_entries)
{
	interrupt_fd_ = interrupt.fd();
	mr_mode_ = static_cast<uint64_t>(info->domain_attr->mr_mode);
	mr_key_bytes_ = info->domain_attr->mr_key_size;

	const char *what = "fabric";
	fid_fabric *fabric = nullptr;
	int ret = fi_fabric(info->fabric_attr, &fabric, nullptr);
	fabric_.reset(fabric);
	if (!ret) {
		what = "event queue";
		fi_eq_attr attr{};
		attr.wait_obj = FI_WAIT_FD;
		fid_eq *eq = nullptr;
		ret = fi_eq_open(fabric, &attr, &eq, nullptr);
		eq_.reset(eq);
	}
	if (!ret) {
		what = "domain";
		fid_domain *domain = nullptr;
		ret = fi_domain(fabric, info, &domain, nullptr);
		domain_.reset(domain);
	}
	if (!ret) {
		what = "completion queue";
		fi_cq_attr attr{};
		attr.size = cq_entries;
		attr.format = FI_CQ_FORMAT_CONTEXT;
		attr.wait_obj = FI_WAIT_FD;
		fid_cq *cq = nullptr;
		ret = fi_cq_open(domain_.get(), &attr, &cq, nullptr);
		cq_.reset(cq);
	}
	if (!ret && info->ep_attr->type == FI_EP_RDM) {
		what = "address vector";
		fi_av_attr attr{};
		fid_av *av = nullptr;
		ret = fi_av_open(domain_.get(), &attr, &av, nullptr);
		av_.reset(av);
	}
	if (!ret)
		ret = get_wait_fds();
	if (ret)
		return sink.fail(kFailed,
				 "provider %s: cannot open its %s: "
				 "%s",
				 info->fabric_attr->prov_name, what,
				 fi_strerror(-ret));
	return kOk;
}

int Fabric::get_wait_fds()
{
	int ret = fi_control(&eq_->fid, FI_GETWAIT, &eq_fd_);
	return ret ? ret : fi_control(&cq_->fid, FI_GETWAIT, &cq_fd_);
}

int Fabric::open_endpoint(fi_info *info, FidPtr<fid_ep> *ep)
{
	fid_ep *opened = nullptr;
	int ret = fi_endpoint(domain_.get(), info, &opened, nullptr);
	if (ret)
		return ret;
	ep->reset(opened);
	ret = av_ ? fi_ep_bind(opened, &av_->fid, 0)
		  : fi_ep_bind(opened, &eq_->fid, 0);
	if (!ret)
		ret = fi_ep_bind(opened, &cq_->fid,
				 FI_TRANSMIT | FI_RECV |
					 FI_SELECTIVE_COMPLETION);
	return ret ? ret : fi_enable(opened);
}

int Fabric::insert_peer(const void *address, fi_addr_t *peer)
{
	int ret = fi_av_insert(av_.get(), address, 1, peer, 0, nullptr);
	return ret < 0 ? ret : ret == 1 ? 0 : -FI_EINVAL;
}

std::string Fabric::name_of(fid *endpoint)
{
	char name[256];
	size_t bytes = sizeof(name);
	return fi_getname(endpoint, name, &bytes) || bytes > sizeof(name)
		       ? ""
		       : std::string(name, bytes);
}

int Fabric::register_memory(void *base, size_t length, uint64_t access,
			    uint64_t flags, FidPtr<fid_mr> *mr)
{
	uint64_t key = 0;
	if (!(mr_mode_ & FI_MR_PROV_KEY))
		key = random_key(mr_key_bytes_);
	fid_mr *registered = nullptr;
	int ret = fi_mr_reg(domain_.get(), base, length, access, 0, key, flags,
			    &registered, nullptr);
	if (!ret)
		mr->reset(registered);
	return ret;
}

int Fabric::register_local(void *base, size_t length, uint64_t access,
			   FidPtr<fid_mr> *mr)
{
	return mr_mode_ & FI_MR_LOCAL
		       ? register_memory(base, length, access, 0, mr)
		       : 0;
}

int Fabric::post_receive(fid_ep *ep, void *room, size_t bytes, fid_mr *mr,
			 void *context)
{
	iovec local{room, bytes};
	void *desc = mr ? fi_mr_desc(mr) : nullptr;
	fi_msg message{&local, &desc, 1, FI_ADDR_UNSPEC, context, 0};
	return static_cast<int>(fi_recvmsg(ep, &message, FI_COMPLETION));
}

ssize_t Fabric::next_event(uint32_t *event, EventBuffer *buffer,
			   EventError *error)
{
	/*
	 * If a connection that sent nothing ends, the tcp provider goes by
	 * errno: after EAGAIN it would keep the socket for ever.
	 */
	errno = 0;
	ssize_t ret = fi_eq_read(eq_.get(), event, buffer->bytes,
				 sizeof(buffer->bytes), 0);
	if (ret >= 0)
		return ret;
	if (ret != -FI_EAVAIL)
		return 0; /* -FI_EAGAIN, -FI_EINTR */
	fi_eq_err_entry entry{};
	ret = fi_eq_readerr(eq_.get(), &entry, 0);
	if (ret < 0)
		return 0;
	error->object = entry.fid;
	error->error = entry.err;
	error->private_data.clear();
	if (entry.err_data && entry.err_data_size)
		error->private_data.assign(
			static_cast<const char *>(entry.err_data),
			entry.err_data_size);
	return -FI_EAVAIL;
}

void Fabric::wait(int timeout_ms, int input_fd)
{
	auto left = std::chrono::ceil<std::chrono::milliseconds>(
		accepts_at_ - std::chrono::steady_clock::now());
	bool accepts = left.count() <= 0;
	if (!accepts && (timeout_ms < 0 || timeout_ms > left.count()))
		timeout_ms = static_cast<int>(left.count());
	fid *fids[] = {&cq_->fid, &eq_->fid};
	/* Descriptors that can be polled without the provider come first. */
	pollfd fds[] = {{interrupt_fd_, POLLIN, 0},
			{input_fd, POLLIN, 0},
			{accepts ? eq_fd_ : -1, POLLIN, 0},
			{cq_fd_, POLLIN, 0},
			{watched_fd_, POLLIN, 0}};
	errno = 0; /* as in next_event() */
	int ret = fi_trywait(fabric_.get(), fids, accepts ? 2 : 1);
	if (ret == -FI_EAGAIN)
		return; /* there is news already */
	if (!ret) {
		poll(fds, 5, timeout_ms);
		watched_is_readable_ = fds[4].revents != 0;
		if (accepts)
			look_for_descriptors();
		return;
	}
	bool shorter = timeout_ms >= 0 && timeout_ms < kPollMs;
	poll(fds, 2, shorter ? timeout_ms : kPollMs);
}

/*
 * A connection that cannot be accepted stays pending, and this thread would do
 * nothing but look at it. Descriptors are looked for now and then, but at once
 * if there were none the last time.
 */
void Fabric::look_for_descriptors()
{
	if (!out_of_descriptors_ && ++wakeups_ % ofi_pmem::kWakeupsPerLook)
		return;
	out_of_descriptors_ = !ofi_pmem::descriptors_left(eq_fd_);
	if (!out_of_descriptors_)
		return;
	exhausted_ = true;
	accepts_at_ = std::chrono::steady_clock::now() +
		      std::chrono::milliseconds(ofi_pmem::kExhaustedMs);
}

bool Fabric::watched_is_readable()
{
	return std::exchange(watched_is_readable_, false);
}

bool Fabric::take_exhausted()
{
	return std::exchange(exhausted_, false);
}

} // namespace fi_pmem
