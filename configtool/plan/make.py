# SPDX-License-Identifier: Apache-2.0
"""The plan of a system: all decisions, in one order, then a check of the result that shares nothing with them.

Sizes of the translation tables, of the config and of the device trees depend on where things lie, and where things lie
on those sizes. So an attempt is made with sizes as they were needed by the one before, until they are right.
"""
from __future__ import annotations

import os
from dataclasses import replace
from typing import Mapping as MappingType, Protocol

from ..board.dts import DeviceTree
from ..board.load import read_tree
from ..board.model import Board, Device
from ..diagnostics import Diagnostic, Label
from ..emit.fdt import serialise
from ..image.model import Image
from ..source import Span
from ..system import System, Vm
from ..units import size_text
from . import colored, cpus as cpu_choice, firmware, guest_tree, irqchip, own_tree
from .arch import ARCHS, FORMATS, Arch, TableFormat
from .areas import Chunk, Layout, bases, lay_out
from .bandwidth import budgets
from .check import check
from .colored import restarts
from .colors import palette
from .devices import console_device, given, interrupts, mappings
from .failure import InternalError, Problems
from .guest import Numbers, Outer, channel_end, channel_mappings, ends, numbers, surround
from .layout import FILLING, pages
from .model import (PAGE, ChannelEnd, CpuPlan, Extent, HypervisorPlan, Irqchip, Line, Mapping, Payload, Plan, Range,
                    Restore, Stripe, TreeNode, VmPlan, mapped)
from .own import (Windows, console, console_source, console_vm, hypervisor_maps, own_devices, restored, rodata_size,
                  takes_input, trees, windows, with_roots)
from .parts import parts
from .place import Placement, Run, runs
from .possible import possible
from .restart import policy, restores, watchdog
from .sizes import Sizes
from .space import Space
from .tables import blob
from .tree_style import Facts
from .words import amount, spoken

_ATTEMPTS = 12


class Sink(Protocol):
    def add(self, diagnostic: Diagnostic) -> None: ...


def make_plan(system: System, board: Board, images: MappingType[str, Image], sink: Sink,
              places: dict[str, own_tree.Places] | None = None) -> Plan | None:
    """None, with the reasons in the sink, when there is no such plan. `images` by resolved path. `places` takes, by VM,
    what overlays said in its tree.

    The rules of the earlier phases have passed: names exist, there are enough CPUs.
    """
    problems = Problems()
    plan = None
    if possible(system, board, problems):
        maker = _Maker(system, board, images, problems)
        plan = maker.make()
        if places is not None:
            places.update(maker.places)
    for diagnostic in problems.found:
        sink.add(diagnostic)
    if plan is None:
        return None
    check(plan, board)
    return plan


