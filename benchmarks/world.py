"""The world that is measured: a server in a process of its own, and clones with many skills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
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


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run `skillsync serve` on a free loopback port and yield its URL; it is stopped in any case."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [*SKILLSYNC, "serve", "--port", "0", "--json",
         "--database", f"sqlite:///{folder / 'server.sqlite3'}", "--key", KEY],
        stdout=subprocess.PIPE,
        env=environment(folder),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Recording(Transport):
    """A transport that remembers which requests were asked for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made: list[tuple[str, str]] = []

    def request(self, method: Any, path: str, **options: Any) -> Answer:
        """Note the request and send it."""
        query = "&".join(f"{name}={value}" for name, value in options.get("query", ()))
        self.made.append((method, f"{path}?{query}" if query else path))
        return super().request(method, path, **options)


@dataclass
class Clone:
    """A repository and what the last command asked the server."""

    path: Path
    url: str
    made: list[tuple[str, str]] = field(default_factory=list)

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
    def _connect(self, target: Target) -> Iterator[Remote]:
        with Recording(host=target.host, key=Secret(KEY)) as transport:
            yield Remote(target, transport)
        self.made = transport.made

    def push(self) -> Report:
        """Push everything."""
        workspace = Workspace.open(self.path)
        return push(workspace, workspace.settings.target(None), self._connect, PushRequest())

    def pull(self) -> Report:
        """Pull everything."""
        workspace = Workspace.open(self.path)
        return pull(workspace, workspace.settings.target(None), self._connect, PullRequest())

    @property
    def writes(self) -> int:
        """How many requests of the last command could have changed something."""
        return sum(method != "GET" for method, _ in self.made)


def new_clone(path: Path, url: str) -> Clone:
    """Make a repository whose only file is skillsync.toml."""
    path.mkdir(parents=True)
    clone = Clone(path, url)
    clone.git("init", "-q", "-b", "main")
    clone.write(
        "skillsync.toml",
        'version = 1\nskills = ["skills"]\ndatasets = ["datasets"]\ndefault_target = "local"\n'
        f'[targets.local]\nhost = "{url}"\nproject = 1\n',
    )
    clone.commit("settings")
    return clone


def skill_files(number: int) -> Mapping[str, str]:
    """Return the files of one skill of ordinary size: a body of 3 kB, three references, a script."""
    name = f"skill-{number:04d}"
    body = "".join(f"{line}. Look at the thing number {number} and say so.\n" for line in range(60))
    head = f"---\nname: {name}\ndescription: Looks at thing {number} and says what it is.\n---\n\n"
    files = {f"skills/{name}/SKILL.md": f"{head}# Thing {number}\n\n{body}"}
    for part in range(FILES - 2):
        files[f"skills/{name}/references/part-{part}.md"] = f"# Part {part} of {number}\n" + body
    files[f"skills/{name}/scripts/look.py"] = f"print('thing {number}')\n"
    return files


def add_skills(clone: Clone, count: int) -> None:
    """Write and commit that many skills."""
    for number in range(count):
        for path, text in skill_files(number).items():
            clone.write(path, text)
    clone.commit("skills")


def add_dataset(clone: Clone, slug: str, *, rows: int) -> None:
    """Write and commit a dataset."""
    clone.write(f"datasets/{slug}/DATASET.md", f"---\nname: {slug}\n---\n\nRows.\n")
    lines = (
        json.dumps({"id": f"{slug}-{row}", "input": f"question {row}", "expected_output": str(row)})
        for row in range(rows)
    )
    clone.write(f"datasets/{slug}/items.jsonl", "".join(f"{line}\n" for line in lines))
    clone.commit("dataset")
