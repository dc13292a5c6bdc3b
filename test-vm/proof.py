# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof: what modseal makes loads, and what somebody spoilt or did not sign does not."""

import cms
import der
import mutate
import x509
from cases import Case
from machine import Failure


class Proof:
    """The keys of the proof, sealed in the agent's TPM, and its cases."""

    ALGORITHMS = ("rsa2048", "rsa3072", "rsa4096", "p256", "p384")

    def __init__(self, bench, agent, sign_file):
        self.bench = bench
        self.agent = agent
        self.sign_file = sign_file
        self.sealed = {
            algorithm: agent.create("sealed-" + algorithm, algorithm)
            for algorithm in self.ALGORITHMS
        }
        self.not_enrolled = agent.create("not-enrolled", "rsa2048")
        self.resident = {
            algorithm: agent.create("resident-" + algorithm, algorithm, "resident")
            for algorithm in ("rsa2048", "p256")
        }
        self.issuing = {
            algorithm: agent.create("issuing-" + algorithm, algorithm, "leaf")
            for algorithm in ("rsa2048", "p256")
        }
        self.other_issuing = agent.create("issuing-unknown", "rsa2048", "leaf")

    def enrolled(self):
        keys = *self.sealed.values(), *self.resident.values(), *self.issuing.values()
        return [key.certificate for key in keys]

    def cases(self, module, release, built=None):
        """module is one of the kernel's own, without its signature, release the kernel's
        name for itself; built is our Driver."""
        asked = basic(self, module) + custodies(self, module, release)
        if built:
            asked += driver(self, built)
        return asked + algorithms(self, module) + chains(self.bench, module)


def basic(proof, module):
    """Signed modules load, and damaged or foreign ones do not."""
    key, agent, bench = proof.sealed["rsa2048"], proof.agent, proof.bench
    foreign = proof.sign_file.sign(module, bench.unknown)
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
            agent.sign(module, proof.not_enrolled),
            "untrusted",
            "modseal sign with a key that is not enrolled",
        ),
        Case("foreign", foreign, "untrusted", "the kernel's sign-file with a foreign key"),
        Case(
            "kernel-sign-file",
            proof.sign_file.sign(module, bench.direct["rsa2048"]),
            "trusted",
            "the kernel's sign-file with an enrolled key, for comparison",
        ),
    ]


def custodies(proof, module, release):
    """Keys that live in the TPM, and leaves that such a key issues for a build."""
    agent, cases = proof.agent, []
    for algorithm, key in proof.resident.items():
        cases.append(
            Case(
                "resident-" + algorithm,
                agent.sign(module, key),
                "trusted",
                "modseal sign with a key that never leaves the TPM: " + algorithm,
                OLD if algorithm == "p256" else {},
            )
        )
    for algorithm, key in proof.issuing.items():
        cases.append(
            Case(
                "build-" + algorithm,
                agent.sign(module, key, build=agent.open_build(key, release)),
                "trusted",
                "modseal sign for a build, whose issuer is enrolled: " + algorithm,
                OLD if algorithm == "p256" else {},
            )
        )
    stranger = proof.other_issuing
    build = agent.open_build(stranger, release)
    cases.append(
        Case(
            "build-unknown",
            agent.sign(module, stranger, build=build),
            "untrusted",
            "modseal sign for a build, whose issuer is not enrolled",
        )
    )
    return cases


# SHA-384 and SHA-512 are modules in Debian's old kernels, which a signature does not
# bring in; ECDSA is off in them or does not exist yet.
OLD = {"5.10": "untrusted", "6.1": "untrusted"}


def algorithms(proof, module):
    """Every algorithm and hash, with the key's own certificate enrolled."""
    cases = []
    for algorithm, key in proof.sealed.items():
        for digest in "sha256", "sha384", "sha512":
            everywhere = algorithm.startswith("rsa") and digest == "sha256"
            cases.append(
                Case(
                    "%s-%s" % (algorithm, digest),
                    proof.agent.sign(module, key, digest),
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


def driver(proof, built):
    """Our own driver, built for that kernel: signed it works, unsigned it does not."""
    unsigned = built.build()
    signed = built.install(proof.agent, proof.sealed["rsa2048"])
    return [
        Case("driver", signed, "answers", "our driver, signed by make modules_install"),
        Case("driver-unsigned", unsigned, "untrusted", "our driver as it was built"),
    ]
