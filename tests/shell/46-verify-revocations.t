#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify --revocations: CRLs that openssl made, and lists in JSON.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
new_key ca rsa:2048 -addext basicConstraints=critical,CA:TRUE
issue ca leaf
signed good sha256 "$T/good.ko"
cms "$T/leaf.p7s" -noattr -md sha256 -signer "$T/leaf.crt" -inkey "$T/leaf.key"
attach "$T/leaf.p7s" "$T/leaf.ko"
CA=(--anchor "$T/ca.crt")

# list JSON-ENTRY [MEMBER]: a list with one entry
list() {
	printf '{"version":1%s,"entries":[%s]}\n' "${2:+,$2}" "$1" >"$T/list.json"
}

# listed CODE NAME: the list makes the good module a bad one
listed() {
	finding "$T/good.ko" "$1" loads null "$2" --revocations "$T/list.json"
}

# -------------------------------------------------------------------- lists

list ''
ok 'an empty list' verify --revocations "$T/list.json" "$T/good.ko"
fingerprint=$(sha256sum <"$T/good.der" | cut -d' ' -f1)
list "{\"certificate\":\"$fingerprint\",\"reason\":\"stolen\"}"
listed revoked-certificate 'a certificate'
like "$(jq -r '.policy.findings[0].detail' "$T/finding.json")" 'list.json: stolen' \
	'with list and reason'
list "{\"certificate\":\"${fingerprint/[0-8]/9}\"}"
ok 'another certificate' verify --revocations "$T/list.json" "$T/good.ko"
ski=$(openssl x509 -in "$T/good.crt" -noout -ext subjectKeyIdentifier |
	sed -n 's/[ :]//g; 2p')
list "{\"key\":\"$ski\"}"
listed revoked-certificate 'a key'
hex() { python3 -c 'import sys; print(open(sys.argv[1], "rb").read().hex())' "$1"; }
openssl x509 -in "$T/good.crt" -noout -serial | sed 's/.*=//' >"$T/serial"
# The DER of the issuer is that of the subject, as it is self-signed.
openssl asn1parse -in "$T/good.crt" >"$T/parsed"
at=$(awk -F'[:= ]+' '/d=2/ && /SEQUENCE/ {n++; if (n == 2) print $0}' "$T/parsed" |
	sed 's/^ *\([0-9]*\):.*/\1/')
openssl asn1parse -in "$T/good.crt" -strparse "$at" -noout -out "$T/issuer.der"
list "{\"issuer\":\"$(hex "$T/issuer.der")\",\"serial\":\"$(<"$T/serial")\"}"
listed revoked-certificate 'a certificate by issuer and serial'
list "{\"issuer\":\"$(hex "$T/issuer.der")\",\"serial\":\"$(tr 0-9A-F 1-9A-F0 <"$T/serial")\"}"
ok 'another serial' verify --revocations "$T/list.json" "$T/good.ko"
list '' '"number":7'
ok 'a list with a number' verify --revocations "$T/list.json" "$T/good.ko"
list "{\"digest\":\"sha256:$(sha256sum <"$MODULE" | cut -d' ' -f1)\"}"
listed revoked-module 'a module without its signature'
list "{\"digest\":\"sha256:$(sha256sum <"$T/good.ko" | cut -d' ' -f1)\"}"
listed revoked-module 'a whole module'
list "{\"digest\":\"SHA512:$(sha512sum <"$MODULE" | cut -d' ' -f1)\"}"
listed revoked-module 'by another hash'
xz -c "$T/good.ko" >"$T/good.ko.xz"
finding "$T/good.ko.xz" revoked-module loads null 'and compressed' \
	--revocations "$T/list.json"
version=$(modinfo -F version "$MODULE")
list '{"name":"ms_test"}'
listed revoked-version 'every version'
list '{"name":"ms_test","below":"999"}'
listed revoked-version 'versions below'
if [ -n "$version" ]; then
	list "{\"name\":\"ms_test\",\"below\":\"$version\"}"
	ok 'not below itself' verify --revocations "$T/list.json" "$T/good.ko"
else
	skip 1 'the module has no version'
