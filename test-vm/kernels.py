# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels as Debian ships them: fetched, unpacked, and a module out of each."""

import glob
import os
import subprocess
import sys

import mutate
from machine import Failure

# For what is downloaded; several of these may wait for one another.
DEADLINE = 900

HERE = os.path.dirname(os.path.abspath(__file__))


def fetch(name):
    """The folder of a kernel or its headers; fetched when it is not there yet."""
    command = [os.path.join(HERE, "fetch-kernel"), name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        raise Failure("cannot fetch %s: not done after %d s" % (name, DEADLINE)) from None
    if done.returncode != 0:
        raise Failure((done.stderr.strip().splitlines() or ["fetch-kernel failed"])[-1])
    sys.stderr.write(done.stderr)
    return done.stdout.strip()


def find_one(pattern):
    found = glob.glob(pattern)
    if not found:
        raise Failure("nothing matches %s" % pattern)
    return found[0]


def sign_file():
    """The kernel's own sign-file; of 6.1, as those of others want other libraries."""
    return find_one(fetch("headers-6.1") + "/usr/lib/linux-kbuild-*/scripts/sign-file")


def release(kernel):
    """A kernel's name for itself, as uname -r has it there."""
    with open(kernel + "/release") as file:
        return file.read().strip()


def plain_module(kernel):
    """A module of the kernel's own package, without the signature that it has there."""
    path = find_one(kernel + "/modules/kernel/drivers/net/dummy.ko*")
    return mutate.split(mutate.read_module(path))[0]
