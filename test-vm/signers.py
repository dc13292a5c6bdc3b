# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that sign modules: they take a module's bytes and return them signed."""

import os
import tempfile

from keys import run
from machine import Failure


def through_file(module, folder, sign):
    """Signs bytes with a program that signs a file in place."""
    fd, path = tempfile.mkstemp(suffix=".ko", dir=folder)
    with os.fdopen(fd, "wb") as file:
        file.write(module)
    try:
        sign(path)
        with open(path, "rb") as file:
            return file.read()
    finally:
        os.unlink(path)


class SignFile:
    """The kernel's own sign-file: the reference that everything else is held against."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder

    def sign(self, module, key, digest="sha256"):
        return through_file(
            module,
            self.folder,
            lambda path: run([self.program, digest, key.key, key.certificate, path]),
        )


class AgentKey:
    """A key that the agent made and keeps: its name, and the paths of its certificate."""

    def __init__(self, name, algorithm, folder, pem):
        self.name = name
        self.algorithm = algorithm
        self.pem = os.path.join(folder, name + ".pem")
        self.certificate = os.path.join(folder, name + ".der")
        with open(self.pem, "wb") as file:
            file.write(pem)
        run(["openssl", "x509", "-in", self.pem, "-outform", "DER"]
            + ["-out", self.certificate])


class Agent:
    """An agent of our own with its own TPM, from scripts/dev-agent; for use with `with`."""

    def __init__(self, top, build, folder):
        self.script = os.path.join(top, "scripts", "dev-agent")
        self.build = os.path.abspath(build)
        self.folder = os.path.join(folder, "agent")
        self.env = dict(
            os.environ,
            BUILD=self.build,
            MODSEAL_AGENT="unix:%s/agent.sock" % self.folder,
        )

    def __enter__(self):
        run([self.script, "start", self.folder, "--no-key"], self.env)
        return self

    def __exit__(self, *_):
        run([self.script, "stop", self.folder], self.env)

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.path.exists(path):
            raise Failure("%s is missing: run make" % path)
        return path

    def create(self, name, algorithm, custody="sealed", options=()):
        """A key in the agent's TPM or sealed by it, with its certificate in our folder."""
        modseal = [self.program("modseal"), "key"]
        made = modseal + ["create", name, "--alg", algorithm, "--custody", custody]
        run(made + list(options), self.env)
        return AgentKey(name, algorithm, self.folder, run(modseal + ["cert", name], self.env))

    def open_build(self, key, release):
        """The id of a new build: what a key of custody leaf signs through."""
        command = [self.program("modseal"), "build", "open"]
        opened = run(command + ["--key", key.name, "--kernel", release], self.env)
        return opened.decode().strip()

    def sign(self, module, key, digest="sha256", build=None, options=()):
        """With `modseal sign`, as a person does."""
        command = [self.program("modseal"), "sign", "--quiet", "--key", key.name]
        command += ["--hash", digest] + (["--build", build] if build else [])
        command += options
        return through_file(
            module, self.folder, lambda path: run(command + [path], self.env)
        )

    def sign_file(self, module, key, digest="sha256"):
        """With modseal-sign-file, as the kernel's build does."""
        command = [self.program("modseal-sign-file"), digest, "modseal:" + key.name]
        return through_file(
            module, self.folder, lambda path: run(command + [key.pem, path], self.env)
        )
