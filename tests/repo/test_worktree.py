"""What counts as a skill's or dataset's files, in the working tree and in a commit, whatever lies around."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from skillsync.errors import ConfigError, GitFailed
from skillsync.model import Entry, Folder
from skillsync.repo.disk import TEMP_PREFIX
from skillsync.repo.git import Repository
from skillsync.repo.git_formats import parse_denied
from skillsync.repo.handles import open_file, read_descriptor
from skillsync.repo.worktree import Link, Scan, read_folder, read_folders, stat_scan
from tests.conftest import MakeRepo
from tests.world import commit_all, git, tree_of, write_files

SKILL = "---\nname: a\n---\nbody\n"


@pytest.fixture
def repo(make_repo: MakeRepo) -> Repository:
    files: dict[str, str | bytes] = {
        "skills/a/SKILL.md": SKILL,
        "skills/a/.skillsync": "pointer\n",
        "skills/a/ref/x.md": "x\n",
        "skills/a/inner/SKILL.md": "inner\n",
        "skills/a/inner/y.md": "y\n",
        "skills/group/deep/b/SKILL.md": "b\n",
        ".agents/skills/c/SKILL.md": "c\n",
        "datasets/d/items.jsonl": "{}\n",
        "datasets/d/DATASET.md": "d\n",
        "datasets/d/notes.txt": "not sent\n",
        "datasets/d/.skillsync": "p\n",
        "datasets/d/.skillsync.rows": "r\n",
        "elsewhere/e/SKILL.md": "e\n",
    }
    return Repository.open(make_repo(files=files))


def scan(repo: Repository, **how: object) -> Scan:
    return read_folders(repo, dataset_roots=["datasets"], **how)  # type: ignore[arg-type]  # keywords of the test


def paths(folder: Folder) -> list[str]:
    return [entry.path for entry in folder.entries]


def skill(found: Scan, where: str = "skills/a") -> Folder:
    [folder] = [each for each in found.skills if each.dir == where]
    return folder


@pytest.mark.parametrize("commit", [None, "HEAD"])
def test_finds_skills_and_datasets_below_the_roots(repo: Repository, commit: str | None) -> None:
    found = scan(repo, commit=commit)
    assert {folder.dir: paths(folder) for folder in found.skills} == {
        ".agents/skills/c": ["SKILL.md"],
        "skills/a": ["SKILL.md", "ref/x.md"],
        "skills/a/inner": ["SKILL.md", "y.md"],
        "skills/group/deep/b": ["SKILL.md"],
    }
    assert found.skills[1] == Folder(
        "skills/a",
        (Entry("SKILL.md", SKILL.encode(), len(SKILL)), Entry("ref/x.md", b"x\n", 2)),
        pointer=b"pointer\n",
    )
    [dataset] = found.datasets
    assert dataset == Folder(
        "datasets/d",
        (Entry("DATASET.md", b"d\n", 2), Entry("items.jsonl", b"{}\n", 3)),
        pointer=b"p\n",
        rows=b"r\n",
    )
    assert not found.problems
    assert not found.gone


def test_a_skill_at_the_root_needs_the_root_configured(repo: Repository) -> None:
    write_files(repo.root, {"SKILL.md": "whole\n"})
    assert "" not in {folder.dir for folder in scan(repo).skills}
    found = scan(repo, skill_roots=["."])
    whole = skill(found, "")
    assert "elsewhere/e/SKILL.md" not in paths(whole)
    assert "datasets/d/notes.txt" not in paths(whole)
    assert paths(whole) == ["SKILL.md"]
    assert {folder.dir for folder in found.skills} >= {"elsewhere/e", "skills/a", ""}
    assert [folder.dir for folder in found.datasets] == ["datasets/d"]


@pytest.mark.parametrize("root", ["/etc", "../x", "a/../../x", ".git", "x/.Git"])
def test_a_root_outside_the_repository_is_refused(repo: Repository, root: str) -> None:
    with pytest.raises(ConfigError):
        read_folders(repo, skill_roots=[root])


@pytest.mark.parametrize("root", ["skills", "./skills", "skills/", "skills/./"])
def test_a_root_may_be_spelled_in_several_ways(repo: Repository, root: str) -> None:
    assert len(read_folders(repo, skill_roots=[root]).skills) == 3


def test_ignored_and_never_sent_files_are_invisible(repo: Repository) -> None:
    write_files(
        repo.root,
        {
            ".gitignore": "*.log\n",
            "skills/a/x.log": "ignored",
            "skills/a/.DS_Store": "",
            "skills/a/__pycache__/m.cpython.pyc": "",
            f"skills/a/{TEMP_PREFIX}1-1": "",
            "skills/a/.skillsync.rows": "rows\n",
            "skills/a/.env": "sent to the checks\n",
            "skills/a/untracked.md": "u",
        },
    )
    folder = skill(scan(repo))
    assert paths(folder) == [".env", "SKILL.md", "ref/x.md", "untracked.md"]
    assert folder.rows == b"rows\n"


def test_only_narrows_what_is_read(repo: Repository) -> None:
    for commit in (None, "HEAD"):
        found = scan(repo, only={"skills/a", "datasets/none"}, commit=commit)
        assert [folder.dir for folder in found.skills] == ["skills/a"]
        assert found.datasets == ()


# ---------------------------------------------------------------- links and odd files


def test_links_are_entries_and_lead_nowhere(repo: Repository, tmp_path: Path) -> None:
    """14.6 #23."""
    outside = tmp_path / "outside"
    write_files(outside, {"secret.txt": "secret"})
    (repo.root / "skills/a/file").symlink_to(outside / "secret.txt")
    (repo.root / "skills/a/folder").symlink_to(outside, target_is_directory=True)
    before = scan(repo)
    commit_all(repo.root)
    for found in (before, scan(repo), scan(repo, commit="HEAD")):
        folder = skill(found)
        assert paths(folder) == ["SKILL.md", "file", "folder", "ref/x.md"]
        for name, target in (("file", outside / "secret.txt"), ("folder", outside)):
            entry = folder.entry(name)
            assert entry is not None
            assert (entry.kind, entry.data, entry.target) == ("symlink", None, str(target))


