# SPDX-License-Identifier: Apache-2.0
"""From nodes to a System: a description that has passed the schema, in bytes and Python ints, nothing decided."""
from __future__ import annotations

import os
from typing import Any, Callable, TypeVar

from .diagnostics import Label, Sink, UsageError, error
from .extends import read_extended
from .schema import validate
from .source import Mapping, Node, Scalar, Sequence, Span, Unreadable
from .system import (Action, Argument, Bandwidth, Channel, ChannelOverride, Colors, CpuRequest, CriticalInterrupts,
                     DeviceRef, DevicesRest, FirmwareCall, ImageRef, LinuxOptions, Region, System, Vm, Watchdog)
from .units import duration, percent, rate, size

Made = TypeVar("Made")
Named = tuple[str, Span]


def load_system(path: str, sink: Sink, guests: str | None = None) -> System | None:
    """Read a system description. None, with the reasons in the sink, when it is wrong.

    `guests` is a folder where images are looked for that are not beside the description: guests that the build makes.
    Raises UsageError when the file cannot be read.
    """
    try:
        root, files = read_extended(path, sink)
    except Unreadable as reason:
        raise UsageError(f"cannot read {path}: {reason}") from None
    if root is None:
        return None
    found = validate(root, "system.schema.json")
    sink.add(*found)
    if found:
        return None
    system = _Reader(sink, path, guests).system(path, root, files)
    return None if sink.has_errors else system


