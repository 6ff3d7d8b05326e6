"""Says what a large items.jsonl holds: by what it differs in from a content that is known, else by reading all of it.

Either way nobody holds the file, and the answer is that of ``parse_items``: the same digest, or the same error.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent, LocalChanged
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.line_windows import WINDOW, TooFarApart, differing_lines
from skillsync.formats.row_keys import fold_id
from skillsync.formats.row_lines import LineReader, LooseReader, collector_paused, refuse_size
from skillsync.formats.row_names import RowNames
from skillsync.formats.row_outline import RowEdits, differing_spans, outlined_hunks, read_edits
from skillsync.formats.row_stream import Changes, Placed, read_changes, read_rows
from skillsync.formats.row_table import (
    TableDigest,
    TableTrouble,
    blocks_of,
    key_of,
    lines_of,
    once,
    table_line,
    with_edits,
)
from skillsync.repo.large import (
    PIECE,
    FoldedHash,
    GitFile,
    buffered,
    folded_reading,
    prefixed_reading,
    recall_folded,
    remember_folded,
)
from skillsync.repo.spill import SortedLines
from skillsync.sync.local import ITEMS, join
from skillsync.sync.row_outlines import NewOutline, opened_outline
from skillsync.sync.row_tables import FOLDER, Contents, RowTables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import BinaryIO

    from skillsync.model import Key, Large
    from skillsync.repo.large import Watching
    from skillsync.sync.local import LocalDataset
    from skillsync.sync.row_outlines import Outline
    from skillsync.sync.row_tables import Table
    from skillsync.sync.workspace import Workspace

MOST_COMPARED = 2
"""So many known contents are compared with, before everything is read."""

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Held:
    """What a file holds, and the SHA-256 of it that a stamp counts, "" where finding that out would take another look.

    ``blob`` is git's id of what was read whole.
    """

    contents: Contents
    folded: str = ""
    blob: str = ""


def contents_of(workspace: Workspace, dataset: LocalDataset, large: Large) -> Held:
    """Return what a dataset's large items.jsonl holds; only for keys that stand in the lines.

    Raises InvalidContent as ``parse_items``, LocalChanged when the file never holds still, GitFailed.
    """
    path = join(dataset.dir, ITEMS)
    refuse_size(large.size, dataset.limits, path)
    tables = RowTables(workspace, dataset)
    for attempt in range(_TRIES):
        try:
            for table in _candidates(workspace, tables, path, large):
                found = _by_comparing(workspace, dataset, large, table)
                if found is not None:
                    return found
            return _by_reading(workspace, dataset, large, tables)
        except LocalChanged:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("not reached")


def _candidates(
    workspace: Workspace, tables: RowTables, path: str, large: Large
) -> Iterator[Table]:
    """Yield the tables of contents that git still has, the likeliest first."""
    newest = tables.newest()
    if not newest:
        return
    likely = (large.blob, workspace.repo.index.blob_of(path))
    newest.sort(key=lambda table: likely.index(table.blob) if table.blob in likely else len(likely))
    there = workspace.repo.existing_blobs([table.blob for table in newest])
    yield from [table for table in newest if table.blob in there][:MOST_COMPARED]


# ---------------------------------------------------------------- by comparing

_UNDECIDED = (TooFarApart, TableTrouble, InvalidContent, OSError)
"""What is wrong, and in which line it is first, says whoever reads everything."""


def _by_comparing(
    workspace: Workspace, dataset: LocalDataset, large: Large, table: Table
) -> Held | None:
    """Return what the file holds by its differences from a known content; None where that cannot tell."""
    digest = TableDigest()
    edits = RowEdits()
    try:
        if large.blob != table.blob:
            edits = _edits_of(workspace, dataset, table, large)
        if edits.is_same:
            return Held(table.contents, recall_folded(workspace.repo, table.blob) or "")
        for block in _applied(edits, table):
            digest.add(block)
    except _UNDECIDED:
        return None
    rows = table.contents.rows - len(edits.gone) + len(edits.new)
    return Held(Contents(digest.digest, rows, table.contents.keyless + edits.keyless))


def _edits_of(workspace: Workspace, dataset: LocalDataset, table: Table, large: Large) -> RowEdits:
    """Return what makes a table that of the file: by the outline beside it, else by the content that git has.

    Raises what is ``_UNDECIDED``, LocalChanged, GitFailed.
    """
    with suppress(*_UNDECIDED):
        return _outlined_edits(dataset, table, large)
    return _edits(changes_between(dataset, GitFile(workspace.repo, table.blob, 0), large))


def _outlined_edits(dataset: LocalDataset, table: Table, large: Large) -> RowEdits:
    with opened_outline(table.outline, table.blob) as outline, large.opened() as stream:
        read, folds = _as_outlined(outline, stream)
        with collector_paused():
            spans = differing_spans(outline.blocks, read, window=WINDOW)
            edits = read_edits(spans, outline.blocks, outline.rows_of, reader_of(dataset))
    return replace(edits, is_same=edits.is_same and not folds)


def _as_outlined(outline: Outline, stream: BinaryIO) -> tuple[Callable[[int], bytes], bool]:
    """Return what reads a stream for a comparison with an outline, and whether it reads CR LF as LF.

    A checkout may have these line ends where the commit has not; what the rows are does not depend on them.
    """
    begun = stream.read(PIECE)
    read = prefixed_reading(begun, stream.read)
    first = begun[: begun.find(b"\n") + 1]
    folds = first.endswith(b"\r\n") and not outline.begins_with(first)
    return (folded_reading(read) if folds else read), folds


def _edits(changes: Changes) -> RowEdits:
    return RowEdits(
        {key: placed.digest for key, placed in changes.base.items()},
        {key: placed.digest for key, placed in changes.local.items()},
        changes.keyless_local - changes.keyless_base,
        is_same=not changes.lines,
    )


def _applied(edits: RowEdits, table: Table) -> Iterator[bytes]:
    """Yield what edits make of a table; raises TableTrouble, as where a key is then there twice."""
    with table.opened() as blocks:
        yield from with_edits(blocks, gone=edits.gone, new=edits.new)


def changes_between(dataset: LocalDataset, base: Large, local: Large) -> Changes:
    """Return the rows that differ between two contents of a dataset's items.jsonl, of which ``base`` is valid.

    Only lines that differ are looked at. Raises TooFarApart where these are many, InvalidContent for a wrong one,
    LocalChanged, GitFailed.
    """
    with base.opened() as one, local.opened() as other, collector_paused():
        hunks = differing_lines(one.read, other.read, window=WINDOW)
        return read_changes(hunks, reader_of(dataset), reader_of(dataset))


def _outlined_changes(table: Table, dataset: LocalDataset, base: Large, local: Large) -> Changes:
    """As ``changes_between``; ``base``, whose table this is, is read up to the last line that differs."""
    with opened_outline(table.outline, table.blob) as outline, local.opened() as stream:
        read, _ = _as_outlined(outline, stream)
        with base.opened() as one, collector_paused():
            spans = differing_spans(outline.blocks, read, window=WINDOW)
            hunks = outlined_hunks(spans, outline.blocks, one.read)
            return read_changes(hunks, reader_of(dataset), reader_of(dataset))


def large_changes(
    workspace: Workspace, dataset: LocalDataset, base: Large, local: Large
) -> Changes:
    """Return the rows that differ between a committed content and the file, both of them valid as a whole.

    Raises InvalidContent where one of them is not valid, LocalChanged, GitFailed.
    """
    table = RowTables(workspace, dataset).of(base.blob)
    if table is not None:
        for compare in (partial(_outlined_changes, table), changes_between):
            with suppress(*_UNDECIDED):
                changes = compare(dataset, base, local)
                for _ in _applied(_edits(changes), table):
                    pass  # no key is there twice, and each row that goes was there
                return changes
    contents_of(workspace, dataset, local)
    contents_of(workspace, dataset, base)
    try:
        return changes_between(dataset, base, local)
    except TooFarApart:
        return _by_key(workspace, dataset, base, local)


def _by_key(workspace: Workspace, dataset: LocalDataset, base: Large, local: Large) -> Changes:
    """As ``changes_between`` for two valid contents in any order, by the sorted tables of both."""
    tables = RowTables(workspace, dataset)
    sides = [table_of(workspace, dataset, side, tables) for side in (base, local)]
    with sides[0].opened() as one, sides[1].opened() as other:
        ordered = (itertools.chain.from_iterable(map(lines_of, side)) for side in (one, other))
        keys = {key_of(line) for line in once(heapq.merge(*ordered))}
    return Changes(_pick(dataset, base, keys), _pick(dataset, local, keys), lines=len(keys))


def table_of(workspace: Workspace, dataset: LocalDataset, large: Large, tables: RowTables) -> Table:
    """Return the table of a content, reading all of it where there is none. Raises as ``contents_of``, OSError."""
    table = tables.of(large.blob)
    if table is None:
        blob = _by_reading(workspace, dataset, large, tables).blob
        table = tables.of(blob)
    if table is None:
        raise OSError(f"{workspace.repo.state_dir} takes no files")
    return table


def _pick(dataset: LocalDataset, large: Large, keys: Collection[Key]) -> dict[Key, Placed]:
    """Return the rows of these keys, in file order."""
    found: dict[Key, Placed] = {}
    reader = LooseReader(
        join(dataset.dir, ITEMS), RowNames.from_mapping(dataset.mapping), dataset.limits
    )
    with large.opened() as raw, collector_paused():
        for line in read_rows(buffered(raw), reader):
            if line.row is not None and line.row.key in keys:
                found[line.row.key] = Placed(line.row, short(row_digest(line.row)))
    return found


def reader_of(dataset: LocalDataset) -> LineReader:
    """Return a reader of the dataset's lines."""
    return LineReader(
        join(dataset.dir, ITEMS), RowNames.from_mapping(dataset.mapping), dataset.limits
    )


