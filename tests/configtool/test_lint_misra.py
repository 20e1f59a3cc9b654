# SPDX-License-Identifier: Apache-2.0
"""A finding of MISRA's rules needs a reason, and a reason a finding."""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lint"))
from misra import judge  # noqa: E402

_DOC = """
| rule | category | where | why |
|---|---|---|---|
| 15.5 | advisory | all | early returns |
| 17.1 | required | print.c | the one that prints |
"""


def test_findings_with_a_reason_are_counted():
    wrong, used = judge(["hypervisor/a.c:3: misra violation [misra-c2012-15.5]",
                         "hypervisor/lib/print.c:4: misra violation [misra-c2012-17.1]"], _DOC)
    assert (wrong, used) == ([], {"15.5": 1, "17.1": 1})


def test_a_finding_without_a_reason_is_an_error():
    wrong, _ = judge(["hypervisor/a.c:3: misra violation [misra-c2012-15.5]",
                      "hypervisor/lib/print.c:4: misra violation [misra-c2012-17.1]",
                      "hypervisor/core/vm.c:9: misra violation [misra-c2012-17.1]",
                      "hypervisor/core/vm.c:9: misra violation [misra-c2012-17.2]"], _DOC)
    assert wrong == ["hypervisor/core/vm.c:9: MISRA C:2012 rule 17.1, and docs/internals/misra.md has no reason",
                     "hypervisor/core/vm.c:9: MISRA C:2012 rule 17.2, and docs/internals/misra.md has no reason"]


def test_a_reason_without_a_finding_is_an_error():
    wrong, _ = judge(["hypervisor/a.c:3: misra violation [misra-c2012-15.5]"], _DOC)
    assert wrong == ["docs/internals/misra.md: nothing deviates from rule 17.1 any more: take its row out"]
