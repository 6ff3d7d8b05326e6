"""Figures of commands as a person starts them: `--version` and `status --offline`, each a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Figure, in_turns
from benchmarks.world import SKILLSYNC, Clone, environment

_OPENED = """
import os, sys
root = os.path.realpath(os.getcwd())
opened = []
def look(event, given):
    if event != "open" or not isinstance(given[0], (str, bytes)):
        return
    path = os.fsdecode(given[0])
    # A relative name may be opened below a folder handle, so each counts.
    if not os.path.isabs(path) or path.startswith(root + "/skills/"):
        opened.append(path)
from skillsync.cli.main import cli
import skillsync.cli.cmd_status
sys.addaudithook(look)
try:
    cli.main(["status", "--offline"])
finally:
    print(len(opened), file=sys.stderr)
"""
"""Runs `status --offline` here and prints how many files it opened below the current folder."""


def _command(words: Sequence[str], *, cwd: Path) -> Callable[[], object]:
    known = environment(cwd.parent)

    def run() -> None:
        subprocess.run(words, cwd=cwd, env=known, check=True, capture_output=True)

    return run


def _executable() -> list[str]:
    script = Path(sys.executable).with_name("skillsync")
    return [str(script)] if script.exists() else list(SKILLSYNC)


def version(folder: Path, *, rounds: int) -> Iterator[Figure]:
    """`skillsync --version` against importing click."""
    ours, baseline = in_turns(
        [
            _command([*_executable(), "--version"], cwd=folder),
            _command([sys.executable, "-c", "import click"], cwd=folder),
        ],
        rounds=rounds,
    )
    yield Figure("skillsync --version", ours, 2, "ratio", baseline, 'python -c "import click"')


def status(clone: Clone, skills: int, *, rounds: int) -> Iterator[Figure]:
    """No-change `status --offline` against `git status` and importing click and GitPython."""
    ours, git, imports = in_turns(
        [
            _command([*_executable(), "status", "--offline"], cwd=clone.path),
            _command(["git", "status"], cwd=clone.path),
            _command([sys.executable, "-c", "import click, git"], cwd=clone.path),
        ],
        rounds=rounds,
    )
    yield Figure(
        f"status --offline, {skills} skills × 5 files",
        ours,
        2,
        "ratio",
        git + imports,
        'git status + python -c "import click, git"',
    )
    done = subprocess.run(
        [sys.executable, "-c", _OPENED],
        cwd=clone.path,
        env=environment(clone.path.parent),
        capture_output=True,
        text=True,
        check=True,
    )
    yield Figure("  files it opens", int(done.stderr.splitlines()[-1]), 0, "exact")
    yield Figure("  says clean", "clean: nothing to push" in done.stdout, 1, "exact")
