# SPDX-License-Identifier: Apache-2.0
"""The value that the hypervisor's entry code writes to satp, from the instructions themselves.

A straight run of instructions is followed from the symbol where every hart starts, with only those understood that
build constants. Source: RISC-V Unprivileged ISA, "RV32I", "RV64I" and "C" for the encodings; Zicsr for CSR
instructions.
"""
from __future__ import annotations

from bisect import bisect_right

from .elf import Elf, NotAnImage

START = "hart_start"
_SATP = 0x180
_MOST = 64                          # instructions from START to the write of satp


def satp(elf: Elf) -> int:
    """Raises NotAnImage when the code is not of the form that entry.S has."""
    start = elf.symbol(START)
    text = elf.section(".text")
    if start is None or text is None:
        raise NotAnImage(f"it has no symbol '{START}' in .text: it is no image of Bulkhead")
    code = elf.read_linked(text.base, text.size) or b""
    found = _run(code, start.value - text.base, elf.bits)
    writes = _writes(elf, code, text.base)
    if found is None or writes != [found[0] + text.base]:
        places = ", ".join(f"{w:#x}" for w in writes) or "nowhere"
        raise NotAnImage(f"the constant that '{START}' writes to satp cannot be told (satp is written at: {places})")
    return found[1]


def _run(code: bytes, at: int, bits: int) -> tuple[int, int] | None:
    """(offset of the instruction that writes satp, value written)."""
    known: dict[int, int] = {0: 0}
    mask = (1 << bits) - 1
    for _ in range(_MOST):
        if not 0 <= at <= len(code) - 2:
            return None
        word = int.from_bytes(code[at:at + 4], "little")
        if word & 3 != 3:
            rd, value = _compressed(word & 0xffff, known, bits)
            at += 2
        else:
            rd, value = _full(word, known, bits)
            if word & 0x7f == 0x73 and word >> 20 == _SATP:
                source = known.get(word >> 15 & 31)
                return (at, source) if word >> 12 & 7 == 1 and source is not None else None     # csrrw
            if word & 0x7f in (0x63, 0x67, 0x6f):       # branches and jumps: the run is not straight
                return None
            at += 4
        if rd is None:
            known = {0: 0}
        elif rd:
            known.pop(rd, None)
            if value is not None:
                known[rd] = value & mask
    return None


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def _full(word: int, known: dict[int, int], bits: int) -> tuple[int | None, int | None]:
    """(register written, 0: none; its value, None: not known)."""
    opcode, rd, sort, rs = word & 0x7f, word >> 7 & 31, word >> 12 & 7, known.get(word >> 15 & 31)
    immediate = _signed(word >> 20, 12)
    if opcode == 0x37:                                              # lui
        return rd, _signed(word & 0xfffff000, 32)
    if opcode == 0x13 and rs is not None:
        if sort == 0:                                               # addi
            return rd, rs + immediate
        if sort == 1:                                               # slli
            return rd, rs << (immediate & bits - 1)
        if sort == 5 and not word >> 30 & 1:                        # srli
            return rd, rs >> (immediate & bits - 1)
        if sort == 6:                                               # ori
            return rd, rs | immediate
    if opcode == 0x1b and sort == 0 and rs is not None:             # addiw
        return rd, _signed(rs + immediate & 0xffffffff, 32)
    return (0 if opcode in (0x23, 0x63) else rd), None              # stores and branches write no register


def _compressed(word: int, known: dict[int, int], bits: int) -> tuple[int | None, int | None]:
    """The same; register None: it may write any."""
    quadrant, sort, rd = word & 3, word >> 13, word >> 7 & 31
    immediate = _signed(word >> 7 & 0x20 | word >> 2 & 0x1f, 6)
    if quadrant == 1 and sort == 2:                                 # c.li
        return rd, immediate
    if quadrant == 1 and sort == 3 and rd != 2:                     # c.lui
        return rd, immediate << 12
    if quadrant == 1 and sort == 0:                                 # c.addi
        return rd, known[rd] + immediate if rd in known else None
    if quadrant == 1 and sort == 1 and bits == 64:                  # c.addiw
        return rd, _signed(known[rd] + immediate & 0xffffffff, 32) if rd in known else None
    if quadrant == 2 and sort == 0:                                 # c.slli
        return rd, known[rd] << (immediate & 0x3f) if rd in known else None
    return None, None


def _writes(elf: Elf, code: bytes, base: int) -> list[int]:
    """Addresses of all instructions that may write satp, instructions counted from each symbol on."""
    found: list[int] = []
    starts = sorted({s.value for s in elf.symbols if base <= s.value < base + len(code)
                     and not s.name.startswith("$d")})
    at = 0
    while True:
        at = _next(code, at)
        if at < 0:
            return found
        anchor = starts[bisect_right(starts, base + at) - 1] - base if starts and starts[0] <= base + at else 0
        while anchor < at:
            anchor += 2 if code[anchor] & 3 != 3 else 4
        if anchor == at:
            found.append(base + at)
        at += 2


def _next(code: bytes, at: int) -> int:
    """The next place from `at` on that holds the bytes of a CSR instruction that writes satp; -1: none."""
    while True:
        hit = code.find(_SATP >> 4, at + 3)         # the last byte of the instruction
        if hit < 0:
            return -1
        at = hit - 3
        word = int.from_bytes(code[at:at + 4], "little")
        sort, source = word >> 12 & 3, word >> 15 & 31
        if at % 2 == 0 and word & 0x7f == 0x73 and word >> 20 == _SATP and sort and (sort == 1 or source):
            return at                               # csrrs and csrrc with x0 or 0 only read
        at += 1
