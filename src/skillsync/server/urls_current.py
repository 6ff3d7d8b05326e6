"""The paths of the current dialect: those of the seed's skills, the newer features, the newer datasets."""

from __future__ import annotations

from skillsync.server import skills_extra_views
from skillsync.server.urls import NAMED, PROJECT, account_routes, route, skill_routes

urlpatterns = [
    *account_routes,
    route(PROJECT + "llm_skills/search", skills_extra_views.SkillSearch),
    route(PROJECT + "llm_skills/tags", skills_extra_views.SkillTags),
    route(PROJECT + "llm_skills/import", skills_extra_views.SkillImport),
    route(PROJECT + NAMED + "/rename", skills_extra_views.SkillRename),
    route(PROJECT + NAMED + "/skill-md", skills_extra_views.SkillMarkdown),
    route(PROJECT + NAMED + "/export", skills_extra_views.SkillExport),
    *skill_routes,
]

handler400 = "skillsync.server.views.bad_request"
handler404 = "skillsync.server.views.endpoint_not_found"
handler500 = "skillsync.server.views.server_error"
