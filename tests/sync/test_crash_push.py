"""A push that dies at any effect is finished by the next: one version per publish, no row doubled (sync.md 9.2, 14.3)."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sync.crash import every, spread
from tests.sync.crash_stage import Scene, Stage
from tests.sync.harness import Clone, Live, new_clone


def row(key: str | None, text: str) -> str:
    known = {} if key is None else {"id": key}
    return json.dumps({**known, "input": text, "output": f"{text}!"})


def push(clone: Clone) -> object:
    numbers = itertools.count(1)
    known = {"gone": "skills/gone", "old:gone": "datasets/old"}
    words = [word for word, folder in known.items() if clone.git("ls-files", folder)]
    return clone.push(archive=words, new_key=lambda: f"given-{next(numbers)}")


# ---------------------------------------------------------------- what a push has to do


def edited(solo: Clone) -> Iterator[None]:
    """A skill's text is changed, and of its files one is changed, one new, one deleted, one renamed."""
    path = solo.skill("edited", "one\n\ntwo\n")
    folder = solo.path / "skills/edited"
    for name in ("changed", "deleted", "named"):
        solo.write(f"skills/edited/references/{name}.md", f"{name}\n")
    yield
    solo.replace(path, "two", "two, edited")
    solo.write("skills/edited/references/changed.md", "changed again\n")
    (folder / "references/deleted.md").unlink()
    (folder / "references/named.md").rename(folder / "other.md")
    solo.write("skills/edited/scripts/new.py", "print('new')\n", executable=True)


def created(solo: Clone) -> Iterator[None]:
    """One skill is new, and one was deleted and is archived by name."""
    solo.skill("gone")
    yield
    shutil.rmtree(solo.path / "skills/gone")
    solo.skill("created")
    solo.write("skills/created/references/a.md", "a of created\n")


def rows(solo: Clone) -> Iterator[None]:
    """A row is changed, one is new, one without id is new, one is removed."""
    path = solo.dataset("old", [row(key, f"text {key}") for key in ("a", "gone", "kept")])
    yield
    lines = row("a", "edited"), row("kept", "text kept"), row("b", "new"), row(None, "keyless")
    solo.write(path, "".join(f"{line}\n" for line in lines))


def dataset(solo: Clone) -> Iterator[None]:
    """A dataset is new."""
    yield
    solo.dataset("born", [row(key, f"text {key}") for key in ("x", "y")])


PARTS = (edited, created, rows, dataset)
KEPT = {
    "edited": ("two, edited", "changed again", "'named", "print("),
    "created": ("a of created",),
    "rows": ("edited!", "text kept", "new!", "keyless!"),
    "dataset": ("text x", "text y"),
}


def scene(name: str, *parts: Callable[[Clone], Iterator[None]]) -> Scene:
    """Publish what the parts begin with, then let each edit."""

    def prepare(solo: Clone, _: Live) -> None:
        begun = [part(solo) for part in parts]
        for one in begun:
            next(one)
        solo.push()
        solo.commit()
        for one in begun:
            next(one, None)

    kept = tuple(text for part in parts for text in KEPT[part.__name__])
    return Scene(name, prepare, push, kept, moves_files=False)


SCENES = {part.__name__: scene(part.__name__, part) for part in PARTS}
EVERYTHING = scene("everything", *PARTS)


# ---------------------------------------------------------------- what only servers with descriptions can do


def renames(solo: Clone, _: Live) -> None:
    """A published skill is given another name, its folder as well, and it is edited."""
    solo.skill("alpha", "one\n\ntwo\n")
    solo.skill("other")
    solo.push()
    solo.commit()
    solo.git("mv", "skills/alpha", "skills/beta")
    solo.replace("skills/beta/SKILL.md", "name: alpha\n", "name: beta\n")
    solo.replace("skills/beta/SKILL.md", "two", "two, edited")
    solo.commit()


def marks(team: Clone, _: Live) -> None:
    """A job creates a skill, whose marker is the version after it (B9), and publishes another one."""
    team.skill("old", "one\n\ntwo\n")
    team.commit("old")
    team.push()
    team.skill("born", "born here\n")
    team.replace("skills/old/SKILL.md", "two", "two, edited")
    team.commit("born")


NEWER = {
    "renames": Scene("renames", renames, push, ("two, edited",), moves_files=False),
    "marks": Scene("marks", marks, push, ("born here", "two, edited"), moves_files=False),
}


def newer_stage(name: str, tmp_path: Path, live: Live) -> Stage:
    clone = new_clone(live, tmp_path / "clone", team="main" if name == "marks" else None)
    return Stage(NEWER[name], clone, tmp_path)


@pytest.mark.parametrize("live", ["current"], indirect=True)
@pytest.mark.parametrize("name", NEWER)
def test_a_rename_or_a_marker_whose_answer_is_lost_is_finished_and_not_done_twice(
    name: str, live: Live, tmp_path: Path
) -> None:
    stage = newer_stage(name, tmp_path, live)
    writes = [k for k, effect in enumerate(stage.log, 1) if is_write(effect)]
    assert len(writes) == {"renames": 2, "marks": 3}[name]
    stage.strike(writes[0], "after")
    stage.strike(writes[-1], "torn")


@pytest.mark.soak
@pytest.mark.parametrize("live", ["current"], indirect=True)
@pytest.mark.parametrize("name", NEWER)
def test_a_push_that_renames_or_marks_and_dies_at_any_effect_is_finished_by_the_next(
    name: str, live: Live, tmp_path: Path
) -> None:
    newer_stage(name, tmp_path, live).strike_everywhere()


# ---------------------------------------------------------------- the matrix


def test_a_push_that_dies_is_finished_by_the_next(solo: Clone, live: Live, tmp_path: Path) -> None:
    """A sample of all effects of one push of everything; the slow tier takes each of them."""
    stage = Stage(EVERYTHING, solo, tmp_path)
    for k, when in spread(every(stage.log), 5):
        stage.strike(k, when)


@pytest.mark.parametrize("name", SCENES)
def test_a_push_whose_request_was_applied_without_an_answer_is_finished(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    """The process dies of it, or lives on; the last such request and the one in the middle."""
    stage = Stage(SCENES[name], solo, tmp_path)
    torn = [k for k, when in every(stage.log) if when == "torn" and is_write(stage.log[k - 1])]
    stage.strike(torn[-1], "torn")
    stage.strike(torn[len(torn) // 2], "after")


def is_write(effect: str) -> bool:
    return effect.startswith(("POST ", "PATCH ", "DELETE "))


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_a_push_that_dies_once_at_each_effect_is_finished_by_the_next(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(SCENES[name], solo, tmp_path).strike_each()


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENES)
def test_a_push_that_dies_at_any_effect_is_finished_by_the_next(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(SCENES[name], solo, tmp_path).strike_everywhere()


@pytest.mark.soak
def test_a_push_of_everything_that_dies_at_any_effect_is_finished_by_the_next(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(EVERYTHING, solo, tmp_path).strike_everywhere()
