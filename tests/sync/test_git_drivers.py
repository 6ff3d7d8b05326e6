"""Real git with our drivers: merge, rebase and cherry-pick of what two branches pulled, and rows by field (sync.md B6, 8)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skillsync.formats.row_lines import parse_items
from skillsync.sync.doctor_git import git_drivers
from skillsync.sync.git_drivers import DIFF, MERGE, attribute_lines, driver_settings, teach_git
from skillsync.sync.workspace import Workspace
from tests.cli.cli_world import skillsync
from tests.sync.harness import CONFIG, Clone, Live, outcome
from tests.world import commit_all, git, write_files

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"
ITEMS = "datasets/cases/items.jsonl"


def line(key: str, **fields: Any) -> str:
    return json.dumps({"id": key, **fields})


def items(*lines: str) -> dict[str, str]:
    return {ITEMS: "".join(f"{each}\n" for each in lines)}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository whose git knows our drivers, with two rows, and a branch ``side`` of it."""
    path = tmp_path / "repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    write_files(path, {"skillsync.toml": CONFIG.format(team="")})
    write_files(path, items(line("a", input="q", metadata={"x": 1, "y": 1}), line("b", input="q")))
    assert skillsync(path, "init", "--merge-drivers").exit == 0
    commit_all(path)
    git(path, "branch", "side")
    return path


def both(path: Path, main: dict[str, str], side: dict[str, str]) -> None:
    write_files(path, main)
    commit_all(path, "main")
    git(path, "switch", "-q", "side")
    write_files(path, side)
    commit_all(path, "side")
    git(path, "switch", "-q", "main")


# ---------------------------------------------------------------- what init writes


def test_init_says_what_it_writes_and_says_so_once(repo: Path) -> None:
    assert (repo / ".gitattributes").read_text().splitlines() == attribute_lines(["datasets"])
    again = skillsync(repo, "init", "--merge-drivers")
    assert (again.exit, again.out) == (0, "git merges pointers and rows already\n")
    git(repo, "config", MERGE, "something else")
    (repo / ".gitattributes").write_text("*.png binary")
    told = skillsync(repo, "init", "--merge-drivers")
    assert [each.partition(": ")[0] for each in told.out.splitlines()] == [
        *[".gitattributes"] * 3,
        f"git config {MERGE}",
    ]
    assert (repo / ".gitattributes").read_text().startswith("*.png binary\n.skillsync merge=")
    document = skillsync(repo, "init", "--merge-drivers", "--json").json
    assert document["drivers"] == {"lines": [], "settings": {}}


