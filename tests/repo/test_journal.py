"""A crashed pull is finished by the next run, or given up without touching what somebody edited."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from skillsync.model import FileChange
from skillsync.repo.files import apply_changes, clean_leftovers
from skillsync.repo.git import Repository
from skillsync.repo.journal import Journal, PushEntry
from tests.failing import Crash, FailingDisk, When
from tests.world import commit_all, tree_of, write_files

DIR = "skills/a"
BEFORE: dict[str, str | bytes] = {
    f"{DIR}/SKILL.md": b"one\n",
    f"{DIR}/old": b"old\n",
    f"{DIR}/.skillsync": b"v1\n",
}
CHANGES = [
    FileChange("SKILL.md", b"one\n", b"two\r\n\xff"),
    FileChange("bin/run", None, b"#!", executable=True),
    FileChange("old", b"old\n", None),
]
POINTERS = [FileChange(".skillsync", b"v1\n", b"v2\n")]
AFTER = {f"{DIR}/SKILL.md": b"two\r\n\xff", f"{DIR}/bin/run": b"#!", f"{DIR}/.skillsync": b"v2\n"}


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    write_files(repo_dir, BEFORE)
    commit_all(repo_dir)
    return Repository.open(repo_dir)


def below(repo: Repository) -> dict[str, bytes]:
    return {path: data for path, data in tree_of(repo.root).items() if path.startswith(DIR)}


def pull(repo: Repository, disk: FailingDisk) -> None:
    journal = Journal(repo, disk=disk)
    entry = journal.begin_pull("a", dir=DIR, changes=CHANGES, pointer_changes=POINTERS)
    apply_changes(repo.root, DIR, CHANGES, disk=disk)
    apply_changes(repo.root, DIR, POINTERS, disk=disk)
    journal.finish(entry)


def recover(repo: Repository) -> list[bool]:
    journal = Journal(repo)
    pulls = journal.pending_pulls()
    clean_leftovers(repo.root, [entry.dir for entry in pulls])
    done = [journal.recover_pull(entry) for entry in pulls]
    journal.finish(*pulls)
    return done


def reset(repo: Repository) -> None:
    shutil.rmtree(repo.root / DIR)
    write_files(repo.root, BEFORE)
    for path in (repo.state_dir / "journal").glob("*"):
        path.unlink()


def test_a_pull_crashed_at_any_effect_is_finished_or_never_began(repo: Repository) -> None:
    """P5 and P6 for every k: files old or new, the pointer moves only after every file."""
    counting = FailingDisk()
    pull(repo, counting)
    assert below(repo) == AFTER
    moments: tuple[When, ...] = ("before", "after", "torn")
    for when in moments:
        for k in range(1, counting.count + 1):
            reset(repo)
            with pytest.raises(Crash):
                pull(repo, FailingDisk(k, when=when))
            found = below(repo)
            for path in {*BEFORE, *AFTER}:
                assert found.get(path) in (BEFORE.get(path), AFTER.get(path)), (when, k, path)
            if found[f"{DIR}/.skillsync"] == b"v2\n":
                assert found.items() >= AFTER.items()
                assert f"{DIR}/old" not in found
            recovered = recover(repo)
            forgotten = k == counting.count and when == "after"
            assert below(repo) == (AFTER if recovered or forgotten else BEFORE), (when, k)
            assert recovered in ([], [True])
            assert recover(repo) == []


def test_a_second_crash_during_recovery_is_recovered_too(repo: Repository) -> None:
    counting = FailingDisk()
    pull(repo, counting)
    for k in range(1, counting.count):
        reset(repo)
        Journal(repo).begin_pull("a", dir=DIR, changes=CHANGES, pointer_changes=POINTERS)
        journal = Journal(repo, disk=FailingDisk(k))
        [entry] = journal.pending_pulls()
        try:
            journal.recover_pull(entry)
        except Crash:
            assert recover(repo) == [True]
        assert below(repo) == AFTER


@pytest.mark.parametrize("path", ["SKILL.md", "old", "bin/run", ".skillsync"])
def test_an_edit_since_the_crash_gives_the_entry_up_untouched(repo: Repository, path: str) -> None:
    journal = Journal(repo)
    entry = journal.begin_pull("a", dir=DIR, changes=CHANGES, pointer_changes=POINTERS)
    write_files(repo.root, {f"{DIR}/{path}": "my edit"})
    before = below(repo)
    assert not journal.recover_pull(entry)
    assert below(repo) == before


def test_a_moved_head_gives_the_entry_up(repo: Repository) -> None:
    journal = Journal(repo)
    entry = journal.begin_pull("a", dir=DIR, changes=CHANGES, pointer_changes=POINTERS)
    commit_all(repo.root)
    before = below(repo)
    assert not journal.recover_pull(entry)
    assert below(repo) == before


def test_contents_that_git_lost_give_the_entry_up(repo: Repository) -> None:
    journal = Journal(repo)
    entry = journal.begin_pull("a", dir=DIR, changes=CHANGES)
    path = repo.state_dir / "journal" / f"{entry.id}.json"
    path.write_text(path.read_text().replace(str(entry.changes[0].after), "1" * 40))
    [entry] = journal.pending_pulls()
    assert not journal.recover_pull(entry)


def test_a_file_behind_a_link_gives_the_entry_up(repo: Repository, tmp_path: Path) -> None:
    journal = Journal(repo)
    entry = journal.begin_pull("a", dir=DIR, changes=CHANGES)
    outside = tmp_path / "outside"
    write_files(outside, {"a/SKILL.md": "one\n", "a/old": "old\n"})
    (repo.root / "skills").rename(repo.root / "aside")
    (repo.root / "skills").symlink_to(outside, target_is_directory=True)
    assert not journal.recover_pull(entry)
    assert tree_of(outside) == {"a/SKILL.md": b"one\n", "a/old": b"old\n"}


def test_entries_come_back_in_order_as_they_were_written(repo: Repository) -> None:
    journal = Journal(repo)
    push = journal.begin_push("b", {"n": 3, "nonce": "ab", "deep": [None, {"x": 1.5}]})
    pull_entry = journal.begin_pull("a", dir=DIR, changes=CHANGES, pointer_changes=POINTERS)
    many = journal.begin_pulls([("c", "skills/c", CHANGES, []), ("d", "", [], POINTERS)])
    assert Journal(repo).pending() == [push, pull_entry, *many]
    assert Journal(repo).pending_pushes() == [push]
    assert isinstance(push, PushEntry)
    journal.finish(push)
    journal.finish(push)
    assert Journal(repo).pending() == [pull_entry, *many]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"null", b"[]", b"\xff", b'{"format": 2}', b"[" * 100_000,
     b'{"format": 1, "kind": "pull", "subject": "a", "dir": 5}',
     b'{"format":1,"kind":"pull","subject":"a","dir":"x","head":"H","changes":[],"pointer_changes":[]}',
     b'{"format": 1, "kind": "push", "subject": "a", "facts": 5}'],
)  # fmt: skip
def test_an_entry_that_cannot_be_read_is_set_aside_and_reported(
    repo: Repository, damage: bytes
) -> None:
    journal = Journal(repo)
    bad = journal.begin_push("bad", {})
    good = journal.begin_push("good", {})
    (repo.state_dir / "journal" / f"{bad.id}.json").write_bytes(damage)
    assert journal.pending() == [good]
    [problem] = journal.set_aside
    assert problem.code == "E-JOURNAL"
    assert Path(problem.path).read_bytes() == damage
    assert Journal(repo).pending() == [good]


def test_a_path_out_of_a_damaged_entry_leads_nowhere(repo: Repository, tmp_path: Path) -> None:
    journal = Journal(repo)
    entry = journal.begin_pull("a", dir=DIR, changes=[FileChange("x", None, b"x")])
    path = repo.state_dir / "journal" / f"{entry.id}.json"
    for hostile in ("../../../out", "/tmp/skillsync-out", ".git/config"):
        record = json.loads(path.read_bytes())
        record["changes"][0][0] = hostile
        path.write_text(json.dumps(record))
        [bad] = journal.pending_pulls()
        assert not journal.recover_pull(bad)
        path.write_text(json.dumps(record))
    assert not (tmp_path / "out").exists()


def test_no_journal_is_an_empty_one(repo: Repository) -> None:
    assert Journal(repo).pending() == []
    assert not repo.state_dir.exists()
