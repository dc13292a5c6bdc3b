# SPDX-License-Identifier: GPL-2.0-or-later
"""How QEMU runs the machines: with KVM where a timed boot with it works, else with TCG.

/dev/kvm may be there and stock kernels hang with it all the same, in a nested machine say.
So KVM has to show that it boots one. What it showed is kept until this machine is started
anew. MODSEAL_VM_ACCEL=tcg or =kvm decides without asking.
"""

import os
import sys
import tempfile

import machine
import mkvars
from machine import Failure

# A boot under KVM takes two or three seconds.
PROBE_DEADLINE = 20

ARGUMENTS = {
    "tcg": ["-accel", "tcg", "-cpu", "max"],
    "kvm": ["-accel", "kvm", "-cpu", "host"],
}
DEVICE = "/dev/kvm"


def say(text):
    print("test-vm: " + text, file=sys.stderr)


def use(name):
    """From now on machines run with it."""
    start = len(ARGUMENTS[name])
    machine.BASE[1 : 1 + start] = ARGUMENTS[name]
    return name


def note_path(kernel):
    """Where it is written down what the probe showed since this machine was started."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    folder = os.path.join(os.path.dirname(os.path.dirname(kernel)), "probes")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, "kvm-%s-%s" % (os.path.basename(kernel), boot))


def probe(kernel, init):
    """Why a machine with KVM does not boot this kernel (a folder) to its end; None if it
    does."""
    use("kvm")
    with tempfile.TemporaryDirectory(prefix="modseal-kvm.") as folder:
        initrd, store = os.path.join(folder, "initramfs"), os.path.join(folder, "variables")
        with open(initrd, "wb") as file:
            file.write(machine.initramfs(init, {}))
        with open(store, "wb") as file:
            file.write(machine.read(mkvars.TEMPLATE))
        arguments = machine.firmware_arguments(store) + machine.no_tpm_arguments(folder)
        arguments += machine.kernel_arguments(kernel, initrd, "")
        try:
            machine.run(arguments, folder, deadline=PROBE_DEADLINE)
        except Failure as failure:
            return str(failure).splitlines()[0].rstrip(":")
    return None


def choose(kernel, init):
    """The accelerator's name, which is used from now on."""
    wanted = os.environ.get("MODSEAL_VM_ACCEL", "auto")
    if wanted in ARGUMENTS:
        return use(wanted)
    if wanted != "auto":
        raise Failure("MODSEAL_VM_ACCEL is %s: it has to be tcg, kvm or auto" % wanted)
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return use("tcg")
    note = note_path(kernel)
    if not os.path.exists(note):
        why = probe(kernel, init)
        found = "tcg" if why else "kvm"
        with open(note, "w") as file:
            file.write(found + "\n")
        if why:
            say("there is %s, but not for a probe boot: TCG instead: %s" % (DEVICE, why))
    with open(note) as file:
        found = file.read().strip()
    return use(found if found in ARGUMENTS else "tcg")
