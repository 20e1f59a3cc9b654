# SPDX-License-Identifier: Apache-2.0
"""What is measured on each board, and how each figure comes out of a trace."""
from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Iterator

import native
from bao import BAO, BAO_UP_TO
from boards import Board
from counting import boot, from_ready
from image import ROOT, Image, on_board
from spans import count, spans_of


@dataclass(frozen=True)
class Figure:
    """A line of a board's table. Instructions of the hypervisor unless `unit` says otherwise."""
    board: str
    key: str
    name: str
    value: int
    firmware: int | None = None     # instructions of the firmware that it calls on the way; None: not counted
    bare: int | None = None         # of the firmware on the bare machine; None: not counted, or it does not do that
    bao: int | None = None          # the same of Bao; None: not measured or no such thing
    bao_up_to: int | None = None
    aim: int | None = None
    unit: str = "instructions"


_BOOTS = (
    ("boot-64m", "boot: small image, 64 MiB"),
    ("boot-1g", "boot: small image, 1 GiB"),
    ("boot-16m", "boot: image of 16 MiB, 64 MiB"),
)
_CLOCK = "vms: {first: {devices: [{clock}]}}\n"
_DIRECT = "vms: {first: {devices: [{clock}], interrupts: direct}, second: {interrupts: direct}}\n"


def _figure(board: Board, key: str, name: str, value: int, **more: int | str | None) -> Figure:
    return Figure(board.key, key, name, value, bao=BAO.get(key, {}).get(board.controller),
                  bao_up_to=BAO_UP_TO.get((key, board.controller)), **more)  # type: ignore[arg-type]


def boots(board: Board) -> Iterator[Figure]:
    """The hypervisor's first instruction to the guest's first, console output left out."""
    if board.key == "no-sstc" or board.direct:
        return
    for variant, name in _BOOTS:
        image = on_board("boot", variant, board)
        entry = image.plan["vms"][0]["entry"]
        value = 0
        for _, pc in boot(image.command(1), [image.text, (entry, 1)]):
            if pc == entry:
                break
            value += not image.is_console(pc)
        yield _figure(board, variant, name, value, aim=None if board.is_arm else 10_000)


def exits(board: Board) -> Iterator[Figure]:
    """What a guest's calls, accesses and interrupts cost, beside a bare machine with the same guest."""
    image = on_board("exits", "exits", board, _DIRECT if board.direct else _CLOCK)
    spans = spans_of(board)
    points = [(pc, 1) for pc in sorted({image.marks[s] for span in spans for s in (span.begin, span.end)})]
    firmware = [board.firmware] if board.firmware else []
    steps = from_ready(image.command(3), [image.text, *firmware, *points])
    with native.command(image, board) as command:
        bare = from_ready(command, [*firmware, *points])
    for span in spans:
        ends = image.marks[span.begin], image.marks[span.end]
        found = count(steps, *ends, image.text, board.firmware)
        alone = count(bare, *ends, (0, 0), board.firmware) if span.bare else None
        if found is None or (span.bare and alone is None):
            raise RuntimeError(f"{board.title}: '{span.name}': {span.end} was not reached"
                               + (" on the bare machine" if found else ""))
        yield _figure(board, span.key, span.name, found.own, firmware=found.firmware if board.firmware else None,
                      bare=alone.firmware if alone and (board.firmware or not span.calls) else None,
                      aim=dict(span.aims).get(board.key))


def sizes(board: Board) -> Iterator[Figure]:
    """Of examples/two-vms."""
    if board.key == "no-sstc":
        return
    image = Image("examples/two-vms/" + ("system.yaml" if board.key == "plic" else f"two-vms-{board.key}.yaml"))
    own = image.plan["hypervisor"]
    for key, name, value, aim, unit in (
            ("lines", "lines of hypervisor compiled for examples/two-vms", _lines(image.sources()), 4_000, "lines"),
            ("text", "its text", image.text[1], 16 << 10, "bytes"),
            ("ram", "RAM that it reserves", own["window_end"] - own["load"], 96 << 10, "bytes")):
        yield _figure(board, key, name, value, aim=aim if board.key == "plic" else None, unit=unit)


def _lines(sources: list[str]) -> int:
    """Lines of code without blanks and comments, as cloc counts them."""
    counted = subprocess.run(["cloc", "--json", "--quiet", *sources], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return int(json.loads(counted.stdout)["SUM"]["code"])


GROUPS = {"boot": boots, "exits": exits, "sizes": sizes}


def measure(groups: list[str], board: Board) -> list[Figure]:
    """Those of GROUPS that are in `groups`."""
    return [figure for name, group in GROUPS.items() if name in groups for figure in group(board)]
