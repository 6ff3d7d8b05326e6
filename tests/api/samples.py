"""Skills and answers as the server prints them, for tests that bend them."""

from __future__ import annotations

from typing import Any

from skillsync.api.payload import SkillPayload
from skillsync.model import Json, RemoteFile

FIRST = "2026-01-02T03:04:05.000006Z"
ID = "01a20ace-9273-77c7-84e3-d0b88a993447"
OTHER_ID = "01a20ace-0000-77c7-84e3-d0b88a993447"


def detail(name: str = "alpha", **changes: Any) -> dict[str, Any]:
    """The detail of version 1, with some fields changed."""
    return {
        "id": ID,
        "name": name,
        "description": "Does it.",
        "body": "# Alpha",
        "license": "",
        "compatibility": "",
        "allowed_tools": ["Read"],
        "metadata": {"a": "1"},
        "files": [],
        "outline": [],
        "version": 1,
        "created_by": {"id": 7, "email": "ann@example.com", "first_name": "Ann"},
        "created_at": FIRST,
        "updated_at": FIRST,
        "deleted": False,
        "is_latest": True,
        "latest_version": 1,
        "version_count": 1,
        "first_version_created_at": FIRST,
        **changes,
    }


def page(*items: Any, count: int | None = None, following: str | None = None) -> dict[str, Any]:
    """One page of a list."""
    return {
        "count": len(items) if count is None else count,
        "next": following,
        "previous": None,
        "results": list(items),
    }


def payload(
    name: str = "alpha", *, files: dict[str, str] | None = None, **changes: Json
) -> SkillPayload:
    """What a publish sends; files with a type of their own."""
    stored = tuple(
        RemoteFile(path, text, "text/x-odd") for path, text in sorted((files or {}).items())
    )
    fields: dict[str, Json] = {
        "description": "Does it.",
        "body": "# Alpha\n",
        "license": "",
        "compatibility": "",
        "allowed_tools": ["Read"],
        "metadata": {"a": "1"},
        "files": [
            {"path": file.path, "content": file.text, "content_type": file.content_type}
            for file in stored
        ],
        **changes,
    }
    return SkillPayload(name, fields, stored)
