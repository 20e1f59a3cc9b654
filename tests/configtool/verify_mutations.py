# SPDX-License-Identifier: Apache-2.0
"""Alterations of a good image, each of known effect."""
from __future__ import annotations

import functools
import struct
from typing import Iterator

from configtool.verify.elf import Elf, parse
from configtool.verify.facts import Facts, VmFacts, gather
from configtool.verify.walk import Walk
from verify_fields import Field, fields, number
from verify_system import build

PAGE = 4096
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
RAM = V | R | W | X | U | A | D     # flags of a guest's ordinary memory
Mutation = tuple[str, bytes]
Slot = tuple[int, int, int, int]    # address of an entry, the entry, its level, first address that it translates


@functools.lru_cache(maxsize=None)
def good() -> tuple[Elf, Facts]:
    system = build()
    elf = parse(system.data)
    return elf, gather(elf, system.layout)


@functools.lru_cache(maxsize=None)
def config_fields() -> tuple[Field, ...]:
    return tuple(fields(good()[0], build().layout))


def harmless_field(field: Field) -> bool:
    """Fields that no VM's isolation and no promise depends on: numbers of lines in fault reports; the guest's number of
    an interrupt that no VM has; which CPU serves the console; whether counters are printed at the end."""
    if field.path in ("console.cpu", "stats") or ".places[" in field.path and field.path.endswith(".line"):
        return True
    if field.path.startswith("irq_owner[") and field.path.endswith(".guest"):
        return number(good()[0], field.address - 2, 2) >= 0xfffe
    return False


def offset(address: int) -> int:
    """Of a physical address in the file."""
    segment = next(s for s in good()[0].segments if s.base <= address < s.end)
    return segment.offset + address - segment.base


def patched(*changes: tuple[int, bytes]) -> bytes:
    """The image with bytes replaced at physical addresses."""
    data = bytearray(build().data)
    for address, new in changes:
        at = offset(address)
        data[at:at + len(new)] = new
    return bytes(data)


def entry_at(where: int) -> int:
    return number(good()[0], where, 8)


def with_entries(*changes: tuple[int, int]) -> bytes:
    return patched(*((where, struct.pack("<Q", value)) for where, value in changes))


def target(entry: int) -> int:
    return (entry >> 10) * PAGE


def leaf(physical: int, flags: int) -> int:
    return physical // PAGE << 10 | flags


def slots(walk: Walk) -> Iterator[Slot]:
    """Every valid entry of a tree with three levels."""
    def visit(table: int, level: int, address: int) -> Iterator[Slot]:
        for index in range(2048 if level == 2 and walk.format == "sv39x4" else 512):
            where = table + index * 8
            entry = entry_at(where)
            if entry & V:
                here = address + (index << 12 + 9 * level)
                yield where, entry, level, here
                if not entry & (R | W | X):
                    yield from visit(target(entry), level - 1, here)

    return visit(walk.root, 2, 0)


def leaves(walk: Walk, level: int) -> list[Slot]:
    return [s for s in slots(walk) if s[1] & (R | W | X) and s[2] == level]


def pointers(walk: Walk) -> list[Slot]:
    return [s for s in slots(walk) if not s[1] & (R | W | X)]


