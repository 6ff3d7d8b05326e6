"""The sample repository: without an error, published whole, and the same again in a fresh checkout."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillsync.demo.sample import CHECKED_OUT
from skillsync.formats.canonical import same_skill
from skillsync.formats.skill_folder import read_skill
from skillsync.model import Severity, Skill
from skillsync.repo.worktree import read_folders
from skillsync.sync.tidy import lint
from tests.sync.harness import Clone, Live, new_clone

EXECUTABLE = {
    "skills/eval-rows/scripts/check_rows.py",
    "skills/incident-postmortem/scripts/timeline.py",
    "skills/migration-review/scripts/check_migration.py",
    "skills/release-notes/scripts/changes_since_tag.sh",
    "skills/support-triage/scripts/redact.py",
}


TRAITS = {
    "a folded description": ("support-triage", r"(?m)^description: >-\n  \w"),
    "a comment": ("migration-review", r"(?m)^# \w"),
    "a double-quoted value": ("release-notes", r'(?m)^description: "'),
    "a single-quoted value": ("incident-postmortem", r"(?m)^description: '"),
    "tools as a list": ("migration-review", r"(?m)^allowed-tools:\n  - \w"),
    "tools with commas": ("release-notes", r"(?m)^allowed-tools: \w+, "),
    "tools with spaces": ("support-triage", r"(?m)^allowed-tools: \w+ \w"),
    "an unquoted date in the metadata": ("incident-postmortem", r"(?m)^  \w+: \d{4}-\d\d-\d\d$"),
    "a version in the metadata": ("eval-rows", r'(?m)^  version: "'),
    "a key outside the standard": ("release-notes", r"(?m)^argument-hint: "),
}
"""What real repositories have, and where the sample has it."""


@pytest.mark.parametrize("trait", TRAITS)
def test_the_frontmatter_is_written_as_real_repositories_write_it(trait: str) -> None:
    name, pattern = TRAITS[trait]
    text = (CHECKED_OUT / "skills" / name / "SKILL.md").read_text("utf-8")
    assert re.search(pattern, text.split("\n---\n")[0]), trait


def test_bodies_files_and_rows_are_as_varied_as_real_ones() -> None:
    bodies = [
        path.read_text("utf-8").split("\n---\n", 1)[1] for path in CHECKED_OUT.rglob("SKILL.md")
    ]
    assert len(bodies) == 5
    assert max(map(len, bodies)) > 8_000
    empty = [path for path in CHECKED_OUT.rglob("__init__.py") if not path.stat().st_size]
    assert empty
    assert all((CHECKED_OUT / path).stat().st_mode & 0o100 for path in EXECUTABLE)
    lines = {
        path.parent.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in CHECKED_OUT.rglob("items.jsonl")
    }
    assert {name: len(found) for name, found in lines.items()} == {
        "ticket-routing": 150,
        "release-note-style": 10,
    }
    assert all("id" in row for row in lines["ticket-routing"])
    assert not any("id" in row for row in lines["release-note-style"])


@pytest.fixture
def sample(live: Live, tmp_path: Path) -> Clone:
    return checked_out(live, tmp_path / "sample")


@dataclass(frozen=True)
class Published:
    """The sample after its first push, and a repository that pulled it. Tests change neither."""

    sample: Clone
    fresh: Clone
    before: dict[str, bytes]
    """The sample's files before the push."""
    exit: int


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("published")
    server = Live(folder)
    sample = checked_out(server, folder / "sample")
    before = sample.files()
    report = sample.push()
    yield Published(sample, pulled(server, folder / "fresh"), before, report.exit)
    server.close()


def checked_out(live: Live, path: Path) -> Clone:
    """A clone with the sample's files, committed."""
    clone = new_clone(live, path)
    for part in ("skills", "datasets", ".gitattributes", ".gitignore"):
        source = CHECKED_OUT / part
        if source.is_dir():
            shutil.copytree(source, clone.path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, clone.path / part)
    clone.commit("what our agents know")
    return clone


def pulled(live: Live, path: Path) -> Clone:
    """Pull everything into a repository that has nothing but settings."""
    clone = new_clone(live, path)
    assert clone.pull().exit == 0
    return clone


