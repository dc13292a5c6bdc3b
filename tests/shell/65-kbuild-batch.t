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
# source DIR VERSION N: a driver that is built, as kbuild leaves it
source_tree() {
	local i
	mkdir -p "$1"
	: >"$1/Module.symvers"
	for ((i = 0; i < $3; i++)); do
		cp "$T/original.ko" "$1/m$i.ko"
		case $2 in
		5.* | 6.1) echo "$1/m$i.ko" ;;
		6.*) echo "$1/m$i.o" ;;
		*) echo "m$i.o" ;;
		esac
	done >"$1/modules.order"
}
# install HEADERS SOURCE [SETTING...]
install() {
	local h=$1 s=$2
	shift 2
	rm -rf "$T/out"
	make -j4 -C "$h" M="$s" INSTALL_MOD_PATH="$T/out" "$@" modules_install
}
xz_of() {
	case $1 in
	6.1) echo CONFIG_MODULE_COMPRESS_XZ=y ;;
	*) echo CONFIG_MODULE_COMPRESS=y CONFIG_MODULE_COMPRESS_ALL=y \
		CONFIG_MODULE_COMPRESS_XZ=y ;;
	esac
}

for v in 5.10 6.1 6.12 7; do
	if ! h=$("$TOP/test-vm/fetch-kernel" "headers-$v" 2>"$T/fetch"); then
		skip 15 "$(head -n 1 "$T/fetch")"
		continue
	fi
	h=$h/build s=$T/s$v
	source_tree "$s" $v 3
	before=$(signatures)
	ok "$v: make modules_install" install "$h" "$s"
	like "$OUT" '3 signed with dev' "$v: signs at the end"
	ok "$v: every module is signed" every 3 verify
	is "$(lists)" '' "$v: the list is gone"
	is $(($(signatures) - before)) 3 "$v: each was signed once"

	# shellcheck disable=SC2046 # settings, several
	ok "$v: compressed" install "$h" "$s" $(xz_of $v)
	is "$(installed | grep -c '\.ko\.xz$')" 3 "$v: every module is .ko.xz"
	is "$(checksum "$(installed | head -n 1)")" CRC32 "$v: with a checksum for kernels"
	ok "$v: and signed" every 3 verify

	fails any "$v: no such key" install "$h" "$s" MODSEAL_KEY=nobody
	like "$ERR" 'modseal: .*nobody' "$v: a sentence says so"
	unlike "$ERR$OUT" 'Skipping depmod' "$v: depmod did not run"
	like "$ERR" 'modseal: depmod has not run: mend that, and run the same make' \
		"$v: and says so"
	is "$(lists | wc -l)" 1 "$v: the list stays"
	is "$(installed | wc -l)" 3 "$v: and so do the modules, to be signed later"
done

# ------------------------------------------- after a compressed install, modules_sign
if h=$("$TOP/test-vm/fetch-kernel" headers-7 2>/dev/null); then
	# shellcheck disable=SC2046 # settings, several
	ok '7: compressed' install "$h/build" "$T/s7" $(xz_of 7)
	find "$T/out" -name '*.xz' -exec unxz {} +
	for ko in $(installed); do
		cp "$T/original.ko" "$ko"
		xz --check=crc32 "$ko"
	done
	# shellcheck disable=SC2046 # settings, several
	ok '7: make modules_sign, all are .ko.xz' make -C "$h/build" M="$T/s7" \
		INSTALL_MOD_PATH="$T/out" $(xz_of 7) modules_sign
	is "$(installed | grep -c '\.ko\.xz$')" 3 '7: and stay so'
	ok '7: every module is signed' every 3 verify
else
	skip 4 'no headers'
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

	rm -rf "$T/out"
	ok 'with a program that signs nothing' in_tree modules_install MODSEAL=true
	fails any 'this test would find it' every 16 verify
	rm -rf "$T/out"
	fails any 'with rules that do not name what is to be signed' in_tree \
		modules_install MODSEAL_SPOOL=/dev/null/list
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
	skip 36 'no kernel headers here'
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
