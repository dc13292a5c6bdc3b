#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# modseal resign: what an old key has signed is signed with its successor, and nothing else.
. "$(dirname "$0")/lib.sh"
. tests/shell/modseal.sh

agent_start
agent_config '/^key = /a content = digest'
unset MODSEAL_KEY
make_module "$T/original.ko"
O=$T/original.ko
for key in distro-2026 other elder; do
	modseal key create $key --alg p256 >/dev/null || bail_out "no key $key"
	modseal key cert $key >"$T/$key.pem"
done

make_tree "$T/tree" 20
# m0..m9: by the old key, some compressed; m10..m12 by another; m13..m14 none; m15 by both
tree() { local i; for i in $(seq "$1" "$2"); do echo "$T/tree/d$((i % 7))/e/m$i.ko"; done; }
xargs modseal sign -q --key distro-2026 < <(tree 0 9)
xargs modseal sign -q --key other < <(tree 10 12)
modseal sign -q --key distro-2026 --hash sha512 --keyid "$(tree 15 15)"
xargs modseal sign -q --key elder < <(tree 16 17)
m18=$(tree 18 18)
modseal sign -q --key distro-2026 "$m18"
printf '\1' | dd of="$m18" bs=1 seek=100 conv=notrunc status=none
m19=$(tree 19 19)
modseal sign -q --key distro-2026 "$m19"
cat "$m19" <(tail -c +$(($(stat -c %s "$O") + 1)) "$m19") >"$T/twice" && cp "$T/twice" "$m19"
xz "$(tree 0 0)" && gzip "$(tree 1 1)" && zstd -q --rm "$(tree 2 2)"
sums() { find "$T/tree" -type f -exec sha256sum {} + | sort -k2; }
sums >"$T/before"
said=$(signatures)

fails 2 'no successor yet' modseal resign --key distro-2026 "$T/tree"
like "$ERR" 'no key has distro-2026 as its successor: .*--from' 'and what to do'
fails 2 'a key that there is not' modseal resign --key nokey "$T/tree"
like "$ERR" "no key nokey: 'modseal key list' shows the keys" 'is said to administrators'
(cd "$T" && modseal key rotate distro-2026 --dir "$T/rotate" >/dev/null 2>&1) ||
	bail_out 'cannot rotate'
modseal key cert distro-2027 >"$T/new.pem"
ok 'a dry run' modseal resign --key distro-2027 -n "$T/tree"
like "$OUT" '^11 would be signed with distro-2027, 2 unsigned .*, 7 signed by others' 'counts'
like "$OUT" '11 are by distro-2026' 'by whom'
sums >"$T/now"
same "$T/now" "$T/before" 'and changes nothing'
is "$(signatures)" "$said" 'nor asks for a signature'

ok 'resign' modseal resign --key distro-2027 "$T/tree"
like "$OUT" '^11 signed with distro-2027, 2 unsigned were left, 7 signed by others' 'counts'
is "$(signatures)" $((said + 11)) 'eleven signatures'
sums >"$T/now"
is "$(diff "$T/before" "$T/now" | grep -c '^>')" 11 'eleven files changed'
for i in 3 9 15; do
	ok "module $i" verified "$(tree $i $i)" "$T/new.pem" "$O"
done
xz -dkc "$(tree 0 0).xz" >"$T/plain" && ok 'xz' verified "$T/plain" "$T/new.pem" "$O"
gzip -dc "$(tree 1 1).gz" >"$T/plain" && ok 'gzip' verified "$T/plain" "$T/new.pem" "$O"
zstd -dqc "$(tree 2 2).zst" >"$T/plain" && ok 'zstd' verified "$T/plain" "$T/new.pem" "$O"
ok 'those of others' verified "$(tree 10 10)" "$T/other.pem" "$O"
same "$(tree 13 13)" "$O" 'and those without are as they were'
ok 'again' modseal resign --key distro-2027 --json "$T/tree"
is "$(jq -c '[.signed, .signed_already, .unsigned, .by_others, .failed, .not_tried, .dry_run]' \
	<<<"$OUT")" '[0,11,2,7,0,0,false]' 'nothing is left to do'
is "$(jq -c .old <<<"$OUT")" '[{"from":"distro-2026","modules":0}]' 'by no old key'

# --from: keys and certificates
ok 'another key, by its certificate' modseal resign --key distro-2027 \
	--from "elder,$T/other.pem" --json "$T/tree"
is "$(jq -c '[.signed, .signed_already, (.old | map(.modules))]' <<<"$OUT")" \
	'[5,11,[2,3]]' 'are signed'