class _Maker:
    def __init__(self, system: System, board: Board, images: MappingType[str, Image], problems: Problems) -> None:
        self.system, self.board, self.images, self.problems = system, board, images, problems
        self.arch: Arch = ARCHS[board.arch]
        self.index = {vm.name: i for i, vm in enumerate(system.vms)}
        self.own_trees = self._read_trees()
        self.vm_cpus = cpu_choice.assign(system, board)
        self.all_cpus = sorted((c for chosen in self.vm_cpus for c in chosen), key=lambda c: c.id)
        self.given = given(system, board)
        self.sources = {name: interrupts(devices, board) for name, devices in self.given.items()}
        self.device_maps = {name: mappings(devices) for name, devices in self.given.items()}
        always = irqchip.fixed_lines(board)
        fixed = {o.interrupt for vm in system.vms if vm.direct for o in vm.channels}
        self.spares = [n for n in irqchip.spares(board) if n not in fixed]
        self.numbers = {vm.name: self._numbers(vm, always) for vm in system.vms}
        self.bandwidth = budgets(system, board, self.vm_cpus, self.all_cpus,
                                 {name: own.lines for name, own in self.numbers.items()}, problems)
        self.chips = {vm.name: irqchip.virtual(board, self.arch, len(cpus))
                      for vm, cpus in zip(system.vms, self.vm_cpus)}
        self.bases = {vm.name: bases(vm, images, self.arch) for vm in system.vms}
        self._trees: dict[tuple[str, Layout], tuple[TreeNode, bytes]] = {}
        self._left_out: dict[str, tuple[str, ...]] = {}
        self.places: dict[str, own_tree.Places] = {}    # of each VM with an overlay
        self.colors = palette(system, board)
        for f in self.colors.findings:
            problems.report(f.code, f.message, f.span, f.text, related=f.related, notes=f.notes, help=f.help)
        self._runs: list[tuple[Run, bytes]] = []        # of the last attempt, with the VM's device tree
        self._parts: tuple[Mapping, ...] = ()           # HypervisorPlan.parts, .trees
        self._tree_places: tuple[tuple[Stripe, ...], ...] = ()
        self._stage2_root = self.arch.stage2[0].root_size

    def _numbers(self, vm: Vm, always: tuple[Line, ...]) -> Numbers:
        try:
            return numbers(self.system, vm, self.sources[vm.name], self.arch, always,
                           self.spares if vm.direct else None)
        except IndexError:
            controller = self.board.controller
            self.problems.report(
                "BH1002", f"the board has no interrupt left for the virtual lines of VM '{vm.name}'",
                vm.interrupts_span or vm.span, "its console and its doorbells need one each",
                related=(Label(controller.span, "every interrupt of this one is a device's, or in use"),) if controller
                else (), help=("write console: none, or doorbell: none where nobody listens, or interrupts: virtual",))
            return Numbers(always, 0, {})

    def make(self) -> Plan | None:
        sizes = Sizes(0, pages(1), tuple(PAGE if vm.devicetree != "none" else 0 for vm in self.system.vms))
        if self.problems.fatal:
            return None
        for attempt in range(_ATTEMPTS):
            made = self._attempt(sizes)
            if made is None:
                return None
            plan, needed = made
            if needed == sizes or attempt >= 4 and sizes.covers(needed):
                return replace(plan, payloads=self._payload_data())
            sizes = needed if attempt < 4 else sizes.joined(needed)
        raise InternalError("the sizes of tables and device trees do not settle")

    def _attempt(self, sizes: Sizes) -> tuple[Plan, Sizes] | None:
        system, board, problems = self.system, self.board, self.problems
        own = self._windows(sizes)
        space = Space(((b.base, b.size) for b in board.memory), self.colors.count)
        for reserved in board.reserved:
            space.reserve(reserved.base // PAGE * PAGE, pages(reserved.end), reserved.name)
        placement = Placement(space, self.arch, problems, self.colors)
        if not placement.fix_window(board, colored.window_end(board, self.arch, self.colors, own, sizes)):
            return None
        channels = self._fixed(placement)
        if problems.fatal:
            return None
        self._parts = colored.own_parts(own, self.colors, placement, self._color_span()) if self.colors.used else ()
        self._tree_places = colored.tree_places(system, self.colors, sizes, placement, self._stage2_root,
                                                self._color_span())
        if problems.fatal:
            return None

        layouts: dict[str, Layout] = {}
        held: dict[str, list[Run]] = {}
        copies: dict[str, list[Run]] = {}
        for floating in (False, True):
            waiting: list[Run] = []
            for vm, dtb_size in zip(system.vms, sizes.dtbs):
                if any(base is None for base in self.bases[vm.name].values()) != floating:
                    continue
                placed = self._float(vm, placement)
                if problems.fatal:
                    return None
                layout = lay_out(vm, self.images, self.arch, placed, dtb_size, problems)
                if problems.fatal:
                    continue
                layouts[vm.name] = layout
                waiting += runs(vm, layout, self._dtb_chunk(vm, layout, dtb_size))
            if problems.fatal:
                return None
            self._payloads(waiting, placement, held)
            if not floating:
                copies = self._copies(sizes, placement)
        end = max([colored.window_end(board, self.arch, self.colors, own, sizes)]
                  + [s.end for tree in self._tree_places for s in tree])
        self._flat_image(held, end, placement)
        if problems.fatal:
            return None
        events = placement.events(system, [r for made in (held, copies) for some in made.values() for r in some],
                                  max(end, own.stacks.end))

        outers = {vm.name: surround(system, vm, layouts[vm.name], self.device_maps[vm.name], self.given[vm.name],
                                    self.arch, self.chips[vm.name], problems) for vm in system.vms}
        if problems.fatal:
            return None
        maps = {vm.name: self._memory(vm, layouts[vm.name], held.get(vm.name, []), placement) for vm in system.vms}
        for channel in system.channels:
            if channel.name not in channels:
                stripes = placement.channel(channel, outers[channel.ends[0][0]].channels[channel.name])
                if stripes:
                    channels[channel.name] = stripes
        if problems.fatal:
            return None
        return self._finish(sizes, space, layouts, held, copies, outers, maps, channels, events)

    def _windows(self, sizes: Sizes) -> Windows:
        most = max(len(cpus) for cpus in self.vm_cpus)
        highest = max((line.guest for own in self.numbers.values() for line in own.lines), default=0)
        virqs = len(self.system.vms) * irqchip.state_size(self.board, most, highest // 32 + 1)
        return windows(self.board.load, self.arch.code, len(self.all_cpus), len(self.system.vms), virqs, sizes.rodata)

    def _color_span(self) -> Span:
        return self.system.colors.span if self.system.colors else self.system.board_span

    def _fixed(self, placement: Placement) -> dict[str, tuple[Stripe, ...]]:
        """What is tied to physical addresses; the fixed places of channels."""
        for vm in self.system.vms:
            for region in vm.memory:
                base = self.bases[vm.name].get(region.name)
                owner = f"{vm.name}: memory.{region.name}"
                if region.phys is not None:
                    placement.fix(region.phys, region.size, owner, region.phys_span or region.span)
                elif region.at == "identity" and base is not None:
                    placement.fix(base, region.size, owner, region.at_span or region.span, linked=True)
        found: dict[str, tuple[Stripe, ...]] = {}
        for channel in self.system.channels:
            if channel.phys is not None:
                placement.fix(channel.phys, pages(channel.size), f"channels.{channel.name}",
                              channel.phys_span or channel.span)
                found[channel.name] = (Stripe(channel.phys, pages(channel.size)),)
        return found

    def _float(self, vm: Vm, placement: Placement) -> dict[str, int]:
        """The bases of a VM's regions, with a place for identity memory that had none."""
        placed = {name: base for name, base in self.bases[vm.name].items() if base is not None}
        taken = [(placed[r.name], placed[r.name] + r.size) for r in vm.memory if r.name in placed]
        taken += [(m.ipa, m.end) for m in self.device_maps[vm.name]]
        for region in vm.memory:
            if region.name in self.bases[vm.name] and region.name not in placed:
                base = placement.floating(vm, region.size, f"memory.{region.name}", region.size_span, taken)
                if base is not None:
                    placed[region.name] = base
                    taken.append((base, base + region.size))
        return placed

    @staticmethod
    def _dtb_chunk(vm: Vm, layout: Layout, size: int) -> Chunk | None:
        span = vm.devicetree_span or vm.span
        return Chunk("dtb", "dtb", layout.dtb, b"", size, "", span) if layout.dtb else None

    def _copies(self, sizes: Sizes, placement: Placement) -> dict[str, list[Run]]:
        """Pristine copies for the VMs that can be restarted, in the order of their runs. They come before identity RAM,
        which would part them from the rest of the image, and so before such a VM has its address; sizes do not depend
        on it."""
        found = {}
        for vm, dtb_size in zip(self.system.vms, sizes.dtbs):
            if not restarts(vm):
                continue
            somewhere = {name: self.arch.ram if base is None else base for name, base in self.bases[vm.name].items()}
            layout = lay_out(vm, self.images, self.arch, somewhere, dtb_size, Problems())
            made = [placement.copy(run) for run in runs(vm, layout, self._dtb_chunk(vm, layout, dtb_size))
                    if "w" in run.area.region.access]
            found[vm.name] = [copy for copy in made if copy is not None]
        return found

    def _payloads(self, waiting: list[Run], placement: Placement, held: dict[str, list[Run]]) -> None:
        superpage = self.arch.stage2[0].leaves[1]
        for run in sorted(waiting, key=lambda r: r.size >= superpage):      # stable: small ones first
            placed: Run | None
            if run.area.in_place:
                placed = replace(run, phys=run.ipa - run.area.ipa + self._area_phys(run.area.region.phys, run.area.ipa))
            else:
                placed = placement.payload(run)
            if placed is not None:
                held.setdefault(run.vm, []).append(placed)

    def _flat_image(self, held: dict[str, list[Run]], end: int, placement: Placement) -> None:
        """Payloads tied to a place lie behind the load address, and not so far off that the image is mostly filling."""
        load = self.board.load
        told = set()
        for run in sorted((r for runs_ in held.values() for r in runs_), key=lambda r: r.phys):
            gap, before = run.phys - end, end
            end = max(end, run.places[-1].end)
            if load <= run.phys and gap <= FILLING or run.area in told:
                continue
            told.add(run.area)
            where = "below its load address" if run.phys < load else f"{amount(gap)} behind the rest of it"
            region = run.area.region
            free = placement.nearest(before, region.size)
            self.problems.report(
                "BH0421", f"{run.title.replace(': ', ' ')} of VM '{run.vm}' lies too far off to be in the image",
                run.chunks[0].span, f"physical {run.phys:#x}, {where}",
                related=(Label(region.phys_span or region.at_span or region.span, "the place follows from this"),),
                notes=(f"the image starts at {load:#x} and is one piece, gaps of up to {size_text(FILLING)} filled",),
                help=((f"{amount(region.size)} are free at {free:#x}",) if free is not None else ()))

    @staticmethod
    def _area_phys(phys: int | None, ipa: int) -> int:
        return ipa if phys is None else phys

    def _memory(self, vm: Vm, layout: Layout, held: list[Run], placement: Placement) -> list[Mapping]:
        """Stage-2 extents of the VM's regions."""
        found = [m for r in held for m in mapped(r.ipa, r.places, r.area.region.access, r.kind, r.title,
                                                 r.chunks[0].span.line)]
        for area in layout.areas:
            if not area.in_place:
                found += placement.rest(vm, area, held)
                continue
            phys = self._area_phys(area.region.phys, area.ipa)
            at = area.ipa
            for start, end in sorted((r.ipa, r.end) for r in held if r.area is area) + [(area.end, area.end)]:
                if start > at:
                    found.append(Mapping(at, phys + at - area.ipa, start - at, area.region.access, "ram",
                                         f"memory.{area.region.name}", area.region.span.line))
                at = max(at, end)
        return found

    def _finish(self, sizes: Sizes, space: Space, layouts: dict[str, Layout], held: dict[str, list[Run]],
                copies: dict[str, list[Run]], outers: dict[str, Outer], maps: dict[str, list[Mapping]],
                channels: dict[str, tuple[Stripe, ...]], events: Range,
                ) -> tuple[Plan, Sizes] | None:
        system, board = self.system, self.board
        own = self._windows(sizes)
        cpu_plans = self._cpu_plans(own.stack)
        device = console_device(system, board)
        source = self._console_source(device)
        first = self.vm_cpus[console_vm(system, board)][0]
        if not takes_input(system, board):
            source = 0
        board_console = console(system, board, device, source, self.all_cpus.index(first))

        vms, dtb_sizes = [], []
        self._runs = []
        devices = own_devices(board, board_console, self.all_cpus)
        tables = Range(own.stacks.end, sizes.tables)
        views = colored.views(copies, layouts, tables.end, devices, events, self.arch) if self.colors.used else \
            colored.Views.in_place(copies)
        for i, vm in enumerate(system.vms):
            layout, outer = layouts[vm.name], outers[vm.name]
            made_ends = tuple(channel_end(c, vm, outer, self.numbers[vm.name], self.numbers, self.index)
                              for c in ends(system, vm))
            all_maps = list(self.device_maps[vm.name]) + maps[vm.name]
            all_maps += [m for w in outer.windows if w.kind == self.chips[vm.name].kind
                         for m in irqchip.guest_maps(board, self.vm_cpus[i], w.ipa, outer.files)]
            for end in made_ends:
                all_maps += channel_mappings(end, channels[end.channel])
            tree, dtb = self._tree(vm, layout, outer, made_ends)
            dtb_sizes.append(pages(len(dtb)) if sizes.dtbs[i] else 0)
            self._runs += [(run, dtb) for run in held.get(vm.name, [])]
            self._runs += [(copy, dtb) for copy in copies.get(vm.name, [])]
            vms.append(self._vm_plan(vm, layout, outer, made_ends, all_maps, tree,
                                     restores(vm.name, maps[vm.name], held.get(vm.name, []), copies.get(vm.name, []),
                                              views)))

        stage2 = self._format(self.arch.stage2, max((m.end for v in vms for m in v.maps), default=0), vms)
        places = self._tree_places
        hypervisor = HypervisorPlan(board.load, own.text, own.rodata, own.data, own.stacks, tables,
                                    places[0][0].base if places else tables.base,
                                    own.stacks.end if self.colors.used else tables.end, devices,
                                    tuple(sorted((m for made in copies.values() for c in made
                                                  for m in mapped(views.copies[c.name], c.places, "r", "copy",
                                                                  f"{c.vm}: {c.title}")), key=lambda m: m.ipa)),
                                    self._parts, places, events)
        reach = max([m.end for m in hypervisor_maps(hypervisor, cpu_plans)]
                    + [r.to + r.size for v in restored(vms, self.arch) for r in v.restores])
        stage1 = self._format(self.arch.stage1, reach, [])
        if stage1 is None or stage2 is None or self.problems.fatal:
            return None
        maps_of = trees(hypervisor, cpu_plans, vms, self.arch, stage1.name, stage2.name)
        made = blob(hypervisor.tables.base, [(maps, FORMATS[name]) for maps, name in maps_of], places)
        vms = with_roots(vms, [tree.root for tree in made.trees], self.arch)
        chip = self._chip(device, source)
        self._stage2_root = stage2.root_size
        sizes_of = tuple(tree.size for tree in made.trees) if self.colors.used else ()
        needed = Sizes(sum(sizes_of) or pages(made.size), rodata_size(vms, len(cpu_plans), chip.sources, self.bandwidth is not None),
                        tuple(dtb_sizes), sizes_of)

        owners = {line.physical: (line.physical, v.index, line.guest) for v in reversed(vms) for line in v.lines
                  if line.physical and irqchip.has_owner(board, line.physical)}
        if board_console is not None and source:
            owners[source] = (source, -1, 0)
        everywhere = cpu_choice.common(self.all_cpus)
        plan = Plan(
            system.name, os.path.basename(system.file), board.name, board.arch, stage2.name, stage1.name,
            cpu_choice.timebase(board),
            "sstc" in everywhere, cpu_choice.henvcfg(self.all_cpus), hypervisor, cpu_plans, tuple(vms),
            (), board_console, chip,
            tuple(owners[s] for s in sorted(owners)), space.probes(8), space.uses(), board.run + system.run,
            parts(system, board), on_panic=system.on_panic, colors=colored.summary(self.colors),
            bandwidth=self.bandwidth)
        return plan, needed

    def _cpu_plans(self, stacks: tuple[Range, ...]) -> tuple[CpuPlan, ...]:
        where = {cpu.index: (i, j) for i, chosen in enumerate(self.vm_cpus) for j, cpu in enumerate(chosen)}
        at = irqchip.places(self.board)
        return tuple(CpuPlan(cpu.id, cpu.name, *where[cpu.index], stack, at.contexts.get(cpu.id, 0),
                             at.order.get(cpu.id, 0), at.files.get(cpu.id, 0), gicr=at.redistributors.get(cpu.id, 0),
                             hstateen0=cpu_choice.hstateen0(cpu, irqchip.has_files(self.board)),
                             release=cpu.release_addr or 0 if cpu.enable_method == "spin-table" else 0)
                     for cpu, stack in zip(self.all_cpus, stacks))

    def _chip(self, device: Device | None, source: int) -> Irqchip:
        """The physical controller. `device` is the console's, `source` its interrupt."""
        used = [(number, trigger) for sources in self.sources.values() for number, trigger, _ in sources]
        used += [(i.number, i.trigger) for i in (device.interrupts if device else ()) if i.number == source]
        edges = {number for number, trigger in used if trigger.startswith("edge")}
        virtual = {number for vm in self.system.vms if vm.direct
                   for number in (self.numbers[vm.name].uart, *self.numbers[vm.name].channels.values()) if number}
        return irqchip.physical(self.board, tuple(sorted(edges | virtual)), "timer" in parts(self.system, self.board), virtual)

    def _console_source(self, device: Device | None) -> int:
        return console_source(device, self.board.controller.path if self.board.controller else None)

    def _tree(self, vm: Vm, layout: Layout, outer: Outer, made_ends: tuple[ChannelEnd, ...],
              ) -> tuple[TreeNode | None, bytes]:
        """The guest's device tree, if it is a generated one, and the DTB."""
        if vm.devicetree == "none":
            return None, b""
        key = (vm.name, layout)
        if key not in self._trees:
            own: Numbers = self.numbers[vm.name]
            facts = Facts(vm, self.board, self.vm_cpus[self.index[vm.name]], self._isa(vm), layout,
                                     outer.windows, own.lines, own.uart, self.given[vm.name], made_ends, outer.files)
            if vm.devicetree_file is not None:
                tree = own_tree.converted(self.own_trees[vm.devicetree_file[0]].root)
            else:
                tree = guest_tree.build(facts)
                self._left_out[vm.name] = guest_tree.left_out(facts)
            if vm.devicetree_extra is not None:
                path, span = vm.devicetree_extra
                tree = own_tree.merged(tree, guest_tree.labels(facts), self.own_trees[path], vm.name, span,
                                       self.problems, self.places.setdefault(vm.name, {}))
            self._trees[key] = (tree, serialise(tree))
        tree, dtb = self._trees[key]
        if len(dtb) > own_tree.MAX_BYTES:
            brought = vm.devicetree_file or vm.devicetree_extra
            self.problems.report("BH0432", f"the device tree of VM '{vm.name}' is too large",
                                 brought[1] if brought else vm.span, f"{len(dtb)} bytes",
                                 notes=(f"a kernel maps {size_text(own_tree.MAX_BYTES)} of it",))
        return (tree if vm.devicetree == "generated" else None), dtb

    def _read_trees(self) -> dict[str, DeviceTree]:
        """The trees that the user brings, by path."""
        found = {}
        for vm in self.system.vms:
            for named in (vm.devicetree_file, vm.devicetree_extra):
                if named is not None and named[0] not in found:
                    tree = read_tree(named[0], self.problems, named[1])     # type: ignore[arg-type]
                    if tree is not None:
                        found[named[0]] = tree
        return found

    def _isa(self, vm: Vm) -> tuple[str, ...]:
        return cpu_choice.guest_isa(self.vm_cpus[self.index[vm.name]], self.all_cpus, irqchip.has_files(self.board))

    def _payload_data(self) -> tuple[Payload, ...]:
        found = []
        for run, dtb in sorted(self._runs, key=lambda r: r[0].phys):
            data = bytearray(run.size)
            for chunk in run.chunks:
                source = dtb if chunk.kind == "dtb" else chunk.data
                at = chunk.ipa - run.ipa
                data[at:at + len(source)] = source
            found.append(Payload(run.name, run.phys, bytes(data), run.chunks[0].source, run.chunks[0].span.line,
                                 run.stripes))
        return tuple(found)

    def _vm_plan(self, vm: Vm, layout: Layout, outer: Outer, made_ends: tuple[ChannelEnd, ...], maps: list[Mapping],
                 tree: TreeNode | None, restored: tuple[Restore, ...]) -> VmPlan:
        i, own = self.index[vm.name], self.numbers[vm.name]
        cpus = tuple(self.all_cpus.index(c) for c in self.vm_cpus[i])
        return VmPlan(vm.name, i, i + 1, vm.criticality, vm.span.line, cpus, layout.entry, layout.dtb, vm.console,
                      tuple(sorted(maps, key=lambda m: m.ipa)), outer.windows, own.lines, made_ends, self._isa(vm),
                      tree, 0, own.uart, policy(vm.on_fault, self.board), policy(vm.on_reset, self.board),
                      policy(vm.on_poweroff, self.board), watchdog(vm, self.board),
                      tuple(self.index[name] for name in self.system.managed(vm)), restored,
                      tuple(Extent(a.region.name, a.ipa, a.size, a.region.access, a.region.span.line)
                            for a in layout.areas), self._left_out.get(vm.name, ()), vm.direct,
                      firmware=firmware.rows(vm))

    def _format(self, formats: tuple[TableFormat, ...], end: int, vms: list[VmPlan]) -> TableFormat | None:
        """The smallest format that reaches `end` and that all CPUs have."""
        able = cpu_choice.able(formats, self.all_cpus)
        for format in able:
            if end <= format.reach:
                return format
        vm, far = next(((v, m) for v in vms for m in v.maps if m.end > able[-1].reach), (None, None))
        if vm is None or far is None:
            raise InternalError(f"the hypervisor's own memory ends at {end:#x}, beyond the reach of {able[-1].name}")
        highest = able[-1].reach - far.size
        self.problems.report("BH0308", f"{spoken(far.name)} of VM '{vm.name}' lies beyond what its CPUs can address",
                             self._span(self.system.vms[vm.index], far), f"{far.ipa:#x} to {far.end:#x}",
                             notes=(f"{able[-1].name} translates guest addresses below {able[-1].reach:#x}",),
                             help=(f"write an `at:` of {highest:#x} or less",))
        return None

    def _span(self, vm: Vm, mapping: Mapping) -> Span:
        """Where the YAML says where a mapping lies."""
        for region in vm.memory:
            if mapping.name == f"memory.{region.name}":
                return region.at_span or region.size_span
        for override in vm.channels:
            if mapping.name == f"channels.{override.name}":
                return override.at_span or override.span
        return next((g.span for g in self.given[vm.name] if g.span.line == mapping.line), vm.span)
