# SPDX-License-Identifier: Apache-2.0
"""tests/guests/chaos from the outside: random operations of a hostile guest, and what its neighbours make of them.

    python3 tests/qemu/chaos.py [--seed N] [--ops N] [BOARD...]         (make soak)

Every operation follows from the seed and its number. What vCPUs do at once is not the same on every run; with --exact they
take turns under -icount, and it is.
"""
from __future__ import annotations

import argparse
import re
import secrets
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness import Built, Console, build

BOARDS = {"plic": "system", "aplic": "chaos-aplic", "aia": "chaos-aia", "rv32": "chaos-rv32", "gicv2": "chaos-gicv2",
          "gicv3": "chaos-gicv3", "direct": "chaos-direct", "budget": "chaos-budget"}
PATIENCE = 120.0        # seconds without news
_PROGRESS = 0x4000      # operations from one line to the next
_EXACT = ("-icount", "shift=0,sleep=off", "-netdev", "hubport,id=n0,hubid=0",
          "-object", "filter-buffer,id=f0,netdev=n0,queue=all,interval=10")

# All that the hypervisor may say: reports of faults of this VM, in the words of its YAML.
_PLACE = r"'[^']+' 0x[0-9a-f]+-0x[0-9a-f]+ (?:r|rw|rx|rwx|trapped), (?:[\w.-]+:\d+|a default)"
_MAY_SAY = re.compile("|".join((
    r"[\w-]+ on [\w-]+, build [0-9a-f]{16}",
    r"vm 'chaos' vcpu [01]: (?:(?:load|store)(?: of [1248] bytes?)?|instruction fetch|walk of its page tables) at "
    r"0x[0-9a-f]+: (?:nothing is mapped there|'[^']+' is (?:r|rw|rx|rwx|trapped)) \(pc 0x[0-9a-f]+\)",
    rf"  (?:place|nearest): {_PLACE}",
    r"    [a-z][\w: ,]*",                           # registers, callers, counters
    r"vm 'chaos' (?:stopped|powered off|reset itself)(?: after a failure)?, restarts",
    r"input goes to listener", r"vm '(?:witness|listener)' powered off")))
_NEWS = re.compile(r"\[(?:chaos\] (?:again from|at) operation \d+|witness\] \d+ operations[^\n]*)\n")
_FAIR = re.compile(r"\[witness\] (\d+) operations, (\d+) starts: (\d+) passes over \d+ words, 0 wrong, exits 0 0 0 0 0 0 0\n")


class Failure(Exception):
    """Something that should not have happened; the text says all that is known."""


@dataclass(frozen=True)
class Run:
    board: str
    seed: int
    operations: int
    starts: int         # of the hostile VM
    passes: int         # of the witness over its memory
    seconds: float


def run(board: str, seed: int, operations: int, exact: bool = False) -> Run:
    """Failure: the hypervisor panicked or hung, said something else than reports, or a neighbour noticed."""
    built = build(f"tests/guests/chaos/{BOARDS[board]}.yaml")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        # A machine that switches itself off stays, so that one can ask it where it was.
        command = built.command({"-monitor": f"unix:{folder}/monitor,server=on,wait=off"},
                                ["-no-shutdown", *(_EXACT if exact else ())])
        console = Console(command, limit=120 + operations / 100)
        try:
            found = _watch(console, seed, operations)
            return Run(board, seed, int(found[1]), int(found[2]), int(found[3]), time.monotonic() - start)
        except AssertionError as problem:
            raise Failure(f"{board}: {problem}\nSEED={seed}, {_where(built, folder + '/monitor')}\n"
                          f"{console.output[-4000:]}") from None
        finally:
            console.close()


def _watch(console: Console, seed: int, operations: int) -> re.Match[str]:
    for guest in ("witness", "listener"):
        console.expect(re.compile(rf"\[{guest}\] {guest} ready\n"))
        console.rewind()
    console.expect("[chaos] chaos ready\n")
    console.send(f"{seed} {operations}\r")
    news = ""
    checked = 0
    while not news.startswith("[witness]"):
        news = console.expect(_NEWS, PATIENCE).group(0)
        checked = _check(console, checked)
    fair = _FAIR.fullmatch(news)
    assert fair, f"the neighbour has noticed: {news}"
    console.send("\x052")
    console.expect("[bulkhead] input goes to listener\n")
    console.send("q")
    last = console.expect(re.compile(r"\[listener\] listener: [^\n]*\n")).group(0)
    assert last == "[listener] listener: rung, ticks go on, 0 words wrong\n", last
    _check(console, checked)
    return fair


def _check(console: Console, start: int) -> int:
    """All whole lines from `start` on; where the next check begins."""
    end = console.output.rfind("\n") + 1
    for line in console.output[start:end].split("\n"):
        said = line.partition("[bulkhead] ")
        assert not said[1] or _MAY_SAY.fullmatch(said[2]), f"the hypervisor says: {said[2]}"
    return end


def _where(built: Built, monitor: str) -> str:
    """Operations that were begun, from the memory of the machine: the guest keeps count in a channel."""
    channel = next(m for vm in built.plan["vms"] for m in vm["maps"] if m["name"] == "channels.progress")
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(10)
            asked.connect(monitor)
            asked.sendall(f"xp /7gx {channel['phys']:#x}\n".encode())
            text = b""
            while text.count(b"0x") < 7 + 5 and b":" not in text[-300:-200]:
                text += asked.recv(4096)
        words = [int(word, 16) for word in re.findall(rb": ((?:0x[0-9a-f]{16} ?)+)", text.replace(b"\r", b""))
                 for word in word.split()]
        return f"operation {words[3] - 1} of vCPU 0, {words[4] - 1} of vCPU 1"
    except (OSError, IndexError):
        return "operation not known"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description="Random operations of a hostile guest, and what its "
                                     "neighbours make of them.")
    parser.add_argument("boards", nargs="*", metavar="BOARD", help=f"some of {', '.join(BOARDS)}; all without")
    parser.add_argument("--seed", type=int, default=None, help="a number; another one each time without")
    parser.add_argument("--ops", type=int, default=10_000_000, help="operations on all boards together")
    parser.add_argument("--exact", action="store_true", help="the same on every run, and slower")
    parser.add_argument("--jobs", type=int, default=2, help="machines at a time")
    given = parser.parse_args()
    boards = given.boards or list(BOARDS)
    for board in boards:
        if board not in BOARDS:
            parser.error(f"there is no board '{board}'")
    seed = given.seed if given.seed is not None else secrets.randbelow(1 << 32)
    print(f"SEED={seed} OPS={given.ops}", flush=True)
    failed = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for job in [pool.submit(run, board, seed + i, given.ops // len(boards), given.exact)
                    for i, board in enumerate(boards)]:
            try:
                done = job.result()
                print(f"{done.board:6} seed {done.seed}: {done.operations:,} operations, {done.starts:,} starts, "
                      f"{done.passes:,} passes of the witness, {done.seconds:.0f} s", flush=True)
            except Failure as problem:
                failed += 1
                print(problem, flush=True)
    print("soak: nothing noticed" if not failed else f"soak: {failed} boards failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
