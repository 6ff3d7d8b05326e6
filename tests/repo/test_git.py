"""git is asked the same way everywhere: SHA-1 or SHA-256, worktrees, detached, unborn, shallow, in a hook."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from skillsync.errors import GitFailed, NotARepository, ShallowClone
from skillsync.repo import git_index
from skillsync.repo.git import Repository
from tests.conftest import MakeRepo
from tests.world import commit_all, git, make_repository, write_files


@pytest.fixture
def object_format() -> str:
    return "sha1"


@pytest.fixture
def repo(object_format: str, make_repo: MakeRepo) -> Repository:
    return Repository.open(make_repo(files={"README.md": "r\n"}, object_format=object_format))


either_format = pytest.mark.parametrize("object_format", ["sha1", "sha256"])
"""14.6 #131: what handles object ids is tried with both kinds."""


def commit(repo: Repository, files: dict[str, str | bytes], message: str = "change") -> str:
    write_files(repo.root, files)
    return commit_all(repo.root, message)


def on_disk(repo: Repository, *roots: str) -> list[str]:
    """The listed paths that are on disk, each once, sorted."""
    paths = {each.path for each in repo.index.listing(roots or (".",))}
    return sorted(path for path in paths if os.path.lexists(repo.root / path))


def stage_conflict(
    repo: Repository,
    path: str,
    *,
    base: bytes | None,
    local: bytes | None,
    remote: bytes | None,
    executable: bool = False,
) -> None:
    sides = {stage: side for stage, side in enumerate((base, local, remote), 1) if side is not None}
    blobs = repo.write_blobs(list(sides.values()))
    stages = dict(zip(sides, blobs, strict=True))
    repo.index.stage_blobs({path: stages}, executable={path} if executable else set())


def test_importing_our_module_does_not_import_gitpython() -> None:
    code = "import sys, skillsync.repo.git, skillsync.repo.worktree; sys.exit('git' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_opens_from_any_folder_inside(repo: Repository) -> None:
    write_files(repo.root, {"a/b/c": ""})
    inside = Repository.open(repo.root / "a/b")
    assert inside.root == repo.root
    assert inside.state_dir == repo.root / ".git/skillsync"


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        Repository.open(tmp_path)
    with pytest.raises(NotARepository):
        Repository.open(tmp_path / "missing")
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(NotARepository):
        Repository.open(tmp_path / "bare")


def test_init_makes_a_repository_once(tmp_path: Path) -> None:
    assert Repository.init(tmp_path).head() is None
    assert Repository.init(tmp_path).root == tmp_path.resolve()


def test_head_and_branch_when_unborn_on_a_branch_and_detached(make_repo: MakeRepo) -> None:
    """14.6 #127."""
    repo = Repository.open(make_repo(commit=False))
    assert (repo.head(), repo.branch()) == (None, "main")
    first = commit(repo, {"a": "1"})
    assert (repo.head(), repo.branch()) == (first, "main")
    git(repo.root, "checkout", "-q", "-b", "feature/x")
    assert repo.branch() == "feature/x"
    git(repo.root, "checkout", "-q", "--detach")
    assert (repo.head(), repo.branch()) == (first, None)


def test_an_unborn_repository_answers_everything(make_repo: MakeRepo) -> None:
    repo = Repository.open(make_repo(commit=False, files={"skills/a/SKILL.md": "x"}))
    assert on_disk(repo, "skills") == ["skills/a/SKILL.md"]
    assert repo.index.unmerged() == {}
    assert repo.upstream_of("main") is None
    repo.index.stage(["skills/a/SKILL.md"])
    stage_conflict(repo, "skills/a/SKILL.md", base=b"b", local=b"l", remote=b"r")
    repo.index.clear_conflict(["skills/a/SKILL.md"])
    assert repo.index.unmerged() == {}


