#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify file: what modseal, openssl, fsverity and evmctl have signed, and what is
# wrong with what was tampered with.
. "$(dirname "$0")/lib.sh"

agent_start
agent_config '/^key = /a type = file fsverity ima\ncontent = digest'
modseal key cert dev >"$T/dev.pem"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/o.key" -out "$T/o.pem" -days 2 \
	-subj /CN=other -addext keyUsage=digitalSignature 2>/dev/null
openssl x509 -in "$T/o.pem" -outform DER -out "$T/o.der"

verify() { modseal-verify file --no-stored --anchor "$T/dev.pem" "$@"; }
format() { jq -r "[.files[].signatures[] | .format // \"none\"] | join(\" \")" <<<"$OUT"; }
finds() { # NAME STATUS CODE... -- ARGUMENTS: these findings and no others
	local name=$1 want=$2 codes=()
	shift 2
	while [ "$1" != -- ]; do
		codes+=("$1")
		shift
	done
	shift
	run modseal-verify file --no-stored --json "$@"
	local got
	got=$(jq -r '[.files[].signatures[].findings[].code] | unique | join(" ")' <<<"$OUT")
	is "$STATUS $got" "$want ${codes[*]}" "$name"
}

cat >"$T/schema.py" <<'END'
import json, jsonschema, sys
schema = json.load(open("docs/schema/modseal-verify.schema.json"))
schema["$ref"] = "#/$defs/files"
for name in "type", "required", "additionalProperties", "properties":
    schema.pop(name)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[1])))
END

head -c 300000 /dev/urandom >"$T/f"
printf 'y' | dd of="$T/f" bs=1 seek=150000 conv=notrunc status=none # no x, for later
fails 1 'a file without a signature' verify "$T/f"
like "$OUT" 'UNSIGNED' 'is found to be unsigned'
like "$OUT" 'it carries no signature, and beside it there is neither FILE.p7s nor FILE.sig' \
	'and where a signature was looked for'
fails 1 'verify: what is no module and has no signature' modseal-verify verify \
	--no-stored --anchor "$T/dev.pem" "$T/f"
like "$OUT" 'UNSIGNED, NOT A MODULE' 'is both'
is "$(grep -c 'do: ' <<<"$OUT")" 1 'with one piece of advice'
like "$OUT" 'do: .*modseal-verify file FILE' 'which names what checks files'
fails 1 'explain: the same' modseal-verify explain --no-stored --anchor "$T/dev.pem" "$T/f"
is "$(grep -c 'do: ' <<<"$OUT")" 1 'one piece of advice'
fails 2 'explain: a folder' modseal-verify explain --no-stored --anchor "$T/dev.pem" "$T"
like "$ERR" 'is a folder: name a module, or check all of it with .modseal-verify verify' \
	'is said to be one'
one_line "$ERR" 'in one sentence'
for format in detached fsverity ima; do
	for hash in sha256 sha512; do
		rm -f "$T"/f.p7s "$T"/f.sig
		modseal sign -q --format "$format" --hash "$hash" "$T/f"
		run verify --json "$T/f"
		is "$STATUS $(format)" "0 $format" "$format, $hash: trusted"
	done
	like "$OUT" '"CN=dev"' 'and by whom'
	printf '%s' "$OUT" >"$T/doc.json"
	ok 'in the form of the schema' python3 "$T/schema.py" "$T/doc.json"
	sig=$(echo "$T"/f.???)
	cp "$sig" "$T/good"
	cp "$T/f" "$T/f.good"
	printf 'x' | dd of="$T/f" bs=1 seek=150000 conv=notrunc status=none
	finds "$format: a tampered file" 1 bad-signature -- --anchor "$T/dev.pem" "$T/f"
	cp "$T/f.good" "$T/f"
	printf '\xff\xff\xff' | dd of="$sig" bs=1 seek=$(($(stat -c %s "$sig") - 60)) \
		conv=notrunc status=none
	finds "$format: a tampered signature" 1 bad-signature -- --anchor "$T/dev.pem" "$T/f"
	cp "$T/good" "$sig"
	finds "$format: another key" 1 unknown-signer -- --anchor "$T/o.pem" "$T/f"
	printf x >>"$sig"
	[ "$format" = ima ] && code=malformed-signature || code=trailing-bytes
	finds "$format: something behind it" 1 "$code" -- --anchor "$T/dev.pem" "$T/f"
	head -c 100 "$T/good" >"$sig"
	finds "$format: cut off" 1 malformed-signature -- --anchor "$T/dev.pem" "$T/f"
	: >"$sig"
	finds "$format: empty" 1 malformed-signature -- --anchor "$T/dev.pem" "$T/f"
	cp "$T/good" "$T/elsewhere"
	rm "$sig"
	ok "$format: --signature" verify --signature "$T/elsewhere" "$T/f"
done
cp "$T/f" "$T/app"
modseal sign -q --format ima-appended "$T/app"
run verify --json "$T/app"
is "$STATUS $(format)" '0 ima-appended' 'appended: trusted'
is "$(jq -r '.files[0].signatures[0].digest' <<<"$OUT")" \
	"sha256:$(sha256sum "$T/f" | cut -d' ' -f1)" 'its digest is the content'"'"'s'
