"""What a tree has taken in, and all common ancestors, in the graph of commits and versions (sync.md 5.3)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.base import (
    Bases,
    MarkedVersion,
    MarkerStanding,
    bases,
    is_superseded,
    judge_marker,
    publish_edge,
    taken_in,
)
from skillsync.formats.marker import Mangled, Marker
from tests.core.graphs import CommitGraph

LINE = CommitGraph({"a": [], "b": ["a"], "c": ["b"], "d": ["c"]})
FORK = CommitGraph({"a": [], "b": ["a"], "c": ["a"], "m": ["b", "c"]})
TWO = CommitGraph({"a": [], "b": ["a"], "h": ["b"], "m": ["b"], "n": ["a"]})
CRISS = CommitGraph(
    {"a": [], "b": ["a"], "c": ["a"], "x": ["b", "c"], "y": ["c", "b"], "h": ["x"], "r": ["y"]}
)


def versions(*commits: str | None) -> list[MarkedVersion]:
    """v1, v2, … by what each one's valid marker names."""
    return [MarkedVersion(at, f"id-{at}", commit) for at, commit in enumerate(commits, 1)]


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize(
    ("why", "pointers", "marks", "head", "taken"),
    [
        ("nothing links them", [], [None, None], "c", 0),
        ("pulled", [2], [None, None, None], "c", 2),
        ("published from here", [], [None, "c"], "c", 2),
        ("published from an ancestor", [1], [None, "b", "a"], "c", 3),
        ("published from a later commit", [1], [None, "d"], "c", 1),
        ("edited in the page after our publish", [1], [None, "b", None], "c", 2),
        ("pulled after our publish", [3], [None, "b", None], "c", 3),
        ("the newest pull counts", [1, 3, 2], [None, None, None], "c", 3),
        ("no commit yet", [1], [None, "a"], None, 1),
    ],
)
def test_taken_in_is_the_newest_of_both_kinds_of_edge(
    why: str, pointers: list[int], marks: list[str | None], head: str | None, taken: int
) -> None:
    assert taken_in(pointers, versions(*marks), head=head, graph=LINE) == taken


def test_the_newest_own_publish_is_the_edge() -> None:
    marked = versions("a", "b", "d", None)
    assert publish_edge(marked, head="c", graph=LINE) == marked[1]
    assert publish_edge(marked, head=None, graph=LINE) is None
    assert publish_edge(versions(None), head="c", graph=LINE) is None


@pytest.mark.parametrize(
    ("latest", "head", "superseded"),
    [("d", "c", True), ("c", "c", False), ("b", "c", False), (None, "c", False), ("d", None, False)],
)  # fmt: skip
def test_a_publish_from_a_descendant_supersedes(
    latest: str | None, head: str | None, superseded: bool
) -> None:
    assert is_superseded(MarkedVersion(5, "id", latest), head=head, graph=LINE) is superseded
    assert is_superseded(None, head=head, graph=LINE) is False


def test_a_publish_from_another_branch_does_not_supersede() -> None:
    assert not is_superseded(MarkedVersion(5, "id", "b"), head="c", graph=FORK)


# ---------------------------------------------------------------- bases


@pytest.mark.parametrize(
    ("why", "graph", "taken", "marks", "head", "taken_at", "expected"),
    [
        ("only web edits", LINE, 1, [None, None], "c", {}, Bases(1)),
        ("published from elsewhere meanwhile", FORK, 1, [None, "b"], "c", {"a": 1}, Bases(0, ("a",))),
        ("the fork had not taken in what we have", FORK, 2, [None, None, "b"], "c", {"a": 1}, Bases(2, ("a",))),
        ("a web edit on top of it changes nothing", FORK, 2, [None, None, "b", None], "c", {"a": 1}, Bases(2, ("a",))),
        ("published from a descendant", LINE, 1, [None, "d"], "c", {"c": 1}, Bases(0, ("c",))),
        ("what an earlier version held is no base", FORK, 2, [None, "a", "b"], "c", {"a": 1}, Bases(2)),
        ("two best ancestors", CRISS, 1, [None, "r"], "h", {"b": 1, "c": 1}, Bases(0, ("b", "c"))),
        ("neither has what we pulled", CRISS, 2, [None, None, "r"], "h", {"b": 1, "c": 1}, Bases(2, ("b", "c"))),
        ("one of them has", CRISS, 2, [None, None, "r"], "h", {"b": 2, "c": 1}, Bases(0, ("b", "c"))),
        ("only maximal ones", CRISS, 1, [None, "a", "b"], "h", {"a": 1, "b": 1}, Bases(0, ("b",))),
        ("no commit yet", LINE, 1, [None, "a"], None, {}, Bases(1)),
        ("every later publish counts, not only the last", TWO, 1, [None, "m", "n"], "h", {}, Bases(1, ("b",))),
    ],
)  # fmt: skip
def test_bases_are_all_maximal_common_ancestors(
    why: str,
    graph: CommitGraph,
    taken: int,
    marks: list[str | None],
    head: str | None,
    taken_at: dict[str, int],
    expected: Bases,
) -> None:
    found = bases(
        taken, versions(*marks), head=head, graph=graph, taken_at=lambda at: taken_at.get(at, 0)
    )
    assert found == expected


