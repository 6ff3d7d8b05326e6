"""A pull that dies at any effect is finished by the next one: nothing half-written, nothing lost (sync.md 9.1, 14.3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.sync.crash import every, reborn, spread
from tests.sync.crash_stage import Scene, Stage
from tests.sync.harness import Clone, Live

BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"


def row(key: str, text: str) -> str:
    return json.dumps({"id": key, "input": text, "output": f"{text}!"})


# ---------------------------------------------------------------- what a pull has to do


def forward(solo: Clone, live: Live) -> None:
    """A fast-forward with a changed, a new, a deleted and a renamed file."""
    solo.skill("forward", BODY)
    solo.write("skills/forward/references/old.md", "goes\n")
    solo.write("skills/forward/references/kept.md", "stays\n")
    solo.write("skills/forward/references/named.md", "has a name\n")
    solo.push()
    solo.commit()
    live.edit(
        "forward",
        body="another body",
        files=[
            {"path": "references/kept.md", "content": "stays\nand grows\n"},
            {"path": "named.md", "content": "has a name\n"},
            {"path": "scripts/new.py", "content": "print('new')\n"},
        ],
    )


def merge(solo: Clone, live: Live) -> None:
    """Both sides edited another line, and a file that was renamed remotely was edited here."""
    path = solo.skill("merge", BODY)
    solo.write("skills/merge/a.md", "named a\n")
    solo.push()
    solo.commit()
    body = BODY.replace("five", "five from the web").strip()
    live.edit("merge", body=body, files=[{"path": "b.md", "content": "named a\n"}])
    solo.replace(path, "one\n", "one from the file\n")
    solo.write("skills/merge/a.md", "named a, and edited\n")


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
    live.patch_row(live.row(dataset, "d")["id"], deleted=True)
    solo.replace(path, '"input": "text b"', '"input": "b from the file"')
    solo.replace(path, '"input": "text c"', '"input": "c from the file"')


def dataset(solo: Clone, live: Live) -> None:
    """A dataset that is not here yet."""
    with live.api() as client:
        made = client.post("datasets/", json={"name": "Born there", "description": "Rows."}).json()
    live.add_row(made["id"], input="first", output="x")
    live.add_row(made["id"], input="second", metadata={"source": "web"})


def everything(solo: Clone, live: Live) -> None:
    """All of them in one run, in one batch."""
    for part in (forward, merge, conflict, rows, fresh, dataset):
        part(solo, live)


KEPT = {
    "forward": ("another body", "and grows", "has a name", "print("),
    "merge": ("one from the file", "five from the web", "named a, and edited"),
    "conflict": ("three from the file", "three from the web", "notes from the web"),
    "rows": ("a from the web", "trace-from-the-web", "b from the file", "c from the file",
             "c from the web", "born in the web"),
    "fresh": ("Does fresh.", "a\\n", "b\\n"),
    "dataset": ("first", "second"),
}  # fmt: skip
SCENES = {
    part.__name__: Scene(part.__name__, part, Clone.pull, KEPT[part.__name__])
    for part in (forward, merge, conflict, rows, fresh, dataset)
}
EVERYTHING = Scene(
    "everything", everything, Clone.pull, tuple(text for texts in KEPT.values() for text in texts)
)


# ---------------------------------------------------------------- what else writes files


def shown(solo: Clone, live: Live) -> None:
    """A conflict that a pull has shown."""
    conflict(solo, live)
    assert solo.pull().exit == 4


def unrelated(solo: Clone, live: Live) -> None:
    """A skill of the same name on both sides, never linked."""
    solo.skill("unrelated", BODY.replace("one", "one from the file"))
    solo.commit()
    live.create("unrelated", body=BODY.replace("five", "five from the web").strip())


def settled(choice: Choice) -> Scene:
    def verb(clone: Clone) -> object:
        return clone.resolve("conflict", choice)

    kept = {"local": ("three from the file",), "abort": ("three from the file",),
            "union": ("three from the file", "three from the web")}  # fmt: skip
    # After an abort a pull shows the conflict again, as it should.
    again = (Clone.status, Clone.push) if choice is Choice.ABORT else None
    texts = kept.get(choice, ("three from the web",))
    return Scene(f"resolve {choice}", shown, verb, texts, again=again)


def adopted(way: Way) -> Scene:
    def verb(clone: Clone) -> object:
        return clone.adopt("unrelated", way)

    kept = () if way is Way.LOCAL else ("five from the web",)
    return Scene(f"adopt {way}", unrelated, verb, kept)


OTHERS = {
    scene.name: scene
    for scene in (
        *(settled(choice) for choice in (Choice.LOCAL, Choice.REMOTE, Choice.UNION, Choice.ABORT)),
        *(adopted(way) for way in Way),
    )
}


# ---------------------------------------------------------------- the matrix


def test_a_pull_that_dies_is_finished_by_the_next(solo: Clone, live: Live, tmp_path: Path) -> None:
    """A sample of all effects of one pull of everything; the slow tier takes each of them."""
    stage = Stage(EVERYTHING, solo, tmp_path)
    for k, when in spread(every(stage.log), 7):
        stage.strike(k, when)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_a_pull_that_dies_once_at_each_effect_is_finished_by_the_next(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(SCENES[name], solo, tmp_path).strike_each()


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENES)
def test_a_pull_that_dies_at_any_effect_is_finished_by_the_next(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(SCENES[name], solo, tmp_path).strike_everywhere()


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_resolve_or_adopt_that_dies_once_at_each_effect_is_finished_by_the_next(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(OTHERS[name], solo, tmp_path).strike_each()


@pytest.mark.soak
@pytest.mark.parametrize("name", OTHERS)
def test_a_resolve_or_adopt_that_dies_at_any_effect_is_finished_by_the_next(
    name: str, solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(OTHERS[name], solo, tmp_path).strike_everywhere()


@pytest.mark.soak
def test_a_pull_of_everything_that_dies_at_any_effect_is_finished_by_the_next(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(EVERYTHING, solo, tmp_path).strike_everywhere()


def test_what_a_crash_left_is_published_after_it_was_finished(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """P1, P3: what both sides wrote is on the server in the end, and then push and pull write nothing."""
    stage = Stage(SCENES["merge"], solo, tmp_path)
    stage.strike(len(stage.log) // 2, "after")
    clone = reborn(stage.copy)
    assert clone.push().exit == 0
    body = live.skill("merge")
    assert "one from the file" in body["body"]
    assert "five from the web" in body["body"]
    assert body["contents"] == {"b.md": "named a, and edited"}


# ---------------------------------------------------------------- renames (S20)


def renamed_there(solo: Clone, live: Live) -> None:
    """A published skill has another name on the server: its folder, which bears the old one, goes along."""
    solo.skill("alpha", BODY)
    solo.skill("other")
    solo.push()
    solo.commit()
    live.rename("alpha", "beta")


RENAME = Scene(
    "rename", renamed_there, Clone.pull, ("four",), moved=("skills/alpha", "skills/beta")
)


@pytest.mark.parametrize("live", ["current"], indirect=True)
def test_a_rename_that_dies_is_finished_by_the_next(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """Once the folder was moved and git does not know it yet, and while the name is being written."""
    stage = Stage(RENAME, solo, tmp_path)
    assert "skills/beta/.skillsync" in stage.files_after
    staging = 1 + stage.log.index("git update-index")
    stage.strike(staging, "before")
    stage.strike(staging - 2, "after")


@pytest.mark.soak
@pytest.mark.parametrize("live", ["current"], indirect=True)
def test_a_rename_that_dies_at_any_effect_is_finished_by_the_next(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    Stage(RENAME, solo, tmp_path).strike_everywhere()
