"""SKILL.md: lossless reading, span edits that touch only their lines, new files."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.skill_md import (
    SkillDocument,
    document_extra,
    document_skill,
    edit_skill_md,
    key_block,
    key_lines,
    new_skill_md,
    parse_skill_md,
    render_skill_md,
    repair_skill_md,
)
from skillsync.formats.yaml_edit import same_json
from skillsync.model import Extra, Json, Skill
from tests.formats.skill_builders import PLAIN_SKILL, extra_keys, skills, some_texts, texts

SAMPLES = sorted((Path(__file__).parents[2] / "sample_repo" / "skills").glob("*/SKILL.md"))

DESCRIPTIONS = {
    "plain": "description: Old text. Use it.",
    "plain with comment": "description: Old text. Use it. # why",
    "plain over lines": "description: Old text.\n  Use it.",
    "double": 'description: "Old text.\\tUse it."',
    "single": "description: 'Old text. It''s it.'",
    "folded": "description: >-\n  Old text.\n  Use it.",
    "folded with edge": "description: >\n    Old text.\n    Use it.\n",
    "literal": "description: |-\n  Old text.\n\n  Use it.\n# a comment",
    "literal kept": "description: |+ # note\n  Old text.\n  Use it.\n\n",
}
VALUES = {
    "short": "New text",
    "colon": "Use it: always",
    "colon at the end": "Use it:",
    "hash": "Use it #always",
    "double quotes": 'Say "hi"',
    "single quotes": "It's 'it'",
    "newline": "One\nTwo\n\nThree: four\n  indented\n---\n# five",
    "emoji": "Sort 🗂 it 👩‍💻",
    "long": "word " * 204 + "word",
    "integer": "42",
    "float": "1.0",
    "octal": "0o17",
    "date": "2026-02-06",
    "time": "12:30:00",
    "boolean": "yes",
    "null": "~",
    "exponent": "1e3",
    "backslash": "C:\\new\\table",
    "control": "bell \x07 and \x7f and \u2028 and \x85.",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "dash": "- item",
    "indicator": "@home",
    "percent": "%YAML",
    "fence": "---",
    "flow": "[a, b]",
}


def parse(data: bytes) -> SkillDocument:
    return parse_skill_md(data, path="skills/demo/SKILL.md")


def skill_of(data: bytes) -> Skill:
    doc = parse(data)
    return document_skill(doc, extra=document_extra(doc))


def changed_lines(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the lines that went and the lines that came."""
    old, new = before.split(b"\n"), after.split(b"\n")
    went: list[bytes] = []
    came: list[bytes] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            went += old[a:b]
            came += new[c:d]
    return went, came


def around(description: str, *, newline: str = "\n") -> bytes:
    text = (
        "---\n# first comment\nname: demo\n"
        f"{description}\n"
        "license: MIT  # spaced\n\nmetadata:\n  owner: 'me'\n  updated: 2026-02-06\n"
        "# last comment\n---\n\n# Title\n\n---\nname: not this\n---\nEnd.\n"
    )
    return text.replace("\n", newline).encode()


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_sample_skills_are_read_and_written_back_unchanged(path: Path) -> None:
    data = path.read_bytes()
    doc = parse(data)
    assert doc.name == path.parent.name
    assert doc.description
    assert render_skill_md(doc) == data
    assert edit_skill_md(doc, to=document_skill(doc, extra=document_extra(doc))) == data


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", [b"", b"\n\n\n", b"  \n"])
@pytest.mark.parametrize("gap", [b"", b"\n\n", b"  \n\t\n"])
def test_every_byte_comes_back(newline: str, mark: bytes, ending: bytes, gap: bytes) -> None:
    ends = newline.encode()
    data = mark + b"---  \nname: demo\ndescription: x\n---\n".replace(b"\n", ends)
    data += gap.replace(b"\n", ends) + b"# T" + ends + b"---" + ends + b"b" + ending
    doc = parse(data)
    assert render_skill_md(doc) == data
    assert skill_of(data).body.endswith("# T\n---\nb")


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(str.encode),
        st.lists(
            st.sampled_from(
                [
                    "---",
                    "name: a",
                    "description: |",
                    "  x",
                    "",
                    "\ufeff",
                    "k: [1, 2]",
                    "- a",
                    "a: b: c",
                    "metadata:",
                    "  k: v",
                    "'",
                    '"',
                    "...",
                    "\t",
                    "# c",
                    "name: b",
                    "\r",
                    "&a b",
                    "? x",
                ]
            ),
            max_size=12,
        ).map(lambda lines: ("---\n" + "\n".join(lines) + "\n---\nbody").encode()),
    )
)
@settings(max_examples=300)
def test_any_bytes_are_read_losslessly_or_refused(data: bytes) -> None:
    try:
        doc = parse(data)
    except InvalidContent:
        return
    assert render_skill_md(doc) == data


