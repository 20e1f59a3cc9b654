# SPDX-License-Identifier: Apache-2.0
"""The constants that the hypervisor's code writes to registers of the translation regimes, from its instructions.

Constants are followed in a straight line; where a branch may arrive, nothing is known. Source: Arm Architecture
Reference Manual for A-profile, DDI 0487, C6.2 (instructions) and C5.1 (system registers).
"""
from __future__ import annotations

from dataclasses import dataclass

from .elf import Elf, NotAnImage

# op0, op1, CRn, CRm, op2 as they stand in bits 20..5 of MSR.
_REGISTERS = {"mair_el2": (3, 4, 10, 2, 0), "tcr_el2": (3, 4, 2, 0, 2), "ttbr0_el2": (3, 4, 2, 0, 0),
              "vtcr_el2": (3, 4, 2, 1, 2), "hcr_el2": (3, 4, 1, 1, 0), "sctlr_el2": (3, 4, 1, 0, 0)}
_NAMES = {op0 << 14 | op1 << 11 | n << 7 | m << 3 | op2: name for name, (op0, op1, n, m, op2) in _REGISTERS.items()}
_RESTART = ("arch_guest_fill", "use_tables")        # where ttbr0_el2 takes a VM's restore_table
# What runs with the MMU off, to read a word of a guest: from behind the write that switches it off to the one that switches
# it on. ISB; DC CVAC, X0; DSB SY; LDR W0, [X0]; DSB SY; B to the last but one; MOV X0, #-1; two MOVs to X9; MSR; ISB; RET.
_WITHOUT_MMU = (0xd5033fdf, 0xd50b7a20, 0xd5033f9f, 0xb9400000, 0xd5033f9f, 0x14000002, 0x92800000, None, None,
                0xd51c1009, 0xd5033fdf, 0xd65f03c0)
_ALL = (1 << 64) - 1
_MSR = 0xd5100000                   # MSR (register), op0 2 or 3
_IMO = 1 << 4                       # HCR_EL2: interrupts of Group 1 go to EL2
_REACH = 48                         # instructions before a write in which its constant is made


@dataclass(frozen=True)
class Constants:
    mair: int
    tcr: int
    ttbr0: int
    vtcr: int


def constants(elf: Elf) -> Constants:
    """Raises NotAnImage where the code is not of the form that it should have."""
    text = elf.section(".text")
    code = elf.read_linked(text.base, text.size) if text else None
    if text is None or code is None:
        raise NotAnImage("it has no section .text: it is no image of Bulkhead")
    found: dict[str, set[int]] = {name: set() for name in _REGISTERS}
    for name, address, value in _writes(elf, code, text.base):
        if name == "sctlr_el2" and value is not None and not value & 1:
            _without_mmu(elf, address)
        elif value is not None:
            found[name].add(value)
        elif name != "ttbr0_el2" or _function(elf, address) not in _RESTART:
            raise NotAnImage(f"the value that its code writes to {name} at {address:#x} cannot be told")
    with_irqs = {value | _IMO for value in found["hcr_el2"]}
    if len(found["hcr_el2"]) == 2 and len(with_irqs) == 1:      # on a CPU whose interrupts are its guest's
        found["hcr_el2"] = with_irqs
    for name, values in found.items():
        if len(values) != 1:
            raise NotAnImage(f"its code writes {', '.join(map(hex, sorted(values))) or 'nothing'} to {name}")
    one = {name: values.pop() for name, values in found.items()}
    hcr, sctlr = one["hcr_el2"], one["sctlr_el2"]
    if not hcr & 1 or hcr >> 46 & 1 or hcr >> 34 & 1:
        raise NotAnImage(f"its hcr_el2 {hcr:#x} does not switch stage 2 on as is understood (VM, FWB, E2H)")
    if not sctlr & 1 or not sctlr >> 19 & 1 or sctlr >> 25 & 1:
        raise NotAnImage(f"its sctlr_el2 {sctlr:#x} does not switch the MMU on as is understood (M, WXN, EE)")
    return Constants(one["mair_el2"], one["tcr_el2"], one["ttbr0_el2"], one["vtcr_el2"])


def _without_mmu(elf: Elf, address: int) -> None:
    """What follows a write that switches the MMU off is the one load that this is for, and the MMU goes on again."""
    code = elf.read_linked(address + 4, 4 * len(_WITHOUT_MMU)) or b""
    words = memoryview(code).cast("I").tolist()
    if len(words) != len(_WITHOUT_MMU) or any(is_ not in (word, None) for word, is_ in zip(words, _WITHOUT_MMU)):
        raise NotAnImage(f"its code switches the MMU off at {address:#x} and does not read one word and switch it on")


def _function(elf: Elf, address: int) -> str:
    """The function that holds an address."""
    return next((s.name for s in elf.symbols if s.size and s.value <= address < s.value + s.size), "")


