"""Which files went elsewhere, and whether the ones here contain them (design.md 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.elsewhere import Files, contains_changes, with_what_changed
from skillsync.core.merge_text import TextMerger

LINES = b"a\n\nb\n\nc\n"


def files(**texts: bytes) -> dict[str, bytes]:
    return texts


@pytest.mark.parametrize(
    ("why", "before", "taken", "now", "contained"),
    [
        ("all of it", files(f=b"old\n"), files(f=b"new\n"), files(f=b"new\n"), True),
        ("nothing changed", files(f=b"old\n"), files(f=b"old\n"), files(f=b"mine\n"), True),
        ("the old text", files(f=b"old\n"), files(f=b"new\n"), files(f=b"old\n"), False),
        (
            "edited further, elsewhere in the text",
            files(f=LINES),
            files(f=LINES.replace(b"a", b"A")),
            files(f=LINES.replace(b"a", b"A").replace(b"c", b"C")),
            True,
        ),
        (
            "the old text, edited elsewhere",
            files(f=LINES),
            files(f=LINES.replace(b"a", b"A")),
            files(f=LINES.replace(b"c", b"C")),
            False,
        ),
        (
            "edited in the same place: from which text?",
            files(f=LINES),
            files(f=LINES.replace(b"a", b"A")),
            files(f=LINES.replace(b"a", b"AA")),
            False,
        ),
        ("an added file", files(), files(f=b"new\n"), files(f=b"new\n", g=b"more\n"), True),
        ("an added file is missing", files(), files(f=b"new\n"), files(g=b"more\n"), False),
        ("an added file is another", files(), files(f=b"new\n"), files(f=b"other\n"), False),
        ("a removed file", files(f=b"old\n"), files(), files(), True),
        ("a removed file is there", files(f=b"old\n"), files(), files(f=b"old\n"), False),
        ("what was edited is gone", files(f=b"old\n"), files(f=b"new\n"), files(), False),
        ("no text", files(f=b"\xff1"), files(f=b"\xff2"), files(f=b"\xff3"), False),
    ],
)
def test_contains_changes(
    merge_text: TextMerger, why: str, before: Files, taken: Files, now: Files, contained: bool
) -> None:
    assert contains_changes(now, taken=taken, before=before, merge_text=merge_text) is contained


def test_a_part_that_went_elsewhere_and_the_rest_make_the_whole() -> None:
    """`git commit FILE`: there the one file is new and the other old, here it is the other way round."""
    before = files(a=b"old a\n", b=b"old b\n")
    there = files(a=b"new a\n", b=b"old b\n")
    now = files(a=b"old a\n", b=b"new b\n")
    assert with_what_changed(now, there=there, before=before) == files(a=b"new a\n", b=b"new b\n")
    assert with_what_changed(now, there=files(b=b"old b\n"), before=before) == files(b=b"new b\n")


some_files = st.dictionaries(st.sampled_from("fgh"), st.sampled_from([b"x\n", b"y\n", LINES]))


@given(some_files, some_files, some_files)
def test_what_is_taken_whole_is_contained_and_what_is_untouched_is_not(
    before: Files, taken: Files, now: Files
) -> None:
    def never(*texts: str) -> None:
        raise AssertionError(texts)

    assert contains_changes(taken, taken=taken, before=before, merge_text=never)  # type: ignore[arg-type]
    if before != taken:
        assert not contains_changes(before, taken=taken, before=before, merge_text=never)  # type: ignore[arg-type]
    assert with_what_changed(now, there=before, before=before) == now
