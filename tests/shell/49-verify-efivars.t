#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify with what the firmware and shim trust and distrust.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"
command -v cert-to-efi-sig-list >/dev/null || skip_all 'efitools is not installed'

DB=d719b2cb-3d3a-4596-a3bc-dad00e67656f
SHIM=605dab50-e046-4300-abb6-3dd810dd8b23
V=$T/efivars
mkdir "$V"
new_key good rsa:2048
new_key mok rsa:2048
new_key third rsa:2048
for k in good mok third; do
	signed $k sha256 "$T/$k.ko"
	cert-to-efi-sig-list "$T/$k.crt" "$T/$k.esl"
done

# variable NAME-GUID FILE...: four bytes of attributes, then the lists
variable() {
	local to=$V/$1
	shift
	{ printf '\7\0\0\0'; cat "$@"; } >"$to"
}

# state FILE [OPTION...]: exit status and codes
state() {
	modseal-verify verify --efivars "$V" --format jsonl "$@" >"$T/state" 2>"$T/state.err"
	echo "$? $(jq -r '[.policy.findings[].code] | join(",")' "$T/state" | paste -sd' ')"
}

fails 3 'no variables' modseal-verify verify --efivars "$V" "$T/good.ko"
like "$ERR" 'none of db, dbx' 'which are not there'
fails 3 'nor with an anchor: its dbx would not be heeded' \
	modseal-verify verify --anchor "$T/good.crt" --efivars "$V" "$T/good.ko"
fails 3 'no such directory' modseal-verify verify --efivars "$T/absent" "$T/good.ko"
one_line "$ERR" 'one sentence'

variable db-$DB "$T/good.esl"
is "$(state "$T/good.ko")" '0 ' 'an anchor from db'
is "$(state "$T/mok.ko")" '1 unknown-signer' 'and no other'
variable MokListRT-$SHIM "$T/mok.esl"
variable MokListRT1-$SHIM "$T/third.esl"
is "$(state "$T/good.ko" "$T/mok.ko" "$T/third.ko")" '0   ' 'MokListRT, in parts'
ok 'anchors' modseal-verify anchors --efivars "$V"
like "$OUT" "MokListRT1-$SHIM" 'says where each is from'
is "$(modseal-verify anchors --efivars "$V" --format jsonl | jq -r '.origin' | paste -sd' ')" \
	'db mok mok' 'and so does JSON'
variable db-$DB "$T/good.esl" "$T/third.esl"
is "$(modseal-verify anchors --efivars "$V" --format jsonl | wc -l)" 3 'two lists in one variable'

# ---------------------------------------------------------------- revocations

# kernel: what kernels make of each entry
kernel() {
	modseal-verify revocations --efivars "$V" --format jsonl |
		jq -r '"\(.kind) \(.kernel)"' | paste -sd' '
}
is "$(kernel)" '' 'nothing is revoked'
variable dbx-$DB "$T/good.esl"
is "$(state "$T/good.ko" "$T/mok.ko")" '1 revoked-certificate ' 'a certificate in dbx'
is "$(kernel)" 'certificate if-configured' 'which few kernels heed'
cert-to-efi-hash-list -s 256 -t '2020-01-01 00:00:00' "$T/mok.crt" "$T/tbs.esl"
variable MokListXRT-$SHIM "$T/tbs.esl"
is "$(state "$T/good.ko" "$T/mok.ko" "$T/third.ko")" \
	'1 revoked-certificate revoked-certificate ' 'a TBS digest in MokListXRT'
is "$(kernel)" 'certificate if-configured tbs never' 'in the form that no kernel heeds'
is "$(modseal-verify revocations --efivars "$V" --format jsonl | jq -r .since | tail -n1)" \
	'2020-01-01T00:00:00Z' 'and since when'
is "$(modseal-verify revocations --efivars "$V" --format jsonl | jq -r .what | tail -n1)" \
	"sha256:$(openssl asn1parse -in "$T/mok.crt" -strparse 4 -noout -out - |
		sha256sum | cut -d' ' -f1)" 'whose digest is that of openssl'
