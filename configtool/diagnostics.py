# SPDX-License-Identifier: Apache-2.0
"""What configtool says of a mistake: one value, several renderers (configtool/render)."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Iterable

from .source import Allow, Span


@dataclass(frozen=True)
class Label:
    """A place with a short text under it."""
    span: Span
    text: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """One mistake.

    code: 'BH0231', '' of what no rule has found; severity: 'error' or 'warning' ('fault', 'panic'); message: one line, lower case, without a full stop; primary: the
    place to mend; related: other places that contradict it; notes: facts; help: what to do, with the value to write
    where there is one.
    """
    code: str
    severity: str
    message: str
    primary: Label
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


def error(code: str, message: str, span: Span, text: str = "", *, related: Iterable[Label] = (),
          notes: Iterable[str] = (), help: Iterable[str] = ()) -> Diagnostic:
    """An error, for the readers of files; a rule makes its own with rule.diagnostic()."""
    return Diagnostic(code, "error", message, Label(span, text), tuple(related), tuple(notes), tuple(help))


class ConfigError(Exception):
    """Raised where nothing further can be made of an input (a file that is no YAML). Carries its diagnostics."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


class UsageError(Exception):
    """A mistake on the command line, or a file that cannot be read or written: exit 2, message only."""


@dataclass(frozen=True)
class Policy:
    """What becomes of warnings: `errors` are promoted, `silenced` are dropped, `warnings` stay so under `werror`."""
    errors: frozenset[str] = frozenset()
    warnings: frozenset[str] = frozenset()
    silenced: frozenset[str] = frozenset()
    werror: bool = False


@dataclass
class Extension:
    """How a system came from several files by `extends:`, so that diagnostics can show both."""
    users: dict[str, Span] = field(default_factory=dict)        # base file: the `extends:` value that named it
    overrides: dict[Span, Span] = field(default_factory=dict)   # a value or key: what it took the place of


class Sink:
    """Collects diagnostics, applies the policy and the `allow` comments to warnings, and gives them back sorted, each
    once.

    `texts` holds files as they were read, for the snippets. `blocked` are codes that fired, or whose rule was left out
    because of one that did (see registry.run).
    """

    def __init__(self, policy: Policy = Policy()) -> None:
        self.policy = policy
        self.texts: dict[str, str] = {}
        self.extension = Extension()
        self.blocked: set[str] = set()
        self._found: dict[Diagnostic, None] = {}
        self._allows: dict[Allow, bool] = {}    # used or not

    def allow(self, allows: Iterable[Allow]) -> None:
        self._allows.update((allow, False) for allow in allows)

    def add(self, *diagnostics: Diagnostic) -> None:
        for diagnostic in diagnostics:
            self.blocked.add(diagnostic.code)
            if diagnostic.severity == "warning":
                if self._allowed(diagnostic) or diagnostic.code in self.policy.silenced:
                    continue
                if diagnostic.code in self.policy.errors or (
                        self.policy.werror and diagnostic.code not in self.policy.warnings):
                    diagnostic = replace(diagnostic, severity="error")
            self._found[diagnostic] = None

    def _allowed(self, diagnostic: Diagnostic) -> bool:
        places = {(label.span.file, label.span.line) for label in (diagnostic.primary, *diagnostic.related)}
        hits = [a for a in self._allows if a.code == diagnostic.code and (a.span.file, a.line) in places]
        for allow in hits:
            self._allows[allow] = True
        return bool(hits)

    def unused_allows(self) -> list[Allow]:
        return [allow for allow, used in self._allows.items() if not used]

    @property
    def has_errors(self) -> bool:
        return any(d.severity == "error" for d in self._found)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All of them, sorted by file, place and code; with both files where a value came through `extends:`."""
        found = sorted(self._found, key=lambda d: (d.primary.span, d.code, d.message))
        return [self._with_extension(d) for d in found] if self.extension.users else found

    def _with_extension(self, diagnostic: Diagnostic) -> Diagnostic:
        labels = [diagnostic.primary, *diagnostic.related]
        more = []
        for label in labels:
            base = self.extension.overrides.get(label.span)
            if base and all(base != other.span for other in labels):
                more.append(Label(base, "it takes the place of this"))
        files = {label.span.file for label in labels}
        user = self.extension.users.get(diagnostic.primary.span.file)
        while user is not None and user.file not in files:
            more.append(Label(user, "extended here"))
            user = self.extension.users.get(user.file)
        return replace(diagnostic, related=diagnostic.related + tuple(more)) if more else diagnostic
