# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd modules: what is wrong is in the message: structure, algorithms, the signature."""

import hashlib

import cms
import mutate
import x509
from cases import Case
from der import NULL, context, integer, octets, oid, seq, set_of, tlv

CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SMIME_CAPABILITIES = "1.2.840.113549.1.9.15"
TIME_STAMP = "1.3.6.1.4.1.311.3.3.1"
UNKNOWN = "1.3.6.1.4.1.99999.1"

CONTENT_TYPES = {
    "signed": "1.2.840.113549.1.7.2",
    "enveloped": "1.2.840.113549.1.7.3",
    "digested": "1.2.840.113549.1.7.5",
    "authenticode": "1.3.6.1.4.1.311.2.1.4",
    "unknown": UNKNOWN,
}


def structures(kit):
    """SignedData around a good signature."""
    good = kit.info()

    def case(name, message, what):
        return Case("cms-" + name, mutate.join(kit.module, message), None, what)

    def data(name, what, infos=None, **changes):
        infos = [good] if infos is None else infos
        return case(name, cms.signed_data(infos, **changes), what)

    for version in 0, 2, 3, 4, 5, 255:
        yield data("version-%d" % version, "SignedData version %d" % version,
                   version=version)
        yield data("signer-version-%d" % version, "SignerInfo version %d" % version,
                   [kit.info(version=version)])
    for name, dotted in CONTENT_TYPES.items():
        yield data("content-" + name, "the content is of type " + name,
                   content_type=dotted)
    yield data("outer-data", "the outermost type is data", outer_type=cms.DATA)
    yield data("outer-unknown", "the outermost type is unknown", outer_type=UNKNOWN)
    attached = context(0, octets(kit.module))
    yield data("attached", "the module is in the message too", content=attached)
    yield data("attached-other", "something else is in the message",
               content=context(0, octets(b"something else")))
    yield data("attached-empty", "an empty content is in the message",
               content=context(0, octets(b"")))
    yield data("digests-none", "no digest algorithms are listed", digests=[])
    yield data("digests-other", "another digest algorithm is listed", digests=["sha512"])
    yield data("digests-two", "two digest algorithms are listed",
               digests=["sha256", "sha512"])
    yield data("digests-many", "forty digest algorithms are listed",
               digests=["sha256"] * 40)
    yield data("digests-unknown", "an unknown digest algorithm is listed",
               digest_algorithms=set_of(seq(oid(UNKNOWN))))
    yield data("certificate-own", "with the signer's own certificate",
               certificates=[kit.key.der()])
    yield data("certificate-other", "with a certificate that has no part in it",
               certificates=[kit.unknown.der()])
    yield data("certificate-twice", "with the signer's certificate twice",
               certificates=[kit.key.der()] * 2)
    yield data("certificate-broken", "with a certificate that is none",
               certificates=[seq(integer(1))])
    yield data("certificate-many", "with thirty certificates",
               certificates=[kit.unknown.der()] * 30)
    yield data("crl", "with a revocation list", crls=context(1, seq(integer(1))))
    yield data("crl-empty", "with an empty set of revocation lists", crls=context(1))


def signers(kit):
    """None, several, and other ways to name one."""
    good, rogue = kit.info(), kit.info(kit.unknown)
    bad = kit.info(signature=mutate.flip(kit.key.sign_raw(kit.module), -1))

    def case(name, what, *infos, **changes):
        message = cms.signed_data(infos, **changes)
        return Case("signers-" + name, mutate.join(kit.module, message), None, what)

    yield case("none", "no signer at all")
    yield case("good-good", "the same signer twice", good, good)
    yield case("good-rogue", "a good signer, then a foreign one", good, rogue)
    yield case("rogue-good", "a foreign signer, then a good one", rogue, good)
    yield case("good-bad", "a good signature, then a bad one", good, bad)
    yield case("bad-good", "a bad signature, then a good one", bad, good)
    yield case("rogue-rogue", "two foreign signers", rogue, rogue)
    yield case("eight", "eight signers, the last one good", *([rogue] * 7 + [good]))
    yield case("broken", "a signer that is an empty SEQUENCE", seq())
    yield case("good-broken", "a good signer, then an empty SEQUENCE", good, seq())
    skid = tlv(0x80, x509.key_id(kit.key.public))
    yield case("skid", "named by its key identifier", kit.info(sid=skid, version=3),
               version=3)
    yield case("skid-version-1", "the same, with versions 1", kit.info(sid=skid))
    yield case("skid-unknown", "named by an identifier that nobody has",
               kit.info(sid=tlv(0x80, bytes(20)), version=3), version=3)
    yield case("skid-short", "named by an identifier of one byte",
               kit.info(sid=tlv(0x80, b"\1"), version=3), version=3)
    yield case("skid-empty", "named by an empty identifier",
               kit.info(sid=tlv(0x80, b""), version=3), version=3)
    issuer, serial = kit.key.subject, integer(4711)
    yield case("serial", "the serial number is another", kit.info(sid=seq(issuer, serial)))
    yield case("issuer", "the issuer is another", kit.info(
        sid=seq(kit.unknown.subject, integer(4711))))
    yield case("issuer-empty", "the issuer is an empty name",
               kit.info(sid=seq(seq(), serial)))
    yield case("rogue-as-good", "a foreign signature in the good signer's name",
               kit.info(signature=kit.unknown.sign_raw(kit.module)))


