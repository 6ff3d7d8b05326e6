"""Staging and production side by side: each target has its own pointer line, and none influences another."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.config import Target
from skillsync.errors import NotAuthenticated, UsageError
from skillsync.server.accounts import create_project
from skillsync.sync.pull import PullRequest, pull
from skillsync.sync.push import PushRequest, push
from skillsync.sync.report import Kind, Report
from skillsync.sync.restore import RestoreRequest, restore
from skillsync.sync.target_matrix import Matrix, look_everywhere
from skillsync.sync.undo import UndoRequest, undo
from skillsync.sync.workspace import Remote
from tests.sync.harness import HOST, Clone, Live, outcome

BOTH_DIALECTS = True

ALPHA = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
ROW = '{"id": "q1", "input": "1+1?", "expected_output": "2"}'


@dataclass
class Two:
    """One clone with two targets: ``local`` is staging, ``prod`` another project of the server."""

    live: Live
    clone: Clone
    number: int

    def target(self, name: str) -> Target:
        return self.clone.workspace.settings.target(name)

    def push(self, name: str, **how: Any) -> Report:
        clone = self.clone
        request = PushRequest(clock=clone.clock, **how)
        return push(
            clone.workspace, self.target(name), clone.connect, request, writer=clone.writer()
        )

    def pull(self, name: str, **how: Any) -> Report:
        clone = self.clone
        request = PullRequest(clock=clone.clock, **how)
        return pull(
            clone.workspace, self.target(name), clone.connect, request, writer=clone.writer()
        )

    @property
    def production(self) -> Live:
        """What production's web page does."""
        return self.live.of_project(self.number)

    @contextmanager
    def web(self) -> Iterator[httpx.Client]:
        """The web page of production."""
        with httpx.Client(
            transport=httpx.WSGITransport(app=self.live.app),
            base_url=f"{HOST}/api/projects/{self.number}/",
            headers={"Authorization": f"Bearer {self.live.keys['web']}"},
        ) as client:
            yield client

    def prod(self, name: str = "alpha") -> dict[str, Any]:
        with self.web() as client:
            answer = client.get(f"llm_skills/name/{name}")
            return dict(answer.json()) if answer.status_code == 200 else {}

    def edit_prod(self, old: str, new: str) -> None:
        now = self.prod()
        with self.web() as client:
            answer = client.patch(
                "llm_skills/name/alpha",
                json={"base_version": now["version"], "body": now["body"].replace(old, new)},
            )
        assert answer.status_code == 200

    def lines(self, path: str = POINTER) -> dict[str, str]:
        """The pointer lines by place."""
        return {line.split()[0]: line for line in self.clone.read(path).splitlines()}

    def matrix(self, *names: str) -> Matrix:
        return look_everywhere(self.clone.workspace, self.clone.connect, names=names)

    def texts(self, name: str = "alpha", kind: Kind = Kind.SKILL) -> dict[str, str]:
        return {target: cell.text for target, cell in self.matrix().cells[kind, name].items()}


@pytest.fixture
def two(live: Live, solo: Clone) -> Two:
    number = create_project("production").pk
    config = solo.read("skillsync.toml")
    solo.write(
        "skillsync.toml", config + f'\n[targets.prod]\nhost = "{HOST}"\nproject = {number}\n'
    )
    solo.commit("two targets")
    return Two(live, solo, number)


def both_published(two: Two) -> None:
    two.clone.skill("alpha")
    two.push("local")
    two.push("prod")
    two.clone.commit("published")


def test_each_target_has_its_own_line_and_its_own_versions(two: Two) -> None:
    two.clone.skill("alpha")
    two.push("local")
    assert two.texts() == {"local": "v1", "prod": "–"}
    (staging,) = two.lines().values()
    two.clone.commit("on staging")
    assert outcome(two.push("prod"), "alpha").did == f"created v{two.live.created}"
    lines = two.lines()
    assert len(lines) == 2
    assert lines["127.0.0.1:8765/1"] == staging
    made = two.live.created
    assert two.texts() == {"local": "v1", "prod": f"v{made}"}
    two.clone.replace(ALPHA, "Step two.", "Step 2.")
    two.push("local")
    assert two.texts() == {"local": "v2", "prod": f"v{made} + edits"}
    assert two.prod()["version"] == made
    assert outcome(two.push("prod"), "alpha").did == f"published v{made + 1}"


