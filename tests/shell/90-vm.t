#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A stock Debian kernel under Secure Boot judges the modules: one test for each case.
set -u
cd "$(dirname "$0")/../.." || exit 1

report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT

# Not through make, which might build anew while other tests use what is built.
BUILD=${BUILD:-build} test-vm/run --json > "$report"
status=$?

python3 - "$report" "$status" << 'EOF'
import json
import sys

path, status = sys.argv[1], int(sys.argv[2])
with open(path) as file:
    text = file.read()
try:
    report = json.loads(text)
except ValueError:
    print("1..1\nnot ok 1 - the kernel could be asked")
    sys.exit()
cases = [case for boot in report["boots"] for case in boot["cases"]]
print("1..%d" % (len(cases) + 1))
print("%s 1 - the exit status of test-vm/run says the same" % (
    "ok" if (status == 0) == all(case["agrees"] for case in cases) else "not ok"))
for number, case in enumerate(cases, 2):
    print("%s %d - %s: %s" % (
        "ok" if case["agrees"] else "not ok", number, case["name"], case["what"]))
    if not case["agrees"]:
        print("# expected %(expected)s, the kernel says %(kernel)s %(said)s" % case)
EOF
