# SPDX-License-Identifier: Apache-2.0
"""configtool where the machine is not as one would have it: locale, PATH, folders, pipes, full disks, Ctrl-C."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from workbench import HELLO, furnish

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "bin" / "configtool"
OK = "system.yaml: ok: 1 VM on 1 of 4 CPUs of qemu-riscv64-virt\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    furnish(tmp_path)
    (tmp_path / "system.yaml").write_text(HELLO)
    return tmp_path


def run(desk: Path, *arguments: str, program: Path = PROGRAM, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run([str(program), *arguments], cwd=desk, capture_output=True, check=False,
                          env={"PATH": "/usr/bin:/bin", **environment})
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "en_US.ISO-8859-1", "nonsense"])
def test_any_locale(locale: str, desk: Path) -> None:
    (desk / "Gäste ☃").mkdir()
    (desk / "Gäste ☃" / "système.yaml").write_text(HELLO.replace("guest.elf", "../guest.elf"))
    code, out, err = run(desk, "check", "Gäste ☃/système.yaml", LC_ALL=locale)
    assert (code, err) == (0, "") and out.endswith(": ok: 1 VM on 1 of 4 CPUs of qemu-riscv64-virt\n")
    (desk / "system.yaml").write_text(HELLO.replace("guest.elf", "fräse.elf"))
    code, out, err = run(desk, "check", "system.yaml", LC_ALL=locale)
    assert code == 1 and "error[BH0401]: there is no file '" in err and "Traceback" not in err


def test_a_file_name_that_is_no_text(desk: Path) -> None:
    os.rename(os.fsencode(desk / "system.yaml"), os.fsencode(desk) + b"/s\xff.yaml")
    done = subprocess.run([os.fsencode(PROGRAM), b"check", b"s\xff.yaml"], cwd=desk, capture_output=True, check=False)
    assert done.returncode == 0 and b"ok: 1 VM" in done.stdout and done.stderr == b""


def test_another_python_first_in_path(desk: Path) -> None:
    other = desk / "bin"
    other.mkdir()
    for name in ("python3", "python", "env"):
        (other / name).write_text("#!/bin/sh\necho the wrong python >&2\nexit 9\n")
        (other / name).chmod(0o755)
    assert run(desk, "check", "system.yaml", PATH=f"{other}:/usr/bin:/bin") == (0, OK, "")


def test_a_checkout_whose_path_has_spaces_and_other_letters(desk: Path) -> None:
    place = desk / "mes projets é" / "bulk'head $HOME"
    for name in ("bin", "boards", "schemas", "configtool"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    program = place / "bin" / "configtool"
    assert run(desk, "check", "system.yaml", program=program) == (0, OK, "")
    assert run(desk, "gen", "system.yaml", "--out", "a b/gen", "--depfile", "a b/gen.d", program=program) == (0, "", "")
    assert (desk / "a b" / "gen" / "config.c").exists() and "mes\\ projets" in (desk / "a b" / "gen.d").read_text()
    assert run(desk, "check", "system.yaml", program=program, LC_ALL="C") == (0, OK, "")


def test_a_disk_that_is_full(desk: Path) -> None:
    full = open("/dev/full", "w")
    for command in (["plan", "system.yaml"], ["rules", "--markdown"], ["check", "system.yaml", "--format", "json"]):
        done = subprocess.run([str(PROGRAM), *command], cwd=desk, stdout=full, stderr=subprocess.PIPE, check=False)
        assert (done.returncode, done.stderr) == (2, b"configtool: cannot write the output: no space left on device\n")
    done = subprocess.run([str(PROGRAM), "check", "nothing.yaml"], cwd=desk, stdout=full, stderr=full, check=False)
    assert done.returncode == 2
    full.close()


def test_a_disk_that_fills_up_while_gen_writes(desk: Path) -> None:
    """A limit on the size of files stands in for the disk: the folder is as it was."""
    assert run(desk, "gen", "system.yaml", "--out", "gen")[0] == 0
    before = files(desk / "gen")
    (desk / "system.yaml").write_text(HELLO.replace("name: hello", "name: other"))
    script = f"ulimit -f 8; trap '' XFSZ; exec {PROGRAM} gen system.yaml --out gen"
    done = subprocess.run(["/bin/bash", "-c", script], cwd=desk, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"configtool: cannot write {desk}/gen: file too large\n")
    assert files(desk / "gen") == before
    assert sorted(p.name for p in desk.iterdir() if "gen" in p.name) == ["gen"]


def test_a_folder_that_cannot_be_written(desk: Path) -> None:
    code, out, err = run(desk, "gen", "system.yaml", "--out", "/proc/gen")
    assert (code, out) == (2, "") and err.startswith("configtool: cannot write /proc/gen: ")


def test_streams_that_are_closed(desk: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        done = subprocess.run(["/bin/sh", "-c", f"{PROGRAM} check system.yaml {closed}"], cwd=desk, capture_output=True,
                              check=False)
        assert done.returncode == 0 and b"Traceback" not in done.stderr


@pytest.mark.parametrize("command",
                         ["plan system.yaml", "rules --markdown", "plan system.yaml --json", "check missing.yaml 2>&1",
                                     "board show qemu-riscv64-virt", "--help"])
def test_a_reader_that_reads_no_further(command: str, desk: Path) -> None:
    done = subprocess.run(["/bin/sh", "-c", f"{PROGRAM} {command} | head -c 10 >/dev/null"], cwd=desk,
                          capture_output=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_at_any_time(desk: Path) -> None:
    for step in range(2, 14):
        process = subprocess.Popen([str(PROGRAM), "check", "system.yaml"], cwd=desk, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        time.sleep(0.02 * step)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        # While the interpreter starts it is not ours yet.
        assert process.returncode in (0, 130) and err == b"" or b"configtool" not in err, err.decode()
