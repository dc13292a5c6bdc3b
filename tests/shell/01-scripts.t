#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The scripts that judge have to be able to say no: run-tests, tap-run, the checks of
# layers and style, install-deps.
. "$(dirname "$0")/lib.sh"

# A copy of the sources to do harm to.
R=$T/repo
mkdir "$R"
git -C "$TOP" ls-files -z --cached --others --exclude-standard |
	(cd "$TOP" && tar -c --null --ignore-failed-read -T - 2>/dev/null) | tar -x -C "$R"
git -C "$R" init -q

# tap-run

tap_run() {
	run scripts/tap-run -t 2 -o "$T/totals" "$@"
	TOTALS=$(cat "$T/totals")
}
tap_file() {
	cat >"$T/$1"
}
tap_file good.t <<<"echo ok 1; echo 'ok 2 # SKIP no such hardware'; echo 1..2"
tap_file bad.t <<<"echo ok 1; echo not ok 2 - is green; echo '# is red'; echo 1..2"
tap_file short.t <<<'echo 1..3; echo ok 1'
tap_file dies.t <<<'echo ok 1; echo 1..1; kill -SEGV $$'
tap_file silent.t <<<'true'
tap_file status.t <<<'echo ok 1; echo 1..1; exit 3'
tap_file slow.t <<<'echo ok 1; echo 1..1; exec sleep 600'
tap_file skips.t <<<"echo '1..0 # SKIP not here'"

tap_run "$T/good.t"
is "$STATUS $TOTALS" '0 1 0 1' 'tap-run: a skipped test did not pass'
like "$OUT" 'good.t: no such hardware' 'tap-run: and the reason is shown'
tap_run "$T/good.t" "$T/bad.t"
is "$STATUS $TOTALS" '1 2 1 1' 'tap-run: a failed test is counted'
like "$OUT" 'is red' 'tap-run: and what it said is shown'
tap_run "$T/short.t"
is "$STATUS $TOTALS" '1 1 2 0' 'tap-run: tests that were announced and never ran failed'
tap_run "$T/dies.t"
is "$STATUS $TOTALS" '1 1 1 0' 'tap-run: death by a signal is a failure'
tap_run "$T/silent.t"
is "$STATUS $TOTALS" '1 0 1 0' 'tap-run: silence is a failure'
tap_run "$T/status.t"
is "$STATUS $TOTALS" '1 1 1 0' 'tap-run: an exit status is a failure'
tap_run "$T/slow.t"
is "$STATUS $TOTALS" '1 1 1 0' 'tap-run: too slow is a failure'
tap_run "$T/skips.t"
is "$STATUS $TOTALS" '0 0 0 1' 'tap-run: a test that does not apply is skipped'

# Makefile: after `make BUILD=/its/whole/path`, headers are still prerequisites.
mkdir -p "$T/make/lib" "$T/make/tests" "$T/make/test-vm" "$T/make/packaging"
cp Makefile "$T/make"
cp tests/tests.mk "$T/make/tests"
cp test-vm/vm.mk "$T/make/test-vm"
cp packaging/packaging.mk "$T/make/packaging"
touch "$T/make/lib/macro.h" "$T/make/lib/a.h"
echo '#include "lib/a.h"' >"$T/make/lib/a.c"
M=$(realpath "$T/make")
ok 'make: BUILD is a whole path' make -C "$M" "BUILD=$M/build" build/lib/a.o
ok 'make: and then a relative one' make -C "$M" BUILD=build -q build/lib/a.o
touch -d '+5 seconds' "$M/lib/a.h"
fails 1 'make: a header has changed' make -C "$M" BUILD=build -q build/lib/a.o

# run-tests

fails 1 'run-tests: no test at all is a failure' \
	env MAKE=true TESTS=nothing scripts/run-tests check-valgrind
is "$(tail -n 1 <<<"$OUT")" '0 passed, 1 failed' 'run-tests: and the last line says so'
like "$OUT" 'no test is called nothing' 'run-tests: and why'
fails 1 'run-tests: a build that fails' env MAKE=false scripts/run-tests check-quick
is "$(tail -n 1 <<<"$OUT")" '0 passed, 1 failed' 'run-tests: is a failure'
cp "$T/bad.t" "$R/tests/shell/10-bad.t"
fails 1 'run-tests: a test that fails' \
	env MAKE=true TESTS='tests/shell/10-bad.t' "$R/scripts/run-tests" check-asan
is "$(tail -n 1 <<<"$OUT")" '1 passed, 1 failed' 'run-tests: is counted'
rm "$R/tests/shell/10-bad.t"

