#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify scan, explain and anchors on a mounted root with a tiny kernel.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

DATA=$TOP/tests/data/pkcs7
SEEDS=$TOP/tests/fuzz/corpus/kernel_image
R=6.1.0-56-amd64
ROOT=$T/root
M=$ROOT/lib/modules/$R

# by_kernel FILE: signed with a key whose certificate is in the seeds' kernel
by_kernel() {
	openssl x509 -inform DER -in "$DATA/p384.der" -out "$T/p384.crt"
	sign_file sha256 "$DATA/p384.key" "$T/p384.crt" "$MODULE" "$1"
}

# findings [OPTION...]: path and codes of what is not trusted
findings() {
	modseal-verify scan --root "$ROOT" --format jsonl --failed-only "$@" 2>"$T/scan.err" |
		jq -r '"\(.path) \([.policy.findings[].code] | join(","))"' |
		sed "s|^$M/||" | paste -sd' '
}

mkdir -p "$M/kernel/net" "$M/updates" "$ROOT/boot"
cp "$SEEDS/seed-bz-xz" "$ROOT/boot/vmlinuz-$R"
by_kernel "$M/kernel/net/ms_test.ko"

ok 'a good system' modseal-verify scan --root "$ROOT" "$R"
like "$OUT" 'GOOD  1 module: 1 trusted' 'says so'
ok 'the only kernel need not be named' modseal-verify scan --root "$ROOT"
is "$(modseal-verify scan --root "$ROOT" --format jsonl |
	jq -r '.kernel.profile, .kernel.verdict, .signers[0].anchor.source' | paste -sd' ')" \
	"6.1 refused $ROOT/boot/vmlinuz-$R" 'what its kernel would do, and where the anchor is from'

# -------------------------------------------------------------- kernel images

for seed in bz-gzip bz-zstd bz-lz4 zboot-zstd vmlinux vmlinux-gap; do
	cp "$SEEDS/seed-$seed" "$ROOT/boot/vmlinuz-$R"
	ok "anchors from $seed" modseal-verify scan --root "$ROOT"
done
cp "$SEEDS/seed-vmlinux-revoked" "$ROOT/boot/vmlinuz-$R"
fails 1 'a certificate that the kernel itself revokes is no anchor' \
	modseal-verify scan --root "$ROOT"
is "$(findings)" 'kernel/net/ms_test.ko unknown-signer' 'its signer is not known'
is "$(findings --anchor "$DATA/p384.der" --kernel "$R")" \
	'kernel/net/ms_test.ko revoked-certificate' 'and when it is an anchor, it is revoked'
ok 'anchors lists both' modseal-verify anchors --root "$ROOT" --kernel "$R"
like "$OUT" '1 trusted, 1 revoked' 'apart'
is "$(modseal-verify anchors --kernel "$ROOT/boot/vmlinuz-$R" --format jsonl |
	jq -r '"\(.subject) \(.revoked)"' | paste -sd' ')" \
	'test p256 false test p384 true' 'and as JSON'
cp "$SEEDS/seed-bz-bad" "$ROOT/boot/vmlinuz-$R"
fails 3 'a damaged kernel' modseal-verify scan --root "$ROOT"
one_line "$ERR" 'one sentence'
head -c 5000 /dev/zero >"$ROOT/boot/vmlinuz-$R"
fails 3 'a kernel without certificates' modseal-verify scan --root "$ROOT"
like "$ERR" '--anchor' 'says what to do'
ok 'unless anchors are named' \
	modseal-verify scan --root "$ROOT" --anchor "$DATA/p384.der"
rm "$ROOT/boot/vmlinuz-$R"
fails 2 'no kernel image and no anchor' modseal-verify scan --root "$ROOT"
like "$ERR" "there is no $ROOT/boot/vmlinuz-$R, and no vmlinuz in $ROOT/lib/modules/$R" \
	'says which image it has looked for'
cp "$SEEDS/seed-bz-xz" "$ROOT/boot/vmlinuz-$R"

# ----------------------------------------------------------------------- tree

cp "$M/kernel/net/ms_test.ko" "$M/updates/ms-test.ko"
is "$(findings)" \
	'kernel/net/ms_test.ko duplicate-name updates/ms-test.ko duplicate-name' \
	'one module shadows another'
fails 1 'which is a finding' modseal-verify scan --root "$ROOT"
rm "$M/updates/ms-test.ko"

printf '%s\n' 'kernel/net/ms_test.ko:' 'kernel/gone.ko.xz: kernel/net/ms_test.ko' \
	>"$M/modules.dep"
is "$(findings)" 'kernel/gone.ko.xz missing-file' 'modules.dep lists what is not there'
printf '%s\n' 'kernel/net/other.ko' >"$M/modules.dep"
is "$(findings)" 'kernel/net/ms_test.ko not-listed' 'a module that is not in modules.dep'
printf 'kernel/net/ms_test.ko:\n' >"$M/modules.dep"
is "$(findings)" '' 'all is well again'

mkdir -p "$ROOT/lib/modules/6.12.1"
fails 2 'two kernels' modseal-verify scan --root "$ROOT"
cp -r "$M/kernel" "$ROOT/lib/modules/6.12.1/"
is "$(modseal-verify scan --root "$ROOT" --kernel "$R" --format jsonl 6.12.1 |
	jq -r '.policy.findings[0].code, .kernel.profile, .kernel.verdict, .kernel.errno' |
	paste -sd' ')" 'other-kernel 6.12 refused ENOEXEC' 'a module of another kernel'
rm -r "$ROOT/lib/modules/6.12.1"
fails 3 'a kernel that is not there' modseal-verify scan --root "$ROOT" 5.10.0
fails 2 'a path instead of a release' modseal-verify scan --root "$ROOT" ../../etc
fails 2 'dots instead of a release' modseal-verify scan --root "$ROOT" ..
fails 3 'an empty root' modseal-verify scan --root "$T"

# -------------------------------------------------------------------- explain

ok 'explain' modseal-verify explain --root "$ROOT" --kernel "$R" "$M/kernel/net/ms_test.ko"
like "$OUT" '5.10 +refused EKEYREJECTED +refused EPERM +taints' 'what 5.10 would do'
like "$OUT" '6.12 +loads +loads +loads' 'and 6.12'
fails 1 'explain an unsigned one' modseal-verify explain --kernel "$ROOT/boot/vmlinuz-$R" \
	"$MODULE"
fails 3 'explain what is not there' modseal-verify explain --anchor "$T/p384.crt" "$T/none.ko"
unlike "$OUT" 'kernels' 'without verdicts'
fails 2 'explain nothing' modseal-verify explain

done_testing
