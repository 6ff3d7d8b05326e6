"""log, show and diff of versions: what the server keeps, what git knows of it, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.errors import NotFound, UsageError
from skillsync.sync.adopt import Way
from skillsync.sync.log import Log, log
from skillsync.sync.revision import Revision, names_versions, parse_revision
from skillsync.sync.show import Shown, show
from skillsync.sync.version_diff import VersionDiff, diff_versions
from tests.sync.dialects import seed_only
from tests.sync.harness import Clone, Live, begin

BOTH_DIALECTS = True

ROW = '{"id": "q1", "input": "1+1?", "expected_output": "2"}'


def log_of(clone: Clone, name: str = "alpha", *, most: int = 20, read: bool = False) -> Log:
    with clone.connect(clone.target) as remote:
        return log(clone.workspace, clone.target, remote, name, most=most, read=read)


def shown(clone: Clone, text: str) -> Shown:
    with clone.connect(clone.target) as remote:
        found = show(clone.workspace, clone.target, remote, parse_revision(text))
    assert isinstance(found, Shown)
    return found


def compared(clone: Clone, *words: str) -> VersionDiff:
    with clone.connect(clone.target) as remote:
        return diff_versions(clone.workspace, clone.target, remote, words)


def three_versions(live: Live, clone: Clone) -> list[str]:
    """v1 and v2 published and committed from here, v3 by the web page; returns the two commits."""

    def make() -> None:
        clone.skill("alpha")
        clone.push()
        clone.commit("one")
        clone.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
        clone.push()
        clone.commit("two")
        live.edit_body("alpha", "Step 2.", "Step II.")

    begin(clone, "three versions", make)
    return clone.git("rev-list", "--reverse", "HEAD", "--", "skills").split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpha@3", Revision("alpha", 3)),
        ("alpha@v12", Revision("alpha", 12)),
        ("skills/alpha@1", Revision("skills/alpha", 1)),
        ("alpha", Revision("alpha")),
        ("alpha@0", Revision("alpha@0")),
        ("alpha@-1", Revision("alpha@-1")),
        ("alpha@", Revision("alpha@")),
        ("@3", Revision("@3")),
        ("a@2@3", Revision("a@2", 3)),
        ("alpha@9999999999", Revision("alpha@9999999999")),
        ("alpha@٣", Revision("alpha@٣")),
    ],
)
def test_a_word_with_a_number_names_a_version(text: str, expected: Revision) -> None:
    assert parse_revision(text) == expected


def test_a_path_that_exists_is_no_version(solo: Clone) -> None:
    solo.write("datasets/sums@3/items.jsonl", "")
    workspace = solo.workspace
    assert names_versions(workspace, ["alpha@3"])
    assert not names_versions(workspace, ["datasets/sums@3", "alpha"])


# ---------------------------------------------------------------- log


def test_the_log_says_who_wrote_what_is_taken_in_and_which_commit_equals_it(
    live: Live, solo: Clone
) -> None:
    one, two = three_versions(live, solo)
    before = solo.files()
    assert solo.requests
    solo.requests.made.clear()
    found = log_of(solo)
    assert [entry.version.number for entry in found.versions] == [3, 2, 1]
    authors = [entry.version.author.label for entry in found.versions]
    assert authors[1] == authors[2] != authors[0]
    assert [entry.is_latest for entry in found.versions] == [True, False, False]
    assert [entry.taken_in for entry in found.versions] == [False, True, False]
    commits = [
        entry.commits and [match.commit.id for match in entry.commits] for entry in found.versions
    ]
    assert commits == [None, [two], [one]]
    assert (found.more, solo.requests.writes, solo.files()) == (False, [], before)


def test_a_content_that_came_back_names_every_commit_and_limits_are_kept(
    live: Live, solo: Clone
) -> None:
    three_versions(live, solo)
    solo.pull()
    solo.replace("skills/alpha/SKILL.md", "Step II.", "Step two.")
    solo.push()
    again = solo.commit("one again")
    found = log_of(solo, most=2)
    assert [entry.version.number for entry in found.versions] == [4, 3]
    assert found.more
    assert found.versions[0].commits
    subjects = [match.commit.subject for match in found.versions[0].commits]
    assert subjects == ["one", "one again"]
    assert found.versions[0].commits[-1].commit.id == again
    # The pull of v3 was never committed by itself, so no commit holds it.
    assert found.versions[1].commits is None


def test_without_pointers_only_reading_finds_the_commits(live: Live, team: Clone) -> None:
    team.skill("alpha")
    commit = team.commit("one")
    team.push()
    entries = log_of(team).versions
    assert len(entries) == live.created
    assert entries[-1].commits is None  # a marker needs no reading, and version 1 has none
    for entry in log_of(team, read=True).versions:
        assert entry.commits
        assert [match.commit.id for match in entry.commits] == [commit]


def test_a_moved_folder_keeps_its_commits(live: Live, solo: Clone) -> None:
    one, two = three_versions(live, solo)
    solo.git("mv", "skills/alpha", "skills/moved")
    moved = solo.commit("moved")
    found = log_of(solo)
    by_number = {entry.version.number: entry.commits or () for entry in found.versions}
    assert one in {match.commit.id for match in by_number[1]}
    assert {two, moved} <= {match.commit.id for match in by_number[2]}


def test_a_skill_that_only_the_server_has_can_be_read(live: Live, solo: Clone) -> None:
    live.create("webby")
    found = log_of(solo, "webby")
    assert [(e.version.number, e.taken_in, e.commits) for e in found.versions] == [(1, False, None)]
    assert b"name: webby" in shown(solo, "webby").data("SKILL.md")


@seed_only("the other keeps versions of datasets")
def test_a_dataset_shows_what_git_has_and_says_why(solo: Clone) -> None:
    path = solo.dataset("sums", [ROW])
    first = solo.commit("rows")
    solo.write(path, ROW.replace('"2"', '"two"') + '\n{"id": "q2", "input": "2+2?"}\n')
    second = solo.commit("more rows")
    solo.write(path, "not json\n")
    broken = solo.commit("broken")
    found = log_of(solo, "sums")
    assert found.kind == "dataset"
    assert [(one.commit.id, one.rows) for one in found.commits] == [
        (broken, None),
        (second, (1, 1, 0)),
        (first, (1, 0, 0)),
    ]
    assert "keeps no history of a dataset" in found.notes[0]
    with pytest.raises(UsageError, match="only git has them"):
        shown(solo, "sums@1")


def test_names_of_nothing_and_of_several_are_refused(live: Live, solo: Clone) -> None:
    three_versions(live, solo)
    solo.skill("beta")
    with pytest.raises(NotFound, match="nothing here or on the server is called 'nobody'"):
        log_of(solo, "nobody")
    with pytest.raises(NotFound, match="the server has no skill 'beta'"):
        log_of(solo, "beta")
    with pytest.raises(UsageError, match="means 2 objects: alpha, beta"):
        log_of(solo, "skills")
    with pytest.raises(NotFound, match="alpha has no version 9 on the server; its latest is v3"):
        shown(solo, "alpha@9")


# ---------------------------------------------------------------- show


def test_show_is_the_file_as_it_was_published_byte_for_byte(live: Live, solo: Clone) -> None:
    more = "# a comment\nmetadata:\n  z: 1\n  a: 2\n"
    solo.skill("alpha", more=more)
    solo.write("skills/alpha/run.sh", "echo one\n", executable=True)
    first = solo.files()
    solo.push()
    solo.commit()
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    solo.write("skills/alpha/run.sh", "echo two\n")
    solo.write("skills/alpha/more.txt", "more\n")
    solo.push()
    found = shown(solo, "alpha@1")
    assert found.paths == ("SKILL.md", "run.sh")
    assert found.data("SKILL.md") == first["skills/alpha/SKILL.md"]
    assert found.data("run.sh") == b"echo one\n"
    with pytest.raises(UsageError, match=r"has no file 'more.txt'"):
        found.data("more.txt")
    assert shown(solo, "alpha@2").data("more.txt") == b"more\n"
    assert shown(solo, "alpha").skill.version.number == 2


def test_what_stays_local_is_no_file_of_a_version(live: Live, solo: Clone) -> None:
    solo.skill("alpha")
    solo.write("skills/alpha/logo.png", b"\x89PNG\0\xff")
    solo.push()
    found = shown(solo, "alpha")
    assert found.paths == ("SKILL.md",)
    with pytest.raises(UsageError, match=r"has no file 'logo.png'"):
        found.data("logo.png")


def test_a_broken_local_file_does_not_keep_a_version_from_being_shown(
    live: Live, solo: Clone
) -> None:
    three_versions(live, solo)
    solo.write("skills/alpha/SKILL.md", "no frontmatter at all\n")
    assert b"Step two." in shown(solo, "alpha@1").data("SKILL.md")


# ---------------------------------------------------------------- diff of versions


def test_versions_are_compared_with_each_other_and_with_the_working_tree(
    live: Live, solo: Clone
) -> None:
    three_versions(live, solo)
    found = compared(solo, "alpha@1", "alpha@3")
    assert (found.before, found.after) == ("alpha@1", "alpha@3")
    assert found.diff
    assert [unit for unit, _, _ in found.diff.units] == ["body"]
    assert [line.text for line in found.diff.lines if line.mark == "added"] == ["Step II."]
    assert [line.text for line in found.diff.lines if line.mark == "removed"] == ["Step two."]
    backwards = compared(solo, "alpha@3", "alpha@1")
    assert backwards.diff
    assert [line.text for line in backwards.diff.lines if line.mark == "added"] == ["Step two."]
    assert compared(solo, "alpha@2").diff is None
    assert compared(solo, "alpha@3").after == "the working tree"
    assert compared(solo, "alpha@2", "alpha").after == "alpha@3"


def test_what_cannot_be_compared_is_said(live: Live, solo: Clone, tmp_path: Path) -> None:
    three_versions(live, solo)
    live.create("webby")
    with pytest.raises(UsageError, match="two versions can be compared, not 3"):
        compared(solo, "alpha@1", "alpha@2", "alpha@3")
    with pytest.raises(UsageError, match="webby is not in the working tree"):
        compared(solo, "webby@1")


# ---------------------------------------------------------------- offline


def test_versions_that_were_read_once_are_shown_and_compared_offline(
    live: Live, solo: Clone
) -> None:
    """From refs/skillsync, and nothing is asked of a server; one that was never read is named."""
    three_versions(live, solo)
    online = shown(solo, "alpha@1"), compared(solo, "alpha@1", "alpha@3")

    def offline(text: str) -> Shown:
        found = show(solo.workspace, solo.target, None, parse_revision(text))
        assert isinstance(found, Shown)
        return found

    kept = offline("alpha@1")
    assert kept.data("SKILL.md") == online[0].data("SKILL.md")
    assert kept.version.id == online[0].version.id
    words = ["alpha@1", "alpha@3"]
    assert diff_versions(solo.workspace, solo.target, None, words) == online[1]
    here = diff_versions(solo.workspace, solo.target, None, ["alpha@3"])
    assert here.diff is not None
    assert offline("alpha").version.number == 3
    with pytest.raises(UsageError, match="v2 of alpha was not read before") as refused:
        offline("alpha@2")
    assert "without --offline" in refused.value.hint


def test_a_version_of_another_incarnation_is_not_shown_offline(live: Live, solo: Clone) -> None:
    solo.skill("alpha")
    solo.skill("other")
    solo.push()
    solo.commit("one")
    shown(solo, "alpha@1")
    live.archive("alpha")
    live.create("alpha", body="made again")
    assert solo.adopt("alpha", Way.REMOTE).exit == 0
    found = show(solo.workspace, solo.target, None, parse_revision("alpha@1"))
    assert b"made again" in found.data("SKILL.md")
    solo.commit("adopted")
    live.archive("alpha")
    live.create("alpha", body="made once more")
    assert solo.adopt("alpha", Way.REMOTE).exit == 0
    found = show(solo.workspace, solo.target, None, parse_revision("alpha@1"))
    assert b"made once more" in found.data("SKILL.md")
    solo.git("reset", "-q", "--hard")
    found = show(solo.workspace, solo.target, None, parse_revision("alpha@1"))
    assert b"made again" in found.data("SKILL.md")  # it is what was taken in, not what is newer


def test_an_archived_skill_is_shown_and_compared_offline(live: Live, solo: Clone) -> None:
    """Every version was kept before it was archived; what is said of the name online leads there."""
    three_versions(live, solo)
    solo.pull()
    solo.skill("other")
    solo.push()
    solo.commit("pointers")
    solo.git("rm", "-rq", "skills/alpha")
    solo.commit("removed")
    latest = live.version("alpha")
    solo.push(archive=["alpha"])
    assert live.skill("alpha") == {}
    with pytest.raises(NotFound) as missing:
        shown(solo, "alpha@2")
    assert f"skillsync show alpha@{latest} --offline" in missing.value.hint
    for number in range(1, latest + 1):
        kept = show(solo.workspace, solo.target, None, parse_revision(f"alpha@{number}"))
        assert kept.version.number == number
        assert kept.data("SKILL.md")
    found = diff_versions(solo.workspace, solo.target, None, ["alpha@1", "alpha@3"])
    assert found.diff is not None
    with pytest.raises(NotFound, match="nothing here"):
        show(solo.workspace, solo.target, None, parse_revision("beta@1"))


def test_the_rows_of_a_dataset_are_not_shown_offline(live: Live, solo: Clone) -> None:
    solo.dataset("sums", [ROW])
    solo.push()
    with pytest.raises(UsageError, match="rows of a dataset"):
        show(solo.workspace, solo.target, None, parse_revision("sums@1"))
