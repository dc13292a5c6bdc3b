#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel of our own, from Debian's source: built with the agent's certificate and no
# private key, its modules signed by `make modules_install`, and then it judges them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"

for tool in qemu-system-x86_64 flex bison bc; do
	command -v $tool >/dev/null || skip_all "no $tool here"
done
source=$("$TOP/test-vm/fetch-kernel" source-6.1 2>"$T/fetch") ||
	skip_all "$(head -n 1 "$T/fetch")"
agent_start
modseal key cert dev >"$T/dev.pem"
tree=$T/linux out=$T/out
modules='lib/crc4 lib/crc7 lib/crc8 lib/crc-itu-t crypto/md4'

# ------------------------------------------------------------------- what is built
# Of drivers that nobody asks for, Kconfig wants to see its own files and no others.
unpack() {
	local not=() folder
	for folder in Documentation/devicetree drivers/{gpu,media,infiniband,staging,scsi} \
		drivers/net/{wireless,ethernet} fs/xfs sound tools/{perf,testing} \
		arch/{a,c,h,i,l,m,n,o,p,r,s}\*; do
		not+=(--exclude="*/$folder/*.[chS]" --exclude="*/$folder/*.dts*")
	done
	mkdir "$tree"
	tar -C "$tree" -xJf "$source/source.tar.xz" --strip-components=1 --wildcards \
		"${not[@]}"
}
# The smallest kernel that loads modules and can say so.
configure() {
	cat >"$T/wanted" <<-END
		CONFIG_64BIT=y
		CONFIG_EXPERT=y
		CONFIG_LOCALVERSION="-modseal"
		CONFIG_PRINTK=y
		CONFIG_BUG=y
		CONFIG_PROCESSOR_SELECT=y
		CONFIG_TTY=y
		CONFIG_SERIAL_8250=y
		CONFIG_SERIAL_8250_CONSOLE=y
		CONFIG_BLK_DEV_INITRD=y
		CONFIG_BINFMT_ELF=y
		CONFIG_PROC_FS=y
		CONFIG_PROC_SYSCTL=y
		CONFIG_SYSFS=y
		CONFIG_DEVTMPFS=y
		CONFIG_MULTIUSER=y
		CONFIG_FUTEX=y
		CONFIG_POSIX_TIMERS=y
		CONFIG_CC_OPTIMIZE_FOR_SIZE=y
		CONFIG_MODULES=y
		CONFIG_MODULE_UNLOAD=y
		CONFIG_MODULE_SIG=y
		CONFIG_MODULE_SIG_ALL=y
		CONFIG_MODULE_SIG_SHA256=y
		CONFIG_MODULE_SIG_KEY="$T/dev.pem"
		CONFIG_SYSTEM_TRUSTED_KEYRING=y
		CONFIG_CRC4=m
		CONFIG_CRC7=m
		CONFIG_CRC8=m
		CONFIG_CRC_ITU_T=m
		CONFIG_CRYPTO_MD4=m
		CONFIG_DEBUG_KERNEL=y
		CONFIG_DEBUG_INFO_DWARF4=y
		CONFIG_DEBUG_INFO_REDUCED=y
	END
	kernel KCONFIG_ALLCONFIG="$T/wanted" allnoconfig &&
		! grep -vxFf "$tree/.config" "$T/wanted"
}
kernel() {
	make -C "$tree" -j2 INSTALL_MOD_PATH="$out" "$@"
}
# every FUNCTION: it holds for each installed module, and these are all
every() {
	local m n=0
	for m in $modules; do
		"$1" "$out"/lib/modules/*/kernel/"$m.ko" "$T/dev.pem" || return 1
		n=$((n + 1))
	done
	[ $n = "$(find "$out" -name '*.ko' | wc -l)" ]
}

ok 'the source unpacks' unpack
ok 'it is configured as wanted' configure
ok 'the kernel builds, with a certificate in place of a key' kernel bzImage modules
is "$(find "$tree/certs" -name '*.pem')" '' 'there is no key in the tree'
is "$(grep -c PRIVATE "$T/dev.pem")" 0 'and none where its configuration says'

export MAKEFILES=$TOP/kbuild-hooks/kbuild.mk MODSEAL_KEY=dev
ok 'make modules_install, module by module' kernel modules_install
ok 'every module is signed' every verify
ok 'make modules_install, in one batch' kernel MODSEAL_BATCH=1 modules_install
like "$OUT" '5 signed with dev' 'one batch signs all'
ok 'every module is signed' every verify
# Stripping what is installed ends the signature.
strip -g "$out"/lib/modules/*/kernel/*/*.ko
ok 'stripped: the modules are unsigned' every unsigned
ok 'make modules_sign' kernel modules_sign
ok 'every module is signed' every verify
ok 'make modules_sign again' kernel modules_sign
ok 'every module has one signature' every verify

# ------------------------------------------------------------------- it judges them
boot() {
	python3 -B - "$TOP/test-vm" "$tree/arch/x86/boot/bzImage" "$BUILD/test-vm/judge" \
		"$out"/lib/modules/*/kernel/lib/crc{7,8}.ko "$T/p" "$T" <<-'END'
		import os, sys
		tests, image, judge, good, other, unsigned, folder = sys.argv[1:]
		sys.path.insert(0, tests)
		import machine

		data = machine.read(good)
		tampered = bytearray(data)
		tampered[0x40] ^= 1  # in no header that is looked at before the signature
		modules = {
		    "1-unsigned": machine.read(unsigned),
		    "2-tampered": bytes(tampered),
		    "3-cut": data[:-1],
		    "4-signed": data,
		    "5-other": machine.read(other),
		}
		os.makedirs(folder + "/vm", exist_ok=True)
		os.link(image, folder + "/vm/vmlinuz")
		with open(folder + "/vm/initramfs", "wb") as file:
		    file.write(machine.initramfs(judge, modules))
		arguments = ["-M", "q35"] + machine.kernel_arguments(
		    folder + "/vm", folder + "/vm/initramfs", "module.sig_enforce=1")
		try:
		    # It has nothing to switch the machine off with.
		    machine.run(arguments, folder + "/vm", gives_up="System halted")
		    for record in machine.read_verdicts(folder + "/vm"):
		        if "boot" in record:
		            print("release", record["boot"], "enforce", record["sig_enforce"])
		        elif "file" in record:
		            print(record["file"], record["errno"] or "loads", *record["log"][-1:])
		except machine.Failure as failure:
		    sys.exit(str(failure))
	END
}
# It leaves the module without its signature in $T/p.
verify "$out"/lib/modules/*/kernel/lib/crc7.ko "$T/dev.pem" 2>/dev/null
ok 'the kernel starts' boot
like "$OUT" 'release 6\.1\..*-modseal enforce Y' 'it is the one that was built, and enforces'
like "$OUT" '1-unsigned EKEYREJECTED' 'an unsigned module is refused'
like "$OUT" '2-tampered EKEYREJECTED' 'a tampered one, too'
like "$OUT" '3-cut EKEYREJECTED' 'one whose signature is cut off, too'
like "$OUT" '4-signed loads' 'a signed module loads'
like "$OUT" '5-other loads' 'and another'
diag "$OUT"

# ------------------------------------------------------------------ as Debian packages
# It signs at modules_install, takes the debugging information off, and signs once more.
ok 'make bindeb-pkg' make -C "$tree" -j2 DPKG_FLAGS=-d bindeb-pkg
out=$T/packaged
ok 'there is a package of the kernel' dpkg-deb -x "$T"/linux-image-6.1.*-modseal_*.deb "$out"
ok 'every module in it is signed' every verify
isnt "$(readelf -SW "$out"/lib/modules/*/kernel/lib/crc8.ko | grep -c gnu_debuglink)" 0 \
	'and has been stripped before'
rm -rf "$out"
dev-agent agent-stop "$T/a"
fails any 'make bindeb-pkg without the agent' make -C "$tree" DPKG_FLAGS=-d bindeb-pkg
like "$OUT$ERR" 'start modseald' 'says what to do'
done_testing
