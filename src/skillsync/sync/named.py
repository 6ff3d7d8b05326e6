"""Refuses names that nothing bears: a misspelt name must not pass for "nothing to do"."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, NoReturn

from skillsync.core.reconcile_dataset import DatasetPush
from skillsync.core.reconcile_row import RowPush
from skillsync.errors import UsageError
from skillsync.model import Key
from skillsync.sync.workspace import chosen

if TYPE_CHECKING:
    from skillsync.sync.dataset_survey import DatasetSurvey
    from skillsync.sync.dataset_view import DatasetView
    from skillsync.sync.local import LocalTree
    from skillsync.sync.skill_view import SkillSurvey
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


def in_tree(tree: LocalTree) -> list[Object]:
    """Return everything that one tree knows, also what was removed from it or cannot be read."""
    found = [(skill.name, skill.dir) for skill in (*tree.skills, *tree.gone_skills)]
    found += [(dataset.slug, dataset.dir) for dataset in (*tree.datasets, *tree.gone_datasets)]
    return found + [(problem.subject, problem.path) for problem in tree.problems]


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
        _refuse_unknown(unknown, where)


def _refuse_unknown(names: Iterable[str], where: str) -> NoReturn:
    shown = ", ".join(repr(one) for one in names)
    raise UsageError(
        f"nothing {where} is called {shown}",
        unchanged="Nothing was changed.",
        hint="skillsync status (without a name) shows what there is",
    )


def name_of(workspace: Workspace, given: str, objects: Collection[Object]) -> str:
    """Return the name of the one object whose folder ``given`` is; any other word as it is."""
    if not given or any(given == name for name, _ in objects):
        return given
    path = (workspace.start / given).resolve()
    found = {name for name, folder in objects if (workspace.repo.root / folder).resolve() == path}
    return found.pop() if len(found) == 1 else given


def archived_words(
    workspace: Workspace,
    words: Iterable[str],
    skills: SkillSurvey,
    datasets: DatasetSurvey,
    *,
    note: Callable[[str], None],
) -> frozenset[str]:
    """Return what ``push --archive`` names, as names, or ``NAME:KEY``.

    Raises UsageError for a name that nothing bears or, in HEAD's history, bore: a command may be repeated after it
    has done its work. What is named and still here is no removal. ``note`` is told of both.
    """
    objects = surveyed(workspace, skills, datasets)
    found = set()
    for word in words:
        whole, (name, _, key) = name_of(workspace, word, objects), word.partition(":")
        name = name_of(workspace, name, objects)
        views = [view for view in datasets.views if whole in {view.slug, view.name}]
        rows_of = [view for view in datasets.views if key and name in {view.slug, view.name}]
        if not views and rows_of:
            _say_rows_left(rows_of[0], key, note)
            found.add(f"{name}:{key}")
            continue
        if whole not in skills.views and not views:
            if not _was_here(workspace, whole.rpartition("/")[2].partition(":")[0]):
                _refuse_unknown([word], "here")
            note(f"nothing is left to archive of {word}: it is gone on both sides")
        found.add(whole)
        skill = skills.views.get(whole)
        if skill is not None and skill.local is not None:
            note(f"{whole} is still here and was not archived: {_FOR_REMOVED}")
        elif views and skill is None and not _has_removals(views[0]):
            note(f"nothing was removed from {views[0].slug}: {_FOR_REMOVED}")
    return frozenset(found)


def _was_here(workspace: Workspace, name: str) -> bool:
    """Tell whether a commit in HEAD's history had a skill or a dataset in a folder of that name."""
    head = workspace.history.head
    if head is None or not re.fullmatch(r"[\w.-]+", name):
        return False
    files = [f":(top,glob)**/{name}/{file}" for file in ("SKILL.md", "items.jsonl")]
    found = workspace.repo.run(["log", "--max-count=1", "--format=%H", head, "--", *files])
    return bool(found.line)


_FOR_REMOVED = "--archive is for what was removed from your files"


def _has_removals(view: DatasetView) -> bool:
    return (
        view.error is not None
        or view.verdict.push is DatasetPush.PENDING_REMOVAL
        or any(row.verdict.push is RowPush.PENDING_REMOVAL for row in view.rows.open)
    )


def _say_rows_left(view: DatasetView, key: str, note: Callable[[str], None]) -> None:
    if view.error is not None or view.gone is not None:
        return
    row = view.rows.get(Key(key))
    if row is None:
        note(f"no row of {view.slug} is called {key!r}, here or on the server")
    elif row.local is not None:
        note(f"{view.slug}:{key} is still here and was not archived: {_FOR_REMOVED}")


def republished_words(
    workspace: Workspace, words: Iterable[str], skills: SkillSurvey, datasets: DatasetSurvey
) -> frozenset[str]:
    """Return the skills that ``push --republish`` names. Raises UsageError for anything that is not here."""
    objects = surveyed(workspace, skills, datasets)
    found = frozenset(name_of(workspace, word, objects) for word in words)
    there = {name for name, view in skills.views.items() if view.local is not None}
    unknown = sorted(found - there)
    if unknown:
        _refuse_unknown(unknown, "here that can be published again")
    return found
