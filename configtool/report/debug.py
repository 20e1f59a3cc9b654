# SPDX-License-Identifier: Apache-2.0
"""The gdb commands with which one VM is debugged, over QEMU's stub or a debug probe."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..faults.known import Known

if TYPE_CHECKING:
    from ..faults.symbols import Symbols

QEMU = "localhost:1234"                 # where QEMU's option -s listens
_ARCHITECTURES = {"riscv64": "riscv:rv64", "riscv32": "riscv:rv32", "aarch64": "aarch64"}


def commands(known: Known, vm: str, system: str, target: str) -> str:
    """`known`: with the plan and the board. `target`: host and port of the stub. Paths are absolute, so that a file of
    these commands can be used from any folder."""
    plan, own = known.plan, known.planned(vm)
    guests = known.guests.get(vm, [])
    both = known.hypervisor is not None and not any(_overlap(known.hypervisor, guest) for guest in guests)
    lines = [f"# gdb for VM '{vm}' of {plan['name']} on {plan['board']}: gdb-multiarch -x FILE-WITH-THESE-LINES",
             f"# QEMU waits for gdb before its first instruction: configtool run --gdb {system}"
             if target == QEMU else f"# {target} is OpenOCD, or another stub, with all CPUs halted",
             f"set architecture {_ARCHITECTURES[plan['arch']]}",
             "set confirm off",
             *(f"directory {folder}" for folder in dict.fromkeys(os.path.abspath(f) for f in reversed(known.sources)))]
    lines += _symbols(known, vm, guests, both)
    lines += [f"target extended-remote {target}", *_threads(known, own)]
    first = _thread(known, own["cpus"][0])
    condition = " if $hgatp != 0" if plan["arch"].startswith("riscv") else ""
    lines += [f"thread {first}",
              "# The first instruction of its vCPU 0. Another VM may have code at the same address, hence the thread"
              + (", and firmware, hence hgatp." if condition else "."),
              f"hbreak *{own['entry']:#x} thread {first}{condition}"]
    if both:
        lines += ["# Faults of VMs and panics, before they are reported: `up` to where the guest's registers are "
                  "cpu->arch.x.",
                  "hbreak vm_fault_access", "hbreak vm_fault"]
    return "\n".join(lines) + "\n"


def _symbols(known: Known, vm: str, guests: "list[Symbols]", both: bool) -> list[str]:
    lines = []
    if known.hypervisor is not None:
        path = os.path.abspath(known.hypervisor.path)
        if both:
            lines.append(f"add-symbol-file {path}")
        else:
            lines += ["# The hypervisor has code at the same addresses as this guest, physical there and the guest's own "
                      "here:", "# its symbols are left out, as gdb could not tell the two apart.",
                      f"# add-symbol-file {path}"]
    for guest in guests:
        moved = f" -o {guest.moved:#x}" if guest.moved else ""
        lines.append(f"add-symbol-file {os.path.abspath(guest.path)}{moved}")
    if not guests:
        lines.append(f"# No image of '{vm}' is an ELF file: --elf {vm}=ELF gives its symbols (a kernel's vmlinux, booted "
                     "with nokaslr).")
    return lines


def _overlap(one: "Symbols", other: "Symbols") -> bool:
    return any(a < d and c < b for a, b in one.extents() for c, d in other.extents())


def _thread(known: Known, cpu: int) -> int:
    """gdb's number of a CPU of the plan: the stubs count the board's CPUs from 1."""
    ids = [c.id for c in known.board.cpus] if known.board is not None else []
    number = known.plan["cpus"][cpu]["id"]
    return (ids.index(number) if number in ids else cpu) + 1


def _threads(known: Known, own: "dict[str, object]") -> list[str]:
    cpus = own["cpus"]
    assert isinstance(cpus, list)
    return [f"# vCPU {vcpu}: {known.plan['cpus'][cpu]['name']}, thread {_thread(known, cpu)}"
            for vcpu, cpu in enumerate(cpus)]
