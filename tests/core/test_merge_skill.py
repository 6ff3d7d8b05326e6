"""Merging skills: table 7.2 (F1–F18), frontmatter by key, the body by line, and the laws P22."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.merge import BODY, SkillMerge, TextMerge, TextMerger, merge_skill
from skillsync.core.merge_files import exact_renames
from skillsync.formats.canonical import canonical_text, same_skill, skill_digest
from skillsync.model import Conflict, Extra, Json, Skill, UnitKind

TEXT = "one\ntwo\nthree\nfour\nfive"
TOP, END = TEXT.replace("one", "ONE"), TEXT.replace("five", "FIVE")
BOTH = TEXT.replace("one", "ONE").replace("five", "FIVE")
OTHER = TEXT.replace("one", "1")


def never(base: str, local: str, remote: str) -> TextMerge:
    raise AssertionError("one side is as the base, or both are equal: there is nothing to merge")


def skill(
    files: Mapping[str, str] | None = None,
    *,
    body: str = TEXT,
    description: str = "Sorts tickets.",
    license: str = "",  # noqa: A002  # the field's name
    tools: tuple[str, ...] = (),
    metadata: Mapping[str, Json] | None = None,
    extra: Extra | None = Extra(),  # noqa: B008  # frozen
) -> Skill:
    return Skill(
        "triage",
        description,
        body,
        license=license,
        allowed_tools=tools,
        metadata=metadata or {},
        files=files or {},
        extra=extra,
    )


def units(merge: SkillMerge) -> list[str]:
    return [conflict.unit for conflict in merge.conflicts]


# ---------------------------------------------------------------- bundled files

Files = dict[str, str]

FILE_TABLE: list[tuple[str, Files, Files, Files, Files, list[str]]] = [
    ("F1 local only", {}, {"p": "L"}, {}, {"p": "L"}, []),
    ("F2 remote only", {}, {}, {"p": "R"}, {"p": "R"}, []),
    ("F3 added alike", {}, {"p": "X"}, {"p": "X"}, {"p": "X"}, []),
    ("F4 added differently", {}, {"p": "L"}, {"p": "R"}, {"p": "L"}, ["p"]),
    ("F5 as it was", {"p": "B"}, {"p": "B"}, {"p": "B"}, {"p": "B"}, []),
    ("F6 remote edit", {"p": "B"}, {"p": "B"}, {"p": "R"}, {"p": "R"}, []),
    ("F7 local edit", {"p": "B"}, {"p": "L"}, {"p": "B"}, {"p": "L"}, []),
    ("F8 edited alike", {"p": "B"}, {"p": "X"}, {"p": "X"}, {"p": "X"}, []),
    ("F9 edited in different lines", {"p": TEXT}, {"p": TOP}, {"p": END}, {"p": BOTH}, []),
    ("F9 edited in one line", {"p": TEXT}, {"p": TOP}, {"p": OTHER}, {"p": TOP}, ["p"]),
    ("F10 deleted locally", {"p": "B"}, {}, {"p": "B"}, {}, []),
    ("F11 deleted remotely", {"p": "B"}, {"p": "B"}, {}, {}, []),
    ("F12 deleted on both sides", {"p": "B"}, {}, {}, {}, []),
    ("F13 deleted locally, edited remotely", {"p": "B"}, {}, {"p": "R"}, {"p": "R"}, ["p"]),
    ("F14 edited locally, deleted remotely", {"p": "B"}, {"p": "L"}, {}, {"p": "L"}, ["p"]),
    ("F15 renamed locally", {"p": "B"}, {"q": "B"}, {"p": "B"}, {"q": "B"}, []),
    ("F15 renamed remotely", {"p": "B"}, {"p": "B"}, {"q": "B"}, {"q": "B"}, []),
    ("F16 renamed locally, edited remotely", {"p": "B"}, {"q": "B"}, {"p": "R"}, {"q": "R"}, []),
    ("F16 the new path is taken remotely", {"p": "B"}, {"q": "B"}, {"p": "R", "q": "S"}, {"p": "R", "q": "B"}, ["p", "q"]),
    ("F16 two candidates are no rename", {"p": "B"}, {"q": "B", "r": "B"}, {"p": "R"}, {"p": "R", "q": "B", "r": "B"}, ["p"]),
    ("F16 an edited move is no rename", {"p": "B"}, {"q": "C"}, {"p": "R"}, {"p": "R", "q": "C"}, ["p"]),
    ("F17 renamed remotely, edited locally", {"p": "B"}, {"p": "L"}, {"q": "B"}, {"q": "L"}, []),
    ("F18 renamed differently", {"p": "B"}, {"q": "B"}, {"r": "B"}, {"q": "B", "r": "B"}, ["p"]),
    ("F18 renamed alike", {"p": "B"}, {"q": "B"}, {"q": "B"}, {"q": "B"}, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged", "conflicts"),
    [pytest.param(*case[1:], id=case[0]) for case in FILE_TABLE],
)
def test_each_file_row_does_what_the_table_says(
    base: Files,
    local: Files,
    remote: Files,
    merged: Files,
    conflicts: list[str],
    merge_text: TextMerger,
) -> None:
    made = merge_skill(skill(base), skill(local), skill(remote), merge_text=merge_text)
    assert made.skill.files == merged
    assert units(made) == conflicts
    assert all(conflict.kind is UnitKind.FILE for conflict in made.conflicts)
    assert made.skill.body == TEXT


def file_conflict(
    unit: str, base: str | None, local: str | None, remote: str | None, reason: str
) -> Conflict:
    return Conflict("triage", UnitKind.FILE, unit, base, local, remote, reason)


@pytest.mark.parametrize(
    ("base", "local", "remote", "conflicts"),
    [
        ({}, {"p": "L"}, {"p": "R"}, [file_conflict("p", None, "L", "R", "added on both sides")]),
        (
            {"p": "B"},
            {},
            {"p": "R"},
            [file_conflict("p", "B", None, "R", "deleted locally, edited remotely")],
        ),
        (
            {"p": "B"},
            {"p": "L"},
            {},
            [file_conflict("p", "B", "L", None, "edited locally, deleted remotely")],
        ),
        (
            {"z": "B", "a": TEXT},
            {"q": "B", "a": TOP},
            {"r": "B", "a": OTHER},
            [
                file_conflict("a", TEXT, TOP, OTHER, "edited on both sides"),
                file_conflict(
                    "z", "B", None, None, "renamed to q locally and to r remotely; both are kept"
                ),
            ],
        ),
    ],
)
def test_a_conflict_about_a_file_says_what_happened_to_it(
    base: Files, local: Files, remote: Files, conflicts: list[Conflict], merge_text: TextMerger
) -> None:
    made = merge_skill(skill(base), skill(local), skill(remote), merge_text=merge_text)
    assert list(made.conflicts) == conflicts


def test_a_text_in_conflict_is_given_with_its_base_in_markers(merge_text: TextMerger) -> None:
    made = merge_skill(
        skill({"p": TEXT}), skill({"p": TOP}), skill({"p": OTHER}), merge_text=merge_text
    )
    assert made.merged_texts["p"].startswith("<<<<<<< local\nONE\n||||||| base\none\n=======\n1\n")
    assert made.merged_texts["p"].endswith("five\n")
    assert made.conflicts == (
        Conflict("triage", UnitKind.FILE, "p", TEXT, TOP, OTHER, "edited on both sides"),
    )


def test_two_additions_are_shown_with_markers_even_if_they_share_lines(
    merge_text: TextMerger,
) -> None:
    made = merge_skill(skill(), skill({"p": TOP}), skill({"p": END}), merge_text=merge_text)
    assert "<<<<<<<" in made.merged_texts["p"]
    assert made.skill.files == {"p": TOP}


def test_a_rename_that_is_ambiguous_is_none() -> None:
    assert exact_renames({"p": "B"}, {"q": "B"}) == {"p": "q"}
    assert exact_renames({"p": "B", "o": "B"}, {"q": "B"}) == {}
    assert exact_renames({"p": "B"}, {"p": "B", "q": "B"}) == {}


def test_edits_that_together_leave_a_blank_file_are_a_conflict() -> None:
    """No server stores a blank file, so nobody's deletion may be completed silently."""

    made = merge_skill(
        skill({"p": "a\n\n\n\n\n\nb"}),
        skill({"p": "a"}),
        skill({"p": "b"}),
        merge_text=lambda *_: Merged("\n"),
    )
    assert units(made) == ["p"]
    assert made.skill.files == {"p": "a"}
    assert made.merged_texts == {}


