"""Rows that were published without a commit, and then thrown away here, are not undone by the next push (design.md 3)."""

from __future__ import annotations

import pytest

from tests.sync.dataset_steps import (
    ITEMS,
    dataset_id,
    inputs,
    is_silent,
    line,
    lines,
    numbered,
    published,
    wrapped,
)
from tests.sync.harness import Clone, Live, LiveCurrent

BOTH_DIALECTS = True

DOCUMENT = "datasets/cases/DATASET.md"


def texts(clone: Clone, *inputs: str) -> None:
    """Commit one text of the row ``k000`` after the other."""
    for text in inputs:
        set_to(clone, text)
        clone.commit(text)


def set_to(clone: Clone, text: str) -> None:
    """Write a text of the row ``k000`` without a commit."""
    rest = [line(key, row["input"]) for key, row in lines(clone).items() if key != "k000"]
    clone.write(ITEMS, "".join(f"{one}\n" for one in [line("k000", text), *rest]))


def remembered(clone: Clone) -> str:
    """Return the refs that keep what was published uncommitted."""
    return clone.git("for-each-ref", "--format=%(refname)", "refs/skillsync/pushed")


def left_alone(clone: Clone, *, exit: int = 3) -> None:  # noqa: A002
    """Push: the row is not written."""
    seen = wrapped(clone)
    seen.made.clear()
    report = clone.push()
    assert (report.exit, seen.writes) == (exit, []), report


