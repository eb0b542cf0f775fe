/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * The target's side of common/target.hh.
 */
#include "common/target.hh"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>

namespace pmem_test
{

namespace
{

constexpr uint64_t kRegionAccess =
	FI_REMOTE_READ | FI_REMOTE_WRITE | FI_READ | FI_WRITE;

struct Region {
	std::unique_ptr<Mapping> mapping;
	FidPtr<fid_mr> mr;
	uint8_t *base;
	size_t len;
};

class Server
{
public:
	explicit Server(int control) : control_(control) {}

	/* The exit status: 0 when everything could be closed. */
	int run();

private:
	bool receive(TargetCommand *command);
	void execute(const TargetCommand &command, TargetReply *reply);
	void open(const TargetCommand &command, TargetReply *reply);
	void add_region(const RegionRequest &request, TargetReply *reply);
	FidPtr<fid_mr> register_declared(const Region &added,
					 const RegionRequest &request);
	void post_recv();
	void read_cq(TargetReply *reply);
	void serve();
	void mount_image(const char *arguments);
	Region &region(const TargetCommand &command);

	int control_;
	std::unique_ptr<Node> node_;
	std::map<uint64_t, Region> regions_;
	uint64_t next_id_ = 1;
	std::unique_ptr<LocalBuffer> received_;
	fi_context2 context_{};
};

bool Server::receive(TargetCommand *command)
{
	/* Plain tcp makes no progress of its own. */
	if (node_ && getenv("PMEM_FABTESTS_PLAIN")) {
		pollfd readable{control_, POLLIN, 0};
		while (!poll(&readable, 1, 0)) {
			node_->completions->poll();
			sched_yield();
		}
	}
	ssize_t got = recv(control_, command, sizeof(*command), 0);
	return got == static_cast<ssize_t>(sizeof(*command));
}

int Server::run()
{
	TargetCommand command;
	bool quit = false;
	while (!quit && receive(&command)) {
		TargetReply reply;
		quit = command.command == Command::quit;
		try {
			execute(command, &reply);
		} catch (const FabricError &error) {
			reply.ret = error.ret();
			snprintf(reply.what, sizeof(reply.what), "%s",
				 error.what());
		} catch (const std::exception &error) {
			reply.ret = -FI_EOTHER;
			snprintf(reply.what, sizeof(reply.what), "%s",
				 error.what());
		}
		if (send(control_, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			break;
	}
	received_.reset();
	regions_.clear();
	node_.reset();
	return close_failures() ? 2 : 0;
}

void Server::execute(const TargetCommand &command, TargetReply *reply)
{
	switch (command.command) {
	case Command::open:
		return open(command, reply);
	case Command::add_region:
		return add_region(command.region, reply);
	case Command::close_region:
		region(command);
		regions_.erase(command.id);
		return;
	case Command::accept:
		return node_->accept();
	case Command::peek: {
		Region &from = region(command);
		if (command.offset + command.len > from.len)
			throw FabricError("peek", -FI_EINVAL);
		reply->data = hash(from.base + command.offset, command.len);
		return;
	}
	case Command::post_recv:
		return post_recv();
	case Command::read_cq:
		return read_cq(reply);
	case Command::serve:
		return serve();
	case Command::mount:
		return mount_image(command.region.path);
	default:
		return;
	}
}

void Server::open(const TargetCommand &command, TargetReply *reply)
{
	node_ = std::make_unique<Node>(command.options);
	node_->listen();
	reply->address = node_->address();
}

Region &Server::region(const TargetCommand &command)
{
	auto found = regions_.find(command.id);
	if (found == regions_.end())
		throw FabricError("unknown region", -FI_EINVAL);
	return found->second;
}

void Server::add_region(const RegionRequest &request, TargetReply *reply)
{
	Region added;
	int flags = request.path[0] ? MAP_SHARED : MAP_PRIVATE;
	if (request.map_sync)
		flags = MAP_SHARED_VALIDATE | MAP_SYNC;
	added.mapping =
		std::make_unique<Mapping>(request.path, request.map_len, flags);
	added.base = added.mapping->data() + request.offset;
	added.len = request.len ? request.len : request.map_len;
	added.mr =
		request.declared
			? register_declared(added, request)
			: node_->register_memory(added.base, added.len,
						 kRegionAccess, request.flags);
	reply->id = next_id_++;
	reply->key = fi_mr_key(added.mr.get());
	reply->base = node_->remote_base(added.base);
	regions_.emplace(reply->id, std::move(added));
}

FidPtr<fid_mr> Server::register_declared(const Region &added,
					 const RegionRequest &request)
{
	void *opened = nullptr;
	check(fi_open_ops(&node_->domain->fid, FI_PMEM_DOMAIN_OPS, 0, &opened,
			  nullptr),
	      "fi_open_ops of the domain");
	iovec iov{added.base, added.len};
	fi_mr_attr attr{};
	attr.mr_iov = &iov;
	attr.iov_count = 1;
	attr.access = kRegionAccess;
	attr.requested_key = next_id_;
	fi_pmem_mr_attr pmem{sizeof(pmem),
			     added.mapping->fd(),
			     added.mapping->offset() + request.offset,
			     request.granularity,
			     request.domain,
			     request.key_id};
	fid_mr *mr = nullptr;
	check(static_cast<fi_ops_pmem_domain *>(opened)->mr_reg(
		      node_->domain.get(), &attr, 0, &pmem, &mr),
	      "mr_reg");
	return FidPtr<fid_mr>(mr);
}

void Server::post_recv()
{
	if (!received_)
		received_ = std::make_unique<LocalBuffer>(*node_, 64);
	check(fi_recv(node_->ep(), received_->data(), received_->size(),
		      received_->desc(), FI_ADDR_UNSPEC, &context_),
	      "fi_recv");
}

void Server::read_cq(TargetReply *reply)
{
	Completion completion = node_->completions->wait();
	check(-completion.err, "completion at the target");
	reply->flags = completion.flags;
	reply->len = completion.len;
	reply->data = completion.data;
}

void Server::serve()
{
	constexpr size_t kReceives = 16;
	constexpr size_t kLen = 64;
	LocalBuffer buffer(*node_, kReceives * kLen);
	std::vector<fi_context2> contexts(kReceives);
	size_t share = kReceives / node_->eps.size();
	auto post = [&](size_t index) {
		return fi_recv(node_->eps[index / share].get(),
			       buffer.data() + index * kLen, kLen,
			       buffer.desc(), FI_ADDR_UNSPEC, &contexts[index]);
	};
	for (size_t i = 0; i < share * node_->eps.size(); i++)
		check(post(i), "fi_recv");
	pollfd readable{control_, POLLIN, 0};
	while (!poll(&readable, 1, 1)) {
		Completion completion;
		node_->completions->poll();
		while (node_->completions->take(&completion)) {
			auto context =
				static_cast<fi_context2 *>(completion.context);
			/* An initiator that has gone sends nothing more. */
			if (!completion.err && (completion.flags & FI_RECV))
				static_cast<void>(post(static_cast<size_t>(
					context - contexts.data())));
		}
	}
}

/*
 * Mounts in a mount namespace of this process, so nothing is left when it dies.
 */
void Server::mount_image(const char *arguments)
{
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr))
		throw FabricError("a mount namespace", -FI_ENOSYS);
	std::string line =
		std::string("mount -o loop ") + arguments + " 2>/dev/null";
	if (system(line.c_str()))
		throw FabricError("mounting an image", -FI_ENOSYS);
}

} // namespace

int target_main(int control)
{
	return Server(control).run();
}

} // namespace pmem_test