def test_two_additions_are_a_conflict_even_where_a_merger_sees_none() -> None:
    asked: list[tuple[str, ...]] = []

    def merge(*texts: str) -> Merged:
        asked.append(texts)
        return Merged("a\nb\n")

    made = merge_skill(skill(), skill({"p": "a"}), skill({"p": "b"}), merge_text=merge)
    assert asked == [("", "a\n", "b\n")]
    assert units(made) == ["p"]
    assert made.skill.files == {"p": "a"}


@dataclass(frozen=True)
class Merged:
    """What a line merge returned."""

    text: str
    conflicts: int = 0


# ---------------------------------------------------------------- body


def test_a_body_edited_in_different_lines_is_merged(merge_text: TextMerger) -> None:
    made = merge_skill(skill(), skill(body=TOP), skill(body=END), merge_text=merge_text)
    assert made.is_clean
    assert made.skill.body == BOTH


def test_lines_added_at_the_end_do_not_clash_with_a_missing_last_newline(
    merge_text: TextMerger,
) -> None:
    made = merge_skill(skill(), skill(body=TOP), skill(body=f"{TEXT}\nsix"), merge_text=merge_text)
    assert made.is_clean
    assert made.skill.body == f"{TOP}\nsix"


def test_a_body_in_conflict_keeps_the_local_text_and_gives_the_marked_one(
    merge_text: TextMerger,
) -> None:
    made = merge_skill(skill(), skill(body=TOP), skill(body=OTHER), merge_text=merge_text)
    assert made.skill.body == TOP
    assert list(made.merged_texts) == [BODY]
    assert made.conflicts == (
        Conflict("triage", UnitKind.BODY, "body", TEXT, TOP, OTHER, "edited on both sides"),
    )


