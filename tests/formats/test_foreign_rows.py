"""What other tools' files are read as, what is proposed for their names, and that an export comes back as it was."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest
from skillsync.formats.field_proposal import FieldMap, mapped_rows, parse_map, propose_fields
from skillsync.formats.foreign_rows import ForeignRows, open_foreign, read_foreign
from skillsync.formats.row_export import FORMS, export_rows
from skillsync.model import Json, Key, Row
from tests.formats.test_kept_rows import Memory


def read(data: str | bytes, path: str = "rows.json") -> ForeignRows:
    """Read a file whole; as a stream it must be the same."""
    data = data.encode() if isinstance(data, str) else data
    stream = io.BytesIO(data)
    try:
        found = read_foreign(data, path=path)
    except InvalidContent as error:
        with pytest.raises(InvalidContent) as caught:
            open_foreign(stream, Memory(), path=path)
        assert (str(caught.value), caught.value.line) == (str(error), error.line)  # noqa: PT017
        raise
    streamed = open_foreign(stream, Memory(), path=path)
    assert [*streamed.rows] == [*found.rows]
    assert [*streamed.lines()] == [*found.lines()]
    assert (streamed.form, streamed.names) == (found.form, found.names)
    return streamed


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def made(
    foreign: ForeignRows, *words: str, drop: tuple[str, ...] = ()
) -> list[tuple[str | None, dict[str, Json]]]:
    fields = propose_fields(foreign, given=parse_map(words), drop=drop)
    return [(key, fields) for key, fields in mapped_rows(foreign, fields)]


def proposed(*rows: object, path: str = "rows.jsonl") -> FieldMap:
    return propose_fields(read(lines(*rows), path), given={})


# ---------------------------------------------------------------- what a file is

ROW: dict[str, Json] = {"input": "a"}


@pytest.mark.parametrize(
    ("path", "data", "form", "count", "last_line"),
    [
        ("r.jsonl", '{"input": "a"}\n\n{"input": "b"}', "jsonl", 2, 3),
        ("r.json", '{"input": "a"}\r\n{"input": "b"}\r\n', "jsonl", 2, 2),
        ("r.json", '[\n  {"input": "a"},\n  {\n    "input": "b"}]', "json", 2, 3),
        ("r.txt", ' [{"input": "a"}]', "json", 1, 1),
        ("r.json", '{"name": "x", "tests": [{"vars": {}},\n {"vars": {}}]}', "json", 2, 2),
        ("r.json", '{\n"version": 1,\n"data": [{"input": 1}]\n}', "json", 1, 3),
        ("r.json", '{"input": [{"role": "user"}]}\n', "jsonl", 1, 1),
        ("r.json", "\ufeff" + '[{"input": "a"}]', "json", 1, 1),
        ("r.csv", "\ufeffinput,b\r\nx,1\r\n", "csv", 1, 2),
        ("r", 'input;b\n"x\ny, ""z""";1\n\n;\nw;2\n', "csv", 2, 6),
        ("r.tsv", "input\tb\nx,y\t1\n", "csv", 1, 2),
        ("r.csv", 'input\n"[1"\n', "csv", 1, 2),
        ("r.jsonl", '{"input": "a\u2028b"}\n', "jsonl", 1, 1),
    ],
)
def test_the_content_says_what_a_file_is(
    path: str, data: str, form: str, count: int, last_line: int
) -> None:
    found = read(data, path)
    assert (found.form, len(found.rows)) == (form, count)
    assert found.lines()[-1] == last_line


def test_quoted_cells_keep_line_ends_quotes_and_separators() -> None:
    (row,) = read('input,b\n"x\r\ny, ""z""\n",\r\n', "r.csv").rows
    assert row == {"input": 'x\r\ny, "z"\n', "b": ""}


def test_cells_may_be_as_long_as_rows() -> None:
    (row,) = read(f"input\n{'x' * 500_000}\n", "r.csv").rows
    assert row == {"input": "x" * 500_000}


