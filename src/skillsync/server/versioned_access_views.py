"""The endpoint of a dataset's grants, ``access_controls`` (datasets-api.md 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from skillsync.server import versioned_access as access
from skillsync.server import versioned_datasets as datasets
from skillsync.server.render import render_time, render_user
from skillsync.server.versioned_datasets import as_uuid
from skillsync.server.versioned_input import GrantInput
from skillsync.server.versioned_views import VersionedView

if TYPE_CHECKING:
    from rest_framework.request import Request

    from skillsync.server.models import DatasetGrant


class AccessControls(VersionedView):
    """``/datasets/:id/access_controls``. A membership's id is the ``uuid`` of the person."""

    def get(self, request: Request, *, id: str, **_: str) -> Response:
        """The grants, what may be granted, and what the caller has."""
        dataset = datasets.find_dataset(self.project, as_uuid(id), user=self.caller)
        grants = dataset.grants.select_related("user", "created_by").order_by("pk")
        return Response(
            {
                "access_controls": [_rendered(grant) for grant in grants],
                "available_access_levels": list(access.LEVELS),
                "default_access_level": access.EDITOR,
                "user_access_level": access.level_of(dataset, self.caller),
            }
        )

    def put(self, request: Request, *, id: str, **_: str) -> Response:
        """Give one person a level."""
        values = self.accept(GrantInput, request.data)
        dataset = datasets.find_dataset(
            self.project, as_uuid(id), user=self.caller, needs=access.EDITOR
        )
        made = access.grant(
            self.project,
            dataset,
            member=values["organization_member"],
            level=values["access_level"],
            by=self.caller,
        )
        return Response(_rendered(made))


def _rendered(grant: DatasetGrant) -> dict[str, Any]:
    return {
        "access_level": grant.access_level,
        "organization_member": str(grant.user.uuid),
        "created_by": render_user(grant.created_by),
        "created_at": render_time(grant.created_at),
        "updated_at": render_time(grant.updated_at),
    }
