# SPDX-License-Identifier: Apache-2.0
"""Generated device trees on plain QEMU, without the hypervisor: Debian's kernels boot with the tree of a VM that has
the whole machine. What a tree lacks or has too much of shows here whatever the hypervisor does.

The tree is that of the VM, and its interrupt controller that of the hypervisor; a few lines make it the machine's.
"""
from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import ROOT, Console

sys.path.insert(0, str(ROOT / "tests" / "linux"))
import fetch        # noqa: E402
import initramfs    # noqa: E402

PROMPT = "guest# "


@dataclass(frozen=True)
class Machine:
    arch: str           # Debian's name
    board: str
    command: str
    base: int           # of RAM
    uart: str
    virtio: tuple[str, ...]
    changes: str = ""


def _wires(*interrupts: int) -> str:
    """interrupts-extended to these of each hart's own controller."""
    return ", ".join(f"<&{{/cpus/cpu@{hart}/interrupt-controller}} {n}>" for hart in range(4) for n in interrupts)


# A virtual PLIC has no contexts of M-mode. OpenSBI reads the same tree as the kernel: it wants to know what interrupts
# a hart and what powers off.
_RISCV = f"""
&{{/soc/interrupt-controller@c000000}} {{ interrupts-extended = {_wires(11, 9)}; }};
&{{/soc}} {{
    clint@2000000 {{ compatible = "riscv,clint0"; reg = <0 0x2000000 0 0x10000>;
                     interrupts-extended = {_wires(3, 7)}; }};
    test: test@100000 {{ compatible = "sifive,test1", "sifive,test0", "syscon"; reg = <0 0x100000 0 0x1000>; }};
}};
/ {{ poweroff {{ compatible = "syscon-poweroff"; regmap = <&test>; offset = <0>; value = <0x5555>; }}; }};
"""
# The machine's redistributors are further off from the distributor.
_GICV3 = "&{/soc/interrupt-controller@8000000} { reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>; };\n"

MACHINES = {
    "riscv64-plic": Machine("riscv64", "qemu-riscv64-virt", "qemu-system-riscv64 -M virt -cpu rv64", 0x8000_0000,
                            "serial@10000000", ("virtio_mmio@10008000", "virtio_mmio@10007000"),
                            _RISCV),
    "arm64-gicv2": Machine("arm64", "qemu-aarch64-virt-gicv2",
                           "qemu-system-aarch64 -M virt,gic-version=2 -cpu cortex-a53", 0x4000_0000, "pl011@9000000",
                           ("virtio_mmio@a003e00", "virtio_mmio@a003c00")),
    "arm64-gicv3": Machine("arm64", "qemu-aarch64-virt-gicv3",
                           "qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a53", 0x4000_0000, "pl011@9000000",
                           ("virtio_mmio@a003e00", "virtio_mmio@a003c00"),
                           _GICV3),
}


def tree(machine: Machine, folder: Path) -> Path:
    """The DTB of a VM with all CPUs, the first GiB of RAM where it is, the real UART and two virtio devices."""
    shutil.copytree(ROOT / "boards", folder / "boards")
    settings = folder / "boards" / machine.board / "board.yaml"
    words = re.sub(r"(?m)^firmware:\n(  .*\n)*", "", settings.read_text())
    settings.write_text(re.sub(r"(?m)^load: .*$", f"load: {machine.base:#x}", words))
    devices = "".join(f"      - {{name: {name}, dma: trusted, because: there is one VM}}\n" for name in machine.virtio)
    (folder / "system.yaml").write_text(
        f"bulkhead: 1\nname: native\nboard: ./boards/{machine.board}\nhypervisor: {{console: none}}\n"
        "vms:\n  linux:\n    vcpus: 4\n"
        f"    memory: {{ram: {{size: 1022MiB, at: identity, phys: {machine.base + 0x20_0000:#x}}}}}\n"
        f"    image: {{file: {fetch.kernel(machine.arch).image}}}\n    console: none\n"
        f"    devices:\n      - {machine.uart}\n{devices}")
    done = subprocess.run([str(ROOT / "bin" / "configtool"), "gen", "system.yaml", "-o", "gen"], cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if not machine.changes:
        return folder / "gen" / "linux.dtb"
    text = (folder / "gen" / "linux.dts").read_text() + machine.changes
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", "native.dtb"], input=text, text=True, cwd=folder, check=True)
    return folder / "native.dtb"


@pytest.mark.parametrize("name", MACHINES)
def test_a_vm_that_has_the_whole_machine(name: str, tmp_path: Path) -> None:
    machine = MACHINES[name]
    (tmp_path / "rootfs").write_bytes(initramfs.build(machine.arch))
    (tmp_path / "disk").write_bytes(b"from the disk\n".ljust(1 << 20, b"\0"))
    console = Console([*machine.command.split(), "-smp", "4", "-m", "1G", "-nographic", "-no-reboot",
                       "-dtb", str(tree(machine, tmp_path)),
                       "-kernel", str(fetch.kernel(machine.arch).image), "-initrd", str(tmp_path / "rootfs"),
                       "-append", "quiet", "-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net",
                       "-drive", f"if=none,id=disk,format=raw,file={tmp_path}/disk",
                       "-device", "virtio-blk-device,drive=disk"], limit=120)
    try:
        ready = console.expect(re.compile(r"bulkhead-guest: ready, (\d+) cpus, (\d+) kB\n"), timeout=90)
        assert ready[1] == "4" and 900 << 10 < int(ready[2]) < 1024 << 10
        console.expect(PROMPT)
        for command, answer in (("cat /proc/device-tree/compatible; echo", "bulkhead,guest\0"),
                                ("cat /proc/device-tree/model; echo", "linux\0"),
                                ("head -n 1 /dev/vda", "from the disk"),
                                ("ip -o address show eth0 | awk '/inet / {print $4}'", "10.0.2.15/24")):
            console.send(command + "\n")
            console.expect(f"\n{answer}\n")
            console.expect(PROMPT)
        console.send("poweroff\n")
        assert console.expect_end() == 0
    finally:
        console.close()
        print(console.output)
