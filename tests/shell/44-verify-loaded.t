#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify loaded on a root whose /sys and /proc say what we want them to.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

R=6.1.0-56-amd64
ROOT=$T/root
M=$ROOT/lib/modules/$R
mkdir -p "$ROOT/proc/sys/kernel" "$ROOT/sys/module/module/parameters" "$M/kernel" \
	"$ROOT/sys/kernel/security"
echo $R >"$ROOT/proc/sys/kernel/osrelease"

new_key good rsa:2048
signed good sha256 "$M/kernel/ms-test.ko"
id=$(readelf -n "$MODULE" | sed -n 's/.*Build ID: //p')

# load NAME BUILD-ID TAINTS
load() {
	local d=$ROOT/sys/module/$1
	mkdir -p "$d/notes"
	echo live >"$d/initstate"
	echo "$3" >"$d/taint"
	{
		printf '\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0'
		xxd -r -p <<<"$2"
	} >"$d/notes/.note.gnu.build-id"
	echo "$1 16384 0 - Live 0x0000000000000000 ${3:+($3)}" >>"$ROOT/proc/modules"
}

unload() {
	rm -rf "$ROOT/sys/module/$1"
	sed -i "/^$1 /d" "$ROOT/proc/modules"
}

loaded() {
	modseal-verify loaded --root "$ROOT" --anchor "$T/good.crt" "$@"
}

: >"$ROOT/proc/modules"
ok 'nothing is loaded: good' loaded --format json
is "$(jq -c .modules <<<"$OUT")" '[]' 'and programs get a document that says so'

# state: "NAME CODES VERDICT" of each
state() {
	loaded --format jsonl 2>"$T/loaded.err" |
		jq -r '"\(.name):\([.policy.findings[].code] | join(",")):\(.policy.verdict)"' |
		paste -sd' '
}

mkdir -p "$ROOT/sys/module/printk/parameters" # built in
load ms_test "$id" ''
ok 'a module that is what its file is' loaded
like "$OUT" "kernel $R: sig_enforce not known" 'and the state of the machine'
is "$(state)" ms_test::trusted 'trusted; what is built in is not listed'
echo Y >"$ROOT/sys/module/module/parameters/sig_enforce"
echo '[none] integrity confidentiality' >"$ROOT/sys/kernel/security/lockdown"
ok 'with sig_enforce' loaded
like "$OUT" 'sig_enforce on, lockdown off' 'which is said'
echo N >"$ROOT/sys/module/module/parameters/sig_enforce"
is "$(loaded --format jsonl | jq -r .kernel.enforce)" permissive \
	'the verdict is about this machine'

unload ms_test
load ms_test "$id" OE
is "$(state)" ms_test:loaded-unverified,loaded-taint:findings 'taint E is a finding'
unload ms_test
load ms_test "$id" OP
is "$(state)" ms_test:loaded-taint,loaded-taint:trusted 'other taints are notes'
unload ms_test
load ms_test "$id" QX
is "$(loaded --format jsonl | jq -r '.policy.findings[].detail' | paste -sd';')" \
	'taint X: its distribution marks it as auxiliary;taint Q, which is not known here' \
	'each letter is explained'
unload ms_test
load ms_test "$id" F
is "$(state)" ms_test:loaded-forced:findings 'loaded by force'
unload ms_test
load ms_test "00112233445566778899aabbccddeeff00112233" ''
is "$(state)" ms_test:loaded-other:findings 'the file is not what was loaded'
rm "$ROOT/sys/module/ms_test/notes/.note.gnu.build-id"
is "$(state)" ms_test:loaded-unidentified:unchecked 'no build-id: it cannot be said'
fails 3 'which is not good' loaded
unload ms_test
load ms_test "$id" ''
load stranger "$id" ''
is "$(state)" 'ms_test::trusted stranger:loaded-no-file:findings' 'no file'
unload stranger
load hidden "$id" ''
sed -i '/^hidden /d' "$ROOT/proc/modules"
is "$(state)" 'hidden:loaded-no-file,loaded-hidden:findings ms_test::trusted' \
	'hidden from /proc/modules'
unload hidden
echo 'ghost 1 0 - Live 0x0' >>"$ROOT/proc/modules"
is "$(state)" 'ghost:loaded-no-file,loaded-hidden:findings ms_test::trusted' \
	'hidden from /sys/module'
sed -i '/^ghost /d' "$ROOT/proc/modules"

touch -d '1 hour ago' "$ROOT/sys/module/ms_test"
is "$(state)" ms_test:loaded-newer-file:trusted 'a file that was written later is a note'
touch -d '1 hour' "$ROOT/sys/module/ms_test"

