# SPDX-License-Identifier: GPL-2.0-or-later
"""What signing adds to `make modules_install`: by the hook, in a batch, by sign-file."""

import glob
import os
import shutil
import statistics

from common import BUILD, CORES, TOP, Failure, openssl_key, run, say, timed

KBUILD_MK = os.path.join(TOP, "kbuild-hooks", "kbuild.mk")
WAYS = ("sign-file", "hook", "batch")


def headers():
    """Headers of a kernel on this machine, with the sign-file that is built for them."""
    for found in sorted(glob.glob("/lib/modules/*/build/Makefile")):
        folder = os.path.realpath(os.path.dirname(found))
        if os.access(os.path.join(folder, "scripts", "sign-file"), os.X_OK):
            return folder
    raise Failure("no kernel headers with sign-file are here: run scripts/install-deps")


class KernelTree:
    """The headers as a tree that has built the modules of another: base, a folder."""

    def __init__(self, work, base, files):
        self.folder = os.path.join(work, "kernel-tree")
        self.work, self.out = os.path.join(work, "installed"), ""
        self.installed = 0
        source = headers()
        os.makedirs(os.path.join(self.folder, "certs"))
        for name in os.listdir(source):
            if name not in ("include", "certs"):
                os.symlink(os.path.join(source, name), os.path.join(self.folder, name))
        shutil.copytree(
            os.path.join(source, "include"), os.path.join(self.folder, "include")
        )
        os.symlink(base, os.path.join(self.folder, "built"))
        # Kconfig is not asked: its answers are there, and nothing is newer.
        self.write("include/config/auto.conf.cmd", "# nothing\n")
        os.utime(os.path.join(self.folder, "include/config/auto.conf"))
        for name in ("modules.builtin", "modules.builtin.modinfo"):
            self.write(name, "")
        lines = ("built/%s\n" % os.path.relpath(f, base) for f in files)
        self.write("modules.order", "".join(lines))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def certificate(self, der):
        shutil.copy(der, os.path.join(self.folder, "certs", "signing_key.x509"))

    def install(self, *settings, env=None):
        """Wall time of make modules_install into a new folder, on a clean disk.

        Those before stay: ext4 is slow for a minute where many files were removed.
        """
        self.installed += 1
        self.out = os.path.join(self.work, str(self.installed))
        os.sync()
        command = ["make", "-s", "-C", self.folder, "-j%d" % CORES]
        command += ["INSTALL_MOD_PATH=" + self.out, *settings, "modules_install"]
        return timed(command, clean(env or os.environ))

    def unsigned(self):
        """How many of the modules that were installed have no signature."""
        found = run(["find", self.out, "-name", "*.ko"]).splitlines()
        return sum(not is_signed(path) for path in found)


def is_signed(path):
    with open(path, "rb") as file:
        file.seek(-28, os.SEEK_END)
        return file.read() == b"~Module signature appended~\n"


def clean(env):
    """Without what a make that started this program has left for its children."""
    return {k: v for k, v in env.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def ways(agent, name, pem, key):
    """The settings of each way to sign, its environment and the certificate."""
    private, public = key
    env = dict(agent.env, MAKEFILES=KBUILD_MK, MODSEAL_KEY=name)
    env["PATH"] = BUILD + ":" + env["PATH"]
    return {
        "sign-file": (("CONFIG_MODULE_SIG_KEY=" + private,), os.environ, public),
        "hook": ((), env, pem),
        "batch": (("MODSEAL_BATCH=1",), env, pem),
    }


def bench_install(report, agent, work, base, files, rounds):
    tree = KernelTree(work, base, files)
    for algorithm in ("rsa4096", "rsa2048"):
        name = "install-" + algorithm
        pem = agent.key(name, algorithm)
        how = ways(agent, name, pem, openssl_key(work, algorithm))
        for n in range(rounds):
            say("install, %s, round %d of %d" % (algorithm, n + 1, rounds))
            plain = tree.install("CONFIG_MODULE_SIG_ALL=")
            report.sample("install, unsigned s", plain)
            for way in WAYS:
                settings, env, cert = how[way]
                tree.certificate(cert)
                took = tree.install("CONFIG_MODULE_SIG_ALL=y", *settings, env=env)
                if tree.unsigned():
                    raise Failure("%s left %d modules unsigned" % (way, tree.unsigned()))
                report.sample("install %s %s adds s" % (algorithm, way), took - plain)
        peer = "install %s sign-file adds s" % algorithm
        for way in WAYS[1:]:
            ours = "install %s %s adds s" % (algorithm, way)
            report.ratio("install %s, %s, to sign-file" % (algorithm, way), ours, peer)
        shutil.rmtree(tree.work)
