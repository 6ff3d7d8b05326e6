"""Rows I1–I24 of sync.md 7.3 on real clones against the real server, in both of its dialects."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import httpx
import pytest

from skillsync.errors import InvalidContent, RefusedForSafety, UsageError
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
    key_of,
    line,
    lines,
    numbered,
    published,
    wrapped,
)
from tests.sync.dialects import seed_only
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True

# ---------------------------------------------------------------- I1: creation and the key


@seed_only("the key is a field of its own")
def test_a_key_travels_in_the_metadata_and_never_shows_in_the_file(solo: Clone, live: Live) -> None:
    given = [
        line("null", 1, metadata=None),
        line("empty", 2, metadata={}),
        line("missing", 3),
        line("object", 4, metadata={"tag": "x"}),
        line("list", 5, metadata=["a", 1]),
        line("text", 6, metadata="plain"),
    ]
    dataset = published(solo, given)
    found = {row["input"]: row["metadata"] for row in live.rows(dataset)}
    assert found == {
        1: {"skillsync_id": "null"},
        2: {"skillsync_id": "empty"},
        3: {"skillsync_id": "missing"},
        4: {"skillsync_id": "object", "tag": "x"},
        5: {"skillsync_id": "list", "skillsync_value": ["a", 1]},
        6: {"skillsync_id": "text", "skillsync_value": "plain"},
    }
    assert solo.read(ITEMS) == "".join(f"{text}\n" for text in given)
    assert is_silent(solo)


def test_what_the_server_does_to_a_row_never_rewrites_its_line(solo: Clone, live: Live) -> None:
    """Key order, numbers, escapes, separators, CRLF and a missing final newline stay as the author has them."""
    given = (
        '{"id":"compact","input":{"zz":1,"a":[1,2]},"output":"x"}\r\n'
        '{"input": "id last", "metadata": {"long key": 1, "b": 2}, "id": "order"}\r\n'
        '{"id": "big", "input": 9007199254740993, "output": [0.1, 1e22, -0.0, 1e-7]}\r\n'
        '{"id": "escaped", "input": "caf\\u00e9 \\u2028 end"}\r\n'
        "\r\n"
        '{"id": "raw", "input": "a\u2028b", "output": null}'
    ).encode()
    solo.dataset("cases", [])
    solo.write(ITEMS, given)
    assert solo.push().exit == 0
    assert (solo.path / ITEMS).read_bytes() == given
    assert is_silent(solo)
    (dataset,) = live.datasets()
    row = live.row(dataset["id"], "big")
    assert row["input"] == 9007199254740993
    live.patch_row(row["id"], output=[0.1, 1e22, 0.0, 2])
    assert solo.pull().exit == 0
    after = (solo.path / ITEMS).read_bytes()
    expected = given.replace(b"[0.1, 1e22, -0.0, 1e-7]", b"[0.1, 1e22, -0.0, 2]")
    assert after.split(b"\r\n")[:2] == given.split(b"\r\n")[:2]
    assert after.split(b"\r\n")[3:] == given.split(b"\r\n")[3:]
    assert json.loads(after.split(b"\r\n")[2]) == json.loads(expected.split(b"\r\n")[2])


def test_a_row_born_in_the_web_page_keeps_its_own_key(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1)])
    born = live.add_row(dataset, input="from the web", metadata={"who": "web"})
    assert solo.pull().exit == 0
    key = f"srv:{born['id']}"
    assert lines(solo)[key] == {
        "id": key,
        "input": "from the web",
        "metadata": {"who": "web"},
    }
    solo.replace(ITEMS, '"from the web"', '"from the file"')
    solo.replace(ITEMS, '"who": "web"', '"who": "file"')
    assert solo.push().exit == 0
    row = next(row for row in live.rows(dataset) if row["id"] == born["id"])
    assert row["input"] == "from the file"
    assert row["metadata"] == {"who": "file"}
    assert is_silent(solo)


def test_new_rows_are_appended_in_the_order_of_their_creation(solo: Clone, live: Live) -> None:
    """A missing final newline is added first, so that no two rows share a line."""
    solo.dataset("cases", [])
    solo.write(ITEMS, line("a", 1))
    solo.push()
    (dataset,) = live.datasets()
    made = [f"srv:{live.add_row(dataset['id'], input=number)['id']}" for number in range(3)]
    solo.pull()
    assert list(lines(solo)) == ["a", *made]
    assert solo.read(ITEMS).endswith("\n")


# ---------------------------------------------------------------- I6–I10: edits


@seed_only("a request names its base as well")
def test_only_changed_groups_are_sent(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1, output="x", metadata={"m": 1}), line("b", 2)])
    untouched = live.row(dataset, "b")["updated_at"]
    solo.replace(ITEMS, '"output": "x"', '"output": "y"')
    sent: list[Any] = []
    wrapped(solo).before = lambda request: (
        sent.append(json.loads(request.content)) if request.method == "PATCH" else None
    )
    assert outcome(solo.push(), "cases").did == "1 row updated"
    assert sent == [{"output": "y"}]
    assert live.row(dataset, "b")["updated_at"] == untouched
    assert is_silent(solo)


def test_an_edited_key_of_the_metadata_keeps_our_key(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1, metadata={"m": 1, "n": 1})])
    solo.replace(ITEMS, '"m": 1', '"m": 2')
    solo.push()
    assert live.row(dataset, "a")["metadata"] == {"skillsync_id": "a", "m": 2, "n": 1}


@seed_only("references cannot be edited")
def test_disjoint_groups_block_the_push_and_merge_in_pull(solo: Clone, live: Live) -> None:
    dataset = published(
        solo, [line("a", 1, metadata={"m": 1, "n": 1}), line("b", 1, output=1), line("c", 1)]
    )
    metadata = live.row(dataset, "a")["metadata"]
    live.patch_row(live.row(dataset, "a")["id"], metadata={**metadata, "n": 2})
    live.patch_row(live.row(dataset, "b")["id"], ref_trace_id="trace")
    solo.replace(ITEMS, '"m": 1', '"m": 2')
    solo.replace(ITEMS, '"output": 1', '"output": 2')
    solo.replace(ITEMS, '{"id": "c", "input": 1}', '{"id": "c", "input": 3}')
    report = solo.push()
    assert report.exit == 3
    assert by_subject(report)["cases:a"].row == "I9"
    assert inputs(live, dataset)["c"] == 3, "the other rows go on"
    pulled = solo.pull()
    assert pulled.exit == 0, pulled
    assert lines(solo)["a"]["metadata"] == {"m": 2, "n": 2}
    assert lines(solo)["b"] == {"id": "b", "input": 1, "output": 2, "ref_trace_id": "trace"}
    assert solo.push().exit == 0
    assert live.row(dataset, "a")["metadata"] == {"skillsync_id": "a", "m": 2, "n": 2}
    assert live.row(dataset, "b")["ref_trace_id"] == "trace"
    assert is_silent(solo)


def test_input_and_output_are_one_unit(solo: Clone, live: Live) -> None:
    """R22: the question of one side with the answer of the other is a row that nobody wrote."""
    dataset = published(solo, [line("a", "2+2", output="4")])
    live.patch_row(live.row(dataset, "a")["id"], output="four")
    solo.replace(ITEMS, '"2+2"', '"3+3"')
    before = solo.read(ITEMS)
    report = solo.push()
    assert report.exit == 3
    said = [outcome(report, "cases:a")]
    report = solo.pull()
    assert report.exit == 4
    said.append(outcome(report, "cases:a"))
    assert said[1].row == "I10"
    # Push and pull name what ends it, and not each other.
    decide = "skillsync resolve cases:a --local or --remote"
    assert [(one.code, one.fix) for one in said] == [("E-CONFLICT", decide)] * 2
    assert solo.read(ITEMS) == before
    assert live.row(dataset, "a")["input"] == "2+2"


def test_a_conflict_in_one_group_loses_nothing_of_another(solo: Clone, live: Live) -> None:
    """A side is taken where both changed; the line as it is, is what a person was shown to lack."""
    choices = {"a": Choice.LOCAL, "b": Choice.REMOTE, "c": Choice.AS_IS, "d": Choice.EDIT}
    rows = [line(key, 1, output="4", metadata={"n": 1}) for key in choices]
    dataset = published(solo, [*rows, line("e", 2)])
    for key in choices:
        stored = live.row(dataset, key)
        more = {**stored["metadata"], "web": 1}
        live.patch_row(stored["id"], output="remote", metadata=more)
    text = solo.read(ITEMS)
    solo.write(ITEMS, text.replace('"output": "4", "metadata": {"n": 1}', '"output": "local", "metadata": {"n": 2}'))  # fmt: skip
    assert solo.pull().exit == 4
    for shown in solo.conflicts():
        units = [(one.unit[2:], one.local, one.reason[:21]) for one in shown.conflicts]
        assert units[1:] == [("metadata.web", None, "edited remotely alone")]

    def edit(text: str) -> str:
        assert '#   remote {"expected_output":"remote","input":1}' in text
        return text.replace('"local"', '"edited"')

    last = solo.read(ITEMS).splitlines()[-1]
    for key, choice in choices.items():
        assert solo.resolve(f"cases:{key}", choice, edit=edit).exit == 0
    merged = {"n": 2, "web": 1}
    expected = {
        "a": ("local", merged),
        "b": ("remote", merged),
        "c": ("local", {"n": 2}),
        "d": ("edited", merged),
    }
    found = lines(solo)
    assert {key: (found[key]["output"], found[key]["metadata"]) for key in choices} == expected
    assert solo.read(ITEMS).splitlines()[-1] == last
    assert solo.conflicts() == []
    assert solo.push().exit == 0
    for key, (output, metadata) in expected.items():
        stored = live.row(dataset, key)
        assert (stored["output"], stored["metadata"]) == (output, {**metadata, "skillsync_id": key})
    assert is_silent(solo)


@seed_only(
    "how a text is read does not depend on the server; source_output is a field of the other"
)
def test_what_an_editor_leaves_is_read_as_strictly_as_a_file(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1)])
    live.patch_row(live.row(dataset, "a")["id"], input=2)
    solo.replace(ITEMS, '"input": 1', '"input": 3')
    assert solo.pull().exit == 4
    before = solo.files()
    left: dict[str | None, str] = {
        None: "nothing was written",
        "# nothing but comments\n\n": "nothing was written",
        '# a comment\n{\n  "input": 1,,\n}\n': "line 3, column 14",
        "[]": "no JSON object",
        '{"inputs": 1}': "no field 'inputs'",
        '{"input": 1, "source_output": 2}': "source_output",
    }
    for text, said in left.items():
        with pytest.raises((InvalidContent, UsageError), match=said):
            solo.resolve("cases:a", Choice.EDIT, edit=partial(_leave, text))
    with pytest.raises(UsageError, match="one row"):
        solo.resolve("cases", Choice.EDIT, edit=partial(_leave, "{}"))
    assert solo.files() == before


def _leave(text: str | None, _: str) -> str | None:
    return text


def test_a_one_row_edit_changes_one_line(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(30))
    before = solo.read(ITEMS).split("\n")
    live.patch_row(live.row(dataset, "k007")["id"], input="edited")
    assert outcome(solo.pull(), "cases").did == "1 row updated"
    after = solo.read(ITEMS).split("\n")
    assert [n for n in range(31) if before[n] != after[n]] == [7]
    assert is_silent(solo)


def test_both_sides_with_the_same_edit_need_nothing(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1)])
    live.patch_row(live.row(dataset, "a")["id"], input=2)
    solo.replace(ITEMS, '"input": 1', '"input": 2')
    seen = wrapped(solo)
    seen.made.clear()
    assert solo.push().exit == 0
    assert seen.writes == []
    assert is_silent(solo)


def test_the_same_new_key_on_both_sides_is_a_conflict_unless_equal(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1)])
    live.add_row(dataset, input="same", metadata={"skillsync_id": "same"})
    live.add_row(dataset, input="theirs", metadata={"skillsync_id": "other"})
    solo.write(ITEMS, solo.read(ITEMS) + line("same", "same") + "\n" + line("other", "ours") + "\n")
    report = solo.push()
    assert report.exit == 4
    assert by_subject(report)["cases:other"].code == "E-UNRELATED"
    assert len(live.rows(dataset)) == 3
    assert by_subject(solo.pull())["cases:other"].exit == 4


# ---------------------------------------------------------------- I11–I17: removals


def test_a_removed_line_is_pending_until_it_is_named(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(4))
    drop_line(solo, "k001")
    drop_line(solo, "k002")
    report = solo.push()
    assert report.exit == 0
    assert by_subject(report)["cases:k001"].code == "N-PENDING-REMOVAL"
    assert len(live.rows(dataset)) == 4
    assert outcome(solo.push(archive=["cases:k001"]), "cases").did == "1 row removed"
    assert set(inputs(live, dataset)) == {"k000", "k002", "k003"}
    assert outcome(solo.push(archive=["cases"]), "cases").did == "1 row removed"
    assert set(inputs(live, dataset)) == {"k000", "k003"}
    assert is_silent(solo)
    solo.pull()
    assert set(lines(solo)) == {"k000", "k003"}, "what was archived does not come back"


def test_the_ceiling_needs_the_exact_count(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(40))
    for number in range(21):
        drop_line(solo, f"k{number:03}")
    for wrong in (None, 20, 22):
        with pytest.raises(RefusedForSafety):
            solo.push(archive=["cases"], max_removals=wrong)
    assert len(live.rows(dataset)) == 40
    assert solo.push(archive=["cases"], max_removals=21).exit == 0
    assert len(live.rows(dataset)) == 19


def test_twenty_rows_or_a_tenth_are_below_the_ceiling_but_never_all(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(22))
    for number in range(20):
        drop_line(solo, f"k{number:03}")
    assert solo.push(archive=["cases"]).exit == 0
    assert len(live.rows(dataset)) == 2
    solo.write(ITEMS, "")
    report = solo.push(archive=["cases"])
    assert report.exit == 6
    assert len(live.rows(dataset)) == 2
    assert solo.push(archive=["cases"], max_removals=2).exit == 0
    assert live.rows(dataset) == []
    assert is_silent(solo)


def test_a_row_deleted_in_the_web_page_leaves_the_file(solo: Clone, live: Live) -> None:
    """I13: after a second look, with a rescue copy; push alone does nothing about it."""
    dataset = published(solo, numbered(3))
    live.patch_row(live.row(dataset, "k001")["id"], deleted=True)
    assert solo.push().exit == 0
    assert len(live.rows(dataset)) == 2, "it is not created again"
    assert outcome(solo.pull(), "cases").did == "1 row removed"
    assert set(lines(solo)) == {"k000", "k002"}
    from skillsync.repo.rescue import Rescue

    rescue = Rescue(solo.workspace.repo)
    newest = rescue.list()[0]
    assert b'"k001"' in rescue.show(newest.id, ITEMS)
    assert is_silent(solo)


def test_many_rows_deleted_in_the_web_page_are_not_taken_without_a_word(
    solo: Clone, live: Live
) -> None:
    dataset = published(solo, numbered(30))
    for row in live.rows(dataset)[:25]:
        live.patch_row(row["id"], deleted=True)
    before = solo.read(ITEMS)
    report = solo.pull()
    assert report.exit == 6, report
    assert solo.read(ITEMS) == before
    assert solo.pull(max_removals=25).exit == 0
    assert len(lines(solo)) == 5


def test_a_row_that_one_list_left_out_is_not_gone(solo: Clone, live: Live) -> None:
    """I13 needs a second look, 5 s later: the page brings the row back meanwhile, or the list was stale."""
    dataset = published(solo, numbered(3))
    item = live.row(dataset, "k001")["id"]
    live.patch_row(item, deleted=True)
    slept = solo.clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        live.patch_row(item, deleted=False)

    solo.clock.sleep = sleep  # type: ignore[method-assign]  # the world moves while it waits
    report = solo.pull()
    assert solo.clock.slept == [5.0]
    # What the other rows are at the newer revision was taken in: with a server that has any, that was done.
    exit_code = 5 if live.dialect == "current" else 1
    assert (report.exit, by_subject(report)["cases:k001"].code) == (
        exit_code,
        "E-ABSENCE-UNCONFIRMED",
    )
    assert "k001" in lines(solo)
    assert solo.pull().exit == 0
    assert is_silent(solo)


@seed_only("the other shows what it has archived")
def test_a_row_that_every_list_leaves_out_and_that_can_be_read_is_not_gone(
    solo: Clone, live: Live
) -> None:
    """I13: absence from a list is never evidence by itself; the item is asked for by its id."""
    published(solo, numbered(3))
    assert solo.pull().outcomes == []
    seen = wrapped(solo)

    def leave_out(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method != "GET" or "dataset_items/?" not in str(request.url):
            return response
        body = json.loads(response.read())
        body["results"] = [row for row in body["results"] if key_of(row) != "k001"]
        stream = httpx.ByteStream(json.dumps({**body, "count": len(body["results"])}).encode())
        return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=stream)

    seen.after = leave_out
    seen.made.clear()
    before = solo.files()
    report = solo.pull()
    assert by_subject(report)["cases:k001"].code == "E-ABSENCE-UNCONFIRMED"
    assert solo.files() == before
    assert len([path for _, path in seen.made if "dataset_items/0" in path]) == 1
    seen.after = None
    assert is_silent(solo)
    live.patch_row(live.row(dataset_id(live), "k001")["id"], deleted=True)
    assert solo.pull().exit == 0
    assert "k001" not in lines(solo)


def test_deleted_here_and_edited_there_is_a_conflict(solo: Clone, live: Live) -> None:
    """I12: keep the deletion, or bring the row back with the edit."""
    dataset = published(solo, numbered(4))
    for key in ("k001", "k002"):
        live.patch_row(live.row(dataset, key)["id"], input="edited")
        drop_line(solo, key)
    report = solo.push(archive=["cases"])
    assert report.exit == 4
    assert len(live.rows(dataset)) == 4
    assert by_subject(solo.pull())["cases:k001"].row == "I12"
    assert solo.resolve("cases:k001", Choice.REMOTE).exit == 0
    assert lines(solo)["k001"]["input"] == "edited"
    assert solo.resolve("cases:k002", Choice.LOCAL).exit == 0
    assert solo.push(archive=["cases:k002"]).exit == 0
    assert set(inputs(live, dataset)) == {"k000", "k001", "k003"}
    assert is_silent(solo)


def test_edited_here_and_deleted_there_is_a_conflict(solo: Clone, live: Live) -> None:
    """I14: local creates it again with the same key, remote lets it go."""
    dataset = published(solo, numbered(4))
    for number in (1, 2):
        live.patch_row(live.row(dataset, f"k00{number}")["id"], deleted=True)
        solo.replace(ITEMS, f"question {number}", f"edited {number}")
    report = solo.push()
    assert report.exit == 4
    assert by_subject(report)["cases:k001"].row == "I14"
    assert len(live.rows(dataset)) == 2
    assert solo.pull().exit == 4
    solo.resolve("cases:k001", Choice.LOCAL)
    solo.resolve("cases:k002", Choice.REMOTE)
    assert solo.push().exit == 0
    assert inputs(live, dataset) == {"k000": "question 0", "k003": "question 3", "k001": "edited 1"}
    assert set(lines(solo)) == {"k000", "k001", "k003"}
    assert is_silent(solo)


def test_a_row_of_the_web_page_is_brought_back_under_its_own_key(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", 1)])
    born = live.add_row(dataset, input="web")
    solo.pull()
    live.patch_row(born["id"], deleted=True)
    solo.replace(ITEMS, '"web"', '"edited here"')
    assert solo.pull().exit == 4
    solo.resolve(f"cases:srv:{born['id']}", Choice.LOCAL)
    assert solo.push().exit == 0
    row = next(row for row in live.rows(dataset) if row["id"] == born["id"])
    assert row["input"] == "edited here"
    assert is_silent(solo)


def test_a_key_of_another_server_is_refused_and_not_doubled(solo: Clone, live: Live) -> None:
    foreign = "srv:01890000-0000-7000-8000-000000000000"
    dataset = published(solo, [line("a", 1)])
    solo.write(ITEMS, solo.read(ITEMS) + line(foreign, "born elsewhere") + "\n")
    for _ in range(2):
        report = solo.push()
        assert by_subject(report)[f"cases:{foreign}"].code == "E-INVALID"
        assert len(live.rows(dataset)) == 1


def test_deleted_on_both_sides_is_nothing(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(3))
    live.patch_row(live.row(dataset, "k001")["id"], deleted=True)
    drop_line(solo, "k001")
    assert solo.push().exit == 0
    assert is_silent(solo)
    assert not (solo.path / ROWS).exists() or "k001" not in solo.read(ROWS)


def test_a_restored_row_is_the_same_row(solo: Clone, live: Live) -> None:
    """I16: its identity is the key, before and after a pull that took the deletion in."""
    dataset = published(solo, numbered(3))
    item = live.row(dataset, "k001")["id"]
    live.patch_row(item, deleted=True)
    live.patch_row(item, deleted=False)
    assert [one.did for one in solo.pull().outcomes] in ([], ["updated"]), (
        "at most the revision is taken in"
    )
    assert is_silent(solo)
    live.patch_row(item, deleted=True)
    solo.pull()
    live.patch_row(item, deleted=False)
    assert outcome(solo.pull(), "cases").did == "1 row added"
    assert lines(solo)["k001"]["input"] == "question 1"


def test_a_new_key_is_a_removal_and_a_creation_and_is_named(solo: Clone, live: Live) -> None:
    """I18."""
    dataset = published(solo, numbered(3))
    solo.replace(ITEMS, '"k001"', '"renamed"')
    report = solo.push()
    assert any("k001" in note and "renamed" in note for note in report.notes)
    assert set(inputs(live, dataset)) == {"k000", "k001", "k002", "renamed"}
    solo.push(archive=["cases:k001"])
    assert set(inputs(live, dataset)) == {"k000", "k002", "renamed"}
    assert is_silent(solo)


# ---------------------------------------------------------------- I19, I20: files that are refused


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ('{"id": "k000", "input": 2}\n', ":3"),
        ("{not json}\n", ":3"),
        ("[1, 2]\n", ":3"),
        ('{"id": "x", "input": NaN}\n', ":3"),
        ('{"id": "x", "input": 1, "input": 2}\n', ":3"),
        ('{"id": "x", "output": 1, "expected_output": 2}\n', ":3"),
        ('{"id": "x", "input": 1, "source_output": 2}\n', ":3"),
        ("<<<<<<< ours\n", ":3"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused_before_any_request(
    solo: Clone, live: Live, broken: str, where: str
) -> None:
    published(solo, numbered(2))
    solo.write(ITEMS, solo.read(ITEMS) + broken)
    before = solo.files()
    seen = wrapped(solo)
    seen.made.clear()
    report = solo.push()
    if live.dialect == "current" and "source_output" in broken:
        assert report.exit == 0, "there it is a field like any other"
        return
    assert report.exit == 1
    assert f"{ITEMS}{where}" in outcome(report, "cases").message
    assert seen.made == []
    if "source_output" not in broken:
        assert f"{ITEMS}{where}" in outcome(solo.pull(), "cases").message
    assert solo.files() == before


def test_a_broken_file_does_not_stop_the_other_datasets(solo: Clone, live: Live) -> None:
    solo.dataset("bad", ["nonsense"])
    solo.dataset("cases", numbered(1))
    report = solo.push()
    assert report.exit == 5
    assert [one["name"] for one in live.datasets()] == ["cases"]


# ---------------------------------------------------------------- I21: two items with one key


@seed_only("keys are unique")
def test_equal_copies_of_our_own_are_cleaned(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    live.add_row(dataset, user="me", input="question 1", metadata={"skillsync_id": "k001"})
    first = live.row(dataset, "k001")["id"]
    report = solo.push()
    assert report.exit == 0
    assert any("second copy was removed" in note for note in report.notes)
    rows = live.rows(dataset)
    assert [key_of(row) for row in rows] == ["k000", "k001"]
    assert rows[1]["id"] == first, "the oldest wins"
    assert is_silent(solo)


@seed_only("keys are unique")
@pytest.mark.parametrize(("user", "text"), [("web", "question 1"), ("me", "another")])
def test_other_copies_are_a_conflict_and_nothing_is_removed(
    solo: Clone, live: Live, user: str, text: str
) -> None:
    dataset = published(solo, numbered(2))
    live.add_row(dataset, user=user, input=text, metadata={"skillsync_id": "k001"})
    before = solo.read(ITEMS)
    report = solo.push()
    assert report.exit == 4
    assert outcome(report, "cases:k001").code == "E-DUPLICATE-KEY"
    assert len(live.rows(dataset)) == 3
    assert any("k001" in note for note in solo.pull().notes)
    assert solo.read(ITEMS) == before
    assert [one.subject for one in solo.conflicts()] == ["cases:k001"]


# ---------------------------------------------------------------- I22: lines without id


def test_solo_push_gives_keys_of_known_rows_first(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", "one"), line("b", "two")])
    born = live.add_row(dataset, input="three")
    solo.write(
        ITEMS, '{"input": "two"}\n{"input": "three"}\n{"input": "four"}\n' + line("a", "one")
    )
    report = solo.push()
    assert report.exit == 0, report
    assert [*lines(solo)][:2] == ["b", f"srv:{born['id']}"]
    fourth = [*lines(solo)][2]
    assert len(fourth) == 32
    assert inputs(live, dataset) == {
        "a": "one", "b": "two", f"srv:{born['id']}": "three", fourth: "four",
    }  # fmt: skip
    assert is_silent(solo)


def test_equal_lines_without_id_are_rows_of_their_own(solo: Clone, live: Live) -> None:
    solo.dataset("cases", ['{"input": "same"}'] * 3)
    solo.push()
    assert len(lines(solo)) == 3
    (dataset,) = live.datasets()
    assert len(live.rows(dataset["id"])) == 3
    assert is_silent(solo)


def test_pull_keeps_lines_without_id_and_doubles_nothing(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", "one"), line("b", "two")])
    live.add_row(dataset, input="three")
    kept = '{"input": "one"}\n{"input": "two"}\n{"input": "three"}\n{"input": "mine"}\n'
    solo.write(ITEMS, kept)
    report = solo.pull()
    assert report.exit == 0, report
    assert solo.read(ITEMS) == kept


def test_a_line_without_id_that_must_change_gets_the_key(solo: Clone, live: Live) -> None:
    dataset = published(solo, [line("a", "one"), line("b", "two")])
    solo.write(ITEMS, '{"input": "one"}\n{"input": "two"}\n')
    live.patch_row(live.row(dataset, "b")["id"], input="TWO")
    assert solo.pull().exit == 0
    assert solo.read(ITEMS) == '{"input": "one"}\n{"id": "b", "input": "TWO"}\n'


def test_team_push_refuses_lines_without_id(team: Clone, live: Live) -> None:
    team.dataset("cases", [line("a", 1), '{"input": 2}'])
    team.commit()
    report = team.push()
    assert report.exit == 5
    assert outcome(report, "cases").code == "E-NO-KEY"
    assert f"{ITEMS}:2" in outcome(report, "cases").message
    assert live.datasets() == []
    assert team.git("status", "--porcelain") == ""


# ---------------------------------------------------------------- team mode


def test_ci_goes_on_from_what_it_published_itself(team: Clone, live: Live) -> None:
    """No pointer is ever written: own publishes are recognised by the rows of ancestor commits (sync.md 5.5)."""
    team.dataset("cases", numbered(3))
    team.commit()
    assert team.push().exit == 0
    (dataset,) = live.datasets()
    team.replace(ITEMS, "question 1", "edited")
    team.commit()
    assert outcome(team.push(), "cases").did == "1 row updated"
    assert inputs(live, dataset["id"])["k001"] == "edited"
    team.git("revert", "--no-edit", "HEAD")
    assert outcome(team.push(), "cases").did == "1 row updated"
    assert inputs(live, dataset["id"])["k001"] == "question 1"
    drop_line(team, "k002")
    team.commit()
    assert by_subject(team.push())["cases:k002"].code == "N-PENDING-REMOVAL"
    assert team.push(archive=["cases:k002"]).exit == 0
    assert len(live.rows(dataset["id"])) == 2
    assert team.git("status", "--porcelain") == ""
    assert len(live.datasets()) == 1


def linked(team: Clone, rows: list[str]) -> str:
    """Publish the dataset ``cases`` as a job does, commit its pointer, and return its remote id."""
    team.dataset("cases", rows)
    team.commit()
    assert (team.push().exit, team.pull().exit) == (0, 0)
    team.commit("linked")
    return dataset_id(team.live)


def test_rows_of_a_branch_from_before_a_pull_were_never_published_since(
    team: Clone, live: Live
) -> None:
    """What the branch has of the row is older than what was taken in of it, also once it is merged."""
    item = live.row(linked(team, numbered(9)), "k002")["id"]
    team.git("branch", "old")
    live.patch_row(item, input="of the page")
    assert team.pull().exit == 0
    team.commit("taken in")
    team.git("switch", "-q", "old")
    team.replace(ITEMS, "question 8", "of the branch")
    team.commit("another row")
    team.git("switch", "-q", "main")
    team.git("merge", "-q", "--no-ff", "-m", "merged", "old")
    live.patch_row(item, input="of the page, again")
    assert outcome(team.push(), "cases").did == "1 row updated"
    assert team.pull().exit == 0
    assert lines(team)["k002"]["input"] == "of the page, again"


def test_the_merge_of_a_branch_from_before_a_pull_hides_no_published_row(
    team: Clone, live: Live
) -> None:
    """The rows' bases came to main before the branch did, and so did what jobs have published since."""
    dataset = linked(team, numbered(3))
    team.git("branch", "old")
    live.patch_row(live.row(dataset, "k002")["id"], input="of the page")
    assert team.pull().exit == 0
    team.commit("taken in")
    team.replace(ITEMS, "question 1", "edited")
    team.commit()
    assert outcome(team.push(), "cases").did == "1 row updated"
    team.replace(ITEMS, "edited", "edited again")
    team.commit()
    team.git("switch", "-q", "old")
    team.write("README.md", "of the branch\n")
    team.commit("elsewhere")
    team.git("switch", "-q", "main")
    team.git("merge", "-q", "--no-ff", "-m", "merged", "old")
    assert outcome(team.push(), "cases").did == "1 row updated"
    assert inputs(live, dataset)["k001"] == "edited again"


