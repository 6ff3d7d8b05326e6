"""Random worlds of people, pull requests, jobs and lost answers: nothing unreviewed is published, nothing lost, nothing twice."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from skillsync.errors import NotReviewed, RemoteAhead, SkillsyncError
from skillsync.review.publish import push_reviewed
from skillsync.review.reviewed import Reviewed, Seen
from skillsync.sync.pull_branch import BranchRequest, compose
from skillsync.sync.push import PushRequest
from tests.review.test_publish import Team
from tests.sync.harness import LIVES, Clone, Requests, new_clone

NAMES = ("alpha", "beta")
BODY = "one\n\ntwo\n\nthree\n\nweb\n"
_TOKEN = re.compile(r"w[0-9]+")


class Lost(Exception):
    """The job was cancelled, or its connection died."""


@dataclass
class Machine:
    """One world. ``seen`` are the texts of SKILL.md that a review saw whole."""

    team: Team
    random: random.Random
    open: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    words: int = 0
    exits: list[int] = field(default_factory=list)

    @property
    def clone(self) -> Clone:
        return self.team.clone

    def word(self, letter: str) -> str:
        self.words += 1
        return f"{letter}{self.words}"

    # ------------------------------------------------------------ what happens

    def web(self) -> None:
        """Somebody edits in the web page: the last line gets a word more."""
        name = self.random.choice(NAMES)
        body = self.team.live.skill(name)["body"]
        self.team.live.edit(name, body=f"{body} {self.word('w')}")

    def branch(self) -> None:
        """Somebody opens a pull request that changes one line."""
        branch = self.word("pr")
        self.team.branch(branch, "main")
        name, line = self.random.choice(NAMES), self.random.choice([0, 2, 4])
        path = f"skills/{name}/SKILL.md"
        head, _, body = self.clone.read(path).partition("---\n\n")
        lines = body.split("\n")
        lines[line] = f"{lines[line].split(' ')[0]} {self.word('g')}"
        self.clone.write(path, f"{head}---\n\n" + "\n".join(lines))
        self.clone.commit(branch)
        self.clone.git("checkout", "-q", "main")
        self.open.append(branch)

    def merge(self) -> None:
        """A pull request whose review passes is merged, where git can do it."""
        if not self.open:
            return
        branch = self.open.pop(self.random.randrange(len(self.open)))
        if self.random.random() < 0.3:  # somebody updates it first
            self.clone.git("checkout", "-q", branch)
            self.clone.git("merge", "-q", "-m", "update", "main", check=False)
            self.give_up()
        self.clone.git("checkout", "-q", "main")
        review = self.team.review(branch)
        if review.exit_code:
            return
        head = review.range.head
        self.team.reviews[head] = [Reviewed.of(review, branch)]
        for name in NAMES:
            self.seen.add(self.clone.git("show", f"{head}:skills/{name}/SKILL.md"))
        squash = self.random.random() < 0.5
        how = ["--squash"] if squash else ["--no-ff", "-m", branch]
        self.clone.git("merge", "-q", *how, branch, check=False)
        if self.give_up() or (squash and not self.clone.git("status", "--porcelain")):
            return
        if squash:
            self.clone.git("commit", "-q", "-m", branch)
        self.team.reviews[self.clone.git("rev-parse", "main")] = self.team.reviews[head]

    def give_up(self) -> bool:
        """Take a merge back that left a conflict, and tell whether there was one."""
        if not self.clone.git("diff", "--name-only", "--diff-filter=U"):
            return False
        self.clone.git("reset", "-q", "--hard")
        return True

    def directly(self) -> None:
        """Somebody pushes to the branch without a review; now and then they take it back."""
        name = self.random.choice(NAMES)
        text = self.clone.read(f"skills/{name}/SKILL.md")
        self.clone.write(f"skills/{name}/SKILL.md", text.replace("\n\ntwo", f" {self.word('d')}\n\ntwo"))  # fmt: skip
        self.clone.commit("directly")
        if self.random.random() < 0.7:
            self.clone.git("revert", "--no-edit", "HEAD")

    def back(self) -> None:
        """The store's edits come as a branch and wait for a review like any other."""
        workspace = self.clone.workspace
        found = compose(
            workspace, self.clone.target, self.clone.connect,
            BranchRequest("main", self.clone.git("rev-parse", "main"), clock=self.clone.clock),
        )  # fmt: skip
        workspace.repo.close()
        for made in found.made:
            branch = self.word("back")
            self.clone.git("branch", branch, made.tip)
            self.open.append(branch)

    def push(self) -> None:
        """A job publishes, strictly; it may die at any request, before or after the server did it."""
        self.team.jobs += 1
        job = self.clone.clone(self.clone.path.parent / f"job-{self.team.jobs}")
        job.git("checkout", "-q", "--detach", "origin/main")
        job.requests = Requests(httpx.WSGITransport(app=self.team.live.app))
        left = self.random.choice([None, None, 0, 1, 2])
        after = self.random.random() < 0.5

        def dies(method: str) -> None:
            nonlocal left
            if left is not None and method not in {"GET", "HEAD"}:
                left -= 1
                if left < 0:
                    raise Lost

        if after:
            job.requests.after = lambda request, response: (dies(request.method), response)[1]  # type: ignore[func-returns-value]
        else:
            job.requests.before = lambda request: dies(request.method)
        workspace = job.workspace
        seen = Seen(workspace, workspace.repo.head() or "", find=lambda commit: self.team.reviews.get(commit, []))  # fmt: skip
        try:
            report = push_reviewed(
                workspace, job.target, job.connect, PushRequest(clock=job.clock), seen=lambda _: seen
            )  # fmt: skip
            self.exits.append(report.exit)
        except (RemoteAhead, NotReviewed) as error:
            self.exits.append(error.exit_code)
        except (Lost, SkillsyncError):
            self.exits.append(-1)
        finally:
            with suppress(SkillsyncError):
                workspace.repo.close()

    # ------------------------------------------------------------ what must hold

    def check(self) -> None:
        known = {_content(text) for text in self.seen}
        for name in NAMES:
            with self.team.live.api("me") as client:
                latest = client.get(f"llm_skills/name/{name}").json()["version"]
                versions = [client.get(f"llm_skills/name/{name}", params={"version": number}).json() for number in range(1, latest + 1)]  # fmt: skip
            ours = [one["created_by"]["email"].startswith("me") for one in versions]
            for before, now, is_ours in zip(versions, versions[1:], ours[1:], strict=False):
                if not is_ours:
                    continue
                assert now["body"].strip() in known, "a text that nobody reviewed whole"
                words = set(_TOKEN.findall(before["body"]))
                assert words <= set(_TOKEN.findall(now["body"])), "an edit of the web page is lost"
                assert now["body"] != before["body"], "the same version twice"


