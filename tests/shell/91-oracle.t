#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# modseal-verify says of odd modules what kernels were seen to do with them, of every one.
set -u
cd "$(dirname "$0")/../.." || exit 1

report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT

BUILD=${BUILD:-build} test-vm/oracle > "$report"

tables=ok
test-vm/compatibility --check || tables='not ok'

awk -v "tables=$tables" '
	$1 == "ok" || $1 == "NOT" {
		n++
		printf "%s %d - %s\n", $1 == "ok" ? "ok" : "not ok", n, $2
		next
	}
	$1 == "SKIPPED" {
		n++
		printf "ok %d - modules of kernel %s # SKIP it cannot be fetched\n", n, $2
		print "# " $0
	}
	/^ / { print "#" $0 }
	END {
		print tables " " ++n " - docs/TEST-VM.md has the tables of the record"
		if (n > 1)
			print "1.." n
		else
			print "1..2\nnot ok 2 - the verifier could be asked"
	}
' "$report"
