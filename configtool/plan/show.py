# SPDX-License-Identifier: Apache-2.0
"""The plan to read: as text for people, as JSON for programs."""
from __future__ import annotations

import dataclasses
import hashlib
import json
from itertools import islice

from ..units import rate_text, size_text
from .colors import text
from .model import PAGE, Bandwidth, ColorPlan, Payload, Plan, Property, Stripe, VmPlan


def to_json(plan: Plan) -> str:
    """The whole plan; payloads by size and SHA-256, properties of device trees by their DTS text."""
    return json.dumps(_plain(plan), indent=1, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, Payload):
        where = {"stripes": _plain(value.stripes)} if value.stripes else {}
        return {"name": value.name, "phys": value.phys, "size": len(value.data),
                "sha256": hashlib.sha256(value.data).hexdigest(), "source": value.source, "line": value.line, **where}
    if isinstance(value, Property):
        return {value.name: value.text}
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)
                if not f.metadata.get("quiet") or getattr(value, f.name) != f.default}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def render(plan: Plan) -> str:
    """What a person wants to know of it: CPUs, each VM's address space and interrupts, channels, physical memory."""
    lines = [f"{plan.name} on {plan.board}: {_count(len(plan.vms), 'VM')} on {_count(len(plan.cpus), 'CPU')}, "
             f"{plan.stage2} tables", ""]
    lines += ["CPUs"] + _table([(f"{c.name}", f"hart {c.id}" if plan.arch.startswith("riscv") else f"MPIDR {c.id:#x}",
                                 f"{plan.vms[c.vm].name}, vCPU {c.vcpu}") for c in plan.cpus]) + [""]
    if plan.colors is not None:
        lines += _colors(plan, plan.colors) + [""]
    for vm in plan.vms:
        lines += _vm(plan, vm) + [""]
    if plan.console is not None:
        lines += [f"Console: {plan.console.name} ({plan.console.driver}) at {plan.console.base:#x}, interrupt "
                  f"{plan.console.interrupt} at {plan.cpus[plan.console.cpu].name}", ""]
    if plan.bandwidth is not None:
        lines += _bandwidth(plan, plan.bandwidth) + [""]
    own = plan.hypervisor
    parts = [("text", own.text), ("rodata", own.rodata), ("data", own.data), ("stacks", own.stacks)]
    if own.parts:
        lines += ["Hypervisor, by virtual address"] + _table(
            [(name, _range(r.base, r.size), size_text(r.size)) for name, r in parts])
        where = sorted((m.phys, m.stripe, m.name) for m in own.parts if not m.name.startswith("stack"))
        lines += ["  physical"] + _table([("  " + name, _stripe(stripe), size_text(stripe.size)) for _, stripe, name in where])
    else:
        lines += ["Hypervisor"] + _table([(name, _range(r.base, r.size), size_text(r.size)) for name, r in (
            *parts, ("tables", own.tables))])
    lines += ["", "Image"] + _table([(p.name, ", ".join(map(_stripe, p.places)), size_text(len(p.data)), p.source)
                                     for p in plan.payloads])
    lines.append(f"  {size_text(plan.image_end - own.load)} from {own.load:#x} in all")
    lines += ["", "Physical memory"] + _table([
        (_range(u.base, (u.end - u.base) if u.colors else u.size), size_text(u.size),
         u.owner + (f", colors {text(u.colors)}" if u.colors else "")) for u in plan.uses])
    return "\n".join(lines) + "\n"


def _colors(plan: Plan, colors: ColorPlan) -> list[str]:
    """Who has which, and what they cost."""
    lines = [f"Cache colors: {colors.how}"]
    rows: list[tuple[str, ...]] = [("hypervisor", text(colors.hypervisor))] if colors.hypervisor else []
    rows += [(name, text(own)) for name, own in colors.vms]
    rows += [(f"{vm}: memory.{region}", text(own)) for vm, region, own in colors.regions]
    rows += [(f"channels.{name}", text(own)) for name, own in colors.channels]
    lines += _table(rows)
    for vm in plan.vms:
        pages = sum(m.size for m in vm.maps if m.colors) // PAGE
        if pages:
            run = max(size for m in vm.maps for _, _, size in islice(m.pieces(), 64) if m.colors)
            tables = sum(s.size for s in plan.hypervisor.trees[1 + vm.index])
            lines.append(f"  {vm.name}: {_count(pages, 'leaf')} of 4KiB in pieces of {size_text(run)} at most, and tables "
                         f"of {size_text(tables)} (8 bytes a page), where superpages of 2MiB would be "
                         f"{_count(-(-pages // 512), 'leaf')}")
    return lines


def _stripe(stripe: Stripe) -> str:
    if not stripe.colors:
        return _range(stripe.base, stripe.size)
    return f"{_range(stripe.base, stripe.end - stripe.base)} colors {text(stripe.colors)}"


def _vm(plan: Plan, vm: VmPlan) -> list[str]:
    at = f", device tree at {vm.dtb:#x}" if vm.dtb else ""
    lines = [f"VM {vm.name}: criticality {vm.criticality}, {_count(len(vm.cpus), 'vCPU')}, entry {vm.entry:#x}{at}"]
    rows = [(m.ipa, (_range(m.ipa, m.size), m.access, size_text(m.size), f"at {m.phys:#x}"
                      + (f" colors {text(m.colors)}" if m.colors else ""), m.name)) for m in vm.maps]
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


_BAR = 40


def _bandwidth(plan: Plan, own: Bandwidth) -> list[str]:
    """Budgets against what memory gives, each as a bar; then what each vCPU counts."""
    rows = [(plan.vms[b.vm].name, b.rate) for b in own.vms]
    rows += [("hypervisor", own.reserve)] if own.reserve else []
    rest = own.capacity - sum(rate for _, rate in rows)
    lines = [f"Memory bandwidth: {rate_text(own.capacity)}"]
    lines += _table([(name, "#" * max(round(rate * _BAR / own.capacity), 1), rate_text(rate),
                      f"{rate * 100 // own.capacity}%") for name, rate in [*rows, ("without a budget", rest)] if rate > 0])
    for budget in own.vms:
        for part in budget.cpus:
            cpu = plan.cpus[part.cpu]
            parts = [f"{part.own} events of {part.bytes} bytes in {budget.microseconds} us, counter from "
                     f"2^n - {part.own}"] if part.own else []
            if part.grain:
                pool = own.pools[budget.pool]
                what = f"lends {part.claim} of" if part.claim else "draws from"
                parts.append(f"{what} {pool.grains} grains of {part.grain} events ({pool.name})")
            if budget.passes:
                parts.append(f"{part.passing} events more for interrupt {', '.join(map(str, budget.passes))}")
            lines.append(f"  {plan.vms[budget.vm].name}, vCPU {cpu.vcpu} ({cpu.name}): {'; '.join(parts)}")
    return lines


def _range(base: int, size: int) -> str:
    return f"{base:#x}-{base + size - 1:#x}"


def _count(number: int, what: str) -> str:
    if number == 1:
        return f"1 {what}"
    return f"{number} leaves" if what == "leaf" else f"{number} {what}s"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns under each other, indented."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows), default=0))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
