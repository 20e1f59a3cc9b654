# SPDX-License-Identifier: Apache-2.0
"""Memory as pictures (SVG, inside the page): the board's with its owners, and each VM's as its guest sees it.

A row is as high as the logarithm of its size, so that a page and a gigabyte can both be read; the bar above is to scale.
Colours repeat what the labels say.
"""
from __future__ import annotations

from dataclasses import dataclass
from html import escape

from .case import size_text
from .owners import FREE
from .report import Block, Report, VmSummary

_VMS = ("#a6cee3", "#fdbf6f", "#b2df8a", "#cab2d6", "#fb9a99", "#8fd3c8", "#d9c3a3", "#c5cde0")
_KINDS = {"hypervisor": "#8d99a6", "translation tables": "#b3bcc6", "pristine copies": "#ccd3da", FREE: "#ffffff"}
_CHANNEL, _DEVICE, _FIRMWARE = "#ffe97f", "#eeeeee", "#6b7480"
_WIDTH, _LEFT, _BOX = 470, 112, 350     # of a column: all of it, where its boxes begin, their width
_CHARACTER = 6.9                        # width of one, in the font of the labels


@dataclass(frozen=True)
class _Row:
    start: int
    end: int
    label: str
    about: str                          # behind it, smaller
    fills: tuple[str, ...]
    dark: bool = False                  # the label is white
    trapped: bool = False


def colors(report: Report) -> dict[str, str]:
    """A fill for each owner that a block of memory may have."""
    found = dict(_KINDS)
    for i, vm in enumerate(report.vms):
        found[vm.name] = _VMS[i % len(_VMS)]
    return found


def physical(report: Report) -> list[str]:
    """The RAM of the board: a bar to scale for each bank, then its blocks."""
    fills = colors(report)
    rows = [_Row(b.start, b.end, ", ".join(b.owners[:4]) + (" and others" if len(b.owners) > 4 else ""),
                 "by turns" if len(b.owners) > 1 else "", tuple(_fill(name, fills) for name in b.owners[:8]),
                 dark=_fill(b.owners[0], fills) == _FIRMWARE)
            for b in report.physical]
    return [*_bars(report.physical, fills), *_column("Physical memory of the board", rows)]


def guest(report: Report, vm: VmSummary) -> list[str]:
    """A VM's memory, devices and virtual devices, by guest-physical address."""
    fills = colors(report)
    rows: list[_Row] = []
    start: dict[int, int] = {}          # row -> physical address of its first piece
    for p in vm.pieces:
        channel = p.what.startswith("channel ")
        fill = fills[vm.name] if p.what == "memory" else _CHANNEL if channel else "#ffffff" if p.phys is None else _DEVICE
        last = rows[-1] if rows else None
        if last is not None and last.end == p.ipa and (last.label, last.fills) == (_label(p.what, p.access), (fill,)):
            straight = p.phys is not None and p.phys - p.ipa == start[len(rows) - 1] - last.start and \
                not last.about.startswith("in")
            rows[-1] = _Row(last.start, p.ipa + p.size, last.label, last.about if straight or p.phys is None
                            else "in pieces", last.fills, trapped=p.phys is None)
            continue
        start[len(rows)] = p.phys or 0
        about = "traps" if p.phys is None else "at identity" if p.phys == p.ipa else f"at {p.phys:#x}"
        rows.append(_Row(p.ipa, p.ipa + p.size, _label(p.what, p.access), about, (fill,), trapped=p.phys is None))
    return _column(f"{vm.name}: what the guest sees", rows)


def _label(what: str, access: str) -> str:
    names = {"irqchip": "interrupt controller", "uart": "virtual UART", "file": "interrupt files"}
    return names.get(what, what) + ("" if access == "trapped" else f", {access}")


def _fill(owner: str, fills: dict[str, str]) -> str:
    return fills.get(owner, _CHANNEL if owner.startswith("channel ") else _FIRMWARE)


def _banks(blocks: tuple[Block, ...]) -> list[list[Block]]:
    found: list[list[Block]] = []
    for block in blocks:
        if found and found[-1][-1].end == block.start:
            found[-1].append(block)
        else:
            found.append([block])
    return found


