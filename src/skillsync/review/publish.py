"""Publishes what was reviewed and nothing else: every effect of a push is held against reviews before the first write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skillsync.core.plan import Action, Effect, What
from skillsync.errors import NotReviewed, RefusedForSafety, RemoteAhead
from skillsync.model import Digest, Key
from skillsync.review.document import make_op
from skillsync.review.reviewed import Seen
from skillsync.review.sides import online_side
from skillsync.review.values import Kind, Verb
from skillsync.sync.dataset_survey import DatasetSurvey, DatasetView
from skillsync.sync.plan import push_plan
from skillsync.sync.push import PushRequest, push
from skillsync.sync.push_dataset_words import is_blocked
from skillsync.sync.sealed_guard import NOTHING, OnlyThese
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.watched import watched
from skillsync.sync.workspace import Connect, Workspace

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.report import Report

_PULL = "skillsync pull, or skillsync pull --pr, takes it in; review and merge that"
_HOW = "open a pull request for it, and merge it when its review has passed"


@dataclass
class ReviewedGuard:
    """Lets a push go on only if each of its effects was reviewed, and send only the writes of these.

    Where ``seen`` is not strict, content of a reviewed object that nobody saw whole is a note.
    """

    workspace: Workspace
    seen: Seen
    archive: Sequence[str] = ()
    writes: OnlyThese = field(default_factory=OnlyThese)
    notes: list[str] = field(default_factory=list)

    def check(self, skills: SkillSurvey, datasets: DatasetSurvey) -> None:
        """Refuse the whole push before its first write.

        Raises RemoteAhead when the store moved past what HEAD has taken in (exit 3), NotReviewed (6) when an effect
        is in no review or was reviewed with other content, RefusedForSafety (6) when an object cannot be published.
        """
        _refuse_moved(skills, datasets)
        plan = push_plan(skills, datasets, archive=self.archive)
        by_slug = {view.slug: view for view in datasets.views}
        bad: list[str] = []
        for action in plan.actions:
            if action.what is What.SKILL:
                bad += self._skill(action, skills.views[action.name])
        for name in dict.fromkeys(one.name for one in plan.actions if one.what is not What.SKILL):
            own = [one for one in plan.actions if one.name == name and one.what is not What.SKILL]
            bad += self._dataset(own, by_slug[name])
        if bad:
            more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
            raise NotReviewed(
                f"not what was reviewed: {'; '.join(bad[:10])}{more}", unchanged=NOTHING, hint=_HOW
            )
        if plan.actions and self.seen.offline:
            self.notes.append(f"{self.seen.offline[0]} did not ask the store")
        self.writes.allow(plan.actions, skills, datasets)

    def _unknown(self, name: str) -> str:
        """Say that nobody reviewed an object, and whether somebody did who did not ask the store."""
        offline = self.seen.offline
        more = f" ({offline[0]} did not ask the store)" if offline and self.seen.strict else ""
        return f"{name} is in no review that passed{more}"

    # ------------------------------------------------------------ skills

    def _skill(self, action: Action, view: SkillView) -> Iterator[str]:
        """Say what of a skill's effect was not reviewed."""
        if action.effect is Effect.LINK:
            return  # the same content once more, with the marker that says where it is from
        folder = view.dir or self.workspace.skill_history.deleted.get(view.name)
        if folder is None or not self.seen.is_covered(folder):
            yield self._unknown(view.name)
            return
        if self._is_same_op(view):
            return
        if action.effect is Effect.REMOVE:
            if not self.seen.has_seen_removal(folder, "SKILL.md"):
                yield f"no review archives {view.name}"
            return
        if not self.seen.has_seen_folder(folder):
            yield from self._unless_strict(view.name, self.seen.unseen(folder))

    def _is_same_op(self, view: SkillView) -> bool:
        """Tell whether a review has this very operation: same content, over the same version."""
        local = view.local
        verb = Verb.ARCHIVE if local is None else Verb.UPDATE
        side = online_side(view.verdict.state, verb, view.base, view.version)
        target = local.digest if local is not None else None
        op = make_op(Kind.SKILL, view.name, side.verb, base=side.base, target=target or Digest(""),
                     new_version=side.next, standing=side.standing)  # fmt: skip
        return any(op.op_id in one.ops for one in self.seen.known)

    def _unless_strict(self, name: str, parts: Sequence[str]) -> Iterator[str]:
        """Content of a reviewed object that nobody saw whole: refused, or a note."""
        shown = ", ".join(parts[:5]) + (" …" if len(parts) > 5 else "")
        if self.seen.strict:
            yield f"nobody reviewed {name} as it is now ({shown})"
        else:
            self.notes.append(f"nobody reviewed {name} as it is now: {shown}")

    # ------------------------------------------------------------ datasets

    def _dataset(self, actions: Sequence[Action], view: DatasetView) -> Iterator[str]:
        folder = view.dir or view.home or (view.gone.dir if view.gone else "")
        if not folder or not self.seen.is_covered(folder):
            yield self._unknown(view.slug)
            return
        sent: set[Key] = set()
        removed: set[Key] = set()
        for action in actions:
            if action.what is What.ROW:
                self._row(action, view, sent, removed)
            elif action.effect is Effect.REMOVE:
                if not self.seen.has_seen_removal(folder, "DATASET.md"):
                    yield f"no review archives {view.slug}"
            else:
                if not self.seen.has_seen_folder(folder, only="DATASET.md"):
                    yield from self._unless_strict(view.slug, ["DATASET.md"])
                if action.effect is Effect.CREATE and view.local is not None:
                    sent |= view.local.rows.keys()
        if unseen := self.seen.has_seen_rows(folder, sent):
            yield from self._unless_strict(view.slug, [str(key) for key in unseen])
        for key in self.seen.has_seen_row_removals(folder, removed):
            yield f"no review archives {view.slug}:{key}"

    def _row(self, action: Action, view: DatasetView, sent: set[Key], removed: set[Key]) -> None:
        row = view.rows.get(Key(action.key))
        assert row is not None  # the plan was made of these rows
        if action.effect is not Effect.REMOVE:
            sent.add(row.key)
        elif action.precondition not in {loser.id for loser in row.losers}:
            removed.add(row.key)  # an equal second copy of our own making is no loss