# ---------------------------------------------------------------- frontmatter


def test_different_keys_are_merged_without_a_question() -> None:
    base = skill(license="MIT", metadata={"a": "1", "b": "2", "c": "3"}, tools=("Read",))
    local = replace(base, description="Local.", metadata={"a": "L", "b": "2", "n": "new"})
    remote = replace(
        base, license="", metadata={"a": "1", "b": "R", "c": "3", "m": {"x": "1"}}, allowed_tools=()
    )
    made = merge_skill(base, local, remote, merge_text=never)
    assert made.is_clean
    assert made.skill.description == "Local."
    assert made.skill.license == ""
    assert made.skill.allowed_tools == ()
    assert list(made.skill.metadata.items()) == [
        ("a", "L"),
        ("b", "R"),
        ("n", "new"),
        ("m", {"x": "1"}),
    ]


def test_a_key_changed_on_both_sides_is_a_conflict_and_stays_local() -> None:
    base = skill(license="MIT", metadata={"a": "1"}, tools=("Read", "Write"))
    local = replace(
        base, description="L", license="", metadata={"a": {"x": "1"}}, allowed_tools=("Read",)
    )
    remote = replace(
        base, description="R", license="BSD", metadata={}, allowed_tools=("Read", "Bash(git *)")
    )
    made = merge_skill(base, local, remote, merge_text=never)
    assert made.skill == local
    front = UnitKind.FRONTMATTER
    why = "edited on both sides"
    assert set(made.conflicts) == {
        Conflict("triage", front, "description", "Sorts tickets.", "L", "R", why),
        Conflict("triage", front, "license", "MIT", None, "BSD", why),
        Conflict("triage", front, "metadata.a", "1", '{"x":"1"}', None, why),
        Conflict("triage", front, "allowed-tools", "Read, Write", "Read", "Read, Bash(git *)", why),
    }


