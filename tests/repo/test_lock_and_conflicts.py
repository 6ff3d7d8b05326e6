"""One writer at a time, which says its name; parked conflicts by subject, whatever the subject is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from skillsync.errors import Locked
from skillsync.repo import lock
from skillsync.repo.conflicts import ConflictStore
from skillsync.repo.git import Repository
from skillsync.repo.lock import locked


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with locked(state, command="skillsync pull"):
        with (
            pytest.raises(Locked, match=rf"`skillsync pull` \(process {os.getpid()}\)") as caught,
            locked(state, command="skillsync push"),
        ):
            pass
        assert caught.value.exit_code == 75
    with locked(state, command="skillsync push"):
        pass


def test_an_error_inside_releases_it(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(tmp_path, command="x"):
        raise KeyboardInterrupt
    with locked(tmp_path, command="y"):
        pass


@pytest.mark.parametrize("holder", [b"", b"\xff", b"[]", b'{"pid": "x"}', b"{"])
def test_a_damaged_holder_file_is_no_trouble(tmp_path: Path, holder: bytes) -> None:
    with locked(tmp_path, command="x"):
        (tmp_path / "lock.holder").write_bytes(holder)
        with pytest.raises(Locked, match="did not say"), locked(tmp_path, command="y"):
            pass


def test_a_holder_that_had_no_time_to_say_its_name_is_given_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between taking the lock and signing it, what is written there belongs to somebody who is gone."""
    cycle = FileLock(tmp_path / "lock")
    cycle.acquire()
    read = lock._is_daemon

    def read_before_it_is_signed(state_dir: Path) -> bool:
        seen = read(state_dir)
        cycle.release()
        return seen

    monkeypatch.setattr(lock, "_is_daemon", read_before_it_is_signed)
    with locked(tmp_path, command="push"):
        assert json.loads((tmp_path / "lock.holder").read_text())["command"] == "push"


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from skillsync.repo.lock import locked\n"
        "with locked(Path(sys.argv[1]), command='dies'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Locked, match="dies"), locked(tmp_path, command="x"):
            pass
        process.kill()
        process.wait()
    with locked(tmp_path, command="x"):
        pass


def test_conflicts_are_parked_listed_and_forgotten(repo_dir: Path) -> None:
    store = ConflictStore(Repository.open(repo_dir))
    assert store.list() == {}
    assert store.read("a") is None
    store.write("a", {"base": "v1", "units": [{"unit": "body"}]})
    store.write("b", {})
    store.write("a", {"base": "v2"})
    assert store.read("a") == {"base": "v2"}
    assert store.list() == {"a": {"base": "v2"}, "b": {}}
    assert store.delete("a")
    assert not store.delete("a")
    assert store.list() == {"b": {}}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"subject": "a", "record": 1}'])
def test_a_damaged_record_is_none(repo_dir: Path, damage: bytes) -> None:
    repo = Repository.open(repo_dir)
    store = ConflictStore(repo)
    store.write("a", {"x": 1})
    (repo.state_dir / "conflicts/a.json").write_bytes(damage)
    assert store.read("a") is None
    assert store.list() == {}
    store.write("a", {"x": 2})
    assert store.read("a") == {"x": 2}


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(), max_size=300) | st.sampled_from(
    ["..", ".", "/", "a/b", "A", "a", "a\0b", "\ud800"]), max_size=6, unique=True))  # fmt: skip
def test_any_subject_has_a_record_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, subjects: list[str]
) -> None:
    root = tmp_path_factory.mktemp("repo")
    store = ConflictStore(Repository(root, root / "state"))
    for subject in subjects:
        store.write(subject, {"is": subject})
    assert store.list() == {subject: {"is": subject} for subject in subjects}
    names = [path.name for path in (root / "state/conflicts").glob("*")]
    assert len({name.lower() for name in names}) == len(subjects)
    assert [path.name for path in root.iterdir()] in ([], ["state"])
