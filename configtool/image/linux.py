# SPDX-License-Identifier: Apache-2.0
"""The Linux kernel's `Image`: a flat file with a header of 64 bytes.

Source: Linux documentation, arch/riscv/boot-image-header and arch/arm64/booting. All fields are little-endian:
text_offset at 8, image_size at 16, flags at 24, the magic of the architecture at 56.
"""
from __future__ import annotations

import struct

from ..units import size_text
from .file import LIMIT, BadFile
from .model import Image, Segment

_MAGICS = {b"RSC\x05": "riscv64", b"ARM\x64": "aarch64"}
_NAMES = {"riscv64": "RISC-V", "riscv32": "RISC-V", "aarch64": "AArch64", "armv7": "Arm"}
_ALIGN = {"riscv64": 2 << 20, "riscv32": 4 << 20, "aarch64": 2 << 20}
_BIG_ENDIAN = 1


def is_image(data: bytes) -> bool:
    return data[56:60] in _MAGICS


def parse(data: bytes, path: str, name: str, arch: str) -> Image:
    """Raises BadFile with a code of rules/images.py."""
    found = _MAGICS[data[56:60]]
    if found == "riscv64" and arch == "riscv32":
        found = arch                    # the header is the same for both word sizes
    if found != arch:
        raise BadFile("BH0404", f"'{name}' is made for another processor", label=f"a Linux kernel for {_NAMES[found]}",
                      notes=(f"the board is {arch}, the kernel is for {found}",), help=(f"build it for {arch}",))
    if len(data) < 64:
        raise BadFile("BH0405", f"'{name}' is a damaged Linux kernel: it ends inside its header")
    text_offset, image_size, flags = struct.unpack_from("<3Q", data, 8)
    if flags & _BIG_ENDIAN:
        raise BadFile("BH0404", f"'{name}' is a big-endian kernel", notes=("the board is little-endian",))
    align = _ALIGN[found]
    if found == "aarch64" and image_size == 0:
        text_offset = 0x80000           # kernels before 3.17 (arch/arm64/booting)
    image_size = max(image_size, len(data))
    if text_offset >= 1 << 30 or text_offset % 4096:
        raise BadFile("BH0405", f"'{name}' is a damaged Linux kernel: its header says text_offset {text_offset:#x}")
    if image_size > 4 * LIMIT:
        raise BadFile("BH0405", f"'{name}' is a damaged Linux kernel: its header says image_size {image_size:#x} "
                                f"({size_text(image_size)})")
    return Image(path, "linux", found, (Segment(0, data, len(data)),), 0, align, text_offset, image_size)
