"""A large file of rows is judged without being held, and the answer is that of reading it whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skillsync.errors import InvalidContent, LocalChanged
from skillsync.formats.canonical import row_digest, rows_digest, short
from skillsync.formats.jsonl import parse_items
from skillsync.model import Digest
from skillsync.repo.spill import SortedLines
from skillsync.sync import large_rows
from skillsync.sync.diff import diff
from skillsync.sync.large_rows import contents_of, large_changes
from skillsync.sync.local import LocalDataset, read_tree
from skillsync.sync.row_tables import Contents, RowTables
from skillsync.sync.status import Status, status
from skillsync.sync.workspace import Workspace
from tests.sync.harness import Clone

ITEMS = "datasets/d/items.jsonl"
LINES = [b'{"id": "q%d", "input": %d}\n' % (number, number) for number in range(30)]
BASE = b"".join(LINES)


@pytest.fixture
def clone(solo: Clone) -> Clone:
    """A committed dataset of thirty rows, of which nothing is known yet."""
    solo.write(ITEMS, BASE)
    solo.commit("rows")
    return solo


def dataset(clone: Clone) -> tuple[Workspace, LocalDataset]:
    workspace = replace(clone.workspace, large_from=1)
    (found,) = read_tree(workspace, large_from=1).datasets
    assert found.folder.entry("items.jsonl").data is None  # type: ignore[union-attr]
    return workspace, found


def holds(clone: Clone) -> Contents | str:
    """What the file holds by what is known of others, or what is wrong with it."""
    workspace, found = dataset(clone)
    assert found.large is not None
    try:
        return contents_of(workspace, found, found.large).contents
    except InvalidContent as error:
        return f"{error.path}:{error.line}: {error}"


def whole(data: bytes) -> Contents | str:
    """The same by reading everything at once."""
    try:
        file = parse_items(data, path=ITEMS)
    except InvalidContent as error:
        return f"{error.path}:{error.line}: {error}"
    digest = rows_digest((row.key, Digest(short(row_digest(row)))) for row in file.rows)
    return Contents(digest, len(file.rows), len(file.keyless))


def tables(clone: Clone) -> list[str]:
    """The contents that are known, by git's id."""
    return [table.blob for table in RowTables(*dataset(clone)).newest()]


COMPARED = {
    "nothing": BASE,
    "a row edited": BASE.replace(b'"input": 7', b'"input": 70'),
    "a row moved, one gone, one new, one without id": b"".join(
        [*LINES[3:], LINES[0], LINES[1], b'{"id": "new", "input": 1}\n', b'{"input": 5}\n']
    ),
    "spelled otherwise": BASE.replace(b'{"id": "q3", "input": 3}', b'{"input":3,"id":"q3"}'),
    "no final newline": BASE[:-1],
    "blank lines": BASE.replace(b"\n", b"\n\n", 4),
    "windows line ends": BASE.replace(b"\n", b"\r\n"),
    "keys swapped": BASE.replace(b'"q1"', b'"q"')
    .replace(b'"q2"', b'"q1"')
    .replace(b'"q"', b'"q2"'),
}
REFUSED = {
    "a double far away": BASE + b'{"id": "q0", "input": 1}\n',
    "a double but for its form": BASE + "{\"id\": \"\u212a\"}\n{\"id\": \"K\"}\n".encode(),
    "two doubles, the later pair first": BASE.replace(b'"q20"', b'"q2"').replace(b'"q9"', b'"q8"'),
    "a wrong line after a double": BASE.replace(b'"q9"', b'"q8"') + b"{\n",
    "a wrong line before a double": b"{\n" + BASE + LINES[0],
    "a mark": b"\xef\xbb\xbf" + BASE,
    "a long line": BASE + b'{"id": "' + b"x" * 1_000_100 + b'"}',
    "no UTF-8": BASE.replace(b"q7", b"\xff"),
}  # fmt: skip


@pytest.mark.parametrize("data", COMPARED.values(), ids=COMPARED)
def test_a_changed_file_is_judged_by_what_differs(clone: Clone, data: bytes) -> None:
    assert holds(clone) == whole(BASE)
    known = tables(clone)
    assert known == [clone.git("rev-parse", f"HEAD:{ITEMS}")]
    clone.write(ITEMS, data)
    assert holds(clone) == whole(data)
    assert tables(clone) == known, "it was read whole"


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_wrong_is_said_as_ever(clone: Clone, data: bytes, *, is_known: bool) -> None:
    if is_known:
        holds(clone)
    clone.write(ITEMS, data)
    expected = whole(data)
    assert isinstance(expected, str)
    assert holds(clone) == expected


def test_a_table_that_was_damaged_is_not_believed(clone: Clone) -> None:
    expected = holds(clone)
    (outline,) = (clone.path / ".git/skillsync/tables").glob("outline-*")
    outline.unlink()
    (path,) = (clone.path / ".git/skillsync/tables").iterdir()
    path.write_bytes(path.read_bytes().replace(b"q29\t", b"q30\t"))
    data = BASE.replace(b'"input": 7', b'"input": 70')
    clone.write(ITEMS, data)
    assert holds(clone) == whole(data) != expected
    path.write_bytes(path.read_bytes().replace(b'"rows": 30', b'"rows": 31'))
    assert holds(clone) == whole(data)


