"""The skills endpoints, 1 to 7 of skills-api.md 1: validate, call the store, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

from skillsync.server import skills_files as files
from skillsync.server import skills_input as accepted
from skillsync.server import skills_queries as queries
from skillsync.server import skills_store as store
from skillsync.server import skills_versions as versions
from skillsync.server.exceptions import BareError
from skillsync.server.models import SkillFile
from skillsync.server.paging import Paging
from skillsync.server.skills_lists import (
    FILTERS,
    LISTED,
    filtered,
    listed,
    not_modified,
    unfiltered,
    validators,
)
from skillsync.server.skills_missing import skill_missing
from skillsync.server.skills_owners import Belongings, belongings_of
from skillsync.server.skills_render import (
    BodyPage,
    Shown,
    render_detail,
    render_summary,
    render_version,
)
from skillsync.server.views import ApiView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import HttpResponseBase
    from rest_framework.request import Request

    from skillsync.server.models import Skill

_LARGEST_OFFSET = 2**31 - 1


class SkillsView(ApiView):
    """What the views of skills share."""

    scope_object = "llm_skill"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After key, scope and project: where the dialect looks first, a missing skill is told now."""
        super().initial(request, *args, **kwargs)
        name = kwargs.get("name")
        if name is not None and self.dialect.looks_first:
            versions.require_skill(self.project, name, dialect=self.dialect)

    def detail(self, skill: Skill, *, status: int = 200) -> Response:
        """The answer that shows one version in full."""
        return Response(self.rendered(skill), status=status)

    def rendered(self, skill: Skill, page: BodyPage | None = None) -> dict[str, Any]:
        """One version in full, or with a part of the body."""
        shown = Shown(
            skill,
            latest=versions.latest_version_of(skill),
            files=versions.manifest_of(skill, self.dialect),
            belongings=self._belongings([skill])[skill.name],
            page=page or BodyPage(),
        )
        return render_detail(shown, self.dialect)

    def summaries(self, skills: Sequence[Skill]) -> list[dict[str, Any]]:
        """List items, with as many queries for many skills as for one."""
        belongings = self._belongings(skills)
        paths: dict[Any, list[dict[str, str]]] = {skill.pk: [] for skill in skills}
        if "spec_problems" in self.dialect.summary_fields:
            rows = SkillFile.objects.filter(skill__in=[skill.pk for skill in skills])
            for owner, path in rows.values_list("skill_id", "path"):
                paths[owner].append({"path": path})
        return [
            render_summary(
                Shown(
                    skill,
                    latest=skill.version,
                    files=paths[skill.pk],
                    belongings=belongings[skill.name],
                ),
                self.dialect,
            )
            for skill in skills
        ]

    def _belongings(self, skills: Sequence[Skill]) -> dict[str, Belongings]:
        names = [skill.name for skill in skills]
        if not self.dialect.has_logical_metadata:
            return dict.fromkeys(names, Belongings())
        return dict(belongings_of(self.project, names))


class SkillList(SkillsView):
    """``/``: the latest version of every skill; creating one."""

    def get(self, request: Request, **_: str) -> HttpResponseBase:
        """A page of summaries; 304 when the caller has it already."""
        pages = Paging()
        rows = None
        if not request.query_params.keys() & FILTERS:
            rows = pages.first_page(
                request,
                unfiltered(request.query_params),
                lambda: self.chosen(request),
                project=self.project.pk,
            )
        if rows is None:
            rows = pages.paginate_queryset(self.chosen(request), request) or []
        answer = pages.get_paginated_response(self.summaries(listed(rows, self.caller)))
        if not self.dialect.has_list_validators:
            return answer
        headers = validators(self.project, self.caller, answer.data)
        if not_modified(request, headers["ETag"]):
            answer = Response(status=304)
        for name, value in headers.items():
            answer[name] = value
        return answer

    def chosen(self, request: Request) -> QuerySet[Any, tuple[Any, ...]]:
        """What is asked for, by whatever the dialect knows."""
        query = {}
        if self.dialect.has_category_filters:
            query = self.accept(queries.ListQuery, request.query_params)
        rows = versions.active_skills(self.project).filter(is_latest=True)
        return filtered(rows, request.query_params, query, dialect=self.dialect).values_list(
            *LISTED
        )

    def post(self, request: Request, **_: str) -> Response:
        """Create version 1."""
        values = self.accept(accepted.CreateInput, request.data)
        skill = store.create(
            self.project,
            user=self.caller,
            name=values["name"],
            content=values,
            files=files.files_from(values.get("files", ())),
            owners=values.get("owners"),
            tags=values.get("tags", ()),
        )
        return self.detail(skill, status=201)


