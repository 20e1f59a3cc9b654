# SPDX-License-Identifier: Apache-2.0
"""The file as an image, and the tables as the hardware takes them."""
from __future__ import annotations

from ..source import Span
from .case import Case, plural, span_text
from .report import Check
from .walk import Walk, common, inside, minus, union


def file(case: Case, image: Span) -> Check:
    """The ELF file, and with it the flat image that objcopy makes of it, is what lies in memory."""
    check = Check("image-file", "the image lies where it is linked, in RAM that is nobody else's", unit="segment")
    elf, sections = case.facts.elf, case.facts.sections
    for segment in elf.segments:
        check.look()
        if segment.virtual != segment.base and not case.facts.scattered:
            check.fail(f"a segment is loaded at {segment.base:#x} but linked for {segment.virtual:#x}", image,
                       notes=("the hypervisor runs with virtual = physical",))
        outside = minus([(segment.base, segment.end)], case.expected.ram)
        if outside:
            check.fail(f"the image has bytes at {span_text(*outside[0])}, in {case.owner(outside[0][0])}", image,
                       notes=("only RAM that neither firmware nor the board reserves is free for it",))
    if case.facts.scattered:
        _pieces(case, image, check)
    for section in elf.sections if not case.facts.scattered else ():    # objcopy goes by sections, loaders by segments
        if not section.in_memory or not section.size:
            continue
        inside = [s for s in elf.segments if s.base <= section.base and section.end <= s.end]
        if not inside or section.empty or section.offset - inside[0].offset != section.base - inside[0].base:
            check.fail(f"section {section.name} at {section.base:#x} is not in its segment as it is in the file", image,
                       notes=("bulkhead.bin, which is made from sections, would differ from bulkhead.elf",))
    text = sections[".text"][0]
    if elf.entry != text or text != case.board.load:
        check.fail(f"the image is entered at {elf.entry:#x}, and its code starts at {text:#x}", image,
                   f"the board loads and enters it at {case.board.load:#x}")
    order = [sections[name] for name in (".text", ".rodata", ".data", ".tables")[:3 if case.facts.scattered else 4]]
    if any(before[1] > after[0] or after[0] % 4096 for before, after in zip(order, order[1:])):
        check.fail("text, rodata, data and tables do not lie behind one another in whole pages", image)
    if not case.facts.build_id.strip(b"\0"):
        check.fail("the image has no build id", image, help=("link it with --build-id=sha1",))
    else:
        check.evidence.append(f"build id {case.facts.build_id.hex()}")
    low, high = case.own[0][0], case.own[-1][1]
    check.evidence.append(f"hypervisor at {span_text(low, high)}, {plural(len(elf.segments), 'segment')}")
    return check


def _pieces(case: Case, image: Span, check: Check) -> None:
    """With cache colours: all of each section of the hypervisor is loaded, page by page where its tables map it."""
    elf = case.facts.elf
    for name in (".text", ".rodata", ".data"):
        section = elf.section(name)
        assert section is not None
        pieces = [s for s in elf.segments if s.offset < section.offset + section.size
                  and section.offset < s.offset + s.file_size]
        if section.empty or sum(s.size for s in pieces) != section.size \
                or union((s.offset, s.offset + s.file_size) for s in pieces) != [(section.offset,
                                                                                  section.offset + section.size)]:
            check.fail(f"not all of section {name} is loaded, or some of it twice", image)
        for s in pieces:
            address = section.base + s.offset - section.offset
            there = [(e.phys, e.size) for e in case.facts.own.within(address, s.size)]
            if s.virtual != address or joined_runs(there) != [(s.base, s.size)]:
                check.fail(f"{name} at {address:#x} is loaded at {s.base:#x}, and the hypervisor's tables map it elsewhere",
                           image, f"to {there[0][0]:#x}" if there else "it is not mapped")
    _fixed(case, image, check)
    for name in (".tables",):
        section = elf.section(name)
        assert section is not None
        loaded = sum(end - start for start, end in case.ranges[name])
        if loaded != section.size:
            check.fail(f"{loaded} of {section.size} bytes of section {name} are loaded", image)


def _fixed(case: Case, image: Span, check: Check) -> None:
    """What runs without the tables is where it is linked: the entry; on Arm what reads a word with the MMU off, and the
    vectors, to which that may fault."""
    named = {name: case.facts.elf.symbol(name) for name in ("reach_begin", "reach_end", "vectors")}
    parts = [(case.board.load, 4)]
    begin, end, vectors = named["reach_begin"], named["reach_end"], named["vectors"]
    if begin is not None and end is not None:
        parts.append((begin.value, end.value - begin.value))
    if vectors is not None:
        last = case.facts.elf.symbol("reach_begin") or vectors
        parts.append((vectors.value, max(0x800, last.value - vectors.value if last.value > vectors.value else 0)))
    for address, size in parts:
        there = case.facts.own.within(address, size)
        if sum(e.size for e in there) != size or any(e.ipa != e.phys for e in there):
            check.fail(f"code at {span_text(address, address + size)} runs without the tables, and is not where it is linked",
                       image)


