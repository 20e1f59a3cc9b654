# SPDX-License-Identifier: Apache-2.0
"""MISRA C:2012 by cppcheck's addon, against the deviations that docs/internals/misra.md argues.

A finding whose rule has no row there is an error; so is a row that nothing needs any more.
"""
from __future__ import annotations

import re
from pathlib import Path

_FINDING = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+): .*\[misra-c2012-(?P<rule>\d+\.\d+)\]$")
_ROW = re.compile(r"^\| (?P<rule>\d+\.\d+) \| (?:required|advisory|mandatory) \| (?P<where>[^|]+) \| [^|]+ \|$")


def deviations(text: str) -> dict[str, set[str]]:
    """Of each rule in the document's table the files where it is deviated from; {"all"}: anywhere."""
    found: dict[str, set[str]] = {}
    for match in filter(None, map(_ROW.match, text.splitlines())):
        found.setdefault(match["rule"], set()).update(re.findall(r"[\w./-]+", match["where"]))
    return found


def judge(output: list[str], text: str) -> tuple[list[str], dict[str, int]]:
    """What has no reason, as lines to print, and how often each deviation is used."""
    allowed = deviations(text)
    used = dict.fromkeys(allowed, 0)
    wrong = []
    for match in filter(None, map(_FINDING.match, sorted(set(output)))):
        rule, file = match["rule"], match["file"]
        places = allowed.get(rule, set())
        if "all" in places or Path(file).name in places:
            used[rule] += 1
        else:
            wrong.append(f"{file}:{match['line']}: MISRA C:2012 rule {rule}, and docs/internals/misra.md has no reason")
    return wrong + [f"docs/internals/misra.md: nothing deviates from rule {rule} any more: take its row out"
                    for rule, count in used.items() if count == 0], used
