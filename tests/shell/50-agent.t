#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The agent over plain HTTP: routes, identities, refusals, records.
. "$(dirname "$0")/lib.sh"

agent_start
api() { # METHOD PATH [CURL ARGUMENTS]
	local method=$1 path=$2
	shift 2
	curl -sS --max-time 20 -X "$method" -w '\n%{http_code}\n' \
		--unix-socket "$T/a/agent.sock" "$@" "http://modseal$path"
}
status_of() { tail -n1 <<<"$1"; }
body_of() { head -n -1 <<<"$1"; }
records() { sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit $1"; }

make_module "$T/foo.ko" foo
uid=$(id -u)

run api GET /healthz
is "$(status_of "$OUT")" 200 'healthz answers'
run api GET /readyz
is "$(status_of "$OUT")" 200 'readyz: the TPM answers, the store works, keys are unsealed'
run api GET /v1/whoami
is "$(body_of "$OUT" | jq -r .identity)" "uid:$uid" 'whoami says who the kernel says it is'
is "$(body_of "$OUT" | jq -r .admin)" true 'and that it is an admin'
run api GET /v1/keys
is "$(body_of "$OUT" | jq -r '.keys[].name')" dev 'the inventory has the key'
run api GET /v1/keys/dev/certificate --output "$T/dev.der"
ok 'the certificate is DER' openssl x509 -inform DER -in "$T/dev.der" -noout
api GET '/v1/keys/dev/certificate?format=pem' >"$T/dev.pem"
ok 'or PEM' openssl x509 -in "$T/dev.pem" -noout

# Refusals: problem JSON with a stable code, or two lines of text.
run api GET /v1/nothing
is "$(status_of "$OUT")" 404 'an unknown path is 404'
run api GET /v1/keys/dev/sign
is "$(status_of "$OUT")" 405 'a wrong method is 405'
run api GET '/v1/keys/..%2f..%2fetc'
is "$(status_of "$OUT")" 404 'a path is no way out of the key store'
run api POST '/v1/keys/nobody/sign?hash=sha256' --data-binary "@$T/foo.ko"
is "$(status_of "$OUT")" 404 'no such key'
is "$(body_of "$OUT" | jq -r .code)" no-such-key 'with a code'
like "$(body_of "$OUT" | jq -r .detail)" 'modseal key list' 'and what to do'
like "$(body_of "$OUT" | jq -r .request_id)" '^[0-9a-f]{32}$' 'and a request id'
run api POST '/v1/keys/dev/sign?hash=sha1' --data-binary "@$T/foo.ko"
is "$(status_of "$OUT")" 422 'SHA-1 is not signed'
is "$(body_of "$OUT" | jq -r .code)" hash-not-allowed 'and the code says why'
run api POST '/v1/keys/dev/sign?hash=sha256' --data-binary @/bin/sh -H 'Accept: text/plain'
is "$(head -n1 <<<"$OUT")" not-a-module 'a program is not a module, in plain text'
run api POST '/v1/keys/dev/sign'
is "$(body_of "$OUT" | jq -r .code)" empty 'nothing is not a module'
run api POST /v1/keys --data '{"name":"x","name":"y","algorithm":"p256"}'
is "$(status_of "$OUT")" 400 'a name given twice is refused'
run api POST /v1/keys --data '{"name":"../x","algorithm":"p256"}'
is "$(status_of "$OUT")" 422 'a name with a path is refused'
run api POST /v1/keys --data '{"name":"dev","algorithm":"p256"}'
is "$(status_of "$OUT")" 409 'an existing key is not made again'
run api POST /v1/keys --data '{"name":"x","algorithm":"rsa1024"}'
is "$(status_of "$OUT")" 422 'weak keys are not made'
for type in text/plain application/octet-stream multipart/form-data; do
	run api POST /v1/keys -H "Content-Type: $type" --data '{"name":"typed","algorithm":"p256"}'
	is "$(status_of "$OUT") $(body_of "$OUT" | jq -r .code)" '415 bad-content-type' \
		"JSON as $type is refused"
done
run api POST /v1/keys -H 'Content-Type: application/json; charset=utf-8' \
	--data '{"name":"typed","algorithm":"rsa1024"}'
is "$(status_of "$OUT")" 422 'and as application/json with a parameter taken'
run api POST /v1/keys --data '{"name":"x","algorithm":"p256","custody":"cloud"}'
is "$(status_of "$OUT")" 422 'an unknown custody is refused'

run api POST /v1/keys --data \
	'{"name":"x","algorithm":"p256","custody":"aaaaaaaaaaaaaaa\u00e4\u00e4"}'
is "$(body_of "$OUT" | jq -r .code)" unsupported 'a refusal that cuts what it quotes is JSON'
for field in '"pin":1234' '"pin":[]' '"pin":""' '"pin":"12\u000a"' '"pcrs":"none"' '"pcrs":[24]' \
	'"subject":7' '"days":4294967297'; do
	run api POST /v1/keys --data '{"name":"x","algorithm":"p256",'"$field}"
	is "$(status_of "$OUT")" 400 "no key with $field"
done
run api POST '/v1/keys/dev/sign?hash=%1b%ff' --data-binary "@$T/foo.ko"
is "$(body_of "$OUT" | jq -r .code)" hash-not-allowed 'a hash that is not text: problem JSON'
run api POST '/v1/keys/dev/sign?hash=%1b%ff' --data-binary "@$T/foo.ko" -H 'Accept: text/plain'
like "$OUT" 'hash \\x1b\\xff is not' 'and as text it is escaped'
for query in 'hash=sha256%00x' 'hash=sha256&hash=sha1'; do
	run api POST "/v1/keys/dev/sign?$query" --data-binary "@$T/foo.ko"
	is "$(status_of "$OUT")" 400 "a query that can be read in two ways: $query"
done

# A signature that any CMS tool can check, and its record.
ok 'the documented curl line signs' curl -sSf --unix-socket "$T/a/agent.sock" \
	--data-binary "@$T/foo.ko" -o "$T/foo.p7s" \
	'http://modseal/v1/keys/dev/sign?name=foo&hash=sha512'
ok 'openssl agrees with the signature' openssl cms -verify -inform DER -in "$T/foo.p7s" \
	-content "$T/foo.ko" -binary -nointern -certfile "$T/dev.pem" -CAfile "$T/dev.pem" \
	-purpose any -out /dev/null
records "WHERE event = 'sign' ORDER BY seq DESC LIMIT 1" >"$T/record"
is "$(jq -r .module.name "$T/record")" foo 'the record names the module'
is "$(jq -r .digest "$T/record")" "$(sha512sum "$T/foo.ko" | cut -d' ' -f1)" \
	'and the digest that was signed'
is "$(jq -r .identity "$T/record")" "uid:$uid" 'and who asked'
is "$(jq -r .rule "$T/record")" dev 'and the rule that allowed it'
is "$(records "WHERE event = 'refuse'" | jq -r .code | sort -u | tr '\n' ' ')" \
	'empty hash-not-allowed no-such-key not-a-module ' 'refusals are recorded'

# Default deny: without a rule nothing is signed and nothing is shown.
dev-agent agent-stop "$T/a"
sed -i -e '/^\[rule dev\]/,$d' -e 's/^admins *=.*/admins = uid:4242/' "$T/a/modseald.conf"
printf '[rule others]\nwho = uid:4242\nkey = *\n' >>"$T/a/modseald.conf"
dev-agent agent-start "$T/a"
run api POST '/v1/keys/dev/sign?name=foo' --data-binary "@$T/foo.ko"
is "$(status_of "$OUT")" 403 'no rule, no signature'
is "$(body_of "$OUT" | jq -r .code)" no-rule 'and the code says so'
unlike "$OUT" 4242 'nothing is said about the rules of others'
run api GET /v1/keys
is "$(body_of "$OUT" | jq -c '[.keys, .summary.keys]')" '[[],0]' 'keys of others are not listed'
run api GET /v1/keys/dev
is "$(status_of "$OUT")" 404 'nor shown'
run api POST /v1/keys --data '{"name":"mine","algorithm":"p256"}'
is "$(status_of "$OUT")" 403 'only admins make keys'
fails 1 'modseal sign fails' modseal sign --key dev "$T/foo.ko"
one_line "$ERR" 'with one sentence'
is "$(records "WHERE event = 'refuse' ORDER BY seq DESC LIMIT 1" | jq -r .code)" no-rule \
	'and the refusal is on record'

# A configuration that is wrong stops the start, in one sentence.
sed 's/^who/whoo/' "$T/a/modseald.conf" >"$T/bad.conf"
fails 1 'a misspelt key stops the agent' modseald -t -c "$T/bad.conf"
like "$ERR" "bad.conf:[0-9]+: .*whoo.*who" 'and the message has line and correction'
fails 1 'a second agent on the same state is refused' modseald -c "$T/a/modseald.conf"
one_line "$ERR" 'in one sentence'

# Others may not write where the keys are.
dev-agent agent-stop "$T/a"
for dir in state state/keys; do
	chmod 0770 "$T/a/$dir"
	fails 1 "others may write to $dir: refused" modseald -c "$T/a/modseald.conf"
	like "$ERR" "$dir can be written by others.*chmod go-w" 'and what to do'
	one_line "$ERR" 'in one sentence'
	chmod 0700 "$T/a/$dir"
done

done_testing
