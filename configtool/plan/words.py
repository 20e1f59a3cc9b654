# SPDX-License-Identifier: Apache-2.0
"""How messages about a plan speak of sizes and owners."""
from __future__ import annotations

from ..units import SIZES, size_text


def amount(size: int) -> str:
    """A size to read: exact where the language could write it in four digits, else rounded down to a tenth."""
    exact = size_text(size)
    if size < 10 << 10 or len(exact.rstrip("GMKiB ")) <= 4 and not exact.endswith("bytes"):
        return exact
    unit = "GiB" if size >= 16 << 30 else "MiB" if size >= 1 << 20 else "KiB"
    tenths = size * 10 // SIZES[unit]
    return f"{tenths // 10}.{tenths % 10}{unit}"


def spoken(owner: str) -> str:
    """An owner of physical memory or guest addresses inside a sentence: "memory.ram of VM 'linux'", 'device
    rtc@101000'."""
    if owner == "hypervisor":
        return "the hypervisor"
    vm, colon, thing = owner.partition(": ")
    if vm == "devices":
        return ("devices " if ", " in thing else "device ") + thing
    if not colon or vm in ("image", "initrd", "pristine copy of image"):
        return owner.replace("image: ", "image ").replace("initrd: ", "initrd ")
    return f"{spoken(thing)} of VM '{vm}'"
