"""The verb `watch`: keep files and remote together while somebody works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import api_key_file_option, json_option, target_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillsync.config import Target
    from skillsync.sync.workspace import Workspace
    from skillsync.watch.values import Notice, Options


@click.command()
@click.argument(
    "action",
    required=False,
    type=click.Choice(["install", "uninstall"]),
    metavar="[install|uninstall]",
)
@target_option
@click.option(
    "--publish", is_flag=True, help="Publish saved files, too; without it edits are only reported."
)
@click.option("--once", is_flag=True, help="Do one cycle and end, for cron.")
@click.option(
    "--poll",
    type=click.FloatRange(min=0.2),
    metavar="SECONDS",
    help="Ask the server so often; default 60.",
)
@click.option(
    "--quiet-period",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Publish so long after the last save; default 5.",
)
@click.option(
    "--eager", is_flag=True, help="Do not wait 5 minutes between two versions of one object."
)
@click.option(
    "--per-day",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    metavar="N",
    help="Publish no more versions of one object a day; 0: no limit.",
)
@click.option(
    "--status", "verb", flag_value="status", help="Say what the running daemon does and what waits."
)
@click.option("--stop", "verb", flag_value="stop", help="End the running daemon.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the log on stdout is written.",
)
@click.option(
    "--no-notify", is_flag=True, help="Show nothing on the desktop when somebody is needed."
)
@api_key_file_option
@json_option
@command_boundary
def watch(
    run: Run,
    *,
    action: Literal["install", "uninstall"] | None,
    target: str | None,
    publish: bool,
    once: bool,
    poll: float | None,
    quiet_period: float | None,
    eager: bool,
    per_day: int,
    verb: Literal["status", "stop"] | None,
    log_format: Literal["text", "json"],
    no_notify: bool,
    api_key_file: Path | None,
) -> int:
    """Keep files and server together while you work.

    Takes the server's edits in as they come, and says what you changed; with --publish it publishes what you save. It
    never resolves, never removes anything remotely, and leaves alone what you have in hand.
    """
    from skillsync.cli.session import open_workspace
    from skillsync.errors import UsageError

    workspace = open_workspace(run)
    if action is not None:
        from skillsync.cli.watch_service import install, uninstall

        words = _words(target, publish, poll, quiet_period, eager, per_day, api_key_file)
        return (
            install(run, workspace, words, target)
            if action == "install"
            else uninstall(run, workspace)
        )
    if verb == "status":
        from skillsync.cli.watch_view import show_status

        return show_status(run, workspace.repo.state_dir)
    if verb == "stop":
        from skillsync.cli.watch_view import stop_daemon

        return stop_daemon(run, workspace.repo.state_dir)
    if run.json and not once:
        raise UsageError(
            "--json is for --status, --stop and --once",
            hint="skillsync watch --log-format json prints one object for each line of the log",
        )
    chosen = workspace.settings.target(target)
    options = _options(
        chosen,
        publish=publish,
        team=workspace.is_team,
        poll=3600.0 if once else poll,
        quiet=quiet_period,
        gap=0.0 if eager else None,
        daily=per_day or None,
    )
    return _watch(
        run,
        workspace,
        chosen,
        options,
        once=once,
        log_format=log_format,
        key_file=api_key_file,
        notifies=not no_notify,
    )


def _options(
    target: Target,
    *,
    publish: bool,
    team: bool,
    poll: float | None,
    quiet: float | None,
    gap: float | None,
    daily: int | None,
) -> Options:
    """Return the options; what was not given keeps its default. Raises UsageError for polls that would be too many."""
    from skillsync.errors import UsageError
    from skillsync.origin import is_loopback
    from skillsync.watch.pace import REMOTE_LEAST
    from skillsync.watch.values import Options

    if poll is not None and poll < REMOTE_LEAST and not is_loopback(target.origin):
        raise UsageError(
            f"--poll {poll:g}: a server elsewhere is asked every {REMOTE_LEAST:g} seconds at most",
            hint=f"skillsync watch --poll {REMOTE_LEAST:g}",
        )
    given = {"poll": poll, "quiet": quiet, "gap": gap}
    return Options(
        publish=publish,
        team=team,
        daily=daily,
        **{name: value for name, value in given.items() if value is not None},
    )


def _watch(
    run: Run,
    workspace: Workspace,
    target: Target,
    options: Options,
    *,
    once: bool,
    log_format: Literal["text", "json"],
    key_file: Path | None,
    notifies: bool,
) -> int:
    from skillsync.cli.session import connector
    from skillsync.watch.alone import is_watched
    from skillsync.watch.engine import Engine
    from skillsync.watch.events import Events
    from skillsync.watch.service import Service
    from skillsync.watch.told import as_json

    told: list[Notice] = []
    tell = _teller(run, log_format, notifies=notifies, told=told if once else None)
    service = Service(
        Engine(
            run.directory,
            target.name,
            connector(run, workspace.repo, api_key_file=key_file),
            options,
        ),
        options,
        state_dir=workspace.repo.state_dir,
        root=workspace.repo.root,
        roots=(*workspace.settings.skills, *workspace.settings.datasets),
        target=target.name,
        tell=tell,
        make_events=lambda put: Events(workspace.repo.root, workspace.repo.state_dir.parent, put),
        once=once,
    )
    if not once and not is_watched(workspace.repo.state_dir):
        run.out.note(
            f"watching {workspace.repo.root} for {target.name} ({target.place}), "
            + ("publishing what is saved" if options.publish else "pull and report")
            + "; Ctrl-C ends it"
        )
    code = service.run()
    if once:
        if not told:
            run.out.data("nothing to do")
        run.out.emit_json(
            "skillsync.watch/1",
            {"target": target.name, "exit": code, "notices": [as_json(one) for one in told]},
        )
    return code


def _teller(
    run: Run, log_format: Literal["text", "json"], *, notifies: bool, told: list[Notice] | None
) -> Callable[[Notice], None]:
    import os
    import time

    from skillsync.api.secret import redact
    from skillsync.cli.render import visible
    from skillsync.watch.told import Log, notify
    from skillsync.watch.values import Level

    log = Log(run.out.stdout, log_format, lambda text: visible(redact(text)))

    def tell(notice: Notice) -> None:
        if told is not None:
            told.append(notice)
        if not run.json:
            log.tell(notice, time.time())
        if notifies and told is None and notice.level is Level.PERSON:
            notify(notice, os.environ)

    return tell


def _words(
    target: str | None,
    publish: bool,
    poll: float | None,
    quiet_period: float | None,
    eager: bool,
    per_day: int,
    api_key_file: Path | None,
) -> list[str]:
    """Return the words that start the same daemon again."""
    words: list[str] = []
    for name, value in (
        ("--target", target),
        ("--poll", f"{poll:g}" if poll is not None else None),
        ("--quiet-period", f"{quiet_period:g}" if quiet_period is not None else None),
        ("--per-day", str(per_day) if per_day != 50 else None),
        ("--api-key-file", str(api_key_file) if api_key_file else None),
    ):
        if value is not None:
            words += [name, value]
    words += ["--publish"] if publish else []
    words += ["--eager"] if eager else []
    return words
