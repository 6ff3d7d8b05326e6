"""Figures of commands as a person starts them, each a process of its own: `--version`, `status --offline`, `serve`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx

from benchmarks.figures import Figure, in_turns, seconds, shown
from benchmarks.world import KEY, SKILLSYNC, Clone, environment, serve_command

_OPENED = """
import os, sys
root = os.path.realpath(os.getcwd())
opened = []
def look(event, given):
    if event != "open" or not isinstance(given[0], (str, bytes)) or given[2] & os.O_DIRECTORY:
        return
    path = os.fsdecode(given[0])
    # A relative name may be opened below a folder handle, so each counts.
    if not os.path.isabs(path) or path.startswith(root + "/skills/"):
        opened.append(path)
from skillsync.cli.main import cli
import skillsync.cli.cmd_status
sys.addaudithook(look)
try:
    cli.main(["status", "--offline", *sys.argv[1:]])
finally:
    print(len(opened), file=sys.stderr)
"""
"""Runs `status --offline` here and prints how many files it opened below the current folder."""

_IMPORTS = [sys.executable, "-c", "import click, git"]


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
        is_enough=lambda least: least[0] <= 2 * least[1],
    )
    yield Figure("skillsync --version", ours, 2, "ratio", baseline, 'python -c "import click"')


def status(clone: Clone, skills: int, *, rounds: int) -> Iterator[Figure]:
    """No-change `status --offline` against `git status` and importing click and GitPython; files it opens."""
    ours, git, imports = in_turns(
        [
            _command([*_executable(), "status", "--offline"], cwd=clone.path),
            _command(["git", "status"], cwd=clone.path),
            _command(_IMPORTS, cwd=clone.path),
        ],
        rounds=rounds,
        is_enough=lambda least: least[0] <= 2 * (least[1] + least[2]),
    )
    yield Figure(
        f"status --offline, {skills} skills × 5 files",
        ours,
        2,
        "ratio",
        git + imports,
        'git status + python -c "import click, git"',
    )
    # With a path everything below it is looked up folder by folder, not only as a whole.
    for name, words in (("files it opens", []), ("files it opens, folder by folder", ["skills"])):
        opened, said = _opened(clone, words)
        yield Figure(f"  {name}", opened, 0, "exact")
        yield Figure("  says clean", "clean: nothing to push" in said, 1, "exact")


def status_edited(clone: Clone, *, rounds: int) -> Iterator[Figure]:
    """The same while one skill is edited: how many files are opened, and the time."""
    path = "skills/skill-0000/SKILL.md"
    text = (clone.path / path).read_text(encoding="utf-8")
    clone.write(path, text + "Edited.\n")
    opened, said = _opened(clone, [])
    assert "skill-0000: changed here" in said, said
    files = sum(each.is_file() for each in (clone.path / "skills/skill-0000").rglob("*"))
    yield Figure("status --offline, one edited: files it opens", opened, files, "most")
    [taken] = in_turns(
        [_command([*_executable(), "status", "--offline"], cwd=clone.path)], rounds=rounds
    )
    yield shown("  time", taken)
    clone.git("checkout", "-q", path)


def _opened(clone: Clone, words: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _OPENED, *words],
        cwd=clone.path,
        env=environment(clone.path.parent),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr.splitlines()[-1]), done.stdout


def serve(folder: Path, *, rounds: int) -> Iterator[Figure]:
    """`skillsync serve` from its start to its first answer, with a new database and with one that is there."""
    for number in range(rounds):
        (folder / str(number)).mkdir(parents=True)
    first = min(
        seconds(partial(_serve_once, folder / str(number) / "server.sqlite3"))
        for number in range(rounds)
    )
    [again] = in_turns([partial(_serve_once, folder / "0" / "server.sqlite3")], rounds=rounds)
    yield Figure("serve: to its first answer, first start", first, 1.5, "seconds")
    yield Figure("  later starts", again, 1.5, "seconds")


def _serve_once(database: Path) -> None:
    process = subprocess.Popen(
        serve_command(database), stdout=subprocess.PIPE, env=environment(database.parent)
    )
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        headers = {"Authorization": f"Bearer {KEY}"}
        httpx.get(f"{url}/api/users/@me/", headers=headers, trust_env=False).raise_for_status()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
