"""A live server in process, clones with real git, and a second user in the "web page"."""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx

from skillsync.api.secret import Secret
from skillsync.api.telling import Telling, Untold
from skillsync.api.transport import Transport
from skillsync.config import Target
from skillsync.repo.disk import REAL, Disk
from skillsync.server.accounts import create_key, first_start
from skillsync.server.app import Application, create_app, new_database
from skillsync.server.database import bound_elsewhere
from skillsync.server.quotas import Quota
from skillsync.sync.adopt import Way, adopt
from skillsync.sync.conflicts import list_conflicts
from skillsync.sync.pull import PullRequest, pull
from skillsync.sync.push import PushRequest, push
from skillsync.sync.report import Outcome, Report
from skillsync.sync.resolve import Choice, resolve
from skillsync.sync.resolve_dataset import Edit
from skillsync.sync.status import Status, status
from skillsync.sync.workspace import LARGE_FROM as USUALLY
from skillsync.sync.workspace import Connect, Remote, Workspace
from skillsync.sync.writing import Writer
from tests.unflushed import flush_nothing

HOST = "http://127.0.0.1:8765"
LARGE_FROM = int(os.environ.get("LARGE_FROM", USUALLY))
"""Bytes from which no file of rows is held: with 1 every dataset goes the way of the large ones."""

CONFIG = f"""\
version = 1
skills = ["skills"]
datasets = ["datasets"]
default_target = "local"
{{team}}
[targets.local]
host = "{HOST}"
project = 1
"""


@dataclass
class TurnedClock:
    """A clock that only moves when somebody sleeps."""

    seconds: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    year: int = 2026

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        return datetime(self.year, 8, 1, 12, 0, tzinfo=UTC)


