"""Installs and removes what lets the system start a daemon at login."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillsync.cli.boundary import Run
    from skillsync.sync.workspace import Workspace
    from skillsync.watch.units import Unit


def install(run: Run, workspace: Workspace, words: Sequence[str], target: str | None) -> int:
    """Write the unit, let the system check it, and say how to start it; nothing is started."""
    from skillsync.errors import SystemRefused
    from skillsync.watch.control import install as write

    unit = _unit(workspace, words)
    complaints = write(unit)
    if complaints:
        unit.path.unlink(missing_ok=True)
        raise SystemRefused(
            f"the system does not accept the unit: {complaints}",
            subject=str(unit.path),
            unchanged="Nothing was installed.",
        )
    run.out.data(f"written: {unit.path}")
    for command in unit.start:
        run.out.data(f"  {command}")
    _warn_of_key(run, workspace, words, target)
    run.out.emit_json(
        "skillsync.watch-install/1", {"path": str(unit.path), "start": list(unit.start)}
    )
    return 0


def uninstall(run: Run, workspace: Workspace) -> int:
    """Remove the unit, and say how to stop what it may have started."""
    from skillsync.watch.control import uninstall as remove

    unit = _unit(workspace, ())
    was_there = remove(unit)
    run.out.data(f"removed: {unit.path}" if was_there else "nothing was installed")
    if was_there:
        run.out.note(f"if it runs: {unit.stop[0]}, or skillsync watch --stop")
    run.out.emit_json("skillsync.watch-uninstall/1", {"path": str(unit.path), "removed": was_there})
    return 0


def _unit(workspace: Workspace, words: Sequence[str]) -> Unit:
    from skillsync.watch.units import make_unit

    root = workspace.repo.root
    command = [sys.executable, "-m", "skillsync", "-C", str(root), "watch", *words]
    return make_unit(
        platform=sys.platform, root=root, command=command, home=Path.home(), environ=os.environ
    )


def _warn_of_key(run: Run, workspace: Workspace, words: Sequence[str], target: str | None) -> None:
    """A daemon started by the system sees none of this shell's variables."""
    if "--api-key-file" in words or not workspace.settings.targets:
        return
    chosen = workspace.settings.target(target)
    names = [chosen.key_variable, "SKILLSYNC_API_KEY", "POSTHOG_CLI_API_KEY"]
    if any(os.environ.get(name) for name in names):
        run.out.warn(
            "your key is in this shell's environment, where the system will not find it: install with "
            "--api-key-file PATH, or keep the key in the system keyring"
        )
