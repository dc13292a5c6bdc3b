#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients that mean no good: more connections than the agent can have, and clients that
# go away in the middle of everything.
. "$(dirname "$0")/lib.sh"

agent_start
child() { # ROLE
	local main pid
	read -r main _ <"$T/a/modseald.pid"
	for pid in $(cat "/proc/$main/task/$main/children"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "modseald-$1" ] || echo "$pid"
	done
}
make_module "$T/m.ko" m
front=$(child front)
is "$(prlimit --pid "$front" --nofile --output SOFT --noheadings | tr -d ' ')" \
	"$(prlimit --pid "$front" --nofile --output HARD --noheadings | tr -d ' ')" \
	'the front may have as many connections as its hard limit allows'

# Idle connections until there are no descriptors left; told when standard input ends.
cat >"$T/idle.py" <<'END'
import socket, sys
held = []
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    try:
        s.send(b"GET /heal")
    except OSError:
        pass # has had to go already
    held.append(s)
print("connected", flush=True)
sys.stdin.read()
END
prlimit --pid "$front" --nofile=64:
mkfifo "$T/hold"
python3 "$T/idle.py" "$T/a/agent.sock" 200 <"$T/hold" >"$T/idle.out" &
idle=$!
exec 8>"$T/hold"
wait_for 20 grep -q connected "$T/idle.out"
wait_for 20 grep -q 'cannot accept connections' "$T/a/modseald.log" &&
	pass 'out of descriptors: the log says so' || fail 'out of descriptors: the log says so'
ok 'out of descriptors: who has a request is served, in the place of an idle one' \
	curl -sS --max-time 20 --unix-socket "$T/a/agent.sock" http://modseal/healthz
before=$(awk '{ print $14 + $15 }' "/proc/$front/stat")
sleep 1
after=$(awk '{ print $14 + $15 }' "/proc/$front/stat")
[ $((after - before)) -lt 20 ] && pass 'out of descriptors: the front waits quietly' ||
	fail 'out of descriptors: the front waits quietly' "$((after - before)) ticks in 1 s"
exec 8>&-
wait "$idle"
wait_for 20 agent_alive && pass 'they are gone: served again' ||
	fail 'they are gone: served again'
is "$(grep -c . "$T/a/modseald.log")" 2 'and the log has one line about it'
is "$(child front)" "$front" 'the front is the same process'
ok 'it signs' modseal sign "$T/m.ko"

done_testing
