"""Finds what an object was on the server before, where no pointer line says it any more: it is not made again unasked (P12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.core.base import dataset_predecessor, predecessor
from skillsync.core.row_bases import Bases
from skillsync.core.skill_states import BaseFact
from skillsync.model import DatasetPointer, Key, RemoteDataset, SkillPointer, Version
from skillsync.repo.pointer import POINTER, parse_line
from skillsync.sync.dataset_history import dataset_at
from skillsync.sync.dataset_local import take_committed
from skillsync.sync.dataset_pointer import recorded
from skillsync.sync.dataset_view import UNKNOWN_INFO, DatasetView
from skillsync.sync.local import last_part

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.skill_view import SkillView
    from skillsync.sync.workspace import Remote, Workspace


def find_predecessors(
    workspace: Workspace,
    target: Target,
    views: Iterable[SkillView],
    versions: Iterable[Version],
) -> None:
    """Give skills that would be created the base that HEAD's history names, if it names one that is gone.

    A pointer line may have been lost: left out of a commit, or taken along by a revert. A skill of that name was
    there all the same, and somebody archived it. Only a line that says so (``gone``) is a person's word that it shall
    be made again; it answers for its own incarnation and for those before.
    """
    asked = [view for view in views if would_be_created(view)]
    if not asked:
        return
    alive = {version.first for version in versions}
    known: dict[str, list[SkillPointer]] = {}
    for name, pointer in _named_lines(workspace, target, lambda first: first not in alive):
        known.setdefault(name, []).append(pointer)
    for view in asked:
        found = predecessor(known.get(view.name, ()), view.line)
        if found is not None:
            view.base = BaseFact(found.number, found.id, found.first, found.digest)


def would_be_created(view: SkillView) -> bool:
    """Tell whether nothing is known of the skill but that it is here."""
    return (
        view.local is not None
        and view.base is None
        and view.version is None
        and not (view.error or view.renamed)
    )


def find_renamed_since(
    workspace: Workspace,
    target: Target,
    views: Iterable[SkillView],
    versions: Iterable[Version],
) -> Mapping[str, Version]:
    """Return, by the name here, the latest versions of skills that bear another name on the server (S20).

    Only for skills that would be created: their line was lost, and history has it. It names the incarnation, which a
    rename keeps. A skill whose new name HEAD's history has borne, too, was followed, and that name is its own since.
    Only servers that keep descriptions can rename a skill (skills-api.md 11).
    """
    asked = {view.name for view in views if would_be_created(view)}
    alive = {version.first: version for version in versions if version.description is not None}
    if not asked or not alive:
        return {}
    names: dict[str, list[str]] = {}
    for name, pointer in _named_lines(workspace, target, lambda first: first in alive):
        names.setdefault(pointer.first, []).append(name)
    return {
        borne[0]: alive[first]  # the newest line tells what it was called last
        for first, borne in names.items()
        if borne[0] in asked and alive[first].name not in borne
    }


def _named_lines(
    workspace: Workspace, target: Target, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, SkillPointer]]:
    """Yield the lines of HEAD's history for a target, newest first, of ``wanted`` incarnations, with the skill's name then."""
    for line in workspace.history.added_lines:
        pointer = parse_line(line.line) if line.line.startswith(f"{target.place} ") else None
        if not isinstance(pointer, SkillPointer) or not wanted(pointer.first):
            continue
        directory = line.path.removesuffix(f"/{POINTER}")
        skill = workspace.skill_history.at(line.commit, directory, last_part(directory))
        yield skill.name if skill else last_part(directory), pointer


# ---------------------------------------------------------------- datasets


def put_words_aside(views: Iterable[DatasetView], *, alive: Collection[str]) -> None:
    """Unlink what a line says is gone and shall be made again; once that lives again, the line is one like any other."""
    for view in views:
        if view.line is not None and view.line.gone and view.line.dataset not in alive:
            view.made_again, view.line = view.line, None
            view.base_rows, view.base_revisions, view.unread = {}, {}, False


class DatasetPredecessors:
    """Gives datasets that would be created the line that HEAD's history has of one that is gone, if it has one.

    As with skills, the line may have been lost. It is of this dataset if it stood in the same folder, or in a folder
    that had the same name then. Where the server shows what it has archived, that counts as well: CI, which writes no
    line, may have created it. ``alive`` are the ids of live datasets. What was written when the server was of the
    other generation says nothing about what it has.
    """

    def __init__(self, workspace: Workspace, remote: Remote, *, alive: Collection[str]) -> None:
        self._workspace = workspace
        self._remote = remote
        self._alive = alive
        self._names: dict[tuple[str, str], str] = {}

    def find(self, view: DatasetView, *, linked: Collection[str | None]) -> None:
        """Look for what ``view`` was before; ``linked`` are the datasets that folders are linked to now."""
        found = [
            (pointer, commit, home)
            for pointer, commit, home in self._gone
            if pointer.place == view.place
            and pointer.dataset not in linked
            and (home == view.home or self._name_at(commit, home, view) == view.name)
        ]
        said = view.made_again.dataset if view.made_again else None
        if not found:
            self._take_archived(view, linked=linked, said=said)
            return
        before = dataset_predecessor([pointer.dataset for pointer, _, _ in found], said)
        if before is None:
            return
        pointer, commit, home = next(one for one in found if one[0].dataset == before)
        if not take_committed(self._workspace, view, pointer, commit, home):
            self._take_unknown(view, before)

    def _take_archived(
        self, view: DatasetView, *, linked: Collection[str | None], said: str | None
    ) -> None:
        """Look among what the server has archived for what our account made of a folder of this name.

        Where it still has the dataset's name the server refuses to make another one, and a push says how to go on.
        """
        made = sorted(
            (one.created_at.removesuffix("Z"), one.id)
            for one in self._archived
            if one.own_slug == view.slug and one.info.name != view.name and one.id not in linked
        )
        before = dataset_predecessor([number for _, number in reversed(made)], said)
        if before is not None:
            self._take_unknown(view, before)

    def _take_unknown(self, view: DatasetView, dataset: str) -> None:
        """Let it be known that the dataset was there; what was taken in of it is not."""
        base: Mapping[Key, str] | Bases = Bases(0) if self._has_revisions else {}
        view.line = recorded(view.place, dataset=dataset, info=UNKNOWN_INFO, base=base).line
        view.base_rows, view.base_revisions, view.unread = {}, {}, False

    @cached_property
    def _archived(self) -> list[RemoteDataset]:
        found = self._remote.datasets.list(archived=True).items if self._has_revisions else ()
        return [one for one in found if self._remote.is_own(one.author)]

    @property
    def _has_revisions(self) -> bool:
        """Of which generation the server is; to find that out may cost a request, so it is asked late."""
        return self._remote.datasets.guarantees.history

    @cached_property
    def _gone(self) -> list[tuple[DatasetPointer, str, str]]:
        """The lines of datasets that are not alive: each with its commit and folder, newest first."""
        found = []
        for line in self._workspace.history.added_lines:
            pointer = parse_line(line.line) if " dataset=" in line.line else None
            if not isinstance(pointer, DatasetPointer) or pointer.dataset in self._alive:
                continue
            if (pointer.revision is not None) is self._has_revisions:
                found.append((pointer, line.commit, line.path.removesuffix(f"/{POINTER}")))
        return found

    def _name_at(self, commit: str, home: str, view: DatasetView) -> str:
        if (commit, home) not in self._names:
            then = dataset_at(self._workspace, commit, home, like=view.local)
            self._names[commit, home] = then.name if then.folder.entries else ""
        return self._names[commit, home]
