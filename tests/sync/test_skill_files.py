"""Bundled files and what the carry entry holds: table 7.2 of sync.md through push and pull."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from skillsync.sync.resolve import Choice
from tests.sync.harness import Clone, Live, first_push, new_clone, outcome

ROOT = "skills/alpha"
PATH = f"{ROOT}/SKILL.md"
Files = dict[str, str | None]


def entry(path: str, content: str) -> dict[str, str]:
    return {"path": path, "content": content, "content_type": "text/plain"}


def publish(clone: Clone, files: dict[str, str], *, more: str = "") -> None:
    clone.skill("alpha", more=more)
    for path, text in files.items():
        clone.write(f"{ROOT}/{path}", text)
    first_push(clone)


def edit_remotely(live: Live, changes: Files) -> None:
    files: dict[str, str] = dict(live.skill("alpha")["contents"])
    for path, text in changes.items():
        if text is None:
            del files[path]
        else:
            files[path] = text
    live.edit("alpha", files=[entry(path, text) for path, text in files.items()])


def edit_locally(clone: Clone, changes: Files) -> None:
    for path, text in changes.items():
        if text is None:
            (clone.path / ROOT / path).unlink()
        else:
            clone.write(f"{ROOT}/{path}", text)


def local_files(clone: Clone) -> dict[str, str]:
    found = {}
    for path in sorted((clone.path / ROOT).rglob("*")):
        name = str(path.relative_to(clone.path / ROOT))
        if path.is_file() and name not in {"SKILL.md", ".skillsync"}:
            found[name] = path.read_text()
    return found


def insert_file(name: str, path: str, content: str = "x") -> None:
    """Put a file past the server's checks, as an older server may have stored it."""
    from skillsync.server.models import Skill, SkillFile

    skill = Skill.objects.get(name=name, is_latest=True, deleted=False)
    SkillFile.objects.create(skill=skill, path=path, content=content, content_type="text/plain")


LINES = "a\n\nb\n\nc\n"
X, Y = "x\n", "y\n"

CLEAN: list[tuple[str, dict[str, str], Files, Files, dict[str, str]]] = [
    ("F1", {}, {"f": X}, {}, {"f": X}),
    ("F2", {}, {}, {"f": X}, {"f": X}),
    ("F3", {}, {"f": X}, {"f": X}, {"f": X}),
    ("F5", {"f": X}, {}, {}, {"f": X}),
    ("F6", {"f": X}, {}, {"f": Y}, {"f": Y}),
    ("F7", {"f": X}, {"f": Y}, {}, {"f": Y}),
    ("F8", {"f": X}, {"f": Y}, {"f": Y}, {"f": Y}),
    (
        "F9",
        {"f": LINES},
        {"f": LINES.replace("a", "A")},
        {"f": LINES.replace("c", "C")},
        {"f": "A\n\nb\n\nC\n"},
    ),
    ("F10", {"f": X}, {"f": None}, {}, {}),
    ("F11", {"f": X, "g": Y}, {}, {"f": None}, {"g": Y}),
    ("F12", {"f": X}, {"f": None}, {"f": None}, {}),
    ("F15", {"p": X}, {"p": None, "q": X}, {}, {"q": X}),
    ("F15r", {"p": X}, {}, {"p": None, "q": X}, {"q": X}),
    ("F16", {"p": LINES}, {"p": None, "q": LINES}, {"p": LINES.replace("a", "A")}, {"q": LINES.replace("a", "A")}),
    ("F17", {"p": LINES}, {"p": LINES.replace("a", "A")}, {"p": None, "q": LINES}, {"q": LINES.replace("a", "A")}),
]  # fmt: skip


STATES = [
    "dirty",
    pytest.param("committed", marks=pytest.mark.slow),
    pytest.param("detached", marks=pytest.mark.slow),
]


def in_state(clone: Clone, state: str) -> None:
    """Leave the edits as they are, commit them, or leave the branch with them, too."""
    if state != "dirty":
        clone.commit("edited")
    if state == "detached":
        clone.git("checkout", "-q", "--detach")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("base", "local", "remote", "result"), [case[1:] for case in CLEAN], ids=[c[0] for c in CLEAN]
)
def test_a_clean_row_of_the_table(
    solo: Clone,
    live: Live,
    state: str,
    base: dict[str, str],
    local: Files,
    remote: Files,
    result: dict[str, str],
) -> None:
    """Another unit is edited on each side, so that pull has to merge; then both sides are the same."""
    publish(solo, base)
    edit_remotely(live, remote)
    live.edit("alpha", license="MIT")
    edit_locally(solo, local)
    solo.replace(PATH, "Step one.", "Step 1.")
    in_state(solo, state)
    report = solo.pull()
    assert report.exit == 0, report
    assert local_files(solo) == result
    assert solo.push().exit == 0
    assert live.skill("alpha")["contents"] == {path: text.strip() for path, text in result.items()}
    assert solo.status().is_clean