def test_the_name_is_identity_and_stays_local() -> None:
    remote = replace(skill(), name="sorting", description="R")
    made = merge_skill(replace(skill(), name="older"), skill(), remote, merge_text=never)
    assert (made.skill.name, made.skill.description) == ("triage", "R")
    assert made.is_clean


# ---------------------------------------------------------------- extra


def test_extra_keys_modes_and_empty_files_are_merged_one_by_one() -> None:
    base = skill(
        {"run": "B", "old": "B"},
        extra=Extra({"model": "a", "x": True}, None, frozenset({"run", "old"}), frozenset({"e"})),
    )
    local = replace(
        base,
        extra=Extra(
            {"model": "b", "x": True}, None, frozenset({"run", "old"}), frozenset({"e", "f"})
        ),
    )
    remote = replace(
        base,
        files={"run": "B", "new": "R"},
        extra=Extra({"model": "a", "x": 1}, None, frozenset({"new"}), frozenset()),
    )
    made = merge_skill(base, local, remote, merge_text=never)
    assert made.is_clean
    assert made.skill.extra == Extra(
        {"model": "b", "x": 1}, None, frozenset({"new"}), frozenset({"f"})
    )


def test_an_extra_key_changed_on_both_sides_is_a_conflict() -> None:
    sides = [skill(extra=Extra({"model": value})) for value in ("a", "b", "c")]
    made = merge_skill(*sides, merge_text=never)
    assert units(made) == ["model"]
    assert made.skill == sides[1]


def test_an_unknown_extra_is_never_a_difference() -> None:
    known = Extra({"model": "a"}, ("Bash(git add *)",), frozenset({"run"}))
    local = skill(extra=known, tools=("Bash(git add *)",))
    foreign = replace(local, allowed_tools=(), extra=None, description="R")
    made = merge_skill(local, local, foreign, merge_text=never)
    assert made.skill == replace(local, description="R")
    made = merge_skill(local, replace(foreign, description="L"), local, merge_text=never)
    assert made.skill == replace(local, description="L"), "whichever side it is unknown of"


def test_a_known_but_empty_extra_is_not_unknown() -> None:
    made = merge_skill(skill(), skill(), skill(extra=None), merge_text=never)
    assert made.skill.extra == Extra()


def test_the_carried_tool_list_follows_the_side_that_is_taken() -> None:
    carried = Extra(allowed_tools=("Bash(git add *)",))
    base = skill(tools=("Read",))
    remote = replace(base, allowed_tools=("Bash(git add *)",), extra=carried)
    made = merge_skill(base, replace(base, license="MIT"), remote, merge_text=never)
    assert made.skill.allowed_tools == ("Bash(git add *)",)
    assert made.skill.extra == carried
    back = merge_skill(remote, replace(remote, license="MIT"), base, merge_text=never)
    assert back.skill.allowed_tools == ("Read",)
    assert back.skill.extra == Extra()


def test_modes_go_with_files_that_go_and_stay_with_files_that_stay() -> None:
    base = skill({"run": "B", "gone": "B"}, extra=Extra(executable=frozenset({"run", "gone"})))
    local = replace(base, files={"run": "L", "gone": "B"})
    remote = replace(base, files={}, extra=Extra())
    made = merge_skill(base, local, remote, merge_text=never)
    assert made.skill.files == {"run": "L"}
    assert units(made) == ["run"]
    assert made.skill.extra == Extra(executable=frozenset({"run"}))


