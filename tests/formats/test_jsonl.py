from __future__ import annotations

import gc
import itertools
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent, place_of
from skillsync.formats.canonical import row_digest
from skillsync.formats.jsonl import (
    ItemsFile,
    append_rows,
    assign_keys,
    empty_items,
    parse_items,
    rekey_rows,
    remove_rows,
    render_items,
    replace_row,
    replace_rows,
    row_problem,
)
from skillsync.model import Json, Key, Row

PATH = "datasets/d/items.jsonl"


def parse(data: str | bytes, **options: Any) -> ItemsFile:
    return parse_items(data.encode() if isinstance(data, str) else data, path=PATH, **options)


def text(file: ItemsFile) -> str:
    data = render_items(file)
    assert render_items(parse(data, mapping=file.names.own, keys=file.keys)) == data
    again = parse(data, mapping=file.names.own, keys=file.keys)
    assert [row.key for row in again.rows] == [row.key for row in file.rows]
    assert [line.number for line in file.lines] == list(range(1, len(file.lines) + 1))
    return data.decode()


def row(key: str, **fields: Json) -> Row:
    return Row(Key(key), fields)


def replaced(line: str, spelling: Literal["seed", "current"], fields: dict[str, Json]) -> str:
    """The line after its row got these fields changed, by the newest names; None takes one away."""
    file = parse(line)
    old = file.rows[0]
    return text(replace_row(file, Row(old.key, {**old.fields, **fields}), spelling=spelling))


# ---------------------------------------------------------------- what is accepted


def test_rows_come_in_file_order_under_the_newest_names() -> None:
    file = parse(
        '{"id": "b", "input": 1, "output": 2, "ref_trace_id": "t", "ref_timestamp": "2024-01-01",'
        ' "ref_source_id": "e"}\n{"input": null, "id": 7}\n'
    )
    assert file.rows == (
        row(
            "b",
            input=1,
            expected_output=2,
            source_trace_id="t",
            source_timestamp="2024-01-01",
            source_event_id="e",
        ),
        row("7", input=None),
    )
    assert file.by_key[Key("7")].number == 2
    assert file.keyless == ()


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n",
        " \t\r\n\n",
        '{"id":"a"}',
        '{"id":"a"}\r\n\r\n{"id":"b"}\r\n',
        '{"id":"a","input":"\u2028\u2029\u0085\x7f\u00a0"}\n',
        ' { "id" : "a" , "input" : [ 1 , { } ] } \n',
        '{"id":"a"}\r\r\n',
        '{"id":"a","input":-0,"expected_output":-0.0,"metadata":{"n":9007199254740993}}\n',
        '{"id":"a","input":' + "1" * 60 + "}\n",
        '{"id":"a","input":1E400000}\n'.replace("1E400000", "1e-400"),
        '{"id":"a","input":{"__proto__":1,"constructor":{"prototype":[]},"'
        + "k" * 9000
        + '":1}}\n',
        '{"id":"a","metadata":[1]}\n{"id":"b","metadata":"x"}\n{"id":"c","metadata":null}\n',
        '{"id":"a","input":"\\ud83d\\ude00 \\\\u0000 \\\\ud800"}\n',
        '{"id":"a"}\n{"id":"A"}\n',
        '{"id":"a","input":' + "[" * 63 + "]" * 63 + "}\n",
        '{"id":"a","input":"' + "[{" * 200 + '"}\n',
        '{"id":"' + "x" * 255 + '"}\n',
    ],
)
def test_accepted_bytes_come_back_unchanged(data: str) -> None:
    assert text(parse(data)) == data


def test_lines_end_at_line_feeds_only() -> None:
    characters = "\u2028\u2029\u0085\x1c\x0b\x0c"
    line = json.dumps({"id": "a", "input": characters}, ensure_ascii=False)
    line = line.replace("\\u001c", "").replace("\\u000b", "").replace("\\f", "")
    assert len(parse(line + "\n").lines) == 1


def test_an_integer_of_any_size_is_exact() -> None:
    assert parse('{"id":"a","input":' + "9" * 4300 + "}").rows[0].fields["input"] == 10**4300 - 1


