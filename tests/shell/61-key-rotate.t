#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A key's life: pending, active, succeeded by another, retired; and what the inventory says.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

agent_start
make_module "$T/m.ko" m
fact() { modseal key show "$1" --json | jq -r ".$2"; }
mkdir "$T/o"

# Rotation keeps what the old key was.
modseal key create distro-2026 --alg p256 --subject 'Distro' --days 400 --pcrs 7,14 >/dev/null
ok 'rotate' modseal key rotate distro-2026 --overlap 12w --dir "$T/o"
like "$ERR" 'modseald.conf.*modseal reload.*modseal.conf.*cert.der' 'it says what has to change'
like "$OUT" 'New key +distro-2027' 'its name is the next number'
like "$ERR" 'key enroll distro-2027' 'and what is to be done'
for f in algorithm custody subject protection; do
	is "$(fact distro-2027 $f)" "$(fact distro-2026 $f)" "the same $f"
done
is "$(fact distro-2027 days_left)" 399 'valid as long'
isnt "$(fact distro-2027 ski)" "$(fact distro-2026 ski)" 'another key'
is "$(fact distro-2026 '| .state, .successor' | xargs)" 'active distro-2027' \
	'the old one is active'
like "$(fact distro-2026 warning)" 'retires in 8[34] days.*distro-2027' 'with a warning'
for k in distro-2026 distro-2027; do
	ok "$k signs" signs $k
	same "$T/o/$k.pem" "$T/$k.pem" 'its certificate was exported'
done
is "$(grep -c BEGIN "$T/o/distro-2026.and-distro-2027.pem")" 2 'and both in one file'
ok 'again, with another overlap' modseal key rotate distro-2026 --overlap 1d --dir "$T/o"
like "$ERR" 'there already' 'takes the successor that is there'
like "$(fact distro-2026 warning)" 'retires in [01] days' 'and the new end'
is "$(sqlite3 -readonly "$T/a/state/audit.db" \
	"SELECT record FROM audit WHERE event = 'key-rotate'" | jq -r .reason |
	grep -c '^successor distro-2027, until [0-9]*$')" 2 'both are on record'
fails 1 'not in a circle' modseal key rotate distro-2027 --to distro-2026 --dir "$T/o"
fails 2 'not to itself' modseal key rotate dev --to dev
fails 2 'an overlap that is none' modseal key rotate dev --overlap soon
fails 1 'no such key' modseal key rotate nobody --dir "$T/o"
fails 1 'a folder that cannot be made' modseal key rotate dev --dir "$T/none/none"
is "$(modseal key list --json | jq '.keys | length')" 3 'no key came of these'

# It ends by itself, with nobody asking, and stays so after a start.
ok 'a resident key' modseal key create r1 --custody resident
ok 'signs' signs r1
ok 'rotate without overlap' modseal key rotate r1 --overlap 0 --dir "$T/o"
is "$(fact r2 custody)" resident 'its successor is resident'
retired() { [ "$(fact "$1" state)" = retired ]; }
ok 'it retires by itself' wait_for 20 retired r1
fails_to_sign 'retired.*successor is r2' r1
ok 'the successor signs' signs r2
on_record() { # as often as it is there
	sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit WHERE
		event = 'key-retire' AND key = 'r1'" | jq -r .result
}
is_on_record() { [ -n "$(on_record)" ]; }
ok 'that it retired comes on record' wait_for 30 is_on_record
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'a new start' wait_for 20 modseal status
is "$(fact r1 state)" retired 'retired stays retired'
is "$(fact distro-2026 successor)" distro-2027 'and the other has its successor still'
fails 1 'a retired key' modseal key rotate r1 --dir "$T/o"
like "$ERR" 'retired' 'is not rotated'
ok 'revoke it' modseal key revoke r1 --reason superseded
is "$(fact r1 '| .state, .successor' | xargs)" 'revoked r2' 'it is revoked'

# With a PIN, the new one has its own.
ok 'a key with a PIN' modseal key create p1 --alg p256 --pin-fd 3 3<<<1234
ok 'rotate' modseal key rotate p1 --pin-fd 3 --dir "$T/o" 3<<<4321
is "$(fact p2 pin)" true 'the new one has a PIN'
modseal key create p3 --alg p256 --pin-fd 3 3<<<1234 >/dev/null
fails 2 'a PIN is needed' setsid modseal key rotate p3 --to p9 --dir "$T/o"

