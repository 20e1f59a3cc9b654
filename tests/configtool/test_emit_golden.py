# SPDX-License-Identifier: Apache-2.0
"""What is generated for the examples, to the letter. Guest images are stand-ins, so that no compiler has a say in it.

After an intended change:   UPDATE_GOLDEN=1 /usr/bin/python3 -m pytest tests/configtool/test_emit_golden.py
and read the difference before you commit it.
"""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from plan_cases import KIB, elf

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "hello": ("plan.h", "config.c", "link.ld", "config.mk", "hello.dts", "hello.h"),
    "two-vms": ("plan.h", "config.c", "link.ld", "config.mk", "control.dts", "control.h", "worker.dts", "worker.h"),
    "two-vms-gicv3": ("plan.h", "config.c", "link.ld", "config.mk", "control.dts", "worker.dts"),
    "two-vms-gicv2": ("plan.h", "config.c", "config.mk", "control.dts", "control.h"),
}


def generate(name: str, folder: Path) -> Path:
    """Run `configtool gen` on an example; its guests hold 8 KiB of code and 4 KiB of data."""
    guests = folder / "guests"
    guests.mkdir(parents=True)
    arm = "-gic" in name
    described = next(p for p in (ROOT / "examples" / name / "system.yaml", *(ROOT / "examples").glob(f"*/{name}.yaml"))
                     if p.exists())
    ram, machine = (0x4000_0000, 183) if arm else (0x8000_0000, 243)
    for source in described.parent.glob("*.c"):
        text, data = (ram, bytes([0x13, 0, 0, 0]) * (2 * KIB), 8 * KIB, 5), (ram + 0x2000, b"data", 4 * KIB, 6)
        (guests / source.with_suffix(".elf").name).write_bytes(elf(text, data, machine=machine))
    made = subprocess.run([ROOT / "bin/configtool", "gen", described.relative_to(ROOT), "--out", folder / "out",
                           "--guests", guests], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder / "out"


@pytest.fixture(scope="module", params=sorted(FILES))
def generated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(request.param, tmp_path_factory.mktemp("golden") / request.param)


def test_files_are_as_they_were(generated: Path) -> None:
    name = generated.parent.name
    for file in FILES[name]:
        golden = GOLDEN / name / file
        made = (generated / file).read_text()
        if os.environ.get("UPDATE_GOLDEN"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(made)
        assert made == golden.read_text(), f"{file} has changed; the module text says what to do if that is intended"


def test_device_trees_compile_without_a_warning_to_the_blobs_that_guests_get(generated: Path) -> None:
    for source in sorted(generated.glob("*.dts")):
        made = subprocess.run(["dtc", "-I", "dts", "-O", "dtb", source], capture_output=True)
        assert (made.returncode, made.stderr) == (0, b""), source.name
        assert made.stdout == source.with_suffix(".dtb").read_bytes()


def test_bytes_do_not_depend_on_the_hash_seed(generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    again = generate(generated.parent.name, tmp_path / "again")
    files = sorted(p.relative_to(generated) for p in generated.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for file in files:
        assert (generated / file).read_bytes() == (again / file).read_bytes(), file
