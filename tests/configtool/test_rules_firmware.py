# SPDX-License-Identifier: Apache-2.0
"""Firmware calls of VMs: what is refused, to the letter, and the rows that the hypervisor compares with."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from configtool.diagnostics import Sink
from configtool.language import load_system
from configtool.plan.firmware import rows
from test_rules_programs import board, said

ALL = 0xFFFF_FFFF
REST = (0, ALL)


def arm(folder: Path, *calls: str, other: str = "", name: str = "qemu-aarch64-virt-gicv3") -> str:
    shutil.rmtree(folder / "board", ignore_errors=True)
    text = board(folder, name, guest="arm.elf")
    second = "  other:" + text.partition("  hello:")[2] + f"    firmware: [{other}]\n" if other else ""
    return text + f"    firmware: [{', '.join(calls)}]\n" + second


def ranges(folder: Path, *calls: str) -> list[tuple[int, list[tuple[int, int]]]]:
    file = folder / "rows.yaml"
    file.write_text(arm(folder, *calls))
    system = load_system(str(file), sink := Sink())
    assert system is not None, sink
    return [(row.function, list(zip(row.low, row.high))) for row in rows(system.vms[0])]


def test_rows(tmp_path: Path) -> None:
    assert ranges(tmp_path, "{call: pm-clock-enable, arguments: {w1: [71-72, 69], h1: 0}}",
                  "{call: 0x82000001, arguments: any}") == [
        (0x82000001, [REST] * 6),
        (0xc2000024, [(69, 69), (0, 0), REST, REST, REST, REST]),
        (0xc2000024, [(71, 72), (0, 0), REST, REST, REST, REST])]
    assert ranges(tmp_path, "{call: 0xc3000000, arguments: {x1: [0x100000002, 5-0x7], w3: 1, h3: [2, 3]}}") == [
        (0xc3000000, [(low, high), (half, half), REST, REST, (1, 1), (end, end)])
        for low, high, half in ((2, 2, 1), (5, 7, 0)) for end in (2, 3)]


@pytest.mark.parametrize("call, expected", [
    ("{call: pm-clock-enabel, arguments: any}",
     ["error[BH1010]: there is no firmware call 'pm-clock-enabel'",
      "= help: did you mean 'pm-clock-enable'?"]),
    ("{call: 0xc4000003, arguments: any}",
     ["error[BH1011]: firmware call 0xc4000003 cannot be passed on",
      "= note: PSCI and its neighbours are the hypervisor's: a VM has its own CPUs on and off, and no others'"]),
    ("{call: 0x86000001, arguments: any}",
     ["error[BH1011]: firmware call 0x86000001 cannot be passed on", "= note: it is one of a hypervisor's own"]),
    ("{call: 0xb2000004, arguments: any}",
     ["error[BH1011]: firmware call 0xb2000004 cannot be passed on",
      "= note: calls of a trusted OS name memory by its physical address, which the hypervisor would have to read and to "
      "change"]),
    ("{call: 0x02000004, arguments: any}",
     ["error[BH1011]: firmware call 0x02000004 cannot be passed on", "= note: it is a yielding call (bit 31 is clear)"]),
    ("{call: 0x82010004, arguments: any}",
     ["error[BH1011]: firmware call 0x82010004 cannot be passed on",
      "= note: it is no function id: bits 16 to 23 have to be 0"]),
    ("{call: 0xc2000001, arguments: {w1: 7-5}}",
     ["error[BH1012]: the range 0x7 to 0x5 has no value", "= help: write 0x5-0x7"]),
    ("{call: 0xc2000001, arguments: {x1: 5, h1: 0}}",
     ["error[BH1012]: 'h1' is a part of 'x1', which has values, too", "= help: keep one of them"]),
    ("{call: 0xc2000001, arguments: {w2: 0x100000000}}",
     ["error[BH1012]: 0x100000000 is no value of 'w2'", "= help: write a smaller one"]),
    ("{call: 0x82000001, arguments: {x2: 0x100000000}}",
     ["error[BH1012]: 0x100000000 is no value of 'x2'", "= help: write a smaller one"]),
    ("{call: 0x82000001, arguments: {h2: 0}}",
     ["error[BH1012]: 'h2' of a 32-bit call", "= note: its arguments have 32 bits", "= help: remove it"]),
    ("{call: 0xc2000001, arguments: {x1: 0xffffffff-0x100000000}}",
     ["error[BH1012]: the range 0xffffffff to 0x100000000 crosses a multiple of 2^32",
      "= help: write two ranges, or ranges of the halves: {w1: ..., h1: ...}"]),
    ("{call: 0xc2000001, arguments: {w1: many}}",
     ["error[BH1012]: vms.hello.firmware[0].arguments.w1 is no value of an argument",
      "= help: write a number (69), a range (64-71) or a list of both ([69, 71-72])"])])
def test_refused(tmp_path: Path, call: str, expected: list[str]) -> None:
    found = [line for line in said(tmp_path, arm(tmp_path, call)) if not line.startswith("-->")]
    assert [line for line in found if "0x82000000 to" not in line] == expected


def test_two_callers(tmp_path: Path) -> None:
    call = "{call: pm-clock-enable, arguments: {w1: 60-70}}"
    found = said(tmp_path, arm(tmp_path, call, other="{call: 0xc2000024, arguments: {x1: 69}}"))
    assert found[0] == ("error[BH1013]: VMs 'hello' and 'other' make the firmware call 0xc2000024 with the same "
                        "arguments")
    assert said(tmp_path, arm(tmp_path, call, other="{call: 0xc2000024, arguments: {w1: 71}}")) == []
    shared = "{call: pm-clock-enable, arguments: {w1: 60-70}, shared: true}"
    assert said(tmp_path, arm(tmp_path, shared, other="{call: pm-clock-enable, arguments: {w1: 69}, shared: true}")) == []
    assert said(tmp_path, arm(tmp_path, shared, other="{call: pm-clock-enable, arguments: {w1: 69}}"))[0].startswith(
        "error[BH1013]")


def test_no_firmware(tmp_path: Path) -> None:
    found = said(tmp_path, arm(tmp_path, "{call: 0xc2000024, arguments: any}", name="raspberrypi-4b"))
    assert "= note: its CPUs wait in a spin table: no firmware stays behind" in found
    assert "error[BH1014]: board board has no firmware that takes calls of VM 'hello'" in found


def test_too_many_rows(tmp_path: Path) -> None:
    many = ", ".join(map(str, range(1, 41, 2)))
    found = said(tmp_path, arm(tmp_path, f"{{call: 0xc2000024, arguments: {{w1: [{many}], w2: [{many}]}}}}"))
    assert found[0] == "error[BH1015]: the firmware calls of VM 'hello' make 400 rows; the most is 256"
