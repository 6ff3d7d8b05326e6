"""The local side as one value: every skill and dataset of a tree, with its digests and pointer lines."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial

from skillsync.config import Settings
from skillsync.errors import InvalidContent, LocalChanged
from skillsync.formats.canonical import info_digest, skill_digest
from skillsync.formats.dataset_md import DatasetDocument, parse_dataset_md
from skillsync.formats.jsonl import (
    ItemsFile,
    empty_items,
    parse_items,
)
from skillsync.formats.kept_rows import KeptLines, read_kept_items
from skillsync.formats.row_lines import USUAL_LIMITS, KeyMode, Limits, LineReader, refuse_size
from skillsync.formats.row_names import RowNames
from skillsync.formats.row_stream import wrong_lines
from skillsync.formats.skill_folder import SkillReading, read_skill
from skillsync.model import (
    CarryMode,
    Content,
    Digest,
    Folder,
    Key,
    Large,
    Pointer,
    Problem,
    Readable,
    Row,
    Severity,
)
from skillsync.repo.large import buffered
from skillsync.repo.look import Look
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer, parse_rows
from skillsync.repo.worktree import Link, read_folders
from skillsync.sync.evidence import folder_files_digest
from skillsync.sync.workspace import Workspace

ITEMS = "items.jsonl"
DATASET_MD = "DATASET.md"


def join(directory: str, path: str) -> str:
    """Join an object's folder and a path below it, as a repository path."""
    return f"{directory}/{path}" if directory else path


def last_part(directory: str) -> str:
    """Return a folder's own name."""
    return directory.rsplit("/", 1)[-1]


