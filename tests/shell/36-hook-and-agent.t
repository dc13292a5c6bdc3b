#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-sign-file against modseald with a TPM: what it signs, what it refuses, and what
# is left of a module when one of them dies.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

[ -x "$BUILD/modseald" ] || skip_all 'no agent is built'
command -v swtpm >/dev/null || skip_all 'no swtpm here'
agent_start
modseal key cert dev >"$T/cert.pem" || bail_out 'no certificate'
modseal key cert dev --der >"$T/cert.der" || bail_out 'no certificate'
make_module "$T/orig.ko" || bail_out 'no module'
cp "$T/orig.ko" "$T/m.ko"
msf=modseal-sign-file

untouched() {
	same "$T/orig.ko" "$T/m.ko" "$1: the module is as it was"
	is "$(find "$T" -maxdepth 1 -name '.modseal-*')" '' "$1: nothing is left behind"
	ok "$1: the agent lives" agent_alive
}
refused() {
	fails 1 "$1" "${@:3}"
	like "$ERR" "$2" "$1: says why"
	one_line "$ERR" "$1: in one sentence"
}

for hash in sha256 sha384 sha512; do
	cp "$T/orig.ko" "$T/m.ko"
	ok "signs with $hash" $msf $hash modseal:dev "$T/cert.der" "$T/m.ko"
	ok "openssl finds it good" verify "$T/m.ko"
	same "$T/p" "$T/orig.ko" 'the module itself is unchanged'
done
ok 'signs again' $msf sha256 modseal:dev "$T/cert.pem" "$T/m.ko"
ok 'one signature, not two' verify "$T/m.ko"
ok 'signs with -k' $msf -k sha256 modseal:dev "$T/cert.pem" "$T/m.ko"
ok 'openssl finds it good' verify "$T/m.ko"
like "$(openssl cms -cmsout -print -inform DER -in "$T/p7")" 'subjectKeyIdentifier' \
	'named by the key identifier'

cp "$T/orig.ko" "$T/m.ko"
refused 'no such key' 'no key nobody' $msf sha256 modseal:nobody none "$T/m.ko"
refused 'no such key, with X509' 'no key nobody' $msf sha256 modseal:nobody "$T/cert.pem" \
	"$T/m.ko"
refused 'a weak hash' 'sha1 is not allowed' $msf sha1 modseal:dev none "$T/m.ko"
refused 'no hash at all' 'm.ko: ' $msf '' modseal:dev none "$T/m.ko"
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out "$T/other.pem" -days 3 \
	-subj '/CN=other' 2>/dev/null
refused 'the kernel has another certificate' 'this kernel would refuse' \
	$msf sha256 modseal:dev "$T/other.pem" "$T/m.ko"
like "$(modseal log show | tail -1)" 'refuse.*dev' 'which is on record'
untouched 'refusals'

# Several certificates are compared here, one is told to the agent.
cat "$T/other.pem" "$T/cert.pem" >"$T/both.pem"
cat "$T/other.pem" "$T/other.pem" >"$T/others.pem"
refused 'others alone' 'others.pem: .*this kernel would refuse' \
	$msf sha256 modseal:dev "$T/others.pem" "$T/m.ko"
untouched 'others alone'
ok "the key's among others" $msf sha256 modseal:dev "$T/both.pem" "$T/m.ko"
ok 'openssl finds it good' verify "$T/m.ko"
cp "$T/orig.ko" "$T/m.ko"

# What is expected is heeded or refused, never passed over. The path is the whole request.
expecting() {
	curl -s --unix-socket "$T/a/agent.sock" -w '%{http_code}' -H 'Accept: text/plain' \
		-H "Expect: certificate=\"$2\"" "${@:3}" "http://modseal$1"
}
der=$(base64 -w0 "$T/cert.der")
like "$(expecting /v1/keys/dev/sign "$der" --data-binary @"$T/orig.ko" -o /dev/null)" \
	'^200$' 'the certificate in a request'
like "$(expecting /v1/keys/dev/sign "${der:4}" --data-binary @"$T/orig.ko")" \
	'^wrong-certificate.*417$' 'a part of it'
like "$(expecting /v1/keys/dev/sign "AAAA$der" --data-binary @"$T/orig.ko")" \
	'^wrong-certificate.*417$' 'more than it'
like "$(expecting /v1/keys/dev/sign "!" --data-binary @"$T/orig.ko")" \
	'^wrong-certificate.*417$' 'what is no base64'
like "$(expecting /v1/keys/dev/certificate "$der")" '^bad-expectation.*417$' \
	'where no certificate is looked at'
printf '\177ELF and nothing more' >"$T/bad.ko"
refused 'not a module' 'bad.ko: .*not a kernel module' $msf sha256 modseal:dev none "$T/bad.ko"

