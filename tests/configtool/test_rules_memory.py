# SPDX-License-Identifier: Apache-2.0
"""What is said of memory and images that cannot be, to the letter. The examples of the rules run in test_rules.py."""
from __future__ import annotations

from dataclasses import replace

import pytest
from configtool.diagnostics import Diagnostic
from configtool.image.load import _parse
from configtool.image.model import Image
from configtool.plan.arch import ARCHS
from configtool.plan.make import make_plan
from configtool.rules.registry import Context, load
from configtool.system import ImageRef, LinuxOptions, System
from plan_cases import (GIB, KIB, MIB, Sink, channel, device_ref, elf, kernel, ram, span, system, virt, vm)

CODE = b"\x13\0\0\0" * 16


def image(data: bytes, name: str) -> Image:
    return _parse(data, f"/x/{name}", name, "riscv64")


GUEST = elf((0x8000_0000, CODE, len(CODE), 5))
IMAGES = {f"/x/{name}": image(data, name) for name, data in {
    "a.elf": GUEST, "b.elf": GUEST, "c.elf": GUEST,
    "high.elf": elf((0x9000_0000, CODE, len(CODE), 5)),
    "data.elf": elf((0x8000_0000, CODE, len(CODE), 5), (0x8000_1000, CODE, 0x2000, 6)),
    "Image": kernel(2 * MIB, 4 * MIB), "blob.bin": b"\x6f\0\0\0" * 16, "initrd": bytes(3 * MIB)}.items()}


def found(described: System, board: object = None) -> list[Diagnostic]:
    sink = Sink()
    assert make_plan(described, board or virt(), IMAGES, sink) is None      # type: ignore[arg-type]
    return sink.found


def only(described: System, board: object = None) -> Diagnostic:
    diagnostics = found(described, board)
    assert len(diagnostics) == 1, [d.message for d in diagnostics]
    return diagnostics[0]


def said(d: Diagnostic) -> tuple[str, str, str, tuple[str, ...], tuple[str, ...]]:
    return d.code, d.message, d.primary.text, d.notes, d.help


def phys(at: int, size: int = 16 * MIB) -> System:
    return system(vm("a", memory=(ram(size, 10, phys=at, phys_span=span(10)),)))


# Physical places

def test_outside_ram_names_the_nearest_bank() -> None:
    board = virt(memory=((0x8000_0000, GIB), (0x1_0000_0000, GIB)))
    d = only(phys(0xf000_0000), board)
    assert said(d) == ("BH0303", "memory.ram of VM 'a' lies outside the board's RAM", "0xf0000000 to 0xf1000000",
                       ("the nearest bank is 0x100000000 to 0x140000000 (1GiB)",), ("16MiB are free at 0x100000000",))
    assert d.primary.span == span(10)
    assert only(phys(0xc000_0000), board).notes == ("the nearest bank is 0x80000000 to 0xc0000000 (1GiB)",)


def test_partly_outside_ram() -> None:
    board = virt(memory=((0x8000_0000, GIB), (0x1_0000_0000, GIB)))
    assert said(only(phys(0xbf80_0000), board)) == (
        "BH0304", "memory.ram of VM 'a' lies only partly in RAM", "0xbf800000 to 0xc0800000",
        ("RAM is 0x80000000 to 0xc0000000 (1GiB)", "RAM is 0x100000000 to 0x140000000 (1GiB)"),
        ("16MiB are free at 0xbf000000",))


def test_across_banks_that_touch_is_fine() -> None:
    sink = Sink()
    assert make_plan(phys(0x87c0_0000), virt(memory=((0x8000_0000, 128 * MIB), (0x8800_0000, 128 * MIB))), IMAGES, sink)
    assert sink.found == []


def test_in_memory_of_the_firmware() -> None:
    assert said(only(phys(0x8004_0000, MIB))) == (
        "BH0305", "memory.ram of VM 'a' lies in memory of OpenSBI", "0x80040000 to 0x80140000",
        ("OpenSBI has 0x80000000 to 0x80080000",), ("1MiB are free at 0x80400000",))


def test_over_the_hypervisor_names_both() -> None:
    d = only(phys(0x8020_0000))
    assert (d.code, d.message, d.help) == (
        "BH0306", "memory.ram of VM 'a' and the hypervisor overlap in physical memory",
        ("16MiB are free at 0x80400000",))
    assert [(label.span.file, label.text) for label in d.related] == [("board.yaml",
                                                                       "the hypervisor: 0x80200000 to 0x8020e000")]


