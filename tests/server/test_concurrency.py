"""Many writers at once, and servers killed under load: nothing acknowledged is lost, no version is made twice."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.database import sqlite_url
from skillsync.server.models import Skill
from skillsync.server.serve import running
from skillsync.server.skills_limits import MAX_VERSIONS
from tests.server.facts import create
from tests.server.test_serve import at, process

KEY = "phx_first_key"
WRITERS = 16
SKILL = "llm_skills/name/greet"


@dataclass
class Tally:
    """What the writers heard: how often each status, and every publish that was accepted."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: list[tuple[int, int, str]] = field(default_factory=list)
    """Base, version, body."""


def write(url: str, tally: Tally, name: str, *, attempts: int, insist: bool) -> None:
    """Publish on top of the latest version that is known; ``insist`` goes on until all were accepted."""
    with at(url) as client:
        base, done = 1, 0
        while done < attempts:
            body = f"{name} {done} on {base}"
            answer = client.patch(SKILL, json={"base_version": base, "body": body})
            tally.statuses[answer.status_code] += 1
            told = answer.json()
            if answer.status_code == 200:
                tally.accepted.append((base, told["version"], told["body"]))
                base, done = told["version"], done + 1
            elif answer.status_code == 409:
                base, done = told["current_version"], done + (not insist)
            else:
                return


def all_at_once(url: str, *, attempts: int, insist: bool = False) -> Tally:
    """Let every writer begin at the same moment; a failure of one is a failure here."""
    tally = Tally()
    start = threading.Barrier(WRITERS)

    def run(number: int) -> None:
        start.wait()
        write(url, tally, f"writer {number}", attempts=attempts, insist=insist)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(run, range(WRITERS)))
    return tally


