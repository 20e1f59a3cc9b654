# SPDX-License-Identifier: Apache-2.0
"""The rules of `configtool check`, one module for each theme."""

# Every module of this package that registers rules, in the order of their codes.
MODULES = ("reading", "language", "structure", "cpus", "memory", "images", "devices", "interrupts", "channels", "dma",
           "board", "tree", "tree_file")
