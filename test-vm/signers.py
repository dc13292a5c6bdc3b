# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that sign modules. Each takes the bytes of a module and returns them signed."""

import os
import tempfile

from keys import run


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
