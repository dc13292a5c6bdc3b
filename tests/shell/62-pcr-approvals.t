#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PCR values change with every firmware: an offline policy key approves the new ones, and
# no key is made again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

agent_start
. "$(dirname "$0")/tpm.sh"
make_module "$T/m.ko" m
approve() { # OUT ARG...: by the policy key
	local out=$1
	shift
	modseal key approve-pcrs --policy-key "$T/policy.key" -o "$out" "$@"
}

openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/policy.key"
openssl pkey -in "$T/policy.key" -pubout -out "$T/policy.pub"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$T/rsa.key"
openssl pkey -in "$T/rsa.key" -pubout -out "$T/rsa.pub"

# --- what is wrong is said before anything happens
fails 2 'a policy key alone' modseal key create k --policy-key "$T/policy.pub"
like "$ERR" 'approve-pcrs' 'is told what else it takes'
ok 'the present PCR 16 is approved' approve "$T/now" --from-tpm --pcrs 16 --name 'firmware 1'
like "$ERR" '"firmware 1" approves.*PCR 16 = 0{64}' 'and what is signed is shown'
fails 1 'an approval of another key' modseal key create k --policy-key "$T/rsa.pub" \
	--approval "$T/now"
like "$ERR" 'another key than that of --policy-key' 'is refused'
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$T/big.key"
fails 1 'RSA-3072 as a policy key' modseal key approve-pcrs --policy-key "$T/big.key" \
	--from-tpm
like "$ERR" 'RSA-2048 or P-256' 'is refused, as TPMs cannot check it'

# --- a sealed key
ok 'a sealed key is made' modseal key create sealed --alg p256 \
	--policy-key "$T/policy.pub" --approval "$T/now"
like "$OUT" 'PCR 16 \(SHA-256\) as a policy key approves \(1 approval\)' 'and says so'

# --- other tools compute the same: the Name of the policy key, the policy, the signature
tpm_object "$T/a/state/keys/sealed.key"
python3 - "$T" <<-'END'
	import sys
	t = sys.argv[1]
	def tlv(b, i):
	    n, i = b[i + 1], i + 2
	    if n & 0x80:
	        k = n & 0x7f
	        n, i = int.from_bytes(b[i:i + k], "big"), i + k
	    return i, i + n
	def each(b, at, end):
	    while at < end:
	        start, stop = tlv(b, at)
	        yield b[at], start, stop
	        at = stop
	b = open(t + "/object.der", "rb").read()
	top = list(each(b, *tlv(b, 0)))
	octets = [b[s:e] for tag, s, e in top if tag == 4]
	area = octets[0][2:]               # type, nameAlg, attributes, authPolicy
	n = int.from_bytes(area[8:10], "big")
	open(t + "/policy", "wb").write(area[10:10 + n])
	# authPolicy [3]: SEQUENCE OF { [0] name, [1] { { [0] cc, [1] body } ... } }
	s, e = [(s, e) for tag, s, e in top if tag == 0xa3][0]
	entry = list(each(b, *tlv(b, s)))[0]
	steps = [x for x in each(b, entry[1], entry[2]) if x[0] == 0xa1][0]
	step = list(each(b, *tlv(b, steps[1])))[0]
	body = [x for x in each(b, step[1], step[2]) if x[0] == 0xa1][0]
	s, e = tlv(b, body[1])
	body = b[s:e]
	n = int.from_bytes(body[:2], "big") + 2
	assert body[n:n + 2] == b"\0\0"    # no policyRef
	open(t + "/policy.tpm", "wb").write(body[:n])
	open(t + "/sig", "wb").write(body[n + 2:])
END
tools() { # the policy, step by step, and the object under it
	tpm2_loadexternal -Q -C o -G ecc -u "$T/policy.pub" -c "$T/pk.ctx" -n "$T/pk.name" &&
		tpm2_flushcontext -t || return 1
	tpm2_startauthsession -S "$T/s.ctx" || return 1
	tpm2_policypcr -Q -S "$T/s.ctx" -l sha256:16 -L "$T/approved" &&
		tpm2_policyauthorize -Q -S "$T/s.ctx" -n "$T/pk.name" -i "$T/approved" \
			-L "$T/theirs"
	tpm2_flushcontext "$T/s.ctx"
	cmp "$T/theirs" "$T/policy"
}
ok 'tpm2-tools compute the same policy' without_agent tools
unseal() {
	tpm_load || return 1
	openssl dgst -sha256 -binary "$T/approved" >"$T/ahash"
	tpm2_verifysignature -Q -c "$T/pk.ctx" -g sha256 -m "$T/approved" -s "$T/sig" \
		-t "$T/ticket" && tpm2_flushcontext -t || return 1
	tpm2_startauthsession --policy-session -S "$T/s.ctx" || return 1
	tpm2_policypcr -Q -S "$T/s.ctx" -l sha256:16 &&
		tpm2_policyauthorize -Q -S "$T/s.ctx" -n "$T/pk.name" -i "$T/approved" \
			-t "$T/ticket" &&
		tpm2_unseal -Q -c "$T/obj" -p "session:$T/s.ctx" -o "$T/kek"
	tpm2_flushcontext "$T/s.ctx"
	tpm2_flushcontext -t
	[ "$(stat -c %s "$T/kek")" -eq 32 ]
}
ok 'and unseal the key with the approval in its file' without_agent unseal

