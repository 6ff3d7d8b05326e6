from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import (
    canonical_fields,
    canonical_json,
    canonical_text,
    files_digest,
    info_digest,
    row_digest,
    rows_digest,
    same_skill,
    short,
    skill_digest,
    text_leaves,
)
from skillsync.model import DatasetInfo, Digest, Extra, Json, Key, Row, Skill

SKILL = Skill(
    name="review",
    description="Reviews code.",
    body="# Review\n\nLook twice.",
    license="MIT",
    compatibility="git",
    allowed_tools=("Read", "Bash(git add *)"),
    metadata={"version": "1.0", "nested": {"deep": "x"}},
    files={"scripts/run.sh": "echo hi", "b.md": "text"},
    extra=Extra({"model": "small"}, None, frozenset({"scripts/run.sh"}), frozenset({"e.py"})),
)

texts = st.text(st.sampled_from("a b\r\n\t\ufeff\x1c\u00a0\u2028é"), max_size=12)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e22, 1.5e300, -0.0, 1e16, 0.1, 1e-7, 2**53 + 1]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "input": values,
        "expected_output": values,
        "metadata": values,
        "source_trace_id": st.one_of(st.none(), texts),
        "source_timestamp": st.one_of(st.none(), st.datetimes().map(lambda time: time.isoformat())),
    },
)


def through_a_server(value: Json) -> Json:
    """What a column of JSON gives back: keys sorted by length, large floats as integers, no negative zero."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: (len(item[0]), item[0]))
        return {key: through_a_server(item) for key, item in items}
    if isinstance(value, list):
        return [through_a_server(item) for item in value]
    if isinstance(value, float):
        return int(value) if abs(value) >= 1e16 and value.is_integer() else value + 0.0
    return value


def skills() -> st.SearchStrategy[Skill]:
    paths = st.sampled_from(["a.md", "b/c.md", "e\u0301.md"])
    extras = st.builds(
        Extra,
        st.dictionaries(st.sampled_from(["model", "x"]), scalars, max_size=2),
        st.sampled_from([None, ("Bash(a b)",), ()]),
        st.frozensets(paths),
        st.frozensets(paths),
    )
    return st.builds(
        Skill,
        name=st.sampled_from(["a", "b"]),
        description=texts,
        body=texts,
        license=texts,
        compatibility=texts,
        allowed_tools=st.lists(st.sampled_from(["Read", "Grep"]), max_size=2).map(tuple),
        metadata=st.dictionaries(st.text(max_size=2), scalars, max_size=2),
        files=st.dictionaries(paths, texts, max_size=3),
        extra=st.one_of(st.none(), extras),
    )


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ("\ufeffa", "a"),
        ("\ufeff\n a", "a"),
        ("\ufeff\ufeffa", "a"),
        (" \ufeff a\ufeff", "a\ufeff"),
        ("a\r\nb\r\n", "a\nb"),
        ("a\r\r\nb", "a\nb"),
        ("a\rb", "a\rb"),
        ("\x1c\u00a0\u2028a  \nb\x1f\x85", "a  \nb"),
        ("a\x00b\u2028c\x0cd", "a\x00b\u2028c\x0cd"),
    ],
)
def test_text_loses_bom_carriage_returns_and_edges_only(text: str, canonical: str) -> None:
    assert canonical_text(text) == canonical


@given(texts)
def test_canonical_text_of_canonical_text_is_itself(text: str) -> None:
    canonical = canonical_text(text)
    assert canonical_text(canonical) == canonical == canonical_text(canonical.strip())


@given(texts)
def test_line_ends_and_edges_are_no_difference(text: str) -> None:
    lines = text.replace("\r", "")
    assert canonical_text(lines.replace("\n", "\r\n") + "\r\n") == canonical_text(lines)


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e22, "10000000000000000000000"),
        (100.0, "100"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (2**53 + 1, "9007199254740993"),
        (10**59 + 1, "1" + "0" * 58 + "1"),
        (True, "true"),
        ({"b": 1.0, "a": [None, "é\u2028"]}, '{"a":[null,"é\u2028"],"b":1}'),
        ({"__proto__": 1, "constructor": 2}, '{"__proto__":1,"constructor":2}'),
    ],
)
def test_json_has_sorted_keys_and_one_spelling_per_number(value: Json, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": float("-inf")}]])
def test_numbers_that_are_no_json_are_refused(value: Json) -> None:
    with pytest.raises(InvalidContent):
        canonical_json(value)


def test_an_integer_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(InvalidContent, match="4300"):
        canonical_json(10**5000)


def test_nesting_beyond_the_interpreter_is_refused() -> None:
    value: Json = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidContent, match="too deeply"):
        canonical_json(value)


def test_an_integer_beyond_doubles_differs_from_its_neighbour() -> None:
    assert canonical_json(2**53 + 1) != canonical_json(float(2**53))


def test_true_is_not_one() -> None:
    assert canonical_json(True) != canonical_json(1)


@given(values)
def test_canonical_json_of_canonical_json_is_itself(value: Json) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@given(values)
def test_canonical_json_survives_a_server(value: Json) -> None:
    assert canonical_json(through_a_server(value)) == canonical_json(value)


def test_leaves_become_the_text_that_json_writes() -> None:
    value: Json = {"a": [1, 1.0, True, None, "x"], "b": {"c": 2}}
    assert text_leaves(value) == {"a": ["1", "1.0", "true", "null", "x"], "b": {"c": "2"}}


def test_a_leaf_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidContent):
        text_leaves({"a": float("nan")})


@given(values)
def test_text_leaves_of_text_leaves_are_themselves(value: Json) -> None:
    leaves = text_leaves(value)
    assert text_leaves(leaves) == leaves


# ---------------------------------------------------------------- skills


def test_a_digest_names_its_algorithm() -> None:
    assert skill_digest(SKILL).startswith("canon:1:sha256:")
    assert len(skill_digest(SKILL)) == len("canon:1:sha256:") + 64
    assert short(skill_digest(SKILL)) == skill_digest(SKILL)[15:31]


def test_the_algorithm_does_not_change_under_its_name() -> None:
    """Pointers in users' repositories hold these: another value needs another name than canon:1."""
    assert skill_digest(SKILL) == Digest(
        "canon:1:sha256:9a0d08cd8f306e5623fa75396e44919a96b4640901daf6df3f504184ac1ac114"
    )
    assert row_digest(Row(Key("a"), {"input": {"q": 1.0}})) == Digest(
        "canon:1:sha256:11006f703dca835041d803872ed4844b28393d783b5968f70351ea3e54948c2a"
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(SKILL, name="other"),
        replace(SKILL, description="\ufeffReviews code.\r\n"),
        replace(SKILL, body="\n# Review\r\n\r\nLook twice. "),
        replace(SKILL, allowed_tools=(" Read", "Bash(git add *) ")),
        replace(SKILL, metadata={"nested": {"deep": "x"}, "version": 1.0}),
        replace(SKILL, files={"b.md": "text\n", "scripts/run.sh": " echo hi"}),
    ],
)
def test_what_is_not_content_is_not_in_the_digest(other: Skill) -> None:
    assert skill_digest(other) == skill_digest(SKILL)
    assert same_skill(other, SKILL)


