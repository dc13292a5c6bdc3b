#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kbuild.mk: a real out-of-tree module, a distribution's headers, no change to either.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

headers=$(kernel_build) || skip_all 'no kernel headers here'
command -v depmod >/dev/null || skip_all 'no depmod here'
fake_agent
uncompressed
driver "$T/src" hello there

kbuild() {
	make -C "$headers" M="$T/src" INSTALL_MOD_PATH="$T/out" "$@"
}
installed() {
	find "$T/out" -name '*.ko' | sort
}
# every MODULE... FUNCTION: it holds for each installed module, and there are two
every() {
	local ko n=0
	for ko in $(installed); do
		"$1" "$ko" "${2:-$T/cert.pem}" || return 1
		n=$((n + 1))
	done
	[ $n = 2 ]
}

ok 'the module builds' kbuild modules
export MAKEFILES=$TOP/kbuild-hooks/kbuild.mk
ok 'make modules_install' env MODSEAL_KEY=good make -C "$headers" M="$T/src" \
	INSTALL_MOD_PATH="$T/out" modules_install
like "$OUT" 'SIGN +[^ ]*/hello.ko' 'says that it signs'
ok 'every module is signed' every verify
rm -f "$T/out/lib/modules"/*/modules.*

: >"$T/requests"
ok 'make modules_install modules_sign_only=y' env MODSEAL_KEY=good make -C "$headers" \
	M="$T/src" INSTALL_MOD_PATH="$T/out" modules_install modules_sign_only=y
is "$(grep -c 'POST .*hash=sha256' "$T/requests")" 2 'asks for each module once'
ok 'signed again: one signature each' every verify

rm -rf "$T/out"
: >"$T/requests"
ok 'CONFIG_MODULE_SIG_ALL off, another hash, the key by pkcs11:' kbuild modules_install \
	CONFIG_MODULE_SIG_ALL= CONFIG_MODULE_SIG_HASH=sha512 MODSEAL_KEY=modseal:good
is "$(grep -c 'POST /v1/keys/good/.*hash=sha512' "$T/requests")" 2 'is what was asked for'
ok 'every module is signed' every verify

rm -rf "$T/out"
ok 'the key by CONFIG_MODULE_SIG_KEY' kbuild modules_install \
	CONFIG_MODULE_SIG_KEY=pkcs11:modseal:key=good
ok 'every module is signed' every verify

rm -rf "$T/out"
ok 'both: MODSEAL_KEY has the say' kbuild modules_install MODSEAL_KEY=good \
	CONFIG_MODULE_SIG_KEY=pkcs11:modseal:key=denied
ok 'every module is signed' every verify

rm -rf "$T/out"
mkdir "$T/it's a dir"
cp "$BUILD/modseal-sign-file" "$T/it's a dir/sign it"
ok 'a program with odd characters in its path' env MODSEAL_KEY=good \
	MODSEAL_SIGN_FILE="$T/it's a dir/sign it" make -C "$headers" M="$T/src" \
	INSTALL_MOD_PATH="$T/out" modules_install
ok 'every module is signed' every verify

rm -rf "$T/out"
ok 'stripped, then signed' env MODSEAL_KEY=good make -C "$headers" M="$T/src" \
	INSTALL_MOD_PATH="$T/out" INSTALL_MOD_STRIP=1 -j2 modules_install
ok 'every module is signed' every verify
if command -v xz >/dev/null; then
	rm -rf "$T/out"
	ok 'signed, then compressed' env MODSEAL_KEY=good make -C "$headers" M="$T/src" \
		INSTALL_MOD_PATH="$T/out" CONFIG_MODULE_COMPRESS=y \
		CONFIG_MODULE_COMPRESS_ALL=y CONFIG_MODULE_COMPRESS_XZ=y modules_install
	is "$(find "$T/out" -name '*.ko*' | grep -c '\.ko\.xz$')" 2 'each'
	find "$T/out" -name '*.ko.xz' -exec unxz {} +
	ok 'every module is signed' every verify
else
	skip 3 'no xz'
fi

# ---------------------------------------------------- each kernel's own rules, one by one
make_module "$T/original.ko"
for v in 5.10 6.1 6.12 7; do
	if ! h=$("$TOP/test-vm/fetch-kernel" "headers-$v" 2>"$T/fetch"); then
		skip 6 "$(head -n 1 "$T/fetch")"
		continue
	fi
	built_driver "$T/s$v" $v "$T/original.ko" 2
	: >"$T/requests"
	ok "$v: make modules_install" install_driver "$h/build" "$T/s$v" MODSEAL_KEY=good
	ok "$v: every module is signed" every verify
	is "$(grep -c 'POST .*hash=sha256' "$T/requests")" 2 "$v: once"
	fails any "$v: no rule" install_driver "$h/build" "$T/s$v" MODSEAL_KEY=denied
	like "$ERR" 'modseal-sign-file: .*/m[01].ko: no rule lets' "$v: says why"
	# Old kernels leave it there, unsigned.
	is "$(for ko in $(installed); do unsigned "$ko" || echo "$ko"; done)" '' \
		"$v: nothing is signed"
