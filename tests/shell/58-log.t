#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The audit log: searching, proofs, export; who may read it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/log.sh"

run modseal log verify
is "$STATUS" 0 'an honest log is good'
like "$OUT" '^good: [0-9]+ entries' 'and says how long it is'
like "$ERR" 'compare it' 'the first time its key is taken on trust, and that is said'
run modseal log verify
is "$ERR" '' 'and remembered'
n=$(modseal log show | wc -l)
is "$(modseal log show --from 3 -n 2 | cut -d' ' -f1 | tr '\n' ' ')" '3 4 ' 'a part of it'
is "$(modseal log tail -n 1 | cut -d' ' -f1)" "$n" 'the end of it'
is "$(modseal log search --module foo --event sign | wc -l)" 6 'search by module'
is "$(modseal log search --module bar | wc -l)" 0 'and by one that is not there'
is "$(modseal log search --since 2999-01-01 | wc -l)" 0 'and by time'

# Proofs, checked by another program from what the API gives.
ok 'a proof for each entry' bash -c "for i in \$(seq $n); do modseal log proof \$i || exit; done"
fails 1 'and none for what is not there' modseal log proof $((n + 1))
modseal log proof 4 --json >"$T/proof"
sql "SELECT record FROM audit WHERE seq = 4" | head -c -1 >"$T/record"
ok 'the proof holds by Python, too' python3 - "$T/proof" "$T/record" <<'END'
import base64, hashlib, json, sys
p = json.load(open(sys.argv[1]))
h = lambda b: hashlib.sha256(b).digest()
node = h(b'\0' + open(sys.argv[2], 'rb').read())
fn, sn = p['entry'] - 1, p['size'] - 1
for x in p['hashes']:
    x = bytes.fromhex(x)
    if fn & 1 or fn == sn:
        node = h(b'\1' + x + node)
        while fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
    else:
        node = h(b'\1' + node + x)
    fn, sn = fn >> 1, sn >> 1
assert base64.b64encode(node).decode() == p['checkpoint'].split('\n')[2], 'root'
END
# The note by openssl: text, blank line, signature; the key from the verifier key.
api GET /v1/log/checkpoint >"$T/note"
api GET /v1/log/vkey >"$T/vkey"
sed '/^$/,$d' "$T/note" >"$T/text"
tail -n 1 "$T/note" | cut -d' ' -f3 | base64 -d | tail -c 64 >"$T/sig"
(printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'
	cut -d+ -f3- "$T/vkey" | base64 -d | tail -c 32) >"$T/pub.der"
ok 'the checkpoint is signed by the log key, says openssl' openssl pkeyutl -verify -rawin \
	-pubin -inkey "$T/pub.der" -keyform DER -in "$T/text" -sigfile "$T/sig"
api GET "/v1/log/tile/0/000.p/$n" >"$T/tile"
is "$(head -c 128 "$T/tile" | tail -c 32 | xxd -p -c 64)" "$(jq -r .leaf "$T/proof")" \
	'a tile has the leaves'
is "$(api GET /v1/log/tile/0/001 | jq -r .code)" no-tile 'there is no tile past the end'
is "$(api GET /v1/log/tile/../../etc | jq -r .code)" no-route 'and no way out of the tiles'
is "$(api GET '/v1/log/proof?entry=0' | jq -r .code)" bad-request 'entries count from 1'
is "$(api GET "/v1/log/consistency?from=2&to=$n" | jq '.hashes | length > 0')" true \
	'consistency proofs'

# Exported, it is checked without the agent.
ok 'export' modseal log export "$T/log"
ok 'checked offline' modseal log verify --export "$T/log" --vkey "$T/vkey" \
	--checkpoint "$T/note" --agent unix:/nonexistent
sed '6s/"foo"/"bar"/' "$T/log" >"$T/log2"
fails 1 'a changed exported entry' modseal log verify --export "$T/log2"
changed() { # SED-SCRIPT PATTERN NAME
	sed "$1" "$T/log" >"$T/log2"
	fails 1 "$3" modseal log verify --export "$T/log2"
	like "$OUT" "$2" 'is named'
}
changed '4d' 'entry 3 is missing' 'one that is missing'
changed '4{h;d};5{G}' 'reordered' 'two that changed places'
changed '4p' 'inserted' 'one that was put in'
# shellcheck disable=SC2016 # sed's
changed '$d' 'some at the end are missing' 'the end cut off'
changed '3s/{/[/' 'cannot be read' 'one that is none'
echo 'vm/x+00000000+AAAA' >"$T/bad"
fails 2 'a key that is none' modseal log verify --export "$T/log" --vkey "$T/bad"
fails 2 'a file that is no log' modseal log verify --export "$T/note"

# Who may read it.
if [ "$(id -u)" = 0 ]; then
	nobody() {
		chmod 755 "$T" "$T/a"
		setpriv --reuid 65534 --clear-groups curl -sS --max-time 20 \
			--unix-socket "$T/a/agent.sock" "http://modseal$1"
	}
	is "$(nobody /v1/log/entries | jq -r .code)" not-auditor 'not everybody may read the log'
	is "$(nobody /v1/log/checkpoint | jq -r .code)" not-auditor 'nor its checkpoints'
	is "$(modseal log search --identity uid:65534 --event refuse | wc -l)" 2 \
		'and who tried is in it'
	stop
	sed -i '/^\[agent\]/a auditors = uid:65534' "$T/a/modseald.conf"
	start
	is "$(nobody /v1/log/entries | wc -l)" "$(modseal log show | wc -l)" 'an auditor may'
	is "$(nobody '/v1/keys/dev/sign' | jq -r .code)" bad-method 'and nothing more'
fi

fails 2 'a number that is none' modseal log show -n x
like "$ERR" '-n/--number is not a number' 'as it was typed'
done_testing