@pytest.mark.parametrize(
    "other",
    [
        replace(SKILL, description="Reviews"),
        replace(SKILL, license=""),
        replace(SKILL, compatibility=""),
        replace(SKILL, allowed_tools=("Bash(git add *)", "Read")),
        replace(SKILL, metadata={"version": "1"}),
        replace(SKILL, body="# Review\n\nLook  twice."),
        replace(SKILL, files={**SKILL.files, "c": ""}),
        replace(SKILL, files={"scripts/run.sh": "echo hi", "B.md": "text"}),
        replace(SKILL, extra=Extra()),
        replace(SKILL, extra=replace(SKILL.extra or Extra(), frontmatter={"model": True})),
        replace(SKILL, extra=replace(SKILL.extra or Extra(), executable=frozenset())),
        replace(SKILL, extra=replace(SKILL.extra or Extra(), empty=frozenset())),
    ],
)
def test_every_part_of_the_content_is_in_the_digest(other: Skill) -> None:
    assert skill_digest(other) != skill_digest(SKILL)
    assert not same_skill(other, SKILL)


def test_an_unknown_extra_takes_the_other_sides() -> None:
    unknown = replace(SKILL, extra=None)
    assert same_skill(unknown, SKILL)
    assert same_skill(SKILL, unknown)
    assert same_skill(unknown, unknown)
    assert skill_digest(unknown) == skill_digest(replace(SKILL, extra=Extra()))


def test_a_carried_tool_list_is_the_canonical_one_and_counts_once() -> None:
    tools = ("Bash(a b)",)
    carried = replace(SKILL, allowed_tools=(), extra=Extra(allowed_tools=tools))
    assert skill_digest(carried) == skill_digest(replace(SKILL, allowed_tools=tools, extra=Extra()))


def test_paths_are_compared_in_one_normal_form() -> None:
    decomposed = replace(
        SKILL, files={"e\u0301.md": "x"}, extra=Extra(empty=frozenset({"e\u0301"}))
    )
    composed = replace(SKILL, files={"\u00e9.md": "x"}, extra=Extra(empty=frozenset({"\u00e9"})))
    assert skill_digest(decomposed) == skill_digest(composed)


def test_a_lone_surrogate_has_no_digest() -> None:
    with pytest.raises(InvalidContent, match="surrogate"):
        skill_digest(replace(SKILL, body="a\ud800"))


@given(skills())
def test_a_skill_survives_a_trimming_server(skill: Skill) -> None:
    stored = replace(
        skill,
        description=skill.description.strip(),
        body=canonical_text(skill.body).strip(),
        license=skill.license.strip(),
        files={path: canonical_text(text) for path, text in sorted(skill.files.items())},
        metadata={key: text_leaves(skill.metadata[key]) for key in sorted(skill.metadata, key=len)},
    )
    assert skill_digest(stored) == skill_digest(skill)


