"""The frozen values every room shares: skills, rows, folders, versions, pointers, problems, conflicts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NewType, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from typing import BinaryIO, TypeVar

    T = TypeVar("T")

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A JSON value. Integers have any size; floats are finite."""

Digest = NewType("Digest", str)
"""``canon:1:sha256:<64 hex>``: the hash of canonical content (sync.md 6). Equal content, equal digest."""

Key = NewType("Key", str)
"""A row's identity: its ``id`` in the file, or ``srv:<uuid>`` for a row born elsewhere (design.md 2)."""


CarryMode: TypeAlias = Literal["metadata", "local", "error"]
"""What happens to what the API has no place for: carried in metadata, kept local, or refused (skill-format.md 10)."""


# ---------------------------------------------------------------- trouble as values


class Severity(StrEnum):
    """How bad a problem is (skill-format.md 13)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def joined_place(path: object, line: object, column: object) -> str:
    """Return ``path:line:column``, what is missing left out."""
    if not path or not line:
        return str(path or "")
    return f"{path}:{line}:{column}" if column else f"{path}:{line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One object's bad news, listed and not raised: the other objects go on.

    ``path`` is relative to the repository (or a remote place such as ``remote:NAME/files/x``), ``line`` and
    ``column`` are 1-based. ``fix`` is the command or edit that helps.
    """

    code: str
    message: str
    subject: str = ""
    path: str = ""
    line: int | None = None
    severity: Severity = Severity.ERROR
    fix: str = ""
    column: int | None = None

    @property
    def where(self) -> str:
        """``path:line:column`` as far as known."""
        return joined_place(self.path, self.line, self.column)


# ---------------------------------------------------------------- the local side, as bytes


class Readable(Protocol):
    """What lines are read from."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or its first ``size`` bytes."""


class Store(Protocol):
    """Where pieces of content lie that are not held in memory."""

    def put(self, data: bytes) -> int:
        """Keep a piece and return its place."""

    def get(self, place: int, length: int) -> bytes:
        """Return the piece of that length which was kept at that place."""


class Large(Protocol):
    """Where the content of a file lies that is too large to hold."""

    @property
    def blob(self) -> str:
        """Git's id of the content, "" where it is not known."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Hold the content as a stream. Raises LocalChanged or GitFailed, at the end of the block at the latest."""

    def read(self) -> bytes:
        """Return the whole content; raises as ``opened``."""

    def folded(self) -> str:
        """Return the SHA-256 of the content with LF line ends; raises as ``opened``."""

    def stored(self, pieces: Iterable[bytes]) -> Large:
        """Put what was read of the content, piece by piece, where it lasts: in git, so that ``blob`` is known."""

    def spooled(self, take: Callable[[Readable, Store], T]) -> T:
        """Read the content once, for ``take`` to keep what it wants of it in a store; ``folded`` is of the same look.

        Raises as ``opened``, and what ``take`` raises.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """One file below an object's folder, as found in a working tree or in a commit.

    ``path`` is relative to the folder, with ``/``. ``data`` is None when it was not read: not a regular file
    (then ``target`` names where a symlink points), or larger than the read cap (then ``size`` tells). ``large`` says
    where a file lies that was not read only because nobody should hold it.
    """

    path: str
    data: bytes | None
    size: int
    executable: bool = False
    kind: Literal["file", "symlink", "other"] = "file"
    target: str = ""
    large: Large | None = field(default=None, compare=False)
    left_out: bool = field(default=False, compare=False)
    """It stands in the index alone: a sparse checkout leaves it out of the working tree."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one skill or dataset: ``dir`` is relative to the repository, entries are sorted by path.

    Entries hold what is sent or compared (SKILL.md included), never ``.skillsync*``; ``pointer`` and ``rows``
    are the bytes of ``.skillsync`` and ``.skillsync.rows`` beside them, None when missing.
    """

    dir: str
    entries: tuple[Entry, ...]
    pointer: bytes | None = None
    rows: bytes | None = None

    def entry(self, path: str) -> Entry | None:
        """Return the entry at ``path``, or None."""
        return next((entry for entry in self.entries if entry.path == path), None)

    @property
    def is_left_out(self) -> bool:
        """Tell whether a sparse checkout leaves some of it out of the working tree."""
        return any(entry.left_out for entry in self.entries)


# ---------------------------------------------------------------- canonical content


@dataclass(frozen=True, slots=True)
class Extra:
    """What the API cannot hold and the carry entry does (sync.md 6, skill-format.md 10)."""

    frontmatter: Mapping[str, Json] = field(default_factory=dict)
    allowed_tools: tuple[str, ...] | None = None
    executable: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether there is anything to carry."""
        return bool(
            self.frontmatter or self.allowed_tools is not None or self.executable or self.empty
        )


