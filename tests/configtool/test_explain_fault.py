# SPDX-License-Identifier: Apache-2.0
"""explain-fault: logs of every kind, damaged ones too, and what is said of the faults in them."""
from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configtool.faults import causes
from configtool.faults.known import Known
from configtool.faults.log import MOST, Log, read
from configtool.faults.symbols import Symbols, is_call
from configtool.language import load_system
from configtool.diagnostics import Sink

ROOT = Path(__file__).resolve().parents[2]

REPORT = """\
[bulkhead] pair on some-board, build 0123456789abcdef
[alpha] hello
[bulkhead] vm 'alpha' vcpu 1: load of 4 bytes at 0x90000000: nothing is mapped there (pc 0x80000abc)
[bulkhead]   nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:7
[bulkhead]     scause 15 stval c0000000 sstatus 120 vsstatus 100 vsatp 8000000000080001
[bulkhead]     x0: 0 1001 1002 1003 1004 1005 1006 1007
[bulkhead]     x8: 1008 1009 100a 100b 100c 100d 100e 100f
[bulkhead]     x16: 1010 1011 1012 1013 1014 1015 1016 1017
[bulkhead]     x24: 1018 1019 101a 101b 101c 101d 101e ffffffffffffffff
[bulkhead]     called from: 1001 80000200
[bulkhead]     exits: 10 calls, 11 hypercalls, 12 mmio, 13 device, 14 timer, 15 event, 16 other
[bulkhead] vm 'alpha' stopped
"""
FIRST = REPORT.splitlines(keepends=True)[2]


def parsed(text: str | bytes) -> Log:
    return read(io.BytesIO(text.encode() if isinstance(text, str) else text))


def whole(log: Log, count: int = 1) -> None:
    [report] = log.reports
    assert (report.vm, report.vcpu, report.pc, report.access, report.width, report.address) == (
        "alpha", 1, 0x80000abc, "load", 4, 0x90000000)
    place = report.place
    assert place is not None and (place.near, place.name, place.first, place.last, place.access, place.file,
                                  place.line) == (True, "memory.ram", 0x80000000, 0x80ffffff, "rwx", "pair.yaml", 7)
    assert report.state == {"scause": 0x15, "stval": 0xc0000000, "sstatus": 0x120, "vsstatus": 0x100,
                            "vsatp": 0x8000000000080001}
    assert report.registers == {**{n: 0x1000 + n for n in range(1, 31)}, 0: 0, 31: (1 << 64) - 1}
    assert report.callers == [0x1001, 0x80000200]
    assert report.exits.startswith("10 calls, 11 hypercalls") and report.end == "stopped" and report.count == count


def test_a_report():
    log = parsed(REPORT)
    whole(log)
    assert log.builds == [("pair", "some-board", "0123456789abcdef")] and log.lines == 12


@pytest.mark.parametrize("change", [
    lambda line: line.rstrip("\n") + "\r\n",
    lambda line: line.rstrip("\n") + "\r\r\n",
    lambda line: "\x1b[2K\x1b[1;31m" + line.rstrip("\n") + "\x1b[0m\n",
    lambda line: "[12:34:56.789] " + line,
    lambda line: "2026-01-02T03:04:05.678Z " + line,
    lambda line: "\0" + line,
    lambda line: "> prompt\r" + line,
], ids=["crlf", "crcrlf", "colour", "time", "date", "nul", "overwritten"])
def test_what_terminals_add(change):
    whole(parsed("".join(map(change, REPORT.splitlines(keepends=True)))))


def test_a_guest_cannot_forge_one():
    for line in ("[alpha] " + FIRST, "[alpha] \r" + FIRST.replace("[bulkhead]", "[alpha] [bulkhead]"),
                 "alpha says " + FIRST):
        assert parsed(line).reports == []


def test_the_same_again_is_counted():
    whole(parsed(REPORT * 57), 57)


def test_every_cut_is_survived():
    for end in range(len(REPORT)):
        assert len(parsed(REPORT[:end]).reports) <= 1


def test_random_damage_is_survived():
    source = random.Random(1)
    for _ in range(2000):
        text = bytearray(REPORT.encode())
        for _ in range(source.randrange(1, 20)):
            text[source.randrange(len(text))] = source.randrange(256)
        log = parsed(bytes(text))
        for report in log.reports:
            causes.advise(report, Known())


def test_many_different_ones_are_bounded():
    log = parsed("".join(FIRST.replace("0x90000000", hex(0x90000000 + i)) for i in range(1000)))
    assert len(log.reports) == MOST and log.left_out == 1000 - MOST


class Endless(io.RawIOBase):
    """So many bytes of a pattern, without holding them."""

    def __init__(self, piece: bytes, count: int) -> None:
        self.piece, self.count = piece, count

    def read(self, size: int = -1) -> bytes:
        self.count -= 1
        return self.piece if self.count >= 0 else b""


@pytest.mark.parametrize("piece", [b"\xff\0\x1b[" * (1 << 18), (REPORT + "[alpha] talks on\n" * 9).encode() * 1000,
                                   b"[bulkhead] " * 100_000], ids=["no line at all", "faults", "one long line"])
