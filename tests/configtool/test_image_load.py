# SPDX-License-Identifier: Apache-2.0
"""Guest images from files: what each kind becomes, and what is said of those that cannot be used."""
from __future__ import annotations

import gzip
import os
import struct
import time
from pathlib import Path

import pytest
from configtool.diagnostics import Diagnostic
from configtool.image import elf as elf_reader, file
from configtool.image.load import load_all, load_image, load_raw
from configtool.image.model import Image, Segment
from configtool.system import ImageRef, LinuxOptions
from hypothesis import given, settings, strategies as st
from plan_cases import MIB, Sink, elf, kernel, span, system, vm

CODE = b"\x13\0\0\0" * 16


def load(folder: Path, name: str, data: bytes | None = None, arch: str = "riscv64") -> tuple[Image | None,
                                                                                             list[Diagnostic]]:
    if data is not None:
        (folder / name).write_bytes(data)
    sink = Sink()
    return load_image(ImageRef(name, str(folder / name), span(7)), arch, sink), sink.found


def refused(folder: Path, name: str, data: bytes | None = None, arch: str = "riscv64") -> Diagnostic:
    image, found = load(folder, name, data, arch)
    assert image is None and len(found) == 1
    assert found[0].severity == "error" and found[0].primary.span == span(7)
    return found[0]


def said(d: Diagnostic) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    return d.code, d.message, d.notes, d.help


def test_elf(tmp_path: Path) -> None:
    image, found = load(tmp_path, "a.elf", elf((0x8000_4000, b"data", 0x100, 6), (0x8000_0000, CODE, 64, 5),
                                               entry=0x8000_0008))
    assert found == []
    assert image == Image(str(tmp_path / "a.elf"), "elf", "riscv64",
                          (Segment(0x8000_0000, CODE, 64, "rx"), Segment(0x8000_4000, b"data", 0x100, "rw")),
                          0x8000_0008)
    assert (image.start, image.size) == (0x8000_0000, 0x4100)


def test_elf_with_virtual_addresses_starts_at_the_physical_one(tmp_path: Path) -> None:
    image, _ = load(tmp_path, "a.elf", elf((0x8020_0000, CODE, 64, 5), entry=0x8020_0010,
                                           virtual=0xffff_ffff_0000_0000))
    assert image is not None and image.entry == 0x8020_0010


def test_elf_of_32_bits(tmp_path: Path) -> None:
    image, found = load(tmp_path, "a.elf", elf((0x8040_0000, CODE, 64, 7), bits=32), "riscv32")
    assert image is not None and found == []
    assert (image.arch, image.segments) == ("riscv32", (Segment(0x8040_0000, CODE, 64, "rwx"),))


def test_linux_image(tmp_path: Path) -> None:
    image, found = load(tmp_path, "Image", kernel(MIB, 3 * MIB))
    assert image is not None and found == []
    assert (image.kind, image.text_offset, image.reserve, image.align) == ("linux", 2 * MIB, 3 * MIB, 2 * MIB)
    assert (image.start, image.size, image.entry, len(image.segments[0].data)) == (0, 3 * MIB, 0, MIB)


def test_linux_image_in_gzip(tmp_path: Path) -> None:
    image, found = load(tmp_path, "Image.gz", gzip.compress(kernel(MIB)))
    assert image is not None and found == []
    assert (image.kind, image.packing, len(image.segments[0].data)) == ("linux", "gzip", MIB)


def test_elf_in_gzip(tmp_path: Path) -> None:
    image, _ = load(tmp_path, "a.elf.gz", gzip.compress(elf((0x8000_0000, CODE, 64, 5))))
    assert image is not None and image.kind == "elf"


def test_anything_else_is_raw(tmp_path: Path) -> None:
    image, found = load(tmp_path, "u-boot.bin", b"\x6f\0\0\0" * 100)
    assert image is not None and found == []
    assert (image.kind, image.arch, image.segments) == ("raw", "", (Segment(0, b"\x6f\0\0\0" * 100, 400),))


def test_initrd_is_taken_as_it_is(tmp_path: Path) -> None:
    packed = gzip.compress(b"070701")
    (tmp_path / "rootfs.cpio.gz").write_bytes(packed)
    image = load_raw(str(tmp_path / "rootfs.cpio.gz"), "rootfs.cpio.gz", span(9), Sink())
    assert image is not None and image.segments[0].data == packed


