#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal key: make keys of all kinds, look at them, unlock them.
. "$(dirname "$0")/lib.sh"

T_AGENT=$T/a
at_exit dev-agent stop "$T_AGENT"
dev-agent start "$T_AGENT" --no-key || bail_out 'no agent'
eval "$(dev-agent env "$T_AGENT")"

ok 'no keys yet' modseal key list
is "$OUT" '' 'and nothing on standard output'
like "$ERR" 'key create' 'but how to make one'

if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	chmod 711 "$T" "$T_AGENT"
	chmod 777 "$T_AGENT/agent.sock"
	cp "$(command -v modseal)" "$T/modseal"
	ok 'for somebody else' setpriv --reuid=65534 --clear-groups "$T/modseal" key list
	like "$ERR" 'There is no key that uid:65534 may use' 'it is not about making one'
else
	skip 2 'not root'
fi

declare -A kind=([rsa2048]='RSA Public-Key: \(2048|Public-Key: \(2048' [rsa3072]='\(3072'
	[rsa4096]='\(4096' [p256]='prime256v1' [p384]='secp384r1')
for alg in rsa2048 rsa3072 rsa4096 p256 p384; do
	ok "$alg" modseal key create "k-$alg" --alg $alg --subject "Key of $alg" --days 30
	like "$OUT" "Algorithm +$alg" 'is what it says'
	like "$OUT" 'State +active' 'and ready'
	run modseal key cert "k-$alg"
	printf '%s\n' "$OUT" >"$T/$alg.pem"
	ok 'its certificate' openssl x509 -in "$T/$alg.pem" -noout -text
	like "$OUT" "${kind[$alg]}" 'is of that kind'
	like "$OUT" "CN ?= ?Key of $alg" 'with the subject'
	like "$OUT" 'CA:FALSE' 'no CA'
	like "$OUT" 'Code Signing' 'for code signing'
	ok 'valid for 29 days' openssl x509 -in "$T/$alg.pem" -noout -checkend $((29 * 86400))
	fails 1 'but not for 31' openssl x509 -in "$T/$alg.pem" -noout -checkend $((31 * 86400))
	ok 'signed by itself' openssl verify -CAfile "$T/$alg.pem" -purpose any "$T/$alg.pem"
	modseal key cert "k-$alg" --der >"$T/$alg.der"
	ok 'the same as DER' cmp "$T/$alg.der" <(openssl x509 -in "$T/$alg.pem" -outform DER)
done
ok 'list' modseal key list
is "$(wc -l <<<"$OUT")" 7 'has a line for each, a heading and a summary'
like "$OUT" 'k-p384 +p384 +192 +sealed +active' 'with what matters'
ok 'list as JSON' modseal key list --json
is "$(python3 -c 'import json,sys
print(*sorted(k["algorithm"] for k in json.load(sys.stdin)["keys"]))' <<<"$OUT")" \
	'p256 p384 rsa2048 rsa3072 rsa4096' 'is JSON'
ok 'show' modseal key show k-p256
like "$OUT" 'PCR 7' 'says what protects it'
ok 'show as JSON' modseal key show --json k-p256
like "$OUT" '"name": "k-p256"' 'is it'

fails 1 'a name that is taken' modseal key create k-p256 --alg p256
one_line "$ERR" 'is refused in one sentence'
like "$ERR" 'exists' 'that says so'
for c in show cert; do
	fails 1 "$c without such a key" modseal key $c nobody
	one_line "$ERR" 'is refused in one sentence'
done
ok 'a subject with quotes and umlauts' modseal key create quoted --alg p256 --subject 'a"b\ö'
like "$OUT" 'a"b.*ö' 'is shown'
fails 2 'a subject that is not UTF-8' modseal key create latin --alg p256 --subject $'a\xe4'
ok 'without PCRs' modseal key create free --alg p256 --pcrs none
like "$OUT" 'Protection +.*no PCR' 'which is shown'
ok 'with two PCRs' modseal key create two --alg p256 --pcrs 14,7
like "$OUT" 'PCR 7.*14' 'which are shown'

# For shim: modules alone
modules_alone() { # NAME: do openssl and the facts say so, or neither: prints yes or no
	local usage fact
	usage=$(modseal key cert "$1" | openssl x509 -noout -ext extendedKeyUsage |
		sed -n '2s/^ *//p')
	fact=$(modseal key show "$1" --json | jq .module_only)
	case "$usage $fact" in
	'Code Signing, 1.3.6.1.4.1.2312.16.1.2 true') echo yes ;;
	'Code Signing false') echo no ;;
	*) echo "$usage $fact" ;;
	esac
}
is "$(modules_alone free)" no 'a key is for anything'
for custody in sealed resident leaf; do
	ok "a $custody key for modules alone" modseal key create only-$custody --alg p256 \
		--custody $custody --module-only
	like "$OUT" 'Modules only +yes' 'which is shown'
	is "$(modules_alone only-$custody)" yes 'and in its certificate'
	modseal key csr only-$custody >"$T/csr"
	like "$(openssl req -in "$T/csr" -noout -text)" 'Code Signing, 1.3.6.1.4.1.2312.16.1.2' \
		'and in a request for another'