def test_a_mode_known_only_locally_does_not_outlive_its_file() -> None:
    base = skill({"run": "B"}, extra=Extra(executable=frozenset({"run"})))
    made = merge_skill(base, base, skill(extra=None), merge_text=never)
    assert made.skill.files == {}
    assert made.skill.extra == Extra()


def test_a_mode_stays_with_the_file_that_only_the_remote_still_has() -> None:
    base = skill({"run": "B"}, extra=Extra(executable=frozenset({"run"})))
    remote = replace(base, files={"run": "R"})
    made = merge_skill(base, skill(), remote, merge_text=never)
    assert made.skill.files == {"run": "R"}
    assert units(made) == ["run"]
    assert made.skill.extra == Extra(executable=frozenset({"run"}))


@pytest.mark.parametrize(
    ("base", "local", "remote", "runs"),
    [(False, False, True, False), (False, True, False, True), (True, False, True, False)],
)
def test_the_mode_of_a_file_in_conflict_is_the_local_one(
    base: bool, local: bool, remote: bool, runs: bool, merge_text: TextMerger
) -> None:
    """Its text is the local one as well; both are chosen together when the conflict is."""
    sides = [
        skill({"run": text}, extra=Extra(executable=frozenset({"run"} if mode else ())))
        for text, mode in (("B", base), ("L", local), ("R", remote))
    ]
    made = merge_skill(*sides, merge_text=merge_text)
    assert made.skill.extra == Extra(executable=frozenset({"run"} if runs else ()))


def test_an_emptied_file_keeps_its_mode() -> None:
    """The API holds no empty file: it is gone from the files and stands among the empty ones."""
    runs = frozenset({"run"})
    base = skill({"run": "B"}, extra=Extra(executable=runs))
    local = skill(extra=Extra(executable=runs, empty=runs))
    made = merge_skill(base, local, base, merge_text=never)
    assert made.skill.files == {}
    assert made.skill.extra == Extra(executable=runs, empty=runs)


def test_a_file_that_was_filled_is_no_longer_empty() -> None:
    base = skill(extra=Extra(empty=frozenset({"e"})))
    made = merge_skill(base, base, skill({"e": "text"}, extra=None), merge_text=never)
    assert made.skill.files == {"e": "text"}
    assert made.skill.extra == Extra()


# ---------------------------------------------------------------- two-way (adopt --merge)


def test_without_a_base_what_one_side_has_is_kept_and_differences_conflict(
    merge_text: TextMerger,
) -> None:
    local = skill({"l": "L", "x": "1"}, license="MIT", metadata={"a": "1", "b": "L"}, body=TOP)
    remote = skill({"r": "R", "x": "2"}, tools=("Read",), metadata={"b": "R", "c": "3"}, body=END)
    made = merge_skill(None, local, remote, merge_text=merge_text)
    front, why = UnitKind.FRONTMATTER, "edited on both sides"
    assert made.conflicts == (
        Conflict("triage", front, "metadata.b", None, "L", "R", why),
        Conflict("triage", UnitKind.BODY, "body", None, TOP, END, why),
        Conflict("triage", UnitKind.FILE, "x", None, "1", "2", "added on both sides"),
    )
    assert made.skill.files == {"l": "L", "r": "R", "x": "1"}
    assert (made.skill.license, made.skill.allowed_tools) == ("MIT", ("Read",))
    assert made.skill.metadata == {"a": "1", "b": "L", "c": "3"}
    assert made.merged_texts.keys() == {BODY, "x"}


