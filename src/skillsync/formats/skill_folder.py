"""A skill's folder: what is read from its files, and the file changes that make it say something else."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text
from skillsync.formats.carry import Omitted
from skillsync.formats.paths import (
    collisions,
    is_environment_file,
    is_never_sent,
    is_skill_file,
    path_problem,
    same_place,
)
from skillsync.formats.skill_document import Unreadable
from skillsync.formats.skill_md import (
    SkillDocument,
    document_extra,
    document_skill,
    edit_skill_md,
    new_skill_md,
    parse_skill_md,
)
from skillsync.formats.skill_rules import (
    MAX_FILES,
    MAX_TEXT_BYTES,
    Fault,
    document_faults,
    marker_line,
)
from skillsync.formats.spelling import USUAL, Edges, portable_edges, respell
from skillsync.model import CarryMode, Entry, Extra, FileChange, Folder, Problem, Severity, Skill

__all__ = [
    "SKILL_FILE",
    "Omitted",
    "SkillReading",
    "classify",
    "place",
    "read_skill",
    "subject_of",
    "write_skill",
]

SKILL_FILE = "SKILL.md"

_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_MOST = 1_024

_WHY_OMITTED = {
    "binary": ("W-SKILL-BINARY", "it is not UTF-8 text"),
    "nul": ("W-SKILL-BINARY", "it holds a NUL character"),
    "lfs": ("W-SKILL-LFS", "it is a Git LFS pointer"),
    "large": ("W-SKILL-LARGE", f"it is larger than {MAX_TEXT_BYTES:,} bytes"),
    "symlink": ("W-SKILL-LINK", "it is a symbolic link"),
    "special": ("W-SKILL-SPECIAL", "it is no regular file"),
}


@dataclass(frozen=True, slots=True)
class SkillReading:
    """What one skill's folder says. ``skill`` is None iff a problem is an error.

    ``raw_body`` and ``raw_files`` (path to text) are what a publish sends: edges, line ends and byte order mark
    as in the file. ``edges`` has the files whose edges are not the usual ones, ``empty`` the blank files, and
    ``omitted`` the files that stay local. A document that could be read is there even when there are errors.
    """

    folder: Folder
    document: SkillDocument | None
    skill: Skill | None
    problems: tuple[Problem, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    raw_body: str = ""
    raw_files: Mapping[str, str] = field(default_factory=dict)
    edges: Mapping[str, Edges] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    executable: frozenset[str] = frozenset()
    carry: CarryMode = "metadata"

    @property
    def is_valid(self) -> bool:
        """Whether the skill can be sent."""
        return self.skill is not None


# ---------------------------------------------------------------- reading


def read_skill(folder: Folder, *, carry: CarryMode = "metadata") -> SkillReading:
    """Read a folder's entries; never raises for what is in them: errors are among the problems.

    Files on the fixed list are skipped; blank ones are ``extra.empty``; those that no server can hold are
    omitted with a warning each (skill-format.md 11, sync.md F21). With ``carry`` ``local`` the content's ``extra`` is
    unknown, so that it is never a difference and never written.
    """
    faults: list[tuple[str, Fault]] = []
    document = _read_document(folder, faults)
    if document is not None:
        faults += [(SKILL_FILE, fault) for fault in _carry_faults(document, carry)]
    entries = [entry for entry in folder.entries if _takes_part(entry)]
    unfit = [(entry.path, fault) for entry in entries for fault in _path_faults(entry)]
    faults += unfit + _collision_faults(entries)
    refused = {path for path, _ in unfit}
    raw_files: dict[str, str] = {}
    omitted: list[Omitted] = []
    empty: set[str] = set()
    for entry in entries:
        if entry.path in refused:  # never sent, so never ours to change or delete
            continue
        found = classify(entry)
        if isinstance(found, Omitted):
            omitted.append(found)
        elif not canonical_text(found):
            empty.add(entry.path)
        else:
            raw_files[entry.path] = found
            faults += _marker_faults(entry.path, found)
    faults += _count_faults(raw_files)
    modes = {entry.path for entry in entries if entry.executable}
    edges = {path: portable_edges(text) for path, text in raw_files.items()}
    reading = SkillReading(
        folder=folder,
        document=document,
        skill=None,
        omitted=tuple(omitted),
        raw_body=document.body if document else "",
        raw_files=raw_files,
        edges={path: pair for path, pair in edges.items() if pair != USUAL},
        empty=frozenset(empty),
        executable=frozenset(modes & (raw_files.keys() | empty)),
        carry=carry,
    )
    subject = subject_of(reading)
    errors = [_problem(folder, subject, path, fault) for path, fault in faults]
    warnings = [_omitted_problem(folder, subject, each) for each in omitted]
    skill = None if errors or document is None else _content(reading, document)
    return replace(reading, skill=skill, problems=(*errors, *warnings))


def subject_of(reading: SkillReading) -> str:
    """Return the skill's name for messages: the folder's own when the file has none."""
    named = reading.document.name.strip() if reading.document else ""
    return named or reading.folder.dir.rpartition("/")[2]


def place(folder: Folder, path: str) -> str:
    """Return the path of a folder's file relative to the repository."""
    return f"{folder.dir}/{path}" if folder.dir not in {"", "."} else path


