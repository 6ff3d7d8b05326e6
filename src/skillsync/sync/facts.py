"""What is known of every object of the working tree without asking the server: from the stat cache, else read.

Facts depend on the files of their folder alone, so that they can be kept while no file's stat data changes; what
depends on HEAD is asked anew each time (one comparison of the index with HEAD).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from skillsync.model import Folder, Json, Pointer, Problem, Severity
from skillsync.repo.look import Look
from skillsync.repo.pointer import POINTER, ROWS, parse_line, parse_pointer, render_line
from skillsync.repo.worktree import QuickScan, quick_scan
from skillsync.sync.memory import Memory, open_memory
from skillsync.sync.report import Kind

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.errors import SkillsyncError
    from skillsync.sync.local import LocalDataset, LocalSkill
    from skillsync.sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Facts:
    """What is remembered of one folder.

    ``digest`` is the skill's, or that of all rows of a dataset, ``meta`` that of a dataset's description; both
    ``""`` while invalid. ``files`` is the stamp digest (None: of a large file, and nobody has asked for it yet),
    ``pointers`` the lines by place, ``blobs`` git's ids of the pointer files. ``missing``: the folder is gone, the rest
    is HEAD's.
    """

    kind: Kind
    dir: str
    name: str
    digest: str
    files: str | None
    pointers: Mapping[str, str]
    blobs: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    meta: str = ""
    rows: int = 0
    keyless: int = 0
    missing: bool = False

    @property
    def subject(self) -> str:
        """What commands call it: a skill's name, a dataset's folder."""
        return self.name if self.kind is Kind.SKILL else self.dir.rsplit("/", 1)[-1]

    def is_taken_by(self, target: Target) -> bool:
        """Tell whether the target's patterns take it in."""
        if self.kind is Kind.SKILL:
            return target.takes_skill(self.name)
        return target.takes_dataset(self.name, self.subject)

    def line_for(self, place: str) -> Pointer | None:
        """Return the tree's pointer line for one place."""
        text = self.pointers.get(place)
        return parse_line(text) if text else None


@dataclass
class LocalFacts:
    """All objects by folder; ``problems`` are those of the tree itself, such as folders that cannot be read."""

    objects: list[Facts]
    head: HeadPointers
    problems: list[Problem] = field(default_factory=list)
    _found: dict[str, str] = field(default_factory=dict)

    def files_of(self, facts: Facts) -> str | None:
        """Return the stamp digest where it is known without reading a large file."""
        return self._found.get(facts.dir, facts.files)

    def find_files(self, workspace: Workspace, facts: Facts) -> str:
        """Return the stamp digest, reading a large file if that has to be."""
        known = self.files_of(facts)
        if known is None:
            from skillsync.sync.evidence import folder_files_digest

            folder = workspace.light_folder_at(None, facts.dir)
            known = self._found[facts.dir] = folder_files_digest(folder) if folder else ""
        return known


def local_facts(workspace: Workspace) -> LocalFacts:
    """Gather the facts of every object, reading only the files of folders whose stat data changed."""
    with open_memory(workspace) as memory:
        return gather_facts(workspace, memory)


def gather_facts(workspace: Workspace, memory: Memory) -> LocalFacts:
    """As ``local_facts``, from a look that was taken already."""
    cache = memory.cache
    scan = quick_scan(memory.look, memory.roots)
    head = HeadPointers.of(workspace, scan)
    objects = {
        directory: facts
        for directory, kept in cache.get(scan.folders).items()
        if not scan.is_hidden(directory) and (facts := _from_json(directory, kept))
    }
    found = LocalFacts([], head, list(scan.problems))
    unknown = [directory for directory in scan.folders if directory not in objects]
    gone = [
        directory
        for directory in head.folders
        if directory not in scan.folders and not scan.is_hidden(directory)
    ]
    if unknown or gone or scan.denied:
        fresh, found.problems = _read(workspace, [*unknown, *gone], memory.look)
        cache.keep_only(scan.folders)
        cache.put(
            [
                (facts.dir, scan.folders[facts.dir], _to_json(facts))
                for facts in fresh
                if not facts.missing and facts.dir in scan.folders and not _is_unsteady(facts)
            ],
            scanned_at=memory.clock,
        )
        objects |= {facts.dir: facts for facts in fresh}
    found.objects = [objects[directory] for directory in sorted(objects)]
    return found


