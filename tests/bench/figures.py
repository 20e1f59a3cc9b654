# SPDX-License-Identifier: Apache-2.0
"""What is measured, and how each figure comes out of a trace."""
from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from counting import run, steps
from image import ROOT, Image


@dataclass(frozen=True)
class Figure:
    """A figure of the report. Instructions of the hypervisor unless `unit` says otherwise."""
    name: str
    value: int
    bao: int | None = None          # the same of Bao, measured alike; None: not measured or no such thing
    aim: int | None = None
    unit: str = "instructions"


@dataclass(frozen=True)
class Span:
    """Instructions of the hypervisor on the CPU that comes to `end`, since any CPU came to `begin`."""
    name: str
    begin: str                      # symbol of a guest: 'first.mark_call_begin'
    end: str
    bao: int | None = None
    aim: int | None = None


# Bao's figures: main of July 2026 (738e3dc) on the same QEMU with a PLIC, counted in the same way.
SPANS = (
    Span("null SBI call", "first.mark_call_begin", "first.mark_call_end", 235, 100),
    Span("hypercall with an id that does not exist", "first.mark_call_end", "first.mark_hypercall_end", 265),
    Span("SBI set_timer", "first.mark_set_timer_begin", "first.mark_set_timer_end", 235),
    Span("timer to the guest's handler", "first.mark_timer_begin", "first.mark_timer_handler", 0),
    Span("PLIC register read", "first.mark_read_begin", "first.mark_read_end", 284),
    Span("PLIC register write", "first.mark_read_end", "first.mark_write_end", 297),
    Span("device interrupt to the guest", "first.mark_device_begin", "first.mark_device_end", 13664),
    Span("PLIC claim and complete", "first.mark_claim_begin", "first.mark_complete_end", 40862, 500),
    Span("doorbell page: sender", "first.mark_ring_begin", "first.mark_ring_end"),
    Span("doorbell page: receiver to its handler", "first.mark_ring_begin", "second.mark_doorbell_handler"),
    Span("doorbell hypercall: sender", "first.mark_ipc_begin", "first.mark_ipc_end", 3735),
    Span("doorbell hypercall: receiver to its handler", "first.mark_ipc_begin", "second.mark_doorbell_handler", 14244),
    Span("IPI: sender", "first.mark_ipi_begin", "first.mark_ipi_end", 808),
    Span("IPI: receiver", "first.mark_ipi_begin", "first.trap_entry", 243),
    Span("start of a vCPU: caller", "first.mark_start_begin", "first.mark_start_end", 3716),
    Span("start of a vCPU: to its first instruction", "first.mark_start_begin", "first._start_secondary", 1126),
)
WITHOUT_SSTC = (
    Span("without Sstc: SBI set_timer", "first.mark_set_timer_begin", "first.mark_set_timer_end"),
    Span("without Sstc: timer to the guest's handler", "first.mark_timer_begin", "first.mark_timer_handler"),
)
BOOTS = (
    ("boot-64m", "boot, small image, 64 MiB", 696_101),
    ("boot-1g", "boot, small image, 1 GiB", 1_033_769),
    ("boot-16m-image", "boot, 16 MiB image, 64 MiB", 17_037_357),
)
_GUESTS = "tests/bench/guests"


def boots() -> list[Figure]:
    """The hypervisor's first instruction to the guest's first, console output left out."""
    found = []
    for system, name, bao in BOOTS:
        image = Image(f"{_GUESTS}/{system}/system.yaml")
        entry = image.plan["vms"][0]["entry"]
        count = 0
        for cpu, pc in _trace(image, 1, [entry]):
            if pc == entry:
                break
            count += not image.is_console(pc)
        found.append(Figure(name, count, bao, 10_000))
    return found


def sizes() -> list[Figure]:
    """Of examples/two-vms, the system that `make run` starts."""
    image = Image("examples/two-vms/system.yaml")
    own = image.plan["hypervisor"]
    return [
        Figure("lines of hypervisor compiled for examples/two-vms", _lines(image.sources()), 7_336, 4_000, "lines"),
        Figure("text of examples/two-vms", image.text[1], 37_518, 16 << 10, "bytes"),
        Figure("RAM that the hypervisor reserves there", own["window_end"] - own["load"], 352 << 10, 96 << 10, "bytes"),
    ]


def _lines(sources: list[str]) -> int:
    """Lines of code without blanks and comments, as cloc counts them."""
    counted = subprocess.run(["cloc", "--json", "--quiet", *sources], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return int(json.loads(counted.stdout)["SUM"]["code"])


def exits() -> list[Figure]:
    """What a guest's calls, accesses and interrupts cost."""
    found = []
    for system, spans in (("exits", SPANS), ("exits-no-sstc", WITHOUT_SSTC)):
        image = Image(f"{_GUESTS}/{system}/system.yaml")
        used = sorted({image.marks[s] for span in spans for s in (span.begin, span.end)})
        trace = list(_trace(image, 3, used))
        for span in spans:
            found.append(Figure(span.name, _count(image, trace, span), span.bao, span.aim))
    return found


def _trace(image: Image, harts: int, points: list[int]) -> list[tuple[int, int]]:
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        run(image.command(harts), [image.text, *((p, 1) for p in points)], log)
        return [(step.cpu, step.pc) for step in steps(log)]


def _count(image: Image, trace: list[tuple[int, int]], span: Span) -> int:
    """The count of the last time that the span was run through: by then everything is warm and regular."""
    begin, end = image.marks[span.begin], image.marks[span.end]
    low, size = image.text
    counts: dict[int, int] | None = None
    last = None
    for cpu, pc in trace:
        if pc == begin:
            counts = {}
        elif counts is not None and pc == end:
            last = counts.get(cpu, 0)
            counts = None
        elif counts is not None and 0 <= pc - low < size:
            counts[cpu] = counts.get(cpu, 0) + 1
    if last is None:
        raise RuntimeError(f"'{span.name}': {span.end} was not reached")
    return last
