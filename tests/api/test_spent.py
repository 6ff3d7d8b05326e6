"""What earlier runs sent fills the windows of the next one; a cache that is gone or wrong costs nothing but a 429."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.api.budget import Window
from skillsync.api.pacing import Pace, Rules
from skillsync.api.spent import LONGEST, Spent
from tests.api.clients import Clock

HOUR = Rules((Window(10, 3_600.0),), (Window(10, 3_600.0),))


def run(path: Path, clock: Clock, count: int) -> Pace:
    """Send so many requests as one run, and remember them."""
    spent = Spent(path, clock=clock)
    pace = Pace(HOUR, clock=clock, sleep=clock.sleep, spent=spent.ages())
    for _ in range(count):
        pace.take()
    spent.add(pace.ages())
    return pace


def test_the_next_run_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    path, clock = tmp_path / "deep" / "sent.json", Clock()
    run(path, clock, 4)
    clock.now += 60
    run(path, clock, 3)
    clock.now += 60
    pace = Pace(HOUR, clock=clock, sleep=clock.sleep, spent=Spent(path, clock=clock).ages())
    assert (pace.outlook(3).left, pace.outlook(3).seconds) == (3, 0)
    assert pace.outlook(4).seconds == pytest.approx(3_480)
    assert pace.ages() == [], "only what it sent itself is its own to remember"
    assert clock.slept == []
    run(path, clock, 4)
    assert sum(clock.slept) == pytest.approx(3_480)


def test_what_is_old_or_still_to_come_is_forgotten(tmp_path: Path) -> None:
    path, clock = tmp_path / "sent.json", Clock()
    run(path, clock, 5)
    clock.now -= 100
    assert Spent(path, clock=clock).ages() == [], "a clock that was set back"
    clock.now += 100 + LONGEST
    assert Spent(path, clock=clock).ages() == []


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"x": 1}', '{"1000": "x"}', '{"1000": -5}', '{"1000": null}', '{"1e99": 1}', "[" * 9_999],
)  # fmt: skip
def test_a_file_that_is_anything_else_says_nothing(tmp_path: Path, content: str) -> None:
    path, clock = tmp_path / "sent.json", Clock()
    path.write_text(content)
    assert Spent(path, clock=clock).ages() == []
    run(path, clock, 2)
    assert Spent(path, clock=clock).ages() == [0, 0]


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run(tmp_path / "file" / "sent.json", Clock(), 2)
