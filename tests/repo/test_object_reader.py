"""One git process answers all questions about objects, in order, and leaves nothing behind."""

from __future__ import annotations

import gc
from pathlib import Path
from subprocess import Popen

import pytest

from skillsync.errors import GitFailed
from skillsync.repo.git import Repository
from skillsync.repo.git_process import start_git
from skillsync.repo.object_reader import ObjectReader
from tests.conftest import MakeRepo
from tests.world import commit_all, git, write_files


class Counted:
    """Starts git and remembers what it started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.started: list[Popen[bytes]] = []

    def __call__(self) -> Popen[bytes]:
        self.started.append(start_git(self.root, ["cat-file", "--batch"]))
        return self.started[-1]


@pytest.fixture(params=["sha1", "sha256"])
def root(request: pytest.FixtureRequest, make_repo: MakeRepo) -> Path:
    files: dict[str, str | bytes] = {f"d/{number}": f"text {number}\n" for number in range(300)}
    files["d/empty"] = b""
    files["d/big"] = b"\0" * 3_000_000
    files["d/two words é"] = "odd\n"
    return make_repo(files=files, object_format=request.param)


def test_many_questions_cost_one_process(root: Path) -> None:
    start = Counted(root)
    reader = ObjectReader(start)
    names = [f"HEAD:d/{number}" for number in range(300)] * 2
    found = reader.read_many(names)
    assert [found[f"HEAD:d/{number}"] is not None for number in range(300)] == [True] * 300
    for number in (0, 7, 299):
        each = found[f"HEAD:d/{number}"]
        assert each
        assert (each.kind, each.data) == ("blob", b"text %d\n" % number)
        assert reader.read(each.id) == each
    assert len(start.started) == 1


def test_missing_ones_are_none_and_the_others_come(root: Path) -> None:
    reader = ObjectReader(Counted(root))
    found = reader.read_many(["HEAD:none", "HEAD:d/two words é", "f" * 40, "HEAD:d/empty"])
    assert [each and each.data for each in found.values()] == [None, b"odd\n", None, b""]
    tree = reader.read("HEAD:d")
    assert tree
    assert tree.kind == "tree"


def test_what_is_too_long_is_left_out_and_the_next_answer_is_right(root: Path) -> None:
    reader = ObjectReader(Counted(root))
    found = reader.read_many(["HEAD:d/big", "HEAD:d/7"], limit=1_000)
    big, small = found["HEAD:d/big"], found["HEAD:d/7"]
    assert big
    assert (big.size, big.data) == (3_000_000, None)
    assert small
    assert small.data == b"text 7\n"
    whole = reader.read("HEAD:d/big", limit=3_000_000)
    assert whole
    assert whole.data == b"\0" * 3_000_000


def test_a_name_longer_than_any_pipe_is_asked_alone(root: Path) -> None:
    reader = ObjectReader(Counted(root))
    names = [f"HEAD:{'x' * length}" for length in (10, 200_000, 10_000, 20)]
    assert set(reader.read_many([*names, "HEAD:d/7"]).values()) >= {None}
    found = reader.read("HEAD:d/7")
    assert found
    assert found.data == b"text 7\n"


def test_what_is_written_after_the_start_is_found(root: Path) -> None:
    start = Counted(root)
    reader = ObjectReader(start)
    assert reader.read("HEAD:new") is None
    write_files(root, {"new": "new\n"})
    commit_all(root)
    git(root, "gc", "-q", "--prune=now")
    for name in ("HEAD:new", "HEAD:d/7"):
        assert reader.read(name) is not None
    assert len(start.started) == 1


def test_a_process_that_died_is_an_error_and_the_next_question_starts_another(root: Path) -> None:
    start = Counted(root)
    reader = ObjectReader(start)
    assert reader.read("HEAD:d/7")
    start.started[0].kill()
    start.started[0].wait()
    with pytest.raises(GitFailed):
        reader.read("HEAD:d/7")
    assert reader.read("HEAD:d/7")
    assert len(start.started) == 2


def test_a_damaged_object_never_comes_back_as_content(root: Path) -> None:
    blob = git(root, "rev-parse", "HEAD:d/big")
    path = root / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    data = path.read_bytes()
    reader = ObjectReader(Counted(root))
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(GitFailed) as caught:
        reader.read_many(["HEAD:d/7", blob])
    assert blob in caught.value.output
    assert reader.read("HEAD:d/8")
    path.write_bytes(b"no object")
    assert reader.read(blob) is None
    assert reader.read("HEAD:d/8")


def test_no_process_outlives_its_reader(root: Path) -> None:
    start = Counted(root)
    reader = ObjectReader(start)
    reader.read("HEAD:d/7")
    reader.close()
    assert start.started[0].returncode == 0
    assert reader.read("HEAD:d/7")
    del reader
    gc.collect()
    assert start.started[1].returncode == 0


def test_a_repository_that_is_closed_answers_all_the_same(root: Path) -> None:
    repo = Repository.open(root)
    blob = git(root, "rev-parse", "HEAD:d/7")
    for _ in range(2):
        assert repo.read_blobs([blob]) == {blob: b"text 7\n"}
        repo.close()
