#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A request with an Idempotency-Key is done once, whatever happens in between.
. "$(dirname "$0")/lib.sh"

agent_start
agent_config '/^key = /a content = digest'
signed() { records "SELECT count(*) FROM audit WHERE event = 'sign'"; }
call() { # KEY FILE [OPTION...]
	local key=$1 file=$2
	shift 2
	curl -sS --max-time 60 -w '\n%{http_code}\n' --unix-socket "$T/a/agent.sock" \
		-H "Idempotency-Key: $key" --data-binary "@$T/$file" "$@" \
		http://modseal/v1/keys/dev/sign-digests
}
code() { head -n1 <<<"$OUT" | jq -r .code; }
batch() { # NAME COUNT
	jq -nc --argjson n "$2" '{hash: "sha256", items: [range($n) |
		{name: "x\(.)", digest: ("a" * (64 - (tostring | length)) + tostring)}]}' >"$T/$1"
}
batch one 3
batch two 4

ok 'the first time' call k-1 one
first=$OUT
is "$(tail -n1 <<<"$OUT")" 200 'it is signed'
is "$(signed)" 3 'three signatures'
ok 'the second time' call k-1 one
is "$OUT" "$first" 'the same answer, byte for byte'
is "$(signed)" 3 'and nothing more is signed'
ok 'another request with this key' call k-1 two
is "$(tail -n1 <<<"$OUT") $(code)" '409 request-key-reused' 'is refused'
ok 'another key' call k-2 one
is "$(signed)" 6 'is another request'
: >"$T/empty"
ok 'a bad request' call k-3 empty
is "$(tail -n1 <<<"$OUT")" 400 'does not use its key up'
ok 'so it may be used' call k-3 one
is "$(tail -n1 <<<"$OUT")" 200 'for a good one'
ok 'a key that is none' call 'k 3' one
is "$(tail -n1 <<<"$OUT")" 400 'is refused'

dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
ok 'after a restart' call k-1 one
is "$(tail -n1 <<<"$OUT") $(code)" '409 request-repeated' 'it is known, and not signed again'
is "$(signed)" 9 'nothing more is signed'

# Killed while it works: whatever it has signed by then, it is not done twice.
batch many 4000
before=$(signed)
begun() { [ "$(records "SELECT count(*) FROM audit WHERE event = 'request'")" -ge 4 ]; }
call k-4 many >"$T/out" 2>&1 &
client=$!
wait_for 20 begun || diag 'the request was not begun in 20 s'
kill -9 "$(agent_process front)"
wait "$client"
wait_for 20 agent_alive && pass 'the front is killed, and comes back' ||
	fail 'the front is killed, and comes back'
after=$(signed)
ok 'the request again' call k-4 many
if [ "$(tail -n1 "$T/out")" = 200 ]; then
	diag 'it was done before the kill'
fi
is "$(tail -n1 <<<"$OUT")" 409 'is refused'
is "$(signed)" "$after" 'and nothing more is signed'
[ $((after - before)) -le 4000 ] && pass 'none was signed twice' || fail 'none was signed twice'
is "$(records "SELECT count(*) FROM (SELECT record FROM audit WHERE event = 'sign' AND
	seq > (SELECT max(seq) FROM audit WHERE event = 'request'))" | tail -n1)" \
	"$((after - before))" 'all of them after the note that the key is used'
done_testing
