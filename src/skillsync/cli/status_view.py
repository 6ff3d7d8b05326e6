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
        print_facts(out, target, key=key, found=found)
    for line in found.lines:
        _print_line(out, line)
    rows = f", {found.rows} {'row' if found.rows == 1 else 'rows'}" if found.rows else ""
    if found.is_clean:
        words = f"clean: nothing to push, pull or resolve ({found.in_sync} in sync{rows})"
        out.data(words, style="green")
    elif found.in_sync:
        out.data(f"  {found.in_sync} in sync{rows}", style="dim")
    if commands := next_commands(found.lines, names):
        out.data(f"next: {commands}")
    _print_problems(run, found)


def _print_line(out: Output, line: Outcome) -> None:
    is_bad = line.state in {"invalid", "error"}
    detail = f"  ({visible(line.message)})" if line.message and not is_bad else ""
    did = out.style(visible(line.did), _STYLES.get(line.state, ""))
    out.data(f"  {out.style(visible(line.subject), 'bold')}: {did}{detail}")
    if is_bad:
        for part in line.message.split("\n"):
            out.data(f"      {visible(part)}")
    if line.fix and not _verb_of(line):
        code = f"  [{line.code}]" if is_bad and line.code else ""
        out.data(f"      next: {visible(line.fix)}{code}", style="dim")


_STYLES = {"invalid": "red", "error": "red", "conflict": "red"}


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


def print_facts(out: Output, target: Target, *, key: str, found: Status | None = None) -> None:
    """Print what ``-v`` wants to know: host, project, which key from where, what the server is and promises."""
    lines = [("host", target.host), ("project", str(target.project)), ("key", key)]
    if found is not None:
        lines += [*found.servers.items(), *(("guarantee", text) for text in found.guarantees)]
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        if value:
            out.data(f"  {name:<{width}}  {visible(value)}")


def _print_problems(run: Run, found: Status) -> None:
    out = run.out
    shown = (Severity.ERROR, Severity.WARNING) if run.verbose else (Severity.ERROR,)
    told = {line.subject for line in found.lines if line.state in {"invalid", "error"}}
    out.problems(
        one
        for one in found.problems
        if one.severity in shown
        and not (one.severity is Severity.ERROR and one.subject in told and not run.verbose)
    )
    warnings = sum(one.severity is Severity.WARNING for one in found.problems)
    if warnings and not run.verbose:
        out.note(f"note: {warnings} warning{'' if warnings == 1 else 's'}: skillsync lint")
    for note in found.notes:
        out.note(f"note: {visible(note)}")
    if found.in_short and not run.verbose:
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


__all__ = ["next_commands", "print_facts", "print_status", "status_json"]
