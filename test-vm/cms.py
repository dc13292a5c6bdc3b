# SPDX-License-Identifier: GPL-2.0-or-later
"""PKCS#7/CMS SignedData (RFC 5652), part by part, so that each part can be made wrong.

The defaults make what the kernel's sign-file makes; a keyword changes one thing.
"""

from der import children, context, integer, octets, oid, seq, set_of
from x509 import digest_algorithm, issuer_and_serial, signature_algorithm

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"


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
        signature_algorithm_der or signature_algorithm(key.algorithm, digest),
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


def with_unsigned(message, attributes):
    """A message of one signer, with unsigned attributes (a whole DER value) added to it."""
    kind, content = children(message)
    *before, infos = children(children(content)[0])
    info = seq(*children(children(infos)[0]), attributes)
    return seq(kind, context(0, seq(*before, set_of(info))))
