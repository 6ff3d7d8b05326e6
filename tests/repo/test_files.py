"""Files are written whole or not at all, only when they are as planned, and never through a link."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillsync.errors import InvalidContent, LocalChanged, SkillsyncError
from skillsync.model import FileChange
from skillsync.repo.disk import TEMP_PREFIX
from skillsync.repo.files import (
    apply_all,
    apply_changes,
    clean_leftovers,
    read_current,
    write_atomic,
)
from tests.failing import DISK_FULL, Crash, FailingDisk, When
from tests.world import tree_of, write_files


def change(
    path: str, before: bytes | None, after: bytes | None, executable: bool | None = None
) -> FileChange:
    return FileChange(path, before, after, executable)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    write_files(path, {"skills/a/SKILL.md": "one\n", "skills/a/x/y.txt": "deep\n"})
    return path


def test_writes_replaces_and_deletes(root: Path) -> None:
    apply_changes(
        root,
        "skills/a",
        [
            change("SKILL.md", b"one\n", b"two\n"),
            change("x/y.txt", b"deep\n", None),
            change("new/er/file", None, b"new"),
        ],
    )
    assert tree_of(root) == {"skills/a/SKILL.md": b"two\n", "skills/a/new/er/file": b"new"}
    assert not (root / "skills/a/x").exists(), "a folder that became empty is removed"


def test_no_changes_touch_nothing(root: Path) -> None:
    disk = FailingDisk()
    apply_changes(root, "skills/a", [], disk=disk)
    assert disk.count == 0


def test_a_file_that_is_as_wanted_keeps_inode_and_times(root: Path) -> None:
    before = (root / "skills/a/SKILL.md").stat()
    apply_changes(root, "skills/a", [change("SKILL.md", b"zero", b"one\n")])
    after = (root / "skills/a/SKILL.md").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_deleting_the_last_file_removes_the_folder_but_not_the_root(root: Path) -> None:
    changes = [change("SKILL.md", b"one\n", None), change("x/y.txt", b"deep\n", None)]
    apply_changes(root, "skills/a", changes)
    assert (root / "skills").is_dir()
    assert not (root / "skills/a").exists()
    write_files(root, {"top": "t"})
    apply_changes(root, "", [change("top", b"t", None)])
    assert root.is_dir()


@pytest.mark.parametrize(
    "wrong",
    [
        change("SKILL.md", b"other", b"two"),
        change("SKILL.md", None, b"two"),
        change("SKILL.md", b"other", None),
        change("gone", b"was", b"is"),
    ],
)
def test_a_file_that_is_not_as_planned_stops_everything_before_the_first_write(
    root: Path, wrong: FileChange
) -> None:
    before = tree_of(root)
    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("fresh", None, b"x"), wrong])
    assert tree_of(root) == before


def test_an_edit_between_check_and_rename_survives(root: Path) -> None:
    class Editor(FailingDisk):
        def write_temp(
            self, name: str, data: bytes | Iterable[bytes], *, at: int, mode: int | None, sync: bool
        ) -> None:
            super().write_temp(name, data, at=at, mode=mode, sync=sync)
            (root / "skills/a/SKILL.md").write_bytes(b"my edit\n")

    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("SKILL.md", b"one\n", b"two\n")], disk=Editor())
    assert tree_of(root)["skills/a/SKILL.md"] == b"my edit\n"
    assert not [name for name in tree_of(root) if TEMP_PREFIX in name]


def test_a_file_born_meanwhile_is_not_overwritten(root: Path) -> None:
    class Editor(FailingDisk):
        def create(self, temp: str, name: str, *, at: int) -> None:
            (root / "skills/a/new").write_bytes(b"mine")
            super().create(temp, name, at=at)

    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("new", None, b"x")], disk=Editor())
    assert tree_of(root)["skills/a/new"] == b"mine"
    assert not [name for name in tree_of(root) if TEMP_PREFIX in name]


@pytest.mark.parametrize(
    "path",
    ["../out", "/etc/x", "a/../../x", "a//b", "", ".", "a/.", ".git/config", "x/.GIT/y", "n\0"],
)
def test_a_path_that_could_leave_is_refused(root: Path, path: str) -> None:
    before = tree_of(root.parent)
    with pytest.raises(InvalidContent):
        apply_changes(root, "skills/a", [change(path, None, b"x")])
    with pytest.raises(InvalidContent):
        apply_changes(root, "../skills", [change("x", None, b"x")])
    assert tree_of(root.parent) == before


# ---------------------------------------------------------------- links and odd things


@pytest.mark.parametrize("after", [b"x", None])
def test_a_link_is_never_written_through_replaced_or_deleted(
    root: Path, tmp_path: Path, after: bytes | None
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    (root / "skills/a/link").symlink_to(outside)
    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("link", b"secret", after)])
    assert outside.read_bytes() == b"secret"
    assert (root / "skills/a/link").is_symlink()


def test_a_dangling_link_is_not_a_missing_file(root: Path, tmp_path: Path) -> None:
    (root / "skills/a/link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("link", None, b"x")])
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_written_behind_a_linked_folder(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "skills/a/linked").symlink_to(outside, target_is_directory=True)
    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("linked/x", None, b"x")])
    (root / "elsewhere").symlink_to(outside, target_is_directory=True)
    with pytest.raises(LocalChanged):
        apply_changes(root, "elsewhere/a", [change("x", None, b"x")])
    assert list(outside.iterdir()) == []


def test_a_pipe_does_not_block_and_is_left_alone(root: Path) -> None:
    os.mkfifo(root / "skills/a/pipe")
    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("pipe", b"", b"x")])
    assert stat.S_ISFIFO((root / "skills/a/pipe").lstat().st_mode)


SWAP_FOLDER = """
import itertools, os, sys
root, outside = sys.argv[1:]
os.chdir(root)
for number in itertools.count():
    try:
        os.rename("door", f"aside{number}")
        os.symlink(outside, "door")
        os.unlink("door")
        os.mkdir("door")
        for _ in range(number % 200):
            os.stat(".")
    except OSError:
        pass  # the writer made the folder anew in between
