# SPDX-License-Identifier: Apache-2.0
"""examples/two-vms: channels, doorbells, timers, a device's interrupt, two vCPUs; and boards with other harts."""
from __future__ import annotations

import re

import pytest

# By interrupt controller; and on CPUs of 32 bits.
SYSTEMS = {"plic": "examples/two-vms/system.yaml", "aplic": "examples/two-vms/two-vms-aplic.yaml",
           "aia": "examples/two-vms/two-vms-aia.yaml", "gicv2": "examples/two-vms/two-vms-gicv2.yaml",
           "gicv3": "examples/two-vms/two-vms-gicv3.yaml", "direct": "examples/two-vms/two-vms-gicv3-direct.yaml",
           "rv32": "examples/two-vms/two-vms-rv32.yaml"}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return SYSTEMS[request.param]


def cpu(number: int, system: str) -> str:
    """How messages name a physical CPU."""
    return f"cpu@{number} ({'MPIDR' if 'gic' in system else 'hart'} {number})"


def check_whole_run(console, worker_cpus: int = 2, rtc: bool = True) -> None:
    assert console.expect_end() == 0
    control, worker = console.lines("control"), console.lines("worker")
    assert "a tick every 10 ms, a command to the worker every 5 ticks" in control
    assert "20 commands sent, 20 answers received, 0 wrong" in control
    alarm = "rtc alarm: interrupt 34" if "qemu-system-aarch64" in console.command else "rtc alarm: interrupt 11"
    assert (alarm if rtc else "no rtc in the device tree") in control
    # A message may be found before its doorbell is heard, and an interrupt still be pending when the next one comes.
    ticks, doorbells = map(int, re.fullmatch(
        r"(\d+) ticks, the latest by \d+ us; (\d+) doorbells heard", control[-1]).groups())
    assert ticks >= 100 and 10 <= doorbells <= 20
    assert worker[0] == f"{worker_cpus} CPU{'s' * (worker_cpus > 1)}, waiting for commands"
    doorbells, interrupts = map(int, re.fullmatch(
        r"20 commands answered; (\d+) doorbells heard, (\d+) interrupts between the CPUs", worker[1]).groups())
    assert 10 <= doorbells <= 21
    assert 20 <= interrupts <= 40 if worker_cpus > 1 else interrupts == 0
    assert console.lines("bulkhead")[-1] == "all VMs have ended"


@pytest.mark.parametrize("debug", [False, True], ids=["release", "debug"])
def test_runs_and_ends(boot, system, debug):
    console = boot(system, debug=debug)
    check_whole_run(console)
    assert {"vm 'control' powered off", "vm 'worker' powered off"} < set(console.lines("bulkhead"))


def test_more_harts_than_planned(boot, system):
    check_whole_run(boot(system, {"-smp": "8"}))


def test_a_missing_hart_is_named_and_the_rest_runs(boot, system):
    console = boot(system, {"-smp": "2"})
    console.expect(f"[bulkhead] {cpu(2, system)} is missing: vm 'worker' vcpu 1 will not run\n")
    check_whole_run(console, worker_cpus=1)


def test_a_missing_vm_is_named_and_the_rest_runs(boot, system):
    console = boot(system, {"-smp": "1"})
    console.expect(f"[bulkhead] {cpu(1, system)} is missing: vm 'worker' vcpu 0 will not run\n")
    console.expect(f"[bulkhead] {cpu(2, system)} is missing: vm 'worker' vcpu 1 will not run\n")
    console.expect("[bulkhead] vm 'worker' ended: its first vCPU is missing\n")
    console.expect("[control] the worker does not answer\n", timeout=60)
    assert console.expect_end() == 0


def test_zynq_ultrascale(boot):
    """A GICv2 whose pages fill 64 KiB each, and another UART."""
    check_whole_run(boot("examples/two-vms/two-vms-zcu102.yaml"), rtc=False)


def test_timer_without_sstc(boot):
    """The guests' timer by the SBI TIME call, on CPUs without Sstc."""
    console = boot("tests/guests/no-sstc/system.yaml")
    check_whole_run(console)