def spoiled_blocks(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"}\n", b"}\n\1", 1))


def spoiled_rows(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"q7\t", b"q8\t"))


def spoiled_head(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"size": ', b'"size":- '))


@pytest.mark.parametrize("spoil", [spoiled_blocks, spoiled_rows, spoiled_head, Path.unlink])
def test_an_outline_that_was_damaged_is_not_believed(
    clone: Clone, spoil: Callable[[Path], None]
) -> None:
    holds(clone)
    known = tables(clone)
    (path,) = (clone.path / ".git/skillsync/tables").glob("outline-*")
    spoil(path)
    data = BASE.replace(b'"input": 7', b'"input": 70')
    clone.write(ITEMS, data)
    assert holds(clone) == whole(data)
    assert changed_keys(clone) == ["q7"]
    assert tables(clone) == known, "it was read whole"


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_what_differs_from_an_outlined_file_is_told_without_its_content(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ends: bytes
) -> None:
    holds(clone)
    known = tables(clone)
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    for old, new in ((b"", b""), (b'"input": 7}', b'"input": 70}')):
        data = BASE.replace(old, new).replace(b"\n", ends)
        clone.write(ITEMS, data)
        assert holds(clone) == whole(data)
    assert tables(clone) == known, "it was read whole"
    assert "cat-file blob" not in trace.read_text()
    assert changed_keys(clone) == ["q7"]


def changed_keys(clone: Clone) -> list[str]:
    """The keys of the rows that differ between HEAD and the file."""
    workspace, found = dataset(clone)
    (old,) = read_tree(workspace, commit=workspace.history.head, large_from=1).datasets
    assert old.large is not None
    assert found.large is not None
    changes = large_changes(workspace, found, old.large, found.large)
    assert list(changes.base) == list(changes.local)
    return [*changes.base]


def test_a_file_in_another_order_is_compared_by_key(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(clone)
    monkeypatch.setattr(large_rows, "WINDOW", 100)
    data = b"".join(reversed(LINES)).replace(b'"input": 7', b'"input": 70')
    clone.write(ITEMS, data)
    assert holds(clone) == whole(data)
    assert len(tables(clone)) == 2
    assert changed_keys(clone) == ["q7"]


def test_a_file_that_changes_while_it_is_read_is_not_judged(clone: Clone) -> None:
    workspace, found = dataset(clone)
    assert found.large is not None
    data = BASE + b'{"id": "late"}\n'
    with pytest.raises(LocalChanged), found.large.opened():
        clone.write(ITEMS, data)
    assert contents_of(workspace, found, found.large).contents == whole(data)
    with pytest.raises(LocalChanged), found.large.opened():
        (clone.path / ITEMS).unlink()


def edited(clone: Clone) -> None:
    clone.replace(ITEMS, '"input": 7}', '"input": 70}')


def touched(clone: Clone) -> None:
    (clone.path / ITEMS).touch()


def wrong(clone: Clone) -> None:
    clone.write(ITEMS, BASE + b"{\n" + LINES[0])


def without_ids(clone: Clone) -> None:
    clone.write(ITEMS, BASE + b'{"input": 3}\n')


def committed(clone: Clone) -> None:
    edited(clone)
    clone.commit("an edit")
    clone.replace(ITEMS, '"input": 8}', '"input": 80}')


def not_committed(clone: Clone) -> None:
    edited(clone)
    clone.push()


def gone(clone: Clone) -> None:
    clone.write(ITEMS, b"")


@pytest.mark.parametrize(
    "edit", [touched, edited, wrong, without_ids, committed, not_committed, gone]
)
def test_status_and_diff_say_the_same_of_a_large_file(
    clone: Clone, edit: Callable[[Clone], None]
) -> None:
    clone.push()
    clone.commit("pointer")
    sizes = (1, 1_000_000_000)
    looks = [look(clone, size) for size in sizes]
    assert looks[0] == looks[1]
    edit(clone)
    looks = [look(clone, size) for size in sizes]
    assert looks[0] == looks[1]
    assert looks[0][0].is_clean == (edit in {touched, not_committed})


def look(clone: Clone, large_from: int) -> tuple[Status, object]:
    """What an offline status and diff say, by no status before."""
    (clone.path / ".git/skillsync/cache.sqlite").unlink(missing_ok=True)
    workspace = replace(clone.workspace, large_from=large_from)
    said = status(workspace, clone.target, remote=None)
    return said, diff(workspace, clone.target, remote=None)


def test_lines_that_memory_should_not_hold_come_back_sorted(tmp_path: Path) -> None:
    lines = [b"%d\n" % (number * 7919 % 1_000) for number in range(1_000)]
    with SortedLines(tmp_path, most=5_000) as sorted_lines:
        for line in lines:
            sorted_lines.add(line)
        assert list(sorted_lines) == sorted(lines)
        assert list(sorted_lines) == sorted(lines)
        assert not list(tmp_path.iterdir())
