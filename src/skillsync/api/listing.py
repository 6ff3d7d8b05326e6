"""Walks a paged list to its end and says whether it was complete (platform.md 7, datasets-api.md 2.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

from skillsync.errors import BadAnswer, RemoteError
from skillsync.formats.marks import Marks
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

    items: Sequence[T]
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


class Collected(Protocol[T]):
    """What the entries of a list are put into, one after the other; a sequence of them afterwards."""

    def add(self, item: T, /) -> None:
        """Put the next one in."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[T]: ...

    def __getitem__(self, at: int, /) -> T: ...


class Whole(list[T]):
    """Entries that are held as they came."""

    def add(self, item: T, /) -> None:
        """Put the next one in."""
        self.append(item)


@dataclass(slots=True)
class _Walk(Generic[T]):
    items: Collected[T]
    problems: list[Problem] = field(default_factory=list)
    seen: Marks = field(default_factory=Marks)
    """Of the ids. Two that have one mark make a list incomplete, so that nothing is concluded from it."""
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
    collect: Callable[[], Collected[T]] = Whole,
) -> Listing[T]:
    """Read all pages, drop repetitions by ``key_of``, and start again when the total is not ``count``.

    An entry that ``parse`` refuses with a RemoteError is a problem and the others go on. After the last
    restart the listing is returned with ``complete`` false. ``on_page`` sees every page. ``collect`` makes what the
    entries of one walk are put into. Raises BadAnswer for links that lead in circles.
    """

    def seen(query: Query) -> Page:
        page = fetch(query)
        if on_page is not None:
            on_page(page)
        return page

    for attempt in range(MOST_WALKS):
        walk = _Walk(collect())
        _walk(walk, seen, first=first, key_of=key_of, parse=parse, subject=subject)
        is_complete = walk.is_clean and walk.count == len(walk.seen)
        if is_complete or attempt == MOST_WALKS - 1:
            return Listing(sequence(walk.items), is_complete, tuple(walk.problems))
    raise AssertionError("not reached")


def sequence(items: Collected[T]) -> Sequence[T]:
    """Return what was collected, as it is unless it is a list that might still grow."""
    return tuple(items) if isinstance(items, Whole) else cast("Sequence[T]", items)


def _walk(
    walk: _Walk[T],
    fetch: Callable[[Query], Page],
    *,
    first: Query,
    key_of: Callable[[Mapping[str, Json]], str],
    parse: Callable[[Mapping[str, Json]], T],
    subject: str,
) -> None:
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
        del page  # it need not be there while the next one comes
        if query is not None and not new:
            walk.is_clean = False
            break


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
        if not walk.seen.add(key):
            # Shown twice: something moved between two pages, so something else may have been skipped.
            walk.is_clean = False
            continue
        new += 1
        try:
            walk.items.add(parse(row))
        except RemoteError as error:
            if error.reason == "generation":
                raise
            walk.problems.append(
                Problem(code=error.code, message=error.message, subject=error.subject or key)
            )
    return new