CONFLICTS: list[tuple[str, dict[str, str], Files, Files, set[str]]] = [
    ("F4", {}, {"f": X}, {"f": Y}, {"f"}),
    ("F9", {"f": "b\n"}, {"f": X}, {"f": Y}, {"f"}),
    ("F13", {"f": X}, {"f": None}, {"f": Y}, {"f"}),
    ("F14", {"f": X}, {"f": Y}, {"f": None}, {"f"}),
    ("F18", {"p": X}, {"p": None, "q": X}, {"p": None, "r": X}, {"p"}),
]


@pytest.mark.parametrize(
    ("base", "local", "remote", "units"),
    [case[1:] for case in CONFLICTS],
    ids=[c[0] for c in CONFLICTS],
)
@pytest.mark.parametrize("choice", [Choice.LOCAL, Choice.REMOTE])
@pytest.mark.parametrize("state", STATES)
def test_a_conflict_of_the_table(
    solo: Clone,
    live: Live,
    state: str,
    base: dict[str, str],
    local: Files,
    remote: Files,
    units: set[str],
    choice: Choice,
) -> None:
    """Every text of either side is on disk, in the stages or both; a side can be taken, and is then published."""
    publish(solo, base)
    edit_remotely(live, remote)
    edit_locally(solo, local)
    in_state(solo, state)
    report = solo.pull()
    assert report.exit == 4
    assert {conflict.unit for conflict in outcome(report, "alpha").conflicts} == units
    assert set(solo.git("diff", "--name-only", "--diff-filter=U").split()) == {
        f"{ROOT}/{unit}" for unit in units
    }
    shown = "".join(local_files(solo).values())
    wanted = [text for text in (*local.values(), *remote.values()) if text]
    assert all(text in shown for text in wanted)
    assert solo.resolve("alpha", choice).exit == 0
    after = local_files(solo)
    side = local if choice is Choice.LOCAL else remote
    for path in units:
        assert after.get(path) == side.get(path)
    assert solo.push().exit == 0
    assert solo.status().is_clean


def test_a_deleted_file_is_in_a_rescue_copy(solo: Clone, live: Live) -> None:
    """F11."""
    from skillsync.repo.rescue import Rescue

    publish(solo, {"f": "precious\n", "g": Y})
    edit_remotely(live, {"f": None})
    solo.pull()
    assert "f" not in local_files(solo)
    rescue = Rescue(solo.workspace.repo)
    assert b"precious\n" in [
        rescue.show(copy.id, file.path) for copy in rescue.list() for file in rescue.files(copy.id)
    ]


# ---------------------------------------------------------------- F19 to F23


@pytest.mark.parametrize(
    ("one", "other", "state"),
    [
        ("Readme.md", "README.md", "dirty"),
        ("x", "x/y", "committed"),
        ("caf\u00e9", "cafe\u0301", "detached"),
    ],
)
def test_colliding_paths_of_the_server_are_refused_as_a_whole(
    solo: Clone, live: Live, one: str, other: str, state: str
) -> None:
    """F19: the whole skill waits, the other one goes on."""
    publish(solo, {})
    solo.skill("beta")
    solo.push()
    solo.commit()
    live.edit("alpha", body="new", files=[entry(one, "1")])
    insert_file("alpha", other)
    live.edit("beta", body="new")
    solo.replace(PATH, "Step one.", "Step 1.")
    in_state(solo, state)
    before = solo.read(PATH), local_files(solo)
    report = solo.pull()
    assert report.exit == 5, report
    assert outcome(report, "alpha").exit == 1
    assert outcome(report, "beta").changed
    assert (solo.read(PATH), local_files(solo)) == before


