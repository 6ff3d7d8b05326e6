"""Taking one side: out of texts with markers, and unit by unit out of a skill."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.merge import TextMerger, merge_skill
from skillsync.core.merge_sides import Side, take_skill_side, take_text_side
from skillsync.model import Conflict, Extra, Skill, UnitKind

MARKED = """\
head
<<<<<<< local (main@1234567)
mine
||||||| base (v1)
old
=======
theirs
>>>>>>> remote v2 by ana@example.com, 2 days ago
tail
"""


@pytest.mark.parametrize(
    ("side", "middle"),
    [
        (Side.LOCAL, "mine\n"),
        (Side.BASE, "old\n"),
        (Side.REMOTE, "theirs\n"),
        (Side.UNION, "mine\ntheirs\n"),
    ],
)
def test_each_side_of_a_hunk(side: Side, middle: str) -> None:
    assert take_text_side(MARKED, side) == f"head\n{middle}tail\n"


@pytest.mark.parametrize("side", Side)
def test_crlf_markers_are_markers(side: Side) -> None:
    crlf = MARKED.replace("\n", "\r\n")
    assert take_text_side(crlf, side) == take_text_side(MARKED, side).replace("\n", "\r\n")


def test_what_git_makes_again_from_the_stages_is_a_hunk_too() -> None:
    """`git checkout --merge`, with the base or without."""
    text = "head\n<<<<<<< ours\nmine\n=======\ntheirs\n>>>>>>> theirs\ntail\n"
    diff3 = text.replace("=======", "||||||| base\nold\n=======")
    for marked in (text, diff3):
        assert take_text_side(marked, Side.LOCAL) == "head\nmine\ntail\n"
        assert take_text_side(marked, Side.REMOTE) == "head\ntheirs\ntail\n"


def test_markers_of_a_merge_of_branches_are_text() -> None:
    text = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> branch\n"
    assert take_text_side(text, Side.LOCAL) == text


@pytest.mark.parametrize("line", ["======= ", "=======X", "=======\t", "||||||| X", "========"])
def test_a_line_that_is_nearly_a_marker_is_text(line: str) -> None:
    text = MARKED.replace("mine\n", f"mine\n{line}\n")
    assert take_text_side(text, Side.LOCAL) == f"head\nmine\n{line}\ntail\n"
    assert take_text_side(text, Side.BASE) == "head\nold\ntail\n"


def test_an_incomplete_hunk_is_left_alone() -> None:
    text = MARKED.replace(">>>>>>> remote", "gone")
    assert take_text_side(text, Side.REMOTE) == text


def test_what_looks_like_shorter_markers_is_text() -> None:
    """A text about our markers keeps its examples; the real ones are longer."""
    example = "<<<<<<< local x\na\n||||||| base\n=======\nb\n>>>>>>> remote y\n"
    real = f"<<<<<<<< local (m)\n{example}|||||||| base (v1)\n========\nnew\n>>>>>>>> remote v2\n"
    assert take_text_side(f"{example}{real}", Side.LOCAL) == example * 2
    assert take_text_side(f"{example}{real}", Side.REMOTE) == f"{example}new\n"


@given(st.lists(st.sampled_from(["a", "b", "", "=======", "<<<<<<<", "x\u2028y", "\x0b"])))
def test_a_text_without_our_markers_is_unchanged(lines: list[str]) -> None:
    text = "\n".join(lines)
    for side in Side:
        assert take_text_side(text, side) == text


PLAIN_LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=3).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(st.lists(st.tuples(PLAIN_LINES, PLAIN_LINES, PLAIN_LINES, PLAIN_LINES), max_size=4))
def test_every_hunk_gives_exactly_its_side(hunks: list[tuple[str, str, str, str]]) -> None:
    marked = "".join(
        f"{clean}<<<<<<< local\n{mine}||||||| base\n{old}=======\n{theirs}>>>>>>> remote\n"
        for clean, mine, old, theirs in hunks
    )
    for position, side in ((1, Side.LOCAL), (2, Side.BASE), (3, Side.REMOTE)):
        assert take_text_side(marked, side) == "".join(hunk[0] + hunk[position] for hunk in hunks)


class _Clash:
    """A line merge that always conflicts, with whole texts as sides."""

    conflicts = 1

    def __init__(self, base: str, local: str, remote: str) -> None:
        self.text = f"<<<<<<< local\n{local}||||||| base\n{base}=======\n{remote}>>>>>>> remote\n"


BASE = Skill(
    "alpha",
    "base",
    "base body",
    license="MIT",
    compatibility="any",
    allowed_tools=("Read",),
    metadata={"owner": "base", "same": "x", "team": "base"},
    files={"a.md": "base a", "gone.md": "base gone"},
    extra=Extra({"model": "base"}, ("Read (base)",)),
)
LOCAL = replace(
    BASE,
    description="local",
    body="local body",
    license="",
    compatibility="local",
    allowed_tools=("Read", "Grep"),
    metadata={"owner": "local", "same": "x"},
    files={"a.md": "local a"},
    extra=Extra({"model": "local"}, ("Read (local)",)),
)
REMOTE = replace(
    BASE,
    description="remote",
    body="remote body",
    license="Apache-2.0",
    compatibility="",
    allowed_tools=("Bash",),
    metadata={"same": "x", "team": "remote"},
    files={"a.md": "remote a", "gone.md": "remote gone"},
    extra=Extra({}, ("Bash (remote)",)),
)


@pytest.mark.parametrize(
    ("side", "source"), [(Side.LOCAL, LOCAL), (Side.REMOTE, REMOTE), (Side.BASE, BASE)]
)
def test_taking_every_conflict_from_one_side_gives_that_side(side: Side, source: Skill) -> None:
    """All units of these skills are in conflict, so nothing of another side is left."""
    merge = merge_skill(BASE, LOCAL, REMOTE, merge_text=_Clash)
    assert {conflict.unit for conflict in merge.conflicts} == {
        "description",
        "license",
        "compatibility",
        "allowed-tools",
        "metadata.owner",
        "metadata.team",
        "model",
        "body",
        "a.md",
        "gone.md",
    }
    taken = take_skill_side(
        merge.skill, merge.conflicts, source, side=side, texts=merge.merged_texts
    )
    assert taken == source


def test_a_clean_unit_stays_merged_whatever_side_is_taken() -> None:
    """Only the conflict takes a side: the other side's clean edit is kept."""
    local = replace(BASE, body="local body")
    remote = replace(BASE, body="remote body", description="remote")
    merge = merge_skill(BASE, local, remote, merge_text=_Clash)
    taken = take_skill_side(
        merge.skill, merge.conflicts, local, side=Side.LOCAL, texts=merge.merged_texts
    )
    assert (taken.body, taken.description) == ("local body", "remote")