cert-to-efi-hash-list -s 384 -t '2099-01-01 00:00:00' "$T/mok.crt" "$T/late.esl"
variable MokListXRT-$SHIM "$T/late.esl"
is "$(state "$T/mok.ko")" '0 ' 'an entry that is not in effect yet'
ok 'revocations' modseal-verify revocations --efivars "$V"
like "$OUT" 'not before 2099-01-01' 'says so'
like "$OUT" '2 revoked' 'and their number'
hash=$(sha256sum <"$T/third.ko" | cut -d' ' -f1)
# EFI_CERT_SHA256_GUID; one list of one entry
xxd -r -p >"$T/file.esl" <<<"2616c4c14c509240aca941f936934328 4c000000 00000000 30000000 \
00000000000000000000000000000000 $hash"
variable dbx-$DB "$T/file.esl"
is "$(state "$T/third.ko" "$T/good.ko")" '1  revoked-module' 'the digest of a whole module'
is "$(kernel)" 'digest before-7 tbs never' 'which some kernels heed'
head -c 76 "$T/file.esl" | head -c -1 >"$T/cut.esl"
variable dbx-$DB "$T/cut.esl"
fails 3 'a damaged list' modseal-verify verify --efivars "$V" "$T/good.ko"
like "$ERR" "EFI variable .*dbx-$DB.* damaged" 'is named'
one_line "$ERR" 'in one sentence'
printf 'x' >"$V/dbx-$DB"
fails 3 'a variable without attributes' modseal-verify verify --efivars "$V" "$T/good.ko"
rm "$V/dbx-$DB" "$V/MokListXRT-$SHIM"

# -------------------------------------------------------- scan of its own root

R=6.1.0-56-amd64
M=$T/root/lib/modules/$R
mkdir -p "$M/updates" "$T/root/boot" "$T/root/sys/firmware/efi"
cp -r "$V" "$T/root/sys/firmware/efi/"
cp tests/fuzz/corpus/kernel_image/seed-bz-xz "$T/root/boot/vmlinuz-$R"
cp "$T/mok.ko" "$M/updates/ms_test.ko"
ok 'scan trusts what the owner has enrolled' modseal-verify scan --root "$T/root"
cp "$T/good.ko" "$M/updates/ms_test.ko"
fails 1 'but not db' modseal-verify scan --root "$T/root"
ok 'unless it is named' modseal-verify scan --root "$T/root" --efivars "$V"
fails 1 'nor if other anchors are named' \
	modseal-verify scan --root "$T/root" --anchor "$T/third.crt"
cp "$T/mok.ko" "$M/updates/ms_test.ko"
cp "$T/tbs.esl" "$T/x"
{ printf '\7\0\0\0'; cat "$T/x"; } >"$T/root/sys/firmware/efi/efivars/MokListXRT-$SHIM"
is "$(modseal-verify scan --root "$T/root" --anchor "$T/mok.crt" --format jsonl |
	jq -r '.policy.findings[].code')" revoked-certificate 'its revocations always hold'

if python3 -c 'import jsonschema' 2>/dev/null; then
	printf '{"version": 1, "entries": [{"name": "m", "below": "2", "reason": "why"}]}' \
		>"$T/list.json"
	modseal-verify revocations --root "$T/root" --revocations "$T/list.json" --json \
		>"$T/lines"
	is "$(wc -l <"$T/lines")" 2 'lists and variables together'
	# shellcheck disable=SC2016 # $ref is not the shell's
	ok 'each has the published shape' python3 -c '
import json, jsonschema, sys
schema = json.load(open("docs/schema/modseal-verify.schema.json"))
shape = {"$ref": "#/$defs/revocation", "$defs": schema["$defs"]}
for line in open(sys.argv[1]):
    jsonschema.validate(json.loads(line), shape)
' "$T/lines"
else
	skip 2 'python3-jsonschema is not installed'
fi
fails 2 'revocations takes no operands' modseal-verify revocations x

done_testing