@dataclass
class Requests(httpx.BaseTransport):
    """Passes requests on to the server and remembers them; ``before`` may fail or delay one."""

    inner: httpx.BaseTransport
    made: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[httpx.Request], None] | None = None
    after: Callable[[httpx.Request, httpx.Response], httpx.Response] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.made.append((request.method, request.url.raw_path.decode()))
        if self.before:
            self.before(request)
        response = self.inner.handle_request(request)
        return self.after(request, response) if self.after else response

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that may change something."""
        return [one for one in self.made if one[0] not in {"GET", "HEAD", "OPTIONS"}]


@cache
def _begun() -> tuple[Path, dict[str, str]]:
    """Return the database of a server with project 1 and two people, made once per process, and their keys."""
    folder = Path(tempfile.mkdtemp(prefix="skillsync-begun-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "begun.sqlite3"
    with bound_elsewhere():
        app = create_app(flush_nothing(new_database(path)))
        first_start(key=None)
        keys = {user: create_key(user=user).value for user in ("me", "web")}
        app.close()
    return path, keys


class Live:
    """The server with two people: ``me`` runs skillsync, ``web`` edits in the page."""

    dialect = "seed"
    project = 1
    created = 1
    """The latest version after a push has created a skill from committed files: a marker is one more (B9)."""

    is_new: bool
    """Whether nobody has asked it anything yet."""

    def __init__(self, folder: Path, *, quota: Quota | None = None) -> None:
        self.folder = folder
        self.is_new = quota is None
        begun, self.keys = _begun()
        database = flush_nothing(new_database(folder / "server.sqlite3", like=begun))
        self.app: Application = create_app(database, dialect=self.dialect, quota=quota)

    def close(self) -> None:
        self.app.close()

    @contextmanager
    def api(self, user: str = "web") -> Iterator[httpx.Client]:
        """Plain HTTP as one of the people, below the project."""
        self.is_new = False
        with httpx.Client(
            transport=httpx.WSGITransport(app=self.app),
            base_url=f"{HOST}/api/projects/{self.project}/",
            headers={"Authorization": f"Bearer {self.keys[user]}"},
        ) as client:
            yield client

    def save(self, path: Path) -> None:
        """Copy the database as it is now."""
        _copy_database(self.folder / "server.sqlite3", path)

    def load(self, path: Path) -> None:
        """Take back the database that was saved."""
        _copy_database(path, self.folder / "server.sqlite3")

    def of_project(self, number: int) -> Self:
        """Return the same people and server in another project."""
        other = copy(self)
        other.project = number
        return other

    # ---------------------------------------------------------------- the web page: skills

    def skill(self, name: str) -> dict[str, Any]:
        """Return the latest version's detail, file contents as ``contents``."""
        with self.api() as client:
            answer = client.get(f"llm_skills/name/{name}")
            if answer.status_code == 404:
                return {}
            detail: dict[str, Any] = answer.json()
            detail["contents"] = {
                entry["path"]: client.get(f"llm_skills/name/{name}/files/{entry['path']}").json()[
                    "content"
                ]
                for entry in detail["files"]
            }
            return detail

    def version(self, name: str) -> int:
        """Return the latest version number, 0 when there is none."""
        return int(self.skill(name).get("version", 0))

    def create(self, name: str, *, user: str = "web", **fields: Any) -> dict[str, Any]:
        """Create a skill in the web page."""
        body = {
            "name": name,
            "description": f"Does {name}.",
            "body": "Step one.\n\nStep two.",
            **fields,
        }
        with self.api(user) as client:
            answer = client.post("llm_skills", json=body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def edit(self, name: str, *, user: str = "web", **fields: Any) -> int:
        """Publish a version in the web page and return its number."""
        with self.api(user) as client:
            base = client.get(f"llm_skills/name/{name}").json()["version"]
            answer = client.patch(f"llm_skills/name/{name}", json={"base_version": base, **fields})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["version"])

    def edit_body(self, name: str, old: str, new: str, *, user: str = "web") -> int:
        """Replace one text in the body in the web page."""
        body = self.skill(name)["body"]
        assert body.count(old) == 1, (old, body)
        return self.edit(name, user=user, body=body.replace(old, new))

    def rename(self, old: str, new: str) -> None:
        """Rename a skill in the web page; the servers of the seed cannot."""
        with self.api() as client:
            answer = client.post(f"llm_skills/name/{old}/rename", json={"new_name": new})
        assert answer.status_code == 200, answer.text

    def archive(self, name: str) -> None:
        """Archive a skill in the web page."""
        with self.api() as client:
            assert client.post(f"llm_skills/name/{name}/archive").status_code == 204

    # ---------------------------------------------------------------- the web page: datasets

    def datasets(self) -> list[dict[str, Any]]:
        """Return the live datasets."""
        with self.api() as client:
            found: list[dict[str, Any]] = client.get("datasets/").json()["results"]
            return found

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """Return the live items of a dataset, oldest first."""
        with self.api() as client:
            found: list[dict[str, Any]] = client.get(
                "dataset_items/", params={"dataset": dataset, "limit": 10_000}
            ).json()["results"]
            return found[::-1]

    def row(self, dataset: str, key: str) -> dict[str, Any]:
        """Return the live item with one of our keys."""
        return next(
            row for row in self.rows(dataset) if (row["metadata"] or {}).get("skillsync_id") == key
        )

    def patch_dataset(self, dataset: str, **fields: Any) -> None:
        """Edit a dataset's own fields in the web page, archive it or bring it back."""
        with self.api() as client:
            assert client.patch(f"datasets/{dataset}/", json=fields).status_code == 200

    def patch_row(self, item_id: str, *, user: str = "web", **fields: Any) -> None:
        """Edit an item in the web page."""
        with self.api(user) as client:
            answer = client.patch(f"dataset_items/{item_id}/", json=fields)
        assert answer.status_code == 200, answer.text

    def add_row(self, dataset: str, *, user: str = "web", **fields: Any) -> dict[str, Any]:
        """Add an item in the web page."""
        with self.api(user) as client:
            answer = client.post("dataset_items/", json={"dataset": dataset, **fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


class LiveCurrent(Live):
    """The same in the current dialect, its rows in the seed's clothes, so that one test asks both.

    Fields have the seed's names, and our key stands in the metadata; a write is made as the web page makes it.
    """

    dialect = "current"
    created = 2

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """Return the live items of a dataset, oldest first."""
        found: list[dict[str, Any]] = []
        with self.api() as client:
            url: str | None = f"dataset_items/?dataset={dataset}"
            while url:
                page = client.get(url).json()
                found += page["results"]
                url = page["next"]
        return [_in_old_clothes(item) for item in reversed(found)]

    def patch_dataset(self, dataset: str, **fields: Any) -> None:
        """Edit a dataset's own fields in the web page, archive it or bring it back."""
        deleted = fields.pop("deleted", None)
        if fields:
            super().patch_dataset(dataset, **fields)
        if deleted is not None:
            verb = "archive" if deleted else "restore"
            with self.api() as client:
                assert client.post(f"datasets/{dataset}/{verb}/").status_code == 200

    def patch_row(self, item_id: str, *, user: str = "web", **fields: Any) -> None:
        """Edit, archive or restore an item in the web page."""
        deleted = fields.pop("deleted", None)
        with self.api(user) as client:
            verbs = {True: "archive/", False: "restore/"}
            if deleted is not None:
                self._write(client, "POST", f"dataset_items/{item_id}/", verbs[deleted], {})
            if fields:
                self._write(
                    client, "PATCH", f"dataset_items/{item_id}/", "", _in_new_clothes(fields)
                )

    def add_row(self, dataset: str, *, user: str = "web", **fields: Any) -> dict[str, Any]:
        """Add an item in the web page."""
        key = (fields.get("metadata") or {}).get("skillsync_id")
        body = {"dataset": dataset, **_in_new_clothes(fields)}
        with self.api(user) as client:
            answer = client.post(
                "dataset_items/", json={**body, **({"client_item_id": key} if key else {})}
            )
        assert answer.status_code == 201, answer.text
        return _in_old_clothes(answer.json())

    def _write(
        self, client: httpx.Client, method: str, path: str, verb: str, body: dict[str, Any]
    ) -> None:
        version = client.get(path).json()["version"]
        answer = client.request(method, path + verb, json={**body, "base_version": version})
        assert answer.status_code == 200, answer.text


_CLOTHES = {
    "output": "expected_output",
    "ref_trace_id": "source_trace_id",
    "ref_timestamp": "source_timestamp",
    "ref_source_id": "source_event_id",
}


def _in_old_clothes(item: dict[str, Any]) -> dict[str, Any]:
    key = item["client_item_id"]
    metadata = {**({"skillsync_id": key} if key else {}), **item["metadata"]}
    return {**item, **{old: item[new] for old, new in _CLOTHES.items()}, "metadata": metadata}


def _in_new_clothes(fields: dict[str, Any]) -> dict[str, Any]:
    new = {_CLOTHES.get(name, name): value for name, value in fields.items()}
    if "metadata" in new:
        metadata = new["metadata"] or {}
        new["metadata"] = {key: value for key, value in metadata.items() if key != "skillsync_id"}
    return new


LIVES: dict[str, type[Live]] = {"seed": Live, "current": LiveCurrent}


@dataclass
class Clone:
    """One clone of a repository, and skillsync run in it by one of the people."""

    live: Live
    path: Path
    user: str = "me"
    clock: TurnedClock = field(default_factory=TurnedClock)
    disk: Disk = REAL
    requests: Requests | None = None
    telling: Telling = field(default_factory=Untold)
    large_from: int = LARGE_FROM

    # ---------------------------------------------------------------- files and git

    def git(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.path, check=check, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> str:
        """Return HEAD's commit, from git's files where they say it: a process less."""
        folder = self.path / ".git"
        if folder.is_dir():
            found = (folder / "HEAD").read_text().strip()
            if len(found) in {40, 64} and not found.startswith("ref: "):
                return found
            ref = folder / found.removeprefix("ref: ")
            if found.startswith("ref: ") and ref.is_file():
                return ref.read_text().strip()
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, text: str | bytes, *, executable: bool = False) -> Path:
        full = self.path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text.encode() if isinstance(text, str) else text)
        if executable:
            full.chmod(0o755)
        return full

    def read(self, path: str) -> str:
        return (self.path / path).read_bytes().decode()

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert text.count(old) == 1, (old, text)
        self.write(path, text.replace(old, new))

    def skill(
        self,
        name: str,
        body: str = "Step one.\n\nStep two.\n",
        *,
        description: str = "",
        more: str = "",
    ) -> str:
        """Write skills/NAME/SKILL.md and return its path."""
        path = f"skills/{name}/SKILL.md"
        text = (
            f"---\nname: {name}\ndescription: {description or f'Does {name}.'}\n{more}---\n\n{body}"
        )
        self.write(path, text)
        return path

    def dataset(self, slug: str, lines: Sequence[str], *, name: str = "") -> str:
        """Write datasets/SLUG with these JSON lines and return the path of items.jsonl."""
        self.write(
            f"datasets/{slug}/DATASET.md", f"---\nname: {name or slug}\n---\n\nRows of {slug}.\n"
        )
        path = f"datasets/{slug}/items.jsonl"
        self.write(path, "".join(f"{line}\n" for line in lines))
        return path

    def files(self) -> dict[str, bytes]:
        """Return every file of the working tree but git's own."""
        found: dict[str, bytes] = {}
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if name != ".git"]
            for name in names:
                path = Path(folder, name)
                if name != ".git" and path.is_file():
                    found[str(path.relative_to(self.path))] = path.read_bytes()
        return dict(sorted(found.items()))

    # ---------------------------------------------------------------- skillsync

    @property
    def workspace(self) -> Workspace:
        return replace(Workspace.open(self.path), large_from=self.large_from)

    @property
    def target(self) -> Target:
        return self.workspace.settings.target(None)

    @property
    def connect(self) -> Connect:
        """How to connect, with the clone opened anew each time."""
        return self.connect_in(None)

    def connect_in(self, workspace: Workspace | None) -> Connect:
        """As a command does it, what is read is kept in the clone that the command has opened."""
        requests = self.wrapped()
        self.live.is_new = False

        @contextmanager
        def connect(target: Target) -> Iterator[Remote]:
            with Transport(
                host=target.host,
                key=Secret(self.live.keys[self.user]),
                transport=requests,
                sleep=self.clock.sleep,
                telling=self.telling,
            ) as transport:
                yield Remote(target, transport, (workspace or self.workspace).repo)

        return connect

    def wrapped(self) -> Requests:
        """Return the requests of this clone, to watch or to disturb."""
        if self.requests is None:
            self.requests = Requests(httpx.WSGITransport(app=self.live.app))
        return self.requests

    def writer(self) -> Writer:
        return Writer(self.workspace, clock=self.clock, disk=self.disk)

    def _opened(self) -> tuple[Workspace, Target]:
        """Open what one command works on, once, as a command does."""
        workspace = self.workspace
        return workspace, workspace.settings.target(None)

    def push(self, *names: str, **options: Any) -> Report:
        workspace, target = self._opened()
        request = PushRequest(names=names, clock=self.clock, **options)
        writer = Writer(workspace, clock=self.clock, disk=self.disk)
        return push(workspace, target, self.connect_in(workspace), request, writer=writer)

    def pull(self, *names: str, **options: Any) -> Report:
        workspace, target = self._opened()
        request = PullRequest(names=names, clock=self.clock, **options)
        writer = Writer(workspace, clock=self.clock, disk=self.disk)
        return pull(workspace, target, self.connect_in(workspace), request, writer=writer)

    def status(self, *names: str, offline: bool = False) -> Status:
        workspace, target = self._opened()
        if offline:
            return status(workspace, target, remote=None, names=names)
        with self.connect_in(workspace)(target) as remote:
            return status(workspace, target, remote=remote, names=names)

    def conflicts(self, *names: str) -> list[Outcome]:
        workspace, target = self._opened()
        with self.connect_in(workspace)(target) as remote:
            return list_conflicts(workspace, target, remote, names=names)

    def resolve(
        self, name: str, choice: Choice = Choice.AS_IS, *, edit: Edit | None = None
    ) -> Report:
        workspace, target = self._opened()
        connect = self.connect_in(workspace)
        return resolve(
            workspace, target, connect, name=name, choice=choice, clock=self.clock, edit=edit
        )

    def adopt(self, name: str, way: Way | None = None, *, dataset_id: str | None = None) -> Report:
        workspace, target = self._opened()
        return adopt(
            workspace,
            target,
            self.connect_in(workspace),
            name=name,
            way=way,
            dataset_id=dataset_id,
            clock=self.clock,
        )

    def clone(self, path: Path, *, user: str | None = None) -> Clone:
        """Clone this repository (its commits) as somebody else's working copy."""
        subprocess.run(["git", "clone", "-q", str(self.path), str(path)], check=True)
        return Clone(self.live, path, user or self.user)


