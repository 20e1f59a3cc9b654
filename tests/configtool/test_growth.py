# SPDX-License-Identifier: Apache-2.0
"""The work of `check` grows no faster than the system. Function calls are counted, which no busy machine changes; `make
bench-configtool` has the times."""
from __future__ import annotations

import cProfile
import pstats
import sys
from pathlib import Path

from configtool.pipeline import analyse

sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))

from systems import row  # noqa: E402


def calls(folder: Path, vms: int) -> int:
    system = str(row(folder / str(vms), vms, 16 * vms))
    assert analyse(system).plan is not None         # imports and caches
    profile = cProfile.Profile()
    profile.enable()
    analyse(system)
    profile.disable()
    return int(pstats.Stats(profile).total_calls)   # type: ignore[attr-defined]


def test_work_for_each_vm_stays_the_same(tmp_path: Path) -> None:
    """From 16 to 64 VMs, both of which the plan settles in as many attempts. A search through all channels for each VM
    made this 1.10."""
    assert calls(tmp_path, 64) / 64 <= 1.05 * calls(tmp_path, 16) / 16
