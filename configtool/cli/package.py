# SPDX-License-Identifier: Apache-2.0
"""configtool package: a built image in the forms that boot loaders and flash programmers take."""
from __future__ import annotations

import os

from ..diagnostics import UsageError
from .common import add_system, make_sink, parser, report


def main(arguments: list[str]) -> int:
    made = parser("package", "Write the built image as a FIT image with hashes, a U-Boot boot script, S-record and Intel "
                  "HEX.")
    add_system(made)
    made.add_argument("--built", metavar="DIR", help="the folder that make built it into (default: build/<name>)")
    made.add_argument("-o", "--out", metavar="DIR", required=True, help="folder for the files; made where it is not there")
    given = made.parse_args(arguments)

    from ..pipeline import analyse, build_folder

    result = analyse(given.file, sink=make_sink(given), guests=given.guests)
    code = report(result.sink, given)
    if result.plan is None or code:
        return code

    from ..image.package import package

    built = given.built or build_folder(given.file)
    elf, image = os.path.join(built, "bulkhead.elf"), os.path.join(built, "bulkhead.bin")
    for path in (elf, image):
        if not os.path.isfile(path):
            raise UsageError(f"there is no {path}: build the system first, with make SYSTEM={given.file}")
    for name in package(result.plan, elf, image, given.out):
        print(os.path.join(given.out, name))
    return code
