# SPDX-License-Identifier: Apache-2.0
"""configtool debug: the gdb commands for one VM."""
from __future__ import annotations

import argparse
import os

from ..diagnostics import UsageError
from .common import parser
from .explain_fault import elf_argument
from .header import write


def main(arguments: list[str]) -> int:
    from ..report.debug import QEMU, commands

    made = parser("debug", "Print the gdb commands with which a VM is debugged: symbols of its guest and of the "
                  "hypervisor, the stub to connect to, a hardware breakpoint at the guest's first instruction, and "
                  "which thread is which vCPU. QEMU waits for gdb when started by: configtool run --gdb FILE")
    made.add_argument("file", metavar="FILE", help="the system description; it has to be built")
    made.add_argument("vm", metavar="VM", help="the VM's name")
    made.add_argument("--target", metavar="HOST:PORT", default=QEMU, help="the stub: OpenOCD's is localhost:3333 "
                      f"(default: QEMU's, {QEMU})")
    made.add_argument("--elf", metavar="ELF[+OFFSET]", help="symbols, where the VM's image has none; OFFSET: how far it "
                      "runs from where it is linked")
    made.add_argument("--built", metavar="DIR", help="where the system was built (default: build/<name>)")
    made.add_argument("--guests", metavar="DIR", help="where images are looked for that do not lie beside FILE")
    made.add_argument("-o", "--out", metavar="FILE", help="write there instead of to standard output")
    given = made.parse_args(arguments)

    from ..faults.known import gather

    if not os.path.exists(given.file):
        raise UsageError(f"cannot read {given.file}: there is no such file")
    host, colon, port = given.target.rpartition(":")
    if not colon or not port.isdigit() or not given.target.isprintable() or " " in host:
        raise UsageError(f"--target {given.target}: not of the form HOST:PORT, such as localhost:3333")
    try:
        elf = [elf_argument(f"{given.vm}={given.elf}")] if given.elf else []
    except argparse.ArgumentTypeError as problem:
        raise UsageError(f"--elf: {problem}") from None
    known = gather(given.file, given.built, given.guests, elf)
    if not known.plan:
        raise UsageError(f"{given.file} is not built: make SYSTEM={given.file}")
    names = [vm["name"] for vm in known.plan["vms"]]
    if given.vm not in names:
        from difflib import get_close_matches
        near = get_close_matches(given.vm, names, 1)
        raise UsageError(f"{given.file} has no VM '{given.vm}'; " + (f"did you mean '{near[0]}'?" if near else
                                                                     f"it has: {', '.join(names)}"))
    write(commands(known, given.vm, given.file, given.target), given.out)
    return 0
