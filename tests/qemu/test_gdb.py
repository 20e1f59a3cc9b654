# SPDX-License-Identifier: Apache-2.0
"""configtool debug: gdb takes its commands, stops at the guest's first instruction, and knows guest and hypervisor."""
from __future__ import annotations

import socket
import subprocess

import pytest

from harness import ROOT, build


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("system, vm, thread", [("tests/guests/deep/system.yaml", "pump", 1),
                                                ("tests/guests/deep/deep-gicv3.yaml", "pump", 1),
                                                ("examples/two-vms/system.yaml", "worker", 2)])
def test_gdb(boot, tmp_path, system: str, vm: str, thread: int):
    built = build(system)
    port = free_port()
    boot(built, extra=["-S", "-gdb", f"tcp:localhost:{port}"])
    script = tmp_path / "gdbinit"
    subprocess.run([ROOT / "bin/configtool", "debug", system, vm, "--target", f"localhost:{port}", "-o", script],
                   cwd=ROOT, check=True)
    entry = next(v for v in built.plan["vms"] if v["name"] == vm)["entry"]
    assert f"\nhbreak *{entry:#x} thread {thread}" in script.read_text()
    wanted = ["continue", "info symbol $pc", "thread"]
    if vm == "pump":
        wanted += ["hbreak store_nowhere", "continue", "backtrace", "continue", "info symbol $pc"]
    done = subprocess.run(["gdb-multiarch", "-q", "-nx", "-batch", "-x", script, *sum((["-ex", w] for w in wanted), []),
                           "-ex", "kill"], cwd=ROOT, capture_output=True, text=True, timeout=90)
    shown = done.stdout
    assert f"_start in section .text of {built.directory}/guests/" in shown, shown + done.stderr
    assert f"[Current thread is {thread} " in shown
    if vm == "pump":
        assert "store_nowhere () at tests/guests/deep/deep.c:" in shown, shown + done.stderr
        assert "in open_valve (depth=" in shown and "in control_loop ()" in shown
        assert "vm_fault_access in section .text of " in shown