def test_a_local_case_collision_is_refused_by_push(solo: Clone, live: Live) -> None:
    """F19 on our side."""
    solo.skill("alpha")
    solo.write(f"{ROOT}/a.md", X)
    solo.write(f"{ROOT}/A.md", Y)
    report = solo.push()
    assert report.exit == 1
    assert outcome(report, "alpha").code == "E-SKILL-CLASH"
    assert live.skill("alpha") == {}


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("../evil.md", "dirty"),
        ("/etc/evil", "committed"),
        ("a/../../evil", "detached"),
        (".git/hooks/post-checkout", "dirty"),
        (".GIT/config", "committed"),
        ("git~1/config", "detached"),
        (".skillsync", "dirty"),
        ("sub/.skillsync", "committed"),
        ("SKILL.md", "detached"),
        ("skill.MD", "dirty"),
        ("a\x1bb", "committed"),
    ],
)
def test_a_hostile_path_of_the_server_is_never_written(
    solo: Clone, live: Live, tmp_path: Path, path: str, state: str
) -> None:
    """F23, 14.6 #1 to #9: refused for this skill, whether it is changed or new; nothing appears anywhere."""
    publish(solo, {})
    live.create("beta")
    live.create("gamma")
    for name in ("alpha", "gamma"):
        insert_file(name, path)
    live.edit("alpha", license="MIT")
    solo.replace(PATH, "Step one.", "Step 1.")
    in_state(solo, state)
    before = everything_in(tmp_path)
    report = solo.pull()
    assert report.exit == 5, report
    assert [outcome(report, name).exit for name in ("alpha", "beta", "gamma")] == [1, 0, 1]
    after = everything_in(tmp_path)
    changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
    assert changed == {"solo/skills/beta/SKILL.md", "solo/skills/beta/.skillsync"}
    assert not (solo.path / "skills/gamma").exists()
    assert not Path("/etc/evil").exists()


def everything_in(world: Path) -> dict[str, bytes]:
    """Every file below a folder, git's hooks and settings included, but not where git and the server keep data."""
    git = ("skillsync/", "objects/", "index", "refs/skillsync/")
    kept = (*(f"solo/.git/{name}" for name in git), "server.sqlite3")
    files = {str(one.relative_to(world)): one for one in world.rglob("*") if one.is_file()}
    return {name: file.read_bytes() for name, file in files.items() if not name.startswith(kept)}


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("__pycache__/x.pyc", "dirty"),
        (".DS_Store", "committed"),
        ("sub/Thumbs.db", "detached"),
    ],
)
def test_a_path_that_is_never_sent_is_not_written_but_carried_along(
    solo: Clone, live: Live, path: str, state: str
) -> None:
    """F22: it stays on the server through our publishes and is named once."""
    publish(solo, {"f": X})
    insert_file("alpha", path, "kept")
    live.edit("alpha", license="MIT")
    report = solo.pull()
    assert report.exit == 0, report
    assert sum(path in note for note in report.notes) == 1
    assert local_files(solo) == {"f": X}
    solo.replace(PATH, "Step one.", "Step 1.")
    in_state(solo, state)
    assert solo.push().exit == 0
    assert live.skill("alpha")["contents"] == {"f": "x", path: "kept"}
    assert solo.push().outcomes == []
    assert solo.status().is_clean


def contents(live: Live) -> dict[str, str]:
    found: dict[str, str] = live.skill("alpha")["contents"]
    return found


def test_a_path_that_git_ignores_is_not_written_but_carried_along(solo: Clone, live: Live) -> None:
    """F22: a file of ours at such a path would not be sent, so the server's is neither written nor missed."""
    solo.write(".gitignore", "*.log\n/skills/alpha/build/\n")
    publish(solo, {"f": X, "mine.log": "stays here\n"})
    assert contents(live) == {"f": "x"}
    edit_remotely(live, {"build/out.txt": "built", "mine.log": "theirs", "g": Y})
    report = solo.pull()
    assert report.exit == 0, report
    assert sum("build/out.txt" in note for note in report.notes) == 1
    assert local_files(solo) == {"f": X, "g": Y, "mine.log": "stays here\n"}
    assert solo.status().is_clean
    solo.commit("pulled")
    solo.replace(PATH, "Step one.", "Step 1.")
    (solo.path / ROOT / "f").unlink()
    assert solo.push().exit == 0
    assert contents(live) == {"build/out.txt": "built", "mine.log": "theirs", "g": "y"}
    assert solo.push().outcomes == []
    assert solo.status().is_clean
    live.edit_body("alpha", "Step two.", "Step 2.")
    solo.replace(PATH, "Step 1.", "Step I.")
    assert solo.pull().exit == 0
    assert solo.push().exit == 0
    assert contents(live) == {"build/out.txt": "built", "mine.log": "theirs", "g": "y"}