def test_ci_does_not_publish_over_a_web_edit(team: Clone, live: Live) -> None:
    team.dataset("cases", numbered(2))
    team.commit()
    team.push()
    (dataset,) = live.datasets()
    live.patch_row(live.row(dataset["id"], "k001")["id"], input="from the web")
    team.replace(ITEMS, "question 1", "from the file")
    team.commit()
    assert team.push().exit == 4
    assert inputs(live, dataset["id"])["k001"] == "from the web"


def test_an_older_commit_publishes_nothing(team: Clone, live: Live) -> None:
    team.dataset("cases", numbered(3))
    team.commit()
    team.push()
    team.replace(ITEMS, "question 1", "newer")
    team.write(ITEMS, team.read(ITEMS) + line("new", 1) + "\n")
    team.commit()
    team.push()
    team.git("checkout", "-q", "HEAD~1")
    seen = wrapped(team)
    seen.made.clear()
    team.push()
    assert seen.writes == []


def edited_and_dropped(solo: Clone, live: Live) -> str:
    """Edit a row, drop another, publish both, and commit the files without their pointer."""
    dataset = published(solo, numbered(3))
    solo.replace(ITEMS, "question 1", "newer")
    drop_line(solo, "k002")
    assert solo.push(archive=["cases"]).exit == 0
    solo.git("commit", "-q", "-m", "files only", "--", ITEMS)
    assert inputs(live, dataset) == {"k000": "question 0", "k001": "newer"}
    return dataset


