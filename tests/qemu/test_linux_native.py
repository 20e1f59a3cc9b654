# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels with our initramfs on plain QEMU, without Bulkhead: what a guest does there is not our doing."""
from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness import ROOT, Console

sys.path.insert(0, str(ROOT / "tests" / "linux"))
import fetch        # noqa: E402
import initramfs    # noqa: E402

PROMPT = "guest# "
MACHINES = {
    "riscv64": ("qemu-system-riscv64 -M virt -cpu rv64", "ttyS0", "riscv64"),
    "arm64": ("qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a72", "ttyAMA0", "aarch64"),
    "armhf": ("qemu-system-arm -M virt -cpu cortex-a15", "ttyAMA0", "armv7l"),
}


@pytest.mark.parametrize("arch", MACHINES)
def test_boots_to_a_shell_that_answers(arch: str, tmp_path: Path) -> None:
    machine, serial, name = MACHINES[arch]
    (tmp_path / "rootfs").write_bytes(initramfs.build(arch, add={"/etc/greeting": b"hello\n"}, run="cat /etc/greeting"))
    (tmp_path / "disk").write_bytes(b"from the disk\n".ljust(1 << 20, b"\0"))
    console = Console([*machine.split(), "-smp", "2", "-m", "256", "-nographic", "-no-reboot",
                       "-kernel", str(fetch.kernel(arch).image), "-initrd", str(tmp_path / "rootfs"),
                       "-append", f"console={serial} quiet",
                       "-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net",
                       "-drive", f"if=none,id=disk,format=raw,file={tmp_path}/disk",
                       "-device", "virtio-blk-device,drive=disk"], limit=90)
    try:
        ready = console.expect(re.compile(r"bulkhead-guest: ready, (\d+) cpus, (\d+) kB\nhello\n"), timeout=60)
        assert ready[1] == "2" and 128 << 10 < int(ready[2]) < 256 << 10
        console.expect(PROMPT)
        for command, answer in (("uname -m", name), ("head -n 1 /dev/vda", "from the disk"),
                                ("ip -o address show eth0 | awk '/inet / {print $4}'", "10.0.2.15/24")):
            console.send(command + "\n")
            console.expect(f"\n{answer}\n")
            console.expect(PROMPT)
        console.send("poweroff\n")
        assert console.expect_end() == 0
    finally:
        console.close()
        print(console.output)


def test_initramfs_is_the_same_each_time() -> None:
    assert initramfs.build("riscv64") == initramfs.build("riscv64")
