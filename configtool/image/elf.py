# SPDX-License-Identifier: Apache-2.0
"""ELF executables: the program headers, and on RISC-V the attributes; nothing else of the file.

Source: System V ABI, "Object Files" and "Program Loading". An own reader, because only two structures are needed, each
field of which is checked before use: a wild header costs no time and no memory.
"""
from __future__ import annotations

import struct

from ..units import size_text
from . import riscv
from .file import LIMIT, BadFile
from .model import Image, Segment

MAGIC = b"\x7fELF"

_MACHINES = {3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC 64", 40: "Arm", 62: "x86-64", 183: "AArch64",
             243: "RISC-V",
             258: "LoongArch"}
_ARCHS = {(243, 64): "riscv64", (243, 32): "riscv32", (183, 64): "aarch64", (40, 32): "armv7"}
_RISCV = 243
_LOAD, _DYNAMIC, _INTERP = 1, 2, 3
_PROGRAM_HEADERS = 1024             # more than any linker script makes


def parse(data: bytes, path: str, name: str, arch: str) -> Image:
    """Raises BadFile with a code of rules/images.py."""

    def damaged(why: str) -> BadFile:
        return BadFile("BH0405", f"'{name}' is a damaged ELF file: {why}",
                       help=("copy or build it again; `readelf -l` shows what is in it",))

    if len(data) < 52:
        raise damaged("it ends inside its header")
    bits, order = {1: 32, 2: 64}.get(data[4]), {1: "<", 2: ">"}.get(data[5])
    if bits is None or order is None:
        raise damaged(f"class {data[4]}, data encoding {data[5]}")
    if bits == 64 and len(data) < 64:
        raise damaged("it ends inside its header")
    header = struct.unpack_from(order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"), data, 16)
    kind, machine, _, entry, table, sections, flags, _, entry_size, count, section_size, section_count, _ = header

    made_for = f"{bits}-bit {_MACHINES.get(machine, f'machine {machine}')}" + (", big-endian" if order == ">" else "")
    found = _ARCHS.get((machine, bits), "") if order == "<" else ""
    if found != arch:
        raise BadFile("BH0404", f"'{name}' is made for another processor", label=made_for,
                      notes=(f"the board is {arch}, the file is {made_for}",), help=(f"build it for {arch}",))
    if kind == 1:
        raise BadFile("BH0406", f"'{name}' is an object file that has not been linked",
                      help=("link it with an address",))
    if kind not in (2, 3):
        raise BadFile("BH0406", f"'{name}' is no executable", notes=(f"its ELF type is {kind}",))
    if count > _PROGRAM_HEADERS:
        raise damaged(f"{count} program headers")
    isa = riscv.extensions(data, bits, sections, section_size, section_count, flags) if machine == _RISCV else ()
    form = struct.Struct(order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))
    if count and entry_size < form.size:
        raise damaged(f"program headers of {entry_size} bytes")
    if table + count * entry_size > len(data):
        raise damaged("it ends before its program headers")

    top = 1 << bits
    parts: list[tuple[int, Segment]] = []
    for i in range(count):
        fields = form.unpack_from(data, table + i * entry_size)
        if bits == 64:
            sort, rights, offset, virtual, physical, in_file, in_memory, _ = fields
        else:
            sort, offset, virtual, physical, in_file, in_memory, rights, _ = fields
        if sort == _INTERP:
            raise BadFile("BH0406", f"'{name}' is a program for an operating system, not for a bare machine",
                          notes=("it asks for a dynamic loader (PT_INTERP)",),
                          help=("link it statically and freestanding, with the address of the guest's RAM",))
        if sort != _LOAD or in_memory == 0:
            continue
        if in_file > in_memory:
            raise damaged(f"segment {i} has {in_file:#x} bytes in the file for {in_memory:#x} in memory")
        if offset + in_file > len(data):
            raise damaged(f"segment {i} ends at {offset + in_file:#x}, the file at {len(data):#x}")
        if physical + in_memory > top or virtual + in_memory > top:
            raise damaged(f"segment {i} at {physical:#x} of {in_memory:#x} bytes passes the end of the address space")
        access = ("r" if rights & 4 else "") + ("w" if rights & 2 else "") + ("x" if rights & 1 else "")
        parts.append((virtual, Segment(physical, data[offset:offset + in_file], in_memory, access or "r")))
    if not parts:
        raise BadFile("BH0406", f"'{name}' has nothing to load", notes=("no PT_LOAD segment of it has a size",),
                      help=("link it with the address of the guest's RAM",))
    total = sum(s.size for _, s in parts)
    if total > LIMIT:
        raise BadFile("BH0403", f"'{name}' is larger in memory than an image can be",
                      notes=(f"its segments have {total} bytes ({size_text(total)}), bss included; "
                             f"at most {LIMIT} ({size_text(LIMIT)}) are taken",),
                      help=("bss is zeros in the flat image: let the guest clear large buffers itself",))

    parts.sort(key=lambda p: p[1].at)
    segments = tuple(s for _, s in parts)
    for before, after in zip(segments, segments[1:]):
        if before.end > after.at:
            raise damaged(f"its segments at {before.at:#x} and {after.at:#x} overlap")
    for virtual, segment in parts:          # e_entry is virtual; the machine starts with translation off
        if virtual <= entry < virtual + segment.size:
            entry += segment.at - virtual
            break
    return Image(path, "elf", found, segments, entry, isa=isa)
