# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's own memory and address space, and its console."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterable, Sequence

from ..board.model import Board, Cpu, Device
from ..source import Span
from ..system import System, Vm
from . import irqchip, layout
from .arch import Arch
from .layout import pages
from .model import PAGE, Console, CpuPlan, HypervisorPlan, Mapping, Range, VmPlan


@dataclass(frozen=True)
class Windows:
    """Its memory below the tables, from the load address up."""
    text: Range
    rodata: Range
    data: Range
    stacks: Range
    stack: tuple[Range, ...]        # of each CPU


def windows(load: int, code: int, cpus: int, vms: int, virqs: int, rodata: int) -> Windows:
    """`code`: bytes of it; `virqs`: of all VMs' interrupt controllers, as far as layout.DATA_VM does not hold them."""
    text = Range(load, code)
    constants = Range(text.end, rodata)
    data = Range(constants.end, pages(layout.DATA + cpus * layout.DATA_CPU + vms * layout.DATA_VM + virqs))
    each = layout.GUARD + layout.STACK
    stack = tuple(Range(data.end + i * each + layout.GUARD, layout.STACK) for i in range(cpus))
    return Windows(text, constants, data, Range(data.end, cpus * each), stack)


def rodata_size(vms: Sequence[VmPlan], cpus: int, sources: int, budgets: bool = False) -> int:
    """Whole pages for the code's constants and for what config.c makes of the plan."""
    size = cpus * layout.CONFIG_BUDGET if budgets else 0
    size += layout.CONFIG + cpus * layout.CONFIG_CPU + (sources + 1) * layout.CONFIG_IRQ + (sources + 32) // 32 * 4
    for vm in vms:
        size += layout.CONFIG_VM + len(vm.windows) * layout.CONFIG_WINDOW + 2 * len(vm.cpus)
        size += (len(vm.maps) + len(vm.windows)) * layout.CONFIG_PLACE
        size += sum(len(m.name) for m in vm.maps) + sum(len(w.name) for w in vm.windows) + len(vm.name)
        size += sum(layout.CONFIG_CHANNEL + len(c.channel) + len(c.rings) * layout.CONFIG_RING for c in vm.channels)
        size += len(vm.firmware) * layout.CONFIG_FIRMWARE
        size += (max((line.guest for line in vm.lines), default=0) + 1) * layout.CONFIG_GUEST_IRQ
    return pages(layout.RODATA + size)


def hypervisor_maps(own: HypervisorPlan, cpus: Sequence[CpuPlan]) -> list[Mapping]:
    """What the hypervisor maps for itself, virtual = physical but with colours; no page is both writable and
    executable."""
    events = [Mapping(own.events.base, own.events.base, own.events.size, "rw", "ram", "events")] if own.events.size \
        else []
    if own.parts:
        return [*own.parts, *events, *own.devices, *own.copies]
    return [Mapping(own.text.base, own.text.base, own.text.size, "rx", "ram", "text"),
            Mapping(own.rodata.base, own.rodata.base, own.rodata.size, "r", "ram", "rodata"),
            Mapping(own.data.base, own.data.base, own.data.size, "rw", "ram", "data"),
            *(Mapping(c.stack.base, c.stack.base, c.stack.size, "rw", "ram", f"stack of {c.name}") for c in cpus),
            *events, *own.devices, *own.copies]


Maps = tuple[Iterable[Mapping], str]        # of one tree of translation tables, and its format


def trees(own: HypervisorPlan, cpus: Sequence[CpuPlan], vms: Sequence[VmPlan], arch: Arch, stage1: str, stage2: str,
          ) -> list[Maps]:
    """All trees of a system in the order of their memory: the hypervisor's own; each VM's; the hypervisor's own with
    the memory of one VM besides, for each VM that can be restarted, where the architecture needs that."""
    mine = hypervisor_maps(own, cpus)
    found: list[Maps] = [(mine, stage1), *((vm.maps, stage2) for vm in vms)]
    for vm in restored(vms, arch):
        memory = [replace(m, ipa=m.ipa - r.ipa + r.to, access="rw", kind="ram", name=f"{vm.name}: memory to restore")
                  for r in vm.restores for m in vm.maps if r.ipa <= m.ipa < r.ipa + r.size]
        found.append(([*mine, *memory], stage1))
    return found


def restored(vms: Sequence[VmPlan], arch: Arch) -> list[VmPlan]:
    """The VMs that have such a table."""
    return [vm for vm in vms if vm.restores and arch.restore_tables]


def with_roots(vms: Sequence[VmPlan], roots: Sequence[int], arch: Arch) -> list[VmPlan]:
    """The VMs with the addresses of their tables, which are those of trees()."""
    second = dict(zip((vm.index for vm in restored(vms, arch)), roots[1 + len(vms):]))
    return [replace(vm, table=root, restore_table=second.get(vm.index, 0)) for vm, root in zip(vms, roots[1:])]


def spin_table(board: Board, cpus: Sequence[Cpu]) -> list[Mapping]:
    """Pages of the words that release CPUs. Devices, because a CPU without caches reads them."""
    bases = {cpu.release_addr // PAGE * PAGE for cpu in cpus
             if cpu.enable_method == "spin-table" and cpu.release_addr is not None}
    return [Mapping(base, base, PAGE, "rw", "device", "spin table") for base in sorted(bases)]