@dataclass(frozen=True, slots=True)
class Skill:
    """The canonical content of a skill (sync.md 6): texts trimmed, metadata leaves as text, files by path.

    ``allowed_tools`` is the list that counts (the carried one where there is one). ``extra`` None means
    unknown: the server has no carry entry, so the other side's stands in and is never a difference.
    """

    name: str
    description: str
    body: str
    license: str = ""
    compatibility: str = ""
    allowed_tools: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    extra: Extra | None = None


ROW_FIELDS = (
    "input",
    "expected_output",
    "metadata",
    "source_trace_id",
    "source_timestamp",
    "source_event_id",
    "source_output",
)
"""The fields of a row under their newest names (skill-format.md 14.3); ``output`` is read as expected_output."""


class KnownFields(Mapping[str, Json]):
    """The fields of a row whose digest is known, so that it is not found out again."""

    __slots__ = ()

    @property
    @abstractmethod
    def digest(self) -> Digest:
        """What ``canonical.row_digest`` would find."""


@dataclass(frozen=True, slots=True)
class Row:
    """One dataset item's content: ``fields`` maps names of ROW_FIELDS to JSON; a missing field equals null."""

    key: Key
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A dataset's own fields (D6): ``metadata`` without our key; description ``""`` equals null."""

    name: str
    description: str = ""
    metadata: Json = None


# ---------------------------------------------------------------- the remote side


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a version: ``id`` is the server's user number (None once the user is gone)."""

    id: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Version:
    """One remote version of a skill. ``first`` is the incarnation, exactly as the server prints it.

    ``description`` is the version's own (``version_description``), None on a server without that field; it ends
    in the marker of a publish (sync.md 5.3).
    """

    name: str
    id: str
    number: int
    first: str
    author: Author
    created_at: str
    category: str = ""
    description: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A bundled file as stored: ``text`` is the server's, not canonical."""

    path: str
    text: str
    content_type: str


@dataclass(frozen=True, slots=True)
class RemoteSkill:
    """One version read whole. ``carried`` tells whether it has a carry entry; ``stored_tools`` is the API's list.

    ``edges`` maps a path to the (leading, trailing) whitespace its author had, from the carry entry.
    ``unsendable`` are stored files that JSON cannot write again (empty ones). ``versions`` are the skill's newest
    versions, newest first, where the read asked for them. ``aside`` are stored files that git ignores here, and so
    no part of ``content``.
    """

    version: Version
    content: Skill
    files: tuple[RemoteFile, ...]
    stored_tools: tuple[str, ...] = ()
    carried: bool = False
    edges: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    aside: frozenset[str] = frozenset()

    @property
    def unsendable(self) -> tuple[str, ...]:
        """Paths of stored files that are blank, so that a full replacement cannot repeat them (sync.md A2)."""
        return tuple(file.path for file in self.files if not file.text.strip())


