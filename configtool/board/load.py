# SPDX-License-Identifier: Apache-2.0
"""A board by name or path: its device tree and board.yaml into a `Board`, or diagnostics.

A name stands for a folder of boards/. A path leads to a folder with board.yaml and board.dts or board.dtb, to its
board.yaml, or to a .dts or .dtb with a board.yaml beside it.
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..diagnostics import ConfigError, Diagnostic, Label, error
from ..source import Mapping, Node, Scalar, Sequence, Span, Unreadable, read_file
from .bandwidth import read_bandwidth
from .caches import read_described
from .clocks import read_clocks
from .dtb import MAX_BYTES, DtbError, read_dtb
from .dtc import DtcError, read_dts
from .dts import DeviceTree
from .extract import Facts, extract
from .model import Board, MemoryBank, Reserved

if TYPE_CHECKING:
    from ..diagnostics import Sink

BOARDS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "boards")
TREES = ("board.dts", "board.dtb")


def board_names() -> list[str]:
    """The boards that come with Bulkhead."""
    try:
        return sorted(n for n in os.listdir(BOARDS) if os.path.isfile(os.path.join(BOARDS, n, "board.yaml")))
    except OSError:
        return []


def shown(path: str) -> str:
    """A path as messages show it: relative where it lies below the current folder."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def load_board(name_or_path: str, span: Span, relative_to: str, sink: "Sink") -> Board | None:
    """`span` is where the board is named; `relative_to` the folder that a relative path starts from ('' is the current
    one). None, with the reasons in the sink, where there is no such board or something is wrong with it."""
    found = _locate(name_or_path, span, relative_to, sink)
    if found is None:
        return None
    name, directory, tree_path = found
    settings = _read_yaml(os.path.join(directory, "board.yaml"), sink)
    tree = read_tree(tree_path, sink, span)
    if settings is None or tree is None:
        return None
    return make_board(name, directory, settings, extract(tree), sink)


def _locate(name: str, span: Span, relative_to: str, sink: "Sink") -> tuple[str, str, str] | None:
    """(name, folder, device tree)."""
    is_path = "/" in name or name in (".", "..") or name.endswith((".dts", ".dtb", ".yaml"))
    path = os.path.normpath(os.path.join(relative_to, name)) if is_path else shown(os.path.join(BOARDS, name))
    if name.endswith("board.yaml"):
        path = os.path.dirname(path) or "."
    if is_path and name.endswith((".dts", ".dtb")) and not os.path.isdir(path):
        directory, tree = os.path.dirname(path), path
        if not os.path.lexists(tree):
            sink.add(error("BH0801", f"there is no file {tree}", span, "named here",
                           help=["a path is relative to the folder of the file that names it"]))
            return None
        board = os.path.basename(tree).rpartition(".")[0]
        if board == "board":
            board = os.path.basename(os.path.abspath(directory))
    else:
        directory, board = path, os.path.basename(os.path.abspath(path))
        if "\0" in name or not os.path.isdir(path):
            sink.add(_no_board(name, path, is_path, span))
            return None
        tree = next((t for t in (os.path.join(directory, f) for f in TREES) if os.path.lexists(t)), "")
        if not tree:
            sink.add(error("BH0802", f"the board '{board}' has no device tree", span, "named here",
                           help=[f"put board.dts or board.dtb into {directory}"]))
            return None
    if not os.path.lexists(os.path.join(directory, "board.yaml")):
        sink.add(error("BH0807", f"there is no board.yaml beside {tree}", span, "named here",
                       notes=["a device tree does not say where the image is loaded, nor where firmware lives"],
                       help=[f"make a board of it: configtool board import {tree} -o DIR"]))
        return None
    return board, directory, tree


def _no_board(name: str, path: str, is_path: bool, span: Span) -> Diagnostic:
    from difflib import get_close_matches

    if is_path:
        return error("BH0801", f"there is no board folder {path}", span, "named here",
                     help=["a path is relative to the folder of the file that names it"])
    names = board_names()
    near = get_close_matches(name, names, 1)
    return error("BH0801", f"there is no board '{name}'", span, "named here", help=[
        *([f"did you mean {near[0]}?"] if near else [f"boards that there are: {', '.join(names)}"]),
        "a board of your own is given by a path: ./my-board, or made by configtool board import"])