def _content(reading: SkillReading, document: SkillDocument) -> Skill:
    extra: Extra | None = None
    if reading.carry != "local":
        found = document_extra(document)
        extra = replace(found, executable=reading.executable, empty=reading.empty)
    files = {path: canonical_text(text) for path, text in reading.raw_files.items()}
    return document_skill(document, files=files, extra=extra)


def _carry_faults(document: SkillDocument, carry: CarryMode) -> Iterator[Fault]:
    """Yield what cannot be sent because nothing is carried (skill-format.md 10.6, 5.1)."""
    fix = 'remove it, or set carry = "metadata" in skillsync.toml'
    if carry == "error":
        for key in document.extra_keys:
            said = f"{key} is no key of the standard, and keys outside of it are refused here"
            yield Fault("E-SKILL-KEY", said, document.line_of(key), fix)
    if carry == "local":
        for tool in document.allowed_tools:
            if any(character.isspace() for character in tool):
                said = (
                    f"the tool {tool} holds a space, which cannot be sent where nothing is carried"
                )
                yield Fault("E-SKILL-KEY", said, document.line_of("allowed-tools"), fix)


def _read_document(folder: Folder, faults: list[tuple[str, Fault]]) -> SkillDocument | None:
    entry = folder.entry(SKILL_FILE)
    if entry is None or entry.kind != "file":
        message = "there is no SKILL.md" if entry is None else "SKILL.md is not a regular file"
        faults.append((SKILL_FILE, Fault("E-SKILL-MISSING", message)))
        return None
    if entry.data is None:
        message = f"SKILL.md has {entry.size:,} bytes and was not read"
        faults.append((SKILL_FILE, Fault("E-SKILL-BODY", message)))
        return None
    marked = marker_line(entry.data.decode("utf-8", "replace"))
    if marked is not None:
        faults.append((SKILL_FILE, _marker_fault(marked)))
    try:
        document = parse_skill_md(entry.data, path=place(folder, SKILL_FILE))
    except Unreadable as error:
        if marked is None:
            faults += [(SKILL_FILE, fault) for fault in _unreadable_faults(error)]
        return None
    faults += [(SKILL_FILE, fault) for fault in document_faults(document)]
    return document


def _unreadable_faults(error: Unreadable) -> Iterator[Fault]:
    """Yield everything that is wrong with a SKILL.md, so that nobody has to mend it one run at a time."""
    said = (error, *error.others)
    for one in said:
        yield Fault(one.problem, one.message, one.line, one.fix)
    if error.document is not None:
        lines = {one.line for one in said}
        yield from (
            fault
            for fault in document_faults(error.document)
            if fault.line is None or fault.line not in lines
        )


def _takes_part(entry: Entry) -> bool:
    return entry.path != SKILL_FILE and not is_never_sent(entry.path)


def classify(entry: Entry) -> str | Omitted:
    """Return a bundled file's text, or why no server can hold it (skill-format.md 11)."""
    data = entry.data
    if entry.kind != "file" or data is None:
        reason = {"symlink": "symlink", "other": "special"}.get(entry.kind, "large")
        return Omitted(entry.path, "", entry.size, reason)
    digest = sha256(data).hexdigest()
    if data.startswith(_LFS) and len(data) <= _LFS_MOST:
        return Omitted(entry.path, digest, len(data), "lfs")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Omitted(entry.path, digest, len(data), "binary")
    if "\0" in text:
        return Omitted(entry.path, digest, len(data), "nul")
    if len(data) > MAX_TEXT_BYTES and len(text.strip().encode()) > MAX_TEXT_BYTES:
        return Omitted(entry.path, digest, len(data), "large")
    return text


