# SPDX-License-Identifier: Apache-2.0
"""configtool board import: a board folder made of a device tree, or one line that says why there can be none."""
from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass, field

from ..diagnostics import Diagnostic
from ..units import size_text
from .caches import coloring
from .model import Board
from .suit import BOOTS, unsuitable

# What board.yaml can say, so that it does not speak against the tree.
_ASKED_FOR = ("BH0806", "BH0810", "BH0812")


@dataclass(frozen=True)
class Imported:
    """`board` is None where the file could not be read. `reason` is why there can be no board, '' where there can."""
    board: Board | None
    reason: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    to_fill_in: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .dtb, such as that of your board's Linux kernel, or a .dts")
    parser.add_argument("-o", "--out", metavar="DIR",
                        help="the folder to make (default: the file's name without .dtb, here)")


def main(arguments: list[str]) -> int:
    from ..cli.common import parser
    from ..diagnostics import UsageError
    from ..render.text import Renderer

    made = parser("board import",
                  "Make a board of a device tree: board.dts, and a board.yaml in which stands what is left to fill in.")
    add_arguments(made)
    given = made.parse_args(arguments)
    if not os.path.exists(given.file):
        raise UsageError(f"there is no file {given.file}")
    out = given.out or re.sub(r"\.(dts|dtb)$", "", os.path.basename(given.file))
    if os.path.lexists(out) and (not os.path.isdir(out) or os.listdir(out)):
        raise UsageError(f"{out} is there already; give another folder with -o")
    result = import_board(given.file)
    if result.reason:
        color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        if result.board is None:
            sys.stderr.write(Renderer({}, color).render(result.diagnostics))
        else:
            print(f"{given.file}: no board can be made of it: {result.reason}", file=sys.stderr)
        return 1
    _write(out, result.files)
    assert result.board is not None
    print(summary(out, result))
    return 0


def _write(out: str, files: dict[str, str]) -> None:
    """All or nothing."""
    import shutil
    from ..diagnostics import UsageError

    temporary = f"{out.rstrip('/')}.new-{os.getpid()}"
    try:
        os.makedirs(temporary)
        for name in sorted(files):
            with open(os.path.join(temporary, name), "w", encoding="utf-8") as file:
                file.write(files[name])
        os.rename(temporary, out)
    except OSError as problem:
        raise UsageError(f"cannot write {out}: {(problem.strerror or str(problem)).lower()}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def import_board(path: str) -> Imported:
    """Nothing is written; `files` holds what would be."""
    from ..diagnostics import Sink
    from .load import bare_board

    sink = Sink()
    board = bare_board(path, sink)
    found = tuple(d for d in sink.diagnostics if d.code not in _ASKED_FOR)
    if board is None or found:
        return Imported(board, found[0].message if found else "it cannot be read", found)
    against = tuple(d for d in unsuitable(board) if d.code not in _ASKED_FOR)
    if against:
        note = next((n for d in against[:1] for n in d.notes if n.startswith(("its own", "compatible"))), "")
        return Imported(board, against[0].message + (f"; {note}" if note else ""), against)
    yaml, blanks = _board_yaml(board, os.path.basename(path))
    return Imported(board, "", (), blanks, {"board.yaml": yaml, "board.dts": _board_dts(board, os.path.basename(path))})


def _board_dts(board: Board, name: str) -> str:
    from .dts_text import dts_text

    assert board.tree is not None
    return dts_text(board.tree, f"{board.description or name}\n\nMade by `configtool board import {name}`.")


def _board_yaml(board: Board, name: str) -> tuple[str, tuple[str, ...]]:
    """(text, the keys that have no value yet)."""
    riscv = board.arch.startswith("riscv")
    blanks = ["load"]
    start = min((b.base for b in board.memory), default=0x80000000 if riscv else 0x40000000)
    description = " ".join(board.description.split()).replace("\\", "\\\\").replace('"', '\\"') or name
    lines = [
        f"# Made by `configtool board import {name}`.",
        "# What has no value below, the device tree does not say: fill it in, then try `configtool board show`.",
        "bulkhead-board: 1", f'description: "{description}"', "",
        "# Where the boot loader puts the image, a physical address. It is a file in the form of a Linux kernel Image,",
        "# so the address to which your boot loader loads a kernel is right (U-Boot: printenv kernel_addr_r).",
        *([f"# For example: {start + 0x200000:#x}"] if board.memory else []), "load:", f"boot: {BOOTS[board.arch][0]}",
        ""]
    if not board.memory:
        blanks.append("memory")
        lines += ["# The device tree leaves the memory to the boot loader: see U-Boot's bdinfo or Linux's /proc/iomem.",
                  "# For example: [{at: " + f"{start:#x}" + ", size: 2GiB}]", "memory:", ""]
    held = [r for r in board.reserved]
    firmware = "OpenSBI" if riscv else "Trusted Firmware-A and a secure OS"
    lines += [f"# Memory that firmware keeps ({firmware}), and that the device tree does not reserve; [] where",
              f"# there is none. For example: [{{name: {'OpenSBI' if riscv else 'TF-A'}, at: {start:#x}, size: 512KiB}}]"]
    if held:
        lines += ["# The device tree reserves:",
                  *(f"#   {r.base:#x} to {r.end - 1:#x}  {size_text(r.size)}  {_plain(r.name)}" for r in held[:32])]
        lines += [f"#   and {len(held) - 32} more"] if len(held) > 32 else []
    blanks.append("firmware")
    lines += ["firmware:", ""]
    if board.console is None:
        serial = [d.aliases[0] if d.aliases else d.label or d.path for d in board.devices
                  if d.enabled and d.name.startswith(("serial@", "uart@", "bt-uart@"))]
        lines += ["# The device tree names no console. " + (f"UARTs: {', '.join(_plain(s) for s in serial[:8])}"
                                                            if serial else "It has no UART."),
                  "# console: " + (_plain(serial[0]) if serial else "NAME"), ""]
    lines += ["# The command that runs the image, if there is one; {bin} is the flat image, {elf} the ELF file.",
              "# run: [flash-my-board, \"{bin}\"]"]
    return "\n".join(lines) + "\n", tuple(blanks)


def _plain(text: str) -> str:
    """Names of a tree come from a file that nobody vouches for, and these go into comments."""
    return "".join(c if c.isprintable() else "?" for c in text)


def summary(out: str, result: Imported) -> str:
    board = result.board
    assert board is not None and board.controller is not None
    cores: dict[str, int] = {}
    for cpu in board.cpus:
        if cpu.enabled:
            cores[cpu.core] = cores.get(cpu.core, 0) + 1
    colors = coloring(board)
    broken = sum(bool(d.problems) for d in board.devices)
    lines = [f"{out}: {board.description}".rstrip(": "),
             f"  {board.arch}, CPUs: " + ", ".join(f"{n} {core}" for core, n in cores.items())
             + f", {board.controller.kind}"
             + (f", memory {size_text(sum(b.size for b in board.memory))}" if board.memory else "")
             + f", {sum(d.enabled for d in board.devices)} devices"
             + (f", {colors.count} cache colors at level {colors.cache.level}" if colors.cache and colors.count > 1
                else "")]
    if broken:
        lines.append(f"  {broken} device{'' if broken == 1 else 's'} could not be read whole; board show says which")
    lines.append(f"  to fill in in {os.path.join(out, 'board.yaml')}: {', '.join(result.to_fill_in)}")
    return "\n".join(lines)
