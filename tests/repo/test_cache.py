"""The cache believes stat data only when nothing could have changed behind it, and may vanish at any time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from skillsync.model import Json
from skillsync.repo.cache import Cache, is_racy
from skillsync.repo.worktree import StatEntry

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND + 123_456_789
OLD = StatEntry("SKILL.md", NOW - 60 * SECOND, NOW - 60 * SECOND, 10, 5, 0o100644)
FACTS: Json = {"name": "a", "digest": "canon:1:sha256:00"}


def test_facts_are_found_while_the_stat_data_is_the_same(tmp_path: Path) -> None:
    stats = {"skills/a": (OLD,), "skills/b": (OLD,)}
    with Cache(tmp_path) as cache:
        cache.put([("skills/a", (OLD,), FACTS)], scanned_at=NOW)
    with Cache(tmp_path) as cache:
        assert cache.get(stats) == {"skills/a": FACTS}
        cache.keep_only(["skills/b"])
        assert cache.get(stats) == {}


@pytest.mark.parametrize(
    "changed",
    [
        (OLD._replace(size=11),),
        (OLD._replace(mtime_ns=OLD.mtime_ns + 1),),
        (OLD._replace(ctime_ns=OLD.ctime_ns + 1),),
        (OLD._replace(inode=6),),
        (OLD._replace(mode=0o100755),),
        (OLD._replace(path="skill.md"),),
        (OLD, OLD._replace(path="new")),
        (),
    ],
)
def test_any_difference_in_stat_data_hides_the_facts(
    tmp_path: Path, changed: tuple[StatEntry, ...]
) -> None:
    with Cache(tmp_path) as cache:
        cache.put([("a", (OLD,), FACTS)], scanned_at=NOW)
        assert cache.get({"a": changed}) == {}


@pytest.mark.parametrize(
    ("mtime", "ctime", "racy"),
    [
        (NOW - 60 * SECOND, NOW - 60 * SECOND, False),
        (NOW, NOW, True),
        (NOW + 1, NOW + 1, True),
        (NOW - 60 * SECOND, NOW, True),
        (NOW - 60 * SECOND, NOW + 3600 * SECOND, True),
        (0, NOW - 60 * SECOND, False),
        (-SECOND, NOW - 60 * SECOND, False),
        (2**32 * SECOND, NOW - 60 * SECOND, False),
        (NOW // SECOND * SECOND - SECOND, NOW // SECOND * SECOND - SECOND, True),
        (NOW - SECOND, NOW - SECOND, False),
    ],
)
def test_a_file_touched_right_before_the_scan_is_racy(mtime: int, ctime: int, racy: bool) -> None:
    """14.6 #35 and #37: odd times are fine, fresh ones are not, whole seconds count as coarse."""
    entry = OLD._replace(mtime_ns=mtime, ctime_ns=ctime)
    assert is_racy(entry, scanned_at=NOW) is racy


def test_racy_folders_are_not_remembered(tmp_path: Path) -> None:
    fresh = OLD._replace(mtime_ns=NOW, ctime_ns=NOW)
    with Cache(tmp_path) as cache:
        cache.put([("a", (OLD, fresh), FACTS), ("b", (OLD,), FACTS)], scanned_at=NOW)
        assert cache.get({"a": (OLD, fresh), "b": (OLD,)}) == {"b": FACTS}


def test_the_clock_is_that_of_the_files(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        before = cache.clock()
        (tmp_path / "file").write_bytes(b"")
        assert before <= (tmp_path / "file").stat().st_mtime_ns


def test_another_version_of_the_facts_starts_empty(tmp_path: Path) -> None:
    with Cache(tmp_path, version="1") as cache:
        cache.put([("a", (OLD,), FACTS)], scanned_at=NOW)
    with Cache(tmp_path, version="2") as cache:
        assert cache.get({"a": (OLD,)}) == {}


@pytest.mark.parametrize("damage", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    with Cache(tmp_path) as cache:
        cache.put([("a", (OLD,), FACTS)], scanned_at=NOW)
    (tmp_path / "cache.sqlite").write_bytes(damage)
    with Cache(tmp_path) as cache:
        assert cache.get({"a": (OLD,)}) == {}
        cache.put([("a", (OLD,), FACTS)], scanned_at=NOW)
        assert cache.get({"a": (OLD,)}) == {"a": FACTS}


def test_damage_within_the_file_never_raises(tmp_path: Path) -> None:
    many: list[tuple[str, tuple[StatEntry, ...], Json]] = [
        (f"skills/{number}", (OLD,), FACTS) for number in range(500)
    ]
    stats = {folder: entries for folder, entries, _ in many}
    with Cache(tmp_path) as cache:
        cache.put(many, scanned_at=NOW)
    path = tmp_path / "cache.sqlite"
    whole = path.read_bytes()
    for start in range(0, len(whole), 4096):
        path.write_bytes(whole[:start] + b"\xa5" * 512 + whole[start + 512 :])
        with Cache(tmp_path) as cache:
            assert set(cache.get(stats)) <= set(stats)
            cache.put(many, scanned_at=NOW)
            cache.keep_only(["skills/1"])


def test_a_cache_that_cannot_be_opened_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache.sqlite").mkdir()
    with Cache(tmp_path) as cache:
        cache.put([("a", (OLD,), FACTS)], scanned_at=NOW)
        assert cache.get({"a": (OLD,)}) == {}
    (tmp_path / "file").write_bytes(b"")
    with Cache(tmp_path / "file/below") as cache:
        assert cache.clock() == 0
        assert cache.get({"a": (OLD,)}) == {}


def test_a_busy_cache_is_left_alone(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put([("a", (OLD,), FACTS)], scanned_at=NOW)
    other = sqlite3.connect(tmp_path / "cache.sqlite")
    other.execute("begin exclusive")
    with Cache(tmp_path) as cache:
        assert cache.get({"a": (OLD,)}) == {}
        cache.put([("b", (OLD,), FACTS)], scanned_at=NOW)
    other.rollback()
    other.close()
    with Cache(tmp_path) as cache:
        assert cache.get({"a": (OLD,)}) == {"a": FACTS}
