"""What differs between two contents of a skill, as a reviewer sees it: fields, permissions, trigger, sections, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from skillsync.formats.canonical import canonical_json, skill_digest
from skillsync.formats.carry import STANDARD_KEYS
from skillsync.formats.checks import BEHAVIOURAL_KEYS
from skillsync.formats.skill_document import SkillDocument
from skillsync.formats.skill_folder import SKILL_FILE, Omitted, SkillReading, classify, read_skill
from skillsync.model import Digest, Entry, Folder, Json, Skill
from skillsync.review.differ import counts, hunks, word_runs
from skillsync.review.grants import READ_ONLY, Grant, parse_grants, relation
from skillsync.review.sections import compare_bodies
from skillsync.review.values import (
    FieldChange,
    FileChange,
    Hunk,
    Line,
    LivePart,
    Permissions,
    Section,
    Trigger,
)
from skillsync.sync.diff import skill_units

Clean = Callable[[str], str]
"""Takes secrets out of a text."""

MAX_LINES = 1_000
"""Lines of hunks kept of one text; the rest is counted."""


@dataclass
class Content:
    """One side of a skill: its folder read, None where there is none."""

    folder: Folder | None

    @cached_property
    def reading(self) -> SkillReading | None:
        """The folder as a skill, with its problems."""
        return read_skill(self.folder) if self.folder is not None else None

    @property
    def document(self) -> SkillDocument | None:
        """Its SKILL.md, None while that is unreadable."""
        return self.reading.document if self.reading else None

    @property
    def name(self) -> str:
        """The name in the frontmatter, else the folder's."""
        if self.folder is None:
            return ""
        named = self.document.name.strip() if self.document else ""
        return named or self.folder.dir.rpartition("/")[2]

    @cached_property
    def digest(self) -> Digest | None:
        """The canonical digest, None while it cannot be published."""
        skill = self.reading.skill if self.reading else None
        return skill_digest(skill) if skill else None

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Its bundled files by path."""
        found = self.folder.entries if self.folder else ()
        return {entry.path: entry for entry in found if entry.path != SKILL_FILE}

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every text in it by path, SKILL.md whole; what cannot be read as text is not in it."""
        found: dict[str, str] = {}
        for entry in self.folder.entries if self.folder else ():
            text = classify(entry)
            if isinstance(text, str):
                found[entry.path] = text
        return found


@dataclass(frozen=True, slots=True)
class SkillParts:
    """The parts of a SkillChange that the two contents alone decide, and how many lines were left out."""

    frontmatter: tuple[FieldChange, ...]
    permissions: Permissions
    trigger: Trigger | None
    sections: tuple[Section, ...]
    files: tuple[FileChange, ...]
    omitted_lines: int


def compare_skill(before: Content, after: Content, clean: Clean) -> SkillParts:
    """Compare two contents; every text that is kept is clean."""
    left_out = _Budget()
    sections = tuple(left_out.section(one, clean) for one in _sections(before, after))
    files = tuple(left_out.file(one, clean) for one in _files(before, after))
    return SkillParts(
        tuple(_frontmatter(before, after, clean)),
        _clean_permissions(permissions(before, after), clean),
        _trigger(before, after, clean),
        sections,
        files,
        left_out.lines,
    )


def compare_live(base: Skill, live: Skill, clean: Clean) -> tuple[LivePart, ...]:
    """Return what the store changed since the base, part by part, every text clean; long ones are cut."""
    left_out = _Budget()
    return tuple(
        LivePart(clean(unit), left_out.hunks(hunks(_split(old or ""), _split(new or "")), clean))
        for unit, old, new in skill_units(base, live)
    )


# ---------------------------------------------------------------- frontmatter


def _frontmatter(before: Content, after: Content, clean: Clean) -> Iterator[FieldChange]:
    old, new = _fields(before.document), _fields(after.document)
    for key in [*new, *(one for one in old if one not in new)]:
        was, is_now = old.get(key), new.get(key)
        if was == is_now:
            continue
        status = "new" if was is None else "removed" if is_now is None else "changed"
        top = key.partition(".")[0]
        yield FieldChange(
            key,
            status,
            None if was is None else clean(was),
            None if is_now is None else clean(is_now),
            carried=top not in STANDARD_KEYS,
            behavioural=top in BEHAVIOURAL_KEYS,
        )


