"""The decision about the comment: ours by marker and author, one of it, never for an older commit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skillsync.forge.decide import Action, Comment, Decision, Mark, Wanted, decide, mark_of
from skillsync.review.render.markdown import render_markdown
from tests.review.builders import a_review
from tests.review.hostile import HOSTILE

BODY = render_markdown(a_review())
OTHER = BODY + "\nmore"
HEAD = a_review().range.head
WANTED = Wanted(BODY, "default", HEAD)
ME = "github-actions[bot]"


def mine(number: int, body: str = BODY, author: str = ME) -> Comment:
    return Comment(number, author, body)


@pytest.mark.parametrize(
    ("why", "comments", "action", "kept", "delete"),
    [
        ("nothing there", [], Action.CREATE, None, ()),
        ("the same", [mine(1)], Action.NONE, 1, ()),
        ("the same with a forge's line ends", [mine(1, BODY.replace("\n", "\r\n").rstrip())], Action.NONE, 1, ()),
        ("another text", [mine(1, OTHER)], Action.UPDATE, 1, ()),
        ("a login in other letters", [mine(1, author=ME.upper())], Action.NONE, 1, ()),
        ("two of ours: the first stays", [mine(9), mine(4)], Action.NONE, 4, (9,)),
        ("two of ours, the first outdated", [mine(9), mine(4, OTHER)], Action.UPDATE, 4, (9,)),
        ("somebody else's with our marker", [mine(1, author="mallory")], Action.CREATE, None, ()),
        ("a login that only looks like it", [mine(1, author="github-actions")], Action.CREATE, None, ()),
        ("the marker further down", [mine(1, f"hello\n{BODY}")], Action.CREATE, None, ()),
        ("something before the marker", [mine(1, f" {BODY}")], Action.CREATE, None, ()),
        ("another key", [mine(1, BODY.replace("key=default", "key=other"))], Action.CREATE, None, ()),
        ("a text that quotes it", [mine(1, f"> {BODY}")], Action.CREATE, None, ()),
    ],
)  # fmt: skip
def test_what_becomes_of_the_comment(
    why: str, comments: list[Comment], action: Action, kept: int | None, delete: tuple[int, ...]
) -> None:
    found = decide(comments, me=ME, wanted=WANTED, head=HEAD)
    assert (found.action, found.id, found.delete) == (action, kept, delete), why


@pytest.mark.parametrize("comments", [[], [mine(1, OTHER)], [mine(1), mine(2)]])
def test_an_older_head_writes_nothing(comments: list[Comment]) -> None:
    found = decide(comments, me=ME, wanted=WANTED, head="c" * 40)
    assert found == Decision(
        Action.NONE, f"the pull request is at {'c' * 12} by now", moved_on=True
    )


NOW, LATER = "2026-08-01T12:00:00Z", "2026-08-02T12:00:00Z"


def test_a_comment_says_since_when_its_head_has_one() -> None:
    """A re-run keeps the time, a new head begins anew: what a label acknowledged before it counts no more."""
    first = decide([], me=ME, wanted=replace(WANTED, now=NOW), head=HEAD)
    assert mark_of(first.body) == replace(mark_of(BODY) or Mark("", "", ""), since=NOW)
    there = [mine(1, first.body)]
    again = replace(WANTED, now=LATER)
    assert decide(there, me=ME, wanted=again, head=HEAD).action is Action.NONE
    changed = decide(there, me=ME, wanted=replace(again, body=OTHER), head=HEAD)
    assert (mark_of(changed.body) or Mark("", "", "")).since == NOW
    other = replace(again, body=BODY.replace(HEAD, "c" * 40), head="c" * 40)
    moved = decide(there, me=ME, wanted=other, head="c" * 40)
    assert (mark_of(moved.body) or Mark("", "", "")).since == LATER


def test_what_was_published_is_not_overwritten_by_a_late_review_of_that_head() -> None:
    said = decide([], me=ME, wanted=replace(WANTED, state="published"), head=HEAD)
    there = [mine(1, said.body)]
    late = decide(there, me=ME, wanted=replace(WANTED, body=OTHER, now=NOW), head=HEAD)
    assert (late.action, late.id) == (Action.NONE, 1)
    again = replace(WANTED, body=OTHER, state="published")
    assert decide(there, me=ME, wanted=again, head=HEAD).action is Action.UPDATE


def test_a_review_without_anything_to_say_makes_no_comment_and_corrects_one() -> None:
    empty = Wanted(BODY, "default", HEAD, is_empty=True)
    assert decide([], me=ME, wanted=empty, head=HEAD).action is Action.NONE
    assert decide([mine(1, OTHER)], me=ME, wanted=empty, head=HEAD).action is Action.UPDATE


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_others_passes_for_ours(text: str) -> None:
    comments = [Comment(1, text, BODY), Comment(2, ME, f"{text}{BODY}"), Comment(3, ME, text)]
    assert decide(comments, me=ME, wanted=WANTED, head=HEAD).action is Action.CREATE
