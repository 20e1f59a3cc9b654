# SPDX-License-Identifier: Apache-2.0
"""configtool gen: the files of a system, all or none."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Iterator

from .common import add_system, make_sink, parser, report

if TYPE_CHECKING:
    from ..board.dts import Node
    from ..pipeline import Result


def main(arguments: list[str]) -> int:
    made = parser("gen", "Generate the configuration, translation tables and device trees of a system. When something "
                  "is wrong, "
                  "nothing is written.")
    add_system(made)
    made.add_argument("-o", "--out", metavar="DIR", required=True,
                      help="a folder for these files alone; it is replaced as a whole")
    made.add_argument("--depfile", metavar="FILE", help="write there, for make, which files FILE.stamp (for FILE.d) "
                      "depends on")
    made.add_argument("--stats", action="store_true", help="let the hypervisor print at the end how often it ran")
    given = made.parse_args(arguments)

    from ..pipeline import analyse

    result = analyse(given.file, sink=make_sink(given), guests=given.guests)
    code = report(result.sink, given)
    if result.plan is None:
        return code

    from dataclasses import replace

    from ..emit.files import emit
    from ..output import write_file, write_folder

    write_folder(given.out, emit(replace(result.plan, stats=given.stats)))
    if given.depfile:
        target = given.depfile.removesuffix(".d") + ".stamp"
        files = sorted({os.path.normpath(path) for path in inputs(result)})
        rules = [f"{_make(target)}: {' '.join(map(_make, files))}", *(f"{_make(path)}:" for path in files)]
        write_file(given.depfile, ("\n".join(rules) + "\n").encode("utf-8", "surrogateescape"))
    return code


def inputs(result: "Result") -> Iterator[str]:
    """Every file that the result depends on."""
    system, board = result.system, result.board
    assert system is not None and board is not None
    yield from system.sources
    yield board.dts
    if board.yaml_span:
        yield board.yaml_span.file
    if board.root:
        yield from _files(board.root)
    for vm in system.vms:
        yield from (reference.path for reference in vm.images)
        if vm.linux and vm.linux.initrd_path:
            yield vm.linux.initrd_path
        yield from (file[0] for file in (vm.devicetree_file, vm.devicetree_extra) if file)


def _files(node: "Node") -> Iterator[str]:
    """The files that the nodes of a device tree come from."""
    yield from (place.file for place in node.places)
    yield from (prop.span.file for prop in node.properties)
    for child in node.children:
        yield from _files(child)


def _make(path: str) -> str:
    """A path as a makefile's rule writes it."""
    return path.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#").replace("$", "$$").replace(":", "\\:")
