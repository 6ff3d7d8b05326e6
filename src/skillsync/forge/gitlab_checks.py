"""Checks on GitLab: commit statuses that our own token wrote, and the merge requests behind a commit."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from skillsync.forge.attest import NAME, Attestation, Pull, facts_line, read_facts
from skillsync.forge.port import Calls, member, number_of, text_of
from skillsync.model import Json
from skillsync.repo.git_formats import is_object_id


@dataclass(frozen=True, slots=True)
class GitLabChecks:
    """Checks of ``project``, an id or a path. A status has room for the facts, and for no list of operations."""

    calls: Calls
    project: str

    def attest(self, said: Attestation) -> None:
        """Write a commit status."""
        path = f"{self.calls.prefix}{self._project()}/statuses/{said.head}"
        body: dict[str, Json] = {
            "name": NAME,
            "state": "success" if said.passed else "failed",
            "description": facts_line(said),
        }
        self.calls.transport.request("POST", path, json=body)

    def attested(self, commit: str) -> list[Attestation]:
        """Return the statuses of our name that our own token wrote, the newest first."""
        me = text_of(self.calls.get("/user").json, "/user", "username")
        path = f"{self._project()}/repository/commits/{commit}/statuses"
        found: list[tuple[int, Attestation]] = []
        for one in self.calls.pages(path, query=[("name", NAME), ("all", "true")]):
            said = member(one, "description")
            facts = read_facts(said) if isinstance(said, str) else None
            is_ours = member(one, "author", "username") == me and member(one, "name") == NAME
            if facts is None or not is_ours:
                continue
            plan, base, mode = facts
            passed = member(one, "status") == "success"
            found.append(
                (number_of(one, path, "id"), Attestation(commit, base, plan, mode, passed))
            )
        return [said for _, said in sorted(found, key=lambda pair: -pair[0])]

    def pulls_of(self, commit: str) -> list[Pull]:
        """Return the merged merge requests that brought a commit."""
        path = f"{self._project()}/repository/commits/{commit}/merge_requests"
        found = []
        for one in self.calls.pages(path):
            head = member(one, "sha")
            if member(one, "state") == "merged" and isinstance(head, str) and is_object_id(head):
                found.append(Pull(number_of(one, path, "iid"), head))
        return found

    def _project(self) -> str:
        return f"/projects/{quote(self.project, safe='')}"