def test_the_block_ends_at_the_next_fence_and_not_at_dots_or_dashes_within() -> None:
    data = b'---\nname: demo\ndescription: "a --- b"\nnote: |\n  ---\n---\nbody\n---\nmore\n'
    doc = parse(data)
    assert (doc.description, doc.extra_keys) == ("a --- b", {"note": "---\n"})
    assert doc.body == "body\n---\nmore\n"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("# no frontmatter\n", 1, "E-SKILL-FENCE"),
        ("\n---\nname: a\n---\nb", 1, "E-SKILL-FENCE"),
        ("---\nname: a\n", 1, "E-SKILL-FENCE"),
        ("---\nname: a\n...\nbody", 1, "E-SKILL-FENCE"),
        ("----\nname: a\n---\n", 1, "E-SKILL-FENCE"),
        ("---\nname: a\nname: b\n---\n", 3, "E-SKILL-DUPLICATE-KEY"),
        ("---\nm:\n  a: {x: 1, x: 2}\n---\n", 3, "E-SKILL-DUPLICATE-KEY"),
        ("---\n- a\n---\n", 2, "E-SKILL-YAML"),
        ("---\ntext\n---\n", 2, "E-SKILL-YAML"),
        ("---\n# nothing\n---\n", 2, "E-SKILL-YAML"),
        ("---\n---\nbody", 2, "E-SKILL-YAML"),
        ("---\nname: a\nb: [c\n---\n", 4, "E-SKILL-YAML"),
        ("---\nname: a\n\tb: c\n---\n", 3, "E-SKILL-YAML"),
        ("---\nname: a\n--- x\n---\n", 3, "E-SKILL-YAML"),
        ("---\nname: !!python/object:os.system a\n---\n", 2, "E-SKILL-YAML"),
        ("---\nname: !mine a\n---\n", 2, "E-SKILL-YAML"),
        ("---\n? [a]\n: b\n---\n", 2, "E-SKILL-YAML"),
        ("---\nname: *a\n---\n", 2, "E-SKILL-YAML"),
        ('---\nname: "\\ud800"\n---\n', 2, "E-SKILL-YAML"),
        ('---\nname: "\\0"\n---\n', 2, "E-SKILL-YAML"),
        ('---\nname: "\\UFFFFFFFF"\n---\n', 2, "E-SKILL-YAML"),
        ("---\nname: \x01\n---\n", 2, "E-SKILL-YAML"),
        ("---\nname: [a]\n---\n", 2, "E-SKILL-FIELD"),
        ("---\nname: a\ndescription:\n  a: b\n---\n", 3, "E-SKILL-FIELD"),
        ("---\nname: a\nmetadata: text\n---\n", 3, "E-SKILL-METADATA"),
        ("---\nmetadata: [a]\n---\n", 2, "E-SKILL-METADATA"),
        ("---\nallowed-tools: {a: b}\n---\n", 2, "E-SKILL-TOOLS"),
        ("---\nallowed-tools: [[a]]\n---\n", 2, "E-SKILL-TOOLS"),
        ("---\nname: a\n---\nx\0y", 4, "E-SKILL-ENCODING"),
    ],
)
def test_what_is_refused_names_line_and_rule(text: str, line: int, problem: str) -> None:
    with pytest.raises(InvalidContent) as raised:
        parse(text.encode())
    assert (raised.value.line, raised.value.path) == (line, "skills/demo/SKILL.md")
    assert getattr(raised.value, "problem", "") == problem


