# SPDX-License-Identifier: Apache-2.0
"""Rules on calls that VMs make to the board's own firmware: which may be passed on at all, and whose they are.

Source: Arm DEN 0028 (SMCCC), section 2.5 and table 6-1: the fields of a function id and who owns which.
"""
from __future__ import annotations

from math import prod
from typing import Iterator

from ..diagnostics import Diagnostic, Label
from ..plan.firmware import MOST_ROWS, NAMES, function, of_call
from ..plan.model import FirmwareRow
from ..schema_words import nearest
from ..system import FirmwareCall, Vm
from .owners import board_of
from .registry import Context, Rule, rule

_FAST, _64, _RESERVED = 1 << 31, 1 << 30, 0x00FF_0000
_OWNERS = {0: "calls of the architecture are the hypervisor's, which answers them",
           1: "it acts on the CPU that calls, as no device does",
           4: "PSCI and its neighbours are the hypervisor's: a VM has its own CPUs on and off, and no others'",
           5: "it is one of a hypervisor's own", 6: "it is one of a hypervisor's own"}
_TRUSTED = "calls of a trusted OS name memory by its physical address, which the hypervisor would have to read and to change"

_VM = """\
board: qemu-aarch64-virt-gicv3
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: blob.bin, at: 0x40000000}
"""
_CALL = _VM + "    firmware: [{call: pm-clock-enable, arguments: {w1: [69, 71-72]}}]\n"
_TWO = _CALL + "".join(_CALL.partition("  hello:")[1:]).replace("hello", "other")


@rule("BH1010", "firmware call that nobody knows", phase="system", explain="""\
A firmware call is written as its function id (SMC Calling Convention) or, of EEMI, by its name. EEMI is what Trusted
Firmware-A answers on Zynq UltraScale+ and Versal.""",
      fails=_CALL.replace("clock-enable", "clock-enabel"), passes=_CALL)
