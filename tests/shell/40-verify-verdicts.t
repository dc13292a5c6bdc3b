#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify against signatures that sign-file and openssl made.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
new_key other rsa:2048
new_key ec ec -pkeyopt ec_paramgen_curve:P-384
new_key small rsa:1024
cp "$MODULE" "$T/plain.ko"

signed good sha256 "$T/good.ko"
ok 'a module that sign-file signed is trusted' verify "$T/good.ko"
like "$OUT" 'GOOD  1 module: 1 trusted' 'and the totals say so'
is "$(verdict "$T/good.ko" .policy.verdict .kernel.verdict .kernel.errno)" \
	'trusted loads null' 'JSON: both verdicts'
is "$(verdict "$T/good.ko" .kernel.profile)" 6.1 'JSON: profile from vermagic'
is "$(verdict "$T/good.ko" .name .vermagic)" \
	"$(modinfo -F name "$MODULE") $(modinfo -F vermagic "$MODULE")" \
	'JSON: name and vermagic as modinfo has them'
is "$(verdict "$T/good.ko" .digest)" "sha256:$(sha256sum <"$MODULE" | cut -d' ' -f1)" \
	'JSON: digest of the module without its signature'
is "$(verdict "$T/good.ko" .build_id)" \
	"$(readelf -n "$MODULE" | sed -n 's/.*Build ID: //p')" \
	'JSON: build-id as readelf has it'
is "$(verdict "$T/good.ko" '.signers[0].serial')" \
	"$(openssl x509 -in "$T/good.crt" -noout -serial | sed 's/.*=//; s/.*/\L&/')" \
	'JSON: serial as openssl has it'
is "$(verdict "$T/good.ko" '.signers[0].algorithm' '.signers[0].hash')" 'rsa2048 sha256' \
	'JSON: algorithm and hash'
is "$(verdict "$T/good.ko" '.signers[0].anchor.source')" "$T/good.crt" \
	'JSON: where the anchor came from'

verify --json "$T/good.ko" >"$T/doc.json"
is "$(jq -r '.version, .summary.modules, .summary.exit, (.modules|length)' "$T/doc.json" |
	paste -sd' ')" '1 1 0 1' '--json is one document'

ok 'a DER anchor' modseal-verify verify --anchor "$T/good.der" "$T/good.ko"
mkdir "$T/anchors"
cp "$T/other.crt" "$T/anchors/other.pem"
cp "$T/good.der" "$T/anchors/"
echo nonsense >"$T/anchors/README"
ok 'a directory of anchors' modseal-verify verify --anchor "$T/anchors" "$T/good.ko"
cat "$T/other.crt" "$T/good.crt" >"$T/bundle.pem"
ok 'a bundle of anchors' modseal-verify verify --anchor "$T/bundle.pem" "$T/good.ko"

for hash in sha384 sha512 sha3-256; do
	signed good $hash "$T/$hash.ko"
	ok "RSA with $hash" verify "$T/$hash.ko"
done
is "$(verdict "$T/sha512.ko" .policy.verdict .kernel.verdict .kernel.errno)" \
	'trusted refused EKEYREJECTED' 'SHA-512: trusted, but 6.1 would refuse it'
is "$(verdict "$T/sha512.ko" .kernel.verdict --as-kernel 6.12)" loads 'and 6.12 load it'
printf 'CONFIG_%s=y\n' MODULES MODULE_SIG CRYPTO_RSA CRYPTO_SHA512 > "$T/config"
is "$(verdict "$T/sha512.ko" .kernel.verdict --as-kernel "6.1,$T/config")" loads \
	'and so does a 6.1 that was built with SHA-512'
is "$(verdict "$T/sha512.ko" .kernel.verdict --as-kernel 6.8.0-151-generic)" loads \
	"and Ubuntu's 6.8"
signed ec sha384 "$T/ec.ko"
ok 'P-384 with SHA-384' modseal-verify verify --anchor "$T/ec.crt" "$T/ec.ko"
is "$(verdict "$T/ec.ko" .kernel.verdict --anchor "$T/ec.crt" --as-kernel 6.12)" loads \
	'which 6.12 loads'
