"""Where every object stands when no server is asked: the files against what the pointers say was taken in last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from skillsync.model import DatasetPointer, Pointer, Problem, Severity, SkillPointer
from skillsync.sync.evidence import Lines
from skillsync.sync.facts import Facts, LocalFacts, gather_facts
from skillsync.sync.report import Kind, Outcome
from skillsync.sync.status import IGNORED, Status, invalid
from skillsync.sync.workspace import chosen

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.memory import Memory
    from skillsync.sync.workspace import Workspace


def look_offline(
    workspace: Workspace,
    target: Target,
    names: Collection[str],
    found: Status,
    memory: Memory,
) -> bool:
    """Add to ``found`` what the files and the pointers say.

    Returns whether that says it all: no line had to be looked up in git's history, stashes or reflogs.
    """
    local = gather_facts(workspace, memory)
    asked = [
        facts
        for facts in local.objects
        if facts.is_taken_by(target)
        and _is_chosen(workspace, names, name=facts.subject, directory=facts.dir)
    ]
    found.problems.extend(_tree_problems(workspace, local, names))
    if names:
        _require_known(workspace, names, local)
    local.head.fetch(asked)
    clashing = _clashes(asked, found)
    is_plain = True
    for facts in asked:
        if local.head.differ(facts):
            is_plain = False
            if not facts.missing:
                found.uncommitted.add(facts.dir)
        if facts.dir not in clashing:
            is_plain &= _line(workspace, target, facts, local, found)
    return is_plain


def _require_known(workspace: Workspace, names: Collection[str], local: LocalFacts) -> None:
    from skillsync.sync.named import require_known

    known = [(facts.subject, facts.dir) for facts in local.objects]
    known += [(problem.subject, problem.path) for problem in local.problems]
    require_known(workspace, names, known, where="here")


def _is_chosen(workspace: Workspace, names: Collection[str], *, name: str, directory: str) -> bool:
    return chosen(
        names, name=name, directory=directory, root=workspace.repo.root, start=workspace.start
    )


def _tree_problems(
    workspace: Workspace, local: LocalFacts, names: Collection[str]
) -> Sequence[Problem]:
    return [
        problem
        for problem in local.problems
        if _is_chosen(
            workspace, names, name=problem.subject, directory=problem.subject or problem.path
        )
    ]


def _clashes(asked: Collection[Facts], found: Status) -> set[str]:
    """Report names that several folders bear: neither is synced (skill-format.md 12)."""
    by_name: dict[str, list[str]] = {}
    for facts in asked:
        if facts.kind is Kind.SKILL and not facts.missing:
            by_name.setdefault(facts.name, []).append(facts.dir)
    clashing = {name: dirs for name, dirs in by_name.items() if len(dirs) > 1}
    if clashing:
        from skillsync.sync.local import clash_problem

        found.problems.extend(clash_problem(name, dirs) for name, dirs in clashing.items())
    return {directory for dirs in clashing.values() for directory in dirs}


def _line(
    workspace: Workspace, target: Target, facts: Facts, local: LocalFacts, found: Status
) -> bool:
    """Add one object; returns whether its line counts by its files alone (``History.committed_counts``)."""
    tree = facts.line_for(target.place)
    lines = Lines(tree, local.head.line_for(facts, target.place, tree=tree))
    files = local.files_of(facts)
    line, ignored = workspace.history.tree_line(
        lines,
        facts.dir,
        files if files is not None else lambda: local.find_files(workspace, facts),
    )
    if facts.missing:
        if line is not None and not line.gone:
            found.lines.append(_missing(facts, line))
        return False
    if _is_pointer_in_conflict(workspace, facts):
        found.lines.append(
            Outcome(
                facts.kind,
                facts.subject,
                "its pointer file is in conflict after a git merge",
                state="conflict",
                code="E-POINTER",
                message="what both sides have taken in decides, so that nobody has to",
                fix=f"skillsync pull {facts.subject}",
            )
        )
        return False
    found.problems.extend(facts.problems)
    if any(problem.severity is Severity.ERROR for problem in facts.problems):
        row = "S26" if facts.kind is Kind.SKILL else "I20"
        found.lines.append(invalid(facts.kind, facts.subject, row, facts.problems))
        return False
    if ignored:
        found.note(f"{facts.subject}: {IGNORED}")
    words, state = _difference(facts, line)
    if not words:
        found.in_sync += 1
        found.rows += facts.rows
        stamp = line.stamp if line is not None else None
        return stamp is None or stamp.files == local.files_of(facts)
    found.lines.append(
        Outcome(
            facts.kind,
            facts.subject,
            words,
            state=state,
            fix=f"skillsync push {facts.subject}",
        )
    )
    return False


def _is_pointer_in_conflict(workspace: Workspace, facts: Facts) -> bool:
    """Tell whether git has the object's pointer unmerged, and what the next command would make of it."""
    if not any(problem.code == "E-POINTER" for problem in facts.problems):
        return False
    from skillsync.sync.merged_pointers import merged_files, unmerged_objects

    unmerged = workspace.repo.index.unmerged()
    is_unmerged = facts.dir in unmerged_objects(workspace, unmerged)
    return is_unmerged and merged_files(workspace.repo, facts.dir, unmerged) is not None


def _missing(facts: Facts, line: Pointer) -> Outcome:
    since = f" since v{line.number}" if isinstance(line, SkillPointer) else ""
    return Outcome(
        facts.kind,
        facts.subject,
        f"deleted here{since}, maybe still on the server",
        row="S13" if facts.kind is Kind.SKILL else "D4",
        state="deleted locally",
        fix=f"skillsync push --archive {facts.subject}, or git restore {facts.dir}",
    )


def _difference(facts: Facts, line: Pointer | None) -> tuple[str, str]:
    """Return how an object differs from its base, in words and as a state; ``("", "")`` when it does not."""
    keyless = f"{facts.keyless} {'line has' if facts.keyless == 1 else 'lines have'} no id yet"
    if line is not None and line.gone:
        return "archived on the server, to be made again", "local only"
    if facts.kind is Kind.SKILL and isinstance(line, SkillPointer):
        if line.digest == facts.digest:
            return "", ""
        return f"changed here since v{line.number}", "ahead"
    if facts.kind is Kind.DATASET and isinstance(line, DatasetPointer):
        if line.digest != facts.digest or line.meta != facts.meta:
            return "changed here since it was last in sync", "ahead"
        return (keyless, "ahead") if facts.keyless else ("", "")
    return "new here, not known to be published", "local only"