def test_text_that_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidContent) as raised:
        parse(b"---\nname: a\n---\n\xff")
    assert raised.value.line == 4


@pytest.mark.parametrize(
    "block",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n"
            for i in range(9)
        ),
        "a: " + "[" * 10_000,
        "a: " + "[" * 70 + "]" * 70,
        "\n".join("  " * i + "a:" for i in range(70)),
        "a: '" + "x" * 1_000_000 + "'",
        "a: &a [*a]",
    ],
    ids=["alias bomb", "10,000 open", "70 deep", "70 deep in lines", "1 MB", "alias of itself"],
)
def test_hostile_blocks_end_quickly(block: str) -> None:
    with pytest.raises(InvalidContent):
        parse(f"---\n{block}\n---\nbody".encode())


def test_ten_thousand_metadata_keys_are_read() -> None:
    block = "".join(f"  k{i}: v\n" for i in range(10_000))
    doc = parse(f"---\nname: a\nmetadata:\n{block}---\nb".encode())
    assert len(doc.metadata) == 10_000


def test_scalars_of_standard_keys_and_metadata_keep_their_text() -> None:
    doc = parse(
        b"---\nname: no\ndescription: 1e3\nlicense: 0o17\ncompatibility: ~\n"
        b"metadata: {v: 1.0, d: 2026-02-06, t: true, n: null, s: '1', skillsync: x}\n---\nb"
    )
    assert (doc.name, doc.description, doc.license, doc.compatibility) == ("no", "1e3", "0o17", "~")
    expected = {"v": "1.0", "d": "2026-02-06", "t": "true", "n": "null", "s": "1"}
    assert doc.metadata == expected


def test_extra_keys_are_typed_only_where_nothing_is_lost() -> None:
    doc = parse(
        b"---\nname: a\nt: true\ny: no\nq: 'no'\ni: 42\nf: 1.5\nz: 1.10\no: 0o17\nh: 12:30:00\n"
        b"d: 2026-02-06\nn: ~\ne:\nu: 1_000\np: +5\nl: [1, x]\n---\nb"
    )
    assert doc.extra_keys == {
        "t": True,
        "y": False,
        "q": "no",
        "i": 42,
        "f": 1.5,
        "z": "1.10",
        "o": "0o17",
        "h": "12:30:00",
        "d": "2026-02-06",
        "n": None,
        "e": None,
        "u": "1_000",
        "p": "+5",
        "l": [1, "x"],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Read Grep", ("Read", "Grep")),
        ("Read, Grep,Bash(git:*)", ("Read", "Grep", "Bash(git:*)")),
        ("\n  - Read\n  - Bash(git add *)", ("Read", "Bash(git add *)")),
        ("[Read, 'Grep, Glob']", ("Read", "Grep", "Glob")),
        ("Read Read", ("Read",)),
        ("", ()),
    ],
)
def test_tools_are_read_in_every_form(value: str, expected: tuple[str, ...]) -> None:
    doc = parse(f"---\nname: a\nallowed-tools: {value}\n---\nb".encode())
    assert doc.allowed_tools == expected


def test_a_tool_with_a_space_is_carried() -> None:
    skill = skill_of(b"---\nname: a\nallowed-tools: Read Bash(git add *)\n---\nb")
    assert skill.extra == Extra(allowed_tools=("Read", "Bash(git add *)"))


