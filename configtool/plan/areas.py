# SPDX-License-Identifier: Apache-2.0
"""Where a VM's memory regions and images lie in its own address space (IPA). Physical placement comes later (place.py).

Where the RAM goes, when the YAML does not say: at the architecture's usual address (0x80000000 on RISC-V) if what is
linked to fixed addresses lies inside it there; else at the lowest of those addresses, rounded down to a superpage.
Identity RAM without such images goes wherever there is memory, and its images with it.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping as MappingType

from ..diagnostics import Label
from ..image.model import Image
from ..schema_words import nearest
from ..source import Span
from ..system import ImageRef, Region, Vm
from ..units import size_text
from .arch import MIB, Arch
from .failure import Problems
from .layout import pages
from .model import PAGE


@dataclass(frozen=True)
class Area:
    """A region with its address decided."""
    region: Region
    ipa: int
    in_place: bool                  # physically contiguous, images inside: identity, or a fixed `phys`

    @property
    def size(self) -> int:
        return self.region.size

    @property
    def end(self) -> int:
        return self.ipa + self.region.size


@dataclass(frozen=True)
class Chunk:
    """Bytes that have to lie at an IPA when the VM starts."""
    name: str                       # 'image0', 'initrd', 'dtb'
    kind: str                       # 'image', 'initrd', 'dtb'
    ipa: int
    data: bytes
    size: int                       # in memory: zeros behind data
    source: str                     # file as the user wrote it
    span: Span

    @property
    def end(self) -> int:
        return self.ipa + self.size


@dataclass(frozen=True)
class Layout:
    areas: tuple[Area, ...]         # in YAML order
    chunks: tuple[Chunk, ...]       # images, initrd; not the device tree
    entry: int
    dtb: int                        # IPA of the device tree, 0: none
    initrd: tuple[int, int] | None  # IPA and size


def main_region(vm: Vm) -> Region | None:
    """The region that a kernel, its initrd and its device tree go to: 'ram', or else the first that can be written."""
    return vm.region("ram") or next((r for r in vm.memory if "w" in r.access), None)


def fixed_extent(ref: ImageRef, image: Image) -> tuple[int, int] | None:
    """First and last+1 address of an image that is tied to one; None for a Linux kernel without `at:`."""
    if image.kind == "elf":
        return image.start, image.start + image.size
    return None if ref.at is None else (ref.at, ref.at + image.size)


def ram_base(vm: Vm, images: MappingType[str, Image], arch: Arch) -> int | None:
    """IPA of the main region, which there is. None: identity RAM that nothing ties to an address."""
    region = main_region(vm)
    assert region is not None
    if isinstance(region.at, int):
        return region.at
    if region.at == "identity" and region.phys is not None:
        return region.phys
    elsewhere = [(r.at, r.at + r.size) for r in vm.memory if r is not region and isinstance(r.at, int)]
    parts: list[tuple[int, int]] = []
    for ref in vm.images:
        image = images.get(ref.path)
        if image is None or fixed_extent(ref, image) is None:
            continue
        if image.kind == "elf":
            parts += [(s.at, s.end) for s in image.segments]
        else:
            parts.append((ref.at or 0, (ref.at or 0) + image.size))
    if isinstance(vm.devicetree_at, int):
        parts.append((vm.devicetree_at, vm.devicetree_at + 1))
    parts = [p for p in parts if not any(low <= p[0] and p[1] <= high for low, high in elsewhere)]
    if not parts:
        return None if region.at == "identity" else arch.ram
    low, high = min(p[0] for p in parts), max(p[1] for p in parts)
    if region.at != "identity" and arch.ram <= low and high <= arch.ram + region.size:
        return arch.ram
    return low - low % arch.stage2[0].leaves[1]


def bases(vm: Vm, images: MappingType[str, Image], arch: Arch) -> dict[str, int | None]:
    """IPAs of the regions for which something decides it; None: identity memory that may lie anywhere. The others go
    above."""
    main = main_region(vm)
    found: dict[str, int | None] = {}
    for region in vm.memory:
        if region is main:
            found[region.name] = ram_base(vm, images, arch)
        elif isinstance(region.at, int):
            found[region.name] = region.at
        elif region.at == "identity":
            found[region.name] = region.phys
    return found


def lay_out(vm: Vm, images: MappingType[str, Image], arch: Arch, placed: MappingType[str, int], dtb_size: int,
            problems: Problems) -> Layout:
    """Everything of a VM's own memory at its IPA. `placed`: the bases() of its regions, those of identity memory filled
    in; `dtb_size`: bytes of its device tree, 0: none."""
    main = main_region(vm)
    base = placed[main.name] if main is not None else arch.ram
    areas = _areas(vm, placed, arch)
    chunks: list[Chunk] = []
    claimed: list[tuple[int, int, str, Span]] = []      # IPA ranges in use, bss and what a kernel reserves included
    entry = None
    for index, ref in enumerate(vm.images):
        image = images.get(ref.path)
        if image is None:
            continue
        start = _start(ref, image, base, arch, problems)
        for segment in image.segments:
            chunks.append(Chunk(f"image{index}", "image", start + segment.at, segment.data, segment.size, ref.file,
                                ref.span))
            claimed.append((start + segment.at, start + segment.end, ref.file, ref.span))
        _contain(vm, areas, ref, image, start, arch, problems)
        reserved = start + image.reserve
        if image.kind == "linux":           # it refuses an initrd in its last superpage (RISC-V: setup_bootmem())
            reserved += -reserved % image.align
        if reserved > start + image.segments[-1].end:
            claimed.append((start + image.segments[-1].end, reserved, ref.file, ref.span))
        if entry is None:
            entry = _entry(ref, image, start, problems)
            _executable(vm, areas, ref, entry, problems)
    claimed.sort(key=lambda c: c[:3])
    for before, after in zip(claimed, claimed[1:]):
        if before[1] > after[0]:
            problems.report("BH0415", f"images '{before[2]}' and '{after[2]}' overlap in VM '{vm.name}'", after[3],
                            f"from {after[0]:#x}", related=(Label(before[3], f"to {before[1]:#x}"),),
                            help=(f"put '{after[2]}' at {pages(before[1]):#x} or above",))
    initrd, dtb = None, 0
    if vm.devicetree_at is not None and dtb_size and not problems.fatal:
        dtb = _tree(vm, areas, claimed, dtb_size, problems)
        dtb_size = 0
    area = next((a for a in areas if a.region is main), None)
    if area is not None and not problems.fatal:
        initrd, behind = _behind(vm, area, images, claimed, chunks, dtb_size, problems)
        dtb = dtb or behind
    return Layout(areas, tuple(chunks), entry or 0, dtb, initrd)


def _areas(vm: Vm, placed: MappingType[str, int], arch: Arch) -> tuple[Area, ...]:
    found = {r.name: Area(r, placed[r.name], r.at == "identity" or r.phys is not None) for r in vm.memory
             if r.name in placed}
    for region in vm.memory:                # the others go above, each at a superpage if it fills one
        if region.name not in found:
            align = max((s for s in arch.stage2[0].leaves if s <= region.size), default=PAGE)
            at = max((a.end for a in found.values()), default=arch.ram)
            found[region.name] = Area(region, at + -at % align, region.phys is not None)
    return tuple(found[r.name] for r in vm.memory)


def _start(ref: ImageRef, image: Image, base: int, arch: Arch, problems: Problems) -> int:
    """What the addresses of the image's segments count from."""
    if image.kind == "elf":
        if ref.at is not None and ref.at != image.start:
            problems.report("BH0410", f"`at:` differs from where '{ref.file}' is linked", ref.at_span or ref.span,
                            f"the ELF file says {image.start:#x}",
                            help=(f"leave `at:` out, or link the image at {ref.at:#x}",))
        return 0
    if image.kind == "linux":
        if ref.at is None:
            return base + -base % image.align + image.text_offset
        wrong = (ref.at - image.text_offset) % image.align
        if wrong:
            problems.report("BH0416", f"a Linux kernel cannot lie at {ref.at:#x}", ref.at_span or ref.span,
                            notes=(f"it lies {image.text_offset:#x} (its text_offset) above a multiple of "
                                   f"{size_text(image.align)}",),
                            help=(f"leave `at:` out, or write {ref.at - wrong:#x} or {ref.at - wrong + image.align:#x}",
                                  ))
        return ref.at
    if ref.at is None:
        problems.report("BH0409", f"'{ref.file}' does not say where it belongs in memory", ref.span,
                        "neither an ELF file nor a Linux kernel",
                        help=(f"write {{file: {ref.file}, at: {base:#x}}} (the start of the VM's memory), or the "
                              "address that it was linked for",))
        return base
    return ref.at