def _path_faults(entry: Entry) -> Iterator[Fault]:
    if trouble := path_problem(entry.path):
        code = "E-SKILL-CASE" if is_skill_file(entry.path) else "E-SKILL-PATH"
        yield Fault(code, trouble, fix="rename the file")
    elif is_environment_file(entry.path):
        message = "a .env file usually holds secrets and is never sent"
        yield Fault("E-SKILL-ENV", message, fix="add it to .gitignore, or call it .env.example")


def _collision_faults(entries: list[Entry]) -> list[tuple[str, Fault]]:
    clashes = collisions(entry.path for entry in entries)
    return [
        (
            other,
            Fault(
                "E-SKILL-CLASH",
                f"{one} and {other} cannot lie side by side on every file system",
                fix="rename one of them",
            ),
        )
        for one, other in clashes
    ]


def _marker_faults(path: str, text: str) -> list[tuple[str, Fault]]:
    line = marker_line(text)
    return [] if line is None else [(path, _marker_fault(line))]


def _marker_fault(line: int) -> Fault:
    return Fault(
        "E-MARKERS",
        "the file still holds conflict markers",
        line,
        "choose what the file shall say, then run skillsync resolve",
    )


def _count_faults(raw_files: Mapping[str, str]) -> list[tuple[str, Fault]]:
    if len(raw_files) <= MAX_FILES:
        return []
    tops = Counter(path.rpartition("/")[0] or "the top one" for path in raw_files).most_common(3)
    largest = ", ".join(f"{folder} ({count})" for folder, count in tops)
    message = (
        f"the skill has {len(raw_files):,} bundled files, at most {MAX_FILES} are accepted; "
        f"the largest folders: {largest}"
    )
    fault = Fault("E-SKILL-FILES", message, fix="move files elsewhere, or have git ignore them")
    return [("", fault)]


def _problem(folder: Folder, subject: str, path: str, fault: Fault) -> Problem:
    where = place(folder, path) if path else folder.dir
    return Problem(
        fault.code, fault.message, subject=subject, path=where, line=fault.line, fix=fault.fix
    )


def _omitted_problem(folder: Folder, subject: str, each: Omitted) -> Problem:
    code, why = _WHY_OMITTED[each.reason]
    entry = folder.entry(each.path)
    if entry is not None and entry.target:
        why += f" to {entry.target}"
    size = "" if entry is not None and entry.target else f" ({each.bytes:,} bytes)"
    return Problem(
        code,
        f"stays local: {why}{size}",
        subject=subject,
        path=place(folder, each.path),
        severity=Severity.WARNING,
    )


# ---------------------------------------------------------------- writing


def write_skill(
    reading: SkillReading | None, to: Skill, *, edges: Mapping[str, Edges] | None = None
) -> tuple[FileChange, ...]:
    """Return the changes that make a folder's canonical content equal ``to`` (None: a new folder).

    Unchanged content gives no change. A changed file keeps its edges and line ends, a new one gets ``edges``
    (path to leading and trailing whitespace) or one final LF. Files that stay local are never touched; files of
    ``to`` that are never sent are skipped. With ``to.extra`` unknown, extra keys, modes and empty files stay.

    All or nothing: raises InvalidContent for a hostile or colliding path, one where a local file lies that
    stays local, a text that would not read back the same, or a SKILL.md that must not be rewritten
    (skill-format.md 9 and 11, sync.md F19 to F23).
    """
    if reading is not None and reading.document is None:
        raise InvalidContent(
            "the local SKILL.md cannot be read, so nothing is written to it",
            subject=to.name,
            path=place(reading.folder, SKILL_FILE),
        )
    target = _Target.of(reading, to, edges or {})
    changes = [_skill_file(reading, to), *target.written(), *target.deleted()]
    return tuple(change for change in changes if change is not None)


def _skill_file(reading: SkillReading | None, to: Skill) -> FileChange | None:
    if reading is None or reading.document is None:
        return FileChange(SKILL_FILE, None, new_skill_md(to))
    before = _bytes(reading.folder.entry(SKILL_FILE))
    after = edit_skill_md(reading.document, to=to)
    return None if after == before else FileChange(SKILL_FILE, before, after)


