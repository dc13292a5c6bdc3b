# SPDX-License-Identifier: GPL-2.0-or-later
"""The set-up in which everything happens inside the guest, with a TPM of its own.

Three starts of one machine, whose TPM and disk keep their state (the agent's folder is
carried from one to the next in the initramfs):

  1. the agent makes two keys, one sealed to PCR 7, one to no PCR, and signs with both;
  2. their certificates are enrolled, which changes PCR 7: the first key does not open any
     more, the second signs a driver in the guest, and the kernel loads all that was signed;
  3. the firmware is as it was in the first start: the first key opens again.
"""

import os
import re
import subprocess
import time
from contextlib import contextmanager

import cases
import machine
from keys import run
from machine import Failure, read

STATE = "/var/lib/modseal"
SOCKET = "/run/modseal/agent.sock"

CONFIGURATION = """\
[agent]
socket = %s
state = %s
admins = uid:0

[tpm]
tcti = device:/dev/tpmrm0

[rule all]
who = uid:0
key = *
""" % (SOCKET, STATE)

# What a kernel without a built-in driver for the TPM needs, in this order.
TPM_DRIVERS = (
    "char/hw_random/rng-core.ko",
    "char/tpm/tpm.ko",
    "char/tpm/tpm_crb.ko",
)

TPM_LIBRARY = "libtss2-tcti-device.so.0"
TPM_DEADLINE = 60


# ------------------------------------------------------------------------ programs


def libraries(program):
    """The shared libraries of a program, and its loader: paths."""
    listed = run(["ldd", program]).decode()
    return re.findall(r"(?:=> |^\s*)(/\S+) \(", listed, re.M)


def tpm_library(near):
    """The library that is only loaded when the agent wants to talk to a device."""
    for folder in {os.path.dirname(path) for path in near}:
        path = os.path.join(folder, TPM_LIBRARY)
        if os.path.exists(path):
            return path
    raise Failure("%s is missing: run scripts/install-deps" % TPM_LIBRARY)


def program_files(programs):
    """What the initramfs needs to run programs: {name there: (mode, bytes)}."""
    needed, files = set(), {}
    for program in programs:
        files["bin/" + os.path.basename(program)] = program
        try:
            needed.update(libraries(program))
        except Failure:
            continue  # a static one has none
    extra = tpm_library(needed)
    needed.update([extra], libraries(extra))
    files.update({path.lstrip("/"): path for path in needed})
    return {name: (0o755, read(path)) for name, path in files.items()}


# ----------------------------------------------------------------------------- TPM


def make_tpm(state):
    """Makes a TPM in a folder. It has one bank of PCRs, as the firmware measures the kernel
    and all of the initramfs anew for each bank."""
    os.mkdir(state)
    run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--pcr-banks", "sha256"])


@contextmanager
def tpm(state):
    """A TPM whose state is in a folder, for one start: QEMU's arguments for it."""
    socket = os.path.join(state, "socket")
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + state]
    command += ["--ctrl", "type=unixio,path=" + socket, "--terminate"]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise Failure("swtpm is missing: run scripts/install-deps") from None
    try:
        end = time.monotonic() + TPM_DEADLINE
        while not os.path.exists(socket):
            if process.poll() is not None or time.monotonic() > end:
                raise Failure("swtpm did not start")
            time.sleep(machine.POLL)
        arguments = ["-chardev", "socket,id=tpm,path=" + socket]
        arguments += ["-tpmdev", "emulator,id=tpm0,chardev=tpm"]
        yield arguments + ["-device", "tpm-crb,tpmdev=tpm0"]
    finally:
        process.terminate()
        process.wait()
        if os.path.exists(socket):
            os.unlink(socket)


# -------------------------------------------------------------------------- starts


class Guest:
    """The machine: its TPM, its kernel, and what is on its disk."""

    def __init__(self, kernel, init, programs, folder):
        self.kernel = kernel
        self.init = init
        self.folder = folder
        self.tpm_state = os.path.join(folder, "tpm")
        make_tpm(self.tpm_state)
        self.files = program_files(programs)
        self.files["etc/modseald.conf"] = (0o644, CONFIGURATION.encode())
        self.spent = []

    def start(self, variables, modules, steps, keep=()):
        """Starts the machine once: {label: record} of the steps, [all records].

        keep has the paths of files and folders in the guest that are read at the end; what
        was in the agent's folder is there at the next start.
        """
        folder = os.path.join(self.folder, "start-%d" % (len(self.spent) + 1))
        os.mkdir(folder)
        store, initrd = os.path.join(folder, "variables"), os.path.join(folder, "initramfs")
        files = dict(self.files, steps=(0o644, self._script(steps, keep)))
        files.update({"m/" + name: (0o644, data) for name, data in modules.items()})
        with open(store, "wb") as file:
            file.write(variables)
        # The firmware measures all of it, which takes longer than to unpack it.
        archive = run(["lz4", "-l", "-c"], data=machine.initramfs(self.init, {}, files))
        with open(initrd, "wb") as file:
            file.write(archive)
        arguments = machine.firmware_arguments(store)
        arguments += machine.kernel_arguments(self.kernel, initrd, "")
        with tpm(self.tpm_state) as device:
            records = machine.run(arguments + device, folder, spent=self.spent)
        self._keep(records)
        return {record["step"]: record for record in records if "step" in record}, records

    def _script(self, steps, keep):
        drivers = []
        for name in TPM_DRIVERS:
            path = os.path.join(self.kernel, "modules/kernel/drivers", name)
            if os.path.exists(path):
                self.files["tpm/" + os.path.basename(name)] = (0o644, read(path))
                drivers.append(("load", name, "/tpm/" + os.path.basename(name)))
        whole = drivers + [
            ("start", "agent", "modseald", "-c", "/etc/modseald.conf"),
            # Answers as soon as the agent does, also when a key does not open.
            ("until", "ready", "modseal", "whoami"),
            *steps,
            ("stop", "agent-stop"),
            *(("tree", "keep", path) for path in keep),
        ]
        return "".join("\t".join(step) + "\n" for step in whole).encode()

    def _keep(self, records):
        self.out = {}
        for record in records:
            path = record.get("file-below", "")
            content = (record.get("mode"), bytes.fromhex(record.get("hex", "")))
            if path.startswith(STATE + "/"):
                self.files[path.lstrip("/")] = content
            elif path:
                self.out[os.path.basename(path)] = content[1]


