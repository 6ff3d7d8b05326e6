"""Merging items.jsonl by row and field instead of by line: examples, and the laws P22 over whole files."""

from __future__ import annotations

import json
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.merge_items import MergedItems, merge_items
from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest
from skillsync.formats.row_lines import Limits, parse_items
from skillsync.model import Conflict, Row, UnitKind

PATH = "datasets/cases/items.jsonl"


def line(key: str | None, value: Any = "q", output: Any = "a", **metadata: Any) -> str:
    row: dict[str, Any] = {} if key is None else {"id": key}
    row |= {"input": value, "output": output}
    return json.dumps(row | ({"metadata": metadata} if metadata else {}))


def text(*lines: str) -> bytes:
    return "".join(f"{each}\n" for each in lines).encode()


def merge(base: bytes, local: bytes, remote: bytes, **options: Any) -> MergedItems:
    return merge_items(base, local, remote, path=PATH, subject="cases", **options)


A, B, C = line("a"), line("b"), line("c")


@pytest.mark.parametrize(
    ("why", "base", "local", "remote", "expected"),
    [
        ("each edits its row", [A, B], [line("a", "1"), B], [A, line("b", "2")],
         [line("a", "1"), line("b", "2")]),
        ("neighbours, which git would call a conflict", [A, B, C], [A, line("b", "1"), C],
         [line("a", "2"), B, C], [line("a", "2"), line("b", "1"), C]),
        ("both append", [A], [A, B], [A, C], [A, B, C]),
        ("into an empty file", [], [A], [B], [A, B]),
        ("both append the same", [A], [A, B], [A, B, C], [A, B, C]),
        ("in the middle and at the end", [A, B], [A, line("x"), B], [A, B, C],
         [A, line("x"), B, C]),
        ("at the front", [B], [B, C], [A, B], [A, B, C]),
        ("one removes, the other appends", [A, B], [B], [A, B, C], [B, C]),
        ("both remove", [A, B, C], [A, C], [A], [A]),
        ("what one removed does not come back", [A, B], [A], [A, B, C], [A, C]),
        ("one sorts, the other edits", [A, B, C], [C, B, A], [A, B, line("c", "1")],
         [line("c", "1"), B, A]),
        ("the other sorts", [A, B, C], [A, B, line("c", "1")], [C, B, A],
         [line("c", "1"), B, A]),
        ("fields of one row", [line("a", x=1, y=1)], [line("a", x=2, y=1)], [line("a", x=1, y=2)],
         [line("a", x=2, y=2)]),
        ("content and metadata", [line("a", x=1)], [line("a", "new", x=1)], [line("a", x=2)],
         [line("a", "new", x=2)]),
        ("lines without id stay what they are", [line(None, 1), line(None, 2)],
         [line(None, 1), line(None, 2), line(None, 3)], [line(None, 2)],
         [line(None, 2), line(None, 3)]),
        ("duplicates without id are counted", [line(None)], [line(None)] * 2, [line(None), A],
         [line(None)] * 2 + [A]),
        ("blank lines belong to the author", [A, "", B], [A, "", B, C], [line("a", 1), "", B],
         [line("a", 1), "", B, C]),
    ],
)  # fmt: skip
def test_what_one_side_did_is_done(
    why: str, base: list[str], local: list[str], remote: list[str], expected: list[str]
) -> None:
    made = merge(text(*base), text(*local), text(*remote))
    assert made == MergedItems(text(*expected)), why


@pytest.mark.parametrize(
    ("why", "base", "local", "remote", "kept", "units"),
    [
        ("one field, twice", [line("a", x=1)], [line("a", x=2)], [line("a", x=3)],
         [line("a", x=2)], ["a:metadata.x"]),
        ("input and output are one group", [A], [line("a", "1")], [line("a", "q", "1")],
         [line("a", "1")], ["a:input+expected_output"]),
        ("other fields of that row are merged", [line("a", x=1, y=1)], [line("a", x=2, y=1)],
         [line("a", x=3, y=2)], [line("a", x=2, y=2)], ["a:metadata.x"]),
        ("removed here, changed there", [A, B], [B], [line("a", 1), B], [line("a", 1), B], ["a"]),
        ("changed here, removed there", [A, B], [line("a", 1), B], [B], [line("a", 1), B], ["a"]),
        ("one key, two rows", [B], [B, line("a", 1)], [B, line("a", 2)], [B, line("a", 1)], ["a"]),
        ("keys that look the same", [B], [B, line("\u00e9", 1)], [B, line("e\u0301", 2)],
         [B, line("\u00e9", 1)], ["\u00e9"]),
        ("a line without id, twice", [line(None, 1)], [line(None, 2)], [line(None, 3)],
         [line(None, 2), line(None, 3)], ["line 1 before"]),
        ("a line that got two ids", [line(None)], [A], [B], [A, B], ["line 1 before"]),
    ],
)  # fmt: skip
def test_a_conflict_leaves_a_file_that_can_be_read(
    why: str,
    base: list[str],
    local: list[str],
    remote: list[str],
    kept: list[str],
    units: list[str],
) -> None:
    made = merge(text(*base), text(*local), text(*remote))
    assert made.data == text(*kept), why
    assert [conflict.unit for conflict in made.conflicts] == units


