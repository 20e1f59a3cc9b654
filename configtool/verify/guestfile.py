# SPDX-License-Identifier: Apache-2.0
"""Guest images loaded afresh from their files: what has to lie in the guest's memory, and where.

Sources: System V ABI, "Program Header" (ELF); Linux documentation, arch/riscv/boot-image-header and arch/arm64/booting;
RFC 1952 (gzip).
"""
from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

from ..source import Unreadable, read_file

_LARGEST = 1 << 30              # bytes of a file, and of what it unpacks to
_LINUX = {b"RSC\x05": 2 << 20, b"ARM\x64": 2 << 20}     # magic at 56 -> alignment


class BadGuest(Exception):
    """The file cannot be loaded; the text says why and follows its name."""


@dataclass(frozen=True)
class Load:
    """Bytes that lie at an IPA, or at an offset from where the image is put."""
    at: int
    data: bytes
    size: int                   # in memory; zeros behind data

    @property
    def end(self) -> int:
        return self.at + self.size


@dataclass(frozen=True)
class GuestFile:
    kind: str                   # 'elf', 'linux', 'raw'
    loads: tuple[Load, ...]
    entry: int                  # ELF: IPA; else offset 0
    sha256: str                 # of the file
    align: int = 1              # Linux: it lies text_offset above a multiple of this
    text_offset: int = 0
    reserve: int = 0            # Linux: image_size


def load(path: str, raw: bool = False) -> GuestFile:
    """Raises BadGuest. `raw`: the bytes as they are, as of an initrd."""
    try:
        data = read_file(path, _LARGEST)
    except Unreadable as reason:
        raise BadGuest(str(reason)) from None
    digest = hashlib.sha256(data).hexdigest()
    if raw:
        return GuestFile("raw", (Load(0, data, len(data)),), 0, digest)
    if data[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, _LARGEST)
        except zlib.error as error:
            raise BadGuest(f"it is a damaged gzip file: {error}") from None
        if not unpacker.eof:
            raise BadGuest("it is a gzip file that is cut off, or too large")
    if data[:4] == b"\x7fELF":
        return _elf(data, digest)
    if len(data) >= 64 and data[56:60] in _LINUX:
        text_offset, image_size = struct.unpack_from("<2Q", data, 8)
        return GuestFile("linux", (Load(0, data, len(data)),), 0, digest, _LINUX[data[56:60]], text_offset,
                         max(image_size, len(data)))
    return GuestFile("raw", (Load(0, data, len(data)),), 0, digest)


def _elf(data: bytes, digest: str) -> GuestFile:
    try:
        wide = data[4] == 2
        entry, table = struct.unpack_from("<QQ" if wide else "<II", data, 24)
        step, count = struct.unpack_from("<HH", data, 54 if wide else 42)
        loads, offset_of_entry = [], 0
        for i in range(count):
            at = table + i * step
            if wide:
                sort, _, offset, virtual, physical, in_file, in_memory = struct.unpack_from("<IIQQQQQ", data, at)
            else:
                sort, offset, virtual, physical, in_file, in_memory = struct.unpack_from("<6I", data, at)
            if sort != 1 or not in_memory:
                continue
            if offset + in_file > len(data) or in_file > in_memory:
                raise BadGuest("it is a damaged ELF file: a segment lies outside it")
            loads.append(Load(physical, data[offset:offset + in_file], in_memory))
            if virtual <= entry < virtual + in_memory and not offset_of_entry:
                offset_of_entry = physical - virtual
    except (struct.error, IndexError):
        raise BadGuest("it is a damaged ELF file") from None
    if not loads:
        raise BadGuest("it is an ELF file with nothing to load")
    return GuestFile("elf", tuple(sorted(loads, key=lambda x: x.at)), entry + offset_of_entry, digest)
