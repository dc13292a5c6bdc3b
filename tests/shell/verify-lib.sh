# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of modseal-verify: keys, signatures and modules from independent tools.

MODULE=$TOP/tests/data/module/ms_test.ko
SIGN_FILE=$(ls /usr/lib/linux-kbuild-*/scripts/sign-file 2>/dev/null | tail -n1)
[ -x "$SIGN_FILE" ] || skip_all "the kernel's sign-file is not installed"
command -v jq >/dev/null || skip_all 'jq is not installed'

# new_key NAME OPENSSL-KEY-ARGUMENTS...: a self-signed certificate
new_key() {
	local name=$1
	shift
	openssl req -x509 -nodes -sha256 -days 30 -subj "/CN=test $name" -newkey "$@" \
		-keyout "$T/$name.key" -out "$T/$name.crt" 2>"$T/openssl.log" ||
		bail_out "$(cat "$T/openssl.log")"
	openssl x509 -in "$T/$name.crt" -outform DER -out "$T/$name.der"
}

# new_dated_key NAME FROM TO: YYYYMMDDHHMMSSZ
new_dated_key() {
	local d=$T/ca-$1
	mkdir -p "$d"
	: >"$d/index"
	cat >"$d/cnf" <<END
[ca]
default_ca = c
[c]
database = $d/index
new_certs_dir = $d
rand_serial = yes
policy = p
default_md = sha256
x509_extensions = e
[p]
CN = supplied
[e]
subjectKeyIdentifier = hash
basicConstraints = CA:FALSE
END
	openssl req -new -nodes -newkey rsa:2048 -subj "/CN=test $1" -keyout "$T/$1.key" \
		-out "$d/csr" 2>"$T/openssl.log" &&
		openssl ca -batch -selfsign -config "$d/cnf" -keyfile "$T/$1.key" \
			-startdate "$2" -enddate "$3" -in "$d/csr" -notext \
			-out "$T/$1.crt" 2>"$T/openssl.log" ||
		bail_out "$(cat "$T/openssl.log")"
}

# issue ISSUER NAME: a leaf
issue() {
	printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=digitalSignature' \
		'extendedKeyUsage=codeSigning' 'subjectKeyIdentifier=hash' \
		'authorityKeyIdentifier=keyid' >"$T/leaf.ext"
	openssl req -new -nodes -newkey rsa:2048 -subj "/CN=test $2" -keyout "$T/$2.key" \
		-out "$T/$2.csr" 2>"$T/openssl.log" &&
		openssl x509 -req -sha256 -days 30 -in "$T/$2.csr" -CA "$T/$1.crt" \
			-CAkey "$T/$1.key" -CAcreateserial -extfile "$T/leaf.ext" \
			-out "$T/$2.crt" 2>"$T/openssl.log" ||
		bail_out "$(cat "$T/openssl.log")"
}

# sign_file ARGUMENTS...: the kernel's own
sign_file() {
	"$SIGN_FILE" "$@" >"$T/sign-file.log" 2>&1 || bail_out "$(cat "$T/sign-file.log")"
}

# signed KEY HASH FILE, sign_with KEY HASH FILE OPTION...
signed() {
	sign_with "$@"
}
sign_with() {
	local key=$1 hash=$2 file=$3
	shift 3
	sign_file "$@" "$hash" "$T/$key.key" "$T/$key.crt" "$MODULE" "$file"
}

# cms OUT ARGUMENTS...: a message over the module by openssl
cms() {
	local out=$1
	shift
	openssl cms -sign -binary -nosmimecap -in "$MODULE" -outform DER -out "$out" \
		"$@" 2>"$T/openssl.log" || bail_out "$(cat "$T/openssl.log")"
}

# attach MESSAGE OUT [MODULE]: module, message and trailer
attach() {
	local n
	n=$(stat -c %s "$1")
	{
		cat "${3:-$MODULE}" "$1"
		printf '\0\0\2\0\0\0\0\0'
		printf '%b' "$(printf '\\x%x' $((n >> 24)) $((n >> 16 & 255)) \
			$((n >> 8 & 255)) $((n & 255)))"
		printf '~Module signature appended~\n'
	} >"$2"
}

# flip FILE OFFSET OUT: the lowest bit of one byte
flip() {
	local byte
	byte=$(od -An -tu1 -j"$2" -N1 "$1")
	cp "$1" "$3"
	printf '%b' "$(printf '\\x%x' $((byte ^ 1)))" |
		dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}

# verify ARGUMENTS...: with the good key as anchor
verify() {
	modseal-verify verify --anchor "$T/good.crt" "$@"
}

# json FILE OPTION...: its JSON object; the good key is the anchor unless one is named
json() {
	local file=$1
	shift
	[[ " $* " == *' --anchor '* ]] || set -- --anchor "$T/good.crt" "$@"
	modseal-verify verify --format jsonl "$@" "$file"
}

# verdict FILE FILTER... [OPTION...]: values of its JSON object, a space between them
verdict() {
	local file=$1 filter=''
	shift
	while [ $# -gt 0 ] && [[ $1 != --* ]]; do
		filter+="${filter:+, }$1"
		shift
	done
	json "$file" "$@" | jq -r "$filter" | paste -sd' '
}

# finding FILE CODES VERDICT ERRNO NAME [OPTION...]: exit status 1, exactly these findings
finding() {
	local file=$1 codes=$2 verdict=$3 errno=$4 name=$5 got
	shift 5
	json "$file" "$@" >"$T/finding.json" 2>"$T/finding.err"
	got="exit $? $(jq -r '[.policy.findings[].code] | sort | unique | join(" ")' \
		"$T/finding.json") / $(jq -r '.kernel.verdict, .kernel.errno' \
		"$T/finding.json" | paste -sd' ')"
	is "$got" "exit 1 $codes / $verdict $errno" "$name"
}

# peak STATUS MIB NAME COMMAND...: its exit status, and the most memory it had
peak() {
	local want=$1 limit=$2 name=$3 status kib
	shift 3
	read -r status kib < <(python3 - "$@" <<'END'
import resource, subprocess, sys
status = subprocess.run(
    sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
	)
	is "$status" "$want" "$name"
	if grep -q __asan_init "$BUILD/modseal-verify"; then
		skip 1 'memory is not measured under a sanitizer'
	elif [ "$kib" -le $((limit * 1024)) ]; then
		pass "within $limit MiB ($kib KiB)"
	else
		fail "within $limit MiB" "$kib KiB"
	fi
}
