# SPDX-License-Identifier: GPL-2.0-or-later
"""Our own driver, built and signed out of tree, as any vendor's driver is."""

import glob
import os
import re
import shutil

import mutate
from keys import run
from machine import Failure

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Driver:
    """test-vm/driver, built against headers (a folder from fetch-kernel) in a folder."""

    def __init__(self, headers, folder):
        # Not with what this program's own make was called with: V, -j and the like.
        self.env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.out = os.path.join(folder, "driver")
        self.root = os.path.join(folder, "installed")
        self.make = ["make", "-C", os.path.join(TOP, "test-vm", "driver")]
        self.make += ["KDIR=%s/build" % headers, "OUT=" + self.out]
        # Type information for BPF would take pahole, and does nothing for the driver.
        self.make += ["CONFIG_DEBUG_INFO_BTF_MODULES="] + compiler(headers)

    def build(self):
        run(self.make, self.env)
        return mutate.read_module(os.path.join(self.out, "modseal_probe.ko"))

    def install(self, agent, key):
        """`make modules_install`, which signs with the agent's key: the signed module."""
        run(
            self.make
            + ["MAKEFILES=%s/kbuild-hooks/kbuild.mk" % TOP, "INSTALL_MOD_PATH=" + self.root]
            + ["MODSEAL_SIGN_FILE=" + agent.program("modseal-sign-file")]
            + ["MODSEAL_KEY=" + key.name, "modules_install"],
            dict(self.env, MODSEAL_AGENT=agent.env["MODSEAL_AGENT"]),
        )
        found = glob.glob(self.root + "/**/modseal_probe.ko*", recursive=True)
        if len(found) != 1:
            raise Failure("modules_install left %d modules, not one" % len(found))
        return mutate.read_module(found[0])


def compiler(headers):
    """What make needs to be told to build a driver with these headers.

    kbuild calls the compiler that built the kernel. If that is not here, another does. One
    that is older does not know all of the options, but what they do is of no consequence
    to how a driver and the kernel call each other.
    """
    with open(headers + "/build/.config") as file:
        wanted = int(re.search(r"^CONFIG_GCC_VERSION=(\d+)", file.read(), re.M)[1]) // 10000
    if shutil.which("gcc-%d" % wanted):
        return []
    return ["CC=gcc"] + [switch for option, switch in OPTIONS.items() if not knows(option)]


# What the configuration of a kernel says that its compiler knows: {option: word for make}.
OPTIONS = {"-fmin-function-alignment=16": "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT="}


def knows(option):
    try:
        run(["gcc", option, "-x", "c", "-S", "-o", os.devnull, os.devnull])
    except Failure:
        return False
    return True
