#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Requests and certificates of outside CAs, backups, and the end of a key's life.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

agent_start
make_module "$T/m.ko" m

modseal key create sealed --alg p384 --subject 'Sealed one' >/dev/null
modseal key create resident --custody resident --alg p256 >/dev/null
modseal key create issuer --custody leaf >/dev/null

# A CA of somebody else's.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -days 90 \
	-subj '/CN=Outside CA' 2>/dev/null
certify() { # CSR DAYS EXTENSIONS...
	local csr=$1 days=$2
	shift 2
	printf '%s\n' "$@" >"$T/ext"
	openssl x509 -req -in "$csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial \
		-days "$days" -extfile "$T/ext" 2>/dev/null
}
for k in sealed resident issuer dev; do
	modseal key csr $k >"$T/$k.csr"
	ok "$k: a request" openssl req -in "$T/$k.csr" -verify -noout
	is "$(openssl req -in "$T/$k.csr" -noout -pubkey)" \
		"$(modseal key cert $k | openssl x509 -noout -pubkey)" 'has its public key'
	like "$(openssl req -in "$T/$k.csr" -noout -text)" 'Code Signing' \
		'and asks for code signing'
done
like "$(openssl req -in "$T/sealed.csr" -noout -subject)" 'Sealed one' 'with the subject'
signing=('basicConstraints=critical,CA:FALSE' 'extendedKeyUsage=codeSigning'
	'keyUsage=critical,digitalSignature' 'subjectKeyIdentifier=hash'
	'authorityKeyIdentifier=keyid')
for k in sealed resident; do
	certify "$T/$k.csr" 30 "${signing[@]}" >"$T/$k.crt"
	ok "$k: the CA's certificate is installed" modseal key install-cert $k "$T/$k.crt"
	ok 'it signs' signs $k
	ok 'and the CA stands behind it' openssl verify -CAfile "$T/ca.pem" -purpose any \
		"$T/$k.pem"
done
refused "not this key's" "another key's certificate" \
	modseal key install-cert dev "$T/sealed.crt"
refused 'no certificate' 'a text' modseal key install-cert dev "$T/ext"
cat "$T/sealed.crt" "$T/resident.crt" >"$T/two.pem"
refused '2 certificates' 'two of them' modseal key install-cert sealed "$T/two.pem"
certify "$T/issuer.csr" 30 "${signing[@]}" >"$T/no-ca.crt"
refused "CA's" 'an issuer needs a CA certificate' \
	modseal key install-cert issuer "$T/no-ca.crt"
certify "$T/sealed.csr" 30 'extendedKeyUsage=serverAuth' >"$T/server.crt"
refused 'code signing' 'a server certificate' \
	modseal key install-cert sealed "$T/server.crt"
refused 'no key' 'no such key' modseal key csr nobody

# Backup: openssl decrypts it, and what it decrypted is imported.
openssl req -x509 -newkey rsa:3072 -nodes -keyout "$T/r.key" -out "$T/r.pem" -days 30 \
	-subj '/CN=Safe' 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout "$T/e.key" \
	-out "$T/e.pem" -days 30 -subj '/CN=Safe' 2>/dev/null
refused 'leaves to nobody.*restart' 'a recipient that the configuration does not name' \
	modseal key export-backup sealed --to "$T/r.pem" -o "$T/no.cms"
[ ! -e "$T/no.cms" ] && pass 'no file came of it' || fail 'no file came of it'
for to in r e d; do
	[ $to != d ] || openssl req -x509 -newkey ed25519 -nodes -keyout "$T/d.key" \
		-out "$T/d.pem" -subj /CN=x 2>/dev/null
	allowed+="\\nbackup-recipients = $(openssl x509 -in "$T/$to.pem" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)"
done
sed -i "s/^admins.*/&$allowed/" "$T/a/modseald.conf"
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
for to in r e; do
	ok "a backup to $to" modseal key export-backup sealed --to "$T/$to.pem" -o "$T/$to.cms"
	is "$(stat -c %a "$T/$to.cms")" 600 'is for nobody else to read'
	ok 'openssl decrypts it' openssl cms -decrypt -inform PEM -in "$T/$to.cms" \
		-recip "$T/$to.pem" -inkey "$T/$to.key" -out "$T/$to.plain"
	is "$(openssl pkey -in "$T/$to.plain" -pubout)" "$(openssl x509 -in "$T/sealed.pem" \
		-noout -pubkey)" 'and has the key'
	ok 'it is restored' modseal key restore "again-$to" "$T/$to.plain"
	like "$ERR" 'still on disk' 'and what is left is said'
	ok 'and signs' signs "again-$to"
	same "$T/again-$to.pem" "$T/sealed.pem" 'with the same certificate'
