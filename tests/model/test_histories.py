"""The real decisions lose nothing in random histories, and each rule they follow is needed (sync.md 5.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.model.creations import Created
from tests.model.histories import History, Rules, play

SHARDS = 4
SHALLOW = Rules(shallow=0.4)
PICKED = Rules(weights=(10, 12, 14, 10, 6, 16, 5, 20))
CREATED = Rules(crash=0.4, weights=(10, 12, 14, 4, 12, 26, 0, 0))


def check(seeds: range, rules: Rules = Rules(), *, of: type[History] = History) -> None:  # noqa: B008  # frozen
    wrong, done = play(seeds, rules, of=of)
    assert wrong == 0, done
    assert done["published"] > len(seeds), "a model in which nothing is published proves nothing"
    assert done["block"] > 0


def test_random_histories_lose_nothing() -> None:
    check(range(150))


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_2000_histories_lose_nothing(shard: int) -> None:
    check(range(shard * 500, (shard + 1) * 500))


@pytest.mark.slow
def test_2000_histories_with_clones_that_are_cut_off_lose_nothing() -> None:
    check(range(2_000), SHALLOW)


@pytest.mark.slow
def test_2000_histories_of_skills_that_jobs_create_lose_nothing() -> None:
    check(range(2_000), CREATED, of=Created)


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


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(10))
def test_50000_more_histories_lose_nothing(shard: int) -> None:
    """Half of them with clones that are cut off, half of skills that jobs create."""
    seeds = range(10_000 + shard * 2_500, 12_500 + shard * 2_500)
    check(seeds, SHALLOW)
    check(seeds, CREATED, of=Created)


WEAKENED = {
    "B1 push merges by itself": Rules(ff_only=False),
    "B2 the pointer may go backwards": Rules(pointer_stays=False),
    "B3 a branch's publish leaves no pointer": Rules(branch_pointer=False),
    "B3 a published branch is deleted unmerged": Rules(branches_stay=False),
    "B4 one base instead of all": Rules(all_bases=False),
    "B5 equal content counts as taken in": Rules(equal_is_nothing=False),
    "B7 a clone that is cut off guesses": replace(SHALLOW, whole_history=False),
}


@pytest.mark.slow
@pytest.mark.parametrize("rules", WEAKENED.values(), ids=WEAKENED)
def test_without_a_rule_edits_are_lost(rules: Rules) -> None:
    """A check that cannot fail proves nothing: each rule switched off in turn shows losses."""
    assert finds("lost in a publish", "lost in a merge", rules=rules)


def test_without_the_author_a_creation_of_somebody_else_is_lost() -> None:
    """B9: equal content is evidence only where our own account created it."""
    rules = replace(CREATED, creator_matters=False)
    assert finds("lost in a publish", rules=rules, of=Created)


@pytest.mark.slow
def test_without_later_reverts_a_late_job_publishes_what_they_undid() -> None:
    """B9: equal content is evidence only where no later commit went back to it."""
    rules = replace(CREATED, reverts_count=False)
    assert finds("lost in a publish", rules=rules, of=Created)


def test_without_version_1_as_evidence_a_skill_whose_job_died_is_nobodys() -> None:
    """B9: the job died after the creation, before the version that carries the marker."""
    rules = replace(CREATED, own_creation=False)
    assert finds("own creation refused", rules=rules, of=Created)


def test_without_superseded_a_job_that_is_late_is_told_to_pull_what_it_will_get_anyway() -> None:
    """B8 saves no edit, it saves a red job: what the server has was made from a descendant."""
    assert finds("late job blamed", rules=Rules(superseded=False))


@pytest.mark.slow
def test_a_picked_pointer_claims_what_the_tree_has_not_unless_the_safe_rule_settles_it() -> None:
    """B6: a pick brings one commit's change and not what that was made upon, so either rule may claim too much.

    Of the claims that the safe rule does not make, most are false; of those that it makes, few.
    """
    _, safe = play(range(1_000), PICKED)
    _, highest = play(range(1_000), replace(PICKED, safe_pointer=False))
    claims, false = ("claimed after a conflict", "claimed falsely")
    avoided = highest[claims] - safe[claims]
    assert avoided > 20
    assert highest[false] - safe[false] > avoided / 2
    assert 0 < safe[false] < safe[claims] / 2


def finds(*what: str, rules: Rules, of: type[History] = History) -> bool:
    """Play up to 2,000 histories until one of these happens."""
    for start in range(0, 2_000, 100):
        _, done = play(range(start, start + 100), rules, of=of)
        if any(done[each] for each in what):
            return True
    return False
