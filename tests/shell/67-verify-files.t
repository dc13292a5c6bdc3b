#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify on files and trees as they come: compressed, damaged, hostile, not there.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
signed good sha256 "$T/good.ko"

# unchecked FILE CODE NAME: exit status 3, that finding, never "trusted"
unchecked() {
	local got
	json "$1" >"$T/finding.json" 2>"$T/finding.err"
	got="exit $? $(jq -r '.policy.verdict, .policy.findings[].code' \
		"$T/finding.json" | paste -sd' ')"
	is "$got" "exit 3 unchecked $2" "$3"
}

# ------------------------------------------------------------- compression

gzip -c "$T/good.ko" >"$T/good.ko.gz"
xz -c --check=crc32 "$T/good.ko" >"$T/good.ko.xz"
zstd -qc "$T/good.ko" >"$T/good.ko.zst"
xz -9ec "$T/good.ko" >"$T/good9.ko.xz"
zstd -qc --ultra -22 "$T/good.ko" >"$T/good22.ko.zst"
for f in good.ko.gz good.ko.xz good.ko.zst good9.ko.xz good22.ko.zst; do
	ok "$f" verify "$T/$f"
	head -c -9 "$T/$f" >"$T/cut.ko"
	unchecked "$T/cut.ko" damaged-compression "$f cut off"
	{ cat "$T/$f"; echo; } >"$T/garbage.ko"
	finding "$T/garbage.ko" trailing-bytes loads null "$f and a byte more"
	{ cat "$T/$f" "$T/$f"; } >"$T/twice.ko"
	finding "$T/twice.ko" trailing-bytes loads null "$f twice over"
done
xz -c "$MODULE" >"$T/late.ko.xz"
sign_file sha256 "$T/good.key" "$T/good.crt" "$T/late.ko.xz"
finding "$T/late.ko.xz" 'trailing-bytes unsigned' refused EKEYREJECTED \
	'signed after compression'
flip "$T/good.ko.xz" 500 "$T/flip.ko.xz"
unchecked "$T/flip.ko.xz" damaged-compression 'a bit flipped in .xz'
cp "$T/good.ko.zst" "$T/lies.ko.gz"
ok 'content counts, not the name' verify "$T/lies.ko.gz"
head -c 3 "$T/good.ko.gz" >"$T/tiny.ko.gz"
unchecked "$T/tiny.ko.gz" damaged-compression 'three bytes of .gz'
for magic in '\x1f\x8b' '\xfd7zXZ\x00' '\x28\xb5\x2f\xfd'; do
	{ printf '%b' "$magic"; head -c 4000 "$MODULE"; } >"$T/magic.ko"
	unchecked "$T/magic.ko" damaged-compression 'garbage behind a magic number'
done

# Each becomes a gigabyte or more from about 100 KB.
dd if=/dev/zero bs=1M count=700 status=none | xz -1c >"$T/bomb.ko.xz"
dd if=/dev/zero bs=1M count=1500 status=none | zstd -qc >"$T/bomb.ko.zst"
dd if=/dev/zero bs=1M count=100 status=none | gzip -9c >"$T/bomb.ko.gz"
for kind in gz xz zst; do
	bytes=$(stat -c %s "$T/bomb.ko.$kind")
	unchecked "$T/bomb.ko.$kind" too-large "a $kind bomb of $bytes bytes"
	peak 3 64 "checking it" modseal-verify verify --anchor "$T/good.crt" \
		"$T/bomb.ko.$kind"
done
mkdir "$T/bombs"
dd if=/dev/zero bs=1M count=400 status=none | gzip -1c >"$T/bombs/a.ko.gz"
cp "$T/bombs/a.ko.gz" "$T/bombs/b.ko.gz"
peak 3 200 'two bombs of some MB' modseal-verify verify -j 4 --anchor "$T/good.crt" "$T/bombs"
rm -r "$T/bombs"
truncate -s 600M "$T/sparse.ko"
mkdir "$T/plain"
for n in a b; do
	cp "$T/good.ko" "$T/plain/$n.ko"
	truncate -s 90M "$T/plain/$n.ko"
