#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Types: a rule lets its own through and no other, and none passes for another.
. "$(dirname "$0")/lib.sh"

agent_start
digests() { # JSON
	curl -sS --max-time 60 --unix-socket "$T/a/agent.sock" --data-binary "$1" \
		"http://modseal/v1/keys/dev/sign-digests" >"$T/answer"
}
content() { # PARAMETERS FILE
	curl -sS --max-time 60 --unix-socket "$T/a/agent.sock" --data-binary @"$2" \
		"http://modseal/v1/keys/dev/sign?$1" >"$T/answer"
}
last() {
	records "SELECT record FROM audit WHERE event IN ('sign', 'refuse')
		ORDER BY seq DESC LIMIT 1"
}
request() { # TYPE FILE [HASH]
	jq -nc --arg t "$1" --arg n "${2##*/}" --arg h "${3:-sha256}" \
		--arg d "$("${3:-sha256}sum" "$2" | cut -d' ' -f1)" \
		'{hash: $h, type: $t, items: [{name: $n, digest: $d}]}'
}
code() { jq -r '.code // .items[0].error.code // "signed"' "$T/answer"; }
reason() { jq -r '.detail // .items[0].error.detail // "signed"' "$T/answer"; }
signature() { jq -r '.items[0].signature' "$T/answer" | base64 -d; }

modseal key cert dev >"$T/dev.pem"
openssl x509 -in "$T/dev.pem" -pubkey -noout >"$T/dev.pub"
make_module "$T/m.ko" m
printf 'some firmware' >"$T/fw.bin"
cms() { # CONTENT
	openssl cms -verify -inform DER -in "$T/sig" -content "$1" -binary -nointern \
		-certfile "$T/dev.pem" -CAfile "$T/dev.pem" -purpose any -out /dev/null
}

# The rule of a new agent is about modules.
for type in file fsverity ima raw; do
	digests "$(request "$type" "$T/fw.bin")"
	is "$(code)" rule-type "a rule without type signs nothing of type $type"
done
is "$(last | jq -r '.type + " " + .file + " " + .code')" 'raw fw.bin rule-type' \
	'the refusal is on record with its type'
content type=file "$T/fw.bin"
is "$(code)" rule-type 'nor a whole file'

content "type=file&path=$(printf '%05000d' 0)" "$T/fw.bin"
is "$(last | jq -r '.type + " " + .code')" 'file bad-request' \
	'also where something else was wrong'
content type=rpm "$T/fw.bin"
is "$(last | jq -r '.type + " " + .code')" 'unknown bad-request' 'and one that is none'

# By content.
agent_rule dev 'type = file
file = *.bin'
content 'type=file&name=fw.bin' "$T/fw.bin"
cp "$T/answer" "$T/sig"
ok 'a file by content' cms "$T/fw.bin"
is "$(last | jq -c '[.type, .file, .size, has("module")]')" '["file","fw.bin",13,false]' \
	'the record says so'
content 'type=file&name=fw.img' "$T/fw.bin"
is "$(code)" rule-file 'file = is heeded'
content 'name=m.ko' "$T/m.ko"
is "$(code)" rule-type 'a rule of files signs no module'
content 'type=file&name=m.bin' "$T/m.ko"
is "$(code)" is-a-module 'nor a module that is called a file'
printf '\x07\x09' | dd of="$T/m.ko" bs=1 seek=4 conv=notrunc status=none
content 'type=file&name=m.bin' "$T/m.ko"
is "$(code)" is-a-module 'nor with a header that libelf does not know'
openssl x509 -in "$T/dev.pem" -outform DER -out "$T/cert.bin"
content 'type=file&name=cert.bin' "$T/cert.bin"
cp "$T/answer" "$T/sig"
ok 'a certificate is a file' cms "$T/cert.bin"
openssl asn1parse -inform DER -in "$T/cert.bin" -strparse 4 -noout -out "$T/tbs.bin"
content 'type=file&name=tbs.bin' "$T/tbs.bin"
is "$(code)" is-to-be-signed 'what would be a certificate is not'
content 'type=ima&name=fw.bin' "$T/fw.bin"
is "$(code)" rule-type 'one type does not stand for another'
content 'type=raw&name=fw.bin' "$T/fw.bin"
is "$(code)" bad-request 'raw has no content'
digests "$(request file "$T/fw.bin")"
is "$(code)" content-required 'a digest is not content'
build=$(modseal build open --kernel 6.1.0 --key dev 2>&1) && fail 'no build' "$build"
like "$build" 'type module' 'no build is opened by a rule about files'

