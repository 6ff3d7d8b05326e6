"""Whatever was overwritten can be printed for 30 days, under whatever name it had (P10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skillsync.errors import LocalChanged, UsageError
from skillsync.repo.git import Repository
from skillsync.repo.rescue import Overwritten, Rescue
from tests.conftest import MakeRepo
from tests.world import git, tree_of, write_files

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ODD = "skills/a/ü \n\t\"q\" 'x' ../.git"


@pytest.fixture(params=["sha1", "sha256"])
def rescue(request: pytest.FixtureRequest, make_repo: MakeRepo) -> Rescue:
    path = make_repo(files={"x": "x"}, object_format=request.param)
    return Rescue(Repository.open(path))


@pytest.fixture
def root(rescue: Rescue, tmp_path: Path) -> Path:
    return tmp_path / "repo"


def test_what_is_stored_is_shown_byte_by_byte(rescue: Rescue) -> None:
    content = b"\0\r\n\xff"
    name = rescue.store(
        [("skills/a/SKILL.md", content, "pull", "a"), (ODD, b"", "pull", "a")], now=NOW
    )
    assert name == "20261123T120000Z-1"
    assert rescue.show(name, "skills/a/SKILL.md") == content
    assert rescue.show(name, ODD) == b""
    [found] = rescue.list()
    assert (found.id, found.time) == (name, NOW)
    assert [(file.path, file.reason, file.subject, file.size) for file in found.files] == [
        ("skills/a/SKILL.md", "pull", "a", 4),
        (ODD, "pull", "a", 0),
    ]


def test_what_took_the_place_of_a_copy_is_told_newest_first(rescue: Rescue) -> None:
    rescue.store(
        [("s/a/x", b"one", "pull", "a"), (ODD, b"odd", "pull", "a")],
        now=NOW,
        written={"s/a/x": b"two", ODD: None, "s/a/.skillsync": b"v2"},
    )
    rescue.store([("s/a/x", b"two", "resolve", "a")], now=NOW + timedelta(seconds=1))
    later = NOW + timedelta(seconds=2)
    long = b"l" * 1_000_001
    rescue.store(
        [("s/a/x", b"2", "pull", "a"), ("s/a/y", b"y", "pull", "a")],
        now=later,
        written={"s/a/x": b"3", "s/a/y": long, "s/a/.skillsync": b"v3"},
    )
    first = Overwritten(
        NOW, {"s/a/x": b"one", ODD: b"odd"}, {"s/a/x": b"two", ODD: None}, {"s/a/.skillsync": b"v2"}
    )
    newest = Overwritten(
        later, {"s/a/x": b"2", "s/a/y": b"y"}, {"s/a/x": b"3"}, {"s/a/.skillsync": b"v3"}
    )
    assert [*rescue.overwritten(lambda _: True)] == [newest, first]
    assert [*rescue.overwritten(lambda wrote: wrote == {"s/a/.skillsync": b"v2"})] == [first]


def test_it_survives_garbage_collection(rescue: Rescue, root: Path) -> None:
    name = rescue.store([("x", b"precious", "pull", "a")], now=NOW)
    git(root, "gc", "-q", "--prune=now")
    assert rescue.show(name, "x") == b"precious"


def test_several_in_one_second_get_numbers_and_the_newest_comes_first(rescue: Rescue) -> None:
    names = [rescue.store([("x", b"%d" % n, "pull", "a")], now=NOW) for n in range(11)]
    later = rescue.store([("x", b"later", "pull", "a")], now=NOW + timedelta(seconds=1))
    assert names[-1] == "20261123T120000Z-11"
    assert [each.id for each in rescue.list()] == [later, *reversed(names)]
    assert [rescue.show(name, "x") for name in names] == [b"%d" % n for n in range(11)]


def test_no_files_make_no_rescue(rescue: Rescue) -> None:
    assert rescue.store([], now=NOW) == ""
    assert rescue.list() == []


def test_unknown_ids_and_paths_are_usage_errors(rescue: Rescue) -> None:
    name = rescue.store([("x", b"x", "pull", "a")], now=NOW)
    for wrong in ("nope", "../heads/main", "20261123T120000Z-2", "--all", ""):
        with pytest.raises(UsageError):
            rescue.show(wrong, "x")
    with pytest.raises(UsageError):
        rescue.show(name, "y")
    with pytest.raises(UsageError):
        rescue.restore(name, "y", now=NOW)


def test_restoring_saves_what_stands_there_first(rescue: Rescue, root: Path) -> None:
    name = rescue.store([("s/a", b"old a", "pull", "a"), ("s/b", b"old b", "pull", "a")], now=NOW)
    write_files(root, {"s/a": "new a"})
    assert rescue.restore(name, now=NOW) == ("s/a", "s/b")
    assert tree_of(root) == {"x": b"x", "s/a": b"old a", "s/b": b"old b"}
    assert rescue.show(rescue.list()[0].id, "s/a") == b"new a"
    assert rescue.restore(name, "s/a", now=NOW) == ()
    assert len(rescue.list()) == 2


def test_a_script_comes_back_as_one(rescue: Rescue, root: Path) -> None:
    files = [("s/run", b"#!/bin/sh\n", "prune", "a"), ("s/a", b"text", "prune", "a")]
    name = rescue.store(files, now=NOW, executable={"s/run"})
    assert [file.executable for file in rescue.files(name)] == [True, False]
    assert rescue.restore(name, now=NOW) == ("s/a", "s/run")
    assert [(root / path).stat().st_mode & 0o111 for path in ("s/run", "s/a")] == [0o111, 0]
    (root / "s/run").chmod(0o644)
    assert rescue.restore(name, now=NOW) == ("s/run",)
    assert (root / "s/run").stat().st_mode & 0o111 == 0o111
    assert len(rescue.list()) == 1  # nothing was overwritten


def test_restoring_never_goes_through_a_link(rescue: Rescue, root: Path, tmp_path: Path) -> None:
    name = rescue.store([("s/a", b"old", "pull", "a")], now=NOW)
    (tmp_path / "outside").mkdir()
    (root / "s").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(LocalChanged):
        rescue.restore(name, now=NOW)
    assert list((tmp_path / "outside").iterdir()) == []


def test_it_is_dropped_once_another_one_thirty_days_later_is_as_old(
    rescue: Rescue, root: Path
) -> None:
    days = timedelta(days=30)
    old = rescue.store([("x", b"old", "pull", "a")], now=NOW - 2 * days - timedelta(seconds=1))
    kept = rescue.store([("x", b"kept", "pull", "a")], now=NOW - 2 * days)
    witness = rescue.store([("x", b"later", "pull", "a")], now=NOW - days)
    git(root, "update-ref", "refs/skillsync/rescue/odd-name", "HEAD")
    git(root, "update-ref", "refs/skillsync/rescue/20001399T120000Z-1", "HEAD")
    assert rescue.expire(NOW - timedelta(seconds=1)) == ()
    assert rescue.expire(NOW) == (old,)
    assert rescue.expire(NOW) == ()
    assert [each.id for each in rescue.list()] == [witness, kept]
    assert git(root, "for-each-ref", "--format=x", "refs/skillsync/rescue/").count("x") == 4


def test_a_clock_that_was_wrong_drops_nothing(rescue: Rescue) -> None:
    """P10: neither while it is ahead, whatever is stored meanwhile, nor once it is right again."""
    mine = rescue.store([("x", b"mine", "pull", "a")], now=NOW)
    ahead = NOW + timedelta(days=9_000)
    assert rescue.expire(ahead) == ()
    rescue.store([("x", b"meanwhile", "pull", "a")], now=ahead)
    rescue.store([("x", b"meanwhile", "pull", "a")], now=ahead + timedelta(days=29))
    assert rescue.expire(ahead + timedelta(days=29)) == ()
    rescue.store([("x", b"again", "pull", "a")], now=NOW + timedelta(days=1))
    assert rescue.expire(NOW + timedelta(days=2)) == ()
    assert mine in {each.id for each in rescue.list()}


def test_a_rescue_that_is_none_is_left_out(rescue: Rescue, root: Path) -> None:
    git(root, "update-ref", "refs/skillsync/rescue/20261123T120000Z-7", "HEAD")
    assert rescue.list() == []
    assert rescue.store([("x", b"x", "pull", "a")], now=NOW) == "20261123T120000Z-8"
