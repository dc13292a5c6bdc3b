#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients that mean no good: more connections than the agent can have, and clients that
# go away in the middle of everything.
. "$(dirname "$0")/lib.sh"

agent_start
make_module "$T/m.ko" m
front=$(agent_process front)
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
        s.send(sys.argv[3].encode().decode("unicode_escape").encode())
    except OSError:
        pass # has had to go already
    held.append(s)
print("connected", flush=True)
sys.stdin.read()
END
prlimit --pid "$front" --nofile=64:
mkfifo "$T/hold"
python3 "$T/idle.py" "$T/a/agent.sock" 200 'GET /heal' <"$T/hold" >"$T/idle.out" &
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
is "$(grep -c 'cannot accept' "$T/a/modseald.log")" 1 'and the log has one line about it'
is "$(agent_process front)" "$front" 'the front is the same process'
ok 'it signs' modseal sign "$T/m.ko"

# The same with clients that have begun to send a body, and say no more.
python3 "$T/idle.py" "$T/a/agent.sock" 200 \
	'POST /v1/keys/dev/sign HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1' \
	<"$T/hold" >"$T/idle.out" &
idle=$!
exec 8>"$T/hold"
wait_for 20 grep -q connected "$T/idle.out"
ok 'half bodies on all connections: who has a request is served' \
	curl -sS --max-time 15 --unix-socket "$T/a/agent.sock" http://modseal/healthz
exec 8>&-
wait "$idle"
wait_for 20 agent_alive && pass 'they are gone, too' || fail 'they are gone, too'

# Half requests: others are answered as if they were not there.
kb() { awk '/^VmHWM/ { print $2 }' "/proc/$front/status"; }
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
front=$(agent_process front)
# 10,000, or as many as the descriptors of the crowd itself allow.
most=$(ulimit -Hn)
[ "$most" != unlimited ] && [ "$most" -lt 10100 ] && most=$((most - 100)) || most=10000
ok "$most half requests" crowd "$T/a/agent.sock" "$most" 400
read -r _ alone _ <<<"$(grep alone <<<"$OUT")"
read -r _ _ p99 <<<"$(grep crowd <<<"$OUT")"
diag "$OUT; $(kb) kB of memory"
[ "$p99" -lt $((20 * alone + 100000)) ] && pass 'disturb nobody' ||
	fail 'disturb nobody' "median alone $alone us, 99th percentile among them $p99 us"
[ "$(kb)" -lt 200000 ] && pass 'and take little memory' || fail 'and take little memory' "$(kb) kB"

# Requests that are no good are answered at once, without their bodies.
raw() { # TEXT: what the agent says to it
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin1"))
out = b""
while True:
    got = s.recv(65536)
    out += got
    if not got or sys.argv[3] in out.decode("latin1"):
        break
print(out.decode("latin1"))' "$T/a/agent.sock" "$@"
}
h=' HTTP/1.1\r\nHost: a\r\n' l='Content-Length'
ok 'a body over the cap' raw "POST /v1/keys/dev/sign${h}$l: 9999999999\r\n\r\n" \
	too-large
like "$OUT" '^HTTP/1.1 413 ' 'is refused before it comes'
ok 'over that of another path' raw "POST /v1/builds${h}$l: 99999999\r\n\r\n" \
	too-large
like "$OUT" '^HTTP/1.1 413 ' 'too'
ok 'a body without a length' raw "POST /v1/builds${h}Transfer-Encoding: chunked\r\n\r\n" \
	length-req
like "$OUT" '^HTTP/1.1 411 ' 'is refused'
ok 'no HTTP' raw 'hello\r\n\r\n' bad-request
like "$OUT" '^HTTP/1.1 400 ' 'is refused'
ok 'a head without an end' raw "GET / HTTP/1.1\r\nX: $(printf 'a%.0s' $(seq 20000))" \
	head-too
like "$OUT" '^HTTP/1.1 431 ' 'is refused'
ok 'two requests at once' raw "GET /healthz${h}\r\nGET /nowhere${h}\r\n" \
	no-route
is "$(grep -o 'HTTP/1.1 [0-9]*' <<<"$OUT" | tr '\n' ' ')" \
	'HTTP/1.1 200 HTTP/1.1 404 ' 'are answered one after the other'

# Large bodies at once wait for each other; memory has a limit.
before=$(kb)
truncate -s 64M "$T/zeros"
clients=()
for ((i = 0; i < 10; i++)); do
	curl -s -o /dev/null --max-time 60 --unix-socket "$T/a/agent.sock" \
		--data-binary "@$T/zeros" http://modseal/v1/keys/dev/sign &
	clients+=($!)
done
wait "${clients[@]}"
after=$(kb)
[ $((after - before)) -lt $((480 * 1024)) ] && pass '10 bodies of 64 MB: memory has a limit' ||
	fail '10 bodies of 64 MB: memory has a limit' "$before KB before, $after KB after"
is "$(agent_process front)" "$front" 'the front is the same process'
ok 'it signs' modseal sign "$T/m.ko"

# Ten thousand digests of one identity do not hold up another one's module.
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	printf '[rule crowd]\nwho = uid:65534 uid:0\nkey = dev\ncontent = digest\n' \
		>>"$T/a/modseald.conf"
	ok 'a rule for two' modseal reload
	python3 -c 'import json
print(json.dumps({"hash": "sha256", "items": [{"name": "m", "digest": "%064x" % i}
    for i in range(10000)]}))' >"$T/many"
	chmod 755 "$T" "$T/a"
	digests=(curl -sS --max-time 120 --unix-socket "$T/a/agent.sock"
		http://modseal/v1/keys/dev/sign-digests --data-binary)
	printf '{"hash":"sha256","items":[{"name":"m","digest":"%064d"}]}' 7 >"$T/one"
	"${digests[@]}" "@$T/many" >/dev/null 2>&1 &
	many=$!
	busy() {
		curl -sS --unix-socket "$T/a/agent.sock" http://modseal/metrics |
			awk '/queue="sign"/ && $2 > 300 { n++ } END { exit !n }'
	}
	signs() { # UID: number of its last signature in the log
		sqlite3 -readonly "$T/a/state/audit.db" "SELECT max(seq) FROM audit
			WHERE event = 'sign' AND identity = 'uid:$1'"
	}
	if wait_for 10 busy; then
		ok 'another identity signs' setpriv --reuid=65534 --clear-groups \
			"${digests[@]}" "@$T/one"
		like "$OUT" '"signature"' 'and gets its signature'
		wait "$many"
		[ "$(signs 65534)" -lt "$(($(signs 0) - 1000))" ] &&
			pass 'long before the last of the thousands' ||
			fail 'long before the last of the thousands' "$(signs 65534) $(signs 0)"
	else
		skip 3 'the thousands were signed too fast to be seen'
		wait "$many"
	fi
else
	skip 4 'to be two users takes root and setpriv'
fi

# Builds that one identity has open have lists in memory: there is an end to them.
cat >"$T/builds.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
body = b'{"key":"dev","kernel":"6.1.0"}'
answers = s.makefile("rb")
for i in range(257):
    s.sendall(b"POST /v1/builds HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
              % (len(body), body))
    status = answers.readline().split()[1].decode()
    fields = dict(f.rstrip().split(b": ", 1) for f in iter(answers.readline, b"\r\n"))
    answer = answers.read(int(fields[b"Content-Length"]))
    if i in (0, 255, 256):
        print(status, end=" ")
END
ok 'builds without end' python3 "$T/builds.py" "$T/a/agent.sock"
is "$OUT" '201 201 409 ' 'are refused after 256'

done_testing