def _fields(document: SkillDocument | None) -> dict[str, str]:
    """Return every key but name and description with its value as text, metadata by its own keys."""
    if document is None:
        return {}
    fields = {
        "license": document.license.strip(),
        "compatibility": document.compatibility.strip(),
        "allowed-tools": " ".join(document.allowed_tools),
    }
    fields = {name: value for name, value in fields.items() if value}
    fields |= {f"metadata.{key}": _text(value) for key, value in document.metadata.items()}
    fields |= {key: _text(value) for key, value in document.extra_keys.items()}
    return fields


def _text(value: Json) -> str:
    return value if isinstance(value, str) else canonical_json(value)


# ---------------------------------------------------------------- permissions


def permissions(before: Content, after: Content) -> Permissions:
    """Return the permission relation, behavioural keys and load-time expansion included (review.md 5.5)."""
    old = parse_grants(before.document.allowed_tools if before.document else ())
    new = parse_grants(after.document.allowed_tools if after.document else ())
    found = relation(old, new)
    reasons = [f"pre-approves {text}, which nothing before contains" for text in found.added]
    name = found.name
    if before.document is None:
        reasons = [f"pre-approves {one.text}" for one in new if not _is_harmless(one)]
        name = "new" if new else "none"
    elif after.document is not None:
        reasons += _behaviour(before.document, after.document)
        if reasons:
            name = "widened"
    return Permissions(
        name,
        tuple(one.text for one in old),
        tuple(one.text for one in new),
        found.added,
        found.removed,
        tuple(reasons),
    )


