#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# MODSEAL_BATCH=1: one `modseal batch` for all that make has installed, with the rules of
# each kernel that there are headers of.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"
. "$(dirname "$0")/modseal.sh"

command -v xz >/dev/null && command -v zstd >/dev/null || skip_all 'no xz, no zstd'
agent_start
uncompressed
modseal key cert dev >"$T/cert.pem"
modseal key cert dev --der >"$T/cert.der"
make_module "$T/original.ko"
export MAKEFILES=$TOP/kbuild-hooks/kbuild.mk MODSEAL_BATCH=1

installed() {
	find "$T/out" -name '*.ko*' | sort
}
# every COUNT FUNCTION: it holds for each module that is installed, unpacked
every() {
	local ko n=0
	find "$T/out" -name '*.ko.xz' -exec unxz {} +
	find "$T/out" -name '*.ko.gz' -exec gunzip {} +
	find "$T/out" -name '*.ko.zst' -exec unzstd -q --rm {} +
	while IFS= read -r ko; do
		"$2" "$ko" || return 1
		n=$((n + 1))
	done < <(installed)
	[ $n = "$1" ]
}
checksum() {
	xz --list --robot "$1" | sed -n 's/^file.*\(CRC[0-9]*\).*/\1/p'
}
lists() {
	find "$T/out" -name '.modseal-batch*'
}

# ----------------------------------------------------------- each kernel's own rules
for v in 5.10 6.1 6.12 7; do
	if ! h=$("$TOP/test-vm/fetch-kernel" "headers-$v" 2>"$T/fetch"); then
		skip 16 "$(head -n 1 "$T/fetch")"
		continue
	fi
	h=$h/build s=$T/s$v
	built_driver "$s" $v "$T/original.ko" 3
	before=$(signatures)
	ok "$v: make modules_install" install_driver "$h" "$s"
	like "$OUT" '3 signed with dev' "$v: signs at the end"
	ok "$v: every module is signed" every 3 verify
	is "$(lists)" '' "$v: the list is gone"
	is $(($(signatures) - before)) 3 "$v: each was signed once"

	# shellcheck disable=SC2046 # settings, several
	ok "$v: compressed" install_driver "$h" "$s" $(compressed_with $v XZ)
	is "$(installed | grep -c '\.ko\.xz$')" 3 "$v: every module is .ko.xz"
	is "$(checksum "$(installed | head -n 1)")" CRC32 "$v: with a checksum for kernels"
	ok "$v: and signed" every 3 verify

	fails any "$v: no such key" install_driver "$h" "$s" MODSEAL_KEY=nobody
	like "$ERR" 'modseal: .*nobody' "$v: a sentence says so"
	unlike "$ERR$OUT" 'Skipping depmod' "$v: depmod did not run"
	like "$ERR" 'modseal: depmod has not run: mend that, and run the same make' \
		"$v: and says so"
	is "$(lists | wc -l)" 1 "$v: the list stays"
	is "$(installed | wc -l)" 3 "$v: and so do the modules, to be signed later"
	fails any "$v: a list that cannot be written" install_driver "$h" "$s" \
		MODSEAL_SPOOL=/dev/null/list
done