# Nobody else may use the key.
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	chmod 711 "$T" "$T/a"
	chmod 777 "$T/a/agent.sock"
	mkdir -m 777 "$T/theirs"
	cp "$T/orig.ko" "$T/theirs/m.ko"
	chown 65534 "$T/theirs/m.ko"
	refused 'no rule' 'theirs/m.ko: ' setpriv --reuid=65534 --clear-groups \
		"$(command -v $msf)" sha256 modseal:dev none "$T/theirs/m.ko"
	same "$T/orig.ko" "$T/theirs/m.ko" 'no rule: the module is as it was'
else
	skip 4 'not root'
fi

# ------------------------------------------------------------------- many at a time
mkdir "$T/many"
for i in $(seq 60); do
	cp "$T/orig.ko" "$T/many/$i.ko"
done
ok 'sixty at a time' bash -c "printf '%s\n' '$T'/many/*.ko |
	xargs -P8 -I{} $msf sha256 modseal:dev '$T/cert.pem' {}"
ok 'each has its signature' modseal-verify verify --anchor "$T/cert.pem" "$T/many"
cp "$T/many/1.ko" "$T/m.ko"
ok 'openssl finds one of them good' verify "$T/m.ko"

# --------------------------------------- another certificate while signatures are made
# More than the key process is given at a time; behind those comes the certificate.
ok 'a key' modseal key create late --custody resident --alg p256
modseal key cert late --der >"$T/late.der"
modseal key csr late >"$T/late.csr"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -days 3 \
	-subj '/CN=CA' 2>/dev/null
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >"$T/ext"
openssl x509 -req -in "$T/late.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial \
	-days 3 -extfile "$T/ext" >"$T/late.crt" 2>/dev/null
asked() { # N: the key process has been asked so many questions
	curl -s --unix-socket "$T/a/agent.sock" http://modseal/metrics |
		grep -q "queue=\"answers\"} $1\$"
}
key_process=$(agent_process key)
kill -STOP "$key_process"
python3 - "$T/a/agent.sock" "$T/late.der" "$T/orig.ko" >"$T/late.out" <<'END' &
import base64, collections, re, socket, subprocess, sys
der, module = open(sys.argv[2], "rb").read(), open(sys.argv[3], "rb").read()
request = (b"POST /v1/keys/late/sign?name=m HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n"
           b"Connection: close\r\nExpect: certificate=\"%s\"\r\nContent-Length: %d\r\n\r\n%s"
           % (base64.b64encode(der), len(module), module))
connections = [socket.socket(socket.AF_UNIX) for _ in range(140)]
for c in connections:
    c.connect(sys.argv[1])
    c.sendall(request)
text = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", sys.argv[2], "-noout",
                       "-serial"], capture_output=True, text=True, check=True).stdout
serial = bytes.fromhex(text.strip().split("=")[1])
seen = collections.Counter()
for c in connections:
    answer = c.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split()[1] == b"200":
        seen["of the old" if serial in body else "of the new"] += 1
    else:
        seen[re.sub(rb"\n.*", b"", body, flags=re.S).decode()] += 1
print(*sorted(f"{n} {what}" for what, n in seen.items()), sep=", ")
END
many=$!
ok 'as many as may be at a time are on their way' wait_for 20 asked 128
modseal key install-cert late "$T/late.crt" >"$T/install.out" 2>&1 &
install=$!
ok 'and the certificate behind them' wait_for 20 asked 129
kill -CONT "$key_process"
wait $install
is $? 0 'the certificate is installed'
wait $many
is "$(cat "$T/late.out")" '12 wrong-certificate, 128 of the old' \
	'what was expected is what the signatures name'
is "$(modseal log show | grep -c 'refuse.*key=late.*wrong-certificate')" 12 \
	'the others are refused, which is on record'

# -------------------------------------------------------------------- someone dies
head -c 20000000 /dev/zero >>"$T/orig.ko"
for round in 1 2 3; do
	cp "$T/orig.ko" "$T/m.ko"
	$msf sha256 modseal:dev none "$T/m.ko" 2>"$T/dies.err" &
	pid=$!
	dev-agent agent-kill "$T/a"
	wait $pid
	status=$?
	if [ $status = 0 ]; then # it was quicker
		ok "round $round: signed" verify "$T/m.ko"
		pass 'no error'
	else
		same "$T/orig.ko" "$T/m.ko" "round $round: the agent dies: as it was"
		one_line "$(cat "$T/dies.err")" 'in one sentence'
	fi
	dev-agent agent-start "$T/a" || bail_out 'the agent does not start again'
done
cp "$T/orig.ko" "$T/m.ko"
ok 'signs when the agent is back' $msf sha256 modseal:dev "$T/cert.pem" "$T/m.ko"
ok 'and it is good' verify "$T/m.ko"
dev-agent agent-stop "$T/a"
cp "$T/orig.ko" "$T/m.ko"
refused 'no agent' 'm.ko: no agent at .*: start modseald' $msf sha256 modseal:dev none \
	"$T/m.ko"
same "$T/orig.ko" "$T/m.ko" 'no agent: the module is as it was'
done_testing
