# SPDX-License-Identifier: Apache-2.0
"""Rules on budgets of memory bandwidth, and the codes of board/bandwidth.py and plan/bandwidth.py."""
from __future__ import annotations

from typing import Iterator

from ..diagnostics import Diagnostic, Label
from ..plan.bandwidth import taken
from ..schema_words import nearest
from ..system import Bandwidth, System, Vm
from ..units import rate_text
from .registry import Context, Rule, reported, rule

_BOARD = "board: qemu-aarch64-virt-gicv3\n"
_VM = """\
  noisy:
    vcpus: 2
    memory: {ram: 16MiB}
    image: {file: arm64.elf}
"""
_ONE = _BOARD + "vms:\n" + _VM
_BUDGET = _ONE + "    bandwidth: {budget: 200MiB/s, period: 100us}\n"
_PAIR = _BUDGET.replace("100us}", "100us, borrow: true}") + _VM.replace("noisy", "control").replace(
    "vcpus: 2", "vcpus: 1") + "    bandwidth: {budget: 100MiB/s, period: 100us, lend: 50%}\n"


def _budgets(system: System) -> Iterator[tuple[Vm, Bandwidth]]:
    for vm in system.vms:
        if vm.bandwidth is not None:
            yield vm, vm.bandwidth


@rule("BH1070", "shares of a budget that do not fit the vCPUs", phase="system", explain="""\
`per_vcpu:` as a list has one percentage for each vCPU, in their order, and they add up to 100%. `even` gives all the
same; `shared` lets them draw from one budget.""",
      fails=_BUDGET.replace("100us}", "100us, per_vcpu: [60%, 50%]}"),
      passes=_BUDGET.replace("100us}", "100us, per_vcpu: [60%, 40%]}"))
