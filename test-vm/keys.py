# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys made with openssl, and their certificates, in a folder of the caller's."""

import os
import subprocess

import x509
from machine import Failure

CURVES = {"p256": "P-256", "p384": "P-384", "p521": "P-521"}

DEADLINE = 180


def run(arguments, env=None, data=b""):
    """Runs a program; its standard output, or a Failure with its complaint."""
    try:
        done = subprocess.run(
            arguments, input=data, capture_output=True, env=env, timeout=DEADLINE
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

    algorithm is rsaBITS or one of CURVES; same_as is another Key, to have its private key
    and only a certificate of one's own; signed_with is the hash under the certificate; the
    other keywords go to x509.certificate() and x509.extensions(). The attributes key,
    pem and certificate (DER) are paths.
    """

    def __init__(
        self,
        folder,
        name,
        algorithm="rsa2048",
        issuer=None,
        same_as=None,
        signed_with="sha256",
        subject=None,
        extensions=None,
        **fields,
    ):
        self.name = name
        path = os.path.join(folder, name)
        self.pem, self.certificate = path + ".pem", path + ".der"
        if same_as:
            self.algorithm, self.key = same_as.algorithm, same_as.key
            self.public = same_as.public
        else:
            self.algorithm, self.key = algorithm, path + ".key"
            self.public = self._generate()
        self.subject = x509.name(subject or "modseal test " + name)
        self._certify(issuer or self, signed_with, extensions or {}, fields)

    def _generate(self):
        if self.algorithm in CURVES:
            kind = ["EC", "-pkeyopt", "ec_paramgen_curve:" + CURVES[self.algorithm]]
        else:
            kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:" + self.algorithm[len("rsa") :]]
        run(["openssl", "genpkey", "-out", self.key, "-algorithm"] + kind)
        return run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"])

    def _certify(self, issuer, digest, extensions, fields):
        der = x509.certificate(
            self.subject,
            self.public,
            issuer.subject,
            lambda tbs: issuer.sign_raw(tbs, digest),
            x509.certificate_algorithm(issuer.algorithm, digest),
            x509.extensions(self.public, issuer.public, **extensions),
            **fields,
        )
        with open(self.certificate, "wb") as file:
            file.write(der)
        with open(self.pem, "wb") as file:
            file.write(x509.pem(der))

    def der(self):
        with open(self.certificate, "rb") as file:
            return file.read()

    def sign_raw(self, data, digest="sha256", options=()):
        """The signature over data: PKCS#1 v1.5 or ECDSA, with nothing around it."""
        command = ["openssl", "dgst", "-" + digest, "-sign", self.key, "-binary"]
        for option in options:
            command += ["-sigopt", option]
        return run(command, data=data)
