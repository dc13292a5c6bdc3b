# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# An agent whose checkpoints come every second, with a few entries; for the tests of the log.
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
has_key() { # the log's key is loaded: it can be verified
	api GET /v1/log/vkey | grep -q '+'
}
whole() { # every entry has its checkpoint
	signed "$(api GET /v1/status | jq .store.entries)" && has_key
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
	wait_for 20 has_key
	run modseal log verify
	is "$STATUS" 1 "$3: verify fails" || diag "$ERR"
	like "$OUT" "$2" "$3: and says what it is"
}

stop
sed -i '/^\[agent\]/a log-interval = 1' "$T/a/modseald.conf"
start
make_module "$T/foo.ko" foo
for _ in {1..6}; do modseal sign --key dev "$T/foo.ko" >/dev/null; done
ok 'a checkpoint comes by itself' wait_for 20 whole
