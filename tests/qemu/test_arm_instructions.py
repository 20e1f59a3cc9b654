# SPDX-License-Identifier: Apache-2.0
"""AArch64: what traps is emulated or undefined, whatever form it has; bus errors and AArch32 programs are the guest's own."""
from __future__ import annotations

import pytest

from rogue import Rogue, indexed, mrs, msr, pair

UNDEFINED = 0x02000000
ABORT = 0x96000010              # from the same level, synchronous external
ATOMIC = 0x96000035             # exclusive or atomic access that the memory does not take
ALIGNMENT = 0x96000021
FP_DISABLED = 0x1fe00000
WRITE = 0x40


def place(rogue: Rogue, name: str) -> int:
    words = rogue.ask("where").split()
    return int(words[words.index(name) + 1], 16)


def test_what_is_the_hypervisors_is_undefined(arm_rogue):
    instructions = {
        "all zeros": 0, "all ones": 0xffffffff, "hcr_el2": mrs(3, 4, 1, 1, 0), "vttbr_el2": mrs(3, 4, 2, 1, 0),
        "write of vttbr_el2": msr(3, 4, 2, 1, 0), "ttbr0_el2": mrs(3, 4, 2, 0, 0), "tpidr_el2": mrs(3, 4, 13, 0, 2),
        "elr_el2": mrs(3, 4, 4, 0, 1), "spsr_el2": msr(3, 4, 4, 0, 0), "vbar_el2": msr(3, 4, 12, 0, 0),
        "cnthctl_el2": msr(3, 4, 14, 1, 0), "mdcr_el2": msr(3, 4, 1, 1, 1), "scr_el3": mrs(3, 6, 1, 1, 0),
        "ich_hcr_el2": msr(3, 4, 12, 11, 0), "ich_lr0_el2": msr(3, 4, 12, 12, 0), "actlr_el1": mrs(3, 0, 1, 0, 1),
        "implementation-defined": mrs(3, 0, 15, 0, 0), "at s12e1r": 0xd50c7881, "tlbi vmalls12e1": 0xd50c83df,
        "tlbi alle2": 0xd50c871f,
    }
    for name, opcode in instructions.items():
        answer = arm_rogue.ask(f"run {opcode:#x} 0x40000000")
        assert answer.startswith(f"exception {UNDEFINED:#x} "), (name, answer)
    arm_rogue.expect_unharmed()


def test_debug_performance_and_timer_registers_are_its_own(arm_rogue):
    for opcode in (mrs(2, 0, 0, 2, 2), msr(2, 0, 0, 2, 2), mrs(2, 0, 0, 0, 4), msr(2, 0, 0, 0, 5), msr(2, 0, 1, 0, 4),
                   mrs(3, 3, 9, 12, 0), msr(3, 3, 9, 12, 3), mrs(3, 3, 9, 13, 0), mrs(3, 3, 14, 0, 1),
                   mrs(3, 3, 14, 2, 1), msr(3, 3, 14, 2, 1), mrs(3, 3, 14, 3, 1), mrs(3, 0, 0, 4, 0),
                   mrs(3, 0, 12, 1, 0)):
        assert not arm_rogue.ask(f"run {opcode:#x} 0").startswith("exception"), hex(opcode)
    arm_rogue.expect_unharmed()


def test_a_timer_that_is_not_its_own_never_interrupts(arm_rogue):
    """The physical timer runs out with its interrupt on: the interrupt stays shut."""
    assert arm_rogue.ask(f"run {msr(3, 3, 14, 2, 0, 31):#x} 0") == "nothing changed"        # cntp_tval_el0 = 0
    assert arm_rogue.ask(f"run {msr(3, 3, 14, 2, 1, 1):#x} 1") == "nothing changed"         # cntp_ctl_el0: on
    assert arm_rogue.ask(f"run {mrs(3, 3, 14, 2, 1, 5):#x} 0") == "changed x5=0x5"          # it has run out
    arm_rogue.expect_unharmed()


