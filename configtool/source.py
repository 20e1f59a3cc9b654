# SPDX-License-Identifier: Apache-2.0
"""Files with positions: where a piece of text stands."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """A piece of a file. Lines and columns count from 1; the end is exclusive. Line 0: the file as a whole."""
    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
