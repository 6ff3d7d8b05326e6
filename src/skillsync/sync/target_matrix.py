"""Where every object stands at every target: a matrix of versions, rows objects, columns targets; reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.core.reconcile_row import RowPull, RowPush
from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import SkillsyncError
from skillsync.model import Json
from skillsync.sync.dataset_survey import DatasetSurvey, survey_datasets
from skillsync.sync.dataset_view import DatasetView
from skillsync.sync.local import LocalTree, read_lean_tree
from skillsync.sync.named import Object, require_known, surveyed
from skillsync.sync.report import Kind
from skillsync.sync.skill_survey import survey_skills
from skillsync.sync.skill_view import SkillView

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.workspace import Connect, Remote, Workspace

_PUSHES = {RowPush.CREATE, RowPush.PATCH, RowPush.PENDING_REMOVAL}
_PULLS = {RowPull.APPEND, RowPull.REWRITE, RowPull.MERGE, RowPull.REMOVE}
_SETTLED = {SkillState.IN_SYNC, SkillState.NOTHING, SkillState.BOTH_GONE}


@dataclass(frozen=True, slots=True)
class Cell:
    """One object at one target: ``text`` for people, what was taken in, the latest there, and the state.

    ``differs``: there is something to push, pull or resolve.
    """

    text: str
    state: str
    differs: bool = False
    base: int | None = None
    latest: int | None = None

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object."""
        return {
            "text": self.text,
            "state": self.state,
            "differs": self.differs,
            "base": self.base,
            "latest": self.latest,
        }


@dataclass
class Matrix:
    """Cells by (kind, name) and target; ``errors`` are the targets that could not be asked, each with why."""

    targets: tuple[str, ...]
    cells: dict[tuple[Kind, str], dict[str, Cell]] = field(default_factory=dict)
    errors: dict[str, SkillsyncError] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether anything is to be done at any target."""
        return any(cell.differs for row in self.cells.values() for cell in row.values())

    def put(self, kind: Kind, name: str, target: str, cell: Cell) -> None:
        """Set one cell."""
        self.cells.setdefault((kind, name), {})[target] = cell

    def rows(self) -> list[tuple[Kind, str, Mapping[str, Cell]]]:
        """Return the rows: skills first, by name."""
        order = {Kind.SKILL: 0, Kind.DATASET: 1, Kind.ROW: 2}
        keys = sorted(self.cells, key=lambda key: (order[key[0]], key[1]))
        return [(kind, name, self.cells[kind, name]) for kind, name in keys]


def look_everywhere(
    workspace: Workspace, connect: Connect | None, *, names: Collection[str] = ()
) -> Matrix:
    """Compare the working tree with every target, each by its own pointer lines. ``connect`` None is offline.

    A target that cannot be asked is an error of its own column. Raises UsageError when a name is nothing's anywhere.
    """
    tree = read_lean_tree(workspace)
    targets = sorted(workspace.settings.targets.values(), key=lambda target: target.name)
    matrix = Matrix(tuple(target.name for target in targets))
    known: list[Object] = []
    for target in targets:
        try:
            known += _look(workspace, target, connect, tree, names, matrix)
        except SkillsyncError as error:
            matrix.errors[target.name] = error
    if not matrix.errors:
        require_known(workspace, names, known)
    return matrix


def _look(
    workspace: Workspace,
    target: Target,
    connect: Connect | None,
    tree: LocalTree,
    names: Collection[str],
    matrix: Matrix,
) -> list[Object]:
    if connect is None:
        return _fill(workspace, target, None, tree, names, matrix)
    with connect(target) as remote:
        return _fill(workspace, target, remote, tree, names, matrix)


def _fill(
    workspace: Workspace,
    target: Target,
    remote: Remote | None,
    tree: LocalTree,
    names: Collection[str],
    matrix: Matrix,
) -> list[Object]:
    skills = survey_skills(workspace, target, tree, remote=remote, names=names)
    datasets = DatasetSurvey([], [])
    if target.datasets != ():
        datasets = survey_datasets(workspace, target, tree, remote=remote, names=names)
    for name, view in skills.views.items():
        cell = skill_cell(view) if remote is not None else offline_cell(view)
        matrix.put(Kind.SKILL, name, target.name, cell)
    for dataset in datasets.views:
        matrix.put(Kind.DATASET, dataset.slug, target.name, dataset_cell(dataset, remote))
    for problem in skills.problems:
        if problem.code.startswith("E-"):
            matrix.put(
                Kind.SKILL,
                problem.subject or problem.path,
                target.name,
                Cell(f"error {problem.code}", "error", differs=True),
            )
    return surveyed(workspace, skills, datasets)


def skill_cell(view: SkillView) -> Cell:
    """Return a skill's cell: ``v3``, ``v3 + edits``, ``v3 → v5``, ``–`` where the target has none."""
    if view.error is not None or view.problem is not None:
        code = view.error.code if view.error else (view.problem.code if view.problem else "")
        return Cell(f"error {code}", "error", differs=True)
    base = (view.base.number or None) if view.base else None
    latest = view.version.number if view.version else None
    state = view.verdict.state
    here = f"v{base}" if base is not None else ""
    there = f"v{latest}" if latest is not None else "–"
    texts = {
        SkillState.IN_SYNC: here,
        SkillState.LOCAL_ONLY: "–",
        SkillState.REMOTE_ONLY: f"{there}, not here",
        SkillState.AHEAD: f"{here} + edits",
        SkillState.BEHIND: f"{here} → {there}",
        SkillState.DIVERGED: f"{here} + edits → {there}",
        SkillState.NET_ZERO: f"{here} → {there}, equal",
        SkillState.BOTH_EQUAL: f"{here} → {there}, equal",
        SkillState.UNREACHABLE: f"{here}, not in its list",
    }
    text = texts.get(state, f"{here or there} {state}")
    return Cell(text, str(state), state not in _SETTLED, base, latest)