is "$(verdict "$T/ec.ko" .kernel.verdict --anchor "$T/ec.crt" --as-kernel 5.10)" refused \
	'and 5.10 does not'
sign_with good sha256 "$T/keyid.ko" -k
ok 'a signer named by key id' verify "$T/keyid.ko"

# ---------------------------------------------------------------- findings

finding "$T/plain.ko" unsigned refused EKEYREJECTED 'unsigned'
is "$(verdict "$T/plain.ko" .kernel.verdict --permissive)" taints 'unsigned: permissive'
is "$(verdict "$T/plain.ko" .kernel.errno --lockdown)" EPERM 'unsigned: lockdown'

signed other sha256 "$T/unknown.ko"
finding "$T/unknown.ko" unknown-signer refused EKEYREJECTED 'signed by an unknown key'
is "$(verdict "$T/unknown.ko" .kernel.verdict --permissive)" taints \
	'unknown signer: permissive'

flip "$T/good.ko" 4000 "$T/tampered.ko"
finding "$T/tampered.ko" bad-signature refused EKEYREJECTED 'one bit flipped'
is "$(verdict "$T/tampered.ko" .kernel.errno --permissive)" EKEYREJECTED \
	'a bad signature is refused even without enforcement'

# A key with the right name, but not the right key.
cp "$T/other.crt" "$T/fake.crt"
openssl req -x509 -nodes -sha256 -days 30 -subj "/CN=test good" -newkey rsa:2048 \
	-set_serial "0x$(openssl x509 -in "$T/good.crt" -noout -serial | cut -d= -f2)" \
	-keyout "$T/fake.key" -out "$T/fake.crt" 2>/dev/null
signed fake sha256 "$T/fake.ko"
finding "$T/fake.ko" bad-signature refused EKEYREJECTED 'an impostor with name and serial'

sign_file sha256 "$T/other.key" "$T/other.crt" "$T/good.ko" "$T/twice.ko"
finding "$T/twice.ko" 'nested-signature unknown-signer' refused EKEYREJECTED \
	'signed twice, the outer one unknown'
sign_file sha256 "$T/good.key" "$T/good.crt" "$T/unknown.ko" "$T/twice2.ko"
finding "$T/twice2.ko" nested-signature loads null 'signed twice, the inner one unknown'

cms "$T/two.p7s" -noattr -nocerts -md sha256 \
	-signer "$T/other.crt" -inkey "$T/other.key" \
	-signer "$T/good.crt" -inkey "$T/good.key"
attach "$T/two.p7s" "$T/two.ko"
finding "$T/two.ko" 'extra-signer unknown-signer' loads null 'two signers, one unknown'

cms "$T/attrs.p7s" -nocerts -md sha256 -signer "$T/good.crt" -inkey "$T/good.key"
attach "$T/attrs.p7s" "$T/attrs.ko"
finding "$T/attrs.ko" signed-attributes refused EKEYREJECTED 'signed attributes'

cms "$T/content.p7s" -nodetach -noattr -nocerts -md sha256 -signer "$T/good.crt" \
	-inkey "$T/good.key"
attach "$T/content.p7s" "$T/content.ko"
finding "$T/content.ko" embedded-content refused EBADMSG 'content inside'

cms "$T/pad.p7s" -noattr -nocerts -md sha256 -signer "$T/good.crt" -inkey "$T/good.key"
attach "$T/pad.p7s" "$T/unpadded.ko"
ok 'a message that openssl made is trusted' verify "$T/unpadded.ko"
printf '\0\0\0\0' >>"$T/pad.p7s"
attach "$T/pad.p7s" "$T/pad.ko"
finding "$T/pad.ko" trailing-bytes loads null 'zeros after the message'
# The first OID of SHA-256 is in the list at the front, which kernels pass by.
at=$(grep -obUaP '\x60\x86\x48\x01\x65\x03\x04\x02\x01' "$T/good.ko" | head -n1 | cut -d: -f1)
flip "$T/good.ko" $((at + 8)) "$T/flip.ko"
finding "$T/flip.ko" malformed-signature loads null 'a bit flipped in digestAlgorithms'
at=$(grep -obUaP '\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00' "$T/good.ko" | tail -n1 |
	cut -d: -f1)
