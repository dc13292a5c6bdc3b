#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal: help, usage, exit statuses, what the agent says about itself.
. "$(dirname "$0")/lib.sh"

ok 'version' modseal --version
like "$OUT" '^modseal [0-9]+\.[0-9]+' 'which is a version'
ok 'help' modseal --help
like "$OUT" 'key create NAME' 'lists the commands'
like "$OUT" 'Exit status: 0' 'and the exit statuses'
for c in 'key create' 'key list' 'key show' 'key cert' 'key unlock' sign status whoami; do
	# shellcheck disable=SC2086 # two words
	ok "help of $c" modseal $c --help
	like "$OUT" "^Usage: modseal $c" 'is of that command'
	is "$(awk 'length > 80' <<<"$OUT")" '' 'and fits 80 columns'
	# shellcheck disable=SC2086
	run modseal help $c
	like "$OUT" "^Usage: modseal $c" 'and with help in front'
done
ok 'help of a group' modseal key --help

fails 2 'no command' modseal
fails 2 'half a command' modseal key
fails 2 'an unknown command' modseal sing x
like "$ERR" '^modseal: there is no command "sing"' 'is named'
fails 2 'an unknown command of a group' modseal key lst
fails 2 'an unknown option' modseal key list --al
like "$ERR" '^modseal: key list: there is no option --al ' 'is named'
fails 2 'no name' modseal key create
fails 2 'an algorithm that there is not' modseal key create x --alg rsa1024
like "$ERR" 'rsa2048\|rsa3072\|rsa4096\|p256\|p384' 'what there is'
fails 2 'a name that cannot be' modseal key show ../x
fails 2 'days' modseal key create x --days 0
fails 2 'PCRs' modseal key create x --pcrs 7,24
fails 2 'PCRs twice' modseal key create x --pcrs 7,7
fails 2 'PCRs with nothing between' modseal key create x --pcrs 7,
fails 2 'jobs' modseal sign -j 0 --key k x.ko
fails 2 'no key' modseal sign x.ko
like "$ERR" 'MODSEAL_KEY' 'how to name one'
touch "$T/none.conf"
fails 2 'no key in a file of its own' env "MODSEAL_CONFIG=$T/none.conf" modseal sign x.ko
like "$ERR" "key = NAME in $T/none.conf" 'the message names it'
run env "MODSEAL_CONFIG=$T/none.conf" modseal --help
like "$OUT" "MODSEAL_CONFIG.*$T/none.conf" 'and so does --help'
fails 2 'a hash that there is not' modseal sign --key k --hash sha257 x.ko
fails 2 'a hash that is too weak' modseal sign --key k --hash sha1 x.ko
fails 2 'https' modseal key list --agent https://example.org
fails 2 'an address that is none' env MODSEAL_AGENT=nonsense modseal key list
one_line "$ERR" 'in one sentence'
echo 'agnt = unix:/x' >"$T/conf"
fails 2 'a wrong configuration' env MODSEAL_CONFIG="$T/conf" modseal key list
like "$ERR" 'agent' 'and the nearest name'

for c in 'key list' 'key show x' 'key cert x' 'key create x' status whoami 'sign --key x x.ko'; do
	# shellcheck disable=SC2086
	fails 3 "$c without an agent" modseal $c --agent "unix:$T/none.sock"
	one_line "$ERR" 'in one sentence'
	like "$ERR" "^modseal: no agent at $T/none.sock: .*start modseald" 'what to do'
done

agent_start
ok 'status' modseal status
like "$OUT" 'TPM +ok' 'TPM'
like "$OUT" 'Keys +1' 'keys'
ok 'status as JSON' modseal --json status
is "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["keys"])' <<<"$OUT")" 1 'is JSON'
ok 'whoami' modseal whoami
like "$OUT" "Identity +uid:$(id -u)" 'is me'
ok 'whoami as JSON' modseal whoami --json
like "$OUT" "\"identity\": \"uid:$(id -u)\"" 'is me, too'
ok 'another agent by option' env MODSEAL_AGENT=unix:/nonexistent \
	modseal whoami --agent "unix:$T/a/agent.sock"
echo "agent = unix:$T/a/agent.sock" >"$T/conf"
ok 'another agent by configuration' env -u MODSEAL_AGENT MODSEAL_CONFIG="$T/conf" modseal whoami

if [ -w /dev/full ]; then
	run sh -c 'modseal key list >/dev/full'
	is "$STATUS" 1 'an answer that cannot be written is a failure'
	like "$ERR" 'cannot write' 'that is told'
else
	skip 2 'no /dev/full'
fi
ok 'the agent is alive' agent_alive
done_testing