def _content(text: str) -> str:
    return text.partition("---\n\n")[2].strip()


def play(seed: int, folder: Path, *, steps: int) -> Machine:
    folder.mkdir(parents=True, exist_ok=True)
    server = LIVES["seed"](folder)
    clone = new_clone(server, folder / "team", team="main")
    for name in NAMES:
        clone.skill(name, BODY)
    clone.commit("begun")
    assert clone.push().exit == 0
    assert clone.pull().exit == 0
    clone.commit("pointers")
    machine = Machine(Team(clone), random.Random(seed))
    todo = [machine.web, machine.branch, machine.branch, machine.merge, machine.merge, machine.merge, machine.push, machine.push, machine.back, machine.directly]  # fmt: skip
    weights = [3, 4, 4, 4, 4, 4, 4, 4, 3, 1]
    for _ in range(steps):
        machine.random.choices(todo, weights)[0]()
        machine.check()
    server.close()
    return machine


@pytest.mark.soak
def test_random_worlds_publish_nothing_unreviewed_lose_nothing_and_repeat_nothing(
    tmp_path: Path,
) -> None:
    exits: list[int] = []
    for seed in range(60):
        machine = play(seed, tmp_path / str(seed), steps=30)
        exits += machine.exits
    assert {0, 3, 6, -1} == set(exits), exits


@pytest.mark.slow
def test_a_random_world(tmp_path: Path) -> None:
    machine = play(7, tmp_path / "world", steps=14)
    assert set(machine.exits) <= {0, 3, 6, -1}
