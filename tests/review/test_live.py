"""A review that asks the store: base, head and live of every object, and what is read for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from skillsync.review.compute import Request, compute, policy_at
from skillsync.review.document import render_review
from skillsync.review.ranges import find_range
from skillsync.review.render.formats import FORMATS, Options
from skillsync.review.values import Review, SkillChange, Standing, Verb
from tests.sync.harness import LIVES, Clone, new_clone

WEB = "Words that only the web page has."


@dataclass
class World:
    clone: Clone

    def review(self, words: str = "main..pr", **asked: object) -> Review:
        workspace = self.clone.workspace
        repo = workspace.repo
        commits, _ = find_range(repo, words, {}, branch=None)
        settings, _ = policy_at(repo, commits.base, self.clone.path)
        request = replace(Request(commits, commits.base, date(2026, 8, 1)), **asked)  # type: ignore[arg-type]
        try:
            return compute(repo, settings, settings.target(), request, connect=self.clone.connect)
        finally:
            repo.close()


@pytest.fixture(scope="module", params=["seed", pytest.param("current", marks=pytest.mark.slow)])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One store and one range in which every object stands differently."""
    folder = tmp_path_factory.mktemp("live")
    server = LIVES[request.param](folder)
    clone = new_clone(server, folder / "clone")
    body = "# One\n\na\n\n# Two\n\nb\n"
    for name in ("current", "drift", "conflict", "published", "gone", "unseen", "away", "idle"):
        clone.skill(name, body)
    clone.dataset("rows", ['{"id": "a", "input": 1}', '{"id": "b", "input": 2}', '{"id": "c", "input": 3}'])  # fmt: skip
    clone.dataset("left", ['{"id": "a", "input": 1}'])
    clone.dataset("touched", ['{"id": "a", "input": 1}'])
    clone.push()
    clone.commit("published")
    server.edit_body("drift", "b", WEB)
    server.edit_body("conflict", "a", WEB)
    server.edit_body("published", "a", "agreed")
    server.edit_body("unseen", "a", WEB)
    server.edit_body("idle", "a", WEB)
    server.create("collision", description="Another.", body="Another.")
    server.archive("away")
    number = {one["name"]: one["id"] for one in server.datasets()}
    server.patch_row(server.row(number["rows"], "b")["id"], input="web")
    server.patch_row(server.row(number["touched"], "a")["id"], input="web")
    clone.git("checkout", "-q", "-b", "pr")
    for name in ("current", "drift", "conflict", "away"):
        clone.replace(f"skills/{name}/SKILL.md", "# One\n\na\n", "# One\n\nmine\n")
    clone.replace("skills/published/SKILL.md", "# One\n\na\n", "# One\n\nagreed\n")
    clone.git("rm", "-q", "-r", "skills/gone", "skills/unseen")
    clone.git("rm", "-q", "-r", "datasets/left", "datasets/touched")
    clone.skill("collision")
    clone.skill("brand-new")
    clone.write(
        "datasets/rows/items.jsonl",
        '{"id": "a", "input": 10}\n{"id": "b", "input": 20}\n{"id": "d", "input": 4}\n',
    )
    clone.commit("pr")
    yield World(clone)
    server.close()


@pytest.fixture(scope="module")
def review(world: World) -> Review:
    return world.review()


def by_name(review: Review) -> dict[str, SkillChange]:
    return {one.name: one for one in review.skills}


def test_every_standing_is_told(review: Review) -> None:
    skills = by_name(review)
    assert {name: (one.standing, one.op) for name, one in skills.items()} == {
        "current": (Standing.CURRENT, Verb.UPDATE),
        "drift": (Standing.DRIFT, Verb.UPDATE),
        "conflict": (Standing.CONFLICT, Verb.UPDATE),
        "published": (Standing.PUBLISHED, Verb.NONE),
        "gone": (Standing.CURRENT, Verb.ARCHIVE),
        "unseen": (Standing.UNSEEN, Verb.ARCHIVE),
        "away": (Standing.CONFLICT, Verb.UPDATE),
        "collision": (Standing.COLLISION, Verb.CREATE),
        "brand-new": (Standing.CURRENT, Verb.CREATE),
    }
    assert (skills["current"].versions.base, skills["current"].versions.next) == (1, 2)
    assert skills["current"].versions.verified
    assert skills["drift"].versions.live == 2
    assert skills["gone"].versions.total == 1


