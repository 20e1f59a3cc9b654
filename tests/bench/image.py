# SPDX-License-Identifier: Apache-2.0
"""What the benchmark has to know of a built system: its text, the marks in its guests, which code is console output."""
from __future__ import annotations

import bisect
import json
import os
import subprocess
from pathlib import Path

from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parents[2]

# Sources whose instructions are console output, which the figures leave out: it is as slow as the UART.
CONSOLE = ("core/console.c", "lib/print.c", "drivers/ns16550a.c")


class Image:
    """A system, built with make."""

    def __init__(self, system: str) -> None:
        self.name = Path(system).parent.name
        self.directory = ROOT / "build" / self.name
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        made = subprocess.run(["make", "--no-print-directory", "-C", str(ROOT), f"SYSTEM={system}"], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode:
            raise RuntimeError(f"make SYSTEM={system} failed:\n{made.stdout}")
        self.plan = json.loads((self.directory / "gen/plan.json").read_text())
        with open(self.directory / "bulkhead.elf", "rb") as file:
            elf = ELFFile(file)
            text = elf.get_section_by_name(".text")
            self.text = (text["sh_addr"], text["sh_size"])
            self._units = _units(elf)
        self.marks = self._guest_symbols()

    def command(self, harts: int) -> list[str]:
        """The board's run command, with another number of harts."""
        files = {"{bin}": str(self.directory / "bulkhead.bin"), "{elf}": str(self.directory / "bulkhead.elf")}
        words = [files.get(word, word) for word in self.plan["run"]]
        words[words.index("-smp") + 1] = str(harts)
        return words

    def is_console(self, pc: int) -> bool:
        """True for code that was compiled from one of CONSOLE."""
        position = bisect.bisect_right(self._units, (pc, 1 << 64, "")) - 1
        return position >= 0 and pc < self._units[position][1] and self._units[position][2].endswith(CONSOLE)

    def sources(self) -> list[str]:
        """Files of the hypervisor that this system was compiled from, headers too, relative to the repository."""
        named = set()
        for depfile in sorted(self.directory.glob("obj/**/*.d")):
            named.update(word for word in depfile.read_text().replace("\\\n", " ").replace(":", " ").split()
                         if word.startswith("hypervisor/"))
        return sorted(named)

    def _guest_symbols(self) -> dict[str, int]:
        """'first.mark_call_begin': where that is, for every mark, the entry and the trap entry of each guest."""
        symbols = {}
        for path in sorted((self.directory / "guests").glob("*.elf")):
            with open(path, "rb") as file:
                for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                    if symbol.name.startswith("mark_") or symbol.name in ("_start", "_start_secondary", "trap_entry"):
                        symbols[f"{path.stem}.{symbol.name}"] = symbol["st_value"]
        return symbols


def _units(elf: ELFFile) -> list[tuple[int, int, str]]:
    """Address ranges of the sources, sorted: start, end, name."""
    dwarf = elf.get_dwarf_info()
    aranges = dwarf.get_aranges()
    names = {}
    ranges = []
    for entry in aranges.entries:
        if entry.info_offset not in names:
            die = dwarf.get_CU_at(entry.info_offset).get_top_DIE()
            names[entry.info_offset] = die.attributes["DW_AT_name"].value.decode()
        ranges.append((entry.begin_addr, entry.begin_addr + entry.length, names[entry.info_offset]))
    return sorted(ranges)
