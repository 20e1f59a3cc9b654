# SPDX-License-Identifier: Apache-2.0
"""configtool board show: a board to read, as text for people and as JSON for programs."""
from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Iterator, Sequence

from ..source import Span
from ..units import size_text
from .assign import KEPT, guarded
from .caches import coloring, computed
from .memory import usable
from .model import Board, Cache, Cpu, Device


if TYPE_CHECKING:
    from ..diagnostics import Sink


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", nargs="?",
                        help="a board by name, its folder, or a .dts or .dtb file; "
                        "left out: the boards that there are")
    parser.add_argument("--json", action="store_true", help="everything that is known, for programs")


def main(arguments: list[str]) -> int:
    from ..cli.common import parser
    from ..diagnostics import Sink, UsageError
    from ..render.text import Renderer
    from .load import board_names

    made = parser("board show", "Show a board: its CPUs, memory, interrupt controller, caches and devices.")
    add_arguments(made)
    given = made.parse_args(arguments)
    if given.board is None:
        print(json.dumps(board_names(), indent=1) if given.json else "\n".join(_summaries(board_names())))
        return 0
    sink = Sink()
    board = _find(given.board, sink)
    found = sink.diagnostics
    if found and all(d.code == "BH0801" for d in found):
        raise UsageError("; ".join([found[0].message, *found[0].help[:1]]))
    if found:
        color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        sys.stderr.write(Renderer(sink.texts, color).render(found))
    if board is None:
        return 1
    if given.json:
        print(json.dumps(to_json(board), indent=1, ensure_ascii=False))
    else:
        print("\n".join(text(board)))
    return 1 if sink.has_errors else 0


def _find(name: str, sink: "Sink") -> Board | None:
    """As load_board, but a device tree alone is shown as well, as far as it goes."""
    from .load import bare_board, board_names, load_board

    if "/" not in name and os.path.isdir(name) and name not in board_names():
        name = f"./{name}"
    beside = os.path.join(os.path.dirname(name), "board.yaml")
    if name.endswith((".dts", ".dtb")) and os.path.exists(name) and not os.path.exists(beside):
        return bare_board(name, sink)
    return load_board(name, Span(name), "", sink)


def _summaries(names: list[str]) -> Iterator[str]:
    from ..diagnostics import Sink
    from .load import BOARDS, description

    for name in names:
        yield f"{name:28} {description(os.path.join(BOARDS, name), Sink())}".rstrip()


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Columns as wide as they need to be, the first row their titles."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [(indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))).rstrip() for row in rows]


def text(board: Board) -> list[str]:
    lines = [board.name + (f": {board.description}" if board.description else ""),
             f"  {board.arch or 'unknown architecture'}, {board.dts}"]
    if board.yaml_span:
        lines.append(f"  starts at {board.load:#x} by {board.boot}")
    lines += ["", f"CPUs ({sum(c.enabled for c in board.cpus)})"]
    riscv = board.arch.startswith("riscv")
    rows: list[tuple[str, ...]] = [("name", "hart" if riscv else "MPIDR", "core", "cluster", "")]
    rows += [(c.name, str(c.id) if riscv else f"{c.id:#x}", c.core, c.cluster or "-", _cpu_notes(c, board.psci))
             for c in board.cpus]
    lines += table(rows)
    lines += ["", f"Memory ({_size(sum(b.size for b in board.memory))})" if board.memory
              else "Memory: left to the boot loader"]
    rows = [("from", "to", "size", "")]
    parts = [(base, size, "free") for base, size in usable(board.memory, board.reserved)]
    parts += [(r.base, r.size, r.name) for r in board.reserved]
    rows += [(f"{base:#x}", f"{base + size - 1:#x}", _size(size), what) for base, size, what in sorted(parts)]
    lines += table(rows) if parts else []
    lines += ["", *_controller(board)]
    if board.console:
        options = f", {board.console_options}" if board.console_options else ""
        lines += [f"Console: {_short(board, board.console)}{options}"]
    caches = [c for c in board.caches if c.level > 1 or len(c.cpus) > 1]
    if caches:
        lines += ["", "Caches beyond level 1"]
        lines += table([("name", "level", "size", "ways", "shared by", "colors"), *(_cache(c, board) for c in caches)])
    lines += ["", *_colors(board)]
    lines += ["", f"Devices ({len(board.devices)})"]
    rows = [("name", "known as", "registers", "interrupts", "DMA", "")]
    lines += table(rows + [_device(board, d) for d in board.devices])
    return lines