def test_without_a_base_no_field_has_one() -> None:
    local = skill(description="L", license="MIT", tools=("Read",))
    remote = skill(description="R", license="BSD", tools=("Bash",))
    made = merge_skill(None, local, remote, merge_text=never)
    front, why = UnitKind.FRONTMATTER, "edited on both sides"
    assert made.conflicts == (
        Conflict("triage", front, "description", None, "L", "R", why),
        Conflict("triage", front, "license", None, "MIT", "BSD", why),
        Conflict("triage", front, "allowed-tools", None, "Read", "Bash", why),
    )
    assert made.skill == local


# ---------------------------------------------------------------- laws (P22)

words = st.sampled_from(["a", "b", "c", "Ω", "a b"])
lines = st.lists(words, min_size=1, max_size=6).map("\n".join)
paths = st.sampled_from(["p", "q", "d/r"])


def mappings(keys: str | Sequence[str], values: Sequence[Any]) -> list[dict[str, Any]]:
    """Return every mapping of some of the keys to some of the values, in every order."""
    return [
        dict(zip(chosen, given, strict=True))
        for count in range(len(keys) + 1)
        for chosen in permutations(keys, count)
        for given in product(values, repeat=count)
    ]


carried = st.sampled_from(
    [
        Extra(frontmatter=frontmatter, executable=frozenset(executable), empty=frozenset(empty))
        for frontmatter, executable, empty in product(
            mappings(["model", "hooks"], ["a", 1, True, 1.5]),
            ["", ["binary"]],
            ["", "e", "f", "ef"],
        )
    ]
)
parts: dict[str, st.SearchStrategy[Any]] = {
    "description": words,
    "body": st.lists(words, min_size=5, max_size=9).map("\n".join),
    "license": st.sampled_from(["", "MIT", "BSD"]),
    "compatibility": st.sampled_from(["", "any"]),
    "allowed_tools": st.sampled_from([(), ("Read",), ("Read", "Write")]),
    "metadata": st.sampled_from(mappings("abc", ["1", "2", "true", {"x": "1"}])),
    "files": st.dictionaries(paths, lines, max_size=3),
    "extra": carried,
}
CHOICES = [names for count in range(4) for names in combinations(sorted(parts), count)]
skills = st.builds(Skill, name=st.just("triage"), **parts)


@st.composite
def edited(draw: st.DrawFn, base: Skill) -> Skill:
    """Return ``base`` with some of its parts made anew, so that sides are related; only those are drawn."""
    chosen = draw(st.sampled_from(CHOICES))
    result = replace(base, **{name: draw(parts[name]) for name in chosen})
    if draw(st.booleans()):
        text = base.body.split("\n")
        at = draw(st.integers(0, len(text) - 1))
        text[at : at + 1] = draw(st.lists(words, min_size=1, max_size=2))
        result = replace(result, body="\n".join(text))
    if draw(st.booleans()):
        kept = {path: text for path, text in base.files.items() if draw(st.booleans())}
        result = replace(result, files={**kept, **draw(st.dictionaries(paths, lines, max_size=1))})
    return result


@st.composite
def related(draw: st.DrawFn) -> tuple[Skill, Skill, Skill]:
    base = draw(skills)
    return base, draw(edited(base)), draw(edited(base))


def merging_with_an_unchanged_side_gives_the_other(
    sides: tuple[Skill, Skill, Skill], _: TextMerger
) -> None:
    """P22: merge(b, x, b) = x, merge(b, b, y) = y, merge(b, x, x) = x, and no line is compared for it."""
    base, local, remote = sides
    for made, wanted in (
        (merge_skill(base, local, base, merge_text=never), local),
        (merge_skill(base, base, remote, merge_text=never), remote),
        (merge_skill(base, local, local, merge_text=never), local),
        (merge_skill(None, local, local, merge_text=never), local),
    ):
        assert made.is_clean
        assert made.merged_texts == {}
        assert skill_digest(made.skill) == skill_digest(wanted)