def shares(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, own in _budgets(context.system):
        count = (len(vm.cpus.names) or vm.cpus.count or 0) if vm.cpus else 0
        span = own.per_vcpu_span or own.span
        total = sum(share for share, _ in own.shares)
        if own.shares and len(own.shares) != count:
            yield self.diagnostic(f"VM '{vm.name}' has {count} vCPU{'' if count == 1 else 's'}, and its budget is split in "
                                  f"{len(own.shares)}", span, related=[Label(vm.cpus.span, "")] if vm.cpus else [],
                                  help=["give one percentage for each vCPU, or write per_vcpu: even"])
        elif own.shares and total != 100:
            yield self.diagnostic(f"the shares of the vCPUs of VM '{vm.name}' add up to {total}%", span,
                                  " + ".join(f"{share}%" for share, _ in own.shares),
                                  help=[f"{'take away' if total > 100 else 'give away'} {abs(100 - total)}%"])


@rule("BH1071", "lending and borrowing of bandwidth that do not meet", phase="system", explain="""\
A VM that lends offers a part of its budget, for as long as it does not need it, to those that say `borrow: true`. So
there has to be somebody who lends and somebody who borrows, all with the same period, as what is lent is offered anew
in each. Whose budget is `shared` among its vCPUs does neither: its vCPUs draw from what they share.""",
      fails=_PAIR.replace(", borrow: true", ""), passes=_PAIR)
def lending(self: Rule, context: Context) -> Iterator[Diagnostic]:
    lenders = [(vm, own) for vm, own in _budgets(context.system) if own.lend]
    borrowers = [(vm, own) for vm, own in _budgets(context.system) if own.borrow]
    for vm, own in lenders:
        span = own.lend_span or own.span
        if own.borrow:
            yield self.diagnostic(f"VM '{vm.name}' both lends and borrows", span,
                                  related=[Label(own.borrow_span, "")] if own.borrow_span else [],
                                  help=["remove one of the two"])
        elif not borrowers:
            yield self.diagnostic(f"VM '{vm.name}' lends bandwidth, and no VM borrows", span,
                                  help=["write borrow: true in the bandwidth of the VMs that may have it, or remove lend"])
    if borrowers and not lenders:
        vm, own = borrowers[0]
        yield self.diagnostic(f"VM '{vm.name}' borrows bandwidth, and no VM lends", own.borrow_span or own.span,
                              help=["write lend: 50% in the bandwidth of a VM that seldom needs all of its budget"])
    for vm, own in (*lenders, *borrowers):
        if own.per_vcpu == "shared":
            yield self.diagnostic(f"VM '{vm.name}' shares its budget among its vCPUs, so it cannot "
                                  f"{'lend' if own.lend else 'borrow'}", own.per_vcpu_span or own.span,
                                  help=["write per_vcpu: even, or a list of percentages"])
    if lenders and borrowers:
        first, base = lenders[0]
        for vm, own in (*lenders[1:], *borrowers):
            if own.period_us != base.period_us:
                yield self.diagnostic(f"VM '{vm.name}' has a period of {own.period_us}us, and VM '{first.name}', which "
                                      f"lends, one of {base.period_us}us", own.period_span or own.span,
                                      related=[Label(base.period_span or base.span, "")],
                                      help=[f"write period: {base.period_us}us"])


@rule("BH1072", "critical interrupt that the VM does not have", phase="system", explain="""\
What may pass a vCPU that has used its budget is an interrupt of the VM's own: a device of its `devices`, by the name it
has there; the doorbell of a channel that somebody else rings, as `channels.NAME`; or `timer`.""",
      fails=_BUDGET.replace("100us}", "100us, critical: {interrupts: [pl031@9010000], cost: 4KiB}}"),
      passes=_BUDGET.replace("100us}", "100us, critical: {interrupts: [timer], cost: 4KiB}}"))
def critical(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, own in _budgets(context.system):
        channels = [f"channels.{c.name}" for c in context.system.channels_of.get(vm.name, ()) if c.doorbell != "none"]
        known = ["timer", *(device.name for device in vm.devices), *channels]
        for name, span in own.critical.interrupts if own.critical else ():
            if name not in known:
                near = nearest(name, known)
                yield self.diagnostic(f"VM '{vm.name}' has no interrupt '{name}'", span, help=[
                    (f"did you mean {near[0]}? " if near else "") + f"there are: {', '.join(known)}"])


@rule("BH1074", "budgets on a board that does not say what its memory gives", phase="board", explain="""\
A budget is counted by an event of the CPUs' performance monitors, and all of them together have to be less than what
the board's memory gives. A device tree says neither: board.yaml does, under `bandwidth`. docs/bandwidth.md tells how to
find the numbers.""",
      fails="vms:\n  hello:\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n"
            "    bandwidth: {budget: 200MiB/s}\n",
      passes=_BUDGET)
def unknown_memory(self: Rule, context: Context) -> Iterator[Diagnostic]:
    assert context.board is not None
    if context.board.bandwidth is not None:
        return
    for vm, own in _budgets(context.system):
        yield self.diagnostic(
            f"VM '{vm.name}' has a budget, and board {context.board.name} does not say what its memory gives", own.span,
            related=[Label(context.board.yaml_span, "")] if context.board.yaml_span else [],
            help=["add to board.yaml, with the board's own numbers: bandwidth: {capacity: 3GiB/s, events: {default: "
                  "{event: " + ("bus-access" if context.board.arch == "aarch64" else "llc-miss") + ", bytes: 64}}}"])
        break
    else:
        if context.system.reserve_span is not None:
            yield self.diagnostic(f"bandwidth is reserved for the hypervisor, and board {context.board.name} does not say "
                                  "what its memory gives", context.system.reserve_span, help=["remove it"])


@rule("BH1075", "budgets beyond what memory gives", phase="board", needs=("BH1074",), explain="""\
The budgets of all VMs, what critical interrupts may cost beyond them, and what is reserved for the hypervisor are more
than the capacity that board.yaml states. Then nobody is sure of its budget.""",
      fails=_BUDGET.replace("200MiB/s", "5GiB/s"), passes=_BUDGET)
def too_much(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = context.board
    assert board is not None
    if board.bandwidth is None:
        return
    wanted = [(vm.name, taken(own, (len(vm.cpus.names) or vm.cpus.count or 0) if vm.cpus else 0), own.budget_span)
              for vm, own in _budgets(context.system)]
    reserve = [("hypervisor", context.system.reserve, context.system.reserve_span)] if context.system.reserve_span else []
    total = 0
    for name, rate, span in (*reserve, *wanted):
        total += rate
        if total > board.bandwidth.capacity:
            everybody = [*reserve, *wanted]
            over = sum(rate for _, rate, _ in everybody) - board.bandwidth.capacity
            yield self.diagnostic(
                f"the budgets are more than the {rate_text(board.bandwidth.capacity)} of board {board.name}",
                span or context.system.name_span, "" if len(everybody) == 1 else f"with {name} they are too many",
                related=[Label(board.bandwidth.capacity_span, "all that its memory gives")],
                notes=[f"wanted: {' + '.join(f'{n} {rate_text(r)}' for n, r, _ in everybody)}"],
                help=[f"lower them by {rate_text(-(-over // 1024) * 1024)} in all"])
            return


reported("BH1076", "CPU that cannot keep a budget", phase="plan", explain="""\
A CPU has to count what its guest takes from memory, to interrupt when the budget is used, and to wake when the period
is over; all three out of its guest's reach. On AArch64 that is a performance monitor (PMUv3) whose node in the device
tree has a private interrupt, and the hypervisor's own timer; on RISC-V the extensions Sscofpmf (overflow interrupt) and
Sstc (timer), which have to stand in the CPU's ISA string. And board.yaml has to name an event for each kind of CPU.""",
         fails=_BUDGET + "# with this in board.dts: /delete-node/ &pmu;\n", passes=_BUDGET)

reported("BH1077", "budget that cannot be counted", phase="plan", explain="""\
What a vCPU may take in a period is counted down in events, each of so many bytes. Less than one event cannot be
counted; more than half of what a counter of 32 bits holds is not, so that an overflow is always seen.""",
         fails=_BUDGET.replace("period: 100us", "period: 1000s"), passes=_BUDGET)

reported("BH1078", "period that is too short", phase="plan", explain="""\
When a vCPU has used its budget the hypervisor runs, and once more when the period is over. A period that is shorter
than that cannot be kept, nor one of less than ten ticks of the board's time counter. On RISC-V the counter is set by
the firmware, which takes longer.""",
         fails=_BUDGET.replace("100us", "1us") + "# with a RISC-V board\n", passes=_BUDGET)

reported("BH1079", "period that costs much to serve", phase="plan", severity="warning", explain="""\
Serving one overflow and the end of one period takes more than a tenth of the period, in which the CPU does nothing
else. A vCPU that stays below its budget costs nothing, whatever its period.""",
         fails=_BUDGET.replace("100us", "2us"), passes=_BUDGET)

@rule("BH1080", "budget of a VM whose interrupts are direct", phase="system", explain="""\
A vCPU whose interrupts are direct (`interrupts: direct`) takes all interrupts of its CPU itself, so the one that tells
that a budget is used, and the one that ends a period, would not reach the hypervisor.""",
      fails=_BUDGET + "    interrupts: direct\n", passes=_BUDGET)
def direct(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm, own in _budgets(context.system):
        if vm.direct:
            yield self.diagnostic(f"VM '{vm.name}' has a budget, and its interrupts are direct", own.span,
                                  related=[Label(vm.interrupts_span, "the hypervisor takes none of them")]
                                  if vm.interrupts_span else [],
                                  notes=["the interrupt that says that a budget is used would not reach the hypervisor"],
                                  help=["write interrupts: virtual", "or remove the budget: this VM then takes from "
                                        "memory what it likes, and the others keep to theirs"])


reported("BH1081", "event that a board cannot count by", phase="board", explain="""\
An event of board.yaml is a name of the architecture's, or the number that the CPU's manual gives. `cycles` says nothing
of memory and is taken with `stand_in: true` alone, to try budgets on an emulator; on Arm the cycle counter cannot be
parted from the guests' counters, so `guests: none` goes with it, and all kinds of CPU count it or none.""",
         fails=_BUDGET + "# with this in board.yaml: bandwidth: {capacity: 1GiB/s, events: {default: {event: bus, bytes: "
                         "16}}}\n", passes=_BUDGET)


@rule("BH1082", "critical interrupt that the hypervisor does not see", phase="board", needs=("BH1072",), explain="""\
With APLIC and IMSIC, interrupts of devices and doorbells go to the guest's own interrupt file, and the hypervisor does
not know of them; so none of them can wake a vCPU that has used its budget. It takes them when its period is over. The
VM's timer can be named.""",
      fails="vms:\n  hello:\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n    devices: [rtc@101000]"
            "\n    bandwidth: {budget: 1MiB/s, critical: {interrupts: [rtc@101000], cost: 4KiB}}\n# with a board that has "
            "an IMSIC\n",
      passes=_BUDGET.replace("100us}", "100us, critical: {interrupts: [timer], cost: 4KiB}}"))
def unseen(self: Rule, context: Context) -> Iterator[Diagnostic]:
    controller = context.board.controller if context.board else None
    if controller is None or controller.kind != "aplic-imsic":
        return
    for vm, own in _budgets(context.system):
        for name, span in own.critical.interrupts if own.critical else ():
            if name != "timer":
                yield self.diagnostic(f"the hypervisor does not see '{name}' of VM '{vm.name}'", span,
                                      related=[Label(controller.span, "it goes from here to the guest")],
                                      help=["name the timer alone, or give the VM a larger budget"])
