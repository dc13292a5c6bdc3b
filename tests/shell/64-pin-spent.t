#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A wrong PIN in the credentials costs one try, however often the key process dies.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/keys.sh"

export DEV_KEY_ALG=p256
agent_start
reason() { modseal key show "$1" --json | jq -r .reason; }
says() { [[ $(reason "$1") == *"$2"* ]]; }
kill_key_process() {
	local pid
	pid=$(agent_process key)
	kill -9 "$pid"
	wait_for 20 agent_successor key "$pid" && wait_for 20 key_is dev active
}
pin() { "${@:2}" --pin-fd 3 3<<<"$1"; }

ok 'a key with a PIN' pin 1234 modseal key create pinned --alg p256
ok 'and another one' pin 5678 modseal key create right --alg p256
dev-agent agent-stop "$T/a"
mkdir "$T/cred"
echo nonsense >"$T/cred/pinned.pin"
echo 5678 >"$T/cred/right.pin"
# Not ready, as a key stays locked: it only has to run.
CREDENTIALS_DIRECTORY=$T/cred DEV_AGENT_DEADLINE=2 run dev-agent agent-start "$T/a"
wait_for 20 says pinned 'wrong PIN' && pass 'the wrong PIN is refused' ||
	fail 'the wrong PIN is refused' "$(reason pinned)"
ok 'the right one opens its key' wait_for 20 key_is right active
for i in 1 2 3; do
	kill_key_process
	wait_for 20 says pinned 'did not open it' &&
		pass "killed, $i: the PIN is not given again" ||
		fail "killed, $i: the PIN is not given again" "$(reason pinned)"
	ok "killed, $i: the right one is" wait_for 20 key_is right active
done
ok 'the TPM is not locked: the right PIN opens it' pin 1234 modseal key unlock pinned

done_testing