class SkillDetail(SkillsView):
    """``/name/:name``: reading one version, publishing the next."""

    def handle_exception(self, exc: Exception) -> Response:
        """Where a missing name is the id of a version row, GET leads to its skill (skills-api.md 6)."""
        if isinstance(exc, BareError) and exc.status == 404 and self.request.method == "GET":
            moved = self._redirected()
            if moved is not None:
                return moved
        return super().handle_exception(exc)

    def _redirected(self) -> Response | None:
        name = self.kwargs["name"]
        skill = versions.skill_of_id(self.project, name) if self.dialect.redirects_ids else None
        if skill is None or versions.versions_named(self.project, name).exists():
            return None
        location = self.request.get_full_path().replace(f"/name/{name}", f"/name/{skill.name}", 1)
        return Response(status=302, headers={"Location": location})

    def get(self, request: Request, *, name: str, **_: str) -> Response:
        """The version asked for, or the latest, with as much of its body as the dialect shows."""
        page = BodyPage()
        if self.dialect.body_page is None:
            query = self.accept(queries.VersionQuery, request.query_params)
        else:
            query = self.accept(queries.BodyPageQuery, request.query_params)
            page = BodyPage(query["body_offset"], query.get("body_length", self.dialect.body_page))
        skill = versions.find_skill(
            self.project, name, dialect=self.dialect, version=query.get("version")
        )
        return Response(self.rendered(skill, page))

    def patch(self, request: Request, *, name: str, **_: str) -> Response:
        """Publish."""
        changes = self.accept(accepted.PublishInput, request.data)
        return self.detail(
            store.publish(
                self.project, name, user=self.caller, changes=changes, dialect=self.dialect
            )
        )


class SkillResolve(SkillsView):
    """``/resolve/name/:name``: one version in full and a page of the history (skills-api.md 1.2)."""

    def get(self, request: Request, *, name: str, **_: str) -> Response:
        """``{skill, versions, has_more}``, newest version first."""
        query = self.accept(queries.ResolveQuery, request.query_params)
        of_name = versions.versions_named(self.project, name)
        skill = self._selected(of_name, query)
        if skill is None:
            version = query.get("version") if "version_id" not in query else None
            raise skill_missing(self.project, name, dialect=self.dialect, version=version)
        rows = of_name.defer("body").order_by("-version")
        if "before_version" in query:
            rows = rows.filter(version__lt=query["before_version"])
        start = min(query.get("offset", 0), _LARGEST_OFFSET)
        limit = query["limit"]
        page = list(rows[start : start + limit + 1])  # one more tells whether there are more
        return Response(
            {
                "skill": self.rendered(skill),
                "versions": [render_version(row, self.dialect) for row in page[:limit]],
                "has_more": len(page) > limit,
            }
        )

    def _selected(self, rows: QuerySet[Skill], query: dict[str, Any]) -> Skill | None:
        if "version" not in query and "version_id" not in query:
            return rows.filter(is_latest=True).first()
        if "version" in query:
            rows = rows.filter(version=query["version"])
        if "version_id" in query:
            rows = rows.filter(pk=query["version_id"])
        return rows.first()


class SkillArchive(SkillsView):
    """``/name/:name/archive``."""

    def post(self, request: Request, *, name: str, **_: str) -> Response:
        """Archive every version."""
        store.archive(self.project, name, dialect=self.dialect)
        return Response(status=204)


class SkillDuplicate(SkillsView):
    """``/name/:name/duplicate``."""

    def post(self, request: Request, *, name: str, **_: str) -> Response:
        """Copy the latest version under another name."""
        values = self.accept(accepted.NewNameInput, request.data)
        copy = store.duplicate(
            self.project,
            name,
            new_name=values["new_name"],
            user=self.caller,
            dialect=self.dialect,
        )
        return self.detail(copy, status=201)
