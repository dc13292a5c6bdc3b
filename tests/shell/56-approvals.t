#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Approvals by other people, in tiers; limits, times, least versions, denied digests.
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null ||
	skip_all 'to be several users takes root and setpriv'

agent_start
chmod 711 "$T" "$T/a"
REL=6.1.0-1-amd64
make_module "$T/foo.ko" foo
chmod 644 "$T/foo.ko"

# as UID METHOD TARGET [CURL...]: status and code, or state, in ANSWER
as() {
	local uid=$1 method=$2 target=$3
	shift 3
	STATUS=$(setpriv --reuid "$uid" --clear-groups curl -sS --max-time 20 -X "$method" \
		--unix-socket "$T/a/agent.sock" "$@" -o - -w '\n%{http_code}' \
		"http://modseal$target" 2>/dev/null | tr -d '\0' >"$T/answer"
		tail -n 1 "$T/answer")
	CODE=$(head -n -1 "$T/answer" | jq -r '.code // .state // empty' 2>/dev/null)
	ANSWER="$STATUS $CODE"
}
build() { # UID [JSON]: opens a build, its id in ID
	as "$1" POST /v1/builds --data "${2:-{\"key\":\"dev\",\"kernel\":\"$REL\"\}}"
	ID=$(head -n 1 "$T/answer" | jq -r .id)
}
approve() { as "$1" POST "/v1/builds/$ID/approve"; }
sign() { as "$1" POST "/v1/keys/dev/sign?build=$ID" --data-binary "@$T/foo.ko"; }
sign_bare() { as "$1" POST /v1/keys/dev/sign --data-binary "@$T/foo.ko"; }
records() { sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit $1"; }
again() { dev-agent "agent-$1" "$T/a" && dev-agent agent-start "$T/a"; chmod 711 "$T/a"; }
restart() { again stop; }
rules() { # the rules of the agent, from stdin
	sed -i '/^\[rule /,$d; /^\[group /,$d; /^\[revocations/,$d' "$T/a/modseald.conf"
	cat >>"$T/a/modseald.conf"
	restart
}

rules <<-END
	[group builders]
	members = uid:3001 uid:3002 uid:3011
	[group qa]
	members = uid:3011 uid:3012 uid:3013 uid:3001
	[group leads]
	members = uid:3021 uid:3012
	[rule release]
	who = group:builders
	key = dev
	approvals = 2 of group:qa
	approvals = 1 of group:leads
END

sign_bare 3001
is "$ANSWER" '403 build-required' 'without a build nothing is signed'
build 3001
is "$ANSWER" '201 pending' 'a build waits for its approvals'
sign 3001
is "$ANSWER" '409 build-pending' 'and signs nothing meanwhile'
approve 3001
is "$ANSWER" '403 own-approval' 'nobody approves their own, not even as a member of the group'
approve 3002
is "$ANSWER" '403 not-approver' 'nor one of no group'
approve 3021
is "$ANSWER" '403 not-approver' 'nor one of the second tier before its turn'
approve 3999
is "$ANSWER" '404 no-such-build' 'a stranger does not even see it'
approve 3012
is "$ANSWER" '202 pending' 'one of two'
approve 3012
is "$ANSWER" '409 approved-already' 'nobody counts twice'
again kill
approve 3012
is "$ANSWER" '409 approved-already' 'not even after the agent was killed'
sign 3001
is "$ANSWER" '409 build-pending' 'half of the approvals are none'

# Two at once: the first tier is full after one of them, and the other one is told.
pids=()
for u in 3011 3013; do
	setpriv --reuid $u --clear-groups curl -sS -X POST --unix-socket "$T/a/agent.sock" \
		"http://modseal/v1/builds/$ID/approve" >"$T/by.$u" &
	pids+=($!)
done
wait "${pids[@]}"
is "$(cat "$T"/by.301? | jq -r '.code // .state' | sort | tr '\n' ' ')" \
	'not-approver pending ' 'of two at once one counts, as one was missing'
approve 3012
is "$ANSWER" '409 approved-already' 'a member of both tiers counts in one'
approve 3021
is "$ANSWER" '200 open' 'the second tier opens it'
sign 3001
is "$STATUS" 200 'and it signs'
sign 3021
is "$ANSWER" '403 no-rule' 'an approver has no rule'
approve 3013
is "$ANSWER" '409 build-open' 'it needs no more approvals'
as 3002 POST "/v1/builds/$ID/close"
is "$ANSWER" '403 not-opener' 'others do not close it'
as 3001 POST "/v1/builds/$ID/close"
is "$ANSWER" '200 closed' 'its opener does'
sign 3001
is "$ANSWER" '409 build-closed' 'then it signs no more'

# Who approved does not sign for the build.
build 3001
approve 3011; approve 3012; approve 3021
is "$ANSWER" '200 open' 'a build that a builder approved'
sign 3011
is "$ANSWER" '403 own-approval' 'is not for that builder'

# Rejecting, and a rule that changes.
build 3001
as 3002 POST "/v1/builds/$ID/reject"
is "$ANSWER" '403 not-approver' 'not everybody rejects'
as 3021 POST "/v1/builds/$ID/reject" --data '{"reason":"not today"}'
is "$ANSWER" '200 rejected' 'an approver does'
approve 3012
is "$ANSWER" '409 build-rejected' 'and nobody approves any more'
build 3001
approve 3011; approve 3012; approve 3021
sed -i 's/^approvals = 1 of group:leads/approvals = 2 of group:leads/' "$T/a/modseald.conf"
restart
sign 3001
is "$ANSWER" '403 build-rule' 'approvals that the rule no longer takes do not count'
like "$(records "WHERE event = 'build-approve'" | jq -r .identity | sort -u | tr "\n" " ")" \
	'uid:3011 uid:3012 .*uid:3021' 'every approval is on record'
like "$(records "WHERE event = 'refuse'" | jq -r .code | sort -u | tr '\n' ' ')" \
	'approved-already.*not-approver.*own-approval' 'so is every refusal'

# Limits hold under a crowd, and over a restart.
rules <<-END
	[rule few]
	who = uid:3001
	key = dev
	limit = 6/day 5/hour
END
ID=
pids=()
for i in $(seq 15); do
	setpriv --reuid 3001 --clear-groups curl -sS --unix-socket "$T/a/agent.sock" \
		--data-binary "@$T/foo.ko" -o /dev/null -w '%{http_code}\n' \
		http://modseal/v1/keys/dev/sign >"$T/code.$i" &
	pids+=($!)
done
wait "${pids[@]}"
is "$(cat "$T"/code.* | sort | uniq -c | tr -s ' \n' ' ')" ' 5 200 10 403 ' \
	'fifteen at once for five an hour: five are signed'
again kill
sign_bare 3001
is "$ANSWER" '403 limit-hour' 'the agent was killed, and the hour is not over'
sed -i 's/6.day 5.hour/6\/day/' "$T/a/modseald.conf" && restart
sign_bare 3001
is "$STATUS" 200 'with the limit of the hour gone the day has one left'
sign_bare 3001
is "$ANSWER" '403 limit-day' 'and no more'

# Times and least versions; the test's module is version 1.0.
rules <<-END
	[rule never]
	who = uid:3001
	key = dev
	when = $(date -ud '+2 days' +%a)
	[rule old]
	who = uid:3002
	key = dev
	min-version = f* 1.0.1
END
sign_bare 3001
is "$ANSWER" '403 rule-when' 'outside of its times a rule signs nothing'
sign_bare 3002
is "$ANSWER" '403 rule-version' 'nor does it sign an outdated module'
sed -i 's/^min-version.*/min-version = f* 1.0/; s/^when.*/when = 00:00-24:00/' \
	"$T/a/modseald.conf"
restart
sign_bare 3001
is "$STATUS" 200 'within its times it does'
sign_bare 3002
is "$STATUS" 200 'and a module that is new enough'

# Denied digests: by the API and by a file, whatever hash it is signed with.
sum=$(sha256sum "$T/foo.ko" | cut -d' ' -f1)
as 3001 POST /v1/revocations --data "{\"digests\":[\"$sum\"]}"
is "$ANSWER" '403 not-admin' 'only an administrator revokes'
as 0 POST /v1/revocations --data '{"digests":["12"]}'
is "$ANSWER" '422 bad-digest' 'what is no digest is refused'
as 0 POST /v1/revocations --data "{\"digests\":[\"${sum^^}\"],\"reason\":\"root kit\"}"
is "$STATUS" 200 'a digest is denied'
sign_bare 3001
is "$ANSWER" '403 denied' 'and not signed'
as 3001 POST '/v1/keys/dev/sign?hash=sha512' --data-binary "@$T/foo.ko"
is "$ANSWER" '403 denied' 'with another hash neither'
restart
sign_bare 3001
is "$ANSWER" '403 denied' 'nor after a restart'
as 3001 GET /v1/revocations
is "$(head -n 1 "$T/answer" | jq -r '.digests[] | "\(.digest) \(.reason)"')" "$sum root kit" \
	'the list says why'
as 0 POST /v1/revocations --data "{\"digests\":[\"$sum\"],\"withdraw\":true}"
sign_bare 3001
is "$STATUS" 200 'taken off the list it is signed again'
printf '# ours\n%s  foo.ko\n' "$sum" >"$T/denied"
printf '[revocations]\ndenied = %s\n' "$T/denied" >>"$T/a/modseald.conf"
restart
sign_bare 3001
is "$ANSWER" '403 denied' 'a file of digests denies, too'
echo nonsense >>"$T/denied"
fails 1 'a damaged file stops the agent' modseald -t -c "$T/a/modseald.conf"
like "$ERR" 'denied:3: a line begins with a digest' 'with the line'

# Files that are requested, approved by somebody else, and signed.
rules <<-END
	[group qa]
	members = uid:3011 uid:3012
	[rule careful]
	who = uid:3001
	key = dev
	approvals = 2 of group:qa
	approval-valid = 1h
END
mkdir "$T/mine" && make_module "$T/mine/a.ko" a && chown -R 3001 "$T/mine"
cp "$(command -v modseal)" "$T/modseal" # which others may not reach where it is
me() { setpriv --reuid 3001 --clear-groups "$T/modseal" "$@"; }
ok 'a file is requested' me sign --request --key dev "$T/mine/a.ko"
ID=$OUT
like "$ERR" 'waits for approvals' 'and waits'
fails 1 'before it is approved' me sign --resume "$ID"
like "$ERR" 'has 0 of 2 approvals, and waits for group qa' 'it is said who is waited for'
approve 3001
is "$ANSWER" '403 own-approval' 'who requested it does not approve it'
is "$(setpriv --reuid 3011 --clear-groups "$T/modseal" build list --requests --json |
	jq -r '.[].id')" "$ID" 'who may approve it sees it'
approve 3011
is "$ANSWER" '202 pending' 'one of two'
approve 3012
is "$ANSWER" '200 open' 'both'
ok 'then it is signed' me sign --resume "$ID"
is "$(modseal build show "$ID" --json | jq -r '.state, .signed' | tr '\n' ' ')" 'closed 1 ' \
	'and closed'
ok 'another request' me sign --request --key dev "$T/mine/a.ko"
ID=$OUT
as 3011 POST "/v1/builds/$ID/reject" --data '{"reason":"no"}'
fails 1 'one that was rejected' me sign --resume "$ID"
like "$ERR" 'is rejected: make another one' 'says so'
done_testing
