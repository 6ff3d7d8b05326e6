"""Walks a paged list to its end and says whether it was complete (platform.md 7, datasets-api.md 2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from skillsync.errors import BadAnswer, RemoteError
from skillsync.model import Json, Problem

T = TypeVar("T")

MOST_ITEMS = 2_000_000
MOST_WALKS = 4
"""One walk and at most three restarts (datasets-api.md 2.5)."""

Query = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What a list holds. Absence means something only when ``complete`` is true, and then not much (R7).

    ``problems`` name entries that could not be understood; they are not in ``items``.
    """

    items: tuple[T, ...]
    complete: bool
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the number of all entries, the entries, and the query of the next page (None: the last)."""

    count: int
    results: tuple[Mapping[str, Json], ...]
    following: Query | None


@dataclass(slots=True)
class _Walk(Generic[T]):
    items: dict[str, T] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    count: int = -1
    is_clean: bool = True


def page_from(value: Json, *, path: str, subject: str) -> Page:
    """Read ``{count, next, previous, results}``. Of ``next`` only the query is used: the origin and the path
    stay ours, so that no answer can lead the key elsewhere (platform.md 7).

    Raises BadAnswer for another shape, or a ``next`` whose path is not this list's.
    """
    if not isinstance(value, dict):
        raise BadAnswer(f"{subject}: the list is not an object", subject=subject)
    count, results, following = value.get("count"), value.get("results"), value.get("next")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise BadAnswer(f"{subject}: the list has no usable count", subject=subject)
    if not isinstance(results, list):
        raise BadAnswer(f"{subject}: the list has no results", subject=subject)
    rows = tuple(row for row in results if isinstance(row, dict))
    if len(rows) != len(results):
        raise BadAnswer(f"{subject}: the list holds something that is no object", subject=subject)
    return Page(count, rows, _query_of(following, path=path, subject=subject))


def _query_of(link: Json, *, path: str, subject: str) -> Query | None:
    if link is None:
        return None
    try:
        parts = urlsplit(link if isinstance(link, str) else "")
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise BadAnswer(
            f"{subject}: the link to the next page is unusable", subject=subject
        ) from error
    if not query or _collection(parts.path) != _collection(path):
        raise BadAnswer(f"{subject}: the link to the next page leads elsewhere", subject=subject)
    return tuple(query)


def _collection(path: str) -> str:
    """The path without its optional slash, and without the prefix that a server may rewrite."""
    return path.rstrip("/").replace("/api/environments/", "/api/projects/", 1)


def read_listing(
    fetch: Callable[[Query], Page],
    *,
    first: Query,
    key_of: Callable[[Mapping[str, Json]], str],
    parse: Callable[[Mapping[str, Json]], T],
    subject: str,
    on_page: Callable[[Page], None] | None = None,
) -> Listing[T]:
    """Read all pages, drop repetitions by ``key_of``, and start again when the total is not ``count``.

    An entry that ``parse`` refuses with a RemoteError is a problem and the others go on. After the last
    restart the listing is returned with ``complete`` false. ``on_page`` sees every page. Raises BadAnswer for links
    that lead in circles.
    """

    def seen(query: Query) -> Page:
        page = fetch(query)
        if on_page is not None:
            on_page(page)
        return page

    walk: _Walk[T] = _Walk()
    for _ in range(MOST_WALKS):
        walk = _walk(seen, first=first, key_of=key_of, parse=parse, subject=subject)
        if walk.is_clean and walk.count == len(walk.seen):
            return Listing(tuple(walk.items.values()), True, tuple(walk.problems))
    return Listing(tuple(walk.items.values()), False, tuple(walk.problems))


def _walk(
    fetch: Callable[[Query], Page],
    *,
    first: Query,
    key_of: Callable[[Mapping[str, Json]], str],
    parse: Callable[[Mapping[str, Json]], T],
    subject: str,
) -> _Walk[T]:
    walk: _Walk[T] = _Walk()
    visited: set[Query] = set()
    query: Query | None = first
    while query is not None:
        if query in visited or len(walk.seen) > MOST_ITEMS:
            raise BadAnswer(f"{subject}: the list does not end", subject=subject)
        visited.add(query)
        page = fetch(query)
        new = _take(walk, page, key_of=key_of, parse=parse)
        walk.count = page.count
        query = page.following
        if query is not None and not new:
            walk.is_clean = False
            break
    return walk


def _take(
    walk: _Walk[T],
    page: Page,
    *,
    key_of: Callable[[Mapping[str, Json]], str],
    parse: Callable[[Mapping[str, Json]], T],
) -> int:
    """Add a page; return how many of its entries were new."""
    new = 0
    for row in page.results:
        key = key_of(row)
        if key in walk.seen:
            # Shown twice: something moved between two pages, so something else may have been skipped.
            walk.is_clean = False
            continue
        walk.seen.add(key)
        new += 1
        try:
            walk.items[key] = parse(row)
        except RemoteError as error:
            if error.reason == "generation":
                raise
            walk.problems.append(
                Problem(code=error.code, message=error.message, subject=error.subject or key)
            )
    return new
