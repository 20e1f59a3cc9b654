# SPDX-License-Identifier: Apache-2.0
"""What may lie behind a fault, and what mends it: facts of report, description and board, in the order of certainty."""
from __future__ import annotations

from typing import NamedTuple

from ..source import Span
from .known import Known
from .log import Report

_NEAR = 1 << 16                 # bytes beyond the end of something that count as running over it
_NULL = 1 << 16


class Advice(NamedTuple):
    notes: list[str]
    help: list[str]
    places: list[tuple[Span, str]]      # of the description or the board's tree, with what to say below it


def advise(report: Report, known: Known) -> Advice:
    found = Advice([], [], [])
    if report.address is None:
        _other(report, known, found)
    elif _own_tables(report):
        found.notes.append("the hardware met it while it walked the guest's own page tables: a table lies, or an entry "
                           "points, where the guest has no memory")
        found.help.append("look at how the guest fills its page tables: it may take it that it has all of the board's "
                          "memory; its device tree says what it has")
    elif report.place is not None and not report.place.near:
        _forbidden(report, known, found)
    else:
        _nowhere(report, known, found)
    return found


def _own_tables(report: Report) -> bool:
    """The address that stage 2 refused is not the one that the instruction had: a walk of the guest's tables."""
    if "esr" in report.state:
        return report.state["esr"] & 0x80 != 0 and report.state["esr"] >> 26 & 0x3f in (0x20, 0x24)      # S1PTW
    virtual = report.state.get("stval")
    return bool(report.state.get("vsatp")) and virtual is not None and report.address is not None \
        and (virtual ^ report.address) & 0xfff != 0


def _span(found: Advice, span: Span | None, text: str) -> None:
    if span is not None:
        found.places.append((span, text))


def _nowhere(report: Report, known: Known, found: Advice) -> None:
    address = report.address
    assert address is not None
    _nearest(report, known, found)
    if report.access == "instruction fetch":
        _jump(report, known, found)
        return
    if address < _NULL:
        found.notes.append("an address this low is most often a null pointer, or a member of a structure behind one")
        return
    if _device(report, known, found) or _others(report, known, found):
        return
    place = report.place
    if place is not None and place.name.startswith("memory.") and 0 < address - place.last <= _NEAR:
        found.notes.append(f"it lies {address - place.last - 1:,} bytes behind {place.name}: an array that runs over, "
                           "or a guest that is built for more memory than it has")
        found.help.append(f"make {place.name} larger, or give the guest's linker script the memory that it has")
    elif place is not None and place.name.startswith("memory.") and 0 < place.first - address <= _NEAR:
        found.notes.append(f"it lies {place.first - address:,} bytes below {place.name}: a stack that ran over its end, "
                           "or an index below 0")
        found.help.append("make the stack larger, or place it so that it ends elsewhere")
    elif bank := next((b for b in known.plan.get("banks", ()) if b["base"] <= address < b["base"] + b["size"]), None):
        end = bank["base"] + bank["size"]
        found.notes.append(f"the board has memory there ({bank['base']:#x} to {end:#x}), the VM has none: guest "
                           "addresses are the VM's own, and it has what its `memory:` says")
        found.help.append("the guest should take its memory from its device tree; if it is built for this address: "
                          "`memory: {NAME: {size: ..., at: ...}}`")
    elif known.plan and known.board is not None:
        found.notes.append("neither the VM nor the board has anything there: most often a pointer that was overwritten")


def _nearest(report: Report, known: Known, found: Advice) -> None:
    place, address = report.place, report.address
    if place is None or address is None:
        return
    where = f"{place.first - address:#x} bytes below it" if address < place.first else \
        f"{address - place.last - 1:#x} bytes behind its end"
    _span(found, known.span(report.vm, place.name),
          f"the nearest: {place.name}, {place.first:#x} to {place.last:#x}; the address is {where}")


def _device(report: Report, known: Known, found: Advice) -> bool:
    assert report.address is not None
    device = known.device_at(report.address)
    if device is None:
        return False
    own = known.vm(report.vm)
    name = device.label or device.name
    if own is not None and any(known.board is not None and known.board.device(d.name) == device for d in own.devices):
        return False
    if known.system is not None and known.board is not None and known.system.console is not None \
            and known.board.device(known.system.console) == device or device.path == getattr(known.board, "console", None):
        found.notes.append(f"the board's {name} is there, the hypervisor's console")
        found.help.append("the VM has a UART of its own with `console: virtual`, at the address in its device tree; or "
                          "give this one away: `hypervisor: {console: none}` and `devices: [" + name + "]`")
        return True
    if device.kind != "device":
        found.notes.append(f"the board's {name} is there ({device.kind}), which no VM gets")
        found.help.append("the guest should take its devices from the device tree that it is given")
        return True
    owner = known.owner_of(device)
    found.notes.append(f"the board's {name} is there ({', '.join(device.compatible[:1])}), which "
                       + (f"VM '{owner}' has" if owner else "no VM has"))
    _span(found, device.span, "this device")
    if own is not None:
        _span(found, own.devices[-1].span if own.devices else own.span,
              "the last of its devices" if own.devices else "this VM has no `devices:`")
    found.help.append(f"give it to the VM: `devices: [{name}]`" if not owner else
                      f"a device belongs to one VM: take it from '{owner}', or reach it through '{owner}' by a channel")
    return True