fi
list '{"name":"ms_test","srcversion":"FFFF"}'
ok 'another srcversion' verify --revocations "$T/list.json" "$T/good.ko"
list '{"name":"ms_test","since":"2999-01-01"}'
ok 'not yet' verify --revocations "$T/list.json" "$T/good.ko"
list '{"name":"ms_test","since":"2001-01-01T00:00:00Z"}' '"expires":"2999-01-01"'
listed revoked-version 'in effect'
list '{"name":"other"}' '"expires":"2001-01-01"'
fails 1 'an expired list is a finding' verify --revocations "$T/list.json" "$T/good.ko"
like "$ERR" 'has expired' 'says why'
list '{"name":"ms_test"}' '"expires":"2001-01-01"'
listed revoked-version 'and still holds'

while read -r bad; do
	printf '%s\n' "$bad" >"$T/list.json"
	fails 3 "refused: $bad" verify --revocations "$T/list.json" "$T/good.ko"
	one_line "$ERR" 'with one sentence'
done <<'END'
{"version":2,"entries":[]}
{"entries":[]}
{"version":1}
{"version":1,"entries":{}}
{"version":1,"entries":[{}]}
{"version":1,"entries":[{"name":"x","key":"00"}]}
{"version":1,"entries":[{"name":"x","typo":"y"}]}
{"version":1,"entries":[{"below":"1"}]}
{"version":1,"entries":[{"key":"0g"}]}
{"version":1,"entries":[{"digest":"sha256:00"}]}
{"version":1,"entries":[{"digest":"crc32:00000000"}]}
{"version":1,"entries":[{"name":"x","since":"yesterday"}]}
{"version":1,"entries":[{"name":"x"}],"expires":"never"}
{"version":1,"number":0,"entries":[]}
{"version":1,"number":"1","entries":[]}
{"version":1,"entries":[{"serial":"01"}]}
{"version":1,"entries":[{"issuer":"3000"}]}
{"version":1,"entries":[{"issuer":"3000","serial":""}]}
{"version":1,"entries":[{"issuer":"3000","serial":"01","certificate":"00"}]}
{"version":1,"entries":[{"name":"x"}]
[]
END
fails 3 'a list that is not there' verify --revocations "$T/none.json" "$T/good.ko"
: >"$T/list.json"
fails 3 'an empty file' verify --revocations "$T/list.json" "$T/good.ko"

# --------------------------------------------------------------------- CRLs

# crl KEY OUT DAYS [CERT]: a CRL that revokes CERT
crl() {
	local d=$T/crl-$2
	mkdir -p "$d"
	: >"$d/index"
	printf '%s\n' '[ca]' 'default_ca=c' '[c]' "database=$d/index" "new_certs_dir=$d" \
		'default_md=sha256' >"$d/cnf"
	if [ $# -gt 3 ]; then
		openssl ca -config "$d/cnf" -keyfile "$T/$1.key" -cert "$T/$1.crt" \
			-revoke "$4" 2>"$T/openssl.log" ||
			bail_out "$(cat "$T/openssl.log")"
	fi
	openssl ca -config "$d/cnf" -keyfile "$T/$1.key" -cert "$T/$1.crt" -gencrl \
		-crlsec "$3" -out "$T/$2" 2>"$T/openssl.log" ||
		bail_out "$(cat "$T/openssl.log")"
}

ok 'the leaf before' modseal-verify verify "${CA[@]}" "$T/leaf.ko"
crl ca leaf.crl 86400 "$T/leaf.crt"
finding "$T/leaf.ko" revoked-certificate loads null 'a CRL' "${CA[@]}" \
	--revocations "$T/leaf.crl"
openssl crl -in "$T/leaf.crl" -outform DER -out "$T/leaf.crl.der"
finding "$T/leaf.ko" revoked-certificate loads null 'in DER' "${CA[@]}" \
	--revocations "$T/leaf.crl.der"
crl ca none.crl 86400
ok 'a CRL without it' modseal-verify verify "${CA[@]}" --revocations "$T/none.crl" \
	"$T/leaf.ko"
fails 3 'a CRL of a stranger' verify --revocations "$T/leaf.crl" "$T/good.ko"
like "$ERR" 'no anchor has signed' 'says so'
flip "$T/leaf.crl.der" 200 "$T/bad.crl.der"
fails 3 'a damaged CRL' modseal-verify verify "${CA[@]}" --revocations "$T/bad.crl.der" \
	"$T/leaf.ko"
head -c 100 "$T/leaf.crl.der" >"$T/cut.crl.der"
fails 3 'a CRL cut off' modseal-verify verify "${CA[@]}" --revocations "$T/cut.crl.der" \
	"$T/leaf.ko"

done_testing
