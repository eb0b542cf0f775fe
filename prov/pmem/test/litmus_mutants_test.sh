#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Each guarantee has a mistake that breaks it. The litmus tests, on the weak NIC,
# must find each of these mistakes through a forbidden state.

set -u
program=unit_tests
found_by='*/Litmus.*'
words='completed (last'
export LITMUS_SEEDS=${LITMUS_MUTANT_SEEDS:-100}
. "${srcdir:-.}/util/scripts/mutants.sh"

mutant "no drain" prov/pmem/src/service/drain.cc \
	's/^\tnote(token, region->begin_drain(commits, &pending));//'
mutant "the pointer is stored before the drain" prov/pmem/src/service/session.cc \
	's/^\treturn (header.flags & wire::kFence) ||$/\treturn/'
mutant "what follows a fence is stored before its drain" prov/pmem/src/service/session.cc \
	's/header.operation == fenced_operation_/false/'
mutant "acknowledged at the start of the batch" prov/pmem/src/service/session.cc \
	's/bool needs_drain = .*/bool needs_drain = false;/'
mutant "the service flushes one line too little" prov/pmem/src/service/executor.cc \
	's/region->flush(range.offset, range.length)/region->flush(range.offset, range.length > 64 ? range.length - 64 : 0)/'
mutant "FLUSH of 0 bytes" prov/pmem/src/initiator/settling.cc \
	's/region.operation(kind, range->offset, part);/region.operation(kind, range->offset, 0);/'
mutant "no READ behind the writes" prov/pmem/src/initiator/settling.cc \
	's/flushes->read = &region;//'
mutant "the drain only makes visible" prov/pmem/src/initiator/flusher.cc \
	'/^size_t Flusher::next_flushes/,/^}/s/flush_persistent/flush_visible/'
mutant "a write is forgotten" prov/pmem/src/initiator/flusher.cc \
	's/dirty_->add_nic(ranges\[i\]) && noted/noted/'
mutant "SEND after FLUSH" prov/pmem/src/initiator/order.cc \
	'/^bool Order::nic_delays/,/^}/s/^{/{ return false;/'
mutant "inline, then WRITE" prov/pmem/src/initiator/request_window.cc \
	'/^bool RequestWindow::overtaken_by/,/^}/s/^{/{ return false;/'
mutant "ATOMIC WRITE before what the service has" prov/pmem/src/initiator/order.cc \
	's/window_->all_answered() && !dirty_->requested() &&/true \&\&/; s/!dirty_->owes_service();/true;/'
mutant "FLUSH of what the CPU stored" prov/pmem/src/initiator/flusher.cc \
	's/dirty_->service().overlaps(with_neighbors(range)) ||/false ||/'
mutant "FLUSH beside the service's own" prov/pmem/src/initiator/flusher.cc \
	's/window_->flushes() ||/false ||/; s/dirty_->flushed_early())/false)/'
mutant "FLUSH on another queue pair" prov/pmem/test/fake/fake_nic.cc \
	'/case OneSided::Kind::flush_persistent:/,/break;/s/place_all(link);//'
mutant "the CPU stores where a FLUSH is on its way" prov/pmem/src/initiator/order.cc \
	's/nic_->is_spoiled_by(op) ||/false ||/' \
	Drains.RequestsWaitForAFlushOfTheirLine 'FAILED'
mutant "flush of a region beside a drain" prov/pmem/src/initiator/order.cc \
	's/(request && op.is_flush_of(FlushScope::regions))/false/' \
	Drains.FlushOfARegionWaitsForADrain 'FAILED'
mutant "verification beside a FLUSH" prov/pmem/src/initiator/order.cc \
	's/op.is(OpKind::verify) || op.checks_earlier()/op.checks_earlier()/' \
	Drains.VerificationWaitsForAFlushUnderWay 'FAILED'
mutant "flush and comparison beside a FLUSH" prov/pmem/src/initiator/order.cc \
	's/op.is(OpKind::verify) || op.checks_earlier()/op.is(OpKind::verify)/' \
	Checked.ComparisonWaitsForAFlushUnderWay 'FAILED'
mutant "a checked commit by FLUSH" prov/pmem/src/initiator/plan.cc \
	's/ && !op.checks_itself())/)/' \
	'*CheckedMethods.CommitsOfEverySize*' 'FAILED'
