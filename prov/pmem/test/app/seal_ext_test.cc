/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
/*
 * Region keys by rdma/fi_ext_pmem.h and by the environment. The endpoint writes
 * to a region of its own domain.
 */
#include "core/key.hh"
#include "core/params.hh"
#include "fixture/app_plane_fixture.hh"
#include "fixture/persist_fixture.hh"

#include <rdma/fi_errno.h>
#include <rdma/fi_ext_pmem.h>

#include <sys/stat.h>

#include <fstream>

namespace ofi_pmem
{

namespace
{

constexpr uint64_t kAccess =
	FI_REMOTE_READ | FI_REMOTE_WRITE | FI_READ | FI_WRITE;

class SealExtension : public AppPlaneTest
{
protected:
	void SetUp() override
	{
		set("FI_OFI_PMEM_REGIONS", "all");
		start();
	}

	void start()
	{
		AppTest::SetUp();
		prepare(kPersistent);
		info->tx_attr->iov_limit = 1;
		info->tx_attr->rma_iov_limit = 1;
		open();
		void *opened = nullptr;
		ASSERT_EQ(fi_open_ops(&domain->fid, FI_PMEM_DOMAIN_OPS, 0,
				      &opened, nullptr),
			  0);
		ops_ = static_cast<fi_ops_pmem_domain *>(opened);
		ASSERT_EQ(fi_open_ops(&ep->fid, FI_PMEM_EP_OPS, 0, &opened,
				      nullptr),
			  0);
		ep_ops_ = static_cast<fi_ops_pmem_ep *>(opened);
	}

	void TearDown() override
	{
		close_endpoint();
		if (mr_) {
			EXPECT_EQ(fi_close(&mr_->fid), 0);
		}
		AppTest::TearDown();
		for (const std::string &name : set_)
			unsetenv(name.c_str());
		ASSERT_EQ(load_params(), 0);
	}

	void set(const std::string &name, const std::string &value)
	{
		setenv(name.c_str(), value.c_str(), 1);
		set_.push_back(name);
		ASSERT_EQ(load_params(), 0);
	}

	fi_pmem_key key(uint64_t id) const
	{
		fi_pmem_key made{};
		made.size = sizeof(made);
		made.id = id;
		made.cipher = FI_PMEM_AES_256_GCM;
		made.bytes = bytes_;
		made.length = sizeof(bytes_);
		return made;
	}

	int add(uint64_t id)
	{
		fi_pmem_key made = key(id);
		return ops_->key_add(domain, &made);
	}

	/* Registers memory under a key, or 0. */
	int reg(uint64_t id)
	{
		iovec iov{memory_, sizeof(memory_)};
		fi_mr_attr attr{};
		attr.mr_iov = &iov;
		attr.iov_count = 1;
		attr.access = kAccess;
		fi_pmem_mr_attr pmem{};
		pmem.size = sizeof(pmem);
		pmem.fd = -1;
		pmem.key_id = id;
		return ops_->mr_reg(domain, &attr, 0, &pmem, &mr_);
	}

	uint64_t mr_key() const { return fi_mr_key(mr_); }

	ssize_t commit(uint64_t flags = 0)
	{
		iovec iov{local_, sizeof(local_)};
		fi_rma_iov range{base(), sizeof(local_), mr_key()};
		fi_msg_rma msg{&iov, nullptr, 1, 0, &range, 1, nullptr, 5};
		return post([&] {
			return fi_writemsg(ep, &msg,
					   FI_COMMIT_COMPLETE | FI_COMPLETION |
						   flags);
		});
	}

	void expect_commit()
	{
		ASSERT_EQ(commit(), 0);
		EXPECT_EQ(wait().flags, FI_RMA | FI_WRITE);
		EXPECT_EQ(memcmp(memory_, local_, sizeof(local_)), 0);
	}

	uint64_t base() const
	{
		return info->domain_attr->mr_mode & FI_MR_VIRT_ADDR
			       ? reinterpret_cast<uintptr_t>(memory_)
			       : 0;
	}

