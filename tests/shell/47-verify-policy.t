#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify --policy: an administrator's severities.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_dated_key expired 20200101000000Z 20210101000000Z
signed expired sha256 "$T/expired.ko"
signed expired sha1 "$T/sha1.ko"
cp "$MODULE" "$T/unsigned.ko"
A=(--anchor "$T/expired.crt" --policy "$T/policy")

printf '# ours\n\ncertificate-expired = note   # we keep old ones\n' >"$T/policy"
ok 'a note leaves it trusted' modseal-verify verify "${A[@]}" --all "$T/expired.ko"
like "$OUT" '^ok .*CERTIFICATE EXPIRED' 'and is shown'
is "$(modseal-verify verify "${A[@]}" --format jsonl "$T/expired.ko" |
	jq -r '.policy.verdict, .policy.findings[].severity' | paste -sd' ')" 'trusted note' \
	'in JSON too'
fails 1 'other findings stay' modseal-verify verify "${A[@]}" "$T/sha1.ko"
printf 'certificate-expired=note\r\nweak-digest\t=\tnote' >"$T/policy"
ok 'without spaces, with CR, without a last newline' \
	modseal-verify verify "${A[@]}" "$T/sha1.ko"
printf 'unsigned = warning\n' >"$T/policy"
fails 1 'a warning is a finding' modseal-verify verify "${A[@]}" "$T/unsigned.ko"
: >"$T/policy"
fails 1 'an empty policy changes nothing' modseal-verify verify "${A[@]}" "$T/expired.ko"

for code in unsigned unknown-signer bad-signature bad-chain malformed-signature \
	signed-attributes embedded-content unreadable too-large unsupported-algorithm \
	unknown-signature-type damaged-compression changed-while-read; do
	printf '%s = note\n' "$code" >"$T/policy"
	fails 2 "$code cannot be a note" modseal-verify verify "${A[@]}" "$T/unsigned.ko"
done
printf 'certificate-expird = note\n' >"$T/policy"
fails 2 'a typo' modseal-verify verify "${A[@]}" "$T/expired.ko"
like "$ERR" 'line 1: .*did you mean certificate-expired' 'with the nearest word'
printf '\n\nweak-key = ignore\n' >"$T/policy"
fails 2 'an unknown severity' modseal-verify verify "${A[@]}" "$T/expired.ko"
like "$ERR" 'line 3: ' 'with the line'
one_line "$ERR" 'one sentence'
printf 'weak-key = note error\n' >"$T/policy"
fails 2 'something behind it' modseal-verify verify "${A[@]}" "$T/expired.ko"
printf 'weak-key\n' >"$T/policy"
fails 2 'no severity' modseal-verify verify "${A[@]}" "$T/expired.ko"
fails 2 'no such file' modseal-verify verify --anchor "$T/expired.crt" --policy "$T/none" \
	"$T/expired.ko"

printf 'certificate-expired = note\nunknown-signer = error\n' >"$T/explain.policy"
new_dated_key past 20200101000000Z 20210101000000Z
signed past sha256 "$T/past.ko"
fails 1 'explain' modseal-verify explain --anchor "$T/past.crt" "$T/past.ko"
ok 'explain heeds the policy file' modseal-verify explain --policy "$T/explain.policy" \
	--anchor "$T/past.crt" "$T/past.ko"
like "$OUT" 'policy +trusted' 'and says so'

done_testing
