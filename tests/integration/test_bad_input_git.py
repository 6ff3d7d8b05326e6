"""Repositories and pointer files in a bad state: nothing is published over what they may have said (sync.md 14.6 #125-#139)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from skillsync.errors import RefusedForSafety, SkillsyncError
from skillsync.sync.report import Report
from skillsync.sync.status import Status
from tests.sync.harness import CONFIG, Clone, Live, outcome

POINTER = "skills/alpha/.skillsync"


def run(action: Callable[[], Report]) -> tuple[int, str]:
    """Run; return the exit code and all that was said."""
    try:
        report = action()
    except SkillsyncError as error:
        return error.exit_code, f"{error.code} {error.message} {error.hint}"
    told = [f"{one.code} {one.message} {one.fix}" for one in report.outcomes]
    told += [f"{one.code} {one.message}" for one in report.problems]
    return report.exit, " ".join(told)


@pytest.fixture
def edited(solo: Clone) -> Clone:
    """Alpha and beta published and committed; alpha has an edit that could be published."""
    solo.skill("alpha")
    solo.skill("beta")
    solo.push()
    solo.commit()
    solo.replace("skills/alpha/SKILL.md", "Step one", "Step 1")
    assert solo.requests
    solo.requests.made.clear()
    return solo


def nothing_sent(clone: Clone) -> None:
    assert clone.requests
    assert clone.requests.writes == []


# ---------------------------------------------------------------- the pointer file


def line_of(clone: Clone) -> str:
    return clone.read(POINTER).strip()


POINTERS: dict[str, Callable[[str], str | bytes]] = {
    "garbage": lambda _: "this is no pointer\n",
    "not text": lambda _: b"\xff\xfe\x00",
    "ten megabytes": lambda _: "x" * 10_000_000,
    "more than that": lambda _: "x" * 10_000_002,
    "two lines of one target": lambda line: f"{line}\n{line.replace(' v1 ', ' v2 ')}\n",
    "conflict markers": lambda line: (
        f"<<<<<<< HEAD\n{line}\n=======\n{line.replace(' v1 ', ' v2 ')}\n>>>>>>> other\n"
    ),
    "a future form": lambda line: line.replace("canon:1:", "canon:2:") + "\n",
    "a line cut off": lambda line: line[:40] + "\n",
    "a terminal's commands": lambda line: f"\x1b[2J{line}\n",
}


@pytest.mark.parametrize("kind", POINTERS)
def test_a_pointer_that_cannot_be_read_stops_that_skill_alone(kind: str, edited: Clone) -> None:
    edited.write(POINTER, POINTERS[kind](line_of(edited)))
    edited.replace("skills/beta/SKILL.md", "Step one", "Step 1")
    before = edited.files()
    code, told = run(edited.push)
    assert code == 5, told
    assert "E-POINTER" in told
    assert POINTER in told
    assert edited.live.version("alpha") == 1
    assert edited.live.version("beta") == 2
    after = edited.files()
    assert {path for path in after if after[path] != before[path]} == {"skills/beta/.skillsync"}
    code, told = run(lambda: edited.pull("alpha"))
    assert code == 1, told
    assert edited.files() == after


def test_a_bad_line_of_another_target_costs_this_one_nothing(edited: Clone) -> None:
    """A line of a later form, or two for one place, cost that place alone, and are kept."""
    other = "us.posthog.com/7 v1 something of a later version"
    edited.write(POINTER, f"{line_of(edited)}\n{other}\n")
    edited.commit()
    edited.replace("skills/alpha/SKILL.md", "Step two", "Step 2")
    report = edited.push("alpha")
    assert outcome(report, "alpha").changed
    assert edited.live.version("alpha") == 2
    assert other in edited.read(POINTER)


def test_a_pointer_that_is_a_link_is_not_followed(edited: Clone, tmp_path: Path) -> None:
    elsewhere = tmp_path / "pointer"
    elsewhere.write_text(edited.read(POINTER))
    (edited.path / POINTER).unlink()
    (edited.path / POINTER).symlink_to(elsewhere)
    code, told = run(edited.push)
    assert code != 0, told
    assert edited.live.version("alpha") == 1
    assert elsewhere.read_text().startswith("127.0.0.1")


@pytest.mark.parametrize("content", [None, ""], ids=["missing", "empty"])
def test_a_pointer_that_is_gone_is_found_in_history_or_nothing_is_published_over_an_edit(
    content: str | None, edited: Clone, live: Live
) -> None:
    live.edit("alpha", body="Of the web.")
    if content is None:
        (edited.path / POINTER).unlink()
    else:
        edited.write(POINTER, content)
    code, told = run(edited.push)
    assert code in {1, 3, 4}, told
    assert live.skill("alpha")["body"] == "Of the web."
    edited.commit()
    code, told = run(edited.push)
    assert code in {1, 3, 4}, told
    assert live.skill("alpha")["body"] == "Of the web."


def test_a_pointer_ahead_of_the_remote_stops(edited: Clone) -> None:
    """The remote went backwards, or this is another project: exit 6 (S24)."""
    edited.write(POINTER, edited.read(POINTER).replace(" v1 ", " v7 "))
    edited.commit("pointer")
    edited.replace("skills/alpha/SKILL.md", "Step two", "Step 2")
    for action in (edited.push, edited.pull):
        with pytest.raises(RefusedForSafety):
            action("alpha")
    nothing_sent(edited)


def test_another_incarnation_is_not_published_over(edited: Clone, live: Live) -> None:
    live.archive("alpha")
    live.create("alpha", body="Another skill of that name.")
    code, told = run(lambda: edited.push("alpha"))
    assert code in {3, 4}, told
    assert live.skill("alpha")["body"] == "Another skill of that name."
    before = edited.read("skills/alpha/SKILL.md")
    code, told = run(lambda: edited.pull("alpha"))
    assert code == 4, told
    assert edited.read("skills/alpha/SKILL.md") == before


ROWS = {
    "garbage": "no rows\n",
    "markers": "<<<<<<< HEAD\n",
    "a key twice": "127.0.0.1:8765/1\tone\t0000000000000000\n" * 2,
    "not text": "\x00\ufffd",
}


@pytest.mark.parametrize("kind", ROWS)
def test_row_bases_that_cannot_be_read_remove_and_overwrite_nothing(
    kind: str, solo: Clone, live: Live
) -> None:
    path = solo.dataset("cases", [f'{{"id": "r{n}", "input": {n}}}' for n in range(3)])
    solo.push()
    solo.commit()
    dataset = live.datasets()[0]["id"]
    live.patch_row(live.row(dataset, "r1")["id"], output="of the web")
    solo.write("datasets/cases/.skillsync.rows", ROWS[kind])
    solo.write(path, "".join(line for line in solo.read(path).splitlines(True) if "r0" not in line))
    code, told = run(solo.push)
    assert code in {1, 3, 4, 5}, told
    assert len(live.rows(dataset)) == 3
    assert live.row(dataset, "r1")["output"] == "of the web"


# ---------------------------------------------------------------- the repository


def test_a_shallow_clone_that_hides_the_answer_says_so(edited: Clone, tmp_path: Path) -> None:
    """The pointer's line is not committed, its commit is cut off: history cannot be asked (sync.md B7)."""
    edited.commit()
    for number in range(3):
        edited.write("README.md", f"{number}\n")
        edited.commit()
    path = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", edited.path.as_uri(), str(path)], check=True
    )
    shallow = Clone(edited.live, path)
    code, told = run(shallow.push)
    assert code in {0, 2, 3}, told
    assert code != 2 or "unshallow" in told
    assert edited.live.version("alpha") <= 2


