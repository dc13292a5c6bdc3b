#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Trees as they come: odd names, links of both kinds, folders that cannot be written to.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
agent_config '/^key = /a content = digest'
modseal key cert dev >"$T/dev.pem"
make_module "$T/original.ko"
O=$T/original.ko
inode() { stat -c %i "$1"; }
good() { verified "$1" "$T/dev.pem" "$O"; }

# Names
odd=$T/odd
mkdir -p "$odd/with space/größe/日本"
# shellcheck disable=SC2016 # they are names
names=("with space/a b.ko" "with space/größe/ü.ko" "with space/größe/日本/$(printf 'new\nline').ko"
	"%41&name=x.ko" "-r.ko" '$(id)`id`.ko' "'quoted\".ko"
	"$(printf 'esc\033[31m').ko" "$(printf 'latin\374').ko")
for how in '' --by-digest; do
	for name in "${names[@]}"; do cp "$O" "$odd/$name"; done
	# shellcheck disable=SC2086 # none, or one word
	ok "odd names $how" modseal sign -r $how "$odd"
	like "$OUT" "^${#names[@]} signed with dev" 'are counted'
	count=0
	for name in "${names[@]}"; do good "$odd/$name" && count=$((count + 1)); done
	is $count ${#names[@]} 'and signed'
done
echo text >"$odd/with space/größe/日本/$(printf 'bad\nline\033[31m').ko"
fails 1 'a bad one among them' modseal sign -r --signed own "$odd"
one_line "$ERR" 'is one line'
like "$ERR" 'bad\\x0aline\\x1b\[31m.ko: not a kernel module' 'in which the name cannot do harm'
like "$OUT" "^0 signed with dev, ${#names[@]} were signed already, 1 failed" 'and the totals'
fails 1 'as JSON' modseal sign -r --signed own --json "$odd"
is "$(jq -r '.failures | length' <<<"$OUT")" 1 'is JSON'
rm "$odd/with space/größe/日本/$(printf 'bad\nline\033[31m').ko"
ok 'detach' modseal detach -q "$odd"
ok 'attach' modseal attach -q --cert "$T/dev.pem" "$odd"
count=0
for name in "${names[@]}"; do good "$odd/$name" && count=$((count + 1)); done
is $count ${#names[@]} 'gives the same'

# Hard links
h=$T/hard
linked() {
	rm -rf "$h" "$T/outside.ko"
	mkdir -p "$h/a" "$h/b"
	cp "$O" "$h/b/one.ko"
	ln "$h/b/one.ko" "$h/a/two.ko"
	ln "$h/b/one.ko" "$h/three.ko"
	ln "$h/b/one.ko" "$T/outside.ko"
	cp "$O" "$h/single.ko"
}
for how in '' --by-digest; do
	linked
	before=$(signatures)
	# shellcheck disable=SC2086 # none, or one word
	ok "hard links $how" modseal sign -r $how "$h"
	like "$OUT" '^2 signed with dev' 'a file is signed once, whatever it is called'
	is $(($(signatures) - before)) 2 'as the log says'
	ok 'and is good' good "$h/a/two.ko"
	is "$(inode "$h/a/two.ko") $(inode "$h/three.ko")" \
		"$(inode "$h/b/one.ko") $(inode "$h/b/one.ko")" 'all names are names of it'
	is "$(stat -c %h "$h/three.ko")" 3 'and no other is'
	same "$T/outside.ko" "$O" 'names outside keep the file as it was'
	is "$(left_overs "$T")" '' 'no temporary files'
done
ok 'again' modseal sign -r --signed own "$h"
like "$OUT" '^0 signed with dev, 2 were signed already' 'nothing to do'
ok 'detach' modseal detach "$h"
like "$OUT" '^2 detached' 'once'
is "$(inode "$h/a/two.ko")" "$(inode "$h/b/one.ko")" 'keeps the links'
same "$h/b/one.ko" "$O" 'and takes the signature off'
ok 'attach' modseal attach "$h"
like "$OUT" '^2 attached' 'once'
is "$(inode "$h/a/two.ko")" "$(inode "$h/b/one.ko")" 'keeps them as well'
ok 'and is good' good "$h/three.ko"
modseal key create new --alg p256 >/dev/null
ok 'resign' modseal resign --key new --from dev "$h"
like "$OUT" '^2 signed with new' 'once'
is "$(inode "$h/a/two.ko")" "$(inode "$h/b/one.ko")" 'keeps them, too'

# Symbolic links: what is named is followed, once; what is below is not
linked
ln -s b/one.ko "$h/link.ko"
cp "$O" "$T/away.ko"
ln -s "$T/away.ko" "$h/away.ko"
ln -s "$T" "$h/up"
before=$(signatures)
ok 'links below a folder' modseal sign -qr "$h"
is $(($(signatures) - before)) 2 'are not followed'
same "$T/away.ko" "$O" 'not even to a file'
linked
ln -s one.ko "$h/b/link.ko"
before=$(signatures)
ok 'a link and what it points to' modseal sign "$h/b/link.ko" "$h/b/one.ko"
like "$OUT" '^1 signed with dev' 'are one file'
ok 'which is good' good "$h/b/one.ko"
ok 'the link is a link' test -L "$h/b/link.ko"
is $(($(signatures) - before)) 1 'signed once'

# Folders that cannot be written to. Root may write anywhere, so a file system of our own.
read_only() {
	unshare -rm sh -c "mkdir -p '$T/ro' && mount -t tmpfs none '$T/ro' &&
		cp -r '$h' '$T/ro/tree' && mount -o remount,ro '$T/ro' && $1
		status=\$?
		diff -r '$h' '$T/ro/tree' && echo kept
		exit \$status"
}
rm -rf "$h"
make_tree "$h" 5
if [ "$(read_only true 2>&1)" = kept ]; then
	before=$(signatures)
	for how in '' --by-digest; do
		fails 1 "a tree that is read-only $how" \
			read_only "modseal sign -r $how '$T/ro/tree'"
		is "$(grep -c 'm[0-9].ko: .*in its directory: Read-only file system' <<<"$ERR")" 5 \
			'one sentence for each'
		like "$OUT" 'dev, 5 failed.*kept' 'nothing has changed'
	done
	is "$(signatures)" "$before" 'and nothing was signed for nothing'
	modseal sign -qr "$h"
	fails 1 'detach there' read_only "modseal detach '$T/ro/tree'"
	like "$OUT" '^0 detached, 5 failed.*kept' 'changes nothing'
	fails 1 'detach to another folder' read_only "modseal detach --to '$T/sigs' '$T/ro/tree'"
	is "$(find "$T/sigs" -name '*.p7s')" '' 'leaves nothing there'
else
	skip 11 'no mount namespaces here'
fi
ok 'the agent is alive' agent_alive

# A disk that is full: says so, and every module is the one that it was. Then one with room
# for the eight that -j1 writes at once, and not for all of them twice.
mkdir "$T/small"
if mount -t tmpfs -o size=11m tmpfs "$T/small" 2>/dev/null; then
	at_exit umount "$T/small"
	# Half of them end where a page does, and want a new one; the others in front of it,
	# so that they are written anew.
	for i in 0 1; do
		head -c $((74 * 4096 - i * 100 - $(stat -c %s "$O"))) /dev/urandom |
			cat "$O" - >"$T/large$i.ko"
	done
	for i in $(seq 24); do printf '%s\0' "$T/small/m$i.ko"; done >"$T/list"
	as_before() {
		local i
		for i in $(seq 24); do
			cmp "$T/large$((i % 2)).ko" "$T/small/m$i.ko" || return 1
		done
	}
	all_good() {
		local i
		for i in $(seq 24); do
			verified "$T/small/m$i.ko" "$T/dev.pem" "$T/large$((i % 2)).ko" ||
				return 1
		done
	}
	for how in '' --by-digest; do
		for i in $(seq 24); do cp "$T/large$((i % 2)).ko" "$T/small/m$i.ko"; done
		cp "$T/list" "$T/again"
		head -c 20m /dev/zero >"$T/small/full" 2>/dev/null
		# shellcheck disable=SC2086 # none, or one word
		fails 1 "a batch on a full disk $how" modseal batch -q -j1 --hash sha512 \
			$how "$T/again"
		is "$(grep -c 'm[0-9]*.ko: .*No space left on device: free some' <<<"$ERR")" 24 \
			'one sentence for each'
		ok 'no module has changed' as_before
		is "$(left_overs "$T/small")" '' 'no temporary files'
		same "$T/list" "$T/again" 'and the list is kept'
		rm "$T/small/full"
		# shellcheck disable=SC2086 # none, or one word
		ok "again with some space $how" modseal batch -q -j1 --hash sha512 \
			$how "$T/again"
		ok 'all are signed' all_good
	done
else
	skip 14 'no tmpfs can be mounted here'
fi

# What is refused for one is refused for all: a key that there is not, what no rule lets
# through.
rm -rf "$T/tree" && make_tree "$T/tree" 40
refused() { # NAME KEY
	for how in '' --by-digest; do
		# shellcheck disable=SC2086 # none, or one word
		fails 1 "$1 $how" modseal sign -r $how --key "$2" "$T/tree"
		one_line "$ERR" 'one sentence'
		like "$OUT" "^0 signed with $2, 40 not tried" 'and no more is tried'
	done
}
refused 'a tree, with a key that there is not' nobody
agent_config 's/^who = .*/who = uid:12345/'
refused 'a tree that no rule is about' dev
done_testing
