# SPDX-License-Identifier: Apache-2.0
"""Guest trees on real boards: a VM with a UART, an MMC, an Ethernet and an I2C; and one with all that there is."""
from __future__ import annotations

import pytest

from corpus import fetch
from guest import board_of, chosen, complaints, dangling, everything, tree

EVERY = {"arm64": 60, "riscv64": 3}


@pytest.mark.parametrize("arch", EVERY)
def test_sample_is_closed_and_clean(arch: str) -> None:
    seen = 0
    for file in fetch(arch)[::EVERY[arch]]:
        board = board_of(str(file))
        if board is None:
            continue
        for devices in (chosen(board), everything(board)):
            made = tree(board, devices)
            assert (file.name, complaints(made, str(file)), dangling(made)) == (file.name, [], [])
            seen += 1
    assert seen > {"arm64": 40, "riscv64": 20}[arch]
