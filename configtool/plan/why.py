# SPDX-License-Identifier: Apache-2.0
"""`configtool plan --why PATH`: what decided a thing, the user or a rule of the plan, and with what outcome.

A path names a thing as the YAML nests it: vms.linux.memory.ram, vms.linux.cpus, vms.linux.devices.rtc@101000, channels.data.
"""
from __future__ import annotations

from typing import Callable

from ..diagnostics import UsageError
from ..system import Region, System, Vm
from ..units import size_text
from .areas import main_region
from .arch import ARCHS, Arch
from .model import Mapping, Plan, VmPlan
from .place import superpage


def why(plan: Plan, system: System, path: str) -> str:
    """Lines of text. Raises UsageError for a path that names nothing, with those that there are."""
    answers = _answers(plan, system)
    found = answers.get(path.rstrip("."))
    if found is None:
        from difflib import get_close_matches
        below = [p for p in answers if p.startswith(path.rstrip(".") + ".")]
        near = below or get_close_matches(path, answers, 3, 0.5)
        hint = "did you mean " + ", ".join(near[:8]) + "?" if near else "paths are, for example, " + ", ".join(list(answers)[:4])
        raise UsageError(f"nothing is called '{path}'; {hint}")
    return "\n".join([path.rstrip("."), *("  " + line for line in found())]) + "\n"


def _answers(plan: Plan, system: System) -> dict[str, Callable[[], list[str]]]:
    arch = ARCHS[plan.arch]
    found: dict[str, Callable[[], list[str]]] = {"hypervisor": lambda: _hypervisor(plan),
                                                 "hypervisor.console": lambda: _console(plan, system)}
    for channel in system.channels:
        found[f"channels.{channel.name}"] = lambda c=channel.name: _channel(plan, system, c)     # type: ignore[misc]
    for vm, made in zip(system.vms, plan.vms):
        at = f"vms.{vm.name}"
        found[f"{at}.cpus"] = found[f"{at}.vcpus"] = lambda v=vm, m=made: _cpus(plan, v, m)     # type: ignore[misc]
        for region in vm.memory:
            found[f"{at}.memory.{region.name}"] = lambda v=vm, m=made, r=region: _region(plan, arch, v, m, r)   # type: ignore[misc]
        found[f"{at}.image"] = lambda m=made: _images(plan, m, "image")                          # type: ignore[misc]
        if vm.linux and vm.linux.initrd:
            found[f"{at}.linux.initrd"] = lambda m=made: _images(plan, m, "initrd")              # type: ignore[misc]
        if made.dtb:
            found[f"{at}.devicetree"] = lambda m=made: _images(plan, m, "dtb")                   # type: ignore[misc]
        found[f"{at}.console"] = lambda m=made: _uart(arch, m)                                   # type: ignore[misc]
        for mapping in made.maps:
            for name in mapping.name.removeprefix("devices: ").split(", ") if mapping.kind == "device" else ():
                found[f"{at}.devices.{name}"] = lambda m=made, n=name: _device(m, n)             # type: ignore[misc]
        for end in made.channels:
            found[f"{at}.channels.{end.channel}"] = lambda c=end.channel: _channel(plan, system, c)     # type: ignore[misc]
    return found


def _span(m: Mapping) -> str:
    return f"{m.ipa:#x} to {m.end:#x} ({size_text(m.size)})"


def _hypervisor(plan: Plan) -> list[str]:
    own = plan.hypervisor
    pages = own.tables.size // 4096
    return [f"{own.load:#x} to {own.window_end:#x}, {size_text(own.window_end - own.load)}",
            f"starts at the load address of the board, {own.load:#x}",
            f"rodata has room for the configuration of {len(plan.vms)} VMs; stacks: {len(plan.cpus)} CPUs, a page each and one "
            "that is not mapped below it",
            f"tables: {pages} pages, just as many as the VMs' maps and the hypervisor's own need"]


def _console(plan: Plan, system: System) -> list[str]:
    if plan.console is None:
        return ["none: " + ("the YAML says so" if system.console == "none" else "the board names no UART that there is a driver for")]
    chosen = f"written in line {plan.console.line}" if plan.console.line else "stdout-path of the board's device tree"
    cpu = plan.cpus[plan.console.cpu]
    return [f"{plan.console.name}, {plan.console.driver} at {plan.console.base:#x}: {chosen}",
            f"its interrupt {plan.console.interrupt} goes to {cpu.name}: vCPU 0 of '{plan.vms[cpu.vm].name}', of the least "
            "critical VMs the first"]


