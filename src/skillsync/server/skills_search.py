"""Search in skills and their Markdown files: the best ten, each with the places found (skills-api.md 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q

from skillsync.server.models import SkillFile
from skillsync.server.skills_limits import CATEGORIES
from skillsync.server.skills_versions import active_skills

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skillsync.server.models import Project, Skill

MOST_RESULTS = 10
MOST_MATCHES = 2
LONGEST_EXCERPT = 300
_MARKDOWN = (".md", ".markdown")


def search(project: Project, query: str) -> list[dict[str, Any]]:
    """Latest, uncategorised skills in which the text occurs, whatever its case; by name."""
    in_files = SkillFile.objects.filter(
        Q(path__contains_text=query) | (_is_markdown() & Q(content__contains_text=query)),
        skill=OuterRef("pk"),
    )
    rows = active_skills(project).filter(
        Q(name__contains_text=query)
        | Q(description__contains_text=query)
        | Q(body__contains_text=query)
        | Exists(in_files),
        is_latest=True,
    )
    for prefix in CATEGORIES:
        rows = rows.exclude(name__startswith=prefix)
    return [_result(skill, query) for skill in rows.order_by("name")[:MOST_RESULTS]]


def _is_markdown() -> Q:
    condition = Q()
    for ending in _MARKDOWN:
        condition |= Q(path__iendswith=ending)
    return condition


def _result(skill: Skill, query: str) -> dict[str, Any]:
    found = _matches(skill, query)
    matches = [match for _, match in zip(range(MOST_MATCHES), found, strict=False)]
    return {
        "id": str(skill.pk),
        "name": skill.name,
        "description": skill.description,
        "version": skill.version,
        "matches": matches,
    }


def _matches(skill: Skill, query: str) -> Iterator[dict[str, Any]]:
    """The places, best first: name, description, lines of the body, paths, lines of Markdown files."""
    for field, text in (("name", skill.name), ("description", skill.description)):
        yield from _lines(field, None, text, query, numbered=False)
    yield from _lines("body", None, skill.body, query)
    for file in skill.files.order_by("path"):
        yield from _lines("file_path", file.path, file.path, query, numbered=False)
        if file.path.lower().endswith(_MARKDOWN):
            yield from _lines("file_content", file.path, file.content, query)


def _lines(
    field: str, path: str | None, text: str, query: str, *, numbered: bool = True
) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        at = line.upper().find(query.upper())
        if at >= 0:
            start = max(0, at - LONGEST_EXCERPT // 3)
            yield {
                "matched_field": field,
                "path": path,
                "line": number if numbered else None,
                "excerpt": line[start : start + LONGEST_EXCERPT].strip(),
            }
