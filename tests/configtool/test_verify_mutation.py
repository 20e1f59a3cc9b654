# SPDX-License-Identifier: Apache-2.0
"""verify is itself tested: an image is altered in hundreds of ways of known effect, and each has to be found.

BULKHEAD_FLIPS says how many random bits are flipped beside that, BULKHEAD_SEED which.
"""
from __future__ import annotations

import functools
import os
import random
import struct
from collections import Counter
from typing import Callable, Iterator

import pytest

import verify_naive as naive
from configtool.verify.elf import Elf, NotAnImage, parse
from configtool.verify.facts import Facts, gather
from configtool.verify.judge import verify
from configtool.verify.walk import Walk
from verify_fields import Field, fields, number
from verify_system import build

PAGE = 4096
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
Mutation = tuple[str, bytes]


@functools.lru_cache(maxsize=None)
def good() -> tuple[Elf, Facts]:
    system = build()
    elf = parse(system.data)
    return elf, gather(elf, system.layout)


def found(data: bytes) -> set[str]:
    """Checks that fail; 'broken' where the file is refused."""
    system = build()
    try:
        report = verify(data, "bulkhead.elf", system.system, system.board, system.layout)
    except NotAnImage:
        return {"broken"}
    return {check.name for check in report.checks if not check.passed}


def offset(address: int) -> int:
    elf, _ = good()
    segment = next(s for s in elf.segments if s.base <= address < s.end)
    return segment.offset + address - segment.base


def patched(*changes: tuple[int, bytes]) -> bytes:
    """The image with bytes replaced at physical addresses."""
    data = bytearray(build().data)
    for address, new in changes:
        at = offset(address)
        data[at:at + len(new)] = new
    return bytes(data)


def entry_at(where: int) -> int:
    elf, _ = good()
    return number(elf, where, 8)


def with_entries(*changes: tuple[int, int]) -> bytes:
    return patched(*((where, struct.pack("<Q", value)) for where, value in changes))


def slots(walk: Walk) -> Iterator[tuple[int, int, int, int]]:
    """(address of the entry, entry, level, first address that it translates) of every valid one."""
    def visit(table: int, level: int, address: int) -> Iterator[tuple[int, int, int, int]]:
        for index in range(2048 if level == 2 and table == walk.root and walk.format == "sv39x4" else 512):
            where = table + index * 8
            entry = entry_at(where)
            if entry & V:
                here = address + (index << 12 + 9 * level)
                yield where, entry, level, here
                if not entry & (R | W | X):
                    yield from visit((entry >> 10) * PAGE, level - 1, here)

    return visit(walk.root, 2, 0)


def target(entry: int) -> int:
    return (entry >> 10) * PAGE


def leaf(physical: int, flags: int) -> int:
    return physical // PAGE << 10 | flags


