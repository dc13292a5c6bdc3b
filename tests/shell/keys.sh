# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of keys, after lib.sh; signing takes modseal.sh and a module $T/m.ko.

# refused PATTERN NAME COMMAND...: in one sentence, which matches the pattern
refused() {
	local pattern=$1 name=$2
	shift 2
	fails 1 "$name" "$@"
	one_line "$ERR" 'is refused in one sentence'
	like "$ERR" "$pattern" 'that says why'
}

# fails_to_sign PATTERN KEY
fails_to_sign() {
	cp "$T/m.ko" "$T/$2.ko"
	refused "$1" "$2 does not sign" modseal sign --key "$2" "$T/$2.ko"
	same "$T/$2.ko" "$T/m.ko" 'and the module is as it was'
}

# signs KEY: and OpenSSL finds the signature of its certificate, which is in $T/KEY.pem then
signs() {
	cp "$T/m.ko" "$T/$1.ko"
	modseal key cert "$1" >"$T/$1.pem" && modseal sign --key "$1" "$T/$1.ko" &&
		verified "$T/$1.ko" "$T/$1.pem" "$T/m.ko"
}

# key_is KEY STATE
key_is() {
	[ "$(modseal key show "$1" --json | jq -r .state)" = "$2" ]
}

# key_stays_locked KEY PATTERN: it was tried since the start, and that is why
key_stays_locked() {
	[[ $(modseal key show "$1" --json | jq -r '.state + ": " + .reason') =~ ^locked:.*$2 ]]
}
