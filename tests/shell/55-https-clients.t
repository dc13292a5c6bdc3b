#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The clients and an agent on another host: no module leaves the builder.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tls.sh"

tls_ca || bail_out "no CA: $(cat "$T/ca/log")"
tls_cert builder /CN=builder-1 clientAuth || bail_out "no certificate: $(cat "$T/ca/log")"
tls_self rogue 'modseal test CA'
agent_start
sed -i '/^key = /a content = digest' "$T/a/modseald.conf"
cat >>"$T/a/modseald.conf" <<END
[rule remote]
who = cert:CN=builder-1
key = dev
type = module file ima
content = digest
END
tls_agent || bail_out 'no agent with TLS'
modseal key cert dev >"$T/dev.pem"
local_agent=$MODSEAL_AGENT
conf() { # CA CERT
	cat >"$T/modseal.conf" <<-END
		key = dev
		tls-ca = $T/ca/$1.pem
		tls-cert = $T/ca/$2.pem
		tls-key = $T/ca/$2.key
	END
}
conf ca builder
export MODSEAL_CONFIG=$T/modseal.conf MODSEAL_AGENT=https://localhost:$TLS_PORT
good() { # MODULE ORIGINAL
	modseal-verify --anchor "$T/dev.pem" "$1" >/dev/null 2>&1 || true
	tail -c 28 "$1" | cmp -s - <(printf '~Module signature appended~\n') &&
		cmp -s -n "$(stat -c %s "$2")" "$1" "$2"
}

ok 'whoami' modseal whoami --json
is "$(jq -r .identity <<<"$OUT")" cert:CN=builder-1 'as whom'
mkdir "$T/tree"
make_module "$T/m.ko" m
for ((i = 0; i < 70; i++)); do cp "$T/m.ko" "$T/tree/m$i.ko"; done
echo junk >"$T/tree/bad.ko"
fails 1 'a tree with one bad file' modseal sign -r "$T/tree"
like "$ERR" 'bad\.ko: ' 'which is named'
like "$OUT" '^70 signed with dev, 1 failed' 'the others are signed'
bad=0
for f in "$T"/tree/m*.ko; do good "$f" "$T/m.ko" || bad=$((bad + 1)); done
is "$bad" 0 'all of them'
is "$(records "SELECT count(*) FROM audit WHERE event = 'sign' AND
	json_extract(record, '\$.facts') = 'claimed'")" 70 'by their digests alone'
is "$(records "SELECT json_extract(record, '\$.module.name') FROM audit WHERE event = 'sign'
	LIMIT 1")" m 'with facts that were read here'
cp "$T/m.ko" "$T/remote.ko"
cp "$T/m.ko" "$T/local.ko"
ok 'sign-file, from afar' modseal-sign-file sha256 x /nonexistent "$T/remote.ko"
xz -kc "$T/m.ko" >"$T/x.ko.xz"
printf 'firmware' >"$T/fw"
ok 'a file, from afar' modseal sign -q --detached "$T/fw"
ok 'a file for IMA, from afar' modseal sign -q --format ima "$T/fw"
ok 'are both good' modseal-verify file --no-stored --anchor "$T/dev.pem" "$T/fw"
ok 'a compressed module, from afar' modseal sign -q "$T/x.ko.xz"
xz -dk "$T/x.ko.xz"
same "$T/x.ko" "$T/remote.ko" 'makes the same bytes inside'
MODSEAL_AGENT=$local_agent ok 'sign-file, from here' \
	modseal-sign-file sha256 x /nonexistent "$T/local.ko"
same "$T/remote.ko" "$T/local.ko" 'makes the same bytes'
MODSEAL_AGENT=$local_agent ok 'modseal sign --by-digest, from here' \
	modseal sign -q --by-digest --dest "$T/other.ko" "$T/m.ko"
same "$T/other.ko" "$T/local.ko" 'makes the same bytes, too'
cp "$T/m.ko" "$T/d.ko"
ok 'sign-file -dk, from afar' modseal-sign-file -dk sha256 x "$T/dev.pem" "$T/d.ko"
same "$T/d.ko" "$T/m.ko" 'the module is as it was'
ok 'and the signature beside it' openssl cms -verify -inform DER -in "$T/d.ko.p7s" -content \
	"$T/d.ko" -binary -nointern -certfile "$T/dev.pem" -CAfile "$T/dev.pem" -purpose any \
	-out /dev/null
fails 1 'the certificate of another' modseal-sign-file sha256 x "$T/ca/ca.pem" "$T/d.ko"
like "$ERR" 'not the certificate of key dev' 'is refused'
same "$T/d.ko" "$T/m.ko" 'and the module as it was'

for i in 1 2 3; do run modseal key cert "nobody-$i"; done
like "$ERR" 'no key nobody-3 that cert:CN=builder-1 may use' 'a key that there is not'
is "$(grep -c 'ended by signal' "$T/a/modseald.log")" 0 'and no process of the agent died'

conf rogue builder
fails any 'an agent of another CA' modseal whoami
like "$ERR" 'is not the agent' 'and the message says so'
conf ca server
fails any 'a certificate that is not for clients' modseal whoami
one_line "$ERR" 'one line'
conf ca builder
MODSEAL_AGENT=https://127.0.0.2:$TLS_PORT fails any 'another host' modseal whoami
MODSEAL_AGENT=https://localhost fails 2 'no port' modseal whoami
like "$ERR" 'https://host:port' 'and the message says what is missing'
echo 'key = dev' >"$T/modseal.conf"
fails any 'no files' modseal whoami
like "$ERR" 'needs tls-ca, tls-cert and tls-key' 'and the message says which'
agent_alive && pass 'the agent lives' || fail 'the agent lives'
ldd "$BUILD/modseal" >"$T/ldd"
fails 1 'libcurl is loaded for https only' grep -q curl "$T/ldd"
done_testing
