#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libmodseal-pkcs11.so in the programs of others: what they sign with it is good by a tool
# that knows nothing of it, and they sign nothing that the agent's rules do not let through.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tls.sh"

module=$BUILD/libmodseal-pkcs11.so
# The host program would need the sanitizer's library first.
! grep -q fsanitize "$BUILD/.flags" || skip_all 'built with a sanitizer'

agent_start
ok 'a key for ECDSA' modseal key create ec --alg p384
records() { sqlite3 -readonly "$T/a/state/audit.db" "$1"; }
last() {
	records "SELECT record FROM audit WHERE event IN ('sign', 'refuse')
		ORDER BY seq DESC LIMIT 1"
}
signed() { records "SELECT COUNT(*) FROM audit WHERE event = 'sign'"; }
for key in dev ec; do
	modseal key cert $key >"$T/$key.pem"
	openssl x509 -in "$T/$key.pem" -noout -pubkey >"$T/$key.pub"
done
id_of() {
	openssl x509 -in "$T/$1.pem" -noout -ext subjectKeyIdentifier |
		sed -n '2s/[ :]//gp' | tr 'A-F' 'a-f'
}
dev=$(id_of dev) ec=$(id_of ec)
printf 'some firmware' >"$T/fw"
make_module "$T/m.ko" m
uri='pkcs11:token=modseal;object=dev'
token() { pkcs11-tool --module "$module" "$@"; }

is "$(nm -D --defined-only "$module" | awk '{print $3}')" C_GetFunctionList \
	'one symbol leaves the library'

# What pkcs11-tool sees.
ok 'the token is listed' token -L
like "$OUT" 'token label *: modseal' 'by its label'
unlike "$OUT" 'login required' 'no PIN is wanted'
ok 'and its mechanisms' token -M
is "$(grep -c 'sign' <<<"$OUT")" 8 'eight of them sign'
unlike "$OUT" 'decrypt|SHA-1|SHA1|RSA-X-509|PSS' 'and do nothing else'
ok 'its objects are listed' token -O
for class in 'Certificate Object' 'Public Key Object; RSA 2048 bits' 'Private Key Object; RSA' \
	'Public Key Object; EC' 'Private Key Object; EC'; do
	like "$OUT" "$class" "there is a $class"
done
is "$(grep -c "ID: *$dev" <<<"$OUT")" 3 'the three of a key have one ID'
ok 'the certificate can be read' token --read-object --type cert --id "$dev" -o "$T/got.der"
ok 'it is the key'\''s' cmp "$T/got.der" <(openssl x509 -in "$T/dev.pem" -outform DER)
ok 'and the public key' token --read-object --type pubkey --id "$dev" -o "$T/got.der"
ok 'it is the key'\''s, too' cmp "$T/got.der" \
	<(openssl pkey -pubin -in "$T/dev.pub" -outform DER)

ok 'pkcs11-tool --test finds nothing wrong' token --test
like "$OUT" 'No errors' 'and says so'

# Without a rule of type raw.
sign() { # MECHANISM ID FILE
	rm -f "$T/sig"
	token --sign -m "$1" --id "$2" -i "$3" -o "$T/sig" --signature-format openssl
}
before=$(signed)
fails any 'a rule about modules does not do' sign SHA256-RSA-PKCS "$dev" "$T/fw"
like "$ERR" "libmodseal-pkcs11: key dev did not sign: .*type = raw" 'one sentence says why'
ok 'nothing was written' test ! -s "$T/sig"
is "$(last | jq -r '[.event, .type, .file, .code] | join(" ")')" \
	'refuse raw pkcs11:pkcs11-tool rule-type' 'the refusal is on record'
is "$(signed)" "$before" 'and no signature'

printf '\n[rule raw]\nwho = uid:%s\nkey = *\ntype = raw\ncontent = digest\n' "$(id -u)" \
	>>"$T/a/modseald.conf"
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a" || bail_out 'no agent with the rule'

good() { # HASH KEY
	openssl dgst "-$1" -verify "$T/$2.pub" -signature "$T/sig" "$T/fw"
}
for hash in sha256 sha384 sha512; do
	ok "RSA, $hash by the token" sign "${hash^^}-RSA-PKCS" "$dev" "$T/fw"
	ok 'openssl finds it good' good $hash dev
	ok "ECDSA, $hash by the token" sign "ECDSA-${hash^^}" "$ec" "$T/fw"
	ok 'openssl finds it good' good $hash ec
	openssl dgst "-$hash" -binary "$T/fw" >"$T/digest"
	ok "ECDSA of a digest, $hash" sign ECDSA "$ec" "$T/digest"
	ok 'openssl finds it good' good $hash ec
done
is "$(last | jq -r '[.event, .type, .key, .file, .identity, .rule] | join(" ")')" \
	"sign raw ec pkcs11:pkcs11-tool uid:$(id -u) raw" 'the record says who signed with what'
