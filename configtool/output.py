# SPDX-License-Identifier: Apache-2.0
"""Files written whole or not at all."""
from __future__ import annotations

import os
import shutil
from typing import Mapping

from .diagnostics import UsageError

MARKER = ".generated"
_ABOUT = "Written by configtool gen, which replaces this folder as a whole. Its files:\n"


def write_file(path: str, data: bytes) -> None:
    """Replace a file in one step; one that holds this already keeps its time. Raises UsageError."""
    try:
        if _holds(path, data):
            return
        temporary = f"{path}.new-{os.getpid()}"
        try:
            with open(temporary, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            _remove(temporary)
            raise
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {_reason(problem)}") from None


def write_folder(path: str, files: Mapping[str, bytes]) -> bool:
    """Make `path` a folder of exactly these files, in one rename; False when it was already.

    Files whose content stays keep their time, so that make builds nothing anew. A folder that holds anything that was
    not written here is refused. Names may have folders, with '/'. Raises UsageError; then the folder is as it was.
    """
    path = os.path.realpath(path)
    files = {**files, MARKER: (_ABOUT + "".join(f"{name}\n" for name in sorted(files))).encode()}
    try:
        there = _ours(path)
        if there == set(files) and all(_holds(os.path.join(path, name), data) for name, data in files.items()):
            return False
        parent, base = os.path.split(path)
        os.makedirs(parent, exist_ok=True)
        temporary = os.path.join(parent, f".{base}.new-{os.getpid()}")
        os.mkdir(temporary)
        try:
            for name, data in files.items():
                _place(os.path.join(temporary, name), os.path.join(path, name), data)
            _swap(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {_reason(problem)}") from None
    return True


def _ours(path: str) -> set[str]:
    """The files of a folder that was written here; empty when there is none yet."""
    if not os.path.lexists(path):
        return set()
    if not os.path.isdir(path):
        raise UsageError(f"{path} is no folder")
    there = {os.path.relpath(os.path.join(folder, name), path) for folder, _, names in os.walk(path) for name in names}
    known: set[str] = set()
    if MARKER in there:
        with open(os.path.join(path, MARKER), encoding="utf-8", errors="replace") as file:
            known = set(file.read().splitlines()[1:])
    foreign = sorted(there - known - {MARKER})
    if foreign:
        raise UsageError(f"{path} holds files that configtool did not write ({', '.join(foreign[:3])}"
                         f"{', ...' if len(foreign) > 3 else ''}); name a folder that is its own, or a new one")
    return there


def _place(new: str, old: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(new), exist_ok=True)
    if _holds(old, data):
        os.link(old, new)       # the same file: it keeps its time, and large images are not written again
        return
    with open(new, "xb") as file:
        file.write(data)


def _holds(path: str, data: bytes) -> bool:
    try:
        if os.path.islink(path) or os.stat(path).st_size != len(data):
            return False
        with open(path, "rb") as file:
            return file.read() == data
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return False


def _swap(new: str, path: str) -> None:
    """Put a folder in the place of another, which is then at the first one's."""
    if not os.path.lexists(path):
        os.rename(new, path)
    elif not _exchange(new, path):
        old = new + ".old"
        os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            os.rename(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: str, other: str) -> bool:
    """Exchange two folders in one step, where the system can: renameat2(2) with RENAME_EXCHANGE."""
    import ctypes

    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, exchange = -100, 2    # AT_FDCWD, RENAME_EXCHANGE
    return renameat2 is not None and renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _reason(problem: OSError) -> str:
    text = problem.strerror or str(problem)
    return text[:1].lower() + text[1:]
