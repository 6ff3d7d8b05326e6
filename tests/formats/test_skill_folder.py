"""A skill's folder: what is read, and that writing makes it say exactly what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text, same_skill
from skillsync.formats.skill_folder import Omitted, SkillReading, read_skill, write_skill
from skillsync.model import Entry, Extra, FileChange, Folder, Severity, Skill, held
from tests.formats.skill_builders import PLAIN_SKILL, entry, folder, skills, texts

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"


def apply(target: Folder, changes: Sequence[FileChange]) -> Folder:
    """Carry out changes on a folder value, checking that each saw what is there."""
    entries = {each.path: each for each in target.entries}
    for change in changes:
        old = entries.get(change.path)
        assert change.before == (old.data if old else None)
        if change.after is None:
            del entries[change.path]
            continue
        mode = old.executable if old and change.executable is None else bool(change.executable)
        data = held(change.after) or b""
        entries[change.path] = Entry(change.path, data, len(data), executable=mode)
    return replace(target, entries=tuple(entries[path] for path in sorted(entries)))


def valid(target: Folder) -> tuple[SkillReading, Skill]:
    reading = read_skill(target)
    assert reading.skill is not None, reading.problems
    return reading, reading.skill


def errors(reading: SkillReading) -> list[tuple[str, str]]:
    return [(p.code, p.path) for p in reading.problems if p.severity is Severity.ERROR]


# ---------------------------------------------------------------- reading


def test_texts_modes_empty_files_and_edges_are_read() -> None:
    reading, skill = valid(
        folder(
            entry("run.sh", "echo\n", executable=True),
            entry("pkg/__init__.py", "", executable=True),
            entry("blank.txt", " \n"),
            entry("a.txt", "\ufeff  a\r\nb\r\n"),
            entry("b.txt", "b"),
            entry("__pycache__/x.pyc", b"\xff"),
            entry(".DS_Store", b"\xff"),
        )
    )
    assert skill.files == {"run.sh": "echo", "a.txt": "a\nb", "b.txt": "b"}
    assert skill.extra == Extra(
        executable=frozenset({"run.sh", "pkg/__init__.py"}),
        empty=frozenset({"blank.txt", "pkg/__init__.py"}),
    )
    assert reading.raw_files["a.txt"] == "\ufeff  a\r\nb\r\n"
    assert reading.edges == {"a.txt": ("\ufeff  ", "\n"), "b.txt": ("", "")}
    assert (reading.problems, reading.omitted, reading.is_valid) == ((), (), True)
    assert reading.raw_body == "\n# Demo\n\nText.\n"


@pytest.mark.parametrize(
    ("found", "reason", "code"),
    [
        (entry("x", b"\xff\xfe"), "binary", "W-SKILL-BINARY"),
        (entry("x", b"a\0b"), "nul", "W-SKILL-BINARY"),
        (entry("x", LFS), "lfs", "W-SKILL-LFS"),
        (entry("x", b"a" * 1_000_001), "large", "W-SKILL-LARGE"),
        (entry("x", target="../../etc/passwd"), "symlink", "W-SKILL-LINK"),
        (Entry("x", None, 10**10), "large", "W-SKILL-LARGE"),
        (Entry("x", None, 0, kind="other"), "special", "W-SKILL-SPECIAL"),
    ],
)
def test_what_no_server_can_hold_stays_local_with_a_warning(
    found: Entry, reason: str, code: str
) -> None:
    reading, skill = valid(folder(replace(found, executable=True)))
    assert [(each.path, each.reason) for each in reading.omitted] == [("x", reason)]
    assert (skill.files, skill.extra) == ({}, Extra())
    warning = reading.problems[0]
    assert (warning.code, warning.severity, warning.path) == (
        code,
        Severity.WARNING,
        "skills/demo/x",
    )


def test_size_is_measured_after_trimming_in_bytes() -> None:
    _, skill = valid(folder(entry("x", b"\n" * 10 + b"a" * 1_000_000 + b"\n")))
    assert list(skill.files) == ["x"]
    reading, _ = valid(folder(entry("x", "\U0001f5c2" * 250_001)))
    assert [each.reason for each in reading.omitted] == ["large"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (folder(skill=None), ("E-SKILL-MISSING", "skills/demo/SKILL.md")),
        (
            folder(Entry("SKILL.md", None, 1, kind="symlink"), skill=None),
            ("E-SKILL-MISSING", "skills/demo/SKILL.md"),
        ),
        (
            folder(Entry("SKILL.md", None, 10**9), skill=None),
            ("E-SKILL-BODY", "skills/demo/SKILL.md"),
        ),
        (folder(entry("skill.md")), ("E-SKILL-CASE", "skills/demo/skill.md")),
        (folder(entry("a\\b")), ("E-SKILL-PATH", "skills/demo/a\\b")),
        (folder(entry("a\nb")), ("E-SKILL-PATH", "skills/demo/a\nb")),
        (folder(entry("a\udcff")), ("E-SKILL-PATH", "skills/demo/a\udcff")),
        (folder(entry("x/.env")), ("E-SKILL-ENV", "skills/demo/x/.env")),
        (folder(entry("A"), entry("a")), ("E-SKILL-CLASH", "skills/demo/a")),
        (folder(entry("x", "t\n<<<<<<< local (main)\n")), ("E-MARKERS", "skills/demo/x")),
        (folder(entry("x", ">>>>>>>>> remote v3\n")), ("E-MARKERS", "skills/demo/x")),
        (folder(skill=PLAIN_SKILL + b"<<<<<<< local\n"), ("E-MARKERS", "skills/demo/SKILL.md")),
        (
            folder(skill=b"---\nname: a\n<<<<<<< local\n---\n"),
            ("E-MARKERS", "skills/demo/SKILL.md"),
        ),
        (folder(skill=b"no skill"), ("E-SKILL-FENCE", "skills/demo/SKILL.md")),
        (
            folder(skill=b"---\nname: demo\ndescription: a: b\n---\nx"),
            ("E-SKILL-QUOTES", "skills/demo/SKILL.md"),
        ),
        (folder(*(entry(f"d/{i}") for i in range(201))), ("E-SKILL-FILES", "skills/demo")),
    ],
)
def test_one_error_makes_the_skill_none(target: Folder, expected: tuple[str, str]) -> None:
    reading = read_skill(target)
    assert errors(reading) == [expected]
    assert reading.skill is None


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("name: demo\nname: x\ndescription: d\nmetadata: 1\nlicense: [a]\nlicense: b\n",
         [("E-SKILL-DUPLICATE-KEY", 3), ("E-SKILL-DUPLICATE-KEY", 7), ("E-SKILL-METADATA", 5),
          ("E-SKILL-FIELD", 6)]),
        ("name: Demo\ndescription: [d]\nallowed-tools: {a: b}\n",
         [("E-SKILL-FIELD", 3), ("E-SKILL-TOOLS", 4), ("E-SKILL-NAME", 2)]),
        ("metadata: text\n",
         [("E-SKILL-METADATA", 2), ("E-SKILL-NAME", None), ("E-SKILL-DESCRIPTION", None)]),
        ("name: demo\ndescription: d\nx: {a: 1, a: 2}\ny: {b: 1, b: 2}\n",
         [("E-SKILL-DUPLICATE-KEY", 4), ("E-SKILL-DUPLICATE-KEY", 5)]),
    ],
)  # fmt: skip
def test_everything_that_is_wrong_with_a_skill_md_is_said_at_once(
    block: str, expected: list[tuple[str, int | None]]
) -> None:
    """Also beside what keeps it from being read as it stands."""
    reading = read_skill(folder(skill=f"---\n{block}---\n".encode()))
    found = [(one.code, one.line) for one in reading.problems]
    assert found == [*expected, ("E-SKILL-BODY", block.count("\n") + 3)]
    assert (reading.skill, reading.document) == (None, None)


def test_too_many_files_are_counted_with_the_largest_folders() -> None:
    problem = read_skill(folder(*(entry(f"d{i % 4}/{i}") for i in range(300)))).problems[0]
    assert "300 bundled files" in problem.message
    assert "d0 (75)" in problem.message


def test_markers_of_others_are_text() -> None:
    valid(folder(entry("x", "<<<<<<< HEAD\n=======\n>>>>>>> branch\n<<<<<<< localhost\n")))


def test_200_files_and_paths_with_spaces_are_fine() -> None:
    valid(folder(*(entry(f"d {i} %/é.md") for i in range(200))))


# ---------------------------------------------------------------- writing


def test_equal_content_gives_no_change_and_other_spelling_is_equal() -> None:
    reading, skill = valid(folder(entry("a", "  a\r\nb\r\n\r\n"), entry("e", " ")))
    assert write_skill(reading, skill) == ()
    assert write_skill(reading, replace(skill, extra=None)) == ()


def test_a_changed_file_keeps_edges_line_ends_and_mark() -> None:
    reading, skill = valid(folder(entry("a", "\ufeff\r\n  a\r\nb\r\n\r\n"), entry("b", "x")))
    to = replace(skill, files={"a": "a\nc\nd", "b": "y"})
    changes = write_skill(reading, to, edges={"a": ("", ""), "b": ("", "\n\n")})
    assert [(each.path, each.after, each.executable) for each in changes] == [
        ("a", b"\xef\xbb\xbf\r\n  a\r\nc\r\nd\r\n\r\n", None),
        ("b", b"y", None),
    ]


def test_a_new_folder_gets_edges_modes_and_empty_files() -> None:
    to = Skill(
        name="demo",
        description="d",
        body="b",
        files={"run.sh": "echo", "x.pem": "k", "a.pyc": "never"},
        extra=Extra({"x": 1}, None, frozenset({"run.sh"}), frozenset({"pkg/__init__.py"})),
    )
    changes = write_skill(None, to, edges={"x.pem": ("", "")})
    assert changes == (
        FileChange("SKILL.md", None, b"---\nname: demo\ndescription: d\nx: 1\n---\n\nb\n"),
        FileChange("pkg/__init__.py", None, b""),
        FileChange("run.sh", None, b"echo\n", executable=True),
        FileChange("x.pem", None, b"k"),
    )


def test_files_that_are_gone_are_deleted_last_and_local_ones_stay() -> None:
    reading, skill = valid(
        folder(
            entry("a"),
            entry("z"),
            entry("e", ""),
            entry("x.png", b"\xff"),
            entry("link", target="a"),
            entry("__pycache__/a.pyc", b"\0"),
        )
    )
    changes = write_skill(reading, replace(skill, files={"n": "n"}))
    assert [(each.path, each.after) for each in changes] == [
        ("n", b"n\n"),
        ("a", None),
        ("z", None),
    ]
    unknown = write_skill(reading, replace(skill, files={}, extra=None))
    assert [each.path for each in unknown] == ["a", "z"]
    known = write_skill(reading, replace(skill, extra=Extra()))
    assert [(each.path, each.after) for each in known] == [("e", None)]


def test_modes_change_only_where_the_list_differs() -> None:
    reading, skill = valid(
        folder(entry("a", executable=True), entry("b"), entry("c", executable=True))
    )
    to = replace(skill, extra=Extra(executable=frozenset({"b", "c", "gone"})))
    assert write_skill(reading, to) == (
        FileChange("a", b"text\n", b"text\n", executable=False),
        FileChange("b", b"text\n", b"text\n", executable=True),
    )
    assert write_skill(reading, replace(to, extra=None)) == ()


def test_empty_and_text_turn_into_each_other() -> None:
    reading, skill = valid(folder(entry("a", ""), entry("b", "text")))
    to = replace(skill, files={"a": "now"}, extra=Extra(empty=frozenset({"b"})))
    changes = write_skill(reading, to)
    assert [(each.path, each.after) for each in changes] == [("a", b"now\n"), ("b", b"")]


def test_a_path_in_another_unicode_form_is_the_same_file() -> None:
    reading, skill = valid(folder(entry("e\u0301.md")))
    changes = write_skill(reading, replace(skill, files={"é.md": "new"}))
    assert [(each.path, each.after) for each in changes] == [("e\u0301.md", b"new\n")]


@pytest.mark.parametrize(
    "files",
    [
        {"../x": "a"},
        {"/x": "a"},
        {"a/../b": "a"},
        {"SKILL.md": "a"},
        {".git/config": "a"},
        {".skillsync": "a"},
        {"a\\b": "a"},
        {"x.png": "a"},
        {"link": "a"},
        {"link/b": "a"},
        {"A.md": "a"},
        {"a.md/b": "a"},
        {"q": "a", "Q": "b"},
        {"q": "a", "q/r": "b"},
        {"q": "a\0"},
        {"q": "\ud800"},
        {"q": " edge"},
        {"q": "a\r\nb"},
        {"q": LFS.decode().strip()},
        {"q": "x" * 1_000_001},
    ],
)
def test_hostile_files_are_refused_and_nothing_is_written(files: dict[str, str]) -> None:
    reading, skill = valid(
        folder(entry("a.md"), entry("x.png", b"\xff"), entry("link", target="/etc"))
    )
    with pytest.raises(InvalidContent):
        write_skill(reading, replace(skill, description="new", files={**files, "ok": "fine"}))


def test_a_hostile_list_of_empty_files_is_refused() -> None:
    reading, skill = valid(folder(entry("x.png", b"\xff")))
    for path in ("../x", "x.png", ".git/x"):
        with pytest.raises(InvalidContent):
            write_skill(reading, replace(skill, extra=Extra(empty=frozenset({path}))))


def test_an_unreadable_skill_is_not_written() -> None:
    with pytest.raises(InvalidContent):
        write_skill(read_skill(folder(skill=b"no skill")), Skill("demo", "d", "b"))


names = st.sampled_from(["a", "b/c", "b/d.sh", "é", "x y"])
contents = texts.map(canonical_text).filter(
    lambda text: bool(text) and canonical_text(text + "\n") == text
)
spellings = st.tuples(texts, st.sampled_from(["", "\n", "\r\n", "  \n\n"]), st.booleans())


@given(
    st.dictionaries(names, spellings, max_size=4),
    skills(),
    st.dictionaries(names, contents, max_size=4),
    st.frozensets(names),
    st.frozensets(names),
)
@settings(max_examples=200)
def test_what_was_written_reads_back_as_meant_and_a_second_time_is_silent(
    local: dict[str, tuple[str, str, bool]],
    to: Skill,
    files: dict[str, str],
    executable: frozenset[str],
    empty: frozenset[str],
) -> None:
    before = folder(
        *(entry(path, text + end, executable=mode) for path, (text, end, mode) in local.items())
    )
    empty -= files.keys()
    assert to.extra is not None
    extra = replace(to.extra, empty=empty, executable=executable & (files.keys() | empty))
    to = replace(to, files=files, extra=extra)
    for start in (read_skill(before), None):
        changes = write_skill(start, to)
        after = read_skill(apply(before if start else Folder("skills/demo", ()), changes))
        assert after.skill is not None
        assert same_skill(after.skill, to)
        assert write_skill(after, to) == ()


def test_omitted_names_path_hash_size_and_reason() -> None:
    reading, _ = valid(folder(entry("x", b"\xff")))
    digest = "a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89"
    assert reading.omitted == (Omitted("x", digest, 1, "binary"),)