def _is_unsteady(facts: Facts) -> bool:
    """Tell whether the files changed while they were read, so that nothing is known of them."""
    from skillsync.errors import LocalChanged

    return any(problem.code == LocalChanged.code for problem in facts.problems)


# ---------------------------------------------------------------- HEAD's pointers


@dataclass
class HeadPointers:
    """HEAD's pointer files by path, as blobs; contents are fetched only where the tree's differ."""

    workspace: Workspace
    blobs: Mapping[str, str]
    _contents: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, scan: QuickScan) -> HeadPointers:
        """Take the index's pointers and correct them where HEAD has others."""
        head = workspace.history.head
        if head is None:
            return cls(workspace, {})
        changed = workspace.repo.index.changes_since(head, (POINTER, ROWS))
        blobs = {path: blob for path, blob in {**scan.pointers, **changed}.items() if blob}
        return cls(workspace, blobs)

    @property
    def folders(self) -> list[str]:
        """Every folder below the roots that has a pointer at HEAD."""
        settings = self.workspace.settings
        roots = (*settings.skills, *settings.datasets)
        found = [path.rpartition("/") for path in self.blobs]
        return [
            folder
            for folder, _, name in found
            if name == POINTER
            and any(root == "." or f"{folder}/".startswith(f"{root}/") for root in roots)
        ]

    def fetch(self, objects: Collection[Facts]) -> None:
        """Read HEAD's pointer files of the objects whose own differ, all in one process."""
        wanted = {
            self.blobs[path]
            for facts in objects
            for name in (POINTER, ROWS)
            if (path := _join(facts.dir, name)) in self.blobs
            and self.blobs[path] != facts.blobs.get(name)
        }
        self._contents |= self.workspace.repo.read_blobs(wanted - self._contents.keys())

    def differ(self, facts: Facts) -> bool:
        """Tell whether one of the object's pointer files is not as HEAD has it; line ends do not matter."""
        return any(self._differs(facts, name) for name in (POINTER, ROWS))

    def _differs(self, facts: Facts, name: str) -> bool:
        ours, theirs = facts.blobs.get(name, ""), self.blobs.get(_join(facts.dir, name), "")
        if ours == theirs:
            return False
        content = self._contents.get(theirs)
        return content is None or blob_id(content) != ours

    def line_for(self, facts: Facts, place: str, *, tree: Pointer | None) -> Pointer | None:
        """Return HEAD's pointer line of an object for one place; ``tree`` is the tree's own."""
        if facts.missing or not self._differs(facts, POINTER):
            return tree
        path = _join(facts.dir, POINTER)
        data = self._contents.get(self.blobs.get(path, ""))
        return parse_pointer(data, path=path).lines.get(place) if data is not None else None


def blob_id(data: bytes) -> str:
    """Return the id git gives this content (SHA-1) once its line ends are LF.

    In a repository with SHA-256 no id equals it, and contents are compared instead.
    """
    folded = data.replace(b"\r\n", b"\n")
    found = hashlib.sha1(b"blob %d\0" % len(folded), usedforsecurity=False)
    found.update(folded)  # not joined with the above: the bases of a large dataset are long
    return found.hexdigest()


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


# ---------------------------------------------------------------- reading


def _read(
    workspace: Workspace, folders: list[str], look: Look
) -> tuple[list[Facts], list[Problem]]:
    from skillsync.formats.row_lines import collector_paused
    from skillsync.sync.local import read_lean_tree

    with collector_paused():  # rows by the million are no garbage
        tree = read_lean_tree(workspace, only=folders, look=look)
        fresh = [_skill_facts(skill) for skill in tree.skills]
        fresh += [_dataset_facts(workspace, dataset) for dataset in tree.datasets]
        fresh += [_skill_facts(skill, missing=True) for skill in tree.gone_skills]
        fresh += [_gone_facts(dataset) for dataset in tree.gone_datasets]
    return fresh, tree.problems


def _skill_facts(skill: LocalSkill, *, missing: bool = False) -> Facts:
    pointers, trouble = _pointers_of(skill.folder)
    return Facts(
        Kind.SKILL,
        skill.dir,
        skill.name,
        skill.digest or "",
        "" if missing else skill.files,
        pointers,
        _blobs_of(skill.folder),
        (*skill.problems, *trouble),
        missing=missing,
    )


