"""How base, head and live of a skill stand to each other, in a review's own words: pure, but for what is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from skillsync.core.reconcile_skill import BaseFact
from skillsync.core.skill_states import SkillState
from skillsync.model import Digest, Skill, Version
from skillsync.review.sections import compare_bodies
from skillsync.review.skill_changes import Content
from skillsync.review.values import Dropped, Line, Live, OpBase, Standing, Verb
from skillsync.sync.diff import skill_units

SOMEBODY = "a project member"


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of an object beside its two contents. ``next`` is the version that merging makes.

    ``total``: how many versions the store has of it, None where nobody asked.
    """

    standing: Standing
    verb: Verb
    base: OpBase | None = None
    next: int | None = None
    latest: int | None = None
    total: int | None = None
    live: Live | None = None
    dropped: tuple[Dropped, ...] = ()


def wanted(before: object | None, after: object | None) -> Verb:
    """Return what a range wants of the store, from which sides have the object."""
    if after is None:
        return Verb.ARCHIVE
    return Verb.CREATE if before is None else Verb.UPDATE


def op_base(base: BaseFact | None) -> OpBase | None:
    """Return a base as an operation has it."""
    return OpBase(base.number, base.id, base.digest) if base else None


def offline_side(
    before: Digest | None,
    after: Digest | None,
    base: BaseFact | None,
    *,
    is_gone: bool,
    is_new: bool,
) -> Side:
    """Decide from the two digests (None: cannot be published) and the last agreed version alone."""
    if is_gone:
        return Side(Standing.UNVERIFIED, Verb.ARCHIVE, op_base(base), total=None)
    if after is None:
        return Side(Standing.INVALID, Verb.NONE, op_base(base))
    if (base is not None and after == base.digest) or after == before:
        return Side(Standing.UNCHANGED, Verb.NONE, op_base(base))
    if base is not None:
        return Side(Standing.UNVERIFIED, Verb.UPDATE, op_base(base), base.number + 1)
    # Without a pointer it may have been published by CI all the same: then nobody here knows the version.
    verb, number = (Verb.CREATE, 1) if is_new else (Verb.UPDATE, None)
    return Side(Standing.UNVERIFIED, verb, None, number)


@dataclass(frozen=True, slots=True)
class _Meaning:
    standing: Standing
    publishes: bool = True


_MEANINGS: Mapping[SkillState, _Meaning] = MappingProxyType(
    {
        SkillState.NOTHING: _Meaning(Standing.UNCHANGED, publishes=False),
        SkillState.LOCAL_ONLY: _Meaning(Standing.CURRENT),
        SkillState.REMOTE_ONLY: _Meaning(Standing.COLLISION),
        SkillState.SAME_UNLINKED: _Meaning(Standing.PUBLISHED, publishes=False),
        SkillState.UNRELATED: _Meaning(Standing.COLLISION),
        SkillState.IN_SYNC: _Meaning(Standing.PUBLISHED, publishes=False),
        SkillState.BEHIND: _Meaning(Standing.UNCHANGED, publishes=False),
        SkillState.AHEAD: _Meaning(Standing.CURRENT),
        SkillState.BOTH_EQUAL: _Meaning(Standing.PUBLISHED, publishes=False),
        SkillState.DIVERGED: _Meaning(Standing.CONFLICT),
        SkillState.NET_ZERO: _Meaning(Standing.DRIFT),
        SkillState.SUPERSEDED: _Meaning(Standing.UNCHANGED, publishes=False),
        SkillState.DELETED_LOCALLY: _Meaning(Standing.CURRENT),
        SkillState.DELETED_BUT_EDITED: _Meaning(Standing.UNSEEN),
        SkillState.ARCHIVED: _Meaning(Standing.UNCHANGED, publishes=False),
        SkillState.EDITED_BUT_ARCHIVED: _Meaning(Standing.CONFLICT),
        SkillState.BOTH_GONE: _Meaning(Standing.PUBLISHED, publishes=False),
        SkillState.RECREATED_EQUAL: _Meaning(Standing.PUBLISHED, publishes=False),
        SkillState.RECREATED_DIFFERENT: _Meaning(Standing.COLLISION),
        SkillState.BACKWARDS: _Meaning(Standing.NO_BASE),
        SkillState.UNREACHABLE: _Meaning(Standing.NO_BASE),
        SkillState.INVALID: _Meaning(Standing.INVALID, publishes=False),
        SkillState.EXHAUSTED: _Meaning(Standing.INVALID, publishes=False),
    }
)


