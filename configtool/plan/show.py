# SPDX-License-Identifier: Apache-2.0
"""The plan to read: as text for people, as JSON for programs."""
from __future__ import annotations

import dataclasses
import hashlib
import json

from ..units import size_text
from .model import Payload, Plan, Property, VmPlan


def to_json(plan: Plan) -> str:
    """The whole plan; payloads by size and SHA-256, properties of device trees by their DTS text."""
    return json.dumps(_plain(plan), indent=1, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, Payload):
        return {"name": value.name, "phys": value.phys, "size": len(value.data),
                "sha256": hashlib.sha256(value.data).hexdigest(), "source": value.source, "line": value.line}
    if isinstance(value, Property):
        return {value.name: value.text}
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def render(plan: Plan) -> str:
    """What a person wants to know of it: CPUs, each VM's address space and interrupts, channels, physical memory."""
    lines = [f"{plan.name} on {plan.board}: {_count(len(plan.vms), 'VM')} on {_count(len(plan.cpus), 'CPU')}, "
             f"{plan.stage2} tables", ""]
    lines += ["CPUs"] + _table([(f"{c.name}", f"hart {c.id}" if plan.arch.startswith("riscv") else f"MPIDR {c.id:#x}",
                                 f"{plan.vms[c.vm].name}, vCPU {c.vcpu}") for c in plan.cpus]) + [""]
    for vm in plan.vms:
        lines += _vm(plan, vm) + [""]
    if plan.console is not None:
        lines += [f"Console: {plan.console.name} ({plan.console.driver}) at {plan.console.base:#x}, interrupt "
                  f"{plan.console.interrupt} at {plan.cpus[plan.console.cpu].name}", ""]
    own = plan.hypervisor
    lines += ["Hypervisor"] + _table([(name, _range(r.base, r.size), size_text(r.size)) for name, r in (
        ("text", own.text), ("rodata", own.rodata), ("data", own.data), ("stacks", own.stacks),
        ("tables", own.tables))])
    lines += ["", "Image"] + _table([(p.name, _range(p.phys, len(p.data)), size_text(len(p.data)), p.source)
                                     for p in plan.payloads])
    end = max([own.window_end] + [p.phys + len(p.data) for p in plan.payloads])
    lines.append(f"  {size_text(end - own.load)} from {own.load:#x} in all")
    lines += ["", "Physical memory"] + _table([(_range(u.base, u.size), size_text(u.size), u.owner) for u in plan.uses])
    return "\n".join(lines) + "\n"


def _vm(plan: Plan, vm: VmPlan) -> list[str]:
    at = f", device tree at {vm.dtb:#x}" if vm.dtb else ""
    lines = [f"VM {vm.name}: criticality {vm.criticality}, {_count(len(vm.cpus), 'vCPU')}, entry {vm.entry:#x}{at}"]
    rows = [(m.ipa, (_range(m.ipa, m.size), m.access, size_text(m.size), f"at {m.phys:#x}", m.name)) for m in vm.maps]
    rows += [(w.ipa, (_range(w.ipa, w.size), "trap", size_text(w.size), "virtual", w.name if w.kind != "doorbell" else
                      f"{w.name}, doorbell")) for w in vm.windows]
    lines += _table([row for _, row in sorted(rows)])
    for line in vm.lines:
        source = f"source {line.physical}" if line.physical else "virtual"
        lines.append(f"  interrupt {line.guest}: {line.name} ({source}, {line.trigger})")
    for i, end in enumerate(vm.channels):
        parts = [f"{word} {_range(end.ipa + r.base, r.size)}" for word,
                 r in (("reads", end.read), ("writes", end.write)) if r.size]
        if end.rings:
            parts.append("rings " + ", ".join(f"{plan.vms[v].name} ({number})" for v, number in end.rings))
        lines.append(f"  channel {i}: {end.channel}: {', '.join(parts)}")
    return lines


def _range(base: int, size: int) -> str:
    return f"{base:#x}-{base + size - 1:#x}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns under each other, indented."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows), default=0))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
