#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-sign-file takes the place of the kernel's sign-file: same arguments, same bytes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

msf=modseal-sign-file
none=no/such.x509
fake_agent
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out "$T/other.pem" -days 30 \
	-subj '/CN=someone else' 2>/dev/null
make_module "$T/orig.ko" || bail_out 'no module'

fresh() {
	cp "$T/orig.ko" "$T/m.ko"
	rm -f "$T/m.ko.p7s" "$T/d.ko"
}
# The file is as it was, and nothing lies about.
untouched() {
	same "$T/orig.ko" "$T/m.ko" "$1: the module is as it was"
	is "$(find "$T" -name '.modseal-*')" '' "$1: nothing is left behind"
}
# ------------------------------------------------------------------------ it signs
fresh
ok 'signs in place' $msf sha256 modseal:good $none "$T/m.ko"
is "$OUT$ERR" '' 'it says nothing'
ok 'the signature is good' verify "$T/m.ko"
same "$T/p" "$T/orig.ko" 'the module itself is unchanged'

ok 'signs again' $msf sha512 modseal:good $none "$T/m.ko"
ok 'one signature, not two' verify "$T/m.ko"
same "$T/p" "$T/orig.ko" 'the module itself is unchanged after signing twice'

fresh
ok 'signs to another file' $msf sha256 modseal:good $none "$T/m.ko" "$T/d.ko"
ok 'which is good' verify "$T/d.ko"
same "$T/orig.ko" "$T/m.ko" 'the source stays unsigned'
ok 'the same name twice is in place' $msf sha256 modseal:good $none "$T/m.ko" "$T/m.ko"
ok 'and good' verify "$T/m.ko"

fresh
ok '-d' $msf -d sha256 modseal:good $none "$T/m.ko" "$T/d.ko"
same "$T/orig.ko" "$T/m.ko" '-d leaves the module alone'
is "$([ -e "$T/d.ko" ] || echo none)" none '-d writes no DEST'
ok '-d: MODULE.p7s is good' openssl cms -verify -binary -inform DER -in "$T/m.ko.p7s" \
	-content "$T/m.ko" -noverify -certfile "$T/cert.pem" -out /dev/null
cp "$T/m.ko.p7s" "$T/detached"
fresh
ok '-p' $msf -p sha256 modseal:good $none "$T/m.ko"
same "$T/detached" "$T/m.ko.p7s" '-p keeps the signature that -d writes'
ok '-p signs as well' verify "$T/m.ko"
same "$T/p7" "$T/m.ko.p7s" 'and with the same signature'

fresh
ok '-k' $msf -k sha256 modseal:good $none "$T/m.ko"
ok '-k: good' verify "$T/m.ko"
like "$(openssl cms -cmsout -print -inform DER -in "$T/p7")" 'subjectKeyIdentifier' \
	'-k: named by the key identifier'

fresh
mkdir "$T/dir with spaces"
mv "$T/m.ko" "$T/dir with spaces/real.ko"
ln -s 'dir with spaces/real.ko' "$T/m.ko"
ok 'a module behind a symbolic link' $msf sha256 modseal:good $none "$T/m.ko"
is "$(readlink "$T/m.ko")" 'dir with spaces/real.ko' 'the link stays a link'
ok 'and what it points to is signed' verify "$T/dir with spaces/real.ko"
rm "$T/m.ko"

# ------------------------------------------------- the same as the kernel's sign-file
if sf=$(sign_file); then
	fresh
	cp "$T/orig.ko" "$T/k.ko"
	for flags in '' -k -p; do
		for hash in sha256 sha384 sha512; do
			cp "$T/orig.ko" "$T/m.ko"
			cp "$T/orig.ko" "$T/k.ko"
			# shellcheck disable=SC2086
			$msf $flags $hash modseal:good $none "$T/m.ko"
			# shellcheck disable=SC2086
			$sf $flags $hash "$T/key.pem" "$T/cert.pem" "$T/k.ko"
			same "$T/m.ko" "$T/k.ko" "as sign-file $flags $hash does"
		done
	done
	same "$T/m.ko.p7s" "$T/k.ko.p7s" 'so is the detached signature'
	fresh
	cp "$T/orig.ko" "$T/k.ko"
	$sf -s "$T/detached" sha256 "$T/cert.pem" "$T/k.ko"
	ok '-s' env MODSEAL_AGENT=unix:/nonexistent $msf -s "$T/detached" sha256 \
		"$T/cert.pem" "$T/m.ko"
	same "$T/m.ko" "$T/k.ko" '-s: as sign-file, byte for byte, and without an agent'
	ok '-s to another file' $msf -s "$T/detached" sha256 $none "$T/orig.ko" "$T/d.ko"
	same "$T/d.ko" "$T/k.ko" '-s to another file: the same'
	ok '-s again' $msf -s "$T/detached" sha256 "$T/cert.pem" "$T/m.ko"
	same "$T/m.ko" "$T/k.ko" '-s again: one signature, not two'
	fresh
	cp "$T/orig.ko" "$T/k.ko"
	head -c 256 /dev/urandom | sed '1s/^./x/' >"$T/raw"
	$sf -s "$T/raw" sha256 "$T/cert.pem" "$T/k.ko"
	ok '-s with what is no message' $msf -s "$T/raw" sha256 "$T/cert.pem" "$T/m.ko"
	like "$ERR" 'kernels will refuse' '-s with what is no message: says so'
	same "$T/m.ko" "$T/k.ko" '-s with what is no message: as sign-file'
