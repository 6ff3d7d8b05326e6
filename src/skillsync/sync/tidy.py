"""Checks local files (lint) and mends what can be mended without a decision (fmt), asking nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.checks import check_skill, check_skills
from skillsync.formats.jsonl import assign_keys, reference_problem, render_items
from skillsync.formats.row_lines import problem_column
from skillsync.formats.skill_md import repair_skill_md
from skillsync.model import FileChange, Folder, Key, Problem, Row, Severity
from skillsync.repo.lock import locked
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer, parse_rows
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.local import ITEMS, LocalDataset, LocalSkill, join, read_tree
from skillsync.sync.named import in_tree, require_known
from skillsync.sync.skill_survey import problems_in_scope
from skillsync.sync.workspace import Workspace, chosen
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.config import Target


@dataclass
class Tidied:
    """What fmt changed, or would change with ``--check``: path to what was done."""

    done: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def lint(
    workspace: Workspace,
    names: Collection[str] = (),
    *,
    rules: Callable[[LocalSkill], Iterable[Problem]] = lambda _: (),
) -> list[Problem]:
    """Return every problem of every object in scope (skill-format.md 13, 14.4), sorted by path and line.

    ``rules`` says more about one skill: what a reviewer would be shown.
    Raises UsageError for a name that nothing here bears.
    """
    tree = read_tree(workspace)
    require_known(workspace, names, in_tree(tree), where="here")
    problems = problems_in_scope(workspace, tree, names)
    skills = [skill for skill in tree.skills if _is_chosen(workspace, skill, skill.name, names)]
    for skill in skills:
        problems += check_skill(skill.reading) + _pointer_problems(skill.folder)
        problems += rules(skill)
    problems += _between_skills(tree.skills, skills)
    for dataset in tree.datasets:
        if _is_chosen(workspace, dataset, dataset.slug, names):
            problems += _dataset_problems(dataset) + _pointer_problems(dataset.folder)
    return sorted(
        dict.fromkeys(problems), key=lambda one: (one.path, one.line or 0, one.code, one.message)
    )


def _between_skills(
    everything: Collection[LocalSkill], asked: Collection[LocalSkill]
) -> list[Problem]:
    """Return what only shows beside others: of all skills, but said of those that were asked about."""
    folders = {skill.dir for skill in asked}
    return [
        problem
        for problem in check_skills([skill.reading for skill in everything])
        if problem.path.removesuffix("/SKILL.md") in folders
    ]


def _pointer_problems(folder: Folder) -> list[Problem]:
    """Return what is wrong with skillsync's own files beside an object."""
    found: list[Problem] = []
    if folder.pointer is not None:
        found += parse_pointer(folder.pointer, path=join(folder.dir, POINTER)).problems
    if folder.rows is not None:
        found += parse_rows(folder.rows, path=join(folder.dir, ROWS)).problems
    return found


def _dataset_problems(dataset: LocalDataset) -> list[Problem]:
    errors = dataset.errors()
    if errors:
        return [
            Problem(
                error.code,
                error.message,
                dataset.slug,
                error.path,
                error.line,
                fix=error.hint,
                column=error.column,
            )
            for error in errors
        ]
    path = dataset.items.path
    bad = [
        Problem(
            "E-INVALID",
            problem,
            dataset.slug,
            path,
            line.number,
            column=problem_column(dataset.items, line, problem),
        )
        for line in dataset.items.lines
        if line.row is not None and (problem := reference_problem(line.row))
    ]
    return bad + [
        Problem(
            "N-NO-KEY",
            "this line has no id; push gives it one, or `skillsync fmt` now",
            dataset.slug,
            path,
            line.number,
            Severity.NOTE,
            f"skillsync fmt {dataset.slug}",
        )
        for line in dataset.items.keyless
    ]


def fmt(
    workspace: Workspace,
    target: Target | None,
    *,
    names: Collection[str],
    new_key: Callable[[], str],
    check: bool,
    writer: Writer,
) -> Tidied:
    """Give id-less lines their key and quote values that are no YAML otherwise; touch nothing else.

    ``check`` only says what would change. A key comes from a known row of equal content where the pointer knows
    one (sync.md 10.1), else it is new.
    """
    found = Tidied()
    with locked(workspace.repo.state_dir, command="fmt"):
        tree = read_tree(workspace)
        require_known(workspace, names, in_tree(tree), where="here")
        for skill in tree.skills:
            if _is_chosen(workspace, skill, skill.name, names):
                _mend_skill(skill, found, check=check, writer=writer)
        survey = (
            survey_datasets(workspace, target, tree, remote=None, names=names) if target else None
        )
        bases = {view.dir: view.base_rows for view in survey.views} if survey else {}
        for dataset in tree.datasets:
            if not _is_chosen(workspace, dataset, dataset.slug, names):
                continue
            if dataset.problem is not None:
                found.problems += _dataset_problems(dataset)
                continue
            _give_keys(
                dataset, bases.get(dataset.dir, {}), found, new_key, check=check, writer=writer
            )
    return found


def _mend_skill(skill: LocalSkill, found: Tidied, *, check: bool, writer: Writer) -> None:
    entry = skill.folder.entry("SKILL.md")
    if entry is None or entry.data is None:
        return
    try:
        mended = repair_skill_md(entry.data)
    except InvalidContent:
        mended = None
    if mended is None or mended == entry.data:
        return
    found.done[f"{skill.dir}/SKILL.md"] = "a value was quoted so that it is valid YAML"
    if not check:
        change = FileChange("SKILL.md", entry.data, mended)
        writer.write(skill.name, skill.folder, [change], (), reason="fmt")


def _give_keys(
    dataset: LocalDataset,
    base: Mapping[Key, str],
    found: Tidied,
    new_key: Callable[[], str],
    *,
    check: bool,
    writer: Writer,
) -> None:
    keyless = dataset.items.keyless
    if not keyless:
        return
    known = known_rows(dataset, base)
    file = assign_keys(dataset.items, known=known, new_key=new_key)
    count = len(keyless)
    found.done[f"{dataset.dir}/{ITEMS}"] = (
        f"{count} {'line' if count == 1 else 'lines'} given an id"
    )
    if not check:
        entry = dataset.folder.entry(ITEMS)
        change = FileChange(ITEMS, entry.data if entry else None, render_items(file))
        writer.write(dataset.slug, dataset.folder, [change], (), reason="fmt")


def known_rows(dataset: LocalDataset, base: Mapping[Key, str]) -> list[Row]:
    """Return the base rows that id-less lines may be, by the digests that the pointer keeps."""
    by_digest: dict[str, Row] = {}
    for line in dataset.items.keyless:
        row = Row(Key(""), line.fields or {})
        by_digest[short(row_digest(row))] = row
    return [
        Row(key, by_digest[digest].fields)
        for key, digest in base.items()
        if digest in by_digest and key not in dataset.rows
    ]


def _is_chosen(
    workspace: Workspace, one: LocalSkill | LocalDataset, name: str, names: Collection[str]
) -> bool:
    return chosen(
        names, name=name, directory=one.dir, root=workspace.repo.root, start=workspace.start
    )
