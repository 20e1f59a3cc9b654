# SPDX-License-Identifier: Apache-2.0
"""A guest image as it has to lie in memory, whatever file format it came from."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """Bytes at a place. ELF: `at` is the IPA (p_paddr); Linux and raw: the offset from where the image is put."""
    at: int
    data: bytes
    size: int                       # in memory; what exceeds len(data) is zeros (bss)
    access: str = "rwx"             # what the program needs of it: 'r', 'rw', 'rx', 'rwx'

    @property
    def end(self) -> int:
        return self.at + self.size


@dataclass(frozen=True)
class Image:
    path: str                       # of the file
    kind: str                       # 'elf', 'linux' or 'raw'
    arch: str                       # 'riscv64', ...; '' where the file does not say
    segments: tuple[Segment, ...]   # by ascending address, no overlap
    entry: int                      # ELF: IPA; Linux and raw: offset
    align: int = 1                  # Linux: it lies text_offset above a multiple of this
    text_offset: int = 0            # Linux
    reserve: int = 0                # bytes from its start that it uses (Linux: image_size, bss included)
    packing: str = ""               # 'gzip' when the file was compressed
    isa: tuple[str, ...] = ()       # RISC-V ELF: the extensions that it was built for, as far as the file says

    @property
    def start(self) -> int:
        return self.segments[0].at

    @property
    def size(self) -> int:
        """Bytes from its first to its last, what it reserves included."""
        return max(self.segments[-1].end - self.start, self.reserve)
