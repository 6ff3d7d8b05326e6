"""Hostile skills on the server: nothing of them is ever written, the others are, and each is named (sync.md 14.6 #97)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skillsync.sync.report import Report
from tests.sync.harness import Clone, Live, new_clone, outcome
from tests.world import tree_of

PATHS = {
    "outside": "../x",
    "outside-again": "a/../../x",
    "outside-dots": "..",
    "absolute": "/etc/passwd",
    "drive": "C:/x",
    "empty-part": "a//b",
    "dot-part": "a/./b",
    "trailing-slash": "a/",
    "git-hook": ".git/hooks/post-checkout",
    "git-upper": ".GIT/config",
    "git-short": "git~1",
    "git-hidden": ".g\u200cit/config",
    "git-stream": ".git::$INDEX_ALLOCATION/x",
    "git-dots": ".git. /config",
    "git-deep": "a/.git/config",
    "pointer": ".skillsync",
    "pointer-rows": ".skillsync.rows",
    "pointer-deep": "a/.SkillSync",
    "main-file": "SKILL.md",
    "main-file-case": "skill.MD",
    "main-file-hidden": "SK\u200bILL.md",
    "nul": "a\0b",
    "newline": "a\nb",
    "tab": "a\tb",
    "escape": "a\x1b[2Jb",
    "delete": "a\x7fb",
    "direction": "a\u202egpj.exe",
    "backslash": "..\\x",
    "long-part": "p" * 256,
    "long-path": "/".join(["p" * 50] * 99),
    "deep": "/".join(["d"] * 200),
    "space": " a",
    "blank": " ",
}
CLASHES = {
    "unicode-twins": ("caf\u00e9.md", "cafe\u0301.md"),
    "case-twins": ("Notes.md", "notes.md"),
    "file-and-folder": ("x", "x/y"),
    "sharp-s": ("stra\u00dfe.md", "strasse.md"),
}


def insert(name: str, *paths: str, **fields: Any) -> None:
    """Store a skill as no request could: straight in the database."""
    from django.utils import timezone

    from skillsync.server.models import Project, Skill, SkillFile

    now = timezone.now()
    values: dict[str, Any] = {
        "name": name,
        "description": f"Does {name}.",
        "body": "Body.",
        "metadata": {},
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "first_created_at": now,
        **fields,
    }
    skill = Skill.objects.create(project=Project.objects.get(pk=1), **values)
    for path in paths:
        SkillFile.objects.create(
            skill=skill, path=path, content="hostile", content_type="text/plain"
        )


@dataclass(frozen=True)
class Pulled:
    """What one pull of all hostile skills, beside a good one, did and said."""

    clone: Clone
    report: Report
    outer: Path
    before: dict[str, bytes]
    after: dict[str, bytes]


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulled]:
    outer = tmp_path_factory.mktemp("hostile")
    live = Live(outer)
    clone = new_clone(live, outer / "deep" / "clone")
    for name, path in PATHS.items():
        insert(name, path)
    for name, paths in CLASHES.items():
        insert(name, *paths)
    live.create("good", files=[{"path": "notes.md", "content": "Fine."}])
    before = around(outer)
    report = clone.pull()
    yield Pulled(clone, report, outer, before, around(outer))
    live.close()


def around(folder: Path) -> dict[str, bytes]:
    """Every file of the folder around the clone, the database's own apart."""
    return {
        path: data
        for path, data in tree_of(folder).items()
        if not path.startswith("server.sqlite3")
    }


@pytest.mark.parametrize("kind", [*PATHS, *CLASHES])
def test_a_skill_with_a_hostile_path_is_refused_and_named(kind: str, pulled: Pulled) -> None:
    said = outcome(pulled.report, kind)
    assert said.exit == 1
    assert said.code in {"E-BAD-ANSWER", "E-INVALID"}
    assert not said.changed
    assert kind in said.message or kind in said.subject
    assert len(said.message) > 30
    assert not (pulled.clone.path / "skills" / kind).exists()


def test_nothing_but_the_good_skill_is_written_anywhere(pulled: Pulled) -> None:
    """P14: no file appears or changes in the whole folder around the clone, .git's hooks and config included."""
    new = set(pulled.after) - set(pulled.before)
    assert new == {
        f"deep/clone/skills/good/{name}" for name in ("SKILL.md", "notes.md", ".skillsync")
    }
    assert {path: pulled.after[path] for path in pulled.before} == pulled.before
    git = pulled.clone.path / ".git"
    assert not (git / "hooks/post-checkout").exists()
    assert "hostile" not in (git / "config").read_text()


def test_the_good_one_is_taken_in_and_the_run_ends_with_5(pulled: Pulled) -> None:
    assert outcome(pulled.report, "good").changed
    assert pulled.report.exit == 5


