# SPDX-License-Identifier: Apache-2.0
"""The shell of a Linux guest with the initramfs of tests/linux, on a console that VMs share."""
from __future__ import annotations

import re

from harness import Console

PROMPT = "[linux] guest# "
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Shell:
    def __init__(self, console: Console) -> None:
        """Waits for the first prompt."""
        self.console = console
        self.ready = console.expect(re.compile(r"\[linux\] bulkhead-guest: ready, (\d+) cpus, (\d+) kB\n"), timeout=90)
        console.expect(PROMPT)

    def run(self, command: str, timeout: float = 30.0) -> list[str]:
        """The lines that a command prints. It is typed at once, and the virtual UART holds 64 characters."""
        assert len(command) < 64, command
        start = len(self.console.output)
        self.console.send(command + "\n")
        self.console.expect(PROMPT, timeout)
        lines = [line for line in self.console.output[start:].split("\n") if line.startswith("[linux] ")]
        plain = [_ESCAPES.sub("", line[len("[linux] "):]) for line in lines]
        return [line for line in plain if line != command and not line.startswith("guest# ")]
