"""Datasets that nobody holds are pulled and pushed as others are, and a run that dies is finished by the next."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from skillsync.errors import LocalChanged
from skillsync.formats.kept_rows import KeptLines
from skillsync.model import FileChange
from skillsync.repo.files import apply_changes
from skillsync.repo.large import GitFile, content_of, stored
from skillsync.sync.local import read_lean_tree
from tests.failing import Crash, FailingDisk, When
from tests.sync.dataset_steps import ITEMS, inputs, is_silent, line, lines, numbered, published
from tests.sync.harness import Clone, Live

BOTH_DIALECTS = True


@pytest.fixture
def large(solo: Clone) -> Clone:
    """A clone in which every file of rows is a large one."""
    solo.large_from = 1
    return solo


def edited_there(live: Live, dataset: str) -> None:
    """Change one row in the web page and add one."""
    live.patch_row(live.row(dataset, "k003")["id"], input="edited there")
    live.add_row(dataset, input="added there")


def test_changed_lines_are_rewritten_and_all_others_keep_their_bytes(
    large: Clone, live: Live
) -> None:
    given = [*numbered(6), '{"id":"odd",  "input": 1e2}', line("k009", 9)]
    dataset = published(large, given)
    before = large.read(ITEMS)
    (kept,) = read_lean_tree(large.workspace).datasets
    assert isinstance(kept.items.lines, KeptLines)
    assert is_silent(large)
    edited_there(live, dataset)
    large.replace(ITEMS, "question 1", "edited here")
    report = large.pull()
    assert report.exit == 0, report
    after = large.read(ITEMS)
    expected = before.replace("question 3", "edited there").replace("question 1", "edited here")
    assert after.startswith(expected)
    assert [row["input"] for row in lines(large).values()][-1] == "added there"
    assert len(lines(large)) == len(given) + 1
    assert large.push().exit == 0
    assert inputs(live, dataset)["k001"] == "edited here"
    assert is_silent(large)


def test_what_was_overwritten_is_kept(large: Clone, live: Live) -> None:
    dataset = published(large, numbered(5))
    before = large.read(ITEMS)
    edited_there(live, dataset)
    large.pull()
    refs = large.git("for-each-ref", "--format=%(refname)", "refs/skillsync/rescue/").split()
    kept = [large.git("show", f"{ref}:0") for ref in refs]
    assert before.strip() in kept


@pytest.mark.parametrize("when", ["before", "after", "torn"])
def test_a_pull_that_dies_at_any_effect_is_finished_by_the_next(
    large: Clone, live: Live, tmp_path: Path, when: When
) -> None:
    dataset = published(large, numbered(5))
    edited_there(live, dataset)
    whole = copied(large, tmp_path / "whole")
    whole.pull()
    wanted = whole.files()
    for k in itertools.count(1):
        clone = copied(large, tmp_path / str(k))
        clone.disk = disk = FailingDisk(k, when=when)
        with suppress(Crash):
            clone.pull()
        again = Clone(live, clone.path, large_from=1)
        assert again.read(ITEMS) in (large.read(ITEMS), whole.read(ITEMS))
        assert again.pull().exit == 0
        assert again.files() == wanted
        if not disk.is_dead:
            break


def copied(clone: Clone, path: Path) -> Clone:
    shutil.copytree(clone.path, path, symlinks=True)
    return replace(clone, path=path, requests=None)


def test_an_edit_between_look_and_rename_survives(large: Clone) -> None:
    large.dataset("cases", numbered(3))
    repo = large.workspace.repo
    before = stored(repo, [large.read(ITEMS).encode()])
    after = stored(repo, [b"other\n"])
    change = FileChange(ITEMS, before, after)
    large.write(ITEMS, "mine\n")
    with pytest.raises(LocalChanged):
        apply_changes(repo.root, "", [change])
    assert large.read(ITEMS) == "mine\n"
    large.dataset("cases", numbered(3))
    apply_changes(repo.root, "", [change])
    assert large.read(ITEMS) == "other\n"
    apply_changes(repo.root, "", [change])  # it is as wanted


def test_a_content_lies_in_git_from_a_size_on(large: Clone) -> None:
    repo = large.workspace.repo
    assert content_of(repo, iter([b"ab", b"c"]), large_from=4) == b"abc"
    found = content_of(repo, iter([b"ab", b"cd", b"e\r\n"]), large_from=4)
    assert isinstance(found, GitFile)
    assert (found.size, found.read()) == (7, b"abcde\r\n")
    assert found.blob == repo.write_blobs([b"abcde\r\n"])[0]
