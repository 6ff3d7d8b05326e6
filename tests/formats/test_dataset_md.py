from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import info_digest
from skillsync.formats.dataset_md import (
    DatasetDocument,
    dataset_slug,
    edit_dataset_md,
    new_dataset_md,
    parse_dataset_md,
    render_dataset_md,
)
from skillsync.model import DatasetInfo, Json

PATH = "datasets/d/DATASET.md"


def parse(text: str | bytes | None) -> DatasetDocument:
    data = text.encode() if isinstance(text, str) else text
    return parse_dataset_md(data, path=PATH, folder_name="folder")


def edited(text: str, **changes: Any) -> str:
    doc = parse(text)
    old = {
        "name": doc.info.name,
        "description": doc.info.description,
        "metadata": doc.info.metadata,
    }
    to = DatasetInfo(**(old | changes))
    data = edit_dataset_md(doc, to=to)
    assert info_digest(parse(data).info) == info_digest(to)
    return data.decode()


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("text", "info"),
    [
        (None, DatasetInfo("folder")),
        ("", DatasetInfo("folder")),
        ("\ufeff Just text.\r\n", DatasetInfo("folder", "Just text.")),
        ("----\ntext", DatasetInfo("folder", "----\ntext")),
        ("---\n---\n", DatasetInfo("folder")),
        ("---\n# comment\n---\nText\n", DatasetInfo("folder", "Text")),
        ("---\nname:\n---\n", DatasetInfo("folder")),
        ("---\nname: ~\n---\n", DatasetInfo("folder")),
        ("---\nname: '  '\n---\n", DatasetInfo("folder")),
        ("---\nname: ' My set '\n---\n", DatasetInfo("My set")),
        ("---\nname: 2024\n---\n", DatasetInfo("2024")),
        ("---\nname: 1.10\n---\n", DatasetInfo("1.10")),
        ("---\nname: 'null'\n---\n", DatasetInfo("null")),
        (
            "---\nname: a\nmetadata:\n---\n\n# A\n\n---\n\nmore  \n",
            DatasetInfo("a", "# A\n\n---\n\nmore"),
        ),
        ("---\nname: a\nmetadata: {}\n---", DatasetInfo("a", "", {})),
        (
            "---\r\nname: a\r\nmetadata:\r\n  k: v\r\n---\r\nT\r\nU",
            DatasetInfo("a", "T\nU", {"k": "v"}),
        ),
        ("---\nowner: me\ndescription: local\n---\nText", DatasetInfo("folder", "Text")),
        (f"---\nname: {'x' * 400}\n---\n", DatasetInfo("x" * 400)),
    ],
)
def test_name_description_and_metadata_are_read(text: str | None, info: DatasetInfo) -> None:
    doc = parse(text)
    assert doc.info == info
    assert render_dataset_md(doc).decode() == (text or "")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("12", 12),
        ("+12", 12),
        ("-0", 0),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("9007199254740993", 9007199254740993),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("1.10.2", "1.10.2"),
        ("=", "="),
        ("[1, a, {b: no}]", [1, "a", {"b": "no"}]),
        ("|\n    one\n    two", "one\ntwo\n"),
    ],
)
def test_metadata_is_typed_by_the_core_rules(source: str, value: Json) -> None:
    metadata = parse(f"---\nmetadata:\n  k: {source}\n---\n").info.metadata
    assert metadata == {"k": value}
    assert isinstance(metadata, dict)
    assert type(metadata["k"]) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"a\n\xff", 2, "not UTF-8"),
        (b"a\n\nb\0", 3, "NUL"),
        ("---\nname: a\n", 1, "no closing line"),
        ("---", 1, "no closing line"),
        ("---\n- a\n---\n", 2, "not a mapping"),
        ("---\ntext\n---\n", 2, "not a mapping"),
        ("---\nx: 1\nname: a: b\n---\n", 3, "cannot be read"),
        ("---\nname: a\nname: b\n---\n", 3, "twice"),
        ("---\nmetadata:\n  k: 1\n  k: 2\n---\n", 4, "twice"),
        ("---\nx: 1\nname: [a]\n---\n", 3, "name must be one text"),
        (f"---\nx: 1\nname: {'x' * 401}\n---\n", 3, "at most 400"),
        ("---\nmetadata: text\n---\n", 2, "must be a mapping"),
        ("---\nmetadata: [1]\n---\n", 2, "must be a mapping"),
        ("---\nmetadata:\n  skillsync: {slug: a}\n---\n", 2, "reserved"),
        ("---\na: &x 1\nname: *x\n---\n", 2, "an alias"),
        ("---\na: &x 1\n---\n", 2, "an anchor"),
        ("---\nmetadata:\n  k: !!str 1\n---\n", 2, "an explicit tag"),
        ("---\nmetadata:\n  k: !!python/object:os.system x\n---\n", 3, "tag"),
        ("---\nmetadata:\n  k: .inf\n---\n", 3, "not a number of JSON"),
        ("---\nmetadata:\n  k: 1e400\n---\n", 3, "too large"),
        ("---\nmetadata:\n  k: " + "1" * 4301 + "\n---\n", 3, "too many digits"),
        ("---\nmetadata: " + "[" * 100 + "]" * 100 + "\n---\n", 2, "nested deeper"),
        ('---\nmetadata:\n  k: "\\0"\n---\n', 3, "U.0000"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    text: str | bytes, line: int, reason: str
) -> None:
    with pytest.raises(InvalidContent, match=reason) as caught:
        parse(text)
    assert (caught.value.path, caught.value.line) == (PATH, line)


