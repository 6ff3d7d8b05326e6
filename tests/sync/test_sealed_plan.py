"""P24: what `push --plan` does equals what the plan printed, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.core.plan import Plan
from skillsync.core.sealed import SealedPlan
from skillsync.errors import InvalidContent, PlanUnreadable, RefusedForSafety, StalePlan
from skillsync.sync.push import PushRequest
from skillsync.sync.report import Report
from skillsync.sync.sealed_plan import push_sealed, read_plan, seal, write_plan
from tests.sync.harness import Clone, Live, first_push

BOTH_DIALECTS = True

ALPHA = "skills/alpha/SKILL.md"
ROWS = "datasets/sums/items.jsonl"


def row(key: str, answer: str = "2") -> str:
    return json.dumps({"id": key, "input": "1+1?", "expected_output": answer})


def sealed(clone: Clone, *names: str, **how: Any) -> tuple[SealedPlan, Plan]:
    """Make a plan and take it through a file, as another process would see it."""
    request = PushRequest(names=names, clock=clone.clock, **how)
    with clone.connect(clone.target) as remote:
        made, plan = seal(clone.workspace, clone.target, remote, request)
    path = clone.path / ".git" / "plan.json"
    write_plan(path, made)
    found = read_plan(path)
    assert found == made
    return found, plan


def apply(clone: Clone, plan: SealedPlan) -> Report:
    return push_sealed(
        clone.workspace, clone.target, clone.connect, plan, clock=clone.clock, writer=clone.writer()
    )


def world(clone: Clone) -> None:
    """Something of every kind to publish: a new skill, an edit, a removal, and rows of each kind."""
    for name in ("alpha", "beta", "kept"):
        clone.skill(name)
    clone.dataset("sums", [row("q1"), row("q2"), row("q3")])
    first_push(clone)
    clone.replace(ALPHA, "Step two.", "Step 2.")
    clone.skill("gamma")
    clone.git("rm", "-rq", "skills/beta")
    clone.write(ROWS, f"{row('q1', 'two')}\n{row('q3')}\n{row('q4')}\n")
    clone.dataset("more", [row("m1"), row("m2")])
    clone.commit("edits")


def content_writes(clone: Clone) -> list[tuple[str, str]]:
    assert clone.requests
    return clone.requests.writes


def test_what_is_done_is_what_was_printed(live: Live, solo: Clone) -> None:
    world(solo)
    plan, printed = sealed(solo, archive=["beta", "sums:q2"])
    assert plan.actions == printed.actions
    lines = [action.describe().split(" (")[0] for action in printed.actions]
    assert lines == [
        "+ create skill gamma",
        "+ create dataset more",
        "+ create row sums:q4",
        "~ update skill alpha",
        "~ update row sums:q1",
        "- remove skill beta",
        "- remove row sums:q2",
    ]
    assert solo.requests
    solo.requests.made.clear()
    report = apply(solo, plan)
    assert report.exit == 0
    kinds = [
        (method, path.split("/", 4)[-1].split("?")[0]) for method, path in content_writes(solo)
    ]
    names = [(method, "/".join(path.split("/")[:3])) for method, path in kinds]
    # Where there are markers gamma gets one, and a row is archived by a verb of its own.
    posts = {"seed": 6, "current": 7}[live.dialect]
    assert sorted(method for method, _ in names) == ["PATCH"] * 3 + ["POST"] * posts
    assert live.version("alpha") == 2
    assert live.version("gamma") == live.created
    assert live.skill("beta") == {}
    dataset = next(one for one in live.datasets() if one["name"] == "sums")
    keys = {one["metadata"]["skillsync_id"]: one["output"] for one in live.rows(dataset["id"])}
    assert keys == {"q1": "two", "q3": "2", "q4": "2"}
    solo.requests.made.clear()
    solo.push()
    assert solo.requests.writes == []


def test_a_plan_without_consent_to_removals_removes_nothing(live: Live, solo: Clone) -> None:
    world(solo)
    plan, printed = sealed(solo)
    assert {action.subject for action in printed.pending} == {"beta", "sums:q2"}
    apply(solo, plan)
    assert live.version("beta") == 1
    assert live.row(live.datasets()[-1]["id"], "q2")


def test_the_plan_of_some_names_leaves_the_others_alone(live: Live, solo: Clone) -> None:
    world(solo)
    plan, printed = sealed(solo, "alpha")
    assert [action.subject for action in printed.actions] == ["alpha"]
    assert plan.names == ("alpha",)
    apply(solo, plan)
    assert (live.version("alpha"), live.version("gamma")) == (2, 0)


# ---------------------------------------------------------------- anything that differs


def web_edit(live: Live, solo: Clone) -> None:
    live.edit_body("kept", "Step two.", "Step of the web.")


def web_edit_and_back(live: Live, solo: Clone) -> None:
    live.edit_body("kept", "Step two.", "Step of the web.")
    live.edit_body("kept", "Step of the web.", "Step two.")


def web_create(live: Live, solo: Clone) -> None:
    live.create("gamma")


def web_archive(live: Live, solo: Clone) -> None:
    live.archive("kept")


def web_row(live: Live, solo: Clone) -> None:
    dataset = next(one for one in live.datasets() if one["name"] == "sums")
    item = live.row(dataset["id"], "q3")
    live.patch_row(item["id"], output="other")


def web_row_and_back(live: Live, solo: Clone) -> None:
    web_row(live, solo)
    dataset = next(one for one in live.datasets() if one["name"] == "sums")
    live.patch_row(live.row(dataset["id"], "q3")["id"], output="2")


def web_new_row(live: Live, solo: Clone) -> None:
    dataset = next(one for one in live.datasets() if one["name"] == "sums")
    live.add_row(dataset["id"], input="new")


def local_edit(live: Live, solo: Clone) -> None:
    solo.replace(ALPHA, "Step one.", "Step 1.")


def local_spaces(live: Live, solo: Clone) -> None:
    solo.write(ALPHA, solo.read(ALPHA) + "\n\n")


def local_new(live: Live, solo: Clone) -> None:
    solo.skill("delta")


def local_gone(live: Live, solo: Clone) -> None:
    solo.git("rm", "-rqf", "skills/kept")


def local_row(live: Live, solo: Clone) -> None:
    solo.write(ROWS, f"{row('q1', 'two')}\n{row('q3')}\n{row('q4', 'four')}\n")


def local_line_without_id(live: Live, solo: Clone) -> None:
    solo.write(ROWS, f"{row('q1', 'two')}\n{row('q3')}\n{row('q4')}\n" + '{"input": "x"}\n')


def commit(live: Live, solo: Clone) -> None:
    solo.commit("nothing in it")


CHANGES: tuple[Callable[[Live, Clone], None], ...] = (
    web_edit_and_back,
    web_edit,
    web_create,
    web_row_and_back,
    web_row,
    web_new_row,
    local_edit,
    local_spaces,
    local_new,
    local_row,
    commit,
    web_archive,
    local_gone,
    local_line_without_id,
)
"""One after the other in one world, each against a new plan; the last makes further plans impossible."""


@pytest.mark.slow
def test_any_difference_refuses_the_whole_plan(live: Live, solo: Clone) -> None:
    world(solo)
    for change in CHANGES:
        plan, printed = sealed(solo, archive=["beta"])
        assert printed.actions, change
        change(live, solo)
        before = solo.files()
        assert solo.requests
        solo.requests.made.clear()
        with pytest.raises(StalePlan) as refused:
            apply(solo, plan)
        assert (refused.value.exit_code, refused.value.code) == (6, "E-STALE-PLAN"), change
        assert (solo.requests.writes, solo.files()) == ([], before), change


def test_a_plan_of_another_commit_is_refused_before_any_request(live: Live, solo: Clone) -> None:
    world(solo)
    plan, _ = sealed(solo)
    solo.git("checkout", "-q", "-f", "HEAD^")
    assert solo.requests
    solo.requests.made.clear()
    with pytest.raises(StalePlan, match="another commit"):
        apply(solo, plan)
    assert solo.requests.made == []


def test_what_the_plan_does_not_depend_on_may_change(live: Live, solo: Clone) -> None:
    world(solo)
    plan, _ = sealed(solo, "alpha")
    web_edit(live, solo)
    local_new(live, solo)
    assert apply(solo, plan).exit == 0
    assert live.version("alpha") == 2
    solo.pull("kept")
    plan, _ = sealed(solo)
    live.create("webby")  # only the remote has it: no push looks at it
    assert apply(solo, plan).exit == 0
    assert live.version("delta") == 1


def test_another_target_tool_or_mode_refuses_before_any_request(live: Live, solo: Clone) -> None:
    from dataclasses import replace

    world(solo)
    plan, _ = sealed(solo)
    assert solo.requests
    solo.requests.made.clear()
    for other in (
        replace(plan, place="127.0.0.1:8765/2"),
        replace(plan, target="prod"),
        replace(plan, tool="0.0.0"),
        replace(plan, canon="canon:2"),
        replace(plan, mode="team"),
        replace(plan, head=None),
        replace(plan, head=(plan.head or "")[:12] + "0" * 28),
    ):
        with pytest.raises(StalePlan):
            apply(solo, other)
    assert solo.requests.made == []


# ---------------------------------------------------------------- applied once


def test_a_plan_is_applied_once_even_if_everything_looks_as_before(live: Live, solo: Clone) -> None:
    solo.dataset("sums", [row("q1")])
    solo.push()
    solo.commit()
    solo.write(ROWS, row("q1", "two") + "\n")
    solo.commit()
    plan, _ = sealed(solo)
    apply(solo, plan)
    with pytest.raises(StalePlan, match="applied already"):
        apply(solo, plan)
    # Somebody changes the row back, our pointer is thrown away, and the note of the first run is gone: still no.
    dataset = live.datasets()[0]["id"]
    live.patch_row(live.row(dataset, "q1")["id"], output="2")
    solo.git("checkout", "-q", "-f", "HEAD")
    (solo.path / ".git/skillsync/applied-plans").unlink()
    assert solo.requests
    solo.requests.made.clear()
    with pytest.raises(StalePlan, match="sums"):
        apply(solo, plan)
    assert solo.requests.writes == []


def test_an_edit_in_the_last_moment_is_never_replaced(live: Live, solo: Clone) -> None:
    world(solo)
    plan, _ = sealed(solo, "alpha")
    assert solo.requests

    def race(request: httpx.Request) -> None:
        if request.method == "PATCH" and solo.requests:
            solo.requests.before = None
            live.edit_body("alpha", "Step one.", "Step of the web.")

    solo.requests.before = race
    assert apply(solo, plan).exit == 3
    assert "Step of the web." in live.skill("alpha")["body"]


# ---------------------------------------------------------------- what cannot be sealed


def test_what_no_plan_can_name_is_refused(live: Live, solo: Clone) -> None:
    world(solo)
    solo.write(ROWS, '{"input": "no id"}\n')
    with pytest.raises(InvalidContent, match="lines without an id"):
        sealed(solo)
    solo.write(ROWS, "")
    with pytest.raises(RefusedForSafety):
        sealed(solo)
    solo.git("checkout", "-q", "--", ".")
    live.edit_body("alpha", "Step two.", "Step of the web.")
    solo.pull()
    with pytest.raises(RefusedForSafety, match="not settled yet: alpha"):
        sealed(solo)
    solo.write(ALPHA, solo.git("show", f":2:{ALPHA}") + "\n")
    solo.git("add", ALPHA)
    index, before = (solo.path / ".git/index").read_bytes(), solo.files()
    plan, printed = sealed(solo)
    assert ((solo.path / ".git/index").read_bytes(), solo.files()) == (index, before)
    assert ("alpha", "update") in {(one.subject, str(one.effect)) for one in printed.actions}
    assert apply(solo, plan).exit == 0
    assert "Step of the web." not in live.skill("alpha")["body"]


def test_blocked_objects_are_listed_and_stay_blocked(live: Live, solo: Clone) -> None:
    world(solo)
    live.edit_body("alpha", "Step one.", "Step of the web.")
    plan, printed = sealed(solo)
    assert [one.code for one in printed.problems] == ["E-REMOTE-AHEAD"]
    report = apply(solo, plan)
    assert report.exit == 3
    assert (live.version("alpha"), live.version("gamma")) == (2, live.created)


def test_a_team_applies_the_plan_of_its_commit(live: Live, team: Clone) -> None:
    team.skill("alpha")
    team.commit("one")
    plan, printed = sealed(team)
    team.write(ALPHA, team.read(ALPHA) + "\nnot committed\n")  # HEAD is what is published
    assert [action.subject for action in printed.actions] == ["alpha"]
    assert apply(team, plan).exit == 0
    assert "not committed" not in live.skill("alpha")["body"]
    with pytest.raises(StalePlan):
        apply(team, plan)


def test_the_file_holds_no_key_and_a_missing_one_is_said(
    live: Live, solo: Clone, tmp_path: Path
) -> None:
    world(solo)
    sealed(solo)
    data = (solo.path / ".git/plan.json").read_text()
    for key in live.keys.values():
        assert key not in data
        assert key[4:12] not in data
    with pytest.raises(PlanUnreadable, match="there is no file"):
        read_plan(tmp_path / "missing.json")
    with pytest.raises(PlanUnreadable, match="there is no file"):
        read_plan(tmp_path)
