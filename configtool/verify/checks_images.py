# SPDX-License-Identifier: Apache-2.0
"""Guest images: every byte that a guest starts with is that of its files."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..source import Span
from ..system import ImageRef
from .case import Case, VmCase, plural, size_text, span_text
from .checks_memory import Held
from .fdt import BadTree, Node
from .guestfile import BadGuest, GuestFile, Load
from .report import Check
from .walk import Ranges, common, inside, minus, union

_HEADER = 64                    # bytes of a Linux Image that tell where it lies


@dataclass(frozen=True)
class Placed:
    """A file, found in a guest's memory at an IPA."""
    name: str
    start: int                  # what the addresses of its parts count from
    file: GuestFile

    @property
    def ranges(self) -> list[tuple[int, int]]:
        return [(self.start + part.at, self.start + part.end) for part in self.file.loads]


def images(case: Case, held: dict[str, tuple[Held, ...]], trees: dict[str, tuple[Node, int]]) -> Check:
    """Images and initrds are unaltered, entries are theirs, and nothing else lies in a guest's memory.

    `trees`: each VM's device tree and its size, where there is one."""
    check = Check("images", "guest images lie unaltered where they belong, and no other data does", unit="byte")
    for vm in case.vms:
        placed: list[Placed] = []
        for ref in vm.vm.images:
            found = _image(case, vm, ref, held.get(vm.name, ()), first=ref is vm.vm.images[0], check=check)
            if found is not None:
                placed.append(found)
        initrd = _initrd(case, vm, trees.get(vm.name), check)
        if initrd is not None:
            placed.append(initrd)
        _entry(vm, placed, check)
        used = [r for p in placed for r in p.ranges]
        if vm.name in trees:
            used.append((vm.facts.dtb, vm.facts.dtb + trees[vm.name][1]))
        _nothing_else(case, vm, union(used), check)
    return check


def _image(case: Case, vm: VmCase, ref: ImageRef, held: tuple[Held, ...], first: bool, check: Check) -> Placed | None:
    try:
        file = case.file(ref.path)
    except BadGuest as reason:
        check.fail(f"'{ref.file}' of VM '{vm.name}' cannot be compared: {reason}", ref.span)
        return None
    start = _start(case, vm, ref, file, first)
    if start is None:
        check.fail(f"'{ref.file}' is not in the memory of VM '{vm.name}'", ref.span)
        return None
    made = Placed(ref.file, start, file)
    if file.kind == "linux" and (start - file.text_offset) % file.align:
        check.fail(f"the kernel '{ref.file}' lies at IPA {start:#x} of VM '{vm.name}'", ref.span,
                   f"it has to lie {file.text_offset:#x} above a multiple of {size_text(file.align)}")
    if file.reserve and not any(h.ipa <= start and start + file.reserve <= h.end for h in held):
        check.fail(f"the kernel '{ref.file}' clears more memory at its start than VM '{vm.name}' has there", ref.span,
                   f"IPA {span_text(start, start + file.reserve)}")
    digest = hashlib.sha256()
    if all(_compare(case, vm, made, part, ref.span, digest, check) for part in file.loads):
        size = size_text(sum(part.size for part in file.loads))
        check.evidence.append(f"{vm.name}: {ref.file}, sha256 {file.sha256}")
        check.evidence.append(f"{vm.name}: {size} in memory from IPA {start + file.loads[0].at:#x} on, "
                              f"sha256 {digest.hexdigest()}")
    return made


def _start(case: Case, vm: VmCase, ref: ImageRef, file: GuestFile, first: bool) -> int | None:
    if file.kind == "elf":
        return 0
    if ref.at is not None or file.kind == "raw":
        return ref.at
    if first and ref.entry is None:         # a kernel starts at its first byte
        return vm.facts.entry
    header = file.loads[0].data[:_HEADER]
    for e in vm.of("memory"):
        for at in range(e.ipa + (file.text_offset - e.ipa) % file.align, e.end, file.align):
            if case.read_guest(vm, at, len(header)) == header:
                return at
    return None