def _refuse_moved(skills: SkillSurvey, datasets: DatasetSurvey) -> None:
    """Raise for every object that could not be published as it is: nothing goes without the rest (review.md 5.10)."""
    moved: list[str] = []
    other: list[str] = []
    for view in skills.views.values():
        if view.error is not None or view.problem is not None or view.verdict.push_exit:
            has_moved = view.error is None and view.verdict.push_exit in {3, 4}
            (moved if has_moved else other).append(view.name)
    for dataset in datasets.views:
        if is_blocked(dataset):
            (moved if _has_moved(dataset) else other).append(dataset.slug)
    other += [
        one.subject or one.path
        for one in (*skills.problems, *datasets.problems)
        if one.severity == "error"
    ]
    if moved:
        raise RemoteAhead(
            f"the store moved past what was reviewed: {', '.join(sorted(moved)[:10])}",
            unchanged=NOTHING,
            hint=_PULL,
        )
    if other:
        raise RefusedForSafety(
            f"{len(other)} objects cannot be published: {', '.join(sorted(other)[:10])}",
            unchanged=NOTHING,
            hint="skillsync status",
        )


def _has_moved(view: DatasetView) -> bool:
    if view.error is not None or (view.local is not None and view.local.problem):
        return False
    exits = {view.verdict.push_exit, *(row.verdict.push_exit for row in view.rows.open)}
    return 1 not in exits


def push_reviewed(
    workspace: Workspace,
    target: Target,
    connect: Connect,
    request: PushRequest,
    *,
    seen: Callable[[str], Seen],
) -> Report:
    """Publish HEAD of the publish branch, every effect of it reviewed, or nothing.

    ``seen`` makes what answers from HEAD. Raises NotReviewed, RemoteAhead, and what push raises.
    """
    head = workspace.history.head
    if not workspace.is_team or head is None:
        raise RefusedForSafety(
            "only commits can have been reviewed, and without publish_branch push sends the working tree",
            unchanged=NOTHING,
            hint="set publish_branch in skillsync.toml",
        )
    guard = ReviewedGuard(workspace, seen(head), request.archive)
    request = replace(request, check=guard.check)
    report = push(workspace, target, watched(connect, guard.writes), request)
    for note in guard.notes:
        report.note(note)
    return report
