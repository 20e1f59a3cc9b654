# SPDX-License-Identifier: Apache-2.0
"""From a description to its typed form, and `extends:`."""
from __future__ import annotations

from pathlib import Path

import pytest

from configtool.diagnostics import Sink, UsageError
from configtool.language import load_system
from configtool.render.text import Renderer
from configtool.source import Span
from configtool.system import Action, ChannelOverride, CpuRequest, DevicesRest, System
from workbench import HELLO, brief

WHOLE = """\
bulkhead: 1
name: all-of-it
board: ./evk/board.dts
hypervisor: {console: none}
channels:
  one: {size: 64KiB, from: a, to: [b, c], doorbell: to, phys: 0x90000000}
  two: {size: 8KiB, between: [a, b]}
vms:
  a:
    criticality: 7
    cpus: [cpu@3, big0]
    memory: {ram: {size: 1GiB, at: identity}, rom: {size: 4KiB, at: 0x1000, phys: 0x2000, access: r}}
    images: [{file: fw.elf}, {file: /abs/cal.bin, at: 0x80800000, entry: 0x80800004}]
    console: none
    devices: [uart1, {name: eth0, dma: trusted, because: no IOMMU, shared: true, at: 0x5000}]
    channels: {one: {at: 0xc0000000, interrupt: 52}}
    devicetree: {extra: x.dtso}
    on_fault: {action: restart, at_most: 3, within: 10ms, then: halt-system}
  b:
    vcpus: {count: 2, cluster: big}
    memory: {ram: 16MiB}
    image: {file: Image}
    linux: {initrd: rootfs.cpio, cmdline: "console=ttyS0"}
    devices: {rest: true, except: [wdt]}
    devicetree: none
run: [-device, "x,path={dir}/y"]
"""


def load(folder: Path, text: str, **files: str) -> tuple[System | None, Sink]:
    (folder / "system.yaml").write_text(text)
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    sink = Sink()
    return load_system(str(folder / "system.yaml"), sink), sink


def test_everything_that_the_language_has(tmp_path: Path) -> None:
    system, sink = load(tmp_path, WHOLE)
    assert system is not None and sink.diagnostics == []
    file = str(tmp_path / "system.yaml")
    assert (system.file, system.name, system.board, system.console, system.sources) == (
        file, "all-of-it", "./evk/board.dts", "none", (file,))
    assert system.run == ("-device", "x,path={dir}/y")
    one, two = system.channels
    assert (one.size, one.writer, [n for n, _ in one.readers], one.doorbell, one.phys) == (
        65536, ("a", Span(file, 6, 28, 6, 29)), ["b", "c"], "to", 0x9000_0000)
    assert ([n for n, _ in two.between], two.doorbell, [n for n, _ in two.ends]) == (["a", "b"], "both", ["a", "b"])
    a, b = system.vms
    assert a.cpus == CpuRequest(Span(file, 11, 11, 11, 24), names=(("cpu@3", Span(file, 11, 12, 11, 17)),
                                                                  ("big0", Span(file, 11, 19, 11, 23))))
    assert b.cpus == CpuRequest(Span(file, 20, 12, 20, 36), count=2, cluster="big")
    ram, rom = a.memory
    assert (ram.size, ram.at, ram.access, ram.size_span) == (1 << 30, "identity", "rwx", Span(file, 12, 26, 12, 30))
    assert (rom.size, rom.at, rom.phys, rom.access) == (4096, 0x1000, 0x2000, "r")
    assert [(i.file, i.path, i.at, i.entry) for i in a.images] == [
        ("fw.elf", str(tmp_path / "fw.elf"), None, None), ("/abs/cal.bin", "/abs/cal.bin", 0x8080_0000, 0x8080_0004)]
    assert [(d.name, d.dma, d.because, d.shared, d.at) for d in a.devices] == [
        ("uart1", None, None, False, None), ("eth0", "trusted", "no IOMMU", True, 0x5000)]
    assert a.channels == (ChannelOverride("one", Span(file, 16, 16, 16, 19), 0xC000_0000, Span(file, 16, 26, 16, 36),
                                          52,
                                          Span(file, 16, 49, 16, 51)),)
    assert (a.devicetree, a.devicetree_extra) == ("generated", (str(tmp_path / "x.dtso"), Span(file, 17, 25, 17, 31)))
    assert a.on_fault == Action(Span(file, 18, 15, 18, 77), "restart", 3, 10_000, "halt-system") and a.on_reset is None
    assert b.devices_rest == DevicesRest(Span(file, 24, 14, 24, 41), (("wdt", Span(file, 24, 36, 24, 39)),))
    assert b.linux is not None
    assert (b.linux.initrd_path, b.linux.cmdline) == (str(tmp_path / "rootfs.cpio"), "console=ttyS0")
    assert (b.devicetree, b.console, b.criticality) == ("none", "virtual", 0)


def test_what_is_left_out_is_none(tmp_path: Path) -> None:
    system, _ = load(tmp_path, HELLO)
    assert system is not None
    vm, = system.vms
    assert (system.console, system.channels, vm.linux, vm.devices, vm.devices_rest, vm.devicetree, vm.on_fault) == (
        None, (), None, (), None, "generated", None)
    assert (vm.memory[0].at, vm.memory[0].phys) == (None, None)


