#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How a key comes to be trusted and distrusted: the files hold against efitools, sbsigntool
# and openssl, byte for byte.
. "$(dirname "$0")/lib.sh"

agent_start
owner=8be4df61-93ca-11d2-aa0d-00e098032b8c
when=2026-01-02T03:04:05Z
d=$T/out
mkdir "$d"
enroll() { # KEY TARGET OPTION...
	local key=$1 target=$2
	shift 2
	modseal key enroll "$key" --for "$target" --dir "$d" --owner $owner --time $when "$@"
}

# A platform's KEK: sealed in the agent, and in clear for the other tools.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/kek.key" -out "$T/kek.pem" -days 90 \
	-subj '/CN=Platform KEK' 2>/dev/null
modseal key import kek "$T/kek.key" --cert "$T/kek.pem" >/dev/null 2>&1
modseal key create issuer --custody leaf >/dev/null
modseal key cert dev >"$T/dev.pem"
modseal key cert issuer >"$T/issuer.pem"
openssl x509 -in "$T/dev.pem" -outform DER -out "$T/dev.der"

ok 'mok' enroll dev mok
same "$d/dev.der" "$T/dev.der" 'is the certificate in DER'
like "$OUT" "mokutil --import $d/dev.der" 'with the command'
like "$OUT" 'CA_MACHINE_KEYRING.*not a CA' 'and that it is no CA certificate'
like "$OUT" 'shim lets this key start boot loaders and kernels' 'and what it may start'
modseal key create only --alg p256 --module-only >/dev/null
ok 'mok of a key for modules alone' enroll only mok
like "$OUT" 'shim lets this key start no boot loader' 'may start nothing'
ok 'the same again' enroll dev mok
ok 'mok of an issuing key' enroll issuer mok --json
is "$(jq -r '.ca, .files[0]' <<<"$OUT" | xargs)" "true $d/issuer.der" 'as JSON'
unlike "$OUT" 'not a CA' 'which is a CA'

ok 'trusted-keys' enroll dev trusted-keys
same "$d/dev.pem" "$T/dev.pem" 'is the certificate in PEM'
like "$OUT" "CONFIG_SYSTEM_TRUSTED_KEYS=\"$d/dev.pem\"" 'with the line for .config'
for t in secondary ima; do
	ok "$t" enroll dev $t
	like "$OUT" 'keyctl padd asymmetric .*dev.der' 'with the command'
	like "$OUT" 'self-signed.*refuses' 'and that it is refused'
done

# db: the update is signed by the agent, or elsewhere.
ok 'db, to be signed elsewhere' enroll dev db
cert-to-efi-sig-list -g $owner "$T/dev.pem" "$T/dev.esl"
same "$d/dev.db.esl" "$T/dev.esl" 'the list is that of cert-to-efi-sig-list'
sign-efi-sig-list -a -o -t '2026-01-02 03:04:05' db "$T/dev.esl" "$T/bundle" >/dev/null
same "$d/dev.db.to-sign" "$T/bundle" 'the bytes to sign are those of sign-efi-sig-list'
sign-efi-sig-list -a -t '2026-01-02 03:04:05' -k "$T/kek.key" -c "$T/kek.pem" db \
	"$T/dev.esl" "$T/dev.auth" >/dev/null
ok 'db, signed by the agent' enroll dev db --kek kek
same "$d/dev.db.auth" "$T/dev.auth" 'the update is that of sign-efi-sig-list'
like "$OUT" 'efi-updatevar -a -f' 'with the command'
is "$(sqlite3 -readonly "$T/a/state/audit.db" \
	"SELECT record FROM audit WHERE event = 'sign-efi'" |
	jq -r '[.variable, .digest] | join(" ")')" \
	"db $(sha256sum <"$T/bundle" | cut -d' ' -f1)" 'and is on record'
rm "$d/dev.db.auth"
openssl smime -sign -binary -noattr -md sha256 -outform DER -signer "$T/kek.pem" \
	-inkey "$T/kek.key" -in "$d/dev.db.to-sign" -out "$T/db.p7s"