def _compare(case: Case, vm: VmCase, placed: Placed, part: Load, span: Span, digest: "hashlib._Hash",
             check: Check) -> bool:
    """One part of a file against the guest's memory, and the zeros behind it."""
    ipa = placed.start + part.at
    check.look(part.size)
    found = case.read_guest(vm, ipa, part.size)
    if found is None:
        check.fail(f"'{placed.name}' is not wholly in the memory of VM '{vm.name}'", span,
                   f"IPA {span_text(ipa, ipa + part.size)} is not filled from the image")
        return False
    digest.update(found)
    wanted = part.data + bytes(part.size - len(part.data)) if part.size > len(part.data) else part.data
    if found != wanted:
        at = next(i for i, (a, b) in enumerate(zip(found, wanted)) if a != b)
        extent = vm.facts.walk.at(ipa + at)
        check.fail(f"'{placed.name}' is altered in the memory of VM '{vm.name}'", span,
                   f"first at IPA {ipa + at:#x}: {found[at]:#04x} instead of {wanted[at]:#04x}",
                   notes=(f"at physical {extent.phys + ipa + at - extent.ipa:#x}",) if extent else ())
        return False
    return True


def _initrd(case: Case, vm: VmCase, tree: tuple[Node, int] | None, check: Check) -> Placed | None:
    """The initrd where the guest's device tree says that it is."""
    options = vm.vm.linux
    if options is None or options.initrd_path is None:
        return None
    span = options.initrd_span or options.span
    file_name = options.initrd or ""
    try:
        file = case.file(options.initrd_path, raw=True)
    except BadGuest as reason:
        check.fail(f"'{file_name}' of VM '{vm.name}' cannot be compared: {reason}", span)
        return None
    chosen = tree[0].child("chosen") if tree else None
    if chosen is None or "linux,initrd-start" not in chosen.properties:
        check.fail(f"the device tree of VM '{vm.name}' does not tell of its initrd", span)
        return None
    start, end = (int.from_bytes(chosen.properties.get(name, b""), "big")
                  for name in ("linux,initrd-start", "linux,initrd-end"))
    if end - start != file.loads[0].size:
        check.fail(f"the device tree of VM '{vm.name}' has its initrd at IPA {span_text(start, end)}", span,
                   f"it has {plural(file.loads[0].size, 'byte')}")
        return None
    made = Placed(file_name, start, file)
    digest = hashlib.sha256()
    if not _compare(case, vm, made, file.loads[0], span, digest, check):
        return None
    check.evidence.append(f"{vm.name}: {file_name}, initrd at IPA {start:#x}, sha256 {file.sha256}")
    return made


def _entry(vm: VmCase, placed: list[Placed], check: Check) -> None:
    if not vm.vm.images:
        return
    ref = vm.vm.images[0]
    extent = vm.facts.walk.at(vm.facts.entry)
    if extent is None or "x" not in extent.access:
        check.fail(f"VM '{vm.name}' starts at IPA {vm.facts.entry:#x}, which it cannot execute",
                   ref.entry_span or ref.span, f"mapped {extent.access}" if extent else "nothing is mapped there")
    if placed and placed[0].name == ref.file:
        wanted = ref.entry if ref.entry is not None else placed[0].start + placed[0].file.entry
        if vm.facts.entry != wanted:
            check.fail(f"VM '{vm.name}' starts at IPA {vm.facts.entry:#x}", ref.entry_span or ref.span,
                       f"'{ref.file}' starts at {wanted:#x}")


def _nothing_else(case: Case, vm: VmCase, used: Ranges, check: Check) -> None:
    """What the image puts into a guest's memory beside its files is zeros."""
    elf = case.facts.elf
    for e in vm.of("memory") + vm.of("channel"):
        for segment in elf.within(e.phys, e.phys_end):
            for low, high in common([(e.phys, e.phys_end)], [(segment.base, segment.end)]):
                shift = e.ipa - e.phys
                for start, end in minus([(low + shift, high + shift)], inside(used, low + shift, high + shift)):
                    data = elf.read(start - shift, end - start) or b""
                    if any(data):
                        at = next(i for i, byte in enumerate(data) if byte)
                        check.fail(f"the memory of VM '{vm.name}' has data of none of its files", vm.span,
                                   f"first at IPA {start + at:#x}, physical {start - shift + at:#x}")


def device_tree(case: Case, vm: VmCase) -> tuple[Node, int] | None:
    """The tree that the guest is started with, and its size; None: it is given none. Raises BadTree."""
    from . import fdt

    if not vm.facts.dtb:
        return None
    header = case.read_guest(vm, vm.facts.dtb, 40)
    if header is None:
        raise BadTree(f"IPA {vm.facts.dtb:#x} is not filled from the image")
    size = fdt.size(header)
    data = case.read_guest(vm, vm.facts.dtb, size)
    if data is None:
        raise BadTree(f"IPA {span_text(vm.facts.dtb, vm.facts.dtb + size)} is not filled from the image")
    if vm.facts.dtb % 8:
        raise BadTree(f"it lies at IPA {vm.facts.dtb:#x}, which is not a multiple of 8")
    return fdt.parse(data), size
