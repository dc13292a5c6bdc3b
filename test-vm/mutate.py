# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules as bytes: taking signatures off, putting them on, damaging both."""

import gzip
import lzma
import struct

MARKER = b"~Module signature appended~\n"
TRAILER_LEN = 12
ID_PKCS7 = 2


def read_module(path):
    """The bytes of a module, decompressed."""
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".gz"):
        return gzip.decompress(data)
    return data


def split(module):
    """(payload, message) of a signed module; (module, b"") of one that is not."""
    if not module.endswith(MARKER):
        return module, b""
    end = len(module) - len(MARKER) - TRAILER_LEN
    (length,) = struct.unpack_from(">I", module, end + 8)
    return module[: end - length], module[end - length : end]


def join(payload, message, id_type=ID_PKCS7, pad=bytes(3), length=None, marker=MARKER):
    """The signed module of a payload and a PKCS#7 message; keywords make it malformed."""
    size = len(message) if length is None else length
    head = bytes([0, 0, id_type, 0, 0]) + pad
    return payload + message + head + struct.pack(">I", size) + marker


def flip(data, at):
    """The same bytes with one bit changed; a negative position counts from the end."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
