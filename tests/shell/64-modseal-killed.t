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

# A shell's background jobs ignore SIGINT; this one shall not.
begin_interruptible() {
	python3 -c 'import os, signal, sys
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_DFL)
os.execvp("modseal", ["modseal", "sign", "-r", *sys.argv[1:]])' "$@" "$T/tree" \
		>"$T/out" 2>"$T/err" &
	PID=$!
}

# waits PID: it has asked the agent for something
waits() {
	find "/proc/$1/fd" -lname 'socket:*' 2>/dev/null | grep -q .
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
	begin_interruptible -j1
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

# An agent that does not answer
fresh_tree
pid=$(agent_process key)
kill -STOP "$pid"
begin_interruptible -j2
ok 'modules are on their way' wait_for 20 waits $PID
kill -INT $PID
ok 'Ctrl-C' wait_for 20 grep -q stopping "$T/err"
ok 'it waits for them' kill -0 $PID
kill -INT $PID
wait $PID
is $? 130 'Ctrl-C again ends it at once'
kill -CONT "$pid"
ok 'all are old or new' tree_whole "$T/tree"
is "$OLD" $N 'all are old'
is "$(left_overs "$T/tree")" '' 'no temporary files'

# Two signals while files are being written: whenever the second one hits.
left=
for i in 1 2 3 4 5 6 7 8 9 10; do
	fresh_tree
	begin_interruptible -j4
	wait_for 20 some_signed 1
	kill -TERM $PID
	kill -INT $PID 2>/dev/null
	wait $PID 2>/dev/null
	left+=$(left_overs "$T/tree")
done
is "$left" '' 'two signals: no temporary files'
ok 'two signals: all are old or new' tree_whole "$T/tree"

limited() { (
	ulimit -f 1
	modseal sign "$1" 2>&1 | cat
	exit "${PIPESTATUS[0]}"
); }
truncate -s 1500 "$T/pad"
cat "$T/original.ko" "$T/pad" >"$T/limited.ko"
cp "$T/limited.ko" "$T/limited.old"
fails 1 'a file that may not grow' limited "$T/limited.ko"
like "$OUT" 'cannot be written: .*ulimit -f' 'and the message says why'
same "$T/limited.ko" "$T/limited.old" 'it is as it was'

# The key process is stopped first, so that the modules on their way stay there.
fresh_tree
kill -STOP "$(agent_process key)"
begin -j2
ok 'modules are on their way' wait_for 20 waits $PID
dev-agent agent-kill "$T/a"
wait $PID
is $? 3 'the agent is killed: status 3'
ok 'all are old or new' tree_whole "$T/tree"
is "$OLD" $N 'all are old'
is "$(left_overs "$T/tree")" '' 'no temporary files'
one_line "$(cat "$T/err")" 'one sentence'
like "$(cat "$T/err")" '^modseal: no agent at .*start modseald' 'what to do'
like "$(cat "$T/out")" "^0 signed with dev, $N not tried" 'and the totals'

dev-agent agent-start "$T/a" || bail_out 'no agent'
kill -STOP "$(agent_process key)"
begin -j2
wait_for 20 waits $PID
began=${EPOCHREALTIME/./}
dev-agent agent-kill "$T/a"
dev-agent agent-start "$T/a"
took=$((${EPOCHREALTIME/./} - began))
wait $PID
status=$?
if [ $took -lt 3000000 ]; then
	is $status 0 'the agent is killed and back soon'
	ok 'all are whole' tree_whole "$T/tree"
	is "$NEW" $N 'and signed'
	is "$(cat "$T/err")" '' 'without a word'
else
	skip 4 'this machine is too slow to start an agent in three seconds'
fi

fresh_tree
pid=$(agent_process key)
kill -STOP "$pid"
begin -j2
wait_for 20 waits $PID
kill -KILL "$pid"
wait $PID
is $? 0 'the key process is killed: its successor signs'
ok 'all are whole' tree_whole "$T/tree"
is "$NEW" $N 'all of them'
is "$(cat "$T/err")" '' 'without a word'
done_testing
