#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A store that cannot be used: a clear sentence, no signature, and no new log over it.
. "$(dirname "$0")/lib.sh"

agent_start
make_module "$T/foo.ko" foo
cp "$T/foo.ko" "$T/x.ko"
ok 'a signature' modseal sign "$T/x.ko"
dev-agent agent-stop "$T/a"
db=$T/a/state/audit.db
sqlite3 "$db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
cp -a "$T/a/state" "$T/good"
said() { # PATTERN NAME: the agent does not start, and says why, once
	: >"$T/a/modseald.log"
	run dev-agent agent-start "$T/a"
	[ "$STATUS" != 0 ] && pass "$2: the agent does not start" ||
		fail "$2: the agent does not start"
	like "$(cat "$T/a/modseald.log")" "$1" "$2: and says why"
	dev-agent agent-stop "$T/a" >/dev/null 2>&1
}
back() {
	rm -rf "$T/a/state"
	cp -a "$T/good" "$T/a/state"
}

printf 'this is no database, but some text that is long enough to be looked at' >"$db"
rm -f "$db"-*
cp "$db" "$T/before"
said 'audit log .*audit.db: .*damaged or not modseal.s; restore it from a backup' 'no database'
same "$T/before" "$db" 'it is not written over'
back
dd if=/dev/urandom of="$db" bs=4096 seek=2 count=3 conv=notrunc 2>/dev/null
said 'audit log .*audit.db: .*restore it from a backup' 'a damaged database'
back
sqlite3 "$db" 'PRAGMA user_version=99' >/dev/null
said 'version 99 of the schema, .*install a newer modseald' 'a newer one'
back
sqlite3 "$db" "INSERT INTO build VALUES('b', 'nonsense')"
said 'cannot read the builds in the store' 'a build that cannot be read'
back
sqlite3 "$db" "UPDATE audit SET leaf = x'00' WHERE seq = 2"
said 'audit log .*audit.db' 'a damaged tree'
back
rm "$db"* && mkdir "$db"
said 'audit log .*audit.db' 'a folder in its place'
back
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m none "$T/a/state" 2>/dev/null; then
	at_exit umount -l "$T/a/state"
	cp -a "$T/good/." "$T/a/state/"
	mount -o remount,ro "$T/a/state"
	said 'cannot open .*: Read-only file system' 'a read-only file system'
	mount -o remount,rw "$T/a/state"
	ok 'once it is writable the agent starts' dev-agent agent-start "$T/a"
	cp "$T/foo.ko" "$T/y.ko"
	ok 'and signs' modseal sign "$T/y.ko"
	dd if=/dev/zero of="$T/a/state/fill" bs=1k 2>/dev/null
	for _ in {1..40}; do # until the log does not fit any more
		cp "$T/foo.ko" "$T/z.ko"
		run modseal sign "$T/z.ko"
		[ "$STATUS" = 0 ] || break
	done
	is "$STATUS" 1 'on a full disk nothing is signed'
	like "$ERR" 'audit log .*free space' 'and what would help is said'
	same "$T/foo.ko" "$T/z.ko" 'the file is as it was'
	rm "$T/a/state/fill"
	again() { modseal sign "$T/z.ko"; }
	ok 'with space it signs again, and nobody had to help' wait_for 20 again
	ok 'the log is good' modseal log verify
else
	pass 'a full and a read-only file system # SKIP takes root and tmpfs'
fi
done_testing
