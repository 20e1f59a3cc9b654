# SPDX-License-Identifier: Apache-2.0
"""What decided a number of the plan: the user, an image, the board, or a default of the architecture."""
from __future__ import annotations

from typing import Iterator, Mapping as MappingType

from ..board.model import Board
from ..image.model import Image
from ..plan.arch import ARCHS
from ..plan.areas import fixed_extent, main_region
from ..plan.model import Mapping, Plan, VmPlan
from ..source import Span
from ..system import Region, System, Vm
from ..units import size_text


def why(path: str, system: System, board: Board, images: MappingType[str, Image], plan: Plan) -> str | list[str]:
    """What decided the thing at a path of the YAML, such as vms.control.memory.ram; or the paths that there are."""
    found = dict(_Reasons(system, board, images, plan).all())
    if path not in found:
        return sorted(found)
    return "\n".join([path, *("  " + line for line in found[path])]) + "\n"


def _at(span: Span | None) -> str:
    return f"{span.file}:{span.line}" if span else "a default"


class _Reasons:
    def __init__(self, system: System, board: Board, images: MappingType[str, Image], plan: Plan) -> None:
        self.system, self.board, self.images, self.plan = system, board, images, plan
        self.arch = ARCHS[board.arch]

    def all(self) -> Iterator[tuple[str, list[str]]]:
        own = self.plan.hypervisor
        yield "hypervisor", [f"{own.load:#x} to {own.window_end:#x}: the load address of board {self.board.name} "
                             f"({_at(self.board.load_span)})"]
        if self.plan.console:
            said = f"written at {_at(self.system.console_span)}" if self.system.console_span else \
                "stdout-path of the board's device tree, as hypervisor.console is not written"
            yield "hypervisor.console", [f"{self.plan.console.name}: {said}"]
        for channel in self.system.channels:
            yield f"channels.{channel.name}", self._channel(channel.name)
        for vm, made in zip(self.system.vms, self.plan.vms):
            yield f"vms.{vm.name}.{'cpus' if vm.cpus and vm.cpus.names else 'vcpus'}", self._cpus(vm, made)
            for region in vm.memory:
                yield f"vms.{vm.name}.memory.{region.name}", self._region(vm, made, region)
            for mapping in made.maps:
                if mapping.kind == "device":
                    for name in mapping.name.removeprefix("devices: ").split(", "):
                        yield f"vms.{vm.name}.devices.{name}", self._device(made, mapping)
            if made.dtb:
                yield f"vms.{vm.name}.devicetree", [f"{made.dtb:#x}: above the images and the initrd, in the VM's main "
                                                    "region"]

    def _cpus(self, vm: Vm, made: VmPlan) -> list[str]:
        names = ", ".join(self.plan.cpus[index].name for index in made.cpus)
        assert vm.cpus is not None
        if vm.cpus.names:
            return [f"{names}: written at {_at(vm.cpus.span)}"]
        cluster = f" of cluster {vm.cpus.cluster}" if vm.cpus.cluster else ""
        return [f"{names}: the lowest free CPUs{cluster}, after the VMs that name theirs; {vm.cpus.count} at "
                f"{_at(vm.cpus.span)}"]

    def _region(self, vm: Vm, made: VmPlan, region: Region) -> list[str]:
        mine = [m for m in made.maps if m.kind in ("ram", "image", "initrd", "dtb") and self._inside(made, m, region)]
        base = min((m.ipa for m in mine), default=0)
        lines = [f"{size_text(region.size)} at guest address {base:#x}: {self._address(vm, region, base)}"]
        for mapping in mine:
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