def joined_runs(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(base, size) in the order of their addresses, neighbours as one."""
    found: list[tuple[int, int]] = []
    for base, size in pieces:
        if found and sum(found[-1]) == base:
            found[-1] = (found[-1][0], found[-1][1] + size)
        else:
            found.append((base, size))
    return found


def tables(case: Case, image: Span) -> Check:
    """Every tree is taken by the hardware as it is, lies in the blob, and has its pages for itself."""
    check = Check("tables", "translation tables are well formed and lie in their own section", unit="table")
    blob = case.ranges[".tables"]
    seen: dict[int, str] = {}
    ids: dict[int, str] = {}
    roots = [("the hypervisor's tables", case.facts.own_tables, image)]
    roots += [(f"tables of VM '{vm.name}'", vm.facts.tables, vm.span) for vm in case.vms]
    roots += [(f"the hypervisor's tables to restart VM '{vm.name}'", vm.facts.restart, vm.span) for vm in case.vms
              if vm.facts.restart is not None]
    for name, tree, span in roots:
        walk = tree.walk
        if tree.problem:
            check.fail(f"{name}: the register value {tree.register:#x} names no tables", span, notes=(tree.problem,))
            continue
        check.look(len(walk.tables))
        for flaw in walk.flaws[:3]:
            check.fail(f"{name}: the entry {flaw.value:#x} at {flaw.where:#x} {flaw.text}", span, notes=(
                f"it translates addresses from {flaw.ipa:#x} on",
                f"{plural(len(walk.flaws), 'entry')} of these tables in all are so or otherwise flawed"))
        for table, size in walk.tables:
            if inside(blob, table, table + size) != [(table, table + size)]:
                check.fail(f"{name}: a table lies at {table:#x}, in {case.owner(table)}", span,
                           notes=(f"section .tables is {span_text(blob[0][0], blob[-1][1])}",))
            for page in range(table, table + size, 4096):
                if page in seen:
                    check.fail(f"{name}: the table at {page:#x} is used twice, first in {seen[page]}", span)
                    break
                seen[page] = name
        if any(tree is vm.facts.tables for vm in case.vms):
            if tree.id == 0 or tree.id in ids:
                check.fail(f"{name} have VMID {tree.id}, as {ids.get(tree.id, 'nobody may')}", span,
                           notes=("TLB entries of two VMs would be mixed up",))
            ids[tree.id] = name
        check.evidence.append(f"{name}: {_describe(walk, tree.register)}")
    _attributes(case, image, check)
    for vm in case.vms:
        for start, end in common(vm.physical, blob):
            check.fail(f"VM '{vm.name}' reaches translation tables at {span_text(start, end)}", vm.span)
    for start, end in common(union((e.phys, e.phys_end) for e in case.facts.own.extents), blob):
        check.fail(f"the hypervisor maps translation tables at {span_text(start, end)}", image,
                   notes=("mapped nowhere, they cannot be changed at run time",))
    return check


def _attributes(case: Case, image: Span, check: Check) -> None:
    """Where tables give attributes, memory is normal and devices are devices, for every VM and the hypervisor alike:
    else one would not see what the other writes."""
    for vm in case.vms:
        for piece in vm.pieces:
            e, wanted = piece.extent, "normal" if piece.kind in ("memory", "channel") else "device"
            if e.memory not in ("", wanted):
                check.fail(f"VM '{vm.name}' has {e.memory} memory at IPA {span_text(e.ipa, e.end)}", vm.span,
                           f"it is {case.owner(e.phys)}, to be mapped as {wanted}")
    # A CPU in a spin table reads its word without caches, so this page alone of RAM is written as a device.
    banks = minus(case.banks, [(cpu.release // 4096 * 4096, cpu.release // 4096 * 4096 + 4096)
                               for cpu in case.facts.cpus if cpu.release])
    for tree in [case.facts.own_tables] + [vm.facts.restart for vm in case.vms if vm.facts.restart is not None]:
        for e in tree.walk.extents:
            wanted = "normal" if common([(e.phys, e.phys_end)], banks) else "device"
            if e.memory not in ("", wanted):
                check.fail(f"the hypervisor maps {span_text(e.phys, e.phys_end)} as {e.memory} memory", image,
                           f"it is {case.owner(e.phys)}, to be mapped as {wanted}")


def _describe(walk: Walk, register: int) -> str:
    leaves = ", ".join(f"{count:,} of {_leaf(size)}" for size, count in sorted(walk.leaves.items(), reverse=True))
    return f"{walk.format}, register {register:#x}, {plural(len(walk.tables), 'table')}, leaves: {leaves or 'none'}"


def _leaf(size: int) -> str:
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"