def test_hostile_paths_are_not_even_asked_for(pulled: Pulled) -> None:
    requests = pulled.clone.requests
    assert requests
    asked = {
        path.split("/name/")[1].split("/")[0] for _, path in requests.made if "/files/" in path
    }
    assert asked <= {"good", *CLASHES}
    assert requests.writes == []


def test_a_hostile_skill_alone_ends_with_1_and_status_says_so(solo: Clone) -> None:
    insert("hostile", "../x")
    assert solo.pull().exit == 1
    before = solo.files()
    assert solo.status().is_clean is False
    assert solo.files() == before


def test_a_good_skill_that_turns_hostile_keeps_its_files(solo: Clone, live: Live) -> None:
    from skillsync.server.models import Skill, SkillFile

    solo.skill("alpha")
    solo.write("skills/alpha/notes.md", "Fine.\n")
    solo.push()
    solo.commit()
    live.edit("alpha", body="Changed.")
    SkillFile.objects.create(
        skill=Skill.objects.get(name="alpha", is_latest=True),
        path="../../../evil",
        content="x",
        content_type="text/plain",
    )
    before = solo.files()
    report = solo.pull()
    assert report.exit == 1
    assert solo.files() == before
    solo.replace("skills/alpha/SKILL.md", "Step one", "Step 1")
    assert solo.push().exit != 0
    assert Skill.objects.get(name="alpha", is_latest=True).body == "Changed."
    assert solo.requests
    assert [each for each in solo.requests.writes if each[0] == "PATCH"] == []


NAMES = ["UPPER", "a/b", "..", "two--hyphens", "new", "-edge", "a b", "\u00e9t\u00e9", "a\nb", ""]


def test_names_that_no_skill_may_have_make_no_folder_and_others_go_on(
    solo: Clone, live: Live
) -> None:
    for name in NAMES:
        insert(name)
    live.create("good")
    before = solo.files()
    report = solo.pull()
    assert report.exit == 5
    new = set(solo.files()) - set(before)
    assert {path.split("/")[1] for path in new} == {"good"}
    told = " ".join(
        [*(one.message for one in report.problems), *(one.message for one in report.outcomes)]
    )
    assert "UPPER" in told
    assert "\n" not in "".join(one.subject for one in report.problems)


def test_a_folder_of_that_name_which_is_no_skill_stops_only_that_skill(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """skill-format.md 12: if taken by something else, stop. A link to elsewhere is something else, too."""
    live.create("alpha")
    live.create("beta")
    live.create("gamma")
    solo.write("skills/alpha/other.txt", "mine\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (solo.path / "skills/beta").symlink_to(elsewhere)
    report = solo.pull()
    assert report.exit == 5
    assert list(elsewhere.iterdir()) == []
    assert solo.read("skills/alpha/other.txt") == "mine\n"
    assert not (solo.path / "skills/alpha/SKILL.md").exists()
    assert (solo.path / "skills/gamma/SKILL.md").exists()


def test_a_link_where_a_remote_file_would_go_is_never_written_through(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """sync.md F21, 14.6 #23."""
    solo.skill("alpha")
    solo.push()
    solo.commit()
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    (solo.path / "skills/alpha/notes.md").symlink_to(outside)
    live.edit("alpha", files=[{"path": "notes.md", "content": "from the web"}])
    report = solo.pull()
    assert report.exit in {1, 4}
    assert outside.read_text() == "mine"
    assert (solo.path / "skills/alpha/notes.md").is_symlink()


def test_a_linked_folder_inside_a_skill_is_never_written_into(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    solo.skill("alpha")
    solo.push()
    solo.commit()
    outside = tmp_path / "outside"
    outside.mkdir()
    (solo.path / "skills/alpha/refs").symlink_to(outside)
    live.edit("alpha", files=[{"path": "refs/notes.md", "content": "from the web"}])
    assert solo.pull().exit in {1, 4}
    assert list(outside.iterdir()) == []


def test_a_hard_link_to_a_file_outside_is_replaced_and_not_written_through(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """14.6 #27."""
    solo.skill("alpha")
    outside = tmp_path / "outside.txt"
    outside.write_text("shared\n")
    os.link(outside, solo.path / "skills/alpha/notes.md")
    solo.push()
    solo.commit()
    live.edit("alpha", files=[{"path": "notes.md", "content": "from the web"}])
    assert solo.pull().exit == 0
    assert solo.read("skills/alpha/notes.md") == "from the web\n"
    assert outside.read_text() == "shared\n"


def test_what_a_person_could_not_see_is_visible_in_names_of_authors(
    solo: Clone, live: Live
) -> None:
    """14.6 #53: text from the server cannot command the terminal."""
    from skillsync.server.models import User

    User.objects.filter(email__startswith="web").update(email="\x1b[2Jweb@example.com")
    live.create("alpha")
    report = solo.pull()
    assert report.exit == 0
    assert not any("\x1b" in one.message + one.did for one in report.outcomes)
