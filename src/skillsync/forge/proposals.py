"""The door to pull requests of our own branches: found, opened, kept up to date and closed, whichever forge it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from skillsync.forge.port import Forge

LABEL = "skillsync:pull"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An open pull or merge request of this repository's own branch ``branch``, which is at ``head``."""

    number: int
    branch: str
    head: str
    title: str
    body: str
    author: str
    url: str


class Proposals(Protocol):
    """The pull requests into one branch. Every call may raise a RemoteError; a write may then have happened."""

    def me(self) -> str:
        """Return the login that our pull requests are opened under."""

    def open(self, prefix: str) -> list[Proposal]:
        """Return the open ones whose branch begins with ``prefix`` and is of this very repository."""

    def numbers(self) -> list[int]:
        """Return every open one, those of forks included."""

    def create(self, branch: str, title: str, body: str) -> Proposal:
        """Open one, with our label."""

    def edit(self, number: int, title: str, body: str) -> None:
        """Set title and text."""

    def close(self, number: int) -> None:
        """Close without merging."""

    def conversation(self, number: int) -> Forge:
        """Return what its comments are written through."""


def keep(
    door: Proposals, there: Proposal | None, branch: str, title: str, body: str
) -> tuple[str, Proposal]:
    """Open the pull request of a branch, or set its words if it is ours and they differ; say which was done.

    Whoever opened it otherwise keeps their words.
    """
    if there is None:
        return "opened", door.create(branch, title, body)
    words = (there.title.strip(), there.body.replace("\r\n", "\n").strip())
    if there.author.casefold() != door.me().casefold() or words == (title, body.strip()):
        return "kept", there
    door.edit(there.number, title, body)
    return "updated", there
