# SPDX-License-Identifier: Apache-2.0
"""The kernel's bindings for what is in guest trees, and Debian's dt-schema, which holds a tree against them.

Both come from Debian 12 and are kept in the cache, 37 MB on the first call: a newer kernel's bindings are more
than this dt-schema understands. Nothing is installed.
"""
from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "linux")]

from packages import Archive, FetchError, cache_dir, extract, locked  # noqa: E402

_SUBSET = """
    arm/cpus.yaml arm/primecell.yaml arm/psci.yaml clock/fixed-clock.yaml clock/fixed-factor-clock.yaml
    gpio/pl061-gpio.yaml interrupt-controller/arm,gic.yaml interrupt-controller/arm,gic-v3.yaml
    interrupt-controller/sifive,plic-1.0.0.yaml regulator/fixed-regulator.yaml regulator/regulator.yaml
    riscv/cpus.yaml rtc/arm,pl031.yaml rtc/rtc.yaml serial/8250.yaml serial/pl011.yaml serial/rs485.yaml
    serial/serial.yaml timer/arm,arch_timer.yaml virtio/mmio.yaml""".split()
_TOOLS = ("dt-schema", "python3-ruamel.yaml", "python3-rfc3987")
_ARCH = "arm64"             # the packages are the same for all


def place() -> Path:
    """A folder with tools/ and schema.json; made on the first call. Raises FetchError."""
    made = cache_dir() / "dtschema" / "bookworm-1"
    with locked("dtschema"):
        if not made.exists():
            _make(made)
    return made


def _make(made: Path) -> None:
    archive = Archive("bookworm", _ARCH)
    documents = archive.package("linux-doc-6.1", "the kernel's bindings")
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as work:
        ready = Path(work) / "ready"
        for name in _TOOLS:
            package = archive.package(name, "holds device trees against the bindings")
            extract(package, lambda path: True, ready / "tools")
        top = Path(work) / "unpacked"
        mark = "Documentation/devicetree/bindings/"
        names = {f"{mark}{name}{packed}" for name in _SUBSET for packed in ("", ".gz")}
        for file in extract(documents, lambda path: mark + str(path).partition(mark)[2] in names, top):
            target = ready / "bindings" / str(file).partition(mark)[2].removesuffix(".gz")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
        found = list((ready / "bindings").rglob("*.yaml"))
        if len(found) < len(_SUBSET):
            raise FetchError(f"{documents.name} holds {len(found)} of {len(_SUBSET)} bindings")
        done = _run(ready, "dt-mk-schema", "-j", "-o", str(ready / "schema.json"), str(ready / "bindings"))
        if done:
            raise FetchError("dt-mk-schema: " + "; ".join(done[:3]))
        ready.rename(made)
        documents.unlink()                      # 37 MB, of which 0.1 were wanted


def _run(folder: Path, program: str, *arguments: str) -> list[str]:
    """What a tool of dt-schema says. Its exit status says nothing: it is 0 whatever the tool found."""
    modules = folder / "tools" / "usr" / "lib" / "python3" / "dist-packages"
    tool = folder / "tools" / "usr" / "bin" / program
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", str(tool), *arguments],
                          env={**os.environ, "PYTHONPATH": str(modules)}, capture_output=True, text=True, check=False)
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def complaints(dtb: Path) -> list[str]:
    """Where a tree is not as the bindings want it, and nodes that none of them speaks of."""
    folder = place()
    said = _run(folder, "dt-validate", "-m", "-s", str(folder / "schema.json"), str(dtb))
    return sorted({line.replace(str(dtb), dtb.name) for line in said if not line.startswith("\t")})
