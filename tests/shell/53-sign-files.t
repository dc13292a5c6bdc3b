#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that are no modules: each format is checked by its own tool.
. "$(dirname "$0")/lib.sh"

agent_start
tool() { # NAME: is it here? Loudly, if it is not
	command -v "$1" >/dev/null || { skip 1 "$1 is not installed" && return 1; }
}
modseal key cert dev >"$T/dev.pem"
openssl x509 -in "$T/dev.pem" -outform DER -out "$T/dev.der"
cms() { # SIGNATURE CONTENT
	openssl cms -verify -inform DER -in "$1" -content "$2" -binary -nointern \
		-certfile "$T/dev.pem" -CAfile "$T/dev.pem" -purpose any -out /dev/null
}
printf 'some firmware' >"$T/fw.bin"
cp "$T/fw.bin" "$T/before"

fails 1 'a rule about modules signs no file' modseal sign --detached "$T/fw.bin"
like "$ERR" 'type = file' 'and says what is missing'
ok 'nothing is written' test ! -e "$T/fw.bin.p7s"

agent_rule '*' 'type = file fsverity ima
content = digest'

# CMS
ok 'detached' modseal sign --detached "$T/fw.bin"
ok 'openssl verifies it' cms "$T/fw.bin.p7s" "$T/fw.bin"
ok 'the file is as it was' cmp "$T/fw.bin" "$T/before"
printf 'x' >>"$T/fw.bin"
fails 4 'a tampered file is not' cms "$T/fw.bin.p7s" "$T/fw.bin"
cp "$T/before" "$T/fw.bin"
name=$'f\n \xff\xe9'
cp "$T/fw.bin" "$T/$name"
: >"$T/empty"
ok 'several, with odd names, and an empty one' \
	modseal sign --format detached --hash sha512 --keyid "$T/$name" "$T/empty"
ok 'odd name' cms "$T/$name.p7s" "$T/$name"
ok 'empty' cms "$T/empty.p7s" "$T/empty"
run modseal sign --json --detached "$T/fw.bin" "$T/none" "$T/a"
is "$STATUS" 1 'one that is not there'
sum=$(sha256sum "$T/fw.bin" | cut -d' ' -f1)
is "$(jq -c '[.signed, .failed, .format, .files[0].digest]' <<<"$OUT")" \
	"[1,2,\"detached\",\"$sum\"]" 'does not spoil the others'
like "$ERR" 'is a directory' 'a directory is refused'
mkfifo "$T/fifo"
fails 1 'so is a FIFO' timeout 20 modseal sign --detached "$T/fifo"
fails 1 'and a device' modseal sign --detached /dev/null
ln -s fw.bin "$T/link"
ok 'a symlink to a file' modseal sign --format detached "$T/link"
ok 'is signed beside itself' cms "$T/link.p7s" "$T/fw.bin"
ok '--dest' modseal sign --detached --dest "$T/else.p7s" "$T/fw.bin"
ok 'goes there' cms "$T/else.p7s" "$T/fw.bin"
make_module "$T/m.ko" m
fails 1 'a module is no file' modseal sign --format detached "$T/m.ko"
fails 2 'modules and files at once' modseal sign --detached "$T/m.ko" "$T/fw.bin"
truncate -s 513M "$T/large"
ok 'more than a module may have' modseal sign --detached "$T/large"
ok 'is signed by its digest' cms "$T/large.p7s" "$T/large"
fails 1 'and not by its content' modseal sign --detached --by-content "$T/large"
rm "$T/large"
mkdir "$T/readonly"
cp "$T/fw.bin" "$T/readonly"
if [ "$(id -u)" -ne 0 ]; then
	chmod 555 "$T/readonly"
	fails 1 'a folder that cannot be written' modseal sign --detached "$T/readonly/fw.bin"
fi

# fs-verity
verity() { # FILE HASH: the structure that is signed, by the other tool's digest
	printf 'FSVerity'
	[ "$2" = sha256 ] && printf '\x01\x00\x20\x00' || printf '\x02\x00\x40\x00'
	fsverity digest --compact --hash-alg "$2" "$1" | xxd -r -p
}
ok 'fsverity' modseal sign --format fsverity "$T/fw.bin"
if tool fsverity; then
	head -c 600000 /dev/urandom >"$T/medium"
	for hash in sha256 sha512; do
		ok "fsverity, $hash" modseal sign --format fsverity --hash "$hash" \
			"$T/medium" "$T/empty"
		for f in medium empty; do
			verity "$T/$f" "$hash" >"$T/formatted"
			ok "$f: openssl verifies it" cms "$T/$f.sig" "$T/formatted"
		done
	done
	# The same key in the other tool: the same signature in the same kind of message.
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/k.pem" -out "$T/k.crt" -days 2 \
		-subj /CN=verity -addext extendedKeyUsage=codeSigning \
		-addext keyUsage=digitalSignature 2>/dev/null
	ok 'import' modseal key import verity "$T/k.pem" --cert "$T/k.crt"
	ok 'sign' modseal sign --key verity --format fsverity "$T/medium"
	fsverity sign "$T/medium" "$T/theirs.sig" --key="$T/k.pem" --cert="$T/k.crt" >/dev/null
	value() { openssl asn1parse -inform DER -in "$1" | sed -n 's/.*OCTET STRING.*DUMP]://p' |
		tail -n1; }
	is "$(value "$T/medium.sig")" "$(value "$T/theirs.sig")" 'the value of fsverity sign'
	is "$(openssl asn1parse -inform DER -in "$T/medium.sig" | grep -v NULL |
		sed 's/.*prim: *//; s/.*cons: *//')" \
		"$(openssl asn1parse -inform DER -in "$T/theirs.sig" | grep -v NULL |
			sed 's/.*prim: *//; s/.*cons: *//')" 'in a message of the same parts'