def attributes(kit):
    """Signed and unsigned attributes, right and wrong."""
    digest = octets(hashlib.sha256(kit.module).digest())
    kind = cms.attribute(CONTENT_TYPE, oid(cms.DATA))
    right = cms.attribute(MESSAGE_DIGEST, digest)
    wrong = cms.attribute(MESSAGE_DIGEST, octets(bytes(32)))
    time = cms.attribute(SIGNING_TIME, tlv(0x17, b"250101000000Z"))
    caps = cms.attribute(SMIME_CAPABILITIES, seq(seq(oid(x509.DIGESTS["sha256"]))))

    def case(name, info, what):
        message = cms.signed_data([info])
        return Case("attributes-" + name, mutate.join(kit.module, message), None, what)

    def signed(name, what, *parts):
        # The signature is over the attributes as a SET, RFC 5652 section 5.4.
        info = kit.info(
            signed_attributes=context(0, *parts),
            signature=kit.key.sign_raw(set_of(*parts)),
        )
        return case("signed-" + name, info, what)

    yield signed("plain", "content type and digest, as CMS wants them", kind, right)
    yield signed("time", "the same with a signing time", kind, time, right)
    yield signed("caps", "the same with S/MIME capabilities", kind, right, caps)
    yield signed("wrong-digest", "the digest is another", kind, wrong)
    yield signed("no-digest", "there is no digest", kind)
    yield signed("no-type", "there is no content type", right)
    yield signed("twice", "the digest twice", kind, right, right)
    yield signed("unknown", "with one that nobody knows", kind, right,
                 cms.attribute(UNKNOWN, NULL))
    yield signed("empty", "an empty set of them")
    yield case("signed-not", kit.info(signed_attributes=context(0, kind, right)),
               "attributes that the signature does not cover")

    late = cms.attribute(SIGNING_TIME, tlv(0x17, b"251301000000Z"))
    yield signed("time-wrong", "a signing time of a month 13", kind, late, right)
    sequence = context(2, seq(kind, right))
    yield case("signed-sequence", kit.info(signed_attributes=sequence),
               "as a sequence, which the signature does not cover")
    with_them = kit.info(
        signed_attributes=context(0, kind, right),
        signature=kit.key.sign_raw(set_of(kind, right)),
    )
    both = mutate.join(kit.module, cms.signed_data([kit.info(), with_them]))
    yield Case("attributes-signed-one", both, None, "the second of two signers has them")

    def unsigned(name, what, *parts):
        info = kit.info(unsigned_attributes=context(1, *parts))
        return case("unsigned-" + name, info, what)

    yield unsigned("time-stamp", "the place for a time stamp",
                   cms.attribute(TIME_STAMP, seq(NULL)))
    yield unsigned("unknown", "one that nobody knows", cms.attribute(UNKNOWN, NULL))
    yield unsigned("two", "two of them", cms.attribute(TIME_STAMP, seq(NULL)),
                   cms.attribute(UNKNOWN, octets(bytes(100))))
    yield unsigned("large", "one of 8 KiB", cms.attribute(UNKNOWN, octets(bytes(8192))))
    yield unsigned("empty", "an empty set of them")
    yield unsigned("broken", "one that is none", seq())


