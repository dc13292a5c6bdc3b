# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd modules: what is wrong is around the message: trailer, DER, ELF, compression."""

import gzip
import lzma
import struct
import subprocess

import cms
import mutate
from cases import Case
from der import tlv
from machine import Failure


def trailers(kit):
    """The last 40 bytes: everything that mod_check_sig() looks at, and its marker."""
    payload, message = kit.module, kit.message
    good = mutate.join(payload, message)
    size = len(message)

    def case(name, module, what):
        return Case("trailer-" + name, module, None, what)

    def changed(name, what, **fields):
        return case(name, mutate.join(payload, message, **fields), what)

    yield case("good", good, "nothing is wrong with it")
    yield changed("marker-case", "a letter of the marker differs", marker=b"~module"
                  + mutate.MARKER[7:])
    yield changed("marker-no-newline", "the marker without its newline",
                  marker=mutate.MARKER[:-1])
    yield case("newline-after", good + b"\n", "a newline after the marker")
    yield case("zero-after", good + b"\0", "a zero byte after the marker")
    yield case("page-after", good + bytes(4096), "4,096 zeros after the marker")
    yield case("marker-twice", good + mutate.MARKER, "the marker twice")
    yield case("crlf", good[:-1] + b"\r\n", "the marker ends as DOS lines do")
    yield changed("length-0", "a signature of no bytes", length=0)
    yield changed("length-1-less", "length one less than the message", length=size - 1)
    yield changed("length-1-more", "length one more than the message", length=size + 1)
    yield changed("length-all", "length takes in the whole file",
                  length=len(payload) + size)
    yield changed("length-file", "length is as large as the file", length=len(good))
    yield changed("length-beyond", "length is larger than the file", length=len(good) * 2)
    yield changed("length-max", "length is the largest number", length=0xFFFFFFFF)
    yield changed("length-sign", "length has its highest bit set",
                  length=0x80000000 | size)
    yield changed("length-little-endian", "length in the other byte order",
                  length=struct.unpack("<I", struct.pack(">I", size))[0])
    for value in 0, 1, 3, 4, 127, 255:
        yield changed("id-type-%d" % value, "id_type is %d" % value, id_type=value)
    fields = {"algorithm": 0, "hash": 1, "signer-len": 3, "key-id-len": 4}
    fields.update({"pad-%d" % i: 5 + i for i in range(3)})
    for name, at in fields.items():
        for value in 1, 255:
            raw = bytearray(good)
            raw[len(good) - len(mutate.MARKER) - mutate.TRAILER_LEN + at] = value
            yield case("%s-%d" % (name, value), bytes(raw), "%s is %d" % (name, value))
    end = good[len(payload) + size :]
    yield case("only-marker", mutate.MARKER, "a file with nothing but a marker")
    yield case("only-trailer", end, "a file with nothing but a trailer")
    yield case("no-struct", payload + mutate.MARKER, "a marker without a trailer")
    yield case("short-struct", end[1:], "a trailer that lacks its first byte")
    yield case("no-payload", mutate.join(b"", cms.message(kit.key, b"")),
               "a signature of nothing")
    yield case("message-twice", mutate.join(good, message),
               "the same message appended to the signed module")
    yield case("signed-twice", mutate.join(good, cms.message(kit.key, good)),
               "signed again over the first signature")
    rogue = mutate.join(payload, cms.message(kit.unknown, payload))
    yield case("inner-rogue", mutate.join(rogue, cms.message(kit.key, rogue)),
               "a foreign signature inside a good one")
    yield case("outer-rogue", mutate.join(good, cms.message(kit.unknown, good)),
               "a good signature inside a foreign one")
    yield case("gap", payload + bytes(8) + good[len(payload):],
               "zeros between payload and message")


