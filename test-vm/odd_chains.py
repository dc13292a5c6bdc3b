# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd modules: what is wrong, or only unusual, is the signer's certificate."""

import hashlib
from itertools import islice

import cms
import mkvars
import mutate
import x509
from cases import Case
from der import NULL, bits, children, context, inside, integer, octets, oid, seq, tlv
from keys import Key

LEAF = {"authority": False}


class Chains:
    """The certificates that these cases need: made once, for the modules of every kernel."""

    def __init__(self, folder, bench):
        def leaf(name, issuer=bench.issuer, extensions=None, **changes):
            every = dict(LEAF, **(extensions or {}))
            if "algorithm" not in changes:
                changes["same_as"] = bench.leaf
            return Key(folder, "leaf-" + name, issuer=issuer, extensions=every, **changes)

        self.direct = {
            algorithm: Key(folder, "odd-" + algorithm, algorithm)
            for algorithm in ("rsa1024", "rsa1536", "rsa2560", "rsa3072", "rsa4096", "p384", "p521")
        }
        self.direct["sha512-self"] = Key(folder, "odd-sha512-self", signed_with="sha512")
        self.direct["no-skid"] = Key(
            folder, "odd-no-skid", extensions={"skid": False, "akid": False}
        )
        self.ec_issuer = Key(folder, "ec-issuer", "p384")
        past, future = "200101000000Z", "480101000000Z"
        self.leaves = {
            "good": leaf("good"),
            "rsa1024": leaf("rsa1024", algorithm="rsa1024"),
            "rsa4096": leaf("rsa4096", algorithm="rsa4096"),
            "p256": leaf("p256", algorithm="p256"),
            "p384": leaf("p384", algorithm="p384"),
            "p521": leaf("p521", algorithm="p521"),
            "of-ec": leaf("of-ec", self.ec_issuer),
            "p256-of-ec": leaf("p256-of-ec", self.ec_issuer, algorithm="p256"),
            "expired": leaf("expired", validity=(past, "210101000000Z")),
            "future": leaf("future", validity=(future, "490101000000Z")),
            "backwards": leaf("backwards", validity=(future, past)),
            "sha1": leaf("sha1", signed_with="sha1"),
            "sha384": leaf("sha384", signed_with="sha384"),
            "sha512": leaf("sha512", signed_with="sha512"),
            "md5": leaf("md5", signed_with="md5"),
            "no-akid": leaf("no-akid", extensions={"akid": False}),
            "no-skid": leaf("no-skid", extensions={"skid": False}),
            "no-purpose": leaf("no-purpose", extensions={"purpose": None}),
            "tls-purpose": leaf("tls-purpose", extensions={"purpose": "1.3.6.1.5.5.7.3.1"}),
            "authority": leaf("authority", extensions={"authority": True}),
            "serial-1": leaf("serial-1", serial=1),
            "serial-0": leaf("serial-0", serial=0),
            "serial-long": leaf("serial-long", serial=1 << 400),
            "version-1": leaf("version-1", version=0),
            "no-name": leaf("no-name", subject=""),
            "odd-name": leaf("odd-name", subject="a\x1b[31m\nb\u202e"),
        }
        self.middle = Key(folder, "middle", issuer=bench.issuer)
        self.under_middle = leaf("under-middle", self.middle)
        self.weak = Key(folder, "weak", issuer=bench.issuer, extensions=LEAF)
        self.under_leaf = leaf("under-leaf", self.weak)
        trusted = bench.direct["rsa2048"]
        serial = int.from_bytes(x509.issuer_and_serial(trusted.der())[-16:], "big")
        self.impostor = Key(
            folder, "impostor", subject="modseal test trusted-rsa2048", serial=serial
        )

    def enrolled(self):
        keys = list(self.direct.values()) + [self.ec_issuer]
        return [key.certificate for key in keys]


