# SPDX-License-Identifier: Apache-2.0
"""A guest may use the extensions that its device tree names, and no others that would reach beyond it."""
from __future__ import annotations

import re

import pytest

from linux_shell import Shell
from rogue import BASE, Rogue, csrr, csrw

RAM = 0x8008_0000
BOARDS = {"plic": "system", "aplic": "rogue-aplic", "aia": "rogue-aia", "max": "rogue-max", "rva23": "rogue-rva23"}


def csrs(csr: int) -> int:
    """csrrs x0, csr, BASE"""
    return csr << 20 | BASE << 15 | 2 << 12 | 0x73


def cbo(operation: int) -> int:
    """cbo.inval 0, cbo.clean 1, cbo.flush 2, cbo.zero 4"""
    return operation << 20 | BASE << 15 | 2 << 12 | 0x0f


# (extension, instruction): there exactly where the tree names the extension.
INSTRUCTIONS = [
    ("sstc", csrr(0x14d)), ("ssaia", csrr(0xdb0)), ("ssaia", csrr(0x15c)), ("ssstateen", csrr(0x10c)),
    ("zicbom", cbo(0)), ("zicbom", cbo(1)), ("zicbom", cbo(2)), ("zicboz", cbo(4)),
    ("svinval", 0x16000073), ("svinval", 0x18000073), ("svinval", 0x18100073),
    ("v", 0x0c0 << 20 | 7 << 12 | 5 << 7 | 0x57),               # vsetvli x5, x0, e8, m1, ta, ma
    ("zkr", csrw(0x015)),                                       # seed
    ("zicfiss", csrr(0x011)), ("ssctr", csrr(0x14e)),
]


@pytest.mark.parametrize("name", BOARDS)
def test_guest_has_what_its_tree_says(boot, name):
    rogue = Rogue(boot, f"tests/guests/rogue/{BOARDS[name]}.yaml")
    isa = rogue.vm("rogue")["isa"]
    assert rogue.ask(f"run {csrs(0x100):#x} 0x600") == "nothing changed"        # sstatus.VS
    there = {}
    for extension, instruction in INSTRUCTIONS:
        answer = rogue.ask(f"run {instruction:#x} {RAM:#x}")
        there[extension, hex(instruction)] = not answer.startswith("exception 2 ")
    assert there == {(extension, hex(instruction)): extension in isa for extension, instruction in INSTRUCTIONS}
    rogue.expect_unharmed()


def test_what_boards_offer(boot):
    isa = {name: set(Rogue(boot, f"tests/guests/rogue/{BOARDS[name]}.yaml").vm("rogue")["isa"]) for name in BOARDS}
    assert {"v", "ssaia", "ssstateen", "svinval", "svpbmt", "zicbom", "zicboz", "sstc"} <= isa["max"] & isa["rva23"]
    assert "svadu" in isa["max"] and "svade" in isa["rva23"] and "svadu" not in isa["rva23"]
    assert "ssaia" in isa["aia"] and "ssaia" not in isa["plic"] | isa["aplic"]
    for found in isa.values():
        assert not {e for e in found if e.startswith(("sm", "sh")) or e in ("h", "sscofpmf", "zkr", "ssdbltrp")}


@pytest.mark.parametrize("name", ["max", "rva23"])
def test_linux_uses_them(boot, name):
    """Debian's kernel finds nothing to complain of, and its user space has the vector registers."""
    shell = Shell(boot(f"tests/guests/linux-restart/linux-{name}.yaml", limit=240))
    assert shell.run("dmesg -r | grep '^<[0-3]>'") == []
    isa = "".join(shell.run("grep -m1 ^isa /proc/cpuinfo"))     # cut to fit the console
    assert re.search(r": rv64imafdcv_", isa) and {"ssaia", "sstc", "svinval", "svpbmt", "zicboz"} <= set(isa.split("_"))
