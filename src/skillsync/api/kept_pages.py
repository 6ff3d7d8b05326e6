"""Pages of a list that were kept together with the ETag that the server gave them: what its 304 stands for.

The newest servers give every page of the list of skills a weak ETag that covers the user, the server's revision, the
sorted query and the rendered page (skills-api.md 12). So each page of a longer list is asked for by itself, a kept
one stands for that very page alone, and whether the pages fit together is decided as ever (``api/listing.py``). The
tag says that nothing else came instead; it saves bytes, and neither a request nor the server's work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from skillsync.api.answers import NOT_MODIFIED, Answer, NotJson, parse_json
from skillsync.api.listing import Query
from skillsync.model import Json

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,200}"')
"""An entity tag (RFC 9110, 8.8.3) in ASCII; ``*`` is none: it would be answered with 304 whatever is there."""


@dataclass(frozen=True, slots=True)
class KeptPage:
    """The body of a page, as it came, and its ETag."""

    tag: str
    body: bytes = field(repr=False)


class Pages(Protocol):
    """Keeps pages by their query. What is damaged or gone is as if it had never been kept; nothing is raised."""

    def recall(self, query: Query) -> KeptPage | None:
        """Return the page that was kept last for a query."""
        ...

    def keep(self, query: Query, page: KeptPage) -> None:
        """Keep a page in the place of an earlier one."""
        ...


class NoPages:
    """Keeps nothing."""

    def recall(self, query: Query) -> None:
        """Nothing was kept."""

    def keep(self, query: Query, page: KeptPage) -> None:
        """Forget it at once."""


def read_page(ask: Callable[[str], Answer], pages: Pages, query: Query) -> Json:
    """Return a page's JSON: from the answer, or the kept one where the server says that it would be the same.

    ``ask`` sends the request with a tag, or with none for "". A 304 that does not repeat the tag stands for nothing:
    then the page is asked for once more.
    """
    kept, value = _usable(pages.recall(query))
    answer = ask(kept.tag if kept else "")
    if kept is not None and answer.status == NOT_MODIFIED:
        if _is_same(tag_of(answer.headers), kept.tag):
            return value
        answer = ask("")
    tag = tag_of(answer.headers)
    if tag:
        pages.keep(query, KeptPage(tag, answer.body))
    return answer.json


def tag_of(headers: Mapping[str, str]) -> str:
    """Return the ETag that headers (names in lower case) name, "" where it is none that could be sent back."""
    tag = headers.get("etag", "")
    return tag if _TAG.fullmatch(tag) else ""


def _usable(page: KeptPage | None) -> tuple[KeptPage | None, Json]:
    """Return a kept page with its JSON; a page that cannot be read is none, so that the whole one is asked for."""
    if page is None or not _TAG.fullmatch(page.tag):
        return None, None
    try:
        return page, parse_json(page.body)
    except NotJson:
        return None, None


def _is_same(one: str, other: str) -> bool:
    """Compare two tags weakly (RFC 9110, 8.8.3.2); no tag is like no other."""
    return bool(one) and one.removeprefix("W/") == other.removeprefix("W/")