# ---------------------------------------------------------------- editing

STYLED = """\
---
# keep me
owner: 'me'
name:   "Old name"   # why
metadata:
  # about a
  a: 1.0
  'b': [x, y]   # list
  nested:
    deep: yes
z: 2024-01-01
---

Text with  two spaces.

  indented
"""


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({"name": "New"}, 'name:   "Old name"   # why', 'name:   "New"   # why'),
        (
            {"metadata": {"a": 2, "b": ["x", "y"], "nested": {"deep": "yes"}}},
            "  a: 1.0\n",
            "  a: 2\n",
        ),
        (
            {"metadata": {"a": 1, "b": ["x", "y"], "nested": {"deep": True}}},
            "deep: yes",
            "deep: true",
        ),
        (
            {"metadata": {"a": 1, "b": ["x", "y"], "nested": {"deep": "yes"}, "m": None}},
            "    deep: yes\n",
            "    deep: yes\n  m: null\n",
        ),
        ({"metadata": {"a": 1, "b": ["x", "y"]}}, "  nested:\n    deep: yes\n", ""),
        (
            {"description": "Other\n\ntext"},
            "Text with  two spaces.\n\n  indented\n",
            "Other\n\ntext\n",
        ),
        ({"description": "Text with  two spaces.\n\n  more"}, "  indented\n", "  more\n"),
    ],
)
def test_only_the_lines_of_a_changed_value_change(
    changes: dict[str, Any], before: str, after: str
) -> None:
    assert STYLED.count(before) == 1
    assert edited(STYLED, **changes) == STYLED.replace(before, after)
    windows = STYLED.replace("\n", "\r\n")
    assert edited(windows, **changes) == STYLED.replace(before, after).replace("\n", "\r\n")


def test_removing_the_metadata_leaves_the_other_keys() -> None:
    others: list[Json] = [None, {}, [1, 2], "text"]
    for nothing in others:
        left = edited(STYLED, metadata=nothing)
        assert "metadata" not in left
        assert "# keep me\nowner: 'me'\n" in left
        assert "\nz: 2024-01-01\n---\n" in left


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": " Old name "},
        {"description": "\r\nText with  two spaces.\r\n\r\n  indented  "},
        {"metadata": {"nested": {"deep": "yes"}, "b": ["x", "y"], "a": 1}},
    ],
)
def test_equal_content_gives_the_same_bytes(changes: dict[str, Any]) -> None:
    assert edited(STYLED, **changes) == STYLED


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("", {"description": "a\nb"}, "a\nb\n"),
        ("Old\r\ntext", {"description": "New\ntext"}, "New\r\ntext"),
        ("Old", {"name": "ds"}, "---\nname: ds\n---\n\nOld"),
        ("\ufeffOld\n", {"name": "ds"}, "\ufeff---\nname: ds\n---\n\nOld\n"),
        ("Old", {"metadata": {"k": 1}}, "---\nname: folder\nmetadata:\n  k: 1\n---\n\nOld"),
        (
            "Old",
            {"description": "---\nx: 1\n---\ny"},
            "---\nname: folder\n---\n\n---\nx: 1\n---\ny",
        ),
        ("---\n---\nOld", {"name": "ds"}, "---\nname: ds\n---\nOld"),
        ("---\n# c\n---", {"description": "New"}, "---\n# c\n---\n\nNew\n"),
        ("---\nname: a\n---\nOld\n", {"description": ""}, "---\nname: a\n---\n\n"),
        ("---\nx: 1\n---\n", {"name": "ds"}, "---\nx: 1\nname: ds\n---\n"),
        ("---\n{name: a, x: 1}\n---\n", {"name": "b"}, "---\n{name: b, x: 1}\n---\n"),
        ("---\nname: a\nmetadata: {}\n---\n", {"metadata": {"k": "no"}}, None),
        ("---\nname: a\nmetadata: {k: 1}\n---\n", {"metadata": {"k": "1", "m": [1.5]}}, None),
        ("---\nname: |\n  a\n---\n", {"name": "b: c"}, None),
    ],
)
def test_files_of_every_shape_can_be_edited(
    text: str, changes: dict[str, Any], expected: str | None
) -> None:
    result = edited(text, **changes)
    assert expected is None or result == expected


