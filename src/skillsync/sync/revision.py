"""Finds the one object, and the version of it, that a word such as NAME, a path or NAME@3 means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.errors import NotAllowed, NotFound, UsageError
from skillsync.sync.local import LocalDataset, LocalTree, read_lean_tree
from skillsync.sync.skill_reading import read_version as read_as_seen
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.model import RemoteSkill, Version
    from skillsync.sync.dataset_view import DatasetView

_REVISION = re.compile(r"(?P<name>.+)@v?(?P<number>[1-9][0-9]{0,8})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Revision:
    """A name or path, and a version number; None is the latest."""

    name: str
    number: int | None = None

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name}@{self.number}"


def parse_revision(text: str) -> Revision:
    """Read ``NAME@3``, ``NAME@v3``, ``path/of/NAME@3`` or a name alone; no skill's name holds an ``@``."""
    match = _REVISION.fullmatch(text)
    return Revision(match["name"], int(match["number"])) if match else Revision(text)


def names_versions(workspace: Workspace, words: Sequence[str]) -> bool:
    """Tell whether a command line is about versions: some word has a number and is no path that exists."""
    return any(
        parse_revision(word).number is not None
        and not (workspace.start / word).exists()
        and not (workspace.repo.root / word).exists()
        for word in words
    )


@dataclass
class Found:
    """What a word means: a skill as seen from all sides, a dataset's folder, or a dataset that only the server has.

    One of them is there.
    """

    skill: SkillView | None = None
    dataset: LocalDataset | None = None
    away: DatasetView | None = None


def find_one(
    workspace: Workspace,
    target: Target,
    remote: Remote | None,
    name: str,
    *,
    tree: LocalTree | None = None,
) -> Found:
    """Find the one skill or dataset that ``name`` (or a path) means in the working tree or on the server.

    ``remote`` None is offline: then a skill that is gone on both sides and was read before is found as well. Raises
    UsageError when it means several objects, NotFound when it means none, RemoteError when the server cannot be asked.
    """
    tree = tree or read_lean_tree(workspace)
    datasets = [
        dataset
        for dataset in (*tree.datasets, *tree.gone_datasets)
        if chosen(
            [name],
            name=dataset.slug,
            directory=dataset.dir,
            root=workspace.repo.root,
            start=workspace.start,
        )
    ]
    survey = survey_skills(workspace, target, tree, remote=remote, names=[name])
    views = list(survey.views.values())
    if len(views) + len(datasets) > 1:
        several = [view.name for view in views] + [dataset.slug for dataset in datasets]
        raise UsageError(
            f"{name!r} means {len(several)} objects: {', '.join(sorted(several)[:10])}",
            unchanged="Nothing was changed.",
            hint="name one of them",
        )
    if views:
        return Found(skill=views[0])
    if datasets:
        return Found(dataset=datasets[0])
    if remote is not None and target.datasets != ():
        away = _only_there(workspace, target, remote, tree, name)
        if away is not None:
            return Found(away=away)
    clash = next((one for one in survey.problems if one.subject == name), None)
    kept = None if clash else _newest_kept(workspace, target, name)
    if kept is not None and remote is None:
        return Found(skill=SkillView(name, None))
    hint = "skillsync status (without a name) shows what there is"
    if kept is not None:
        hint = f"skillsync show {name}@{kept.number} --offline prints what was read of it before"
    raise NotFound(
        clash.message if clash else f"nothing here or on the server is called {name!r}",
        subject=name,
        unchanged="Nothing was changed.",
        hint=(clash.fix if clash else "") or hint,
    )


def _newest_kept(workspace: Workspace, target: Target, name: str) -> Version | None:
    """Return the newest version that was read of a skill which is neither here nor there: an archive keeps them all."""
    from skillsync.api.shelf import Wish
    from skillsync.formats.paths import name_problem
    from skillsync.sync.version_shelf import VersionShelf

    if name_problem(name):
        return None
    wish = Wish(name, None)
    stored = VersionShelf(workspace.repo, target.place).recall([wish]).get(wish)
    return stored.version if stored else None