def test_a_line_of_a_million_bytes_is_read_and_one_byte_more_is_not() -> None:
    filler = "x" * (1_000_000 - len('{"id":"a","input":""}'))
    assert parse(f'{{"id":"a","input":"{filler}"}}\r\n').rows
    refused(f'\n{{"id":"a","input":"{filler}x"}}\n', 2, "1,000,001 bytes")


# ---------------------------------------------------------------- what is refused (sync.md 14.6, 67 to 81)


def refused(data: str | bytes, line: int | None, reason: str, **options: Any) -> None:
    with pytest.raises(InvalidContent, match=reason) as caught:
        parse(data, **options)
    assert caught.value.path == PATH
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id":"a"},', r"more on the line after its value: \",\""),
        ('{"id":"a",}', "not valid JSON"),
        ('{"id":"a"} {"id":"b"}', "more on the line"),
        ('{"id":"a"', "not valid JSON"),
        ("not json", "not valid JSON"),
        ("[]", "one JSON object, this is an array"),
        ("[{}]", "an array"),
        ('"x"', "a text"),
        ("12", "a number"),
        ("1.5", "a number"),
        ("null", "null"),
        ("true", "true or false"),
        ('{"id":"a","input":NaN}', r"NaN is not JSON"),
        ('{"id":"a","input":[1,Infinity]}', r"Infinity is not JSON"),
        ('{"id":"a","input":-Infinity}', "-Infinity is not JSON"),
        ('{"id":"a","input":1e400}', r"1e400 is too large"),
        ('{"id":"a","input":' + "1" * 4301 + "}", r"too many digits"),
        ('{"id":"a","input":{"b":1,"b":1}}', r'"b" is there twice in one object'),
        ('{"id":"a","id":"a"}', r'"id" is there twice in one object'),
        ('{"id":"a","input":[[{"x":1,"y":2,"x":3}]]}', r'"x" is there twice'),
        ('{"id":"a","input":"\\ud800"}', r"unpaired surrogate"),
        ('{"id":"a","input":{"\\udc00":1}}', r"unpaired surrogate"),
        ('{"id":"a","input":["x\\u0000y"]}', r"NUL"),
        ('{"id":"a","input":"x\x00y"}', "not valid JSON: Invalid control character"),
        ('{"id":"a","input":"\t"}', "Invalid control character"),
        ('{"id":"a","input":' + "[" * 64 + "]" * 64 + "}", r"deeper than 64 levels"),
        ("[" * 400_000, "deeper than 64"),
        ('{"a":' * 100_000, "deeper than 64"),
        ("<<<<<<< HEAD", "conflict marker"),
        ("||||||| base", "conflict marker"),
        ("=======", "conflict marker"),
        (">>>>>>> topic", "conflict marker"),
        ('{"id":"a","inputs":1}', "unknown key 'inputs': did you mean 'input'"),
        ('{"id":"a","expected":1}', "did you mean 'expected_output'"),
        ('{"id":"a","expected_ouput":1}', "did you mean 'expected_output'"),
        ('{"id":"a","Metadata":1}', "did you mean 'metadata'"),
        ('{"id":"a","zzz":1}', "unknown key 'zzz': put what is yours below \"metadata\""),
        ('{"id":"a","__proto__":1}', "unknown key"),
        ('{"id":"a","dataset":"x"}', "unknown key"),
        ('{"id":"a","output":1,"expected_output":1}', "two spellings of one field"),
        ('{"id":"a","ref_trace_id":"1","source_trace_id":"1"}', "two spellings"),
        ('{"id":"a","ref_timestamp":"1","source_timestamp":"1"}', "two spellings"),
        ('{"id":"a","ref_source_id":"1","source_event_id":"1"}', "two spellings"),
        ('{"id":""}', "must not be empty"),
        ('{"id":null}', "a text or an integer, this is null"),
        ('{"id":1.0}', "a text or an integer, this is a number"),
        ('{"id":true}', "a text or an integer, this is true or false"),
        ('{"id":["a"]}', "a text or an integer, this is an array"),
        ('{"id":"' + "x" * 256 + '"}', "at most 255 characters, this one 256"),
        ('{"id":"a\\tb"}', "control character"),
        ('{"id":"a\\nb"}', "control character"),
        ('{"id":"a\\u0085b"}', "control character"),
        ('{"id":" a"}', "begins or ends with a space"),
        (
            '{"id":"a","metadata":{"skillsync_id":"a"}}',
            "'skillsync_id' in the metadata is reserved",
        ),
    ],
)
def test_a_bad_line_is_refused_with_its_number(line: str, reason: str) -> None:
    refused('{"id":"first"}\n\n' + line + '\n{"id":"last"}\n', 3, reason)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ('{"id":"a"},', 11),
        ("not json", 1),
        (" [1]", 2),
        ("<<<<<<< HEAD", 1),
        ('{"id":"a","input":NaN}', 19),
        ('{"id":"a","input":[1,Infinity]}', 22),
        ('{"id":"a","input":1e400}', 19),
        ('{"id":"a","input":' + "1" * 4301 + "}", 19),
        ('{"id":"a","input":{"b":1,"b":1}}', 26),
        ('{"id":"a","id":"a"}', 11),
        ('{"id":"a","input":"\\ud800"}', 19),
        ('{"id":"a","input":{"\\udc00":1}}', 20),
        ('{"id":"a","input":["x\\u0000y"]}', 20),
        ('{"id":"a","input":' + "[" * 64 + "]" * 64 + "}", 82),
        ('{"id":"é","input":1,"zzz":1}', 21),
        ('{"id":"a","output":1,"expected_output":1}', 22),
        ('{"input":1, "id":""}', 13),
        ('{"input":1,"id":"first"}', 12),
        ('{"id":"a","metadata":{"skillsync_id":"a"}}', 11),
        ('{"id":"é","input":"x' + "x" * 1_000_000 + '"}', 1_000_001),
        (b'{"id":"\xc3\xa9\xff"}', 9),
    ],
)
def test_a_bad_line_is_refused_with_its_column(line: str | bytes, column: int) -> None:
    raw = line.encode() if isinstance(line, str) else line
    with pytest.raises(InvalidContent) as caught:
        parse(b'{"id":"first"}\n' + raw + b"\n")
    assert (caught.value.line, caught.value.column) == (2, column)
    assert place_of(caught.value) == f"{PATH}:2:{column}"


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b'\xef\xbb\xbf{"id":"a"}\n', 1, "byte order mark"),
        (b'{"id":"a"}\n{"id":"\xff"}\n', 2, "not UTF-8 .byte 8 of the line: 0xff"),
        ('{"id":"a"}\n'.encode("utf-16"), 1, "not UTF-8"),
        (b'{"id":"\xed\xa0\x80"}', 1, "not UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\n", 1, "git lfs pull"),
        (b'{"id":"a"}\n{"id":"b"}\n{"id":"a"}', 3, "'a' is there twice: in line 1 and in line 3"),
        (b'{"id":7}\n{"id":"7"}', 2, "'7' is there twice"),
        ('{"id":"\u00e9"}\n{"id":"e\u0301"}'.encode(), 2, "twice: in line 1 and in line 2"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(data: bytes, line: int, reason: str) -> None:
    refused(data, line, reason)


@pytest.mark.parametrize(
    "line",
    [
        '{"a":' + "[" * 70 + '"' + '\\"' * 400_000,
        "{" + ",".join(f'"k{number}":1' for number in range(80_000)) + ',"k79999":1}',
        '{"' + "inputs" * 150_000 + '":1}',
        '{"id":' + "9" * 900_000 + "}",
        '{"id":"a","input":[' + "[]," * 300_000 + "NaN]}",
    ],
)
def test_a_hostile_line_is_refused_in_linear_time(line: str) -> None:
    """Each of these would take hours if its reading were quadratic."""
    with pytest.raises(InvalidContent):
        parse(line)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        file = parse(data)
    except InvalidContent:
        return
    assert render_items(file) == data


# ---------------------------------------------------------------- a dataset's own names


def test_a_mapping_reads_and_writes_its_names() -> None:
    mapping = {"input": "vars", "output": "ideal", "id": "case"}
    file = parse('{"case":"a","vars":1,"ideal":2}\n', mapping=mapping)
    assert file.rows == (row("a", input=1, expected_output=2),)
    file = replace_row(file, row("a", input=1, expected_output=3), spelling="seed")
    file = append_rows(file, [row("b", input=2, expected_output=4)], spelling="seed")
    assert text(file) == '{"case":"a","vars":1,"ideal":3}\n{"case":"b","vars":2,"ideal":4}\n'
    keyless = assign_keys(parse('{"vars":1}', mapping=mapping), known=[], new_key=lambda: "k")
    assert text(keyless) == '{"case":"k", "vars":1}'.replace(", ", ",")


def test_a_mapped_field_may_not_be_spelled_both_ways() -> None:
    refused('{"vars":1,"input":1}', 1, "two spellings", mapping={"input": "vars"})


@pytest.mark.parametrize(
    "mapping",
    [{"inputs": "x"}, {"input": "x", "metadata": "x"}, {"output": "a", "expected_output": "b"}],
)
def test_a_mapping_that_is_ambiguous_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(InvalidContent, match="mapping"):
        parse("", mapping=mapping)


# ---------------------------------------------------------------- giving keys


def keys_from(*keys: str) -> Any:
    return itertools.chain(keys).__next__


def test_an_id_becomes_the_first_member_and_nothing_else_changes() -> None:
    data = '{"input":  1.0 ,"metadata":{}}\r\n\n{ "input": 2 }\n{}\n  {"id" : "c"}\n{"input": "\\u00e9"}'
    file = assign_keys(parse(data), known=[], new_key=keys_from("k1", "é", "k3", "k4"))
    assert text(file) == (
        '{"id":  "k1" ,"input":  1.0 ,"metadata":{}}\r\n\n{ "id": "\\u00e9", "input": 2 }\n{"id":  "k3"}\n'
        '  {"id" : "c"}\n{"id": "k4", "input": "\\u00e9"}'
    )
    assert file.keyless == ()


def test_lines_take_the_keys_of_known_rows_of_equal_content_in_order() -> None:
    data = '{"input":1}\n{"id":"claimed","input":9}\n{"input":1.0,"metadata":{}}\n{"input":1}\n{"input":2}\n'
    known = [
        row("claimed", input=1),
        row("base", input=1),
        row("remote", input=1, expected_output=None),
        row("base", input=2),
        row("other", input=3),
    ]
    file = assign_keys(parse(data), known=known, new_key=keys_from("claimed", "base", "new", "n2"))
    assert [r.key for r in file.rows] == ["base", "claimed", "remote", "new", "n2"]


def test_a_file_whose_lines_all_have_keys_is_left_alone() -> None:
    file = parse('{"id":"a"}\n\n')
    assert assign_keys(file, known=[], new_key=keys_from()) is file


def test_derived_keys_count_duplicates_and_are_not_written() -> None:
    data = '{"input":{"a":1,"b":2}}\n{"input":{"b":2.0,"a":1}}\n{"id":"own","input":1}\n{"input":null}\n{}\n'
    file = parse(data, keys="content")
    keys = [r.key for r in file.rows]
    assert keys[0].startswith("h-")
    assert len(keys[0]) == 18
    assert keys[1] == keys[0] + "-2"
    assert keys[2] == "own"
    assert keys[4] == keys[3] + "-2"
    assert text(file) == data
    assert assign_keys(file, known=[], new_key=keys_from()) is file


def test_a_derived_key_passes_over_one_that_stands_in_a_line() -> None:
    key = parse('{"input":1}', keys="content").rows[0].key
    file = parse(f'{{"input":1}}\n{{"id":"{key}","input":2}}\n', keys="content")
    assert [r.key for r in file.rows] == [f"{key}-2", key]


def test_a_key_that_would_no_longer_be_derived_is_written() -> None:
    file = parse('{"input":1}\n{"input":1,"output":2}\n{"input":3}\n', keys="content")
    first, second, third = (r.key for r in file.rows)
    assert (
        text(remove_rows(file, [first]))
        == f'{{"id":"{second}","input":1,"output":2}}\n{{"input":3}}\n'
    )
    edited = replace_row(file, row(third, input=4), spelling="seed")
    assert text(edited).endswith(f'{{"id":"{third}","input":4}}\n')
    more = append_rows(file, [row("srv:1", input=5), row(f"{first}-3", input=1)], spelling="seed")
    assert text(more).endswith('{"id":"srv:1","input":5}\n{"input":1}\n')
    assert [r.key for r in remove_rows(more, [third]).rows] == [
        first,
        second,
        "srv:1",
        f"{first}-3",
    ]


# ---------------------------------------------------------------- replacing


@pytest.mark.parametrize(
    ("line", "fields", "expected"),
    [
        ('{"id":"a","input":1}', {"input": 2}, '{"id":"a","input":2}'),
        (
            '{"input": 1, "id": "a"}\r\n',
            {"expected_output": 2},
            '{"input": 1, "id": "a", "expected_output": 2}\r\n',
        ),
        (
            '{"id":"a","output":{"z":1e2,"a":[1.0,2]}, "input" : 1.50}',
            {"expected_output": {"a": [1, 3], "b": "\u2028é", "z": 100}},
            '{"id":"a","output":{"z":1e2,"a":[1.0,3],"b":"\\u2028é"}, "input" : 1.50}',
        ),
        (
            '{"id":"a","input":"\\u00e9"}',
            {"expected_output": "é"},
            '{"id":"a","input":"\\u00e9","expected_output":"\\u00e9"}',
        ),
        (
            '{"id":"a","input":"é"}',
            {"expected_output": "ü"},
            '{"id":"a","input":"é","expected_output":"ü"}',
        ),
        (
            '{"id":"a","metadata":{"x":1,"y":2,"z":3}}',
            {"metadata": {"x": 1, "z": 3}},
            '{"id":"a","metadata":{"x":1,"z":3}}',
        ),
        ('{"id":"a", "metadata":{"x":1}, "input":2}', {"metadata": None}, '{"id":"a", "input":2}'),
        ('{"id":"a", "metadata":{"x":1}}', {"metadata": {}}, '{"id":"a", "metadata":{}}'),
        ('{"id":"a","input":1,"output":2}', {"input": None}, '{"id":"a","input":null,"output":2}'),
        (
            '{"metadata":{},"id":"a","input":1}',
            {"input": 2, "metadata": None},
            '{"metadata":{},"id":"a","input":2}',
        ),
        ('{"id":"a","input":[1, 2,3]}', {"input": [1]}, '{"id":"a","input":[1]}'),
        ('{"id":"a","input":[ ]}', {"input": [1, {"k": 2}]}, '{"id":"a","input":[1,{"k":2}]}'),
        ('{"id":"a","input":[1]}', {"input": []}, '{"id":"a","input":[]}'),
        ('{"id":"a","input":{"k":1}}', {"input": [1]}, '{"id":"a","input":[1]}'),
        ('{"id":5,"input":1}', {"input": True}, '{"id":5,"input":true}'),
        (
            '{"id": "a", "source_timestamp": "2024-01-01", "input": 1}',
            {"input": 2, "source_timestamp": "2024-01-01T00:00:00Z"},
            '{"id": "a", "source_timestamp": "2024-01-01", "input": 2}',
        ),
    ],
)
def test_only_what_changed_is_written(line: str, fields: dict[str, Json], expected: str) -> None:
    assert replaced(line, "current", fields) == expected


@pytest.mark.parametrize(
    ("line", "spelling", "expected"),
    [
        ('{"id":"a","input":1}', "seed", '{"id":"a","input":1,"output":2,"ref_trace_id":"t"}'),
        (
            '{"id":"a","input":1}',
            "current",
            '{"id":"a","input":1,"expected_output":2,"source_trace_id":"t"}',
        ),
        ('{"id":"a","output":1}', "current", '{"id":"a","output":2,"ref_trace_id":"t"}'),
        (
            '{"id":"a","source_event_id":"1"}',
            "seed",
            '{"id":"a","source_event_id":"1","expected_output":2,"source_trace_id":"t"}',
        ),
    ],
)
def test_new_fields_are_named_as_the_file_names_them_else_as_the_server_does(
    line: str, spelling: Literal["seed", "current"], expected: str
) -> None:
    assert replaced(line, spelling, {"expected_output": 2, "source_trace_id": "t"}) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"input": 100.0, "metadata": None},
        {"input": 100, "metadata": {}, "expected_output": None},
        {"input": 1e2},
    ],
)
def test_an_equal_row_keeps_its_bytes(fields: dict[str, Json]) -> None:
    file = parse('{"id":"a","input":1e2,"metadata":{}}')
    assert replace_row(file, row("a", **fields), spelling="seed") is file


