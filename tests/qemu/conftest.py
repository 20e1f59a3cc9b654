# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the QEMU tests.

    def test_hello(boot):
        console = boot("examples/hello/system.yaml")
        console.expect("Hello from CPU 0")
        assert console.expect_end() == 0
"""
from __future__ import annotations

from typing import Callable, Iterator, Mapping, Sequence

import pytest

from harness import Built, Console, build
from rogue import Rogue

pytest.register_assert_rewrite("linux_checks")


@pytest.fixture
def boot() -> Iterator[Callable[..., Console]]:
    """boot(system, options={}, extra=[], debug=False, limit=120) builds a system, starts it and gives its Console.

    All machines are killed when the test is over; what they printed is shown where the test fails.
    """
    machines: list[Console] = []

    def start(system: str | Built, options: Mapping[str, str] | None = None, extra: Sequence[str] = (),
              debug: bool = False, limit: float = 120.0) -> Console:
        built = build(system, debug) if isinstance(system, str) else system
        machines.append(Console(built.command(options, extra), limit))
        return machines[-1]

    yield start
    for machine in machines:
        machine.close()
        print("console of", " ".join(machine.command))
        print(machine.output)


def _rogue(boot: Callable[..., Console], request: pytest.FixtureRequest) -> Rogue:
    return Rogue(boot, f"tests/guests/rogue/{request.param}.yaml")


@pytest.fixture(params=["system", "rogue-rv32"], ids=["rv64", "rv32"])
def rogue(request: pytest.FixtureRequest, boot: Callable[..., Console]) -> Rogue:
    """tests/guests/rogue on RISC-V CPUs of 64 and of 32 bits, ready to be told what to do."""
    return _rogue(boot, request)


@pytest.fixture(params=["rogue-gicv3", "rogue-gicv2"], ids=["gicv3", "gicv2"])
def arm_rogue(request: pytest.FixtureRequest, boot: Callable[..., Console]) -> Rogue:
    """The same on AArch64, with each interrupt controller."""
    return _rogue(boot, request)


@pytest.fixture(params=["system", "rogue-rv32", "rogue-gicv3"], ids=["rv64", "rv32", "aarch64"])
def any_rogue(request: pytest.FixtureRequest, boot: Callable[..., Console]) -> Rogue:
    """On each architecture, where the interrupt controller does not matter."""
    return _rogue(boot, request)
