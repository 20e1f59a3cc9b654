# SPDX-License-Identifier: Apache-2.0
"""Generated trees against the kernel's bindings, by dt-schema."""
from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "configtool")]

from bindings import complaints     # noqa: E402
from workbench import configtool, guest_elf     # noqa: E402

# Known: what no binding of the kernel speaks of, and what those of Linux 6.1 had not heard of.
_KNOWN = re.compile("|".join((
    r"failed to match any schema with compatible: \['bulkhead,(guest|channel)'",
    r"failed to match any schema with compatible: \['google,goldfish-rtc'\]",     # a text in 6.1
    r"failed to match any schema with compatible: .*'riscv,(aplic|imsics)'\]",    # Linux 6.10
    r"chosen: linux,initrd-(start|end):0: \[0, \d+\] is too long",                # 64 bits: dt-schema 2023
    r"mmu-type:0: 'riscv,sv57' is not one of",                                    # Linux 6.4
    r"riscv,isa:0: '\w+' does not match '\^rv",                                   # no digits in names before 6.3
    r"riscv,isa-extensions: b'",                                                  # Linux 6.6
)))

# A device with an interrupt, and one of virtio. QEMU's Arm boards call a UART pl011@ and a GPIO block pl061@, which no
# binding allows, and a passed-through device keeps the board's name.
_DEVICES = {
    "qemu-riscv64-virt": ("rtc@101000", "virtio_mmio@10008000"),
    "qemu-riscv64-virt-aia": ("rtc@101000", "virtio_mmio@10008000"),
    "qemu-aarch64-virt-gicv2": ("", "virtio_mmio@a003e00"),
    "qemu-aarch64-virt-gicv3": ("", "virtio_mmio@a003e00"),
}


@pytest.mark.parametrize("board", _DEVICES)
def test_trees_are_as_the_bindings_want_them(board: str, tmp_path: Path) -> None:
    arm = "aarch64" in board
    wired, virtio = _DEVICES[board]
    (tmp_path / "guest.elf").write_bytes(guest_elf(0x4000_0000 if arm else 0x8000_0000, 183 if arm else 243))
    (tmp_path / "blob.bin").write_bytes(bytes(4096))
    base = 0x5000_0000 if arm else 0x9000_0000
    (tmp_path / "system.yaml").write_text(f"""\
bulkhead: 1
name: x
board: {board}
channels:
  one: {{size: 64KiB, between: [a, b]}}
  two: {{size: 4KiB, from: a, to: [b]}}
vms:
  a:
    vcpus: 2
    memory: {{ram: 16MiB, rom: {{size: 4KiB, access: r}}}}
    image: {{file: guest.elf}}
    linux: {{cmdline: quiet, initrd: blob.bin}}
    devices: [{wired}]
  b:
    vcpus: 1
    memory: {{ram: {{size: 16MiB, at: identity, phys: {base:#x}}}}}
    image: {{file: blob.bin, at: {base:#x}}}
    console: none
    devices: [{{name: {virtio}, dma: trusted, because: this is a test}}]
""")
    code, _, said = configtool("gen", "system.yaml", "-o", "out", folder=tmp_path)
    assert code == 0, said
    for vm in "ab":
        found = complaints(tmp_path / "out" / f"{vm}.dtb")
        assert [line for line in found if not _KNOWN.search(line)] == []
        assert any("bulkhead,guest" in line for line in found)      # it did look
