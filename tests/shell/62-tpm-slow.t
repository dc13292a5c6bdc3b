#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With a TPM as slow as a real one: a build under a leaf key costs one signature of the
# TPM, however many modules it has; a resident key costs one for each, and nothing more.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

dev-agent start "$T/a" --no-key >/dev/null 2>&1 || bail_out 'no agent'
at_exit dev-agent stop "$T/a"
eval "$(dev-agent env "$T/a")"
modseal key create issuer --custody leaf >/dev/null || bail_out 'no issuing key'
modseal key create resident --custody resident --alg rsa2048 >/dev/null || bail_out 'no key'
make_module "$T/m.ko"
ok 'a key of scheme raw' modseal key create raw --custody resident --scheme raw
for refused in '--custody resident --alg p256' '--custody sealed' '--custody leaf'; do
	# shellcheck disable=SC2086 # words
	fails 1 "not with $refused" modseal key create no --scheme raw $refused
	one_line "$ERR" 'which is said in one sentence'
done
dev-agent agent-stop "$T/a"
sed -i '/^key = /a content = digest' "$T/a/modseald.conf"
sed -i "s|^tcti = .*|tcti = swtpm:path=$T/slow|" "$T/a/modseald.conf"
tpm-slow "$T/slow" "$T/a/tpm.sock" "$T/commands" &
at_exit kill $!
wait_for 5 test -S "$T/slow" || bail_out 'no slow TPM'
dev-agent agent-start "$T/a" 2>/dev/null

count() { # CODE: how many of these commands the TPM has had
	grep -c "^$1 " "$T/commands"
}
spent() { # how long they took, in ms
	awk '{ s += $2 } END { print s + 0 }' "$T/commands"
}
batch() { # KEY N [BUILD]: so many digests, answered; 0 if all are signed
	python3 - "$2" "${3:-}" <<-'END' >"$T/batch"
		import hashlib, json, sys
		facts = {"name": "m", "vermagic": "6.1.0-1-amd64 SMP "}
		build = {"build": sys.argv[2]} if sys.argv[2] else {}
		print(json.dumps({**build, "hash": "sha256", "items": [
		    {"name": "m.ko", "facts": facts,
		     "digest": hashlib.sha256(str(i).encode()).hexdigest()}
		    for i in range(int(sys.argv[1]))]}))
	END
	curl -sS --max-time 60 --unix-socket "$T/a/agent.sock" --data-binary @"$T/batch" \
		"http://modseal/v1/keys/$1/sign-digests" >"$T/answer"
	[ "$(jq '[.items[] | select(has("signature"))] | length' "$T/answer")" = "$2" ]
}
for key in issuer resident raw; do
	ok "the key is back: $key" wait_for 20 key_is $key active
done

: >"$T/commands"
run modseal build open --kernel 6.1.0-1-amd64 --key issuer
build=$OUT
is "$(count 15d)" 1 'opening a build is one signature in the TPM'
ok '200 digests of the build are signed' batch issuer 200 "$build"
is "$(count 15d)" 1 'and it is still one'
ms=$(spent)
ok "with all that goes with it less than 2 s ($ms ms)" test "$ms" -lt 2000

: >"$T/commands"
ok '8 digests are signed by the resident key' batch resident 8
is "$(count 15d)" 8 'which are 8 signatures in the TPM'
ok "229 ms each ($(spent) ms)" test "$(spent)" -ge 1832
is "$(count 157)" 1 'the key is loaded once'
ok "and nothing else is slow ($(($(spent) - 1832)) ms)" test "$(spent)" -lt 2400
is "$(count 176)" 1 'one session serves them all'

# What this TPM, like real ones, has no hash for: only with a key that was made for it.
for hash in sha384 sha512 sha3-256; do
	cp "$T/m.ko" "$T/x.ko"
	fails 1 "resident, $hash" modseal sign --key resident --hash $hash "$T/x.ko"
	like "$ERR" "no $hash.*--scheme raw" 'what lacks and what helps is said'
	same "$T/x.ko" "$T/m.ko" 'and the module is as it was'
	: >"$T/commands"
	ok "raw, $hash" modseal sign --key raw --hash $hash "$T/x.ko"
	is "$(count 159).$(count 15d)" 1.0 'is one RSA decryption and no signature of the TPM'
	modseal key cert raw >"$T/raw.pem"
	ok 'and OpenSSL agrees' verified "$T/x.ko" "$T/raw.pem" "$T/m.ko"
done
: >"$T/commands"
cp "$T/m.ko" "$T/x.ko"
ok 'raw, sha256' modseal sign --key raw "$T/x.ko"
is "$(count 159).$(count 15d)" 0.1 'is a signature like any other'
done_testing
