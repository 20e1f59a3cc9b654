# SPDX-License-Identifier: Apache-2.0
"""The sink and the renderers: what a user sees, to the letter."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from configtool.diagnostics import Diagnostic, Label, Policy, Sink
from configtool.render.machine import relative, to_github, to_json, to_sarif
from configtool.render.text import Renderer, summary
from configtool.rules.registry import Context, Rule, load
from configtool.rules import registry
from configtool.source import Allow, Span

YAML = "devices:\n  linux: [uart1]\n  rtos:\n    - uart1\n"


def diagnostic(code: str = "BH0231", severity: str = "error", span: Span = Span("system.yaml", 4, 7, 4, 12),
               **more: object) -> Diagnostic:
    return Diagnostic(code, severity, "device assigned to two VMs", Label(span, "assigned to 'rtos' here"),
                      **more)    # type: ignore[arg-type]


WHOLE = diagnostic(related=(Label(Span("system.yaml", 2, 11, 2, 16), "first assigned to 'linux' here"),
                            Label(Span("board.dtb"), "the device")),
                   notes=("a note\nof two lines",), help=("remove one; free UARTs of this board: uart0, uart3",))


def test_text_shows_both_places() -> None:
    assert Renderer({"system.yaml": YAML}).render([WHOLE]) == """\
error[BH0231]: device assigned to two VMs
 --> system.yaml:4:7
  |
4 |     - uart1
  |       ^^^^^ assigned to 'rtos' here
 ::: system.yaml:2:11
2 |   linux: [uart1]
  |           ----- first assigned to 'linux' here
 ::: board.dtb the device
  = note: a note
          of two lines
  = help: remove one; free UARTs of this board: uart0, uart3
  = explain: configtool explain BH0231

1 error
"""


def test_line_numbers_of_different_width_stand_in_one_column() -> None:
    text = "a: 1\n" * 9 + "b: 2\n"
    shown = Renderer({"f": text}).one(Diagnostic("BH0001", "warning", "m", Label(Span("f", 10, 1, 10, 2)),
                                                 (Label(Span("f", 9, 4, 9, 5), "x"),)))
    assert shown == """\
warning[BH0001]: m
  --> f:10:1
   |
10 | b: 2
   | ^
  ::: f:9:4
 9 | a: 1
   |    - x
   = explain: configtool explain BH0001