def test_each_file_is_read_once(tmp_path: Path) -> None:
    ref = ImageRef("none.elf", str(tmp_path / "none.elf"), span(7))
    options = LinuxOptions(span(8), "none.cpio", str(tmp_path / "none.cpio"), span(9))
    sink = Sink()
    assert load_all(system(vm("a", images=(ref,), linux=options), vm("b", images=(ref,))), "riscv64", sink) == {}
    assert [(d.code, d.primary.span.line) for d in sink.found] == [("BH0401", 7), ("BH0401", 9)]


# Files that are none

def test_missing(tmp_path: Path) -> None:
    (tmp_path / "control.elf").write_bytes(b"x")
    assert said(refused(tmp_path, "contrl.elf")) == (
        "BH0401", "there is no file 'contrl.elf'", (), ("did you mean 'control.elf'?",))
    assert said(refused(tmp_path, "worker.bin")) == (
        "BH0401", "there is no file 'worker.bin'", (), ("paths are relative to the YAML file; build the guest first",))
    assert said(refused(tmp_path, "build/worker.elf")) == (
        "BH0401", "there is no file 'build/worker.elf'", (), ("the folder 'build' does not exist either",))


def test_missing_after_looking_in_two_places(tmp_path: Path) -> None:
    sink = Sink()
    load_image(ImageRef("a.elf", str(tmp_path / "a.elf"), span(7), looked=("a.elf", "build/x/guests/a.elf")), "riscv64",
               sink)
    assert sink.found[0].notes == ("looked for as a.elf and build/x/guests/a.elf",)


def test_directory_fifo_and_device(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert refused(tmp_path, "d").message == "'d' is a directory, not a file"
    assert refused(tmp_path, "fifo").message == "'fifo' is a FIFO, not a file"
    assert refused(tmp_path, "zero").message == "'zero' is a device, not a file"
    assert refused(tmp_path, "a\0b").message == "cannot read 'a\0b': not a file name"


def test_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert refused(tmp_path, "loop").message == "cannot read 'loop': too many levels of symbolic links"


def test_empty(tmp_path: Path) -> None:
    assert said(refused(tmp_path, "a.elf", b"")) == (
        "BH0402", "'a.elf' is empty", (), ("build it again: its last build may have failed",))


def test_too_large_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "a.elf", "wb") as f:
        f.truncate(file.LIMIT + 1)
    start = time.monotonic()
    assert said(refused(tmp_path, "a.elf")) == (
        "BH0403", "'a.elf' is larger than an image can be",
        ("it has 536870913 bytes, at most 536870912 (512MiB) are read",), ())
    assert time.monotonic() - start < 0.5


def test_gzip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from configtool.image import load as module
    monkeypatch.setattr(module, "LIMIT", MIB)
    assert said(refused(tmp_path, "a.gz", gzip.compress(bytes(8 * MIB)))) == (
        "BH0403", "'a.gz' unpacks to more than an image can be", ("at most 1048576 bytes (1MiB) are unpacked",), ())


def test_file_that_becomes_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file.os, "read", lambda descriptor, count: b"")
    assert refused(tmp_path, "a.elf", b"x" * 100).message == "'a.elf' became shorter while it was read"


# Files for something else

def test_another_processor(tmp_path: Path) -> None:
    d = refused(tmp_path, "a.elf", elf((0x4000_0000, CODE, 64, 5), machine=183))
    assert (d.code, d.message, d.primary.text) == ("BH0404", "'a.elf' is made for another processor", "64-bit AArch64")
    assert d.notes == ("the board is riscv64, the file is 64-bit AArch64",) and d.help == ("build it for riscv64",)
    assert refused(tmp_path, "a.elf", elf((0x8000_0000, CODE, 64, 5), bits=32)).primary.text == "32-bit RISC-V"
    assert refused(tmp_path, "a.elf", elf((0x8000_0000, CODE, 64, 5), machine=62)).primary.text == "64-bit x86-64"
    assert refused(tmp_path, "a.elf", elf((0x8000_0000, CODE, 64, 5), machine=999)).primary.text == "64-bit machine 999"