else
	skip 20 'no sign-file of a kernel here'
fi
: >"$T/empty"
fresh
fails 1 '-s with an empty file' $msf -s "$T/empty" sha256 "$T/cert.pem" "$T/m.ko"
untouched '-s with an empty file'
fails 1 '-s without the file' $msf -s "$T/missing" sha256 "$T/cert.pem" "$T/m.ko"
like "$ERR" "missing: no such file" '-s without the file: says which'
untouched '-s without the file'

# ------------------------------------------------------------------- naming the key
: >"$T/requests"
fresh
ok 'pkcs11:modseal:key=NAME' $msf sha256 pkcs11:modseal:key=good $none "$T/m.ko"
ok 'MODSEAL_KEY for a path' env MODSEAL_KEY=good $msf sha256 certs/signing_key.pem $none \
	"$T/m.ko"
ok 'MODSEAL_KEY for nothing' env MODSEAL_KEY=modseal:good $msf sha256 '' $none "$T/m.ko"
ok 'an explicit name wins' env MODSEAL_KEY=denied $msf sha256 modseal:good $none "$T/m.ko"
echo 'key = good' >"$MODSEAL_CONFIG"
ok 'the configuration is the last resort' $msf sha256 certs/key.pem $none "$T/m.ko"
ok 'the environment goes before it' env MODSEAL_KEY=good $msf sha256 x.pem $none "$T/m.ko"
: >"$MODSEAL_CONFIG"
is "$(grep -c 'POST /v1/keys/good/sign?name=m&hash=sha256 ' "$T/requests")" 6 \
	'each asked for the right key, name and hash'
fresh
fails 1 'no key anywhere' $msf sha256 certs/signing_key.pem $none "$T/m.ko"
like "$ERR" 'MODSEAL_KEY=NAME' 'no key anywhere: says what to do'
one_line "$ERR" 'no key anywhere: in one sentence'
fails 1 'a key of another token' env MODSEAL_KEY=good $msf sha256 \
	'pkcs11:token=x;object=y' $none "$T/m.ko"
fails 1 'a name that is none' $msf sha256 'modseal:../x' $none "$T/m.ko"
untouched 'bad names'

# -------------------------------------------------------------------- certificates
fresh
ok 'X509 in DER' $msf sha256 modseal:good "$T/cert.der" "$T/m.ko"
ok 'X509 in PEM' $msf sha256 modseal:good "$T/cert.pem" "$T/m.ko"
cat "$T/other.pem" "$T/cert.pem" >"$T/both.pem"
ok 'X509 one of several' $msf sha256 modseal:good "$T/both.pem" "$T/m.ko"
fresh
fails 1 'X509 of someone else' $msf sha256 modseal:good "$T/other.pem" "$T/m.ko"
like "$ERR" 'other.pem: not the certificate of key good, so this kernel would refuse' \
	'X509 of someone else: says what this kernel would do'
one_line "$ERR" 'X509 of someone else: in one sentence'
fails 1 'X509 that holds none' $msf sha256 modseal:good "$T/orig.ko" "$T/m.ko"
fails 1 'X509 that is a directory' $msf sha256 modseal:good "$T" "$T/m.ko"
fails 1 'X509 that is a FIFO' timeout 20 $msf sha256 modseal:good <(cat "$T/cert.pem") \
	"$T/m.ko"
fails 1 'X509 that is empty' $msf sha256 modseal:good "$T/empty" "$T/m.ko"
untouched 'bad certificates'

# ------------------------------------------------------------------------ refusals
fails 1 'no rule' $msf sha256 modseal:denied $none "$T/m.ko"
is "$ERR" "modseal-sign-file: $T/m.ko: no rule lets uid:0 use key denied: ask" \
	'no rule: the sentence is the agent'\''s'
fails 1 'no such key' $msf sha256 modseal:nobody $none "$T/m.ko"
fails 1 'a hash that is not allowed' $msf md5x modseal:good $none "$T/m.ko"
like "$ERR" 'not allowed' 'a hash that is not allowed: says so'
fails 1 'TPM locked out' $msf sha256 modseal:busy $none "$T/m.ko"
fails 1 'no agent' env MODSEAL_AGENT="unix:$T/nosock" $msf sha256 modseal:good $none \
	"$T/m.ko"
