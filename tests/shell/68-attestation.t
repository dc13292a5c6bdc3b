#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A key's birth in a TPM, proven to an outsider; and a key that moves to a second TPM.
. "$(dirname "$0")/lib.sh"

command -v swtpm_setup >/dev/null || skip_all 'no swtpm_setup'
export DEV_TPM_CA=$T/ca DEV_KEY_ALG=p256
agent_start "$T/a"
cd "$T" || exit 1
root=$T/ca/swtpm-localca-rootca-cert.pem between=$T/ca/issuercert.pem

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout enrol.key \
	-out enrol.pem -days 30 -subj /CN=enrolment 2>/dev/null
ok 'a resident key is made' modseal key create r --custody resident --alg p256
modseal key cert r >r.pem

# ------------------------------------------------------------------- enrolment
ok 'the TPM says who it is' modseal tpm identity -o id.json
is "$(jq -r .type id.json)" modseal-tpm-identity 'in a file of its own kind'
enroll=(modseal tpm enroll id.json --ca enrol.pem --ca-key enrol.key)
fails 1 'a TPM that nobody vouches for is not enrolled' "${enroll[@]}" --root enrol.pem
like "$ERR" 'ek-certificate' 'and the condition is named'
ok 'one of a known manufacturer is' "${enroll[@]}" --root "$root" --chain "$between" -o ans.json
unlike "$(cat ans.json)" '"ak_certificate"' 'the certificate is not to be read in the answer'
ok 'the TPM opens it' modseal tpm install ans.json

ok 'the key is attested' modseal key attest r -o b.json --nonce 0011
verify=(modseal-verify attestation --cert r.pem --root "$root" --chain "$between"
	--ak-ca enrol.pem)
ok 'an outsider is convinced' "${verify[@]}" b.json --nonce 0011
like "$OUT" 'good: this TPM made the key' 'and told so'
ok 'as JSON, too' "${verify[@]}" b.json --format json
is "$(jq -r .verdict <<<"$OUT")" good 'with the verdict'
policy=$(jq -r .auth_policy <<<"$OUT")
ok 'the policy is the one asked for' "${verify[@]}" b.json --auth-policy "$policy"
fails 1 'or is not' "${verify[@]}" b.json --auth-policy "${policy//[0-7]/8}"
like "$OUT" 'failed +key-policy' 'and is named'
fails 1 'another nonce' "${verify[@]}" b.json --nonce 0012
like "$OUT" 'failed +nonce' 'is named'
pcr7=$(jq -r .pcr_values b.json | base64 -d | od -v -An -tx1 | tr -d " \n")
ok 'a PCR as expected' "${verify[@]}" b.json --pcr "7=$pcr7"
fails 1 'and not so' "${verify[@]}" b.json --pcr "7=${pcr7//0/1}"
like "$OUT" 'failed +quote-pcrs' 'is named'
fails 3 'without the enrolment CA nothing is proven' modseal-verify attestation b.json \
	--cert r.pem --root "$root" --chain "$between"
like "$OUT" 'unchecked +ak-certificate' 'and what lacks is named'
fails 1 'another certificate' modseal-verify attestation b.json --cert enrol.pem \
	--root "$root" --chain "$between" --ak-ca enrol.pem
like "$OUT" 'failed +key-certificate' 'is named'
fails 2 'no certificate at all is a matter of usage' modseal-verify attestation b.json
fails 3 'a file that is no bundle' "${verify[@]}" r.pem

# Every field, changed: FIELD BYTE CONDITION. TPMS_ATTEST has its magic at 0, its type at
# 4, then the signer's name (34 bytes), and extraData (32) at 42; a Name is 36 from the
# end with the qualified one behind it.
change() {
	python3 - "$1" "$2" <<-'END'
		import base64, json, sys
		b = json.load(open("b.json"))
		v = bytearray(base64.b64decode(b[sys.argv[1]]))
		v[int(sys.argv[2])] ^= 1
		b[sys.argv[1]] = base64.b64encode(v).decode()
		json.dump(b, open("c.json", "w"))
	END
}
while read -r field at condition; do
	change "$field" "$at"
	fails 1 "$field, byte $at" "${verify[@]}" c.json
	like "$OUT" "failed +$condition " "fails $condition"
done <<-END
	certify 0 certify-magic
	certify 5 certify-type
	certify 50 certify-extra-data
	certify 90 certify-signature
	certify -40 certify-name
	certify_signature -1 certify-signature
	creation 0 creation-magic
	creation 5 creation-type
	creation 50 creation-extra-data
	creation -40 creation-name
	creation -1 creation-data
	creation_signature -1 creation-signature
	creation_data -1 creation-data
	quote 0 quote-magic
	quote 5 quote-type
	quote 50 quote-extra-data
	quote -1 quote-digest
	quote_signature -1 quote-signature
	pcr_values 0 quote-digest
	csr -1 csr
	key_public -1 key-public
	ak_public -1 ak-public
	ak_public 7 ak-restricted
	ak_certificate -1 ak-certificate
	ek_certificate -1 ek-certificate
