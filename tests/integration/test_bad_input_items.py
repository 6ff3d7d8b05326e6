"""Bad rows in items.jsonl and DATASET.md: refused with file, line and rule before anything is sent (sync.md 14.6)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from skillsync.sync.report import Report
from skillsync.sync.tidy import lint
from tests.sync.harness import Clone, Live, new_clone, outcome

GOOD = '{"id": "one", "input": "a"}\n'


@dataclass(frozen=True)
class Bad:
    """One bad dataset: its number in sync.md 14.6, its lines, and what must be said about them."""

    number: str
    id: str
    items: str | bytes
    says: str
    line: int | None = 2
    info: str | bytes = ""


def after_a_good_one(line: str) -> str:
    return GOOD + line + "\n"


CASES = [
    Bad("67", "trailing-comma", after_a_good_one('{"id": "two", "input": 1,}'), ""),
    Bad("67", "comma-after", after_a_good_one('{"id": "two", "input": 1},'), ""),
    Bad("67", "cut-off", after_a_good_one('{"id": "two", "inp'), ""),
    Bad("67", "two-in-a-line", after_a_good_one('{"id": "two"}{"id": "three"}'), ""),
    Bad("67", "byte-order-mark", b"\xef\xbb\xbf" + GOOD.encode(), "byte order mark", 1),
    Bad("69", "array", after_a_good_one("[1, 2]"), "object"),
    Bad("69", "scalar", after_a_good_one('"text"'), "object"),
    Bad("69", "null", after_a_good_one("null"), "object"),
    Bad("71", "nan", after_a_good_one('{"id": "two", "input": NaN}'), "NaN"),
    Bad("71", "infinity", after_a_good_one('{"id": "two", "input": -Infinity}'), "Infinity"),
    Bad("71", "too-large", after_a_good_one('{"id": "two", "input": 1e400}'), "1e400"),
    Bad("73", "twice", after_a_good_one('{"id": "one", "input": "b"}'), "one"),
    Bad("73", "twice-in-form", '{"id": "caf\u00e9"}\n{"id": "cafe\u0301"}\n', "id"),
    Bad("73", "long-id", after_a_good_one(json.dumps({"id": "x" * 256})), "255"),
    Bad("73", "empty-id", after_a_good_one('{"id": "", "input": 1}'), "id"),
    Bad("73", "id-is-null", after_a_good_one('{"id": null, "input": 1}'), "id"),
    Bad("73", "id-is-a-list", after_a_good_one('{"id": ["x"], "input": 1}'), "id"),
    Bad("73", "id-is-a-fraction", after_a_good_one('{"id": 1.5, "input": 1}'), "id"),
    Bad("73", "id-is-true", after_a_good_one('{"id": true, "input": 1}'), "id"),
    Bad("45", "surrogate", after_a_good_one('{"id": "two", "input": "\\ud800"}'), "surrogate"),
    Bad("9", "nul", after_a_good_one('{"id": "two", "input": "a\\u0000b"}'), "NUL"),
    Bad("9", "control", after_a_good_one('{"id": "two", "input": "a\x01b"}'), ""),
    Bad("21", "latin-1", GOOD.encode() + b'{"id": "two", "input": "\xe9"}\n', "UTF-8"),
    Bad("69", "key-twice", after_a_good_one('{"id": "two", "input": 1, "input": 2}'), "input"),
    Bad("69", "inner-key-twice", after_a_good_one('{"id": "two", "input": {"a": 1, "a": 2}}'), "a"),
    Bad("69", "unknown-key", after_a_good_one('{"id": "two", "inptu": 1}'), "did you mean 'input'"),
    Bad("69", "both-spellings", after_a_good_one('{"id": "two", "output": 1, "expected_output": 1}'), "two spellings"),
    Bad("69", "deep", after_a_good_one('{"id": "two", "input": ' + "[" * 5_000 + "]" * 5_000 + "}"), "nested"),
    Bad("77", "long-line", after_a_good_one(json.dumps({"id": "two", "input": "x" * 1_000_001})), "1,000,000"),
    Bad("51", "markers", "<<<<<<< HEAD\n" + GOOD + "=======\n" + GOOD + ">>>>>>> other\n", "conflict marker", 1),
    Bad("79", "year-zero", after_a_good_one('{"id": "two", "source_timestamp": "0000-01-01T00:00:00Z"}'), "source_timestamp"),
    Bad("79", "no-time", after_a_good_one('{"id": "two", "ref_timestamp": "yesterday"}'), "source_timestamp"),
    Bad("79", "number-time", after_a_good_one('{"id": "two", "source_timestamp": 5}'), "source_timestamp"),
    Bad("79", "long-trace", after_a_good_one(json.dumps({"id": "two", "source_trace_id": "x" * 256})), "255"),
    Bad("-", "source-output", after_a_good_one('{"id": "two", "source_output": 1}'), "source_output"),
    Bad("61", "head-list", GOOD, "", None, "---\n- a\n---\n"),
    Bad("61", "head-open", GOOD, "", None, "---\nname: x\n\nText.\n"),
    Bad("57", "head-tag", GOOD, "", None, "---\nname: !!python/name:os.system x\n---\n"),
    Bad("61", "head-twice", GOOD, "name", None, "---\nname: a\nname: b\n---\n"),
    Bad("61", "head-latin-1", GOOD, "UTF-8", None, b"---\nname: \xe9\n---\n"),
    Bad("-", "long-name", GOOD, "400", None, "---\nname: " + "n" * 401 + "\n---\n"),
]  # fmt: skip


@dataclass(frozen=True)
class Pushed:
    """What one push of all the bad datasets, beside a good one, did and said."""

    clone: Clone
    live: Live
    report: Report
    before: dict[str, bytes]
    after: dict[str, bytes]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    folder = tmp_path_factory.mktemp("rows")
    live = Live(folder)
    clone = new_clone(live, folder / "clone")
    for case in CASES:
        clone.write(f"datasets/{case.id}/items.jsonl", case.items)
        clone.write(f"datasets/{case.id}/DATASET.md", case.info or f"---\nname: {case.id}\n---\n")
    clone.dataset("good", [GOOD.strip()])
    before = clone.files()
    report = clone.push()
    yield Pushed(clone, live, report, before, clone.files())
    live.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_bad_dataset_is_named_with_its_file_its_line_and_the_rule(
    case: Bad, pushed: Pushed
) -> None:
    mine = [one for one in pushed.report.outcomes if one.subject.partition(":")[0] == case.id]
    assert mine, pushed.report
    said = next(one for one in mine if one.exit)
    assert said.exit == 1
    assert said.code == "E-INVALID" or said.code.startswith("E-")
    name = "DATASET.md" if case.info else "items.jsonl"
    where = f"datasets/{case.id}/{name}" + (rf":{case.line}:\d+: " if case.line else "")
    assert re.search(where, said.message)
    assert case.says in said.message


def test_nothing_of_a_bad_dataset_is_sent_and_no_file_of_it_is_touched(pushed: Pushed) -> None:
    assert [each["name"] for each in pushed.live.datasets()] == ["good"]
    new = set(pushed.after) - set(pushed.before)
    assert {path.split("/")[1] for path in new} == {"good"}
    assert {path: pushed.after[path] for path in pushed.before} == pushed.before


def test_the_good_one_is_published_and_the_run_ends_with_5(pushed: Pushed) -> None:
    assert outcome(pushed.report, "good").changed
    assert pushed.report.exit == 5


@pytest.mark.parametrize("kind", ["array", "twice", "nan", "head-list"])
def test_a_bad_dataset_alone_ends_with_1_and_lint_says_the_same(kind: str, solo: Clone) -> None:
    case = next(case for case in CASES if case.id == kind)
    solo.write(f"datasets/{kind}/items.jsonl", case.items)
    solo.write(f"datasets/{kind}/DATASET.md", case.info or f"---\nname: {kind}\n---\n")
    before = solo.files()
    assert solo.push().exit == 1
    assert solo.pull().exit in {0, 1}
    assert solo.files() == before
    assert solo.requests
    assert solo.requests.writes == []
    found = lint(solo.workspace)
    assert [one.line for one in found if case.line] == [2 for _ in found if case.line]
    assert found


ACCEPTED = [
    '{"id": "blank-line-follows", "input": 1}\n',
    '{"id": "minus-zero", "input": -0}',
    '{"id": "EXACT", "input": "ids are told apart by case"}',
    '{"id": "exact", "input": 9007199254740993}',
    '{"id": "sixty", "input": ' + "9" * 60 + "}",
    '{"id": 7, "input": "an integer id is its decimal text"}',
    '{"id": "proto", "input": {"__proto__": 1, "constructor": 2, "' + "k" * 5_000 + '": 3}}',
    '{"id": "line-separator", "input": "a\u2028b\u0085c"}',
    '{"id": "nothing"}',
    '{"id": "null-input", "input": null}',
    '{"id": "odd-metadata", "input": 1, "metadata": [1, 2]}',
    '{"id": "tiny", "input": 1e-7, "output": 0.1}',
    '{"id": "zone", "input": 1, "ref_timestamp": "2026-02-06T12:30:00.123456789+02:00"}',
]


def test_what_is_unusual_and_allowed_goes_there_and_back(solo: Clone, live: Live) -> None:
    """14.6 #67, #71, #75, #77, #79, #81: accepted; lines that do not differ by value keep their bytes."""
    path = solo.dataset("odd", ACCEPTED)
    solo.write(path, solo.read(path).removesuffix("\n"))
    before = solo.files()
    report = solo.push()
    assert report.exit == 0, report
    (dataset,) = live.datasets()
    assert live.row(dataset["id"], "sixty")["input"] == int("9" * 60)
    assert live.row(dataset["id"], "exact")["input"] == 9007199254740993
    assert live.row(dataset["id"], "7")["input"] == "an integer id is its decimal text"
    solo.commit()
    again = solo.push()
    assert again.exit == 0
    assert again.changed == 0, again
    assert solo.pull().changed == 0
    assert {name: solo.files()[name] for name in before} == before