def spread(items: list[Slot], count: int) -> list[Slot]:
    """First, last and some between."""
    return items if len(items) <= count else [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


def guest_tables() -> Iterator[Mutation]:
    for vm in good()[1].vms:
        for slot in spread(leaves(vm.walk, 0), 8):
            yield from _altered_leaf(vm, slot)
        for slot in spread([s for s in leaves(vm.walk, 0) if s[1] & 0xff == RAM], 3):
            yield from _swapped_owner(vm, slot)
        for slot in pointers(vm.walk):
            yield from _altered_pointer(vm, slot)


def _altered_leaf(vm: VmFacts, slot: Slot) -> Iterator[Mutation]:
    where, entry, _, ipa = slot
    at = f"{vm.name} {ipa:#x}"
    for name, bit in (("U", U), ("A", A)):
        yield f"{at}: {name} cleared", with_entries((where, entry & ~bit))
    for name, bit in (("G", G), ("bit 54", 1 << 54), ("bit 60", 1 << 60), ("PBMT", 1 << 61), ("N", 1 << 63)):
        yield f"{at}: {name} set", with_entries((where, entry | bit))
    yield f"{at}: removed", with_entries((where, 0))
    yield f"{at}: made a pointer", with_entries((where, entry & ~(R | W | X)))
    yield f"{at}: written without being read", with_entries((where, entry & ~(R | X) | W | D))
    for name, bit in (("R", R), ("W", W), ("X", X)):
        yield f"{at}: {name} changed", with_entries((where, (entry ^ bit) | (D if bit == W else 0)))
    table = where // PAGE * PAGE
    empty = next((table + i * 8 for i in range(512) if not entry_at(table + i * 8) & V), None)
    if empty is not None:
        yield f"{at}: moved", with_entries((where, 0), (empty, entry))
        yield f"{at}: there twice", with_entries((empty, entry))


def _swapped_owner(vm: VmFacts, slot: Slot) -> Iterator[Mutation]:
    facts = good()[1]
    where, entry, _, ipa = slot
    places = {"code": facts.sections[".text"][0], "constants": facts.sections[".rodata"][0],
              "data": facts.sections[".data"][0], "a stack": facts.cpus[0].stack - PAGE,
              "tables": facts.sections[".tables"][0], "firmware": 0x8000_0000, "the end of RAM": 0xffff_f000,
              "no RAM": 0x1_0000_0000, "the interrupt controller": 0x0c00_0000, "the console": 0x1000_0000,
              "a virtio device": 0x1000_1000, "the clint": 0x0200_0000, "address 0": 0,
              "a pristine copy": next(r.source for v in facts.vms for r in v.restores if r.source)}
    for name, physical in places.items():
        yield f"{vm.name} {ipa:#x}: {name}", with_entries((where, leaf(physical, entry & 0x3ff)))
    for other in facts.vms:
        for _, theirs, _, there in spread(leaves(other.walk, 0), 5):
            if target(theirs) != target(entry):
                yield (f"{vm.name} {ipa:#x}: page of {other.name} {there:#x}",
                       with_entries((where, leaf(target(theirs), entry & 0x3ff))))


def _altered_pointer(vm: VmFacts, slot: Slot) -> Iterator[Mutation]:
    facts = good()[1]
    where, entry, level, ipa = slot
    at = f"{vm.name} pointer of level {level} for {ipa:#x}"
    span = PAGE << 9 * level
    first = next((e for _, e, _, i in leaves(vm.walk, 0) if ipa <= i < ipa + span), None)
    if first is not None:
        block = target(first) // span * span
        yield f"{at}: widened to a block", with_entries((where, leaf(block, first & 0x3ff)))
        yield f"{at}: widened, misaligned", with_entries((where, leaf(block + PAGE, first & 0x3ff)))
    yield f"{at}: removed", with_entries((where, 0))
    yield f"{at}: next table", with_entries((where, entry + (1 << 10)))
    yield f"{at}: out of the tables", with_entries((where, leaf(facts.sections[".tables"][1], V)))
    yield f"{at}: into the constants", with_entries((where, leaf(facts.sections[".rodata"][0], V)))
    for name, bit in (("U", U), ("A", A), ("D", D), ("G", G), ("bit 54", 1 << 54), ("N", 1 << 63)):
        yield f"{at}: {name} set", with_entries((where, entry | bit))
    for other in facts.vms:
        if other is not vm and level == 2:
            yield f"{at}: first subtree of {other.name}", with_entries((where, next(slots(other.walk))[1]))


def own_tables() -> Iterator[Mutation]:
    facts = good()[1]
    guest = facts.vms[0].walk.extents[-1].phys
    sections = [facts.sections[name] for name in (".text", ".rodata", ".data")]
    small = leaves(facts.own, 0)
    for where, entry, level, address in small + leaves(facts.own, 1):
        at = f"own {address:#x}"
        for name, bit in (("U", U), ("PBMT", 1 << 61), ("N", 1 << 63)):
            yield f"{at}: {name} set", with_entries((where, entry | bit))
        yield f"{at}: A cleared", with_entries((where, entry & ~A))
        for name, bit in (("R", R), ("W", W), ("X", X)):
            yield f"{at}: {name} changed", with_entries((where, (entry ^ bit) | (D if bit == W else 0)))
        yield f"{at}: elsewhere", with_entries((where, entry + (1 << 10 + 9 * level)))
        if level == 0:
            yield f"{at}: guest memory", with_entries((where, leaf(guest, entry & 0x3ff)))
            yield f"{at}: tables", with_entries((where, leaf(facts.sections[".tables"][0], entry & 0x3ff)))
            # A page of a window that its section does not fill is mapped for simplicity's sake alone.
            if any(low <= address < high for low, high in sections):
                yield f"{at}: removed", with_entries((where, 0))
    slot = {address: where for where, _, _, address in small}
    for cpu in facts.cpus:
        where = slot[cpu.stack - PAGE] - 8
        for rights in (R, R | W):
            yield (f"page below the stack of {cpu.name} mapped",
                   with_entries((where, leaf(cpu.stack - 2 * PAGE, V | rights | A | D))))
    last = facts.cpus[-1].stack - PAGE
    for page in range(facts.sections[".tables"][0], facts.sections[".tables"][0] + 4 * PAGE, PAGE):
        yield f"table at {page:#x} mapped", with_entries((slot[last] + (page - last) // PAGE * 8,
                                                          leaf(page, V | R | A)))


def registers() -> Iterator[Mutation]:
    """hgatp in the configuration, satp in the code."""
    elf, facts = good()
    where = {f.path: f.address for f in config_fields() if f.path.endswith(".stage2")}
    number_bits, root_bits = 0x3fff << 44, (1 << 44) - 1
    for i, vm in enumerate(facts.vms):
        at = where[f"vms[{i}].stage2"]
        hgatp = vm.tables.register
        for j, other in enumerate(facts.vms):
            theirs = other.tables.register
            if j != i:
                yield f"hgatp of {i} is that of {j}", with_entries((at, theirs))
                yield f"tables of {j} for {i}", with_entries((at, hgatp & ~root_bits | theirs & root_bits))
                yield f"VMID of {j} for {i}", with_entries((at, hgatp & ~number_bits | theirs & number_bits))
        for bit in (0, 1, 2, 3, 8, 20, 43, 58, 59, 60, 61, 62, 63):
            yield f"hgatp of {i}: bit {bit}", with_entries((at, hgatp ^ 1 << bit))
        yield f"VMID of {i} is 0", with_entries((at, hgatp & ~number_bits))
        yield f"hgatp of {i} is 0", with_entries((at, 0))
    text, start = elf.section(".text"), elf.symbol("hart_start")
    assert text is not None and start is not None
    code = elf.read(text.base, text.size)
    assert code is not None
    at = text.base + code.index(struct.pack("<I", 0x18029073), start.value - text.base)     # csrw satp, t0
    yield "satp is not written", patched((at, struct.pack("<I", 0x00000013)))
    yield "satp from another register", patched((at, struct.pack("<I", 0x18031073)))
    yield "stvec instead of satp", patched((at, struct.pack("<I", 0x10529073)))
    yield "satp written twice", patched((at + 4, struct.pack("<I", 0x18029073)))


def configuration() -> Iterator[Mutation]:
    """Every field, one after the other; then what comes from mixing up two."""
    for field in config_fields():
        if not harmless_field(field):
            yield from _altered_text(field) if field.kind == "text" else _altered_number(field)
    yield from _mixed_up()


def _altered_text(field: Field) -> Iterator[Mutation]:
    for i in (0, field.size // 2):
        old = number(good()[0], field.address + i, 1)
        yield f"{field.path}: character {i}", patched((field.address + i, bytes([old ^ 1])))
    yield f"{field.path}: shorter", patched((field.address + field.size - 1, b"\0"))


def _altered_number(field: Field) -> Iterator[Mutation]:
    value = number(good()[0], field.address, field.size)
    top = 1 << 8 * field.size - 1
    changed = [value + 1, value ^ top] if field.kind == "number" else [value + 2, value + 8, 0, value ^ top]
    if field.size == 1 and value in (0, 1):
        changed = [1 - value]           # a bool, or the like
    for new in {new % (top * 2) for new in changed} - {value}:
        yield f"{field.path}: {value:#x} is {new:#x}", patched((field.address, new.to_bytes(field.size, "little")))


def _mixed_up() -> Iterator[Mutation]:
    elf, facts = good()
    named = {f.path: f for f in config_fields() if f.kind != "text"}

    def value(path: str) -> bytes:
        found = elf.read(named[path].address, named[path].size)
        assert found is not None
        return found

    def swapped(one: str, other: str) -> Mutation:
        return (f"{one} and {other} swapped",
                patched((named[one].address, value(other)), (named[other].address, value(one))))

    def copied(to: str, other: str) -> Mutation:
        return f"{to} is {other}", patched((named[to].address, value(other)))

    cpus, vms = range(len(facts.cpus)), range(len(facts.vms))
    for i, j in ((i, j) for i in cpus for j in cpus if i != j):
        for name in ("id", "context", "stack"):
            yield copied(f"cpus[{i}].{name}", f"cpus[{j}].{name}")
        if facts.cpus[i].vm != facts.cpus[j].vm:
            yield copied(f"cpus[{i}].vm", f"cpus[{j}].vm")
        if i < j:
            yield swapped(f"cpus[{i}].id", f"cpus[{j}].id")
            yield swapped(f"cpus[{i}].context", f"cpus[{j}].context")
    for i, j in ((i, j) for i in vms for j in vms if i < j):
        for name in ("stage2", "cpus", "windows", "channels", "irq_physical", "places"):
            yield swapped(f"vms[{i}].{name}", f"vms[{j}].{name}")
    for source, (owner, _) in enumerate(facts.irq_owner):
        for vm in vms:
            if source and owner != vm:
                yield (f"interrupt {source} given to VM {vm}",
                       patched((named[f"irq_owner[{source}].vm"].address, struct.pack("<HH", vm, 32))))
    yield swapped("irq_owner[11].vm", "irq_owner[12].vm")
    yield swapped("irq_owner[10].vm", "irq_owner[11].vm")


def _trees() -> list[tuple[VmFacts, int]]:
    """Each VM's device tree, and its physical address."""
    return [(vm, e.phys + vm.dtb - e.ipa) for vm in good()[1].vms if (e := vm.walk.at(vm.dtb)) is not None]


def contents() -> Iterator[Mutation]:
    """Bytes that guests start with, and the copies that restarts put back. Device trees have their own mutations."""
    elf, facts = good()
    for segment in elf.segments:
        if segment.base < facts.sections[".tables"][1] or any(segment.base <= at < segment.end for _, at in _trees()):
            continue
        for i in [*range(0, segment.size, max(1, segment.size // 23)), segment.size - 1]:
            old = number(elf, segment.base + i, 1)
            yield f"byte at {segment.base + i:#x}", patched((segment.base + i, bytes([old ^ 0x40])))


def device_trees() -> Iterator[Mutation]:
    elf, _ = good()
    for vm, base in _trees():
        data = elf.read(base, PAGE)
        assert data is not None

        def altered(at: int, bit: int) -> bytes:
            return patched((base + at, bytes([data[at] ^ bit])))

        for at in (0, 4, 8, 12):
            yield f"tree of {vm.name}: header, byte {at}", altered(at, 0x80)
        yield f"tree of {vm.name}: size of its structure", patched((base + 36, bytes(4)))
        memory = data.index(struct.pack(">Q", 0x8000_0000))
        for i in (3, 6, 11, 13, 14):
            yield f"tree of {vm.name}: memory, byte {i}", altered(memory + i, 0x10)
        addresses = [struct.pack(">Q", w.ipa) for w in vm.windows]
        addresses += [struct.pack(">Q", e.ipa) for e in vm.walk.extents if e.ipa < 0x8000_0000]
        for at in range(0, len(data), 4):
            if data[at:at + 8] in addresses:
                yield f"tree of {vm.name}: address at {at:#x}", altered(at + 5, 1)


def file_headers() -> Iterator[Mutation]:
    data = build().data

    def altered(at: int, size: int, more: int) -> bytes:
        value = int.from_bytes(data[at:at + size], "little") + more
        return data[:at] + (value % (1 << 8 * size)).to_bytes(size, "little") + data[at + size:]

    start, count = int.from_bytes(data[32:40], "little"), int.from_bytes(data[56:58], "little")
    for i in range(count):
        at = start + i * 56
        if data[at:at + 4] == struct.pack("<I", 1):
            yield f"segment {i}: virtual address", altered(at + 16, 8, PAGE)
            yield f"segment {i}: physical address", altered(at + 24, 8, PAGE)
            yield f"segment {i}: offset", altered(at + 8, 8, PAGE)
            yield f"segment {i}: size", altered(at + 32, 8, 1 << 40)
    for name, at, size in (("magic", 0, 1), ("class", 4, 1), ("machine", 18, 2), ("type", 16, 2), ("entry", 24, 8),
                           ("program headers", 32, 8), ("section headers", 40, 8), ("count of sections", 60, 2)):
        yield f"header: {name}", altered(at, size, 2)


def harmless() -> Iterator[Mutation]:
    """Alterations that change nothing that matters."""
    elf, facts = good()
    for field in config_fields():
        if harmless_field(field) and field.path != "console.cpu":
            yield field.path, patched((field.address, b"\x7f"))
    for vm in facts.vms:
        ram = [s for s in leaves(vm.walk, 0) if s[1] & 0xff == RAM]
        empty = spread([s for s in ram if not any(x.base <= target(s[1]) < x.end for x in elf.segments)], 6)
        if not vm.restores:             # a restart would have to know of it
            for one, other in zip(empty, empty[1:]):
                yield f"{vm.name}: empty pages swapped", with_entries((one[0], other[1]), (other[0], one[1]))
        for where, entry, _, ipa in spread(ram, 4):
            yield f"{vm.name} {ipa:#x}: bits for software", with_entries((where, entry | 3 << 8))
    unused = [at for at in range(*facts.sections[".tables"], 8) if not entry_at(at)]
    for at in unused[::len(unused) // 40]:
        yield f"invalid entry at {at:#x}", with_entries((at, 0x2000_0ffe))
    names = elf.section(".debug_str")
    assert names is not None
    data = bytearray(build().data)
    data[names.offset + 5] ^= 1
    yield "debug information", bytes(data)


GROUPS = {"guests' tables": guest_tables, "hypervisor's tables": own_tables, "registers": registers,
          "configuration": configuration, "contents": contents, "device trees": device_trees, "file": file_headers}
