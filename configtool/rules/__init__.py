# SPDX-License-Identifier: Apache-2.0
"""The rules of `configtool check`, one module for each theme."""

# Every module of this package that registers rules, in the order of their codes.
MODULES = ("reading", "language", "structure", "cpus", "memory", "images", "programs", "devices", "interrupts",
           "device_places", "channels", "dma", "board", "tree", "tree_file", "direct", "firmware", "colors",
           "bandwidth", "management")