def test_a_solo_clone_at_an_older_commit_publishes_nothing(solo: Clone, live: Live) -> None:
    """The pointer of a push that was not committed does not count beside older files (design.md 3)."""
    edited_and_dropped(solo, live)
    solo.git("stash", "-q")
    solo.git("checkout", "-q", "HEAD~1")
    seen = wrapped(solo)
    seen.made.clear()
    report = solo.push()
    assert (report.exit, seen.writes) == (0, []), report


def test_lines_brought_back_on_top_of_the_newer_commit_are_an_edit(solo: Clone, live: Live) -> None:
    """HEAD holds the newer text, so the older one is a knowing edit; a removed row needs a word all the same."""
    dataset = edited_and_dropped(solo, live)
    solo.git("checkout", "-q", "HEAD~1", "--", ITEMS)
    report = solo.push()
    assert report.exit == 4
    assert outcome(report, "cases:k002").row == "I14"
    assert inputs(live, dataset) == {"k000": "question 0", "k001": "question 1"}
    assert solo.push().exit == 4
    assert solo.resolve("cases:k002", Choice.LOCAL).exit == 0
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k002"] == "question 2"
    assert is_silent(solo)


# ---------------------------------------------------------------- the pointer files


@seed_only("a revision names the bases of all rows")
def test_row_bases_that_cannot_be_read_refuse_the_dataset(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    other = "us.posthog.com/7\tk000\t0123456789abcdef\n"
    solo.write(ROWS, solo.read(ROWS) + other + "<<<<<<< damaged\n")
    damaged = solo.read(ROWS)
    solo.replace(ITEMS, "question 1", "edited")
    for report in (solo.push(), solo.pull()):
        assert report.exit in {1, 5}
        assert ROWS in outcome(report, "cases").message
    assert inputs(live, dataset)["k001"] == "question 1"
    assert solo.read(ROWS) == damaged, "what it says of other targets is not lost"


@seed_only("a revision names the bases of all rows")
def test_row_bases_of_other_targets_stay(solo: Clone, live: Live) -> None:
    published(solo, numbered(2))
    other = "us.posthog.com/7\tk000\t0123456789abcdef\n"
    solo.write(ROWS, solo.read(ROWS) + other)
    solo.commit()
    solo.replace(ITEMS, "question 1", "edited")
    assert solo.push().exit == 0
    assert other in solo.read(ROWS)


@seed_only("a revision names the bases of all rows")
def test_lost_row_bases_come_from_head_or_stop_the_dataset(solo: Clone, live: Live) -> None:
    """Without them every removed row would come back, and every deleted one be created again (P12)."""
    dataset = published(solo, numbered(3))
    live.patch_row(live.row(dataset, "k002")["id"], deleted=True)
    drop_line(solo, "k001")
    (solo.path / ROWS).unlink()
    assert by_subject(solo.push())["cases:k001"].code == "N-PENDING-REMOVAL"
    assert len(live.rows(dataset)) == 2
    (solo.path / ROWS).unlink(missing_ok=True)
    solo.commit("the row bases are lost")
    for report in (solo.push(), solo.pull()):
        assert report.exit == 1
    assert len(live.rows(dataset)) == 2
    assert "k001" not in lines(solo)
    assert solo.adopt("cases", dataset_id=dataset).exit == 0
    assert POINTER in solo.git("diff", "--cached", "--name-only") + POINTER


@seed_only("a known revision is not listed again")
def test_a_second_run_reads_the_list_and_the_item_pages_only(solo: Clone, live: Live) -> None:
    published(solo, numbered(5))
    seen = wrapped(solo)
    seen.made.clear()
    solo.push()
    assert len(seen.made) == 2, seen.made
    seen.made.clear()
    solo.pull()
    skills = [path for _, path in seen.made if "llm_skills" in path]
    assert len(seen.made) - len(skills) == 2