def test_drift_and_conflict_are_told_by_part(review: Review) -> None:
    skills = by_name(review)
    assert skills["drift"].live is not None
    assert skills["drift"].live.both == ()
    assert skills["drift"].live.only_live == ("body, Two",)
    assert skills["conflict"].live is not None
    assert skills["conflict"].live.both == ("body, One",)
    assert skills["conflict"].live.by == "a project member"
    assert {one.rule for one in review.findings if one.rule.startswith("D-")} == {
        "D-DRIFT", "D-CONFLICT", "D-COLLISION", "D-UNSEEN",
    }  # fmt: skip


def test_rows_stand_one_by_one(review: Review) -> None:
    dataset = next(one for one in review.datasets if one.name == "rows")
    assert {item.key: item.standing for item in dataset.items} == {
        "a": Standing.CURRENT,
        "b": Standing.CONFLICT,
        "c": Standing.CURRENT,
        "d": Standing.CURRENT,
    }
    assert dataset.standing is Standing.CONFLICT
    ops = {op.key: (op.op, op.standing) for op in review.plan.ops if op.kind == "row"}
    assert ops["d"] == (Verb.CREATE, Standing.CURRENT)
    assert ops["c"] == (Verb.ARCHIVE, Standing.CURRENT)


def test_a_dataset_that_is_removed_is_held_against_the_store(review: Review) -> None:
    found = {one.name: (one.standing, one.op) for one in review.datasets}
    assert found["left"] == (Standing.CURRENT, Verb.ARCHIVE)
    assert found["touched"] == (Standing.UNSEEN, Verb.ARCHIVE)


def test_the_gates_say_that_the_store_moved(review: Review) -> None:
    gates = {gate.name: gate for gate in review.gates}
    assert gates["drift"].subjects == (
        "away",
        "collision",
        "conflict",
        "drift",
        "rows",
        "touched",
        "unseen",
    )
    assert not gates["archive"].passed
    assert review.exit_code == 6


def test_drift_alone_is_exit_3(world: World) -> None:
    review = world.review(paths=("drift",))
    assert review.exit_code == 3
    assert world.review(paths=("drift",), drift="warn").exit_code == 0
    assert world.review(paths=("current",)).exit_code == 0


def test_what_others_moved_is_one_line_unless_it_is_our_own(review: Review) -> None:
    assert [(one.name, one.base, one.live) for one in review.moved] == [("idle", 1, 2)]


def test_words_of_the_store_are_shown_only_when_asked(world: World, review: Review) -> None:
    for each in FORMATS.values():
        assert WEB not in each.render(review, Options())
    assert all(one.live is None or not one.live.parts for one in review.skills)
    whole = world.review(show_values="all")
    live = by_name(whole)["conflict"].live
    assert live is not None
    assert live.by != "a project member"
    lines = [line for part in live.parts for hunk in part.hunks for line in hunk.lines]
    assert any(line.op == "+" and WEB in line.text for line in lines)
    assert WEB in FORMATS["html"].render(whole, Options())


def test_it_writes_nothing_and_reads_no_more_than_it_needs(world: World) -> None:
    def asked(*paths: str) -> list[tuple[str, str]]:
        clone = replace(world.clone, requests=None)
        World(clone).review(paths=paths)
        assert clone.requests is not None
        return clone.requests.made

    made = asked("current")
    assert {method for method, _ in made} == {"GET"}
    assert sum("/current" in path for _, path in made) <= 1
    assert not any("drift" in path for _, path in made)
    assert len(made) <= 3


