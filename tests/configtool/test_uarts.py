# SPDX-License-Identifier: Apache-2.0
"""Drivers of consoles: each that is named is there and tested, and verify, which has a table of its own, agrees."""
from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from configtool.board.dts import Node, Property
from configtool.board.model import Device, Interrupt
from configtool.plan.own import DRIVERS, console, console_source
from configtool.source import Span
from configtool.verify import uarts

ROOT = Path(__file__).resolve().parents[2]


def device(compatible: str, **cells: int) -> Device:
    span = Span("board.dts")
    node = Node("serial@1000", Node("", None, (span,)), (span,))
    for name, value in cells.items():
        node.add(Property(name.replace("_", "-"), value.to_bytes(4, "big"), span))
    return Device(node.name, node.path, None, (), span, (compatible,), True, ((0x1000, 0x100),), (), node=node)


def planned(uart: Device) -> tuple[str, int, int] | None:
    class Described:
        console_span, console = None, "uart"

    made = console(Described(), None, uart, 0, 0)       # type: ignore[arg-type]
    return (made.driver, made.reg_shift, made.reg_width) if made else None


def test_each_driver_is_a_file_with_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests/unit").glob("test_*.c"))
    for driver in set(DRIVERS.values()):
        assert (ROOT / f"hypervisor/drivers/{driver}.c").is_file(), driver
        assert f'hypervisor/drivers/{driver}.c"' in tests, driver
    others = {"aplic", "aplic-imsic", "gicv2", "gicv3", "plic", "no-uart"}
    assert {path.stem for path in (ROOT / "hypervisor/drivers").glob("*.c")} == {*DRIVERS.values(), *others}


@pytest.mark.parametrize("compatible", [*DRIVERS, "acme,uart"])
def test_verify_expects_what_is_planned(compatible: str) -> None:
    for cells in ({}, {"reg_shift": 2, "reg_io_width": 4}, {"reg_shift": 2}, {"reg_io_width": 2}):
        uart = device(compatible, **cells)
        made = planned(uart)
        assert uarts.stride(uart) == (made[1:] if made else None)


def test_registers_of_kinds_whose_binding_has_them_as_words() -> None:
    assert planned(device("brcm,bcm2835-aux-uart")) == ("soc8250", 2, 4)
    assert planned(device("ti,am654-uart")) == ("soc8250", 2, 4)
    assert planned(device("nvidia,tegra20-uart", reg_shift=2)) == ("soc8250", 2, 4)
    assert planned(device("snps,dw-apb-uart", reg_shift=2, reg_io_width=4)) == ("soc8250", 2, 4)
    assert planned(device("ns16550a")) == ("ns16550a", 0, 1)


def test_registers_of_scif() -> None:
    """Four bytes apart in R-Car, two in RZ."""
    assert planned(device("renesas,scif")) == planned(device("renesas,hscif")) == ("scif", 2, 2)
    assert planned(device("renesas,scif-r9a07g044")) == planned(device("renesas,scif-r9a09g057")) == ("scif", 1, 2)


@pytest.mark.parametrize("names, source", [(b"eri\0rxi\0txi\0", 41), (b"", 40), (b"eri\0", 40), (b"tei\0txi\0rxi\0", 42)])
def test_interrupt_that_tells_of_input(names: bytes, source: int) -> None:
    uart = device("renesas,scif-r9a07g044")
    assert uart.node is not None
    if names:
        uart.node.add(Property("interrupt-names", names, uart.span))
    lines = tuple(Interrupt(number, "level-high", "/gic") for number in (40, 41, 42))
    assert console_source(replace(uart, interrupts=lines), "/gic") == source
    assert console_source(replace(uart, interrupts=lines), "/other") == 0
    assert console_source(None, "/gic") == 0


def test_tables_are_about_the_same_kinds() -> None:
    assert set(uarts._KNOWN) == set(DRIVERS)
    assert all(re.fullmatch(r"[a-z0-9]+(,[a-z0-9-]+)?", name) for name in DRIVERS)
