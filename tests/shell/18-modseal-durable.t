#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is said to be signed is on the disk: the file before the rename, its folder after it.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'
agent_start
modseal key cert dev >"$T/dev.pem"
make_module "$T/original.ko"
O=$T/original.ko
mkdir "$T/d"
M=$T/d/m.ko

# traced [STRACE-OPTION...] -- COMMAND...: in CALLS, what it syncs and renames, in order
traced() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	# The sanitizer's search for leaks is a tracer, too, and there is one alone.
	ASAN_OPTIONS=detect_leaks=0 strace -f -y -qq -o "$T/calls" \
		-e 'trace=/^(fsync|fdatasync|syncfs|rename.*)$' \
		"${options[@]}" "$@"
}
calls() {
	sed -nE -e 's/^[0-9 ]*//' -e 's/\.modseal-[A-Za-z0-9_-]{6}/TEMP/g' \
		-e "s|$T/d|D|g" -e 's/^rename.*, "([^"]*)".*/rename to \1/p' \
		-e 's/^([a-z]*sync[a-z]*)\([0-9]+<([^>]*)>.*/\1 \2/p' "$T/calls" | paste -sd,
}
DURABLE='fsync D/TEMP,rename to D/m.ko,fsync D'

cp "$O" "$M"
ok 'sign' traced -- modseal sign -q "$M"
is "$(calls)" "$DURABLE" 'is on the disk, and so is its name'
ok 'sign --dest' traced -- modseal sign -q --dest "$M" "$O"
is "$(calls)" "$DURABLE" 'is on the disk, and so is its name'
ok 'sign --detached' traced -- modseal sign -q --detached "$M"
is "$(calls)" "${DURABLE/m.ko/m.ko.p7s}" 'the signature is on the disk'
rm "$M.p7s"
for command in 'modseal detach -q' 'modseal attach -q' 'modseal detach -q'; do
	# shellcheck disable=SC2086 # words
	ok "$command" traced -- $command "$M"
	like "$(calls)" "$DURABLE" 'is on the disk, and so is its name'
done
cp "$O" "$M"
ok 'sign-file' traced -- modseal-sign-file sha256 modseal:dev "$T/dev.pem" "$M"
is "$(calls)" "$DURABLE" 'is on the disk, and so is its name'
cp "$O" "$M"
ok 'sign-file --no-sync' traced -- modseal-sign-file --no-sync sha256 modseal:dev \
	"$T/dev.pem" "$M"
unlike "$(calls)" sync 'waits for nothing'

# Another name of the same file, in another folder
mkdir "$T/d/e"
cp "$O" "$M"
ln "$M" "$T/d/e/n.ko"
ok 'hard links' traced -- modseal sign -q -r "$T/d"
like "$(calls)" 'rename to D/(m|e/n).ko,fsync D(/e)?$' 'the last name, too'
is "$(stat -c %i "$M")" "$(stat -c %i "$T/d/e/n.ko")" 'is one of the new file'
rm -r "$T/d/e"

# What fails
cp "$O" "$M"
fails 1 'a file that cannot be synced' traced -e inject=fsync:error=EIO:when=1 -- \
	modseal sign "$M"
like "$ERR" 'm.ko: cannot be made durable: Input/output error' 'says so'
same "$M" "$O" 'is the old one'
is "$(left_overs "$T/d")" '' 'nothing is left over'
fails 1 'a folder that cannot be synced' traced -e inject=fsync:error=EIO:when=2 -- \
	modseal sign "$M"
one_line "$ERR" 'one sentence'
like "$ERR" 'm.ko: is replaced, and may be the old one again after a crash: .*Input/output' \
	'says what is there'
ok 'which is the signed one' verified "$M" "$T/dev.pem" "$O"
is "$(left_overs "$T/d")" '' 'nothing is left over'
for e in EINVAL EOPNOTSUPP; do
	cp "$O" "$M"
	ok "a file system that syncs no folders: $e" traced -e "inject=fsync:error=$e:when=2" \
		-- modseal sign -q "$M"
	is "$(calls)" "$DURABLE,syncfs D/m.ko" 'is synced as a whole'
done
cp "$O" "$M"
fails 1 'nor anything else' traced -e inject=fsync:error=EINVAL:when=2 \
	-e inject=syncfs:error=EIO -- modseal sign "$M"
like "$ERR" 'is replaced, and .*Input/output' 'says so'
done_testing
