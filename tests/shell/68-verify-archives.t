#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify on packages and initramfs images: whole, damaged, hostile.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
signed good sha256 "$T/good.ko"
xz --check=crc32 -c "$T/good.ko" >"$T/good.ko.xz"
K=lib/modules/6.1.0-1/kernel

# state FILE...: "PATH CODES" of each module, after the archive's name
state() {
	verify --format jsonl "$@" >"$T/lines" 2>"$T/state.err"
	echo "$? $(jq -r '"\(.path) \([.policy.findings[].code] | join(","))"' "$T/lines" |
		sed "s|$T/||; s/ $//" | paste -sd' ')"
}

# A folder as a package has it.
tree() {
	rm -rf "$T/tree"
	mkdir -p "$T/tree/$K/net" "$T/tree/usr/share/doc"
	cp "$T/good.ko" "$T/tree/$K/good.ko"
	cp "$T/good.ko.xz" "$T/tree/$K/net/packed.ko.xz"
	cp "$MODULE" "$T/tree/$K/net/unsigned.ko"
	echo text >"$T/tree/usr/share/doc/copyright"
}
tree

# expected ARCHIVE: what state says of a good archive of the tree
expected() {
	echo "1 $1:/$K/good.ko $1:/$K/net/packed.ko.xz $1:/$K/net/unsigned.ko unsigned"
}

# ------------------------------------------------------------------ packages

# deb OUT COMPRESSION [TREE]
deb() {
	mkdir -p "${3:-$T/tree}/DEBIAN"
	printf '%s\n' 'Package: m' 'Version: 1' 'Architecture: amd64' \
		'Maintainer: a <a@b>' 'Description: d' >"${3:-$T/tree}/DEBIAN/control"
	dpkg-deb --root-owner-group -Z"$2" -b "${3:-$T/tree}" "$1" >"$T/dpkg.log" 2>&1 ||
		bail_out "$(cat "$T/dpkg.log")"
	rm -r "${3:-$T/tree}/DEBIAN"
}
if command -v dpkg-deb >/dev/null; then
	for z in xz zstd gzip none; do
		deb "$T/p.deb" $z
		is "$(state "$T/p.deb")" "$(expected p.deb)" ".deb with $z"
	done
	rm "$T/tree/$K/net/unsigned.ko"
	deb "$T/p.deb" xz
	ok 'a package with good modules alone' verify "$T/p.deb"
	like "$OUT" 'GOOD  2 modules: 2 trusted' 'and their number'
	verify --all "$T/p.deb" >"$T/all"
	like "$(cat "$T/all")" "p.deb:/$K/good.ko" 'where they are is shown'
	cp "$T/p.deb" "$T/named.zip"
	is "$(state "$T/named.zip")" "0 named.zip:/$K/good.ko named.zip:/$K/net/packed.ko.xz" \
		'the content counts, not the name'

	ln -s good.ko "$T/tree/$K/soft.ko"
	ln "$T/tree/$K/good.ko" "$T/tree/$K/hard.ko"
	ln -s ../../../../x/../../../"$K/./good.ko" "$T/tree/$K/net/way.ko"
	deb "$T/links.deb" xz
	run verify "$T/links.deb"
	is "$STATUS" 0 'links to modules in it'
	ln -s /elsewhere/evil.ko "$T/tree/$K/out.ko"
	deb "$T/links.deb" xz
	is "$(state "$T/links.deb" | grep -o '[^ ]*out.ko.*')" \
		"links.deb:/$K/out.ko unreadable" 'a link that leads outside is not checked'
	fails 3 'which is said' verify "$T/links.deb"
	rm "$T/tree/$K"/{soft,hard,out}.ko "$T/tree/$K/net/way.ko"

	mkdir -p "$T/empty/usr"
	deb "$T/empty.deb" xz "$T/empty"
	is "$(state "$T/empty.deb")" '3 empty.deb no-modules' 'a package without modules'

	size=$(stat -c %s "$T/p.deb")
	head -c $((size / 2)) "$T/p.deb" >"$T/cut.deb"
	like "$(state "$T/cut.deb")" '^3 cut.deb damaged-archive|^3 .*cut.deb damaged' 'cut off'
	flip "$T/p.deb" $((size / 2)) "$T/flip.deb"
	like "$(state "$T/flip.deb")" '^3 cut.deb|^3 .*damaged-archive' 'a bit flipped'
	mkdir "$T/ar"
	(cd "$T/ar" && ar x "$T/p.deb" && ar x "$T/empty.deb" data.tar.xz &&
		mv data.tar.xz other.tar.xz && ar x "$T/p.deb" data.tar.xz &&
		cp other.tar.xz data.tar.gz && rm -f "$T/two.deb" &&
		ar rc "$T/two.deb" debian-binary control.tar.xz data.tar.xz data.tar.gz)
	like "$(state "$T/two.deb")" '^3 two.deb damaged-archive ' 'files behind the files'
	(cd "$T/ar" && rm -f "$T/none.deb" && ar rc "$T/none.deb" debian-binary control.tar.xz)
	is "$(state "$T/none.deb")" '3 none.deb damaged-archive' 'without files'
	mkdir -p "$T/kernel/boot"
	cp tests/fuzz/corpus/kernel_image/seed-bz-xz "$T/kernel/boot/vmlinuz-6.1.0-1"
	deb "$T/kernel.deb" xz "$T/kernel"
	ok "anchors from a package's kernel" modseal-verify anchors --kernel "$T/kernel.deb"
	like "$OUT" "kernel.deb:/boot/vmlinuz-6.1.0-1" 'and where they are from'
	fails 3 'a package without a kernel' modseal-verify anchors --kernel "$T/p.deb"
	one_line "$ERR" 'one sentence'
	tree
