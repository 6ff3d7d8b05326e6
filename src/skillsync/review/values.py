"""What a review is: frozen values from the plan to the last finding, exactly as `review.json` holds them.

Every class here is one JSON object of `review.json` and every field one of its members, under the same name
(docs/review-json.md); `codec.py` turns one into the other. Texts are the author's own, redacted (no secret is ever
part of a review) and otherwise unescaped: whoever renders them escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SCHEMA = "skillsync.review/1"


class Mode(StrEnum):
    """Whether the store was asked."""

    OFFLINE = "offline"
    ONLINE = "online"


class Kind(StrEnum):
    """What an operation or a change is about. ``row`` occurs in operations only."""

    SKILL = "skill"
    DATASET = "dataset"
    ROW = "row"


class Verb(StrEnum):
    """What merging does to the live object. ``none``: nothing is published for it, and ``standing`` says why."""

    CREATE = "create"
    UPDATE = "update"
    RENAME = "rename"
    ARCHIVE = "archive"
    NONE = "none"


class Standing(StrEnum):
    """How base, head and live of an object stand to each other (review.md 5.1)."""

    UNVERIFIED = "unverified"
    """Nobody asked the store: offline, or because a fork brings it and must not learn what else is there."""
    CURRENT = "current"
    """The store is at the base: a push publishes."""
    PUBLISHED = "published"
    """The store already has what head has."""
    UNCHANGED = "unchanged"
    """Head has what was last agreed on: there is nothing to publish."""
    DRIFT = "drift"
    """The store moved past the base in other parts: a push is refused, a merge is possible."""
    CONFLICT = "conflict"
    """The store and head changed the same parts, or one changed what the other removed."""
    COLLISION = "collision"
    """The store has another object of that name that was never linked."""
    UNSEEN = "archive of unseen edits"
    """Head removes what the store has changed since the base."""
    NO_BASE = "base unknown"
    """Nothing says what this tree has taken in."""
    INVALID = "invalid"
    """Head's content cannot be published at all."""


MOVED = frozenset(
    {
        Standing.DRIFT,
        Standing.CONFLICT,
        Standing.COLLISION,
        Standing.UNSEEN,
        Standing.NO_BASE,
    }
)
"""The standings for which a push would be refused: what the gate ``drift`` is about."""


# ---------------------------------------------------------------- the plan


@dataclass(frozen=True, slots=True)
class OpBase:
    """What an operation starts from: the last agreed version (``version`` None: the server counts none).

    ``id`` is the version's (of a dataset: the dataset's) id, ``""`` where unknown.
    """

    version: int | None
    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Op:
    """One effect on the store. ``key`` is a row's; ``base`` None: there is nothing yet, or it is not known.

    ``target`` is the digest of the content afterwards, ``""`` for an archive. ``new_version`` is the version that
    it makes, None where the server counts none or the base's number is unknown. ``op_id`` hashes all the rest.
    """

    op_id: str
    kind: Kind
    name: str
    key: str
    op: Verb
    base: OpBase | None
    target: str
    new_version: int | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Plan:
    """Every effect, sorted by kind, name and key. ``plan_id`` hashes place, mode and the op ids, and nothing else.

    A plan made offline has another id than the same one made online: it was not held against the store.
    """

    plan_id: str
    mode: Mode
    place: str
    ops: tuple[Op, ...]


# ---------------------------------------------------------------- texts that differ


@dataclass(frozen=True, slots=True)
class Words:
    """A run of words: ``op`` is ``=`` (in both), ``-`` (before only) or ``+`` (after only)."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk: ``op`` as in Words; ``before`` and ``after`` are its numbers in the two files."""

    op: str
    text: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that belong together, with up to three lines around them; ``more`` lines of it were left out."""

    lines: tuple[Line, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One frontmatter key or dataset field; ``status`` is new, changed or removed.

    ``carried``: the store has no such field, the value rides in the carry entry and nothing there applies it.
    ``behavioural``: it changes what an agent may do.
    """

    key: str
    status: str
    before: str | None
    after: str | None
    carried: bool = False
    behavioural: bool = False


