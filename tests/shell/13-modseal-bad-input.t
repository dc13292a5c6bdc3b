#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever cannot be signed: one sentence, a status that is not 0, the file as it was, and
# the agent alive.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
make_module "$T/original.ko"
O=$T/original.ko

# refused WHY NAME OPTION...: modseal sign OPTION... on $T/m.ko
refused() {
	local why=$1 name=$2 sum
	shift 2
	sum=$(cksum <"$T/m.ko")
	fails any "$name" modseal sign -q "$@" "$T/m.ko"
	one_line "$ERR" 'one sentence'
	like "$ERR" "^modseal: .*$why" 'that says why'
	is "$OUT" '' 'and nothing else'
	is "$(cksum <"$T/m.ko")" "$sum" 'the file is as it was'
	is "$(left_overs "$T")" '' 'nothing is left over'
	ok 'the agent is alive' agent_alive
}

cp "$O" "$T/m.ko"
refused 'no agent at' 'no agent' --agent "unix:$T/none"
refused 'no key nobody' 'no such key' --key nobody
refused 'cannot be the name' 'no possible key' --key ../../etc

echo '#!/bin/sh' >"$T/m.ko"
refused 'not a kernel module' 'a script'
: >"$T/m.ko"
refused 'empty' 'an empty file'
printf '\177ELF' >"$T/m.ko"
refused 'm\.ko: ' 'four bytes of ELF'
head -c 200 "$O" >"$T/m.ko"
refused 'm\.ko: ' 'a cut module'
cp "$BUILD/modseal" "$T/m.ko"
refused 'm\.ko: .*not a' 'a program'
head -c 65536 /dev/urandom >"$T/m.ko"
refused 'not a kernel module' 'noise'
{ cat "$O" && printf '\0\0\2\0\0\0\0\0\177\377\377\377~Module signature appended~\n'; } >"$T/m.ko"
refused 'signature' 'a trailer that lies'
xz -k --stdout "$O" | head -c 500 >"$T/m.ko"
refused 'damaged or cut off' 'compressed, and cut'
truncate -s 513M "$T/m.ko"
printf '\177ELF' | dd of="$T/m.ko" conv=notrunc status=none
fails 1 'larger than the cap' modseal sign -q "$T/m.ko"
one_line "$ERR" 'one sentence'
like "$ERR" 'm\.ko: has [0-9]+ bytes' 'that says why'
is "$(stat -c %s "$T/m.ko")" $((513 * 1024 * 1024)) 'the file is as it was'
rm "$T/m.ko"

mkdir "$T/m.ko"
fails 1 'a folder' modseal sign -q "$T/m.ko"
one_line "$ERR" 'one sentence'
rmdir "$T/m.ko"
mkfifo "$T/m.ko"
fails 1 'a FIFO' timeout 10 modseal sign -q "$T/m.ko"
one_line "$ERR" 'one sentence'
like "$ERR" 'not a regular file' 'that says why'
ok 'it is one still' test -p "$T/m.ko"
rm "$T/m.ko"
fails 1 'a device' modseal sign -q /dev/null
ok 'it is one still' test -c /dev/null
fails 1 'a missing file' modseal sign -q "$T/m.ko"
ln -s m.ko "$T/loop.ko"
ln -s loop.ko "$T/m.ko"
fails 1 'links in a circle' modseal sign -q "$T/m.ko"
one_line "$ERR" 'one sentence'
rm "$T/m.ko" "$T/loop.ko"

# Rules: a second agent, whose rule fits nothing here
cp "$O" "$T/m.ko"
D=$T/b
at_exit dev-agent stop "$D"
dev-agent start "$D" >/dev/null || bail_out 'no second agent'
dev-agent agent-stop "$D"
sed -i '/^\[rule/,$d' "$D/modseald.conf"
cat >>"$D/modseald.conf" <<END
[rule other]
who = uid:$(id -u)
key = dev
kernel = 5.10.*
END
dev-agent agent-start "$D" || bail_out 'no second agent'
refused 'rule' 'no rule for this kernel' --agent "unix:$D/agent.sock"
dev-agent agent-stop "$D"
sed -i 's/^kernel = .*/hash = sha512/' "$D/modseald.conf"
if dev-agent agent-start "$D" 2>/dev/null; then
	refused 'sha256' 'a hash that the rule does not allow' --agent "unix:$D/agent.sock"
	ok 'one that it allows' modseal sign --hash sha512 --agent "unix:$D/agent.sock" "$T/m.ko"
else
	skip 8 'rules have no hash'
fi
dev-agent stop "$D"

# Where a new file cannot be written. Root may write anywhere, so file systems of our own.
in_namespace() {
	unshare -rm sh -c "mkdir -p '$T/mnt' && mount -t tmpfs -o size=$1 none '$T/mnt' &&
		$2" 2>&1
}
if [ "$(in_namespace 64k true; echo $?)" = 0 ]; then
	run in_namespace 1m "cp '$O' '$T/mnt/m.ko' && mount -o remount,ro '$T/mnt' &&
		! modseal sign -q '$T/mnt/m.ko' && cmp '$O' '$T/mnt/m.ko' && echo kept"
	like "$OUT" 'modseal: .*m\.ko: .*Read-only file system.*kept' 'a read-only folder'
	is "$(wc -l <<<"$OUT")" 2 'one sentence'
	run in_namespace 64k "cp '$O' '$T/mnt/m.ko' &&
		{ head -c 1m /dev/zero >'$T/mnt/fill' 2>/dev/null || true; } &&
		! modseal sign -q '$T/mnt/m.ko' && cmp '$O' '$T/mnt/m.ko' &&
		ls -A '$T/mnt' | grep -c . && echo kept"
	like "$OUT" 'modseal: .*m\.ko: .*No space left.*2.*kept' 'a full disk'
	is "$(wc -l <<<"$OUT")" 3 'one sentence, nothing left over'
else
	skip 4 'no mount namespaces here'
fi

# A TPM that is torn out: open keys go on, new keys are refused
cp "$O" "$T/m.ko"
dev-agent tpm-stop "$T/a"
fails 1 'a new key without a TPM' modseal key create new --alg p256
one_line "$ERR" 'one sentence'
like "$ERR" 'TPM' 'about the TPM'
ok 'an open key signs' modseal sign -q "$T/m.ko"
dev-agent agent-stop "$T/a"
DEV_AGENT_DEADLINE=2 dev-agent agent-start "$T/a" 2>/dev/null
ok 'an agent starts without a TPM' wait_for 10 agent_alive
cp "$O" "$T/m.ko"
refused 'locked|TPM' 'no key is open'
dev-agent tpm-start "$T/a"
ok 'the TPM is back, and so is the key' wait_for 30 modseal sign -q "$T/m.ko"
ok 'the agent is alive' agent_alive
done_testing
