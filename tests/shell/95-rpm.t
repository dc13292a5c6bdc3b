#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The RPM packages: built, looked at by rpmlint, unpacked, run; what is in them is what the
# Debian packages have.
. "$(dirname "$0")/lib.sh"

command -v rpmbuild >/dev/null || skip_all 'rpmbuild is missing: run scripts/install-deps'
ok 'packages are built' packaging/make-rpm "$T/rpm" "$(sed -n 's/^VERSION := //p' Makefile)"
[ "$STATUS" = 0 ] || {
	diag "$(tail -n 20 <<<"$OUT$ERR")"
	done_testing
}
mkdir "$T/x"
unpack() { rpm2cpio "$1" | (cd "$T/x" && cpio -idmu --quiet); }
for p in modseal modseal-agent modseal-verify modseal-kbuild modseal-pkcs11; do
	rpm=$(ls "$T"/rpm/RPMS/*/"$p"-[0-9]*.rpm)
	ok "$p is there" test -s "$rpm"
	rpm -qpl "$rpm" | sort >"$T/$p.list"
	ok "$p is unpacked" unpack "$rpm"
	# Its own words for the three that are elsewhere in Debian.
	grep -v '^#' "packaging/debian/$p.install" | grep . | sed -E "s|^/?|/|; s|^/lib/|/usr/lib/|
		s|/vendor-completions/|/site-functions/|
		s|^/usr/lib/\*/|$(rpm --eval %_libdir)/|" |
		grep -v ^/usr/share/doc/ | sort >"$T/want"
	sed -E 's/(\.[0-9])\.gz$/\1/' "$T/$p.list" |
		grep -vE '^/usr/(share/(doc|licenses)|lib/\.build-id)' >"$T/got"
	is "$(diff "$T/want" "$T/got")" '' "$p has what Debian's has"
done

for page in README.md docs/*.md; do
	echo "/usr/share/doc/modseal/${page##*/}"
done | sort >"$T/want"
is "$(grep '^/usr/share/doc/modseal/.' "$T/modseal.list" | diff "$T/want" -)" '' \
	'and the documents'
refers=$(for page in "$T"/x/usr/share/man/man?/*; do MANWIDTH=200 man -l "$page"; done 2>/dev/null |
	grep -o '/usr[a-z/]*/share/doc/modseal/[^ ]*[a-z]' | sort -u)
is "$(grep -c . <<<"$refers")" 4 'manual pages name some of them'
is "$(grep -vxFf "$T/want" <<<"$refers")" '' 'by the names that they have'

in_x() { env PATH="$T/x/usr/bin:$T/x/usr/sbin:/usr/bin:/bin" "$@"; }
for p in modseal modseald modseal-verify; do ok "$p runs" in_x "$p" --version; done
ok 'modseal-sign-file runs' in_x modseal-sign-file --help
ok 'and by its other name' in_x kmodsign --help
is "$(grep -rl "$T" "$T/x")" '' 'no file names the place where it was built'
is "$(grep -rl /usr/local/share "$T/x/usr/share")" '' 'nor a folder of another PREFIX'
units=("$T"/x/usr/lib/systemd/system/*)
is "$(grep -ho '^ExecStart=[^ ]*' "${units[@]}" | sort -u)" 'ExecStart=/usr/bin/modseal-verify
ExecStart=/usr/sbin/modseald' 'units start what is packaged'

scripts() { rpm -qp --scripts "$T"/rpm/RPMS/*/"$1"-[0-9]*.rpm; }
like "$(scripts modseal-agent)" 'systemd-sysusers modseal.conf' 'the agent gets its user'
like "$(scripts modseal-agent)" 'disable --now modseald.socket' 'and is stopped when removed'
unlike "$(scripts modseal-agent)" 'enable --now' 'nothing is started by installing'
scripts modseal-agent | sed '/^[a-z].*scriptlet/d' >"$T/scripts"
ok 'the scripts are shell' sh -n "$T/scripts"
requires=$(rpm -qp --requires "$T"/rpm/RPMS/*/modseal-verify-[0-9]*.rpm)
unlike "$requires" 'tss2|libevent|sqlite' 'the verifier needs neither TPM nor agent'

if command -v rpmlint >/dev/null; then
	ok 'rpmlint finds no error' rpmlint -c packaging/rpm/rpmlint.toml \
		"$T"/rpm/RPMS/*/*.rpm packaging/rpm/modseal.spec
	diag "$(tail -n 1 <<<"$OUT")"
else
	skip 1 'rpmlint is missing: run scripts/install-deps'
fi
done_testing