@given(skills(), skills())
def test_equal_digests_and_equal_content_are_the_same_thing(a: Skill, b: Skill) -> None:
    same = same_skill(a, b)
    assert same == same_skill(b, a)
    if a.extra is not None and b.extra is not None:
        assert same == (skill_digest(a) == skill_digest(b))
    assert same_skill(a, replace(a, extra=None))


def test_folder_files_are_compared_without_their_order_and_line_ends() -> None:
    assert files_digest([("a", b"1\r\n2"), ("b", b"")]) == files_digest(
        [("b", b""), ("a", b"1\n2")]
    )
    assert files_digest([("a", b"1")]) != files_digest([("a", b"1 ")])
    assert files_digest([("a", b"1")]) != files_digest([("b", b"1")])
    assert len(files_digest([])) == 32


# ---------------------------------------------------------------- rows and datasets


def row(**content: Json) -> Row:
    return Row(Key("k"), content)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (row(input=1), row(input=1.0, expected_output=None)),
        (row(input=1, metadata={}), row(input=1, metadata=None)),
        (row(input={"a": 1, "b": 2}), row(input={"b": 2, "a": 1})),
        (row(input=1e22), row(input=10**22)),
        (row(source_trace_id=" x "), row(source_trace_id="x")),
        (row(source_timestamp="2024-01-01"), row(source_timestamp="2024-01-01T00:00:00Z")),
        (
            row(source_timestamp="2024-01-01T02:00:00.123456789+02:00"),
            row(source_timestamp="2024-01-01T00:00:00.123456"),
        ),
        (row(), Row(Key("another"), {})),
    ],
)
def test_rows_are_compared_by_value(a: Row, b: Row) -> None:
    assert row_digest(a) == row_digest(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (row(input=" x"), row(input="x")),
        (row(input=[1, 2]), row(input=[2, 1])),
        (row(input={}), row()),
        (row(input=True), row(input=1)),
        (row(metadata=[]), row()),
        (row(metadata={"a": {}}), row(metadata={"a": None})),
        (row(source_trace_id=""), row()),
        (row(source_timestamp="0000-01-01"), row(source_timestamp="0001-01-01")),
        (row(source_timestamp="0001-01-01T00:00:00+05:00"), row(source_timestamp="0001-01-01")),
    ],
)
def test_rows_that_differ_have_different_digests(a: Row, b: Row) -> None:
    assert row_digest(a) != row_digest(b)


@given(fields)
def test_a_row_that_can_be_written_as_it_is_has_the_digest_of_its_canonical_fields(
    content: dict[str, Json],
) -> None:
    text = canonical_json(canonical_fields(content))
    assert row_digest(row(**content)) == f"canon:1:sha256:{sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize("depth", [1_000_000, 2_000])
@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_a_row_that_cannot_be_written_has_no_digest(
    wrap: Callable[[Json], Json], depth: int
) -> None:
    deep: Json = 1
    for _ in range(depth):
        deep = wrap(deep)
    for value in (deep, wrap(float("nan")), float("inf"), wrap("\ud800"), wrap(10**5_000)):
        with pytest.raises(InvalidContent):
            row_digest(row(input=value))


@given(fields)
def test_canonical_fields_of_canonical_fields_are_themselves(content: dict[str, Json]) -> None:
    assert canonical_fields(canonical_fields(content)) == canonical_fields(content)


@given(fields)
def test_a_row_survives_a_server(content: dict[str, Json]) -> None:
    stored = {name: through_a_server(value) for name, value in sorted(content.items())}
    assert row_digest(Row(Key("k"), stored)) == row_digest(Row(Key("k"), content))


def test_the_digest_of_rows_ignores_their_order_and_sees_their_keys() -> None:
    one, two = row_digest(row(input=1)), row_digest(row(input=2))
    assert rows_digest([(Key("a"), one), (Key("b"), two)]) == rows_digest(
        [(Key("b"), two), (Key("a"), one)]
    )
    assert rows_digest([(Key("a"), one)]) != rows_digest([(Key("b"), one)])
    assert rows_digest([(Key("a"), one)]) != rows_digest([(Key("a"), two)])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (DatasetInfo("n", ""), DatasetInfo(" n ", " \r\n")),
        (DatasetInfo("n", metadata={}), DatasetInfo("n", metadata=None)),
        (DatasetInfo("n", metadata=[1]), DatasetInfo("n", metadata=None)),
        (DatasetInfo("n", metadata={"a": 1.0}), DatasetInfo("n", metadata={"a": 1})),
    ],
)
def test_equal_dataset_information(a: DatasetInfo, b: DatasetInfo) -> None:
    assert info_digest(a) == info_digest(b)


@pytest.mark.parametrize(
    "other", [DatasetInfo("m"), DatasetInfo("n", "d"), DatasetInfo("n", metadata={"a": None})]
)
def test_name_description_and_metadata_of_a_dataset_are_content(other: DatasetInfo) -> None:
    assert info_digest(other) != info_digest(DatasetInfo("n"))
