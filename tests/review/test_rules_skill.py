"""Rules P, T, O, L, R, G over whole skills: each with what it must see and what it must leave alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from skillsync.model import Entry, Folder
from skillsync.review.rules.catalogue import GROUPS, RULES
from skillsync.review.rules.guard import check_guarded, check_pointer
from skillsync.review.rules.lint import check_lint
from skillsync.review.rules.model import Hit, Subject, Text
from skillsync.review.rules.opaque import check_opaque
from skillsync.review.rules.permission import check_permissions
from skillsync.review.rules.roundtrip import check_round_trip
from skillsync.review.rules.trigger import check_trigger, with_overlaps
from skillsync.review.skill_changes import Content, compare_skill
from tests.formats.skill_builders import entry

DESCRIPTION = "Rolls a release back. Use when a deployment went wrong."


def skill_md(more: str = "", *, description: str = DESCRIPTION, name: str = "a", body: str = "Text.") -> str:  # fmt: skip
    return f"---\nname: {name}\ndescription: {description}\n{more}---\n\n{body}\n"


def a_folder(text: str | None, files: Mapping[str, Entry] | None = None) -> Folder | None:
    if text is None:
        return None
    found = [entry("SKILL.md", text), *(files or {}).values()]
    return Folder("skills/a", tuple(sorted(found, key=lambda one: one.path)))


def a_subject(
    before: str | None,
    after: str,
    files: Mapping[str, Entry] | None = None,
    others: tuple[tuple[str, str, bytes], ...] = (),
) -> Subject:
    one, two = Content(a_folder(before)), Content(a_folder(after, files))
    parts = compare_skill(one, two, str)
    texts = tuple(
        Text(f"skills/a/{path}", text, frozenset(range(1, 99))) for path, text in two.texts.items()
    )
    subject = Subject("a", "skills/a", one, two, parts.permissions, parts.trigger, texts, others)
    trigger = with_overlaps(parts.trigger, subject)
    return Subject("a", "skills/a", one, two, parts.permissions, trigger, texts, others)


def rules(hits: object) -> set[str]:
    assert hasattr(hits, "__iter__")
    return {hit.rule for hit in hits if hit.is_new}


PERMISSIONS = [
    ("", "allowed-tools: Bash(git:*)\n", {"P-WIDENED"}),
    ("allowed-tools: Read\n", "allowed-tools: Read Bash\n", {"P-WIDENED", "P-WILDCARD"}),
    ("allowed-tools: Read Write\n", "allowed-tools: Write Read\n", set()),
    ("allowed-tools: Read Write\n", "allowed-tools:\n  - Write\n  - Read\n", set()),
    ("allowed-tools: Bash\n", "allowed-tools: Bash(git:*)\n", set()),
    ("allowed-tools: Read\n", "allowed-tools: Read, Write\n", {"P-WIDENED", "P-FRACTURED"}),
    ("", "allowed-tools: Bash(git add *)\n", {"P-WIDENED", "P-FRACTURED"}),
    ("", "allowed-tools: B\u0430sh\n", {"P-WIDENED", "P-LOOKALIKE"}),
    ("disallowed-tools: Bash\n", "", {"P-WIDENED"}),
    ("disallowed-tools: Bash Write\n", "disallowed-tools: Write Bash\n", set()),
    ("", "disallowed-tools: Bash\n", set()),
    ("", "hooks:\n  PreToolUse: x\n", {"P-WIDENED"}),
    ("hooks:\n  A: x\n", "hooks:\n  A: y\n", {"P-WIDENED"}),
    ("hooks:\n  A: x\n", "", set()),
    ("disable-model-invocation: true\n", "", {"P-WIDENED"}),
    ("disable-model-invocation: true\n", "disable-model-invocation: false\n", {"P-WIDENED"}),
    ("", "disable-model-invocation: true\n", set()),
    ("", "model: other\n", {"P-WIDENED"}),
    ("paths: src/**\n", "paths: src/** docs/**\n", {"P-WIDENED"}),
    ("paths: src/** docs/**\n", "paths: src/**\n", set()),
    ("license: MIT\n", "license: Apache-2.0\n", set()),
]


@pytest.mark.parametrize(("before", "after", "expected"), PERMISSIONS)
def test_permissions(before: str, after: str, expected: set[str]) -> None:
    assert rules(check_permissions(a_subject(skill_md(before), skill_md(after)))) == expected


def test_a_new_skill_may_read_and_must_be_asked_about_the_rest() -> None:
    assert (
        rules(check_permissions(a_subject(None, skill_md("allowed-tools: Read Grep\n")))) == set()
    )
    found = rules(check_permissions(a_subject(None, skill_md("allowed-tools: Read Bash(git:*)\n"))))
    assert found == {"P-NEW"}


TRIGGERS = [
    (DESCRIPTION, "Rolls a release back. Use when anything went wrong.", {"T-DESCRIPTION"}),
    (DESCRIPTION, f"{DESCRIPTION} Always use this.", {"T-DESCRIPTION", "T-BROAD"}),
    (DESCRIPTION, "Use for every request.", {"T-DESCRIPTION", "T-BROAD"}),
    (DESCRIPTION, "Helps.", {"T-DESCRIPTION", "T-BROAD"}),
    (DESCRIPTION, DESCRIPTION, set()),
    (None, DESCRIPTION, set()),
    (None, "Sorts the inbox of support questions by urgency", {"T-OVERLAP"}),
]


@pytest.mark.parametrize(("before", "after", "expected"), TRIGGERS)
def test_triggers(before: str | None, after: str, expected: set[str]) -> None:
    other = skill_md(name="b", description="Sorts the inbox of support questions by sender")
    others = (("skills/b", "b", other.encode()), ("skills/a", "a", b""))
    old = skill_md(description=before) if before else None
    subject = a_subject(old, skill_md(description=after), others=others)
    assert rules(check_trigger(subject)) == expected


OPAQUE = [
    (entry("a.png", b"\x89PNG\xff\x00"), "O-BINARY"),
    (entry("a.txt", b"caf\xe9"), "O-BINARY"),
    (entry("a.txt", b"a\0b"), "O-BINARY"),
    (entry("a.zip", b"PK\x03\x04\xff"), "O-ARCHIVE"),
    (entry("a.data", b"\x1f\x8b\xff"), "O-ARCHIVE"),
    (entry("a.tar", b"\xff\xfe\x00"), "O-ARCHIVE"),
    (entry("a", b"\x7fELF\xff\x00"), "O-BYTECODE"),
    (entry("a.wasm", b"\x00asm\xff"), "O-BYTECODE"),
    (entry("a", target="/etc/passwd"), "O-SYMLINK"),
    (Entry("sub", None, 0, kind="other"), "O-SUBMODULE"),
    (entry("a.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"), "O-LFS"),
    (Entry("big.txt", None, 9_000_000), "O-LARGE"),
    (entry("a.md", "text"), None),
    (entry("a.min.js", "x"), None),
    (entry("empty", b""), None),
]  # fmt: skip


@pytest.mark.parametrize(("file", "rule"), OPAQUE)
def test_opaque_files(file: Entry, rule: str | None) -> None:
    found = rules(check_opaque(a_subject(skill_md(), skill_md(), {file.path: file})))
    assert found == ({rule} if rule else set())


def test_a_compiled_twin_is_told_and_a_file_that_was_there_is_existing() -> None:
    files = {"a.js": entry("a.js", "x"), "a.ts": entry("a.ts", "x")}
    assert rules(check_opaque(a_subject(None, skill_md(), files))) == {"O-TWIN"}
    png = entry("a.png", b"\x89PNG\xff\x00")
    both = Content(a_folder(skill_md(), {"a.png": png}))
    subject = a_subject(None, skill_md())
    same = Subject("a", "skills/a", both, both, subject.permissions, None, ())
    assert [hit.is_new for hit in check_opaque(same)] == [False]


LINT = [
    (skill_md(name="A b"), "L-SKILL-NAME"),
    (skill_md(description='""'), "L-SKILL-DESCRIPTION"),
    (skill_md(description="x" * 1_025), "L-SKILL-DESCRIPTION"),
    ("no fences", "L-SKILL-FENCE"),
    (skill_md(body="<<<<<<< local\nx\n=======\ny\n>>>>>>> remote"), "L-MARKERS"),
    (skill_md(body="See [it](references/gone.md)."), "L-LINK"),
    (skill_md("metadata: [1]\n"), "L-SKILL-METADATA"),
]


@pytest.mark.parametrize(("text", "rule"), LINT)
def test_lint(text: str, rule: str) -> None:
    subject = a_subject(skill_md(), text)
    assert rule in rules(check_lint(subject, subject.texts))


def test_links_that_lead_somewhere_are_left_alone() -> None:
    body = (
        "[a](references/a.md) [b](references) [c](https://x.example) [d](#top) [e](../b/SKILL.md) "
        "[f](mailto:a@b.c) `[g](gone.md)`\n```\n[h](gone.md)\n```\n[i](references/a.md#x)"
    )
    files = {"references/a.md": entry("references/a.md", "[up](../SKILL.md)")}
    subject = a_subject(skill_md(), skill_md(body=body), files)
    assert rules(check_lint(subject, subject.texts)) == set()


def test_round_trip() -> None:
    subject = a_subject(skill_md("version: 1\n"), skill_md("version: 1\ntags: x\ndisallowed-tools: Bash\n"))  # fmt: skip
    found = {(hit.rule, hit.matched, hit.is_new) for hit in check_round_trip(subject)}
    assert found == {
        ("R-CARRIED", "version", False),
        ("R-CARRIED", "tags", True),
        ("R-DENY", "disallowed-tools", True),
    }


def test_guards() -> None:
    paths = ["skillsync.toml", ".skillsync-baseline.yaml", ".github/workflows/a.yml"]
    assert [hit.rule for hit in check_guarded(paths)] == ["G-POLICY", "G-POLICY", "G-WORKFLOW"]

    def pointed(number: int) -> Folder:
        line = f"h.example/1 v{number} 0199f3c2-0000-7000-8000-00000000000{number} first=2026-08-01T10:00:00Z canon:1:sha256:{'a' * 64}\n"  # fmt: skip
        return Folder("skills/a", (), line.encode())

    def said(one: Folder | None, two: Folder | None) -> list[str]:
        return [hit.rule for hit in check_pointer(one, two)]

    assert said(pointed(3), pointed(3)) == []
    assert said(pointed(3), pointed(5)) == ["G-POINTER"]
    assert said(None, pointed(5)) == ["G-POINTER"]
    assert said(pointed(5), pointed(3)) == ["G-POINTER-BACK"]
    assert said(pointed(5), None) == []


def test_every_rule_belongs_to_a_group_and_says_what_it_means() -> None:
    assert {name[0] for name in RULES} == set(GROUPS)
    for name, rule in RULES.items():
        assert name == rule.name
        assert name[1] == "-"
        assert len(rule.text) > 40, name


def test_a_hit_says_where() -> None:
    found = list(check_permissions(a_subject(skill_md(), skill_md("allowed-tools: Bash(x:*)\n"))))
    assert isinstance(found[0], Hit)
    assert (found[0].path, found[0].line) == ("skills/a/SKILL.md", 4)
