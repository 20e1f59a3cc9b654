# SPDX-License-Identifier: Apache-2.0
"""Firmware calls that a VM may make, from the words of its YAML to rows that the hypervisor compares with.

Source: Arm DEN 0028 (SMCCC), section 2.5: function ids; section 3: 64-bit calls have their arguments in x1 to x17.
EEMI: Zynq UltraScale+ MPSoC, Embedded Energy Management Interface (UG1200), chapter "API"; its calls over SMC are 64-bit SiP
calls with the number of the API call in the low 16 bits and two 32-bit arguments in each register.
"""
from __future__ import annotations

from itertools import product

from ..system import FirmwareCall, Vm
from .model import FirmwareRow

MOST_ROWS = 256                 # of a VM: the hypervisor compares with one after the other
_Range = tuple[int, int]        # both ends included
_ALL = 0xFFFF_FFFF
_EEMI = 0xC200_0000

# EEMI calls that act on a node, a clock, a reset or a pin by its id in w1.
NAMES = {f"pm-{name}": _EEMI | number for name, number in {
    "get-api-version": 1, "get-node-status": 3, "request-node": 13, "release-node": 14, "set-requirement": 15,
    "reset-assert": 17, "reset-get-status": 18, "get-chipid": 24, "pinctrl-request": 28, "pinctrl-release": 29,
    "pinctrl-get-function": 30, "pinctrl-set-function": 31, "pinctrl-config-param-get": 32,
    "pinctrl-config-param-set": 33, "ioctl": 34, "query-data": 35, "clock-enable": 36, "clock-disable": 37,
    "clock-getstate": 38, "clock-setdivider": 39, "clock-getdivider": 40, "clock-setparent": 43, "clock-getparent": 44,
    "feature-check": 63}.items()}


def function(call: FirmwareCall) -> int | None:
    """None: nobody knows the name."""
    return call.call if isinstance(call.call, int) else NAMES.get(call.call)


def rows(vm: Vm) -> tuple[FirmwareRow, ...]:
    """Of calls that the rules have passed."""
    return tuple(sorted((row for call in vm.firmware for row in of_call(call)), key=lambda r: (r.function, r.low, r.high)))


def of_call(call: FirmwareCall) -> list[FirmwareRow]:
    """One row for each combination of ranges."""
    number = function(call)
    assert number is not None
    given = {argument.register: [(low, high) for low, high, _ in argument.ranges] for argument in call.arguments}
    registers: list[list[tuple[_Range, _Range]]] = []       # for each: what its halves may be, together
    for n in "123":
        # The rules see to it that the ends of a range of x1 have the same high half.
        whole = [((low & _ALL, high & _ALL), (low >> 32, high >> 32)) for low, high in given.get(f"x{n}", [])]
        registers.append(whole or list(product(given.get(f"w{n}", [(0, _ALL)]), given.get(f"h{n}", [(0, _ALL)]))))
    found = []
    for combination in product(*registers):
        halves = [half for register in combination for half in register]
        found.append(FirmwareRow(number, tuple(low for low, _ in halves), tuple(high for _, high in halves),
                                 call.span.line))
    return found
