# SPDX-License-Identifier: Apache-2.0
"""Every field of the configuration in an image, with its place, for mutations."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

from configtool.verify.dwarf import Array, PointerTo, Scalar, Struct, Type
from configtool.verify.elf import Elf
from configtool.verify.facts import Layout

# The count that goes with a pointer of the same structure.
COUNTS = {"probes": "probe_count", "cpus": "vcpu_count", "windows": "window_count", "places": "place_count",
          "channels": "channel_count", "rings": "ring_count", "irq_physical": "irq_count", "restores": "restore_count",
          "passes": "pass_count", "managed": "managed_count",
          "firmware": "firmware_count"}


@dataclass(frozen=True)
class Field:
    path: str                   # 'vms[0].windows[1].ipa'
    address: int
    size: int
    kind: str                   # 'number', 'pointer', 'text'


def fields(elf: Elf, layout: Layout) -> list[Field]:
    return [*_walk(elf, layout.config.type, layout.config.address, ""), *_probes(elf)]


def _probes(elf: Elf) -> Iterator[Field]:
    """The words behind `boot_probes`, up to the 0 that ends them."""
    symbol = elf.symbol("boot_probes")
    assert symbol is not None
    at = symbol.value
    while True:
        yield Field(f"boot_probes[{(at - symbol.value) // 8}]", at, 8, "number")
        if not number(elf, at, 8):
            return
        at += 8


def number(elf: Elf, address: int, size: int) -> int:
    data = elf.read(address, size)
    assert data is not None
    return int.from_bytes(data, "little")


def _walk(elf: Elf, type_: Type, address: int, path: str) -> Iterator[Field]:
    if isinstance(type_, Scalar):
        yield Field(path, address, type_.size, "number")
    elif isinstance(type_, Array):
        for i in range(type_.count):
            yield from _walk(elf, type_.element, address + i * type_.element.size, f"{path}[{i}]")
    elif isinstance(type_, Struct):
        places = {name: (address + offset, kind) for name, offset, kind in type_.members}
        for name, (at, kind) in places.items():
            inner = f"{path}.{name}".lstrip(".")
            yield from _walk(elf, kind, at, inner)
            if isinstance(kind, PointerTo) and kind.target is not None:
                target = number(elf, at, kind.size)
                if name in COUNTS:
                    count_at, count_kind = places[COUNTS[name]]
                    count = number(elf, count_at, count_kind.size)
                    for i in range(count):
                        yield from _walk(elf, kind.target, target + i * kind.target.size, f"{inner}[{i}]")
                else:
                    text = elf.read(target, 200) or b""
                    yield Field(inner, target, text.index(b"\0"), "text")
    elif isinstance(type_, PointerTo):
        yield Field(path, address, type_.size, "pointer")
