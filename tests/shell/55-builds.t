#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds: opening, signing for one, every refusal, and that they outlive the agent.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"

agent_start
make_module "$T/foo.ko" foo
REL=6.1.0-1-amd64
code() { # TARGET: code of the answer to signing foo.ko
	curl -sS --max-time 20 --unix-socket "$T/a/agent.sock" --data-binary "@$T/foo.ko" \
		"http://modseal$1" | tr -d '\0' | jq -r .code 2>/dev/null
}
sign_code() { code "/v1/keys/dev/sign?build=$1"; }
state() { modseal build show "$1" --json | jq -r .state; }
records() { sqlite3 -readonly "$T/a/state/audit.db" "SELECT record FROM audit $1"; }

# The id alone on stdout, and it signs.
ok 'a build is opened' modseal build open --kernel $REL --max 3 --series stable
id=$OUT
like "$id" '^[0-9a-z]{26}$' 'its id is short, printable and alone on stdout'
is "$ERR" '' 'with nothing on stderr'
cp "$T/foo.ko" "$T/one.ko"
MODSEAL_BUILD=$id ok 'modseal sign takes it from MODSEAL_BUILD' modseal sign "$T/one.ko"
ok 'the module is signed' is_signed "$T/one.ko"
cp "$T/foo.ko" "$T/two.ko"
MODSEAL_BUILD=$id ok 'so does modseal-sign-file' modseal-sign-file sha256 modseal:dev \
	/nonexistent.x509 "$T/two.ko"
is "$(records "WHERE event = 'sign' ORDER BY seq DESC LIMIT 1" | jq -r .build)" "$id" \
	'the record of a signature names the build'
is "$(modseal build show "$id" --json | jq -r .signed)" 2 'the build counts'
like "$(modseal build list)" "$id +open +2 +dev +$REL +stable" 'build list shows it'
like "$(modseal build show "$id")" 'State +open' 'build show tells a person'

# An agent that is killed forgets nothing.
dev-agent agent-kill "$T/a" && dev-agent agent-start "$T/a"
is "$(modseal build show "$id" --json | jq -r '.signed, .state' | tr '\n' ' ')" '2 open ' \
	'it is there after the agent was killed, and counts on'
cp "$T/foo.ko" "$T/three.ko"
ok 'sign --build names it too' modseal sign --build "$id" "$T/three.ko"
is "$(sign_code "$id")" build-full 'no more than its maximum'

# What it is not for.
ok 'another build' modseal build open --kernel 9.9.9 --key dev
is "$(sign_code "$OUT")" build-kernel 'a module of another kernel release is refused'
ok 'another key' modseal key create other --alg p256
ok 'a build for it' modseal build open --kernel $REL --key other
is "$(sign_code "$OUT")" build-key 'another key is refused'
is "$(sign_code nosuchbuild)" no-such-build 'an unknown build is refused'
cp "$T/foo.ko" "$T/four.ko"
MODSEAL_BUILD=nosuchbuild fails 1 'an unknown build in MODSEAL_BUILD' modseal sign "$T/four.ko"
like "$ERR" 'no such build' 'is said'
same "$T/foo.ko" "$T/four.ko" 'and the file is as it was'
MODSEAL_BUILD='../x' fails 2 'what cannot be an id' modseal sign "$T/four.ko"
MODSEAL_BUILD='../x' fails 1 'nor for modseal-sign-file' modseal-sign-file sha256 \
	modseal:dev /nonexistent.x509 "$T/four.ko"

# Closing.
ok 'a third one' modseal build open --kernel $REL --key dev
id=$OUT
is "$(sign_code "$id")" '' 'signs'
ok 'is closed' modseal build close "$id"
is "$(sign_code "$id")" build-closed 'and signs no more'
fails 1 'closing twice is refused' modseal build close "$id"
fails 1 'approving a closed one too' modseal build approve "$id"
is "$(records "WHERE event = 'build-close'" | jq -r .build)" "$id" 'closing is on record'

# The manifest of a closed build.
ok 'a build has a manifest' modseal build manifest "$id" --content
cp "$T/.out" "$T/m.json"
is "$(jq -r '.modules[] | "\(.name) \(.version) \(.srcversion) \(.hash) \(.digest)"' \
	"$T/m.json")" "foo 1.0 0123456789ABCDEF0123456 sha256 $(sha256sum <"$T/foo.ko" |
	cut -d' ' -f1)" 'with every module that was signed for it'
