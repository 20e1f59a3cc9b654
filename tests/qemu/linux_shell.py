# SPDX-License-Identifier: Apache-2.0
"""The shell of a Linux guest with the initramfs of tests/linux, on a console that VMs share."""
from __future__ import annotations

import re

from harness import Console

PROMPT = "[linux] guest# "
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Shell:
    def __init__(self, console: Console, label: str = "[linux] ") -> None:
        """Waits for the first prompt. `label`: before each line; none where Linux has the UART itself."""
        self.console = console
        self.label = label
        ready = re.compile(re.escape(label) + r"bulkhead-guest: ready, (\d+) cpus, (\d+) kB\n")
        self.ready = console.expect(ready, timeout=90)
        console.expect(label + "guest# ")

    def run(self, command: str, timeout: float = 30.0) -> list[str]:
        """The lines that a command prints. It is typed at once, and the virtual UART holds 64 characters."""
        assert len(command) < 64, command
        start = len(self.console.output)
        self.console.send(command + "\n")
        self.console.expect(f"{self.label}guest# ", timeout)
        lines = [line for line in self.console.output[start:].split("\n") if line.startswith(self.label)]
        plain = [_ESCAPES.sub("", line[len(self.label):]) for line in lines]
        return [line for line in plain if line != command and not line.startswith("guest# ")]
