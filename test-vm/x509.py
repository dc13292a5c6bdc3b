# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates (RFC 5280), part by part, so that each part can be made wrong."""

import base64
import hashlib
import os

from der import NULL, bits, children, context, inside, integer, octets, oid, seq, set_of, tlv

DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha3-256": "2.16.840.1.101.3.4.2.8",
    "sha3-384": "2.16.840.1.101.3.4.2.9",
    "sha3-512": "2.16.840.1.101.3.4.2.10",
}

RSA = "1.2.840.113549.1.1.1"
RSA_PSS = "1.2.840.113549.1.1.10"
RSA_WITH = {
    "md5": "1.2.840.113549.1.1.4",
    "sha1": "1.2.840.113549.1.1.5",
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
EC_PUBLIC_KEY = "1.2.840.10045.2.1"
ECDSA_WITH = {
    "sha1": "1.2.840.10045.4.1",
    "sha224": "1.2.840.10045.4.3.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
    "sha3-256": "2.16.840.1.101.3.4.3.10",
    "sha3-384": "2.16.840.1.101.3.4.3.11",
    "sha3-512": "2.16.840.1.101.3.4.3.12",
}


def digest_algorithm(digest):
    return seq(oid(DIGESTS[digest]))


def signature_algorithm(algorithm, digest):
    """As a SignerInfo has it: the hash is named apart, for RSA."""
    if algorithm.startswith("rsa"):
        return seq(oid(RSA), NULL)
    return seq(oid(ECDSA_WITH[digest]))


def certificate_algorithm(algorithm, digest):
    """As a certificate has it: key and hash in one."""
    if algorithm.startswith("rsa"):
        return seq(oid(RSA_WITH[digest]), NULL)
    return seq(oid(ECDSA_WITH[digest]))


def name(text):
    """A distinguished name with a common name alone."""
    return seq(set_of(seq(oid("2.5.4.3"), tlv(0x0C, text.encode()))))


def extension(dotted, value, critical=False):
    return seq(oid(dotted), b"\x01\x01\xff" if critical else b"", octets(value))


KEY_USAGE_SIGN = bits(b"\x80", 7)
KEY_USAGE_ISSUE = bits(b"\x84", 2)


def extensions(
    public_key,
    issuer_key,
    authority=True,
    usage=None,
    purpose="1.3.6.1.5.5.7.3.3",
    skid=True,
    akid=True,
):
    """What a signing certificate has; False or None leaves one out."""
    parts = [extension("2.5.29.19", seq(b"\x01\x01\xff" if authority else b""), True)]
    usage = usage or (KEY_USAGE_ISSUE if authority else KEY_USAGE_SIGN)
    parts.append(extension("2.5.29.15", usage, True))
    if purpose:
        parts.append(extension("2.5.29.37", seq(oid(purpose))))
    if skid:
        parts.append(extension("2.5.29.14", octets(key_id(public_key))))
    if akid:
        parts.append(extension("2.5.29.35", seq(tlv(0x80, key_id(issuer_key)))))
    return parts


def key_id(public_key):
    """The key identifier of a SubjectPublicKeyInfo: SHA-1 over the key's own bits."""
    _, key_bits = children(public_key)
    start, end = inside(key_bits)
    return hashlib.sha1(key_bits[start + 1 : end]).digest()


def certificate(
    subject,
    public_key,
    issuer,
    sign,
    algorithm,
    parts,
    serial=None,
    validity=("240101000000Z", "491231235959Z"),
    version=2,
):
    """A certificate: names and public_key are DER, sign makes a signature over bytes."""
    if serial is None:
        serial = int.from_bytes(b"\x40" + os.urandom(15), "big")
    tbs = seq(
        context(0, integer(version)),
        integer(serial),
        algorithm,
        issuer,
        seq(*(tlv(0x17, time.encode()) for time in validity)),
        subject,
        public_key,
        context(3, seq(*parts)) if parts else b"",
    )
    return seq(tbs, algorithm, bits(sign(tbs)))


def issuer_and_serial(der):
    """What a SignerInfo names a certificate by."""
    _, serial, _, issuer = children(children(der)[0])[:4]
    return seq(issuer, serial)


def pem(der):
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    head, foot = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----\n"
    return b"\n".join([head, *lines, foot])
