# SPDX-License-Identifier: Apache-2.0
"""A small system with one of everything, built once for the tests of verify: three VMs on four harts, an ELF, raw files
and a Linux kernel with an initrd, a read-only region, channels one way and both ways, a device, a VM that restarts."""
from __future__ import annotations

import atexit
import functools
import os
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from configtool.board.load import load_board
from configtool.board.model import Board
from configtool.diagnostics import Sink
from configtool.language import load_system
from configtool.system import System
from configtool.verify import facts
from configtool.verify.elf import parse

ROOT = Path(__file__).resolve().parents[2]

YAML = """\
# SPDX-License-Identifier: Apache-2.0
bulkhead: 1
name: verified
board: qemu-riscv64-virt
channels:
  both: {size: 8KiB, between: [alpha, beta], doorbell: both}
  news: {size: 4KiB, from: alpha, to: [beta, gamma], doorbell: to}
vms:
  alpha:
    criticality: 5
    vcpus: 1
    memory:
      ram: 4MiB
      table: {size: 64KiB, at: 0x90000000, access: r}
    images:
      - {file: alpha.elf}
      - {file: table.bin, at: 0x90000000}
    devices: [rtc@101000]
    on_fault: {action: restart, at_most: 3, within: 10s, then: stop}
  beta:
    cpus: [cpu@2, cpu@1]
    memory: {ram: 2MiB}
    image: {file: beta.bin, at: 0x80000000, entry: 0x80000010}
    console: none
  gamma:
    vcpus: 1
    memory: {ram: 8MiB}
    image: {file: Image}
    linux: {initrd: initrd.bin, cmdline: "console=ttyS0"}
"""


@dataclass(frozen=True)
class Verified:
    folder: Path                # of the description and its images
    yaml: Path
    elf: Path
    data: bytes
    system: System
    board: Board
    layout: facts.Layout
    texts: dict[str, str]


def pattern(seed: int, size: int) -> bytes:
    """Bytes none of which is 0, so that every one that is lost is seen."""
    return bytes((seed + i * 7 + i // 251) % 255 + 1 for i in range(size))


def files() -> dict[str, bytes]:
    code, data = pattern(3, 5000), pattern(5, 600)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 243, 1, 0x8000_0040, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    header += struct.pack("<IIQQQQQQ", 1, 5, 0x1000, 0x8000_0000, 0x8000_0000, len(code), len(code), 0x1000)
    header += struct.pack("<IIQQQQQQ", 1, 6, 0x3000, 0x8000_2000, 0x8000_2000, len(data), 9000, 0x1000)
    kernel = pattern(13, 8192)
    kernel = kernel[:8] + struct.pack("<QQQ", 0x20_0000, 0x3_0000, 0) + kernel[32:56] + b"RSC\x05" + kernel[60:]
    return {"system.yaml": YAML.encode(), "alpha.elf": header.ljust(0x1000, b"\0") + code.ljust(0x2000, b"\0") + data,
            "table.bin": pattern(7, 65536), "beta.bin": pattern(11, 4096 + 123), "Image": kernel,
            "initrd.bin": pattern(17, 5001)}


@functools.lru_cache(maxsize=None)
def build() -> Verified:
    return make(files())


def make(contents: dict[str, bytes]) -> Verified:
    """Build a system from these files, system.yaml among them. What is made goes away with the process."""
    folder = Path(tempfile.mkdtemp(prefix=f"verified-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(shutil.rmtree, ROOT / "build" / folder.name, ignore_errors=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    yaml = folder / "system.yaml"
    environment = {k: v for k, v in os.environ.items() if k not in (
        "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    made = subprocess.run(["make", "-s", "-C", str(ROOT), f"SYSTEM={yaml}", "build"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    assert made.returncode == 0, made.stdout
    elf = ROOT / "build" / folder.name / "bulkhead.elf"
    sink = Sink()
    system = load_system(str(yaml), sink)
    assert system is not None, sink.diagnostics
    board = load_board(system.board, system.board_span, str(folder), sink)
    assert board is not None, sink.diagnostics
    data = elf.read_bytes()
    return Verified(folder, yaml, elf, data, system, board, facts.layout(parse(data)), sink.texts)
