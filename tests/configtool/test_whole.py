# SPDX-License-Identifier: Apache-2.0
"""Random systems in which keys meet: those that configtool accepts build, and verify finds them isolated."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WHOLE = Path(__file__).parents[1] / "fuzz" / "whole.py"


def test_random_systems_build_and_verify() -> None:
    """Three of them; `make fuzz` builds more."""
    done = subprocess.run([sys.executable, str(WHOLE), "--systems", "3", "--seed", "20"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("whole: 3 of "), done.stdout
