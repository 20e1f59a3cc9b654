# SPDX-License-Identifier: Apache-2.0
"""Images that are not there yet, made up, so that the rest of a VM can be planned before its guest is built."""
from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from .model import Image, Segment

if TYPE_CHECKING:
    from ..system import System

_SIZE = 4096


def split(system: "System") -> "tuple[System, dict[str, Image]]":
    """The system without what cannot be loaded, and stand-ins by path for all that is not there: a page that may lie
    anywhere in a VM's memory. To be planned, the system is used as it was."""
    made: dict[str, Image] = {}
    vms = []
    for vm in system.vms:
        missing = [ref for ref in vm.images if not os.path.exists(ref.path)]
        for ref in missing:
            made[ref.path] = Image(ref.path, "linux", "", (Segment(0, bytes(_SIZE), _SIZE),), 0, align=_SIZE,
                                   reserve=_SIZE)
        linux = vm.linux
        if linux is not None and linux.initrd_path and not os.path.exists(linux.initrd_path):
            made[linux.initrd_path] = Image(linux.initrd_path, "raw", "", (Segment(0, bytes(_SIZE), _SIZE),), 0)
            linux = replace(linux, initrd=None, initrd_path=None)
        vms.append(replace(vm, images=tuple(ref for ref in vm.images if ref not in missing), linux=linux))
    return replace(system, vms=tuple(vms)), made