END
# One attribute after the other: TPMA_OBJECT is the u32 at byte 6.
attribute() {
	python3 - "$@" <<-'END'
		import base64, json, sys
		b = json.load(open("b.json"))
		v = bytearray(base64.b64decode(b[sys.argv[1]]))
		a = int.from_bytes(v[6:10], "big") ^ (1 << int(sys.argv[2]))
		v[6:10] = a.to_bytes(4, "big")
		b[sys.argv[1]] = base64.b64encode(v).decode()
		json.dump(b, open("c.json", "w"))
	END
}
for who in key ak; do
	for bit in 1:fixedTPM 4:fixedParent 5:sensitiveDataOrigin 16:restricted 17:decrypt \
		18:sign; do
		attribute "${who}_public" "${bit%:*}"
		run "${verify[@]}" c.json
		like "$OUT" "failed +$who-${bit#*:} " "$who: ${bit#*:} is looked at"
	done
done
attribute key_public 6
run "${verify[@]}" c.json --auth-policy "$policy"
like "$OUT" 'failed +key-userWithAuth ' 'a policy that nobody has to meet is none'

fails 1 'of a sealed key nothing can be attested' modseal key attest dev -o no.json
like "$ERR" 'custody sealed' 'in plain words'

# ------------------------------------------------------------------- provisioning
unset DEV_TPM_CA
for d in b c; do
	at_exit dev-agent stop "$T/$d"
	dev-agent start "$T/$d" --no-key >/dev/null 2>&1 || bail_out 'no second agent'
done
A=unix:$T/a/agent.sock B=unix:$T/b/agent.sock C=unix:$T/c/agent.sock
ok 'the second machine says who it is' modseal --agent "$B" tpm identity -o there.json
name=$(sed -n 2p <<<"$ERR")
to=(modseal --agent "$A" key provision dev --to there.json)
fails 2 'somebody has to say that it is that machine' "${to[@]}" -o k.pem
fails 1 'another Name' "${to[@]}" -o k.pem --srk-name "${name//[0-7]/8}"
fails 1 'a TPM that the configuration does not name' "${to[@]}" -o k.pem --srk-name "$name"
like "$ERR" "provision-to = $name" 'is told how to name it'
sed -i "s/^admins.*/&\nprovision-to = $name/" "$T/a/modseald.conf"
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
ok 'the key is wrapped to it' "${to[@]}" -o k.pem --srk-name "$name"
fails 1 'a TPM other than the addressed one refuses' \
	modseal --agent "$C" key provision dev --import k.pem
like "$ERR" 'another TPM' 'and says why'
damaged() { # N: bit N of the wrapped key flipped
	python3 - "$1" <<-'END'
		import base64, re, sys
		t = open("k.pem").read()
		m = re.search(r"(-----BEGIN MODSEAL.*?-----\n)(.*?)(-----END)", t, re.S)
		v = bytearray(base64.b64decode(m[2]))
		v[int(sys.argv[1])] ^= 1
		t = t[:m.start(2)] + base64.encodebytes(v).decode() + t[m.start(3):]
		open("d.pem", "w").write(t)
	END
}
# in the SRK's Name, the object, the duplicate, the seed, the key's hash and the key itself
for at in 20 70 130 200 300 -1; do
	damaged "$at"
	fails 1 "a bit flipped at $at" modseal --agent "$B" key provision dev --import d.pem
	one_line "$ERR" 'is refused in one sentence'
done
is "$(find "$T/b/state/keys" -name 'dev*')" '' 'and nothing of it was kept'
ok 'the addressed one takes it' modseal --agent "$B" key provision dev --import k.pem
is "$(modseal --agent "$A" key cert dev)" "$(modseal --agent "$B" key cert dev)" \
	'it is the same key'
# ------------------------------------------------------------------- event log
# A log in which PCR 7 was extended twice; then the same is done to the TPM.
log=$TOP/tests/fuzz/corpus/event_log/seed-good
modseal --agent "$B" key create e --custody resident --alg p256 --pcrs none >/dev/null
modseal --agent "$B" key cert e >e.pem
ok 'a log is put into the bundle' modseal --agent "$B" key attest e --event-log "$log" -o e1.json
run modseal-verify attestation e1.json --cert e.pem --root "$root" --ak-ca enrol.pem
like "$OUT" 'failed +event-log +it does not lead to the quoted value of PCR 7' \
	'a log of another machine is found out'
for event in SecureBoot '\0\0\0\0'; do
	ok 'the TPM is told of the event' wait_for 10 \
		tpm2_pcrextend -T "swtpm:path=$T/b/tpm.sock" \
		"7:sha256=$(printf %b "$event" | sha256sum | head -c 64)"
done
modseal --agent "$B" key attest e --event-log "$log" -o e2.json 2>/dev/null
run modseal-verify attestation e2.json --cert e.pem --root "$root" --ak-ca enrol.pem
like "$OUT" 'good +event-log' 'and the right one leads to the quote'
like "$OUT" 'failed +ek-certificate' 'a TPM without a certificate proves nothing'

cd "$TOP" || exit 1
make_module "$T/m.ko"
ok 'and the second machine signs with it' modseal --agent "$B" sign --key dev "$T/m.ko"
like "$(modseal --agent "$A" log search --event key-provision)" dev 'the first has it on record'
like "$(modseal --agent "$B" log search --event key-take-provisioned)" dev 'the second, too'
done_testing
