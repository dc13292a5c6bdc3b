#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages: built, looked at by lintian, installed in a fresh system, removed.
. "$(dirname "$0")/lib.sh"

ok 'packages are built' packaging/make-deb "$T/deb" "$(sed -n 's/^VERSION := //p' Makefile)"
[ "$STATUS" = 0 ] || diag "$(tail -n 5 <<<"$OUT$ERR")"
for p in modseal modseal-agent modseal-verify modseal-kbuild libmodseal-pkcs11; do
	ok "$p is there" test -s "$T"/deb/${p}_*.deb
done
ok 'lintian finds nothing' lintian --allow-root --fail-on error,warning \
	--suppress-tags initial-upload-closes-no-bugs "$T"/deb/*.changes
[ "$STATUS" = 0 ] || diag "$OUT"
libs=$(dpkg-deb -f "$T"/deb/modseal-verify_*.deb Depends)
unlike "$libs" 'tss2|libevent|sqlite' 'the verifier needs neither TPM nor agent'

# What each program is completed with is what it has.
dpkg-deb -x "$T"/deb/modseal_*.deb "$T/x"
ok 'bash understands its completions' bash -n "$T/x/usr/share/bash-completion/completions/modseal"

enough() {
	skip "$1" "$2"
	done_testing
	exit
}
[ "$(id -u)" = 0 ] || enough 7 'only root can make a fresh system'
# shellcheck disable=SC2016 # apt-get and the inner sh expand these
read -r mirror suite < <(
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		grep -v -e -security -e -updates -e -backports
)
[ -n "${mirror:-}" ] || enough 7 'this machine names no package source'
fresh=$T/fresh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/modseal/debootstrap
mkdir -p "$cache" "$fresh"
debootstrap --variant=minbase --cache-dir="$cache" "$suite" "$fresh" "$mirror" \
	>"$T/log" 2>&1 || {
	diag "$(tail -n 3 "$T/log")"
	enough 7 'no fresh system: debootstrap failed'
}
# shellcheck disable=SC2016
# With a /proc of its own, which goes when the command ends.
in_fresh() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive FRESH="$fresh" \
		unshare --mount sh -c 'mount -t proc proc "$FRESH/proc" &&
			exec chroot "$FRESH" "$@"' \
		sh "$@" </dev/null
}
apt() { in_fresh apt-get -q -y -o APT::Install-Recommends=false "$@"; }
cp -a /etc/apt/. "$fresh/etc/apt/"
cp "$T"/deb/modseal*.deb "$fresh/root/"
rm -f "$fresh"/root/*dbgsym*
printf '#!/bin/sh\nexit 101\n' >"$fresh/usr/sbin/policy-rc.d"
chmod 755 "$fresh/usr/sbin/policy-rc.d"
in_fresh true || enough 7 'no mount namespace here'
apt update >"$T/log" 2>&1 || enough 7 'the packages they need cannot be fetched'

debs=("$fresh"/root/modseal*.deb)
ok 'they are installed in a fresh system' apt install "${debs[@]#"$fresh"}"
[ "$STATUS" = 0 ] || diag "$(tail -n 5 <<<"$OUT$ERR")"
ok 'every file is as packaged' in_fresh dpkg --verify modseal modseal-agent modseal-verify \
	modseal-kbuild
ok 'all programs run there' in_fresh sh -c 'modseal --version && modseald --version &&
	modseal-verify --version && modseal-sign-file --help && kmodsign --help'
ok 'the agent has its user' in_fresh getent passwd modseal
is "$(stat -c %a "$fresh/var/lib/modseal" 2>/dev/null)" 700 'its state is its own'
in_fresh dpkg -L modseal modseal-agent modseal-verify modseal-kbuild | sort -u |
	grep modseal >"$T/files"
ok 'they are removed again' apt purge modseal modseal-agent modseal-verify modseal-kbuild
left=$(while read -r f; do [ ! -e "$fresh$f" ] || echo "$f"; done <"$T/files")
is "$left" '' 'and leave nothing'

done_testing
