"""Bad skills in the working tree: each is refused before anything is sent, named with file, line and rule (sync.md 14.6)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillsync.model import Problem, Severity
from skillsync.sync.report import Outcome, Report
from skillsync.sync.tidy import lint
from tests.sync.harness import Clone, Live, new_clone

Make = Callable[[Clone, str], None]


def text(name: str, *, description: str = "Does it.", more: str = "", body: str = "Body.") -> str:
    return f"---\nname: {name}\ndescription: {description}\n{more}---\n\n{body}\n"


@dataclass(frozen=True)
class Bad:
    """One bad skill: its number in sync.md 14.6, how it is made, and what must be said about it."""

    number: str
    id: str
    make: Make
    code: str
    says: str
    where: str = "SKILL.md"
    name: str = ""

    @property
    def subject(self) -> str:
        return self.name or self.id


def main_file(content: str | bytes) -> Make:
    def make(clone: Clone, folder: str) -> None:
        data = content.encode() if isinstance(content, str) else content
        name = folder.rpartition("/")[2].encode()
        clone.write(f"{folder}/SKILL.md", data.replace(b"{name}", name))

    return make


def bundled(*paths: str | bytes, content: str | bytes = "text\n") -> Make:
    def make(clone: Clone, folder: str) -> None:
        clone.write(f"{folder}/SKILL.md", text(folder.rpartition("/")[2]))
        for path in paths:
            clone.write(f"{folder}/{os.fsdecode(path)}", content)

    return make


def head(front: str) -> Make:
    return main_file(f"---\n{front}\n---\n\nBody.\n")


def named(name: str) -> Make:
    return head(f"name: {json.dumps(name)}\ndescription: Does it.")


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "name: {name}\ndescription: Does it.\nmetadata:\n" + "\n".join(f"  {x}" for x in lines)


CASES = [
    # ------------------------------------------------ names and paths
    Bad("5", "git-in-disguise", bundled(".g\u200cit/config"), "E-SKILL-PATH", "git's own", ".g\u200cit/config"),
    Bad("5", "git-short-name", bundled("git~1/x"), "E-SKILL-PATH", "git's own", "git~1/x"),
    Bad("7", "skill-md-case", bundled("skill.MD"), "E-SKILL-CASE", "SKILL.md itself", "skill.MD"),
    Bad("9", "newline-in-name", bundled("a\nb.txt"), "E-SKILL-PATH", "control character", "a\nb.txt"),
    Bad("9", "tab-in-name", bundled("a\tb.txt"), "E-SKILL-PATH", "control character", "a\tb.txt"),
    Bad("9", "escape-in-name", bundled("a\x1b[31mb.txt"), "E-SKILL-PATH", "control character", "a\x1b[31mb.txt"),
    Bad("9", "delete-in-name", bundled("a\x7fb"), "E-SKILL-PATH", "control character", "a\x7fb"),
    Bad("11", "long-path", bundled("/".join(["p" * 99] * 6)), "E-SKILL-PATH", "599 characters", ""),
    Bad("11", "deep-path", bundled("/".join(["d"] * 60)), "E-SKILL-PATH", "60 levels", ""),
    Bad("13", "unicode-twins", bundled("caf\u00e9.md", "cafe\u0301.md"), "E-SKILL-CLASH", "side by side", ""),
    Bad("15", "case-twins", bundled("Notes.md", "notes.md"), "E-SKILL-CLASH", "Notes.md and notes.md", ""),
    Bad("1", "backslash", bundled("a\\b.txt"), "E-SKILL-PATH", "backslash", "a\\b.txt"),
    Bad("3", "outer-space", bundled(" a.txt"), "E-SKILL-PATH", "starts or ends with a space", " a.txt"),
    Bad("21", "bytes-in-name", bundled(b"a\xff.txt"), "E-SKILL-PATH", "not UTF-8", ""),
    Bad("17", "slash-name", named("a/b"), "E-SKILL-NAME", "'a/b' is not accepted", "SKILL.md:2", "a/b"),
    Bad("17", "dots-name", named(".."), "E-SKILL-NAME", "'..' is not accepted", "SKILL.md:2", ".."),
    Bad("17", "upper-name", named("Upper"), "E-SKILL-NAME", "lower-case", "SKILL.md:2", "Upper"),
    Bad("17", "hyphens-name", named("two--hyphens"), "E-SKILL-NAME", "two hyphens", "SKILL.md:2", "two--hyphens"),
    Bad("17", "long-name", named("n" * 65), "E-SKILL-NAME", "65 characters, at most 64", "SKILL.md:2", "n" * 65),
    Bad("17", "reserved-name", named("new"), "E-SKILL-NAME", "reserved", "SKILL.md:2", "new"),
    Bad("17", "ends-in-a-line", named("ends\n"), "E-SKILL-NAME", "", "SKILL.md:2", "ends\n"),
    Bad("17", "missing-name", head("description: Does it."), "E-SKILL-NAME", "missing"),
    Bad("17", "unicode-name", named("\u00e9t\u00e9"), "E-SKILL-NAME", "not accepted", "SKILL.md:2", "\u00e9t\u00e9"),
    Bad("-", "environment", bundled(".env"), "E-SKILL-ENV", "secrets", ".env"),
    # ------------------------------------------------ text and encoding
    Bad("43", "utf-16", main_file(text("utf-16").encode("utf-16")), "E-SKILL-ENCODING", "UTF-8"),
    Bad("43", "latin-1", main_file(text("latin-1").encode() + b"\xe9"), "E-SKILL-ENCODING", "UTF-8"),
    Bad("9", "nul-in-text", main_file(text("nul-in-text", body="a\0b")), "E-SKILL-ENCODING", "NUL"),
    Bad("47", "blank-body", main_file(text("blank-body", body=" \n\t\n")), "E-SKILL-BODY", "blank"),
    Bad("49", "huge-body", main_file(text("huge-body", body="x" * 1_000_001)), "E-SKILL-BODY", "1,000,001 bytes"),
    Bad("49", "wide-body", main_file(text("wide-body", body="\U0001f600" * 999_999)), "E-SKILL-BODY", "bytes"),
    Bad("51", "marked", main_file(text("marked", body="<<<<<<< local\na\n=======\nb\n>>>>>>> remote")), "E-MARKERS", "conflict markers", "SKILL.md:6"),
    Bad("51", "marked-file", bundled("a.md", content="<<<<<<< local\na\n=======\nb\n>>>>>>> remote\n"), "E-MARKERS", "conflict markers", "a.md:1"),
    # ------------------------------------------------ frontmatter
    Bad("55", "alias-bomb", head(bomb()), "E-SKILL-YAML", ""),
    Bad("57", "python-tag", head("name: {name}\ndescription: Does it.\nmetadata:\n  x: !!python/object:os.system ls"), "E-SKILL-YAML", "tag", "SKILL.md:5"),
    Bad("57", "unknown-tag", head("name: {name}\ndescription: !mine Does it."), "E-SKILL-YAML", "tag", "SKILL.md:3"),
    Bad("61", "list-head", head("- name\n- description"), "E-SKILL-YAML", ""),
    Bad("61", "scalar-head", head("just words"), "E-SKILL-YAML", ""),
    Bad("61", "empty-head", main_file("---\n---\n\nBody.\n"), "E-SKILL-YAML", "empty"),
    Bad("61", "large-head", head("name: {name}\ndescription: Does it.\nmetadata:\n  k: " + "x" * 1_000_000), "E-SKILL-YAML", ""),
    Bad("61", "deep-head", head("name: {name}\ndescription: Does it.\nmetadata: " + "[" * 10_000 + "]" * 10_000), "E-SKILL-YAML", "", "SKILL.md:4"),
    Bad("61", "no-fence", main_file("# Just text\n"), "E-SKILL-FENCE", "", "SKILL.md:1"),
    Bad("61", "open-fence", main_file("---\nname: {name}\ndescription: x\n\nBody.\n"), "E-SKILL-FENCE", ""),
    Bad("61", "twice-a-key", head("name: {name}\ndescription: One.\ndescription: Two."), "E-SKILL-DUPLICATE-KEY", "description", "SKILL.md:4"),
    Bad("61", "bad-yaml", head("name: {name}\ndescription: [one\nlicense: MIT"), "E-SKILL-YAML", ""),
    Bad("61", "needs-quotes", head("name: {name}\ndescription: Use when: always"), "E-SKILL-QUOTES", "", "SKILL.md:3"),
    Bad("63", "no-description", head("name: {name}"), "E-SKILL-DESCRIPTION", ""),
    Bad("63", "blank-description", head("name: {name}\ndescription: '  '"), "E-SKILL-DESCRIPTION", "", "SKILL.md:3"),
    Bad("63", "long-description", head("name: {name}\ndescription: " + "d" * 1_025), "E-SKILL-DESCRIPTION", "1,025", "SKILL.md:3"),
    Bad("63", "huge-description", head("name: {name}\ndescription: " + "d" * 5_000), "E-SKILL-DESCRIPTION", "5,000", "SKILL.md:3"),
    Bad("63", "long-compatibility", head("name: {name}\ndescription: x\ncompatibility: " + "c" * 501), "E-SKILL-FIELD", "501", "SKILL.md:4"),
    Bad("63", "long-license", head("name: {name}\ndescription: x\nlicense: " + "c" * 256), "E-SKILL-FIELD", "256", "SKILL.md:4"),
    Bad("65", "metadata-list", head("name: {name}\ndescription: x\nmetadata: [a, b]"), "E-SKILL-METADATA", "mapping", "SKILL.md:4"),
    Bad("65", "tools-mapping", head("name: {name}\ndescription: x\nallowed-tools: {a: b}"), "E-SKILL-TOOLS", "", "SKILL.md:4"),
    Bad("-", "too-many-files", bundled(*(f"f/{n:03}.md" for n in range(201))), "E-SKILL-FILES", "201 bundled files, at most 200", ""),
]  # fmt: skip


@dataclass(frozen=True)
class Pushed:
    """What one push of all the bad skills, beside a good one, did and said."""

    clone: Clone
    report: Report
    before: dict[str, bytes]
    after: dict[str, bytes]
    linted: list[Problem]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    folder = tmp_path_factory.mktemp("bad")
    live = Live(folder)
    clone = new_clone(live, folder / "clone")
    for case in CASES:
        case.make(clone, f"skills/{case.id}")
    clone.skill("good")
    clone.skill("other")
    before = clone.files()
    report = clone.push()
    yield Pushed(clone, report, before, clone.files(), lint(clone.workspace))
    live.close()


def words(pushed: Pushed, subject: str) -> Outcome:
    return next(one for one in pushed.report.outcomes if one.subject == subject)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_bad_skill_is_named_with_its_file_its_line_and_the_rule(
    case: Bad, pushed: Pushed
) -> None:
    said = words(pushed, case.subject)
    assert said.code == case.code, said
    assert said.exit == 1
    assert not said.changed
    assert case.says in said.message
    assert f"skills/{case.id}" in said.message
    assert case.where in said.message
    found = [one for one in pushed.linted if one.path.startswith(f"skills/{case.id}")]
    assert case.code in {one.code for one in found if one.severity is Severity.ERROR}


def test_nothing_of_a_bad_skill_is_sent_and_no_file_of_it_is_touched(pushed: Pushed) -> None:
    requests = pushed.clone.requests
    assert requests
    assert [path.rpartition("/")[2] for _, path in requests.writes] == ["llm_skills"] * 2
    new = set(pushed.after) - set(pushed.before)
    assert new == {"skills/good/.skillsync", "skills/other/.skillsync"}
    assert {path: pushed.after[path] for path in pushed.before} == pushed.before


def test_the_good_ones_are_published_and_the_run_ends_with_5(pushed: Pushed) -> None:
    assert words(pushed, "good").did == "created v1"
    assert words(pushed, "other").did == "created v1"
    assert pushed.report.exit == 5
    assert {one.subject for one in pushed.report.outcomes} == {
        "good",
        "other",
        *(case.subject for case in CASES),
    }


@pytest.mark.parametrize("kind", ["long-name", "backslash", "twice-a-key", "too-many-files"])
def test_a_bad_skill_alone_ends_with_1(kind: str, solo: Clone) -> None:
    next(case for case in CASES if case.id == kind).make(solo, f"skills/{kind}")
    before = solo.files()
    assert solo.push().exit == 1
    assert solo.pull().exit in {0, 1}
    assert solo.files() == before
    assert solo.requests
    assert solo.requests.writes == []


# ---------------------------------------------------------------- several skills, and folders


def test_two_skills_of_one_name_are_both_left_and_named(solo: Clone, live: Live) -> None:
    solo.skill("alpha")
    solo.write("skills/copy/SKILL.md", text("alpha", body="Another."))
    solo.skill("beta")
    report = solo.push()
    problem = next(one for one in report.problems if one.code == "E-SKILL-DUPLICATE")
    assert "skills/alpha/SKILL.md" in problem.message
    assert "skills/copy/SKILL.md" in problem.message
    assert live.skill("alpha") == {}
    assert live.version("beta") == 1
    assert report.exit == 5


def test_two_skills_of_one_name_alone_end_with_1(solo: Clone, live: Live) -> None:
    solo.skill("alpha")
    solo.write("skills/copy/SKILL.md", text("alpha", body="Another."))
    before = solo.files()
    assert solo.push().exit == 1
    assert solo.pull().exit == 1
    assert solo.files() == before
    assert live.skill("alpha") == {}


def test_a_skill_md_at_the_top_of_the_repository_is_no_skill(solo: Clone, live: Live) -> None:
    solo.write("SKILL.md", text("everything"))
    solo.skill("alpha")
    assert solo.push().exit == 0
    assert live.skill("everything") == {}


def test_a_nested_skill_is_its_own_and_the_outer_one_goes_without_it(
    solo: Clone, live: Live
) -> None:
    solo.skill("outer")
    solo.write("skills/outer/notes.md", "Outer notes.\n")
    solo.write("skills/outer/inner/SKILL.md", text("inner"))
    solo.write("skills/outer/inner/notes.md", "Inner notes.\n")
    assert solo.push().exit == 0
    assert set(live.skill("outer")["contents"]) == {"notes.md"}
    assert live.skill("inner")["contents"] == {"notes.md": "Inner notes."}


def test_a_linked_skill_folder_is_not_followed_but_reported(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "SKILL.md").write_text(text("linked"))
    solo.skill("alpha")
    (solo.path / "skills/linked").symlink_to(outside)
    (solo.path / "skills/mirror").symlink_to("alpha")
    report = solo.push()
    assert report.exit == 0
    assert live.skill("linked") == {}
    assert live.version("alpha") == 1
    found = [one for one in lint(solo.workspace) if "symbolic link" in one.message]
    assert {one.path for one in found} == {"skills/mirror"}


def test_a_link_in_a_skill_is_never_followed(solo: Clone, live: Live, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret of another folder")
    solo.skill("alpha")
    (solo.path / "skills/alpha/notes.md").symlink_to(tmp_path / "secret.txt")
    report = solo.push()
    assert report.exit == 0
    assert live.skill("alpha")["contents"] == {}
    assert "the secret" not in json.dumps(live.skill("alpha"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_fails_alone(solo: Clone, live: Live) -> None:
    solo.skill("alpha")
    solo.skill("beta")
    locked = solo.path / "skills/alpha"
    locked.chmod(0)
    try:
        report = solo.push()
    finally:
        locked.chmod(0o755)
    assert any(one.code == "E-UNREADABLE" and "skills/alpha" in one.path for one in report.problems)
    assert report.exit == 5
    assert live.skill("alpha") == {}
    assert live.version("beta") == 1


def test_a_published_skill_that_became_a_link_is_no_removal(solo: Clone, live: Live) -> None:
    path = solo.skill("alpha")
    solo.push()
    solo.commit()
    (solo.path / path).rename(solo.path / "moved.md")
    (solo.path / path).symlink_to(solo.path / "moved.md")
    report = solo.push(archive=("alpha",))
    assert report.exit == 1
    assert live.version("alpha") == 1


# ---------------------------------------------------------------- what the server of the seed's generation refuses


def test_more_files_than_this_server_takes_is_its_clear_refusal_and_others_go_on(
    solo: Clone, live: Live
) -> None:
    solo.skill("many")
    for number in range(51):
        solo.write(f"skills/many/f/{number:02}.md", f"File {number}.\n")
    solo.skill("zeta")
    report = solo.push()
    said = next(one for one in report.outcomes if one.subject == "many")
    assert said.code == "E-REMOTE-REFUSED"
    assert "50" in said.message
    assert report.exit == 5
    assert live.skill("many") == {}
    assert live.version("zeta") == 1
    assert not (solo.path / "skills/many/.skillsync").exists()


# ---------------------------------------------------------------- what looks bad and is not


def test_what_is_unusual_and_allowed_is_published_whole(solo: Clone, live: Live) -> None:
    """14.6 #19, #43, #47, #49, #59, #65: accepted, with nothing changed silently."""
    solo.write("skills/folder-name/SKILL.md", text("other-name"))
    solo.write("skills/marked-bom/SKILL.md", b"\xef\xbb\xbf" + text("marked-bom").encode())
    solo.write("skills/no-newline/SKILL.md", text("no-newline").rstrip("\n"))
    solo.write("skills/no-newline/__init__.py", "")
    solo.write("skills/no-newline/blank.txt", " \n")
    solo.write("skills/full/SKILL.md", text("full", body="x" * 1_000_000))
    solo.write("skills/crlf/SKILL.md", text("crlf").replace("\n", "\r\n"))
    odd = ["no", "on", "1e3", "0o17", "12:30:00", "2024-01-01", "~", "1.0", "0x1F", "null", ".inf"]
    more = "metadata:\n" + "".join(f"  k{n}: {value}\n" for n, value in enumerate(odd))
    more += "  version: 1.10\n  nested:\n    a: [1, x]\n"
    solo.write("skills/odd/SKILL.md", text("odd", more=more))
    before = solo.files()
    assert solo.push().exit == 0
    stored = live.skill("odd")["metadata"]
    assert [stored[f"k{n}"] for n in range(len(odd))] == odd
    assert stored["version"] == "1.10"
    assert len(live.skill("full")["body"]) == 1_000_000
    assert live.version("other-name") == 1
    assert "__init__.py" in live.skill("no-newline")["metadata"]["skillsync"]
    solo.pull()
    assert {path: solo.files()[path] for path in before} == before


@pytest.mark.slow
def test_ten_thousand_metadata_keys_go_there_and_back(solo: Clone, live: Live) -> None:
    more = "metadata:\n" + "".join(f"  key-{n}: v{n}\n" for n in range(10_000))
    solo.write("skills/wide/SKILL.md", text("wide", more=more))
    report = solo.push()
    assert report.exit in {0, 1}
    if report.exit == 0:
        assert live.skill("wide")["metadata"]["key-9999"] == "v9999"
        assert solo.push().outcomes == []
