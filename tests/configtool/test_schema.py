# SPDX-License-Identifier: Apache-2.0
"""The schema itself, and what is said where a description differs from it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest
from jsonschema import Draft7Validator

from configtool.schema import SCHEMAS, load_schema, validate
from configtool.units import duration, meant_duration, meant_number, meant_size, size, size_text
from configtool.yaml_nodes import read_document
from workbench import HELLO

RAW = json.loads((Path(SCHEMAS) / "system.schema.json").read_text())


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the language with its schema, definitions included once."""
    if isinstance(schema, dict):
        for key, part in schema.get("properties", {}).items():
            yield f"{path}.{key}", part
        for key, part in schema.items():
            if key not in ("examples", "default"):
                yield from properties(part, f"{path}.{key}")
    elif isinstance(schema, list):
        for part in schema:
            yield from properties(part, path)


def test_it_is_draft_07_as_an_editor_reads_it() -> None:
    assert RAW["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(RAW)
    assert "oneOf" not in json.dumps(RAW) and "anyOf" not in json.dumps(RAW)


@pytest.mark.parametrize("path, part", list(properties(RAW)), ids=lambda value: value if isinstance(value, str) else "")
def test_every_key_is_described_and_has_examples_that_hold(path: str, part: dict[str, Any]) -> None:
    assert part.get("description", "")[-1:] == "." and part.get("title")
    if "not" in part:
        assert part["title"] == "Reserved" and part["description"].startswith("Reserved for a later version: ")
        return
    assert part["examples"]
    checker = Draft7Validator({**part, "definitions": RAW["definitions"]} if "$ref" not in part else
                              RAW["definitions"][part["$ref"].rsplit("/", 1)[1]] | {"definitions": RAW["definitions"]})
    for example in part["examples"]:
        checker.validate(example)


def test_mappings_are_closed() -> None:
    def check(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part:
                assert part["additionalProperties"] is False, part.get("title")
            for key, value in part.items():
                if key not in ("examples", "default"):
                    check(value)
    check(RAW)


def test_definitions_are_put_in_place() -> None:
    assert "$ref" not in json.dumps(load_schema("system.schema.json"))


def found(folder: Path, text: str) -> list[tuple[str, int, int, str, list[str]]]:
    path = folder / "s.yaml"
    path.write_text(text)
    diagnostics = sorted(validate(read_document(str(path)).root, "system.schema.json"), key=lambda d: d.primary.span)
    return [(d.code, d.primary.span.line, d.primary.span.column, d.message, list(d.help)) for d in diagnostics]


def test_examples_of_the_project_pass(tmp_path: Path) -> None:
    for path in (Path(SCHEMAS).parent / "examples").glob("*/system.yaml"):
        assert found(tmp_path, path.read_text()) == []


@pytest.mark.parametrize("text, expected", [
    ("bulkhead: 1\nnme: x\nbord: y\nvms: {}\n", [
        ("BH0100", 2, 1, "unknown key 'nme'", ["did you mean 'name'? it is missing here"]),
        ("BH0100", 3, 1, "unknown key 'bord'", ["did you mean 'board'? it is missing here"]),
        ("BH0107", 4, 1, "vms is empty",
         ["write, for example: vms: {hello: {vcpus: 1, memory: {ram: 16MiB}, image: {file: hello.elf}}}"])]),
    ("name: x\nboard: y\nvms: {a: {memory: {ram: 1MiB}}}\n",
     [("BH0101", 0, 0, "'bulkhead' is missing", ["write, for example: bulkhead: 1"])]),
    ("bulkhead: '1'\nname: x\nboard: y\nvms: {a: {memory: {ram: 1MiB}}}\n", [
        ("BH0111", 1, 11, "this configtool does not know version 1 of the language", ["write bulkhead: 1"])]),
    ("bulkhead: 2\nname: x\nboard: y\nvms: {a: {memory: {ram: 1MiB}}}\n", [
        ("BH0111", 1, 11, "this configtool does not know version 2 of the language", ["write bulkhead: 1"])]),
])
def test_the_top(text: str, expected: object, tmp_path: Path) -> None:
    assert found(tmp_path, text) == expected


@pytest.mark.parametrize("line, expected", [
    ("vcpu: 2", ("BH0100", 9, 5, "unknown key 'vcpu' in vms.hello", ["'vcpus' is here already: remove this one"])),
    ("flavour: 2", ("BH0100", 9, 5, "unknown key 'flavour' in vms.hello", ["keys here: KEYS"])),
    ("ram: 2MiB", ("BH0100", 9, 5, "unknown key 'ram' in vms.hello",
                   ["it belongs under 'memory': memory: {ram: 16MiB}"])),
    ("cmdline: x", ("BH0100", 9, 5, "unknown key 'cmdline' in vms.hello", ["it belongs under 'linux'"])),
    ("board: x", ("BH0100", 9, 5, "unknown key 'board' in vms.hello",
                  ["it belongs to the top of the file: check its indentation"])),
    ("passthrough: [x]", ("BH0100", 9, 5, "unknown key 'passthrough' in vms.hello", ["did you mean 'devices'?"])),
    ("Console: none", ("BH0100", 9, 5, "unknown key 'Console' in vms.hello", ["did you mean 'console'?"])),
    ("colors: half", ("BH1051", 9, 13, "vms.hello.colors is no set of colors",
                      ["write a range (0-3), a list ([0, 2, 5-6]), a share (50%) or auto"])),
    ("colors: [0-3, x]", ("BH1051", 9, 19, "vms.hello.colors[1] is no set of colors",
                          ["write a range (0-3), a list ([0, 2, 5-6]), a share (50%) or auto"])),
    ("virtio: [1]", ("BH0110", 9, 5, "'virtio' is reserved for a later version",
                     ["remove it: this version does nothing with it"])),
    ("console: no", ("BH0103", 9, 14, "'no' is no value of console",
                     ["did you mean 'none'? there are: virtual, none"])),
    ("console:", ("BH0102", 9, 5, "vms.hello.console has no value", ["write, for example: console: virtual"])),
    ("criticality: 8", ("BH0105", 9, 18, "vms.hello.criticality is 8; the most is 7", [])),
    ("criticality: -1", ("BH0105", 9, 18, "vms.hello.criticality is -1; the least is 0", [])),
    ("criticality: 07", ("BH0102", 9, 18, "vms.hello.criticality is '07', which is no whole number",
                         ["write 7, or 0o7 if it is octal"])),
    ("criticality: '7'", ("BH0102", 9, 18, "vms.hello.criticality is '7', which is no whole number", ["write 7"])),
    ("criticality: high", ("BH0102", 9, 18, "vms.hello.criticality is 'high', which is no whole number",
                           ["write, for example: criticality: 7"])),
    ("criticality: true", ("BH0102", 9, 18, "vms.hello.criticality is 'true', which is no whole number",
                           ["write, for example: criticality: 7"])),
    ("devices: uart1", ("BH0102", 9, 14, "vms.hello.devices is 'uart1'; it has to be a list or a mapping",
                        ["write devices: [uart1]"])),
    ("devices: [5]", ("BH0102", 9, 15, "vms.hello.devices[0] is a number; devices go by their names in the device "
                      "tree", ["write its label, alias, path or node name; configtool board show BOARD lists them with their "
                               "addresses"])),
    ("devices: {rest: on}", ("BH0102", 9, 21, "vms.hello.devices.rest is 'on', which is neither true nor false",
                             ["write true"])),
    ("devices: {rest: false}", ("BH0103", 9, 21, "vms.hello.devices.rest is false",
                                ["write true, or remove the line and list the devices"])),
    ("devices: [{nam: x}]", ("BH0100", 9, 16, "unknown key 'nam' in vms.hello.devices[0]",
                             ["did you mean 'name'? it is missing here"])),
    ("devices: [{name: x, dma: yes}]", ("BH0103", 9, 30, "'yes' is no value of dma", ["the only value is: trusted"])),
    ("cpus: [3]", ("BH0102", 9, 12, "vms.hello.cpus[0] is a number; CPUs go by their names in the device tree",
                   ["write cpu@3, or the CPU's label"])),
    ("linux: [x]", ("BH0102", 9, 5, "vms.hello.linux is a list; it has to be a mapping",
                    ["write, for example: linux: {initrd: rootfs.cpio.gz, cmdline: console=ttyS0}"])),
    ("linux: {cmdline: \"a\\n\"}", ("BH0113", 9, 22, "vms.hello.linux.cmdline holds a control character",
                                    ["remove it"])),
    ("linux: {initrd: ''}", ("BH0107", 9, 21, "vms.hello.linux.initrd is an empty string",
                             ["write, for example: initrd: rootfs.cpio.gz"])),
    ("devicetree: off", ("BH0103", 9, 17, "'off' is no value of devicetree", ["write one of: generated, none"])),
    ("devicetree: {at: 2nd}", ("BH0103", 9, 22, "'2nd' is no guest address",
                               ["write a number, as 0x80000000, or the name of a region of memory"])),
    ("on_fault: {action: restart, within: 10 sec}", ("BH0104", 9, 41, "'10 sec' is no duration", ["write 10s"])),
    ("on_fault: {action: restart, within: 10}", ("BH0104", 9, 41,
                                                 "vms.hello.on_fault.within is a duration without a unit",
                                                 ["write 10us, 10ms or 10s"])),
    ("channels: {x: {at: 8000_0000}}", ("BH0102", 9, 24, "vms.hello.channels.x.at is '8000_0000', which is no whole "
                                        "number",
                                        ["write 80000000, or 0x80000000 if it is hexadecimal"])),
    ("channels: {x: {interrupt: 0}}", ("BH0105", 9, 31, "vms.hello.channels.x.interrupt is 0; the least is 1", [])),
    ("images: []", ("BH0107", 9, 5, "vms.hello.images is empty",
                    ["write, for example: images: [{file: fw.elf}, {file: cal.bin, at: 0x80800000}]"])),
    ("images: [a.elf]", ("BH0102", 9, 14, "vms.hello.images[0] is 'a.elf'; it has to be a mapping",
                         ["write, for example: {file: control.elf}"])),
])
def test_a_line_of_a_vm(line: str, expected: tuple[str, int, int, str, list[str]], tmp_path: Path) -> None:
    keys = ", ".join(key for key, part in RAW["definitions"]["vm"]["properties"].items() if "not" not in part)
    expected[4][:] = [text.replace("KEYS", keys) for text in expected[4]]
    assert found(tmp_path, HELLO + f"    {line}\n") == [expected]


@pytest.mark.parametrize("value, message, help_", [
    ("16MB", "'16MB' is no size", "write 16MiB"), ("16M", "'16M' is no size", "write 16MiB"),
    ("16 MiB", "'16 MiB' is no size", "write 16MiB"), ("1.5GiB", "'1.5GiB' is no size", "write 1536MiB"),
    ("16mib", "'16mib' is no size", "write 16MiB"), ("lots", "'lots' is no size", "write, for example: 16MiB"),
    ("'16MiB\\n'", "'16MiB\\n' is no size", "write, for example: 16MiB"),
    ("16777216", "vms.hello.memory.ram is a size without a unit", "write 16MiB"),
    ("0x1000000", "vms.hello.memory.ram is a size without a unit", "write 16MiB"),
    ("16", "vms.hello.memory.ram is a size without a unit", "write 16KiB, 16MiB or 16GiB"),
    ("5000", "vms.hello.memory.ram is a size without a unit", "sizes are whole KiB; this is not"),
    ("0", "vms.hello.memory.ram is a size of zero", "remove it, or give it what it needs"),
    ("0MiB", "vms.hello.memory.ram is a size of zero", "remove it, or give it what it needs"),
])
def test_sizes(value: str, message: str, help_: str, tmp_path: Path) -> None:
    diagnostics = found(tmp_path, HELLO.replace("16MiB", value))
    assert diagnostics == [("BH0104", 7, 19, message, [help_])]


@pytest.mark.parametrize("name, help_", [
    ("2nd guest", "vm2nd-guest"), ("a.b", "a-b"), ("x" * 32, "x" * 31), ("_a", None), ("ü", None), ("-", None),
])
def test_names(name: str, help_: str | None, tmp_path: Path) -> None:
    first = "a name is a letter, then letters, digits, - and _, at most 31 in all"
    assert found(tmp_path, HELLO.replace("hello:", f"'{name}':")) == [
        ("BH0106", 5, 3, f"'{name}' cannot be a name", [first] + ([f"write, for example: {help_}"] if help_ else []))]


def test_the_nearest_place_is_blamed_once(tmp_path: Path) -> None:
    """One slip is one message: a wrong type hides what the schema says of its content."""
    assert len(found(tmp_path, HELLO.replace("{ram: 16MiB}", "[16MiB]"))) == 1
    assert len(found(tmp_path, HELLO.replace("vcpus: 1", "vcpus: {cout: 1}"))) == 1


def test_units() -> None:
    assert (size("64KiB"), size("3GiB"), duration("10s"), duration("5us")) == (65536, 3 << 30, 10_000_000, 5)
    assert [size_text(n) for n in (4096, 3 << 20, 1 << 30, 100, 1536 << 10)] == [
        "4KiB", "3MiB", "1GiB", "100 bytes", "1536KiB"]
    assert [meant_size(t) for t in ("1_000KB", "4k", "0.5MiB", "0x1000", "3 bytes", "1.0000001MiB", "x")] == [
        "1000KiB", "4KiB", "512KiB", "4KiB", None, None, None]
    assert [meant_duration(t) for t in ("1.5s", "10 ms", "3min", "0s", "2 seconds")] == [
        "1500ms", "10ms", None, None, "2s"]
    assert [meant_number(t) for t in ("0755", "1_000", "0X1F", "80200000h", "2GiB", "dead_beef", "x", "00")] == [
        "755", "1000", "0x1F", "0x80200000", "0x80000000", "0xdeadbeef", None, "0"]