def _size(size: int) -> str:
    """As exact as a person wants it."""
    rounded = f"{size / (1 << 20):.1f}"
    return size_text(size) if size < 1 << 20 or rounded.endswith(".0") else f"{rounded}MiB"


def _cpu_notes(cpu: Cpu, psci: str) -> str:
    notes = []
    if cpu.isa:
        known = [e for e in ("sstc", "svpbmt", "smaia", "ssaia", "sscofpmf", "v", "zicbom") if e in cpu.isa]
        letters = "".join(e for e in cpu.isa if len(e) == 1 and e not in "iv")
        notes.append(" ".join([cpu.isa_base + letters, *known]))
    if cpu.enable_method:
        how = f" by {psci}" if psci and cpu.enable_method == "psci" else ""
        where = f" at {cpu.release_addr:#x}" if cpu.release_addr is not None else ""
        notes.append(cpu.enable_method + how + where)
    if not cpu.enabled:
        notes.append("disabled")
    elif not cpu.virtualisation:
        notes.append("no virtualisation")
    return ", ".join(notes)


def _controller(board: Board) -> list[str]:
    made = board.controller
    if made is None:
        return ["Interrupt controller: none that Bulkhead knows"]
    line = f"Interrupt controller: {made.kind}, {_short(board, made.path)}"
    if made.registers:
        line += f" at {made.registers[0][0]:#x}"
    if not made.kind.startswith("gic"):
        line += f", {made.sources} sources"
    if made.its:
        line += ", ITS at " + ", ".join(f"{base:#x}" for base, _ in made.its)
    if made.imsic:
        guests = (1 << made.guest_index_bits) - 1
        line += f", IMSIC at {made.imsic[0][0]:#x} with {made.ids} identities and {guests} guest files"
    if not made.virtual:
        line += ", no virtual CPU interface"
    return [line]


def _colors(board: Board) -> list[str]:
    made = coloring(board)
    if made.problem:
        return [f"Colors: none: {made.problem}"]
    lines = [f"Colors: {made.count}, as {computed(made.cache)}"] if made.cache else []
    if len(made.shared) > 1:
        lines.append("  of the shared caches, the one with the fewest decides: "
                     + ", ".join(f"{c.name} {c.colors}" for c in made.shared))
    own = [c for c in board.caches if c not in made.shared and c.holds_data and c.colors > 1]
    if own:
        each = ", ".join(f"{c.name} ({c.colors} colors)" for c in own[:4]) + (", ..." if len(own) > 4 else "")
        lines.append(f"  a VM with a part of them has the same part of its CPUs' own caches: {each}")
    return lines


def _cache(cache: Cache, board: Board) -> tuple[str, ...]:
    names = [c.name for c in board.cpus if c.index in cache.cpus]
    who = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" if len(names) > 2 else " ".join(names)
    return (cache.name, str(cache.level), size_text(cache.size) if cache.size else "?", str(cache.ways or "?"), who,
            "hashed" if cache.index == "hashed" else str(cache.colors or "?"))


def _short(board: Board, path: str) -> str:
    device = next((d for d in board.devices if d.path == path), None)
    return (device.label or device.name) if device else path


def _provider(board: Board, path: str) -> str:
    """The device that a dependency leads to; '' where that is none (a fixed clock)."""
    paths = {d.path for d in board.devices}
    while path and path not in paths:
        path = path.rpartition("/")[0]
    return _short(board, path) if path else ""


