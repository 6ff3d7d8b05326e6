"""Rows D1–D6 of sync.md 7.3: a dataset as a whole, on real clones against the real server."""

from __future__ import annotations

import json
import shutil
from typing import Any

import httpx
import pytest

from skillsync.errors import UsageError
from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.sync.dataset_steps import (
    ITEMS,
    POINTER,
    ROWS,
    by_subject,
    dataset_id,
    drop_line,
    inputs,
    is_silent,
    line,
    lines,
    numbered,
    published,
    wrapped,
)
from tests.sync.dialects import seed_only
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True

MD = "datasets/cases/DATASET.md"
JSON = {"Content-Type": "application/json"}


def made_in_web(
    live: Live, name: str, *, user: str = "web", rows: int = 0, **fields: object
) -> str:
    """Create a dataset in the web page, with rows whose input is ``question N``."""
    with live.api(user) as client:
        number = str(client.post("datasets/", json={"name": name, **fields}).json()["id"])
    for count in range(rows):
        live.add_row(number, user=user, input=f"question {count}")
    return number


def patched(live: Live, dataset: str, **fields: Any) -> None:
    """Edit a dataset's own fields in the web page, archive it or bring it back."""
    live.patch_dataset(dataset, **fields)


# ---------------------------------------------------------------- D1: new here


def test_a_new_dataset_is_linked_before_its_first_row_is_sent(solo: Clone, live: Live) -> None:
    solo.dataset("cases", numbered(2), name="The Cases")
    at_first_row: list[str] = []
    wrapped(solo).before = lambda request: (
        at_first_row.append(solo.read(POINTER))
        if request.method == "POST" and request.url.path.endswith("dataset_items/")
        else None
    )
    report = solo.push()
    assert outcome(report, "cases").did == "created with 2 rows"
    (made,) = live.datasets()
    assert (made["name"], made["description"]) == ("The Cases", "Rows of cases.")
    assert made["metadata"] == {"skillsync": {"slug": "cases"}}
    revision = "0" if live.dialect == "current" else "g1"
    assert f"dataset={made['id']} rev={revision}" in at_first_row[0]
    assert is_silent(solo)


def test_a_team_creates_it_once_and_finds_it_again(team: Clone, live: Live) -> None:
    team.dataset("cases", numbered(2))
    team.commit()
    assert team.push().exit == 0
    assert not (team.path / POINTER).exists()
    again = team.clone(team.path.parent / "ci")
    seen = wrapped(again)
    assert again.push().exit == 0
    assert seen.writes == []
    assert len(live.datasets()) == 1


