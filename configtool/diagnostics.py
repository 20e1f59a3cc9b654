# SPDX-License-Identifier: Apache-2.0
"""What configtool says of a mistake: one value, several renderers."""
from __future__ import annotations

from dataclasses import dataclass

from .source import Span


@dataclass(frozen=True)
class Label:
    """A place with a short text under it."""
    span: Span
    text: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """One mistake.

    code: 'BH0231'; severity: 'error' or 'warning'; message: one line, lower case, without a full stop; primary: the place to
    mend; related: other places that contradict it; notes: facts; help: what to do, with the value to write where there is
    one.
    """
    code: str
    severity: str
    message: str
    primary: Label
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


class ConfigError(Exception):
    """Raised where nothing further can be made of an input (a file that is no YAML). Carries its diagnostics."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class UsageError(Exception):
    """A mistake on the command line, or a file that cannot be read or written: exit 2, message only."""