def online_side(
    state: SkillState, verb: Verb, base: BaseFact | None, version: Version | None
) -> Side:
    """Translate a row of sync.md 7.1; a conflict may turn out to be a drift when the parts are looked at."""
    meaning = _MEANINGS[state]
    latest = version.number if version else None
    if not meaning.publishes:
        return Side(meaning.standing, Verb.NONE, op_base(base), latest=latest, total=latest)
    number = None
    if verb in {Verb.CREATE, Verb.UPDATE} and meaning.standing is Standing.CURRENT:
        number = (latest or 0) + 1
        verb = Verb.CREATE if version is None else Verb.UPDATE
    return Side(meaning.standing, verb, op_base(base), number, latest, latest)


# ---------------------------------------------------------------- which parts


def moved_parts(
    base: Skill | None, head: Skill | None, live: Skill | None, *, show_all: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the parts that both sides changed since the base, and those that only the store did.

    A part that only the store has a name for is called new, unless everything may be shown.
    """
    ours, theirs = _parts(base, head), _parts(base, live)
    known = _names(base) | _names(head)

    def shown(part: str) -> str:
        return part if show_all or part in known else "a part that is new in the store"

    both = [shown(part) for part in theirs if part in ours]
    only = [shown(part) for part in theirs if part not in ours]
    return tuple(dict.fromkeys(both)), tuple(dict.fromkeys(only))


def _parts(before: Skill | None, after: Skill | None) -> list[str]:
    found = []
    for unit, _, _ in skill_units(before, after):
        if unit == "body" and before is not None and after is not None:
            sections = compare_bodies(before.body, after.body)
            found += [_section(section.path) for section in sections]
        else:
            found.append(unit)
    return found


def _section(path: tuple[str, ...]) -> str:
    return f"body, {' › '.join(path)}" if path else "body, before the first heading"


def _names(skill: Skill | None) -> set[str]:
    if skill is None:
        return set()
    from skillsync.review.sections import split_body

    names = {_section(part.path) for part in split_body(skill.body)}
    return names | {unit for unit, _, _ in skill_units(None, skill)}


# ---------------------------------------------------------------- what was dropped on the way


def dropped(
    versions: Iterable[tuple[Version, Skill]],
    head: Content,
    *,
    show_all: bool,
    clean: Callable[[str], str],
) -> tuple[Dropped, ...]:
    """Report lines of foreign versions that head says to have taken in and does not have (sync.md 12.2).

    ``versions`` are the version that the base had taken in, then each later one that head claims, oldest first.
    """
    skill = head.reading.skill if head.reading else None
    found: list[Dropped] = []
    previous: Skill | None = None
    for version, content in versions:
        if previous is not None and skill is not None:
            for unit, old, new in skill_units(previous, content):
                here = _text_of(skill, unit)
                lost = _missing(old, new, here)
                kept = [line for line in _missing(new, old, None) if line in _lines(here)]
                if lost or kept:
                    lines = tuple(
                        Line(op, clean(text), None, None)
                        for op, texts in (("+", lost), ("-", kept))
                        for text in texts[:100]
                    )
                    by = version.author.label if show_all else SOMEBODY
                    found.append(
                        Dropped(version.number, by, version.created_at, _unit(unit, skill, show_all),
                                len(lost), len(kept), lines if show_all else ())
                    )  # fmt: skip
        previous = content
    return tuple(found)


def _missing(old: str | None, new: str | None, here: str | None) -> list[str]:
    """Return the lines that ``new`` has, and neither ``old`` nor ``here``, in order."""
    before, there = _lines(old), _lines(here)
    lines = [line.strip() for line in (new or "").split("\n")]
    return [line for line in dict.fromkeys(lines) if line and line not in before | there]


def _lines(text: str | None) -> set[str]:
    return {line.strip() for line in (text or "").split("\n")}


def _text_of(skill: Skill, unit: str) -> str | None:
    return next((text for name, _, text in skill_units(None, skill) if name == unit), None)


def _unit(unit: str, skill: Skill, show_all: bool) -> str:
    known = {name for name, _, _ in skill_units(None, skill)}
    return unit if show_all or unit in known else "a part that is not here"
