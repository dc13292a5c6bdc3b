# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot of one kernel in QEMU, with judge as its init and modules for it to judge."""

import json
import os
import re
import select
import signal
import stat
import subprocess
import threading
import time

QEMU = "qemu-system-x86_64"
FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"

# A boot takes a few seconds; this is for a machine that is busy with other things.
DEADLINE = 240

# A machine that gets little time from a busy host would fail the kernel's timer check.
COMMAND_LINE = "console=ttyS0 quiet panic=-1 no_timer_check"

# What an emulated CPU saves time with, and no verdict depends on: not to wait long for RCU
# at each module that is loaded or unloaded, nor to clear each page, nor to try every cipher;
# a clock that is read, and a tick that is set, without leaving emulated code.
COMMAND_LINE += " rcupdate.rcu_expedited=1 init_on_alloc=0 cryptomgr.notests"
COMMAND_LINE += " tsc=reliable nohz=off highres=off"

# How often a console is looked at, in seconds.
POLL = 0.1

# Of the console, how much a person is shown, and what is left out of it.
CONSOLE_TAIL = 15
CONTROL = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]|[^ -~\n]")


class Failure(Exception):
    """A sentence for people: the machine could not be had, or did not finish."""


def cpio_member(number, name, mode, data=b""):
    """One member of a newc archive, as the kernel's Documentation/.../buffer-format has it."""
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def initramfs(init, modules, files=None):
    """The archive: init (a path), modules (name -> bytes) below /modules, and files
    (name -> (mode, bytes)) where their names say."""
    members = {"init": (0o755, read(init))}
    members.update({"modules/" + name: (0o644, data) for name, data in modules.items()})
    members.update(files or {})
    folders = dict.fromkeys(("dev", "proc", "sys", "run", "tmp", "var/lib", "var"), 0o755)
    for name, (mode, _) in members.items():
        # A folder is as open as the files that are in it.
        while name := os.path.dirname(name):
            folders[name] = folders.get(name, 0o700) | (0o755 if mode & 0o007 else 0o700)
    archive = [(name, stat.S_IFDIR | folders[name], b"") for name in sorted(folders)]
    for name, (mode, data) in members.items():
        archive.append((name, stat.S_IFREG | mode, data))
    archive.append(("TRAILER!!!", 0, b""))
    return b"".join(cpio_member(i, *member) for i, member in enumerate(archive, 1))


def read(path):
    with open(path, "rb") as file:
        return file.read()


BASE = [QEMU, "-accel", "tcg", "-cpu", "max", "-m", "512", "-smp", "1"]
BASE += ["-nodefaults", "-no-user-config", "-no-reboot", "-nic", "none"]
BASE += ["-display", "none", "-vga", "none", "-monitor", "none"]


# Where the firmware looks for a TPM, and a device of no use whose ROM can be there.
TPM_ADDRESS = 0xFED40000
NOTHING = "pci-testdev,addr=0x10"
NOTHING_CONFIGURATION = 0x80008000
ROM_REGISTER, COMMAND_REGISTER = 0x30, 0x04
ROM_ENABLE, MEMORY_ENABLE = 1, 2


def no_tpm_arguments(folder):
    """QEMU's arguments for a machine on which one sees at once that it has no TPM.

    Where nothing is, a computer reads ones, but QEMU zeros: those the firmware takes for a
    TPM that is busy, and waits for it for a second and a half. So there is a ROM of ones,
    which the machine's monitor puts there before the start. Later the firmware gives
    it another place, as all PCI devices.
    """
    rom, monitor = os.path.join(folder, "ones"), os.path.join(folder, "monitor")
    with open(rom, "wb") as file:
        file.write(b"\xff" * 4096)
    # To QEMU a pipe is two files; the monitor reads one to its end.
    with open(monitor + ".in", "w") as file:
        for register, value in (
            (ROM_REGISTER, TPM_ADDRESS | ROM_ENABLE),
            (COMMAND_REGISTER, MEMORY_ENABLE),
        ):
            file.write("o /w 0xcf8 %#x\n" % (NOTHING_CONFIGURATION | register))
            file.write("o /w 0xcfc %#x\n" % value)
        file.write("cont\n")
    open(monitor + ".out", "w").close()
    arguments = ["-S", "-device", NOTHING + ",romfile=" + rom]
    arguments += ["-chardev", "pipe,id=monitor,path=" + monitor]
    return arguments + ["-mon", "chardev=monitor"]