def test_a_conflict_about_a_line_says_what_happened_to_it() -> None:
    def conflict(
        unit: str, reason: str, base: str | None, local: str | None, remote: str | None
    ) -> Conflict:
        return Conflict("cases", UnitKind.ROW, unit, base, local, remote, reason)

    old, new = (f'{{"expected_output":"a","input":"{value}"}}' for value in "q1")
    changed = text(line("a", "1"), B)
    assert merge(text(A, B), text(B), changed).conflicts == (
        conflict("a", "removed here, changed there", old, None, new),
    )
    assert merge(text(A, B), changed, text(B)).conflicts == (
        conflict("a", "changed here, removed there", old, new, None),
    )
    lone = (
        "has no id and is gone on both sides: if both changed it, remove one of the two new lines"
    )
    assert merge(
        text(A, line(None)), text(A, line(None, "2")), text(A, line(None, "3"))
    ).conflicts == (conflict("line 2 before", lone, old, None, None),)


def test_a_line_without_id_that_one_side_edited_and_the_other_removed_is_no_question() -> None:
    """Only two new lines can be two edits of one row."""
    assert merge(text(A, line(None)), text(A, line(None, "2")), text(A)).conflicts == ()
    assert merge(text(A, line(None)), text(A), text(A, line(None, "2"))).conflicts == ()


def test_all_conflicts_of_a_file_are_told_and_name_its_dataset() -> None:
    sides = [text(line("a", n), line(None, n)) for n in (1, 2, 3)]
    found = merge(*sides).conflicts
    assert [conflict.unit for conflict in found] == ["a:input+expected_output", "line 2 before"]
    assert {conflict.subject for conflict in found} == {"cases"}


def test_only_a_line_that_is_gone_on_both_sides_can_have_been_edited_twice() -> None:
    one, two, lone = line(None, 1), line(None, 2), line(None)
    assert merge(text(A, lone), text(A, lone, one), text(A, two)).conflicts == ()
    assert merge(text(lone, A, B), text(A, B), text(one, A)).conflicts == ()


def test_a_line_that_only_one_side_spelled_anew_is_spelled_so() -> None:
    anew = A.replace(", ", ",")
    assert merge(text(A), text(A, B), text(anew)).data == text(anew, B)
    assert merge(text(A), text(anew), text(A, B)).data == text(anew, B)


def test_a_line_that_gets_an_end_has_the_files() -> None:
    windows = text(A, B).replace(b"\n", b"\r\n")
    made = merge(windows, windows + C.encode(), windows + line("d").encode() + b"\r\n")
    assert made.data == windows + C.encode() + b"\r\n" + line("d").encode()
    half = text(A).replace(b"\n", b"\r\n") + B.encode()
    edited = half.replace(B.encode(), line("b", "1").encode())
    made = merge(half, half + b"\n", edited)
    assert made.data == edited + b"\n", "most lines have it, or it is a plain one"


def test_a_field_that_a_line_gets_is_named_as_in_the_other_lines() -> None:
    bare, named = '{"id": "a", "input": "q"%s}\n', b'{"id": "b", "output": "a"}\n'
    base = bare.encode() % b"" + named
    local = bare.encode() % b', "metadata": {"x": 1}' + named
    remote = bare.encode() % b', "expected_output": "new"' + named.replace(
        b"output", b"expected_output"
    )
    made = merge(base, local, remote)
    assert made.data.splitlines()[0].endswith(b'"metadata": {"x": 1}, "output": "new"}')


def test_what_one_side_removed_does_not_count_as_sorting() -> None:
    """What both add at one place stands with the local lines first, whoever removed others."""
    x, y = line("x"), line("y")
    assert merge(text(A, B), text(A, B, x), text(B, y)).data == text(B, x, y)
    assert merge(text(A, B), text(B, x), text(A, B, y)).data == text(B, x, y)


