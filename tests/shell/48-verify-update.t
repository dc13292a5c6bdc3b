#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify update: lists over https from a server of our own, and from files.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"
command -v python3 >/dev/null || skip_all 'python3 is not installed'

W=$T/www STORE=$T/state/lists
mkdir "$W"

# server_cert NAME HOST: an issuer and a certificate of a server
server_cert() {
	openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30 \
		-subj "/CN=$1 CA" -keyout "$T/$1-ca.key" -out "$T/$1-ca.pem" \
		-addext basicConstraints=critical,CA:TRUE 2>"$T/openssl.log" &&
		openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-subj "/CN=$1" -keyout "$T/$1.key" -out "$T/$1.csr" \
			2>"$T/openssl.log" &&
		printf 'subjectAltName=%s\n' "$2" >"$T/$1.ext" &&
		openssl x509 -req -in "$T/$1.csr" -CA "$T/$1-ca.pem" \
			-CAkey "$T/$1-ca.key" -CAcreateserial -days 30 \
			-extfile "$T/$1.ext" -out "$T/$1.pem" 2>"$T/openssl.log" ||
		bail_out "$(cat "$T/openssl.log")"
}

# serve NAME CERT: starts a server; its port in $NAME
serve() {
	python3 "$TOP/tests/tools/list-server.py" "$W" "$T/$2.pem" "$T/$2.key" \
		"$T/$1.port" 2>"$T/$1.log" &
	at_exit kill "$!"
	wait_for 20 test -s "$T/$1.port" || bail_out "no server: $(cat "$T/$1.log")"
	printf -v "$1" '%s' "$(cat "$T/$1.port")"
}

# publish NUMBER EXPIRES [ENTRIES [KEY [FILE]]]: a signed list
publish() {
	local key=${4:-publisher} file=${5:-$W/list}
	printf '{"version":1,"number":%s,"issued":"2026-01-01","expires":"%s","entries":[%s]}' \
		"$1" "$2" "${3-}" >"$T/text"
	{
		cat "$T/text"
		printf '\n{"signature":"%s"}\n' "$(sign_text "$key" | base64 -w0)"
	} >"$file"
}
sign_text() {
	case $1 in
	ed*) openssl pkeyutl -sign -rawin -inkey "$T/$1.key" -in "$T/text" ;;
	cms*)
		openssl cms -sign -binary -noattr -nocerts -md sha384 -outform DER \
			-in "$T/text" -signer "$T/$1.crt" -inkey "$T/$1.key"
		;;
	*) openssl dgst -sha256 -sign "$T/$1.key" "$T/text" ;;
	esac
}

# update ARGUMENTS...
update() {
	modseal-verify update --stored "$STORE" --cacert "$T/web-ca.pem" \
		--key "$T/publisher.pub" "$@"
}

server_cert web IP:127.0.0.1
server_cert other DNS:example.test
serve PORT web
# shellcheck disable=SC2153 # serve sets it
URL=https://127.0.0.1:$PORT/list
for key in publisher thief; do
	openssl ecparam -genkey -name prime256v1 -noout -out "$T/$key.key"
	openssl pkey -in "$T/$key.key" -pubout -out "$T/$key.pub"
done
openssl genpkey -algorithm ed25519 -out "$T/ed.key" 2>"$T/openssl.log"
openssl pkey -in "$T/ed.key" -pubout -out "$T/ed.pub"
new_key good rsa:2048
new_key cms rsa:2048
signed good sha256 "$T/good.ko"
digest=sha256:$(sha256sum <"$MODULE" | cut -d' ' -f1)

# ------------------------------------------------------------ the usual course

publish 5 2999-01-01 "{\"digest\":\"$digest\",\"reason\":\"hole\"}"
ok 'a list over https' update --source "$URL"
like "$OUT" "^$URL: number 5, new: 1 revoked, expires 2999-01-01T00:00:00Z\$" 'said so'
is "$(ls "$STORE" | wc -l)" 1 'one file'
is "$(stat -c %a "$STORE")" 755 'that all may read'
finding "$T/good.ko" revoked-module loads null 'verify heeds it' --stored "$STORE"
like "$(jq -r '.policy.findings[0].detail' "$T/finding.json")" "$URL, number 5: hole" \
	'and says where it is from'
ok 'not with --no-stored' verify --stored "$STORE" --no-stored "$T/good.ko"
ok 'revocations lists it' modseal-verify revocations --json --stored "$STORE"
is "$(jq -r '.what, .source, .reason' <<<"$OUT" | paste -sd' ')" \
	"$digest $URL, number 5 hole" 'with its source'
ok 'again' update --source "$URL"
like "$OUT" 'number 5, as it was before' 'is no change'
publish 6 2999-01-01
ok 'a newer list' update --source "$URL" --json
is "$(jq -r '.result, .number, .entries, .expired, .error' <<<"$OUT" | paste -sd' ')" \
	'replaced 6 0 false null' 'replaces it'
