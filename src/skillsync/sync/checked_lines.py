"""Reads a large items.jsonl line by line, holding none of it, and refuses what reading it whole would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent, LocalChanged
from skillsync.formats.marks import Marks
from skillsync.formats.row_lines import LineReader, LooseReader, collector_paused, refuse_size
from skillsync.formats.row_names import RowNames
from skillsync.formats.row_stream import read_rows
from skillsync.repo.large import buffered
from skillsync.sync.local import ITEMS, join

if TYPE_CHECKING:
    from skillsync.formats.row_lines import Line
    from skillsync.model import Large
    from skillsync.sync.local import LocalDataset


def check_lines(dataset: LocalDataset, large: Large, look: Callable[[Line], None]) -> None:
    """Show every line to ``look``, in order. Raises InvalidContent for the first that is wrong, or that has an id twice.

    For keys that stand in the lines. What was shown is worth nothing where this raises.
    """
    path = join(dataset.dir, ITEMS)
    refuse_size(large.size, dataset.limits, path)
    names = RowNames.from_mapping(dataset.mapping)
    reader = _MarkingReader(path, names, dataset.limits)
    trouble: InvalidContent | None = None
    try:
        for line in _lines(large, reader, path):
            look(line)
    except InvalidContent as error:
        trouble = error
    if reader.suspects:
        again = LooseReader(path, names, dataset.limits, doubled=reader.suspects)
        for _ in _lines(large, again, path):
            pass
    if trouble is not None:
        raise trouble


def lines_again(dataset: LocalDataset, large: Large) -> Iterator[Line]:
    """Yield the lines of a file that is known to be right."""
    path = join(dataset.dir, ITEMS)
    names = RowNames.from_mapping(dataset.mapping)
    yield from _lines(large, LooseReader(path, names, dataset.limits), path)


def _lines(large: Large, reader: LineReader, path: str) -> Iterator[Line]:
    with _same_look(path), large.opened() as raw, collector_paused():
        yield from read_rows(buffered(raw), reader)


@contextmanager
def _same_look(path: str) -> Iterator[None]:
    try:
        yield
    except LocalChanged as error:
        raise InvalidContent(error.message, path=path, hint="run the command again") from error


class _MarkingReader(LineReader):
    """A reader that remembers a mark of each id: ``suspects`` are the ids whose mark was there before."""

    def __init__(self, *settings: object) -> None:
        super().__init__(*settings)  # type: ignore[arg-type]
        self._marks = Marks()
        self.suspects: set[str] = set()

    def _first_line(self, folded: str, number: int) -> int:
        if not self._marks.add(folded):
            self.suspects.add(folded)
        return number
