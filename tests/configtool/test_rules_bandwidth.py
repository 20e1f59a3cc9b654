# SPDX-License-Identifier: Apache-2.0
"""Budgets of bandwidth that a board cannot keep, count or serve: messages to the letter."""
from __future__ import annotations

from pathlib import Path

import pytest

from test_rules_programs import board, said
from workbench import HELLO

BUDGET = "    bandwidth: {budget: 200MiB/s, period: 100us}\n"
EVENTS = "{default: {event: cycles, bytes: 1, stand_in: true}}\n  guests: none"
PMU = '\tpmu: pmu {\n\t\tcompatible = "arm,armv8-pmuv3";\n\t\tinterrupts = <1 7 4>;\n\t};'
ROOT = Path(__file__).parents[2]


def arm(folder: Path, budget: str = BUDGET, *tree: tuple[str, str], events: str = EVENTS) -> list[str]:
    text = board(folder, "qemu-aarch64-virt-gicv3", *tree, guest="arm.elf")
    settings = folder / "board" / "board.yaml"
    assert EVENTS in settings.read_text()
    settings.write_text(settings.read_text().replace(EVENTS, events))
    return said(folder, text + budget)


def riscv(folder: Path, budget: str = BUDGET, *tree: tuple[str, str]) -> list[str]:
    source = ROOT / "tests/boards/qemu-riscv64-virt-sscofpmf"
    text = (source / "board.dts").read_text().replace("../../../boards", str(ROOT / "boards"))
    for old, new in tree:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "board").mkdir()
    (folder / "board" / "board.dts").write_text(text)
    (folder / "board" / "board.yaml").write_text((source / "board.yaml").read_text())
    return said(folder, HELLO.replace("qemu-riscv64-virt", "./board") + budget)


def test_without_a_performance_monitor(tmp_path: Path) -> None:
    assert arm(tmp_path, BUDGET, (PMU, "")) == [
        "error[BH1076]: the budget of VM 'hello' cannot be kept on cpu@0: the device tree has no performance monitor",
        "--> system.yaml:9:16",
        '= help: add the node pmu, as its binding has it: compatible = "arm,armv8-pmuv3"; interrupts = <1 7 4>;']


def test_a_performance_monitor_with_an_interrupt_of_all_cpus(tmp_path: Path) -> None:
    assert arm(tmp_path, BUDGET, (PMU, PMU.replace("<1 7 4>", "<0 7 4>"))) == [
        "error[BH1076]: the budget of VM 'hello' cannot be kept on cpu@0: its performance monitor has no private interrupt",
        "--> system.yaml:9:16",
        "= note: by it the hypervisor learns that a budget is used; an interrupt that all CPUs share (an SPI) is not served"]


def test_a_cpu_for_which_the_board_names_no_event(tmp_path: Path) -> None:
    assert arm(tmp_path, events="{cortex-a72: {event: bus-access, bytes: 16}}\n  guests: keep") == [
        "error[BH1076]: the budget of VM 'hello' cannot be kept on cpu@0: board.yaml has no event for cortex-a53",
        "--> system.yaml:9:16", "= help: add cortex-a53, or default, to its bandwidth.events"]


@pytest.mark.parametrize("extension, name, why", [
    ("sscofpmf", "Sscofpmf", "no interrupt tells that a counter overflows"),
    ("sstc", "Sstc", "the hypervisor has no timer that guests cannot reach")])
def test_harts_that_lack_an_extension(tmp_path: Path, extension: str, name: str, why: str) -> None:
    assert riscv(tmp_path, BUDGET, (f'"{extension}", ', ""), (f"_{extension}_", "_")) == [
        f"error[BH1076]: the budget of VM 'hello' cannot be kept on cpu@0: it lacks {name}", "--> system.yaml:9:16",
        f"= note: without {name} {why}"]


def test_less_than_an_event(tmp_path: Path) -> None:
    events = "{default: {event: bus-access, bytes: 16}}\n  guests: keep"
    assert arm(tmp_path, BUDGET.replace("200MiB/s", "100KiB/s"), events=events) == [
        "error[BH1077]: the budget of VM 'hello' is less than one event of its CPUs", "--> system.yaml:9:25",
        "= help: give it more, or a longer period"]


def test_more_than_a_counter_holds(tmp_path: Path) -> None:
    assert arm(tmp_path, BUDGET.replace("100us", "1000s")) == [
        "error[BH1077]: the budget of VM 'hello' is more than a counter holds", "--> system.yaml:9:25",
        "= note: 2147483648 is the most, half of a counter of 32 bits", "= help: write a shorter period"]


def test_periods_that_cost_much_or_all(tmp_path: Path) -> None:
    assert arm(tmp_path, BUDGET.replace("100us", "2us")) == [
        "warning[BH1079]: serving a period of 2us takes 25% of it", "--> system.yaml:9:43",
        "= note: while it is served the CPU does nothing else, whether or not budget is left", "= help: write 5us or more"]


def test_a_period_that_firmware_cannot_serve(tmp_path: Path) -> None:
    assert riscv(tmp_path, BUDGET.replace("100us", "2us")) == [
        "error[BH1078]: a period of 2us is over before its end is served", "--> system.yaml:9:43",
        "= note: one overflow and the end of the period take some 2000 ns on this architecture",
        "= help: write 20us or more"]


def test_a_period_too_short_for_the_time_counter(tmp_path: Path) -> None:
    source = (ROOT / "boards/qemu-riscv64-virt/board.dts").read_text()
    found = [line.strip() for line in source.splitlines() if "timebase-frequency" in line]
    base = tmp_path / "base.dts"
    base.write_text(source.replace(found[0], "timebase-frequency = <1000000>;"))
    tree = (str(ROOT / "boards/qemu-riscv64-virt/board.dts"), str(base))
    assert riscv(tmp_path, BUDGET.replace("100us", "8us"), tree) == [
        "error[BH1078]: a period of 8us is 8 ticks of the board's time counter", "--> system.yaml:9:43",
        "= note: it has 1000000 of them in a second; a period has 10 at the least", "= help: write 10us or more"]
