"""Rows of a file whose content lies elsewhere: of each only its key, its digest and its place are in memory, packed."""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, TypeVar, overload

from skillsync.formats.canonical import ALGORITHM, row_digest
from skillsync.formats.json_text import read_json
from skillsync.formats.key_index import KeyIndex
from skillsync.formats.packed_keys import PackedKeys
from skillsync.formats.packed_records import PackedRecords
from skillsync.formats.row_keys import DerivedKeys, fold_id
from skillsync.formats.row_lines import (
    USUAL_LIMITS,
    ItemsFile,
    KeyMode,
    Limits,
    Line,
    LineReader,
    PackedLines,
    collector_paused,
)
from skillsync.formats.row_names import ID, RowNames
from skillsync.formats.row_stream import read_rows
from skillsync.model import Digest, Key, KnownFields, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillsync.model import Json, Readable, Store

T = TypeVar("T")

SHORT = 8
"""Bytes of a short digest: the first of those of a whole one."""


class Kept:
    """A store, and how what is in it becomes the fields of a row."""

    def __init__(self, store: Store, decode: Callable[[bytes], Mapping[str, Json]]) -> None:
        self._store = store
        self._decode = decode
        self._last: tuple[int, Mapping[str, Json]] | None = None

    def put(self, data: bytes) -> int:
        """Keep bytes; returns their place."""
        return self._store.put(data)

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

    def __init__(self, kept: Kept, place: int, length: int, digest: bytes) -> None:
        self._kept = kept
        self._place = place
        self._length = length
        self._digest = digest

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


def packed(digest: Digest) -> bytes:
    """Return the bytes of a digest."""
    return bytes.fromhex(digest.removeprefix(ALGORITHM))


# ---------------------------------------------------------------- views that hold nothing


class Made(Sequence[T]):
    """What a function makes of each of some numbers, made anew whenever it is looked at."""

    def __init__(self, numbers: Sequence[int], make: Callable[[int], T]) -> None:
        self._numbers = numbers
        self._make = make

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._numbers)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            return Made(self._numbers[at], self._make)
        return self._make(self._numbers[at])


class ByKey(Mapping[Key, T]):
    """What a function makes of the line with a key, made anew whenever it is looked at."""

    def __init__(self, lines: KeptLines, make: Callable[[int], T]) -> None:
        self._lines = lines
        self._make = make

    def __len__(self) -> int:
        return self._lines.keyed

    def __iter__(self) -> Iterator[Key]:
        return (key for key in self._lines.keys if key is not None)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._lines.number_of(Key(key)) is not None

    def __getitem__(self, key: Key) -> T:
        number = self._lines.number_of(key)
        if number is None:
            raise KeyError(key)
        return self._make(number)


# ---------------------------------------------------------------- rows of a file


