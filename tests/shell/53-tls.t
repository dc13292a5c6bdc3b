#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# TLS: who gets in with which certificate, as whom, and who does not any more.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tls.sh"

tls_ca || bail_out "no CA: $(cat "$T/ca/log")"
tls_cert builder /CN=builder-1 clientAuth 'URI:spiffe://test/builder,DNS:b.test' &&
	tls_cert plain /CN=plain '' &&
	tls_cert wrong /CN=wrong serverAuth &&
	tls_cert twins /CN=builder-1/CN=twin clientAuth &&
	tls_cert nameless /O=x clientAuth 'URI:spiffe://test/nameless' &&
	tls_cert other /CN=other clientAuth || bail_out "no certificates: $(cat "$T/ca/log")"
tls_self rogue 'modseal test CA'
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=builder-1 \
	-addext extendedKeyUsage=clientAuth -x509 -CA "$T/ca/rogue.pem" \
	-CAkey "$T/ca/rogue.key" -keyout "$T/ca/forged.key" -out "$T/ca/forged.pem" 2>/dev/null
agent_start
cat >>"$T/a/modseald.conf" <<END
[group builders]
members = cert:SAN=URI:spiffe://test/builder
[rule remote]
who = group:builders cert:SAN=URI:spiffe://test/nameless
key = dev
END
tls_agent || bail_out 'no agent with TLS'
make_module "$T/m.ko" m

refused() { # NAME WHY [OPTION...]
	local name=$1 why=$2
	shift 2
	fails any "$why" tls_curl "$name" /v1/whoami "$@"
	is "$OUT" '' "$why: not a byte of an answer"
}
ok 'curl with a certificate' tls_curl builder /v1/whoami
is "$(jq -r '"\(.identity) \(.user) \(.proof)"' <<<"$OUT")" \
	'cert:CN=builder-1 cert:SAN=URI:spiffe://test/builder certificate' 'who it is'
is "$(jq -c .groups <<<"$OUT")" '["builders"]' 'its group, by another of its names'
is "$(jq -r .certificate <<<"$OUT")" \
	"$(openssl x509 -in "$T/ca/builder.pem" -outform DER | sha256sum | cut -d' ' -f1)" \
	'and its certificate'

ok 'without a common name' tls_curl nameless /v1/whoami
is "$(jq -r .identity <<<"$OUT")" cert:SAN=URI:spiffe://test/nameless 'it is its other name'
refused twins 'a certificate with two common names and nothing else'
refused plain 'a certificate without extended key usage'
refused wrong 'a certificate of a server'
refused forged 'a certificate of a CA with the same name'
fails any 'without a certificate' curl -sS --max-time 20 --cacert "$T/ca/ca.pem" \
	"https://localhost:$TLS_PORT/v1/whoami"
is "$OUT" '' 'without a certificate: not a byte of an answer'
refused builder 'TLS 1.2' --tls-max 1.2
ok 'the right protocol in ALPN' tls_curl builder /v1/whoami --http1.1
s_client() { # OPTION...
	openssl s_client -connect "localhost:$TLS_PORT" -CAfile "$T/ca/ca.pem" \
		-cert "$T/ca/builder.pem" -key "$T/ca/builder.key" "$@"
}
fails any 'another protocol in ALPN' s_client -alpn h2
printf 'GET /v1/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >"$T/get"
session() { s_client -quiet -ign_eof -sess_out "$T/session" <"$T/get"; }
ok 'a session to keep' session
[ ! -e "$T/session" ] && pass 'there is no ticket to resume it with' ||
	fail 'there is no ticket to resume it with'

# What it may do, and what the record says.
sign() {
	tls_curl "$1" '/v1/keys/dev/sign?name=m' --data-binary "@$T/m.ko" -o "$T/p7s" \
		-w '%{http_code}'
}
ok 'it signs' sign builder
is "$OUT" 200 'with the rule for its group'
openssl cms -verify -inform DER -in "$T/p7s" -content "$T/m.ko" -binary -nointern \
	-certfile <(modseal key cert dev) -CAfile <(modseal key cert dev) -purpose any \
	-out /dev/null 2>"$T/err" && pass 'a good signature' || fail 'a good signature'
record=$(records "SELECT record FROM audit WHERE event = 'sign' ORDER BY seq DESC LIMIT 1")
is "$(jq -r '"\(.identity) \(.rule) \(.proof) \(has("pid"))"' <<<"$record")" \
	'cert:CN=builder-1 remote certificate false' 'the record says who'
like "$(jq -r '.certificate + " " + .address' <<<"$record")" \
	'^[0-9a-f]{64} 127\.0\.0\.1:[0-9]+$' 'by which certificate, from where'
ok 'another is not in the group' sign other
is "$OUT" 403 'and is refused'
ok 'no admin by name of a user' tls_curl builder /v1/reload -X POST -o /dev/null -w '%{http_code}'
is "$OUT" 403 'and may not reload'

# An open connection does not outlive the revocation of its certificate.
mkfifo "$T/in"
s_client -quiet -ign_eof <"$T/in" >"$T/out" 2>/dev/null &
client=$!
exec 7>"$T/in"
printf 'GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n' >&7
wait_for 20 grep -q builder-1 "$T/out" && pass 'a connection that stays' ||
	fail 'a connection that stays'
tls_revoke builder && tls_crl || bail_out "no list: $(cat "$T/ca/log")"
wait_for 20 gone "$client" && pass 'revoked: it ends within seconds, without a reload' ||
	fail 'revoked: it ends within seconds, without a reload'
exec 7>&-
refused builder 'a revoked certificate'
ok 'others go on' tls_curl other /v1/whoami
tls_revoke other && tls_crl || bail_out "no list: $(cat "$T/ca/log")"
ok 'a reload' modseal reload
refused other 'revoked and reloaded'
ok 'the last one' tls_curl nameless /v1/whoami

# Files that are no good: nothing changes.
echo junk >"$T/ca/crl.new"
cp "$T/ca/crl.pem" "$T/ca/crl.good"
mv "$T/ca/crl.new" "$T/ca/crl.pem"
fails 1 'a damaged list cannot be reloaded' modseal reload
like "$ERR" 'crl.pem: no certificate revocation lists' 'and the message says which'
refused other 'the list from before still counts'
ok 'and who is not on it gets in' tls_curl nameless /v1/whoami
mv "$T/ca/crl.good" "$T/ca/crl.pem"
ok 'a good list again' modseal reload
check() { modseald -t -c "$T/a/modseald.conf"; }
ok 'the configuration is good' check
chmod o+r "$T/ca/server.key"
fails 1 'a key that everyone can read' check
like "$ERR" 'server.key can be read by everyone' 'and the message says so'
chmod o= "$T/ca/server.key"
cp "$T/ca/server.key" "$T/ca/kept.key"
cat "$T/ca/other.key" >"$T/ca/server.key"
fails 1 'a key of another certificate' check
like "$ERR" 'not the key of the certificate' 'and the message says so'
cat "$T/ca/kept.key" >"$T/ca/server.key"
sed -i '/^ca = /d' "$T/a/modseald.conf"
fails 1 'without a CA' check
like "$ERR" '\[tls\] needs ca' 'and the message says so'
agent_alive && pass 'the agent lives' || fail 'the agent lives'
done_testing
