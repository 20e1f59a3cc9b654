# SPDX-License-Identifier: Apache-2.0
"""Boards, systems and images made by hand, for tests of images and the plan."""
from __future__ import annotations

import struct
from typing import Any

from configtool.board.model import Board, Cpu, Device, Interrupt, InterruptController, MemoryBank, Reserved
from configtool.diagnostics import Diagnostic
from configtool.source import Span
from configtool.system import Channel, CpuRequest, DeviceRef, ImageRef, Region, System, Vm

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PLIC = "/soc/plic@c000000"
ISA = ("i", "m", "a", "f", "d", "c", "h", "zicbom", "zicboz", "zicntr", "zicsr", "zifencei", "sstc", "svadu", "smaia")


class Sink:
    """Collects diagnostics."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        self.found.append(diagnostic)

    @property
    def codes(self) -> list[str]:
        return [d.code for d in self.found]


def span(line: int, file: str = "system.yaml") -> Span:
    return Span(file, line, 5, line, 9)


def device(name: str, base: int, size: int, sources: tuple[int, ...] = (),
           compatible: tuple[str, ...] = ("vendor,thing",),
           **more: Any) -> Device:
    interrupts = tuple(Interrupt(s, "level-high", PLIC) for s in sources)
    return Device(name, f"/soc/{name}", None, more.pop("aliases", ()), span(1, "board.dts"), compatible, True,
                  ((base, size),),
                  interrupts, **more)


def virt(cpus: int = 4, memory: tuple[tuple[int, int], ...] = ((0x8000_0000, GIB),), load: int = 0x8020_0000,
         isa: tuple[str, ...] = ISA, **more: Any) -> Board:
    """QEMU's virt machine, more or less."""
    devices = (device("rtc@101000", 0x10_1000, 0x1000, (11,), ("google,goldfish-rtc",)),
               device("serial@10000000", 0x1000_0000, 0x100, (10,), ("ns16550a",), aliases=("serial0",)),
               *(device(f"virtio_mmio@1000{n}000", 0x1000_0000 + n * 0x1000, 0x1000, (n,), ("virtio,mmio",),
                        dma_master=True)
                 for n in range(1, 9)))
    return Board(
        "qemu-riscv64-virt", None, "board.dts", "riscv64", "QEMU virt", load, span(5, "board.yaml"), "sbi",
        tuple(Cpu(i, f"cpu@{i}", f"/cpus/cpu@{i}", None, i, span(10 + i, "board.dts"), True, ("riscv",), isa, "rv64i",
                  "riscv,sv57", more.get("cluster")) for i in range(cpus)),
        tuple(MemoryBank(base, size, span(3, "board.dts")) for base, size in memory),
        (Reserved("OpenSBI", 0x8000_0000, 512 * KIB, span(6, "board.yaml"), "firmware"),), devices,
        InterruptController("plic", PLIC, span(4, "board.dts"), ((0x0c00_0000, 0x60_0000),), 95,
                            {i: 2 * i + 1 for i in range(cpus)}),
        (), 10_000_000, "/soc/serial@10000000", run=("qemu-system-riscv64", "-kernel", "{bin}"))


def ram(size: int, line: int = 9, name: str = "ram", **more: Any) -> Region:
    return Region(name, span(line), size, span(line), **more)


def vm(name: str, size: int = 16 * MIB, *, line: int = 8, count: int = 1, file: str | None = None, **more: Any) -> Vm:
    file = file or f"{name}.elf"
    memory = more.pop("memory", (ram(size, line + 2),))
    images = more.pop("images", (ImageRef(file, f"/x/{file}", span(line + 3)),))
    return Vm(name, span(line), more.pop("cpus", CpuRequest(span(line + 1), count)), memory, images, **more)


def system(*vms: Vm, channels: tuple[Channel, ...] = (), **more: Any) -> System:
    return System("dir/system.yaml", more.pop("name", "case"), span(2), "qemu-riscv64-virt", span(3), vms, channels,
                  **more)


def elf(*segments: tuple[int, bytes, int, int], entry: int | None = None, bits: int = 64, machine: int = 243,
        kind: int = 2, virtual: int = 0) -> bytes:
    """An ELF file with these PT_LOAD segments: (address, data, size in memory, flags: 4 r, 2 w, 1 x). `virtual` is
    added to the virtual addresses and the entry."""
    entry = segments[0][0] if entry is None else entry
    wide = bits == 64
    start, each = (64, 56) if wide else (52, 32)
    body, headers = b"", b""
    for at, data, size, flags in segments:
        offset = start + each * len(segments) + len(body)
        headers += struct.pack("<IIQQQQQQ", 1, flags, offset, at + virtual, at, len(data), size, 4096) if wide else \
            struct.pack("<8I", 1, offset, at + virtual, at, len(data), size, flags, 4096)
        body += data
    head = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    head += struct.pack("<HHI" + ("QQQ" if wide else "III") + "IHHHHHH", kind, machine, 1, entry + virtual, start, 0, 0,
                        start,
                        each, len(segments), 0, 0, 0)
    return head + headers + body


def kernel(size: int = 5 * MIB, reserve: int | None = None, text_offset: int = 0x20_0000,
           magic: bytes = b"RSC\x05") -> bytes:
    """A Linux Image of `size` bytes."""
    head = struct.pack("<IIQQQIIQ8s4sI", 0, 0, text_offset, size + MIB if reserve is None else reserve, 0, 2, 0, 0,
                       b"RISCV\0\0\0", magic, 0)
    return head + bytes(size - len(head))


def device_ref(name: str, line: int = 20, **more: Any) -> DeviceRef:
    return DeviceRef(name, span(line), **more)


def channel(name: str, size: int, writer: str, *readers: str, line: int = 4, doorbell: str = "both",
            between: bool = False,
            **more: Any) -> Channel:
    if between:
        return Channel(name, span(line), size, span(line), between=((writer, span(line)), (readers[0], span(line))),
                       doorbell=doorbell, **more)
    return Channel(name, span(line), size, span(line), (writer, span(line)), tuple((r, span(line)) for r in readers),
                   doorbell=doorbell, **more)