def test_a_merged_line_is_spelled_as_it_was_here() -> None:
    base = b'{ "input" : "q",  "metadata": {"y": 1, "x": 1}, "id": "a"}\r\n'
    local = base.replace(b'"y": 1', b'"y": 2')
    remote = b'{"id": "a", "metadata": {"x": 3, "y": 1}, "input": "q"}\n'
    made = merge(base, local, remote)
    assert made.data == b'{ "input" : "q",  "metadata": {"y": 2, "x": 3}, "id": "a"}\r\n'


def test_a_line_that_only_one_side_touched_keeps_its_bytes() -> None:
    base = text(A, B)
    local = base.replace(b'"id": "a", ', b'  "id":"a",')
    remote = text(A, line("b", 1)).replace(b'"id": "b", ', b'"id":\t"b",')
    assert merge(base, local, remote).data == local.split(b"\n")[0] + b"\n" + remote.split(b"\n")[1] + b"\n"  # fmt: skip


def test_no_two_rows_share_a_line_and_the_end_is_the_authors() -> None:
    """A third of real files have no final line end; git glues what both append."""
    base, bare = text(A), text(A)[:-1]
    assert merge(bare, bare + b"\n" + B.encode(), bare + b"\n" + C.encode()).data == text(A, B, C)[:-1]  # fmt: skip
    assert merge(bare, text(A, B), bare.replace(b"q", b"1")).data == text(line("a", "1"), B)
    assert merge(bare, text(line("a", "1"))[:-1], base).data == text(line("a", "1"))
    assert merge(base, text(line("a", "1")), bare).data == text(line("a", "1"))[:-1]
    assert merge(base, text(A, B)[:-1], text(line("a", "1"))).data == text(line("a", "1"), B)[:-1]
    windows = text(A, B).replace(b"\n", b"\r\n")
    made = merge(windows, windows + C.encode(), windows.replace(b"q", b"1", 1))
    assert made.data.endswith(b"\r\n" + C.encode())
    assert made.data.count(b"\r\n") == 2


def test_names_and_keys_of_the_dataset_hold() -> None:
    def row(vars: str, ideal: str, n: int = 1) -> str:  # noqa: A002  # as a file may call it
        return json.dumps({"vars": vars, "ideal": ideal, "metadata": {"n": n}})

    base = text(row("1", "a"), row("2", "b"))
    local, remote = text(row("1", "x"), row("2", "b")), text(row("1", "a", 2), row("2", "b"))
    options = {"mapping": {"input": "vars", "expected_output": "ideal"}, "keys": "content"}
    assert merge(base, local, remote, **options).data == text(row("1", "x", 2), row("2", "b"))
    with pytest.raises(InvalidContent):
        merge(base, local, remote)


@pytest.mark.parametrize(
    "bad", [b"<<<<<<< HEAD\n", b"[1]\n", b'{"id": "a"', b"\xff\n", text(A, A), b"\xef\xbb\xbf" + text(A)]
)  # fmt: skip
def test_what_cannot_be_read_is_no_row(bad: bytes) -> None:
    with pytest.raises(InvalidContent) as caught:
        merge(text(B), bad, text(B, C))
    assert caught.value.path == PATH


@pytest.mark.parametrize("bad", [b"<<<<<<< HEAD\n", b"\xff\n"])
def test_a_side_that_alone_changed_is_taken_as_it_is(bad: bytes) -> None:
    base = text(A)
    assert merge(base, bad, base) == MergedItems(bad)
    assert merge(base, base, bad) == MergedItems(bad)
    assert merge(base, bad, bad) == MergedItems(bad)


def test_limits_of_the_dataset_hold_however_its_keys_are_made() -> None:
    base, local, remote = text(A), text(A, line("long", "x" * 100)), text(A, C)
    row = json.dumps({"input": "x" * 100})
    for keys, sides in (("id", (base, local, remote)), ("content", (b"", text(row), text("{}")))):
        with pytest.raises(InvalidContent):
            merge(*sides, keys=keys, limits=Limits(line=90))


def test_a_conflict_names_no_dataset_where_none_was_given() -> None:
    made = merge_items(text(A), text(line("a", 1)), text(line("a", 2)), path=PATH)
    assert [conflict.subject for conflict in made.conflicts] == [""]


