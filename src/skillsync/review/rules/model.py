"""What a rule looks at and what it says: texts with the lines that are new, and hits that become findings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from skillsync.review.skill_changes import Content
from skillsync.review.values import Level, Permissions, Trigger


@dataclass(frozen=True)
class Text:
    """One text file of head. ``path`` is relative to the repository; ``new`` are its lines that the range brings."""

    path: str
    text: str
    new: frozenset[int]

    @cached_property
    def digest(self) -> str:
        """The hash of the file: a fingerprint holds only for this content."""
        return sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def line_at(self, offset: int) -> int:
        """Return the 1-based line of a position."""
        return bisect_right(self._starts, offset)

    def is_new(self, first: int, last: int | None = None) -> bool:
        """Tell whether a line, or one of several, is new."""
        return any(line in self.new for line in range(first, (last or first) + 1))


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule saw. ``matched`` is what the fingerprint is about, raw; ``evidence`` is shown, after redaction.

    ``is_new`` False: it was there before. ``path`` is relative to the repository.
    """

    rule: str
    path: str
    line: int | None
    matched: str
    message: str
    evidence: str = ""
    fix: str = ""
    is_new: bool = True
    level: Level | None = None
    digest: str = ""


@dataclass(frozen=True)
class Subject:
    """One changed skill as rules see it. ``others`` are names and first bytes of the tree's other skills."""

    name: str
    dir: str
    before: Content
    after: Content
    permissions: Permissions
    trigger: Trigger | None
    texts: tuple[Text, ...]
    others: tuple[tuple[str, str, bytes], ...] = field(default=(), repr=False)

    def place(self, path: str = "SKILL.md") -> str:
        """Return a file's path in the repository."""
        return f"{self.dir}/{path}" if self.dir else path

    def line_of(self, key: str) -> int | None:
        """Return the line of head's SKILL.md where a frontmatter key stands."""
        document = self.after.document
        return document.line_of(key) if document else None


def fingerprint(hit: Hit) -> str:
    """Return the hash over rule, path, matched text and file digest: an edited file opens the finding again."""
    parts = "\0".join((hit.rule, hit.path, hit.matched, hit.digest))
    return "sha256:" + sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


def first_of_line(hits: Iterable[Hit]) -> list[Hit]:
    """Keep one hit of a rule for each line: the same thing said twice is noise."""
    kept: dict[tuple[str, str, int | None, bool], Hit] = {}
    for hit in hits:
        kept.setdefault((hit.rule, hit.path, hit.line, hit.is_new), hit)
    return list(kept.values())
