"""log, show and diff NAME@N of datasets: revisions where the server keeps them, and what works instead where not."""

from __future__ import annotations

import pytest

from skillsync.errors import NotFound, UsageError
from skillsync.sync.log import Log, log
from skillsync.sync.report import Report
from skillsync.sync.revision import parse_revision
from skillsync.sync.show import ShownRows, show
from skillsync.sync.version_diff import VersionDiff, diff_versions
from tests.sync.dialects import current_only, seed_only
from tests.sync.harness import Clone, Live

BOTH_DIALECTS = True

versioned = current_only("it keeps versions of datasets")
ITEMS = "datasets/sums/items.jsonl"
ROWS = (
    '{"id": "q1", "input": "1+1?", "expected_output": "2"}',
    '{ "id":"q2", "input":"2+2?" , "expected_output":"4" }',
)


def log_of(clone: Clone, *, most: int = 20, read: bool = False) -> Log:
    with clone.connect(clone.target) as remote:
        return log(clone.workspace, clone.target, remote, "sums", most=most, read=read)


def shown(clone: Clone, word: str) -> ShownRows:
    with clone.connect(clone.target) as remote:
        found = show(clone.workspace, clone.target, remote, parse_revision(word))
    assert isinstance(found, ShownRows)
    return found


def compared(clone: Clone, *words: str) -> VersionDiff:
    with clone.connect(clone.target) as remote:
        return diff_versions(clone.workspace, clone.target, remote, words)


def fine(report: Report) -> None:
    assert report.exit == 0, report


def three_writes(live: Live, clone: Clone) -> tuple[str, str]:
    """v1 and v2 are the two rows, published and committed; v3 changes one in the web page. The dataset, the commit."""
    clone.dataset("sums", ROWS)
    fine(clone.push())
    commit = clone.commit("rows")
    dataset = live.datasets()[0]["id"]
    live.patch_row(live.row(dataset, "q2")["id"], output="four")
    return dataset, commit


@versioned
def test_the_log_names_every_revision_and_the_commits_that_equal_it(
    live: Live, solo: Clone
) -> None:
    _, commit = three_writes(live, solo)
    before = solo.files()
    assert solo.requests
    solo.requests.made.clear()
    found = log_of(solo)
    assert not any("dataset_items" in path for _, path in solo.requests.made)
    assert (found.kind, found.commits, found.more) == ("dataset", (), False)
    assert [entry.version.number for entry in found.versions] == [3, 2, 1]
    authors = [entry.version.author.label for entry in found.versions]
    assert authors[0] != authors[1] == authors[2]
    assert [entry.is_latest for entry in found.versions] == [True, False, False]
    assert [entry.taken_in for entry in found.versions] == [False, True, False]
    commits = [
        entry.commits and [match.commit.id for match in entry.commits] for entry in found.versions
    ]
    assert commits == [None, [commit], None]
    assert "--read reads them" in found.notes[0]
    assert set(found.versions[0].as_json()) == {
        *("version", "id", "author", "author_id"),
        *("created_at", "latest", "taken_in", "commits"),
    }
    fine(solo.pull())
    pulled = solo.commit("pulled")
    newest = log_of(solo, most=1, read=True)
    assert newest.more
    assert newest.versions[0].commits
    assert [match.commit.id for match in newest.versions[0].commits] == [pulled]
    assert solo.requests.writes == []
    assert solo.read(ITEMS) != before[ITEMS].decode()


