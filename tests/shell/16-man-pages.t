#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Manual pages: each is formatted without a warning, and has the options that --help has.
. "$(dirname "$0")/lib.sh"

for page in docs/man/*.scd; do
	name=${page##*/} name=${name%.scd}
	scdoc <"$page" >"$T/$name" 2>"$T/err" || diag "$(cat "$T/err")"
	ok "$name: man" man --warnings -E UTF-8 -l "$T/$name"
	is "$ERR" '' 'without a warning'
	title=$(sed -n 's/^\.TH "\([^"]*\)" "\([0-9]\)".*/\1.\2/p' "$T/$name")
	is "$title" "$name" 'its title is its name'
	is "$(grep -c 'SPDX-License' "$page")" 1 'it has its licence'
	if command -v mandoc >/dev/null; then
		# scdoc begins paragraphs where there is nothing yet.
		said=$(mandoc -T lint -W warning "$T/$name" | grep -v 'skipping paragraph macro')
		is "$said" '' 'mandoc finds nothing'
	else
		skip 1 'mandoc is missing: run scripts/install-deps'
	fi
done

# Every program has one, and every page that is referred to is there.
for program in "$BUILD"/modseal "$BUILD"/modseald "$BUILD"/modseal-verify \
	"$BUILD"/modseal-sign-file; do
	ok "there is a page for ${program##*/}" ls docs/man/"${program##*/}".[18].scd
done
refers=$(sed -n '/^# SEE ALSO/,$p' docs/man/*.scd | grep -o '\*modseal[a-z.-]*\*([0-9])' |
	tr -d '*' | sort -u | while IFS='()' read -r to section _; do
	[ -e "docs/man/$to.$section.scd" ] || echo "$to($section)"
done)
is "$refers" '' 'SEE ALSO names pages that are there'
packaged=$(for page in docs/man/*.scd; do
	base=$(basename "$page" .scd)
	grep -qx "usr/share/man/man${base##*.}/$base" packaging/debian/*.install || echo "$base"
done)
is "$packaged" '' 'each is in a package'

python3 - "$BUILD" >"$T/differ" <<'END'
import re, subprocess, sys

def run(program, *words):
    return subprocess.run([f"{sys.argv[1]}/{program}", *words, "--help"],
                          capture_output=True, text=True).stdout

def page(name):
    return re.sub(r"\\(.)", r"\1", open(f"docs/man/{name}.scd").read())

LONG = r"--[a-z][a-z0-9-]+"

def options(text):
    """Long names, each with its letter or None."""
    return {m[2]: m[1] for m in re.finditer(rf"^ +(?:(-\w), )?({LONG})", text, re.M)}

# modseal: each command's options, where the page has the command.
common = options(run("modseal"))
text = page("modseal.1")
sections = re.split(r"^# ", text, flags=re.M)
table, known = [], set(common) | {"--version"}
for line in run("modseal").splitlines():
    m = re.match(r"  ([a-z]+)(?: ([a-z-]+))?(?= )", line)
    if m:
        name = " ".join(filter(None, m.groups()))
        table.append(name)
for name in table:
    mine = {k: v for k, v in options(run("modseal", *name.split())).items()
            if k not in common}
    known |= set(mine)
    items = re.findall(rf"^\*{name}\b[^\n]*(?:\n[^\n]+)*", text, re.M)
    places = items + [s for s in sections if not s.startswith("COMMANDS")
                      and re.search(rf"modseal\*? {name}\b|\*{name}\b", s)]
    where = "\n".join(places)
    if not where:
        print(f"modseal {name}: is not on the page")
    for option, letter in mine.items():
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", where) and not (
                letter and re.search(rf"(?<![\w-]){letter}(?![\w-])", where)):
            print(f"modseal {name}: {option} is not on the page")
    for option in re.findall(LONG, " ".join(i.splitlines()[0] for i in items)):
        if option not in mine and option not in common:
            print(f"modseal {name}: {option} is on the page only")

def whole(program, name, help_text, foreign=()):
    there = set(re.findall(rf"(?<![\w-])({LONG})", help_text))
    written = set(re.findall(rf"\*(?:-\w\*, \*)?({LONG})", page(name)))
    for option in sorted(there - written):
        print(f"{program}: {option} is not on the page")
    for option in sorted(written - there - set(foreign)):
        print(f"{program}: {option} is on the page only")

whole("modseald", "modseald.8", run("modseald"))
whole("modseal-sign-file", "modseal-sign-file.1", run("modseal-sign-file"))
check = subprocess.run(["sh", "kbuild-hooks/dkms/modseal-dkms-check", "--help"],
                       capture_output=True, text=True).stdout
whole("modseal-dkms-check", "modseal-dkms.7", check, ["--help"])
verify = run("modseal-verify")
for verb in re.findall(r"^(?:usage:)? +modseal-verify ([a-z]+)", verify, re.M):
    verify += run("modseal-verify", verb)
whole("modseal-verify", "modseal-verify.1", verify)
END
is "$(cat "$T/differ")" '' 'pages and --help have the same options'

# The codes of findings are those that the verifier knows.
sed -n '/^# CODES/,/^# EXAMPLE/p' docs/man/modseal-verify.policy.5.scd |
	grep -o '\*[a-z-]*\*' | tr -d '*' | sort >"$T/codes"
sed -n "s/^| \`\([a-z-]*\)\` | .*/\1/p" docs/HACKING.md | sort >"$T/known"
is "$(diff "$T/codes" "$T/known")" '' 'modseal-verify.policy(5) has every finding'
sed 's/$/ = error/' "$T/codes" >"$T/policy"
make_module "$T/m.ko"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/k" -out "$T/c.pem" -subj /CN=x 2>/dev/null
fails 1 'and modseal-verify takes all of them' modseal-verify verify --anchor "$T/c.pem" \
	--policy "$T/policy" "$T/m.ko"
done_testing
