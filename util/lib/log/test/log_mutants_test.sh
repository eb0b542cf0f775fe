#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Each promise of the log has a mistake that breaks it, which its tests must find.

set -u
program=log_tests
found_by='*Crash.*'
words='[  FAILED  ]'
export LOG_CRASHES=${LOG_MUTANT_CRASHES:-1000}
. "${srcdir:-.}/util/scripts/mutants.sh"

mutant "the pointer is not behind its record" util/lib/log/remote.cc \
	's/FI_COMPLETION | FI_FENCE |/FI_COMPLETION |/'
mutant "the pointer counts when it has left" util/lib/log/writer.cc \
	's/^\t\tif (!pointer.write.done)/\t\tif (false)/'
mutant "later commits stand for earlier ones" util/lib/log/writer.cc \
	's/append_at(first_uncommitted_).done())/(append_at(first_uncommitted_).done() || append_at(first_unposted_ - 1).done()))/'
mutant "space is free before the head is durable" util/lib/log/writer.cc \
	's/^\tretiring_ = !ret;/&\n\tif (!ret) control_.head = position;/'
mutant "records behind the pointer are retired" util/lib/log/writer.cc \
	's/retiring_ || position > control_.pointer/retiring_ || position > acknowledged()/'
mutant "recovery does not look behind the pointer" util/lib/log/recovery.cc \
	's/ret = adopt(end);/ret = 0;/'
mutant "recovery leaves what it adopts as it is" util/lib/log/recovery.cc \
	's/int ret = copy_back(.*);/int ret = 0;/'
mutant "recovery takes what it sees for durable" util/lib/log/recovery.cc \
	's/ret = remote.store_control_again(control_);/ret = 0;/' \
	Log.AnOpenLogIsDurableItself
mutant "a buffer is used again too early" util/lib/log/writer.cc \
	's/append_at(oldest_).end <= acknowledged()/append_at(oldest_).posted/'
mutant "the record's checksum" util/lib/log/layout.cc \
	's/return header->checksum == checksum_of(header, id);/return id || header;/'
mutant "writers have no number" util/lib/log/recovery.cc \
	's/control_.epoch + 1/control_.epoch/; s/control_.epoch++/control_.epoch/' \
	Log.AnEarlierWritersRecordsDoNotComeBack
mutant "logs have no number" util/lib/log/layout.cc \
	's/header->len, id);/header->len, 0);/' \
	Log.ANewLogHasNoneOfTheOldRecords
exit "$missed"
