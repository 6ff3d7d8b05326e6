"""Rows whose content lies elsewhere: of each only its digest and its place are in memory."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import replace
from typing import TYPE_CHECKING

from skillsync.formats.canonical import ALGORITHM, row_digest
from skillsync.formats.json_text import read_json
from skillsync.formats.row_lines import (
    USUAL_LIMITS,
    ItemsFile,
    Limits,
    Line,
    LineReader,
    collector_paused,
)
from skillsync.formats.row_names import ID, RowNames
from skillsync.formats.row_stream import read_rows
from skillsync.model import Digest, Key, KnownFields, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillsync.model import Json, Readable, RemoteRow, Store


class Kept:
    """A store, and how what is in it becomes the fields of a row."""

    def __init__(self, store: Store, decode: Callable[[bytes], Mapping[str, Json]]) -> None:
        self._store = store
        self._decode = decode
        self._last: tuple[int, Mapping[str, Json]] | None = None

    def keep(self, data: bytes, digest: Digest) -> KeptFields:
        """Keep a row's fields, of which ``data`` are the bytes."""
        return KeptFields(self, self._store.put(data), len(data), digest)

    def raw(self, place: int, length: int) -> bytes:
        """Return the bytes that were kept."""
        return self._store.get(place, length)

    def read(self, place: int, length: int) -> Mapping[str, Json]:
        """Return the fields; those read last are at hand, as who looks at one field looks at others."""
        last = self._last
        if last is None or last[0] != place:
            last = self._last = place, self._decode(self.raw(place, length))
        return last[1]


class KeptFields(KnownFields):
    """The fields of a row, read when somebody looks at them."""

    __slots__ = ("_digest", "_kept", "_length", "_place")

    def __init__(self, kept: Kept, place: int, length: int, digest: Digest) -> None:
        self._kept = kept
        self._place = place
        self._length = length
        self._digest = bytes.fromhex(digest.removeprefix(ALGORITHM))

    @property
    def digest(self) -> Digest:
        """The row's digest."""
        return Digest(ALGORITHM + self._digest.hex())

    @property
    def raw(self) -> bytes:
        """The bytes that were kept."""
        return self._kept.raw(self._place, self._length)

    def _read(self) -> Mapping[str, Json]:
        return self._kept.read(self._place, self._length)

    def __getitem__(self, name: str) -> Json:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def keys(self) -> KeysView[str]:
        """The names of the fields that are there; read once."""
        return self._read().keys()

    def values(self) -> ValuesView[Json]:
        """Their values; read once."""
        return self._read().values()

    def items(self) -> ItemsView[str, Json]:
        """Both; read once."""
        return self._read().items()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._read())


# ---------------------------------------------------------------- rows of a file


class KeptLine(Line):
    """A line with a row, of which the bytes lie elsewhere."""

    __slots__ = ()

    def __init__(self, number: int, row: Row | None, fields: KeptFields) -> None:
        for name, value in (
            ("number", number),
            ("row", row),
            ("fields", fields),
            ("derived", False),
        ):
            object.__setattr__(self, name, value)

    @property
    def raw(self) -> bytes:
        """The line with its end."""
        assert isinstance(self.fields, KeptFields)
        return self.fields.raw

    def numbered(self, number: int) -> Line:
        """Return the line at another place of the file."""
        assert isinstance(self.fields, KeptFields)
        return self if number == self.number else KeptLine(number, self.row, self.fields)


def read_kept_items(
    stream: Readable,
    store: Store,
    *,
    path: str,
    mapping: Mapping[str, str] | None = None,
    limits: Limits = USUAL_LIMITS,
) -> ItemsFile:
    """Read the rows of a file as ``parse_items`` does, holding none: they lie in the ``store``.

    Only for keys that stand in the lines. Raises InvalidContent; the file's size is the caller's to look at.
    """
    names = RowNames.from_mapping(mapping)
    reader = LineReader(path, names, limits)
    kept = Kept(store, lambda raw: _fields(raw, names))
    with collector_paused():
        lines = tuple(_kept_line(line, kept) for line in read_rows(stream, reader))
    return ItemsFile(path, lines, names, reader.used, "id", limits)


def _kept_line(line: Line, kept: Kept) -> Line:
    if line.fields is None:
        return line
    digest = row_digest(line.row or Row(Key(""), line.fields))
    fields = kept.keep(line.raw, digest)
    row = None if line.row is None else Row(line.row.key, fields)
    return KeptLine(line.number, row, fields)


def _fields(raw: bytes, names: RowNames) -> Mapping[str, Json]:
    """Read a line that is known to be right."""
    value = read_json(raw.decode())
    assert isinstance(value, dict)
    fields = {names.field_of[name]: one for name, one in value.items()}
    fields.pop(ID, None)
    return fields


# ---------------------------------------------------------------- rows of a server


class RowKeeper:
    """Keeps the fields of rows in a store, but for the first ``held`` bytes of them: a small dataset stays in memory."""

    def __init__(self, store: Store, *, held: int) -> None:
        self._kept = Kept(store, json.loads)
        self._left = held

    def lean(self, row: RemoteRow) -> RemoteRow:
        """Return the same row with its content elsewhere."""
        content = row.row
        if isinstance(content.fields, KeptFields):
            return row
        data = json.dumps(dict(content.fields)).encode()
        if self._left > 0:
            self._left -= len(data)
            return row
        return replace(row, row=Row(content.key, self._kept.keep(data, row_digest(content))))
