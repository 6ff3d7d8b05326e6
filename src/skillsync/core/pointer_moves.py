"""Compares the pointer lines of two trees: a pointer never moves backwards against the publish branch (sync.md B2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from skillsync.model import DatasetPointer, SkillPointer

if TYPE_CHECKING:
    from skillsync.model import Pointer

At: TypeAlias = tuple[str, str]
"""Where a line stands: the pointer file's path and the place (``HOST/PROJECT``) that it is for."""


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A pointer line as it stands in a tree: the file's path, its 1-based line, and what it says."""

    path: str
    line: int
    pointer: Pointer

    @property
    def at(self) -> At:
        """What the line is the only one for."""
        return self.path, self.pointer.place


class MoveKind(StrEnum):
    """What became of a line. ``BACK``, ``REPLACED`` and ``REMOVED`` forget what had been taken in."""

    ADDED = "added"
    FORWARD = "forward"
    BACK = "back"
    REPLACED = "replaced"
    REMOVED = "removed"
    DELETED = "deleted"

    @property
    def is_refused(self) -> bool:
        """Whether a publish branch must not get it."""
        return self in {MoveKind.BACK, MoveKind.REPLACED, MoveKind.REMOVED}


@dataclass(frozen=True, slots=True)
class PointerMove:
    """One line that is not the same in both trees; ``before`` None was added, ``after`` None is gone."""

    kind: MoveKind
    before: PlacedLine | None
    after: PlacedLine | None


def pointer_moves(
    base: Collection[PlacedLine],
    head: Collection[PlacedLine],
    *,
    objects: Collection[str],
    places: Collection[str],
    earlier: Collection[Pointer] = (),
) -> list[PointerMove]:
    """Return what became of every line of ``base`` in ``head``, and the lines that are new, sorted by path and place.

    Lines are compared per object and target: a folder that was moved took its line along, and a line may be
    corrected to another host. ``objects`` are the paths of pointer files whose object is still there in ``head``,
    ``places`` those of the configured targets: a line may go with its object or its target only. ``earlier`` are
    lines that the publish branch once held; they tell for the first generation of datasets, which counts nothing.
    """
    there = {line.at: line for line in head}
    known = {line.at: _identity(line.pointer) for line in base}
    moves: list[PointerMove] = []
    followed: set[At] = set()
    for line in base:
        move = _move(line, there, known, objects=objects, places=places, earlier=earlier)
        if move is not None:
            moves.append(move)
        if move is None or move.after is not None:
            followed.add(move.after.at if move and move.after else line.at)
    moves += [PointerMove(MoveKind.ADDED, None, line) for line in head if line.at not in followed]
    return sorted(moves, key=_where)


def _move(
    before: PlacedLine,
    there: Mapping[At, PlacedLine],
    known: Mapping[At, str],
    *,
    objects: Collection[str],
    places: Collection[str],
    earlier: Collection[Pointer],
) -> PointerMove | None:
    after = _follow(before, there, known)
    if after is None:
        is_missed = before.path in objects and before.pointer.place in places
        kind = MoveKind.REMOVED if is_missed else MoveKind.DELETED
        return PointerMove(kind, before, None)
    if after.pointer == before.pointer and after.at == before.at:
        return None
    return PointerMove(_direction(before.pointer, after.pointer, earlier), before, after)


def _follow(
    before: PlacedLine, there: Mapping[At, PlacedLine], known: Mapping[At, str]
) -> PlacedLine | None:
    """Return the line that stands for ``before`` in the other tree, None when none does."""
    here = there.get(before.at)
    identity = _identity(before.pointer)
    if here is not None and _identity(here.pointer) == identity:
        return here
    moved = [
        line
        for line in there.values()
        if _identity(line.pointer) == identity and known.get(line.at) != identity
    ]
    alike = [line for line in moved if line.pointer.place == before.pointer.place]
    if found := _newest(alike or moved):
        return found
    return here if here is not None and type(here.pointer) is type(before.pointer) else None


def _direction(before: Pointer, after: Pointer, earlier: Collection[Pointer]) -> MoveKind:
    if isinstance(before, SkillPointer) and isinstance(after, SkillPointer):
        # An incarnation that was made later is what somebody archived and created again.
        one, other = (_age(before), before.number), (_age(after), after.number)
        if one > other:
            return MoveKind.BACK
        is_replaced = one == other and before.id != after.id
        return MoveKind.REPLACED if is_replaced else MoveKind.FORWARD
    if (
        isinstance(before, DatasetPointer)
        and isinstance(after, DatasetPointer)
        and before.dataset == after.dataset
        and before.revision is not None
        and after.revision is not None
    ):
        return MoveKind.FORWARD if before.revision <= after.revision else MoveKind.BACK
    # Nothing counts here. A line that is written anew carries another stamp; one like before was brought back.
    return MoveKind.BACK if after != before and after in earlier else MoveKind.FORWARD


def _identity(pointer: Pointer) -> str:
    """What a line is about, whatever its file and its target are called."""
    if isinstance(pointer, SkillPointer):
        return f"skill {_age(pointer)}"
    return f"dataset {pointer.dataset}"


def _age(pointer: SkillPointer) -> str:
    """The server leaves a fraction of 0 out, so ``Z`` must not sort."""
    return pointer.first.removesuffix("Z")


def _newest(lines: Iterable[PlacedLine]) -> PlacedLine | None:
    return max(lines, key=_count, default=None)


def _count(line: PlacedLine) -> tuple[int, At]:
    pointer = line.pointer
    number = pointer.number if isinstance(pointer, SkillPointer) else pointer.revision
    return number or 0, line.at


def _where(move: PointerMove) -> tuple[At, At]:
    line = move.after or move.before
    assert line is not None  # a move has one side at least
    return line.at, (move.before or line).at


def worst_moves(found: Mapping[str, Sequence[PointerMove]]) -> list[tuple[str, PointerMove]]:
    """Join what was found against each of several merge bases, by commit: of each line a refused move, if there is one.

    Each move comes with the commit that it was found against.
    """
    joined: dict[At, tuple[str, PointerMove]] = {}
    for commit, moves in found.items():
        for move in moves:
            line = move.after or move.before
            assert line is not None  # a move has one side at least
            known = joined.get(line.at)
            if known is None or (move.kind.is_refused and not known[1].kind.is_refused):
                joined[line.at] = commit, move
    return [joined[at] for at in sorted(joined)]