def read_tree(path: str, sink: "Sink", named_at: Span) -> DeviceTree | None:
    """The device tree of a .dts or .dtb, told apart by their first bytes."""
    try:
        data = read_file(path, MAX_BYTES)
        if data[:4] == b"\xd0\x0d\xfe\xed":
            return read_dtb(data, path)
        if path.endswith(".dtb"):
            raise DtbError("the file is empty" if not data else
                           f"it starts with {data[:4].hex()}, and a compiled device tree with d00dfeed")
        return _read_source(path, data, sink)
    except Unreadable as reason:
        sink.add(error("BH0802", f"cannot read {path}: {reason}", named_at, "named here"))
    except DtbError as reason:
        sink.add(error("BH0804", f"{path} is no device tree that can be read", named_at, "named here",
                       notes=[str(reason)]))
    return None


def _read_source(path: str, data: bytes, sink: "Sink") -> DeviceTree | None:
    try:
        return read_dts(path)
    except FileNotFoundError:
        sink.add(error("BH0802", f"cannot read {path}: there is no program dtc", Span(path),
                       help=["install the package device-tree-compiler"]))
    except DtcError as problem:
        lines = enumerate(data.split(b"\n"), 1)
        preprocessor = next((number for number, line in lines if line.lstrip().startswith(b"#include")), 0)
        if preprocessor:
            sink.add(error("BH0803", "this source wants the C preprocessor",
                           Span(path, preprocessor, 1, preprocessor, 9),
                           help=["give the .dtb that the kernel's or U-Boot's build made of it, or preprocess it: "
                                 f"cpp -nostdinc -undef -x assembler-with-cpp -I INCLUDES {path}"]))
            return None
        for place, text in problem.complaints:
            sink.add(error("BH0803", f"the device tree does not compile: {text}", place))
    return None


def _read_yaml(path: str, sink: "Sink") -> Mapping | None:
    from ..schema import validate
    from ..yaml_nodes import read_document

    try:
        document = read_document(path)
    except Unreadable as reason:
        sink.add(error("BH0802", f"cannot read {path}: {reason}", Span(path)))
        return None
    except ConfigError as problem:
        sink.add(*problem.diagnostics)
        return None
    sink.texts[path] = document.text
    sink.allow(document.allows)
    wrong = validate(document.root, "board.schema.json")
    sink.add(*wrong)
    return None if wrong else document.root


def _text(root: Mapping, key: str, default: str = "") -> str:
    node = root.get(key)
    return str(node.value) if isinstance(node, Scalar) else default


def _entries(root: Mapping, key: str) -> list[Mapping]:
    node = root.get(key)
    return [item for item in node.items if isinstance(item, Mapping)] if isinstance(node, Sequence) else []


def _range(entry: Mapping, what: str, sink: "Sink") -> tuple[int, int, Span]:
    """(base, size, place) of an entry with `at` and `size`."""
    from ..units import size

    at, length = entry.get("at"), entry.get("size")
    assert isinstance(at, Scalar) and isinstance(length, Scalar)
    base, count = int(at.value), size(length.text)      # type: ignore[arg-type]
    if base % 4096:
        sink.add(error("BH0810", f"the address of {what} is not whole pages of 4KiB", at.span,
                       help=[f"write {base & ~4095:#x}"]))
    if count % 4096:
        sink.add(error("BH0810", f"the size of {what} is not whole pages of 4KiB", length.span,
                       help=[f"write {(count + 4095) // 4096 * 4}KiB"]))
    if base + count > 1 << 64:
        sink.add(error("BH0810", f"{what} exceeds 64 bits", entry.span))
    return base, count, entry.span


