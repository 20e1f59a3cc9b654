# SPDX-License-Identifier: Apache-2.0
"""configtool explain: what a code means, why it matters, how to mend it."""
from __future__ import annotations

from .common import find_rule, parser


def main(arguments: list[str]) -> int:
    made = parser("explain", "Explain a code: what it means, why it matters, and an example that is wrong and one that "
                  "is right.")
    made.add_argument("code", metavar="CODE", help="such as BH0206")
    rule = find_rule(made.parse_args(arguments).code)

    from ..rules.catalogue import visible

    print(f"{rule.code}: {rule.title} ({rule.severity})\n\n{rule.explain.strip()}")
    for title, example in (("Wrong", rule.fails), ("Right", rule.passes)):
        print(f"\n{title}:\n")
        print("\n".join("    " + line if line else "" for line in visible(example).splitlines()))
    return 0
