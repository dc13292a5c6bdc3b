#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A key file is what docs/KEY-FILE.md says: tpm2-tools unseal it, other files are refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm.sh"

tpm_start
cd "$T" || exit 1

openssl req -x509 -newkey rsa:2048 -nodes -sha256 -subj /CN=test -keyout key.pem \
	-out cert.pem 2>/dev/null || bail_out 'no openssl'

# unseal KEYFILE [PIN]: as its documentation says, with tpm2-tools alone
unseal() {
	local pin=${2:-}
	tpm_object "$1" && tpm_load &&
		tpm2_startauthsession --policy-session -S session.ctx &&
		tpm2_policypcr -Q -S session.ctx -l sha256:7 || return 1
	[ -z "$pin" ] || tpm2_policyauthvalue -Q -S session.ctx || return 1
	tpm2_unseal -Q -c obj -p "session:session.ctx${pin:++$pin}" -o kek || return 1
	tpm2_flushcontext session.ctx
	tpm2_flushcontext -t
	[ "$(stat -c %s kek)" -eq 32 ]
}

ok 'a key is sealed' seal-pem "$TPM2TOOLS_TCTI" key.pem cert.pem plain.key
ok 'and another one with a PIN' seal-pem "$TPM2TOOLS_TCTI" key.pem cert.pem pin.key 1234
is "$(stat -c %a plain.key)" 600 'nobody else can read it'
is "$(grep -c ^-----BEGIN plain.key)" 4 'it has four parts'
openssl x509 -in cert.pem -outform DER -out cert.der
pem_block CERTIFICATE plain.key >cert2.der
same cert.der cert2.der 'one is the certificate'
openssl rsa -traditional -in key.pem -outform DER -out key.der 2>/dev/null
# The modulus is in the certificate, the exponents and primes behind it are nowhere.
cat >find.py <<'END'
import base64, re, sys
key, text = open("key.der", "rb").read(), open(sys.argv[1]).read()
raw = b"".join(base64.b64decode(b) for b in re.findall(r"-----\n([^-]+)\n-----E", text))
found = [i for i in range(len(key) - 16) if key[i:i + 16] in raw]
sys.exit(not (len(found) > 200 and max(found) < 290))
END
ok 'the private key is not in it' python3 find.py plain.key

ok 'tpm2-tools unseal it' unseal plain.key
cp kek kek1
ok 'tpm2-tools unseal the one with a PIN' unseal pin.key 1234
ok 'and these are two keys' bash -c '! cmp -s kek kek1'
fails any 'tpm2-tools do not unseal it with another PIN' unseal pin.key 4321
tpm2_flushcontext -t
tpm2_flushcontext -l
ok 'PCR 7 changes' tpm2_pcrextend \
	7:sha256=0000000000000000000000000000000000000000000000000000000000000001
fails any 'tpm2-tools do not unseal it now' unseal plain.key
tpm2_flushcontext -t
tpm2_flushcontext -l

fails 1 'no TPM' seal-pem "swtpm:path=$T/none" key.pem cert.pem none.key
one_line "$ERR" 'is one sentence, and the TSS does not chatter'
like "$ERR" "there is no $T/none: start swtpm" 'that says what to do'
ok 'and no key file is left' test ! -e none.key
done_testing