def test_replacing_changes_its_lines_and_no_other() -> None:
    data = '{"id":"a","input":1}\n\n{"input":7}\r\n{"id": "b", "input": 2}'
    file = replace_rows(parse(data), [row("b", input=3), row("a", input=1)], spelling="seed")
    assert text(file) == '{"id":"a","input":1}\n\n{"input":7}\r\n{"id": "b", "input": 3}'
    assert len(file.keyless) == 1


def test_replacing_a_key_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        replace_row(parse(""), row("a"), spelling="seed")


@pytest.mark.parametrize(
    "bad",
    [
        {"input": "\ud800"},
        {"input": "\0"},
        {"input": float("nan")},
        {"input": 10**5000},
        {"input": "x" * 1_000_001},
        {"metadata": {"skillsync_id": "a"}},
        {"unknown": 1},
    ],
)
def test_a_row_that_nobody_could_read_again_is_not_written(bad: dict[str, Json]) -> None:
    file = parse('{"id":"a","input":1}\n')
    with pytest.raises(InvalidContent):
        replace_row(file, row("a", **bad), spelling="current")
    with pytest.raises(InvalidContent):
        append_rows(file, [row("b", **bad)], spelling="current")


def test_a_row_that_is_nested_too_deeply_is_not_written() -> None:
    value: Json = 1
    for _ in range(64):
        value = [value]
    with pytest.raises(InvalidContent, match="deeper"):
        append_rows(empty_items(PATH), [row("a", input=value)], spelling="seed")


