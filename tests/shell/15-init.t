#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal init: from nothing to a key that signs, killed wherever it may be, and again.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

. tests/shell/init.sh

# Nothing is there.
fails 3 'without a service manager it says how to start the agent' init
one_line "$ERR" 'in one sentence'
START=$(sed -n "s/.*start it with '\(.*\) &'.*/\1/p" <<<"$ERR")
ok 'the configuration is good' modseald -t -c "$D/modseald.conf"
is "$(stat -c %a "$D/modseald.conf")" 644 'the agent can read it, whatever the umask'
ok 'the agent starts' start_agent
ok 'and again' init
like "$OUT" 'modseald.conf \(there already\)' 'it goes on where it was'
sed -n 's/^    //p' <<<"$OUT" >"$T/next"
like "$OUT" 'Key +default, p256, sealed \(made\)' 'it makes the key'
ok 'openssl: cert.pem' openssl x509 -in "$D/cert.pem" -noout
openssl x509 -in "$D/cert.pem" -outform DER -out "$T/cert.der"
same "$D/cert.der" "$T/cert.der" 'cert.der is the same'
like "$(openssl x509 -in "$D/cert.pem" -noout -text)" 'Code Signing, 1.3.6.1.4.1.2312.16.1.2' \
	'shim takes it for modules alone'

# The three commands do what they say.
sed -i "s|MODULE.ko|$T/m.ko|" "$T/next"
is "$(wc -l <"$T/next")" 3 'there are three next commands'
make_module "$T/original.ko"
cp "$T/original.ko" "$T/m.ko"
fails 1 'not verified before it is signed' \
	sh -c "$(sed -n 2p "$T/next")"
ok 'sign' sh -c "$(sed -n 1p "$T/next")"
ok 'it is signed with that key' verified "$T/m.ko" "$D/cert.pem" "$T/original.ko"
ok 'verify' sh -c "$(sed -n 2p "$T/next")"
ok 'enrol' sh -c "$(sed -n 3p "$T/next")"
like "$OUT" 'mokutil' 'and it says what to do with the files'

# Again: nothing changes.
sums() { (cd "$D" && sha256sum modseald.conf modseal.conf cert.* state/keys/*); }
before=$(sums)
ok 'once more' init
unlike "$OUT" '\(made\)' 'nothing is made'
ok 'without arguments but the folder' modseal init --dir "$D"
ok 'JSON' modseal init --dir "$D" --json
is "$(jq -r '.key.made, .["cert.pem"].made, (.next | length)' <<<"$OUT")" $'false\nfalse\n3' \
	'it has the facts'
is "$(jq -r '.key | .name, .algorithm, .custody' <<<"$OUT")" $'default\np256\nsealed' \
	'of the key, too'
is "$(sums)" "$before" 'every file is as it was'

# What is there stays, and is told.
fails 1 'another key' init --key other
like "$ERR" 'names the key default: nothing was changed' 'says so'
fails 1 'another TPM' modseal init --dir "$D" --tcti device:/dev/tpm9
like "$ERR" 'has no "tcti = device:/dev/tpm9"' 'says so'
echo foreign >"$D/cert.pem"
fails 1 'a certificate of somebody else' init
like "$ERR" 'cert.pem is there and is not the certificate' 'says so'
is "$(cat "$D/cert.pem")" foreign 'and leaves it'
rm "$D/cert.pem"
ok 'it is written where it is missing' init
is "$(sums)" "$before" 'as it was'
sed -i 's/^key = default$/key = nobody/' "$D/modseald.conf"
MODSEAL_CONFIG=$D/modseal.conf modseal reload >/dev/null
ok 'a configuration without a rule for it' init
like "$ERR" 'do not let you sign' 'is told'
sed -i 's/^key = nobody$/key = default/' "$D/modseald.conf"
MODSEAL_CONFIG=$D/modseal.conf modseal reload >/dev/null
echo '[nonsense]' >>"$D/modseald.conf"
fails 1 'a configuration that is wrong' init
like "$ERR" 'modseald.conf:[0-9]+.*see above' 'is told with the line'
sed -i '$d' "$D/modseald.conf"
ok 'and all is well again' init
is "$(sums)" "$before" 'and as it was'

# Refused with a sentence.
fails 2 'a folder with a blank' modseal init --dir "$T/a b"
fails 2 'a TPM with a line feed' modseal init --dir "$D" --tcti $'swtpm:path=x\n[rule x]'
mkdir "$T/open"
ln -s ../elsewhere.conf "$T/open/modseal.conf"
chmod 777 "$T/open"
fails 1 'a folder that others may write to' modseal init --dir "$T/open" --tcti "$tcti"
like "$ERR" 'open belongs to others, or others may write' 'says so'
ok 'and follows no link of theirs' test ! -e "$T/elsewhere.conf"
other=/usr
if [ "$(id -u)" = 0 ]; then
	other=$T/other
	mkdir "$other" && chown 65534 "$other"
fi
fails 1 'a folder of somebody else' modseal init --dir "$other" --tcti "$tcti"
like "$ERR" 'belongs to others' 'says so'
fails 2 'a bad name' init --key ../x
fails 2 'an agent elsewhere' modseal init --dir "$D" --agent unix:/x
fails 1 'no agent on this machine' env PATH=/nonexistent "$BUILD/modseal" init --dir "$T/n"
if [ -e /usr/sbin/modseald ]; then
	skip 1 'modseald is installed here'
else
	like "$ERR" 'install the package modseal-agent' 'says which package'
fi
if [ -e /dev/tpmrm0 ]; then
	skip 3 'this machine has a TPM'
else
	fails 1 'no TPM' modseal init --dir "$T/no-tpm"
	like "$ERR" 'there is (no|a) TPM.*--tcti' 'says what to do'
	is "$(ls "$T/no-tpm")" '' 'and writes nothing'
fi
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$T"
	fails 1 'as another user' setpriv --reuid=65534 --clear-groups "$BUILD/modseal" init
else
	fails 1 'as another user' modseal init
fi
like "$ERR" 'only root can write to /etc/modseal' 'it says so'
end_agent

# The example with a simulated TPM, as the page has it, by someone whose home is $T/home.
sed -n '/^# FIRST RUN/,/^# BATCHES/p' docs/man/modseal.1.scd | sed -n '/^mkdir tpm/,/^```/p' |
	sed -e '/^```/d; s/\\\\$/\\/' \
		-e "s|^# when the agent answers|wait_for 20 answers|" \
		-e "s,^/usr/sbin/modseald ,wait_for 20 test -S tpm.sock.ctrl; modseald ," \
		>"$T/example"
is "$(grep -c '^wait_for' "$T/example")" 2 'modseal(1) has an example'
mkdir "$T/home"
make_module "$T/home/driver.ko"
cp "$T/home/driver.ko" "$T/driver.orig"
home() (
	cd "$T/home" || exit
	# shellcheck disable=SC2317 # the example calls it
	answers() { MODSEAL_CONFIG=~/signing/modseal.conf modseal status; }
	trap 'kill $(jobs -p)' EXIT
	HOME=$T/home
	. "$T/example"
)
ok 'it works, line by line' home
ok 'and its module is signed' verified "$T/home/driver.ko" "$T/home/signing/cert.pem" \
	"$T/driver.orig"

done_testing
