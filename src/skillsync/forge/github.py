"""A pull request on GitHub: comments through REST, our own login through GraphQL's viewer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from skillsync.errors import BadAnswer, NotAllowed, NotFound, Throttled
from skillsync.forge.acks import Labelled
from skillsync.forge.decide import Comment
from skillsync.forge.port import Calls, member, number_of, text_of

_FORBIDDEN = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})


@dataclass(frozen=True, slots=True)
class GitHub:
    """Pull request ``number`` of ``repo`` (``owner/name``). ``graphql`` is the path of GraphQL at the same origin."""

    calls: Calls
    repo: str
    number: int
    graphql: str

    def me(self) -> str:
        """Ask GraphQL: `GET /user` is refused to the token of a workflow."""
        answer = self.calls.transport.request(
            "POST", self.graphql, json={"query": "query{viewer{login}}"}
        )
        errors = member(answer.json, "errors")
        if isinstance(errors, list) and errors:
            kind = member(errors[0], "type")
            if kind == "RATE_LIMITED":
                raise Throttled("GraphQL's viewer was refused: the rate limit is used up")
            if kind in _FORBIDDEN:
                raise NotAllowed("GraphQL's viewer was refused: the token may not ask for it")
            raise BadAnswer("GraphQL's viewer was answered with an error")
        return text_of(answer.json, self.graphql, "data", "viewer", "login")

    def head(self) -> str:
        """Return the head commit of the pull request."""
        path = f"/repos/{self.repo}/pulls/{self.number}"
        return text_of(self.calls.get(path).json, path, "head", "sha")

    def comments(self) -> list[Comment]:
        """Return every comment of the conversation; one whose author is gone belongs to nobody."""
        path = f"/repos/{self.repo}/issues/{self.number}/comments"
        found = []
        for one in self.calls.pages(path):
            author, body = member(one, "user", "login"), member(one, "body")
            found.append(
                Comment(
                    number_of(one, path, "id"),
                    author if isinstance(author, str) else "",
                    body if isinstance(body, str) else "",
                )
            )
        return found

    def create(self, body: str) -> None:
        """Write a new comment."""
        path = f"/repos/{self.repo}/issues/{self.number}/comments"
        self.calls.transport.request("POST", self.calls.prefix + path, json={"body": body})

    def update(self, id: int, body: str) -> None:  # noqa: A002  # what the door calls it
        """Replace the text of a comment."""
        self.calls.transport.request("PATCH", self._one(id), json={"body": body})

    def delete(self, id: int) -> None:  # noqa: A002  # what the door calls it
        """Remove a comment."""
        self.calls.transport.request("DELETE", self._one(id))

    def author(self) -> str:
        """Return who opened the pull request."""
        path = f"/repos/{self.repo}/pulls/{self.number}"
        return text_of(self.calls.get(path).json, path, "user", "login")

    def labelled(self) -> list[Labelled]:
        """Return what happened to its labels, the oldest first."""
        found = []
        for one in self.calls.pages(f"/repos/{self.repo}/issues/{self.number}/events"):
            label, by = member(one, "label", "name"), member(one, "actor", "login")
            at, what = member(one, "created_at"), member(one, "event")
            if what in {"labeled", "unlabeled"} and isinstance(label, str) and isinstance(at, str):
                login = by if isinstance(by, str) else ""
                found.append(Labelled(label, login, what == "labeled", at))
        return found

    def may_write(self, login: str) -> bool:
        """Ask for somebody's permission; whoever is no collaborator has none."""
        path = f"/repos/{self.repo}/collaborators/{quote(login, safe='')}/permission"
        try:
            return member(self.calls.get(path).json, "permission") in {"admin", "write"}
        except NotFound:
            return False

    def _one(self, number: int) -> str:
        return f"{self.calls.prefix}/repos/{self.repo}/issues/comments/{number}"


def find_pull(calls: Calls, *, repo: str, head_repo: str, branch: str, head: str) -> int | None:
    """Return the number of the open pull request whose branch ``head_repo:branch`` is at ``head``.

    The event of a `workflow_run` names none for a fork, so it is looked up. None: the branch moved on, or the
    pull request was closed.
    """
    path = f"/repos/{repo}/pulls"
    owner = head_repo.partition("/")[0]
    for one in calls.pages(path, query=[("state", "open"), ("head", f"{owner}:{branch}")]):
        place = (member(one, "head", "repo", "full_name"), member(one, "head", "ref"))
        if place == (head_repo, branch) and member(one, "head", "sha") == head:
            return number_of(one, path, "number")
    return None
