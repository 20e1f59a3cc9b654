# SPDX-License-Identifier: Apache-2.0
"""docs/internals/rules.md: every known mistake has a rule or a reason, every rule stands there."""
from __future__ import annotations

import re
from pathlib import Path

from configtool.rules.registry import load

PAGE = Path(__file__).parents[2] / "docs" / "internals" / "rules.md"
ROWS = [line.split("|")[1:3] for line in PAGE.read_text().splitlines() if line.startswith("| ")]
TABLE = [(mistake.strip(), found.strip()) for mistake, found in ROWS if not mistake.strip().startswith("**")]


def test_all_53_groups_stand_there_in_order() -> None:
    numbers = [int(found.group(1)) for mistake, _ in TABLE if (found := re.match(r"(\d+)\. ", mistake))]
    assert numbers == list(range(1, 54))


def test_every_group_has_rules_or_a_reason() -> None:
    for mistake, found in TABLE[1:]:
        assert re.search(r"BH\d{4}|^reserved: `\w+`|^no way to write it: ", found), mistake


def test_every_rule_stands_there_and_no_other() -> None:
    named = {code for _, found in TABLE for code in re.findall(r"BH\d{4}", found)}
    assert named == set(load())


def test_what_is_reserved_is_refused() -> None:
    schema = (PAGE.parents[2] / "schemas" / "system.schema.json").read_text()
    for key in {key for _, found in TABLE for key in re.findall(r"^reserved: `(\w+)`", found)}:
        assert f'"{key}": {{"title": "Reserved"' in schema
