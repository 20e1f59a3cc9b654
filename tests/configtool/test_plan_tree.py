# SPDX-License-Identifier: Apache-2.0
"""Guest device trees: what is in them, that dtc has nothing to say of them, and that nothing of the host's is there."""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from configtool.emit.fdt import serialise, to_dts
from configtool.image.load import _parse
from configtool.plan import tree as parts
from configtool.plan.make import make_plan
from configtool.plan.model import Plan, TreeNode
from configtool.system import ImageRef, LinuxOptions, System
from plan_cases import KIB, MIB, Sink, channel, device_ref, elf, kernel, ram, span, system, virt, vm

IMAGES = {"/x/a.elf": _parse(elf((0x8000_0000, b"\x13\0\0\0" * 16, 64, 5)), "/x/a.elf", "a.elf", "riscv64"),
          "/x/Image": _parse(kernel(2 * MIB), "/x/Image", "Image", "riscv64"),
          "/x/initrd": _parse(bytes(5000), "/x/initrd", "initrd", "riscv64")}
IMAGES["/x/b.elf"] = IMAGES["/x/a.elf"]


def plan_of(described: System, board: object = None) -> Plan:
    sink = Sink()
    plan = make_plan(described, board or virt(), IMAGES, sink)     # type: ignore[arg-type]
    assert plan is not None, sink.found
    return plan


def tree_of(described: System, board: object = None, vm: int = 0) -> TreeNode:
    tree = plan_of(described, board).vms[vm].tree
    assert tree is not None
    return tree


def at(tree: TreeNode, path: str) -> dict[str, str]:
    """Properties of a node as DTS text."""
    for name in path.strip("/").split("/") if path != "/" else ():
        tree = next(c for c in tree.children if c.name == name)
    return {p.name: p.text for p in tree.properties}


def names(tree: TreeNode) -> list[str]:
    return [c.name for c in tree.children]


def clean(tree: TreeNode, folder: Path) -> None:
    """dtc reads DTS and DTB without a word, and both are the same tree."""
    (folder / "a.dts").write_text(to_dts(tree))
    (folder / "a.dtb").write_bytes(serialise(tree))
    blobs = []
    for form in ("dts", "dtb"):
        done = subprocess.run(["dtc", "-I", form, "-O", "dtb", "-o", "-", f"a.{form}"], cwd=folder, capture_output=True,
                              check=False)
        assert (done.returncode, done.stderr.decode()) == (0, "")
        blobs.append(done.stdout)
    texts = [subprocess.run(["dtc", "-I", "dtb", "-O", "dts", "-s"], input=b, capture_output=True, check=True).stdout
             for b in blobs]
    assert texts[0] == texts[1]


def everything() -> System:
    options = LinuxOptions(span(7), "initrd", "/x/initrd", span(7), cmdline='console=ttyS0 init="/bin/sh"')
    linux = vm("linux", count=2, images=(ImageRef("Image", "/x/Image", span(6)),), linux=options,
               memory=(ram(64 * MIB, 10), ram(64 * KIB, 11, "rom", at=0x1000_0000_0, access="r")),
               devices=(device_ref("rtc@101000"), device_ref("virtio_mmio@10001000", at=0x3000_0000)))
    return system(linux, vm("b"), channels=(channel("up", 64 * KIB, "linux", "b"),
                                            channel("both", 8 * KIB, "linux", "b", between=True)))


@pytest.mark.parametrize("index", [0, 1])
def test_dtc_has_nothing_to_say(index: int, tmp_path: Path) -> None:
    clean(tree_of(everything(), vm=index), tmp_path)


def test_chosen_and_memory() -> None:
    tree = tree_of(everything())
    assert names(tree) == ["chosen", "aliases", "cpus", "memory@80000000", "reserved-memory", "soc"]
    assert at(tree, "/") == {"#address-cells": "<2>", "#size-cells": "<2>", "compatible": '"bulkhead,guest"',
                             "model": '"linux"'}
    assert at(tree, "/chosen") == {
        "stdout-path": '"/soc/serial@10000000"', "bootargs": '"console=ttyS0 init=\\"/bin/sh\\""',
        "linux,initrd-start": "<0 0x83ffd000>", "linux,initrd-end": "<0 0x83ffe388>"}
    assert at(tree, "/memory@80000000") == {"device_type": '"memory"', "reg": "<0 0x80000000 0 0x4000000>"}
    assert at(tree, "/reserved-memory/region@100000000") == {"reg": "<1 0 0 0x10000>", "label": '"rom"', "no-map": ""}