@pytest.mark.parametrize("remote_edit", [False, True])
def test_a_path_that_git_ignores_no_more_was_never_deleted_here(
    solo: Clone, live: Live, *, remote_edit: bool
) -> None:
    """What was not written because it was ignored is not removed from the server once it is not."""
    solo.write(".gitignore", "*.log\n")
    publish(solo, {"f": X, "h": Y})
    edit_remotely(live, {"a.log": "theirs"})
    assert solo.pull().exit == 0
    solo.commit("pulled")
    solo.write(".gitignore", "\n")
    solo.commit("nothing is ignored")
    (solo.path / ROOT / "h").unlink()
    if remote_edit:
        live.edit_body("alpha", "Step two.", "Step 2.")
        assert solo.pull().exit == 0
        assert local_files(solo) == {"f": X, "a.log": "theirs\n"}
    report = solo.push()
    assert report.exit == 0, report
    assert contents(live) == {"f": "x", "a.log": "theirs"}


def unsendable(clone: Clone) -> dict[str, bytes]:
    """One file of each kind that no server can hold; all stay local."""
    clone.write(f"{ROOT}/image.png", b"\x89PNG\xff\xfe")
    clone.write(f"{ROOT}/nul.txt", b"a\0b")
    clone.write(f"{ROOT}/big.txt", b"x" * 1_000_001)
    clone.write(
        f"{ROOT}/model.bin",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n",
    )
    (clone.path / ROOT / "link").symlink_to("/etc/hostname")
    return {
        name: (clone.path / ROOT / name).read_bytes()
        for name in ("image.png", "nul.txt", "big.txt", "model.bin")
    }


def test_what_no_server_can_hold_stays_local_and_is_never_deleted(solo: Clone, live: Live) -> None:
    """F21: published without them, named in warnings; pull neither writes through nor deletes them."""
    solo.skill("alpha")
    kept = unsendable(solo)
    report = solo.push()
    assert report.exit == 0, report
    assert live.skill("alpha")["contents"] == {}
    named = {one.path.removeprefix(f"{ROOT}/") for one in solo.status().problems}
    assert named >= {*kept, "link"}, named
    assert {
        (one.path.removeprefix(f"{ROOT}/"), one.code, one.severity) for one in report.problems
    } == {
        ("image.png", "W-SKILL-BINARY", "warning"),
        ("nul.txt", "W-SKILL-BINARY", "warning"),
        ("big.txt", "W-SKILL-LARGE", "warning"),
        ("model.bin", "W-SKILL-LFS", "warning"),
        ("link", "W-SKILL-LINK", "warning"),
    }
    assert solo.push().problems == []
    solo.commit()
    live.edit("alpha", files=[entry("new.md", "n")], body="new body")
    assert solo.pull().exit == 0
    for state in ("dirty", "committed", "detached"):
        in_state(solo, state)
        live.edit("alpha", body=f"new body, {state}")
        assert solo.pull().exit == 0
        assert {name: (solo.path / ROOT / name).read_bytes() for name in kept} == kept
        assert (solo.path / ROOT / "link").readlink() == Path("/etc/hostname")
        assert solo.push().outcomes == []


@pytest.mark.parametrize("name", ["image.png", "link"])
def test_a_remote_file_where_an_unsendable_one_lies_is_refused(
    solo: Clone, live: Live, name: str
) -> None:
    """F21: never replaced or written through."""
    solo.skill("alpha")
    unsendable(solo)
    solo.push()
    solo.commit()
    live.edit("alpha", files=[entry(name, "text")])
    before = solo.files()
    report = solo.pull()
    assert outcome(report, "alpha").exit == 1
    assert solo.files() == before


# ---------------------------------------------------------------- modes and empty files


def is_executable(clone: Clone, path: str) -> bool:
    return os.access(clone.path / ROOT / path, os.X_OK)