def _cpus(plan: Plan, vm: Vm, made: VmPlan) -> list[str]:
    names = ", ".join(plan.cpus[i].name for i in made.cpus)
    if vm.cpus is not None and vm.cpus.names:
        return [f"{names}: named in line {vm.cpus.span.line}"]
    cluster = f" of cluster {vm.cpus.cluster}" if vm.cpus and vm.cpus.cluster else ""
    return [f"{names}: {len(made.cpus)} asked for in line {vm.cpus.span.line if vm.cpus else 0}",
            f"the lowest CPUs{cluster} that no VM names and no VM before it in the file was given"]


def _region(plan: Plan, arch: Arch, vm: Vm, made: VmPlan, region: Region) -> list[str]:
    extent = next(e for e in made.regions if e.name == region.name)
    base = extent.ipa
    lines = [f"guest {base:#x} to {extent.end:#x} ({size_text(region.size)} written in line {region.size_span.line})"]
    if isinstance(region.at, int):
        lines.append(f"guest address: written in line {region.at_span.line if region.at_span else region.span.line}")
    elif region.at == "identity":
        lines.append("guest address: the physical one (`at: identity`)" + (
            "" if region.phys is not None else ", the lowest free place behind the image's other parts"))
    elif region is main_region(vm):
        lines.append(f"guest address: the usual one of {plan.arch}" if base == arch.ram else
                     "guest address: the lowest that its images are tied to, rounded down to 2MiB")
    else:
        lines.append("guest address: above the VM's other regions")
    for m in (m for m in made.maps if base <= m.ipa < extent.end):
        leaf = superpage(m.ipa, m.size, arch.stage2[0].leaves)
        if m.kind != "ram":
            reason = f"{m.name}, mapped where it lies in the flat image"
        elif region.phys is not None:
            reason = "`phys:` says so"
        elif region.at == "identity":
            reason = "identity"
        elif (m.ipa - m.phys) % leaf == 0:
            reason = f"the lowest free place that agrees with the guest address modulo {size_text(leaf)}, the largest page that fits"
        else:
            reason = f"no free place agrees with the guest address modulo {size_text(leaf)}"
        lines.append(f"{_span(m)} at physical {m.phys:#x}: {reason}")
    return lines


def _images(plan: Plan, made: VmPlan, kind: str) -> list[str]:
    lines = []
    for m in made.maps:
        if m.kind == kind:
            payload = next((p for p in plan.payloads if p.phys <= m.phys < p.phys + len(p.data)), None)
            source = f", from {payload.source}" if payload and payload.source else ""
            place = "in place inside identity memory" if m.ipa == m.phys else "packed behind the hypervisor's tables" \
                if m.size < 2 << 20 else "at the same place in a page of 2MiB as in the guest"
            lines.append(f"{_span(m)} at physical {m.phys:#x}{source}: {place}")
    if kind == "image":
        lines.append(f"entry {made.entry:#x}")
    return lines or ["nothing"]


def _uart(arch: Arch, made: VmPlan) -> list[str]:
    window = next((w for w in made.windows if w.kind == "uart"), None)
    if window is None:
        return ["none: `console: none`"]
    place = "the usual address" if window.ipa == arch.uart else f"the next free address behind the usual one, {arch.uart:#x}"
    number = "the usual number" if made.uart_line == arch.uart_interrupt else \
        f"the lowest free number, as {arch.uart_interrupt} belongs to a device"
    return [f"virtual UART at {window.ipa:#x}: {place}", f"interrupt {made.uart_line}: {number}"]


def _device(made: VmPlan, name: str) -> list[str]:
    lines = []
    for m in made.maps:
        if m.kind == "device" and name in m.name.removeprefix("devices: ").split(", "):
            place = "its physical address" if m.ipa == m.phys else f"`at:` says so; physical {m.phys:#x}"
            lines.append(f"{_span(m)}: {place}")
    for line in made.lines:
        if line.name == f"devices: {name}":
            lines.append(f"interrupt {line.guest}: the number of its source at the board's controller")
    return lines


def _channel(plan: Plan, system: System, name: str) -> list[str]:
    channel = next(c for c in system.channels if c.name == name)
    lines: list[str] = []
    for vm, made in zip(system.vms, plan.vms):
        for end in made.channels:
            if end.channel != name:
                continue
            override = next((o for o in vm.channels if o.name == name), None)
            m = next(m for m in made.maps if m.name == f"channels.{name}")
            if not lines:
                lines.append(f"{size_text(channel.size)} at physical {m.phys:#x}: " + (
                    "`phys:` says so" if channel.phys is not None else "the lowest free place after the VMs' own memory"))
            fixed = f"line {override.span.line} says so" if override and override.at is not None else \
                "the first room where channels go"
            number = f", interrupt {end.interrupt}" if end.interrupt else ""
            lines.append(f"in '{vm.name}': {end.ipa:#x}{number}: {fixed}")
    return lines
