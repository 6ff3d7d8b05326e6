"""The paths of the current dialect: those of the seed's skills, the newer features, the newer datasets."""

from __future__ import annotations

from skillsync.server import (
    skills_extra_views,
    versioned_access_views,
    versioned_exports,
    versioned_views,
)
from skillsync.server.urls import NAMED, PROJECT, account_routes, route, skill_routes

_DATASET = PROJECT + r"datasets/(?P<id>[^/]+)"
_ITEM = PROJECT + r"dataset_items/(?P<id>[^/]+)"

urlpatterns = [
    *account_routes,
    route(PROJECT + "llm_skills/search", skills_extra_views.SkillSearch),
    route(PROJECT + "llm_skills/tags", skills_extra_views.SkillTags),
    route(PROJECT + "llm_skills/import", skills_extra_views.SkillImport),
    route(PROJECT + NAMED + "/rename", skills_extra_views.SkillRename),
    route(PROJECT + NAMED + "/skill-md", skills_extra_views.SkillMarkdown),
    route(PROJECT + NAMED + "/export", skills_extra_views.SkillExport),
    *skill_routes,
    route(PROJECT + "datasets", versioned_views.DatasetList),
    route(_DATASET, versioned_views.DatasetDetail),
    route(_DATASET + "/(?P<verb>archive|restore)", versioned_views.DatasetArchiving),
    route(_DATASET + "/revisions", versioned_views.RevisionList),
    route(_DATASET + "/access_controls", versioned_access_views.AccessControls),
    route(_DATASET + "/exports", versioned_exports.ExportList),
    route(_DATASET + r"/exports/(?P<export>[^/]+)", versioned_exports.ExportDetail),
    route(_DATASET + r"/exports/(?P<export>[^/]+)/content", versioned_exports.ExportContent),
    route(PROJECT + "dataset_items", versioned_views.ItemList),
    route(_ITEM, versioned_views.ItemDetail),
    route(_ITEM + "/archive", versioned_views.ItemArchive),
    route(_ITEM + "/restore", versioned_views.ItemRestore),
    route(_ITEM + "/versions", versioned_views.VersionList),
]

handler400 = "skillsync.server.views.bad_request"
handler404 = "skillsync.server.views.endpoint_not_found"
handler500 = "skillsync.server.views.server_error"
