"""Every row of the severity table, and that every code is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import skillsync.formats.checks as checks_module
from skillsync.formats.checks import CODES, STRICT_CODES, check_skill, check_skills, meant_key
from skillsync.formats.skill_folder import read_skill
from skillsync.model import Entry, Problem, Severity
from tests.formats.skill_builders import PLAIN_SKILL, entry, folder


def skill(*lines: str, name: str = "demo", description: str = "d", body: str = "body") -> bytes:
    keys = [f"name: {name}", f"description: {description}", *lines]
    return ("---\n" + "\n".join(keys) + f"\n---\n\n{body}\n").encode()


def found(*entries: Entry, data: bytes = PLAIN_SKILL, at: str = "skills/demo") -> list[Problem]:
    return check_skill(read_skill(folder(*entries, skill=data, at=at)))


def test_a_good_skill_has_nothing_to_be_said_about() -> None:
    assert found(entry("a.md")) == []


SECRET = "phx_" + "aB3" * 10
E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE
ROWS: list[tuple[str, bytes, list[Entry], Severity, str, int | None]] = [
    ("no fences", b"text", [], E, "E-SKILL-FENCE", 1),
    ("invalid YAML", skill("x: [a"), [], E, "E-SKILL-YAML", 5),
    ("colon", skill("x: a: b"), [], E, "E-SKILL-QUOTES", 4),
    ("duplicate key", skill("name: x"), [], E, "E-SKILL-DUPLICATE-KEY", 4),
    ("no name", b"---\ndescription: d\n---\nb", [], E, "E-SKILL-NAME", None),
    ("invalid name", skill(name="De_mo"), [], E, "E-SKILL-NAME", 2),
    ("quoted name with an edge", skill(name="'demo '"), [], E, "E-SKILL-NAME", 2),
    ("reserved name", skill(name="new"), [], E, "E-SKILL-NAME", 2),
    ("no description", b"---\nname: demo\n---\nb", [], E, "E-SKILL-DESCRIPTION", None),
    ("blank description", skill(description="' '"), [], E, "E-SKILL-DESCRIPTION", 3),
    ("long description", skill(description="é" * 1025), [], E, "E-SKILL-DESCRIPTION", 3),
    ("very long", skill(description="x" * 5000), [], E, "E-SKILL-DESCRIPTION", 3),
    ("compatibility", skill("compatibility: " + "x" * 501), [], E, "E-SKILL-FIELD", 4),
    ("license", skill("license: " + "x" * 256), [], E, "E-SKILL-FIELD", 4),
    ("metadata", skill("metadata: x"), [], E, "E-SKILL-METADATA", 4),
    ("tools", skill("allowed-tools: {a: b}"), [], E, "E-SKILL-TOOLS", 4),
    ("blank body", skill(body=" \n "), [], E, "E-SKILL-BODY", 5),
    ("long body", skill(body="é" * 500_001), [], E, "E-SKILL-BODY", 5),
    ("not UTF-8", PLAIN_SKILL + b"\xff", [], E, "E-SKILL-ENCODING", 9),
    ("too many files", PLAIN_SKILL, [entry(f"{i}") for i in range(201)], E, "E-SKILL-FILES", None),
    ("bad path", PLAIN_SKILL, [entry("a\tb")], E, "E-SKILL-PATH", None),
    ("case clash", PLAIN_SKILL, [entry("a"), entry("A")], E, "E-SKILL-CLASH", None),
    (".env", PLAIN_SKILL, [entry(".env")], E, "E-SKILL-ENV", None),
    ("extra key", skill("version: 1.0"), [], W, "W-SKILL-EXTRA-KEY", 4),
    ("behavioural", skill("disable-model-invocation: true"), [], W, "W-SKILL-BEHAVIOUR", 4),
    ("secret", skill(body="a\n" + SECRET), [], W, "W-SKILL-SECRET", 7),
    ("secret in a file", PLAIN_SKILL, [entry("a.md", f"x\n\n{SECRET}\n")], W, "W-SKILL-SECRET", 3),
    ("near miss", skill("allowed_tools: x"), [], W, "W-SKILL-NEAR-MISS", 4),
    ("near miss", skill("tools: x"), [], W, "W-SKILL-NEAR-MISS", 4),
    ("near miss", skill("user-invokable: x"), [], W, "W-SKILL-NEAR-MISS", 4),
    ("near miss", skill("License: x"), [], W, "W-SKILL-NEAR-MISS", 4),
    ("near miss", skill("Name: x"), [], W, "W-SKILL-NEAR-MISS", 4),
    ("binary", PLAIN_SKILL, [entry("x", b"\xff")], W, "W-SKILL-BINARY", None),
    ("NUL", PLAIN_SKILL, [entry("x", b"\0")], W, "W-SKILL-BINARY", None),
    ("over-size", PLAIN_SKILL, [entry("x", b"x" * 1_000_001)], W, "W-SKILL-LARGE", None),
    ("symlink", PLAIN_SKILL, [entry("x", target="y")], W, "W-SKILL-LINK", None),
    ("nested", skill("metadata:", "  a: [b]"), [], W, "W-SKILL-NESTED-METADATA", 5),
    ("tool", skill("allowed-tools: A(b c)"), [], W, "W-SKILL-TOOL-SPACE", 4),
    ("own key", skill("metadata:", "  skillsync: x"), [], W, "W-SKILL-RESERVED-KEY", 5),
    ("folder name", skill(name="other"), [], N, "N-SKILL-FOLDER-NAME", 2),
    ("server prefix", skill(name="review-hog-x"), [], N, "N-SKILL-CATEGORY", 2),
    ("empty file", PLAIN_SKILL, [entry("__init__.py", "")], N, "N-SKILL-EMPTY-FILE", None),
    ("date", skill("metadata:", "  d: 2026-02-06"), [], N, "N-SKILL-METADATA-TYPE", 5),
    ("edge", skill(description=">\n  a"), [], N, "N-SKILL-DESCRIPTION-EDGE", 3),
    ("long text", skill(body="a\n" * 501), [], N, "N-SKILL-LONG-BODY", 5),
    ("CRLF", PLAIN_SKILL.replace(b"\n", b"\r\n"), [], N, "N-SKILL-CRLF", None),
    ("BOM", b"\xef\xbb\xbf" + PLAIN_SKILL, [], N, "N-SKILL-BOM", 1),
    ("comma tools", skill("allowed-tools: A, B"), [], N, "N-SKILL-TOOLS-FORM", 4),
    ("list of tools", skill("allowed-tools: [A]"), [], N, "N-SKILL-TOOLS-FORM", 4),
    ("anchors", skill("metadata: &a {b: c}"), [], N, "N-SKILL-ANCHORS", None),
    ("many files", PLAIN_SKILL, [entry(f"{i}") for i in range(51)], N, "N-SKILL-MANY-FILES", None),
]


@pytest.mark.parametrize(
    ("data", "entries", "severity", "code", "line"),
    [row[1:] for row in ROWS],
    ids=[f"{row[4]} {row[0]}" for row in ROWS],
)
def test_each_finding_has_its_severity_and_line(
    data: bytes, entries: list[Entry], severity: Severity, code: str, line: int | None
) -> None:
    problems = [each for each in found(*entries, data=data) if each.code == code]
    assert [(each.severity, each.line) for each in problems] == [(severity, line)]
    assert problems[0].path.startswith("skills/demo")
    assert problems[0].subject
    reading = read_skill(folder(*entries, skill=data))
    assert reading.is_valid == (severity is not E)


def test_the_lengths_at_the_limit_are_fine() -> None:
    data = skill("license: " + "x" * 255, "compatibility: " + "é" * 500, description="é" * 1024)
    assert found(data=data) == []


def test_an_unquoted_line_is_shown_with_its_repair() -> None:
    problem = found(data=skill("x: a: b"))[0]
    assert "x: a: b" in problem.message
    assert 'x: "a: b"' in problem.message
    assert problem.fix == "skillsync fmt"


def test_two_mistakes_are_both_said() -> None:
    codes = {each.code for each in found(data=b"---\nlicense: x\n---\n")}
    assert codes == {"E-SKILL-NAME", "E-SKILL-DESCRIPTION", "E-SKILL-BODY"}


def test_the_modes_of_carrying_change_what_is_said() -> None:
    reading = read_skill(folder(entry("run.sh", executable=True), skill=skill("hooks: x")))
    assert [each.code for each in check_skill(reading)] == ["W-SKILL-BEHAVIOUR"]
    local = check_skill(reading, carry="local")
    assert {each.code for each in local} == {"W-SKILL-BEHAVIOUR", "W-SKILL-MODES"}
    assert check_skill(reading, carry="error")[0].severity is Severity.ERROR


def test_an_entry_that_is_too_large_to_be_carried_is_named() -> None:
    problems = found(data=skill("note: " + "x" * 20_000))
    assert {each.code for each in problems} == {"W-SKILL-EXTRA-KEY", "W-SKILL-CARRY-SIZE"}


def test_near_misses_name_what_was_meant() -> None:
    assert meant_key("allowed_tools") == "allowed-tools"
    assert meant_key("Name") == "name"
    assert meant_key("user_invocable") == "user-invocable"
    assert meant_key("hooks") is None
    assert meant_key("version") is None


def test_a_name_used_twice_is_an_error_for_both() -> None:
    readings = [read_skill(folder(at=at)) for at in ("skills/b", "skills/a", "all/a")]
    problems = check_skills(readings)
    assert [(each.code, each.path) for each in problems] == [
        ("E-SKILL-DUPLICATE", f"{at}/SKILL.md") for at in ("all/a", "skills/a", "skills/b")
    ]
    assert all("skills/b/SKILL.md" in each.message for each in problems)


def test_a_skill_inside_a_skill_is_noted() -> None:
    inner = folder(at="skills/a/x/b", skill=skill(name="b"))
    outer = folder(at="skills/a", skill=skill(name="a"))
    problems = check_skills([read_skill(inner), read_skill(outer)])
    assert [(each.code, each.path) for each in problems] == [("N-SKILL-NESTED", "skills/a/x/b")]


def test_every_code_is_explained_and_every_explanation_used() -> None:
    source = Path(checks_module.__file__).parent
    text = "".join(path.read_text("utf-8") for path in sorted(source.glob("*.py")))
    used = set(re.findall(r'"([EWN]-(?:SKILL-[A-Z-]+|MARKERS))"(?!:)', text))
    assert used - set(CODES) == set()
    assert set(CODES) - used == set()
    assert set(CODES) >= STRICT_CODES
    assert all(len(text) > 40 for text in CODES.values())