def test_an_edit_at_one_target_blocks_that_one_alone(two: Two) -> None:
    both_published(two)
    two.edit_prod("Step one.", "Step of production.")
    two.clone.replace(ALPHA, "Step two.", "Step 2.")
    assert two.push("local").exit == 0
    assert two.push("prod").exit == 3
    assert two.texts() == {"local": "v2", "prod": "v1 + edits → v2"}
    assert "Step of production." in two.prod()["body"]
    before = two.lines()["127.0.0.1:8765/1"]
    assert two.pull("prod").exit == 0
    assert two.lines()["127.0.0.1:8765/1"] == before
    assert "Step of production." in two.clone.read(ALPHA)
    # What came from production is an edit for staging, and goes there only by a push.
    assert two.texts() == {"local": "v2 + edits", "prod": "v2 + edits"}
    assert "Step of production." not in two.live.skill("alpha")["body"]


def test_what_one_target_took_in_is_not_taken_in_for_the_other(two: Two) -> None:
    both_published(two)
    two.live.edit_body("alpha", "Step two.", "Step of staging.")
    two.edit_prod("Step two.", "Step of production.")
    two.pull("local")
    two.clone.commit("pulled staging")
    report = two.push("prod")
    assert report.exit == 3  # production's own edit was never in front of this tree
    assert "Step of production." in two.prod()["body"]
    assert two.pull("prod").exit == 4  # both changed the same line


def test_equal_versions_and_numbers_mean_nothing_across_targets(two: Two) -> None:
    both_published(two)
    # Both targets get a v2 of the same content by the web: each has to be taken in by itself.
    two.live.edit_body("alpha", "Step two.", "Step X.")
    two.edit_prod("Step two.", "Step X.")
    two.pull("local")
    assert two.texts()["prod"] == "v1 → v2, equal"
    two.clone.replace(ALPHA, "Step X.", "Step Y.")
    assert two.push("prod").exit == 3
    assert two.push("local").exit == 0


def test_an_archive_at_one_target_is_none_at_the_other(two: Two) -> None:
    both_published(two)
    two.live.archive("alpha")
    two.live.create("other")
    assert two.push("prod").changed == 0
    assert two.texts() == {"local": "v1, not in its list", "prod": "v1"}
    two.clone.git("rm", "-rq", "skills/alpha")
    assert two.push("local", archive=["alpha"]).exit == 0
    assert two.prod()["version"] == 1


def test_restore_and_undo_touch_one_target(two: Two) -> None:
    both_published(two)
    clone = two.clone
    clone.replace(ALPHA, "Step two.", "Step 2.")
    two.push("local")
    two.push("prod")
    clone.commit("two")
    before = two.lines()["127.0.0.1:8765/1"]
    request = RestoreRequest("alpha", 1, clock=clone.clock)
    restore(clone.workspace, two.target("prod"), clone.connect, request, writer=clone.writer())
    assert (two.prod()["version"], two.live.version("alpha")) == (3, 2)
    assert two.lines()["127.0.0.1:8765/1"] == before
    with pytest.raises(UsageError, match="went to prod"):
        undo(clone.workspace, two.target("local"), clone.connect, UndoRequest(clock=clone.clock))

    def taken_back(target: str, *names: str) -> Report:
        request = UndoRequest(names=names, clock=clone.clock)
        return undo(
            clone.workspace, two.target(target), clone.connect, request, writer=clone.writer()
        )

    taken_back("prod")
    assert (two.prod()["version"], two.live.version("alpha")) == (4, 2)
    assert two.lines()["127.0.0.1:8765/1"] == before
    # A skill that is named is taken back where it is asked for, and the record stays the other target's.
    report = taken_back("local", "alpha")
    assert "went to prod" in report.notes[0]
    assert (two.prod()["version"], two.live.version("alpha")) == (4, 3)
    assert "taken back already" in taken_back("prod").notes[0]


def test_a_line_of_another_target_is_no_base_even_of_the_same_incarnation(two: Two) -> None:
    """One server's database was made from the other's: versions bear the same times and go different ways."""
    two.clone.skill("alpha")
    two.push("local")
    line = two.lines()["127.0.0.1:8765/1"]
    words = line.partition(" at=")[0].split()
    forged = [f"127.0.0.1:8765/{two.number}", "v2", str(uuid.uuid4()), *words[3:]]
    two.clone.write(POINTER, " ".join(words) + "\n" + " ".join(forged) + "\n")
    two.clone.commit("both lines")
    two.live.edit_body("alpha", "Step two.", "Step 2.")
    two.live.edit_body("alpha", "Step one.", "Step 1.")
    assert two.texts()["local"] == "v1 → v3"
    report = two.pull("local")
    assert report.exit == 0
    assert "Step 2." in two.clone.read(ALPHA)