def test_anchors_aliases_and_merge_keys_are_read_but_not_rewritten() -> None:
    data = b"---\nname: a\ndescription: d\nmetadata: &m {x: y}\nb:\n  <<: *m\n  z: !!str 1\nc: *m\n---\nb"
    doc = parse(data)
    assert doc.extra_keys == {"b": {"z": "1", "x": "y"}, "c": {"x": "y"}}
    skill = skill_of(data)
    with pytest.raises(InvalidContent, match=r"merge key|alias"):
        edit_skill_md(doc, to=replace(skill, description="other"))
    assert edit_skill_md(doc, to=replace(skill, body="new")) == data[:-1] + b"new"


# ---------------------------------------------------------------- repairing


def test_a_value_with_a_colon_is_readable_but_neither_sent_nor_rewritten() -> None:
    data = b"---\r\nname: a\r\ndescription: Use when: x\r\nnote: @b\r\n---\r\nbody"
    doc = parse(data)
    assert doc.repaired
    assert (doc.description, doc.extra_keys) == ("Use when: x", {"note": "@b"})
    assert [(each.line, each.after) for each in doc.repairs] == [
        (3, 'description: "Use when: x"'),
        (4, 'note: "@b"'),
    ]
    assert render_skill_md(doc) == data
    with pytest.raises(InvalidContent):
        edit_skill_md(doc, to=replace(skill_of(data), body="other"))
    fixed = repair_skill_md(data)
    assert fixed == data.replace(b"Use when: x", b'"Use when: x"').replace(b"@b", b'"@b"')
    assert not parse(fixed).repaired


@pytest.mark.parametrize(
    "text",
    [
        PLAIN_SKILL.decode(),
        "---\nname: a\nb: [c\n---\n",
        "no fences",
        "---\nname: a\nb: c: d\n  and more\n---\n",
    ],
)
def test_nothing_else_is_repaired(text: str) -> None:
    assert repair_skill_md(text.encode()) is None


# ---------------------------------------------------------------- editing


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("style", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_new_description_changes_only_its_lines(style: str, value: str, newline: str) -> None:
    before = around(style, newline=newline)
    to = replace(skill_of(before), description=value)
    after = edit_skill_md(parse(before), to=to)
    assert skill_of(after) == to
    assert edit_skill_md(parse(after), to=to) == after
    went, _ = changed_lines(before, after)
    assert set(went) <= set(style.replace("\n", newline).encode().split(b"\n")) | {
        line + b"\r" for line in style.encode().split(b"\n")
    }
    assert after.count(b"\r\n") == (after.count(b"\n") if newline == "\r\n" else 0)
    for comment in (b"# first comment", b"# last comment", b"# spaced"):
        assert comment in after


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("description: a", "b", "description: b"),
        ("description: a", "b: c", 'description: "b: c"'),
        ("description: a # why", "b", "description: b # why"),
        ("description: a # why", "b\nc", 'description: "b\\nc" # why'),
        ("description: 'a'", "it's", "description: 'it''s'"),
        ('description: "a"', "é", 'description: "é"'),
        ("description: >-\n  a\n  b", "c", "description: |-\n  c"),
        ("description: > # why\n  a", "c", "description: |- # why\n  c"),
        ("description:", "b", "description: b"),
        ("description: a", "2026-02-06", 'description: "2026-02-06"'),
        ("description: a", "b\nc", "description: |-\n  b\n  c"),
        ("description: a", "b\n\u2028c", 'description: "b\\n\\u2028c"'),
    ],
)
def test_a_value_keeps_its_style(old: str, value: str, new: str) -> None:
    before = around(old)
    after = edit_skill_md(parse(before), to=replace(skill_of(before), description=value))
    assert after == around(new)