flip "$T/good.ko" $((at + 9)) "$T/flip.ko"
finding "$T/flip.ko" malformed-signature loads null 'the tag of NULL is another'

{ cat "$T/good.ko"; echo; } >"$T/newline.ko"
finding "$T/newline.ko" 'trailing-bytes unsigned' refused EKEYREJECTED \
	'a newline after the marker'

signed good sha1 "$T/sha1.ko"
finding "$T/sha1.ko" weak-digest loads null 'SHA-1'
signed small sha256 "$T/small.ko"
finding "$T/small.ko" weak-key loads null 'RSA-1024' --anchor "$T/small.crt"

new_dated_key expired 20200101000000Z 20210101000000Z
signed expired sha256 "$T/expired.ko"
finding "$T/expired.ko" certificate-expired loads null 'expired certificate' \
	--anchor "$T/expired.crt"
new_dated_key future 20900101000000Z 20910101000000Z
signed future sha256 "$T/future.ko"
finding "$T/future.ko" certificate-not-yet-valid loads null 'certificate of the future' \
	--anchor "$T/future.crt"
new_key server rsa:2048 -addext extendedKeyUsage=serverAuth
signed server sha256 "$T/server.ko"
finding "$T/server.ko" wrong-key-usage loads null 'a certificate for a web server' \
	--anchor "$T/server.crt"

cms "$T/pss.p7s" -noattr -nocerts -md sha256 -signer "$T/good.crt" -inkey "$T/good.key" \
	-keyopt rsa_padding_mode:pss
attach "$T/pss.p7s" "$T/pss.ko"
fails 3 'RSA-PSS cannot be checked' verify "$T/pss.ko"
is "$(verdict "$T/pss.ko" .policy.verdict .kernel.verdict)" 'unchecked refused' \
	'and is unchecked, not trusted'

# ------------------------------------------------------ embedded certificates

new_key ca rsa:2048 -addext basicConstraints=critical,CA:TRUE
issue ca leaf
cms "$T/leaf.p7s" -noattr -md sha256 -signer "$T/leaf.crt" -inkey "$T/leaf.key"
attach "$T/leaf.p7s" "$T/leaf.ko"
ok 'a leaf under an anchor' modseal-verify verify --anchor "$T/ca.crt" "$T/leaf.ko"
is "$(verdict "$T/leaf.ko" .kernel.verdict --anchor "$T/ca.crt")" loads 'which loads'
is "$(verdict "$T/leaf.ko" '.signers[0].anchor.subject' --anchor "$T/ca.crt")" 'test ca' \
	'and the anchor is named'
finding "$T/leaf.ko" 'unknown-signer' refused EKEYREJECTED 'a leaf under no anchor'
flip "$T/leaf.ko" 4000 "$T/leaf-bad.ko"
finding "$T/leaf-bad.ko" bad-signature refused EKEYREJECTED 'a leaf, one bit flipped' \
	--anchor "$T/ca.crt"
is "$(verdict "$T/leaf-bad.ko" .kernel.errno --permissive --anchor "$T/ca.crt")" \
	EKEYREJECTED 'which is refused even without enforcement'
signed leaf sha256 "$T/leaf-absent.ko"
finding "$T/leaf-absent.ko" unknown-signer refused EKEYREJECTED \
	'a leaf that is not there' --anchor "$T/ca.crt"

