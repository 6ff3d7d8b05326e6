"""Markers end to end against the current dialect: what is recognised exactly, and what proves nothing (sync.md 5.3, B1–B9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from skillsync.errors import ShallowClone
from skillsync.formats.marker import Marker, read_marker
from skillsync.sync.log import log
from skillsync.sync.plan import make_plan
from skillsync.sync.report import Report
from tests.sync.dataset_steps import wrapped
from tests.sync.harness import LIVES, Clone, Live, begin, new_clone, outcome

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    server = LIVES["current"](tmp_path)
    yield server
    server.close()


def job(team: Clone, *, at: str = "main", user: str = "me") -> Clone:
    """A clone that knows nothing but the commits, as a CI job is."""
    number = len([*team.path.parent.glob("job-*")])
    clone = team.clone(team.path.parent / f"job-{number}", user=user)
    clone.git("checkout", "-q", "--detach", "origin/main" if at == "main" else at)
    return clone


def ci(team: Clone, *, at: str = "main", user: str = "me") -> Report:
    clone = job(team, at=at, user=user)
    before = clone.files()
    report = clone.push()
    assert clone.files() == before
    return report


def change(clone: Clone, old: str, new: str) -> str:
    clone.replace(PATH, f"{old}\n", f"{new}\n")
    return clone.commit(new)


def description(live: Live, name: str = "alpha") -> str:
    return str(live.skill(name)["version_description"] or "")


def marker(live: Live, name: str = "alpha") -> Marker:
    found = read_marker(description(live, name))
    assert isinstance(found, Marker), description(live, name)
    return found


@pytest.fixture
def created(team: Clone, live: Live) -> Clone:
    """Alpha, committed and created by CI; nobody ever wrote a pointer."""

    def make() -> None:
        team.skill("alpha", BODY)
        team.commit("Add alpha (#1)")
        report = ci(team)
        assert (report.exit, outcome(report, "alpha").did) == (0, "created v2")

    begin(team, "created", make)
    assert marker(live).commit == team.head()
    return team


# ---------------------------------------------------------------- team mode: CI from fresh clones


def test_ci_creates_marks_and_goes_on_publishing(created: Clone, live: Live) -> None:
    """B9: version 2 carries the marker and the same content; then one version per change and none for nothing."""
    assert description(live).startswith("Add alpha (#1) [skillsync:1 c=")
    for number, word in enumerate(("ONE", "TWO", "THREE"), start=3):
        head = change(created, word.lower(), word)
        assert ci(created).exit == 0
        assert (live.version("alpha"), marker(live).commit) == (number, head)
        assert ci(created).exit == 0
        assert live.version("alpha") == number
    assert live.skill("alpha")["body"] == "ONE\n\nTWO\n\nTHREE\n\nfour\n\nfive"
    assert not (created.path / POINTER).exists()


def test_who_publishes_does_not_matter(created: Clone, live: Live) -> None:
    """By markers, and not by the author as where there are none."""
    change(created, "one", "ONE")
    assert ci(created, user="web").exit == 0
    change(created, "two", "TWO")
    assert ci(created).exit == 0
    assert live.version("alpha") == 4


def test_an_older_job_is_superseded_whatever_the_content(created: Clone, live: Live) -> None:
    """S12, B8: also where the newer commit took the older one's text back."""
    old = change(created, "one", "ONE")
    change(created, "ONE", "one")
    newer = change(created, "two", "TWO")
    assert ci(created).exit == 0
    assert marker(live).commit == newer
    report = ci(created, at=old)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    assert live.version("alpha") == 3


def test_a_foreign_edit_blocks_until_it_was_pulled_even_when_changed_back(
    created: Clone, live: Live
) -> None:
    """B1, B5, S11."""
    live.edit_body("alpha", "five", "FIVE, remotely")
    live.edit_body("alpha", "FIVE, remotely", "five")
    change(created, "one", "ONE")
    report = ci(created)
    assert (report.exit, outcome(report, "alpha").row) == (3, "S11")
    assert created.pull().exit == 0
    created.commit("pulled")
    assert ci(created).exit == 0
    assert live.version("alpha") == 5


