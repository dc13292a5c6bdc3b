#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# DKMS of two Debian releases: a real driver is built, signed, installed and checked, in
# trees of this test's own; and what DKMS does not tell when it could not be signed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

headers=$(kernel_build) || skip_all 'no kernel headers here'
kernel=$(<"$headers/include/config/kernel.release") || bail_out 'headers of no release'
root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v fakeroot >/dev/null || skip_all 'dkms installs as root only; no fakeroot'
	root=(fakeroot)
fi
test-vm/fetch-kernel dkms-12 >/dev/null && test-vm/fetch-kernel dkms-13 >/dev/null ||
	skip_all 'DKMS cannot be fetched'

agent_start
modseal key cert dev >"$T/dev.pem"
modseal key cert dev --der >"$T/cert.der"
modseal key create other --alg p256 >/dev/null || bail_out 'no second key'
modseal key cert other --der >"$T/other.der"
cp "$TOP/kbuild-hooks/dkms/modseal-dkms-check" "$T/check"

# The system's log: that the real one takes these arguments, and what they were.
mkdir "$T/bin"
cat >"$T/bin/logger" <<END
#!/bin/sh
$(command -v logger) --no-act --socket-errors=off "\$@" || exit
echo "\$*" >>"$T/syslog"
END
chmod 755 "$T/bin/logger"
PATH=$T/bin:$PATH
program=modseal-dkms-check

# prepare VERSION: trees and a configuration of its own in $D
prepare() {
	local fetched from=''
	D=$T/$1
	fetched=$(test-vm/fetch-kernel "dkms-$1")
	mkdir -p "$D/etc/framework.conf.d" "$D/tree" "$D/src" "$D/lib/$kernel" "$D/tmp"
	# Debian 12's driver is for Debian 12's kernel.
	[[ $kernel = 6.1.* ]] || from=$(test-vm/fetch-kernel dkms-13)
	cp -r "$(realpath "${from:-$fetched}/driver")" "$D/src"
	driver=$(cd "$D/src" && echo *)
	driver=${driver/-//}
	sed "s,/etc/dkms/,$D/etc/,g" "$fetched/dkms" >"$D/dkms"
	chmod 755 "$D/dkms"
	ln -s "$(realpath "$headers")" "$D/lib/$kernel/build"
	printf '%s\n' "dkms_tree=$D/tree" "install_tree=$D/lib" "tmp_location=$D/tmp" \
		"source_tree=$D/src" >"$D/etc/framework.conf"
	sed -e "s,/usr/bin/,$BUILD/,; s,/usr/sbin/modseal-dkms-check,$T/check," \
		-e "s,/etc/modseal/cert.der,$T/cert.der," \
		kbuild-hooks/dkms/dkms-framework.conf >"$D/etc/framework.conf.d/modseal.conf"
	installed=
}
dkms() {
	(cd "$D/tmp" && "${root[@]}" "$D/dkms" "$@" --dkmstree "$D/tree" --sourcetree "$D/src" \
		--installtree "$D/lib" --kernelsourcedir "$headers" --no-depmod -k "$kernel")
}
again() {
	dkms build --force "$driver" && dkms install --force "$driver"
}
check() {
	"$T/check" --cert "${CERT:-$T/cert.der}" --dkmstree "$D/tree" --installtree "$D/lib" "$@"
}
# The one module that is installed, unpacked for others to read.
the_module() {
	installed=$(find "$D/lib/$kernel" -name 'v4l2loopback.ko*')
	case $installed in
	*.xz) xz -dc "$installed" >"$T/m.ko" ;;
	*) cp "$installed" "$T/m.ko" ;;
	esac
}
signed() {
	the_module && verify "$T/m.ko" "$T/dev.pem" &&
		modseal-verify verify --anchor "$T/dev.pem" "$installed"
}

