"""A pull that knows what changed looks at that alone, and at everything as soon as another folder may have a say."""

from __future__ import annotations

import pytest

from skillsync.sync.narrow import Changes
from skillsync.sync.pull import PullRequest, pull
from skillsync.sync.report import Report
from tests.sync.harness import Clone, Live


def pulled(clone: Clone, *, names: str = "", dirs: str = "") -> Report:
    changes = Changes(frozenset(names.split()), frozenset(dirs.split()))
    workspace = clone.workspace
    request = PullRequest(changes=changes, clock=clone.clock)
    return pull(workspace, workspace.settings.target(None), clone.connect, request)


@pytest.fixture
def three(solo: Clone) -> Clone:
    for name in ("a", "b", "c"):
        solo.skill(name, f"text of {name}\n")
    solo.dataset("cases", ['{"id": "k1", "input": "first"}'])
    assert solo.push().exit == 0
    solo.commit("pointers")
    return solo


def test_what_changed_is_taken_in_and_nothing_else_is_asked_for(three: Clone, live: Live) -> None:
    live.edit("a", body="from the web")
    live.create("d")
    three.replace("skills/b/SKILL.md", "text", "my text")
    assert three.requests is not None
    three.requests.made.clear()
    report = pulled(three, names="a d", dirs="skills/b")
    assert report.looked_at == Changes(
        frozenset({"a", "b", "d"}), frozenset({"skills/a", "skills/b"})
    )
    assert sorted(one.subject for one in report.outcomes if one.changed) == ["a", "d"]
    assert "from the web" in three.read("skills/a/SKILL.md")
    assert "my text" in three.read("skills/b/SKILL.md")
    asked = {
        path.partition("?")[0].rstrip("/").rpartition("/")[2] for _, path in three.requests.made
    }
    assert asked & {"b", "c", "datasets", "dataset_items"} == set()
    assert pulled(three).looked_at == Changes()


def test_everything_is_looked_at_where_another_folder_may_have_a_say(
    three: Clone, live: Live
) -> None:
    assert pulled(three, dirs="datasets/cases").looked_at is None
    assert pulled(three, dirs="skills/nowhere").looked_at is None
    assert pulled(three, names="nobody").looked_at is None
    three.skill("new", "never published\n")
    assert pulled(three, dirs="skills/new").looked_at is None
    assert pulled(three, names="a").looked_at is not None, "a new folder is no hindrance to others"
    (three.path / "skills/copy").mkdir()
    for name in ("SKILL.md", ".skillsync"):
        three.write(f"skills/copy/{name}", three.read(f"skills/a/{name}"))
    live.edit("a", body="from the web")
    report = pulled(three, names="a")
    assert report.looked_at is None
    assert [one.code for one in report.problems] == ["E-SKILL-DUPLICATE"]
    assert "from the web" not in three.read("skills/a/SKILL.md")
    three.replace("skills/copy/SKILL.md", "name: a", "name: copied")
    assert pulled(three, names="a").looked_at is None, "two folders bear its pointer"
    assert "from the web" in three.read("skills/a/SKILL.md")
    live.archive("b")
    assert pulled(three, names="b").looked_at is None
    live.create("b")
    assert pulled(three, names="b").looked_at is None, "the name again, another incarnation"
    (three.path / "skills/c/SKILL.md").unlink()
    live.edit("c", body="from the web")
    assert pulled(three, names="c").looked_at is None