"""

SWAP_FILE = """
import os, sys
root, outside = sys.argv[1:]
os.chdir(root)
while True:
    os.symlink(outside, "link")
    os.replace("link", "file")
    with open("plain", "wb") as file:
        file.write(b"plain")
    os.replace("plain", "file")
    for _ in range(20):
        os.stat(".")
"""


@contextmanager
def swapping(code: str, root: Path, outside: Path) -> Iterator[None]:
    """Run an adversary in a process of its own while the block runs."""
    adversary = subprocess.Popen([sys.executable, "-c", code, str(root), str(outside)])
    try:
        yield
        assert adversary.poll() is None, "the adversary was there to the end"
    finally:
        adversary.kill()
        adversary.wait()


def test_a_folder_swapped_for_a_link_never_leads_a_write_outside(tmp_path: Path) -> None:
    """14.6 #25: another process swaps the folder for a link to elsewhere all the time."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (root / "door").mkdir(parents=True)
    written = refused = 0
    with swapping(SWAP_FOLDER, root, outside):
        for number in range(20_000):
            try:
                apply_changes(root, "door/in", [change(f"f{number}", None, b"x" * 100)])
                written += 1
            except (SkillsyncError, OSError):
                refused += 1
            assert os.listdir(outside) == []  # noqa: PTH208  # this runs thousands of times
            if number >= 300 and min(written, refused) >= 20:
                break
    assert list(outside.iterdir()) == []
    assert written, "some writes went through, so the race was tried"
    assert refused


@pytest.mark.parametrize("when", range(1, 20))
def test_a_folder_swapped_for_a_link_at_any_effect_never_leads_outside(
    tmp_path: Path, when: int
) -> None:
    """14.6 #25, at every single effect."""
    root, outside = make(tmp_path / "root"), tmp_path / "outside"
    write_files(outside, {"SKILL.md": "one\n", "x/y.txt": "deep\n", "z": "zz\n", "bin/run": "mine"})
    before = tree_of(outside)

    class Swapper(FailingDisk):
        def begin(self, what: str) -> int:
            if self.count + 1 == when:
                (root / "s").rename(root / "aside")
                (root / "s").symlink_to(outside, target_is_directory=True)
            return super().begin(what)

    with suppress(SkillsyncError, OSError):
        apply_changes(root, "s", plan(), disk=Swapper())
    assert tree_of(outside) == before


