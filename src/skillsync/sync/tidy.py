"""Checks local files (lint) and mends what can be mended without a decision (fmt), asking nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import row_digest, short
from skillsync.formats.checks import check_skill, check_skills
from skillsync.formats.jsonl import reference_problem
from skillsync.formats.row_lines import Line, problem_column
from skillsync.formats.row_names import RowNames
from skillsync.formats.row_rewriting import keyed_pieces
from skillsync.formats.skill_md import repair_skill_md
from skillsync.model import Digest, FileChange, Folder, Key, Problem, Row, Severity
from skillsync.repo.lock import locked
from skillsync.repo.pointer import POINTER, ROWS, parse_pointer, parse_rows
from skillsync.sync.checked_lines import check_lines
from skillsync.sync.dataset_survey import survey_datasets
from skillsync.sync.local import ITEMS, LocalDataset, LocalSkill, join, read_lean_tree
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
    tree = read_lean_tree(workspace)
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
    try:
        found = _row_problems(dataset)
        _ = dataset.document
    except InvalidContent:
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
            for error in dataset.errors()
        ]
    return found


def _row_problems(dataset: LocalDataset) -> list[Problem]:
    """Return what is to be said of the rows of a valid file. Raises InvalidContent."""
    path = join(dataset.dir, ITEMS)
    names = RowNames.from_mapping(dataset.mapping)
    bad: list[Problem] = []
    keyless: list[Problem] = []

    def look(line: Line) -> None:
        if line.row is not None and (problem := reference_problem(line.row)):
            column = problem_column(names, line, problem)
            bad.append(
                Problem("E-INVALID", problem, dataset.slug, path, line.number, column=column)
            )
        if line.row is None and line.fields is not None:
            keyless.append(
                Problem(
                    "N-NO-KEY",
                    "this line has no id; push gives it one, or `skillsync fmt` now",
                    dataset.slug,
                    path,
                    line.number,
                    Severity.NOTE,
                    f"skillsync fmt {dataset.slug}",
                )
            )

    _look_at_lines(dataset, look)
    return bad + keyless


def _look_at_lines(dataset: LocalDataset, look: Callable[[Line], None]) -> None:
    """Show every line once; those of a large file are not held. Raises InvalidContent."""
    if dataset.comparable is not None:
        check_lines(dataset, dataset.comparable, look)
        return
    for line in dataset.items.lines:
        look(line)


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
        tree = read_lean_tree(workspace)
        require_known(workspace, names, in_tree(tree), where="here")
        for skill in tree.skills:
            if _is_chosen(workspace, skill, skill.name, names):
                _mend_skill(skill, found, check=check, writer=writer)
        waiting: list[LocalDataset] = []
        for dataset in tree.datasets:
            if not _is_chosen(workspace, dataset, dataset.slug, names):
                continue
            try:
                has_keyless = _has_keyless(dataset)
                _ = dataset.document
            except InvalidContent:
                found.problems += _dataset_problems(dataset)
                continue
            if has_keyless:
                waiting.append(dataset)
        survey = (
            survey_datasets(workspace, target, tree, remote=None, names=names)
            if target is not None and waiting
            else None
        )
        bases = {view.dir: view.base_rows for view in survey.views} if survey else {}
        for dataset in waiting:
            base = bases.get(dataset.dir, {})
            _give_keys(workspace, dataset, base, found, new_key, check=check, writer=writer)
    return found


def _has_keyless(dataset: LocalDataset) -> bool:
    """Tell whether a line waits for a key. Raises InvalidContent for a file that is not valid."""
    count = 0

    def look(line: Line) -> None:
        nonlocal count
        count += line.row is None and line.fields is not None

    _look_at_lines(dataset, look)
    return count > 0


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
    workspace: Workspace,
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
    count = len(keyless)
    found.done[f"{dataset.dir}/{ITEMS}"] = (
        f"{count} {'line' if count == 1 else 'lines'} given an id"
    )
    if check:
        return
    pieces = keyed_pieces(dataset.items, known=known_rows(dataset, base), new_key=new_key)
    after = workspace.content_of(pieces)
    change = FileChange(ITEMS, dataset.items_content(), after)
    writer.write(dataset.slug, dataset.folder, [change], (), reason="fmt")


def known_rows(dataset: LocalDataset, base: Mapping[Key, str]) -> list[tuple[Key, Digest]]:
    """Return the base rows that id-less lines may be, and their digests, by those that the pointer keeps."""
    if not base:
        return []
    whole = {
        short(digest): digest
        for line in dataset.items.keyless
        for digest in [row_digest(Row(Key(""), line.fields or {}))]
    }
    return [
        (key, whole[digest])
        for key, digest in base.items()
        if digest in whole and key not in dataset.rows
    ]


def _is_chosen(
    workspace: Workspace, one: LocalSkill | LocalDataset, name: str, names: Collection[str]
) -> bool:
    return chosen(
        names, name=name, directory=one.dir, root=workspace.repo.root, start=workspace.start
    )
