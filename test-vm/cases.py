# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel is asked: each case is a module and what should become of it."""

from collections import namedtuple

import mutate

# What a case may expect:
#   loads          and no taint for the signature
#   answers        loads, without that taint, and its device answers with its name
#   taints         loads, but with taint E: the kernel does not trust it
#   refused        whatever the errno
#   EKEYREJECTED   or another errno's name: refused with that one
Case = namedtuple("Case", "name module expected what")


def outcome(record):
    """What the kernel did with a module, in the words above."""
    if record["errno"]:
        return record["errno"]
    if "E" in record["taint"]:
        return "taints"
    return "answers" if record.get("device", "").startswith(record["name"]) else "loads"


def agrees(expected, record):
    got = outcome(record)
    if expected == "refused":
        return bool(record["errno"])
    return got == expected


def enforcing(module, driver, trusted, unknown):
    """The cases for a kernel that enforces signatures and trusts one of two signers.

    module is one of the kernel's own without its signature, driver is ours.
    """
    signed = trusted.sign(module)
    payload, message = mutate.split(signed)
    middle = len(payload) // 2
    return [
        Case("signed", signed, "loads", "signed with the enrolled key"),
        Case("driver", trusted.sign(driver), "answers", "our driver, signed and at work"),
        Case("driver-unsigned", driver, "EKEYREJECTED", "our driver without a signature"),
        Case("unsigned", module, "EKEYREJECTED", "no signature at all"),
        Case(
            "tampered-body",
            mutate.join(mutate.flip(payload, middle), message),
            "EKEYREJECTED",
            "one bit of the code changed after signing",
        ),
        Case(
            "tampered-signature",
            mutate.join(payload, mutate.flip(message, -1)),
            "EKEYREJECTED",
            "one bit of the signature changed",
        ),
        Case(
            "wrong-key",
            unknown.sign(module),
            "EKEYREJECTED",
            "signed with a key that is not enrolled",
        ),
    ]
