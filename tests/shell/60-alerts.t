#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Alerts: each kind, with a real command; a command that hangs or fails; how often it runs.
. "$(dirname "$0")/lib.sh"

agent_start
mkdir "$T/got"
cat >"$T/on-alert" <<'END'
#!/bin/bash
# Keeps what it gets, one file an alert: DIR/KIND.N
event=$(cat) dir=$1
kind=$(jq -r .alert <<<"$event")
n=$(find "$dir" -name "$kind.*" | wc -l)
printf '%s\n' "$event" >"$dir/.new.$kind"
env >"$dir/.env"
ls -l /proc/self/fd >"$dir/.fds"
grep -E 'NoNewPrivs|CapEff' /proc/self/status >"$dir/.status"
mv "$dir/.new.$kind" "$dir/$kind.$n"
[ ! -e "$dir/hang-$kind" ] || { echo $$ >"$dir/hang.pid"; sleep 1000 & sleep 1000; }
[ ! -e "$dir/fail-$kind" ] || exit 7
END
chmod +x "$T/on-alert"
night=$(date -u -d '+6 hours' +%H:%M)-$(date -u -d '+7 hours' +%H:%M)
cat >"$T/new.conf" <<END
$(sed "s/^admins.*/&\nlog-check = 1s\nlog-interval = 1/" "$T/a/modseald.conf" |
	sed '/^\[rule dev\]/,$d')
[rule night]
who = uid:$(id -u)
key = owl
when = $night

[rule dev]
who = uid:$(id -u)
key = dev soon resident

[alert]
command = $T/on-alert $T/got
timeout = 5s
repeat = 1s
refused = 5/minute
expiry = 20d
END
cp "$T/new.conf" "$T/a/modseald.conf"
chmod 600 "$T/a/modseald.conf"
SECRET=do-not-tell dev-agent agent-stop "$T/a"
SECRET=do-not-tell dev-agent agent-start "$T/a"
ok 'modseald takes the configuration' modseald -t -c "$T/a/modseald.conf"
got() { # KIND [N]: its event, once it is there
	wait_for 20 test -e "$T/got/$1.${2:-0}" && cat "$T/got/$1.${2:-0}"
}
count() { find "$T/got" -name "$1.*" | wc -l; }
metric() { modseal metrics | awk -v want="$1" '$1 == want { print $2 }'; }
is_metric() { [ "$(metric "$1")" = "$2" ]; }
make_module "$T/m.ko"

# A key about to expire; nothing for the one that is not.
ok 'a key whose certificate ends soon' modseal key create soon --alg p256 --days 5
ok 'a key with hours' modseal key create owl --alg p256
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
run got key-expiry
is "$(jq -c '[.keys[].name]' <<<"$OUT")" '["soon"]' 'key-expiry: names the key that is about to'
is "$(jq -r '.alert, .events' <<<"$OUT" | tr '\n' ' ')" 'key-expiry 1 ' 'with kind and count'
like "$(jq -r .time <<<"$OUT")" '^20[0-9-]+T[0-9:]+Z$' 'and time'
like "$(jq -r .message <<<"$OUT")" 'soon' 'and a sentence'

# What the command is given, and what not.
unlike "$(cat "$T/got/.env")" 'SECRET|NOTIFY|CREDENTIALS|JOURNAL' 'nothing of the environment'
like "$(cat "$T/got/.env")" 'PATH=/usr' 'but a PATH'
is "$(grep -c -e '-> ' "$T/got/.fds")" 4 'no descriptor but the three (and that of ls itself)'
like "$(cat "$T/got/.status")" 'NoNewPrivs:[[:space:]]*1' 'no new privileges'

# Outside the hours.
fails 1 'the key signs at night only' modseal sign --key owl "$T/m.ko"
run got outside-hours
is "$(jq -r '.key + " " + .identity' <<<"$OUT")" "owl uid:$(id -u)" \
	'outside-hours: says which key, and who'
request=$(jq -r .request <<<"$OUT")
modseal log search --event refuse --json >"$T/refusals"
is "$(jq -r .entry.request "$T/refusals" | grep -cx "$request")" 1 'and which record'

# Refusals above a rate.
is "$(count refused)" 0 'one refusal is no alert'
for _ in 1 2 3 4; do modseal sign --key nobody "$T/m.ko" >/dev/null 2>&1; done
run got refused
is "$(jq -r '(.count | tostring) + " " + .code' <<<"$OUT")" '5 no-such-key' \
	'refused: five within a minute are one'

# A process that dies.
kill -9 "$(agent_process key)"
run got process
is "$(jq -r .process <<<"$OUT")" key 'process: the key process was killed'
ok 'and is there again' wait_for 20 modseal sign "$T/m.ko"

