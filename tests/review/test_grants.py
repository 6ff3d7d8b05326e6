"""The permission relation: widening is always seen, reordering and narrowing never taken for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

import pytest

from skillsync.review.grants import (
    covers,
    is_wildcard,
    lookalike,
    parse_grant,
    parse_grants,
    relation,
)

TABLE = [
    # before, after, relation
    ("", "", "none"),
    ("Read", "Read", "equal"),
    ("Read, Write", "Write Read", "equal"),
    ("Read Write", ["Write", "Read"], "equal"),
    ("Read,Write,Read", "Read Write", "equal"),
    ("", "Read", "widened"),
    ("Read", "", "narrowed"),
    ("Read Write", "Read", "narrowed"),
    ("Read", "Read Write", "widened"),
    ("Bash", "Bash(git:*)", "narrowed"),
    ("Bash(git:*)", "Bash", "widened"),
    ("Bash(*)", "Bash", "equal"),
    ("Bash(:*)", "Bash", "equal"),
    ("Bash(git:*)", "Bash(git status:*)", "narrowed"),
    ("Bash(git:*)", "Bash(git status)", "narrowed"),
    ("Bash(git:*)", "Bash(git)", "narrowed"),
    ("Bash(git:*)", "Bash(git *)", "narrowed"),
    ("Bash(git *)", "Bash(git:*)", "widened"),
    ("Bash(git *)", "Bash(git)", "widened"),
    ("Bash(git status:*)", "Bash(git:*)", "widened"),
    ("Bash(git:*)", "Bash(gitleaks:*)", "widened"),
    ("Bash(git:*)", "Bash(github)", "widened"),
    ("Bash(git:*)", "Bash(git status && rm -rf /)", "widened"),
    ("Bash(git:*)", "Bash(git log | sh)", "widened"),
    ("Bash(git:*)", "Bash(git $(curl x))", "widened"),
    ("Bash(git:*)", "Bash(git a; rm b)", "widened"),
    ("Bash(git:*)", "Bash(git > /etc/passwd)", "widened"),
    ("Bash(git:*)", "Bash(git a*b)", "widened"),
    ("Bash(npm run test:*)", "Bash(npm run test)", "narrowed"),
    ("Bash(npm run test)", "Bash(npm run test:*)", "widened"),
    ("Bash(g*t:*)", "Bash(git x)", "widened"),
    ("Bash( :*)", "Bash(rm x)", "widened"),
    ("mcp__s", "mcp__s__t", "narrowed"),
    ("mcp__s__*", "mcp__s__t", "narrowed"),
    ("mcp__s__t", "mcp__s__*", "widened"),
    ("mcp__s__get_*", "mcp__s__get_user", "narrowed"),
    ("mcp__s__get_*", "mcp__s__set_user", "widened"),
    ("mcp__s", "mcp__s2__t", "widened"),
    ("mcp__s*", "mcp__s2__t", "widened"),
    ("mcp__*", "mcp__s__t", "widened"),
    ("*", "Bash mcp__s__t Read", "narrowed"),
    ("Read", "*", "widened"),
    ("Read(src/**)", "Read(src/a.py)", "narrowed"),
    ("Read(src/**)", "Read(src/a/**)", "narrowed"),
    ("Read(src/**)", "Read(src/../secret)", "widened"),
    ("Read(src/**)", "Read(src/{a,../b})", "widened"),
    ("Read(src/**)", "Read(srcs/a)", "widened"),
    ("Read(/**)", "Read(//etc/passwd)", "widened"),
    ("Read(src/*)", "Read(src/a/b)", "widened"),
    ("Read(src/**)", "Read", "widened"),
    ("Edit(docs/**)", "Write(docs/a)", "widened"),
    ("WebFetch(domain:*.example.com)", "WebFetch(domain:a.example.com)", "narrowed"),
    ("WebFetch(domain:*.example.com)", "WebFetch(domain:example.com)", "widened"),
    ("WebFetch(domain:*.example.com)", "WebFetch(domain:evilexample.com)", "widened"),
    ("WebFetch(domain:a.example.com)", "WebFetch(domain:*.example.com)", "widened"),
    ("bash", "Bash", "widened"),
    ("Bash(git add *)", "Bash(git add *)", "equal"),
    ("Bash(git:*) Read", ["Read", "Bash(git:*)"], "equal"),
    ("Task(explore)", "Task(run)", "widened"),
    ("Bash(", "Bash", "widened"),
    ("Bash", "Bash(git))", "widened"),
    ("Read", "R\u0435ad", "widened"),
]


@pytest.mark.parametrize(("before", "after", "expected"), TABLE)
def test_the_relation(before: str | list[str], after: str | list[str], expected: str) -> None:
    assert relation(parse_grants(before), parse_grants(after)).name == expected


def test_a_grant_covers_itself_and_only_its_like_when_it_is_none() -> None:
    broken = parse_grant("Bash((")
    assert covers(broken, broken)
    assert not covers(parse_grant("Bash"), broken)


# ---------------------------------------------------------------- two thousand pairs

_WORDS = ["git", "npm", "kubectl", "make", "aws"]
_SUBS = ["status", "run", "get pods", "test", "log"]
_TOOLS = ["Read", "Grep", "Write", "Edit", "WebSearch"]


def _grant(rng: random.Random) -> str:
    """Draw a grant of one of the known kinds, not the whole of Bash."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(_TOOLS)
    if kind == 1:
        return f"Bash({rng.choice(_WORDS)} {rng.choice(_SUBS)}:*)"
    if kind == 2:
        return f"Bash({rng.choice(_WORDS)} {rng.choice(_SUBS)})"
    if kind == 3:
        return f"mcp__{rng.choice('abc')}__{rng.choice(['get', 'set', 'list'])}"
    return f"Edit({rng.choice(['src', 'docs'])}/{rng.choice(['a', 'b'])}/**)"


