# SPDX-License-Identifier: Apache-2.0
"""Which parts of the hypervisor (hypervisor/parts) a system needs: what is not named here is not linked."""
from __future__ import annotations

from ..system import System


def parts(system: System) -> tuple[str, ...]:
    """Names of files, sorted."""
    needed: set[str] = set()
    return tuple(sorted(needed))
