"""How commands reach a forge: the place from options and CI, the token, and a connection that honours rate limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.cli.boundary import Run

if TYPE_CHECKING:
    from skillsync.api.secret import Secret
    from skillsync.api.transport import Transport
    from skillsync.forge.attest import Checks
    from skillsync.forge.github import GitHub
    from skillsync.forge.gitlab import GitLab
    from skillsync.forge.place import Asked, Place
    from skillsync.forge.port import Calls
    from skillsync.forge.proposals import Proposals

TOKENS = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}
_PATIENCE = 900.0
"""Seconds that a rate limit may make us wait in sum: a job should end some day."""


def place_of(asked: Asked | None = None) -> Place:
    """Return which forge and project this is, and which pull request if CI runs for one. Raises UsageError."""
    from skillsync.forge.place import Asked, find_place
    from skillsync.review.ranges import read_event

    return find_place(asked or Asked(), os.environ, read_event(os.environ))


def find_token(run: Run, place: Place, token_file: Path | None = None) -> Secret | None:
    """Return the forge's token, None without one. Raises UsageError for a file that is none."""
    from skillsync.api.secret import Secret
    from skillsync.errors import UsageError

    if token_file is not None:
        path = run.directory / token_file
        if not path.is_file() or path.stat().st_size > 10_000:
            raise UsageError(f"there is no token file {token_file}", subject=str(token_file))
        return Secret(path.read_text("utf-8").strip(), source=f"the token in {token_file}")
    name = TOKENS[place.kind]
    value = os.environ.get(name, "").strip()
    return Secret(value, source=f"the token in {name}") if value else None


def forge_transport(run: Run, place: Place, token: Secret) -> Transport:
    """Open a connection to the forge; close it."""
    from skillsync.api.telling import Untold
    from skillsync.api.transport import Timeouts, Transport
    from skillsync.forge.refusals import translate

    class Waits(Untold):
        """Says every wait."""

        def waiting(self, seconds: float) -> None:
            """Say that the rate limit makes us wait that long."""
            run.out.note(f"the forge's rate limit: waiting {seconds:.0f} s")

    return Transport(
        host=place.origin,
        key=token,
        timeouts=Timeouts(patience=_PATIENCE),
        translate=translate,
        telling=Waits(),
    )


@contextmanager
def forge_calls(run: Run, place: Place, token_file: Path | None = None) -> Iterator[Calls]:
    """Open a connection that needs a token. Raises NotAuthenticated without one."""
    from skillsync.errors import NotAuthenticated
    from skillsync.forge.port import Calls

    token = find_token(run, place, token_file)
    if token is None:
        name = TOKENS[place.kind]
        raise NotAuthenticated("there is no token for the forge", hint=f"set {name}")
    with forge_transport(run, place, token) as transport:
        try:
            yield Calls(transport, place.prefix)
        except NotAuthenticated as error:
            error.hint = f"check {TOKENS[place.kind]}"
            raise


def checks_of(place: Place, calls: Calls) -> Checks:
    """Return the checks of a place's commits."""
    from skillsync.forge.github_checks import GitHubChecks
    from skillsync.forge.gitlab_checks import GitLabChecks

    if place.kind == "github":
        return GitHubChecks(calls, place.project)
    return GitLabChecks(calls, place.project)


def proposals_of(place: Place, calls: Calls, base: str) -> Proposals:
    """Return the pull requests into ``base``."""
    from skillsync.forge.github_proposals import GitHubProposals
    from skillsync.forge.gitlab_proposals import GitLabProposals

    if place.kind == "github":
        return GitHubProposals(calls, place.project, base, place.graphql)
    return GitLabProposals(calls, place.project, base)


def conversation_at(place: Place, calls: Calls, number: int) -> GitHub | GitLab:
    """Return one pull request."""
    from skillsync.forge.github import GitHub
    from skillsync.forge.gitlab import GitLab

    if place.kind == "github":
        return GitHub(calls, place.project, number, place.graphql)
    return GitLab(calls, place.project, number)


def conversation_of(place: Place, transport: Transport) -> GitHub | GitLab | None:
    """Return the pull request that CI runs for, None where there is none that is open."""
    from skillsync.forge.github import find_pull
    from skillsync.forge.port import Calls

    calls, number = Calls(transport, place.prefix), place.number
    if number is None and place.branch is not None:
        number = find_pull(
            calls,
            repo=place.project,
            head_repo=place.branch.repo,
            branch=place.branch.name,
            head=place.head,
        )
    return None if number is None else conversation_at(place, calls, number)


def acknowledged_by_labels(run: Run, head: str, key: str) -> tuple[str, ...]:
    """Return what labels of the pull request acknowledge for ``head``; none where nobody can be asked."""
    from skillsync.errors import NotAllowed
    from skillsync.forge.acks import acknowledged, since_when

    place = place_of()
    token = find_token(run, place)
    if token is None or (place.head and place.head != head):
        run.out.warn(
            "labels were not looked at: there is no token, or this run is about another commit"
        )
        return ()
    with forge_transport(run, place, token) as transport:
        try:
            pull = conversation_of(place, transport)
            if pull is None or pull.head() != head:
                return ()
            since = since_when(pull.comments(), me=pull.me(), key=key, head=head)
            if since is None:
                return ()
            found = acknowledged(
                pull.labelled(), author=pull.author(), since=since, may_write=pull.may_write
            )
        except NotAllowed as error:
            run.out.warn(f"labels were not looked at: {error.message}")
            return ()
    for kind in found:
        run.out.note(f"acknowledged by a label: {kind}")
    return found
