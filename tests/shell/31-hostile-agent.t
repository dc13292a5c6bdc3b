#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever answers at the agent's socket: a module is old or new, the exit status true.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

fake_agent
make_module "$T/orig.ko" || bail_out 'no module'
cp "$T/orig.ko" "$T/large.ko"
head -c 5000000 /dev/zero >>"$T/large.ko"

# refused NAME ORIGINAL REGEX: signing with the key NAME fails with such a message
refused() {
	cp "$2" "$T/m.ko"
	fails 1 "$1" timeout 60 modseal-sign-file -p sha256 "modseal:$1" no "$T/m.ko"
	like "$ERR" "$3" "$1: says why"
	one_line "$ERR" "$1: in one line"
	same "$2" "$T/m.ko" "$1: the module is as it was"
	is "$(find "$T" -name '.modseal-*' -o -name '*.p7s')" '' "$1: nothing is left"
}

for kind in empty junk half-der long-der; do
	refused $kind "$T/orig.ko" 'm.ko: the agent.s answer is not a signature'
done
refused close "$T/orig.ko" 'hung up without an answer'
refused dies-reading "$T/large.ko" 'hung up without an answer'
refused half-head "$T/orig.ko" 'hung up in the middle'
refused half-body "$T/orig.ko" 'hung up in the middle'
refused huge-length "$T/orig.ko" 'larger than expected'
refused big-head "$T/orig.ko" 'larger than expected'
for kind in over-length two-lengths no-length chunked interim not-http; do
	refused $kind "$T/orig.ko" "does not speak the agent's protocol"
done
refused early-413 "$T/large.ko" 'm.ko: this module is too large: see the limit$'
refused early-413 "$T/orig.ko" 'm.ko: this module is too large: see the limit$'
refused json "$T/orig.ko" 'status 403 and gave no reason: see its log for request req-1'
refused long "$T/orig.ko" 'a\.\.\.$'
refused nasty "$T/orig.ko" 'x1b\[31mred.x07 and'
unlike "$ERR" $'\033' 'nasty: no escape codes reach the terminal'
# What the agent owes nobody: the certificate of another key.
cp "$T/orig.ko" "$T/m.ko"
fails 1 'other-cert' modseal-sign-file sha256 modseal:other-cert "$T/cert.pem" "$T/m.ko"
like "$ERR" 'this kernel would refuse' 'other-cert: says why'
same "$T/orig.ko" "$T/m.ko" 'other-cert: the module is as it was'


# An agent that passes over the certificate that it is told to expect has not checked it.
cp "$T/orig.ko" "$T/m.ko"
fails 1 'deaf' modseal-sign-file -p sha256 modseal:deaf "$T/cert.pem" "$T/m.ko"
like "$ERR" 'm.ko: .*older than this program: update modseald' 'deaf: says what to do'
same "$T/orig.ko" "$T/m.ko" 'deaf: the module is as it was'
is "$(find "$T" -name '.modseal-*' -o -name '*.p7s')" '' 'deaf: nothing is left'

for kind in drip extra close-after silent-close; do
	cp "$T/large.ko" "$T/m.ko"
	ok "$kind" modseal-sign-file sha256 modseal:$kind "$T/cert.pem" "$T/m.ko"
	is "$(tail -c 28 "$T/m.ko")" '~Module signature appended~' "$kind: is signed"
done

# ---------------------------------------------------------------------- a bad disk
# disk CALL:error=... REGEX: what goes wrong while the signature is written in place
disk() {
	cp "$T/orig.ko" "$T/m.ko"
	# The sanitizer's search for leaks is a tracer, too, and there is one alone.
	fails 1 "$1" env ASAN_OPTIONS=detect_leaks=0 strace -qq -o /dev/null -P "$T/m.ko" \
		-e "inject=$1" \
		modseal-sign-file --no-sync sha256 modseal:good "$T/cert.pem" "$T/m.ko"
	like "$ERR" "m.ko: cannot be written: $2" "$1: says why"
	one_line "$ERR" "$1: in one line"
	same "$T/orig.ko" "$T/m.ko" "$1: the module is as it was"
}
if strace -o /dev/null true 2>/dev/null; then
	disk pwritev:error=ENOSPC 'No space left on device: free'
	disk pwritev:error=EUCLEAN 'Structure needs cleaning$'
	disk close:error=EDQUOT:when=1 '.*[Qq]uota exceeded: free'
	disk close:error=EIO:when=1 '(I/O|Input/output) error$'
	is "$(find "$T" -name '.modseal-*')" '' 'nothing is left behind'
else
	skip 17 'strace may not trace here'
fi

# ------------------------------------------------------------------------- its memory
# writable PID: how many pages of what only the linker writes could be written
writable() {
	python3 - "$(command -v modseal-sign-file)" "$1" <<-'END'
		import re, subprocess, sys
		parts = subprocess.run(["readelf", "-lW", sys.argv[1]], capture_output=True,
		                       text=True, check=True).stdout
		at, size = re.search(r"GNU_RELRO +\S+ (\S+) \S+ \S+ (\S+)", parts).groups()
		maps = [re.split(r"[- ]", line)[:3] for line in open(f"/proc/{sys.argv[2]}/maps")
		        if line.rstrip().endswith(sys.argv[1])]
		base, first = int(maps[0][0], 16), int(at, 16) & -4096
		pages = range(base + first, base + (int(at, 16) + int(size, 16) & -4096), 4096)
		assert pages
		print(sum(int(m[0], 16) <= p < int(m[1], 16) and "w" in m[2]
		          for p in pages for m in maps))
	END
}
cp "$T/orig.ko" "$T/m.ko"
: >"$T/requests"
modseal-sign-file sha256 modseal:never-answers no.x509 "$T/m.ko" 2>/dev/null &
pid=$!
wait_for 10 grep -q never-answers "$T/requests"
is "$(writable $pid)" 0 'what only the linker writes is read-only'
kill $pid
wait $pid 2>/dev/null

# ------------------------------------------------------------------------- signals
# While the agent keeps it waiting, and whenever it dies: old or new, never between.
for sig in INT TERM HUP KILL; do
	cp "$T/orig.ko" "$T/m.ko"
	: >"$T/requests"
	# A shell in the background ignores SIGINT; env puts it back.
	env --default-signal=INT modseal-sign-file sha256 modseal:never-answers no.x509 \
		"$T/m.ko" 2>/dev/null &
	pid=$!
	wait_for 10 grep -q never-answers "$T/requests"
	kill -$sig $pid
	wait $pid 2>/dev/null
	is $? $((128 + $(kill -l $sig))) "SIG$sig ends it"
	same "$T/orig.ko" "$T/m.ko" "SIG$sig: the module is as it was"
done
is "$(find "$T" -name '.modseal-*')" '' 'nothing is left behind'

torn=0
for i in $(seq 40); do
	cp "$T/large.ko" "$T/m.ko"
	how='' # every other time in place
	((i % 2)) || how=--no-sync
	modseal-sign-file $how sha256 modseal:good no.x509 "$T/m.ko" 2>/dev/null &
	pid=$!
	# Ends it somewhere between its start and its end.
	read -rt "0.0$((i / 10))$((i % 10))" <> <(:)
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	if ! cmp -s "$T/large.ko" "$T/m.ko"; then
		[ "$(tail -c 28 "$T/m.ko")" = '~Module signature appended~' ] &&
			cmp -s -n "$(stat -c %s "$T/large.ko")" "$T/large.ko" "$T/m.ko" ||
			torn=$((torn + 1))
	fi
done 2>/dev/null
is $torn 0 'killed at any moment: old or new'
done_testing