def encodings(kit):
    """The message as DER: cut, padded, and encoded in ways that are not DER."""
    payload, message = kit.module, kit.message
    size = len(message)

    def case(name, changed, what):
        return Case("der-" + name, mutate.join(payload, changed), None, what)

    cuts = sorted(kit.random.sample(range(4, size - 1), 8))
    for i, at in enumerate([1, 2] + cuts + [size - 1]):
        yield case("cut-%d" % i, message[:at], "cut after %d of its bytes" % at)
    for i in range(4):
        noise = kit.random.randbytes(size)
        yield case("random-%d" % i, noise, "random bytes for a message")
    for i in range(24):
        # The signature's own bytes, at the end, have cases of their own.
        at = kit.random.randrange(size - 260)
        bit = 1 << kit.random.randrange(8)
        changed = bytearray(message)
        changed[at] ^= bit
        yield case("flip-%02d" % i, bytes(changed), "byte %d of %d: %#x" % (at, size, bit))
    yield case("zeros", bytes(size), "zeros for a message")
    yield case("zeros-after-1", message + bytes(1), "a zero after the message")
    yield case("zeros-after-4", message + bytes(4), "four zeros after the message")
    yield case("zeros-after-4096", message + bytes(4096), "4,096 zeros after it")
    yield case("ones-after-4", message + b"\xff" * 4, "four 0xff after the message")
    yield case("message-after", message + message, "the message twice")
    yield case("null-after", message + b"\5\0", "a NULL after the message")
    body = message[4:]
    yield case("indefinite", b"\x30\x80" + body + b"\0\0", "indefinite length, BER")
    yield case("long-length", b"\x30\x83\0" + message[2:], "a length with a leading zero")
    yield case("longer-length", b"\x30\x84\0\0" + message[2:], "a length of four bytes")
    yield case("length-5", b"\x30\x85\0\0\0" + message[2:], "a length of five bytes")
    yield case("short-by-1", tlv(0x30, body[:-1]), "the outermost value one byte shorter")
    yield case("length-too-long", b"\x30\x82" + struct.pack(">H", size) + body,
               "the outermost length beyond the end")
    yield case("set-for-seq", b"\x31" + message[1:], "a SET where a SEQUENCE belongs")
    yield case("empty-seq", tlv(0x30, b""), "an empty SEQUENCE")
    yield case("null", b"\5\0", "a NULL")
    yield case("wrapped", tlv(0x30, message), "in one SEQUENCE more")
    yield case("octets", tlv(0x04, message), "in an OCTET STRING")
    deep = b""
    for _ in range(60):
        deep = tlv(0x30, deep)
    yield case("deep", deep, "sixty SEQUENCEs in each other")
    yield case("pem", b"-----BEGIN PKCS7-----\n" + message, "a PEM heading before it")


def elves(kit):
    """What is signed is not a module for this machine; the signature is good."""

    def case(name, payload, what):
        return Case("elf-" + name, kit.sign(payload), None, what)

    def patched(at, value):
        return kit.module[:at] + value + kit.module[at + len(value) :]

    yield case("class-32", patched(4, b"\1"), "the header says 32 bits")
    yield case("big-endian", patched(5, b"\2"), "the header says big-endian")
    yield case("executable", patched(16, b"\2\0"), "the header says executable")
    yield case("machine-arm64", patched(18, b"\xb7\0"), "the header says arm64")
    yield case("no-sections", patched(60, b"\0\0"), "the header has no sections")
    yield case("cut", kit.module[: len(kit.module) // 2], "half of the file")
    yield case("header", kit.module[:64], "its header alone")
    yield case("text", b"not a module\n", "a line of text")
    yield case("zeros", bytes(8192), "zeros")
    vermagic = kit.module.index(b"vermagic=") + len(b"vermagic=")
    yield case("vermagic", patched(vermagic, b"9"), "built for another kernel")
    yield case("longer", kit.module + bytes(100), "zeros after its end, signed too")
    yield Case("elf-empty", b"", None, "an empty file")
    yield Case("elf-byte", b"\x7f", None, "a file of one byte")


def zstd(data):
    try:
        done = subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure("zstd failed: %s: run scripts/install-deps" % error) from None
    return done.stdout


def xz(data, check=lzma.CHECK_CRC32):
    return lzma.compress(data, lzma.FORMAT_XZ, check)


def compressed(kit):
    """Given to the kernel with MODULE_INIT_COMPRESSED_FILE, unless the name says plain."""
    good = mutate.join(kit.module, kit.message)

    def case(name, module, what, suffix):
        return Case("%s-%s" % (suffix[1:], name), module, None, what, {}, ".ko" + suffix)

    for suffix, pack in (".xz", xz), (".zst", zstd), (".gz", gzip.compress):
        whole = pack(good)
        yield case("good", whole, "signed, then compressed", suffix)
        yield case("unsigned", pack(kit.module), "compressed, not signed", suffix)
        yield case("cut", whole[: len(whole) // 2], "cut in the middle", suffix)
        yield case("flip", mutate.flip(whole, len(whole) // 2), "one bit changed", suffix)
        yield case("after", whole + b"garbage", "garbage after the end", suffix)
        yield case("streams", pack(good[:100]) + pack(good[100:]), "two streams", suffix)
        yield case("outside", kit.sign(pack(kit.module)), "signed outside", suffix)
        yield case("large", pack(bytes(16 << 20)), "16 MiB of zeros", suffix)
        yield case("empty", pack(b""), "of an empty file", suffix)
        yield case("plain", good, "a plain module where a compressed one is said", suffix)
        yield Case("plain-" + suffix[1:], whole, None, "compressed, and nobody says so")
    yield case("crc64", xz(good, lzma.CHECK_CRC64), "a check that kernels don't know", ".xz")
    yield case("no-check", xz(good, lzma.CHECK_NONE), "without a check", ".xz")
    yield case("sha256", xz(good, lzma.CHECK_SHA256), "SHA-256 for a check", ".xz")
