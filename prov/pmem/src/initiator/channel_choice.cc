/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Which of its channels a channel table uses for a region: the service's that
 * is not sealed, or that of the region key that this side has chosen.
 */
#include "core/log.hh"
#include "core/params.hh"
#include "initiator/channel_table.hh"

#include <cinttypes>
#include <iterator>

namespace ofi_pmem
{

namespace
{

int refuse_unsealed() noexcept
{
	PMEM_WARN(FI_LOG_EP_DATA,
		  "the region is not sealed, and FI_OFI_PMEM_SEAL=required");
	return -FI_EKEYREJECTED;
}

int refuse_mixture() noexcept
{
	PMEM_WARN(FI_LOG_EP_DATA,
		  "the ranges of one operation must be in regions under the "
		  "same region key, or in regions that are not sealed");
	return -FI_EINVAL;
}

int refuse_without_key(Key key, const RegionKey *chosen) noexcept
{
	if (!chosen)
		PMEM_WARN(FI_LOG_EP_DATA,
			  "the region 0x%" PRIx64
			  " is sealed, and there is no region key for it "
			  "(fi_pmem_seal(7))",
			  key.value());
	else
		PMEM_WARN(FI_LOG_EP_DATA, "region key %" PRIu64 " is %s",
			  chosen->id(),
			  chosen->removed() ? "removed" : "used up");
	return -FI_EKEYREJECTED;
}

} // namespace

int ChannelTable::channel_to(fi_addr_t peer, Key key, Channel **channel)
{
	if (!key.sealed() && last_.channel && last_.peer == peer &&
	    last_.port == key.port()) {
		*channel = last_.channel;
		return connect(*channel);
	}
	int ret = key.sealed() ? sealed_channel(peer, key, channel)
			       : clear_channel(peer, key, channel);
	return ret ? ret : connect(*channel);
}

int ChannelTable::clear_channel(fi_addr_t peer, Key key, Channel **channel)
{
	if (params().seal == SealChoice::required)
		return refuse_unsealed();
	int ret = open_channel({peer, key.port(), 0}, {}, channel);
	if (!ret)
		last_ = {peer, key.port(), *channel};
	return ret;
}

/*
 * A channel that connects again ends its own earlier connection at the target.
 * The others are ended here.
 */
int ChannelTable::connect(Channel *channel)
{
	return ended_.empty() ? channel->connect() : end_others(channel);
}

int ChannelTable::end_others(Channel *channel)
{
	for (auto it = ended_.begin(); it != ended_.end();) {
		bool same = it->peer == channel->peer_name() &&
			    it->address.port() == channel->peer().port();
		int ret = 0;
		if (same && it->number != channel->number())
			ret = bury(&*it);
		else if (same)
			ret = channel->connect();
		if (ret)
			return ret;
		it = same ? ended_.erase(it) : std::next(it);
	}
	return channel->connect();
}

/*
 * Takes the place of a channel that has ended. The target answers its first
 * request when it executes nothing of the earlier connection any more; that it
 * refuses the request does not matter. The Hello needs no region key, which may
 * be gone.
 */
int ChannelTable::bury(Ended *ended)
{
	if (!ended->successor) {
		ended->successor = std::make_unique<Channel>(
			initiator_, &nobody_, ended->peer, ended->address,
			KeyRing::Key(), ended->number);
	}
	int ret = ended->successor->connect();
	if (ret)
		return ret;
	RemoteRegion *region = nullptr;
	/* No region has this token, and the right one must not be seen. */
	int answer = ended->successor->resolve(Key::kSealed, &region);
	return answer == -FI_EAGAIN ? -FI_EAGAIN : 0;
}

void ChannelTable::ended(const Channel &channel) noexcept
{
	initiator_->lock().assert_held();
	for (const Ended &one : ended_) {
		if (one.number == channel.number())
			return;
	}
	ended_.push_back({channel.peer_name(), channel.peer(), channel.number(),
			  nullptr});
}

/* All ranges of an operation have one channel. */
int ChannelTable::channel_to_all(const OpRequest &request, fi_addr_t peer,
				 Channel **channel)
{
	const fi_msg_rma &msg = request.msg();
	Key first(msg.rma_iov[0].key);
	int ret = channel_to(peer, first, channel);
	if (msg.rma_iov_count == 1)
		return ret;
	for (size_t i = 1; !ret && i < msg.rma_iov_count; i++) {
		Key key(msg.rma_iov[i].key);
		Channel *other = *channel;
		if (key.sealed() && first.sealed())
			ret = sealed_channel(peer, key, &other);
		if (!ret &&
		    (key.sealed() != first.sealed() || other != *channel))
			ret = refuse_mixture();
	}
	return ret;
}

int ChannelTable::open_channel(const PeerService &service,
			       const KeyRing::Key &key, Channel **channel)
{
	auto entry = channels_.find(service);
	if (entry == channels_.end()) {
		IpAddress address;
		int ret = owner_->peer_address(service.peer, &address);
		if (ret)
			return ret;
		address.set_port(service.port);
		ChannelOwner *self = this;
		auto made = std::make_unique<Channel>(
			initiator_, self, service.peer, address, key);
		peers_.try_emplace(service.peer);
		ended_.reserve(ended_.size() + channels_.size() + 1);
		entry = channels_.emplace(service, std::move(made)).first;
	}
	*channel = entry->second.get();
	return 0;
}

int ChannelTable::sealed_channel(fi_addr_t peer, Key key, Channel **channel)
{
	auto found = routes_.find({peer, key.value()});
	if (found != routes_.end()) {
		const Route &route = found->second;
		*channel = route.channel;
		if (route.generation == initiator_->keys().generation() &&
		    route.channel->key()->usable())
			return 0;
	}
	return choose_channel(peer, key, channel);
}

/*
 * Only this side chooses the key: a peer that said which one a region has would
 * name one that it knows. When the choice changes, what is under way under the
 * earlier key comes first, as it would on one channel.
 */
int ChannelTable::choose_channel(fi_addr_t peer, Key key, Channel **channel)
{
	uint64_t generation = initiator_->keys().generation();
	forget_removed();
	IpAddress address;
	int ret = owner_->peer_address(peer, &address);
	if (ret)
		return ret;
	KeyRing::Key chosen = initiator_->keys().choose(key.value(), address);
	if (!chosen || !chosen->usable())
		return refuse_without_key(key, chosen.get());
	Route &route = routes_[{peer, key.value()}];
	if (route.channel && route.channel->key() != chosen)
		ret = leave(route.channel);
	if (ret)
		return ret;
	ret = open_channel({peer, key.port(), chosen->id()}, chosen, channel);
	if (ret)
		return ret;
	route = {*channel, generation};
	return 0;
}

void ChannelTable::forget_routes(const Channel &channel)
{
	for (auto it = routes_.begin(); it != routes_.end();)
		it = it->second.channel == &channel ? routes_.erase(it)
						    : std::next(it);
}

/* Their connections are closed. */
void ChannelTable::forget_removed()
{
	for (auto it = channels_.begin(); it != channels_.end();) {
		const Channel &channel = *it->second;
		bool gone = channel.key_removed() && !channel.stands();
		if (gone)
			forget_routes(channel);
		it = gone ? channels_.erase(it) : std::next(it);
	}
}

} // namespace ofi_pmem
