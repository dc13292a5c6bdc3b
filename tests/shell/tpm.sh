# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests in which other programs use the TPM of $T/a, beside an agent or alone. Sourced
# after lib.sh.
#
# There is no resource manager, and swtpm takes the commands of all its clients in turn.
# So they share three slots for objects and three for sessions, handles that were flushed
# are given to the next, and an agent that opens the TPM flushes all that it finds there:
# one command at a time may go well beside an agent, a row of them does not.

export TPM2TOOLS_TCTI=swtpm:path=$T/a/tpm.sock TSS2_LOG=all+NONE
export TPM2OPENSSL_TCTI=$TPM2TOOLS_TCTI

# tpm_start: without an agent
tpm_start() {
	at_exit dev-agent stop "$T/a"
	dev-agent tpm-start "$T/a" || bail_out 'no TPM'
}

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

# pem_block LABEL FILE: what one PEM block has, in DER
pem_block() {
	sed -n "/^-----BEGIN $1-----/,/^-----END $1-----/{/^-----/d;p}" "$2" | base64 -d
}

# tpm_object KEY-FILE: $T/object.der, and of the object in it $T/pub and $T/priv
tpm_object() {
	pem_block 'TSS2 PRIVATE KEY' "$1" >"$T/object.der"
	python3 - "$T" <<-'END'
		import sys
		def tlv(b, i):
		    n, i = b[i + 1], i + 2
		    if n & 0x80:
		        k = n & 0x7f
		        n, i = int.from_bytes(b[i:i + k], "big"), i + k
		    return i, i + n
		b = open(sys.argv[1] + "/object.der", "rb").read()
		at, end = tlv(b, 0)
		octets = []
		while at < end:
		    start, stop = tlv(b, at)
		    if b[at] == 4:
		        octets.append(b[start:stop])
		    at = stop
		open(sys.argv[1] + "/pub", "wb").write(octets[0])
		open(sys.argv[1] + "/priv", "wb").write(octets[1])
	END
}

# tpm_load: that object, below the SRK, as $T/obj
tpm_load() {
	tpm2_createprimary -Q -C o -G ecc -c "$T/srk" -a "restricted|decrypt|fixedtpm|$(
	)fixedparent|sensitivedataorigin|userwithauth|noda" && tpm2_flushcontext -t &&
		tpm2_load -Q -C "$T/srk" -u "$T/pub" -r "$T/priv" -c "$T/obj" &&
		tpm2_flushcontext -t
}