class Revoked:
    """Certificates and modules that the firmware's dbx speaks of."""

    def __init__(self, folder, bench):
        def leaf(name, issuer=bench.issuer):
            return Key(
                folder, "revoked-" + name, issuer=issuer, extensions=LEAF, same_as=bench.leaf
            )

        # By a hash of their TBS part, as the specification has it and as Linux heeds it.
        self.leaf_48 = leaf("leaf-48")
        self.leaf_32 = leaf("leaf-32")
        self.leaf_x509 = leaf("leaf-x509")
        self.issuer_48 = Key(folder, "revoked-issuer-48")
        self.issuer_32 = Key(folder, "revoked-issuer-32")
        self.issuer_x509 = Key(folder, "revoked-issuer-x509")
        self.under_48 = leaf("under-48", self.issuer_48)
        self.under_32 = leaf("under-32", self.issuer_32)
        self.under_x509 = leaf("under-x509", self.issuer_x509)

    def enrolled(self):
        issuers = self.issuer_48, self.issuer_32, self.issuer_x509
        return [key.certificate for key in issuers]

    def dbx(self, modules):
        """The firmware's dbx: our certificates, and the hashes of these modules."""
        return mkvars.revocations(
            [self.leaf_x509.der(), self.issuer_x509.der()],
            [hashlib.sha256(module).digest() for module in modules],
            [tbs_hash(self.leaf_48), tbs_hash(self.issuer_48)],
            [tbs_hash(self.leaf_32), tbs_hash(self.issuer_32)],
        )

    def cases(self, kit):
        def case(name, key, what, *more):
            certificates = [key.der()] + [other.der() for other in more]
            message = cms.message(key, kit.module, certificates=certificates)
            return Case("revoked-" + name, mutate.join(kit.module, message), None, what)

        yield case("leaf-48", self.leaf_48, "the leaf, in the form of the specification")
        yield case("leaf-32", self.leaf_32, "the leaf, without a time")
        yield case("leaf-x509", self.leaf_x509, "the leaf, as a certificate")
        for form in "48", "32", "x509":
            key, issuer = getattr(self, "under_" + form), getattr(self, "issuer_" + form)
            yield case("issuer-" + form, key, "the issuer, which is not in the message")
            yield case("issuer-in-" + form, key, "the issuer, in the message", issuer)
            direct = mutate.join(kit.module, cms.message(issuer, kit.module))
            yield Case("revoked-direct-" + form, direct, None, "the signer, which is enrolled")
        module = mutate.join(kit.module + b"\0", cms.message(kit.key, kit.module + b"\0"))
        yield Case("revoked-module", module, None, "the hash of the signed file", revoked=True)


def tbs_hash(key):
    return hashlib.sha256(children(key.der())[0]).digest()


def chains(kit):
    """A leaf in the message, whose issuer is enrolled."""
    certificates = kit.chains

    def case(name, key, what, *more, own=True):
        embedded = [key.der()] if own else []
        embedded += [other.der() for other in more]
        message = cms.message(key, kit.module, certificates=embedded)
        return Case("chain-" + name, mutate.join(kit.module, message), None, what)

    for name, key in certificates.leaves.items():
        yield case(name, key, "a leaf: " + name)
    for name, key in certificates.direct.items():
        yield case("direct-" + name, key, "enrolled itself: " + name, own=False)
    middle, deep = certificates.middle, certificates.under_middle
    yield case("middle", deep, "leaf and intermediate are in the message", middle)
    yield case("middle-first", deep, "the intermediate comes first", middle, own=False)
    yield case("middle-absent", deep, "the intermediate is missing")
    yield case("under-leaf", certificates.under_leaf, "issued by a leaf", certificates.weak)
    yield case("issuer-in", kit.bench.leaf, "the issuer is in the message too",
               kit.bench.issuer)
    yield case("sha384-issuer-in", certificates.leaves["sha384"],
               "a leaf: sha384, and its issuer is in the message too", kit.bench.issuer)
    yield case("twice", kit.bench.leaf, "the leaf twice", kit.bench.leaf)
    yield case("unrelated", kit.bench.leaf, "and a certificate without a part in it",
               kit.unknown)
    yield case("impostor", certificates.impostor,
               "issuer and serial number of an enrolled key, and another key")
    yield case("impostor-absent", certificates.impostor, "the same, not in the message",
               own=False)
    spoilt = mutate.flip(kit.bench.leaf.der(), -1)
    message = cms.message(kit.bench.leaf, kit.module, certificates=[spoilt])
    yield Case("chain-spoilt", mutate.join(kit.module, message), None,
               "the leaf's own signature is wrong")
    extra = kit.bench.leaf.der() + integer(1)
    message = cms.message(kit.bench.leaf, kit.module, certificates=[extra])
    yield Case("chain-after", mutate.join(kit.module, message), None,
               "a number after the leaf")


