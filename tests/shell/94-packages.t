#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages: built, looked at by lintian, installed in a fresh system, set up with
# `modseal init`, used, upgraded, removed.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

ok 'packages are built' packaging/make-deb "$T/deb" "$(sed -n 's/^VERSION := //p' Makefile)"
[ "$STATUS" = 0 ] || diag "$(tail -n 5 <<<"$OUT$ERR")"
for p in modseal modseal-agent modseal-verify modseal-kbuild modseal-pkcs11; do
	ok "$p is there" test -s "$T"/deb/${p}_*.deb
done
ok 'lintian finds nothing' lintian --allow-root --fail-on error,warning \
	--suppress-tags initial-upload-closes-no-bugs "$T"/deb/*.changes
[ "$STATUS" = 0 ] || diag "$OUT"
libs=$(dpkg-deb -f "$T"/deb/modseal-verify_*.deb Depends)
unlike "$libs" 'tss2|libevent|sqlite' 'the verifier needs neither TPM nor agent'

# What is done to services, before there is systemd to see it: init alone starts them.
script() { dpkg-deb --ctrl-tarfile "$T"/deb/"$1"_*.deb | tar -xOf - "./$2" 2>/dev/null; }
for unit in modseal-agent:modseald modseal-verify:modseal-verify-watch; do
	package=${unit%:*} service=${unit#*:}.service
	like "$(script "$package" postinst)" "invoke try-restart .*$service" \
		"$service is started again after an upgrade"
	unlike "$(script "$package" preinst)" "invoke stop" 'and not stopped before it'
	like "$(script "$package" prerm)" "= remove .*invoke stop .*$service" \
		'it is stopped when it is removed'
	unlike "$(script "$package" postinst)" "invoke '?(re)?start " 'and not started before init'
done

# What each program is completed with is what it has.
dpkg-deb -x "$T"/deb/modseal_*.deb "$T/x"
ok 'bash understands its completions' bash -n "$T/x/usr/share/bash-completion/completions/modseal"

enough() {
	skip "$1" "$2"
	done_testing
	exit
}
[ "$(id -u)" = 0 ] || enough 36 'only root can make a fresh system'
# shellcheck disable=SC2016 # apt-get and the inner sh expand these
read -r mirror suite < <(
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		grep -v -e -security -e -updates -e -backports
)
[ -n "${mirror:-}" ] || enough 36 'this machine names no package source'
fresh=$T/fresh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/modseal/debootstrap
mkdir -p "$cache" "$fresh"
debootstrap --variant=minbase --cache-dir="$cache" "$suite" "$fresh" "$mirror" \
	>"$T/log" 2>&1 || {
	diag "$(tail -n 3 "$T/log")"
	enough 36 'no fresh system: debootstrap failed'
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
in_fresh true || enough 36 'no mount namespace here'
apt update >"$T/log" 2>&1 || enough 36 'the packages they need cannot be fetched'

debs=("$fresh"/root/modseal*.deb)
ok 'they are installed in a fresh system' apt install "${debs[@]#"$fresh"}"
[ "$STATUS" = 0 ] || diag "$(tail -n 5 <<<"$OUT$ERR")"
ok 'every file is as packaged' in_fresh dpkg --verify modseal modseal-agent modseal-verify \
	modseal-kbuild modseal-pkcs11
ok 'all programs run there' in_fresh sh -c 'modseal --version && modseald --version &&
	modseal-verify --version && modseal-sign-file --help && kmodsign --help'
ok 'the agent has its user' in_fresh getent passwd modseal
is "$(stat -c %a "$fresh/var/lib/modseal" 2>/dev/null)" 700 'its state is its own'
# The first run, with a simulated TPM in the place of /dev/tpmrm0.
apt install libtss2-tcti-swtpm0 >"$T/log" 2>&1 || apt install libtss2-tcti-swtpm0t64 \
	>"$T/log" 2>&1
at_exit dev-agent tpm-stop "$fresh/tpm"
dev-agent tpm-start "$fresh/tpm" || bail_out 'no TPM'
chmod 755 "$fresh/tpm"
chmod 666 "$fresh"/tpm/tpm.sock*
if [ -e "$fresh/dev/tpmrm0" ]; then
	skip 2 'a TPM is in the fresh system'
else
	fails 1 'init without a TPM' in_fresh modseal init
	like "$ERR" 'there is (no|a) TPM' 'says so'
fi
fails 1 'init as another user' in_fresh setpriv --reuid=nobody --clear-groups modseal init
fails 3 'init writes the configuration' in_fresh modseal init --tcti swtpm:path=/tpm/tpm.sock
START=$(sed -n "s/.*start it with '\(.*\) &'.*/\1/p" <<<"$ERR")
like "$START" 'setpriv.* modseald$' 'and says how to start the agent, as its own user'
in_fresh sh -c "echo \$\$ >/agent.pid; ${START/setpriv/exec setpriv}" >"$T/agent.log" 2>&1 &
end_agent() {
	local pid
	[ -e "$fresh/agent.pid" ] || return 0
	read -r pid <"$fresh/agent.pid" && kill "$pid" && wait_for 20 gone "$pid"
	rm -f "$fresh/agent.pid"
}
at_exit end_agent
ok 'the agent answers' wait_for 30 curl -fsS \
	--unix-socket "$fresh/run/modseal/agent.sock" http://modseal/readyz