# The same names and key ids, but another key: the issuer did not sign this leaf.
openssl req -x509 -nodes -sha256 -days 30 -subj '/CN=test ca' -newkey rsa:2048 \
	-keyout "$T/evil.key" -out "$T/evil.crt" 2>/dev/null \
	-addext basicConstraints=critical,CA:TRUE \
	-addext "subjectKeyIdentifier=$(openssl x509 -in "$T/ca.crt" -noout -ext \
		subjectKeyIdentifier | tail -n1 | tr -d ' :')"
issue evil forged
cms "$T/forged.p7s" -noattr -md sha256 -signer "$T/forged.crt" -inkey "$T/forged.key"
attach "$T/forged.p7s" "$T/forged.ko"
finding "$T/forged.ko" bad-chain refused EKEYREJECTED 'a forged leaf' --anchor "$T/ca.crt"

new_key noca rsa:2048 -addext basicConstraints=critical,CA:FALSE
issue noca sub
cms "$T/sub.p7s" -noattr -md sha256 -signer "$T/sub.crt" -inkey "$T/sub.key"
attach "$T/sub.p7s" "$T/sub.ko"
finding "$T/sub.ko" issuer-not-ca loads null 'a leaf under a certificate that is no CA' \
	--anchor "$T/noca.crt"
cms "$T/stray.p7s" -noattr -md sha256 -signer "$T/leaf.crt" -inkey "$T/leaf.key" \
	-certfile "$T/other.crt"
attach "$T/stray.p7s" "$T/stray.ko"
finding "$T/stray.ko" extra-certificate loads null 'a stray certificate' \
	--anchor "$T/ca.crt"

# ----------------------------------------------------------------- trailers

size=$(stat -c %s "$T/good.ko")
# field, offset from the end, expected finding, what the kernel says
while read -r name at code verdict errno; do
	cp "$T/good.ko" "$T/trailer.ko"
	printf '\7' |
		dd of="$T/trailer.ko" bs=1 seek=$((size - at)) conv=notrunc status=none
	# One signature in 256 has that byte there already.
	! cmp -s "$T/good.ko" "$T/trailer.ko" || printf '\10' |
		dd of="$T/trailer.ko" bs=1 seek=$((size - at)) conv=notrunc status=none
	finding "$T/trailer.ko" "$code" "$verdict" "$errno" "trailer: $name"
done <<'END'
algo 40 malformed-signature refused EBADMSG
hash 39 malformed-signature refused EBADMSG
signer_len 37 malformed-signature refused EBADMSG
key_id_len 36 malformed-signature refused EBADMSG
pad 35 malformed-signature refused EBADMSG
sig_len 32 malformed-signature refused EBADMSG
message 46 bad-signature refused EKEYREJECTED
END
cp "$T/good.ko" "$T/idtype.ko"
printf '\3' | dd of="$T/idtype.ko" bs=1 seek=$((size - 38)) conv=notrunc status=none
fails 3 'an unknown kind of signature cannot be checked' verify "$T/idtype.ko"
is "$(verdict "$T/idtype.ko" .kernel.verdict .kernel.errno)" 'refused EKEYREJECTED' \
	'and the kernel takes it for unsupported'

# --------------------------------------------------------------- no modules

echo 'not a module' >"$T/text.ko"
finding "$T/text.ko" 'not-a-module unsigned' refused EKEYREJECTED 'not ELF'
sign_file sha256 "$T/good.key" "$T/good.crt" "$T/text.ko" "$T/text-signed.ko"
finding "$T/text-signed.ko" not-a-module refused ENOEXEC 'not ELF, but well signed'
: >"$T/empty.ko"
finding "$T/empty.ko" 'not-a-module unsigned' refused EINVAL 'an empty file'
strip --strip-all -o "$T/stripped.ko" "$MODULE"
sign_file sha256 "$T/good.key" "$T/good.crt" "$T/stripped.ko" "$T/stripped-signed.ko"
finding "$T/stripped-signed.ko" stripped refused ENOEXEC 'without its symbols'
strip --strip-debug -o "$T/poor.ko" "$T/good.ko" 2>/dev/null
finding "$T/poor.ko" unsigned refused EKEYREJECTED 'stripped after signing'

done_testing
