#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify manifest: a tree against what its build has signed.
. "$(dirname "$0")/lib.sh"

agent_start
REL=6.1.0-1-amd64
TREE=$T/root/lib/modules/$REL
mkdir -p "$TREE/kernel/net" "$TREE/kernel/fs" "$TREE/updates"
make_module "$TREE/kernel/net/one.ko" one
make_module "$TREE/kernel/net/two.ko" two
make_module "$TREE/kernel/fs/three.ko" three
make_module "$T/four.ko" four
modseal key cert dev >"$T/dev.pem"
build() { # KEY TREE [OPTION...]: signed and closed; its manifest in $T/m
	local key=$1 tree=$2
	shift 2
	id=$(modseal build open --kernel $REL --key "$key" "$@") &&
		modseal sign -q -r --key "$key" --build "$id" "$tree" &&
		modseal build close "$id" && modseal build manifest "$id" >"$T/m"
}
check() { # [TREE]: the exit status; "code path" of all findings in FOUND
	modseal-verify manifest "$T/m" "${1:-$TREE}" --anchor "${ANCHOR:-$T/dev.pem}" \
		--format jsonl >"$T/out" 2>"$T/err"
	local status=$?
	FOUND=$(jq -r '.path as $p | .policy.findings[] | "\(.code) \($p)"' "$T/out" |
		sed "s|$T/||; s|root/lib/modules/$REL/||" | sort | tr '\n' ' ')
	return $status
}
ok 'a tree is built' build dev "$TREE"
ok 'it is as its manifest has it' check
is "$FOUND" '' 'without findings'
is "$(jq -s 'length' "$T/out")" 4 'of the manifest and its three modules'
is "$(jq -r '.name' "$T/out" | head -1)" "manifest of build $id" 'the manifest comes first'
ok 'from above the tree, too' check "$T/root"
cp -a "$TREE" "$T/flat"
ok 'and by another name' check "$T/flat"
xz "$T/flat/kernel/net/two.ko"
ok 'and with a compressed module' check "$T/flat"

cp "$TREE/kernel/fs/three.ko" "$T/three.good"
make_module "$TREE/kernel/fs/three.ko" three 9.9
modseal sign -q "$TREE/kernel/fs/three.ko"
fails 1 'a module that was changed and signed again' check
is "$FOUND" 'manifest-changed kernel/fs/three.ko ' 'is not what was built'
mv "$T/three.good" "$TREE/updates/three.ko"
rm "$TREE/kernel/fs/three.ko"
fails 1 'one that is elsewhere' check
is "$FOUND" 'manifest-moved updates/three.ko ' 'was moved'
mv "$TREE/updates/three.ko" "$TREE/kernel/fs/three.ko"
modseal sign -q "$T/four.ko"
cp "$T/four.ko" "$TREE/updates/four.ko"
rm "$TREE/kernel/net/one.ko"
fails 1 'one too many, and one that is gone' check
is "$FOUND" 'manifest-missing kernel/net/one.ko not-in-manifest updates/four.ko ' 'are told'
for f in table json sarif html prometheus; do
	fails 1 "as $f, too" modseal-verify manifest "$T/m" "$TREE" --anchor "$T/dev.pem" \
		--format $f
done
like "$(modseal-verify manifest "$T/m" "$TREE" --anchor "$T/dev.pem" --format table)" \
	'NOT IN THE MANIFEST' 'the table has words for people'
cp "$TREE/kernel/net/two.ko" "$TREE/updates/two.ko"
rm "$TREE/updates/four.ko"
fails 1 'a copy of a module' check
like "$FOUND" 'not-in-manifest updates/two.ko' 'is one too many'

# The manifest itself.
cp "$T/m" "$T/m.good"
sed -i '1s/one.ko/onf.ko/' "$T/m"
fails 1 'a manifest that was changed' check
is "$FOUND" 'bad-signature m ' 'has a bad signature'
is "$(jq -s length "$T/out")" 1 'and nothing else is looked at'
like "$(cat "$T/err")" 'was not compared' 'which is said'
head -n 1 "$T/m.good" >"$T/m"
fails 1 'one without its signature' check
is "$FOUND" 'unsigned m ' 'is unsigned'
openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=other -keyout /dev/null \
	-out "$T/other.pem" 2>/dev/null
cp "$T/m.good" "$T/m"
ANCHOR=$T/other.pem fails 1 'one that another anchor signed' check
is "$FOUND" 'unknown-signer m ' 'is by an unknown signer'
echo nonsense >"$T/m"
fails 3 'nonsense' check
like "$(cat "$T/err")" 'no manifest of a build: its first line is not a JSON object' 'is said so'
rm "$T/m"
fails 3 'a manifest that is not there' check
fails 2 'no tree' modseal-verify manifest "$T/m.good" --anchor "$T/dev.pem"