def _others(report: Report, known: Known, found: Advice) -> bool:
    """The address is the physical one of something that somebody has."""
    assert report.address is not None
    use = next((u for u in known.plan.get("uses", ()) if u["base"] <= report.address < u["base"] + u["size"]), None)
    if use is None or use["owner"] == "free":
        return False
    mine = use["owner"].startswith(f"{report.vm}: ")
    found.notes.append(f"as a physical address it is that of '{use['owner']}': guest addresses are not physical ones")
    if mine:
        found.help.append("if the guest has to have physical addresses (for DMA): `at: identity` for its memory")
    return True


def _forbidden(report: Report, known: Known, found: Advice) -> None:
    place = report.place
    assert place is not None
    span = known.span(report.vm, place.name)
    _span(found, span, f"{place.name} is {place.access} for '{report.vm}'")
    channel = next((c for c in known.system.channels if place.name.startswith("channels.")
                    and c.name == place.name[9:].partition(".")[0]), None) if known.system is not None else None
    if report.access == "instruction fetch":
        found.notes.append(f"{place.name} is not executable: a jump through a pointer that holds data, or a return on a "
                           "stack that was overwritten")
        _came_from(report, known, found)
    elif channel is not None and channel.writer is not None:
        found.notes.append(f"'{channel.writer[0]}' writes this channel, '{report.vm}' reads it")
        found.help.append(f"a channel of its own for this direction: `{{from: {report.vm}, to: [{channel.writer[0]}]}}`; "
                          "or `between:` in place of `from:` and `to:`, where each writes its own half")
    elif channel is not None:
        found.notes.append("with `between` each VM writes its own half: this is the other one's")
        found.help.append("the halves' addresses stand in the VM's generated header and its device tree")
    elif place.name.startswith("channels"):
        found.notes.append("a channel that this VM only reads, or the half of it that the other VM writes")
        found.help.append("its direction is `from:` and `to:` of the channel, or `between:` for both")
    elif place.access == "trapped":
        found.notes.append("a virtual device is there, which takes loads and stores of its registers alone")
    elif report.access == "store":
        found.notes.append(f"the VM may not write {place.name}: its access is {place.access}")
        found.help.append("`access: rw` or `rwx` for the region, if it is to be written")


def _jump(report: Report, known: Known, found: Advice) -> None:
    address = report.address
    assert address is not None
    if address < _NULL:
        found.notes.append("a call through a null function pointer, or a return on a stack that was overwritten")
    else:
        found.notes.append("a jump to where there is no code: a function pointer or a return address that was "
                           "overwritten, or code that runs elsewhere than it is linked")
    image = known.symbols_of(report.vm, address)
    if image is not None:
        found.notes.append(f"{image.path} is linked to have code there, and the VM has no memory at that address")
        found.help.append("link the guest for its memory, or put the memory there: `memory: {NAME: {size: ..., at: "
                          f"{address & ~0xfffff:#x}}}}}`")
    _came_from(report, known, found)


def _came_from(report: Report, known: Known, found: Advice) -> None:
    if report.callers and known.symbols_of(report.vm, report.callers[0]):
        found.help.append("the jump was made by, or on the way back from, the first function below 'called from'")


def _other(report: Report, known: Known, found: Advice) -> None:
    if "SError" in report.what:
        found.notes.append("the bus answered with an error, later than the access: pc may be some instructions further")
        found.help.append("most often a device without its clock, reset or power domain: `configtool board show` lists "
                          "what a device depends on")
    elif "with write-back, of a pair or a vector" in report.what:
        found.help.append("access registers of the virtual interrupt controller and UART by plain loads and stores of "
                          "one register: in C by `volatile` pointers of the register's width, compiled without "
                          "vectorising")
    elif report.panic and report.what == "exception":
        _hypervisor_exception(report, known, found)
    elif report.panic:
        found.notes.append("something that never happens has happened: the hypervisor's own state is wrong")
    if report.panic or "no guest should be able" in report.what:
        found.help.append("this is a defect of Bulkhead: please report these lines, the build id and the description")


def _hypervisor_exception(report: Report, known: Known, found: Advice) -> None:
    stacks = [(cpu["name"], cpu["stack"]) for cpu in known.plan.get("cpus", ())]
    address = report.state.get("stval", report.state.get("far"))
    sp = report.state.get("sp")
    for name, stack in stacks:
        if any(a is not None and stack["base"] - 4096 <= a < stack["base"] for a in (address, sp)):
            found.notes.append(f"the stack of {name} ({stack['base']:#x} to {stack['base'] + stack['size']:#x}) ran over "
                               "into the unmapped page below it")
