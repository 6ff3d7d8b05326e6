"""A plan says what push and pull do: no conflict that is none, and none left out."""

from __future__ import annotations

from pathlib import Path

from skillsync.core.plan import Plan
from skillsync.sync.plan import make_plan
from tests.sync.dialects import current_only
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True

ROWS = [f'{{"id": "q{number}", "input": "{number}?"}}' for number in range(3)]
ITEMS = "datasets/sums/items.jsonl"


def plans(clone: Clone) -> tuple[Plan, Plan]:
    """What push and what pull would do."""
    with clone.connect(clone.target) as remote:
        return make_plan(clone.workspace, clone.target, remote)


def codes(plan: Plan) -> set[tuple[str, str]]:
    return {(one.subject, one.code) for one in plan.problems}


@current_only("what nobody can decide in this shallow clone is a marker")
def test_what_cannot_be_decided_is_no_conflict(team: Clone, live: Live, tmp_path: Path) -> None:
    team.skill("alpha")
    team.commit("alpha")
    assert team.push().exit == 0
    team.skill("beta")
    team.commit("beta")
    path = tmp_path / "shallow"
    team.git("clone", "-q", "--depth=1", f"file://{team.path}", str(path))
    push, pull = plans(Clone(live, path))
    assert ("alpha", "E-SHALLOW") in codes(push) & codes(pull)
    assert (pull.conflicts, pull.actions) == ((), ())


def test_a_dataset_that_needs_a_person_is_in_the_plan(solo: Clone, live: Live) -> None:
    """D5: what push and pull end with 4 for."""
    solo.dataset("sums", ROWS)
    solo.dataset("others", ROWS)
    assert solo.push().exit == 0
    solo.commit("pointers")
    [number] = [one["id"] for one in live.datasets() if one["name"] == "sums"]
    live.patch_dataset(number, deleted=True)
    solo.replace(ITEMS, "1?", "one?")
    push, pull = plans(solo)
    about = ("sums", "E-EDITED-BUT-ARCHIVED")
    assert about in codes(push) & codes(pull)
    assert [one.subject for one in pull.conflicts] == ["sums"]
    assert outcome(solo.push(), "sums").code == outcome(solo.pull(), "sums").code == about[1]


def test_a_dataset_of_somebody_else_is_in_the_plan_and_a_conflict(solo: Clone, live: Live) -> None:
    """D3: the name is the same, nothing else is known to be."""
    with live.api() as client:
        made = client.post("datasets/", json={"name": "sums"}).json()
    live.add_row(made["id"], input="another")
    solo.dataset("sums", ROWS)
    push, pull = plans(solo)
    assert ("sums", "E-UNRELATED") in codes(push) & codes(pull)
    [found] = solo.conflicts()
    assert (found.subject, found.exit, found.code) == ("sums", 4, "E-UNRELATED")
    assert f"adopt sums --id UUID (one of {made['id']})" in found.fix


def test_rows_that_are_only_linked_are_in_the_plan_of_a_pull(team: Clone) -> None:
    """A pull writes the pointer for what CI sent, and no file that nobody asked for."""
    team.dataset("sums", ROWS)
    (team.path / "datasets/sums/DATASET.md").unlink()
    team.commit("rows")
    assert team.push().exit == 0
    _, pull = plans(team)
    assert [(str(one.effect), one.name, one.detail) for one in pull.actions] == [
        ("link", "sums", "3 rows")
    ]
    assert outcome(team.pull(), "sums").did == "3 rows linked"
    assert team.git("status", "--porcelain", "--", "datasets").split("\n") == [
        f"A  datasets/sums/{name}" for name in sorted({*pointers(team)})
    ]


def pointers(clone: Clone) -> list[str]:
    return [one.name for one in (clone.path / "datasets/sums").glob(".skillsync*")]


def test_lines_without_an_id_are_in_the_plan(solo: Clone, team: Clone) -> None:
    """I22: alone each gets one and is created, but for the one that is a row already; a team's push refuses the file."""
    for clone in (solo, team):
        clone.dataset("sums", ROWS)
        clone.commit("rows")
        assert clone.push().exit == 0
        rest = ['{"input": "new"}', '{"input": "newer"}', '{"input": "1?"}']
        clone.write(ITEMS, "\n".join([ROWS[0], ROWS[2], *rest, ""]))
        clone.commit("lines")
        if clone is solo:
            push, _ = plans(clone)
            assert [(one.name, one.detail) for one in push.actions] == [
                ("sums", "a line without an id, 1 of 2"),
                ("sums", "a line without an id, 2 of 2"),
            ]
            assert not push.pending
            assert outcome(clone.push(), "sums").did == "2 rows created"
            assert plans(clone)[0].is_empty
        else:
            push, _ = plans(clone)
            assert ("sums", "E-NO-KEY") in codes(push)
            assert push.actions == ()
            assert outcome(clone.push(), "sums").code == "E-NO-KEY"