# ---------------------------------------------------------------- settings, by the newest
if h=$("$TOP/test-vm/fetch-kernel" headers-7 2>"$T/fetch"); then
	seven() { # SETTING...
		install_driver "$h/build" "$T/s7" "$@"
	}
	for how in XZ:xz GZIP:gz ZSTD:zst; do
		suffix=${how#*:} how=${how%:*}
		packed() { installed | grep -c "\.ko\.$suffix\$"; }
		with=$(compressed_with 7 "$how")
		# shellcheck disable=SC2086 # settings, several
		ok "$how: compressed" seven $with
		is "$(packed)" 3 "$how: every module is .ko.$suffix"
		ok "$how: and signed" every 3 verify
		# And after that, modules_sign.
		for ko in $(installed); do
			cp "$T/original.ko" "$ko"
			case $how in
			XZ) xz --check=crc32 "$ko" ;;
			GZIP) gzip "$ko" ;;
			ZSTD) zstd -q --rm "$ko" ;;
			esac
		done
		before=$(signatures)
		# shellcheck disable=SC2086 # settings, several
		ok "$how: make modules_sign, all are compressed" make -C "$h/build" \
			M="$T/s7" INSTALL_MOD_PATH="$T/out" CONFIG_MODULE_COMPRESS_XZ= $with \
			modules_sign
		is "$(packed)" 3 "$how: and stay so"
		is $(($(signatures) - before)) 3 "$how: each is signed"
		ok "$how: well" every 3 verify
	done
	ok 'compression is for who does it by hand' seven CONFIG_MODULE_COMPRESS=y \
		CONFIG_MODULE_COMPRESS_XZ=y
	is "$(installed | grep -c '\.ko$')" 3 'none is compressed'

	ok 'the key as modseal:NAME' seven MODSEAL_KEY=modseal:dev
	like "$OUT" '3 signed with dev' 'is that key'
	ok "the kernel's key" env -u MODSEAL_KEY make -C "$h/build" M="$T/s7" \
		INSTALL_MOD_PATH="$T/out" CONFIG_MODULE_SIG_KEY=pkcs11:modseal:key=dev \
		modules_install
	like "$OUT" '3 signed with dev|3 were signed already' 'is that key, too'
	ok 'MODSEAL_BATCH=0' seven MODSEAL_BATCH=0
	unlike "$OUT" 'signed with' 'is no batch'
	ok 'every module is signed' every 3 verify

	# Two drivers that cannot be signed yet: each has its list.
	built_driver "$T/other" 7 "$T/original.ko" 2
	fails any 'no such key' seven MODSEAL_KEY=nobody
	fails any 'nor for another driver' make -C "$h/build" M="$T/other" \
		INSTALL_MOD_PATH="$T/out" MODSEAL_KEY=nobody modules_install
	is "$(lists | wc -l)" 2 'two lists'
else
	skip 33 "$(head -n 1 "$T/fetch")"
fi

