# SPDX-License-Identifier: Apache-2.0
"""Codes of the YAML reader (configtool/yaml_nodes.py, extends.py) and of the comments that allow a warning."""
from __future__ import annotations

from .registry import reported

_HELLO = """\
bulkhead: 1
name: hello
board: qemu-riscv64-virt
vms:
  hello:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""

reported(
    "BH0001", "file that cannot be read", phase="source",
    explain="""\
A file that the description names by `extends:` is not there, is no regular file, may not be read, or is larger than 4
MiB, the most that configtool reads of a description. The path is relative to the folder of the file that names it; `~`
and variables stay as they are.""",
    fails="bulkhead: 1\nextends: bace.yaml\n", passes="bulkhead: 1\nextends: base.yaml\n")

reported(
    "BH0002", "characters that are no text", phase="source",
    explain="""\
The file is not in UTF-8, or holds a control character, a NUL for one. YAML (1.2, section 5.1) has neither. Most often
the file was saved in another encoding, or is no YAML at all. A byte order mark at the start is fine.""",
    fails=_HELLO + "# bell: \a\n", passes=_HELLO)

reported(
    "BH0003", "no valid YAML", phase="source",
    explain="""\
The text is not YAML. The message says what the reader was in the middle of; where it says that something was not
closed, the second place is where it was opened. Two rules solve most cases: keys that belong together have the same
indentation, and a value that holds `: ` or ` #`, or starts with a sign such as `*`, `&`, `@` or `[`, stands in
quotes.""",
    fails=_HELLO + "    devices: [rtc@101000\n", passes=_HELLO + "    devices: [rtc@101000]\n")

reported(
    "BH0004", "tab in the indentation", phase="source",
    explain="YAML indents with spaces; a tab there has no defined width. Set the editor to spaces, two for each level.",
    fails=_HELLO + "\tcriticality: 3\n", passes=_HELLO + "    criticality: 3\n")

reported(
    "BH0005", "key that stands twice", phase="source",
    explain="""\
A mapping has the same key twice. Many YAML readers take the last one without a word, so that half of what was written
has no effect. configtool takes neither.""",
    fails=_HELLO + "    vcpus: 2\n", passes=_HELLO)

reported(
    "BH0006", "file without a description", phase="source",
    explain="The file is empty, or its top is a list or a single value. A description is a mapping that starts with "
    "`bulkhead: 1`.",
    fails="# whole file\n- bulkhead: 1\n", passes=_HELLO)

reported(
    "BH0007", "more than one document", phase="source",
    explain="A line `---` starts another YAML document in the same file. A file describes one system.",
    fails=_HELLO + "---\n" + _HELLO, passes="---\n" + _HELLO)

reported(
    "BH0008", "anchor or alias that is wrong", phase="source",
    explain="""\
An alias (`*name`) repeats what the anchor of that name (`&name`) stands before. The anchor has to come first, once, and
what it stands before cannot hold the alias itself. A string that starts with `*` or `&` stands in quotes.""",
    fails=_HELLO + "    criticality: *level\n", passes=_HELLO + "    criticality: &level 3\n")

reported(
    "BH0009", "description that is too large", phase="source",
    explain="""\
The file nests deeper than 40 levels or has more than 100,000 values, each alias counted as often as it stands for
something. Nothing that describes a system comes near; the bound keeps a file made to exhaust the reader from doing
so.""",
    fails="# whole file\nbulkhead: " + "[" * 41 + "]" * 41 + "\n", passes=_HELLO)

reported(
    "BH0010", "part of YAML that the language does not use", phase="source",
    explain="""\
Tags (`!name`), merge keys (`<<`), directives (`%YAML`) and keys that are lists or mappings are YAML, but no part of
Bulkhead's language. Values have their types from the schema, and variants of a system are made with `extends:`.""",
    fails=_HELLO + "    criticality: !!int 3\n", passes=_HELLO + "    criticality: 3\n")

reported(
    "BH0011", "comment that allows nothing", phase="source",
    explain="""\
A comment `# bulkhead: allow BH0412 because ...` silences one warning on its line, or, on a line of its own, on the
next. It gives the code of a warning and the reason, which is for those who read the file later. An error cannot be
allowed.""",
    fails=_HELLO + "    criticality: 3   # bulkhead: allow BH0310\n",
    passes=_HELLO + "    criticality: 3   # an ordinary comment\n")

reported(
    "BH0012", "files that extend one another", phase="source",
    explain="`extends:` leads back to a file that is being read already, or through more than 8 files.",
    fails="bulkhead: 1\nextends: system.yaml\n", passes="bulkhead: 1\nextends: base.yaml\n")

reported(
    "BH0013", "comment that allows a warning that is not there", phase="plan", severity="warning",
    explain="""\
A comment allows a warning that this line does not give (any more). Remove it, so that it cannot hide the next one. It
is only looked for when the description is free of errors, as some warnings come last.""",
    fails=_HELLO + "    criticality: 3   # bulkhead: allow BH0310 because it is an example\n",
    passes=_HELLO + "    criticality: 3\n")
