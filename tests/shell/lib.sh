# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the shell tests: TAP, a temporary folder, an agent. A test looks like this:
#
#	#!/usr/bin/env bash
#	# SPDX-License-Identifier: GPL-2.0-or-later
#	. "$(dirname "$0")/lib.sh"
#	agent_start
#	ok 'a module is signed' modseal sign "$T/foo.ko"
#	fails 1 'no such key' modseal sign --key nobody "$T/foo.ko"
#	like "$ERR" '^modseal: .*no such key' 'and the message says why'
#	done_testing
#
# ok, fails and run leave the command's output in $OUT and $ERR and its exit status in
# $STATUS. Without done_testing at the end there is no plan, and that is a failure.

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
cd "$TOP" || exit 1
BUILD=$(realpath -m "${BUILD:-build}")
export BUILD TOP LC_ALL=C
# modinfo and depmod are in sbin, which Debian's users do not have on their PATH.
export PATH="$BUILD:$BUILD/tests/tools:$TOP/scripts:$PATH:/usr/sbin:/sbin"
unset MODSEAL_AGENT MODSEAL_KEY MODSEAL_BUILD KBUILD_SIGN_PIN MAKEFLAGS MFLAGS MAKELEVEL

# Short, as socket paths have 107 bytes.
T=$(mktemp -d "${TMPDIR:-/tmp}/ms.XXXXXX") || exit 1
export T
TESTS_RUN=0 TESTS_FAILED=0
OUT='' ERR='' STATUS=0
_at_exit=()

# at_exit COMMAND...: run when the test ends, however it ends; the last one first
at_exit() {
	_at_exit+=("$(printf '%q ' "$@")")
}

