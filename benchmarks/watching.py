"""Figures of the daemon: from a save to its publish, from a remote edit to the file, at rest, and at the start."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.figures import Figure
from benchmarks.world import KEY, SKILLSYNC, Clone, add_skills, environment, new_clone

QUIET = 1.0
POLL = 2.0
PAUSE = 0.6
"""Seconds between two saves: a thousand in ten minutes."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Daemon:
    """A running daemon; ``lines`` is its log as it comes, each with the time at which it came."""

    process: subprocess.Popen[str]
    lines: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Take the log in; runs in a thread of its own."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append((time.monotonic(), json.loads(line)))
                self._more.notify_all()

    def wait_for(
        self, subject: str, words: str, *, after: int = 0, seconds: float = 120.0
    ) -> float:
        """Return when the log first said so in its lines from ``after`` on."""

        def said() -> float | None:
            for at, line in self.lines[after:]:
                if line["subject"] == subject and words in line["message"]:
                    return at
            return None

        with self._more:
            if not self._more.wait_for(lambda: said() is not None, seconds):
                raise TimeoutError(f"the daemon never said {words!r} of {subject!r}")
            at = said()
        assert at is not None
        return at

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far, its ended children's included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@contextmanager
def watching(clone: Clone, *words: str) -> Iterator[Daemon]:
    """Run a daemon at a clone; it is ended in any case."""
    command = [*SKILLSYNC, "-C", str(clone.path), "watch", "--log-format", "json", "--no-notify"]
    with subprocess.Popen(
        [*command, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(clone.path.parent),
    ) as process:
        daemon = Daemon(process)
        reader = threading.Thread(target=daemon.read, daemon=True)
        reader.start()
        try:
            yield daemon
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            reader.join(5)


def save_to_published(clone: Clone, *, skills: int, saves: int) -> Iterator[Figure]:
    """Save skills in turn and take the time until each is published."""
    taken = []
    options = ("--publish", "--eager", "--per-day", "0", "--poll", "30")
    with watching(clone, *options, "--quiet-period", str(QUIET)) as daemon:
        daemon.wait_for("", "watching")
        begun: dict[str, tuple[float, int]] = {}
        for number in range(saves + skills):
            name = f"skill-{number % skills:04d}"
            if name in begun:
                saved, after = begun.pop(name)
                taken.append(daemon.wait_for(name, "published", after=after) - saved)
            if number < saves:
                path = f"skills/{name}/SKILL.md"
                begun[name] = (time.monotonic(), len(daemon.lines))
                clone.write(path, (clone.path / path).read_text("utf-8") + f"\nSave {number}.\n")
                time.sleep(PAUSE)
    taken.sort()
    p95 = taken[int(len(taken) * 0.95)] if len(taken) > 1 else taken[0]
    yield Figure(f"save to published, p95 of {len(taken)}", p95, QUIET + 1.0, "seconds")
    yield Figure("  median", taken[len(taken) // 2], 0, "shown", unit="s")


def remote_to_file(clone: Clone, *, edits: int) -> Iterator[Figure]:
    """Edit skills in the web page and take the time until each is in its file, untouched for a minute before."""
    taken = []
    with (
        watching(clone, "--poll", str(POLL)) as daemon,
        httpx.Client(
            base_url=f"{clone.url}/api/projects/{_project(clone)}/llm_skills/name/",
            headers={"Authorization": f"Bearer {KEY}"},
        ) as page,
    ):
        daemon.wait_for("", "watching")
        _first_pull(clone)  # what a start looks at is another figure
        for number in range(edits):
            name = f"skill-{number:04d}"
            latest = page.get(name).json()
            changes = {"base_version": latest["version"], "description": f"Edited {number}."}
            after = len(daemon.lines)
            edited = time.monotonic()
            page.patch(name, json=changes).raise_for_status()
            taken.append(daemon.wait_for(name, "fast-forwarded", after=after) - edited)
    objects = len(list(clone.path.glob("skills/*/SKILL.md")))
    yield Figure(f"remote edit to file, {objects:,} skills, worst of {edits}", max(taken), POLL + 1.0, "seconds")  # fmt: skip


def _project(clone: Clone) -> int:
    text = (clone.path / "skillsync.toml").read_text()
    return int(text.rpartition("project = ")[2])


def at_rest(clone: Clone, *, seconds: float, options: tuple[str, ...] = ()) -> Iterator[Figure]:
    """Processor time, memory and writes of a daemon with nothing to do."""
    with watching(clone, "--publish", *options) as daemon:
        daemon.wait_for("", "watching")
        _settle(daemon)
        files, cpu, memory = _stamps(clone.path), daemon.cpu, daemon.memory
        time.sleep(seconds)
        used, after = daemon.cpu - cpu, daemon.memory
        written = sum(one != files.get(path) for path, one in _stamps(clone.path).items())
    objects = len([one for one in files if one.endswith("/SKILL.md")])
    yield Figure(f"at rest, {objects:,} skills: % of a core over {seconds:g} s", round(used / seconds * 100, 2), 1, "most")  # fmt: skip
    yield Figure("  memory, MiB", round(after, 1), 120, "most")
    yield Figure("  memory grown, MiB", round(max(0.0, after - memory), 1), 5, "most")
    yield Figure("  files written anywhere in the clone", written, 0, "exact")


def _first_pull(clone: Clone) -> None:
    """Wait until the daemon has looked at everything once."""
    while True:
        done = subprocess.run(
            [*SKILLSYNC, "-C", str(clone.path), "watch", "--status", "--json"],
            capture_output=True,
            env=environment(clone.path.parent),
            check=True,
        )
        if json.loads(done.stdout)["counts"]["pulls"]:
            return


def _settle(daemon: Daemon, quiet: float = 5.0) -> None:
    """Wait until the daemon has used next to no processor time for a while."""
    while True:
        before = daemon.cpu
        time.sleep(quiet)
        if daemon.cpu - before <= 0.05:
            return


def _stamps(root: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            info = os.lstat(f"{folder}/{name}")
            found[f"{folder}/{name}"] = (info.st_mtime_ns, info.st_ino, info.st_size)
    return found


def start(folder: Path, url: str, *, objects: int, files: int) -> Iterator[Figure]:
    """From the start of the process until it has looked at everything and listens."""
    clone = new_clone(folder / "many", url)
    add_skills(clone, objects, files)
    clone.commit("many")
    with watching(clone, "--poll", "3600") as daemon:
        began = time.monotonic()
        at = daemon.wait_for("", "watching")
    yield Figure(f"start to watching, {objects * files:,} files", at - began, 5.0, "seconds")


def figures(
    folder: Path, url: str, project: int, *, skills: int, saves: int, rest: float, many: int
) -> Iterator[Figure]:
    """Every figure of the daemon, at clones of its own; ``rest`` in seconds, ``many`` objects at the start.

    20 skills are saved and edited in turn; ``skills`` of ten files each are there at rest.
    """
    few = new_clone(folder / "saves", url, 1)
    add_skills(few, 20)
    few.push()
    few.commit("pointers")
    clone = new_clone(folder / "rests", url, project)
    add_skills(clone, skills, 10)
    clone.push()
    clone.commit("pointers")
    yield from at_rest(clone, seconds=rest)
    # The files of both were untouched for more than a minute by now.
    yield from remote_to_file(few, edits=3)
    yield from remote_to_file(clone, edits=3)
    yield from save_to_published(few, skills=20, saves=saves)
    yield from start(folder, url, objects=many, files=10)
