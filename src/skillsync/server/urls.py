"""The paths of the seed: both prefixes, the trailing slash optional and never redirected (platform.md 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import re_path

from skillsync.server import account_views, datasets_views, skills_file_views, skills_views
from skillsync.server.openapi import serve_schema

if TYPE_CHECKING:
    from django.urls import URLPattern
    from rest_framework.views import APIView

PROJECT = r"^api/(?:projects|environments)/(?P<project>[^/]+)/"
NAMED = r"llm_skills/name/(?P<name>[^/]+)"


def route(pattern: str, view: type[APIView]) -> URLPattern:
    """A path without its trailing slash, which is optional."""
    return re_path(pattern + r"/?\Z", view.as_view())


account_routes = [
    re_path(r"^api/schema/?\Z", serve_schema),
    route(r"^api/users/@me", account_views.Me),
    route(r"^api/personal_api_keys/@current", account_views.CurrentKey),
]
skill_routes = [
    route(PROJECT + "llm_skills", skills_views.SkillList),
    route(PROJECT + NAMED, skills_views.SkillDetail),
    route(PROJECT + r"llm_skills/resolve/name/(?P<name>[^/]+)", skills_views.SkillResolve),
    route(PROJECT + NAMED + "/archive", skills_views.SkillArchive),
    route(PROJECT + NAMED + "/duplicate", skills_views.SkillDuplicate),
    route(PROJECT + NAMED + "/files", skills_file_views.SkillFiles),
    route(PROJECT + NAMED + "/files-rename", skills_file_views.SkillFilesRename),
    route(PROJECT + NAMED + r"/files/(?P<path>(?s:.+))", skills_file_views.SkillFileDetail),
]
urlpatterns = [
    *account_routes,
    *skill_routes,
    route(PROJECT + "datasets", datasets_views.DatasetList),
    route(PROJECT + r"datasets/(?P<id>[^/]+)", datasets_views.DatasetDetail),
    route(PROJECT + "dataset_items", datasets_views.ItemList),
    route(PROJECT + r"dataset_items/(?P<id>[^/]+)", datasets_views.ItemDetail),
]

handler400 = "skillsync.server.views.bad_request"
handler404 = "skillsync.server.views.endpoint_not_found"
handler500 = "skillsync.server.views.server_error"
