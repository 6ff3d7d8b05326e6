"""A pull that dies at any effect is finished by the next one: nothing half-written, nothing lost (sync.md 9.1, 14.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.failing import When
from tests.sync.crash import (
    Dying,
    check_atomic,
    check_no_leftovers,
    check_rescued,
    copied,
    crashed,
    disk_death,
    load_server,
    reborn,
    save_server,
)
from tests.sync.harness import Clone, Live

WHENS: tuple[When, ...] = ("before", "after", "torn")
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"


def row(key: str, text: str) -> str:
    return json.dumps({"id": key, "input": text, "output": f"{text}!"})


# ---------------------------------------------------------------- what a pull has to do


def forward(solo: Clone, live: Live) -> None:
    """A fast-forward with a changed, a new and a deleted file."""
    solo.skill("forward", BODY)
    solo.write("skills/forward/references/old.md", "goes\n")
    solo.write("skills/forward/references/kept.md", "stays\n")
    solo.push()
    solo.commit()
    live.edit(
        "forward",
        body="another body",
        files=[
            {"path": "references/kept.md", "content": "stays\nand grows\n"},
            {"path": "scripts/new.py", "content": "print('new')\n"},
        ],
    )


def merge(solo: Clone, live: Live) -> None:
    """Both sides edited another line."""
    path = solo.skill("merge", BODY)
    solo.push()
    solo.commit()
    live.edit_body("merge", "five", "five from the web")
    solo.replace(path, "one\n", "one from the file\n")


def fresh(solo: Clone, live: Live) -> None:
    """A skill that is not here yet."""
    files = [{"path": "references/a.md", "content": "a\n"}, {"path": "b.md", "content": "b\n"}]
    live.create("fresh", files=files)


def conflict(solo: Clone, live: Live) -> None:
    """Both sides edited the same line; another file merges cleanly."""
    path = solo.skill("conflict", BODY)
    solo.write("skills/conflict/notes.md", "notes\n")
    solo.push()
    solo.commit()
    live.edit(
        "conflict",
        body=BODY.replace("three", "three from the web").strip(),
        files=[{"path": "notes.md", "content": "notes from the web\n"}],
    )
    solo.replace(path, "three\n", "three from the file\n")


def rows(solo: Clone, live: Live) -> None:
    """Rows added, changed, merged and in conflict."""
    path = solo.dataset("cases", [row(key, f"text {key}") for key in ("a", "b", "c", "d")])
    solo.push()
    solo.commit()
    dataset = live.datasets()[0]["id"]
    live.patch_row(live.row(dataset, "a")["id"], input="a from the web")
    live.patch_row(live.row(dataset, "b")["id"], ref_trace_id="trace-from-the-web")
    live.patch_row(live.row(dataset, "c")["id"], input="c from the web")
    live.add_row(dataset, input="born in the web", output="x")
    solo.replace(path, '"input": "text b"', '"input": "b from the file"')
    solo.replace(path, '"input": "text c"', '"input": "c from the file"')


def everything(solo: Clone, live: Live) -> None:
    """All of them in one run, in one batch."""
    for scene in (forward, merge, conflict, rows, fresh):
        scene(solo, live)


Scene = Callable[[Clone, Live], None]
SCENES: tuple[Scene, ...] = (forward, merge, fresh, conflict, rows, everything)


@dataclass
class Stage:
    """A clone before a pull, what an undisturbed pull makes of it, and how many effects that has."""

    before: Clone
    done: Clone
    effects: int
    requests: int
    server: Path
    folder: Path

    def copy(self) -> Clone:
        """Return a clone that has not pulled yet, beside the server as it was."""
        load_server(self.before.live, self.server)
        return copied(self.before, self.folder / "copy")


def set_up(scene: Scene, solo: Clone, live: Live, folder: Path) -> Stage:
    scene(solo, live)
    server = folder / "saved.sqlite3"
    save_server(live, server)
    done = copied(solo, folder / "done")
    counting = Dying()
    assert not crashed(done, Clone.pull, counting)
    assert done.files() != solo.files()
    return Stage(solo, reborn(done), counting.disk.count, counting.count, server, folder)


def unmerged(clone: Clone) -> str:
    return clone.git("ls-files", "-u")


def state(clone: Clone) -> tuple[dict[str, bytes], str, list[tuple[str, str]]]:
    """What a clone is like: its files, its index stages, and what status says."""
    lines = [(line.subject, line.state) for line in clone.status().lines]
    return clone.files(), unmerged(clone), lines


def check_recovers(stage: Stage, clone: Clone) -> None:
    """P4, P10: at most three runs later everything is as if nothing had happened, and then it is quiet."""
    wanted = state(stage.done)
    for _ in range(3):
        reborn(clone).pull()
        if state(clone) == wanted:
            break
    assert state(clone) == wanted
    check_rescued(clone, stage.before.files(), clone.files())
    check_no_leftovers(clone)
    again = reborn(clone)
    stamps = {path: (clone.path / path).stat() for path in clone.files()}
    again.pull()
    assert {path: (clone.path / path).stat() for path in clone.files()} == stamps
    assert again.requests is not None
    assert again.requests.writes == []


def check_publishes(clone: Clone) -> None:
    """P1, P3: what both sides wrote is published, and then push and pull write nothing."""
    reborn(clone).push()
    quiet = reborn(clone)
    files = quiet.files()
    quiet.push()
    quiet.pull()
    assert quiet.requests is not None
    assert quiet.requests.writes == []
    assert quiet.files() == files
    assert all("conflict" in line.did for line in quiet.status().lines), quiet.status().lines


def die_at(stage: Stage, k: int, when: When) -> Clone:
    clone = stage.copy()
    assert crashed(clone, Clone.pull, disk_death(k, when)), (k, when)
    check_atomic(clone.files(), stage.before.files(), stage.done.files())
    return reborn(clone)


# ---------------------------------------------------------------- the matrix


def test_a_pull_that_dies_is_finished_by_the_next(solo: Clone, live: Live, tmp_path: Path) -> None:
    """A sample of all effects of one pull of everything; the slow tier takes each of them."""
    stage = set_up(everything, solo, live, tmp_path)
    for number, k in enumerate(range(1, stage.effects + 1, 9)):
        check_recovers(stage, die_at(stage, k, WHENS[number % 3]))


@pytest.mark.slow
@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.__name__))
def test_a_pull_that_dies_at_any_effect_is_finished_by_the_next(
    scene: Scene, when: When, solo: Clone, live: Live, tmp_path: Path
) -> None:
    stage = set_up(scene, solo, live, tmp_path)
    for k in range(1, stage.effects + 1):
        clone = die_at(stage, k, when)
        check_recovers(stage, clone)
        if k % 5 == 0:
            check_publishes(clone)
