# SPDX-License-Identifier: Apache-2.0
"""Systems to measure: built with make, for any of the boards; and what is known of their ELF files."""
from __future__ import annotations

import bisect
import json
import os
import re
import subprocess
from pathlib import Path

from elftools.elf.elffile import ELFFile

from boards import Board

ROOT = Path(__file__).resolve().parents[2]
GUESTS = ROOT / "tests/bench/guests"

# Sources whose instructions are console output, which the figures leave out: it is as slow as the UART.
CONSOLE = ("core/console.c", "lib/print.c", "drivers/ns16550a.c", "drivers/pl011.c")

# Symbols of the guests besides the marks.
_ENTRIES = ("_start", "_start_secondary", "tick")


class Image:
    """A system, built with make. `system` is its YAML, relative to the repository."""

    def __init__(self, system: str) -> None:
        path = Path(system)
        name = path.parent.name if path.name == "system.yaml" else path.stem
        self.directory = ROOT / "build" / name
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
        made = subprocess.run(["make", "--no-print-directory", "-j2", "-C", str(ROOT), f"SYSTEM={system}"],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode:
            raise RuntimeError(f"make SYSTEM={system} failed:\n{made.stdout}")
        self.plan = json.loads((self.directory / "gen/plan.json").read_text())
        with open(self.directory / "bulkhead.elf", "rb") as file:
            elf = ELFFile(file)
            text = elf.get_section_by_name(".text")
            self.text = (text["sh_addr"], text["sh_size"])
            self._units = _units(elf)
        self.marks = self._guest_symbols()

    def command(self, harts: int | None = None) -> list[str]:
        """The board's run command, with another number of CPUs."""
        words = list(self.plan["run"])
        for mark, path in (("{bin}", "bulkhead.bin"), ("{elf}", "bulkhead.elf"), ("{dir}", "")):
            words = [word.replace(mark, str(self.directory / path)) for word in words]
        if harts is not None:
            words[words.index("-smp") + 1] = str(harts)
        return words

    def is_console(self, pc: int) -> bool:
        """True for code that was compiled from one of CONSOLE."""
        position = bisect.bisect_right(self._units, (pc, 1 << 64, "")) - 1
        return position >= 0 and pc < self._units[position][1] and self._units[position][2].endswith(CONSOLE)

    def sources(self) -> list[str]:
        """Files of the hypervisor that this system was compiled from, headers too, relative to the repository."""
        named: set[str] = set()
        for depfile in sorted(self.directory.glob("obj/**/*.d")):
            named.update(word for word in depfile.read_text().replace("\\\n", " ").replace(":", " ").split()
                         if word.startswith("hypervisor/"))
        return sorted(named)

    def _guest_symbols(self) -> dict[str, int]:
        """'first.mark_call_begin': where that is, for every mark and entry of each guest."""
        symbols = {}
        for path in sorted((self.directory / "guests").glob("*.elf")):
            with open(path, "rb") as file:
                elf = ELFFile(file)
                text = elf.get_section_by_name(".text")
                symbols[f"{path.stem}.text_start"] = text["sh_addr"]
                symbols[f"{path.stem}.text_end"] = text["sh_addr"] + text["sh_size"]
                for symbol in elf.get_section_by_name(".symtab").iter_symbols():
                    if symbol.name.startswith("mark_") or symbol.name in _ENTRIES:
                        symbols[f"{path.stem}.{symbol.name}"] = symbol["st_value"]
        return symbols


def on_board(folder: str, variant: str, board: Board, override: str = "") -> Image:
    """A system of GUESTS on another board. Its description goes to build/bench, with sources that include the real ones.

    `override`: more YAML, which may say {clock}.
    """
    name = f"bench-{variant}-{board.key}"
    there = ROOT / "build/bench" / name
    there.mkdir(parents=True, exist_ok=True)
    source = GUESTS / folder
    base = "system.yaml" if (source / "system.yaml").exists() else f"{variant}.yaml"
    where = os.path.relpath(ROOT / board.name, there) if board.name.endswith(".yaml") else board.name
    # make builds the guests whose files a description in its folder names.
    guests = sorted(set(re.findall(r"[\w-]+\.elf", (source / base).read_text())))
    _write(there / f"{name}.yaml", f"# {' '.join(guests)}\nextends: {os.path.relpath(source / base, there)}\n"
           f"name: {name}\nboard: {where}\n" + override.replace("{clock}", board.clock))
    for guest in guests:
        code = (source / guest).with_suffix(".c")
        _write(there / code.name, f'#include "{os.path.relpath(code, there)}"\n')
    return Image(f"build/bench/{name}/{name}.yaml")


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _units(elf: ELFFile) -> list[tuple[int, int, str]]:
    """Address ranges of the sources, sorted: start, end, name."""
    dwarf = elf.get_dwarf_info()
    names: dict[int, str] = {}
    ranges = []
    for entry in dwarf.get_aranges().entries:
        if entry.info_offset not in names:
            die = dwarf.get_CU_at(entry.info_offset).get_top_DIE()
            names[entry.info_offset] = die.attributes["DW_AT_name"].value.decode()
        ranges.append((entry.begin_addr, entry.begin_addr + entry.length, names[entry.info_offset]))
    return sorted(ranges)
