# SPDX-License-Identifier: Apache-2.0
"""What the tests of the front end share: a folder with the files that examples name, and ways to run configtool in it.

guest.elf     a riscv64 program of one page, linked at 0x80000000
Image         a riscv64 kernel by its header: text_offset 0x200000, image_size 4 MiB
blob.bin      4096 bytes that are nothing in particular
rootfs.cpio   4 MiB that begin as a newc archive does
base.yaml     a whole system, for `extends:`

and broken ones: empty.elf, huge.elf (sparse), arm64.elf, damaged.elf, object.o, entry.elf, Image.zst, damaged.gz; and for
more than the board's CPUs have: vector.elf, zicond.elf.
"""
from __future__ import annotations

import contextlib
import io
import os
import struct
from pathlib import Path

from configtool.cli.main import main
from configtool.diagnostics import Diagnostic

HELLO = """\
bulkhead: 1
name: hello
board: qemu-riscv64-virt
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""


def guest_elf(address: int = 0x8000_0000, machine: int = 243, kind: int = 2, entry: int | None = None) -> bytes:
    """ELF64 with one segment: `address` is where it is linked and, unless `entry` says otherwise, entered.

    Source: System V ABI, "Object Files". kind: 2 executable, 1 relocatable.
    """
    code = struct.pack("<I", 0x0000_006F).ljust(64, b"\0")     # j .
    start = address if entry is None else entry
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 4096, address, address, len(code), len(code), 4096)
    return (header + segment).ljust(4096, b"\0") + code


def built_for(extensions: str) -> bytes:
    """guest.elf with attributes that say so: 'rv64i2p1_v1p0' (RISC-V ELF psABI, "Attributes")."""
    text = b"\x05" + extensions.encode() + b"\0"
    part = b"\x01" + struct.pack("<I", 5 + len(text)) + text
    vendor = b"riscv\0" + part
    attributes = b"A" + struct.pack("<I", 4 + len(vendor)) + vendor
    plain = guest_elf()
    where = len(plain)
    sections = bytes(64) + struct.pack("<IIQQQQIIQQ", 0, 0x7000_0003, 0, 0, where, len(attributes), 0, 0, 1, 0)
    made = bytearray(plain + attributes.ljust(-(-len(attributes) // 8) * 8, b"\0") + sections)
    struct.pack_into("<Q", made, 40, len(made) - len(sections))
    struct.pack_into("<HH", made, 58, 64, 2)
    return bytes(made)


def linux_image() -> bytes:
    """Header of a kernel (Linux, arch/riscv/boot-image-header) and a page of it."""
    header = struct.pack("<IIQQQIIQ8s4sI", 0x0000_006F, 0, 0x20_0000, 4 << 20, 0, 2, 0, 0, b"RISCV\0\0\0", b"RSC\x05",
                         0)
    return header.ljust(4096, b"\0")


def furnish(folder: Path) -> Path:
    """Put the files that examples name into a folder."""
    (folder / "guest.elf").write_bytes(guest_elf())
    (folder / "Image").write_bytes(linux_image())
    (folder / "blob.bin").write_bytes(bytes(range(1, 256)) * 16 + b"end of it, 16 by")
    (folder / "rootfs.cpio").write_bytes(b"070701".ljust(4 << 20, b"0"))
    (folder / "base.yaml").write_text(HELLO)
    (folder / "empty.elf").touch()
    with open(folder / "huge.elf", "wb") as file:
        file.truncate(600 << 20)
    (folder / "arm64.elf").write_bytes(guest_elf(machine=183))
    (folder / "damaged.elf").write_bytes(guest_elf()[:50])
    (folder / "object.o").write_bytes(guest_elf(kind=1))
    (folder / "entry.elf").write_bytes(guest_elf(entry=0x9000_0000))
    (folder / "vector.elf").write_bytes(built_for("rv64i2p1_m2p0_v1p0_zicsr2p0_zvl128b1p0"))
    (folder / "zicond.elf").write_bytes(built_for("rv64i2p1_zicond1p0"))
    (folder / "Image.zst").write_bytes(b"\x28\xb5\x2f\xfd".ljust(64, b"\0"))
    (folder / "damaged.gz").write_bytes(b"\x1f\x8b\x08".ljust(64, b"\xff"))
    return folder


def configtool(*arguments: object, folder: Path | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command, run in this process and in `folder`."""
    out, err = io.StringIO(), io.StringIO()
    before = os.getcwd()
    try:
        if folder is not None:
            os.chdir(folder)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([str(a) for a in arguments])
            except SystemExit as leaving:      # argparse
                code = int(leaving.code or 0)
    finally:
        os.chdir(before)
    return code, out.getvalue(), err.getvalue()


def brief(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """What most tests look at: code, line, column, message."""
    span = diagnostic.primary.span
    return diagnostic.code, span.line, span.column, diagnostic.message