def own_devices(board: Board, console: Console | None, cpus: Sequence[Cpu]) -> tuple[Mapping, ...]:
    """Pages of the interrupt controller, the spin table and the console's UART, by address. `cpus`: those that the plan uses."""
    found = [*irqchip.own_maps(board, cpus), *spin_table(board, cpus)]
    if console is not None:
        base = console.base // PAGE * PAGE
        found.append(Mapping(base, base, pages(console.base + console.size) - base, "rw", "device", "console",
                             console.line))
    return tuple(sorted(found, key=lambda m: m.ipa))


# The driver for a UART, by compatible. A driver is a file of hypervisor/drivers.
DRIVERS = {
    "arm,pl011": "pl011", "arm,sbsa-uart": "pl011", "cdns,uart-r1p12": "cadence", "xlnx,xuartps": "cadence",
    "ns16550a": "ns16550a", "ns16550": "ns16550a",
    "snps,dw-apb-uart": "soc8250", "nvidia,tegra20-uart": "soc8250", "brcm,bcm2835-aux-uart": "soc8250",
    "ti,am654-uart": "soc8250", "ti,omap4-uart": "soc8250", "ti,omap3-uart": "soc8250", "ti,omap2-uart": "soc8250",
    "mediatek,mt6577-uart": "soc8250", "intel,xscale-uart": "soc8250", "mrvl,mmp-uart": "soc8250",
    "fsl,imx6q-uart": "imx-uart", "fsl,imx21-uart": "imx-uart", "fsl,imx53-uart": "imx-uart",
    "fsl,imx8qxp-lpuart": "lpuart", "fsl,imx7ulp-lpuart": "lpuart",
    "amlogic,meson-uart": "meson-uart", "amlogic,meson-gx-uart": "meson-uart", "amlogic,meson-ao-uart": "meson-uart",
    "amlogic,meson-g12a-uart": "meson-uart", "amlogic,meson-s4-uart": "meson-uart",
    "sifive,uart0": "sifive-uart",
    "qcom,geni-debug-uart": "geni-uart", "marvell,armada-3700-uart": "armada3700-uart",
    "renesas,scif": "scif", "renesas,hscif": "scif", "renesas,scif-r9a07g044": "scif", "renesas,scif-r9a09g057": "scif",
    "samsung,exynos4210-uart": "exynos-uart", "samsung,exynos5433-uart": "exynos-uart",
    "samsung,exynos850-uart": "exynos-uart", "samsung,exynos8895-uart": "exynos-uart", "google,gs101-uart": "exynos-uart"}

# (reg-shift, reg-io-width) of kinds whose bindings take them as known. Elsewhere these two properties say so, and without
# them a register is a byte beside the next.
_STRIDES = {**dict.fromkeys(("nvidia,tegra20-uart", "brcm,bcm2835-aux-uart", "ti,am654-uart", "ti,omap4-uart", "ti,omap3-uart",
                             "ti,omap2-uart", "mediatek,mt6577-uart", "intel,xscale-uart", "mrvl,mmp-uart"), (2, 4)),
            "renesas,scif": (2, 2), "renesas,hscif": (2, 2), "renesas,scif-r9a07g044": (1, 2), "renesas,scif-r9a09g057": (1, 2)}


def console(system: System, board: Board, device: Device | None, interrupt: int, cpu: int) -> Console | None:
    """The hypervisor's console; None without a device or a driver for it."""
    if device is None or not device.registers:
        return None
    kind = next((c for c in device.compatible if c in DRIVERS), None)
    if kind is None:
        return None
    base, size = device.registers[0]
    node, (usual_shift, usual_width) = device.node, _STRIDES.get(kind, (0, 1))
    shift = node.u32("reg-shift", usual_shift) if node is not None else 0
    width = node.u32("reg-io-width", usual_width) if node is not None else 1
    span: Span | None = system.console_span
    return Console(DRIVERS[kind], base, size, interrupt, shift or 0, width or 1, cpu, system.console or device.name,
                   span.line if span else 0)


def console_source(device: Device | None, controller: str | None) -> int:
    """The interrupt by which the UART tells of input: the one that is called so, or the first; 0: none."""
    if device is None:
        return 0
    names = device.node.strings("interrupt-names") if device.node else ()
    received = [i for i, name in zip(device.interrupts, names) if name == "rxi"]        # of RZ's SCIF
    return next((i.number for i in (*received, *device.interrupts) if i.controller == controller), 0)


def console_vm(system: System, board: Board) -> int:
    """Index of the VM whose first CPU serves the console: of those of the lowest criticality the first. A CPU that its
    guest's interrupts reach without the hypervisor comes last where the hypervisor can take none of its own there."""
    def last(vm: Vm) -> bool:
        return vm.direct and board.security_states != 1

    return min(range(len(system.vms)), key=lambda i: (last(system.vms[i]), system.vms[i].criticality, i))


def takes_input(system: System, board: Board) -> bool:
    """Whether some CPU can take the interrupts of the console's UART."""
    return board.security_states == 1 or not all(vm.direct for vm in system.vms)


