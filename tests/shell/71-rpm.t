#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# macros.modseal: what a real rpmbuild puts into a package is stripped, then signed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

command -v rpmbuild >/dev/null || skip_all 'no rpmbuild here'
agent_start
modseal key cert dev >"$T/dev.pem"
modseal key create other --alg p256 >/dev/null || bail_out 'no second key'
modseal key cert other >"$T/other.pem"
macros=$TOP/kbuild-hooks/rpm/macros.modseal

make_module "$T/plain.ko"
# shellcheck disable=SC2086 # CC="ccache gcc" is two words
${CC:-cc} -g -c -O1 -ffreestanding -fno-pic -o "$T/debug.ko" "$T/.mod.c"
sections() { readelf -SW "$1" | grep -c ' [.]debug_info'; }
is "$(sections "$T/debug.ko")" 1 'there is something to strip'

cat >"$T/driver.spec" <<'END'
Name: driver
Version: 1
Release: 1
Summary: A driver
License: GPL
%define debug_package %{nil}
%description
A driver.
%install
d=%{buildroot}/lib/modules/6.1.0/extra
mkdir -p "$d/deep er"
cp %{from}/debug.ko $d
cp %{from}/plain.ko "$d/deep er"
chmod 755 $d/debug.ko
%{?more}
%files
/lib/modules
END
cat >"$T/tool.spec" <<'END'
Name: tool
Version: 1
Release: 1
Summary: No driver
License: GPL
BuildArch: noarch
%description
No driver.
%install
mkdir -p %{buildroot}/usr/share/tool
%files
/usr/share/tool
END

build() { # SPEC OPTION...
	local spec=$1
	shift
	rm -rf "$T/rpm" "$T/x"
	rpmbuild -bb --load="$macros" -D "_topdir $T/rpm" -D "from $T" -D "_tmppath $T/tmp" "$@" \
		"$T/$spec.spec" && mkdir "$T/x" &&
		(cd "$T/x" && rpm2cpio "$T"/rpm/RPMS/*/*.rpm | cpio -id --quiet)
}
packaged() { # [CERT]: both modules of the package are signed with its key
	local ko n=0
	while IFS= read -r ko; do
		verify "$ko" "${1:-$T/dev.pem}" || return 1
		n=$((n + 1))
	done < <(find "$T/x" -name '*.ko')
	[ "$n" = 2 ]
}
none() { [ -z "$(find "$T/rpm" -name '*.rpm')" ]; }

ok 'rpmbuild' build driver
ok 'both modules in the package are signed' packaged
ok 'modseal-verify says so of the package' modseal-verify verify --anchor "$T/dev.pem" \
	"$T"/rpm/RPMS/*/*.rpm
is "$(sections "$T/x/lib/modules/6.1.0/extra/debug.ko")" 0 'rpm had stripped before'
is "$(stat -c %a "$T/x/lib/modules/6.1.0/extra/debug.ko")" 755 'the mode is as it was'

ok 'another key, a hash, and a look with its certificate' build driver \
	-D 'modseal_key other' -D 'modseal_hash sha512' -D "modseal_cert $T/other.pem"
ok 'both modules are signed with it' packaged "$T/other.pem"
fails any 'the certificate of another key' build driver -D "modseal_cert $T/other.pem"
like "$OUT" 'UNKNOWN-SIGNER|UNKNOWN SIGNER' 'the build ends with what is wrong'
ok 'no package' none

ok 'a package without modules' build tool
ok 'has its file' test -d "$T/x/usr/share/tool"
ok 'a module that is compressed already' build driver \
	-D 'more xz --check=crc32 %{buildroot}/lib/modules/6.1.0/extra/debug.ko'
ok 'stays so' unxz "$T/x/lib/modules/6.1.0/extra/debug.ko.xz"
ok 'and is signed' packaged
fails any 'one that is damaged' build driver \
	-D 'more echo junk >%{buildroot}/lib/modules/6.1.0/extra/junk.ko'
like "$ERR" 'junk.ko' 'ends the build'

# Specs of kernels have an install_post of their own, which uses the name.
sed '/^%description/i %define __spec_install_post %{__os_install_post} %{__modsign_install_post}' \
	"$T/driver.spec" >"$T/kernel.spec"
ok 'a spec with an __spec_install_post of its own' build kernel
ok 'both modules are signed' packaged

# What kmodtool, which akmods uses, writes into a spec.
cat >"$T/kmodtool" <<'END'
%global __spec_install_post \
  %{?__debug_package:%{__debug_install_post}}\
  %{__arch_install_post}\
  %{__os_install_post}\
  %{?__kmodtool_signmodules:%{__kmodtool_modsign_install_post}}\
  %{?__kmodtool_zipmodules:%{__kmodtool_modzip_install_post}}

END
{ cat "$T/kmodtool" && cat "$T/driver.spec"; } >"$T/kmod.spec"
ok 'a spec of kmodtool'\''s' build kmod
ok 'both modules are signed' packaged

dev-agent agent-stop "$T/a"
fails any 'no agent, and a spec of kmodtool'\''s' build kmod
fails any 'no agent' build driver
like "$ERR" 'modseal: .*start modseald' 'the build ends with what to do'
ok 'no package' none
ok 'a package without modules is none of its business' build tool
done_testing