def test_a_file_of_more_than_two_gigabytes_is_refused_unread(solo: Clone, live: Live) -> None:
    """14.6 #77. The file is sparse: nobody could read it in the time that a test has."""
    solo.dataset("huge", [])
    with (solo.path / "datasets/huge/items.jsonl").open("r+b") as file:
        file.truncate(2_000_000_001)
    report = solo.push()
    assert report.exit == 1
    failed = outcome(report, "huge")
    assert "2,000,000,001 bytes, at most 2,000,000,000 are read" in failed.message
    assert "max_file_bytes" in failed.fix
    assert "datasets/huge/items.jsonl" in outcome(report, "huge").message
    assert live.datasets() == []


def test_swapped_lines_are_no_change(solo: Clone) -> None:
    path = solo.dataset("rows", ['{"id": "a", "input": 1}', '{"id": "b", "input": 2}'])
    solo.push()
    solo.commit()
    solo.write(path, "".join(reversed(solo.read(path).splitlines(keepends=True))))
    assert solo.requests
    solo.requests.made.clear()
    assert solo.push().exit == 0
    assert solo.requests.writes == []


def test_an_emptied_or_missing_file_of_rows_is_a_stop_and_no_removal_of_all(
    solo: Clone, live: Live
) -> None:
    path = solo.dataset("rows", [f'{{"id": "r{n}", "input": {n}}}' for n in range(5)])
    solo.push()
    solo.commit()
    solo.write(path, "")
    assert solo.push().exit in {0, 6}
    dataset = live.datasets()[0]["id"]
    assert len(live.rows(dataset)) == 5
    (solo.path / path).unlink()
    assert solo.push().exit in {0, 6}
    assert len(live.rows(dataset)) == 5


def test_a_file_of_rows_that_is_a_link_is_not_followed(solo: Clone, live: Live) -> None:
    solo.write("elsewhere.jsonl", GOOD)
    solo.write("datasets/linked/DATASET.md", "---\nname: linked\n---\n")
    (solo.path / "datasets/linked/items.jsonl").symlink_to(solo.path / "elsewhere.jsonl")
    report = solo.push()
    assert report.exit == 1
    assert "symlink" in outcome(report, "linked").message
    assert live.datasets() == []