def test_kernel_for_another_processor(tmp_path: Path) -> None:
    assert said(refused(tmp_path, "Image", kernel(MIB, magic=b"ARM\x64"))) == (
        "BH0404", "'Image' is made for another processor", ("the board is riscv64, the kernel is for aarch64",),
        ("build it for riscv64",))
    d = refused(tmp_path, "bzImage", bytes(0x202) + b"HdrS" + bytes(100))
    assert (d.code, d.message) == ("BH0404", "'bzImage' is a Linux kernel for x86")


def test_not_linked(tmp_path: Path) -> None:
    assert said(refused(tmp_path, "a.o", elf((0, CODE, 64, 5), kind=1))) == (
        "BH0406", "'a.o' is an object file that has not been linked", (), ("link it with an address",))
    assert refused(tmp_path, "core", elf((0, CODE, 64, 5), kind=4)).message == "'core' is no executable"


def test_user_program(tmp_path: Path) -> None:
    data = bytearray(elf((0x10000, CODE, 64, 5), (0x20000, b"/lib/ld.so", 10, 4)))
    data[64 + 56:64 + 60] = struct.pack("<I", 3)
    d = refused(tmp_path, "busybox", bytes(data))
    assert (d.code, d.message) == ("BH0406", "'busybox' is a program for an operating system, not for a bare machine")


