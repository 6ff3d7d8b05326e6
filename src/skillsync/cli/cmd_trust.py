"""``skillsync trust``: accept the hosts that a key from the environment may be sent to."""

from __future__ import annotations

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option

SCHEMA = "skillsync.trust/1"


@click.command()
@click.argument("host", required=False)
@click.option("--list", "show", is_flag=True, help="Show the hosts that are accepted.")
@click.option("--remove", is_flag=True, help="Take HOST back.")
@json_option
@command_boundary
def trust(run: Run, *, host: str | None, show: bool, remove: bool) -> int:
    """Say which hosts your key may be sent to.

    Keys from the environment go only to PostHog's regions, to this machine and to hosts accepted here. The list
    is in your own configuration, so that no branch can send your key elsewhere.
    """
    from skillsync.api.trust import distrust_host, trust_host, trusted_hosts

    if host is None and remove:
        raise click.UsageError("--remove needs a HOST.")
    if host is not None and show:
        raise click.UsageError("--list takes no HOST.")
    changed = None
    if host is not None:
        origin = _origin(host)
        was_changed = distrust_host(origin) if remove else trust_host(origin)
        changed = origin if was_changed else None
        run.out.note(_told(origin, removed=remove, changed=was_changed))
    hosts = trusted_hosts()
    if host is None:
        for accepted in hosts:
            run.out.data(accepted)
        if not hosts:
            run.out.note("no host is accepted besides PostHog's regions and this machine")
    run.out.emit_json(SCHEMA, {"hosts": list(hosts), "changed": changed})
    return 0


def _origin(host: str) -> str:
    from skillsync.origin import NotAnOrigin, parse_origin

    try:
        return parse_origin(host if "://" in host else f"https://{host}")
    except NotAnOrigin as error:
        raise click.UsageError(f"HOST {error}.") from error


def _told(origin: str, *, removed: bool, changed: bool) -> str:
    if removed:
        return f"{origin} is no longer accepted" if changed else f"{origin} was not accepted"
    return f"keys may now be sent to {origin}" if changed else f"{origin} was accepted before"
