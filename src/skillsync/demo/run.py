"""Carries the demo out: stage, story, table, and the lines with which somebody goes on alone."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.demo.sample import copy_sample, find_sample, point_at
from skillsync.demo.server_process import FOLDER, ServerProcess
from skillsync.demo.story import Published, tell
from skillsync.demo.teller import Teller
from skillsync.demo.web_page import WebPage
from skillsync.errors import DemoFailed, SkillsyncError

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.model import Json

COMMAND = (sys.executable, "-P", "-m", "skillsync")
"""How the demo runs skillsync: this very installation, whatever is on the PATH."""
KEY_VARIABLE = "SKILLSYNC_LOCAL_API_KEY"
SECOND_PERSON = "Wanda"

_FOREIGN = ("SKILLSYNC_", "POSTHOG_", "GIT_ALTERNATE_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
_OF_ANOTHER_REPOSITORY = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"),
        *("GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS"),
    }
)
_GIT_SETTINGS = {"commit.gpgSign": "false", "core.hooksPath": os.devnull, "core.pager": "cat"}
"""What of the user's git settings could ask a question or run a hook in the middle of the story."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a finished demo leaves behind."""

    root: Path
    url: str
    published: Published
    restart: tuple[str, str]
    explore: tuple[tuple[str, str], ...]
    pid: int | None
    steps: tuple[dict[str, Json], ...]

    def as_json(self) -> dict[str, Json]:
        """Return the demo's JSON document."""
        return {
            "directory": str(self.root),
            "url": self.url,
            "key_file": str(self.root / ".git" / FOLDER / "key"),
            "server_pid": self.pid,
            "steps": list(self.steps),
            "published": {
                "skills": dict(self.published.skills),
                "datasets": dict(self.published.datasets),
            },
            "restart": list(self.restart),
            "explore": [command for command, _ in self.explore],
            "exit": 0,
        }


def run_demo(out: Output, *, directory: Path | None, dialect: str = "seed", keep: bool) -> Ended:
    """Tell the whole story; the server is stopped at the end, unless ``keep`` and everything went well.

    Raises UsageError for a directory that is not empty, DemoFailed at the first step that does not hold.
    """
    root = copy_sample(directory, sample=find_sample())
    environ = _clean(os.environ)
    server = ServerProcess(root / ".git" / FOLDER, COMMAND, environ, dialect)
    teller = Teller(out, root, COMMAND, {**environ, "PYTHONUNBUFFERED": "1"})
    kept = False
    try:
        with _ended_by_sigterm():
            web = _set_the_stage(teller, server)
            published = tell(teller, web)
            kept = keep
    except SkillsyncError as error:
        error.unchanged = error.unchanged or f"What was made so far is left for a look: {root}"
        raise
    finally:
        pid = server.process.pid if kept and server.process else None
        if not kept:
            server.stop()
    return Ended(
        root=root,
        url=server.url,
        published=published,
        restart=restart_lines(server),
        explore=explore_lines(root),
        pid=pid,
        steps=tuple(step.as_json() for step in teller.steps),
    )


def _set_the_stage(teller: Teller, server: ServerProcess) -> WebPage:
    """Make the repository and the server, and two people who can use it."""
    out, root = teller.out, teller.root
    out.data(
        "skillsync demo: a server, a git repository, and two people who edit.", style="heading"
    )
    out.data("It all happens in one new folder; your own files, keys and servers are not used.")
    teller.step("A repository and a server")
    teller.say(f"The sample repository was copied to {root}")
    teller.git("init", "--quiet", "--initial-branch=main")
    server.start()
    teller.say(f"A server of its own answers at {server.url}; it is the target in skillsync.toml.")
    point_at(root, server.url)
    _name_somebody(teller)
    teller.git("add", "--all")
    teller.git("commit", "--quiet", "--message", "What our agents know")
    teller.say(f"{SECOND_PERSON} edits in the web page; she has a key of her own:")
    words = ("server-admin", "--database", server.database, "add-key", "--user", SECOND_PERSON)
    answer = teller.skillsync(*words, "--json", shown="(the new key, not shown)")
    teller.environ = {**teller.environ, KEY_VARIABLE: server.key_file.read_text("ascii").strip()}
    try:
        return WebPage(server.url, server.project, server.dialect, json.loads(answer)["key"])
    except (ValueError, KeyError) as error:
        raise DemoFailed("server-admin add-key printed no key") from error


def _name_somebody(teller: Teller) -> None:
    """Give the copy an author of its own when git knows none."""
    if all(
        teller.look("git", "var", name)[0] == 0
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    ):
        return
    teller.say("git does not know your name yet, so this repository gets one of its own:")
    teller.git("config", "user.name", "Demo")
    teller.git("config", "user.email", "demo@example.com")


def restart_lines(server: ServerProcess) -> tuple[str, str]:
    """Return the two shell lines that give this demo its key and its server back."""
    found = shutil.which("skillsync")
    ours = Path(sys.executable).parent / "skillsync"
    path = ""
    if not (found and Path(found).resolve() == ours.resolve()) and ours.exists():
        path = f'PATH={shlex.quote(str(ours.parent))}:"$PATH" '
    key = f'{KEY_VARIABLE}="$(cat {shlex.quote(str(server.key_file))})"'
    serve = f"skillsync serve --port {server.port} {shlex.join(server.options)}"
    return (
        f"export {path}{key}",
        f'SKILLSYNC_SERVER_KEY="${KEY_VARIABLE}" {serve} >/dev/null & sleep 2',
    )


def explore_lines(root: Path) -> tuple[tuple[str, str], ...]:
    """Return commands that work there one after the other, each with what it is good for."""
    return (
        (f"cd {shlex.quote(str(root))}", ""),
        ("git log --stat", "what each step changed"),
        ("skillsync status -v", "where everything stands, and which key was used"),
        ("skillsync lint", "what is worth a look in the skills"),
        ("skillsync rescue", "the copies of what was overwritten"),
        ("echo '- Be kind.' >> skills/support-triage/SKILL.md", "change something, then:"),
        ("skillsync diff", ""),
        ("skillsync push", ""),
    )


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without keys and without what points git at another repository."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(_FOREIGN) and name not in _OF_ANOTHER_REPOSITORY
    }
    kept["GIT_CONFIG_COUNT"] = str(len(_GIT_SETTINGS))
    for number, (name, value) in enumerate(_GIT_SETTINGS.items()):
        kept[f"GIT_CONFIG_KEY_{number}"] = name
        kept[f"GIT_CONFIG_VALUE_{number}"] = value
    return kept


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the story as Ctrl-C does, so that the server is stopped."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: whoever runs us there stops us otherwise
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


__all__ = ["Ended", "explore_lines", "restart_lines", "run_demo"]