def _writes(elf: Elf, code: bytes, base: int) -> list[tuple[str, int, int | None]]:
    """(register, address, value or None) of each write, in order."""
    words = memoryview(code[:len(code) // 4 * 4]).cast("I").tolist()
    labels = {s.value for s in elf.symbols}
    labels.update(base + 4 * i + offset for i, word in enumerate(words) if (offset := _branch(word)) is not None)
    found: list[tuple[str, int, int | None]] = []
    for i, word in enumerate(words):
        name = _NAMES.get(word >> 5 & 0x7fff | 1 << 15) if word & 0xfff00000 == _MSR else None
        if name:
            known: dict[int, int] = {31: 0}         # XZR
            for at in range(max(0, i - _REACH), i):
                if base + 4 * at in labels:
                    known = {31: 0}
                _step(elf, words[at], base + 4 * at, known)
            found.append((name, base + 4 * i, known.get(word & 31) if base + 4 * i not in labels else None))
    return found


def _branch(word: int) -> int | None:
    """Where a direct branch goes, from its own address."""
    if word & 0x7c000000 == 0x14000000:                             # B, BL
        return _signed(word & 0x3ffffff, 26) * 4
    if word & 0xff000010 == 0x54000000 or word & 0x7e000000 == 0x34000000:     # B.cond, CBZ, CBNZ
        return _signed(word >> 5 & 0x7ffff, 19) * 4
    if word & 0x7e000000 == 0x36000000:                             # TBZ, TBNZ
        return _signed(word >> 5 & 0x3fff, 14) * 4
    return None


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def _step(elf: Elf, word: int, address: int, known: dict[int, int]) -> None:
    """Carry one instruction's effect on what is known."""
    if word & 0xfff00000 == _MSR or word & 0xfffff000 == 0xd5033000 or word == 0xd503207f:     # barriers, WFI
        return
    rd, rn = word & 31, word >> 5 & 31
    wide = word >> 31
    mask = _ALL if wide else 0xffffffff
    if word & 0x1f800000 == 0x12800000:                             # MOVN, MOVZ, MOVK
        shift, part, sort = 16 * (word >> 21 & 3), word >> 5 & 0xffff, word >> 29 & 3
        old = known.pop(rd, None)
        if sort == 0:
            known[rd] = ~(part << shift) & mask
        elif sort == 2:
            known[rd] = part << shift
        elif sort == 3 and old is not None:
            known[rd] = (old & ~(0xffff << shift) | part << shift) & mask
    elif word & 0xbf000000 == 0x18000000:                           # LDR (literal)
        size = 8 if word >> 30 & 1 else 4
        data = elf.read_linked(address + _signed(word >> 5 & 0x7ffff, 19) * 4, size)
        known.pop(rd, None)
        if data is not None:
            known[rd] = int.from_bytes(data, "little")
    elif word & 0x1f800000 == 0x12000000 and word >> 29 & 3 == 1 and rn == 31:      # ORR (immediate) from zero: MOV
        known[rd] = _mask(word >> 22 & 1, word >> 16 & 63, word >> 10 & 63) & mask
    elif word & 0x1f800000 == 0x11000000 and not word >> 29 & 1 and 31 not in (rd, rn):     # ADD, SUB (immediate)
        number = (word >> 10 & 0xfff) << 12 * (word >> 22 & 1)
        before = known.get(rn)
        known.pop(rd, None)
        if before is not None:
            known[rd] = (before - number if word >> 30 & 1 else before + number) & mask
    elif word & 0x7fe0ffe0 == 0x2a0003e0:                           # ORR (register) from zero: MOV
        source = known.get(word >> 16 & 31)
        known.pop(rd, None)
        if source is not None:
            known[rd] = source & mask
    elif word & 0x1c000000 == 0x14000000 and _branch(word) is None or word & 0xfc000000 == 0x94000000:
        known.clear()                                               # BL, BR, BLR, RET, ERET, SVC and the like; hints
    elif word & 0x0a000000 == 0x08000000:                           # loads and stores: two registers, and the base
        for register in (rd, rn, word >> 10 & 31):
            known.pop(register, None)
    elif _branch(word) is None:
        known.pop(rd, None)


def _mask(n: int, rotate: int, ones: int) -> int:
    """DecodeBitMasks() of the manual, for 64 bits."""
    length = (n << 6 | ~ones & 0x3f).bit_length() - 1
    if length < 1:
        return 0
    size = 1 << length
    rotate, ones = rotate & size - 1, (ones & size - 1) + 1
    element = (1 << ones) - 1
    element = (element >> rotate | element << size - rotate) & (1 << size) - 1
    value = 0
    for at in range(0, 64, size):
        value |= element << at
    return value
