# SPDX-License-Identifier: Apache-2.0
"""The same guest on the same machine without a hypervisor."""
from __future__ import annotations

import contextlib
import struct
import tempfile
from pathlib import Path
from typing import Iterator

from boards import Board
from image import Image


@contextlib.contextmanager
def command(image: Image, board: Board) -> Iterator[list[str]]:
    """What starts the first guest by itself: the board's command, with the guest's ELF where ours was."""
    guest = image.directory / "guests/first.elf"
    words = []
    for word in image.command(3):
        for from_, to in board.swaps:
            word = word.replace(from_, to)
        words.append(word)
    kernel = words.index("-kernel")
    del words[kernel:kernel + 2]
    with tempfile.TemporaryDirectory() as directory:
        if board.is_arm:
            # QEMU hands its device tree only to a kernel with an Image header: a jump, in that form.
            jump = Path(directory) / "jump"
            jump.write_bytes(_jump(image.marks["first._start"]))
            words += ["-kernel", str(jump), "-device", f"loader,file={guest}"]
        else:
            words += ["-kernel", str(guest)]
        yield words


def _jump(entry: int) -> bytes:
    """arm64 Image (Linux, Documentation/arch/arm64/booting) that goes to `entry` and leaves x0 alone."""
    header = struct.pack("<II", 0x14000010, 0)                 # b .+64
    header += struct.pack("<QQQQQQII", 0, 4096, 0, 0, 0, 0, 0x644d5241, 0)
    body = struct.pack("<IIQ", 0x58000041, 0xd61f0020, entry)  # ldr x1, .+8; br x1
    return (header + body).ljust(4096, b"\0")
