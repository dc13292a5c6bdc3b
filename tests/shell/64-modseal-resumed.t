#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal sign --signed: what was interrupted is finished by a second run, which signs no
# module twice; modules of others are kept or replaced, as asked.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

N=4000
agent_start
agent_config '/^key = /a content = digest'
modseal key create k --alg p256 >/dev/null || bail_out 'no key'
modseal key create other --alg p256 >/dev/null || bail_out 'no key'
export MODSEAL_KEY=k
modseal key cert k >"$T/k.pem"
modseal key cert other >"$T/other.pem"
make_module "$T/original.ko"
O=$T/original.ko

# at_most COUNT: how many modules have that many records; all modules have names of their own
most_for_one() {
	records "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM audit
		WHERE event = 'sign' GROUP BY json_extract(record, '\$.digest'))"
}
# Each module is another one, so that the log can tell them apart.
fresh_tree() {
	rm -rf "$T/tree"
	python3 - "$O" "$T/tree" $N <<-'END'
		import os, sys
		data = open(sys.argv[1], "rb").read()
		for i in range(int(sys.argv[3])):
		    folder = "%s/d%d" % (sys.argv[2], i % 7)
		    os.makedirs(folder, exist_ok=True)
		    with open("%s/m%d.ko" % (folder, i), "wb") as f:
		        f.write(data + b"%08d" % i)
	END
	find "$T/tree" -type f -exec touch -d 2001-02-03 {} +
	touch -d 2002-02-03 "$T/stamp"
}
# signed_files: how many modules of the tree have a signature, and they are whole
signed_files() {
	python3 - "$O" "$T/tree" <<-'END'
		import os, sys
		original = open(sys.argv[1], "rb").read()
		signed = 0
		for folder, _, names in os.walk(sys.argv[2]):
		    for name in names:
		        data = open(os.path.join(folder, name), "rb").read()
		        plain = original + b"%08d" % int(name[1:-3])
		        if data == plain:
		            continue
		        size = int.from_bytes(data[-32:-28], "big")
		        if not data.startswith(plain) or len(data) != len(plain) + size + 40:
		            sys.exit("%s is neither old nor new" % name)
		        signed += 1
		print(signed)
	END
}
some_records() { [ "$(signatures)" -ge "$1" ]; }

# The key process is stopped, what it had signed arrives, and then the agent is killed.
interrupted() { # OPTION...
	modseal sign -r "$@" "$T/tree" >"$T/out" 2>"$T/err" &
	local pid=$!
	wait_for 60 some_records $((before + 1200)) || diag 'it is slow'
	kill -STOP "$(agent_process key)"
	wait_for 30 settled || diag 'it does not settle'
	dev-agent agent-kill "$T/a"
	wait $pid
}
# settled: nothing that was signed is on its way still
settled() {
	[ "$how" = --by-digest ] || [ "$(($(signatures) - before))" = "$(signed_files)" ]
}

for how in '' --by-digest; do
	fresh_tree
	before=$(signatures)
	# shellcheck disable=SC2086 # none, or one word
	interrupted $how
	is $? 3 "killed in the middle $how"
	done_before=$(signed_files)
	[ "$done_before" -ge 1000 ] && [ "$done_before" -lt $N ] &&
		pass 'some are signed, some not' || fail 'some are signed, some not' "$done_before"
	lost=$(($(signatures) - before - done_before))
	if [ -z "$how" ]; then
		is $lost 0 'all that the log has signed are signed'
	else
		# A request that is cut off has no answer, for up to 32 modules.
		[ $lost -ge 0 ] && [ $lost -lt $((32 * 2 * $(nproc))) ] &&
			pass 'but for those on their way, all that the log has are signed' ||
			fail 'but for those on their way, all that the log has are signed' "$lost"
	fi
	find "$T/tree" -type f -newer "$T/stamp" -exec sha256sum {} + | sort >"$T/sums"
	dev-agent agent-start "$T/a" || bail_out 'no agent'
	# shellcheck disable=SC2086 # none, or one word
	ok 'a second run' modseal sign -r --signed own $how "$T/tree"
	like "$OUT" "^$((N - done_before)) signed with k, $done_before were signed already" \
		'signs the others'
	is "$(signed_files)" $N 'all are signed'
	is $(($(signatures) - before - lost)) $N 'once each'
	ok 'and no other than before' sha256sum --quiet --strict -c "$T/sums"
	ok 'a third run' modseal sign -r --signed own --json $how "$T/tree"
	is "$(jq -c '[.signed, .signed_already, .failed]' <<<"$OUT")" "[0,$N,0]" 'signs nothing'
	is $(($(signatures) - before - lost)) $N 'as the log says'
	[ -n "$how" ] || is "$(most_for_one)" 1 'no module is in the log twice'
