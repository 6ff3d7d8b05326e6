"""The verb `init`: write skillsync.toml for this repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.core.plan import Plan
    from skillsync.model import Json


@click.command()
@click.option("--host", metavar="URL", help="The server's origin, such as https://us.posthog.com.")
@click.option("--project", type=click.IntRange(min=1), metavar="N", help="The project's number.")
@click.option(
    "--target", metavar="NAME", help="What to call this server here; default: prod, or local."
)
@click.option("--git", is_flag=True, help="Make a git repository here when there is none.")
@click.option(
    "--merge-drivers",
    is_flag=True,
    help="Teach git to merge pointers and rows and to show rows by field.",
)
@api_key_file_option
@json_option
@command_boundary
def init(
    run: Run,
    *,
    host: str | None,
    project: int | None,
    target: str | None,
    git: bool,
    merge_drivers: bool,
    api_key_file: Path | None,
) -> int:
    """Write skillsync.toml for this repository.

    Finds your skills and datasets, checks the key, and says in counts what push and pull would do. Nothing is
    pushed or pulled. A host named here is accepted for your keys.

    --merge-drivers adds lines to .gitattributes, which belong to your commits, and settings to the git configuration
    of this clone; each other clone needs the command once. Without it git merges these files as text.
    """
    from skillsync.cli.plan_view import next_commands, plan_json, words_for_counts
    from skillsync.cli.render import visible
    from skillsync.config import Target
    from skillsync.errors import SkillsyncError, UsageError
    from skillsync.origin import NotAnOrigin, is_loopback, parse_origin
    from skillsync.sync.initialise import initialise

    chosen: Target | None = None
    if host or project or target:
        if not host or not project:
            raise UsageError(
                "a target needs both --host and --project",
                unchanged="Nothing was written.",
                hint="skillsync init --host https://us.posthog.com --project 12345",
            )
        try:
            origin = parse_origin(host)
        except NotAnOrigin as error:
            raise UsageError(f"--host: {error}", unchanged="Nothing was written.") from error
        chosen = Target(target or ("local" if is_loopback(origin) else "prod"), origin, project)
    out = run.out
    if merge_drivers and chosen is None and not git and _is_initialised(run):
        out.emit_json("skillsync.init/1", {"drivers": _teach(run), "exit": 0})
        return 0
    done = initialise(run.directory, target=chosen, git=git)
    if done.made_repository:
        out.data(f"made a git repository in {visible(str(done.repo.root))}")
    out.data(f"wrote {visible(str(done.path))}")
    skills, datasets = (
        ", ".join(f"{visible(one)}/" for one in roots) for roots in (done.skills, done.datasets)
    )
    out.data(f"  skills are looked for in {skills}, datasets in {datasets}")
    payload: dict[str, Json] = {
        "path": str(done.path),
        "skills": list(done.skills),
        "datasets": list(done.datasets),
        "made_repository": done.made_repository,
        "target": chosen.name if chosen else None,
        "checked": False,
        "exit": 0,
    }
    if merge_drivers:
        payload["drivers"] = _teach(run)
    if chosen is None:
        out.note(
            "next: skillsync init --host URL --project N adds a server (skillsync serve runs one)"
        )
        out.emit_json("skillsync.init/1", payload)
        return 0
    _trust(chosen)
    try:
        push, pull = _plans(run, chosen, api_key_file)
    except SkillsyncError as error:
        out.warn(f"the server could not be asked: {error.message}")
        if error.hint:
            out.note(f"  next: {error.hint}")
        payload["error"] = {"code": error.code, "message": error.message, "hint": error.hint}
        payload["exit"] = error.exit_code
        out.emit_json("skillsync.init/1", payload)
        return error.exit_code
    for verb, plan in (("push", push), ("pull", pull)):
        out.data(f"  {verb} would {words_for_counts(plan) or 'do nothing'}")
    out.data(f"next: {next_commands(push, pull) or 'skillsync status'}")
    payload |= {"checked": True, "push": plan_json(push), "pull": plan_json(pull)}
    out.emit_json("skillsync.init/1", payload)
    return 0


def _is_initialised(run: Run) -> bool:
    from skillsync.errors import NotARepository
    from skillsync.repo.git import Repository
    from skillsync.sync.workspace import CONFIG

    try:
        return (Repository.open(run.directory).root / CONFIG).exists()
    except NotARepository:
        return False


def _teach(run: Run) -> Json:
    """Write git's lines and settings, and say each."""
    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace
    from skillsync.sync.git_drivers import ATTRIBUTES, teach_git

    workspace = open_workspace(run)
    taught = teach_git(workspace.repo, workspace.settings.datasets)
    for line in taught.lines:
        run.out.data(f"{ATTRIBUTES}: {visible(line)}")
    for name, value in taught.settings.items():
        run.out.data(f"git config {name}: {visible(value)}")
    if not taught.lines and not taught.settings:
        run.out.data("git merges pointers and rows already")
    elif taught.lines:
        run.out.note(
            f"commit {ATTRIBUTES}: other clones then need `skillsync init --merge-drivers` once"
        )
    return {"lines": list(taught.lines), "settings": dict(taught.settings)}


def _trust(target: Target) -> None:
    from skillsync.api.keys import may_send
    from skillsync.api.trust import trust_host, trusted_hosts

    if not may_send(target.origin, named=None, trusted=trusted_hosts()):
        trust_host(target.origin)


def _plans(run: Run, target: Target, api_key_file: Path | None) -> tuple[Plan, Plan]:
    from skillsync.cli.session import connector, open_workspace
    from skillsync.sync.plan import make_plan

    workspace = open_workspace(run)
    chosen = workspace.settings.target(target.name)
    with connector(run, workspace.repo, api_key_file=api_key_file)(chosen) as remote:
        return make_plan(workspace, chosen, remote)
