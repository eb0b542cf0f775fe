/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * What a socket link receives: the input is the stream, and says where it
 * breaks. Whatever is delivered is the stream, in order, cut where messages
 * end.
 */
#include "harness.hh"
#include "input.hh"
#include "protocol/wire.hh"
#include "transport/socket_reader.hh"

#include <sys/socket.h>
#include <unistd.h>

namespace ofi_pmem::fuzz
{

namespace
{

using Bytes = std::vector<uint8_t>;

class StreamScript
{
public:
	explicit StreamScript(Input *input) : input_(input)
	{
		require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    ends_),
			"there are sockets");
		attr_.message_bytes = wire::kMaxMessage;
		attr_.long_writes = input->take<uint8_t>() & 1;
	}
	~StreamScript()
	{
		close(ends_[0]);
		close(ends_[1]);
	}

	void run()
	{
		while (alive_ && !input_->empty()) {
			send(input_->take_bytes(input_->take<uint8_t>() * 8));
			size_t most = 1 + input_->take<uint8_t>() % 64;
			while (alive_ && receive(most))
				;
		}
	}

private:
	void send(const Bytes &bytes)
	{
		ssize_t sent = write(ends_[0], bytes.data(), bytes.size());
		if (sent > 0)
			stream_.insert(stream_.end(), bytes.begin(),
				       bytes.begin() + sent);
	}

	/* Returns whether there may be more. */
	bool receive(size_t most)
	{
		if (reader_.rest())
			return receive_rest(most);
		ssize_t got = reader_.receive(ends_[1], attr_, &pool_);
		alive_ = got >= 0;
		if (got <= 0)
			return false;
		auto len = static_cast<size_t>(got);
		require(matches(reader_.bytes(), len), "the stream arrives");
		require_messages(reader_.bytes(), len);
		if (!reader_.rest())
			reader_.give_back();
		return true;
	}

	bool receive_rest(size_t most)
	{
		Bytes part(most);
		ssize_t got = reader_.read_rest(ends_[1], part.data(), most);
		alive_ = got >= 0;
		if (got <= 0)
			return false;
		require(matches(part.data(), static_cast<size_t>(got)),
			"the payload arrives");
		if (!reader_.rest())
			reader_.give_back();
		return true;
	}

	bool matches(const uint8_t *bytes, size_t len)
	{
		if (len > stream_.size() - at_ ||
		    std::memcmp(&stream_[at_], bytes, len) != 0)
			return false;
		at_ += len;
		return true;
	}

	/* All are whole, but for a long Write's payload. */
	void require_messages(const uint8_t *bytes, size_t len)
	{
		while (size_t one = wire::first_length(bytes, len)) {
			bytes += one;
			len -= one;
		}
		require(len == (reader_.rest() ? sizeof(wire::Write) : 0),
			"messages are whole");
	}

	Input *input_;
	int ends_[2];
	LinkAttr attr_{};
	ReceivePool pool_;
	SocketReader reader_;
	Bytes stream_;
	size_t at_ = 0;
	bool alive_ = true;
};

} // namespace

} // namespace ofi_pmem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ofi_pmem::fuzz::Input input(data, len);
	ofi_pmem::fuzz::StreamScript(&input).run();
	return 0;
}
