# SPDX-License-Identifier: GPL-2.0-or-later
"""What modseal-verify says that kernels do."""

import json
import os
import subprocess

from machine import Failure

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(TOP, os.environ.get("BUILD", "build"), "modseal-verify")

# How the verifier is told of a set-up. Secure Boot is lockdown alone for 5.10.
MODES = {"open": "--permissive", "secure-boot": "--enforce"}
MODES_BUT = {("5.10", "secure-boot"): "--lockdown"}
VERSIONS = {"7": "7.3"}

def ask(kernel, setup, modules, anchors, *options):
    """The verifier's words for a kernel (ours, or a release) and set-up: {case: word}."""
    if not os.path.exists(PROGRAM):
        raise Failure("%s is missing: run make" % PROGRAM)
    name = VERSIONS.get(kernel, kernel)
    done = subprocess.run(
        [PROGRAM, "verify", "--as-kernel", name, mode(kernel, setup), *options]
        + ["--json", "--all", "--anchor", anchors, modules],
        capture_output=True,
        timeout=120,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode(errors="replace").strip()
        raise Failure("modseal-verify does not answer: %s" % said) from None
    return {
        os.path.basename(module["path"]).partition(".ko")[0]: word(module["kernel"])
        for module in report["modules"]
    }


def mode(kernel, setup):
    return next(
        (word for (name, where), word in MODES_BUT.items()
         if where == setup and kernel.startswith(name + ".") or (name, where) == (kernel, setup)),
        MODES[setup],
    )


def word(kernel):
    return kernel["errno"] or kernel["verdict"]
