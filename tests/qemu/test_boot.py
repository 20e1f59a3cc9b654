# SPDX-License-Identifier: Apache-2.0
"""Starting: the forms of the image, another boot loader, and boards that are not what was planned for."""
from __future__ import annotations

import pytest

from harness import ROOT, build

HELLO = "examples/hello/system.yaml"
TWO_VMS = "examples/two-vms/system.yaml"


@pytest.mark.parametrize("image", ["elf", "bin"])
def test_both_forms_of_the_image_boot(boot, image):
    built = build(HELLO)
    console = boot(built, {"-kernel": str(getattr(built, image))})
    console.expect("[hello] Hello from CPU 0 of 1\n")
    assert console.expect_end() == 0


def test_flat_image_has_the_header_of_a_linux_image():
    """The kernel's Documentation/arch/riscv/boot-image-header: text_offset at 8, image_size at 16, magic at 0x38."""
    built = build(HELLO)
    data = built.bin.read_bytes()
    assert data[0x38:0x3c] == b"RSC\x05"
    assert int.from_bytes(data[8:16], "little") == 0x200000
    assert int.from_bytes(data[16:24], "little") >= len(data)


def test_build_id_on_the_console_is_the_image_s(boot):
    from elftools.elf.elffile import ELFFile

    built = build(HELLO)
    with open(built.elf, "rb") as file:
        elf = ELFFile(file)
        address = elf.get_section_by_name(".symtab").get_symbol_by_name("__build_id_start")[0]["st_value"]
        rodata = elf.get_section_by_name(".rodata")
        build_id = rodata.data()[address - rodata["sh_addr"]:][:8].hex()
    boot(built).expect(f"build {build_id}\n")


def test_too_little_memory_is_named(boot):
    console = boot(TWO_VMS, {"-m": "32M"})
    needed = max(bank["probe"] for bank in build(TWO_VMS).plan["banks"])
    console.expect(f"[bulkhead] no memory at {needed:#x}, which the plan uses: "
                   "this board has less than board 'qemu-riscv64-virt' says\n")
    console.expect_end()


def test_a_hart_without_the_hypervisor_extension_is_named(boot):
    console = boot(HELLO, {"-cpu": "rv64,h=off"})
    console.expect("[bulkhead] this hart has no H extension\n")
    console.expect_end()


def test_a_hart_without_what_its_tree_promises_is_named(boot):
    console = boot(HELLO, {"-cpu": "rv64,sstc=off"})
    console.expect("[bulkhead] cpu@0 (hart 0) lacks what its device tree says: henvcfg is 0x")
    console.expect_end()


@pytest.mark.parametrize("system, machine, kernel, level", [
    ("two-vms-gicv3", "virt,gic-version=3", "bin", "EL1, not at EL2: this board has no virtualisation"),
    ("two-vms-gicv2", "virt,gic-version=2", "bin", "EL1, not at EL2: this board has no virtualisation"),
    ("two-vms-gicv3", "virt,gic-version=3,virtualization=on,secure=on", "elf", "EL3, not at EL2: the board's firmware"),
])
def test_started_at_another_level_than_el2(boot, system, machine, kernel, level):
    built = build(f"examples/two-vms/{system}.yaml")
    boot(built, {"-M": machine, "-kernel": str(getattr(built, kernel))}).expect(f"bulkhead: started at {level}")


def test_nothing_of_the_machine_is_in_the_image():
    """No path of where it was built."""
    built = build(HELLO)
    assert str(ROOT).encode() not in built.bin.read_bytes()
    assert str(ROOT).encode() not in built.elf.read_bytes()