def test_init_without_the_option_leaves_git_alone(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    config = (tmp_path / ".git/config").read_bytes()
    assert skillsync(tmp_path, "init").exit == 0
    assert (tmp_path / ".git/config").read_bytes() == config
    assert not (tmp_path / ".gitattributes").exists()


def test_roots_and_programs_with_strange_names() -> None:
    assert attribute_lines([".", "my data"])[2:] == [
        "items.jsonl merge=skillsync diff=skillsync",
        '"my data/**/items.jsonl" merge=skillsync diff=skillsync',
    ]
    settings = driver_settings(["/a b/50%/skillsync"])
    assert "'/a b/50%%/skillsync' merge-driver" in settings[MERGE]
    assert "'/a b/50%/skillsync' textconv" in settings[DIFF]


def test_doctor_names_the_clone_that_lacks_the_settings(repo: Path) -> None:
    found = git_drivers(Workspace.open(repo).repo, ["datasets"])
    assert (str(found.level), found.message) == (
        "ok",
        "git merges pointers and rows with skillsync",
    )
    git(repo, "config", MERGE, driver_settings(["/nowhere/skillsync"])[MERGE])
    gone = git_drivers(Workspace.open(repo).repo, ["datasets"])
    git(repo, "config", "--unset", MERGE)
    for one in (gone, git_drivers(Workspace.open(repo).repo, ["datasets"])):
        assert (str(one.level), one.fix) == ("warning", "skillsync init --merge-drivers")
    (repo / ".gitattributes").write_text("items.jsonl merge=union\n")
    union = git_drivers(Workspace.open(repo).repo, ["datasets"])
    assert "union" in union.message


# ---------------------------------------------------------------- rows


def test_git_merges_rows_by_key_and_field(repo: Path) -> None:
    a, b = line("a", input="q", metadata={"x": 1, "y": 1}), line("b", input="q")
    both(
        repo,
        items(line("a", input="q", metadata={"x": 2, "y": 1}), b, line("c", input="main")),
        items(line("a", input="q", metadata={"x": 1, "y": 2}), line("b", input="new"), line("d", input="side")),
    )  # fmt: skip
    git(repo, "merge", "-q", "side")
    assert (repo / ITEMS).read_text() == items(
        line("a", input="q", metadata={"x": 2, "y": 2}), line("b", input="new"),
        line("c", input="main"), line("d", input="side"),
    )[ITEMS]  # fmt: skip
    assert a not in (repo / ITEMS).read_text()


def test_a_conflict_in_a_row_is_gits_and_the_file_can_be_read(repo: Path) -> None:
    b = line("b", input="q")
    both(
        repo,
        items(line("a", input="q", metadata={"x": 2, "y": 1}), b),
        items(line("a", input="q", metadata={"x": 3, "y": 2}), b),
    )
    said = git(repo, "-c", "merge.conflictStyle=diff3", "merge", "side", check=False)
    assert f"CONFLICT (content): Merge conflict in {ITEMS}" in said
    assert git(repo, "diff", "--name-only", "--diff-filter=U") == ITEMS
    kept = line("a", input="q", metadata={"x": 2, "y": 2})
    assert (repo / ITEMS).read_text() == items(kept, b)[ITEMS]
    assert len(parse_items((repo / ITEMS).read_bytes(), path=ITEMS).rows) == 2
    shown = git(repo, "diff")
    assert " -    x: 3\n" in shown
    assert "++" not in shown.replace("+++", "")
    git(repo, "checkout", "-q", "--theirs", ITEMS)
    assert '"x": 3' in (repo / ITEMS).read_text()


def test_a_file_that_is_no_jsonl_is_merged_as_text(repo: Path) -> None:
    both(repo, {ITEMS: "{ broken\n"}, {ITEMS: "{ broken otherwise\n"})
    git(repo, "merge", "-q", "side", check=False)
    text = (repo / ITEMS).read_text()
    assert "<<<<<<< here\n{ broken\n" in text
    assert ">>>>>>> there\n" in text


def test_git_merges_as_ever_once_the_program_is_gone(repo: Path) -> None:
    workspace = Workspace.open(repo)
    teach_git(workspace.repo, ["datasets"], command=["/nowhere/skillsync"])
    b = line("b", input="q")
    both(repo, items(line("a", input="main"), b), items(line("a", input="side"), b))
    git(repo, "merge", "-q", "side", check=False)
    assert "<<<<<<<" in (repo / ITEMS).read_text()
    assert '+{"id": "a", "input": "main"}' in git(repo, "diff", "HEAD~", "HEAD")


def test_git_diff_shows_fields_below_the_row_they_are_of(repo: Path) -> None:
    text = (repo / ITEMS).read_text()
    (repo / ITEMS).write_text(text.replace('"y": 1', '"y": 5'))
    shown = git(repo, "diff", "-U0").splitlines()
    assert shown[4].endswith('@@ row "a"')
    assert shown[5:] == ["-    y: 1", "+    y: 5"]
    (repo / ITEMS).write_text(text.replace('{"id": "a", "input": "q", ', '{"input":"q","id":"a",'))
    assert "@@" not in git(repo, "diff")
    assert git(repo, "diff", "--no-textconv").count("@@") == 2


# ---------------------------------------------------------------- pointers


@pytest.fixture
def two_pulls(solo: Clone, live: Live) -> Clone:
    """Main has pulled version 2 and edited line three; side, from the same commit, has pulled version 3."""
    solo.skill("alpha", BODY)
    solo.dataset("cases", [line("a", input="q"), line("b", input="q")])
    assert solo.push().exit == 0
    teach_git(solo.workspace.repo, ["datasets"])
    solo.commit("published")
    solo.git("branch", "side")
    dataset = live.datasets()[0]["id"]
    live.edit_body("alpha", "one", "ONE remotely")
    live.patch_row(live.row(dataset, "a")["id"], input="remotely")
    assert solo.pull().exit == 0
    solo.replace(PATH, "three\n", "THREE on main\n")
    solo.commit("pulled v2")
    solo.git("switch", "-q", "side")
    live.edit_body("alpha", "five", "FIVE remotely")
    live.add_row(dataset, input="new")
    live.patch_row(live.row(dataset, "b")["id"], input="remotely")
    assert solo.pull().exit == 0
    solo.commit("pulled v3")
    solo.git("switch", "-q", "main")
    return solo


def check_both_taken_in(clone: Clone, live: Live) -> None:
    """Nothing is in conflict; only main's own edit is published, and then both sides are equal."""
    assert clone.git("status", "--porcelain") == ""
    assert clone.read(POINTER).split()[1] == "v3"
    report = clone.push()
    assert [(one.subject, one.did) for one in report.outcomes] == [("alpha", "published v4")]
    body = live.skill("alpha")["body"]
    assert all(word in body for word in ("ONE remotely", "THREE on main", "FIVE remotely"))
    clone.commit("published")
    assert not clone.pull().outcomes
    assert not clone.push().outcomes
    rows = live.rows(live.datasets()[0]["id"])
    assert sorted(row["input"] for row in rows) == ["new", "remotely", "remotely"]


@pytest.mark.parametrize(
    "way",
    [
        pytest.param("merge", marks=pytest.mark.slow),
        "rebase",
        pytest.param("cherry-pick", marks=pytest.mark.slow),
    ],
)
def test_two_pulls_become_one(two_pulls: Clone, live: Live, way: str) -> None:
    if way == "rebase":
        two_pulls.git("switch", "-q", "side")
    words = {"merge": ["merge", "-q", "side"], "rebase": ["rebase", "-q", "main"]}
    two_pulls.git(*words.get(way, ["cherry-pick", "side"]))
    check_both_taken_in(two_pulls, live)


def test_without_the_drivers_the_next_command_settles_datasets_too(
    two_pulls: Clone, live: Live
) -> None:
    two_pulls.git("config", "--remove-section", "merge.skillsync")
    two_pulls.git("merge", "-q", "side", check=False)
    left = set(two_pulls.git("diff", "--name-only", "--diff-filter=U").splitlines())
    both_files = {"datasets/cases/.skillsync", "datasets/cases/.skillsync.rows"}
    assert {POINTER, *both_files} <= left
    assert two_pulls.read(ITEMS).count("<<<<<<<") == (ITEMS in left)
    if ITEMS in left:
        rows = [line("a", input="remotely"), line("b", input="remotely")]
        new = two_pulls.git("show", f"side:{ITEMS}").splitlines()[2]
        two_pulls.write(ITEMS, "".join(f"{each}\n" for each in [*rows, new]))
        two_pulls.git("add", ITEMS)
    report = two_pulls.pull()
    assert any("datasets/cases: git left two pointers" in note for note in report.notes)
    assert two_pulls.git("ls-files", "-u") == ""
    two_pulls.git("commit", "-q", "--no-edit")
    check_both_taken_in(two_pulls, live)


def test_a_pick_claims_no_version_that_it_does_not_carry(two_pulls: Clone, live: Live) -> None:
    """Side pulls version 4 on top of 3; main, at version 2, picks that commit alone."""
    two_pulls.git("switch", "-q", "side")
    live.edit_body("alpha", "two", "TWO remotely")
    assert two_pulls.pull().exit == 0
    two_pulls.commit("pulled v4")
    two_pulls.git("switch", "-q", "main")
    two_pulls.git("cherry-pick", "side", check=False)
    assert POINTER not in two_pulls.git("diff", "--name-only", "--diff-filter=U")
    if two_pulls.git("ls-files", "-u"):
        two_pulls.git("checkout", "-q", "--theirs", PATH)
        two_pulls.commit("picked")
    assert two_pulls.read(POINTER).split()[1] == "v2"
    assert outcome(two_pulls.push(), "alpha").exit == 3
    assert live.version("alpha") == 4


def test_a_pointer_that_cannot_be_read_is_left_to_a_person(solo: Clone) -> None:
    teach_git(solo.workspace.repo, ["datasets"])
    solo.write(POINTER, "no pointer\n")
    solo.commit("start")
    solo.git("switch", "-q", "-c", "side")
    solo.write(POINTER, "garbage\n")
    solo.commit("side")
    solo.git("switch", "-q", "main")
    solo.write(POINTER, "other garbage\n")
    solo.commit("main")
    solo.git("merge", "-q", "side", check=False)
    assert solo.git("diff", "--name-only", "--diff-filter=U") == POINTER
    assert "<<<<<<< here\nother garbage\n" in solo.read(POINTER)


def test_rows_that_git_has_in_conflict_are_neither_sent_nor_written(
    solo: Clone, live: Live
) -> None:
    """The file looks whole: only git knows that a person has still to choose."""
    solo.dataset("cases", [line("a", input="q"), line("b", input="q")])
    assert solo.push().exit == 0
    teach_git(solo.workspace.repo, ["datasets"])
    solo.commit("published")
    solo.git("branch", "side")
    b = line("b", input="q")
    both(solo.path, items(line("a", input="main"), b), items(line("a", input="side"), b))
    solo.git("merge", "-q", "side", check=False)
    before = solo.files()
    for report in (solo.push(), solo.pull()):
        assert report.exit == 1
        assert "unmerged" in report.outcomes[0].message
    assert solo.files() == before
    dataset = live.datasets()[0]["id"]
    assert live.row(dataset, "a")["input"] == "q"
    solo.git("add", ITEMS)
    assert outcome(solo.push(), "cases").changed
    assert live.row(dataset, "a")["input"] == "main"
