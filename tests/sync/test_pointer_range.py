"""`lint --pointers BASE..HEAD`: in CI no branch takes a pointer back, and what is named brings it forward again (B2)."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from skillsync.core.pointer_moves import MoveKind
from skillsync.errors import ShallowClone, UsageError
from skillsync.sync.pointer_range import CheckedRange, check_pointers
from skillsync.sync.workspace import Workspace
from tests.cli.cli_world import skillsync
from tests.sync.harness import CONFIG, Clone, Live, outcome
from tests.world import commit_all, git, write_files

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n"
PLACE = "127.0.0.1:8765/1"
TEXT = "---\nname: alpha\ndescription: Does alpha.\n---\n\nOne.\n"


def line(number: int, *, place: str = PLACE, first: str = "2026-08-01T10:00:00Z") -> str:
    return f"{place} v{number} id-{number} first={first} canon:1:sha256:{'0' * 64}\n"


def rows(digit: str, *, place: str = PLACE) -> str:
    digest = f"canon:1:sha256:{digit * 64}"
    stamp = f"at={digit * 40} files={digit * 32}"
    return f"{place} dataset=uuid rev=g1 meta={digest} rows=2 {digest} {stamp}\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Main, with alpha at version 3 and a dataset; nobody asks a server."""
    path = tmp_path / "repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    put(path, {"skillsync.toml": CONFIG.format(team=""), PATH: TEXT, POINTER: line(3)})
    put(path, {"datasets/d/items.jsonl": "{}\n", "datasets/d/.skillsync": rows("1")})
    git(path, "switch", "-q", "-c", "side")
    return path


def put(path: Path, files: dict[str, str]) -> str:
    write_files(path, files)
    return commit_all(path)


def check(path: Path, text: str = "main..side") -> CheckedRange:
    return check_pointers(Workspace.open(path), text)


def kinds(found: CheckedRange) -> list[MoveKind]:
    return [move.kind for move in found.moves]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({POINTER: line(4)}, ""),
        ({POINTER: line(2)}, "goes back from v3 (id-3) to v2 (id-2)"),
        ({POINTER: line(3).replace("id-3", "id-x")}, "another version of the same number"),
        ({POINTER: line(3) + line(1, place="other/1")}, ""),
        ({POINTER: "nonsense\n"}, "this is no pointer line"),
        ({POINTER: line(3) * 2}, "there are 2 lines"),
        ({POINTER: ""}, "was removed"),
        ({"datasets/d/.skillsync": rows("2")}, ""),
    ],
)
def test_each_line_is_compared_with_the_publish_branch(
    repo: Path, files: dict[str, str], words: str
) -> None:
    put(repo, files)
    found = check(repo)
    assert [words in problem.message for problem in found.problems] == ([True] if words else [])
    assert all(problem.path == POINTER for problem in found.problems)


def test_what_main_got_since_is_no_step_back(repo: Path) -> None:
    """The branch still has version 3; merging it leaves main's version 5 alone."""
    put(repo, {"README.md": "work\n"})
    git(repo, "switch", "-q", "main")
    put(repo, {POINTER: line(5)})
    git(repo, "switch", "-q", "side")
    assert check(repo).moves == ()
    put(repo, {POINTER: line(4)})
    assert kinds(check(repo)) == [MoveKind.FORWARD]
    # Merged into the branch and settled by hand, it is one.
    git(repo, "merge", "-q", "-X", "ours", "main")
    found = check(repo)
    assert kinds(found) == [MoveKind.BACK]
    assert "from v5 (id-5) to v4 (id-4)" in found.problems[0].message


def test_all_merge_bases_count(repo: Path) -> None:
    """Each branch merged the other: where one of the two bases is newer, the pointer must not be older than that."""
    one = put(repo, {POINTER: line(4)})
    git(repo, "switch", "-q", "main")
    two = put(repo, {"README.md": "main\n"})
    git(repo, "merge", "-q", "--no-ff", "-m", "merge", one)
    git(repo, "switch", "-q", "side")
    git(repo, "merge", "-q", "--no-ff", "-m", "merge", two)
    assert set(check(repo).bases) == {one, two}
    put(repo, {POINTER: line(3)})
    found = check(repo)
    assert kinds(found) == [MoveKind.BACK]
    assert one[:12] in found.problems[0].fix


def test_a_dataset_without_revisions_goes_back_when_its_very_line_comes_back(repo: Path) -> None:
    git(repo, "switch", "-q", "main")
    put(repo, {"datasets/d/.skillsync": rows("2")})
    git(repo, "switch", "-q", "side")
    git(repo, "merge", "-q", "main")
    put(repo, {"datasets/d/.skillsync": rows("3")})
    assert kinds(check(repo)) == [MoveKind.FORWARD]
    put(repo, {"datasets/d/.skillsync": rows("1")})
    assert kinds(check(repo)) == [MoveKind.BACK]


