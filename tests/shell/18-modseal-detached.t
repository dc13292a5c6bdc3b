#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Signatures beside their modules: sign --detached, attach, detach; byte for byte both ways.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
make_module "$T/original.ko"
O=$T/original.ko
modseal key cert dev >"$T/dev.pem"
modseal key create other --alg p256 >/dev/null
modseal key cert other >"$T/other.pem"

# Three trees: as built, signed in place, and signed beside.
make_tree "$T/built" 9
find "$T/built" -name 'm[012].ko' -exec xz -T1 --check=crc32 --lzma2=dict=1MiB {} +
find "$T/built" -name 'm[34].ko' -exec zstd -q --rm {} +
find "$T/built" -name 'm[5].ko' -exec gzip -n {} +
cp -r "$T/built" "$T/signed"
cp -r "$T/built" "$T/beside"
chmod 600 "$T/beside/d6/e/m6.ko"
modseal sign -qr "$T/signed" || bail_out 'cannot sign'
messages() { find "$1" -name '*.p7s' | wc -l; }

ok 'sign --detached' modseal sign -r --detached "$T/beside"
like "$OUT" '^9 signed with dev \(detached\); ' 'counts, and says how'
is "$(messages "$T/beside")" 9 'a signature beside each'
mkdir "$T/files"
head -c 5000 /dev/zero >"$T/files/fw.bin"
fails 1 'a folder without modules' modseal sign -r --detached "$T/files"
like "$ERR" 'no module \(\*.ko\) below this folder; other files have to be named one by one' \
	'says what to do with other files'
fails 1 'a file that is no module' modseal sign "$T/files/fw.bin"
like "$ERR" 'not a kernel module: .*; files that are no modules: --detached or --format' \
	'says how those are signed'
# Two names, and the signature beside the second
mkdir "$T/two"
cp "$O" "$T/two/a.ko"
modseal sign -q --detached "$T/two/a.ko"
ln "$T/two/a.ko" "$T/two/b.ko"
mv "$T/two/a.ko.p7s" "$T/two/b.ko.p7s"
run diff -r -x '*.p7s' "$T/built" "$T/beside"
is "$OUT" '' 'and the modules are as they were'

# From here on without an agent
export MODSEAL_AGENT=unix:$T/none
ok 'attach' modseal attach "$T/beside"
like "$OUT" '^9 attached$' 'counts'
ok 'attach: the signature is beside the second name' modseal attach "$T/two"
like "$OUT" '^1 attached$' 'and found'
ok 'attach: both names are of the signed file' test "$T/two/a.ko" -ef "$T/two/b.ko"
ok 'attach: which is signed' modseal-verify verify --no-stored --anchor "$T/dev.pem" \
	"$T/two/a.ko"
run diff -r -x '*.p7s' -x '*.gz' "$T/signed" "$T/beside"
is "$OUT" '' 'makes, byte for byte, what sign makes; xz and zstd too'
same "$T/signed/d5/e/m5.ko.gz" "$T/beside/d5/e/m5.ko.gz" 'and of what it compressed itself'
is "$(stat -c %a "$T/beside/d6/e/m6.ko")" 600 'mode kept'
ok 'again' modseal attach "$T/beside"
like "$OUT" '^0 attached, 9 were already' 'changes nothing'

find "$T/signed" -name '*.p7s' -delete
ok 'detach' modseal detach "$T/signed"
like "$OUT" '^9 detached' 'counts'
run diff -r -x '*.p7s' -x '*.gz' "$T/built" "$T/signed"
is "$OUT" '' 'leaves what was built, byte for byte; xz and zstd too'
same <(gzip -dc "$T/signed/d5/e/m5.ko.gz") "$O" 'gzip has the same inside'
run diff -r -x '*.ko*' "$T/beside" "$T/signed"
different=0
while read -r s; do
	cmp -s "$s" "$T/beside/${s#"$T/signed/"}" || different=$((different + 1))
done < <(find "$T/signed" -name '*.p7s')
is $different 0 'and the signatures that were made beside'
ok 'again' modseal detach --json "$T/signed"
is "$(jq -c '[.detached, .without_signature, .failed]' <<<"$OUT")" '[0,9,0]' 'changes nothing'
ok 'attach' modseal attach -q "$T/signed"
run diff -r "$T/signed" "$T/beside"
is "$OUT" '' 'and all is as it was signed, gzip as well'

# Compressed in another way: the same inside
xz -9 -c "$O" >"$T/m.ko.xz"
MODSEAL_AGENT=unix:$T/a/agent.sock modseal sign -q --detached "$T/m.ko.xz"
ok 'attach to what xz -9 made' modseal attach -q "$T/m.ko.xz"
xz -dc "$T/m.ko.xz" >"$T/plain" && ok 'is good' verified "$T/plain" "$T/dev.pem" "$O"
ok 'detach' modseal detach -q "$T/m.ko.xz"
same <(xz -dc "$T/m.ko.xz") "$O" 'is the same inside'

