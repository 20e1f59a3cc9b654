# SPDX-License-Identifier: Apache-2.0
"""The manual against what it describes: keys of the schemas, commands, rules, links, figures."""
from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from jsonschema.validators import Draft7Validator

from configtool.cli.main import COMMANDS
from configtool.rules.registry import load
from workbench import configtool, guest_elf, linux_image

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
MANUAL = [page for page in PAGES if page.name != "rules.md"]

_KEY = re.compile(r"^- \*\*`([a-z0-9_-]+)`\*\* (.*)$")
_PREFIX = re.compile(r"^#+ [^`]*`([^`]+)`\s*$")


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def schema(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((ROOT / "schemas" / name).read_text())
    return made


def keys_of(name: str) -> dict[str, dict[str, Any]]:
    """Every key of a schema by its path; a definition that several keys share stands at the first of them."""
    whole = schema(name)
    seen: set[str] = set()
    found: dict[str, dict[str, Any]] = {}
    # What stands for the name that the user gives to a thing: the singular of its mapping.
    placeholder = {"vms": "<vm>", "channels": "<channel>", "memory": "<region>", "clocks": "<clock>",
                   "events": "<core>"}

    def walk(node: dict[str, Any], path: str) -> None:
        reference = node.get("$ref", "")
        if reference:
            definition = reference.rpartition("/")[2]
            if definition in seen and "properties" in whole["definitions"][definition]:
                return
            seen.add(definition)
            node = whole["definitions"][definition]
        for key, value in node.get("properties", {}).items():
            inner = f"{path}.{key}" if path else key
            found[inner] = value
            walk(value, inner)
        if isinstance(node.get("additionalProperties"), dict):
            walk(node["additionalProperties"], f"{path}.{placeholder[path.rpartition('.')[2]]}")
        if isinstance(node.get("items"), dict):
            walk(node["items"], f"{path}[]")

    walk(whole, "")
    return found


def documented(page: Path) -> Iterator[tuple[str, str]]:
    """(path, the rest of its line) of every key that a page documents; its heading has the path above it."""
    prefix = ""
    for line in page.read_text().splitlines():
        if line.startswith("#"):
            heading = _PREFIX.match(line)
            prefix = heading.group(1) + "." if heading else ""
        key = _KEY.match(line)
        if key:
            yield prefix + key.group(1), key.group(2)


LANGUAGES = [("language.md", "system.schema.json"), ("boards.md", "board.schema.json")]


@pytest.mark.parametrize("page, name", LANGUAGES)
def test_every_key_of_the_schema_is_documented_and_the_other_way_round(page: str, name: str) -> None:
    assert sorted(path for path, _ in documented(ROOT / "docs" / page)) == sorted(keys_of(name))


@pytest.mark.parametrize("page, name", LANGUAGES)
def test_every_key_has_a_type_a_default_and_an_example_that_the_schema_takes(page: str, name: str) -> None:
    keys = keys_of(name)
    for path, line in documented(ROOT / "docs" / page):
        key = path.rpartition(".")[2]
        example = re.search(rf"`({key}: [^`]+)`$", line)
        assert example, f"{path}: no example `{key}: ...` at the end of its line"
        said = line[:example.start()]
        value = yaml.safe_load(example.group(1))[key]
        if keys[path].get("title") == "Reserved":
            assert said.strip() == "reserved." and value is None, path
            continue
        assert re.search(r"\b(required( unless .+| with .+| for .+)?|left out: .+|instead of .+)\.\s*$", said), f"{path}: required or not? {said}"
        default = keys[path].get("default")
        if default is not None:
            word = str(default).lower() if isinstance(default, bool) else str(default)
            assert f"left out: `{word}`" in said or f"left out: {word}." in said, f"{path}: the default is {word}"
        problems = Draft7Validator({**keys[path], "definitions": schema(name)["definitions"]}).iter_errors(value)
        assert not [p.message for p in problems], path


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", MANUAL, ids=shown)
def test_whole_descriptions_are_what_the_schemas_say(page: Path) -> None:
    for text in blocks(page, "yaml"):
        value = yaml.safe_load(text)
        name = "board.schema.json" if isinstance(value, dict) and "bulkhead-board" in value else "system.schema.json"
        whole = isinstance(value, dict) and "extends" not in value
        if whole and ("bulkhead" in value or "bulkhead-board" in value):
            assert not [p.message for p in Draft7Validator(schema(name)).iter_errors(value)], text


@pytest.mark.parametrize("page", MANUAL, ids=shown)
def test_whole_descriptions_pass_check_without_a_warning(page: Path, tmp_path: Path) -> None:
    for name, make in (("control.elf", guest_elf()), ("hello.elf", guest_elf()), ("guest.elf", guest_elf()),
                       ("Image", linux_image()), ("rootfs.cpio.gz", b"070701".ljust(4096, b"0"))):
        (tmp_path / name).write_bytes(make)
    for text in blocks(page, "yaml"):
        value = yaml.safe_load(text)
        if isinstance(value, dict) and "vms" in value and "/" not in value.get("board", "/"):
            (tmp_path / "system.yaml").write_text(text)
            code, _, said = configtool("check", "system.yaml", folder=tmp_path)
            assert (code, said) == (0, ""), said


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found = set()
    for heading in re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?s)```.*?```", "", page.read_text())):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", page.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+://", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", MANUAL, ids=shown)
