# SPDX-License-Identifier: Apache-2.0
"""The files that a report rests on, each by its SHA-256, so that anybody can tell later whether theirs are the same."""
from __future__ import annotations

import hashlib
import os

from ..board.model import Board
from ..source import Unreadable, read_file
from ..system import System
from .elf import Elf
from .report import Input

_LARGEST = 4 << 30
_GAPS = 64 << 20               # bytes of the flat file that no segment fills
_INCLUDED = "included device tree"


def inputs(system: System, board: Board) -> tuple[Input, ...]:
    """Descriptions, board, guests' files: in that order, each file once."""
    wanted = [("description" if path == system.file else "extended description", path)
              for path in system.sources or (system.file,)]
    if board.yaml_span is not None:
        wanted.append(("board", board.yaml_span.file))
    wanted.append(("device tree", board.dts))
    if board.root is not None:
        parts = {span.file for node in board.root.walk() for span in node.places}
        wanted += [(_INCLUDED, path) for path in sorted(parts) if os.path.isfile(path)]
    for vm in system.vms:
        wanted += [(f"image of {vm.name}", ref.path) for ref in vm.images]
        if vm.linux and vm.linux.initrd_path:
            wanted.append((f"initrd of {vm.name}", vm.linux.initrd_path))
        wanted += [(f"device tree of {vm.name}", found[0]) for found in (vm.devicetree_file, vm.devicetree_extra)
                   if found]
    found: dict[str, list[str]] = {}
    for role, path in wanted:
        roles = found.setdefault(os.path.normpath(path), [])
        if role not in roles and not (roles and role == _INCLUDED):
            roles.append(role)
    return tuple(_input(", ".join(roles), path) for path, roles in found.items())


def _input(role: str, path: str) -> Input:
    try:
        data = read_file(path, _LARGEST)
    except Unreadable as reason:
        return Input(role, path, 0, "", str(reason))
    return Input(role, path, len(data), hashlib.sha256(data).hexdigest())


def flat(elf: Elf) -> str:
    """SHA-256 of the flat file (bulkhead.bin) that holds what the segments do; '' where they overlap or lie so far apart
    that nobody makes one."""
    parts = sorted((s.base, s.offset, s.file_size) for s in elf.segments if s.file_size)
    if not parts or parts[-1][0] - parts[0][0] > 4 * len(elf.data) + _GAPS:
        return ""
    made, at = hashlib.sha256(), parts[0][0]
    for base, offset, length in parts:
        if base < at:
            return ""                   # image-file says so
        for gap in range(at, base, 1 << 20):
            made.update(bytes(min(base - gap, 1 << 20)))
        made.update(elf.data[offset:offset + length])
        at = base + length
    return made.hexdigest()