def test_two_jobs_of_one_commit_make_one_version(created: Clone, live: Live) -> None:
    """The loser of the race looks again: the winner's marker names this very commit."""
    change(created, "one", "ONE")
    first, second = job(created), job(created)
    reports = race(first, second)
    assert [report.exit for report in reports] == [0, 0]
    assert live.version("alpha") == 3


def test_a_newer_job_that_comes_first_supersedes_and_an_older_one_is_built_upon(
    created: Clone, live: Live
) -> None:
    old = change(created, "one", "ONE")
    newest = change(created, "two", "TWO")
    slow, fast = race(job(created, at=old), job(created, at=newest))
    assert (slow.exit, outcome(slow, "alpha").row) == (0, "S12")
    assert fast.exit == 0
    assert (live.version("alpha"), marker(live).commit) == (3, newest)
    late = change(created, "three", "THREE")
    last = change(created, "four", "FOUR")
    slow, fast = race(job(created, at=last), job(created, at=late))
    assert (slow.exit, fast.exit) == (0, 0)
    assert (live.version("alpha"), marker(live).commit) == (5, last)


def test_a_job_whose_clone_lacks_the_newer_commit_says_so(created: Clone, live: Live) -> None:
    """Whether it is superseded cannot be told, so that it blocks; a fetch tells."""
    change(created, "one", "ONE")
    older = job(created)
    newest = change(created, "two", "TWO")
    assert ci(created).exit == 0
    report = older.push()
    about = outcome(report, "alpha")
    assert (report.exit, about.row) == (3, "S10")
    assert newest[:12] in about.message
    assert "git fetch" in about.message
    older.git("fetch", "-q")
    assert older.push().exit == 0
    assert live.version("alpha") == 3


def race(slow: Clone, fast: Clone) -> list[Report]:
    """Both decide; then the fast one publishes first."""
    reports: list[Report] = []

    def overtake(request: httpx.Request) -> None:
        if request.method == "PATCH" and not reports:
            reports.append(fast.push())

    wrapped(slow).before = overtake
    reports.insert(0, slow.push())
    return reports


def test_a_shallow_clone_says_what_it_needs(created: Clone, live: Live, tmp_path: Path) -> None:
    """B7: never a guess; the error names the fix."""
    change(created, "one", "ONE")
    created.commit("nothing of alpha")
    shallow = Clone(live, tmp_path / "shallow")
    created.git("clone", "-q", "--depth", "1", f"file://{created.path}", str(shallow.path))
    report = shallow.push()
    about = outcome(report, "alpha")
    assert (report.exit, about.code) == (ShallowClone.exit_code, "E-SHALLOW")
    assert "fetch-depth: 0" in about.fix
    assert live.version("alpha") == 2
    shallow.git("fetch", "-q", "--unshallow")
    assert shallow.push().exit == 0
    assert live.version("alpha") == 3


def test_a_moved_folder_is_found_by_its_name(created: Clone, live: Live) -> None:
    created.git("mv", "skills/alpha", "skills/beta")
    created.commit("moved")
    report = ci(created)
    assert (report.exit, report.outcomes) == (0, [])
    created.replace("skills/beta/SKILL.md", "one\n", "ONE\n")
    created.commit("changed")
    assert ci(created).exit == 0
    assert live.version("alpha") == 3


def test_a_deleted_skill_of_ci_stays_deleted(created: Clone, live: Live) -> None:
    """P12: markers and history say that it was here; no pointer ever did."""
    created.git("rm", "-rq", "skills/alpha")
    created.commit("deleted")
    report = ci(created)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S13")
    assert created.pull().exit == 0
    assert not (created.path / PATH).exists()
    live.edit_body("alpha", "five", "FIVE")
    report = created.pull()
    assert (report.exit, outcome(report, "alpha").row) == (4, "S14")
    assert not (created.path / PATH).exists()


def test_one_list_tells_a_job_that_nothing_is_due(created: Clone, live: Live) -> None:
    for name in ("beta", "gamma", "delta"):
        created.skill(name, BODY)
    created.commit("more")
    assert ci(created).exit == 0
    clone = job(created)
    assert clone.push().exit == 0
    assert clone.requests is not None
    assert [path.partition("?")[0] for _, path in clone.requests.made] == [
        "/api/environments/1/llm_skills"
    ]


