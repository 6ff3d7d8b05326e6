"""Pointer files: what is written is read back, and no garbage is ever taken for a pointer or raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.kept_rows import Kept, KeptLines
from skillsync.model import DatasetPointer, Digest, Key, Pointer, Severity, SkillPointer, Stamp
from skillsync.repo.pointer import (
    PointerFile,
    parse_line,
    parse_pointer,
    parse_rows,
    render_line,
    render_pointer,
    render_rows,
)
from tests.formats.test_kept_rows import Memory

PATH = "skills/a/.skillsync"
DIGEST = Digest("canon:1:sha256:" + "9c1e" * 16)
META = Digest("canon:1:sha256:" + "0" * 64)
LINE = (
    "us.posthog.com/12345 v12 0199f3c2-0000-7000-8000-000000000001"
    f" first=2026-08-01T10:00:00.123456Z {DIGEST}"
)
SKILL = SkillPointer(
    "us.posthog.com/12345",
    12,
    "0199f3c2-0000-7000-8000-000000000001",
    "2026-08-01T10:00:00.123456Z",
    DIGEST,
)


def test_reads_a_skills_line_as_the_specification_shows_it() -> None:
    file = parse_pointer(LINE.encode() + b"\n", path=PATH)
    assert file == PointerFile({"us.posthog.com/12345": SKILL})
    assert render_pointer(file.lines) == LINE.encode() + b"\n"


def test_reads_the_stamp_of_a_line_that_is_not_committed() -> None:
    stamped = f"{LINE} at={'a' * 40} files={'b' * 32}"
    pointer = parse_line(stamped)
    assert pointer is not None
    assert pointer.stamp == Stamp("a" * 40, "b" * 32)
    assert render_line(pointer) == stamped
    unborn = parse_line(f"{LINE} at=unborn files={'b' * 32}")
    assert unborn is not None
    assert unborn.stamp == Stamp("unborn", "b" * 32)


def test_reads_a_datasets_line() -> None:
    line = f"127.0.0.1:8765/1 dataset=0199-ab rev=g1 meta={META} rows=150 {DIGEST}"
    assert parse_line(line) == DatasetPointer(
        "127.0.0.1:8765/1", "0199-ab", None, META, 150, DIGEST
    )
    gone = parse_line(f"{line} gone at=unborn files={'b' * 32}")
    assert isinstance(gone, DatasetPointer)
    assert gone.gone
    assert render_line(gone) == f"{line} gone at=unborn files={'b' * 32}"
    later = parse_line(line.replace("rev=g1", "rev=7"))
    assert isinstance(later, DatasetPointer)
    assert later.revision == 7


def test_lines_are_sorted_and_line_ends_may_be_crlf() -> None:
    other = LINE.replace("us.posthog", "eu.posthog")
    file = parse_pointer(f"{LINE}\r\n\r\n{other}\r\n".encode(), path=PATH)
    assert not file.problems
    assert render_pointer(file.lines) == f"{other}\n{LINE}\n".encode()


def test_an_empty_file_holds_nothing_and_is_no_problem() -> None:
    assert parse_pointer(b"", path=PATH) == PointerFile()


@pytest.mark.parametrize(
    "data",
    [
        f"<<<<<<< HEAD\n{LINE}\n=======\n{LINE}\n>>>>>>> side\n".encode(),
        b"garbage\n",
        b"{}",
        b"\xff\xfe",
        b"\0" * 100,
        LINE.encode() + b"\nnot a line\n",
        b"x" * 10_000_000,
        b"\xef\xbb\xbf" + LINE.encode(),
    ],
    ids=["markers", "garbage", "json", "no utf-8", "nul", "second line", "10 MB", "bom"],
)
def test_a_damaged_file_is_no_pointer(data: bytes) -> None:
    """14.6 #133."""
    file = parse_pointer(data, path=PATH)
    assert not file.lines
    assert not file.unknown
    [problem] = file.problems
    assert (problem.code, problem.path, problem.severity) == ("E-POINTER", PATH, Severity.ERROR)
    assert len(problem.message) < 300


def test_a_line_of_a_later_version_is_kept_and_reported_and_the_others_count() -> None:
    later = "eu.posthog.com/2 v12 0199 first=2026 canon:9:blake3:ab new=thing"
    data = f"{LINE}\n{later}\n".encode()
    file = parse_pointer(data, path=PATH)
    assert list(file.lines) == ["us.posthog.com/12345"]
    assert file.unknown == (later,)
    assert [problem.subject for problem in file.problems] == ["eu.posthog.com/2"]
    assert render_pointer(file.lines, file) == f"{later}\n{LINE}\n".encode()
    replaced = SkillPointer("eu.posthog.com/2", 1, "id", "2026", DIGEST)
    assert later.encode() not in render_pointer({"eu.posthog.com/2": replaced}, file)