@pytest.mark.parametrize(
    ("old", "metadata", "new"),
    [
        ("metadata:\n  a: 1", {"a": "2"}, 'metadata:\n  a: "2"'),
        ("metadata:\n  a: 1 # c\n  b: x", {"a": "v", "b": "x"}, "metadata:\n  a: v # c\n  b: x"),
        (
            "metadata:\n    a: x\n    # c",
            {"a": "x", "b": "v"},
            "metadata:\n    a: x\n    b: v\n    # c",
        ),
        ("metadata:\n  a: x\n  b: y", {"b": "y"}, "metadata:\n  b: y"),
        ("metadata:\n  a: x\n  b: y\n\n", {"a": "x"}, "metadata:\n  a: x\n\n"),
        ("metadata:\n  a: x\nlicense: MIT", {}, "license: MIT"),
        ("license: MIT", {"a": "x"}, "license: MIT\nmetadata:\n  a: x"),
        ("metadata: {a: x, b: 'y'}", {"a": "x", "b": "z"}, "metadata: {a: x, b: 'z'}"),
        ("metadata: {a: x}", {"a": "x", "b": "z: 1"}, 'metadata: {a: x, b: "z: 1"}'),
        ("metadata: {a: x, b: y}", {"b": "y"}, 'metadata: {b: "y"}'),
        ("metadata: {}", {"a": "x"}, "metadata:\n  a: x"),
        ("metadata:", {"a": "x"}, "metadata:\n  a: x"),
        (
            "metadata:\n  o:\n    x: 1\n    y: [a, b]",
            {"o": {"x": "1", "y": ["a", "c"]}},
            "metadata:\n  o:\n    x: 1\n    y:\n      - a\n      - c",
        ),
        (
            "metadata:\n  o: {x: 1, y: [a]}",
            {"o": {"x": "1", "y": ["b"]}},
            "metadata:\n  o: {x: 1, y: [b]}",
        ),
        ("metadata:\n  skillsync: x\n  a: y", {"a": "z"}, "metadata:\n  skillsync: x\n  a: z"),
        ("metadata:\n  skillsync: x\n  a: y", {}, "metadata:\n  skillsync: x"),
        ("metadata:\n  a: x", {"a": {"b": "c"}}, "metadata:\n  a:\n    b: c"),
        ("metadata:\n  a: x", {"a": "b\n"}, "metadata:\n  a: |\n    b"),
        (
            "metadata:\n  a: x\n      # deep\n  b: y",
            {"a": "1\n2", "b": "y"},
            'metadata:\n  a: "1\\n2"\n      # deep\n  b: y',
        ),
    ],
)
def test_metadata_changes_value_by_value(old: str, metadata: dict[str, Json], new: str) -> None:
    def whole(keys: str) -> bytes:
        return f"---\nname: demo\ndescription: d\n{keys}\n---\n\nbody\n".encode()

    before = whole(old)
    to = replace(skill_of(before), metadata=metadata, license=skill_of(whole(new)).license)
    assert edit_skill_md(parse(before), to=to) == whole(new)


@pytest.mark.parametrize(
    ("old", "tools", "new"),
    [
        ("allowed-tools: A B", ("A", "C"), "allowed-tools: A C"),
        ("allowed-tools: A, B", ("A", "C"), "allowed-tools: A, C"),
        ("allowed-tools: 'A B'", ("C",), "allowed-tools: 'C'"),
        ("allowed-tools: [A, 'B']", ("B", "C"), "allowed-tools: ['B', C]"),
        (
            "allowed-tools:\n- A # one\n# about B\n- 'B'\n- D",
            ("B", "A", "C(x y)"),
            "allowed-tools:\n# about B\n- 'B'\n- A # one\n- C(x y)",
        ),
        ("allowed-tools:\n  - A B\n  - C", ("A",), "allowed-tools:\n  - A"),
        ("allowed-tools: A", (), None),
        (None, ("A", "B(c d)"), "allowed-tools: A B(c d)"),
        (None, ("A(", "B"), "allowed-tools:\n  - A(\n  - B"),
    ],
)
def test_tools_keep_their_form(old: str | None, tools: tuple[str, ...], new: str | None) -> None:
    def whole(keys: str | None) -> bytes:
        lines = "" if keys is None else keys + "\n"
        return f"---\nname: demo\ndescription: d\n{lines}other: x\n---\n\nbody\n".encode()

    before = whole(old)
    to = replace(skill_of(before), allowed_tools=tools, extra=None)
    after = edit_skill_md(parse(before), to=to)
    if old is None:
        assert after == whole(None).replace(b"d\nother", f"d\n{new}\nother".encode())
    else:
        assert after == whole(new)


