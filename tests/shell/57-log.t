#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The audit log: proofs, export, and whatever can be done to a log behind the agent's back.
. "$(dirname "$0")/lib.sh"

export XDG_STATE_HOME=$T/seen
agent_start
db=$T/a/state/audit.db
api() { # METHOD PATH
	curl -sS --max-time 20 -X "$1" --unix-socket "$T/a/agent.sock" "http://modseal$2"
}
sql() { sqlite3 "$db" "$1"; }
stop() { dev-agent agent-stop "$T/a"; }
start() { dev-agent agent-start "$T/a"; }
signed() { # N: the newest checkpoint covers at least N entries
	[ "$(api GET /v1/log/checkpoint | sed -n 2p)" -ge "$1" ] 2>/dev/null
}
whole() { # every entry has its checkpoint
	signed "$(api GET /v1/status | jq .store.entries)"
}
# What was there is kept and comes back for the next test.
save() {
	stop
	rm -rf "$T/saved"
	cp -a "$T/a/state" "$T/saved"
	cp -a "$T/a/tpm" "$T/saved.tpm.new"
	rm -rf "$T/saved.tpm" && mv "$T/saved.tpm.new" "$T/saved.tpm"
}
put_back() {
	stop
	dev-agent tpm-stop "$T/a"
	rm -rf "$T/a/state" "$T/a/tpm" "$XDG_STATE_HOME"
	cp -a "$T/saved" "$T/a/state"
	cp -a "$T/saved.tpm" "$T/a/tpm"
	dev-agent tpm-start "$T/a"
}
tampered() { # SQL PATTERN NAME
	put_back
	sql "$1"
	start
	wait_for 20 signed 1
	run modseal log verify
	is "$STATUS" 1 "$3: verify fails"
	like "$OUT" "$2" "$3: and says what it is"
}

stop
sed -i '/^\[agent\]/a log-interval = 1' "$T/a/modseald.conf"
start
make_module "$T/foo.ko" foo
for _ in {1..6}; do modseal sign --key dev "$T/foo.ko" >/dev/null; done
ok 'a checkpoint comes by itself' wait_for 20 whole

run modseal log verify
is "$STATUS" 0 'an honest log is good'
like "$OUT" '^good: [0-9]+ entries' 'and says how long it is'
like "$ERR" 'compare it' 'the first time its key is taken on trust, and that is said'
run modseal log verify
is "$ERR" '' 'and remembered'
n=$(modseal log show | wc -l)
is "$(modseal log show --from 3 -n 2 | cut -d' ' -f1 | tr '\n' ' ')" '3 4 ' 'a part of it'
is "$(modseal log tail -n 1 | cut -d' ' -f1)" "$n" 'the end of it'
is "$(modseal log search --module foo --event sign | wc -l)" 6 'search by module'
is "$(modseal log search --module bar | wc -l)" 0 'and by one that is not there'
is "$(modseal log search --since 2999-01-01 | wc -l)" 0 'and by time'

# Proofs, checked by another program from what the API gives.
ok 'a proof for each entry' bash -c "for i in \$(seq $n); do modseal log proof \$i || exit; done"
fails 1 'and none for what is not there' modseal log proof $((n + 1))
modseal log proof 4 --json >"$T/proof"
sql "SELECT record FROM audit WHERE seq = 4" | head -c -1 >"$T/record"
ok 'the proof holds by Python, too' python3 - "$T/proof" "$T/record" <<'END'
import base64, hashlib, json, sys
p = json.load(open(sys.argv[1]))
h = lambda b: hashlib.sha256(b).digest()
node = h(b'\0' + open(sys.argv[2], 'rb').read())
fn, sn = p['entry'] - 1, p['size'] - 1
for x in p['hashes']:
    x = bytes.fromhex(x)
    if fn & 1 or fn == sn:
        node = h(b'\1' + x + node)
        while fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
    else:
        node = h(b'\1' + node + x)
    fn, sn = fn >> 1, sn >> 1
