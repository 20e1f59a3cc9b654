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

# The same on a board whose GICv3, cache and counters more keys are for.
ARM = """\
bulkhead: 1
name: night
board: qemu-aarch64-virt-gicv3
vms:
  control:
    criticality: 5
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: blob.bin, at: 0x40000000}
  worker:
    vcpus: 2
    memory: {ram: 128MiB}
    image: {file: blob.bin, at: 0x40000000}
"""
_BOSS = "    criticality: 5\n"


def _arm(*changes: tuple[str, str], more: str = "") -> str:
    return _with(*changes, text=ARM) + more


def _with(*changes: tuple[str, str], text: str = GOOD) -> str:
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
    # Keys that only some boards can keep, and two of them that exclude each other.
    ("a budget beside direct interrupts", _arm(more="    interrupts: direct\n    bandwidth: {budget: 200MiB/s}\n")),
    ("a budget without the second", _arm(more="    bandwidth: {budget: 200MiB}\n")),
    ("a budget as a bare rate", _arm(more="    bandwidth: 200MiB/s\n")),
    ("more bandwidth than there is",
     _arm((_BOSS, _BOSS + "    bandwidth: {budget: 3GiB/s}\n"), more="    bandwidth: {budget: 2GiB/s}\n")),
    ("a budget on a board that counts nothing", GOOD + "    bandwidth: {budget: 200MiB/s}\n"),
    ("a lender with nobody who borrows", _arm((_BOSS, _BOSS + "    bandwidth: {budget: 200MiB/s, lend: 50%}\n"))),
    ("direct interrupts on a PLIC", GOOD + "    interrupts: direct\n"),
    ("a watchdog and direct interrupts where firmware keeps Group 0",
     _arm(("qemu-aarch64-virt-gicv3", "xlnx-versal-virt"), ("vcpus: 2", "vcpus: 1"),
          more="    interrupts: direct\n    watchdog: {timeout: 1s, action: restart}\n")),
    ("a manager of direct interrupts where firmware keeps Group 0",
     _arm(("qemu-aarch64-virt-gicv3", "xlnx-versal-virt"), ("vcpus: 2", "vcpus: 1"),
          (_BOSS, _BOSS + "    manager: [worker]\n"),
          more="    restartable: true\n    interrupts: direct\n")),
    ("interrupts: passthrough, as elsewhere", _arm(more="    interrupts: passthrough\n")),
    ("colors beyond the cache's", _arm((_BOSS, _BOSS + "    colors: 0-3\n"), more="    colors: 12-19\n")),
    ("colors on a board without such a cache",
     _arm(("qemu-aarch64-virt-gicv3", "xlnx-versal-virt"), ("vcpus: 2", "vcpus: 1"), ("vms:", "colors: auto\nvms:"))),
    ("colors as a list of two ranges in a string", _arm(more="    colors: 0-3,8-11\n")),
    ("colors of memory whose place is fixed",
     _arm(("{ram: 128MiB}", "{ram: {size: 128MiB, phys: 0x50000000}}"), ("vms:", "colors: auto\nvms:"))),
    ("too few colors for the memory",
     _arm(("vms:", "colors: auto\nvms:"), ("128MiB", "1792MiB"), (_BOSS, _BOSS + "    colors: 50%\n"))),
    ("a manager of a VM with a slip in its name", _arm((_BOSS, _BOSS + "    manager: [workr]\n"))),
    ("a manager as a name, not a list", _arm((_BOSS, _BOSS + "    manager: worker\n"))),
    ("a manager of itself", _arm((_BOSS, _BOSS + "    manager: [control]\n"))),
    ("a watchdog without an action", _arm(more="    watchdog: {timeout: 500ms}\n")),
    ("a watchdog that is too quick", _arm(more="    watchdog: {timeout: 100us, action: restart}\n")),
    ("a watchdog in words", _arm(more="    watchdog: 1s\n")),
    ("a watchdog that resets", _arm(more="    watchdog: {timeout: 1s, action: reset}\n")),
    ("device tree over the image", _arm(more="    devicetree: {at: 0x40000000}\n")),
    ("device tree outside the memory", _arm(more="    devicetree: {at: 0x60000000}\n")),
    ("device tree at a region with a slip in its name", _arm(more="    devicetree: {at: rma}\n")),
    ("on_panic in a VM", _arm(more="    on_panic: reset\n")),
    ("on_panic: restart", _arm(("vms:", "hypervisor: {on_panic: restart}\nvms:"))),
)
