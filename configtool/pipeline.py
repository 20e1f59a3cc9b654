# SPDX-License-Identifier: Apache-2.0
"""From the path of a system description to its plan: the phases in their order, as far as the input allows."""
from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Mapping

from .diagnostics import Diagnostic, Label, Sink, error
from .language import load_system
from .rules.registry import PHASES, RULES, Context, load, run

if TYPE_CHECKING:
    from .board.extract import Facts
    from .board.model import Board
    from .image.model import Image
    from .plan.model import Plan
    from .plan.own_tree import Places
    from .system import System

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True)
class Result:
    """As far as it went; what is missing failed, and `sink` says why."""
    sink: Sink
    system: "System | None" = None
    board: "Board | None" = None
    images: "Mapping[str, Image]" = field(default_factory=dict)
    plan: "Plan | None" = None


def analyse(path: str, until: str = "plan", sink: Sink | None = None, guests: str | None = None,
            stand_in: bool = False) -> Result:
    """Run the phases up to `until`; after a phase with errors the later ones are left out.

    Images are read even where a rule about the board failed: the two have nothing to do with each other, and the user
    sees both at once. `guests` is the folder of guests that the build made; without it the build's own place for this
    system. `stand_in`: images that are not there are made up. Raises UsageError when the description cannot be read.
    """
    from .board.dts import TreeError

    sink = sink if sink is not None else Sink()
    try:
        return _analyse(path, until, sink, guests, stand_in)
    except TreeError as problem:    # of a property that nobody needed until now
        sink.add(error("BH0805", f"the device tree cannot be read: {problem.message}", problem.span))
        return Result(sink)


def _analyse(path: str, until: str, sink: Sink, guests: str | None, stand_in: bool) -> Result:
    last = PHASES.index(until)
    system = load_system(path, sink, guests if guests is not None else built_guests(path))
    _check_allows(sink)
    if system is None or sink.has_errors or last < PHASES.index("system"):
        return Result(sink, system)
    context = Context(system)
    run("system", context, sink)
    if sink.has_errors or last < PHASES.index("board"):
        return Result(sink, system)

    from .board.load import load_board

    board = load_board(system.board, system.board_span, os.path.dirname(system.board_span.file), sink)
    if board is None or sink.has_errors:
        return Result(sink, system, board)
    context = Context(system, board)
    run("board", context, sink)
    if last < PHASES.index("image"):
        return Result(sink, system, board)

    from .image.load import load_all

    loaded: "System" = system
    made_up: "dict[str, Image]" = {}
    if stand_in:
        from .image.standin import split
        loaded, made_up = split(system)
    images = {**load_all(loaded, board.arch, sink), **made_up}
    context = Context(system, board, images)
    if not sink.has_errors and not made_up:
        run("image", context, sink)
    if sink.has_errors or last < PHASES.index("plan"):
        return Result(sink, system, board, images)

    from .plan.make import make_plan

    places: "dict[str, Places]" = {}
    plan = make_plan(system, board, images, sink, places)
    if plan is not None and not sink.has_errors:
        run("plan", Context(system, board, images, plan, _own_trees(system, plan, places)), sink)
    if not sink.has_errors:
        sink.add(*_unused(sink))
    return Result(sink, system, board, images, None if sink.has_errors else plan)


def _own_trees(system: "System", plan: "Plan", places: "dict[str, Places]") -> "dict[str, Facts]":
    """What device trees say that users had a hand in, by VM; the plan has read the files before and complained."""
    found = {}
    for vm, made in zip(system.vms, plan.vms):
        named = vm.devicetree_file or vm.devicetree_extra
        if named is None:
            continue
        from .board.extract import extract
        from .board.load import read_tree
        from .plan.own_tree import placed

        tree = placed(made.tree, named[0], places.get(vm.name, {})) if made.tree is not None else \
            read_tree(named[0], Sink(), named[1])
        if tree is not None:
            found[vm.name] = extract(tree)
    return found


def system_folder(path: str) -> str:
    """Name of a system's folder under build/: that of the description's folder, or of the file where that is not
    system.yaml.

    The Makefile has the same rule.
    """
    name = os.path.basename(path)
    if name == "system.yaml":
        return os.path.basename(os.path.dirname(os.path.abspath(path)))
    return name[:-5] if name.endswith(".yaml") else name


def build_folder(path: str) -> str:
    """Where the Makefile builds a system."""
    return os.path.relpath(os.path.join(ROOT, "build", system_folder(path)))


def built_guests(path: str) -> str:
    """Where it puts the guests that it builds for it."""
    return os.path.join(build_folder(path), "guests")


def _check_allows(sink: Sink) -> None:
    """An `allow` has to name a warning."""
    for allow in sink.unused_allows():
        rule = load().get(allow.code)
        if rule is None:
            from .schema_words import nearest
            near = nearest(allow.code, RULES)
            sink.add(error("BH0011", f"there is no rule {allow.code}", allow.span,
                           help=[f"did you mean {near[0]}?" if near else "configtool rules lists them"]))
        elif rule.severity == "error":
            sink.add(error("BH0011", f"{allow.code} is an error, and only warnings can be allowed", allow.span,
                           help=[f"mend it: configtool explain {allow.code}"]))


def _unused(sink: Sink) -> list[Diagnostic]:
    return [Diagnostic("BH0013", "warning", f"{allow.code} is allowed here, and this line gives no such warning",
                       Label(allow.span), help=("remove the comment",)) for allow in sink.unused_allows()]
