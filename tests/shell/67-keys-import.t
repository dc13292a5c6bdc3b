#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal key import: keys that openssl made, in every form, and what is refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

agent_start
K=$T/k
mkdir "$K"
make_module "$T/m.ko" m
import() { # PASSPHRASE NAME FILE ...
	local pass=$1
	shift
	modseal key import "$@" --passphrase-fd 3 3<<<"$pass"
}
spki() { # CERT on stdin
	openssl x509 -pubkey -noout
}

# What openssl makes.
for bits in 2048 3072 4096; do
	openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:$bits \
		-out "$K/rsa$bits.pem" 2>/dev/null ||
		openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$bits \
			-out "$K/rsa$bits.pem" 2>/dev/null
done
for curve in P-256 P-384 P-521; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$curve -out "$K/$curve.pem"
done
openssl genpkey -algorithm ED25519 -out "$K/ed.pem"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$K/rsa1024.pem" 2>/dev/null
openssl req -x509 -new -key "$K/rsa2048.pem" -subj '/CN=Old distro key' -days 40 \
	-out "$K/cert.pem" 2>/dev/null
openssl req -x509 -new -key "$K/P-256.pem" -subj '/CN=EC key' -days 40 -out "$K/ec.crt"
openssl rsa -in "$K/rsa2048.pem" -traditional -out "$K/pkcs1.pem" 2>/dev/null
openssl ec -in "$K/P-256.pem" -out "$K/sec1.pem" 2>/dev/null
openssl pkcs8 -topk8 -in "$K/rsa2048.pem" -out "$K/enc.pem" -passout pass:geheim
openssl pkcs8 -topk8 -in "$K/rsa2048.pem" -outform DER -out "$K/enc.der" -passout pass:geheim
openssl pkcs8 -topk8 -in "$K/rsa2048.pem" -nocrypt -outform DER -out "$K/plain.der"
openssl pkcs12 -export -inkey "$K/rsa2048.pem" -in "$K/cert.pem" -out "$K/a.p12" \
	-passout pass:geheim
openssl pkcs12 -export -inkey "$K/P-256.pem" -in "$K/ec.crt" -out "$K/none.p12" -passout pass:
cat "$K/ec.crt" "$K/cert.pem" "$K/rsa2048.pem" >"$K/bundle.pem"

for f in rsa2048 rsa3072 rsa4096 P-256 P-384; do
	ok "a PKCS#8 key, $f" modseal key import "i-$f" "$K/$f.pem" --days 30
	like "$OUT" 'State +active' 'is ready'
	like "$ERR" 'still on disk.*shred -u' 'and what is left on disk is said'
	one_line "$ERR" 'in one sentence'
	ok 'it signs' signs "i-$f"
	is "$(spki <"$T/i-$f.pem")" "$(openssl pkey -in "$K/$f.pem" -pubout)" \
		'its certificate has the same public key'
	ok 'and is good for 30 days' openssl x509 -in "$T/i-$f.pem" -noout -checkend \
		$((29 * 86400))
	[ -f "$K/$f.pem" ] && pass 'the source is where it was' || fail 'the source is where it was'
done
like "$(modseal key show i-rsa2048)" 'Custody +sealed' 'custody is sealed'

ok 'PKCS#1' modseal key import pkcs1 "$K/pkcs1.pem"
ok 'SEC1' modseal key import sec1 "$K/sec1.pem"
ok 'PKCS#8 DER' modseal key import der "$K/plain.der"
ok 'encrypted PKCS#8' import geheim enc "$K/enc.pem"
for old in PBE-SHA1-3DES PBE-SHA1-RC2-40 PBE-MD5-DES; do
	openssl pkcs8 -topk8 -v1 $old -provider legacy -provider default -in "$K/rsa2048.pem" \
		-out "$K/$old.pem" -passout pass:geheim
done
ok 'encrypted PKCS#8 of old, with 3DES' import geheim old "$K/PBE-SHA1-3DES.pem"
ok 'which signs' signs old
ok 'encrypted PKCS#8 DER' import geheim encder "$K/enc.der"
ok 'PKCS#12' import geheim p12 "$K/a.p12"
ok 'which signs' signs p12
is "$(modseal key cert p12 | openssl x509 -noout -fingerprint)" \
	"$(openssl x509 -in "$K/cert.pem" -noout -fingerprint)" 'with the certificate in it'
ok 'PKCS#12 with an empty passphrase' modseal key import nopass "$K/none.p12"
ok 'PEM with its certificate among others' modseal key import bundle "$K/bundle.pem"
like "$(modseal key show bundle)" 'Subject +Old distro key' 'which is found'
ok 'with --cert' modseal key import withcert "$K/rsa2048.pem" --cert "$K/cert.pem"
like "$(modseal key show withcert)" 'Subject +Old distro key' 'which it has then'
ok 'with --subject and no PCR' modseal key import sub "$K/P-256.pem" --subject 'A & B 100%' \
	--pcrs none