# ---------------------------------------------------------------- appending and removing


def test_a_new_file_has_the_usual_form() -> None:
    rows = [
        row(
            "a",
            metadata={"k": [1]},
            source_trace_id="t",
            expected_output={"x": "é\u2028\u2029\u0085"},
            input=1.5,
        ),
        row("b", input=None, metadata={}, expected_output=None),
    ]
    expected = (
        '{"id": "a", "input": 1.5, "%s": {"x": "é\\u2028\\u2029\\u0085"}, "metadata": {"k": [1]}, "%s": "t"}\n'
        '{"id": "b", "input": null}\n'
    )
    seed = append_rows(empty_items(PATH), rows, spelling="seed")
    current = append_rows(empty_items(PATH), rows, spelling="current")
    assert text(seed) == expected % ("output", "ref_trace_id")
    assert text(current) == expected % ("expected_output", "source_trace_id")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"id":"a"}', '{"id":"a"}\n{"id":"n","input":"é"}\n'),
        (
            '{"id": "a"}\r\n{"id": "b"}',
            '{"id": "a"}\r\n{"id": "b"}\r\n{"id": "n", "input": "é"}\r\n',
        ),
        (
            '{"id": "a", "input": "\\u00fc"}\n',
            '{"id": "a", "input": "\\u00fc"}\n{"id": "n", "input": "\\u00e9"}\n',
        ),
        (
            '{"id": "a", "input": "\\u2028"}\n',
            '{"id": "a", "input": "\\u2028"}\n{"id": "n", "input": "é"}\n',
        ),
        ('\n{"id":"a"}\n  ', '\n{"id":"a"}\n  \n{"id":"n","input":"é"}\n'),
        ("", '{"id": "n", "input": "é"}\n'),
    ],
)
def test_appending_adds_a_missing_newline_and_uses_the_files_style(
    data: str, expected: str
) -> None:
    assert text(append_rows(parse(data), [row("n", input="é")], spelling="seed")) == expected