info() { # HEX: of DigestInfo before the digest
	xxd -r -p <<<"$1"
}
{ info 3031300d060960864801650304020105000420 && openssl dgst -sha256 -binary "$T/fw"; } \
	>"$T/info"
ok 'RSA of a DigestInfo' sign RSA-PKCS "$dev" "$T/info"
ok 'openssl finds it good' good sha256 dev
MODSEAL_PKCS11_NAME=firmware-7 sign RSA-PKCS "$dev" "$T/info" >"$T/log" 2>&1
is "$(last | jq -r .file)" firmware-7 'it may be named for the record'

# Only digests of what modseal signs.
before=$(signed)
openssl dgst -sha256 -binary "$T/fw" >"$T/digest"
fails any 'a digest is no DigestInfo' sign RSA-PKCS "$dev" "$T/digest"
like "$ERR" 'CKR_DATA_INVALID' 'by its code'
like "$ERR" 'libmodseal-pkcs11: nothing was signed: the data is no DigestInfo' 'and a sentence'
{ info 3021300906052b0e03021a05000414 && openssl dgst -sha1 -binary "$T/fw"; } >"$T/info1"
fails any 'nor is SHA-1 signed' sign RSA-PKCS "$dev" "$T/info1"
like "$ERR" 'a hash that modseal does not sign' 'and it says so'
openssl dgst -sha1 -binary "$T/fw" >"$T/digest"
fails any 'nor by ECDSA' sign ECDSA "$ec" "$T/digest"
head -c 256 /dev/zero >"$T/zeros"
fails any 'nor a block of 256 bytes' sign RSA-PKCS "$dev" "$T/zeros"
is "$(signed)" "$before" 'the agent signed none of them'

# A PIN is nobody's business here.
rm -f "$T/sig"
ok 'a PIN does not hurt' token --login --pin 1234 --sign -m SHA256-RSA-PKCS --id "$dev" \
	-i "$T/fw" -o "$T/sig"
ok 'and the signature is good' good sha256 dev

# OpenSSL through libp11's engine.
export PKCS11_MODULE_PATH=$module
PATH=$TOP/test-vm:$PATH
cp "$T/m.ko" "$T/ref.ko"
ok 'modseal signs a module' modseal sign --key dev "$T/ref.ko"
if openssl engine pkcs11 >/dev/null 2>&1; then
	for key in dev ec; do
		rm -f "$T/sig"
		ok "openssl dgst with $key" openssl dgst -engine pkcs11 -keyform engine -sha256 \
			-sign "pkcs11:token=modseal;object=$key" -out "$T/sig" "$T/fw"
		ok 'the signature is good' good sha256 $key
	done
	ok 'openssl makes the message of sign-file' openssl cms -sign -binary -noattr \
		-nocerts -nosmimecap -engine pkcs11 -keyform engine -inkey "$uri" \
		-signer "$T/dev.pem" -md sha256 -in "$T/m.ko" -outform DER -out "$T/p7s"
	size=$(stat -c %s "$T/m.ko") end=$(stat -c %s "$T/ref.ko")
	ok 'byte for byte the same' cmp "$T/p7s" \
		<(tail -c +$((size + 1)) "$T/ref.ko" | head -c $((end - size - 40)))
	fails any 'a key that is not there' openssl dgst -engine pkcs11 -keyform engine -sha256 \
		-sign 'pkcs11:token=modseal;object=nobody' -out "$T/none" "$T/fw"
else
	skip 7 'libengine-pkcs11-openssl is missing: run scripts/install-deps'
fi

# The kernel's own sign-file asks OpenSSL 3 for a provider, which Debian 13 has and Debian 12
# has not. So it is Debian 13's, with its own libraries.
if debian13=$(fetch-kernel sign-file-13 2>"$T/log"); then
	kernel() {
		OPENSSL_MODULES=$debian13/libraries/ossl-modules PKCS11_PROVIDER_MODULE=$module \
			"$debian13/loader" --library-path "$debian13/libraries" \
			"$debian13/sign-file" "$@"
	}
	for key in dev ec; do
		for hash in sha256 sha512; do
			rm -f "$T/out.ko"
			ok "sign-file $hash with $key" kernel $hash \
				"pkcs11:token=modseal;object=$key" "$T/$key.pem" \
				"$T/m.ko" "$T/out.ko"
			ok 'modseal-verify finds it good' modseal-verify verify \
				--anchor "$T/$key.pem" "$T/out.ko"
		done
	done
	is "$(last | jq -r '.file + " " + .hash')" 'pkcs11:sign-file sha512' 'it is on record'
	kernel sha256 "$uri" "$T/dev.pem" "$T/m.ko" "$T/out.ko"
	same "$T/out.ko" "$T/ref.ko" 'byte for byte as modseal signs'
	fails any 'a key that is not there' kernel sha256 'pkcs11:token=modseal;object=nobody' \
		"$T/dev.pem" "$T/m.ko" "$T/none.ko"
	ok 'leaves nothing' test ! -s "$T/none.ko"
