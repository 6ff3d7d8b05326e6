"""Finds the few skills that a pull has to look at, where it is known which ones are not as an earlier pull left them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.model import Severity, SkillPointer
from skillsync.sync.report import Kind

if TYPE_CHECKING:
    from skillsync.api.listing import Listing
    from skillsync.config import Target
    from skillsync.model import Version
    from skillsync.repo.look import Look
    from skillsync.sync.facts import Facts, LocalFacts
    from skillsync.sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Changes:
    """Remote skills by ``names`` and folders by ``dirs``."""

    names: frozenset[str] = frozenset()
    dirs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a pull may confine itself to: these skills, their part of the list, and the look that found them."""

    skills: Changes
    listing: Listing[Version]
    look: Look


def narrowed(
    workspace: Workspace, target: Target, listing: Listing[Version], changes: Changes
) -> Narrow | None:
    """Return what has to be looked at for these changes; None: everything.

    Each skill is decided alone, but for names and pointers, which several folders may claim. So this is for skills that
    are on the list, and here either linked by a pointer that no other folder has a copy of, or not at all; whatever else
    is among the changes (a dataset, a folder that is gone or was never linked, a rename) is none of it.
    The stat cache is asked, which decides nothing else: what is left out is not written.
    """
    from skillsync.sync.facts import gather_facts
    from skillsync.sync.memory import open_memory

    roots = workspace.settings.datasets
    if any(f"{at}/".startswith(f"{root}/") for at in changes.dirs for root in roots):
        return None  # before its rows are read
    with open_memory(workspace) as memory:
        local = gather_facts(workspace, memory)
    troubled = any(one.severity is not Severity.NOTE for one in local.problems)
    if troubled or listing.problems or not listing.complete:
        return None
    found = _Skills.of(local, target)
    names = set(changes.names)
    for directory in changes.dirs:
        facts = found.by_dir.get(directory)
        if facts is None:
            return None
        names.add(facts.name)
    versions = {version.name: version for version in listing.items if version.name in names}
    dirs = set()
    for name in names:
        version, holders = versions.get(name), found.by_name.get(name, [])
        if version is None or not found.is_plain(version, holders, target):
            return None
        dirs |= {facts.dir for facts in holders}
    few = replace(listing, items=tuple(versions[name] for name in sorted(versions)))
    return Narrow(Changes(frozenset(names), frozenset(dirs)), few, memory.look)


@dataclass(frozen=True, slots=True)
class _Skills:
    """The skills here by folder and by name, those included of which only HEAD knows; ``firsts`` counts pointers."""

    by_dir: Mapping[str, Facts]
    by_name: Mapping[str, list[Facts]]
    firsts: Counter[str]

    @classmethod
    def of(cls, local: LocalFacts, target: Target) -> _Skills:
        skills = [facts for facts in local.objects if facts.kind is Kind.SKILL]
        by_name: dict[str, list[Facts]] = {}
        for facts in skills:
            by_name.setdefault(facts.name, []).append(facts)
        lines = [facts.line_for(target.place) for facts in skills]
        firsts = Counter(line.first for line in lines if isinstance(line, SkillPointer))
        return cls({facts.dir: facts for facts in skills}, by_name, firsts)

    def is_plain(self, version: Version, holders: list[Facts], target: Target) -> bool:
        if not holders:
            return version.first not in self.firsts
        line = holders[0].line_for(target.place)
        return (
            len(holders) == 1
            and not holders[0].missing
            and isinstance(line, SkillPointer)
            and line.first == version.first
            and self.firsts[line.first] == 1
        )
