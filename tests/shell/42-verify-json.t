#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What modseal-verify prints for programs has the shape that docs/schema publishes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
new_key other rsa:2048
mkdir "$T/tree"
signed good sha256 "$T/tree/good.ko"
signed other sha512 "$T/tree/other.ko"
sign_with good sha256 "$T/tree/keyid.ko" -k
cp "$MODULE" "$T/tree/unsigned.ko"
mkfifo "$T/tree/fifo.ko"
echo junk >"$T/tree/junk.ko"

fails 3 'a tree with a bit of everything' verify --json "$T/tree"
cp "$T/.out" "$T/doc.json"
fails 3 'and by the line' verify --format jsonl "$T/tree"
cp "$T/.out" "$T/lines.json"
is "$(jq -c '.modules[]' "$T/doc.json" | sha256sum)" "$(jq -c . "$T/lines.json" | sha256sum)" \
	'both hold the same objects'
is "$(jq -r '.modules[0] | keys_unsorted | join(" ")' "$T/doc.json")" \
	'path name build_id vermagic digest signers kernel policy' 'the keys of a module'
is "$(jq '.summary | .trusted + .findings + .unchecked == .modules' "$T/doc.json")" true \
	'the sums are right'

if python3 -c 'import jsonschema' 2>/dev/null; then
	run python3 -c '
import json, jsonschema, sys
schema = json.load(open(sys.argv[2]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.validate(json.load(open(sys.argv[1])), schema)
' "$T/doc.json" docs/schema/modseal-verify.schema.json
	is "$STATUS$ERR" 0 'the document has the published shape'
else
	skip 1 'python3-jsonschema is not installed'
fi

# The codes that the manual page promises are those of the table, and the reverse.
count=$(sed -n 's/^\tMS_FINDING_[A-Z_]*,$/&/p' verifier/result.h | grep -vc COUNT)
page=$(tr -s ' \t\n' ' ' <docs/man/modseal-verify.1.scd)
missing=''
codes=$(tr -d '\n\t' <verifier/result.c | grep -o '\[MS_FINDING_[A-Z_]*\] = *{"[a-z-]*"' |
	sed 's/.*"\(.*\)"/\1/')
for code in $codes; do
	[[ $page == *"_${code}_"* ]] || missing+=" $code"
done
is "$(wc -w <<<"$codes")" "$count" 'every finding has a code'
is "$missing" '' 'the manual page names them all'

done_testing
