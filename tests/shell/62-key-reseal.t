#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys without a policy key are sealed anew, to what the PCRs are or will be, while they
# are still there; none is lost.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/modseal.sh"
. "$(dirname "$0")/keys.sh"

agent_start
. "$(dirname "$0")/tpm.sh"
make_module "$T/m.ko" m
# --- without a policy key: sealed anew while it is there
ok 'a key under PCR 23' modseal key create plain --alg p256 --pcrs 23
before=$(modseal key cert plain)
ok 'PCR 23 changes' extend 23
ok 'it is sealed anew' modseal key reseal plain --pcrs 23
restart
ok 'and opens at the next start' wait_for 20 key_is plain active
is "$(modseal key cert plain)" "$before" 'the same key'
# To values that the PCRs will have: extending zeros by a known value.
now=$(wait_for 10 tpm2_pcrread -Q sha256:23 -o "$T/pcr23"; od -An -tx1 "$T/pcr23" | tr -d ' \n')
next=$( (tail -c 32 "$T/pcr23"; printf '\0%.0s' {1..31}; printf '\7') | sha256sum | cut -c1-64)
printf '23: %s\n' "$next" >"$T/foretold"
isnt "$now" "$next" 'what PCR 23 will be is something else'
ok 'it is sealed to what will be' modseal key reseal plain --pcrs 23 --values "$T/foretold"
restart
ok 'before the update it opens as before' wait_for 20 key_is plain active
ok 'the update' restart tpm2_pcrextend "23:sha256=$(printf %064d 7)"
ok 'after it it opens, too' wait_for 20 key_is plain active
ok 'and signs' signs plain
is "$(find "$T/a/state/keys" -name '*next*' | wc -l)" 0 'and there is one file again'
ok 'PCR 23 changes once more' extend 23
restart
ok 'what nobody foretold stays locked' wait_for 20 key_stays_locked plain 'PCR 23 is not'
fails 1 'and cannot be sealed anew' modseal key reseal plain --pcrs 23
like "$ERR" 'only an unlocked key can be sealed anew' 'as nobody has it'
ok 'a resident key' modseal key create resident --custody resident --alg p256 --pcrs 23
fails 1 'without a policy key' modseal key reseal resident --pcrs 23
like "$ERR" 'lets nobody change its PCRs' 'cannot be sealed anew'
ok 'a key with a PIN' modseal key create pinned --alg p256 --pin-fd 3 3< <(echo Zaphod-4711)
fails 1 'is not sealed anew' modseal key reseal pinned
like "$ERR" 'has a PIN' 'without a PIN'
ok 'but with one' modseal key reseal pinned --pin-fd 3 3< <(echo Trillian-42)
fails 2 'a PCR above 23' modseal key reseal dev --pcrs 99
like "$ERR" '0 to 23' 'is refused'
agent_alive "$T/a" && pass 'the agent lives' || fail 'the agent lives'
done_testing