def digests(kit):
    """Hashes and signature algorithms: weak, unknown, or not the ones that were used."""

    def case(name, info, what, listed=("sha256",), **changes):
        message = cms.signed_data([info], digests=listed, **changes)
        return Case("digest-" + name, mutate.join(kit.module, message), None, what)

    for digest in x509.DIGESTS:
        yield case(digest, kit.info(digest=digest), "signed with " + digest, [digest])
    for digest in x509.ECDSA_WITH:
        for key in kit.bench.direct["p256"], kit.chains.direct["p384"]:
            message = cms.message(key, kit.module, digest)
            yield Case("ecdsa-%s-%s" % (key.algorithm, digest),
                       mutate.join(kit.module, message), None,
                       "signed with %s and %s" % (key.algorithm, digest))
    for said in "sha1", "sha384", "sha512":
        info = kit.info(digest_algorithm_der=x509.digest_algorithm(said))
        yield case("said-" + said, info, "signed with SHA-256, said to be " + said, [said])
    yield case("null-parameters", kit.info(
        digest_algorithm_der=seq(oid(x509.DIGESTS["sha256"]), NULL)),
        "parameters NULL where openssl has none")
    yield case("unknown", kit.info(digest_algorithm_der=seq(oid(UNKNOWN))),
               "a hash that nobody knows")
    said = {
        "rsa-no-parameters": seq(oid(x509.RSA)),
        "rsa-sha256": x509.certificate_algorithm("rsa", "sha256"),
        "rsa-sha512": x509.certificate_algorithm("rsa", "sha512"),
        "rsa-sha1": x509.certificate_algorithm("rsa", "sha1"),
        "rsa-pss": seq(oid(x509.RSA_PSS), seq()),
        "ecdsa": seq(oid(x509.ECDSA_WITH["sha256"])),
        "ec-key": seq(oid(x509.EC_PUBLIC_KEY)),
        "dsa": seq(oid("1.2.840.10040.4.1")),
        "ed25519": seq(oid("1.3.101.112")),
        "unknown": seq(oid(UNKNOWN)),
    }
    for name, algorithm in said.items():
        info = kit.info(signature_algorithm_der=algorithm)
        yield Case("algorithm-" + name,
                   mutate.join(kit.module, cms.signed_data([info])), None,
                   "RSA with SHA-256, said to be " + name)


def signatures(kit):
    """The signature's own bytes."""
    good = kit.key.sign_raw(kit.module)

    def case(name, signature, what, **changes):
        message = cms.signed_data([kit.info(signature=signature, **changes)])
        return Case("signature-" + name, mutate.join(kit.module, message), None, what)

    yield case("empty", b"", "no bytes")
    yield case("byte", b"\1", "one byte")
    yield case("zeros", bytes(len(good)), "zeros")
    yield case("ones", b"\xff" * len(good), "larger than the modulus")
    yield case("short", good[:-1], "one byte too short")
    yield case("long", good + b"\0", "one byte too long")
    yield case("leading-zero", b"\0" + good, "a zero before it")
    yield case("reversed", good[::-1], "in the other byte order")
    yield case("huge", bytes(16384), "16 KiB of zeros")
    for i in range(4):
        at = kit.random.randrange(len(good))
        yield case("flip-%d" % i, mutate.flip(good, at), "bit 0 of byte %d" % at)
    yield case("other-data", kit.key.sign_raw(b"other data"), "of other data")
    yield case("other-hash", kit.key.sign_raw(kit.module, "sha512"), "of SHA-512")
    pss = ["rsa_padding_mode:pss", "rsa_pss_saltlen:digest"]
    yield case("pss", kit.key.sign_raw(kit.module, options=pss), "RSA-PSS, said to be v1.5")
    yield case("pss-said", kit.key.sign_raw(kit.module, options=pss), "RSA-PSS, said so",
               signature_algorithm_der=seq(oid(x509.RSA_PSS), seq()))
    p256 = kit.bench.direct["p256"]
    yield case("ecdsa", p256.sign_raw(kit.module), "of an ECDSA key, said to be RSA")
    broken = {
        "negative": seq(tlv(0x02, b"\x80"), integer(1)),
        "zero": seq(integer(0), integer(0)),
        "one": seq(integer(1), integer(1)),
        "not-der": b"\1" * 64,
        "after": p256.sign_raw(kit.module) + b"\0",
        "long-r": seq(integer(1 << 300), integer(1)),
    }
    for name, signature in broken.items():
        info = cms.signer_info(p256, kit.module, signature=signature)
        yield Case("ecdsa-" + name, mutate.join(kit.module, cms.signed_data([info])), None,
                   "an ECDSA signature that is " + name)
