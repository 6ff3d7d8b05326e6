"""Pull and push with somebody who keeps objects back, and conflicts that leave the files unmarked."""

from __future__ import annotations

from typing import Any

import pytest

from skillsync.errors import UsageError
from skillsync.repo.conflicts import ConflictStore
from skillsync.sync.holding import Candidate, Hold
from skillsync.sync.report import Kind
from skillsync.sync.resolve import Choice
from tests.sync.harness import Clone, Live, first_push, outcome

SKILL = "skills/alpha/SKILL.md"
BODY = "one\n\ntwo\n\nthree\n"


def published(clone: Clone) -> Clone:
    clone.skill("alpha", BODY)
    clone.skill("beta", BODY)
    clone.dataset("cases", ['{"id": "k1", "input": "first"}'])
    first_push(clone, "pointers")
    return clone


def conflicting(clone: Clone, live: Live) -> None:
    published(clone)
    clone.replace(SKILL, "two", "two from here")
    live.edit("alpha", body="one\n\ntwo from the web\n\nthree, too")


def held(name: str, seen: list[Candidate]) -> Hold:
    def hold(one: Candidate) -> str:
        seen.append(one)
        return "in hand" if one.subject == name else ""

    return hold


def test_a_pull_writes_nothing_of_what_is_kept_back_and_the_rest(solo: Clone, live: Live) -> None:
    published(solo)
    for name in ("alpha", "beta"):
        live.edit_body(name, "two", "two from the web")
    live.patch_row(live.row(live.datasets()[0]["id"], "k1")["id"], input="from the web")
    before, seen = solo.files(), list[Candidate]()
    report = solo.pull(hold=held("alpha", seen))
    assert outcome(report, "alpha").state == "held"
    assert outcome(report, "alpha").did == "waits: in hand"
    assert report.exit == 0
    after = solo.files()
    assert {path for path in after if after[path] != before.get(path) and "alpha" in path} == set()
    assert b"two from the web" in after["skills/beta/SKILL.md"]
    assert b"from the web" in after["datasets/cases/items.jsonl"]
    assert [(one.subject, one.dir, one.number) for one in seen if one.kind is Kind.SKILL] == [
        ("alpha", "skills/alpha", 2),
        ("beta", "skills/beta", 2),
    ]
    assert solo.pull(hold=held("", [])).changed == 1


def test_a_dataset_that_is_kept_back_is_neither_written_nor_given_ids(
    solo: Clone, live: Live
) -> None:
    published(solo)
    live.patch_row(live.row(live.datasets()[0]["id"], "k1")["id"], input="from the web")
    before = solo.files()
    assert outcome(solo.pull(hold=held("cases", [])), "cases").state == "held"
    assert solo.files() == before
    assert solo.pull().exit == 0
    path = "datasets/cases/items.jsonl"
    solo.write(path, solo.read(path) + '{"input": "no id"}\n')
    before, seen = solo.files(), list[Candidate]()
    assert outcome(solo.push(hold=held("cases", seen)), "cases").state == "held"
    assert solo.files() == before
    assert [(one.subject, one.writes_files) for one in seen] == [("cases", True)]
    assert len(live.rows(live.datasets()[0]["id"])) == 1


def test_what_has_nothing_to_send_is_never_asked_about(solo: Clone) -> None:
    published(solo)
    seen: list[Candidate] = []
    solo.push(hold=held("", seen))
    solo.pull(hold=held("", seen))
    assert seen == []


def test_a_push_sends_nothing_of_what_is_kept_back(solo: Clone, live: Live) -> None:
    published(solo)
    for name in ("alpha", "beta"):
        solo.replace(f"skills/{name}/SKILL.md", "two", "two from here")
    solo.skill("gamma", "new\n")
    seen: list[Candidate] = []
    report = solo.push(hold=held("alpha", seen))
    assert [live.version(name) for name in ("alpha", "beta", "gamma")] == [1, 2, 1]
    assert outcome(report, "alpha").state == "held"
    assert [(one.subject, one.number) for one in seen] == [("alpha", 1), ("beta", 1), ("gamma", 0)]


