"""What is sent for a page that was kept, and what a 304 stands for: as tables, without a server."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from skillsync.api.answers import Answer
from skillsync.api.kept_pages import KeptPage, NoPages, read_page, tag_of
from skillsync.api.listing import Query

QUERY: Query = (("order_by", "name"), ("limit", 1000))
OLD, NEW = b'{"count": 1}', b'{"count": 2}'


@dataclass
class Shelf:
    """Pages in memory."""

    kept: dict[Query, KeptPage] = field(default_factory=dict)

    def recall(self, query: Query) -> KeptPage | None:
        return self.kept.get(query)

    def keep(self, query: Query, page: KeptPage) -> None:
        self.kept[query] = page


@dataclass
class Server:
    """Answers one request after the other and remembers the tags that were sent."""

    answers: list[Answer]
    tags: list[str] = field(default_factory=list)

    def ask(self, tag: str) -> Answer:
        self.tags.append(tag)
        return self.answers.pop(0)


def whole(tag: str = 'W/"new"') -> Answer:
    return Answer(200, {"count": 2}, {"etag": tag} if tag else {}, NEW)


def same(tag: str) -> Answer:
    return Answer(304, None, {"etag": tag} if tag else {})


def test_a_page_is_kept_with_its_tag_and_named_with_the_next_request() -> None:
    shelf, server = Shelf(), Server([whole(), same('W/"new"')])
    assert read_page(server.ask, shelf, QUERY) == {"count": 2}
    assert shelf.kept == {QUERY: KeptPage('W/"new"', NEW)}
    assert read_page(server.ask, shelf, QUERY) == {"count": 2}
    assert server.tags == ["", 'W/"new"']


@pytest.mark.parametrize("told", ['W/"old"', '"old"'])
def test_tags_are_compared_weakly(told: str) -> None:
    shelf, server = Shelf({QUERY: KeptPage('W/"old"', OLD)}), Server([same(told)])
    assert read_page(server.ask, shelf, QUERY) == {"count": 1}
    assert server.tags == ['W/"old"']


@pytest.mark.parametrize("told", ["", 'W/"other"', "old", 'W/"ol d"'])
def test_a_304_that_does_not_repeat_the_tag_stands_for_nothing(told: str) -> None:
    shelf, server = Shelf({QUERY: KeptPage('W/"old"', OLD)}), Server([same(told), whole()])
    assert read_page(server.ask, shelf, QUERY) == {"count": 2}
    assert server.tags == ['W/"old"', ""]


@pytest.mark.parametrize(
    "kept",
    [
        KeptPage("*", OLD),
        KeptPage('W/"a", W/"b"', OLD),
        KeptPage('W/"a"\r\nX-Other: 1', OLD),
        KeptPage('W/"old"', b'{"count": 1'),
        KeptPage('W/"old"', b'{"count": 1, "count": 1}'),
        KeptPage('W/"old"', b"\xff"),
    ],
)
def test_what_cannot_be_used_is_not_named(kept: KeptPage) -> None:
    shelf, server = Shelf({QUERY: kept}), Server([whole()])
    assert read_page(server.ask, shelf, QUERY) == {"count": 2}
    assert server.tags == [""]


def test_without_a_tag_nothing_is_kept() -> None:
    for tag in ("", "*", "unquoted"):
        shelf, server = Shelf(), Server([whole(tag)])
        assert read_page(server.ask, shelf, QUERY) == {"count": 2}
        assert shelf.kept == {}


def test_who_keeps_nothing_names_no_tag() -> None:
    server = Server([whole(), whole()])
    for _ in range(2):
        assert read_page(server.ask, NoPages(), QUERY) == {"count": 2}
    assert server.tags == ["", ""]


def test_a_tag_is_quoted_ascii() -> None:
    for header, tag in (('W/"a"', 'W/"a"'), ('"a"', '"a"'), ('w/"a"', ""), ('"é"', ""), ('"', "")):
        assert tag_of({"etag": header}) == tag