def test_a_linked_worktree_has_its_own_state(repo: Repository, tmp_path: Path) -> None:
    git(repo.root, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    linked = Repository.open(tmp_path / "linked")
    assert linked.branch() == "other"
    assert linked.state_dir == repo.root / ".git/worktrees/linked/skillsync"


def test_variables_of_an_outer_git_do_not_lead_elsewhere(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook runs with GIT_DIR and GIT_INDEX_FILE set."""
    elsewhere = make_repository(tmp_path / "elsewhere", {"other": "o"})
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert Repository.open(repo.root).root == repo.root
    assert on_disk(repo) == ["README.md"]
    write_files(repo.root, {"new": "n"})
    repo.index.stage(["new"])
    assert not (tmp_path / "index").exists()


def test_hooks_do_not_run(repo: Repository) -> None:
    for name in ("post-index-change", "reference-transaction", "pre-commit"):
        hook = repo.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch hook-ran\n")
        hook.chmod(0o755)
    write_files(repo.root, {"new": "n"})
    repo.index.stage(["new"])
    repo.write_blobs([b"1", b"2"])
    assert not (repo.root / "hook-ran").exists()


def test_a_failure_names_command_code_and_output(repo: Repository) -> None:
    with pytest.raises(GitFailed) as caught:
        repo.tree("no-such-commit")
    assert caught.value.status == 128
    assert "no-such-commit" in caught.value.output
    assert caught.value.command.startswith("git ls-tree")


@pytest.mark.parametrize("rev", ["--output=/tmp/x", "-h", "", "a\0b"])
def test_a_revision_is_never_an_option(repo: Repository, rev: str) -> None:
    with pytest.raises(GitFailed):
        repo.tree(rev)
    with pytest.raises(GitFailed):
        repo.history.commits_touching(".", head=rev)


# ---------------------------------------------------------------- history


@either_format
def test_commit_exists_takes_full_ids_of_commits_alone(repo: Repository) -> None:
    """14.6 #107: short, missing, tag, blob."""
    head = repo.head()
    assert head is not None
    [blob] = repo.write_blobs([b"text"])
    git(repo.root, "tag", "-a", "v1", "-m", "tag")
    tag = git(repo.root, "rev-parse", "v1")
    assert repo.commit_exists(head)
    for other in (head[:12], "0" * len(head), blob, tag, "HEAD", "main", "", f"{head}\n{head}"):
        assert not repo.commit_exists(other)


@either_format
def test_ancestry(repo: Repository) -> None:
    first = repo.head()
    second = commit(repo, {"a": "1"})
    assert first
    assert repo.is_ancestor(first, second)
    assert repo.is_ancestor(second, second)
    assert not repo.is_ancestor(second, first)
    assert not repo.is_ancestor("0" * len(first), second)
    assert repo.first_parent(second) == first
    assert repo.first_parent(first) is None
    assert (repo.parents(second), repo.parents(first)) == ([first], [])
    assert repo.parents("0" * len(first)) == []
    assert repo.outside([second, first], head=second) == frozenset()
    assert repo.outside([second, first], head=first) == {second}


def test_replacements_do_not_change_ancestry(repo: Repository) -> None:
    """14.6 #129."""
    first = repo.head()
    second = commit(repo, {"a": "1"})
    assert first
    git(repo.root, "replace", "--graft", second)
    assert repo.is_ancestor(first, second)


def test_merge_bases_are_all_found(repo: Repository) -> None:
    git(repo.root, "checkout", "-q", "-b", "side")
    one = commit(repo, {"s": "1"}, "one")
    git(repo.root, "checkout", "-q", "main")
    two = commit(repo, {"m": "2"}, "two")
    git(repo.root, "merge", "-q", "--no-edit", "side")
    left = repo.head()
    git(repo.root, "checkout", "-q", "side")
    git(repo.root, "merge", "-q", "--no-edit", two)
    right = repo.head()
    assert left
    assert right
    assert sorted(repo.merge_bases(left, right)) == sorted([one, two])


@either_format
def test_the_newest_commits_tell_what_was_there(repo: Repository, tmp_path: Path) -> None:
    """As ``git log`` does, side branches that were merged included; None where older commits must be asked."""
    first = commit(repo, {"old/one": "1"})
    git(repo.root, "rm", "-q", "-r", "old")
    second = commit_all(repo.root, "gone")
    git(repo.root, "switch", "-q", "-c", "side", first)
    commit(repo, {"side/deep/one": "1"})
    git(repo.root, "rm", "-q", "-r", "side")
    commit_all(repo.root, "gone from the side")
    git(repo.root, "switch", "-q", "--detach", second)
    git(repo.root, "merge", "-q", "--no-ff", "--no-edit", "side")
    head = repo.head()
    assert head
    paths = ("old", "old/one", "side/deep", "never", "README.md", "README.md/never")
    lately = [repo.history.had_lately(head, path) for path in paths]
    assert lately == [True, True, True, False, True, False]
    assert lately == [bool(repo.history.log_paths(head, [path])) for path in paths]
    assert [repo.history.had_lately(head, path, newest=3) for path in ("README.md", "never")] == [
        True,
        None,
    ]
    assert repo.history.had_lately(head, ".") is None
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo.root}", "shallow")
    assert Repository.open(tmp_path / "shallow").history.had_lately(head, "never") is None


def test_a_shallow_clone_says_so_instead_of_guessing(repo: Repository, tmp_path: Path) -> None:
    """B7 and 14.6 #125."""
    first = repo.head()
    second = commit(repo, {"a": "1"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo.root}", "shallow")
    shallow = Repository.open(tmp_path / "shallow")
    assert first
    assert shallow.is_shallow()
    assert shallow.is_ancestor(second, second)
    with pytest.raises(ShallowClone):
        shallow.is_ancestor(first, second)
    with pytest.raises(ShallowClone):
        shallow.history.commits_touching("a", head="HEAD", since=first)
    with pytest.raises(ShallowClone):
        shallow.first_parent(second)


def test_upstream_is_the_configured_one_then_origins_then_the_local_branch(
    repo: Repository, tmp_path: Path
) -> None:
    assert repo.upstream_of("main") == "refs/heads/main"
    assert repo.upstream_of("none") is None
    git(tmp_path, "clone", "-q", str(repo.root), "clone")
    clone = Repository.open(tmp_path / "clone")
    assert clone.upstream_of("main") == "refs/remotes/origin/main"
    git(clone.root, "checkout", "-q", "--detach")
    git(clone.root, "branch", "-q", "-D", "main")
    assert clone.upstream_of("main") == "refs/remotes/origin/main"
    git(clone.root, "branch", "-q", "--no-track", "topic")
    assert clone.upstream_of("topic") == "refs/heads/topic"


@either_format
def test_history_finds_lines_of_every_branch_newest_first(repo: Repository) -> None:
    pointer = "skills/a/.skillsync"
    one = commit(repo, {pointer: "line 1\n"})
    git(repo.root, "checkout", "-q", "-b", "side")
    side = commit(repo, {pointer: "line 1\nside\n", "skills/b\tx/.skillsync": "odd name\n"})
    git(repo.root, "checkout", "-q", "main")
    main = commit(repo, {pointer: "+++ b/main\nline 1\n", "skills/a/other": "not asked\n"})
    git(repo.root, "merge", "-q", "--no-commit", "side", check=False)
    merge = commit(repo, {pointer: "only in the merge\nline 1\n"})
    git(repo.root, "mv", "skills/a", "skills/moved")
    moved = commit(repo, {})
    found = [(each.commit, each.path, each.line) for each in
             repo.history.lines_of(["**/.skillsync"], head="HEAD")]  # fmt: skip
    assert found[0] == (moved, "skills/moved/.skillsync", "only in the merge")
    assert (merge, pointer, "only in the merge") in found
    assert (side, pointer, "side") in found
    assert (side, "skills/b\tx/.skillsync", "odd name") in found
    assert (main, pointer, "+++ b/main") in found
    assert found[-1] == (one, pointer, "line 1")
    assert not [line for _, _, line in found if line == "not asked"]
    commits = [commit for commit, _, _ in found]
    assert commits.index(merge) < commits.index(main)
    assert repo.history.lines_of([":(glob)**/.skillsync"], head="HEAD")[0].commit == moved


@either_format
def test_removed_lines_are_those_that_some_commit_took_out(repo: Repository) -> None:
    """Also in a merge alone, from a file that attributes call binary, and line by line however long it is."""
    path = "datasets/a/.skillsync.rows"
    first = commit(
        repo, {path: "host/1\tk1\ta\nhost/1\tk2\tb\n-odd\n", ".gitattributes": "* binary\n"}
    )
    git(repo.root, "checkout", "-q", "-b", "side")
    commit(repo, {path: "host/1\tk1\tc\nhost/1\tk2\tb\n"})
    git(repo.root, "checkout", "-q", "main")
    commit(repo, {"other": "x\n"})
    git(repo.root, "merge", "-q", "--no-ff", "--no-commit", "side")
    commit(repo, {path: "host/1\tk1\tc\r\n" * 1})
    last = commit(repo, {path: "".join(f"host/1\tn{n}\tx\n" for n in range(50_000))})
    removed = repo.history.removed_lines(path, head=last)
    assert removed[0] == "host/1\tk1\tc"
    assert set(removed) == {"host/1\tk1\ta", "host/1\tk1\tc", "host/1\tk2\tb", "-odd"}
    assert "host/1\tk1\ta" in repo.history.removed_lines(path, head=last, since=first)
    assert repo.history.removed_lines(path, head=last, since=last) == []
    assert repo.history.removed_lines("datasets/b/.skillsync.rows", head=last) == []


def test_history_of_huge_or_binary_pointers_is_bounded(repo: Repository) -> None:
    commit(repo, {"skills/a/.skillsync": b"x" * 1_000_001, "skills/b/.skillsync": b"\xff\0\n"})
    found = repo.history.lines_of(["**/.skillsync"], head="HEAD")
    assert {each.path for each in found} == {"skills/b/.skillsync"}


@either_format
def test_commits_touching_a_folder_include_merged_branches(repo: Repository) -> None:
    first = repo.head()
    git(repo.root, "checkout", "-q", "-b", "side")
    side = commit(repo, {"skills/a/x": "1"})
    git(repo.root, "checkout", "-q", "main")
    other = commit(repo, {"skills/b/x": "1"})
    same = commit(repo, {"skills/a/x": "1"})
    git(repo.root, "merge", "-q", "--no-edit", "side")
    found = repo.history.commits_touching("skills/a", head="HEAD", since=first)
    assert {side, same} <= set(found)
    assert other not in found
    upon = repo.history.commits_touching("skills/a", head="HEAD", since=other, made_upon=True)
    assert same in upon
    assert side not in upon
    assert first not in repo.history.commits_touching("skills/a", head="HEAD")
    assert repo.history.commits_touching("skills/a", head=other) == []
    assert [
        each.id for each in repo.history.log_paths("HEAD", ["skills/b"]) if len(each.parents) == 1
    ] == [other]


@either_format
def test_trees_read_object_by_object_are_those_that_git_lists(
    repo: Repository, object_format: str
) -> None:
    """Each file once, whichever of the folders it is below, in git's order; links and submodules are among them."""
    names = ("a/b", "a-b/x", "a/b0/y", "a.b", "a/é/z", "b/c/d/e", "c")
    (repo.root / "link").symlink_to("a")
    make_repository(repo.root / "b/module", object_format=object_format)
    head = commit(repo, {name: name for name in names})
    git_lists = Repository.open(repo.root).tree
    for folders in (["."], ["a", "b"], ["a", "a/b0"], ["never"], ["b/c/d"]):
        listed = [replace(each, size=min(each.size, 0)) for each in git_lists(head, folders)]
        read = repo.trees_below(head, folders)
        assert sorted(read, key=lambda each: each.path) == sorted(
            listed, key=lambda each: each.path
        )
    assert [each.path for each in repo.tree_below(head, "")] == [
        each.path for each in git_lists(head)
    ]
    with pytest.raises(GitFailed):
        repo.trees_below("f" * len(head), ["."])


@either_format
def test_what_is_unmerged_is_asked_again_when_the_index_is_another(
    repo: Repository, tmp_path: Path
) -> None:
    """Git's own merge and another process's ``git add`` are seen by a repository that was open before."""
    git(repo.root, "switch", "-q", "-c", "side")
    commit(repo, {"README.md": "side\n"})
    git(repo.root, "switch", "-q", "main")
    commit(repo, {"README.md": "main\n"})
    assert repo.index.unmerged() == {}
    git(repo.root, "merge", "-q", "side", check=False)
    assert repo.index.unmerged() == {"README.md": {1, 2, 3}}
    repo.index.unmerged()["README.md"].clear()
    assert repo.index.unmerged() == {"README.md": {1, 2, 3}}
    git(repo.root, "add", "README.md")
    assert repo.index.unmerged() == {}
    git(repo.root, "config", "index.skipHash", "true")
    git(repo.root, "reset", "-q", "--hard")
    git(repo.root, "merge", "-q", "side", check=False)
    assert repo.index.unmerged() == {"README.md": {1, 2, 3}}


def test_where_git_stands_is_never_remembered(repo: Repository) -> None:
    """Also when the commit's object and its ref were packed, and when the branch is another one."""
    first = repo.head()
    second = commit(repo, {"a": "1"})
    assert repo.head() == second
    git(repo.root, "pack-refs", "--all")
    git(repo.root, "repack", "-q", "-a", "-d")
    assert repo.head() == second
    git(repo.root, "reset", "-q", "--hard", str(first))
    assert repo.head() == first
    git(repo.root, "switch", "-q", "--orphan", "none")
    assert repo.head() is None


@either_format
def test_an_object_that_comes_later_is_seen(repo: Repository) -> None:
    """What was looked for in vain is not remembered as missing."""
    head = repo.head()
    assert head
    blob = git(repo.root, "hash-object", "--stdin", data=b"later")
    assert not repo.existing_blobs([blob])
    assert not repo.blob_sizes([blob])
    assert repo.write_blobs([b"later"]) == [blob]
    assert repo.existing_blobs([blob]) == {blob}
    assert repo.blob_sizes([blob]) == {blob: 5}
    tree = git(repo.root, "rev-parse", "HEAD^{tree}")
    made = git(repo.root, "commit-tree", "-m", "made", tree)
    git(repo.root, "commit-tree", "-m", "other", tree)
    assert repo.existing_commits([made, head, blob, tree]) == {made, head}
    with pytest.raises(GitFailed):
        repo.blob_sizes(["HEAD"])


@pytest.mark.parametrize("small", [0, 1_000_000])
def test_one_process_lists_what_two_do(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    commit(repo, {".gitignore": "ignored\n", "gone": "g"})
    write_files(repo.root, {"ignored": "i", "new/file": "n"})
    (repo.root / "gone").unlink()
    monkeypatch.setattr(git_index, "_SMALL", small)
    outputs = list(repo.index.listing_outputs())
    assert len(outputs) == (1 if small else 2)
    paths = {each.path: each.mode for each in repo.index.listing()}
    assert paths == {".gitignore": 0o100644, "README.md": 0o100644, "gone": 0o100644, "new/file": 0}


def test_a_folder_with_magic_in_its_name_is_taken_as_it_is(repo: Repository) -> None:
    name = ":(exclude)[a]*?"
    made = commit(repo, {f"{name}/x": "1", "a/x": "1"})
    assert repo.history.commits_touching(name, head="HEAD") == [made]
    assert on_disk(repo, name) == [f"{name}/x"]
    assert [each.path for each in repo.tree("HEAD", [name])] == [f"{name}/x"]


def test_log_reads_parents_subject_author_and_time(repo: Repository) -> None:
    first = repo.head()
    second = commit(repo, {"a": "1"}, "Sübject — with\nbody")
    [entry, _] = repo.history.log_paths("HEAD")
    assert (entry.id, entry.parents, entry.author) == (second, (first,), "Ada Author")
    assert entry.subject == "Sübject — with body"
    assert entry.time == 1767323045
    assert len(repo.history.log_paths("HEAD", limit=1)) == 1


# ---------------------------------------------------------------- objects and index


@either_format
def test_trees_and_blobs(repo: Repository) -> None:
    write_files(repo.root, {"s/run": "#!", 's/a b\n"ü': "odd", "t/x": "x"})
    (repo.root / "s/run").chmod(0o755)
    (repo.root / "s/link").symlink_to("run")
    commit_all(repo.root)
    tree = {each.path: each for each in repo.tree("HEAD", ["s"])}
    assert sorted(tree) == ['s/a b\n"ü', "s/link", "s/run"]
    assert tree["s/run"].executable
    assert not tree["s/link"].executable
    assert repo.read_blobs([tree["s/link"].blob]) == {tree["s/link"].blob: b"run"}
    assert repo.show("HEAD", 's/a b\n"ü') == b"odd"
    assert repo.show("HEAD", "s") is None
    assert repo.show("HEAD", "none") is None
    assert repo.tree("HEAD", ["s/run/deeper", "none"]) == []


@either_format
@pytest.mark.parametrize("count", [0, 1, 2, 150])
def test_blobs_are_stored_as_they_are(repo: Repository, count: int) -> None:
    contents = [b"\r\n\0 %d\xff" % number for number in range(count)] + [b"", b"same", b"same"]
    git(repo.root, "config", "core.autocrlf", "true")
    ids = repo.write_blobs(contents)
    found = repo.read_blobs(ids)
    assert [found[each] for each in ids] == contents
    assert repo.blob_sizes(ids)[ids[0]] == len(contents[0])


@either_format
def test_a_missing_blob_is_an_error_or_left_out(repo: Repository) -> None:
    head = repo.head()
    assert head
    missing = "1" * len(head)
    with pytest.raises(GitFailed):
        repo.read_blobs([missing])
    assert repo.read_blobs([missing], missing_ok=True) == {}
    with pytest.raises(GitFailed):
        repo.read_blobs(["HEAD\nmain"])


@either_format
def test_listing_honours_gitignore_and_names_each_path_once(repo: Repository) -> None:
    write_files(repo.root, {".gitignore": "*.log\n", "s/a": "", "s/x.log": "", "s/ü\n": ""})
    commit_all(repo.root)
    write_files(repo.root, {"s/new": "", "s/y.log": "", "t/z": ""})
    (repo.root / "s/a").unlink()
    assert on_disk(repo, "s") == ["s/new", "s/ü\n"]
    assert "t/z" in on_disk(repo)
    raw = os.fsencode(repo.root) + b"/s/\xff"
    with open(raw, "wb"):  # noqa: PTH123  # a name that is no text
        pass
    assert os.fsdecode(b"s/\xff") in on_disk(repo, "s")


@either_format
def test_staging_adds_changes_and_removes_also_what_is_ignored(repo: Repository) -> None:
    write_files(repo.root, {".gitignore": ".skillsync\n", "s/.skillsync": "1\n"})
    repo.index.stage(["s/.skillsync", "README.md", "never/was"])
    assert git(repo.root, "diff", "--cached", "--name-only") == "s/.skillsync"
    (repo.root / "s/.skillsync").unlink()
    repo.index.stage(["s/.skillsync"])
    assert git(repo.root, "diff", "--cached", "--name-only") == ""
    repo.index.stage([])


def test_an_index_lock_left_behind_is_an_error_and_reads_go_on(repo: Repository) -> None:
    """14.6 #137."""
    write_files(repo.root, {"new": "n"})
    (repo.root / ".git/index.lock").write_bytes(b"")
    assert "new" in on_disk(repo)
    assert repo.tree("HEAD")
    with pytest.raises(GitFailed, match=r"index\.lock"):
        repo.index.stage(["new"])


def test_questions_leave_the_index_alone(repo: Repository) -> None:
    """P19."""
    index = repo.root / ".git/index"
    os.utime(repo.root / "README.md", (1, 1))
    before = index.read_bytes()
    repo.index.listing()
    repo.index.unmerged()
    repo.history.log_paths("HEAD", ["README.md"])
    assert index.read_bytes() == before


@either_format
def test_a_conflict_is_gits_own_state(repo: Repository) -> None:
    """sync.md 8: status says both modified, a plain commit is refused, staging ends it."""
    path = "skills/a/SKILL.md"
    commit(repo, {path: "base\n"})
    write_files(repo.root, {path: "<<<<<<< local\n"})
    stage_conflict(repo, path, base=b"base\n", local=b"local\n", remote=b"remote\n")
    assert repo.index.unmerged() == {path: {1, 2, 3}}
    assert repo.index.stages(path) == {1: b"base\n", 2: b"local\n", 3: b"remote\n"}
    assert git(repo.root, "status", "--porcelain") == f"UU {path}"
    with pytest.raises(AssertionError, match="unmerged"):
        git(repo.root, "commit", "-m", "no")
    assert on_disk(repo, "skills") == [path]
    git(repo.root, "checkout", "--theirs", "--", path)
    assert (repo.root / path).read_text() == "remote\n"
    repo.index.stage([path])
    assert repo.index.unmerged() == {}
    assert repo.index.stages(path) == {}


@pytest.mark.parametrize(
    ("base", "local", "remote", "stages"),
    [(None, b"l", b"r", {2, 3}), (b"b", None, b"r", {1, 3}), (b"b", b"l", None, {1, 2}),
     (b"", b"", b"r", {1, 2, 3})],
)  # fmt: skip
def test_a_side_without_the_file_has_no_stage(
    repo: Repository,
    base: bytes | None,
    local: bytes | None,
    remote: bytes | None,
    stages: set[int],
) -> None:
    stage_conflict(repo, "x", base=base, local=local, remote=remote)
    assert repo.index.unmerged() == {"x": stages}
    with pytest.raises(GitFailed):
        stage_conflict(repo, "y", base=None, local=None, remote=None)


@either_format
def test_giving_a_conflict_up_restores_heads_entry(repo: Repository) -> None:
    write_files(repo.root, {"tracked": "t"})
    commit_all(repo.root)
    for path in ("tracked", "untracked"):
        stage_conflict(repo, path, base=b"b", local=b"l", remote=b"r", executable=True)
    repo.index.clear_conflict(["tracked", "untracked", "README.md"])
    assert repo.index.unmerged() == {}
    assert git(repo.root, "diff", "--cached", "--name-only") == ""


def test_entries_unmerged_by_the_user_are_seen(repo: Repository) -> None:
    """14.6 #139."""
    git(repo.root, "checkout", "-q", "-b", "side")
    commit(repo, {"README.md": "side\n"})
    git(repo.root, "checkout", "-q", "main")
    commit(repo, {"README.md": "main\n"})
    git(repo.root, "merge", "-q", "side", check=False)
    assert repo.index.unmerged() == {"README.md": {1, 2, 3}}
    assert repo.operations_in_progress() == ["merge"]
    assert on_disk(repo) == ["README.md"]


def test_packed_refs_and_gc_change_no_answer(repo: Repository) -> None:
    """14.6 #137."""
    before = repo.head()
    git(repo.root, "pack-refs", "--all")
    git(repo.root, "gc", "-q")
    assert repo.head() == before
    assert repo.show("HEAD", "README.md") == b"r\n"


def test_what_differs_from_head_is_listed(repo: Repository) -> None:
    write_files(repo.root, {"s/kept": "k", "s/edited": "1", "s/gone": "g", "t/other": "o"})
    commit_all(repo.root)
    write_files(repo.root, {"s/edited": "2", "s/new\n": "n", "s/staged": "s", "t/other": "2"})
    (repo.root / "s/gone").rename(repo.root / "s/moved")
    repo.index.stage(["s/staged", "s/gone", "s/moved"])
    wanted = ["s/edited", "s/gone", "s/moved", "s/new\n", "s/staged"]
    assert repo.index.changed_paths(["s"]) == wanted
    assert repo.index.changed_paths() == [*wanted, "t/other"]


def test_file_modes_may_be_switched_off(repo: Repository) -> None:
    assert repo.has_modes()
    git(repo.root, "config", "core.fileMode", "false")
    assert not repo.has_modes()


# ---------------------------------------------------------------- text merge


def test_merges_lines_of_both_sides(repo: Repository) -> None:
    base = "".join(f"{number}\n" for number in range(20))
    local, remote = base.replace("3\n", "three\n", 1), base.replace("15\n", "fifteen\n")
    merged = repo.merge_file(local, base, remote)
    assert merged.conflicts == 0
    assert merged.text == local.replace("15\n", "fifteen\n")


def test_a_conflict_shows_the_base_and_the_labels(repo: Repository) -> None:
    merged = repo.merge_file(
        "ä\nlocal\n",
        "ä\nbase\n",
        "ä\nremote\n",
        labels=("local (main)", "base (v1)", "--remote\nv2"),
    )
    assert merged.conflicts == 1
    assert merged.text == (
        "ä\n<<<<<<< local (main)\nlocal\n||||||| base (v1)\nbase\n=======\nremote\n>>>>>>> --remote v2\n"
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [("<<<<<<< old\n", 8), (">>>>>>>>>> x\n", 11), ("|||||||\n", 8), ("=======\n", 8),
     ("title\n==========\n", 7), ("x <<<<<<<\n", 7), ("<<<<<<\n", 7), ("<<<<<<< a\n========\n", 9)],
)  # fmt: skip
def test_markers_are_longer_than_what_looks_like_one(
    repo: Repository, text: str, size: int
) -> None:
    """14.6 #51."""
    merged = repo.merge_file(text + "local\n", text + "base\n", text + "remote\n")
    assert merged.marker_size == size
    assert "<" * size + " local\n" in merged.text
    assert merged.conflicts == 1


def test_more_conflicts_than_an_exit_code_holds_are_no_error(repo: Repository) -> None:
    sides = ["".join(f"{n}\n{side}\n{n}\n" for n in range(300)) for side in ("l", "b", "r")]
    assert repo.merge_file(*sides).conflicts == 127


def test_a_text_git_takes_for_binary_is_an_error(repo: Repository) -> None:
    with pytest.raises(GitFailed):
        repo.merge_file("a\0", "b\0", "c\0")


@either_format
def test_commits_elsewhere_are_found_on_every_ref_stash_and_reflog(repo: Repository) -> None:
    """With the paths that each touches below the roots; our own refs and what HEAD holds are left out."""
    first = commit(repo, {"skills/a/SKILL.md": "1\n", "other": "1\n"})
    git(repo.root, "switch", "-q", "-c", "side")
    side = commit(repo, {"skills/a/SKILL.md": "2\n", "skills/b/x y": "2\n"})
    unrelated = commit(repo, {"other": "2\n"})
    lost = commit(repo, {"skills/a/lost": "3\n"})
    git(repo.root, "reset", "-q", "--hard", unrelated)
    git(repo.root, "switch", "-q", "main")
    rescued = git(repo.root, "commit-tree", f"{lost}^{{tree}}", "-p", first, "-m", "rescue")
    git(repo.root, "update-ref", "refs/skillsync/rescue/1", rescued)
    write_files(repo.root, {"skills/a/SKILL.md": "stashed\n"})
    git(repo.root, "stash", "-q")
    (stash,) = repo.history.stashes()
    found = repo.history.commits_elsewhere(["skills"], head=repo.head())
    assert {commit: sorted(set(paths)) for commit, paths in found.items()} == {
        side: ["skills/a/SKILL.md", "skills/b/x y"],
        lost: ["skills/a/lost"],
        stash: ["skills/a/SKILL.md"],
    }
    assert first in repo.history.commits_elsewhere(["."], head=None)


def test_what_git_ignores_is_told_of_any_path_and_never_of_a_tracked_one(repo: Repository) -> None:
    write_files(repo.root, {".gitignore": "*.log\nbuild/\n", "s/kept.log": "", "s/odd\nname": ""})
    git(repo.root, "add", "-f", "s/kept.log")
    (repo.root / "s/link").symlink_to("/etc")
    asked = ["s/kept.log", "s/x.log", "s/build/deep/y", "s/odd\nname", "s/plain", "s/link/x.log"]
    assert repo.index.ignored(asked) == {"s/x.log", "s/build/deep/y"}
    assert repo.index.ignored(["s/link/x.log"]) == repo.index.ignored([]) == frozenset()


def test_a_revision_names_its_commit_without_a_process(make_repo: MakeRepo) -> None:
    root = make_repo(files={"a": "1"})
    head = git(root, "rev-parse", "HEAD")
    git(root, "tag", "-a", "v1", "-m", "tag")
    repo = Repository.open(root)
    assert [repo.commit_of(name) for name in ("main", "v1", head, "HEAD")] == [head] * 4
    assert [repo.commit_of(name) for name in ("gone", "main:a", "a\nb", "main~5")] == [None] * 4
    with pytest.raises(GitFailed):
        repo.commit_of("--all")
    repo.close()
