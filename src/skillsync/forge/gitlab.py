"""A merge request on GitLab: its notes, through REST."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from skillsync.forge.acks import Labelled
from skillsync.forge.decide import Comment
from skillsync.forge.port import Calls, member, number_of, text_of

_DEVELOPER = 30
"""The access level from which on somebody may push (docs.gitlab.com, "Members API")."""


@dataclass(frozen=True, slots=True)
class GitLab:
    """Merge request ``number`` (its iid) of ``project``, an id or a path."""

    calls: Calls
    project: str
    number: int

    def me(self) -> str:
        """Return the login of the token's owner: of a project access token its bot user."""
        return text_of(self.calls.get("/user").json, "/user", "username")

    def head(self) -> str:
        """Return the head commit of the merge request."""
        return text_of(self.calls.get(self._request()).json, self._request(), "sha")

    def comments(self) -> list[Comment]:
        """Return every note that a person or program wrote."""
        found = []
        for one in self.calls.pages(f"{self._request()}/notes"):
            author, body = member(one, "author", "username"), member(one, "body")
            if member(one, "system") is not True:
                found.append(
                    Comment(
                        number_of(one, self._request(), "id"),
                        author if isinstance(author, str) else "",
                        body if isinstance(body, str) else "",
                    )
                )
        return found

    def create(self, body: str) -> None:
        """Write a new note."""
        path = f"{self.calls.prefix}{self._request()}/notes"
        self.calls.transport.request("POST", path, json={"body": body})

    def update(self, id: int, body: str) -> None:  # noqa: A002  # what the door calls it
        """Replace the text of a note."""
        self.calls.transport.request("PUT", self._one(id), json={"body": body})

    def delete(self, id: int) -> None:  # noqa: A002  # what the door calls it
        """Remove a note."""
        self.calls.transport.request("DELETE", self._one(id))

    def author(self) -> str:
        """Return who opened the merge request."""
        return text_of(self.calls.get(self._request()).json, self._request(), "author", "username")

    def labelled(self) -> list[Labelled]:
        """Return what happened to its labels, the oldest first."""
        found = []
        for one in self.calls.pages(f"{self._request()}/resource_label_events"):
            label, by = member(one, "label", "name"), member(one, "user", "username")
            at, what = member(one, "created_at"), member(one, "action")
            if what in {"add", "remove"} and isinstance(label, str) and isinstance(at, str):
                login = by if isinstance(by, str) else ""
                found.append(Labelled(label, login, what == "add", at))
        return found

    def may_write(self, login: str) -> bool:
        """Look somebody up among the members: a developer may push."""
        path = f"/projects/{quote(self.project, safe='')}/members/all"
        for one in self.calls.pages(path, query=[("query", login)]):
            level = member(one, "access_level")
            if member(one, "username") == login and isinstance(level, int):
                return level >= _DEVELOPER
        return False

    def _request(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests/{self.number}"

    def _one(self, number: int) -> str:
        return f"{self.calls.prefix}{self._request()}/notes/{number}"