# ------------------------------------------------ the kernel's own modules, in its tree
if headers=$(kernel_build); then
	tree=$T/tree
	own=()
	for ((i = 0; i < 16; i++)); do
		cp "$T/original.ko" "$T/m$i.ko"
		own+=("$T/m$i.ko")
	done
	kernel_tree "$headers" "$tree" "$T/cert.der" "${own[@]}"
	in_tree() {
		make -C "$tree" -j8 INSTALL_MOD_PATH="$T/out" "$@"
	}
	dep() {
		cat "$T"/out/lib/modules/*/modules.dep 2>/dev/null
	}

	rm -rf "$T/out"
	before=$(signatures)
	ok 'in the tree: make -j8 modules_install' in_tree modules_install \
		CONFIG_MODULE_COMPRESS_ZSTD=y
	like "$OUT" '16 signed with dev' 'one batch signs all'
	is $(($(signatures) - before)) 16 'each once'
	is "$(dep | grep -c '\.ko\.zst:')" 16 'depmod sees what was compressed'
	ok 'every module is signed' every 16 verify
	before=$(signatures)
	ok 'in the tree: modules_install and modules_sign' in_tree modules_install \
		modules_sign
	is $(($(signatures) - before)) 16 'each once'
	ok 'every module is signed' every 16 verify
	for ko in $(installed); do
		cp "$T/original.ko" "$ko"
	done
	ok 'the modules are unsigned again' every 16 unsigned
	ok 'in the tree: make modules_sign' in_tree modules_sign
	ok 'every module is signed' every 16 verify
	ok 'in the tree: stripped' in_tree modules_install INSTALL_MOD_STRIP=1
	ok 'every module is signed' every 16 verify
	built_driver "$T/some" "$(<"$headers/include/config/kernel.release")" \
		"$T/original.ko" 3
	ok 'a driver is installed' install_driver "$headers" "$T/some"
	for ko in $(installed); do
		cp "$T/original.ko" "$ko"
	done
	ok 'and signed, with modules_sign_only' make -C "$headers" M="$T/some" \
		INSTALL_MOD_PATH="$T/out" modules_install modules_sign_only=y
	ok 'every module is signed' every 3 verify
	rm -rf "$T/out"
	ok 'in the tree: a relative path' in_tree modules_install INSTALL_MOD_PATH=../out
	ok 'every module is signed' every 16 verify

	# What modseal is called with.
	printf '#!/bin/sh\necho "$*" >"%s"\n' "$T/call" >"$T/called"
	chmod +x "$T/called"
	rm -rf "$T/out"
	ok 'what is asked for' in_tree modules_install MODSEAL="$T/called" \
		CONFIG_MODULE_SIG_HASH=sha512 CONFIG_MODULE_COMPRESS_ZSTD=y \
		MODSEAL_BATCH_FLAGS='--by-digest --quiet'
	is "$(<"$T/call")" "batch --no-sync --hash sha512 --certificate $(
	)$tree/certs/signing_key.x509 --key dev --compress zstd --by-digest --quiet $(lists)" \
		'is what modseal is told'

	rm -rf "$T/out"
	ok 'with a program that signs nothing' in_tree modules_install MODSEAL=true
	fails any 'this test would find it' every 16 verify
	rm -rf "$T/out"
	fails any 'with a list that cannot be written' in_tree modules_install \
		MODSEAL_SPOOL=/dev/null/list
	is "$(dep)" '' 'depmod did not run'
	rm -rf "$T/out"
	sed 's/^override cmd_sign = .*/override cmd_sign = true/' "$MAKEFILES" >"$T/blind.mk"
	MAKEFILES=$T/blind.mk fails any 'with rules that do not name what is to be signed' \
		in_tree modules_install
	like "$ERR" 'modseal-batch: no such file' 'there is no list'
	is "$(dep)" '' 'depmod did not run'
	rm -rf "$T/out"
	mv "$tree/certs/signing_key.x509" "$T/was.x509"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj '/CN=its own' \
		-outform DER -out "$tree/certs/signing_key.x509" 2>/dev/null
	fails any 'a kernel with another certificate' in_tree modules_install
	like "$ERR" 'signing_key.x509: not the certificate of key dev, so this kernel would' \
		'says that this kernel would refuse the modules'
	is "$(dep)" '' 'depmod did not run'
	ok 'no module is signed' every 16 unsigned
	mv "$T/was.x509" "$tree/certs/signing_key.x509"

	# The agent goes away in the middle: it signs some, and then no more.
	cp "$T/a/modseald.conf" "$T/conf"
	rm -rf "$T/out"
	before=$(signatures)
	sed -i "/^key = /a limit = 6/day" "$T/a/modseald.conf"
	modseal reload >/dev/null
	fails any 'no signature any more, in the middle' in_tree modules_install \
		CONFIG_MODULE_COMPRESS_XZ=y
	like "$ERR" 'then run .modseal batch .*/.modseal-batch. for the 10 modules' \
		'says how many are left, and what to do'
	like "$ERR" 'modseal: depmod has not run' 'and that depmod has to follow'
	command=$(sed -n 's/.*then run .\(modseal batch.*\). for the.*/\1/p' <<<"$ERR")
	is "$(dep)" '' 'depmod did not run'
	is "$(for ko in $(installed); do verify "$ko" 2>/dev/null && echo; done | wc -l)" 6 \
		'6 are signed'
	cp "$T/conf" "$T/a/modseald.conf"
	modseal reload >/dev/null
	like "$command" "--key dev --hash sha256 --certificate $tree/certs/signing_key.x509" \
		'the command is whole'
	ok 'and does the rest' sh -c "cd / && $command"
	like "$OUT" '10 signed with dev, 6 were signed already' 'signs the rest'
	is $(($(signatures) - before)) 16 'and none twice'
	is "$(lists)" '' 'the list is gone'
	is "$(installed | grep -c '\.ko\.xz$')" 16 'all are compressed'
	ok 'every module is signed' every 16 verify
else
	skip 43 'no kernel headers here'
fi

# Before 5.13 modules_sign is a rule of its own, and the path as it was given.
if h=$("$TOP/test-vm/fetch-kernel" headers-5.10 2>"$T/fetch"); then
	tree=$T/old
	kernel_tree "$h/build" "$tree" "$T/cert.der" "$T/s5.10/m0.ko" "$T/s5.10/m1.ko"
	rm -rf "$T/out"
	ok 'in the tree of 5.10' make -C "$tree" INSTALL_MOD_PATH=../out modules_install
	ok 'every module is signed' every 2 verify
	for ko in $(installed); do
		cp "$T/original.ko" "$ko"
	done
	ok 'in the tree of 5.10: modules_sign' make -C "$tree" INSTALL_MOD_PATH=../out modules_sign
	ok 'every module is signed' every 2 verify
else
	skip 4 "$(head -n 1 "$T/fetch")"
fi

# ------------------------------------------------------------------- modseal batch
unset MAKEFILES MODSEAL_BATCH
odd="$T/odd/a dir's \"näme\""
mkdir -p "$odd" "$T/odd/-"
names=("$odd/with space.ko" "$odd"/$'new\nline.ko' "$T/odd/-/-r.ko" "$odd/it's.ko")
fresh_list() {
	local name
	find "$T/odd" -name '*.xz' -delete
	for name in "${names[@]}"; do
		cp "$T/original.ko" "$name"
	done
	printf '%s\0' "${names[@]}" "${names[@]}" >"$T/list"
}
# Names may have newlines.
count() {
	find "$T/odd" -name "$1" -printf x | wc -c
}
fresh_list
ok 'odd names, each twice' modseal batch "$T/list"
like "$OUT" '^4 signed with dev' 'are signed once'
for name in "${names[@]}"; do
	ok "signed: ${name##*/}" verify "$name"
done
fails any 'the list is removed' test -e "$T/list"

fresh_list
ok '--compress' modseal batch --compress xz --quiet "$T/list"
is "$OUT$ERR" '' '--quiet says nothing'
is "$(count '*.ko.xz') $(count '*.ko')" '4 0' 'all are compressed'
# As if it had been cut short between two of them.
unxz "$odd/with space.ko.xz"
printf '%s\0' "${names[@]}" >"$T/list"
before=$(signatures)
ok 'a batch that was cut short while it compressed' modseal batch --compress xz "$T/list"
is "$(signatures)" "$before" 'signs none again'
is "$(count '*.ko.xz')" 4 'and compresses the rest'

fresh_list
ln -s "${names[0]}" "$T/odd/link.ko"
ln "${names[1]}" "$T/odd/hard.ko"
printf '%s\0' "/${names[0]}" "${odd%/*}/./${odd##*/}/with space.ko" "$T/odd/link.ko" \
	"$T/odd/hard.ko" >>"$T/list"
ok 'one file by several names' modseal batch --compress xz "$T/list"
like "$OUT" '^4 signed with dev' 'is signed once'
fails any 'and the list is removed' test -e "$T/list"
rm -f "$T/odd/link.ko" "$T/odd/hard.ko"*

bad_list() { # TEXT WHY NAME
	printf '%b' "$1" >"$T/list"
	fails 1 "$3" modseal batch "$T/list"
	like "$ERR" "$2" "$3: says why"
	one_line "$ERR" "$3: in one sentence"
	ok "$3: the list stays" test -e "$T/list"
}
bad_list '' 'list: is empty: nothing is signed' 'an empty list'
bad_list 'a.ko\0' 'list: has "a.ko", which is no absolute path' 'a path that is not absolute'
bad_list '/a.ko\0/b.k' 'list: ends in the middle of the path "/b.k"' 'a torn list'
bad_list '/etc/passwd\0' 'has "/etc/passwd", which is not the name of a module' 'no module'
bad_list '/gone.ko\0' 'none of its modules is there any more' 'modules that are gone'
fails 1 'no list' modseal batch "$T/nowhere"
like "$ERR" 'nowhere: no such file' 'no list: says why'

fresh_list
printf '/gone.ko\0' >>"$T/list"
ok 'one of them is gone' modseal batch "$T/list"
like "$ERR" '^modseal: batch: 1 of the list are not there any more$' 'is said'

fresh_list
echo 'not a module' >"${names[0]}"
fails 1 'one that cannot be signed' modseal batch --compress xz "$T/list"
like "$ERR" 'with space.ko: not a kernel module' 'is named'
like "$ERR" '1 module is not signed: mend that, then run .modseal batch' 'and counted'
like "$ERR" "batch --key dev --compress xz $T/list., and depmod$" 'with the whole command'
is "$(count '*.ko.xz')" 0 'nothing is compressed then'
ok 'the list stays' test -e "$T/list"

# One wait for the disk, or none where what was copied is not on it either.
if strace -o /dev/null true 2>/dev/null; then
	for how in '' --no-sync; do
		fresh_list
		# shellcheck disable=SC2086 # none, or one word
		ok "signed with strace $how" strace -f -qq -e trace=syncfs,fsync,fdatasync \
			-o "$T/synced" modseal batch $how "$T/list"
		is "$(grep -c 'sync' "$T/synced")" "$([ -n "$how" ] && echo 0 || echo 1)" \
			"waits for the disk as asked $how"
	done
else
	skip 4 'strace may not trace here'
fi

fresh_list
dev-agent agent-stop "$T/a"
fails 3 'no agent' modseal batch "$T/list"
like "$ERR" 'start modseald' 'says what to do'
one_line "$ERR" 'in one sentence'
ok 'the list stays' test -e "$T/list"
dev-agent agent-start "$T/a"
ok 'JSON' modseal batch --json "$T/list"
is "$(jq -c '[.signed, .failed, .key]' <<<"$OUT")" '[4,0,"dev"]' 'has the facts'
done_testing