# A leaf key, whose certificate is gone long since.
rm -r "$TREE/updates"
make_module "$TREE/kernel/net/one.ko" one
ok 'an issuing key' modseal key create issuer --custody leaf
modseal key cert issuer >"$T/issuer.pem"
ok 'builds with a leaf' build issuer "$TREE"
ANCHOR=$T/issuer.pem ok 'who trusts the issuer alone can check it' check
is "$FOUND" '' 'without findings'
like "$(modseal build manifest "$id" --signature |
	openssl pkcs7 -inform DER -print_certs 2>/dev/null)" "build $id" \
	'as the certificate is in the signature'

# A leaf of long ago: what counts is that it was valid when the build ended.
mkdir "$T/ca" && : >"$T/ca/index"
cat >"$T/ca/cnf" <<-END
	[ca]
	default_ca = c
	[c]
	database = $T/ca/index
	new_certs_dir = $T/ca
	rand_serial = yes
	policy = p
	default_md = sha256
	x509_extensions = e
	[p]
	CN = supplied
	[e]
	basicConstraints = critical,CA:FALSE
	keyUsage = digitalSignature
	extendedKeyUsage = codeSigning
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	[i]
	basicConstraints = critical,CA:TRUE
	keyUsage = critical,keyCertSign
	subjectKeyIdentifier = hash
END
{
	openssl req -new -nodes -newkey rsa:2048 -subj /CN=old -keyout "$T/ca.key" \
		-out "$T/ca.csr"
	openssl ca -batch -selfsign -config "$T/ca/cnf" -extensions i -keyfile "$T/ca.key" \
		-startdate 20190101000000Z -enddate 20400101000000Z -in "$T/ca.csr" \
		-notext -out "$T/ca.pem"
	openssl req -new -nodes -newkey rsa:2048 -subj /CN=leaf -keyout "$T/leaf.key" \
		-out "$T/leaf.csr"
	openssl ca -batch -config "$T/ca/cnf" -cert "$T/ca.pem" -keyfile "$T/ca.key" \
		-startdate 20200101000000Z -enddate 20200102000000Z -in "$T/leaf.csr" \
		-notext -out "$T/leaf.pem"
} >"$T/openssl.log" 2>&1 || diag "$(cat "$T/openssl.log")"
old() { # SECONDS: a manifest of a build that ended then, signed with the leaf
	printf '{"build":{"ended":%s,"id":"b","kernel":"6.1"},"modules":[],"version":1}' "$1" \
		>"$T/text"
	openssl cms -sign -binary -noattr -outform DER -md sha256 -in "$T/text" \
		-signer "$T/leaf.pem" -inkey "$T/leaf.key" -out "$T/sig" 2>"$T/openssl.log"
	{
		cat "$T/text"
		printf '\n{"signature":"%s"}\n' "$(base64 -w0 "$T/sig")"
	} >"$T/m"
}
mkdir "$T/none"
old "$(date -ud '2020-01-01 12:00' +%s)"
ANCHOR=$T/ca.pem ok 'valid when its build ended' check "$T/none"
is "$FOUND" '' 'is good, though it has expired since'
old "$(date -ud '2020-01-03' +%s)"
ANCHOR=$T/ca.pem fails 1 'expired when its build ended' check "$T/none"
is "$FOUND" 'certificate-expired m ' 'is not'
old "$(date -ud '2019-12-31' +%s)"
ANCHOR=$T/ca.pem fails 1 'not yet valid then' check "$T/none"
old "$(date -ud '+1 year' +%s)"
ANCHOR=$T/ca.pem fails 1 'a build that ends next year' check "$T/none"

# One that expires has a manifest, too.
make_module "$T/five.ko" five
short() { # a busy machine may need longer than the build lasts: then a longer one
	local s
	for s in 2 4 8 16 32; do
		id=$(modseal build open --kernel $REL --key issuer --expires ${s}s) &&
			modseal sign --key issuer --build "$id" "$T/five.ko" && return 0
	done
	return 1
}
ok 'a build for some seconds signs' short
expired() { [ "$(modseal build show "$id" --json | jq -r .state)" = expired ]; }
ok 'expires' wait_for 60 expired
ok 'and has a manifest' modseal build manifest "$id"
cp "$T/.out" "$T/m"
is "$(sed -n 1p "$T/m" | jq -r '.build.state, .modules[].name' | tr '\n' ' ')" \
	'expired five ' 'of what was signed'
mkdir "$T/x" && cp "$T/five.ko" "$T/x"
ANCHOR=$T/issuer.pem ok 'which is signed' check "$T/x"
ok 'one that waits for nobody' modseal build open --kernel $REL --key issuer
id=$OUT
dev-agent agent-kill "$T/a" && dev-agent agent-start "$T/a"
ok 'is closed after the agent was killed' modseal build close "$id"
fails 1 'then it has no signature' modseal build manifest "$id" --signature
like "$ERR" 'restarted before the build ended' 'and the reason is said'
ok 'but a manifest' modseal build manifest "$id" --content
agent_alive && pass 'the agent lives' || fail 'the agent lives'
done_testing
