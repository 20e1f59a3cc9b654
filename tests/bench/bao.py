# SPDX-License-Identifier: Apache-2.0
"""The same figures of the Bao hypervisor: main branch of July 2026 (738e3dc), GCC 12 -O2, same QEMU, counted alike.

By the key of a figure and the board's. What is not here was not measured, or Bao has no such thing. The senders and
callers on the PLIC and the APLIC seem to include firmware (docs/benchmarks.md).
"""
from __future__ import annotations

_ALL_RISCV = ("plic", "aplic", "aia")


def _riscv(value: int) -> dict[str, int]:
    return dict.fromkeys(_ALL_RISCV, value)


BAO: dict[str, dict[str, int]] = {
    "boot-64m": {"plic": 696_101, "aplic": 726_474, "aia": 719_939, "gicv3": 372_855},
    "boot-1g": {"aia": 1_033_769, "gicv3": 691_998},
    "boot-16m": {"aia": 17_037_357, "gicv3": 20_243_428},
    "call": {**_riscv(235), "gicv3": 188},
    "smc": {"gicv3": 202},
    "hypercall": {**_riscv(265), "gicv3": 146},
    "set-timer": _riscv(235),
    "timer": {**_riscv(0), "gicv3": 199},
    "device": {"plic": 13_664, "aplic": 16_630, "aia": 0, "gicv3": 204},
    "claim": {"plic": 40_862, "aplic": 16_751, "aia": 0, "gicv3": 0},
    "read": {"plic": 284, "aplic": 297, "aia": 296, "gicv3": 225},
    "write": {"plic": 297, "aplic": 313, "aia": 313, "gicv3": 690},
    "doorbell-send": {"plic": 3_735, "aplic": 3_735, "aia": 414, "gicv3": 322},
    "doorbell-receive": {"plic": 14_244, "aplic": 17_173, "aia": 364, "gicv3": 411},
    "ipi-send": {"aia": 808, "gicv3": 373},
    "ipi-receive": {"aia": 243, "gicv3": 414},
    "ipi-self": {"gicv3": 775},
    "start-call": {"plic": 3_716, "aia": 395, "gicv3": 381},
    "start-wake": {"plic": 1_126, "aia": 1_136, "gicv3": 1_170},
    "text": {"plic": 37_518, "aia": 38_792, "gicv3": 87_638},
    "ram": {"plic": 352 << 10, "aia": 356 << 10, "gicv3": 428 << 10},
    "lines": {"plic": 7_336, "aplic": 8_008, "aia": 8_133, "gicv3": 10_077},
}

# A write costs Bao more the more interrupts it concerns.
BAO_UP_TO = {("write", "gicv3"): 3_600}
