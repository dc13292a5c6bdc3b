# SPDX-License-Identifier: GPL-2.0-or-later
"""The set-up in which the firmware itself verifies what it starts.

Kernel, initramfs and command line are one EFI program, made with systemd's stub, signed
with sbsign, and started from a disk. The firmware starts it if a key in db signed it.
"""

import os
import struct

import machine
from keys import run
from kernels import fetch

PAGE = 0x1000

# What OVMF says about a program that no key in db signed.
REFUSED = "Access Denied"


def pages(size):
    return -(-size // PAGE) * PAGE


def size_of_image(stub):
    """Where a PE program ends in memory: SizeOfImage of its optional header."""
    with open(stub, "rb") as file:
        data = file.read(4096)
    (header,) = struct.unpack_from("<I", data, 0x3C)
    return struct.unpack_from("<I", data, header + 24 + 56)[0]


def unsigned_image(kernel, initramfs, folder):
    """The path of a unified kernel image that nobody has signed yet."""
    stub = fetch("efi-stub") + "/stub"
    line = os.path.join(folder, "cmdline")
    with open(line, "wb") as file:
        file.write(machine.COMMAND_LINE.encode() + b"\0")
    image = os.path.join(folder, "unsigned.efi")
    command, at = ["objcopy"], pages(size_of_image(stub))
    parts = (".cmdline", line), (".initrd", initramfs), (".linux", kernel + "/vmlinuz")
    for section, path in parts:
        command += ["--add-section", "%s=%s" % (section, path)]
        command += ["--change-section-vma", "%s=%#x" % (section, at)]
        at += pages(os.path.getsize(path))
    run(command + [stub, image])
    return image


def sign_image(image, key, signed):
    run(["sbsign", "--key", key.key, "--cert", key.pem, "--output", signed, image])
    return signed


def tamper(image, changed):
    """A copy of a signed image with one bit of its kernel changed."""
    with open(image, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(changed, "wb") as file:
        file.write(data)
    return changed


def disk(image, folder):
    """A folder that QEMU shows as a FAT disk with one program for the firmware to start."""
    place = os.path.join(folder, "disk", "EFI", "BOOT")
    os.makedirs(place)
    os.link(image, os.path.join(place, "BOOTX64.EFI"))
    return os.path.join(folder, "disk")


def start(image, variables, folder, spent=None):
    """judge's lines if the firmware started the image, None if it refused; spent is as in
    machine.run()."""
    os.mkdir(folder)
    store = os.path.join(folder, "variables")
    with open(store, "wb") as file:
        file.write(variables)
    arguments = machine.firmware_arguments(store) + machine.no_tpm_arguments(folder)
    drive = "if=none,id=esp,format=raw,readonly=on,file=fat:" + disk(image, folder)
    arguments += ["-drive", drive, "-device", "virtio-blk-pci,drive=esp"]
    return machine.run(arguments, folder, gives_up=REFUSED, spent=spent)


def images(bench, kernel, initramfs, folder):
    """What the firmware is given: (name, path, should it start, what it is)."""

    def path(name):
        return os.path.join(folder, name + ".efi")

    unsigned = unsigned_image(kernel, initramfs, folder)
    signed = sign_image(unsigned, bench.direct["rsa2048"], path("signed"))
    foreign = sign_image(unsigned, bench.unknown, path("foreign"))
    return (
        ("image-signed", signed, True, "the kernel image, signed with an enrolled key"),
        ("image-unsigned", unsigned, False, "the same, not signed"),
        ("image-foreign", foreign, False, "the same, signed with a key not enrolled"),
        ("image-tampered", tamper(signed, path("tampered")), False,
         "the signed one with one bit changed"),
    )
