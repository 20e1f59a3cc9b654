# SPDX-License-Identifier: Apache-2.0
"""Write a C table of AArch64 instruction words and what objdump makes of them: {word, width, count, store, sign, wide,
write-back, post, registers, base, offset}. Words that are no load or store of general-purpose registers with write-back or
of a pair have width 0; those that objdump does not know are left out.
"""
from __future__ import annotations

import argparse
import pathlib
import random
import re
import subprocess
import tempfile

_SINGLE = re.compile(r"(?P<kind>ldr|str)(?P<sign>s?)(?P<width>[bhw]?)$")
_PAIR = re.compile(r"(?P<kind>ld|st)n?p(?P<sign>s?)w?$")
_ADDRESS = re.compile(r"\[(?P<base>x\d+|sp)(, #(?P<offset>-?\d+))?\](?P<pre>!)?(, #(?P<post>-?\d+))?$")
_WIDTHS = {"b": 1, "h": 2, "w": 4}


def _words() -> list[int]:
    rng = random.Random(2)
    words = []
    for high in range(0, 1 << 10):              # bits 31 to 22: everything of the group but two bits and the fields
        if high >> 3 & 31 == 20 or high >> 2 & 63 == 56 or rng.random() < 0.1:     # pairs, singles, a few of all others
            for _ in range(100):
                words.append(high << 22 | rng.getrandbits(22))
    return words


def _register(name: str) -> int:
    return 31 if name in ("sp", "wsp", "xzr", "wzr") else int(name[1:])


def _row(word: int, mnemonic: str, operands: str) -> str | None:
    if mnemonic.startswith((".", "udf")):
        return None
    nothing = f"{{{word:#x}, 0, 0, 0, 0, 0, 0, 0, {{0, 0}}, 0, 0}},"
    pair, single = _PAIR.match(mnemonic), _SINGLE.match(mnemonic)
    match = pair or single
    registers = operands.split(", [")[0].split(", ")
    if not match or not all(re.fullmatch(r"[wx]([0-9]+|zr)", name) for name in registers):
        return nothing
    address = _ADDRESS.search(operands)
    if not address or not (pair or address["pre"] or address["post"]):
        return nothing
    store = match["kind"].startswith("st")
    sign = bool(match["sign"])
    wide = registers[0][0] == "x"
    width = 4 if pair and sign else 8 if wide else 4
    if single and single["width"]:
        width = _WIDTHS[single["width"]]
    numbers = [_register(name) for name in registers]
    return (f"{{{word:#x}, {width}, {len(numbers)}, {int(store)}, {int(sign)}, {int(wide)}, "
            f"{int(bool(address['pre'] or address['post']))}, {int(bool(address['post']))}, "
            f"{{{numbers[0]}, {numbers[1] if pair else 0}}}, {_register(address['base'])}, "
            f"{address['post'] or address['offset'] or 0}}},")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cross", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    words = _words()
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(word.to_bytes(4, "little") for word in words))
        file.flush()
        text = subprocess.run([f"{arguments.cross}objdump", "-D", "-b", "binary", "-m", "aarch64", "-z",
                               "-M", "no-aliases,no-notes", file.name], check=True, capture_output=True, text=True).stdout
    rows = []
    seen = 0
    for line in text.splitlines():
        match = re.match(r"\s*[0-9a-f]+:\s+(?P<word>[0-9a-f]+)\s+(?P<mnemonic>\S+)\s*(?P<operands>.*)", line)
        if match:
            seen += 1
            row = _row(int(match["word"], 16), match["mnemonic"], match["operands"].split("  //")[0].strip())
            if row:
                rows.append(row)
    assert seen == len(words), f"objdump gave {seen} of {len(words)} instructions"
    arguments.out.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
