"""A running server on a loopback port and repositories in which the real command line is run in process."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from skillsync.cli.main import cli
from skillsync.server.accounts import create_key, first_start
from skillsync.server.app import create_app, new_database
from skillsync.server.serve import running
from tests.unflushed import flush_nothing
from tests.world import commit_all, git

CONFIG = """\
version = 1
skills = ["skills"]
datasets = ["datasets"]
default_target = "local"
{more}
[targets.local]
host = "{host}"
project = 1
"""


@dataclass(frozen=True)
class Ended:
    """How one run of the command line ended."""

    exit: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails when there is anything else."""
        document = json.loads(self.out)
        assert next(iter(document)) == "schema"
        return document


class _Stream(io.TextIOWrapper):
    def __init__(self, *, encoding: str, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def text(self) -> str:
        self.flush()
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode(self.encoding)


def skillsync(
    where: Path,
    *words: str,
    env: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    terminal: bool = False,
) -> Ended:
    """Run ``skillsync WORDS`` in a folder, in this process, as the console script does."""
    before, folder, streams = dict(os.environ), Path.cwd(), (sys.stdout, sys.stderr, sys.stdin)
    out = _Stream(encoding=encoding, terminal=terminal)
    err = _Stream(encoding=encoding, terminal=terminal)
    os.environ.update(env or {})
    os.chdir(where)
    sys.stdout, sys.stderr, sys.stdin = out, err, _Stream(encoding=encoding, terminal=terminal)
    try:
        cli.main(list(words))
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout, sys.stderr, sys.stdin = streams
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
    assert isinstance(code, int)
    return Ended(code, out.text(), err.text())


@dataclass
class World:
    """The server, its keys, and the folder in which repositories are made."""

    url: str
    folder: Path
    keys: dict[str, str]
    _count: int = field(default=0)

    @property
    def env(self) -> dict[str, str]:
        """The environment in which our key is found."""
        return {"SKILLSYNC_API_KEY": self.keys["me"]}

    def project(self) -> int:
        """Make a project of its own, so that no test sees another's skills."""
        from skillsync.server.accounts import create_project

        return create_project(f"project {self._count}").pk

    def repository(self, *, more: str = "", config: str | None = None) -> Repo:
        """Make a repository with its own empty project."""
        self._count += 1
        path = self.folder / f"repo-{self._count}"
        path.mkdir(parents=True)
        git(path, "init", "-q", "-b", "main")
        number = self.project()
        text = CONFIG if config is None else config
        text = text.replace("{host}", self.url).replace("{more}", more)
        (path / "skillsync.toml").write_text(text.replace("project = 1", f"project = {number}"))
        repo = Repo(self, path, number)
        repo.commit()
        return repo


@dataclass
class Repo:
    """One repository and its project."""

    world: World
    path: Path
    number: int

    def commit(self) -> None:
        commit_all(self.path)

    def write(self, path: str, text: str) -> Path:
        full = self.path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
        return full

    def read(self, path: str) -> str:
        return (self.path / path).read_text()

    def skill(self, name: str, body: str = "one\n\ntwo\n\nthree\n", more: str = "") -> str:
        path = f"skills/{name}/SKILL.md"
        self.write(path, f"---\nname: {name}\ndescription: Does {name}.\n{more}---\n\n{body}")
        return path

    def dataset(self, slug: str, *lines: str) -> str:
        self.write(f"datasets/{slug}/DATASET.md", f"---\nname: {slug}\n---\n")
        path = f"datasets/{slug}/items.jsonl"
        self.write(path, "".join(f"{line}\n" for line in lines))
        return path

    def run(self, *words: str, at: str = "", **more: Any) -> Ended:
        env = {**self.world.env, **more.pop("env", {})}
        return skillsync(self.path / at, *words, env=env, **more)

    def ok(self, *words: str) -> Ended:
        ended = self.run(*words)
        assert ended.exit == 0, ended
        return ended

    @contextmanager
    def web(self) -> Iterator[httpx.Client]:
        """Plain HTTP as the other person."""
        with httpx.Client(
            base_url=f"{self.world.url}/api/projects/{self.number}/",
            headers={"Authorization": f"Bearer {self.world.keys['web']}"},
        ) as client:
            yield client

    def edit(self, name: str, **fields: Any) -> None:
        """Publish a version in the web page."""
        with self.web() as client:
            base = client.get(f"llm_skills/name/{name}").json()["version"]
            answer = client.patch(f"llm_skills/name/{name}", json={"base_version": base, **fields})
        assert answer.status_code == 200, answer.text

    def published(self, name: str = "alpha", body: str = "one\n\ntwo\n\nthree\n") -> str:
        """Make a skill that is published and committed."""
        path = self.skill(name, body)
        self.ok("push")
        self.commit()
        return path

    def conflicted(self, name: str = "alpha") -> str:
        """Make a skill whose one line both sides changed, and pull."""
        path = self.published(name)
        self.edit(name, body="one\n\nTWO of the web\n\nthree")
        self.write(path, self.read(path).replace("two", "two of the file"))
        ended = self.run("pull")
        assert ended.exit == 4, ended
        return path


@contextmanager
def open_world(folder: Path, *, dialect: str = "seed") -> Iterator[World]:
    """Start a server with two people."""
    database = flush_nothing(new_database(folder / "server.sqlite3"))
    app = create_app(database, dialect=dialect)
    first_start(key=None)
    keys = {user: create_key(user=user).value for user in ("me", "web")}
    with running(database, dialect=dialect) as server:
        yield World(server.url, folder, keys)
    app.close()
