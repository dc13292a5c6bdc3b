#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sign-digests: answers in order, one bad item does not spoil the others.
. "$(dirname "$0")/lib.sh"

agent_start
call() {
	curl -sS --max-time 60 -w '\n%{http_code}\n' --unix-socket "$T/a/agent.sock" \
		--data-binary @- "http://modseal/v1/keys/dev/sign-digests"
}

for i in 1 2 3; do make_module "$T/m$i.ko" "m$i"; done
item() { # FILE: the item for it
	jq -nc --arg d "$(sha256sum "$1" | cut -d' ' -f1)" --arg n "${1##*/}" \
		'{name: $n, digest: $d, facts: {name: ($n | rtrimstr(".ko")),
		  vermagic: "6.1.0-1-amd64 SMP "}}'
}
batch() { jq -nc --slurpfile i <(cat) '{hash: "sha256", items: $i}'; }
items=$(item "$T/m1.ko"; echo '{"name":"bad","digest":"12"}'; item "$T/m2.ko"; item "$T/m3.ko")

call_file() { call <"$T/batch"; }
batch <<<"$items" >"$T/batch"
run call_file
is "$(jq -r '.items[0].error.code' <<<"$(head -n1 <<<"$OUT")")" content-required \
	'a rule asks for whole modules unless it says otherwise'
is "$(records "SELECT count(*) FROM audit WHERE event = 'sign'")" 0 'and nothing is signed'

agent_config '/^key = /a content = digest'
modseal key cert dev >"$T/dev.pem"

run call_file
answer=$(head -n1 <<<"$OUT")
is "$(tail -n1 <<<"$OUT")" 200 'a batch with one bad item is answered'
is "$(jq -r '[.items[] | has("signature")] | tostring' <<<"$answer")" '[true,false,true,true]' \
	'one bad item does not spoil the others'
is "$(jq -r '.items[1].error.code' <<<"$answer")" bad-digest 'and has its own error'
for i in 1 2 3; do
	n=$((i == 1 ? 0 : i))
	jq -r ".items[$n].signature" <<<"$answer" | base64 -d >"$T/m$i.p7s"
	is "$(jq -r ".items[$n].digest" <<<"$answer")" "$(sha256sum "$T/m$i.ko" | cut -d' ' -f1)" \
		"item $n answers for its digest"
	ok "item $n is a signature of it" openssl cms -verify -inform DER -in "$T/m$i.p7s" \
		-content "$T/m$i.ko" -binary -nointern -certfile "$T/dev.pem" \
		-CAfile "$T/dev.pem" -purpose any -out /dev/null
done
is "$(records "SELECT record FROM audit WHERE event = 'sign' LIMIT 1" | jq -r .facts)" claimed \
	'the record says that the facts are claims'

refused() { # NAME CODE JSON
	printf '%s' "$3" >"$T/batch"
	run call_file
	is "$(head -n1 <<<"$OUT" | jq -r .code)" "$2" "$1"
}
refused 'no items' bad-request '{"hash":"sha256","items":[]}'
refused 'not JSON' bad-request '{"hash":'
refused 'empty' bad-request ''
refused 'a key twice' bad-request '{"hash":"sha256","hash":"sha512","items":[{}]}'
refused 'something unknown' bad-request '{"hash":"sha256","items":[{}],"extra":1}'
refused 'a weak hash' hash-not-allowed '{"hash":"sha1","items":[{"digest":"00"}]}'
refused 'deep JSON' bad-request "$(printf '[%.0s' $(seq 5000))"

jq -nc '{hash: "sha256", items: [range(10001) | {digest: "00"}]}' >"$T/batch"
run call_file
is "$(tail -n1 <<<"$OUT")" 400 'more than 10,000 items are refused'
jq -nc '{hash: "sha256", items: [range(300) |
	{name: "x\(.)", digest: ("0" * (64 - (tostring | length)) + tostring)}]}' >"$T/batch"
run call_file
is "$(head -n1 <<<"$OUT" | jq '[.items[] | select(.signature)] | length')" 300 'a large batch'
is "$(head -n1 <<<"$OUT" | jq -r '[.items[].digest] == ([.items[].digest] | sort)')" true \
	'is answered in order'
# Somebody whom no rule is about: one refusal, one record, however many digests.
dev-agent agent-stop "$T/a"
sed -i -e '/^\[rule dev\]/,$d' -e 's/^admins *=.*/admins = uid:4242/' "$T/a/modseald.conf"
dev-agent agent-start "$T/a"
before=$(records 'SELECT max(seq) FROM audit')
run call_file
is "$(tail -n1 <<<"$OUT")" 403 'a stranger is refused as a whole'
is "$(records "SELECT count(*) FROM audit WHERE seq > $before AND event = 'refuse'")" 1 \
	'with one record'

# A state directory that is a symlink is followed once, at the start.
dev-agent agent-stop "$T/a"
mv "$T/a/state" "$T/elsewhere"
ln -s "$T/elsewhere" "$T/a/state"
ok 'a symlinked state directory' dev-agent agent-start "$T/a"
agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'
done_testing
