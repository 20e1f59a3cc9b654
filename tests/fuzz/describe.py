# SPDX-License-Identifier: Apache-2.0
"""Descriptions that the schema accepts, with values at the edges of what it takes, for the rules and the plan."""
from __future__ import annotations

import random
from typing import Any

_GOOD_SIZES = ("4KiB", "8KiB", "64KiB", "2MiB", "16MiB", "16MiB", "16MiB", "128MiB")
_SIZES = ("4KiB", "1KiB", "5KiB", "64KiB", "2MiB", "16MiB", "16MiB", "16MiB", "128MiB", "2047MiB", "2GiB", "1024GiB",
          "999999999999GiB")
_GOOD_ADDRESSES = (0x8000_0000, 0x8000_0000, 0x8800_0000, 0x9000_0000, 0x9000_1000, 0xA000_0000, 0x1_0000_0000,
                   0x4000_0000)
_ADDRESSES = (0, 1, 0x1000, 0x10_1000, 0x0C00_0000, 0x1000_0000, 0x7000_0000, 0x8000_0000, 0x8000_0000, 0x8000_0800,
              0x8020_0000,
              0x8040_0000, 0x9000_0000, 0xFFFF_F000, 0xFFE0_0000, 1 << 38, (1 << 41) - 4096, 1 << 41, (1 << 50) - 4096,
              1 << 50,
              (1 << 64) - 4096, (1 << 64) - 1)
_GOOD_DEVICES = ("rtc@101000", "flash@20000000", "fw-cfg@10100000")
_DEVICES = ("rtc@101000", "serial0", "plic", "flash@20000000", "flash", "virtio_mmio@10001000", "virtio_mmio@10002000",
            "clint@2000000", "poweroff", "/soc", "/", "pci@30000000", "fw-cfg@10100000", "cpu@0", "nothing", "/chosen",
            "test@100000")
_GOOD_IMAGES = ("guest.elf", "guest.elf", "guest.elf", "Image")
_IMAGES = ("Image", "blob.bin", "entry.elf", "damaged.elf", "arm64.elf", "damaged.gz", "nosuch")
_FILES = ("extra.dtso", "own.dts", "board.dtb", "guest.elf", "nosuch")


