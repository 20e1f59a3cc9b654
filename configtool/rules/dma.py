# SPDX-License-Identifier: Apache-2.0
"""Rules on devices that read and write memory by themselves."""
from __future__ import annotations

from typing import Iterator

from ..board.assign import guarded, reaches_all_memory
from ..board.model import Board, Device
from ..diagnostics import Diagnostic, Label
from ..units import size_text
from .owners import Given, board_of, owners
from .registry import Context, Rule, rule

_VM = """\
vms:
  linux:
    vcpus: 1
    memory: {ram: {size: 64MiB, at: identity}}
    image: {file: Image}
    devices: [DEVICE]
"""
_BECAUSE = ', because: "this board has no IOMMU before virtio-mmio"'
_TRUSTED = _VM.replace("DEVICE", "{name: virtio_mmio@10001000, dma: trusted" + _BECAUSE + "}")
_RTC = _VM.replace("DEVICE", "rtc@101000")
_OTHER = ("# with this in board.dts: &{/soc} { other@102000 { compatible = \"acme,codec\"; "
          "reg = <0 0x102000 0 0x1000>; }; };\n")


def _listed(context: Context) -> list[Given]:
    """Devices that are named, not those of `rest: true`, which gives none that reaches all memory."""
    return [given for given in owners(context) if given.ref is not None]


def _trusted(given: Given) -> bool:
    return given.ref is not None and given.ref.dma == "trusted"


@rule("BH0701", "DMA without an IOMMU", phase="board", needs=("BH0505", "BH0506"), explain="""\
The device reads and writes memory by itself, and nothing stands between it and the memory of the hypervisor and of the
other VMs: whoever programs it owns the board. On QEMU that is every virtio-mmio device. If you trust all software in
that VM as far as you trust the hypervisor, say so, with the reason, which stands in reports: `{name: ..., dma: trusted,
because: "..."}`. The VM's memory then has to be at identity (BH0705).""",
      fails=_VM.replace("DEVICE", "virtio_mmio@10001000"), passes=_TRUSTED)
def unguarded(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for given in _listed(context):
        if reaches_all_memory(board, given.device) is True and not _trusted(given):
            yield self.diagnostic(f"device {given.name} masters memory, and {_why(board, given.device)}", given.span,
                                  f"VM '{given.vm.name}' could read and write all memory with it",
                                  related=[Label(given.device.span)],
                                  help=[f'write {{name: {given.name}, dma: trusted, because: "..."}} if you trust VM '
                                        f"'{given.vm.name}' with all of it"])


def _why(board: Board, device: Device) -> str:
    if not device.iommus:
        return "no IOMMU guards it"
    names = [d.name for d in board.devices if d.path in {path for path, _ in device.iommus}]
    return f"Bulkhead has no driver for its IOMMU {', '.join(names)}"


@rule("BH0702", "device of which it is not known whether it masters memory", phase="board", severity="warning",
      explain="""\
configtool does not know devices with this `compatible`, and the device tree has no hint (`iommus`, `dma-coherent`). If
it does DMA, its VM can reach all memory with it. Look it up. If it does, write `dma: trusted` with the reason; if it
does not, allow the warning with that reason: `# bulkhead: allow BH0702 because it has no DMA, TRM section 12.3`.""",
      fails=_VM.replace("DEVICE", "other@102000") + _OTHER, passes=_RTC)
def unknown(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for given in owners(context):
        if reaches_all_memory(board, given.device) is None and not _trusted(given):
            named = given.device.compatible[0] if given.device.compatible else "no compatible"
            yield self.diagnostic(f"it is not known whether device {given.name} masters memory", given.span,
                                  related=[Label(given.device.span, named)],
                                  help=[f'if it does: {{name: {given.name}, dma: trusted, because: "..."}}',
                                        "if it does not, allow this warning with the reason"])


@rule("BH0703", "trust without a reason", phase="system", explain="""\
`dma: trusted` opens all memory to a VM. `because` says why that is acceptable, to whoever reads the description and the
report.""",
      fails=_TRUSTED.replace(_BECAUSE, ""), passes=_TRUSTED)
def no_reason(self: Rule, context: Context) -> Iterator[Diagnostic]:
    for vm in context.system.vms:
        for ref in vm.devices:
            if ref.dma == "trusted" and not (ref.because or "").strip():
                yield self.diagnostic(f"device {ref.name} is trusted with DMA, and nothing says why",
                                      ref.dma_span or ref.span,
                                      help=['add, for example: because: "this board has no IOMMU before it"'])


@rule("BH0704", "trust that is not needed", phase="board", severity="warning", explain="""\
`dma: trusted` stands at a device that does not master memory, or that an IOMMU guards. It has no effect, except on the
next reader, who believes that something is open that is not.""",
      fails=_RTC.replace("rtc@101000", '{name: rtc@101000, dma: trusted, because: "why not"}'), passes=_RTC)
def needless(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for given in _listed(context):
        if _trusted(given) and reaches_all_memory(board, given.device) is False:
            what = "is guarded by an IOMMU" if guarded(board, given.device) else "does not master memory"
            span = given.ref.dma_span if given.ref and given.ref.dma_span else given.span
            yield self.diagnostic(f"device {given.name} {what}", span, related=[Label(given.device.span)],
                                  help=[f"write {given.name}"])


@rule("BH0705", "DMA into memory that is not at identity", phase="board", needs=("BH0703",), explain="""\
A device that no IOMMU guards uses physical addresses; its driver in the guest gives it guest addresses. The two have to
be equal, or the device writes into somebody else's memory. So every region that the VM can write is at identity, which
makes it contiguous, too.""",
      fails=_TRUSTED.replace("{size: 64MiB, at: identity}", "64MiB"), passes=_TRUSTED)
def not_identity(self: Rule, context: Context) -> Iterator[Diagnostic]:
    board = board_of(context)
    for vm in context.system.vms:
        trusted = [g for g in _listed(context)
                   if g.vm is vm and _trusted(g) and reaches_all_memory(board, g.device) is not False]
        for region in vm.memory if trusted else ():
            if "w" in region.access and region.at != "identity" and (region.at is None or region.at != region.phys):
                access = "" if region.access == "rwx" else f", access: {region.access}"
                write = f"{{size: {size_text(region.size)}, at: identity{access}}}"
                yield self.diagnostic(f"memory.{region.name} of VM '{vm.name}' is not at identity, and "
                                      f"{trusted[0].name} does DMA with physical addresses",
                                      region.at_span or region.span,
                                      related=[Label(trusted[0].span, "trusted with DMA here")],
                                      help=[f"write {region.name}: {write}"])
