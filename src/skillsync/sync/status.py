"""Says where every object stands, reading only: offline from the stat cache, online with the remote's versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skillsync.core.reconcile_dataset import DatasetPull, DatasetPush
from skillsync.core.reconcile_row import RowPull, RowPush
from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import SkillsyncError
from skillsync.formats.canonical import rows_digest
from skillsync.model import (
    DatasetPointer,
    Digest,
    Folder,
    Json,
    Pointer,
    Problem,
    Severity,
    SkillPointer,
)
from skillsync.repo.cache import Cache
from skillsync.repo.pointer import parse_line, parse_pointer, render_line
from skillsync.repo.worktree import stat_scan
from skillsync.sync.dataset_survey import DatasetView, survey_datasets
from skillsync.sync.evidence import Lines
from skillsync.sync.local import LocalDataset, LocalSkill, last_part, read_tree
from skillsync.sync.parked import parked_skills
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.skill_survey import SkillView, survey_skills
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target

CACHE_VERSION = "status-1"


@dataclass
class Status:
    """One line per object that is not in sync, counts of those that are, notes and problems."""

    target: str
    offline: bool
    lines: list[Outcome] = field(default_factory=list)
    in_sync: int = 0
    rows: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing to push, pull or resolve."""
        return not self.lines and not any(
            problem.severity is Severity.ERROR for problem in self.problems
        )

    def note(self, text: str) -> None:
        """Append one note, once."""
        if text not in self.notes:
            self.notes.append(text)


def status(
    workspace: Workspace,
    target: Target,
    *,
    remote: Remote | None,
    names: Collection[str] = (),
) -> Status:
    """Return where everything stands. Writes nothing but the cache (P19)."""
    found = Status(target.name, offline=remote is None)
    if remote is None:
        _offline(workspace, target, names, found)
    else:
        _online(workspace, target, remote, names, found)
    _note_parked(workspace, found)
    _note_uncommitted(workspace, found)
    return found


# ---------------------------------------------------------------- online


def _online(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    names: Collection[str],
    found: Status,
) -> None:
    tree = read_tree(workspace)
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    found.problems.extend(skills.problems)
    for name in sorted(skills.views):
        _skill_line(skills.views[name], found)
    datasets = survey_datasets(workspace, target, tree, remote=remote, names=names)
    found.problems.extend(datasets.problems)
    for view in datasets.views:
        _dataset_lines(view, found)
    _guarantee(skills.views.values(), datasets.views, remote, found)


def _skill_line(view: SkillView, found: Status) -> None:
    if view.local is not None:
        found.problems.extend(view.local.problems)
    if view.error is not None:
        found.lines.append(_failed(Kind.SKILL, view.name, view.error))
        return
    if view.ignored:
        found.note(f"{view.name}: {IGNORED}")
    verdict = view.verdict
    if verdict.state in {SkillState.IN_SYNC, SkillState.NOTHING, SkillState.BOTH_GONE}:
        found.in_sync += verdict.state is SkillState.IN_SYNC
        return
    number = f"v{view.base.number}" if view.base else ""
    latest = f"v{view.version.number} by {view.version.author.label}" if view.version else ""
    detail = " → ".join(
        part
        for part in (
            number,
            latest if view.version and (not view.base or view.version.id != view.base.id) else "",
        )
        if part
    )
    found.lines.append(
        Outcome(
            Kind.SKILL,
            view.name,
            _WORDS.get(verdict.state, str(verdict.state)),
            row=verdict.row,
            state=str(verdict.state),
            code=verdict.code,
            message=detail,
            fix=verdict.fix or _next(verdict.state, view.name),
        )
    )


_WORDS = {
    SkillState.LOCAL_ONLY: "new here, not published",
    SkillState.REMOTE_ONLY: "new on the server, not here",
    SkillState.AHEAD: "changed here",
    SkillState.BEHIND: "changed on the server",
    SkillState.DIVERGED: "changed on both sides",
    SkillState.BOTH_EQUAL: "changed alike on both sides",
}


def _next(state: SkillState, name: str) -> str:
    if state in {SkillState.LOCAL_ONLY, SkillState.AHEAD}:
        return f"skillsync push {name}"
    return ""


