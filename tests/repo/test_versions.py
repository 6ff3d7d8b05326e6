"""Versions kept as commits: the same in every clone, safe from git's garbage collection, and never more than a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.errors import GitFailed
from skillsync.repo import versions as kept_versions
from skillsync.repo.git import Repository
from skillsync.repo.versions import (
    RECORD,
    KeptVersion,
    Tip,
    find_kept,
    keep_versions,
    read_records,
    version_ref,
)
from tests.conftest import MakeRepo
from tests.world import git

PLACE = "a.test:8765/1"
REF = "refs/skillsync/a.test_8765/1/alpha"


def version(number: int, name: str = "alpha") -> KeptVersion:
    return KeptVersion(
        name=name,
        number=number,
        id=f"0199f3c2-0000-7000-8000-{number:012}",
        label="Ann <ann@a.test>" if number % 2 else "ann@a.test",
        time=f"2026-08-0{number}T10:00:00.123456Z",
        record={"place": PLACE, "number": number, "text": "ü \n\0"},
        files={"SKILL.md": b"number %d\n" % number, "a": b"hidden", 'a/b "c\\d': b"x"},
    )


def keep(repo: Repository, *numbers: int) -> Tip:
    keep_versions(repo, PLACE, [version(number) for number in numbers])
    return find_kept(repo, PLACE, ["alpha"])["alpha"]


@pytest.fixture
def repo(make_repo: MakeRepo) -> Repository:
    return Repository.open(make_repo(files={"x": "x"}))


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_version_is_the_same_commit_whichever_others_are_kept(
    make_repo: MakeRepo, object_format: str
) -> None:
    def clone(name: str) -> Repository:
        return Repository.open(make_repo(name=name, object_format=object_format))

    one, other, third = clone("one"), clone("other"), clone("third")
    alone = keep(third, 3)
    assert alone.commit == alone.versions[0].commit == git(third.root, "rev-parse", REF)
    keep(one, 1)
    keep(other, 3, 2)
    first, second = keep(one, 2, 3), keep(other, 1)
    assert first == second
    assert [kept.number for kept in first.versions] == [3, 2, 1]
    assert first.versions[0] == alone.versions[0]


def test_a_person_reads_them_as_a_log_and_git_keeps_them(repo: Repository) -> None:
    keep(repo, 1, 3)
    tip = keep(repo, 2)
    said = git(repo.root, "log", "--no-merges", "--format=%s|%an|%ae|%aI", REF).splitlines()
    assert [line.split("|")[1:] for line in said] == [
        ["Ann ann@a.test", "Ann ann@a.test", "2026-08-03T10:00:00+00:00"],
        ["ann@a.test", "ann@a.test", "2026-08-02T10:00:00+00:00"],
        ["Ann ann@a.test", "Ann ann@a.test", "2026-08-01T10:00:00+00:00"],
    ]
    assert said[0].startswith("alpha v3 0199f3c2-")
    assert git(repo.root, "show", f"{REF}:SKILL.md") == "number 3"
    assert git(repo.root, "for-each-ref", "--format=%(refname)", "refs/skillsync") == REF
    git(repo.root, "gc", "-q", "--prune=now")
    repo.close()
    commits = [kept.commit for kept in tip.versions]
    records = read_records(repo, commits)
    assert [records[commit] for commit in commits] == [version(n).record for n in (3, 2, 1)]
    assert git(repo.root, "ls-tree", "-rz", "--name-only", commits[0]).split("\0")[:3] == [
        RECORD,
        "SKILL.md",
        'a/b "c\\d',
    ]


def test_keeping_what_is_kept_starts_no_process_that_writes(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [version(number, f"skill-{at}") for at in range(30) for number in (1, 2)]
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    keep_versions(repo, PLACE, many)
    first = trace.read_text()
    assert first.count("built-in: git fast-import") == 1
    assert first.count("built-in: git update-ref") == 1
    trace.write_text("")
    keep_versions(repo, PLACE, many)
    assert "built-in:" not in trace.read_text()


def take_in(repo: Repository, commit: bytes, *, interrupted: bool = False) -> None:
    with kept_versions._importing(repo) as importing:
        if interrupted:
            raise KeyboardInterrupt
        importing.write([commit])


@pytest.mark.parametrize("times", [1, 100_000], ids=["before it ends", "while it reads"])
def test_what_git_cannot_take_in_is_its_own_error(repo: Repository, times: int) -> None:
    with pytest.raises(GitFailed) as caught:
        take_in(repo, b"nonsense\n" * times)
    assert "Unsupported command: nonsense" in caught.value.output


def test_an_interruption_ends_the_git_that_takes_in(repo: Repository) -> None:
    with pytest.raises(KeyboardInterrupt):
        take_in(repo, b"", interrupted=True)
    assert keep(repo, 1).versions[0].number == 1


def test_of_two_who_keep_at_once_neither_loses_anything(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(repo, 1)
    write, other, meanwhile = kept_versions._write, Repository.open(repo.root), [2, 3]

    def written_while_another_keeps(*arguments: object) -> object:
        moves = write(*arguments)  # type: ignore[arg-type]
        if meanwhile:
            monkeypatch.setattr(kept_versions, "_write", write)
            keep(other, *meanwhile)
            meanwhile.clear()
            monkeypatch.setattr(kept_versions, "_write", written_while_another_keeps)
        return moves

    monkeypatch.setattr(kept_versions, "_write", written_while_another_keeps)
    assert [kept.number for kept in keep(repo, 4).versions] == [4, 3, 2, 1]


@pytest.mark.parametrize("damage", ["garbage", "no object", "a blob", "a damaged commit"])
def test_a_damaged_ref_keeps_nothing_else_from_being_kept(repo: Repository, damage: str) -> None:
    tip = keep(repo, 1)
    ref = repo.root / ".git" / REF
    if damage == "garbage":
        ref.write_bytes(b"\0\xff not a ref")
    elif damage == "no object":
        ref.write_text("1" * 40 + "\n")
    elif damage == "a blob":
        ref.write_text(git(repo.root, "rev-parse", "HEAD:x") + "\n")
    else:
        loose = repo.root / ".git/objects" / tip.commit[:2] / tip.commit[2:]
        loose.chmod(0o600)
        loose.write_bytes(b"damaged")
    assert find_kept(repo, PLACE, ["alpha"]) == {"alpha": Tip()}
    both = [version(2), version(1, "beta")]
    if (
        damage == "garbage"
    ):  # git moves it no more: only a person can, and what is kept beside it is
        with pytest.raises(GitFailed, match="reference broken"):
            keep_versions(repo, PLACE, both)
    else:
        keep_versions(repo, PLACE, both)
    found = find_kept(repo, PLACE, ["alpha", "beta"])
    kept = {name: [one.number for one in tip.versions] for name, tip in found.items()}
    assert kept == {"alpha": [] if damage == "garbage" else [2], "beta": [1]}


def test_a_commit_that_is_no_version_stays_reachable(repo: Repository) -> None:
    head = git(repo.root, "rev-parse", "HEAD")
    git(repo.root, "update-ref", REF, head)
    assert [kept.number for kept in keep(repo, 1).versions] == [1]
    assert [kept.number for kept in keep(repo, 2).versions] == [2, 1]
    assert head in git(repo.root, "rev-list", REF).splitlines()


def test_a_record_must_have_the_digest_that_its_commit_names(repo: Repository) -> None:
    tip = keep(repo, 1)
    blob = git(repo.root, "hash-object", "-w", "--stdin", data=b'{"place": "another"}')
    tree = git(repo.root, "mktree", data=f"100644 blob {blob}\t{RECORD}\n".encode())
    message = git(repo.root, "log", "-1", "--format=%B", tip.commit)
    forged = git(repo.root, "commit-tree", tree, "-m", message)
    git(repo.root, "update-ref", REF, forged)
    found = find_kept(repo, PLACE, ["alpha"])["alpha"]
    assert [kept.commit for kept in found.versions] == [forged]
    assert read_records(repo, [forged, tip.commit, "1" * 40]) == {tip.commit: version(1).record}


def test_a_name_that_no_skill_can_bear_reaches_no_ref(repo: Repository) -> None:
    before = git(repo.root, "for-each-ref")
    for name in ("../../heads/main", "a/b", "A", "a\nb", "", "a" * 65):
        keep_versions(repo, PLACE, [version(1, name)])
        assert find_kept(repo, PLACE, [name]) == {}
    assert git(repo.root, "for-each-ref") == before
    assert version_ref("[::1]:80/7", "a") == "refs/skillsync/___1__80/7/a"
