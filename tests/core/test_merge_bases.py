"""Merging with several common ancestors: where their verdicts differ, a person decides (sync.md 5.3, B4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.merge import SkillMerge, TextMerge, TextMerger, common_base, merge_skill
from skillsync.formats.canonical import same_skill
from skillsync.model import Extra, Json, Skill

LINES = "one\ntwo\nthree\nfour\nfive"


def skill(body: str = LINES, description: str = "Sorts.", **fields: object) -> Skill:
    return replace(Skill("triage", description, body, extra=Extra()), **fields)  # type: ignore[arg-type]


def never(*texts: str) -> TextMerge:
    raise AssertionError(texts)


def units(merge: SkillMerge) -> list[str]:
    return [conflict.unit for conflict in merge.conflicts]


ONE, OTHER = skill(LINES.replace("two", "2")), skill(LINES.replace("two", "zwei"))


def test_the_verdicts_of_two_ancestors_about_a_line_differ(merge_text: TextMerger) -> None:
    """Each side is one of the ancestors: alone, each would let the other side win."""
    assert merge_skill(ONE, ONE, OTHER, merge_text=merge_text).skill.body == OTHER.body
    assert merge_skill(OTHER, ONE, OTHER, merge_text=merge_text).skill.body == ONE.body
    merge = merge_skill([ONE, OTHER], ONE, OTHER, merge_text=merge_text)
    assert units(merge) == ["body"]
    marked = merge.merged_texts["SKILL.md:body"]
    assert "\n2\n" in marked
    assert "\nzwei\n" in marked


def test_lines_that_all_ancestors_have_are_merged(merge_text: TextMerger) -> None:
    local = skill(LINES.replace("two", "II").replace("five", "FIVE"))
    remote = skill(LINES.replace("two", "II"), "Sorts tickets.")
    merge = merge_skill([ONE, OTHER], local, remote, merge_text=merge_text)
    assert merge.is_clean
    assert merge.skill.body == "one\nII\nthree\nfour\nFIVE"
    assert merge.skill.description == "Sorts tickets."


def test_ancestors_that_are_too_much_to_compare_leave_every_difference_to_a_person(
    merge_text: TextMerger,
) -> None:
    """A megabyte in which nothing is alike: what both sides have is merged, the rest is a conflict, nothing is lost."""
    here = [f"a line of one ancestor, {number % 700}" for number in range(20_000)]
    there = [f"a line of the other, {number % 900}" for number in range(20_000)]
    one, other = (skill("\n".join(["Begin.", *lines, "End."])) for lines in (here, there))
    local = skill(one.body.replace("End.", "The end."))
    remote = skill(other.body.replace("Begin.", "The beginning."))
    merge = merge_skill([one, other], local, remote, merge_text=merge_text)
    assert units(merge) == ["body"]
    marked = merge.merged_texts["SKILL.md:body"].split("\n")
    assert {*here, *there, "The beginning.", "The end."} <= {*marked}
    same = merge_skill([one, other], local, local, merge_text=merge_text)
    assert same.is_clean
    assert same.skill.body == local.body


@pytest.mark.parametrize(
    ("bases", "local", "remote", "result", "conflicts"),
    [
        (["B", "B"], "B", "R", "R", []),
        (["B", "C"], "B", "C", "B", ["p"]),
        (["B", "C"], "X", "X", "X", []),
        (["B", "C"], "B", "R", "B", ["p"]),
        (["B", None], "B", None, "B", ["p"]),
        (["B", None], None, "B", "B", ["p"]),
        (["B", None], None, None, None, []),
        ([None, None], "L", None, "L", []),
        (["B", "B", "C"], "B", "R", "B", ["p"]),
    ],
)
def test_a_file(
    bases: list[str | None],
    local: str | None,
    remote: str | None,
    result: str | None,
    conflicts: list[str],
    merge_text: TextMerger,
) -> None:
    def with_file(text: str | None) -> Skill:
        return skill(files={} if text is None else {"p": text})

    merge = merge_skill(
        [with_file(text) for text in bases],
        with_file(local),
        with_file(remote),
        merge_text=merge_text,
    )
    assert units(merge) == conflicts
    assert merge.skill.files.get("p") == result


def test_a_tool_list_is_one_unit_wherever_it_is_carried(merge_text: TextMerger) -> None:
    plain = skill(allowed_tools=("Read", "Bash"))
    carried = skill(extra=Extra(allowed_tools=("Read", "Bash")))
    other = skill(allowed_tools=("Read",))
    assert merge_skill([plain, carried], plain, other, merge_text=merge_text).is_clean
    merge = merge_skill([plain, other], plain, other, merge_text=merge_text)
    assert units(merge) == ["allowed-tools"]


def test_modes_are_kept_where_the_ancestors_differ(merge_text: TextMerger) -> None:
    files = {"run.sh": "echo"}
    plain = skill(files=files)
    runs = skill(files=files, extra=Extra(executable=frozenset({"run.sh"})))
    for local, remote in ((plain, runs), (runs, plain)):
        merge = merge_skill([plain, runs], local, remote, merge_text=merge_text)
        assert merge.is_clean
        assert merge.skill.extra is not None
        assert merge.skill.extra.executable == {"run.sh"}


def test_nothing_that_is_merged_looks_like_the_word_for_a_dispute(merge_text: TextMerger) -> None:
    word = "[the common ancestors differ here]"
    local = skill(description=word)
    merge = merge_skill(
        [skill(description="a"), skill(description="b")], local, skill(), merge_text=merge_text
    )
    assert units(merge) == ["description"]
    assert merge.conflicts[0].base != word


WORD = "[the common ancestors differ here]"


@pytest.mark.parametrize(
    "side",
    [
        skill(description=WORD),
        skill(license=WORD),
        skill(compatibility=WORD),
        skill(f"a {WORD}\nb"),
        skill(allowed_tools=("Read", WORD)),
        skill(metadata={"k": {"x": WORD}}),
        skill(files={"p": WORD}),
        skill(extra=Extra(frontmatter={"k": [WORD]})),
        skill(extra=Extra(allowed_tools=("Read", WORD))),
    ],
)
def test_the_word_for_a_dispute_is_in_no_text_of_any_side(side: Skill) -> None:
    bases = [skill(description="a"), skill(description="b")]
    for given_bases, sides in ((bases, (skill(), side)), ([*bases, side], ())):
        made = common_base(given_bases, sides=sides)
        assert made is not None
        assert made.description == f"[{WORD}]"
    plain = common_base(bases, sides=(skill(extra=None),))
    assert plain is not None
    assert plain.description == WORD


def test_lines_are_compared_however_often_they_are_there() -> None:
    same = ["same", "in all", ""] * 100
    made = common_base([skill("\n".join([one, *same, "end"])) for one in "ab"], sides=())
    assert made is not None
    assert made.body.split("\n") == [WORD, *same, "end"]


def test_one_ancestor_is_that_ancestor_and_none_is_none() -> None:
    assert common_base([ONE], sides=()) is ONE
    assert common_base([], sides=()) is None


@pytest.mark.parametrize("field", ["description", "license", "compatibility"])
def test_a_field_that_all_ancestors_have_alike_is_merged(field: str) -> None:
    base, edited = (skill(**{field: value}) for value in "ab")
    for local, remote in ((base, edited), (edited, base)):
        made = merge_skill([base, base], local, remote, merge_text=never)
        assert made.is_clean
        assert getattr(made.skill, field) == "b"
    gone = skill(**{field: ""})
    assert getattr(merge_skill([base, base], base, gone, merge_text=never).skill, field) == ""


def test_a_key_that_all_ancestors_have_alike_is_merged_and_another_equals_nothing() -> None:
    def with_key(value: Json) -> Skill:
        return skill(metadata={"k": value}, extra=Extra(frontmatter={"k": value}))

    a, b, null = with_key("a"), with_key("b"), with_key(None)
    made = merge_skill([a, a], a, b, merge_text=never)
    assert (made.conflicts, made.skill) == ((), b)
    assert units(merge_skill([a, b], null, with_key("c"), merge_text=never)) == ["metadata.k", "k"]
    assert units(merge_skill([a, b], a, null, merge_text=never)) == ["metadata.k", "k"]


def test_a_mode_and_an_empty_file_that_all_ancestors_have_can_go() -> None:
    files = {"run.sh": "echo"}
    base = skill(files=files, extra=Extra(executable=frozenset(files), empty=frozenset({"e"})))
    for local, remote in ((base, skill(files=files)), (skill(files=files), base)):
        assert merge_skill([base, base], local, remote, merge_text=never).skill.extra == Extra()


values = st.sampled_from(["", "a", "b", "c"])
mappings = st.sampled_from(
    [
        {key: value for key, value in zip("kl", pair, strict=True) if value is not None}
        for pair in product([None, "", "a", "b", "c"], repeat=2)
    ]
)
"""Every mapping of two keys at most: one draw instead of many."""
skills = st.builds(
    lambda description, terms, metadata, frontmatter, files: skill(
        description=description or "d",
        license=terms,
        metadata=metadata,
        extra=Extra(frontmatter=frontmatter),
        files={path: text for path, text in files.items() if text},
    ),
    values,
    values,
    mappings,
    mappings,
    mappings,
)


def verdict(base: object, local: object, remote: object) -> str:
    """The rule for one unit and one ancestor, as sync.md 5.4's model has it."""
    if local == remote:
        return "agree"
    return "remote" if base == local else "local" if base == remote else "conflict"