def test_folders_move_and_go_with_their_pointer(repo: Path) -> None:
    git(repo, "mv", "skills/alpha", "skills/beta")
    commit_all(repo)
    assert kinds(check(repo)) == [MoveKind.FORWARD]
    git(repo, "rm", "-rq", "skills/beta", "datasets/d")
    commit_all(repo)
    assert kinds(check(repo)) == [MoveKind.DELETED] * 2


def test_settings_of_a_branch_hide_no_pointer_of_main(repo: Path) -> None:
    put(repo, {"skillsync.toml": CONFIG.format(team="").replace('"skills"', '"elsewhere"')})
    put(repo, {POINTER: line(1)})
    assert kinds(check(repo)) == [MoveKind.BACK]


def test_the_command_that_is_named_brings_one_line_back_and_leaves_others(repo: Path) -> None:
    git(repo, "switch", "-q", "main")
    put(repo, {POINTER: line(3) + line(3, place="other/1")})
    git(repo, "switch", "-q", "side")
    git(repo, "merge", "-q", "main")
    put(repo, {POINTER: line(2) + line(4, place="other/1")})
    (problem,) = check(repo).problems
    assert problem.line == 1
    assert problem.fix.startswith(f"put the line for {PLACE} in `git show ")
    put(repo, {POINTER: line(2) + line(3, place="other/1")})
    (problem,) = check(repo).problems
    run_fix(repo, problem.fix)
    assert check(repo).problems == ()


def run_fix(path: Path, fix: str) -> None:
    words = shlex.split(fix.removesuffix(", and commit it"))
    assert words[0] == "git"
    git(path, *words[1:])
    commit_all(path)


@pytest.mark.parametrize("text", ["main", "main..nowhere", "nowhere..side", "..", "--x..side", ""])
def test_what_is_no_range_of_commits_is_a_usage_error(repo: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(repo, text)
    assert caught.value.exit_code == 2


def test_head_is_meant_where_nothing_is_named_and_dots_do_not_matter(repo: Path) -> None:
    put(repo, {POINTER: line(2)})
    assert kinds(check(repo, "main..")) == kinds(check(repo, "main...side")) == [MoveKind.BACK]


def test_a_shallow_clone_is_refused_with_the_fix(repo: Path, tmp_path: Path) -> None:
    put(repo, {POINTER: line(2)})
    job = tmp_path / "job"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", f"file://{repo}", str(job))
    for text in ("origin/main..HEAD", "main..HEAD"):
        with pytest.raises(ShallowClone) as caught:
            check(job, text)
        assert "fetch-depth: 0" in caught.value.hint


def test_the_command_line_says_it_in_words_in_json_and_by_exit_code(repo: Path) -> None:
    fine = skillsync(repo, "lint", "--pointers", "main..HEAD")
    assert (fine.exit, fine.out) == (0, "2 pointer lines, 0 changed, none goes backwards\n")
    put(repo, {POINTER: line(2)})
    bad = skillsync(repo, "lint", "--pointers", "main..HEAD")
    assert (bad.exit, bad.out) == (1, "2 pointer lines, 1 changed, 1 error\n")
    base = git(repo, "rev-parse", "main")[:12]
    for words in (f"error: {POINTER}:1: ", "E-POINTER-BACK", "v3 (id-3)", "v2 (id-2)",
                  f"next: git checkout {base} -- {POINTER}"):  # fmt: skip
        assert words in bad.err
    document = skillsync(repo, "lint", "--pointers", "main..HEAD", "--json").json
    assert document["schema"] == "skillsync.lint/1"
    assert document["exit"] == 1
    assert document["problems"][0]["line"] == 1
    (move,) = document["pointers"]
    assert (move["move"], move["after"]["line"]) == ("back", 1)
    assert move["before"]["text"] + "\n" == line(3)
    assert skillsync(repo, "lint", "alpha", "--pointers", "main..HEAD").exit == 2


def test_a_reverted_pull_keeps_its_pointer_and_push_publishes_the_rejection(
    team: Clone, live: Live
) -> None:
    """ "I saw version 2 and rejected it": the revert alone is refused, with the named fix it is published."""
    team.skill("alpha", BODY)
    live.create("alpha", body=BODY)
    assert team.pull().exit == 0
    team.commit("linked")
    live.edit_body("alpha", "two", "two, remotely")
    assert team.pull().exit == 0
    team.commit("pulled")
    team.git("switch", "-q", "-c", "reject")
    team.git("revert", "--no-edit", "HEAD")
    (problem,) = check(team.path, "main..HEAD").problems
    run_fix(team.path, problem.fix)
    assert check(team.path, "main..HEAD").problems == ()
    team.git("switch", "-q", "main")
    team.git("merge", "-q", "--squash", "reject")
    team.commit("rejected")
    assert outcome(team.push(), "alpha").did == "published v3"
    assert live.skill("alpha")["body"] == BODY.strip()
