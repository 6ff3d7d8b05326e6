"""Rows of a server: of each only its key, its digest, its age and its place are in memory, packed; few are held whole."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, overload

from skillsync.formats.canonical import row_digest
from skillsync.formats.kept_rows import SHORT, KeptFields, Made, packed
from skillsync.formats.key_index import KeyIndex
from skillsync.formats.packed_keys import PackedKeys
from skillsync.formats.packed_records import PackedRecords
from skillsync.model import Author, Json, Key, RemoteRow, Row

if TYPE_CHECKING:
    from skillsync.formats.kept_rows import KeptLines
    from skillsync.model import Store

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
_ID = re.compile(rb'\["([0-9A-Za-z-]*)"')
_HEAD = 64
_UNKNOWN = -1
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class KeptRows(Sequence[RemoteRow]):
    """Live rows of one dataset, in the order in which they came; each is made when it is looked at.

    Their contents lie in the ``store``, but for a dataset of less than ``held`` bytes; None is for no rows. ``like`` are the lines of a
    file whose keys are likely to be the same: for those nothing is held twice.
    """

    def __init__(self, store: Store | None, *, held: int, like: KeptLines | None = None) -> None:
        self.keys: PackedKeys[Key] = PackedKeys()
        self._store = store
        self._room = held
        self._whole: list[RemoteRow] | None = []
        self._dataset = ""
        self._like = like
        self._column = array("i", (_UNKNOWN,)) * (len(like) if like is not None else 0)
        self._others = KeyIndex(self.keys, folds=False)
        self._more: dict[Key, list[int]] = {}
        self._facts = PackedRecords(
            "<qi?"
        )  # moment of creation, where its digest is, whether the key is ours
        self._digests = PackedRecords("<32s")  # those that are not the digests of their lines
        self._places = PackedRecords("<QI")  # place and length
        self._last: tuple[int, list[Json]] = (_UNKNOWN, [])

    # -------------------------------------------------------------- putting in

    def add(self, row: RemoteRow) -> None:
        """Put the next row in; one that is deleted is left out."""
        if row.deleted:
            return
        self._dataset = self._dataset or row.dataset
        number = len(self.keys)
        key = row.row.key
        line = self._like.number_of(key) if self._like is not None else None
        first = self._first(key)
        if first is not None:
            key = self.keys[first]
            self._more.setdefault(key, [first]).append(number)
        elif self._like is not None and line is not None:
            self._column[line] = number
        else:
            self._others.add(key, number)
        self.keys.append(key)
        at = self._digest_at(packed(row_digest(row.row)), line)
        self._facts.append(_moment(row.created_at), at, row.own_key)
        self._put(row)

    def _digest_at(self, digest: bytes, line: int | None) -> int:
        """Hold a digest; returns the number of the line that has it, or what counts down from -1 for those held here."""
        if self._like is not None and line is not None and self._like.digest(line) == digest:
            return line
        self._digests.append(digest)
        return -len(self._digests)

    def _put(self, row: RemoteRow) -> None:
        if self._whole is not None:
            self._whole.append(row)
            self._room -= sum(len(str(value)) for value in row.row.fields.values())
            if self._room > 0:
                return
            waiting, self._whole = self._whole, None
            for one in waiting:
                self._put(one)
            return
        assert self._store is not None
        data = record_of(row)
        self._places.append(self._store.put(data), len(data))

    # -------------------------------------------------------------- looking up

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> RemoteRow: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[RemoteRow]: ...
    def __getitem__(self, at: int | slice) -> RemoteRow | Sequence[RemoteRow]:
        numbers = range(len(self))
        return Made(numbers[at], self._row) if isinstance(at, slice) else self._row(numbers[at])

    def has(self, key: object) -> bool:
        """Tell whether some row has this key."""
        return isinstance(key, str) and self._first(Key(key)) is not None

    def _first(self, key: Key) -> int | None:
        line = self._like.number_of(key) if self._like is not None else None
        if line is None:
            return self._others.find(key)
        number = self._column[line]
        return None if number == _UNKNOWN else number

    def numbers_of(self, key: Key) -> Sequence[int]:
        """Return the numbers, from 0, of the rows with this key."""
        first = self._first(key)
        if first is None:
            return ()
        return self._more.get(key) or (first,)

    def with_key(self, key: Key) -> list[RemoteRow]:
        """Return the rows with this key."""
        return [self._row(number) for number in self.numbers_of(key)]

    def digest(self, number: int) -> bytes:
        """Return the digest of a row."""
        at: int = self._facts[number][1]
        if at >= 0:
            assert self._like is not None  # one of its lines
            return self._like.digest(at)
        found: bytes = self._digests[-1 - at][0]
        return found

    def short(self, number: int) -> str:
        """Return the short digest of a row."""
        return self.digest(number)[:SHORT].hex()

    def is_own(self, number: int) -> bool:
        """Tell whether the key of a row is one of ours."""
        return bool(self._facts[number][2])

    def id_of(self, number: int) -> str:
        """Return the id of a row."""
        if self._whole is not None:
            return self._whole[number].id
        assert self._store is not None
        # A record begins with it, so that there is no need to read all of it.
        place, length = self._places[number]
        head = self._store.get(place, min(length, _HEAD))
        found = _ID.match(head)
        return found[1].decode() if found else str(self.record(number)[0])

    @property
    def digests(self) -> Mapping[Key, str]:
        """The short digest of each row by key, of the last one where several have it."""
        return _Digests(self)

    def records(self) -> Iterator[bytes]:
        """Yield every row as ``record_of`` it."""
        for number in range(len(self)):
            yield self._record_bytes(number)

    def by_age(self, numbers: Iterable[int]) -> Sequence[int]:
        """Sort rows by when they were created, the oldest first, and by their ids where that is the same."""
        found = list(numbers)
        if any(self._moment(number) == _UNKNOWN for number in found):
            found.sort(key=self._age)
            return found
        found.sort(key=self._moment)
        start = 0
        for end in range(1, len(found) + 1):
            if end == len(found) or self._moment(found[end]) != self._moment(found[start]):
                if end - start > 1:
                    found[start:end] = sorted(found[start:end], key=self._age)
                start = end
        return array("I", found)

    def _moment(self, number: int) -> int:
        moment: int = self._facts[number][0]
        return moment

    def _age(self, number: int) -> tuple[str, str]:
        row = self._row(number)
        return row.created_at.removesuffix("Z"), row.id

    # -------------------------------------------------------------- one row

    def _record_bytes(self, number: int) -> bytes:
        if self._whole is not None:
            return record_of(self._whole[number])
        assert self._store is not None
        return self._store.get(*self._places[number])

    def record(self, number: int) -> list[Json]:
        """Return what a row was written down as; the one looked at last is at hand."""
        last = self._last
        if last[0] != number:
            last = self._last = number, json.loads(self._record_bytes(number).decode())
        return last[1]

    def _row(self, number: int) -> RemoteRow:
        if self._whole is not None:
            return self._whole[number]
        fields = _RecordFields(self, number, self.digest(number))
        return row_from(self.record(number), self._dataset, Row(self.keys[number], fields))


class _RecordFields(KeptFields):
    """The fields of a row of a server."""

    __slots__ = ("_number", "_rows")

    def __init__(self, rows: KeptRows, number: int, digest: bytes) -> None:
        self._rows = rows
        self._number = number
        self._digest = digest

    def _read(self) -> Mapping[str, Json]:
        fields = self._rows.record(self._number)[2]
        assert isinstance(fields, dict)
        return fields


class _Digests(Mapping[Key, str]):
    def __init__(self, rows: KeptRows) -> None:
        self._rows = rows
        self._doubled = sum(len(numbers) - 1 for numbers in rows._more.values())

    def __len__(self) -> int:
        return len(self._rows) - self._doubled

    def __iter__(self) -> Iterator[Key]:
        rows = self._rows
        if not self._doubled:
            return iter(rows.keys)
        return (key for number, key in enumerate(rows.keys) if rows.numbers_of(key)[0] == number)

    def __contains__(self, key: object) -> bool:
        return self._rows.has(key)

    def __getitem__(self, key: Key) -> str:
        numbers = self._rows.numbers_of(key)
        if not numbers:
            raise KeyError(key)
        return self._rows.short(numbers[-1])


def _moment(text: str) -> int:
    """Return a time in microseconds where texts of its form sort as times do."""
    if not _TIME.fullmatch(text):
        return _UNKNOWN
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _UNKNOWN
    since = time - datetime(1, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# ---------------------------------------------------------------- a row as bytes


def record_of(row: RemoteRow) -> bytes:
    """Return a live row as a line of JSON without its end; its dataset is not in it."""
    fields = row.row.fields
    record = [
        row.id,
        row.row.key,
        dict(fields.items()),  # read once where they lie elsewhere
        row.created_at,
        row.updated_at,
        [row.author.id, row.author.label],
        row.own_key,
        row.version,
        row.version_id,
        row.revision,
        row.revision_id,
        [row.editor.id, row.editor.label] if row.editor else None,
    ]
    return _encode(record).encode()


def row_from(record: Sequence[Json], dataset: str, content: Row | None = None) -> RemoteRow:
    """Return the row that a record is of. Raises TypeError or ValueError for anything else.

    ``content`` is its content, where that is known.
    """
    number, key, fields, created, updated, author, own, version, uuid, revision, its_id, editor = (
        record
    )
    if (
        not isinstance(fields, dict)
        or not isinstance(version, int)
        or not isinstance(revision, int)
    ):
        raise TypeError("not as it was written")
    return RemoteRow(
        str(number),
        dataset,
        content or Row(Key(str(key)), fields),
        str(created),
        str(updated),
        _author(author),
        own is True,
        version=version,
        version_id=str(uuid),
        revision=revision,
        revision_id=str(its_id),
        editor=None if editor is None else _author(editor),
    )


def _author(value: Json) -> Author:
    if not isinstance(value, list):
        raise TypeError("not as it was written")
    number, label = value
    return Author(number if isinstance(number, int) else None, str(label))
