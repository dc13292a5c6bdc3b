#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys in the TPM that other programs can use, and keys that they have made: the file
# format is theirs, too.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

for c in tpm2_create tpm2_encodeobject; do
	command -v $c >/dev/null || skip_all "no $c"
done
agent_start
. "$(dirname "$0")/tpm.sh"
make_module "$T/m.ko" m
provider=0
openssl list -provider tpm2 -providers >/dev/null 2>&1 && provider=1

# Ours, for openssl to use through the provider tpm2: no PCRs, no PIN.
for alg in rsa2048 p256; do
	modseal key create "out-$alg" --custody resident --alg $alg --pcrs none >/dev/null
	modseal key cert "out-$alg" >"$T/out-$alg.pem"
done
by_provider() {
	for alg in rsa2048 p256; do
		ok "openssl signs with a key of ours, $alg" openssl dgst -provider tpm2 \
			-provider default -propquery '?provider=tpm2,tpm2.digest!=yes' -sha256 \
			-sign "$T/a/state/keys/out-$alg.key" -out "$T/sig" "$T/m.ko"
		openssl x509 -in "$T/out-$alg.pem" -noout -pubkey >"$T/pub"
		ok 'and the signature is good' openssl dgst -sha256 -verify "$T/pub" \
			-signature "$T/sig" "$T/m.ko"
	done
	# Theirs: their parent is 0x40000001.
	openssl genpkey -provider tpm2 -provider default -algorithm RSA \
		-pkeyopt rsa_keygen_bits:2048 -out "$T/theirs.tss2" 2>/dev/null
	openssl genpkey -provider tpm2 -provider default -algorithm EC -pkeyopt group:P-256 \
		-pkeyopt user-auth:4321 -out "$T/pin.tss2" 2>/dev/null
}
# Theirs, by tpm2-tools: under a persistent SRK.
fixed='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda'
make_srk() {
	tpm2_createprimary -C o -G ecc256 -c "$T/srk.ctx" -a "restricted|decrypt|$fixed" &&
		tpm2_evictcontrol -C o -c "$T/srk.ctx" 0x81000001 && no_leftovers
}
make_by_tools() { # NAME ALGORITHM ATTRIBUTES
	tpm2_create -C 0x81000001 -G "$2" -u "$T/pub" -r "$T/priv" -a "$3" &&
		tpm2_encodeobject -C 0x81000001 -u "$T/pub" -r "$T/priv" -o "$T/$1.tss2" &&
		no_leftovers
}
if [ $provider = 1 ]; then
	without_agent by_provider
	like "$(<"$T/theirs.tss2")" 'TSS2 PRIVATE KEY' 'the provider makes a key'
	ok 'it is imported' modseal key import theirs "$T/theirs.tss2"
	like "$ERR" 'still there.*past the agent' 'and what is left is said'
	is "$(modseal key show theirs --json | jq -r .custody)" resident \
		'its custody is resident'
	ok 'it signs' signs theirs
else
	skip 9 'no provider tpm2 (tpm2-openssl)'
fi
make_all_by_tools() {
	ok 'tpm2-tools make an SRK' make_srk
	ok 'a key' make_by_tools tools rsa2048:rsassa:null "sign|$fixed"
	ok 'one that only decrypts' make_by_tools decrypts rsa2048 "decrypt|$fixed"
	ok 'and one that can be moved' \
		make_by_tools moves ecc256 'sign|sensitivedataorigin|userwithauth|noda'
}
without_agent make_all_by_tools
for alg in rsa2048 p256; do
	ok "the agent signs with its own still, $alg" signs "out-$alg"
done
ok 'a key of tpm2_create is imported' modseal key import tools "$T/tools.tss2"
ok 'it signs' signs tools
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/x.key" -out "$T/x.pem" -subj /CN=x \
	2>/dev/null
refused 'not this key' "another key's certificate" \
	modseal key import y "$T/tools.tss2" --cert "$T/x.pem"
modseal key cert tools >"$T/own.crt"
ok 'with its own certificate' modseal key import again "$T/tools.tss2" --cert "$T/own.crt"
same <(modseal key cert again) "$T/own.crt" 'which it has then'
refused 'may not sign' 'a key that only decrypts' modseal key import d "$T/decrypts.tss2"
refused 'taken out of the TPM' 'a key that can be moved' modseal key import z "$T/moves.tss2"
sed '5s/....$/AAAA/' "$T/tools.tss2" >"$T/bad.pem"
refused 'damaged' 'a damaged one' modseal key import bad "$T/bad.pem"
refused 'key file of modseal' 'a key file of ours' \
	modseal key import ours "$T/a/state/keys/out-p256.key"
if [ $provider = 1 ]; then
	refused 'PIN|pin' 'one with a password, without it' modseal key import bad "$T/pin.tss2"
	ok 'one with a password becomes its PIN' \
		modseal key import pin "$T/pin.tss2" --pin-fd 3 3<<<4321
	is "$(modseal key show pin --json | jq -r .pin)" true 'and is known to have one'
	ok 'it signs' signs pin
else
	skip 6 'no provider tpm2 (tpm2-openssl)'
fi
is "$(modseal key list --json | jq -r '.keys[].name' | grep -cE '^(y|d|z|bad|ours)$')" 0 \
	'no key came of these'
done_testing
