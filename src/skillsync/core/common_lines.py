"""Finds the lines that two texts have in common, in order: exactly, or with bounded effort not at all."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

MOST_STEPS = 5_000_000
"""Steps that one merge may take to compare its ancestors: about a second."""
_PER_DIAGONAL = 4


@dataclass(slots=True)
class Steps:
    """How many more steps may be taken. A count and no clock: the same texts always merge alike (P8)."""

    left: int = MOST_STEPS


def common_lines(one: Sequence[str], other: Sequence[str], steps: Steps) -> list[tuple[int, int]]:
    """Return the places of a longest common subsequence, ``(place in one, place in other)`` in order.

    Texts that differ too much to be compared with the ``steps`` that is left have only their beginning and their end
    in common: to take less for common than is costs a conflict, never an edit. (Myers, "An O(ND) difference
    algorithm and its variations", 1986: quick where few lines differ, however long the texts are.)
    """
    start, end = _shared_ends(one, other)
    first = [(at, at) for at in range(start)]
    last = [(len(one) - back, len(other) - back) for back in range(end, 0, -1)]
    inner, outer = one[start : len(one) - end], other[start : len(other) - end]
    found = _subsequence(inner, outer, steps) if inner and outer else []
    return first + [(x + start, y + start) for x, y in found] + last


def _shared_ends(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    most = min(len(one), len(other))
    start = 0
    while start < most and one[start] == other[start]:
        start += 1
    end = 0
    while end < most - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return start, end


def _subsequence(one: Sequence[str], other: Sequence[str], steps: Steps) -> list[tuple[int, int]]:
    """Return the places, nothing when the effort runs out on the way. Both have lines, the first of which differ.

    ``reached[k]`` is how far the best path with ``edits`` edits comes on the diagonal ``k`` (place in one less that in
    the other); ``past`` keeps it for every number of edits, so that the path can be walked back.
    """
    reached = {1: 0}
    past: list[array[int]] = []
    for edits in range(len(one) + len(other) + 1):
        steps.left -= _PER_DIAGONAL * (edits + 1)
        for k in range(-edits, edits + 1, 2):
            x = start = _step(reached, k, edits)[1]
            y = x - k
            while x < len(one) and y < len(other) and one[x] == other[y]:
                x, y = x + 1, y + 1
            steps.left -= x - start
            reached[k] = x
            if x >= len(one) and y >= len(other):
                return _walk_back(past, x, y)
        if steps.left < 0:
            return []
        past.append(array("q", (reached[k] for k in range(-edits, edits + 1, 2))))
    raise AssertionError("any text becomes another by removing and adding all lines")


def _step(reached: dict[int, int], k: int, edits: int) -> tuple[int, int]:
    """Return from which diagonal a path comes to ``k`` by one more edit, and to which place in one.

    A line of other was added, or one of one removed: whichever comes further.
    """
    if k == -edits or (k != edits and reached[k - 1] < reached[k + 1]):
        return k + 1, reached[k + 1]
    return k - 1, reached[k - 1] + 1


def _walk_back(past: Sequence[array[int]], x: int, y: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for edits in range(len(past), 0, -1):
        then = past[edits - 1]
        reached = {k: then[at] for at, k in enumerate(range(1 - edits, edits, 2))}
        before, start = _step(reached, x - y, edits)
        while x > start:
            x, y = x - 1, y - 1
            found.append((x, y))
        x = reached[before]
        y = x - before
    return found[::-1]
