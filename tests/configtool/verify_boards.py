# SPDX-License-Identifier: Apache-2.0
"""The same two VMs for each architecture and interrupt controller: their images, and what all of them can be altered in."""
from __future__ import annotations

import functools
from typing import Iterator

from configtool.verify.elf import Elf, NotAnImage, parse
from configtool.verify.facts import Facts, gather
from configtool.verify.judge import verify
from verify_fields import Field, fields, number
from verify_system import Verified, make, pattern

SPIN = "raspberrypi-4b"     # its CPUs wait in a spin table
YAML = """\
bulkhead: 1
name: verified
board: BOARD
channels:
  both: {size: 8KiB, between: [alpha, beta]}
vms:
  alpha:
    vcpus: 1
    memory: {ram: 4MiB, table: {size: 64KiB, at: 0x50000000, access: r}}
    images: [{file: alpha.bin, at: 0x40000000}, {file: table.bin, at: 0x50000000}]
    devices: [pl031@9010000]
    on_fault: {action: restart}
    firmware:
      - {call: pm-clock-enable, arguments: {w1: [69, 71-72], h1: 0}}
      - {call: 0xc3000001, arguments: any, shared: true}
  beta:
    vcpus: 2
    memory: {ram: 4MiB}
    image: {file: beta.bin, at: 0x40000000}
    firmware: [{call: 0xc3000001, arguments: {x2: 0x100000007}, shared: true}]
"""


@functools.lru_cache(maxsize=None)
def build(board: str) -> Verified:
    name, _, direct = board.partition(" ")
    text = YAML.replace("BOARD", name)
    if name == SPIN:                    # its RTC is no device for a VM
        text = text.replace("    devices: [pl031@9010000]\n", "")
    if "riscv" in name:
        text = text.replace("0x40000000", "0x80000000").replace("0x50000000", "0x90000000").replace(
            "pl031@9010000", "rtc@101000")
    if name == SPIN or "riscv" in name:         # no firmware to call
        kept = text.splitlines(keepends=True)
        text = "".join(line for line in kept if not line.startswith(("    firmware", "      - {call")))
    if direct:
        text = text.replace("    vcpus:", "    interrupts: direct\n    vcpus:")
    return make({"system.yaml": text.encode(), "alpha.bin": pattern(3, 5000),
                 "table.bin": pattern(5, 65536), "beta.bin": pattern(7, 9000)})


@functools.lru_cache(maxsize=None)
def good(board: str) -> tuple[Elf, Facts]:
    elf = parse(build(board).data)
    return elf, gather(elf, build(board).layout)


def found(board: str, data: bytes) -> set[str]:
    system = build(board)
    try:
        report = verify(data, "bulkhead.elf", system.system, system.board, system.layout)
    except NotAnImage:
        return {"refused"}
    return {check.name for check in report.checks if not check.passed}


def patched(board: str, address: int, new: bytes) -> bytes:
    segment = next(s for s in good(board)[0].segments if s.base <= address < s.end)
    data = bytearray(build(board).data)
    at = segment.offset + address - segment.base
    data[at:at + len(new)] = new
    return bytes(data)


def meaningful(board: str) -> list[Field]:
    return [f for f in fields(good(board)[0], build(board).layout) if not harmless(board, f)]


def harmless(board: str, field: Field) -> bool:
    if field.path in ("console.cpu", "stats") or ".places[" in field.path and field.path.endswith(".line"):
        return True
    return field.path.startswith("irq_owner[") and field.path.endswith(".guest") \
        and number(good(board)[0], field.address - 2, 2) >= 0xfffe


def configuration(board: str) -> Iterator[tuple[str, bytes]]:
    for field in meaningful(board):
        if field.kind == "text":
            yield f"{field.path}: shorter", patched(board, field.address + field.size - 1, b"\0")
            continue
        value, top = number(good(board)[0], field.address, field.size), 1 << 8 * field.size
        new = {1 - value} if field.size == 1 and value in (0, 1) else {(value + 1) % top, value ^ top >> 1}
        for changed in sorted(new)[:1 if field.path.startswith("irq_owner[") else 2]:
            yield f"{field.path}: {value:#x} is {changed:#x}", patched(board, field.address,
                                                                     changed.to_bytes(field.size, "little"))