@pytest.mark.parametrize("key", ["a", "é", "e\u0301"])
def test_a_key_that_is_taken_is_not_appended(key: str) -> None:
    file = parse('{"id":"a"}\n{"id":"é"}')
    with pytest.raises(InvalidContent, match="already"):
        append_rows(file, [row(key)], spelling="seed")
    with pytest.raises(InvalidContent, match="already"):
        append_rows(file, [row("new"), row("new")], spelling="seed")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
def test_a_key_that_cannot_be_an_id_is_not_appended(key: str) -> None:
    with pytest.raises(InvalidContent, match="id"):
        append_rows(empty_items(PATH), [row(key)], spelling="seed")


def test_appending_nothing_and_removing_nothing_change_nothing() -> None:
    file = parse('{"id":"a"}')
    assert append_rows(file, [], spelling="seed") is file
    assert remove_rows(file, [Key("b")]) is file


def test_removing_takes_out_the_line_and_keeps_the_others() -> None:
    file = parse('{"id":"a"}\n\n{"input":1}\r\n{"id":"b"}\n{"id":"c"}')
    assert text(remove_rows(file, [Key("a"), Key("c")])) == '\n{"input":1}\r\n{"id":"b"}\n'
    assert text(remove_rows(file, [Key("a")], keyless=True)) == '\n{"id":"b"}\n{"id":"c"}'


