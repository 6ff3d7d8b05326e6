"""Remembers the rows of a dataset at a revision, the bases that pointers name, and which item a key was.

All are caches in the strict sense (P7). A revision never changes, and it is known again by its UUID; the bases are
kept under their own digest, and believed only if they have it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.api.dataset_port import Collect
from skillsync.api.listing import Whole, sequence
from skillsync.core.row_bases import bases_digest
from skillsync.core.row_states import ABSENT
from skillsync.formats.kept_remote import KeptRows, row_from
from skillsync.formats.short_digests import ShortDigests
from skillsync.model import Key, RemoteDataset, RemoteRow
from skillsync.repo.disk import temp_name

if TYPE_CHECKING:
    from skillsync.formats.kept_rows import KeptLines
    from skillsync.model import Digest
    from skillsync.sync.workspace import Workspace

FOLDER = "rows"
MOST_BASES = 32
"""So many bases are kept; the oldest go."""

_FORMAT = 3


def remember_rows(workspace: Workspace, dataset: RemoteDataset, records: Iterable[bytes]) -> None:
    """Keep the live rows of a dataset at its revision, a line each, and last the digest of all these lines.

    ``records`` are the rows as ``record_of`` makes them.
    """
    if not dataset.revision_id:
        return
    folder = _folder(workspace)
    aside = folder / temp_name()
    seen = hashlib.sha256()
    with suppress(OSError, UnicodeError):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as file:
                for line in _snapshot(dataset, records):
                    seen.update(line)
                    file.write(line)
                file.write(seen.hexdigest().encode())
            aside.replace(folder / f"{dataset.id}.jsonl")
        finally:
            aside.unlink(missing_ok=True)


def _snapshot(dataset: RemoteDataset, records: Iterable[bytes]) -> Iterator[bytes]:
    yield _head(dataset)
    for record in records:
        yield record + b"\n"


def _head(dataset: RemoteDataset) -> bytes:
    head = {"format": _FORMAT, "dataset": dataset.id, "revision": dataset.revision_id}
    return json.dumps(head).encode() + b"\n"


def recall_rows(
    workspace: Workspace, dataset: RemoteDataset, *, collect: Collect = Whole
) -> Sequence[RemoteRow] | None:
    """Return the live rows of a dataset at its revision, None when they are not remembered. ``collect`` as in lists."""
    if not dataset.revision_id:
        return None
    try:
        with (_folder(workspace) / f"{dataset.id}.jsonl").open("rb") as file:
            head = file.readline()
            if head != _head(dataset):
                return None
            seen = hashlib.sha256(head)
            rows = collect()
            for line in file:
                if not line.endswith(b"\n"):
                    return sequence(rows) if line.decode() == seen.hexdigest() else None
                seen.update(line)
                rows.add(row_from(json.loads(line), dataset.id))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return None


def remembered_ids(
    workspace: Workspace, dataset: RemoteDataset, rows: KeptRows, *, kept: Collection[Key]
) -> dict[Key, str]:
    """Return the item ids that keys had in earlier lists and that this one lacks, and remember those of this one.

    Those of ``kept`` stay. Where nothing shows what was deleted, a point read by its id is what tells a deleted item
    from one that a list left out. Deleting the file costs that read; the second list stays (P7).
    """
    path = _folder(workspace) / f"ids-{dataset.id}.jsonl"
    missing = dict(_missing_ids(path, rows, kept))
    aside = path.with_name(temp_name())
    before, now = hashlib.sha256(), hashlib.sha256()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as file:
                for line in _id_lines(rows, missing):
                    now.update(line)
                    file.write(line)
            with suppress(FileNotFoundError), path.open("rb") as old:
                for line in old:
                    before.update(line)
            if before.digest() != now.digest():
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    return missing


def _missing_ids(path: Path, rows: KeptRows, kept: Collection[Key]) -> Iterator[tuple[Key, str]]:
    with suppress(OSError, ValueError, TypeError, RecursionError), path.open("rb") as file:
        for line in file:
            key, number = json.loads(line)
            if not rows.has(key) and key in kept:
                yield Key(str(key)), str(number)


def _id_lines(rows: KeptRows, missing: Mapping[Key, str]) -> Iterator[bytes]:
    for number, key in enumerate(rows.keys):
        if rows.is_own(number):
            yield json.dumps([key, rows.id_of(number)]).encode() + b"\n"
    for key, id_then in missing.items():
        yield json.dumps([key, id_then]).encode() + b"\n"


def remember_bases(workspace: Workspace, base: Mapping[Key, str]) -> None:
    """Keep what was taken in, under its digest."""
    path = _folder(workspace) / _base_name(bases_digest(base))
    if path.is_file():
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(temp_name())
        try:
            with aside.open("x", encoding="utf-8") as file:
                for key, digest in base.items():
                    if digest != ABSENT:
                        file.write(json.dumps([key, digest]) + "\n")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        kept = sorted(
            _folder(workspace).glob("base-*.json*"), key=lambda path: path.stat().st_mtime_ns
        )
        for path in kept[:-MOST_BASES]:
            path.unlink(missing_ok=True)


def recall_bases(
    workspace: Workspace, digest: Digest, *, like: KeptLines | None = None
) -> Mapping[Key, str] | None:
    """Return the bases that have this digest, None when they are not remembered. ``like`` as of ``ShortDigests``."""
    base = ShortDigests(like)
    try:
        with (_folder(workspace) / _base_name(digest)).open("rb") as file:
            for line in file:
                key, value = json.loads(line)
                base[Key(str(key))] = str(value)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return base if bases_digest(base) == digest else None


def _base_name(digest: Digest) -> str:
    return f"base-{digest.rpartition(':')[2][:32]}.jsonl"


def _folder(workspace: Workspace) -> Path:
    return workspace.repo.state_dir / FOLDER