mutant "a pointer to what is bad" prov/pmem/src/initiator/poster.cc \
	's/op, op->checks.earlier_blocks) == Posted::no/op, 0) == Posted::no/' \
	'*CheckedMethods.NothingIsStoredBehindABadBlock*' 'FAILED'
mutant "changed bytes are expected as they were" prov/pmem/src/initiator/verification.cc \
	's/expected_.forget(op->ranges\[i\])/static_cast<void>(0)/' \
	'Checked.ALaterWriteVoids*' 'FAILED'
mutant "what was not compared is forgotten with the connection" prov/pmem/src/initiator/channel.cc \
	's/ || lost->verification.expects();/;/' \
	'Checked.WhatWasNotCompared*' 'FAILED'
mutant "hash of the mapping" prov/pmem/src/persist/powerfail_backend.cc \
	'/^int PowerfailBackend::read_back/,/^}/s/load_durable(/load(/' \
	ReadBack.OfTheSimulationIsWhatIsDurable 'FAILED'
mutant "digest before the drain" prov/pmem/src/service/session.cc \
	's/header.type == wire::Type::verify ||/false ||/' \
	VerifyService.ReadsWhatTheCommitBeforeItMadeDurable 'FAILED'
mutant "8 bytes by memcpy" prov/pmem/src/persist/pmem2_backend.cc \
	's/if (store_integer(.*))$/if (false)/' \
	Pmem2BackendTest.AlignedIntegersAreFlushedAsOneStore 'FAILED'
mutant "a file is volatile when descriptors run out" prov/pmem/src/persist/mapping.cc \
	's/^\tresult->known = false;/\tresult->forcible = true;/' \
	FactoryTest.FileIsNeverVolatileForWantOfDescriptors 'FAILED'
mutant "only the first region of a file is poisoned" prov/pmem/src/persist/device_sync.cc \
	's/^\t\tfailure_ = ret;/\t\treturn;/' \
	SharedFileTest.FailsInAllItsRegionsWhoeverWasTold 'FAILED'
# Syncs that run beside the service.
mutant "a commit that is stored during a sync counts as covered" \
	prov/pmem/src/persist/device_sync.cc 's/^\tdone_ = covered;/\tdone_ = asked_;/' \
	GroupSync.CoversWhatWasStoredBeforeItBeganAndNothingElse 'FAILED'
mutant "a drain that has not ended is answered" prov/pmem/src/service/drain.cc \
	's/return one.drain.ended();/return true;/' \
	GroupSync.CoversWhatWasStoredBeforeItBeganAndNothingElse 'FAILED'
mutant "only the region of the commit is poisoned" \
	prov/pmem/src/service/service_thread.cc \
	's/^\t\tcommon_.table->share_failures();/\t\t;/' \
	GroupSync.ThatFailsFailsAllItCoversAndPoisonsTheFile 'FAILED'
mutant "a long write is received behind a parked fence" \
	prov/pmem/src/service/session.cc \
	's/^\treturn (header.flags & wire::kFence) ||$/\treturn/' \
	GroupSyncOfLongWrites.LeavesThemInTheSocketBehindAFence 'FAILED'
mutant "who waits for a sync counts as silent" prov/pmem/src/service/session.cc \
	's/ || waits_) {/) {/' \
	GroupSyncOfLongWrites.LeavesThemInTheSocketBehindAFence 'FAILED'
mutant "the ledger takes what is flushed during a sync for drained" \
	prov/pmem/src/persist/flush_ledger.cc \
	'/^void FlushLedger::end_drain/,/^}/s/^{/{ pending_.clear();/' \
	FlushLedger.ADrainThatLastsEndsWhatWasFlushedBeforeIt 'FAILED'
mutant "who waits for less takes back what another waits for" \
	prov/pmem/src/service/sync_threads.cc \
	's/std::max(same->ticket, drain.ticket)/drain.ticket/' \
	SyncThreads.SyncForAllOfAFileWhenOneRegionWaitsForLess 'FAILED'
# Threads of the service beside each other.
mutant "a channel begins beside the one that it replaces" \
	prov/pmem/src/service/service_thread.cc \
	'/^void ServiceThread::silence_superseded/,/^}/s/SharedLock guard.*;/;/' \
	ReplacedChannel.HasEndedWhatItExecutesBeforeTheOtherBegins 'FAILED'
mutant "a channel that is replaced goes on" \
	prov/pmem/src/service/service_thread.cc \
	's/session->admission()->superseded()/false/; s/inbox_.note_superseded();/;/' \
	ReplacedChannel.ExecutesNothingMore 'FAILED'