def test_new_keys_stand_in_the_standards_order_and_removed_ones_leave_comments() -> None:
    before = b"---\nname: a\n# about\ndescription: d\n# keep\nlicense: MIT\nx: 1\n---\n\nb\n"
    to = replace(skill_of(before), license="", compatibility="any", metadata={"k": "v"})
    after = edit_skill_md(parse(before), to=to)
    assert after == (
        b"---\nname: a\n# about\ndescription: d\n# keep\ncompatibility: any\n"
        b"metadata:\n  k: v\nx: 1\n---\n\nb\n"
    )


def test_an_unknown_extra_leaves_extra_keys_alone_and_a_known_one_decides() -> None:
    before = b"---\nname: a\ndescription: d\nx: 1 # c\ny: [a]\n---\n\nb\n"
    skill = skill_of(before)
    unknown = edit_skill_md(parse(before), to=replace(skill, description="e", extra=None))
    assert unknown == before.replace(b": d", b": e")
    to = replace(skill, extra=Extra(frontmatter={"x": 2, "z": {"b": True}}))
    assert edit_skill_md(parse(before), to=to) == (
        b"---\nname: a\ndescription: d\nx: 2 # c\nz:\n  b: true\n---\n\nb\n"
    )


@pytest.mark.parametrize(
    ("before", "body", "after"),
    [
        ("---\n\n\n  a\n\n\n", "b", "---\n\n\n  b\n\n\n"),
        ("---\na", "b", "---\nb"),
        ("---\r\n\r\na\r\nb\r\n", "c\nb", "---\r\n\r\nc\r\nb\r\n"),
        ("---\n\na\r\nb\nc\r\nd\n", "a\nx\nc\nd", "---\n\na\r\nx\nc\r\nd\n"),
        ("---\n", "b", "---\n\nb\n"),
        ("---", "b", "---\n\nb\n"),
    ],
)
def test_a_new_body_keeps_edges_and_line_ends(before: str, body: str, after: str) -> None:
    newline = "\r\n" if before.startswith("---\r") else "\n"
    head = "---\nname: a\ndescription: d\n".replace("\n", newline)
    data = (head + before).encode()
    edited = edit_skill_md(parse(data), to=replace(skill_of(data), body=body))
    assert edited == (head + after).encode()


def test_a_value_that_cannot_be_proven_is_refused() -> None:
    doc = parse(PLAIN_SKILL)
    skill = skill_of(PLAIN_SKILL)
    for to in (
        replace(skill, description=" edge "),
        replace(skill, body="a\r\nb"),
        replace(skill, allowed_tools=("a b",)),
        replace(skill, metadata={"a": "\0"}),
        replace(skill, metadata={"a": "\ud800"}),
    ):
        with pytest.raises(InvalidContent):
            edit_skill_md(doc, to=to)
        with pytest.raises(InvalidContent):
            new_skill_md(to)


STARTS = [
    PLAIN_SKILL,
    *(around(style) for style in DESCRIPTIONS.values()),
    b"---\r\nname: demo\r\ndescription: x\r\nmetadata: {a: b}\r\n---\r\nbody",
    b"\xef\xbb\xbf---\nname: demo\ndescription: x\nallowed-tools: [A, B]\nx:\n  - 1\n  - a: b\n---\nq\r\nr",
    b"---\n{name: demo, description: x, metadata: {a: {b: c}}}\n---\nq",
    b'---\n"name": demo\n"description": x\n"m": >\n  y\n\n\n# end\n---\nq',
    b"---\n  name: demo\n  description: x\n  metadata:\n    a: |+\n      t\n\n    b: 'c'\n---\nq",
]