else
	diag "$(cat "$T/log")"
	skip 12 'Debian 13'\''s sign-file is not to be had here'
fi

# EFI programs.
efi=$(find /usr/lib/efitools -name HelloWorld.efi 2>/dev/null | head -n 1)
if [ -n "$efi" ] && command -v sbsign >/dev/null && openssl engine pkcs11 >/dev/null 2>&1; then
	ok 'sbsign' sbsign --engine pkcs11 --key "$uri" --cert "$T/dev.pem" \
		--output "$T/s.efi" "$efi"
	ok 'sbverify finds it good' sbverify --cert "$T/dev.pem" "$T/s.efi"
	fails any 'and not with another certificate' sbverify --cert "$T/ec.pem" "$T/s.efi"
	is "$(last | jq -r .file)" pkcs11:sbsign 'the record names sbsign'
else
	skip 4 'efitools, sbsigntool or libengine-pkcs11-openssl is missing'
fi
if [ -n "$efi" ] && command -v osslsigncode >/dev/null; then
	ok 'osslsigncode' osslsigncode sign -pkcs11module "$module" -key "$uri" \
		-certs "$T/dev.pem" -h sha256 -in "$efi" -out "$T/o.efi"
	ok 'it finds it good itself' osslsigncode verify -CAfile "$T/dev.pem" -in "$T/o.efi"
	ok 'and so does sbverify' sbverify --cert "$T/dev.pem" "$T/o.efi"
else
	skip 3 'osslsigncode is missing: run scripts/install-deps'
fi

# GnuTLS.
if command -v p11tool >/dev/null; then
	ok 'p11tool' p11tool --provider "$module" --test-sign "$uri;type=private"
	like "$OUT$ERR" 'public key in the token\.\.\. ok' 'verifies what it had signed'
	ok 'it reads a public key' p11tool --provider "$module" --export-pubkey \
		'pkcs11:token=modseal;object=ec;type=public' --outfile "$T/got.pub"
	ok 'which is that of openssl' cmp <(openssl pkey -pubin -in "$T/got.pub") "$T/ec.pub"
else
	skip 4 'gnutls-bin is missing: run scripts/install-deps'
fi

# Several threads, each with a session; children of a process that signs.
ok 'threads and children' pkcs11-threads "$module" dev 4 25
is "$OUT" 100 'each had its signatures'

# An agent on another host.
local_agent=$MODSEAL_AGENT
if tls_ca && tls_cert builder /CN=builder-1 clientAuth; then
	printf '[rule remote]\nwho = cert:CN=builder-1\nkey = dev\ntype = raw\ncontent = digest\n' \
		>>"$T/a/modseald.conf"
	tls_agent || bail_out 'no agent with TLS'
	printf 'tls-%s\n' "ca = $T/ca/ca.pem" "cert = $T/ca/builder.pem" \
		"key = $T/ca/builder.key" >"$T/modseal.conf"
	export MODSEAL_CONFIG=$T/modseal.conf MODSEAL_AGENT=https://localhost:$TLS_PORT
	ok 'RSA over TLS' sign SHA256-RSA-PKCS "$dev" "$T/fw"
	ok 'openssl finds it good' good sha256 dev
	is "$(last | jq -r .identity)" cert:CN=builder-1 'the record has the certificate'
	if openssl engine pkcs11 >/dev/null 2>&1; then
		rm -f "$T/sig"
		ok 'by the engine, too' openssl dgst -engine pkcs11 -keyform engine -sha256 \
			-sign "$uri" -out "$T/sig" "$T/fw"
		ok 'openssl finds it good' good sha256 dev
	else
		skip 2 'libengine-pkcs11-openssl is missing'
	fi
	ok 'threads and children' pkcs11-threads "$module" dev 2 5
	unset MODSEAL_CONFIG
	MODSEAL_AGENT=$local_agent
else
	bail_out "no CA: $(cat "$T/ca/log")"
fi

# Things go wrong.
before=$(signed)
dev-agent agent-stop "$T/a"
fails any 'no agent' sign SHA256-RSA-PKCS "$dev" "$T/fw"
like "$ERR" 'libmodseal-pkcs11: no agent at .*: start modseald' 'one sentence says so'
fails any 'somebody looks for certificates' token -O --type cert
unlike "$ERR" 'libmodseal-pkcs11' 'and is not told of an agent that nobody asked for'
dev-agent agent-start "$T/a"
ok 'with the agent it signs again' sign SHA256-RSA-PKCS "$dev" "$T/fw"
MODSEAL_AGENT=nonsense fails any 'a bad address' sign SHA256-RSA-PKCS "$dev" "$T/fw"
like "$ERR" 'MODSEAL_AGENT: the agent.s address must be' 'is named'
ok 'a key retires' modseal key retire ec
ok 'the objects again' token -O
unlike "$OUT" "$ec" 'a retired key is no more among them'

done_testing