	fi_ops_pmem_domain *ops_ = nullptr;
	fi_ops_pmem_ep *ep_ops_ = nullptr;
	fid_mr *mr_ = nullptr;
	std::vector<std::string> set_;
	uint8_t bytes_[32] = {1, 2, 3};
	alignas(64) char memory_[4096] = {};
	char local_[16] = "sealed contents";
};

TEST_F(SealExtension, KeysAreChecked)
{
	fi_pmem_key good = key(1);
	EXPECT_EQ(ops_->key_add(domain, nullptr), -FI_EINVAL);
	fi_pmem_key bad = good;
	bad.size = sizeof(bad) - 1;
	EXPECT_EQ(ops_->key_add(domain, &bad), -FI_EINVAL);
	EXPECT_EQ(add(0), -FI_EINVAL);
	bad = good;
	bad.length = 31;
	EXPECT_EQ(ops_->key_add(domain, &bad), -FI_EINVAL);
	bad = good;
	bad.bytes = nullptr;
	EXPECT_EQ(ops_->key_add(domain, &bad), -FI_EINVAL);
	for (unsigned cipher : {0U, 6U, 258U}) {
		bad = good;
		memcpy(&bad.cipher, &cipher, sizeof(cipher));
		EXPECT_EQ(ops_->key_add(domain, &bad), -FI_EINVAL) << cipher;
	}
	EXPECT_EQ(add(1), 0);
	EXPECT_EQ(add(1), 0);
	bytes_[0] ^= 1;
	EXPECT_EQ(add(1), -FI_EALREADY);
	EXPECT_EQ(ops_->key_remove(domain, 2), -FI_ENOKEY);
	EXPECT_EQ(ops_->key_remove(domain, 1), 0);
	EXPECT_EQ(add(1), 0);
}

TEST_F(SealExtension, SealedRegionHasNoRemoteAccessBelow)
{
	ASSERT_EQ(add(1), 0);
	EXPECT_EQ(reg(2), -FI_ENOKEY);
	ASSERT_EQ(reg(1), 0);
	EXPECT_TRUE(Key(mr_key()).sealed());
	EXPECT_EQ(inner_domain->mr_access, uint64_t{FI_READ | FI_WRITE});
}

TEST_F(SealExtension, RegionWithoutAKeyIsAsBefore)
{
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(reg(0), 0);
	EXPECT_FALSE(Key(mr_key()).sealed());
	EXPECT_EQ(inner_domain->mr_access, kAccess);
	EXPECT_EQ(ops_->mr_key_add(mr_, 1), -FI_EINVAL);
	EXPECT_EQ(ops_->key_bind(domain, mr_key(), 1, 0), -FI_EINVAL);
	expect_commit();
}

TEST_F(SealExtension, KeyMustBeBound)
{
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(reg(1), 0);
	EXPECT_EQ(commit(), -FI_EKEYREJECTED);
	EXPECT_EQ(ops_->key_bind(domain, 0, 2, 0), -FI_ENOKEY);
	EXPECT_EQ(ops_->key_bind(domain, 0, 1, 1), -FI_EBADFLAGS);
	EXPECT_EQ(ops_->key_bind(domain, mr_key(), 1, 0), 0);
	expect_commit();
	EXPECT_EQ(ops_->key_bind(domain, mr_key(), 0, 0), 0);
	EXPECT_EQ(commit(), -FI_EKEYREJECTED);
}

TEST_F(SealExtension, RegionMayAcceptMore)
{
	ASSERT_EQ(add(1), 0);
	bytes_[5] = 9;
	ASSERT_EQ(add(2), 0);
	ASSERT_EQ(reg(1), 0);
	ASSERT_EQ(ops_->key_bind(domain, 0, 2, 0), 0);
	EXPECT_EQ(commit(), -FI_EACCES);
	EXPECT_EQ(ops_->mr_key_add(mr_, 3), -FI_ENOKEY);
	EXPECT_EQ(ops_->mr_key_add(mr_, 2), 0);
	expect_commit();
	EXPECT_EQ(ops_->mr_key_remove(mr_, 1), 0);
	EXPECT_EQ(ops_->mr_key_remove(mr_, 1), -FI_ENOKEY);
	expect_commit();
}

/* The next user of an id has nothing of the last one's. */
TEST_F(SealExtension, RemovedKeyIsForgottenByItsRegions)
{
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(reg(1), 0);
	ASSERT_EQ(ops_->key_remove(domain, 1), 0);
	bytes_[7] = 77;
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(ops_->key_bind(domain, 0, 1, 0), 0);
	EXPECT_EQ(commit(), -FI_EACCES);
	EXPECT_EQ(ops_->mr_key_add(mr_, 1), 0);
	expect_commit();
}

TEST_F(SealExtension, QueryNamesTheKey)
{
	fi_pmem_key limited = key(1);
	limited.max_bytes = 1 << 20;
	ASSERT_EQ(ops_->key_add(domain, &limited), 0);
	ASSERT_EQ(ops_->key_bind(domain, 0, 1, 0), 0);
	ASSERT_EQ(reg(1), 0);
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	ASSERT_EQ(post([&] { return ep_ops_->query(ep, 0, mr_key(), &attr); }),
		  0);
	EXPECT_EQ(attr.key_id, 1u);
	EXPECT_EQ(attr.cipher, FI_PMEM_AES_256_GCM);
	EXPECT_LT(attr.key_bytes_left, limited.max_bytes);
	EXPECT_GT(attr.key_bytes_left, limited.max_bytes / 2);
	EXPECT_EQ(attr.method, FI_PMEM_METHOD_MESSAGE);
}

TEST_F(SealExtension, BothEndsDeriveTheSameKeys)
{
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(ops_->key_bind(domain, 0, 1, 0), 0);
	ASSERT_EQ(reg(1), 0);
	uint64_t connection = 0;
	char here[64], there[64], other[64];
	auto derive = [&](const char *label, char *out, uint64_t *name) {
		return post([&] {
			return ep_ops_->derive(ep, 0, mr_key(), label, out,
					       sizeof(here), name);
		});
	};
	ASSERT_EQ(derive("a label", here, &connection), 0);
	ASSERT_NE(connection, 0u);
	uint64_t told = connection;
	ASSERT_EQ(derive("a label", there, &told), 0);
	EXPECT_EQ(memcmp(here, there, sizeof(here)), 0);
	ASSERT_EQ(derive("another", other, &told), 0);
	EXPECT_NE(memcmp(here, other, sizeof(here)), 0);
	told = connection ^ 2;
	EXPECT_EQ(derive("a label", other, &told), -FI_ENOKEY);
	EXPECT_EQ(derive(nullptr, other, &told), -FI_EINVAL);
	EXPECT_EQ(derive(std::string(201, 'l').c_str(), other, &told),
		  -FI_EINVAL);
	EXPECT_EQ(ep_ops_->derive(ep, 0, mr_key(), "l", here, 1025, &told),
		  -FI_EINVAL);
}

TEST_F(SealExtension, NoncesAreTakenOnce)
{
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(ops_->key_bind(domain, 0, 1, 0), 0);
	ASSERT_EQ(reg(1), 0);
	fi_pmem_nonces nonces{};
	nonces.size = sizeof(nonces);
	auto take = [&](uint64_t count) {
		return post([&] {
			return ep_ops_->take_nonces(ep, 0, mr_key(), count,
						    &nonces);
		});
	};
	ASSERT_EQ(take(0x1234), 0);
	EXPECT_EQ(nonces.count, 0x1234u);
	EXPECT_EQ(nonces.first[11], 0);
	ASSERT_EQ(take(1), 0);
	EXPECT_EQ(nonces.first[10], 0x12);
	EXPECT_EQ(nonces.first[11], 0x34);
	EXPECT_NE(nonces.connection, 0u);
	EXPECT_EQ(take(0), -FI_EINVAL);
	EXPECT_EQ(take(UINT64_MAX), -FI_EKEYREJECTED);
	nonces.size = 8;
	EXPECT_EQ(take(1), -FI_EINVAL);
}

TEST_F(SealExtension, RemoteCqDataIsRefused)
{
	ASSERT_EQ(add(1), 0);
	ASSERT_EQ(ops_->key_bind(domain, 0, 1, 0), 0);
	ASSERT_EQ(reg(1), 0);
	EXPECT_EQ(commit(FI_REMOTE_CQ_DATA), -FI_EOPNOTSUPP);
	expect_commit();
}

/* What programs that know nothing of all this get. */
class SealEnvironment : public SealExtension
{
protected:
	void SetUp() override { set("FI_OFI_PMEM_REGIONS", "all"); }

