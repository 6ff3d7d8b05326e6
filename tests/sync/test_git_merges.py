"""Git merges, rebases and cherry-picks of commits that carry pointers (sync.md B6)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from skillsync.formats.canonical import rows_digest
from skillsync.model import DatasetPointer, Digest, Key
from skillsync.repo.pointer import render_pointer, render_rows
from skillsync.sync.dataset_view import UNKNOWN_INFO
from skillsync.sync.diff import diff
from skillsync.sync.pointer_sides import merge_rows_alone
from skillsync.sync.push import PushRequest
from skillsync.sync.sealed_plan import push_sealed, seal
from tests.sync.harness import Clone, Live, outcome

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"


@pytest.fixture
def two_pulls(solo: Clone, live: Live) -> Clone:
    """Main has pulled version 2 and edited line three; side, from the same commit, has pulled version 3."""
    solo.skill("alpha", BODY)
    assert solo.push().exit == 0
    solo.commit("published")
    solo.git("branch", "side")
    live.edit_body("alpha", "one", "ONE remotely")
    assert solo.pull().exit == 0
    solo.replace(PATH, "three\n", "THREE on main\n")
    solo.commit("pulled v2")
    solo.git("switch", "-q", "side")
    live.edit_body("alpha", "five", "FIVE remotely")
    assert solo.pull().exit == 0
    solo.commit("pulled v3")
    solo.git("switch", "-q", "main")
    return solo


def number(clone: Clone) -> str:
    return clone.read(POINTER).split()[1]


def test_a_merge_has_taken_in_what_both_sides_have(two_pulls: Clone, live: Live) -> None:
    """Only the pointer is in conflict; push settles it and, once that is committed, publishes the merge."""
    two_pulls.git("merge", "-q", "side", check=False)
    assert two_pulls.git("diff", "--name-only", "--diff-filter=U") == POINTER
    [line] = two_pulls.status(offline=True).lines
    assert (line.code, line.state, line.fix) == ("E-POINTER", "conflict", "skillsync pull alpha")
    assert two_pulls.pull().exit == 0
    assert number(two_pulls) == "v3"
    assert two_pulls.git("ls-files", "-u") == ""
    two_pulls.git("commit", "-q", "--no-edit")
    report = two_pulls.push()
    assert outcome(report, "alpha").did == "published v4"
    body = live.skill("alpha")["body"]
    assert all(word in body for word in ("ONE remotely", "THREE on main", "FIVE remotely"))


ROWS = {"ours": {"a": "1" * 16}, "theirs": {"a": "2" * 16, "b": "3" * 16}}


def bases(rows: Mapping[str, str]) -> bytes:
    return render_rows({"h/1": {Key(key): base for key, base in rows.items()}})


def dataset_line(rows: Mapping[str, str], revision: int | None = None) -> bytes:
    digest = rows_digest((Key(key), Digest(base)) for key, base in rows.items())
    line = DatasetPointer("h/1", "id", revision, UNKNOWN_INFO, len(rows), digest)
    return render_pointer({"h/1": line})


@pytest.mark.parametrize(
    ("why", "line", "sides", "expected"),
    [
        ("those that the line was written with", dataset_line(ROWS["theirs"]), [{}, ROWS["ours"], ROWS["theirs"]], ROWS["theirs"]),
        ("whichever side that is", dataset_line(ROWS["ours"]), [{}, ROWS["ours"], ROWS["theirs"]], ROWS["ours"]),
        ("the line is as before both", dataset_line({"c": "4" * 16}), [{"c": "4" * 16}, ROWS["ours"], ROWS["theirs"]], {"c": "4" * 16}),
        ("the line was written with others", dataset_line({"z": "9" * 16}), [{}, ROWS["ours"], ROWS["theirs"]], None),
        ("what lags on one side lags", dataset_line({}, 9), [{"a": "@3"}, {"a": "@3"}, {"b": "@5"}], {"a": "@3", "b": "@5"}),
        ("at the older revision", dataset_line({}, 9), [{"a": "@3"}, {"a": "@7"}, {"a": "@4"}], {"a": "@4"}),
        ("nothing lags any more", dataset_line({}, 9), [{"a": "@3"}, {}, {}], {}),
        ("no line, no bases", b"", [{}, ROWS["ours"], ROWS["theirs"]], {}),
        ("the line cannot be read", b"garbage", [{}, ROWS["ours"], ROWS["theirs"]], None),
    ],
)  # fmt: skip
def test_row_bases_alone_in_conflict_are_those_of_the_line(
    why: str, line: bytes, sides: list[Mapping[str, str]], expected: Mapping[str, str] | None
) -> None:
    """B6 for what lies beside a pointer that git, or somebody, has merged."""
    merged = merge_rows_alone("datasets/x", line, [bases(side) if side else b"" for side in sides])
    assert (None if merged is None else merged.rows) == (
        None if expected is None else bases(expected)
    )
    assert merged is None or merged.pointer == line


def test_an_unfinished_merge_publishes_nothing(two_pulls: Clone, live: Live) -> None:
    """The newer line counts only once the commit it was written on is in HEAD's history."""
    two_pulls.git("merge", "-q", "side", check=False)
    two_pulls.push()
    assert live.version("alpha") == 3


