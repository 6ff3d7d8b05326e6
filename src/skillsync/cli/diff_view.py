"""Prints differences, for people and as JSON, whatever two sides they are between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillsync.cli.options import EXIT_DIFFERENT
from skillsync.cli.render import visible
from skillsync.errors import UsageError

if TYPE_CHECKING:
    from skillsync.cli.boundary import Run
    from skillsync.cli.render import Output
    from skillsync.config import Target
    from skillsync.sync.diff import ObjectDiff
    from skillsync.sync.workspace import Connect, Workspace


def print_diffs(out: Output, found: Sequence[ObjectDiff]) -> None:
    """Print each object's differences: a heading for each unit, then its lines with their signs."""
    from skillsync.sync.diff import Mark

    styles = {Mark.ADDED: ("+", "added"), Mark.REMOVED: ("-", "removed"), Mark.CONTEXT: (" ", "")}
    for one in found:
        out.data(f"{one.kind} {visible(one.subject)} ({visible(one.state)})", style="bold")
        for line in one.lines:
            if line.mark is Mark.HEADING:
                out.data(f"  {visible(line.text)}", style="cyan")
                continue
            sign, style = styles[line.mark]
            out.data(f"    {sign} {visible(line.text)}", style=style)
    if not found:
        out.data("no differences")


def print_versions(
    run: Run,
    workspace: Workspace,
    target: Target,
    connect: Connect,
    words: Sequence[str],
    *,
    offline: bool,
    exit_code: bool,
) -> int:
    """Compare versions as the words say, print the outcome and return the exit code."""
    from skillsync.sync.version_diff import diff_versions

    if offline:
        raise UsageError(
            "versions are read from the server, so --offline cannot compare them",
            hint="leave --offline out, or compare commits with git diff",
        )
    with connect(target) as remote:
        found = diff_versions(workspace, target, remote, words)
    print_diffs(run.out, [found.diff] if found.diff else [])
    code = EXIT_DIFFERENT if exit_code and found.diff else 0
    run.out.emit_json(
        "skillsync.diff.versions/1", {"target": target.name, **found.as_json(), "exit": code}
    )
    return code
