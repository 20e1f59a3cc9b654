# SPDX-License-Identifier: Apache-2.0
"""verify on an image with budgets of memory bandwidth: each field of them, altered, is found."""
from __future__ import annotations

import functools

from configtool.verify.elf import parse
from configtool.verify.judge import verify
from configtool.verify.report import Report
from verify_fields import Field, fields, number
from verify_system import Verified, make, pattern

BOARD = "qemu-aarch64-virt-gicv3"
YAML = f"""\
# SPDX-License-Identifier: Apache-2.0
bulkhead: 1
name: budgets
board: {BOARD}
hypervisor: {{bandwidth: {{reserve: 100MiB/s}}}}
channels:
  news: {{size: 4KiB, from: both, to: [lender], doorbell: to}}
vms:
  lender:
    vcpus: 1
    memory: {{ram: 2MiB}}
    image: {{file: raw.bin, at: 0x40000000}}
    devices: [pl031@9010000]
    bandwidth:
      budget: 400MiB/s
      lend: 50%
      critical: {{interrupts: [timer, pl031@9010000, channels.news], cost: 4KiB}}
  both:
    vcpus: 2
    memory: {{ram: 2MiB}}
    image: {{file: raw.bin, at: 0x40000000}}
    bandwidth: {{budget: 100MiB/s, per_vcpu: [60%, 40%], borrow: true}}
  unbound:
    vcpus: 1
    memory: {{ram: 2MiB}}
    image: {{file: raw.bin, at: 0x40000000}}
"""
SHARED = YAML.replace(", per_vcpu: [60%, 40%], borrow: true", ", per_vcpu: shared, period: 1ms").replace(
    "      lend: 50%\n", "")


@functools.lru_cache(maxsize=None)
def built(yaml: str) -> Verified:
    return make({"system.yaml": yaml.encode(), "raw.bin": pattern(3, 4096)})


def judged(system: Verified, data: bytes | None = None) -> Report:
    return verify(data or system.data, "bulkhead.elf", system.system, system.board, system.layout)


def test_budgets_are_those_of_the_description() -> None:
    for yaml, said in ((YAML, ["lender: 419,430,000 of 419,430,400 bytes in a second, every 100 us",
                               "both: 104,850,000 of 104,857,600 bytes in a second, every 100 us"]),
                       (SHARED, ["lender: 419,430,000 of 419,430,400 bytes in a second, every 100 us",
                                 "both: 104,848,000 of 104,857,600 bytes in a second, every 1000 us"])):
        report = judged(built(yaml))
        check = next(check for check in report.checks if check.name == "bandwidth")
        assert report.isolated, [f.message for c in report.checks for f in c.findings]
        assert check.evidence == said


def altered(system: Verified, field: Field, value: int) -> bytes:
    elf = parse(system.data)
    segment = next(s for s in elf.segments if s.base <= field.address < s.end)
    at = segment.offset + field.address - segment.base
    return system.data[:at] + value.to_bytes(field.size, "little") + system.data[at + field.size:]


def test_every_altered_field_is_found() -> None:
    tried = 0
    for yaml in (YAML, SHARED):
        system = built(yaml)
        elf = parse(system.data)
        for field in fields(elf, system.layout):
            if not field.path.startswith(("budgets[", "pools[", "overflow_irq", "timer_irq")) or field.kind == "text":
                continue
            # Of a CPU whose vCPU has no budget only the period counts.
            index = int(field.path[8:field.path.index("]")]) if field.path.startswith("budgets[") else -1
            if index == 3 and not field.path.endswith("period"):
                continue
            value = number(elf, field.address, field.size)
            for new in {value + 1, value ^ 1 << 8 * field.size - 1}:
                tried += 1
                report = judged(system, altered(system, field, new % (1 << 8 * field.size)))
                assert not report.isolated, f"{field.path}: {value:#x} is {new:#x}"
    assert tried > 100


def test_an_image_with_budgets_that_the_description_does_not_have() -> None:
    system, other = built(YAML), built(SHARED)
    report = verify(system.data, "bulkhead.elf", other.system, other.board, system.layout)
    assert not next(check for check in report.checks if check.name == "bandwidth").passed