# ---------------------------------------------------------------- a creation whose marker is missing (B9)


def fail_marking(clone: Clone) -> None:
    def before(request: httpx.Request) -> None:
        if request.method == "PATCH":
            raise KeyboardInterrupt

    wrapped(clone).before = before


def test_a_job_that_died_before_the_marker_is_finished_by_the_next(team: Clone, live: Live) -> None:
    team.skill("alpha", BODY)
    head = team.commit("alpha")
    dead = job(team)
    fail_marking(dead)
    with pytest.raises(KeyboardInterrupt):
        dead.push()
    assert live.version("alpha") == 1
    report = ci(team)
    assert (report.exit, outcome(report, "alpha").row) == (0, "S4")
    assert (live.version("alpha"), marker(live).commit) == (2, head)
    assert ci(team).outcomes == []


def test_a_job_that_died_before_the_marker_does_not_stop_later_commits(
    team: Clone, live: Live
) -> None:
    team.skill("alpha", BODY)
    team.commit("alpha")
    dead = job(team)
    fail_marking(dead)
    with pytest.raises(KeyboardInterrupt):
        dead.push()
    head = change(team, "one", "ONE")
    assert ci(team).exit == 0
    assert (live.version("alpha"), marker(live).commit) == (2, head)


@pytest.mark.parametrize("content", [BODY, "something else"])
def test_somebody_elses_version_1_is_never_marked_nor_built_upon(
    team: Clone, live: Live, content: str
) -> None:
    team.skill("alpha", BODY)
    team.commit("alpha")
    live.create("alpha", body=content)
    assert ci(team).exit == (0 if content is BODY else 4)
    change(team, "one", "ONE")
    assert ci(team).exit == 4
    assert (live.version("alpha"), description(live)) == (1, "")


# ---------------------------------------------------------------- solo


def test_what_is_committed_is_named_and_what_is_not_is_not(solo: Clone, live: Live) -> None:
    solo.skill("alpha", BODY)
    assert solo.push().exit == 0
    assert live.version("alpha") == 1, (
        "a marker without a commit says nothing: no version is made for it"
    )
    head = solo.commit("pushed")
    change(solo, "one", "ONE")
    assert solo.push().exit == 0
    assert (live.version("alpha"), marker(live).commit) == (2, solo.git("rev-parse", "HEAD"))
    solo.replace(PATH, "two\n", "TWO\n")
    assert solo.push().exit == 0
    assert (live.version("alpha"), marker(live).commit) == (3, None)
    assert description(live).startswith("uncommitted changes after: ONE [skillsync:1 n=")
    assert head


