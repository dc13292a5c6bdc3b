# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent below load: signatures a second, how long one takes, its memory."""

import json
import os
import re
import socket
import subprocess
import threading
import time

from common import BUILD, Agent, Failure, run, say, speed

LOAD = os.path.join(BUILD, "tests", "tools", "load")
CLIENTS = 64
MODULE = """
#define INFO(tag, text) __attribute__((section(".modinfo"), used)) \\
	static const char tag[] = text
INFO(a, "license=GPL");
INFO(b, "name=bench");
INFO(c, "vermagic=6.1.0-1-amd64 SMP preempt mod_unload modversions ");
__attribute__((section(".gnu.linkonce.this_module"), used))
static char this_module[64] = "bench";
int init_module(void);
int init_module(void) { return 0; }
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    """An agent that is reached through its socket and over TLS, and load on it."""

    def __init__(self, folder):
        self.agent = Agent(folder)
        self.folder = folder
        self.module = os.path.join(folder, "bench.ko")
        source = os.path.join(folder, "bench.c")
        with open(source, "w") as file:
            file.write(MODULE)
        compiler = os.environ.get("CC") or "cc"
        run([compiler, "-c", "-O1", "-ffreestanding", "-fno-pic", "-o", self.module, source])
        self.certificates()
        self.port = free_port()
        self.configure()

    def path(self, name):
        return os.path.join(self.folder, name)

    def certificates(self):
        """A CA, the server's certificate and a client's."""
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"]
        begin = ["openssl", "req", "-x509", *ec, "-days", "3"]
        for name, subject, uses in (
            ("ca", "/CN=bench CA", ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]),
            ("server", "/CN=localhost", ["-addext", "subjectAltName=DNS:localhost"]),
            ("client", "/CN=bench", ["-addext", "extendedKeyUsage=clientAuth"]),
        ):
            files = ["-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem")]
            signer = []
            if name != "ca":
                signer = ["-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key")]
                uses += ["-addext", "basicConstraints=critical,CA:FALSE"]
            run(begin + ["-subj", subject] + uses + signer + files)

    def configure(self):
        config = self.path("modseald.conf")
        run([self.agent.script, "agent-stop", self.folder], self.agent.env)
        with open(config) as file:
            text = file.read()
        text = re.sub(r"(?m)^who = (.*)$", r"who = \1 cert:CN=bench\ncontent = digest", text)
        text += "\n[tls]\nlisten = 127.0.0.1:%d\n" % self.port
        for name, value in (("cert", "server.pem"), ("key", "server.key"), ("ca", "ca.pem")):
            text += "%s = %s\n" % (name, self.path(value))
        with open(config, "w") as file:
            file.write(text)
        run([self.agent.script, "agent-start", self.folder], self.agent.env)

    def load(self, way, key, *options):
        """One run of the load generator."""
        where = ["-u", self.path("agent.sock")]
        if way == "tls":
            where = ["-t", str(self.port), "-a", self.path("ca.pem")]
            where += ["-c", self.path("client.pem"), "-k", self.path("client.key")]
        command = [LOAD, *where, "-K", key, *map(str, options)]
        done = subprocess.run(command, capture_output=True, check=False)
        told = json.loads(done.stdout) if done.returncode == 0 else {"refused": 1}
        if told["refused"]:
            raise Failure("load: " + done.stderr.decode(errors="replace")[:500].strip())
        return told

    def metric(self, name):
        said = run(
            ["curl", "-sS", "--unix-socket", self.path("agent.sock"), "http://m/metrics"]
        )
        row = re.search(r"(?m)^%s ([\d.e+]+)$" % re.escape(name), said)
        if not row:
            raise Failure("there is no %s in /metrics" % name)
        return float(row[1])


def fsyncs(folder):
    """Times in a second that a page more of a file gets onto the disk."""
    path = os.path.join(folder, "fsync")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        began, n = time.monotonic(), 0
        while time.monotonic() < began + 1:
            os.write(fd, b"x" * 4096)
            os.fdatasync(fd)
            n += 1
        return n / (time.monotonic() - began)
    finally:
        os.close(fd)
        os.unlink(path)


def one_round(service, report):
    common = ("-m", service.module, "-n", CLIENTS, "-s", 4)
    for key in ("rsa4096", "rsa2048"):
        report.sample("openssl %s/s" % key, speed(key, 1))
        for way in ("socket", "tls"):
            told = service.load(way, key, *common)
            report.sample("service %s/s, %s" % (key, way), told["rate"])
    report.sample("openssl ecdsap256/s", speed("ecdsap256", 1))
    before = [service.metric(m) for m in COMMITS]
    told = service.load("socket", "p256", "-b", 10000, "-n", 2, "-s", 4)
    spent, commits, records = (service.metric(m) - b for m, b in zip(COMMITS, before))
    report.sample("sign-digests p256/s", told["rate"])
    report.sample("fsync/s of this disk", fsyncs(service.folder))
    report.sample("records/commit, p256", records / commits)
    report.sample("commits, share of time, p256", spent / told["seconds"])


COMMITS = (
    "modseal_audit_commit_duration_seconds_sum",
    "modseal_audit_commit_duration_seconds_count",
    "modseal_log_entries",
)


def half_load(service, report):
    """Requests come by chance (Poisson), half as many as the agent can do."""
    for key in ("rsa4096", "rsa2048"):
        for way in ("socket", "tls"):
            say("service, %s at half of the full load, %s" % (key, way))
            half = report.median("service %s/s, %s" % (key, way)) / 2
            common = ("-m", service.module, "-n", CLIENTS)
            told = service.load(way, key, *common, "-s", 6, "-R", half)
            report.sample("half %s median ms, %s" % (key, way), told["median_ms"])
            report.sample("half %s p99 ms, %s" % (key, way), told["p99_ms"])
            name = "service %s, %s, p99 to median" % (key, way)
            report.figure(name, told["p99_ms"] / told["median_ms"], "")


def bench_service(report, work, rounds):
    service = Service(os.path.join(work, "service"))
    try:
        for key in ("rsa4096", "rsa2048", "p256"):
            service.agent.key(key, key)
        for n in range(rounds):
            say("service, round %d of %d" % (n + 1, rounds))
            one_round(service, report)
        for key in ("rsa4096", "rsa2048"):
            for way in ("socket", "tls"):
                names = "service %s/s, %s" % (key, way), "openssl %s/s" % key
                report.ratio("service %s, %s, to the key" % (key, way), *names)
        half_load(service, report)
        report.figure("sign-digests p256, a second", report.median("sign-digests p256/s"), "")
    finally:
        service.agent.stop()


class Watch(threading.Thread):
    """Memory of the agent, again and again."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent = agent
        self.seen = []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.2):
            self.seen.append(self.agent.memory()[0])


def bench_memory(report, work):
    """Most memory in the last tenth of the signatures, to the most in the second."""
    total = int(os.environ.get("SIGNATURES") or 1000000)
    calls = max(1, total // 10 // 10000)
    service = Service(os.path.join(work, "memory"))
    most = []
    try:
        service.agent.key("p256", "p256")
        for n in range(10):
            say("memory, %d of %d signatures" % (n * calls * 10000, 10 * calls * 10000))
            watch = Watch(service.agent)
            watch.start()
            told = service.load("socket", "p256", "-b", 10000, "-r", calls)
            watch.ended.set()
            watch.join()
            most.append(max(watch.seen, default=service.agent.memory()[0]))
            report.sample("memory run, signatures/s", told["rate"])
    finally:
        service.agent.stop()
    report.sample("memory below load MiB, early", most[1])
    report.sample("memory below load MiB, late", most[-1])
    report.figure("agent, memory, late to early", most[-1] / most[1], "")