def test_another_id_changes_nothing_else_on_the_line() -> None:
    file = parse('{"input":1, "id" : 7}\r\n{"id":"b","output":1}\n')
    changed = rekey_rows(file, {Key("7"): Key("srv:x"), Key("b"): Key("ü")})
    assert text(changed) == '{"input":1, "id" : "srv:x"}\r\n{"id":"ü","output":1}\n'
    assert rekey_rows(file, {Key("none"): Key("c")}) is file
    with pytest.raises(InvalidContent, match="in the file already"):
        rekey_rows(file, {Key("7"): Key("b")})
    derived = parse('{"input":1}\n{"input":2}\n', keys="content")
    first = derived.rows[0].key
    assert text(rekey_rows(derived, {first: Key("c")})) == '{"id":"c","input":1}\n{"input":2}\n'


# ---------------------------------------------------------------- properties

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([1.5, 100.0, 1e22, -0.0, 1e-7]),
    st.text(st.sampled_from('ab"\\é\u2028\u0085/,:{}[] \U0001f600'), max_size=6),
)
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.sampled_from('ab"\\é,:'), max_size=3), inner, max_size=3),
    ),
    max_leaves=6,
)
contents = st.fixed_dictionaries(
    {},
    optional={
        "input": values,
        "expected_output": values,
        "metadata": values,
        "source_trace_id": st.sampled_from(["t", "u"]),
        "source_output": values,
    },
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file in a random style: separators, escapes, line ends, blank lines, key order, key-less lines."""
    separators = draw(st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : "), (",", ": ")]))
    seed = draw(st.booleans())
    lines = []
    for number in range(draw(st.integers(0, 4))):
        fields = dict(draw(contents))
        if seed and "expected_output" in fields:
            fields["output"] = fields.pop("expected_output")
        if draw(st.booleans()):
            fields["id"] = f"k{number}"
        fields = {name: fields[name] for name in draw(st.permutations(sorted(fields)))}
        lines.append(json.dumps(fields, ensure_ascii=draw(st.booleans()), separators=separators))
        lines.extend([""] * draw(st.integers(0, 1)))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from(["", end]))


@given(files())
def test_a_file_that_was_read_is_rendered_with_the_same_bytes(data: str) -> None:
    assert text(parse(data)) == data


@given(files(), contents, st.sampled_from(["seed", "current"]), st.data())
def test_a_replaced_row_reads_as_it_should_and_no_other_line_changes(
    data: str, fields: dict[str, Json], spelling: Literal["seed", "current"], choice: st.DataObject
) -> None:
    file = parse(data)
    if not file.rows:
        return
    old = choice.draw(st.sampled_from(file.rows))
    new = replace_row(file, Row(old.key, fields), spelling=spelling)
    number = file.by_key[old.key].number
    again = parse(text(new))
    assert row_digest(again.by_key[old.key].row or old) == row_digest(Row(old.key, fields))
    assert [x.raw for x in new.lines if x.number != number] == [
        x.raw for x in file.lines if x.number != number
    ]
    kept = [name for name in names(file, number) if name in names(new, number)]
    assert names(new, number)[: len(kept)] == kept
    assert replace_row(again, Row(old.key, fields), spelling=spelling) is again


def names(file: ItemsFile, number: int) -> list[str]:
    return list(json.loads(file.lines[number - 1].raw))


@given(files(), contents)
def test_replacing_forth_and_back_restores_the_values(data: str, fields: dict[str, Json]) -> None:
    file = parse(data)
    changed = replace_rows(file, [Row(r.key, fields) for r in file.rows], spelling="seed")
    back = replace_rows(changed, file.rows, spelling="seed")
    assert [row_digest(r) for r in parse(text(back)).rows] == [row_digest(r) for r in file.rows]


@given(files(), st.lists(contents, max_size=3), st.sampled_from(["id", "content"]))
def test_appended_rows_come_last_and_removing_them_leaves_what_was_there(
    data: str, new: list[dict[str, Json]], keys: Literal["id", "content"]
) -> None:
    file = parse(data, keys=keys)
    rows = [Row(Key(f"new {number}"), fields) for number, fields in enumerate(new)]
    more = append_rows(file, rows, spelling="current")
    again = parse(text(more), keys=keys)
    assert [r.key for r in again.rows] == [r.key for r in (*file.rows, *rows)]
    assert [row_digest(r) for r in again.rows] == [row_digest(r) for r in (*file.rows, *rows)]
    left = text(remove_rows(more, [r.key for r in rows]))
    assert left in {data, data + "\n", data + "\r\n"}


@given(files(), st.lists(contents, max_size=3))
def test_every_line_gets_one_key_and_keeps_its_content(
    data: str, others: list[dict[str, Json]]
) -> None:
    file = parse(data)
    known = [Row(Key(f"k{number}"), fields) for number, fields in enumerate(others)]
    known += [Row(Key("equal"), line.fields or {}) for line in file.keyless[:1]]
    numbers = itertools.count()
    keyed = assign_keys(file, known=known, new_key=lambda: f"new {next(numbers)}")
    again = parse(text(keyed))
    assert again.keyless == ()
    assert len(again.rows) == len(file.rows) + len(file.keyless)
    for before, after in zip(file.lines, again.lines, strict=True):
        assert before.row is None or before.raw == after.raw
        assert dict(before.fields or {}) == dict(after.fields or {})


@given(files(), st.randoms(use_true_random=False))
def test_derived_keys_survive_any_removal(data: str, random: Any) -> None:
    file = parse(data, keys="content")
    gone = [r.key for r in file.rows if random.random() < 0.5]
    left = parse(text(remove_rows(file, gone)), keys="content")
    assert [r.key for r in left.rows] == [r.key for r in file.rows if r.key not in gone]


# ---------------------------------------------------------------- what a server takes


@pytest.mark.parametrize(
    ("fields", "generation", "problem"),
    [
        ({"input": None}, "seed", None),
        ({}, "seed", None),
        ({"input": 1, "metadata": [1]}, "seed", None),
        ({"input": 1, "source_output": None}, "seed", None),
        ({"input": 1, "source_output": 1}, "seed", "source_output"),
        ({"input": None}, "current", "input"),
        ({}, "current", "input"),
        ({"input": 0, "metadata": None, "source_output": 1}, "current", None),
        ({"input": 1, "metadata": [1]}, "current", "metadata"),
        ({"input": 1, "source_trace_id": 5}, "seed", "source_trace_id"),
        ({"input": 1, "source_event_id": "x" * 256}, "current", "source_event_id"),
        ({"input": 1, "source_trace_id": ""}, "seed", None),
        ({"input": 1, "source_timestamp": "2024-01-01T00:00:00.123456789"}, "seed", None),
        ({"input": 1, "source_timestamp": "0000-01-01T00:00:00Z"}, "seed", "source_timestamp"),
        ({"input": 1, "source_timestamp": "yesterday"}, "seed", "source_timestamp"),
        ({"input": 1, "source_timestamp": 5}, "current", "source_timestamp"),
    ],
)
def test_rows_that_a_server_cannot_store_are_named(
    fields: dict[str, Json], generation: Literal["seed", "current"], problem: str | None
) -> None:
    found = row_problem(Row(Key("a"), fields), generation=generation)
    assert found is None if problem is None else problem in (found or "")


def test_reading_leaves_the_garbage_collector_as_it_was() -> None:
    assert gc.isenabled()
    parse('{"id":"a"}')
    assert gc.isenabled()
    with pytest.raises(InvalidContent):
        parse("x")
    assert gc.isenabled()


@pytest.mark.slow
def test_a_million_rows_are_read_and_rendered() -> None:
    """sync.md 14.6, input 77."""
    data = b"".join(b'{"id": "%d", "input": {"q": "x"}}\n' % number for number in range(1_000_000))
    file = parse(data)
    assert len(file.rows) == 1_000_000
    assert render_items(file) == data
