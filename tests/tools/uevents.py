#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that loads modules for `modseal-verify watch`.

    uevents.py COMMAND...

Runs the command with `--uevents FD` at its end and does what its own input says, line by
line: "add NAME", "remove NAME", "raw HEX", "close". At the end of the input it ends the
command with SIGTERM; its exit status is the command's.
"""
import signal
import socket
import subprocess
import sys

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
child = subprocess.Popen(
    sys.argv[1:] + ["--uevents", str(theirs.fileno())],
    pass_fds=[theirs.fileno()],
    stdin=subprocess.DEVNULL,
)
theirs.close()
number = 1000
for line in iter(sys.stdin.readline, ""):
    what, _, name = line.strip().partition(" ")
    if what == "close":
        ours.close()
        sys.exit(child.wait())
    if what == "raw":
        ours.send(bytes.fromhex(name))
        continue
    number += 1
    ours.send(
        (
            f"{what}@/module/{name}\0ACTION={what}\0DEVPATH=/module/{name}\0"
            f"SUBSYSTEM=module\0SEQNUM={number}\0"
        ).encode()
    )
child.send_signal(signal.SIGTERM)
sys.exit(child.wait())
