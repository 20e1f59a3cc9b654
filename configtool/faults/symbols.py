# SPDX-License-Identifier: Apache-2.0
"""Functions and lines of an ELF file by address. A file that has none, or is damaged, has nothing to say."""
from __future__ import annotations

import os
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from elftools.dwarf.compileunit import CompileUnit

_LARGEST = 1 << 30
_MOST_UNITS = 20_000


class Where(NamedTuple):
    """`function` and `offset` into it; `file` and `line` of the source, '' and 0 where they are not known."""
    function: str
    offset: int
    file: str
    line: int


class Symbols:
    """`moved`: how far the code runs from where it is linked."""

    def __init__(self, path: str, moved: int = 0) -> None:
        self.path, self.moved = path, moved
        self.problem = ""
        self._functions: list[tuple[int, int, str]] = []
        self._starts: list[int] = []
        self._code: list[tuple[int, bytes]] = []
        self._dwarf: Any = None
        try:
            self._load()
        except Exception as error:      # whatever pyelftools makes of damaged bytes
            self.problem = f"cannot be read as an ELF file ({type(error).__name__})"

    def _load(self) -> None:
        from io import BytesIO

        from elftools.elf.elffile import ELFFile

        from ..source import Unreadable, read_file

        try:
            data = read_file(self.path, _LARGEST)
        except Unreadable as problem:
            self.problem = f"cannot be read: {problem}"
            return
        elf = ELFFile(BytesIO(data))
        table = elf.get_section_by_name(".symtab")
        found: dict[int, tuple[bool, int, str]] = {}
        for symbol in table.iter_symbols() if table is not None else ():
            kind = symbol["st_info"]["type"]
            code = symbol["st_shndx"] != "SHN_UNDEF" and (kind == "STT_FUNC" or kind == "STT_NOTYPE")
            if code and symbol.name and not symbol.name.startswith(("$", ".L")):
                known = found.get(symbol["st_value"])
                if known is None or known[0] < (kind == "STT_FUNC"):
                    found[symbol["st_value"]] = (kind == "STT_FUNC", symbol["st_size"], symbol.name)
        self._functions = [(at, found[at][1], found[at][2]) for at in sorted(found)]
        self._starts = [f[0] for f in self._functions]
        self._code = [(s["sh_addr"], s.data()) for s in elf.iter_sections()
                      if s["sh_flags"] & 4 and s["sh_type"] != "SHT_NOBITS"]                # SHF_EXECINSTR
        self._dwarf = elf.get_dwarf_info() if elf.has_dwarf_info() else None

    def extents(self) -> list[tuple[int, int]]:
        """Where its code runs: first address and the one behind the last, of each section."""
        return [(base + self.moved, base + self.moved + len(data)) for base, data in self._code]

    def holds(self, address: int) -> bool:
        """It is an address of this file's code."""
        return any(base <= address - self.moved < base + len(data) for base, data in self._code)

    def code(self, address: int, size: int) -> bytes:
        """Bytes of code; fewer where there are none."""
        for base, data in self._code:
            if base <= address - self.moved < base + len(data):
                return data[address - self.moved - base:][:size]
        return b""

    def where(self, address: int, back: int = 0) -> Where | None:
        """`back`: 1 for a return address, whose call stands before it. None: nothing is known of it."""
        at = address - self.moved - back
        if not any(base <= at < base + len(data) for base, data in self._code):
            return None
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return None
        start, _, name = self._functions[index]
        try:
            file, line = self._line(at)
        except Exception:
            file, line = "", 0
        return Where(name, at + back - start, file, line)

    def _line(self, at: int) -> tuple[str, int]:
        if self._dwarf is None:
            return "", 0
        ranges = self._dwarf.get_aranges()
        offset = ranges.cu_offset_at_addr(at) if ranges is not None else None
        if offset is not None:
            return self._in_unit(self._dwarf.get_CU_at(offset), at)
        for number, unit in enumerate(self._dwarf.iter_CUs()):
            if number == _MOST_UNITS:
                break
            found = self._in_unit(unit, at)
            if found[1]:
                return found
        return "", 0

    @lru_cache(maxsize=64)
    def _rows(self, offset: int) -> list[tuple[int, int, str, int]]:
        unit: "CompileUnit" = self._dwarf.get_CU_at(offset)
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return []
        directory = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
        base = directory.value.decode("utf-8", "replace") if directory else ""
        names = _names(program, base)
        rows: list[tuple[int, int, str, int]] = []
        last = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if last is not None and state.address > last[0]:
                rows.append((last[0], state.address, last[1], last[2]))
            last = None if state.end_sequence else (state.address, names.get(state.file, ""), state.line)
        return rows

    def _in_unit(self, unit: "CompileUnit", at: int) -> tuple[str, int]:
        for first, end, file, line in self._rows(unit.cu_offset):
            if first <= at < end and line:
                return file, line
        return "", 0


def _names(program: Any, base: str) -> dict[int, str]:
    """Paths by the number that the line program uses (DWARF 5 counts files and folders from 0, older ones from 1)."""
    five = program["version"] >= 5
    folders = [d if isinstance(d, bytes) else d.DW_LNCT_path for d in program["include_directory"]]
    texts = [f.decode("utf-8", "replace") for f in folders]
    found = {}
    for number, entry in enumerate(program["file_entry"], 0 if five else 1):
        index = entry.dir_index - (0 if five else 1)
        folder = texts[index] if 0 <= index < len(texts) else ""
        name = entry.name.decode("utf-8", "replace")
        found[number] = os.path.normpath(os.path.join(base, folder, name))
    return found


def locate(path: str, folders: list[str]) -> str | None:
    """Where a source file lies that debug information names; None: nowhere."""
    for folder in ("", *folders):
        full = os.path.join(folder, path)
        if os.path.isfile(full):
            return os.path.relpath(full) if not os.path.relpath(full).startswith("..") else full
    return None


def is_call(arch: str, before: bytes) -> bool:
    """The code that ends where `before` (4 bytes) ends is a call: what stands before a return address.
    RISC-V: jal, jalr, c.jal, c.jalr with ra; AArch64: bl, blr."""
    if len(before) < 4:
        return False
    word = int.from_bytes(before, "little")
    if arch == "aarch64":
        return word >> 26 == 0b100101 or word & 0xfffffc1f == 0xd63f0000
    half = word >> 16
    if word & 0xfff in (0x0ef, 0x0e7) and (word & 0x7f == 0x6f or word & 0x707f == 0x67):
        return True
    return half & 0xf07f == 0x9002 and half & 0xf80 != 0 or (arch == "riscv32" and half & 0xe003 == 0x2001)