for release in 12 13; do
	prepare "$release"
	diag "Debian $release: $("$D/dkms" --version), $driver"
	ok "$release: nothing of DKMS's yet: nothing to complain of" check
	dkms add "$driver" >/dev/null 2>&1
	ok "$release: built" dkms build "$driver"
	like "$OUT" 'Signing module ' 'it says that it signs'
	ok "$release: installed" dkms install "$driver"
	ok "$release: openssl and modseal-verify find it signed with our key" signed
	ok "$release: so does the check" check "$kernel"
	is "$OUT" "$program: 1 module of DKMS's, all signed with the key of $T/cert.der" \
		'and counts one'
	ok "$release: quietly" check --quiet
	is "$OUT$ERR" '' 'without a word'
	is "$(find "$D" -name '*pkcs11*' -o -name 'mok.*')" '' 'DKMS has made no key of its own'
	CERT=$T/other.der fails 1 "$release: with the certificate of another key" check
	like "$ERR" "not signed with the key of $T/other.der: $D/lib/.*loopback.ko(.xz)?: if the" \
		'says which, and what to do'
	cat "$T/dev.pem" <(openssl x509 -in "$T/other.der" -inform DER) >"$T/both.pem"
	CERT=$T/both.pem ok "$release: one of two, as while a key is rotated" check
	mkdir "$D/lib/9.9-other"
	ok "$release: another kernel is not its business" check 9.9-other
	rmdir "$D/lib/9.9-other"
	fails 3 "$release: a kernel that is not there" check 9.9-other
	like "$ERR" "$program: $D/lib/9.9-other: no such folder: name an installed kernel" \
		'is an error'
	one_line "$ERR" 'in one sentence'
	mkdir -p "$D/lib/$kernel/kernel/drivers"
	cp "$T/p" "$D/lib/$kernel/kernel/drivers/v4l2loopback.ko"
	ok "$release: nor is what the kernel brought itself" check
	rm -r "$D/lib/$kernel/kernel"

	dev-agent agent-stop "$T/a"
	: >"$T/syslog"
	ok "$release: without an agent: DKMS ends with 0" again
	build_out=$OUT build_err=$ERR
	like "$build_out$build_err" 'modseal-sign-file: .*start modseald' \
		'but our message is among what it prints'
	the_module
	ok 'and an unsigned module is installed' unsigned "$T/m.ko"
	if [ "$release" != 12 ]; then
		like "$build_err" 'modseal-dkms-check: not signed with the key of .*v4l2loopback' \
			"$release: the check after the transaction is heard on standard error"
		like "$build_out" 'bad exit status: 1' 'and in what DKMS says'
		like "$(<"$D/tree/post_transaction.log")" 'not signed with' 'and in its log'
		like "$(<"$T/syslog")" '-p daemon.err -- not signed with' 'and in the system log'
		: >"$T/syslog"
	fi
	fails 1 "$release: the check, as a hook of kernel packages" check "$kernel" \
		"/boot/vmlinuz-$kernel"
	like "$ERR" "UNSIGNED.*modseal-dkms-check: not signed with the key of .*${installed//+/.}" \
		'says which module'
	like "$(<"$T/syslog")" 'not signed with the key of' 'and tells the system log'
	dev-agent agent-start "$T/a"

	ok "$release: the agent is back: what the message says" again
	ok "$release: signs it" signed
	ok "$release: and the check is content" check

	# Signed, then stripped, as a package's build may do.
	cp "$installed" "$T/keep"
	the_module
	strip -g "$T/m.ko"
	case $installed in
	*.xz) xz --check=crc32 -c "$T/m.ko" >"$installed" ;;
	*) cp "$T/m.ko" "$installed" ;;
	esac
	fails 1 "$release: stripped after signing" check
	rm "$installed"
	fails 1 "$release: removed behind DKMS's back" check
	like "$ERR" 'v4l2loopback: DKMS says that it is installed, and it is not' 'is noticed'
	cp "$T/keep" "$installed"

	mv "$T/cert.der" "$T/away"
	ok "$release: no certificate: DKMS builds, does not sign, ends with 0" again
	the_module
	ok 'an unsigned module is installed' unsigned "$T/m.ko"
	fails 3 "$release: the check cannot check" check
	like "$ERR" "no certificate in $T/cert.der: put it there: modseal key cert" 'and says why'
	mv "$T/away" "$T/cert.der"
done

# Here from Debian 13's: DKMS compresses what it has signed as the kernel's own modules are.
: >"$D/lib/$kernel/some.ko.xz"
ok 'compressed after signing' again
ok 'it is signed inside' signed
like "$installed" '\.ko\.xz$' 'and compressed'
ok 'the check looks inside' check
dev-agent agent-stop "$T/a"
run again
fails 1 'and sees that it is not signed' check

ok 'removed' dkms remove "$driver"
unlike "$OUT" 'bad exit status' 'and nothing to complain of'
ok 'nor afterwards' check
dkms add "$driver" >/dev/null 2>&1
run dkms install "$driver"

# The lines of the manual page for DKMS without post_transaction.
manual=docs/man/modseal-dkms.7.scd
mkdir "$T/hooks" "$T/sbin"
cp "$T/check" "$T/sbin/modseal-dkms-check"
sed -n "/^ln -s .*postinst.d/s,/usr/sbin/,$T/sbin/,p" "$manual" |
	sed "s,/etc/kernel/[a-z_]*.d/,$T/hooks/,;2q" | sort -u >"$T/lines"
ok 'the hook of kernel packages' sh -e "$T/lines"
if command -v run-parts >/dev/null; then
	ok 'is one that run-parts takes' run-parts --test "$T/hooks"
	is "$OUT" "$T/hooks/modseal-dkms-check" 'by that name'
else
	skip 2 'no run-parts'
fi
sed -n "/^echo 'DPkg/,/apt.conf.d/p" "$manual" | sed -e 's/\\\\$/\\/' \
	-e "s,/etc/apt/apt.conf.d/,$T/," >"$T/lines"
ok 'the hook of apt' sh -e "$T/lines"
run apt-config -c "$T/90modseal-dkms-check" dump DPkg::Post-Invoke
like "$OUT" 'Post-Invoke:: "modseal-dkms-check --quiet"' 'is one that apt takes'

PATH=/usr/bin:/bin fails 3 'without modseal-verify' check
like "$ERR" 'modseal-verify is missing' 'it says so'
fails 2 'an option that there is not' check --wat
fails 2 'no value' "$T/check" --cert
fails 2 'no process' check --tell 1x
ok 'help' "$T/check" --help
done_testing
