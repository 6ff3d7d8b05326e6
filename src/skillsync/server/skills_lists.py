"""Lists of skills: which and in what order, and what tells a client that it has this page already."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, Exists, OuterRef, Q

from skillsync.server.models import Project, Skill, SkillOwner, SkillTag, User
from skillsync.server.prepared import Prepared, Slot
from skillsync.server.skills_limits import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet
    from django.http import QueryDict
    from rest_framework.request import Request

    from skillsync.server.dialects import Dialect

_ORDERS = {
    "name": "name",
    "created_at": "created_at",
    "updated_at": "updated_at",
    # The latest row's number is also the count: versions have no gaps (models.Skill).
    "version": "version",
    "latest_version": "version",
    "version_count": "version",
}


LISTED = tuple(
    field.attname for field in Skill._meta.concrete_fields if field.name not in {"body", "project"}
)
"""What a list reads of each skill; bodies may be long."""

FILTERS = frozenset({"search", "category", "created_by_id", "owner_id", "tags"})
"""The parameters that make a list shorter, whichever dialect knows them."""

_LARGEST_ID = 2**63 - 1
"""What the column of an id can hold; nobody has a larger one."""


def filtered(
    rows: QuerySet[Skill],
    parameters: QueryDict,
    numbers: Mapping[str, int],
    *,
    dialect: Dialect,
) -> QuerySet[Skill]:
    """The rows that the list parameters ask for, ordered (skills-api.md 1.1).

    ``numbers`` are the validated ones: ``created_by_id`` and ``owner_id``.
    """
    search = parameters.get("search", "").strip()
    if "\0" in search or any(abs(number) > _LARGEST_ID for number in numbers.values()):
        return rows.none()
    if search:
        rows = rows.filter(Q(name__contains_text=search) | Q(description__contains_text=search))
    if dialect.has_category_filters:
        rows = _by_category(rows, parameters.get("category"))
        rows = _by_belongings(rows, numbers.get("owner_id"), parameters.get("tags", ""))
        if "created_by_id" in numbers:
            rows = rows.filter(created_by=numbers["created_by_id"])
    return _ordered(rows, parameters.get("order_by", ""))


def _by_category(rows: QuerySet[Skill], category: str | None) -> QuerySet[Skill]:
    """Absent means all, empty the uncategorised ones. The category is a matter of the name."""
    if category is None:
        return rows
    if not category:
        for prefix in CATEGORIES:
            rows = rows.exclude(name__startswith=prefix)
        return rows
    chosen = Q(pk__in=[])
    for prefix, name in CATEGORIES.items():
        if name == category:
            chosen |= Q(name__startswith=prefix)
    return rows.filter(chosen)


def _by_belongings(rows: QuerySet[Skill], owner: int | None, tags: str) -> QuerySet[Skill]:
    same = {"project": OuterRef("project"), "name": OuterRef("name")}
    if owner is not None:
        rows = rows.filter(Exists(SkillOwner.objects.filter(**same, user=owner)))
    wanted = {tag.strip().lower() for tag in tags.split(",")} - {""}
    if "\0" in tags:
        return rows.none()
    if wanted:
        rows = rows.filter(Exists(SkillTag.objects.filter(**same, tag__in=wanted)))
    return rows


def _ordered(rows: QuerySet[Skill], order_by: str) -> QuerySet[Skill]:
    return rows.order_by(_column(order_by), "-id")


def _column(order_by: str) -> str:
    """An unknown order silently means the default; ties are broken by ``-id`` (skills-api.md 1.1)."""
    column = _ORDERS.get(order_by.removeprefix("-"))
    if column is None:
        return "-created_at"
    return ("-" if order_by.startswith("-") else "") + column


def unfiltered(parameters: QueryDict) -> Prepared[tuple[Any, ...]]:
    """The latest version of every skill of a ``project``, as ``LISTED`` columns, in the order that is asked for."""
    return _unfiltered(_column(parameters.get("order_by", "")))


@cache
def _unfiltered(column: str) -> Prepared[tuple[Any, ...]]:
    project = Slot("project", BigIntegerField())
    latest = Skill.objects.filter(project_id=project, deleted=False, is_latest=True)
    return Prepared(lambda: latest.order_by(column, "-id").values_list(*LISTED))


def listed(rows: Sequence[tuple[Any, ...]], caller: User) -> list[Any]:
    """Rows of ``LISTED`` columns, each with the attributes of a Skill but the body.

    Making a hundred real ones takes longer than all the rest. Who made a skill is read once per person, and not
    at all where it was the caller.
    """
    known: dict[int | None, User] = {caller.pk: caller}
    found = [SimpleNamespace(**dict(zip(LISTED, row, strict=True))) for row in rows]
    others = {one.created_by_id for one in found} - {None, caller.pk}
    if others:
        known |= User.objects.in_bulk(others)
    for one in found:
        one.pk, one.created_by = one.id, known.get(one.created_by_id)
    return found


_REVISION = Prepared(
    lambda: Project.objects.filter(pk=Slot("pk", BigIntegerField())).values_list("skills_revision")
)


def validators(project: Project, caller: User, page: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a list (skills-api.md 12): weak and private, as the page is rendered for one user."""
    [(revision,)] = _REVISION.rows(pk=project.pk)
    version = f"{project.uuid.hex[:8]}-{revision}"
    rendered = json.dumps(page, default=str)
    seen = hashlib.sha256(f"{caller.pk} {version} {rendered}".encode()).hexdigest()
    return {
        "ETag": f'W/"{seen[:32]}"',
        "X-Skills-Version": version,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie, Accept",
    }


def not_modified(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names this page, or is ``*``; compared weakly (RFC 9110, 13.1.2)."""
    header = request.META.get("HTTP_IF_NONE_MATCH", "")
    names = {name.strip().removeprefix("W/") for name in header.split(",")}
    return "*" in names or etag.removeprefix("W/") in names
