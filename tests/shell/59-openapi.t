#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/openapi.yaml describes what is served: the same routes, answers as its schemas say.
. "$(dirname "$0")/lib.sh"

python3 -c 'import yaml, jsonschema' 2>/dev/null || skip_all 'no python3-yaml, python3-jsonschema'
check=$TOP/tests/tools/openapi-check.py
ok 'every route is described, and every description served' \
	python3 "$check" routes docs/openapi.yaml signer/agent/web.c
grep -v '"/readyz"' signer/agent/web.c >"$T/less.c"
fails 1 'one that is not served is seen' python3 "$check" routes docs/openapi.yaml "$T/less.c"
like "$OUT" 'described, not served: GET /readyz' 'and named'

agent_start
make_module "$T/m.ko"
ok 'answers are as described' python3 "$check" live docs/openapi.yaml "$T/a/agent.sock" "$T/m.ko"
done_testing
