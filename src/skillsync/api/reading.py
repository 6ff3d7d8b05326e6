"""Reads skills out of the API's JSON: pure, and suspicious of everything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import NoReturn

from skillsync.api.answers import clean
from skillsync.errors import BadAnswer
from skillsync.formats.canonical import canonical_text, text_leaves
from skillsync.formats.carry import CARRY_KEY, Carry, decode_carry, fitting_extra
from skillsync.formats.paths import is_never_sent, path_problem
from skillsync.model import Author, Extra, Json, RemoteFile, RemoteSkill, Skill, Version

MOST_FILES = 1_000
"""More than any server stores (200, or 500 by import); a longer manifest is an attack."""

MOST_DESCRIPTION = 4_000
"""Characters of a version's description that are kept: ten times what a server takes."""

MOST_LEVELS = 63
"""Levels of one JSON value: a line of a JSONL file has one more."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A bundled file as a detail lists it. ``size`` in bytes and ``sha256`` only on the newest servers."""

    path: str
    content_type: str
    size: int | None = None
    sha256: str | None = None


class Reader:
    """Typed access to an untrusted object; every miss is a BadAnswer that says ``what`` and names ``subject``."""

    def __init__(self, value: Json, what: str, *, subject: str) -> None:
        if not isinstance(value, dict):
            raise BadAnswer(f"{what}: the server's answer is not an object", subject=subject)
        self.value = value
        self.what = what
        self.subject = subject

    def bad(self, problem: str) -> NoReturn:
        """Refuse the answer."""
        raise BadAnswer(f"{self.what}: the server's answer {problem}", subject=self.subject)

    def text(self, name: str) -> str:
        """A string without NUL, which no file and no database of ours could hold."""
        value = self.value.get(name)
        if not isinstance(value, str):
            self.bad(f"has no usable {name!r}")
        if "\0" in value:
            self.bad(f"holds a NUL character in {name!r}")
        return value

    def number(self, name: str) -> int:
        """An integer of at least 1."""
        value = self.value.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.bad(f"has no usable {name!r}")
        return value

    def uuid(self, name: str) -> str:
        """A UUID, exactly as printed."""
        value = self.text(name)
        if not _UUID.fullmatch(value):
            self.bad(f"has no usable {name!r}")
        return value

    def time(self, name: str) -> str:
        """A time of ISO 8601 with a zone, exactly as printed."""
        value = self.text(name)
        if not _TIME.fullmatch(value):
            self.bad(f"has no usable {name!r}")
        return value

    def items(self, name: str) -> list[Json]:
        """A list."""
        value = self.value.get(name)
        if not isinstance(value, list):
            self.bad(f"has no usable {name!r}")
        return value

    def require_plain(self, value: Json) -> None:
        """Refuse JSON that no file of ours could hold: a NUL character, or more levels than a line may have."""
        pending = [(value, 0)]
        while pending:
            one, level = pending.pop()
            if isinstance(one, str) and "\0" in one:
                self.bad("holds a NUL character")
            if isinstance(one, dict | list):
                if level == MOST_LEVELS:
                    self.bad(f"is nested deeper than {MOST_LEVELS} levels")
                inner = one if isinstance(one, list) else [*one.keys(), *one.values()]
                pending.extend((each, level + 1) for each in inner)

    def author(self) -> Author:
        """``created_by``: who wrote it, or nobody once the user is gone."""
        return author_from(self.value.get("created_by"))


def author_from(value: Json) -> Author:
    """Read a user object; null, and anything else that is none, is an author unknown."""
    if not isinstance(value, dict):
        return Author(None, "")
    number = value.get("id")
    names = [part for part in (value.get("first_name"), value.get("last_name")) if part]
    label = value.get("email") or " ".join(str(name) for name in names)
    return _author(
        number if isinstance(number, int) and not isinstance(number, bool) else None,
        clean(str(label), limit=100) if label else "",
    )


@lru_cache(maxsize=256)
def _author(number: int | None, label: str) -> Author:
    """One value for all rows of one author: a list of many rows names few of them."""
    return Author(number, label)


def shown_name(name: str) -> str:
    """A skill's name as errors carry it; it may be hostile."""
    return clean(name, limit=80)


def skill_reader(value: Json, name: str) -> Reader:
    """Read an object that is about one skill."""
    return Reader(value, f"skill {shown_name(name)}", subject=shown_name(name))


def version_from(
    detail: Json, *, name: str | None = None, number: int | None = None, first: str | None = None
) -> Version:
    """Read a summary, a detail or a version entry.

    ``name`` and ``number`` are what was asked for, and ``first`` the incarnation where the entry does not name
    it. Raises BadAnswer when the answer is about something else or a field is missing (sync.md 14.6 #85, #99).
    """
    read = skill_reader(detail, name or "")
    told = name if name is not None and "name" not in read.value else read.text("name")
    if name is not None and told != name:
        read.bad(f"is about the skill {shown_name(told)}")
    read = skill_reader(detail, told)
    if not _NAME.fullmatch(told):
        read.bad("names a skill in a way that cannot be a name")
    if read.value.get("deleted") is True:
        read.bad("is about a skill that was archived")
    version = read.number("version")
    if number is not None and version != number:
        read.bad(f"is version {version}, not {number}")
    category = read.value.get("category")
    return Version(
        name=told,
        id=read.uuid("id"),
        number=version,
        first=first if first is not None else read.time("first_version_created_at"),
        author=read.author(),
        created_at=read.time("created_at"),
        category=clean(category, limit=60) if isinstance(category, str) else "",
        description=_description(read.value),
    )


