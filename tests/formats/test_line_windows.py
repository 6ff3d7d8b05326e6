"""Comparing two files a window at a time says what a comparison that holds both would say."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.line_windows import Hunk, TooFarApart, differing_lines

LINES = st.lists(
    st.sampled_from([b"a", b"b", b"c" * 5, b"", b"d\r", b"\xe2\x80\xa8", b"e" * 5_000]), max_size=12
)


def reading(data: bytes, most: int = 1 << 30) -> Callable[[int], bytes]:
    """Give what is asked for, or less, as a pipe does."""
    stream = io.BytesIO(data)
    return lambda size: stream.read(min(size, most))


def split(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n") if data else []


def lines_of(data: bytes) -> list[bytes]:
    """Split at LF only, ends kept."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    return [line for line in lines if line]


def patched(base: list[bytes], hunks: list[Hunk]) -> list[bytes]:
    """The base with the hunks carried out, each at the place that it names."""
    whole = b"".join(base)
    result = b""
    at = 0
    for hunk in hunks:
        result += whole[at : hunk.base_at]
        assert len(result) == hunk.local_at
        result += b"".join(hunk.local)
        at = hunk.base_at + len(b"".join(hunk.base))
        assert whole[hunk.base_at : at] == b"".join(hunk.base)
    return lines_of(result + whole[at:])


@given(LINES, LINES, st.booleans(), st.booleans(), st.integers(1, 7_000))
def test_the_base_with_the_hunks_carried_out_is_the_other_side(
    one: list[bytes], other: list[bytes], one_ends: bool, other_ends: bool, size: int
) -> None:
    base = b"\n".join(one) + (b"\n" if one_ends and one else b"")
    local = b"\n".join(other) + (b"\n" if other_ends and other else b"")
    hunks = list(differing_lines(reading(base, size), reading(local, 300)))
    assert patched(lines_of(base), hunks) == lines_of(local)
    assert bool(hunks) == (base != local)


@given(st.data())
def test_few_edits_of_many_lines_are_found_at_their_places(data: st.DataObject) -> None:
    base = [b"%d\n" % number for number in range(400)]
    local = list(base)
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(local) - 1))
        match data.draw(st.sampled_from(["insert", "delete", "move", "double", "edit"])):
            case "insert":
                local.insert(at, b"new %d\n" % at)
            case "delete":
                del local[at]
            case "move":
                local.insert(data.draw(st.integers(0, len(local) - 1)), local.pop(at))
            case "double":
                local.insert(at, local[at])
            case _:
                local[at] = b"edited\n"
    hunks = list(differing_lines(reading(b"".join(base), 50), reading(b"".join(local))))
    assert patched(base, hunks) == local
    out = Counter(line for hunk in hunks for line in hunk.base)
    new = Counter(line for hunk in hunks for line in hunk.local)
    assert Counter(base) - out + new == Counter(local)
    assert sum(out.values()) <= 10


def test_what_is_too_far_apart_is_said_and_not_held() -> None:
    base = [b"%d\n" % number for number in range(10_000)]
    with pytest.raises(TooFarApart):
        list(
            differing_lines(
                reading(b"".join(base)), reading(b"".join(reversed(base))), window=10_000
            )
        )


def test_a_line_without_end_is_not_held() -> None:
    with pytest.raises(TooFarApart):
        list(differing_lines(reading(b"a\n"), lambda size: b"x" * size, window=10_000))


def test_many_rows_at_the_end_are_told_piece_by_piece() -> None:
    base = [b"%d\n" % number for number in range(10)]
    more = [b"%d\n" % number for number in range(10_000)]
    hunks = list(differing_lines(reading(b"".join(base)), reading(b"".join(more)), window=2_000))
    assert len(hunks) > 10
    assert patched(base, hunks) == more