def test_the_clean_lines_of_a_text_in_conflict_stay_merged(merge_text: TextMerger) -> None:
    """Body and file alike: the conflict's lines take the side, a clean edit of the other side stays."""
    lines = "one\n\ntwo\n\nthree"
    base = replace(BASE, body=lines, files={"a.md": lines})
    local = replace(base, body=lines.replace("one", "L"), files={"a.md": lines.replace("one", "L")})
    both = lines.replace("one", "R").replace("three", "THREE")
    remote = replace(base, body=both, files={"a.md": both})
    merge = merge_skill(base, local, remote, merge_text=merge_text)
    for side, source, first in (
        (Side.LOCAL, local, "L"),
        (Side.REMOTE, remote, "R"),
        (Side.BASE, base, "one"),
        (Side.UNION, local, "L\nR"),
    ):
        taken = take_skill_side(
            merge.skill, merge.conflicts, source, side=side, texts=merge.merged_texts
        )
        wanted = f"{first}\n\ntwo\n\nTHREE"
        assert (taken.body, taken.files) == (wanted, {"a.md": wanted})


def test_without_a_text_with_markers_the_side_is_taken_whole() -> None:
    conflicts = [
        Conflict("alpha", UnitKind.BODY, "body", "", "", ""),
        Conflict("alpha", UnitKind.FILE, "a.md", "", "", ""),
    ]
    taken = take_skill_side(LOCAL, conflicts, REMOTE, side=Side.REMOTE, texts={})
    assert (taken.body, taken.files) == ("remote body", {"a.md": "remote a"})


def test_a_file_that_both_renamed_stays_under_both_names() -> None:
    base = replace(BASE, files={"old.md": "text"})
    local, remote = (replace(base, files={name: "text"}) for name in ("l.md", "r.md"))
    merge = merge_skill(base, local, remote, merge_text=_Clash)
    assert [conflict.unit for conflict in merge.conflicts] == ["old.md"]
    taken = take_skill_side(merge.skill, merge.conflicts, local, side=Side.LOCAL, texts={})
    assert taken.files == {"l.md": "text", "r.md": "text"}
