"""``skillsync server-admin``: more projects, people and keys for a server's database."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_SCHEMA = "skillsync.server-admin.key/1"
PROJECT_SCHEMA = "skillsync.server-admin.project/1"


@click.group("server-admin")
@click.option(
    "--database",
    metavar="URL",
    help="Database of the server. Default: skillsync/server.sqlite3 in your data folder.",
)
@click.pass_context
def server_admin(context: click.Context, /, *, database: str | None) -> None:
    """Add projects, people and keys to a server; it may be running meanwhile."""
    context.obj = database


@server_admin.command("add-key")
@click.option("--user", required=True, metavar="NAME", help="Whose key: a name or an address.")
@click.option(
    "--scopes",
    default="*",
    show_default=True,
    metavar="A:read,B:write",
    help="What the key may do: llm_skill, dataset, user; write includes read.",
)
@click.option("--project", type=int, metavar="ID", help="Limit the key to one project.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def add_key(
    database: str | None, /, *, user: str, scopes: str, project: int | None, as_json: bool
) -> None:
    """Make a key and show it once."""
    with _opened(database):
        from skillsync.server import accounts

        made = accounts.create_key(
            user=user,
            scopes=[scope.strip() for scope in scopes.split(",") if scope.strip()],
            project=project,
        )
    if as_json:
        click.echo(
            json.dumps(
                {
                    "schema": KEY_SCHEMA,
                    "key": made.value,
                    "id": made.id,
                    "user_id": made.user_id,
                    "user_email": made.user_email,
                }
            )
        )
    else:
        click.echo(f"{made.value}  (for {made.user_email}; shown only now)")


@server_admin.command("add-project")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def add_project(database: str | None, /, *, name: str, as_json: bool) -> None:
    """Make a project and show its number."""
    with _opened(database):
        from skillsync.server import accounts

        project = accounts.create_project(name).pk
    if as_json:
        click.echo(json.dumps({"schema": PROJECT_SCHEMA, "project": project, "name": name}))
    else:
        click.echo(f"Project {project}: {name}")


@contextmanager
def _opened(database: str | None) -> Iterator[None]:
    """The server's database, migrated; what is wrong with the words becomes a usage error."""
    try:
        from skillsync.server import locations
        from skillsync.server.app import create_app
    except ImportError as error:
        from skillsync.cli.extras import server_missing

        raise server_missing(error) from error
    try:
        app = create_app(database or locations.default_database())
        try:
            yield
        finally:
            app.close()
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
