# SPDX-License-Identifier: Apache-2.0
"""verify is itself tested: an image is altered in thousands of ways of known effect, and each has to be found.

Beside that random bits are flipped, BULKHEAD_FLIPS of them, from BULKHEAD_SEED on; a second judge says which of them
matter (verify_flips.py; test_verify_flips.py does so on the other architectures).
"""
from __future__ import annotations

import os
from typing import Callable

import pytest

from configtool.verify.elf import NotAnImage
from configtool.verify.judge import verify
from verify_flips import agree
from verify_mutations import GROUPS, config_fields, good, harmless, harmless_field
from verify_system import build


def found(data: bytes) -> set[str]:
    """Checks that fail; 'refused' where the file is no image."""
    system = build()
    try:
        report = verify(data, "bulkhead.elf", system.system, system.board, system.layout)
    except NotAnImage:
        return {"refused"}
    return {check.name for check in report.checks if not check.passed}


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says something at the end of the whole run (tests/conftest.py)."""
    return lambda text: record_property("tally", f"verify, {text}")


def test_the_image_itself_is_isolated() -> None:
    assert found(build().data) == set()


@pytest.mark.parametrize("group", GROUPS)
def test_every_mutation_is_caught(group: str, tell: Callable[[str], None]) -> None:
    missed, by, total = [], set(), 0
    for name, data in GROUPS[group]():
        if data == build().data:
            continue
        total += 1
        checks = found(data)
        by.update(checks)
        if not checks:
            missed.append(name)
    tell(f"{group}: {total:,} mutations, {total - len(missed):,} caught, by {len(by)} checks")
    assert missed == []


def test_what_does_not_matter_is_not_refused(tell: Callable[[str], None]) -> None:
    total, refused = 0, []
    for name, data in harmless():
        total += 1
        if checks := found(data):
            refused.append((name, checks))
    tell(f"harmless: {total:,} mutations, {len(refused)} refused")
    assert refused == []


def test_random_bits_are_judged_as_by_the_second_judge(tell: Callable[[str], None]) -> None:
    tell(agree(build(), good(), config_fields(), harmless_field, int(os.environ.get("BULKHEAD_FLIPS", "200")), found))