read -r pid <"$fresh/agent.pid"
is "$(stat -c %U "/proc/$pid" 2>/dev/null | tr -d '\n')" \
	"$(stat -c %U "$fresh/var/lib/modseal")" 'and is not root'
ok 'init again' in_fresh modseal init
like "$OUT" 'Key +default, rsa4096, sealed \(made\)' 'has made a key'
sed -n 's/^    //p' <<<"$OUT" | sed 's|MODULE.ko|/root/m.ko|' >"$T/next"
make_module "$T/m.ko"
cp "$T/m.ko" "$fresh/root/m.ko"
ok 'a module is signed' in_fresh sh -c "$(sed -n 1p "$T/next")"
ok 'with that key' verified "$fresh/root/m.ko" "$fresh/etc/modseal/cert.pem" "$T/m.ko"
ok 'and verified' in_fresh sh -c "$(sed -n 2p "$T/next")"
ok 'the key can be enrolled' in_fresh sh -c "$(sed -n 3p "$T/next")"
cp "$T/m.ko" "$fresh/root/m.ko"
ok 'the hook signs, too' in_fresh modseal-sign-file sha256 pkcs11:modseal:key=default \
	/etc/modseal/cert.pem /root/m.ko
ok 'with that key' verified "$fresh/root/m.ko" "$fresh/etc/modseal/cert.pem" "$T/m.ko"
rm -r "$fresh/etc/modseal/enroll"

# Where systemd runs, it is told to start the agent; a systemctl that fails is told.
mkdir -p "$fresh/run/systemd/system" "$fresh/fake"
cat >"$fresh/fake/systemctl" <<-'END'
	#!/bin/sh
	echo "$*" >>/fake/said
	exit "$(cat /fake/status)"
END
chmod 755 "$fresh/fake/systemctl"
fake() { in_fresh env PATH=/fake:/usr/sbin:/usr/bin modseal init; }
echo 0 >"$fresh/fake/status"
ok 'init with systemd' fake
is "$(cat "$fresh/fake/said")" '--quiet enable --now modseald.socket modseald.service' \
	'has it start the agent'
echo 1 >"$fresh/fake/status"
fails 1 'init with a systemd that cannot' fake
like "$ERR" 'does not start: see .journalctl -u modseald' 'says where to look'
rm -r "$fresh/run/systemd" "$fresh/fake"

# The next version: configuration and key stay.
kept() { (cd "$fresh" && sha256sum etc/modseal/* var/lib/modseal/keys/* 2>/dev/null); }
echo '# mine' >>"$fresh/etc/modseal/modseald.conf"
before=$(kept)
version=$(sed -n 's/^VERSION := //p' Makefile)
for deb in "${debs[@]}"; do
	dpkg-deb -R "$deb" "$T/next.d"
	sed -i "s/^Version: .*/&+1/; s/(= $version)/(= $version+1)/" "$T/next.d/DEBIAN/control"
	dpkg-deb -b "$T/next.d" "$deb" >"$T/log"
	rm -r "$T/next.d"
done
ok 'an upgrade' apt install "${debs[@]#"$fresh"}"
is "$(in_fresh dpkg -s modseal modseal-agent modseal-verify modseal-kbuild |
	grep ^Version: | sort -u)" "Version: $version+1" 'is there'
is "$(kept)" "$before" 'configuration and key are as they were'
ok 'init finds nothing to do' in_fresh modseal init
unlike "$OUT" '\(made\)' 'and makes nothing'

in_fresh dpkg -L modseal modseal-agent modseal-verify modseal-kbuild | sort -u |
	grep modseal >"$T/files"
end_agent
dev-agent tpm-stop "$fresh/tpm"
ok 'they are removed' apt remove modseal modseal-agent modseal-verify modseal-kbuild
is "$(kept)" "$before" 'configuration and key stay'
ok 'they are purged' apt purge modseal modseal-agent modseal-verify modseal-kbuild \
	modseal-pkcs11
like "$OUT" 'keys and audit log are left in /var/lib/modseal' 'it says what stays'
left=$(while read -r f; do [ ! -e "$fresh$f" ] || echo "$f"; done <"$T/files")
is "$left" '' 'nothing that was packaged is left'
rm -f "$fresh"/root/modseal*
is "$(cd "$fresh" && find . -xdev -path ./proc -prune -o -name '*modseal*' \
	-not -path './var/log/*' -not -path './run/*' -print)" ./var/lib/modseal \
	'and nothing else but the keys'
ok 'which are there' test -s "$fresh/var/lib/modseal/keys/default.key"

done_testing
