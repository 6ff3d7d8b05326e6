"""Takes the remote's edits into commits of their authors on a branch, for a pull request; the working tree stays as it is.

A branch begins where the last agreed version was taken in and none later, so that git itself merges three ways and
the forge shows a conflict as it shows any other; no marker is ever written (review.md 5.11).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skillsync.core.plan import Effect, What
from skillsync.core.skill_states import PullStep, SkillState
from skillsync.errors import UsageError
from skillsync.formats.skill_folder import write_skill
from skillsync.model import SkillPointer, Version
from skillsync.repo.git import Repository
from skillsync.repo.lock import locked
from skillsync.repo.pointer import POINTER, parse_pointer, render_pointer
from skillsync.sync.authored import Commit, note_of, plain_words, record
from skillsync.sync.clock import Clock, SystemClock
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.dataset_view import DatasetSurvey
from skillsync.sync.local import read_tree
from skillsync.sync.named import require_known, surveyed
from skillsync.sync.plan import pull_plan
from skillsync.sync.pull import PullRequest, pull
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.stopping import refuse_backwards
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer, pointer_change

if TYPE_CHECKING:
    from skillsync.config import Target

PREFIX = "skillsync/pull/"
_MOST_VERSIONS = 30
"""Versions of one skill that get a commit of their own; of more the oldest go together."""

_LINKED_ANEW = frozenset(
    {
        SkillState.BOTH_EQUAL,
        SkillState.NET_ZERO,
        SkillState.RECREATED_EQUAL,
        SkillState.SAME_UNLINKED,
    }
)


@dataclass(frozen=True)
class BranchRequest:
    """What the user asked for. ``base`` is the branch that is merged into, at the commit ``at``.

    ``split`` skill: a branch for each skill or dataset. ``conflicts`` stop: what was edited here since the last agreed
    version is left to a person, instead of getting a branch that the forge shows as a conflict or merges.
    """

    base: str
    at: str
    names: Sequence[str] = ()
    prune: bool = False
    max_removals: int | None = None
    split: Literal["project", "skill"] = "project"
    conflicts: Literal["branch", "stop"] = "branch"
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True)
class Taken:
    """One object that a branch takes in: ``versions`` are those with a commit (none: a dataset), oldest first."""

    kind: Kind
    name: str
    dir: str
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """One branch: what it takes in between ``start`` and ``tip``."""

    branch: str
    start: str
    tip: str
    taken: tuple[Taken, ...]


@dataclass
class Composed:
    """What came of it: ``left`` are objects that need a person, or that a pull would only name."""

    made: list[Made] = field(default_factory=list)
    left: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An object that is to be taken in, and the commit that its branch begins at."""

    kind: Kind
    name: str
    dir: str
    start: str


def compose(
    workspace: Workspace, target: Target, connect: Connect, request: BranchRequest
) -> Composed:
    """Make the commits; no branch is moved anywhere. Reads only from the store.

    Raises RefusedForSafety when the remote seems to be emptied, RemoteError when it cannot be asked.
    """
    there = replace(workspace, at=request.at)
    found = Composed()
    with locked(workspace.repo.state_dir, command="pull --pr"):
        with connect(target) as remote:
            wanted = _wanted(there, target, remote, request, found)
        for name, group in _groups(there, target, request, wanted):
            made = _Build(there, target, connect, request, found, name).run(group)
            if made is not None:
                found.made.append(made)
    return found


# ---------------------------------------------------------------- what, and from where


def _wanted(
    workspace: Workspace, target: Target, remote: Remote, request: BranchRequest, found: Composed
) -> list[_Wanted]:
    tree = read_tree(workspace, commit=request.at)
    names, clock, removals = request.names, request.clock, request.max_removals
    skills = survey_skills(
        workspace, target, tree, remote=remote, names=names, confirm=clock, max_removals=removals
    )
    refuse_backwards(skills)
    datasets = survey_datasets(
        workspace, target, tree, remote=remote, names=names, confirm=clock, max_removals=removals
    )
    require_known(workspace, names, surveyed(workspace, skills, datasets))
    wanted = [
        one
        for view in skills.views.values()
        for one in _skill(workspace, remote, view, request, found)
    ]
    return [*wanted, *_datasets(workspace, skills, datasets, request, found)]


