"""Writes and reads the marker: the last token of a version's description, which says what it was made from (sync.md 5.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT = 400
"""Characters (code points) that a version's description may have (sync.md A10)."""

DIGEST_CHARACTERS = 16
"""How many hex digits of a canonical digest a marker holds."""

_TOKEN = re.compile(
    r"(?:\A|\s)\[skillsync:1"
    r"(?: c=(?P<commit>[0-9a-f]{64}|[0-9a-f]{40}) d=(?P<digest>[0-9a-f]{16}))?"
    r" n=(?P<nonce>[0-9a-f]{8})\]\Z"
)
_OPENING = "[skillsync:"
_OTHER_FORMAT = re.compile(r"\[skillsync:(?!1 )(?P<format>[0-9]+) [^\[\]]*\]\Z")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\s]+")
_GITHUB = re.compile(r"Merge pull request (#\d+) from \S+\Z")
_GITLAB = re.compile(r"See merge request \S*?(!\d+)\Z")


@dataclass(frozen=True, slots=True)
class Marker:
    """What a publish says about itself.

    ``nonce`` are 8 hex digits, fixed before the first attempt (sync.md 9.2). ``commit`` is the full id of the
    commit whose files were published and ``digest`` the first 16 hex digits of their canonical digest: both or
    neither, and only if the files equal that commit's.
    """

    nonce: str
    commit: str | None = None
    digest: str | None = None

    @property
    def token(self) -> str:
        """The marker as it is written."""
        edge = f" c={self.commit} d={self.digest}" if self.commit else ""
        return f"[skillsync:1{edge} n={self.nonce}]"


@dataclass(frozen=True, slots=True)
class Mangled:
    """Something that begins like a marker and is none: its version is foreign, and ``why`` is reported."""

    why: str


def short_digest(digest: str) -> str:
    """Return what a marker holds of a canonical digest (``canon:1:sha256:<64 hex>``)."""
    return digest.rpartition(":")[2][:DIGEST_CHARACTERS]


def write_marker(marker: Marker, words: str) -> str:
    """Return a version's description: ``words`` for people, cut where they are too long, and the marker.

    Raises ValueError for a marker that could not be read again.
    """
    token = marker.token
    if read_marker(token) != marker:
        raise ValueError(f"{token} is no marker")
    human = _UNFIT.sub(" ", words).strip()
    room = LIMIT - len(token) - 1
    if len(human) > room:
        human = human[: room - 1].rstrip() + "…"
    return f"{human} {token}" if human else token


def read_marker(description: str | None) -> Marker | Mangled | None:
    """Return the marker at the end of a version's description, what is wrong with it, or None without any."""
    text = (description or "").strip()
    found = _TOKEN.search(text)
    if found:
        return Marker(found["nonce"], found["commit"], found["digest"])
    if _OPENING not in text:
        return None
    other = _OTHER_FORMAT.search(text)
    if other:
        return Mangled(
            f"its marker has the format {other['format'][:9]}, which this skillsync cannot read"
        )
    return Mangled("its marker is damaged or not at the end of the description")


def without_marker(description: str | None) -> str:
    """Return what a description says to people."""
    text = (description or "").strip()
    found = _TOKEN.search(text)
    return text[: found.start()].rstrip() if found else text


def words_of(message: str) -> str:
    """Return the words of a commit message for people: its subject, and the number of the request it merged.

    A merge commit made by GitHub or GitLab says what it merged below its subject: ``Merge #123: shorten triage``.
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    subject, rest = lines[0], lines[1:]
    github = _GITHUB.match(subject)
    if github:
        return f"Merge {github[1]}: {rest[0]}" if rest else f"Merge {github[1]}"
    numbers = [found[1] for line in rest if (found := _GITLAB.match(line))]
    if subject.startswith("Merge branch ") and numbers and not _GITLAB.match(rest[0]):
        return f"Merge {numbers[0]}: {rest[0]}"
    return subject
