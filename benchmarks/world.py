"""The world that is measured: a server in a process of its own, and clones with many skills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillsync.api.secret import Secret
from skillsync.api.transport import Answer, Transport
from skillsync.config import Target
from skillsync.sync.pull import PullRequest, pull
from skillsync.sync.push import PushRequest, push
from skillsync.sync.report import Report
from skillsync.sync.workspace import Remote, Workspace

KEY = "phx_benchmarks0000000000000000000000000000000"
SKILLSYNC = (sys.executable, "-c", "from skillsync.cli.main import main; main()")
FILES = 5
"""Files of one skill: SKILL.md and four beside it."""


def environment(home: Path) -> dict[str, str]:
    """Return what child processes see: byte code may be cached, no settings of this machine's user."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SKILLSYNC_", "GIT_", "PYTHONDONTWRITE", "PYTHONPROFILE"))
    }
    identity = {"NAME": "Bench", "EMAIL": "bench@example.com"}
    git = {
        f"GIT_{who}_{what}": identity[what] for who in ("AUTHOR", "COMMITTER") for what in identity
    }
    return {
        **kept,
        **git,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "SKILLSYNC_API_KEY": KEY,
    }


def serve_command(database: Path, *options: str) -> list[str]:
    """Return the command that serves a database on a free loopback port, with the benchmark's key."""
    return [*SKILLSYNC, "serve", "--port", "0", "--json", "--database", f"sqlite:///{database}", "--key", KEY, *options]  # fmt: skip


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """Run `skillsync serve` and yield its URL; it is stopped in any case."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        serve_command(folder / "server.sqlite3", *options),
        stdout=subprocess.PIPE,
        env=environment(folder),
    )
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def add_project(folder: Path, name: str) -> int:
    """Make another project that the benchmark's key may use, and return its number."""
    database = f"sqlite:///{folder / 'server.sqlite3'}"
    done = subprocess.run(
        [*SKILLSYNC, "server-admin", "--database", database, "add-project", name, "--json"],
        check=True,
        capture_output=True,
        env=environment(folder),
    )
    return int(json.loads(done.stdout)["project"])


class Recording(Transport):
    """A transport that remembers which requests were asked for, and how long they took together."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made: list[tuple[str, str]] = []
        self._known: dict[tuple[str, str], tuple[str, str]] = {}
        self.seconds = 0.0
        self.on_first_row: Callable[[], None] | None = None

    def request(self, method: Any, path: str, **options: Any) -> Answer:
        """Note the request and send it."""
        query = "&".join(f"{name}={value}" for name, value in options.get("query", ()))
        made = method, f"{path}?{query}" if query else path
        # The same request is held once: what is measured is the memory of the program.
        self.made.append(self._known.setdefault(made, made))
        if self.on_first_row is not None and method == "POST" and "dataset_items" in path:
            self.on_first_row()
            self.on_first_row = None
        started = time.perf_counter()
        try:
            return super().request(method, path, **options)
        finally:
            self.seconds += time.perf_counter() - started


@dataclass
class Clone:
    """A repository, what the last command asked the server, and how long it ``waited`` for the answers (seconds).

    ``memory`` is asked when the first row is sent, and its answer kept as ``at_first_row``.
    """

    path: Path
    url: str
    made: list[tuple[str, str]] = field(default_factory=list)
    waited: float = 0.0
    memory: Callable[[], float] | None = None
    at_first_row: float | None = None

    def git(self, *words: str) -> None:
        """Run git here."""
        done = subprocess.run(
            ["git", *words],
            cwd=self.path,
            check=True,
            capture_output=True,
            env=environment(self.path.parent),
        )
        assert done.returncode == 0

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def write(self, path: str, text: str) -> None:
        """Write one file."""
        full = self.path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text, encoding="utf-8")

    @contextmanager
    def connect(self, target: Target) -> Iterator[Remote]:
        """Connect as the benchmark's user, counting."""
        with Recording(host=target.host, key=Secret(KEY)) as transport:
            transport.on_first_row = self._measure
            yield Remote(target, transport, Workspace.open(self.path).repo)
        self.made, self.waited = transport.made, transport.seconds

    def _measure(self) -> None:
        self.at_first_row = self.memory() if self.memory else None

    def push(self) -> Report:
        """Push everything."""
        workspace = Workspace.open(self.path)
        return push(workspace, workspace.settings.target(None), self.connect, PushRequest())

    def pull(self) -> Report:
        """Pull everything."""
        workspace = Workspace.open(self.path)
        return pull(workspace, workspace.settings.target(None), self.connect, PullRequest())

    def ask(self, question: Callable[[Workspace, Target, Remote], object]) -> None:
        """Ask something that reads only."""
        workspace = Workspace.open(self.path)
        target = workspace.settings.target(None)
        with self.connect(target) as remote:
            question(workspace, target, remote)

    @property
    def writes(self) -> int:
        """How many requests of the last command could have changed something."""
        return sum(method != "GET" for method, _ in self.made)


def new_clone(path: Path, url: str, project: int = 1) -> Clone:
    """Make a repository whose only file is skillsync.toml."""
    path.mkdir(parents=True)
    clone = Clone(path, url)
    clone.git("init", "-q", "-b", "main")
    clone.write(
        "skillsync.toml",
        'version = 1\nskills = ["skills"]\ndatasets = ["datasets"]\ndefault_target = "local"\n'
        f'[targets.local]\nhost = "{url}"\nproject = {project}\n',
    )
    clone.commit("settings")
    return clone


def skill_files(number: int, files: int = FILES) -> Mapping[str, str]:
    """Return the files of one skill of ordinary size: a body of 3 kB, references, a script."""
    name = f"skill-{number:04d}"
    body = "".join(f"{line}. Look at the thing number {number} and say so.\n" for line in range(60))
    head = f"---\nname: {name}\ndescription: Looks at thing {number} and says what it is.\n---\n\n"
    found = {
        f"skills/{name}/SKILL.md": f"{head}# Thing {number}\n\n{body}",
        f"skills/{name}/scripts/look.py": f"print('thing {number}')\n",
    }
    for part in range(files - 2):
        found[f"skills/{name}/references/part-{part}.md"] = f"# Part {part} of {number}\n" + body
    return found


def add_skills(clone: Clone, count: int, files: int = FILES) -> None:
    """Write and commit that many skills of so many files each."""
    for number in range(count):
        for path, text in skill_files(number, files).items():
            clone.write(path, text)
    clone.commit("skills")


def edit_skills(clone: Clone, count: int) -> None:
    """Add a line to that many skills and commit it."""
    for number in range(count):
        path = f"skills/skill-{number:04d}/SKILL.md"
        clone.write(path, (clone.path / path).read_text(encoding="utf-8") + "\nOne more line.\n")
    clone.commit("edited")


def add_dataset(clone: Clone, slug: str, *, rows: int) -> None:
    """Write and commit a dataset."""
    clone.write(f"datasets/{slug}/DATASET.md", f"---\nname: {slug}\n---\n\nRows.\n")
    lines = (
        json.dumps({"id": f"{slug}-{row}", "input": f"question {row}", "expected_output": str(row)})
        for row in range(rows)
    )
    clone.write(f"datasets/{slug}/items.jsonl", "".join(f"{line}\n" for line in lines))
    clone.commit("dataset")
