# SPDX-License-Identifier: Apache-2.0
"""Which instructions a RISC-V program was built for, by what its ELF file says of it.

Sources: RISC-V ELF psABI specification, "Attributes" (section .riscv.attributes of type SHT_RISCV_ATTRIBUTES) and "File
Header" (e_flags). A program may hold instructions that it runs only where it finds them; the attributes do not have
those. What cannot be read of it says nothing: the file loads without.
"""
from __future__ import annotations

import re
import struct

_ATTRIBUTES = 0x7000_0003       # sh_type
_SECTIONS = 4096                # more than any linker script makes
_FILE, _ARCH = 1, 5             # Tag_file, Tag_RISCV_arch
_RVC, _FLOAT, _SINGLE, _DOUBLE, _QUAD = 1, 6, 2, 4, 6


def extensions(data: bytes, bits: int, sections: int, entry_size: int, count: int, flags: int) -> tuple[str, ...]:
    """Lower-case extensions in the file's order: ('i', 'm', 'a', 'c', 'zicsr'). `sections`: e_shoff."""
    form = struct.Struct("<IIQQQQ" if bits == 64 else "<IIIIII")
    if entry_size >= form.size and count <= _SECTIONS and sections + count * entry_size <= len(data):
        for i in range(count):
            _, kind, _, _, offset, size = form.unpack_from(data, sections + i * entry_size)
            if kind == _ATTRIBUTES and offset + size <= len(data):
                found = re.match(r"rv(?:32|64)([a-z0-9_]+)\Z", _arch(data[offset:offset + size]))
                return _names(found.group(1)) if found else ()
    return _of_flags(flags)


def _of_flags(flags: int) -> tuple[str, ...]:
    floats = {_SINGLE: ("f",), _DOUBLE: ("f", "d"), _QUAD: ("f", "d", "q")}.get(flags & _FLOAT, ())
    return floats + (("c",) if flags & _RVC else ())


def _names(text: str) -> tuple[str, ...]:
    """Of 'i2p1_m2p0_zicsr2p0' and of 'imac_zicsr'."""
    found: list[str] = []
    for part in text.split("_"):
        name = re.sub(r"[0-9]+p[0-9]+\Z", "", part)
        # Letters may stand together, each with a version or without: 'i2p0m2p0a2p0'.
        found += [name] if name[:1] in "zsx" and len(name) > 1 else re.findall(r"[a-z]",
                                                                               re.sub(r"[0-9]+p[0-9]+", "", part))
    return tuple(dict.fromkeys(found))


def _arch(section: bytes) -> str:
    """Tag_RISCV_arch of the section's file attributes, '' where it has none."""
    if section[:1] != b"A":
        return ""
    at = 1
    while at + 4 < len(section):
        length = int.from_bytes(section[at:at + 4], "little")
        vendor, _, rest = section[at + 4:at + length].partition(b"\0")
        if vendor == b"riscv":
            return _tag(rest)
        at += max(length, 5)
    return ""


def _tag(part: bytes) -> str:
    at = 0
    while at + 5 <= len(part):
        tag, length = part[at], int.from_bytes(part[at + 1:at + 5], "little")
        if tag == _FILE:
            return _attribute(part[at + 5:at + length])
        at += max(length, 5)
    return ""


def _attribute(attributes: bytes) -> str:
    """A tag that is odd has a string, another a number."""
    at = 0
    while at < len(attributes):
        tag, at = _uleb128(attributes, at)
        if tag % 2 == 0:
            _, at = _uleb128(attributes, at)
            continue
        end = attributes.find(b"\0", at)
        if end < 0:
            return ""
        if tag == _ARCH:
            return attributes[at:end].decode("ascii", "replace")
        at = end + 1
    return ""


def _uleb128(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            break
    return value, at
