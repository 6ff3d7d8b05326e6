"""Asks pointers, and with a key the store, how each changed object stands: the surveys of sync, for another commit.

What a server says in an error is never repeated: it may name what the reader of a review must not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_skill import BaseFact
from skillsync.core.row_states import RowPush, RowState
from skillsync.core.skill_states import Absence, SkillState
from skillsync.errors import NotAuthenticated, SkillsyncError, Throttled, Unreachable
from skillsync.formats.marker import Marker, read_marker
from skillsync.formats.skill_folder import SkillReading
from skillsync.model import DatasetPointer, Digest, Folder, Key, Skill, SkillPointer, Version
from skillsync.repo.pointer import POINTER, parse_line, parse_pointer
from skillsync.review.dataset_changes import DatasetContent, DatasetParts
from skillsync.review.document import dataset_digest
from skillsync.review.sides import (
    SOMEBODY,
    Side,
    dropped,
    moved_parts,
    offline_side,
    online_side,
    wanted,
)
from skillsync.review.skill_changes import Content, compare_live
from skillsync.review.values import Kind, Live, Moved, OpBase, Standing, Verb
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import join, last_part, read_tree
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView

if TYPE_CHECKING:
    from skillsync.api.listing import Listing
    from skillsync.config import Target
    from skillsync.sync.local import LocalTree
    from skillsync.sync.workspace import Remote, Workspace

_MOST_VERSIONS = 30
"""Versions of one skill that are read for the dropped-change report."""


@dataclass(frozen=True, slots=True)
class RowSides:
    """How the rows of a dataset stand: ``whole`` where nothing is known of one. ``live`` are versions and item ids."""

    whole: Standing
    standings: Mapping[Key, Standing] = field(default_factory=dict)
    live: Mapping[Key, tuple[int | None, str]] = field(default_factory=dict)

    def standing(self, key: Key) -> Standing:
        """Say how a row stands."""
        return self.standings.get(key, self.whole)

    def base(self, key: Key, digest: Digest) -> OpBase:
        """Return what an operation on a row starts from: the digest that was agreed on, the version it is at."""
        version, item = self.live.get(key, (None, ""))
        return OpBase(version, item, digest)


@dataclass
class Sides:
    """Answers about objects of the commit ``workspace.at``; ``remote`` None asks pointers and history alone.

    ``may_ask`` None: about everything. Else these names of skills and folders of datasets alone are asked about, and
    everything else is unverified: whoever may write the range must not learn what else the store has.
    """

    workspace: Workspace
    target: Target
    remote: Remote | None
    skill_names: frozenset[str]
    skill_dirs: frozenset[str]
    dataset_dirs: frozenset[str]
    readings: Mapping[str, SkillReading]
    show_all: bool
    clean: Callable[[str], str]
    may_ask: frozenset[str] | None = None

    def is_asked(self, subject: str) -> bool:
        """Tell whether the store may be asked about a skill's name, or a dataset's folder."""
        return self.remote is not None and (self.may_ask is None or subject in self.may_ask)

    @cached_property
    def listing(self) -> Listing[Version] | None:
        """Every skill of the store, listed once."""
        return self.remote.skills.list() if self.remote else None

    @cached_property
    def _tree(self) -> LocalTree:
        tree = read_tree(
            self.workspace, commit=self.workspace.at, only=self.skill_dirs | self.dataset_dirs
        )
        for skill in tree.skills:
            skill.known = self.readings.get(skill.dir)
        return tree

    @cached_property
    def _skills(self) -> Mapping[str, SkillView]:
        known = self.may_ask
        names = sorted(
            self.skill_names | self.skill_dirs if known is None else self.skill_names & known
        )
        if not names:
            return {}
        return survey_skills(
            self.workspace,
            self.target,
            self._tree,
            remote=self.remote,
            names=names,
            listing=self.listing,
        ).views

    @cached_property
    def _datasets(self) -> Mapping[str, DatasetView]:
        if not any(self.is_asked(one) for one in self.dataset_dirs):
            return {}
        survey = survey_datasets(
            self.workspace,
            self.target,
            self._tree,
            remote=self.remote,
            names=sorted(one for one in self.dataset_dirs if self.is_asked(one)),
        )
        return {view.dir: view for view in survey.views if view.dir is not None}

    # ------------------------------------------------------------ skills

    def skill(self, name: str, before: Content | None, after: Content | None) -> Side:
        """Say how a skill stands; ``before`` and ``after`` are its contents in the two commits."""
        if not self.target.takes_skill(name):
            return Side(Standing.UNCHANGED, Verb.NONE)
        view = self._skills.get(name)
        if not self.is_asked(name):
            return self._offline(view, before, after)
        verb = wanted(before, after)
        if view is None:
            is_valid = after is None or after.digest is not None
            return Side(Standing.NO_BASE if is_valid else Standing.INVALID, verb)
        if view.error is not None:
            return self._failed(view, verb)
        state = _believed(view)
        side = online_side(state, verb, view.base, view.version)
        if side.standing in {Standing.CONFLICT, Standing.DRIFT, Standing.UNSEEN}:
            side = self._with_live(side, view, after)
        return replace(side, dropped=self._dropped(view, before, after))

    def under_new_name(self, name: str, after: Content) -> Side:
        """Say how a skill stands that bore another name in the base: its pointer is that of the other name."""
        if not self.target.takes_skill(name):
            return Side(Standing.UNCHANGED, Verb.NONE)
        if after.digest is None:
            return Side(Standing.INVALID, Verb.NONE)
        if self.listing is None or not self.is_asked(name):
            return Side(Standing.UNVERIFIED, Verb.CREATE, None, 1)
        taken = any(version.name == name for version in self.listing)
        return Side(Standing.COLLISION if taken else Standing.CURRENT, Verb.CREATE, None, 1)

    def _offline(
        self, view: SkillView | None, before: Content | None, after: Content | None
    ) -> Side:
        base = view.base if view else None
        if base is None and before is not None and before.folder is not None:
            base = self._pointed(before.folder)
        return offline_side(
            before.digest if before else None,
            after.digest if after else None,
            base,
            is_gone=after is None,
            is_new=before is None,
        )

    def _pointed(self, folder: Folder) -> BaseFact | None:
        line = self._line(folder)
        return BaseFact(line.number, line.id, line.first, line.digest) if line else None

    def _line(self, folder: Folder | None) -> SkillPointer | None:
        if folder is None or folder.pointer is None:
            return None
        lines = parse_pointer(folder.pointer, path=join(folder.dir, POINTER)).lines
        line = lines.get(self.target.place)
        return line if isinstance(line, SkillPointer) else None

    def _failed(self, view: SkillView, verb: Verb) -> Side:
        error = view.error
        if isinstance(error, NotAuthenticated | Throttled | Unreachable):
            raise error
        latest = view.version.number if view.version else None
        return Side(Standing.NO_BASE, verb, latest=latest, total=latest)

    def _with_live(self, side: Side, view: SkillView, after: Content | None) -> Side:
        version, base = view.version, self._base_content(view)
        head = after.reading.skill if after and after.reading else None
        live = view.content.content if view.content else None
        if live is None and version is not None and self.remote is not None:
            live = read_version(self.workspace, self.remote, view).content
        both, only = moved_parts(base, head, live, show_all=self.show_all) if base else ((), ())
        standing = side.standing
        if standing is Standing.CONFLICT and base is not None and live is not None and not both:
            standing = Standing.DRIFT
        said = Live(
            version.number if version else None,
            version.author.label if version and self.show_all else SOMEBODY,
            version.created_at if version else "",
            tuple(self.clean(one) for one in both),
            tuple(self.clean(one) for one in only),
        )
        if self.show_all and live is not None:
            tools = tuple(self.clean(one) for one in live.allowed_tools)
            parts = compare_live(base, live, self.clean) if base is not None else ()
            said = replace(said, tools=tools, parts=parts)
        return replace(side, standing=standing, live=said)

    def _base_content(self, view: SkillView) -> Skill | None:
        if view.base is None or self.remote is None or view.version is None:
            return None
        if view.base.first != view.version.first:
            return None
        try:
            found = read_version(self.workspace, self.remote, view, number=view.base.number)
        except SkillsyncError:
            return None
        return found.content if found.version.id == view.base.id else None

    def _dropped(self, view: SkillView, before: Content | None, after: Content | None) -> tuple:  # type: ignore[type-arg]
        """Read what lies between the two pointers, where head claims to have taken more in than the base."""
        old = self._line(before.folder) if before else None
        new = self._line(after.folder) if after else None
        if not (old and new and self.remote and after) or old.first != new.first:
            return ()
        numbers = range(old.number, new.number + 1)[-_MOST_VERSIONS:]
        if len(numbers) < 2 or view.version is None or view.version.first != new.first:
            return ()
        versions = []
        for number in numbers:
            found = read_version(self.workspace, self.remote, view, number=number)
            versions.append((found.version, found.content))
        return dropped(versions, after, show_all=self.show_all, clean=self.clean)

    # ------------------------------------------------------------ everything else in the store

    def moved(self) -> tuple[Moved, ...]:
        """Name the skills that this range does not touch and somebody else changed since their pointer.

        By their folders here: another name that the store has for one is the store's own.
        """
        if self.listing is None or self.remote is None or self.may_ask is not None:
            return ()  # pointers of the range itself would say which of the store's skills are meant
        lines: dict[str, tuple[str, SkillPointer]] = {}
        for directory, data in self.workspace.head_pointers.items():
            if directory in self.skill_dirs:
                continue
            for text in data.decode("utf-8", "replace").split("\n"):
                line = parse_line(text) if text.startswith(f"{self.target.place} ") else None
                if isinstance(line, SkillPointer):
                    lines[line.first] = (last_part(directory), line)
        found = []
        for version in self.listing:
            name, pointer = lines.get(version.first, ("", None))
            if pointer is None or version.id == pointer.id or version.number <= pointer.number:
                continue
            if isinstance(read_marker(version.description or ""), Marker):
                continue  # published from a commit: what this is about is web pages and other repositories
            if not self.remote.is_own(version.author):
                found.append(Moved(Kind.SKILL, name, pointer.number, version.number))
        return tuple(sorted(found, key=lambda one: one.name))

    # ------------------------------------------------------------ datasets

    def dataset(
        self, directory: str, before: DatasetContent, after: DatasetContent, parts: DatasetParts
    ) -> tuple[Side, RowSides]:
        """Say how a dataset and each of its rows stand."""
        verb = wanted(before.local, after.local)
        # Offline nothing but the pointer of the two trees is asked: the plan is unverified in any case.
        view = self._datasets.get(directory) if self.is_asked(directory) else None
        named = after.local or before.local
        if named is None or not self.target.takes_dataset(named.name, named.slug):
            return Side(Standing.UNCHANGED, Verb.NONE), RowSides(Standing.UNCHANGED)
        if after.local is not None and after.local.problem is not None:
            return Side(Standing.INVALID, Verb.NONE), RowSides(Standing.INVALID)
        base = _dataset_base(view.line if view else None)
        if base is None:
            held = after if after.local is not None else before
            base = self._dataset_pointed(before) or self._dataset_pointed(held)
        if not self.is_asked(directory):
            changed = bool(parts.rows or parts.info) or verb is not Verb.UPDATE
            standing = Standing.UNVERIFIED if changed else Standing.UNCHANGED
            verb = verb if changed else Verb.NONE
            version = base.version if base else None
            return Side(standing, verb, base, latest=version), RowSides(standing)
        return self._dataset_online(view, verb, base, parts)

    def _dataset_pointed(self, content: DatasetContent) -> OpBase | None:
        folder = content.local.folder if content.local else None
        if folder is None or folder.pointer is None:
            return None
        lines = parse_pointer(folder.pointer, path=join(folder.dir, POINTER)).lines
        line = lines.get(self.target.place)
        return _dataset_base(line if isinstance(line, DatasetPointer) else None)

    def _dataset_online(
        self, view: DatasetView | None, verb: Verb, base: OpBase | None, parts: DatasetParts
    ) -> tuple[Side, RowSides]:
        if view is None:
            standing = Standing.CURRENT if verb is not Verb.UPDATE else Standing.NO_BASE
            return Side(standing, verb, base), RowSides(standing)
        if view.error is not None:
            if isinstance(view.error, NotAuthenticated | Throttled | Unreachable):
                raise view.error
            return Side(Standing.NO_BASE, verb, base), RowSides(Standing.NO_BASE)
        push = view.verdict.push
        if push is DatasetPush.STOP_TARGET:
            raise Unreachable("the store did not answer", subject=view.slug)
        rows = {row.key: _row_standing(row.verdict.push, row.verdict.state) for row in view.rows}
        known = {
            row.key: (row.remote.version or None, row.remote.id) for row in view.rows if row.remote
        }
        whole = _dataset_standing(push)
        changed = [rows.get(row.key, whole) for row in parts.rows]
        standing = next(
            (one for one in _WORST if one in changed),
            whole,
        )
        if whole in {Standing.COLLISION, Standing.UNSEEN, Standing.NO_BASE, Standing.CONFLICT}:
            standing = whole
        is_done = standing is Standing.CURRENT and verb is Verb.UPDATE and not _sends(push, changed)
        if is_done:
            standing, verb = Standing.PUBLISHED, Verb.NONE
        if verb is Verb.UPDATE and push is DatasetPush.CREATE:
            verb = Verb.CREATE
        side = Side(standing, verb, base, latest=base.version if base else None)
        return side, RowSides(whole, rows, known)


_WORST = (Standing.CONFLICT, Standing.UNSEEN, Standing.NO_BASE, Standing.DRIFT)
"""What a row makes of its dataset, the worst first."""


def _believed(view: SkillView) -> SkillState:
    """Return the state, an absence from a complete list being enough: a review writes nothing (sync.md 7.1).

    Raises Unreachable when the store did not answer for it.
    """
    state = view.verdict.state
    if state is not SkillState.UNREACHABLE:
        return state
    if view.absence is not Absence.UNCONFIRMED or view.base is None:
        raise Unreachable("the store did not answer for a skill that this range changes")
    if view.local is None:
        return SkillState.BOTH_GONE
    is_base = view.local.digest == view.base.digest
    return SkillState.ARCHIVED if is_base else SkillState.EDITED_BUT_ARCHIVED


def _dataset_base(line: DatasetPointer | None) -> OpBase | None:
    if line is None:
        return None
    return OpBase(line.revision, line.dataset, dataset_digest(line.meta, Digest(line.digest)))


def _dataset_standing(push: DatasetPush) -> Standing:
    return {
        DatasetPush.REFUSE: Standing.COLLISION,
        DatasetPush.CONFLICT: Standing.CONFLICT,
        DatasetPush.BLOCK_INFO: Standing.DRIFT,
        DatasetPush.ERROR: Standing.NO_BASE,
    }.get(push, Standing.CURRENT)


def _row_standing(push: RowPush, state: RowState) -> Standing:
    if push in {RowPush.CREATE, RowPush.PATCH, RowPush.PENDING_REMOVAL}:
        return Standing.CURRENT
    if state is RowState.DELETED_BUT_EDITED:
        return Standing.UNSEEN
    if state is RowState.MERGEABLE:
        return Standing.DRIFT
    if push in {RowPush.BLOCK, RowPush.CONFLICT}:
        return Standing.CONFLICT
    if push is RowPush.ERROR:
        return Standing.NO_BASE
    return Standing.UNCHANGED if state is RowState.BEHIND else Standing.PUBLISHED


def _sends(push: DatasetPush, changed: Sequence[Standing]) -> bool:
    return Standing.CURRENT in changed or push in {DatasetPush.SEND_INFO, DatasetPush.CREATE}