def spread(items: list[tuple[int, int, int, int]], count: int) -> list[tuple[int, int, int, int]]:
    """First, last and some between."""
    return items if len(items) <= count else [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


def leaves(walk: Walk, level: int | None = None) -> list[tuple[int, int, int, int]]:
    return [s for s in slots(walk) if s[1] & (R | W | X) and level in (None, s[2])]


def guest_tables() -> Iterator[Mutation]:
    """Entries of the guests' tables."""
    _, facts = good()
    low, high = facts.sections[".text"][0], facts.sections[".tables"][1]
    places = {"code": low, "constants": facts.sections[".rodata"][0], "data": facts.sections[".data"][0],
              "stack": facts.cpus[0].stack - PAGE, "tables": facts.sections[".tables"][0], "firmware": 0x8000_0000,
              "the end of RAM": 0xffff_f000, "no RAM": 0x1_0000_0000, "the interrupt controller": 0x0c00_0000,
              "the console": 0x1000_0000, "a virtio device": 0x1000_1000, "the clint": 0x0200_0000,
              "a pristine copy": next(r.source for vm in facts.vms for r in vm.restores if r.source), "address 0": 0}
    for vm in facts.vms:
        pages = leaves(vm.walk, 0)
        ram = [s for s in pages if s[1] & 0xff == V | R | W | X | U | A | D]
        for where, entry, _, ipa in spread(pages, 24):
            at = f"{vm.name} {ipa:#x}"
            for name, bit in (("U", U), ("A", A)):
                yield f"{at}: {name} cleared", with_entries((where, entry & ~bit))
            for name, bit in (("G", G), ("bit 54", 1 << 54), ("bit 60", 1 << 60), ("PBMT", 1 << 61), ("N", 1 << 63)):
                yield f"{at}: {name} set", with_entries((where, entry | bit))
            yield f"{at}: removed", with_entries((where, 0))
            yield f"{at}: made a pointer", with_entries((where, entry & ~(R | W | X)))
            yield f"{at}: written without being read", with_entries((where, entry & ~(R | X) | W | D))
            for bit in (R, W, X):
                changed = entry ^ bit
                yield f"{at}: right {bit} changed", with_entries((where, changed | (D if bit == W else 0)))
            table = where // PAGE * PAGE
            empty = next((table + i * 8 for i in range(512) if not entry_at(table + i * 8) & V), None)
            if empty is not None:
                yield f"{at}: moved", with_entries((where, 0), (empty, entry))
                yield f"{at}: twice", with_entries((empty, entry))
        for where, entry, _, ipa in spread(ram, 4):
            for name, physical in places.items():
                yield f"{vm.name} {ipa:#x}: {name}", with_entries((where, leaf(physical, entry & 0x3ff)))
            for other in facts.vms:
                for _, theirs, _, there in spread(leaves(other.walk, 0), 5):
                    if target(theirs) != target(entry):
                        yield (f"{vm.name} {ipa:#x}: page of {other.name} {there:#x}",
                               with_entries((where, leaf(target(theirs), entry & 0x3ff))))
        for where, entry, level, ipa in [s for s in slots(vm.walk) if not s[1] & (R | W | X)]:
            at = f"{vm.name} pointer of level {level} for {ipa:#x}"
            span = PAGE << 9 * level
            first = next((e for _, e, _, i in leaves(vm.walk) if ipa <= i < ipa + span), None)
            if first is not None:
                yield f"{at}: widened", with_entries((where, leaf(target(first) // span * span, first & 0x3ff)))
                yield f"{at}: widened, misaligned", with_entries((where, leaf(target(first) // span * span + PAGE,
                                                                              first & 0x3ff)))
            yield f"{at}: removed", with_entries((where, 0))
            yield f"{at}: next table", with_entries((where, entry + (1 << 10)))
            yield f"{at}: out of the blob", with_entries((where, leaf(high, V)))
            yield f"{at}: into the image", with_entries((where, leaf(facts.sections[".rodata"][0], V)))
            for name, bit in (("U", U), ("A", A), ("D", D), ("G", G), ("bit 54", 1 << 54), ("N", 1 << 63)):
                yield f"{at}: {name} set", with_entries((where, entry | bit))
        for other in facts.vms:
            if other is not vm:
                mine, theirs = next(slots(vm.walk)), next(slots(other.walk))
                yield f"{vm.name}: first subtree of {other.name}", with_entries((mine[0], theirs[1]))


def own_tables() -> Iterator[Mutation]:
    """Entries of the hypervisor's."""
    _, facts = good()
    guest_page = facts.vms[0].walk.at(facts.vms[0].entry)
    assert guest_page is not None
    for where, entry, level, address in [s for s in slots(facts.own) if s[1] & (R | W | X)]:
        at = f"own {address:#x}"
        for name, bit in (("U", U), ("PBMT", 1 << 61), ("N", 1 << 63)):
            yield f"{at}: {name} set", with_entries((where, entry | bit))
        yield f"{at}: A cleared", with_entries((where, entry & ~A))
        for bit in (R, W, X):
            yield f"{at}: right {bit} changed", with_entries((where, (entry ^ bit) | (D if bit == W else 0)))
        yield f"{at}: elsewhere", with_entries((where, entry + (1 << 10 + 9 * level)))
        if level == 0:
            yield f"{at}: guest memory", with_entries((where, leaf(guest_page.phys, entry & 0x3ff)))
            yield f"{at}: tables", with_entries((where, leaf(facts.sections[".tables"][0], entry & 0x3ff)))
            if not facts.sections[".text"][1] <= address < facts.sections[".rodata"][0]:
                # Pages of a window that its section does not fill are mapped for no reason but simplicity.
                window = [facts.sections[name] for name in (".text", ".rodata", ".data")]
                if any(low <= address < high for low, high in window):
                    yield f"{at}: removed", with_entries((where, 0))
    slot = {address: where for where, _, level, address in slots(facts.own) if level == 0}
    for cpu in facts.cpus:
        guard = cpu.stack - 2 * PAGE
        where = slot[cpu.stack - PAGE] - 8
        assert not entry_at(where) & V
        yield f"guard of {cpu.name} mapped", with_entries((where, leaf(guard, V | R | W | A | D)))
        yield f"guard of {cpu.name} mapped r", with_entries((where, leaf(guard, V | R | A | D)))
    last = max(address for _, entry, level, address in slots(facts.own) if level == 0
               and facts.sections[".text"][0] <= address)
    for page in range(facts.sections[".tables"][0], facts.sections[".tables"][0] + 4 * PAGE, PAGE):
        where = slot[last] + (page - last) // PAGE * 8
        yield f"table at {page:#x} mapped", with_entries((where, leaf(page, V | R | A | D)))
    for name, vm in ((vm.name, vm) for vm in facts.vms):
        page = vm.walk.extents[-1].phys
        where = slot[last] + (page - last) // PAGE * 8
        if where // PAGE == slot[last] // PAGE:
            yield f"memory of {name} mapped", with_entries((where, leaf(page, V | R | W | A | D)))


def registers() -> Iterator[Mutation]:
    """hgatp in the configuration, satp in the code."""
    _, facts = good()
    stage2 = {f.path: f.address for f in config_fields() if f.path.endswith(".stage2")}
    values = {vm.index: vm.stage2 for vm in facts.vms}
    for i, vm in enumerate(facts.vms):
        where = stage2[f"vms[{i}].stage2"]
        for j in values:
            if j != i:
                yield f"hgatp of {i} is that of {j}", with_entries((where, values[j]))
                yield f"tables of {j} for {i}", with_entries((where, values[i] >> 44 << 44 | values[j] & (1 << 44) - 1))
                yield f"VMID of {j} for {i}", with_entries((where,
                                                            values[i] & ~(0x3fff << 44) | values[j] & 0x3fff << 44))
        for bit in (0, 1, 2, 3, 8, 20, 43, 58, 59, 60, 61, 62, 63):
            yield f"hgatp of {i}: bit {bit}", with_entries((where, values[i] ^ 1 << bit))
        yield f"VMID of {i} is 0", with_entries((where, values[i] & ~(0x3fff << 44)))
        yield f"hgatp of {i} is 0", with_entries((where, 0))
    # The instruction `csrw satp, t0` and the constant before it.
    elf, _ = good()
    text = elf.section(".text")
    assert text is not None
    code = elf.read(text.base, text.size)
    assert code is not None
    start = elf.symbol("hart_start")
    assert start is not None
    at = code.index(struct.pack("<I", 0x18029073), start.value - text.base)
    yield "satp is not written", patched((text.base + at, struct.pack("<I", 0x00000013)))
    yield "satp of another register", patched((text.base + at, struct.pack("<I", 0x18031073)))
    yield "stvec for satp", patched((text.base + at, struct.pack("<I", 0x10529073)))
    yield "satp written twice", patched((text.base + at + 4, struct.pack("<I", 0x18029073)))


@functools.lru_cache(maxsize=None)
def config_fields() -> tuple[Field, ...]:
    elf, _ = good()
    return tuple(fields(elf, build().layout))


def harmless_field(field: Field) -> bool:
    """Fields that no VM's isolation and no promise depends on: numbers of lines in fault reports; the guest's number of
    an interrupt that no VM has."""
    if ".places[" in field.path and field.path.endswith(".line"):
        return True
    if field.path == "console.cpu":     # any CPU may serve it
        return True
    if field.path.startswith("irq_owner[") and field.path.endswith(".guest"):
        elf, _ = good()
        return number(elf, field.address - 2, 2) >= 0xfffe
    return False


def config() -> Iterator[Mutation]:
    """Every field of the configuration, one after the other."""
    elf, _ = good()
    for field in config_fields():
        if harmless_field(field):
            continue
        if field.kind == "text":
            for i in range(0, field.size, 4):
                old = number(elf, field.address + i, 1)
                yield f"{field.path}: character {i}", patched((field.address + i, bytes([old ^ 1])))
            yield f"{field.path}: shorter", patched((field.address + field.size - 1, b"\0"))
            continue
        value = number(elf, field.address, field.size)
        top = 1 << 8 * field.size - 1
        changed = [value + 1, value ^ top] if field.kind == "number" else [value + 2, value + 8, 0 if value else 8,
                                                                           value ^ top]
        if field.size == 1 and value in (0, 1):
            changed = [1 - value]               # a bool, or the like
        for new in changed:
            yield f"{field.path}: {value:#x} is {new:#x}", patched(
                (field.address, (new % (1 << 8 * field.size)).to_bytes(field.size, "little")))
    named = {f.path: f for f in config_fields()}

    def swap(one: str, other: str) -> Mutation:
        a, b = named[one], named[other]
        first, second = elf.read(a.address, a.size), elf.read(b.address, b.size)
        assert first is not None and second is not None and first != second
        return f"{one} and {other} swapped", patched((a.address, second), (b.address, first))

    def copy(to: str, other: str) -> Mutation:
        a, b = named[to], named[other]
        new = elf.read(b.address, b.size)
        assert new is not None
        return f"{to} is {other}", patched((a.address, new))

    for i in range(4):
        for j in range(4):
            if i < j:
                yield swap(f"cpus[{i}].id", f"cpus[{j}].id")
                yield swap(f"cpus[{i}].stack", f"cpus[{j}].stack") if False else copy(f"cpus[{i}].stack",
                                                                                      f"cpus[{j}].stack")
                yield swap(f"cpus[{i}].context", f"cpus[{j}].context")
            if i != j:
                yield copy(f"cpus[{i}].id", f"cpus[{j}].id")
                yield copy(f"cpus[{i}].context", f"cpus[{j}].context")
                if (i, j) not in ((1, 2), (2, 1)):      # those two belong to one VM
                    yield copy(f"cpus[{i}].vm", f"cpus[{j}].vm")
    for i in range(3):
        for j in range(3):
            if i < j:
                for name in ("stage2", "cpus", "windows", "channels", "irq_physical", "places", "name"):
                    yield swap(f"vms[{i}].{name}", f"vms[{j}].{name}")
    for source in range(1, 96):
        for vm in range(3):
            if (source, vm) == (11, 0):
                continue
            at = named[f"irq_owner[{source}].vm"].address
            yield f"interrupt {source} given to VM {vm}", patched((at, struct.pack("<HH", vm, 32)))
    yield swap("irq_owner[11].vm", "irq_owner[12].vm")
    yield swap("irq_owner[10].vm", "irq_owner[11].vm")


def payloads() -> Iterator[Mutation]:
    """Bytes that guests start with, and the copies that restarts put back."""
    elf, facts = good()
    for segment in elf.segments:
        if segment.base < facts.sections[".tables"][1]:
            continue
        tree = next((vm.dtb for vm in facts.vms if (e := vm.walk.at(vm.dtb)) is not None
                     and e.phys <= segment.base < e.phys_end
                     and e.phys + vm.dtb - e.ipa == segment.base), 0)
        if tree:
            continue                    # device_trees() alters those
        for at in list(range(0, segment.size, max(1, segment.size // 23))) + [segment.size - 1]:
            old = number(elf, segment.base + at, 1)
            yield f"byte at {segment.base + at:#x}", patched((segment.base + at, bytes([old ^ 0x40])))


def device_trees() -> Iterator[Mutation]:
    elf, facts = good()
    for vm in facts.vms:
        extent = vm.walk.at(vm.dtb)
        assert extent is not None
        base = extent.phys + vm.dtb - extent.ipa
        data = elf.read(base, PAGE)
        assert data is not None
        for at in (0, 4, 8, 12):
            yield f"tree of {vm.name}: header {at}", patched((base + at, bytes([data[at] ^ 0x80])))
        memory = data.index(struct.pack(">Q", vm.walk.at(vm.entry).ipa & ~0x3f_ffff if False
                                        else 0x8000_0000))     # type: ignore[union-attr]
        for i in (3, 6, 11, 13, 14):
            old = data[memory + i]
            yield f"tree of {vm.name}: memory, byte {i}", patched((base + memory + i, bytes([old ^ 0x10])))
        for window in vm.windows:
            at = data.find(struct.pack(">Q", window.ipa))
            while at >= 0:
                yield f"tree of {vm.name}: {window.kind} at {at:#x}", patched((base + at + 5,
                                                                               bytes([data[at + 5] ^ 1])))
                at = data.find(struct.pack(">Q", window.ipa), at + 8)
        at = data.find(b"cpu@0\0")
        reg = data.index(struct.pack(">II", 3, 4), at)
        del reg
        yield f"tree of {vm.name}: no chosen size", patched((base + 36, b"\0\0\0\0"))


def file_headers() -> Iterator[Mutation]:
    """Where the segments are said to lie."""
    data = build().data
    start, count = int.from_bytes(data[32:40], "little"), int.from_bytes(data[56:58], "little")
    for i in range(count):
        at = start + i * 56
        if data[at:at + 4] != struct.pack("<I", 1):
            continue
        for name, where, change in (("virtual address", 16, 0x1000), ("physical address", 24, 0x1000),
                                    ("offset", 8, 0x1000),
                                    ("size", 32, 1 << 40)):
            value = int.from_bytes(data[at + where:at + where + 8], "little")
            altered = bytearray(data)
            altered[at + where:at + where + 8] = struct.pack("<Q", value + change)
            yield f"segment {i}: {name}", bytes(altered)
    for name, where, size in (("magic", 0, 1), ("class", 4, 1), ("machine", 18, 2), ("type", 16, 2), ("entry", 24, 8),
                              ("program headers", 32, 8), ("section headers", 40, 8), ("count of sections", 60, 2)):
        altered = bytearray(data)
        altered[where:where + size] = (int.from_bytes(data[where:where + size], "little") + 2).to_bytes(size, "little")
        yield f"header: {name}", bytes(altered)


def harmless() -> Iterator[Mutation]:
    """Alterations that change nothing that matters: they are not to be refused."""
    elf, facts = good()
    for field in config_fields():
        if harmless_field(field) and field.path != "console.cpu":
            yield field.path, patched((field.address, b"\x7f"))
    for vm in facts.vms:
        ram = [s for s in leaves(vm.walk, 0) if s[1] & 0xff == V | R | W | X | U | A | D]
        empty = [s for s in ram if all(not x.base <= target(s[1]) < x.end for x in elf.segments)]
        if not any(r.source == 0 and r.size for r in vm.restores):
            for one, other in zip(spread(empty, 6), spread(empty, 6)[1:]):
                yield f"{vm.name}: empty pages swapped", with_entries((one[0], other[1]), (other[0], one[1]))
        for where, entry, _, ipa in spread(ram, 4):
            for bit in (8, 9):          # RSW, for software
                yield f"{vm.name} {ipa:#x}: bit {bit}", with_entries((where, entry | 1 << bit))
    tables = facts.sections[".tables"]
    unused = [a for a in range(*tables, 8) if not entry_at(a)]
    for where in unused[::len(unused) // 40]:
        yield f"invalid entry at {where:#x}", with_entries((where, 0x2000_0ffe))
    text = elf.section(".debug_str")
    assert text is not None
    altered = bytearray(build().data)
    altered[text.offset + 5] ^= 1
    yield "debug information", bytes(altered)


GROUPS = {"guests' tables": guest_tables, "hypervisor's tables": own_tables, "registers": registers,
          "configuration": config, "contents": payloads, "device trees": device_trees, "file": file_headers}


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def show(text: str) -> None:
        with capsys.disabled():
            print(f"\n  verify, {text}", end="")
    return show


def test_the_image_itself_is_isolated() -> None:
    assert found(build().data) == set()


@pytest.mark.parametrize("group", GROUPS)
def test_every_mutation_is_caught(group: str, tell: Callable[[str], None]) -> None:
    missed, by, total = [], set(), 0
    for name, data in GROUPS[group]():
        if data != build().data:
            total += 1
            checks = found(data)
            by.update(checks)
            if not checks:
                missed.append(name)
    tell(f"{group}: {total} mutations, {total - len(missed)} caught, by {len(by)} checks")
    assert missed == []


def test_what_does_not_matter_is_not_refused(tell: Callable[[str], None]) -> None:
    refused, total = [], 0
    for name, data in harmless():
        total += 1
        if checks := found(data):
            refused.append((name, checks))
    tell(f"harmless: {total} mutations, {len(refused)} refused")
    assert refused == []


def truth() -> naive.Truth:
    elf, facts = good()
    sections = facts.sections
    stage2 = {f.path: f.address for f in config_fields()}
    copies = [page for vm in facts.vms for r in vm.restores if r.source for page in range(r.source, r.source + r.size, PAGE)]
    fixed = {page for vm in facts.vms for e in vm.walk.extents for page in range(e.phys, e.phys_end, PAGE)
             if e.ipa < 0x8000_0000}
    compared = [(f.address, f.size) for f in config_fields() if not harmless_field(f) and ".stage2" not in f.path]
    compared += [(page, PAGE) for page in copies]
    return naive.Truth(tuple(stage2[f"vms[{i}].stage2"] for i in range(len(facts.vms))), facts.own.root, sections[".tables"],
                       (sections[".text"][0], sections[".tables"][1]), (0x8008_0000, 0xffe0_0000), frozenset(copies),
                       tuple(compared), frozenset(fixed))


def test_random_flips_are_judged_as_by_a_second_judge(tell: Callable[[str], None]) -> None:
    seed = int(os.environ.get("BULKHEAD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    count = int(os.environ.get("BULKHEAD_FLIPS", "150"))
    chance = random.Random(seed)
    elf, facts = good()
    known = truth()
    state = naive.state(build().data, known)
    trees = [vm.dtb - e.ipa + e.phys for vm in facts.vms if (e := vm.walk.at(vm.dtb))]
    places = [(low, high, "tables") for low, high in [known.blob]]
    places += [(f.address, f.address + f.size, "configuration") for f in config_fields()]
    places += [(s.base, s.end, "contents") for s in elf.segments if s.base >= known.blob[1]
               and not any(s.base <= t < s.end for t in trees)]
    # As often in each entry that is in use as in all other bytes together.
    used = [w for walk in (facts.own, *(vm.walk for vm in facts.vms)) for w, _, _, _ in slots(walk)]
    tally: Counter[str] = Counter()
    for _ in range(count):
        kind = chance.choice(("entry", "tables", "configuration", "contents"))
        if kind == "entry":
            address = chance.choice(used) + chance.randrange(8)
        else:
            low, high, _ = chance.choice([p for p in places if p[2] == kind])
            address = chance.randrange(low, high)
        data = bytearray(build().data)
        data[offset(address)] ^= 1 << chance.randrange(8)
        harm = naive.judge(bytes(data), build().data, state, known)
        checks = found(bytes(data))
        tally["harmful" if harm else "harmless"] += 1
        assert bool(harm) == bool(checks), f"seed {seed}: byte {address:#x} ({kind}): second judge: {harm!r}, verify: {checks}"
    tell(f"random bits: {count} flipped (seed {seed}), {tally['harmful']} harmful and caught, {tally['harmless']} harmless "
         "and accepted")