def test_a_file_swapped_for_a_link_is_never_written_through(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write_files(root, {"file": "plain"})
    outside.write_bytes(b"secret")
    with swapping(SWAP_FILE, root, outside):
        for number in range(300):
            with suppress(SkillsyncError, OSError):
                apply_changes(root, "", [change("file", b"plain", b"mine %d" % number)])
            assert outside.read_bytes() == b"secret"


def test_a_hard_link_to_a_file_outside_is_cut_not_followed(root: Path, tmp_path: Path) -> None:
    """14.6 #27."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"shared")
    os.link(outside, root / "skills/a/hard")
    apply_changes(root, "skills/a", [change("hard", b"shared", b"mine")])
    assert outside.read_bytes() == b"shared"
    assert tree_of(root)["skills/a/hard"] == b"mine"


def test_a_file_may_become_a_folder_and_a_folder_a_file(root: Path) -> None:
    """14.6 #29, as a plan."""
    apply_changes(
        root,
        "skills/a",
        [change("SKILL.md/part", None, b"p"), change("SKILL.md", b"one\n", None),
         change("x", None, b"file"), change("x/y.txt", b"deep\n", None)],
    )  # fmt: skip
    assert tree_of(root) == {"skills/a/SKILL.md/part": b"p", "skills/a/x": b"file"}


def test_a_file_that_became_a_folder_is_left_alone(root: Path) -> None:
    (root / "skills/a/SKILL.md").unlink()
    write_files(root, {"skills/a/SKILL.md/inner": "i"})
    before = tree_of(root)
    with pytest.raises(LocalChanged):
        apply_changes(root, "skills/a", [change("SKILL.md", b"one\n", b"two\n")])
    with pytest.raises((LocalChanged, OSError)):
        apply_changes(root, "skills/a", [change("SKILL.md", None, b"two\n")])
    assert tree_of(root) == before


# ---------------------------------------------------------------- modes


@pytest.mark.parametrize(
    ("mask", "plain", "runnable"),
    [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o000, 0o666, 0o777)],
)
def test_new_files_obey_the_umask(root: Path, mask: int, plain: int, runnable: int) -> None:
    """14.6 #41."""
    os.umask(mask)
    apply_changes(
        root, "skills/a", [change("n", None, b""), change("d/s", None, b"#!", executable=True)]
    )
    assert stat.S_IMODE((root / "skills/a/n").stat().st_mode) == plain
    assert stat.S_IMODE((root / "skills/a/d/s").stat().st_mode) == runnable
    assert stat.S_IMODE((root / "skills/a/d").stat().st_mode) == 0o777 & ~mask


@pytest.mark.parametrize(
    ("mode", "executable", "result"),
    [(0o640, None, 0o640), (0o755, None, 0o755), (0o640, True, 0o750), (0o755, False, 0o644),
     (0o600, True, 0o700), (0o444, None, 0o444)],
)  # fmt: skip
def test_an_existing_file_keeps_its_mode_but_for_the_executable_bit(
    root: Path, mode: int, executable: bool | None, result: int
) -> None:
    path = root / "skills/a/SKILL.md"
    path.chmod(mode)
    apply_changes(root, "skills/a", [change("SKILL.md", b"one\n", b"two\n", executable)])
    assert stat.S_IMODE(path.stat().st_mode) == result
    assert path.read_bytes() == b"two\n"


