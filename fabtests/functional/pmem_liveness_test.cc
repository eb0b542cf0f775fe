/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Liveness and false alarms: several initiators at once, in processes of their
 * own and more than there are cores, each with up to two endpoints and two
 * targets, some of which are killed and replaced. No post may stay -FI_EAGAIN,
 * every operation must end, and none may fail whose target has not been killed.
 * pmem_kill_test and pmem_storm_test look at what becomes of the bytes.
 *
 * PMEM_LIVENESS_ROUNDS (6), PMEM_LIVENESS_PROCESSES (3) and PMEM_LIVENESS_SEED
 * (random) choose other runs. PMEM_LIVENESS_ROUND repeats one round,
 * PMEM_LIVENESS_GO_ON=1 does not end with the first failure, and with
 * PMEM_LIVENESS_STOP=1 a process that hangs stops, for a debugger.
 */
#include "common/initiator.hh"
#include "common/random.hh"

#include <gtest/gtest.h>
#include <rdma/fi_atomic.h>

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <deque>

using namespace pmem_test;

namespace
{

constexpr size_t kRegionLen = 256 << 10;
constexpr size_t kPlainLen = 16 << 10;
constexpr size_t kMaxWrite = 24000;
constexpr size_t kDepth = 16;
constexpr size_t kDigests = 4096; /* bytes */

enum class Kind {
	write,
	read,
	flush,
	drain,
	drain_all,
	verify,
	atomic,
	plain_write,
	plain_read,
	message,
};

struct Op {
	fi_context2 context{}; /* first: completions carry its address */
	Kind kind = Kind::write;
	size_t slot = 0; /* of the buffers */
	size_t endpoint = 0;
	size_t peer = 0; /* as the round counts its targets */
	uint64_t flags = 0;
	uint64_t offset = 0;
	size_t len = 0;
	fi_pmem_selectivity flush{};
	bool outstanding = false;
	/* Tells its success by a completion. */
	bool reported() const { return flags & FI_COMPLETION; }
	/* The inner provider executes it, without us. */
	bool plain() const { return kind >= Kind::plain_write; }
	std::string text() const;
};

std::string Op::text() const
{
	constexpr const char *kNames[] = {
		"write",  "read",   "flush",	   "drain",	 "drain_all",
		"verify", "atomic", "plain write", "plain read", "message"};
	char text[160];
	snprintf(text, sizeof(text),
		 "%s by endpoint %zu to target %zu, flags 0x%lx, offset %lu, "
		 "length %zu, selectivity %d",
		 kNames[static_cast<size_t>(kind)], endpoint, peer, flags,
		 offset, len, static_cast<int>(flush));
	return text;
}

/* One target, whatever became of it. */
struct Peer {
	Peer(const NodeOptions &options, Memory memory, bool awake,
	     uint16_t port);

	RegionFile file;
	Target target;
	RemoteRegion region;
	RemoteRegion plain;
	fi_addr_t address = FI_ADDR_UNSPEC;
	bool serves;
	bool killed = false;
	/* At that port, where the last target had its service. */
	static ChildOptions environment(Memory memory, uint16_t port)
	{
		ChildOptions options = child_options(memory);
		std::string text = std::to_string(port);
		if (port)
			options.env.push_back("FI_OFI_PMEM_PORT_RANGE=" + text +
					      "-" + text);
		return options;
	}
};

Peer::Peer(const NodeOptions &options, Memory memory, bool awake, uint16_t port)
	: file(kRegionLen), target(options, environment(memory, port)),
	  region(target.add_file(file.path(), kRegionLen)), serves(awake)
{
	RegionRequest request;
	request.map_len = kPlainLen;
	request.flags = 0;
	plain = target.add_region(request);
}

class Round
{
public:
	Round(uint64_t seed);

	void run();
	std::string text() const;

private:
	void add_peer(uint16_t port);
	void connect(Peer *peer);
	void step();
	void choose(Op *op);
	void choose_flags(Op *op);
	ssize_t post(Op *op);
	ssize_t post_write(Op *op, const RemoteRegion &region);
	ssize_t post_atomic(Op *op);
	ssize_t post_verify(Op *op);
	void poll();
	void wait(const Deadline &deadline, const char *what);
	void pause_one();
	void finish(const Completion &completion);
	void kill_one();
	void replace(size_t index);
	bool may_fail(const Op &op) const;
	[[noreturn]] void hangs(const char *what);
	fid_ep *ep(const Op &op) { return node_.eps[op.endpoint].get(); }

