# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: for each kind of input, how a case is laid out in a folder, from a seed alone."""
from __future__ import annotations

import gzip
import random
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "configtool")]

from workbench import HELLO, furnish, guest_elf, linux_image  # noqa: E402

from combine import combine, machine, origin  # noqa: E402
from describe import describe  # noqa: E402
from mutate import binary, text  # noqa: E402

BOARDS = {path.name: path for path in sorted((ROOT / "boards").iterdir())}
BOARD = BOARDS["qemu-riscv64-virt"]
EVERY = [*BOARDS.values(), *sorted(path for path in (ROOT / "tests" / "boards").iterdir() if path.is_dir())]
_OWN_BOARD = HELLO.replace("qemu-riscv64-virt", "./board")
_FULL = """\
bulkhead: 1
name: full   # bulkhead: allow BH0702 because it is an example
board: qemu-riscv64-virt
hypervisor: {console: serial0}
channels:
  data: {size: 64KiB, from: a, to: [b], doorbell: both}
  both: {size: 8KiB, between: [a, b]}
vms:
  a:
    criticality: 3
    cpus: [cpu@3]
    memory: {ram: &size 16MiB, scratch: {size: 1MiB, at: 0x90000000, access: rw}}
    image: {file: guest.elf}
    devices: [rtc@101000, {name: flash, shared: true}]
    on_fault: {action: restart, at_most: 3, within: 10s, then: stop}
    channels: {data: {at: 0xc0000000, interrupt: 52}}
  b:
    vcpus: {count: 2, cluster: cluster0}
    memory: {ram: {size: 128MiB, at: identity}, more: *size}
    images: [{file: Image}, {file: blob.bin, at: 0x87000000}]
    linux: {initrd: rootfs.cpio, cmdline: "console=ttyS0"}
    devices: {rest: true, except: [serial0]}
"""
_EXTRA = '/dts-v1/;\n/plugin/;\n&{/chosen} { note = "x"; };\n' \
    '&{/} { thing { compatible = "a,b"; reg = <0 1 2 3>; }; };\n'


@lru_cache(maxsize=None)
def _dtb(board: Path = BOARD) -> bytes:
    return subprocess.run(["dtc", "-q", "-@", "-O", "dtb", str(board / "board.dts")], capture_output=True,
                          check=True).stdout


@lru_cache(maxsize=None)
def _dts(board: Path = BOARD) -> str:
    return (board / "board.dts").read_text()


def _any(r: random.Random) -> Path:
    """One of the boards that Bulkhead has; whichever it is, its guest runs there."""
    return r.choice(list(BOARDS.values()))


def _base(folder: Path, system: str | bytes) -> None:
    furnish(folder)
    (folder / "board.dtb").write_bytes(_dtb())
    (folder / "extra.dtso").write_text(_EXTRA)
    (folder / "own.dts").write_text(_dts())
    (folder / "system.yaml").write_bytes(system if isinstance(system, bytes) else system.encode())


def _own_board(folder: Path, of: Path, tree: bytes, name: str, settings: bytes | None = None) -> None:
    """A system on a board with this tree, that goes by the settings of the board `of`."""
    _base(folder, _OWN_BOARD)
    if "riscv" not in of.name:
        (folder / "guest.elf").write_bytes(guest_elf(0x4000_0000, machine=183))
    board = folder / "board"
    board.mkdir()
    (board / name).write_bytes(tree)
    (board / "board.yaml").write_bytes((of / "board.yaml").read_bytes() if settings is None else settings)


def _yaml(folder: Path, r: random.Random) -> None:
    _base(folder, text(r.choice((_FULL, _FULL, HELLO)), r))


def _bytes(folder: Path, r: random.Random) -> None:
    _base(folder, binary(_FULL.encode(), r) if r.random() < 0.7 else r.randbytes(r.choice((1, 10, 1000))))


def _described(folder: Path, r: random.Random) -> None:
    _base(folder, describe(r))


def _extends(folder: Path, r: random.Random) -> None:
    _base(folder, text("bulkhead: 1\nextends: base.yaml\nvms:\n  hello: {vcpus: 2}\n  more: {extends: x}\n", r))
    (folder / "base.yaml").write_bytes(text(_FULL, r))


def _board_yaml(folder: Path, r: random.Random) -> None:
    of = _any(r)
    _own_board(folder, of, _dts(of).encode(), "board.dts", text((of / "board.yaml").read_text(), r))


def _board_dts(folder: Path, r: random.Random) -> None:
    of = _any(r)
    _own_board(folder, of, text(_dts(of), r), "board.dts")


def _board_dtb(folder: Path, r: random.Random) -> None:
    of = _any(r)
    _own_board(folder, of, binary(_dtb(of), r), "board.dtb")


def _devices(folder: Path, r: random.Random) -> None:
    """A damaged tree of which one VM has all that can be given."""
    of = _any(r)
    _own_board(folder, of, binary(_dtb(of), r), "board.dtb")
    (folder / "system.yaml").write_text(_OWN_BOARD + "    devices: {rest: true}\n")


def _elf(folder: Path, r: random.Random) -> None:
    _base(folder, HELLO)
    (folder / "guest.elf").write_bytes(binary(guest_elf(), r, linux_image()))


def _kernel(folder: Path, r: random.Random) -> None:
    _base(folder, HELLO.replace("guest.elf", "Image").replace("16MiB", "64MiB"))
    data = binary(linux_image()[:4096], r)
    (folder / "Image").write_bytes(gzip.compress(data, 1, mtime=0) if r.random() < 0.3 else data)


def _gzip(folder: Path, r: random.Random) -> None:
    _base(folder, HELLO)
    (folder / "guest.elf").write_bytes(binary(gzip.compress(guest_elf(), 6, mtime=0), r))


def _overlay(folder: Path, r: random.Random) -> None:
    _base(folder, HELLO + "    devicetree: {extra: extra.dtso}\n")
    (folder / "extra.dtso").write_bytes(text(_EXTRA, r))


def _own_tree(folder: Path, r: random.Random) -> None:
    _base(folder, HELLO + "    devicetree: {file: own.dtb}\n")
    (folder / "own.dtb").write_bytes(binary(_dtb(), r))


def _combined(folder: Path, r: random.Random) -> None:
    """On any board, those of the tests as well; the QEMU boards, which have most keys, more often."""
    board = r.choice(EVERY if r.random() < 0.3 else [path for path in EVERY if "qemu" in path.name])
    kind = machine(board)
    if kind is not None:
        (folder / "guest.elf").write_bytes(guest_elf(origin(board), machine=kind))
    (folder / "kernel.bin").write_bytes(bytes(range(1, 256)) * 20)
    (folder / "system.yaml").write_text(combine(r, board))


KINDS: dict[str, Callable[[Path, random.Random], None]] = {
    "described": _described, "yaml": _yaml, "bytes": _bytes, "extends": _extends, "board-yaml": _board_yaml,
    "board-dts": _board_dts, "board-dtb": _board_dtb, "devices": _devices, "elf": _elf, "kernel": _kernel,
    "gzip": _gzip, "overlay": _overlay, "own-tree": _own_tree, "combined": _combined}
WHOLE = ("described", "combined")       # generated from as well where they are accepted
