"""The verb `review`: what merging a range of commits does to the live store."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import (
    EXIT_DIFFERENT,
    api_key_file_option,
    exit_code_option,
    json_option,
    target_option,
)

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.review.compute import Request
    from skillsync.review.values import Review
    from skillsync.sync.workspace import Connect

FORMATS = ("text", "markdown", "html", "json", "sarif", "github", "gitlab")
F = TypeVar("F", bound=Callable[..., Any])


def _options(function: F) -> F:
    """Add what a review can be asked for; options that are not given are those of [review] in skillsync.toml."""
    path = click.Path(dir_okay=False, path_type=Path)
    for option in reversed(
        (
            click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, help="How to show it; may be repeated."),
            click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write files there: review.json, review.md, …"),
            click.option("--from", "source", type=path, metavar="FILE", help="Only render this review.json."),
            click.option("--online", "asked", flag_value="online", help="Ask the server; fail without a key."),
            click.option("--offline", "asked", flag_value="offline", help="Ask no server."),
            click.option("--auto", "asked", flag_value="auto", default="auto", help="Ask the server if there is a key (the default)."),
            click.option("--path", "paths", multiple=True, metavar="GLOB", help="Only these skills and datasets, by name or folder."),
            click.option("--policy-from", metavar="REF", help="Read settings, policy and baseline there; default: BASE."),
            click.option("--fail-on", type=click.Choice(["error", "warning", "never"]), help="From which findings on it fails."),
            click.option("--drift", type=click.Choice(["fail", "warn", "ignore"]), help="What a store that moved means."),
            click.option("--require-ack", metavar="KINDS", help="What must be acknowledged: permissions,archive,trigger."),
            click.option("--ack", "acks", multiple=True, type=click.Choice(["permissions", "archive", "trigger"]), help="This was acknowledged; may be repeated."),
            click.option("--labels", metavar="KEY", help="Take labels of the pull request whose comment has this key (default: default) as acknowledgements.", is_flag=False, flag_value="default"),
            click.option("--show-values", type=click.Choice(["none", "repo", "all"]), help="Dataset values: none, the repository's, or the store's too."),
            click.option("--sarif-in", multiple=True, type=path, metavar="FILE", help="Add another scanner's findings; may be repeated."),
            click.option("--no-secrets-scan", is_flag=True, help="Do not look for secrets in added lines."),
            click.option("--max-chars", type=click.IntRange(min=2_000), default=65_000, metavar="N", help="Budget of the Markdown in UTF-16 units."),
            click.option("--max-bytes", type=click.IntRange(min=2_000), default=250_000, metavar="N", help="Budget of the Markdown in bytes."),
        )
    ):  # fmt: skip
        function = option(function)
    return function


@click.command()
@click.argument("commits", required=False, metavar="[BASE..HEAD]")
@_options
@target_option
@exit_code_option
@api_key_file_option
@json_option
@command_boundary
def review(
    run: Run,
    *,
    commits: str | None,
    formats: tuple[str, ...],
    out: Path | None,
    source: Path | None,
    exit_code: bool,
    max_chars: int,
    max_bytes: int,
    **asked: Any,
) -> int:
    """Show what merging BASE..HEAD does to the live store.

    Reads git objects only, never the working tree. Without a range it takes the one that CI runs for, or HEAD
    against the publish branch. Rules come from BASE: a range cannot pardon itself.
    """
    found = _read(run, source) if source is not None else _make(run, commits, asked)
    _show(run, found, formats, out, max_chars=max_chars, max_bytes=max_bytes)
    code = found.exit_code
    if code == 0 and exit_code and not found.is_empty:
        code = EXIT_DIFFERENT
    return code


def _read(run: Run, source: Path) -> Review:
    from skillsync.errors import UsageError
    from skillsync.review.document import MAX_BYTES, parse_review

    path = run.directory / source
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{source} is no file of a sensible size", subject=str(source))
    return parse_review(path.read_bytes(), path=str(source))


def _make(run: Run, commits: str | None, asked: dict[str, Any]) -> Review:
    from skillsync.repo.git import Repository
    from skillsync.review.compute import compute, policy_at, resolve_target
    from skillsync.review.ranges import find_commit, find_range

    repo = Repository.open(run.directory)
    named = _local_branch(repo)
    found, said = find_range(repo, commits, os.environ, branch=named)
    run.out.detail(f"reviewing {found.merge_base[:12]}..{found.head[:12]}, from {said}")
    policy = find_commit(repo, asked["policy_from"]) if asked["policy_from"] else found.base
    settings, has_policy = policy_at(repo, policy, repo.root)
    target = resolve_target(settings, asked["target"], has_policy=has_policy)
    connect = _connect(run, target, asked, has_policy=has_policy)
    if asked["labels"] is not None:
        from skillsync.cli.forge_session import acknowledged_by_labels

        asked["acks"] = (*asked["acks"], *acknowledged_by_labels(run, found.head, asked["labels"]))
    request = _request(run, found, policy, asked)
    return compute(repo, settings, target, request, connect=connect, has_policy=has_policy)


def _local_branch(repo: Any) -> str | None:
    """Return the publish branch of HEAD's settings: only a name to look the range up by, no rule."""
    from skillsync.errors import SkillsyncError
    from skillsync.review.compute import policy_at

    try:
        head = repo.head()
        branch: str | None = policy_at(repo, head, repo.root)[0].publish_branch if head else None
    except SkillsyncError:
        return None
    return branch