def test_two_vms_in_one_place_names_both() -> None:
    d = only(system(vm("a", memory=(ram(16 * MIB, 10, phys=0x9000_0000, phys_span=span(10)),)),
                    vm("b", memory=(ram(16 * MIB, 20, phys=0x9080_0000, phys_span=span(20)),))))
    assert said(d) == ("BH0306", "memory.ram of VM 'b' and memory.ram of VM 'a' overlap in physical memory",
                       "0x90800000 to 0x91800000", ("both have 0x90800000 to 0x91000000",),
                       ("16MiB are free at 0x91000000",))
    assert [(label.span, label.text) for label in d.related] == [(span(10),
                                                                  "memory.ram of VM 'a': 0x90000000 to 0x91000000")]


def test_channel_over_a_vm() -> None:
    d = only(system(vm("a", memory=(ram(16 * MIB, 10, phys=0x9000_0000, phys_span=span(10)),)), vm("b"), channels=(
        channel("c", 8 * KIB, "a", "b", phys=0x9000_1000, phys_span=span(4)),)))
    assert (d.code, d.message) == ("BH0306", "channels.c and memory.ram of VM 'a' overlap in physical memory")


def test_identity_memory_where_the_image_is_linked() -> None:
    d = only(system(vm("a", memory=(ram(16 * MIB, 10, at="identity", at_span=span(10)),))))
    assert said(d) == ("BH0305", "memory.ram of VM 'a' lies in memory of OpenSBI",
                       "0x80000000 to 0x81000000, where its image is linked", ("OpenSBI has 0x80000000 to 0x80080000",),
                       ("16MiB are free at 0x80400000: link the image there",))


# Amounts

def test_not_enough_memory_shows_the_budget() -> None:
    d = only(system(vm("a", 600 * MIB), vm("b", 600 * MIB)), virt(memory=((0x8000_0000, GIB),)))
    assert said(d) == (
        "BH0309", "not enough memory for memory.ram of VM 'b'", "600MiB wanted",
        ("bank 0x80000000 to 0xc0000000, 1GiB:",
         "    512KiB  OpenSBI",
         "     64KiB  hypervisor",
         "      4KiB  a: image: a.elf",
         "      4KiB  a: device tree",
         "      4KiB  b: image: b.elf",
         "      4KiB  b: device tree",
         "  599.9MiB  a: memory.ram",
         "  423.4MiB  free, in 3 pieces, the largest 420.0MiB"),
        ("599.9MiB are needed, 423.4MiB are free: 176.5MiB are missing; 423MiB would fit",))


def test_budget_of_every_bank() -> None:
    d = only(system(vm("a", 3 * GIB)), virt(memory=((0x8000_0000, GIB), (0x1_0000_0000, GIB))))
    assert [n for n in d.notes if n.startswith("bank")] == ["bank 0x80000000 to 0xc0000000, 1GiB:",
                                                             "bank 0x100000000 to 0x140000000, 1GiB:"]


def test_memory_in_one_piece() -> None:
    board = virt(memory=((0x8000_0000, 512 * MIB), (0x1_0000_0000, 512 * MIB)))
    wanted = system(vm("a", memory=(ram(600 * MIB, 10, at="identity"),),
                       images=(ImageRef("Image", "/x/Image", span(6)),)))
    d = only(wanted, board)
    assert (d.code, d.message, d.help) == (
        "BH0309", "no piece of memory is large enough for memory.ram of VM 'a'",
        ("600MiB are needed in one piece, the largest has 512MiB",))


def test_memory_in_pieces_where_that_will_do() -> None:
    board = virt(memory=((0x8000_0000, 512 * MIB), (0x1_0000_0000, 512 * MIB)))
    sink = Sink()
    plan = make_plan(system(vm("a", 800 * MIB)), board, IMAGES, sink)
    assert plan is not None and sink.found == []
    assert sum(m.size for m in plan.vms[0].maps) == 800 * MIB
    assert all((m.ipa - m.phys) % (2 * MIB) == 0 for m in plan.vms[0].maps if m.kind == "ram")


def test_no_room_for_a_channel() -> None:
    d = only(system(vm("a"), vm("b"), channels=(channel("c", 2 * GIB, "a", "b"),)))
    assert (d.code, d.message, d.primary.text) == ("BH0309", "not enough memory for channels.c", "2GiB wanted")


# Guest addresses