def firmware_arguments(variables):
    """QEMU's arguments for a machine with OVMF and a store of variables, a path."""
    flash = "if=pflash,format=raw,unit="
    arguments = ["-M", "q35,smm=on", "-global", "ICH9-LPC.disable_s3=1"]
    arguments += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    arguments += ["-drive", flash + "0,readonly=on,file=" + FIRMWARE]
    return arguments + ["-drive", flash + "1,file=" + variables]


def kernel_arguments(kernel, initramfs_path, append):
    """QEMU's arguments to start a kernel itself; the firmware does not verify it then."""
    arguments = ["-kernel", os.path.join(kernel, "vmlinuz"), "-initrd", initramfs_path]
    return arguments + ["-append", COMMAND_LINE + " " + append]


def contents(path):
    """The text of a console, without what moves a cursor; "" while there is none."""
    try:
        with open(path, errors="replace") as file:
            return CONTROL.sub("", file.read())
    except OSError:
        return ""


def tail(path):
    """The last lines of the console, for a person to see why it stopped."""
    lines = [line.rstrip() for line in contents(path).splitlines() if line.strip()]
    return "".join("\n  | " + line for line in lines[-CONSOLE_TAIL:])


def read_verdicts(folder):
    """judge's lines as a list; Failure unless the first and the last are among them."""
    try:
        with open(os.path.join(folder, "verdicts")) as file:
            records = [json.loads(line) for line in file if line.startswith("{")]
    except (OSError, ValueError) as error:
        raise Failure("the machine's verdicts cannot be read: %s" % error) from None
    if not records or "boot" not in records[0] or "end" not in records[-1]:
        raise Failure(
            "the machine stopped before it had judged every module; its console ends with:"
            + tail(os.path.join(folder, "console"))
        )
    return records


def wait(process, console, gives_up, deadline):
    """True when the machine has switched itself off, False when its console has gives_up."""
    end = time.monotonic() + deadline
    off = os.pidfd_open(process.pid)
    try:
        while (left := end - time.monotonic()) > 0:
            if select.select([off], [], [], min(left, POLL) if gives_up else left)[0]:
                return True
            if gives_up and gives_up in contents(console):
                return False
    finally:
        os.close(off)
    raise Failure(
        "the machine was still running after %d s; its console ends with:" % deadline
        + tail(console)
    )


# The machines that run now, so that whoever is told to stop can end them.
running = set()
stopping = threading.Event()
STOPPED = "the run was told to stop"


def stop():
    """Ends every machine, and starts no other."""
    stopping.set()
    for process in list(running):
        # poll() would take its times from finish(), which runs in another thread.
        os.kill(process.pid, signal.SIGKILL)


def finish(process):
    """Ends a process, if it is not over yet: the seconds of CPU that it took."""
    # Not process.kill(), which would wait for one that is over, and forget its times.
    os.kill(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def run(arguments, folder, gives_up=None, deadline=DEADLINE, spent=None):
    """Runs a machine until it is off: what judge said, as a list.

    folder is the caller's own, for the files of this run. If gives_up appears on the
    console, the machine is ended, and the answer is None. spent is a list, to which one
    dictionary is added: the seconds that this took, and those of CPU.
    """
    console, verdicts = os.path.join(folder, "console"), os.path.join(folder, "verdicts")
    ports = ["-serial", "file:" + console, "-serial", "file:" + verdicts]
    began = time.monotonic()
    if stopping.is_set():
        raise Failure(STOPPED)
    try:
        process = subprocess.Popen(
            BASE + ports + arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise Failure("%s is missing: run scripts/install-deps" % QEMU) from None
    running.add(process)
    with process:
        try:
            if stopping.is_set():
                raise Failure(STOPPED)
            ended = wait(process, console, gives_up, deadline)
        finally:
            running.discard(process)
            cpu = finish(process)
        if spent is not None:
            seconds = time.monotonic() - began
            spent.append({"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)})
        if not ended:
            return None
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise Failure("%s failed: %s" % (QEMU, said))
    return read_verdicts(folder)


def boot(kernel, archive, folder, variables, append="", spent=None):
    """Boots kernel (a folder from fetch-kernel) with an initramfs and firmware variables,
    both bytes; spent is as in run()."""
    store, initrd = os.path.join(folder, "variables"), os.path.join(folder, "initramfs")
    for path, data in (store, variables), (initrd, archive):
        with open(path, "wb") as file:
            file.write(data)
    arguments = firmware_arguments(store) + no_tpm_arguments(folder)
    arguments += kernel_arguments(kernel, initrd, append)
    return run(arguments, folder, spent=spent)
