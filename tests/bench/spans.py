# SPDX-License-Identifier: Apache-2.0
"""The ways through the hypervisor that are counted: from one mark of the guests `exits` to another."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from boards import Board

_RISCV = ("plic", "aplic", "aia")
_ARM = ("gicv2", "gicv3", "gicv3-direct")


@dataclass(frozen=True)
class Span:
    """From when any CPU comes to `begin` until one comes to `end`; what that one ran meanwhile counts."""
    key: str
    name: str
    begin: str                          # symbol of a guest: 'first.mark_call_begin'
    end: str
    boards: tuple[str, ...] = _RISCV + _ARM
    aims: tuple[tuple[str, int], ...] = ()  # by board
    bare: bool = True                   # a bare machine does it, too
    calls: bool = False                 # there it calls the firmware, on every architecture


SPANS = (
    Span("call", "null firmware call", "first.mark_call_begin", "first.mark_call_end",
         aims=tuple((board, 100) for board in _RISCV), calls=True),
    Span("smc", "the same by SMC", "first.mark_smc_begin", "first.mark_smc_end", _ARM, bare=False),
    Span("hypercall", "hypercall with an id that does not exist", "first.mark_call_end", "first.mark_hypercall_end",
         bare=False),
    Span("set-timer", "SBI set_timer", "first.mark_hypercall_end", "first.mark_set_timer_end", (*_RISCV, "no-sstc")),
    Span("timer", "timer to its handler", "first.mark_timer_begin", "first.mark_timer_handler",
         (*_RISCV, "no-sstc", *_ARM), aims=(("aia", 0),)),
    Span("device", "device interrupt to the guest", "first.mark_device_begin", "first.mark_device_end",
         aims=(("aia", 0),)),
    Span("claim", "its claim and completion", "first.mark_claim_begin", "first.mark_complete_end",
         aims=(("plic", 500), ("aia", 0))),
    Span("again", "sending a level again (setipnum)", "first.mark_again_begin", "first.mark_again_end", ("aia",)),
    Span("read", "controller register read", "first.mark_read_begin", "first.mark_read_end"),
    Span("write", "controller register write", "first.mark_read_end", "first.mark_write_end"),
    Span("ring-send", "doorbell page: sender", "first.mark_ring_begin", "first.mark_ring_end", bare=False),
    Span("ring-receive", "doorbell page: to the receiver's handler", "first.mark_ring_begin",
         "second.mark_doorbell_handler", bare=False),
    Span("doorbell-send", "doorbell hypercall: sender", "first.mark_ipc_begin", "first.mark_ipc_end", bare=False),
    Span("doorbell-receive", "doorbell hypercall: to the receiver's handler", "first.mark_ipc_begin",
         "second.mark_doorbell_handler", bare=False),
    Span("ipi-send", "interrupt to another vCPU: sender", "first.mark_ipi_begin", "first.mark_ipi_end",
         aims=(("aia", 0),)),
    Span("ipi-receive", "interrupt to another vCPU: to its handler", "first.mark_ipi_begin", "first.mark_ipi_handler",
         aims=(("aia", 0),)),
    Span("ipi-self", "interrupt to itself, to its handler", "first.mark_self_begin", "first.mark_ipi_handler",
         aims=(("aia", 0),)),
    Span("start-call", "start of a vCPU: caller", "first.mark_start_begin", "first.mark_start_end",
         calls=True),
    Span("start-wake", "start of a vCPU: to its first instruction", "first.mark_start_begin", "first._start_secondary",
         calls=True),
)


def spans_of(board: Board) -> list[Span]:
    return [span for span in SPANS if board.key in span.boards]


@dataclass
class Counts:
    """Instructions of one CPU in a span."""
    own: int = 0            # of the hypervisor
    firmware: int = 0


def count(trace: Sequence[tuple[int, int]], begin: int, end: int, own: tuple[int, int],
          firmware: tuple[int, int] | None) -> Counts | None:
    """What a span costs most of the times that it is run through, of equals the later. None: it never was.

    One time another interrupt may happen to fall into it. `trace`: (CPU, pc) in order; `own` and `firmware`: address and
    size of the two texts.
    """
    own_low, own_high = own[0], own[0] + own[1]
    low, high = (firmware[0], firmware[0] + firmware[1]) if firmware else (0, 0)
    counts: dict[int, Counts] | None = None
    found: list[Counts] = []
    for cpu, pc in trace:
        if pc == begin:
            counts = {}
        elif counts is None:
            continue
        elif pc == end:
            found.append(counts.get(cpu, Counts()))
            counts = None
        elif own_low <= pc < own_high:
            counts.setdefault(cpu, Counts()).own += 1
        elif low <= pc < high:
            counts.setdefault(cpu, Counts()).firmware += 1
    return max(reversed(found), key=found.count) if found else None