done
rm -rf "$T/out"

# ------------------------------------------------ the kernel's own modules, in its tree
tree=$T/tree
kernel_tree "$headers" "$tree" "$T/cert.der" "$T/src/hello.ko" "$T/src/there.ko"
rm -rf "$T/out"
export MODSEAL_KEY=good
ok 'in the tree: make modules_install' make -C "$tree" INSTALL_MOD_PATH="$T/out" \
	modules_install
ok 'every module is signed' every verify
for ko in $(installed); do
	cp "$T/src/${ko##*/}" "$ko"
done
ok 'the modules are unsigned again' every unsigned
ok 'in the tree: make modules_sign' make -C "$tree" INSTALL_MOD_PATH="$T/out" modules_sign
ok 'every module is signed' every verify
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj '/CN=its own' \
	-outform DER -out "$tree/certs/signing_key.x509" 2>/dev/null
fails any 'in the tree: a kernel with another certificate' make -C "$tree" \
	INSTALL_MOD_PATH="$T/out" modules_sign
like "$ERR" 'signing_key.x509: not the certificate of key good, so this kernel would' \
	'says that this kernel would refuse the modules'
ok 'the modules are as they were' every verify
unset MODSEAL_KEY

# What it is called with: waiting for the disk is for what was there before.
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$T/calls" >"$T/called"
chmod +x "$T/called"
ok 'modules_install' kbuild modules_install MODSEAL_SIGN_FILE="$T/called"
is "$(grep -c -e '^--no-sync sha256 ' "$T/calls")" 2 'does not wait for the disk'
: >"$T/calls"
ok 'modules_sign_only' kbuild modules_install modules_sign_only=y \
	MODSEAL_SIGN_FILE="$T/called"
is "$(grep -c '^sha256 ' "$T/calls")" 2 'does'
: >"$T/calls"
ok 'in the tree: make modules_sign' make -C "$tree" INSTALL_MOD_PATH="$T/out" modules_sign \
	MODSEAL_SIGN_FILE="$T/called"
is "$(grep -c '^sha256 ' "$T/calls")" 2 'does, too'
# Kernels before 5.13 put the command together elsewhere.
if h=$("$TOP/test-vm/fetch-kernel" headers-5.10 2>"$T/fetch"); then
	kernel_tree "$h/build" "$T/old" "$T/cert.der" "$T/src/hello.ko" "$T/src/there.ko"
	for goal in modules_install modules_sign; do
		: >"$T/calls"
		ok "in the tree of 5.10: $goal" make -C "$T/old" INSTALL_MOD_PATH="$T/out" \
			$goal MODSEAL_SIGN_FILE="$T/called"
		case $goal in
		modules_install) is "$(grep -c -e '^--no-sync ' "$T/calls")" 2 'does not' ;;
		modules_sign) is "$(grep -c '^sha256 ' "$T/calls")" 2 'does' ;;
		esac
	done
	rm -rf "$T/out"
else
	skip 4 "$(head -n 1 "$T/fetch")"
fi

# ------------------------------------------------------------- it fails, and loudly
refused() {
	rm -rf "$T/out"
	fails any "$1" "${@:3}" make -C "$headers" M="$T/src" INSTALL_MOD_PATH="$T/out" \
		modules_install
	like "$ERR" "$2" "$1: says why"
	is "$(installed)" '' "$1: no unsigned module is left"
}
refused 'no rule' 'modseal-sign-file: .*/hello.ko: no rule lets' env MODSEAL_KEY=denied
refused 'no key' 'set MODSEAL_KEY' env
refused 'no agent' 'start modseald' env MODSEAL_AGENT=unix:/nonexistent MODSEAL_KEY=good
refused 'no program' 'gone/modseal-sign-file' env MODSEAL_KEY=good \
	MODSEAL_SIGN_FILE="$T/gone/modseal-sign-file"

# make reads MAKEFILES for other projects as well: nothing of theirs may change.
# shellcheck disable=SC2016 # for make to expand
printf 'cmd_x = mine\nall:\n\t@echo $(cmd_x) $(origin cmd_sign_x)\nfirst: ; @echo no\n' \
	>"$T/other.mk"
ok 'another project'\''s Makefile' make -f "$T/other.mk"
is "$OUT" 'mine undefined' 'runs as it would without us'

# ------------------------------------------------------------------ the real agent
if [ -x "$BUILD/modseald" ] && [ -x "$BUILD/modseal" ] && command -v swtpm >/dev/null
then
	agent_start
	rm -rf "$T/out"
	modseal key cert dev >"$T/dev.pem"
	ok 'with modseald and a TPM' kbuild modules_install
	ok 'every module is signed' every verify "$T/dev.pem"
	dev-agent agent-stop "$T/a"
	refused 'modseald is gone' 'start modseald' env
else
	skip 5 'no agent is built'
fi
done_testing