fi
fails 2 'fsverity has no sha384' modseal sign --format fsverity --hash sha384 "$T/fw.bin"
fails 2 'nor --by-content' modseal sign --format fsverity --by-content "$T/fw.bin"

# IMA
ok 'ima' modseal sign --format ima "$T/fw.bin"
is "$(head -c3 "$T/fw.bin.sig" | xxd -p)" 030204 'version 2, SHA-256'
if tool evmctl; then
	for hash in sha256 sha512; do
		ok "ima, $hash" modseal sign --format ima --hash "$hash" "$T/fw.bin" "$T/empty"
		ok 'evmctl verifies it' evmctl ima_verify --sigfile --key "$T/dev.der" \
			"$T/fw.bin"
	done
	printf 'x' >>"$T/fw.bin"
	run evmctl ima_verify --sigfile --key "$T/dev.der" "$T/fw.bin"
	[ "$STATUS" -ne 0 ] && pass 'not when it was tampered with' || fail 'tampered' "$OUT$ERR"
	cp "$T/before" "$T/fw.bin"
	ok 'a P-256 key' modseal key create curve --alg p256 --custody sealed
	modseal key cert --der curve >"$T/curve.der"
	ok 'ima, P-256' modseal sign --key curve --format ima "$T/fw.bin"
	ok 'evmctl verifies it' evmctl ima_verify --sigfile --key "$T/curve.der" "$T/fw.bin"
fi
rm -f "$T/fw.bin.sig"
run modseal sign --format ima --xattr "$T/fw.bin"
if [ "$STATUS" -eq 0 ]; then
	is "$(getfattr -n security.ima -e hex --only-values "$T/fw.bin" 2>/dev/null | head -c3 |
		xxd -p)" 030204 'security.ima'
else
	like "$ERR" 'security.ima cannot be set' 'without rights --xattr says so'
fi
ok 'and no file is made' test ! -e "$T/fw.bin.sig"
fails 2 '--xattr is of ima' modseal sign --format fsverity --xattr "$T/fw.bin"

# IMA's appended signature
take_apart() { # FILE: content and message, by the length before the marker
	local size
	size=$(stat -c %s "$1")
	[ "$(tail -c 28 "$1")" = '~Module signature appended~' ] || return 1
	local n=$((16#$(tail -c 32 "$1" | head -c 4 | xxd -p)))
	head -c $((size - 40 - n)) "$1" >"$T/content"
	tail -c $((40 + n)) "$1" | head -c "$n" >"$T/message"
}
cp "$T/fw.bin" "$T/app"
chmod 640 "$T/app"
ok 'ima-appended' modseal sign --format ima-appended "$T/app"
ok 'has a trailer' take_apart "$T/app"
ok 'the content is as it was' cmp "$T/content" "$T/before"
ok 'openssl verifies it' cms "$T/message" "$T/content"
is "$(stat -c %a "$T/app")" 640 'the mode is kept'
ok 'again' modseal sign --format ima-appended --hash sha384 "$T/app"
take_apart "$T/app"
ok 'replaces the first one' cmp "$T/content" "$T/before"
fails 1 'nothing to append to' modseal sign --format ima-appended "$T/empty"
printf 'x~Module signature appended~\n' >"$T/damaged"
fails 1 'a damaged trailer' modseal sign --format ima-appended "$T/damaged"

# Another answer than what was asked for; a file that changes.
ok 'a rule of fsverity only' true
agent_rule '*' 'type = fsverity
content = digest'
fails 1 'one type does not stand for another' modseal sign --format ima "$T/fw.bin"
agent_rule '*' 'type = file ima'
rm -f "$T"/fw.bin.*
fails 1 'content is asked for' modseal sign --detached "$T/fw.bin"
like "$ERR" '--by-content' 'and how to send it'
ok '--by-content' modseal sign --detached --by-content "$T/fw.bin"
ok 'openssl verifies it' cms "$T/fw.bin.p7s" "$T/fw.bin"
ok 'ima --by-content' modseal sign --format ima --by-content "$T/fw.bin"
command -v evmctl >/dev/null &&
	ok 'evmctl verifies it' evmctl ima_verify --sigfile --key "$T/dev.der" "$T/fw.bin"

# What goes with what.
fails 2 'a format that is not there' modseal sign --format sbsign "$T/fw.bin"
fails 2 '--recursive' modseal sign --format ima -r "$T"
fails 2 '--build' modseal sign --format ima --build x "$T/fw.bin"
fails 2 '--by-content of modules' modseal sign --by-content "$T/m.ko"
fails 2 'no file' modseal sign --format ima
agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'
dev-agent agent-stop "$T/a"
fails 3 'no agent' modseal sign --detached "$T/fw.bin"
done_testing
