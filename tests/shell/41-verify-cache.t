#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify --cache: the same answers, and none for what has changed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
new_key other rsa:2048
mkdir "$T/tree" "$T/mine"
chmod 755 "$T" "$T/mine"
signed good sha256 "$T/tree/good.ko"
signed other sha256 "$T/tree/other.ko"
cp "$MODULE" "$T/tree/unsigned.ko"
mkfifo "$T/tree/fifo.ko"
C=$T/mine/cache

# What is younger than this is not kept.
old_enough() {
	local now
	now=$(date +%s)
	[ "$(stat -c %Z "$T"/tree/*.ko | sort -n | tail -n1)" -lt $((now - 3)) ]
}
cached() {
	verify --format jsonl --cache "$C" "$@" "$T/tree"
}
verify --format jsonl "$T/tree" >"$T/plain"
cached >"$T/young"
same "$T/plain" "$T/young" 'files that were written just now'
wait_for 20 old_enough
cached >"$T/first"
same "$T/plain" "$T/first" 'the first run'
is "$(stat -c '%a' "$C")" 600 'the cache is for its owner'
cached >"$T/second"
same "$T/plain" "$T/second" 'the second run says the same'
if strace -o /dev/null true 2>/dev/null; then
	is "$(strace -f -e trace=openat modseal-verify verify --cache "$C" \
		--anchor "$T/good.crt" "$T/tree" 2>&1 | grep -c 'tree/.*\.ko"')" 1 \
		'and reads what could not be checked alone'
else
	skip 1 'nothing can be traced here'
fi
is "$(cached --all --failed-only | wc -l)" 3 'with every option'
cat >"$T/notes" <<<'unsigned = warning'
is "$(cached --policy "$T/notes" | jq -r '.policy.findings[].severity' | paste -sd' ')" \
	"$(verify --format jsonl --policy "$T/notes" "$T/tree" |
		jq -r '.policy.findings[].severity' | paste -sd' ')" 'severities are those of now'

# --------------------------------------------------------- what has changed

cp -p "$T/tree/good.ko" "$T/keep"
cached >/dev/null
stamp=$(stat -c %y "$T/tree/good.ko")
flip "$T/keep" 300 "$T/bad"
cat "$T/bad" >"$T/tree/good.ko"
touch -d "$stamp" "$T/tree/good.ko"
is "$(stat -c %y "$T/tree/good.ko")" "$stamp" 'the mtime is put back'
is "$(cached | jq -r 'select(.name == "ms_test").policy.findings[0].code' | head -n1)" \
	bad-signature 'and the change is seen'
cat "$T/keep" >"$T/tree/good.ko"
cp -p "$T/bad" "$T/tree/.new"
mv "$T/tree/.new" "$T/tree/good.ko"
is "$(cached | jq -r 'select(.path | endswith("/good.ko")).policy.findings[0].code')" \
	bad-signature 'a file that replaces another'
cp "$T/keep" "$T/tree/good.ko"
is "$(modseal-verify verify --cache "$C" --anchor "$T/other.crt" --format jsonl "$T/tree" |
	jq -r '.policy.findings[0].code' | paste -sd' ')" \
	'unreadable unknown-signer null unsigned' 'another anchor'
printf '{"version": 1, "entries": [{"name": "ms_test"}]}' >"$T/list.json"
is "$(cached --revocations "$T/list.json" | jq -r '.policy.findings[].code' |
	grep -c revoked-version)" 3 'a revocation'
is "$(cached --as-kernel 6.12 --permissive | jq -r .kernel.verdict | paste -sd' ')" \
	"$(verify --as-kernel 6.12 --permissive --format jsonl "$T/tree" |
		jq -r .kernel.verdict | paste -sd' ')" 'another kernel'
rm "$T/tree/other.ko"
is "$(cached | wc -l)" 3 'a file that is gone'

# ------------------------------------------------------------ a bad cache

cached >/dev/null
for at in 30 100 $(($(stat -c %s "$C") - 5)); do
	flip "$C" $at "$T/mine/flip"
	chmod 600 "$T/mine/flip"
	verify --format jsonl --cache "$T/mine/flip" "$T/tree" >"$T/out"
	verify --format jsonl "$T/tree" >"$T/plain"
	same "$T/plain" "$T/out" "a bit flipped at $at: it is made anew"
done
head -c 100 "$C" >"$T/mine/cut"
verify --format jsonl --cache "$T/mine/cut" "$T/tree" >"$T/out"
same "$T/plain" "$T/out" 'cut off'
: >"$T/mine/empty"
verify --format jsonl --cache "$T/mine/empty" "$T/tree" >"$T/out"
same "$T/plain" "$T/out" 'empty'

# refused WHY: a cache that others could have written
refused() {
	fails 3 "$1" verify --cache "$C" "$T/tree"
	one_line "$ERR" 'in one sentence'
}
chmod 620 "$C"
refused 'the group may write to it'
chmod 602 "$C"
refused 'everybody may'
chmod 600 "$C"
chmod 777 "$T/mine"
refused 'everybody may replace it'
chmod 755 "$T/mine"
mv "$C" "$T/mine/real"
ln -s real "$C"
refused 'a symbolic link'
rm "$C"
mkdir "$C"
refused 'a folder'
rmdir "$C"
fails 3 'a folder that is not there' verify --cache "$T/none/cache" "$T/tree"
if [ "$(id -u)" = 0 ]; then
	cp "$T/mine/real" "$C"
	if chown 65534 "$C" 2>/dev/null; then
		refused "somebody else's"
	else
		skip 2 'owners cannot be changed here'
	fi
else
	skip 2 'only root can give files away'
fi

done_testing
