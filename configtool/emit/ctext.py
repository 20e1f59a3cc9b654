# SPDX-License-Identifier: Apache-2.0
"""Text that is safe inside C, assembler and linker-script files."""
from __future__ import annotations

import re
from typing import Iterable

# What stands in a C string as it is. '?' does not: with -std=c11 "??/" is a trigraph (C11, 5.2.1.1).
_PLAIN = re.compile(r"[A-Za-z0-9 !#$%&'()*+,\-./:;<=>@\[\]^_`{|}~]")
WIDTH = 110


def string(text: str) -> str:
    """A C string literal of the text in UTF-8; anything unusual as a three-digit octal escape."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        out.append(char if _PLAIN.fullmatch(char) else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


# The first line of each generated text: what it is made from is the user's, what it is made of is ours.
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def comment(text: str) -> str:
    """The text as a C comment on one line. It cannot end the comment early."""
    return "/* " + _one_line(text).replace("*/", "* /").replace("/*", "/ *") + " */"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def origin(file: str, line: int) -> str:
    """`system.yaml:12`, or 'default' for what stands nowhere in the YAML."""
    return f"{file}:{line}" if line else "default"


def identifier(text: str) -> str:
    """The text in lower case with everything but letters and digits as one underscore: `rtc@101000` -> `rtc_101000`."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def rows(items: Iterable[str], indent: str = "    ") -> list[str]:
    """The items with commas, as many on a line as fit."""
    lines: list[str] = []
    line = indent
    for item in items:
        if len(line) > len(indent) and len(line) + len(item) + 1 > WIDTH:
            lines.append(line.rstrip())
            line = indent
        line += item + ", "
    if line.strip():
        lines.append(line.rstrip())
    return lines