ok 'what is not on it is trusted' verify --stored "$STORE" "$T/good.ko"
ok 'quietly' update --source "$URL" -q
is "$OUT$ERR" '' 'says nothing'
ok 'after a redirect to https' update --source "https://127.0.0.1:$PORT/to-https/list"
is "$(ls "$STORE" | wc -l)" 2 'another source has another file'
ok 'a file' update --source "file://$W/list"
rm "$STORE"/*

# loads COMMAND...: what it loads of libcurl. Not every libc tells.
loads() {
	rm -f "$T"/ld.*
	LD_DEBUG=files LD_DEBUG_OUTPUT=$T/ld "$@" >/dev/null 2>&1
	grep -ho 'libcurl' "$T"/ld.* | sort -u
}
if LD_DEBUG=files LD_DEBUG_OUTPUT=$T/ld modseal-verify --help >/dev/null &&
	ls "$T"/ld.* >/dev/null 2>&1; then
	is "$(loads update --source "$URL")" libcurl 'https loads libcurl'
	is "$(loads update --source "file://$W/list")" '' 'a file does not'
	is "$(loads verify --no-stored "$T/good.ko")" '' 'and verify does not'
	rm "$STORE"/*
else
	skip 3 'this libc does not tell what it loads'
fi

# -------------------------------------------------------------------- refusals

publish 7 2999-01-01
ok 'number 7' update --source "$URL"
sum=$(cat "$STORE"/* | sha256sum)

# refused STATUS REGEX NAME ARGUMENTS...: the copy stays
refused() {
	local status=$1 regex=$2 name=$3
	shift 3
	fails "$status" "$name" update "$@"
	one_line "$ERR" 'in one sentence'
	like "$ERR" "$regex" 'that says why'
	is "$(cat "$STORE"/* | sha256sum)" "$sum" 'and the copy is as it was'
}

publish 6 2999-01-01
refused 1 'number is 6, and number 7 was there.*number 7, still holds, and expires on 2999' \
	'an older list' --source "$URL"
fails 1 'in JSON' update --source "$URL" --json
is "$(jq -r '.result, .number, .code' <<<"$OUT" | paste -sd' ')" 'failed 7 older' 'too'
publish 7 2999-01-02
refused 1 'another content' 'the same number, another list' --source "$URL"
publish 8 2999-01-01 '' thief
refused 1 'by none of the keys' "another's signature" --source "$URL"
publish 8 2999-01-01
sed -i '1s/"number":8/"number":9/' "$W/list"
refused 1 'by none of the keys' 'a changed list' --source "$URL"
head -n1 "$W/list" >"$T/x" && mv "$T/x" "$W/list"
refused 3 'its signature, in the .p7s beside it: .*404' 'no signature' --source "$URL"
: >"$W/list.p7s"
refused 3 'its signature, in the .p7s beside it: empty' 'an empty one' --source "$URL"
echo x >"$W/list.p7s"
refused 1 'by none of the keys' 'one that is none' --source "$URL"
rm "$W/list.p7s"
echo '<html>' >"$W/list"
refused 3 'not JSON' 'no JSON' --source "$URL"
: >"$W/list"
refused 3 'not JSON' 'nothing' --source "$URL"
publish 8 2999-01-01
echo '{}' >>"$W/list"
refused 3 'second line is no signature' 'a third line' --source "$URL"
publish 8 2999-01-01
sed -i '2s/:"./:"*/' "$W/list"
refused 3 'second line is no signature' 'no base64' --source "$URL"
publish 8 2999-01-01 '{"name":"x","typo":1}'
refused 3 'entry 1 is not understood' 'an entry that is not understood' --source "$URL"
publish -1 2999-01-01
refused 3 'number must be at least 1' 'a negative number' --source "$URL"
publish 8 soon
refused 3 'expires must be a date' 'no date' --source "$URL"
rm "$W/list"
refused 3 'status 404' 'a list that is not there' --source "$URL"
publish 8 2999-01-01
refused 3 'TLS: .*--cacert' 'a server of another CA' --source "$URL" \
	--cacert "$T/other-ca.pem"
serve OTHER other
# shellcheck disable=SC2153 # serve sets it
refused 3 'TLS: .*not who it should be' 'a server of another name' \
	--source "https://127.0.0.1:$OTHER/list" --cacert "$T/other-ca.pem"
refused 3 'cannot use the certificates' 'no certificates' --source "$URL" \
	--cacert "$T/none.pem"
for where in to-http/list large endless loop short; do
	refused 3 'not https|larger than 16 MiB|more than five|transfer failed' \
		"the server's $where" --source "https://127.0.0.1:$PORT/$where"
