"""Store edits as commits of their authors on a branch: where it begins, what git makes of it, and that it repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skillsync.sync.authored import is_ours, note_of
from skillsync.sync.pull_branch import BranchRequest, Composed, Made, compose
from tests.sync.dialects import current_only
from tests.sync.harness import Clone, Live

BOTH_DIALECTS = True
BODY = "one\n\ntwo\n\nthree\n"
PATH = "skills/alpha/SKILL.md"


@pytest.fixture
def team(team: Clone) -> Clone:
    """Alpha, beta and rows, published by CI from main; their pointers came with a pull."""
    team.skill("alpha", BODY)
    team.skill("beta", BODY)
    team.dataset("rows", ['{"id": "a", "input": 1}', '{"id": "b", "input": 2}'])
    team.commit("begun")
    assert team.push().exit == 0
    assert team.pull().exit == 0
    team.commit("pointers")
    return team


def composed(clone: Clone, **asked: Any) -> Composed:
    """Compose, and check that neither the working tree nor any branch moved."""
    before, refs = clone.files(), clone.git("for-each-ref", "refs/heads")
    head = clone.git("rev-parse", "HEAD")
    request = BranchRequest("main", head, clock=clone.clock, **asked)
    workspace = clone.workspace
    found = compose(workspace, clone.target, clone.connect, request)
    workspace.repo.close()
    assert (clone.files(), clone.git("for-each-ref", "refs/heads")) == (before, refs)
    assert clone.git("status", "--porcelain") == ""
    assert len(clone.git("worktree", "list").splitlines()) == 1
    return found


def one(found: Composed) -> Made:
    (made,) = found.made
    return made


def test_nothing_new_makes_no_branch(team: Clone) -> None:
    assert composed(team).made == []
    team.replace(PATH, "one", "ONE")
    team.commit("ours")
    assert composed(team).made == []
    assert team.push().exit == 0
    assert composed(team) == Composed()


def test_every_version_is_a_commit_by_its_author(team: Clone, live: Live) -> None:
    first = live.edit_body("alpha", "two", "TWO")
    live.edit_body(
        "alpha", "TWO", "TWO and THREE"
    )  # the same line: nothing is merged, each version is taken whole
    live.edit_body("beta", "one", "ONE", user="me")
    found = one(composed(team))
    assert (found.branch, found.start) == ("skillsync/pull/1", team.git("rev-parse", "HEAD"))
    log = team.git("log", "--reverse", "--format=%an|%cn|%s", f"{found.start}..{found.tip}")
    said = [line.split("|") for line in log.splitlines()]
    assert [(by, subject) for _, by, subject in said] == [
        ("skillsync", f"alpha v{first}"), ("skillsync", f"alpha v{first + 1}"), ("skillsync", f"beta v{live.version('beta')}"),
    ]  # fmt: skip
    assert said[0][0] == said[1][0] != said[2][0]
    text = team.git("show", f"{found.tip}:{PATH}")
    assert "TWO" in text
    assert "THREE" in text
    assert "TWO" in team.git("show", f"{found.tip}~2:{PATH}")
    assert "THREE" not in team.git("show", f"{found.tip}~2:{PATH}")
    pointer = team.git("show", f"{found.tip}:skills/alpha/.skillsync")
    assert f" v{first + 1} " in pointer
    assert "at=" not in pointer
    assert is_ours(team.workspace.repo, found.tip, beyond=found.start, place=team.target.place)


@pytest.mark.parametrize(
    "how",
    ["--squash", *(pytest.param(how, marks=pytest.mark.slow) for how in ("--no-ff", "--ff-only"))],
)
def test_once_merged_there_is_nothing_to_pull_or_push(team: Clone, live: Live, how: str) -> None:
    live.edit_body("alpha", "two", "TWO")
    dataset = live.datasets()[0]["id"]
    live.patch_row(live.row(dataset, "a")["id"], input=10)
    live.add_row(dataset, input="new")
    found = one(composed(team))
    team.git("merge", "-q", how, *(["-m", "merged"] if how == "--no-ff" else []), found.tip)
    if how == "--squash":
        team.commit("squashed")
    lines = team.read("datasets/rows/items.jsonl").splitlines()
    assert lines[0] == '{"id": "a", "input": 10}'
    assert lines[1] == '{"id": "b", "input": 2}'
    assert len(lines) == 3
    before = live.version("alpha")
    assert composed(team).made == []
    assert team.push().exit == 0
    assert live.version("alpha") == before


@pytest.mark.slow
def test_the_same_store_makes_the_same_commits(team: Clone, live: Live, tmp_path: Path) -> None:
    live.edit_body("alpha", "two", "TWO")
    first = one(composed(team))
    other = team.clone(tmp_path / "other")
    assert one(composed(other)).tip == first.tip == one(composed(team)).tip


def test_a_branch_begins_where_it_was_agreed_so_that_git_merges_both_edits(
    team: Clone, live: Live
) -> None:
    agreed = team.git("rev-parse", "HEAD")
    team.replace(PATH, "one", "ONE of git")
    team.commit("ours")
    live.edit_body("alpha", "three", "THREE of the web")
    found = one(composed(team))
    assert found.start == agreed
    team.git("merge", "-q", "--no-ff", "-m", "merged", found.tip)
    text = team.read(PATH)
    assert "ONE of git" in text
    assert "THREE of the web" in text
    assert team.push().exit == 0
    body = live.skill("alpha")["body"]
    assert "ONE of git" in body
    assert "THREE of the web" in body


def test_edits_of_one_line_are_a_conflict_of_git_s_own(team: Clone, live: Live) -> None:
    team.replace(PATH, "two", "two of git")
    team.commit("ours")
    live.edit_body("alpha", "two", "two of the web")
    found = one(composed(team))
    assert "<<<<" not in team.git("show", f"{found.tip}:{PATH}")
    team.git("merge", "-q", "--no-ff", "-m", "merged", found.tip, check=False)
    assert team.git("diff", "--name-only", "--diff-filter=U") == PATH
    team.git("merge", "--abort")
    stopped = composed(team, conflicts="stop")
    assert stopped.made == []
    assert [(left.subject, left.exit) for left in stopped.left] == [("alpha", 4)]


@pytest.mark.slow
def test_objects_that_no_one_commit_suits_have_branches_of_their_own(
    team: Clone, live: Live
) -> None:
    """Beta was published after alpha was edited here: no commit holds what was agreed of both."""
    agreed = team.git("rev-parse", "HEAD")
    team.replace(PATH, "one", "ONE of git")
    team.commit("ours")
    team.replace("skills/beta/SKILL.md", "two", "TWO")
    team.commit("beta")
    assert team.push("beta").exit == 0
    live.edit_body("alpha", "three", "THREE")
    live.edit_body("beta", "three", "THREE")
    found = {made.branch: made for made in composed(team).made}
    assert found.keys() == {"skillsync/pull/1", "skillsync/pull/1--alpha"}
    assert found["skillsync/pull/1--alpha"].start == agreed
    assert found["skillsync/pull/1"].start == team.git("rev-parse", "HEAD")
    for made in found.values():
        team.git("merge", "-q", "--no-ff", "-m", "merged", made.tip)
    assert "ONE of git" in team.read(PATH)
    assert "THREE" in team.read(PATH)
    assert "THREE" in team.read("skills/beta/SKILL.md")


@pytest.mark.slow
def test_new_skills_come_and_archived_ones_stay_until_somebody_prunes(
    team: Clone, live: Live
) -> None:
    live.create("gamma")
    live.edit_body("beta", "one", "ONE")
    assert team.pull("beta").exit == 0
    team.commit("beta, taken in")
    live.archive("beta")
    found = composed(team)
    assert [taken.name for taken in one(found).taken] == ["gamma"]
    assert [(left.subject, left.exit) for left in found.left] == [("beta", 0)]
    pruned = one(composed(team, prune=True))
    paths = team.git("ls-tree", "-r", "--name-only", pruned.tip, "skills").splitlines()
    assert "skills/gamma/SKILL.md" in paths
    assert "skills/beta/SKILL.md" not in paths


@pytest.mark.slow
def test_a_branch_for_each_object(team: Clone, live: Live) -> None:
    live.edit_body("alpha", "two", "TWO")
    live.edit_body("beta", "two", "TWO")
    found = composed(team, split="skill")
    assert [made.branch for made in found.made] == ["skillsync/pull/1--alpha", "skillsync/pull/1--beta"]  # fmt: skip
    assert [len(made.taken) for made in found.made] == [1, 1]


def test_people_s_commits_are_not_ours(team: Clone, live: Live) -> None:
    live.edit_body("alpha", "two", "TWO")
    found = one(composed(team))
    repo, place = team.workspace.repo, team.target.place
    team.git("checkout", "-q", "-b", "touched", found.tip)
    team.git("commit", "-q", "--amend", "--no-edit")
    assert not is_ours(repo, team.git("rev-parse", "touched"), beyond=found.start, place=place)
    team.git("reset", "-q", "--hard", found.tip)
    team.git("commit", "-q", "--allow-empty", "-m", "looks fine")
    assert not is_ours(repo, team.git("rev-parse", "touched"), beyond=found.start, place=place)
    assert not is_ours(repo, found.tip, beyond=found.start, place="elsewhere/1")
    repo.close()


@current_only("the seed has no version descriptions")
def test_what_somebody_wrote_about_a_version_is_words_and_no_command(
    team: Clone, live: Live
) -> None:
    said = "fixes #12 [skip ci] see https://x.example/a @ada \u202e clearer"
    with live.api() as client:
        base = client.get("llm_skills/name/alpha").json()["version"]
        client.patch(
            "llm_skills/name/alpha",
            json={"base_version": base, "body": "other", "version_description": said},
        )
    found = one(composed(team))
    subject = team.git("log", "-1", "--format=%s", found.tip)
    assert subject == f"alpha v{base + 1}: fixes 12 skip ci see https x.example a ada clearer"
    assert note_of(found.taken[0].versions[-1]) in subject
