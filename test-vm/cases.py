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

import cms
import der
import keys
import mutate
import record
import x509
from machine import Failure

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
    """The keys that the cases need, and what the machine's owner trusts of them."""

    ALGORITHMS = ("rsa2048", "rsa3072", "rsa4096", "p256", "p384")

    def __init__(self, folder, agent, sign_file):
        self.agent = agent
        self.sign_file = sign_file
        # Sealed in the agent's TPM.
        self.sealed = {
            algorithm: agent.create("sealed-" + algorithm, algorithm)
            for algorithm in self.ALGORITHMS
        }
        self.not_enrolled = agent.create("not-enrolled", "rsa2048")
        # Of openssl's making, for everything that modseal does not do.
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
        trusted = [*self.sealed.values(), *self.direct.values(), self.issuer]
        return [key.certificate for key in trusted]


def basic(bench, module):
    """The proof: signed modules load, and damaged or foreign ones do not."""
    key, agent = bench.sealed["rsa2048"], bench.agent
    foreign = bench.sign_file.sign(module, bench.unknown)
    signed, anew = agent.sign(module, key), agent.sign(foreign, key)
    payload, message = mutate.split(signed)
    if payload != module:
        raise Failure("modseal sign changed the module that it signed")
    if mutate.split(anew)[0] != module:
        raise Failure("modseal sign did not replace the signature that was there")
    middle = len(payload) // 2
    return [
        Case("signed", signed, "trusted", "modseal sign, with a key sealed in a TPM"),
        Case("sign-file", agent.sign_file(module, key), "trusted", "modseal-sign-file"),
        Case(
            "signed-anew",
            anew,
            "trusted",
            "modseal sign over a foreign signature, which it replaces",
        ),
        Case("unsigned", module, "untrusted", "no signature at all"),
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
            "tampered-trailer",
            mutate.join(payload, message, pad=b"\1\0\0"),
            "EBADMSG",
            "a reserved byte of the trailer is not zero",
        ),
        Case(
            "stripped",
            mutate.join(payload[:-1], message),
            "EKEYREJECTED",
            "shortened after signing, as strip does",
        ),
        Case(
            "wrong-key",
            agent.sign(module, bench.not_enrolled),
            "untrusted",
            "modseal sign with a key that is not enrolled",
        ),
        Case("foreign", foreign, "untrusted", "the kernel's sign-file with a foreign key"),
        Case(
            "kernel-sign-file",
            bench.sign_file.sign(module, bench.direct["rsa2048"]),
            "trusted",
            "the kernel's sign-file with an enrolled key, for comparison",
        ),
    ]


# SHA-384 and SHA-512 are modules in Debian's old kernels, which a signature does not
# bring in; ECDSA is off in them or does not exist yet.
OLD = {"5.10": "untrusted", "6.1": "untrusted"}


def algorithms(bench, module):
    """Every algorithm and hash, with the key's own certificate enrolled."""
    cases = []
    for algorithm, key in bench.sealed.items():
        for digest in "sha256", "sha384", "sha512":
            everywhere = algorithm.startswith("rsa") and digest == "sha256"
            cases.append(
                Case(
                    "%s-%s" % (algorithm, digest),
                    bench.agent.sign(module, key, digest),
                    "trusted",
                    "modseal sign with %s and %s" % (algorithm, digest),
                    {} if everywhere else OLD,
                )
            )
    return cases


def chains(bench, module):
    """A leaf in the message whose issuer alone is enrolled, and what spoils that."""

    def leaf(key=bench.leaf, **changes):
        return mutate.join(module, cms.message(key, module, **changes))

    own = [bench.leaf.der()]
    skid = der.tlv(0x80, x509.key_id(bench.leaf.public))
    note = der.context(1, cms.attribute("1.3.6.1.4.1.311.3.3.1", der.seq(der.NULL)))
    return [
        Case("leaf", leaf(certificates=own), "trusted", "leaf embedded, issuer enrolled"),
        Case(
            "leaf-unsigned-attribute",
            leaf(certificates=own, unsigned_attributes=note),
            "trusted",
            "the same with an attribute that is not signed",
        ),
        Case("leaf-absent", leaf(), "untrusted", "the leaf is not in the message"),
        Case(
            "leaf-by-skid",
            mutate.join(
                module,
                cms.signed_data(
                    [cms.signer_info(bench.leaf, module, version=3, sid=skid)],
                    version=3,
                    certificates=own,
                ),
            ),
            "untrusted",
            "the signer is named by its key identifier",
        ),
        Case(
            "leaf-of-unknown",
            leaf(bench.stranger, certificates=[bench.stranger.der()]),
            "untrusted",
            "leaf embedded, issuer not enrolled",
        ),
    ]


def driver(bench, built):
    """Our own driver, built for that kernel: signed it works, unsigned it does not."""
    unsigned = built.build()
    signed = built.install(bench.agent, bench.sealed["rsa2048"])
    return [
        Case("driver", signed, "answers", "our driver, signed by make modules_install"),
        Case("driver-unsigned", unsigned, "untrusted", "our driver as it was built"),
    ]
