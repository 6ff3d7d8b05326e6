"""The endpoints of bundled files, 8 to 11 of skills-api.md 1: validate, call the store, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.response import Response

from skillsync.server import skills_files as files
from skillsync.server import skills_input as accepted
from skillsync.server import skills_queries as queries
from skillsync.server import skills_versions as versions
from skillsync.server.exceptions import BareError
from skillsync.server.skills_limits import is_looked_up
from skillsync.server.skills_views import SkillsView

if TYPE_CHECKING:
    from rest_framework.request import Request


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
        query = self.accept(queries.VersionQuery, request.query_params)
        wanted = _looked_up(path)
        skill = versions.find_skill(
            self.project, name, dialect=self.dialect, version=query.get("version")
        )
        file = versions.find_file(skill, wanted)
        if file is None:
            raise files.file_not_found(wanted, name)
        return Response(
            {"path": file.path, "content": file.content, "content_type": file.content_type}
        )

    def delete(self, request: Request, *, name: str, path: str, **_: str) -> Response:
        """Remove the file; answers 200 with the new version."""
        query = self.accept(queries.BaseVersionQuery, request.query_params)
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