like "$ERR" 'm.ko: no agent at .*/nosock: .*start modseald' 'no agent: says what to do'
fails any 'an agent over https, without certificates' env MODSEAL_AGENT=https://h:1 \
	$msf sha256 modseal:good $none "$T/m.ko"
fails 1 'a missing configuration' env MODSEAL_CONFIG="$T/no" $msf sha256 modseal:good \
	$none "$T/m.ko"
echo 'kee = x' >"$T/bad.conf"
fails 1 'a bad configuration' env MODSEAL_CONFIG="$T/bad.conf" $msf sha256 modseal:good \
	$none "$T/m.ko"
like "$ERR" "bad.conf: line 1: unknown setting 'kee': did you mean 'key'" 'says where'
untouched 'refusals'
for args in '' 'sha256' 'sha256 k x' 'a b c d e f' '-x a b c d' '--nope a b c d'; do
	# shellcheck disable=SC2086
	fails 2 "usage: $args" $msf $args
	like "$ERR" '^Usage: ' "usage: $args: is shown"
done
ok '--help' $msf --help
like "$OUT" 'MODSEAL_KEY' '--help goes to stdout'
ok '--version' $msf --version
if [ -w /dev/full ]; then
	for opt in --help --version; do
		# shellcheck disable=SC2016 # for sh to expand
		fails 1 "$opt: no room" sh -c '"$@" >/dev/full' - $msf $opt
		like "$ERR" 'No space left' 'says so'
	done
else
	skip 4 'no /dev/full'
fi

# ---------------------------------------------------------------------- bad modules
fails 1 'an empty file' $msf sha256 modseal:good $none "$T/empty"
like "$ERR" 'empty: is empty, not a kernel module' 'an empty file: says so'
fails 1 'a directory' $msf sha256 modseal:good $none "$T"
like "$ERR" 'is a directory' 'a directory: says so'
mkfifo "$T/fifo"
fails 1 'a FIFO' timeout 20 $msf sha256 modseal:good $none "$T/fifo"
like "$ERR" 'not a regular file' 'a FIFO: says so'
fails 1 'a device' timeout 20 $msf sha256 modseal:good $none /dev/zero
fails 1 'a missing file' $msf sha256 modseal:good $none "$T/nothing.ko"
fails 1 'not a module' $msf sha256 modseal:good $none "$T/cert.pem"
like "$ERR" 'not a kernel module' 'not a module: says so'
gzip -c "$T/orig.ko" >"$T/c.ko.gz"
xz -c "$T/orig.ko" >"$T/c.ko.xz"
for f in "$T/c.ko.gz" "$T/c.ko.xz"; do
	cp "$f" "$T/keep"
	fails 1 "compressed: ${f##*.}" $msf sha256 modseal:good $none "$f"
	like "$ERR" 'is compressed' "compressed: ${f##*.}: says so"
	same "$f" "$T/keep" "compressed: ${f##*.}: as it was"
done
truncate -s 600M "$T/big.ko"
fails 1 'a module over the cap' $msf sha256 modseal:good $none "$T/big.ko"
like "$ERR" 'big.ko: has 629145600 bytes, and at most 536870912' 'over the cap: says so'
rm "$T/big.ko"
cp "$T/orig.ko" "$T/t.ko"
printf '\0\0\2\0\0\0\0\0\377\377\377\377~Module signature appended~\n' >>"$T/t.ko"
cp "$T/t.ko" "$T/keep"
fails 1 'a trailer that lies' $msf sha256 modseal:good $none "$T/t.ko"
same "$T/t.ko" "$T/keep" 'a trailer that lies: as it was'
printf 'x\n\033[31m.ko' >"$T/name"
fails 1 'a name with escape codes' $msf sha256 modseal:good $none "$(cat "$T/name")"
unlike "$ERR" $'\033' 'a name with escape codes: is not printed raw'
one_line "$ERR" 'a name with escape codes: one line'

# --------------------------------------------------------------------- bad places
mkdir "$T/there"
fails 1 'DEST is a directory' $msf sha256 modseal:good $none "$T/m.ko" "$T/there"
fails 1 'DEST is a device' $msf sha256 modseal:good $none "$T/m.ko" /dev/null
is "$(stat -c %F /dev/null)" 'character special file' 'DEST is a device: it still is'
fails 1 'DEST is a FIFO' $msf sha256 modseal:good $none "$T/m.ko" "$T/fifo"
fails 1 'DEST in no directory' $msf sha256 modseal:good $none "$T/m.ko" "$T/no/where.ko"
ln -s loop "$T/loop"
fails 1 'DEST is a loop of links' $msf sha256 modseal:good $none "$T/m.ko" "$T/loop"
mkdir "$T/m.ko.p7s"
fails 1 '-d over a directory' $msf -d sha256 modseal:good $none "$T/m.ko"
rmdir "$T/m.ko.p7s"
untouched 'bad places'
head -c 20000 /dev/zero >>"$T/m.ko"
cp "$T/m.ko" "$T/keep"
fails 1 'no room: a limit' bash -c "ulimit -f 8
	exec $msf sha256 modseal:good $none $T/m.ko"