def _clean_permissions(found: Permissions, clean: Clean) -> Permissions:
    """A command in a grant may hold a key."""

    def each(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(clean(text) for text in texts)

    return Permissions(
        found.relation,
        each(found.before),
        each(found.after),
        each(found.added),
        each(found.removed),
        each(found.reasons),
    )


def _is_harmless(grant: Grant) -> bool:
    return grant.tool in READ_ONLY


def _behaviour(before: SkillDocument, after: SkillDocument) -> Iterator[str]:
    """Say which other keys let the skill do more than before; what is not clearly less is more."""
    old, new = before.extra_keys, after.extra_keys
    gone = [
        one for one in _tools(old, "disallowed-tools") if one not in _tools(new, "disallowed-tools")
    ]
    if gone:
        yield f"disallowed-tools no longer names {', '.join(gone)}"
    if new.get("hooks") and new.get("hooks") != old.get("hooks"):
        yield "hooks are new or changed: they run by themselves"
    if _is_true(old.get("disable-model-invocation")) and not _is_true(
        new.get("disable-model-invocation")
    ):
        yield "disable-model-invocation is gone: the skill may start by itself"
    if "shell" in new and new.get("shell") != old.get("shell"):
        yield "shell is changed"
    if "paths" in old and not set(_tools(new, "paths")) <= set(_tools(old, "paths")):
        yield "paths names more places in which the skill starts by itself"
    if "paths" in old and "paths" not in new:
        yield "paths is gone: the skill starts by itself everywhere"
    for key in ("agent", "context", "model"):
        if key in new and new.get(key) != old.get(key):
            yield f"{key} is changed: another agent runs it, or with other means"


def _tools(fields: Mapping[str, Json], key: str) -> list[str]:
    value = fields.get(key)
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [one.text for one in parse_grants(text for text in texts if isinstance(text, str))]


def _is_true(value: Json) -> bool:
    return value is True or (
        isinstance(value, str) and value.strip().lower() in {"true", "yes", "on"}
    )


# ---------------------------------------------------------------- trigger


def _trigger(before: Content, after: Content, clean: Clean) -> Trigger | None:
    old = before.document.description.strip() if before.document else ""
    new = after.document.description.strip() if after.document else ""
    names = (before.name or None, after.name or None)
    if old == new and names[0] == names[1]:
        return None
    words = word_runs(clean(old), clean(new))
    return Trigger(*names, words, len(old), len(new), ())


# ---------------------------------------------------------------- body and files


def _sections(before: Content, after: Content) -> tuple[Section, ...]:
    old, new = before.document, after.document
    if before.texts.get(SKILL_FILE) == after.texts.get(SKILL_FILE):
        return ()
    return compare_bodies(
        _lf(old.body) if old else "",
        _lf(new.body) if new else "",
        first_before=old.body_line if old else 1,
        first_after=new.body_line if new else 1,
    )


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").strip("\n") if text.strip() else ""


def _files(before: Content, after: Content) -> Iterator[FileChange]:
    old, new = before.entries, after.entries
    gone = {path: entry for path, entry in old.items() if path not in new}
    for path in sorted(old.keys() | new.keys()):
        one, two = old.get(path), new.get(path)
        if one is not None and two is not None and _same(one, two):
            continue
        if two is None:
            if one is not None and path in gone:
                yield _file(path, "removed", one, None)
            continue
        origin = None if one else _renamed(two, gone)
        if origin is not None:
            yield _file(path, "renamed", gone.pop(origin), two, origin)
        else:
            same = one is not None and one.data is not None and one.data == two.data
            yield _file(path, "added" if one is None else "mode" if same else "changed", one, two)


def _same(one: Entry, two: Entry) -> bool:
    return (one.data, one.size, one.executable, one.kind, one.target) == (
        two.data,
        two.size,
        two.executable,
        two.kind,
        two.target,
    ) and (one.data is not None or one.kind != "file")


def _renamed(entry: Entry, gone: Mapping[str, Entry]) -> str | None:
    """Return the path of a file that went and had the very bytes; blank files are nobody's origin."""
    if not (entry.data or b"").strip():
        return None
    return next((path for path, each in gone.items() if each.data == entry.data), None)


def _file(
    path: str, status: str, one: Entry | None, two: Entry | None, renamed_from: str = ""
) -> FileChange:
    shown = two or one
    assert shown is not None  # one of the two sides has it
    kind = kind_of(shown)
    found: tuple[Hunk, ...] = ()
    if status in {"added", "removed", "changed"}:
        old, new = (classify(each) if each else "" for each in (one, two))
        if isinstance(old, str) and isinstance(new, str):
            found = hunks(_split(old), _split(new))
    added, removed = counts(found)
    return FileChange(
        shown_path(path),
        status,
        kind,
        one.size if one else None,
        two.size if two else None,
        _mode(one),
        _mode(two),
        kind in {"text", "empty"},
        shown_path(renamed_from),
        added,
        removed,
        found,
    )


def shown_path(path: str) -> str:
    """Return a path as text: bytes that are no UTF-8 are written as ``\\xff``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def kind_of(entry: Entry) -> str:
    """Say what a bundled file is: text, empty, binary, lfs, symlink, submodule or large."""
    found = classify(entry)
    if isinstance(found, Omitted):
        return {"nul": "binary", "special": "submodule"}.get(found.reason, found.reason)
    return "text" if found.strip() else "empty"


def _mode(entry: Entry | None) -> str:
    if entry is None:
        return ""
    special = {"symlink": "120000", "other": "160000"}.get(entry.kind)
    return special or ("100755" if entry.executable else "100644")


class _Budget:
    """Keeps the hunks of each text short and clean, and counts what it leaves out."""

    def __init__(self) -> None:
        self.lines = 0

    def section(self, section: Section, clean: Clean) -> Section:
        path = tuple(clean(word) for word in section.path)
        return Section(path, section.status, section.line, section.added, section.removed,
                       self.hunks(section.hunks, clean))  # fmt: skip

    def file(self, file: FileChange, clean: Clean) -> FileChange:
        return FileChange(
            file.path, file.status, file.kind, file.size_before, file.size_after, file.mode_before,
            file.mode_after, file.sent, file.renamed_from, file.added, file.removed,
            self.hunks(file.hunks, clean),
        )  # fmt: skip

    def hunks(self, found: tuple[Hunk, ...], clean: Clean) -> tuple[Hunk, ...]:
        left = MAX_LINES
        kept = []
        for hunk in found:
            lines = hunk.lines[:left]
            left -= len(lines)
            more = len(hunk.lines) - len(lines)
            self.lines += more
            kept.append(Hunk(_cleaned(lines, clean), more))
        return tuple(kept)


_LONG_LINE = 4_000
"""Characters of one line that are kept; a longer one is cut and says so."""


def _cleaned(lines: tuple[Line, ...], clean: Clean) -> tuple[Line, ...]:
    """Clean the lines of one hunk as one text, so that a key over several lines is seen as one."""
    texts = clean("\n".join(line.text for line in lines)).split("\n")
    if len(texts) != len(lines):  # a secret that was found elsewhere spans lines differently
        texts = [clean(line.text) for line in lines]
    return tuple(
        Line(line.op, _cut(text), line.before, line.after)
        for line, text in zip(lines, texts, strict=True)
    )


def _cut(text: str) -> str:
    if len(text) <= _LONG_LINE:
        return text
    return f"{text[:_LONG_LINE]} … ({len(text) - _LONG_LINE:,} more characters)"