done
truncate -s 300M "$T/plain/c.ko"
peak 3 200 'two plain files of 90 MiB and one of 300 MiB' \
	modseal-verify verify -j 2 --anchor "$T/good.crt" "$T/plain"
is "$(modseal-verify verify --format jsonl --anchor "$T/good.crt" "$T/plain" |
	jq -r '.policy.findings[0].code' | paste -sd' ')" 'unsigned unsigned too-large' \
	'what is larger could not be checked'
is "$(modseal-verify verify --module-max 301 --format jsonl --anchor "$T/good.crt" \
	"$T/plain/c.ko" | jq -r '.policy.findings[0].code')" unsigned \
	'and can be with --module-max'
for n in 0 513 -1 x 1x ''; do
	fails 2 "--module-max '$n'" modseal-verify verify --module-max "$n" "$T/plain"
done
rm -r "$T/plain"
unchecked "$T/sparse.ko" too-large 'a file of 600 MiB'
rm -f "$T"/bomb.ko.* "$T/sparse.ko"

# ---------------------------------------------------------- odd files, trees

mkdir -p "$T/tree/kernel/net" "$T/tree/updates" "$T/tree/kernel/dir.ko"
cp "$T/good.ko" "$T/tree/kernel/a.ko"
cp "$T/good.ko.xz" "$T/tree/kernel/net/b.ko.xz"
cp "$MODULE" "$T/tree/updates/z-unsigned.ko"
cp "$T/good.ko" "$T/tree/kernel/ignored.o"
touch "$T/tree/modules.dep"
ln -s . "$T/tree/kernel/loop"
ln -s /usr/src "$T/tree/build"
fails 1 'a tree with one unsigned module' verify "$T/tree"
like "$OUT" "^x  [^ ]*/tree/updates/z-unsigned.ko  UNSIGNED" 'which comes first'
like "$OUT" '3 modules: 2 trusted, 1 with findings, 0 not checked' 'and totals last'
unlike "$OUT" 'a.ko' 'the good are not listed'
verify --all "$T/tree" >"$T/all"
is "$(sed -n 's/^\(x \|ok\|? \) .*tree\/\([^ ]*\).*/\2/p' "$T/all" | paste -sd' ')" \
	'updates/z-unsigned.ko kernel/a.ko kernel/net/b.ko.xz' \
	'--all: bad ones first, then by path'
verify --format jsonl "$T/tree" >"$T/lines"
is "$(jq -r .path "$T/lines" | sed "s|$T/tree/||" | paste -sd' ')" \
	'kernel/a.ko kernel/net/b.ko.xz updates/z-unsigned.ko' 'jsonl is sorted by path'
is "$(verify --format jsonl --failed-only "$T/tree" | wc -l)" 1 '--failed-only'
fails 1 'quiet' verify -q "$T/tree"
is "$OUT$ERR" '' 'says nothing'

for i in $(seq 40); do
	cp "$T/good.ko" "$T/tree/kernel/net/m$i.ko"
done
for j in 1 2 7 256; do
	verify --json -j $j "$T/tree" >"$T/out.$j"
done
same "$T/out.1" "$T/out.2" 'two threads, the same report'
same "$T/out.1" "$T/out.7" 'seven threads, the same report'
same "$T/out.1" "$T/out.256" 'more threads than modules'

ln -s a.ko "$T/tree/kernel/link.ko"
is "$(verify --format jsonl "$T/tree/kernel" | grep -c link.ko)" 1 \
	'a symlink to a module is checked'

