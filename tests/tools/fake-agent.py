#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An agent that signs without a TPM, and one that lies, for tests of the clients.

    fake-agent.py SOCKET KEY.pem CERT.pem [LOG]

Speaks just enough HTTP/1.1 on a Unix socket. The key's name in the request decides how the
answer is: `good` signs with openssl cms, `denied` and the like refuse, the rest misbehaves
in the way that its function below says. LOG gets one line for each request: connection,
method, target, bytes of body.
"""
import base64
import os
import socket
import struct
import subprocess
import sys
import threading
import urllib.parse

SOCKET, KEY, CERT = sys.argv[1:4]
LOG = open(sys.argv[4], "a", buffering=1) if len(sys.argv) > 4 else None
DER = subprocess.run(["openssl", "x509", "-in", CERT, "-outform", "DER"],
                     check=True, capture_output=True).stdout
PKCS7 = "application/pkcs7-signature"


class HangUp(Exception):
    pass


def answer(status, body, kind, extra=()):
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}",
            f"Content-Length: {len(body)}", "X-Request-Id: req-1", *extra]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def problem(status, code, sentence):
    return answer(status, f"{code}\n{sentence}\n".encode(), "text/plain; charset=utf-8")


def message(body, query):
    hash_name = query.get("hash", ["sha256"])[0]
    done = subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap",
         "-outform", "DER", "-md", hash_name, "-signer", CERT, "-inkey", KEY]
        + (["-keyid"] if query.get("keyid") else []), input=body, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def good(body, query):
    der = message(body, query)
    if der is None:
        return problem(400, "bad-hash", "this hash is not allowed: use sha256")
    return answer(200, der, PKCS7)


BEHAVIOUR = {
    "good": good,
    "deaf": good,  # passes over what it is told to expect
    "denied": lambda b, q: problem(403, "denied", "no rule lets uid:0 use key denied: ask"),
    "nobody": lambda b, q: problem(404, "no-such-key", "there is no key nobody"),
    "busy": lambda b, q: problem(503, "tpm-busy", "the TPM is locked out: wait 10 minutes"),
    "nasty": lambda b, q: problem(403, "nasty", "\x1b[31mred\x07 and\nmore"),
    "json": lambda b, q: answer(403, b'{"code":"x"}', "application/problem+json"),
    "long": lambda b, q: problem(403, "long", "a" * 5000),
    "empty": lambda b, q: answer(200, b"", PKCS7),
    "junk": lambda b, q: answer(200, b"this is not DER at all", PKCS7),
    "half-der": lambda b, q: answer(200, message(b, q)[:-7], PKCS7),
    "long-der": lambda b, q: answer(200, message(b, q) + b"\0", PKCS7),
    "close": lambda b, q: b"",
    "half-head": lambda b, q: b"HTTP/1.1 200 OK\r\nContent-Le",
    "half-body": lambda b, q: answer(200, message(b, q), PKCS7)[:-20],
    "huge-length": lambda b, q: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx",
    "over-length": lambda b, q:
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nx",
    "two-lengths": lambda b, q:
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "no-length": lambda b, q: b"HTTP/1.1 200 OK\r\n\r\n0",
    "chunked": lambda b, q:
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n0\r\n\r\n",
    "interim": lambda b, q: b"HTTP/1.1 100 Continue\r\n\r\n" + good(b, q),
    "not-http": lambda b, q: b"SSH-2.0-OpenSSH_9.2\r\n",
    "big-head": lambda b, q: b"HTTP/1.1 200 OK\r\n" + b"X-Pad: " + b"x" * 70000,
    "extra": lambda b, q: good(b, q) + good(b, q),
    "close-after": lambda b, q: answer(200, message(b, q), PKCS7, ["Connection: close"]),
    "silent-close": good,  # hangs up after the answer without having said so
}


def certificate(name):
    if name == "other-cert":
        return answer(200, b"\x30\x03\x02\x01\x05", "application/pkix-cert")
    if name == "nobody":
        return BEHAVIOUR["nobody"](b"", {})
    return answer(200, DER, "application/pkix-cert")


def expectation(name, expected):
    """What an agent says that has another certificate, or None."""
    if expected and (name == "other-cert" or expected != DER):
        return problem(417, "wrong-certificate", "key %s has another certificate" % name)
    return None


def met(name, expected, reply):
    """The answer, with a word that the certificate was looked at, unless it is deaf."""
    if not expected or name == "deaf":
        return reply
    return reply.replace(b"200 X\r\n", b"200 X\r\nExpectation-Met: certificate\r\n", 1)


def serve_one(conn, stream, number):
    line = stream.readline()
    if not line:
        raise HangUp
    method, target, _ = line.decode("latin-1").split(" ", 2)
    length, expected = 0, b""
    while (field := stream.readline().strip()):
        name, _, value = field.decode("latin-1").partition(":")
        if name.lower() == "content-length":
            length = int(value)
        if name.lower() == "expect":
            expected = base64.b64decode(value.split('"')[1], validate=True)
    url = urllib.parse.urlsplit(target)
    name = url.path.split("/")[3] if url.path.startswith("/v1/keys/") else ""
    if name == "early-413":  # answers and hangs up while the client is still sending
        conn.sendall(problem(413, "too-large", "this module is too large: see the limit"))
        raise HangUp
    if name == "dies-reading":
        stream.read(min(length, 1000))
        raise HangUp
    if name == "never-reads":
        HANGING.wait(60)
        raise HangUp
    body = stream.read(length)
    if LOG:
        LOG.write(f"{number} {method} {target} {len(body)}\n")
    if url.path.endswith("/certificate"):
        conn.sendall(certificate(name))
        return
    if name == "never-answers":
        HANGING.wait(60)
        raise HangUp
    if (reply := expectation(name, expected)):
        conn.sendall(reply)
        return
    if name == "drip":
        for byte in met(name, expected, answer(200, message(body, {}), PKCS7)):
            conn.sendall(bytes([byte]))
            if HANGING.wait(0.002):
                raise HangUp
        return
    query = urllib.parse.parse_qs(url.query)
    reply = BEHAVIOUR.get(name, BEHAVIOUR["nobody"])(body, query)
    conn.sendall(met(name, expected, reply))
    if name not in ("good", "denied", "nobody", "extra"):
        raise HangUp


def serve(conn, number):
    with conn, conn.makefile("rb") as stream:
        try:
            while True:
                serve_one(conn, stream, number)
        except (HangUp, OSError, ValueError, struct.error):
            pass


HANGING = threading.Event()


def main():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET + ".new")
    listener.listen(64)
    os.rename(SOCKET + ".new", SOCKET)  # it is there once it can be connected to
    number = 0
    while True:
        conn, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(conn, number), daemon=True).start()


main()
