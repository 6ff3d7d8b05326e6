"""Prints the matrix of all targets, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.cli.options import EXIT_DIFFERENT
from skillsync.cli.render import visible

if TYPE_CHECKING:
    from skillsync.cli.boundary import Run
    from skillsync.cli.render import Cell as Printed
    from skillsync.sync.workspace import Connect, Workspace


def print_all_targets(
    run: Run,
    workspace: Workspace,
    connect: Connect | None,
    names: tuple[str, ...],
    *,
    exit_code: bool,
) -> int:
    """Look at every target, print the matrix and return the exit code; a target's failure counts as its own."""
    from skillsync.core.plan import exit_code as code_of
    from skillsync.sync.report import Kind
    from skillsync.sync.target_matrix import look_everywhere

    found = look_everywhere(workspace, connect, names=names)
    rows: list[list[Printed]] = []
    for kind, name, cells in found.rows():
        line: list[Printed] = [(visible(name), "bold"), "" if kind is Kind.SKILL else str(kind)]
        for target in found.targets:
            cell = cells.get(target)
            if target in found.errors:
                line.append(("?", "red"))
            elif cell is None:
                line.append("")
            else:
                line.append((visible(cell.text), "yellow" if cell.differs else "green"))
        rows.append(line)
    if rows:
        run.out.table(("", "", *found.targets), rows)
    elif not found.errors:
        run.out.data("nothing here and nothing at any target")
    for target, error in sorted(found.errors.items()):
        run.out.warn(f"{target}: {visible(error.message)}  [{error.code}]")
        if error.hint:
            run.out.note(f"    next: {visible(error.hint)}")
    code = code_of([error.exit_code for error in found.errors.values()])
    if not code and exit_code and found.differs:
        code = EXIT_DIFFERENT
    run.out.emit_json(
        "skillsync.status.targets/1",
        {
            "targets": list(found.targets),
            "objects": [
                {
                    "kind": str(kind),
                    "name": name,
                    "targets": {target: cell.as_json() for target, cell in cells.items()},
                }
                for kind, name, cells in found.rows()
            ],
            "errors": {
                target: {"code": error.code, "message": error.message, "hint": error.hint}
                for target, error in found.errors.items()
            },
            "offline": connect is None,
            "exit": code,
        },
    )
    return code
