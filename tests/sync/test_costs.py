"""What push and pull cost on this machine does not grow with the number of skills: git processes, and flushes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from skillsync.repo import git, git_index, git_process, versions
from tests.failing import FailingDisk
from tests.sync.harness import Clone, Live, new_clone

FEW, MANY = 2, 5


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The git processes that were started, by their command."""
    counted: Counter[str] = Counter()
    real = git_process.start_git

    def start_git(folder: Path, arguments: Sequence[str], **options: Any) -> Popen[bytes]:
        counted[next(word for word in arguments if not word.startswith("-"))] += 1
        return real(folder, arguments, **options)

    for module in (git_process, git, git_index, versions):
        monkeypatch.setattr(module, "start_git", start_git)
    return counted


def edited(clone: Clone, count: int, text: str) -> None:
    for number in range(count):
        clone.skill(f"skill-{number}", text)
        clone.write(f"skills/skill-{number}/references/one.md", f"one {number} {text}\n")


def push_new(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    edited(one, count, "first")
    one.commit()
    return one.push


def push_changed(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    push_new(one, other, count)()
    one.commit("pointers")
    edited(one, count, "second")
    one.commit()
    return one.push


def push_changed_before_any_commit(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    push_new(one, other, count)()
    edited(one, count, "second")
    return one.push


def pull_new(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    push_new(one, other, count)()
    return other.pull


def pull_forward(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    push_new(one, other, count)()
    one.commit("pointers")
    other.pull()
    other.commit("pulled")
    edited(one, count, "second")
    one.push()
    return other.pull


def pull_again(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    pull_new(one, other, count)()
    other.commit("pulled")
    return other.pull


def look(one: Clone, other: Clone, count: int) -> Callable[[], object]:
    pull_forward(one, other, count)
    return other.status


SCENES = (
    push_new,
    push_changed,
    push_changed_before_any_commit,
    pull_new,
    pull_forward,
    pull_again,
    look,
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.__name__))
def test_many_skills_cost_as_many_git_processes_as_few(
    scene: Callable[[Clone, Clone, int], Callable[[], object]],
    tmp_path: Path,
    processes: Counter[str],
) -> None:
    seen = []
    for count in (FEW, MANY):
        folder = tmp_path / str(count)
        folder.mkdir()
        live = Live(folder)
        one, other = new_clone(live, folder / "one"), new_clone(live, folder / "other")
        action = scene(one, other, count)
        processes.clear()
        action()
        seen.append(dict(processes))
        live.close()
    few, many = seen
    assert many == few


def test_a_pull_of_many_skills_flushes_a_few_times_and_no_file_alone(
    live: Live, solo: Clone, tmp_path: Path
) -> None:
    """One flush of everything before the first rename of a file, and of a pointer, and at the end (performance.md)."""
    edited(solo, 40, "first")
    solo.push()
    other = new_clone(live, tmp_path / "other")
    disk = FailingDisk()
    other.disk = disk
    other.pull()
    made = Counter(effect.partition(" ")[0] for effect in disk.log)
    assert made["create"] >= 40 * 3
    assert made["sync"] <= 5, made
    assert made["fsync_dir"] <= 2, made


@pytest.mark.parametrize(
    ("run", "more"), [("push", ()), ("pull", ("for-each-ref",)), ("status", ("status",))]
)
def test_a_command_with_nothing_to_do_asks_git_a_few_times(
    solo: Clone, processes: Counter[str], run: str, more: tuple[str, ...]
) -> None:
    """Where it is, what is unmerged, what is listed, and one process that reads objects."""
    edited(solo, FEW, "first")
    solo.push()
    solo.commit("pointers")
    processes.clear()
    getattr(solo, run)()
    assert processes == {"rev-parse": 1, "ls-files": 2, "cat-file": 1, **dict.fromkeys(more, 1)}
