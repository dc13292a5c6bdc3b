#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Custody leaf: an issuing key in the TPM certifies a key for each build, once.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"

agent_start
for i in 1 2 3; do make_module "$T/m$i.ko" "m$i"; done
ok 'an issuing key' modseal key create issuer --custody leaf
modseal key cert issuer >"$T/issuer.pem"

run modseal build open --kernel 6.1.0-1-amd64 --key issuer --max 3
is "$STATUS" 0 'a build is opened'
build=$OUT
like "$build" '^[a-z0-9]{26}$' 'its id is alone on stdout'
cp "$T/m1.ko" "$T/s1.ko"
ok 'it signs' env MODSEAL_BUILD="$build" modseal sign --key issuer "$T/s1.ko"
message "$T/s1.ko" >"$T/s1.p7s"
ok 'OpenSSL finds the way from the leaf to the issuer' openssl cms -verify -inform DER \
	-in "$T/s1.p7s" -content "$T/m1.ko" -binary -CAfile "$T/issuer.pem" -purpose any \
	-out /dev/null
openssl pkcs7 -inform DER -in "$T/s1.p7s" -print_certs 2>/dev/null |
	openssl x509 -text -noout -nameopt oneline >"$T/leaf"
like "$(cat "$T/leaf")" "Subject: CN = build $build" 'the leaf names its build'
like "$(cat "$T/leaf")" 'CA:FALSE' 'is no CA'
like "$(cat "$T/leaf")" 'Digital Signature' 'signs'
like "$(cat "$T/leaf")" 'Code Signing' 'code'
like "$(cat "$T/leaf")" 'Signature Algorithm: sha256WithRSAEncryption' 'and is signed with SHA-256'
ok 'the verifier trusts it by the issuer alone' \
	modseal-verify verify --anchor "$T/issuer.pem" "$T/s1.ko"
for version in 5.10 6.1 6.8 6.12 7.2; do
	is "$(modseal-verify verify --anchor "$T/issuer.pem" --as-kernel $version --format jsonl \
		"$T/s1.ko" | jq -r .kernel.verdict)" loads "and so does kernel $version"
done
cp "$T/m2.ko" "$T/s2.ko"
ok 'the kernel hook uses it, too' env MODSEAL_BUILD="$build" \
	modseal-sign-file sha256 modseal:issuer none "$T/s2.ko"
message "$T/s2.ko" | openssl pkcs7 -inform DER -print_certs 2>/dev/null |
	openssl x509 -serial -noout >"$T/serial2"
message "$T/s1.ko" | openssl pkcs7 -inform DER -print_certs 2>/dev/null |
	openssl x509 -serial -noout >"$T/serial1"
same "$T/serial1" "$T/serial2" 'one leaf for the whole build'

# The TPM is not needed any more: it has certified the leaf, once.
dev-agent tpm-stop "$T/a"
cp "$T/m3.ko" "$T/s3.ko"
ok 'without the TPM the build goes on' env MODSEAL_BUILD="$build" \
	modseal sign --key issuer "$T/s3.ko"
dev-agent tpm-start "$T/a"
cp "$T/m1.ko" "$T/x.ko"
fails 1 'over its limit it signs no more' env MODSEAL_BUILD="$build" \
	modseal sign --key issuer "$T/x.ko"
same "$T/x.ko" "$T/m1.ko" 'and the module is as it was'
ok 'it is closed' modseal build close "$build"
fails 1 'and signs nothing' env MODSEAL_BUILD="$build" modseal sign --key issuer "$T/x.ko"

# Not for another kernel, not by another key.
build=$(modseal build open --kernel 6.12.0-9-amd64 --key issuer)
fails 1 'a module of another kernel release' env MODSEAL_BUILD="$build" \
	modseal sign --key issuer "$T/x.ko"
like "$ERR" '6.12.0-9-amd64' 'is refused, and why'
fails 1 'another key' env MODSEAL_BUILD="$build" modseal sign --key dev "$T/x.ko"

# The leaf does not outlive the agent.
build=$(modseal build open --kernel 6.1.0-1-amd64 --key issuer)
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
fails 1 'after a restart the leaf is gone' env MODSEAL_BUILD="$build" \
	modseal sign --key issuer "$T/x.ko"
like "$ERR" 'open a new build' 'and the sentence says what to do'
unlike "$(ls "$T/a/state/keys")" 'leaf|build' 'no leaf key was ever on the disk'
same "$T/x.ko" "$T/m1.ko" 'the module is as it was'
build=$(modseal build open --kernel 6.1.0-1-amd64 --key issuer)
ok 'a new build signs' env MODSEAL_BUILD="$build" modseal sign --key issuer "$T/x.ko"
agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'
done_testing
