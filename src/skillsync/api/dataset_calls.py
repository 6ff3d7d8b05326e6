"""What the generations of the datasets API share: requests below the project, lists, and answers of writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

from skillsync.api.answers import Answer
from skillsync.api.dataset_port import LIMITS_HEADER, Limits, parse_limits
from skillsync.api.detect import Project
from skillsync.api.listing import Collected, Listing, Page, Query, Whole, page_from, read_listing
from skillsync.api.telling import Step
from skillsync.errors import BadAnswer
from skillsync.model import Json

T = TypeVar("T")

PAGE = 1_000
"""Entries asked for at a time; a server may give fewer (datasets-api.md 4)."""

DATASETS = "datasets/"
ITEMS = "dataset_items/"


class Calls:
    """Sends what has the same form in every generation."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.capabilities = project.capabilities
        self.limits: Limits | None = None

    def listing(
        self,
        path: str,
        *,
        first: Query,
        parse: Callable[[Json], T],
        subject: str,
        identity: str = "id",
        collect: Callable[[], Collected[T]] = Whole,
    ) -> Listing[T]:
        """Read a list to its end; ``identity`` names the field by which a repetition shows."""
        with self.reading(path) as on_page:
            return read_listing(
                lambda query: self.page(path, query, subject=subject),
                first=first,
                key_of=lambda item: str(item.get(identity)),
                parse=lambda item: parse(dict(item)),
                subject=subject,
                on_page=on_page,
                collect=collect,
            )

    @contextmanager
    def reading(self, path: str) -> Iterator[Callable[[Page], None]]:
        """Tell how far the reading of rows is, page by page; the first page says how many there are."""
        telling, is_begun = self.project.transport.telling, False

        def on_page(page: Page) -> None:
            nonlocal is_begun
            if path != ITEMS or not page.count:
                return
            if not is_begun:
                is_begun = True
                cost = 1 / max(len(page.results), 1)
                telling.begin(Step("reading", "", total=page.count, cost=cost))
            telling.done(len(page.results))

        try:
            yield on_page
        finally:
            if is_begun:
                telling.end()

    def page(self, path: str, query: Query, *, subject: str) -> Page:
        """Read one page of a list; what it shows of datasets and items tells the generation."""
        answer = self.project.request("GET", path, query=query, subject=subject)
        if LIMITS_HEADER in answer.headers:
            self.limits = parse_limits(answer.headers[LIMITS_HEADER])
        full = f"/api/projects/{self.project.number}/{path}"
        page = page_from(answer.json, path=full, subject=subject)
        for item in page.results[:1]:
            self.capabilities.note_dataset(item)
        return page

    def written(self, answer: Answer, parse: Callable[[Json], T]) -> T:
        """The result of a write; one that cannot be read leaves open what happened."""
        try:
            return parse(answer.json)
        except BadAnswer as error:
            error.indeterminate = True
            raise


def one(collection: str, number: str) -> str:
    """Return the path of one thing. BadAnswer for what cannot be an id."""
    if number in {"", ".", ".."}:
        raise BadAnswer(f"{number!r} cannot be an id")
    return f"{collection}{quote(number, safe='')}/"


def not_done(subject: str, what: str) -> BadAnswer:
    """The error for a write that was answered and not carried out."""
    return BadAnswer(
        f"{subject}: the server answered, but {what}", subject=subject, indeterminate=True
    )