mkdir "$T/odd"
mkfifo "$T/odd/fifo.ko"
unchecked "$T/odd/fifo.ko" unreadable 'a FIFO'
fails 3 'a FIFO in a tree' verify "$T/odd"
like "$OUT" '1 module: 0 trusted, 0 with findings, 1 not checked' 'counts as unchecked'
rm "$T/odd/fifo.ko"
ln -s nowhere "$T/odd/dangling.ko"
unchecked "$T/odd/dangling.ko" unreadable 'a symlink to nowhere'
ln -sf dangling.ko "$T/odd/dangling.ko"
unchecked "$T/odd/dangling.ko" unreadable 'a symlink to itself'
fails 3 'and in a tree' verify "$T/odd"
unchecked /dev/null unreadable 'a device'
unchecked "$T/absent.ko" unreadable 'no such file'
rm "$T/odd/dangling.ko"
fails 3 'a tree without modules' verify "$T/odd"
like "$ERR" 'no kernel module below' 'says so'
fails 3 'a good file and an absent one' verify "$T/good.ko" "$T/absent.ko"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
	"$T/odd/socket.ko"
unchecked "$T/odd/socket.ko" unreadable 'a socket'
rm "$T/odd/socket.ko"
if [ "$(id -u)" != 0 ]; then
	cp "$T/good.ko" "$T/odd/secret.ko"
	chmod 0 "$T/odd/secret.ko"
	unchecked "$T/odd/secret.ko" unreadable 'an unreadable file'
	mkdir "$T/odd/locked"
	chmod 0 "$T/odd/locked"
	fails 3 'an unreadable directory' verify "$T/odd"
else
	skip 2 'root can read everything'
fi

# --------------------------------------------------------------------- names

evil=$'evil\e[31m\n\r\u202e"\\.ko'
cp "$MODULE" "$T/$evil"
for format in table json jsonl; do
	verify --format $format "$T/$evil" >"$T/evil.out"
	is "$(tr -d '\n -~' <"$T/evil.out" | wc -c)" 0 "$format: only printable bytes"
done
is "$(verify --format jsonl "$T/$evil" | wc -l)" 1 'one line for one module'
openssl req -x509 -nodes -sha256 -days 30 -utf8 -subj $'/CN=red \e[31m\u202eeman' \
	-newkey rsa:2048 -keyout "$T/cn.key" -out "$T/cn.crt" 2>/dev/null
signed cn sha256 "$T/cn.ko"
for format in table json jsonl; do
	modseal-verify verify --all --anchor "$T/cn.crt" --format $format "$T/cn.ko" \
		>"$T/cn.out"
	is "$? $(tr -d '\n -~' <"$T/cn.out" | wc -c)" '0 0' "$format: in a CN as well"
done
finding "$T/cn.ko" unknown-signer refused EKEYREJECTED 'a signer with escape sequences'

# --------------------------------------------------------------------- usage

fails 2 'no arguments' modseal-verify
fails 2 'no verb that is known' modseal-verify frobnicate
fails 2 'nothing to verify' verify
fails 2 'an unknown option' verify --frobnicate "$T/good.ko"
fails 2 'no threads' verify -j 0 "$T/good.ko"
fails 2 'too many threads' verify -j 999999999999 "$T/good.ko"
fails 2 'an unknown format' verify --format xml "$T/good.ko"
fails 2 'a kernel that is too old' verify --as-kernel 2.6.32 "$T/good.ko"
fails 2 'a configuration that is none' verify --as-kernel 6.8,COPYING "$T/good.ko"
one_line "$ERR" 'is one line'
fails 3 'no such anchor' modseal-verify verify --anchor "$T/absent" "$T/good.ko"
one_line "$ERR" 'is one line'
fails 3 'an anchor that is none' modseal-verify verify --anchor "$T/good.ko" "$T/good.ko"
fails 3 'a directory without anchors' modseal-verify verify --anchor "$T/odd" "$T/good.ko"
ok 'help' modseal-verify --help
like "$OUT" 'Exit status' 'names the exit statuses'
ok 'version' modseal-verify --version
if [ -w /dev/full ]; then
	verify --all "$T/good.ko" >/dev/full 2>"$T/full.err"
	is $? 3 'a report that cannot be written is no success'
else
	skip 1 'no /dev/full'
fi

done_testing
