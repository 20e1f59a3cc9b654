# SPDX-License-Identifier: Apache-2.0
"""The formats for programs, on every mistake of mistakes.py: what their specifications ask for, checked by hand.

Sources: SARIF 2.1.0 (OASIS), sections 3.13 (file), 3.14 (run), 3.19 (tool component), 3.27 (result), 3.28 (location),
3.30 (region), 3.49 (reporting descriptor), and its JSON schema's `required`; GitHub's "Workflow commands".
"""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from configtool.rules.registry import load
from mistakes import MISTAKES
from workbench import configtool, furnish


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("formats"))


def output(folder: Path, description: str, format_: str) -> str:
    (folder / "system.yaml").write_text(description)
    code, out, err = configtool("check", "system.yaml", "--guests", "built", "--format", format_, folder=folder)
    assert (code, err) == (1, "")
    return out


@pytest.mark.parametrize("description", [text for _, text in MISTAKES],
                         ids=[title.replace(" ", "-") for title, _ in MISTAKES])
def test_the_formats_agree_and_are_well_formed(description: str, folder: Path) -> None:
    found = json.loads(output(folder, description, "json"))
    log = json.loads(output(folder, description, "sarif"))
    lines = output(folder, description, "github").splitlines()
    sarif(log)
    results = log["runs"][0]["results"]
    assert len(found["diagnostics"]) == len(results) == len(lines) == found["errors"] + found["warnings"]
    for one, result, line in zip(found["diagnostics"], results, lines):
        assert one["code"] == result["ruleId"] and result["message"]["text"].startswith(one["message"])
        assert re.match(rf"::{one['severity']} file=[^,:]*,.*title={one['code']}::[^\r\n]+\Z", line)
        assert f"line={one['line']},col={one['column']}," in line if "line" in one else ",line=" not in line


def sarif(log: Any) -> None:
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0" and isinstance(log["runs"], list)
    run, = log["runs"]
    assert set(run) == {"tool", "columnKind", "results"} and run["columnKind"] in ("utf16CodeUnits",
                                                                                   "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert driver["name"] == "configtool" and isinstance(driver["version"], str)
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for rule in driver["rules"]:
        text(rule["shortDescription"])
        text(rule["fullDescription"])
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error") and rule["id"] in load()
    for result in run["results"]:
        assert set(result) <= {"ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations"}
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        text(result["message"])
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            location(place)
        numbers = [place["id"] for place in result.get("relatedLocations", ())]
        assert len(set(numbers)) == len(numbers) and all(isinstance(n, int) and n >= 0 for n in numbers)


def text(message: Any) -> None:
    assert isinstance(message["text"], str) and message["text"]


def location(place: Any) -> None:
    assert set(place) <= {"id", "physicalLocation", "message"}
    artifact = place["physicalLocation"]["artifactLocation"]
    uri = artifact["uri"]
    assert re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", uri) and ".." not in uri.split("/")
    assert (artifact.get("uriBaseId") == "%SRCROOT%") != uri.startswith("file:///")
    if "message" in place:
        text(place["message"])
    region = place["physicalLocation"].get("region")
    if region is not None:
        assert all(isinstance(value, int) and value >= 1 for value in region.values())
        assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