def test_a_hundred_megabytes(piece):
    """In memory that does not grow, and in seconds."""
    begin = time.process_time()
    log = read(Endless(piece, (40 << 20) // len(piece)))   # type: ignore[arg-type]
    assert len(log.reports) <= 1
    assert time.process_time() - begin < 20


def test_a_panic():
    log = parsed("[bulkhead] hypervisor panic on cpu@1, running for vm 'alpha' vcpu 0: exception\n"
                 "[bulkhead]     scause 5 stval 0 sepc 80201234 sp 80210000\n"
                 "[bulkhead]     called from: 80201238 80201300\n")
    [report] = log.reports
    assert report.panic and (report.cpu, report.vm, report.vcpu, report.what) == ("cpu@1", "alpha", 0, "exception")
    assert report.pc == 0x80201234 and report.callers == [0x80201238, 0x80201300]


SYSTEM = """\
bulkhead: 1
name: pair
board: qemu-riscv64-virt
channels:
  news: {size: 8KiB, from: beta, to: [alpha]}
  talk: {size: 8KiB, between: [alpha, beta]}
vms:
  alpha: {vcpus: 1, memory: {ram: 16MiB, rom: {size: 4KiB, access: r}}, image: {file: a.elf}}
  beta:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: b.elf}
    devices: [rtc@101000]
"""
RAM = "nearest: 'memory.ram' 0x80000000-0x80ffffff rwx, pair.yaml:8"


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Known:
    from configtool.board.load import load_board

    folder = tmp_path_factory.mktemp("pair")
    (folder / "pair.yaml").write_text(SYSTEM)
    sink = Sink()
    system = load_system(str(folder / "pair.yaml"), sink, None)
    assert system is not None
    board = load_board(system.board, system.board_span, str(folder), sink)
    plan = {"arch": "riscv64", "banks": [{"base": 0x80000000, "size": 0x80000000}],
            "uses": [{"base": 0x80200000, "size": 0x10000, "owner": "hypervisor"}],
            "cpus": [{"name": "cpu@0", "stack": {"base": 0x80210000, "size": 4096}}],
            "vms": [{"name": "alpha", "maps": []},
                    {"name": "beta", "maps": [{"kind": "device", "phys": 0x101000, "size": 0x1000}]}]}
    return Known(system, board, plan)


@pytest.mark.parametrize("what, place, wanted, mend", [
    ("load at 0x10: nothing is mapped there", RAM, "null pointer", None),
    ("load at 0x81000010: nothing is mapped there", RAM, "16 bytes behind memory.ram", "make memory.ram larger"),
    ("store at 0x7ffffff0: nothing is mapped there", RAM, "16 bytes below memory.ram", "make the stack larger"),
    ("load at 0x80200010: nothing is mapped there", RAM, "as a physical address it is that of 'hypervisor'", None),
    ("load at 0xc0000000: nothing is mapped there", RAM, "the board has memory there", "from its device tree"),
    ("load at 0x7000000000: nothing is mapped there", RAM, "neither the VM nor the board", None),
    ("load at 0x101000: nothing is mapped there", RAM, "which VM 'beta' has", "take it from 'beta'"),
    ("load at 0x10001000: nothing is mapped there", RAM, "which no VM has",
     "give it to the VM: `devices: [virtio1]`"),
    ("load at 0x10000000: nothing is mapped there", RAM, "the hypervisor's console", "console: none"),
    ("load at 0x2000000: nothing is mapped there", RAM, "clint is there (clint)", "the device tree"),
    ("instruction fetch at 0x0: nothing is mapped there", RAM, "null function pointer", None),
    ("instruction fetch at 0xc0000000: nothing is mapped there", RAM, "there is no code", None),
    ("store of 4 bytes at 0x70000000: 'channels.news' is r",
     "place: 'channels.news' 0x70000000-0x70001fff r, pair.yaml:5", "'beta' writes this channel, 'alpha' reads it",
     "{from: alpha, to: [beta]}"),
    ("store of 4 bytes at 0x70000000: 'channels.talk' is r",
     "place: 'channels.talk' 0x70000000-0x70001fff r, pair.yaml:6", "each VM writes its own half", "header"),
    ("instruction fetch at 0x70000000: 'channels.news' is r",
     "place: 'channels.news' 0x70000000-0x70001fff r, pair.yaml:5", "is not executable", None),
    ("store at 0x60000000: 'memory.rom' is r", "place: 'memory.rom' 0x60000000-0x60000fff r, pair.yaml:8",
     "may not write memory.rom", "access: rw"),
    ("instruction fetch at 0x10000000: 'console' is trapped", "place: 'console' 0x10000000-0x10000fff trapped, a default",
     "is not executable", None),
    ("an access that the bus has refused (SError)", None, "the bus answered with an error", "clock"),
    ("an access to a virtual device that the CPU does not describe: with write-back, of a pair or a vector", None, None,
     "plain loads and stores"),
    ("an exception that no guest should be able to cause", None, None, "defect of Bulkhead"),
])
def test_causes(known, what, place, wanted, mend):
    lines = [f"[bulkhead] vm 'alpha' vcpu 0: {what} (pc 0x80000abc)"] + ([f"[bulkhead]   {place}"] if place else [])
    [report] = parsed("\n".join(lines)).reports
    advice = causes.advise(report, known)
    assert wanted is None or any(wanted in note for note in advice.notes), advice.notes
    assert mend is None or any(mend in text for text in advice.help), advice.help


def test_walk_of_the_guest_s_own_tables(known):
    text = FIRST + "[bulkhead]     scause 15 stval c0000123 sstatus 120 vsstatus 100 vsatp 8000000000080001\n"
    [report] = parsed(text).reports
    assert "own page tables" in causes.advise(report, known).notes[0]
    [report] = parsed(text.replace("c0000123", "c0000000")).reports
    assert "own page tables" not in causes.advise(report, known).notes[0]


def test_stack_overflow_of_the_hypervisor(known):
    [report] = parsed("[bulkhead] hypervisor panic on cpu@0: exception\n"
                      "[bulkhead]     scause 7 stval 8020fff8 sepc 80201234 sp 8020fff0\n").reports
    advice = causes.advise(report, known)
    assert advice.notes == ["the stack of cpu@0 (0x80210000 to 0x80211000) ran over into the unmapped page below it"]


def test_calls_are_known_from_other_code():
    def word(value: int) -> bytes:
        return value.to_bytes(4, "little")

    assert is_call("riscv64", word(0x010000ef)) and is_call("riscv64", word(0x000780e7))       # jal, jalr
    assert is_call("riscv64", word(0x97820001)) and not is_call("riscv64", word(0x87820001))   # c.jalr, c.jr
    assert is_call("riscv32", word(0x20010001)) and not is_call("riscv64", word(0x20010001))   # c.jal
    assert not is_call("riscv64", word(0x00000013)) and not is_call("riscv64", b"")
    assert is_call("aarch64", word(0x94000001)) and is_call("aarch64", word(0xd63f0020))       # bl, blr
    assert not is_call("aarch64", word(0x14000001)) and not is_call("aarch64", word(0xd61f0020))


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "configtool", "explain-fault", *arguments], cwd=ROOT, input=text,
                          capture_output=True, text=True, timeout=60)


