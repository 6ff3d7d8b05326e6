"""Lets a push go on only while everything is as a sealed plan says, and send only what the plan printed (P24)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.api.rows import FOREIGN
from skillsync.core.plan import Action, Effect, What
from skillsync.core.sealed import (
    SealedPlan,
    differences,
)
from skillsync.errors import (
    StalePlan,
)
from skillsync.model import Key
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView
from skillsync.sync.plan import push_plan
from skillsync.sync.row_views import RowView
from skillsync.sync.sealed_facts import facts_of
from skillsync.sync.settle import waiting_for_a_person
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.watched import Answered, Write, WriteKind
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.model import RemoteRow

APPLIED = "applied-plans"
NOTHING = "Nothing was published."
AGAIN = "skillsync plan -o FILE makes a new one"


@dataclass
class OnlyThese:
    """Lets a push send only the writes that carry out certain actions, each over the version they were decided on.

    The set of writes is made from the views that the actions were made from, so that it names what they mean: a
    version's base, an item's id.
    """

    allowed: set[Write] = field(default_factory=set)
    created: dict[str, set[str]] = field(default_factory=dict)
    _new_ids: dict[str, str] = field(default_factory=dict)

    def allow(
        self, actions: Sequence[Action], skills: SkillSurvey, datasets: DatasetSurvey
    ) -> None:
        """Add the writes of these actions."""
        by_slug = {view.slug: view for view in datasets.views}
        for action in actions:
            if action.what is What.SKILL:
                self.allowed.update(_skill_writes(action, skills.views[action.name]))
            else:
                self._allow_dataset(action, by_slug[action.name])

    def _allow_dataset(self, action: Action, view: DatasetView) -> None:
        remote = view.remote
        if action.what is What.DATASET:
            if action.effect is Effect.CREATE:
                self.allowed.add(Write(WriteKind.CREATE_DATASET, view.slug))
                assert view.local is not None
                self.created[view.slug] = {str(key) for key in view.local.rows}
            elif remote is not None and action.effect is Effect.REMOVE:
                self.allowed.add(Write(WriteKind.DELETE_DATASET, id=remote.id))
            elif remote is not None:
                self.allowed.add(Write(WriteKind.PATCH_DATASET, remote.info.name, remote.id))
            return
        row = view.rows.get(Key(action.key))
        assert row is not None  # the plan was made of these rows
        self.allowed.update(_row_writes(action, view, row))

    # ------------------------------------------------------------ as one who looks on

    def seen_row(self, row: RemoteRow) -> None:
        """Reads are free."""

    def before(self, write: Write, remote: Remote) -> None:  # noqa: ARG002
        """Refuse a write that the plan did not print."""
        slug = self._new_ids.get(write.id)
        is_new_row = write.kind is WriteKind.CREATE_ROW and slug is not None
        if is_new_row and write.key in self.created[slug or ""]:
            return
        known = {Write(write.kind, write.name, write.id, write.key, write.base)}
        known.add(Write(write.kind, write.name, write.id, "", write.base))
        if not known & self.allowed:
            raise StalePlan(
                f"a write that the plan does not name was about to be sent: {write.kind} "
                f"{write.name or write.id}",
                unchanged="It was not sent; what the plan names may have been.",
                hint="skillsync status",
            )

    def after(self, write: Write, answer: Answered) -> None:
        """Remember which id a new dataset was given."""
        number = getattr(answer, "id", None)
        if write.kind is WriteKind.CREATE_DATASET and isinstance(number, str):
            self._new_ids[number] = write.name


@dataclass
class Guard:
    """Lets a push go on only while everything is as the plan says, and send only what the plan printed."""

    workspace: Workspace
    plan: SealedPlan
    writes: OnlyThese = field(default_factory=OnlyThese)

    def check(self, skills: SkillSurvey, datasets: DatasetSurvey) -> None:
        """Refuse the push (StalePlan) before its first write unless every fact and action is as planned."""
        words = differences(self.plan.facts, list(facts_of(skills, datasets)))
        if words:
            more = f" and {len(words) - 10} more" if len(words) > 10 else ""
            raise self._stale(f"{'; '.join(words[:10])}{more}")
        waiting = [one.name for one in waiting_for_a_person(self.workspace, self.plan.place)]
        now = push_plan(skills, datasets, archive=self.plan.archive, waiting=waiting)
        if now.actions != self.plan.actions:
            raise self._stale("what push would do is not what the plan says")
        self.writes.allow(now.actions, skills, datasets)
        mark_applied(self.workspace, self.plan)

    def _stale(self, why: str) -> StalePlan:
        return StalePlan(
            f"the plan was made from another state: {why}", unchanged=NOTHING, hint=AGAIN
        )


def _skill_writes(action: Action, view: SkillView) -> Iterator[Write]:
    number = view.version.number if view.version else 0
    if action.effect is Effect.CREATE:
        yield Write(WriteKind.CREATE_SKILL, view.name)
        yield Write(WriteKind.MARK, view.name, base=1)  # a creation cannot carry its marker (B9)
    elif action.effect is Effect.REMOVE:
        yield Write(WriteKind.ARCHIVE, view.name)
    elif action.effect is Effect.LINK:
        yield Write(WriteKind.MARK, view.name, base=number)
    else:
        if view.renamed is not None and view.version is not None:
            yield Write(WriteKind.RENAME_SKILL, view.version.name, key=view.name)
        yield Write(WriteKind.PUBLISH, view.name, base=number)


def _row_writes(action: Action, view: DatasetView, row: RowView) -> Iterator[Write]:
    key = str(row.key)
    if action.effect is Effect.CREATE:
        if view.remote is not None:
            yield Write(WriteKind.CREATE_ROW, id=view.remote.id, key=key)
        if key.startswith(FOREIGN):  # born on this server: it is brought back, not made again
            number = key.removeprefix(FOREIGN)
            yield Write(WriteKind.PATCH_ROW, id=number)
            yield Write(WriteKind.UNDELETE_ROW, id=number)
    elif action.effect is Effect.UPDATE and row.remote is not None:
        yield Write(WriteKind.PATCH_ROW, id=row.remote.id)
    elif action.precondition in {loser.id for loser in row.losers}:
        yield Write(WriteKind.DELETE_ROW, id=action.precondition)
    elif row.remote is not None:
        yield Write(WriteKind.DELETE_ROW, id=row.remote.id)


def refuse_applied(workspace: Workspace, plan: SealedPlan) -> None:
    """Raise StalePlan for a plan that this clone has applied, or begun to apply."""
    path = workspace.repo.state_dir / APPLIED
    known = path.read_text(errors="replace").splitlines() if path.is_file() else []
    if plan.seal in known:
        raise StalePlan(
            "the plan was applied already, or was begun and interrupted",
            unchanged=NOTHING,
            hint=f"skillsync status shows what is left; {AGAIN}",
        )


def mark_applied(workspace: Workspace, plan: SealedPlan) -> None:
    """Note that it is being applied.

    Without the note a second run is refused all the same: what it wrote is a difference. The note says it in
    better words.
    """
    path = workspace.repo.state_dir / APPLIED
    with path.open("a") as file:
        file.write(f"{plan.seal}\n")
