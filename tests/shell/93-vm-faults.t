#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The test VM when it goes wrong: a kernel that cannot be had, one that panics, a machine
# that hangs, KVM that does not work. Each is said, and none is a pass.
. "$(dirname "$0")/lib.sh"

CACHE=${MODSEAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/modseal}
[ -x "$BUILD/test-vm/judge" ] || skip_all 'the VM is not built: make vm-build'

# ------------------------------------------- a kernel that cannot be fetched

mkdir "$T/bin" "$T/cache"
printf '#!/bin/sh\nexit 100\n' > "$T/bin/apt-get"
chmod +x "$T/bin/apt-get"
run env PATH="$T/bin:$PATH" MODSEAL_CACHE="$T/cache" test-vm/run --kernel 6.1,6.12 \
	--setup open --cases odd
is "$STATUS" 3 'kernels that cannot be fetched: exit status 3'
like "$OUT" 'Linux 6\.1, open: SKIPPED: .*cannot fetch 6\.1' 'the table says so'
like "$OUT" 'Linux 6\.12, open: SKIPPED: ' 'of each'
like "$OUT" '0 as expected, 0 not, 2 boots skipped' 'and counts none as passed'

# ------------------------------------------------ a panic, a hang, a bad KVM

kernel=
for name in 6.1 6.12 7 5.10; do
	[ -e "$CACHE/kernels/$name/vmlinuz" ] && kernel=$CACHE/kernels/$name && break
done
if [ -z "$kernel" ] || ! command -v qemu-system-x86_64 > /dev/null; then
	skip 6 'no kernel is in the cache, or no QEMU here'
	done_testing
	exit
fi

# Without OVMF, which these do not need: machine.run() is what they are about.
cat > "$T/fault.py" << 'END'
import os
import sys
import tempfile
import time

sys.path.insert(0, "test-vm")
import accelerator
import machine

what, kernel, init, deadline = sys.argv[1:4] + [float(sys.argv[4])]
if what == "kvm":
    accelerator.PROBE_DEADLINE = deadline
    accelerator.DEVICE = "/dev/null"
    accelerator.ARGUMENTS["kvm"] = accelerator.ARGUMENTS["tcg"]
    for _ in range(2):
        print("took", accelerator.choose(kernel, init))
    sys.exit()
with tempfile.TemporaryDirectory() as folder:
    files = {"init": (0o755, b"no program")} if what == "panic" else {}
    path = os.path.join(folder, "initramfs")
    with open(path, "wb") as file:
        file.write(machine.initramfs(init, {}, files))
    started = time.monotonic()
    try:
        machine.run(machine.kernel_arguments(kernel, path, ""), folder, deadline=deadline)
        print("it finished")
    except machine.Failure as failure:
        print(failure)
    print("late" if time.monotonic() - started > deadline + 30 else "in time")
END

run python3 -B "$T/fault.py" panic "$kernel" "$BUILD/test-vm/judge" 200
like "$OUT" 'the machine stopped before it had judged every module' 'a panic is no verdict'
like "$OUT" 'Kernel panic' 'and its console is shown'
run python3 -B "$T/fault.py" hang "$kernel" "$BUILD/test-vm/judge" 0.5
like "$OUT" 'the machine was still running after 0 s' 'a machine that hangs is ended'
like "$OUT" 'in time' 'at its deadline'

mkdir -p "$T/kernels"
ln -s "$kernel" "$T/kernels/k"
run python3 -B "$T/fault.py" kvm "$T/kernels/k" "$BUILD/test-vm/judge" 0.5
is "$OUT" $'took tcg\ntook tcg' 'KVM that does not boot a kernel in time is not used'
is "$(grep -c 'not for a probe boot: TCG instead: .*running' <<< "$ERR")" 1 \
	'which is said, and tried once'

# ------------------------------------------------------------ told to stop
BUILD="$BUILD" MODSEAL_VM_ACCEL=tcg TMPDIR="$T" test-vm/run --setup lockdown \
	>"$T/stopped" 2>&1 </dev/null &
runs=$!
# of_run PROGRAM: what runs it in this test's folder
of_run() {
	pgrep -f "$1.*$T/modseal-vm"
}
if wait_for 120 of_run qemu-system; then
	pass 'a machine runs'
	kill -TERM "$runs"
	wait "$runs"
	is "$?" 143 'it ends with the signal'
	fails 1 'no machine is left' of_run qemu-system
	fails 1 'nor an agent' of_run modseald
	fails 1 'nor a folder' compgen -G "$T/modseal-vm*"
else
	fail 'a machine runs' "$(tail -n 5 "$T/stopped")"
fi

done_testing