def test_nothing_to_load(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.elf", elf((0x8000_0000, b"", 0, 5))).message == "'a.elf' has nothing to load"


# Containers

@pytest.mark.parametrize("data, name, message, help", [
    (b"\x28\xb5\x2f\xfd" + bytes(64), "Image.zst", "'Image.zst' is compressed with zstd",
     "unpack it: zstd -dc Image.zst > Image"),
    (b"\xfd7zXZ\0" + bytes(64), "k/Image.xz", "'k/Image.xz' is compressed with xz",
     "unpack it: xz -dc k/Image.xz > Image"),
    (b"BZh9" + bytes(64), "vmlinux.bz2", "'vmlinux.bz2' is compressed with bzip2",
     "unpack it: bzip2 -dc vmlinux.bz2 > vmlinux"),
    (b"\x02\x21\x4c\x18" + bytes(64), "vmlinuz", "'vmlinuz' is compressed with lz4 (legacy)",
     "unpack it: lz4 -dc vmlinuz > Image"),
    (b"\x27\x05\x19\x56" + bytes(64), "uImage", "'uImage' is a legacy U-Boot image (uImage)",
     "unpack it: dumpimage -p 0 -o Image uImage"),
    (b"\xd0\x0d\xfe\xed" + bytes(64), "fit.itb", "'fit.itb' is a device tree blob or a FIT image, not a program",
     "list what is in it: dumpimage -l fit.itb"),
    (bytes(0x24) + b"\x18\x28\x6f\x01" + bytes(64), "zImage",
     "'zImage' is a zImage, a compressed kernel for 32-bit Arm",
     "take the `Image` of the kernel's build"),
    (gzip.compress(b"hello", mtime=0), "blob.gz", "'blob.gz' is compressed, and neither an ELF file nor a Linux kernel is in it",
     "unpack it: gzip -dc blob.gz > blob, and write `at:` beside the file"),
])
def test_packed(tmp_path: Path, data: bytes, name: str, message: str, help: str) -> None:
    (tmp_path / "k").mkdir()
    d = refused(tmp_path, name, data)
    assert (d.code, d.message, d.help) == ("BH0407", message, (help,))


def zboot(kind: bytes, payload: bytes) -> bytes:
    return b"MZ\0\0zimg" + struct.pack("<IIQ", 64, len(payload), 0) + kind.ljust(32, b"\0") + bytes(8) + payload


def test_efi_zboot_with_a_command_that_works(tmp_path: Path) -> None:
    made = kernel(MIB)
    packed = gzip.compress(made)
    d = refused(tmp_path, "vmlinuz", zboot(b"gzip", packed) + b"trailer")
    assert said(d) == ("BH0407", "'vmlinuz' is an EFI zboot kernel, which needs UEFI to unpack itself", (), (
        f"unpack it: tail -c +65 vmlinuz | head -c {len(packed)} | gzip -dc > Image",
        "or take the `Image` of the kernel's build (CONFIG_EFI_ZBOOT=n)"))
    assert os.system(f"cd {tmp_path} && {d.help[0].removeprefix('unpack it: ')}") == 0
    assert (tmp_path / "Image").read_bytes() == made
    assert refused(tmp_path, "vmlinuz", zboot(b"zstd22", b"x" * 9)).help[0].endswith("| zstd -dc > Image")
    assert refused(tmp_path, "vmlinuz",
                   zboot(b"", b"x" * 9)).help[0] == "unpack its unnamed payload of 9 bytes at offset 64"


def test_damaged_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(elf((0x8000_0000, CODE, 64, 5)))
    assert refused(tmp_path, "a.gz", whole[:-12]).message == "'a.gz' is a gzip file that ends too early"
    broken = bytearray(whole)
    broken[20] ^= 0xff
    d = refused(tmp_path, "a.gz", bytes(broken))
    assert (d.code, d.message) == ("BH0408", "'a.gz' is a damaged gzip file")


# Damaged headers

def damaged(data: bytes) -> str:
    with pytest.raises(file.BadFile) as e:
        elf_reader.parse(data, "/x/a.elf", "a.elf", "riscv64")
    assert e.value.code == "BH0405"
    return e.value.message.removeprefix("'a.elf' is a damaged ELF file: ")


def test_damaged_elf() -> None:
    whole = elf((0x8000_0000, CODE, 64, 5), (0x8000_1000, CODE, 64, 6))
    assert damaged(whole[:40]) == "it ends inside its header"
    assert damaged(whole[:60]) == "it ends inside its header"
    assert damaged(whole[:100]) == "it ends before its program headers"
    assert damaged(whole[:-1]) == "segment 1 ends at 0x130, the file at 0x12f"
    assert damaged(b"\x7fELF\x09\x01" + whole[6:]) == "class 9, data encoding 1"
    assert damaged(whole[:56] + b"\xff\xff" + whole[58:]) == "65535 program headers"
    assert damaged(whole[:54] + b"\x04\0" + whole[56:]) == "program headers of 4 bytes"
    assert damaged(elf((0x8000_0000, CODE, 16, 5))) == "segment 0 has 0x40 bytes in the file for 0x10 in memory"
    assert damaged(elf((0xffff_ffff_ffff_f000, CODE, 0x2000, 5))) == \
        "segment 0 at 0xfffffffffffff000 of 0x2000 bytes passes the end of the address space"
    assert damaged(elf((0x8000_0000, CODE, 0x2000, 5), (0x8000_1000, CODE, 64, 6))) == \
        "its segments at 0x80000000 and 0x80001000 overlap"


def test_elf_that_is_huge_in_memory(tmp_path: Path) -> None:
    assert said(refused(tmp_path, "a.elf", elf((0x8000_0000, CODE, 1 << 40, 6)))) == (
        "BH0403", "'a.elf' is larger in memory than an image can be",
        ("its segments have 1099511627776 bytes (1024GiB), bss included; at most 536870912 (512MiB) are taken",),
        ("bss is zeros in the flat image: let the guest clear large buffers itself",))


def test_damaged_kernel(tmp_path: Path) -> None:
    assert refused(tmp_path, "Image", kernel(MIB, text_offset=1 << 40)).message == \
        "'Image' is a damaged Linux kernel: its header says text_offset 0x10000000000"
    assert refused(tmp_path, "Image", kernel(MIB, 1 << 50)).message == \
        "'Image' is a damaged Linux kernel: its header says image_size 0x4000000000000 (1048576GiB)"
    assert refused(tmp_path, "Image",
                   kernel(MIB)[:62]).message == "'Image' is a damaged Linux kernel: it ends inside its header"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_header_brings_it_down(data: st.DataObject) -> None:
    """Random bytes over the headers of an ELF file, a kernel, a zboot file: an image or a BadFile, quickly."""
    from configtool.image.load import _parse
    whole = bytearray(data.draw(st.sampled_from((elf((0x8000_0000, CODE, 64, 5), (0x8000_1000, CODE, 64, 6)),
                                                 kernel(4096), zboot(b"gzip", b"x" * 64)))))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(len(whole), 180) - 1))
        part = data.draw(st.binary(min_size=1, max_size=8))
        whole[at:at + len(part)] = part
    cut = data.draw(st.integers(0, len(whole)))
    try:
        image = _parse(bytes(whole[:cut] if data.draw(st.booleans()) else whole), "/x/a", "a", "riscv64")
    except file.BadFile as e:
        assert e.code.startswith("BH04")
    else:
        assert sum(s.size for s in image.segments) <= file.LIMIT