def test_a_folder_replaced_by_a_link_is_not_read_through_it(
    repo: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    write_files(outside, {"x.md": "secret"})
    (repo.root / "skills/a/ref/x.md").unlink()
    (repo.root / "skills/a/ref").rmdir()
    (repo.root / "skills/a/ref").symlink_to(outside, target_is_directory=True)
    folder = skill(scan(repo))
    assert paths(folder) == ["SKILL.md", "ref"]
    assert not any(entry.data == b"secret" for entry in folder.entries)


def test_links_that_lead_to_skills_are_named(repo: Repository) -> None:
    (repo.root / "skills/mirror").symlink_to("a", target_is_directory=True)
    (repo.root / "skills/all").symlink_to("../skills/group", target_is_directory=True)
    (repo.root / "skills/none").symlink_to("../README.md")
    write_files(repo.root, {"skills/m/README.md": "m"})
    (repo.root / "skills/m/SKILL.md").symlink_to("../a/SKILL.md")
    wanted = (
        Link("skills/all", "../skills/group"),
        Link("skills/m/SKILL.md", "../a/SKILL.md"),
        Link("skills/mirror", "a"),
    )
    found = scan(repo)
    assert found.links == wanted
    assert "skills/m" not in {folder.dir for folder in found.skills}
    commit_all(repo.root)
    assert scan(repo, commit="HEAD").links == wanted


def test_case_variants_make_no_skill_and_are_named(repo: Repository) -> None:
    write_files(
        repo.root, {"skills/v/Skill.md": "v", "skills/a/sub/skill.md": "fine", "x/skill.md": "x"}
    )
    commit_all(repo.root)
    for commit in (None, "HEAD"):
        found = scan(repo, commit=commit)
        assert "skills/v" not in {folder.dir for folder in found.skills}
        assert [(each.code, each.path) for each in found.problems] == [
            ("E-SKILL-CASE", "skills/v/Skill.md")
        ]


def test_submodules_and_repositories_inside_are_no_files(
    repo: Repository, make_repo: MakeRepo
) -> None:
    other = make_repo("other", files={"SKILL.md": "foreign\n"})
    git(repo.root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
        str(other), "skills/a/module")  # fmt: skip
    commit_all(repo.root)
    git(repo.root, "clone", "-q", str(other), "skills/a/inside")
    folder = skill(scan(repo))
    for name in ("module", "inside"):
        entry = folder.entry(name)
        assert entry is not None
        assert (entry.kind, entry.data) == ("other", None)
    assert not any(path.startswith("module/") for path in paths(folder))
    committed = skill(scan(repo, commit="HEAD")).entry("module")
    assert committed is not None
    assert committed.kind == "other"


def test_a_pipe_does_not_block_and_a_folder_in_a_files_place_is_no_file(repo: Repository) -> None:
    """14.6 #29: a tracked file became a pipe, another a folder."""
    for name in ("SKILL.md", "y.md"):
        (repo.root / "skills/a/inner" / name).unlink()
    os.mkfifo(repo.root / "skills/a/inner/y.md")
    write_files(repo.root, {"skills/a/inner/SKILL.md/now": "a folder"})
    found = scan(repo)
    entry = skill(found).entry("inner/y.md")
    assert entry is not None
    assert (entry.kind, entry.data) == ("other", None)
    assert "skills/a/inner" not in {folder.dir for folder in found.skills}


def test_executable_bits_are_read_and_where_files_have_no_modes_from_the_index(
    repo: Repository,
) -> None:
    write_files(repo.root, {"skills/a/run": "#!", "skills/a/new": "#!"})
    (repo.root / "skills/a/run").chmod(0o755)
    commit_all(repo.root)

    def runnable(**how: object) -> list[str]:
        return [entry.path for entry in skill(scan(repo, **how)).entries if entry.executable]

    assert runnable() == runnable(commit="HEAD") == ["run"]
    git(repo.root, "config", "core.fileMode", "false")
    (repo.root / "skills/a/run").chmod(0o644)
    (repo.root / "skills/a/new").chmod(0o755)
    assert runnable() == ["run"]


def test_a_huge_file_is_not_read(repo: Repository) -> None:
    """14.6 #33: 10 GB that take no space."""
    with (repo.root / "skills/a/huge.bin").open("wb") as file:
        file.truncate(10_000_000_000)
    with (repo.root / "datasets/d/items.jsonl").open("wb") as file:
        file.truncate(3_000_000_000)
    found = scan(repo)
    entry = skill(found).entry("huge.bin")
    assert entry == Entry("huge.bin", None, 10_000_000_000)
    assert found.datasets[0].entry("items.jsonl") == Entry("items.jsonl", None, 3_000_000_000)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(3, marks=pytest.mark.slow),
        pytest.param(100, marks=pytest.mark.soak),
    ],
)
@pytest.mark.parametrize("commit", [None, "HEAD"])
def test_a_thousand_skills_are_found_whole(
    repo: Repository, commit: str | None, files: int
) -> None:
    """14.6 #33: with 100 files each they are 100,000 files."""
    for number in range(1000):
        folder = repo.root / f"skills/s{number}/refs"
        folder.mkdir(parents=True)
        (folder.parent / "SKILL.md").write_text(SKILL)
        for count in range(files - 1):
            (folder / f"{count}.md").write_text(f"{number} {count}\n")
    if commit:
        commit_all(repo.root)
    found = scan(repo, commit=commit)
    assert {each.dir for each in found.skills} >= {f"skills/s{number}" for number in range(1000)}
    there = skill(found, "skills/s999")
    assert (len(there.entries), there.entries[-1].data) == (files, f"999 {files - 2}\n".encode())


