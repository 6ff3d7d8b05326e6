"""Merge requests of our own branches on GitLab."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from skillsync.forge.gitlab import GitLab
from skillsync.forge.port import Calls, Forge, member, number_of, text_of
from skillsync.forge.proposals import LABEL, Proposal
from skillsync.model import Json


@dataclass(frozen=True)
class GitLabProposals:
    """Merge requests of ``project``, an id or a path, into ``base``."""

    calls: Calls
    project: str
    base: str

    @cached_property
    def _me(self) -> str:
        return text_of(self.calls.get("/user").json, "/user", "username")

    def me(self) -> str:
        """Return the login of the token's owner."""
        return self._me

    def open(self, prefix: str) -> list[Proposal]:
        """Return the open ones whose branch is in this very project."""
        path = self._requests()
        found = [
            self._read(one, path)
            for one in self.calls.pages(
                path, query=[("state", "opened"), ("target_branch", self.base)]
            )
            if member(one, "source_project_id") == member(one, "target_project_id")
        ]
        return [one for one in found if one.branch.startswith(prefix)]

    def numbers(self) -> list[int]:
        """Return every open one, those of forks included."""
        path = self._requests()
        found = self.calls.pages(path, query=[("state", "opened"), ("target_branch", self.base)])
        return [number_of(one, path, "iid") for one in found]

    def create(self, branch: str, title: str, body: str) -> Proposal:
        """Open one."""
        asked: dict[str, Json] = {
            "source_branch": branch, "target_branch": self.base, "title": title,
            "description": body, "labels": LABEL,
        }  # fmt: skip
        path = self._requests()
        answer = self.calls.transport.request("POST", self.calls.prefix + path, json=asked)
        return self._read(answer.json, path)

    def edit(self, number: int, title: str, body: str) -> None:
        """Set title and text."""
        words: dict[str, Json] = {"title": title, "description": body}
        self.calls.transport.request("PUT", self._one(number), json=words)

    def close(self, number: int) -> None:
        """Close without merging."""
        self.calls.transport.request("PUT", self._one(number), json={"state_event": "close"})

    def conversation(self, number: int) -> Forge:
        """Return what its notes are written through."""
        return GitLab(self.calls, self.project, number)

    def _requests(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests"

    def _one(self, number: int) -> str:
        return f"{self.calls.prefix}{self._requests()}/{number}"

    def _read(self, one: Json, path: str) -> Proposal:
        author, url = member(one, "author", "username"), member(one, "web_url")
        body = member(one, "description")
        return Proposal(
            number_of(one, path, "iid"),
            text_of(one, path, "source_branch"),
            text_of(one, path, "sha"),
            text_of(one, path, "title"),
            body if isinstance(body, str) else "",
            author if isinstance(author, str) else "",
            url if isinstance(url, str) else "",
        )