def test_the_same_store_gives_the_same_bytes(world: World, review: Review) -> None:
    assert render_review(world.review()) == render_review(review)


def test_lines_that_were_dropped_on_the_way_are_reported(world: World, tmp_path: Path) -> None:
    clone = world.clone.clone(tmp_path / "other")
    clone.git("checkout", "-q", "-b", "pull", "origin/main")
    clone.pull("idle")
    text = clone.read("skills/idle/SKILL.md")
    assert WEB in text
    clone.write("skills/idle/SKILL.md", text.replace(WEB, "a"))
    clone.commit("taken in, and thrown away")
    review = World(clone).review("origin/main..pull")
    (one,) = by_name(review)["idle"].dropped
    assert (one.version, one.lost, one.kept, one.lines) == (2, 1, 1, ())
    assert "D-DROPPED" in {found.rule for found in review.findings}
    lines = by_name(World(clone).review("origin/main..pull", show_values="all"))["idle"].dropped[0].lines  # fmt: skip
    assert [(line.op, line.text) for line in lines] == [("+", WEB), ("-", "a")]


def test_a_fork_learns_nothing_of_what_the_base_does_not_have(world: World, review: Review) -> None:
    """A name that is new in the range might be one of the store's: nobody says so, and nothing is asked."""
    foreign = world.review(is_foreign=True)
    skills, own = by_name(foreign), by_name(review)
    assert own["collision"].standing is Standing.COLLISION
    assert {one.standing for name, one in skills.items() if name in {"collision", "brand-new"}} == {Standing.UNVERIFIED}  # fmt: skip
    for name in ("current", "drift", "conflict", "unseen"):
        assert skills[name].standing is own[name].standing
    assert (foreign.moved, len(review.moved)) == ((), 1)
    assert "collision" not in {one.subject for one in foreign.findings if one.rule.startswith("D-")}


def test_a_fork_s_own_pointers_ask_about_nothing(world: World, tmp_path: Path) -> None:
    clone = world.clone.clone(tmp_path / "fork")
    clone.git("checkout", "-q", "-b", "fork", "origin/main")
    line = clone.read("datasets/left/.skillsync")
    clone.write("datasets/rows/.skillsync", line)
    clone.write("datasets/rows/items.jsonl", '{"id": "a", "input": 1}\n')
    clone.write("skills/current/.skillsync", clone.read("skills/drift/.skillsync"))
    clone.replace("skills/current/SKILL.md", "# One\n\na\n", "# One\n\nmine\n")
    clone.commit("probing")
    found = World(clone).review("origin/main..fork", is_foreign=True)
    assert by_name(found)["current"].standing is Standing.UNVERIFIED
    assert {one.standing for one in found.datasets} == {Standing.UNVERIFIED}


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["seed", "current"])
def test_what_ci_published_is_known_without_a_pointer(dialect: str, tmp_path: Path) -> None:
    server = LIVES[dialect](tmp_path)
    clone = new_clone(server, tmp_path / "clone", team="main")
    clone.skill("alpha")
    clone.commit("alpha")
    clone.push()
    clone.replace("skills/alpha/SKILL.md", "Step two.", "Step three.")
    clone.commit("more")
    clone.push()
    latest = server.version("alpha")
    clone.git("checkout", "-q", "-b", "pr")
    clone.replace("skills/alpha/SKILL.md", "Step three.", "Step four.")
    clone.commit("pr")
    (one,) = World(clone).review().skills
    assert (one.standing, one.op) == (Standing.CURRENT, Verb.UPDATE)
    assert (one.versions.base, one.versions.next) == (latest, latest + 1)
    server.edit_body("alpha", "Step three.", WEB)
    (one,) = World(clone).review().skills
    assert one.standing is Standing.CONFLICT
    server.close()