def test_an_incomplete_list_is_no_proof_that_it_is_new(solo: Clone, live: Live) -> None:
    solo.dataset("cases", numbered(1))
    seen = wrapped(solo)

    def short(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/datasets/"):
            return response
        response.read()
        body = json.dumps({**response.json(), "count": 5}).encode()
        return httpx.Response(200, headers=JSON, stream=httpx.ByteStream(body))

    seen.after = short
    report = solo.push()
    assert report.exit == 1
    assert outcome(report, "cases").code == "E-ABSENCE-UNCONFIRMED"
    assert seen.writes == []


# ---------------------------------------------------------------- D2: new there


def test_remote_datasets_get_folders_of_their_own(solo: Clone, live: Live) -> None:
    """The name lower-cased and hyphenated; taken: with the id's first characters; nothing left: these alone."""
    names = ["Tone of  Voice!", "tone-of-voice", "日本"]
    ids = [made_in_web(live, name, rows=1) for name in names]
    assert solo.push().exit == 0
    assert [one["name"] for one in live.datasets()] == names[::-1], "push alone takes nothing in"
    assert solo.pull().exit == 0
    slugs = ["tone-of-voice", f"tone-of-voice-{ids[1][:8]}", ids[2][:8]]
    for slug, name, number in zip(slugs, names, ids, strict=True):
        assert f"dataset={number}" in solo.read(f"datasets/{slug}/.skillsync")
        (row,) = lines(solo, f"datasets/{slug}/items.jsonl").values()
        assert row["id"].startswith("srv:")
        assert name in solo.read(f"datasets/{slug}/DATASET.md")
    solo.commit()
    assert is_silent(solo)


def test_a_dataset_outside_the_patterns_is_neither_pulled_nor_named(
    solo: Clone, live: Live
) -> None:
    made_in_web(live, "theirs", rows=1)
    config = solo.read("skillsync.toml")
    solo.write("skillsync.toml", config + 'datasets = ["ours-*"]\n')
    assert solo.pull().outcomes == []
    assert not (solo.path / "datasets").exists()


# ---------------------------------------------------------------- D3: on both sides, never linked


def test_equal_rows_are_linked_by_their_content_and_a_superset_as_well(
    solo: Clone, live: Live
) -> None:
    """Lines without id stay as they are; a line with another id takes the one of the row it is."""
    dataset = made_in_web(live, "cases", user="me", rows=2)
    born = [row["id"] for row in live.rows(dataset)]
    solo.dataset(
        "cases", [line("mine", "question 1"), '{"input": "question 0"}', line("more", "new here")]
    )
    solo.write(MD, "---\nname: cases\n---\n")
    report = solo.push()
    assert (report.exit, outcome(report, "cases").row) == (4, "D3"), "it would double a row"
    assert len(live.rows(dataset)) == 2
    report = solo.pull()
    assert report.exit == 0, report
    assert solo.read(ITEMS).split("\n")[:3] == [
        line(f"srv:{born[1]}", "question 1"),
        '{"input": "question 0"}',
        line("more", "new here"),
    ]
    assert any("got the id of the equal row" in note for note in report.notes)
    assert solo.push().exit == 0
    assert list(lines(solo)) == [f"srv:{born[1]}", f"srv:{born[0]}", "more"]
    assert list(inputs(live, dataset).values()) == ["question 0", "question 1", "new here"]
    assert is_silent(solo)


def test_a_line_that_has_the_row_already_is_the_one(solo: Clone, live: Live) -> None:
    """Its equal under another id is a row of its own, and is created."""
    dataset = made_in_web(live, "cases", user="me", rows=1)
    (born,) = (row["id"] for row in live.rows(dataset))
    solo.dataset("cases", [line("twin", "question 0"), line(f"srv:{born}", "question 0")])
    solo.write(MD, "---\nname: cases\n---\n")
    assert solo.pull().exit == 0
    assert list(lines(solo)) == ["twin", f"srv:{born}"]
    assert solo.push().exit == 0
    assert list(inputs(live, dataset)) == [f"srv:{born}", "twin"]


def test_rows_that_do_not_fit_are_left_to_a_person(solo: Clone, live: Live) -> None:
    dataset = made_in_web(live, "cases", rows=1)
    solo.dataset("cases", [line("a", "mine")])
    before = solo.files()
    for report in (solo.push(), solo.pull()):
        assert report.exit == 4
        assert (outcome(report, "cases").row, outcome(report, "cases").code) == (
            "D3",
            "E-UNRELATED",
        )
        assert f"--id UUID (one of {dataset})" in outcome(report, "cases").fix
    assert solo.files() == before
    assert list(inputs(live, dataset).values()) == ["question 0"]


@seed_only("names are unique")
def test_two_datasets_of_one_name_are_named_and_neither_is_taken(solo: Clone, live: Live) -> None:
    ids = [made_in_web(live, "cases", user="me") for _ in range(2)]
    solo.dataset("cases", numbered(1))
    for report in (solo.push(), solo.pull()):
        assert report.exit == 4
        assert all(number in outcome(report, "cases").fix for number in ids)
    assert solo.adopt("cases", dataset_id=ids[1]).exit == 0
    with pytest.raises(UsageError, match="linked already"):
        solo.adopt("cases")
    patched(live, ids[1], description="Rows of cases.")
    assert solo.push().exit == 0
    assert [len(live.rows(number)) for number in ids] == [0, 1]


def test_adopt_by_each_way(solo: Clone, live: Live) -> None:
    """--local: the file is what counts; --remote: the server; --merge: equal rows are one, the rest is compared."""
    ids = {way: made_in_web(live, str(way), user="web", rows=2) for way in Way}
    given = [line("mine", "question 0"), line("other", "only here")]
    for way in Way:
        slug = str(way)
        solo.dataset(slug, given)
        live.add_row(ids[way], input="theirs", metadata={"skillsync_id": "both"})
        path = f"datasets/{slug}/items.jsonl"
        solo.write(path, solo.read(path) + line("both", "ours") + "\n")
        assert solo.adopt(slug, way).exit == 0, way
    found = {way: lines(solo, f"datasets/{way}/items.jsonl") for way in Way}
    first = {way: f"srv:{live.rows(ids[way])[0]['id']}" for way in Way}
    second = {way: f"srv:{live.rows(ids[way])[1]['id']}" for way in Way}
    merge, local, remote = Way.MERGE, Way.LOCAL, Way.REMOTE
    assert list(found[merge]) == [first[merge], "other", "both"]
    assert list(found[local]) == [first[local], "other", "both"]
    assert {key: row["input"] for key, row in found[remote].items()} == {
        first[remote]: "question 0", second[remote]: "question 1", "both": "theirs"
    }  # fmt: skip
    pulled = by_subject(solo.pull())
    assert pulled["merge:both"].row == "I4"
    assert "local:both" not in pulled
    report = by_subject(solo.push())
    assert report[f"local:{second[local]}"].code == "N-PENDING-REMOVAL"
    assert inputs(live, ids[local])["both"] == "ours"
    assert inputs(live, ids[local])["other"] == "only here"
    assert inputs(live, ids[remote])["both"] == "theirs"
    assert inputs(live, ids[merge])["both"] == "theirs"
    assert set(lines(solo, "datasets/merge/items.jsonl")) == {
        first[merge], second[merge], "other", "both",
    }  # fmt: skip
    from skillsync.repo.rescue import Rescue

    rescue = Rescue(solo.workspace.repo)
    kept = [rescue.show(one.id, file.path) for one in rescue.list() for file in one.files]
    assert any(b"only here" in data for data in kept)


# ---------------------------------------------------------------- D4: removed here


def test_a_removed_folder_is_pending_until_it_is_named(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(3))
    shutil.rmtree(solo.path / "datasets")
    for _ in ("in the working tree", "and committed"):
        report = solo.push()
        assert report.exit == 0
        pull = solo.pull()
        assert (pull.exit, pull.changed) == (0, 0)
        assert not (solo.path / "datasets").exists(), "it does not come back"
        assert dataset_id(live) == dataset
        solo.commit("cases are gone")
    with pytest.raises(Exception, match="3 of 3 rows"):
        solo.push(archive=["cases"])
    report = solo.push(archive=["cases"], max_removals=3)
    assert (outcome(report, "cases").row, outcome(report, "cases").did) == (
        "D4",
        "archived remotely",
    )
    assert live.datasets() == []
    assert len(live.rows(dataset)) == 3, "the rows stay as the server keeps them"
    assert is_silent(solo)


def test_a_removed_folder_whose_rows_were_edited_is_a_conflict(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    live.patch_row(live.row(dataset, "k001")["id"], input="edited in the page")
    shutil.rmtree(solo.path / "datasets")
    report = solo.push(archive=["cases"], max_removals=2)
    assert outcome(report, "cases").code == "E-DELETED-BUT-EDITED"
    assert report.exit == 4
    assert dataset_id(live) == dataset


def test_a_team_that_removed_a_folder_does_not_get_it_back(team: Clone, live: Live) -> None:
    """CI writes no pointer: there the dataset says which folder it was, and a commit that there was one."""
    team.dataset("cases", numbered(2))
    team.dataset("kept", [line("x", 1)])
    team.commit()
    assert team.push().exit == 0
    dataset = dataset_id(live)
    shutil.rmtree(team.path / "datasets/cases")
    team.commit("cases are gone")
    assert team.pull().exit == 0
    assert not (team.path / ITEMS).exists()
    report = team.push()
    assert (report.exit, outcome(report, "cases").code) == (0, "N-PENDING-REMOVAL")
    live.patch_row(live.row(dataset, "k001")["id"], input="edited in the page")
    report = team.push(archive=["cases"], max_removals=2)
    assert (report.exit, outcome(report, "cases").code) == (4, "E-DELETED-BUT-EDITED")
    live.patch_row(live.row(dataset, "k001")["id"], input="question 1")
    assert team.push(archive=["cases"], max_removals=2).exit == 0
    assert [one["name"] for one in live.datasets()] == ["kept"]


# ---------------------------------------------------------------- D5: gone there


def test_a_dataset_removed_remotely_is_looked_for_twice_and_pruned_by_word(
    solo: Clone, live: Live
) -> None:
    published(solo, numbered(3))
    solo.dataset("other", [line("x", 1)])
    solo.push()
    solo.commit()
    patched(live, dataset_id(live), deleted=True)
    before = solo.files()
    report = solo.push()
    assert (report.exit, outcome(report, "cases").row) == (0, "D5")
    assert solo.clock.slept == [5.0]
    assert len(live.datasets()) == 1, "it is not created again"
    report = solo.pull()
    assert (report.exit, outcome(report, "cases").code) == (0, "N-ARCHIVED")
    assert solo.files() == before
    report = solo.pull(prune=True)
    assert report.exit == 6, "all of its rows"
    assert solo.pull(prune=True, max_removals=3).exit == 0
    assert not (solo.path / MD).exists()
    assert not (solo.path / ROWS).exists()
    assert solo.push().exit == 0
    assert len(live.datasets()) == 1


@pytest.mark.parametrize("large_from", [1, 1_000_000])
def test_a_dataset_removed_remotely_is_let_go_by_word(
    solo: Clone, live: Live, large_from: int
) -> None:
    solo.large_from = large_from
    published(solo, numbered(2))
    patched(live, dataset_id(live), deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    assert solo.resolve("cases", Choice.REMOTE).exit == 0
    assert not (solo.path / ITEMS).exists()
    assert not (solo.path / MD).exists()
    refs = solo.git("for-each-ref", "--format=%(refname)", "refs/skillsync/rescue/").split()
    assert any("edited" in solo.git("grep", "-h", "edited", ref) for ref in refs)


@seed_only("an archived name stays taken")
def test_a_dataset_edited_here_and_removed_there_is_a_conflict(solo: Clone, live: Live) -> None:
    published(solo, numbered(2))
    patched(live, dataset_id(live), deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    seen = wrapped(solo)
    seen.made.clear()
    for report in (solo.push(), solo.pull()):
        assert report.exit == 4
        assert outcome(report, "cases").code == "E-EDITED-BUT-ARCHIVED"
    assert seen.writes == []
    assert solo.resolve("cases", Choice.LOCAL).exit == 0
    solo.commit("once more")
    assert outcome(solo.push(), "cases").did == "created with 2 rows"
    assert inputs(live, dataset_id(live)) == {"k000": "question 0", "k001": "edited"}
    assert is_silent(solo)


def test_a_dataset_that_comes_back_in_the_second_list_is_not_gone(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    patched(live, dataset, deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    slept = solo.clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        patched(live, dataset, deleted=False)

    solo.clock.sleep = sleep  # type: ignore[method-assign]  # the world moves while it waits
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k001"] == "edited"


def test_all_datasets_gone_at_once_is_no_removal(solo: Clone, live: Live) -> None:
    for slug in ("one", "two"):
        solo.dataset(slug, [line(slug, 1)])
    solo.push()
    solo.commit()
    for one in live.datasets():
        patched(live, one["id"], deleted=True)
    before = solo.files()
    for run in (solo.push, solo.pull):
        with pytest.raises(Exception, match="no dataset at all"):
            run()
    assert solo.files() == before


# ---------------------------------------------------------------- D6: name, description, metadata


def test_the_fields_of_a_dataset_merge_by_key(solo: Clone, live: Live) -> None:
    """Each side's own edits are taken; the same key on both sides needs a person; our own entry stays."""
    solo.dataset("cases", numbered(1))
    solo.write(MD, "---\nname: cases\nmetadata:\n  a: 1\n  b: 1\n---\n\nText.\n")
    solo.push()
    solo.commit()
    dataset = dataset_id(live)
    solo.replace(MD, "  a: 1", "  a: 2")
    assert "updated" in outcome(solo.push(), "cases").did
    ours = {"skillsync": {"slug": "cases"}}
    assert live.datasets()[0]["metadata"] == {"a": 2, "b": 1, **ours}
    solo.commit()
    patched(live, dataset, metadata={"a": 2, "b": 3, **ours}, name="Renamed in the page")
    assert solo.push().exit == 0
    solo.replace(MD, "Text.", "Text, edited here.")
    assert outcome(solo.push(), "cases").exit == 3
    assert solo.pull().exit == 0
    text = solo.read(MD)
    assert "b: 3" in text
    assert "name: Renamed in the page" in text
    assert "Text, edited here." in text
    assert solo.push().exit == 0
    assert live.datasets()[0]["description"] == "Text, edited here."
    solo.commit()
    patched(live, dataset, description="From the page")
    solo.replace(MD, "edited here", "edited again")
    report = solo.pull()
    assert (report.exit, outcome(report, "cases").row) == (4, "D6")
    assert solo.resolve("cases", Choice.LOCAL).exit == 0
    assert solo.push().exit == 0
    assert live.datasets()[0]["description"] == "Text, edited again."
    assert is_silent(solo)


@seed_only("metadata is a mapping")
def test_metadata_that_is_no_mapping_stays_on_the_server(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(1))
    patched(live, dataset, metadata=["not", "a mapping"])
    report = solo.pull()
    assert report.exit == 0
    assert any("is no mapping" in note for note in report.notes)
    solo.replace(MD, "Rows of", "All rows of")
    assert solo.push().exit == 0
    (found,) = live.datasets()
    assert (found["metadata"], found["description"]) == (["not", "a mapping"], "All rows of cases.")


# ---------------------------------------------------------------- folders


def test_a_moved_folder_is_the_same_dataset(solo: Clone, live: Live) -> None:
    """With and without a commit in between; the base of a row is found where the folder was."""
    dataset = published(solo, [line("a", 1, output=1, metadata={"m": 1}), line("b", 1)])
    (solo.path / "datasets/cases").rename(solo.path / "datasets/moved")
    solo.write("datasets/moved/DATASET.md", "---\nname: cases\n---\n\nRows of cases.\n")
    assert is_silent(solo)
    solo.commit("moved")
    assert is_silent(solo)
    moved = "datasets/moved/items.jsonl"
    solo.replace(moved, '"output": 1', '"output": 2')
    solo.commit("edited after the move")
    live.patch_row(live.row(dataset, "a")["id"], metadata={"skillsync_id": "a", "m": 2})
    assert solo.push().exit == 3
    assert solo.pull().exit == 0
    assert lines(solo, moved)["a"] == {"id": "a", "input": 1, "output": 2, "metadata": {"m": 2}}
    assert solo.push().exit == 0
    assert len(live.datasets()) == 1


def test_a_copied_folder_is_a_new_dataset_unless_it_has_the_same_name(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(2))
    shutil.copytree(solo.path / "datasets/cases", solo.path / "datasets/copy")
    seen = wrapped(solo)
    seen.made.clear()
    report = solo.push()
    assert report.exit == 1
    assert {one.subject for one in report.outcomes} == {"cases", "copy"}
    assert seen.writes == []
    solo.replace("datasets/copy/DATASET.md", "name: cases", "name: copy")
    drop_line(solo, "k001", "datasets/copy/items.jsonl")
    report = solo.push()
    assert outcome(report, "copy").did == "created with 1 row"
    assert set(inputs(live, dataset)) == {"k000", "k001"}, "the first keeps its rows"
    assert set(inputs(live, dataset_id(live, "copy"))) == {"k000"}
    solo.commit()
    assert is_silent(solo)


def test_a_folder_without_pointer_and_of_another_name_is_a_new_dataset(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(2))
    (solo.path / POINTER).unlink()
    (solo.path / ROWS).unlink(missing_ok=True)
    solo.replace(MD, "name: cases", "name: second edition")
    solo.commit("detached")
    assert outcome(solo.push(), "cases").did == "created with 2 rows"
    assert dataset_id(live) == dataset
    assert dataset_id(live, "second edition") != dataset
    assert len(live.rows(dataset)) == 2


def test_a_folder_in_the_way_is_not_written_into(solo: Clone, live: Live) -> None:
    number = made_in_web(live, "notes", rows=1)
    solo.write("datasets/notes/todo.txt", "mine\n")
    (solo.path / "datasets/empty").mkdir()
    made_in_web(live, "empty")
    assert solo.pull().exit == 0
    assert solo.read("datasets/notes/todo.txt") == "mine\n"
    assert not (solo.path / "datasets/notes/items.jsonl").exists()
    assert len(lines(solo, f"datasets/notes-{number[:8]}/items.jsonl")) == 1
    assert (solo.path / "datasets/empty/DATASET.md").exists()


def test_lost_pointer_files_come_back_from_history(solo: Clone, live: Live) -> None:
    """Rebuild (sync.md 5.3): nothing removed once is created again, nothing edited is published over."""
    dataset = published(solo, numbered(3))
    live.patch_row(live.row(dataset, "k001")["id"], input="edited in the page")
    live.patch_row(live.row(dataset, "k002")["id"], deleted=True)
    (solo.path / POINTER).unlink()
    (solo.path / ROWS).unlink(missing_ok=True)
    solo.commit("the pointer files are lost")
    seen = wrapped(solo)
    seen.made.clear()
    assert solo.push().exit == 0
    assert seen.writes == []
    assert solo.pull().exit == 0
    assert {key: row["input"] for key, row in lines(solo).items()} == {
        "k000": "question 0", "k001": "edited in the page",
    }  # fmt: skip
    assert is_silent(solo)
