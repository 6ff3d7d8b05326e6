"""What a key may do: scopes, the projects it is limited to, and its owner's membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import BigIntegerField
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import BasePermission

from skillsync.server.models import ApiKey, Project, User
from skillsync.server.prepared import Prepared, Slot

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that the read scope allows, unless a view says otherwise."""

_PROJECT = Prepared(lambda: Project.objects.filter(pk=Slot("pk", BigIntegerField())))
_LIMITS = Prepared(
    lambda: User.projects.through.objects.filter(
        user_id=Slot("user", BigIntegerField())
    ).values_list("project_id")
)


class ScopesAndMembership(BasePermission):
    """platform.md 4, in its order: credentials (401), scope (403), project (404 or 403)."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True when allowed; False without credentials; raises PermissionDenied or NotFound otherwise."""
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        method = request.method or "GET"
        if getattr(view, "refuses_unmapped", False) and method not in view.allowed_methods:
            raise PermissionDenied("This action does not support personal API key access")
        _require_scope(key, view, method)
        wanted = view.kwargs.get("project")
        if wanted is not None:
            view.project = _project_for(key, wanted)  # type: ignore[attr-defined]  # views.ApiView has it
        return True


def _require_scope(key: ApiKey, view: APIView, method: str) -> None:
    scope_object = getattr(view, "scope_object", None)
    if scope_object is None or "*" in key.scopes:
        return
    read, write = f"{scope_object}:read", f"{scope_object}:write"
    needed = read if method in getattr(view, "reading", READING) else write
    if write not in key.scopes and needed not in key.scopes:
        raise PermissionDenied(f"API key missing required scope '{needed}'")


def _project_for(key: ApiKey, wanted: str) -> Project:
    """The project of the URL: a number or ``@current`` (platform.md 2)."""
    project = _find_project(key.user, wanted)
    if project is None:
        raise NotFound("Project not found.")
    if key.scoped_teams and project.pk not in key.scoped_teams:
        raise PermissionDenied(
            f"API key does not have access to the requested project: ID {project.pk}."
        )
    if key.scoped_organizations and str(project.organization_id) not in key.scoped_organizations:
        raise PermissionDenied(
            "API key does not have access to the requested organization: "
            f"ID {project.organization_id}."
        )
    if not is_member(key.user, project):
        raise PermissionDenied("You don't have access to the project.")
    return project


def _find_project(user: User, wanted: str) -> Project | None:
    if wanted == "@current":
        return current_project(user)
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        return None
    return _PROJECT.first(pk=int(wanted))


def current_project(user: User) -> Project | None:
    """The project that ``@current`` means: the one last opened, else the first one the user is in."""
    if user.current_project is not None:
        return user.current_project
    limited_to = user.projects.order_by("pk").first()
    return limited_to or Project.objects.order_by("pk").first()


def is_member(user: User, project: Project) -> bool:
    """Whether the user belongs to the project: everybody does, unless limited to some."""
    allowed = {pk for (pk,) in _LIMITS.rows(user=user.pk)}
    return not allowed or project.pk in allowed
