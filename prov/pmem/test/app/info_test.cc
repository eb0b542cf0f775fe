/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copyright (c) 2026 the ofi_pmem developers */
#include "app/info.hh"

#include "app/info_name.hh"
#include "app/info_variant.hh"
#include "core/params.hh"
#include "fixture/app_fixture.hh"
#include "initiator/buffers.hh"

#include <gmock/gmock.h>

#include <netinet/in.h>

namespace ofi_pmem
{

namespace
{

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(InfoName, OursIsStrippedWhereverLibfabricAllowsIt)
{
	EXPECT_EQ(inner_name("tcp;ofi_pmem"), "tcp");
	EXPECT_EQ(inner_name("TCP;OFI_PMEM"), "TCP");
	EXPECT_EQ(inner_name("tcp;ofi_rxm;ofi_pmem"), "tcp;ofi_rxm");
	EXPECT_EQ(inner_name("ofi_pmem;tcp"), "tcp");
	EXPECT_EQ(inner_name("ofi_pmem"), "");
}

TEST(InfoName, OthersDoNotNameUs)
{
	EXPECT_FALSE(inner_name("tcp"));
	EXPECT_FALSE(inner_name(""));
	EXPECT_FALSE(inner_name("tcp;ofi_pmem;ofi_rxm"));
	EXPECT_FALSE(inner_name("tcp;ofi_pmem2"));
	EXPECT_FALSE(inner_name("tcp;^ofi_pmem"));
}

TEST(InfoName, HintComesBeforeEnvironment)
{
	EXPECT_THAT(wanted_inner_names("net;ofi_pmem", "tcp;ofi_pmem"),
		    ElementsAre("net"));
}

TEST(InfoName, AloneWeLayerOnEveryTargetProvider)
{
	EXPECT_THAT(
		wanted_inner_names("ofi_pmem", nullptr),
		ElementsAre("verbs", "verbs;ofi_rxm", "tcp", "tcp;ofi_rxm"));
}

TEST(InfoName, EnvironmentIsAList)
{
	EXPECT_THAT(wanted_inner_names(nullptr, "tcp,tcp;ofi_pmem"),
		    ElementsAre("tcp"));
	EXPECT_THAT(wanted_inner_names(nullptr, "net;ofi_pmem,tcp;ofi_pmem"),
		    ElementsAre("net", "tcp"));
}

TEST(InfoName, ExclusionsNameNobody)
{
	EXPECT_THAT(wanted_inner_names(nullptr, "^tcp;ofi_pmem"), IsEmpty());
	EXPECT_THAT(wanted_inner_names(nullptr, "^ofi_pmem"), IsEmpty());
}

TEST(InfoName, NobodyNamesUs)
{
	EXPECT_THAT(wanted_inner_names(nullptr, nullptr), IsEmpty());
	EXPECT_THAT(wanted_inner_names(nullptr, ""), IsEmpty());
	EXPECT_THAT(wanted_inner_names("tcp", "tcp"), IsEmpty());
}

TEST(InfoName, EnvironmentPutsUsOnTheHintedProviderOnly)
{
	auto filter = "tcp;ofi_pmem,tcp;ofi_rxm;ofi_pmem,net;ofi_pmem";
	EXPECT_THAT(wanted_inner_names("tcp", filter),
		    ElementsAre("tcp", "tcp;ofi_rxm"));
	EXPECT_THAT(wanted_inner_names("verbs", filter), IsEmpty());
}

TEST(InfoName, MisspeltEnvironmentsGetAdvice)
{
	EXPECT_EQ(filter_advice("tcp,ofi_pmem"), "tcp;ofi_pmem");
	EXPECT_EQ(filter_advice("ofi_pmem,tcp;ofi_rxm"),
		  "tcp;ofi_rxm;ofi_pmem");
	EXPECT_EQ(filter_advice("ofi_pmem;tcp"), "tcp;ofi_pmem");
	EXPECT_EQ(filter_advice("tcp;pmem"), "tcp;ofi_pmem");
	EXPECT_EQ(filter_advice("tcp;ofi-pmem,udp"), "tcp;ofi_pmem,udp");
	EXPECT_EQ(filter_advice("tcp;ofi_pmem;ofi_rxm"),
		  "tcp;ofi_rxm;ofi_pmem");
	EXPECT_EQ(filter_advice("pmem"), "tcp;ofi_pmem");
	EXPECT_EQ(filter_advice("verbs,pmem"), "verbs;ofi_pmem");
}

TEST(InfoName, RightEnvironmentsGetNoAdvice)
{
	for (auto filter :
	     {"", "tcp", "tcp;", "ofi_pmem", "OFI_PMEM", "tcp;ofi_pmem",
	      "TCP;OFI_PMEM", "tcp;ofi_rxm;ofi_pmem", "^tcp,ofi_pmem",
	      "tcp,udp", "verbs;ofi_pmem,tcp;ofi_pmem", "tcp,tcp;ofi_pmem"})
		EXPECT_EQ(filter_advice(filter), "") << filter;
	EXPECT_EQ(filter_advice(nullptr), "");
}

TEST(InfoName, WhatLayersOnACoreProviderIsTheSecondChoice)
{
	EXPECT_THAT(layered_on({"tcp", "verbs"}),
		    ElementsAre("tcp;ofi_rxm", "verbs;ofi_rxm"));
	EXPECT_THAT(layered_on({"tcp", "TCP;OFI_RXM"}), IsEmpty());
}

InfoPtr inner_like_tcp()
{
	auto info = make_info(FI_MSG | FI_RMA | FI_RMA_PMEM | FI_RMA_EVENT);
	info->tx_attr->comp_order = 0x1ff;
	info->rx_attr->comp_order = 0x1ff;
	info->tx_attr->msg_order = FI_ORDER_SAS | FI_ORDER_SAW;
	info->rx_attr->msg_order = FI_ORDER_SAS | FI_ORDER_SAW;
	info->domain_attr->data_progress = FI_PROGRESS_AUTO;
	return info;
}

TEST(InfoVariant, PersistentPromisesWhatTwoPlanesKeep)
{
	auto info = inner_like_tcp();
	make_persistent_info(nullptr, info.get());
	EXPECT_TRUE(is_persistent(*info));
	EXPECT_TRUE(info->tx_attr->caps & FI_RMA_PMEM);
	EXPECT_TRUE(info->rx_attr->caps & FI_RMA_PMEM);
	EXPECT_FALSE(info->caps & FI_RMA_EVENT);
	EXPECT_FALSE(info->rx_attr->caps & FI_RMA_EVENT);
	EXPECT_FALSE(info->caps & FI_FENCE);
	EXPECT_EQ(info->tx_attr->comp_order, 0u);
	EXPECT_EQ(info->rx_attr->comp_order, 0u);
	EXPECT_EQ(info->tx_attr->msg_order, uint64_t{FI_ORDER_SAS});
	EXPECT_EQ(info->rx_attr->msg_order, uint64_t{FI_ORDER_SAS});
	EXPECT_EQ(info->domain_attr->mr_mode, FI_MR_PROV_KEY);
	EXPECT_EQ(info->domain_attr->mr_key_size, 8u);
	EXPECT_EQ(info->domain_attr->data_progress, FI_PROGRESS_MANUAL);
}

TEST(InfoVariant, InjectIsADefaultOnlyWhenAskedFor)
{
	auto info = inner_like_tcp();
	info->tx_attr->op_flags = FI_INJECT | FI_COMPLETION;
	make_persistent_info(nullptr, info.get());
	EXPECT_EQ(info->tx_attr->op_flags, FI_COMPLETION);

	auto hints = make_info(FI_RMA | FI_RMA_PMEM);
	hints->tx_attr->op_flags = FI_INJECT;
	info = inner_like_tcp();
	info->tx_attr->op_flags = FI_INJECT;
	make_persistent_info(hints.get(), info.get());
	EXPECT_EQ(info->tx_attr->op_flags, FI_INJECT);
}

TEST(InfoVariant, PersistentGivesWhatIsAskedFor)
{
	auto hints = make_info(FI_MSG | FI_RMA | FI_RMA_PMEM | FI_FENCE);
	hints->tx_attr->msg_order = FI_ORDER_SAW;
	hints->tx_attr->op_flags = FI_COMMIT_COMPLETE | FI_COMPLETION;
	hints->domain_attr->data_progress = FI_PROGRESS_AUTO;
	auto info = inner_like_tcp();
	make_persistent_info(hints.get(), info.get());
	EXPECT_TRUE(info->caps & FI_FENCE);
	EXPECT_TRUE(info->tx_attr->caps & FI_FENCE);
	EXPECT_TRUE(info->tx_attr->msg_order & FI_ORDER_SAW);
	EXPECT_FALSE(info->rx_attr->msg_order & FI_ORDER_SAW);
	EXPECT_EQ(info->tx_attr->op_flags, FI_COMMIT_COMPLETE);
	EXPECT_EQ(info->domain_attr->data_progress, FI_PROGRESS_AUTO);
}

TEST(InfoVariant, BasicRegistrationStaysBasic)
{
	auto info = inner_like_tcp();
	info->domain_attr->mr_mode = 1;
	make_persistent_info(nullptr, info.get());
	EXPECT_EQ(info->domain_attr->mr_mode, 1);
}

TEST(InfoVariant, PlainDoesNotPretendPersistence)
{
	auto info = inner_like_tcp();
	make_plain_info(info.get());
	EXPECT_FALSE(info->caps & FI_RMA_PMEM);
	EXPECT_FALSE(info->tx_attr->caps & FI_RMA_PMEM);
	EXPECT_FALSE(info->rx_attr->caps & FI_RMA_PMEM);
	EXPECT_TRUE(info->caps & FI_RMA_EVENT);
}

/* Open MPI's btl ofi would make a scalable endpoint where there could be one.
 */
TEST(InfoVariant, NoContextsAreOfferedThatCannotBeOpened)
{
	for (auto make :
	     {+[](fi_info *info) { make_persistent_info(nullptr, info); },
	      +[](fi_info *info) { make_plain_info(info); }}) {
		auto info = inner_like_tcp();
		auto domain = info->domain_attr;
		domain->max_ep_tx_ctx = domain->max_ep_rx_ctx = 16;
		domain->max_ep_stx_ctx = domain->max_ep_srx_ctx = 16;
		make(info.get());
		EXPECT_EQ(domain->max_ep_tx_ctx, 1u);
		EXPECT_EQ(domain->max_ep_rx_ctx, 1u);
		EXPECT_EQ(domain->max_ep_stx_ctx, 0u);
		EXPECT_EQ(domain->max_ep_srx_ctx, 16u);
	}
}

/* With FI_OFI_PMEM_REGIONS=all the plane executes all atomics. */
class OwnAtomics : public ::testing::Test
{
protected:
	void SetUp() override
	{
		setenv("FI_OFI_PMEM_REGIONS", "all", 1);
		ASSERT_EQ(load_params(), 0);
	}
	void TearDown() override
	{
		unsetenv("FI_OFI_PMEM_REGIONS");
		ASSERT_EQ(load_params(), 0);
	}
};

TEST_F(OwnAtomics, AreOfferedWhereAskedFor)
{
	auto hints = make_info(FI_MSG | FI_RMA | FI_ATOMIC);
	auto info = inner_like_tcp();
	make_persistent_info(hints.get(), info.get());
	EXPECT_TRUE(info->caps & FI_ATOMIC);
	EXPECT_TRUE(info->tx_attr->caps & FI_ATOMIC);
	EXPECT_TRUE(info->rx_attr->caps & FI_ATOMIC);

	hints = make_info(FI_MSG | FI_RMA);
	info = inner_like_tcp();
	make_persistent_info(hints.get(), info.get());
	EXPECT_FALSE(info->caps & FI_ATOMIC);
	EXPECT_FALSE(adds_atomics(nullptr));
}

TEST_F(OwnAtomics, AreNoneWhereRegionsMayBeOrdinary)
{
	setenv("FI_OFI_PMEM_REGIONS", "detect", 1);
	ASSERT_EQ(load_params(), 0);
	auto hints = make_info(FI_MSG | FI_RMA | FI_ATOMIC);
	auto info = inner_like_tcp();
	make_persistent_info(hints.get(), info.get());
	EXPECT_FALSE(info->caps & FI_ATOMIC);
}

TEST_F(OwnAtomics, AreUnknownToAnInnerProviderWithoutAny)
{
	auto info = make_info(FI_MSG | FI_RMA | FI_RMA_PMEM | FI_ATOMIC);
	auto below = inner_info(*info, {false, 8, false});
	EXPECT_FALSE(below->caps & FI_ATOMIC);
	EXPECT_FALSE(below->tx_attr->caps & FI_ATOMIC);
	EXPECT_FALSE(below->rx_attr->caps & FI_ATOMIC);

	below = inner_info(*info, {false, 8, true});
	EXPECT_TRUE(below->caps & FI_ATOMIC);
}

TEST(InfoVariant, PersistentIsRefusedWithItsReason)
{
	auto hints = make_info(FI_MSG | FI_RMA | FI_RMA_PMEM);
	EXPECT_THAT(refusal(hints.get(), Variant::persistent),
		    ::testing::HasSubstr("FI_MR_PROV_KEY"));
	hints->domain_attr->mr_mode = FI_MR_PROV_KEY;
	EXPECT_EQ(refusal(hints.get(), Variant::persistent), nullptr);
	hints->domain_attr->mr_mode = 1;
	EXPECT_EQ(refusal(hints.get(), Variant::persistent), nullptr);
	EXPECT_EQ(refusal(nullptr, Variant::persistent), nullptr);

	hints->tx_attr->comp_order = 0x1ff;
	EXPECT_THAT(refusal(hints.get(), Variant::persistent),
		    ::testing::HasSubstr("comp_order"));
	hints->tx_attr->comp_order = 0;
	hints->caps |= FI_RMA_EVENT;
	EXPECT_THAT(refusal(hints.get(), Variant::persistent),
		    ::testing::HasSubstr("FI_RMA_EVENT"));
}

TEST(InfoVariant, CommitByDefaultIsNoPlainInfo)
{
	auto hints = make_info(0);
	EXPECT_EQ(refusal(hints.get(), Variant::plain), nullptr);
	hints->tx_attr->op_flags = FI_COMMIT_COMPLETE;
	EXPECT_NE(refusal(hints.get(), Variant::plain), nullptr);
}

InfoPtr info_of_tcp(uint64_t caps)
{
	auto info = make_info(caps);
	free(info->fabric_attr->prov_name);
	info->fabric_attr->prov_name = strdup("tcp");
	return info;
}

TEST(InfoVariant, AddressesTellWhatAnUnspecifiedFormatDoesNot)
{
	auto info = info_of_tcp(FI_MSG | FI_RMA);
	info->addr_format = FI_FORMAT_UNSPEC;
	EXPECT_NE(unfit(*info), nullptr);
	auto source =
		static_cast<sockaddr_in *>(calloc(1, sizeof(sockaddr_in)));
	info->src_addr = source;
	info->src_addrlen = sizeof(*source);
	EXPECT_NE(unfit(*info), nullptr);
	source->sin_family = AF_INET;
	EXPECT_EQ(unfit(*info), nullptr);
	std::swap(info->src_addr, info->dest_addr);
	std::swap(info->src_addrlen, info->dest_addrlen);
	EXPECT_EQ(unfit(*info), nullptr);
	/* 17 is FI_SOCKADDR_IP. */
	info->addr_format = 17;
	EXPECT_EQ(unfit(*info), nullptr);
}

TEST(InfoVariant, ChannelsNeedConnectedEndpoints)
{
	auto unfit_over = [](const char *name) {
		auto info = info_of_tcp(FI_MSG | FI_RMA);
		free(info->fabric_attr->prov_name);
		info->fabric_attr->prov_name = strdup(name);
		return unfit(*info);
	};
	for (auto name :
	     {"tcp", "net", "verbs", "tcp;ofi_rxm", "verbs;ofi_rxm"})
		EXPECT_EQ(unfit_over(name), nullptr) << name;
	for (auto name :
	     {"udp;ofi_rxd", "sockets", "shm", "verbs;ofi_rxd", "tcpx"})
		EXPECT_NE(unfit_over(name), nullptr) << name;
}

/* A peer provider would work on the inner objects. */
TEST(InfoVariant, NothingThatGoesAroundUsIsOffered)
{
	constexpr uint64_t kXpu = 1ULL << 44;
	for (uint64_t cap : {uint64_t{FI_PEER}, kXpu}) {
		auto info = inner_like_tcp();
		info->caps |= cap;
		info->rx_attr->caps |= cap;
		make_persistent_info(nullptr, info.get());
		EXPECT_FALSE((info->caps | info->rx_attr->caps) & cap);
		info = inner_like_tcp();
		info->caps |= cap;
		info->tx_attr->caps |= cap;
		make_plain_info(info.get());
		EXPECT_FALSE((info->caps | info->tx_attr->caps) & cap);
		auto hints = make_info(FI_MSG | cap);
		hints->domain_attr->mr_mode = FI_MR_PROV_KEY;
		EXPECT_NE(refusal(hints.get(), Variant::persistent), nullptr);
		EXPECT_NE(refusal(hints.get(), Variant::plain), nullptr);
	}
}

TEST(InfoVariant, AsManyTransmitsAreOfferedAsFit)
{
	auto info = inner_like_tcp();
	info->tx_attr->size = 65536;
	make_persistent_info(nullptr, info.get());
	EXPECT_EQ(info->tx_attr->size, kDefaultTransmits);

	auto hints = make_info(FI_MSG | FI_RMA | FI_RMA_PMEM);
	hints->domain_attr->mr_mode = FI_MR_PROV_KEY;
	hints->tx_attr->size = 4096;
	info = inner_like_tcp();
	info->tx_attr->size = 65536;
	make_persistent_info(hints.get(), info.get());
	EXPECT_EQ(info->tx_attr->size, 4096u);
	EXPECT_EQ(refusal(hints.get(), Variant::persistent), nullptr);

	info = inner_like_tcp();
	info->tx_attr->size = 300;
	make_persistent_info(nullptr, info.get());
	EXPECT_EQ(info->tx_attr->size, 300u);
	hints->tx_attr->size = kMaxTransmits + 1;
	EXPECT_NE(refusal(hints.get(), Variant::persistent), nullptr);
}

TEST(InfoVariant, InnerWithoutRmaOrIpAddressIsUnfit)
{
	auto info = info_of_tcp(FI_MSG | FI_RMA);
	EXPECT_EQ(unfit(*info), nullptr);
	info->addr_format = FI_SOCKADDR_IB;
	EXPECT_NE(unfit(*info), nullptr);
	info->addr_format = FI_SOCKADDR_IN6;
	EXPECT_EQ(unfit(*info), nullptr);
	info->caps = FI_MSG;
	EXPECT_NE(unfit(*info), nullptr);
	info->caps = FI_MSG | FI_ATOMIC;
	EXPECT_EQ(unfit(*info), nullptr);
}

TEST(InfoVariant, InnerHintsLackWhatWeAdd)
{
	auto hints = make_info(FI_RMA | FI_RMA_PMEM | FI_FENCE);
	hints->tx_attr->op_flags = FI_COMMIT_COMPLETE | FI_DELIVERY_COMPLETE;
	auto below = inner_hints(*hints, "tcp", Variant::persistent);
	EXPECT_STREQ(below->fabric_attr->prov_name, "tcp");
	EXPECT_EQ(below->caps, uint64_t{FI_RMA});
	EXPECT_EQ(below->tx_attr->caps, uint64_t{FI_RMA});
	EXPECT_EQ(below->rx_attr->caps, uint64_t{FI_RMA});
	EXPECT_EQ(below->tx_attr->op_flags, FI_DELIVERY_COMPLETE);

	below = inner_hints(*hints, "verbs;ofi_rxm", Variant::persistent);
	EXPECT_EQ(below->tx_attr->op_flags, 0u);
}

TEST(InfoVariant, PlainHintsKeepTheFence)
{
	auto hints = make_info(FI_RMA | FI_FENCE);
	auto below = inner_hints(*hints, "tcp", Variant::plain);
	EXPECT_EQ(below->caps, uint64_t{FI_RMA | FI_FENCE});
}

TEST(InfoVariant, HintsMayHaveNoAttributesAtAll)
{
	fi_info hints{};
	auto below = inner_hints(hints, "tcp", Variant::persistent);
	EXPECT_STREQ(below->fabric_attr->prov_name, "tcp");
}

TEST(InfoVariant, InnerInfoIsWhatTheInnerProviderOffered)
{
	auto info = inner_like_tcp();
	make_persistent_info(nullptr, info.get());
	auto below = inner_info(*info, {false, 4});
	EXPECT_STREQ(below->fabric_attr->prov_name, "fake");
	EXPECT_EQ(below->caps, uint64_t{FI_MSG | FI_RMA});
	EXPECT_EQ(below->domain_attr->mr_mode, 0);
	EXPECT_EQ(below->domain_attr->mr_key_size, 4u);

	below = inner_info(*info, {true, 8});
	EXPECT_EQ(below->domain_attr->mr_mode, FI_MR_PROV_KEY);
}

TEST(InfoVariant, ConnectionRequestLooksLikeItsListener)
{
	auto pep = inner_like_tcp();
	make_persistent_info(nullptr, pep.get());
	auto inner = make_info(FI_MSG | FI_RMA);
	free(inner->fabric_attr->prov_name);
	inner->fabric_attr->prov_name = strdup("fake");
	fid handle{};
	handle.fclass = FI_CLASS_CONNREQ;
	inner->handle = &handle;
	inner->dest_addr = calloc(1, sizeof(sockaddr_in));
	inner->dest_addrlen = sizeof(sockaddr_in);
	auto dest = inner->dest_addr;

	auto info = connreq_info(*pep, std::move(inner));
	EXPECT_STREQ(info->fabric_attr->prov_name, "fake;ofi_pmem");
	EXPECT_TRUE(is_persistent(*info));
	EXPECT_EQ(info->handle, &handle);
	EXPECT_EQ(info->dest_addr, dest);
	EXPECT_EQ(info->dest_addrlen, sizeof(sockaddr_in));
}

TEST(InfoVariant, EnableAdviceIsForOfiRxmOverVerbs)
{
	auto info = make_info(FI_RMA);
	EXPECT_EQ(enable_advice(*info), nullptr);
	free(info->fabric_attr->prov_name);
	info->fabric_attr->prov_name = strdup("verbs;ofi_rxm;ofi_pmem");
	ASSERT_NE(enable_advice(*info), nullptr);
	EXPECT_NE(strstr(enable_advice(*info), "FI_UNIVERSE_SIZE"), nullptr);
	free(info->fabric_attr->prov_name);
	info->fabric_attr->prov_name = strdup("verbs;ofi_pmem");
	EXPECT_EQ(enable_advice(*info), nullptr);
}

TEST(Getinfo, UnnamedWeOfferNothing)
{
	fi_info *found = nullptr;
	auto hints = make_info(0);
	free(hints->fabric_attr->prov_name);
	hints->fabric_attr->prov_name = strdup("tcp");
	EXPECT_EQ(getinfo(FI_VERSION(1, 17), nullptr, nullptr, 0, hints.get(),
			  &found),
		  -FI_ENODATA);
	EXPECT_EQ(found, nullptr);
}

} // namespace

} // namespace ofi_pmem
