#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processes that are killed, a TPM that goes away, a store that cannot be written: no
# signature without its record, no half-written module, and work goes on by itself.
. "$(dirname "$0")/lib.sh"

export DEV_KEY_ALG=rsa4096
agent_start
ready() { curl -fsS --max-time 10 --unix-socket "$T/a/agent.sock" http://modseal/readyz; }
signed() { tail -c 28 "$1" | cmp -s - <(printf '~Module signature appended~\n'); }

make_module "$T/one.ko" one
count=240
fresh_tree() {
	local i
	rm -rf "$T/tree"
	mkdir "$T/tree"
	for ((i = 0; i < count; i++)); do cp "$T/one.ko" "$T/tree/m$i.ko"; done
}
# Every file is the old one or a whole new one whose signature is on record.
check_tree() {
	local f bad=0 n=0 recorded
	for f in "$T"/tree/*.ko; do
		if cmp -s "$f" "$T/one.ko"; then
			continue
		elif signed "$f" && cmp -s -n "$(stat -c %s "$T/one.ko")" "$f" "$T/one.ko"; then
			n=$((n + 1))
		else
			bad=$((bad + 1))
		fi
	done
	is "$bad" 0 "$1: every module is the old one or the new one"
	recorded=$(records "SELECT count(*) FROM audit WHERE event = 'sign'")
	[ "$n" -le "$recorded" ] && pass "$1: no signature without its record ($n, $recorded)" ||
		fail "$1: no signature without its record" "$n signed, $recorded recorded"
	is "$(find "$T/tree" -name '.modseal-*' | wc -l)" 0 "$1: no temporary file is left"
	is "$(records 'SELECT count(*) = max(seq) AND min(seq) = 1 FROM audit')" 1 \
		"$1: records are numbered without gaps"
}
some_signed() { [ "$(records "SELECT count(*) FROM audit WHERE event = 'sign'")" -gt "$1" ]; }

for role in key front tpm; do
	fresh_tree
	before=$(records "SELECT count(*) FROM audit WHERE event = 'sign'")
	modseal sign -q -r -j1 "$T/tree" >"$T/out" 2>"$T/err" &
	client=$!
	wait_for 20 some_signed $((before + 20)) || diag 'nothing was signed in 20 s'
	pid=$(agent_process "$role")
	kill -9 "$pid"
	wait "$client"
	wait_for 20 agent_successor "$role" "$pid" && pass "$role killed: it is started again" ||
		fail "$role killed: it is started again"
	wait_for 20 ready && pass "$role killed: the agent becomes ready by itself" ||
		fail "$role killed: the agent becomes ready by itself"
	check_tree "$role killed"
	ok "$role killed: a second run signs the rest" modseal sign -q -r -j2 "$T/tree"
done

fresh_tree
modseal sign -q -r -j1 "$T/tree" 2>"$T/err" &
client=$!
before=$(records "SELECT count(*) FROM audit WHERE event = 'sign'")
wait_for 20 some_signed $((before + 20))
kill -9 "$client"
wait "$client" 2>/dev/null
find "$T/tree" -name '.modseal-*' -delete # what a killed client may leave, by name
check_tree 'client killed'
agent_alive "$T/a" && pass 'client killed: the agent lives' || fail 'client killed: the agent lives'

# The agent killed as a whole: nobody is left, and it starts again on the same state.
fresh_tree
before=$(records "SELECT count(*) FROM audit WHERE event = 'sign'")
modseal sign -q -r -j1 "$T/tree" 2>"$T/err" &
client=$!
wait_for 20 some_signed $((before + 20))
children=$(agent_process key; agent_process front; agent_process tpm)
dev-agent agent-kill "$T/a"
wait "$client"
isnt "$?" 0 'agent killed: the client fails'
one_line "$(cat "$T/err")" 'agent killed: and says so once'
for pid in $children; do
	wait_for 10 gone "$pid" || fail "agent killed: process $pid is still there"
done
ok 'agent killed: it starts again' dev-agent agent-start "$T/a"
wait_for 20 ready
check_tree 'agent killed'
ok 'agent killed: a second run signs the rest' modseal sign -q -r -j2 "$T/tree"

# The TPM is torn out: what is unsealed goes on; a restarted agent waits for the TPM.
cp "$T/one.ko" "$T/x.ko"
dev-agent tpm-stop "$T/a"
ok 'TPM gone: an unsealed key goes on signing' modseal sign "$T/x.ko"
not_ready() { ! ready; }
ok 'TPM gone: not ready' wait_for 10 not_ready
fails any 'TPM gone: no key can be made' modseal key create other --alg p256
one_line "$ERR" 'TPM gone: in one sentence'
like "$ERR" 'TPM' 'TPM gone: that names the TPM'
dev-agent agent-stop "$T/a"
run dev-agent agent-start "$T/a"
wait_for 20 curl -fsS --unix-socket "$T/a/agent.sock" http://modseal/healthz
cp "$T/one.ko" "$T/y.ko"
fails 1 'TPM gone: a sealed key stays locked' modseal sign "$T/y.ko"
one_line "$ERR" 'TPM gone: one sentence says why'
like "$ERR" 'TPM' 'TPM gone: the TPM'
same "$T/y.ko" "$T/one.ko" 'TPM gone: the module is as it was'
dev-agent tpm-start "$T/a"
wait_for 30 ready && pass 'TPM back: ready by itself' || fail 'TPM back: ready by itself'
ok 'TPM back: it signs' modseal sign "$T/y.ko"

# A store that cannot grow: nothing is released, and work goes on when it can.
signed_before=$(records "SELECT count(*) FROM audit WHERE event = 'sign'")
front=$(agent_process front)
prlimit --pid "$front" --fsize=0:unlimited
cp "$T/one.ko" "$T/z.ko"
fails 1 'store full: nothing is signed' modseal sign "$T/z.ko"
one_line "$ERR" 'store full: one sentence'
same "$T/z.ko" "$T/one.ko" 'store full: the module is as it was'
agent_alive "$T/a" && pass 'store full: the agent lives' || fail 'store full: the agent lives'
fails any 'store full: not ready' ready
is "$(agent_process front)" "$front" 'store full: no process was lost'
prlimit --pid "$front" --fsize=unlimited:unlimited
is "$(records "SELECT count(*) FROM audit WHERE event = 'sign'")" "$signed_before" \
	'store full: no record either'
ok 'store has room again: it signs' modseal sign "$T/z.ko"
wait_for 20 ready && pass 'store has room again: ready' || fail 'store has room again: ready'

# SIGSTOP of the TPM: the deadline ends the wait, the worker is replaced.
pid=$(agent_process tpm)
read -r swtpm _ <"$T/a/swtpm.pid"
kill -STOP "$swtpm"
ok 'TPM hangs: not ready' wait_for 20 not_ready
cp "$T/one.ko" "$T/w.ko"
ok 'TPM hangs: an unsealed key goes on signing' modseal sign "$T/w.ko"
wait_for 40 agent_successor tpm "$pid" && pass 'TPM hangs: its worker is replaced' ||
	fail 'TPM hangs: its worker is replaced'
kill -CONT "$swtpm"
wait_for 30 ready && pass 'TPM works again: ready' || fail 'TPM works again: ready'

done_testing