def test_overlap_in_a_vm() -> None:
    d = only(system(vm("a", memory=(ram(16 * MIB, 10, at=0x8000_0000, at_span=span(10)),
                                    ram(MIB, 11, "scratch", at=0x80f0_0000, at_span=span(11))))))
    assert said(d) == ("BH0307", "memory.scratch and memory.ram overlap in the address space of VM 'a'",
                       "0x80f00000 to 0x81000000", (), ("write `at: 0x81000000` for memory.scratch, or leave `at:` out",
                                                        ))
    assert [(label.span, label.text) for label in d.related] == [(span(10), "0x80000000 to 0x81000000")]


def test_memory_over_a_device() -> None:
    d = only(system(vm("a", memory=(ram(16 * MIB, 10), ram(MIB, 11, "low", at=0x10_0000, at_span=span(11))),
                       devices=(device_ref("rtc@101000"),))))
    assert (d.message, d.primary.span) == (
        "memory.low and device rtc@101000 overlap in the address space of VM 'a'", span(11))


def test_beyond_the_reach_of_the_tables() -> None:
    board = virt()
    board = replace(board, cpus=tuple(replace(c, mmu_type="riscv,sv39") for c in board.cpus))
    far = system(vm("a", memory=(ram(16 * MIB, 10), ram(MIB, 11, "far", at=1 << 41, at_span=span(11)))))
    d = only(far, board)
    assert said(d) == ("BH0308", "memory.far of VM 'a' lies beyond what its CPUs can address",
                       "0x20000000000 to 0x20000100000",
                       ("sv39x4 translates guest addresses below 0x20000000000",),
                       ("write an `at:` of 0x1fffff00000 or less",))
    assert d.primary.span == span(11)
    plan = make_plan(far, virt(), IMAGES, Sink())
    assert plan is not None and plan.stage2 == "sv48x4"


# The hypervisor's own place

def test_load_address() -> None:
    d = only(system(vm("a")), virt(load=0x8000_0000))
    assert (d.code, d.message, d.notes) == ("BH0311", "the hypervisor's memory is not free RAM",
                                            ("OpenSBI has 0x80000000 to 0x80080000",))
    assert d.help == ("56KiB are free at 0x80200000: write `load: 0x80200000`",)
    d = only(system(vm("a")), virt(load=0x8030_0000))
    assert said(d) == ("BH0311", "the load address 0x80300000 is not aligned to 2MiB", "",
                       ("a boot loader puts a Linux `Image` only there",), ("write 0x80200000 or 0x80400000",))
    assert only(system(vm("a")), virt(load=0x4000_0000)).notes == ("RAM is 0x80000000 to 0xc0000000",)


def test_board_without_a_hypervisor() -> None:
    board = replace(virt(), arch="armv7", name="arndale")
    assert said(only(system(vm("a")), board)) == (
        "BH0312", "there is no hypervisor for armv7 yet", "board arndale",
        (f"this version runs on {', '.join(sorted(ARCHS))}",),
        ())
    board = virt()
    assert board.controller is not None
    newer = replace(board, controller=replace(board.controller, kind="gicv5"))
    assert only(system(vm("a")), newer).message == \
        "there is no hypervisor for the board's interrupt controller (GICV5) yet"


# Images

def of(name: str, *more: ImageRef, size: int = 16 * MIB, memory: object = None, **ref: object) -> System:
    images = (ImageRef(name, f"/x/{name}", span(6), **ref),) + more     # type: ignore[arg-type]
    return system(vm("a", images=images, memory=memory or (ram(size, 10),)))


def test_raw_image_without_an_address() -> None:
    assert said(only(of("blob.bin"))) == (
        "BH0409", "'blob.bin' does not say where it belongs in memory", "neither an ELF file nor a Linux kernel", (),
        ("write {file: blob.bin, at: 0x80000000} (the start of the VM's memory), or the address that it was linked for",
         ))


def test_address_beside_an_elf_file() -> None:
    assert said(only(of("a.elf", at=0x8020_0000, at_span=span(7)))) == (
        "BH0410", "`at:` differs from where 'a.elf' is linked", "the ELF file says 0x80000000", (),
        ("leave `at:` out, or link the image at 0x80200000",))
    assert make_plan(of("a.elf", at=0x8000_0000), virt(), IMAGES, Sink()) is not None


