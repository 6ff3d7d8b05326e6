"""Sections: headings where a parser sees them, and what differs between two bodies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillsync.review.sections import carried_marks, compare_bodies, headings, split_body

BODY = """intro

# A
text
```
# no heading
```
## B
x
<!--
# hidden
-->

Setext
======
last"""


def test_a_heading_in_a_fence_or_a_comment_is_none() -> None:
    assert [part.path for part in split_body(BODY)] == [(), ("A",), ("A", "B"), ("Setext",)]


@given(lines=st.lists(st.sampled_from(["# A", "## B", "text", "", "```", "---", "> # q", "- # l"])))
def test_the_parts_of_a_body_are_the_body(lines: list[str]) -> None:
    body = "\n".join(lines)
    assert "\n".join(line for part in split_body(body) for line in part.lines) == body


def test_what_differs_is_told_by_section_with_its_lines() -> None:
    after = BODY.replace("## B\nx", "## B\ny").replace("Setext\n======\nlast", "## C\nnew")
    found = compare_bodies(BODY, after, first_before=10, first_after=20)
    told = [(one.path, one.status, one.line, one.added, one.removed) for one in found]
    assert told == [
        (("A", "B"), "changed", 27, 1, 1),
        (("A", "C"), "added", 33, 2, 0),
        (("Setext",), "removed", None, 0, 3),
    ]
    line = next(line for line in found[0].hunks[0].lines if line.op == "+")
    assert (line.text, line.after) == ("y", 28)


def test_a_moved_section_is_moved_and_the_others_stay() -> None:
    found = compare_bodies("# A\na\n# B\nb\n# C\nc", "# C\nc\n# A\na\n# B\nb")
    assert [(one.path, one.status) for one in found] == [(("C",), "moved")]


def test_blank_lines_between_sections_are_no_change_and_a_new_body_is_all_new() -> None:
    assert compare_bodies("# A\na\n\n# B", "# A\na\n# B") == ()
    assert [one.status for one in compare_bodies("", "text")] == ["added"]
    assert [one.status for one in compare_bodies("text", "")] == ["removed"]


def test_two_sections_of_one_name_are_told_apart() -> None:
    found = compare_bodies("# A\n1\n# A\n2", "# A\n1\n# A\n3")
    assert [(one.status, one.added, one.removed) for one in found] == [("changed", 1, 1)]


_KINDS = ["text", "more text", "# A", "## B", "", "- item", "  - deep", "    code", "> quote", "```", "===", "---", "1. one", "<div>", "<!--", "-->", "| a |", "[a]: b", "  # in", "Zeile"]  # fmt: skip


@given(
    lines=st.lists(st.sampled_from(_KINDS), max_size=12),
    edits=st.lists(st.tuples(st.integers(0, 11), st.lists(st.sampled_from(["Other", "text", "New words"]), max_size=2)), max_size=3),
)  # fmt: skip
def test_headings_that_are_carried_over_are_those_that_the_parser_sees(
    lines: list[str], edits: list[tuple[int, list[str]]]
) -> None:
    before = list(lines)
    for at, new in edits:
        before[at : at + 1] = new
    found = carried_marks(before, lines, headings("\n".join(lines)))
    if found is not None:
        assert found == headings("\n".join(before))


def test_an_edit_of_prose_is_not_parsed_twice() -> None:
    after = BODY.replace("# A\ntext\n", "# A\nother words\n")
    marks = headings(after)
    assert carried_marks(BODY.split("\n"), after.split("\n"), marks) == headings(BODY)
