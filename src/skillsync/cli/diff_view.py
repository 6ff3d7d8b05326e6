"""Prints differences, for people and as JSON, whatever two sides they are between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillsync.cli.options import EXIT_DIFFERENT
from skillsync.cli.render import visible

if TYPE_CHECKING:
    from skillsync.cli.boundary import Run
    from skillsync.cli.render import Output
    from skillsync.config import Target
    from skillsync.sync.diff import ObjectDiff
    from skillsync.sync.workspace import Connect, Workspace


def print_diffs(out: Output, found: Sequence[ObjectDiff], *, header: str) -> None:
    """Print the header (which side is - and which is +), then each object's differences with their signs."""
    if found:
        out.data(header, style="bold")
    for one in found:
        _print_object(out, one)
    if not found:
        out.data("no differences")


def _print_object(out: Output, one: ObjectDiff) -> None:
    from skillsync.sync.diff_lines import Mark

    signs = {
        Mark.HEADING: ("", "cyan"),
        Mark.PLACE: ("@@ ", "dim"),
        Mark.REMOVED: ("- ", "removed"),
        Mark.ADDED: ("+ ", "added"),
        Mark.CONTEXT: ("  ", ""),
    }
    out.data()
    words = f": {visible(one.words)}" if one.words else ""
    out.data(f"{one.kind} {visible(one.subject)}{words}", style="bold")
    for line in one.lines:
        sign, style = signs[line.mark]
        text = f"{'  ' * line.depth}{sign}{visible(line.text)}".rstrip()
        out.raw(out.style(text, style))


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
        found = diff_versions(workspace, target, None, words)
    else:
        with connect(target) as remote:
            found = diff_versions(workspace, target, remote, words)
    sides = f"- {visible(found.before)}, + {visible(found.after)}"
    shown = [found.diff] if found.diff else []
    print_diffs(run.out, shown, header=f"target {target.name}: {sides}")
    code = EXIT_DIFFERENT if exit_code and found.diff else 0
    run.out.emit_json(
        "skillsync.diff.versions/1", {"target": target.name, **found.as_json(), "exit": code}
    )
    return code