else
	skip 21 'dpkg-deb is not installed'
fi

if command -v rpmbuild >/dev/null; then
	for z in w9.gzdio w6.xzdio w3.zstdio; do
		rm -rf "$T/rpm"
		mkdir -p "$T/rpm"
		cat >"$T/m.spec" <<-END
			%define _binary_payload $z
			%define __strip /bin/true
			%define __spec_install_post %{nil}
			Name: m
			Version: 1
			Release: 1
			Summary: modules
			License: GPL
			BuildArch: noarch
			%description
			Modules.
			%install
			mkdir -p %{buildroot}
			cp -a $T/tree/. %{buildroot}
			%files
			/
		END
		rpmbuild --define "_topdir $T/rpm" --define "_dbpath $T/rpm/db" -bb "$T/m.spec" \
			>"$T/rpm.log" 2>&1 || diag "$(tail -n 5 "$T/rpm.log")"
		cp "$T"/rpm/RPMS/*/*.rpm "$T/p.rpm"
		is "$(state "$T/p.rpm")" "$(expected p.rpm)" ".rpm with $z"
	done
	head -c -2000 "$T/p.rpm" >"$T/cut.rpm"
	like "$(state "$T/cut.rpm")" '^3 .*cut.rpm damaged-archive' 'an .rpm cut off'
else
	skip 4 'rpmbuild is not installed'
fi
tar -C "$T/tree" --sort=name -cJf "$T/p.tar.xz" .
is "$(state "$T/p.tar.xz")" "$(expected p.tar.xz)" 'a tar archive'

# ----------------------------------------------------------------- initramfs

# cpio_of TREE: newc on standard output
cpio_of() {
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0)
}
if command -v cpio >/dev/null; then
	mkdir -p "$T/early/kernel/x86/microcode"
	head -c 5000 /dev/urandom >"$T/early/kernel/x86/microcode/GenuineIntel.bin"
	cpio_of "$T/early" >"$T/early.cpio"
	cpio_of "$T/tree" >"$T/main.cpio"
	cp "$T/main.cpio" "$T/initrd"
	is "$(state "$T/initrd")" "$(expected initrd)" 'an uncompressed initramfs'
	for z in 'gzip -c' 'xz --check=crc32 -c' 'zstd -qc' 'lz4 -lc' 'bzip2 -c' 'lzma -c'; do
		command -v "${z%% *}" >/dev/null || { skip 2 "no ${z%% *}"; continue; }
		$z <"$T/main.cpio" >"$T/main.z"
		cp "$T/main.z" "$T/initrd"
		is "$(state "$T/initrd")" "$(expected initrd)" "compressed by $z"
		{ cat "$T/early.cpio" && head -c 1024 /dev/zero && cat "$T/main.z"; } >"$T/initrd"
		is "$(state "$T/initrd")" "$(expected initrd)" 'with microcode before it'
	done

	# Whatever comes behind the compressed part is unpacked by the kernel, too.
	mkdir -p "$T/late/$K"
	cp "$MODULE" "$T/late/$K/zz-late.ko"
	cpio_of "$T/late" >"$T/late.cpio"
	rm "$T/tree/$K/net/unsigned.ko"
	cpio_of "$T/tree" >"$T/main.cpio"
	for z in 'gzip -c' 'zstd -qc' 'xz --check=crc32 -c' 'lz4 -lc'; do
		command -v "${z%% *}" >/dev/null || { skip 4 "no ${z%% *}"; continue; }
		$z <"$T/main.cpio" >"$T/main.z"
		$z <"$T/late.cpio" >"$T/late.z"
		for late in late.cpio late.z; do
			want='^(1 .*zz-late.ko unsigned|3 .*damaged-archive)'
			cat "$T/main.z" "$T/$late" >"$T/initrd"
			like "$(state "$T/initrd")" "$want" \
				"$z, then $late: it is not passed by"
			{ cat "$T/main.z"; printf '\0\0\0\0\0\0\0\0'; cat "$T/$late"; } >"$T/initrd"
			like "$(state "$T/initrd")" "$want" \
				'nor behind zeros'
		done
	done
	cat "$T/main.cpio" "$T/late.cpio" >"$T/initrd"
	is "$(state "$T/initrd")" "1 initrd:/$K/good.ko initrd:/$K/net/packed.ko.xz \
initrd:/$K/zz-late.ko unsigned" 'two archives back to back'
	# As much padding as is cut off below: what the size of the modules leaves may be less.
	head -c 512 /dev/zero >>"$T/main.cpio"
	gzip -c "$T/main.cpio" >"$T/main.z"
	for cut in 10 1000 3000; do
		head -c -$cut "$T/main.z" >"$T/initrd"
		like "$(state "$T/initrd")" '^3 .*initrd damaged-archive' "cut off $cut bytes early"
		head -c -$cut "$T/main.cpio" >"$T/initrd"
		run verify "$T/initrd"
		if [ $cut = 10 ]; then
			is "$STATUS" 0 'only padding is missing'
		else
			is "$STATUS" 3 'and uncompressed'
		fi
	done
	{ cat "$T/main.cpio"; echo 'garbage'; } >"$T/initrd"
	like "$(state "$T/initrd")" '^3 .*initrd damaged-archive' 'garbage behind it'
	ln "$T/tree/$K/good.ko" "$T/tree/$K/aa-hard.ko"
	cpio_of "$T/tree" >"$T/initrd"
	is "$(state "$T/initrd")" "0 initrd:/$K/aa-hard.ko initrd:/$K/good.ko \
initrd:/$K/net/packed.ko.xz" 'hard links'
	rm "$T/tree/$K/aa-hard.ko"
	mkfifo "$T/tree/$K/fifo.ko"
	cpio_of "$T/tree" >"$T/initrd"
	like "$(state "$T/initrd")" "^3 initrd:/$K/fifo.ko unreadable " 'a FIFO in it'
	rm "$T/tree/$K/fifo.ko"
	evil=$'evil\e[31m\n.ko'
	cp "$MODULE" "$T/tree/$evil"
	(cd "$T/tree" && find . -print0 | cpio -0 -o -H newc --quiet) >"$T/initrd"
	for format in table json jsonl html prometheus sarif; do
		verify --format $format "$T/initrd" >"$T/evil.out"
		is "$? $(tr -d '\n -~' <"$T/evil.out" | wc -c)" '1 0' \
			"$format: only printable bytes of a member's name"
	done
	rm "$T/tree/$evil"
else
	skip 43 'cpio is not installed'
fi

# --------------------------------------------------------------------- bombs

# A module of 200 MB in a package of 100 KB, and one that packs itself twice.
mkdir -p "$T/bomb/$K"
truncate -s 200M "$T/bomb/$K/zero.ko"
tar -C "$T/bomb" -cf - . | xz -1c >"$T/bomb.tar.xz"
head -c 300M /dev/zero | zstd -qc >"$T/bomb/$K/zero.ko"
mv "$T/bomb/$K/zero.ko" "$T/bomb/$K/zero.ko.zst"
tar -C "$T/bomb" -cJf "$T/twice.tar.xz" .
head -c 100M /dev/zero | gzip -9c >"$T/initrd"
printf '070701%08X%08X' 1 $((0100644)) >"$T/huge.cpio"
printf '%08X' 0 0 1 0 4294967295 0 0 0 0 5 0 >>"$T/huge.cpio"
printf 'a.ko\0\0' >>"$T/huge.cpio"
for f in bomb.tar.xz twice.tar.xz initrd huge.cpio; do
	peak 3 64 "a bomb: $f of $(stat -c %s "$T/$f") bytes" \
		modseal-verify verify --anchor "$T/good.crt" "$T/$f"
done

done_testing
