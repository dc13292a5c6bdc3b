#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# /metrics: who may read it, its format, what it counts; the log's lines as JSON; and that
# contrib/ names only what there is.
. "$(dirname "$0")/lib.sh"

api() { # PATH [CURL ARGUMENTS]
	local path=$1
	shift
	curl -sS --max-time 20 --unix-socket "$T/a/agent.sock" "$@" "http://modseal$path"
}
scrape() { api /metrics >"$T/metrics"; }
# value NAME{LABELS}: its sample
value() { awk -v want="$1" '$1 == want { print $2 }' "$T/metrics"; }
sum() { awk -v want="$1" 'index($1, want) == 1 { n += $2 } END { print n + 0 }' "$T/metrics"; }
moved() { scrape; [ "$(value "$1")" = "$2" ]; }

agent_start
make_module "$T/m.ko"
printf 'log-format = json\nlog-requests = all\n' >"$T/agent.more"
sed -i "/^admins/r $T/agent.more" "$T/a/modseald.conf"
ok 'log-format is taken by a reload' modseal reload
ok 'a module is signed' modseal sign "$T/m.ko"
fails 1 'another is refused' modseal sign /bin/true
fails 1 'and one with no key' modseal sign --key 'nobody' "$T/m.ko"

run api /metrics -D "$T/head"
printf '%s\n' "$OUT" >"$T/metrics"
like "$(cat "$T/head")" 'Content-Type: text/plain; version=0\.0\.4' 'the type is Prometheus'\''s'
is "$(value 'modseal_sign_requests_total{key="dev",result="signed"}')" 1 'a signature counts'
is "$(value 'modseal_sign_requests_total{key="dev",result="refused"}')" 1 'a refusal counts'
is "$(value 'modseal_sign_requests_total{key="",result="refused"}')" 1 \
	'names of keys that do not exist make no series of their own'
is "$(value 'modseal_refusals_total{code="not-a-module"}')" 1 'by its code, too'
is "$(value 'modseal_refusals_total{code="no-such-key"}')" 1 'each by its own'
is "$(value modseal_sign_duration_seconds_count)" 3 'each has its time'
is "$(value 'modseal_key_unsealed{key="dev"}')" 1 'the key can sign'
is "$(value 'modseal_key_signatures_total{key="dev"}')" 1 'the log has it'
until=$(modseal key show dev --json | jq -r .not_after)
is "$(value 'modseal_cert_expiry_timestamp_seconds{key="dev"}')" "$(date -d "$until" +%s)" \
	'when its certificate ends'
is "$(sum modseal_tpm_errors_total)" 0 'the TPM has not failed'
is "$(value modseal_store_ok)" 1 'the store works'
is "$(value 'modseal_process_starts_total{process="front"}')" 1 'the front was started once'
like "$(value modseal_audit_commits_total)" '^[1-9]' 'transactions are counted'
is "$(value modseal_audit_records_total)" "$(value modseal_log_entries)" 'and the records in them'
if ldd "$BUILD/modseald" | grep -q asan; then
	skip 2 'no filter with sanitizers'
else
	for p in supervisor front key tpm; do
		value "modseal_sandbox_seccomp{process=\"$p\"}"
	done >"$T/f"
	is "$(sort -u "$T/f")" 1 'every process has its filter'
	is "$(modseal status --json | jq -c '.sandbox | map(.seccomp) | unique')" '[true]' \
		'modseal status says so'
fi
signed_again() { modseal sign "$T/m.ko" && moved 'modseal_key_signatures_total{key="dev"}' 2; }
ok 'counters go up' signed_again

# The format, by a reader of our own, and by Prometheus' where it is installed.
cat >"$T/read.py" <<'END'
import re, sys
metric = re.compile(r'^([a-z_]+)(\{((?:[a-z_]+="[^"\\\n]*",?)*)\})? (\d+(?:\.\d+)?)$')
kinds, seen, last = {}, set(), {}
for line in open(sys.argv[1]).read().splitlines():
    if line.startswith('# HELP '):
        name = line.split()[2]
        assert name not in kinds, f'{name} twice'
        assert line.endswith('.'), line
        continue
    if line.startswith('# TYPE '):
        _, _, name, kind = line.split()
        kinds[name] = kind
        assert (kind == 'counter') == name.endswith('_total'), line
        continue
    m = metric.match(line)
    assert m, f'not a sample: {line}'
    base = m[1]
    if base not in kinds:
        base = re.sub(r'_(bucket|sum|count)$', '', base)
        assert kinds.get(base) == 'histogram', line
        if m[1].endswith('_bucket'):
            assert float(m[4]) >= last.get(base, 0), f'not cumulative: {line}'
            last[base] = float(m[4])
        if m[1].endswith('_count'):
            assert float(m[4]) == last[base], f'+Inf is not the count: {line}'
    assert (m[1], m[3]) not in seen, f'twice: {line}'
    seen.add((m[1], m[3]))