# The fields of a certificate's TBS part.
VERSION, SERIAL, ALGORITHM, ISSUER, VALIDITY, SUBJECT, PUBLIC_KEY, EXTENSIONS = range(8)


def rsa_public_key(modulus, exponent, algorithm=x509.RSA):
    body = bits(seq(tlv(0x02, modulus), tlv(0x02, exponent)))
    return seq(seq(oid(algorithm), NULL), body)


def rsa_numbers(public_key):
    """The contents of the INTEGERs of an RSA key: modulus and exponent."""
    key_bits = children(public_key)[1]
    start, end = inside(key_bits)
    numbers = children(key_bits[start + 1 : end])
    return [number[slice(*inside(number))] for number in numbers]


def opened(signature, modulus, exponent):
    """What a key makes of a signature: the padded digest, if it is the right one."""
    n, e, s = (int.from_bytes(x, "big") for x in (modulus, exponent, signature))
    return pow(s, e, n).to_bytes(len(signature), "big")


def wrong_signatures(kit):
    """Signatures of a leaf in the message that its key opens to what is no padding. Kernels
    make a difference between the first byte being a zero and not."""
    key = kit.bench.leaf
    modulus, exponent = rsa_numbers(key.public)
    good = key.sign_raw(kit.module)
    numbers = (good[:-3] + i.to_bytes(3, "big") for i in range(1 << 24))
    wrong = {bool(opened(x, modulus, exponent)[0]): x for x in islice(numbers, 4000)}
    for name, first in ("signature-wrong", True), ("signature-wrong-0", False):
        message = cms.message(key, kit.module, certificates=[key.der()],
                              signature=wrong[first])
        what = "a leaf's wrong signature, that opens with %s zero" % ("no" if first else "a")
        yield Case("leaf-" + name, mutate.join(kit.module, message), None, what)
    message = cms.message(key, kit.module, certificates=[key.der()],
                          signature=key.sign_raw(b"other data"))
    yield Case("leaf-other-data", mutate.join(kit.module, message), None,
               "a leaf's signature of other data")


