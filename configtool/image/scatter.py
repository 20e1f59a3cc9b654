# SPDX-License-Identifier: Apache-2.0
"""The linked image with each page where the plan wants it, and the flat file of that: cache colours leave nothing
physically in one piece. Done on the desktop, so that nothing moves at boot.

The file keeps its bytes, sections, symbols and debug information. Its program headers are replaced: one for each piece
that is physically in one, with its physical address. The hypervisor's sections keep their virtual addresses; tables and
payloads, which the hypervisor does not see there, have none but the physical one, and are no longer marked as memory, so
that no tool believes their section's address.
"""
from __future__ import annotations

import struct
from typing import Iterator

from ..diagnostics import UsageError

_LOAD, _ALLOC, _WRITE, _EXECUTE = 1, 2, 1, 4
_OWN = (".text", ".rodata", ".data")
_MOST = 0xfffe                  # program headers that the ELF header can count


class _Form:
    """Layout of ELF32 or ELF64, little-endian (System V ABI, "ELF Header", "Sections", "Program Header")."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != b"\x7fELF" or len(data) < 64 or data[4] not in (1, 2):
            raise UsageError("it is no ELF file")
        self.wide = data[4] == 2
        self.header = struct.Struct("<HHIQQQIHHHHHH" if self.wide else "<HHIIIIIHHHHHH")
        self.program = struct.Struct("<IIQQQQQQ" if self.wide else "<IIIIIIII")
        self.section = struct.Struct("<IIQQQQIIQQ" if self.wide else "<IIIIIIIIII")

    def load(self, flags: int, offset: int, virtual: int, physical: int, size: int) -> bytes:
        if self.wide:
            return self.program.pack(_LOAD, flags, offset, virtual, physical, size, size, 4096)
        return self.program.pack(_LOAD, offset, virtual, physical, size, size, flags, 4096)


def scatter(linked: bytes, pieces: str) -> bytes:
    """`pieces`: lines of section, offset in it, physical address, bytes (emit/linker.py). Raises UsageError."""
    form, out = _Form(linked), bytearray(linked)
    fields = list(form.header.unpack_from(linked, 16))
    table, each, count, names = fields[5], fields[10], fields[11], fields[12]
    headers = [form.section.unpack_from(linked, table + i * each) for i in range(count)]
    strings = headers[names][4]
    sections = {}
    for i, header in enumerate(headers):
        name = linked[strings + header[0]:linked.index(b"\0", strings + header[0])].decode()
        sections[name] = header
        if header[2] & _ALLOC and name not in _OWN:
            form.section.pack_into(out, table + i * each, *header[:2], header[2] & ~_ALLOC, *header[3:])
    loads: list[tuple[int, int, int, int, int]] = []        # physical, offset, virtual, size, flags
    for line in pieces.splitlines():
        name, *numbers = line.split()
        at, physical, size = (int(n, 0) for n in numbers)
        if name not in sections:
            raise UsageError(f"it has no section {name}")
        _, _, flags, address, offset, length, *_ = sections[name]
        size = min(size, length - at)
        if size <= 0:
            continue
        own = name in _OWN
        rights = 4 | (2 if own and flags & _WRITE else 0) | (1 if own and flags & _EXECUTE else 0)
        loads.append((physical, offset + at, address + at if own else physical, size, rights))
    loads.sort()
    joined: list[tuple[int, int, int, int, int]] = []
    for load in loads:
        if joined:
            physical, offset, virtual, size, rights = joined[-1]
            if load == (physical + size, offset + size, virtual + size, load[3], rights):
                joined[-1] = (physical, offset, virtual, size + load[3], rights)
                continue
        joined.append(load)
    if len(joined) > _MOST:
        raise UsageError(f"it lies in {len(joined)} pieces, and an ELF file has {_MOST} at most: give the largest VM colors "
                         "in a row, or put its image into a region with more colors")
    out += bytes(-len(out) % 16)
    fields[4], fields[9] = len(out), len(joined)            # e_phoff, e_phnum
    for physical, offset, virtual, size, rights in joined:
        out += form.load(rights, offset, virtual, physical, size)
    form.header.pack_into(out, 16, *fields)
    return bytes(out)


def segments(elf: bytes) -> Iterator[tuple[int, bytes]]:
    """(physical address, bytes) of each piece."""
    form = _Form(elf)
    fields = form.header.unpack_from(elf, 16)
    for i in range(fields[9]):
        entry = form.program.unpack_from(elf, fields[4] + i * fields[8])
        kind, offset, physical, size = (entry[0], entry[2], entry[4], entry[5]) if form.wide else \
            (entry[0], entry[1], entry[3], entry[4])
        if kind == _LOAD and size:
            yield physical, elf[offset:offset + size]


def flat(elf: bytes) -> bytes:
    """The file that a boot loader puts to the load address: all pieces, zeros between."""
    found = sorted(segments(elf))
    base = found[0][0]
    out = bytearray(max(at + len(data) for at, data in found) - base)
    for at, data in found:
        out[at - base:at - base + len(data)] = data
    return bytes(out)
