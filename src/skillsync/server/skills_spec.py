"""What keeps a skill from being packed: ``spec_problems`` (skills-api.md 10.4). Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from skillsync.server.dialects import CURRENT
from skillsync.server.skills_limits import path_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1024
SIDECAR = "agents/openai.yaml"
"""What the packed skill holds besides SKILL.md and the bundled files."""

Problem = dict[str, str | None]


def spec_problems(name: str, description: str, paths: Iterable[str]) -> list[Problem]:
    """Objects of ``code``, ``message`` and ``file_path``; none when the skill can be packed."""
    return [
        *_name_problems(name),
        *_description_problems(description),
        *_path_problems(sorted(paths)),
    ]


def _problem(code: str, message: str, path: str | None = None) -> Problem:
    return {"code": code, "message": message, "file_path": path}


def _name_problems(name: str) -> Iterable[Problem]:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield _problem(
            "name_malformed", "The name must be lowercase words joined by single hyphens."
        )


def _description_problems(description: str) -> Iterable[Problem]:
    if not description.strip():
        yield _problem("description_empty", "description is required and must be non-empty")
    if len(description) > LONGEST_DESCRIPTION:
        yield _problem("description_too_long", long_description(len(description)))


def long_description(length: int) -> str:
    """What is wrong with a description of so many characters."""
    return (
        f"The description is {length} characters. Shorten it to {LONGEST_DESCRIPTION} characters "
        "or fewer."
    )


def _path_problems(paths: Sequence[str]) -> Iterable[Problem]:
    folded = Counter(path.lower() for path in {*paths, SIDECAR})
    folders = {folder for path in {*paths, SIDECAR} for folder in _folders(path.lower())}
    for path in paths:
        problem = path_problem(path, dialect=CURRENT)
        if problem is not None:
            yield _problem("file_path_invalid", problem, path)
        elif "\\" in path:
            yield _problem("file_path_not_canonical", "File paths use forward slashes.", path)
        if folded[path.lower()] > 1:
            yield _problem(
                "file_path_collides", "Another file has this path in other letter case.", path
            )
        if path.lower() in folders or path.lower().startswith("skill.md/"):
            yield _problem(
                "file_path_shadows_directory",
                "A file is where another path needs a directory.",
                path,
            )


def _folders(path: str) -> Iterable[str]:
    parts = path.split("/")[:-1]
    return ("/".join(parts[: end + 1]) for end in range(len(parts)))