done
like "$(openssl cms -cmsout -print -inform PEM -in "$T/r.cms")" \
	'rsaesOaep.*sha256.*aes-256-gcm' 'RSA-OAEP with SHA-256, AES-256-GCM'
like "$(openssl cms -cmsout -print -inform PEM -in "$T/e.cms")" \
	'sha256kdf.*aes-256-gcm' 'ECDH with SHA-256, AES-256-GCM'
for to in r e; do
	openssl x509 -in "$T/$to.pem" -noout -pubkey >"$T/$to.pub"
	openssl pkey -pubin -in "$T/$to.pub" -outform DER -out "$T/$to.spki"
	for form in pub spki; do
		ok "a backup to the bare key $to.$form" modseal key export-backup sealed \
			--to "$T/$to.$form" -o "$T/$to.$form.cms"
		ok 'openssl decrypts it' openssl cms -decrypt -inform PEM \
			-in "$T/$to.$form.cms" -inkey "$T/$to.key" -out "$T/$form.plain"
		same "$T/$form.plain" "$T/$to.plain" 'and has the same'
	done
done
like "$(openssl cms -cmsout -print -inform PEM -in "$T/r.pub.cms")" \
	'subjectKeyIdentifier.*rsaesOaep.*aes-256-gcm' 'named by its key'
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null |
	openssl pkey -pubout -out "$T/stranger.pub"
refused 'leaves to nobody.*restart' "a stranger's bare key" \
	modseal key export-backup sealed --to "$T/stranger.pub" -o "$T/no.cms"
openssl pkey -in "$T/d.key" -pubout -out "$T/d.pub"
refused 'RSA' 'a bare Ed25519 key' \
	modseal key export-backup sealed --to "$T/d.pub" -o "$T/no.cms"
cat "$T/r.spki" "$T/e.spki" >"$T/two.spki"
refused 'neither|no certificate|damaged' 'two bare keys in a row' \
	modseal key export-backup sealed --to "$T/two.spki" -o "$T/no.cms"
refused 'exists already' 'an existing file' \
	modseal key export-backup sealed --to "$T/r.pem" -o "$T/r.cms"
for k in resident issuer; do
	refused 'never leaves' "no backup of $k" \
		modseal key export-backup $k --to "$T/r.pem" -o "$T/no.cms"
done
refused 'RSA' 'an Ed25519 recipient' \
	modseal key export-backup sealed --to "$T/d.pem" -o "$T/no.cms"
[ ! -e "$T/no.cms" ] && pass 'no file came of these' || fail 'no file came of these'
fails 2 'no recipient' modseal key export-backup sealed -o "$T/no.cms"

# Expiry.
ok 'a key of one day' modseal key create short --custody resident --alg p256 --days 1
ok 'it signs' signs short
# OpenSSL 3.5 takes no negative -days.
modseal key csr short >"$T/short.csr"
(
	openssl() { faketime '3 days ago' openssl "$@"; }
	certify "$T/short.csr" 1 "${signing[@]}" >"$T/gone.crt"
)
refused 'expired' 'an expired certificate' modseal key install-cert short "$T/gone.crt"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/f.key"
openssl req -new -key "$T/f.key" -subj /CN=f -out "$T/f.csr"
printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\npolicy=p
default_md=sha256\n[p]\ncommonName=supplied\n' "$T/db" "$T/ser" "$T" >"$T/ca.cnf"
: >"$T/db"
echo 01 >"$T/ser"
openssl ca -batch -config "$T/ca.cnf" -cert "$T/ca.pem" -keyfile "$T/ca.key" -in "$T/f.csr" \
	-startdate 20380101000000Z -enddate 20390101000000Z -notext -out "$T/f.crt" 2>/dev/null
ok 'a certificate of the future is imported' modseal key import future "$T/f.key" \
	--cert "$T/f.crt"
fails_to_sign 'not valid before 2038-01-01' future

ok 'a list' modseal key list
like "$ERR" 'key short: .*expires in 0 days' 'warns of what expires soon'
like "$ERR" 'key future: .*not valid yet' 'and of what is not valid yet'
is "$(grep -c . <<<"$ERR")" 6 'and of the four with a certificate of 30 days, no more'
is "$(modseal key show dev --json | jq -c '[.strength, .warning]')" '[112,""]' \
	'dev has its strength and no warning'