@pytest.mark.parametrize("broken", [b"{ not json\n", b"X\n", b"\x0c\n"])
def test_what_nobody_touched_is_not_even_read(broken: bytes) -> None:
    """The same broken line on all sides is no affair of this merge."""
    made = merge(broken + text(A), broken + text(A, B), broken + text(line("a", 1)))
    assert made.data == broken + text(line("a", 1), B)


# ---------------------------------------------------------------- laws

KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
VALUES: list[Any] = [None, 0, 1, True, "x", [1], {"y": 1}]
ABSENT = object()
METADATA = [ABSENT, {}, *({key: one} for key in "xy" for one in VALUES),
            *({"x": one, "y": other} for one in VALUES for other in VALUES)]  # fmt: skip
ROWS = st.sampled_from(
    [
        {name: value for name, value in row.items() if value is not ABSENT}
        for row in (
            {"input": one, "output": other, "metadata": metadata}
            for one, other, metadata in product(VALUES, [ABSENT, *VALUES], METADATA)
        )
    ]
)
"""Every row of these fields: one draw instead of many."""
FATES = st.sampled_from(["kept", "kept", "kept", "edited", "edited", "edited", "gone", "gone"])
FILES = st.lists(st.tuples(KEYS, ROWS), max_size=5, unique_by=lambda one: one[0])


def written(rows: list[tuple[str, dict[str, Any]]]) -> bytes:
    return text(*(json.dumps({"id": key, **row}) for key, row in rows))


@st.composite
def related(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A base and two states made from it: rows edited, removed, added, moved."""
    base = draw(FILES)

    def change(rows: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
        fates = [(key, row, draw(FATES)) for key, row in rows]
        kept = [(key, draw(ROWS) if fate == "edited" else row)
                for key, row, fate in fates if fate != "gone"]  # fmt: skip
        known = {key for key, _ in kept}
        added = [one for one in draw(FILES) if one[0] not in known]
        rows = kept + added
        if draw(st.booleans()):
            Random(draw(st.integers(0, 2**16))).shuffle(rows)
        return rows

    return written(base), written(change(base)), written(change(base))


def values(data: bytes) -> dict[str, Row]:
    return {row.key: row for row in parse_items(data, path=PATH).rows}


def digests(data: bytes) -> dict[str, str]:
    return {key: row_digest(row) for key, row in values(data).items()}


@given(related())
def test_merge_laws(states: tuple[bytes, bytes, bytes]) -> None:
    base, local, remote = states
    assert merge(base, local, base) == MergedItems(local)
    assert merge(base, base, remote) == MergedItems(remote)
    assert merge(base, local, local) == MergedItems(local)


@given(related())
def test_merging_is_symmetric_but_for_whose_line_a_conflict_keeps(
    states: tuple[bytes, bytes, bytes],
) -> None:
    base, local, remote = states
    one, other = merge(base, local, remote), merge(base, remote, local)
    units = sorted(conflict.unit for conflict in one.conflicts)
    assert units == sorted(conflict.unit for conflict in other.conflicts)
    keys = {unit.partition(":")[0] for unit in units}
    made, mirrored = digests(one.data), digests(other.data)
    assert made.keys() == mirrored.keys()
    assert all(made[key] == mirrored[key] for key in made if key not in keys)


@given(related())
def test_the_result_is_valid_and_holds_no_unit_that_no_side_has(
    states: tuple[bytes, bytes, bytes],
) -> None:
    base, local, remote = states
    made = merge(base, local, remote)
    b, ours, new = (values(data) for data in states)
    conflicted = {conflict.unit.partition(":")[0] for conflict in made.conflicts}
    for key, row in values(made.data).items():
        sides = [side[key] for side in (ours, new) if key in side]
        assert sides
        for name, value in row.fields.items():
            if name != "metadata":
                assert value in [side.fields.get(name) for side in sides]
        for name, value in (row.fields.get("metadata") or {}).items():  # type: ignore[union-attr]
            assert value in [(side.fields.get("metadata") or {}).get(name) for side in sides]  # type: ignore[union-attr]
    for key in {*ours, *new} - values(made.data).keys():
        # Gone only where one side removed what the other had left as it was.
        assert key in b
        assert key not in conflicted
        kept = ours.get(key) or new.get(key)
        assert kept is not None
        assert row_digest(kept) == row_digest(b[key])


@given(related())
def test_every_line_of_the_result_was_written_by_a_side_or_merged(
    states: tuple[bytes, bytes, bytes],
) -> None:
    """No line is lost to another one's place: as many lines as rows, each once."""
    made = merge(*states)
    lines = made.data.splitlines()
    assert len(lines) == len(values(made.data)) == len(set(lines))