def test_rows_have_their_base_per_target(two: Two) -> None:
    path = two.clone.dataset("sums", [ROW])
    two.push("local")
    two.push("prod")
    two.clone.commit("rows")
    (staging,) = two.live.datasets()
    two.live.patch_row(two.live.row(staging["id"], "q1")["id"], output="of staging")
    assert two.texts("sums", Kind.DATASET) == {"local": "1 rows, 1 behind", "prod": "1 rows"}
    two.pull("local")
    assert "of staging" in two.clone.read(path)
    assert two.texts("sums", Kind.DATASET) == {"local": "1 rows", "prod": "1 rows, 1 ahead"}
    (dataset,) = two.production.datasets()
    two.production.patch_row(two.production.row(dataset["id"], "q1")["id"], output="of production")
    report = two.push("prod")
    assert report.exit in {3, 4}
    assert two.production.row(dataset["id"], "q1")["output"] == "of production"


def test_the_scope_of_a_target_leaves_cells_empty(two: Two) -> None:
    config = two.clone.read("skillsync.toml")
    two.clone.write("skillsync.toml", config + 'skills = ["*", "!scratch-*"]\ndatasets = []\n')
    two.clone.skill("scratch-one")
    two.clone.skill("alpha")
    two.clone.dataset("sums", [ROW])
    found = two.matrix()
    assert set(found.cells[Kind.SKILL, "scratch-one"]) == {"local"}
    assert set(found.cells[Kind.SKILL, "alpha"]) == {"local", "prod"}
    assert set(found.cells[Kind.DATASET, "sums"]) == {"local"}
    two.push("prod")
    assert two.prod("scratch-one") == {}
    assert two.prod("alpha")["version"] == 1


def test_a_target_that_fails_is_a_column_of_its_own(two: Two) -> None:
    both_published(two)

    @contextmanager
    def connect(target: Target) -> Iterator[Remote]:
        if target.name == "prod":
            raise NotAuthenticated("there is no key")
        with two.clone.connect(target) as remote:
            yield remote

    found = look_everywhere(two.clone.workspace, connect)
    assert set(found.errors) == {"prod"}
    assert {target: cell.text for target, cell in found.cells[Kind.SKILL, "alpha"].items()} == {
        "local": "v1"
    }


def test_the_matrix_reads_only_and_offline_asks_nobody(two: Two, tmp_path: Path) -> None:
    both_published(two)
    two.clone.replace(ALPHA, "Step two.", "Step 2.")
    two.push("local")
    before = two.clone.files()
    assert two.clone.requests
    two.clone.requests.made.clear()
    assert two.matrix().differs
    assert (two.clone.requests.writes, two.clone.files()) == ([], before)
    two.clone.requests.made.clear()
    offline = look_everywhere(two.clone.workspace, None)
    assert two.clone.requests.made == []
    cells = offline.cells[Kind.SKILL, "alpha"]
    assert {target: cell.text for target, cell in cells.items()} == {
        "local": "v2",
        "prod": "v1 + edits",
    }
    with pytest.raises(UsageError, match="called 'nobody'"):
        two.matrix("nobody")


def test_a_prune_takes_its_own_targets_line_alone(two: Two) -> None:
    """The folders go; that production still has them is kept, and is a pending removal there."""
    two.clone.skill("kept")
    two.clone.dataset("sums", [ROW])
    both_published(two)
    two.live.archive("alpha")
    (dataset,) = two.live.datasets()
    two.live.patch_dataset(dataset["id"], deleted=True)
    report = two.pull("local", prune=True, max_removals=1)
    assert not (two.clone.path / ALPHA).exists()
    assert not (two.clone.path / "datasets/sums/items.jsonl").exists()
    assert "skillsync push --target prod --archive alpha" in outcome(report, "alpha").message
    for path in (POINTER, "datasets/sums/.skillsync"):
        assert list(two.lines(path)) == [f"127.0.0.1:8765/{two.number}"]
    report = two.push("prod")
    assert (outcome(report, "alpha").row, outcome(report, "sums").row) == ("S13", "D4")
    assert report.exit == 0
    assert two.prod()["version"] == 1


def test_a_line_of_a_configured_target_is_no_line_to_correct(two: Two) -> None:
    """Two names of one project, as behind a proxy: what one line says of a version takes nothing from the other."""
    config = two.clone.read("skillsync.toml")
    proxy = "http://localhost:8765"
    two.clone.write("skillsync.toml", f'{config}\n[targets.proxy]\nhost = "{proxy}"\nproject = 1\n')
    two.clone.skill("alpha")
    two.push("local")
    two.push("proxy")
    assert list(two.lines()) == ["127.0.0.1:8765/1", "localhost:8765/1"]
    two.clone.write("skillsync.toml", config)
    two.clone.replace(ALPHA, "Step two.", "Step 2.")
    two.clone.commit("one line for a host that is none any more")
    two.push("local")
    two.live.edit_body("alpha", "Step one.", "Step 1.")
    two.pull("local")
    assert "localhost:8765/1" in two.lines()
