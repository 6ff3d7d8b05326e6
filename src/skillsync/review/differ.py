"""Compares two sequences in bounded time: common ends, anchors that occur once on both sides, then a capped search.

`difflib` needs more than a minute for inputs that fit into a pull request (a hundred thousand blank lines, one long
line with many edits). Here the work is linear but for `_CAP` steps of Myers' search (E. W. Myers, "An O(ND) Difference
Algorithm", 1986) in each gap between anchors (B. Cohen's "patience diff"); a gap that needs more is shown as replaced.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skillsync.review.values import Hunk, Line, Words

_CAP = 120
_AROUND = 3
_WORD = re.compile(r"\s+|\w+|[^\w\s]", re.UNICODE)


class Block(NamedTuple):
    """``before[b1:b2]`` became ``after[a1:a2]``; ``same`` tells that they are equal."""

    same: bool
    b1: int
    b2: int
    a1: int
    a2: int


def diff(before: Sequence[str], after: Sequence[str]) -> list[Block]:
    """Return blocks that cover both sequences in order; deterministic, and equal inputs give one equal block."""
    pairs = list(_matches(before, after))
    blocks: list[Block] = []
    b = a = 0
    for b_at, a_at, size in [*pairs, (len(before), len(after), 0)]:
        if b < b_at or a < a_at:
            blocks.append(Block(False, b, b_at, a, a_at))
        if size:
            blocks.append(Block(True, b_at, b_at + size, a_at, a_at + size))
        b, a = b_at + size, a_at + size
    return blocks


def _matches(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield runs of equal elements as (before, after, length), in order, adjacent ones joined."""
    run: tuple[int, int, int] | None = None
    for b, a, size in _runs(before, after):
        if run and (run[0] + run[2], run[1] + run[2]) == (b, a):
            run = (run[0], run[1], run[2] + size)
            continue
        if run:
            yield run
        run = (b, a, size)
    if run:
        yield run


def _runs(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    waiting = [(0, len(before), 0, len(after))]
    while waiting:
        b1, b2, a1, a2 = waiting.pop()
        if b1 < 0:  # an equal run that was found while its neighbours waited
            yield ~b1, a1, b2
            continue
        start = 0
        while b1 + start < b2 and a1 + start < a2 and before[b1 + start] == after[a1 + start]:
            start += 1
        end = 0
        while (
            b2 - end > b1 + start
            and a2 - end > a1 + start
            and before[b2 - end - 1] == after[a2 - end - 1]
        ):
            end += 1
        if start:
            yield b1, a1, start
        b1, a1, b2, a2 = b1 + start, a1 + start, b2 - end, a2 - end
        if end:
            waiting.append((~b2, end, a2, 0))
        if b1 == b2 or a1 == a2:
            continue
        anchors = _anchors(before, after, b1, b2, a1, a2)
        if not anchors:
            yield from _myers(before, after, b1, b2, a1, a2)
            continue
        parts = []
        for b, a in anchors:
            parts += [(b1, b, a1, a), (~b, 1, a, 0)]
            b1, a1 = b + 1, a + 1
        waiting += reversed([*parts, (b1, b2, a1, a2)])


def _anchors(
    before: Sequence[str], after: Sequence[str], b1: int, b2: int, a1: int, a2: int
) -> list[tuple[int, int]]:
    """Return the longest rising chain of elements that occur once on each side."""
    once_before = Counter(before[b1:b2])
    once_after = Counter(after[a1:a2])
    places = {one: at for at, one in enumerate(after[a1:a2], a1) if once_after[one] == 1}
    pairs = [
        (at, places[one])
        for at, one in enumerate(before[b1:b2], b1)
        if one in places and once_before[one] == 1
    ]
    tails: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for number, (_, a) in enumerate(pairs):
        slot = bisect_left(tails, a)
        previous.append(last[slot - 1] if slot else -1)
        if slot == len(tails):
            tails.append(a)
            last.append(number)
        else:
            tails[slot], last[slot] = a, number
    chain = []
    number = last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]