done
make_module "$T/only.ko"
ok 'it signs' modseal sign -q --key only-sealed "$T/only.ko"
modseal key cert only-sealed >"$T/only.pem"
ok 'and is trusted' modseal-verify verify --anchor "$T/only.pem" "$T/only.ko"
ok 'the verifier' modseal-verify anchors --anchor "$T/only.pem"
like "$OUT" 'for modules alone' 'shows it'
is "$(modseal-verify anchors --anchor "$T/only.pem" --json | jq .module_only)" true 'as JSON, too'
modseal key cert free >"$T/free.pem"
ok 'and of another' modseal-verify anchors --anchor "$T/free.pem"
unlike "$OUT" 'for modules alone' 'not'
ok 'a successor' modseal key rotate only-sealed --to only-next --dir "$T/only"
is "$(modules_alone only-next)" yes 'is for modules alone as well'

# PINs
with_pin() {
	local pin=$1
	shift
	"$@" --pin-fd 3 3<<<"$pin"
}
secret=Zaphod-4711
ok 'a key with a PIN' with_pin "$secret" modseal key create pinned --alg p256
like "$OUT" 'Protection +.*PIN' 'which is shown'
like "$OUT" 'State +active' 'and open at once'
for n in '' $'\t' "$(printf 'x%.0s' {1..65})"; do
	fails 1 'a PIN that cannot be' with_pin "$n" modseal key create never --alg p256
	one_line "$ERR" 'is refused in one sentence'
done
fails 1 'a descriptor that is not open' modseal key create never --alg p256 --pin-fd 77
fails 2 'a descriptor that is no number' modseal key create never --alg p256 --pin-fd x
fails 2 'a PIN as an argument' modseal key create never --alg p256 --pin=1234
fails 2 'a prompt without a terminal' setsid modseal key create never --alg p256 --pin
like "$ERR" 'terminal.*--pin-fd' 'and what to do'
fails 1 'none of them made a key' modseal key show never

# Not ready while a key is locked, so dev-agent gives up waiting.
dev-agent agent-stop "$T_AGENT"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T_AGENT" >"$T/said" 2>&1
ok 'after a start' wait_for 20 agent_alive
state_of() {
	modseal key show "$1" | sed -n 's/^State *//p'
}
is_state() {
	[ "$(state_of "$1")" = "$2" ]
}
ok 'keys without a PIN are open' wait_for 20 is_state k-p256 active
ok 'the one with a PIN is locked' wait_for 20 is_state pinned locked
ok 'and says what it needs' modseal key show pinned
like "$OUT" 'Reason +.*modseal key unlock pinned' 'and how'
fails 1 'status: not ready' modseal status
make_module "$T/m.ko"
cp "$T/m.ko" "$T/m1.ko"
fails 1 'it does not sign' modseal sign --key pinned "$T/m.ko"
like "$ERR" '^modseal: .*locked.*unlock' 'and why'
one_line "$ERR" 'in one sentence'
same "$T/m.ko" "$T/m1.ko" 'the module is as it was'
fails 1 'a wrong PIN' with_pin nonsense modseal key unlock pinned
one_line "$ERR" 'is refused in one sentence'
like "$ERR" 'wrong PIN' 'that says so'
is "$(state_of pinned)" locked 'still locked'
fails 2 'no PIN and no terminal' setsid modseal key unlock pinned
mkdir "$T/cred"
printf '%s\n' "$secret" >"$T/cred/pinned.pin"
ok 'the right PIN, as a credential' env CREDENTIALS_DIRECTORY="$T/cred" \
	setsid -w modseal key unlock pinned
like "$OUT" 'State +active' 'opens it'
ok 'it signs' modseal sign --key pinned "$T/m.ko"
ok 'status: ready' modseal status
ok 'one that is open already' with_pin nonsense modseal key unlock pinned
like "$ERR" 'unlocked already: no PIN was tried' 'is said, and no PIN is tried'
fails 1 'no such key to unlock' with_pin 1 modseal key unlock nobody

# On a terminal
typed() {
	python3 - "$@" <<-'END'
		import os, pty, re, sys
		lines, command = sys.argv[1].split("|"), sys.argv[2:]
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(command[0], command)
		said = b""
		while True:
		    try:
		        more = os.read(fd, 4096)
		    except OSError:
		        break
		    if not more:
		        break
		    said += more
		    if said.count(b": ") and re.search(rb"PIN of key [^\n]*: $", said) and lines:
		        os.write(fd, lines.pop(0).encode().decode("unicode_escape").encode())
		        said += b"<typed>"
		sys.stdout.write(said.decode(errors="replace"))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}
if have_terminal; then
	ok 'a PIN from the terminal' typed "$secret\\r|$secret\\r" \
		modseal key create typed --alg p256 --pin
	like "$OUT" 'PIN of key typed: .*PIN of key typed, again: ' 'is asked for twice'
	unlike "$OUT" "$secret" 'and not shown'
	fails 1 'two that differ' typed '1234\r|1235\r' modseal key create never --alg p256 --pin
	like "$OUT" 'differ' 'are told'
	fails 1 'Ctrl-C' typed '12\x03' modseal key create never --alg p256 --pin
	like "$OUT" 'no PIN' 'ends it'
	ok 'mistakes can be mended' typed "wrong\\x15x\\x7f$secret\\r" modseal key unlock typed
else
	skip 8 'there are no pseudo terminals: is devpts mounted?'
fi
fails 1 'and still no key never' modseal key show never

# Nowhere in the agent's folder or log, nor in the environment or arguments of a process.
ok 'no PIN is kept' sh -c "! grep -rlF -e '$secret' '$T_AGENT'"
ok 'the agent is alive' agent_alive
done_testing
