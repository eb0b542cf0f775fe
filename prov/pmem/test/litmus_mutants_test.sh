#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# For each guarantee a mistake that breaks it: the litmus tests, on the weak NIC,
# must find each of them, by a state that is forbidden.

set -u
program=unit_tests
found_by='*/Litmus.*'
words='completed (last'
export LITMUS_SEEDS=${LITMUS_MUTANT_SEEDS:-100}
. "${srcdir:-.}/util/mutants.sh"

mutant "no drain" prov/pmem/src/target/executor.cc \
	's/region ? region->drain() : kUnknownKey/region ? Failure{} : kUnknownKey/'
mutant "the pointer is stored before the drain" prov/pmem/src/target/session.cc \
	'/^Failure Session::fence/,/^}/s/^\t\(complete_pending\|executor_.drain\)();//'
mutant "what follows a fence is stored before its drain" prov/pmem/src/target/session.cc \
	's/header.operation == fenced_operation_/false/'
mutant "acknowledged at the start of the batch" prov/pmem/src/target/session.cc \
	's/bool needs_drain = .*/bool needs_drain = false;/'
mutant "the service flushes one line too little" prov/pmem/src/target/executor.cc \
	's/region->flush(range.offset, range.length)/region->flush(range.offset, range.length > 64 ? range.length - 64 : 0)/'
mutant "FLUSH of 0 bytes" prov/pmem/src/plane/channel_one_sided.cc \
	'/^void Channel::plan_settling/,/^}/s/range.length));/0));/'
mutant "the drain flushes 0 bytes" prov/pmem/src/plane/channel_flush.cc \
	's/range.offset + drain_.offset, part);/range.offset + drain_.offset, 0);/'
mutant "a write is forgotten" prov/pmem/src/plane/channel_one_sided.cc \
	's/nic_dirty_.add(range) && noted/noted/'
mutant "SEND after FLUSH" prov/pmem/src/plane/channel_post.cc \
	'/^bool Channel::must_wait_for_nic/,/^}/s/^{/{ return false;/'
mutant "inline, then WRITE" prov/pmem/src/plane/channel_post.cc \
	'/^bool Channel::overtakes_request/,/^}/s/^{/{ return false;/'
mutant "ATOMIC WRITE before what the service has" prov/pmem/src/plane/channel_one_sided.cc \
	's/all_answered() && !requested_ &&/true \&\&/; s/dirty_.empty() && !spilled_;/true;/'
mutant "FLUSH of what the CPU stored" prov/pmem/src/plane/channel_flush.cc \
	's/dirty_.overlaps(with_neighbors(range)) ||/false ||/'
mutant "FLUSH beside the service's own" prov/pmem/src/plane/channel_flush.cc \
	's/fences_ || service_flushes()/fences_/'
mutant "FLUSH on another queue pair" prov/pmem/test/fake_nic.cc \
	'/case OneSided::Kind::flush_persistent:/,/break;/s/place_all(link);//'
mutant "the CPU stores where a FLUSH is on its way" prov/pmem/src/plane/channel_post.cc \
	's/nic_chains_ && spoils_flush(op)/false/' \
	OneSidedPosting.RequestsWaitForAFlushOfTheirLine 'FAILED'
mutant "flush of a region beside a drain" prov/pmem/src/plane/channel_post.cc \
	's/^\t\treturn nic_chains_;/\t\treturn false;/' \
	OneSidedPosting.FlushOfARegionWaitsForADrain 'FAILED'
mutant "verification beside a FLUSH" prov/pmem/src/plane/channel_post.cc \
	's/op.verifies || op.checks_earlier()/op.checks_earlier()/' \
	OneSidedPosting.VerificationWaitsForAFlushUnderWay 'FAILED'
mutant "flush and comparison beside a FLUSH" prov/pmem/src/plane/channel_post.cc \
	's/op.verifies || op.checks_earlier()/op.verifies/' \
	Checked.ComparisonWaitsForAFlushUnderWay 'FAILED'
mutant "a checked commit by FLUSH" prov/pmem/src/plane/channel_one_sided.cc \
	'/^void Channel::plan_settling/,/^}/s/ || op.checks_itself()//' \
	'*CheckedMethods.CommitsOfEverySize*' 'FAILED'
mutant "a pointer to what is bad" prov/pmem/src/plane/channel_post.cc \
	's/ || !post_comparison(op, op->earlier_blocks)//' \
	'*CheckedMethods.NothingIsStoredBehindABadBlock*' 'FAILED'
mutant "changed bytes are expected as they were" prov/pmem/src/plane/channel_verify.cc \
	's/expected_.forget(op->ranges\[i\])/static_cast<void>(0)/' \
	'Checked.ALaterWriteVoids*' 'FAILED'
mutant "what was not compared is forgotten with the connection" prov/pmem/src/plane/channel.cc \
	's/ || expects())/)/' \
	'Checked.WhatWasNotCompared*' 'FAILED'
mutant "hash of the mapping" prov/pmem/src/persist/powerfail_backend.cc \
	'/^int PowerfailBackend::read_back/,/^}/s/load_durable(/load(/' \
	ReadBack.OfTheSimulationIsWhatIsDurable 'FAILED'
mutant "digest before the drain" prov/pmem/src/target/session.cc \
	'/^bool Session::execute_verify/,/^}/s/^\tcomplete_pending();//' \
	VerifyService.ReadsWhatTheCommitBeforeItMadeDurable 'FAILED'
mutant "8 bytes by memcpy" prov/pmem/src/persist/pmem2_backend.cc \
	's/if (store_integer(.*))$/if (false)/' \
	Pmem2BackendTest.AlignedIntegersAreFlushedAsOneStore 'FAILED'
mutant "a file is volatile when descriptors run out" prov/pmem/src/persist/mapping.cc \
	's/^\tresult->known = false;/\tresult->forcible = true;/' \
	FactoryTest.FileIsNeverVolatileForWantOfDescriptors 'FAILED'
mutant "only the first region of a file is poisoned" prov/pmem/src/persist/shared_file.cc \
	's/^\t\t\tfailure_ = ret;/\t\t\treturn ret;/' \
	SharedFileTest.FailsInAllItsRegionsWhoeverWasTold 'FAILED'
exit "$missed"
