# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernels are asked: each case is a module, and what should become of it.

An expectation is one word (None: as in the record of what kernels do, see odd.py):

  trusted        the kernel finds the signature good
  untrusted      the kernel cannot check the signature, or there is none: what comes of it
                 depends on the set-up (see SETUPS)
  EKEYREJECTED   or another errno's name: refused with it in every set-up

What a kernel did is one word too: loads, answers (loads, and the module's device answers),
taints (loads with taint E: not verified), or the name of an errno.
"""

from collections import namedtuple

import keys
import record

# Firmware variables with Secure Boot on or off, words for the kernel's command line, and
# what this kind of machine makes of a module that it cannot verify (but: otherwise on a
# kernel, {kernel: word}).
Setup = namedtuple("Setup", "secure_boot append untrusted what but", defaults=({},))

SETUPS = {
    "open": Setup(False, "", "taints", "no Secure Boot, nothing enforced"),
    "sig-enforce": Setup(
        False, "module.sig_enforce=1", "EKEYREJECTED", "module.sig_enforce=1"
    ),
    "lockdown": Setup(False, "lockdown=integrity", "EPERM", "lockdown=integrity"),
    "secure-boot": Setup(
        True,
        "",
        "EKEYREJECTED",
        "Secure Boot with our keys; the rest follows from it",
        # Its Secure Boot brings lockdown, and no sig_enforce.
        {"5.10": "EPERM"},
    ),
    "firmware": Setup(
        True,
        "",
        "EKEYREJECTED",
        "the same, and the firmware verifies the kernel image that it starts",
        {"5.10": "EPERM"},
    ),
    "tpm": Setup(
        True,
        "",
        "EKEYREJECTED",
        "the same, with a TPM; agent, signing and loading are all in the guest",
        {"5.10": "EPERM"},
    ),
}

KERNELS = ("5.10", "6.1", "6.12", "7")

# but: what a kernel does otherwise, {kernel: word}. suffix: for compressed modules. revoked:
# the hash of the file is in the firmware's dbx.
Case = namedtuple(
    "Case", "name module expected what but suffix revoked", defaults=({}, ".ko", False)
)


def outcome(record):
    """What the kernel did with a module, from what judge said."""
    if record["errno"]:
        return record["errno"]
    if "E" in record["taint"]:
        return "taints"
    return "answers" if record.get("device", "").startswith(record["name"]) else "loads"


def expected(case, kernel, setup):
    """What that kernel in that set-up should do with a case, as outcome() says it."""
    if case.expected is None:
        return record.expected(case.name, kernel, setup)
    word = case.but.get(kernel, case.expected)
    if word == "trusted":
        return "loads"
    if word == "untrusted":
        return SETUPS[setup].but.get(kernel, SETUPS[setup].untrusted)
    return word


class Bench:
    """Keys of openssl's making: what the machine's owner trusts, and what nobody trusts."""

    def __init__(self, folder):
        self.owner = keys.Key(folder, "owner")
        self.unknown = keys.Key(folder, "unknown")
        self.direct = {
            algorithm: keys.Key(folder, "trusted-" + algorithm, algorithm)
            for algorithm in ("rsa2048", "p256")
        }
        self.issuer = keys.Key(folder, "issuer")
        leaf = {"authority": False}
        self.leaf = keys.Key(folder, "leaf", issuer=self.issuer, extensions=leaf)
        self.stranger = keys.Key(folder, "stranger", issuer=self.unknown, extensions=leaf)

    def enrolled(self):
        """The certificates for the firmware's db."""
        return [key.certificate for key in (*self.direct.values(), self.issuer)]