def test_cpus() -> None:
    tree = tree_of(everything())
    assert at(tree, "/cpus") == {"#address-cells": "<1>", "#size-cells": "<0>", "timebase-frequency": "<10000000>"}
    cpu = at(tree, "/cpus/cpu@1")
    assert cpu["riscv,isa"] == '"rv64imafdc_zicbom_zicboz_zicntr_zicsr_zifencei_sstc_svadu"'
    assert cpu["riscv,isa-extensions"].startswith('"i", "m", "a"') and '"h"' not in cpu["riscv,isa-extensions"]
    assert (cpu["reg"], cpu["mmu-type"], cpu["riscv,isa-base"]) == ("<1>", '"riscv,sv57"', '"rv64i"')
    assert at(tree, "/cpus/cpu@1/interrupt-controller")["phandle"] == "<2>"


def test_interrupt_controller() -> None:
    plic = at(tree_of(everything()), "/soc/interrupt-controller@c000000")
    assert plic["interrupts-extended"] == ", ".join(f"<&{{/cpus/cpu@{n}/interrupt-controller}} 9>" for n in range(2))
    assert (plic["riscv,ndev"], plic["#address-cells"], plic["phandle"]) == ("<33>", "<0>", "<3>")


def test_devices_are_copied() -> None:
    tree = tree_of(everything())
    assert at(tree, "/soc/rtc@101000") == {"compatible": '"google,goldfish-rtc"', "reg": "<0 0x101000 0 0x1000>",
                                           "interrupt-parent": "<3>", "interrupts": "<11>"}
    assert at(tree, "/soc/virtio_mmio@30000000")["reg"] == "<0 0x30000000 0 0x1000>"


def test_channels() -> None:
    tree = tree_of(everything())
    assert at(tree, "/soc/channel@70000000") == {
        "compatible": '"bulkhead,channel", "bao,ipcshmem"', "label": '"up"', "reg": "<0 0x70000000 0 0x10000>",
        "write-channel": "<0 0x10000>", "bulkhead,doorbell": "<0 0x70012000 0 0x1000>", "interrupt-parent": "<3>",
        "interrupts": "<32>", "id": "<0>"}
    both = at(tree, "/soc/channel@70010000")
    assert (both["read-channel"], both["write-channel"], both["id"]) == ("<0x1000 0x1000>", "<0 0x1000>", "<1>")
    assert at(tree, "/reserved-memory/channel@70010000")["no-map"] == ""


def test_without_a_console(tmp_path: Path) -> None:
    tree = tree_of(system(vm("a", console="none")))
    assert names(tree) == ["chosen", "cpus", "memory@80000000", "soc"] and at(tree, "/chosen") == {}
    clean(tree, tmp_path)


def test_a_passed_through_uart_is_the_console() -> None:
    tree = tree_of(system(vm("a", console="none", devices=(device_ref("serial@10000000"),)), console="none"))
    assert at(tree, "/chosen") == {"stdout-path": '"/soc/serial@10000000"'}


def test_no_device_tree() -> None:
    plan = plan_of(system(vm("a", devicetree="none")))
    assert plan.vms[0].tree is None and plan.vms[0].dtb == 0 and [p.name for p in plan.payloads] == ["a-image0"]


# Values (nodes of a board with a tree: test_tree_closure.py)

def word(*values: int) -> bytes:
    return b"".join(v.to_bytes(4, "big") for v in values)


@pytest.mark.parametrize("value, text", [
    (b"", ""), (b"okay\0", '"okay"'), (b"a\0b\0", '"a", "b"'), (word(1, 0x10), "<1 0x10>"), (b"\1\2\3", "[01 02 03]"),
    (b"\0\0\0\0", "<0>"), (b"a\0\0b", "<0x61000062>"), (b'say "x"\\\0', '"say \\"x\\"\\\\"'),
])
def test_text_of_a_value(value: bytes, text: str) -> None:
    assert parts.raw("x", value).text == text


# Trees that the user brings

def brought(folder: Path, text: str, kind: str = "extra", name: str = "x.dtso", **more: object) -> tuple[Plan | None,
                                                                                                         Sink]:
    (folder / name).write_text(text)
    named = {f"devicetree_{kind}": (str(folder / name), span(30))}
    sink = Sink()
    described = system(vm("a", devicetree="generated" if kind == "extra" else "file", **named,
                          **more))    # type: ignore[arg-type]
    return make_plan(described, virt(), IMAGES, sink), sink


OVERLAY = """/dts-v1/;
/plugin/;
&{/chosen} { bootargs = "quiet"; };
&soc {
    led: led@30000000 { reg = <0 0x30000000 0 0x10>; };
    user { thing = <&led 1>; serial = <&serial0>; };
};
&serial0 { current-speed = <115200>; };
"""