def test_a_row_set_back_to_an_earlier_commit(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    texts(solo, "second", "third")
    set_to(solo, "second")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    left_alone(solo)
    left_alone(solo)
    assert inputs(live, dataset)["k000"] == "second"


def test_a_row_set_back_to_what_the_pointer_names(solo: Clone, live: Live) -> None:
    """After a pull that has seen it, what stands here is an edit upon it; revisions would have told the whole story."""
    dataset = published(solo, numbered(2))
    texts(solo, "second")
    assert solo.push().exit == 0
    set_to(solo, "question 0")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    left_alone(solo, exit=0 if isinstance(live, LiveCurrent) else 3)
    assert inputs(live, dataset)["k000"] == "question 0"
    assert solo.pull().exit == 0
    expected = "question 0" if isinstance(live, LiveCurrent) else "second"
    assert lines(solo)["k000"]["input"] == expected
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k000"] == expected


@pytest.mark.parametrize("how", ["reset", "branch"])
def test_a_row_set_back_by_a_commit_that_is_not_here_any_more(
    solo: Clone, live: Live, how: str
) -> None:
    """No pointer was committed, so that none says what the text between, or the one after it, was published as."""
    dataset = published(solo, numbered(2))
    texts(solo, "second")
    between = solo.head()
    assert solo.push().exit == 0
    set_to(solo, "question 0")
    solo.git("commit", "-q", "-m", "set back", "--only", ITEMS)
    assert solo.push().exit == 0
    solo.git("checkout", "-q", "--", "datasets")
    where = ["reset", "-q", "--hard"] if how == "reset" else ["switch", "-q", "-c", "other"]
    solo.git(*where, between)
    left_alone(solo, exit=0 if isinstance(live, LiveCurrent) else 3)
    assert inputs(live, dataset)["k000"] == "question 0"
    assert solo.pull().exit == 0
    expected = "question 0" if isinstance(live, LiveCurrent) else "second"
    assert lines(solo)["k000"]["input"] == expected


def test_a_row_that_came_back_in_commits_and_once_more_without_one(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    texts(solo, "second", "question 0", "third")
    assert solo.push().exit == 0
    set_to(solo, "question 0")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    left_alone(solo, exit=0 if isinstance(live, LiveCurrent) else 3)
    assert inputs(live, dataset)["k000"] == "question 0"


def test_a_row_whose_dataset_no_pointer_names(solo: Clone, live: Live) -> None:
    solo.dataset("cases", numbered(2))
    solo.commit("files")
    texts(solo, "second")
    set_to(solo, "question 0")
    assert solo.push().exit == 0
    dataset = dataset_id(live)
    solo.git("reset", "-q", "--hard")
    assert solo.push().exit != 0
    assert inputs(live, dataset)["k000"] == "question 0"


def test_a_description_set_back(solo: Clone, live: Live) -> None:
    published(solo, numbered(1))
    for old, new in (("Rows", "All rows"), ("All rows", "Some rows")):
        solo.replace(DOCUMENT, old, new)
        solo.commit(new)
    solo.replace(DOCUMENT, "Some rows", "All rows")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    assert solo.push().exit == 3
    assert live.datasets()[0]["description"] == "All rows of cases."


@pytest.mark.parametrize("commits", [True, False])
def test_a_later_push_keeps_what_is_known(solo: Clone, live: Live, commits: bool) -> None:
    """Also one that is made, and thrown away, upon another commit."""
    dataset = published(solo, numbered(3))
    texts(solo, "second", "third")
    set_to(solo, "second")
    assert solo.push().exit == 0
    if commits:
        solo.git("reset", "-q", "--hard")
        solo.replace(ITEMS, "question 2", "committed")
        solo.commit("committed")
    solo.replace(ITEMS, "question 1", "another")
    assert solo.push().exit == (3 if commits else 0)
    assert inputs(live, dataset)["k001"] == "another"
    solo.git("reset", "-q", "--hard")
    solo.push()
    assert inputs(live, dataset)["k000"] == "second"


@pytest.mark.parametrize("keeps_pointer", [True, False])
def test_what_was_committed_or_edited_since_goes_on(
    solo: Clone, live: Live, keeps_pointer: bool
) -> None:
    """No needless block: neither over rows that were published before their commit, nor beside them."""
    dataset = published(solo, numbered(2))
    pointers = [f"datasets/cases/{name}" for name in (".skillsync", ".skillsync.rows")]
    texts(solo, "second")
    for text in ("question 0", "edited", "edited more"):
        set_to(solo, text)
        assert solo.push().exit == 0
    if not keeps_pointer:
        solo.git("checkout", "-q", "HEAD", "--", pointers[0])
        if solo.git("ls-files", pointers[1]):
            solo.git("checkout", "-q", "HEAD", "--", pointers[1], check=False)
    solo.commit("edited more")
    set_to(solo, "question 0")
    assert solo.push().exit == 0
    solo.commit("back")
    texts(solo, "last")
    assert solo.push().exit == 0
    solo.commit("last")
    assert inputs(live, dataset)["k000"] == "last"
    assert is_silent(solo)


def test_a_row_that_was_not_sent_is_not_remembered(solo: Clone, live: Live) -> None:
    """Another row of the same push: what stands in HEAD of it was never undone."""
    dataset = published(solo, numbered(2))
    texts(solo, "second")
    set_to(solo, "question 0")
    solo.replace(ITEMS, "question 1", "another")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    assert solo.push().exit == 0
    assert inputs(live, dataset) == {"k000": "second", "k001": "another"}


def test_only_what_head_has_otherwise_is_remembered(solo: Clone) -> None:
    published(solo, numbered(3))
    texts(solo, "second")
    assert solo.push().exit == 0
    solo.commit("pointer")
    before = remembered(solo)
    set_to(solo, "third")
    assert solo.push().exit == 0
    (ref,) = set(remembered(solo).split()) - set(before.split()) or {remembered(solo)}
    kept = solo.git("show", f"{ref}:datasets/cases/.skillsync.rows")
    assert [text.split("\t")[1] for text in kept.splitlines()] == ["k000"]
    assert solo.git("rev-parse", f"{ref}^") == solo.head()


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_folder_that_was_moved_since_says_no_less(
    solo: Clone, live: Live, is_committed: bool
) -> None:
    """Moving the folder alone is nothing (design.md 2)."""
    dataset = published(solo, numbered(2))
    texts(solo, "second", "third")
    set_to(solo, "second")
    assert solo.push().exit == 0
    solo.git("reset", "-q", "--hard")
    solo.git("mv", "datasets/cases", "datasets/moved")
    if is_committed:
        solo.commit("moved")
    left_alone(solo)
    assert inputs(live, dataset)["k000"] == "second"


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_folder_without_a_pointer_that_was_moved_since_says_no_less(
    solo: Clone, live: Live, is_committed: bool
) -> None:
    solo.dataset("cases", numbered(2))
    solo.commit("new")
    texts(solo, "second", "third")
    set_to(solo, "second")
    assert solo.push().exit == 0
    dataset = dataset_id(live)
    solo.git("reset", "-q", "--hard")
    solo.git("mv", "datasets/cases", "datasets/moved")
    if is_committed:
        solo.commit("moved")
    seen = wrapped(solo)
    seen.made.clear()
    report = solo.push()
    assert seen.writes == [], report
    assert inputs(live, dataset)["k000"] == "second"
