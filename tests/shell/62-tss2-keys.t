#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys in the TPM that other programs can use, and keys that they have made: the file
# format is theirs, too.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"

for c in tpm2_create tpm2_encodeobject; do
	command -v $c >/dev/null || skip_all "no $c"
done
agent_start
make_module "$T/m.ko" m
export TPM2TOOLS_TCTI="swtpm:path=$T/a/tpm.sock" TSS2_LOG=all+NONE
export TPM2OPENSSL_TCTI=$TPM2TOOLS_TCTI
signs() {
	cp "$T/m.ko" "$T/$1.ko"
	modseal key cert "$1" >"$T/$1.pem" && modseal sign --key "$1" "$T/$1.ko" &&
		verified "$T/$1.ko" "$T/$1.pem" "$T/m.ko"
}
refused() { # PATTERN NAME COMMAND...
	local pattern=$1 name=$2
	shift 2
	fails 1 "$name" "$@"
	one_line "$ERR" 'is refused in one sentence'
	like "$ERR" "$pattern" 'that says why'
}
provider=0
openssl list -provider tpm2 -providers >/dev/null 2>&1 && provider=1

# Ours, used by openssl through the provider tpm2: no PCRs, no PIN.
for alg in rsa2048 p256; do
	modseal key create "out-$alg" --custody resident --alg $alg --pcrs none >/dev/null
	modseal key cert "out-$alg" >"$T/out-$alg.pem"
	if [ $provider = 1 ]; then
		ok "openssl signs with a key of ours, $alg" openssl dgst -provider tpm2 \
			-provider default -propquery '?provider=tpm2,tpm2.digest!=yes' -sha256 \
			-sign "$T/a/state/keys/out-$alg.key" -out "$T/sig" "$T/m.ko"
		openssl x509 -in "$T/out-$alg.pem" -noout -pubkey >"$T/pub"
		ok 'and the signature is good' openssl dgst -sha256 -verify "$T/pub" \
			-signature "$T/sig" "$T/m.ko"
	else
		skip 2 'no provider tpm2 (tpm2-openssl)'
	fi
	ok 'the agent signs with it still' signs "out-$alg"
done

# Theirs, by the provider: parent 0x40000001.
if [ $provider = 1 ]; then
	openssl genpkey -provider tpm2 -provider default -algorithm RSA \
		-pkeyopt rsa_keygen_bits:2048 -out "$T/theirs.tss2" 2>/dev/null
	openssl genpkey -provider tpm2 -provider default -algorithm EC -pkeyopt group:P-256 \
		-pkeyopt user-auth:4321 -out "$T/pin.tss2" 2>/dev/null
	like "$(<"$T/theirs.tss2")" 'TSS2 PRIVATE KEY' 'the provider makes a key'
	ok 'it is imported' modseal key import theirs "$T/theirs.tss2"
	like "$ERR" 'still there.*past the agent' 'and what is left is said'
	is "$(modseal key show theirs --json | jq -r .custody)" resident \
		'its custody is resident'
	ok 'it signs' signs theirs
	refused 'PIN|pin' 'one with a password, without it' modseal key import pin "$T/pin.tss2"
	ok 'one with a password becomes its PIN' \
		modseal key import pin "$T/pin.tss2" --pin-fd 3 3<<<4321
	is "$(modseal key show pin --json | jq -r .pin)" true 'and is known to have one'
	ok 'it signs' signs pin
else
	skip 9 'no provider tpm2 (tpm2-openssl)'
fi

# Theirs, by tpm2-tools: under a persistent SRK.
fixed='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda'
(
	cd "$T" || exit
	tpm2_createprimary -C o -G ecc256 -c srk.ctx \
		-a "restricted|decrypt|$fixed" &&
		tpm2_evictcontrol -C o -c srk.ctx 0x81000001 &&
		tpm2_flushcontext -t &&
		tpm2_create -C 0x81000001 -G rsa2048:rsassa:null -u t.pub -r t.priv \
			-a "sign|$fixed" &&
		tpm2_encodeobject -C 0x81000001 -u t.pub -r t.priv -o t.tss2 &&
		tpm2_flushcontext -t &&
		tpm2_create -C 0x81000001 -G rsa2048 -u d.pub -r d.priv \
			-a "decrypt|$fixed" &&
		tpm2_encodeobject -C 0x81000001 -u d.pub -r d.priv -o decrypt.pem &&
		tpm2_flushcontext -t &&
		tpm2_create -C 0x81000001 -G ecc256 -u m.pub -r m.priv \
			-a 'sign|sensitivedataorigin|userwithauth|noda' &&
		tpm2_encodeobject -C 0x81000001 -u m.pub -r m.priv -o moves.pem
) >"$T/tools.log" 2>&1 || diag "$(tail -5 "$T/tools.log")"
ok 'a key of tpm2_create is imported' modseal key import tools "$T/t.tss2"
ok 'it signs' signs tools
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/x.key" -out "$T/x.pem" -subj /CN=x \
	2>/dev/null
refused 'not this key' "another key's certificate" \
	modseal key import y "$T/t.tss2" --cert "$T/x.pem"
modseal key cert tools >"$T/own.crt"
ok 'with its own certificate' modseal key import again "$T/t.tss2" --cert "$T/own.crt"
same <(modseal key cert again) "$T/own.crt" 'which it has then'
refused 'may not sign' 'a key that only decrypts' modseal key import d "$T/decrypt.pem"
refused 'taken out of the TPM' 'a key that can be moved' modseal key import z "$T/moves.pem"
sed '5s/....$/AAAA/' "$T/t.tss2" >"$T/bad.pem"
refused 'damaged' 'a damaged one' modseal key import bad "$T/bad.pem"
refused 'key file of modseal' 'a key file of ours' \
	modseal key import ours "$T/a/state/keys/out-p256.key"
is "$(modseal key list --json | jq -r '.keys[].name' | grep -cE '^(y|d|z|bad|ours)$')" 0 \
	'no key came of these'
done_testing