@dataclass
class LocalSkill:
    """One skill folder of the tree. ``name`` is the frontmatter's, the folder's while that is unreadable.

    ``known`` is the folder read, where somebody has read it already.
    """

    folder: Folder
    carry: CarryMode = "metadata"
    known: SkillReading | None = None

    @property
    def dir(self) -> str:
        """The folder, relative to the repository."""
        return self.folder.dir

    @cached_property
    def reading(self) -> SkillReading:
        """The folder as a skill, with its problems."""
        return self.known or read_skill(self.folder, carry=self.carry)

    @property
    def name(self) -> str:
        """The skill's name."""
        document = self.reading.document
        return (document.name if document else "") or last_part(self.dir)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it; errors keep it from being published."""
        return self.reading.problems

    @property
    def is_valid(self) -> bool:
        """Whether it may be published."""
        return self.reading.skill is not None

    @cached_property
    def digest(self) -> Digest | None:
        """The canonical digest, None while invalid."""
        return skill_digest(self.reading.skill) if self.reading.skill else None

    @cached_property
    def files(self) -> str:
        """The digest of its files for a stamp."""
        return folder_files_digest(self.folder)


@dataclass
class LocalDataset:
    """One dataset folder of the tree, parsed when first asked."""

    folder: Folder
    mapping: Mapping[str, str] | None = None
    content_keys: bool = False
    limits: Limits = USUAL_LIMITS

    @property
    def dir(self) -> str:
        """The folder, relative to the repository."""
        return self.folder.dir

    @property
    def slug(self) -> str:
        """The folder's own name."""
        return last_part(self.dir)

    def _data(self, name: str) -> bytes | None:
        entry = self.folder.entry(name)
        if entry is None:
            return None
        if entry.data is None and entry.large is not None:
            return entry.large.read()
        if entry.data is None:
            if entry.kind == "file" and name == ITEMS:
                refuse_size(entry.size, self.limits, join(self.dir, name))
            kind = "too large to read" if entry.kind == "file" else f"a {entry.kind}, not a file"
            raise InvalidContent(
                f"{name} is {kind}",
                subject=self.slug,
                path=join(self.dir, name),
                unchanged="Nothing of this dataset was sent or written.",
            )
        return entry.data

    @property
    def large(self) -> Large | None:
        """Where the rows lie that nobody should hold; None where they are held."""
        entry = self.folder.entry(ITEMS)
        return entry.large if entry is not None else None

    @property
    def comparable(self) -> Large | None:
        """As ``large``, where what differs in a line says all: a derived key depends on the lines before its own."""
        return None if self.content_keys else self.large

    @property
    def keys(self) -> KeyMode:
        """Whether keys stand in the lines, or are derived."""
        return "content" if self.content_keys else "id"

    @cached_property
    def items(self) -> ItemsFile:
        """The rows. Raises InvalidContent naming file and line (I19, I20)."""
        path = join(self.dir, ITEMS)
        if self.large is not None:
            return self._kept_items(self.large, path)
        data = self._data(ITEMS)
        if data is None:
            return empty_items(path)
        return parse_items(
            data,
            path=path,
            mapping=self.mapping,
            keys=self.keys,
            limits=self.limits,
        )

    @contextmanager
    def _stream(self) -> Iterator[Readable]:
        if self.large is None:
            yield io.BytesIO(self._data(ITEMS) or b"")
            return
        with self.large.opened() as raw:
            yield buffered(raw)

    def _kept_items(self, large: Large, path: str) -> ItemsFile:
        """Read the rows of a large file so that none of them is held."""
        refuse_size(large.size, self.limits, path)
        try:
            return large.spooled(
                lambda stream, store: read_kept_items(
                    stream,
                    store,
                    path=path,
                    mapping=self.mapping,
                    keys=self.keys,
                    limits=self.limits,
                )
            )
        except LocalChanged as error:
            raise InvalidContent(error.message, path=path, hint="run the command again") from error

    def items_content(self) -> Content | None:
        """Return the content that the rows were read from, None where there is no such file. Raises as ``items``.

        A large one is put into git for it.
        """
        if self.large is None:
            return self._data(ITEMS)
        return self.large.stored(line.raw for line in self.items.lines)

    @property
    def has_items_file(self) -> bool:
        """Whether items.jsonl is there at all: a missing one is a stop, not "archive everything"."""
        return self.folder.entry(ITEMS) is not None

    @cached_property
    def document(self) -> DatasetDocument:
        """DATASET.md. Raises InvalidContent naming file and line."""
        return parse_dataset_md(
            self._data(DATASET_MD), path=join(self.dir, DATASET_MD), folder_name=self.slug
        )

    @property
    def name(self) -> str:
        """The dataset's name; the folder's while DATASET.md cannot be read."""
        try:
            return self.document.info.name
        except InvalidContent:
            return self.slug

    @property
    def kept_lines(self) -> KeptLines | None:
        """The lines of a file of which none is held: their keys are held already. None for any other, or a wrong one."""
        lines = self.items.lines if self.large is not None and self.problem is None else None
        return lines if isinstance(lines, KeptLines) else None

    @property
    def rows(self) -> Mapping[Key, Row]:
        """Rows by key, in file order."""
        return self.items.rows_by_key

    @property
    def row_digests(self) -> Mapping[Key, str]:
        """Short digest of each row."""
        return self.items.digests

    @cached_property
    def info_digest(self) -> Digest:
        """Digest of name, description and metadata."""
        return info_digest(self.document.info)

    @cached_property
    def files(self) -> str:
        """The digest of its files for a stamp: of the same look as ``items``."""
        if self.large is not None:
            _ = self.problem
        return folder_files_digest(self.folder)

    @cached_property
    def problem(self) -> InvalidContent | None:
        """What keeps it from being synced, None when it is valid."""
        try:
            _ = self.items.rows, self.document.info
        except InvalidContent as error:
            error.hint = error.hint or f"skillsync lint {self.slug}"
            return error
        return None

    def errors(self) -> list[InvalidContent]:
        """Return everything that keeps it from being synced, line by line; ``problem`` is the first of it."""
        found: list[InvalidContent] = []
        path = join(self.dir, ITEMS)
        try:
            reader = LineReader(path, RowNames.from_mapping(self.mapping), self.limits)
            with self._stream() as stream:
                found += wrong_lines(stream, reader)
        except InvalidContent as error:
            found.append(error)
        try:
            _ = self.document
        except InvalidContent as error:
            found.append(error)
        return found or ([self.problem] if self.problem is not None else [])


@dataclass
class LocalTree:
    """All objects of one tree: the working tree (``commit`` None) or a commit's.

    ``gone_*`` are objects whose folder is missing although HEAD still has their pointer.
    """

    commit: str | None
    skills: list[LocalSkill]
    datasets: list[LocalDataset]
    gone_skills: list[LocalSkill]
    gone_datasets: list[LocalDataset]
    problems: list[Problem] = field(default_factory=list)


def pointer_line(
    folder: Folder, place: str, problems: list[Problem] | None = None
) -> Pointer | None:
    """Return a folder's pointer line for one place, None when there is none or it cannot be read."""
    if folder.pointer is None:
        return None
    parsed = parse_pointer(folder.pointer, path=join(folder.dir, POINTER))
    if problems is not None:
        problems.extend(parsed.problems)
    return parsed.lines.get(place)


def unread_pointer(tree: LocalTree, directory: str) -> list[Problem]:
    """Return why a folder's pointer file was not even read: a link, or far too large (sync.md 14.6 #133)."""
    path = join(directory, POINTER)
    return [one for one in tree.problems if one.code == "E-POINTER" and one.path == path]