def test_paths_that_are_named_exist(page: Path) -> None:
    for path in re.findall(r"`((?:docs|tests|examples|boards|schemas|hypervisor|configtool|bin)/[\w./-]*\w)/?`",
                           page.read_text()):
        assert (ROOT / path).exists() or "xyz" in path, f"there is no {path}"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_rules_that_are_named_exist(page: Path) -> None:
    assert set(re.findall(r"\bBH[0-9]{4}\b", page.read_text())) <= {*load(), "BH0412"}     # BH0412: of an example


def test_constants_that_the_guests_page_names_are_in_the_header() -> None:
    code, header, said = configtool("header", ROOT / "examples/two-vms/system.yaml", "control")
    assert (code, said) == (0, "")
    for name in re.findall(r"\bVM_[A-Z0-9_]+\b", "".join(blocks(ROOT / "docs/guests.md", "c"))):
        assert f"#define {name} " in header, name


@cache
def help_of(command: str) -> str:
    return configtool(*command.split(), "--help")[1]


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """(command, the rest of the line) of every call of configtool that a page shows."""
    for call in re.findall(r"configtool ((?:[a-z]+|--[a-z]+)\b[^`\n|]*)", page.read_text()):
        words = call.split()
        shows = re.search(rf"(?m)(?:`(?:bin/)?|^ *(?:\$ )?bin/)configtool {re.escape(words[0])}\b", page.read_text())
        if shows:
            name = " ".join(words[:2]) if words[0] == "board" else words[0]
            yield name, call


@pytest.mark.parametrize("page", MANUAL, ids=shown)
def test_commands_that_are_shown_exist(page: Path) -> None:
    for name, call in commands(page):
        if name.startswith("--"):
            assert name in ("--help", "--version"), call
            continue
        assert name.split()[0] in COMMANDS, f"configtool {call}"
        if name.startswith("board"):
            assert name in ("board show", "board import", "board"), f"configtool {call}"
        text = help_of(name)
        for option in re.findall(r"(?<=\s)(--[a-z-]+|-[a-zA-Z])\b", call):
            assert re.search(rf"(?<![\w-]){option}\b", text), f"configtool {call}: no option {option}"


@pytest.mark.parametrize("page", MANUAL, ids=shown)
def test_make_targets_that_are_shown_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?m)^([a-z][a-z-]*):", makefile))
    calls = re.findall(r"(?m)`make((?: [^`\n]+)?)`|^    (?:\$ )?make((?: \S+)*)", page.read_text())
    for words in ("".join(call).partition("#")[0].split() for call in calls):
        if words[:1] == ["-C"]:
            assert (ROOT / words[1] / "Makefile").exists(), f"make -C {words[1]}"
            continue
        for word in words:
            assert "=" in word or word in targets, f"make {word}"


@pytest.mark.parametrize("page", MANUAL, ids=shown)
def test_tests_that_are_named_exist(page: Path) -> None:
    sources = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", page.read_text()):
        assert f"def {name}(" in sources, name


def messages() -> Iterator[tuple[str, str]]:
    """(file, fixed part) of each message that the hypervisor prints: the longest stretch without a value."""
    literal = r'"((?:[^"\\]|\\.)*)"'
    call = re.compile(rf"(?:console_message|console_panic|vm_end|vm_fault|vm_finish|finish)\((?:[^;\"]*?){literal}")
    for file in sorted((ROOT / "hypervisor").rglob("*.[cS]")):
        text = re.sub(r'"\s*ARCH_CPU_WORD\s*"', "hart", file.read_text())
        text = re.sub(r'"\s*\n\s*"', "", text)
        found = re.findall(rf"\.asciz\s+{literal}", text) if file.suffix == ".S" else call.findall(text)
        for message in found:
            parts = re.split(r"%\d*l*[a-z]|\\r\\n", message)
            yield str(file.relative_to(ROOT)), max(parts, key=len).strip(" ,;:('[")


def test_every_message_of_the_hypervisor_is_in_the_manual() -> None:
    text = " ".join((ROOT / "docs/troubleshooting.md").read_text().split())
    missing = [f"{file}: {part}" for file, part in messages() if len(part) > 6 and " ".join(part.split()) not in text]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_pages_say_their_licence_and_hold_no_tabs(page: Path) -> None:
    text = page.read_text()
    assert page.name == "README.md" or "SPDX-License-Identifier: Apache-2.0" in text.splitlines()[0]
    assert "\t" not in text or page.name == "rules.md"      # which shows what a tab does