def sign(label, key, module):
    return ("run", label, "modseal", "sign", "--quiet", "--key", key, "/m/" + module)


def create(key, pcrs):
    options = ("--alg", "rsa2048", "--custody", "sealed", "--pcrs", pcrs)
    return ("run", "create-" + key, "modseal", "key", "create", key) + options


def certificate(steps, key):
    """The DER file of a certificate that a start printed."""
    text = steps["cert-" + key]["output"].encode()
    return run(["openssl", "x509", "-outform", "DER"], data=text)


def run_all(guest, enrolled, module, driver, untrusted):
    """The three starts: what the second booted, and for each thing that was asked (name,
    what, expected, got, said).

    enrolled(more) makes firmware variables in which more certificates are trusted; driver
    is None where it cannot be built; untrusted is what the kernel does with a module whose
    signer it does not know.
    """
    findings = []

    def ended(steps, label, what, good=True, about=""):
        record = steps.get(label, {"status": -1, "output": "the step was not reached"})
        right = record["status"] == 0 if good else (
            record["status"] > 0 and about in record["output"]
        )
        want = "succeeds" if good else "fails"
        output = [] if good and right else record["output"].strip().splitlines()
        findings.append((label, what, want, want if right else "does not", output[-1:]))

    def loaded(records, name, what, want):
        said = [r for r in records if r.get("file") == name]
        got = cases.outcome(said[-1]) if said else "was not asked"
        log = [said[-1]["device"]] if said and "device" in said[-1] else []
        findings.append((name, what, want, got, log))

    plain = {"one.ko": module, "two.ko": module}
    steps, records = guest.start(enrolled([]), plain, [
        create("here", "7"),
        create("anywhere", "none"),
        ("run", "cert-here", "modseal", "key", "cert", "here"),
        ("run", "cert-anywhere", "modseal", "key", "cert", "anywhere"),
        sign("sign-one", "here", "one.ko"),
        ("load", "load-one", "/m/one.ko"),
    ], keep=(STATE, "/m/one.ko"))
    ended(steps, "ready", "the agent starts in the guest, with the guest's TPM")
    ended(steps, "create-here", "a key is sealed to PCR 7")
    ended(steps, "create-anywhere", "a key is sealed to no PCR")
    ended(steps, "sign-one", "the first key signs a module")
    loaded(records, "one.ko", "its certificate is not enrolled yet", untrusted)
    if "cert-anywhere" not in steps or steps["cert-anywhere"]["status"] != 0:
        raise Failure("the agent in the guest made no keys: " + last_words(steps))

    signed = guest.out["one.ko"]
    more = [certificate(steps, key) for key in ("here", "anywhere")]
    second = {"signed-before.ko": signed, "three.ko": module, "four.ko": module}
    if driver:
        second["modseal_probe.ko"] = driver
    with_driver = [
        sign("sign-driver", "anywhere", "modseal_probe.ko"),
        ("load", "load-driver", "/m/modseal_probe.ko"),
    ]
    steps, records = guest.start(enrolled(more), second, [
        sign("sign-other-state", "here", "three.ko"),
        *(with_driver if driver else []),
        ("run", "hook", "modseal-sign-file", "sha256", "modseal:anywhere", "/none",
         "/m/four.ko", "/m/five.ko"),
        ("load", "load-before", "/m/signed-before.ko"),
        ("load", "load-hook", "/m/five.ko"),
    ], keep=(STATE,))
    boot = records[0]
    ended(steps, "sign-other-state", "PCR 7 has changed: the key stays shut", False, "PCR")
    ended(steps, "hook", "modseal-sign-file signs with the other key")
    loaded(records, "signed-before.ko", "signed at the first start", "loads")
    loaded(records, "five.ko", "the hook's is as good; one of its name is loaded", "EEXIST")
    if driver:
        ended(steps, "sign-driver", "a driver is signed in the guest")
        loaded(records, "modseal_probe.ko", "and answers in the same guest", "answers")

    steps, records = guest.start(enrolled([]), {"six.ko": module}, [
        sign("sign-again", "here", "six.ko"),
    ])
    ended(steps, "sign-again", "PCR 7 is as it was: the key opens again")
    return boot, findings


def last_words(steps):
    return "; ".join(
        "%s: %s" % (label, record["output"].strip())
        for label, record in steps.items()
        if record["status"] != 0
    )