class _Choice:
    """Mostly good values, now and then one of all that the schema takes: several mistakes would hide the plan."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.wild = r.choice((0.0, 0.02, 0.1, 0.5))

    def of(self, good: tuple[Any, ...], wild: tuple[Any, ...]) -> Any:
        return self.r.choice(wild if self.r.random() < self.wild else good)

    def maybe(self, made: dict[str, Any], **choices: tuple[Any, ...]) -> dict[str, Any]:
        made.update((key, self.r.choice(values)) for key, values in choices.items() if self.r.random() < 0.3)
        return made

    @property
    def size(self) -> str:
        return str(self.of(_GOOD_SIZES, _SIZES))

    @property
    def address(self) -> int:
        return int(self.of(_GOOD_ADDRESSES, _ADDRESSES))

    def chance(self, part: float) -> bool:
        return self.r.random() < part


def describe(r: random.Random) -> str:
    """A whole system.yaml, mostly in flow style."""
    c = _Choice(r)
    names = [letter * 3 for letter in "abcdef"[:r.choice((1, 1, 2, 2, 3, 4))]]
    top: dict[str, Any] = {"bulkhead": 1, "name": "fuzz", "board": "qemu-riscv64-virt"}
    if c.chance(0.2):
        top["hypervisor"] = {"console": c.of(("serial0", "none"), _DEVICES)}
    channels = {f"c{n}": _channel(c, names) for n in range(r.randrange(4))} if len(names) > 1 else {}
    if channels:
        top["channels"] = channels
    top["vms"] = {name: _vm(c, [n for n, made in channels.items() if name in str(made) or c.chance(c.wild)],
                            _GOOD_DEVICES[i:i + 1]) for i, name in enumerate(names)}
    return "\n".join(f"{key}: {_flow(value)}" for key, value in top.items()) + "\n"


def _channel(c: _Choice, names: list[str]) -> dict[str, Any]:
    ends = c.r.sample(names, min(len(names), c.r.choice((2, 2, 3))))
    if c.chance(c.wild):
        ends = [c.r.choice(names + ["zz"]) for _ in range(2)]
    between = c.chance(0.4)
    made: dict[str, Any] = {"size": c.of(("8KiB", "64KiB", "2MiB", "16MiB"), _SIZES)}
    made.update({"between": ends[:2]} if between else {"from": ends[0], "to": ends[1:]})
    if c.chance(0.2):
        made["phys"] = c.address
    return c.maybe(made, doorbell=("to", "from", "both", "none"))


def _vm(c: _Choice, channels: list[str], devices: tuple[str, ...]) -> dict[str, Any]:
    r = c.r
    regions = r.choice((["ram"], ["ram"], ["ram", "b"], ["b", "ram", "d"]))
    vm: dict[str, Any] = {"memory": {name: _region(c, "16MiB" if name == "ram" else None) for name in regions}}
    if c.chance(0.8):
        vm["vcpus"] = c.of((1, 1, {"count": 1, "cluster": "cluster0"}), (2, 5, 65, 1024, {"count": 70, "cluster": "x"}))
    else:
        vm["cpus"] = [f"cpu@{r.randrange(5)}"]
    if c.chance(0.8):
        vm["image"] = _image(c)
    else:
        vm["images"] = [_image(c),
                        *({"file": "blob.bin", "at": 0x8040_0000 + n * 0x1_0000} for n in range(r.randrange(3)))]
    if c.chance(0.5):
        vm["devices"] = {"rest": True, "except": ["rtc@101000"]} if c.chance(0.2) else [
            _device(c, name) for name in (devices if c.chance(0.7) else [r.choice(_DEVICES)])]
    if c.chance(0.2):
        vm["linux"] = {"initrd": c.of(("blob.bin",), ("rootfs.cpio", "nosuch")), "cmdline": "console=ttyS0 panic=1"}
    if c.chance(0.2):
        vm["devicetree"] = c.of(("generated", {"extra": "extra.dtso"}), ("none", *({"file": f} for f in _FILES)))
    if channels and c.chance(0.5):
        vm["channels"] = {name: c.maybe({}, at=(0xC000_0000, 0x7000_0000, c.address),
                                        interrupt=(1, 12, 32, 95, 1023, c.of((40,), (0xFFFF, 1024, 10)))) for name
                                        in channels}
    for key in ("on_fault", "on_reset", "on_poweroff"):
        if c.chance(0.2):
            vm[key] = r.choice(({"action": "stop"}, {"action": "restart"}, {"action": "halt-system"},
                                {"action": "restart", "at_most": 1000, "within": "999999999999s",
                                 "then": "halt-system"},
                                {"action": "restart", "at_most": 1, "within": "1us"}))
    return c.maybe(vm, criticality=tuple(range(8)), console=("virtual", "none"))


def _region(c: _Choice, size: str | None) -> Any:
    size = c.size if size is None or c.chance(c.wild) else size
    if c.chance(0.6):
        return size
    made: dict[str, Any] = {"size": size}
    if c.chance(0.5):
        made["at"] = "identity" if c.chance(0.5) else c.address
    if c.chance(0.3):
        made["phys"] = c.address
    if c.chance(c.wild):
        made["access"] = c.r.choice(("r", "rw", "rx", "rwx"))
    return made


def _image(c: _Choice) -> dict[str, Any]:
    made = {"file": c.of(_GOOD_IMAGES, _IMAGES)}
    return c.maybe(made, at=_ADDRESSES, entry=_ADDRESSES) if c.chance(c.wild) else made


def _device(c: _Choice, name: str) -> Any:
    if c.chance(0.5):
        return name
    made = {"name": name, "dma": "trusted",
            "because": "because"} if name.startswith("virtio") or c.chance(c.wild) else {"name": name}
    if c.chance(0.3):
        made["at"] = c.of((0x4000_0000, 0x5000_0000), _ADDRESSES)
    return c.maybe(made, shared=(True, False)) if c.chance(c.wild) else made


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return hex(value) if isinstance(value, int) and value > 4095 else f'"{value}"' if " " in str(value) else str(value)