class KeptLine(Line):
    """A line with a row, of which the bytes lie elsewhere."""

    __slots__ = ()

    def __init__(
        self, number: int, row: Row | None, fields: KeptFields, *, derived: bool = False
    ) -> None:
        for name, value in (
            ("number", number),
            ("row", row),
            ("fields", fields),
            ("derived", derived),
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
        if number == self.number:
            return self
        return KeptLine(number, self.row, self.fields, derived=self.derived)


_BLANK, _KEYLESS, _KEYED, _DERIVED = range(4)


class KeptLines(PackedLines):
    """The lines of a file in order, each made when it is looked at. ``keys`` has None for a line without one."""

    def __init__(self, kept: Kept) -> None:
        self.keys: PackedKeys[Key | None] = PackedKeys()
        self._kept = kept
        self._numbers = KeyIndex(self.keys, folds=True)
        self._records = PackedRecords("<QI32sB")  # place, length, digest, kind
        self._without_key = 0

    # -------------------------------------------------------------- putting in

    def add(self, line: Line) -> None:
        """Put the next line in, and its bytes into the store."""
        key = None if line.row is None else line.row.key
        digest, kind = b"", _BLANK
        if line.fields is not None:
            digest = packed(row_digest(line.row or Row(Key(""), line.fields)))
            kind = _KEYLESS if key is None else _DERIVED if line.derived else _KEYED
        self._records.append(self._kept.put(line.raw), len(line.raw), digest, kind)
        self._without_key += key is None
        self.keys.append(key)
        if key is not None:
            self._numbers.add(fold_id(key), len(self.keys) - 1)

    def derive_keys(self) -> None:
        """Give those lines that have no ``id`` the keys that follow from their content, in file order."""
        derived = DerivedKeys(key for key in self.keys if key is not None)
        before, self.keys = self.keys, PackedKeys()
        self._numbers = KeyIndex(self.keys, folds=True)
        for number, key in enumerate(before):
            place, length, digest, kind = self._records[number]
            if kind == _KEYLESS:
                key = derived.next_key(self._fields(number))
                self._records[number] = place, length, digest, _DERIVED
                self._without_key -= 1
            self.keys.append(key)
            if key is not None:
                self._numbers.add(fold_id(key), number)

    # -------------------------------------------------------------- looking up

    @property
    def keyed(self) -> int:
        """How many lines have a key."""
        return len(self.keys) - self._without_key

    def first_with(self, folded: str) -> int | None:
        """Return the number, from 0, of the line whose key folds to this."""
        return self._numbers.find(folded)

    def number_of(self, key: Key) -> int | None:
        """Return the number, from 0, of the line with this very key."""
        number = self._numbers.find(fold_id(key))
        return number if number is not None and self.keys[number] == key else None

    def digest(self, number: int) -> bytes:
        """Return the digest of the row in a line."""
        found: bytes = self._records[number][2]
        return found

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        numbers = range(len(self))
        return Made(numbers[at], self._line) if isinstance(at, slice) else self._line(numbers[at])

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that have a key."""
        if self.keyed == len(self):
            return Made(range(len(self)), self._row)
        return Made(self._of_kind(_KEYED, _DERIVED), self._row)

    @property
    def keyless(self) -> Sequence[Line]:
        """The lines that hold a row without a key."""
        return Made(self._of_kind(_KEYLESS) if self._without_key else (), self._line)

    @property
    def by_key(self) -> Mapping[Key, Line]:
        """The lines that have a key."""
        return ByKey(self, self._line)

    @property
    def rows_by_key(self) -> Mapping[Key, Row]:
        """Their rows."""
        return ByKey(self, self._row)

    @property
    def digests(self) -> Mapping[Key, str]:
        """Their short digests."""
        return ByKey(self, self._short)

    def _of_kind(self, *kinds: int) -> Sequence[int]:
        return array("I", (at for at in range(len(self)) if self._records[at][3] in kinds))

    # -------------------------------------------------------------- one line

    def _fields(self, number: int) -> KeptFields:
        place, length, digest, _ = self._records[number]
        return KeptFields(self._kept, place, length, digest)

    def _short(self, number: int) -> str:
        return self.digest(number)[:SHORT].hex()

    def _row(self, number: int) -> Row:
        key = self.keys[number]
        assert key is not None
        return Row(key, self._fields(number))

    def _line(self, number: int) -> Line:
        place, length, digest, kind = self._records[number]
        if kind == _BLANK:
            return Line(number + 1, self._kept.raw(place, length), None, None)
        fields = KeptFields(self._kept, place, length, digest)
        key = self.keys[number]
        row = None if key is None else Row(key, fields)
        return KeptLine(number + 1, row, fields, derived=kind == _DERIVED)


class _KeptReader(LineReader):
    """A reader that knows the ids it has read from the lines that are kept of them."""

    def __init__(self, lines: KeptLines, path: str, names: RowNames, limits: Limits) -> None:
        super().__init__(path, names, limits)
        self._lines = lines

    def _first_line(self, folded: str, number: int) -> int:
        first = self._lines.first_with(folded)
        return number if first is None else first + 1


def read_kept_items(
    stream: Readable,
    store: Store,
    *,
    path: str,
    mapping: Mapping[str, str] | None = None,
    keys: KeyMode = "id",
    limits: Limits = USUAL_LIMITS,
) -> ItemsFile:
    """Read the rows of a file as ``parse_items`` does, holding none: they lie in the ``store``.

    Raises InvalidContent; the file's size is the caller's to look at.
    """
    names = RowNames.from_mapping(mapping)
    lines = KeptLines(Kept(store, lambda raw: _fields(raw, names)))
    reader = _KeptReader(lines, path, names, limits)
    with collector_paused():
        for line in read_rows(stream, reader):
            lines.add(line)
    if keys == "content":
        lines.derive_keys()
    return ItemsFile(path, lines, names, reader.used, keys, limits)


def _fields(raw: bytes, names: RowNames) -> Mapping[str, Json]:
    """Read a line that is known to be right."""
    value = read_json(raw.decode())
    assert isinstance(value, dict)
    fields = {names.field_of[name]: one for name, one in value.items()}
    fields.pop(ID, None)
    return fields
