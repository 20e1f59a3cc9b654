# SPDX-License-Identifier: Apache-2.0
"""configtool overlay: the devicetree overlay of a VM, for a guest built with Zephyr."""
from __future__ import annotations

from ..diagnostics import UsageError
from .common import parser
from .header import add_arguments, plan_of, write


def main(arguments: list[str]) -> int:
    made = parser("overlay", "Write a devicetree overlay for building a VM's guest with Zephyr: memory, console, "
                  "devices and channels of the VM. Images need not be there yet.")
    add_arguments(made)
    made.add_argument("--cells", type=int, choices=(1, 2), help="#address-cells and #size-cells of the root of the "
                      "board that Zephyr is built for (default: 2 on Arm, 1 on RISC-V, as its QEMU boards have)")
    made.add_argument("--controller", metavar="LABEL", help="that board's label of the interrupt controller (default: "
                      "gic on Arm, plic on RISC-V)")
    given = made.parse_args(arguments)
    code, found = plan_of(given)
    if found is None:
        return code

    from ..emit.zephyr import Unfit, overlay

    arm = found[0].arch == "aarch64"
    try:
        text = overlay(*found, given.cells or (2 if arm else 1), given.controller or ("gic" if arm else "plic"))
    except Unfit as reason:
        raise UsageError(f"{given.file}: VM '{given.vm}': {reason}") from None
    write(text, given.out)
    return code
