/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * A network that misbehaves, and what each operation makes of it: fi_pmem(7),
 * FAULTS. The target and the initiator are in namespaces of their own, with a
 * wire between them. Where packets are lost, late, doubled or out of order,
 * everything succeeds. Where nothing gets through, or the target stops, every
 * operation ends in time with an error, and the next one connects again. The
 * test prints a table of the outcomes.
 *
 * Needs root, and for some faults the kernel's sch_netem;
 * util/scripts/test/netem.sh runs it in a machine that has both.
 * PMEM_NETEM_TIMEOUT_MS (1000) is the time of FI_OFI_PMEM_OPERATION_TIMEOUT_MS.
 */
#include "common/atomics.hh"
#include "common/initiator.hh"
#include "common/random.hh"
#include "common/two_networks.hh"

#include <gtest/gtest.h>

#include <signal.h>

#include <cstdio>
#include <map>

using namespace pmem_test;
using std::chrono::milliseconds;

namespace
{

constexpr size_t kRegionLen = 1 << 20;
constexpr size_t kSmall = 300;	  /* travels inside a request */
constexpr size_t kLarge = 100000; /* goes one-sided */
constexpr size_t kWrites = 64;
constexpr int kNotRun = 77;

TwoNetworks networks;
milliseconds timeout;

enum class Kind {
	harmless, /* everything succeeds */
	silent,	  /* errors when the time is over */
	reset,	  /* errors at once */
};

struct Fault {
	const char *name;
	Kind kind;
	const char *netem; /* or nullptr */
};

constexpr Fault kFaults[] = {
	{"none", Kind::harmless, nullptr},
	{"loss 3%", Kind::harmless, "loss 3%"},
	{"delay 40 ms, +-20", Kind::harmless, "delay 40ms 20ms"},
	{"reordering 25%", Kind::harmless, "delay 10ms reorder 25% 50%"},
	{"duplication 20%", Kind::harmless, "duplicate 20%"},
	{"corruption 2%", Kind::harmless, "corrupt 2%"},
	{"2 Mbit/s", Kind::harmless, "rate 2mbit"},
	{"all of these", Kind::harmless,
	 "delay 20ms 10ms reorder 10% loss 1% duplicate 5% rate 5mbit"},
	{"partition", Kind::silent, nullptr},
	{"cut towards the target", Kind::silent, nullptr},
	{"cut from the target", Kind::silent, nullptr},
	{"target stopped", Kind::silent, nullptr},
	{"connection reset", Kind::reset, nullptr},
};

enum class Operation {
	connect,
	small_commit,
	large_commit,
	fenced_commit,
	drain,
	read,
	atomic,
	verified_commit,
};

constexpr const char *kOperations[] = {"connect",	   "commit of 300 B",
				       "commit of 100 kB", "fenced commit",
				       "64 writes, drain", "read",
				       "atomic",	   "verified commit"};
constexpr size_t kOperationCount = std::size(kOperations);

/* Outcomes for the table, by fault and operation. */
std::string outcomes[std::size(kFaults)][kOperationCount];

ChildOptions target_options()
{
	ChildOptions options = child_options(Memory::powerfail);
	options.env.push_back(std::string("PMEM_FABTESTS_HOST=") +
			      TwoNetworks::kTargetHost);
	return options;
}

/* A target on the other side, and an initiator on this one. */
class Netem : public testing::TestWithParam<std::tuple<size_t, size_t>>
{
protected:
	Netem()
		: file_(kRegionLen),
		  target_(atomic_options(), target_options()),
		  region_(target_.add_file(file_.path(), kRegionLen)),
		  initiator_(atomic_options())
	{
		target_.connect(initiator_.node());
	}
	~Netem() override { heal(); }

	const Fault &fault() const { return kFaults[std::get<0>(GetParam())]; }
	Operation operation() const
	{
		return static_cast<Operation>(std::get<1>(GetParam()));
	}

	void break_network();
	void heal();
	int perform();
	int drain_of_many();
	int fetch_add();
	int end_of(ssize_t posted, size_t operations = 1);
	void expect_contents();

	/* Writes `contents` to the place of the operation. */
	ssize_t post_write(LocalBuffer *from, uint64_t flags)
	{
		std::copy(from->bytes.begin(), from->bytes.end(),
			  model_.begin());
		return initiator_.write(region_, 0, *from, flags, &context_);
	}