# The file of another version comes first by name; the build-id decides.
mkdir "$M/extra"
objcopy --update-section .note.gnu.build-id=<(
	printf '\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0'
	head -c 20 /dev/zero
) "$MODULE" "$T/other.ko"
sign_file sha256 "$T/good.key" "$T/good.crt" "$T/other.ko" "$M/extra/ms-test.ko"
is "$(loaded --format jsonl | jq -r .path)" "$M/kernel/ms-test.ko" 'joined by build-id'
rm -r "$M/extra"

rm "$ROOT/proc/modules"
ok 'without /proc/modules' loaded
like "$OUT" 'no /proc/modules' 'which is said'
cp "$MODULE" "$M/kernel/ms-test.ko"
touch -d '1 hour' "$ROOT/sys/module/ms_test"
is "$(state)" ms_test:unsigned:findings 'the file lost its signature'
rm -r "$ROOT/sys/module"
fails 3 'neither /sys nor /proc' loaded
mkdir "$ROOT/sys/module"
ok 'nothing is loaded' loaded
rm "$ROOT/proc/sys/kernel/osrelease"
fails 3 'no release' loaded
fails 2 'operands' loaded x

# ------------------------------------------------------ what the kernel trusts

echo $R >"$ROOT/proc/sys/kernel/osrelease"
mkdir -p "$ROOT/boot"
cp tests/fuzz/corpus/kernel_image/seed-bz-xz "$ROOT/boot/vmlinuz-$R"
modseal-verify anchors --kernel "$ROOT/boot/vmlinuz-$R" --format jsonl >"$T/anchors"
i=0
while IFS=$'\t' read -r subject ski; do
	i=$((i + 1))
	printf '%08x I------     1 perm 1f010000     0     0 asymmetri %s: %s: X509.rsa %s []\n' \
		$i "$subject" "$ski" "${ski: -8}"
done < <(jq -r '[.subject, .ski] | @tsv' "$T/anchors") >"$ROOT/proc/keys"
echo '00000001 I--Q---     1 perm 1f3f0000     0 65534 keyring   _ses: 1' >>"$ROOT/proc/keys"

# keys: the findings about them
keys() {
	modseal-verify loaded --root "$ROOT" --format jsonl 2>"$T/loaded.err" |
		jq -r 'select(.name == null) | "\(.path) \([.policy.findings[].code] | join(","))"'
}
is "$(keys)" '' 'the running kernel has the keys of its image'
cp "$ROOT/proc/keys" "$T/keys"
grep -v ": $(jq -rs '.[0].ski' "$T/anchors"):" "$T/keys" >"$ROOT/proc/keys"
is "$(keys)" "$ROOT/proc/keys kernel-key-missing" 'the image has a key that it has not'
fails 1 'which is a finding' modseal-verify loaded --root "$ROOT"
like "$OUT" 'boot the installed kernel' 'and what to do is said'
ski=$(openssl x509 -in "$T/good.crt" -noout -ext subjectKeyIdentifier | tail -n1 |
	tr -d ' :\n' | tr A-F a-f)
echo "0000ffff I------     1 perm 1f010000     0     0 asymmetri test: good: $ski: X509.rsa x []" |
	cat "$T/keys" - >"$ROOT/proc/keys"
is "$(keys)" "$ROOT/proc/keys kernel-key-unknown" 'it has a key that nobody knows'
if command -v cert-to-efi-sig-list >/dev/null; then
	mkdir -p "$ROOT/sys/firmware/efi/efivars"
	cert-to-efi-sig-list "$T/good.crt" "$T/good.esl"
	{ printf '\7\0\0\0'; cat "$T/good.esl"; } \
		>"$ROOT/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
	is "$(keys)" '' 'unless it is in db'
	rm -r "$ROOT/sys/firmware"
else
	skip 1 'efitools is not installed'
fi
wens=61c038651aabdcf94bd0ac7ff06c7248db18c600
echo "00000007 I------ 1 perm 1f030000 0 0 asymmetri wens: $wens: X509.rsa db18c600 []" |
	cat "$T/keys" - >"$ROOT/proc/keys"
is "$(keys)" '' 'the key for wireless regulations is known'
load ms_test "$id" ''
is "$(modseal-verify loaded --root "$ROOT" --json | jq -c .machine)" \
	"{\"release\":\"$R\",\"sig_enforce\":null,\"lockdown\":\"off\",\"secure_boot\":null}" \
	'the state of the machine in JSON'
unload ms_test
rm "$ROOT/proc/keys" "$ROOT/boot/vmlinuz-$R"

evil=$'e\e[31m'
echo $R >"$ROOT/proc/sys/kernel/osrelease"
load "$evil" "$id" ''
for format in table json jsonl; do
	loaded --format $format >"$T/evil.out"
	is "$(tr -d '\n -~' <"$T/evil.out" | wc -c)" 0 "$format: only printable bytes"
done

done_testing
