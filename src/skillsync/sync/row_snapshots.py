"""Remembers the rows of a dataset at a revision, and the bases that pointers name, so that neither is asked for twice.

Both are caches in the strict sense (P7). A revision never changes, and it is known again by its UUID; the bases are
kept under their own digest, and believed only if they have it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.core.row_bases import bases_digest
from skillsync.core.row_states import ABSENT
from skillsync.model import Author, Json, Key, RemoteDataset, RemoteRow, Row
from skillsync.repo.files import write_all_atomic

if TYPE_CHECKING:
    from skillsync.model import Digest
    from skillsync.sync.workspace import Workspace

FOLDER = "rows"
MOST_BASES = 32
"""So many bases are kept; the oldest go."""

_FORMAT = 2


def remember_rows(workspace: Workspace, dataset: RemoteDataset, rows: Sequence[RemoteRow]) -> None:
    """Keep the live rows of a dataset at its revision."""
    if not dataset.revision_id:
        return
    lines = [json.dumps(_row_json(row), separators=(",", ":")).encode() for row in rows]
    head = json.dumps(
        {
            "format": _FORMAT,
            "dataset": dataset.id,
            "revision": dataset.revision_id,
            "sha256": _digest(lines),
        }
    )
    _write(workspace, f"{dataset.id}.jsonl", b"\n".join([head.encode(), *lines]))


def recall_rows(workspace: Workspace, dataset: RemoteDataset) -> tuple[RemoteRow, ...] | None:
    """Return the live rows of a dataset at its revision, None when they are not remembered."""
    if not dataset.revision_id:
        return None
    try:
        with (_folder(workspace) / f"{dataset.id}.jsonl").open("rb") as file:
            head = json.loads(file.readline())
            wanted = (_FORMAT, dataset.id, dataset.revision_id)
            if (head["format"], head["dataset"], head["revision"]) != wanted:
                return None
            begin = file.tell()
            if head["sha256"] != _digest(line.removesuffix(b"\n") for line in file):
                return None
            # The same open file once more: it is replaced as a whole and never written into.
            file.seek(begin)
            return tuple(_row(dataset.id, json.loads(line)) for line in file)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


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


def _digest(lines: Iterable[bytes]) -> str:
    """Return the digest of lines, each with its end."""
    found = hashlib.sha256()
    for line in lines:
        found.update(line + b"\n")
    return found.hexdigest()


def _row_json(row: RemoteRow) -> list[Json]:
    return [
        row.id,
        row.row.key,
        dict(row.row.fields),
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
