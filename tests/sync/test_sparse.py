"""A sparse checkout: what it leaves out is compared, and neither written nor sent without its files."""

from __future__ import annotations

import pytest

from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True

ROWS = [f'{{"id": "q{number}", "input": "{number}?"}}' for number in range(3)]
PATH = "skills/alpha/SKILL.md"
ITEMS = "datasets/sums/items.jsonl"


@pytest.fixture
def sparse(solo: Clone, live: Live) -> Clone:
    """Alpha and sums are left out, beta is there."""
    solo.skill("alpha")
    solo.skill("beta")
    solo.dataset("sums", ROWS)
    assert solo.push().exit == 0
    solo.commit("published")
    solo.replace(PATH, "Step one.", "Step 1.")
    solo.replace(ITEMS, "1?", "one?")
    solo.commit("edited")
    solo.git("sparse-checkout", "set", "skills/beta")
    assert not (solo.path / PATH).exists()
    return solo


def state(clone: Clone) -> tuple[str, str]:
    return clone.git("status", "--porcelain"), clone.git("ls-files", "-t")


def edit_there(live: Live, old: str, new: str) -> None:
    live.edit_body("alpha", old, new)
    [dataset] = live.datasets()
    live.patch_row(live.row(dataset["id"], "q2")["id"], input="two?")


@pytest.mark.parametrize("text", ["Step two.", "Step one."])
def test_a_pull_leaves_out_what_is_left_out(sparse: Clone, live: Live, text: str) -> None:
    """A merge as well as a conflict; afterwards nothing looks deleted."""
    edit_there(live, text, "Step from there.")
    before = state(sparse)
    report = sparse.pull()
    for name, folder in (("alpha", "skills/alpha"), ("sums", "datasets/sums")):
        found = outcome(report, name)
        assert found.exit == 1
        assert f"sparse checkout leaves {folder} out" in found.message
        assert f"git sparse-checkout add {folder}" in found.fix
    assert state(sparse) == before
    assert {line.row for line in sparse.status().lines}.isdisjoint({"S13", "S14", "D4"})
    sparse.git("sparse-checkout", "disable")
    assert sparse.pull().exit == (0 if text == "Step two." else 4)


def test_a_push_sends_nothing_whose_pointer_could_not_be_written(sparse: Clone, live: Live) -> None:
    before = live.version("alpha")
    report = sparse.push()
    assert {outcome(report, name).exit for name in ("alpha", "sums")} == {1}
    assert live.version("alpha") == before
    [dataset] = live.datasets()
    assert live.row(dataset["id"], "q1")["input"] == "1?"
    sparse.git("sparse-checkout", "disable")
    assert sparse.push().exit == 0
    assert live.version("alpha") == before + 1
    assert live.row(dataset["id"], "q1")["input"] == "one?"
