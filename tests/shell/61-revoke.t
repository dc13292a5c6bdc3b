#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is revoked is not signed, and goes out as a signed list that modseal-verify reads.
. "$(dirname "$0")/lib.sh"

agent_start
make_module "$T/m.ko" demo 1.2 ABC
sum=$(sha256sum <"$T/m.ko" | cut -d' ' -f1)
modseal key create lists --alg p256 >/dev/null
modseal key create issuer --custody leaf >/dev/null
modseal key create other >/dev/null
for k in dev lists other issuer; do modseal key cert $k >"$T/$k.pem"; done
cp "$T/m.ko" "$T/good.ko"
ok 'signed before' modseal sign --key dev "$T/good.ko"

try() { # CODE-WORD KEY NAME: it is refused
	cp "$T/m.ko" "$T/try.ko"
	fails 1 "$3" modseal sign --key "$2" "$T/try.ko"
	like "$ERR" "$1" 'says why'
	same "$T/try.ko" "$T/m.ko" 'the file is as it was'
}
signs() { # KEY NAME
	cp "$T/m.ko" "$T/try.ko"
	ok "$2" modseal sign --key "$1" "$T/try.ko"
}
judge() { # FILE [OPTION...]: code of the first finding, or "trusted"
	modseal-verify verify --format jsonl --anchor "$T/dev.pem" --revocations "$@" \
		"$T/good.ko" >"$T/judged" 2>/dev/null
	jq -r '.policy | if .verdict == "trusted" then .verdict else .findings[0].code end' \
		"$T/judged"
}

# Lists.
ok 'an empty list' modseal revoke export --key lists --days 7 -o "$T/l0"
is "$(jq -c '[.version, .number, (.entries | length)]' "$T/l0")" '[1,1,0]' 'is number 1'
cms() { # LIST: openssl's verdict
	openssl cms -verify -binary -inform DER -in "$1.p7s" -content "$1" \
		-certfile "$T/lists.pem" -CAfile "$T/lists.pem" -purpose any -out /dev/null
}
ok 'openssl finds it good' cms "$T/l0"
is "$(($(date -ud "$(jq -r .expires "$T/l0")" +%s) - $(date -ud "$(jq -r .issued "$T/l0")" +%s)))" \
	$((7 * 86400)) 'it ends when it was asked to'

# Each kind: not signed by the agent, not trusted by the verifier.
ok 'a digest' modseal revoke add "$sum" --reason 'root kit'
try 'denied' dev 'is not signed'
ok 'a list' modseal revoke export --key lists -o "$T/l"
is "$(jq -c '[.number, .entries[0].digest, .entries[0].reason]' "$T/l")" \
	"[2,\"sha256:$sum\",\"root kit\"]" 'has it and a higher number'
ok 'openssl finds it good' cms "$T/l"
sed 's/root kit/no reason/' "$T/l" >"$T/l1"
cp "$T/l.p7s" "$T/l1.p7s"
fails 4 'changed, it does not' cms "$T/l1"
is "$(judge "$T/l")" revoked-module 'the verifier heeds it'
is "$(judge "$T/l0")" trusted 'and none without it'
ok 'withdrawn' modseal revoke withdraw "sha256:${sum^^}"
signs dev 'it is signed again'

fails 2 'what is no digest' modseal revoke add zzz
like "$ERR" 'zzz is not a digest: write sha256:HEX' 'is repeated'
fails 2 'nor one cut' modseal revoke add "sha256:${sum:2}"
fails 2 'nor of another length' modseal revoke withdraw "sha512:$sum"
ok 'a version' modseal revoke add --name demo --below 1.10 --reason CVE-2026-0001
try 'version 1.2 of module demo' dev 'is not signed'
modseal revoke export -o "$T/l" 2>/dev/null
is "$(judge "$T/l")" revoked-version 'nor trusted'
modseal revoke withdraw --name demo --below 1.10
ok 'older versions' modseal revoke add --name demo --below 1.2
signs dev 'do not matter to it'
ok 'another srcversion' modseal revoke add --name demo --srcversion ABD
signs dev 'does not matter either'
ok 'not yet' modseal revoke add --name demo --srcversion ABC --from 2999-01-01
signs dev 'it is signed until then'
modseal revoke export -o "$T/l" 2>/dev/null
is "$(judge "$T/l")" trusted 'and trusted'
is "$(jq -r '.entries[] | select(.srcversion == "ABC").since' "$T/l")" \
	2999-01-01T00:00:00Z 'the list says since when'
ok 'now' modseal revoke add --name demo --srcversion ABC --from 2020-01-01
try 'list of what is revoked' dev 'it is not signed'
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
try 'list of what is revoked' dev 'nor after a restart'
modseal revoke withdraw --name demo --srcversion ABC
before=$(modseal revoke list --json | jq .number)
ok 'a list after the restart' modseal revoke export -o "$T/l" 2>/dev/null
is "$(jq .number "$T/l")" $((before + 1)) 'its number goes on'

ok 'a certificate' modseal revoke add --certificate "$T/dev.pem" --reason stolen
try 'certificate is on the list' dev 'its key signs no more'
signs other 'others do'
modseal revoke export -o "$T/l" 2>/dev/null
is "$(judge "$T/l")" revoked-certificate 'what it signed is not trusted'
modseal revoke withdraw --certificate "$T/dev.pem"
serial=$(openssl x509 -in "$T/dev.pem" -noout -serial | sed 's/.*=//')
ok 'by issuer and serial' modseal revoke add --issuer "$T/dev.pem" --serial "00${serial,,}"
try 'certificate is on the list' dev 'its key signs no more'
modseal revoke export -o "$T/l" 2>/dev/null
is "$(judge "$T/l")" revoked-certificate 'what it signed is not trusted'
ok 'an issuing key' modseal revoke add --certificate "$T/issuer.pem"
fails 1 'opens no build' modseal build open --key issuer --kernel 6.1.0-1-amd64
fails 1 'a list by a revoked key' modseal revoke export --key dev -o "$T/none"
like "$ERR" 'certificate is on the list' 'is refused'
[ ! -e "$T/none" ] && pass 'and not written' || fail 'and not written'
like "$(modseal revoke list)" 'srcversion +ABD' 'the list is shown'
is "$(sqlite3 -readonly "$T/a/state/audit.db" \
	"SELECT record FROM audit WHERE event = 'revocation-list'" | jq -r .number |
	tail -n 1)" "$(jq .number "$T/l")" 'lists are on record'

# Bad input.
fails 2 'nothing' modseal revoke add
fails 2 'two things' modseal revoke add "$sum" --name demo
fails 2 'a serial alone' modseal revoke add --serial 01
fails 2 'versions of nothing' modseal revoke add --below 1
fails 2 'a time that is none' modseal revoke add --name x --from soon
fails 2 'a signature to nowhere' modseal revoke export --key lists
fails 2 'no digest' modseal revoke add sha256:12
fails 1 'no serial' modseal revoke add --issuer "$T/dev.pem" --serial xyz
fails 1 'no certificate' modseal revoke add --certificate "$T/m.ko"
fails 1 'a list by no key' modseal revoke export --key nobody -o "$T/none"
modseal key create signer2 --custody leaf >/dev/null
fails 1 'a list by an issuing key' modseal revoke export --key signer2 -o "$T/none"
like "$ERR" 'signs certificates only' 'is refused'
done_testing
