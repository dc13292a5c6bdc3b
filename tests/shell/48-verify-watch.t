#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal-verify watch: events of a kernel that we play, and a tree that really changes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"
command -v python3 >/dev/null || skip_all 'python3 is not installed'

R=6.1.0-56-amd64
ROOT=$T/root
M=$ROOT/lib/modules/$R
mkdir -p "$ROOT/proc/sys/kernel" "$ROOT/sys/module" "$M/kernel" "$T/aside"
echo $R >"$ROOT/proc/sys/kernel/osrelease"
new_key good rsa:2048
signed good sha256 "$T/good.ko"
cp "$T/good.ko" "$M/kernel/ms-test.ko"
id=$(readelf -n "$MODULE" | sed -n 's/.*Build ID: //p')

# load NAME BUILD-ID: as /sys shows it
load() {
	mkdir -p "$ROOT/sys/module/$1/notes"
	echo live >"$ROOT/sys/module/$1/initstate"
	: >"$ROOT/sys/module/$1/taint"
	{
		printf '\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0'
		xxd -r -p <<<"$2"
	} >"$ROOT/sys/module/$1/notes/.note.gnu.build-id"
}

# start: the watcher; what fd 9 is told happens
start() {
	rm -f "$T/ctl"
	mkfifo "$T/ctl"
	: >"$T/events"
	: >"$T/watch.err"
	python3 "$TOP/tests/tools/uevents.py" modseal-verify watch --root "$ROOT" \
		--anchor "$T/good.crt" --no-stored <"$T/ctl" >"$T/events" 2>"$T/watch.err" &
	WATCH=$!
	exec 9>"$T/ctl"
	wait_for 20 grep -q ': watching ' "$T/watch.err" || bail_out "$(cat "$T/watch.err")"
	SEEN=0
}

# event FILTER WANT NAME: the event that comes next
event() {
	SEEN=$((SEEN + 1))
	wait_for 20 eval "[ \"\$(wc -l <'$T/events')\" -ge $SEEN ]"
	is "$(sed -n "${SEEN}p" "$T/events" | jq -r "$1" | paste -sd' ')" "$2" "$3"
}

start
like "$(cat "$T/watch.err")" "watching loads and files below $M\$" 'says what it watches'
load ms_test "$id"
echo 'add ms_test' >&9
event '.event, .name, .path, .policy.verdict, .kernel.profile' \
	"load ms_test $M/kernel/ms-test.ko trusted 6.1" 'a load'
like "$(sed -n 1p "$T/events" | jq -r .time)" "^20[0-9]{2}-[0-9-]+T[0-9:]+Z\$" \
	"with its time"
load evil aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00
echo 'add evil' >&9
event '.event, .name, .policy.verdict, .policy.findings[].code' \
	'load evil findings loaded-no-file' 'of a module without a file'
echo 'add gone' >&9
event '.event, .name, .policy.verdict' 'load gone unchecked' \
	'of one that has gone again'
echo 'raw 00' >&9
echo "raw $(printf 'add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=usb\0' |
	xxd -p | tr -d '\n')" >&9
echo "raw $(printf 'add@/module/../x\0ACTION=add\0DEVPATH=/module/../x\0SUBSYSTEM=module\0' |
	xxd -p | tr -d '\n')" >&9
echo 'remove ms_test' >&9
event '.event, .name, .path, .kernel.verdict' 'unload ms_test null null' \
	'an unload; what came before it was none'

cp "$MODULE" "$T/aside/plain.ko"
mv "$T/aside/plain.ko" "$M/kernel/plain.ko"
event '.event, .path, .policy.findings[0].code' \
	"file-written $M/kernel/plain.ko unsigned" 'a file comes'
cp "$T/good.ko" "$M/kernel/plain.ko"
event '.event, .policy.verdict' 'file-written trusted' 'and is written'
rm "$M/kernel/plain.ko"
event '.event, .path, .policy.verdict' "file-removed $M/kernel/plain.ko unchecked" \
	'and goes'
echo x >"$M/kernel/notes.txt"
mkdir -p "$T/aside/deep/er"
cp "$MODULE" "$T/aside/deep/er/new.ko"
mv "$T/aside/deep" "$M/updates"
event '.event, .path' "file-written $M/updates/er/new.ko" \
	'a folder comes; other files do not matter'
cp "$T/good.ko" "$M/updates/er/new.ko"
event '.event, .path' "file-written $M/updates/er/new.ko" 'and is watched'
ln -s /none "$M/updates/link.ko"
event '.event, .policy.verdict' 'file-removed unchecked' 'a link to nothing'
printf 'x' >"$M/$(printf 'a\033[31mb.ko')"
event '.path' "$M/a\\x1b[31mb.ko" 'control characters are escaped'

exec 9>&-
wait "$WATCH"
is "$?" 0 'SIGTERM ends it cleanly'
is "$(wc -l <"$T/events")" "$SEEN" 'and there was nothing else'
is "$(jq -s 'all(has("event") and has("time") and has("policy") and has("kernel"))' \
	"$T/events")" true 'each line has all members'

start
echo close >&9
wait "$WATCH"
is "$?" 3 'without events it does not go on'
like "$(tail -n1 "$T/watch.err")" 'nobody tells of loads any more' 'and says why'
exec 9>&-

mv "$ROOT/lib" "$ROOT/nolib"
start
like "$(cat "$T/watch.err")" 'files are not seen: no modules of kernel' 'without a tree'
exec 9>&-
wait "$WATCH"
is "$?" 0 'loads are seen'
fails 2 'no descriptor' modseal-verify watch --root "$ROOT" --anchor "$T/good.crt" \
	--uevents 99
fails 2 'an operand' modseal-verify watch --root "$ROOT" --anchor "$T/good.crt" x
done_testing
