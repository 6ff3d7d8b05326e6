"""Figures of the server: requests against a bare view doing one equivalent transaction, memory, and the first answer."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure, in_turns
from benchmarks.world import KEY, SKILLSYNC, environment

_REPOSITORY = Path(__file__).resolve().parents[1]
_BODY = "# Heading\n\n" + "A line of instructions, as they are in most skills.\n" * 40
_SLOWEST = 1 / 0.6
"""At least 60 % of the bare view's requests per second."""

_STARTS_WITHIN = 1.5
_MOST_GROWTH = 4.0
"""MiB, after a quarter of the requests again to warm up: SQLite fills a page cache of 2 MiB per thread till then."""

_LONGEST_WATCH = 300.0
"""Seconds after which the memory is judged over the requests made so far."""


def server_figures(folder: Path, *, rounds: int, requests: int) -> Iterator[Figure]:
    """Every figure; ``requests`` is how many the memory is watched over."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "figures.sqlite3"
    with _serving(database, folder) as (url, process):
        ours = Talk(url, prefix="/api/projects/1/")
        sample = _fill(ours)
        with _bare(folder / "bare.sqlite3", folder, sample) as bare:
            yield from _against_bare(ours, Talk(bare), rounds=rounds)
        yield _memory(ours, process, requests=requests)
        ours.close()
    yield _first_answer(database, folder)


class Talk:
    """One connection to a server."""

    def __init__(self, url: str, *, prefix: str = "/") -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._prefix = prefix

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request; the JSON of its answer."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        self._connection.request(method, self._prefix + path, data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _fill(talk: Talk) -> dict[str, Any]:
    """A skill to read and to publish, a hundred to list, a dataset; what a summary holds beside name and version."""
    for name in ("one", *(f"listed-{number:03}" for number in range(100))):
        made = talk.ask("POST", "llm_skills", {"name": name, "description": "Does it.", "body": _BODY})  # fmt: skip
    return {key: made[key] for key in made if key not in {"id", "name", "version", "body"}}


def _against_bare(ours: Talk, bare: Talk, *, rounds: int) -> Iterator[Figure]:
    dataset = ours.ask("POST", "datasets/", {"name": "d"})["id"]
    item = {"dataset": dataset, "input": {"question": "Why?"}, "output": "Because.", "metadata": {"a": 1}}  # fmt: skip
    version = ours.ask("GET", "llm_skills/name/one")["version"]

    def publish() -> None:
        nonlocal version
        body = {"base_version": version, "body": f"{_BODY}{version}"}
        version = ours.ask("PATCH", "llm_skills/name/one", body)["version"]

    cases: Sequence[tuple[str, int, Callable[[], object], Callable[[], object]]] = [
        (
            "GET by name",
            50,
            lambda: ours.ask("GET", "llm_skills/name/one"),
            lambda: bare.ask("GET", "rows/one"),
        ),
        (
            "publish",
            20,
            publish,
            lambda: bare.ask("PATCH", "rows/one", {"body": _BODY}),
        ),
        (
            "item create",
            20,
            lambda: ours.ask("POST", "dataset_items/", item),
            lambda: bare.ask("POST", "rows", item),
        ),
        (
            "list of 100",
            10,
            lambda: ours.ask("GET", "llm_skills?search=listed&order_by=name&limit=100"),
            lambda: bare.ask("GET", "rows"),
        ),
    ]
    for name, times, real, base in cases:
        value, baseline = in_turns(
            [_repeated(real, times), _repeated(base, times)],
            rounds=rounds,
            is_enough=lambda least: least[0] <= _SLOWEST * least[1],
        )
        note = f"{times / value:,.0f} requests/s; a bare view: {times / baseline:,.0f}"
        yield Figure(f"server: {times} × {name}", value, _SLOWEST, "ratio", baseline, note)


def _repeated(action: Callable[[], object], times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            action()

    return run


def _memory(talk: Talk, process: subprocess.Popen[bytes], *, requests: int) -> Figure:
    """How much the process grew over so many reads and writes, after a quarter of them to warm up."""
    mix = _mix(talk)
    ends = time.monotonic() + _LONGEST_WATCH
    for number in range(requests // 4):
        mix[number % len(mix)]()
    before = _mebibytes(process.pid)
    made = 0
    while made < requests and time.monotonic() < ends:
        mix[made % len(mix)]()
        made += 1
    grown = _mebibytes(process.pid) - before
    name = f"server: MiB grown over {made:,} requests"
    return Figure(name, round(grown, 1), _MOST_GROWTH, "most", note=f"from {before:.0f} MiB")


def _mix(talk: Talk) -> Sequence[Callable[[], object]]:
    """Reads and writes of each kind; publishes go round a hundred skills, as the history of one ends at 2,000."""
    dataset = talk.ask("POST", "datasets/", {"name": "memory"})["id"]
    skills = deque((f"listed-{number:03}", 1) for number in range(100))

    def publish() -> None:
        name, version = skills.popleft()
        body = {"base_version": version, "body": f"{_BODY}{version}"}
        skills.append((name, talk.ask("PATCH", f"llm_skills/name/{name}", body)["version"]))

    return [
        lambda: talk.ask("GET", "llm_skills/name/one"),
        lambda: talk.ask("GET", "llm_skills?limit=20"),
        lambda: talk.ask("GET", "llm_skills/resolve/name/one?limit=5"),
        lambda: talk.ask("GET", f"dataset_items/?dataset={dataset}&limit=20"),
        lambda: talk.ask("POST", "dataset_items/", {"dataset": dataset, "input": "x" * 200}),
        publish,
    ]


def _mebibytes(pid: int) -> float:
    said = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(said.stdout) / 1024


def _first_answer(database: Path, folder: Path) -> Figure:
    """From starting the process to its first answer, over a database that is there."""
    least = float("inf")
    for _ in range(
        6
    ):  # whatever else the machine does only adds to a time, so the least one says most
        began = time.perf_counter()
        with _serving(database, folder) as (url, _process):
            talk = Talk(url, prefix="/api/projects/1/")
            talk.ask("GET", "llm_skills/name/one")
            least = min(least, time.perf_counter() - began)
            talk.close()
    return Figure("server: until its first answer", least, _STARTS_WITHIN, "seconds")


@contextmanager
def _serving(database: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    words = [*SKILLSYNC, "serve", "--port", "0", "--json", "--key", KEY]
    with _process([*words, "--database", f"sqlite:///{database}"], folder) as started:
        yield started


@contextmanager
def _bare(database: Path, folder: Path, sample: dict[str, Any]) -> Iterator[str]:
    words = [sys.executable, "-m", "benchmarks.bare", str(database), json.dumps(sample), _BODY]
    with _process(words, folder) as (url, _):
        yield url


@contextmanager
def _process(words: Sequence[str], folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, env=environment(folder), cwd=_REPOSITORY
    ) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["url"]), process
        finally:
            process.terminate()
