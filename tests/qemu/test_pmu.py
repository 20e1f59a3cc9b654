# SPDX-License-Identifier: Apache-2.0
"""The SBI extension PMU: a guest counts what its own hart does in its own modes, and no more is passed on."""
from __future__ import annotations

import pytest

from linux_shell import Shell
from rogue import Rogue, csrr

BASE, PMU = 0x10, 0x504d55
COUNTERS, INFO, CONFIGURE, START, STOP, READ, READ_HIGH, SNAPSHOT = range(8)
CLEAR, AUTO_START, NOT_U, NOT_S = 0x2, 0x4, 0x20, 0x40
CYCLES, INSTRUCTIONS, RAW, FIRMWARE = 1, 2, 2 << 16, 0xf << 16
NOT_SUPPORTED, INVALID_PARAM, NO_SHMEM = -2, -3, -9
EVERY = (1 << 18) - 1       # of this machine's counters, cycles and instructions are 0 and 2


def call(rogue: Rogue, function: int, *arguments: int, extension: int = PMU) -> tuple[int, int]:
    words = rogue.ask(" ".join(["sbi", hex(extension), str(function), *map(str, arguments)])).split()
    return int(words[1]), int(words[3], 16)


def read(rogue: Rogue, counter: int) -> int:
    """A counter by its CSR, which counter_get_info tells."""
    error, info = call(rogue, INFO, counter)
    assert error == 0 and info >> 63 == 0
    answer = rogue.ask(f"run {csrr(info & 0xfff):#x} 0")
    return 0 if answer == "nothing changed" else int(answer.partition("=")[2], 16)


@pytest.mark.parametrize("name", ["system", "rogue-max"])
def test_instructions_of_the_guest_are_counted(boot, name):
    rogue = Rogue(boot, f"tests/guests/rogue/{name}.yaml")
    assert call(rogue, 3, PMU, extension=BASE) == (0, 1)
    error, counter = call(rogue, CONFIGURE, 0, EVERY, CLEAR | AUTO_START, INSTRUCTIONS, 0)
    assert error == 0
    first = read(rogue, counter)
    assert 0 < first < read(rogue, counter)
    assert call(rogue, STOP, counter, 1, 0)[0] == 0
    stopped = read(rogue, counter)
    assert read(rogue, counter) == stopped > first
    rogue.expect_unharmed()


def test_modes_that_are_not_to_be_counted(boot):
    """With Sscofpmf: the guest's S-mode is all that runs; without it nothing is left, whatever the hypervisor does."""
    rogue = Rogue(boot, "tests/guests/rogue/rogue-max.yaml")
    error, counter = call(rogue, CONFIGURE, 0, EVERY & ~7, CLEAR | AUTO_START | NOT_S, INSTRUCTIONS, 0)
    assert error == 0 and counter > 2
    for _ in range(3):
        assert read(rogue, counter) == 0
    rogue.expect_unharmed()


@pytest.mark.parametrize("name", ["system", "rogue-max"])
def test_what_is_not_passed_on(boot, name):
    rogue = Rogue(boot, f"tests/guests/rogue/{name}.yaml")
    error, count = call(rogue, COUNTERS)
    assert error == 0 and count > 3
    infos = [call(rogue, INFO, counter) for counter in range(count)]
    assert infos[0][0] == infos[2][0] == 0 and {error for error, _ in infos} <= {0, INVALID_PARAM}
    assert all(error or not info >> 63 for error, info in infos)
    for event in (RAW, 3 << 16, FIRMWARE, FIRMWARE | 1, 0xffffffff):
        assert call(rogue, CONFIGURE, 0, EVERY, CLEAR, event, 1)[0] == NOT_SUPPORTED
    assert call(rogue, CONFIGURE, 0, EVERY, 0x100, CYCLES, 0)[0] == INVALID_PARAM
    ram = 0x8000_0000
    assert call(rogue, SNAPSHOT, ram, 0, 0)[0] == NOT_SUPPORTED
    assert call(rogue, START, 0, 1, 2, 0, 0)[0] == NO_SHMEM
    assert call(rogue, STOP, 0, 1, 2)[0] == NO_SHMEM
    for function in (READ, READ_HIGH, 8, 9, 1 << 32):
        assert call(rogue, function, 0)[0] == NOT_SUPPORTED
    rogue.expect_unharmed()


def test_linux_finds_the_counters(boot):
    shell = Shell(boot("tests/guests/linux-restart/system.yaml", limit=240))
    found = shell.run("dmesg | grep -o 'riscv-pmu-sbi: 0 firm.*'")
    assert found == ["riscv-pmu-sbi: 0 firmware and 18 hardware counters"]
