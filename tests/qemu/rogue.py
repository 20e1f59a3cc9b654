# SPDX-License-Identifier: Apache-2.0
"""tests/guests/rogue from the outside: a guest that does what it is told, and instructions for it to run."""
from __future__ import annotations

import re

from harness import Built, Console, build

SYSTEM = "tests/guests/rogue/system.yaml"
BASE = 11       # the register that `run` sets to its second argument, on RISC-V
RAM_SIZE = 1 << 20


class Rogue:
    """The system, running; both guests are ready. `bits`: of a register; `ones`: all of them; `ram`: where its memory is."""

    def __init__(self, boot, system: str = SYSTEM) -> None:
        self.built: Built = build(system)
        self.bits = 32 if self.built.plan["arch"] == "riscv32" else 64
        self.ones = (1 << self.bits) - 1
        self.is_arm = self.built.plan["arch"] == "aarch64"
        self.ram = 0x4000_0000 if self.is_arm else 0x8000_0000
        self.ram_end = self.ram + RAM_SIZE
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
        """The fault report, to the letter but for {pc} and {walk} (digits of an address), and that the rogue was stopped."""
        for line in report:
            pattern = re.escape(f"[bulkhead] {line}\n").replace(r"\{pc\}", f"{self.ram >> 20:#x}[0-9a-f]{{5}}")
            self.console.expect(re.compile(pattern.replace(r"\{walk\}", "[0-9a-f]{3}")))
        self.console.expect("[bulkhead] vm 'rogue' stopped\n")

    def expect_unharmed(self) -> None:
        """The neighbour says that nothing has happened to it, and everything ends in order."""
        if "[bulkhead] vm 'rogue' " not in self.console.output:
            if self.is_arm:
                assert self.ask("hvc 0x84000000") == "value 0x10001"
            else:
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


# AArch64: BASE is x1.

def msr_ttbr0() -> int:
    """msr ttbr0_el1, x1"""
    return 0xd5182001


def mrs(op0: int, op1: int, crn: int, crm: int, op2: int, rt: int = 5) -> int:
    """mrs xRT, that register"""
    return 0xd5200000 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | rt


def msr(op0: int, op1: int, crn: int, crm: int, op2: int, rt: int = 5) -> int:
    """msr that register, xRT"""
    return mrs(op0, op1, crn, crm, op2, rt) & ~(1 << 21)


def indexed(size: int, opc: int, rt: int, offset: int, post: bool) -> int:
    """str 0, ldr 1, ldrs to 64 bits 2, to 32 bits 3; of 2 ** size bytes, with write-back of x1"""
    return size << 30 | 0x38000400 | opc << 22 | (offset & 0x1ff) << 12 | (not post) << 11 | 1 << 5 | rt


def pair(size: int, load: bool, rt: int, rt2: int, offset: int, mode: int) -> int:
    """stp and ldp of 2 ** size bytes each; mode: 1 post, 2 offset, 3 pre"""
    return (size - 2) << 31 | 0x28000000 | mode << 23 | load << 22 | (offset >> size & 0x7f) << 15 | rt2 << 10 | 1 << 5 | rt
