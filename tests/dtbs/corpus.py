# SPDX-License-Identifier: Apache-2.0
"""Device trees of real boards, from Debian's kernel packages, and what `configtool board import` makes of each."""
from __future__ import annotations

import re
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "linux")]

from packages import Archive, cache_dir, extract, locked  # noqa: E402

ARCHITECTURES = {"arm64": "arm64", "armhf": "armmp", "riscv64": "riscv64"}
SECONDS = 5


def fetch(arch: str) -> list[Path]:
    """The .dtb files of an architecture, sorted; fetched on the first call. Raises FetchError."""
    place = cache_dir() / "dtbs" / arch
    with locked(f"dtbs-{arch}"):
        if not place.exists():
            flavour = ARCHITECTURES[arch]
            archive = Archive("sid", arch)
            name = archive.needed_by(f"linux-base-{flavour}", rf"linux-base-[\d.]+\S*-{flavour}")
            deb = archive.package(name, "device trees of real boards")
            with tempfile.TemporaryDirectory(dir=cache_dir()) as work:
                extract(deb, lambda path: path.suffix == ".dtb", Path(work))
                place.parent.mkdir(parents=True, exist_ok=True)
                target = Path(work) / "all"
                target.mkdir()
                for file in sorted(Path(work).rglob("*.dtb")):
                    vendor = "" if file.parent.name.startswith("linux-image") else f"{file.parent.name}-"
                    file.rename(target / f"{vendor}{file.name}")
                target.rename(place)
    return sorted(place.glob("*.dtb"))


def one(path: Path) -> tuple[str, str, float]:
    """(kind, reason, seconds): kind is 'board', 'refused' or 'failed'."""
    from configtool.board.import_ import import_board

    start = time.monotonic()
    try:
        result = import_board(str(path))
        kind, reason = ("refused", result.reason) if result.reason else ("board", _compiles(path, result.files))
        if kind == "board" and reason:
            kind = "failed"
    except Exception:       # noqa: BLE001  a traceback is what this is here to find
        kind, reason = "failed", traceback.format_exc().strip().splitlines()[-1]
    seconds = time.monotonic() - start
    if seconds > SECONDS:
        kind, reason = "failed", f"took {seconds:.1f} seconds"
    return kind, reason, seconds


def _compiles(path: Path, files: dict[str, str]) -> str:
    """'' where the board's text compiles to the tree that it was made of, and loads once its blanks are filled in."""
    from configtool.board.dtb import read_dtb
    from configtool.board.dtc import DtcError
    from configtool.board.load import load_board
    from configtool.diagnostics import Sink
    from configtool.source import Span

    with tempfile.TemporaryDirectory() as work:
        for name, text in files.items():
            text = re.sub(r"(?m)^load:$", "load: 0x80200000", re.sub(r"(?m)^firmware:$", "firmware: []", text))
            text = re.sub(r"(?m)^memory:$", "memory: [{at: 0x80000000, size: 1GiB}]", text)
            (Path(work) / name).write_text(text)
        sink = Sink()
        try:
            board = load_board(work, Span("run.py"), "", sink)
        except DtcError as problem:
            return str(problem)
        if board is None or board.tree is None:
            return "; ".join(d.message for d in sink.diagnostics) or "no board"
        before = read_dtb(path.read_bytes(), str(path))
        for node in before.root.walk():
            if node.path.startswith(("/__symbols__", "/__fixups__", "/__local_fixups__")):
                continue
            after = board.tree.nodes.get(node.path)
            if after is None or [(p.name, p.value) for p in node.properties] != [(p.name, p.value)
                                                                                 for p in after.properties]:
                return f"{node.path} differs once written and read"
    return ""


def kind_of(reason: str) -> str:
    """A reason without what is the board's own, for the tally."""
    return re.sub(r"phandle 0x[0-9a-f]+|/[\w@,.+/-]+|\d+ cells", "...", reason)