def test_the_pointer_may_be_forgotten_where_the_commit_is_named(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """Nobody has to commit the pointer of a clean publish: the marker says it in every clone."""
    solo.skill("alpha", BODY)
    solo.commit("alpha")
    assert solo.push().exit == 0
    solo.git("rm", "-q", "-f", "--cached", POINTER)
    other = solo.clone(tmp_path / "other", user="web")
    assert not (other.path / POINTER).exists()
    assert other.status().is_clean
    change(other, "one", "ONE")
    assert other.push().exit == 0
    assert live.version("alpha") == 3


def test_an_older_commit_publishes_nothing(solo: Clone, live: Live) -> None:
    """The test of any shortcut; what is clean is superseded, what is edited is blocked."""
    solo.skill("alpha", BODY)
    old = solo.commit("alpha")
    change(solo, "one", "ONE")
    assert solo.push().exit == 0
    solo.commit("pointer")
    solo.git("checkout", "-q", old)
    report = solo.push()
    assert (report.exit, outcome(report, "alpha").row) == (0, "S12")
    solo.replace(PATH, "three\n", "THREE\n")
    report = solo.push()
    assert (report.exit, outcome(report, "alpha").row) == (3, "S10")
    assert live.version("alpha") == 2
    assert solo.pull().exit == 0
    assert "ONE\n\ntwo\n\nTHREE" in solo.read(PATH)


# ---------------------------------------------------------------- markers that prove nothing (14.6 #107)


def forge(live: Live, text: str, **fields: str) -> None:
    live.edit("alpha", **{"body": "Somebody's own words.", **fields}, version_description=text)


@pytest.mark.parametrize(
    ("why", "token"),
    [
        ("cut", "[skillsync:1 c={commit} d={digest} n=0bad"),
        ("short", "[skillsync:1 c={commit:.12} d={digest} n=0badf00d]"),
        ("another format", "[skillsync:2 c={commit} d={digest} n=0badf00d]"),
        ("other files", "[skillsync:1 c={commit} d=0123456789abcdef n=0badf00d]"),
    ],
)
def test_a_damaged_or_false_marker_is_reported_and_its_version_foreign(
    created: Clone, live: Live, why: str, token: str
) -> None:
    real = marker(live)
    forge(live, f"{why} {token.format(commit=real.commit, digest=real.digest)}")
    change(created, "one", "ONE")
    report = ci(created)
    assert (report.exit, outcome(report, "alpha").row) == (3, "S10")
    assert "W-MARKER" in {problem.code for problem in report.problems}
    assert live.version("alpha") == 3


def test_our_marker_on_foreign_content_is_found_before_anything_is_published_over_it(
    created: Clone, live: Live
) -> None:
    forge(live, description(live))
    change(created, "two", "TWO")
    report = ci(created)
    assert (report.exit, outcome(report, "alpha").row) == (3, "S10")
    assert any("stands on other content" in problem.message for problem in report.problems)
    assert live.version("alpha") == 3
    report = created.pull()
    assert (report.exit, outcome(report, "alpha").row) == (4, "S10")
    assert "Somebody's own words." in created.read(PATH)


@pytest.mark.parametrize("what", ["tag", "blob", "nobody's", "another repository's"])
def test_a_marker_that_names_no_commit_of_this_clone_is_no_edge(
    created: Clone, live: Live, what: str, tmp_path: Path
) -> None:
    real = marker(live)
    created.git("tag", "-a", "-m", "tagged", "v1")
    names = {
        "tag": created.git("rev-parse", "v1"),
        "blob": created.git("rev-parse", f"HEAD:{PATH}"),
        "nobody's": "1" * 40,
    }
    if what == "another repository's":
        names[what] = new_clone(live, tmp_path / "another").git("rev-parse", "HEAD")[::-1]
    forge(live, f"[skillsync:1 c={names[what]} d={real.digest} n=0badf00d]")
    change(created, "one", "ONE")
    assert ci(created).exit == 3
    assert live.version("alpha") == 3


# ---------------------------------------------------------------- all common ancestors (B4)


def test_a_branch_published_knowingly_is_merged_with_all_ancestors(
    created: Clone, live: Live
) -> None:
    """Criss-cross: each branch merged the other's, and settled line two its own way."""
    created.git("switch", "-q", "-c", "left")
    change(created, "two", "left")
    created.git("switch", "-q", "-c", "right", "main")
    change(created, "two", "right")
    left, right = created.git("rev-parse", "left"), created.git("rev-parse", "right")
    created.git("merge", "-q", "-s", "ours", "--no-edit", left)
    created.git("switch", "-q", "left")
    created.git("merge", "-q", "-s", "ours", "--no-edit", right)
    assert len(created.git("merge-base", "--all", "left", "right").split()) == 2
    assert created.push(from_branch=True).exit == 0
    created.git("checkout", "-q", "-f", "right")
    report = created.pull()
    about = outcome(report, "alpha")
    assert (report.exit, about.row) == (4, "S10")
    assert [conflict.unit for conflict in about.conflicts] == ["body"]
    text = created.read(PATH)
    assert "left" in text
    assert "right" in text
    assert "[the common ancestors differ here]" in text


def test_what_only_one_side_changed_since_the_fork_is_merged(created: Clone, live: Live) -> None:
    """No pointer and no common version is needed: the fork is the base."""
    created.git("switch", "-q", "-c", "left")
    change(created, "one", "ONE")
    assert created.push(from_branch=True).exit == 0
    created.git("checkout", "-q", "-f", "main")
    change(created, "five", "FIVE")
    assert created.pull().exit == 0
    assert "ONE\n\ntwo\n\nthree\n\nfour\n\nFIVE" in created.read(PATH)


def everybody_says(clone: Clone, row: str, effect: str, pushed: int) -> None:
    """What status, plan and push say of alpha before it is pulled: one decision."""
    [line] = clone.status().lines
    with clone.connect(clone.target) as remote:
        _, plan = make_plan(clone.workspace, clone.target, remote)
    assert (line.row, [action.effect for action in plan.actions]) == (row, [effect])
    report = clone.push(from_branch=True)
    assert (report.exit, outcome(report, "alpha").row) == (pushed, row)


def test_taking_back_what_was_never_published_is_an_edit_like_any_other(
    created: Clone, live: Live
) -> None:
    """B4: the branch is as the version that it took in was, and yet it has edited what it shares with main since."""
    change(created, "one", "ONE")
    created.git("switch", "-q", "-c", "branch")
    change(created, "ONE", "one")
    created.git("switch", "-q", "main")
    change(created, "two", "TWO")
    assert ci(created).exit == 0
    created.git("switch", "-q", "branch")
    everybody_says(created, "S10", "merge", 3)
    report = created.pull()
    assert (report.exit, outcome(report, "alpha").row) == (0, "S10")
    assert created.read(PATH).endswith("\none\n\nTWO\n\nthree\n\nfour\n\nfive\n")
    created.commit("pulled")
    assert created.push(from_branch=True).exit == 0
    assert live.skill("alpha")["body"].startswith("one\n\nTWO")


def test_a_server_that_is_as_it_was_may_have_taken_back_what_both_sides_shared(
    created: Clone, live: Live
) -> None:
    """B4: not net zero (S11), for main published an edit of a commit that the branch has as well."""
    change(created, "one", "ONE")
    created.git("switch", "-q", "-c", "branch")
    change(created, "five", "FIVE")
    created.git("switch", "-q", "main")
    change(created, "two", "TWO")
    assert ci(created).exit == 0
    created.write(PATH, created.git("show", "HEAD~2:" + PATH) + "\n")
    created.commit("all as it was")
    assert ci(created).exit == 0
    assert live.skill("alpha")["body"] == BODY.strip()
    created.git("switch", "-q", "branch")
    everybody_says(created, "S10", "merge", 3)
    assert created.pull().exit == 0
    assert created.read(PATH).endswith("\none\n\ntwo\n\nthree\n\nfour\n\nFIVE\n")


def test_a_branch_that_has_no_edit_of_its_own_is_behind(created: Clone, live: Live) -> None:
    """B4: what it has is not what it took in, but what main was made from."""
    change(created, "one", "ONE")
    created.git("switch", "-q", "-c", "branch")
    created.commit("something else")
    created.git("switch", "-q", "main")
    change(created, "two", "TWO")
    assert ci(created).exit == 0
    created.git("switch", "-q", "branch")
    everybody_says(created, "S7", "update", 0)
    report = created.pull()
    assert (report.exit, outcome(report, "alpha").row) == (0, "S7")
    assert created.read(PATH).endswith("\nONE\n\nTWO\n\nthree\n\nfour\n\nfive\n")


# ---------------------------------------------------------------- renames (S20–S22)


@pytest.fixture
def linked(solo: Clone) -> Clone:
    solo.skill("alpha", BODY)
    solo.skill("other")
    solo.commit("alpha")
    assert solo.push().exit == 0
    solo.commit("pointers")
    return solo


def test_a_name_that_was_changed_on_the_server_comes_here_with_its_edits(
    linked: Clone, live: Live
) -> None:
    """S20: push blocks; pull fixes the name, moves the folder, and takes in what else changed."""
    live.rename("alpha", "beta")
    live.edit_body("beta", "five", "FIVE")
    linked.replace(PATH, "one\n", "ONE\n")
    report = linked.push()
    assert (report.exit, outcome(report, "alpha").row) == (3, "S20")
    assert linked.pull().exit == 0
    text = linked.read("skills/beta/SKILL.md")
    assert "name: beta\n" in text
    assert "ONE\n\ntwo\n\nthree\n\nfour\n\nFIVE" in text
    assert not (linked.path / "skills/alpha").exists()
    assert linked.push().exit == 0
    assert live.skill("alpha") == {}
    assert live.version("beta") == 4
    linked.commit("renamed")
    assert linked.status().is_clean


def test_a_folder_that_is_there_already_is_not_replaced(linked: Clone, live: Live) -> None:
    live.rename("alpha", "beta")
    linked.write("skills/beta/notes.md", "mine")
    report = linked.pull()
    assert report.exit in {1, 5}
    assert "skills/beta is there already" in outcome(report, "alpha").message
    assert "name: alpha\n" in linked.read(PATH)
    assert linked.read("skills/beta/notes.md") == "mine"


def test_a_name_that_was_changed_here_is_changed_on_the_server(linked: Clone, live: Live) -> None:
    """S21: the versions stay, and what else was edited follows as the next one."""
    before = live.skill("alpha")["id"]
    linked.replace(PATH, "name: alpha\n", "name: gamma\n")
    assert linked.pull().exit == 0
    report = linked.push()
    assert (report.exit, outcome(report, "gamma").did) == (0, "renamed from alpha")
    assert live.skill("gamma")["id"] == before
    linked.commit("renamed")
    linked.replace(PATH, "name: gamma\n", "name: delta\n")
    linked.replace(PATH, "one\n", "ONE\n")
    report = linked.push()
    assert outcome(report, "delta").did == "renamed from gamma; published v3"
    linked.commit("renamed again")
    assert linked.status().is_clean
    linked.git("mv", "skills/alpha", "skills/epsilon")
    linked.replace("skills/epsilon/SKILL.md", "name: delta\n", "name: epsilon\n")
    linked.commit("renamed, and its folder moved, in one commit")
    assert linked.pull().exit == 0
    assert outcome(linked.push(), "epsilon").did == "renamed from delta"


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_name_that_was_changed_back_on_the_server_comes_here_again(
    linked: Clone, live: Live, *, is_committed: bool
) -> None:
    """S20: a pull wrote the name that the files bear, so that nobody gave it here, committed or not."""
    live.rename("alpha", "beta")
    assert linked.pull().exit == 0
    if is_committed:
        linked.commit("renamed")
    live.rename("beta", "alpha")
    report = linked.push()
    assert (report.exit, outcome(report, "beta").row) == (3, "S20")
    assert live.skill("beta") == {}
    assert linked.pull().exit == 0
    assert "name: alpha\n" in linked.read(PATH)
    assert linked.status().is_clean


def test_a_name_that_was_changed_back_after_a_push_had_changed_it_comes_here(
    linked: Clone, live: Live
) -> None:
    linked.replace(PATH, "name: alpha\n", "name: gamma\n")
    assert outcome(linked.push(), "gamma").did == "renamed from alpha"
    live.rename("gamma", "alpha")
    assert outcome(linked.push(), "gamma").row == "S20"
    assert linked.pull().exit == 0
    assert "name: alpha\n" in linked.read(PATH)


def test_a_skill_whose_pointer_does_not_count_is_not_created_again_under_its_old_name(
    linked: Clone, live: Live
) -> None:
    """S20: git leaves a folder that it does not know where it is; what its line says was taken in is another matter."""
    live.create("zeta", body=BODY)
    assert linked.pull().exit == 0
    linked.git("checkout", "-q", "--detach", "HEAD~1")
    live.rename("zeta", "zeta2")
    report = linked.push()
    assert (report.exit, outcome(report, "zeta").row) == (3, "S20")
    assert live.skill("zeta") == {}
    assert linked.pull().exit == 0
    assert "name: zeta2\n" in linked.read("skills/zeta2/SKILL.md")
    assert not (linked.path / "skills/zeta").exists()
    linked.push()
    assert live.skill("zeta") == {}


def test_a_name_that_was_changed_while_a_conflict_was_decided_is_changed_on_the_server(
    linked: Clone, live: Live
) -> None:
    """S21: the pointer is written once the conflict is decided, beside a name that the server does not have."""
    live.edit_body("alpha", "one", "ONE there")
    linked.replace(PATH, "one\n", "ONE here\n")
    assert linked.pull().exit == 4
    text = linked.read(PATH)
    start, end = text.index("<<<<<<<"), text.index("two\n")
    linked.write(PATH, f"{text[:start]}ONE\n\n{text[end:]}")
    linked.replace(PATH, "name: alpha\n", "name: gamma\n")
    assert linked.resolve("alpha").exit == 0
    report = linked.push()
    assert outcome(report, "gamma").did.startswith("renamed from alpha")
    assert live.skill("alpha") == {}


def test_a_name_that_both_sides_changed_needs_a_person(linked: Clone, live: Live) -> None:
    """S22; the same name on both sides is agreement."""
    linked.replace(PATH, "name: alpha\n", "name: gamma\n")
    live.rename("alpha", "beta")
    for report in (linked.push(), linked.pull()):
        assert (report.exit, outcome(report, "gamma").row) == (4, "S22")
    linked.replace(PATH, "name: gamma\n", "name: beta\n")
    assert linked.pull().exit == 0
    linked.replace(PATH, "one\n", "ONE\n")
    assert linked.push().exit == 0
    assert live.version("beta") == 3


def test_what_ci_published_and_somebody_renamed_is_not_created_again(
    created: Clone, live: Live
) -> None:
    """No pointer names it: its marker does."""
    live.rename("alpha", "beta")
    report = ci(created)
    assert (report.exit, outcome(report, "alpha").row) == (3, "S20")
    assert live.skill("alpha") == {}
    assert created.pull().exit == 0
    assert "name: beta\n" in created.read("skills/beta/SKILL.md")
    created.replace("skills/beta/SKILL.md", "one\n", "ONE\n")
    created.commit("renamed")
    assert ci(created).exit == 0
    assert (live.version("beta"), live.skill("alpha")) == (3, {})


def test_what_ci_published_and_somebody_renamed_and_edited_is_not_created_again(
    created: Clone, live: Live
) -> None:
    """The latest version has no marker any more; an earlier one has, whatever was asked about."""
    change(created, "two", "TWO")
    assert ci(created).exit == 0
    live.rename("alpha", "beta")
    live.edit_body("beta", "five", "FIVE")
    live.edit_body("beta", "four", "FOUR")
    change(created, "one", "ONE")
    clone = job(created)
    for names in ((), ("alpha",), ("skills/alpha",)):
        report = clone.push(*names)
        assert (report.exit, outcome(report, "alpha").row) == (3, "S20")
    assert live.skill("alpha") == {}
    assert created.pull().exit == 0
    text = created.read("skills/beta/SKILL.md")
    assert "ONE\n\nTWO\n\nthree\n\nFOUR\n\nFIVE" in text
    assert not (created.path / PATH).exists()
    created.commit("pulled")
    assert ci(created).exit == 0
    assert (live.version("beta"), live.skill("alpha")) == (6, {})


def lose_pointer(clone: Clone) -> None:
    (clone.path / POINTER).unlink()
    clone.commit("the pointer is lost")


@pytest.mark.parametrize("is_marked", [True, False])
@pytest.mark.parametrize("edits", ["none", "here", "there", "both"])
def test_what_only_history_has_a_pointer_of_and_somebody_renamed_is_not_created_again(
    solo: Clone, live: Live, edits: str, is_marked: bool
) -> None:
    """A line that was lost names the incarnation, also of what was published before its commit and has no marker."""
    solo.skill("alpha", BODY)
    solo.skill("other")
    solo.commit("other text")
    solo.replace(PATH, "one\n", "ONE\n")
    if is_marked:
        solo.commit("ONE")
    assert solo.push("alpha").exit == 0
    assert bool(description(live)) == is_marked
    solo.commit("pointers")
    lose_pointer(solo)
    live.rename("alpha", "beta")
    if edits in {"there", "both"}:
        live.edit_body("beta", "five", "FIVE")
    if edits in {"here", "both"}:
        solo.replace(PATH, "two\n", "TWO\n")
    before = live.version("beta")
    report = solo.push()
    assert (outcome(report, "alpha").exit, outcome(report, "alpha").row) == (3, "S20")
    assert (live.skill("alpha"), live.version("beta")) == ({}, before)
    assert solo.pull().exit == 0
    text = solo.read("skills/beta/SKILL.md")
    assert ("FIVE" in text, "TWO" in text) == (
        edits in {"there", "both"},
        edits in {"here", "both"},
    )
    assert not (solo.path / PATH).exists()
    solo.commit("followed")
    assert solo.push().exit == 0
    assert live.skill("alpha") == {}
    assert "FIVE" in live.skill("beta")["body"] or edits not in {"there", "both"}


def test_a_new_skill_under_a_name_that_another_one_gave_up_is_created(
    linked: Clone, live: Live
) -> None:
    """What was renamed is here under its new name, or was taken out of the folder by a person."""
    live.rename("alpha", "beta")
    assert linked.pull().exit == 0
    linked.commit("followed")
    linked.skill("alpha", "another skill\n")
    assert linked.push().exit == 0
    assert live.skill("alpha")["body"] == "another skill"
    assert live.skill("beta")["body"] == BODY.strip()


def test_earlier_versions_are_asked_for_only_where_a_skill_would_be_created(
    created: Clone, live: Live
) -> None:
    """A bounded number of them, and of skills that nothing here is: one request each, and none the next time."""
    live.create("foreign")
    live.create("many-versions")
    for text in ("Does a.", "Does b.", "Does c."):
        live.edit("many-versions", description=text)

    def asked(clone: Clone) -> list[str]:
        seen = wrapped(clone)
        seen.made.clear()
        assert clone.push().exit == 0
        return [path for _, path in seen.made if "/resolve/" in path]

    assert asked(job(created)) == []
    created.skill("fresh")
    created.commit("fresh")
    clone = job(created)
    assert [path.split("?")[0].rpartition("/")[2] for path in asked(clone)] == ["many-versions"]
    assert asked(clone) == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_foreign_skill_whose_versions_cannot_be_read_keeps_no_other_from_being_created(
    created: Clone, live: Live, status: int
) -> None:
    live.create("foreign")
    for text in ("Does a.", "Does b.", "Does c."):
        live.edit("foreign", description=text)
    created.skill("fresh")
    created.commit("fresh")
    clone = job(created)

    def refused(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/resolve/name/foreign"):
            return response
        said = httpx.ByteStream(b'{"detail": "Not for you."}')
        headers = {"Content-Type": "application/json"}
        return httpx.Response(status, headers=headers, stream=said, request=request)

    wrapped(clone).after = refused
    report = clone.push()
    assert (report.exit, outcome(report, "fresh").row) == (0, "S2")


# ---------------------------------------------------------------- what is said


def test_the_log_names_the_commit_of_a_marker(linked: Clone, live: Live) -> None:
    live.edit_body("alpha", "five", "FIVE")
    with linked.connect(linked.target) as remote:
        found = log(linked.workspace, linked.target, remote, "alpha", most=10)
    hows = [[one.how for one in entry.commits or ()] for entry in found.versions]
    assert hows == [[], ["marker"], []]


def test_git_is_not_asked_about_the_markers_of_each_skill(
    live: Live, solo: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull asks as many processes about the ancestry of many skills' markers as about that of few."""
    names = [f"skill-{number}" for number in range(6)]
    for name in names:
        solo.skill(name, BODY)
    solo.commit("skills")
    solo.push()
    solo.commit("pointers")
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    counts = []
    for changed in (names[:1], names[1:]):
        for name in changed:
            solo.replace(f"skills/{name}/SKILL.md", "three", "THREE")
        commit = solo.commit("three")
        assert solo.push().exit == 0
        for name in changed:
            assert marker(live, name).commit == commit
            live.edit_body(name, "one", "ONE")
        solo.git("checkout", "-q", "--", ".")
        trace.write_text("")
        assert solo.pull().exit == 0
        said = [line for line in trace.read_text().splitlines() if "built-in: git " in line]
        counts.append(len(said))
        solo.commit("pulled")
    assert counts[0] == counts[1]
