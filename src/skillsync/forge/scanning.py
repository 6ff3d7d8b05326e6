"""Uploads findings to GitHub's code scanning, for the commit that was reviewed."""

from __future__ import annotations

import gzip
from base64 import b64encode

from skillsync.forge.place import Place
from skillsync.forge.port import Calls


def upload(calls: Calls, place: Place, *, head: str, sarif: bytes) -> None:
    """Send a SARIF file. Raises RemoteError, NotAllowed without ``security-events: write``."""
    number = place.number
    ref = (
        f"refs/pull/{number}/head"
        if number is not None
        else f"refs/heads/{place.branch.name}"
        if place.branch
        else ""
    )
    body = {
        "commit_sha": head,
        "ref": ref or "refs/heads/main",
        "sarif": b64encode(gzip.compress(sarif, mtime=0)).decode("ascii"),
        "tool_name": "skillsync",
    }
    path = f"{calls.prefix}/repos/{place.project}/code-scanning/sarifs"
    calls.transport.request("POST", path, json={**body})
