# SPDX-License-Identifier: Apache-2.0
"""Which command, and what becomes of exceptions.

Exit codes: 0 clean; 1 the description is wrong; 2 wrong usage, or a file that cannot be read or written; 3 a bug of
ours.
"""
from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn, Sequence, TextIO

COMMANDS = {
    "check": "check a system description",
    "plan": "show what was decided for a system",
    "gen": "generate the configuration, tables and device trees of a system",
    "header": "write the C header of a VM, also before its guest is built",
    "overlay": "write a devicetree overlay of a VM for Zephyr",
    "run": "build a system and start it as its board says",
    "debug": "print the gdb commands for a VM",
    "package": "write a built image in the forms that boot loaders and flash programmers take",
    "scatter": "put the pages of a linked image with cache colors where they belong",
    "verify": "show from the finished image that its VMs are isolated",
    "free": "show what of the board nobody has",
    "explain-fault": "explain the faults in a console log",
    "explain": "explain a code, such as BH0206",
    "rules": "list all rules",
    "board": "show or import a board",
}
_MODULES = {"plan": "plan_command", "board": "board_command", "explain-fault": "explain_fault"}


def run() -> NoReturn:
    """The program: sets up the streams, and leaves with the exit code."""
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()     # closed by who started us
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:     # the reader of our output went away
        code = 0
    except KeyboardInterrupt:
        code = 130
    except OSError as problem:
        code = 2
        try:
            print(f"configtool: cannot write the output: {(problem.strerror or str(problem)).lower()}", file=sys.stderr,
                  flush=True)
        except OSError:
            pass                # there is nobody left to tell
    _drop(sys.stdout)
    _drop(sys.stderr)
    sys.exit(code)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _drop(stream: TextIO) -> None:
    """What cannot be written goes nowhere: Python would try once more at its end, and complain."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(arguments: Sequence[str]) -> int:
    from ..diagnostics import UsageError

    try:
        return _dispatch(list(arguments))
    except UsageError as mistake:
        print(f"configtool: {mistake}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except MemoryError:
        print("configtool: there is not enough memory for this description and its files", file=sys.stderr)
        return 2
    except OSError as problem:
        if problem.filename is None and problem.errno in (errno.ENOSPC, errno.EIO, errno.EBADF):
            raise           # of standard output; files are written and read with messages of their own
        return _bug()
    except Exception:
        return _bug()


def _bug() -> int:
    import traceback

    traceback.print_exc()
    print("configtool: this is a bug of configtool, not a mistake of yours. Please report it with the lines above "
          "and the "
          "description.", file=sys.stderr)
    return 3


def _dispatch(arguments: list[str]) -> int:
    from importlib import import_module

    first = arguments[0] if arguments else None
    if first in ("-h", "--help", "help", None):
        print(_help(), end="", file=sys.stdout if first else sys.stderr)
        return 0 if first else 2
    if first == "--version":
        from .. import __version__
        print(f"configtool {__version__}")
        return 0
    assert first is not None
    if first not in COMMANDS:
        from difflib import get_close_matches
        from ..diagnostics import UsageError
        if os.path.exists(first):
            raise UsageError(f"no command given; to check a description: configtool check {first}")
        near = get_close_matches(first, COMMANDS, 1)
        raise UsageError(f"there is no command '{first}'; " + (f"did you mean '{near[0]}'?" if near else
                                                              f"commands: {', '.join(COMMANDS)}"))
    module = import_module(f"{__package__}.{_MODULES.get(first, first)}")
    return int(module.main(arguments[1:]))


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name.ljust(width)}  {text}" for name, text in COMMANDS.items())
    return f"""usage: configtool COMMAND [ARGUMENTS]

Turns one YAML description of a mixed-criticality system into everything that Bulkhead boots with.

{commands}

configtool COMMAND --help shows the arguments of a command.
Exit codes: 0 clean, 1 the description is wrong, 2 usage or files, 3 a bug of configtool.
"""
