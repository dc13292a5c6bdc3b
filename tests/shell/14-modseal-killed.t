#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever is killed in the middle of a tree, each module is the old one or the new one.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
modseal key cert dev >"$T/dev.pem"
make_module "$T/original.ko"
# Large enough that a module takes some time, and a kill hits one.
head -c 400000 /dev/urandom >"$T/.ballast"
objcopy --add-section .ballast="$T/.ballast" "$T/original.ko"
N=100

# some_signed COUNT: at least so many modules of the tree are done
some_signed() {
	[ "$(find "$T/tree" -name '*.ko' -newer "$T/stamp" | wc -l)" -ge "$1" ]
}

fresh_tree() {
	rm -rf "$T/tree"
	make_tree "$T/tree" $N
	find "$T/tree" -name '*.ko' -exec touch -d '2001-02-03' {} +
	: >"$T/stamp"
	touch -d '2002-02-03' "$T/stamp"
}

# begin OPTION...: modseal sign in the background, killed or not; sets PID
begin() {
	modseal sign -r "$@" "$T/tree" >"$T/out" 2>"$T/err" &
	PID=$!
}

for signed in 1 10 40; do
	for jobs in 1 2; do
		fresh_tree
		begin -j $jobs
		wait_for 20 some_signed $signed
		kill -KILL $PID
		wait $PID 2>/dev/null
		ok "killed after $signed with $jobs jobs" tree_whole "$T/tree"
		diag "old $OLD, new $NEW"
		is $((OLD + NEW)) $N 'all are there'
	done
done
ok 'again' modseal sign -r "$T/tree"
ok 'all are whole' tree_whole "$T/tree"
is "$NEW" $N 'and signed'
ok 'well' verified "$T/tree/d0/e/m0.ko" "$T/dev.pem" "$T/original.ko"

for sig in INT TERM HUP; do
	fresh_tree
	# A shell's background jobs ignore SIGINT; this one shall not.
	python3 -c 'import os, signal, sys
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_DFL)
os.execvp("modseal", ["modseal", "sign", "-r", "-j1", sys.argv[1]])' "$T/tree" \
		>"$T/out" 2>"$T/err" &
	PID=$!
	wait_for 20 some_signed 1
	kill -$sig $PID
	wait $PID 2>/dev/null
	is $? $((128 + $(kill -l $sig))) "SIG$sig ends it as a signal does"
	ok 'all are old or new' tree_whole "$T/tree"
	diag "old $OLD, new $NEW"
	is "$(left_overs "$T/tree")" '' 'no temporary files'
	like "$(cat "$T/err")" 'stopping' 'and it says so'
	like "$(cat "$T/out")" "^$NEW signed with dev" 'and counts right'
done

fresh_tree
begin -j2
wait_for 20 some_signed 1
dev-agent agent-kill "$T/a"
wait $PID
is $? 3 'the agent is killed: status 3'
ok 'all are old or new' tree_whole "$T/tree"
diag "old $OLD, new $NEW"
is "$(left_overs "$T/tree")" '' 'no temporary files'
one_line "$(cat "$T/err")" 'one sentence'
like "$(cat "$T/err")" '^modseal: no agent at .*start modseald' 'what to do'
like "$(cat "$T/out")" "$NEW signed with dev, $OLD not tried" 'and the totals'

dev-agent agent-start "$T/a"
fresh_tree
begin -j2
wait_for 20 some_signed 1
dev-agent agent-kill "$T/a"
dev-agent agent-start "$T/a"
wait $PID
is $? 0 'the agent is killed and back soon: nothing is lost'
ok 'all are whole' tree_whole "$T/tree"
is "$NEW" $N 'and signed'
is "$(cat "$T/err")" '' 'without a word'
done_testing
