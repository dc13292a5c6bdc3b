#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# policy check, policy explain, reload: all of it or nothing.
. "$(dirname "$0")/lib.sh"

agent_start
make_module "$T/foo.ko" foo
conf=$T/a/modseald.conf
uid=$(id -u)
records() { sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit $1"; }
whoami_groups() { modseal whoami --json | jq -r '.groups | join(" ")'; }
log_has() { grep -q "$1" "$T/a/modseald.log"; }

# reload
printf '[group ops]\nmembers = uid:%s\n[rule extra]\nwho = group:ops\nkey = dev\n' "$uid" >>"$conf"
is "$(whoami_groups)" '' 'a changed file alone changes nothing'
ok 'it is read again' modseal reload
like "$OUT" '2 rules' 'and the answer says what there is now'
is "$(whoami_groups)" ops 'then it holds'
cp "$conf" "$T/good"
echo 'whoo = uid:1' >>"$conf"
fails 1 'one that is wrong is refused' modseal reload
like "$ERR" 'modseald.conf:[0-9]+: unknown setting whoo' 'with line and word'
is "$(whoami_groups)" ops 'and nothing changed'
sed 's/^deadline = .*/deadline = 11/' "$T/good" >"$conf"
fails 1 'a setting that takes a restart is refused' modseal reload
like "$ERR" 'deadline.*restart' 'by its name'
rm "$conf"
fails 1 'no file at all' modseal reload
is "$(whoami_groups)" ops 'is no empty configuration'
sed 's/^\[group ops/[group sre/; s/group:ops/group:sre/' "$T/good" >"$conf"
read -r pid _ <"$T/a/modseald.pid"
kill -HUP "$pid"
changed() { [ "$(whoami_groups)" = sre ]; }
ok 'SIGHUP does the same' wait_for 20 changed
echo broken >>"$conf"
kill -HUP "$pid"
ok 'and says in the log what is wrong' wait_for 20 log_has 'stays as it was.*modseald.conf'
is "$(whoami_groups)" sre 'and nothing changed'
is "$(records "WHERE event = 'config-reload'" | jq -r .result | sort | uniq -c | tr -s ' \n' ' ')" \
	' 2 done 4 refused ' 'every time is on record'
is "$(records "WHERE event = 'config-reload'" | jq -r .identity | head -n 1)" "uid:$uid" \
	'with who asked'
done_with() { # MEMBER: of the reloads that were done
	records "WHERE event = 'config-reload' ORDER BY seq" |
		jq -r "select(.result == \"done\") | .$1"
}
is "$(done_with config_before | sed -n 2p)" "$(done_with config | head -n 1)" \
	'and from which configuration to which'
is "$(modseal status --json | jq -r .config)" \
	"$(records "WHERE event = 'config-reload' ORDER BY seq DESC LIMIT 1" | jq -r .config)" \
	'status has the digest of the one in force'
is "$(records "WHERE event = 'start' LIMIT 1" | jq -r '.config | length')" 64 \
	'a start is on record with its own'
ok 'it still signs' modseal sign "$T/foo.ko"

# A child that is started again has the configuration of now.
cp "$T/good" "$conf"
ok 'back to the first one' modseal reload
front=$(pgrep -P "$pid" | while read -r p; do
	[ -z "$(find "/proc/$p/fd" -lname '*audit.db' 2>/dev/null)" ] || echo "$p"
done)
[ -n "$front" ] && kill -KILL "$front"
back() { [ "$(whoami_groups)" = ops ]; }
ok 'a front that is started again has what was reloaded' wait_for 20 back

# policy check
is "$(echo '[rule x' | modseal policy check -)" \
	'standard input, line:1: a section is written [NAME], and nothing may follow it' \
	'from a pipe it says where the line is'
check() { printf '%b' "$1" >"$T/p.conf"; run modseal policy check "$T/p.conf"; }
base="[group a]\nmembers = uid:1 uid:2\n[rule one]\nwho = group:a\nkey = dev\n"
check "$base"
is "$STATUS" 0 'a good one'
check "${base}kernal = 6\n"
is "$STATUS" 1 'a misspelt one'
like "$OUT" 'p.conf:6: unknown setting kernal.*kernel' 'has line and correction'
check "${base}[rule two]\nwho = uid:2\nkey = d*v\nkernel = 6.1.*\n"
is "$STATUS" 0 'a pattern may be more than a name'
check "${base}[rule two]\nwho = uid:2\nkey = dev\nkernel = 6.1.*\n"
like "$OUT" 'rule two is never reached: rule one' 'an unreachable rule'
check "${base}[rule two]\nwho = uid:3\nkey = dev\n"
is "$STATUS" 0 'not one for others'
check "${base}when = Mon\n[rule two]\nwho = uid:2\nkey = dev\n"
is "$STATUS" 0 'nor one behind a rule with times'
check "${base}key = prod-*\n"
like "$OUT" 'names the key prod-\*, and there is no such key' 'a key that does not exist'
check "${base}[rule two]\nwho = group:b\nkey = dev\n"
like "$OUT" 'names the group b, which does not exist' 'a group that does not exist'
check "${base}[group b]\nmembers = uid:5\n"
like "$OUT" 'nothing names the group b' 'a group that nothing names'
check "${base}approvals = 1 of group:a\n"
like "$OUT" 'only 0 of its members do not sign' 'approvals that nobody else can give'
check "${base}approvals = 3 of group:a\n"
like "$OUT" 'wants 3 approvals of the group a, which has 2' 'more approvals than members'
me=$(id -un)
byname="[rule one]\nwho = user:$me\nkey = dev\n"
check "${byname}[rule two]\nwho = uid:$uid\nkey = dev\n"
like "$OUT" 'p.conf:4: rule two is never reached: rule one' 'a name is its uid'
tier="[group q]\nmembers = uid:7\n${byname}approvals = 1 of group:q\n"
check "${tier}[rule two]\nwho = uid:$uid\nkey = dev\n"
like "$OUT" 'rule two lets who has no build sign without the approvals' 'for approvals, too'
check "[rule one]\nwho = user:nosuchuser\nkey = dev\n"
is "$STATUS" 1 'a user that the system does not have'
like "$OUT" 'p.conf:1: rule one names user:nosuchuser, and there is no user nosuchuser here' \
	'is a finding'
is "$(printf '%b' "$base" | modseal policy check - --json | jq .good)" true 'from a pipe, as JSON'
mkdir -p "$T/p.conf.d"
printf '%b' "$base" >"$T/p.conf"
printf '[rule two]\nwho = uid:2\nkey = dev\n' >"$T/p.conf.d/10-more.conf"
fails 1 'a file of conf.d is read, too' modseal policy check "$T/p.conf"
like "$OUT" 'p.conf.d/10-more.conf:1: rule two is never reached: rule one \(.*p.conf:3\)' \
	'and named'
printf '[agent]\nstate = %s\n' "$T/a/state" >"$T/p.conf.d/20-state.conf"
chmod -R go-w "$T/p.conf" "$T/p.conf.d"
fails 1 'without an agent, too' modseal policy check --offline "$T/p.conf" \
	--agent unix:/nonexistent
like "$OUT" '10-more.conf:1: rule two is never reached' 'with the same words'
ok 'modseald -t alone takes it' modseald -t -c "$T/p.conf"
printf '[rule two]\nwho = uid:3\nkey = nokey\n' >"$T/p.conf.d/10-more.conf"
fails 1 'a key that is not in the state' modseal policy check --offline "$T/p.conf"
like "$OUT" 'names the key nokey, and there is no such key' 'is found'
printf '[rule two]\nwho = user:nosuchuser\nkey = dev\n' >"$T/p.conf.d/10-more.conf"
fails 1 'a user that there is not' modseal policy check --offline "$T/p.conf"
like "$OUT" '10-more.conf:1: .*there is no user nosuchuser here' 'is found'
ok 'and is no mistake that stops it' modseald -t -c "$T/p.conf"
printf '[rule two]\nwho = uid:3\nkey = dev\n' >"$T/p.conf.d/10-more.conf"
ok 'a good one without an agent' modseal policy check --offline "$T/p.conf"
ok 'and with it' modseal policy check "$T/p.conf"
fails 1 'a file that is not there' modseal policy check "$T/none"

# policy explain
cat >>"$conf" <<-END
	[rule qa]
	who = uid:4711
	key = dev
	kernel = 5.10.*
	[rule night]
	who = uid:4712
	key = dev
	when = $(date -ud '+2 days' +%a)
END
ok 'more rules' modseal reload
ok 'what I may' modseal policy explain --key dev
like "$OUT" "uid:$uid: allowed by rule dev .whatever the module" 'is said'
fails 1 'what somebody else may' modseal policy explain --as uid:4711 --key dev \
	--module "$T/foo.ko"
like "$OUT" 'rule qa lets uid:4711 sign with key dev for kernels 5.10' 'with the reason'
like "$OUT" 'night +is about others' 'and what the other rules say'
ok 'without the module it depends' modseal policy explain --as uid:4711 --key dev
fails 1 'out of hours' modseal policy explain --as uid:4712 --key dev
like "$OUT" 'night .*only' 'is said'
fails 1 'somebody without a rule' modseal policy explain --as uid:99 --key dev
like "$OUT" 'no rule lets uid:99' 'is said'
fails 1 'an identity that is none' modseal policy explain --as nobody --key dev
like "$ERR" '--as is uid:NUMBER, user:NAME or' 'says what one is'
fails 1 'a user that there is not' modseal policy explain --as user:nosuchuser --key dev
like "$ERR" '--as: there is no user nosuchuser here' 'is named'
fails 1 'a key that there is not' modseal policy explain --key nokey
like "$OUT" "no key nokey: 'modseal key list' shows" 'is said to administrators'
fails 1 'not to others' modseal policy explain --as uid:99 --key nokey
like "$OUT" 'no rule lets uid:99 sign with key nokey' 'for whom no rule is'
cp "$T/foo.ko" "$T/c.ko"
xz "$T/c.ko"
ok 'a compressed module' modseal policy explain --key dev --module "$T/c.ko.xz"
unlike "$OUT" 'whatever the module' 'is read'
echo text >"$T/text.ko"
fails 1 'what is no module' modseal policy explain --key dev --module "$T/text.ko"
like "$ERR" 'text.ko: not a kernel module' 'is named'
fails 1 'nor through a pipe' \
	sh -c "modseal policy explain --key dev --module - <'$T/text.ko'"
like "$ERR" 'not a kernel module .no ELF' 'is said in words'
# Where no rule is about the key: administrators hear that there is none.
sed -i 's/^key = \*/key = dev/' "$conf"
ok 'no rule for all keys' modseal reload
fails 1 'signing with no key' modseal sign --key nokey "$T/foo.ko"
like "$ERR" "no key nokey: 'modseal key list' shows the keys" 'is said'
fails 1 'explaining it' modseal policy explain --key nokey
like "$OUT" "refused: no key nokey: 'modseal key list' shows" 'says the same'
like "$OUT" 'dev +is about other keys' 'as no rule is about it'
if [ "$uid" = 0 ] && setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	chmod 711 "$T" "$T/a"
	chmod 777 "$T/a/agent.sock"
	cp "$(command -v modseal)" "$T/modseal"
	{ cat "$T/foo.ko" && head -c 200000 /dev/zero; } >"$T/large.ko"
	chmod 644 "$T/large.ko"
	other() { setpriv --reuid=65534 --clear-groups "$T/modseal" "$@"; }
	fails 1 'a stranger with a large module' other policy explain --key dev \
		--module "$T/large.ko"
	like "$OUT" 'refused: no rule lets uid:65534 .*sign with key dev' 'gets the refusal'
	fails 1 'and about no key' other policy explain --key nokey --module "$T/large.ko"
	like "$OUT" 'no rule lets uid:65534' 'the same'
else
	skip 4 'not root'
fi
is "$(records "WHERE event = 'sign'" | wc -l)" 1 'explaining signs nothing'
done_testing
