"""Which row a line is: its own id, a key derived from its content, or a row known by its content (sync.md 10.1)."""

from __future__ import annotations

import json

import pytest

from skillsync.errors import RefusedForSafety
from skillsync.formats.row_keys import content_key
from tests.sync.dataset_steps import (
    ITEMS,
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

CONTENT = '\n[dataset.cases]\nkeys = "content"\n'


# ---------------------------------------------------------------- ids


def test_every_id_that_a_line_may_have_comes_back_as_our_key(solo: Clone, live: Live) -> None:
    ids = [
        "a b",
        "a\u00a0b",
        "👩\u200d💻",
        "x" * 255,
        "A",
        "a",
        "7",
        "é/ü:ö",
        "q\u2028r",
    ]
    dataset = published(solo, [line(one, number) for number, one in enumerate(ids)])
    assert [key_of(row) for row in live.rows(dataset)] == ids
    assert is_silent(solo)
    live.patch_row(live.row(dataset, "a\u00a0b")["id"], input="edited")
    assert solo.pull().exit == 0
    assert lines(solo)["a\u00a0b"]["input"] == "edited"


def test_an_integer_id_stays_an_integer(solo: Clone, live: Live) -> None:
    dataset = published(solo, ['{"id": 7, "input": 1}'])
    assert inputs(live, dataset) == {"7": 1}
    live.patch_row(live.row(dataset, "7")["id"], input=2)
    solo.pull()
    assert solo.read(ITEMS) == '{"id": 7, "input": 2}\n'


# ---------------------------------------------------------------- keys = "content"


def test_derived_keys_are_never_written_and_an_edit_is_a_removal_and_a_creation(
    solo: Clone, live: Live
) -> None:
    solo.write("skillsync.toml", solo.read("skillsync.toml") + CONTENT)
    given = ['{"input": "one"}', '{"input": "two", "output": 2}', '{"input": "one"}']
    dataset = published(solo, given)
    one, two, three = (content_key({"input": text}) for text in ("one", "two", "three"))
    assert inputs(live, dataset) == {one: "one", two: "two", f"{one}-2": "one"}
    assert solo.read(ITEMS) == "".join(f"{text}\n" for text in given)
    assert is_silent(solo)
    live.patch_row(live.row(dataset, two)["id"], output=3)
    assert solo.pull().exit == 0
    assert '{"input": "two", "output": 3}' in solo.read(ITEMS)
    solo.replace(ITEMS, '"two"', '"three"')
    report = solo.push()
    assert by_subject(report)[f"cases:{two}"].code == "N-PENDING-REMOVAL"
    assert inputs(live, dataset)[three] == "three"
    assert solo.push(archive=[f"cases:{two}"]).exit == 0
    assert inputs(live, dataset) == {one: "one", three: "three", f"{one}-2": "one"}
    assert is_silent(solo)


def test_a_row_of_the_page_keeps_its_key_beside_derived_ones(solo: Clone, live: Live) -> None:
    solo.write("skillsync.toml", solo.read("skillsync.toml") + CONTENT)
    dataset = published(solo, ['{"input": "one"}'])
    born = live.add_row(dataset, input="web")
    assert solo.pull().exit == 0
    assert solo.read(ITEMS).split("\n")[1] == line(f"srv:{born['id']}", "web")
    assert is_silent(solo)


def test_a_team_needs_no_ids_with_derived_keys(team: Clone, live: Live) -> None:
    team.write("skillsync.toml", team.read("skillsync.toml") + CONTENT)
    team.dataset("cases", ['{"input": "one"}'])
    team.commit()
    assert team.push().exit == 0
    assert list(inputs(live, dataset_id(live)).values()) == ["one"]
    assert team.git("status", "--porcelain") == ""


# ---------------------------------------------------------------- rows born on the server


@seed_only("metadata is an object, and its names are free")
def test_a_row_of_the_page_is_one_row_from_all_sides(solo: Clone, live: Live) -> None:
    """I2, I6, I7, I10, I11, I13 for keys ``srv:``; the server's own metadata stays what it is, of any type."""
    dataset = published(solo, [line("a", 1)])
    born = [
        live.add_row(dataset, input=number, metadata=metadata)["id"]
        for number, metadata in enumerate(["text", ["list"], {"k": 1}, None, 5])
    ]
    keys = [f"srv:{number}" for number in born]
    assert solo.pull().exit == 0
    found = lines(solo)
    assert [found[key].get("metadata") for key in keys] == ["text", ["list"], {"k": 1}, None, 5]
    solo.commit()
    solo.replace(ITEMS, '"metadata": "text"', '"metadata": "other"')
    solo.replace(ITEMS, '"metadata": ["list"]', '"metadata": {"now": "an object"}')
    live.patch_row(born[2], metadata={"k": 2})
    live.patch_row(born[3], deleted=True)
    drop_line(solo, keys[4])
    report = solo.push()
    assert report.exit == 0
    assert by_subject(report)[f"cases:{keys[4]}"].row == "I11"
    assert solo.pull().exit == 0
    stored = {row["id"]: row["metadata"] for row in live.rows(dataset)}
    assert stored == {
        live.row(dataset, "a")["id"]: {"skillsync_id": "a"},
        born[0]: "other",
        born[1]: {"now": "an object"},
        born[2]: {"k": 2},
        born[4]: 5,
    }
    assert lines(solo)[keys[2]]["metadata"] == {"k": 2}
    assert keys[3] not in lines(solo)
    assert solo.push(archive=[f"cases:{keys[4]}"]).exit == 0
    assert born[4] not in {row["id"] for row in live.rows(dataset)}
    assert is_silent(solo)


@seed_only("metadata is an object")
def test_metadata_that_is_no_object_is_wrapped_and_one_unit(solo: Clone, live: Live) -> None:
    """``skillsync_value`` never shows in a file, whoever edits, and a wrapped value can become an object and back."""
    dataset = published(solo, [line("a", 1, metadata=["x"]), line("b", 1, metadata={"m": 1})])
    live.patch_row(
        live.row(dataset, "a")["id"], metadata={"skillsync_id": "a", "skillsync_value": ["y"]}
    )
    assert solo.pull().exit == 0
    assert lines(solo)["a"]["metadata"] == ["y"]
    solo.replace(ITEMS, '["y"]', '{"k": 1}')
    solo.replace(ITEMS, '{"m": 1}', '"text"')
    assert solo.push().exit == 0
    assert live.row(dataset, "a")["metadata"] == {"skillsync_id": "a", "k": 1}
    assert live.row(dataset, "b")["metadata"] == {"skillsync_id": "b", "skillsync_value": "text"}
    assert is_silent(solo)
    solo.commit()
    live.patch_row(live.row(dataset, "b")["id"], metadata={"skillsync_id": "b", "n": 1})
    solo.replace(ITEMS, '"text"', '"another"')
    report = solo.pull()
    assert (report.exit, outcome(report, "cases:b").row) == (4, "I10")


@seed_only("no page can take the key away")
def test_a_page_that_takes_our_key_out_makes_another_row(solo: Clone, live: Live) -> None:
    """Its key is ``srv:`` from then on: one line goes, one comes, and nothing is created or doubled."""
    dataset = published(solo, numbered(2))
    item = live.row(dataset, "k001")["id"]
    live.patch_row(item, metadata=None)
    assert solo.push().exit == 0
    assert len(live.rows(dataset)) == 2
    assert solo.pull().exit == 0
    assert list(lines(solo)) == ["k000", f"srv:{item}"]
    assert is_silent(solo)


# ---------------------------------------------------------------- lines without id (I22)


def test_ids_are_given_before_anything_is_sent_and_a_refused_dataset_gets_none(
    solo: Clone, live: Live
) -> None:
    solo.dataset("cases", ['{"input": "one"}', '{"input": "two"}'])
    seen = wrapped(solo)
    at_first: list[str] = []
    seen.before = lambda request: (
        at_first.append(solo.read(ITEMS)) if request.method == "POST" else None
    )
    assert solo.push().exit == 0
    assert all(json.loads(text)["id"] for text in at_first[0].split("\n") if text)
    solo.dataset("foreign", ['{"input": "one"}'])
    with live.api() as client:
        client.post("datasets/", json={"name": "foreign"})
    assert solo.push().exit == 4
    assert solo.read("datasets/foreign/items.jsonl") == '{"input": "one"}\n'


def test_a_line_that_lost_its_id_is_still_its_row(solo: Clone, live: Live) -> None:
    """Also where the page edited or removed the row meanwhile: the base says which row it is."""
    dataset = published(solo, numbered(3))
    live.patch_row(live.row(dataset, "k001")["id"], input="edited in the page")
    live.patch_row(live.row(dataset, "k002")["id"], deleted=True)
    solo.write(ITEMS, "".join(f"{line(None, f'question {number}')}\n" for number in range(3)))
    assert solo.push().exit == 0
    assert list(lines(solo)) == ["k000", "k001", "k002"]
    assert solo.pull().exit == 0
    assert {key: row["input"] for key, row in lines(solo).items()} == {
        "k000": "question 0", "k001": "edited in the page",
    }  # fmt: skip
    assert len(live.rows(dataset)) == 2
    assert is_silent(solo)


# ---------------------------------------------------------------- files that stop a run


def test_an_emptied_or_missing_file_stops_both_ways(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    solo.dataset("other", [line("x", 1)])
    kept = solo.read(ITEMS)
    for emptied in (True, False):
        if emptied:
            solo.write(ITEMS, "")
        else:
            (solo.path / ITEMS).unlink()
        for report in (solo.push(archive=["cases"]), solo.pull()):
            assert report.exit == 6
            assert outcome(report, "cases").code == "E-REFUSED"
            assert "--max-removals 2" in outcome(report, "cases").fix
        solo.write(ITEMS, kept)
    assert len(live.rows(dataset)) == 2
    assert len(live.datasets()) == 2, "the other dataset goes on"


def test_all_rows_removed_in_the_page_need_the_count(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(3))
    for row in live.rows(dataset):
        live.patch_row(row["id"], deleted=True)
    solo.replace(ITEMS, "question 1", "edited")
    kept = solo.read(ITEMS)
    for wrong in (None, 3, 1):
        report = solo.pull(max_removals=wrong)
        assert report.exit == 6
        assert "--max-removals 2" in outcome(report, "cases").fix
        assert solo.read(ITEMS) == kept
    report = solo.push()
    assert report.exit == 6
    assert "skillsync pull cases" in outcome(report, "cases").fix
    report = solo.pull(max_removals=2)
    assert (report.exit, outcome(report, "cases:k001").row) == (4, "I14")
    assert list(lines(solo)) == ["k001"]


def test_all_or_nothing_looks_at_every_row_first(solo: Clone, live: Live) -> None:
    """A blocked row, an unlinked dataset, a file without ids in team mode: any of them keeps all from being sent."""
    dataset = published(solo, numbered(2))
    live.patch_row(live.row(dataset, "k000")["id"], input="from the page")
    solo.replace(ITEMS, "question 0", "from the file")
    solo.replace(ITEMS, "question 1", "edited")
    solo.dataset("new", [line("x", 1)])
    solo.skill("alpha")
    seen = wrapped(solo)
    seen.made.clear()
    with pytest.raises(RefusedForSafety, match="cases"):
        solo.push(all_or_nothing=True)
    assert seen.writes == []
    assert solo.push().exit == 3
    assert inputs(live, dataset) == {"k000": "from the page", "k001": "edited"}
    with live.api("me") as client:
        client.post("datasets/", json={"name": "born", "description": "From the page."})
    solo.dataset("born", [line("x", 1)])
    solo.git("checkout", "-q", "--", ITEMS)
    seen.made.clear()
    with pytest.raises(RefusedForSafety, match="born"):
        solo.push("born", all_or_nothing=True)
    assert seen.writes == []
