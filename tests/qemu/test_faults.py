# SPDX-License-Identifier: Apache-2.0
"""A guest that touches what is not its own is stopped and named; its neighbour does not notice."""
from __future__ import annotations

import pytest

from rogue import Rogue, csrw, msr_ttbr0

NOTHING = 0xb800_0000       # beyond its memory, and beyond what is near it, on every board


@pytest.fixture
def rogue(any_rogue: Rogue) -> Rogue:
    """In this file, that of each architecture."""
    return any_rogue


def report(rogue: Rogue, what: str, address: int) -> tuple[str, str]:
    """What is printed for an access to nothing beyond the end of the rogue's memory."""
    line = rogue.line("ram: 1MiB")
    return (f"vm 'rogue' vcpu 0: {what} at {address:#x}: nothing is mapped there (pc {{pc}})",
            f"  nearest: 'memory.ram' {rogue.ram:#x}-{rogue.ram_end - 1:#x} rwx, {rogue.built.plan['file']}:{line}")


@pytest.mark.parametrize("access", ["load", "store"])
@pytest.mark.parametrize("any_rogue, width", [(rogue, width) for rogue, widths in (
    ("system", (1, 2, 4, 8)), ("rogue-rv32", (1, 2, 4)), ("rogue-gicv3", (1, 2, 4, 8))) for width in widths],
    indirect=["any_rogue"])
def test_access_to_nothing(rogue, access, width):
    rogue.tell(f"{access} {width} {NOTHING:#x} 1")
    rogue.expect_stopped(*report(rogue, f"{access} of {width} byte{'s' * (width > 1)}", NOTHING))
    rogue.expect_unharmed()


@pytest.mark.parametrize("command", ["load 4", "store 4", "jump"])
def test_first_byte_behind_its_memory(rogue, command):
    rogue.tell(f"{command} {rogue.ram_end:#x} 1")
    what = {"load 4": "load of 4 bytes", "store 4": "store of 4 bytes", "jump": "instruction fetch"}[command]
    first, nearest = report(rogue, what, rogue.ram_end)
    if command == "jump":
        first = first.replace("{pc}", f"{rogue.ram_end:#x}")
    rogue.expect_stopped(first, nearest)
    rogue.expect_unharmed()


@pytest.mark.parametrize("command", ["load 8", "store 8", "jump"])
def test_neighbour_s_memory(rogue, command):
    own = rogue.vm("rogue")["maps"]
    target = next(m["phys"] for m in rogue.vm("neighbour")["maps"] if m["kind"] in ("ram", "image")
                  and not any(o["ipa"] <= m["phys"] < o["ipa"] + o["size"] for o in own))
    rogue.tell(f"{command} {target:#x} 1")
    rogue.expect_stopped()
    rogue.expect_unharmed()


@pytest.mark.parametrize("command", ["load 4", "store 4", "jump"])
@pytest.mark.parametrize("part", ["text", "rodata", "data", "tables"])
def test_hypervisor_s_memory(rogue, part, command):
    target = rogue.built.plan["hypervisor"][part]["base"]
    rogue.tell(f"{command} {target:#x} 1")
    rogue.expect_stopped()
    rogue.expect_unharmed()


# Of QEMU's virt machines. RISC-V: power-off register, RTC, CLINT, a virtio device, flash, PCIe configuration. Arm: flash,
# UART of the hypervisor, fw_cfg, the GPIO that switches off, a virtio device, PCIe memory; the GIC's own registers beyond
# the virtual one's.
DEVICES = {False: [0x10_0000, 0x10_1000, 0x200_0000, 0x1000_8000, 0x2000_0000, 0x3000_0000],
           True: [0x100_0000, 0x902_0000, 0x903_0000, 0xa00_0000, 0x1000_0000, 0x80a_0000 + 0x20000 * 3]}


@pytest.mark.parametrize("device", range(6))
@pytest.mark.parametrize("access", ["load", "store"])
def test_devices_of_others(rogue, access, device):
    """Among them the register that would switch the whole machine off."""
    rogue.tell(f"{access} 4 {DEVICES[rogue.is_arm][device]:#x} 0x5555")
    rogue.expect_stopped()
    rogue.expect_unharmed()


def test_store_to_a_channel_that_it_only_reads(rogue):
    address = int(rogue.ask("channels").split()[3], 16)
    rogue.tell(f"store 4 {address:#x} 1")
    rogue.expect_stopped(f"vm 'rogue' vcpu 0: store of 4 bytes at {address:#x}: 'channels.in' is r (pc {{pc}})")
    rogue.expect_unharmed()


def test_execution_of_a_channel(rogue):
    address = int(rogue.ask("channels").split()[1], 16)
    rogue.tell(f"jump {address:#x}")
    rogue.expect_stopped(f"vm 'rogue' vcpu 0: instruction fetch at {address:#x}: 'channels.out' is rw "
                         f"(pc {address:#x})")
    rogue.expect_unharmed()


def test_its_own_page_tables_outside_its_memory(rogue):
    """The walk of the guest's tables is checked like the guest's own accesses."""
    if rogue.is_arm:
        rogue.tell(f"run {msr_ttbr0():#x} 0xb0000000")
        rogue.expect_stopped("vm 'rogue' vcpu 0: walk of its page tables at 0xb0000{walk}: nothing is mapped there "
                             "(pc {pc})")
    else:
        satp = (8 << 60 if rogue.bits == 64 else 1 << 31) | 0x9000_0000 >> 12       # Sv39, Sv32
        rogue.tell(f"run {csrw(0x180):#x} {satp:#x}")
        rogue.expect_stopped()
    rogue.expect_unharmed()


def test_doorbell_storm(rogue):
    assert rogue.ask("storm 20000", timeout=60) == "rung"
    rogue.expect_unharmed()