def test_without_anything_else():
    done = run("-", text=REPORT)
    assert done.returncode == 1 and not done.stderr
    assert done.stdout.startswith("fault: VM 'alpha' vCPU 1 loads 4 bytes at 0x90000000, where it has nothing\n"
                                  " --> standard input:3:1\n")
    assert "= note: at 0x80000abc\n          called from 0x1001\n          called from 0x80000200\n" in done.stdout
    assert "= note: then: vm 'alpha' stopped\n" in done.stdout
    assert done.stdout.endswith("note: --system FILE shows the lines of the description, the symbols of its guests, and "
                                "more of the causes\n")


def test_json():
    done = run("-", "--format", "json", text=REPORT * 2)
    found = json.loads(done.stdout)
    assert found["builds"][0] == {"system": "pair", "board": "some-board", "build": "0123456789abcdef"}
    [report] = found["reports"]
    assert (report["vm"], report["count"], report["pc"], report["end"]) == ("alpha", 2, 0x80000abc, "stopped")
    assert [f["address"] for f in report["frames"]] == [0x80000abc, 0x1001, 0x80000200]


def test_a_log_without_faults():
    done = run("-", text="[bulkhead] pair on some-board, build 0123456789abcdef\n")
    assert (done.returncode, done.stdout) == (0, "no fault in 1 line\n")


@pytest.mark.parametrize("arguments, message", [
    (["/nowhere/log"], "configtool: cannot read /nowhere/log: no such file or directory\n"),
    (["/"], "configtool: cannot read /: is a directory\n"),
    (["-", "--system", "nowhere.yaml"], "configtool: cannot read nowhere.yaml: there is no such file\n"),
    (["-", "--elf", "alpha=/nowhere"], "configtool: /nowhere cannot be read: there is no such file\n"),
    (["-", "--elf", "alpha=README.md"], "configtool: README.md cannot be read as an ELF file (ELFError)\n"),
])
def test_wrong_usage(arguments, message):
    done = run(*arguments, text=REPORT)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_damaged_elf_files(tmp_path):
    """Symbols of a file with any byte changed: nothing worse than no symbols."""
    compiled = tmp_path / "a.elf"
    (tmp_path / "a.c").write_text("void inner(void){} void _start(void){inner();}")
    subprocess.run(["riscv64-unknown-elf-gcc", "-g", "-nostdlib", "-Wl,-Ttext=0x80000000", "-o", compiled,
                    tmp_path / "a.c"], check=True)
    good = compiled.read_bytes()
    where = Symbols(str(compiled)).where(0x80000000)
    assert where is not None and where.function == "inner" and where.line == 1 and where.file.endswith("a.c")
    source = random.Random(2)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(source.randrange(1, 8)):
            data[source.randrange(len(data))] = source.randrange(256)
        compiled.write_bytes(data[:source.randrange(64, len(data))] if source.random() < .3 else data)
        Symbols(str(compiled)).where(0x80000000)