def _bars(blocks: tuple[Block, ...], fills: dict[str, str]) -> list[str]:
    width, out = 900, []
    for bank in _banks(blocks):
        low, high = bank[0].start, bank[-1].end
        title = f"RAM {low:#x} to {high:#x}, {size_text(high - low)}, to scale"
        out += ["<figure>", f"<figcaption>{title}</figcaption>",
                f'<svg viewBox="0 0 {width + 2} 30" width="{width + 2}" height="30" role="img" aria-label="{title}">',
                _hatch(), f'<rect x="1" y="1" width="{width}" height="28" class="free"/>']
        for block in bank:
            x = 1 + width * (block.start - low) / (high - low)
            wide = max(width * (block.end - block.start) / (high - low), 0.4)
            if block.owners != (FREE,):
                tip = f"{', '.join(block.owners)}: {block.start:#x} to {block.end:#x}"
                high_each = 28 / len(block.owners)
                out += [f'<rect x="{x:.1f}" y="{1 + high_each * i:.1f}" width="{wide:.1f}" height="{high_each:.1f}" '
                        f'fill="{_fill(owner, fills)}"><title>{escape(tip)}</title></rect>'
                        for i, owner in enumerate(block.owners)]
                if len(block.owners) == 1 and wide > _CHARACTER * len(block.owners[0]) + 8:
                    out.append(f'<text x="{x + wide / 2:.1f}" y="19" text-anchor="middle">{escape(block.owners[0])}</text>')
        out += [f'<rect x="1" y="1" width="{width}" height="28" class="frame"/>', "</svg>", "</figure>"]
    return out


def _hatch() -> str:
    return ('<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<rect width="6" height="6" fill="#fff"/><line x1="0" y1="0" x2="0" y2="6" stroke="#c9ced4" stroke-width="2"/>'
            "</pattern></defs>")


def _column(title: str, rows: list[_Row]) -> list[str]:
    """Boxes from the lowest address down the page, with a gap where nothing is."""
    out: list[str] = []
    y, end = 14.0, -1
    for row in rows:
        if end >= 0 and row.start != end:
            out.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" class="at">{end:#x}</text>')
            y += 14
            out.append(f'<line x1="{_LEFT + 4}" y1="{y - 7:.0f}" x2="{_LEFT + _BOX - 4}" y2="{y - 7:.0f}" class="gap"/>')
        pages = (row.end - row.start) // 4096
        height = 20 + min(2 * max(pages, 1).bit_length(), 44)
        out.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" class="at">{row.start:#x}</text>')
        out += _box(row, y, height)
        y += height
        end = row.end
    if end >= 0:
        out.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" class="at">{end:#x}</text>')
    high = int(y) + 12
    return ["<figure>", f"<figcaption>{escape(title)}</figcaption>",
            f'<svg viewBox="0 0 {_WIDTH} {high}" width="{_WIDTH}" height="{high}" role="img" '
            f'aria-label="{escape(title, quote=True)}">', _hatch(), *out, "</svg>", "</figure>"]


def _box(row: _Row, y: float, height: int) -> list[str]:
    size, count = size_text(row.end - row.start), len(row.fills)
    tip = f"{row.label}: {row.start:#x} to {row.end:#x}, {size}{', ' + row.about if row.about else ''}"
    out = [f"<g><title>{escape(tip)}</title>"]
    for i, fill in enumerate(row.fills):
        fill = "url(#hatch)" if row.trapped else fill
        out.append(f'<rect x="{_LEFT + _BOX * i / count:.1f}" y="{y:.0f}" width="{_BOX / count:.1f}" height="{height}" '
                   f'fill="{fill}"/>')
    out.append(f'<rect x="{_LEFT}" y="{y:.0f}" width="{_BOX}" height="{height}" class="frame"/>')
    middle = y + height / 2 + 4
    side = f"{row.about}, {size}" if row.about else size
    room = int((_BOX - 20) / _CHARACTER) - len(side)
    label = row.label if len(row.label) <= room else row.label[:max(room - 1, 1)] + "…"
    dark = ' fill="#fff"' if row.dark else ""
    out.append(f'<text x="{_LEFT + 8}" y="{middle:.0f}"{dark}>{escape(label)}</text>')
    out.append(f'<text x="{_LEFT + _BOX - 8}" y="{middle:.0f}" text-anchor="end" class="size"{dark}>{escape(side)}</text></g>')
    return out
