"""The decision about the comment: ours by marker and author, one of it, never for an older commit."""

from __future__ import annotations

import pytest

from skillsync.forge.decide import Action, Comment, Decision, Wanted, decide
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
    assert found == Decision(Action.NONE, f"the pull request is at {'c' * 12} by now")


def test_a_review_without_anything_to_say_makes_no_comment_and_corrects_one() -> None:
    empty = Wanted(BODY, "default", HEAD, is_empty=True)
    assert decide([], me=ME, wanted=empty, head=HEAD).action is Action.NONE
    assert decide([mine(1, OTHER)], me=ME, wanted=empty, head=HEAD).action is Action.UPDATE


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_others_passes_for_ours(text: str) -> None:
    comments = [Comment(1, text, BODY), Comment(2, ME, f"{text}{BODY}"), Comment(3, ME, text)]
    assert decide(comments, me=ME, wanted=WANTED, head=HEAD).action is Action.CREATE
