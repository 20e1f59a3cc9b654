# SPDX-License-Identifier: Apache-2.0
"""What is said at the end of a run: the tallies that tests recorded, and the seed of the random operations
(tests/qemu/test_chaos.py), which is chosen here, so that all processes have it."""
from __future__ import annotations

import os
import secrets

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ.setdefault("SEED", str(secrets.randbelow(1 << 32)))
        os.environ.setdefault("OPS", "200000")


def pytest_terminal_summary(terminalreporter) -> None:      # type: ignore[no-untyped-def]
    reports = [report for some in terminalreporter.stats.values() for report in some]
    for report in reports:
        for name, text in getattr(report, "user_properties", ()):
            if name == "tally" and getattr(report, "when", "") == "call":
                terminalreporter.write_line(str(text))
    if any("test_chaos" in str(getattr(report, "nodeid", "")) for report in reports):
        terminalreporter.write_line(f"random operations: SEED={os.environ['SEED']} OPS={os.environ['OPS']}")
