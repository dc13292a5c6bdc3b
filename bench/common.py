# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: running programs, an agent, figures and their targets."""

import os
import re
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.realpath(os.path.join(TOP, os.environ.get("BUILD", "build")))
CORES = 2


class Failure(Exception):
    """Something could not be measured, in words."""


def run(arguments, env=None):
    """Runs a program to its end; standard output, or a Failure with its complaint."""
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, env=env, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Failure("%s failed: %s" % (" ".join(arguments[:4]), said[-500:]))
    return done.stdout.decode(errors="replace")


def timed(arguments, env=None):
    """Wall time of a program, in seconds."""
    began = time.monotonic()
    run(arguments, env)
    return time.monotonic() - began


def shell(script, *arguments):
    return ["sh", "-c", script, "sh", *arguments]


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def sign_file():
    for pattern in (
        "/usr/lib/linux-kbuild-*/scripts/sign-file",
        "/usr/src/linux-headers-*/scripts/sign-file",
    ):
        found = run(shell("ls -d %s 2>/dev/null || true" % pattern)).split()
        if found:
            return found[-1]
    raise Failure("the kernel's sign-file is missing: run scripts/install-deps")


class Agent:
    """An agent of our own with a TPM of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.script = os.path.join(TOP, "scripts", "dev-agent")
        self.env = dict(os.environ, BUILD=BUILD)
        run([self.script, "start", folder, "--no-key"], self.env)
        self.env["MODSEAL_AGENT"] = "unix:%s/agent.sock" % folder

    def key(self, name, algorithm):
        """A sealed key; the path of its certificate."""
        modseal = os.path.join(BUILD, "modseal")
        run([modseal, "key", "create", name, "--alg", algorithm], self.env)
        pem = os.path.join(self.folder, name + ".pem")
        with open(pem, "w") as file:
            file.write(run([modseal, "key", "cert", name], self.env))
        return pem

    def memory(self):
        """PSS of all its processes, in MiB, and how many they are."""
        with open(os.path.join(self.folder, "modseald.pid")) as file:
            session = file.read().split()[0]
        pids = run(["ps", "-s", session, "-o", "pid="]).split()
        total = 0
        for pid in pids:
            try:
                with open("/proc/%s/smaps_rollup" % pid) as file:
                    total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M)[1])
            except (FileNotFoundError, ProcessLookupError):
                pass  # has ended meanwhile
        return total / 1024, len(pids)

    def stop(self):
        run([self.script, "stop", self.folder], self.env)


def openssl_key(work, algorithm):
    """A key for sign-file: private key and certificate, as the kernel's build has it."""
    key, cert = (os.path.join(work, algorithm + end) for end in (".key", ".der"))
    run(
        ["openssl", "req", "-new", "-x509", "-newkey", algorithm.replace("rsa", "rsa:")]
        + ["-noenc", "-sha256", "-days", "3", "-subj", "/CN=bench", "-keyout", key]
        + ["-outform", "DER", "-out", cert]
    )
    return key, cert


def speed(algorithm, seconds=2):
    """Signatures in a second on all cores together, says openssl."""
    command = ["openssl", "speed", "-seconds", str(seconds), "-multi", str(CORES), algorithm]
    said = run(command)
    row = re.search(r"(?m)^ *(?:rsa\s*)?\d+ bits\s.*?([\d.]+)\s+[\d.]+$", said)
    if not row:
        raise Failure("openssl speed says something unknown: " + said[-200:])
    return float(row[1])


class Report:
    """Figures with their targets, and what they come from."""

    def __init__(self):
        self.figures = []
        self.samples = {}

    def sample(self, name, value):
        self.samples.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.samples[name])

    def ratio(self, name, above, below):
        """The median of the ratios within each round: noise hits both alike."""
        pairs = zip(self.samples[above], self.samples[below])
        return self.figure(name, statistics.median(a / b for a, b in pairs), "")

    def figure(self, name, value, unit):
        least = name in AT_LEAST
        target = AT_LEAST[name] if least else TARGETS[name]
        self.figures.append(
            {
                "name": name,
                "value": round(value, 3),
                "unit": unit,
                "target": target,
                "at_least": least,
                "met": value >= target if least else value <= target,
            }
        )


# No figure may be above its target.
TARGETS = {
    "sign rsa4096, to the floor": 1.35,
    "sign rsa2048, to the floor": 1.35,
    "sign rsa4096, to sign-file": 0.55,
    "sign rsa2048, to sign-file": 0.2,
    "install rsa4096, hook, to sign-file": 0.55,
    "install rsa2048, hook, to sign-file": 0.35,
    "install rsa4096, batch, to sign-file": 0.45,
    "install rsa2048, batch, to sign-file": 0.15,
    "hook, CPU per module": 1.5,
    "verify, to sha512sum": 0.6,
    "verify .ko.xz, to xz -dc": 1.0,
    "verify --cache, again": 0.1,
    "verify, peak memory": 200,
    "agent, idle after start": 24,
    "agent, idle after work": 24,
    "log, append small to large": 1.2,
    "log, proof, 99 of 100": 5,
    "keys, leaf, what a slow TPM adds": 2,
    "keys, leaf to resident": 0.01,
    "service rsa4096, socket, p99 to median": 5,
    "service rsa4096, tls, p99 to median": 5,
    "service rsa2048, socket, p99 to median": 5,
    "service rsa2048, tls, p99 to median": 5,
    "agent, memory, late to early": 1.1,
}

# And none of these below: rates of the service, to what openssl speed says of the key.
AT_LEAST = {
    "service rsa4096, socket, to the key": 0.85,
    "service rsa4096, tls, to the key": 0.85,
    "service rsa2048, socket, to the key": 0.5,
    "service rsa2048, tls, to the key": 0.5,
    "sign-digests p256, a second": 10000,
}
