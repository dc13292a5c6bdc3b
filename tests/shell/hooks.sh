# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of modseal-sign-file, after lib.sh: a key, an agent without a TPM, and a
# look at the signature with openssl.

PATH=$TOP/tests/tools:$PATH
unset MAKEFILES MODSEAL_SIGN_FILE MODSEAL_CONFIG

# fake_agent: a key in key.pem, cert.pem and cert.der, and an agent that signs with it
fake_agent() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" \
		-out "$T/cert.pem" -days 30 -subj '/CN=hook test' \
		-addext keyUsage=digitalSignature 2>/dev/null || bail_out 'no test key'
	openssl x509 -in "$T/cert.pem" -outform DER -out "$T/cert.der"
	fake-agent.py "$T/s" "$T/key.pem" "$T/cert.pem" "$T/requests" 2>"$T/fake.err" &
	at_exit kill $!
	wait_for 10 test -S "$T/s" || bail_out 'no agent for the tests'
	export MODSEAL_AGENT=unix:$T/s MODSEAL_CONFIG=$T/client.conf
	: >"$MODSEAL_CONFIG"
}

# verify FILE [CERT]: one trailer, and a message that is good for what stands before it;
# leaves that in $T/p and the message in $T/p7
verify() {
	python3 - "$1" "$T/p" "$T/p7" <<-'END' || return 1
		import struct, sys
		d = open(sys.argv[1], "rb").read()
		m = b"~Module signature appended~\n"
		assert d.endswith(m) and d.count(m) == 1
		info = d[-40:-28]
		n = struct.unpack(">I", info[8:])[0]
		assert info[:8] == b"\0\0\2\0\0\0\0\0" and n < len(d) - 40
		open(sys.argv[2], "wb").write(d[:-40 - n])
		open(sys.argv[3], "wb").write(d[-40 - n:-40])
	END
	openssl cms -verify -binary -inform DER -in "$T/p7" -content "$T/p" -noverify \
		-nointern -certfile "${2:-$T/cert.pem}" -out /dev/null
}

# driver DIR NAME...: the sources of modules outside the kernel's tree
driver() {
	local name
	mkdir -p "$1"
	for name in "${@:2}"; do
		sed "s/NAME/$name/g" >"$1/$name.c" <<-'END'
			#include <linux/module.h>
			MODULE_LICENSE("GPL");
			static int __init NAME_init(void) { return 0; }
			static void __exit NAME_exit(void) { }
			module_init(NAME_init);
			module_exit(NAME_exit);
		END
	done
	printf 'obj-m += %s.o\n' "${@:2}" >"$1/Kbuild"
}

# uncompressed: make installs modules as they are, but where its command line says otherwise;
# by its configuration Debian 13's kernel has them as .ko.xz
uncompressed() {
	local c=CONFIG_MODULE_COMPRESS
	export MAKEFLAGS="$c= ${c}_ALL= ${c}_XZ="
}

# built_driver DIR RELEASE MODULE N: N copies of it, as kbuild of that kernel leaves what it
# has built
built_driver() {
	local i
	mkdir -p "$1"
	: >"$1/Module.symvers"
	for ((i = 0; i < $4; i++)); do
		cp "$3" "$1/m$i.ko"
		case $2 in
		5.* | 6.1 | 6.1.*) echo "$1/m$i.ko" ;;
		6.*) echo "$1/m$i.o" ;;
		*) echo "m$i.o" ;;
		esac
	done >"$1/modules.order"
}
# install_driver HEADERS DIR [SETTING...]: into $T/out
install_driver() {
	rm -rf "$T/out"
	make -j4 -C "$1" M="$2" INSTALL_MOD_PATH="$T/out" "${@:3}" modules_install
}
# compressed_with VERSION XZ|GZIP|ZSTD: the settings for it
compressed_with() {
	[ "$1" = 6.1 ] || echo CONFIG_MODULE_COMPRESS=y CONFIG_MODULE_COMPRESS_ALL=y
	echo "CONFIG_MODULE_COMPRESS_$2=y"
}

# kernel_tree HEADERS DIR CERTIFICATE MODULE...: the headers again, as a kernel's own tree
# that has these modules, which are there, and a certificate
kernel_tree() {
	local headers=$1 tree=$2 f as=o
	mkdir -p "$tree/certs" "$tree/drivers"
	for f in "$headers"/* "$headers"/.[a-z]*; do
		ln -s "$(realpath "$f")" "$tree/"
	done
	rm "$tree/include" && cp -rL "$headers/include" "$tree/"
	echo '# nothing to ask Kconfig for' >"$tree/include/config/auto.conf.cmd"
	touch "$tree/include/config/auto.conf"
	cp "$3" "$tree/certs/signing_key.x509"
	case $(<"$headers/include/config/kernel.release") in
	5.* | 6.1.*) as=ko ;;
	esac
	for f in "${@:4}"; do
		cp "$f" "$tree/drivers/"
		f=${f##*/}
		echo "drivers/${f%.ko}.$as"
	done >"$tree/modules.order"
	: >"$tree/modules.builtin"
	: >"$tree/modules.builtin.modinfo"
	: >"$tree/System.map"
}

unsigned() {
	[ -s "$1" ] && [ "$(tail -c 28 "$1")" != '~Module signature appended~' ]
}