# By digest.
agent_rule dev 'type = file fsverity ima raw
content = digest'
digests "$(request file "$T/fw.bin")"
signature >"$T/sig"
ok 'a file by digest' cms "$T/fw.bin"
for type in ima raw; do
	for hash in sha256 sha384; do
		digests "$(request "$type" "$T/fw.bin" "$hash")"
		signature >"$T/sig"
		ok "$type, $hash: the bare signature" openssl dgst "-$hash" -verify "$T/dev.pub" \
			-signature "$T/sig" "$T/fw.bin"
	done
done
for hash in sha256 sha512; do
	digests "$(request fsverity "$T/fw.bin" "$hash")"
	signature >"$T/sig"
	fails 4 "fsverity, $hash: no signature of the digest itself" cms "$T/fw.bin"
	{
		printf 'FSVerity'
		[ "$hash" = sha256 ] && printf '\x01\x00\x20\x00' || printf '\x02\x00\x40\x00'
		openssl dgst "-$hash" -binary "$T/fw.bin"
	} >"$T/formatted"
	ok "fsverity, $hash: but of the structure that has it" cms "$T/formatted"
	is "$(last | jq -r .digest)" "$("${hash}sum" "$T/fw.bin" | cut -d' ' -f1)" \
		'the record has the digest'
done
digests "$(request fsverity "$T/fw.bin" sha384)"
is "$(code)" hash-not-allowed 'fs-verity has no sha384'
digests "$(request module "$T/fw.bin")"
is "$(code)" rule-type 'no module by a rule of files'
like "$(reason)" "a rule with 'type = module' and 'content = digest'" 'and what it takes'
digests "$(request nonsense "$T/fw.bin")"
is "$(code)" bad-request 'an unknown type'
digests "$(request raw "$T/fw.bin" | jq -c '.build = "x"')"
is "$(code)" build-type 'builds are of modules'
ok 'a digest is revoked' modseal revoke add "$(sha256sum "$T/fw.bin" | cut -d' ' -f1)"
for type in file ima raw fsverity; do
	digests "$(request "$type" "$T/fw.bin")"
	is "$(code)" denied "and not signed as $type"
done

# Explained, and in the log.
run modseal policy explain --key dev --type raw
is "$STATUS" 0 'explain --type'
run modseal policy explain --key dev
is "$STATUS" 1 'and without'
like "$OUT" "type = module" 'which says what is missing'
run modseal log search
like "$OUT" 'type=fsverity file=fw.bin digest=' 'log search has type and file'

# Keys that sign through builds only.
ok 'an issuing key' modseal key create issuer --custody leaf --alg p256
sed -i 's/^key = dev/key = dev issuer/' "$T/a/modseald.conf"
ok 'reload' modseal reload
curl -sS --unix-socket "$T/a/agent.sock" --data-binary "$(request raw /dev/null)" \
	http://modseal/v1/keys/issuer/sign-digests >"$T/answer"
is "$(code)" build-needed 'an issuing key signs nothing raw'

# Settings that do not go together.
bad() { # NAME LINES PATTERN
	printf '[rule x]\nwho = uid:1\nkey = k\n%s\n' "$2" >"$T/c.conf"
	run modseald -t -c "$T/c.conf"
	[ "$STATUS" -ne 0 ] && like "$ERR$OUT" "$3" "$1" || fail "$1"
}
bad 'type and kernel' 'type = file
kernel = 6.*' 'of modules and builds alone'
bad 'type and approvals' 'type = raw module
content = digest
build = required' 'build = required, which'
bad 'raw and content' 'type = raw' 'add content = digest'
bad 'file without type' 'file = *.bin' 'type = file'
bad 'an unknown type' 'type = sbsign' 'none of module'
agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'
done_testing