# One that hangs is killed with all that it started, and nobody waits for it.
touch "$T/got/hang-outside-hours"
modseal sign --key owl "$T/m.ko" >/dev/null 2>&1
got outside-hours 1 >/dev/null
wait_for 20 test -s "$T/got/hang.pid"
ok 'signing goes on' modseal sign "$T/m.ko"
ok 'while the command hangs' kill -0 "$(cat "$T/got/hang.pid")"
is "$(metric 'modseal_alerts_total{kind="outside-hours",result="killed"}')" 0 'it still hangs'
for _ in 1 2 3; do modseal sign --key owl "$T/m.ko" >/dev/null 2>&1; done
is "$(count outside-hours)" 2 'one at a time of a kind'
ok 'at its deadline it is killed' wait_for 15 is_metric \
	'modseal_alerts_total{kind="outside-hours",result="killed"}' 1
ok 'and what it started' wait_for 15 gone "$(cat "$T/got/hang.pid")"
all_gone() {
	local pid
	for pid in $(pgrep -g "$(cat "$T/got/hang.pid")"); do gone "$pid" || return 1; done
}
ok 'all of it' wait_for 15 all_gone
rm "$T/got/hang-outside-hours"
is "$(got outside-hours 2 | jq .events)" 3 'what waited comes as one, and is counted'

# One that fails.
touch "$T/got/fail-outside-hours"
modseal sign --key owl "$T/m.ko" >/dev/null 2>&1
ok 'a command that fails is counted' wait_for 15 is_metric \
	'modseal_alerts_total{kind="outside-hours",result="failed"}' 1
like "$(cat "$T/a/modseald.log")" 'alert command \(outside-hours\) failed: exit status 7' \
	'and logged'

# The log: first nothing, then an old entry changed behind the agent's back.
checked() { [ "$(modseal status --json | jq .log.checked)" -gt 0 ]; }
ok 'the log is checked by itself' wait_for 20 checked
is "$(count log)" 0 'and good'
is "$(metric modseal_log_ok)" 1 'as the metrics say'
sqlite3 "$T/a/state/audit.db" ".timeout 10000" \
	"UPDATE audit SET record = CAST(replace(record, 'dev', 'vip') AS BLOB) WHERE seq = 2" ||
	fail 'an entry can be changed'
run got log
like "$(jq -r .message <<<"$OUT")" 'entry 2 is missing, or not what it was' 'log: says which entry'
is "$(metric modseal_log_ok)" 0 'log: in the metrics'
is "$(modseal status --json | jq -r .log.state)" alarm 'log: in the status'
ok 'log: and in the log itself' wait_for 10 sh -c \
	'modseal log search --event log-alarm --json | grep -q self-check'

# The TPM.
is "$(count tpm)" 0 'the TPM has not failed so far'
dev-agent tpm-stop "$T/a"
modseal key create other --alg p256 >/dev/null 2>&1
run got tpm
like "$(jq -c .failures <<<"$OUT")" '"gone":[0-9]|"error":[0-9]' 'tpm: says how it failed'
ok 'tpm: an unsealed key goes on signing' modseal sign "$T/m.ko"
dev-agent tpm-start "$T/a"

# Without a command they are in the log; kinds that are not wanted are nowhere.
sed -i -e '/^command/d' -e 's/^refused = .*/on = refused/' -e 's/^repeat.*/refused = 2\/minute/' \
	"$T/a/modseald.conf"
ok 'another configuration' modseal reload
before=$(count outside-hours)
for _ in 1 2 3; do modseal sign --key owl "$T/m.ko" >/dev/null 2>&1; done
logged() { grep -q 'alert alert=refused event=.*"count":2' "$T/a/modseald.log"; }
ok 'without a command there is a line' wait_for 10 logged
is "$(count outside-hours)" "$before" 'and nothing is run'

# Mistakes in the configuration.
bad() { # LINE PATTERN NAME
	printf '[alert]\n%s\n' "$1" >"$T/bad.conf"
	fails 1 "$3" modseald -t -c "$T/bad.conf"
	like "$ERR" "$2" 'and says what is meant'
}
bad 'command = mail root' 'bad.conf:2: command: mail is not an absolute path' \
	'a command without a path'
bad 'timeout = 2h' 'timeout: 2h is not a time from 1s to 600s' 'a timeout of hours'
bad 'on = refusd' 'refusd is not an alert: there are refused' 'an unknown kind'
bad 'refused = 5/hour' '5/hour is not off or NUMBER/minute' 'a rate by the hour'
bad 'comand = /bin/true' 'did you mean command' 'a misspelt setting'
done_testing
