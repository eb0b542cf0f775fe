/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "transport/socket_link.hh"

#include "core/params.hh"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace ofi_pmem
{

namespace
{

/* Seconds after which an idle peer is asked whether it still exists. */
constexpr int kKeepIdle = 60;
constexpr int kKeepInterval = 10;

int set(int fd, int level, int option, int value) noexcept
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno
								    : 0;
}

/*
 * Between processes of one host nothing is under way for long: what the kernel
 * holds should stay in the caches. Over a network it chooses the size itself.
 */
constexpr int kLocalSendBytes = 1 << 19;

/* `get` is getsockname(2) or getpeername(2). */
IpAddress address_of(int fd, int (*get)(int, sockaddr *, socklen_t *)) noexcept
{
	sockaddr_storage bytes{};
	socklen_t len = sizeof(bytes);
	IpAddress address;
	if (!get(fd, reinterpret_cast<sockaddr *>(&bytes), &len))
		static_cast<void>(address.assign(&bytes, len));
	return address;
}

/*
 * TCP connects a socket to itself if the system chooses the very port to which
 * it connects and nobody listens there.
 */
bool is_own_peer(int fd) noexcept
{
	return address_of(fd, getsockname) == address_of(fd, getpeername);
}

int fit_to_caches(int fd) noexcept
{
	bool local = address_of(fd, getsockname)
			     .same_host(address_of(fd, getpeername));
	return local ? set(fd, SOL_SOCKET, SO_SNDBUF, kLocalSendBytes) : 0;
}

} // namespace

/* A child that was forked may keep a copy of the socket: closing ours would end
 * neither the connection nor its epoll events. */
SocketLink::~SocketLink()
{
	queues_->remove(*this);
	if (amid_)
		queues_->count_amid(false);
	if (!fd_)
		return;
	static_cast<void>(queues_->watch(*this, watched_, 0));
	shutdown(fd(), SHUT_RDWR);
}

/* A peer that has vanished is given up as an operation is, see tcp(7). */
int SocketLink::set_options() const noexcept
{
	auto patience = static_cast<int>(
		std::min<uint32_t>(params().operation_timeout_ms, INT32_MAX));
	int ret = set(fd(), IPPROTO_TCP, TCP_NODELAY, 1);
	if (!ret && patience)
		ret = set(fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, patience);
	if (!ret)
		ret = set(fd(), IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdle);
	if (!ret)
		ret = set(fd(), IPPROTO_TCP, TCP_KEEPINTVL, kKeepInterval);
	if (!ret)
		ret = set(fd(), SOL_SOCKET, SO_KEEPALIVE, 1);
	return ret;
}

int SocketLink::open()
{
	int ret = set_options();
	if (!ret)
		ret = fit_to_caches(fd());
	if (!ret)
		ret = queues_->add(this);
	return ret ? ret : watch();
}

int SocketLink::connect(IpAddress peer)
{
	connecting_ = true;
	int ret = set_options();
	if (!ret)
		ret = queues_->add(this);
	if (ret)
		return ret;
	if (::connect(fd(), peer.raw(), IpAddress::kRawLength) &&
	    errno != EINPROGRESS)
		return -errno;
	return queues_->watch_connecting(*this);
}

int SocketLink::finish_connecting()
{
	int err = 0;
	socklen_t len = sizeof(err);
	if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (!err && is_own_peer(fd()))
		err = ECONNREFUSED;
	if (!err)
		err = -fit_to_caches(fd());
	connecting_ = false;
	over_ = err != 0;
	int ret = watch();
	return err ? err : -ret;
}

/* Without an event for it nothing is received: epoll would report at once what
 * is not wanted yet, over and over. */
int SocketLink::watch() noexcept
{
	uint32_t wanted = 0;
	bool up = !over_ && !connecting_;
	if (up && !paused_)
		wanted |= EPOLLIN;
	if (up && !all_sent())
		wanted |= EPOLLOUT;
	int ret = queues_->watch(*this, watched_, wanted);
	if (!ret)
		watched_ = wanted;
	return ret;
}

bool SocketLink::attend(uint32_t events, Completion *completion)
{
	if (events & EPOLLOUT) {
		int ret = flush();
		if (ret)
			return fail(-ret, completion);
		if (all_sent()) {
			*completion = {handle(Handle::send, 0), 0, 0};
			return true;
		}
	}
	if (!(events & ~EPOLLOUT))
		return false;
	if (reader_.taken() && !awaits_rest_) {
		paused_ = true;
		static_cast<void>(watch());
		return false;
	}
	return receive(completion);
}