@pytest.mark.parametrize(
    ("path", "data", "line", "words"),
    [
        ("r.jsonl", b'{"input": 1}\n{"input": 2,}\n', 2, "column 13"),
        ("r.jsonl", b'{"input": 1}\n[1]\n', 2, "one JSON object"),
        ("r.jsonl", b'{"a": 1, "a": 2}\n', 1, "twice"),
        ("r.json", b'[\n {"input": 1},\n {"input": NaN}\n]', 3, "NaN is not JSON (column 12)"),
        ("r.json", b'[\n {"input": 1},\n  7]', 3, "element 2 of the list is no object (column 3)"),
        ("r.json", b'{\n "input": 1}', 1, "neither a list"),
        ("r.csv", b'input,b\n1,2\n1,"x\n', 3, "not valid CSV"),
        ("r.csv", b"input,b\n1,2\n\n1,2,3\n", 4, "3 cells where the header has 2 (column 3"),
        ("r.csv", b"input,b\n1\n", 2, "1 cells where the header has 2 (column 2"),
        ("r.csv", b"input,input\n1,2\n", 1, "'input' twice (column 1 and 2"),
        ("r.csv", b"input\n1\0\n", 2, "NUL (column 2)"),
        ("r.csv", b"input\nok\nna\xefve\n", 3, "not UTF-8 (byte 3 of the line: 0xef)"),
        ("r.csv", b"", None, "no rows"),
        ("r.csv", b"input\n", None, "no rows"),
        ("r.json", b"[]", None, "no rows"),
        ("r.jsonl", b"\n \n", None, "no rows"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(
    path: str, data: bytes, line: int | None, words: str
) -> None:
    with pytest.raises(InvalidContent) as raised:
        read(data, path)
    assert (raised.value.path, raised.value.line) == (path, line)
    assert words in raised.value.message


# ---------------------------------------------------------------- whose names


@pytest.mark.parametrize(
    ("row", "sources"),
    [
        ({"input": [{"role": "user", "content": "?"}], "ideal": "x"}, {"expected_output": "ideal"}),
        ({"vars": {"a": 1}, "assert": [], "description": "d"}, {"input": "vars", "expected_output": "assert"}),
        ({"inputs": {}, "outputs": {}, "id": "u", "split": "t"}, {"id": "id", "input": "inputs", "expected_output": "outputs"}),
        ({"input": 1, "expected": 2, "tags": ["a"], "metadata": {"b": 1}}, {"expected_output": "expected", "metadata": "metadata"}),
        ({"input": 1, "expectedOutput": 2, "sourceTraceId": "t"}, {"expected_output": "expectedOutput", "source_trace_id": "sourceTraceId"}),
        ({"input": 1, "target": 2, "choices": ["a"]}, {"expected_output": "target"}),
        ({"user_input": 1, "reference": 2, "response": 3}, {"input": "user_input", "expected_output": "reference"}),
        ({"inputs": 1, "expectations": 2}, {"input": "inputs", "expected_output": "expectations"}),
        ({"query": 1, "ground_truth": 2}, {"input": "query", "expected_output": "ground_truth"}),
        ({"input": 1, "output": 2, "ref_trace_id": "t"}, {"expected_output": "output", "source_trace_id": "ref_trace_id"}),
        ({"task_id": "HumanEval/0", "prompt": "def", "canonical_solution": "x"}, {"id": "task_id", "input": "prompt"}),
        ({"input": 1, "question": 2, "expected_output": 3, "output": 4}, {"expected_output": "expected_output"}),
    ],
)  # fmt: skip
def test_the_names_of_known_tools_are_known(row: dict[str, Json], sources: dict[str, str]) -> None:
    found = proposed(row)
    wanted = {"input": "input", **sources}
    assert {field: str(source) for field, source in found.sources.items()} == wanted
    assert set(found.extras) == row.keys() - set(wanted.values())


def test_an_export_of_the_api_leaves_out_what_the_server_assigns() -> None:
    row = {"client_item_id": "a", "item_id": "u", "dataset_id": "d", "dataset_revision": 3,
           "version": 2, "input": 1, "expected_output": None, "metadata": {}}  # fmt: skip
    found = proposed(row)
    assert str(found.sources["id"]) == "client_item_id"
    assert set(found.dropped) == {"item_id", "dataset_id", "dataset_revision", "version"}
    assert found.extras == ()
    assert made(read(lines(row))) == [("a", {"input": 1, "metadata": {}})]


def test_rows_come_out_of_an_envelope() -> None:
    rows = lines({"item": {"input": 1, "answer": 2}, "sample": {"x": 1}})
    assert made(read(rows)) == [
        (None, {"input": 1, "expected_output": 2, "metadata": {"sample": {"x": 1}}})
    ]


def test_a_table_of_variables_is_an_input_of_them_all() -> None:
    found = made(read("lang,text,__expected,__metric\nde,Hallo,Hello,m\n", "r.csv"))
    assert found == [
        (None, {"input": {"lang": "de", "text": "Hallo"}, "expected_output": "Hello",
                "metadata": {"__metric": "m"}})
    ]  # fmt: skip


def test_cells_are_texts_unless_all_of_a_column_are_objects_or_lists() -> None:
    data = 'input,expected,n\n"{""a"": 1}",07,1\n[2],,\n'
    assert made(read(data, "r.csv")) == [
        (None, {"input": {"a": 1}, "expected_output": "07", "metadata": {"n": "1"}}),
        (None, {"input": [2]}),
    ]


def test_an_id_that_is_none_stays_below_metadata_with_a_word() -> None:
    rows = lines({"id": "a", "input": 1}, {"id": "a", "input": 2})
    fields = propose_fields(read(rows), given={})
    assert fields.extras == ("id",)
    assert fields.notes == ("id is not taken for id: 'a' is there twice",)


@pytest.mark.parametrize(
    ("rows", "words", "drop", "said", "hint"),
    [
        ([{"prompt": 1, "query": 2}], (), (), "'query', 'prompt' may each be the row's input", "--map input=query"),
        ([{"input": 1, "output": 2, "expected": 3}], (), (), "may each be the row's expected_output", "--map expected_output=output"),
        ([{"text": 1, "label": 2}], (), (), "none of 'text', 'label'", "--map input=text"),
        ([{"prompt": 1}, {"prompt": None}], (), (), "none of 'prompt'", "--map input=prompt"),
        ([{"input": 1}], ("input=vars",), (), "no row has 'vars'", ""),
        ([{"input": 1}], (), ("vars",), "no row has 'vars'", ""),
        ([{"input": 1, "a": 1, "metadata": {"a": 2}}], (), (), "'a' is there twice", "--drop a"),
        ([{"input": 1, "a": 1, "metadata": "text"}], (), (), "'a' has no place", "--drop a"),
        ([{"input": 1, "n": 1}, {"input": 1, "n": 1}], ("id=n",), (), "there twice: in line 1", ""),
        ([{"input": "{"}], ("input_json=input",), (), "not valid JSON", ""),
        ([{"input": 1}], ("input_json=input",), (), "JSON written as a text", ""),
        ([{"input": 1, "t": "noon"}], ("source_timestamp=t",), (), "source_timestamp must be", ""),
    ],
)  # fmt: skip
def test_what_only_a_person_can_say_is_asked_for(
    rows: list[Json], words: tuple[str, ...], drop: tuple[str, ...], said: str, hint: str
) -> None:
    with pytest.raises(InvalidContent) as raised:
        made(read(lines(*rows)), *words, drop=drop)
    assert said in raised.value.message
    assert hint in raised.value.hint


def test_what_was_said_decides() -> None:
    rows = lines({"prompt": "p", "query": "q", "x": 1, "y": None, "z": 3})
    found = made(read(rows), "input=prompt,query", "expected_output=x", drop=("z",))
    assert found == [(None, {"input": {"prompt": "p", "query": "q"}, "expected_output": 1})]


@pytest.mark.parametrize("word", ["input", "=x", "input=", "nonsense=x", "input_json"])
def test_a_mapping_that_says_nothing_is_a_mistake(word: str) -> None:
    with pytest.raises(ValueError, match="is not FIELD=NAME"):
        parse_map([word])
    with pytest.raises(ValueError, match="mapped twice"):
        parse_map(["input=a", "input_json=b"])


# ---------------------------------------------------------------- there and back

TEXTS = st.one_of(
    st.sampled_from(["", "1", "null", "{}", "[1]", '"', '{"a"', "a,b", "x\r\ny", "\r", "\ufeff", "\u2028", ";\t"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), TEXTS,
              st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
METADATA = st.none() | st.dictionaries(
    TEXTS.filter(lambda one: one != "skillsync_id"), VALUES, max_size=3
)
FIELDS = st.fixed_dictionaries(
    {"input": TEXTS | VALUES},
    optional={
        "expected_output": TEXTS | VALUES,
        "metadata": METADATA | VALUES,
        "source_trace_id": st.sampled_from(["t-1", "{}", "0"]),
        "source_timestamp": st.sampled_from(["2026-02-06T12:30:00Z", "2026-02-06"]),
        "source_event_id": st.sampled_from(["e", "7"]),
        "source_output": TEXTS | VALUES,
    },
)
KINDS = st.sampled_from(["any", "text", "whole", "truth", "real", "structure"])


@st.composite
def datasets(draw: st.DrawFn) -> list[tuple[Key | None, dict[str, Json]]]:
    """Rows of anything, or of which every input and output is of one kind, as columns like to be."""
    kind = draw(KINDS)
    rows = draw(st.lists(FIELDS, min_size=1, max_size=5))
    made_of: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXTS, "whole": st.integers(-(2**64), 2**64), "truth": st.booleans(),
        "real": st.floats(allow_nan=False, allow_infinity=False),
        "structure": st.sampled_from(["{}", "[]", '{"a": 1}']),
    }  # fmt: skip
    if kind != "any":
        for row in rows:
            for field in ("input", "expected_output"):
                row[field] = draw(made_of[kind])
    keys = [Key(f"k{number}") if draw(st.booleans()) else None for number in range(len(rows))]
    return list(zip(keys, rows, strict=True))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60)
@given(rows=datasets())
def test_an_export_is_imported_as_it_was(
    form: Any, rows: list[tuple[Key | None, dict[str, Json]]]
) -> None:
    data = "".join(export_rows(rows, form)).encode()
    path = "rows.csv" if form == "csv" else "rows.jsonl"
    foreign = read(data, path)
    fields = propose_fields(foreign, given={})
    back = list(mapped_rows(foreign, fields))
    assert (fields.extras, fields.notes, fields.dropped) == ((), (), ())
    assert [key for key, _ in back] == [key for key, _ in rows]
    for (_, one), (_, other) in zip(rows, back, strict=True):
        assert row_digest(Row(Key(""), one)) == row_digest(Row(Key(""), other))


@settings(max_examples=30)
@given(rows=datasets())
def test_every_row_has_the_same_columns_of_one_type(
    rows: list[tuple[Key | None, dict[str, Json]]],
) -> None:
    out = [json.loads(line) for line in export_rows(rows, "hf")]
    assert len({tuple(row) for row in out}) == 1
    for name in out[0]:
        assert len({type(row[name]) for row in out} - {type(None)}) <= 1
