"""Shows how the working tree differs from HEAD, asking nobody; a large file of rows is compared and not held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent, LocalChanged
from skillsync.model import Key, Row
from skillsync.sync.diff import compare_local, error_diff, invalid_skill, rows_diff
from skillsync.sync.diff_lines import Sides
from skillsync.sync.local import LocalDataset, read_lean_tree
from skillsync.sync.named import in_tree, require_known, surveyed
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.workspace import Workspace, chosen

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.diff import ObjectDiff

AGAINST_HEAD = Sides("removed since HEAD", "new since HEAD")


def diff_with_head(
    workspace: Workspace, target: Target, names: Collection[str]
) -> list[ObjectDiff]:
    """Return what differs from HEAD of every object that the target takes in."""
    tree = read_lean_tree(workspace)
    head = workspace.history.head
    old = read_lean_tree(workspace, commit=head) if head else None
    survey = survey_skills(workspace, target, tree, remote=None, names=names)
    require_known(workspace, names, surveyed(workspace, survey) + in_tree(tree), where="here")
    before = {skill.name: skill.reading.skill for skill in old.skills} if old else {}
    found: list[ObjectDiff | None] = []
    for name, view in sorted(survey.views.items()):
        invalid = invalid_skill(view.local) if view.local else None
        found.append(
            invalid
            or compare_local(name, "against HEAD", "", before.get(name), view.local, AGAINST_HEAD)
        )
    rows_before = {dataset.dir: dataset for dataset in old.datasets} if old else {}
    found += [
        _dataset_diff(workspace, dataset, rows_before.get(dataset.dir))
        for dataset in tree.datasets
        if target.takes_dataset(dataset.name, dataset.slug)
        and chosen(
            names,
            name=dataset.slug,
            directory=dataset.dir,
            root=workspace.repo.root,
            start=workspace.start,
        )
    ]
    return [one for one in found if one is not None]


def _dataset_diff(
    workspace: Workspace, local: LocalDataset, past: LocalDataset | None
) -> ObjectDiff | None:
    try:
        before, after = _rows_of_both(workspace, local, past)
    except (InvalidContent, LocalChanged) as error:
        return error_diff(local.slug, error, kind="dataset")
    return rows_diff(local.slug, "against HEAD", before, after, [], AGAINST_HEAD)


def _rows_of_both(
    workspace: Workspace, local: LocalDataset, past: LocalDataset | None
) -> tuple[Mapping[Key, Row], Mapping[Key, Row]]:
    """Return the rows of HEAD and of the file, those at least that differ. Raises InvalidContent for the file's."""
    if local.comparable is not None and past is not None and past.comparable is not None:
        from skillsync.sync.large_rows import contents_of, large_changes

        try:
            changes = large_changes(workspace, local, past.comparable, local.comparable)
        except InvalidContent:
            contents_of(workspace, local, local.comparable)  # where it is the file that is wrong
        else:
            _ = local.document
            return (
                {key: placed.row for key, placed in changes.base.items()},
                {key: placed.row for key, placed in changes.local.items()},
            )
    if local.problem is not None:
        raise local.problem
    return (past.rows if past is not None and past.problem is None else {}), local.rows