def _myers(
    before: Sequence[str], after: Sequence[str], b1: int, b2: int, a1: int, a2: int
) -> Iterator[tuple[int, int, int]]:
    """Yield equal runs of the shortest edit, nothing if it takes more than ``_CAP`` edits."""
    n, m = b2 - b1, a2 - a1
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(_CAP, n + m) + 1):
        trace.append(dict(reach))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            y = x - k
            while x < n and y < m and before[b1 + x] == after[a1 + y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x >= n and y >= m:
                yield from _walk_back(trace, n, m, b1, a1)
                return


def _walk_back(
    trace: list[dict[int, int]], n: int, m: int, b1: int, a1: int
) -> list[tuple[int, int, int]]:
    runs = []
    x, y = n, m
    for edits in range(len(trace) - 1, -1, -1):
        reach, k = trace[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        from_k = k + 1 if down else k - 1
        from_x = reach[from_k] if edits else 0
        from_y = from_x - from_k if edits else 0
        start = (from_x if down else from_x + 1) if edits else 0
        if x > start:
            runs.append((b1 + start, a1 + start - k, x - start))
        x, y = from_x, from_y
    return runs[::-1]


# ---------------------------------------------------------------- what people see


def word_runs(before: str, after: str) -> tuple[Words, ...]:
    """Compare two texts word by word; the runs without ``+`` joined are ``before``, those without ``-`` ``after``."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    runs: list[Words] = []
    for block in _without_crumbs(diff(old, new), old):
        if block.same:
            runs.append(Words("=", "".join(old[block.b1 : block.b2])))
            continue
        removed, added = "".join(old[block.b1 : block.b2]), "".join(new[block.a1 : block.a2])
        runs += [Words(op, text) for op, text in (("-", removed), ("+", added)) if text]
    return tuple(runs)


def _without_crumbs(blocks: list[Block], old: Sequence[str]) -> list[Block]:
    """Join changes that only a space parts: three words replaced are one change and not three."""
    joined: list[Block] = []
    for number, block in enumerate(blocks):
        inner = 0 < number < len(blocks) - 1
        crumb = block.same and inner and not "".join(old[block.b1 : block.b2]).strip()
        if joined and not joined[-1].same and (crumb or not block.same):
            last = joined[-1]
            joined[-1] = Block(False, last.b1, block.b2, last.a1, block.a2)
        else:
            joined.append(block)
    return joined


def hunks(
    before: Sequence[str],
    after: Sequence[str],
    *,
    first_before: int = 1,
    first_after: int = 1,
) -> tuple[Hunk, ...]:
    """Return the lines that differ, each with up to three equal ones around it, numbered from the given lines."""
    groups: list[list[Block]] = []
    blocks = diff(before, after)
    for number, block in enumerate(blocks):
        if not block.same:
            if groups and groups[-1] and groups[-1][-1] is blocks[number - 1]:
                groups[-1].append(block)
            else:
                groups.append([*blocks[max(0, number - 1) : number], block])
            if number + 1 < len(blocks):
                groups[-1].append(blocks[number + 1])
                if blocks[number + 1].b2 - blocks[number + 1].b1 > 2 * _AROUND:
                    groups.append([])
    return tuple(
        Hunk(tuple(_lines(group, before, after, first_before, first_after)))
        for group in groups
        if group
    )


def _lines(
    group: list[Block],
    before: Sequence[str],
    after: Sequence[str],
    first_before: int,
    first_after: int,
) -> Iterator[Line]:
    for number, block in enumerate(group):
        if not block.same:
            for at in range(block.b1, block.b2):
                yield Line("-", before[at], first_before + at, None)
            for at in range(block.a1, block.a2):
                yield Line("+", after[at], None, first_after + at)
            continue
        length = block.b2 - block.b1
        chosen = range(length)
        if number == 0:
            chosen = range(max(0, length - _AROUND), length)
        elif number == len(group) - 1:
            chosen = range(min(length, _AROUND))
        for at in chosen:
            b, a = block.b1 + at, block.a1 + at
            yield Line("=", before[b], first_before + b, first_after + a)


def counts(found: Sequence[Hunk]) -> tuple[int, int]:
    """Return how many lines were added and removed."""
    ops = Counter(line.op for hunk in found for line in hunk.lines)
    return ops["+"], ops["-"]
