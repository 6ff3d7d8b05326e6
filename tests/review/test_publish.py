"""`push --reviewed`: what was reviewed is published over what it was reviewed against, and nothing else ever is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from skillsync.errors import NotReviewed, RefusedForSafety, RemoteAhead
from skillsync.review.compute import Request, compute, policy_at
from skillsync.review.publish import push_reviewed
from skillsync.review.ranges import find_range
from skillsync.review.reviewed import Reviewed, Seen
from skillsync.review.values import Review
from skillsync.sync.push import PushRequest
from skillsync.sync.report import Report
from tests.sync.harness import LIVES, Clone, Live, new_clone

NUMBERS = count()
BODY = "one\n\ntwo\n\nthree\n"


@dataclass
class Team:
    """A repository whose pull requests are reviewed, and the reviews that passed by the commits they brought."""

    clone: Clone
    reviews: dict[str, list[Reviewed]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    jobs: int = 0

    @property
    def live(self) -> Live:
        return self.clone.live

    def branch(self, name: str, at: str = "main") -> None:
        self.clone.git("checkout", "-q", "-b", name, at)

    def review(self, name: str, *, online: bool = True, base: str = "main") -> Review:
        """Review a branch as a trusted job does, and remember that it passed."""
        workspace = self.clone.workspace
        commits, _ = find_range(workspace.repo, f"{base}..{name}", {}, branch=None)
        settings, _ = policy_at(workspace.repo, commits.base, self.clone.path)
        request = Request(commits, commits.base, date(2026, 8, 1), acks=("archive", "permissions"))
        found = compute(
            workspace.repo, settings, settings.target(), request,
            connect=self.clone.connect if online else None,
        )  # fmt: skip
        workspace.repo.close()
        return found

    def passed(self, name: str, *, online: bool = True) -> Review:
        found = self.review(name, online=online)
        assert found.exit_code == 0, found.gates
        self.reviews.setdefault(found.range.head, []).append(
            Reviewed.of(found, f"the check of {name}")
        )
        return found

    def merge(self, name: str, *, how: str = "merge") -> str:
        """Merge as a forge does; a squash is a commit of its own, which the forge knows to be the pull request's."""
        clone = self.clone
        reviews = self.reviews.get(clone.git("rev-parse", name), [])
        clone.git("checkout", "-q", "main")
        if how == "squash":
            clone.git("merge", "-q", "--squash", name)
            clone.git("commit", "-q", "-m", f"squashed {name}")
        else:
            clone.git("merge", "-q", "--no-ff", "-m", f"merge {name}", name)
        head = clone.git("rev-parse", "HEAD")
        self.reviews.setdefault(head, []).extend(reviews)
        return head

    def push(
        self, *, strict: bool = True, known: Sequence[Reviewed] = (), **options: object
    ) -> Report:
        """Publish main from a fresh clone, as a job does."""
        self.jobs += 1
        job = self.clone.clone(self.clone.path.parent / f"job-{self.jobs}")
        job.git("checkout", "-q", "--detach", "origin/main")
        workspace = job.workspace

        def find(commit: str) -> Sequence[Reviewed]:
            self.asked.append(commit)
            return self.reviews.get(commit, [])

        def seen(head: str) -> Seen:
            return Seen(workspace, head, list(known), find=None if known else find, strict=strict)

        request = PushRequest(clock=job.clock, **options)  # type: ignore[arg-type]
        try:
            return push_reviewed(workspace, job.target, job.connect, request, seen=seen)
        finally:
            workspace.repo.close()


@pytest.fixture(scope="module", params=["seed", pytest.param("current", marks=pytest.mark.slow)])
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    server = LIVES[request.param](tmp_path_factory.mktemp("store"))
    yield server
    server.close()


