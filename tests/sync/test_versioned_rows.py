"""What only a server with row versions has: guarded writes, bases by revision, unique keys, limits (sync.md 7.3, 10)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.errors import RefusedForSafety
from skillsync.server.quotas import Quota
from skillsync.sync.resolve import Choice
from tests.sync.dataset_steps import (
    ITEMS,
    POINTER,
    ROWS,
    by_subject,
    dataset_id,
    drop_line,
    inputs,
    is_request,
    is_silent,
    line,
    lines,
    numbered,
    published,
    wrapped,
)
from tests.sync.harness import Clone, Live, LiveCurrent, new_clone, outcome

LATER = pytest.mark.slow


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    server = LiveCurrent(tmp_path, quota=Quota(datasets=3, items=70, versions=10, bytes=500))
    yield server
    server.close()


@pytest.fixture
def solo(live: Live, tmp_path: Path) -> Clone:
    return new_clone(live, tmp_path / "solo")


@pytest.fixture
def team(live: Live, tmp_path: Path) -> Clone:
    return new_clone(live, tmp_path / "team", team="main")


def once(clone: Clone, method: str, part: str, act: Callable[[], None]) -> None:
    """Let somebody act right before one request of the clone is answered."""
    done: list[bool] = []

    def before(request: httpx.Request) -> None:
        if not done and is_request(request, method, part):
            done.append(True)
            act()

    wrapped(clone).before = before


def pointer_words(clone: Clone) -> dict[str, str]:
    """Return the words of the pointer line that have a name."""
    return dict(word.split("=", 1) for word in clone.read(POINTER).split() if "=" in word)


def base_lines(clone: Clone) -> dict[str, str]:
    """Return the row bases by key."""
    path = clone.path / ROWS
    found = path.read_text().splitlines() if path.exists() else []
    return {text.split("\t")[1]: text.split("\t")[2] for text in found}


def forget(clone: Clone) -> None:
    """Delete every cache (P7)."""
    shutil.rmtree(clone.path / ".git/skillsync", ignore_errors=True)


# ---------------------------------------------------------------- what it costs


def test_one_changed_row_costs_its_own_request_and_the_list(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(60))
    seen = wrapped(solo)
    solo.replace(ITEMS, "question 31", "edited")
    seen.made.clear()
    assert outcome(solo.push(), "cases").did == "1 row updated"
    assert [method for method, _ in seen.made] == ["GET", "PATCH"]
    assert inputs(live, dataset)["k031"] == "edited"
    solo.commit()
    seen.made.clear()
    assert solo.push().outcomes == solo.pull().outcomes == []
    assert {method for method, _ in seen.made} == {"GET"}
    assert not [path for _, path in seen.made if "dataset_items" in path]


@LATER
def test_a_clone_without_caches_lists_the_pages_and_decides_the_same(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(60))
    solo.replace(ITEMS, "question 31", "edited")
    solo.commit()
    fresh = solo.clone(solo.path.parent / "fresh")
    seen = wrapped(fresh)
    assert outcome(fresh.push(), "cases").did == "1 row updated"
    assert len(seen.made) == 1 + 3 + 1
    assert inputs(live, dataset)["k031"] == "edited"
    fresh.commit()
    live.patch_row(live.row(dataset, "k002")["id"], input="of the page")
    for clone in (fresh, solo):
        forget(clone)
        assert clone.pull().exit == 0
        assert lines(clone)["k002"]["input"] == "of the page"
        assert lines(clone)["k031"]["input"] == "edited"


# ---------------------------------------------------------------- guarded writes


@pytest.mark.parametrize("reset", [False, True], ids=["edited", "edited and back"])
def test_an_edit_in_the_moment_of_an_update_is_not_overwritten(
    solo: Clone, live: Live, reset: bool
) -> None:
    dataset = published(solo, numbered(2))
    item = live.row(dataset, "k001")["id"]

    def act() -> None:
        live.patch_row(item, input="of the page")
        if reset:
            live.patch_row(item, input="question 1")

    once(solo, "PATCH", "dataset_items/", act)
    solo.replace(ITEMS, "question 1", "edited")
    solo.replace(ITEMS, "question 0", "mine")
    report = solo.push()
    assert report.exit == 3
    assert by_subject(report)["cases:k001"].row == "I9"
    assert inputs(live, dataset) == {
        "k000": "mine",
        "k001": "question 1" if reset else "of the page",
    }


@LATER
def test_what_is_archived_in_the_moment_of_an_update_is_a_conflict(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    item = live.row(dataset, "k001")["id"]
    once(solo, "PATCH", "dataset_items/", lambda: live.patch_row(item, deleted=True))
    solo.replace(ITEMS, "question 1", "edited")
    report = solo.push()
    assert by_subject(report)["cases:k001"].row == "I14"
    assert set(inputs(live, dataset)) == {"k000"}
    once(solo, "POST", "archive/", lambda: live.patch_row(kept, input="of the page"))
    kept = live.row(dataset, "k000")["id"]
    drop_line(solo, "k000")
    report = solo.push(archive=["cases:k000"])
    assert by_subject(report)["cases:k000"].exit == 3
    assert inputs(live, dataset) == {"k000": "of the page"}


def test_a_row_that_was_changed_and_changed_back_needs_a_pull_first(
    solo: Clone, live: Live
) -> None:
    """B5: equal content is not taken in; the pull changes no line."""
    dataset = published(solo, numbered(2))
    item = live.row(dataset, "k001")["id"]
    live.patch_row(item, input="for a while")
    live.patch_row(item, input="question 1")
    solo.replace(ITEMS, "question 1", "edited")
    before = solo.read(ITEMS)
    report = solo.push()
    assert (report.exit, by_subject(report)["cases:k001"].code) == (3, "E-REMOTE-AHEAD")
    assert solo.pull().exit == 0
    assert solo.read(ITEMS) == before
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k001"] == "edited"


@LATER
@pytest.mark.parametrize("applied", [False, True], ids=["never arrived", "answer lost"])
def test_an_update_without_an_answer_is_looked_at_and_sent_once_more(
    solo: Clone, live: Live, applied: bool
) -> None:
    dataset = published(solo, numbered(2))
    solo.replace(ITEMS, "question 1", "edited")
    seen = wrapped(solo)
    lost: list[str] = []

    def lose(request: httpx.Request) -> None:
        if request.method == "PATCH" and not lost:
            lost.append(str(request.url))
            if applied:
                seen.inner.handle_request(request)
            raise httpx.ReadError("reset", request=request)

    seen.before = lose
    seen.made.clear()
    assert outcome(solo.push(), "cases").did == "1 row updated"
    assert len([one for one in seen.made if one[0] == "PATCH"]) == 1 + (not applied)
    assert inputs(live, dataset)["k001"] == "edited"
    assert is_silent(solo)


# ---------------------------------------------------------------- keys


def test_a_key_is_a_field_of_its_own_and_numbers_have_one_form(solo: Clone, live: Live) -> None:
    """A repeated creation is the same to the server whatever the numbers look like (datasets-api.md 3.3)."""
    given = [
        '{"id": "a", "input": 1e22, "expected_output": [-0.0, 2.50], "metadata": {"m": 100.0}}',
        '{"id": "b", "input": {"q": 1}, "metadata": {}}',
    ]
    dataset = published(solo, given)
    rows = {row["client_item_id"]: row for row in live.rows(dataset)}
    assert rows["a"]["input"] == 10**22
    assert rows["a"]["expected_output"] == [0, 2.5]
    assert rows["a"]["metadata"] == {"skillsync_id": "a", "m": 100}
    assert solo.read(ITEMS) == "".join(f"{text}\n" for text in given)
    assert is_silent(solo)
    seen = wrapped(solo)
    solo.replace(ITEMS, "[-0.0, 2.50]", "[-0.0, 3]")
    sent: list[Any] = []
    seen.before = lambda request: (
        sent.append(json.loads(request.content)) if request.method == "PATCH" else None
    )
    solo.push()
    assert sent == [{"expected_output": [0, 3], "base_version": 1}]


@LATER
def test_a_key_that_is_taken_meanwhile_is_linked_or_left_to_a_person(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(1))

    def act() -> None:
        live.add_row(dataset, input="same", metadata={"skillsync_id": "equal"})
        live.add_row(dataset, input="other", metadata={"skillsync_id": "taken"})

    once(solo, "POST", "dataset_items/", act)
    solo.write(ITEMS, solo.read(ITEMS) + line("equal", "same") + "\n" + line("taken", "x") + "\n")
    report = solo.push()
    assert report.exit == 4
    assert by_subject(report)["cases:taken"].row == "I4"
    assert inputs(live, dataset) == {"k000": "question 0", "equal": "same", "taken": "other"}
    assert solo.pull().exit == 4
    solo.resolve("cases:taken", Choice.LOCAL)
    assert solo.push().exit == 0
    assert inputs(live, dataset)["taken"] == "x"
    assert is_silent(solo)


@LATER
def test_an_archived_row_whose_key_was_never_ours_comes_back_as_the_line_has_it(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(1))
    born = live.add_row(dataset, input="long ago", metadata={"skillsync_id": "k"})
    live.patch_row(born["id"], deleted=True)
    solo.write(ITEMS, solo.read(ITEMS) + line("k", "new") + "\n")
    assert outcome(solo.push(), "cases").did == "1 row created"
    row = live.row(dataset, "k")
    assert (row["id"], row["input"]) == (born["id"], "new")
    assert pointer_words(solo)["rev"] == str(row["dataset_revision"])
    assert is_silent(solo)


@pytest.mark.parametrize("then", ["push", "pull"])
def test_a_row_in_conflict_that_is_archived_waits_for_a_person_and_is_not_made_again(
    solo: Clone, live: Live, then: str
) -> None:
    dataset = published(solo, numbered(2))
    item = live.add_row(dataset, input="of the page", metadata={"skillsync_id": "new"})
    solo.write(ITEMS, solo.read(ITEMS) + line("new", "mine") + "\n")
    assert solo.pull().exit == 4
    assert base_lines(solo) == {"new": "@0"}
    seen = pointer_words(solo)["rev"]
    live.patch_row(item["id"], deleted=True)
    forget(solo)
    for verb in (solo.push, solo.pull) if then == "push" else (solo.pull, solo.push):
        assert verb().exit == 4
        forget(solo)
    assert "new" not in inputs(live, dataset)
    assert base_lines(solo) == {"new": f"@{seen}"}
    assert solo.resolve("cases:new", Choice.LOCAL).exit == 0
    assert base_lines(solo) == {"new": "@0"}
    forget(solo)
    assert outcome(solo.push(), "cases").did == "1 row created"
    assert live.row(dataset, "new")["input"] == "mine"
    assert is_silent(solo)


def test_a_row_that_was_let_in_again_is_not_asked_about_twice(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    solo.replace(ITEMS, "question 1", "mine")
    live.patch_row(live.row(dataset, "k001")["id"], deleted=True)
    assert solo.pull().exit == 4
    assert solo.resolve("cases:k001", Choice.LOCAL).exit == 0
    live.add_row(dataset, input="elsewhere", metadata={"skillsync_id": "other"})
    assert solo.pull().exit == 0  # the pointer goes on to a later revision
    forget(solo)
    assert outcome(solo.push(), "cases").did == "1 row created"
    assert live.row(dataset, "k001")["input"] == "mine"


# ---------------------------------------------------------------- what the pointer says


def test_only_rows_that_lag_behind_have_a_line(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(4))
    assert pointer_words(solo)["rev"] == "4"
    assert not (solo.path / ROWS).exists()
    live.patch_row(live.row(dataset, "k001")["id"], input="of the page")  # 5
    live.add_row(dataset, input="foreign", metadata={"skillsync_id": "new"})  # 6
    solo.replace(ITEMS, "question 1", "edited")
    solo.replace(ITEMS, "question 2", "mine")
    assert solo.push().exit == 3  # 7
    assert pointer_words(solo)["rev"] == "7"
    assert base_lines(solo) == {"k001": "@4", "new": "@0"}
    forget(solo)
    assert solo.pull().exit == 4
    assert base_lines(solo) == {"k001": "@4"}
    assert lines(solo)["new"]["input"] == "foreign"
    forget(solo)
    (conflict,) = by_subject(solo.pull())["cases:k001"].conflicts[:1]
    assert "question 1" in (conflict.base or "")
    assert solo.resolve("cases:k001", Choice.REMOTE).exit == 0
    assert not (solo.path / ROWS).exists()
    assert is_silent(solo)


@LATER
def test_foreign_writes_between_ours_cost_a_line_each_and_nothing_else(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(3))
    foreign = live.row(dataset, "k000")["id"]
    writes: list[int] = []

    def before(request: httpx.Request) -> None:
        if request.method == "PATCH":
            writes.append(1)
            live.patch_row(foreign, input=f"foreign {len(writes)}")

    wrapped(solo).before = before
    solo.replace(ITEMS, "question 1", "one")
    solo.replace(ITEMS, "question 2", "two")
    assert outcome(solo.push(), "cases").did == "2 rows updated"
    wrapped(solo).before = None
    assert pointer_words(solo)["rev"] == "3"
    assert base_lines(solo) == {"k001": "@5", "k002": "@7"}
    forget(solo)
    assert outcome(solo.pull(), "cases").did == "1 row updated"
    assert lines(solo)["k000"]["input"] == "foreign 2"
    assert base_lines(solo) == {}
    assert is_silent(solo)


@LATER
def test_a_server_that_went_back_is_refused(solo: Clone, live: Live) -> None:
    published(solo, numbered(2))
    solo.replace(POINTER, "rev=2", "rev=9")
    solo.commit("as if the server had been set back")
    for run in (solo.push, solo.pull):
        said = outcome(run(), "cases")
        assert said.exit == 6
        assert "went backwards" in said.message
    assert lines(solo)["k001"]["input"] == "question 1"


@LATER
def test_a_pointer_of_the_other_generation_stops_the_dataset(solo: Clone, live: Live) -> None:
    """After an upgrade nothing is there under its id any more, which is no reason to remove anything."""
    published(solo, numbered(2))
    solo.replace(POINTER, "rev=2", "rev=g1")
    solo.write(ROWS, "")
    solo.commit("as if the server had been upgraded")
    before = solo.files()
    seen = wrapped(solo)
    seen.made.clear()
    for run in (solo.push, solo.pull):
        said = outcome(run(), "cases")
        assert said.exit in {1, 6}
    assert seen.writes == []
    assert solo.files() == before


@LATER
def test_a_team_pushes_from_fresh_clones_and_knows_its_own_rows(team: Clone, live: Live) -> None:
    team.dataset("cases", numbered(3))
    team.commit()
    assert team.push().exit == 0
    team.pull()
    team.commit("pointer")
    dataset = dataset_id(live)
    old = "question 1"
    for number, word in enumerate(("first", "second", "third")):
        words = f"{word} edit"
        team.replace(ITEMS, old, words)
        old = words
        team.commit(word)
        job = team.clone(team.path.parent / f"ci{number}")
        assert outcome(job.push(), "cases").did == "1 row updated"
        assert inputs(live, dataset)["k001"] == words
        assert job.push().outcomes == []
    live.patch_row(live.row(dataset, "k001")["id"], input="of the page")
    team.replace(ITEMS, "third edit", "fourth edit")
    team.commit("fourth")
    assert team.clone(team.path.parent / "late").push().exit == 3
    assert inputs(live, dataset)["k001"] == "of the page"


# ---------------------------------------------------------------- limits


def test_what_would_be_over_is_said_before_anything_is_sent(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(60))
    gone = live.row(dataset, "k000")["id"]
    live.patch_row(gone, deleted=True)
    solo.pull()
    more = "".join(line(f"m{number}", number) + "\n" for number in range(12))
    solo.write(ITEMS, solo.read(ITEMS) + more)
    seen = wrapped(solo)
    seen.made.clear()
    said = outcome(solo.push(), "cases")
    assert said.code == "E-QUOTA"
    assert "60 rows, 1 of them archived" in said.message
    assert "2 more than the 70" in said.message
    solo.write(ITEMS, solo.read(ITEMS).replace(more, line("big", "x" * 600) + "\n"))
    said = outcome(solo.push(), "cases")
    assert "row big: its content has 6" in said.message
    assert "more than the 500" in said.message
    assert seen.writes == []


@LATER
def test_rows_with_few_versions_left_are_named_and_full_ones_fail_alone(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(3))
    item = live.row(dataset, "k001")["id"]
    for number in range(8):
        live.patch_row(item, input=f"edit {number}")
    solo.pull()
    (note,) = [one for one in solo.status().notes if "versions left" in one]
    assert "k001 (1)" in note
    live.patch_row(item, input="the last one")
    solo.pull()
    solo.replace(ITEMS, "the last one", "one too many")
    solo.replace(ITEMS, "question 2", "fine")
    seen = wrapped(solo)
    seen.made.clear()
    with pytest.raises(RefusedForSafety, match=r"cases:k001 \(10 versions of 10\)"):
        solo.push(all_or_nothing=True)
    assert seen.writes == []
    report = solo.push()
    said = by_subject(report)["cases:k001"]
    assert said.code == "E-QUOTA"
    assert "10 versions of the 10" in said.message
    assert len(seen.writes) == 1
    assert inputs(live, dataset)["k002"] == "fine"


@LATER
def test_a_dataset_too_many_is_not_created(solo: Clone, live: Live) -> None:
    for slug in ("one", "two", "three", "four"):
        solo.dataset(slug, numbered(1))
    seen = wrapped(solo)
    report = solo.push()
    codes = sorted(one.code for one in report.outcomes if one.exit)
    assert codes == ["E-QUOTA"]
    assert len(live.datasets()) == 3
    assert len([one for one in seen.writes if one[1].endswith("/datasets/")]) == 3


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('{"id": "x", "input": null}', "input"),
        ('{"id": "x", "input": 1, "metadata": [1]}', "metadata"),
        ('{"id": "x", "input": 1, "source_trace_id": "t"}', "source_timestamp"),
        ('{"id": "x", "input": 1, "source_event_id": "t"}', "source_trace_id"),
    ],
)
@LATER
def test_what_the_server_cannot_store_is_refused_before_any_write(
    solo: Clone, live: Live, row: str, why: str
) -> None:
    solo.dataset("cases", [*numbered(1), row])
    seen = wrapped(solo)
    said = outcome(solo.push(), "cases")
    assert why in said.message
    assert f"{ITEMS}:2" in said.message
    assert seen.writes == []


@LATER
def test_a_field_that_cannot_be_changed_says_so_and_the_other_rows_go_on(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, [line("a", 1, source_output="x"), line("b", 1)])
    solo.replace(ITEMS, '"source_output": "x"', '"source_output": "y"')
    solo.replace(ITEMS, '{"id": "b", "input": 1}', '{"id": "b", "input": 2}')
    report = solo.push()
    said = by_subject(report)["cases:a"]
    assert (said.exit, said.row) == (1, "I6")
    assert "another id" in said.fix
    assert inputs(live, dataset) == {"a": 1, "b": 2}


# ---------------------------------------------------------------- what is said of it


def test_status_says_which_guarantee_applies(solo: Clone, live: Live) -> None:
    published(solo, numbered(1))
    found = solo.status()
    assert found.servers["datasets"] == "newer generation, with row versions"
    (datasets,) = [one for one in found.guarantees if one.startswith("datasets")]
    assert "only written over the version that was taken in" in datasets


@LATER
def test_an_archived_dataset_comes_back_by_its_id(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    live.patch_dataset(dataset, deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    assert outcome(solo.push(), "cases").code == "E-EDITED-BUT-ARCHIVED"
    assert solo.resolve("cases", Choice.LOCAL).exit == 0
    solo.commit("once more")
    said = outcome(solo.push(), "cases")
    assert (said.code, dataset in said.fix) == ("E-NAME-TAKEN", True)
    assert live.datasets() == []
    assert solo.adopt("cases", dataset_id=dataset).exit == 0
    assert solo.pull().exit == 4
    solo.resolve("cases:k001", Choice.LOCAL)
    assert solo.push().exit == 0
    assert inputs(live, dataset) == {"k000": "question 0", "k001": "edited"}
    assert is_silent(solo)


# ---------------------------------------------------------------- what nobody can do with the API


@pytest.mark.parametrize(
    "state",
    [
        "committed",
        pytest.param("dirty", marks=pytest.mark.soak),
        pytest.param("detached", marks=pytest.mark.soak),
    ],
)
def test_an_erased_row_is_left_to_a_person(solo: Clone, live: Live, state: str) -> None:
    """I17: neither here nor among what is archived there; it is no archiving, so that no line goes for it."""
    from skillsync.server.versioned_models import VersionedItem

    dataset = published(solo, numbered(4))
    VersionedItem.objects.filter(pk=live.row(dataset, "k001")["id"]).delete()
    live.patch_row(live.row(dataset, "k003")["id"], input="edited there")
    solo.replace(ITEMS, '"question 2"', '"edited here"')
    if state != "dirty":
        solo.commit(state)
    if state == "detached":
        solo.git("checkout", "-q", "--detach")
    for report in (solo.push(), solo.pull()):
        about = outcome(report, "cases:k001")
        assert (about.row, about.code, about.exit) == ("I17", "E-ERASED", 1)
    shown = next(one for one in solo.conflicts() if one.subject == "cases:k001")
    assert (shown.code, shown.exit, len(shown.conflicts)) == ("E-ERASED", 4, 1)
    assert live.row(dataset, "k002")["input"] == "edited here"
    assert '"k001"' in solo.read(ITEMS)
    assert "edited there" in solo.read(ITEMS)


def erased(live: Live, dataset: str, key: str) -> None:
    from skillsync.server.versioned_models import VersionedItem

    VersionedItem.objects.filter(pk=live.row(dataset, key)["id"]).delete()


@pytest.mark.parametrize("way", [Choice.LOCAL, Choice.REMOTE])
@pytest.mark.parametrize("pulled", ["", "pulled", "pulled and committed"])
def test_the_others_go_on_past_an_erased_row_until_a_person_has_decided(
    solo: Clone, live: Live, pulled: str, way: Choice
) -> None:
    """I17: no revision of the server has it any more; what was taken in of it is known from the files, cache or not."""
    dataset = published(solo, numbered(4))
    erased(live, dataset, "k001")
    if pulled:
        live.patch_row(live.row(dataset, "k003")["id"], input="edited there")
        assert outcome(solo.pull(), "cases:k001").code == "E-ERASED"
    if "committed" in pulled:
        solo.commit("pulled")
    solo.replace(ITEMS, '"question 2"', '"edited here"')
    shutil.rmtree(solo.path / ".git/skillsync")
    report = solo.push()
    assert (outcome(report, "cases:k001").code, report.exit) == ("E-ERASED", 5)
    assert live.row(dataset, "k002")["input"] == "edited here"
    assert "resolve cases:k001" in outcome(report, "cases:k001").fix
    assert solo.resolve("cases:k001", way).exit == 0
    assert solo.push().exit == 0
    is_back = way is Choice.LOCAL
    assert ("k001" in inputs(live, dataset), '"k001"' in solo.read(ITEMS)) == (is_back, is_back)
    assert is_silent(solo)


def test_what_was_erased_without_a_trace_is_named(solo: Clone, live: Live) -> None:
    """The file never had it as it was taken in, so that nobody knows what it was: a person links what is left."""
    dataset = published(solo, numbered(3))
    live.patch_row(live.row(dataset, "k001")["id"], input="edited there")
    assert solo.pull().exit == 0
    solo.replace(ITEMS, "edited there", "edited here")
    solo.commit("pulled and edited")
    shutil.rmtree(solo.path / ".git/skillsync")
    erased(live, dataset, "k001")
    report = solo.push()
    assert report.exit == 6
    assert "k001" in outcome(report, "cases").message
    assert "erased" in outcome(report, "cases").message
    assert f"adopt cases --id {dataset}" in outcome(report, "cases").fix
    assert solo.adopt("cases", dataset_id=dataset).exit == 0
    solo.commit("linked anew")
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k001"] == "edited here"
    assert is_silent(solo)