def test_a_plan_of_an_unfinished_merge_is_what_push_then_does(two_pulls: Clone, live: Live) -> None:
    """plan, diff and status see the pointer as push will settle it, and write nothing (P19, P24)."""
    two_pulls.skill("beta")
    two_pulls.git("merge", "-q", "side", check=False)
    index, before = (two_pulls.path / ".git/index").read_bytes(), two_pulls.files()
    request = PushRequest(clock=two_pulls.clock)
    with two_pulls.connect(two_pulls.target) as remote:
        plan, printed = seal(two_pulls.workspace, two_pulls.target, remote, request)
        shown = diff(two_pulls.workspace, two_pulls.target, remote=remote)
    assert not [one for one in printed.problems if one.code == "E-POINTER"]
    assert not [one for one in two_pulls.status().lines if one.code == "E-POINTER"]
    assert [one.subject for one in shown] == ["alpha", "beta"]
    assert ((two_pulls.path / ".git/index").read_bytes(), two_pulls.files()) == (index, before)
    report = push_sealed(
        two_pulls.workspace, two_pulls.target, two_pulls.connect, plan, writer=two_pulls.writer()
    )
    assert outcome(report, "beta").did == "created v1"
    assert (live.version("alpha"), live.version("beta")) == (3, 1)


def test_a_cherry_pick_claims_no_version_that_it_does_not_carry(
    two_pulls: Clone, live: Live
) -> None:
    """Side pulls version 4 on top of version 3; main, at version 2, picks that commit alone."""
    two_pulls.git("switch", "-q", "side")
    live.edit_body("alpha", "two", "TWO remotely")
    assert two_pulls.pull().exit == 0
    two_pulls.commit("pulled v4")
    two_pulls.git("switch", "-q", "main")
    two_pulls.git("cherry-pick", "side", check=False)
    assert POINTER in two_pulls.git("diff", "--name-only", "--diff-filter=U")
    if PATH in two_pulls.git("diff", "--name-only", "--diff-filter=U").splitlines():
        two_pulls.git("checkout", "-q", "--theirs", PATH)
        two_pulls.git("add", PATH)
    two_pulls.push()
    assert number(two_pulls) == "v2"
    two_pulls.commit("picked")
    assert two_pulls.push().exit == 3
    assert live.version("alpha") == 4


def test_what_is_no_skills_pointer_is_left_to_the_user(solo: Clone, live: Live) -> None:
    solo.skill("alpha", BODY)
    assert solo.push().exit == 0
    solo.commit("published")
    solo.git("switch", "-q", "-c", "side")
    solo.write(POINTER, "no pointer\n")
    solo.commit("side")
    solo.git("switch", "-q", "main")
    solo.write(POINTER, "garbage\n")
    solo.commit("main")
    solo.git("merge", "-q", "side", check=False)
    before = solo.read(POINTER)
    assert outcome(solo.push(), "alpha").code == "E-POINTER"
    assert solo.read(POINTER) == before
    assert live.version("alpha") == 1