like "$(modseal key show sub)" 'Subject +A & B 100%' 'which it has then'
like "$(modseal key show sub)" 'no PCR' 'and is bound to none'
ok 'with a PIN' modseal key import pinned "$K/P-256.pem" --pin-fd 4 4<<<Zaphod-4711
like "$(modseal key show pinned)" 'Protection.* PIN' 'which it has then'

# Refused: each in a sentence, and no key comes of it.
before=$(ls "$T/a/state/keys")
sum=$(cat "$T"/a/state/keys/*.key | sha256sum)
head -c 700 "$K/rsa2048.pem" >"$K/cut.pem"
head -c 700 "$K/plain.der" >"$K/cut.der"
head -c 900 "$K/a.p12" >"$K/cut.p12"
sed 's/^MII/MIJ/;3s/./A/' "$K/rsa2048.pem" >"$K/flip.pem"
echo 'not a key' >"$K/text"
: >"$K/empty"
refused 'wrong passphrase' 'PEM, wrong passphrase' import falsch no "$K/enc.pem"
refused 'wrong passphrase' 'DER, wrong passphrase' import falsch no "$K/enc.der"
refused 'wrong passphrase' 'PKCS#12, wrong passphrase' import falsch no "$K/a.p12"
refused 'wrong passphrase' 'PKCS#8 of old, wrong passphrase' import falsch no "$K/PBE-SHA1-3DES.pem"
for old in PBE-SHA1-RC2-40 PBE-MD5-DES; do
	refused 'does not do: write it anew' "PKCS#8 with $old" import geheim no "$K/$old.pem"
done
refused '--passphrase-fd' 'no passphrase' setsid -w modseal key import no "$K/enc.pem"
for f in cut.pem cut.der cut.p12 flip.pem text empty; do
	refused 'damaged|no private key' "$f" import geheim no "$K/$f"
done
refused '1024 bits' 'RSA with 1024 bits' modseal key import no "$K/rsa1024.pem"
refused '521 bits' 'P-521' modseal key import no "$K/P-521.pem"
refused 'ED25519' 'Ed25519' modseal key import no "$K/ed.pem"
refused 'TPM' 'a key of a TPM' modseal key import no "$T/a/state/keys/dev.key"
refused "no certificate in it is this key's" "another key's certificate" \
	modseal key import no "$K/rsa2048.pem" --cert "$K/ec.crt"
refused 'no certificate' 'a certificate that is none' \
	modseal key import no "$K/rsa2048.pem" --cert "$K/text"
refused 'exists' 'a name that is taken' modseal key import dev "$K/rsa2048.pem"
refused 'no such file' 'no such file' modseal key import no "$K/nothing"
refused 'regular file|directory' 'a folder' modseal key import no "$K"
fails 2 'a passphrase as an argument' modseal key import no "$K/enc.pem" --passphrase=x

# The agent does not believe the client either.
raw() { # FILE QUERY
	curl -sS --max-time 20 --unix-socket "$T/a/agent.sock" --data-binary "@$1" \
		-H 'Accept: text/plain' "http://modseal/v1/keys/${3:-no}/import$2"
}
cat "$K/rsa2048.pem" "$K/ec.crt" >"$K/mismatch"
like "$(raw "$K/mismatch" '')" 'certificate-mismatch' "another key's certificate, past the client"
like "$(raw "$K/enc.pem" '')" 'bad-request' 'an encrypted key, past the client'
like "$(raw "$K/P-521.pem" '')" 'unsupported' 'P-521, past the client'
like "$(raw "$K/rsa2048.pem" '?days=0')" 'bad-request' 'no days'
like "$(raw "$K/rsa2048.pem" '?pcrs=24')" 'bad-request' 'no such PCR'
cat "$K/rsa2048.pem" "$K/P-256.pem" >"$K/two"
like "$(raw "$K/two" '')" 'bad-request' 'two keys'
is "$(ls "$T/a/state/keys")" "$before" 'none of them made a key'
is "$(cat "$T"/a/state/keys/*.key | sha256sum)" "$sum" 'or changed one'

# On record, and nothing of the key anywhere.
is "$(sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit
	WHERE event = 'key-import'" | jq -r .result | grep -c "^done")" 17 \
	'each import is on record'
needle=$(sed -n 10p "$K/rsa2048.pem")
ok 'the private key is in no file of the agent' sh -c "! grep -rlF -e '$needle' '$T/a'"
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'after a start it is back' wait_for 20 key_is i-rsa2048 active
ok 'and signs' signs i-rsa2048
ok 'under one name only' key_is p12 broken
sed -i 's/^admins *=.*/admins = uid:4242/' "$T/a/modseald.conf"
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'it runs' wait_for 20 agent_alive
refused 'may not import' 'who is no admin' modseal key import no "$K/rsa2048.pem"
done_testing