@dataclass(frozen=True, slots=True)
class RemoteDataset:
    """One live dataset. ``own_slug`` is our ``metadata.skillsync.slug``, None when there is none.

    Where the server keeps revisions ``revision`` is the newest one, 0 before the first row; else None.
    ``revision_id`` is its UUID.
    """

    id: str
    info: DatasetInfo
    author: Author
    created_at: str
    own_slug: str | None = None
    raw_metadata: Json = None
    deleted: bool = False
    revision: int | None = None
    revision_id: str = ""


@dataclass(frozen=True, slots=True)
class DatasetRevision:
    """A revision of a dataset, made by one write of a row: its number, from 1, its UUID, who wrote it and when."""

    number: int
    id: str
    author: Author
    created_at: str


@dataclass(frozen=True, slots=True)
class RemoteRow:
    """One item. ``row.key`` is ours (``metadata.skillsync_id``, ``client_item_id``) or ``srv:<id>``; ``own_key`` tells.

    Where the server keeps versions, ``version`` counts them from 1, ``version_id`` is this one's UUID, ``revision``
    and ``revision_id`` the dataset's revision that it came with, and ``editor`` who wrote it. Else 0, "" and None.
    """

    id: str
    dataset: str
    row: Row
    created_at: str
    updated_at: str
    author: Author
    own_key: bool
    deleted: bool = False
    version: int = 0
    version_id: str = ""
    revision: int = 0
    revision_id: str = ""
    editor: Author | None = None


# ---------------------------------------------------------------- pointers (design.md 3)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an uncommitted pointer line carries: HEAD when written (``unborn`` before the first commit) and the
    digest of the object's files when written."""

    at: str
    files: str


@dataclass(frozen=True, slots=True)
class SkillPointer:
    """``HOST/PROJECT v12 <version id> first=<…> canon:1:sha256:<…> [gone] [at=… files=…]``.

    ``gone``: somebody was told that this incarnation was archived and said that the skill shall be made again (S16).
    """

    place: str
    number: int
    id: str
    first: str
    digest: Digest
    stamp: Stamp | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class DatasetPointer:
    """``HOST/PROJECT dataset=<uuid> rev=<n>|g1 meta=<digest> rows=<n> canon:1:sha256:<…> [gone] [at=… files=…]``.

    ``revision`` None is the first generation (``g1``). ``meta`` is the digest of name, description, metadata.
    ``gone``: somebody was told that this dataset was archived and said that it shall be made again (D5).
    """

    place: str
    dataset: str
    revision: int | None
    meta: Digest
    rows: int
    digest: Digest
    stamp: Stamp | None = None
    gone: bool = False


Pointer: TypeAlias = SkillPointer | DatasetPointer


# ---------------------------------------------------------------- conflicts


class UnitKind(StrEnum):
    """What kind of unit two sides disagree about (sync.md 8)."""

    FRONTMATTER = "frontmatter"
    BODY = "body"
    FILE = "file"
    EXTRA = "extra"
    ROW = "row"
    DATASET = "dataset"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed one unit incompatibly: a person has to choose.

    ``unit`` names it within the object: a frontmatter key, a file path, a row key and group. The three values
    are texts for people (JSON text for rows); None means absent on that side.
    """

    subject: str
    kind: UnitKind
    unit: str
    base: str | None
    local: str | None
    remote: str | None
    reason: str = ""


# ---------------------------------------------------------------- changes to files


Content: TypeAlias = "bytes | Large"
"""What a file holds: its bytes, or where they lie in git (then ``blob`` is set), so that nobody holds them."""


def held(content: Content | None) -> bytes | None:
    """Return the bytes of a content that is at hand, as that of a skill's file or of a pointer always is."""
    assert isinstance(content, bytes | None)
    return content


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file to write or delete below an object's folder.

    ``before`` is what the plan saw (None: no file), ``after`` what it shall hold (None: delete). ``executable``
    None leaves the mode of an existing file alone (a new one is not executable).
    """

    path: str
    before: Content | None
    after: Content | None
    executable: bool | None = None
