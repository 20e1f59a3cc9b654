# SPDX-License-Identifier: Apache-2.0
"""A guest that touches what is not its own is stopped and named; its neighbour does not notice."""
from __future__ import annotations

import pytest

from rogue import Rogue, csrw

RAM = 0x8000_0000
RAM_END = RAM + (1 << 20)


def report(rogue: Rogue, what: str, address: int) -> tuple[str, str]:
    """What is printed for an access to nothing beyond the end of the rogue's memory."""
    line = rogue.line("ram: 1MiB")
    return (f"vm 'rogue' vcpu 0: {what} at {address:#x}: nothing is mapped there (pc {{pc}})",
            f"  nearest: 'memory.ram' {RAM:#x}-{RAM_END - 1:#x} rwx, {rogue.built.plan['file']}:{line}")


@pytest.mark.parametrize("width", [1, 2, 4, 8])
@pytest.mark.parametrize("access", ["load", "store"])
def test_access_to_nothing(rogue, access, width):
    if width * 8 > rogue.bits:
        pytest.skip("there is no such instruction")
    rogue.tell(f"{access} {width} 0x88000000 1")
    rogue.expect_stopped(*report(rogue, f"{access} of {width} byte{'s' * (width > 1)}", 0x8800_0000))
    rogue.expect_unharmed()


@pytest.mark.parametrize("command", ["load 4", "store 4", "jump"])
def test_first_byte_behind_its_memory(rogue, command):
    rogue.tell(f"{command} {RAM_END:#x} 1")
    what = {"load 4": "load of 4 bytes", "store 4": "store of 4 bytes", "jump": "instruction fetch"}[command]
    first, nearest = report(rogue, what, RAM_END)
    if command == "jump":
        first = first.replace("{pc}", f"{RAM_END:#x}")
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


# Of QEMU's virt: power-off register, RTC, CLINT, a virtio device, flash, PCIe configuration.
@pytest.mark.parametrize("device", [0x10_0000, 0x10_1000, 0x200_0000, 0x1000_8000, 0x2000_0000, 0x3000_0000])
@pytest.mark.parametrize("access", ["load", "store"])
def test_devices_of_others(rogue, access, device):
    """Among them the register that would switch the whole machine off."""
    rogue.tell(f"{access} 4 {device:#x} 0x5555")
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
    satp = (8 << 60 if rogue.bits == 64 else 1 << 31) | 0x9000_0000 >> 12       # Sv39, Sv32
    rogue.tell(f"run {csrw(0x180):#x} {satp:#x}")
    rogue.expect_stopped()
    rogue.expect_unharmed()


def test_doorbell_storm(rogue):
    assert rogue.ask("storm 20000", timeout=60) == "rung"
    rogue.expect_unharmed()
