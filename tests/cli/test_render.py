"""What commands print with."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.cli.render import (
    STYLES,
    Output,
    cell_width,
    open_output,
    problem_lines,
    visible,
    wants_color,
)
from skillsync.model import Problem, Severity


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def output(**changes: Any) -> Output:
    return Output(stdout=io.StringIO(), stderr=io.StringIO(), **changes)


def printed(out: Output) -> str:
    assert isinstance(out.stdout, io.StringIO)
    return out.stdout.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("grüße 日本 👍", "grüße 日本 👍"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x07b\x7fc\x00", r"a\x07b\x7fc\x00"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        (".g\u200cit", r".g\u200cit"),
        ("\ufeffx\u2028", r"\ufeffx\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_keep_line_feeds_and_tabs_but_not_returns() -> None:
    assert visible("a\n\tb\rc", lines=True) == "a\n\tb\\rc"


@given(st.text())
def test_visible_text_has_nothing_hidden_and_can_be_written(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in shown)
    shown.encode()
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colour_is_the_options_choice_then_the_environments_then_the_terminals(
    choice: Any, environ: dict[str, str], terminal: bool, wanted: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert wants_color(stream, choice=choice, environ=environ) is wanted


def test_data_goes_to_stdout_and_narration_to_stderr() -> None:
    out = output(verbose=True)
    out.data("data", style="red")
    out.note("note")
    out.warn("careful")
    out.detail("detail")
    assert printed(out) == "data\n"
    assert isinstance(out.stderr, io.StringIO)
    assert out.stderr.getvalue() == "note\nwarning: careful\ndetail\n"


def test_details_are_for_v_only() -> None:
    out = output()
    out.detail("detail")
    assert isinstance(out.stderr, io.StringIO)
    assert out.stderr.getvalue() == ""


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_ends_again(style: str) -> None:
    out = output(color=True)
    out.data("x", style=style)
    assert printed(out) == f"\x1b[{STYLES[style]}mx\x1b[0m\n"


def test_an_encoding_without_our_signs_gets_ascii() -> None:
    out = output(unicode=False)
    out.data("✓ a → b … “c”")
    assert printed(out) == 'ok a -> b ... "c"\n'


def test_foreign_letters_survive_a_narrow_encoding_as_escapes() -> None:
    raw = io.BytesIO()
    out = Output(io.TextIOWrapper(raw, "ascii"), io.StringIO(), unicode=False)
    out.data("grün → 日本")
    out.stdout.flush()
    assert raw.getvalue() == b"gr\\xfcn -> \\u65e5\\u672c\n"


def test_the_json_document_is_one_and_has_its_schema_first() -> None:
    out = output(json_mode=True)
    out.emit_json("skillsync.x/1", {"a": [1, None, "é\x1b"]})
    assert json.loads(printed(out)) == {"schema": "skillsync.x/1", "a": [1, None, "é\x1b"]}
    assert printed(out).isascii()
    with pytest.raises(RuntimeError):
        out.emit_json("skillsync.x/1", {})


def test_outside_json_mode_no_document_is_printed() -> None:
    out = output()
    out.emit_json("skillsync.x/1", {})
    assert printed(out) == ""


def test_a_table_in_a_pipe_is_aligned_and_nothing_is_cut() -> None:
    out = output(width=20)
    out.table(["name", "state"], [["日本", ("ahead", "green")], ["x" * 30, "behind"]])
    assert printed(out).splitlines() == [
        "name".ljust(30) + "  state",
        "日本".ljust(28) + "  ahead",
        "x" * 30 + "  behind",
    ]


def test_a_table_on_a_narrow_terminal_wraps_and_keeps_every_character() -> None:
    out = Output(Terminal(), io.StringIO(), width=24)
    out.table(["name", "state"], [["abcdefghijklmnopqrstuvwxyz0123", "ahead"]])
    lines = printed(out).splitlines()
    assert all(cell_width(line) <= 24 for line in lines)
    assert "".join(line.split()[0] for line in lines[1:]).startswith("abcdefghij")
    assert "\x1b" not in printed(out)


def test_a_table_on_a_terminal_has_colour_when_wanted() -> None:
    out = Output(Terminal(), io.StringIO(), width=60, color=True)
    out.table(["name"], [[("ahead", "green")]])
    assert "\x1b[32mahead" in printed(out)


def test_an_empty_table_is_its_heading() -> None:
    out = output()
    out.table(["name", "state"], [])
    assert printed(out) == "name  state\n"


def test_a_problem_says_how_bad_where_what_which_code_and_what_helps() -> None:
    problem = Problem("E-X", "is\x1b bad\nmore", path="a/SKILL.md", line=3, fix="skillsync fmt")
    assert problem_lines(problem) == [
        r"error: a/SKILL.md:3: is\x1b bad  [E-X]",
        "    more",
        "    next: skillsync fmt",
    ]
    warning = Problem("W-X", "odd", subject="name", severity=Severity.WARNING)
    assert problem_lines(warning) == ["warning: name: odd  [W-X]"]


def test_the_output_of_this_process_asks_nobody_in_json_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr", Terminal())
    assert open_output(environ={}).interactive
    assert not open_output(json_mode=True, environ={}).interactive
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert not open_output(environ={}).interactive
