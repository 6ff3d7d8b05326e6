"""Remembers the rows of a dataset at a revision, the bases that pointers name, and which item a key was.

All are caches in the strict sense (P7). A revision never changes, and it is known again by its UUID; the bases are
kept under their own digest, and believed only if they have it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.api.dataset_port import Keep, whole
from skillsync.core.row_bases import bases_digest
from skillsync.core.row_states import ABSENT
from skillsync.model import Author, Json, Key, RemoteDataset, RemoteRow, Row
from skillsync.repo.disk import temp_name
from skillsync.repo.files import write_all_atomic

if TYPE_CHECKING:
    from skillsync.model import Digest
    from skillsync.sync.workspace import Workspace

FOLDER = "rows"
MOST_BASES = 32
"""So many bases are kept; the oldest go."""

_FORMAT = 3


def remember_rows(workspace: Workspace, dataset: RemoteDataset, rows: Iterable[RemoteRow]) -> None:
    """Keep the live rows of a dataset at its revision, a line each, and last the digest of all these lines."""
    if not dataset.revision_id:
        return
    folder = _folder(workspace)
    aside = folder / temp_name()
    seen = hashlib.sha256()
    with suppress(OSError, UnicodeError):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as file:
                for line in _snapshot(dataset, rows):
                    seen.update(line)
                    file.write(line)
                file.write(seen.hexdigest().encode())
            aside.replace(folder / f"{dataset.id}.jsonl")
        finally:
            aside.unlink(missing_ok=True)


def _snapshot(dataset: RemoteDataset, rows: Iterable[RemoteRow]) -> Iterator[bytes]:
    yield _head(dataset)
    for row in rows:
        yield json.dumps(_row_json(row), separators=(",", ":")).encode() + b"\n"


def _head(dataset: RemoteDataset) -> bytes:
    head = {"format": _FORMAT, "dataset": dataset.id, "revision": dataset.revision_id}
    return json.dumps(head).encode() + b"\n"


def recall_rows(
    workspace: Workspace, dataset: RemoteDataset, *, keep: Keep = whole
) -> tuple[RemoteRow, ...] | None:
    """Return the live rows of a dataset at its revision, None when they are not remembered. ``keep`` as in lists."""
    if not dataset.revision_id:
        return None
    try:
        with (_folder(workspace) / f"{dataset.id}.jsonl").open("rb") as file:
            head = file.readline()
            if head != _head(dataset):
                return None
            seen = hashlib.sha256(head)
            rows: list[RemoteRow] = []
            for line in file:
                if not line.endswith(b"\n"):
                    return tuple(rows) if line.decode() == seen.hexdigest() else None
                seen.update(line)
                rows.append(keep(_row(dataset.id, json.loads(line))))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return None


def remembered_ids(
    workspace: Workspace, dataset: RemoteDataset, rows: Sequence[RemoteRow], *, kept: Iterable[Key]
) -> dict[Key, str]:
    """Return the item ids that keys had in earlier lists, and remember those of this one; ``kept`` stay if missing.

    Where nothing shows what was deleted, a point read by its id is what tells a deleted item from one that a list
    left out. Deleting the file costs that read; the second list stays (P7).
    """
    name = f"ids-{dataset.id}.json"
    before: dict[Key, str] = {}
    with suppress(OSError, ValueError, AttributeError, RecursionError):
        found = json.loads((_folder(workspace) / name).read_text(encoding="utf-8"))
        before = {Key(key): str(value) for key, value in found.items()}
    now = {key: before[key] for key in kept if key in before}
    now |= {row.row.key: row.id for row in rows if row.own_key}
    if now != before:
        _write(workspace, name, json.dumps(now).encode())
    return before


def remember_bases(workspace: Workspace, base: Mapping[Key, str]) -> None:
    """Keep what was taken in, under its digest."""
    digests = {key: digest for key, digest in base.items() if digest != ABSENT}
    name = _base_name(bases_digest(digests))
    if (_folder(workspace) / name).is_file():
        return
    _write(workspace, name, json.dumps(digests).encode())
    with suppress(OSError):
        kept = sorted(
            _folder(workspace).glob("base-*.json"), key=lambda path: path.stat().st_mtime_ns
        )
        for path in kept[:-MOST_BASES]:
            path.unlink(missing_ok=True)


def recall_bases(workspace: Workspace, digest: Digest) -> dict[Key, str] | None:
    """Return the bases that have this digest, None when they are not remembered."""
    try:
        found = json.loads((_folder(workspace) / _base_name(digest)).read_text(encoding="utf-8"))
        base = {Key(key): str(value) for key, value in found.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return base if bases_digest(base) == digest else None


def _base_name(digest: Digest) -> str:
    return f"base-{digest.rpartition(':')[2][:32]}.json"


def _folder(workspace: Workspace) -> Path:
    return workspace.repo.state_dir / FOLDER


def _write(workspace: Workspace, name: str, data: bytes) -> None:
    """What cannot be kept costs requests, nothing else."""
    with suppress(OSError):
        write_all_atomic(_folder(workspace), {name: data}, names_last=False)


def _row_json(row: RemoteRow) -> list[Json]:
    return [
        row.id,
        row.row.key,
        dict(row.row.fields.items()),  # read once where they lie elsewhere
        row.created_at,
        row.updated_at,
        [row.author.id, row.author.label],
        row.own_key,
        row.version,
        row.version_id,
        row.revision,
        row.revision_id,
        [row.editor.id, row.editor.label] if row.editor else None,
    ]


def _row(dataset: str, value: list[Json]) -> RemoteRow:
    number, key, fields, created, updated, author, own, version, uuid, revision, its_id, editor = (
        value
    )
    if (
        not isinstance(fields, dict)
        or not isinstance(version, int)
        or not isinstance(revision, int)
    ):
        raise TypeError("not as it was written")
    return RemoteRow(
        str(number),
        dataset,
        Row(Key(str(key)), fields),
        str(created),
        str(updated),
        _author(author),
        own is True,
        version=version,
        version_id=str(uuid),
        revision=revision,
        revision_id=str(its_id),
        editor=None if editor is None else _author(editor),
    )


def _author(value: Json) -> Author:
    if not isinstance(value, list):
        raise TypeError("not as it was written")
    number, label = value
    return Author(number if isinstance(number, int) else None, str(label))