@pytest.mark.parametrize("when", [0, -86400, 2**31, 2**32 + 5, 2**33])
def test_odd_times_change_nothing(repo: Repository, when: int) -> None:
    """14.6 #35."""
    os.utime(repo.root / "skills/a/SKILL.md", (when, when))
    assert skill(scan(repo)).entry("SKILL.md") == Entry("SKILL.md", SKILL.encode(), len(SKILL))
    assert stat_scan(repo)["skills/a"][1].mtime_ns == when * 1_000_000_000


def test_names_that_are_no_text_are_entries_too(repo: Repository) -> None:
    """14.6 #21: the checks refuse them, the reader does not fall over."""
    odd = os.fsdecode(b"ref/\xff\xfe")
    (repo.root / "skills/a" / odd).write_bytes(b"x")
    write_files(repo.root, {"skills/a/new\nline": "n"})
    assert odd in paths(skill(scan(repo)))
    commit_all(repo.root)
    assert odd in paths(skill(scan(repo, commit="HEAD")))


def test_a_file_that_never_holds_still_costs_its_own_object_alone(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """9.2 step 1: stat, read, stat."""
    target = repo.root / "skills/a/ref/x.md"
    real = read_descriptor
    tries = []

    def read(descriptor: int, limit: int) -> bytes:
        data = real(descriptor, limit)
        if os.fstat(descriptor).st_ino == target.stat().st_ino:
            tries.append(1)
            with target.open("ab") as file:
                file.write(b"more\n")
        return data

    monkeypatch.setattr("skillsync.repo.worktree.read_descriptor", read)
    found = scan(repo)
    assert len(tries) > 1
    assert "skills/a" not in {folder.dir for folder in found.skills}
    assert "skills/a/inner" in {folder.dir for folder in found.skills}
    assert found.unread == {"skills/a"}
    assert found.gone == ()
    assert [(each.code, each.subject) for each in found.problems] == [
        ("E-LOCAL-CHANGED", "skills/a")
    ]


def test_a_file_that_may_not_be_read_costs_its_own_object_alone(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, name: str) -> int:
        if name == "x.md":
            raise PermissionError(13, "Permission denied")
        return open_file(handle, name)

    monkeypatch.setattr("skillsync.repo.worktree.open_file", refuse)
    found = scan(repo)
    assert found.unread == {"skills/a"}
    assert "skills/a/inner" in {folder.dir for folder in found.skills}
    assert [(each.code, each.path) for each in found.problems] == [
        ("E-UNREADABLE", "skills/a/ref/x.md")
    ]


@pytest.mark.parametrize(
    ("folder", "unread"), [("skills/a/ref", {"skills/a"}), ("skills/group/deep", set())]
)
def test_what_is_behind_a_folder_that_may_not_be_opened_is_not_deleted(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, folder: str, unread: set[str]
) -> None:
    write_files(repo.root, {"skills/group/deep/b/.skillsync": "p\n"})
    commit_all(repo.root)
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        if path.startswith(f"{repo.root}/{folder}/"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("skillsync.repo.worktree.os.lstat", lstat)
    found = scan(repo)
    assert found.unread == unread
    assert found.gone == ()


def test_git_says_which_untracked_folders_it_could_not_open() -> None:
    complaint = (
        "warning: could not open directory 'skills/a/it's/': Permission denied\nhint: no\n"
        "warning: could not open directory 'b': Permission denied\n"
    )
    assert [each.path for each in parse_denied(complaint)] == ["skills/a/it's", "b"]


def test_a_pointer_that_is_a_link_or_huge_is_none_and_reported(repo: Repository) -> None:
    """14.6 #133."""
    pointer = repo.root / "skills/a/.skillsync"
    pointer.unlink()
    pointer.symlink_to("SKILL.md")
    with (repo.root / "datasets/d/.skillsync").open("wb") as file:
        file.truncate(11_000_000)
    for commit in (None, "HEAD"):
        found = scan(repo, commit=commit)
        assert skill(found).pointer is None
        assert found.datasets[0].pointer is None
        assert [(each.code, each.path) for each in found.problems] == [
            ("E-POINTER", "skills/a/.skillsync"),
            ("E-POINTER", "datasets/d/.skillsync"),
        ]
        commit_all(repo.root)


def test_a_stray_pointer_inside_a_skill_takes_no_files_away(repo: Repository) -> None:
    write_files(repo.root, {"skills/a/ref/.skillsync": "stray\n"})
    (repo.root / "skills/a/inner/SKILL.md").unlink()
    found = scan(repo)
    assert paths(skill(found)) == ["SKILL.md", "inner/y.md", "ref/x.md"]
    assert skill(found, "skills/a/ref") == Folder("skills/a/ref", (), pointer=b"stray\n")


# ---------------------------------------------------------------- deleted and gone


def test_a_skill_without_its_file_but_with_its_pointer_is_still_listed(repo: Repository) -> None:
    (repo.root / "skills/a/SKILL.md").unlink()
    (repo.root / "datasets/d/items.jsonl").unlink()
    (repo.root / "datasets/d/DATASET.md").unlink()
    found = scan(repo)
    assert paths(skill(found)) == ["ref/x.md"]
    assert skill(found).pointer == b"pointer\n"
    assert found.datasets == (Folder("datasets/d", (), b"p\n", b"r\n"),)
    assert found.gone == ()


def test_a_folder_that_is_gone_is_listed_with_heads_pointer(repo: Repository) -> None:
    """S13, D4."""
    write_files(repo.root, {"skills/a/.skillsync": "uncommitted\n"})
    git(repo.root, "rm", "-rqf", "skills/a", "datasets/d")
    found = scan(repo)
    assert found.gone == (
        Folder("datasets/d", (Entry("DATASET.md", b"d\n", 2),), b"p\n", b"r\n"),
        Folder("skills/a", (Entry("SKILL.md", SKILL.encode(), len(SKILL)),), b"pointer\n"),
    )
    assert scan(repo, only={"skills/a"}).gone == found.gone[1:]
    commit_all(repo.root)
    assert scan(repo).gone == ()


def test_a_staged_pointer_that_is_gone_from_disk_is_found_in_the_index(repo: Repository) -> None:
    write_files(repo.root, {"skills/new/SKILL.md": "n\n", "skills/new/.skillsync": "np\n"})
    git(repo.root, "add", "skills/new")
    for name in ("SKILL.md", ".skillsync"):
        (repo.root / "skills/new" / name).unlink()
    [gone] = scan(repo).gone
    assert (gone.dir, gone.pointer) == ("skills/new", b"np\n")


def test_what_a_sparse_checkout_leaves_out_is_not_deleted(repo: Repository) -> None:
    """14.6 #125: it stands in the index."""
    (repo.root / "skills/a/ref/x.md").chmod(0o755)
    commit_all(repo.root)
    whole = scan(repo)
    git(repo.root, "sparse-checkout", "set", "--no-cone", "/README.md", "/.agents/")
    assert not (repo.root / "skills").exists()
    found = scan(repo)
    assert found.skills == whole.skills
    assert found.datasets == whole.datasets
    assert found.gone == ()
    assert set(stat_scan(repo)) == {folder.dir for folder in whole.skills}


def test_an_unborn_repository_has_what_is_on_disk(make_repo: MakeRepo) -> None:
    """14.6 #127."""
    repo = Repository.open(make_repo(commit=False, files={"skills/a/SKILL.md": SKILL}))
    assert [folder.dir for folder in scan(repo).skills] == ["skills/a"]


def test_a_submitted_gitignore_that_hides_everything_does_not_hide_what_is_tracked(
    repo: Repository,
) -> None:
    """14.6 #135."""
    write_files(repo.root, {".gitignore": "*\n", "skills/new/SKILL.md": "hidden"})
    found = scan(repo)
    assert "skills/a" in {folder.dir for folder in found.skills}
    assert "skills/new" not in {folder.dir for folder in found.skills}


def test_a_conflicted_file_is_read_once_as_it_is_on_disk(repo: Repository) -> None:
    """14.6 #139."""
    path = "skills/a/SKILL.md"
    blobs = repo.write_blobs([b"b", b"l", b"r"])
    repo.index.stage_blobs({path: dict(enumerate(blobs, start=1))})
    write_files(repo.root, {path: "<<<<<<< local\n"})
    assert paths(skill(scan(repo))) == ["SKILL.md", "ref/x.md"]
    assert skill(scan(repo)).entry("SKILL.md") == Entry("SKILL.md", b"<<<<<<< local\n", 14)


def test_a_dataset_inside_a_skill_is_the_skills_file(repo: Repository) -> None:
    write_files(repo.root, {"skills/a/data/items.jsonl": "{}\n", "datasets/items.jsonl": "{}\n"})
    found = scan(repo)
    assert "data/items.jsonl" in paths(skill(found))
    assert [folder.dir for folder in found.datasets] == ["datasets/d"]


def test_reading_changes_nothing(repo: Repository) -> None:
    """P19."""
    before, index = tree_of(repo.root), (repo.root / ".git/index").read_bytes()
    scan(repo)
    stat_scan(repo)
    assert tree_of(repo.root) == before
    assert (repo.root / ".git/index").read_bytes() == index


def test_a_stat_scan_names_the_same_files_and_reads_none(repo: Repository) -> None:
    stats = stat_scan(repo, dataset_roots=["datasets"])
    found = scan(repo)
    for folder in (*found.skills, *found.datasets):
        beside = [".skillsync"] if folder.pointer else []
        beside += [".skillsync.rows"] if folder.rows else []
        assert [each.path for each in stats[folder.dir]] == sorted([*paths(folder), *beside])
    assert len(stats) == 5


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_one_folder_of_a_commit_is_as_in_the_whole_commit(
    make_repo: MakeRepo, object_format: str, tmp_path: Path
) -> None:
    """Whatever lies around it: objects in objects, stray pointers, links, submodules, odd names, huge files."""
    repo = Repository.open(make_repo(object_format=object_format))
    write_files(
        repo.root,
        {
            "skills/a/SKILL.md": SKILL,
            "skills/a/.skillsync": "pointer\n",
            "skills/a/ref/x.md": "x\n",
            "skills/a/ref/.skillsync": "stray\n",
            "skills/a/inner/SKILL.md": "inner\n",
            "skills/a/inner/deep/y.md": "y\n",
            "skills/a/data/items.jsonl": "{}\n",
            "skills/a/__pycache__/x.pyc": b"\0",
            "skills/a/two words/\xe9": "odd\n",
            "skills/a/huge": b"\0" * 8_000_001,
            "skills/a.b/SKILL.md": "a neighbour in git's order\n",
            "skills/gone/.skillsync": "alone\n",
            "skills/gone/other/SKILL.md": "other\n",
            "skills/lower/skill.md": "no skill\n",
            "datasets/d/items.jsonl": "{}\n",
            "datasets/d/.skillsync.rows": "r\n",
            "datasets/d/notes.txt": "not sent\n",
            "datasets/DATASET.md": "the root is none\n",
            "elsewhere/SKILL.md": "outside\n",
        },
    )
    (repo.root / "skills/a/ref/x.md").chmod(0o755)
    (repo.root / "skills/a/link").symlink_to("ref/x.md")
    (repo.root / "skills/linked").symlink_to("a", target_is_directory=True)
    git(repo.root, "init", "-q", f"--object-format={object_format}", "skills/a/module")
    write_files(repo.root / "skills/a/module", {"f": "f"})
    commit_all(repo.root / "skills/a/module")
    commit = commit_all(repo.root)
    roots: dict[str, Any] = {"skill_roots": ["skills"], "dataset_roots": ["datasets"]}
    scanned = read_folders(repo, commit=commit, **roots)
    whole = {folder.dir: folder for folder in (*scanned.skills, *scanned.datasets)}
    assert {"skills/a", "skills/a/inner", "skills/gone", "datasets/d"} < set(whole)
    asked = {path.rpartition("/")[0] for path in tree_of(repo.root)} | {"skills/linked", "none"}
    for folder in sorted(asked):
        assert read_folder(repo, commit, folder, **roots) == whole.get(folder), folder


def test_a_folder_of_a_commit_that_is_not_here_is_an_error(repo: Repository) -> None:
    with pytest.raises(GitFailed):
        read_folder(repo, "1" * 40, "skills/a")
    assert read_folder(repo, "HEAD", "skills/none") is None


def test_a_folder_whose_name_holds_a_line_end_is_read_too(repo: Repository) -> None:
    write_files(repo.root, {"skills/a\nb/SKILL.md": SKILL})
    commit = commit_all(repo.root)
    [wanted] = [one for one in scan(repo, commit=commit).skills if one.dir == "skills/a\nb"]
    assert read_folder(repo, commit, "skills/a\nb") == wanted
