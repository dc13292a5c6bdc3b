# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests in which other programs use the TPM of the agent in $T/a. Sourced after lib.sh,
# once the agent was started.
#
# There is no resource manager, and swtpm takes the commands of all its clients in turn.
# So they share three slots for objects and three for sessions, handles that were flushed
# are given to the next, and an agent that opens the TPM flushes all that it finds there:
# one command at a time may go well beside an agent, a row of them does not.

TPM2TOOLS_TCTI=$(sed -n 's/^tcti *= *//p' "$T/a/modseald.conf")
export TPM2TOOLS_TCTI TPM2OPENSSL_TCTI=$TPM2TOOLS_TCTI TSS2_LOG=all+NONE

# without_agent COMMAND...: the agent is stopped meanwhile. It is ready again afterwards, so
# there must be no key with a PIN.
without_agent() {
	dev-agent agent-stop "$T/a" || bail_out 'the agent does not stop'
	"$@"
	local status=$?
	dev-agent agent-start "$T/a" || bail_out 'the agent does not start'
	return "$status"
}

# restart [COMMAND...]: a new boot, as far as the agent is concerned; the command comes in
# between. Which keys it has afterwards is for the test to wait for.
restart() {
	local status=0
	dev-agent agent-stop "$T/a" || bail_out 'the agent does not stop'
	[ $# -eq 0 ] || "$@" || status=$?
	DEV_AGENT_DEADLINE=1 dev-agent agent-start "$T/a" 2>/dev/null
	return "$status"
}

# extend PCR: by some value. One that fails has not extended, and is tried again.
extend() {
	wait_for 10 tpm2_pcrextend "$1:sha256=$(printf %064d "$RANDOM")"
}

# no_leftovers: what the tools, other than they should, leave loaded
no_leftovers() {
	tpm2_flushcontext -t && tpm2_flushcontext -l && tpm2_flushcontext -s
}
