#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal sign: files and trees, signed once, by the right key, and nothing else changed.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
make_module "$T/original.ko"
O=$T/original.ko
modseal key cert dev >"$T/dev.pem"

fresh() {
	rm -f "$T/m.ko"
	cp "$O" "$T/m.ko"
}

for alg in rsa2048 rsa4096 p256 p384; do
	modseal key create "k-$alg" --alg $alg >/dev/null
	modseal key cert "k-$alg" >"$T/$alg.pem"
	for hash in sha256 sha512; do
		fresh
		ok "$alg with $hash" modseal sign --key "k-$alg" --hash $hash "$T/m.ko"
		ok 'is good' verified "$T/m.ko" "$T/$alg.pem" "$O"
		run openssl cms -cmsout -print -inform DER -in "$T/.message"
		like "$OUT" "algorithm: $hash " 'is of that hash'
		run verified "$T/m.ko" "$T/dev.pem" "$O"
		isnt "$STATUS" 0 'and not by another key'
	done
done

fresh
ok 'the key of the environment' modseal sign "$T/m.ko"
like "$OUT" '^1 signed with dev' 'is named'
ok 'is good' verified "$T/m.ko" "$T/dev.pem" "$O"
ok 'again, with another key' modseal sign --key k-p256 "$T/m.ko"
ok 'one signature, the new one' verified "$T/m.ko" "$T/p256.pem" "$O"
is "$(grep -c "$MARKER" "$T/m.ko")" 1 'one trailer'

fresh
chmod 640 "$T/m.ko"
touch -d '2001-02-03' "$T/m.ko"
setfattr -n user.note -v kept "$T/m.ko" 2>/dev/null && xattr=1 || xattr=0
ln -s m.ko "$T/link.ko"
ok 'a link that is named' modseal sign -q "$T/link.ko"
is "$OUT$ERR" '' 'quietly'
ok 'what it points to is signed' verified "$T/m.ko" "$T/dev.pem" "$O"
ok 'the link is a link' test -L "$T/link.ko"
is "$(stat -c %a "$T/m.ko")" 640 'mode kept'
if [ "$xattr" = 1 ]; then
	is "$(getfattr --only-values -n user.note "$T/m.ko" 2>/dev/null)" kept 'attributes kept'
else
	skip 1 'no extended attributes here'
fi
cp "$O" "$T/oddly named"
cp "$O" "$T/ö %2F&hash=sha1#?.ko"
ok 'odd names' modseal sign "$T/oddly named" "$T/ö %2F&hash=sha1#?.ko"
ok 'are signed' verified "$T/oddly named" "$T/dev.pem" "$O"
ok 'are signed' verified "$T/ö %2F&hash=sha1#?.ko" "$T/dev.pem" "$O"
cp "$O" "$T/-r"
ok 'a name with a dash' env -C "$T" modseal sign -- -r
ok 'is signed' verified "$T/-r" "$T/dev.pem" "$O"

# A tree
make_tree "$T/tree" 200
ln -s ../original.ko "$T/tree/outside.ko"
mkdir "$T/elsewhere"
cp "$O" "$T/elsewhere/other.ko"
ln -s ../elsewhere "$T/tree/away"
echo text >"$T/tree/readme.txt"
fails 1 'a folder without -r' modseal sign "$T/tree"
like "$ERR" 'folder.*-r' 'and what to do'
ok 'a tree' modseal sign -r -j2 "$T/tree"
like "$OUT" '^200 signed with dev' 'is counted'
is "$ERR" '' 'and no progress without a terminal'
ok 'all are old or new' tree_whole "$T/tree"
is "$NEW" 200 'and new'
for i in 0 99 199; do
	ok 'and good' verified "$T/tree/d$((i % 7))/e/m$i.ko" "$T/dev.pem" "$O"
done
ok 'links are not followed' cmp "$T/original.ko" "$T/elsewhere/other.ko"
same "$T/tree/outside.ko" "$O" 'not even to a file'
is "$(left_overs "$T/tree")" '' 'no temporary files'
ok 'again, as JSON' modseal sign -r --json "$T/tree" "$T/tree/d0"
is "$(python3 -c 'import json,sys
j = json.load(sys.stdin)
print(j["signed"], j["failed"], j["not_tried"], j["key"], j["hash"], j["failures"])' \
	<<<"$OUT")" '200 0 0 dev sha256 []' 'each file once'
ok 'all are old or new' tree_whole "$T/tree"
is "$NEW" 200 'with one signature'

# One bad apple
rm -rf "$T/tree"
make_tree "$T/tree" 20
echo 'not ELF' >"$T/tree/d0/e/bad.ko"
: >"$T/tree/d1/e/empty.ko"
mkfifo "$T/tree/fifo.ko"
cp "$O" "$T/tree/d2/e/x.ko.bz2"
fails 1 'a tree with bad modules' modseal sign -r "$T/tree" "$T/none.ko"
is "$(wc -l <<<"$ERR")" 4 'one sentence for each'
like "$ERR" 'bad\.ko: .*not a kernel module' 'not ELF'
like "$ERR" 'empty\.ko: .*empty' 'empty'
like "$ERR" 'x\.ko\.bz2: .*compress' 'compressed otherwise'
like "$ERR" 'none\.ko: No such file' 'missing'
unlike "$ERR" 'fifo' 'what is no file is none of our business'
like "$OUT" '^20 signed with dev, 4 failed' 'and the totals'
is "$(cat "$T/tree/d0/e/bad.ko")" 'not ELF' 'it is as it was'
is "$(stat -c %s "$T/tree/d1/e/empty.ko")" 0 'it is as it was'
fails 1 'failures as JSON' modseal sign -r --json "$T/tree"
is "$(python3 -c 'import json,sys
j = json.load(sys.stdin)
print(j["signed"], j["failed"], len(j["failures"]), *sorted(f["code"] for f in j["failures"]))' \
	<<<"$OUT")" '20 3 3 compressed-module not-a-module not-a-module' 'are listed'
mkdir "$T/void"
fails 1 'a tree without modules' modseal sign -r "$T/void"
like "$ERR" 'no module' 'is no success'
one_line "$ERR" 'one sentence'

# On a terminal
on_terminal() {
	TERM=xterm python3 -c 'import os, pty, sys
status = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 4096))
sys.exit(os.waitstatus_to_exitcode(status))' "$@"
}
rm -rf "$T/tree"
make_tree "$T/tree" 300
if have_terminal; then
	ok 'on a terminal' on_terminal modseal sign -r "$T/tree"
	like "$OUT" '\[#* *\] [0-9]+/300 +[0-9]+%' 'there is progress'
	ok 'quietly' on_terminal modseal sign -qr "$T/tree"
	unlike "$OUT" '/300' 'there is none'
	ok 'on a dumb one' on_terminal env TERM=dumb modseal sign -r "$T/tree"
	unlike "$OUT" '/300' 'there is none'
else
	skip 6 'there are no pseudo terminals: is devpts mounted?'
fi
ok 'the agent is alive' agent_alive
done_testing