# check-layers

layers() {
	(cd "$R" && BUILD=$R/none scripts/check-layers)
}
# refused NAME FILE TEXT: the check says no when FILE has TEXT
refused() {
	mkdir -p "$R/${2%/*}"
	printf '%s\n' "$3" >"$R/$2"
	fails 1 "check-layers: $1" layers
	like "$ERR" "$2" 'check-layers: and names the file'
	rm "$R/$2"
}
ok 'check-layers: the tree as it is' layers
refused 'lib must not include tpm' lib/zz.c '#include "tpm/tpm.h"'
refused 'tss2 is for tpm alone' signer/agent/zz.c '#include <tss2/tss2_esys.h>'
refused 'the verifier has no agent' verifier/zz.c '#include "signer/agent/store.h"'
refused 'the hooks have no libcrypto' kbuild-hooks/zz.c '#include <openssl/evp.h>'
refused 'a client has no SQLite' signer/client/zz.c '  #  include <sqlite3.h>'
refused 'an unknown library' lib/zz.h '#include <boost/any.h>'
refused 'a folder without walls' newroom/zz.c 'int x;'

# check-style

style() {
	(cd "$R" && scripts/check-style)
}
spdx='/* SPDX-License-Identifier: GPL-2.0-or-later */'
# ugly NAME TEXT PATTERN: the check says no about a file with TEXT
ugly() {
	printf '%b' "$2" >"$R/lib/zz.c"
	run style
	isnt "$STATUS" 0 "check-style: $1"
	like "$ERR" "lib/zz.c.*$3" 'check-style: and says what is wrong'
	rm "$R/lib/zz.c"
}
ugly 'no SPDX line' 'int x;\n' 'SPDX'
ugly 'blanks at the end' "$spdx\nint x; \n" 'blanks'
ugly 'indented with blanks' "$spdx\n        int x;\n" 'tabs'
ugly 'C++ comment' "$spdx\nint x; // y\n" 'comments'
ugly 'too wide' "$spdx\n/* $(printf 'x%.0s' {1..90}) */\n" '96 columns'
ugly 'too long' "$spdx\n$(printf 'x\\n%.0s' {1..700})" 'lines'
ugly 'no newline at the end' "$spdx\nint x;" 'newline'
ugly 'a path of this machine' "$spdx\n/* see /wor""k/x */\n" 'path'

# install-deps, with a dpkg that has nothing

mkdir "$T/bin"
printf '#!/bin/sh\nexit 1\n' >"$T/bin/dpkg-query"
printf '#!/bin/sh\necho 1000\n' >"$T/bin/id"
printf '#!/bin/sh\necho called >>%s\n' "$T/apt" >"$T/bin/apt-get"
chmod +x "$T"/bin/*
fails 1 'install-deps: without root' env PATH="$T/bin:$PATH" scripts/install-deps
like "$ERR" 'apt-get install .*libssl-dev' 'install-deps: prints the line to run'
ok 'install-deps: and runs nothing' test ! -e "$T/apt"
printf '#!/bin/sh\necho 0\n' >"$T/bin/id"
ok 'install-deps: as root' env PATH="$T/bin:$PATH" scripts/install-deps
ok 'install-deps: calls apt-get' test -e "$T/apt"
like "$(scripts/install-deps --help)" '--build .*--list ' 'install-deps: --help'
rm "$T/apt"
printf '#!/bin/sh\necho "$*" >>%s\n' "$T/apt" >"$T/bin/apt-get"
ok 'install-deps: --build' env PATH="$T/bin:$PATH" scripts/install-deps --build
like "$(<"$T/apt")" 'libssl-dev.*scdoc.*debhelper.*rpm' 'install-deps: what building takes'
unlike "$(<"$T/apt")" 'qemu|valgrind|mandoc|cmocka' 'install-deps: and no more'
fails 2 'install-deps: a word it does not know' scripts/install-deps --bild
ok 'make: without pkg-config it fails' bash -c \
	"! make -C '$M' BUILD=build PKG_CONFIG=/nonexistent/pkg-config >'$T/said' 2>&1"
is "$(grep -vE '^make(\[[0-9]+\])?: (Enter|Leav)' "$T/said" | sed 's/^[^*]*//')" \
	'*** Libraries are missing: run scripts/install-deps --build.  Stop.' \
	'make: in one sentence'
run scripts/install-deps --list
is "$(sort <<<"$OUT" | uniq -d)" '' 'install-deps: names nothing twice'
done_testing