@pytest.fixture
def team(live: Live, tmp_path: Path) -> Team:
    """Two skills and a dataset on main, published from it; each test has names of its own in the one store."""
    clone = new_clone(live, tmp_path / "team", team="main")
    mark = f"t{next(NUMBERS)}"
    text = clone.read("skillsync.toml").replace(
        "project = 1", f'project = 1\nskills = ["{mark}-*"]\ndatasets = ["{mark}-*"]'
    )
    clone.write("skillsync.toml", text)
    made = Team(clone)
    for name in ("alpha", "beta"):
        clone.skill(f"{mark}-{name}", BODY)
        clone.write(f"skills/{mark}-{name}/notes.md", "Notes.\n")
    clone.dataset(f"{mark}-rows", ['{"id": "a", "input": 1}', '{"id": "b", "input": 2}'])
    clone.commit("begun")
    report = clone.push()
    assert report.exit == 0, report
    return made


@pytest.fixture
def mark(team: Team) -> str:
    return next((team.clone.path / "skills").iterdir()).name.rpartition("-")[0]


def edit(team: Team, name: str, old: str, new: str) -> None:
    team.clone.replace(f"skills/{name}/SKILL.md", f"{old}\n", f"{new}\n")
    team.clone.commit(f"{name}: {new}")


@pytest.mark.parametrize("how", ["merge", pytest.param("squash", marks=pytest.mark.slow)])
def test_what_was_reviewed_is_published_once_and_a_second_run_asks_nobody(
    team: Team, mark: str, how: str
) -> None:
    name = f"{mark}-alpha"
    before = team.live.version(name)
    team.branch("pr")
    edit(team, name, "one", "ONE")
    review = team.passed("pr")
    team.merge("pr", how=how)
    assert team.push().exit == 0
    change = next(one for one in review.skills if one.name == name)
    assert team.live.version(name) == change.versions.next == before + 1
    asked = len(team.asked)
    assert team.push().exit == 0
    assert (team.live.version(name), len(team.asked)) == (before + 1, asked)


def test_what_nobody_reviewed_is_refused(team: Team, mark: str) -> None:
    """A direct push to the branch, also where everything else was reviewed: all or nothing."""
    team.branch("pr")
    edit(team, f"{mark}-alpha", "one", "ONE")
    team.passed("pr")
    team.merge("pr")
    edit(team, f"{mark}-beta", "one", "ONE")
    before = team.live.version(f"{mark}-alpha")
    for strict in (True, False):
        with pytest.raises(NotReviewed, match=f"{mark}-beta is in no review"):
            team.push(strict=strict)
    assert team.live.version(f"{mark}-alpha") == before


@pytest.mark.slow
def test_a_commit_after_the_review_is_refused_and_so_is_bringing_an_old_text_back(
    team: Team, mark: str
) -> None:
    name = f"{mark}-alpha"
    team.branch("pr")
    edit(team, name, "one", "ONE")
    team.passed("pr")
    team.merge("pr")
    assert team.push().exit == 0
    team.branch("next")
    edit(team, name, "ONE", "UNO")
    team.passed("next")
    team.merge("next")
    assert team.push().exit == 0
    latest = team.live.version(name)
    edit(team, name, "UNO", "ONE")  # every byte of it was reviewed once
    with pytest.raises(NotReviewed, match="in no review"):
        team.push(strict=False)
    edit(team, name, "ONE", "EINS")
    with pytest.raises(NotReviewed):
        team.push(strict=False)
    assert team.live.version(name) == latest


@pytest.mark.slow
def test_a_merge_that_takes_an_old_side_brings_nothing_back(team: Team, mark: str) -> None:
    """Git's own log, asked for a folder, follows the side that a merge took, and forgets the merge."""
    name = f"{mark}-alpha"
    clone = team.clone
    for branch, old, new in (("pr", "one", "ONE"), ("next", "ONE", "UNO")):
        team.branch(branch, "main")
        edit(team, name, old, new)
        team.passed(branch)
        team.merge(branch)
        assert team.push().exit == 0
    old = clone.git("rev-parse", "pr")
    tree = clone.git("rev-parse", "pr^{tree}")
    merge = clone.git("commit-tree", "-p", "main", "-p", old, "-m", "nothing to see here", tree)
    clone.git("reset", "-q", "--hard", merge)
    with pytest.raises(NotReviewed, match="in no review"):
        team.push(strict=False)


