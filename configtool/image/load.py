# SPDX-License-Identifier: Apache-2.0
"""Guest images from files: the kind is told by the file itself, never by its name.

A file costs at most image.file.LIMIT bytes of memory for itself and as much again unpacked.
"""
from __future__ import annotations

import io
import os
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ..source import Span
from ..units import size_text
from . import elf, linux
from .file import LIMIT, BadFile, read
from .model import Image, Segment

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic
    from ..system import ImageRef, System


class Sink(Protocol):
    def add(self, diagnostic: "Diagnostic") -> None: ...


_PIECE = 1 << 20                # bytes that are unpacked at once

# Compressed files by their first bytes: what it is, and the program that unpacks it.
_PACKED = ((b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"), (b"\xfd7zXZ\x00", "xz", "xz -dc"),
           (b"\x5d\x00\x00", "lzma", "xz --format=lzma -dc"), (b"BZh", "bzip2", "bzip2 -dc"),
           (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc"), (b"\x02\x21\x4c\x18", "lz4 (legacy)", "lz4 -dc"),
           (b"\x89LZO\x00", "lzop", "lzop -dc"))
_UNPACK = {"gzip": "gzip -dc", "lz4": "lz4 -dc", "lzma": "xz --format=lzma -dc", "lzo": "lzop -dc", "xzkern": "xz -dc",
           "xz": "xz -dc", "zstd22": "zstd -dc", "zstd": "zstd -dc"}


def load_image(ref: "ImageRef", arch: str, sink: Sink) -> Image | None:
    """One `image:` of a VM. None, with the reason in the sink, when it cannot be used on this architecture."""
    try:
        return _load(ref.path, ref.file, arch)
    except BadFile as e:
        _report(e, ref.span, sink, ref.looked)
        return None


def load_raw(path: str, name: str, span: Span, sink: Sink, looked: tuple[str, ...] = ()) -> Image | None:
    """A file whose bytes are used as they are: an initrd."""
    try:
        data = read(path, name)
    except BadFile as e:
        _report(e, span, sink, looked)
        return None
    return Image(path, "raw", "", (Segment(0, data, len(data)),), 0)


def load_all(system: "System", arch: str, sink: Sink) -> dict[str, Image]:
    """Every image and initrd of a system by resolved path, each file read once; those that failed are missing."""
    images: dict[str, Image] = {}
    tried: set[str] = set()
    for vm in system.vms:
        for ref in vm.images:
            if ref.path not in tried:
                tried.add(ref.path)
                image = load_image(ref, arch, sink)
                if image is not None:
                    images[ref.path] = image
        options = vm.linux
        if options and options.initrd_path and options.initrd_path not in tried:
            tried.add(options.initrd_path)
            image = load_raw(options.initrd_path, options.initrd or "", options.initrd_span or options.span, sink,
                             options.initrd_looked)
            if image is not None:
                images[options.initrd_path] = image
    return images


def _report(e: BadFile, span: Span, sink: Sink, looked: tuple[str, ...]) -> None:
    from ..rules.registry import load
    notes = (*e.notes, f"looked for as {', '.join(looked[:-1])}{' and ' * bool(looked[1:])}{looked[-1]}") if looked else e.notes
    sink.add(load()[e.code].diagnostic(e.message, span, e.label, notes=notes, help=e.help))


def _load(path: str, name: str, arch: str) -> Image:
    data = read(path, name)
    if data[:2] == b"\x1f\x8b":
        return replace(_parse(_inflate(data, name), path, name, arch, packed=True), packing="gzip")
    return _parse(data, path, name, arch)


def _parse(data: bytes, path: str, name: str, arch: str, packed: bool = False) -> Image:
    if data[:4] == elf.MAGIC:
        return elf.parse(data, path, name, arch)
    if linux.is_image(data):
        return linux.parse(data, path, name, arch)
    _refuse(data, name, path)
    if packed:
        raise BadFile("BH0407", f"'{name}' is compressed, and neither an ELF file nor a Linux kernel is in it",
                      help=(f"unpack it: gzip -dc {name} > {_unpacked(name)}, and write `at:` beside the file",))
    return Image(path, "raw", "", (Segment(0, data, len(data)),), 0)


def _inflate(data: bytes, name: str) -> bytes:
    engine = zlib.decompressobj(31)
    out, left, at = io.BytesIO(), b"", 0        # grows in place; zlib's own buffer takes twice the memory
    try:
        while not engine.eof and (left or at < len(data)):
            if not left:
                left, at = data[at:at + _PIECE], at + _PIECE
            out.write(engine.decompress(left, _PIECE))
            left = engine.unconsumed_tail
            if out.tell() > LIMIT:
                raise BadFile("BH0403", f"'{name}' unpacks to more than an image can be",
                              notes=(f"at most {LIMIT} bytes ({size_text(LIMIT)}) are unpacked",))
    except zlib.error as e:
        raise BadFile("BH0408", f"'{name}' is a damaged gzip file", notes=(str(e).lower(),)) from None
    if not engine.eof:
        raise BadFile("BH0408", f"'{name}' is a gzip file that ends too early", help=("copy or build it again",))
    return out.getvalue()


def _unpacked(name: str) -> str:
    """Name for what comes out of a packed file."""
    base, extension = os.path.splitext(os.path.basename(name))
    return base if extension in (".gz", ".xz", ".zst", ".bz2", ".lz4", ".lzma", ".lzo") else "Image"


def _refuse(data: bytes, name: str, path: str) -> None:
    """Files that are plainly not to be put into memory as they are. Raises BadFile, or returns."""
    out = _unpacked(name)
    for magic, kind, command in _PACKED:
        if data.startswith(magic):
            raise BadFile("BH0407", f"'{name}' is compressed with {kind}",
                          help=(f"unpack it: {command} {name} > {out}",))
    if data[:2] == b"MZ" and data[4:8] == b"zimg" and len(data) >= 64:
        offset, size = int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")
        kind = data[24:56].split(b"\0")[0].decode("ascii", "replace")
        unpack = _UNPACK.get(kind)
        help = f"unpack it: tail -c +{offset + 1} {name} | head -c {size} | {unpack} > Image" if unpack else \
            f"unpack its {kind or 'unnamed'} payload of {size} bytes at offset {offset}"
        raise BadFile("BH0407", f"'{name}' is an EFI zboot kernel, which needs UEFI to unpack itself",
                      help=(help, "or take the `Image` of the kernel's build (CONFIG_EFI_ZBOOT=n)"))
    if data[0x24:0x28] == b"\x18\x28\x6f\x01":
        raise BadFile("BH0407", f"'{name}' is a zImage, a compressed kernel for 32-bit Arm",
                      help=("take the `Image` of the kernel's build",))
    if data[0x202:0x206] == b"HdrS":
        raise BadFile("BH0404", f"'{name}' is a Linux kernel for x86")
    if data[:4] == b"\x27\x05\x19\x56":
        raise BadFile("BH0407", f"'{name}' is a legacy U-Boot image (uImage)",
                      help=(f"unpack it: dumpimage -p 0 -o Image {name}",))
    if data[:4] == b"\xd0\x0d\xfe\xed":
        raise BadFile("BH0407", f"'{name}' is a device tree blob or a FIT image, not a program",
                      help=(f"list what is in it: dumpimage -l {name}",))
    if data[:2] == b"MZ":
        raise BadFile("BH0406", f"'{name}' is an EFI or Windows program without the header of a Linux kernel")