def certificates(kit):
    """A leaf with one field that is odd, well signed by the enrolled issuer; and that leaf's
    signature over the module, as far as its key is still the one that signed."""
    issuer, key = kit.bench.issuer, kit.bench.leaf
    fields = children(children(key.der())[0])

    def case(name, what, field=None, value=None, outer=None):
        parts = list(fields)
        if field is not None:
            parts[field] = value
        tbs = seq(*parts)
        leaf = seq(tbs, outer or fields[ALGORITHM], bits(issuer.sign_raw(tbs)))
        sid = seq(parts[ISSUER], parts[SERIAL])
        message = cms.message(key, kit.module, certificates=[leaf], sid=sid)
        return Case("leaf-" + name, mutate.join(kit.module, message), None, what)

    yield case("good", "nothing is odd")
    yield case("outer-sha512", "another algorithm outside than inside",
               outer=x509.certificate_algorithm("rsa", "sha512"))
    yield case("algorithm-unknown", "an unknown algorithm inside", ALGORITHM,
               seq(oid("1.3.6.1.4.1.99999.1")))
    yield case("version-9", "version 9", VERSION, context(0, integer(9)))
    yield case("serial-empty", "a serial number of no bytes", SERIAL, tlv(0x02, b""))
    yield case("serial-negative", "a negative serial number", SERIAL, tlv(0x02, b"\xff"))
    yield case("issuer-other", "another issuer's name", ISSUER, kit.unknown.subject)
    yield case("issuer-empty", "an issuer without a name", ISSUER, seq())
    times = {
        "generalized": (0x18, b"20240101000000Z"),
        "month-13": (0x17, b"241301000000Z"),
        "day-0": (0x17, b"240100000000Z"),
        "february-30": (0x17, b"240230000000Z"),
        "hour-24": (0x17, b"240101240000Z"),
        "second-60": (0x17, b"240101000060Z"),
        "no-seconds": (0x17, b"2401010000Z"),
        "offset": (0x17, b"240101000000+0000"),
        "letters": (0x17, b"24010100000xZ"),
        "empty": (0x17, b""),
    }
    end = tlv(0x17, b"491231235959Z")
    for name, (tag, text) in times.items():
        yield case("time-" + name, "a first day of the form " + name, VALIDITY,
                   seq(tlv(tag, text), end))
    modulus, exponent = rsa_numbers(key.public)
    signature = key.sign_raw(kit.module)

    def opens(start, last):
        """The number with a last byte that opens the signature to something else than a
        zero: kernels make a difference."""
        numbers = (start + bytes([i]) for i in last)
        return next(n for n in numbers if opened(signature, n, exponent)[0])

    even = opens(modulus[:-1], range(2, 256, 2))
    short = opens(b"\x7f" + modulus[2:-1], range(1, 256, 2))
    odd_keys = {
        "even": (even, exponent),
        "short": (short, exponent),
        "zero": (b"\0", exponent),
        "exponent-empty": (modulus, b""),
    }
    for name, (n, e) in odd_keys.items():
        yield case("key-" + name, "an RSA key: " + name, PUBLIC_KEY, rsa_public_key(n, e))
    yield case("key-pss", "the key is for RSA-PSS only", PUBLIC_KEY,
               rsa_public_key(modulus, b"\1\0\1", x509.RSA_PSS))
    yield case("key-unknown", "a key of an unknown kind", PUBLIC_KEY,
               rsa_public_key(modulus, b"\1\0\1", "1.3.6.1.4.1.99999.1"))
    yield case("key-empty", "a key of no bits", PUBLIC_KEY,
               seq(seq(oid(x509.RSA), NULL), bits(b"")))
    usual = x509.extensions(key.public, issuer.public, authority=False)

    def with_extensions(name, what, parts):
        return case("extension-" + name, what, EXTENSIONS, context(3, seq(*parts)))

    akid = "2.5.29.35"
    yield case("extensions-none", "no extensions", EXTENSIONS, b"")
    yield with_extensions("twice", "one key identifier twice", usual + usual[3:4])
    yield with_extensions("critical", "a critical extension that nobody knows",
                          usual + [x509.extension("1.3.6.1.4.1.99999.1", NULL, True)])
    yield with_extensions("skid-empty", "an empty subject key identifier",
                          usual[:3] + [x509.extension("2.5.29.14", octets(b""))] + usual[4:])
    yield with_extensions("akid-empty", "an empty authority key identifier",
                          usual[:4] + [x509.extension(akid, seq())])
    yield with_extensions("akid-other", "another key's authority key identifier",
                          usual[:4] + [x509.extension(akid, seq(tlv(0x80, bytes(20))))])
    _, serial, _, name = children(children(issuer.der())[0])[:4]
    by_name = seq(context(1, context(4, name)), tlv(0x82, serial[2:]))
    yield with_extensions("akid-by-name", "an authority named by issuer and serial number",
                          usual[:4] + [x509.extension(akid, by_name)])
    yield with_extensions("broken", "an extension that is none", usual + [NULL])
    by_dns = seq(context(1, tlv(0x82, b"example.org")), tlv(0x82, serial[2:]))
    yield with_extensions("akid-by-dns", "an authority named by a host and serial number",
                          usual[:4] + [x509.extension(akid, by_dns)])
    by_both = seq(tlv(0x80, x509.key_id(issuer.public)), context(1, context(4, name)),
                  tlv(0x82, serial[2:]))
    yield with_extensions("akid-both", "an authority named in both ways",
                          usual[:4] + [x509.extension(akid, by_both)])
    by_half = seq(tlv(0x80, bytes(20)), context(1, context(4, name)), tlv(0x82, serial[2:]))
    yield with_extensions("akid-half", "an authority named in two ways, of which one is wrong",
                          usual[:4] + [x509.extension(akid, by_half)])
    yield with_extensions("akid-broken", "an authority key identifier that is none",
                          usual[:4] + [x509.extension(akid, octets(b""))])
    constraints, usage = "2.5.29.19", "2.5.29.15"
    for odd_name, value in {
        "false": seq(b"\x01\x01\x00"),
        "number": seq(integer(1)),
        "long": b"\x30\x05",
        "none": b"",
    }.items():
        yield with_extensions("constraints-" + odd_name, "basic constraints: " + odd_name,
                              [x509.extension(constraints, value, True)] + usual[1:])
    for odd_name, value in {
        "empty": bits(b""),
        "unused-8": tlv(0x03, b"\x08\x80"),
        "number": integer(70000),
    }.items():
        yield with_extensions("usage-" + odd_name, "key usage: " + odd_name,
                              usual[:1] + [x509.extension(usage, value, True)] + usual[2:])
