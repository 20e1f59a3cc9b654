# SPDX-License-Identifier: Apache-2.0
"""`bandwidth:` of board.yaml: what memory gives, and what each kind of CPU counts.

Sources: Arm Architecture Reference Manual for A-profile (DDI 0487), section D12.11 (common events); RISC-V Supervisor
Binary Interface Specification 2.0, sections 11.1 to 11.3 (event_idx: hardware general, hardware cache and raw events).
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from ..diagnostics import error
from ..source import Mapping, Scalar
from ..units import rate
from .model import BoardBandwidth, Event

if TYPE_CHECKING:
    from ..diagnostics import Sink

CYCLES = "cycles"
_ARM = {"memory-access": 0x13, "l2-refill": 0x17, "bus-access": 0x19, "l3-refill": 0x2a, "bus-access-read": 0x60,
        "bus-access-write": 0x61, CYCLES: 0x11}
_ARM_MOST = 0xffff
_SBI = {CYCLES: 0x1, "bus-cycles": 0x7, "llc-miss": 0x1_0010 | 1}    # last-level cache: id 2, read, miss
_SBI_RAW = 0x2_0000
_FIRST_COUNTER = 3                  # below are cycle, time, instret


def read_bandwidth(root: Mapping, arch: str, sink: "Sink") -> BoardBandwidth | None:
    """Of a checked board.yaml; None where it says nothing of it, or something is wrong."""
    own = root.get("bandwidth")
    if not isinstance(own, Mapping):
        return None
    capacity, events, guests = own.get("capacity"), own.get("events"), own.get("guests")
    assert isinstance(capacity, Scalar) and isinstance(events, Mapping)
    keep = not (isinstance(guests, Scalar) and guests.text == "none")
    found = []
    for key, value in events:
        assert isinstance(value, Mapping)
        event = _event(key.text, value, arch, sink)
        if event is None:
            continue
        found.append(event)
        if arch == "aarch64" and event.name == CYCLES and keep:
            sink.add(error("BH1081", "the guests cannot keep their counters where the cycle counter is taken", event.span,
                           notes=["MDCR_EL2.HPMN divides the event counters, and the cycle counter is none of them"],
                           help=["write guests: none beside events"]))
    cycles = [event for event in found if event.name == CYCLES]
    if cycles and len(cycles) < len(found):
        sink.add(error("BH1081", "cycles cannot stand beside other events", cycles[0].span,
                       help=["name an event of memory for each kind of CPU, or let all count cycles"]))
    counter = own.get("counter")
    if counter is not None and arch == "aarch64":
        sink.add(error("BH1081", "an Arm CPU's counter is not chosen: it is the last one, or the cycle counter",
                       counter.span, help=["remove counter"]))
    chosen = counter.value if isinstance(counter, Scalar) and isinstance(counter.value, int) else _FIRST_COUNTER
    return BoardBandwidth(own.span, rate(capacity.text), capacity.span, tuple(found), keep, chosen)


def _event(core: str, own: Mapping, arch: str, sink: "Sink") -> Event | None:
    named, amount, stand_in = (own.get(key) for key in ("event", "bytes", "stand_in"))
    assert isinstance(named, Scalar) and isinstance(amount, Scalar)
    names = _ARM if arch == "aarch64" else _SBI
    code, data = names.get(named.text, -1), 0
    if isinstance(named.value, int):
        code = named.value
        if arch != "aarch64":
            code, data = _SBI_RAW, named.value
    if code < 0 or code > (_ARM_MOST if arch == "aarch64" else _SBI_RAW):
        sink.add(error("BH1081", f"'{named.text}' is no event of {arch}", named.span,
                       help=[f"there are {', '.join(sorted(names))}, or a number from the manual of {core}"]))
        return None
    standing = isinstance(stand_in, Scalar) and stand_in.value is True
    if named.text == CYCLES and not standing:
        sink.add(error("BH1081", "cycles say nothing of what a CPU takes from memory", named.span,
                       help=["name an event of the bus or of the last-level cache, or write stand_in: true, to try "
                             "budgets without the real board"]))
        return None
    return Event(core, named.span, named.text, code, data, int(amount.value), standing)         # type: ignore[arg-type]