cp "$T/app" "$T/app2"
printf 'x' | dd of="$T/app2" bs=1 seek=7 conv=notrunc status=none
finds 'appended: tampered' 1 bad-signature -- --anchor "$T/dev.pem" "$T/app2"
{ cat "$T/app"; tail -c +300001 "$T/app"; } >"$T/app2"
finds 'appended: twice' 1 bad-signature nested-signature -- --anchor "$T/dev.pem" "$T/app2"
printf 'x~Module signature appended~\n' >"$T/app2"
finds 'appended: damaged' 1 malformed-signature -- --anchor "$T/dev.pem" "$T/app2"

# All that a file has must be good.
modseal sign -q --detached "$T/f"
modseal sign -q --format ima "$T/f"
run verify --json "$T/f"
is "$STATUS $(format)" '0 detached ima' 'two signatures'
printf 'x' >"$T/f.sig"
run verify "$T/f"
is "$STATUS" 1 'and one that is bad spoils it'
rm "$T/f.sig"
: >"$T/empty"
modseal sign -q --detached "$T/empty"
modseal sign -q --format fsverity "$T/empty"
run verify --json "$T/empty"
is "$STATUS $(format)" '0 detached fsverity' 'an empty file'

# What others have signed.
cms() { openssl cms -sign -binary -in "$T/f" -signer "$T/o.pem" -inkey "$T/o.key" \
	-outform DER -out "$T/f.p7s" "$@"; }
cms -noattr -nocerts
finds 'openssl cms' 0 -- --anchor "$T/o.pem" "$T/f"
cms -noattr
finds 'with its certificate' 0 -- --anchor "$T/o.pem" "$T/f"
cms -nocerts
finds 'with signed attributes' 1 signed-attributes -- --anchor "$T/o.pem" "$T/f"
printf small >"$T/f"
cms -noattr -nocerts -nodetach
finds 'with the content' 1 embedded-content -- --anchor "$T/o.pem" "$T/f"
cms -noattr -nocerts -md sha1
finds 'with SHA-1' 1 weak-digest -- --anchor "$T/o.pem" "$T/f"
cms -noattr -nocerts -signer "$T/o.pem" -inkey "$T/o.key"
finds 'with two signers' 1 extra-signer -- --anchor "$T/o.pem" "$T/f"
cms -noattr -nocerts
sum=$(sha256sum "$T/f" | cut -d' ' -f1)
echo "{\"version\":1,\"number\":1,\"issued\":\"2020-01-01T00:00:00Z\",\"expires\":\
\"2099-01-01T00:00:00Z\",\"entries\":[{\"digest\":\"sha256:$sum\"}]}" >"$T/list.json"
run modseal-verify revocations --no-stored --revocations "$T/list.json"
if [ "$STATUS" -eq 0 ]; then
	finds 'a revoked file' 1 revoked-module -- --anchor "$T/o.pem" \
		--revocations "$T/list.json" "$T/f"
else
	fail 'the list of what is revoked is read' "$ERR"
fi
rm "$T/f.p7s"
if command -v evmctl >/dev/null; then
	evmctl ima_sign --sigfile --key "$T/o.key" -a sha256 "$T/f" >/dev/null 2>&1
	finds 'evmctl ima_sign' 0 -- --anchor "$T/o.pem" "$T/f"
	rm -f "$T/f.sig"
fi
if command -v fsverity >/dev/null; then
	fsverity sign "$T/f" "$T/f.sig" --key="$T/o.key" --cert="$T/o.pem" >/dev/null
	finds 'fsverity sign' 0 -- --anchor "$T/o.pem" "$T/f"
	fsverity sign --hash-alg=sha512 "$T/f" "$T/f.sig" --key="$T/o.key" \
		--cert="$T/o.pem" >/dev/null
	finds 'fsverity sign, SHA-512' 0 -- --anchor "$T/o.pem" "$T/f"
fi

# A real attribute, where it can be set.
if modseal sign -q --format ima --xattr "$T/empty" 2>/dev/null; then
	run verify --json "$T/empty"
	like "$(format)" 'ima-xattr' 'security.ima'
	# IMA_VERITY_DIGSIG: version 3
	setfattr -n security.ima -v 0x060304aabbccdd0002abcd "$T/empty"
	finds 'a signature of a kind that is not known' 3 unknown-signature-type -- \
		--anchor "$T/dev.pem" "$T/empty"
	setfattr -n security.ima \
		-v "0x0404$(sha256sum "$T/empty" | cut -d' ' -f1)" "$T/empty"
	finds 'a digest is no signature' 0 -- --anchor "$T/dev.pem" "$T/empty"
	setfattr -x security.ima "$T/empty"
else
	skip 3 'security.ima cannot be set here'
fi

# What cannot be checked.
finds 'no file' 3 unreadable -- --anchor "$T/dev.pem" "$T/none"
finds 'a directory' 3 unreadable -- --anchor "$T/dev.pem" "$T/a"
mkfifo "$T/fifo"
finds 'a FIFO' 3 unreadable -- --anchor "$T/dev.pem" "$T/fifo"
finds 'a signature that is a directory' 3 unreadable -- --anchor "$T/dev.pem" \
	--signature "$T/a" "$T/f"
finds 'a signature that is not there' 3 unreadable -- --anchor "$T/dev.pem" \
	--signature "$T/none" "$T/f"
fails 2 'nothing to verify' verify
fails 2 '--signature for two' verify --signature "$T/x" "$T/f" "$T/f"
fails 2 'another format' verify --format html "$T/f"
fails 2 'nothing is trusted' modseal-verify file --no-stored "$T/f"
done_testing