@given(st.lists(skills, min_size=1, max_size=3), skills, skills)
def test_a_key_is_merged_exactly_when_all_ancestors_have_one_verdict(
    merge_text: TextMerger, bases: list[Skill], local: Skill, remote: Skill
) -> None:
    merge = merge_skill(bases, local, remote, merge_text=merge_text)
    found = set(units(merge))
    for key in "kl":
        at_metadata = [side.metadata.get(key) for side in (*bases, local, remote, merge.skill)]
        check(f"metadata.{key}" in found, at_metadata)
        if key not in local.files and key not in remote.files:  # else the unit may be the file
            extras = [side.extra or Extra() for side in (*bases, local, remote, merge.skill)]
            check(key in found, [extra.frontmatter.get(key) for extra in extras])


def check(in_conflict: bool, values: Sequence[object]) -> None:
    """The values are those of the ancestors, then local, remote and merged."""
    *bases, local, remote, merged = values
    verdicts = {verdict(base, local, remote) for base in bases}
    only = verdicts.pop() if len(verdicts) == 1 else "conflict"
    assert in_conflict == (only == "conflict")
    if only in {"local", "remote"}:
        assert merged == (local if only == "local" else remote)


@given(st.lists(skills, min_size=1, max_size=3), skills, skills)
def test_more_ancestors_never_settle_what_one_leaves_open(
    merge_text: TextMerger, bases: list[Skill], local: Skill, remote: Skill
) -> None:
    """A clean merge with all is the clean merge with each; their order is nothing; agreement stays agreement."""
    merge = merge_skill(bases, local, remote, merge_text=merge_text)
    turned = merge_skill(bases[::-1], local, remote, merge_text=merge_text)
    assert units(turned) == units(merge)
    assert same_skill(turned.skill, merge.skill)
    if merge.is_clean:
        for base in bases:
            alone = merge_skill(base, local, remote, merge_text=merge_text)
            assert alone.is_clean
            assert same_skill(alone.skill, merge.skill)
    assert merge_skill(bases, local, local, merge_text=merge_text).is_clean


bodies = st.sampled_from(
    ["\n".join(lines) for count in range(1, 6) for lines in product("abcd", repeat=count)]
)


@given(st.lists(bodies, min_size=2, max_size=3), bodies, bodies)
def test_a_clean_text_is_what_each_ancestor_alone_gives(
    merge_text: TextMerger, bases: list[str], local: str, remote: str
) -> None:
    merge = merge_skill(
        [skill(body) for body in bases], skill(local), skill(remote), merge_text=merge_text
    )
    for body in bases:
        alone = merge_skill(skill(body), skill(local), skill(remote), merge_text=merge_text)
        if merge.is_clean and alone.is_clean:  # one text alone may be read as moved lines
            assert alone.skill.body == merge.skill.body