def new_clone(live: Live, path: Path, *, team: str | None = None) -> Clone:
    """Make a repository with skillsync.toml as its first commit."""
    copy_tree(_settled(team), path)
    return Clone(live, path)


@cache
def _settled(team: str | None) -> Path:
    """Make that repository once per process."""
    folder = Path(tempfile.mkdtemp(prefix="skillsync-settled-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    settings = CONFIG.format(team=f'publish_branch = "{team}"' if team else "")
    (folder / "skillsync.toml").write_text(settings)
    for words in (["add", "-A"], ["commit", "-q", "-m", "settings"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


# ---------------------------------------------------------------- states that many tests begin with

_kept: dict[object, Path] = {}


def first_push(clone: Clone, message: str = "published") -> None:
    """Push and commit what a clone holds; both must succeed. The first push to a new server is made once for all."""

    def make() -> None:
        report = clone.push()
        assert report.exit == 0, report
        clone.commit(message)

    begin(clone, f"push and commit {message}", make)


def begin(clone: Clone, name: str, make: Callable[[], None]) -> None:
    """Bring both sides to the state that ``make``, which bears this name, makes of a new clone and a new server.

    It follows from the clone's files alone, so it is made once per process and copied to whoever begins in the same
    way; no request of it is remembered. Where somebody has asked the server before, it is simply made.
    """
    if not clone.live.is_new or clone.disk is not REAL:
        make()
        return
    key = (make.__module__, make.__qualname__, name, *_beginning(clone))
    kept = _kept.get(key)
    if kept is None:
        make()
        kept = _room() / str(len(_kept))
        copy_tree(clone.path, kept / "clone")
        clone.live.save(kept / "server.sqlite3")
        _kept[key] = kept
    else:
        shutil.rmtree(clone.path)
        copy_tree(kept / "clone", clone.path)
        clone.live.load(kept / "server.sqlite3")
        clone.live.is_new = False
    clone.wrapped().made.clear()
    clone.clock = TurnedClock(year=clone.clock.year)


def _beginning(clone: Clone) -> tuple[object, ...]:
    """Return what a state that is made of a new clone follows from."""
    files = tuple(
        (path, os.access(clone.path / path, os.X_OK), data) for path, data in clone.files().items()
    )
    return clone.live.dialect, clone.user, clone.large_from, clone.head(), files


@cache
def _room() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="skillsync-kept-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder with its links, modes and times, in a third of the time that ``shutil.copytree`` takes."""
    target.mkdir(parents=True)
    with os.scandir(source) as entries:
        for entry in entries:
            to = target / entry.name
            if entry.is_symlink():
                to.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                copy_tree(Path(entry.path), to)
            else:
                shutil.copyfile(entry.path, to)
                shutil.copystat(entry.path, to)


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        other.execute("PRAGMA synchronous=OFF")
        one.backup(other)


def outcome(report: Report, subject: str) -> Outcome:
    """Return what a report says about one object; fails when it says nothing."""
    return next(one for one in report.outcomes if one.subject == subject)
