"""The verb `comment`: write a review into the one comment of its pull request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.forge_session import (
    TOKENS,
    checks_of,
    conversation_of,
    find_token,
    forge_calls,
    forge_transport,
    place_of,
)
from skillsync.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.api.secret import Secret
    from skillsync.forge.decide import Wanted
    from skillsync.forge.github import GitHub
    from skillsync.forge.gitlab import GitLab
    from skillsync.forge.place import Asked, Place
    from skillsync.model import Json
    from skillsync.review.values import Review

SCHEMA = "skillsync.comment/1"


@click.command()
@click.argument("source", metavar="REVIEW.JSON", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--forge",
    type=click.Choice(["github", "gitlab"]),
    help="Which forge; default: the one that CI runs on.",
)
@click.option("--repo", metavar="OWNER/NAME", help="The repository or project; default: CI's.")
@click.option(
    "--number",
    type=click.IntRange(min=1),
    metavar="N",
    help="The pull or merge request; default: CI's.",
)
@click.option(
    "--head", metavar="COMMIT", help="The commit that must have been reviewed; default: CI's."
)
@click.option("--api-url", metavar="URL", help="The forge's API; default: CI's.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Read the token there; default: GITHUB_TOKEN or GITLAB_TOKEN.",
)
@click.option(
    "--key", default="default", metavar="NAME", help="Tells several comments of ours apart."
)
@click.option("--report-url", default="", metavar="URL", help="Where the full report is.")
@click.option(
    "--check", is_flag=True, help="Also leave the check skillsync/plan on the reviewed commit."
)
@click.option("--no-comment", is_flag=True, help="With --check: leave the check alone.")
@click.option(
    "--sarif",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also upload this SARIF to GitHub's code scanning, for the reviewed commit.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and print the comment.")
@json_option
@command_boundary
def comment(
    run: Run,
    *,
    source: Path,
    forge: str | None,
    repo: str | None,
    number: int | None,
    head: str | None,
    api_url: str | None,
    token_file: Path | None,
    key: str,
    report_url: str,
    check: bool,
    no_comment: bool,
    sarif: Path | None,
    dry_run: bool,
) -> int:
    """Write a review, or what a push did, into the one comment of its pull request.

    Updates the comment that it finds by marker and author, only when it changed, and never for an older commit. A
    token that may not comment is a warning, and the review goes to the job's summary. With --check a check says
    whether every gate passed: require it, and `push --reviewed auto` publishes what it let through.
    """
    from skillsync.forge.place import Asked

    asked = Asked(forge or "", api_url or "", repo or "", number, head or "")
    document = _pushed(run, source)
    if document is not None:
        return _after_push(run, place_of(asked), document, key, dry_run=dry_run)
    review = _read(run, source)
    wanted = _wanted(review, key, report_url)
    place = _place(run, asked, wanted)
    token = find_token(run, place, token_file)
    if check and not dry_run:
        _attest(run, place, review, token_file)
    if sarif is not None and not dry_run:
        _upload(run, place, review, sarif, token_file)
    if no_comment:
        return _done(run, "none", "no comment was asked for", None, 0)
    if token is None:
        return _unable(run, wanted, "there is no token", dry_run=dry_run)
    return _post(run, place, token, wanted, dry_run=dry_run)


def _read(run: Run, source: Path) -> Review:
    from skillsync.errors import UsageError
    from skillsync.review.document import MAX_BYTES, parse_review

    path = run.directory / source
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{source} is no file of a sensible size", subject=str(source))
    return parse_review(path.read_bytes(), path=str(source))


def _pushed(run: Run, source: Path) -> dict[str, Json] | None:
    """Return what `push --json` printed, None where the file is something else."""
    from skillsync.cli.published import SCHEMAS
    from skillsync.formats.json_text import JsonTrouble, read_json
    from skillsync.review.document import MAX_BYTES

    path = run.directory / source
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return None
    try:
        found = read_json(path.read_bytes().decode("utf-8"))
    except (JsonTrouble, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) and found.get("schema") in SCHEMAS else None


def _after_push(
    run: Run, place: Place, document: dict[str, Json], key: str, *, dry_run: bool
) -> int:
    from skillsync.cli.published import Pushed, say_published
    from skillsync.errors import NotAllowed
    from skillsync.review.ranges import read_event

    if dry_run:
        run.out.raw(Pushed.read(document).body(key, "0" * 40))
        return _done(run, "none", "a dry run", None, 0)
    try:
        writes = say_published(run, place, document, read_event(os.environ), key)
    except NotAllowed as error:
        run.out.warn(f"the comment was not written: {error.message}")
        return _done(run, "unable", error.message, None, 0)
    return _done(run, "published", f"{writes} comments were written", None, writes)


def _wanted(review: Review, key: str, report_url: str) -> Wanted:
    from datetime import UTC, datetime

    from skillsync.errors import UsageError
    from skillsync.forge.decide import Wanted
    from skillsync.review.render.markdown import render_markdown

    try:
        body = render_markdown(review, key=key, report_url=report_url)
    except ValueError as error:
        raise UsageError(str(error)) from error
    empty = review.is_empty and not review.findings
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Wanted(body, key, review.range.head, is_empty=empty, now=now)


def _place(run: Run, asked: Asked, wanted: Wanted) -> Place:
    """Find the pull request; a review of another commit than CI's is somebody's mistake or trick."""
    from skillsync.errors import UsageError

    place = place_of(asked)
    if place.head and place.head != wanted.head:
        raise UsageError(
            f"the review is of {wanted.head[:12]}, and this run is about {place.head[:12]}",
            hint="skillsync review of that commit",
        )
    if place.number is None and place.branch is None:
        run.out.detail("this run is about no pull request")
    return place


def _post(run: Run, place: Place, token: Secret, wanted: Wanted, *, dry_run: bool) -> int:
    from skillsync.errors import NotAllowed, NotAuthenticated

    with forge_transport(run, place, token) as transport:
        try:
            forge = conversation_of(place, transport)
            if forge is None:
                return _done(run, "none", "no open pull request is at this commit", None, 0)
            return _decide(run, place, forge, wanted, dry_run=dry_run)
        except NotAuthenticated as error:
            error.hint = f"check {TOKENS[place.kind]}, or the file that --token-file names"
            raise
        except NotAllowed as error:
            return _unable(run, wanted, error.message, dry_run=dry_run)


def _attest(run: Run, place: Place, review: Review, token_file: Path | None) -> None:
    """Leave the check. Raises NotAllowed: without it nobody knows what passed, and a required check stays open."""
    from skillsync.cli.attestation import attestation_of
    from skillsync.cli.render import visible
    from skillsync.errors import NotAllowed
    from skillsync.forge.attest import leave

    said = attestation_of(review)
    with forge_calls(run, place, token_file) as calls:
        try:
            wrote = leave(checks_of(place, calls), said)
        except NotAllowed as error:
            error.hint = "the job needs the permission checks: write"
            raise
    word = "success" if said.passed else "failure"
    run.out.note(visible(f"check: {word}, {said.title}" if wrote else "check: it is there already"))


def _upload(run: Run, place: Place, review: Review, sarif: Path, token_file: Path | None) -> None:
    from skillsync.errors import NotAllowed, UsageError
    from skillsync.forge.scanning import upload
    from skillsync.review.document import MAX_BYTES

    path = run.directory / sarif
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UsageError(f"there is no SARIF file {sarif}", subject=str(sarif))
    if place.kind != "github":
        raise UsageError("--sarif is for GitHub", hint="on GitLab use --format gitlab of review")
    with forge_calls(run, place, token_file) as calls:
        try:
            upload(calls, place, head=review.range.head, sarif=path.read_bytes())
        except NotAllowed as error:
            run.out.warn(f"the findings were not uploaded: {error.message}")


def _decide(
    run: Run, place: Place, forge: GitHub | GitLab, wanted: Wanted, *, dry_run: bool
) -> int:
    from skillsync.forge.post import look, post

    if dry_run:
        decision = look(forge, wanted, forge.me())
        run.out.note(f"dry run: nothing was written; it would be: {decision.action}")
        run.out.raw(wanted.body)
        return _done(run, decision.action, decision.why, decision.id, 0)
    posted = post(forge, wanted)
    url = _url(place, forge.number, posted.id)
    return _done(run, posted.decision.action, posted.decision.why, posted.id, posted.writes, url)


def _url(place: Place, number: int, comment: int | None) -> str:
    """Return where people see the comment, "" where CI does not say where its forge is."""
    if comment is None:
        return ""
    if place.kind == "github":
        server = os.environ.get("GITHUB_SERVER_URL", "")
        return f"{server}/{place.project}/pull/{number}#issuecomment-{comment}" if server else ""
    project = os.environ.get("CI_MERGE_REQUEST_PROJECT_URL", "")
    return f"{project}/-/merge_requests/{number}#note_{comment}" if project else ""


def _done(run: Run, action: str, why: str, number: int | None, writes: int, url: str = "") -> int:
    run.out.note(f"comment: {action}, {why}")
    run.out.emit_json(
        SCHEMA,
        {"action": str(action), "why": why, "comment": number, "writes": writes, "url": url},
    )
    return 0


def _unable(run: Run, wanted: Wanted, why: str, *, dry_run: bool) -> int:
    """Say why there is no comment, and put the review where a workflow of a fork may write (review.md 5.3)."""
    run.out.warn(f"the comment was not written: {why}")
    if dry_run:
        run.out.raw(wanted.body)
    elif _summarise(os.environ, wanted.body):
        run.out.note("the review is in the job's summary")
    run.out.emit_json(
        SCHEMA, {"action": "unable", "why": why, "comment": None, "writes": 0, "url": ""}
    )
    return 0


def _summarise(environ: Mapping[str, str], body: str) -> bool:
    path = environ.get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return False
    with Path(path).open("a", encoding="utf-8") as summary:
        summary.write(f"{body}\n")
    return True