	void write_keys(const std::string &lines)
	{
		std::ofstream(path_) << lines;
		ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
		set("FI_OFI_PMEM_SEAL_KEY_FILE", path_);
	}

	int reg_unmodified()
	{
		return fi_mr_reg(domain, memory_, sizeof(memory_), kAccess, 0,
				 7, 0, &mr_, nullptr);
	}

	static std::string line(int id)
	{
		return std::to_string(id) +
		       " aes-128-gcm 000102030405060708090a0b0c0d0e0f\n";
	}

	test::TempDir dir_;
	const std::string path_ = dir_.file("keys");
};

TEST_F(SealEnvironment, KeyOfTheFileIsUsedAtBothEnds)
{
	write_keys(line(3));
	set("FI_OFI_PMEM_SEAL", "required");
	start();
	ASSERT_EQ(reg_unmodified(), 0);
	EXPECT_TRUE(Key(mr_key()).sealed());
	EXPECT_EQ(inner_domain->mr_access, uint64_t{FI_READ | FI_WRITE});
	expect_commit();
}

TEST_F(SealEnvironment, OnlyTheNamedLineCounts)
{
	write_keys(line(3) + "4 chacha20-poly1305 " + std::string(64, 'a') +
		   " host=10.0.0.1\n");
	set("FI_OFI_PMEM_SEAL_KEY_ID", "4");
	start();
	ASSERT_EQ(reg_unmodified(), 0);
	expect_commit();
	fi_pmem_region_attr attr{};
	attr.size = sizeof(attr);
	ASSERT_EQ(post([&] { return ep_ops_->query(ep, 0, mr_key(), &attr); }),
		  0);
	EXPECT_EQ(attr.key_id, 4u);
}

TEST_F(SealEnvironment, RequiredRefusesARegionWithoutAKey)
{
	set("FI_OFI_PMEM_SEAL", "required");
	start();
	EXPECT_EQ(reg_unmodified(), -FI_EKEYREJECTED);
}

TEST_F(SealEnvironment, OffSealsNothing)
{
	write_keys(line(3));
	set("FI_OFI_PMEM_SEAL", "off");
	start();
	EXPECT_EQ(add(1), -FI_EOPNOTSUPP);
	EXPECT_EQ(reg(3), -FI_EOPNOTSUPP);
	ASSERT_EQ(reg_unmodified(), 0);
	EXPECT_FALSE(Key(mr_key()).sealed());
	expect_commit();
}

TEST_F(SealEnvironment, CqDataMayTravelInClear)
{
	write_keys(line(3));
	set("FI_OFI_PMEM_SEAL_CQ_DATA", "clear");
	start();
	ASSERT_EQ(reg_unmodified(), 0);
	/* The registration of a word that holds nothing. */
	EXPECT_EQ(inner_domain->mr_access, uint64_t{FI_REMOTE_WRITE});
}

TEST_F(SealEnvironment, BadFileIsNoDomain)
{
	write_keys("nonsense\n");
	AppTest::SetUp();
	prepare(kPersistent);
	auto &parent = *static_cast<Fabric *>(fabric);
	EXPECT_EQ(Domain::open(parent, *info, 0, nullptr, &domain), -FI_EINVAL);
}

} // namespace

} // namespace ofi_pmem