"""


@pytest.mark.parametrize("line, span, shown, under", [
    ("\ta: x", (1, 5, 1, 6), "    a: x", "       ^"),
    ("名前: x", (1, 5, 1, 6), "名前: x", "      ^"),
    ("a: e\u0301x y", (1, 8, 1, 9), "a: e\u0301x y", "      ^"),
    ("a: b", (1, 4, 3, 1), "a: b", "   ^"),
    ("a: b", (1, 9, 1, 12), "a: b", "    ^"),
    ("a: \x1b[31mb", (1, 4, 1, 5), "a: \\x1b[31mb", "   ^^^^"),
])
def test_columns_as_a_terminal_counts_them(line: str, span: tuple[int, int, int, int], shown: str, under: str) -> None:
    out = Renderer({"f": line}).one(Diagnostic("BH0001", "error", "m", Label(Span("f", *span)))).splitlines()
    assert out[3] == "1 | " + shown and out[4] == "  | " + under


def test_a_long_line_is_shown_in_part() -> None:
    line = "a: [" + ", ".join(str(n) for n in range(1000)) + "]"
    column = line.index("500") + 1
    out = Renderer({"f": line}).one(Diagnostic("BH0001", "error", "m",
                                               Label(Span("f", 1, column, 1, column + 3)))).splitlines()
    assert len(out[3]) < 160 and out[3].startswith("1 | ...") and out[3].endswith("...")
    start = out[4].index("^")
    assert out[3][start:start + 3] == "500" and out[4].count("^") == 3


def test_colour_changes_nothing_but_colour() -> None:
    import re
    plain = Renderer({"system.yaml": YAML}).render([WHOLE])
    coloured = Renderer({"system.yaml": YAML}, color=True).render([WHOLE])
    assert coloured != plain and re.sub(r"\033\[[0-9;]*m", "", coloured) == plain


def test_messages_cannot_steer_the_terminal() -> None:
    out = Renderer({}).one(Diagnostic("BH0001", "error", "\x1b]0;x\x07", Label(Span("a\x1bb"))))
    assert "\x1b" not in out and "\\x1b]0;x\\x07" in out


def test_a_limit_of_errors() -> None:
    many = [diagnostic(span=Span("none.yaml", n, 1, n, 2)) for n in range(1, 6)]
    out = Renderer({}).render(many, max_errors=2)
    assert out.count("error[BH0231]") == 2
    assert out.endswith("\n3 more errors: --max-errors 0 shows all\n\n5 errors\n")
    assert summary([diagnostic(severity="warning")]) == "1 warning"
    warnings = [diagnostic(severity="warning"), diagnostic("BH0001", "warning")]
    assert summary([*many, *warnings]) == "5 errors and 2 warnings"


def test_sorted_and_each_once() -> None:
    sink = Sink()
    late, early, other = (diagnostic(span=Span(file, line, 1, line, 2))
                          for file, line in (("b", 9), ("b", 2), ("a", 5)))
    sink.add(late, early)
    sink.add(other, late)
    assert sink.diagnostics == [other, early, late]


def test_policy_changes_warnings_only() -> None:
    warning, error = diagnostic("BH0412", "warning"), diagnostic("BH0100")
    for policy, expected in (
            (Policy(), ["warning"]), (Policy(werror=True), ["error"]),
            (Policy(errors=frozenset({"BH0412"})), ["error"]),
            (Policy(werror=True, warnings=frozenset({"BH0412"})), ["warning"]),
            (Policy(silenced=frozenset({"BH0412"})), []),
            (Policy(silenced=frozenset({"BH0412"}), werror=True), [])):
        sink = Sink(policy)
        sink.add(warning)
        assert [d.severity for d in sink.diagnostics] == expected
    sink = Sink(Policy(silenced=frozenset({"BH0100"})))
    sink.add(error)
    assert sink.diagnostics == [error] and sink.has_errors


def test_an_allowed_warning_is_gone_even_under_werror() -> None:
    allow = Allow("BH0412", "so", Span("system.yaml", 3, 1, 3, 9), 4)
    sink = Sink(Policy(werror=True))
    sink.allow([allow])
    assert sink.unused_allows() == [allow]
    sink.add(diagnostic("BH0412", "warning"), diagnostic("BH0413", "warning"))
    assert [d.code for d in sink.diagnostics] == ["BH0413"] and sink.unused_allows() == []


def test_rules_that_need_others_wait_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def rule(code: str, fires: bool, *needs: str) -> Rule:
        def check(_: Context) -> list[Diagnostic]:
            ran.append(code)
            return [diagnostic(code)] if fires else []
        return Rule(code, "error", "system", "", "", "", "", check, needs)

    rules = {r.code: r for r in (rule("BH1", True, "BH3"), rule("BH2", False), rule("BH3", True),
                                 rule("BH4", False, "BH1"),
                                 rule("BH5", False, "BH2"))}
    monkeypatch.setattr(registry, "load", lambda: rules)
    sink = Sink()
    registry.run("system", Context(None), sink)     # type: ignore[arg-type]
    assert ran == ["BH2", "BH3", "BH5"]
    assert [d.code for d in sink.diagnostics] == ["BH3"]


def test_json() -> None:
    assert json.loads(to_json([WHOLE])) == {
        "errors": 1, "warnings": 0, "diagnostics": [{
            "code": "BH0231", "severity": "error", "message": "device assigned to two VMs", "file": "system.yaml",
            "line": 4,
            "column": 7, "end_line": 4, "end_column": 12, "text": "assigned to 'rtos' here",
            "related": [{"file": "system.yaml", "line": 2, "column": 11, "end_line": 2, "end_column": 16,
                         "text": "first assigned to 'linux' here"}, {"file": "board.dtb", "text": "the device"}],
            "notes": ["a note\nof two lines"], "help": ["remove one; free UARTs of this board: uart0, uart3"]}]}


def test_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert to_github([WHOLE, diagnostic(severity="warning", span=Span("a,b%.yaml"))]) == (
        "::error file=system.yaml,line=4,col=7,endLine=4,endColumn=12,title=BH0231::device assigned to two VMs%0Anote: "
        "a note%0A"
        "of two lines%0Ahelp: remove one; free UARTs of this board: uart0, uart3\n"
        "::warning file=a%2Cb%25.yaml,title=BH0231::device assigned to two VMs\n")


def test_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "sub dir").mkdir()
    monkeypatch.chdir(tmp_path / "sub dir")
    made = json.loads(to_sarif([diagnostic("BH0206"), diagnostic("BH0013", "warning", Span("x.yaml"))], load()))
    assert made["version"] == "2.1.0" and len(made["runs"]) == 1
    run = made["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["BH0013", "BH0206"]
    assert run["tool"]["driver"]["rules"][1]["shortDescription"]["text"] == "more CPUs than the board has"
    assert run["results"][0] == {
        "ruleId": "BH0206", "ruleIndex": 1, "level": "error", "message": {"text": "device assigned to two VMs"},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": "sub%20dir/system.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 4, "startColumn": 7, "endLine": 4, "endColumn": 12}},
            "message": {"text": "assigned to 'rtos' here"}}]}
    assert "region" not in run["results"][1]["locations"][0]["physicalLocation"]


def test_relative_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative("x/y.yaml") == "x/y.yaml"