assert base64.b64encode(node).decode() == p['checkpoint'].split('\n')[2], 'root'
END
# The note by openssl: text, blank line, signature; the key from the verifier key.
api GET /v1/log/checkpoint >"$T/note"
api GET /v1/log/vkey >"$T/vkey"
sed '/^$/,$d' "$T/note" >"$T/text"
tail -n 1 "$T/note" | cut -d' ' -f3 | base64 -d | tail -c 64 >"$T/sig"
(printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'
	cut -d+ -f3- "$T/vkey" | base64 -d | tail -c 32) >"$T/pub.der"
ok 'the checkpoint is signed by the log key, says openssl' openssl pkeyutl -verify -rawin \
	-pubin -inkey "$T/pub.der" -keyform DER -in "$T/text" -sigfile "$T/sig"
api GET "/v1/log/tile/0/000.p/$n" >"$T/tile"
is "$(head -c 128 "$T/tile" | tail -c 32 | xxd -p -c 64)" "$(jq -r .leaf "$T/proof")" \
	'a tile has the leaves'
is "$(api GET /v1/log/tile/0/001 | jq -r .code)" no-tile 'there is no tile past the end'
is "$(api GET /v1/log/tile/../../etc | jq -r .code)" no-route 'and no way out of the tiles'
is "$(api GET '/v1/log/proof?entry=0' | jq -r .code)" bad-request 'entries count from 1'
is "$(api GET "/v1/log/consistency?from=2&to=$n" | jq '.hashes | length > 0')" true \
	'consistency proofs'

# Exported, it is checked without the agent.
ok 'export' modseal log export "$T/log"
ok 'checked offline' modseal log verify --export "$T/log" --vkey "$T/vkey" \
	--checkpoint "$T/note" --agent unix:/nonexistent
sed '5s/"foo"/"bar"/' "$T/log" >"$T/log2"
fails 1 'a changed exported entry' modseal log verify --export "$T/log2"
sed '4d' "$T/log" >"$T/log2"
run modseal log verify --export "$T/log2"
like "$OUT" 'entry 3 is missing' 'one that is missing'
sed '4{h;d};5{G}' "$T/log" >"$T/log2"
run modseal log verify --export "$T/log2"
like "$OUT" 'reordered' 'two that changed places'
sed '4p' "$T/log" >"$T/log2"
run modseal log verify --export "$T/log2"
like "$OUT" 'inserted' 'one that was put in'
sed '$d' "$T/log" >"$T/log2"
run modseal log verify --export "$T/log2"
like "$OUT" 'some at the end are missing' 'the end cut off'
sed '3s/{/[/' "$T/log" >"$T/log2"
run modseal log verify --export "$T/log2"
like "$OUT" 'cannot be read' 'one that is none'
echo 'vm/x+00000000+AAAA' >"$T/bad"
fails 2 'a key that is none' modseal log verify --export "$T/log" --vkey "$T/bad"
fails 2 'a file that is no log' modseal log verify --export "$T/note"

# The database changed with sqlite3 while the agent was down.
save
tampered "UPDATE audit SET record = CAST(replace(record, 'foo', 'bar') AS BLOB) WHERE seq = 4" \
	'entry 4 was changed' 'a changed entry'
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
ok 'a longer log' "$BUILD/tests/tools/log-grow" "$db" 700
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

# Who may read it.
if [ "$(id -u)" = 0 ]; then
	nobody() {
		chmod 755 "$T" "$T/a"
		setpriv --reuid 65534 --clear-groups curl -sS --max-time 20 \
			--unix-socket "$T/a/agent.sock" "http://modseal$1"
	}
	is "$(nobody /v1/log/entries | jq -r .code)" not-auditor 'not everybody may read the log'
	is "$(nobody /v1/log/checkpoint | jq -r .code)" not-auditor 'nor its checkpoints'
	is "$(modseal log search --identity uid:65534 --event refuse | wc -l)" 2 \
		'and who tried is in it'
	stop
	sed -i '/^\[agent\]/a auditors = uid:65534' "$T/a/modseald.conf"
	start
	is "$(nobody /v1/log/entries | wc -l)" "$(modseal log show | wc -l)" 'an auditor may'
	is "$(nobody '/v1/keys/dev/sign' | jq -r .code)" bad-method 'and nothing more'
fi

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
