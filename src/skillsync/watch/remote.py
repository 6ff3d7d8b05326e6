"""Reads the remote's lists and returns what stands for them: the same text, nothing to take in. Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from skillsync.errors import NotAuthenticated, RemoteError, Throttled, Unreachable
from skillsync.watch.pace import least_interval
from skillsync.watch.values import Lists, Polled

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.model import RemoteDataset
    from skillsync.sync.workspace import Remote


def poll(remote: Remote, target: Target) -> Polled:
    """Read the list of skills, that of datasets, and the items of datasets that keep no versions.

    Raises RemoteError when there is no usable answer.
    """
    listing = remote.skills.list()
    skills = {version.name: _short(repr(version)) for version in listing.items}
    rest = _short(
        repr((listing.complete, listing.problems)),
        *_datasets(remote, target),
    )
    requests = remote.transport.requests.reads
    least = least_interval(requests, is_local=remote.transport.is_local)
    return Polled(Lists(skills, rest), requests, least)


def _short(*lines: str) -> str:
    seen = hashlib.blake2b(digest_size=16)
    for line in lines:
        seen.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return seen.hexdigest()


def _datasets(remote: Remote, target: Target) -> Iterator[str]:
    if target.datasets == ():
        return
    try:
        listing = remote.datasets.list()
        yield f"datasets {listing.complete}"
        for dataset in sorted(listing.items, key=lambda one: one.id):
            if target.takes_dataset(dataset.info.name, dataset.own_slug):
                yield repr(dataset)
                yield from _rows(remote, dataset)
    except (NotAuthenticated, Throttled, Unreachable):
        raise
    except RemoteError as error:
        yield f"datasets {error.code}"  # a pull says what is wrong


def _rows(remote: Remote, dataset: RemoteDataset) -> Iterator[str]:
    """Yield the items, unless the dataset's revision speaks for them."""
    if getattr(dataset, "revision", None) is not None:
        return
    rows = remote.datasets.list_rows(dataset.id)
    yield f"rows {rows.complete}"
    yield from sorted(repr(row) for row in rows.items)
