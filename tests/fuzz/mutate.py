# SPDX-License-Identifier: Apache-2.0
"""Damage to files, by a random generator that the caller seeds."""
from __future__ import annotations

import random
import re

_NUMBERS = (0, 1, 2, 3, 7, 8, 16, 0x7F, 0x80, 0xFF, 0x100, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFF_FFFF,
            0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
            0xFFFF_FFFF_FFFF_FFFF,
            0xFFFF_FFFF_FFFF_F000)


def binary(data: bytes, r: random.Random, other: bytes = b"") -> bytes:
    """One to eight changes: bits, wild numbers in either byte order, pieces cut out, doubled, or taken from `other`."""
    made = bytearray(data)
    for _ in range(r.choice((1, 1, 1, 2, 3, 8))):
        if not made:
            return bytes(made)
        # Headers stand at the start, and most of what is read of a file is there.
        at = r.randrange(min(len(made), r.choice((64, 256, 4096, len(made)))))
        kind = r.randrange(8)
        if kind == 0:
            made[at] ^= 1 << r.randrange(8)
        elif kind <= 3:
            width = r.choice((1, 2, 4, 8))
            at -= at % width
            number = r.choice(_NUMBERS) + r.choice((0, 0, 1, -1))
            order = r.choice(("little", "big"))
            made[at:at + width] = (number & (1 << 8 * width) - 1).to_bytes(width, order)    # type: ignore[arg-type]
        elif kind == 4:
            del made[at:]
        elif kind == 5:
            del made[at:at + r.choice((1, 4, 16, 256))]
        elif kind == 6:
            piece = made[at:at + r.choice((1, 4, 16, 256))]
            made[at:at] = piece * r.choice((1, 2, 50))
        else:
            source = other or bytes(r.randrange(256) for _ in range(64))
            start = r.randrange(len(source))
            made[at:at] = source[start:start + r.choice((1, 8, 64))]
    return bytes(made)


_WORDS = ("", "~", "true", "[]", "{}", "0", "-1", "1", "07", "0x", "0xffffffffffffffff", "0x10000000000000000", "1e400",
          ".nan", "1" * 50, "4KiB", "1KiB", "3KiB", "999999999999GiB", "0KiB", "16MB", "10us", "99999999s", "identity",
          "none", "virtual", "generated", "on", "*a", "&a", "!!int 3", "|", ">-", "'", '"', '"\\u0000"', "\t", "\0",
          "\x85",
          "\u2028", "\ufeff", "\U0001f525", "\udcff", "# bulkhead: allow BH0310 because x", "<<", "?", "- ", ": ",
          "...", "---", "%YAML 9",
          "a" * 300, "[" * 60, "{a: " * 60, "../../../../etc/passwd", "/dev/zero", ".", "/", "cpu@0", "/cpus/cpu@1",
          "rtc@101000", "plic", "serial0", "/soc", "/", "//", "hello", "system.yaml", "guest.elf", "Image", "blob.bin",
          "{rest: true}", "restart", "halt-system", "{size: 4KiB, between: [hello, hello]}", "null", "&b [*b]", "*b")


def text(data: str, r: random.Random) -> bytes:
    """One to six changes to a text of lines and words: tokens replaced, lines doubled, moved, indented, cut."""
    made = data
    for _ in range(r.choice((1, 1, 2, 3, 6))):
        lines = made.split("\n")
        at = r.randrange(len(lines))
        kind = r.randrange(9)
        tokens = list(re.finditer(r"[^\s{}\[\],:#;<>=&\"]+", made))
        if kind <= 3 and tokens:
            token = r.choice(tokens)
            made = made[:token.start()] + r.choice(_WORDS) + made[token.end():]
            continue
        if kind == 4 and len(tokens) > 1:
            one, other = r.sample(tokens, 2)
            made = made[:one.start()] + other.group() + made[one.end():]
            continue
        if kind == 5:
            lines.insert(r.randrange(len(lines) + 1), lines[at])
        elif kind == 6:
            del lines[at]
        elif kind == 7:
            lines[at] = r.choice((" ", "  ", "\t", "- ", "")) + lines[at].strip()
        else:
            where = r.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:where] + r.choice(_WORDS) + lines[at][where:]
        made = "\n".join(lines)
    return made.encode("utf-8", "surrogateescape")
