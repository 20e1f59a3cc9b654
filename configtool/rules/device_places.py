# SPDX-License-Identifier: Apache-2.0
"""Rules on where a VM sees a device's registers."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label
from .owners import PAGE, owners, pages
from .registry import Context, Rule, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
    devices: [{name: rtc@101000, at: 0x50000000}]
"""


@rule("BH0518", "address that a device cannot have", phase="board", needs=("BH0510",), explain="""\
`at:` of a device is the guest address of the page that its first register is in; it is a multiple of 4KiB, and its
other registers keep their distance from there, so that none of them comes below address 0. A device that has only
interrupts has no address.""", fails=_VM.replace("0x50000000", "0x50000100"), passes=_VM)
def device_address(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for given in owners(context):
        at = given.ref.at if given.ref is not None else None
        if at is None:
            continue
        windows = pages(given.device)
        if not windows:
            yield self.diagnostic(f"device {given.name} has no registers, and so no address", given.span,
                                  related=[Label(given.device.span)], help=["remove at:"])
        elif at % PAGE:
            down = at - at % PAGE
            yield self.diagnostic(f"`at` of device {given.name} is no multiple of 4KiB", given.span,
                                  help=[f"write {down:#x} or {down + PAGE:#x}"])
        else:
            low = min(base for base, _ in windows)
            if at < windows[0][0] - low:
                yield self.diagnostic(f"device {given.name} cannot be at {at:#x}: some of its registers would be below "
                                      "0", given.span,
                                      related=[Label(given.device.span,
                                                     f"its registers begin at {low:#x}, the first at "
                                                     f"{windows[0][0]:#x}")],
                                      help=[f"write {windows[0][0] - low:#x} or more"])
