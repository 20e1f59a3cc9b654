# SPDX-License-Identifier: Apache-2.0
"""Bounded reading of files that somebody else made."""
from __future__ import annotations

import os
import stat

from ..units import size_text

LIMIT = 512 << 20               # bytes of a file, unpacked, and of an image in memory


class BadFile(Exception):
    """What is wrong with a file: a registered code, a message, notes and help."""

    def __init__(self, code: str, message: str, *, label: str = "", notes: tuple[str, ...] = (),
                 help: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.label, self.notes, self.help = code, message, label, notes, help


def read(path: str, name: str) -> bytes:
    """The whole of a regular file of at most LIMIT bytes; `name` is what the user wrote.

    Never blocks on a FIFO or device, never reads more than the file's size when it was opened. Raises BadFile.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise BadFile("BH0401", f"there is no file '{name}'", label="not found", help=_near(path, name)) from None
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or "not a file name"
        raise BadFile("BH0401", f"cannot read '{name}': {reason.lower()}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadFile("BH0401", f"'{name}' is {_kind(status.st_mode)}, not a file")
        if status.st_size == 0:
            raise BadFile("BH0402", f"'{name}' is empty", help=("build it again: its last build may have failed",))
        if status.st_size > LIMIT:
            raise BadFile("BH0403", f"'{name}' is larger than an image can be",
                          notes=(f"it has {status.st_size} bytes, at most {LIMIT} ({size_text(LIMIT)}) are read",))
        data = os.read(descriptor, status.st_size)      # in one piece: joining pieces takes twice the memory
        if len(data) < status.st_size:
            pieces, left = [data], status.st_size - len(data)
            while left:
                piece = os.read(descriptor, left)
                if not piece:
                    raise BadFile("BH0401", f"'{name}' became shorter while it was read")
                pieces.append(piece)
                left -= len(piece)
            data = b"".join(pieces)
        return data
    except OSError as e:
        raise BadFile("BH0401", f"cannot read '{name}': {(e.strerror or 'input/output error').lower()}") from None
    finally:
        os.close(descriptor)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        return "a device"
    return "a socket"


def _near(path: str, name: str) -> tuple[str, ...]:
    """A file of a similar name beside it, or where a generated one would come from."""
    import difflib
    import itertools
    folder = os.path.dirname(path) or "."
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in itertools.islice(entries, 2000))
    except (OSError, ValueError):
        return (f"the folder '{os.path.dirname(name) or '.'}' does not exist either",)
    wanted = os.path.basename(path)
    # Endings are alike among images, so the rest of the name has to be, too.
    stem = os.path.splitext(wanted)[0]
    found = [other for other in difflib.get_close_matches(wanted, names, 3, 0.7)
             if difflib.SequenceMatcher(None, os.path.splitext(other)[0], stem).ratio() >= 0.7]
    if found:
        return (f"did you mean '{os.path.join(os.path.dirname(name), found[0])}'?",)
    return ("paths are relative to the YAML file; build the guest first",)