def _dataset_facts(workspace: Workspace, dataset: LocalDataset) -> Facts:
    from skillsync.errors import InvalidContent, LocalChanged

    facts = _gone_facts(dataset, missing=False)
    try:
        if dataset.comparable is not None:
            return _large_facts(workspace, dataset, facts)
        facts = replace(facts, files=dataset.files)
        if dataset.problem is None:
            return _small_facts(dataset, facts)
        error: SkillsyncError = dataset.problem
    except (InvalidContent, LocalChanged) as trouble:
        error = trouble
    return replace(facts, problems=(*facts.problems, _problem_of(dataset, error)))


def _problem_of(dataset: LocalDataset, error: SkillsyncError) -> Problem:
    path, line = getattr(error, "path", ""), getattr(error, "line", None)
    column = getattr(error, "column", None)
    fix = error.hint or f"skillsync lint {dataset.slug}"
    return Problem(error.code, error.message, dataset.slug, path, line, fix=fix, column=column)


def _small_facts(dataset: LocalDataset, facts: Facts) -> Facts:
    from skillsync.formats.canonical import keyed_digest

    return replace(
        facts,
        digest=keyed_digest(dataset.row_digests),
        meta=dataset.info_digest,
        rows=len(dataset.rows),
        keyless=len(dataset.items.keyless),
    )


def _large_facts(workspace: Workspace, dataset: LocalDataset, facts: Facts) -> Facts:
    from skillsync.sync.evidence import folder_files_digest
    from skillsync.sync.large_rows import contents_of
    from skillsync.sync.local import ITEMS

    assert dataset.comparable is not None
    held = contents_of(workspace, dataset, dataset.comparable)
    return replace(
        facts,
        digest=held.contents.digest,
        files=folder_files_digest(dataset.folder, known={ITEMS: held.folded})
        if held.folded
        else None,
        meta=dataset.info_digest,
        rows=held.contents.rows,
        keyless=held.contents.keyless,
    )


def _gone_facts(dataset: LocalDataset, *, missing: bool = True) -> Facts:
    """Return what the folder says of itself without its content: all there is to say of one that is gone."""
    pointers, problems = _pointers_of(dataset.folder)
    return Facts(
        Kind.DATASET,
        dataset.dir,
        dataset.name,
        "",
        "" if missing else None,
        pointers,
        _blobs_of(dataset.folder),
        problems,
        missing=missing,
    )


def _pointers_of(folder: Folder) -> tuple[dict[str, str], tuple[Problem, ...]]:
    if folder.pointer is None:
        return {}, ()
    parsed = parse_pointer(folder.pointer, path=_join(folder.dir, POINTER))
    return {place: render_line(line) for place, line in parsed.lines.items()}, parsed.problems


def _blobs_of(folder: Folder) -> dict[str, str]:
    held = ((POINTER, folder.pointer), (ROWS, folder.rows))
    return {name: blob_id(data) for name, data in held if data is not None}


# ---------------------------------------------------------------- remembering


def _to_json(facts: Facts) -> Json:
    return {
        "kind": str(facts.kind),
        "name": facts.name,
        "digest": facts.digest,
        "files": facts.files,
        "pointers": dict(facts.pointers),
        "blobs": dict(facts.blobs),
        "meta": facts.meta,
        "rows": facts.rows,
        "keyless": facts.keyless,
        "problems": [
            [
                *(one.code, one.message, one.subject, one.path, one.line),
                *(str(one.severity), one.fix, one.column),
            ]
            for one in facts.problems
        ],
    }


def _from_json(directory: str, value: Json) -> Facts | None:
    """Read remembered facts back; None for anything that is not what this version wrote."""
    record: Any = value
    try:
        return Facts(
            Kind(record["kind"]),
            directory,
            record["name"],
            record["digest"],
            record["files"],
            record["pointers"],
            record["blobs"],
            tuple(
                Problem(code, message, subject, path, line, Severity(severity), fix, column)
                for code, message, subject, path, line, severity, fix, column in record["problems"]
            ),
            meta=record["meta"],
            rows=record["rows"],
            keyless=record["keyless"],
        )
    except (KeyError, TypeError, ValueError):
        return None