def row_base(
    folder: Folder, place: str, *, like: KeptLines | None = None
) -> tuple[Mapping[Key, str], tuple[Problem, ...]]:
    """Return the short base digest of each row for one place, and what is wrong with the file (sync.md 7.3).

    ``like`` as for ``parse_rows``.
    """
    if folder.rows is None:
        return {}, ()
    parsed = parse_rows(folder.rows, path=join(folder.dir, ROWS), like=like)
    return parsed.get(place, {}), parsed.problems


def read_lean_tree(
    workspace: Workspace,
    *,
    commit: str | None = None,
    only: Iterable[str] | None = None,
    look: Look | None = None,
) -> LocalTree:
    """As ``read_tree``, but no large file of rows is held: their rows lie elsewhere (``LocalDataset.items``)."""
    return read_tree(
        workspace, commit=commit, only=only, look=look, large_from=workspace.large_from
    )


def read_tree(
    workspace: Workspace,
    *,
    commit: str | None = None,
    only: Iterable[str] | None = None,
    look: Look | None = None,
    large_from: int | None = None,
) -> LocalTree:
    """Read every configured object of the working tree or of a commit; ``only`` and ``look`` as in ``read_folders``.

    ``large_from``: files of rows that have so many bytes are not held (``LocalDataset.large``).
    """
    settings = workspace.settings
    scan = read_folders(
        workspace.repo,
        skill_roots=settings.skills,
        dataset_roots=settings.datasets,
        commit=commit,
        only=set(only) if only is not None else None,
        items_limit=settings.items_limit,
        look=look,
        large_from=large_from,
    )
    head = workspace.history.head
    folder_at = workspace.folder_at if large_from is None else workspace.light_folder_at
    dataset = partial(dataset_of, settings)
    carry = settings.carry
    skills = [LocalSkill(folder, carry) for folder in scan.skills if folder.entry("SKILL.md")]
    datasets = [dataset(folder) for folder in scan.datasets if folder.entries]
    gone_skills: list[LocalSkill] = []
    gone_datasets: list[LocalDataset] = []
    for folder in _gone(scan.skills, "SKILL.md") + [f for f in scan.gone if _is_skill(f)]:
        at_head = (folder_at(head, folder.dir) if head else None) or folder
        kept = Folder(folder.dir, at_head.entries, folder.pointer)
        gone_skills.append(LocalSkill(kept, carry))
    for folder in [f for f in scan.datasets if not f.entries] + [
        f for f in scan.gone if not _is_skill(f)
    ]:
        at_head = (folder_at(head, folder.dir) if head else None) or folder
        gone_datasets.append(
            dataset(Folder(folder.dir, at_head.entries, folder.pointer, folder.rows))
        )
    problems = [*scan.problems, *(_link_note(link) for link in scan.links)]
    return LocalTree(commit, skills, datasets, gone_skills, gone_datasets, problems)


def dataset_of(settings: Settings, folder: Folder) -> LocalDataset:
    """Return a folder's dataset, read as its settings say."""
    options = settings.options_for(last_part(folder.dir))
    return LocalDataset(
        folder,
        mapping=options.fields or None,
        content_keys=options.keys == "content",
        limits=options.limits,
    )


def _link_note(link: Link) -> Problem:
    """Name a symbolic link that leads to a skill: it is not followed (skill-format.md 12)."""
    return Problem(
        "N-SKILL-MIRROR",
        f"a symbolic link to {link.target}; it is not followed",
        subject=link.path,
        path=link.path,
        severity=Severity.NOTE,
    )


def _gone(folders: Iterable[Folder], main: str) -> list[Folder]:
    return [folder for folder in folders if not folder.entry(main) and folder.pointer is not None]


def _is_skill(folder: Folder) -> bool:
    return bool(folder.pointer) and b" dataset=" not in (folder.pointer or b"")


def name_clashes(skills: Iterable[LocalSkill]) -> dict[str, list[LocalSkill]]:
    """Return the skills that share a name: neither is synced (skill-format.md 12)."""
    by_name: dict[str, list[LocalSkill]] = {}
    for skill in skills:
        by_name.setdefault(skill.name, []).append(skill)
    return {name: found for name, found in by_name.items() if len(found) > 1}


def clash_problem(name: str, folders: Iterable[str]) -> Problem:
    """Describe two folders with one name."""
    places = ", ".join(sorted(join(folder, "SKILL.md") for folder in folders))
    return Problem(
        "E-SKILL-DUPLICATE",
        f"several folders hold a skill named {name!r}: {places}; neither is synced",
        subject=name,
        path=places.split(", ")[0],
        severity=Severity.ERROR,
        fix="give one of them another name, or exclude one in skillsync.toml",
    )
