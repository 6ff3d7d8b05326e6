"""What a file differs in from an outlined one is what a comparison that holds both would say."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.jsonl import ItemsFile, parse_items
from skillsync.formats.line_windows import TooFarApart
from skillsync.formats.row_lines import LineReader, LooseReader
from skillsync.formats.row_names import RowNames
from skillsync.formats.row_outline import (
    Block,
    Outliner,
    Span,
    differing_spans,
    outlined_hunks,
    packed_blocks,
    read_edits,
    unpacked_blocks,
)
from skillsync.formats.row_stream import read_rows
from skillsync.formats.row_table import table_line
from tests.formats.test_line_windows import lines_of, patched, reading

NAMES = RowNames.from_mapping(None)


class Outlined:
    """The outline of a content, with blocks of some forty bytes."""

    def __init__(self, data: bytes, *, block: int = 40) -> None:
        self.rows: list[bytes] = []
        outliner = Outliner(self.rows.append, block=block)
        for line in read_rows(io.BytesIO(data), LooseReader("items.jsonl", NAMES)):
            row = line.row
            outliner.add(line, table_line(row.key, short(row_digest(row))) if row else None)
        self.blocks: Sequence[Block] = outliner.ended()

    def differing(self, other: bytes, *, most: int = 1 << 30) -> list[Span]:
        return list(differing_spans(self.blocks, reading(other, most)))


ROWS = st.lists(
    st.one_of(
        st.builds(
            b'{"id": "%s", "input": %d}'.__mod__,
            st.tuples(st.sampled_from(b"a b c d e f g h i j k".split()), st.integers(0, 3)),
        ),
        st.sampled_from([b"", b"\r", b'{"input": 1}', b'{"input": 2}\r', b'{"id": "\xc3\xa9"}']),
    ),
    max_size=14,
)


def joined(rows: list[bytes], *, ends: bool) -> bytes:
    return b"\n".join(rows) + (b"\n" if ends and rows else b"")


@given(ROWS, ROWS, st.booleans(), st.booleans(), st.integers(1, 300))
def test_the_blocks_with_the_spans_carried_out_are_the_other_file(
    one: list[bytes], other: list[bytes], one_ends: bool, other_ends: bool, most: int
) -> None:
    base, local = joined(one, ends=one_ends), joined(other, ends=other_ends)
    outlined = Outlined(base)
    spans = outlined.differing(local, most=most)
    places = [0]
    for block in outlined.blocks:
        places.append(places[-1] + block.size)
    assert places[-1] == len(base)
    result, number = b"", 0
    for span in spans:
        result += base[places[number] : places[span.begin]]
        assert len(result) == span.at
        result += b"".join(span.lines)
        number = span.end
    assert result + base[places[number] :] == local
    assert bool(spans) == (base != local)


@given(ROWS, ROWS, st.booleans())
def test_the_hunks_of_the_spans_make_the_one_file_the_other(
    one: list[bytes], other: list[bytes], ends: bool
) -> None:
    base, local = joined(one, ends=ends), joined(other, ends=True)
    outlined = Outlined(base)
    hunks = list(outlined_hunks(outlined.differing(local), outlined.blocks, reading(base, 70)))
    assert patched(lines_of(base), hunks) == lines_of(local)


def file_of(data: bytes) -> ItemsFile | None:
    try:
        return parse_items(data, path="items.jsonl")
    except InvalidContent:
        return None


@given(ROWS, ROWS, st.booleans())
def test_the_edits_make_the_rows_of_the_one_file_those_of_the_other(
    one: list[bytes], other: list[bytes], ends: bool
) -> None:
    base, local = joined(one, ends=ends), joined(other, ends=True)
    before, after = file_of(base), file_of(local)
    if before is None:
        return
    outlined = Outlined(base)
    spans = outlined.differing(local)
    try:
        edits = read_edits(
            spans, outlined.blocks, outlined.rows.__getitem__, LineReader("items.jsonl", NAMES)
        )
    except InvalidContent:
        assert after is None
        return
    made = {key: digest for key, digest in before.digests.items() if key not in edits.gone}
    assert {key: before.digests[key] for key in edits.gone} == edits.gone
    if made.keys() & edits.new.keys():
        assert after is None, "a row that stays has the key of one that came"
        return
    assert after is not None
    assert made | edits.new == after.digests
    assert len(before.keyless) + edits.keyless == len(after.keyless)
    assert edits.is_same == (base == local)
    assert not {(key, edits.new[key]) for key in edits.new} & {*edits.gone.items()}


MANY = [b'{"id": "q%04d", "input": %d}\n' % (number, number) for number in range(2_000)]


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines.insert(700, b'{"id": "new"}\n'),
        lambda lines: lines.pop(700),
        lambda lines: lines.__setitem__(700, b'{"id": "q0700"}\n'),
        lambda lines: lines.__setitem__(slice(300, 340), []),
        lambda lines: lines.insert(0, b'{"id": "new"}\n'),
        lambda lines: lines.append(b'{"id": "new"}\n'),
    ],
)
def test_after_a_difference_the_blocks_are_found_again(edit: object) -> None:
    outlined = Outlined(b"".join(MANY), block=1_000)
    lines = list(MANY)
    edit(lines)  # type: ignore[operator]
    spans = outlined.differing(b"".join(lines))
    assert len(spans) == 1
    assert spans[0].end - spans[0].begin <= 3
    assert len(spans[0].lines) < 100


def test_before_a_block_lines_come_alone() -> None:
    outlined = Outlined(b"".join(MANY), block=1_000)
    (span,) = outlined.differing(b'{"id": "new"}\n' + b"".join(MANY))
    assert span == Span(0, 0, 0, (b'{"id": "new"}\n',))


def test_a_last_line_that_goes_on_is_another() -> None:
    outlined = Outlined(b'{"id": "a"}')
    (span,) = outlined.differing(b'{"id": "a"}{"id": "b"}\n')
    assert span == Span(0, 1, 0, (b'{"id": "a"}{"id": "b"}\n',))


def test_blank_lines_are_no_place_to_begin_again() -> None:
    outlined = Outlined(b'{"id": "a"}\n\n{"id": "b"}\n', block=5)
    assert len(outlined.blocks) == 2
    (span,) = outlined.differing(b"\n" * 300 + b'{"id": "b"}\n')
    assert (span.begin, span.end, len(span.lines)) == (0, 2, 301)


def test_what_is_too_far_apart_is_said_and_not_held() -> None:
    outlined = Outlined(b"".join(MANY))
    with pytest.raises(TooFarApart):
        list(differing_spans(outlined.blocks, reading(b"".join(MANY[::-1])), window=10_000))


def test_lines_that_a_block_begins_with_are_not_tried_without_end() -> None:
    outlined = Outlined(b'{"input": 1}\n{"id": "a", "input": 5}\n' * 3, block=30)
    assert len(outlined.blocks) == 3
    with pytest.raises(TooFarApart):
        outlined.differing(b'{"input": 1}\n' * 200)


def test_many_rows_at_the_end_are_told_piece_by_piece() -> None:
    outlined = Outlined(b"".join(MANY[:10]))
    spans = list(differing_spans(outlined.blocks, reading(b"".join(MANY)), window=2_000))
    assert len(spans) > 10
    assert [line for span in spans for line in span.lines] == MANY[10:]


@pytest.mark.parametrize("data", [b"".join(MANY), b"".join(MANY[:300])])
def test_more_than_so_many_rows_are_not_looked_at(data: bytes) -> None:
    outlined = Outlined(b"".join(MANY[500:]))
    with pytest.raises(TooFarApart):
        read_edits(
            outlined.differing(data),
            outlined.blocks,
            outlined.rows.__getitem__,
            LineReader("items.jsonl", NAMES),
            most=400,
        )


def test_a_byte_order_mark_is_wrong() -> None:
    data = b"".join(MANY[:10])
    outlined = Outlined(data)
    with pytest.raises(InvalidContent, match="byte order mark"):
        read_edits(
            outlined.differing(b"\xef\xbb\xbf" + data),
            outlined.blocks,
            outlined.rows.__getitem__,
            LineReader("items.jsonl", NAMES),
        )


def test_blocks_are_packed_and_unpacked() -> None:
    blocks = Outlined(b"".join(MANY)).blocks
    assert unpacked_blocks(packed_blocks(blocks)) == blocks
    with pytest.raises(ValueError, match="bytes"):
        unpacked_blocks(packed_blocks(blocks)[:-1])