# ---------------------------------------------------------------- conflicts without markers


def test_a_parked_conflict_leaves_file_index_and_pointer_and_keeps_the_versions(
    solo: Clone, live: Live
) -> None:
    conflicting(solo, live)
    before, index = solo.files(), solo.git("ls-files", "-s")
    report = solo.pull(park=True)
    found = outcome(report, "alpha")
    assert (found.exit, found.code, found.changed) == (4, "E-CONFLICT", False)
    assert solo.files() == before
    assert solo.git("ls-files", "-s") == index
    record: Any = ConflictStore(solo.workspace.repo).read("alpha")
    sides = record["sides"]["SKILL.md"]
    texts = {side: solo.git("cat-file", "-p", blob) for side, blob in sides.items()}
    assert "two from here" in texts["local"]
    assert "two from the web" in texts["remote"]
    [changed] = record["before"]
    marked = solo.git("cat-file", "-p", changed["after"])
    assert "<<<<<<< local" in marked
    assert "three, too" in marked
    stored = (solo.path / ".git/skillsync/conflicts/alpha.json").stat()
    again = solo.pull(park=True)
    assert outcome(again, "alpha").exit == 4
    assert (solo.path / ".git/skillsync/conflicts/alpha.json").stat() == stored, (
        "nothing is written again"
    )
    assert outcome(solo.push(), "alpha").exit == 3
    assert live.version("alpha") == 2


def test_a_parked_conflict_is_listed_with_its_units(solo: Clone, live: Live) -> None:
    conflicting(solo, live)
    solo.pull(park=True)
    [found] = solo.conflicts()
    assert found.subject == "alpha"
    assert "found by watch" in found.did
    assert [one.unit for one in found.conflicts] == ["body"]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [(Choice.LOCAL, "two from here"), (Choice.REMOTE, "two from the web")],
)
def test_resolve_with_a_side_ends_a_parked_conflict_and_keeps_the_other_edits(
    solo: Clone, live: Live, choice: Choice, kept: str
) -> None:
    conflicting(solo, live)
    solo.pull(park=True)
    solo.replace(SKILL, "one", "one, edited since")
    solo.resolve("alpha", choice)
    text = solo.read(SKILL)
    assert kept in text
    assert "one, edited since" in text
    assert "three, too" in text
    assert "<<<<<<<" not in text
    assert solo.push().exit == 0
    assert kept in live.skill("alpha")["body"]
    assert ConflictStore(solo.workspace.repo).list() == {}


def test_resolve_without_a_side_is_refused_while_nobody_saw_the_conflict(
    solo: Clone, live: Live
) -> None:
    conflicting(solo, live)
    solo.pull(park=True)
    before = solo.files()
    with pytest.raises(UsageError, match="found by watch"):
        solo.resolve("alpha")
    assert solo.files() == before
    assert "the files were never changed" in solo.resolve("alpha", Choice.ABORT).outcomes[0].did
    assert solo.files() == before
    assert outcome(solo.pull(park=True), "alpha").exit == 4


def test_a_pull_by_hand_shows_a_parked_conflict_in_the_file(solo: Clone, live: Live) -> None:
    conflicting(solo, live)
    solo.pull(park=True)
    assert outcome(solo.pull(), "alpha").exit == 4
    assert "<<<<<<< local" in solo.read(SKILL)
    assert outcome(solo.pull(park=True), "alpha").did == "still in conflict"
    solo.resolve("alpha", Choice.UNION)
    assert solo.push().exit == 0
    assert "two from here" in live.skill("alpha")["body"]
    assert "two from the web" in live.skill("alpha")["body"]


def test_a_parked_conflict_that_goes_away_by_itself_is_forgotten(solo: Clone, live: Live) -> None:
    conflicting(solo, live)
    solo.pull(park=True)
    solo.replace(SKILL, "two from here", "two")
    solo.pull(park=True)
    assert "two from the web" in solo.read(SKILL)
    assert ConflictStore(solo.workspace.repo).list() == {}
