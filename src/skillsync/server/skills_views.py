"""The skills endpoints, 1 to 11 of skills-api.md 1: validate, call the store, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from rest_framework.response import Response

from skillsync.server import skills_files as files
from skillsync.server import skills_input as accepted
from skillsync.server import skills_store as store
from skillsync.server import skills_versions as versions
from skillsync.server.exceptions import BareError
from skillsync.server.paging import Paging
from skillsync.server.skills_limits import is_looked_up
from skillsync.server.skills_render import render_detail, render_summary, render_version
from skillsync.server.views import ApiView

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

    from skillsync.server.models import Skill

_ORDERS = {
    "name": "name",
    "created_at": "created_at",
    "updated_at": "updated_at",
    # The latest row's number is also the count: versions have no gaps (models.Skill).
    "version": "version",
    "latest_version": "version",
    "version_count": "version",
}
_LARGEST_OFFSET = 2**31 - 1


class SkillsView(ApiView):
    """What the views of skills share."""

    scope_object = "llm_skill"

    def accept(self, kind: type[accepted.Input], data: Any) -> dict[str, Any]:
        """The validated input; ValidationError (400) otherwise."""
        serializer = kind(data=data, context={"dialect": self.dialect})
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def detail(self, skill: Skill, *, status: int = 200) -> Response:
        """The answer that shows one version in full."""
        return Response(self.rendered(skill), status=status)

    def rendered(self, skill: Skill) -> dict[str, Any]:
        """One version in full."""
        manifest = skill.files.order_by("path").values_list("path", "content_type")
        return render_detail(skill, latest=versions.latest_version_of(skill), files=manifest)


class SkillList(SkillsView):
    """``/``: the latest version of every skill; creating one."""

    def get(self, request: Request, **_: str) -> Response:
        """A page of summaries."""
        rows = versions.active_skills(self.project).filter(is_latest=True).defer("body")
        search = request.query_params.get("search", "").strip()
        if search:
            rows = rows.filter(Q(name__contains_text=search) | Q(description__contains_text=search))
        rows = _ordered(rows, request.query_params.get("order_by", ""))
        pages = Paging()
        page = pages.paginate_queryset(rows, request) or []
        return pages.get_paginated_response([render_summary(skill) for skill in page])

    def post(self, request: Request, **_: str) -> Response:
        """Create version 1."""
        values = self.accept(accepted.CreateInput, request.data)
        skill = store.create(
            self.project,
            user=self.caller,
            name=values["name"],
            content=values,
            files=files.files_from(values.get("files", ())),
        )
        return self.detail(skill, status=201)


def _ordered(rows: QuerySet[Skill], order_by: str) -> QuerySet[Skill]:
    """An unknown order silently means the default; ties are broken by ``-id`` (skills-api.md 1.1)."""
    column = _ORDERS.get(order_by.removeprefix("-"))
    if column is None:
        return rows.order_by("-created_at", "-id")
    return rows.order_by(("-" if order_by.startswith("-") else "") + column, "-id")


class SkillDetail(SkillsView):
    """``/name/:name``: reading one version, publishing the next."""

    def get(self, request: Request, *, name: str, **_: str) -> Response:
        """The version asked for, or the latest, with its whole body."""
        query = self.accept(accepted.VersionQuery, request.query_params)
        return self.detail(
            versions.find_skill(
                self.project, name, dialect=self.dialect, version=query.get("version")
            )
        )

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
        query = self.accept(accepted.ResolveQuery, request.query_params)
        of_name = versions.active_skills(self.project).filter(name=name)
        skill = self._selected(of_name, query)
        if skill is None:
            raise BareError(404, self.dialect.skill_not_found(name))
        rows = of_name.defer("body").order_by("-version")
        if "before_version" in query:
            rows = rows.filter(version__lt=query["before_version"])
        start = min(query.get("offset", 0), _LARGEST_OFFSET)
        limit = query["limit"]
        page = list(rows[start : start + limit + 1])  # one more tells whether there are more
        return Response(
            {
                "skill": self.rendered(skill),
                "versions": [render_version(row) for row in page[:limit]],
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
        values = self.accept(accepted.DuplicateInput, request.data)
        copy = store.duplicate(
            self.project,
            name,
            new_name=values["new_name"],
            user=self.caller,
            dialect=self.dialect,
        )
        return self.detail(copy, status=201)


class SkillFiles(SkillsView):
    """``/name/:name/files``: adding a file. There is no listing (skills-api.md 1)."""

    def post(self, request: Request, *, name: str, **_: str) -> Response:
        """Add one file."""
        values = self.accept(accepted.AddFileInput, request.data)
        skill = files.add_file(
            self.project,
            name,
            file=files.files_from([values])[0],
            base_version=values.get("base_version"),
            user=self.caller,
            dialect=self.dialect,
        )
        return self.detail(skill, status=201)


class SkillFileDetail(SkillsView):
    """``/name/:name/files/:path``: one file's content; removing it."""

    def get(self, request: Request, *, name: str, path: str, **_: str) -> Response:
        """``{path, content, content_type}``."""
        query = self.accept(accepted.VersionQuery, request.query_params)
        wanted = _looked_up(path)
        skill = versions.find_skill(
            self.project, name, dialect=self.dialect, version=query.get("version")
        )
        file = skill.files.filter(path=wanted).first()
        if file is None:
            raise files.file_not_found(wanted, name)
        return Response(
            {"path": file.path, "content": file.content, "content_type": file.content_type}
        )

    def delete(self, request: Request, *, name: str, path: str, **_: str) -> Response:
        """Remove the file; answers 200 with the new version."""
        query = self.accept(accepted.BaseVersionQuery, request.query_params)
        skill = files.delete_file(
            self.project,
            name,
            path=_looked_up(path),
            base_version=query.get("base_version"),
            user=self.caller,
            dialect=self.dialect,
        )
        return self.detail(skill)


def _looked_up(path: str) -> str:
    """The path without trailing slashes; BareError 400 when it could never be stored."""
    wanted = path.rstrip("/")
    if not is_looked_up(wanted):
        raise BareError(400, {"detail": "Invalid file path."})
    return wanted


class SkillFilesRename(SkillsView):
    """``/name/:name/files-rename``."""

    def post(self, request: Request, *, name: str, **_: str) -> Response:
        """Give a file another path."""
        values = self.accept(accepted.RenameFileInput, request.data)
        skill = files.rename_file(
            self.project,
            name,
            paths=(values["old_path"], values["new_path"]),
            base_version=values.get("base_version"),
            user=self.caller,
            dialect=self.dialect,
        )
        return self.detail(skill)