# xz since 5.6 writes blocks that say how large they are, even of one thread.
cp "$O" "$T/big.ko"
head -c 4000000 <(yes 'four million bytes' | cat -n) >"$T/ballast"
objcopy --add-section .ballast="$T/ballast" "$T/big.ko"
xz -T2 -k --check=crc32 --lzma2=dict=1MiB "$T/big.ko"
cp "$T/big.ko.xz" "$T/keep.xz"
MODSEAL_AGENT=unix:$T/a/agent.sock modseal sign -q --key dev "$T/big.ko.xz"
xz -dc "$T/big.ko.xz" >"$T/big.ko"
same <(xz -T2 -c --check=crc32 --lzma2=dict=1MiB "$T/big.ko") "$T/big.ko.xz" 'xz -T2: signed'
ok 'detach' modseal detach -q "$T/big.ko.xz"
same "$T/big.ko.xz" "$T/keep.xz" 'byte for byte'

# Other folders
rm -rf "$T/signed" "$T/beside"
cp -r "$T/built" "$T/signed"
export MODSEAL_AGENT=unix:$T/a/agent.sock
ok 'sign --detached --to' modseal sign -qr --detached --to "$T/sigs" "$T/built"
is "$(messages "$T/built") $(messages "$T/sigs")" '0 9' 'puts all into another folder'
ok 'where the modules are in their tree' test -s "$T/sigs/d0/e/m0.ko.xz.p7s"
export MODSEAL_AGENT=unix:$T/none
ok 'attach --from' modseal attach -q --from "$T/sigs" --cert "$T/dev.pem" "$T/signed/"
is "$(messages "$T/signed")" 0 'with nothing beside'
ok 'detach --to' modseal detach -q --to "$T/again" "$T/signed"
run diff -r "$T/sigs" "$T/again"
is "$OUT" '' 'gives the same signatures'
run diff -r -x '*.gz' "$T/built" "$T/signed"
is "$OUT" '' 'and the same modules'
fails 2 '--to alone' modseal sign --to "$T/x" "$O"

# Two modules, one place for their signatures
mkdir -p "$T/t1/k" "$T/t2/k"
make_module "$T/t1/k/m.ko" first
make_module "$T/t2/k/m.ko" second
MODSEAL_AGENT=unix:$T/a/agent.sock modseal sign -qr "$T/t1" "$T/t2"
sums=$(cksum "$T"/t[12]/k/m.ko)
for trees in "$T/t1 $T/t2" "$T/t1/k/m.ko $T/t2/k/m.ko"; do
	# shellcheck disable=SC2086 # two
	fails 2 'two modules of one name are not detached' modseal detach --to "$T/one" $trees
	one_line "$ERR" 'one sentence'
	like "$ERR" 't1/k/m\.ko and .*t2/k/m\.ko would have one signature' 'that names both'
	# shellcheck disable=SC2086 # two
	fails 2 'nor attached' modseal attach --from "$T/one" $trees
	# shellcheck disable=SC2086 # two
	fails 2 'nor signed beside' env MODSEAL_AGENT="unix:$T/a/agent.sock" \
		modseal sign -r --detached --to "$T/one" $trees
done
is "$(cksum "$T"/t[12]/k/m.ko)" "$sums" 'they are as they were'
ok 'and no folder is made' test ! -e "$T/one"
ok 'beside each there is a place' modseal detach -q "$T/t1" "$T/t2"

# Hard links that a copy does not keep
mkdir -p "$T/h"
cp "$O" "$T/h/a.ko" && ln "$T/h/a.ko" "$T/h/b.ko"
MODSEAL_AGENT=unix:$T/a/agent.sock modseal sign -qr "$T/h"
mkdir "$T/copy" && cp "$T/h/a.ko" "$T/copy/a.ko" && cp "$T/h/b.ko" "$T/copy/b.ko"
for again in '' again; do
	ok "hard links are detached $again" modseal detach -q --to "$T/hs" "$T/h"
	is "$(cd "$T/hs" && echo *)" 'a.ko.p7s b.ko.p7s' 'each has a signature'
	is "$(stat -c %i "$T/h/a.ko")" "$(stat -c %i "$T/h/b.ko")" 'and they are one file'
	is "$(left_overs "$T")" '' 'nothing is left over'
	rm -rf "$T/plain" && mkdir "$T/plain"
	for f in a b; do cp "$T/h/$f.ko" "$T/plain/$f.ko"; done
	ok 'attach to a copy without links' modseal attach -q --from "$T/hs" "$T/plain"
	run diff -r "$T/plain" "$T/copy"
	is "$OUT" '' 'signs both'
	modseal attach -q --from "$T/hs" "$T/h"
done
cp "$O" "$T/h/a.ko" && ln -f "$T/h/a.ko" "$T/h/b.ko"
MODSEAL_AGENT=unix:$T/a/agent.sock modseal sign -qr --keep-detached "$T/h"
is "$(cd "$T/h" && echo ./*.p7s)" './a.ko.p7s ./b.ko.p7s' '--keep-detached: each has its own'

