# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys and certificates made with openssl, in a folder of the caller's."""

import os
import subprocess

from machine import Failure

ALGORITHMS = {
    "rsa1024": ["rsa_keygen_bits:1024"],
    "rsa2048": ["rsa_keygen_bits:2048"],
    "rsa3072": ["rsa_keygen_bits:3072"],
    "rsa4096": ["rsa_keygen_bits:4096"],
    "p256": ["ec_paramgen_curve:P-256"],
    "p384": ["ec_paramgen_curve:P-384"],
    "p521": ["ec_paramgen_curve:P-521"],
}

AUTHORITY = {
    "basicConstraints": "critical,CA:TRUE",
    "keyUsage": "critical,digitalSignature,keyCertSign",
    "extendedKeyUsage": "codeSigning",
    "subjectKeyIdentifier": "hash",
    "authorityKeyIdentifier": "keyid",
}

LEAF = dict(AUTHORITY, basicConstraints="critical,CA:FALSE", keyUsage="digitalSignature")

DEADLINE = 60


def run(arguments, env=None, data=None):
    """Runs a program; its standard output, or a Failure with its complaint."""
    try:
        done = subprocess.run(
            arguments, input=data or b"", capture_output=True, env=env, timeout=DEADLINE
        )
    except OSError as error:
        raise Failure("cannot run %s: %s" % (arguments[0], error.strerror)) from None
    except subprocess.TimeoutExpired:
        raise Failure("%s did not end in %d s" % (" ".join(arguments), DEADLINE)) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Failure("%s failed: %s" % (" ".join(arguments), said))
    return done.stdout


class Key:
    """A private key with its certificate, self-signed or issued by another Key.

    key, pem and certificate (DER) are paths.
    """

    def __init__(
        self,
        folder,
        name,
        algorithm="rsa2048",
        issuer=None,
        digest="sha256",
        extensions=None,
        days=30,
        validity=(),
    ):
        self.name = name
        self.algorithm = algorithm
        self.path = os.path.join(folder, name)
        self.key = self.path + ".key"
        self.pem = self.path + ".pem"
        self.certificate = self.path + ".der"
        self._generate()
        self._certify(issuer, digest, extensions or AUTHORITY, days, validity)

    def _generate(self):
        kind = "RSA" if self.algorithm.startswith("rsa") else "EC"
        command = ["openssl", "genpkey", "-algorithm", kind, "-out", self.key]
        for option in ALGORITHMS[self.algorithm]:
            command += ["-pkeyopt", option]
        run(command)

    def _certify(self, issuer, digest, extensions, days, validity):
        config = self.path + ".cnf"
        with open(config, "w") as file:
            file.write("[req]\ndistinguished_name = name\nprompt = no\n[name]\n")
            file.write("CN = modseal test %s\n[extensions]\n" % self.name)
            file.writelines("%s = %s\n" % item for item in extensions.items())
        request = run(["openssl", "req", "-new", "-key", self.key, "-config", config])
        command = ["openssl", "x509", "-req", "-" + digest, "-out", self.pem]
        command += ["-extfile", config, "-extensions", "extensions"]
        command += ["-set_serial", "0x" + os.urandom(15).hex()]
        command += list(validity) or ["-days", str(days)]
        if issuer:
            command += ["-CA", issuer.pem, "-CAkey", issuer.key]
        else:
            command += ["-signkey", self.key]
        run(command, data=request)
        run(["openssl", "x509", "-in", self.pem, "-outform", "DER", "-out", self.certificate])

    def der(self):
        with open(self.certificate, "rb") as file:
            return file.read()

    def sign_raw(self, data, digest="sha256", options=()):
        """The signature over data: PKCS#1 v1.5 or ECDSA, with nothing around it."""
        command = ["openssl", "dgst", "-" + digest, "-sign", self.key, "-binary"]
        for option in options:
            command += ["-sigopt", option]
        return run(command, data=data)