def assert_whole(url: str, tally: Tally, *, first: int = 1) -> int:
    """Versions without a gap, each accepted publish the one successor of its base and still there; the latest."""
    with at(url) as client:
        latest = int(client.get(SKILL).json()["version"])
        assert sorted(version for _, version, _ in tally.accepted) == list(range(first + 1, latest + 1))  # fmt: skip
        assert sorted(base for base, _, _ in tally.accepted) == list(range(first, latest))
        assert all(version == base + 1 for base, version, _ in tally.accepted)
        told = {version: body for _, version, body in tally.accepted}
        seen: list[int] = []
        query = ""
        while True:
            page = client.get(f"llm_skills/resolve/name/greet?limit=100{query}").json()
            seen += [entry["version"] for entry in page["versions"]]
            if not page["has_more"] or seen[-1] <= first:
                break
            query = f"&before_version={seen[-1]}"
        assert seen == list(range(latest, seen[-1] - 1, -1))
        assert seen[-1] <= first
        for version in (*range(first + 1, latest + 1, max(1, latest // 40)), latest):
            assert client.get(f"{SKILL}?version={version}").json()["body"] == told[version]
    return latest


def serving_one_skill(folder: Path) -> str:
    """The URL of a database with one skill in it."""
    database = new_database(folder / "server.sqlite3")
    app = create_app(database)
    accounts.first_start(key=KEY)
    transport = httpx.WSGITransport(app=app)
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(
        transport=transport, base_url="http://s.test/api/projects/1/", headers=headers
    ) as client:
        create(client)
    app.close()
    return database


@pytest.mark.slow
def test_16_writers_with_100_publishes_each(tmp_path: Path) -> None:
    with process(serving_one_skill(tmp_path)) as (_, ready):
        tally = all_at_once(ready["url"], attempts=100)
        assert set(tally.statuses) == {200, 409}
        assert sum(tally.statuses.values()) == 1600
        latest = assert_whole(ready["url"], tally)
    assert latest == tally.statuses[200] + 1 > 100


def test_the_2001st_publish_is_refused_also_to_16_writers_at_once(tmp_path: Path) -> None:
    """skillsync makes the first 1,995 versions in the database: what counts is the race for the last ones."""
    database = serving_one_skill(tmp_path)
    create_app(database).close()
    first = MAX_VERSIONS - 5
    row = Skill.objects.get()
    Skill.objects.update(is_latest=False)
    fields = {
        each.attname: getattr(row, each.attname)
        for each in Skill._meta.concrete_fields
        if not each.primary_key
    }
    Skill.objects.bulk_create(
        Skill(**{**fields, "version": version, "is_latest": version == first})
        for version in range(2, first + 1)
    )
    with running(database, threads=WRITERS) as server:
        tally = all_at_once(server.url, attempts=5, insist=True)
        assert tally.statuses[200] == 5
        assert set(tally.statuses) == {200, 409, 400}
        assert assert_whole(server.url, tally, first=first) == MAX_VERSIONS
        with at(server.url) as client:
            answer = client.patch(SKILL, json={"base_version": MAX_VERSIONS})
            assert (answer.status_code, answer.json()) == (400, {
                "detail": "Skill has reached the maximum of 2000 versions. Archive and recreate the "
                "skill to continue publishing."
            })  # fmt: skip


# ---------------------------------------------------------------- killed under load


@dataclass
class Ledger:
    """What the server acknowledged, per writer, and a count that tells when to kill it."""

    versions: dict[str, dict[int, str]] = field(default_factory=dict)
    """Skill to version to body."""
    items: dict[str, object] = field(default_factory=dict)
    """Item to its latest acknowledged input."""
    under_way: dict[str, object] = field(default_factory=dict)
    """Item to the input of a change that was sent and perhaps made."""
    count: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    target: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledged(self) -> None:
        with self._lock:
            self.count += 1
            if self.count >= self.target:
                self.enough.set()


def publishing(url: str, ledger: Ledger, name: str) -> None:
    with at(url) as client:
        known = ledger.versions[name]
        base = client.get(f"llm_skills/name/{name}").json()["version"]
        while True:
            body = f"body on {base}"
            answer = client.patch(
                f"llm_skills/name/{name}", json={"base_version": base, "body": body}
            )
            assert answer.status_code == 200, answer.text
            base = answer.json()["version"]
            known[base] = body
            ledger.acknowledged()


def filling(url: str, ledger: Ledger, dataset: str) -> None:
    with at(url) as client:
        number = len(ledger.items)
        while True:
            number += 1
            made = client.post("dataset_items/", json={"dataset": dataset, "input": number})
            assert made.status_code == 201, made.text
            item = made.json()["id"]
            ledger.items[item] = number
            ledger.acknowledged()
            ledger.under_way[item] = -number
            changed = client.patch(f"dataset_items/{item}/", json={"input": -number})
            assert changed.status_code == 200, changed.text
            ledger.items[item] = -number
            ledger.acknowledged()


def until_it_dies(work: Callable[..., None], *args: Any) -> None:
    with contextlib.suppress(httpx.TransportError):
        work(*args)


def assert_kept(url: str, ledger: Ledger, datasets: list[str]) -> None:
    with at(url) as client:
        for name, known in ledger.versions.items():
            latest = client.get(f"llm_skills/name/{name}").json()["version"]
            acknowledged = max(known, default=1)
            assert latest in (acknowledged, acknowledged + 1), name
            assert client.get(f"llm_skills/name/{name}").json()["body"] in (
                f"body on {latest - 1}",
                "# Greet",
            )
            for version in sorted(known)[-3:]:
                stored = client.get(f"llm_skills/name/{name}?version={version}").json()
                assert stored["body"] == known[version]
        stored_items: dict[str, object] = {}
        for dataset in datasets:
            page = client.get(f"dataset_items/?dataset={dataset}&limit=100000").json()
            stored_items |= {row["id"]: row["input"] for row in page["results"]}
        lost = {
            item: (sent, stored_items.get(item))
            for item, sent in ledger.items.items()
            if stored_items.get(item) not in (sent, ledger.under_way.get(item, sent))
        }
        assert lost == {}
        unheard = stored_items.keys() - ledger.items.keys()
        assert len(unheard) <= len(datasets), "at most the one that each writer had under way"
        ledger.items |= stored_items


@pytest.mark.slow
def test_killed_under_load_again_and_again_it_kept_what_it_acknowledged(tmp_path: Path) -> None:
    kills = 10
    luck = random.Random(kills)
    database = sqlite_url(tmp_path / "server.sqlite3")
    ledger = Ledger(versions={name: {} for name in ("a", "b", "c")})
    datasets: list[str] = []
    for _ in range(kills):
        with process(database, "--key", KEY) as (server, ready):
            url = ready["url"]
            if not datasets:
                with at(url) as client:
                    for name in ledger.versions:
                        create(client, name)
                    datasets = [client.post("datasets/", json={"name": n}).json()["id"] for n in "de"]  # fmt: skip
            assert_kept(url, ledger, datasets)
            ledger.enough.clear()
            ledger.target = ledger.count + luck.randint(20, 120)
            writers = [
                *((publishing, url, ledger, name) for name in ledger.versions),
                *((filling, url, ledger, dataset) for dataset in datasets),
            ]
            with ThreadPoolExecutor(len(writers)) as pool:
                running_writers = [pool.submit(until_it_dies, *writer) for writer in writers]
                assert ledger.enough.wait(60)
                server.send_signal(signal.SIGKILL)
                for writer in running_writers:
                    writer.result()
    with process(database, "--key", KEY) as (_, ready):
        assert_kept(ready["url"], ledger, datasets)
    assert ledger.count > 20 * kills
