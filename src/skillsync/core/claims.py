"""Decides which folder a remote skill belongs to when several claim it: copies and renames (sync.md 7.1, S21, S23)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Claim:
    """A folder, the ``name`` in its SKILL.md, and the incarnation in its own pointer (None: no pointer)."""

    dir: str
    name: str
    first: str | None


class Renamed(StrEnum):
    """Which side gave a linked skill another name since it was taken in (S20–S22)."""

    HERE = "here"
    THERE = "on the server"
    BOTH = "on both sides"


def who_renamed(
    known: Collection[str], *, first: str | None, local: str, remote: str
) -> Renamed | None:
    """Return who changed a skill's name since it was taken in, None where that is not known or nobody did.

    ``known`` are the names that it had here since then, ``first`` the one that it had then, None where nobody knows. A
    name on the server that it had here once was changed here; both sides giving it the same one is agreement. One that
    it never had here was given there, and here as well unless it still bears the first.
    """
    if not known or local == remote:
        return None
    if remote in known:
        return Renamed.HERE
    return Renamed.THERE if local == first else Renamed.BOTH


class Standing(StrEnum):
    """What a folder's pointer is worth."""

    KEEPS = "keeps its pointer"
    COPY = "is a copy: its pointer does not count, it is a new skill (S2)"
    RENAMED = "bears another name than the skill its pointer names (S21)"
    DUPLICATE = "shares its name with another folder: neither is synced"


def settle_claims(
    claims: Iterable[Claim], *, remote_names: Mapping[str, str]
) -> dict[str, Standing]:
    """Return for each folder (by ``dir``) what its pointer is worth.

    ``remote_names`` maps an incarnation to the name it has on the remote now; an incarnation that is not in it
    is gone or unknown, and then the pointer is not judged by the name.
    """
    claims = sorted(claims, key=lambda claim: claim.dir)
    names = Counter(claim.name for claim in claims)
    by_first: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.first is not None:
            by_first[claim.first].append(claim)
    standings: dict[str, Standing] = {}
    for claim in claims:
        if names[claim.name] > 1:
            standings[claim.dir] = Standing.DUPLICATE
        elif claim.first is None:
            standings[claim.dir] = Standing.KEEPS
        else:
            rivals = by_first[claim.first]
            standings[claim.dir] = _standing(claim, rivals, remote_names.get(claim.first))
    return standings


def _standing(claim: Claim, rivals: list[Claim], remote_name: str | None) -> Standing:
    if remote_name is None or claim.name == remote_name:
        return Standing.KEEPS
    has_owner = any(rival.name == remote_name for rival in rivals)
    return Standing.COPY if has_owner else Standing.RENAMED


def is_about(
    *,
    named: str | None,
    is_claimed: bool,
    is_same_folder: bool,
    had_its_name: Callable[[], bool],
) -> bool:
    """Tell whether a line of history, of the skill that the server has under a folder's name, is about that folder.

    ``named`` is the incarnation that the folder's own line names, another one than the line's, or None; ``is_claimed``:
    another folder's own line names the line's. The server may have given the name of a skill that was archived to
    another one: what was taken in of that one says nothing about this folder, and its text is not to be published over it.
    """
    if is_claimed:
        return False
    return (named is None and is_same_folder) or had_its_name()


def rename_order(wanted: Mapping[str, str]) -> list[str]:
    """Return the new names in an order in which each is free when its turn comes, as far as there is one.

    ``wanted`` maps each new name to the one that the skill has on the server now. Names that are exchanged in a circle
    have no such order.
    """
    taken_now = {old: new for new, old in wanted.items()}
    ordered: dict[str, None] = {}
    for first in sorted(wanted):
        waiting: list[str] = []
        name: str | None = first
        while name and name in wanted and name not in ordered and name not in waiting:
            waiting.append(name)
            name = taken_now.get(name)
        ordered.update(dict.fromkeys(reversed(waiting)))
    return list(ordered)
