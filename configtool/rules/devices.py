# SPDX-License-Identifier: Apache-2.0
"""Rules on devices: each is there, can be given away, and has one owner."""
from __future__ import annotations

from typing import Iterator

from ..board.assign import KEPT
from ..diagnostics import Diagnostic, Label
from ..schema_words import nearest
from .owners import Given, board_of, console_of, listed, missing, named, owners, pages
from .registry import Context, Rule, rule

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""
_RTC = _VM + "    devices: [rtc@101000]\n"
_CONSOLE = _VM + "    devices: [serial0]\n"
_UART1 = ("# with this in board.dts: &{/soc} { uart1: serial@10000100 { compatible = \"ns16550a\"; "
          "reg = <0 0x10000100 0 0x100>; }; };\n")
_GPIO = ("# with this in board.dts: &{/soc} { gpio@101800 { compatible = \"arm,pl061\"; "
         "reg = <0 0x101800 0 0x100>; }; };\n")
_TWO = _RTC + _RTC.split("\n", 1)[1].replace("hello", "other")


@rule("BH0501", "device that the board does not have", phase="board", explain="""\
A device is named by its label, an alias, its path or its node's name (`rtc@101000`) in the board's device tree. None of
these is the name that stands here, or the name of the node stands several times in the tree, and only the path tells
which one is meant. `configtool board show BOARD` lists the devices.""",
      fails=_RTC.replace("101000", "10100"), passes=_RTC)