bool SocketLink::try_receive(Completion *completion)
{
	if (connecting_ || over_ || reader_.taken())
		return false;
	return receive(completion);
}

bool SocketLink::receive(Completion *completion)
{
	if (awaits_rest_) {
		awaits_rest_ = false;
		*completion = {handle(Handle::rest, 0), 0, 0};
		return true;
	}
	ssize_t got = reader_.receive(fd(), attr(), &queues_->pool());
	note_amid();
	if (got < 0)
		return fail(static_cast<int>(-got), completion);
	if (got)
		*completion = {handle(Handle::receive, 0),
			       static_cast<size_t>(got), 0};
	return got != 0;
}

bool SocketLink::fail(int err, Completion *completion) noexcept
{
	over_ = true;
	static_cast<void>(watch());
	*completion = {handle(Handle::receive, 0), 0, err};
	return true;
}

void SocketLink::note_amid() noexcept
{
	if (amid_ == reader_.amid_message())
		return;
	amid_ = !amid_;
	queues_->count_amid(amid_);
}

int SocketLink::seal(std::unique_ptr<Sealer> out, std::unique_ptr<Opener> in)
{
	/* What was begun before leaves as it is. */
	int ret = flush();
	if (!ret && !out_.empty())
		ret = -FI_EAGAIN;
	if (!ret)
		ret = reader_.seal(std::move(in), &queues_->pool());
	if (!ret)
		sealed_ = std::make_unique<SealedOutput>(std::move(out),
							 queues_->spare());
	return ret;
}

int SocketLink::post_receive(uint16_t) noexcept
{
	reader_.give_back();
	note_amid();
	return resume();
}

/* Memory for a record may be short. */
ssize_t SocketLink::read_rest(uint8_t *into, size_t len) noexcept
try {
	ssize_t got = reader_.read_rest(fd(), into, len);
	if (got)
		return got;
	awaits_rest_ = true;
	return resume();
} catch (const std::bad_alloc &) {
	return -FI_ENOMEM;
}

int SocketLink::resume() noexcept
{
	if (reader_.has_more())
		queues_->attend_soon(id());
	if (!paused_)
		return 0;
	paused_ = false;
	return watch();
}

/* As many messages as are left to be sent take the room of others. */
size_t SocketLink::free_sends() const noexcept
{
	size_t used =
		(out_.left() + attr().message_bytes - 1) / attr().message_bytes;
	return attr().sends - std::min<size_t>(used, attr().sends);
}

uint8_t *SocketLink::begin(size_t len)
{
	begun_ = len;
	return out_.room(len);
}

int SocketLink::send()
{
	out_.add(begun_);
	position_ += begun_;
	return holding_ ? 0 : flush();
}

int SocketLink::send_long(const iovec *payload, size_t count)
{
	out_.add(begun_);
	position_ += begun_;
	for (size_t i = 0; i < count; i++) {
		out_.refer(payload[i]);
		position_ += payload[i].iov_len;
	}
	return holding_ ? 0 : flush();
}

int SocketLink::send_waiting() noexcept
{
	holding_ = false;
	return flush();
}

int SocketLink::flush() noexcept
{
	int ret = 0;
	if (!sealed_)
		ret = send_all(&out_);
	while (sealed_ && !ret && !all_sent()) {
		ret = seal_more();
		if (!ret)
			ret = send_all(&sealed_->records());
		if (!sealed_->records().empty())
			break;
	}
	return ret ? ret : watch();
}

int SocketLink::seal_more() noexcept
try {
	return sealed_->fill(&out_);
} catch (const std::bad_alloc &) {
	return -FI_ENOMEM;
}

/* Sends as much as the socket takes. */
int SocketLink::send_all(OutQueue *queue) noexcept
{
	constexpr size_t kBuffers = 64;
	while (!queue->empty()) {
		iovec iov[kBuffers];
		msghdr message{};
		message.msg_iov = iov;
		message.msg_iovlen = queue->next(iov, kBuffers);
		ssize_t sent = sendmsg(fd(), &message, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0 && errno != EINTR)
			return errno == EPIPE ? -ECONNRESET : -errno;
		if (sent > 0)
			queue->sent(static_cast<size_t>(sent));
	}
	return 0;
}

} // namespace ofi_pmem