def _description(value: Mapping[str, Json]) -> str | None:
    """The version's description, "" where there is none, None where the server does not know such a thing."""
    if "version_description" not in value:
        return None
    text = value["version_description"]
    return text[:MOST_DESCRIPTION] if isinstance(text, str) else ""


def manifest_from(detail: Json, *, name: str) -> tuple[ManifestEntry, ...]:
    """Read the file list of a detail, sorted by path: the server's order means nothing (skills-api.md 1.3).

    Raises BadAnswer for a path that must never be asked for or written (sync.md F23, 14.6 #97), for one named
    twice, and for a list that is too long.
    """
    read = skill_reader(detail, name)
    entries = [_entry(item, name) for item in read.items("files")]
    if len(entries) > MOST_FILES:
        read.bad(f"lists {len(entries):,} files")
    if len({entry.path for entry in entries}) != len(entries):
        read.bad("lists a file twice")
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _entry(item: Json, name: str) -> ManifestEntry:
    read = skill_reader(item, name)
    path = read.text("path")
    problem = path_problem(path)
    if problem:
        read.bad(f"lists the file {clean(path, limit=80)!r}, which is never written: {problem}")
    size, digest = read.value.get("size"), read.value.get("sha256")
    return ManifestEntry(
        path,
        read.text("content_type"),
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        digest if isinstance(digest, str) and _SHA256.fullmatch(digest) else None,
    )


def file_from(value: Json, entry: ManifestEntry, *, name: str) -> RemoteFile:
    """Read a file answer and hold it against the manifest; BadAnswer when they disagree."""
    read = skill_reader(value, name)
    read.what += f", file {clean(entry.path, limit=80)}"
    if read.text("path") != entry.path:
        read.bad("is about another file")
    text = read.text("content")
    check_text(text, entry, name=name)
    return RemoteFile(entry.path, text, read.text("content_type"))


def known_file(entry: ManifestEntry, known: Mapping[str, str]) -> RemoteFile | None:
    """Return a file whose text is known by the digest that the manifest names, None when it has to be asked for."""
    text = known.get(entry.sha256) if entry.sha256 is not None else None
    return None if text is None else RemoteFile(entry.path, text, entry.content_type)


def check_text(text: str, entry: ManifestEntry, *, name: str) -> None:
    """Compare a text with size and digest where the manifest has them; BadAnswer when they differ."""
    data = text.encode("utf-8")
    what = f"skill {shown_name(name)}, file {clean(entry.path, limit=80)}"
    if entry.size is not None and entry.size != len(data):
        raise BadAnswer(
            f"{what}: {len(data):,} bytes came, {entry.size:,} are listed", subject=shown_name(name)
        )
    if entry.sha256 is not None and entry.sha256 != sha256(data).hexdigest():
        raise BadAnswer(
            f"{what}: the content does not have the listed digest", subject=shown_name(name)
        )


def skill_from(
    detail: Json,
    files: Sequence[RemoteFile],
    *,
    version: Version,
    aside: frozenset[str] = frozenset(),
) -> RemoteSkill:
    """Build a version from its detail, whose body is whole, and its files.

    Blank files and those that never take part in a sync are in ``files`` but not in the content: the first
    cannot be told from the carried empty ones, the second are carried along (skill-format.md 11, sync.md F22), as are
    those that are ``aside`` because git ignores them here.
    """
    read = skill_reader(detail, version.name)
    metadata = read.value.get("metadata")
    if not isinstance(metadata, dict):
        read.bad("has no usable 'metadata'")
    read.require_plain(metadata)
    tools = read.items("allowed_tools")
    stored = tuple(tool for tool in tools if isinstance(tool, str))
    if len(stored) != len(tools):
        read.bad("has a tool that is no text")
    carry = decode_carry(metadata.get(CARRY_KEY)) if CARRY_KEY in metadata else None
    blank = frozenset(file.path for file in files if not canonical_text(file.text))
    carried = carry.extra.allowed_tools if carry else None
    texts = {
        file.path: canonical_text(file.text)
        for file in files
        if file.path not in blank | aside and not is_never_sent(file.path)
    }
    return RemoteSkill(
        version=version,
        content=Skill(
            name=version.name,
            description=canonical_text(read.text("description")),
            body=canonical_text(read.text("body")),
            license=canonical_text(read.text("license")),
            compatibility=canonical_text(read.text("compatibility")),
            allowed_tools=stored if carried is None else carried,
            metadata={
                key: text_leaves(value) for key, value in metadata.items() if key != CARRY_KEY
            },
            files=texts,
            extra=_extra(carry, texts, blank - aside),
        ),
        files=tuple(sorted(files, key=lambda file: file.path)),
        stored_tools=stored,
        carried=carry is not None,
        edges=dict(carry.edges) if carry else {},
        omitted=tuple(item.path for item in carry.omitted) if carry else (),
        aside=aside,
    )


def _extra(carry: Carry | None, texts: Mapping[str, str], blank: Iterable[str]) -> Extra | None:
    """The carried extra as far as it fits the files, and the empty files that the server itself holds."""
    if carry is None:
        return None
    stored = frozenset(path for path in blank if not is_never_sent(path))
    return fitting_extra(replace(carry.extra, empty=carry.extra.empty | stored), files=texts.keys())
