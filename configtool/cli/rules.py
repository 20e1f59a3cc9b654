# SPDX-License-Identifier: Apache-2.0
"""configtool rules: the catalogue."""
from __future__ import annotations

from .common import parser


def main(arguments: list[str]) -> int:
    made = parser("rules", "List all rules: code, severity and title.")
    made.add_argument("--markdown", action="store_true", help="the whole catalogue with explanations and examples")
    given = made.parse_args(arguments)

    from ..rules.catalogue import markdown
    from ..rules.registry import load

    if given.markdown:
        print(markdown(load()), end="")
    else:
        for rule in load().values():
            print(f"{rule.code}  {rule.severity.ljust(7)}  {rule.title}")
    return 0
