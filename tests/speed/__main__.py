# SPDX-License-Identifier: Apache-2.0
"""make bench-configtool: how long configtool takes, against the interpreter alone, dtc alone, and what it may take.

    python3 tests/speed [--runs N]

Each figure is the least of N runs, as whole processes: what else the machine does only adds. The ratios hold on slower
machines, too; where the interpreter alone takes more than 20 ms, all may take so much longer. Growth is in time of the
CPU. Exit status 1: something took longer than it may, or grows worse than the system does.
"""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from systems import ROOT, row, vendor  # noqa: E402

CONFIGTOOL = str(ROOT / "bin" / "configtool")
ROWS = (1, 4, 16, 64)
USUAL = 0.020       # seconds that the interpreter takes on the machine for which the limits are meant


def seconds(runs: int, *command: str, cwd: Path | None = None) -> float:
    """The least of some runs of a command that succeeds."""
    best = 1e9
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
        best = min(best, time.perf_counter() - start)
        if done.returncode:
            said = done.stderr.decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{said}")
    return best


def growth(systems: dict[int, str], runs: int) -> dict[int, float]:
    """The least time of the CPU for `check` of each system. All take turns, so that what else the machine does meets
    all of them; time on the clock would grow with that, too."""
    best = dict.fromkeys(systems, 1e9)
    for _ in range(runs):
        for vms, system in systems.items():
            with open(os.devnull, "wb") as nowhere:
                process = subprocess.Popen([CONFIGTOOL, "check", system], stdout=nowhere)
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = status
            if status:
                raise RuntimeError(f"check of {vms} VMs failed")
            best[vms] = min(best[vms], used.ru_utime + used.ru_stime)
    return best


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/speed", description="How long configtool takes.")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="take the best of N (default: 7)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        try:
            return measure(Path(place), runs)
        except RuntimeError as problem:
            print(f"bench-configtool: {problem}", file=sys.stderr)
            return 1


def measure(folder: Path, runs: int) -> int:
    bare = seconds(runs, "/usr/bin/python3", "-I", "-c", "pass")
    slower = max(1.0, bare / USUAL)
    print(f"{'':38}{'time':>9}{'may take':>10}{'/ python':>10}{'/ dtc':>8}")
    print(f"{'python3 -I -c pass':38}{bare * 1000:6.0f} ms{'':>10}{1:10.1f}")
    system = vendor(folder / "vendor")
    dtc = seconds(runs, "dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "/dev/null",
                  str(folder / "vendor/board/board.dts"))
    size = (folder / "vendor/board/board.dts").stat().st_size
    print(f"{f'dtc, a board of {size // 1000} KB':38}{dtc * 1000:6.0f} ms{'':>10}{dtc / bare:10.1f}{1:8.1f}")
    good = True

    def figure(name: str, limit: float | None, *arguments: str, own_dtc: float = dtc) -> float:
        nonlocal good
        took = seconds(runs, CONFIGTOOL, *arguments)
        limit = None if limit is None else limit * slower
        good &= limit is None or took <= limit
        allowed = "" if limit is None else f"{limit * 1000:.0f} ms"
        print(f"{name:38}{took * 1000:6.0f} ms{allowed:>10}{took / bare:10.1f}{took / own_dtc:8.1f}"
              + ("  too slow" if limit is not None and took > limit else ""))
        return took

    out = str(folder / "out")
    figure("--help", 0.06, "--help")
    figure("check, 4 VMs on that board", 0.3, "check", str(system))
    figure("gen, the same", 0.6, "gen", str(system), "--out", out)
    large = row(folder / "large", 64, 1000)
    tree = seconds(runs, "dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "/dev/null", str(large.parent / "board.dts"))
    figure("check, 64 VMs with 1,000 regions", 1.0, "check", str(large), own_dtc=tree)
    figure("gen, the same", None, "gen", str(large), "--out", out, own_dtc=tree)

    print("\nwith 16 regions in each VM               CPU   / VM above 1 VM")
    took = growth({vms: str(row(folder / f"row{vms}", vms, 16 * vms)) for vms in ROWS}, runs)
    each = {vms: (took[vms] - took[1]) / (vms - 1) for vms in ROWS[1:]}
    for vms in ROWS:
        print(f"{vms:>3} VM{'s' if vms > 1 else ' '}{'':32}{took[vms] * 1000:6.0f} ms"
              + (f"{each[vms] * 1000:8.1f} ms" if vms > 1 else ""))
    linear = each[ROWS[-1]] <= 1.3 * max(each[vms] for vms in ROWS[1:-1])
    print("growth is " + ("no worse than linear" if linear else "worse than linear"))
    return 0 if good and linear else 1


if __name__ == "__main__":
    sys.exit(main())
