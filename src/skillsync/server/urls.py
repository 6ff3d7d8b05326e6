"""The paths of the API: both prefixes, the trailing slash optional and never redirected (platform.md 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import re_path

from skillsync.server import account_views, datasets_views, skills_views

if TYPE_CHECKING:
    from django.urls import URLPattern
    from rest_framework.views import APIView

_PROJECT = r"^api/(?:projects|environments)/(?P<project>[^/]+)/"
_NAMED = r"llm_skills/name/(?P<name>[^/]+)"


def _route(pattern: str, view: type[APIView]) -> URLPattern:
    return re_path(pattern + r"/?\Z", view.as_view())


urlpatterns = [
    _route(r"^api/users/@me", account_views.Me),
    _route(r"^api/personal_api_keys/@current", account_views.CurrentKey),
    _route(_PROJECT + "llm_skills", skills_views.SkillList),
    _route(_PROJECT + _NAMED, skills_views.SkillDetail),
    _route(_PROJECT + r"llm_skills/resolve/name/(?P<name>[^/]+)", skills_views.SkillResolve),
    _route(_PROJECT + _NAMED + "/archive", skills_views.SkillArchive),
    _route(_PROJECT + _NAMED + "/duplicate", skills_views.SkillDuplicate),
    _route(_PROJECT + _NAMED + "/files", skills_views.SkillFiles),
    _route(_PROJECT + _NAMED + "/files-rename", skills_views.SkillFilesRename),
    _route(_PROJECT + _NAMED + r"/files/(?P<path>(?s:.+))", skills_views.SkillFileDetail),
    _route(_PROJECT + "datasets", datasets_views.DatasetList),
    _route(_PROJECT + r"datasets/(?P<id>[^/]+)", datasets_views.DatasetDetail),
    _route(_PROJECT + "dataset_items", datasets_views.ItemList),
    _route(_PROJECT + r"dataset_items/(?P<id>[^/]+)", datasets_views.ItemDetail),
]

handler400 = "skillsync.server.views.bad_request"
handler404 = "skillsync.server.views.endpoint_not_found"
handler500 = "skillsync.server.views.server_error"
