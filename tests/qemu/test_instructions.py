# SPDX-License-Identifier: Apache-2.0
"""Instructions that a guest may not execute are its own exceptions; emulated ones do exactly what they should."""
from __future__ import annotations

from rogue import BASE, Rogue, amoadd_w, c_lw, c_sw, csrr, hlv_w, load, lr_w, store

ILLEGAL = 2
LOAD_ACCESS = 5
STORE_ACCESS = 7
KEPT = (2, 3, 4)        # sp, gp, tp: `run` leaves the guest's own in them


def test_illegal_and_hypervisor_instructions(rogue):
    instructions = {
        "all zeros": 0, "all ones": 0xffffffff, "mret": 0x30200073,
        "hfence.vvma": 0x22000073, "hfence.gvma": 0x62000073, "hlv.w": hlv_w(),
        "mstatus": csrr(0x300), "mhartid": csrr(0xf14), "hstatus": csrr(0x600), "hgatp": csrr(0x680),
        "hvip": csrr(0x645),
        "vsstatus": csrr(0x200), "vsatp": csrr(0x280), "no such CSR": csrr(0x5c0),
    }
    for name, opcode in instructions.items():
        assert rogue.ask(f"run {opcode:#x} 0x80000000").startswith(f"exception {ILLEGAL} "), name
    rogue.expect_unharmed()


def test_registers_survive_an_sbi_call(rogue):
    assert rogue.ask("run 0x73 0") == "changed x10=0x0 x11=0x2000000"
    assert rogue.ask("float") == "kept"
    rogue.expect_unharmed()


def place(rogue: Rogue, name: str) -> int:
    words = rogue.ask("where").split()
    return int(words[words.index(name) + 1], 16)


def test_byte_accesses_of_the_uart_with_every_register(rogue):
    uart = place(rogue, "uart")
    registers = [n for n in range(1, 32) if n not in (*KEPT, BASE, 16, 17)]
    for n in registers:
        assert rogue.ask(f"run {store(0, 7, n):#x} {uart:#x}") == "nothing changed"
        # `run` fills register n with a pattern that ends in n: it is now in the scratch register.
        assert rogue.ask(f"run {load(4, 7, n):#x} {uart:#x}") == f"changed x{n}={n:#x}"
    assert rogue.ask(f"store 1 {uart + 7:#x} 0x80") == "done"
    assert rogue.ask(f"run {load(4, 7, 5):#x} {uart:#x}") == "changed x5=0x80"
    assert rogue.ask(f"run {load(0, 7, 5):#x} {uart:#x}") == f"changed x5={rogue.ones - 0x7f:#x}"
    assert rogue.ask(f"run {load(4, 7, 0):#x} {uart:#x}") == "nothing changed"
    assert rogue.ask(f"run {load(4, 7, BASE):#x} {uart:#x}") == "changed x11=0x80"
    rogue.expect_unharmed()


def test_word_accesses_of_the_plic_compressed_too(rogue):
    plic = place(rogue, "chip")
    for n in (8, 9, 12, 13, 14, 15):
        assert rogue.ask(f"run {c_sw(n, 4):#x} {plic:#x}") == "nothing changed"
        assert rogue.ask(f"run {c_lw(n, 4):#x} {plic:#x}") == f"changed x{n}={n & 7:#x}"
    assert rogue.ask(f"run {store(2, 4, 7):#x} {plic:#x}") == "nothing changed"
    assert rogue.ask(f"run {load(2, 4, 5):#x} {plic:#x}") == "changed x5=0x7"
    if rogue.bits == 64:
        assert rogue.ask(f"run {load(6, 4, 5):#x} {plic:#x}") == "changed x5=0x7"
    rogue.expect_unharmed()


def test_wrong_widths_and_misaligned_accesses_are_access_faults(rogue):
    uart, plic = place(rogue, "uart"), place(rogue, "chip")
    for width, address in [(2, uart), (4, uart), (8, uart), (4, uart + 1), (1, uart + 8), (1, uart + 0xfff),
                           (1, plic + 4), (2, plic + 4), (8, plic + 8), (4, plic + 2), (4, plic + 5)]:
        if width * 8 > rogue.bits:
            continue
        assert rogue.ask(f"load {width} {address:#x}") == f"exception {LOAD_ACCESS} value {address:#x}"
        assert rogue.ask(f"store {width} {address:#x} 0") == f"exception {STORE_ACCESS} value {address:#x}"
    for address in (uart, plic + 4):
        assert rogue.ask(f"run {amoadd_w():#x} {address:#x}") == f"exception {STORE_ACCESS} value {address:#x}"
        assert rogue.ask(f"run {lr_w():#x} {address:#x}") == f"exception {LOAD_ACCESS} value {address:#x}"
    rogue.expect_unharmed()


def test_execution_of_a_virtual_device_stops_the_vm(rogue):
    uart = place(rogue, "uart")
    rogue.tell(f"jump {uart:#x}")
    rogue.expect_stopped(f"vm 'rogue' vcpu 0: instruction fetch at {uart:#x}: 'console' is trapped (pc {uart:#x})")
    rogue.expect_unharmed()


def test_every_register_of_the_plic_takes_all_ones(rogue):
    assert rogue.ask("chip", timeout=60) == "12791 registers"
    rogue.expect_unharmed()