print(*sorted(kinds), sep='\n')
END
ok 'every line is of the text format' python3 "$T/read.py" "$T/metrics"
printf '%s\n' "$OUT" >"$T/names"
promtool=${PROMTOOL:-$(command -v promtool)}
if [ -n "$promtool" ]; then
	run "$promtool" check metrics <"$T/metrics"
	"$promtool" check metrics <"$T/metrics" >"$T/said" 2>&1
	is "$?$(cat "$T/said")" 0 'promtool has nothing to say'
	ok 'promtool takes the rules' "$promtool" check rules contrib/prometheus/modseal.rules.yml
else
	skip 2 'no promtool'
fi
for name in sign_requests_total sign_duration_seconds queue_depth tpm_errors_total key_unsealed \
	cert_expiry_timestamp_seconds approvals_pending audit_append_errors_total \
	verify_failures_total build_info; do
	grep -qx "modseal_$name" "$T/names" || echo "$name"
done >"$T/missing"
is "$(cat "$T/missing")" '' 'every promised name is there'

# contrib/: what it names is served.
sed 's/$/_bucket/; p; s/_bucket$/_sum/; p; s/_sum$/_count/' "$T/names" >"$T/histograms"
for file in contrib/prometheus/modseal.rules.yml contrib/grafana/modseal.json; do
	grep -oE 'modseal_[a-z_]+' "$file" | sort -u >"$T/used"
	is "$(sort -u "$T/names" "$T/histograms" | comm -13 - "$T/used")" '' \
		"$file names only metrics that there are"
	[ "$(wc -l <"$T/used")" -ge 8 ] && pass 'and some of them' || fail 'and some of them'
done
ok 'the dashboard is JSON' jq -e '.panels | length > 5' contrib/grafana/modseal.json
ok 'the rules are YAML' python3 -c 'import sys, yaml
groups = yaml.safe_load(open(sys.argv[1]))["groups"]
for rule in (r for g in groups for r in g["rules"]):
    assert rule["expr"] and rule["annotations"]["summary"] and rule["labels"]["severity"], rule
    assert rule["alert"] in open("docs/OPERATIONS.md").read(), rule["alert"]
' contrib/prometheus/modseal.rules.yml

# The system's log.
logged() { grep '^{' "$T/a/modseald.log" | jq -c "select($1)"; }
run jq -e '.time and .level and .process and .pid and .message' <(grep '^{' "$T/a/modseald.log")
is "$STATUS" 0 'every line is JSON with what the manual promises'
is "$(logged '.code == "not-a-module"' | jq -r .status)" 422 'a refusal has its line'
id=$(logged '.code == "not-a-module"' | jq -r .request)
modseal log search --event refuse --json >"$T/refused"
is "$(jq -r .entry.request "$T/refused" | grep -cx "$id")" 1 \
	'and its request id is in the audit log'
is "$(logged '.path == "/v1/keys/dev/sign" and .status == "200"' | head -n1 | jq -r .identity)" \
	"uid:$(id -u)" 'with log-requests = all those that were done have one, too'

# Who may read.
cat >"$T/a/modseald.conf.new" <<END
$(sed -e 's/^admins.*/admins = uid:4242/' -e '/^log-/d' "$T/a/modseald.conf")
END
dev-agent agent-stop "$T/a"
mv "$T/a/modseald.conf.new" "$T/a/modseald.conf"
dev-agent agent-start "$T/a"
is "$(api /metrics | jq -r .code)" not-auditor 'not everybody reads the metrics'
sed -i "s/^admins.*/&\nmetrics = uid:$(id -u)/" "$T/a/modseald.conf"
dev-agent agent-stop "$T/a"
dev-agent agent-start "$T/a"
like "$(api /metrics)" modseal_build_info "but whom 'metrics' names"
ok 'modseal metrics prints them' modseal metrics
like "$OUT" 'modseal_build_info\{version="[0-9.]+"\} 1' 'as they are'
is "$(api /metrics -X POST | jq -r .code)" bad-method 'there is nothing to post'
done_testing
