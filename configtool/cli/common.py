# SPDX-License-Identifier: Apache-2.0
"""What the commands share: arguments about diagnostics, and their output."""
from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, TextIO

from ..diagnostics import Policy, Sink, UsageError

if TYPE_CHECKING:
    from ..rules.registry import Rule

MAX_ERRORS = 20


def parser(command: str, description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=f"configtool {command}", description=description, allow_abbrev=False)
    return made


def add_system(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", metavar="FILE", help="the system description")
    made.add_argument("--guests", metavar="DIR", help="where images are looked for that do not lie beside FILE "
                      "(default: the "
                      "guests that make builds for it)")
    group = made.add_argument_group("warnings and errors")
    group.add_argument("-W", dest="warn", metavar="CODE", action="append", default=[],
                       help="keep the warning CODE a warning under --werror; no-CODE silences it")
    group.add_argument("-E", dest="promote", metavar="CODE", action="append", default=[],
                       help="make the warning CODE an error")
    group.add_argument("--werror", action="store_true", help="make all warnings errors")
    group.add_argument("--max-errors", metavar="N", type=_count, default=None,
                       help=f"show at most N errors; 0 shows all (default: {MAX_ERRORS} for people, all for programs)")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                       help="colour in messages (default: auto: on a terminal, unless NO_COLOR is set)")


def _count(text: str) -> int:
    if not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"'{text}' is no count")
    return int(text)


def make_sink(arguments: argparse.Namespace) -> Sink:
    """A sink with the policy of the command line. Raises UsageError for an unknown code, or an error's."""
    promoted, kept, silenced = set(), set(), set()
    for code in arguments.promote:
        promoted.add(_warning(code, "-E"))
    for code in arguments.warn:
        if code.lower().startswith("no-"):
            silenced.add(_warning(code[3:], "-W no-"))
        else:
            kept.add(_warning(code, "-W"))
    return Sink(Policy(frozenset(promoted), frozenset(kept), frozenset(silenced), arguments.werror))


def _warning(code: str, option: str) -> str:
    rule = find_rule(code)
    if rule.severity == "error" and option != "-E":
        raise UsageError(f"{option}{code}: {rule.code} is an error; only warnings can be changed")
    return rule.code


def find_rule(code: str) -> "Rule":
    """A rule by its code, in any case and without its zeros. Raises UsageError with the nearest."""
    import re

    from ..rules.registry import load

    rules = load()
    found = re.fullmatch(r"(?:BH)?0*([0-9]{1,4})", code.strip(), re.IGNORECASE)
    exact = f"BH{int(found.group(1)):04}" if found else code
    if exact in rules:
        return rules[exact]
    from difflib import get_close_matches
    near = get_close_matches(exact, rules, 3)
    raise UsageError(f"there is no rule '{code}'; " + (f"near it: {', '.join(near)}" if near
                                                       else "configtool rules lists them"))


def report(sink: Sink, arguments: argparse.Namespace, format_: str = "text") -> int:
    """Print the diagnostics: text to stderr, the formats for programs to stdout. Gives the exit code."""
    from ..render import machine
    from ..render.text import Renderer

    found = sink.diagnostics
    if format_ == "json":
        sys.stdout.write(machine.to_json(found))
    elif format_ == "sarif":
        from ..rules.registry import load
        sys.stdout.write(machine.to_sarif(found, load()))
    elif format_ == "github":
        sys.stdout.write(machine.to_github(found))
    elif found:
        limit = MAX_ERRORS if arguments.max_errors is None else arguments.max_errors
        sys.stderr.write(Renderer(sink.texts, color(arguments.color, sys.stderr)).render(found, limit))
    return 1 if sink.has_errors else 0


def color(choice: str, stream: TextIO) -> bool:
    """Whether to colour what goes to a stream."""
    if choice == "auto":
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"