@given(st.sampled_from(STARTS), skills())
@settings(max_examples=400)
def test_an_edit_says_exactly_what_was_meant_and_is_idempotent(before: bytes, to: Skill) -> None:
    try:
        after = edit_skill_md(parse(before), to=to)
    except InvalidContent:
        # a block in flow style has no lines that could be removed
        assume(b"{name" in before or "\ufeff" in to.body[:1])
        return
    found = parse(after)
    skill = document_skill(found, extra=to.extra)
    assert skill == replace(to, metadata=skill.metadata)
    assert same_json(dict(found.metadata), dict(to.metadata))
    assert to.extra is not None
    assert same_json(dict(found.extra_keys), dict(to.extra.frontmatter))
    assert edit_skill_md(found, to=to) == after


@given(st.sampled_from(STARTS), some_texts)
@settings(max_examples=200)
def test_an_edited_description_leaves_every_other_key_and_the_body_alone(
    before: bytes, text: str
) -> None:
    doc = parse(before)
    assume(not doc.root.flow)
    after = parse(edit_skill_md(doc, to=replace(skill_of(before), description=text)))
    for pair in doc.root.pairs:
        if (key := pair.key.text) != "description":
            assert key_block(after, key) == key_block(doc, key)
    assert after.body == doc.body
    assert (after.parts.bom, after.parts.opening) == (doc.parts.bom, doc.parts.opening)


# ---------------------------------------------------------------- new files and single keys


@given(skills())
@settings(max_examples=300)
def test_a_new_file_reads_back_as_the_skill(skill: Skill) -> None:
    data = new_skill_md(skill)
    found = parse(data)
    assert document_skill(found, extra=skill.extra) == skill
    assert skill.extra is not None
    assert same_json(dict(found.extra_keys), dict(skill.extra.frontmatter))
    assert data.startswith(b"---\nname: demo\ndescription: ")
    assert data.endswith(f"\n---\n\n{skill.body}\n".encode())


def test_a_new_file_is_in_the_usual_form() -> None:
    skill = Skill(
        name="demo",
        description="Use: it",
        body="# T",
        license="MIT",
        metadata={"version": "1.0", "list": ["a", {"b": "c", "d": "e"}]},
        allowed_tools=("Read", "Bash(git add *)"),
        extra=Extra(frontmatter={"user-invocable": False}),
    )
    assert new_skill_md(skill).decode() == (
        '---\nname: demo\ndescription: "Use: it"\nlicense: MIT\nmetadata:\n  version: "1.0"\n'
        "  list:\n    - a\n    - b: c\n      d: e\nallowed-tools: Read Bash(git add *)\n"
        "user-invocable: false\n---\n\n# T\n"
    )


def test_key_lines_are_those_an_edit_would_write() -> None:
    data = around("description: >-\n  a\n  b")
    doc, skill = parse(data), skill_of(data)
    assert key_block(doc, "description") == "description: >-\n  a\n  b\n"
    assert key_block(doc, "nothing") is None
    assert key_lines("description", skill, like=doc) == "description: >-\n  a\n  b\n"
    other = replace(skill, description="c", metadata={"owner": "you"})
    assert key_lines("description", other, like=doc) == "description: |-\n  c\n"
    assert key_lines("metadata", other, like=doc) == "metadata:\n  owner: 'you'\n"
    assert key_lines("description", other, like=None) == "description: c\n"
    assert key_lines("compatibility", other, like=doc) == ""
    extra = replace(other, extra=Extra(frontmatter={"x": [1]}))
    assert key_lines("x", extra, like=doc) == "x:\n  - 1\n"


@given(st.dictionaries(st.just("k"), texts), extra_keys)
@settings(max_examples=50)
def test_key_lines_of_any_value_can_be_made(
    metadata: dict[str, Json], extra: dict[str, Json]
) -> None:
    skill = Skill(
        name="demo", description="d", body="b", metadata=metadata, extra=Extra(frontmatter=extra)
    )
    for key in ("metadata", *extra):
        assert bool(key_lines(key, skill, like=None)) == (key != "metadata" or bool(metadata))
