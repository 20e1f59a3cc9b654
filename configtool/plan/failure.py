# SPDX-License-Identifier: Apache-2.0
"""How a step of the plan says that it cannot go on."""
from __future__ import annotations

from typing import Iterable

from ..diagnostics import Diagnostic, Label
from ..source import Span


class InternalError(AssertionError):
    """The plan contradicts itself: a bug of configtool."""


class Problems:
    """Diagnostics of one attempt at a plan, each once."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def report(self, code: str, message: str, span: Span, text: str = "", *, related: Iterable[Label] = (),
               notes: Iterable[str] = (), help: Iterable[str] = ()) -> None:
        from ..rules.registry import load
        made = load()[code].diagnostic(message, span, text, related=related, notes=notes, help=help)
        if made not in self.found:
            self.found.append(made)

    def add(self, *diagnostics: Diagnostic) -> None:
        """As of a Sink: readers of files report here too."""
        self.found += [d for d in diagnostics if d not in self.found]

    @property
    def fatal(self) -> bool:
        return any(d.severity == "error" for d in self.found)