@dataclass(frozen=True, slots=True)
class Permissions:
    """Pre-approved tools. ``relation``: none, equal, narrowed, widened or new.

    ``added`` are the grants of after that nothing before provably contains, ``removed`` those of before that
    nothing after contains; ``reasons`` says in words why it is widened, behavioural keys included.
    """

    relation: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another skill of the tree whose description shares much of this one; ``percent`` of the words."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class Trigger:
    """Name and description, which decide when a skill loads. ``words`` in order make up both descriptions."""

    name_before: str | None
    name_after: str | None
    words: tuple[Words, ...]
    length_before: int
    length_after: int
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the body under one heading; ``path`` are the headings above it, outermost first, () the beginning.

    ``status``: added, removed, moved or changed. ``added`` and ``removed`` count lines.
    """

    path: tuple[str, ...]
    status: str
    line: int | None
    added: int
    removed: int
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One bundled file; ``status``: added, removed, changed, renamed or mode.

    ``kind``: text, empty, binary, lfs, symlink, submodule, large. Sizes in bytes, modes as git prints them
    (``100755``); ``sent`` tells whether the store gets it at all. ``renamed_from`` only when the bytes are equal.
    """

    path: str
    status: str
    kind: str
    size_before: int | None
    size_after: int | None
    mode_before: str
    mode_after: str
    sent: bool
    renamed_from: str
    added: int
    removed: int
    hunks: tuple[Hunk, ...]


# ---------------------------------------------------------------- the live side