def _device(board: Board, device: Device) -> tuple[str, ...]:
    known = [n for n in (device.label, *device.aliases) if n]
    registers = [f"{base:#x}+{size_text(size) if size % 1024 == 0 else hex(size)}" for base, size in device.registers]
    path = board.controller.path if board.controller else ""
    numbers = [str(i.number) for i in device.interrupts if i.controller == path]
    others = sorted({i.controller for i in device.interrupts if i.controller != path})
    dma = "?" if device.dma_master is None else "-"
    if device.dma_master:
        dma = "IOMMU" if guarded(board, device) else "all memory"
    notes = []
    if not device.enabled:
        notes.append("disabled")
    if device.kind in KEPT:
        notes.append({"clint": "firmware's", "power": "acts on the whole board"}.get(device.kind, "the hypervisor's"))
    elif device.path == board.console:
        notes.append("console")
    if device.iommus:
        notes.append("stream ids " + _few([f"{s:#x}" for _, s in device.iommus], 3))
    if others:
        notes.append("interrupts at " + _few([_short(board, p).rpartition("/")[2] for p in others], 3))
    providers = [name for name in dict.fromkeys(_provider(board, p) for _, p in device.depends) if name]
    if providers:
        notes.append("needs " + _few(providers, 4))
    notes += [message for message, _ in device.problems]
    return (device.name, " ".join(known) or "-", _few(registers, 2) or "-", _few(numbers, 4) or "-", dma,
            "; ".join(notes))


def _few(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" +{len(names) - most}" if len(names) > most else "")


def to_json(board: Board) -> dict[str, object]:
    """Everything but the tree itself; numbers are numbers, paths are the device tree's."""
    made = board.controller
    return {
        "name": board.name, "description": board.description, "arch": board.arch, "dts": board.dts, "load": board.load,
        "boot": board.boot, "timebase": board.timebase, "psci": board.psci, "console": board.console,
        "console_options": board.console_options, "run": list(board.run), "run_notes": board.run_notes,
        "keeps_ram": board.keeps_ram,
        "cpus": [{"name": c.name, "path": c.path, "label": c.label, "id": c.id, "enabled": c.enabled, "core": c.core,
                  "virtualisation": c.virtualisation, "compatible": list(c.compatible), "isa_base": c.isa_base,
                  "isa": list(c.isa),
                  "mmu_type": c.mmu_type, "cluster": c.cluster, "enable_method": c.enable_method,
                  "release_addr": c.release_addr} for c in board.cpus],
        "memory": [{"base": b.base, "size": b.size, "name": b.name} for b in board.memory],
        "reserved": [{"base": r.base, "size": r.size, "name": r.name, "kind": r.kind} for r in board.reserved],
        "interrupt_controller": None if made is None else {
            "kind": made.kind, "path": made.path, "registers": [list(r) for r in made.registers],
            "sources": made.sources,
            "contexts": {str(hart): made.contexts[hart] for hart in sorted(made.contexts)},
            "its": [list(r) for r in made.its],
            "imsic": [list(r) for r in made.imsic], "ids": made.ids, "guest_index_bits": made.guest_index_bits,
            "virtual": made.virtual},
        "caches": [{"name": c.name, "level": c.level, "size": c.size, "line": c.line, "sets": c.sets,
                    "colors": c.colors,
                    "unified": c.unified, "index": c.index, "model": c.model, "cpus": [board.cpus[i].name for i in c.cpus]} for c in board.caches],
        "colors": {"count": coloring(board).count, "how": coloring(board).how},
        "devices": [{"name": d.name, "path": d.path, "label": d.label, "aliases": list(d.aliases), "kind": d.kind,
                     "compatible": list(d.compatible), "enabled": d.enabled,
                     "registers": [list(r) for r in d.registers], "windows": [list(w) for w in d.windows],
                     "interrupts": [{"number": i.number, "trigger": i.trigger, "controller": i.controller}
                                    for i in d.interrupts],
                     "dma_master": d.dma_master, "iommus": [{"iommu": p, "stream_id": s} for p, s in d.iommus],
                     "depends": [{"what": w, "on": p} for w, p in d.depends],
                     "problems": [message for message, _ in d.problems]} for d in board.devices],
    }
