#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The units: how exposed the service is; socket activation, readiness and watchdog.
. "$(dirname "$0")/lib.sh"

units=$TOP/packaging/systemd
# Threshold in tenths: 1.5 or better.
ok 'systemd finds the service no more exposed than 1.5' \
	systemd-analyze security --offline=true --threshold=15 --no-pager "$units/modseald.service"
systemd-analyze verify "$units/modseald.service" "$units"/modseald{,-tls}.socket 2>&1 |
	grep -vE 'is not executable|man modseald|unit configures an IP firewall' >"$T/verify"
is "$(cat "$T/verify")" '' 'and understands every line of the units'
ok 'sysusers.d is understood' systemd-sysusers --dry-run "$units/modseal.sysusers"

# A service manager in small: opens the socket, starts the agent, listens to what it says.
agent_start
dev-agent agent-stop "$T/a"
cat >"$T/manager.py" <<'END'
import os, socket, sys
sock, notify, *command = sys.argv[1:]
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
n.bind(notify)
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sock)
os.chmod(sock, 0o666)
s.listen(64)
pid = os.fork()
if pid == 0:
    os.dup2(s.fileno(), 3)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', NOTIFY_SOCKET=notify,
                      WATCHDOG_USEC='20000000')
    os.execvp(command[0], command)
print(pid, flush=True)
n.settimeout(30)
want = ['READY=1', 'WATCHDOG=1', 'WATCHDOG=1', 'STOPPING=1']
while want:
    said = n.recv(4096).decode()
    print(said, flush=True)
    if said == want[0]:
        want.pop(0)
        if want == ['STOPPING=1']:
            os.kill(pid, 15)
print('exit', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
END
timeout 100 python3 "$T/manager.py" "$T/a/agent.sock" "$T/notify" \
	modseald -c "$T/a/modseald.conf" >"$T/said" 2>"$T/log" &
manager=$!
ready() { grep -q READY=1 "$T/said"; }
wait_for 30 ready && pass 'it says that it is ready' ||
	fail 'it says that it is ready' "$(cat "$T/log")"
ok 'it serves on the socket that it was given' wait_for 30 modseal status
make_module "$T/m.ko"
ok 'and signs' modseal sign "$T/m.ko"
wait "$manager"
is "$?" 0 'it says that it lives, again and again, and that it stops'
is "$(tail -n1 "$T/said")" 'exit 0' 'and ends well'
[ -S "$T/a/agent.sock" ] && pass "the manager's socket is left to it" ||
	fail "the manager's socket is left to it"
done_testing
