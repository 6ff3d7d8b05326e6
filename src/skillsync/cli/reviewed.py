"""`push --reviewed`: where the reviews come from, a file that somebody names or the checks that a forge keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from skillsync.cli.boundary import Run

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.review.reviewed import Find, Reviewed, Seen
    from skillsync.sync.push import PushRequest
    from skillsync.sync.report import Report
    from skillsync.sync.workspace import Connect, Workspace

AUTO = "auto"


def push_what_was_reviewed(
    run: Run,
    workspace: Workspace,
    target: Target,
    connect: Connect,
    request: PushRequest,
    reviewed: str,
    strict: bool,
) -> Report:
    """Publish what was reviewed, or nothing. Raises NotReviewed, RemoteAhead, and what push raises."""
    from skillsync.errors import UsageError
    from skillsync.review.publish import push_reviewed
    from skillsync.review.reviewed import Seen

    if request.from_branch or request.republish:
        raise UsageError("--reviewed goes with neither --from-branch nor --republish")
    with ExitStack() as stack:
        if reviewed == AUTO:
            find = _checks(run, stack)

            def seen(head: str) -> Seen:
                return Seen(workspace, head, find=find, fetch=_fetcher(workspace), strict=strict)
        else:
            known = [_from_file(run, target, reviewed)]

            def seen(head: str) -> Seen:
                return Seen(workspace, head, known, strict=strict)

        return push_reviewed(workspace, target, connect, request, seen=seen)


def _from_file(run: Run, target: Target, name: str) -> Reviewed:
    """Read a review.json that passed. Raises ReviewUnreadable, NotReviewed."""
    from skillsync.errors import NotReviewed, UsageError
    from skillsync.review.document import MAX_BYTES, parse_review
    from skillsync.review.reviewed import Reviewed

    path = run.directory / name
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UsageError(
            f"there is no review {name}", subject=name, hint="--reviewed auto, or a review.json"
        )
    review = parse_review(path.read_bytes(), path=name)
    unchanged = "Nothing was published."
    failed = [gate.name for gate in review.gates if not gate.passed]
    if failed:
        raise NotReviewed(
            f"the review in {name} did not pass: {', '.join(failed)}", unchanged=unchanged
        )
    if review.project.place != target.place:
        raise NotReviewed(
            f"the review in {name} is of {review.project.place[:120]!r}, and this is {target.place}",
            unchanged=unchanged,
            hint="--target NAME",
        )
    return Reviewed.of(review, f"the review in {name}")


def _checks(run: Run, stack: ExitStack) -> Find:
    """Return what asks the forge; it is reached only when there is something to publish."""
    from skillsync.cli.attestation import reviewed_of
    from skillsync.cli.forge_session import checks_of, forge_calls, place_of
    from skillsync.forge.attest import Checks, reviews_behind

    place = place_of()
    opened: list[Checks] = []

    def find(commit: str) -> Sequence[Reviewed]:
        if not opened:
            opened.append(checks_of(place, stack.enter_context(forge_calls(run, place))))
        return [reviewed_of(said) for said in reviews_behind(opened[0], commit)]

    return find


def _fetcher(workspace: Workspace) -> Callable[[str], None]:
    from skillsync.repo.remotes import fetch_commit

    def fetch(commit: str) -> None:
        fetch_commit(workspace.repo, commit)

    return fetch
