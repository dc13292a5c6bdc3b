# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof: what modseal makes loads, and what somebody spoilt or did not sign does not."""

import lzma

import cms
import der
import mutate
import x509
from cases import Case
from machine import Failure


class Proof:
    """The keys of the proof, sealed in the agent's TPM, and its cases."""

    ALGORITHMS = ("rsa2048", "rsa3072", "rsa4096", "p256", "p384")
    # A TPM need not have RSA-4096; the one of the tests has not.
    IN_THE_TPM = ("rsa2048", "rsa3072", "p256", "p384")

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
            for algorithm in self.IN_THE_TPM
        }
        self.issuing = {
            algorithm: agent.create("issuing-" + algorithm, algorithm, "leaf")
            for algorithm in self.IN_THE_TPM
        }
        self.other_issuing = agent.create("issuing-unknown", "rsa2048", "leaf")
        # For modules alone, says the certificate; to shim, and not to the kernel.
        self.module_only = {
            custody: agent.create(custody + "-only", "rsa2048", custody, ["--module-only"])
            for custody in ("sealed", "leaf")
        }

    def enrolled(self):
        kinds = self.sealed, self.resident, self.issuing, self.module_only
        return [key.certificate for kind in kinds for key in kind.values()]

    def cases(self, module, release, built=None):
        """module is one of the kernel's own, without its signature, release the kernel's
        name for itself; built is our Driver."""
        asked = basic(self, module) + custodies(self, module, release)
        asked += attributes(self, module, release) + compressed(self, module)
        if built:
            asked += driver(self, built)
        return asked + chains(self.bench, module)


def other_kernel(module):
    """A module for another kind of kernel: another word in its vermagic. With another
    release there, kernels that know the versions of symbols would still take it."""
    at = module.index(b" SMP ", module.index(b"vermagic="))
    return module[:at] + b" ONE " + module[at + 5 :]


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
            "wrong-kernel",
            agent.sign(other_kernel(module), key),
            "ENOEXEC",
            "modseal sign of a module that is for another kind of kernel",
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


# SHA-384 and SHA-512 are modules in Debian's old kernels, which a signature does not
# bring in; ECDSA is off in them or does not exist yet. SHA-3 is a module again in 7.
OLD = {"5.10": "untrusted", "6.1": "untrusted"}
WITHOUT_SHA3 = dict(OLD, **{"7": "untrusted"})

SHA2 = ("sha256", "sha384", "sha512")
SHA3 = ("sha3-256", "sha3-384", "sha3-512")


def without(algorithm, digest):
    """Which kernels cannot verify such a signature, as Case's but."""
    if digest in SHA3:
        return WITHOUT_SHA3
    return {} if algorithm.startswith("rsa") and digest == "sha256" else OLD


def custodies(proof, module, release):
    """Every custody, algorithm and hash, with the key's own certificate enrolled: keys that
    are sealed, keys that live in the TPM, and leaves that such a key issues for a build."""
    agent, cases = proof.agent, []

    def ask(custody, algorithm, digest, key, what, build=None):
        name = "%s-%s-%s" % (custody, algorithm, digest)
        signed = agent.sign(module, key, digest, build)
        what = "modseal sign %s: %s and %s" % (what, algorithm, digest)
        cases.append(Case(name, signed, "trusted", what, without(algorithm, digest)))

    for algorithm, key in proof.sealed.items():
        for digest in SHA2 + SHA3:
            ask("sealed", algorithm, digest, key, "with a sealed key")
    for algorithm, key in proof.resident.items():
        for digest in SHA2:
            ask("resident", algorithm, digest, key, "with a key that never leaves the TPM")
    for algorithm, key in proof.issuing.items():
        build = agent.open_build(key, release)
        for digest in SHA2 + SHA3:
            ask("build", algorithm, digest, key, "for a build, its issuer enrolled", build)
    only = proof.module_only
    what = "modseal sign, the enrolled certificate is for modules alone"
    signed = agent.sign(module, only["sealed"])
    cases.append(Case("module-only", signed, "trusted", what))
    signed = agent.sign(module, only["leaf"], build=agent.open_build(only["leaf"], release))
    cases.append(Case("build-module-only", signed, "trusted", what + "; for a build"))
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


def attributes(proof, module, release):
    """What is added to modseal's signatures without being signed, and how else it can name
    the signer."""
    agent = proof.agent
    key, issuing = proof.sealed["rsa2048"], proof.issuing["rsa2048"]
    build = agent.open_build(issuing, release)
    note = der.context(1, cms.attribute("1.3.6.1.4.1.311.3.3.1", der.seq(der.NULL)))

    def noted(signed):
        payload, message = mutate.split(signed)
        return mutate.join(payload, cms.with_unsigned(message, note))

    what = "with an attribute added that is not signed"
    return [
        Case("noted", noted(agent.sign(module, key)), "trusted", "modseal sign, " + what),
        Case(
            "noted-build",
            noted(agent.sign(module, issuing, build=build)),
            "trusted",
            "modseal sign for a build, " + what,
        ),
        Case(
            "keyid",
            agent.sign(module, key, options=["--keyid"]),
            "trusted",
            "modseal sign --keyid: the signer named by its key identifier",
        ),
    ]


# Kernels that do not decompress modules, and what they say to one.
NO_XZ = {"5.10": "EINVAL", "6.1": "EOPNOTSUPP"}


def compressed(proof, module):
    """Signed, then compressed as Debian does it, and decompressed by the kernel."""

    def case(name, data, expected, what):
        whole = lzma.compress(data, check=lzma.CHECK_CRC32)
        return Case(name + "-xz", whole, expected, what, NO_XZ, ".ko.xz")

    signed = proof.agent.sign(module, proof.sealed["rsa2048"])
    payload, message = mutate.split(signed)
    spoilt = mutate.join(mutate.flip(payload, len(payload) // 2), message)
    return [
        case("signed", signed, "trusted", "modseal sign, then xz, for the kernel to unpack"),
        case("unsigned", module, "untrusted", "xz, and no signature"),
        case("tampered", spoilt, "EKEYREJECTED", "one bit changed after signing, then xz"),
    ]


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
