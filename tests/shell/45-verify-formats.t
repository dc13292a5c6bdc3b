#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The formats of modseal-verify for other programs: sarif, html, prometheus.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verify-lib.sh"

new_key good rsa:2048
mkdir "$T/tree"
signed good sha256 "$T/tree/good.ko"
evil=$'<script>alert(1)<\e[31m"\'&.ko'
evil=${evil//\//}
cp "$MODULE" "$T/tree/$evil"
mkfifo "$T/tree/fifo.ko"

report() {
	verify --format "$@" "$T/tree" >"$T/report"
	STATUS=$?
	is "$STATUS $(tr -d '\n -~' <"$T/report" | wc -c)" '3 0' "$1: only printable bytes"
}

report sarif
is "$(jq -r '.version, .runs[0].tool.driver.name' "$T/report" | paste -sd' ')" \
	'2.1.0 modseal-verify' 'SARIF 2.1.0'
is "$(jq -r '.runs[0].results[] | .ruleId + " " + .level' "$T/report" | sort | paste -sd' ')" \
	'unreadable error unsigned error' 'its results'
is "$(jq '[.runs[0].results[].ruleId] - [.runs[0].tool.driver.rules[].id]' "$T/report")" \
	'[]' 'every result has its rule'
is "$(jq -r '.runs[0].invocations[0] | .executionSuccessful, .exitCode' "$T/report" |
	paste -sd' ')" 'false 3' 'and says that it is incomplete'
unlike "$(jq -r '.runs[0].results[].locations[0].physicalLocation.artifactLocation.uri' \
	"$T/report")" '[<> "]' 'URIs are encoded'

report html
is "$(grep -c '<script>' "$T/report")" 1 'one script, and it is ours'
like "$(cat "$T/report")" '&lt;script&gt;alert\(1\)' 'a name is text'
is "$(grep -c 'class="m \(trusted\|findings\|unchecked\)"' "$T/report")" 3 'every module'
unlike "$(cat "$T/report")" 'src=|href=|url\(' 'nothing from elsewhere'
ok 'tags are closed' python3 -c '
import html.parser, sys
class P(html.parser.HTMLParser):
    open = []
    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "input"):
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
p = P()
p.feed(open(sys.argv[1]).read())
assert not p.open, p.open
' "$T/report"
verify --failed-only --format html "$T/tree" >"$T/report"
is "$(grep -c 'class="m trusted"' "$T/report")" 0 '--failed-only'

report prometheus
is "$(sed -n 's/^modseal_verify_modules{verdict="\(.*\)"} /\1 /p' "$T/report" | paste -sd' ')" \
	'trusted 1 findings 1 unchecked 1' 'modules by verdict'
is "$(grep -vcE '^# (HELP|TYPE) |^modseal_verify_[a-z_]+(\{[^}]*\})? -?[0-9]+$' "$T/report")" \
	0 'every line is a comment or a sample'
is "$(grep -v '^#' "$T/report" | sed 's/ [0-9-]*$//' | sort | uniq -d)" '' 'no sample twice'

done_testing
