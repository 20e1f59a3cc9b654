# SPDX-License-Identifier: Apache-2.0
"""The finished image as an ELF file: what lies at which physical address, sections and symbols.

Source: System V ABI, "Object Files", "Sections", "Symbol Table" and "Program Loading". Every field is checked before
use.
"""
from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass, field

_LOAD = 1                       # p_type
_NOBITS = 8                     # sh_type
_ALLOC = 2                      # sh_flags
_SYMTAB, _STRTAB = 2, 3         # sh_type
MACHINES = {243: "RISC-V", 183: "AArch64", 40: "Arm"}


class NotAnImage(Exception):
    """The file cannot be judged at all: it is broken, or no image of Bulkhead. The text follows the file's name."""


@dataclass(frozen=True)
class Segment:
    """A PT_LOAD segment: `size` bytes of memory at a physical address, the first `file_size` of them from the file."""
    base: int
    size: int
    file_size: int
    offset: int                 # in the file
    virtual: int

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Section:
    name: str
    base: int
    size: int
    offset: int                 # in the file
    in_memory: bool             # SHF_ALLOC
    empty: bool                 # SHT_NOBITS: no bytes in the file

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Symbol:
    name: str
    value: int
    size: int


@dataclass(frozen=True)
class Elf:
    """Segments and sections are sorted by address. `data` is the whole file."""
    data: bytes
    bits: int
    machine: int
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    _bases: tuple[int, ...] = field(repr=False, default=())

    def read(self, address: int, size: int) -> bytes | None:
        """Bytes at a physical address; None where the image has not all of them. What a segment has in memory beyond
        the file is zeros."""
        if size < 0:
            return None
        found = []
        at = bisect_right(self._bases, address) - 1
        while True:                                     # segments that touch
            if at < 0 or at >= len(self.segments):
                return None
            segment = self.segments[at]
            if not segment.base <= address <= segment.end or address == segment.end and size:
                return None
            take = min(size, segment.end - address)
            start = address - segment.base
            data = self.data[segment.offset + start:segment.offset + min(start + take, segment.file_size)] \
                if start < segment.file_size else b""
            found.append(data + bytes(take - len(data)))
            address, size, at = address + take, size - take, at + 1
            if not size:
                return found[0] if len(found) == 1 else b"".join(found)

    def read_linked(self, address: int, size: int) -> bytes | None:
        """Bytes at an address as the hypervisor's code and data have it: by section. checks_tables compares sections
        with segments."""
        for section in self.sections:
            if section.in_memory and section.base <= address and address + size <= section.end and size >= 0:
                start = section.offset + address - section.base
                return bytes(size) if section.empty else self.data[start:start + size]
        return None

    def within(self, base: int, end: int) -> list["Segment"]:
        """The segments that have a part of a range of physical addresses."""
        first = max(bisect_right(self._bases, base) - 1, 0)
        last = bisect_right(self._bases, end - 1)
        return [s for s in self.segments[first:last] if s.base < end and base < s.end]

    def section(self, name: str) -> Section | None:
        return next((s for s in self.sections if s.name == name), None)

    def symbol(self, name: str) -> Symbol | None:
        """None where there is none, or several with different values."""
        found = {s.value: s for s in self.symbols if s.name == name}
        return next(iter(found.values())) if len(found) == 1 else None


def parse(data: bytes) -> Elf:
    """Raises NotAnImage."""

    def broken(why: str) -> NotAnImage:
        return NotAnImage(f"it is a damaged ELF file: {why}")

    if data[:4] != b"\x7fELF":
        raise NotAnImage("it is no ELF file")
    if len(data) < 64:
        raise broken("it ends inside its header")
    if data[4] not in (1, 2) or data[5] != 1:
        raise NotAnImage("it is no little-endian ELF file of 32 or 64 bits")
    bits = 32 * data[4]
    header = struct.unpack_from("<HHIQQQIHHHHHH" if bits == 64 else "<HHIIIIIHHHHHH", data, 16)
    kind, machine, _, entry, ph, sh, _, _, ph_size, ph_count, sh_size, sh_count, sh_names = header
    if machine not in MACHINES:
        raise NotAnImage(f"it is an ELF file for machine {machine}, which Bulkhead does not run on")
    if kind != 2:
        raise NotAnImage(f"it is no executable (its ELF type is {kind})")
    ph_form = struct.Struct("<IIQQQQQQ" if bits == 64 else "<IIIIIIII")
    sh_form = struct.Struct("<IIQQQQIIQQ" if bits == 64 else "<IIIIIIIIII")
    if ph_size < ph_form.size or ph + ph_count * ph_size > len(data):
        raise broken("its program headers lie outside it")
    if sh_size < sh_form.size or sh + sh_count * sh_size > len(data) or sh_names >= sh_count:
        raise broken("its section headers lie outside it")

    segments = []
    for i in range(ph_count):
        fields = ph_form.unpack_from(data, ph + i * ph_size)
        if bits == 64:
            sort, _, offset, virtual, physical, in_file, in_memory, _ = fields
        else:
            sort, offset, virtual, physical, in_file, in_memory, _, _ = fields
        if sort != _LOAD or not in_memory:
            continue
        if in_file > in_memory or offset + in_file > len(data):
            raise broken(f"segment {i} has more bytes than the file")
        if physical + in_memory > 1 << 64:
            raise broken(f"segment {i} passes the end of the address space")
        segments.append(Segment(physical, in_memory, in_file, offset, virtual))
    segments.sort(key=lambda s: s.base)
    for below, above in zip(segments, segments[1:]):
        if above.base < below.end:
            raise broken(f"two of its segments lie at {above.base:#x}")
    if not segments:
        raise broken("it has nothing to load")

    headers = [sh_form.unpack_from(data, sh + i * sh_size) for i in range(sh_count)]

    def text(table: int, at: int) -> str:
        start, size = headers[table][4], headers[table][5]
        end = data.find(b"\0", start + at, min(start + size, len(data)))
        return data[start + at:end].decode("utf-8", "replace") if end >= 0 else ""

    sections = []
    symbols: list[Symbol] = []
    for fields in headers:
        name_at, sort, flags, address, offset, size, link, _, _, entry_size = fields
        if not sort:
            continue
        if sort != _NOBITS and offset + size > len(data):
            raise broken(f"section {text(sh_names, name_at)} has more bytes than the file")
        sections.append(Section(text(sh_names, name_at), address, size, offset, bool(flags & _ALLOC), sort == _NOBITS))
        if sort == _SYMTAB and link < sh_count and headers[link][1] == _STRTAB:
            symbols += _symbols(data[offset:offset + size], bits, data, headers[link][4], headers[link][5])
    sections.sort(key=lambda s: (not s.in_memory, s.base, s.name))
    return Elf(data, bits, machine, entry, tuple(segments), tuple(sections), tuple(symbols),
               tuple(s.base for s in segments))


def _symbols(table: bytes, bits: int, data: bytes, strings: int, strings_size: int) -> list[Symbol]:
    found = []
    form = struct.Struct("<IBBHQQ" if bits == 64 else "<IIIBBH")
    for fields in form.iter_unpack(table[:len(table) // form.size * form.size]):
        if bits == 64:
            name_at, _, _, _, value, size = fields
        else:
            name_at, value, size, _, _, _ = fields
        if not name_at or name_at >= strings_size:
            continue
        end = data.find(b"\0", strings + name_at, strings + strings_size)
        if end >= 0:
            found.append(Symbol(data[strings + name_at:end].decode("utf-8", "replace"), value, size))
    return found
