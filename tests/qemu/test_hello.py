# SPDX-License-Identifier: Apache-2.0
"""examples/hello: the smallest system, from power-on to power-off."""
from __future__ import annotations

import re

import pytest

from harness import build

SYSTEM = "examples/hello/system.yaml"


def test_runs_and_ends(boot):
    console = boot(SYSTEM)
    console.expect(re.compile(r"\[bulkhead\] hello on qemu-riscv64-virt, build [0-9a-f]{16}\n"))
    assert console.expect_end() == 0
    assert console.lines("hello") == ["Hello from hart 0 of 1", "memory: 16 MiB at 0x80000000"]
    assert console.lines("bulkhead")[1:] == ["vm 'hello' powered off", "all VMs have ended"]


@pytest.mark.parametrize("image", ["elf", "bin"])
def test_both_forms_of_the_image_boot(boot, image):
    """bulkhead.elf and bulkhead.bin; the latter starts with the header of a Linux Image."""
    built = build(SYSTEM)
    console = boot(built, {"-kernel": str(getattr(built, image))})
    console.expect("[hello] Hello from hart 0 of 1\n")
    assert console.expect_end() == 0


def test_flat_image_has_the_header_of_a_linux_image():
    """Documentation of the RISC-V boot image header: magic at 0x38, text_offset at 8, image_size at 16."""
    built = build(SYSTEM)
    data = built.bin.read_bytes()
    assert data[0x38:0x3c] == b"RSC\x05"
    load = built.plan["hypervisor"]["load"]
    assert int.from_bytes(data[8:16], "little") == load % 0x200000 or int.from_bytes(data[8:16], "little") == 0x200000
    assert int.from_bytes(data[16:24], "little") >= len(data)


def test_build_id_on_the_console_is_the_image_s(boot):
    from elftools.elf.elffile import ELFFile

    built = build(SYSTEM)
    with open(built.elf, "rb") as file:
        elf = ELFFile(file)
        address = elf.get_section_by_name(".symtab").get_symbol_by_name("__build_id_start")[0]["st_value"]
        rodata = elf.get_section_by_name(".rodata")
        build_id = rodata.data()[address - rodata["sh_addr"]:][:8].hex()
    boot(built).expect(f"build {build_id}\n")