def offline_cell(view: SkillView) -> Cell:
    """Return a skill's cell as far as the files and the pointer tell."""
    if view.base is None:
        return Cell("–", "not linked")
    if view.local is None:
        return Cell(f"v{view.base.number} deleted here", "deleted here", True, view.base.number)
    edited = view.local.digest != view.base.digest
    text = f"v{view.base.number}" + (" + edits" if edited else "")
    return Cell(text, "changed here" if edited else "unchanged", edited, view.base.number)


def dataset_cell(view: DatasetView, remote: Remote | None) -> Cell:
    """Return a dataset's cell: how many rows, and how many differ on which side; it has no versions."""
    trouble = view.error or (view.local.problem if view.local else None) or view.problem
    if trouble is not None:
        return Cell(f"error {trouble.code}", "error", differs=True)
    if remote is None:
        if view.line is None:
            return Cell("–", "not linked")
        return Cell(f"{view.line.rows} rows", "linked")
    if view.remote is None:
        state = "archived there" if view.line is not None else "local only"
        return Cell("–" if view.line is None else state, state, differs=True)
    rows = len(view.remote_rows or ())
    if view.local is None:
        state = "deleted here" if view.gone is not None else "remote only"
        words = "deleted here" if view.gone is not None else "not here"
        return Cell(f"{rows} rows, {words}", state, differs=True)
    ahead = sum(row.verdict.push in _PUSHES for row in view.rows.open)
    behind = sum(row.verdict.pull in _PULLS for row in view.rows.open)
    conflicts = sum(row.verdict.push is RowPush.CONFLICT for row in view.rows.open)
    counts = [
        f"{count} {word}"
        for count, word in ((ahead, "ahead"), (behind, "behind"), (conflicts, "in conflict"))
        if count
    ]
    if view.line is None:
        counts.append("not linked")
    elif view.info_differs:
        counts.append("DATASET.md differs")
    return Cell(", ".join([f"{rows} rows", *counts]), ", ".join(counts) or "in sync", bool(counts))
