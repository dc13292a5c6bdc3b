#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Custody resident and leaf: keys that are born in the TPM and stay there.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

agent_start
make_module "$T/m.ko" m
payload=$(stat -c %s "$T/m.ko")
verified() { # SIGNED-MODULE CERT: OpenSSL finds a signature by CERT over the payload
	message "$1" >"$T/msg"
	head -c "$payload" "$1" >"$T/content"
	openssl cms -verify -inform DER -in "$T/msg" -content "$T/content" -binary -nointern \
		-certfile "$2" -CAfile "$2" -purpose any -out /dev/null
}

for alg in rsa2048 p256 p384; do
	ok "a resident $alg key is made" modseal key create "r-$alg" --custody resident --alg $alg
	modseal key cert "r-$alg" >"$T/r-$alg.pem"
	is "$(openssl verify -CAfile "$T/r-$alg.pem" -check_ss_sig -purpose any "$T/r-$alg.pem" \
		2>&1 | tail -n1)" "$T/r-$alg.pem: OK" 'its certificate is signed by itself'
	cp "$T/m.ko" "$T/$alg.ko"
	ok 'it signs' modseal sign --key "r-$alg" "$T/$alg.ko"
	ok 'and OpenSSL agrees' verified "$T/$alg.ko" "$T/r-$alg.pem"
done
is "$(modseal key show r-p256 --json | jq -r .custody)" resident 'it is shown as resident'
fails 1 'an algorithm that the TPM lacks' modseal key create no --custody resident --alg rsa4096
one_line "$ERR" 'is refused in one sentence'
unlike "$(ls "$T/a/state/keys")" 'no.key' 'and leaves no file'

# The file is what other TPM programs read: a loadable TSS2 PRIVATE KEY.
like "$(grep -h BEGIN "$T/a/state/keys/r-p256.key" | tr '\n' ' ')" \
	'TSS2 PRIVATE KEY.*MODSEAL RESIDENT KEY.*CERTIFICATE' 'the key file has its parts'
unlike "$(cat "$T/a/state/keys/r-p256.key")" 'SEALED' 'and nothing sealed'

ok 'a resident key with a PIN' modseal key create pinned --custody resident --alg p256 \
	--pin-fd 3 3< <(echo Zaphod-4711)
cp "$T/m.ko" "$T/p.ko"
ok 'signs as long as the agent runs' modseal sign --key pinned "$T/p.ko"

# An issuer signs no module by itself.
ok 'an issuing key is made' modseal key create issuer --custody leaf
is "$(modseal key show issuer --json | jq -r .custody)" leaf 'it is shown as leaf'
like "$(modseal key cert issuer | openssl x509 -noout -ext basicConstraints,keyUsage)" \
	'CA:TRUE.*Certificate Sign' 'its certificate is that of a CA'
cp "$T/m.ko" "$T/i.ko"
fails 1 'without a build it signs nothing' modseal sign --key issuer "$T/i.ko"
like "$ERR" 'build open' 'and says how to open one'
same "$T/i.ko" "$T/m.ko" 'the module is as it was'

# After a restart: resident keys are back by themselves, the one with a PIN waits for it.
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'a resident key is back' wait_for 20 key_is r-rsa2048 active
ok 'the issuer is back' wait_for 20 key_is issuer active
ok 'the one with a PIN is locked' wait_for 20 key_stays_locked pinned PIN
fails 1 'a wrong PIN' modseal key unlock pinned --pin-fd 3 3< <(echo wrong)
like "$ERR" 'wrong PIN' 'is said to be wrong'
ok 'the right PIN' modseal key unlock pinned --pin-fd 3 3< <(echo Zaphod-4711)
cp "$T/m.ko" "$T/p.ko"
ok 'it signs again' modseal sign --key pinned "$T/p.ko"

# The TPM goes: sealed keys go on, resident keys cannot, and are back with it.
dev-agent tpm-stop "$T/a"
cp "$T/m.ko" "$T/x.ko"
ok 'TPM gone: a sealed key signs' modseal sign --key dev "$T/x.ko"
cp "$T/m.ko" "$T/x.ko"
fails any 'TPM gone: a resident key does not' modseal sign --key r-p256 "$T/x.ko"
one_line "$ERR" 'TPM gone: in one sentence'
same "$T/x.ko" "$T/m.ko" 'TPM gone: the module is as it was'
dev-agent tpm-start "$T/a"
ok 'TPM back: a resident key signs' wait_for 30 modseal sign --key r-p256 "$T/x.ko"
agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'

done_testing
