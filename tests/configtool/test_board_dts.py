# SPDX-License-Identifier: Apache-2.0
"""Device trees as syntax: places through dtc, values, files made to harm. The reader of .dtb is held against libfdt."""
from __future__ import annotations

import os
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configtool.board.dtb import DtbError, read_dtb
from configtool.board.dtc import DtcError, complaints, read_dts
from configtool.board.dts import DeviceTree, Node, Property, TreeError
from configtool.board.load import BOARDS
from configtool.source import Span

SOC = """\
/memreserve/ 0x1000 0x2000;
/ { #address-cells = <2>; #size-cells = <2>;
	soc: soc {
		names = "a", "b";
		bytes = [01 02 03];
		empty;
		uart0: ser0: serial@1000 { status = "disabled"; clocks = <&soc>;
			reg = <0 0x1000
			       0 0x100>; };
	};
};
"""
BOARD = """\
/dts-v1/;
/include/ "soc.dtsi"
/ {
	model = "foo";
	/* ä */ späte: node@2 { };
	aliases { serial0 = &uart0; bad = <1>; };
};
&uart0 { status = "okay"; /delete-property/ clocks; };
&{/soc} { names = "over"; };
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeviceTree:
    monkeypatch.chdir(tmp_path)
    Path("soc.dtsi").write_text(SOC)
    Path("board.dts").write_text(BOARD.replace("späte: ", ""))
    return read_dts("board.dts")


def place(span: Span) -> tuple[str, int, int, int, int]:
    return span.file, span.line, span.column, span.end_line, span.end_column


def test_nodes_know_all_their_places(tree: DeviceTree) -> None:
    uart = tree.nodes["/soc/serial@1000"]
    assert [place(p) for p in uart.places] == [("soc.dtsi", 7, 16, 7, 27), ("board.dts", 8, 1, 8, 7)]
    assert uart.span == uart.places[0]
    assert [place(p) for p in tree.nodes["/soc"].places] == [("soc.dtsi", 3, 7, 3, 10), ("board.dts", 9, 1, 9, 8)]
    assert place(tree.root.span) == ("soc.dtsi", 2, 1, 2, 2)
    assert uart.labels == ("uart0", "ser0") and uart.label == "uart0" and tree.root.label is None


def test_properties_know_the_place_that_counts(tree: DeviceTree) -> None:
    uart = tree.nodes["/soc/serial@1000"]
    assert place(uart.get("status").span) == ("board.dts", 8, 10, 8, 26)
    assert place(uart.get("reg").span) == ("soc.dtsi", 8, 4, 9, 20)
    assert place(tree.nodes["/soc"].get("names").span) == ("board.dts", 9, 11, 9, 26)
    assert uart.get("clocks") is None
    assert place(tree.root.get("model").span) == ("board.dts", 4, 2, 4, 16)


def test_columns_count_characters(tree: DeviceTree) -> None:
    assert place(tree.nodes["/node@2"].span) == ("board.dts", 5, 10, 5, 16)


def test_values(tree: DeviceTree) -> None:
    soc, uart = tree.nodes["/soc"], tree.nodes["/soc/serial@1000"]
    assert soc.get("bytes").value == b"\1\2\3" and soc.has("empty") and soc.get("empty").value == b""
    assert uart.cells("reg") == (0, 0x1000, 0, 0x100) and uart.cells("nothing") == ()
    assert soc.strings("names") == ("over",) and soc.string("names") == "over"
    assert tree.root.address_cells == 2 and soc.address_cells == 2 and soc.size_cells == 1
    assert tree.reservations == ((0x1000, 0x2000),)
    assert uart.okay and uart.available


def test_look_up(tree: DeviceTree) -> None:
    uart = tree.nodes["/soc/serial@1000"]
    for name in ("uart0", "ser0", "serial0", "/soc/serial@1000", "/soc/serial"):
        assert tree.find(name) is uart, name
    assert tree.find("serial1") is None and tree.find("/soc/none") is None and tree.find("bad") is None
    assert uart.phandle is None and tree.phandle(1) is None
    assert [n.name for n in tree.root.walk()] == ["", "soc", "serial@1000", "node@2", "aliases"]


def prop(value: bytes) -> Property:
    return Property("p", value, Span("f", 1))


@pytest.mark.parametrize("value, what, message", [
    (b"\0\0\0", "cells", "p is 3 bytes long, not a whole number of 32-bit cells"),
    (b"\0" * 8, "u32", "p is 8 bytes long where one 32-bit cell is meant"),
    (b"\0" * 12, "number", "p is 12 bytes long where one number of 32 or 64 bits is meant"),
    (b"abc", "strings", "p is not a string: it does not end in a zero byte"),
    (b"a\0b\0", "string", "p holds 2 strings where one is meant"),
])
def test_values_of_another_form(value: bytes, what: str, message: str) -> None:
    with pytest.raises(TreeError) as caught:
        getattr(prop(value), what)
    assert caught.value.message == message and caught.value.span == Span("f", 1)


def test_references() -> None:
    root = Node("", None, (Span("f"),))
    clock, user = (Node(n, root, (Span("f", i),)) for i, n in enumerate(("clock", "user"), 1))
    root.children += [clock, user]
    clock.add(Property("phandle", b"\0\0\0\5", Span("f")))
    clock.add(Property("#clock-cells", b"\0\0\0\1", Span("f")))
    user.add(Property("clocks", bytes.fromhex("00000005 00000007 00000000 00000005 00000008"), Span("f")))
    user.add(Property("short", bytes.fromhex("00000005"), Span("f", 3)))
    user.add(Property("lost", bytes.fromhex("00000009"), Span("f", 3)))
    tree = DeviceTree("f", root)
    assert tree.references(user, "clocks", "#clock-cells") == [(clock, (7,)), (clock, (8,))]
    for name, cells, message in (
            ("short", "#clock-cells", "short ends in the middle of an entry: /clock takes 1 cell"),
            ("short", "#reset-cells", "short refers to /clock, which has no #reset-cells"),
            ("lost", "#clock-cells", "lost refers to phandle 0x9, which no node has")):
        with pytest.raises(TreeError) as caught:
            tree.references(user, name, cells)
        assert caught.value.message == message


@pytest.mark.parametrize("text, line, column, message", [
    ("/dts-v1/;\n/ { a = <1> };\n", 2, 13, "syntax error"),
    ("/dts-v1/;\n/ {\n  a = <&nowhere>;\n};\n", 2, 3, "/: Reference to non-existent node or label \"nowhere\""),
    ("/dts-v1/;\n&nowhere { };\n", 2, 10, "label or path nowhere not found"),
    ("/dts-v1/;\n// no place of dtc's\n/include/ \"gone.dtsi\"\n", 3, 11,
     "couldn't open \"gone.dtsi\": No such file or directory"),
    ("/ { };\n", 1, 1, "syntax error"),
    ("", 0, 0, "syntax error"),
])
def test_what_dtc_minds_has_its_place(text: str, line: int, column: int, message: str, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("board.dts").write_text(text)
    with pytest.raises(DtcError) as caught:
        read_dts("board.dts")
    span, text = caught.value.complaints[0]
    assert text == message
    assert span.file == "board.dts" and (span.line, span.column) == (line, column)


def test_dtcs_ways_of_speaking() -> None:
    text = ("Error: a.dts:4.8-12 syntax error\nFATAL ERROR: Unable to parse input tree\n"
            "a.dts:7.3-9.5: ERROR (name_of_check): /node: Text here\n"
            "ERROR: Input tree has errors, aborting (use -f to force output)\n")
    assert complaints(text, "x") == [(Span("a.dts", 4, 8, 4, 12), "syntax error"), (Span("a.dts", 7, 3, 9, 5),
                                                                                    "/node: Text here")]
    assert complaints("FATAL ERROR: Couldn't open \"y\"\n", "x") == [(Span("x"), "couldn't open \"y\"")]


def test_cyclic_includes_end(tmp_path: Path) -> None:
    (tmp_path / "a.dts").write_text('/dts-v1/;\n/include/ "a.dts"\n')
    with pytest.raises(DtcError) as caught:
        read_dts(str(tmp_path / "a.dts"))
    assert caught.value.complaints[0][1] == "includes nested too deeply"


def test_an_endless_file_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "a.dts").write_text('/dts-v1/;\n/ { a = /incbin/("/dev/zero"); };\n')
    start = time.monotonic()
    with pytest.raises(DtcError):
        read_dts(str(tmp_path / "a.dts"))
    assert time.monotonic() - start < 15


def test_a_source_that_blocks_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("configtool.board.dtc.MAX_SECONDS", 1)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "a.dts").write_text('/dts-v1/;\n/include/ "fifo"\n')
    start = time.monotonic()
    with pytest.raises(DtcError) as caught:
        read_dts(str(tmp_path / "a.dts"))
    assert caught.value.complaints == [(Span(str(tmp_path / "a.dts")), "dtc took longer than 1 s")]
    assert time.monotonic() - start < 5


# ---- compiled trees

def compiled(text: str) -> bytes:
    return subprocess.run(["dtc", "-q", "-@", "-I", "dts", "-O", "dtb"], input=text.encode(), stdout=subprocess.PIPE,
                          check=True).stdout


SMALL = compiled("/dts-v1/; /memreserve/ 0x1 0x2; / { a = <1>; l: n@1 { s = \"x\"; }; m { l2: k { }; }; };")


def test_labels_of_a_compiled_tree_come_from_its_symbols() -> None:
    tree = read_dtb(SMALL, "x.dtb")
    assert tree.labels["l"].path == "/n@1" and tree.labels["l2"].path == "/m/k"
    assert tree.root.span == Span("x.dtb") and tree.nodes["/n@1"].get("s").span == Span("x.dtb")
    assert tree.reservations == ((1, 2),)


STRUCT, STRINGS = struct.unpack_from(">2I", SMALL, 8)
SIZE_STRINGS, SIZE_STRUCT = struct.unpack_from(">2I", SMALL, 32)
FIRST = STRUCT + 8          # the root's first property


def patched(at: int, value: int) -> bytes:
    return SMALL[:at] + struct.pack(">I", value) + SMALL[at + 4:]


@pytest.mark.parametrize("blob, message", [
    (b"", "the file ends after 0 bytes, within the header"),
    (SMALL[:39], "the file ends after 39 bytes, within the header"),
    (SMALL[:-1], f"the file is cut short: its header says {len(SMALL)} bytes, there are {len(SMALL) - 1}"),
    (patched(0, 0xD00DFEEE), "the file starts with 0xd00dfeee, not with 0xd00dfeed, the mark of a device tree"),
    (patched(20, 16), "version 16 of the format, compatible with 16; only 17 is read"),
    (patched(8, 0xFFFFFFF0),
     f"the structure block ({SIZE_STRUCT} bytes at offset 0xfffffff0) does not lie within the file"),
    (patched(12, 4), f"the strings block ({SIZE_STRINGS} bytes at offset 0x4) does not lie within the file"),
    (patched(16, 44), "a block is not aligned as the format asks"),
    (patched(16, 0xFFFFFFF8), "the memory reservation block does not end within the file"),
    (patched(36, 8), "the structure block ends before its last node is closed"),
    (patched(STRUCT, 3), f"a property outside any node at offset {STRUCT:#x}"),
    (patched(FIRST, 7), f"0x7 at offset {FIRST:#x} is not a token of the format"),
    (patched(FIRST + 4, 0x7FFFFFFF), f"the property at offset {FIRST:#x} is cut short"),
    (patched(FIRST + 8, 0x7FFFFFFF), f"the name of the property at offset {FIRST:#x} lies outside the strings block"),
])
def test_damaged_trees(blob: bytes, message: str) -> None:
    with pytest.raises(DtbError) as caught:
        read_dtb(blob, "x.dtb")
    assert str(caught.value) == message


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = compiled("/dts-v1/; / { " + "n { " * 64 + "};" * 64 + " };")
    with pytest.raises(DtbError, match="nodes more than 64 deep at offset 0x"):
        read_dtb(deep, "x")
    long = compiled("/dts-v1/; / { " + "n" * 256 + " { }; };")
    with pytest.raises(DtbError, match="the name of a node at offset 0x[0-9a-f]+ does not end within 255 bytes"):
        read_dtb(long, "x")
    path = compiled("/dts-v1/; / { " + f"{'n' * 250} {{ " * 5 + "};" * 5 + " };")
    with pytest.raises(DtbError, match="the path of the node at offset 0x[0-9a-f]+ is longer than 1024 characters"):
        read_dtb(path, "x")
    monkeypatch.setattr("configtool.board.dtb.MAX_THINGS", 5)
    with pytest.raises(DtbError, match="more than 5 nodes and properties"):
        read_dtb(SMALL, "x")
    with pytest.raises(DtbError, match="larger than 2 MiB, the most that is read of a device tree"):
        read_dtb(bytes(2 << 20) + b"\0", "x")


@settings(max_examples=300, deadline=1000)
@given(st.data())
def test_a_mutated_tree_is_read_or_refused(data: st.DataObject) -> None:
    blob = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.sampled_from([0, 1, 2, 3, 4, 9, 0x7F, 0x80,
                                                                                    0xFF]))
    cut = data.draw(st.integers(0, len(blob)))
    for candidate in (bytes(blob), bytes(blob[:cut])):
        try:
            read_dtb(candidate, "x")
        except DtbError:
            pass


@pytest.mark.parametrize("board", sorted(n for n in os.listdir(BOARDS) if os.path.exists(f"{BOARDS}/{n}/board.dts")))
def test_reads_what_libfdt_reads(board: str) -> None:
    import libfdt

    blob = subprocess.run(["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", f"{BOARDS}/{board}/board.dts"],
                          stdout=subprocess.PIPE,
                          check=True).stdout
    fdt, quiet = libfdt.FdtRo(blob), libfdt.QUIET_NOTFOUND

    def theirs(offset: int, path: str) -> list[tuple[str, list[tuple[str, bytes]]]]:
        properties, at = [], fdt.first_property_offset(offset, quiet)
        while at >= 0:
            found = fdt.get_property_by_offset(at)
            properties.append((found.name, bytes(found)))
            at = fdt.next_property_offset(at, quiet)
        out, child = [(path or "/", properties)], fdt.first_subnode(offset, quiet)
        while child >= 0:
            out += theirs(child, f"{path}/{fdt.get_name(child)}")
            child = fdt.next_subnode(child, quiet)
        return out

    tree = read_dtb(blob, "x")
    assert [(n.path, [(p.name, p.value) for p in n.properties]) for n in tree.root.walk()] == theirs(0, "")