	Random random_;
	NodeOptions options_;
	bool awake_;
	bool verifies_;
	size_t endpoints_;
	size_t targets_;
	Node node_;
	std::vector<std::unique_ptr<Peer>> peers_;
	std::vector<size_t> live_; /* which of them are in use */
	std::unique_ptr<LocalBuffer> buffer_;
	/* Each has an address of its own: of one that reports no success a
	 * failure may come at any time. */
	std::deque<Op> ops_;
	size_t outstanding_ = 0;
	std::vector<uint8_t> digests_;
	size_t killed_ = 0;
	size_t replaced_ = 0;
};

NodeOptions choose_options(Random *random)
{
	NodeOptions options;
	options.stack = random->below(2) ? Stack::rdm : Stack::msg;
	if (options.stack == Stack::rdm && random->below(2))
		options.caps |= FI_ATOMIC;
	if (random->below(2))
		options.caps |= FI_FENCE;
	if (random->below(2))
		options.tx_bind_flags = FI_SELECTIVE_COMPLETION;
	/* Atomics in order with the rest rxm has not. */
	if (!(options.caps & FI_ATOMIC) && random->below(2))
		options.msg_order = FI_ORDER_SAW | FI_ORDER_RAW | FI_ORDER_WAW;
	options.counters = random->below(2);
	options.automatic = !random->below(3);
	if (random->below(2))
		options.wait_obj = FI_WAIT_FD;
	return options;
}

Round::Round(uint64_t seed)
	: random_(seed), options_(choose_options(&random_)),
	  awake_(random_.below(3)), verifies_(random_.below(2)),
	  endpoints_(1 + random_.below(2)), targets_(1 + random_.below(2)),
	  node_(options_), digests_(kDepth * kDigests)
{
	/* A connection has one target. */
	if (options_.stack == Stack::msg)
		targets_ = std::min(targets_, endpoints_);
	for (size_t i = 0; i < targets_; i++)
		add_peer(0);
	if (options_.stack == Stack::rdm) {
		for (size_t i = 0; i < endpoints_; i++)
			node_.add_endpoint();
	}
	for (size_t i = 0; i < targets_; i++) {
		live_.push_back(i);
		connect(peers_[i].get());
	}
	for (size_t i = targets_;
	     options_.stack == Stack::msg && i < endpoints_; i++)
		peers_[0]->target.connect(node_);
	if (awake_) {
		for (auto &peer : peers_)
			peer->target.serve();
	}
	buffer_ = std::make_unique<LocalBuffer>(node_, 2 * kDepth * kMaxWrite);
}

std::string Round::text() const
{
	char text[240];
	snprintf(text, sizeof(text),
		 "%s, %zu targets %s, %zu endpoints, caps 0x%lx%s%s%s%s%s: "
		 "%zu posted, %zu killed, %zu replaced",
		 to_string(options_.stack).c_str(), targets_,
		 awake_ ? "awake" : "asleep", endpoints_, options_.caps,
		 options_.tx_bind_flags ? ", selective" : "",
		 options_.msg_order ? ", ordered" : "",
		 options_.automatic ? ", automatic" : "",
		 options_.wait_obj == FI_WAIT_FD ? ", sleeping" : "",
		 verifies_ ? ", verified" : "", ops_.size(), killed_,
		 replaced_);
	return text;
}

void Round::add_peer(uint16_t port)
{
	NodeOptions options;
	options.stack = options_.stack;
	options.caps = options_.caps & FI_ATOMIC;
	std::vector<Memory> all = memories();
	Memory memory = all[random_.below(all.size())];
	peers_.push_back(std::make_unique<Peer>(options, memory, awake_, port));
}

void Round::connect(Peer *peer)
{
	peer->target.connect(node_);
	peer->address = node_.peer;
}

/*
 * Returns whether a completion or a post may report a failure of the operation.
 */
bool Round::may_fail(const Op &op) const
{
	if (op.kind == Kind::drain_all)
		return killed_;
	return peers_[op.peer]->killed;
}

void Round::hangs(const char *what)
{
	std::string text = what;
	for (const Op &op : ops_) {
		if (op.outstanding)
			text += "\n  outstanding: " + op.text();
	}
	if (getenv("PMEM_LIVENESS_STOP")) {
		fprintf(stderr, "process %d stops: %s; %s\n", getpid(),
			this->text().c_str(), text.c_str());
		raise(SIGSTOP);
	}
	throw std::runtime_error(text);
}

void Round::choose_flags(Op *op)
{
	uint64_t kind = random_.below(16);
	if (kind < 6)
		op->flags |= FI_COMMIT_COMPLETE;
	else if (kind < 8)
		op->flags |= kFencedCommit;
	else if (kind < 9)
		op->flags |= FI_DELIVERY_COMPLETE;
	else if (kind < 10)
		op->flags |= FI_FENCE;
	if (verifies_ && op->kind == Kind::write && random_.below(2))
		op->flags |= FI_PMEM_VERIFY;
	if (op->len <= 64 && random_.below(2))
		op->flags |= FI_INJECT;
	/* rxm connects only while the target makes progress. */
	bool takes_data = peers_[op->peer]->serves;
	if (op->kind == Kind::write && takes_data && !random_.below(6))
		op->flags |= FI_REMOTE_CQ_DATA;
}

void Round::choose(Op *op)
{
	op->slot = ops_.size() % kDepth;
	op->endpoint = random_.below(endpoints_);
	size_t at = random_.below(targets_);
	if (options_.stack == Stack::msg)
		at = op->endpoint % targets_;
	op->peer = live_[at];
	if (!options_.tx_bind_flags || random_.below(3))
		op->flags = FI_COMPLETION;
	op->len = random_.below(3) ? random_.between(1, 200)
				   : random_.between(1, kMaxWrite);
	uint64_t kind = random_.below(32);
	op->kind = kind < 14				    ? Kind::write
		   : kind < 17				    ? Kind::read
		   : kind < 20				    ? Kind::flush
		   : kind < 22				    ? Kind::drain
		   : kind < 24				    ? Kind::drain_all
		   : kind < 25 && verifies_		    ? Kind::verify
		   : kind < 27 && options_.caps & FI_ATOMIC ? Kind::atomic
		   : kind < 28 && peers_[op->peer]->serves  ? Kind::plain_write
		   : kind < 29 && peers_[op->peer]->serves  ? Kind::plain_read
		   : kind < 30 && peers_[op->peer]->serves  ? Kind::message
							    : Kind::write;
	if (op->plain())
		op->len = std::min<size_t>(op->len, 64);
	size_t within = op->plain() ? kPlainLen : kRegionLen;
	/* If another endpoint changes the bytes, verification warns. */
	size_t first = 0;
	if (verifies_) {
		within /= endpoints_;
		first = op->endpoint * within;
	}
	op->offset = first + random_.below(within - op->len);
	if (op->kind == Kind::write || op->kind == Kind::atomic)
		choose_flags(op);
	if (op->kind == Kind::atomic)
		op->flags &= ~(FI_DELIVERY_COMPLETE | FI_INJECT);
	if (op->kind == Kind::flush) {
		op->flush =
			static_cast<fi_pmem_selectivity>(random_.between(1, 3));
		if (verifies_ && random_.below(2))
			op->flags |= FI_PMEM_VERIFY;
	}
	if (op->plain() && options_.caps & FI_FENCE && !random_.below(4))
		op->flags |= FI_FENCE;
}

ssize_t Round::post_write(Op *op, const RemoteRegion &region)
{
	/* Nobody writes from a place that is read into. */
	bool reads = op->kind == Kind::read || op->kind == Kind::plain_read;
	size_t place = op->slot + (reads ? kDepth : 0);
	iovec iov{buffer_->data() + place * kMaxWrite, op->len};
	void *desc = buffer_->desc();
	fi_rma_iov rma{region.base + op->offset, op->len, region.key};
	fi_msg_rma msg{};
	msg.msg_iov = &iov;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = peers_[op->peer]->address;
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.context = &op->context;
	msg.data = ops_.size();
	if (reads)
		return fi_readmsg(ep(*op), &msg, op->flags);
	return fi_writemsg(ep(*op), &msg, op->flags);
}

ssize_t Round::post_atomic(Op *op)
{
	const RemoteRegion &region = peers_[op->peer]->region;
	op->len = 8;
	op->offset &= ~uint64_t{7};
	fi_ioc operand{buffer_->data() + op->slot * kMaxWrite, 1};
	fi_rma_ioc target{region.base + op->offset, 1, region.key};
	void *desc = buffer_->desc();
	fi_msg_atomic msg{};
	msg.msg_iov = &operand;
	msg.desc = &desc;
	msg.iov_count = 1;
	msg.addr = peers_[op->peer]->address;
	msg.rma_iov = &target;
	msg.rma_iov_count = 1;
	msg.datatype = FI_UINT64;
	msg.op = FI_SUM;
	msg.context = &op->context;
	return fi_atomicmsg(ep(*op), &msg, op->flags);
}

ssize_t Round::post_verify(Op *op)
{
	const RemoteRegion &region = peers_[op->peer]->region;
	fi_rma_iov rma{region.base + op->offset, op->len, region.key};
	fi_pmem_msg_verify msg{};
	msg.rma_iov = &rma;
	msg.rma_iov_count = 1;
	msg.addr = peers_[op->peer]->address;
	msg.context = &op->context;
	msg.block = 4096;
	msg.digests = &digests_[op->slot * kDigests];
	msg.digests_size = kDigests;
	void *ops = nullptr;
	check(fi_open_ops(&ep(*op)->fid, FI_PMEM_EP_OPS, 0, &ops, nullptr),
	      "fi_open_ops");
	return static_cast<fi_ops_pmem_ep *>(ops)->verify(
		ep(*op), &msg, op->flags & FI_COMPLETION);
}

ssize_t Round::post(Op *op)
{
	const Peer &peer = *peers_[op->peer];
	void *opened = nullptr;
	check(fi_open_ops(&ep(*op)->fid, FI_PMEM_EP_OPS, 0, &opened, nullptr),
	      "fi_open_ops");
	auto ops = static_cast<fi_ops_pmem_ep *>(opened);
	fi_rma_iov range{peer.region.base + op->offset, op->len,
			 peer.region.key};
	switch (op->kind) {
	case Kind::plain_write:
	case Kind::plain_read:
		return post_write(op, peer.plain);
	case Kind::flush: {
		fi_pmem_msg_flush msg{&range,
				      1,
				      peer.address,
				      &op->context,
				      FI_PMEM_PLACE_PERSISTENT,
				      op->flush};
		return ops->flushv(ep(*op), &msg, op->flags);
	}
	case Kind::drain: {
		range.len = 0;
		fi_msg_rma msg{};
		msg.addr = peer.address;
		msg.rma_iov = &range;
		msg.rma_iov_count = 1;
		msg.context = &op->context;
		return fi_writemsg(ep(*op), &msg, op->flags | kFencedCommit);
	}
	case Kind::drain_all:
		return ops->drain_all(ep(*op), &op->context, op->flags);
	case Kind::verify:
		return post_verify(op);
	case Kind::atomic:
		return post_atomic(op);
	case Kind::message: {
		iovec iov{buffer_->data() + op->slot * kMaxWrite, op->len};
		void *desc = buffer_->desc();
		fi_msg msg{};
		msg.msg_iov = &iov;
		msg.desc = &desc;
		msg.iov_count = 1;
		msg.addr = peer.address;
		msg.context = &op->context;
		return fi_sendmsg(ep(*op), &msg, op->flags);
	}
	default:
		return post_write(op, peer.region);
	}
}

void Round::finish(const Completion &completion)
{
	auto op = static_cast<Op *>(completion.context);
	if (completion.err && !may_fail(*op))
		throw FabricError("false alarm, " + op->text() + ": " +
					  completion.text,
				  -completion.err);
	if (op->outstanding)
		outstanding_--;
	op->outstanding = false;
}

void Round::poll()
{
	Completion completion;
	node_.completions->poll();
	while (node_.completions->take(&completion))
		finish(completion);
}

/*
 * Waits until something may have completed; if the queue has a descriptor, that
 * must become readable then.
 */
void Round::wait(const Deadline &deadline, const char *what)
{
	poll();
	if (deadline.passed())
		hangs(what);
	fid_t queue = &node_.cq->fid;
	if (options_.wait_obj != FI_WAIT_FD || !outstanding_ ||
	    fi_trywait(node_.fabric.get(), &queue, 1)) {
		sched_yield();
		return;
	}
	int fd = -1;
	check(fi_control(queue, FI_GETWAIT, &fd), "FI_GETWAIT");
	pollfd readable{fd, POLLIN, 0};
	auto limit = std::chrono::milliseconds(kTimeout).count();
	if (!::poll(&readable, 1, static_cast<int>(limit)))
		hangs("nothing wakes who waits");
}

void Round::step()
{
	Deadline deadline;
	while (outstanding_ == kDepth)
		wait(deadline, "no operation completes");
	ops_.emplace_back();
	Op *op = &ops_.back();
	choose(op);
	ssize_t ret;
	size_t tries = 0;
	while ((ret = post(op)) == -FI_EAGAIN) {
		poll();
		/* The inner provider never reports that nobody is there. */
		if (op->plain() && may_fail(*op) && ++tries == 1000)
			return;
		if (deadline.passed())
			hangs(("-FI_EAGAIN without end, " + op->text())
				      .c_str());
		sched_yield();
	}
	if (ret < 0 && !may_fail(*op))
		throw FabricError("false alarm at the call, " + op->text(),
				  ret);
	op->outstanding = !ret && op->reported();
	outstanding_ += op->outstanding;
}

/* A target that has no processor for a while. */
void Round::pause_one()
{
	Peer &peer = *peers_[live_[random_.below(targets_)]];
	if (peer.killed)
		return;
	peer.target.stop();
	poll();
	usleep(static_cast<useconds_t>(random_.below(30000)));
	::kill(peer.target.pid(), SIGCONT);
}

void Round::kill_one()
{
	size_t at = random_.below(targets_);
	Peer &peer = *peers_[live_[at]];
	if (!peer.killed)
		killed_++;
	peer.killed = true;
	peer.target.kill();
	if (options_.stack == Stack::rdm && random_.below(2))
		replace(at);
}

/*
 * Replaces it by one at another address, and perhaps with the same service
 * port.
 */
void Round::replace(size_t at)
{
	Peer &old = *peers_[live_[at]];
	uint16_t port = random_.below(2) ? old.region.service_port() : 0;
	try {
		add_peer(port);
	} catch (const FabricError &error) {
		/* Somebody has the port already. */
		if (error.ret() != -FI_EADDRINUSE)
			throw;
		add_peer(0);
	}
	if (random_.below(2))
		check(fi_av_remove(node_.av.get(), &old.address, 1, 0),
		      "fi_av_remove");
	live_[at] = peers_.size() - 1;
	connect(peers_.back().get());
	if (awake_)
		peers_.back()->target.serve();
	replaced_++;
}

void Round::run()
{
	size_t steps = random_.below(120);
	size_t kills = random_.below(3);
	for (size_t i = 0; i <= kills; i++) {
		if (i)
			kill_one();
		for (size_t n = 0; n < steps; n++) {
			if (!random_.below(100))
				pause_one();
			step();
			if (!random_.below(3))
				poll();
		}
	}
	Deadline deadline;
	while (outstanding_)
		wait(deadline, "operations outstanding at the end");
}

void run_rounds()
{
	uint64_t seed = env_number("PMEM_LIVENESS_SEED", 1);
	uint64_t first = env_number("PMEM_LIVENESS_ROUND", 0);
	/* These are for start_process(): a single process takes its own. */
	const char *inline_size = getenv("FI_OFI_PMEM_INLINE_SIZE");
	uint64_t rounds = getenv("PMEM_LIVENESS_ROUND")
				  ? 1
				  : env_number("PMEM_LIVENESS_ROUNDS", 6);
	for (uint64_t i = first; i < first + rounds; i++) {
		Round round(mix(seed) + i);
		try {
			round.run();
		} catch (const std::exception &error) {
			ADD_FAILURE() << "FI_OFI_PMEM_INLINE_SIZE="
				      << (inline_size ? inline_size : "")
				      << " PMEM_LIVENESS_PROCESSES=1"
				      << " PMEM_LIVENESS_SEED=" << seed
				      << " PMEM_LIVENESS_ROUND=" << i << ": "
				      << round.text() << ": " << error.what();
			if (!getenv("PMEM_LIVENESS_GO_ON"))
				return;
		}
		if ((i + 1) % 100 == 0)
			printf("PMEM_LIVENESS_SEED=%lu: %lu rounds\n", seed,
			       i + 1);
	}
}

/* This program again, with a seed of its own; it ends with us. */
pid_t start_process(uint64_t seed)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setenv("PMEM_LIVENESS_SEED", std::to_string(seed).c_str(), 1);
	setenv("PMEM_LIVENESS_PROCESSES", "1", 1);
	/* Writes then go in requests, one-sided, or in both ways. */
	constexpr const char *kInline[] = {"0", "4096", "65536"};
	setenv("FI_OFI_PMEM_INLINE_SIZE", kInline[mix(seed) % 3], 1);
	execl("/proc/self/exe", "pmem_liveness_test", nullptr);
	_exit(1);
}

TEST(PmemLiveness, EverythingEndsAndNothingFailsForNothing)
{
	uint64_t processes = env_number("PMEM_LIVENESS_PROCESSES", 3);
	if (processes == 1)
		return run_rounds();
	uint64_t seed = choose_seed("PMEM_LIVENESS_SEED");
	std::vector<pid_t> pids;
	for (uint64_t i = 0; i < processes; i++)
		pids.push_back(start_process(seed + i));
	for (pid_t pid : pids) {
		int status = 0;
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT_EQ(status, 0) << "PMEM_LIVENESS_SEED from " << seed;
	}
}

} // namespace