def test_accesses_with_write_back(arm_rogue):
    uart = place(arm_rogue, "uart")
    scratch = uart + 0x2c       # line control: a byte
    assert arm_rogue.ask(f"store 4 {scratch:#x} 0x9f") == "done"
    for base, opcode, read in [(scratch, indexed(2, 1, 7, 4, True), 0x9f), (scratch - 4, indexed(2, 1, 7, 4, False), 0x9f),
                               (scratch, indexed(0, 2, 7, -1, True), (1 << 64) - 0x61),
                               (scratch, indexed(0, 3, 7, 255, True), 0xffffff9f),
                               (scratch, indexed(1, 1, 7, -256, True), 0x9f),
                               (scratch, indexed(2, 2, 7, 8, True), 0x9f), (scratch, indexed(0, 1, 31, 1, True), None)]:
        offset = (opcode >> 12 & 0x1ff) - (opcode >> 20 & 1) * 512
        changed = f"x1={base + offset:#x}" + (f" x7={read:#x}" if read is not None else "")
        assert arm_rogue.ask(f"run {opcode:#x} {base:#x}") == f"changed {changed}", hex(opcode)
    assert arm_rogue.ask(f"run {indexed(2, 0, 6, -4, False):#x} {scratch + 4:#x}") == f"changed x1={scratch:#x}"
    assert arm_rogue.ask(f"load 4 {scratch:#x}") == "value 0x6"      # `run` fills register n with a pattern that ends in n
    arm_rogue.expect_unharmed()


def test_pairs_are_two_accesses(arm_rogue):
    uart = place(arm_rogue, "uart")
    scratch = uart + 0x28       # fractional baud rate, which reads 0, and line control behind it
    assert arm_rogue.ask(f"run {pair(2, False, 5, 9, 0, 2):#x} {scratch:#x}") == "nothing changed"
    assert arm_rogue.ask(f"run {pair(2, True, 5, 9, 8, 1):#x} {scratch:#x}") == f"changed x1={scratch + 8:#x} x5=0x0 x9=0x9"
    assert arm_rogue.ask(f"run {pair(2, True, 5, 9, -8, 3):#x} {scratch + 8:#x}") == f"changed x1={scratch:#x} x5=0x0 x9=0x9"
    assert arm_rogue.ask(f"run {pair(3, True, 5, 9, 0, 2):#x} {scratch:#x}") == f"exception {ABORT:#x} value {scratch:#x}"
    arm_rogue.expect_unharmed()


def test_what_no_device_takes_is_an_abort_of_the_guest(arm_rogue):
    """The CPU knows all of its tables' devices as devices, and refuses some of it before stage 2 is asked."""
    uart = place(arm_rogue, "uart")
    for opcode in (0x885f7c25, 0x88e07c41, 0xb8200025, 0x3c810420, 0x3cc10420, 0xad000420, 0xad400420, 0xd50b7421):
        answer = arm_rogue.ask(f"run {opcode:#x} {uart:#x}")
        causes = (ABORT, ABORT | WRITE, ATOMIC, ATOMIC | WRITE, ALIGNMENT, ALIGNMENT | WRITE, UNDEFINED, FP_DISABLED)
        assert answer in [f"exception {cause:#x} value {at:#x}" for cause in causes for at in (uart, 0)], hex(opcode)
    for opcode in (0xd50b7a21, 0xd50b7e21, 0xd50b7521):     # dc cvac, dc civac, ic ivau
        assert arm_rogue.ask(f"run {opcode:#x} {uart:#x}") == "nothing changed", hex(opcode)
    arm_rogue.expect_unharmed()


def test_wrong_widths_and_misaligned_accesses(arm_rogue):
    uart, chip = place(arm_rogue, "uart"), place(arm_rogue, "chip")
    for width, address in [(8, uart), (4, uart + 2), (2, uart + 1), (1, uart + 1), (8, chip + 4)]:
        for access, bit in (("load", 0), ("store", WRITE)):
            answer = arm_rogue.ask(f"{access} {width} {address:#x} 0")
            assert answer in (f"exception {ABORT | bit:#x} value {address:#x}",
                              f"exception {ALIGNMENT | bit:#x} value {address:#x}"), (width, hex(address), answer)
    arm_rogue.expect_unharmed()


def test_registers_survive_a_call(arm_rogue):
    for opcode in (0xd4000002, 0xd4000003):         # hvc, smc
        assert arm_rogue.ask(f"run {opcode:#x} 0") == "changed x0=0x10001"
    for opcode in (0xd4000022, 0xd4000023):         # of another number than 0: no call at all
        assert arm_rogue.ask(f"run {opcode:#x} 0") == "changed x0=0xffffffffffffffff"
    assert arm_rogue.ask("float") == "kept"
    arm_rogue.expect_unharmed()


def test_a_program_in_aarch32(arm_rogue):
    """A 32-bit program at EL0: interrupts and its accesses leave it for the hypervisor and come back."""
    assert arm_rogue.ask(f"aarch32 {place(arm_rogue, 'uart'):#x}") == "r1 0x90"
    arm_rogue.expect_unharmed()


