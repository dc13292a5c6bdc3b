#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# modseal-verify says of odd modules what kernels were seen to do with them. The cases in
# tests/data/verifier-disagrees are known not to agree yet: they are TODO, all others count.
set -u
cd "$(dirname "$0")/../.." || exit 1

report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT

BUILD=${BUILD:-build} test-vm/oracle > "$report"

tables=ok
test-vm/compatibility --check || tables='not ok'

awk -v "tables=$tables" '
	NR == FNR {
		if ($1 !~ /^#/)
			known[$1] = 1
		next
	}
	$1 == "ok" || $1 == "NOT" {
		n++
		printf "%s %d - %s%s\n", $1 == "ok" ? "ok" : "not ok", n, $2,
			$2 in known ? " # TODO the verifier has it differently" : ""
		next
	}
	/^ / { print "#" $0 }
	END {
		print tables " " ++n " - docs/TEST-VM.md has the tables of the record"
		if (n > 1)
			print "1.." n
		else
			print "1..2\nnot ok 2 - the verifier could be asked"
	}
' tests/data/verifier-disagrees "$report"
