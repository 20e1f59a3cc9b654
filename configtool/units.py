# SPDX-License-Identifier: Apache-2.0
"""Sizes and durations with their units, and what somebody meant who wrote them otherwise."""
from __future__ import annotations

import re

SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
DURATIONS = {"us": 1, "ms": 1_000, "s": 1_000_000}     # in microseconds

_QUANTITY = re.compile(r"([0-9]+)([A-Za-z]+)\Z")
_LOOSE = re.compile(r"\s*([0-9][0-9_,']*)(?:\.([0-9]+))?\s*([A-Za-zµ]*)\s*\Z")
_SIZE_WORDS = {"k": "KiB", "kb": "KiB", "kib": "KiB", "ki": "KiB", "kbyte": "KiB", "kbytes": "KiB",
               "m": "MiB", "mb": "MiB", "mib": "MiB", "mi": "MiB", "mbyte": "MiB", "mbytes": "MiB",
               "g": "GiB", "gb": "GiB", "gib": "GiB", "gi": "GiB", "gbyte": "GiB", "gbytes": "GiB"}
_DURATION_WORDS = {"us": "us", "µs": "us", "usec": "us", "usecs": "us", "ms": "ms", "msec": "ms", "msecs": "ms",
                   "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s"}


def size(text: str) -> int:
    """Bytes of '16MiB'. The text has passed the schema."""
    return _quantity(text, SIZES)


def duration(text: str) -> int:
    """Microseconds of '10ms'. The text has passed the schema."""
    return _quantity(text, DURATIONS)


def rate(text: str) -> int:
    """Bytes in a second of '200MiB/s'. The text has passed the schema."""
    return _quantity(text.removesuffix("/s"), SIZES)


def percent(text: str) -> int:
    """100 of '100%'. The text has passed the schema."""
    return int(text.removesuffix("%"))


def rate_text(rate: int) -> str:
    """A rate as one would write it in the language, where it is whole KiB; else in bytes."""
    return f"{size_text(rate)}/s"


def meant_rate(text: str) -> str | None:
    """What to write for '200MB/s', '200 MiB/sec', '1.6Gbit/s' or '209715200'; None where that cannot be told."""
    found = re.fullmatch(r"\s*(.*?)\s*(?:/\s*s|/\s*sec|ps)?\s*", text)
    amount = found.group(1) if found else text
    bits = re.fullmatch(r"([0-9.]+)\s*([kKmMgG])(?:i?bits?|b)", amount)
    if bits and not re.fullmatch(r"[0-9.]+\s*(kb|mb|gb)", amount):
        size = meant_size(f"{bits.group(1)}{bits.group(2)}B")
        whole = _quantity(size, SIZES) // 8 if size and not size.endswith("bytes") else 0
        size = _exact(whole)
    else:
        size = meant_size(amount)
    return f"{size}/s" if size else None


def _quantity(text: str, units: dict[str, int]) -> int:
    found = _QUANTITY.match(text)
    if not found:
        raise ValueError(text)
    return int(found.group(1)) * units[found.group(2)]


def size_text(size: int) -> str:
    """A size as one would write it in the language, where it is whole KiB; else in bytes."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % SIZES[unit] == 0:
            return f"{size // SIZES[unit]}{unit}"
    return f"{size} bytes"


def meant_size(text: str) -> str | None:
    """What to write for '12MB', '12 MiB', '1.5GiB', '0x1000' or '16777216'; None where that cannot be told."""
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return _exact(int(text, 16))
    found = _LOOSE.match(text)
    if not found or len(text) > 40:
        return None
    whole, fraction, unit = re.sub("[_,']", "", found.group(1)), found.group(2) or "", found.group(3).lower()
    if unit in ("", "b", "byte", "bytes"):
        return None if fraction else _exact(int(whole))
    if unit not in _SIZE_WORDS:
        return None
    factor = SIZES[_SIZE_WORDS[unit]]
    if not fraction:
        return f"{int(whole)}{_SIZE_WORDS[unit]}" if int(whole) else None
    scaled, rest = divmod(int(whole + fraction) * factor, 10 ** len(fraction))
    return None if rest else _exact(scaled)


def _exact(size: int) -> str | None:
    return size_text(size) if size and size % 1024 == 0 else None


def meant_duration(text: str) -> str | None:
    """What to write for '10 sec' or '1.5s'; None where that cannot be told."""
    found = _LOOSE.match(text)
    if not found or len(text) > 40 or found.group(3).lower() not in _DURATION_WORDS:
        return None
    whole, fraction = re.sub("[_,']", "", found.group(1)), found.group(2) or ""
    unit = _DURATION_WORDS[found.group(3).lower()]
    if not fraction:
        return f"{int(whole)}{unit}" if int(whole) else None
    scaled, rest = divmod(int(whole + fraction) * DURATIONS[unit], 10 ** len(fraction))
    if rest or not scaled:
        return None
    return next(f"{scaled // DURATIONS[u]}{u}" for u in ("s", "ms", "us") if scaled % DURATIONS[u] == 0)


def meant_number(text: str) -> str | None:
    """What to write for '0755', '1_000', '0X10', '80200000h' or '2GiB' where a plain number is wanted."""
    if re.fullmatch(r"0[0-9]+", text):
        return text.lstrip("0") or "0"
    bare = text.replace("_", "").replace("'", "")
    if re.fullmatch(r"(0|[1-9][0-9]*|0x[0-9a-fA-F]+)", bare):
        return bare
    if re.fullmatch(r"0X[0-9a-fA-F]+", bare):
        return "0x" + bare[2:]
    if re.fullmatch(r"[0-9a-fA-F]+[hH]", bare):
        return "0x" + bare[:-1].lower()
    if re.fullmatch(r"[1-9][0-9]{0,11}(KiB|MiB|GiB)", text):
        return hex(size(text))
    if re.fullmatch(r"[0-9a-f]*[a-f][0-9a-f]*", bare, re.IGNORECASE) and len(bare) >= 4:
        return "0x" + bare.lower()
    return None
