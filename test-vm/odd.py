# SPDX-License-Identifier: GPL-2.0-or-later
"""The odd modules: nobody expects anything of them but what kernels were seen to do.

That is written down in tests/data/kernel-verdicts.tsv, which `make vm-record` makes. The
names of the cases are the key; the seed makes the random ones the same every time.
"""

import os
import random

import cms
import mutate
import odd_chains
import odd_files
import odd_messages

SEED = 1

# What the other set-ups do follows from these two.
SETUPS = ("open", "secure-boot")


# How the verifier is told, by prefix, what the set-up of the kernels does otherwise: who
# decompresses a module.
UNPACKER = {"xz-": "kernel", "zst-": "kernel", "gz-": "kernel", "plain-": "none"}

# Of what is in the kernel's own module, and not in the signature: the verifier has to be
# asked about each kernel's module, and about that very kernel.
OF_THE_KERNEL = ("elf-machine-", "elf-vermagic")


def unpacker(name):
    """What --decompress is for a case."""
    return next((who for prefix, who in UNPACKER.items() if name.startswith(prefix)), "auto")


class Kit:
    """What a case is made of: a module, an enrolled key, one that is not, and chance."""

    def __init__(self, bench, chains, module, seed):
        self.bench = bench
        self.chains = chains
        self.module = module
        self.key = bench.direct["rsa2048"]
        self.unknown = bench.unknown
        self.message = cms.message(self.key, module)
        self.random = random.Random(seed)

    def info(self, key=None, **changes):
        return cms.signer_info(key or self.key, self.module, **changes)

    def sign(self, payload):
        return mutate.join(payload, cms.message(self.key, payload))


class Odd:
    """The keys of the odd cases, and the cases."""

    def __init__(self, folder, bench):
        self.bench = bench
        self.folder = os.path.join(folder, "odd")
        os.mkdir(self.folder)
        self.chains = odd_chains.Chains(self.folder, bench)
        self.revoked = odd_chains.Revoked(self.folder, bench)

    def enrolled(self):
        return self.chains.enrolled() + self.revoked.enrolled()

    def cases(self, module, seed=SEED):
        kit = Kit(self.bench, self.chains, module, seed)
        groups = [
            odd_files.trailers(kit),
            odd_files.encodings(kit),
            odd_messages.structures(kit),
            odd_messages.signers(kit),
            odd_messages.attributes(kit),
            odd_messages.digests(kit),
            odd_messages.signatures(kit),
            odd_chains.chains(kit),
            odd_chains.certificates(kit),
            odd_chains.wrong_signatures(kit),
            self.revoked.cases(kit),
            odd_files.elves(kit),
            odd_files.compressed(kit),
        ]
        return [case for group in groups for case in group]