def skills(clone: Clone) -> dict[str, Skill]:
    scan = read_folders(clone.workspace.repo, skill_roots=["skills"])
    found = [read_skill(folder).skill for folder in scan.skills]
    return {skill.name: skill for skill in found if skill is not None}


def rows(clone: Clone, slug: str) -> list[dict[str, object]]:
    text = clone.read(f"datasets/{slug}/items.jsonl")
    return [json.loads(line) for line in text.splitlines()]


def modes(clone: Clone) -> set[str]:
    return {
        str(path.relative_to(clone.path))
        for path in (clone.path / "skills").rglob("*")
        if path.is_file() and path.stat().st_mode & 0o111
    }


def test_lint_finds_no_error(sample: Clone) -> None:
    found = [one for one in lint(sample.workspace) if one.severity is Severity.ERROR]
    assert found == []


def test_a_push_changes_no_file_but_the_lines_without_id_and_the_pointers(
    published: Published,
) -> None:
    assert published.exit == 0
    before, after = published.before, published.sample.files()
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {"datasets/release-note-style/items.jsonl"}
    new = {Path(path).name for path in after.keys() - before.keys()}
    assert new == {".skillsync", ".skillsync.rows"}


def test_the_second_push_and_pull_are_silent(published: Published) -> None:
    sample = published.sample
    before = sample.files()
    assert sample.requests
    sample.requests.made.clear()
    assert sample.push().outcomes == []
    assert sample.pull().outcomes == []
    assert sample.requests.made
    assert sample.requests.writes == []
    assert sample.files() == before
    assert sample.status().is_clean


def test_a_fresh_checkout_has_the_same_skills(published: Published) -> None:
    mine, theirs = skills(published.sample), skills(published.fresh)
    assert mine.keys() == theirs.keys()
    assert len(mine) == 5
    for name, skill in mine.items():
        assert same_skill(skill, theirs[name]), name
    assert published.fresh.status().is_clean
    assert published.fresh.push().outcomes == []


def test_bundled_files_come_back_byte_for_byte_with_their_modes(published: Published) -> None:
    """skill-format.md 10 and 11: the carry entry holds executable bits, empty files and unusual edges."""
    mine, theirs = published.sample.files(), published.fresh.files()
    bundled = {
        path
        for path in mine
        if path.startswith("skills/") and Path(path).name not in {"SKILL.md", ".skillsync"}
    }
    assert len(bundled) == 15
    assert {path: theirs.get(path) for path in bundled} == {path: mine[path] for path in bundled}
    assert modes(published.sample) == EXECUTABLE
    assert modes(published.fresh) == EXECUTABLE
    empty = "skills/migration-review/scripts/sqlcheck/__init__.py"
    assert theirs[empty] == b""


def test_a_fresh_checkout_has_the_same_rows_and_descriptions(published: Published) -> None:
    sample, fresh = published.sample, published.fresh
    for slug, count in (("ticket-routing", 150), ("release-note-style", 10)):
        mine = {str(row["id"]): row for row in rows(sample, slug)}
        theirs = {str(row["id"]): row for row in rows(fresh, slug)}
        assert len(mine) == count
        assert theirs == mine
        assert fresh.read(f"datasets/{slug}/DATASET.md").split("\n---\n")[1].strip() == (
            sample.read(f"datasets/{slug}/DATASET.md").split("\n---\n")[1].strip()
        )


@pytest.mark.slow
def test_an_edit_travels_from_one_checkout_to_the_other_byte_for_byte(
    sample: Clone, live: Live, tmp_path: Path
) -> None:
    sample.push()
    sample.commit("published")
    other = sample.clone(tmp_path / "other", user="web")
    path = "skills/migration-review/SKILL.md"
    other.write(path, other.read(path) + "\nAsk before you drop a column.\n")
    script = "skills/support-triage/scripts/redact.py"
    other.write(script, other.read(script) + "# The end.\n", executable=True)
    assert other.push().exit == 0
    assert sample.pull().exit == 0
    assert sample.read(path) == other.read(path)
    assert sample.read(script) == other.read(script)
    assert modes(sample) == EXECUTABLE
