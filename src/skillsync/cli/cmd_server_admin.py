"""``skillsync server-admin``: projects, people and keys of a server's database; projects out and in."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY_SCHEMA = "skillsync.server-admin.key/1"
KEYS_SCHEMA = "skillsync.server-admin.keys/1"
REVOKED_SCHEMA = "skillsync.server-admin.revoked-key/1"
ORGANIZATION_SCHEMA = "skillsync.server-admin.organization/1"
PROJECT_SCHEMA = "skillsync.server-admin.project/1"


@click.group("server-admin")
@click.option(
    "--database",
    metavar="URL",
    help="Database of the server. Default: skillsync/server.sqlite3 in your data folder.",
)
@click.pass_context
def server_admin(context: click.Context, /, *, database: str | None) -> None:
    """Add projects, people and keys to a server.

    The server may be running meanwhile.
    """
    context.obj = database


_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


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
@click.option("--organization", metavar="NAME", help="Limit the key to one organisation.")
@_json_option
@click.pass_obj
def add_key(
    database: str | None,
    /,
    *,
    user: str,
    scopes: str,
    project: int | None,
    organization: str | None,
    as_json: bool,
) -> None:
    """Make a key and show it once."""
    with _opened(database):
        from skillsync.server import accounts

        made = accounts.create_key(
            user=user,
            scopes=[scope.strip() for scope in scopes.split(",") if scope.strip()],
            project=project,
            organization=organization,
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


@server_admin.command("list-keys")
@_json_option
@click.pass_obj
def list_keys(database: str | None, /, *, as_json: bool) -> None:
    """Show every key without its value."""
    with _opened(database):
        from skillsync.server import key_list

        keys = key_list.list_keys()
    if as_json:
        click.echo(json.dumps({"schema": KEYS_SCHEMA, "keys": keys}))
        return
    for key in keys:
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else ",".join(key["scopes"])
        click.echo(f"{key['id']}  {key['mask_value']}  {key['user_email']}  {state}")


@server_admin.command("revoke-key")
@click.argument("key")
@_json_option
@click.pass_obj
def revoke_key(database: str | None, /, *, key: str, as_json: bool) -> None:
    """End a key at once and for good. KEY is its id, as list-keys shows it, or its value."""
    with _opened(database):
        from skillsync.server import key_list

        revoked = key_list.revoke_key(key)
    if as_json:
        click.echo(json.dumps({"schema": REVOKED_SCHEMA, "id": revoked}))
    else:
        click.echo(f"Revoked {revoked}")


@server_admin.command("add-organization")
@click.argument("name")
@_json_option
@click.pass_obj
def add_organization(database: str | None, /, *, name: str, as_json: bool) -> None:
    """Make an organisation, which owns projects."""
    with _opened(database):
        from skillsync.server import accounts

        number = str(accounts.create_organization(name).pk)
    if as_json:
        made = {"schema": ORGANIZATION_SCHEMA, "organization": number, "name": name}
        click.echo(json.dumps(made))
    else:
        click.echo(f"Organisation {number}: {name}")


@server_admin.command("add-project")
@click.argument("name")
@click.option("--organization", metavar="NAME", help="Whose project. Default: the first one's.")
@_json_option
@click.pass_obj
def add_project(
    database: str | None, /, *, name: str, organization: str | None, as_json: bool
) -> None:
    """Make a project and show its number."""
    with _opened(database):
        from skillsync.server import accounts

        project = accounts.create_project(name, organization=organization).pk
    _show_project(project, name, as_json=as_json)


@server_admin.command("export-project")
@click.argument("project", type=int)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.pass_obj
def export_project(database: str | None, /, *, project: int, file: Path) -> None:
    """Write everything a project holds to FILE (- for standard output). Keys are not part of it."""
    with _opened(database):
        from skillsync.server import project_archive

        lines = project_archive.export_project(project)
        if file == Path("-"):
            sys.stdout.writelines(lines)
        else:
            _write_whole(file, lines)


@server_admin.command("import-project")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--name", help="Name of the new project. Default: the one in the file.")
@_json_option
@click.pass_obj
def import_project(
    database: str | None, /, *, file: IO[str], name: str | None, as_json: bool
) -> None:
    """Make a project of what export-project wrote, with every id and time; all of it or nothing."""
    with _opened(database):
        from skillsync.server import project_archive

        project = project_archive.import_project(file, name=name)
    _show_project(project.pk, project.name, as_json=as_json)


@server_admin.command("add-admin")
@click.argument("name")
@click.password_option(help="Password of the login; asked for when it is not given.")
@click.pass_obj
def add_admin(database: str | None, /, *, name: str, password: str) -> None:
    """Make a login for the admin page of serve --admin, or give it another password."""
    with _opened(database, admin=True):
        from skillsync.server import admin_login

        admin_login.set_login(name, password)
    click.echo(f"{name} may log in at /admin/ of a server that runs with --admin.")


@server_admin.command("migrate")
@click.pass_obj
def migrate(database: str | None, /) -> None:
    """Bring the database up to date, as serve does when it starts. There is no way back."""
    with _opened(database):
        click.echo("The database is up to date.")


def _write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write aside and rename, readable by the owner only: a file of this name is whole or as before."""
    aside = path.with_name(f".{path.name}.part")
    try:
        private = os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(private, "w", encoding="utf-8") as target:
            target.writelines(lines)
            target.flush()
            os.fsync(target.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _show_project(number: int, name: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"schema": PROJECT_SCHEMA, "project": number, "name": name}))
    else:
        click.echo(f"Project {number}: {name}")


@contextmanager
def _opened(database: str | None, *, admin: bool = False) -> Iterator[None]:
    """The server's database, migrated; what is wrong with the words becomes a usage error."""
    try:
        from skillsync.server import locations
        from skillsync.server.app import create_app
        from skillsync.server.database import start_django
    except ImportError as error:
        from skillsync.cli.extras import server_missing

        raise server_missing(error) from error
    try:
        start_django(admin=admin)
        app = create_app(database or locations.default_database())
        try:
            yield
        finally:
            app.close()
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
