"""Lets every write of a run to the remote be seen before it is sent, and refused, and seen again with its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from skillsync.api.datasets import DatasetsApi
from skillsync.api.skills import SkillsApi
from skillsync.sync.workspace import Connect, Remote

if TYPE_CHECKING:
    from skillsync.api.payload import Published, SkillPayload
    from skillsync.config import Target
    from skillsync.model import (
        DatasetInfo,
        Json,
        RemoteDataset,
        RemoteRow,
        RemoteSkill,
        Row,
        Version,
    )


Answered: TypeAlias = "Published | Version | RemoteDataset | RemoteRow | None"
"""What the server answered to a write; None where it answers nothing."""


class WriteKind(StrEnum):
    """What a write does."""

    CREATE_SKILL = "create skill"
    PUBLISH = "publish"
    MARK = "mark"
    RENAME_SKILL = "rename skill"
    ARCHIVE = "archive"
    CREATE_DATASET = "create dataset"
    PATCH_DATASET = "patch dataset"
    DELETE_DATASET = "delete dataset"
    UNDELETE_DATASET = "undelete dataset"
    CREATE_ROW = "create row"
    PATCH_ROW = "patch row"
    DELETE_ROW = "delete row"
    UNDELETE_ROW = "undelete row"


@dataclass(frozen=True, slots=True)
class Write:
    """One write. ``name`` is the skill's or the new dataset's slug, ``id`` the dataset's or the item's.

    ``base`` is the version a publish builds upon; ``key`` the row's, or the new name of a skill; ``first`` the incarnation of a publish; ``old``
    what a dataset's own fields were.
    """

    kind: WriteKind
    name: str = ""
    id: str = ""
    key: str = ""
    base: int = 0
    first: str = field(default="", compare=False)
    old: DatasetInfo | None = field(default=None, compare=False)


class Watch(Protocol):
    """Somebody who looks on. What it raises from ``before`` keeps the write from being sent."""

    def seen_row(self, row: RemoteRow) -> None:
        """A live row was read."""
        ...

    def before(self, write: Write, remote: Remote) -> None:
        """A write is about to be sent."""
        ...

    def after(self, write: Write, answer: Answered) -> None:
        """The server accepted it."""
        ...


@dataclass(frozen=True)
class _Both:
    """Two who look on; a write is sent only if neither objects, the one that came first asked first."""

    one: Watch
    other: Watch

    def seen_row(self, row: RemoteRow) -> None:
        self.one.seen_row(row)
        self.other.seen_row(row)

    def before(self, write: Write, remote: Remote) -> None:
        self.one.before(write, remote)
        self.other.before(write, remote)

    def after(self, write: Write, answer: Answered) -> None:
        self.one.after(write, answer)
        self.other.after(write, answer)


def watched(connect: Connect, watch: Watch) -> Connect:
    """Return a way to connect whose connections are watched, by those who watched them before as well.

    Rows are written from several threads at once: so are ``before`` and ``after`` called.
    """

    @contextmanager
    def connecting(target: Target) -> Iterator[Remote]:
        with connect(target) as inner:
            before = inner.watch if isinstance(inner, WatchedRemote) else None
            both = watch if before is None else _Both(before, watch)
            yield WatchedRemote(inner.target, inner.transport, inner.repo, watch=both)

    return connecting


@dataclass
class WatchedRemote(Remote):
    """A connection whose writes are announced."""

    watch: Watch | None = None

    @cached_property
    def skills(self) -> SkillsApi:
        """The skills side of the API."""
        assert self.watch is not None
        return _Skills(self, self.watch)

    @cached_property
    def datasets(self) -> DatasetsApi:
        """The datasets side of the API."""
        assert self.watch is not None
        return _Datasets(self, self.watch)


class _Skills(SkillsApi):
    def __init__(self, remote: Remote, watch: Watch) -> None:
        super().__init__(remote.transport, remote.target.project, **remote.skill_options)
        self._remote, self._watch = remote, watch

    def create(self, payload: SkillPayload) -> Published:
        write = Write(WriteKind.CREATE_SKILL, payload.name)
        self._watch.before(write, self._remote)
        answer = super().create(payload)
        self._watch.after(write, answer)
        return answer

    def publish(
        self, name: str, *, base: int, payload: SkillPayload, description: str = ""
    ) -> Published:
        write = Write(WriteKind.PUBLISH, name, base=base, first=payload.first)
        self._watch.before(write, self._remote)
        answer = super().publish(name, base=base, payload=payload, description=description)
        self._watch.after(write, answer)
        return answer

    def mark(self, basis: RemoteSkill, *, description: str) -> Published:
        version = basis.version
        write = Write(WriteKind.MARK, version.name, base=version.number, first=version.first)
        self._watch.before(write, self._remote)
        answer = super().mark(basis, description=description)
        self._watch.after(write, answer)
        return answer

    def rename(self, name: str, new_name: str) -> Version:
        write = Write(WriteKind.RENAME_SKILL, name, key=new_name)
        self._watch.before(write, self._remote)
        answer = super().rename(name, new_name)
        self._watch.after(write, answer)
        return answer

    def archive(self, name: str) -> None:
        write = Write(WriteKind.ARCHIVE, name)
        self._watch.before(write, self._remote)
        super().archive(name)
        self._watch.after(write, None)


class _Datasets(DatasetsApi):
    def __init__(self, remote: Remote, watch: Watch) -> None:
        super().__init__(remote.transport, remote.target.project)
        self._remote, self._watch = remote, watch

    def read_row(self, item_id: str, *, revision: int | None = None) -> RemoteRow:
        found = super().read_row(item_id, revision=revision)
        self._watch.seen_row(found)
        return found

    def read_any(self, item_id: str) -> RemoteRow:
        """Where only a write shows an archived row, it is announced as one."""
        write = None if self.guarantees.history else Write(WriteKind.PATCH_ROW, id=item_id)
        if write is not None:
            self._watch.before(write, self._remote)
        found = super().read_any(item_id)
        if write is not None:
            self._watch.after(write, found)
        self._watch.seen_row(found)
        return found

    def create(self, info: DatasetInfo, *, slug: str) -> RemoteDataset:
        write = Write(WriteKind.CREATE_DATASET, slug)
        self._watch.before(write, self._remote)
        answer = super().create(info, slug=slug)
        self._watch.after(write, answer)
        return answer

    def patch(self, remote: RemoteDataset, *, to: DatasetInfo) -> RemoteDataset:
        write = Write(WriteKind.PATCH_DATASET, remote.info.name, remote.id, old=remote.info)
        self._watch.before(write, self._remote)
        answer = super().patch(remote, to=to)
        self._watch.after(write, answer)
        return answer

    def delete(self, dataset_id: str) -> None:
        write = Write(WriteKind.DELETE_DATASET, id=dataset_id)
        self._watch.before(write, self._remote)
        super().delete(dataset_id)
        self._watch.after(write, None)

    def undelete(self, dataset_id: str) -> RemoteDataset:
        write = Write(WriteKind.UNDELETE_DATASET, id=dataset_id)
        self._watch.before(write, self._remote)
        answer = super().undelete(dataset_id)
        self._watch.after(write, answer)
        return answer

    def create_row(self, dataset: str, row: Row) -> RemoteRow:
        write = Write(WriteKind.CREATE_ROW, id=dataset, key=str(row.key))
        self._watch.before(write, self._remote)
        answer = super().create_row(dataset, row)
        self._watch.after(write, answer)
        return answer

    def update_row(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        write = Write(WriteKind.PATCH_ROW, id=now.id, key=_own_key(now))
        self._watch.seen_row(now)
        self._watch.before(write, self._remote)
        answer = super().update_row(now, fields)
        self._watch.after(write, answer)
        return answer

    def delete_row(self, now: RemoteRow) -> RemoteRow:
        write = Write(WriteKind.DELETE_ROW, id=now.id)
        self._watch.seen_row(now)
        self._watch.before(write, self._remote)
        answer = super().delete_row(now)
        self._watch.after(write, answer)
        return answer

    def undelete_row(self, item_id: str) -> RemoteRow:
        write = Write(WriteKind.UNDELETE_ROW, id=item_id)
        self._watch.before(write, self._remote)
        answer = super().undelete_row(item_id)
        self._watch.after(write, answer)
        return answer

    def bring_back(self, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
        patch = Write(WriteKind.PATCH_ROW, id=now.id, key=_own_key(now)) if fields else None
        write = Write(WriteKind.UNDELETE_ROW, id=now.id)
        for one in (patch, write):
            if one is not None:
                self._watch.before(one, self._remote)
        answer = super().bring_back(now, fields)
        for one in (patch, write):
            if one is not None:
                self._watch.after(one, answer)
        return answer


def _own_key(row: RemoteRow) -> str:
    return str(row.row.key) if row.own_key else ""
