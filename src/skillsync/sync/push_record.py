"""What the last push of this clone wrote to the remote, kept so that `undo` can take it back: a cache, never evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from skillsync.api.payload import Published
from skillsync.errors import InvalidContent
from skillsync.formats.canonical import info_digest, row_digest, skill_digest
from skillsync.model import (
    DatasetInfo,
    Entry,
    Json,
    Key,
    RemoteDataset,
    RemoteRow,
    RemoteSkill,
    Row,
    Version,
)
from skillsync.repo.files import write_all_atomic
from skillsync.repo.rescue import Rescue
from skillsync.sync.show import lay_out
from skillsync.sync.watched import Answered, Write, WriteKind

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.clock import Clock
    from skillsync.sync.workspace import Remote, Workspace

FILE = "last-push.jsonl"
MOST_WAITING = 100
"""So many lines about new rows wait at most until they are written: each write would slow a server on this disk down."""

_SCHEMA = "skillsync.last-push/1"
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """One write of the last push. ``done``: the server accepted it; else it is not known whether it did.

    ``version`` and ``id`` are what came of a publish or creation, ``digest`` the content that was stored. ``old`` is
    what was there before: a row, a dataset's own fields, the rescue copy of an archived skill, or the version that was
    renamed. ``undone``: it was
    taken back, and nothing is left to do; ``made`` is the id of the version that this came with, "" where there is none.
    """

    write: Write
    done: bool = False
    version: int = 0
    id: str = ""
    first: str = ""
    digest: str = ""
    old: Mapping[str, Json] = field(default_factory=dict)
    undone: bool = False
    made: str = ""

    @property
    def old_row(self) -> Row | None:
        """The row before, None when it was not seen."""
        fields, key = self.old.get("fields"), self.old.get("key")
        return Row(Key(key), fields) if isinstance(fields, dict) and isinstance(key, str) else None

    @property
    def old_info(self) -> DatasetInfo | None:
        """The dataset's own fields before, None when they are not known."""
        name, description = self.old.get("name"), self.old.get("description")
        if not isinstance(name, str) or not isinstance(description, str):
            return None
        return DatasetInfo(name, description, self.old.get("metadata"))

    def text(self, name: str) -> str:
        """A text among what was there before, "" when it is not."""
        value = self.old.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class PushRecord:
    """The last push of this clone: to which place, and its writes in order. ``damaged``: some lines are unreadable."""

    place: str
    target: str
    written: tuple[Written, ...]
    damaged: bool = False


class Recorder:
    """Writes the record while a push goes on; nothing is recorded of a push that writes nothing."""

    def __init__(self, workspace: Workspace, target: Target, clock: Clock) -> None:
        self._workspace = workspace
        self._target = target
        self._clock = clock
        self._path = workspace.repo.state_dir / FILE
        self._lock = Lock()
        self._is_open = False
        self._waiting: list[Mapping[str, Json]] = []
        self.accepted = 0
        """How many writes the server has accepted."""
        self._rows: dict[str, RemoteRow] = {}
        self._created: dict[str, Write] = {}

    def seen_row(self, row: RemoteRow) -> None:
        """Remember how a row is before it is changed."""
        self._rows[row.id] = row

    def before(self, write: Write, remote: Remote) -> None:
        """Note what is about to be sent and what was there; a skill about to be archived is copied whole."""
        old: dict[str, Json] = {}
        if write.kind is WriteKind.MARK:
            return  # it changes no content
        if write.kind is WriteKind.CREATE_SKILL:
            self._created[write.name] = write
        if write.kind is WriteKind.ARCHIVE:
            old = keep_copy(self._workspace, remote.skills.read(write.name), self._clock)
        elif write.kind is WriteKind.RENAME_SKILL:
            old = {"id": remote.skills.head(write.name).id}
        elif write.old is not None:
            old = {
                "name": write.old.name,
                "description": write.old.description,
                "metadata": write.old.metadata,
            }
        elif write.id in self._rows:
            row = self._rows[write.id]
            old = {
                "fields": dict(row.row.fields),
                "key": str(row.row.key),
                "own_key": row.own_key,
                "dataset": row.dataset,
            }
        self._append({"sent": _write_json(write), "old": old}, write)

    def after(self, write: Write, answer: Answered) -> None:
        """Note that the server accepted it; the version that marks a creation stands for the creation (B9)."""
        with self._lock:
            self.accepted += 1
        if write.kind is WriteKind.MARK:
            if write.name not in self._created:
                return
            write = self._created[write.name]
        self._append({"done": _write_json(write), "answer": _answer_json(answer)}, write)

    def flush(self) -> None:
        """Write down what waits; to be called when the push is over, however it ended."""
        with self._lock:
            self._flush()

    def _append(self, line: Mapping[str, Json], write: Write) -> None:
        """Note a line. New rows are written down some at a time: before them there was nothing that could be lost."""
        with self._lock:
            self._waiting.append(line)
            may_wait = write.kind is WriteKind.CREATE_ROW and len(self._waiting) < MOST_WAITING
            if not (may_wait and self._is_open):
                self._flush()

    def _flush(self) -> None:
        """A record that cannot be written costs the undo, never the push."""
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        with suppress(OSError):
            mode = "a" if self._is_open else "w"
            with self._path.open(mode, encoding="utf-8") as file:
                if not self._is_open:
                    file.write(_line(_header(self._target.place, self._target.name)))
                    self._is_open = True
                file.write("".join(map(_line, lines)))


