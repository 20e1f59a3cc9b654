# SPDX-License-Identifier: Apache-2.0
"""Wrong descriptions as somebody writes them at two in the morning: (title, text), made of one good description."""
from __future__ import annotations

GOOD = """\
bulkhead: 1
name: night
board: qemu-riscv64-virt
channels:
  data: {size: 64KiB, from: control, to: [linux]}
vms:
  control:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
    devices: [rtc@101000]
  linux:
    vcpus: 2
    memory: {ram: 128MiB}
    image: {file: Image}
    linux: {initrd: rootfs.cpio, cmdline: "console=ttyS0"}
"""
_OPTIONS = '    linux: {initrd: rootfs.cpio, cmdline: "console=ttyS0"}\n'


def _with(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


MISTAKES: tuple[tuple[str, str], ...] = (
    # What hangs, or goes wrong without a word, where a system is a C struct.
    ("more CPUs than there are", _with(("vcpus: 2", "vcpus: 4"))),
    ("a CPU count of 0", _with(("vcpus: 1", "vcpus: 0"))),
    ("no CPU at all", _with(("    vcpus: 2\n", ""))),
    ("a count beside the list", _with(("    devices: [rtc@101000]", "    devices: [rtc@101000]\n    num_devices: 1"))),
    ("fewer CPUs named than asked for", _with(("vcpus: 2", "vcpus: 2\n    cpus: [cpu@1]"))),
    ("an affinity mask", _with(("vcpus: 2", "cpu_affinity: 0b0110"))),
    ("two VMs on one CPU", _with(("vcpus: 1", "cpus: [cpu@0]"), ("vcpus: 2", "cpus: [cpu@0, cpu@1]"))),
    ("a CPU that does not exist", _with(("vcpus: 1", "cpus: [cpu4]"))),
    ("one image for two VMs, linked for the first", _with(("{ram: 128MiB}", "{ram: {size: 128MiB, at: 0x90000000}}"),
                                                            ("file: Image", "file: guest.elf"),
                                                            (_OPTIONS, ""))),
    ("fixed memory on the hypervisor", _with(("16MiB", "{size: 16MiB, phys: 0x80200000}"))),
    ("fixed memory where there is no RAM", _with(("16MiB", "{size: 16MiB, phys: 0x40000000}"))),
    ("fixed memory beyond the end of RAM", _with(("128MiB", "{size: 128MiB, phys: 0xfc000000}"))),
    ("memory on the firmware", _with(("16MiB", "{size: 16MiB, phys: 0x80000000}"))),
    ("two VMs with the same memory", _with(("16MiB", "{size: 16MiB, phys: 0x90000000}"),
                                            ("128MiB", "{size: 128MiB, phys: 0x90000000}"))),
    ("an address that is not a page's", _with(("16MiB", "{size: 16MiB, phys: 0x90000100}"))),
    ("a size that is not whole pages", _with(("64KiB", "6KiB"))),
    ("sizes in decimal megabytes", _with(("16MiB", "16MB"), ("128MiB", "128M"))),
    ("a size in bytes", _with(("16MiB", "0x1000000"))),
    ("more memory than there is", _with(("128MiB", "2GiB"))),
    ("image not built yet", _with(("guest.elf", "control.elf"))),
    ("image larger than the memory", _with(("128MiB", "4MiB"))),
    ("image linked elsewhere", _with(("16MiB", "{size: 16MiB, at: 0x90000000}"))),
    ("load address beside an ELF file", _with(("guest.elf", "guest.elf, at: 0x80200000"))),
    ("wrong entry", _with(("guest.elf", "guest.elf, entry: 0x80001000"))),
    ("raw binary without an address", _with(("guest.elf", "blob.bin"))),
    ("image of another processor", _with(("guest.elf", "arm64.elf"))),
    ("compressed kernel", _with(("file: Image", "file: Image.zst"))),
    ("kernel at an odd place", _with(("file: Image", "file: Image, at: 0x80100000"))),
    ("initrd with a slip in its name", _with(("rootfs.cpio", "rootfs.cipo"))),
    ("kernel without a device tree", _with((_OPTIONS, "    devicetree: none\n"))),
    ("device with a slip in its name", _with(("rtc@101000", "rtc@10100"))),
    ("a device by its address", _with(("[rtc@101000]", "[0x101000]"))),
    ("device in two VMs", GOOD + "    devices: [rtc@101000]\n"),
    ("the interrupt controller", _with(("rtc@101000", "plic"))),
    ("the UART of the hypervisor", _with(("rtc@101000", "serial0"))),
    ("a virtio device without a word on DMA", _with(("rtc@101000", "virtio_mmio@10001000"))),
    ("raw interrupts of a device", _with(("[rtc@101000]", "[{name: rtc@101000, interrupts: [11]}]"))),
    ("channel to a VM with a slip in its name", _with(("to: [linux]", "to: [linus]"))),
    ("channel with one end", _with((", to: [linux]", ""))),
    ("doorbell number of a device",
     _with(("    devices: [rtc@101000]", "    devices: [rtc@101000]\n    channels: {data: {interrupt: 11}}"))),
    ("doorbell number that cannot be", GOOD + "    channels: {data: {interrupt: 2000}}\n"),
    ("overlapping regions",
     _with(("{ram: 16MiB}", "{ram: {size: 16MiB, at: 0x80000000}, shared: {size: 1MiB, at: 0x80f00000}}"))),
    ("a key with a slip", _with(("memory: {ram: 128MiB}", "memroy: {ram: 128MiB}"))),
    ("a key one level too high", _with(("channels:", "criticality: 3\nchannels:"))),
    ("a key twice", GOOD + "    vcpus: 1\n"),
    ("a tab", _with(("    vcpus: 2", "\tvcpus: 2"))),
    ("a list not closed", _with(("[rtc@101000]", "[rtc@101000"))),
    ("colours, as elsewhere", _with(("    vcpus: 2", "    vcpus: 2\n    colors: 0xff"))),
    ("restart without a limit in time",
     _with(("    vcpus: 2", "    vcpus: 2\n    on_fault: {action: restart, at_most: 3}"))),
    ("a board with a slip in its name", _with(("qemu-riscv64-virt", "qemu-riscv-virt"))),
    ("everything on one line of two in the morning",
     _with(("vcpus: 1", "vcpu: 1"), ("16MiB", "16 MiB"), ("rtc@101000", "rtc"),
                                                            ("to: [linux]", "to: linux"))),
)
