#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# After unsealing, the private key is in locked pages of one process, and the key that it
# was encrypted under in none.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root reads the memory of processes that forbid it'

agent_start
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/known.key"
ok 'a key that we know' modseal key import known "$T/known.key"
openssl pkey -in "$T/known.key" -text -noout | sed -n '/^priv:/,/^pub:/p' | sed '1d;$d' |
	tr -d ' :\n' >"$T/d.hex"
. "$(dirname "$0")/tpm.sh"
tpm_object "$T/a/state/keys/known.key"
unseal() { # the key-encryption key, by tpm2-tools
	tpm_load &&
		tpm2_startauthsession --policy-session -S "$T/session" &&
		tpm2_policypcr -Q -S "$T/session" -l sha256:7 &&
		tpm2_unseal -Q -c "$T/obj" -p "session:$T/session" -o "$T/kek"
	tpm2_flushcontext "$T/session"
	tpm2_flushcontext -t
	[ -s "$T/kek" ]
}
# Started again, the agent unseals it; what creating it left behind is gone.
ok 'we unseal the key-encryption key' without_agent unseal
make_module "$T/m.ko" m
ok 'so does the agent, which signs' wait_for 20 modseal sign --key known "$T/m.ko"

session=$(head -n1 "$T/a/modseald.pid")
ps -s "$session" -o pid= >"$T/pids"
cat >"$T/scan.py" <<-'END'
	import re, sys
	t = sys.argv[1]
	d = bytes.fromhex(open(t + "/d.hex").read())[-32:]
	kek = open(t + "/kek", "rb").read()
	assert len(d) == 32 and len(kek) == 32
	found, scanned = {"key": [], "kek": []}, 0
	for pid in open(t + "/pids").read().split():
	    areas, at = [], None
	    for line in open("/proc/%s/smaps" % pid):
	        m = re.match(r"^([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
	        if m:
	            at = (int(m[1], 16), int(m[2], 16), m[3])
	        elif line.startswith("VmFlags:") and at[2][0] == "r":
	            areas.append(at + (" lo" in line,))
	    with open("/proc/%s/mem" % pid, "rb", 0) as mem:
	        for start, end, _, locked in areas:
	            try:
	                mem.seek(start)
	                data = mem.read(end - start)
	            except (OSError, ValueError, OverflowError):
	                continue
	            scanned += len(data)
	            for what, secret in (("key", d), ("kek", kek)):
	                if secret in data or secret[::-1] in data:
	                    found[what].append((pid, locked))
	print("scanned", scanned)
	print("key in", len(set(p for p, _ in found["key"])), "process")
	print("unlocked", sum(1 for _, l in found["key"] if not l))
	print("kek", len(found["kek"]))
END
run python3 "$T/scan.py" "$T"
[ -z "$ERR" ] || diag "$ERR"
diag "$OUT"
is "$STATUS" 0 'the memory of all processes of the agent is read'
like "$OUT" 'key in 1 process' 'the private key is in one of them'
like "$OUT" 'unlocked 0' 'in locked pages'
like "$OUT" 'kek 0' 'the key-encryption key in none'
done_testing
