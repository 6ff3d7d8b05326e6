"""The endpoints of skills that the seed does not have: rename, SKILL.md, tags, search, zip (skills-api.md 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response

from skillsync.server import skills_input as accepted
from skillsync.server import skills_queries as queries
from skillsync.server import skills_store as store
from skillsync.server import skills_versions as versions
from skillsync.server.exceptions import BareError
from skillsync.server.models import SkillTag
from skillsync.server.skills_markdown import frontmatter_of, skill_md
from skillsync.server.skills_search import search
from skillsync.server.skills_views import SkillsView
from skillsync.server.skills_zip import MAX_ZIP_BYTES, packed, unpacked
from skillsync.server.windows import SEARCH_RATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request


class SkillRename(SkillsView):
    """``/name/:name/rename``."""

    def post(self, request: Request, *, name: str, **_: str) -> Response:
        """Give the skill another name; no new version."""
        values = self.accept(accepted.NewNameInput, request.data)
        return self.detail(
            store.rename(self.project, name, new_name=values["new_name"], dialect=self.dialect)
        )


class SkillMarkdown(SkillsView):
    """``/name/:name/skill-md``."""

    def get(self, request: Request, *, name: str, **_: str) -> Response:
        """The rendered file and its parsed frontmatter."""
        query = self.accept(queries.VersionQuery, request.query_params)
        skill = versions.find_skill(
            self.project, name, dialect=self.dialect, version=query.get("version")
        )
        return Response(
            {
                "name": skill.name,
                "version": skill.version,
                "content": skill_md(skill),
                "frontmatter": frontmatter_of(skill),
            }
        )


class SkillSearch(SkillsView):
    """``/search``."""

    rates = SEARCH_RATES

    def get(self, request: Request, **_: str) -> Response:
        """The best results; not a listing."""
        query = self.accept(queries.SearchQuery, request.query_params)
        results = search(self.project, query["query"])
        return Response({"count": len(results), "results": results})


class ZipRenderer(BaseRenderer):
    """So that ``Accept: application/zip`` is no 406; errors are JSON all the same."""

    media_type = "application/zip"
    format = "zip"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """An error as JSON; the archive itself never comes here."""
        return JSONRenderer().render(data, "application/json", renderer_context)


class SkillExport(SkillsView):
    """``/name/:name/export``."""

    renderer_classes = (JSONRenderer, ZipRenderer)

    def get(self, request: Request, *, name: str, **_: str) -> HttpResponse:
        """The skill as a zip archive."""
        query = self.accept(queries.VersionQuery, request.query_params)
        skill = versions.find_skill(
            self.project, name, dialect=self.dialect, version=query.get("version")
        )
        data = packed(skill, versions.files_of(skill))
        answer = HttpResponse(data, content_type="application/zip")
        answer["Content-Disposition"] = f'attachment; filename="{skill.name}.zip"'
        return answer

    def handle_exception(self, exc: Exception) -> Response:
        """An error is JSON whatever was asked for."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = "application/json"
        return super().handle_exception(exc)


class SkillImport(SkillsView):
    """``/import``."""

    def post(self, request: Request, **_: str) -> Response:
        """Create a skill from a zip archive; never a new version of one."""
        sent = request.FILES.get("file")
        if sent is None:
            text = "Attach the skill .zip as multipart form field 'file'."
            raise BareError(400, {"detail": text})
        skill = unpacked(sent.read(MAX_ZIP_BYTES + 1), dialect=self.dialect)
        try:
            made = store.create(
                self.project,
                user=self.caller,
                name=skill.name,
                content=skill.content,
                files=skill.files,
            )
        except ValidationError as error:
            taken = {"attr": "name", "detail": f"A skill named '{skill.name}' already exists."}
            raise BareError(400, taken) from error
        return self.detail(made, status=201)


class SkillTags(SkillsView):
    """``/tags``."""

    def get(self, request: Request, **_: str) -> Response:
        """Every tag that a skill of the project bears, alphabetical."""
        tags = SkillTag.objects.filter(project=self.project).values_list("tag", flat=True)
        return Response({"tags": sorted(set(tags))})
