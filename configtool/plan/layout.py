# SPDX-License-Identifier: Apache-2.0
"""Sizes of the hypervisor's own memory, in bytes, but for the code's (plan/arch.py). The linker script asserts that
what was built fits."""
from __future__ import annotations

from .model import PAGE

RODATA = 0x2000                 # the code's constants and messages, without the config
DATA = 0x2000                   # data and bss that do not grow with the system
DATA_CPU = 0x200                # struct cpu with its vCPU
DATA_VM = 0x400                 # a VM's state: virtual interrupt controller, UART, line of output
GUARD = PAGE                    # unmapped, below each stack
STACK = PAGE

# What config.c needs in rodata, a little more than hypervisor/include/config.h says, strings included.
CONFIG = 0x200
CONFIG_CPU = 64
CONFIG_VM = 256
CONFIG_WINDOW = 32
CONFIG_PLACE = 96
CONFIG_CHANNEL = 64
CONFIG_RING = 8
CONFIG_FIRMWARE = 52            # a row of firmware calls
CONFIG_BUDGET = 128             # of a CPU, with its part of the code's constants
CONFIG_IRQ = 4                  # struct irq_owner, for each physical source
CONFIG_GUEST_IRQ = 2            # irq_physical, for each guest interrupt number

# Most of a flat image that may be filling between payloads. A flash image is written whole.
FILLING = 256 << 20


def pages(size: int) -> int:
    """size rounded up to whole pages, in bytes."""
    return (size + PAGE - 1) // PAGE * PAGE