def test_a_missing_file_becomes_a_new_one() -> None:
    info = DatasetInfo("folder", "Text")
    assert edit_dataset_md(parse(None), to=info) == new_dataset_md(info)


def test_a_new_file_is_tidy() -> None:
    info = DatasetInfo("My: set", " One\r\ntwo\n", {"k": "no", "m": 1.0, "d": {"list": [1, "a"]}})
    assert new_dataset_md(info).decode() == (
        '---\nname: "My: set"\nmetadata:\n  k: "no"\n  m: 1.0\n  d:\n    list:\n      - 1\n'
        "      - a\n---\n\nOne\ntwo\n"
    )
    assert new_dataset_md(DatasetInfo("ds", metadata=[1])) == b"---\nname: ds\n---\n"


@pytest.mark.parametrize(
    "info",
    [
        DatasetInfo(""),
        DatasetInfo("x" * 401),
        DatasetInfo("n", "a\0b"),
        DatasetInfo("n", "a\ud800"),
        DatasetInfo("n", metadata={"skillsync": {"slug": "x"}}),
        DatasetInfo("n", metadata={"k": "\0"}),
    ],
)
def test_what_could_not_be_read_again_is_not_written(info: DatasetInfo) -> None:
    with pytest.raises(InvalidContent):
        new_dataset_md(info)
    with pytest.raises(InvalidContent):
        edit_dataset_md(parse("---\nname: a\n---\n\nText\n"), to=info)


# ---------------------------------------------------------------- properties

words = st.text(st.sampled_from("ab -#:'\"\n|>[{é\u2028,.1&*!%\t"), max_size=8)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([1.5, 1e-7, 1e22, 100.0, -0.5]),
    words,
    st.sampled_from(
        ["no", "1e3", "0o17", "2024-01-01", "~", "null", "true", "12:30:00", "---", "="]
    ),
)
metadata = st.dictionaries(
    words.filter(lambda key: key != "skillsync"),
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=3,
)
infos = st.builds(
    DatasetInfo,
    name=words.filter(lambda name: bool(name.strip())),
    description=words,
    metadata=st.one_of(st.none(), metadata),
)


@given(infos)
def test_a_new_file_says_what_it_should(info: DatasetInfo) -> None:
    data = new_dataset_md(info)
    doc = parse(data)
    assert info_digest(doc.info) == info_digest(info)
    assert render_dataset_md(doc) == data


@given(infos, infos)
def test_an_edited_file_says_what_it_should_and_editing_again_changes_nothing(
    old: DatasetInfo, new: DatasetInfo
) -> None:
    data = edit_dataset_md(parse(new_dataset_md(old)), to=new)
    assert info_digest(parse(data).info) == info_digest(new)
    assert edit_dataset_md(parse(data), to=new) == data


@given(infos)
def test_an_edit_leaves_what_is_not_ours(info: DatasetInfo) -> None:
    doc = parse(STYLED)
    after = edit_dataset_md(doc, to=info).decode()
    assert "# keep me\nowner: 'me'\n" in after
    assert "\nz: 2024-01-01\n---\n" in after
    assert parse(after).others == doc.others


@given(st.binary(max_size=40) | st.text("-\n ab:[{'\"&*!#", max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for candidate in (data, b"---\n" + data + b"\n---\n"):
        try:
            doc = parse(candidate)
        except InvalidContent:
            continue
        assert render_dataset_md(doc) == candidate


# ---------------------------------------------------------------- folder names

UUID = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("Support Tickets", (), "support-tickets"),
        ("  --A__b.. 9!", (), "a-b-9"),
        ("../../etc/passwd", (), "etc-passwd"),
        ("Über", (), "ber"),
        ("日本", (), "01890a5d"),
        ("...", (), "01890a5d"),
        ("a", ("A", "b"), "a-01890a5d"),
        ("a", ("a", "a-01890a5d"), "a-01890a5da"),
        ("日本", ("01890a5d",), "01890a5da"),
        ("x" * 400, (), "x" * 200),
    ],
)
def test_a_folder_is_named_after_its_dataset(name: str, taken: tuple[str, ...], slug: str) -> None:
    assert dataset_slug(name, id=UUID, taken=taken) == slug


def test_a_hostile_id_cannot_leave_the_folder() -> None:
    assert dataset_slug("", id="../../x", taken=()) == "x"
    with pytest.raises(InvalidContent):
        dataset_slug("", id="../..", taken=())


@given(st.text(max_size=20), st.lists(st.text("ab-01", max_size=3), max_size=3))
def test_a_folder_name_is_plain_and_free(name: str, taken: list[str]) -> None:
    slug = dataset_slug(name, id=UUID, taken=taken)
    assert slug not in taken
    assert slug.replace("-", "").isalnum()
    assert slug.isascii()
    assert slug == slug.lower().strip("-")
