#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Each promise of the seal has a mistake that breaks it, which the tests must
# find.

set -u
program=unit_tests
found_by='Seal*:*/Seal*:-SealedPlane.RekeyingFailsNothing'
words='FAILED'
. "${srcdir:-.}/util/scripts/mutants.sh"

seal=prov/pmem/src/seal
mutant "a key seals on where its successor should" $seal/phase_key.cc \
	's/!next_secret(&secret) ||/false ||/; s/next->number_ = number_;/next->number_ = 0;/' \
	'Seal*' 'FAILED'
mutant "the numbers of records start again" $seal/phase_key.cc \
	's/next->number_ = number_;/next->number_ = 0;/'
mutant "a new phase without a new key" $seal/phase_key.cc \
	's/!next_secret(&secret) ||/false ||/'
mutant "phases start again" $seal/record.cc \
	's/return current_.phase() + 1 < limits_.max_phases &&/return/'
mutant "a child goes on with its parent's numbers" $seal/record.cc \
	's/if (!marker_.own())/if (false)/'
mutant "the header is not authenticated" $seal/record.cc \
	's/current_.seal(out, kRecordHeader, plain/current_.seal(out, 0, plain/; s/key->unseal(record, kRecordHeader, bytes/key->unseal(record, 0, bytes/'
mutant "a removed key seals" $seal/record.cc \
	's/if (key_->removed())$/if (false)/'
mutant "the tag is not compared" $seal/cipher.cc \
	's/return traits_->reads_twice || finish(context_.get());/return finish(context_.get()) || true;/' \
	'SealedProxy*' 'FAILED'
mutant "CCM without the length" $seal/cipher.cc \
	's/(!traits_->reads_twice || announce_length(context, len)) &&/true \&\&/'
mutant "one key for both directions" $seal/schedule.cc \
	's/"ofi_pmem i2t" : "ofi_pmem t2i"/"ofi_pmem i2t" : "ofi_pmem i2t"/'
mutant "the beginning of a proof is compared" $seal/schedule.cc \
	's/proof.data(), right.size())/proof.data(), 4)/' \
	SealedGreeting.RefusesAProofThatIsWrongInOneBit 'FAILED'
mutant "the target's random number does not matter" \
	prov/pmem/src/protocol/seal_handshake.cc \
	's/all.target = said.target;/all.target = {};/' 'SealedProxy*' 'FAILED'
mutant "the initiator's random number does not matter" \
	prov/pmem/src/protocol/seal_handshake.cc \
	's/^\tkey_ = std::move(key);/\tstd::memset(all.offer + sizeof(wire::Header), 0, sizeof(wire::Nonce));&/' \
	SealedProxy.TargetOfAnEarlierConnectionIsRefused 'FAILED'
mutant "falls back to clear" prov/pmem/src/initiator/greeting.cc \
	's/if (key_ && !seals)/if (false)/; s/if (!asked && !key_)/if (!asked \&\& !seals)/' \
	'SealedProxy.SealCannotBeStripped*' 'FAILED'
mutant "the target's proof is not looked at" prov/pmem/src/initiator/greeting.cc \
	's/if (!sealing_.proven(Side::target, accepted.key_proof))/if (false)/' \
	'SealedProxy.EachBitOfTheProof*' 'FAILED'
mutant "what follows the offer in clear is executed" \
	prov/pmem/src/service/session.cc \
	's/return !key() || first.done + len == first.len;/return true;/' \
	SealedGreeting.NothingInClearFollowsTheOffer 'FAILED'
mutant "a region accepts every key" prov/pmem/src/service/region_table.cc \
	's/std::find(ids.begin(), ids.end(), key->id()) !=/ids.begin() !=/' \
	'*/SealedAccess.*' 'FAILED'
mutant "a region goes on accepting a key" prov/pmem/src/service/region_table.cc \
	's/^\tids.erase(found);//' 'SealedPlane.RegionRefuses*' 'FAILED'
mutant "Resolve asks for no key" prov/pmem/src/service/session.cc \
	's/Failure failure = table_->admit(request.token, key(), &region);/Failure failure; region = table_->find(request.token);/' \
	'*/SealedAccess.Resolve*' 'FAILED'
mutant "Flush asks for no key" prov/pmem/src/service/executor.cc \
	'/^Failure Executor::flush/,/^}/s/Failure failure = admit(range, wire::kRemoteWrite, &region);/Failure failure; region = table_->find(range.token);/' \
	'*/SealedAccess.Flush*' 'FAILED'
mutant "Announce asks for no key" prov/pmem/src/service/executor.cc \
	'/^Failure Executor::announced_length/,/^}/s/Failure failure = admit(range, wire::kRemoteWrite, &region);/Failure failure;/' \
	'*/SealedAccess.Announce*' 'FAILED'
mutant "Read asks for no key" prov/pmem/src/service/executor.cc \
	'/^Failure Executor::read/,/^}/s/^\tif (failure)$/\tregion = table_->find(request.token); if (!region)/' \
	'*/SealedAccess.Read*' 'FAILED'
mutant "Atomic asks for no key" prov/pmem/src/service/executor.cc \
	'/^Failure Executor::check(const AtomicRequest/,/^}/s/^\t\tif (failure)$/\t\tif (!region)/' \
	'*/SealedAccess.Atomic*' 'FAILED'
mutant "Verify asks for no key" prov/pmem/src/service/verifier.cc \
	's/Failure failure = table_->admit(range.token, key_, &region);/Failure failure; region = table_->find(range.token);/; s/failure_ = table_->admit(range.token, key_, &region);/region = table_->find(range.token);/' \
	'*/SealedAccess.Digest*' 'FAILED'
mutant "a sealed region is registered for remote access" \
	prov/pmem/src/app/mr.cc 's/below.access &= .*/;/' \
	'SealExtension.SealedRegion*' 'FAILED'
mutant "one-sided access to a sealed region" prov/pmem/src/initiator/channel.cc \
	's/info.one_sided = false;/;/' 'SealedNic.OneSided*' 'FAILED'
mutant "remote CQ data in clear" prov/pmem/src/initiator/channel_table.cc \
	's/if (channel->key() && (!params().seal_cq_data ||/if (false \&\& (/' \
	'SealExtension.RemoteCqData*' 'FAILED'
mutant "a new key overtakes the old one" prov/pmem/src/initiator/channel_choice.cc \
	's/ret = leave(route.channel);/ret = 0;/' \
	'SealedPlane.WhatIsUnderWay*' 'FAILED'
mutant "what has failed under a removed key is executed later" \
	prov/pmem/src/initiator/channel.cc 's/owner_->ended(\*this);/;/' \
	'SealedThreads.WhatHasFailed*' 'FAILED'
mutant "a fence holds its own channel only" \
	prov/pmem/src/initiator/channel_table.cc \
	's/ || fenced_elsewhere(peer, channel))/)/' \
	'SealedPlane.WhatFollowsAFence*' 'FAILED'
mutant "the order is forgotten with another key" \
	prov/pmem/src/initiator/channel_choice.cc \
	's/forget_routes(channel);/routes_.clear();/' \
	'SealedPlane.RemovalOfAnotherKey*' 'FAILED'
mutant "regions know removed keys" prov/pmem/src/bridge/persistence.cc \
	's/regions_.forget_key(id);/;/' 'SealExtension.RemovedKey*' 'FAILED'
exit "$missed"
