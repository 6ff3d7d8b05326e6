"""Prints where everything stands: a line for each object that is not in sync, then what to run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from skillsync.cli.render import visible
from skillsync.cli.session import problems_json
from skillsync.model import Severity

if TYPE_CHECKING:
    from skillsync.cli.boundary import Run
    from skillsync.cli.render import Output
    from skillsync.config import Target
    from skillsync.model import Json
    from skillsync.sync.report import Outcome
    from skillsync.sync.status import Status

IN_ORDER = ("pull", "conflicts", "resolve", "push")
"""The verbs that lines lead to, in the order in which they are best run."""


def print_status(
    run: Run, target: Target, found: Status, *, names: Collection[str], key: str
) -> None:
    """Print the status; ``key`` says which key was used, "" when no server was asked."""
    out = run.out
    mode = " (offline)" if found.offline else ""
    out.data(f"target {target.name}: {target.place}{mode}", style="bold")
    if run.verbose:
        _print_facts(out, target, found, key)
    for line in found.lines:
        detail = f"  ({visible(line.message)})" if line.message else ""
        out.data(f"  {visible(line.subject)}: {visible(line.did)}{detail}")
        if line.fix and not _verb_of(line):
            out.data(f"      next: {visible(line.fix)}", style="dim")
    rows = f", {found.rows} {'row' if found.rows == 1 else 'rows'}" if found.rows else ""
    if found.is_clean:
        words = f"clean: nothing to push, pull or resolve ({found.in_sync} in sync{rows})"
        out.data(words, style="green")
    elif found.in_sync:
        out.data(f"  {found.in_sync} in sync{rows}", style="dim")
    if commands := next_commands(found.lines, names):
        out.data(f"next: {commands}")
    _print_problems(run, found)


def next_commands(lines: Iterable[Outcome], names: Collection[str] = ()) -> str:
    """Return ``skillsync pull, then skillsync push alpha``: the commands that the lines lead to, in order.

    A verb that concerns one object names it; one that concerns several names what status was asked about.
    """
    subjects: dict[str, dict[str, None]] = {}
    for line in lines:
        if verb := _verb_of(line):
            subjects.setdefault(verb, {})[line.subject] = None
    commands = []
    for verb in IN_ORDER:
        wanted = subjects.get(verb, {})
        if verb == "resolve":
            commands += [f"skillsync resolve {visible(subject)}" for subject in wanted]
        elif wanted:
            words = wanted if len(wanted) == 1 else names
            commands.append(" ".join(["skillsync", verb, *map(visible, words)]))
    return ", then ".join(commands)


def _verb_of(line: Outcome) -> str:
    """Return the verb of a line whose next command is one verb on that object, "" for any other."""
    words = line.fix.split(" ")
    if len(words) == 3 and words[0] == "skillsync" and words[1] in IN_ORDER:
        return words[1] if words[2] == line.subject else ""
    return ""


def _print_facts(out: Output, target: Target, found: Status, key: str) -> None:
    facts = {"host": target.host, "project": str(target.project), "key": key, **found.servers}
    lines = [*facts.items(), *(("guarantee", text) for text in found.guarantees)]
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        if value:
            out.data(f"  {name:<{width}}  {visible(value)}")


def _print_problems(run: Run, found: Status) -> None:
    out = run.out
    shown = (Severity.ERROR, Severity.WARNING) if run.verbose else (Severity.ERROR,)
    out.problems(one for one in found.problems if one.severity in shown)
    warnings = sum(one.severity is Severity.WARNING for one in found.problems)
    if warnings and not run.verbose:
        out.note(f"note: {warnings} warning{'' if warnings == 1 else 's'}: skillsync lint")
    for note in found.notes:
        out.note(f"note: {visible(note)}")
    if found.guarantees and not run.verbose:
        out.note(f"note: {visible(found.in_short)}")


def status_json(
    target: Target, found: Status, *, key: Mapping[str, Json] | None, code: int
) -> dict[str, Json]:
    """Return the status as JSON. ``notes`` holds the guarantees, too."""
    return {
        "target": target.name,
        "place": target.place,
        "host": target.host,
        "project": target.project,
        "key": None if key is None else {**key},
        "servers": {**found.servers},
        "guarantees": list(found.guarantees),
        "offline": found.offline,
        "clean": found.is_clean,
        "in_sync": found.in_sync,
        "rows": found.rows,
        "objects": [line.as_json() for line in found.lines],
        "problems": problems_json(found.problems),
        "notes": [*found.notes, *found.guarantees],
        "exit": code,
    }


__all__ = ["next_commands", "print_status", "status_json"]
