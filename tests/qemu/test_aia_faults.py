# SPDX-License-Identifier: Apache-2.0
"""A guest that misuses its APLIC and its interrupt file reaches nobody else."""
from __future__ import annotations

import pytest

from rogue import Rogue, csrr, csrw

ILLEGAL = 2
FILES = 0x2800_0000
SETIPNUM, GENMSI, TARGET, SOURCECFG, SETIENUM, DOMAINCFG = 0x2000, 0x3000, 0x3004, 0x4, 0x1edc, 0x0


@pytest.fixture
def aia(boot):
    return Rogue(boot, "tests/guests/rogue/rogue-aia.yaml")


def chip(rogue: Rogue) -> int:
    words = rogue.ask("where").split()
    return int(words[words.index("chip") + 1], 16)


@pytest.mark.parametrize("name", ["aplic", "aia"])
def test_every_register_takes_all_ones(boot, name):
    rogue = Rogue(boot, f"tests/guests/rogue/rogue-{name}.yaml")
    assert rogue.ask("chip", timeout=60) == "8192 registers"
    rogue.expect_unharmed()


@pytest.mark.parametrize("name", ["aplic", "aia"])
def test_sources_that_it_does_not_have(boot, name):
    rogue = Rogue(boot, f"tests/guests/rogue/rogue-{name}.yaml")
    base = chip(rogue)
    for source in (0, 1, 10, 12, 96, 97, 1023):     # 10 is its own UART here, the hypervisor's console there
        if source:
            rogue.ask(f"store 4 {base + SOURCECFG + 4 * (source - 1):#x} 6")
            rogue.ask(f"store 4 {base + TARGET + 4 * (source - 1):#x} 0xffffffff")
        rogue.ask(f"store 4 {base + SETIENUM:#x} {source}")
        rogue.ask(f"store 4 {base + SETIPNUM:#x} {source}")
        if source > 33:                             # the last one of its tree
            assert rogue.ask(f"load 4 {base + SOURCECFG + 4 * (source - 1):#x}") == "value 0x0"
    rogue.expect_unharmed()


def test_messages_to_itself(aia):
    base = chip(aia)
    for identity in (0, 1, 255, 256, 2047, 0xffff_ffff):
        assert aia.ask(f"store 4 {FILES:#x} {identity}") == "done"
        assert aia.ask(f"store 4 {base + GENMSI:#x} {0xffff_f800 | identity & 0x7ff:#x}") == "done"
    assert aia.ask(f"load 4 {base + GENMSI:#x}") == "value 0x7ff"   # to its only vCPU, never busy
    aia.expect_unharmed()


@pytest.mark.parametrize("access", ["load", "store"])
def test_interrupt_files_of_others(aia, access):
    """Behind its own, where a neighbour's would be."""
    aia.tell(f"{access} 4 {FILES + 0x1000:#x} 1")
    aia.expect_stopped(f"vm 'rogue' vcpu 0: {access} of 4 bytes at {FILES + 0x1000:#x}: nothing is mapped there (pc {{pc}})",
                       f"  nearest: 'interrupt files' {FILES:#x}-{FILES + 0xfff:#x} rw, a default")
    aia.expect_unharmed()


def test_physical_interrupt_files(aia):
    """Neither the hypervisor's own nor a neighbour's, by their physical address."""
    neighbour = aia.vm("neighbour")["index"]
    target = next(cpu["guest_file"] for cpu in aia.built.plan["cpus"] if cpu["vm"] == neighbour)
    aia.tell(f"store 4 {target:#x} 1")
    aia.expect_stopped()
    aia.expect_unharmed()


def test_registers_of_the_interrupt_file(aia):
    """Its own are there, as they are on a hart with S-mode; those of levels above are not."""
    assert aia.ask(f"run {csrw(0x150):#x} 0x70") == "nothing changed"       # siselect
    assert aia.ask(f"run {csrr(0x151):#x} 0") == "changed x5=0x0"           # sireg: eidelivery
    assert aia.ask(f"run {csrr(0x15c):#x} 0") == "changed x5=0x0"           # stopei
    assert aia.ask(f"run {csrr(0xdb0):#x} 0") == "changed x5=0x0"           # stopi
    for name, csr in {"vsiselect": 0x250, "vstopei": 0x25c, "hgeie": 0x607, "hgeip": 0xe12, "hvictl": 0x609,
                      "hvien": 0x608, "miselect": 0x350, "mtopei": 0x35c}.items():
        assert aia.ask(f"run {csrr(csr):#x} 0").startswith(f"exception {ILLEGAL} "), name
    for select in (0x30, 0x3f, 0x71, 0x73, 0x1000):
        assert aia.ask(f"run {csrw(0x150):#x} {select:#x}") == "nothing changed"
        assert aia.ask(f"run {csrr(0x151):#x} 0").startswith(("exception 2 ", "changed x5=0x0")), hex(select)
    aia.expect_unharmed()
