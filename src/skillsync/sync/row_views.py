"""The rows of a dataset seen from all sides: few are held, the others are made again of what the sides say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, overload

from skillsync.core.reconcile_row import RowFacts, RowVerdict, decide_row, winner
from skillsync.core.reconcile_skill import Absence
from skillsync.core.row_states import ABSENT
from skillsync.formats.canonical import ALGORITHM, row_digest
from skillsync.formats.kept_remote import KeptRows
from skillsync.formats.packed_keys import PackedKeys
from skillsync.model import Digest, Key, RemoteRow, Row

if TYPE_CHECKING:
    from collections.abc import Collection

    from skillsync.sync.dataset_view import DatasetView


@dataclass
class RowView:
    """One row seen from all sides, with the verdict.

    ``losers`` are equal copies of our own making and ``copies`` all live items with the key (I21).
    ``is_paired``: the local line has no key of its own and is this row by its content (I22). ``is_older``: a later
    commit recorded the local content as taken in, so that it is not sent again.
    """

    key: Key
    base: str | None
    local: Row | None
    remote: RemoteRow | None
    facts: RowFacts
    base_row: Row | None = None
    losers: tuple[RemoteRow, ...] = ()
    copies: int = 1
    is_paired: bool = False
    is_older: bool = False

    @cached_property
    def verdict(self) -> RowVerdict:
        """What push and pull do with it."""
        return decide_row(self.facts)

    def is_as(self, plain: RowView) -> bool:
        """Tell whether no more is known of it than of ``plain``, the row as its sides have it."""
        return (
            self.facts == plain.facts
            and self.base == plain.base
            and self.is_older == plain.is_older
            and self.base_row is None
            and not self.losers
            and not self.is_paired
        )


@dataclass(frozen=True, slots=True)
class Sides:
    """What base, local and remote of a dataset are, row by row, as of when its rows were decided.

    ``digests`` are the short digests of the local rows where they are at hand without reading any; else None.
    """

    local: Mapping[Key, Row]
    there: KeptRows
    base: Mapping[Key, str]
    older: Mapping[Key, str]
    digests: Mapping[Key, str] | None
    returned: Collection[Key]
    gone: Collection[Key]
    erased: Collection[Key]

    @classmethod
    def of(cls, view: DatasetView, local: Mapping[Key, Row]) -> Sides:
        """Take the sides of a view, with the local rows by the keys that they have on the server."""
        assert view.remote_rows is not None
        here = view.local.row_digests if view.local is not None and not view.rekeyed else None
        return cls(
            local,
            view.remote_rows,
            view.base_rows,
            view.older_rows,
            here,
            view.returned_rows,
            view.gone_keys,
            view.erased_keys,
        )

    def are_in_sync(self, key: Key) -> bool:
        """Tell, looking at digests alone, whether a row is the same on all sides, once on each."""
        if self.digests is None or key in self.older:
            return False
        digest = self.digests.get(key)
        if digest is None or self.base.get(key) != digest or digest == ABSENT:
            return False
        numbers = self.there.numbers_of(key)
        return len(numbers) == 1 and self.there.short(numbers[0]) == digest

    def row(self, key: Key) -> RowView:
        """Return a row as the sides have it, with the facts that need nothing else."""
        local = self.local.get(key)
        numbers = self.there.numbers_of(key)
        number = winning_number(self.there, key) if numbers else None
        item = self.there[number] if number is not None else None
        base = self.older.get(key) or self.base.get(key)
        if base == ABSENT:
            base = None
        absence = Absence.PRESENT if item else Absence.NEVER
        if item is None and base is not None:
            absence = Absence.CONFIRMED if key in self.gone else Absence.UNCONFIRMED
        facts = RowFacts(
            key,
            base=base,
            local=row_digest(local) if local else None,
            remote=_digest(self.there, number) if number is not None else None,
            was_in_base=base is not None or key in self.returned,
            absence=absence,
            hard_deleted=key in self.erased,
        )
        return RowView(
            key, base, local, item, facts, copies=len(numbers), is_older=key in self.older
        )


def _digest(there: KeptRows, number: int) -> Digest:
    return Digest(ALGORITHM + there.digest(number).hex())


def winning_number(there: KeptRows, key: Key) -> int:
    """Return the number of the row that stands for its key (I21)."""
    numbers = there.numbers_of(key)
    if len(numbers) == 1:
        return numbers[0]
    chosen = winner(there[number] for number in numbers)
    return next(number for number in numbers if there[number].id == chosen.id)


def created_there(there: KeptRows, local: Mapping[Key, Row]) -> Sequence[int]:
    """Return the numbers of the remote rows that are not here, the oldest first."""
    return there.by_age(
        number
        for number, key in enumerate(there.keys)
        if key not in local and winning_number(there, key) == number
    )


class RowViews(Sequence[RowView]):
    """Every row of a dataset in order: those that are here, those that only the base knows, and the new ones.

    Held are those alone of which more is known than the sides say; of the others that are not in sync, that they are not.
    """

    def __init__(self, sides: Sides, created: Sequence[int]) -> None:
        self._sides = sides
        self._created = created
        self._bare = [
            key for key in sides.base if key not in sides.local and not sides.there.has(key)
        ]
        self._special: dict[Key, RowView] = {}
        self._open: PackedKeys[Key] = PackedKeys()

    def in_order(self) -> Iterator[Key]:
        """The keys of all rows."""
        created = (self._sides.there.keys[number] for number in self._created)
        return chain(self._sides.local, self._bare, created)

    def decided(self, row: RowView, plain: RowView) -> None:
        """Put in what was decided of a row that is not simply in sync, and was ``plain`` before; in order."""
        self._open.append(row.key)
        if not row.is_as(plain):
            self._special[row.key] = row

    def get(self, key: Key) -> RowView | None:
        """Return the row with a key."""
        found = self._special.get(key)
        if found is not None:
            return found
        sides = self._sides
        is_there = key in sides.local or sides.there.has(key) or key in sides.base
        return sides.row(key) if is_there else None

    @property
    def open(self) -> Iterator[RowView]:
        """The rows that are not simply in sync, in order: whoever has something to do finds it here."""
        return map(self._row, self._open)

    @property
    def open_keys(self) -> Sequence[Key]:
        """Their keys."""
        return self._open

    def _row(self, key: Key) -> RowView:
        return self._special.get(key) or self._sides.row(key)

    def __iter__(self) -> Iterator[RowView]:
        return map(self._row, self.in_order())

    def __len__(self) -> int:
        return len(self._sides.local) + len(self._bare) + len(self._created)

    @overload
    def __getitem__(self, at: int) -> RowView: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[RowView]: ...
    def __getitem__(self, at: int | slice) -> RowView | Sequence[RowView]:
        keys = list(self.in_order())
        return (
            [self._row(key) for key in keys[at]] if isinstance(at, slice) else self._row(keys[at])
        )


def no_rows() -> RowViews:
    """Return the rows of a dataset of which none was decided."""
    return RowViews(Sides({}, KeptRows(None, held=0), {}, {}, None, (), (), ()), ())