def make_board(name: str, directory: str, root: Mapping, facts: Facts, sink: "Sink") -> Board | None:
    """The board of a checked board.yaml and what its tree says; None where something is wrong."""
    from .suit import unsuitable

    yaml = root.span.file
    load = root.get("load")
    assert isinstance(load, Scalar)
    memory = facts.memory
    given = _entries(root, "memory")
    before = _count(sink)
    if given:
        memory = tuple(sorted((MemoryBank(*_range(e, f"memory bank {i}", sink)) for i, e in enumerate(given)),
                              key=lambda b: b.base))
        for bank in memory:
            sink.add(*_unknown(bank, facts.memory))
    firmware = []
    for entry in _entries(root, "firmware"):
        what = _text(entry, "name")
        firmware.append(Reserved(what, *_range(entry, f"'{what}'", sink), "firmware"))
    firmware += [Reserved("spin table", base, 4096, cpu.span, "firmware") for base, cpu in sorted(
        {cpu.release_addr // 4096 * 4096: cpu for cpu in facts.cpus
         if cpu.enable_method == "spin-table" and cpu.release_addr is not None}.items())
        if not any(r.base <= base and base + 4096 <= r.end for r in (*firmware, *facts.reserved))]
    console, options = facts.console, facts.console_options
    named = root.get("console")
    if isinstance(named, Scalar):
        console, options = _named_console(facts, named, sink), ""
    for part, message, place in facts.problems:
        if part != "memory" or not given:
            sink.add(_malformed(part, message, place))
    board = Board(
        name=name, directory=directory, dts=facts.tree.file, arch=facts.arch, description=_text(root, "description"),
        load=int(load.value), load_span=load.span, boot=_text(root, "boot"),     # type: ignore[arg-type]
        cpus=facts.cpus, memory=memory,
        reserved=tuple(sorted((*firmware, *facts.reserved), key=lambda r: (r.base, r.size, r.name))),
        devices=facts.devices, controller=facts.controller,
        caches=read_described(root, facts.cpus, facts.caches, sink), timebase=facts.timebase, console=console,
        console_options=options, run=_strings(root.get("run")),
        security_states=1 if _text(root, "security_states") == "1" else 2,
        run_notes=_text(root, "run_notes").strip(), keeps_ram=_text(root, "keeps_ram") == "True",
        root=facts.tree.root,
        yaml_span=Span(yaml), tree=facts.tree, psci=facts.psci,
        clocks=read_clocks(root, facts.tree, sink), bandwidth=read_bandwidth(root, facts.arch, sink))
    if _count(sink) == before:
        for diagnostic in unsuitable(board):
            sink.add(diagnostic)
    return board if _count(sink) == before else None


def _unknown(bank: MemoryBank, known: tuple[MemoryBank, ...]) -> list["Diagnostic"]:
    """A bank of board.yaml beyond the memory that the device tree gives."""
    at = bank.base
    for other in sorted(known, key=lambda b: b.base):
        if other.base <= at < other.end:
            at = other.end
    if not known or at >= bank.end:
        return []
    from ..rules.registry import load

    return [load()["BH0814"].diagnostic(
        f"the device tree has no memory at {at:#x}, and board.yaml has", bank.span,
        related=[Label(other.span, f"{other.base:#x} to {other.end:#x}") for other in known[:4]],
        help=["correct one of the two; where the boot loader finds more than the device tree says, allow the warning"])]


def _malformed(part: str, message: str, place: Span) -> Diagnostic:
    help_ = []
    if part == "memory":
        help_ = ["give the memory in board.yaml, for example: memory: [{at: 0x80000000, size: 2GiB}]"]
    return error("BH0812" if part == "memory" else "BH0805", f"{part} of the device tree: {message}", place, help=help_)


def bare_board(path: str, sink: "Sink") -> Board | None:
    """What a device tree alone says of a board, for looking at it: no load address, no firmware."""
    tree = read_tree(path, sink, Span(path))
    if tree is None:
        return None
    facts = extract(tree)
    for part, message, place in facts.problems:
        sink.add(_malformed(part, message, place))
    return Board(name=os.path.basename(path), directory=None, dts=path, arch=facts.arch, description=model(tree),
                 load=0,
                 load_span=Span(path), boot="", cpus=facts.cpus, memory=facts.memory,
                 reserved=tuple(sorted(facts.reserved, key=lambda r: (r.base, r.size, r.name))), devices=facts.devices,
                 controller=facts.controller, caches=facts.caches, timebase=facts.timebase, console=facts.console,
                 console_options=facts.console_options, root=tree.root, tree=tree, psci=facts.psci)


def model(tree: DeviceTree) -> str:
    prop = tree.root.get("model")
    return prop.value.rstrip(b"\0").decode("utf-8", "replace") if prop else ""


def description(directory: str, sink: "Sink") -> str:
    """The one line about a board, from its board.yaml; '' where it cannot be read."""
    root = _read_yaml(os.path.join(directory, "board.yaml"), sink)
    return _text(root, "description") if root else ""


def _count(sink: "Sink") -> int:
    return sum(d.severity == "error" for d in sink.diagnostics)


def _strings(node: Node | None) -> tuple[str, ...]:
    return tuple(item.text for item in node.items if isinstance(item, Scalar)) if isinstance(node, Sequence) else ()


def _named_console(facts: Facts, named: Scalar, sink: "Sink") -> str | None:
    from difflib import get_close_matches

    node = facts.tree.find(named.text) or next((d.node for d in facts.devices if d.name == named.text), None)
    if node is not None:
        return node.path
    names = [*facts.tree.labels, *facts.tree.aliases, *(d.name for d in facts.devices)]
    near = get_close_matches(named.text, names, 1)
    sink.add(error("BH0808", f"the console '{named.text}' is no device of the tree", named.span,
                   related=[Label(Span(facts.tree.file))], help=[f"did you mean {near[0]}?"] if near else []))
    return None
