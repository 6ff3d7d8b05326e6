"""Files that are too large to hold are streamed, from the working tree or from git, and nothing passes for whole that is not."""

from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.errors import GitFailed
from skillsync.formats.canonical import files_digest
from skillsync.formats.kept_rows import read_kept_items
from skillsync.model import Entry, Folder, Large
from skillsync.repo.git import Repository
from skillsync.repo.large import (
    GitFile,
    WorkingFile,
    folded_digest,
    folded_reading,
    prefixed_reading,
    recall_folded,
    remember_folded,
)
from skillsync.repo.spool import Spool
from skillsync.sync.evidence import folder_files_digest

CONTENT = b'{"id": "a"}\r\n\r\r\n{"id": "b"}\r'


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    return Repository.open(repo_dir)


def blob_of(repo: Repository, data: bytes) -> str:
    return repo.write_blobs([data])[0]


def test_a_blob_comes_as_a_stream(repo: Repository) -> None:
    data = b"line\n" * 100_000
    with repo.opened_blob(blob_of(repo, data)) as stream:
        assert stream.read(7) == b"line\nli"
        assert stream.read() == data[7:]
    with repo.opened_blob(blob_of(repo, data)) as stream:
        assert stream.readline() == b"line\n"  # and the rest is not wanted


def test_a_blob_that_is_not_there_is_an_error_and_no_empty_file(repo: Repository) -> None:
    with pytest.raises(GitFailed), repo.opened_blob("0" * 40) as stream:
        assert stream.read() == b""
    with pytest.raises(GitFailed), repo.opened_blob("HEAD"):
        pass


def test_an_error_inside_ends_the_reading(repo: Repository) -> None:
    with pytest.raises(ZeroDivisionError), repo.opened_blob(blob_of(repo, b"x" * 1_000_000)):
        raise ZeroDivisionError


@pytest.mark.parametrize("cut", range(1, 8))
def test_line_ends_are_folded_wherever_pieces_are_cut(cut: int) -> None:
    pieces = [CONTENT[at : at + cut] for at in range(0, len(CONTENT), cut)]
    twice = CONTENT.replace(b"\r\n", b"\n").replace(b"\r\n", b"\n")
    assert folded_digest(pieces) == folded_digest([twice])
    assert folded_digest(pieces) != folded_digest([twice.removesuffix(b"\r")])


@given(st.binary(max_size=9), st.lists(st.sampled_from([b"\r", b"\n", b"a"])), st.integers(1, 9))
def test_a_content_is_read_with_its_line_ends_folded(
    begun: bytes, rest: list[bytes], most: int
) -> None:
    pieces = iter(rest)
    read = folded_reading(prefixed_reading(begun, lambda _: next(pieces, b"")))
    found = b""
    while piece := read(most):
        assert len(piece) <= most
        found += piece
    assert found == (begun + b"".join(rest)).replace(b"\r\n", b"\n")


def test_a_stamp_is_that_of_a_file_that_is_held(repo: Repository) -> None:
    (repo.root / "items.jsonl").write_bytes(CONTENT)
    blob = blob_of(repo, CONTENT)
    places: list[Large] = [
        WorkingFile(repo, "items.jsonl", 0),
        GitFile(repo, blob, len(CONTENT)),
    ]
    folders = [
        Folder("", (Entry("items.jsonl", None, len(CONTENT), large=place),)) for place in places
    ]
    held = Folder("", (Entry("items.jsonl", CONTENT, len(CONTENT)),))
    assert {folder_files_digest(one) for one in (*folders, held)} == {
        files_digest([("items.jsonl", CONTENT.replace(b"\r\n", b"\n"))])
    }
    assert [place.read() for place in places] == [CONTENT, CONTENT]


def test_what_is_remembered_of_a_blob_is_believed_only_undamaged(repo: Repository) -> None:
    blob = "a" * 40
    assert recall_folded(repo, blob) is None
    remember_folded(repo, blob, "b" * 64)
    assert recall_folded(repo, blob) == "b" * 64
    path = repo.state_dir / "folded" / blob
    path.write_text(path.read_text().replace("b" * 64, "c" * 64))
    assert recall_folded(repo, blob) is None


def test_a_spool_gives_back_what_was_put_into_it_and_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    places = [spool.put(b"%d" % number * 1_000) for number in range(100)]
    assert spool.get(places[99], 2_000) == b"99" * 1_000
    late = spool.put(b"late")
    assert spool.get(places[7], 3) == b"777"
    assert spool.get(late, 4) == b"late"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_needs_no_file(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"")
    spool = Spool(taken / "spool")
    assert spool.get(spool.put(b"x"), 1) == b"x"


@pytest.mark.parametrize("place", ["working tree", "git"])
def test_rows_are_not_held(repo: Repository, place: str) -> None:
    """Ten megabytes of rows take memory for their number, not for their content."""
    data = b"".join(b'{"id": "%d", "input": "%s"}\n' % (n, b"x" * 20_000) for n in range(500))
    (repo.root / "items.jsonl").write_bytes(data)
    large: WorkingFile | GitFile = WorkingFile(repo, "items.jsonl", len(data))
    if place == "git":
        subprocess.run(["git", "add", "items.jsonl"], cwd=repo.root, check=True)
        large = GitFile(repo, repo.index.blob_of("items.jsonl"), len(data))
    size = len(data)
    del data
    assert peak(lambda: large.spooled(lambda lines, store: read_kept_items(lines, store, path="p"))) < size / 3  # fmt: skip


def peak(action: Callable[[], object]) -> int:
    """The most bytes that were held at once."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