def test_the_executable_bit_travels_to_a_fresh_clone_and_back(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """F20: set here, there on a fresh pull; cleared there, cleared here."""
    solo.skill("alpha")
    solo.write(f"{ROOT}/run.sh", "echo\n", executable=True)
    solo.write(f"{ROOT}/plain.sh", "echo\n\n# plain\n")
    solo.push()
    solo.commit()
    fresh = new_clone(live, tmp_path / "fresh")
    fresh.pull()
    assert (is_executable(fresh, "run.sh"), is_executable(fresh, "plain.sh")) == (True, False)
    assert fresh.push().outcomes == []
    fresh.commit()
    (fresh.path / ROOT / "run.sh").chmod(0o644)
    (fresh.path / ROOT / "plain.sh").chmod(0o755)
    assert outcome(fresh.push(), "alpha").did == "published v2"
    report = solo.pull()
    assert "executable bit of run.sh" in outcome(report, "alpha").did or report.exit == 0
    assert (is_executable(solo, "run.sh"), is_executable(solo, "plain.sh")) == (False, True)
    assert solo.push().outcomes == []
    assert solo.status().is_clean


def test_where_modes_mean_nothing_they_are_no_change(solo: Clone, live: Live) -> None:
    """F20: on such a file system the bit is neither sent nor taken away."""
    publish(solo, {"run.sh": "echo\n"})
    solo.git("config", "core.fileMode", "false")
    (solo.path / ROOT / "run.sh").chmod(0o755)
    assert solo.push().outcomes == []
    assert solo.status().is_clean


def test_another_content_type_is_no_change(solo: Clone, live: Live) -> None:
    """F20: it is kept by the next publish."""
    publish(solo, {"f": X})
    for number, state in enumerate(("dirty", "committed", "detached"), start=1):
        odd = f"text/x-odd-{number}"
        live.edit("alpha", files=[{"path": "f", "content": "x", "content_type": odd}])
        in_state(solo, state)
        before = solo.read(PATH), local_files(solo)
        report = solo.pull()
        assert outcome(report, "alpha").row == "S11"
        assert (solo.read(PATH), local_files(solo)) == before
        solo.replace(PATH, "Step one.", f"Step {number}.\n\nStep one.")
        assert solo.push().exit == 0
        assert [file["content_type"] for file in live.skill("alpha")["files"]] == [odd]


def test_modes_changed_on_each_side_merge(solo: Clone, live: Live, tmp_path: Path) -> None:
    publish(solo, {"a.sh": "a\n", "b.sh": "b\n"})
    other = new_clone(live, tmp_path / "fresh")
    other.pull()
    other.commit()
    (other.path / ROOT / "a.sh").chmod(0o755)
    other.push()
    (solo.path / ROOT / "b.sh").chmod(0o755)
    assert solo.pull().exit == 0
    assert (is_executable(solo, "a.sh"), is_executable(solo, "b.sh")) == (True, True)
    assert solo.push().exit == 0
    other.pull()
    assert (is_executable(other, "a.sh"), is_executable(other, "b.sh")) == (True, True)


def test_empty_files_are_carried_and_recreated(solo: Clone, live: Live, tmp_path: Path) -> None:
    publish(solo, {"pkg/__init__.py": "", "pkg/blank.py": "\n\n", "pkg/code.py": "x = 1\n"})
    assert set(live.skill("alpha")["contents"]) == {"pkg/code.py"}
    fresh = new_clone(live, tmp_path / "fresh")
    fresh.pull()
    assert set(local_files(fresh)) == {"pkg/__init__.py", "pkg/blank.py", "pkg/code.py"}
    assert local_files(fresh)["pkg/__init__.py"] == ""
    assert fresh.push().outcomes == []
    fresh.commit()
    (fresh.path / ROOT / "pkg/__init__.py").unlink()
    assert fresh.push().exit == 0
    solo.pull()
    assert "pkg/__init__.py" not in local_files(solo)
    assert local_files(solo)["pkg/blank.py"] == "\n\n"


# ---------------------------------------------------------------- the carry entry

MORE = "model: opus\nallowed-tools: Bash(git log *), Read\nhooks:\n  on: true\n"


def carry(live: Live) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(live.skill("alpha")["metadata"]["skillsync"])
    return found


def test_extra_keys_and_spaced_tools_come_back_in_a_fresh_clone(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    publish(solo, {}, more=MORE)
    assert carry(live)["frontmatter"]["model"] == "opus"
    fresh = new_clone(live, tmp_path / "fresh")
    fresh.pull()
    text = fresh.read(PATH)
    assert "model: opus\n" in text
    assert "Bash(git log *)" in text
    assert "skillsync" not in text
    assert fresh.push().outcomes == []
    assert fresh.status().is_clean


def test_what_the_server_does_not_apply_is_named_for_each_published_skill(
    solo: Clone, live: Live
) -> None:
    """Behavioural keys by name, and the tool that the API's own list cannot hold (skill-format.md 5.1, 10.6)."""
    solo.skill("alpha", more=f"{MORE}color: red\nuser-invokable: false\n")
    solo.skill("beta")
    report = solo.push()
    assert report.exit == 0
    assert [(one.subject, one.code) for one in report.problems] == [
        ("alpha", "W-SKILL-BEHAVIOUR"),
        ("alpha", "W-SKILL-BEHAVIOUR"),
        ("alpha", "W-SKILL-NEAR-MISS"),
        ("alpha", "W-SKILL-TOOL-SPACE"),
    ]
    told = " ".join(one.message for one in report.problems)
    assert all(word in told for word in ("model", "hooks", "Bash(git log *)", "user-invokable"))
    assert solo.push().problems == []
    solo.replace("skills/beta/SKILL.md", "Step one.", "Step 1.")
    assert solo.push().problems == []


def test_extra_keys_merge_by_key(solo: Clone, live: Live, tmp_path: Path) -> None:
    publish(solo, {}, more=MORE)
    other = new_clone(live, tmp_path / "fresh")
    other.pull()
    other.commit()
    other.replace(PATH, "model: opus", "model: haiku")
    other.push()
    solo.replace(PATH, "model: opus\n", "model: opus\ncolor: red\n")
    report = solo.pull()
    assert report.exit == 0, report
    assert "model: haiku\ncolor: red\n" in solo.read(PATH)
    assert solo.push().exit == 0
    assert carry(live)["frontmatter"]["color"] == "red"


def test_extra_keys_edited_on_both_sides_are_a_conflict(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    publish(solo, {}, more=MORE)
    other = new_clone(live, tmp_path / "fresh")
    other.pull()
    other.commit()
    other.replace(PATH, "Bash(git log *)", "Bash(git diff *)")
    other.replace(PATH, "model: opus", "model: haiku")
    other.push()
    solo.replace(PATH, "Bash(git log *)", "Bash(git show *)")
    solo.replace(PATH, "model: opus", "model: sonnet")
    report = solo.pull()
    assert {one.unit for one in outcome(report, "alpha").conflicts} == {"allowed-tools", "model"}
    assert solo.resolve("alpha", Choice.REMOTE).exit == 0
    text = solo.read(PATH)
    assert "Bash(git diff *)" in text
    assert "model: haiku" in text
    assert solo.status().is_clean


def test_a_carry_entry_that_vanished_is_no_difference_and_is_sent_again(
    solo: Clone, live: Live
) -> None:
    """Unknown is never a deletion: local keys stay, and the next publish carries them again (skill-format.md 10)."""
    solo.skill("alpha", more=MORE)
    solo.write(f"{ROOT}/run.sh", "echo\n", executable=True)
    solo.push()
    solo.commit()
    before = solo.read(PATH)
    live.edit("alpha", metadata={})
    assert solo.push().exit in {0, 3}
    assert solo.pull().exit == 0
    assert solo.read(PATH) == before
    assert is_executable(solo, "run.sh")
    assert solo.push().outcomes == []
    live.edit_body("alpha", "Step one.", "Step 1.")
    assert solo.pull().exit == 0
    assert "model: opus" in solo.read(PATH)
    solo.replace(PATH, "Step two.", "Step 2.")
    assert solo.push().exit == 0
    assert carry(live)["frontmatter"]["model"] == "opus"
    assert carry(live)["executable"] == ["run.sh"]
    assert solo.status().is_clean


def test_a_mangled_carry_entry_counts_as_unknown(solo: Clone, live: Live) -> None:
    publish(solo, {}, more=MORE)
    before = solo.read(PATH)
    live.edit("alpha", metadata={"skillsync": '{"v":1,"executable":["../evil"]}'})
    assert solo.pull().exit == 0
    assert solo.read(PATH) == before


def test_a_disk_that_spells_names_with_loose_accents_changes_nothing(
    solo: Clone, live: Live
) -> None:
    """14.6 #37: a file system that stores NFD lists another name than was written; the file stays the one it is.

    (Names that differ in letter case alone are refused wherever they are read: E-SKILL-CLASH.)
    """
    composed, loose = "refs/r\u00e9sum\u00e9.md", "refs/re\u0301sume\u0301.md"
    publish(solo, {composed: "one"})
    (solo.path / ROOT / composed).rename(solo.path / ROOT / loose)
    assert solo.status().is_clean
    assert solo.push().exit == 0
    assert live.skill("alpha")["contents"] == {composed: "one"}
    edit_remotely(live, {composed: "two"})
    assert solo.pull().exit == 0
    assert local_files(solo) == {loose: "two"}
    edit_locally(solo, {loose: "three"})
    assert solo.push().exit == 0
    assert live.skill("alpha")["contents"] == {loose: "three"}, "as git has it (skill-format.md 7)"