def unknown_call(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for _, call in _calls(context):
        if function(call) is None:
            near = nearest(str(call.call), list(NAMES), 3)
            yield self.diagnostic(f"there is no firmware call '{call.call}'", call.span, help=[
                f"did you mean {' or '.join(repr(n) for n in near)}?" if near else
                "write its function id: 0xc2000024"])


@rule("BH1011", "firmware call that is not passed on", phase="system", needs=("BH1010",), explain="""\
What goes on to firmware are fast calls of the makers of chip and board (owners 2 and 3 of the SMC Calling Convention: ids
0x82..., 0x83..., 0xc2..., 0xc3...). PSCI is the hypervisor's to answer, as a VM's CPUs are not the board's; so are calls of
the architecture and hypercalls. Calls of a trusted OS name memory by its physical address: passed on, they would reach all
of it. A yielding call (bit 31 clear) comes back unfinished, at any moment.""",
      fails=_CALL.replace("pm-clock-enable", "0xc4000003"), passes=_CALL)
def not_passed_on(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for _, call in _calls(context):
        number = function(call) or 0
        owner = number >> 24 & 0x3F
        if not number & _FAST:
            why = "it is a yielding call (bit 31 is clear)"
        elif owner not in (2, 3):
            why = _OWNERS.get(owner, _TRUSTED if owner >= 48 else f"its owner, {owner}, is reserved")
        elif number & _RESERVED:
            why = "it is no function id: bits 16 to 23 have to be 0"
        else:
            continue
        yield self.diagnostic(f"firmware call {number:#010x} cannot be passed on", call.span, notes=[why],
                              help=["remove it: ids of the chip's maker are 0x82000000 to 0x8200ffff and 0xc2000000 to "
                                    "0xc200ffff, of the board's 0x83... and 0xc3..."])


@rule("BH1012", "argument that cannot be", phase="system", needs=("BH1011",), explain="""\
The values of an argument are numbers and ranges, the smaller end first. `x1` is the whole first argument, `w1` its low 32
bits and `h1` its high 32 bits; a call names either the whole or its halves. A half has 32 bits, and so has every argument
of a 32-bit call (0x82..., 0x83...). A range of a whole argument stays within one multiple of 2^32: halves are compared.""",
      fails=_CALL.replace("71-72", "72-71"), passes=_CALL)
def impossible_argument(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for _, call in _calls(context):
        names = {a.register: a for a in call.arguments}
        for argument in call.arguments:
            kind, n = argument.register[0], argument.register[1]
            whole = names.get(f"x{n}")
            if kind != "x" and whole is not None:
                yield self.diagnostic(f"'{argument.register}' is a part of 'x{n}', which has values, too", argument.span,
                                      related=[Label(whole.span, "here")], help=["keep one of them"])
            short = kind != "x" or not (function(call) or 0) & _64
            if kind == "h" and not (function(call) or 0) & _64:
                yield self.diagnostic(f"'{argument.register}' of a 32-bit call", argument.span,
                                      notes=["its arguments have 32 bits"], help=["remove it"])
            for low, high, span in argument.ranges:
                if low > high:
                    yield self.diagnostic(f"the range {low:#x} to {high:#x} has no value", span,
                                          help=[f"write {high:#x}-{low:#x}"])
                elif high >> (32 if short else 64):
                    yield self.diagnostic(f"{high:#x} is no value of '{argument.register}'", span,
                                          f"it has {32 if short else 64} bits", help=["write a smaller one"])
                elif low >> 32 != high >> 32:
                    yield self.diagnostic(f"the range {low:#x} to {high:#x} crosses a multiple of 2^32", span,
                                          help=["write two ranges, or ranges of the halves: "
                                                f"{{w{n}: ..., h{n}: ...}}"])


@rule("BH1013", "firmware call of two VMs", phase="system", needs=("BH1012",), explain="""\
A clock, a power domain, a reset or a pin that firmware keeps belongs to a device, and a device to one VM. Two VMs that make
the same call with the same arguments would move the ground under each other. Where that is meant, or where the call changes
nothing, both say so: `shared: true`.""",
      fails=_TWO, passes=_TWO.replace("72]}}", "72]}, shared: true}"))
def two_callers(self: Rule, context: Context) -> Iterator[Diagnostic]:
    seen: dict[int, list[tuple[Vm, FirmwareCall, list[FirmwareRow]]]] = {}
    for vm, call in _calls(context):
        if _count(call) > MOST_ROWS:
            continue
        made, number = of_call(call), function(call) or 0
        for other, before, theirs in seen.get(number, []):
            if other is vm or call.shared and before.shared:
                continue
            both = next((both for a in made for b in theirs if (both := _common(a, b)) is not None), None)
            if both is not None:
                name = call.call if isinstance(call.call, str) else hex(number)
                yield self.diagnostic(
                    f"VMs '{other.name}' and '{vm.name}' make the firmware call {name} with the same arguments", call.span,
                    f"both with {both}", related=[Label(before.span, f"VM '{other.name}' here")],
                    help=["remove the arguments of one", "or write shared: true at both, where they may"])
                break
        seen.setdefault(number, []).append((vm, call, made))


@rule("BH1014", "firmware calls where no firmware takes them", phase="board", explain="""\
Calls are passed on to the firmware at EL3 by SMC. A board whose CPUs wait in a spin table has none. On RISC-V no call is
passed on: an SBI extension of a vendor has no registered meaning of its arguments, and the boards that Bulkhead knows keep
clocks and resets in devices, which are given to VMs as such.""",
      fails=_CALL.replace("qemu-aarch64-virt-gicv3", "qemu-riscv64-virt").replace(
          "{file: blob.bin, at: 0x40000000}", "{file: guest.elf}"), passes=_CALL)
def no_firmware(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    spin = next((cpu for cpu in board.cpus if cpu.enabled and cpu.enable_method == "spin-table"), None)
    if board.arch == "aarch64" and spin is None:
        return
    why = "its CPUs wait in a spin table: no firmware stays behind" if spin is not None else \
        "SBI calls are not passed on"
    for vm in context.system.vms:
        if vm.firmware:
            yield self.diagnostic(f"board {board.name} has no firmware that takes calls of VM '{vm.name}'",
                                  vm.firmware[0].span, related=[Label(spin.span)] if spin is not None else [],
                                  notes=[why], help=["remove `firmware`"])


@rule("BH1015", "more firmware calls than a VM may have", phase="system", needs=("BH1012",), explain=f"""\
The hypervisor compares a call with one row after the other, {MOST_ROWS} at most, so that the time of a call that is refused
has a bound. A row is a call with one range for each argument: two lists of 20 ranges in one call make 400.""",
      fails=_CALL.replace("[69, 71-72]", str([*range(1, 61, 2)]) + ", w2: " + str([*range(1, 61, 2)])), passes=_CALL)
def too_many(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        count = sum(_count(call) for call in vm.firmware)
        if count > MOST_ROWS:
            largest = max(vm.firmware, key=_count)
            yield self.diagnostic(f"the firmware calls of VM '{vm.name}' make {count} rows; the most is {MOST_ROWS}",
                                  largest.span, f"{_count(largest)} of them",
                                  help=["join values that follow each other: 64-71"])


def _calls(context: Context) -> Iterator[tuple[Vm, FirmwareCall]]:
    for vm in context.system.vms:
        for call in vm.firmware:
            yield vm, call


def _count(call: FirmwareCall) -> int:
    return prod(len(argument.ranges) for argument in call.arguments)


def _common(a: FirmwareRow, b: FirmwareRow) -> str | None:
    """Arguments of both, in words."""
    low = [max(pair) for pair in zip(a.low, b.low)]
    high = [min(pair) for pair in zip(a.high, b.high)]
    if any(x > y for x, y in zip(low, high)):
        return None
    named = [f"{name} {x:#x}" for name, x, y in zip(("w1", "h1", "w2", "h2", "w3", "h3"), low, high)
             if (x, y) != (0, 0xFFFF_FFFF)]
    return ", ".join(named) or "any arguments"