def unknown_device(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for name, span, _ in named(context):
        if board.device(name) is not None:
            continue
        twins = [d for d in board.devices if d.name == name]
        if twins:
            yield self.diagnostic(f"'{name}' stands for {len(twins)} devices of board {board.name}", span,
                                  related=[Label(d.span, d.path) for d in twins[:4]],
                                  help=[f"give the path of one: {listed([d.path for d in twins])}"])
        elif missing(board, name) is None:
            names = [n for d in board.devices for n in (d.name, d.label, *d.aliases, *([d.path] if "/" in name else ()))
                     if n]
            near = nearest(name, names, 3)
            yield self.diagnostic(f"board {board.name} has no device '{name}'", span, help=[
                f"did you mean {' or '.join(repr(n) for n in near)}?" if near else
                f"configtool board show {context.system.board} lists its devices"])


@rule("BH0502", "device that is disabled", phase="board", needs=("BH0501",), explain="""\
The device tree says `status = "disabled"` for the device or for a bus above it: it is not there, not wired, or the
firmware or the secure world keeps it. Where it can be used on your board, enable it in the board's device tree.""",
      fails=_RTC + "# with this in board.dts: &rtc { status = \"disabled\"; };\n", passes=_RTC)
def disabled_device(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for name, span, _ in named(context):
        device = board.device(name)
        if device is not None and not device.enabled:
            node = device.node
            while node is not None and node.okay:
                node = node.parent
            status = node.get("status") if node else None
            above = f" with its bus {node.name}" if node is not None and node is not device.node else ""
            text = status.value.rstrip(b"\0").decode("utf-8", "replace") if status else ""
            yield self.diagnostic(f"device '{name}' is disabled{above}", span,
                                  related=[Label(status.span if status else device.span, f"its status is \"{text}\"")],
                                  help=[f"where the hardware is there, enable it in {board.dts}: "
                                        "&label { status = \"okay\"; };"])


@rule("BH0503", "node that is no device of its own", phase="board", needs=("BH0501",), explain="""\
The name stands for a node of the device tree that cannot be given to a VM by itself. A chip behind a bus without
addresses of its own (I2C, SPI, MDIO) and a function behind a PCI host bridge go with the device that they are behind:
what reaches them is that device's registers, which cannot be split. CPUs and memory are given by `cpus` and `memory`. A
node with neither registers nor interrupts describes something to Linux, and there is nothing to give.""",
      fails=_RTC.replace("rtc@101000", "/cpus/cpu@1"), passes=_RTC)
def no_device(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for name, span, _ in named(context):
        found = missing(board, name) if board.device(name) is None else None
        if found is not None:
            node, reason, help_ = found
            yield self.diagnostic(f"'{name}' {reason}", span, related=[Label(node.span)], help=help_)


@rule("BH0504", "device in two VMs", phase="board", explain="""\
A device has one owner. Where two VMs are really meant to use its registers, every one of them says so: `{name: ...,
shared: true}`. A device that interrupts cannot be shared at all (BH0511).""", fails=_TWO, passes=_RTC)
def two_owners(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    first: dict[str, Given] = {}
    for given in owners(context):
        before = first.setdefault(given.device.path, given)
        if before is given or given.vm is not before.vm and given.shared and before.shared:
            continue
        name = given.name
        where = f"in VM '{before.vm.name}' and in VM '{given.vm.name}'"
        if given.vm is before.vm:
            where = f"twice in VM '{given.vm.name}'"
        taken = {g.device.path for g in owners(context)} | ({c.path} if (c := console_of(context)) else set())
        free = [d.label or d.name for d in board.devices if d.path not in taken and d.enabled
                and set(d.compatible) & set(given.device.compatible)]
        yield self.diagnostic(f"device {name} is {where}", given.span, "again here",
                              related=[Label(before.span, "first here"), Label(given.device.span)],
                              help=[f"remove one of them; free and of the same kind: {listed(free)}" if free
                                    else "remove one of them"])


@rule("BH0505", "device that no VM can have", phase="board", explain="""\
Interrupt controllers and IOMMUs hold the partitions apart, so they are the hypervisor's; a guest has a virtual
interrupt controller. The CLINT belongs to the firmware. CPU timers come with the CPU. The device that resets or powers
off the board would take all VMs with it: a guest's own reset and power-off (SBI SRST, PSCI) act on its VM, whatever
`on_reset` and `on_poweroff` say.""",
      fails=_RTC.replace("rtc@101000", "plic"), passes=_RTC)
def kept_device(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for given in owners(context):
        if given.device.kind in KEPT:
            yield self.diagnostic(f"device {given.name} cannot be given to a VM", given.span,
                                  related=[Label(given.device.span)], notes=[KEPT[given.device.kind]],
                                  help=["remove it"])


@rule("BH0506", "console of the hypervisor given to a VM", phase="board", explain="""\
The hypervisor prints to this UART, and the virtual consoles of all VMs share it. A VM that wrote to it would garble
them, and one that read from it would take their input. Either leave it to the hypervisor (each VM has a virtual UART
anyway), give the hypervisor another one with `hypervisor: {console: NAME}`, or none: `console: none`.""",
      fails=_CONSOLE, passes="hypervisor: {console: none}\n" + _CONSOLE)
def console_given(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board, console = board_of(context), console_of(context)
    for given in owners(context):
        if console is not None and given.device.path == console.path:
            chosen = context.system.console_span
            node = board.tree.nodes.get("/chosen") if board.tree else None
            stdout = node.get("stdout-path") if node else None
            if chosen:
                why = [Label(chosen, "the hypervisor's console")]
            else:
                why = [Label(stdout.span, "the board's console")] if stdout else []
            yield self.diagnostic(f"device {given.name} is the hypervisor's console", given.span,
                                  f"given to VM '{given.vm.name}'", related=why,
                                  help=["remove it: the VM has a virtual UART",
                                        "or write hypervisor: {console: none}: then it prints nothing"])


@rule("BH0507", "page shared with a device of somebody else", phase="board",
      needs=("BH0504", "BH0505", "BH0506"), explain="""\
Memory is given page by page, 4KiB each. Registers of another device lie in a page of this one, so the VM could program
both. Give both to the same VM. Some SoCs have a firewall that splits them; a device tree does not show it.""",
      fails=_RTC.replace("rtc@101000", "uart1") + _UART1, passes=_RTC)
def shared_page(self: Rule, context: Context) -> Iterator[Diagnostic]:
    yield from _neighbours(self, context, owned=True)


@rule("BH0508", "page shared with a device of nobody", phase="board", severity="warning",
      needs=("BH0504", "BH0505", "BH0506"), explain="""\
Registers of a device that no VM has lie in a page of this one, so the VM gets them, too. That may be fine, or it may be
a clock or reset controller that moves the ground under the other VMs. Allow the warning where you know it to be
harmless; giving the neighbour to the same VM says so as well.""",
      fails=_RTC + _GPIO, passes=_RTC)
def unowned_page(self: Rule, context: Context) -> Iterator[Diagnostic]:
    yield from _neighbours(self, context, owned=False)


def _neighbours(self: Rule, context: Context, owned: bool) -> Iterator[Diagnostic]:
    board, console, all_given = board_of(context), console_of(context), list(owners(context))
    who = {g.device.path: g for g in all_given}
    for given in all_given:
        mine, found, labels = pages(given.device), [], []
        for other in board.devices:
            if other.path == given.device.path or not other.enabled or not other.registers:
                continue
            if not any(a < d and c < b for a, b in mine for c, d in pages(other)):
                continue
            owner = who.get(other.path)
            if owner is not None and owner.vm is given.vm:
                continue
            is_console = console is not None and other.path == console.path
            related = given.device.path.startswith(other.path + "/") or other.path.startswith(given.device.path + "/")
            if owned and owner is not None and not (owner.shared and given.shared):
                found.append(f"{other.name} of VM '{owner.vm.name}'")
                labels.append(Label(owner.span, f"{other.name} is given to VM '{owner.vm.name}' here"))
            elif owned and (is_console or other.kind in KEPT):
                found.append(f"{other.name}, the hypervisor's console" if is_console
                             else f"{other.name}, {_keeper(other.kind)}")
                labels.append(Label(other.span))
            elif not owned and owner is None and not is_console and other.kind not in KEPT and not related:
                found.append(other.name)
                labels.append(Label(other.span))
        if found:
            it = "it" if len(found) == 1 else "them"
            yield self.diagnostic(f"device {given.name} shares a page with {listed(found)}", given.span,
                                  f"VM '{given.vm.name}' would have both", related=labels[:4],
                                  help=[_apart(found, labels) if owned else
                                        f"give {it} to VM '{given.vm.name}', too, or allow the warning"])


def _apart(found: list[str], labels: list[Label]) -> str:
    if any("the hypervisor's console" in text for text in found):
        return "take another UART as hypervisor.console, or leave the device out"
    return "give both to the same VM" if all(label.text for label in labels) else "leave the device out"


def _keeper(kind: str) -> str:
    known = {"clint": "which the firmware has", "power": "which acts on the whole board"}
    return known.get(kind, "which the hypervisor has")


@rule("BH0509", "registers over memory", phase="board", explain="""\
The device tree places the device's registers where the board has RAM or where firmware lives. One of the two is
described wrongly. A VM that was given this window would have that memory.""",
      fails=_RTC + "# with this in board.dts: &rtc { reg = <0 0x80200000 0 0x1000>; };\n", passes=_RTC)
def over_memory(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    ranges = [(r.base, r.end, f"'{r.name}'", r.span) for r in board.reserved]
    ranges += [(b.base, b.end, "the board's RAM", b.span) for b in board.memory]
    for given in owners(context):
        for base, end in pages(given.device):
            hit = next((r for r in ranges if base < r[1] and r[0] < end), None)
            if hit is not None:
                reg = given.device.node.get("reg") if given.device.node else None
                yield self.diagnostic(
                    f"the registers of device {given.name} lie over {hit[2]}", given.span,
                    related=[Label(reg.span if reg else given.device.span, f"registers: {base:#x} to {end:#x}"),
                             Label(hit[3], f"{hit[0]:#x} to {hit[1]:#x}")],
                    help=["correct the device tree, or the firmware in board.yaml"])
                break


@rule("BH0510", "device that cannot be read", phase="board", explain="""\
A property of the device in the board's device tree does not have the form that its meaning asks for, so that its
registers or interrupts are not known. Other devices are not concerned.""",
      fails=_RTC + "# with this in board.dts: &rtc { reg = <0 0x101000 0x1000>; };\n", passes=_RTC)
def malformed_device(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for given in owners(context):
        for message, span in given.device.problems:
            yield self.diagnostic(f"device {given.name} is malformed in the device tree", given.span,
                                  related=[Label(span, message)],
                                  help=["correct the device tree"])