def test_a_detached_head_may_publish_in_solo_mode(edited: Clone, live: Live) -> None:
    edited.git("checkout", "-q", "--detach")
    report = edited.push()
    assert report.exit == 0
    assert live.version("alpha") == 2


def test_an_unborn_branch_and_an_empty_repository_work(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "fresh"
    path.mkdir()
    clone = Clone(live, path)
    clone.git("init", "-q", "-b", "main")
    clone.write("skillsync.toml", CONFIG.format(team=""))
    assert clone.push().exit == 0
    assert clone.pull().exit == 0
    assert isinstance(clone.status(), Status)
    clone.skill("alpha")
    assert clone.push().exit == 0
    assert live.version("alpha") == 1
    assert clone.push().outcomes == []
    clone.commit()
    assert clone.push().outcomes == []


def test_an_unborn_branch_publishes_nothing_in_team_mode(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "fresh"
    path.mkdir()
    clone = Clone(live, path)
    clone.git("init", "-q", "-b", "main")
    clone.write("skillsync.toml", CONFIG.format(team='publish_branch = "main"'))
    clone.skill("alpha")
    code, told = run(clone.push)
    assert code in {0, 6}, told
    assert live.skill("alpha") == {}


def test_an_index_lock_left_behind_is_named_and_the_published_version_is_not_lost(
    edited: Clone, live: Live
) -> None:
    """#137. git cannot stage; what was published stays known."""
    lock = edited.path / ".git/index.lock"
    lock.touch()
    code, told = run(edited.push)
    assert code in {0, 1}, told
    if code:
        assert "index.lock" in told or "lock" in told
    lock.unlink()
    assert run(edited.push)[0] == 0
    assert live.version("alpha") == 2
    assert edited.pull().exit == 0


def test_packed_refs_and_gc_change_nothing(edited: Clone) -> None:
    edited.git("pack-refs", "--all")
    edited.git("gc", "-q", "--prune=now")
    assert edited.push().exit == 0
    assert edited.push().outcomes == []


def test_unmerged_entries_of_the_users_own_merge_are_not_published(
    edited: Clone, live: Live
) -> None:
    """#139: a merge of the user's own that is not finished."""
    edited.commit("mine")
    edited.git("checkout", "-q", "-b", "other", "HEAD~1")
    edited.replace("skills/alpha/SKILL.md", "Step one", "Step ONE")
    edited.commit("theirs")
    edited.git("merge", "-q", "main", check=False)
    assert edited.git("ls-files", "--unmerged")
    before = edited.files()
    code, told = run(edited.push)
    assert code in {1, 4, 5}, told
    assert live.version("alpha") == 1
    assert edited.files() == before
    staged = edited.git("ls-files", "--stage", "skills/alpha/SKILL.md")
    live.edit("alpha", body="Of the web.")
    code, told = run(edited.pull)
    assert code != 0, told
    assert edited.git("ls-files", "--stage", "skills/alpha/SKILL.md") == staged
    assert edited.read("skills/alpha/SKILL.md").encode() == before["skills/alpha/SKILL.md"]


def test_a_gitignore_that_hides_everything_removes_nothing(solo: Clone, live: Live) -> None:
    """#135: what is hidden is missing, and missing is only pending; with consent the ceiling holds."""
    names = [f"skill-{number}" for number in range(7)]
    for name in names:
        solo.skill(name)
    solo.push()
    solo.write(".gitignore", "skills/\n")
    report = solo.push()
    assert report.exit in {0, 1}
    assert all(live.version(name) == 1 for name in names)
    solo.git("rm", "-rq", "--cached", "skills", check=False)
    assert solo.push().exit in {0, 1}
    assert all(live.version(name) == 1 for name in names)


def test_a_repository_of_sha_256_works(live: Live, tmp_path: Path) -> None:
    """#131."""
    path = tmp_path / "long"
    path.mkdir()
    clone = Clone(live, path)
    clone.git("init", "-q", "-b", "main", "--object-format=sha256")
    clone.write("skillsync.toml", CONFIG.format(team=""))
    clone.skill("alpha")
    clone.commit()
    assert clone.push().exit == 0
    clone.commit()
    live.edit("alpha", body="Of the web.")
    assert clone.pull().exit == 0
    clone.commit()
    assert clone.status().is_clean


def test_replace_refs_do_not_change_what_history_says(edited: Clone, live: Live) -> None:
    """#129."""
    edited.commit("edit")
    head = edited.git("rev-parse", "HEAD")
    parent = edited.git("rev-parse", "HEAD~1")
    live.edit("alpha", body="Of the web.")
    edited.git("replace", head, parent)
    code, told = run(lambda: edited.push("alpha"))
    assert code in {0, 3}, told
    assert live.skill("alpha")["body"] == "Of the web."
