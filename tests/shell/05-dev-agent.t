#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts/dev-agent: starts, is ready, starts again without harm, survives a torn-out TPM,
# stops without a trace.
. "$(dirname "$0")/lib.sh"

D=$T/agent
at_exit dev-agent stop "$D"

ok 'start' dev-agent start "$D"
ok 'and it is ready at once' curl -fsS --unix-socket "$D/agent.sock" http://modseal/readyz
ok 'env' dev-agent env "$D"
like "$OUT" "export MODSEAL_AGENT=unix:$D/agent.sock" 'env points at the socket'
eval "$OUT"
ok 'the key dev is there' modseal key show dev
before=$(cat "$D/modseald.pid" "$D/swtpm.pid")
read -r agent _ <"$D/modseald.pid"
read -r tpm _ <"$D/swtpm.pid"

ok 'start again' dev-agent start "$D"
is "$(cat "$D/modseald.pid" "$D/swtpm.pid")" "$before" 'leaves what runs alone'

ok 'the TPM is torn out' dev-agent tpm-stop "$D"
ok 'and is gone' gone "$tpm"
fails any 'which status sees' dev-agent status "$D"
ok 'the TPM is back' dev-agent tpm-start "$D"
ok 'and the agent gets over it' wait_for 30 dev-agent status "$D"

ok 'the agent alone is killed' dev-agent agent-kill "$D"
ok 'and is gone' gone "$agent"
ok 'it starts again, over the stale socket' dev-agent agent-start "$D"
ok 'with the key it had' modseal key show dev

read -r agent _ <"$D/modseald.pid"
read -r tpm _ <"$D/swtpm.pid"
# Supervisor, front, key process, TPM worker: all of them have to go.
family=$(ps -s "$agent" -o pid= 2>/dev/null)
isnt "$family" '' 'the agent has processes'
ok 'stop' dev-agent stop "$D"
for pid in $tpm $family; do
	ok 'and a process of it is gone' wait_for 10 gone "$pid"
done
ok 'stop again' dev-agent stop "$D"

long=$T/$(printf 'x%.0s' {1..100})
fails 1 'a path too long for a socket is refused' dev-agent start "$long"
one_line "$ERR" 'in one line'
like "$ERR" 'too long' 'that says why'
done_testing
