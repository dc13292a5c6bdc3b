#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody has taken the front over: what they can do then, and what not.
. "$(dirname "$0")/lib.sh"

[ -x "$BUILD/tests/break-in/modseald" ] || bail_out 'make tests-build has not made the agent'
ldd "$BUILD/modseald" | grep -q asan && skip_all 'no filter with sanitizers'
agent_start
make_module "$T/m.ko"
ok 'a key that is retired' modseal key create old --alg p256
ok 'retired' modseal key retire old
ok 'an issuing key' modseal key create issuer --custody leaf
ok 'signs with the front as it should be' modseal sign "$T/m.ko"
dev-agent agent-stop "$T/a"
for who in thief safe; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/$who.key" -outform DER \
		-out "$T/$who.der" -days 30 -subj "/CN=$who" 2>/dev/null
done
openssl x509 -inform DER -in "$T/safe.der" -noout -pubkey |
	openssl pkey -pubin -outform DER -out "$T/safe.pub"
sed -i "s/^admins.*/&\nbackup-recipients = $(sha256sum <"$T/safe.pub" | cut -d' ' -f1)/" \
	"$T/a/modseald.conf"

# The same agent, with the front that does what it is told.
"$BUILD/tests/break-in/modseald" -c "$T/a/modseald.conf" 2>"$T/log" &
main=$!
at_exit kill "$main"
front_ready() { curl -fsS --max-time 5 --unix-socket "$T/a/agent.sock" http://m/readyz; }
ok 'the other agent runs' wait_for 30 front_ready
child() { agent_process "$1" "$main"; }
do_it() { curl -sS --max-time 20 --unix-socket "$T/a/agent.sock" http://m/break-in -d "$1"; }
works() { is "$(do_it "$1" | jq .worked)" true "$2"; }
# refused ACTION NAME: an error
refused() {
	local said
	said=$(do_it "$1" 2>/dev/null)
	is "$(jq .worked <<<"$said" 2>/dev/null)" false "$2"
}
# killed ACTION NAME: the kernel ends the front, and there is another soon
killed() {
	local before
	before=$(child front)
	do_it "$1" >/dev/null 2>&1
	gone_now() { gone "$before" && wait_for 20 front_ready; }
	ok "$2: the kernel ends the process" wait_for 20 gone_now
}
key=$(child key)

works "read $T/a/state/audit.db" 'the front can read the audit log: what is below is no accident'
works 'read /etc/passwd' 'and names of users'
killed "vm $key" "reading the key process's memory"
killed "ptrace $key" 'tracing it'
killed 'exec /bin/true' 'running a program'
refused "pidfd $key" 'no descriptor of the key process'
refused "kill $key" 'no signal to it'
refused 'fork' 'no new process'
refused 'socket 2' 'no socket of IPv4'
refused 'socket 16' 'nor of netlink'
modseal status --json >"$T/status"
if [ "$(jq '.sandbox[] | select(.process == "front").landlock' "$T/status")" -gt 0 ]; then
	for path in "/proc/$key/mem" "/proc/$key/maps" "$T/a/state/keys/dev.key" \
		"$T/a/modseald.conf" /dev/null; do
		refused "read $path" "it cannot open $path"
	done
	refused "write $T/a/state/keys/dev.key" 'nor write a key'
	refused "create $T/a/state/keys/evil.key" 'nor make one'
else
	skip 7 'no Landlock'
fi
is "$(child key)" "$key" 'the key process has not noticed'

# Past the policy, but not past the key process.
works 'sign dev' 'it can have a key sign that signs: the log is what tells then'
for what in 'old:a retired key' 'issuer:an issuing key without a build' \
	'issuer aaaaaaaaaaaaaaaaaaaaaaaaaa:a build that is none' 'nobody:no key'; do
	said=$(do_it "sign ${what%%:*}")
	is "$(jq .worked <<<"$said")" false "it signs not with ${what#*:}"
	isnt "$(jq -r .code <<<"$said")" '' "and says why: $(jq -r .code <<<"$said")"
done
said=$(do_it "backup dev $(base64 -w0 "$T/thief.der")")
is "$(jq -r '"\(.worked) \(.code)"' <<<"$said")" 'false not-a-recipient' \
	'a key is not encrypted to whom the front names'
said=$(do_it "backup dev $(base64 -w0 "$T/safe.der")")
is "$(jq -r .worked <<<"$said")" true 'but to whom the configuration names'
works 'sign-efi dev' 'an update of a firmware variable is signed like a module'
said=$(do_it 'sign-efi issuer')
is "$(jq -r .code <<<"$said")" certificate-profile \
	'but the digest of a certificate is not, by the key that issues them'
if [ "$(id -u)" = 0 ]; then
	is "$(awk '/^CapPrm/ { print $2 }' "/proc/$(child front)/status")" 0000000000000000 \
		'as root, too, the front has no capability'
else
	skip 1 'not root'
fi
is "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$key/status")" 1 'no new privileges'
is "$(awk '/^Seccomp:/ { print $2 }' "/proc/$key/status")" 2 'and a filter'
done_testing
