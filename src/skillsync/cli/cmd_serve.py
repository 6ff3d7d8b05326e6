"""``skillsync serve``: the embedded server on a port of this machine."""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from skillsync.server.accounts import FirstStart
    from skillsync.server.app import Application
    from skillsync.server.faults import Dial
    from skillsync.server.faulty import Faulty

SCHEMA = "skillsync.serve/1"
DEFAULT_PORT = 8765


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--database",
    metavar="URL",
    help="sqlite:///PATH or postgresql://USER@HOST/NAME. Default: skillsync/server.sqlite3 in your "
    "data folder.",
)
@click.option(
    "--dialect",
    default="seed",
    show_default=True,
    type=click.Choice(["seed", "current"]),
    help="Generation of the API to speak.",
)
@click.option(
    "--quota",
    multiple=True,
    metavar="NAME=N",
    help="With --dialect current: how many datasets, items, versions or bytes there may be.",
)
@click.option(
    "--throttle",
    is_flag=True,
    help="Let a key make 480 requests a minute and 4,800 an hour, and answer 429 beyond.",
)
@click.option(
    "--admin",
    is_flag=True,
    help="Serve Django's admin page at /admin/, for whom server-admin add-admin made a login.",
)
@click.option(
    "--key",
    metavar="phx_...",
    envvar="SKILLSYNC_SERVER_KEY",
    help="Make this key valid. Also read from SKILLSYNC_SERVER_KEY.",
)
@click.option(
    "--faults",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For rehearsals: put the requests in trouble that this TOML or JSON file names.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when ready.")
def serve(
    *,
    host: str,
    port: int,
    database: str | None,
    dialect: str,
    quota: tuple[str, ...],
    throttle: bool,
    admin: bool,
    key: str | None,
    faults: Path | None,
    as_json: bool,
) -> None:
    """Serve the API on this machine, from SQLite or PostgreSQL.

    The first start creates project 1, a user and a key, and shows the key once. Ctrl-C ends it.
    """
    try:
        from skillsync.server import accounts, locations
        from skillsync.server.app import create_app
        from skillsync.server.database import start_django
        from skillsync.server.quotas import parse_quota
        from skillsync.server.serve import serve as run
        from skillsync.server.shared_windows import SharedWindows
        from skillsync.server.windows import Windows
    except ImportError as error:
        from skillsync.cli.extras import server_missing

        raise server_missing(error) from error
    if not _is_loopback(host):
        click.echo(
            f"warning: {host} may be reached from other machines and plain http sends keys in the "
            "clear: put a TLS proxy in front.",
            err=True,
        )
    dial = None if faults is None else _dial(faults)
    url_of_database = database or locations.default_database()
    try:
        allowed = parse_quota(quota)
    except ValueError as error:
        raise click.UsageError(f"--quota: {error}") from error
    try:
        start_django(admin=admin)
        counting = Windows() if url_of_database.startswith("sqlite:") else SharedWindows()
        windows = counting if throttle else None
        app = create_app(url_of_database, dialect=dialect, quota=allowed, throttle=windows)
        started = accounts.first_start(key=key)
    except (ValueError, OSError) as error:
        raise click.UsageError(f"--database or --key: {error}") from error

    def announce(url: str) -> None:
        click.echo(_ready_json(url, started) if as_json else _ready_line(url, started))
        sys.stdout.flush()  # whoever started us waits for this line

    try:
        run(_in_trouble(app, dial), host=host, port=port, on_ready=announce)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _dial(path: Path) -> Dial:
    """The fault dial of a file, which tells of each request that it puts in trouble."""
    from skillsync.server.faults import FaultsInvalid, read_faults

    try:
        dial = read_faults(path)
    except (FaultsInvalid, OSError) as error:
        raise click.UsageError(f"--faults: {error}") from error
    dial.on_met = lambda met: click.echo(f"fault: {met}", err=True)
    count = len(dial.faults)
    click.echo(f"{count} fault{'s' * (count != 1)} from {path.name}, seed {dial.seed}", err=True)
    return dial


def _in_trouble(app: Application, dial: Dial | None) -> Application | Faulty:
    """The application behind the dial, with a key for whoever slips in between in its races."""
    if dial is None:
        return app
    from skillsync.server.accounts import create_key
    from skillsync.server.faulty import Faulty

    return Faulty(app, dial, rival=create_key(user="rival").value)


def _ready_json(url: str, started: FirstStart) -> str:
    ready: dict[str, object] = {"schema": SCHEMA, "url": url, "project": started.project}
    if started.key is not None:
        ready["key"] = started.key
    return json.dumps(ready)


def _ready_line(url: str, started: FirstStart) -> str:
    key = "" if started.key is None else f", key {started.key}"
    return f"Serving at {url}, project {started.project}{key}. Ctrl-C ends it."


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