_finish() {
	local status=$? i
	trap - EXIT
	for ((i = ${#_at_exit[@]} - 1; i >= 0; i--)); do
		eval "${_at_exit[i]}"
	done
	chmod -R u+rwX "$T" 2>/dev/null
	rm -rf "$T"
	exit "$status"
}
trap _finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

_result() {
	local good=$1 name=${2//#/}
	TESTS_RUN=$((TESTS_RUN + 1))
	if [ "$good" = 1 ]; then
		echo "ok $TESTS_RUN - $name"
		return 0
	fi
	TESTS_FAILED=$((TESTS_FAILED + 1))
	echo "not ok $TESTS_RUN - $name"
	return 1
}

pass() { _result 1 "$1"; }
fail() {
	_result 0 "$1"
	[ $# -lt 2 ] || diag "$2"
	return 1
}

# run COMMAND...: sets OUT, ERR, STATUS; says nothing
run() {
	"$@" >"$T/.out" 2>"$T/.err" </dev/null
	STATUS=$?
	# Bytes that bash cannot hold are for the files $T/.out and $T/.err.
	OUT=$(tr -d '\0' <"$T/.out") ERR=$(tr -d '\0' <"$T/.err")
	return 0
}

_show() {
	diag "command: $*"
	diag "exit status: $STATUS"
	[ -z "$OUT" ] || diag "stdout: $(head -c 2000 <<<"$OUT")"
	[ -z "$ERR" ] || diag "stderr: $(head -c 4000 <<<"$ERR")"
}

# ok NAME COMMAND...: passes if the command exits with 0
ok() {
	local name=$1
	shift
	run "$@"
	[ "$STATUS" -eq 0 ] && _result 1 "$name" && return 0
	_result 0 "$name"
	_show "$@"
	return 1
}

# fails STATUS NAME COMMAND...: passes if the command exits with exactly that status
# ('any': 1 to 123, so neither by a signal nor missing), without a sanitizer's report
fails() {
	local want=$1 name=$2 good=0
	shift 2
	run "$@"
	if [ "$want" = any ]; then
		[ "$STATUS" -ge 1 ] && [ "$STATUS" -le 123 ] && good=1
	else
		[ "$STATUS" -eq "$want" ] && good=1
	fi
	[[ $ERR != *Sanitizer* && $ERR != *'runtime error'* ]] || good=0
	_result $good "$name" && return 0
	diag "wanted exit status $want"
	_show "$@"
	return 1
}

# is GOT WANT NAME
is() {
	[ "$1" = "$2" ] && _result 1 "$3" && return 0
	_result 0 "$3"
	diag "got:    $1"
	diag "wanted: $2"
	return 1
}

# isnt GOT UNWANTED NAME
isnt() {
	[ "$1" != "$2" ] && _result 1 "$3" && return 0
	_result 0 "$3"
	diag "got, and should not: $1"
	return 1
}

# like GOT EXTENDED-REGEX NAME
like() {
	[[ $1 =~ $2 ]] && _result 1 "$3" && return 0
	_result 0 "$3"
	diag "got:         $1"
	diag "should match: $2"
	return 1
}

# unlike GOT EXTENDED-REGEX NAME
unlike() {
	[[ ! $1 =~ $2 ]] && _result 1 "$3" && return 0
	_result 0 "$3"
	diag "got:             $1"
	diag "should not match: $2"
	return 1
}

# same FILE FILE NAME: byte for byte
same() {
	cmp -s "$1" "$2" && _result 1 "$3" && return 0
	_result 0 "$3"
	diag "$(cmp "$1" "$2" 2>&1)"
	return 1
}

# one_line TEXT NAME: an error message is one line, not empty
one_line() {
	[ -n "$1" ] && [[ $1 != *$'\n'* ]] && _result 1 "$2" && return 0
	_result 0 "$2"
	diag "got: $1"
	return 1
}

# skip COUNT WHY: stands for tests that cannot run here
skip() {
	local i
	for ((i = 0; i < $1; i++)); do
		TESTS_RUN=$((TESTS_RUN + 1))
		echo "ok $TESTS_RUN # SKIP $2"
	done
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

bail_out() {
	diag "$1"
	exit 1
}

done_testing() {
	echo "1..$TESTS_RUN"
	exit $((TESTS_FAILED > 0))
}

# wait_for SECONDS COMMAND...: until the command succeeds; false when the time is over
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}

# gone PID: there is no such process, or only its zombie
gone() {
	local state
	state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 0
	[[ -z $state || $state == Z* ]]
}

# agent_start [DIR]: a private agent with a TPM of its own and the key `dev`; sets the
# environment for the clients; ends with the test
agent_start() {
	local dir=${1:-$T/a} said
	at_exit dev-agent stop "$dir"
	if ! said=$(dev-agent start "$dir" 2>&1); then
		diag "$said"
		[ ! -s "$dir/modseald.log" ] || diag "$(tail -n 20 "$dir/modseald.log")"
		bail_out 'no agent'
	fi
	eval "$(dev-agent env "$dir")"
}

# agent_alive [DIR]: it still answers
agent_alive() {
	curl -fsS --max-time 10 --unix-socket "${1:-$T/a}/agent.sock" \
		http://modseal/healthz >/dev/null
}

# agent_config SED-ARGUMENT...: edits its configuration, which it takes at once
agent_config() {
	cp "$T/a/modseald.conf" "$T/.conf"
	sed -i "$@" "$T/a/modseald.conf"
	! cmp -s "$T/a/modseald.conf" "$T/.conf" || bail_out "sed changed nothing: $*"
	agent_reload
}
agent_reload() {
	modseal reload >"$T/.reload" 2>&1 ||
		bail_out "the agent's configuration: $(<"$T/.reload")"
}

# agent_rule KEYS LINES: one rule for us, in the place of all
agent_rule() {
	sed -i '/^\[rule /,$d' "$T/a/modseald.conf"
	printf '[rule x]\nwho = uid:%s\nkey = %s\n%s\n' "$(id -u)" "$1" "$2" \
		>>"$T/a/modseald.conf"
	agent_reload
}

# agent_process ROLE [PID]: pid of one of the processes of the agent, or of that supervisor
agent_process() {
	local main=${2:-} pid
	[ -n "$main" ] || read -r main _ <"$T/a/modseald.pid"
	for pid in $(cat "/proc/$main/task/$main/children"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "modseald-$1" ] || echo "$pid"
	done
}

# agent_successor ROLE PID: there is a process of this role, and not that one
agent_successor() {
	local now
	now=$(agent_process "$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

# records SQL: of the table audit
records() {
	sqlite3 -readonly "$T/a/state/audit.db" "$1"
}

# have_terminal: pseudo terminals can be made; a bare chroot has none
have_terminal() {
	python3 -c 'import pty; pty.openpty()' 2>/dev/null
}

# The kernel's own sign-file and a folder of kernel headers, or nothing.
kernel_build() {
	local d
	for d in /lib/modules/*/build /usr/src/linux-headers-*-amd64; do
		[ -f "$d/Makefile" ] && { echo "$d"; return 0; }
	done
	return 1
}
sign_file() {
	local f
	for f in /usr/{lib/linux-kbuild,src/linux-headers}-*/scripts/sign-file; do
		[ -x "$f" ] && { echo "$f"; return 0; }
	done
	return 1
}

# make_module FILE [NAME [VERSION [SRCVERSION]]]: a small but true module: ELF, .modinfo,
# this_module
make_module() {
	local name=${2:-example} version=${3:-1.0} src=${4:-0123456789ABCDEF0123456}
	cat >"$T/.mod.c" <<-END
		#define INFO(tag, text) __attribute__((section(".modinfo"), used)) \\
			static const char tag[] = text
		INFO(a, "license=GPL");
		INFO(b, "name=$name");
		INFO(c, "vermagic=6.1.0-1-amd64 SMP preempt mod_unload modversions ");
		INFO(d, "srcversion=$src");
		INFO(e, "version=$version");
		__attribute__((section(".gnu.linkonce.this_module"), used))
		static char this_module[64] = "$name";
		int init_module(void);
		int init_module(void) { return 0; }
	END
	# shellcheck disable=SC2086 # CC="ccache gcc" is two words
	${CC:-cc} -c -O1 -ffreestanding -fno-pic -o "$1" "$T/.mod.c"
}
