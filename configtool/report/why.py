# SPDX-License-Identifier: Apache-2.0
"""What decided a number of the plan: the user, an image, the board, or a default of the architecture."""
from __future__ import annotations

from typing import Iterator, Mapping as MappingType

from ..board.assign import KEPT, reaches_all_memory
from ..board.model import Board
from ..image.model import Image
from ..plan.arch import ARCHS
from ..plan.areas import fixed_extent, main_region
from ..plan.colors import of_channel, text
from ..plan.devices import console_device, given
from ..plan.model import Mapping, Plan, VmPlan
from ..source import Span
from ..system import Colors, Region, System, Vm
from ..units import size_text


def why(path: str, system: System, board: Board, images: MappingType[str, Image], plan: Plan) -> str | list[str]:
    """What decided the thing at a path of the YAML, such as vms.control.memory.ram, or all below one, such as
    vms.control; or the paths that there are."""
    found: dict[str, list[str]] = {}
    for name, lines in _Reasons(system, board, images, plan).all():     # a device has an extent for each of its windows
        found.setdefault(name, []).extend(line for line in lines if line not in found.get(name, ()))
    chosen = [name for name in found if name == path or name.startswith(path + ".")]
    if not chosen:
        return sorted(found)
    return "\n\n".join("\n".join([name, *("  " + line for line in found[name])]) for name in chosen) + "\n"


def _at(span: Span | None) -> str:
    return f"{span.file}:{span.line}" if span else "a default"


