# SPDX-License-Identifier: GPL-2.0-or-later
"""The record of what kernels do with the odd cases: tests/data/kernel-verdicts.tsv.

One line per case, one column per kernel and set-up, sorted; what was not asked is "?".
"""

import os

PATH = os.path.join(os.path.dirname(__file__), "..", "tests", "data", "kernel-verdicts.tsv")

HEADING = """\
# SPDX-License-Identifier: GPL-2.0-or-later
# What stock Debian kernels do with odd modules: written by `make vm-record`.
# loads, taints (loads, not verified), or the errno of finit_module.
"""

NOT_ASKED = "?"


def read(path=PATH):
    """The record as {(kernel, setup): {case: word}}."""
    columns, verdicts = [], {}
    if not os.path.exists(path):
        return verdicts
    with open(path) as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line[0] != "#"]
    for column in lines[0][1:]:
        columns.append(tuple(column.split("/")))
        verdicts[columns[-1]] = {}
    for name, *words in lines[1:]:
        for column, word in zip(columns, words):
            verdicts[column][name] = word
    return verdicts


RECORDED = read()


def expected(name, kernel, setup):
    return RECORDED.get((kernel, setup), {}).get(name, NOT_ASKED)


def write(reports, path=PATH):
    """Writes what these reports found, beside what is recorded of other kernels."""
    verdicts = dict(RECORDED)
    for report in reports:
        found = {case["name"]: case["kernel"] for case in report["cases"] if case["odd"]}
        if found:
            verdicts[report["kernel"], report["setup"]] = found
    columns = sorted(verdicts, key=lambda column: (float(column[0]), column[1]))
    names = sorted({name for words in verdicts.values() for name in words})
    with open(path, "w") as file:
        file.write(HEADING)
        rows = [["case"] + ["/".join(column) for column in columns]]
        for name in names:
            words = [verdicts[column].get(name, NOT_ASKED) for column in columns]
            rows.append([name] + words)
        file.writelines("\t".join(row) + "\n" for row in rows)