done
refused 3 'no connection' 'nobody there' --source https://127.0.0.1:1/list
refused 3 'no such file' 'no file' --source "file://$T/none"
for url in "http://127.0.0.1:$PORT/list" ftp://127.0.0.1/ list "$W/list" https:// \
	file://host/list https://user:secret@127.0.0.1/ $'https://x/\n'; do
	refused 2 '--source: ' "$url" --source "$url"
done
unlike "$ERR" secret 'no password is shown'

# -------------------------------------------------------------------- validity

publish 8 2020-01-01 "{\"digest\":\"$digest\"}"
fails 1 'an expired list' update --source "$URL"
like "$ERR" 'number 8 has expired on 2020-01-01.*still holds' 'is said'
json "$T/good.ko" --stored "$STORE" >"$T/out" 2>"$T/err"
is "$?" 1 'is a finding'
like "$(cat "$T/err")" "revocation list $URL, number 8 has expired" 'of verify, too'
is "$(jq -r '.policy.findings[].code' "$T/out")" revoked-module 'and holds'

# ----------------------------------------------------------------- keys, files

publish 9 2999-01-01 '' ed
ok 'Ed25519, one of several keys' update --key "$T/ed.pub" --source "$URL"
publish 10 2999-01-01 '' cms
ok 'CMS, a key in a certificate' update --key "$T/cms.crt" --source "$URL"
printf '{"version":1,\n"number":11,"expires":"2999-01-01",\n"entries":[]}\n' >"$T/text"
cp "$T/text" "$W/list"
sign_text cms >"$W/list.p7s"
ok 'a signature beside the list' update --key "$T/cms.crt" --source "$URL"
like "$OUT" 'number 11, newer' 'of many lines'
tail -n +2 "$STORE"/* | cmp -s - "$T/text" && pass 'is kept as it was' || fail 'kept'
openssl cms -sign -binary -nocerts -outform DER -in "$T/text" -signer "$T/cms.crt" \
	-inkey "$T/cms.key" -out "$T/attrs" 2>"$T/openssl.log"
{ cat "$T/text"; printf '\n{"signature":"%s"}' "$(base64 -w0 "$T/attrs")"; } >"$W/list"
fails 1 'not with signed attributes' update --key "$T/cms.crt" --source "$URL"
printf '%s\n' '# lists' "source = $URL" "key = $T/publisher.pub" \
	"cacert = $T/web-ca.pem" >"$T/conf"
publish 12 2999-01-01
ok 'a configuration file' modseal-verify update --stored "$STORE" --config "$T/conf"
like "$OUT" 'number 12' 'names source, key and CA'
echo 'souce = https://x/' >>"$T/conf"
fails 2 'with an error' modseal-verify update --stored "$STORE" --config "$T/conf"
like "$ERR" 'conf: line 5: must be source, key or cacert' 'is refused'
fails 2 'a configuration that is not there' modseal-verify update --config "$T/none"
echo x >"$T/empty.pub"
fails 2 'no key in the file' update --key "$T/empty.pub" --source "$URL"
one_line "$ERR" 'says so'
fails 2 'an operand' update x

# ------------------------------------------------------------------- the store

publish 13 2999-01-01
chmod 777 "$STORE"
fails 3 'a store that others may write' update --source "$URL"
like "$ERR" 'cannot be relied on' 'is not relied on'
fails 3 'nor by verify' verify --stored "$STORE" "$T/good.ko"
one_line "$ERR" 'that says so'
chmod 755 "$STORE"
file=$(ls -d "$STORE"/*)
cp "$file" "$T/copy"
head -c 100 "$T/copy" >"$file"
fails 3 'a damaged copy' verify --stored "$STORE" "$T/good.ko"
like "$ERR" 'remove the file and run modseal-verify update' 'and what to do'
fails 3 'is not overwritten' update --source "$URL"
rm "$file"
ok 'a new start' update --source "$URL"
: >"$T/file"
fails 3 'a store that cannot be' update --stored "$T/file" --source "$URL"
one_line "$ERR" 'says so'
fails 3 'a store that is not there, and was named' verify --stored "$T/nowhere" "$T/good.ko"
like "$ERR" '--stored' 'says so'
ok 'a published list is a list' verify --revocations "$W/list" "$T/good.ko"

# Many at once: the newest wins.
for i in 20 21 22 23; do
	publish "$i" 2999-01-01 '' publisher "$W/list-$i"
done
pids=()
for i in 23 21 20 22; do
	cp "$W/list-$i" "$W/list.new" && mv "$W/list.new" "$W/list"
	update --source "$URL" >/dev/null 2>&1 &
	pids+=("$!")
done
wait "${pids[@]}"
cp "$W/list-23" "$W/list"
update --source "$URL" >/dev/null 2>&1
ok 'the newest one is there' update --source "$URL" --json
is "$(jq -r '.result, .number' <<<"$OUT" | paste -sd' ')" 'unchanged 23' 'in the end'
is "$(find "$STORE" -name '.modseal-*' | wc -l)" 0 'nothing is left over'

done_testing
