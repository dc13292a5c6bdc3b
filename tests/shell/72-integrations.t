#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/INTEGRATIONS.md: its very lines, taken out of it, sign when they are used as the
# tools use them. An agent's key is called as there, distro-2026.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

headers=$(kernel_build) || skip_all 'no kernel headers here'
page=docs/INTEGRATIONS.md
agent_start
uncompressed
unset MODSEAL_KEY
modseal key create distro-2026 --alg p256 >/dev/null || bail_out 'no key'
modseal key cert distro-2026 >"$T/distro-2026.pem"
export MODSEAL_CONFIG=$T/modseal.conf
: >"$MODSEAL_CONFIG"

# Where the page has things, and where they are here.
paths=(
	/usr/bin/modseal "$BUILD/modseal"
	/usr/share/modseal/kbuild.mk "$TOP/kbuild-hooks/kbuild.mk"
	/usr/share/modseal/macros.modseal "$TOP/kbuild-hooks/rpm/macros.modseal"
	/etc/modseal/modseal.conf "$MODSEAL_CONFIG"
	/etc/modseal/cert. "$T/cert."
	/var/lib/shim-signed/mok "$T/mok"
	/etc/rpm/ "$T/rpm/"
)
# block NAME: $T/block is what the page has in the block of that name, with our paths
block() {
	local i left text
	text=$(sed -n "/^\`\`\`[a-z]* $1\$/,/^\`\`\`\$/{/^\`\`\`/!p}" "$page")
	[ -n "$text" ] || bail_out "$page: no block $1"
	left=$text
	for ((i = 0; i < ${#paths[@]}; i += 2)); do
		left=${left//"${paths[i]}"/}
		text=${text//"${paths[i]}"/"${paths[i + 1]}"}
	done
	unlike "$left" '/(etc|var|usr)/' "$1: every path in it is known here"
	printf '%s\n' "$text" >"$T/block"
}

mkdir "$T/mok" "$T/rpm"
driver "$T/src" hello
ok 'a driver is built' make -C "$headers" M="$T/src" modules

signed() { # FOLDER: there are modules in it, and this key signed each
	local ko n=0
	while IFS= read -r ko; do
		verify "$ko" "$T/distro-2026.pem" || return 1
		n=$((n + 1))
	done < <(find "$1" -name '*.ko')
	[ "$n" -gt 0 ] && modseal-verify verify --anchor "$T/distro-2026.pem" "$1"
}
nothing() { [ -z "$(find "$1" -name '*.ko' 2>/dev/null)" ]; }

# ----------------------------------------------------------------------- Buildroot
block buildroot
cp "$T/block" "$T/buildroot.block"
cat >"$T/buildroot.mk" <<END
LINUX_MAKE_FLAGS = INSTALL_MOD_PATH=$T/out INSTALL_MOD_STRIP=1
include $T/buildroot.block
all:
	\$(MAKE) \$(LINUX_MAKE_FLAGS) -C $headers M=$T/src modules_install
END
ok 'Buildroot: the module is installed' make -f "$T/buildroot.mk"
ok 'and signed' signed "$T/out"

# --------------------------------------------------------------------------- Yocto
block yocto
flags=$(sed -n 's/^EXTRA_OEMAKE:append = "\(.*\)"$/\1/p' "$T/block")
rm -rf "$T/out"
# shellcheck disable=SC2086 # as bitbake has it
oe_make() { make $flags -C "$headers" M="$T/src" INSTALL_MOD_PATH="$T/out" modules_install; }
ok 'Yocto, EXTRA_OEMAKE: the module is installed' oe_make
ok 'and signed' signed "$T/out"

block yocto-install
sed 's/^do_install:append()/do_install_append()/' "$T/block" >"$T/append.sh"
echo do_install_append >>"$T/append.sh"
yocto_install() {
	rm -rf "$T/image" && mkdir -p "$T/image/usr/lib/modules/6.1.0/extra" &&
		cp "$T/src/hello.ko" "$T/image/usr/lib/modules/6.1.0/extra" &&
		D=$T/image nonarch_base_libdir=/usr/lib sh -e "$T/append.sh"
}
ok 'Yocto, do_install:append' yocto_install
ok 'signs' signed "$T/image"
run ldd "$BUILD/modseal"
like "$OUT" 'libc\.so' 'and modseal is dynamic, so that pseudo sees what it writes'

# -------------------------------------------------------------- Open Build Service
mkdir -p "$T/obs/modules/a b"
cp "$T/src/hello.ko" "$T/obs/modules/a b/hello.ko"
cp "$T/src/hello.ko" "$T/obs/modules/other.ko"
cp "$T/distro-2026.pem" "$T/obs/"
block obs-sign
ok 'OBS: detached signatures' env -C "$T/obs" sh -e "$T/block"
ok 'one each, and the modules as they were' test -s "$T/obs/modules/a b/hello.ko.p7s" \
	-a -s "$T/obs/modules/other.ko.p7s"
same "$T/obs/modules/other.ko" "$T/src/hello.ko" 'not touched'
block obs-attach
ok 'OBS: attached, and verified' env -C "$T/obs" sh -e "$T/block"
ok 'signed' signed "$T/obs/modules"
cp "$T/src/hello.ko" "$T/obs/modules/other.ko"
strip -g "$T/obs/modules/other.ko"
fails 1 'OBS: another module than was signed' env -C "$T/obs" sh -e "$T/block"
like "$OUT" 'BAD SIGNATURE|BAD-SIGNATURE|bad-signature' 'is seen by the last line'
rm "$T/obs/modules/other.ko.p7s"
fails any 'OBS: a message is missing' env -C "$T/obs" sh -e "$T/block"

# ------------------------------------------------------- kmodsign, NVIDIA's installer
block kmodsign
ok 'kmodsign: the lines' sh -e "$T/block"
ln -s "$BUILD/modseal-sign-file" "$T/kmodsign"
mkdir "$T/k"
cp "$T/src/hello.ko" "$T/k"
ok 'then VirtualBox calls it' "$T/kmodsign" sha512 "$T/mok/MOK.priv" "$T/mok/MOK.der" \
	"$T/k/hello.ko"
ok 'it signs' signed "$T/k"
: >"$MODSEAL_CONFIG"

block nvidia
modseal key cert distro-2026 --der >"$T/cert.der"
cat >"$T/NVIDIA-Linux-x86_64-1.run" <<'END'
for arg; do
	case $arg in
	--no-dkms) ;;
	--module-signing-script=*) script=${arg#*=} ;;
	--module-signing-secret-key=*) key=${arg#*=} ;;
	--module-signing-public-key=*) cert=${arg#*=} ;;
	--module-signing-hash=*) hash=${arg#*=} ;;
	*) exit 9 ;;
	esac
done
"$script" "$hash" "$key" "$cert" "$MODULE" || "$script" "$key" "$cert" "$MODULE"
END
cp "$T/src/hello.ko" "$T/k"
ok 'NVIDIA: the installer with these options' env -C "$T" MODULE="$T/k/hello.ko" sh -e "$T/block"
ok 'signs' signed "$T/k"

# ----------------------------------------------------------------------------- RPM
block rpm
ok 'RPM: the lines' sh -e "$T/block"
run rpm --load="$T/rpm/macros.modseal" --eval '%{__modsign_install_post}'
like "$OUT" "--key 'distro-2026'.*--anchor '$T/cert.pem'" 'key and certificate are in the macro'

# -------------------------------------------------------------------------- akmods
block akmods
cp "$T/a/modseald.conf" "$T/akmods.conf"
sed "s/user:akmods/user:root/" "$T/block" >>"$T/akmods.conf"
ok 'akmods: a rule that the agent takes' modseald -t -c "$T/akmods.conf"

# Gentoo's goes through the token; here only that nothing is misspelt for a shell.
block gentoo
# shellcheck disable=SC2016 # sh is to expand
ok 'Gentoo: variables' sh -euc '. "$0"; [ "$USE $MODULES_SIGN_HASH" = "modules-sign sha512" ]
	[ "$MODULES_SIGN_KEY" = "pkcs11:token=modseal;object=distro-2026" ]
	[ -n "$MODULES_SIGN_CERT" ]' "$T/block"

# ---------------------------------------------------------------- each of them fails
dev-agent agent-stop "$T/a"
rm -rf "$T/out"
fails any 'no agent: Buildroot' make -f "$T/buildroot.mk"
ok 'nothing unsigned is left' nothing "$T/out"
fails any 'no agent: Yocto' oe_make
ok 'nothing unsigned is left' nothing "$T/out"
fails any 'no agent: Yocto, do_install' yocto_install
block obs-sign
fails any 'no agent: OBS' env -C "$T/obs" sh -e "$T/block"
block nvidia
cp "$T/src/hello.ko" "$T/k"
fails any 'no agent: NVIDIA' env -C "$T" MODULE="$T/k/hello.ko" sh -e "$T/block"
ok 'the module is unsigned' unsigned "$T/k/hello.ko"
done_testing