def _bytes(entry: Entry | None) -> bytes | None:
    return None if entry is None else entry.data


@dataclass(frozen=True, slots=True)
class _Target:
    """The bundled files that shall be there: texts by path ("" is an empty file), in local spelling of paths."""

    subject: str
    local: SkillReading | None
    texts: Mapping[str, str]
    executable: frozenset[str] | None
    edges: Mapping[str, Edges]

    @classmethod
    def of(cls, local: SkillReading | None, to: Skill, edges: Mapping[str, Edges]) -> _Target:
        """Check every path and settle which texts shall lie where."""
        here = {_nfc(entry.path): entry.path for entry in local.folder.entries} if local else {}

        def settle(path: str) -> str:
            if trouble := path_problem(path):
                raise InvalidContent(
                    f"the path {path!r} is refused: {trouble}",
                    subject=to.name,
                    path=path,
                    unchanged="nothing was written for this skill",
                )
            return here.get(_nfc(path), path)

        files = {settle(path): text for path, text in to.files.items()}
        extra = to.extra
        if extra is None:
            empty = local.empty if local else frozenset()
            executable = None
        else:
            empty = frozenset(settle(path) for path in extra.empty)
            executable = frozenset(settle(path) for path in extra.executable)
        texts = dict.fromkeys(empty, "") | files
        texts = {path: text for path, text in texts.items() if not is_never_sent(path)}
        settled = cls(
            to.name, local, texts, executable, {here.get(_nfc(p), p): e for p, e in edges.items()}
        )
        settled._check_places()
        return settled

    def _check_places(self) -> None:
        """Refuse two paths in one place, and places where something lies that is not ours to replace."""
        entries = [*filter(_takes_part, self.local.folder.entries)] if self.local else []
        kept = {each.path for each in self.local.omitted} if self.local else set()
        for path in self.texts:
            if path in kept:
                raise self._refused(path, "a local file lies there that is never replaced")
        for one, other in collisions([*self.texts, *(entry.path for entry in entries)]):
            if one in self.texts or other in self.texts:
                reason = f"it cannot lie beside {one if other in self.texts else other}"
                hint = "rename the local file with git mv" if same_place(one, other) else ""
                raise self._refused(other if other in self.texts else one, reason, hint=hint)

    def _refused(self, path: str, reason: str, *, hint: str = "") -> InvalidContent:
        return InvalidContent(
            f"{path} cannot be written: {reason}",
            subject=self.subject,
            path=path,
            unchanged="nothing was written for this skill",
            hint=hint,
        )

    def written(self) -> Iterator[FileChange]:
        """Yield what is created or changed, by path."""
        for path in sorted(self.texts):
            entry = self.local.folder.entry(path) if self.local else None
            before = _bytes(entry)
            after = self._data(path, before)
            mode = self._mode(path, entry)
            if after != before or mode is not None:
                yield FileChange(path, before, after, executable=mode)

    def deleted(self) -> Iterator[FileChange]:
        """Yield the local files that take part and shall not be there."""
        if self.local is None:
            return
        for path in sorted({*self.local.raw_files, *self.local.empty} - self.texts.keys()):
            before = _bytes(self.local.folder.entry(path))
            yield FileChange(path, before, None)

    def _mode(self, path: str, entry: Entry | None) -> bool | None:
        if self.executable is None:
            return None
        wanted = path in self.executable
        return wanted if wanted != (entry is not None and entry.executable) else None

    def _data(self, path: str, before: bytes | None) -> bytes:
        text = self.texts[path]
        raw = "" if before is None else before.decode("utf-8")
        if not text:
            return before if before is not None and not canonical_text(raw) else b""
        if canonical_text(raw):
            spelled = respell(raw, text)
        else:
            leading, trailing = self.edges.get(path, USUAL)
            spelled = leading + text + trailing
        try:
            data = spelled.encode()
        except UnicodeEncodeError as error:
            raise self._refused(path, "its text is not Unicode") from error
        found = classify(Entry(path, data, len(data)))
        if isinstance(found, Omitted) or canonical_text(found) != text:
            raise self._refused(path, "its text would not read back the same")
        return data


def _nfc(path: str) -> str:
    return unicodedata.normalize("NFC", path)
