"""Builders and strategies for skills, shared by the tests of the skill formats."""

from __future__ import annotations

from hypothesis import strategies as st

from skillsync.formats.canonical import canonical_text
from skillsync.formats.tools_list import tool_tokens
from skillsync.model import Entry, Extra, Folder, Json, Skill

PLAIN_SKILL = b"---\nname: demo\ndescription: Does it. Use when asked.\n---\n\n# Demo\n\nText.\n"


def entry(
    path: str, data: bytes | str = b"text\n", *, executable: bool = False, target: str = ""
) -> Entry:
    """Return a regular file, or a symlink to ``target``."""
    raw = data.encode() if isinstance(data, str) else data
    if target:
        return Entry(path, None, len(target), kind="symlink", target=target)
    return Entry(path, raw, len(raw), executable=executable)


def folder(*entries: Entry, skill: bytes | None = PLAIN_SKILL, at: str = "skills/demo") -> Folder:
    """Return a skill's folder with SKILL.md and other entries."""
    found = [*entries, *([entry("SKILL.md", skill)] if skill is not None else [])]
    return Folder(at, tuple(sorted(found, key=lambda each: each.path)))


_ALPHABET = st.characters(codec="utf-8", exclude_characters="\0")
_AWKWARD = st.sampled_from(
    [
        "a: b",
        "a #b",
        "it's",
        'say "hi"',
        "'",
        '"',
        "\\",
        "- x",
        "yes",
        "1.0",
        "2026-02-06",
        "null",
        "~",
        "0o17",
        "12:30",
        "@x",
        "`x`",
        "%x",
        "{a}",
        "[a]",
        "a\nb",
        "a\n\n  b",
        "a\n---\nb",
        "---",
        "...",
        "😀 ok",
        "a\tb",
        "a\u2028b",
        "a\x85b",
        "\x7f",
        "a:",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "x" * 1024,
        "a\rb",
        "?",
        ",",
        "=",
        "<<",
        "a\\nb",
        "line\n# no comment",
        "a\n \nb",
        "\ufeff a",
    ]
)

texts = st.one_of(_AWKWARD, st.text(_ALPHABET, max_size=40))
canonical_texts = texts.map(canonical_text)
some_texts = canonical_texts.filter(bool)
keys = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    st.sampled_from(["yes", "1", "a b", "a: b", "é", "version", "x#y", "", "null", "a.b", "<<"]),
).filter(lambda key: key != "skillsync")
leaves = texts


def _nested(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.one_of(
        st.lists(values, max_size=3).map(lambda items: [*items]),
        st.dictionaries(keys, values, max_size=3).map(lambda items: {**items}),
    )


text_json: st.SearchStrategy[Json] = st.recursive(texts, _nested, max_leaves=5)
typed_json: st.SearchStrategy[Json] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    _nested,
    max_leaves=5,
)
tools = st.lists(
    st.one_of(
        st.sampled_from(
            ["Read", "Bash(git add *)", "Bash(python3:*)", "mcp__x__y", "#x", "a(b", "yes"]
        ),
        st.text(_ALPHABET, min_size=1, max_size=8),
    ),
    max_size=4,
).map(tool_tokens)
extra_keys = st.dictionaries(
    keys.filter(lambda key: key not in {"name", "description", "license", "metadata"}),
    typed_json,
    max_size=3,
)


@st.composite
def skills(draw: st.DrawFn, *, name: str = "demo") -> Skill:
    """Return canonical skills without files."""
    return Skill(
        name=name,
        description=draw(some_texts),
        body=draw(some_texts),
        license=draw(canonical_texts.filter(lambda text: len(text) <= 255)),
        compatibility=draw(canonical_texts.filter(lambda text: len(text) <= 500)),
        allowed_tools=draw(tools),
        metadata=draw(st.dictionaries(keys, text_json, max_size=3)),
        extra=Extra(frontmatter=draw(extra_keys)),
    )