class _Reader:
    """Every method takes a node whose form the schema has vouched for."""

    def __init__(self, sink: Sink, path: str, guests: str | None) -> None:
        self.sink = sink
        self.path = path
        self.guests = guests
        self.colors: Colors | None = None       # of VMs and of the hypervisor, where they say nothing

    def system(self, path: str, root: Mapping, files: tuple[str, ...]) -> System:
        hypervisor = _mapping(root.get("hypervisor"))
        self.colors = _optional(root.get("colors"), self._colors)
        name, board = _scalar(root.get("name")), _scalar(root.get("board"))
        events = hypervisor.get("events")
        return System(
            file=path, name=name.text, name_span=name.span, board=board.text, board_span=board.span,
            vms=tuple(self._vm(key, _mapping(value)) for key, value in _mapping(root.get("vms"))),
            channels=tuple(self._channel(key, _mapping(value)) for key, value in _mapping(root.get("channels"))),
            console=_text(hypervisor, "console"), console_span=_span(hypervisor, "console"),
            events=size(events.text) if isinstance(events, Scalar) else 0, events_span=_span(hypervisor, "events"),
            monitor=_true(hypervisor, "monitor"), monitor_span=_span(hypervisor, "monitor"), sources=files,
            on_panic=_text(hypervisor, "on_panic") or "power-off", on_panic_span=_span(hypervisor, "on_panic"),
            run=tuple(text for text, _ in _names(root.get("run"))),
            colors=_optional(hypervisor.get("colors"), self._colors) or self.colors,
            **_reserve(_mapping(hypervisor.get("bandwidth"))))

    def _vm(self, key: Scalar, vm: Mapping) -> Vm:
        devices = vm.get("devices")
        tree = vm.get("devicetree")
        own = tree if isinstance(tree, Mapping) else None
        at = own.get("at") if own else None
        if own:
            self._not_both(own, "file", "extra", "file: a tree of your own; extra: an overlay on the generated one")
        kind = tree.text if isinstance(tree, Scalar) else "file" if own and own.get("file") else "generated"
        return Vm(
            name=key.text, span=key.span, cpus=self._cpus(vm),
            memory=tuple(self._region(k, v) for k, v in _mapping(vm.get("memory"))), images=self._images(vm),
            criticality=_int(vm, "criticality") or 0, console=_text(vm, "console") or "virtual",
            linux=_optional(vm.get("linux"), self._linux),
            devices=tuple(self._device(item) for item in devices.items) if isinstance(devices, Sequence) else (),
            devices_rest=self._rest(devices) if isinstance(devices, Mapping) else None,
            channels=tuple(self._override(k, _mapping(v)) for k, v in _mapping(vm.get("channels"))),
            devicetree=kind, devicetree_span=tree.span if tree else None,
            devicetree_file=self._file(own, "file"), devicetree_extra=self._file(own, "extra"),
            devicetree_at=at.value if isinstance(at, Scalar) else None,     # type: ignore[arg-type]
            devicetree_at_span=at.span if at else None,
            on_fault=_optional(vm.get("on_fault"), self._action), on_reset=_optional(vm.get("on_reset"), self._action),
            on_poweroff=_optional(vm.get("on_poweroff"), self._action),
            watchdog=_optional(vm.get("watchdog"), self._watchdog),
            restartable=_span(vm, "restartable") if _true(vm, "restartable") else None,
            manager=_names(vm.get("manager")) if isinstance(vm.get("manager"), Sequence) else
            () if _true(vm, "manager") else None, manager_span=_span(vm, "manager"),
            interrupts=_text(vm, "interrupts") or "virtual", interrupts_span=_span(vm, "interrupts"),
            firmware=tuple(self._firmware_call(_mapping(item)) for item in _items(vm.get("firmware"))),
            colors=_optional(vm.get("colors"), self._colors) or self.colors,
            bandwidth=_optional(vm.get("bandwidth"), self._bandwidth))

    def _cpus(self, vm: Mapping) -> CpuRequest | None:
        self._not_both(vm, "vcpus", "cpus", "vcpus: how many; cpus: which")
        count, names = vm.get("vcpus"), vm.get("cpus")
        if isinstance(names, Sequence):
            return CpuRequest(names.span, names=_names(names))
        if isinstance(count, Mapping):
            return CpuRequest(count.span, count=_int(count, "count"), cluster=_text(count, "cluster"))
        if count is not None:
            return CpuRequest(count.span, count=_int(vm, "vcpus"))
        return None

    def _region(self, key: Scalar, node: Node) -> Region:
        if isinstance(node, Scalar):
            return Region(key.text, node.span, size(node.text), node.span)
        region = _mapping(node)
        amount = _scalar(region.get("size"))
        at = region.get("at")
        return Region(key.text, key.span, size(amount.text), amount.span,
                      at=at.value if isinstance(at, Scalar) else None,      # type: ignore[arg-type]
                      at_span=_span(region, "at"), phys=_int(region, "phys"), phys_span=_span(region, "phys"),
                      access=_text(region, "access") or "rwx", colors=_optional(region.get("colors"), self._colors))

    def _images(self, vm: Mapping) -> tuple[ImageRef, ...]:
        self._not_both(vm, "image", "images", "image: the only one; images: a list")
        one, many = vm.get("image"), vm.get("images")
        nodes = many.items if isinstance(many, Sequence) else (one,) if one else ()
        return tuple(self._image(_mapping(node)) for node in nodes)

    def _image(self, image: Mapping) -> ImageRef:
        file = _scalar(image.get("file"))
        path, looked = self._find(file)
        return ImageRef(file.text, path, file.span, at=_int(image, "at"), at_span=_span(image, "at"),
                        entry=_int(image, "entry"), entry_span=_span(image, "entry"), looked=looked)

    def _find(self, file: Scalar) -> tuple[str, tuple[str, ...]]:
        """Where a file is: beside the YAML that names it, or among the guests that were built; and where it is not."""
        beside = _resolve(file)
        if os.path.isabs(file.text) or os.path.lexists(beside):
            return beside, ()
        if self.guests is None:
            return beside, (beside,)
        looked = [os.path.join(self.guests, file.text)]
        below = os.path.relpath(os.path.dirname(file.span.file) or ".", os.path.dirname(self.path) or ".")
        if below != ".":        # another folder's, in the words of examples/lib/guests.mk
            looked.insert(0, os.path.join(self.guests, "base", below.replace("..", "up"), file.text))
        built = next((path for path in looked if os.path.lexists(path)), None)
        return (built, ()) if built else (beside, (beside, *looked))

    def _linux(self, node: Node) -> LinuxOptions:
        linux = _mapping(node)
        initrd = linux.get("initrd")
        path, looked = self._find(initrd) if isinstance(initrd, Scalar) else (None, ())
        return LinuxOptions(linux.span, initrd=_text(linux, "initrd"), initrd_path=path,
                            initrd_span=_span(linux, "initrd"), initrd_looked=looked,
                            cmdline=_text(linux, "cmdline"), cmdline_span=_span(linux, "cmdline"))

    def _device(self, node: Node) -> DeviceRef:
        if isinstance(node, Scalar):
            return DeviceRef(node.text, node.span)
        device = _mapping(node)
        name = _scalar(device.get("name"))
        shared = device.get("shared")
        return DeviceRef(name.text, name.span, dma=_text(device, "dma"), dma_span=_span(device, "dma"),
                         because=_text(device, "because"), shared=isinstance(shared, Scalar) and shared.value is True,
                         at=_int(device, "at"))

    def _rest(self, devices: Mapping) -> DevicesRest:
        return DevicesRest(devices.span, _names(devices.get("except")))

    def _override(self, key: Scalar, end: Mapping) -> ChannelOverride:
        return ChannelOverride(key.text, key.span, at=_int(end, "at"), at_span=_span(end, "at"),
                               interrupt=_int(end, "interrupt"), interrupt_span=_span(end, "interrupt"))

    def _channel(self, key: Scalar, channel: Mapping) -> Channel:
        amount, writer = _scalar(channel.get("size")), channel.get("from")
        for other in ("from", "to"):
            self._not_both(channel, "between", other, "between: both ways; from and to: one way")
        return Channel(key.text, key.span, size(amount.text), amount.span,
                       writer=(writer.text, writer.span) if isinstance(writer, Scalar) else None,
                       readers=_names(channel.get("to")), between=_names(channel.get("between")),
                       doorbell=_text(channel, "doorbell") or "both", phys=_int(channel, "phys"),
                       phys_span=_span(channel, "phys"), because=_text(channel, "because"),
                       colors=_optional(channel.get("colors"), self._colors))

    @staticmethod
    def _colors(node: Node) -> Colors:
        """`auto`, `50%`, `3`, `0-3`, or a list of the last two."""
        items = node.items if isinstance(node, Sequence) else (node,)
        ranges = []
        for item in items:
            text, value = _scalar(item).text, _scalar(item).value
            if isinstance(value, int):
                ranges.append((value, value, item.span))
                continue
            if text == "auto":
                return Colors(node.span)
            if text.endswith("%"):
                return Colors(node.span, share=int(text[:-1]))
            low, _, high = text.partition("-")
            ranges.append((int(low), int(high or low), item.span))
        return Colors(node.span, tuple(ranges))

    def _action(self, node: Node) -> Action:
        action = _mapping(node)
        within = _text(action, "within")
        return Action(action.span, _scalar(action.get("action")).text, at_most=_int(action, "at_most"),
                      within_us=duration(within) if within else None, then=_text(action, "then"))

    def _bandwidth(self, node: Node) -> Bandwidth:
        own = _mapping(node)
        budget, period, split = _scalar(own.get("budget")), own.get("period"), own.get("per_vcpu")
        lend, borrow = own.get("lend"), own.get("borrow")
        return Bandwidth(
            own.span, rate(budget.text), budget.span,
            period_us=duration(period.text) if isinstance(period, Scalar) else Bandwidth.period_us,
            period_span=_span(own, "period"),
            per_vcpu="listed" if isinstance(split, Sequence) else split.text if isinstance(split, Scalar) else "even",
            shares=tuple((percent(text), span) for text, span in _names(split)), per_vcpu_span=_span(own, "per_vcpu"),
            critical=_optional(own.get("critical"), self._critical),
            lend=percent(lend.text) if isinstance(lend, Scalar) else 0, lend_span=_span(own, "lend"),
            borrow=isinstance(borrow, Scalar) and borrow.value is True, borrow_span=_span(own, "borrow"))

    def _critical(self, node: Node) -> CriticalInterrupts:
        own = _mapping(node)
        cost = _scalar(own.get("cost"))
        return CriticalInterrupts(own.span, _names(own.get("interrupts")), size(cost.text), cost.span)

    def _watchdog(self, node: Node) -> Watchdog:
        watchdog = _mapping(node)
        start = _text(watchdog, "start")
        return Watchdog(watchdog.span, duration(_scalar(watchdog.get("timeout")).text), self._action(node),
                        start_us=duration(start) if start else None)

    @staticmethod
    def _firmware_call(item: Mapping) -> FirmwareCall:
        call, shared = _scalar(item.get("call")), item.get("shared")
        arguments = []
        for key, node in _mapping(item.get("arguments")):
            ranges = []
            for value in node.items if isinstance(node, Sequence) else (node,):
                low, _, high = _scalar(value).text.partition("-")
                given = _scalar(value).value
                ends = (given, given) if isinstance(given, int) else (int(low, 0), int(high, 0))
                ranges.append((*ends, value.span))
            arguments.append(Argument(key.text, key.span, tuple(ranges)))
        return FirmwareCall(call.span, call.value if isinstance(call.value, int) else call.text, tuple(arguments),
                            shared=isinstance(shared, Scalar) and shared.value is True)

    def _file(self, node: Mapping | None, name: str) -> Named | None:
        value = node.get(name) if node else None
        return (_resolve(value), value.span) if isinstance(value, Scalar) else None

    def _not_both(self, node: Mapping, one: str, other: str, help_: str) -> None:
        first, second = node.key(one), node.key(other)
        if first and second:
            self.sink.add(error("BH0109", f"'{one}' and '{other}' exclude each other", second.span, "",
                                related=[Label(first.span, f"'{one}' here")], help=[f"keep one ({help_})"]))


