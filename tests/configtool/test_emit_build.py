# SPDX-License-Identifier: Apache-2.0
"""The build as a user meets it: reproducible, and nothing done twice."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "examples/hello/system.yaml"
PARTS = ("Makefile", "bin", "boards", "configtool", "examples", "hypervisor", "schemas")


def checkout(folder: Path) -> Path:
    """A copy of what the build reads."""
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, folder / part)
    return folder


def make(folder: Path, *words: str) -> str:
    """What make says; it has to succeed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    made = subprocess.run(["make", "--no-print-directory", *words], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert made.returncode == 0, made.stdout
    return made.stdout


def times(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = checkout(tmp_path_factory.mktemp("one") / "a")
    make(folder, f"SYSTEM={SYSTEM}")
    return folder


def test_two_builds_in_two_places_are_equal_bit_for_bit(built: Path, tmp_path: Path) -> None:
    other = checkout(tmp_path / "another-place")
    make(other, f"SYSTEM={other / SYSTEM}", "-j2")
    wanted = (".elf", ".bin", ".c", ".h", ".S", ".ld", ".mk", ".dtb", ".dts", ".json")
    produced = [p for p in (built / "build/hello").rglob("*")
                if p.suffix in wanted and p.name != "compile_commands.json"]
    assert {p.name for p in produced} >= {"bulkhead.elf", "bulkhead.bin", "config.c", "tables.bin", "hello.dtb"}
    for path in produced:
        name = path.relative_to(built)
        assert path.read_bytes() == (other / name).read_bytes(), name


def test_image_holds_no_path_of_the_place_where_it_was_built(built: Path) -> None:
    assert str(built).encode() not in (built / "build/hello/bulkhead.elf").read_bytes()


def test_nothing_is_rebuilt_when_nothing_has_changed(built: Path) -> None:
    before = times(built / "build")
    assert make(built, f"SYSTEM={SYSTEM}") == ""
    assert times(built / "build") == before


def test_a_change_in_the_description_reaches_the_image(built: Path) -> None:
    yaml = built / SYSTEM
    text = yaml.read_text()
    image = built / "build/hello/bulkhead.bin"
    before, objects = image.read_bytes(), times(built / "build/hello/obj/core")
    try:
        yaml.write_text(text.replace("16MiB", "32MiB"))
        make(built, f"SYSTEM={SYSTEM}")
        assert image.read_bytes() != before
        assert times(built / "build/hello/obj/core") == objects, "plan.h is the same: no reason to compile core/ again"
    finally:
        yaml.write_text(text)
    make(built, f"SYSTEM={SYSTEM}")
    assert image.read_bytes() == before


def test_a_change_in_a_guest_reaches_the_image(built: Path) -> None:
    source = built / "examples/hello/hello.c"
    image = built / "build/hello/bulkhead.bin"
    before = image.read_bytes()
    text = source.read_text()
    source.write_text(text.replace("Hello", "HELLO"))
    make(built, f"SYSTEM={SYSTEM}")
    assert b"HELLO" in image.read_bytes()
    source.write_text(text)
    make(built, f"SYSTEM={SYSTEM}")
    assert image.read_bytes() == before


def test_a_mistake_in_the_description_stops_the_build_and_leaves_what_is_there(built: Path) -> None:
    yaml = built / SYSTEM
    text = yaml.read_text()
    before = times(built / "build/hello")
    try:
        yaml.write_text(text.replace("ram: 16MiB", "ram: 16MB"))
        with pytest.raises(AssertionError, match="error\\[BH"):
            make(built, f"SYSTEM={SYSTEM}")
        assert times(built / "build/hello") == before
    finally:
        yaml.write_text(text)


def test_clean_generates_nothing(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "fresh")
    make(folder, "clean")
    assert not (folder / "build").exists()