def _skill(
    workspace: Workspace,
    remote: Remote,
    view: SkillView,
    request: BranchRequest,
    found: Composed,
) -> Iterator[_Wanted]:
    directory, _ = view.place_in(workspace)
    step = view.verdict.pull
    here = _Wanted(Kind.SKILL, view.name, directory, request.at)
    if view.error is not None or view.problem is not None:
        error = view.error or view.problem
        found.left.append(Outcome(Kind.SKILL, view.name, "was not looked at", exit=1, code=error.code if error else "", message=error.message if error else ""))  # fmt: skip
    elif step in {PullStep.WRITE, PullStep.FAST_FORWARD, PullStep.RENAME}:
        yield here
    elif step is PullStep.LINK:
        is_own = view.version is not None and remote.is_own(view.version.author)
        if view.verdict.state in _LINKED_ANEW and not is_own:
            yield here
    elif step is PullStep.MARK_ARCHIVED:
        if request.prune:
            yield here
        else:
            found.left.append(_left(view, "was archived remotely; the folder stays", exit_code=0))
    elif step is PullStep.MERGE:
        start = _where_agreed(workspace, view, directory, request.at)
        if start is None or request.conflicts == "stop":
            found.left.append(_left(view, "was edited on both sides", exit_code=4))
        else:
            yield replace(here, start=start)
    elif step in {PullStep.REFUSE, PullStep.CONFLICT, PullStep.ERROR}:
        found.left.append(
            _left(view, str(view.verdict.state), exit_code=view.verdict.pull_exit or 4)
        )


def _left(view: SkillView, did: str, *, exit_code: int) -> Outcome:
    verdict = view.verdict
    fix = verdict.fix.replace("{name}", view.name)
    return Outcome(Kind.SKILL, view.name, did, row=verdict.row, state=str(verdict.state), exit=exit_code, code=verdict.code, fix=fix)  # fmt: skip


def _where_agreed(workspace: Workspace, view: SkillView, directory: str, head: str) -> str | None:
    """Return the newest commit of the branch itself that holds the last agreed content, None where none does."""
    base, repo = view.base, workspace.repo
    if base is None:
        return None
    asked = ["log", "--first-parent", "--format=%H", head, "--", directory]
    later: str | None = None
    for commit in repo.run(asked).line.splitlines():
        if workspace.skill_history.digest_at(commit, directory, view.name) == base.digest:
            return repo.first_parent(later) if later else head
        later = commit
    return None


def _datasets(
    workspace: Workspace,
    skills: SkillSurvey,
    datasets: DatasetSurvey,
    request: BranchRequest,
    found: Composed,
) -> Iterator[_Wanted]:
    """Rows are merged by us, line by line, and so begin at the branch's own tip."""
    plan = pull_plan(replace(skills, views={}, problems=[]), datasets)
    names = {
        one.name
        for one in plan.actions
        if one.what is not What.SKILL and one.effect is not Effect.LINK
    }
    if names and workspace.settings.review.show_values == "none":
        shown = ", ".join(sorted(names)[:5])
        found.notes.append(f"dataset rows are not shown here (show_values = none): {shown}")
        return
    for view in datasets.views:
        if view.slug in names:
            directory = view.dir or f"{workspace.settings.datasets[0]}/{view.slug}"
            yield _Wanted(Kind.DATASET, view.slug, directory, request.at)


def _groups(
    workspace: Workspace, target: Target, request: BranchRequest, wanted: Sequence[_Wanted]
) -> Iterator[tuple[str, list[_Wanted]]]:
    """Yield each branch's name and objects: one for all where one commit suits all, else some have their own."""
    rolling = f"{PREFIX}{target.project}"
    if request.split == "skill":
        for one in wanted:
            yield f"{rolling}--{one.dir.rpartition('/')[2]}", [one]
        return
    starts = {one.start for one in wanted}
    oldest = next(
        (one for one in starts if all(workspace.repo.is_ancestor(one, each) for each in starts)),
        None,
    )
    if oldest is not None and all(_is_same(workspace, one, oldest) for one in wanted):
        yield rolling, [replace(one, start=oldest) for one in wanted]
        return
    for one in wanted:
        if one.start != request.at:
            yield f"{rolling}--{one.dir.rpartition('/')[2]}", [one]
    rest = [one for one in wanted if one.start == request.at]
    if rest:
        yield rolling, rest


def _is_same(workspace: Workspace, one: _Wanted, commit: str) -> bool:
    """Tell whether an object is at ``commit`` exactly as it is where its own branch would begin."""
    if one.start == commit:
        return True
    repo = workspace.repo
    return repo.tree_below(one.start, one.dir) == repo.tree_below(commit, one.dir)


# ---------------------------------------------------------------- the commits