def _reserve(own: Mapping) -> dict[str, Any]:
    """hypervisor.bandwidth"""
    reserve = own.get("reserve")
    return {"reserve": rate(reserve.text), "reserve_span": reserve.span} if isinstance(reserve, Scalar) else {}


def _resolve(path: Scalar) -> str:
    """A path as written, relative to the file that it stands in."""
    return os.path.join(os.path.dirname(path.span.file), path.text)


def _mapping(node: Node | None) -> Mapping:
    return node if isinstance(node, Mapping) else _NOTHING


_NOTHING = Mapping(Span(""), ())


def _scalar(node: Node | None) -> Scalar:
    assert isinstance(node, Scalar)
    return node


def _text(node: Mapping, name: str) -> str | None:
    value = node.get(name)
    return value.text if isinstance(value, Scalar) else None


def _int(node: Mapping, name: str) -> int | None:
    value = node.get(name)
    return value.value if isinstance(value, Scalar) and isinstance(value.value, int) else None


def _true(node: Mapping, name: str) -> bool:
    value = node.get(name)
    return isinstance(value, Scalar) and value.value is True


def _span(node: Mapping, name: str) -> Span | None:
    value = node.get(name)
    return value.span if value else None


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else ()


def _names(node: Node | None) -> tuple[Named, ...]:
    if not isinstance(node, Sequence):
        return ()
    return tuple((item.text, item.span) for item in node.items if isinstance(item, Scalar))


def _optional(node: Node | None, make: Callable[[Node], Made]) -> Made | None:
    return make(node) if node is not None else None
