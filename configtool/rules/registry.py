# SPDX-License-Identifier: Apache-2.0
"""Rules: each is a function with a code. See docs/internals/architecture.md for the phases."""
from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping

from ..diagnostics import Diagnostic, Label, Sink
from ..source import Span

if TYPE_CHECKING:
    from ..board.extract import Facts
    from ..board.model import Board
    from ..image.model import Image
    from ..plan.model import Plan
    from ..system import System

MOST = 1000     # findings of one rule; nobody reads more, and each may take a search for the nearest name
PHASES = ("source", "schema", "system", "board", "image", "plan")


@dataclass(frozen=True)
class Context:
    """What a rule may read. A rule of phase 'system' finds board, images and plan None, and so on."""
    system: "System"
    board: "Board | None" = None
    images: "Mapping[str, Image]" = field(default_factory=dict)   # by resolved path; only those that loaded
    plan: "Plan | None" = None
    trees: "Mapping[str, Facts]" = field(default_factory=dict)    # device trees that users had a hand in, by VM
    known: "dict[str, Any]" = field(default_factory=dict, compare=False, repr=False)   # what rules share, made once


@dataclass(frozen=True)
class Rule:
    code: str
    severity: str           # 'error' or 'warning'
    phase: str
    title: str              # a few words: 'device assigned to two VMs'
    explain: str            # paragraphs: what it means, why it matters, how to mend it
    fails: str              # a system.yaml that shows it (or a fragment: see tests/configtool/test_rules.py)
    passes: str             # the same, mended
    check: Callable[[Context], Iterable[Diagnostic]] | None   # None: reported by the reader itself
    needs: tuple[str, ...] = ()     # codes that must not have fired, or this one says the same again

    def diagnostic(self, message: str, span: Span, text: str = "", *, related: Iterable[Label] = (),
                   notes: Iterable[str] = (), help: Iterable[str] = ()) -> Diagnostic:
        return Diagnostic(self.code, self.severity, message, Label(span, text), tuple(related), tuple(notes),
                          tuple(help))


RULES: dict[str, Rule] = {}


def register(rule: Rule) -> Rule:
    if rule.code in RULES:
        raise AssertionError(f"{rule.code} stands twice")
    RULES[rule.code] = rule
    return rule


def reported(code: str, title: str, *, phase: str, explain: str, fails: str, passes: str,
             severity: str = "error") -> Rule:
    """Register a code that a reader reports itself, so that it can be explained and is in the catalogue."""
    return register(Rule(code, severity, phase, title, explain, fails, passes, None))


def rule(code: str, title: str, *, phase: str, explain: str, fails: str, passes: str, severity: str = "error",
         needs: tuple[str, ...] = ()) -> Callable[[Callable[..., Iterable[Diagnostic]]], Rule]:
    """Register a rule. The function takes (rule, context) and yields diagnostics, made with rule.diagnostic()."""

    def wrap(function: Callable[..., Iterable[Diagnostic]]) -> Rule:
        made: Rule

        def check(context: Context) -> Iterable[Diagnostic]:
            return function(made, context)

        made = register(Rule(code, severity, phase, title, explain, fails, passes, check, needs))
        return made

    return wrap


def load() -> Mapping[str, Rule]:
    """All rules of Bulkhead by code, in the order of their codes."""
    from importlib import import_module

    from . import MODULES

    for module in MODULES:
        import_module(f"{__package__}.{module}")
    return dict(sorted(RULES.items()))


def run(phase: str, context: Context, sink: Sink) -> None:
    """Run the rules of a phase. A rule is left out where one that it needs has fired, or was left out itself."""
    waiting = [made for made in load().values() if made.phase == phase and made.check is not None]
    while waiting:
        names = {made.code for made in waiting}
        ready = [made for made in waiting if not names.intersection(made.needs)]
        if not ready:
            raise AssertionError(f"rules that need one another: {', '.join(sorted(names))}")
        for made in ready:
            if sink.blocked.intersection(made.needs):
                sink.blocked.add(made.code)
            else:
                sink.add(*islice(made.check(context), MOST))     # type: ignore[misc]
        waiting = [made for made in waiting if made not in ready]
