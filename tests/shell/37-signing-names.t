#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that run a sign-file of another name: Ubuntu's and VirtualBox's kmodsign, NVIDIA's
# installer. Each is imitated by the calls that it makes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

fake_agent
mkdir "$T/bin" "$T/mok" "$T/mod dir"
ln -s "$BUILD/modseal-sign-file" "$T/bin/kmodsign"
PATH=$T/bin:$PATH
echo 'key = good' >"$T/client.conf"
# What these programs look for: the certificate, and a file where they think the key is.
cp "$T/cert.der" "$T/mok/MOK.der"
: >"$T/mok/MOK.priv"
make_module "$T/m.ko"
fresh() { cp "$T/m.ko" "$T/mod dir/m.ko"; }
M="$T/mod dir/m.ko"

# ------------------------------------------------------------------------- kmodsign
fresh
ok 'kmodsign HASH KEY CERT MODULE' kmodsign sha512 "$T/mok/MOK.priv" "$T/mok/MOK.der" "$M"
ok 'signs with the key of the configuration' verify "$M"
ok 'is what was asked for' grep -q 'POST /v1/keys/good/.*hash=sha512' "$T/requests"
ok 'once more' kmodsign sha256 "$T/mok/MOK.priv" "$T/mok/MOK.der" "$M"
ok 'one signature' verify "$M"
fresh
ok 'kmodsign HASH KEY CERT MODULE DEST' kmodsign sha512 "$T/mok/MOK.priv" \
	"$T/mok/MOK.der" "$M" "$T/dest.ko"
ok 'DEST is signed' verify "$T/dest.ko"
same "$M" "$T/m.ko" 'MODULE is as it was'
ok 'kmodsign -d: detached' kmodsign -d sha256 "$T/mok/MOK.priv" "$T/mok/MOK.der" "$M"
ok 'the message beside it is good for it' openssl cms -verify -binary -inform DER \
	-in "$M.p7s" -content "$M" -noverify -nointern -certfile "$T/cert.pem" -out /dev/null
same "$M" "$T/m.ko" 'MODULE is as it was'
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj '/CN=made by shim' \
	-outform DER -out "$T/mok/shim.der" 2>/dev/null
fails 1 'the certificate that was made on this machine' kmodsign sha512 "$T/mok/MOK.priv" \
	"$T/mok/shim.der" "$M"
like "$ERR" '^kmodsign: .*shim.der: not the certificate of key good' 'says what is wrong'
same "$M" "$T/m.ko" 'and signs nothing'
MODSEAL_AGENT=unix:/nonexistent fails 1 'no agent' kmodsign sha512 "$T/mok/MOK.priv" \
	"$T/mok/MOK.der" "$M"
like "$ERR" '^kmodsign: .*start modseald' 'says what to do'

# ----------------------------------------------------------------- NVIDIA's installer
# Four arguments, and if that fails three, as old sign-files had them.
nvidia() { # SCRIPT KEY CERT HASH MODULE
	"$1" "$4" "$2" "$3" "$5" || "$1" "$2" "$3" "$5"
}
fresh
ok 'the installer, with the key by its name' nvidia "$BUILD/modseal-sign-file" modseal:good \
	"$T/mok/MOK.der" sha512 "$M"
ok 'signs' verify "$M"
fresh
MODSEAL_AGENT=unix:/nonexistent fails any 'the installer, without an agent' nvidia \
	"$BUILD/modseal-sign-file" modseal:good "$T/mok/MOK.der" sha512 "$M"
is "$(grep -c '^modseal-sign-file: .*start modseald' <<<"$ERR")" 1 'is told why'
like "$ERR" 'Usage: modseal-sign-file' 'and that there are no three arguments'
same "$M" "$T/m.ko" 'and an unsigned module'
done_testing