def merging_is_symmetric_but_for_the_labels(
    sides: tuple[Skill, Skill, Skill], merge_text: TextMerger
) -> None:
    """P22: swapping the sides swaps local and remote in the conflicts and changes nothing else."""
    base, local, remote = sides
    one = merge_skill(base, local, remote, merge_text=merge_text)
    two = merge_skill(base, remote, local, merge_text=merge_text)
    assert {(c.unit, c.base, c.local, c.remote) for c in one.conflicts} == {
        (c.unit, c.base, c.remote, c.local) for c in two.conflicts
    }
    assert one.merged_texts.keys() == two.merged_texts.keys()
    if one.is_clean:
        assert skill_digest(one.skill) == skill_digest(two.skill)


def nothing_comes_from_nowhere_and_the_result_is_canonical(
    sides: tuple[Skill, Skill, Skill], merge_text: TextMerger
) -> None:
    """P22: every field, key, path and line of the result is in base, local or remote."""
    made = merge_skill(*sides, merge_text=merge_text).skill
    assert made.description in {side.description for side in sides}
    assert made.license in {side.license for side in sides}
    assert made.allowed_tools in [side.allowed_tools for side in sides]
    for key, value in made.metadata.items():
        assert value in [side.metadata.get(key) for side in sides[1:]]
    known = {line for side in sides for text in _texts(side) for line in text.split("\n")}
    assert {line for text in _texts(made) for line in text.split("\n")} <= known
    assert all(canonical_text(text) == text != "" for text in _texts(made))
    assert made.files.keys() <= sides[1].files.keys() | sides[2].files.keys()
    assert made.extra is not None
    assert not made.extra.empty & made.files.keys()


def _texts(side: Skill) -> list[str]:
    return [side.body, *side.files.values()]


def no_edit_is_lost_without_a_conflict(
    sides: tuple[Skill, Skill, Skill], merge_text: TextMerger
) -> None:
    """P1: merging a clean result with either side again changes nothing: both are contained in it."""
    base, local, remote = sides
    made = merge_skill(base, local, remote, merge_text=merge_text)
    for key in {*local.metadata, *remote.metadata, *base.metadata}:
        values = [side.metadata.get(key) for side in sides]
        if f"metadata.{key}" in units(made):
            assert values[1] != values[2]
        else:
            changed = [value for value in values[1:] if value != values[0]]
            assert made.skill.metadata.get(key) == (changed or values)[0]


def the_order_of_keys_and_files_does_not_matter(
    sides: tuple[Skill, Skill, Skill], merge_text: TextMerger
) -> None:
    """P8: the server keeps no order of keys, so another one makes the same merge, its own order included."""
    base, local, remote = sides
    backwards = replace(
        remote,
        metadata=dict(reversed(list(remote.metadata.items()))),
        files=dict(reversed(list(remote.files.items()))),
    )
    one = merge_skill(base, local, remote, merge_text=merge_text)
    two = merge_skill(base, local, backwards, merge_text=merge_text)
    assert one == two
    assert list(one.skill.files) == sorted(two.skill.files)
    if one.skill.metadata.keys() > local.metadata.keys():
        assert list(one.skill.metadata) == list(two.skill.metadata)


LAWS = (
    merging_with_an_unchanged_side_gives_the_other,
    merging_is_symmetric_but_for_the_labels,
    nothing_comes_from_nowhere_and_the_result_is_canonical,
    no_edit_is_lost_without_a_conflict,
    the_order_of_keys_and_files_does_not_matter,
)


@given(sides=related())
def test_merging_obeys_every_law(sides: tuple[Skill, Skill, Skill], merge_text: TextMerger) -> None:
    for law in LAWS:
        law(sides, merge_text)


@given(skills, skills)
def test_a_side_whose_extra_is_unknown_obeys_the_laws_too(base: Skill, other: Skill) -> None:
    blind = replace(other, extra=None)
    made = merge_skill(base, base, blind, merge_text=never)
    assert made.is_clean
    gone = (base.files.keys() | {"e", "f"}) & blind.files.keys()
    if not gone:
        assert same_skill(made.skill, blind)
