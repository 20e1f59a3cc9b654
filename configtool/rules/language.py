# SPDX-License-Identifier: Apache-2.0
"""Codes of the schema and of the reader of the language (configtool/schema_words.py, language.py)."""
from __future__ import annotations

from .registry import reported

_VM = """\
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""

reported(
    "BH0100", "unknown key", phase="schema",
    explain="""\
A key that this mapping cannot have: most often a slip of the pen, or a key that stands one level too high or too deep.
The help names the nearest key, or the mapping that the key belongs to. `schemas/system.schema.json` lists all keys; an
editor with a YAML server completes from it.""",
    fails=_VM.replace("vcpus", "vcpu"), passes=_VM)

reported(
    "BH0101", "missing key", phase="schema",
    explain="A mapping lacks a key that it has to have. The help shows an example of it.",
    fails=_VM.replace("    memory: {ram: 16MiB}\n", ""), passes=_VM)

reported(
    "BH0102", "value of another type", phase="schema",
    explain="""\
The key takes another type of value: a list and not a single value, a number and not a string. Numbers are decimal, or
hexadecimal with 0x, or octal with 0o. `0755`, `1_000`, `on` and `yes` are strings, as in YAML 1.2: they mean different
things to different readers, so configtool takes them for none.""",
    fails=_VM + "    criticality: 07\n", passes=_VM + "    criticality: 7\n")

reported(
    "BH0103", "value that is not one of those allowed", phase="schema",
    explain="The key takes one of a few values; the help lists them and names the nearest.",
    fails=_VM + "    console: vritual\n", passes=_VM + "    console: virtual\n")

reported(
    "BH0104", "size or duration without a unit that is known", phase="schema",
    explain="""\
Sizes are whole numbers of KiB, MiB or GiB, durations of us, ms or s, with no space between. `MB` and `M` mean 1,000,000
to some and 1,048,576 to others, and a bare number does not say what it counts; the help shows what to write.""",
    fails=_VM.replace("16MiB", "16MB"), passes=_VM)

reported(
    "BH0105", "number out of range", phase="schema",
    explain="The number is less or more than the key can take.",
    fails=_VM + "    criticality: 8\n", passes=_VM + "    criticality: 7\n")

reported(
    "BH0106", "name that cannot be one", phase="schema",
    explain="""\
Names of VMs, channels and memory regions become file names, C identifiers and nodes of a device tree: a letter, then
letters, digits, `-` and `_`, at most 31 in all. A system's name may hold dots and have 63.""",
    fails=_VM.replace("hello", "2nd guest"), passes=_VM.replace("hello", "second-guest"))

reported(
    "BH0107", "too few or too many", phase="schema",
    explain="A list or mapping is empty or has another number of entries than it takes, or a string is empty or too "
    "long.",
    fails="vms: {}\n", passes=_VM)

reported(
    "BH0109", "keys that exclude each other", phase="schema",
    explain="""\
Two keys say the same in different ways: `vcpus` (how many) and `cpus` (which), `image` and `images`, `between` and
`from` or `to`. In a file that extends another one, null takes away what the base has: `cpus: null`.""",
    fails=_VM + "    cpus: [cpu@0]\n", passes=_VM)

reported(
    "BH0110", "key that is reserved", phase="schema",
    explain="""\
The key has its place in the language, but this version of Bulkhead does nothing with it. It is refused, not ignored: a
description never holds a promise that the system does not keep.""",
    fails=_VM + "    virtio: [disk]\n", passes=_VM)

reported(
    "BH0111", "unknown version of the language", phase="schema",
    explain="`bulkhead:` gives the version of the language that the file is written in. This configtool knows version "
    "1.",
    fails="bulkhead: 2\nname: hello\nboard: qemu-riscv64-virt\n" + _VM,
    passes="bulkhead: 1\nname: hello\nboard: qemu-riscv64-virt\n" + _VM)

reported(
    "BH0113", "control character in a string", phase="schema",
    explain="A string in double quotes holds, by a backslash, a control character that no path, name or command line "
    "can have.",
    fails=_VM + "    linux: {cmdline: \"console=ttyS0\\n\"}\n",
    passes=_VM + "    linux: {cmdline: \"console=ttyS0\"}\n")
