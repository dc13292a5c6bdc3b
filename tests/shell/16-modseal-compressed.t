#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed modules: signed inside, and compressed again as the kernel's build does it.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
agent_config '/^key = /a content = digest'
modseal key cert dev >"$T/dev.pem"
make_module "$T/original.ko"
O=$T/original.ko

# pack SUFFIX FILE, unpack SUFFIX FILE: to standard output, by other programs
pack() {
	case $1 in
	gz) gzip -n -c "$2" ;;
	xz) xz -T1 --check=crc32 --lzma2=dict=1MiB -c "$2" ;;
	zst) zstd -q -c "$2" ;;
	esac
}
unpack() {
	case $1 in
	gz) gzip -dc <"$2" ;;
	xz) xz -dc <"$2" ;;
	zst) zstd -dqc <"$2" ;;
	esac
}
# packed_well SUFFIX FILE: signed inside, by dev
packed_well() {
	unpack "$1" "$2" >"$T/.plain" && verified "$T/.plain" "$T/dev.pem" "$O"
}

for suffix in gz xz zst; do
	m=$T/m.ko.$suffix
	pack $suffix "$O" >"$m"
	chmod 640 "$m"
	setfattr -n user.note -v kept "$m" 2>/dev/null && xattr=1 || xattr=0
	ok "$suffix" modseal sign "$m"
	like "$OUT" '^1 signed with dev' 'is counted'
	ok 'is signed inside' packed_well $suffix "$m"
	is "$(stat -c %a "$m")" 640 'mode kept'
	[ "$xattr" = 0 ] || is "$(getfattr --only-values -n user.note "$m" 2>/dev/null)" kept \
		'attributes kept'
	pack $suffix "$T/.plain" >"$T/theirs"
	if [ $suffix = gz ]; then
		same <(head -c 10 "$m") <(head -c 10 "$T/theirs") 'the header of gzip -n'
	else
		same "$m" "$T/theirs" 'byte for byte what the tool makes'
	fi
	# Debian's kmod has no zlib.
	[ $suffix = gz ] || is "$(modinfo -F name "$m")" example 'kmod reads it'
	ok 'and the verifier trusts it' modseal-verify verify --anchor "$T/dev.pem" "$m"
	ok 'again' modseal sign -q "$m"
	ok 'has one signature' packed_well $suffix "$m"

	pack $suffix "$O" >"$m"
	ok "$suffix by digest" modseal sign -q --by-digest "$m"
	ok 'is signed inside' packed_well $suffix "$m"
	pack $suffix "$O" >"$m"
	cp "$m" "$T/keep"
	ok "$suffix to another file" modseal sign -q --dest "$T/dest" "$m"
	ok 'is signed inside' packed_well $suffix "$T/dest"
	same "$m" "$T/keep" 'the module is as it was'
	ok "$suffix detached" modseal sign -q --detached "$m"
	same "$m" "$T/keep" 'the module is as it was'
	ok 'the signature is over what is inside' openssl cms -verify -binary -inform DER \
		-in "$m.p7s" -content "$O" -certfile "$T/dev.pem" -noverify -out /dev/null
	pack $suffix "$O" >"$T/named.ko"
	ok "$suffix with the name of a plain one" modseal sign -q "$T/named.ko"
	ok 'is signed inside' packed_well $suffix "$T/named.ko"
	rm "$m" "$m.p7s" "$T/named.ko" "$T/dest" "$T/keep"
done
is "$(modseal log search --event sign --json | jq -r .entry.file | sed 's/named/m/; s/\.ko$//' |
	sort -u)" m 'the log has their names as they are before compression'

xz -c "$O" >"$T/m.ko.xz"
ok 'xz with CRC64' modseal sign -q "$T/m.ko.xz"
like "$(xz -lv --robot "$T/m.ko.xz")" 'CRC32' 'becomes what kernels can check'
rm "$T/m.ko.xz"

# refused WHY NAME FILE: one sentence, the file as it was
refused() {
	local sum
	sum=$(cksum <"$3")
	fails 1 "$2" modseal sign -q "$3"
	one_line "$ERR" 'one sentence'
	like "$ERR" "^modseal: .*${3##*/}.*$1" 'that says why'
	is "$(cksum <"$3")" "$sum" 'the file is as it was'
	fails 1 "$2, by digest" modseal sign -q --by-digest "$3"
	is "$(cksum <"$3")" "$sum" 'the file is as it was'
	is "$(left_overs "$T")" '' 'nothing is left over'
	rm "$3"
}
head -c 20000000 /dev/zero >"$T/zeros"
for suffix in gz xz zst; do
	m=$T/bad.ko.$suffix
	{ pack $suffix "$O" && echo garbage; } >"$m"
	refused 'has 8 bytes behind its compressed data' "$suffix with garbage" "$m"
	{ pack $suffix "$O" && pack $suffix "$O"; } >"$m"
	refused 'behind its compressed data' "$suffix twice" "$m"
	pack $suffix "$O" | head -c 300 >"$m"
	refused 'damaged or cut off' "$suffix that is cut" "$m"
	pack $suffix "$O" >"$m"
	printf 'XXXX' | dd of="$m" bs=1 seek=100 conv=notrunc status=none
	refused 'damaged or cut off' "$suffix that is damaged" "$m"
	pack $suffix "$T/zeros" >"$m"
	refused 'becomes more than' "$suffix: a bomb" "$m"
	echo 'no module' >"$T/text"
	pack $suffix "$T/text" >"$m"
	refused 'not a kernel module' "$suffix of something else" "$m"
	pack $suffix "$O" >"$T/inner"
	pack $suffix "$T/inner" >"$m"
	refused 'compressed' "$suffix of $suffix" "$m"
done
for suffix in bz2 lz4 lzma; do
	cp "$O" "$T/bad.ko.$suffix"
	refused 'only .xz, .gz and .zst' "$suffix" "$T/bad.ko.$suffix"
done

# Trees
make_tree "$T/tree" 12
find "$T/tree" -name 'm*[0-2].ko' -exec xz {} +
find "$T/tree" -name 'm*[3-5].ko' -exec gzip {} +
find "$T/tree" -name 'm*[6-7].ko' -exec zstd -q --rm {} +
ok 'a tree of all kinds' modseal sign -r "$T/tree"
like "$OUT" '^12 signed with dev' 'is counted'
good=0
while read -r m; do
	case ${m##*.} in
	ko) verified "$m" "$T/dev.pem" "$O" ;;
	*) packed_well "${m##*.}" "$m" ;;
	esac && good=$((good + 1))
done < <(find "$T/tree" -type f)
is $good 12 'all are good, each in its form'
ok 'and by digest, with one signature each' modseal sign -rq --by-digest "$T/tree"
good=0
while read -r m; do
	packed_well "${m##*.}" "$m" && good=$((good + 1))
done < <(find "$T/tree" -name '*.ko.*')
is $good 10 'all are good'
is "$(left_overs "$T/tree")" '' 'no temporary files'
ok 'the agent is alive' agent_alive
done_testing