def _wider(text: str, rng: random.Random) -> str:
    """Return a grant that allows strictly more than ``text``."""
    grant = parse_grant(text)
    if grant.specifier is None:
        return "mcp__" + grant.tool.split("__")[1] if grant.tool.startswith("mcp__") else "*"
    if grant.tool == "Edit":
        return rng.choice([f"Edit({grant.specifier.split('/')[0]}/**)", "Edit"])
    word = grant.specifier.split(" ")[0]
    return rng.choice([f"Bash({word}:*)", "Bash", "*"])


def _spelled(grants: Sequence[str], rng: random.Random) -> str | list[str]:
    order = rng.sample(grants, len(grants))
    form = rng.randrange(4)
    if form == 0:
        return order
    return [" ", ", ", ","][form - 1].join(order)


def _allowed(grants: Sequence[str]) -> frozenset[str]:
    """What a list allows, by another road: a set of single uses of tools, written out."""
    return frozenset(use for text in grants for use in _uses(text))


@cache
def _uses(text: str) -> frozenset[str]:
    uses = {f"{tool}!" for tool in [*_TOOLS, "Edit"]}
    uses |= {f"Bash!{word} {sub}{tail}" for word in _WORDS for sub in _SUBS for tail in ("", " x")}
    uses |= {f"Bash!{word}" for word in _WORDS} | {"Bash!rm"}
    uses |= {
        f"mcp__{server}__{tool}!" for server in "abc" for tool in ("get", "set", "list", "new")
    }
    uses |= {f"Edit!{top}/{sub}/f" for top in ("src", "docs") for sub in ("a", "b", "c")}

    grant = parse_grant(text)

    def allows(use: str) -> bool:
        tool, _, detail = use.partition("!")
        if text == "*":
            return True
        if grant.tool.startswith("mcp__"):
            return tool == grant.tool or tool.startswith(f"{grant.tool}__")
        if grant.tool != tool:
            return False
        spec = grant.specifier
        if spec is None:
            return True
        if tool == "Edit":
            return bool(detail) and detail.startswith(spec.removesuffix("**"))
        prefix = spec.removesuffix(":*")
        return detail == prefix or (spec.endswith(":*") and detail.startswith(f"{prefix} "))

    return frozenset(use for use in uses if allows(use))


def test_over_two_thousand_pairs_widening_is_always_seen_and_nothing_else_is_taken_for_it() -> None:
    rng = random.Random(20261125)
    kinds = dict.fromkeys(("reorder", "narrow", "widen", "any"), 0)
    for _ in range(2_400):
        before = list(dict.fromkeys(_grant(rng) for _ in range(rng.randint(1, 6))))
        kind = rng.choice(list(kinds))
        after = list(before)
        if kind == "narrow":
            after = rng.sample(before, rng.randint(0, len(before) - 1))
        elif kind == "widen":
            at = rng.randrange(len(after))
            after[at] = _wider(after[at], rng)
        elif kind == "any":
            after = [_grant(rng) for _ in range(rng.randint(0, 6))]
        found = relation(
            parse_grants(_spelled(before, rng)), parse_grants(_spelled(after, rng) if after else "")
        )
        more = _allowed(after) - _allowed(before)
        kinds[kind] += 1
        if kind == "reorder":
            assert found.name == "equal", (before, after)
        if kind == "narrow":
            assert found.name in {"narrowed", "equal"}, (before, after)
        if more:
            assert found.name == "widened", (before, after, more)
        elif kind != "any":
            assert found.name != "widened" or kind == "widen", (before, after)
    assert min(kinds.values()) > 400


def test_wildcards_and_lookalikes_are_told() -> None:
    assert [text for text in ("Bash", "Bash(*)", "*", "mcp__s__*", "Read", "Bash(git:*)")
            if is_wildcard(parse_grant(text))] == ["Bash", "Bash(*)", "*", "mcp__s__*"]  # fmt: skip
    for text in ("B\u0430sh", "bash", "Ba\u200bsh", "ＢＡＳＨ", "BASH(git:*)", "Reаd"):
        assert lookalike(parse_grant(text)), text
    for text in ("Bash", "Read", "mcp__s__bash", "MyTool", "Bash(git:*)", "Recherche"):
        assert lookalike(parse_grant(text)) is None, text
