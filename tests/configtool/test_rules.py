# SPDX-License-Identifier: Apache-2.0
"""Every rule by its own two examples, and the messages of the rules on structure, CPUs and channels to the letter."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from configtool.pipeline import analyse
from configtool.rules.catalogue import complete, markdown, visible
from configtool.rules.registry import PHASES, load
from workbench import brief, furnish

RULES = load()


@pytest.mark.parametrize("code", RULES)
def test_examples(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RULES[code]
    monkeypatch.chdir(furnish(tmp_path))
    for example, expected in ((rule.fails, {code}), (rule.passes, set())):
        if "\n# with " in example:      # it needs another board, say, and so a test of its own
            continue
        Path("system.yaml").write_text(complete(example))
        found = analyse("system.yaml").sink.diagnostics
        assert {d.code for d in found} == expected, [brief(d) for d in found]
        assert all(d.severity == rule.severity for d in found)


def test_every_rule_is_explained() -> None:
    for code, rule in RULES.items():
        assert re.fullmatch(r"BH[01][0-9]{3}", code)
        assert rule.severity in ("error", "warning") and rule.phase in PHASES
        assert rule.title and rule.title[-1] not in ".:" and len(rule.title) <= 70, code
        assert len(rule.explain.strip()) > 40 and rule.explain.strip()[-1] in ".:;)", code
        assert rule.fails and rule.passes, code
        assert set(rule.needs) <= set(RULES), code


def test_every_code_that_the_sources_name_is_registered() -> None:
    sources = Path(__file__).parents[2] / "configtool"
    for path in sources.rglob("*.py"):
        for code in re.findall(r"\"(BH[0-9]{4})\"", path.read_text()):
            assert code in RULES or code == "BH0231", f"{path.name} names {code}"


def test_the_catalogue_is_up_to_date() -> None:
    document = Path(__file__).parents[2] / "docs" / "rules.md"
    assert document.read_text() == markdown(RULES), "run: bin/configtool rules --markdown > docs/rules.md"


def test_examples_are_shown_without_control_characters() -> None:
    assert visible("# whole file\na: \a\tb\n") == "a: \\x07\tb\n"


def test_examples_are_completed() -> None:
    assert complete("name: x\n") == ("bulkhead: 1\nboard: qemu-riscv64-virt\nname: x\nvms:\n  hello:\n    vcpus: 1\n"
                                     "    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n")
    assert complete("bulkhead: 1\n") == "bulkhead: 1\n" and complete("# whole file\n- x\n") == "# whole file\n- x\n"


VM = "\n    vcpus: 1\n    memory: {ram: 16MiB}\n    image: {file: guest.elf}\n"


def check(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """(code, line, column, message, labels, notes, help) of each diagnostic of a fragment, three lines down."""
    monkeypatch.chdir(furnish(folder))
    Path("system.yaml").write_text(complete(text))
    return [(d.code, d.primary.span.line - 3, d.message, d.primary.text,
             [(label.span.line - 3, label.text) for label in d.related], list(d.notes), list(d.help))
            for d in analyse("system.yaml").sink.diagnostics]


@pytest.mark.parametrize("text, expected", [
    ("vms:\n  a:\n    memory: {ram: 16MiB}\n", [
        ("BH0120", 2, "VM 'a' has no image", "", [], [], ["write, for example: image: {file: a.elf}"]),
        ("BH0200", 2, "VM 'a' has no CPU", "", [], [], ["write vcpus: 1"])]),
    (f"vms:\n  String:{VM}", [
        ("BH0121", 2, "a VM cannot be called 'String'", "", [], ["the name would collide with C's <string.h>"],
         ["write, for example: String-vm"])]),
    (f"vms:\n  a-b:{VM}  A_b:{VM}", [
        ("BH0122", 6, "VM 'A_b' and VM 'a-b' become the same identifier A_B", "", [(2, "the other one")], [],
         ["rename one of them"])]),
    (f"vms:\n  a:{VM}    on_fault: {{action: stop, then: stop}}\n    on_reset: {{action: restart, within: 1s}}\n", [
        ("BH0112", 6, "on_fault of VM 'a' limits restarts by then, and its action is 'stop'", "", [], [],
         ["write {action: stop}, or action: restart"]),
        ("BH0112", 7, "on_reset of VM 'a' says within, and not after how many restarts", "", [], [],
         ["write, for example: {action: restart, at_most: 3, within: 10s, then: stop}"])]),
    (f"vms:\n  a:{VM.replace('vcpus: 1', 'vcpus: 3')}  b:{VM.replace('vcpus: 1', 'cpus: [cpu@0, cpu@1]')}", [
        ("BH0206", 7, "5 CPUs wanted, and board qemu-riscv64-virt has 4 CPUs", "with VM 'b' there are too many", [],
         ["wanted: a 3 + b 2 = 5"], ["ask for 1 fewer"])]),
    (f"vms:\n  a:{VM.replace('vcpus: 1', 'cpus: [cpu@1, cpu@1]')}  "
     f"b:{VM.replace('vcpus: 1', 'cpus: [/cpus/cpu@1, cpus@2]')}", [
        ("BH0202", 3, "CPU cpu@1 is twice in VM 'a'", "again here", [(3, "first here")], [],
         ["name another one; named by nobody: cpu@0, cpu@2, cpu@3"]),
        ("BH0202", 7, "CPU cpu@1 is in VM 'a' and in VM 'b'", "again here", [(3, "first here")], [],
         ["name another one; named by nobody: cpu@0, cpu@2, cpu@3"]),
        ("BH0201", 7, "board qemu-riscv64-virt has no CPU 'cpus@2'", "", [], [],
         ["did you mean 'cpu@2'? it has: cpu@0, cpu@1, cpu@2, cpu@3"])]),
    (f"vms:\n  a:{VM.replace('vcpus: 1', 'vcpus: {count: 3, cluster: cluster0}')}"
     f"  b:{VM.replace('vcpus: 1', 'vcpus: {count: 2, cluster: cluster0}')}", [
        ("BH0205", 7, "5 CPUs wanted, and cluster cluster0 of board qemu-riscv64-virt has 4 CPUs",
         "with VM 'b' there are too many", [],
         ["wanted: a 3 + b 2 = 5"], ["ask for 1 fewer"])]),
    (f"vms:\n  a:{VM.replace('vcpus: 1', 'vcpus: {count: 3, cluster: cluster}')}", [
        ("BH0204", 3, "board qemu-riscv64-virt has no CPU cluster 'cluster'", "", [], [],
         ["did you mean 'cluster0'? it has: cluster0"])]),
    (f"channels:\n  c: {{size: 4KiB, from: a, to: [d, a]}}\nvms:\n  a:{VM}  b:{VM}", [
        ("BH0600", 2, "channel 'c' names a VM 'd' that there is not", "", [], [], ["there are: a, b"]),
        ("BH0602", 2, "VM 'a' is twice in channel 'c'", "again here", [(2, "first here")], [],
         ["for both directions, write between: with the two VMs"])]),
    (f"channels:\n  c: {{size: 12KiB, between: [a, b]}}\n  d: {{size: 4KiB}}\n  e: {{size: 4KiB, to: [a]}}\nvms:\n  "
     f"a:{VM}  b:{VM}", [
        ("BH0605", 2, "the size of channel 'c' is no multiple of 8KiB, as each of two halves is whole pages", "", [],
         [],
         ["write 16KiB"]),
        ("BH0601", 3, "channel 'd' has no users", "", [], [], ["write, for example: from: a, to: [b]"]),
        ("BH0601", 4, "channel 'e' has readers and nobody who writes", "", [], [], ["write from: b"])]),
    (f"channels:\n  c: {{size: 4KiB, from: a, to: [b], doorbell: none}}\nvms:\n  a:{VM}  b:{VM}    channels:\n"
     "      c: {at: 0xc0000001, interrupt: 33}\n      cc: {}\n", [
        ("BH0606", 13, "at of channel 'c' in VM 'b' is no multiple of 4KiB", "", [], [],
         ["write 0xc0000000 or 0xc0001000"]),
        ("BH0608", 13, "nobody rings VM 'b' in channel 'c'", "", [(2, "its doorbell is 'none'")], [],
         ["write doorbell: both in the channel, or remove the interrupt"]),
        ("BH0603", 14, "VM 'b' gives numbers for a channel 'cc' that there is not", "", [], [],
         ["did you mean 'c'?"])]),
    (f"channels:\n  c: {{size: 4KiB, from: a, to: [b]}}\n  d: {{size: 4KiB, from: a, to: [b]}}\nvms:\n  a:{VM}  b:{VM}"
     "    channels:\n      c: {interrupt: 40}\n      d: {interrupt: 40}\n", [
        ("BH0609", 15, "interrupt 40 of channel 'd' is that of channel 'c' in VM 'b', too", "",
         [(14, "has it already")], [],
         ["remove it: configtool chooses a free one"])]),
])
def test_messages(text: str, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(tmp_path, text, monkeypatch) == expected


def test_cpus_that_cannot_run_a_vm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(__file__).parents[2] / "boards" / "qemu-riscv64-virt"
    board = tmp_path / "lame"
    board.mkdir()
    (board / "board.yaml").write_text((source / "board.yaml").read_text())
    tree = (source / "board.dts").read_text()
    first = tree.index("cpu@1 {")
    (board / "board.dts").write_text(tree[:first] + tree[first:].replace('status = "okay"', 'status = "disabled"', 1))
    text = f"board: ./lame\nvms:\n  a:{VM.replace('vcpus: 1', 'cpus: [cpu@1]')}  b:{VM.replace('vcpus: 1', 'vcpus: 4')}"
    found = check(tmp_path, text, monkeypatch)
    assert [(f[0], f[2], f[3], f[6]) for f in found] == [
        ("BH0203", "CPU cpu@1 is disabled in the device tree", "named by VM 'a'",
         ["CPUs that can run a VM: cpu@0, cpu@2, cpu@3"])]
    found = check(tmp_path, text.replace("cpus: [cpu@1]", "vcpus: 1"), monkeypatch)
    assert [(f[0], f[2], f[5]) for f in found] == [
        ("BH0206", "5 CPUs wanted, and board lame has 3 CPUs that can run VMs",
         ["wanted: a 1 + b 4 = 5", "CPU cpu@1 is disabled in the device tree"])]
    assert check(tmp_path, text.replace("cpus: [cpu@1]", "vcpus: 1").replace("vcpus: 4", "vcpus: 2"), monkeypatch) == []