def _entry(ref: ImageRef, image: Image, start: int, problems: Problems) -> int:
    own = start + image.entry
    entry = ref.entry if ref.entry is not None else own
    span = ref.entry_span or ref.span
    if image.kind == "elf" and ref.entry is not None and ref.entry != own:
        problems.report("BH0414", f"`entry:` differs from the entry point of '{ref.file}'", span,
                        f"the ELF file says {own:#x}", help=("leave `entry:` out",))
    elif not any(start + s.at <= entry < start + s.end for s in image.segments):
        parts = ", ".join(f"{start + s.at:#x} to {start + s.end:#x}" for s in image.segments[:8])
        problems.report("BH0413", f"the entry point {entry:#x} of '{ref.file}' lies outside it", span,
                        notes=(f"it loads {parts}",),
                        help=("correct ENTRY() in its linker script" if ref.entry is None else "correct `entry:`",))
    return entry


def _contain(vm: Vm, areas: tuple[Area, ...], ref: ImageRef, image: Image, start: int, arch: Arch,
             problems: Problems) -> None:
    """Every part of an image lies inside one region, with the access that it needs; the first that does not is
    shown. A raw file does not say what it needs."""
    parts = [(start + s.at, max(s.size, image.reserve if image.kind == "linux" else 0), s.access)
             for s in image.segments]
    for ipa, size, access in parts:
        if not any(a.ipa <= ipa and ipa + size <= a.end for a in areas):
            _outside(vm, areas, ref, image, ipa, size, arch, problems)
            return
    for ipa, size, access in parts if image.kind != "raw" else ():
        area = next(a for a in areas if a.ipa <= ipa and ipa + size <= a.end)
        lacking = [word for letter, word in _ACCESS.items() if letter in access and letter not in area.region.access]
        if lacking:
            problems.report("BH0412", f"'{ref.file}' needs memory that is {lacking[0]}, and memory.{area.region.name} "
                            f"of VM '{vm.name}' is not", ref.span,
                            f"its segment at {ipa:#x} is '{access}'" if image.kind == "elf" else
                            "a Linux kernel reads, writes and executes its own memory",
                            related=(Label(area.region.span, f"access is '{area.region.access}'"),),
                            help=(f"give memory.{area.region.name} `access: {_joined(access, area.region.access)}`",))
            return