def _dataset_lines(view: DatasetView, found: Status) -> None:
    error = view.error or (view.local.problem if view.local else None)
    if error is not None:
        found.lines.append(_failed(Kind.DATASET, view.slug, error))
        return
    if view.ignored:
        found.note(f"{view.slug}: {IGNORED}")
    verdict = view.verdict
    if verdict.push == DatasetPush.CREATE and view.local is not None:
        rows = len(view.local.rows) + len(view.local.items.keyless)
        found.lines.append(
            _line(
                view.slug,
                f"new here, not published ({rows} rows)",
                "D1",
                f"skillsync push {view.slug}",
            )
        )
        return
    if verdict.pull is DatasetPull.WRITE:
        rows = len(view.remote_rows or ())
        found.lines.append(
            _line(
                view.slug,
                f"new on the server, not here ({rows} rows)",
                "D2",
                f"skillsync pull {view.slug}",
            )
        )
        return
    before = len(found.lines)
    if verdict.row and (verdict.code or verdict.push is DatasetPush.SEND_INFO):
        found.lines.append(
            Outcome(
                Kind.DATASET,
                view.slug,
                _dataset_words(verdict.push, verdict.pull),
                row=verdict.row,
                state=str(verdict.push),
                code=verdict.code,
                fix=verdict.fix or f"skillsync push {view.slug}",
            )
        )
    _row_lines(view, found)
    if view.local is not None and view.local.items.keyless:
        count = len(view.local.items.keyless)
        found.lines.append(
            _line(
                view.slug,
                f"{count} lines have no id yet",
                "I22",
                f"skillsync push {view.slug} (or fmt)",
            )
        )
    if len(found.lines) == before:
        found.in_sync += 1
        found.rows += len(view.local.rows) if view.local else 0


def _dataset_words(push: DatasetPush, pull: DatasetPull) -> str:
    if push is DatasetPush.SEND_INFO:
        return "its name, description or metadata changed here"
    if pull is DatasetPull.TAKE_INFO:
        return "its name, description or metadata changed on the server"
    if pull is DatasetPull.MERGE_INFO:
        return "its name, description or metadata changed on both sides"
    return f"{push}"


_ROW_WORDS: Sequence[tuple[str, Collection[RowPush], Collection[RowPull], str]] = (
    ("new here", {RowPush.CREATE}, (), "push"),
    ("changed here", {RowPush.PATCH}, (), "push"),
    ("removed here, still on the server", {RowPush.PENDING_REMOVAL}, (), "push --archive"),
    ("new on the server", (), {RowPull.APPEND}, "pull"),
    ("changed on the server", (), {RowPull.REWRITE}, "pull"),
    ("removed on the server", (), {RowPull.REMOVE}, "pull"),
    ("changed on both sides", (), {RowPull.MERGE}, "pull"),
    ("in conflict", (), {RowPull.CONFLICT}, "conflicts"),
    ("not decidable now", (), {RowPull.ERROR}, "pull"),
    ("equal but not linked", (), {RowPull.LINK}, "pull"),
)


def _row_lines(view: DatasetView, found: Status) -> None:
    for words, pushes, pulls, verb in _ROW_WORDS:
        rows = [row for row in view.rows if row.verdict.push in pushes or row.verdict.pull in pulls]
        if not rows:
            continue
        count = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}"
        keys = ", ".join(str(row.key) for row in rows[:3]) + (" …" if len(rows) > 3 else "")
        command = f"skillsync {verb} {view.slug}"
        found.lines.append(
            Outcome(
                Kind.ROW,
                view.slug,
                f"{count} {words}",
                row=rows[0].verdict.row,
                state=str(rows[0].verdict.state),
                code=rows[0].verdict.code,
                message=keys,
                fix=command,
            )
        )


def _guarantee(
    skills: Collection[SkillView], datasets: Sequence[DatasetView], remote: Remote, found: Status
) -> None:
    """Say which guarantee holds here (P21)."""
    if skills and not remote.skills.capabilities.version_description:
        found.note(
            "skills: every publish names its base_version; this server keeps no publish markers, so own publishes "
            "from other clones are recognised by content and author"
        )
    if datasets:
        found.note(
            "datasets: this server has no row versions; a row is compared right before it is updated, and an edit "
            "within the same round trip could be overwritten"
        )


# ---------------------------------------------------------------- offline


def _offline(workspace: Workspace, target: Target, names: Collection[str], found: Status) -> None:
    for facts in _local_facts(workspace):
        if not facts.takes(target) or not chosen(
            names,
            name=facts.name,
            directory=facts.dir,
            root=workspace.repo.root,
            start=workspace.start,
        ):
            continue
        _offline_line(workspace, target, facts, found)