def _request(run: Run, found: Any, policy: str, asked: dict[str, Any]) -> Request:
    from datetime import UTC, datetime

    from skillsync.config_schema import ACKNOWLEDGEMENTS
    from skillsync.errors import UsageError
    from skillsync.review.compute import Request
    from skillsync.review.ranges import is_foreign, read_event

    required = None
    if asked["require_ack"] is not None:
        required = tuple(one.strip() for one in asked["require_ack"].split(",") if one.strip())
        for one in required:
            if one not in ACKNOWLEDGEMENTS:
                raise UsageError(f"--require-ack: {one!r} is none of {', '.join(ACKNOWLEDGEMENTS)}")
    sarif = []
    for path in asked["sarif_in"]:
        if not (run.directory / path).is_file():
            raise UsageError(f"there is no file {path}", subject=str(path))
        sarif.append((str(path), (run.directory / path).read_bytes()))
    return Request(
        commits=found,
        policy=policy,
        today=datetime.now(UTC).date(),
        paths=asked["paths"],
        fail_on=asked["fail_on"],
        drift=asked["drift"],
        require_ack=required,
        acks=asked["acks"],
        show_values=asked["show_values"],
        sarif=tuple(sarif),
        scan=not asked["no_secrets_scan"],
        is_foreign=is_foreign(os.environ, read_event(os.environ)),
    )


def _connect(
    run: Run, target: Target, asked: dict[str, Any], *, has_policy: bool
) -> Connect | None:
    """Return how to ask the store; None is offline. ``auto``: only if there is a key that may be sent there."""
    from skillsync.cli.session import connector
    from skillsync.errors import HostNotTrusted, NotAuthenticated

    if asked["asked"] == "offline" or not has_policy:
        return None
    if asked["asked"] == "auto":
        from skillsync.api.keys import find_key

        try:
            find_key(target, api_key_file=asked["api_key_file"])
        except (NotAuthenticated, HostNotTrusted) as error:
            run.out.detail(f"the store is not asked: {error.message}")
            return None
    return connector(run, None, api_key_file=asked["api_key_file"])


def _show(
    run: Run,
    found: Review,
    formats: tuple[str, ...],
    out: Path | None,
    *,
    max_chars: int,
    max_bytes: int,
) -> None:
    from skillsync.errors import UsageError
    from skillsync.review.codec import to_json
    from skillsync.review.render.formats import FORMATS as RENDERERS
    from skillsync.review.render.formats import Options, files_of
    from skillsync.review.values import SCHEMA

    options = Options(max_chars, max_bytes)
    wanted = formats or (("json", "markdown", "text") if out else ("text",))
    folder = run.directory / out if out else None
    printed = [name for name in wanted if folder is None or not RENDERERS[name].file]
    if len(printed) > 1 and {"html", "json", "sarif", "gitlab"} & set(printed):
        raise UsageError("several formats need --out DIR", hint="skillsync review --out DIR …")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for name in dict.fromkeys(wanted):
        if folder is not None and RENDERERS[name].file:
            for file, text in files_of(name, found, options).items():
                (folder / file).write_bytes(text.encode())
                run.out.note(f"{name}: {folder / file}")
        elif not run.json:
            run.out.raw(RENDERERS[name].render(found, options))
    document = to_json(found)
    assert isinstance(document, dict)
    run.out.emit_json(SCHEMA, document)
