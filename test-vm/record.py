# SPDX-License-Identifier: GPL-2.0-or-later
"""The record of what kernels do with the odd cases: tests/data/kernel-verdicts.tsv.

One line per case, one column per kernel and set-up, then what the case is; sorted. What
was not asked is "?".
"""

import os

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATH = os.path.join(TOP, "tests", "data", "kernel-verdicts.tsv")

HEADING = """\
# SPDX-License-Identifier: GPL-2.0-or-later
# What stock Debian kernels do with odd modules: written by `make vm-record`.
# loads, taints (loads, not verified), or the errno of finit_module.
"""

NOT_ASKED = "?"


def read(path=PATH):
    """({(kernel, set-up): {case: word}}, {case: what it is})"""
    verdicts, what = {}, {}
    if not os.path.exists(path):
        return verdicts, what
    with open(path) as file:
        heading, *rows = (line.rstrip("\n").split("\t") for line in file if line[0] != "#")
    columns = [tuple(column.split("/")) for column in heading[1:-1]]
    for column in columns:
        verdicts[column] = {}
    for name, *words, text in rows:
        what[name] = text
        for column, word in zip(columns, words):
            verdicts[column][name] = word
    return verdicts, what


RECORDED, WHAT = read()


def expected(name, kernel, setup):
    return RECORDED.get((kernel, setup), {}).get(name, NOT_ASKED)


def write(reports, path=PATH):
    """Writes what these reports found, beside what is recorded of other kernels."""
    verdicts, what = dict(RECORDED), {}
    for report in reports:
        odd = [case for case in report["cases"] if case["odd"]]
        if odd:
            what.update({case["name"]: case["what"] for case in odd})
            found = {case["name"]: case["kernel"] for case in odd}
            verdicts[report["kernel"], report["setup"]] = found
    if not what:
        return  # no kernel could be asked, which is no reason to forget what others did
    columns = sorted(verdicts, key=lambda column: (float(column[0]), column[1]))
    rows = [["case", *("/".join(column) for column in columns), "what"]]
    for name in sorted(what):
        words = [verdicts[column].get(name, NOT_ASKED) for column in columns]
        rows.append([name, *words, what[name]])
    with open(path, "w") as file:
        file.write(HEADING)
        file.writelines("\t".join(row) + "\n" for row in rows)