@dataclass(frozen=True, slots=True)
class LivePart:
    """A part of a skill that the store changed since the base (a frontmatter key, ``body``, a file), by line."""

    unit: str
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """What the store has that the base has not: the parts that ``both`` sides changed, or ``only_live`` did.

    ``version`` and ``created_at`` are the latest's (None and ``""``: gone). ``by`` is a person's label, ``tools`` the
    pre-approved tools there and ``parts`` the text itself only with ``show_values`` all; else ``a project member``,
    None and ().
    """

    version: int | None
    by: str
    created_at: str
    both: tuple[str, ...]
    only_live: tuple[str, ...]
    tools: tuple[str, ...] | None = None
    parts: tuple[LivePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A foreign version that head says to have taken in though lines of it are missing (sync.md 12.2).

    ``lost`` counts lines it added that head lacks, ``kept`` lines it removed that head still has. ``lines`` are
    the lines themselves, only with ``show_values`` all.
    """

    version: int
    by: str
    created_at: str
    unit: str
    lost: int
    kept: int
    lines: tuple[Line, ...]


# ---------------------------------------------------------------- changes


@dataclass(frozen=True, slots=True)
class Versions:
    """The version numbers of an object: last agreed, the one that merging makes, the latest in the store.

    ``verified`` tells that the store was asked. ``total``: how many versions an archive would hide.
    """

    base: int | None
    next: int | None
    live: int | None
    verified: bool
    total: int | None


@dataclass(frozen=True, slots=True)
class SkillChange:
    """One skill: ``status`` is new, changed, archived, renamed or moved (the folder only).

    ``dir`` is its folder in head (in the base for an archive), ``dir_before`` in the base, ``""`` where there is
    none. ``readable`` False: SKILL.md of head is no skill, and findings say why.
    """

    name: str
    status: str
    dir: str
    dir_before: str
    name_before: str
    op: Verb
    standing: Standing
    versions: Versions
    readable: bool
    frontmatter: tuple[FieldChange, ...]
    permissions: Permissions
    trigger: Trigger | None
    sections: tuple[Section, ...]
    files: tuple[FileChange, ...]
    live: Live | None
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class FieldCount:
    """How many items a field was touched in; metadata and objects by the field within."""

    field: str
    count: int


@dataclass(frozen=True, slots=True)
class ItemField:
    """One field of an item as JSON texts cut around where they differ; None: not there, or not to be shown.

    ``shown`` False: the values were left out, by ``show_values`` or by count.
    """

    field: str
    before: str | None
    after: str | None
    shown: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One dataset row. ``status``: added, changed, removed or rekeyed (``key_before``: same content, other key)."""

    key: str
    status: str
    line: int | None
    key_before: str
    fields: tuple[ItemField, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class DatasetChange:
    """One dataset: ``status`` is new, changed, archived or moved. Counts are of items.

    ``versions`` are revisions, None where the server counts none. ``items`` are in file order, never sorted.
    """

    name: str
    status: str
    dir: str
    dir_before: str
    op: Verb
    standing: Standing
    versions: Versions
    readable: bool
    info: tuple[FieldChange, ...]
    added: int
    changed: int
    removed: int
    rekeyed: int
    unchanged: int
    keyless: int
    fields: tuple[FieldCount, ...]
    items: tuple[Item, ...]
    live: Live | None


@dataclass(frozen=True, slots=True)
class Moved:
    """An object that this range does not touch and that the store moved: one line each, not this range's matter."""

    kind: Kind
    name: str
    base: int | None
    live: int | None


# ---------------------------------------------------------------- findings and gates


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Why a finding does not count: ``by`` is baseline or ack, ``reason`` and ``until`` are the baseline's."""

    by: str
    owner: str
    reason: str
    until: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a reviewer must see. ``rule`` is stable (``skillsync explain RULE``), its first letter the group.

    ``status`` is new (this range brings it) or existing (it was there). ``evidence`` says what was seen, never a
    secret and never a hidden character raw; ``fingerprint`` hashes rule, path, matched text and file digest.
    ``tool`` is "" for our own rules, else the scanner whose SARIF it came from.
    """

    rule: str
    level: Level
    subject: str
    path: str
    line: int | None
    status: str
    message: str
    evidence: str
    fix: str
    fingerprint: str
    tool: str
    accepted: Accepted | None


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must be so before merging: findings, drift, permissions, archive, trigger.

    ``needed``: something asks for it. ``given``: it is settled, by ``by``. ``subjects`` are what it is about.
    """

    name: str
    needed: bool
    given: bool
    by: str
    subjects: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it stands in nobody's way."""
        return not self.needed or self.given


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, slots=True)
class Tool:
    """What made the review."""

    name: str
    version: str
    canon: str


@dataclass(frozen=True, slots=True)
class Range:
    """The commits: ``merge_base`` is what head is compared with; ``base`` is where it would be merged.

    ``policy`` is the commit that settings, policy and baseline were read from.
    """

    base: str
    head: str
    merge_base: str
    policy: str


@dataclass(frozen=True, slots=True)
class Project:
    """The target: its name in skillsync.toml and ``host[:port]/project``."""

    target: str
    place: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests that a push of this needs: at least so many ``reads``, and exactly so many guarded ``writes``.

    What a review itself reads depends on what a clone remembers, and so is no part of it.
    """

    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class Omitted:
    """What `review.json` itself leaves out, counted exactly: lines of hunks, dataset values, rows of items."""

    lines: int = 0
    values: int = 0
    items: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules that the review was made under."""

    fail_on: str
    drift: str
    require_ack: tuple[str, ...]
    acks: tuple[str, ...]
    show_values: str


@dataclass(frozen=True, slots=True)
class Checks:
    """Which checks ran: ``secrets`` is full, formats (only known token formats) or off; ``sarif`` names scanners."""

    secrets: str
    sarif: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A whole review. Nothing in it depends on when it was made: the same input gives the same bytes."""

    tool: Tool
    range: Range
    mode: Mode
    project: Project
    settings: Settings
    checks: Checks
    plan: Plan
    cost: Cost
    skills: tuple[SkillChange, ...]
    datasets: tuple[DatasetChange, ...]
    moved: tuple[Moved, ...]
    findings: tuple[Finding, ...]
    gates: tuple[Gate, ...]
    omitted: Omitted

    @property
    def is_empty(self) -> bool:
        """Whether nothing is published and nothing is to be said about any object."""
        return not (self.skills or self.datasets)

    @property
    def exit_code(self) -> int:
        """0, 6 when a gate failed, 3 when only the store stands in the way (review.md 5.3)."""
        failed = {gate.name for gate in self.gates if not gate.passed}
        if failed - {"drift"}:
            return 6
        return 3 if failed else 0
