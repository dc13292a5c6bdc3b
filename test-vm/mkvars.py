#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes Secure Boot variables into a copy of OVMF's empty variable store.

The result is what a machine has after its owner enrolled PK, KEK and db: Secure Boot is
on from the first start, without a boot in set-up mode. The store has the format of EDK2's
MdeModulePkg/Include/Guid/VariableFormat.h (authenticated variables), the variables have
that of the UEFI specification, "Signature Database".
"""

import argparse
import os
import struct
import sys
import uuid

TEMPLATE = "/usr/share/OVMF/OVMF_VARS_4M.fd"


def guid(text):
    return uuid.UUID(text).bytes_le


GLOBAL = guid("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY_DATABASE = guid("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
SECURE_BOOT_ENABLE = guid("f0a30bc7-af08-4556-99c4-001009c93a44")
CERT_X509 = guid("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
CERT_X509_SHA256 = guid("3bd2a492-96c0-4079-b420-fcf98ef103ed")
CERT_SHA256 = guid("c1c41626-504c-4092-aca9-41f936934328")
ISCSI = guid("4b47d616-a8d6-4552-9d44-ccad2e0f4cf9")
OWNER = guid("ea64d1c6-8f5c-4d8a-9f5b-5b3d0d3f7e21")

NON_VOLATILE = 0x01
BOOT_SERVICE = 0x02
RUNTIME = 0x04
TIME_BASED_AUTH = 0x20
KEY_ATTRIBUTES = NON_VOLATILE | BOOT_SERVICE | RUNTIME | TIME_BASED_AUTH

VARIABLE_MAGIC = 0x55AA
VARIABLE_ADDED = 0x3F
NO_TIME = bytes(16)
ENROLLED = struct.pack("<HBBBBBBIhBB", 2024, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)

# The numbers of the targets of iSCSI.
ATTEMPTS = bytes(range(1, 9))

# Where the store's two headers are: the firmware volume's, and the variable store's.
VOLUME_MAGIC_AT = 0x28
VOLUME_HEADER_LEN_AT = 0x30
VOLUME_HEADER_LEN = 0x48
STORE_SIZE_AT = VOLUME_HEADER_LEN + 16
STORE_HEADER_LEN = 28


def signature_list(kind, entries):
    """One EFI_SIGNATURE_LIST; its entries have all the same size."""
    if not entries:
        return b""
    size = len(OWNER) + len(entries[0])
    head = kind + struct.pack("<III", 28 + size * len(entries), 0, size)
    return head + b"".join(OWNER + entry for entry in entries)


def certificates(ders):
    return b"".join(signature_list(CERT_X509, [der]) for der in ders)


def revocations(ders, hashes, tbs_hashes, tbs_only):
    """dbx: certificates, hashes of files, and hashes of the certificates' TBS part.

    The specification has a time of revocation after a TBS hash (48 bytes in all); Linux
    heeds only an entry without one (32 bytes), which is why there are both.
    """
    return (
        certificates(ders)
        + signature_list(CERT_SHA256, hashes)
        + signature_list(CERT_X509_SHA256, [tbs + NO_TIME for tbs in tbs_hashes])
        + signature_list(CERT_X509_SHA256, tbs_only)
    )


def variable(name, vendor, attributes, time, data):
    """One variable with its header, padded to four bytes; nothing if it has no data."""
    if not data:
        return b""
    name = name.encode("utf-16-le") + b"\0\0"
    head = struct.pack("<HBBIQ", VARIABLE_MAGIC, VARIABLE_ADDED, 0, attributes, 0)
    sizes = struct.pack("<III", 0, len(name), len(data))
    whole = head + time + sizes + vendor + name + data
    return whole + b"\xff" * (-len(whole) % 4)


def key_variable(name, vendor, data):
    return variable(name, vendor, KEY_ATTRIBUTES, ENROLLED, data)


def fill_store(store, variables):
    """Puts variables into an empty store: bytes in, bytes out."""
    if (
        store[VOLUME_MAGIC_AT : VOLUME_MAGIC_AT + 4] != b"_FVH"
        or struct.unpack_from("<H", store, VOLUME_HEADER_LEN_AT)[0] != VOLUME_HEADER_LEN
    ):
        raise ValueError("not a firmware volume with a variable store")
    (size,) = struct.unpack_from("<I", store, STORE_SIZE_AT)
    start = VOLUME_HEADER_LEN + STORE_HEADER_LEN
    room = VOLUME_HEADER_LEN + size - start
    if len(variables) > room:
        raise ValueError("%d bytes of variables, room for %d" % (len(variables), room))
    filled = variables + b"\xff" * (room - len(variables))
    return store[:start] + filled + store[start + room :]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def enrolled(owner, trusted, dbx=b"", enforce=True, template=TEMPLATE, more=()):
    """A store in which owner (a DER file) is PK and KEK, and trusted (DER files) and more
    (the same as bytes) are in db."""
    ours = certificates([read(owner)])
    db = certificates([read(path) for path in trusted] + list(more))
    variables = (
        key_variable("PK", GLOBAL, ours)
        + key_variable("KEK", GLOBAL, ours)
        + key_variable("db", SECURITY_DATABASE, db)
        + key_variable("dbx", SECURITY_DATABASE, dbx)
        + variable(
            "SecureBootEnable",
            SECURE_BOOT_ENABLE,
            NON_VOLATILE | BOOT_SERVICE,
            NO_TIME,
            b"\1" if enforce else b"\0",
        )
        # Else the firmware makes a kilobyte for each of eight targets of iSCSI that it may
        # be told to boot from, and flash is slow.
        + variable(
            "InitialAttemptOrder", ISCSI, NON_VOLATILE | BOOT_SERVICE, NO_TIME, ATTEMPTS
        )
    )
    return fill_store(read(template), variables)


def sha256(text):
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError("not a SHA-256 digest: " + text)
    return digest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="the store to write")
    parser.add_argument("--template", default=TEMPLATE, help="an empty one (%(default)s)")
    parser.add_argument("--owner", metavar="DER", required=True, help="for PK and KEK")
    parser.add_argument("--db", metavar="DER", action="append", default=[])
    parser.add_argument("--dbx", metavar="DER", action="append", default=[])
    for kind in "hash", "tbs", "tbs-only":
        parser.add_argument(
            "--dbx-" + kind, metavar="SHA256", type=sha256, action="append", default=[]
        )
    parser.add_argument("--off", action="store_true", help="enrolled, not enforced")
    args = parser.parse_args()

    dbx = revocations(
        [read(path) for path in args.dbx], args.dbx_hash, args.dbx_tbs, args.dbx_tbs_only
    )
    store = enrolled(args.owner, args.db, dbx, not args.off, args.template)
    with open(args.out, "wb") as file:
        file.write(store)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit("%s: %s" % (os.path.basename(sys.argv[0]), error))
