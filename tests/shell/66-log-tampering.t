#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The audit log: whatever can be done to it behind the agent's back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/log.sh"

# The database changed with sqlite3 while the agent was down.
save
tampered "UPDATE audit SET record = CAST(replace(record, 'foo', 'bar') AS BLOB) WHERE seq = 5" \
	'entry 5 was changed' 'a changed entry'
put_back
sql 'DELETE FROM audit WHERE seq = 2'
fails 1 'an entry that the tree grows from was deleted: the agent does not go on' start
tail -n 1 "$T/a/modseald.log" >"$T/said"
like "$(cat "$T/said")" 'records or hashes at its end are missing' 'and says why'
tampered "CREATE TEMP TABLE t AS SELECT * FROM audit WHERE seq IN (3, 4);
	UPDATE audit SET record = (SELECT record FROM t WHERE t.seq = 7 - audit.seq),
		leaf = (SELECT leaf FROM t WHERE t.seq = 7 - audit.seq) WHERE seq IN (3, 4)" \
	'not those that the checkpoint|alarm' 'two entries swapped'
tampered "UPDATE audit SET seq = -seq WHERE seq > 4; UPDATE audit SET seq = 1 - seq WHERE seq < 0;
	INSERT INTO audit SELECT 5, time_us, event, key, identity, request_id, leaf, record
	FROM audit WHERE seq = 4" 'alarm' 'an inserted entry'
tampered 'DELETE FROM audit WHERE seq > (SELECT max(seq) - 2 FROM audit)' \
	'alarm of the agent: the [0-9]+ entries' 'the end cut off'
tampered 'DELETE FROM checkpoint' 'alarm of the agent: there is no checkpoint' \
	'checkpoints deleted'

# Deep in a longer log, where the agent has no reason to look.
put_back
ok 'a longer log' "$BUILD/tests/tools/log-grow" "$T/a/state/audit.db" 700
start
wait_for 20 signed 701
ok 'a longer log is good' modseal log verify
ok 'and has proofs' modseal log proof 300
save
tampered 'DELETE FROM audit WHERE seq = 100' 'entry 100 is missing' 'one of many deleted'
tampered 'DELETE FROM audit WHERE seq BETWEEN 100 AND 120' 'entries 100 to 120 are missing' \
	'some of many deleted'
tampered "UPDATE audit SET record = CAST(replace(record, 'dev', 'vip') AS BLOB) WHERE seq = 300" \
	'entry 300 was changed' 'one of many changed'
leaf=$( (printf '\0'; sql 'SELECT record FROM audit WHERE seq = 300' | head -c -1 |
	sed 's/dev/vip/') | sha256sum | cut -c1-64)
tampered "UPDATE audit SET record = CAST(replace(record, 'dev', 'vip') AS BLOB),
	leaf = x'$leaf' WHERE seq = 300" 'one of the entries 257 to 512 was changed' \
	'one of many changed with its hash'
tampered "UPDATE audit SET seq = -seq WHERE seq > 300;
	UPDATE audit SET seq = 1 - seq WHERE seq < 0;
	INSERT INTO audit SELECT 301, time_us, event, key, identity, request_id, leaf, record
	FROM audit WHERE seq = 300" 'not those that the checkpoint signed|alarm' \
	'one of many inserted'

# An older copy of the whole database put back: the TPM remembers.
put_back
start
modseal sign --key dev "$T/foo.ko" >/dev/null
wait_for 20 whole
modseal log verify >/dev/null 2>&1
stop
rm -f "$T/a/state/audit.db"*
cp -a "$T/saved/"audit.db* "$T/a/state/"
start
wait_for 20 whole
run modseal log verify
is "$STATUS" 1 'an older database: verify fails'
like "$OUT" 'an older log was put back' 'an older database: and says what it is'
like "$OUT" 'fork|rollback: the checkpoint seen last time' 'who saw the later one sees it too'

# The TPM put back as well: nothing here can tell, but who has seen more.
put_back
start
wait_for 20 whole
modseal log verify >/dev/null 2>&1
modseal sign --key dev "$T/foo.ko" >/dev/null
wait_for 20 whole
modseal log verify >/dev/null 2>&1
cp -a "$XDG_STATE_HOME" "$T/seen.kept"
put_back
cp -a "$T/seen.kept" "$XDG_STATE_HOME"
start
wait_for 20 whole
run modseal log verify
is "$STATUS" 1 'database and TPM put back: verify fails'
like "$OUT" 'seen last time' 'database and TPM put back: the last seen checkpoint tells'

# The TPM alone put back: its counter is behind the log.
put_back
start
modseal sign --key dev "$T/foo.ko" >/dev/null
wait_for 20 whole
stop
dev-agent tpm-stop "$T/a"
rm -rf "$T/a/tpm"
cp -a "$T/saved.tpm" "$T/a/tpm"
dev-agent tpm-start "$T/a"
start
wait_for 20 whole
run modseal log verify
is "$STATUS" 1 'an older TPM: verify fails'
like "$OUT" 'counter is at' 'an older TPM: and says what it is'

# kill -9 between commits and checkpoints is no finding.
put_back
start
for _ in {1..4}; do
	modseal sign --key dev "$T/foo.ko" >/dev/null
	dev-agent agent-kill "$T/a"
	start
done
wait_for 20 whole
run modseal log verify
is "$STATUS" 0 'killed again and again: the log is good'
diag "$OUT$ERR"

# Without a TPM signing goes on, and nothing is signed as a checkpoint.
before=$(api GET /v1/log/checkpoint | sed -n 2p)
dev-agent tpm-stop "$T/a"
ok 'modules are signed while the TPM is away' modseal sign --key dev "$T/foo.ko"
run modseal log verify
is "$STATUS" 3 'what could not be checked is no success'
is "$(api GET /v1/log/checkpoint | sed -n 2p)" "$before" 'checkpoints wait'
dev-agent tpm-start "$T/a"
ok 'and come when it is back' wait_for 30 signed $((before + 1))
ok 'good again' modseal log verify
done_testing