def test_execution_of_a_virtual_device_stops_the_vm(arm_rogue):
    """Through a table that does not say that it is a device: GiB 3 becomes memory that begins at address 0."""
    uart = place(arm_rogue, "uart")
    arm_rogue.tell(f"execute {uart:#x}")
    arm_rogue.expect_stopped(f"vm 'rogue' vcpu 0: instruction fetch at {uart:#x}: 'console' is trapped "
                             f"(pc {0xc000_0000 + uart:#x})")
    arm_rogue.expect_unharmed()


def test_every_register_of_the_gic_takes_all_ones(arm_rogue):
    assert arm_rogue.ask("chip", timeout=60) in ("1024 registers", "8200 registers")     # GICv2, GICv3
    arm_rogue.expect_unharmed()


def test_a_device_that_does_not_answer(boot):
    """A bus error is an exception of the guest that caused it, as it is without a hypervisor."""
    rogue = Rogue(boot, "tests/guests/rogue/rogue-gicv3.yaml")
    for width in (1, 2, 4, 8):
        assert rogue.ask(f"load {width} 0xb000800") == f"exception {ABORT:#x} value 0xb000800"
        assert rogue.ask(f"store {width} 0xb000800 1") == f"exception {ABORT | WRITE:#x} value 0xb000800"
    assert rogue.ask(f"run {indexed(2, 1, 7, 4, True):#x} 0xb000ffc") == f"exception {ABORT:#x} value 0xb000ffc"
    rogue.tell("execute 0xb000000")
    rogue.expect_stopped("vm 'rogue' vcpu 0: instruction fetch at 0xb000000: 'devices: absent@b000000' is rw (pc 0xcb000000)")
    rogue.expect_unharmed()


def test_its_tables_in_a_device_that_does_not_answer(boot):
    rogue = Rogue(boot, "tests/guests/rogue/rogue-gicv3.yaml")
    rogue.tell(f"run {0xd5182001:#x} 0xb000000")
    # The walk is refused, and so is that of its exception handler: the VM hangs by itself, and harms no one.
    rogue.console.send("\x051q")
    rogue.console.expect("[neighbour] neighbour: ticks go on, second CPU goes on, its interrupt came, 0 words wrong\n")


@pytest.mark.parametrize("command", ["hvc", "smc"])
def test_calls(arm_rogue, command):
    def call(*words: int) -> int:
        value = int(arm_rogue.ask(" ".join([command, *map(hex, words)])).split()[1], 16)
        return value - (1 << 64) if value >> 63 else value

    cpu_on, affinity, features = 0xc4000003, 0xc4000004, 0x8400000a
    ram = arm_rogue.ram
    assert call(0x84000000) == call(0x80000000) == 0x10001
    for target in (1, 2, 16, 0x100, 1 << 31, 1 << 32, arm_rogue.ones):
        assert call(cpu_on, target, ram, 0) == call(affinity, target, 0) == -2, hex(target)
    assert call(cpu_on, 0, ram, 0) == -4
    for entry in (0, arm_rogue.ram_end, 0xb0000000, 0x9000000, 0x30000000, arm_rogue.ones):
        assert call(cpu_on, 0, entry, 0) == -9
        assert call(0xc4000001, 1 << 16, entry, 0) == -9
        assert call(0xc400000e, entry, 0) == -9
    assert call(affinity, 0, 0) == 0 and call(affinity, 0, 1) == -2
    assert call(features, cpu_on) == 0 and call(features, 0x84000005) == -1
    assert call(0x84000005) == call(0x8400001f) == call(0x82000001) == call(0xbf00ff01) == -1
    assert call(0xc4000012, 1, 0) == -2         # SYSTEM_RESET2 of a type that there is not
    ipc = 0xc6000001
    assert call(ipc, 0, 0) == 0
    for index, event in ((2, 0), (99, 0), (1 << 32, 0), (arm_rogue.ones, 0), (0, 1), (0, arm_rogue.ones)):
        assert call(ipc, index, event) == 3
    for number in (0, 2, 3, 0x3f, 0x7f, 0xff):
        assert call(0xc6000000 + number) == 2
    assert call(0xc6000041, 1000) == 3
    arm_rogue.expect_unharmed()


def test_every_function_with_boundary_values(arm_rogue):
    assert arm_rogue.ask("sweep", timeout=90).endswith(" calls, 0 strange answers")
    arm_rogue.expect_unharmed()


def test_doorbell_storm(arm_rogue):
    assert arm_rogue.ask("storm 20000", timeout=60) == "rung"
    arm_rogue.expect_unharmed()
