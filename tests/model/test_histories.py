"""The real decisions lose nothing in random histories, and each rule they follow is needed (sync.md 5.4)."""

from __future__ import annotations

import pytest

from tests.model.histories import PICKS, Rules, play

SHARDS = 4


def check(seeds: range, rules: Rules = Rules()) -> None:  # noqa: B008  # frozen
    wrong, done = play(seeds, rules)
    assert wrong == 0, done
    assert done["published"] > len(seeds), "a model in which nothing is published proves nothing"
    assert done["block"] > 0


def test_random_histories_lose_nothing() -> None:
    check(range(150))


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_2000_histories_lose_nothing(shard: int) -> None:
    check(range(shard * 500, (shard + 1) * 500))


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(50))
def test_50000_histories_lose_nothing(shard: int) -> None:
    check(range(10_000 + shard * 1_000, 11_000 + shard * 1_000))


@pytest.mark.soak
@pytest.mark.parametrize(
    "rules",
    [
        Rules(out_of_order=0.8, crash=0.5),
        Rules(web_revert=0.6, git_revert=0.4),
        Rules(weights=(2, 12, 14, 8, 12, 22, 0, 0)),
    ],
    ids=["jobs late and dying", "many reverts", "from main only"],
)
def test_other_ways_to_work_lose_nothing(rules: Rules) -> None:
    check(range(5_000), rules)


WEAKENED = {
    "B1 push merges by itself": Rules(ff_only=False),
    "B2 the pointer may go backwards": Rules(pointer_stays=False),
    "B3 a branch's publish leaves no pointer": Rules(branch_pointer=False),
    "B3 a published branch is deleted unmerged": Rules(branches_stay=False),
    "B4 one base instead of all": Rules(all_bases=False),
    "B5 equal content counts as taken in": Rules(equal_is_nothing=False),
    "B6 cherry-picks, and the higher pointer wins": Rules(safe_pointer=False, weights=PICKS),
}


@pytest.mark.slow
@pytest.mark.parametrize("rules", WEAKENED.values(), ids=WEAKENED)
def test_without_a_rule_edits_are_lost(rules: Rules) -> None:
    """A check that cannot fail proves nothing: each rule switched off in turn shows losses."""
    for start in range(0, 2_000, 100):
        if play(range(start, start + 100), rules)[0]:
            return
    pytest.fail("2,000 histories lost nothing without the rule")
