#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ci-recipe.py FILE FOLDER: writes what a CI service would run, a script for each step.

FOLDER/10.sh, 11.sh, ... in order; those that run whatever came before end in .always.sh.
Steps that install packages, fetch the repository or store the result are left out. The
environment that the recipe gives a step is at its top; $CI_SECRET_NAME stands for the
secret NAME. FOLDER/secrets names those that there are, FOLDER/stored the folders that are
kept of a job, FOLDER/commands what GitLab prints before each command that it runs. A key
that is not expected is an error: some let a job succeed whose commands have failed.
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
    lines = script.replace("\\\n", " ").strip().split("\n")
    return all(re.fullmatch(r"apt-get [\w .-]+", line) for line in lines)


def github(doc, out):
    # YAML 1.1 reads the key `on` as true.
    need(set(doc) == {"name", True, "permissions", "jobs"}, "keys at the top")
    need(doc["permissions"] == {"contents": "read"}, "permissions: more than it needs")
    [job] = doc["jobs"].values()
    need(set(job) == {"runs-on", "container", "environment", "env", "steps"}, "keys of the job")
    for step in job["steps"]:
        need(("run" in step) != ("uses" in step), f"{step}: run or uses")
        if "uses" in step:
            need(set(step) <= {"uses", "with"}, f"{step}: keys")
            need(re.match(r"^actions/[\w-]+@v\d+$", step["uses"]), step["uses"])
            if step["uses"].startswith("actions/upload-artifact@"):
                out["stored"].append(step["with"]["path"])
            continue
        need(set(step) <= {"name", "run", "env", "if"}, f"{step}: keys")
        need(EXPRESSION not in step["run"], "an expression inside of a script")
        if installs(step["run"]):
            continue
        env = exports(job["env"] | step.get("env", {}), out["secrets"])
        need(step.get("if", "always()") == "always()", "a condition that is not known")
        yield env, step["run"], "if" in step


def gitlab(doc, out):
    [job] = doc.values()
    keys = {"image", "rules", "variables", "before_script", "script", "after_script"}
    need(set(job) == keys | {"artifacts"}, "keys of the job")
    [rule] = job["rules"]
    need(set(rule) == {"if"}, "a rule that does more than to say when")
    need('$CI_COMMIT_REF_PROTECTED == "true"' in rule["if"].split(" && "), "rules")
    need(set(job["artifacts"]) == {"paths"}, "artifacts of a job that has failed")
    need(all(map(installs, job["before_script"])), "before_script only installs")
    env = exports(job["variables"], set())
    script = []
    for command in job["script"]:
        out["secrets"] |= set(re.findall(r"\$(MODSEAL_TLS_\w+)", command))
        out["commands"].append("$ " + command.split("\n")[0])
        script += ["echo " + shlex.quote(out["commands"][-1]), command]
    out["stored"] += job["artifacts"]["paths"]
    yield env, "\n".join(script), False
    yield env, "\n".join(job["after_script"]), True


def main(path, folder):
    with open(path, encoding="utf-8") as f:
        doc = yaml.safe_load(f)
    out = {"secrets": set(), "stored": [], "commands": []}
    steps = list((github if "jobs" in doc else gitlab)(doc, out))
    out["secrets"] = sorted(out["secrets"])
    for n, (env, script, always) in enumerate(steps, 10):
        name = f"{n}.always.sh" if always else f"{n}.sh"
        Path(folder, name).write_text("\n".join([*env, script, ""]), encoding="utf-8")
    for name, lines in out.items():
        Path(folder, name).write_text("".join(f"{x}\n" for x in lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