def keep_copy(workspace: Workspace, skill: RemoteSkill, clock: Clock) -> dict[str, Json]:
    """Store a skill's version as a rescue copy before it is archived, and return how it is found again.

    One that could not be written as files (a hostile path, say) is kept as JSON: it can be read, not made again.
    """
    name = skill.version.name
    root = f"{workspace.settings.skills[0]}/{name}"
    try:
        entries = lay_out(skill, None).folder.entries
    except InvalidContent:
        data = json.dumps(asdict(skill), default=sorted).encode()
        entries = (Entry("archived.json", data, len(data)),)
    files = [
        (f"{root}/{entry.path}", entry.data or b"", "archived remotely", name) for entry in entries
    ]
    rescue = Rescue(workspace.repo).store(files, now=clock.now())
    executable: list[Json] = [entry.path for entry in entries if entry.executable]
    return {
        "rescue": rescue,
        "root": root,
        "executable": executable,
        "version": skill.version.number,
    }


# ---------------------------------------------------------------- the file


def read_record(workspace: Workspace) -> PushRecord | None:
    """Read the record of the last push, None when there is none or nothing of it can be read."""
    path = workspace.repo.state_dir / FILE
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return _parse(lines)


def _parse(lines: Iterable[str]) -> PushRecord | None:
    found: dict[Write, Written] = {}
    head: Mapping[str, Json] | None = None
    damaged = False
    for text in lines:
        try:
            line = json.loads(text)
            if head is None:
                if line["schema"] != _SCHEMA:
                    return None
                head = {"place": str(line["place"]), "target": str(line["target"])}
            elif "written" in line:
                one = _written(line["written"])
                found[one.write] = one
            else:
                _take(line, found)
        except (ValueError, KeyError, TypeError, AttributeError):
            damaged = True
    if head is None:
        return None
    return PushRecord(str(head["place"]), str(head["target"]), tuple(found.values()), damaged)


def _take(line: Mapping[str, Json], found: dict[Write, Written]) -> None:
    if "sent" in line:
        write = _write(line["sent"])
        old = line.get("old")
        if write not in found:  # what was there before the first try is what was there
            found[write] = Written(write, old=old if isinstance(old, dict) else {})
        return
    write = _write(line["done"])
    before = found.get(write, Written(write))
    answer = line.get("answer")
    facts = answer if isinstance(answer, dict) else {}
    number = facts.get("version")
    found[write] = Written(
        write,
        done=True,
        version=number if isinstance(number, int) else 0,
        id=str(facts.get("id", "")),
        first=str(facts.get("first", "")),
        digest=str(facts.get("digest", "")),
        old=before.old,
    )


def write_record(workspace: Workspace, record: PushRecord) -> None:
    """Keep a record with what was taken back of it: a second undo must know that there was a first."""
    path = workspace.repo.state_dir / FILE
    lines = [_line(_header(record.place, record.target))]
    lines += [_line({"written": _written_json(one)}) for one in record.written]
    write_all_atomic(path.parent, {path.name: "".join(lines).encode()})


def _header(place: str, target: str) -> dict[str, Json]:
    return {"schema": _SCHEMA, "place": place, "target": target}


def _line(value: Mapping[str, Json]) -> str:
    return json.dumps(value, ensure_ascii=True) + "\n"


def _write_json(write: Write) -> dict[str, Json]:
    return {
        "kind": str(write.kind),
        "name": write.name,
        "id": write.id,
        "key": write.key,
        "base": write.base,
        "first": write.first,
    }


def _write(value: Json) -> Write:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    base = value["base"]
    if not isinstance(base, int):
        raise TypeError("not a number")
    return Write(
        WriteKind(str(value["kind"])),
        str(value["name"]),
        str(value["id"]),
        str(value["key"]),
        base,
        str(value["first"]),
    )


def _answer_json(answer: Answered) -> dict[str, Json]:
    match answer:
        case Published(version=version, skill=skill):
            return {
                "version": version.number,
                "id": version.id,
                "first": version.first,
                "digest": skill_digest(skill.content),
            }
        case Version(number=number, id=id, first=first):
            return {"version": number, "id": id, "first": first}
        case RemoteDataset():
            return {"id": answer.id, "digest": info_digest(answer.info)}
        case RemoteRow():
            return {"id": answer.id, "digest": row_digest(answer.row)}
        case None:
            return {}


def _written_json(one: Written) -> dict[str, Json]:
    return {
        "write": _write_json(one.write),
        "done": one.done,
        "version": one.version,
        "id": one.id,
        "first": one.first,
        "digest": one.digest,
        "old": dict(one.old),
        "undone": one.undone,
        "made": one.made,
    }


def _written(value: Mapping[str, Json]) -> Written:
    old, number = value["old"], value["version"]
    if not isinstance(old, dict) or not isinstance(number, int):
        raise TypeError("not as it was written")
    return Written(
        _write(value["write"]),
        value["done"] is True,
        number,
        str(value["id"]),
        str(value["first"]),
        str(value["digest"]),
        old,
        value.get("undone") is True,
        str(value.get("made", "")),
    )
