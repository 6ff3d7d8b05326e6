"""Many clones write one dataset at once, and answers get lost: each key once, no edit lost (sync.md 14.5, C4 and C5)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import pytest

from skillsync.server.quotas import Quota
from tests.sync.dataset_steps import ITEMS, dataset_id, key_of, line, lines, published, wrapped
from tests.sync.harness import LIVES, Clone, Live, new_clone

BIG = Quota(items=20_000, versions=2_000)


@pytest.fixture
def live(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Live]:
    server = LIVES[request.param](tmp_path, quota=BIG)
    yield server
    server.close()


@dataclass
class Lossy:
    """Loses a fifth of the answers to creations: of every other one the request itself arrives only at the end."""

    random: Random
    kept: list[httpx.Request] = field(default_factory=list)

    def on(self, clone: Clone) -> Lossy:
        seen = wrapped(clone)

        def before(request: httpx.Request) -> None:
            if request.method != "POST" or self.random.random() >= 0.2:
                return
            if self.random.random() < 0.5:
                self.kept.append(request)
            else:
                seen.inner.handle_request(request).read()
            raise httpx.ReadTimeout("no answer", request=request)

        seen.before = before
        return self

    def arrive(self, clone: Clone) -> None:
        """Let what was kept back land now."""
        seen = wrapped(clone)
        seen.before = None
        for request in self.kept:
            seen.inner.handle_request(request).read()


def side_by_side(clones: list[Clone], work: Callable[[Clone], object]) -> None:
    """Let every clone work at once; what fails in one fails the test."""
    with ThreadPoolExecutor(len(clones)) as pool:
        list(pool.map(work, clones))


def copies(origin: Clone, count: int) -> list[Clone]:
    """Return clones of a clone, each with a clock of its own."""
    folder = origin.path.parent
    return [origin.clone(folder / f"writer-{number}") for number in range(count)]


@pytest.mark.parametrize("live", ["seed", "current"], indirect=True)
@pytest.mark.parametrize(
    ("creators", "keys"),
    [
        pytest.param(8, 50, marks=pytest.mark.slow),
        pytest.param(8, 500, marks=pytest.mark.soak),
    ],
)
def test_c5_every_key_is_created_once(live: Live, tmp_path: Path, creators: int, keys: int) -> None:
    origin = new_clone(live, tmp_path / "origin")
    dataset = published(origin, [line("first", "first")])
    more = "".join(line(f"n{number:03}", f"input {number}") + "\n" for number in range(keys))
    origin.write(ITEMS, origin.read(ITEMS) + more)
    origin.commit("new rows")
    clones = copies(origin, creators)
    losses = [Lossy(Random(number)).on(clone) for number, clone in enumerate(clones)]
    side_by_side(clones, lambda clone: clone.push())
    for loss, clone in zip(losses, clones, strict=True):
        loss.arrive(clone)
    wanted = {f"n{number:03}": f"input {number}" for number in range(keys)} | {"first": "first"}
    if live.dialect == "current":
        seen = Counter(map(key_of, live.rows(dataset)))
        assert max(seen.values()) == 1, "a unique key is never doubled, not even for a moment"
    for _ in range(3):
        origin.push()
    rows = live.rows(dataset)
    assert Counter(map(key_of, rows)) == Counter(wanted.keys())
    assert {key_of(row): row["input"] for row in rows} == wanted
    seen_again = wrapped(origin)
    seen_again.made.clear()
    assert origin.push().exit == 0
    assert seen_again.writes == []


@pytest.mark.parametrize("live", ["current"], indirect=True)
@pytest.mark.parametrize(
    ("writers", "rounds", "rows", "of"),
    [
        pytest.param(3, 4, 20, 40, marks=pytest.mark.slow),
        pytest.param(16, 25, 20, 200, marks=pytest.mark.soak),
    ],
)
def test_c4_no_update_is_lost(
    live: Live, tmp_path: Path, writers: int, rounds: int, rows: int, of: int
) -> None:
    """Each edit adds a name to the metadata of ``rows`` rows; who is behind pulls, merges and pushes again."""
    origin = new_clone(live, tmp_path / "origin")
    published(origin, [line(f"k{number:03}", number) for number in range(of)])
    clones = copies(origin, writers)
    made: list[set[tuple[str, str]]] = [set() for _ in clones]

    def write(clone: Clone) -> None:
        number = clones.index(clone)
        random = Random(number)
        for turn in range(rounds):
            found = lines(clone)
            for key in random.sample(sorted(found), rows):
                name = f"w{number}-{turn}"
                found[key].setdefault("metadata", {})[name] = 1
                made[number].add((key, name))
            clone.write(ITEMS, "".join(f"{json.dumps(row)}\n" for row in found.values()))
            clone.commit(f"turn {turn}")
            for _ in range(200):
                if clone.push().exit == 0:
                    break
                assert clone.pull().exit == 0
                clone.commit("merged")
            else:
                raise AssertionError("it never got through")

    side_by_side(clones, write)
    stored = {key_of(row): row["metadata"] for row in live.rows(dataset_id(live))}
    missing = [(key, name) for one in made for key, name in one if name not in stored[key]]
    assert missing == []
    assert sum(len(one) for one in made) == writers * rounds * rows
