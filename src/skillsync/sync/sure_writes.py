"""Writes of the dataset API whose answer may be lost: what is there afterwards tells whether they were done (10.2).

None is sent a second time, but for those that name the version they build upon. Each raises what it would have raised where a look does not tell that it was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillsync.errors import BadAnswer, NotFound, Refused, RemoteError, Unreachable, VersionConflict
from skillsync.formats.canonical import info_digest, row_digest
from skillsync.model import DatasetInfo, Json, RemoteDataset, RemoteRow, Row
from skillsync.sync.clock import Clock
from skillsync.sync.workspace import Remote

LOOK_AGAIN_FOR = 30.0
"""Seconds that a creation without an answer is looked for before it is left pending (sync.md 10.2)."""

LOOK_PAUSE = 2.0
"""Seconds between two looks."""


class CreationPending(RemoteError):
    """The creation of a dataset had no answer, and the dataset does not show up: not sent again (sync.md 10.2)."""

    code = "E-INDETERMINATE"
    exit_code = 5


class NameTaken(RemoteError):
    """Another dataset, perhaps an archived one, has the name on a server where names are unique (3.2)."""

    code = "E-NAME-TAKEN"
    exit_code = 4


def create_dataset(remote: Remote, info: DatasetInfo, *, slug: str, clock: Clock) -> RemoteDataset:
    """Create a dataset that carries ``slug`` for us; without an answer look for it, as names may be doubled.

    Raises CreationPending when it does not show up, NameTaken where names are unique and this one is not free.
    """
    try:
        return remote.datasets.create(info, slug=slug)
    except Refused as error:
        if error.reason != "dataset_name_conflict":
            raise
        raise _name_taken(remote, info, slug) from error
    except RemoteError as error:
        if not error.indeterminate:
            raise
    end = clock.monotonic() + LOOK_AGAIN_FOR
    while True:
        for dataset in _datasets(remote):
            is_this = dataset.own_slug == slug and dataset.info.name == info.name.strip()
            if is_this and remote.is_own(dataset.author):
                return dataset
        if clock.monotonic() >= end:
            break
        clock.sleep(LOOK_PAUSE)
    raise CreationPending(
        "the server did not say whether the dataset was created, and it is not listed yet",
        subject=slug,
        unchanged="No row was sent.",
        hint="run the command again: it looks for the dataset before it creates it",
    )


def _name_taken(remote: Remote, info: DatasetInfo, slug: str) -> NameTaken:
    name = info.name.strip()
    archived = [one.id for one in remote.datasets.list(archived=True) if one.info.name == name]
    if archived:
        return NameTaken(
            f"an archived dataset is named {name!r}, and archived names stay taken on this server",
            subject=slug,
            unchanged="Nothing of this dataset was sent.",
            hint=f"skillsync adopt {slug} --id {archived[0]} brings it back; or give this one another name",
        )
    return NameTaken(
        f"a dataset is named {name!r} already",
        subject=slug,
        unchanged="Nothing of this dataset was sent.",
        hint="run the command again",
    )


def _datasets(remote: Remote) -> Sequence[RemoteDataset]:
    try:
        return remote.datasets.list().items
    except (Unreachable, BadAnswer):
        return ()


def patch_dataset(remote: Remote, now: RemoteDataset, *, to: DatasetInfo) -> RemoteDataset:
    """Change name, description and metadata of a dataset that was just read."""
    try:
        return remote.datasets.patch(now, to=to)
    except RemoteError as error:
        if not error.indeterminate:
            raise
        after = remote.datasets.read(now.id)
        if info_digest(after.info) == info_digest(now.info):
            raise
        return after


def delete_dataset(remote: Remote, number: str) -> None:
    """Delete a dataset softly."""
    try:
        remote.datasets.delete(number)
    except RemoteError as error:
        if not error.indeterminate:
            raise
        try:
            remote.datasets.read(number)
        except NotFound:
            return
        raise


def delete_row(remote: Remote, now: RemoteRow) -> RemoteRow | None:
    """Archive a row that is as ``now``, and return it as it is then, None where no answer says how."""
    try:
        return remote.datasets.delete_row(now)
    except RemoteError as error:
        if not error.indeterminate:
            raise
        if remote.datasets.guarantees.history:
            after = remote.datasets.read_any(now.id)
            if after.deleted:
                return after
            raise
        try:
            remote.datasets.read_row(now.id)
        except NotFound:
            return None
        raise


def update_row(
    remote: Remote, now: RemoteRow, fields: Mapping[str, Json], *, wanted: Row
) -> RemoteRow | None:
    """Change fields of a row whose versions guard it, so that it is ``wanted``; None: nobody knows whether it is.

    Without an answer the row tells: it is what was wanted; or it is as before, and then the identical request may go
    once more, as at most one of the two can be accepted (sync.md 9.2); or VersionConflict, somebody was faster.
    """
    for _ in range(2):
        try:
            return remote.datasets.update_row(now, fields)
        except VersionConflict:
            pass
        except RemoteError as error:
            if not error.indeterminate:
                raise
        after = remote.datasets.read_any(now.id)
        if not after.deleted and row_digest(after.row) == row_digest(wanted):
            return after
        if after.version != now.version:
            raise VersionConflict("somebody wrote the row meanwhile", current=after.version)
    return None


def bring_back(remote: Remote, now: RemoteRow, fields: Mapping[str, Json]) -> RemoteRow:
    """Bring the archived row ``now`` back with these fields changed, and return it."""
    try:
        return remote.datasets.bring_back(now, fields)
    except RemoteError as error:
        if not error.indeterminate:
            raise
        return remote.datasets.read_row(now.id)
