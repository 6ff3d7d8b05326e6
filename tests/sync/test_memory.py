"""A status that found everything in sync is believed only while nothing at all that it saw has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skillsync.sync.memory import open_memory
from tests.sync.harness import Clone

ROW = '{"id": "q1", "input": "1+1?", "expected_output": "2"}'


@pytest.fixture
def known(solo: Clone) -> Clone:
    """Two skills and a dataset, in sync, committed, and remembered."""
    solo.skill("alpha")
    solo.write("skills/alpha/references/one.md", "one\n")
    solo.skill("beta")
    solo.dataset("sums", [ROW])
    solo.push()
    solo.commit("pointers")
    settle(solo)
    return solo


def remembered(clone: Clone) -> tuple[int, int] | None:
    with open_memory(clone.workspace) as memory:
        return memory.in_sync(clone.target)


def settle(clone: Clone) -> None:
    """Ask until the files' times have left the moment of the look; nothing else is waited for."""
    for _ in range(500):
        assert clone.status(offline=True).is_clean
        if remembered(clone) is not None:
            return
    raise AssertionError("a clean status was never remembered")


def same_size_and_time(clone: Clone) -> None:
    path = clone.path / "skills/alpha/references/one.md"
    before = path.stat()
    path.write_text("two\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_link(clone: Clone) -> None:
    outside = clone.path.parent / "outside"
    (clone.path / "skills/alpha/references").rename(outside)
    (clone.path / "skills/alpha/references").symlink_to(outside, target_is_directory=True)


def back_from_link(clone: Clone) -> None:
    (clone.path / "skills/alpha/references").unlink()
    (clone.path.parent / "outside").rename(clone.path / "skills/alpha/references")


def removed(path: str) -> Callable[[Clone], None]:
    return lambda clone: (clone.path / path).unlink()


def in_git(*words: str) -> Callable[[Clone], None]:
    def act(clone: Clone) -> None:
        clone.git(*words)

    return act


def settings(old: str, new: str) -> Callable[[Clone], None]:
    return lambda clone: clone.replace("skillsync.toml", old, new)


Act = Callable[[Clone], object]
CHANGES: dict[str, tuple[Act, Act]] = {
    "an edit of the same size and time": (
        same_size_and_time,
        in_git("checkout", "-q", "skills/alpha/references/one.md"),
    ),
    "a new file": (
        lambda clone: clone.write("skills/alpha/new.md", "new\n"),
        removed("skills/alpha/new.md"),
    ),
    "a new skill": (lambda clone: clone.skill("gamma"), removed("skills/gamma/SKILL.md")),
    "a deleted file": (
        removed("skills/alpha/references/one.md"),
        in_git("checkout", "-q", "skills/alpha/references/one.md"),
    ),
    "another mode": (
        lambda clone: (clone.path / "skills/beta/SKILL.md").chmod(0o755),
        lambda clone: (clone.path / "skills/beta/SKILL.md").chmod(0o644),
    ),
    "a folder behind a link": (by_link, back_from_link),
    "another HEAD": (in_git("reset", "-q", "--soft", "HEAD~1"), lambda clone: clone.commit()),
    "a pointer that is no longer tracked": (
        in_git("rm", "-q", "--cached", "skills/beta/.skillsync"),
        in_git("add", "skills/beta/.skillsync"),
    ),
    "another host": (
        settings("127.0.0.1:8765", "127.0.0.1:8766"),
        settings("127.0.0.1:8766", "127.0.0.1:8765"),
    ),
    "an option of a dataset": (
        settings("[targets.local]", '[dataset.sums]\nkeys = "content"\n[targets.local]'),
        settings('[dataset.sums]\nkeys = "content"\n[targets.local]', "[targets.local]"),
    ),
}


def test_a_clean_status_is_remembered_until_anything_changes(known: Clone) -> None:
    assert remembered(known) == (3, 1)
    for what, (change, undo) in CHANGES.items():
        change(known)
        assert remembered(known) is None, what
        undo(known)
        settle(known)


def test_what_is_remembered_is_what_is_found_without_it(known: Clone) -> None:
    told = known.status(offline=True)
    (known.path / ".git/skillsync/cache.sqlite").unlink()
    assert known.status(offline=True) == told


@pytest.mark.parametrize(
    "change",
    [
        lambda clone: clone.replace("skills/alpha/SKILL.md", "Step two.", "Step 2."),
        lambda clone: clone.git("reset", "-q", "--soft", "HEAD~1"),
        lambda clone: clone.git("rm", "-rq", "skills/alpha"),
        lambda clone: clone.skill("gamma"),
    ],
    ids=["edited", "uncommitted", "deleted", "new"],
)
def test_what_is_not_in_sync_is_not_remembered(
    known: Clone, change: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No file is racy, so that only what was found decides.
    monkeypatch.setattr("skillsync.sync.memory.is_racy_stat", lambda *_, **__: False)
    change(known)
    first = known.status(offline=True)
    assert not first.is_clean or first.notes
    assert remembered(known) is None
    again = known.status(offline=True)
    assert (again.lines, again.in_sync) == (first.lines, first.in_sync)


def test_named_objects_are_looked_at_and_never_remembered(known: Clone) -> None:
    assert known.status("alpha", offline=True).in_sync == 1
    assert known.status("beta", offline=True).in_sync == 1
    assert known.status(offline=True).in_sync == 3


def test_files_touched_right_now_are_not_remembered(
    known: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit right after the look could show the same times: git's rule for racy timestamps."""
    path: Path = known.write("skills/alpha/references/one.md", "one\n")
    monkeypatch.setattr("skillsync.repo.cache.Cache.clock", lambda _: path.stat().st_ctime_ns)
    assert known.status(offline=True).is_clean
    assert remembered(known) is None
