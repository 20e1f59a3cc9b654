# SPDX-License-Identifier: Apache-2.0
"""YAML files with positions, and files that are hostile."""
from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from configtool.diagnostics import ConfigError
from configtool.source import Mapping, Scalar, Sequence, Span, Unreadable, place, read_file, scalar_value
from configtool.yaml_nodes import read_document
from workbench import brief


def write(folder: Path, text: str | bytes) -> str:
    path = folder / "s.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def wrong(folder: Path, text: str | bytes) -> list[tuple[str, int, int, str]]:
    with pytest.raises(ConfigError) as caught:
        read_document(write(folder, text))
    return [brief(d) for d in caught.value.diagnostics]


def test_nodes_know_their_places(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\nb:\n  - x\n  - {c: 'two words'}\n")
    root = read_document(path).root
    a, b = root.get("a"), root.get("b")
    assert a == Scalar(Span(path, 1, 4, 1, 5), "1", 1)
    assert isinstance(b, Sequence) and b.items[0] == Scalar(Span(path, 3, 5, 3, 6), "x", "x")
    c = b.items[1]
    assert isinstance(c, Mapping)
    assert c.get("c") == Scalar(Span(path, 4, 9, 4, 20), "two words", "two words", plain=False)
    assert root.key("b") == Scalar(Span(path, 2, 1, 2, 2), "b", "b")


def test_columns_count_characters_in_any_file(tmp_path: Path) -> None:
    root = read_document(write(tmp_path, "\ufeffa: {ü日: 1, b: 2}\r\nc: 3\r\n")).root
    inner = root.get("a")
    assert isinstance(inner, Mapping)
    assert inner.key("b").span.column == 12     # type: ignore[union-attr]
    assert root.key("c").span.line == 2         # type: ignore[union-attr]


@pytest.mark.parametrize("text, value", [
    ("", None), ("~", None), ("null", None), ("true", True), ("False", False), ("on", "on"), ("yes", "yes"),
    ("12", 12), ("-3", -3),
    ("0", 0), ("0x10", 16), ("0o17", 15), ("0755", "0755"), ("1_000", "1_000"), ("12:30", "12:30"), ("0X10", "0X10"),
    ("1.5", 1.5),
    ("1e3", 1000.0), ("0x", "0x"), (".", "."), ("-", "-"), ("16MiB", "16MiB"), ("9" * 41, "9" * 41),
    ("2020-01-01", "2020-01-01"),
])
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = scalar_value(text)
    assert found == value and type(found) is type(value)
    assert scalar_value(text, plain=False) == text


@pytest.mark.parametrize("text, expected", [
    ("", [("BH0006", 0, 0, "the file is empty")]),
    ("# nothing\n", [("BH0006", 0, 0, "the file is empty")]),
    ("- a\n", [("BH0006", 1, 1, "the file is a list, not keys with values")]),
    ("hello\n", [("BH0006", 1, 1, "the file is a single value, not keys with values")]),
    ("a: 1\nb: 2\na: 3\n", [("BH0005", 3, 1, "the key 'a' stands twice")]),
    ("a: {b: 1, b: 2}\na: 1\n", [("BH0005", 1, 11, "the key 'b' stands twice"),
                                 ("BH0005", 2, 1, "the key 'a' stands twice")]),
    ("a:\n\tb: 1\n", [("BH0004", 2, 1, "a tab in the indentation")]),
    ("a: 1\n---\nb: 1\n", [("BH0007", 2, 1, "a second document starts here")]),
    ("a: *x\n", [("BH0008", 1, 4, "there is no anchor &x")]),
    ("a: &x [*x]\n", [("BH0008", 1, 8, "the alias *x stands inside what it stands for")]),
    ("a: &x 1\nb: &x 2\n", [("BH0008", 2, 4, "the anchor &x stands twice")]),
    ("a: !!python/object:os.system x\n",
     [("BH0010", 1, 4, "a tag, !!python/object:os.system, which Bulkhead's language does not use")]),
    ("a: &x {b: 1}\nc:\n  <<: *x\n", [("BH0010", 3, 3, "a merge key <<, which YAML 1.2 does not have")]),
    ("? [a]\n: 1\n", [("BH0010", 1, 3, "a key that is a list or a mapping")]),
    ("%YAML 1.2\n---\na: 1\n", [("BH0010", 1, 1, "a % directive, which Bulkhead's language does not use")]),
    ("a: \"x\n", [("BH0003", 1, 6, "an unclosed quote")]),
    ("a: [1, 2\nb: 1\n", [("BH0003", 2, 2, "an unclosed list [ ]")]),
    ("a: {b: 1\n", [("BH0003", 1, 9, "an unclosed mapping { }")]),
    ("a: b: c\n", [("BH0003", 1, 5, "a ': ' where no key can be")]),
    ("a: 1\n  b: 2\n", [("BH0003", 2, 4, "a key that is indented under a line with a value")]),
    ("a: 1\nb\n", [("BH0003", 2, 2, "a line without ':' where a key should be")]),
    ("a: \"b\" c\n", [("BH0003", 1, 8, "text after a complete value")]),
    ("a: @b\n", [("BH0003", 1, 4, "a value that starts with '@'")]),
    ("a: - b\n", [("BH0003", 1, 4, "a list item '- ' where no list can be")]),
    ("x:\n  - a\n b: 1\n", [("BH0003", 3, 2, "a line that fits none of the lines above")]),
    (b"a: \xff\n", [("BH0002", 1, 4, "the byte 0xff is not UTF-8")]),
    (b"a: 1\0\n", [("BH0002", 1, 5, "the file holds the control character U+0000")]),
    ("a: 1\n".encode("utf-16"), [("BH0002", 0, 0, "the file is in UTF-16")]),
    ("a: 1 # bulkhead: allow BH0013\n", [
        ("BH0011", 1, 6, "a comment that allows a warning gives its code and a reason")]),
])
def test_what_is_no_description(tmp_path: Path, text: str | bytes, expected: object) -> None:
    assert wrong(tmp_path, text) == expected


@pytest.mark.parametrize("text", [
    "a: " + "[" * 100_000,
    "- " * 50_000,
    "a:\n" + "".join(" " * i + "b:\n" for i in range(1, 500)),
    "a: &a [" + "1," * 9 + "1]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{(f'*{chr(97 + i)},') * 10}]\n"
                                            for i in range(9)),
    "a: [" + "1," * 200_000 + "1]",
], ids=["brackets", "dashes", "indentation", "aliases", "items"])
def test_bombs_are_refused_at_once(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    before = time.process_time()
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    assert caught.value.diagnostics[-1].code == "BH0009"
    assert time.process_time() - before < 3


def test_aliases_may_be_used(tmp_path: Path) -> None:
    root = read_document(write(tmp_path, "a: &m {ram: 16MiB}\nb: *m\n")).root
    assert root.get("a") == root.get("b")


def test_comments_that_allow(tmp_path: Path) -> None:
    text = ("a: 1  # bulkhead: allow BH0013 because it is so\n# bulkhead: allow bh0412 because of the line below\n# "
            "another\n\nb: 2\n"
            "c: '# bulkhead: allow nothing'\nd: |\n  # bulkhead: allow nothing\n")
    allows = read_document(write(tmp_path, text)).allows
    assert [(a.code, a.reason, a.line, a.span.column) for a in allows] == [
        ("BH0013", "it is so", 1, 7), ("BH0412", "of the line below", 5, 1)]


def test_files_that_are_none(tmp_path: Path) -> None:
    fifo, large = tmp_path / "fifo", tmp_path / "large"
    os.mkfifo(fifo)
    with open(large, "wb") as file:
        file.truncate(100 << 20)
    for path, reason in ((tmp_path, "it is a directory"), (fifo, "it is no regular file"),
                         ("/dev/zero", "it is no regular file"),
                         (large, "it has 104,857,600 bytes, and 4,194,304 is the most that is read"),
                         (tmp_path / "no", "there is no such file"), ("a\0b", "embedded null byte"),
                         ("x" * 5000, "file name too long")):
        with pytest.raises(Unreadable) as caught:
            read_file(str(path), 4 << 20)
        assert str(caught.value) == reason


def test_place_counts_as_libyaml_does() -> None:
    assert place("f", "a\r\nbc\u2028d", 5) == Span("f", 2, 3, 2, 4)
    assert place("f", "a\r\nbc\u2028d", 6) == Span("f", 3, 1, 3, 2)
    assert place("f", "abc", 0, 2) == Span("f", 1, 1, 1, 3)


PIECES = st.lists(st.sampled_from(["a", ":", " ", "\n", "- ", "{", "}", "[", "]", ",", "&a ", "*a", "'", '"', "#", "|",
                                   ">", "!", "%", "\t",
                                   "?", "<<", "\\x", "\x85", "ü", "0x", "---\n", "...\n"]), max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(PIECES, st.text(max_size=60)))
def test_any_text_gives_nodes_or_a_diagnostic_in_the_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = str(tmp_path_factory.getbasetemp() / "any.yaml")
    Path(path).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_document(path)
    except ConfigError as error:
        assert error.diagnostics
        lines = 1 + sum(text.count(sign) for sign in "\n\r\x85\u2028\u2029")
        for diagnostic in error.diagnostics:
            assert 0 <= diagnostic.primary.span.line <= lines and diagnostic.message
