# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of modseal init, after lib.sh: a TPM, and what is set up in $D.

D=$T/d
mkdir "$D"
tcti=swtpm:path=$T/t/tpm.sock
at_exit dev-agent stop "$T/t"
dev-agent tpm-start "$T/t" || bail_out 'no TPM'
init=(modseal init --dir "$D" --tcti "$tcti" --alg p256)
init() { "${init[@]}" "$@"; }

# start_agent: with the command that init has printed, $START
start_agent() {
	setsid sh -c "exec $START" </dev/null >>"$T/agent.log" 2>&1 &
	AGENT=$!
	wait_for 20 curl -fsS --unix-socket "$D/agent.sock" http://modseal/readyz
}
end_agent() {
	[ -z "${AGENT:-}" ] || kill "$AGENT" 2>/dev/null
	[ -z "${AGENT:-}" ] || wait "$AGENT"
	AGENT=
}
at_exit end_agent
