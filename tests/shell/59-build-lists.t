#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds with a list of their modules: what is compared, what may be signed, manifests.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"

agent_start
REL=6.1.0-1-amd64
records() { sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit $1"; }
tree() { # DIR: of a first kernel
	mkdir -p "$1/kernel/net" "$1/kernel/fs"
	make_module "$1/kernel/net/one.ko" one
	make_module "$1/kernel/net/two.ko" two 1.0 AAAA
	make_module "$1/kernel/fs/three.ko" three
	make_module "$1/kernel/fs/four.ko" four
}
tree "$T/old"
cp -a "$T/old" "$T/old.signed"
ok 'a first build' modseal build open --kernel $REL --key dev
first=$OUT
ok 'signs its tree' modseal sign -r --build "$first" "$T/old.signed"
ok 'and is closed' modseal build close "$first"

# The next kernel: one as it was, two with another version, three elsewhere, four gone.
mkdir -p "$T/new/kernel/net" "$T/new/kernel/drivers"
cp "$T/old/kernel/net/one.ko" "$T/new/kernel/net/"
make_module "$T/new/kernel/net/two.ko" two 2.0 BBBB
cp "$T/old/kernel/fs/three.ko" "$T/new/kernel/drivers/"
make_module "$T/new/kernel/net/five.ko" five 0.5
ok 'a second one with a list' modseal build open --kernel $REL --key dev --list "$T/new"
second=$OUT
like "$(modseal build show "$second")" "List of +4
.*Follows +$first" 'says how many modules it is for, and which build it follows'
ok 'is compared before it has signed anything' modseal build show "$second" --diff --json
cp "$T/.out" "$T/diff"
is "$(jq -c '[.previous, [.new[].path], [.gone[].path], [.changed[] | .path, .changes[]],
	[.moved[] | .from, .to], .same]' "$T/diff")" \
	"[\"$first\",[\"kernel/net/five.ko\"],[\"kernel/fs/four.ko\"],$(
	)[\"kernel/net/two.ko\",\"version\",\"srcversion\",\"digest\"],$(
	)[\"kernel/fs/three.ko\",\"kernel/drivers/three.ko\"],1]" \
	'what is new, gone, changed, moved and the same'
is "$(jq -r '.changed[0].was.version, .changed[0].now.version' "$T/diff" | tr '\n' ' ')" \
	'1.0 2.0 ' 'with both versions'
ok 'it is the same against a build that is named' modseal build show "$second" "$first" --diff
like "$OUT" '1 new, 1 gone, 1 changed, 1 moved, 0 built anew.*1 the same.*New:
  kernel/net/five.ko  0.5.*Gone:
  kernel/fs/four.ko.*Changed:
  kernel/net/two.ko
    version    1.0 -> 2.0' 'and people read it'
fails 1 'the first one has none before it' modseal build show "$first" --diff
like "$ERR" 'no build of this key and series' 'and it says so'
fails 2 'a second build without --diff' modseal build show "$second" "$first"
ok 'one without a list' modseal build open --kernel $REL --key dev
fails 1 'cannot be compared before it signs' modseal build show "$OUT" --diff
like "$ERR" 'have it opened with --list' 'and it says what would help'

# The list binds.
cp -a "$T/new" "$T/new.signed"
cp "$T/old/kernel/fs/four.ko" "$T/four.ko"
fails 1 'what is not on the list' modseal sign --build "$second" "$T/four.ko"
like "$ERR" 'not on the list of the 4' 'is refused'
same "$T/old/kernel/fs/four.ko" "$T/four.ko" 'and is as it was'
is "$(records "WHERE event = 'refuse' ORDER BY seq DESC LIMIT 1" | jq -r .code)" not-listed \
	'which is on record'
ok 'what is on it is signed' modseal sign -r --build "$second" "$T/new.signed"
cp "$T/new/kernel/net/one.ko" "$T/one.ko"
ok 'with another hash, too' modseal sign --hash sha512 --build "$second" "$T/one.ko"
dev-agent agent-kill "$T/a" && dev-agent agent-start "$T/a"
fails 1 'after the agent was killed it still binds' modseal sign --build "$second" "$T/four.ko"
like "$ERR" 'not on the list of the 4' 'and says the same'
is "$(records "WHERE event = 'build-open' ORDER BY seq LIMIT 1 OFFSET 1" |
	jq -r .details.list.sha256)" \
	"$(sqlite3 -readonly "$T/a/state/audit.db" \
		"SELECT data FROM build_list WHERE build = '$second'" | head -c -1 |
		sha256sum | cut -d' ' -f1)" 'the record names the list by its digest'

