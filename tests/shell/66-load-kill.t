#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each process is killed below load. Every signature that was handed out is in the log, no
# call with an Idempotency-Key was signed twice, and the agent comes back by itself.
. "$(dirname "$0")/lib.sh"

export DEV_KEY_ALG=p256
agent_start
agent_config '/^key = /a content = digest'
db=$T/a/state/audit.db
signed() { sqlite3 "$db" "SELECT count(*) FROM audit WHERE event = 'sign'" 2>/dev/null; }
more_than() { [ "$(signed)" -gt "$1" ]; } 2>/dev/null
for role in front key tpm supervisor; do
	load -u "$T/a/agent.sock" -K dev -b 5 -n 16 -s 600 -O -p -o "$T/out.$role" \
		>"$T/load.$role" 2>"$T/err.$role" &
	load=$!
	before=$(signed)
	wait_for 30 more_than $((before + 50)) || fail "$role: signatures" "$(cat "$T/err.$role")"
	before=$(signed)
	if [ "$role" = supervisor ]; then
		dev-agent agent-kill "$T/a"
		dev-agent agent-start "$T/a"
	else
		old=$(agent_process $role)
		kill -KILL "$old"
		ok "$role killed: there is another one" wait_for 20 agent_successor $role "$old"
	fi
	ok "$role killed: more signatures" wait_for 30 more_than $((before + 100))
	kill "$load"
	wait "$load"
	is "$?" 0 "$role killed: every client got an answer to each of its calls"
	diag "$(cat "$T/load.$role")" "$(head -n 1 "$T/err.$role" | cut -c 1-200)"
done

cat "$T"/out.* | sort >"$T/handed"
is "$(uniq -d "$T/handed" | head -n 3)" '' 'no signature was handed out twice'
sqlite3 -separator ' ' "$db" "SELECT request_id, record ->> 'digest' FROM audit
	WHERE event = 'sign'" | sed 's/ [a-z0-9-]*:/ /' | sort >"$T/logged"
is "$(comm -23 "$T/handed" "$T/logged" | head -n 3)" '' 'every one that was is in the log'
ok 'and they are many' test "$(wc -l <"$T/handed")" -ge 600
is "$(cut -d' ' -f2 "$T/logged" | sort | uniq -d | head -n 3)" '' 'no digest was signed twice'
ok 'the log is whole' modseal log verify
done_testing