@pytest.mark.slow
def test_a_pull_request_that_somebody_merged_by_hand_counts(team: Team, mark: str) -> None:
    name = f"{mark}-alpha"
    team.branch("pr")
    edit(team, name, "one", "ONE")
    team.passed("pr")
    team.merge("pr")
    del team.reviews[team.clone.git("rev-parse", "main")]
    assert team.push().exit == 0
    assert "ONE" in team.live.skill(name)["body"]


def test_the_store_that_moved_after_the_review_is_exit_3_and_nothing_is_published(
    team: Team, mark: str
) -> None:
    team.branch("pr")
    edit(team, f"{mark}-alpha", "one", "ONE")
    edit(team, f"{mark}-beta", "one", "ONE")
    team.passed("pr")
    team.merge("pr")
    moved = team.live.edit_body(f"{mark}-alpha", "three", "three, in the web page")
    other = team.live.version(f"{mark}-beta")
    with pytest.raises(RemoteAhead) as refused:
        team.push()
    assert refused.value.exit_code == 3
    assert f"{mark}-alpha" in refused.value.message
    assert team.live.version(f"{mark}-alpha") == moved
    assert team.live.version(f"{mark}-beta") == other


@pytest.mark.slow
def test_what_only_the_store_changed_elsewhere_is_no_matter(team: Team, mark: str) -> None:
    team.branch("pr")
    edit(team, f"{mark}-alpha", "one", "ONE")
    team.passed("pr")
    team.merge("pr")
    team.live.edit_body(f"{mark}-beta", "three", "three, in the web page")
    assert team.push().exit == 0
    assert "ONE" in team.live.skill(f"{mark}-alpha")["body"]


def test_a_text_that_git_made_of_two_pull_requests_was_never_seen_whole(
    team: Team, mark: str
) -> None:
    name = f"{mark}-alpha"
    for branch, old, new in (("one", "one", "ONE"), ("three", "three", "THREE")):
        team.branch(branch, "main")
        edit(team, name, old, new)
    team.passed("one")
    team.passed("three")
    team.merge("one")
    team.merge("three")
    before = team.live.version(name)
    with pytest.raises(NotReviewed, match=r"nobody reviewed .*SKILL\.md"):
        team.push()
    assert team.live.version(name) == before
    report = team.push(strict=False)
    assert any("nobody reviewed" in note for note in report.notes)
    assert team.live.version(name) == before + 1


@pytest.mark.slow
def test_two_pull_requests_that_touch_other_files_of_a_skill_were_seen_whole(
    team: Team, mark: str
) -> None:
    name = f"{mark}-alpha"
    team.branch("text", "main")
    edit(team, name, "one", "ONE")
    team.branch("file", "main")
    team.clone.write(f"skills/{name}/notes.md", "More notes.\n")
    team.clone.write(f"skills/{name}/extra.md", "Extra.\n")
    team.clone.commit("files")
    team.passed("text")
    team.passed("file")
    team.merge("text", how="squash")
    team.merge("file", how="squash")
    assert team.push().exit == 0
    found = team.live.skill(name)
    assert "ONE" in found["body"]
    assert found["contents"]["notes.md"].strip() == "More notes."


@pytest.mark.slow
def test_a_file_that_went_without_a_review_is_refused(team: Team, mark: str) -> None:
    name = f"{mark}-alpha"
    team.branch("pr")
    edit(team, name, "one", "ONE")
    team.passed("pr")
    clone = team.clone
    clone.git("checkout", "-q", "main")
    clone.git("merge", "-q", "--no-ff", "--no-commit", "pr")
    clone.git("rm", "-q", f"skills/{name}/notes.md")
    clone.git("commit", "-q", "-m", "merge, and a little more")
    team.reviews[clone.git("rev-parse", "HEAD")] = team.reviews[clone.git("rev-parse", "pr")]
    with pytest.raises(NotReviewed, match=r"notes\.md"):
        team.push()