@dataclass
class _Build:
    """Makes one branch in a working tree of its own, which is gone afterwards."""

    workspace: Workspace
    target: Target
    connect: Connect
    request: BranchRequest
    found: Composed
    branch: str

    def run(self, group: Sequence[_Wanted]) -> Made | None:
        """Return the branch, None when nothing came of it."""
        start = group[0].start
        taken: list[Taken] = []
        with _checked_out(self.workspace, start) as there:
            versions = self._earlier(there, [one for one in group if one.kind is Kind.SKILL])
            here = there.repo.root
            names = [one.dir if (here / one.dir).exists() else one.name for one in group]
            now = replace(
                there
            )  # what is known of HEAD is asked once for each workspace, and HEAD moved
            report = pull(
                now,
                self.target,
                self.connect,
                PullRequest(
                    names=names,
                    prune=self.request.prune,
                    max_removals=self.request.max_removals,
                    park=True,
                    command="pull --pr",
                    clock=self.request.clock,
                ),
                writer=Writer(now, clock=self.request.clock),
            )
            self.found.left += [one for one in report.outcomes if one.exit]
            self.found.notes += report.notes
            for one in group:
                last = versions.get(one.name, ()) if one.kind is Kind.SKILL else ()
                if self._commit(there, one, last[-1] if last else None) or last[:-1]:
                    taken.append(Taken(one.kind, one.name, one.dir, last))
            tip = there.repo.head()
        if tip is None or tip == start or not taken:
            return None
        return Made(self.branch, start, tip, tuple(taken))

    def _commit(self, there: Workspace, one: _Wanted, version: Version | None) -> bool:
        """Commit what pull left of one object, if anything; the pointer stands there as any committed one does."""
        paths = [one.dir]
        if one.kind is Kind.SKILL and not (there.repo.root / one.dir).exists():
            paths = list(there.settings.skills)  # it was renamed, and its folder with it
        _without_stamps(there.repo.root, paths, self.target.place)
        if version is not None:
            subject, note = f"{one.name} v{version.number}", note_of(version)
        else:
            subject, note = f"{plain_words(one.name)}: rows edited in the store", ""
        return record(
            there.repo, paths, Commit.of(self.target.place, one.name, subject, note, version)
        )

    def _earlier(
        self, there: Workspace, group: Sequence[_Wanted]
    ) -> dict[str, tuple[Version, ...]]:
        """Commit each version before the latest, and return all that are new, by skill."""
        if not group:
            return {}
        found: dict[str, tuple[Version, ...]] = {}
        with self.connect(self.target) as remote:
            views = survey_skills(
                there,
                self.target,
                read_tree(there),
                remote=remote,
                names=[one.name for one in group],
            ).views
            for one in group:
                view = views.get(one.name)
                if view is not None and view.version is not None:
                    found[one.name] = (*self._versions(there, remote, view, one), view.version)
        return found

    def _versions(
        self, there: Workspace, remote: Remote, view: SkillView, one: _Wanted
    ) -> Iterator[Version]:
        base, latest = view.base, view.version
        is_forward = view.verdict.pull is PullStep.FAST_FORWARD and view.renamed is None
        if base is None or latest is None or not is_forward or base.first != latest.first:
            return
        writer = Writer(there, clock=self.request.clock)
        for number in range(base.number + 1, latest.number)[-_MOST_VERSIONS:]:
            content = read_version(there, remote, view, number=number)
            local = next((each for each in read_tree(there, only={one.dir}).skills), None)
            if local is None:
                return
            version = content.version
            line = SkillPointer(self.target.place, version.number, version.id, version.first, view.digest_of(content))  # fmt: skip
            pointer = pointer_change(
                local.folder, line, place=self.target.place, places=there.settings.places
            )
            changes = write_skill(local.reading, content.content, edges=content.edges)
            writer.write(view.name, local.folder, changes, [pointer], reason="pull")
            if self._commit(there, one, version):
                yield version


def _without_stamps(root: Path, folders: Sequence[str], place: str) -> None:
    """Take out of pointers what only a line that is not committed needs: then the same store gives the same commit."""
    for folder in folders:
        for path in (root / folder).rglob(POINTER):
            parsed = parse_pointer(path.read_bytes(), path=str(path))
            line = parsed.lines.get(place)
            if line is not None and line.stamp is not None:
                lines = {**parsed.lines, place: replace(line, stamp=None)}
                path.write_bytes(render_pointer(lines, parsed))


@contextmanager
def _checked_out(workspace: Workspace, commit: str) -> Iterator[Workspace]:
    """Check a commit out in a folder of its own, as a working tree of this repository, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="skillsync-pull-"))
    repo = workspace.repo
    path = folder / "tree"
    try:
        repo.run(["worktree", "add", "--quiet", "--detach", str(path), commit], reads=False)
        there = Repository.open(path)
        settings = replace(workspace.settings, root=there.root, path=there.root / workspace.settings.path.name)  # fmt: skip
        try:
            yield Workspace(there, settings, there.root)
        finally:
            there.close()
    finally:
        repo.run(["worktree", "remove", "--force", str(path)], accept=range(256), reads=False)
        shutil.rmtree(folder, ignore_errors=True)
        repo.run(["worktree", "prune"], accept=range(256), reads=False)


def base_of(workspace: Workspace, asked: str | None) -> tuple[str, str]:
    """Return the branch that a pull request is merged into, and the commit that it is at.

    Raises UsageError when nothing says which, or this clone does not know it.
    """
    name = asked or workspace.settings.publish_branch or workspace.repo.branch()
    upstream = workspace.repo.upstream_of(name) if name else None
    commit = workspace.repo.commit_of(upstream) if upstream else None
    if name is None or commit is None:
        raise UsageError(
            f"there is no branch {name} to make a pull request for" if name else "nothing says which branch a pull request is for",
            hint="--base BRANCH, or publish_branch in skillsync.toml",
        )  # fmt: skip
    return name, commit