def test_two_lines_for_one_place_are_no_pointer_for_it() -> None:
    other = LINE.replace(" v12 ", " v13 ")
    file = parse_pointer(f"{LINE}\n{other}\n".encode(), path=PATH)
    assert not file.lines
    [problem] = file.problems
    assert problem.subject == "us.posthog.com/12345"
    assert problem.line == 2
    assert render_pointer({}, file) == f"{LINE}\n{other}\n".encode()


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace(" v12 ", " v0 "),
        LINE.replace(" v12 ", " v-1 "),
        LINE.replace(" v12 ", " 12 "),
        LINE.replace("canon:1", "canon:2"),
        LINE[:-1],
        LINE + " ",
        LINE + f" at={'a' * 40}",
        LINE + f" files={'a' * 32}",
        LINE + f" files={'a' * 32} at={'a' * 40}",
        LINE.replace("first=", "First="),
        LINE.replace(" first", "  first"),
        LINE + "\n",
        "",
    ],
)
def test_a_line_that_is_nearly_one_is_none(line: str) -> None:
    assert parse_line(line) is None


PLACES = st.from_regex(r"[a-z0-9.:-]{1,20}/[0-9]{1,6}", fullmatch=True)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
DIGESTS = HEX.map(lambda text: Digest(f"canon:1:sha256:{text}"))
STAMPS = st.none() | st.builds(
    lambda at, files: Stamp(at, files[:32]),
    st.just("unborn") | HEX.map(lambda text: text[:40]) | HEX,
    HEX,
)
IDS = st.from_regex(r"[0-9a-f-]{1,36}", fullmatch=True)
POINTERS: st.SearchStrategy[Pointer] = st.builds(
    SkillPointer, PLACES, st.integers(1, 10**9), IDS,
    st.from_regex(r"[0-9T:.Z+-]{1,30}", fullmatch=True), DIGESTS, STAMPS, st.booleans(),
) | st.builds(
    DatasetPointer, PLACES, IDS, st.none() | st.integers(0, 10**12), DIGESTS,
    st.integers(0, 10**9), DIGESTS, STAMPS,
)  # fmt: skip


@given(st.lists(POINTERS, max_size=5))
def test_what_is_written_is_read_back(pointers: list[Pointer]) -> None:
    lines = {pointer.place: pointer for pointer in pointers}
    data = render_pointer(lines)
    file = parse_pointer(data, path=PATH)
    assert file.lines == lines
    assert not file.problems
    assert render_pointer(file.lines, file) == data


PIECES = st.sampled_from(
    [LINE, "\n", " ", "\t", "<<<<<<< x", "v12", "first=", "canon:1:sha256:", "a/1", "\r", "\0", "ü"]
)
GARBAGE = st.binary(max_size=200) | st.lists(PIECES, max_size=12).map(
    lambda each: "".join(each).encode()
)


@given(GARBAGE)
def test_no_garbage_raises(data: bytes) -> None:
    file = parse_pointer(data, path=PATH)
    again = parse_pointer(render_pointer(file.lines, file), path=PATH)
    assert again.lines == file.lines
    assert sorted(again.unknown) == sorted(file.unknown)


KEYS = st.text(max_size=20).map(Key) | st.sampled_from(
    [
        Key(text)
        for text in ("", '"', "a\tb", "a\nb", "a\\b", "\u2028", "\r", "srv:0199", "ü", "=======")
    ]
)
VALUES = HEX.map(lambda text: text[:16]) | st.integers(0, 10**9).map("@{}".format)


@given(st.dictionaries(PLACES, st.dictionaries(KEYS, VALUES, min_size=1, max_size=6), max_size=3))
def test_row_bases_are_read_back(places: dict[str, dict[Key, str]]) -> None:
    data = render_rows(places)
    file = parse_rows(data, path="x")
    assert dict(file) == places
    assert not file.problems
    assert render_rows(file) == data
    assert data.count(b"\n") == sum(len(rows) for rows in places.values())


@given(GARBAGE | st.lists(st.sampled_from(
    ["a/1", "\t", "k", "0" * 16, "\n", '"', "\\u", "@1", '"\\ud800"', "[" * 50]), max_size=12)
    .map(lambda each: "".join(each).encode()))  # fmt: skip
def test_no_garbage_in_row_bases_raises(data: bytes) -> None:
    file = parse_rows(data, path="x")
    assert dict(parse_rows(render_rows(file), path="x")) == dict(file)


def test_one_bad_row_line_makes_the_file_unbelievable() -> None:
    good = b"a/1\tk\t0123456789abcdef\n"
    assert parse_rows(good, path="x")["a/1"] == {"k": "0123456789abcdef"}
    for bad in (b"a/1\tk\t0\n", b"a/1 k 0\n", good, b"<<<<<<< x\n", b"a/1\t\t0123456789abcdef\n"):
        file = parse_rows(good + bad, path="x")
        assert not file.places
        assert [problem.code for problem in file.problems] == ["E-POINTER"]


class _Counting(KeptLines):
    """Lines that count how often their number is asked for: whoever makes room for each of them asks."""

    asked = 0

    def __len__(self) -> int:
        self.asked += 1
        return super().__len__()


def test_room_for_the_row_bases_of_a_place_is_made_once() -> None:
    lines = _Counting(Kept(Memory(), lambda _: {}))
    rows = {Key(f"k{number:02}"): f"{number:016x}" for number in range(50)}
    data = render_rows({"a/1": rows, "b/1": rows})
    assert dict(parse_rows(data, path="x", like=lines)) == {"a/1": rows, "b/1": rows}
    assert lines.asked == 2
