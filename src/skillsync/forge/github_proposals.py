"""Pull requests of our own branches on GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from skillsync.forge.github import GitHub
from skillsync.forge.port import Calls, Forge, member, number_of, text_of
from skillsync.forge.proposals import LABEL, Proposal
from skillsync.model import Json


@dataclass(frozen=True)
class GitHubProposals:
    """Pull requests of ``repo`` (``owner/name``) into ``base``. ``graphql`` is the path of GraphQL at the same origin."""

    calls: Calls
    repo: str
    base: str
    graphql: str

    @cached_property
    def _me(self) -> str:
        return GitHub(self.calls, self.repo, 0, self.graphql).me()

    def me(self) -> str:
        """Return the login of the token."""
        return self._me

    def open(self, prefix: str) -> list[Proposal]:
        """Return the open ones; a fork's branch may bear any name and is none of ours."""
        path = f"/repos/{self.repo}/pulls"
        found = [
            self._read(one, path)
            for one in self.calls.pages(path, query=[("state", "open"), ("base", self.base)])
            if member(one, "head", "repo", "full_name") == self.repo
        ]
        return [one for one in found if one.branch.startswith(prefix)]

    def numbers(self) -> list[int]:
        """Return every open one, those of forks included."""
        path = f"/repos/{self.repo}/pulls"
        found = self.calls.pages(path, query=[("state", "open"), ("base", self.base)])
        return [number_of(one, path, "number") for one in found]

    def create(self, branch: str, title: str, body: str) -> Proposal:
        """Open one; a label that cannot be set is no reason to fail."""
        path = f"/repos/{self.repo}/pulls"
        asked: dict[str, Json] = {"title": title, "head": branch, "base": self.base, "body": body}
        answer = self.calls.transport.request("POST", self.calls.prefix + path, json=asked)
        made = self._read(answer.json, path)
        labels: dict[str, Json] = {"labels": [LABEL]}
        self.calls.transport.request("POST", f"{self._issue(made.number)}/labels", json=labels)
        return made

    def edit(self, number: int, title: str, body: str) -> None:
        """Set title and text."""
        self.calls.transport.request(
            "PATCH", self._one(number), json={"title": title, "body": body}
        )

    def close(self, number: int) -> None:
        """Close without merging."""
        self.calls.transport.request("PATCH", self._one(number), json={"state": "closed"})

    def conversation(self, number: int) -> Forge:
        """Return what its comments are written through."""
        return GitHub(self.calls, self.repo, number, self.graphql)

    def _one(self, number: int) -> str:
        return f"{self.calls.prefix}/repos/{self.repo}/pulls/{number}"

    def _issue(self, number: int) -> str:
        return f"{self.calls.prefix}/repos/{self.repo}/issues/{number}"

    def _read(self, one: Json, path: str) -> Proposal:
        author, body, url = (
            member(one, "user", "login"),
            member(one, "body"),
            member(one, "html_url"),
        )
        return Proposal(
            number_of(one, path, "number"),
            text_of(one, path, "head", "ref"),
            text_of(one, path, "head", "sha"),
            text_of(one, path, "title"),
            body if isinstance(body, str) else "",
            author if isinstance(author, str) else "",
            url if isinstance(url, str) else "",
        )