like "$ERR" 'ulimit' 'no room: a limit: says so'
same "$T/m.ko" "$T/keep" 'no room: a limit: as it was'
is "$(find "$T" -name '.modseal-*')" '' 'no room: a limit: nothing is left behind'
fresh
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/mnt"
	if mount -t tmpfs -o size=32k none "$T/mnt" 2>/dev/null; then
		at_exit umount "$T/mnt"
		cp "$T/orig.ko" "$T/mnt/m.ko"
		cat /dev/zero >"$T/mnt/fill" 2>/dev/null
		fails 1 'a full disk' $msf sha256 modseal:good $none "$T/mnt/m.ko"
		like "$ERR" 'No space left on device: free some' 'a full disk: says so'
		same "$T/mnt/m.ko" "$T/orig.ko" 'a full disk: as it was'
		is "$(find "$T/mnt" -name '.modseal-*')" '' 'a full disk: nothing is left'
		mount -o remount,ro "$T/mnt"
		fails 1 'a read-only disk' $msf sha256 modseal:good $none "$T/mnt/m.ko"
		like "$ERR" 'Read-only file system' 'a read-only disk: says so'
	else
		skip 6 'no mount'
	fi
	chmod 755 "$T"
	mkdir "$T/ro"
	cp "$T/orig.ko" "$T/ro/m.ko"
	chown -R 65534 "$T/ro"
	chmod 555 "$T/ro"
	if setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
		chmod 777 "$T/s"
		fails 1 'a read-only directory' setpriv --reuid=65534 --clear-groups \
			"$(command -v $msf)" sha256 modseal:good $none "$T/ro/m.ko"
		like "$ERR" 'ro/m.ko: no new file can be made in its directory' \
			'a read-only directory: says so'
		same "$T/ro/m.ko" "$T/orig.ko" 'a read-only directory: as it was'
	else
		skip 3 'no setpriv'
	fi
else
	mkdir "$T/ro"
	cp "$T/orig.ko" "$T/ro/m.ko"
	chmod 555 "$T/ro"
	fails 1 'a read-only directory' $msf sha256 modseal:good $none "$T/ro/m.ko"
	like "$ERR" 'ro/m.ko: no new file can be made in its directory' \
		'a read-only directory: says so'
	same "$T/ro/m.ko" "$T/orig.ko" 'a read-only directory: as it was'
	skip 6 'no mount without root'
fi

# ----------------------------------------------------------- mode, owner, attributes
fresh
chmod 2640 "$T/m.ko"
[ "$(id -u)" != 0 ] || chown 1234:4321 "$T/m.ko"
before=$(stat -c '%a %u %g' "$T/m.ko")
attr=0
python3 -c 'import os,sys; os.setxattr(sys.argv[1], "user.origin", b"here\0too")' \
	"$T/m.ko" 2>/dev/null && attr=1
: >"$T/.modseal-stale0"
ok 'a module with mode, owner and attributes' $msf sha256 modseal:good $none "$T/m.ko"
is "$(stat -c '%a %u %g' "$T/m.ko")" "$before" 'mode and owner are kept'
if [ $attr = 1 ]; then
	is "$(python3 -c 'import os,sys; print(os.getxattr(sys.argv[1], "user.origin"))' \
		"$T/m.ko")" "b'here\\x00too'" 'attributes are kept'
else
	skip 1 'no extended attributes here'
fi
rm "$T/.modseal-stale0"
fresh
(umask 077; $msf -p sha256 modseal:good $none "$T/m.ko")
is "$(stat -c %a "$T/m.ko.p7s")" 600 'a detached signature honours the umask'

ln -sf "$(command -v $msf)" "$T/kmodsign"
fresh
ok 'kmodsign is the same' "$T/kmodsign" sha512 modseal:good "$T/cert.der" "$T/m.ko"
ok 'kmodsign: good' verify "$T/m.ko"
fails 1 'kmodsign: fails as itself' "$T/kmodsign" sha256 modseal:denied $none "$T/m.ko"
like "$ERR" '^kmodsign: ' 'kmodsign: fails under its name'

is "$(cat "$T/fake.err")" '' 'the agent for the tests has nothing to complain about'
done_testing