@dataclass(frozen=True)
class _Facts:
    """What is remembered of one folder; ``digest`` is the skill's, or of all rows of a dataset."""

    kind: Kind
    dir: str
    name: str
    digest: str
    files: str
    pointers: Mapping[str, str]
    problems: tuple[Problem, ...]
    meta: str = ""
    rows: int = 0
    keyless: int = 0
    missing: bool = False

    def takes(self, target: Target) -> bool:
        if self.kind is Kind.SKILL:
            return target.takes_skill(self.name)
        return target.takes_dataset(self.name, last_part(self.dir))


def _local_facts(workspace: Workspace) -> list[_Facts]:
    settings = workspace.settings
    with Cache(workspace.repo.state_dir, version=CACHE_VERSION) as cache:
        clock = cache.clock()
        stats = stat_scan(
            workspace.repo, skill_roots=settings.skills, dataset_roots=settings.datasets
        )
        known = cache.get(stats)
        missing = [directory for directory in stats if directory not in known]
        if missing:
            tree = read_tree(workspace, only=missing)
            fresh = [_skill_facts(skill) for skill in tree.skills]
            fresh += [_dataset_facts(dataset) for dataset in tree.datasets]
            cache.put(
                [
                    (facts.dir, stats[facts.dir], _to_json(facts))
                    for facts in fresh
                    if facts.dir in stats
                ],
                scanned_at=clock,
            )
            known |= {facts.dir: _to_json(facts) for facts in fresh}
    found = [_from_json(directory, known[directory]) for directory in sorted(known)]
    gone = sorted(set(workspace.head_pointers) - set(stats))
    found += [_gone_facts(workspace, directory) for directory in gone]
    return [facts for facts in found if facts is not None]


def _gone_facts(workspace: Workspace, directory: str) -> _Facts:
    data = workspace.head_pointers[directory]
    lines = parse_pointer(data, path=directory).lines
    kind = (
        Kind.DATASET
        if any(isinstance(one, DatasetPointer) for one in lines.values())
        else Kind.SKILL
    )
    pointers = {place: render_line(line) for place, line in lines.items()}
    return _Facts(kind, directory, last_part(directory), "", "", pointers, (), missing=True)


def _pointers_of(folder: Folder) -> dict[str, str]:
    if folder.pointer is None:
        return {}
    parsed = parse_pointer(folder.pointer, path=f"{folder.dir}/.skillsync")
    return {place: render_line(line) for place, line in parsed.lines.items()}


def _pointer_problems(folder: Folder) -> tuple[Problem, ...]:
    if folder.pointer is None:
        return ()
    return parse_pointer(folder.pointer, path=f"{folder.dir}/.skillsync").problems


def _skill_facts(skill: LocalSkill) -> _Facts:
    return _Facts(
        Kind.SKILL,
        skill.dir,
        skill.name,
        skill.digest or "",
        skill.files,
        _pointers_of(skill.folder),
        (*skill.problems, *_pointer_problems(skill.folder)),
    )


def _dataset_facts(dataset: LocalDataset) -> _Facts:
    error = dataset.problem
    problems = _pointer_problems(dataset.folder)
    if error is not None:
        problems += (
            Problem(
                error.code, error.message, dataset.slug, error.path, error.line, fix=error.hint
            ),
        )
    valid = error is None
    digest = (
        rows_digest((key, Digest(short)) for key, short in dataset.row_digests.items())
        if valid
        else ""
    )
    return _Facts(
        Kind.DATASET,
        dataset.dir,
        dataset.name,
        digest,
        dataset.files,
        _pointers_of(dataset.folder),
        problems,
        meta=dataset.info_digest if valid else "",
        rows=len(dataset.rows) if valid else 0,
        keyless=len(dataset.items.keyless) if valid else 0,
    )


def _to_json(facts: _Facts) -> Json:
    return {
        "kind": str(facts.kind),
        "name": facts.name,
        "digest": facts.digest,
        "files": facts.files,
        "pointers": dict(facts.pointers),
        "meta": facts.meta,
        "rows": facts.rows,
        "keyless": facts.keyless,
        "problems": [
            [one.code, one.message, one.subject, one.path, one.line, str(one.severity), one.fix]
            for one in facts.problems
        ],
    }