def _executable(vm: Vm, areas: tuple[Area, ...], ref: ImageRef, entry: int, problems: Problems) -> None:
    area = next((a for a in areas if a.ipa <= entry < a.end), None)
    if area is not None and "x" not in area.region.access and not problems.fatal:
        problems.report("BH0412", f"'{ref.file}' needs memory that is executable, and memory.{area.region.name} of VM "
                        f"'{vm.name}' is not", ref.span, f"the VM starts in it, at {entry:#x}",
                        related=(Label(area.region.span, f"access is '{area.region.access}'"),),
                        help=(f"give memory.{area.region.name} `access: {_joined('x', area.region.access)}`",))


def _outside(vm: Vm, areas: tuple[Area, ...], ref: ImageRef, image: Image, ipa: int, size: int, arch: Arch,
             problems: Problems) -> None:
    what = ", with what it clears at its start (image_size)" if image.kind == "linux" else ""
    regions = [f"memory.{a.region.name}: {a.ipa:#x} to {a.end:#x} ({size_text(a.size)})" for a in areas]
    help = "link it inside the VM's memory"
    over = next((a for a in areas if a.ipa <= ipa < a.end), None)
    if over is not None:
        needed = ipa + size - over.ipa
        help = f"make memory.{over.region.name} {size_text(needed + -needed % MIB)} or larger"
    elif areas:
        down = ipa - ipa % arch.stage2[0].leaves[1]
        help = f"write `at: {down:#x}` for memory.{areas[0].region.name}, or link it at {areas[0].ipa:#x} or above"
        if image.kind != "elf":
            help = help.replace("link it", "put it")
    problems.report("BH0411", f"'{ref.file}' does not fit into the memory of VM '{vm.name}'", ref.at_span or ref.span,
                    f"{ipa:#x} to {ipa + size:#x}{what}", notes=regions, help=(help,))


_ACCESS = {"r": "readable", "w": "writable", "x": "executable"}


def _joined(one: str, other: str) -> str:
    return "".join(c for c in "rwx" if c in one or c in other)