# What the agent's end has left of a pending key's creation is in nobody's way.
printf '%s\n' 'modseal key state 2' 'state pending' 'since 1700000000' 'from 0' 'until 0' \
	'successor ' 'reason ' | tee "$T/a/state/keys/half-1.state" >"$T/a/state/keys/half-2.state"
ok 'a creation, again' modseal key create half-1 --alg p256 --pending
is "$(fact half-1 state)" pending 'is pending'
ok 'or not pending this time' modseal key create half-2 --alg p256
is "$(fact half-2 state)" active 'is active'
[ ! -e "$T/a/state/keys/half-2.state" ] && pass 'also after the next start' ||
	fail 'also after the next start'

# Pending until the CA's certificate is there.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -days 90 \
	-subj '/CN=Outside CA' 2>/dev/null
for c in sealed resident; do
	ok "a pending $c key" modseal key create pend-$c --custody $c --alg p256 --pending
	is "$(fact pend-$c state)" pending 'is pending'
	fails_to_sign 'does not sign yet.*certificate' pend-$c
	modseal key csr pend-$c >"$T/$c.csr"
	printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'extendedKeyUsage=codeSigning' \
		>"$T/ext"
	openssl x509 -req -in "$T/$c.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" \
		-CAcreateserial -days 70 -extfile "$T/ext" -out "$T/$c.crt" 2>/dev/null
done
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
pending() { [ "$(fact pend-sealed state)" = pending ]; }
ok 'pending after a start' wait_for 20 pending
for c in sealed resident; do
	ok 'install its certificate' modseal key install-cert pend-$c "$T/$c.crt"
	is "$(fact pend-$c state)" active 'is active'
	ok 'and signs' signs pend-$c
	[ ! -e "$T/a/state/keys/pend-$c.state" ] && pass 'nothing is left of it' ||
		fail 'nothing is left of it'
done
ok 'rotate to a pending key' modseal key rotate pend-sealed --pending --dir "$T/o"
is "$(fact pend-sealed-2 state)" pending 'which it is'
rm "$T/a/state/keys/r1.key"
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
# Keys without a PIN are unlocked one after the other.
loaded() { [ "$(modseal key list --json | jq .summary.states.active)" = 7 ]; }
ok 'the keys are back' wait_for 20 loaded
is "$(on_record)" 'done: its overlap with r2 is over' 'r1 retired once, on record'
fails 1 'the name of a key whose state is left' modseal key create r1 --alg p256
like "$ERR" 'there was a key r1' 'is not taken again'

# The inventory.
ok 'a list' modseal key list
like "$OUT" 'NAME +ALGORITHM +STRENGTH +CUSTODY +STATE +VALID UNTIL +SIGNATURES +LAST USED ' \
	'with columns'
of='distro-2027 +p256 +128 +sealed +active +20[0-9-]+ +1 +20[0-9-]+ +TPM, PCR 7, 14 .SHA-256.'
like "$OUT" "$of +uid:" \
	'says of each key what an auditor asks'
like "$OUT" $'\n''12 keys: 7 active, 3 locked, 2 pending' 'and has a summary'
ok 'as JSON' modseal key list --json
is "$(jq -c '.summary | [.keys, .states.active, .states.pending, .expired, .expire_soon]' \
	<<<"$OUT")" "$(jq -c '[(.keys | length), ([.keys[] | select(.state == "active")] | length),
	([.keys[] | select(.state == "pending")] | length), 0, 0]' <<<"$OUT")" \
	'whose summary is right'
is "$(jq -r '.keys[] | select(.name == "r2") | .location' <<<"$OUT")" \
	'in this TPM, which it never leaves' 'where it lives'
like "$(jq -c '.keys[0].users' <<<"$OUT")" '"rule":".+","who":\["uid:' 'who may use it'
modseal key create short --alg p256 --days 30 >/dev/null

# It is over while the agent is stopped.
modseal key rotate r2 --to r9 --overlap 0 --dir "$T/o" >/dev/null
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
of_r2() {
	[ "$(sqlite3 -readonly "$T/a/state/audit.db" "SELECT count(*) FROM audit WHERE
		event = 'key-retire' AND key = 'r2'")" = 1 ]
}
ok 'what ended meanwhile comes on record' wait_for 30 of_r2
done_testing