	RegionFile file_;
	Target target_;
	RemoteRegion region_;
	Initiator initiator_;
	Bytes model_ = Bytes(kRegionLen);
	fi_context2 context_{};
	std::vector<std::unique_ptr<LocalBuffer>> buffers_;
	bool stopped_ = false;
};

void Netem::break_network()
{
	std::string name = fault().name;
	if (fault().netem)
		networks.impair(fault().netem);
	if (name == "partition" || name == "cut towards the target" ||
	    fault().kind == Kind::reset)
		networks.cut_to_target();
	if (name == "partition" || name == "cut from the target")
		networks.cut_from_target();
	if (name == "target stopped") {
		target_.stop();
		stopped_ = true;
	}
}

void Netem::heal()
{
	networks.heal();
	if (stopped_)
		kill(target_.pid(), SIGCONT);
	stopped_ = false;
}

/* Returns the last error of this many operations, all of which must end. */
int Netem::end_of(ssize_t posted, size_t operations)
{
	if (posted < 0)
		return static_cast<int>(-posted);
	if (fault().kind == Kind::reset)
		networks.reset(region_.service_port());
	int err = 0;
	for (size_t i = 0; i < operations; i++) {
		Completion completion = initiator_.completions().wait();
		if (completion.context == &context_)
			err = completion.err;
	}
	return err;
}

int Netem::drain_of_many()
{
	constexpr size_t kStep = 1000;
	std::vector<fi_context2> contexts(kWrites);
	size_t posted = 0;
	ssize_t ret = 0;
	for (size_t i = 0; i < kWrites && !ret; i++) {
		buffers_.push_back(std::make_unique<LocalBuffer>(
			initiator_.node(), pattern(i, kStep)));
		LocalBuffer &buffer = *buffers_.back();
		std::copy(buffer.bytes.begin(), buffer.bytes.end(),
			  model_.begin() + static_cast<long>(i * kStep));
		ret = initiator_.write(region_, i * kStep, buffer,
				       FI_COMPLETION, &contexts[i]);
		posted += !ret;
	}
	if (!ret)
		ret = initiator_.drain(region_, &context_);
	int err = ret ? static_cast<int>(-ret) : 0;
	int ended = end_of(0, posted + !ret);
	return err ? err : ended;
}

int Netem::fetch_add()
{
	static uint64_t operand, was;
	operand = 5;
	was = 77;
	uint64_t sum = 5;
	ssize_t ret = initiator_.post([&] {
		return fi_fetch_atomic(initiator_.ep(), &operand, 1, nullptr,
				       &was, nullptr, initiator_.peer(),
				       region_.base, region_.key, FI_UINT64,
				       FI_SUM, &context_);
	});
	int err = end_of(ret);
	if (!err) {
		EXPECT_EQ(was, 0u);
		memcpy(model_.data(), &sum, sizeof(sum));
	}
	return err;
}

int Netem::perform()
{
	size_t len = operation() == Operation::large_commit ||
				     operation() == Operation::verified_commit
			     ? kLarge
			     : kSmall;
	buffers_.push_back(std::make_unique<LocalBuffer>(initiator_.node(),
							 pattern(1, len)));
	LocalBuffer &buffer = *buffers_.back();
	switch (operation()) {
	case Operation::connect:
	case Operation::small_commit:
	case Operation::large_commit:
		return end_of(post_write(&buffer, FI_COMMIT_COMPLETE));
	case Operation::fenced_commit:
		return end_of(post_write(&buffer, kFencedCommit));
	case Operation::verified_commit:
		return end_of(post_write(&buffer,
					 FI_COMMIT_COMPLETE | FI_PMEM_VERIFY));
	case Operation::drain:
		return drain_of_many();
	case Operation::atomic:
		return fetch_add();
	default:
		break;
	}
	int err = end_of(initiator_.read(region_, 0, buffer, &context_));
	if (!err) {
		EXPECT_EQ(difference(buffer.bytes, Bytes(len)), "");
	}
	return err;
}

/* Checks what is in the region, and in the file after a power failure. */
void Netem::expect_contents()
{
	initiator_.drain_and_wait(region_);
	EXPECT_EQ(difference(initiator_.read_and_wait(region_, 0, kRegionLen),
			     model_),
		  "");
	target_.kill();
	EXPECT_EQ(difference(file_.read(), model_), "");
}

std::string error_name(int err)
{
	return err == FI_ETIMEDOUT ? "timed out" : fi_strerror(err);
}

TEST_P(Netem, EndsAsDocumented)
{
	if (fault().netem && !networks.has_netem())
		GTEST_SKIP() << "the kernel has no sch_netem";
	/* Its connection stands, unless that is the question. */
	if (operation() != Operation::connect)
		static_cast<void>(initiator_.read_and_wait(region_, 0, 1));
	break_network();
	auto begin = std::chrono::steady_clock::now();
	int err = perform();
	auto taken = std::chrono::duration_cast<milliseconds>(
		std::chrono::steady_clock::now() - begin);
	heal();

	std::string &outcome =
		outcomes[std::get<0>(GetParam())][std::get<1>(GetParam())];
	outcome = err ? error_name(err) : "succeeds";
	switch (fault().kind) {
	case Kind::harmless:
		ASSERT_EQ(err, 0) << fi_strerror(err);
		return expect_contents();
	case Kind::silent:
		ASSERT_EQ(err, FI_ETIMEDOUT);
		EXPECT_LT(taken, 3 * timeout / 2 + milliseconds(1000));
		break;
	case Kind::reset:
		ASSERT_NE(err, 0);
		/* A connection that is not made cannot be reset. */
		if (operation() == Operation::connect)
			break;
		EXPECT_LT(taken, timeout);
		break;
	}
	/*
	 * The next operation connects again; nothing of the old one comes back.
	 */
	model_ = pattern(2, kRegionLen);
	initiator_.write_and_wait(region_, 0, model_, FI_COMMIT_COMPLETE);
	outcome += ", the next succeeds";
	/* Reported once: that writes were lost. */
	bool wrote = operation() != Operation::connect &&
		     operation() != Operation::read;
	fi_context2 context{};
	if (wrote) {
		EXPECT_EQ(initiator_.drain(region_, &context),
			  -FI_ECONNABORTED);
	}
	expect_contents();
}

std::string name_of(const testing::TestParamInfo<Netem::ParamType> &info)
{
	std::string name = std::string(kFaults[std::get<0>(info.param)].name) +
			   "__" + kOperations[std::get<1>(info.param)];
	for (char &one : name) {
		if (!isalnum(static_cast<unsigned char>(one)))
			one = '_';
	}
	return name;
}

INSTANTIATE_TEST_SUITE_P(
	Matrix, Netem,
	testing::Combine(testing::Range<size_t>(0, std::size(kFaults)),
			 testing::Range<size_t>(0, kOperationCount)),
	name_of);

void print_table()
{
	std::printf("\n| fault |");
	for (const char *operation : kOperations)
		std::printf(" %s |", operation);
	std::printf("\n| --- |");
	for (size_t i = 0; i < kOperationCount; i++)
		std::printf(" --- |");
	for (size_t fault = 0; fault < std::size(kFaults); fault++) {
		std::printf("\n| %s |", kFaults[fault].name);
		for (const std::string &outcome : outcomes[fault])
			std::printf(" %s |", outcome.empty() ? "not run"
							     : outcome.c_str());
	}
	const testing::UnitTest &all = *testing::UnitTest::GetInstance();
	std::printf("\n\n%d passed, %d failed, %d skipped\n",
		    all.successful_test_count(), all.failed_test_count(),
		    all.skipped_test_count());
}

} // namespace

int main(int argc, char **argv)
{
	if (const char *reason = networks.open()) {
		std::printf("not run: %s\n", reason);
		return kNotRun;
	}
	uint64_t ms = env_number("PMEM_NETEM_TIMEOUT_MS", 1000);
	timeout = milliseconds(ms);
	std::string text = std::to_string(ms);
	setenv("FI_OFI_PMEM_OPERATION_TIMEOUT_MS", text.c_str(), 1);
	setenv("FI_OFI_PMEM_CONNECT_TIMEOUT_MS", text.c_str(), 1);
	setenv("FI_OFI_PMEM_LEDGER", "yes", 0);
	setenv("FI_OFI_RXM_BUFFER_SIZE", "2048", 0);
	setenv("PMEM_FABTESTS_HOST", TwoNetworks::kOwnHost, 1);
	networks.enter_target();
	start_launcher();
	networks.enter_own();
	testing::InitGoogleTest(&argc, argv);
	int status = RUN_ALL_TESTS();
	print_table();
	return status;
}
