"""The outline table of skills-api.md 7, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.server.outline import outline_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("#A", []),
        ("#", []),
        ("# ", []),
        ("####### x", []),
        ("Title\n===", []),
        ("   # A", [(1, "A")]),
        ("        # A", [(1, "A")]),
        ("\t# A", [(1, "A")]),
        ("#\tA", [(1, "A")]),
        ("# A #", [(1, "A")]),
        ("# A ##  ", [(1, "A")]),
        ("# A#", [(1, "A#")]),
        ("# #", [(1, "#")]),
        ("# A ### B ###", [(1, "A ### B")]),
        ("# A # #", [(1, "A #")]),
        ("## #tag", [(2, "#tag")]),
        ("# *em* [l](u)", [(1, "*em* [l](u)")]),
        ("#\u00a0x", []),
        ("# A\r# B", [(1, "A\r# B")]),
        ("# A\r\n## B\r\n", [(1, "A"), (2, "B")]),
        ("```\n# comment\n```", [(1, "comment")]),
        ("<!--\n# hidden\n-->", [(1, "hidden")]),
        ("> # x\n- # x", []),
        ("# &amp;", [(1, "&amp;")]),
        ("###### six", [(6, "six")]),
        ("", []),
    ],
)
def test_headings_are_found_as_the_table_says(body: str, expected: list[tuple[int, str]]) -> None:
    assert outline_of(body) == expected


_lines = st.text(alphabet="# \t\r\u00a0aB*>-", max_size=12)


@given(st.lists(_lines, max_size=6))
def test_a_body_has_the_headings_of_its_lines(lines: list[str]) -> None:
    alone = [heading for line in lines for heading in outline_of(line)]
    assert outline_of("\n".join(lines)) == alone


@given(_lines)
def test_a_heading_has_a_level_and_text_without_blank_ends(line: str) -> None:
    for level, text in outline_of(line):
        assert 1 <= level <= 6
        assert text == text.strip() != ""
        assert line.strip().startswith("#" * level)
        assert text in line