def test_overlay(tmp_path: Path) -> None:
    plan, sink = brought(tmp_path, OVERLAY)
    assert plan is not None and sink.found == []
    tree = plan.vms[0].tree
    assert tree is not None
    assert at(tree, "/chosen") == {"stdout-path": '"/soc/serial@10000000"', "bootargs": '"quiet"'}
    assert at(tree, "/soc/led@30000000")["phandle"] == "<3>"
    assert at(tree, "/soc/user") == {"thing": "<3 1>", "serial": "<4>"}
    uart = at(tree, "/soc/serial@10000000")
    assert (uart["current-speed"], uart["phandle"], uart["interrupts"]) == ("<0x1c200>", "<4>", "<10>")
    (tmp_path / "a.dtb").write_bytes(serialise(tree))
    subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", "a.dtb"], cwd=tmp_path, check=True,
                   stdout=subprocess.DEVNULL)
    assert plan.payloads[-1].data.startswith(serialise(tree))


def test_overlay_on_what_is_not_there(tmp_path: Path) -> None:
    plan, sink = brought(tmp_path, "/dts-v1/;\n/plugin/;\n&uart7 { x; };\n&soc {\n  y { z = <&gpio 1>; };\n};\n"
                         "&{/sok} { };\n")
    assert plan is None
    assert [(d.code, d.message, d.primary.span.line, d.help) for d in sink.found] == [
        ("BH0430", "the device tree of VM 'a' has no label 'uart7'", 3,
         ("it has: chosen, cpu0, cpu0_intc, cpus, plic, serial0, soc",)),
        ("BH0430", "the device tree of VM 'a' has no label 'gpio'", 5,
         ("it has: chosen, cpu0, cpu0_intc, cpus, plic, serial0, soc",)),
        ("BH0430", "the device tree of VM 'a' has no node /sok", 7, ("did you mean /soc?",))]


def test_whole_tree_where_an_overlay_is_meant(tmp_path: Path) -> None:
    plan, sink = brought(tmp_path, "/dts-v1/;\n/ { x; };\n")
    assert plan is None
    assert [(d.code, d.primary.span, d.help) for d in sink.found] == [
        ("BH0431", span(30), ("begin it with the lines /dts-v1/; and /plugin/;, and refer to nodes as &soc or &{/soc}",
                              ))]


def test_overlay_that_does_not_compile(tmp_path: Path) -> None:
    plan, sink = brought(tmp_path, "/dts-v1/;\n/plugin/;\n&soc { x = ; };\n")
    assert plan is None and [(d.code, d.primary.span.line) for d in sink.found] == [("BH0803", 3)]


def test_tree_of_ones_own(tmp_path: Path) -> None:
    plan, sink = brought(tmp_path, '/dts-v1/;\n/ { model = "mine"; a: x { }; y { to = <&a>; }; };\n', "file",
                         "mine.dts")
    assert plan is not None and sink.found == []
    made = plan.vms[0]
    assert made.tree is None and made.dtb == 0x80ff_f000
    (tmp_path / "a.dtb").write_bytes(plan.payloads[-1].data)
    done = subprocess.run(["fdtget", "a.dtb", "/", "model"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "mine\n"


def test_tree_that_is_too_large(tmp_path: Path) -> None:
    def overlay(size: int) -> int:
        """Makes an overlay that holds a property of so many bytes; gives the size of all."""
        text = '/dts-v1/;\n/plugin/;\n&soc { x = /incbin/("x"); };\n'
        (tmp_path / "x").write_bytes(bytes(size))
        (tmp_path / "big.dts").write_text(text)
        subprocess.run(["dtc", "-q", "-O", "dtb", "-o", "big.dtbo", "big.dts"], cwd=tmp_path, check=True)
        return (tmp_path / "big.dtbo").stat().st_size

    most = 2 << 20                  # of a file that is read, and of what a kernel maps
    assert most - 8 <= overlay((most - overlay(0)) & ~7) <= most
    described = system(vm("a", devicetree_extra=(str(tmp_path / "big.dtbo"), span(30))))
    sink = Sink()
    assert make_plan(described, virt(), IMAGES, sink) is None
    assert [(d.code, d.message, d.notes) for d in sink.found] == [
        ("BH0432", "the device tree of VM 'a' is too large", ("a kernel maps 2MiB of it",))]


def test_tree_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "mine.dts").mkdir()
    described = system(vm("a", devicetree="file", devicetree_file=(str(tmp_path / "mine.dts"), span(30))))
    sink = Sink()
    assert make_plan(described, virt(), IMAGES, sink) is None
    assert [(d.code, d.primary.span) for d in sink.found] == [("BH0802", span(30))]