def test_image_outside_the_memory() -> None:
    fixed = (ram(16 * MIB, 10, at=0x8000_0000, at_span=span(10)),)
    assert said(only(of("high.elf", memory=fixed))) == (
        "BH0411", "'high.elf' does not fit into the memory of VM 'a'", "0x90000000 to 0x90000040",
        ("memory.ram: 0x80000000 to 0x81000000 (16MiB)",),
        ("write `at: 0x90000000` for memory.ram, or link it at 0x80000000 or above",))
    assert said(only(of("Image", size=5 * MIB))) == (
        "BH0411", "'Image' does not fit into the memory of VM 'a'",
        "0x80200000 to 0x80600000, with what it clears at its start (image_size)",
        ("memory.ram: 0x80000000 to 0x80500000 (5MiB)",), ("make memory.ram 6MiB or larger",))
    assert only(of("blob.bin", at=0x8100_0000 - 32, memory=fixed)).help == ("make memory.ram 17MiB or larger",)


def test_ram_follows_an_image_that_is_linked_elsewhere() -> None:
    plan = make_plan(of("high.elf"), virt(), IMAGES, Sink())
    assert plan is not None
    assert (plan.vms[0].entry, plan.vms[0].regions[0].ipa) == (0x9000_0000, 0x9000_0000)


def test_access_that_an_image_needs() -> None:
    memory = (ram(16 * MIB, 10, at=0x9000_0000), ram(MIB, 11, "code", at=0x8000_0000, access="rx"))
    d = only(of("data.elf", memory=memory))
    assert said(d) == ("BH0412", "'data.elf' needs memory that is writable, and memory.code of VM 'a' is not",
                       "its segment at 0x80001000 is 'rw'", (), ("give memory.code `access: rwx`",))
    assert [label.text for label in d.related] == ["access is 'rx'"]


def test_entry() -> None:
    images = dict(IMAGES)
    images["/x/e.elf"] = image(elf((0x8000_0000, CODE, 64, 5), entry=0x1234), "e.elf")
    sink = Sink()
    assert make_plan(of("e.elf"), virt(), images, sink) is None
    assert said(sink.found[0]) == ("BH0413", "the entry point 0x1234 of 'e.elf' lies outside it", "",
                                   ("it loads 0x80000000 to 0x80000040",), ("correct ENTRY() in its linker script",))
    assert only(of("blob.bin", at=0x8000_0000, entry=0x8000_1000)).help == ("correct `entry:`",)
    assert said(only(of("a.elf", entry=0x8000_0010))) == (
        "BH0414", "`entry:` differs from the entry point of 'a.elf'", "the ELF file says 0x80000000", (),
        ("leave `entry:` out",))


def test_images_that_overlap() -> None:
    d = only(of("Image", ImageRef("blob.bin", "/x/blob.bin", span(7), at=0x8050_0000)))
    assert said(d) == ("BH0415", "images 'Image' and 'blob.bin' overlap in VM 'a'", "from 0x80500000", (),
                       ("put 'blob.bin' at 0x80600000 or above",))
    assert [(label.span, label.text) for label in d.related] == [(span(6), "to 0x80600000")]


def test_kernel_at_a_wrong_address() -> None:
    assert said(only(of("Image", at=0x8030_0000, at_span=span(7)))) == (
        "BH0416", "a Linux kernel cannot lie at 0x80300000", "",
        ("it lies 0x200000 (its text_offset) above a multiple of 2MiB",),
        ("leave `at:` out, or write 0x80200000 or 0x80400000",))


def test_no_room_for_the_initrd_or_the_tree() -> None:
    options = LinuxOptions(span(8), "initrd", "/x/initrd", span(9))
    images = (ImageRef("Image", "/x/Image", span(6)),)
    d = only(system(vm("a", images=images, linux=options, memory=(ram(8 * MIB, 10),))))
    assert said(d) == ("BH0418", "no room for the initrd 'initrd' in memory.ram of VM 'a'", "",
                       ("3MiB are needed in one piece; 4100KiB of 8MiB hold its images",),
                       ("make memory.ram 8MiB or larger",))
    d = only(of("a.elf", size=4 * KIB))
    assert said(d) == ("BH0418", "no room for the device tree in memory.ram of VM 'a'", "",
                       ("4KiB are needed in one piece; 4KiB of 4KiB hold its images",),
                       ("make memory.ram 1MiB or larger", "or write `devicetree: none` if the guest does not read one"))
    assert make_plan(system(vm("a", 4 * KIB, devicetree="none")), virt(), IMAGES, Sink()) is not None


def tree_at(at: int | str, **more: object) -> System:
    return system(vm("a", devicetree_at=at, devicetree_at_span=span(12), **more))  # type: ignore[arg-type]