mutant "a region is removed while it is written" \
	prov/pmem/src/service/region_table.cc \
	'/RegionTable::remove/,/^}/s/ExclusiveLock guard(lock_)/SharedLock guard(lock_, 0)/' \
	ServiceThreads.FinishWithARegionBeforeItIsRemoved 'Failure'
mutant "atomics beside each other" prov/pmem/src/service/executor.cc \
	's/^\tMutexLock guard(table_->atomics());//' \
	ServiceThreads.AtomicsOfAllAddUp 'FAILED'
# Writes that are stored while they arrive over a socket.
mutant "a long write is answered before it is there" prov/pmem/src/service/arrival.cc \
	's/return State::waits;/return State::complete;/' \
	LongWrite.IsStoredAsItArrivesAndAnsweredWhenItIsDurable 'FAILED'
mutant "a long write is not flushed" prov/pmem/src/service/payload.cc \
	's/static_cast<size_t>(got), flush);/static_cast<size_t>(got), false);/' \
	LongWrite.IsStoredAsItArrivesAndAnsweredWhenItIsDurable 'FAILED'
mutant "a long write is drained before it is there" prov/pmem/src/service/executor.cc \
	'/^ssize_t Executor::receive/,/^}/s/^\t\twill_drain(request.token);/\t\tif (!done) will_drain(request.token);/' \
	LongWrite.BehindACommitIsDrainedWhenItIsThere 'FAILED'
mutant "a long write overtakes a verification" prov/pmem/src/service/session.cc \
	's/!verifier_ && !arrival_ &&/!arrival_ \&\&/' \
	LongWrite.BehindAVerificationStaysInTheSocket 'FAILED'
mutant "a closed region is stored to" prov/pmem/src/service/executor.cc \
	'/^ssize_t Executor::receive/,/^}/{s/TargetRegion \*region = nullptr;/static TargetRegion *region;/; s/if (!failed_before)$/if (!failed_before \&\& !done)/}' \
	LongWrite.ToARegionThatIsClosedMeanwhileTouchesNothingMore 'FAILED'
mutant "bytes behind a failed store are stored" prov/pmem/src/service/payload.cc \
	's/if (got > 0 && !\*failure)$/if (got > 0 \&\& region)/' \
	LongWrite.ThatIsRefusedIsReadToItsEnd 'Failure'
mutant "an answer to what is not sent yet" prov/pmem/src/initiator/request_window.cc \
	's/connection_->link().sent_bytes() < at(sequence).end/false/' \
	LongWrite.AnsweredBeforeItIsSentIsALie 'FAILED'
# What is flushed early, because the table of it is full.
mutant "what was flushed early is not drained" prov/pmem/src/service/executor.cc \
	'/^Failure Executor::flush/,/^}/s/will_drain(range.token);/if (request.header.flags \& wire::kCommit) will_drain(range.token);/' \
	EarlyFlush.IsDrainedThoughTheDrainNamesNothingOfThatRegion 'FAILED'
mutant "an early flush that fails is forgotten" prov/pmem/src/service/executor.cc \
	'/^Failure Executor::flush/,/^}/s/return remember(first);/return first;/' \
	EarlyFlush.OfAClosedRegionFailsTheNextDrain 'FAILED'
mutant "a range written again after its early flush is forgotten" \
	prov/pmem/src/initiator/flusher.cc \
	'/^Posted Flusher::remember/,/^}/{s/^\tsize_t early =/\tbool added = dirty_->add_service(ranges, count); size_t early =/; s/return Posted{.*/return Posted{added};/}' \
	EarlyFlush.DoesNotCoverWhatIsWrittenAgain 'FAILED'
mutant "an early flush between the ranges of one write" \
	prov/pmem/src/initiator/flusher.cc \
	'/^Posted Flusher::note/,/^}/s/remember(by_service, service_count) ==/remember(by_service, service_count > 0) == Posted::no || remember(by_service + 1, service_count - (service_count > 0)) ==/' \
	EarlyFlush.ComesBeforeAllRangesOfAnOperation 'FAILED'
mutant "the NIC forgets what it should flush early" prov/pmem/src/initiator/flusher.cc \
	'/^void Flusher::flush_early_by_nic/,/^}/s/int ret = .*/int ret = 0;/' \
	'EarlyFlushByNic.*WeakNic' 'FAILED'
exit "$missed"
