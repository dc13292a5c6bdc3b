#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal init, killed at every system call that leaves something behind: the next run
# goes on, and a key that was made is never made anew.
. "$(dirname "$0")/lib.sh"

strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'
. tests/shell/init.sh
START="modseald --config $D/modseald.conf"

calls='write writev fsync fchmod rename renameat mkdir connect sendto sendmsg recvfrom read'
# killed CALL N: init is killed as it makes its Nth CALL; false: it makes fewer
killed() {
	run strace -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
		"${init[@]}"
	[ "$STATUS" -ge 128 ]
}

# No agent: as far as the configuration.
bad='' kills=0
for call in $calls; do
	n=1
	while rm -rf "$D" && killed "$call" $n; do
		! [ -e "$D/modseald.conf" ] || modseald -t -c "$D/modseald.conf" >"$T/log" 2>&1 ||
			bad+=" $call:$n:half"
		run init
		[ "$STATUS" = 3 ] && modseald -t -c "$D/modseald.conf" >"$T/log" 2>&1 &&
			grep -qx 'key = default' "$D/modseal.conf" || bad+=" $call:$n:$ERR"
		n=$((n + 1)) kills=$((kills + 1))
	done
done
is "$bad" '' "killed at $kills places, the configuration is written by the next run"
ok 'there were some' test $kills -gt 10

# With one: key and certificates. A key that was made is never made anew.
ok 'the agent starts' start_agent
export MODSEAL_CONFIG=$D/modseal.conf
bad='' kills=0 kept=0
name_key() {
	KEY=$1
	sed -i "s/^key = .*/key = $KEY/" "$D/modseal.conf"
	rm -f "$D"/cert.*
}
for call in $calls; do
	n=1
	while name_key "$call-$n" && killed "$call" $n; do
		modseal key cert "$KEY" >"$T/before.pem" 2>"$T/log" && kept=$((kept + 1))
		run init
		[ "$STATUS" = 0 ] || bad+=" $KEY:$ERR"
		modseal key cert "$KEY" | cmp -s - "$D/cert.pem" || bad+=" $KEY:certificate"
		[ ! -s "$T/before.pem" ] || cmp -s "$T/before.pem" "$D/cert.pem" ||
			bad+=" $KEY:anew"
		n=$((n + 1)) kills=$((kills + 1))
	done
done
is "$bad" '' "killed at $kills places, the key is there after the next run"
ok "in $kept of them the key had been made" test $kept -gt 5
ok 'and in the others it had not' test $kept -lt $kills
done_testing