def test_rows_are_held_against_reviews_one_by_one(team: Team, mark: str) -> None:
    path = f"datasets/{mark}-rows/items.jsonl"
    clone = team.clone
    team.branch("pr")
    clone.write(path, '{"id": "a", "input": 10}\n{"id": "c", "input": 3}\n')
    clone.commit("rows")
    review = team.passed("pr")
    team.merge("pr", how="squash")
    dataset = next(one["id"] for one in team.live.datasets() if one["name"] == f"{mark}-rows")
    assert team.push(archive=[f"{mark}-rows"]).exit == 0
    assert {row["metadata"]["skillsync_id"]: row["input"] for row in team.live.rows(dataset)} == {"a": 10, "c": 3}  # fmt: skip
    clone.write(path, '{"id": "a", "input": 11}\n')
    clone.commit("more")
    head = clone.git("rev-parse", "HEAD")
    team.reviews[head] = [Reviewed.of(review, "another's review")]
    with pytest.raises(NotReviewed, match=r"\(a\); no review archives .*:c"):
        team.push(archive=[f"{mark}-rows"])
    with pytest.raises(NotReviewed, match=r"no review archives .*:c"):
        team.push(archive=[f"{mark}-rows"], strict=False)


@pytest.mark.slow
def test_a_new_dataset_and_an_archived_skill(team: Team, mark: str) -> None:
    clone = team.clone
    team.branch("pr")
    clone.dataset(f"{mark}-new", ['{"id": "x", "input": 1}'])
    clone.git("rm", "-q", "-r", f"skills/{mark}-beta")
    clone.commit("new and gone")
    team.passed("pr")
    team.merge("pr", how="squash")
    assert team.push(archive=[f"{mark}-beta"]).exit == 0
    assert team.live.version(f"{mark}-beta") == 0
    assert f"{mark}-new" in {one["name"] for one in team.live.datasets()}
    clone.git("rm", "-q", "-r", f"skills/{mark}-alpha")
    clone.commit("gone, directly")
    with pytest.raises(NotReviewed, match=f"{mark}-alpha is in no review"):
        team.push(archive=[f"{mark}-alpha"])
    assert team.push().exit == 0  # without --archive its removal is pending
    assert team.live.version(f"{mark}-alpha") > 0


def test_a_review_that_somebody_names_counts_for_its_own_content(team: Team, mark: str) -> None:
    name = f"{mark}-alpha"
    team.branch("pr")
    edit(team, name, "one", "ONE")
    one = Reviewed.of(team.passed("pr"), "the file")
    offline = Reviewed.of(team.passed("pr", online=False), "the file")
    team.merge("pr")
    with pytest.raises(NotReviewed, match="did not ask the store"):
        team.push(known=[offline])
    assert team.push(known=[one]).exit == 0
    edit(team, name, "ONE", "EINS")
    with pytest.raises(NotReviewed, match="nobody reviewed"):
        team.push(known=[one])


def test_a_race_after_the_check_writes_over_nobody(team: Team, mark: str) -> None:
    """The store moves between what was checked and the write: its comparison refuses, and the run ends with 3."""
    name = f"{mark}-alpha"
    team.branch("pr")
    edit(team, name, "one", "ONE")
    team.passed("pr")
    team.merge("pr")
    clone = team.clone
    _ = clone.connect
    assert clone.requests is not None
    left = [name]

    def before(request: object) -> None:
        if left and getattr(request, "method", "") == "PATCH":
            team.live.edit_body(left.pop(), "three", "three, just now")

    job = clone.clone(clone.path.parent / "racing")
    job.git("checkout", "-q", "--detach", "origin/main")
    _ = job.connect
    assert job.requests is not None
    job.requests.before = before
    workspace = job.workspace
    seen = Seen(workspace, workspace.repo.head() or "", find=lambda commit: team.reviews.get(commit, []))  # fmt: skip
    report = push_reviewed(
        workspace, job.target, job.connect, PushRequest(clock=job.clock), seen=lambda _: seen)  # fmt: skip
    assert report.exit == 3
    assert "three, just now" in team.live.skill(name)["body"]
    assert "ONE" not in team.live.skill(name)["body"]


def test_a_working_tree_was_reviewed_by_nobody(live: Live, tmp_path: Path) -> None:
    solo = new_clone(live, tmp_path / "solo")
    with pytest.raises(RefusedForSafety, match="publish_branch"):
        push_reviewed(
            solo.workspace, solo.target, solo.connect, PushRequest(clock=solo.clock),
            seen=lambda head: Seen(solo.workspace, head))  # fmt: skip