@st.composite
def graphs(draw: st.DrawFn) -> CommitGraph:
    """Up to nine commits, each with up to two earlier ones as parents."""
    count = draw(st.integers(1, 9))
    parents: dict[str, Sequence[str]] = {}
    for at in range(count):
        earlier = sorted(parents)
        parents[f"c{at}"] = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if earlier else []  # fmt: skip
    return CommitGraph(parents)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[CommitGraph, str, list[MarkedVersion], dict[str, int]]:
    """A graph, HEAD, versions that are foreign or made from commits, and the pointer each commit has."""
    graph = draw(graphs())
    commits = sorted(graph.parents)
    marked = versions(*draw(st.lists(st.none() | st.sampled_from(commits), min_size=1, max_size=6)))
    pointers = {commit: draw(st.integers(0, len(marked))) for commit in commits}
    return graph, draw(st.sampled_from(commits)), marked, pointers


@given(worlds())
def test_every_base_is_common_and_none_contains_another(
    world: tuple[CommitGraph, str, list[MarkedVersion], dict[str, int]],
) -> None:
    graph, head, marked, pointers = world

    def taken_at(commit: str) -> int:
        history = [pointers[one] for one in graph.ancestors(commit)]
        return taken_in(history, marked, head=commit, graph=graph)

    taken = taken_at(head)
    found = bases(taken, marked, head=head, graph=graph, taken_at=taken_at)
    later = [one.commit for one in marked if one.number > taken and one.commit]
    assert found.version in {0, taken}
    assert found.version or found.commits or not taken
    for base in found.commits:
        assert graph.contains(head, base)
        assert any(graph.contains(made_from, base) for made_from in later)
        assert not any(other != base and graph.contains(other, base) for other in found.commits)
    contained = [one.commit for one in marked if one.number <= taken and one.commit]
    for made_from in later:
        for shared in graph.merge_bases(head, made_from):
            assert any(graph.contains(one, shared) for one in (*contained, *found.commits))
    if not later:
        assert found == Bases(taken)
    shuffled = bases(taken, marked[::-1], head=head, graph=graph, taken_at=taken_at)
    assert shuffled == found, "the order of a listing decides nothing (P8)"


# ---------------------------------------------------------------- markers

COMMIT, NONCE = "c" * 40, "0badf00d"
HERE = "canon:1:sha256:" + "ab" * 32
ELSE = "canon:1:sha256:" + "ef" * 32
TWIN = "canon:1:sha256:" + "ab" * 8 + "cd" * 24
MARKER = Marker(NONCE, COMMIT, "ab" * 8)


@pytest.mark.parametrize(
    ("why", "marker", "at_commit", "is_here", "content", "standing"),
    [
        ("nobody wrote one", None, None, False, HERE, MarkerStanding.NONE),
        ("damaged", Mangled("cut"), HERE, True, HERE, MarkerStanding.MANGLED),
        ("files that were not committed", Marker(NONCE), None, False, HERE, MarkerStanding.NO_EDGE),
        ("ours, content not read", MARKER, HERE, True, None, MarkerStanding.VALID),
        ("ours, content read", MARKER, HERE, True, HERE, MarkerStanding.VALID),
        ("another repository's, or a tag's", MARKER, None, False, HERE, MarkerStanding.UNKNOWN_COMMIT),
        ("the commit does not have the skill", MARKER, None, True, HERE, MarkerStanding.OTHER_FILES),
        ("the commit has other files", MARKER, ELSE, True, None, MarkerStanding.OTHER_FILES),
        ("our marker on foreign content", MARKER, HERE, True, ELSE, MarkerStanding.FORGED),
        ("foreign content, and a commit nobody has", MARKER, None, False, ELSE, MarkerStanding.FORGED),
        ("content with the same first digits", MARKER, HERE, True, TWIN, MarkerStanding.FORGED),
    ],
)  # fmt: skip
def test_what_a_marker_is_worth(
    why: str,
    marker: Marker | Mangled | None,
    at_commit: str | None,
    is_here: bool,
    content: str | None,
    standing: MarkerStanding,
) -> None:
    found = judge_marker(marker, at_commit=at_commit, is_here=is_here, content=content)
    assert found is standing
