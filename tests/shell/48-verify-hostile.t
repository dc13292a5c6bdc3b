#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify where somebody wants it to pass by a module, or to say nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
signed good sha256 "$T/good.ko"
REL=6.1.0-1-test
R=$T/root
TREE=$R/usr/lib/modules/$REL
mkdir -p "$TREE/kernel" "$R/opt/drivers" "$T/host"
ln -s usr/lib "$R/lib"
cp "$T/good.ko" "$TREE/kernel/ms_test.ko"
printf '%s = note\n' other-kernel duplicate-name not-listed missing-file >"$T/notes"

# scanned [OPTION...]: exit status, and the paths below the root that are not trusted
scanned() {
	modseal-verify scan --root "$R" --anchor "$T/good.crt" --policy "$T/notes" \
		--format jsonl "$@" "$REL" >"$T/scan" 2>"$T/scan.err"
	echo "$? $(jq -r 'select(.policy.verdict != "trusted").path' "$T/scan" |
		sed "s,^$R,," | sort | paste -sd' ')"
}
is "$(scanned)" '0 ' 'a good tree'

# ------------------------------------------------- what modprobe loads as well

printf '%s\n' 'kernel/ms_test.ko:' '/opt/drivers/evil.ko:' >"$TREE/modules.dep"
cp "$MODULE" "$R/opt/drivers/evil.ko"
is "$(scanned)" '1 /opt/drivers/evil.ko' 'modules.dep leads out of the tree'
printf '%s\n' 'kernel/ms_test.ko:' '/opt/drivers/gone.ko:' >"$TREE/modules.dep"
is "$(scanned)" '3 /opt/drivers/gone.ko' 'and to nothing'
printf '%s' "/lib/modules/$REL/kernel/ms_test.ko:" >"$TREE/modules.dep"
is "$(scanned)" '0 ' 'or back into the tree, without an end of its line'
rm "$TREE/modules.dep"
mkdir "$TREE/modules.dep"
is "$(scanned)" "3 /usr/lib/modules/$REL/modules.dep" 'it cannot be read'
rmdir "$TREE/modules.dep"

ln -s /opt/drivers "$TREE/updates"
is "$(scanned)" "1 /usr/lib/modules/$REL/updates/evil.ko" \
	'a link to a directory is followed, as depmod does, and below the root'
is "$(scanned --cache "$T/host/cache")" "1 /usr/lib/modules/$REL/updates/evil.ko" \
	'with a cache, too'
mkdir "$R/opt/drivers/below"
ln -s .. "$R/opt/drivers/below/up"
ln -s loop "$TREE/loop"
ln -s . "$TREE/kernel/self"
is "$(scanned | cut -d' ' -f1)" 3 'a link behind a link, and one to itself'
rm -r "$R/opt/drivers/below" "$TREE/loop" "$TREE/kernel/self" "$TREE/updates"
ln -s "$T/host" "$TREE/build"
cp "$MODULE" "$T/host/unsigned.ko"
is "$(scanned)" '0 ' 'but not to what it was built with'

# The root's links are about the root: what is good here may be bad there.
mkdir -p "$R$T/host"
cp "$T/good.ko" "$T/host/x.ko"
cp "$MODULE" "$R$T/host/x.ko"
ln -s "$T/host/x.ko" "$TREE/kernel/x.ko"
is "$(scanned)" "1 /usr/lib/modules/$REL/kernel/x.ko" 'a link that is good here alone'
rm "$R$T/host/x.ko"
is "$(scanned)" "3 /usr/lib/modules/$REL/kernel/x.ko" 'or is here alone'
ln -sf "../../../../../../../../../../../../../../../..$T/host/x.ko" "$TREE/kernel/x.ko"
is "$(scanned)" "3 /usr/lib/modules/$REL/kernel/x.ko" 'nor does .. leave it'
rm "$TREE/kernel/x.ko"

# ---------------------------------------------------------- where it is said

for f in table json jsonl sarif html prometheus; do
	fails 3 "$f: no room" sh -c "modseal-verify verify --all --format $f \
		--anchor '$T/good.crt' '$T/good.ko' >/dev/full"
done
fails 3 'help: no room' sh -c 'modseal-verify --help >/dev/full'
fails 3 'version: no room' sh -c 'modseal-verify --version >/dev/full'
fails 3 'no standard output' sh -c "modseal-verify verify --all \
	--anchor '$T/good.crt' '$T/good.ko' >&-"
E=$'a\e[31m\nb\xe2\x80\xaec\xff'
for v in verify attestation; do
	fails 2 "$v: an option that is none" modseal-verify "$v" "--$E" "$T/good.ko"
	unlike "$ERR" $'[\e\xe2\xff]' 'is not printed as it is'
done
fails 2 'nor a value that is missing' modseal-verify verify --anchor

# --------------------------------------------------- with too little of something

mkdir "$T/many"
for i in {1..40}; do cp "$T/good.ko" "$T/many/m$i.ko"; done
for n in 3 4 5; do
	(
		ulimit -n $n
		exec modseal-verify verify -j4 --anchor "$T/good.crt" "$T/many"
	) >"$T/few" 2>&1
	rc=$?
	if [ $rc = 0 ]; then
		like "$(<"$T/few")" '40 trusted' "$n descriptors: all of it"
	else
		isnt "$rc" 1 "$n descriptors: not done"
	fi
done

# ---------------------------------------------------------------- the end of tar

mkdir -p "$T/tar/lib/modules"
cp "$T/good.ko" "$T/tar/lib/modules/good.ko"
cp "$MODULE" "$T/tar/lib/modules/evil.ko"
tar -C "$T/tar" -cf "$T/good.tar" lib/modules/good.ko
tar -C "$T/tar" -cf "$T/evil.tar" lib/modules/evil.ko
cat "$T/good.tar" "$T/evil.tar" >"$T/both.tar"
ok 'a tar archive' modseal-verify verify --anchor "$T/good.crt" "$T/good.tar"
fails 1 'and another behind its end' modseal-verify verify --anchor "$T/good.crt" "$T/both.tar"
{ cat "$T/good.tar"; echo garbage; } >"$T/more.tar"
fails 3 'or something else' modseal-verify verify --anchor "$T/good.crt" "$T/more.tar"

# ----------------------------------------------------------------- the rest

if [ -r /proc/version ] && [ "$(stat -c %s /proc/version)" = 0 ]; then
	fails 3 'a file that has more than its size' modseal-verify verify --format jsonl \
		--anchor "$T/good.crt" /proc/version
	is "$(jq -r '.policy.findings[].code' <<<"$OUT")" changed-while-read 'has changed'
else
	skip 2 'there is no /proc/version'
fi
for code in $(modseal-verify verify --format sarif --anchor "$T/good.crt" "$T/good.ko" |
	jq -r '.runs[0].tool.driver.rules[].id'); do
	grep -q "^| \`$code\` | .*test_\|^| \`$code\` | .*\.t" docs/HACKING.md || echo "$code"
done >"$T/untested"
is "$(<"$T/untested")" '' 'each finding has a test, which docs/HACKING.md names'

done_testing
