"""Reads versions of skills as they are seen here: without what git ignores, and no file that is here already (F22)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from skillsync.model import RemoteSkill, Version
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Remote, Workspace

if TYPE_CHECKING:
    from skillsync.api.skills import Wanted


def read_into(workspace: Workspace, remote: Remote, views: Mapping[str, SkillView]) -> None:
    """Read the latest content of each view, in parallel; a failure becomes the view's error.

    Of a linked skill its versions since the base come along: what went backwards meanwhile, and grew again, does not
    know the base's id any more (S24).
    """
    wanted = [(name, view.version.number if view.version else None) for name, view in views.items()]
    since = {
        name: number for name, view in views.items() if (number := _versions_from(view)) is not None
    }
    known = {name: known_texts(view) for name, view in views.items()}
    found: dict[str, RemoteSkill] = {}
    listed: dict[Wanted, Version] = {
        (name, view.version.number): view.version for name, view in views.items() if view.version
    }
    read = remote.skills.read_many(wanted, since=since, known=known, listed=listed)
    for (name, _), result in read:
        if isinstance(result, RemoteSkill):
            found[name] = result
        else:
            views[name].error = result
    placed = [(*views[name].place_in(workspace), content) for name, content in found.items()]
    for name, content in zip(found, workspace.aside.put_aside(placed), strict=True):
        views[name].content = content


def _versions_from(view: SkillView) -> int | None:
    """From which number on the versions of a skill are asked for together with its content, None: not at all."""
    base, version = view.base, view.version
    if version is None:
        return None
    if base is not None and base.first == version.first:
        return base.number
    return 1 if version.description is not None and view.local is not None else None


def known_texts(view: SkillView) -> Mapping[str, str]:
    """Return the texts of a skill's local files as a server may store them, by the digest a manifest would name.

    Only the newest servers name digests; from others every file is asked for.
    """
    if view.local is None or view.version is None or view.version.description is None:
        return {}
    reading = view.local.reading
    texts = {text.strip() for text in reading.raw_files.values()}
    texts |= {*reading.raw_files.values()}
    if reading.skill is not None:
        texts |= {*reading.skill.files.values()}
    return {sha256(text.encode("utf-8", "surrogatepass")).hexdigest(): text for text in texts}


def read_version(
    workspace: Workspace, remote: Remote, view: SkillView, *, number: int | None = None
) -> RemoteSkill:
    """Read one version of a skill (None: the latest) as it is seen here: without what git ignores (F22)."""
    content = remote.skills.read(
        view.name, number=number, known=known_texts(view), listed=_listed(view, number)
    )
    return workspace.aside.put_aside([(*view.place_in(workspace), content)])[0]


def _listed(view: SkillView, number: int | None) -> Version | None:
    """Return a version as the server named it in this run, where it did; the latest is always asked for anew."""
    known = (view.version, *(view.content.versions if view.content else ()))
    return next((one for one in known if one and one.number == number), None)