is "$(jq -r '.build.id, .build.kernel' "$T/m.json" | tr '\n' ' ')" "$id $REL " \
	'and what the build was'
modseal key cert dev >"$T/dev.pem"
modseal build manifest "$id" --signature >"$T/m.p7s"
verify() {
	openssl cms -verify -binary -inform DER -in "$T/m.p7s" -content "$1" \
		-certfile "$T/dev.pem" -CAfile "$T/dev.pem" -purpose any -out /dev/null
}
ok 'it is signed with the key' verify "$T/m.json"
sed 's/foo/fob/' "$T/m.json" >"$T/m2.json"
fails any 'a changed one is not what was signed' verify "$T/m2.json"
ok 'a build that is open' modseal build open --kernel $REL --key dev
fails 1 'has no manifest' modseal build manifest "$OUT"
like "$ERR" 'only builds that were closed' 'and says so'

# Expiring, without anybody asking.
ok 'one for a second' modseal build open --kernel $REL --key dev --expires 1s
id=$OUT
expired() { [ "$(state "$id")" = expired ]; }
ok 'expires by itself' wait_for 20 expired
is "$(sign_code "$id")" build-expired 'and signs no more'
recorded() { [ "$(records "WHERE event = 'build-expire'" | jq -r .build)" = "$id" ]; }
ok 'which is on record' wait_for 20 recorded

# Digests.
agent_config '/^key = /a content = digest'
digests() { # BUILD: codes or "signed" of two items
	jq -nc --arg b "$1" '{hash: "sha256", build: $b, items: [
		{digest: ("0" * 64), facts: {name: "a", vermagic: "6.1.0-1-amd64 SMP"}},
		{digest: ("1" * 64), facts: {name: "b", vermagic: "5.5.5 SMP"}}]}' |
		curl -sS --unix-socket "$T/a/agent.sock" --data-binary @- \
			http://modseal/v1/keys/dev/sign-digests |
		jq -r '.items[] | .error.code // "signed"' | tr '\n' ' '
}
ok 'one for digests' modseal build open --kernel $REL --key dev
is "$(digests "$OUT")" 'signed build-kernel ' 'each digest is held against the build'

# The race: twelve at once for a build of five.
ok 'one of five' modseal build open --kernel $REL --key dev --max 5
id=$OUT
pids=()
for i in $(seq 12); do
	curl -sS --unix-socket "$T/a/agent.sock" --data-binary "@$T/foo.ko" \
		-o "$T/race.$i" -w '%{http_code}\n' \
		"http://modseal/v1/keys/dev/sign?build=$id" >"$T/code.$i" &
	pids+=($!)
done
wait "${pids[@]}"
is "$(cat "$T"/code.* | sort | uniq -c | tr -s ' \n' ' ')" ' 5 200 7 409 ' \
	'twelve at once for five: five are signed'
is "$(modseal build show "$id" --json | jq .signed)" 5 'and five counted'

# Bad requests.
bad() { # NAME STATUS JSON
	is "$(curl -sS --unix-socket "$T/a/agent.sock" -o "$T/answer" -w '%{http_code}' \
		--data-binary "$3" http://modseal/v1/builds)" "$2" "$1"
}
bad 'not JSON' 400 '{"key":'
bad 'a key twice' 400 '{"key":"dev","key":"dev","kernel":"6"}'
bad 'no kernel' 400 '{"key":"dev"}'
bad 'something unknown' 400 '{"key":"dev","kernel":"6","x":1}'
bad 'a kernel that is none' 422 '{"key":"dev","kernel":"6 1"}'
bad 'a maximum of nothing' 400 '{"key":"dev","kernel":"6","max":0}'
bad 'a maximum that is text' 400 '{"key":"dev","kernel":"6","max":"5"}'
bad 'for ever' 400 '{"key":"dev","kernel":"6","expires":"9999d"}'
bad 'for no time' 400 '{"key":"dev","kernel":"6","expires":0}'
bad 'a key that is not there' 404 '{"key":"nokey","kernel":"6"}'
bad 'deep' 400 "$(printf '[%.0s' $(seq 5000))"
fails 2 'build open wants a kernel' modseal build open --key dev
fails 1 'build show of nothing' modseal build show nosuchbuild
fails 2 'build show of what cannot be' modseal build show ../keys
agent_alive && pass 'the agent lives' || fail 'the agent lives'
done_testing