def test_where_images_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(HELLO)
    built = tmp_path / "built"
    built.mkdir()

    def image() -> tuple[str, tuple[str, ...]]:
        system = load_system(str(tmp_path / "system.yaml"), Sink(), str(built))
        assert system is not None
        return system.vms[0].images[0].path, system.vms[0].images[0].looked

    beside, among = str(tmp_path / "guest.elf"), str(built / "guest.elf")
    assert image() == (beside, (beside, among))
    Path(among).touch()
    assert image() == (among, ())
    Path(beside).touch()
    assert image() == (beside, ())


@pytest.mark.parametrize("line, expected", [
    ("cpus: [cpu@1]", ("BH0109", 9, 5, "'vcpus' and 'cpus' exclude each other")),
    ("images: [{file: x}]", ("BH0109", 9, 5, "'image' and 'images' exclude each other")),
])
def test_keys_that_exclude_each_other(line: str, expected: object, tmp_path: Path) -> None:
    system, sink = load(tmp_path, HELLO + f"    {line}\n")
    assert system is None and [brief(d) for d in sink.diagnostics] == [expected]


def test_between_excludes_from_and_to(tmp_path: Path) -> None:
    text = HELLO + "channels:\n  c: {size: 8KiB, from: a, between: [a, b], to: [b]}\n"
    assert [brief(d)[3] for d in load(tmp_path, text)[1].diagnostics] == [
        "'between' and 'from' exclude each other", "'between' and 'to' exclude each other"]


def test_a_file_that_cannot_be_read_is_a_matter_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_system(str(tmp_path / "no.yaml"), Sink())
    assert str(caught.value) == f"cannot read {tmp_path}/no.yaml: there is no such file"


PRODUCT = """\
bulkhead: 1
extends: common/base.yaml
name: product
vms:
  hello:
    memory: {ram: 32MiB}
    devices: [rtc@101000]
  more:
    vcpus: 1
    memory: {ram: 16MiB}
    image: {file: guest.elf}
"""


def test_extends_overrides_level_by_level(tmp_path: Path) -> None:
    base = HELLO + "    criticality: 3\n    devices: [a, b]\n  gone:\n    vcpus: 1\n    memory: {ram: 1MiB}\n"
    system, sink = load(tmp_path, PRODUCT + "  gone: null\n", common__base_yaml=base)
    assert system is not None and sink.diagnostics == []
    assert system.sources == (str(tmp_path / "system.yaml"), str(tmp_path / "common/base.yaml"))
    assert (system.name, system.board, [vm.name for vm in system.vms]) == (
        "product", "qemu-riscv64-virt", ["hello", "more"])
    hello, more = system.vms
    assert (hello.memory[0].size, hello.criticality, [d.name for d in hello.devices]) == (32 << 20, 3, ["rtc@101000"])
    assert hello.images[0].path == str(tmp_path / "common/guest.elf"), "relative to the file that names it"
    assert more.images[0].path == str(tmp_path / "guest.elf")


def test_diagnostics_show_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(HELLO.replace("vcpus: 1", "vcpus: 0"))
    (tmp_path / "p.yaml").write_text("bulkhead: 1\nextends: base.yaml\nvms:\n  hello:\n    memory: {ram: 16MB}\n")
    sink = Sink()
    assert load_system("p.yaml", sink) is None
    assert Renderer(sink.texts).render(sink.diagnostics) == """\
error[BH0105]: vms.hello.vcpus is 0; the least is 1
 --> base.yaml:6:12
  |
6 |     vcpus: 0
  |            ^
 ::: p.yaml:2:10
2 | extends: base.yaml
  |          --------- extended here
  = explain: configtool explain BH0105

error[BH0104]: '16MB' is no size
 --> p.yaml:5:19
  |
5 |     memory: {ram: 16MB}
  |                   ^^^^ units are KiB, MiB and GiB
 ::: base.yaml:7:19
7 |     memory: {ram: 16MiB}
  |                   ----- it takes the place of this
  = help: write 16MiB
  = explain: configtool explain BH0104

2 errors
"""


@pytest.mark.parametrize("base, expected", [
    ("bulkhead: 1\nextends: ../system.yaml\n", ("BH0012", 2, 10, "a file that extends itself")),
    ("bulkhead: 1\nextends: no.yaml\n", ("BH0001", 2, 10, "cannot read DIR/common/no.yaml: there is no such file")),
    ("bulkhead: 1\nextends: [a]\n", ("BH0102", 2, 10, "extends has to be the path of one file")),
    ("a: [\n", ("BH0003", 1, 5, "an unclosed [ or {")),
])
def test_bases_that_are_wrong(base: str, expected: tuple[str, int, int, str], tmp_path: Path) -> None:
    system, sink = load(tmp_path, PRODUCT, common__base_yaml=base)
    assert system is None
    assert [brief(d) for d in sink.diagnostics] == [(*expected[:3], expected[3].replace("DIR", str(tmp_path)))]


def test_a_long_chain_of_bases_ends(tmp_path: Path) -> None:
    for n in range(12):
        (tmp_path / f"{n}.yaml").write_text(f"bulkhead: 1\nextends: {n + 1}.yaml\n")
    sink = Sink()
    assert load_system(str(tmp_path / "0.yaml"), sink) is None
    assert [brief(d) for d in sink.diagnostics] == [("BH0012", 2, 10, "more than 8 files that extend one another")]