ok 'db, signed by openssl' enroll dev db --signature "$T/db.p7s"
same "$d/dev.db.auth" "$T/dev.auth" 'the update is the same'
mkdir "$T/replace"
ok 'db, replaced' modseal key enroll dev --for db --dir "$T/replace" --owner $owner \
	--time $when --replace --kek kek
sign-efi-sig-list -t '2026-01-02 03:04:05' -k "$T/kek.key" -c "$T/kek.pem" db \
	"$T/dev.esl" "$T/dev.auth" >/dev/null
same "$T/replace/dev.db.auth" "$T/dev.auth" 'the update is that of sign-efi-sig-list'
# sbvarsign signs attributes around the same digest.
sbvarsign --key "$T/kek.key" --cert "$T/kek.pem" --output "$T/sb.auth" db "$T/dev.esl" \
	>/dev/null 2>&1
t=$(od -An -tu1 -N7 "$T/sb.auth" | awk '{printf "%04d-%02d-%02dT%02d:%02d:%02dZ",
	$1 + 256 * $2, $3, $4, $5, $6, $7}')
mkdir "$T/sb"
ok 'the bytes to sign at that time' modseal key enroll dev --for db --dir "$T/sb" \
	--owner $owner --time "$t"
tail -c +41 "$T/sb.auth" | head -c $(($(od -An -tu4 -j16 -N4 "$T/sb.auth") - 24)) >"$T/sb.p7"
sb=$(openssl asn1parse -inform DER -in "$T/sb.p7")
upper_sum() { sha256sum | cut -d' ' -f1 | tr a-f A-F; }
# Debian 13's has the name in characters of four bytes, which no firmware takes.
wide=$({ printf 'd\0\0\0b\0\0\0' && tail -c +5 "$T/sb/dev.db.to-sign"; } | upper_sum)
if [[ $sb == *$wide* ]]; then
	skip 1 'this sbvarsign signs with wide characters: its updates are good for nothing'
else
	like "$sb" "$(upper_sum <"$T/sb/dev.db.to-sign")" 'are those that sbvarsign signs'
fi
fails 1 'a file of another content' modseal key enroll dev --for db --dir "$d" --time 2026-02-02
one_line "$ERR" 'is not replaced'
modseal key create ec --alg p256 >/dev/null
modseal key cert ec >"$T/ec.pem"
ok 'an ECDSA key as KEK' enroll issuer db --kek ec
tail -c +41 "$d/issuer.db.auth" |
	head -c $(($(od -An -tu4 -j16 -N4 "$d/issuer.db.auth") - 24)) >"$T/ec.p7"
mkdir "$T/i"
modseal key enroll issuer --for db --dir "$T/i" --owner $owner --time $when >/dev/null
# ContentInfo around it, as openssl reads no other.
python3 - "$T/ec.p7" "$T/ec.p7s" <<'PY'
import sys
def der(tag, body):
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([0x82]) + n.to_bytes(2, 'big')
    return bytes([tag]) + size + body
p = open(sys.argv[1], 'rb').read()
oid = bytes.fromhex('06092a864886f70d010702')
open(sys.argv[2], 'wb').write(der(0x30, oid + der(0xa0, p)))
PY
ok 'openssl finds it good' openssl cms -verify -binary -inform DER -in "$T/ec.p7s" \
	-content "$T/i/issuer.db.to-sign" -CAfile "$T/ec.pem" -purpose any -out /dev/null

# Distrust.
ok 'dbx' enroll dev dbx --kek kek
{
	cat "$T/dev.esl"
	cert-to-efi-hash-list -g $owner "$T/dev.pem" "$T/hash.esl" >/dev/null
	cat "$T/hash.esl"
} >"$T/dbx.esl"
same "$d/dev.dbx.esl" "$T/dbx.esl" 'the lists are those of efitools'
sign-efi-sig-list -a -t '2026-01-02 03:04:05' -k "$T/kek.key" -c "$T/kek.pem" dbx \
	"$T/dbx.esl" "$T/dbx.auth" >/dev/null
