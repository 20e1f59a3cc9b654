# SPDX-License-Identifier: Apache-2.0
"""SBI calls and hypercalls with arguments that are wrong: an error for the caller, and nothing for anyone else."""
from __future__ import annotations

from rogue import Rogue

BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN = 0x10, 0x54494d45, 0x735049, 0x52464e43, 0x48534d, 0x53525354, 0x4442434e
HYPERCALL = 0x08000ba0
NOT_SUPPORTED, INVALID_PARAM, ALREADY_AVAILABLE = -2, -3, -6
RAM, RAM_SIZE = 0x8000_0000, 1 << 20


def call(rogue: Rogue, extension: int, function: int, *arguments: int) -> tuple[int, int]:
    """Error and value of an SBI call."""
    words = rogue.ask(" ".join(["sbi", hex(extension), str(function), *map(str, arguments)])).split()
    return int(words[1]), int(words[3], 16)


def wide(rogue: Rogue, *numbers: int) -> list[int]:
    """Those that a register holds, and all ones."""
    return [n for n in numbers if n <= rogue.ones] + [rogue.ones]


def test_base(rogue):
    assert call(rogue, BASE, 0) == (0, 0x0200_0000)
    for extension in (BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN):
        assert call(rogue, BASE, 3, extension) == (0, 1)
    assert call(rogue, BASE, 3, 0x0a000000) == (0, 0)
    assert call(rogue, BASE, 7)[0] == NOT_SUPPORTED
    assert call(rogue, 0x0a000000, 0)[0] == NOT_SUPPORTED
    rogue.expect_unharmed()


def test_harts_that_do_not_exist(rogue):
    for hart in wide(rogue, 1, 2, 63, 64, 1 << 32):
        assert call(rogue, HSM, 0, hart, RAM, 0)[0] == INVALID_PARAM
        assert call(rogue, HSM, 2, hart)[0] == INVALID_PARAM
    assert call(rogue, HSM, 0, 0, RAM, 0)[0] == ALREADY_AVAILABLE
    assert call(rogue, HSM, 2, 0) == (0, 0)
    assert call(rogue, IPI, 0, 1, 1)[0] == INVALID_PARAM
    assert call(rogue, IPI, 0, 2, 0)[0] == INVALID_PARAM
    assert call(rogue, IPI, 0, 1, 0)[0] == 0
    assert call(rogue, IPI, 0, 0, -1)[0] == 0
    assert call(rogue, RFENCE, 0, 1, 5)[0] == INVALID_PARAM
    assert call(rogue, RFENCE, 0, 0, -1)[0] == 0
    assert call(rogue, RFENCE, 1, 1, 0, 0, -1)[0] == 0
    for function in range(3, 7):    # the HFENCE calls: the guest has no H extension
        assert call(rogue, RFENCE, function, 1, 0, 0, -1)[0] == NOT_SUPPORTED
    rogue.expect_unharmed()


def test_debug_console_only_reaches_the_guest_s_own_memory(rogue):
    plan = rogue.built.plan
    neighbour = next(m["phys"] for m in rogue.vm("neighbour")["maps"] if m["kind"] == "ram")
    foreign = [0x9000_0000, neighbour, plan["hypervisor"]["load"], plan["hypervisor"]["tables"]["base"], 0x1000_0000,
               0x10_0000, RAM + RAM_SIZE, RAM - 2, rogue.ones - 1]
    for function in (0, 1):         # write, read
        for address in foreign:
            assert call(rogue, DBCN, function, 4, address, 0)[0] == INVALID_PARAM, hex(address)
        assert call(rogue, DBCN, function, 4, RAM, 1)[0] == INVALID_PARAM       # the upper half of the address
        assert call(rogue, DBCN, function, 0, RAM, 0) == (0, 0)
    for count in (3, rogue.ones):        # as much as is its own: the last two bytes, which are zeros
        assert call(rogue, DBCN, 0, count, RAM + RAM_SIZE - 2, 0) == (0, 2)
    channel = int(rogue.ask("channels").split()[3], 16)
    assert call(rogue, DBCN, 1, 4, channel, 0)[0] == INVALID_PARAM              # it may only read that
    rogue.expect_unharmed()


def test_debug_console_writes_and_reads(rogue):
    line = int(rogue.ask("where").split()[5], 16)       # where the rogue keeps the command, cut into words
    rogue.tell(f"sbi {DBCN:#x} 0 3 {line:#x} 0")
    rogue.console.expect("[rogue] sbierror 0 value 0x3\n")
    rogue.tell(f"sbi {DBCN:#x} 2 0x41")
    rogue.console.expect("[rogue] Aerror 0 value 0x0\n")
    # Nothing was typed: nothing is read, and nothing of the buffer changes.
    spare = RAM + RAM_SIZE // 2
    assert rogue.ask(f"store 1 {spare:#x} 0x5a") == "done"
    assert call(rogue, DBCN, 1, 4, spare, 0) == (0, 0)
    assert rogue.ask(f"load 1 {spare:#x}") == "value 0x5a"
    rogue.expect_unharmed()


def test_reset_types(rogue):
    for kind in (3, 0xefffffff, 0xf0000000, 0xffffffff):
        assert call(rogue, SRST, 0, kind, 0)[0] in (INVALID_PARAM, NOT_SUPPORTED)
    rogue.expect_unharmed()


def test_hypercalls(rogue):
    """Bao's calls answer in a1: 0 success, 2 no such call, 3 no such channel or event. Bulkhead's own, from 0x40 on,
    answer as SBI functions do."""
    assert call(rogue, HYPERCALL, 1, 0, 0)[1] == 0
    for index, event in [*((n, 0) for n in wide(rogue, 2, 99, 1 << 32)), *((0, n) for n in wide(rogue, 1))]:
        assert call(rogue, HYPERCALL, 1, index, event)[1] == 3
    for number in (0, 2, 3, 0x3f):
        assert call(rogue, HYPERCALL, number)[1] == 2
    assert call(rogue, HYPERCALL, 0x40) == (0, 2)
    assert call(rogue, HYPERCALL, 0x41, 0)[0] == 0
    assert call(rogue, HYPERCALL, 0x41, 1000)[0] == INVALID_PARAM
    for number in wide(rogue, 0x7f, 1 << 32):
        assert call(rogue, HYPERCALL, number)[0] == NOT_SUPPORTED
    rogue.expect_unharmed()


def test_every_function_with_boundary_values(rogue):
    assert rogue.ask("sweep", timeout=90).endswith(" calls, 0 strange answers")
    rogue.expect_unharmed()