ok 'as they should be' verified "$(tree 11 11)" "$T/new.pem" "$O"
fails 1 'no such key' modseal resign --key distro-2027 --from nobody "$T/tree"
one_line "$ERR" 'one sentence'
fails 1 'no such file' modseal resign --key distro-2027 --from "$T/none.pem" "$T/tree"
like "$ERR" 'none.pem: no such file' 'and why'
echo nonsense >"$T/nonsense.pem"
fails 1 'no certificate' modseal resign --key distro-2027 --from "$T/nonsense.pem" "$T/tree"
like "$ERR" 'holds no certificate' 'and why'
fails 2 'the new key as an old one' modseal resign --key elder --from elder "$T/tree"
fails 2 'no key' modseal resign "$T/tree"
fails 2 'no path' modseal resign --key elder
fails 1 'a folder without modules' modseal resign --key distro-2027 "$T/rotate"

# A retired key, and its certificate in hand of another with its name
rm -rf "$T/tree"
make_tree "$T/tree" 3
modseal sign -qr --key distro-2026 "$T/tree"
ok 'the old one retires' modseal key retire distro-2026
fails 1 'and signs no more' modseal sign -q --key distro-2026 "$O"
agent_config '/^content = digest/d'
fails 1 'where whole modules are asked for' modseal resign --key distro-2027 --by-digest \
	"$T/tree"
like "$ERR" 'asks for whole modules, not digests' 'by digest is refused'
agent_config '/^key = /a content = digest'
ok 'what it signed is signed with the new one' modseal resign --key distro-2027 --by-digest \
	"$T/tree"
like "$OUT" '^3 signed with distro-2027' 'by digest'
ok 'as it should be' verified "$(tree 1 1)" "$T/new.pem" "$O"

# An issuing key: by its name, and by its certificate; another has the same subject.
for key in issuer double; do
	modseal key create $key --custody leaf --subject 'An issuer' >/dev/null
done
modseal key cert issuer >"$T/issuer.pem"
by_leaf() { # ISSUER FILE...
	local build
	build=$(modseal build open --kernel 6.1.0-1-amd64 --key "$1") &&
		modseal sign -q --key "$1" --build "$build" "${@:2}"
}
for from in issuer "$T/issuer.pem"; do
	rm -rf "$T/tree"
	make_tree "$T/tree" 4
	by_leaf issuer "$(tree 0 0)" "$(tree 1 1)" "$(tree 2 2)" || bail_out 'no leaf signs'
	by_leaf double "$(tree 3 3)" || bail_out 'no leaf signs'
	ok "leaves of ${from##*/}" modseal resign --key elder --from "$from" "$T/tree"
	like "$OUT" '^3 signed with elder, 1 signed by others was left' 'are its own'
	ok 'as it should be' verified "$(tree 2 2)" "$T/elder.pem" "$O"
done

rm -rf "$T/tree"
make_tree "$T/tree" 3
modseal sign -qr --key elder "$T/tree"
echo 'not ELF' >"$T/tree/bad.ko"
fails 1 'one bad module' modseal resign --key distro-2027 --from elder "$T/tree"
like "$OUT" '^3 signed with distro-2027, 1 failed' 'does not stop the others'
fails 3 'no agent' modseal resign --agent "unix:$T/none" --key distro-2027 "$T/tree"

# The agent goes away in the middle.
rm -rf "$T/tree"
make_tree "$T/tree" 300
modseal sign -qr --key elder "$T/tree"
said=$(signatures)
modseal resign -j1 --key distro-2027 --from elder "$T/tree" >"$T/out" 2>"$T/err" &
client=$!
begun() { [ "$(signatures)" -gt "$said" ]; }
wait_for 20 begun || fail 'it begins'
kill -STOP "$(agent_process key)"
dev-agent agent-kill "$T/a"
wait $client
is $? 3 'the agent is killed: status 3'
one_line "$(<"$T/err")" 'one sentence'
like "$(<"$T/out")" '^[0-9]+ signed with distro-2027, [0-9]+ not tried' 'and what there is to do'
ok 'all modules are whole' tree_whole "$T/tree"
is "$OLD" 0 'and signed'
dev-agent agent-start "$T/a" || bail_out 'the agent does not start again'
ok 'again' modseal resign -q --key distro-2027 --from elder "$T/tree"
ok 'as it should be' verified "$(tree 299 299)" "$T/new.pem" "$O"
ok 'the agent is alive' agent_alive
done_testing
