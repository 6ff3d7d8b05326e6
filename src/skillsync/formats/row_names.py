"""The names that a row's fields have in a file: two spellings each, or a dataset's own mapping (skill-format.md 14.3)."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypeAlias

from skillsync.errors import InvalidContent
from skillsync.model import ROW_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Spelling: TypeAlias = Literal["seed", "current"]
"""Which of the two names a field gets where the file does not say: the server's generation decides."""

ID = "id"

SEED_NAMES = {
    "expected_output": "output",
    "source_trace_id": "ref_trace_id",
    "source_timestamp": "ref_timestamp",
    "source_event_id": "ref_source_id",
}
"""The seed's names of fields that are called otherwise now."""

_NEWEST = {old: new for new, old in SEED_NAMES.items()}
_ELSEWHERE = {
    "input": ("inputs", "vars", "query", "prompt", "question", "user_input"),
    "expected_output": (
        *("expected", "expectedOutput", "outputs", "ideal", "target", "answer", "assert"),
        *("reference", "reference_outputs", "ground_truth", "expectations"),
    ),
    "metadata": ("meta", "additionalMetadata"),
    "id": ("item_id", "client_item_id", "key", "uuid", "task_id"),
}
_MEANT = {name: field for field, names in _ELSEWHERE.items() for name in names}


class UnknownName(ValueError):
    """A line has a key that no field has, or one field twice. The text says which, and what may be meant.

    ``name`` is the key that it is about.
    """

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class RowNames:
    """Which field each name in the file stands for. ``own`` maps field to name where the dataset's differ."""

    field_of: Mapping[str, str]
    own: Mapping[str, str]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str] | None) -> RowNames:
        """Build the names from a dataset's mapping of field to name, such as ``{"input": "vars"}``.

        Raises InvalidContent when it maps a field that does not exist, or two fields to one name.
        """
        own: dict[str, str] = {}
        for given, name in (mapping or {}).items():
            field = _NEWEST.get(given, given)
            if field not in (ID, *ROW_FIELDS):
                raise InvalidContent(
                    f"the field mapping names {given!r}, which is no field of a row"
                )
            if field in own or name in own.values():
                raise InvalidContent(f"the field mapping uses {given!r} or {name!r} twice")
            own[field] = name
        field_of = {name: name for name in (ID, *ROW_FIELDS)} | _NEWEST
        return cls(field_of | {name: field for field, name in own.items()}, own)

    def fields_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the field of each name of a line. Raises UnknownName."""
        found: dict[str, str] = {}
        for name in names:
            field = self.field_of.get(name)
            if field is None:
                raise UnknownName(self._unknown(name), name)
            if field in found:
                raise UnknownName(
                    f"{found[field]!r} and {name!r} are two spellings of one field: keep one of them",
                    name,
                )
            found[field] = name
        return tuple(found)

    def name_of(self, field: str, used: Mapping[str, str], spelling: Spelling) -> str:
        """Return how to write a field: as the mapping or the file (``used``) has it, else the generation's name."""
        if name := self.own.get(field) or used.get(field):
            return name
        known = {name for old, name in used.items() if old in SEED_NAMES and old not in self.own}
        if known:
            spelling = "seed" if known & _NEWEST.keys() else "current"
        return SEED_NAMES.get(field, field) if spelling == "seed" else field

    def _unknown(self, name: str) -> str:
        close = get_close_matches(name[:60], self.field_of, n=1, cutoff=0.75)
        field = _MEANT.get(name) or (close[0] if close else "")
        if not field:
            return f'unknown key {name[:60]!r}: put what is yours below "metadata"'
        return f"unknown key {name[:60]!r}: did you mean {field!r}? (a dataset's field mapping can say so)"