def _tree(vm: Vm, areas: tuple[Area, ...], claimed: list[tuple[int, int, str, Span]], size: int,
          problems: Problems) -> int:
    """The device tree where the YAML wants it; it joins what is claimed. 0: it cannot lie there."""
    span = vm.devicetree_at_span or vm.span
    regions = [f"memory.{a.region.name}: {a.ipa:#x} to {a.end:#x} ({size_text(a.size)})" for a in areas]
    named = next((a for a in areas if a.region.name == vm.devicetree_at), None)
    if isinstance(vm.devicetree_at, str) and named is None:
        near = nearest(vm.devicetree_at, [a.region.name for a in areas])
        problems.report("BH0440", f"VM '{vm.name}' has no memory '{vm.devicetree_at}' for its device tree", span,
                        notes=regions, help=(f"did you mean '{near[0]}'?" if near else
                                             "write the name of one of them, or an address",))
        return 0
    at = named.ipa if named is not None else vm.devicetree_at
    assert isinstance(at, int)
    if at == 0 or at % 8:
        up = max(at + -at % 8, 8)
        problems.report("BH0441", f"the device tree of VM '{vm.name}' cannot lie at {at:#x}", span,
                        "0 stands for no device tree" if at == 0 else "not a multiple of 8",
                        help=(f"write {up:#x}" if at % 8 == 0 else f"write {at - at % 8:#x} or {up:#x}",))
        return 0
    if not any(a.ipa <= at and at + size <= a.end for a in areas):
        problems.report("BH0440", f"the device tree of VM '{vm.name}' does not lie inside its memory", span,
                        f"{at:#x} to {at + size:#x}", notes=regions,
                        help=("write an address inside, or the name of the region that it is to begin",))
        return 0
    over = next((c for c in sorted(claimed, key=lambda c: c[:3]) if c[0] < at + size and at < c[1]), None)
    if over is not None:
        problems.report("BH0442", f"the device tree of VM '{vm.name}' overlaps '{over[2]}'", span,
                        f"{at:#x} to {at + size:#x}",
                        related=(Label(over[3], f"{over[0]:#x} to {over[1]:#x}"),),
                        help=("move one of them: the image by its `at:` or its linker script, the tree by this key",))
        return 0
    claimed.append((at, at + size, "device tree", span))
    return at


def _behind(vm: Vm, area: Area, images: MappingType[str, Image], claimed: list[tuple[int, int, str, Span]],
            chunks: list[Chunk], dtb_size: int, problems: Problems) -> tuple[tuple[int, int] | None, int]:
    """Initrd and device tree in the main region: at its end, the tree last; right behind the images where the region
    lies in the flat image as a whole."""
    used = sorted((max(start // PAGE * PAGE, area.ipa), pages(end)) for start, end, _, _ in claimed
                  if start < area.end and area.ipa < end)
    options = vm.linux
    image = images.get(options.initrd_path) if options and options.initrd_path else None
    initrd: tuple[int, int] | None = None
    dtb = 0
    order = ("initrd", "dtb") if area.in_place else ("dtb", "initrd")
    for what in order:
        size = dtb_size if what == "dtb" else image.size if image else 0
        if not size:
            continue
        at = _gap(area, used, pages(size))
        if at is None:
            span = (options.initrd_span or options.span) if what == "initrd" and options else area.region.span
            name = "the device tree" if what == "dtb" else f"the initrd '{options.initrd if options else ''}'"
            held = sum(end - start for start, end in used)
            needed = (held + pages(size) + MIB - 1) // MIB * MIB
            help = [f"make memory.{area.region.name} {size_text(needed)} or larger"]
            if what == "dtb":
                help.append("or write `devicetree: none` if the guest does not read one")
            problems.report("BH0418", f"no room for {name} in memory.{area.region.name} of VM '{vm.name}'", span,
                            notes=(f"{size_text(size)} are needed in one piece; {size_text(held)} of "
                                   f"{size_text(area.size)} hold its images",), help=help)
            return None, 0
        used = sorted(used + [(at, at + pages(size))])
        if what == "dtb":
            dtb = at
        elif image is not None and options is not None:
            initrd = (at, image.size)
            chunks.append(Chunk("initrd", "initrd", at, image.segments[0].data, image.size, options.initrd or "",
                                options.initrd_span or options.span))
    return initrd, dtb


def _gap(area: Area, used: list[tuple[int, int]], size: int) -> int | None:
    """A free place of whole pages: the highest in the area, or the lowest above all that is used where it lies in
    place."""
    if area.in_place:
        at = max((end for _, end in used), default=area.ipa)
        return at if at + size <= area.end else None
    gaps, at = [], area.ipa
    for start, end in sorted(used):
        gaps.append((at, start))
        at = max(at, end)
    gaps.append((at, area.end))
    return next((high - size for low, high in reversed(gaps) if high - low >= size), None)
