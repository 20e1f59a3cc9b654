# SPDX-License-Identifier: Apache-2.0
"""Write a C table of instruction words and what objdump makes of them: {word, width, sign, write, register}.

Every 16-bit instruction that objdump knows, and for every 32-bit major opcode and funct3 some with random other fields.
Words that are no load or store of an integer register have width 0. Reserved encodings, which never trap as an
access, and those that objdump does not know are left out.
"""
from __future__ import annotations

import argparse
import pathlib
import random
import re
import subprocess
import tempfile

_WIDTHS = {"b": 1, "h": 2, "w": 4, "d": 8}
_ACCESS = re.compile(r"(?:c\.)?(?P<kind>[ls])(?P<width>[bhwd])(?P<unsigned>u?)(?:sp)?$")


def _words() -> tuple[list[int], list[int]]:
    compressed = [word for word in range(0x10000) if word & 3 != 3]
    rng = random.Random(1)
    full = []
    for opcode in range(3, 128, 4):
        if opcode & 0x1c == 0x1c:  # longer than 32 bits
            continue
        for funct3 in range(8):
            for _ in range(20):
                full.append(rng.getrandbits(32) & ~0x707f | funct3 << 12 | opcode)
    return compressed, full


def _row(word: int, mnemonic: str, operands: str) -> str | None:
    if mnemonic.startswith((".", "0x")) or mnemonic in ("unimp", "c.unimp"):
        return None
    match = _ACCESS.match(mnemonic)
    if not match:
        return f"{{{word:#x}, 0, 0, 0, 0}},"
    register = operands.split(",")[0]
    assert register.startswith("x"), (mnemonic, operands)
    write = match["kind"] == "s"
    sign = not write and not match["unsigned"]
    return f"{{{word:#x}, {_WIDTHS[match['width']]}, {int(sign)}, {int(write)}, {register[1:]}}},"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cross", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    compressed, full = _words()
    code = b"".join(word.to_bytes(2, "little") for word in compressed)
    code += b"".join(word.to_bytes(4, "little") for word in full)
    with tempfile.NamedTemporaryFile() as file:
        file.write(code)
        file.flush()
        text = subprocess.run([f"{arguments.cross}objdump", "-D", "-b", "binary", "-m", "riscv:rv64", "-z",
                               "-M", "no-aliases,numeric", file.name], check=True, capture_output=True,
                              text=True).stdout
    rows = []
    seen = 0
    for line in text.splitlines():
        match = re.match(r"\s*[0-9a-f]+:\s+(?P<word>[0-9a-f]+)\s+(?P<mnemonic>\S+)\s*(?P<operands>\S*)", line)
        if match:
            seen += 1
            row = _row(int(match["word"], 16), match["mnemonic"], match["operands"])
            if row:
                rows.append(row)
    assert seen == len(compressed) + len(full), f"objdump gave {seen} of {len(compressed) + len(full)} instructions"
    arguments.out.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