# ---------------------------------------------------------------- by reading everything


def _by_reading(
    workspace: Workspace, dataset: LocalDataset, large: Large, tables: RowTables
) -> Held:
    """Read every line, and keep what was found for the next time."""
    size = large.size
    head = f"blob {size}\0".encode()
    is_new = not large.blob
    id_hash = hashlib.sha1(head, usedforsecurity=False)
    if is_new and workspace.repo.has_long_ids():
        id_hash = hashlib.sha256(head)
    folded = FoldedHash()
    folder = workspace.repo.state_dir / FOLDER
    with SortedLines(folder) as lines, NewOutline(folder) as outline:
        hashes = (id_hash, folded) if is_new else (folded,)
        rows, keyless = _read_all(dataset, large, lines, outline, *hashes)
        if large.size != size:
            path = join(dataset.dir, ITEMS)
            raise LocalChanged(f"{path} changes while it is read", subject=path)
        digest = TableDigest()
        for block in blocks_of(lines):
            digest.add(block)
        contents = Contents(digest.digest, rows, keyless)
        blob = large.blob or id_hash.hexdigest()
        tables.keep(blob, contents, lines, outline)
        digest_of_file = folded.hexdigest()
        remember_folded(workspace.repo, blob, digest_of_file)
    return Held(contents, digest_of_file, blob)