@versioned
def test_show_is_the_file_as_it_would_be_here(live: Live, solo: Clone) -> None:
    dataset, _ = three_writes(live, solo)
    live.add_row(dataset, input="3+3?", output="6", metadata={"skillsync_id": "q3"})
    first, second = f"{ROWS[0]}\n", f"{ROWS[0]}\n{ROWS[1]}\n"
    assert shown(solo, "sums@1").data("items.jsonl").decode() == first
    assert shown(solo, "sums@2").data("items.jsonl").decode() == second
    third = shown(solo, "datasets/sums@3")
    assert (third.name, third.version.number, third.paths) == ("sums", 3, ("items.jsonl",))
    assert third.data("items.jsonl").decode() == second.replace('"4"', '"four"')
    latest = shown(solo, "sums")
    assert latest.version.number == 4
    assert latest.data("items.jsonl").decode().splitlines()[2] == (
        '{"id": "q3", "input": "3+3?", "expected_output": "6"}'
    )
    assert solo.read(ITEMS) == second
    with pytest.raises(NotFound, match="sums has no version 9 on the server; its latest is v4"):
        shown(solo, "sums@9")
    with pytest.raises(UsageError, match="a version of a dataset is its rows"):
        latest.data("DATASET.md")
    solo.write(ITEMS, "not json\n")
    assert shown(solo, "sums@1").data("items.jsonl").decode() == first


@versioned
def test_versions_are_compared_row_by_row(live: Live, solo: Clone) -> None:
    three_writes(live, solo)
    found = compared(solo, "sums@1", "sums@3")
    assert (found.before, found.after) == ("sums@1", "sums@3")
    assert found.diff
    assert [unit for unit, _, _ in found.diff.units] == ["q2 input", "q2 expected_output"]
    changed = compared(solo, "sums@2", "sums@3").as_json()["changes"]
    assert changed == [{"unit": "q2 expected_output", "before": '"4"', "after": '"four"'}]
    here = compared(solo, "sums@2")
    assert (here.after, here.diff) == ("the working tree", None)
    backwards = compared(solo, "sums", "sums@2")
    assert backwards.before == "sums@3"
    assert backwards.diff
    assert backwards.diff.units[0][1:] == ('"four"', '"4"')
    solo.skill("alpha")
    fine(solo.push())
    with pytest.raises(UsageError, match="a skill and a dataset, which cannot be compared"):
        compared(solo, "alpha@1", "sums@1")


@versioned
def test_a_dataset_that_only_the_server_has_can_be_looked_at(live: Live, solo: Clone) -> None:
    with live.api() as client:
        made = client.post("datasets/", json={"name": "Web made"}).json()["id"]
    solo.dataset("sums", ROWS)
    assert "the server has no such dataset" in log_of(solo).notes[0]
    with pytest.raises(NotFound, match="the server has no dataset 'sums'"):
        shown(solo, "sums@1")
    with pytest.raises(NotFound, match="web-made has no version on the server; it never had a row"):
        shown(solo, "web-made")
    live.add_row(made, input="1", output="2", metadata={"skillsync_id": "a"})
    assert shown(solo, "web-made@1").data("items.jsonl") == (
        b'{"id": "a", "input": "1", "expected_output": "2"}\n'
    )
    with pytest.raises(UsageError, match="web-made is not in the working tree"):
        compared(solo, "web-made@1")


@seed_only("it keeps no versions of datasets")
def test_where_no_versions_are_kept_that_is_said_with_what_works(live: Live, solo: Clone) -> None:
    _, commit = three_writes(live, solo)
    found = log_of(solo)
    assert ([one.commit.id for one in found.commits], found.versions) == ([commit], ())
    assert "keeps no history of a dataset" in found.notes[0]
    for ask in (lambda: shown(solo, "sums@1"), lambda: compared(solo, "sums@1", "sums@2")):
        with pytest.raises(UsageError, match="only git has them") as caught:
            ask()
        assert caught.value.hint == (
            "skillsync log sums names the commits; git show COMMIT:datasets/sums/items.jsonl"
        )
    with live.api() as client:
        client.post("datasets/", json={"name": "Web made"})
    with pytest.raises(UsageError, match="only git has them") as caught:
        shown(solo, "web-made@1")
    assert caught.value.hint == "skillsync pull web-made writes its rows as they are now"
