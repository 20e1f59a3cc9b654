# SPDX-License-Identifier: Apache-2.0
"""configtool in a process of its own, with a bound on its memory and its time."""
from __future__ import annotations

import io
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

MEMORY = 1 << 30
SECONDS = 10


def run(folder: Path, whole: bool = False) -> tuple[int | str, str]:
    """Exit code, or what ended it, and the last line of its standard error, of `configtool check`, or `gen` for the
    whole, in a child."""
    error = folder / ".stderr"
    child = os.fork()
    if child == 0:
        code = 4
        try:
            os.chdir(folder)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            signal.alarm(20 * SECONDS)      # where it waits
            with open(error, "w", encoding="utf-8", errors="backslashreplace") as stream:
                sys.stdout, sys.stderr = io.StringIO(), stream
                from configtool.cli.main import main
                what = ["gen", "--out", "generated"] if whole else ["check"]
                code = main([*what, "system.yaml", "--guests", "nowhere", "--max-errors", "0"])
        except BaseException:
            with open(error, "a", encoding="utf-8", errors="backslashreplace") as stream:
                traceback.print_exc(file=stream)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    said = error.read_text("utf-8", "replace").strip().splitlines()
    error.unlink()
    ended: int | str = os.WEXITSTATUS(status) if os.WIFEXITED(status) else signal.Signals(os.WTERMSIG(status)).name
    if ended == 3:      # the line before "configtool: this is a bug" is the exception's
        return ended, next((line for line in reversed(said) if not line.startswith("configtool:")), "")
    return ended, said[-1] if said else ""
