"""Checks on GitHub: check runs of the app that runs workflows, and the pull requests behind a commit."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from skillsync.forge.attest import NAME, Attestation, Pull, read_facts, read_ops, text_of_ops
from skillsync.forge.port import Calls, member, number_of, unexpected
from skillsync.model import Json
from skillsync.repo.git_formats import is_object_id

APP = "github-actions"
"""The app whose check runs count: a workflow of this very repository made them."""


@dataclass(frozen=True, slots=True)
class GitHubChecks:
    """Checks of ``repo`` (``owner/name``)."""

    calls: Calls
    repo: str
    app: str = APP

    def attest(self, said: Attestation) -> None:
        """Make a check run: it ends with success or failure and nothing else, so that it blocks or does not."""
        path = f"{self.calls.prefix}/repos/{self.repo}/check-runs"
        body: dict[str, Json] = {
            "name": NAME,
            "head_sha": said.head,
            "external_id": said.plan,
            "status": "completed",
            "conclusion": "success" if said.passed else "failure",
            "output": {"title": said.title, "summary": said.summary, "text": text_of_ops(said)},
        }
        self.calls.transport.request("POST", path, json=body)

    def attested(self, commit: str) -> list[Attestation]:
        """Return the check runs of our name that the app made on a commit, the newest first."""
        path = f"/repos/{self.repo}/commits/{commit}/check-runs"
        answer = self.calls.get(path, query=[("check_name", NAME), ("filter", "latest")])
        runs = member(answer.json, "check_runs")
        if not isinstance(runs, list):
            raise unexpected(path, "has no check_runs")
        found: list[tuple[int, Attestation]] = []
        for one in runs:
            said = self._read(one, commit)
            if said is not None:
                found.append((number_of(one, path, "id"), said))
        return [said for _, said in sorted(found, key=lambda pair: -pair[0])]

    def _read(self, run: Json, commit: str) -> Attestation | None:
        text = member(run, "output", "text")
        facts = read_facts(text) if isinstance(text, str) else None
        is_ours = member(run, "app", "slug") == self.app and member(run, "name") == NAME
        is_whole = member(run, "head_sha") == commit and member(run, "status") == "completed"
        if not (is_ours and is_whole) or facts is None or not isinstance(text, str):
            return None
        plan, base, mode = facts
        if member(run, "external_id") != plan:
            return None
        passed = member(run, "conclusion") == "success"
        return Attestation(commit, base, plan, mode, passed, read_ops(text))

    def pulls_of(self, commit: str) -> list[Pull]:
        """Return the merged pull requests that brought a commit."""
        path = f"/repos/{self.repo}/commits/{quote(commit, safe='')}/pulls"
        found = []
        for one in self.calls.pages(path):
            head = member(one, "head", "sha")
            in_here = member(one, "base", "repo", "full_name") == self.repo
            merged = isinstance(member(one, "merged_at"), str)
            if in_here and merged and isinstance(head, str) and is_object_id(head):
                found.append(Pull(number_of(one, path, "number"), head))
        return found
