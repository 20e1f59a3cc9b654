# SPDX-License-Identifier: Apache-2.0
"""What the device tree of an AArch64 guest has of its own: CPUs and PSCI, timer, GIC, UART.

Sources: the kernel's bindings arm/cpus.yaml, arm/psci.yaml, timer/arm,arch_timer.yaml,
interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml, serial/pl011.yaml, clock/fixed-clock.yaml.
"""
from __future__ import annotations

from . import irqchip_gic as gic
from .model import TreeNode, Window
from .tree import cells, flag, node, numbers64, references, text
from .tree_style import Facts, Style

_GIC, _CLOCK = 1, 2                 # phandles
_UART_CLOCK = 24_000_000            # Hz, as QEMU's
_SPI, _PPI = 0, 1                   # kinds of interrupt in a specifier
_TRIGGERS = {"edge-rising": 1, "edge-falling": 2, "level-high": 4, "level-low": 8}
# The timers' private interrupts: secure, non-secure, virtual, hypervisor. Only the virtual timer's reaches a guest; the
# binding wants the others to be there.
_TIMERS = (13, 14, 11, 10)


def affinity(vcpu: int) -> int:
    """MPIDR of a vCPU: 16 to a cluster, as an SGI of a GICv3 names them."""
    return vcpu // 16 << 8 | vcpu % 16


def style(facts: Facts) -> Style:
    v2 = facts.board.controller is not None and facts.board.controller.kind == "gicv2"
    mask = ((1 << len(facts.cpus)) - 1) << 8 if v2 else 0       # CPUs of a private interrupt, in the third cell

    def specifier(number: int, trigger: str) -> tuple[int, ...]:
        how = _TRIGGERS.get(trigger, 1)                         # both edges: a GIC knows one
        return (_SPI, number - gic.SPI, how) if number >= gic.SPI else (_PPI, number - 16, mask | how)

    virtual = gic.timer_line(facts.board).guest - 16
    timers = [_TIMERS[0], _TIMERS[1], virtual, _TIMERS[3]]
    root = (
        node("psci", [text("compatible", "arm,psci-1.0", "arm,psci-0.2"), text("method", "hvc")]),
        node("timer", [text("compatible", "arm,armv8-timer"), cells("interrupt-parent", _GIC),
                       cells("interrupts", *(c for ppi in timers for c in (_PPI, ppi, mask | 4))), flag("always-on")]),
        node("clock-uart", [text("compatible", "fixed-clock"), cells("#clock-cells", 0),
                            cells("clock-frequency", _UART_CLOCK), cells("phandle", _CLOCK)]),
    )
    chips = tuple((window.ipa, _gic(window, v2)) for window in facts.windows if window.kind == "gic")
    labels = {f"cpu{index}": f"/cpus/cpu@{affinity(index):x}" for index in range(len(facts.cpus))}
    labels.update(("gic", f"/soc/{made.name}") for _, made in chips)
    return Style(_cpus(facts), root, chips, _uart, _GIC, specifier, _CLOCK, labels)


def _cpus(facts: Facts) -> TreeNode:
    return node("cpus", [cells("#address-cells", 1), cells("#size-cells", 0)], [
        node(f"cpu@{affinity(index):x}", [
            text("device_type", "cpu"), cells("reg", affinity(index)), text("compatible", *cpu.compatible),
            text("enable-method", "psci")]) for index, cpu in enumerate(facts.cpus)])


def _gic(window: Window, v2: bool) -> TreeNode:
    """The second window follows the distributor: the redistributors, or the CPU interface."""
    beside = window.ipa + gic.INTERFACE_AT
    if v2:
        kind, reg = "arm,gic-400", (window.ipa, window.size, beside, gic.INTERFACE_SIZE)
    else:
        kind, reg = "arm,gic-v3", (window.ipa, gic.INTERFACE_AT, beside, window.size - gic.INTERFACE_AT)
    return node(f"interrupt-controller@{window.ipa:x}", [
        text("compatible", kind), numbers64("reg", *reg), cells("#address-cells", 0), cells("#interrupt-cells", 3),
        flag("interrupt-controller"), cells("phandle", _GIC)])


def _uart(window: Window) -> TreeNode:
    return node(f"serial@{window.ipa:x}", [
        text("compatible", "arm,pl011", "arm,primecell"), numbers64("reg", window.ipa, window.size),
        references("clocks", ("/clock-uart", _CLOCK), ("/clock-uart", _CLOCK)),
        text("clock-names", "uartclk", "apb_pclk")])