same "$d/dev.dbx.auth" "$T/dbx.auth" 'and so is the update'
ok 'mokx since a day' enroll dev mokx --from 2025-06-07
cert-to-efi-hash-list -g $owner -t '2025-06-07 00:00:00' "$T/dev.pem" "$T/hash.esl" >/dev/null
same "$d/dev.mokx.esl" <(cat "$T/dev.esl" "$T/hash.esl") 'the time is in it'
like "$OUT" 'mokutil --mokx --import' 'with the command'
like "$OUT" 'never match' 'and what kernels make of it'
ok 'blacklist' enroll dev blacklist
tbs=$(openssl asn1parse -inform DER -in "$T/dev.der" -strparse 4 -noout -out - |
	sha256sum | cut -d' ' -f1)
is "$(<"$d/dev.blacklist")" "\"tbs:$tbs\"" 'has the digest of what is signed'
ok 'revocation-keys' enroll dev revocation-keys
same "$d/dev.revoked.pem" "$T/dev.pem" 'has the certificate'

# The form that kernels match: that of efitools without its 16 bytes of time.
tail -c +45 <(cert-to-efi-hash-list -g $owner "$T/dev.pem" "$T/h.esl" >/dev/null; cat "$T/h.esl") |
	head -c 32 | xxd -p -c32 >"$T/of-efitools"
is "$(stat -c %s "$d/dev.tbs32.esl")" 76 'tbs32: a head, an owner, 32 bytes'
is "$(od -An -tu4 -j16 -N12 "$d/dev.tbs32.esl" | xargs)" '76 0 48' 'with the sizes of that'
same <(head -c 16 "$d/dev.tbs32.esl") <(head -c 16 "$T/h.esl") 'and the type of efitools'
is "$(tail -c 32 "$d/dev.tbs32.esl" | xxd -p -c32)" "$(<"$T/of-efitools")" \
	'the digest of efitools'
is "$(<"$T/of-efitools")" "$tbs" 'which is that of openssl'

# A folder with a blank: what is printed can be given to a shell.
mkdir "$T/a b's"
ok 'a folder with a blank' modseal key enroll dev --for secondary --dir "$T/a b's"
line=$(sed -n 's/.*< \(.*\)    # as.*/\1/p' <<<"$OUT")
is "$(eval "printf '%s|' $line")" "$T/a b's/dev.der|" 'is one word in what is printed'
ok 'and of an update' modseal key enroll dev --for db --dir "$T/a b's" --time $when
line=$(sed -n 's/.*--signature \(.*\)/\1/p' <<<"$OUT")
is "$(eval "printf '%s|' $line")" "$T/a b's/dev.db.p7s|" 'so is the signature'

# key revoke writes all of it.
modseal key create fallen --custody leaf >/dev/null
modseal key cert fallen >"$T/fallen.pem"
fails 1 'no folder' modseal key revoke fallen --reason keyCompromise --artefacts "$T/none/x"
is "$(modseal key show fallen --json | jq -r .state)" active 'and nothing is revoked'
ok 'key revoke --artefacts' modseal key revoke fallen --reason keyCompromise \
	--from 2025-06-07 --artefacts "$T/r"
is "$(cd "$T/r" && echo *)" 'fallen.blacklist fallen.crl.pem fallen.dbx.esl fallen.der '$(
	)'fallen.mokx.esl fallen.revoked.pem fallen.tbs32.esl' 'writes the CRL and the artefacts'
for t in blacklist revocation-keys dbx mokx; do
	like "$OUT" "(^|
)$t
Written:.*Know:" "$t with what heeds it"
done
ok 'its CRL is signed by it' openssl crl -in "$T/r/fallen.crl.pem" -CAfile "$T/fallen.pem" -noout
sig=$(modseal key enroll fallen --for dbx --json --dir "$T/i" --from 2025-06-07 |
	jq -r '.notes | length')
