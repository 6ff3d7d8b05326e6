"""A push that dies at any effect is finished by the next: one version per publish, no row doubled (sync.md 9.2, 14.3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.failing import When
from tests.sync.crash import (
    Dying,
    check_no_leftovers,
    copied,
    crashed,
    disk_death,
    load_server,
    reborn,
    save_server,
)
from tests.sync.harness import Clone, Live

WHENS: tuple[When, ...] = ("before", "after", "torn")


def row(key: str, text: str) -> str:
    return json.dumps({"id": key, "input": text, "output": f"{text}!"})


def push(clone: Clone) -> object:
    has_old = (clone.path / "datasets" / "old").exists()
    return clone.push(archive=["old:gone"] if has_old else [])


def skills(solo: Clone) -> None:
    """One skill is changed, one is new."""
    path = solo.skill("edited", "one\n\ntwo\n")
    solo.push()
    solo.commit()
    solo.replace(path, "two", "two, edited")
    solo.skill("created")
    solo.write("skills/created/references/a.md", "a\n")


def rows(solo: Clone) -> None:
    """A row is changed, one is new, one is removed."""
    path = solo.dataset("old", [row(key, f"text {key}") for key in ("a", "gone", "kept")])
    solo.push()
    solo.commit()
    solo.write(path, "".join(f"{line}\n" for line in (row("a", "edited"), row("kept", "text kept"),
                                                      row("b", "new"))))  # fmt: skip


def dataset(solo: Clone) -> None:
    """A dataset is new."""
    solo.dataset("born", [row(key, f"text {key}") for key in ("x", "y")])


Scene = Callable[[Clone], None]
SCENES: tuple[Scene, ...] = (skills, rows, dataset)


def contents(live: Live) -> dict[str, Any]:
    """What the server holds, without ids and times: skills with their versions, rows by key and how often."""
    found: dict[str, Any] = {}
    for name in ("edited", "created"):
        detail = live.skill(name)
        found[name] = {
            key: detail.get(key) for key in ("version", "body", "description", "contents")
        }
    for one in live.datasets():
        found.setdefault("datasets", Counter())[one["name"]] += 1
        found[f"rows of {one['name']}"] = Counter(
            json.dumps([(item["metadata"] or {}).get("skillsync_id"), item["input"]])
            for item in live.rows(one["id"])
        )
    return found


class Stage:
    """A clone before a push, and what an undisturbed push makes of the server."""

    def __init__(self, scene: Scene, solo: Clone, live: Live, folder: Path) -> None:
        self.live, self.before, self.folder = live, solo, folder
        self.server = folder / "saved.sqlite3"
        scene(solo)
        save_server(live, self.server)
        self.counting = Dying()
        done = copied(solo, folder / "done")
        assert not crashed(done, push, self.counting)
        assert reborn(done).status().is_clean
        self.wanted = contents(live)

    def check(self, dying: Dying, what: object) -> None:
        """Die, then recover in at most three runs to what an undisturbed push does, and then be quiet."""
        load_server(self.live, self.server)
        clone = copied(self.before, self.folder / "copy")
        assert crashed(clone, push, dying), what
        for _ in range(3):
            push(reborn(clone))
            if reborn(clone).status().is_clean:
                break
        assert reborn(clone).status().is_clean, (what, reborn(clone).status().lines)
        assert contents(self.live) == self.wanted, what
        check_no_leftovers(clone)
        quiet = reborn(clone)
        files = quiet.files()
        push(quiet)
        quiet.pull()
        assert quiet.requests is not None
        assert quiet.requests.writes == [], what
        assert quiet.files() == files, what


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.__name__))
def test_a_push_whose_request_was_applied_without_an_answer_is_finished_by_the_next(
    scene: Scene, solo: Clone, live: Live, tmp_path: Path
) -> None:
    """The last request and one in the middle; the slow tier takes all."""
    stage = Stage(scene, solo, live, tmp_path)
    for k in sorted({stage.counting.count, stage.counting.count // 2 + 1}):
        stage.check(Dying(k, "answered"), k)


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.__name__))
def test_a_push_that_dies_at_any_request_is_finished_by_the_next(
    scene: Scene, solo: Clone, live: Live, tmp_path: Path
) -> None:
    stage = Stage(scene, solo, live, tmp_path)
    for k in range(1, stage.counting.count + 1):
        stage.check(Dying(k, "sent"), (k, "sent"))
        stage.check(Dying(k, "answered"), (k, "answered"))


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.__name__))
def test_a_push_that_dies_at_any_effect_on_the_disk_is_finished_by_the_next(
    scene: Scene, solo: Clone, live: Live, tmp_path: Path
) -> None:
    stage = Stage(scene, solo, live, tmp_path)
    for k in range(1, stage.counting.disk.count + 1):
        for when in WHENS:
            stage.check(disk_death(k, when), (k, when))
