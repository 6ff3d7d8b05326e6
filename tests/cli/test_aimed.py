"""Commands that are shown name the target that the user named, and nobody else's text is touched."""

from __future__ import annotations

import pytest

from skillsync.cli.aimed import aimed, aimed_json, aimed_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("skillsync push --archive beta", "skillsync push --target prod --archive beta"),
        ("skillsync push, skillsync pull beta", "skillsync push --target prod, skillsync pull --target prod beta"),
        ("edit it, then skillsync resolve a (or --local)", "edit it, then skillsync resolve --target prod a (or --local)"),
        ("skillsync history import a", "skillsync history import --target prod a"),
        ("skillsync undo --target staging", "skillsync undo --target staging"),
        ("skillsync lint alpha", "skillsync lint alpha"),
        ("skillsync pushes", "skillsync pushes"),
        ("git add -A && git commit", "git add -A && git commit"),
    ],
)  # fmt: skip
def test_a_command_that_takes_a_target_names_it(text: str, expected: str) -> None:
    assert aimed(text, "prod") == expected
    assert aimed(text, "") == text


def test_a_target_with_a_strange_name_is_one_word() -> None:
    assert aimed("skillsync push", "a b") == "skillsync push --target 'a b'"


def test_only_lines_that_say_what_is_next_are_ours() -> None:
    assert aimed_line("    next: skillsync pull a", "prod").endswith("pull --target prod a")
    for line in ("run skillsync push", "+ next: skillsync push", "alpha: skillsync push"):
        assert aimed_line(line, "prod") == line


def test_a_document_names_it_where_it_names_commands() -> None:
    found = aimed_json({"outcomes": [{"fix": "skillsync pull a", "did": "skillsync pull a"}]}, "p")
    assert found == {
        "outcomes": [{"fix": "skillsync pull --target p a", "did": "skillsync pull a"}]
    }
