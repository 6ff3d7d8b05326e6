"""Refuses names that nothing bears: a misspelt name must not pass for "nothing to do"."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from skillsync.errors import UsageError
from skillsync.sync.workspace import chosen

if TYPE_CHECKING:
    from skillsync.sync.dataset_survey import DatasetSurvey
    from skillsync.sync.skill_survey import SkillSurvey
    from skillsync.sync.workspace import Workspace

Object = tuple[str, str]
"""A name and the folder it is at, or would be at."""


def surveyed(
    workspace: Workspace, skills: SkillSurvey, datasets: DatasetSurvey | None = None
) -> list[Object]:
    """Return everything that the surveys know, also what is too broken to be decided about."""
    roots = workspace.settings
    found = [
        (view.name, view.dir or f"{roots.skills[0]}/{view.name}") for view in skills.views.values()
    ]
    problems = [*skills.problems]
    if datasets is not None:
        above = roots.datasets[0] if roots.datasets else "datasets"
        found += [(view.slug, view.dir or f"{above}/{view.slug}") for view in datasets.views]
        problems += datasets.problems
    return found + [(problem.subject, problem.path) for problem in problems]


def unknown_names(
    workspace: Workspace, names: Iterable[str], objects: Collection[Object]
) -> list[str]:
    """Return the names that no object bears and that are no path in the working tree either."""
    return [
        given
        for given in names
        if not (workspace.start / given).exists()
        and not (workspace.repo.root / given).exists()
        and not any(
            chosen(
                [given],
                name=name,
                directory=directory,
                root=workspace.repo.root,
                start=workspace.start,
            )
            for name, directory in objects
        )
    ]


def require_known(
    workspace: Workspace,
    names: Iterable[str],
    objects: Collection[Object],
    *,
    where: str = "here or on the server",
) -> None:
    """Raise UsageError (exit 2) when a given name or path is nothing's."""
    unknown = unknown_names(workspace, names, objects)
    if unknown:
        shown = ", ".join(repr(one) for one in unknown)
        raise UsageError(
            f"nothing {where} is called {shown}",
            unchanged="Nothing was changed.",
            hint="skillsync status (without a name) shows what there is",
        )