same "$T/r/fallen.dbx.esl" "$T/i/fallen.dbx.esl" 'dbx as key enroll writes it'
[ "$sig" -ge 5 ] && pass 'with its notes' || fail 'with its notes'
own=67212fe3-e8a5-4a74-ae7b-e3e28f0aa366
cert-to-efi-sig-list -g $own "$T/fallen.pem" "$T/f1.esl"
cert-to-efi-hash-list -g $own -t '2025-06-07 00:00:00' "$T/fallen.pem" "$T/f2.esl" >/dev/null
same "$T/r/fallen.dbx.esl" <(cat "$T/f1.esl" "$T/f2.esl") 'and as efitools does'
same "$T/r/fallen.mokx.esl" "$T/r/fallen.dbx.esl" 'MokListX has the same'
same "$T/r/fallen.revoked.pem" "$T/fallen.pem" 'revocation-keys has the certificate'
openssl x509 -in "$T/fallen.pem" -outform DER -out "$T/fallen.der"
tbs=$(openssl asn1parse -inform DER -in "$T/fallen.der" -strparse 4 -noout -out - |
	sha256sum | cut -d' ' -f1)
is "$(<"$T/r/fallen.blacklist")" "\"tbs:$tbs\"" 'the blacklist has its digest'
is "$(tail -c 32 "$T/r/fallen.tbs32.esl" | xxd -p -c32)" "$tbs" 'and so has the bare list'
ok 'the same again' modseal key revoke fallen --reason keyCompromise --from 2025-06-07 \
	--artefacts "$T/r" --json
is "$(jq -r '[.[].target] | join(" ")' <<<"$OUT")" 'blacklist revocation-keys dbx mokx' 'as JSON'
openssl req -x509 -newkey rsa:2048 -nodes -sha384 -keyout "$T/s.key" -out "$T/s.pem" -days 90 \
	-subj '/CN=SHA-384' 2>/dev/null
modseal key import sha384 "$T/s.key" --cert "$T/s.pem" >/dev/null 2>&1
mkdir "$T/p"
ok 'a certificate signed with SHA-384' modseal key enroll sha384 --for mokx --dir "$T/p"
[ ! -e "$T/p/sha384.tbs32.esl" ] && pass 'has no bare entry' || fail 'has no bare entry'
like "$OUT" 'no TBS entry in the form' 'which is said'

# Bad input.
fails 2 'no target' modseal key enroll dev
fails 2 'an unknown target' modseal key enroll dev --for moon
fails 2 'a GUID that is none' modseal key enroll dev --for db --owner 1234
fails 2 'a time that is none' modseal key enroll dev --for db --time soon
fails 2 'a signature without its time' modseal key enroll dev --for db --signature x
fails 1 'no such key' modseal key enroll nobody --for mok --dir "$d"
fails 1 'no such KEK' enroll kek db --kek nobody
one_line "$ERR" 'is said in one sentence'
[ ! -e "$d/kek.db.auth" ] && pass 'and nothing is signed' || fail 'and nothing is signed'
fails 1 'a signature that is none' enroll kek db --signature "$T/dev.pem"
ok 'a folder that is not there' modseal key enroll dev --for mok --dir "$T/made"
ok 'is made' test -s "$T/made/dev.der"
fails 1 'but none above it' modseal key enroll dev --for mok --dir "$T/none/none"
efi() { # QUERY FILE
	curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$T/a/agent.sock" \
		--data-binary "@$2" "http://modseal/v1/keys/kek/sign-efi?$1"
}
is "$(efi 'variable=db&time=1' "$T/dev.esl")" 200 'the API signs a list'
is "$(efi 'variable=Boot0001&time=1' "$T/dev.esl")" 400 'for no other variable'
is "$(efi 'variable=db' "$T/dev.esl")" 400 'not without a time'
is "$(efi 'variable=db&time=1' "$T/dev.der")" 400 'and nothing that is not a list'
is "$(efi 'variable=db&time=1' "$BUILD/modseal")" 400 'however large'
modseal key retire kek >/dev/null
fails 1 'a retired KEK' enroll issuer dbx --kek kek
like "$ERR" 'retired' 'signs nothing'
done_testing
