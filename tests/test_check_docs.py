"""The documents' check: it finds what does not agree, and can put it right."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.check_docs import (
    Missing,
    check,
    first_line,
    help_text,
    module_map,
    verbs_missing_in,
    with_help_texts,
    with_map,
)

from skillsync.cli.main import VERBS

EVERY_VERB = "\n".join(f"`skillsync {verb}`" for verb in VERBS)
README = f"# x\n\n{EVERY_VERB}\n\n<!-- help:explain -->\nold\n<!-- /help -->\n\ntail\n"
ARCHITECTURE = "# y\n\n<!-- map -->\nold\n<!-- /map -->\ntail\n"


def test_help_texts_are_what_a_terminal_of_80_columns_shows() -> None:
    text = help_text("explain")
    assert text.startswith("Usage: skillsync explain [OPTIONS] [CODE]\n")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert help_text("skillsync").startswith("Usage: skillsync [OPTIONS]")
    assert help_text("server-admin add-key").startswith("Usage: skillsync server-admin add-key ")
    with pytest.raises(Missing):
        help_text("nonsense")


def test_only_what_stands_between_the_markers_changes() -> None:
    refreshed = with_help_texts(README)
    assert refreshed == README.replace("old", f"```text\n{help_text('explain')}\n```")
    assert with_help_texts(refreshed) == refreshed
    mapped = with_map(ARCHITECTURE)
    assert mapped.startswith("# y\n\n<!-- map -->\n- `skillsync/`: ")
    assert mapped.endswith("\n<!-- /map -->\ntail\n")
    assert with_map(mapped) == mapped


def test_the_map_has_every_module_with_its_first_line(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (tmp_path / "__init__.py").write_text('"""All of it."""\n')
    (tmp_path / "b.py").write_text('"""Does ``b``.\n\nMore."""\n')
    (room / "__init__.py").write_text('"""A room."""\n')
    (room / "a.py").write_text('"""Does a."""\n')
    assert module_map(tmp_path) == (
        "- `skillsync/`: All of it.\n- `b.py`: Does `b`.\n\n- `room/`: A room.\n- `room/a.py`: Does a.\n"
    )
    (room / "c.py").write_text("x = 1\n")
    with pytest.raises(Missing, match="has no docstring"):
        module_map(tmp_path)


def test_a_verb_is_shown_by_its_whole_name() -> None:
    assert verbs_missing_in(EVERY_VERB) == []
    assert verbs_missing_in(EVERY_VERB.replace("skillsync serve`", "")) == ["serve"]
    assert "explain" in verbs_missing_in("")


def test_disagreement_is_found_and_write_puts_it_right(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "ARCHITECTURE.md").write_text(ARCHITECTURE)
    assert check(tmp_path, write=False) == [
        "README.md does not agree with the code: make docs",
        "ARCHITECTURE.md does not agree with the code: make docs",
    ]
    assert (tmp_path / "README.md").read_text() == README
    assert check(tmp_path, write=True) == []
    assert check(tmp_path, write=False) == []


def test_missing_documents_and_markers_are_found(tmp_path: Path) -> None:
    assert check(tmp_path, write=False) == ["README.md is missing", "ARCHITECTURE.md is missing"]
    (tmp_path / "README.md").write_text(f"{EVERY_VERB}\n<!-- help:nonsense -->\n<!-- /help -->\n")
    (tmp_path / "ARCHITECTURE.md").write_text("nothing\n")
    assert check(tmp_path, write=True) == [
        "README.md: there is no command `skillsync nonsense`",
        "ARCHITECTURE.md: ARCHITECTURE.md has no <!-- map --> … <!-- /map -->",
    ]


def test_first_line_is_the_docstrings(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text('"""One.\n\nTwo."""\n')
    assert first_line(path) == "One."
