"""Who am I: ``/api/users/@me/`` and ``/api/personal_api_keys/@current/`` (platform.md 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from skillsync.server.models import ApiKey, Organization, Project
from skillsync.server.permissions import current_project
from skillsync.server.render import render_time, render_user
from skillsync.server.views import ApiView

if TYPE_CHECKING:
    from rest_framework.request import Request


class Me(ApiView):
    """The key's owner."""

    scope_object = "user"
    rates = ()

    def get(self, request: Request) -> Response:
        """Person, current project and organisations."""
        user = self.caller
        project = current_project(user)
        organizations = {
            str(organization.pk): {"id": str(organization.pk), "name": organization.name}
            for organization in Organization.objects.order_by("pk")
        }
        of_project = None if project is None else str(project.organization_id)
        return Response(
            {
                **(render_user(user) or {}),
                "is_staff": False,
                "team": None if project is None else _render_project(project),
                "organization": organizations.get(of_project or ""),
                "organizations": list(organizations.values()),
            }
        )


class CurrentKey(ApiView):
    """The key itself: what it may do and where."""

    def get(self, request: Request) -> Response:
        """Every field but the key's value."""
        key = request.auth
        assert isinstance(key, ApiKey)
        return Response(
            {
                "id": key.pk,
                "label": key.label,
                "mask_value": key.mask_value,
                "scopes": key.scopes,
                "scoped_teams": key.scoped_teams,
                "scoped_organizations": key.scoped_organizations,
                "created_at": render_time(key.created_at),
                "last_used_at": render_time(key.last_used_at),
                "user_id": key.user_id,
            }
        )


def _render_project(project: Project) -> dict[str, Any]:
    return {
        "id": project.pk,
        "uuid": str(project.uuid),
        "name": project.name,
        "organization": str(project.organization_id),
        "project_id": project.pk,
        "api_token": project.api_token,
        "timezone": "UTC",
    }