def test_a_change_of_the_executable_bit_alone_rewrites_nothing(root: Path) -> None:
    path = root / "skills/a/SKILL.md"
    inode = path.stat().st_ino
    apply_changes(root, "skills/a", [change("SKILL.md", b"one\n", b"one\n", executable=True)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert path.stat().st_ino == inode


def test_sticky_and_setgid_folders_are_written_to(root: Path) -> None:
    """14.6 #41."""
    (root / "skills/a").chmod(0o3775)
    apply_changes(root, "skills/a", [change("SKILL.md", b"one\n", b"2"), change("n", None, b"n")])
    assert tree_of(root)["skills/a/n"] == b"n"
    assert stat.S_IMODE((root / "skills/a").stat().st_mode) == 0o3775


# ---------------------------------------------------------------- trouble with the disk


def plan() -> list[FileChange]:
    return [
        change("SKILL.md", b"one\n", b"two\n" * 50),
        change("bin/run", None, b"#!/bin/sh\n" * 20, executable=True),
        change("x/y.txt", b"deep\n", None),
        change("z", b"zz\n", b"zzz\n", executable=True),
    ]


def make(root: Path) -> Path:
    write_files(root, {"s/SKILL.md": "one\n", "s/x/y.txt": "deep\n", "s/z": "zz\n"})
    return root


BEFORE = {"s/SKILL.md": b"one\n", "s/x/y.txt": b"deep\n", "s/z": b"zz\n"}
AFTER = {"s/SKILL.md": b"two\n" * 50, "s/bin/run": b"#!/bin/sh\n" * 20, "s/z": b"zzz\n"}


def effects(tmp_path: Path) -> int:
    disk = FailingDisk()
    apply_changes(make(tmp_path / "count"), "s", plan(), disk=disk)
    return disk.count


def test_at_every_crash_each_file_is_old_or_new_and_a_second_run_finishes(tmp_path: Path) -> None:
    """P5, for every k and before, after and in the middle of the effect."""
    total = effects(tmp_path)
    assert total >= 8
    moments: tuple[When, ...] = ("before", "after", "torn")
    for when in moments:
        for k in range(1, total + 1):
            root = make(tmp_path / f"{when}-{k}")
            with pytest.raises(Crash):
                apply_changes(root, "s", plan(), disk=FailingDisk(k, when=when))
            for name in {*BEFORE, *AFTER}:
                found = tree_of(root).get(name)
                assert found in (BEFORE.get(name), AFTER.get(name)), (when, k, name)
            clean_leftovers(root, ["s"])
            apply_changes(root, "s", plan())
            assert tree_of(root) == AFTER, (when, k)
            assert os.access(root / "s/bin/run", os.X_OK)
            assert os.access(root / "s/z", os.X_OK)


def test_a_full_disk_leaves_each_file_old_or_new_and_no_temporary_file(tmp_path: Path) -> None:
    """14.6 #31."""
    for k in range(1, effects(tmp_path) + 1):
        root = make(tmp_path / str(k))
        disk = FailingDisk(k, error=DISK_FULL)
        with suppress(OSError):
            apply_changes(root, "s", plan(), disk=disk)
        found = tree_of(root)
        assert not [name for name in found if TEMP_PREFIX in name], (k, disk.log)
        for name in {*BEFORE, *AFTER}:
            assert found.get(name) in (BEFORE.get(name), AFTER.get(name))


def test_leftovers_are_removed_without_following_links(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_files(outside, {f"{TEMP_PREFIX}1-1": "not ours"})
    write_files(root, {f"skills/a/{TEMP_PREFIX}1-1": "", f"skills/a/x/{TEMP_PREFIX}1-2": ""})
    (root / "skills/a/link").symlink_to(outside, target_is_directory=True)
    removed = clean_leftovers(root, ["skills/a", "skills/none", "skills/a/link"])
    assert sorted(removed) == [f"skills/a/{TEMP_PREFIX}1-1", f"skills/a/x/{TEMP_PREFIX}1-2"]
    assert (outside / f"{TEMP_PREFIX}1-1").exists()


def test_one_objects_trouble_does_not_stop_the_others(root: Path) -> None:
    objects = {f"skills/n{number}": [change("SKILL.md", None, b"n")] for number in range(40)}
    objects["skills/a"] = [change("SKILL.md", b"other", b"x"), change("new", None, b"x")]
    disk = FailingDisk()
    failed = apply_all(root, objects, disk=disk)
    assert list(failed) == ["skills/a"]
    assert isinstance(failed["skills/a"], LocalChanged)
    found = tree_of(root)
    assert found["skills/n39/SKILL.md"] == b"n"
    assert "skills/a/new" not in found
    assert disk.log.count("sync") == 2
    assert "fsync_dir" not in disk.log


def test_reading_tells_a_missing_file_from_a_link(root: Path) -> None:
    assert read_current(root, "skills/a/SKILL.md") == (b"one\n", 0o644)
    assert read_current(root, "skills/none/SKILL.md") == (None, 0)
    (root / "skills/a/link").symlink_to("SKILL.md")
    with pytest.raises(LocalChanged):
        read_current(root, "skills/a/link")


def test_write_atomic_makes_its_folder_and_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file"
    write_atomic(path, b"1", mode=0o600)
    write_atomic(path, b"2")
    assert path.read_bytes() == b"2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for k in (1, 2):
        with pytest.raises(OSError, match="space"):
            write_atomic(path, b"3", disk=FailingDisk(k, error=DISK_FULL))
        assert path.read_bytes() == b"2"
        assert [each.name for each in path.parent.iterdir()] == ["file"]


NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "SKILL.md"])
CONTENT = st.none() | st.binary(max_size=8)


@given(
    states=st.dictionaries(NAMES, st.tuples(CONTENT, CONTENT), max_size=6),
    k=st.integers(1, 30),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_plan_crashed_anywhere_is_finished_by_the_second_run(
    tmp_path_factory: pytest.TempPathFactory,
    states: dict[str, tuple[bytes | None, bytes | None]],
    k: int,
) -> None:
    root = tmp_path_factory.mktemp("plan")
    (root / "s").mkdir()
    write_files(root / "s", {name: old for name, (old, _) in states.items() if old is not None})
    changes = [change(name, old, new) for name, (old, new) in states.items()]
    try:
        apply_changes(root, "s", changes, disk=FailingDisk(k))
    except Crash:
        clean_leftovers(root, ["s"])
        apply_changes(root, "s", changes)
    wanted = {f"s/{name}": new for name, (_, new) in states.items() if new is not None}
    assert tree_of(root) == wanted
