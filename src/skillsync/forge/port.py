"""The door to a forge: the few calls that one comment takes, whichever forge it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from skillsync.api.answers import Answer, Asked
from skillsync.api.transport import Transport
from skillsync.errors import BadAnswer
from skillsync.forge.decide import Comment
from skillsync.model import Json

_PER_PAGE = 100
_MOST_PAGES = 100


class Forge(Protocol):
    """One pull or merge request. Every call may raise a RemoteError; a write may then have happened."""

    def me(self) -> str:
        """Return the login that our comments are written under."""

    def head(self) -> str:
        """Return the commit that the pull request's branch is at now."""

    def comments(self) -> list[Comment]:
        """Return every comment; BadAnswer rather than a part of them."""

    def create(self, body: str) -> None:
        """Write a new comment."""

    def update(self, id: int, body: str) -> None:  # noqa: A002  # what forges call it
        """Replace the text of a comment."""

    def delete(self, id: int) -> None:  # noqa: A002  # what forges call it
        """Remove a comment; NotFound when it is gone already."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Requests below the API's address; answers are read as what the caller says they are."""

    transport: Transport
    prefix: str

    def get(self, path: str, *, query: Sequence[tuple[str, str | int]] = ()) -> Answer:
        """Read what stands below the API's address."""
        return self.transport.request("GET", self.prefix + path, query=query)

    def pages(
        self, path: str, *, query: Sequence[tuple[str, str | int]] = ()
    ) -> list[dict[str, Json]]:
        """Read a list to its end. Raises BadAnswer for what is no list of objects, or has no end."""
        found: list[dict[str, Json]] = []
        for page in range(1, _MOST_PAGES + 1):
            answer = self.get(path, query=[*query, ("per_page", _PER_PAGE), ("page", page)])
            if not isinstance(answer.json, list):
                raise unexpected(path, "is no list")
            for one in answer.json:
                if not isinstance(one, dict):
                    raise unexpected(path, "is no list of objects")
                found.append(one)
            if len(answer.json) < _PER_PAGE:
                return found
        raise unexpected(path, f"has more than {_MOST_PAGES} pages")


def unexpected(path: str, why: str) -> BadAnswer:
    """Return the error of an answer that is not what the forge documents."""
    return BadAnswer(
        f"{Asked('GET', path)} was answered, but what came {why}",
        hint="check the address of the forge's API",
    )


def member(value: Json, *names: str) -> Json:
    """Return what stands below ``names``, None where there is no such object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_of(value: Json, path: str, *names: str) -> str:
    """Return a text that has to be there; BadAnswer without."""
    found = member(value, *names)
    if not isinstance(found, str) or not found:
        raise unexpected(path, f"has no {'.'.join(names)}")
    return found


def number_of(value: Json, path: str, name: str) -> int:
    """Return a number that has to be there; BadAnswer without."""
    found = member(value, name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise unexpected(path, f"has no {name}")
    return found