# A module that was signed twice, as the kernel's sign-file does
m=$T/m.ko
sig() { MODSEAL_AGENT=unix:$T/a/agent.sock modseal "$@"; }
cp "$O" "$m"
sig sign -q "$m"
cp "$m" "$T/once.ko"
tail -c +$(($(stat -c %s "$O") + 1)) "$m" >"$T/tail"
cat "$T/tail" >>"$m"
cp "$m" "$T/twice.ko"
ok 'detach two signatures' modseal detach -q "$m"
same "$m" "$O" 'both are gone'
ok 'attach them' modseal attach -q "$m"
same "$m" "$T/twice.ko" 'both are there'

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/k.key" -out "$T/k.pem" -days 9 \
	-subj /CN=k 2>/dev/null
if sign=$(sign_file); then
	cp "$O" "$T/theirs.ko" && cp "$O" "$T/ours.ko"
	"$sign" -d sha256 "$T/k.key" "$T/k.pem" "$T/ours.ko"
	"$sign" sha256 "$T/k.key" "$T/k.pem" "$T/theirs.ko"
	ok "what sign-file -d made" modseal attach -q --cert "$T/k.pem" "$T/ours.ko"
	same "$T/ours.ko" "$T/theirs.ko" 'is what sign-file makes'
	rm "$T/ours.ko.p7s"
	ok 'and is detached' modseal detach -q "$T/ours.ko"
	same "$T/ours.ko" "$O" 'byte for byte'
else
	skip 4 'no sign-file here'
fi

# refused STATUS WHY NAME COMMAND...: one sentence, the module as it was
refused() {
	local why=$1 name=$2 sum
	shift 2
	sum=$(cksum <"$m")
	fails 1 "$name" "$@" "$m"
	one_line "$ERR" 'one sentence'
	like "$ERR" "m\.ko: .*$why" 'that says why'
	is "$(cksum <"$m")" "$sum" 'the module is as it was'
	is "$(left_overs "$T")" '' 'nothing is left over'
}
cp "$O" "$m" && rm -f "$m.p7s"
refused 'has no signature' 'nothing to detach' modseal detach
refused 'm.ko.p7s: no such file' 'nothing to attach' modseal attach
echo nonsense >"$m.p7s"
refused 'not PKCS#7' 'nonsense' modseal attach
: >"$m.p7s"
refused 'not PKCS#7' 'an empty one' modseal attach
sig sign -q --detached "$m"
cp "$m.p7s" "$T/good.p7s"
head -c -1 "$T/good.p7s" >"$m.p7s"
refused 'not PKCS#7' 'a cut one' modseal attach
{ cat "$T/good.p7s" && echo; } >"$m.p7s"
refused 'not PKCS#7' 'one with a byte behind it' modseal attach
openssl cms -sign -binary -nodetach -in "$O" -signer "$T/k.pem" -inkey "$T/k.key" \
	-outform DER -out "$m.p7s" || bail_out 'no openssl cms'
refused 'not PKCS#7' 'one with content' modseal attach
cp "$T/good.p7s" "$m.p7s"
make_module "$T/another.ko" another
cp "$T/another.ko" "$m"
refused 'not over this module, or by another key' 'of another module' \
	modseal attach --cert "$T/dev.pem"
cp "$O" "$m"
refused 'not over this module, or by another key' 'by another key' \
	modseal attach --cert "$T/other.pem"
fails 1 'no certificate' modseal attach --cert "$T/none" "$m"
like "$ERR" 'none: no such file' 'and why'
sig sign -q --key other "$m"
refused 'has another signature already: use --replace' 'one that is signed' modseal attach
ok '--replace' modseal attach --replace "$m"
same "$m" "$T/once.ko" 'puts it in the place of the other'
printf '\1' | dd of="$m" bs=1 seek=$(($(stat -c %s "$O") + 3)) conv=notrunc status=none
rm "$m.p7s"
refused 'not understood' 'a damaged signature stays' modseal detach
ok 'and nothing is beside it' test ! -e "$m.p7s"
cp "$T/once.ko" "$m"
mkdir "$m.p7s"
refused 'its signature .*is a directory' 'no place for the signature' modseal detach
rmdir "$m.p7s"

# A tree in which some have none
rm -rf "$T/tree"
make_tree "$T/tree" 5
sig sign -q --detached "$T/tree/d0/e/m0.ko"
ok 'a tree with one signature' modseal attach "$T/tree"
like "$OUT" '^1 attached, 4 without a signature beside them' 'is counted'
fails 1 'a folder of signatures that is not there' modseal attach --from "$T/nowhere" "$T"
like "$ERR" 'nowhere: no such folder' 'is named'

# Leaf keys: the issuer's certificate is enough
export MODSEAL_AGENT=unix:$T/a/agent.sock
modseal key create issuer --custody leaf >/dev/null
modseal key cert issuer >"$T/issuer.pem"
cp "$O" "$m"
build=$(modseal build open --kernel 6.1.0-1-amd64 --key issuer)
modseal sign -q --key issuer --build "$build" --detached "$m"
ok 'by a leaf key' modseal attach -q --cert "$T/issuer.pem" "$m"
ok 'the verifier trusts it' modseal-verify verify --anchor "$T/issuer.pem" "$m"
done_testing
