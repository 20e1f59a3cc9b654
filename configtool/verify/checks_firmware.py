# SPDX-License-Identifier: Apache-2.0
"""Firmware calls that go on are those of the description, and no two VMs make the same unless both say so.

A row is a box in six dimensions, one for each half of an argument. What the image lets through and what the description
allows are compared as sets of boxes: each one's are cut out of the other's.
"""
from __future__ import annotations

from ..system import FirmwareCall
from .case import Case, VmCase
from .facts import FirmwareRow
from .report import Check

_Box = tuple[tuple[int, int], ...]
_FULL = (0, 0xFFFFFFFF)
_HALVES = ("w1", "h1", "w2", "h2", "w3", "h3")
# EEMI (UG1200): number of each API call that has a name in descriptions; Trusted Firmware-A takes it at 0xc2000000 + number.
_EEMI = {1: "get-api-version", 3: "get-node-status", 13: "request-node", 14: "release-node", 15: "set-requirement",
         17: "reset-assert", 18: "reset-get-status", 24: "get-chipid", 28: "pinctrl-request", 29: "pinctrl-release",
         30: "pinctrl-get-function", 31: "pinctrl-set-function", 32: "pinctrl-config-param-get",
         33: "pinctrl-config-param-set", 34: "ioctl", 35: "query-data", 36: "clock-enable", 37: "clock-disable",
         38: "clock-getstate", 39: "clock-setdivider", 40: "clock-getdivider", 43: "clock-setparent",
         44: "clock-getparent", 63: "feature-check"}


def firmware(case: Case) -> Check:
    check = Check("firmware", "each VM makes the firmware calls of the description alone", unit="row")
    for vm in case.vms:
        _one(vm, check)
    for i, vm in enumerate(case.vms):
        for other in case.vms[i + 1:]:
            _both(vm, other, check)
    return check


def _one(vm: VmCase, check: Check) -> None:
    rows = vm.facts.firmware
    check.look(len(rows))
    numbers = [row.function for row in rows]
    if numbers != sorted(numbers):
        check.fail(f"the firmware calls of VM '{vm.name}' are not in order: some would not be found", vm.span)
    allowed = [(call, _number(call), _boxes(call)) for call in vm.vm.firmware]
    for row in rows:
        left = _minus([row.ranges], [box for _, number, boxes in allowed if number == row.function for box in boxes])
        if not (row.function >> 24 & 0x3F in (2, 3) and row.function >> 31) or left:
            span = next((call.span for call, number, _ in allowed if number == row.function), vm.span)
            check.fail(f"VM '{vm.name}' makes the firmware call {row.function:#010x} with {_words((left or [row.ranges])[0])}",
                       span, "the description does not allow that")
    for call, number, boxes in allowed:
        left = _minus(boxes, [row.ranges for row in rows if row.function == number])
        if left:
            check.fail(f"VM '{vm.name}' cannot make the firmware call {number:#010x} with {_words(left[0])}", call.span,
                       "the description allows it")
        check.evidence.append(f"{vm.name}: {number:#010x}" + (", shared" if call.shared else ""))


def _both(vm: VmCase, other: VmCase, check: Check) -> None:
    """No row of one lets through what a row of the other does, but for what both share."""
    for row in vm.facts.firmware:
        for theirs in other.facts.firmware:
            common = _common(row.ranges, theirs.ranges) if row.function == theirs.function else None
            if common is not None and _minus([common], _shared(vm, row, other)):
                check.fail(f"VMs '{vm.name}' and '{other.name}' both make the firmware call {row.function:#010x} with "
                           f"{_words(common)}", other.span)


def _shared(vm: VmCase, row: FirmwareRow, other: VmCase) -> list[_Box]:
    mine, theirs = ([box for call in v.vm.firmware if call.shared and _number(call) == row.function for box in _boxes(call)]
                    for v in (vm, other))
    return [both for a in mine for b in theirs if (both := _common(a, b)) is not None]


def _number(call: FirmwareCall) -> int:
    if isinstance(call.call, int):
        return call.call
    return next((0xC2000000 + number for number, name in _EEMI.items() if f"pm-{name}" == call.call), 0)


def _boxes(call: FirmwareCall) -> list[_Box]:
    boxes: list[_Box] = [(_FULL,) * len(_HALVES)]
    for argument in call.arguments:
        grown = []
        for box in boxes:
            for low, high, _ in argument.ranges:
                made = list(box)
                if argument.register.startswith("x"):
                    at = _HALVES.index(f"w{argument.register[1:]}")
                    made[at:at + 2] = [(low % 2**32, high % 2**32), (low // 2**32, high // 2**32)]
                else:
                    made[_HALVES.index(argument.register)] = (low, high)
                grown.append(tuple(made))
        boxes = grown
    return boxes


def _common(a: _Box, b: _Box) -> _Box | None:
    both = tuple((max(x[0], y[0]), min(x[1], y[1])) for x, y in zip(a, b))
    return None if any(low > high for low, high in both) else both


def _minus(boxes: list[_Box], others: list[_Box]) -> list[_Box]:
    """What of some boxes is in none of the others. A box less a box is at most two for each dimension."""
    for other in others:
        left = []
        for box in boxes:
            both = _common(box, other)
            if both is None:
                left.append(box)
                continue
            for i, ((low, high), (first, last)) in enumerate(zip(box, both)):
                for rest in ((low, first - 1), (last + 1, high)):
                    if rest[0] <= rest[1]:
                        left.append((*both[:i], rest, *box[i + 1:]))
        boxes = left
    return [box for box in boxes if all(low <= high for low, high in box)]


def _words(box: _Box) -> str:
    named = [f"{name} {low:#x}" + (f" to {high:#x}" if high != low else "")
             for name, (low, high) in zip(_HALVES, box) if (low, high) != _FULL]
    return ", ".join(named) or "any arguments"