# --- resident, with a PIN, and one that an RSA key approves
ok 'a resident one' modseal key create resident --custody resident --alg p256 \
	--approval "$T/now"
ok 'one with a PIN' modseal key create pinned --alg p256 --approval "$T/now" \
	--pin-fd 3 3< <(echo Zaphod-4711)
ok 'an RSA key approves, too' modseal key approve-pcrs --policy-key "$T/rsa.key" \
	-o "$T/rsa.now" --from-tpm --pcrs 16,23
ok 'and a key is made with it' modseal key create rsa --alg p256 --approval "$T/rsa.now"
for k in sealed resident pinned rsa; do ok "$k signs" signs "$k"; done

# --- the firmware changes
ok 'PCR 16 changes' extend 16
cp "$T/a/state/keys/sealed.key" "$T/sealed.before"
cp "$T/m.ko" "$T/s.ko"
fails 1 'a resident key signs no more' modseal sign --key resident "$T/s.ko"
like "$ERR" 'PCRs \(16\) have values that the policy key has not approved' 'and says why'
same "$T/s.ko" "$T/m.ko" 'the module is as it was'
ok 'a sealed one still does: it is in memory' signs sealed
restart
ok 'after a start it does not, and says what to do' \
	wait_for 20 key_stays_locked sealed 'not approved.*approve-pcrs'

# --- what does not help
ok 'somebody else approves' modseal key approve-pcrs --policy-key "$T/rsa.key" \
	-o "$T/wrong" --from-tpm --pcrs 16
fails 1 'but is not the policy key' modseal key reseal sealed --approval "$T/wrong"
like "$ERR" 'by another policy key than that of key sealed' 'and that is said'
ok 'the present values are approved' approve "$T/next" --from-tpm --pcrs 16 --name 'firmware 2'
python3 - "$T" <<-'END'
	import base64, sys
	t = sys.argv[1]
	lines = open(t + "/next").read().splitlines()
	der = bytearray(base64.b64decode("".join(lines[1:-1])))
	digest = bytes(der).rindex(b"\0\x20", 0, -40) + 2
	for name, at in (("forged", der.index(b"\x00\x18\x00\x0b\x00\x20") + 20),
	                 ("moved", digest + 5), ("cut", None)):
	    d = bytearray(der)
	    if at is None:
	        d = d[:-3]
	    else:
	        d[at] ^= 1
	    text = base64.b64encode(bytes(d)).decode()
	    open(t + "/" + name, "w").write("%s\n%s\n%s\n" % (lines[0], "\n".join(
	        text[i:i + 64] for i in range(0, len(text), 64)), lines[-1]))
END
for bad in forged moved; do
	fails 1 "an approval that was $bad" modseal key reseal sealed --approval "$T/$bad"
	like "$ERR" 'not signed by the policy key.*forged or damaged' 'is found out'
done
fails 1 'an approval that was cut' modseal key reseal sealed --approval "$T/cut"
one_line "$ERR" 'is refused in one sentence'
fails 1 'a key without a policy key' modseal key reseal dev --approval "$T/next"
like "$ERR" 'without a policy key' 'is told so'
fails 1 'sealing anew what has a policy key' modseal key reseal sealed
like "$ERR" 'approve-pcrs' 'is told the other way'
same "$T/a/state/keys/sealed.key" "$T/sealed.before" 'the key file is as it was'
ok 'and still locked' key_is sealed locked

# --- what does
ok 'the approval is added' modseal key reseal sealed --policy-key "$T/policy.pub" \
	--approval "$T/next"
ok 'and the key signs at once' signs sealed
ok 'adding it twice is no harm' modseal key reseal sealed --approval "$T/next"
like "$OUT" '2 approvals' 'nor one more'
ok 'the resident key' modseal key reseal resident --approval "$T/next"
ok 'signs, too' signs resident
ok 'the one with a PIN is still locked' modseal key reseal pinned --approval "$T/next"
ok 'until it has it' modseal key unlock pinned --pin-fd 3 3< <(echo Zaphod-4711)
ok 'and signs' signs pinned
like "$(modseal log search --event key-approval --key sealed)" 'sealed.*failed.*sealed' \
	'it is on record, and what was refused, too'

# --- ahead of time: values like those that tpm2_pcrread prints
printf 'sha1:\n  23: 0x%040d\nsha256:\n  16: 0x%064d\n  23: 0x%064d # later\n' 1 2 3 >"$T/values"
ok 'values from a file are approved' approve "$T/later" --values "$T/values" --pcrs 23
like "$ERR" 'PCR 23 = 0*3' 'those of SHA-256'
tpm2_pcrread sha1:23+sha256:16,23 >"$T/printed"
ok 'and as it prints them' approve "$T/present" --values "$T/printed" --pcrs 23
like "$ERR" 'PCR 23 = 0{64}' 'those of SHA-256'
fails 1 'a value that the file does not have' approve "$T/none" --values "$T/values" --pcrs 7
like "$ERR" 'no value of PCR 7' 'is missed'
echo '7: 0x1234' >"$T/short"
fails 1 'a value that is none' approve "$T/none" --values "$T/short"
like "$ERR" 'line 1' 'is found'

agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'
done_testing
