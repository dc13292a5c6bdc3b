# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys, and the programs that sign modules with them. All of it is in one folder.

A signer has a name, a certificate (the path of a DER file) and sign(bytes) -> bytes.
"""

import os
import subprocess

from machine import Failure

CERTIFICATE = """\
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = %s
[extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature,keyCertSign
extendedKeyUsage = codeSigning
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def run(arguments, env=None):
    """Runs a program; its standard output, or a Failure with its complaint."""
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, env=env, timeout=60
        )
    except OSError as error:
        raise Failure("cannot run %s: %s" % (arguments[0], error.strerror)) from None
    except subprocess.TimeoutExpired:
        raise Failure("%s did not end within 60 s" % " ".join(arguments)) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Failure("%s failed: %s" % (" ".join(arguments), said))
    return done.stdout


class SignFile:
    """A key of openssl's, used by the kernel's own sign-file."""

    def __init__(self, folder, name, sign_file):
        self.name = name
        self.key = os.path.join(folder, name + ".key")
        self.certificate = os.path.join(folder, name + ".der")
        self.module = os.path.join(folder, name + ".ko")
        self.program = sign_file
        config = os.path.join(folder, name + ".cnf")
        with open(config, "w") as file:
            file.write(CERTIFICATE % ("modseal test " + name))
        run(
            ["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-noenc"]
            + ["-sha256", "-days", "30", "-config", config, "-keyout", self.key]
            + ["-outform", "DER", "-out", self.certificate]
        )

    def sign(self, module, digest="sha256"):
        with open(self.module, "wb") as file:
            file.write(module)
        run([self.program, digest, self.key, self.certificate, self.module])
        with open(self.module, "rb") as file:
            return file.read()
