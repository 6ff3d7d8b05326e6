"""Commits that say who edited what in the store: the author is theirs, the committer is skillsync."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from skillsync.formats.marker import without_marker

if TYPE_CHECKING:
    from skillsync.model import Version
    from skillsync.repo.git import Repository

NAME, EMAIL = "skillsync", "skillsync@localhost"
TRAILER = "Skillsync-Version"
_LONGEST = 72
_HARMLESS = frozenset(" .,;-_()'")


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit says. ``author`` is ``Name <email>``, ``seconds`` Unix time; None is that of the commit before."""

    message: str
    author: tuple[str, str]
    seconds: int | None

    @classmethod
    def of(cls, place: str, name: str, subject: str, note: str, version: Version | None) -> Commit:
        """Return the commit of a version, or of a dataset's rows, which carry no author of their own."""
        words = f"{subject}: {note}" if note else subject
        if version is None:
            return cls(f"{words}\n\n{TRAILER}: {place} rows\n", (NAME, EMAIL), None)
        label = re.sub(r"[<>\x00-\x1f\x7f]", "", version.author.label).strip() or "unknown"
        message = f"{words}\n\n{TRAILER}: {place} {name} v{version.number} {version.id}\n"
        seconds = int(datetime.fromisoformat(version.created_at).timestamp())
        return cls(message, (label, label if "@" in label else EMAIL), seconds)


def note_of(version: Version) -> str:
    """Return what a version's author wrote about it, as words alone.

    A forge obeys commit messages: brackets skip its checks, numbers and links close issues, an @ calls people.
    """
    note = without_marker(version.description) if version.description else ""
    line = next((one.strip() for one in note.splitlines() if one.strip()), "")
    return plain_words(line)


def plain_words(text: str) -> str:
    """Return a text as letters, digits and harmless marks, at most as long as a subject may be."""
    kept = [each if _is_word(each) else " " for each in text]
    words = " ".join("".join(kept).split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _is_word(character: str) -> bool:
    return character in _HARMLESS or unicodedata.category(character)[0] in "LMN"


def record(repo: Repository, paths: Sequence[str], commit: Commit) -> bool:
    """Commit everything below ``paths``; False: nothing is different there.

    Who commits and when depends on the version alone, so that the same versions make the same commits.
    """
    there = [path for path in paths if _is_known(repo, path)]
    if there:
        repo.run(["add", "--all", "--", *there], reads=False)
    if repo.run(["diff", "--cached", "--quiet"], accept=(0, 1)).status == 0:
        return False
    seconds = commit.seconds
    if seconds is None:
        seconds = int(repo.run(["log", "-1", "--format=%ct"]).line)
    date = f"{seconds} +0000"
    name, email = commit.author
    repo.run(
        ["commit", "--quiet", "--no-verify", "--no-gpg-sign", "--cleanup=verbatim", "--file=-"],
        data=commit.message.encode(),
        reads=False,
        environment={
            "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": NAME, "GIT_COMMITTER_EMAIL": EMAIL, "GIT_COMMITTER_DATE": date,
        },
    )  # fmt: skip
    return True


def _is_known(repo: Repository, path: str) -> bool:
    """Tell whether the tree or git has something there; git refuses to add a path that neither has."""
    return (repo.root / path).exists() or bool(repo.run(["ls-files", "--", path]).line)


def is_ours(repo: Repository, tip: str, *, beyond: str, place: str) -> bool:
    """Tell whether every commit of ``tip`` that ``beyond`` does not contain is one of ours, for this place.

    Whoever amends, rebases or merges becomes the committer, and a forge does too.
    """
    asked = ["log", "-z", "--format=%cn%x01%ce%x01%B", f"{beyond}..{tip}"]
    for one in repo.run(asked).output.decode("utf-8", "replace").split("\0"):
        if not one.strip():
            continue
        name, email, message = one.split("\x01", 2)
        if (name.strip(), email) != (NAME, EMAIL) or f"\n{TRAILER}: {place} " not in message:
            return False
    return True
