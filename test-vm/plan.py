# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run asks: the keys for it, and the cases for each kernel and set-up."""

import cases
import mkvars
import odd
import proof
from drivers import Driver
from kernels import fetch, plain_module, release, sign_file
from signers import SignFile


class Plan:
    """What a run asks: the keys for it, and the cases for each kernel and set-up."""

    def __init__(self, folder, agent=None, with_odd=False):
        self.bench = cases.Bench(folder)
        self.enrolled = self.bench.enrolled()
        self.proof = self.odd = None
        if agent:
            self.proof = proof.Proof(self.bench, agent, SignFile(sign_file(), folder))
            self.enrolled += self.proof.enrolled()
        if with_odd:
            self.odd = odd.Odd(folder, self.bench)
            self.enrolled += self.odd.enrolled()

    def cases(self, name, kernel, folder):
        """The cases for each set-up: {set-up: list}."""
        module = plain_module(kernel)
        asked = []
        if self.proof:
            asked = self.proof.cases(module, release(kernel), our_driver(name, folder))
        everywhere = {setup: asked for setup in cases.SETUPS}
        if self.odd:
            more = self.odd.cases(module)
            everywhere.update({setup: asked + more for setup in odd.SETUPS})
        return everywhere

    def enrolling(self, more):
        """The firmware's variables with more certificates in db, and Secure Boot on."""
        return mkvars.enrolled(self.bench.owner.certificate, self.enrolled, more=more)

    def variables(self, secure_boot, asked):
        """The firmware's variables for a boot that asks these cases."""
        dbx = b""
        if self.odd:
            dbx = self.odd.revoked.dbx(case.module for case in asked if case.revoked)
        owner = self.bench.owner.certificate
        return mkvars.enrolled(owner, self.enrolled, dbx, secure_boot)


def our_driver(name, folder):
    """Our driver for a kernel."""
    return Driver(fetch("headers-" + name), folder)