class _Reasons:
    def __init__(self, system: System, board: Board, images: MappingType[str, Image], plan: Plan) -> None:
        self.system, self.board, self.images, self.plan = system, board, images, plan
        self.arch = ARCHS[board.arch]

    def all(self) -> Iterator[tuple[str, list[str]]]:
        own = self.plan.hypervisor
        colors = self.plan.colors
        yield "hypervisor", [f"{own.load:#x} to {own.window_end:#x}: the load address of board {self.board.name} "
                             f"({_at(self.board.load_span)})"] + (
            [f"these are virtual addresses; its pages are of colors {text(colors.hypervisor)}: "
             f"{self._colors(self.system.colors)}"] if colors and colors.hypervisor else [])
        if self.plan.console:
            said = f"written at {_at(self.system.console_span)}" if self.system.console_span else \
                "stdout-path of the board's device tree, as hypervisor.console is not written"
            yield "hypervisor.console", [f"{self.plan.console.name}: {said}"]
        if self.plan.hypervisor.events.size:
            yield "hypervisor.events", [f"{self.plan.hypervisor.events.base:#x}: behind the image, which is written "
                                        f"over when it is loaded again ({_at(self.system.events_span)})"]
        for channel in self.system.channels:
            yield f"channels.{channel.name}", self._channel(channel.name)
        for vm, made in zip(self.system.vms, self.plan.vms):
            yield f"vms.{vm.name}.{'cpus' if vm.cpus and vm.cpus.names else 'vcpus'}", self._cpus(vm, made)
            for region in vm.memory:
                yield f"vms.{vm.name}.memory.{region.name}", self._region(vm, made, region)
            yield from self._programs(vm, made)
            for key, action, policy in (("on_fault", vm.on_fault, made.on_fault),
                                        ("on_reset", vm.on_reset, made.on_reset),
                                        ("on_poweroff", vm.on_poweroff, made.on_poweroff)):
                yield f"vms.{vm.name}.{key}", [f"{policy.action}: " + (
                    f"written at {_at(action.span)}" if action else "the default, as nothing is written")]
            if vm.watchdog is not None and made.watchdog is not None:
                yield f"vms.{vm.name}.watchdog", [f"{made.watchdog.policy.action}: written at {_at(vm.watchdog.span)}"]
            if vm.manager is not None:
                names = ", ".join(self.plan.vms[index].name for index in made.managed)
                yield f"vms.{vm.name}.manager", [f"{names}: written at {_at(vm.manager_span)}" if vm.manager else
                                                 f"{names}: all others, as true is written at {_at(vm.manager_span)}"]
            if vm.devices_rest is not None:
                yield f"vms.{vm.name}.devices.rest", self._rest(vm)
            for mapping in made.maps:
                if mapping.kind == "device":
                    for name in mapping.name.removeprefix("devices: ").split(", "):
                        yield f"vms.{vm.name}.devices.{name}", self._device(made, mapping)
            if made.dtb:
                yield f"vms.{vm.name}.devicetree", [f"{made.dtb:#x}: " + (
                    f"written at {_at(vm.devicetree_at_span)}" if vm.devicetree_at_span is not None else
                    "above the images and the initrd, in the VM's main region")]

    def _cpus(self, vm: Vm, made: VmPlan) -> list[str]:
        names = ", ".join(self.plan.cpus[index].name for index in made.cpus)
        assert vm.cpus is not None
        if vm.cpus.names:
            return [f"{names}: written at {_at(vm.cpus.span)}"]
        cluster = f" of cluster {vm.cpus.cluster}" if vm.cpus.cluster else ""
        return [f"{names}: the lowest free CPUs{cluster}, after the VMs that name theirs; {vm.cpus.count} at "
                f"{_at(vm.cpus.span)}"]

    def _programs(self, vm: Vm, made: VmPlan) -> Iterator[tuple[str, list[str]]]:
        for number, ref in enumerate(vm.images):
            image = self.images[ref.path]
            if image.kind == "elf":
                said = "where the ELF file is linked"
            elif ref.at is not None:
                said = f"written at {_at(ref.at_span)}"
            else:
                said = f"text_offset {image.text_offset:#x} of its header above a multiple of {size_text(image.align)}"
            # An extent is called by its file, or by its files where several lie in one piece.
            parts = [m.ipa for m in made.maps if m.kind == "image" and ref.file in m.name]
            lines = [f"{ref.file} at guest address {min(parts):#x}: {said}"] if parts else [f"{ref.file}: {said}"]
            if number == 0:
                lines.append(f"the VM starts at {made.entry:#x}: " + (
                    f"written at {_at(ref.entry_span)}" if ref.entry is not None else
                    "the entry of the ELF file" if image.kind == "elf" else "the image's first byte"))
            yield f"vms.{vm.name}.image" + ("" if len(vm.images) == 1 else f"s[{number}]"), lines
        if vm.linux and vm.linux.initrd:
            at = next((m.ipa for m in made.maps if m.kind == "initrd" or m.kind == "image" and vm.linux.initrd
                       in m.name), None)
            if at is not None:
                yield f"vms.{vm.name}.linux.initrd", [f"{at:#x}: beside the images, in the VM's main region"]

    def _rest(self, vm: Vm) -> list[str]:
        """What `rest: true` gives, and of everything else why not."""
        mine = given(self.system, self.board)
        who = {g.device.path: name for name, devices in mine.items() for g in devices}
        excluded = {d.path for name, _ in vm.devices_rest.excluded
                    if (d := self.board.device(name))} if vm.devices_rest else set()
        console = console_device(self.system, self.board)
        lines = [f"{g.device.name}: nobody else has it" for g in mine[vm.name]]
        for device in self.board.devices:
            if who.get(device.path) == vm.name:
                continue
            if device.path in who:
                reason = f"VM '{who[device.path]}' has it"
            elif console is not None and device.path == console.path:
                reason = "it is the hypervisor's console"
            elif device.path in excluded:
                reason = "except: names it"
            elif device.kind != "device":
                reason = KEPT.get(device.kind, "it is a bus, and so has to be listed")
            elif not device.enabled:
                continue
            elif reaches_all_memory(self.board, device) is True:
                reason = "it reaches all memory, and so has to be listed with dma: trusted"
            else:
                reason = "it has no registers that could be given"
            lines.append(f"not {device.name}: {reason}")
        return lines

    def _region(self, vm: Vm, made: VmPlan, region: Region) -> list[str]:
        mine = [m for m in made.maps if m.kind in ("ram", "image", "initrd", "dtb") and self._inside(made, m, region)]
        base = min((m.ipa for m in mine), default=0)
        lines = [f"{size_text(region.size)} at guest address {base:#x}: {self._address(vm, region, base)}"]
        made_of = [m for m in mine if m.colors]
        if made_of:
            colors = tuple(sorted({c for m in made_of for c in m.colors}))
            lines.append(f"in pages of colors {text(colors)} from physical {min(m.phys for m in made_of):#x} to "
                         f"{max(m.phys_end for m in made_of):#x}, in {len(made_of)} stripes: the lowest that are free; "
                         f"{self._colors(region.colors or vm.colors)}")
        for mapping in mine:
            if not mapping.colors:
                lines.append(f"{mapping.ipa:#x} to {mapping.end:#x} is physical {mapping.phys:#x}: "
                             f"{self._place(region, mapping)}")
        return lines

    def _inside(self, made: VmPlan, mapping: Mapping, region: Region) -> bool:
        """Whether an extent belongs to a region: its own memory says so by name, what is loaded by where it lies."""
        own = [m for m in made.maps if m.name == f"memory.{region.name}"]
        if mapping in own:
            return True
        if mapping.name.startswith("memory."):
            return False
        if isinstance(region.at, int):
            return region.at <= mapping.ipa < region.at + region.size
        if not own:
            return True
        return own[-1].end - region.size <= mapping.ipa < own[0].ipa + region.size

    def _address(self, vm: Vm, region: Region, base: int) -> str:
        if isinstance(region.at, int):
            return f"written at {_at(region.at_span)}"
        linked = [(ref, extent) for ref in vm.images if (image := self.images.get(ref.path))
                  and (extent := fixed_extent(ref, image))]
        if region is main_region(vm):
            if region.at == "identity" and not linked:
                return f"where there is memory, as {_at(region.at_span)} says identity"
            if base != self.arch.ram and linked:
                ref, extent = min(linked, key=lambda entry: entry[1][0])
                return f"image {ref.file} ({_at(ref.span)}) lies from {extent[0]:#x}, and RAM begins at 2MiB boundaries"
            return f"the default of {self.arch.name}" + (f"; image {linked[0][0].file} fits there" if linked else "")
        return f"identity, as {_at(region.at_span)} says" if region.at == "identity" else "behind the regions before it"

    def _colors(self, colors: Colors | None) -> str:
        if colors is None:
            return ""
        where = f"at {_at(colors.span)}"
        if colors.ranges:
            return f"listed {where}"
        if colors.share is not None:
            return f"{colors.share}% {where}, from what nobody lists"
        return f"auto {where}, from what nobody lists"

    def _place(self, region: Region, mapping: Mapping) -> str:
        if region.phys is not None:
            return f"fixed at {_at(region.phys_span)}"
        if region.at == "identity":
            return "the same, as at: identity says"
        if mapping.kind in ("image", "initrd", "dtb"):
            what = "device tree" if mapping.kind == "dtb" else mapping.kind
            return f"the {what} is mapped where it lies in the flat image"
        leaf = next((leaf for leaf in sorted(self.arch.stage2[0].leaves, reverse=True)
                     if (mapping.ipa - mapping.phys) % leaf == 0 and mapping.size >= leaf), 4096)
        return f"the lowest free memory that agrees with the guest address modulo {size_text(leaf)}"

    def _device(self, made: VmPlan, mapping: Mapping) -> list[str]:
        lines = [f"guest address {mapping.ipa:#x}: " + ("its physical one" if mapping.ipa == mapping.phys else
                                                         f"moved from {mapping.phys:#x} by at:")]
        names = mapping.name.removeprefix("devices: ").split(", ")
        for line in made.lines:
            if line.name.removeprefix("devices: ") in names and line.physical:
                lines.append(f"interrupt {line.guest}: its number on the board ({line.trigger})")
        return lines

    def _channel(self, name: str) -> list[str]:
        channel = next(c for c in self.system.channels if c.name == name)
        lines: list[str] = []
        for vm, made in zip(self.system.vms, self.plan.vms):
            override = next((o for o in vm.channels if o.name == name), None)
            for end in made.channels:
                if end.channel != name:
                    continue
                phys = next(m.phys for m in made.maps if m.name == f"channels.{name}")
                if not lines:
                    said = f"fixed at {_at(channel.phys_span)}" if channel.phys_span else \
                        "free memory, placed after the VMs"
                    colors = dict(self.plan.colors.channels).get(name) if self.plan.colors else None
                    if colors:
                        said = f"free pages of colors {text(colors)}: {of_channel(self.system, channel)}"
                    lines.append(f"{size_text(channel.size)} at physical {phys:#x}: {said}")
                fixed = override is not None and override.at is not None
                lines.append(f"{vm.name}: guest address {end.ipa:#x}: " + (
                    f"written at {_at(override.at_span)}" if override and fixed else
                    f"the first room from {self.arch.channels:#x} on"))
                if end.interrupt:
                    chosen = override is not None and override.interrupt is not None
                    lines.append(f"{vm.name}: interrupt {end.interrupt}: " + (
                        f"written at {_at(override.interrupt_span)}" if override and chosen else
                        f"the first free number from {self.arch.interrupts} on"))
        return lines