def dataset_of(
    workspace: Workspace, target: Target, remote: Remote | None, tree: LocalTree, found: Found
) -> DatasetView | None:
    """Return the dataset that was found as it is on the server, None for a skill.

    Raises as ``look_up``, and UsageError for a dataset when the server is not asked.
    """
    from skillsync.sync.dataset_versions import look_up

    if found.dataset is not None and remote is None:
        raise UsageError(
            "the rows of a dataset are read from the server, and not kept here by version",
            subject=found.dataset.slug,
            unchanged="Nothing was changed.",
            hint="run it without --offline",
        )
    if found.dataset is not None and remote is not None:
        return look_up(workspace, target, remote, tree, found.dataset)
    return found.away


def _only_there(
    workspace: Workspace, target: Target, remote: Remote, tree: LocalTree, name: str
) -> DatasetView | None:
    """Look for a dataset that no folder here is; a key that may not read datasets has found none."""
    from skillsync.sync.dataset_versions import look_up_remote

    try:
        return look_up_remote(workspace, target, remote, tree, name)
    except (NotAllowed, NotFound):
        return None


def find_skill(
    workspace: Workspace,
    target: Target,
    remote: Remote,
    name: str,
    *,
    tree: LocalTree | None = None,
) -> SkillView:
    """Find the one skill that ``name`` means, alive on the server. Raises as ``find_one`` and ``living``."""
    return living(find_one(workspace, target, remote, name, tree=tree))


def living(found: Found) -> SkillView:
    """Return the skill that was found, which has versions on the server.

    Raises UsageError for a dataset, NotFound when the server has no such skill, and what made the skill unreadable.
    """
    other = found.dataset or found.away
    if other is not None:
        raise UsageError(
            f"{other.slug} is a dataset, and only skills can be taken from an old version",
            subject=other.slug,
            unchanged="Nothing was changed.",
            hint=f"skillsync log {other.slug} lists what there is of it; skillsync show {other.slug}@N prints the rows",
        )
    view = found.skill
    assert view is not None
    if view.error is not None:
        raise view.error
    if view.version is None:
        raise NotFound(
            f"the server has no skill {view.name!r}"
            + (", or it was archived there: its versions went with it" if view.base else ""),
            subject=view.name,
            unchanged="Nothing was changed.",
            hint=f"git log -- {view.dir}" if view.dir else "skillsync status",
        )
    return view


def read_version(
    workspace: Workspace, remote: Remote, view: SkillView, number: int | None
) -> RemoteSkill:
    """Read one version of a skill as it is seen here, without what git ignores; NotFound naming the versions there are."""
    if number is None and view.content is not None:
        return view.content
    if view.content is not None and view.content.version.number == number:
        return view.content
    latest = view.version.number if view.version else 0
    if number is not None and number > latest:
        raise _no_version(view.name, number, latest)
    try:
        return read_as_seen(workspace, remote, view, number=number)
    except NotFound as error:
        raise _no_version(view.name, number or latest, latest) from error


def read_kept(
    workspace: Workspace, target: Target, found: Found, number: int | None
) -> RemoteSkill:
    """Return one version of a skill (None: the newest) as it was read before, without asking the server.

    Raises UsageError when it is not kept here; what another incarnation was is none of this skill's.
    """
    from skillsync.api.reading import skill_from
    from skillsync.api.shelf import Wish
    from skillsync.sync.version_shelf import VersionShelf

    view = found.skill
    assert view is not None
    base = view.base
    # A number alone may be that of another incarnation.
    wish = Wish(view.name, number, base.id if base and base.number == number else "")
    stored = VersionShelf(workspace.repo, target.place).recall([wish]).get(wish)
    first = base.first if base else None
    if stored is None or first not in {None, stored.version.first}:
        raise UsageError(
            f"{f'v{number}' if number else 'no version'} of {view.name} was {'not ' if number else ''}read before",
            subject=view.name,
            unchanged="Nothing was changed.",
            hint="run it without --offline",
        )
    content = skill_from(dict(stored.fields), stored.files, version=stored.version)
    return workspace.aside.put_aside([(*view.place_in(workspace), content)])[0]


def _no_version(name: str, number: int, latest: int) -> NotFound:
    return NotFound(
        f"{name} has no version {number} on the server; its latest is v{latest}",
        subject=name,
        unchanged="Nothing was changed.",
        hint=f"skillsync log {name}",
    )
