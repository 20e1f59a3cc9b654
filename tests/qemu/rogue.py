# SPDX-License-Identifier: Apache-2.0
"""tests/guests/rogue from the outside: a guest that does what it is told, and RISC-V instructions for it to run."""
from __future__ import annotations

import re

from harness import Built, Console, build

SYSTEM = "tests/guests/rogue/system.yaml"
BASE = 11       # the register that `run` sets to its second argument


class Rogue:
    """The system, running; both guests are ready. `bits`: of a register; `ones`: all of them."""

    def __init__(self, boot, system: str = SYSTEM) -> None:
        self.built: Built = build(system)
        self.bits = 32 if self.built.plan["arch"] == "riscv32" else 64
        self.ones = (1 << self.bits) - 1
        self.console: Console = boot(self.built)
        self.console.expect("[neighbour] neighbour ready\n")
        self.ask("where")

    def ask(self, command: str, timeout: float = 30.0) -> str:
        """The one line that answers a command."""
        self.console.send(command + "\r")
        return self.console.expect(re.compile(r"\[rogue\] (?!rogue ready)([^\n]+)\n"), timeout).group(1)

    def tell(self, command: str) -> None:
        """A command that the rogue does not survive."""
        self.console.send(command + "\r")

    def expect_stopped(self, *report: str) -> None:
        """The fault report, to the letter but for {pc}, and that the rogue was stopped."""
        for line in report:
            self.console.expect(re.compile(re.escape(f"[bulkhead] {line}\n").replace(r"\{pc\}", "0x800[0-9a-f]{5}")))
        self.console.expect("[bulkhead] vm 'rogue' stopped\n")

    def expect_unharmed(self) -> None:
        """The neighbour says that nothing has happened to it, and everything ends in order."""
        if "[bulkhead] vm 'rogue' " not in self.console.output:
            assert self.ask("sbi 0x10 0") == "error 0 value 0x2000000"
            self.tell("off")
            self.console.expect("[bulkhead] vm 'rogue' powered off\n")
        self.console.send("q")
        self.console.expect("[neighbour] neighbour: ticks go on, second CPU goes on, its interrupt came, "
                            "0 words wrong\n")
        self.console.expect("[bulkhead] all VMs have ended\n")
        assert self.console.expect_end() == 0

    def vm(self, name: str) -> dict:
        return next(vm for vm in self.built.plan["vms"] if vm["name"] == name)

    def line(self, text: str) -> int:
        """The first line of the system's YAML that holds a text."""
        from harness import ROOT

        lines = (ROOT / SYSTEM).read_text().splitlines()
        return next(i for i, line in enumerate(lines, 1) if text in line)


def csrr(csr: int, rd: int = 5) -> int:
    """csrrs rd, csr, x0"""
    return csr << 20 | 2 << 12 | rd << 7 | 0x73


def csrw(csr: int) -> int:
    """csrrw x0, csr, BASE"""
    return csr << 20 | BASE << 15 | 1 << 12 | 0x73


def hlv_w(rd: int = 5) -> int:
    """hlv.w rd, (BASE)"""
    return 0b0110100 << 25 | BASE << 15 | 4 << 12 | rd << 7 | 0x73


def load(funct3: int, offset: int, rd: int) -> int:
    """funct3: lb 0, lh 1, lw 2, ld 3, lbu 4, lhu 5, lwu 6"""
    return offset << 20 | BASE << 15 | funct3 << 12 | rd << 7 | 0x03


def store(funct3: int, offset: int, rs: int) -> int:
    """funct3: sb 0, sh 1, sw 2, sd 3"""
    return offset >> 5 << 25 | rs << 20 | BASE << 15 | funct3 << 12 | (offset & 31) << 7 | 0x23


def c_lw(rd: int, offset: int = 0) -> int:
    """c.lw rd, offset(BASE), offset 0 or 4, rd 8 to 15; with a c.nop behind it"""
    return 0x0001 << 16 | 0b010 << 13 | (BASE - 8) << 7 | (offset >> 2 & 1) << 6 | (rd - 8) << 2


def c_sw(rs: int, offset: int = 0) -> int:
    """c.sw rs, offset(BASE)"""
    return 0x0001 << 16 | 0b110 << 13 | (BASE - 8) << 7 | (offset >> 2 & 1) << 6 | (rs - 8) << 2


def amoadd_w(rd: int = 5, rs: int = 6) -> int:
    """amoadd.w rd, rs, (BASE)"""
    return rs << 20 | BASE << 15 | 2 << 12 | rd << 7 | 0x2f


def lr_w(rd: int = 5) -> int:
    """lr.w rd, (BASE)"""
    return 0b00010 << 27 | BASE << 15 | 2 << 12 | rd << 7 | 0x2f


def flw(rd: int = 0) -> int:
    """flw rd, 0(BASE)"""
    return BASE << 15 | 2 << 12 | rd << 7 | 0x07