def test_the_tree_where_the_yaml_wants_it() -> None:
    for at, ipa in ((0x8080_0008, 0x8080_0008), ("low", 0x4000_0000)):
        described = tree_at(at, memory=(ram(16 * MIB, 10), ram(MIB, 11, "low", at=0x4000_0000, access="r")))
        plan = make_plan(described, virt(), IMAGES, Sink())
        assert plan is not None and plan.vms[0].dtb == ipa
    # Alone it ties the memory of a kernel that may lie anywhere.
    images = (ImageRef("Image", "/x/Image", span(6)),)
    plan = make_plan(tree_at(0x4000_0000, images=images), virt(), IMAGES, Sink())
    assert plan is not None and plan.vms[0].dtb == 0x4000_0000 == plan.vms[0].regions[0].ipa


def test_where_the_tree_cannot_lie() -> None:
    region = ("memory.ram: 0x80000000 to 0x81000000 (16MiB)",)
    assert said(only(tree_at("rom"))) == (
        "BH0440", "VM 'a' has no memory 'rom' for its device tree", "", region,
        ("did you mean 'ram'?",))
    for at, end in ((0x7fff_f000, 0x8000_0000), (0x80ff_f800, 0x8100_0800), (0x8100_0000, 0x8100_1000)):
        described = tree_at(at, memory=(ram(16 * MIB, 10, at=0x8000_0000),))
        assert said(only(described)) == (
            "BH0440", "the device tree of VM 'a' does not lie inside its memory", f"{at:#x} to {end:#x}", region,
            ("write an address inside, or the name of the region that it is to begin",))
    assert said(only(tree_at(0x8080_0004))) == (
        "BH0441", "the device tree of VM 'a' cannot lie at 0x80800004", "not a multiple of 8", (),
        ("write 0x80800000 or 0x80800008",))
    d = only(tree_at("ram"))
    assert said(d) == ("BH0442", "the device tree of VM 'a' overlaps 'a.elf'", "0x80000000 to 0x80001000", (),
                       ("move one of them: the image by its `at:` or its linker script, the tree by this key",))
    assert d.primary.span == span(12) and d.related[0].text.startswith("0x80000000 to ")


def test_image_far_from_the_rest() -> None:
    d = only(phys(0xb000_0000))
    assert (d.code, d.message, d.primary.text) == (
        "BH0421", "image a.elf of VM 'a' lies too far off to be in the image",
        "physical 0xb0000000, 765.9MiB behind the rest of it")
    assert d.help == ("16MiB are free at 0x80400000",)
    d = only(phys(0x8010_0000, MIB))
    assert d.primary.text == "physical 0x80100000, below its load address"


# Rules of their own

@pytest.mark.parametrize("code, described, messages", [
    ("BH0301", system(vm("a", memory=(ram(5 * MIB + 1, 10), ram(MIB, 11, "b", at=0x801, phys=0x9000_0010)))),
     [("the size of memory.ram in VM 'a' is no multiple of 4KiB", "write 5124KiB"),
      ("`at` of memory.b in VM 'a' is no multiple of 4KiB", "write 0x0 or 0x1000"),
      ("`phys` of memory.b in VM 'a' is no multiple of 4KiB", "write 0x90000000 or 0x90001000")]),
    ("BH0302", system(vm("a", memory=(ram(MIB, 10, access="rx"),))),
     [("VM 'a' has no memory that it can write", "write memory: {ram: 16MiB}")]),
    ("BH0420", system(vm("a", devicetree="none", linux=LinuxOptions(span(8), "i", "/x/i", span(8), cmdline="quiet"))),
     [("`initrd` reaches nobody: VM 'a' has no device tree", "remove `devicetree: none`"),
      ("`cmdline` reaches nobody: VM 'a' has no device tree", "remove `devicetree: none`")]),
])
def test_rules_on_the_description(code: str, described: System, messages: list[tuple[str, str]]) -> None:
    check = load()[code].check
    assert check is not None
    assert [(d.message, d.help[0]) for d in check(Context(described))] == messages


def page_by_page(described: System) -> list[Diagnostic]:
    plan = make_plan(described, virt(), IMAGES, Sink())
    check = load()["BH0310"].check
    assert plan is not None and check is not None
    return list(check(Context(described, plan=plan)))


def test_memory_that_is_mapped_page_by_page() -> None:
    made = page_by_page(phys(0x9000_1000))
    assert [(d.severity, d.message, d.notes, d.help) for d in made] == [(
        "warning", "memory.ram of VM 'a' is mapped page by page: 7 more tables (28KiB)",
        ("guest 0x80002000 is physical 0x90003000; they differ modulo 2MiB",),
        ("write `phys: 0x90000000` or `phys: 0x90200000`",))]
    assert page_by_page(phys(0x9000_0000)) == [] and page_by_page(system(vm("a"), vm("b"))) == []