# Manifests.
ok 'it is closed' modseal build close "$second"
is "$(records "WHERE event = 'build-close' ORDER BY seq DESC LIMIT 1" | jq -r .manifest)" \
	"$(modseal build manifest "$second" --content | sha256sum | cut -d' ' -f1)" \
	'and the record names the manifest by its digest'
is "$(modseal build manifest "$second" --content | jq -r '.modules[].path' | sort | tr '\n' ' ')" \
	'kernel/drivers/three.ko kernel/net/five.ko kernel/net/one.ko kernel/net/two.ko one.ko ' \
	'the manifest has their paths in the tree'

# Lists that are none.
list() { # JSON: code of the answer
	jq -nc --argjson l "$1" '{key: "dev", kernel: "6.1.0-1-amd64", list: $l}' |
		curl -sS --unix-socket "$T/a/agent.sock" --data-binary @- \
		http://modseal/v1/builds | jq -r '.code // .state'
}
zeros=$(printf '0%.0s' $(seq 64))
is "$(list "{\"hash\":\"sha256\",\"modules\":[{\"path\":\"a\",\"digest\":\"$zeros\"}]}")" open \
	'the least that a list needs'
for l in '[]' '{}' '{"hash":"sha256","modules":[]}' '{"hash":"sha256","modules":[1]}' \
	'{"hash":"sha256","modules":[{"path":"a","digest":"00"}]}' \
	"{\"hash\":\"sha256\",\"modules\":[{\"path\":\"\",\"digest\":\"$zeros\"}]}" \
	"{\"hash\":\"sha256\",\"modules\":[{\"digest\":\"$zeros\"}]}" \
	"{\"hash\":\"sha256\",\"modules\":[{\"path\":\"a\",\"digest\":\"$zeros\",\"x\":1}]}" \
	"{\"hash\":\"sha256\",\"modules\":[{\"path\":\"a\",\"digest\":\"$zeros\",\"name\":1}]}" \
	"{\"hash\":\"sha256\",\"modules\":[{\"path\":\"a\",\"digest\":\"$zeros\"},
		{\"path\":\"a\",\"digest\":\"$zeros\"}]}"; do
	is "$(list "$l")" bad-list "refused: ${l:0:60}"
done
is "$(list "{\"hash\":\"sha1\",\"modules\":[{\"path\":\"a\",\"digest\":\"00\"}]}")" \
	hash-not-allowed 'refused: a list of a hash that signs nothing'
echo nonsense >"$T/new/kernel/net/bad.ko"
fails 1 'a tree with a file that is no module' modseal build open --kernel $REL --key dev \
	--list "$T/new"
like "$ERR" 'bad.ko.*nothing was opened' 'opens nothing'
is "$OUT" '' 'and prints no id'

# Requests, here by a rule that needs no approvals.
mkdir "$T/r"
make_module "$T/r/x.ko" x
make_module "$T/r/y.ko" y
ok 'files are requested' modseal sign --request --key dev "$T/r/x.ko" "$T/r/y.ko"
id=$OUT
like "$ERR" "sign --resume $id" 'and it says how to go on'
is "$(modseal build list --requests --json | jq -r '.[].id')" "$id" 'the list has it alone'
ok 'they are signed later' modseal sign --resume "$id"
is_signed "$T/r/x.ko" && is_signed "$T/r/y.ko" && pass 'both' || fail 'both'
is "$(modseal build show "$id" --json | jq -r .state)" closed 'and the request is closed'
fails 1 'only once' modseal sign --resume "$id"
make_module "$T/r/x.ko" x
ok 'another one' modseal sign --request --key dev "$T/r/x.ko"
make_module "$T/r/x.ko" x 6.6
cp "$T/r/x.ko" "$T/r/x.before"
fails 1 'whose file has changed since' modseal sign --resume "$OUT"
same "$T/r/x.before" "$T/r/x.ko" 'is not signed'
fails 1 'a build is no request' modseal sign --resume "$second"
fails 2 'a request has no build' modseal sign --request --build x "$T/r/x.ko"
fails 2 'sign without files' modseal sign
agent_alive && pass 'the agent lives' || fail 'the agent lives'
done_testing
