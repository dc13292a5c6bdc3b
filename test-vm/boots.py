# SPDX-License-Identifier: GPL-2.0-or-later
"""One kernel in one set-up, and the report of it.

A report is a dictionary: kernel, setup, release, secure_boot, lockdown, sig_enforce, the
seconds that all of it took, starts, a list of the seconds that QEMU took for each start of
the machine, and cases, a list of what finding() makes.
"""

import os
import re
import time

import cases
import firmware
import machine
import pipeline
from machine import Failure

BUILD = os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", os.environ.get("BUILD", "build"))
)
PROGRAMS = ("modseald", "modseal", "modseal-sign-file")

# The kernel's lines on modules and signatures, among whatever else it has to say.
ABOUT_MODULES = re.compile(
    r"module|sign|key|PKCS|X\.509|x509|asym|hash|lockdown|ELF|decompress", re.I
)


def program(name):
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        raise Failure("%s is missing: run make vm" % path)
    return path


def judge_program():
    """The guest's init."""
    return program("test-vm/judge")


def finding(name, what, expected, got, said):
    return {
        "name": name,
        "what": what,
        "expected": expected,
        "kernel": got,
        "agrees": expected == got,
        "odd": False,
        "said": said,
    }


def verdict(case, name, setup, record):
    """The finding on a case, from what judge said about its module."""
    log = [line for line in record["log"] if ABOUT_MODULES.search(line)]
    said = [record["device"]] if "device" in record else log
    want, got = cases.expected(case, name, setup), cases.outcome(record)
    return dict(finding(case.name, case.what, want, got, said), odd=case.expected is None)


class Boots:
    """A kernel in a set-up, the cases for it, the plan that they are from, and a folder."""

    def __init__(self, name, setup, kernel, asked, plan, folder):
        self.name = name
        self.setup = setup
        self.kernel = kernel
        self.asked = asked
        self.plan = plan
        self.folder = folder
        self.spent = []

    def report(self):
        os.makedirs(self.folder)
        began = time.monotonic()
        how = {"firmware": self._firmware, "tpm": self._pipeline}
        booted, found = how.get(self.setup, self._modules)()
        return {
            "kernel": self.name,
            "setup": self.setup,
            "release": booted["boot"],
            "secure_boot": booted["secure_boot"],
            "lockdown": re.search(r"\[(.*)\]", booted["lockdown"])[1],
            "sig_enforce": booted["sig_enforce"],
            "seconds": round(time.monotonic() - began, 1),
            "starts": self.spent,
            "cases": found,
        }

    def _files(self):
        """The modules by the names that they have in the guest."""
        return {"%03d-%s%s" % (i, c.name, c.suffix): c for i, c in enumerate(self.asked)}

    def _archive(self):
        modules = {name: case.module for name, case in self._files().items()}
        return machine.initramfs(judge_program(), modules)

    def _variables(self):
        return self.plan.variables(cases.SETUPS[self.setup].secure_boot, self.asked)

    def _verdicts(self, records):
        judged = {record["file"]: record for record in records if "file" in record}
        return [
            verdict(case, self.name, self.setup, judged[file])
            for file, case in self._files().items()
        ]

    def _modules(self):
        append = cases.SETUPS[self.setup].append
        records = machine.boot(
            self.kernel, self._archive(), self.folder, self._variables(), append, self.spent
        )
        return records[0], self._verdicts(records)

    def _firmware(self):
        initramfs = os.path.join(self.folder, "initramfs")
        with open(initramfs, "wb") as file:
            file.write(self._archive())
        bench, variables = self.plan.bench, self._variables()
        said, found = None, []
        for name, path, good, what in firmware.images(
            bench, self.kernel, initramfs, self.folder
        ):
            place = os.path.join(self.folder, name)
            records = firmware.start(path, variables, place, self.spent)
            said = said or records
            want, got = ("starts" if it else "refused" for it in (good, bool(records)))
            heard = [] if records else ["firmware: " + firmware.REFUSED]
            found.append(finding(name, what, want, got, heard))
        if not said:
            raise Failure("the firmware started no kernel image")
        return said[0], found + self._verdicts(said)

    def _pipeline(self):
        by_name = {case.name: case for case in self.asked}
        driver = by_name.get("driver-unsigned")
        guest = pipeline.Guest(
            self.kernel, judge_program(), [program(name) for name in PROGRAMS], self.folder
        )
        self.spent = guest.spent
        booted, found = pipeline.run_all(
            guest,
            self.plan.enrolling,
            by_name["unsigned"].module,
            driver and driver.module,
            cases.expected(by_name["unsigned"], self.name, self.setup),
        )
        return booted, [finding(*one) for one in found]
