# SPDX-License-Identifier: Apache-2.0
"""Budgets of memory bandwidth, counted in cycles, which stand in for memory. One instruction is one nanosecond."""
from __future__ import annotations

import re
from typing import Callable

import pytest

from harness import Console
from linux_shell import Shell

# The last options keep the turns of the CPUs short, which run one after the other.
EXACT = ("-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2020-01-01,clock=vm",
         "-netdev", "hubport,id=n0,hubid=0", "-object", "filter-buffer,id=f0,netdev=n0,queue=all,interval=10")
GUESTS = "tests/guests/budget"
BOARDS = ("", "-gicv2", "-sscofpmf", "-aia")
PERIOD = 26214          # events in 100 us at 256000KiB/s
Boot = Callable[..., Console]


def said(console: Console, pattern: str) -> tuple[int, ...]:
    return tuple(int(number) for number in console.expect(re.compile(pattern), timeout=100).groups())


@pytest.mark.parametrize("board", BOARDS)
def test_a_budget_is_kept_over_a_thousand_periods(boot: Boot, board: str) -> None:
    console = boot(f"{GUESTS}/budget{board}.yaml" if board else f"{GUESTS}/system.yaml", extra=EXACT)
    granted, used, throttles = said(console, r"granted (\d+) used (\d+) throttles (\d+) .* in 100000 us")
    assert throttles == 1000
    assert granted % PERIOD == 0 and used <= granted <= 1.01 * 1000 * PERIOD
    assert used >= 0.99 * 1000 * PERIOD


@pytest.mark.parametrize("board", BOARDS)
def test_no_interrupt_ends_the_wait_for_the_next_period(boot: Boot, board: str) -> None:
    """Its own timer every 20 us, and a doorbell every 5: they are there when the vCPU goes on, and not before."""
    console = boot(f"{GUESTS}/leak{board}.yaml", extra=EXACT)
    granted, throttles = said(console, r"granted (\d+), used within that, throttles (\d+), rings come, ticks come")
    assert throttles in (199, 200, 201)
    assert granted == throttles * PERIOD


@pytest.mark.parametrize("board", BOARDS)
def test_a_reset_neither_waits_for_a_vcpu_that_is_held_nor_frees_it(boot: Boot, board: str) -> None:
    console = boot(f"{GUESTS}/afresh{board}.yaml", extra=EXACT)
    pattern = r"started at (\d+) us, the second vCPU at (\d+) us"
    start, second = said(console, pattern)
    assert second - start < 100
    console.expect("vm 'afresh' reset itself, restarts")
    again, late = said(console, pattern)
    assert 30_000 <= again - second < 40_000
    assert 199_000 <= late - start < 201_000        # when the period of 200 ms is over
    console.expect("vm 'afresh' reset itself\n")


@pytest.mark.parametrize("board", ("", "-sscofpmf", "-aia"))
@pytest.mark.parametrize("split, part", (("shared", 1.0), ("even", 0.5)))
def test_a_vcpu_may_use_what_its_sibling_leaves_where_they_share(boot: Boot, split: str, part: float, board: str) -> None:
    console = boot(f"{GUESTS}/{split}{board}.yaml", extra=EXACT)
    _, used, throttles = said(console, r"granted (\d+) used (\d+) throttles (\d+) longest")
    assert 0.99 * part * 1000 * PERIOD <= used <= 1.03 * part * 1000 * PERIOD
    assert throttles in (999, 1000, 1001)


@pytest.mark.parametrize("board", BOARDS)
def test_what_a_critical_vm_lends_comes_back_when_it_wants_it(boot: Boot, board: str) -> None:
    """400MiB/s of which half is lent, beside 100MiB/s; 30 ms each of rest and of work."""
    console = boot(f"{GUESTS}/lent{board}.yaml", extra=EXACT)
    own, lends = 400 << 20, 100 << 20
    for _ in range(2):
        who = console.expect(re.compile(r"\[(hog|control)\] used (\d+).* (\d+) "
                                        r"(?:at work|beside one at work)"), timeout=100)
        resting, working = int(who[2]), int(who[3])
        if who[1] == "control":
            assert 0.9 * own * 0.03 <= working <= 1.01 * own * 0.03
        else:
            assert resting >= 2 * lends * 0.03          # its own, and at least as much of what is lent
            assert resting <= 1.01 * 3 * lends * 0.03
            assert 0.99 * lends * 0.03 <= working <= 1.01 * (lends + own // 8) * 0.03


@pytest.mark.parametrize("board", BOARDS)
def test_a_critical_interrupt_passes(boot: Boot, board: str) -> None:
    console = boot(f"{GUESTS}/late{board}.yaml", extra=EXACT)
    console.expect("the latest of 50 ticks came when its period was over, passes none", timeout=100)
    console = boot(f"{GUESTS}/passing{board}.yaml", extra=EXACT)
    granted, used = said(console, r"the latest of 50 ticks came in time, passes many, granted (\d+) used (\d+)")
    assert used <= granted


def test_linux_boots_with_a_budget(boot: Boot) -> None:
    """Two vCPUs that wait for each other's locks, stopped time and again; registers of counters read 0."""
    console = boot("tests/guests/linux-budget/system.yaml", extra=EXACT[:2], limit=300)
    linux = Shell(console)
    assert linux.run("nproc") == ["2"]
    assert linux.run("ls /sys/bus/event_source/devices | grep -c pmuv3") == ["0"]