# Retired and revoked.
ok 'retire' modseal key retire again-r --reason 'use again-e'
like "$OUT" 'State +retired' 'which it is then'
like "$OUT" 'use again-e' 'with its reason'
fails_to_sign 'retired.*use again-e' again-r
refused 'retired' 'twice' modseal key retire again-r
refused 'retired' 'no unlocking' modseal key unlock again-r --pin-fd 3 3<<<1234
refused 'retired' 'no request' modseal key csr again-r
modseal key cert again-r >/dev/null && pass 'its certificate is still there' ||
	fail 'its certificate is still there'
ok 'revoke a retired key' modseal key revoke again-r --reason superseded
like "$ERR" 'no CRL' 'without a CRL, which is said'
fails_to_sign 'revoked' again-r
fails 2 'no reason' modseal key revoke again-e
fails 2 'a reason of our own' modseal key revoke again-e --reason whatever
fails 2 'a time that is none' modseal key revoke again-e --reason superseded --from x
refused 'time before' 'a time to come' \
	modseal key revoke again-e --reason superseded --from 2999-01-01
ok 'it still signs' signs again-e
modseal key cert issuer >"$T/issuer.pem"
ok 'revoke an issuer' modseal key revoke issuer --reason keyCompromise --from 2024-02-29 \
	-o "$T/crl.pem"
ok 'its CRL is signed by it' openssl crl -in "$T/crl.pem" -CAfile "$T/issuer.pem" -noout
like "$ERR" 'verify OK' 'says openssl'
crl=$(openssl crl -in "$T/crl.pem" -noout -text)
like "$crl" 'Feb 29 00:00:00 2024' 'from that day on'
like "$crl" 'Key Compromise' 'for that reason'
like "$crl" "$(openssl x509 -in "$T/issuer.pem" -noout -serial | sed 's/.*=//')" 'that serial'
build=$(modseal build open --kernel 6.1.0-1-amd64 --key issuer 2>/dev/null)
cp "$T/m.ko" "$T/b.ko"
fails 1 'it issues no more leaves' modseal sign --key issuer --build "${build:-x}" "$T/b.ko"
same "$T/b.ko" "$T/m.ko" 'and the module is as it was'
is "$(sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit WHERE event IN
	('key-revoke', 'key-retire')" | jq -r .result | grep -c '^done')" 3 'all on record'

# Whoever did not get the list asks again; another reason is another question.
ok 'the same again' modseal key revoke issuer --reason keyCompromise -o "$T/crl2.pem"
same "$T/crl.pem" "$T/crl2.pem" 'hands out the same CRL'
refused 'revoked.*already' 'for another reason' \
	modseal key revoke issuer --reason superseded
# What is over does not come back under another name.
refused 'again-r, and it was revoked' 'a revoked key, restored' \
	modseal key restore anew "$T/r.plain"
[ ! -e "$T/a/state/keys/anew.key" ] && pass 'is not kept' || fail 'is not kept'

# So after a start, and a state that cannot be read is not taken for a good one.
dev-agent agent-stop "$T/a"
echo nonsense >"$T/a/state/keys/resident.state"
# As it is once its time is over: nothing of a key in the TPM depends on the certificate.
{
	sed '/BEGIN CERTIFICATE/,/END CERTIFICATE/d' "$T/a/state/keys/short.key"
	openssl x509 -in "$T/gone.crt"
} >"$T/short.new"
cat "$T/short.new" >"$T/a/state/keys/short.key"
cp "$T/a/state/keys/dev.key" "$T/a/state/keys/zcopy.key"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'it runs' wait_for 20 agent_alive
is "$(modseal key show again-r --json | jq -r .state)" revoked 'revoked stays revoked'
fails_to_sign 'state file' resident
fails_to_sign 'the certificate of key short expired on 20..-..-..' short
like "$(modseal key show short --json | jq -r .warning)" 'has expired' 'which is shown'
ok 'the others sign' signs dev
# One key under two names.
is "$(modseal key show zcopy --json | jq -r .state)" broken 'a copied file is no second key'
fails_to_sign 'zcopy.* is the key dev under another name' zcopy
like "$(modseal key list --json | jq -r '.keys[]? // .[] | select(.name == "zcopy").reason')" \
	'is the key dev under another name' 'which key list says'
like "$(modseal status --json)" 'is the key dev under another name' 'and status'
like "$(cat "$T"/a/*log*)" 'key zcopy is not loaded: it is the key dev' 'and the log'
fails_to_sign 'sealed.* is the key again-r under another name, which was revoked' sealed
sed -i 's/^admins *=.*/admins = uid:4242/' "$T/a/modseald.conf"
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'it runs' wait_for 20 agent_alive
for c in csr retire 'revoke --reason superseded'; do
	# shellcheck disable=SC2086 # words
	refused 'may not' "$c is for admins" modseal key $c sealed
done
done_testing
