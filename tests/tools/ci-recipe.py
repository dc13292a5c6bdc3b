#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ci-recipe.py FILE FOLDER: writes what a CI service would run, a script for each step.

FOLDER/10.sh, 11.sh, ... in order; those that run whatever came before end in .always.sh.
Steps that install packages, fetch the repository or store the result are left out. The
environment that the recipe gives a step is at its top; $CI_SECRET_NAME stands for the
secret NAME, and FOLDER/secrets names those that there are.
"""

import re
import shlex
import sys
from pathlib import Path

import yaml

SECRET = re.compile(r"^\$\{\{ secrets\.(\w+) \}\}$")
EXPRESSION = "${{"


def need(what, why):
    if not what:
        sys.exit(f"ci-recipe.py: {why}")


def exports(env, secrets):
    lines = []
    for name, value in env.items():
        match = SECRET.match(value)
        if match:
            secrets.add(match[1])
            lines.append(f'export {name}="$CI_SECRET_{match[1]}"')
        else:
            need(EXPRESSION not in value, f"{name}: an expression that is not a secret")
            lines.append(f"export {name}={shlex.quote(value)}")
    return lines


def installs(script):
    return script.startswith("apt-get ")


def github(doc, secrets):
    # YAML 1.1 reads the key `on` as true.
    need(set(doc) == {"name", True, "permissions", "jobs"}, "keys at the top")
    need(doc["permissions"] == {"contents": "read"}, "permissions: more than it needs")
    [job] = doc["jobs"].values()
    need(job["runs-on"] and job["container"] and job["environment"], "where the job runs")
    for step in job["steps"]:
        need(("run" in step) != ("uses" in step), f"{step}: run or uses")
        if "uses" in step:
            need(re.match(r"^actions/[\w-]+@v\d+$", step["uses"]), step["uses"])
            continue
        need(EXPRESSION not in step["run"], "an expression inside of a script")
        if installs(step["run"]):
            continue
        env = exports(job["env"] | step.get("env", {}), secrets)
        need(step.get("if", "always()") == "always()", "a condition that is not known")
        yield env, step["run"], "if" in step


def gitlab(doc, secrets):
    [job] = doc.values()
    need(job["image"] and job["rules"] and job["artifacts"]["paths"], "where the job runs")
    need(all(map(installs, job["before_script"])), "before_script only installs")
    env = exports(job["variables"], secrets)
    script = "\n".join(job["script"])
    for name in re.findall(r"\$(MODSEAL_TLS_\w+)", script):
        secrets.add(name)
    yield env, script, False
    yield env, "\n".join(job["after_script"]), True


def main(path, folder):
    with open(path, encoding="utf-8") as f:
        doc = yaml.safe_load(f)
    secrets = set()
    steps = list((github if "jobs" in doc else gitlab)(doc, secrets))
    for n, (env, script, always) in enumerate(steps, 10):
        name = f"{n}.always.sh" if always else f"{n}.sh"
        Path(folder, name).write_text("\n".join([*env, script, ""]), encoding="utf-8")
    Path(folder, "secrets").write_text("\n".join(sorted(secrets)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
