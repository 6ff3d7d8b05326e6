"""Says which optional part of the package a command needs and how to install it."""

from __future__ import annotations

from skillsync.errors import MissingExtra


def server_missing(error: ImportError) -> MissingExtra:
    """Return the error of a command that needs the server's libraries and did not find one of them."""
    return MissingExtra(
        f"the server is an optional part of the package ({error.name or 'a library'} is missing)",
        unchanged="Nothing was started or written.",
        hint="pip install 'skillsync[server]'",
    )