def _from_json(directory: str, value: Json) -> _Facts | None:
    """Read remembered facts back; None for anything that is not what this version wrote."""
    record: Any = value
    try:
        return _Facts(
            Kind(record["kind"]),
            directory,
            record["name"],
            record["digest"],
            record["files"],
            record["pointers"],
            tuple(
                Problem(code, message, subject, path, line, Severity(severity), fix)
                for code, message, subject, path, line, severity, fix in record["problems"]
            ),
            meta=record["meta"],
            rows=record["rows"],
            keyless=record["keyless"],
        )
    except (KeyError, TypeError, ValueError):
        return None


def _offline_line(workspace: Workspace, target: Target, facts: _Facts, found: Status) -> None:
    found.problems.extend(facts.problems)
    subject = facts.name if facts.kind is Kind.SKILL else last_part(facts.dir)
    if facts.missing:
        found.lines.append(
            Outcome(facts.kind, subject, "missing here", row="S13", state="deleted locally",
                    fix=f"skillsync push --archive {subject}, or git restore {facts.dir}")
        )  # fmt: skip
        return
    if any(problem.severity is Severity.ERROR for problem in facts.problems):
        found.lines.append(
            Outcome(
                facts.kind,
                subject,
                "invalid",
                row="S26",
                state="invalid",
                fix=f"skillsync lint {subject}",
            )
        )
        return
    line, ignored = _counted(workspace, target, facts)
    if ignored:
        found.note(f"{subject}: {IGNORED}")
    words = _offline_words(facts, line)
    if facts.keyless:
        words = words or f"{facts.keyless} lines have no id yet"
    if words is None:
        found.in_sync += 1
        found.rows += facts.rows
        return
    found.lines.append(
        Outcome(facts.kind, subject, words, state="changed here", fix=f"skillsync push {subject}")
    )


def _offline_words(facts: _Facts, line: Pointer | None) -> str | None:
    if isinstance(line, SkillPointer):
        return None if line.digest == facts.digest else f"changed here since v{line.number}"
    if isinstance(line, DatasetPointer):
        same = line.digest == facts.digest and line.meta == facts.meta
        return None if same else "changed here since it was last in sync"
    return "never published, as far as is known here"


def _counted(workspace: Workspace, target: Target, facts: _Facts) -> tuple[Pointer | None, bool]:
    text = facts.pointers.get(target.place)
    tree = parse_line(text) if text else None
    data = workspace.head_pointers.get(facts.dir)
    head = parse_pointer(data, path=facts.dir).lines.get(target.place) if data is not None else None
    return workspace.history.tree_line(Lines(tree, head), facts.dir, facts.files)


# ---------------------------------------------------------------- both

IGNORED = (
    "a pointer line that is not committed does not belong to these files and is ignored; HEAD's history decides "
    "(skillsync pull writes a new one)"
)


def _line(slug: str, words: str, row: str, fix: str) -> Outcome:
    return Outcome(Kind.DATASET, slug, words, row=row, state=words, fix=fix)


def _failed(kind: Kind, subject: str, error: SkillsyncError) -> Outcome:
    path, line = getattr(error, "path", ""), getattr(error, "line", None)
    where = f"{path}:{line}: " if path and line else (f"{path}: " if path else "")
    return Outcome(
        kind,
        subject,
        "error",
        state="error",
        code=error.code,
        message=f"{where}{error.message}",
        fix=error.hint,
    )


def _note_parked(workspace: Workspace, found: Status) -> None:
    for parked in parked_skills(workspace):
        if parked.is_settled:
            words = "conflict settled; the next pull or push records it"
        else:
            words = f"in conflict: {', '.join({*parked.open, *parked.marked})}"
        found.lines = [
            line
            for line in found.lines
            if not (line.kind is Kind.SKILL and line.subject == parked.name)
        ]
        found.lines.append(
            Outcome(
                Kind.SKILL,
                parked.name,
                words,
                row="S10",
                state="conflict",
                code="E-CONFLICT",
                fix=f"skillsync resolve {parked.name}",
            )
        )


def _note_uncommitted(workspace: Workspace, found: Status) -> None:
    changed = [
        path
        for path in workspace.repo.changed_paths(
            (*workspace.settings.skills, *workspace.settings.datasets)
        )
        if last_part(path) in {".skillsync", ".skillsync.rows"}
    ]
    if changed:
        objects = len({path.rpartition("/")[0] for path in changed})
        found.note(
            f"the pointers of {objects} {'object is' if objects == 1 else 'objects are'} not committed yet: "
            "commit .skillsync together with your files"
        )
