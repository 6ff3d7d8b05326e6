"""Takes remote skills into the working tree: fast-forward, three-way merge, or a conflict that is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from skillsync.core.merge import TextMerge, common_base, merge_skill
from skillsync.core.reconcile_skill import PullStep, SkillState
from skillsync.core.safety import Removals, check_removals
from skillsync.errors import BadAnswer, InvalidContent, NotAuthenticated, SkillsyncError
from skillsync.formats.paths import is_never_sent, name_problem
from skillsync.formats.skill_folder import SkillReading, write_skill
from skillsync.model import Extra, FileChange, Folder, RemoteSkill, Skill, SkillPointer
from skillsync.repo.git_formats import marker_size
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.sync.describe import changed_units, version_words
from skillsync.sync.dropping import drop_skill
from skillsync.sync.holding import Candidate, Hold, held
from skillsync.sync.local import LocalSkill
from skillsync.sync.markers import Markers
from skillsync.sync.parked import parked_skills
from skillsync.sync.report import Kind, Outcome, Report, failed
from skillsync.sync.settle import refuse_unmerged, still_open
from skillsync.sync.skill_conflict import Labels, conflict_record, present
from skillsync.sync.skill_outcomes import invalid, invalid_pointer
from skillsync.sync.skill_reading import read_into, read_version
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.stopping import check_target
from skillsync.sync.unmarked import forget_unmarked, park_unmarked
from skillsync.sync.workspace import Remote, Workspace
from skillsync.sync.writing import Writer, folder_after, pointer_change, skill_line, stamp_for

if TYPE_CHECKING:
    from skillsync.config import Target

_NOTHING = Skill("", "", "", extra=Extra())
"""A common ancestor that did not have the skill, or nothing valid: every unit of it is absent."""

READS = {PullStep.WRITE, PullStep.FAST_FORWARD, PullStep.MERGE}
HELD = {*READS, PullStep.CONFLICT}
"""Steps that whoever runs a pull unattended may keep back."""


@dataclass
class SkillPull:
    """One run's pulling of skills."""

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    report: Report
    prune: bool = False
    hold: Hold | None = None
    park: bool = False
    max_removals: int | None = None
    _unmerged: frozenset[str] = frozenset()
    _markers: Markers | None = None

    @property
    def markers(self) -> Markers:
        """The marker evidence of this run: what the survey found out about commits is not asked again."""
        if self._markers is None:
            self._markers = Markers(self.workspace, self.remote, self.report.problems)
        return self._markers

    def run(self, survey: SkillSurvey) -> None:
        """Decide and write each skill in scope; each is independent of the others."""
        if survey.markers is not None:
            self._markers = survey.markers
            self._markers.problems = self.report.problems  # what was told already is not told again
        views = {name: survey.views[name] for name in sorted(survey.views)}
        check_target(views.values(), step=lambda view: view.verdict.pull is PullStep.STOP_TARGET)
        parked = {one.name: one for one in parked_skills(self.workspace)}
        doomed = [
            name
            for name, view in views.items()
            if self.prune
            and name not in parked
            and not (view.error or view.problem)
            and view.verdict.pull is PullStep.MARK_ARCHIVED
        ]
        check_removals(Removals(skills=len(doomed)), max_removals=self.max_removals)
        self._unmerged = frozenset(self.workspace.repo.index.unmerged())
        missing = {
            name: view
            for name, view in views.items()
            if view.content is None and view.error is None and view.verdict.pull in READS
        }
        read_into(self.workspace, self.remote, missing)
        for name, view in views.items():
            if name in parked:
                self.report.add(still_open(parked[name]))
                continue
            self._one(view)
        forget_unmarked(self.workspace, self.target, views.keys(), self.report)

    def _one(self, view: SkillView) -> None:
        try:
            outcome = self._decided(view)
        except NotAuthenticated:
            raise
        except SkillsyncError as error:
            outcome = failed(Kind.SKILL, view.name, error, row=view.row)
        if outcome is None:
            self.report.passed += 1
        else:
            self.report.add(outcome)

    def _decided(self, view: SkillView) -> Outcome | None:
        if view.error is not None:
            raise view.error
        if view.problem is not None:
            return invalid_pointer(view)
        if view.local is not None:
            refuse_unmerged(self._unmerged, view.local.dir, view.name)
        step = view.verdict.pull
        if (kept := self._held(view, step)) is not None:
            return kept
        match step:
            case PullStep.NOTHING | PullStep.WAIT | PullStep.STOP_TARGET:
                return None
            case PullStep.WRITE:
                return self.write_new(view)
            case PullStep.FAST_FORWARD:
                return self._fast_forward(view)
            case PullStep.MERGE:
                return self._merge(view)
            case PullStep.LINK:
                return self._link(view)
            case PullStep.MARK_ARCHIVED:
                return self._archived(view)
            case PullStep.DROP_POINTER:
                return drop_skill(self.workspace, self.target, self.writer, view)
            case PullStep.ERROR:
                return invalid(view)
            case PullStep.REFUSE | PullStep.CONFLICT | PullStep.RENAME:
                return self._refused(view)  # a rename that could be done was done before

    def _held(self, view: SkillView, step: PullStep) -> Outcome | None:
        if self.hold is None or step not in HELD:
            return None
        directory, folder = view.place_in(self.workspace)
        number = view.version.number if view.version else 0
        candidate = Candidate(Kind.SKILL, view.name, directory, folder, True, number)
        reason = self.hold(candidate)
        return held(Kind.SKILL, view.name, reason) if reason else None

    # -------------------------------------------------------------- steps

    def write_new(self, view: SkillView) -> Outcome:
        """Write a skill that has no folder here. Raises InvalidContent when its name or place cannot be used."""
        content = self._content(view)
        if trouble := name_problem(view.name):
            raise InvalidContent(
                f"{trouble}: in a file here the skill could not be published again",
                subject=view.name,
                unchanged="Nothing was written.",
                hint="rename it on the server, or exclude it in skillsync.toml",
            )
        directory = str(PurePosixPath(self.workspace.settings.skills[0]) / view.name)
        path = self.workspace.repo.root / directory
        pointer = _pointer_alone(path)
        if pointer is None and (path.exists() or path.is_symlink()):
            raise InvalidContent(
                f"{directory} is there already and holds no skill of that name",
                subject=view.name,
                path=directory,
                unchanged="Nothing was written.",
                hint="move it away, then run the command again",
            )
        folder = Folder(directory, (), pointer)
        changes = write_skill(None, content.content, edges=content.edges)
        self._write(view, folder, changes, content)
        return self._done(view, f"written to {directory} at v{content.version.number}")

    def _fast_forward(self, view: SkillView) -> Outcome:
        content = self._content(view)
        local = self._local(view)
        changes = write_skill(local.reading, content.content, edges=content.edges)
        self._write(view, local.folder, changes, content)
        return self._done(view, f"fast-forwarded to {self._words(content)}")

    def _merge(self, view: SkillView) -> Outcome:
        content = self._content(view)
        found = view.bases or self.markers.bases_of(view, content)
        bases = [self._base(view).content] if found.version else []
        directory, _ = view.place_in(self.workspace)
        for commit in found.commits:
            skill = self.workspace.skill_history.content_at(commit, directory, view.name)
            bases.append(skill or _NOTHING)
        version = f"v{found.version}" if found.version else ""
        named = [version, *(commit[:7] for commit in found.commits)]
        label = f"base ({', '.join(name for name in named if name)})"
        return self.merge_with(view, bases, content, label=label)

    def merge_with(
        self,
        view: SkillView,
        bases: Sequence[Skill],
        content: RemoteSkill,
        *,
        label: str = "base (none)",
    ) -> Outcome:
        """Merge a version into the files; clean: write and move the pointer, else show the conflict.

        ``bases`` are all common ancestors (B4); none makes it a merge of two sides.
        """
        local = self._local(view)
        mine = local.reading.skill
        if mine is None:
            return invalid(view)
        theirs = content.content
        stand_in = _stand_in(mine, theirs)
        known = [replace(base, extra=base.extra or stand_in) for base in bases]
        base = common_base(known, sides=(mine, theirs))
        labels = self._labels(content, label)

        def merge_text(old: str, ours: str, other: str) -> TextMerge:
            return self.workspace.repo.merge_file(
                ours, old, other, labels=labels.as_tuple(), marker_size=size
            )

        size = marker_size(_texts(local.reading, *known, mine, theirs))
        merge = merge_skill(base, mine, theirs, merge_text=merge_text)
        if merge.is_clean:
            changes = write_skill(local.reading, merge.skill, edges=content.edges)
            self._write(view, local.folder, changes, content)
            units = ", ".join(changed_units(base, theirs)) if base else "two ways"
            return self._done(view, f"merged {self._words(content)} ({units})")
        shown = present(
            local.reading,
            merge,
            base=base,
            remote=theirs,
            labels=labels,
            edges=content.edges,
            size=size,
        )
        record = conflict_record(
            self.workspace.repo,
            name=view.name,
            folder=local.folder,
            presentation=shown,
            conflicts=merge.conflicts,
            pointer=self._line(view, content, local.folder),
        )
        fix = f"edit the marked files, then skillsync resolve {view.name} (or --local, --remote)"
        if self.park:
            park_unmarked(self.workspace, view.name, record)
            fix = (
                f"skillsync pull {view.name} shows it in the files; or skillsync resolve "
                f"{view.name} --local, --remote or --union"
            )
        else:
            self.writer.write_conflict(view.name, local.folder, shown.changes, record)
        return Outcome(
            Kind.SKILL,
            view.name,
            f"conflict with {self._words(content)}",
            row=view.verdict.row,
            state=str(view.verdict.state),
            changed=not self.park,
            exit=4,
            code="E-CONFLICT",
            message="both sides changed "
            + ", ".join(conflict.unit for conflict in merge.conflicts),
            fix=fix,
            conflicts=merge.conflicts,
        )

    def _link(self, view: SkillView) -> Outcome:
        version, folder = view.version, self._folder(view)
        digest = view.remote_digest or (view.local.digest if view.local else None)
        if version is None or digest is None:
            return self._refused(view)
        line = skill_line(self.target.place, version, digest, stamp_for(self.workspace, folder))
        change = pointer_change(
            folder, line, place=self.target.place, places=self.workspace.settings.places
        )
        self.writer.write(view.name, folder, (), [change], reason="pull")
        return self._done(view, f"linked to v{version.number} ({view.verdict.state})")

    def _archived(self, view: SkillView) -> Outcome:
        if not self.prune:
            return Outcome(
                Kind.SKILL,
                view.name,
                "was archived remotely; the folder stays",
                row=view.verdict.row,
                state=str(view.verdict.state),
                code=view.verdict.code,
                fix=view.verdict.fix,
            )
        local = self._local(view)
        changes = [
            FileChange(entry.path, entry.data, None)
            for entry in local.folder.entries
            if entry.kind == "file" and entry.data is not None
        ]
        drop = pointer_change(local.folder, None, place=self.target.place)
        self.writer.write(view.name, local.folder, changes, [drop], reason="prune")
        done = self._done(view, "removed locally: it was archived remotely (a rescue copy is kept)")
        return replace(done, message=self._elsewhere(local.folder, view.name))

    def _elsewhere(self, folder: Folder, name: str) -> str:
        """Say where else the skill is linked: there its removal is pending now."""
        lines = parse_pointer(folder.pointer or b"", path=folder.dir).lines
        targets = [
            target.name
            for target in self.workspace.settings.targets.values()
            if target.place in lines and target.place != self.target.place
        ]
        return "; ".join(
            f"{target} still has it: skillsync push --target {target} --archive {name} archives it there"
            for target in targets
        )

    def _refused(self, view: SkillView) -> Outcome:
        verdict = view.verdict
        did = {
            SkillState.DELETED_BUT_EDITED: "conflict: deleted locally, edited remotely",
            SkillState.EDITED_BUT_ARCHIVED: "conflict: edited locally, archived remotely",
        }.get(verdict.state, f"not linked: {verdict.state}")
        return Outcome(
            Kind.SKILL,
            view.name,
            did,
            row=verdict.row,
            state=str(verdict.state),
            exit=verdict.pull_exit or 4,
            code=verdict.code,
            fix=verdict.fix,
        )

    # -------------------------------------------------------------- pieces

    def _write(
        self,
        view: SkillView,
        folder: Folder,
        changes: tuple[FileChange, ...],
        content: RemoteSkill,
    ) -> None:
        after = folder_after(folder, changes)
        line = self._line(view, content, after)
        change = pointer_change(
            folder, line, place=self.target.place, places=self.workspace.settings.places
        )
        self.writer.write(view.name, folder, changes, [change], reason="pull")
        for file in content.files:
            if is_never_sent(file.path) or file.path in content.aside:
                why = "git ignores it, so it" if file.path in content.aside else "it"
                self.report.note(
                    f"{view.name}: {file.path!r} on the server: {why} is not written here; every publish carries it"
                )

    def _line(self, view: SkillView, content: RemoteSkill, after: Folder) -> SkillPointer:
        return skill_line(
            self.target.place,
            content.version,
            view.digest_of(content),
            stamp_for(self.workspace, after),
        )

    def _base(self, view: SkillView) -> RemoteSkill:
        if view.base is None:
            raise BadAnswer("there is no base to merge from", subject=view.name)
        base = read_version(self.workspace, self.remote, view, number=view.base.number)
        if base.version.id != view.base.id:
            raise BadAnswer(
                f"v{view.base.number} on the server is {base.version.id}, and {view.base.id} was taken in: "
                "this is another skill or another project",
                subject=view.name,
                unchanged="Nothing was written.",
                hint=f"skillsync adopt {view.name} --merge, --local or --remote",
            )
        directory, _ = view.place_in(self.workspace)
        return view.as_taken_in(base, lambda path: self.workspace.history.has(directory, path))

    def _content(self, view: SkillView) -> RemoteSkill:
        if view.content is None:
            raise BadAnswer("the remote content was not read", subject=view.name)
        return view.content

    def _folder(self, view: SkillView) -> Folder:
        """Return a skill's folder; of one that was deleted here only the pointer may be left, or be written (S11)."""
        if view.local is not None:
            return view.local.folder
        directory, _ = view.place_in(self.workspace)
        file = self.workspace.repo.root / directory / POINTER
        return Folder(directory, (), file.read_bytes() if file.is_file() else None)

    def _local(self, view: SkillView) -> LocalSkill:
        if view.local is None:
            raise BadAnswer("there is no local folder", subject=view.name)
        return view.local

    def _labels(self, content: RemoteSkill, base: str) -> Labels:
        head = self.workspace.history.head
        branch = self.workspace.repo.branch() or "detached"
        at = f"{branch}@{head[:7]}" if head else branch
        return Labels(f"local ({at})", base, f"remote {self._words(content)}")

    def _words(self, content: RemoteSkill) -> str:
        return version_words(content.version, now=self.writer.clock.now())

    def _done(self, view: SkillView, did: str) -> Outcome:
        return Outcome(
            Kind.SKILL,
            view.name,
            did,
            row=view.verdict.row,
            state=str(view.verdict.state),
            changed=True,
        )


def _texts(reading: SkillReading, *skills: Skill) -> Iterator[str]:
    """Yield every text that may come near a marker: markers have to be longer than what looks like one."""
    entry = reading.folder.entry("SKILL.md")
    yield (entry.data or b"").decode("utf-8", "replace") if entry else ""
    for skill in skills:
        yield skill.body
        yield from skill.files.values()


def _pointer_alone(path: Path) -> bytes | None:
    """Return the pointer file in a folder that holds nothing else: it is ours, and no skill lies there."""
    if (
        path.is_symlink()
        or not path.is_dir()
        or [each.name for each in path.iterdir()] != [POINTER]
    ):
        return None
    file = path / POINTER
    return None if file.is_symlink() or not file.is_file() else file.read_bytes()


def _stand_in(local: Skill, remote: Skill) -> Extra:
    """What an unknown base extra counts as: what both sides have alike is no change of either."""
    mine, theirs = local.extra or Extra(), remote.extra or local.extra or Extra()
    return Extra(
        {
            key: value
            for key, value in mine.frontmatter.items()
            if theirs.frontmatter.get(key) == value
        },
        None,
        mine.executable & theirs.executable,
        mine.empty & theirs.empty,
    )