def _read_all(
    dataset: LocalDataset,
    large: Large,
    lines: SortedLines,
    outline: NewOutline,
    *hashes: Watching,
) -> tuple[int, int]:
    """Put a line of the table for each row into ``lines``, and every line into the outline.

    Returns how many rows there are, and how many lines have no key. Raises InvalidContent.
    """
    reader = LooseReader(
        join(dataset.dir, ITEMS), RowNames.from_mapping(dataset.mapping), dataset.limits
    )
    rows = keyless = 0
    others: list[str] = []
    trouble: InvalidContent | None = None
    with large.opened() as raw, collector_paused():
        stream = buffered(raw, *hashes)
        try:
            for line in read_rows(stream, reader):
                row = line.row
                in_table = None
                if row is not None:
                    rows += 1
                    in_table = table_line(row.key, short(row_digest(row)))
                    lines.add(in_table)
                    if not row.key.isascii():
                        others.append(fold_id(row.key))
                elif line.fields is not None:
                    keyless += 1
                outline.add(line, in_table)
        except InvalidContent as error:
            trouble = error
    doubled = _doubled(lines, others)
    if doubled:
        _refuse_double(dataset, large, doubled)
    if trouble is not None:
        raise trouble
    return rows, keyless


def _doubled(lines: SortedLines, others: list[str]) -> set[str]:
    """Return the folded keys that several lines have; ``others`` are those of the keys that are not plain ASCII."""
    others.sort()
    found = {one for one, after in itertools.pairwise(others) if one == after}
    plain = [folded for folded in others if folded.isascii()]
    before = b""
    for line in lines:
        start = line[: line.index(b"\t") + 1]
        if start == before or (plain and start.isascii() and _has(plain, key_of(line))):
            found.add(fold_id(key_of(line)))
        before = start
    return found


def _has(ordered: list[str], text: str) -> bool:
    at = bisect_left(ordered, text)
    return at < len(ordered) and ordered[at] == text


def _refuse_double(dataset: LocalDataset, large: Large, doubled: Collection[str]) -> None:
    """Raise InvalidContent for the first line with a key that a line before it has."""
    names = RowNames.from_mapping(dataset.mapping)
    reader = LooseReader(join(dataset.dir, ITEMS), names, dataset.limits, doubled=doubled)
    with large.opened() as raw:
        for _ in read_rows(buffered(raw), reader):
            pass
