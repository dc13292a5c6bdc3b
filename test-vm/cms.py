# SPDX-License-Identifier: GPL-2.0-or-later
"""PKCS#7/CMS SignedData (RFC 5652), part by part, so that each part can be made wrong.

The defaults make what the kernel's sign-file makes; a keyword changes one thing.
"""


# ------------------------------------------------------------------------- DER


def tlv(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def seq(*parts):
    return tlv(0x30, b"".join(parts))


def set_of(*parts):
    return tlv(0x31, b"".join(parts))


def context(number, *parts):
    return tlv(0xA0 | number, b"".join(parts))


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(data):
    return tlv(0x04, data)


def oid(dotted):
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in [first * 40 + second] + rest:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        content += bytes(reversed(groups))
    return tlv(0x06, content)


NULL = b"\x05\x00"


def children(data):
    """The encodings of what is inside the first value of data."""
    start, end = inside(data)
    found = []
    while start < end:
        _, stop = inside(data, start)
        found.append(data[start:stop])
        start = stop
    return found


def inside(data, at=0):
    """Where the content of the value at a position begins and ends."""
    length = data[at + 1]
    start = at + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    return start, start + length


# ------------------------------------------------------------------- algorithms

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"

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


def signature_algorithm(key, digest):
    if key.algorithm.startswith("rsa"):
        return seq(oid(RSA), NULL)
    return seq(oid(ECDSA_WITH[digest]))


# ------------------------------------------------------------------ certificates


def tbs_fields(certificate):
    """The fields of a certificate's TBS part, after the version."""
    return children(children(certificate)[0])[1:]


def issuer_and_serial(certificate):
    serial, _, issuer = tbs_fields(certificate)[:3]
    return seq(issuer, serial)


def subject_key_id(certificate):
    """The certificate's subject key identifier: the first 20-byte octet string of its kind."""
    marker = oid("2.5.29.14")
    at = certificate.index(marker) + len(marker)
    start, end = inside(certificate, at)
    return certificate[start + 2 : end]


# ---------------------------------------------------------------------- messages


def signer_info(
    key,
    payload,
    digest="sha256",
    version=1,
    sid=None,
    digest_algorithm_der=None,
    signed_attributes=b"",
    signature_algorithm_der=None,
    signature=None,
    unsigned_attributes=b"",
):
    """One SignerInfo: key signs payload. The attributes are whole DER values."""
    return seq(
        integer(version),
        issuer_and_serial(key.der()) if sid is None else sid,
        digest_algorithm_der or digest_algorithm(digest),
        signed_attributes,
        signature_algorithm_der or signature_algorithm(key, digest),
        octets(key.sign_raw(payload, digest) if signature is None else signature),
        unsigned_attributes,
    )


def signed_data(
    signer_infos,
    digests=("sha256",),
    version=1,
    content_type=DATA,
    content=b"",
    certificates=(),
    crls=b"",
    outer_type=SIGNED_DATA,
    digest_algorithms=None,
):
    """A whole message; signer_infos and certificates are lists of DER values."""
    if digest_algorithms is None:
        digest_algorithms = set_of(*(digest_algorithm(digest) for digest in digests))
    return seq(
        oid(outer_type),
        context(
            0,
            seq(
                integer(version),
                digest_algorithms,
                seq(oid(content_type), content),
                context(0, *certificates) if certificates else b"",
                crls,
                set_of(*signer_infos),
            ),
        ),
    )


def message(key, payload, digest="sha256", certificates=(), **signer):
    """What sign-file makes of payload with key, unless a keyword says otherwise."""
    info = signer_info(key, payload, digest, **signer)
    return signed_data([info], digests=[digest], certificates=certificates)


def attribute(dotted, *values):
    return seq(oid(dotted), set_of(*values))