done

# What is and what is not one's own
m=$T/m.ko
check() { # WHAT NAME: is the module left (0) or signed (1)?
	local want=$1
	shift
	cp "$m" "$T/keep"
	ok "$1" modseal sign --signed own --json "$m"
	is "$(jq -c '[.signed, .signed_already]' <<<"$OUT")" \
		"[$want,$((1 - want))]" 'is signed or left as it should'
	[ "$want" = 1 ] || same "$m" "$T/keep" 'left as it is'
	verified "$m" "$T/k.pem" "$O" 2>/dev/null && pass 'and it is good' || fail 'and it is good'
}
cp "$O" "$m"
check 1 'unsigned'
check 0 'by this key'
modseal sign -q --key other "$m"
check 1 'by another key'
modseal sign -q --hash sha512 "$m"
check 1 'with another hash'
modseal sign -q --keyid "$m"
check 1 'the certificate named otherwise'
printf '\1' | dd of="$m" bs=1 seek=$(($(stat -c %s "$m") - 45)) conv=notrunc status=none
check 1 'a signature that is damaged'
cat "$m" <(tail -c +$(($(stat -c %s "$O") + 1)) "$m") >"$T/twice"
cp "$T/twice" "$m"
check 1 'two signatures'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/forged.key" \
	-out "$T/forged.pem" -days 10 -subj "/CN=k" -set_serial "0x$(openssl x509 \
	-in "$T/k.pem" -noout -serial | sed s/serial=//)" 2>/dev/null
if sign=$(sign_file); then
	cp "$O" "$m"
	"$sign" sha256 "$T/forged.key" "$T/forged.pem" "$m"
	check 1 'another key with the same name and number'
else
	skip 3 'no sign-file here'
fi
xz -c "$O" >"$T/m.ko.xz"
ok 'compressed' modseal sign -q --signed own "$T/m.ko.xz"
cp "$T/m.ko.xz" "$T/keep"
ok 'and again' modseal sign --signed own "$T/m.ko.xz"
like "$OUT" '^0 signed with k, 1 were signed already' 'is left'
same "$T/m.ko.xz" "$T/keep" 'as it is'

# keep and replace
modseal sign -q --key other "$m"
cp "$m" "$T/keep"
cp "$O" "$T/fresh.ko"
ok 'keep' modseal sign --signed keep "$m" "$T/fresh.ko"
like "$OUT" '^1 signed with k, 1 were signed already' 'signs those without'
same "$m" "$T/keep" 'leaves those of others'
ok 'what was fresh is signed' verified "$T/fresh.ko" "$T/k.pem" "$O"
ok 'replace' modseal sign --signed replace "$m"
ok 'replaces' verified "$m" "$T/k.pem" "$O"
for option in --detached --keep-detached "--dest=$T/x"; do
	fails 2 "own with $option" modseal sign --signed own "$option" "$m"
done
fails 2 'another word' modseal sign --signed maybe "$m"

# Leaf keys: those of this build
modseal key create issuer --custody leaf >/dev/null
build() { modseal build open --kernel 6.1.0-1-amd64 --key issuer; }
a=$(build) b=$(build)
cp "$O" "$m"
ok 'by a leaf key' modseal sign -q --key issuer --build "$a" "$m"
cp "$m" "$T/keep"
ok 'in the same build' modseal sign --key issuer --build "$a" --signed own "$m"
like "$OUT" '^0 signed with issuer, 1 were' 'it is left'
same "$m" "$T/keep" 'as it is'
ok 'in another build' modseal sign --key issuer --build "$b" --signed own "$m"
like "$OUT" '^1 signed with issuer' 'it is signed'
ok 'the agent is alive' agent_alive
done_testing
