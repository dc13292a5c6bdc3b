# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot of one kernel in QEMU, with judge as its init and modules for it to judge."""

import json
import os
import re
import stat
import subprocess

QEMU = "qemu-system-x86_64"
FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"

# A boot takes a few seconds; this is for a machine that is busy with other things.
DEADLINE = 120

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


def initramfs(init, modules):
    """The archive: init (a path) and modules (name -> bytes) below /modules."""
    directories = ("dev", "proc", "sys", "modules")
    members = [(name, stat.S_IFDIR | 0o755, b"") for name in directories]
    with open(init, "rb") as file:
        members.append(("init", stat.S_IFREG | 0o755, file.read()))
    for name, data in modules.items():
        members.append(("modules/" + name, stat.S_IFREG | 0o644, data))
    members.append(("TRAILER!!!", 0, b""))
    return b"".join(cpio_member(i, *member) for i, member in enumerate(members, 1))


def qemu_arguments(kernel, folder, variables, append):
    """The command line: without variables, the firmware is SeaBIOS and knows no keys."""
    arguments = [QEMU, "-accel", "tcg", "-cpu", "max", "-m", "512", "-smp", "1"]
    arguments += ["-nodefaults", "-no-user-config", "-no-reboot", "-nic", "none"]
    arguments += ["-display", "none", "-vga", "none", "-monitor", "none"]
    arguments += ["-serial", "file:%s/console" % folder]
    arguments += ["-serial", "file:%s/verdicts" % folder]
    arguments += ["-kernel", os.path.join(kernel, "vmlinuz")]
    arguments += ["-initrd", os.path.join(folder, "initramfs")]
    arguments += ["-append", "console=ttyS0 quiet panic=-1 " + append]
    if not variables:
        return arguments + ["-M", "q35"]
    flash = "if=pflash,format=raw,unit="
    arguments += ["-M", "q35,smm=on", "-global", "ICH9-LPC.disable_s3=1"]
    arguments += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    arguments += ["-drive", flash + "0,readonly=on,file=" + FIRMWARE]
    arguments += ["-drive", flash + "1,file=" + variables]
    return arguments


def tail(path):
    """The last lines of the console, for a person to see why it stopped."""
    try:
        with open(path, errors="replace") as file:
            lines = [CONTROL.sub("", line).rstrip() for line in file]
    except OSError:
        return ""
    lines = [line for line in lines if line]
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


def boot(kernel, init, modules, folder, variables=None, append="", deadline=DEADLINE):
    """Boots kernel (a folder from fetch-kernel) once; what judge said, as a list.

    folder is the caller's own, for the files of this boot; variables is a store from
    mkvars.py, or None for a machine without Secure Boot.
    """
    with open(os.path.join(folder, "initramfs"), "wb") as file:
        file.write(initramfs(init, modules))
    arguments = qemu_arguments(kernel, folder, variables, append)
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline
        )
    except FileNotFoundError:
        raise Failure("%s is missing: run scripts/install-deps" % QEMU) from None
    except subprocess.TimeoutExpired:
        raise Failure(
            "the machine was still running after %d s; its console ends with:" % deadline
            + tail(os.path.join(folder, "console"))
        ) from None
    if done.returncode != 0:
        raise Failure("%s failed: %s" % (QEMU, done.stderr.decode(errors="replace").strip()))
    return read_verdicts(folder)
